"""The desk of a validator: takes members' submissions in, and says what became of each entry.

A submission passes here in this order, the cheapest first:

1. its length, its form, and the signature of the member that it names, who must be active;
2. what the log has already: whoever asks again after a lost answer gets the same receipts;
3. the member's share of what this validator handles at a time;
4. the mempool of the consensus process beside this one, which checks every entry;
5. the wait for a block with it, until that block is durable here.

Nothing is remembered for a member before its signature is verified, so nobody can use up another
member's share. An entry is found again by its id, the hash of what it says: a second one with the
same body gets the receipt of the first, whatever proof it carries.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from lodeline.engine.consortium.refusals import MemberQuotaFull, SubmissionForgotten
from lodeline.engine.consortium.refusals_http import (
    ConsensusUnreachable,
    MemberTooFast,
    MempoolFull,
    SubmissionUndecided,
)
from lodeline.engine.interface import Answer, Receipt
from lodeline.engine.reader import LedgerFile
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.entries import EntryId, decode_entry, entry_id
from lodeline.ledger.merkle import LeafIndex, leaf_hash
from lodeline.ledger.submissions import Submission, check_submission, decode_submission

__all__ = ["CometMempool", "Desk", "Fates", "Mempool", "Share", "Shares"]

DECIDE_SECONDS: Final = 30
"""How long an answer is kept waiting; a halted chain decides nothing."""
_KNOWN: Final = "already exists in cache"
_FULL: Final = "mempool is full"


class Mempool(Protocol):
    """Where submissions wait for a block."""

    async def offer(self, submission: bytes) -> None:
        """Hand a submission in; one that waits there already is no fault.

        Raises:
            ConsensusUnreachable, MempoolFull: it does not wait there now.
        """
        ...


class Fates(Protocol):
    """Says what became of a submission once that is durable here."""

    def expect(self, digest: Hash32) -> Future[tuple[Answer, ...]]:
        """Return what will hold one answer for each entry; asked before it is handed in."""
        ...

    def give_up(self, digest: Hash32) -> None:
        """Wait no more."""
        ...


@dataclass(frozen=True)
class Share:
    """What one member may have a validator do."""

    quota_bytes: int
    """Undecided bytes at a time."""
    submissions: int = 200
    """Submissions in ``seconds``."""
    seconds: int = 10


@dataclass
class _Used:
    pending: int = 0
    began: float = 0.0
    handed_in: int = 0


@dataclass
class Shares:
    """What the members have in hand; for any number of threads."""

    share: Share
    used: dict[MemberId, _Used] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    @contextmanager
    def taken(self, member: MemberId, size: int, now: float) -> Iterator[None]:
        """Count a submission of a member for as long as this lasts.

        Raises:
            MemberQuotaFull, MemberTooFast: beyond the member's share.
        """
        with self._turn:
            used = self.used.setdefault(member, _Used())
            self._count(member, used, now)
            if used.pending and used.pending + size > self.share.quota_bytes:
                raise MemberQuotaFull(member, used.pending, self.share.quota_bytes)
            used.pending += size
        try:
            yield
        finally:
            with self._turn:
                used.pending -= size

    def _count(self, member: MemberId, used: _Used, now: float) -> None:
        if now - used.began >= self.share.seconds:
            used.began, used.handed_in = now, 0
        if used.handed_in >= self.share.submissions:
            raise MemberTooFast(member, self.share.submissions, self.share.seconds)
        used.handed_in += 1


class Desk:
    """Takes submissions in for one validator."""

    def __init__(
        self,
        ledger: LedgerFile,
        mempool: Mempool,
        fates: Fates,
        share: Share,
        *,
        decide_seconds: float = DECIDE_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._mempool = mempool
        self._fates = fates
        self._shares = Shares(share)
        self._seconds = decide_seconds

    async def answers(self, data: bytes) -> list[Answer]:
        """Return what became of each entry of an encoded submission, in order.

        Raises:
            SubmissionTooLarge, SubmissionMalformed: it is none.
            SubmissionOfOther, MemberNotActive, SubmissionSignatureInvalid, …: as
                `check_submission`.
            MemberQuotaFull, MemberTooFast: the member's share is used up.
            ConsensusUnreachable, MempoolFull, SubmissionUndecided: hand it in again, here or
                elsewhere; it is decided once only.
        """
        submission = decode_submission(data)
        known = await asyncio.to_thread(self._checked, submission)
        if known is not None:
            return known
        with self._shares.taken(submission.body.member, len(data), monotonic()):
            return await self._decided(data, submission)

    def _checked(self, submission: Submission) -> list[Answer] | None:
        """Check the envelope; return the receipts where the log has every entry of it."""
        with self._ledger.turn:
            check_submission(self._ledger.state(), submission)
            found: list[Answer] = []
            for data in submission.body.entries:
                receipt = self._receipt(_identity(data))
                if receipt is None:
                    return None
                found.append(receipt)
        return found

    def _receipt(self, identity: EntryId | None) -> Receipt | None:
        """Return the receipt of an entry that is in the log."""
        record = None if identity is None else self._ledger.state().entries.get(identity)
        if identity is None or record is None:
            return None
        index = LeafIndex(record.index)
        return Receipt(index, identity, leaf_hash(self._ledger.leaf(index)), record.time)

    async def _decided(self, data: bytes, submission: Submission) -> list[Answer]:
        digest = Hash32(hashlib.sha256(data).digest())
        fate = self._fates.expect(digest)
        try:
            await self._mempool.offer(data)
            answers = await asyncio.wait_for(_resolved(fate), self._seconds)
        except TimeoutError as late:
            raise SubmissionUndecided(round(self._seconds)) from late
        finally:
            if not fate.done():
                self._fates.give_up(digest)
        return await asyncio.to_thread(self._in_log, submission, answers, digest)

    def _in_log(
        self, submission: Submission, answers: Sequence[Answer], digest: Hash32
    ) -> list[Answer]:
        """Give receipts only for what is in the log, whatever else was refused beside it."""
        lost = SubmissionForgotten(digest)
        with self._ledger.turn:
            return [
                self._receipt(_known_by(answer, data))
                or (answer if isinstance(answer, LodelineError) else lost)
                for data, answer in zip(submission.body.entries, answers, strict=True)
            ]


async def _resolved(fate: Future[tuple[Answer, ...]]) -> tuple[Answer, ...]:
    """Wait for a future that others wait for too: it is not cancelled with this wait."""
    return await asyncio.shield(asyncio.wrap_future(fate))


def _known_by(answer: Answer, data: bytes) -> EntryId | None:
    """Return what an entry is known by: as it was accepted, or as it can be read."""
    return answer.entry if isinstance(answer, Receipt) else _identity(data)


def _identity(data: bytes) -> EntryId | None:
    try:
        return entry_id(decode_entry(data))
    except LodelineError:
        return None


# ------------------------------------------------------------------ CometBFT


class _RpcError(msgspec.Struct):
    message: str = ""
    data: str = ""


class _RpcReply(msgspec.Struct):
    error: _RpcError | None = None


class CometMempool:
    """The mempool of a CometBFT node, over its RPC (JSON-RPC 2.0, ``broadcast_tx_sync``).

    What the check of the application says reaches the waiting through `Fates`; here it is only told
    whether the node took the submission at all.
    """

    def __init__(self, rpc: str, seconds: float = 10.0) -> None:
        """Name the RPC address: ``host:port``, or as a URL of tcp or http."""
        self._url = _http_url(rpc)
        self._seconds = seconds
        # The process beside this one shows no certificate; those of the system take long to read.
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def offer(self, submission: bytes) -> None:
        """Hand a submission in; one that waits there already is no fault.

        Raises:
            ConsensusUnreachable, MempoolFull: it does not wait there now.
        """
        asked = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "broadcast_tx_sync",
            "params": {"tx": b64encode(submission).decode("ascii")},
        }
        try:
            async with httpx.AsyncClient(
                timeout=self._seconds, trust_env=False, verify=self._context
            ) as http:
                answered = await http.post(self._url, content=msgspec.json.encode(asked))
            reply = msgspec.json.decode(answered.content, type=_RpcReply)
        except (httpx.HTTPError, msgspec.DecodeError) as failed:
            raise ConsensusUnreachable(str(failed) or type(failed).__name__) from failed
        if reply.error is not None:
            _refuse(f"{reply.error.message} {reply.error.data}".strip())


def _refuse(said: str) -> None:
    if _KNOWN in said:
        return
    if _FULL in said:
        raise MempoolFull(said)
    raise ConsensusUnreachable(said)


def _http_url(rpc: str) -> str:
    parts = urlsplit(rpc if "://" in rpc else f"http://{rpc}")
    scheme = "https" if parts.scheme == "https" else "http"
    return f"{scheme}://{parts.netloc}/"
