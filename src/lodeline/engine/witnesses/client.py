"""Asking witnesses over HTTP: for cosignatures, and for what they saw last.

A witness is not trusted: its cosignature is verified before it is kept, and what it says it saw
counts only as far as the log has signed it. Nothing is followed elsewhere, and no answer is read
beyond what it may hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import httpx

from lodeline.engine.published_log import Fetch, PublishedFileMissing
from lodeline.engine.witnesses.app import SIZE_TYPE
from lodeline.engine.witnesses.request import AddCheckpoint
from lodeline.engine.witnesses.shelf import origin_hash
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Origin, parse_checkpoint_text
from lodeline.ledger.cosignature import WitnessKey, verified_witnesses
from lodeline.ledger.merkle import MAX_TREE_SIZE, ConsistencyProof, TreeSize
from lodeline.ledger.signednote import MAX_NOTE_BYTES, Note, parse_note
from lodeline.ledger.tiles import MAX_ENTRY_BYTES, TILE_WIDTH

__all__ = [
    "Cosigned",
    "ProveGrowth",
    "WitnessAnswered",
    "WitnessClient",
    "WitnessCosignedNothing",
    "WitnessUnreachable",
    "cosigned_by",
    "from_url",
]

ProveGrowth = Callable[[TreeSize, TreeSize], ConsistencyProof]
"""Makes the proof that the log of one size continues that of another."""
_TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)
_TRIES: Final = 3
"""Times that a size is asked for; the log may be sent by somebody else at the same time."""
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_OK: Final = 200
_MAX_FILE: Final = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)


class WitnessProblem(LodelineError):
    """Nothing, or nothing of use, came from a witness."""


class WitnessUnreachable(WitnessProblem):
    """A server does not answer."""

    url: str
    reason: str

    code = "witness-unreachable"
    en = "{url} does not answer: {reason}"
    fr = "{url} ne répond pas : {reason}"
    advice_en = "try again later; the other witnesses count meanwhile"
    advice_fr = "réessayez plus tard ; les autres témoins comptent en attendant"
    status = 503


class WitnessAnswered(WitnessProblem):
    """A server answers something else than what was asked for."""

    url: str
    answered: int
    """Status of the answer."""
    reason: str

    code = "witness-answered"
    en = "{url} answered {answered}: {reason}"
    fr = "{url} a répondu {answered} : {reason}"
    advice_en = "ask its operator whether it follows this log, and with which keys"
    advice_fr = "demandez à son exploitant s'il suit ce journal, et avec quelles clés"
    status = 502


class WitnessCosignedNothing(WitnessProblem):
    """A witness answered, and none of the known witnesses' keys stands in its answer."""

    url: str
    known: tuple[str, ...]

    code = "witness-cosigned-nothing"
    en = "{url} gave no cosignature of a witness that is known here ({known})"
    fr = "{url} n'a donné aucune cosignature d'un témoin connu ici ({known})"
    advice_en = "put the key that it publishes into the trust file, once its owner confirms it"
    advice_fr = "mettez sa clé publiée dans le fichier de confiance, une fois confirmée"
    status = 502


class WitnessClient:
    """One witness at a URL; used in a `with`, or closed."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            transport=transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False
        )

    def __enter__(self) -> WitnessClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def latest(self, origin: Origin) -> bytes | None:
        """Return the last checkpoint that the witness cosigned of a log, unverified.

        Raises:
            WitnessUnreachable, WitnessAnswered: there is no answer of use.
        """
        status, _, body = self._ask(
            "GET", f"/logs/{origin_hash(origin)}/checkpoint", MAX_NOTE_BYTES
        )
        if status == _NOT_FOUND:
            return None
        return self._good(status, body)

    def file(self, path: str) -> bytes:
        """Return a file of a log that is published at this URL.

        Raises:
            PublishedFileMissing: it is not there.
            WitnessUnreachable, WitnessAnswered: there is no answer of use.
        """
        status, _, body = self._ask("GET", f"/{path}", _MAX_FILE)
        if status == _NOT_FOUND:
            raise PublishedFileMissing(path)
        return self._good(status, body)

    def cosign(self, note: bytes, prove: ProveGrowth) -> bytes:
        """Have a checkpoint cosigned, and return the lines that came back, unverified.

        The witness is first asked from size 0, and says from where it wants the proof.

        Raises:
            WitnessUnreachable, WitnessAnswered: there is no answer of use.
            TreeShrank, SizeBeyondLog: the witness has seen a larger log than this one.
        """
        size = parse_checkpoint_text(parse_note(note).text).size
        old = TreeSize(0)
        for _ in range(_TRIES):
            path = prove(old, size).path
            request = AddCheckpoint(old, path, note)
            status, kind, body = self._ask(
                "POST", "/add-checkpoint", MAX_NOTE_BYTES, request.encode()
            )
            match = _SIZE.fullmatch(body)
            if status != _CONFLICT or kind != SIZE_TYPE or match is None:
                return self._good(status, body)
            last = TreeSize(min(int(match.group(1)), MAX_TREE_SIZE))
            if last == old:
                break
            old = last
        raise WitnessAnswered(self.url, _CONFLICT, f"it does not continue from {old} entries")

    def _good(self, status: int, body: bytes) -> bytes:
        if status != _OK:
            reason = body[:200].decode("utf-8", errors="replace")
            raise WitnessAnswered(self.url, status, reason)
        return body

    def _ask(
        self, method: str, path: str, most: int, content: bytes | None = None
    ) -> tuple[int, str, bytes]:
        body = bytearray()
        try:
            with self._http.stream(method, self.url + path, content=content) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > most:
                        raise WitnessAnswered(self.url, answer.status_code, f"over {most} bytes")
        except httpx.HTTPError as failed:
            raise WitnessUnreachable(self.url, str(failed) or type(failed).__name__) from failed
        return answer.status_code, answer.headers.get("content-type", ""), bytes(body)


@dataclass(frozen=True)
class Cosigned:
    """A checkpoint with what a witness added to it."""

    note: bytes
    by: Mapping[WitnessKey, BlockTime]
    """Whose cosignatures came back, and of when."""


def cosigned_by(
    client: WitnessClient, note: bytes, known: Iterable[WitnessKey], prove: ProveGrowth
) -> Cosigned:
    """Return a checkpoint with the cosignatures of a witness, verified under the known keys.

    Lines of other keys are left out (tlog-witness, "add-checkpoint"), and so is a second one of a
    witness that cosigned this checkpoint before: a note has room for a hundred lines.

    Raises:
        WitnessUnreachable, WitnessAnswered: there is no answer of use.
        WitnessCosignedNothing: there is no line of a known key.
        NoteError: its lines are malformed, or one of a known key does not fit.
    """
    keys = tuple(known)
    lines = client.cosign(note, prove)
    signed = parse_note(note)
    answered = parse_note(signed.text.encode() + b"\n" + lines)
    found = verified_witnesses(answered, keys)
    if not found:
        raise WitnessCosignedNothing(client.url, tuple(key.name for key in keys))
    first = {(line.name, line.key_id): line for line in reversed(answered.signatures)}
    new = [key for key in found if key not in verified_witnesses(signed, keys)]
    fresh = [first[key.name, key.key_id] for key in new]
    return Cosigned(Note(signed.text, (*signed.signatures, *fresh)).encode(), found)


def from_url(client: WitnessClient) -> Fetch:
    """Return what fetches the files of a log that is published at a URL."""
    return client.file
