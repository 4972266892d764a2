"""A light load: a member that hands entries in, one delivery after another, and keeps its receipts.

What it was acknowledged is what must never be lost. A delivery that no validator confirms is handed
in again as it is, for as long as that takes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.follower import ConsortiumLedger, Following
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import EngineRefused
from lodeline.faults.cast import Cast
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, MemberId
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.trust import TrustFile
from lodeline.node.clock import SystemClock

__all__ = ["Acknowledged", "EntryRefused", "Load", "copy_of"]

_IMPATIENT: Final = Patience(connect=1.0, read=4.0, whole=8.0, decide=6.0)
"""A validator that hangs is left for another one within seconds."""
_CONFIRM_SECONDS: Final = 15.0
_BATCH: Final = 8
_PAUSE_SECONDS: Final = 0.1


class EntryRefused(LodelineError):
    """A sound entry of the load that the validators refused."""

    place: int
    refusal: str

    code = "load-entry-refused"
    en = "entry {place} of the load was refused: {refusal}"
    fr = "l'écriture {place} de la charge a été refusée : {refusal}"
    advice_en = "look at the logs of the validators: nothing about this entry is wrong"
    advice_fr = "regardez les journaux des validateurs : cette écriture n'a rien de faux"


def copy_of(
    path: Path, urls: Sequence[str], trust: TrustFile, cast: Cast, member: MemberId
) -> ConsortiumLedger:
    """Return a member's own copy of the ledger, with its key to hand entries in.

    Raises:
        LodelineError: the file cannot be used.
    """
    asked = Validators([ValidatorClient(url, _IMPATIENT) for url in urls])
    signer = MemberSigner(member, cast.signing(member))
    following = Following(confirm_seconds=_CONFIRM_SECONDS)
    return ConsortiumLedger(path, asked, trust, SystemClock(), lambda: signer, following)


@dataclass(frozen=True)
class Acknowledged:
    """One entry that a member has a receipt of."""

    index: LeafIndex
    entry: EntryId
    leaf: EntryHash
    moment: float
    """When the receipt came, in seconds of the monotonic clock."""


@dataclass
class Load:
    """Hands in numbered entries of one member until it is stopped."""

    ledger: ConsortiumLedger
    cast: Cast
    member: MemberId
    batch: int = _BATCH
    pause: float = _PAUSE_SECONDS
    receipts: list[Acknowledged] = field(default_factory=list)
    failure: LodelineError | None = None
    """Why it ended before it was stopped."""
    _end: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hand in for as long as the block runs.

        Raises:
            EntryRefused: a sound entry was refused.
            LodelineError: the own copy is of no more use.
        """
        thread = threading.Thread(target=self._run, name=f"load {self.member}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        first = 0
        try:
            while not self._end.wait(self.pause):
                self._deliver(self.cast.anchors(self.member, first, self.batch))
                first += self.batch
        except LodelineError as failed:
            self.failure = failed

    def _deliver(self, entries: list[bytes]) -> None:
        """Hand in until each entry has its receipt, or the end is asked for."""
        receipts: dict[int, Acknowledged] = {}
        while len(receipts) < len(entries):
            answers = self.ledger.submit(entries)
            for place, answer in enumerate(answers):
                if isinstance(answer, Receipt):
                    now = time.monotonic()
                    got = Acknowledged(answer.index, answer.entry, answer.leaf, now)
                    receipts.setdefault(place, got)
                elif not isinstance(answer, EngineRefused):
                    raise EntryRefused(place, answer.message("en")) from answer
            if self._end.is_set():
                break
        self.receipts += receipts.values()

    # ------------------------------------------------------------------ looking back

    def has_more_than(self, count: int) -> bool:
        """Return whether there are more receipts than so many.

        Raises:
            LodelineError: there will be none any more.
        """
        if self.failure is not None:
            raise self.failure
        return len(self.receipts) > count

    def rate(self, since: float, until: float) -> float:
        """Return the receipts per second between two moments."""
        count = sum(since <= got.moment < until for got in list(self.receipts))
        return count / (until - since)

    def longest_silence(self, since: float) -> float:
        """Return the longest time without a receipt since a moment, in seconds."""
        last = max((got.moment for got in self.receipts if got.moment < since), default=since)
        moments = [last, *(got.moment for got in self.receipts if got.moment >= since)]
        return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)
