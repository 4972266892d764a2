"""One validator, as a client sees it over HTTP: every answer bounded, timed and read strictly.

Nothing that a validator says is believed here. This module gives what it said in the right types;
whether it is true is found out by whoever asked (`engine.consortium.follower`). A connection that
breaks, hangs or drips, a redirect and an answer that is too long are named faults of that
validator, so that another one can be asked.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import httpx
import msgspec

from lodeline.engine.consortium.refusals_validators import (
    AnswerMalformed,
    AnswerTooLarge,
    AuthoritiesUnreadable,
    ValidatorRedirects,
    ValidatorRefuses,
    ValidatorTooSlow,
    ValidatorUnreachable,
)
from lodeline.engine.consortium.wire_http import (
    CBOR,
    MAX_ANSWERS_BYTES,
    MAX_DOCUMENT_BYTES,
    MAX_STRETCH_BYTES,
    MAX_STRETCH_LEAVES,
    AnswerW,
    ValidatorStatus,
)
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.log import MAX_LEAF_BYTES
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.signednote import MAX_NOTE_BYTES

__all__ = ["PATIENT", "Patience", "ValidatorClient"]

_SMALL: Final = 64_000
"""Bytes of a proof, a status or an error."""
_STRETCH: Final = MAX_STRETCH_BYTES + MAX_LEAF_BYTES + 8 * MAX_STRETCH_LEAVES
_SHOWN: Final = 200

S = TypeVar("S")


@dataclass(frozen=True)
class Patience:
    """How long a client waits, in seconds."""

    connect: float = 3.0
    read: float = 10.0
    """For the next bytes."""
    whole: float = 30.0
    """For a whole answer, however many bytes come one at a time."""
    decide: float = 45.0
    """For the fate of a submission."""


PATIENT: Final = Patience()


class ValidatorClient:
    """Asks one validator; safe to use from one thread at a time."""

    def __init__(
        self,
        url: str,
        patience: Patience = PATIENT,
        *,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
        authorities: Path | None = None,
    ) -> None:
        """Name the validator; nothing is sent yet.

        ``authorities`` names a file of certificates that are accepted in place of the system's.
        ``transport`` and ``now`` are for tests.

        Raises:
            AuthoritiesUnreadable: the file of certificates is none.
            ValidatorUnreachable: the address is none.
        """
        self.url = url.rstrip("/")
        self._patience = patience
        self._now = now
        with self._calling(patience.connect):
            self._http = httpx.Client(
                base_url=self.url,
                follow_redirects=False,
                timeout=httpx.Timeout(patience.read, connect=patience.connect),
                headers={"Accept-Encoding": "identity"},
                transport=transport,
                verify=_trusting(authorities),
                trust_env=False,
            )
            self._http.build_request("GET", "/")  # some addresses fail here only

    # ------------------------------------------------------------------ questions

    def checkpoint(self, *, size: TreeSize | None = None, upto: TreeSize | None = None) -> bytes:
        """Return a signed note: the newest, that of a size, or the newest of at most a size.

        Raises:
            ValidatorFault: no usable answer.
        """
        asked = {"size": size, "upto": upto}
        params = {name: str(value) for name, value in asked.items() if value is not None}
        return self._get("/v1/checkpoint", params, MAX_NOTE_BYTES)

    def entries(self, start: LeafIndex, end: TreeSize) -> list[bytes]:
        """Return leaves from ``start`` on, before ``end``: as many as the validator gives at once.

        Raises:
            ValidatorFault: no usable answer.
        """
        data = self._get("/v1/entries", {"start": str(start), "end": str(end)}, _STRETCH)
        with self._reading("entries"):
            leaves = cbor.decode(data, max_bytes=_STRETCH)
        if not isinstance(leaves, list) or len(leaves) > end - start:
            raise AnswerMalformed(self.url, "entries", "not that many")
        found = [leaf for leaf in leaves if isinstance(leaf, bytes)]
        if len(found) != len(leaves):
            raise AnswerMalformed(self.url, "entries", "not bytes")
        return found

    def inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return what the validator gives as proof that a tree has a leaf; not verified.

        Raises:
            ValidatorFault: no usable answer.
        """
        params = {"index": str(index), "size": str(size)}
        return self._struct("/v1/proof/inclusion", params, InclusionProof)

    def consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return what the validator gives as proof that a tree continues another; not verified.

        Raises:
            ValidatorFault: no usable answer.
        """
        params = {"old": str(old), "new": str(new)}
        return self._struct("/v1/proof/consistency", params, ConsistencyProof)

    def status(self) -> ValidatorStatus:
        """Return how the validator says that it stands.

        Raises:
            ValidatorFault: no usable answer.
        """
        return self._struct("/v1/status", {}, ValidatorStatus)

    def founding(self) -> bytes:
        """Return the founding file that the validator gives.

        Raises:
            ValidatorFault: no usable answer.
        """
        return self._get("/v1/founding", {}, MAX_DOCUMENT_BYTES)

    def snapshot(self) -> bytes:
        """Return the validator's signed statement of its latest snapshot.

        Raises:
            ValidatorFault: no usable answer.
        """
        return self._get("/v1/snapshot", {}, MAX_DOCUMENT_BYTES)

    def submit(self, submission: bytes) -> list[AnswerW]:
        """Hand in an encoded submission and return what the validator says of each entry.

        The same bytes may be handed in again, there or elsewhere: an entry is accepted once.

        Raises:
            ValidatorFault: no usable answer; the entries may have been accepted or not.
        """
        data = self._call("POST", "/v1/submissions", {}, MAX_ANSWERS_BYTES, submission)
        try:
            return msgspec.json.decode(data, type=list[AnswerW])
        except msgspec.DecodeError as refused:
            raise AnswerMalformed(self.url, "answers", str(refused)) from refused

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # ------------------------------------------------------------------ HTTP

    def _struct(self, path: str, params: Mapping[str, str], type_: type[S]) -> S:
        data = self._get(path, params, _SMALL)
        with self._reading(type_.__name__):
            try:
                return msgspec.json.decode(data, type=type_)
            except msgspec.DecodeError as refused:
                raise AnswerMalformed(self.url, type_.__name__, str(refused)) from refused

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Name what cannot be read after the validator that sent it."""
        try:
            yield
        except AnswerMalformed:
            raise
        except LodelineError as refused:
            raise AnswerMalformed(self.url, what, refused.message("en")) from refused

    def _get(self, path: str, params: Mapping[str, str], limit: int) -> bytes:
        return self._call("GET", path, params, limit, None)

    def _call(
        self, method: str, path: str, params: Mapping[str, str], limit: int, content: bytes | None
    ) -> bytes:
        whole = self._patience.whole if content is None else self._patience.decide
        read = self._patience.read if content is None else whole
        request = self._http.build_request(
            method,
            path,
            params=dict(params),
            content=content,
            headers={} if content is None else {"Content-Type": CBOR},
            timeout=httpx.Timeout(read, connect=self._patience.connect),
        )
        with self._calling(whole):
            response = self._http.send(request, stream=True)
            try:
                return self._body(response, limit, whole)
            finally:
                response.close()

    @contextmanager
    def _calling(self, seconds: float) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as failed:
            raise ValidatorTooSlow(self.url, round(seconds)) from failed
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as failed:
            raise ValidatorUnreachable(self.url, str(failed) or type(failed).__name__) from failed

    def _body(self, response: httpx.Response, limit: int, seconds: float) -> bytes:
        if 300 <= response.status_code < 400:
            location = response.headers.get("Location", "")
            raise ValidatorRedirects(self.url, location[:_SHOWN])
        if "Content-Encoding" in response.headers:
            raise AnswerMalformed(self.url, "plain bytes", "compressed")
        fine = response.status_code == httpx.codes.OK
        body = self._read(response, limit if fine else _SMALL, seconds)
        if not fine:
            raise _refused(self.url, response.status_code, body)
        return body

    def _read(self, response: httpx.Response, limit: int, seconds: float) -> bytes:
        """Gather the answer, up to a length and a moment."""
        until, body = self._now() + seconds, bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > limit:
                raise AnswerTooLarge(self.url, limit)
            if self._now() > until:
                raise ValidatorTooSlow(self.url, round(seconds))
        return bytes(body)


def _refused(url: str, status: int, body: bytes) -> ValidatorRefuses:
    """Return the problem that a validator answered with; whatever else it sends is not shown."""
    code, detail, packed = "", "", b""
    try:
        problem: object = msgspec.json.decode(body)
    except msgspec.DecodeError:
        problem = None
    if isinstance(problem, dict):
        code = str(problem.get("type", "")).rpartition(":")[2]
        detail = str(problem.get("detail", ""))
        packed = msgspec.json.encode(problem.get("refusal"))
    return ValidatorRefuses(url, status, code[:_SHOWN], detail[:_SHOWN], packed)


@lru_cache(maxsize=16)
def _trusting(authorities: Path | None) -> ssl.SSLContext:
    """Return what connections are verified with; reading the system's certificates takes a while.

    Raises:
        AuthoritiesUnreadable: a file of certificates is named that is none.
    """
    try:
        return ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    except OSError as refused:
        raise AuthoritiesUnreadable(str(authorities), str(refused)) from refused
