"""Validators' applications that break or cheat: each is the real one with one thing done otherwise.

They run in a process of their own (`python -m lodeline.faults.application`), never in that of a
real validator, and behave well until the file named in their orders appears.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lodeline.engine.abci.abci_pb2 import (
    RequestCheckTx,
    RequestCommit,
    RequestFinalizeBlock,
    RequestPrepareProposal,
    RequestProcessProposal,
    ResponseCheckTx,
    ResponseCommit,
    ResponseFinalizeBlock,
    ResponsePrepareProposal,
    ResponseProcessProposal,
)
from lodeline.engine.consortium.application import ConsortiumApplication, Limits
from lodeline.engine.consortium.checking import CheckTools
from lodeline.engine.consortium.founding import Founding
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.snapshot_desk import SnapshotDesk
from lodeline.engine.interface import Clock
from lodeline.kernel import cbor
from lodeline.kernel.time import BlockTime

__all__ = [
    "AN_HOUR",
    "ChecksNothing",
    "CrashesAfterCommit",
    "CrashesBeforeCommit",
    "Faulty",
    "HashesWrongly",
    "ProposesAnything",
    "ShortOfSpace",
    "WrongClock",
    "proposal_file",
    "short_of_space",
]

AN_HOUR: Final = 3600


class Faulty(ConsortiumApplication):
    """An application that behaves well until its trigger is there."""

    trigger: Path

    @property
    def is_triggered(self) -> bool:
        """Return whether the fault is to happen now."""
        return self.trigger.exists()


# ------------------------------------------------------------------ crashes


class CrashesBeforeCommit(Faulty):
    """Dies between FinalizeBlock and Commit of a block that is not empty."""

    def commit(self, request: RequestCommit) -> ResponseCommit:
        """Die in place of writing."""
        if self._decided is not None and self._decided.attempt.leaves and self.is_triggered:
            _die()
        return super().commit(request)


class CrashesAfterCommit(Faulty):
    """Dies when a block that is not empty is durable, before the consensus engine knows."""

    def commit(self, request: RequestCommit) -> ResponseCommit:
        """Write, and die in place of saying so."""
        counts = self._decided is not None and bool(self._decided.attempt.leaves)
        answer = super().commit(request)
        if counts and self.is_triggered:
            _die()
        return answer


def _die() -> None:
    """End this process as a crash does: nothing is flushed, nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)


# ------------------------------------------------------------------ lies


def proposal_file(trigger: Path) -> Path:
    """Return where what is to be proposed unchecked is put, as a CBOR array."""
    return trigger.with_suffix(".cbor")


class ProposesAnything(Faulty):
    """Proposes once whatever it is given, unchecked, and votes for that itself."""

    _given: tuple[bytes, ...] = ()

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        """Propose what was given; without that, what an honest validator does.

        The trigger goes away, and the height is written in place of what was given.
        """
        if not self.is_triggered:
            return super().prepare_proposal(request)
        path = proposal_file(self.trigger)
        found = cbor.decode(path.read_bytes(), max_bytes=_MOST_GIVEN)
        assert isinstance(found, list)  # noqa: S101 - the trial wrote it
        self._given = tuple(bytes(item) for item in found if isinstance(item, bytes))
        path.write_text(str(request.height), encoding="ascii")
        self.trigger.unlink()
        return ResponsePrepareProposal(txs=self._given)

    def process_proposal(self, request: RequestProcessProposal) -> ResponseProcessProposal:
        """Accept the own proposal; judge the others' as an honest validator does."""
        if self._given and tuple(request.txs) == self._given:
            return ResponseProcessProposal(status=ResponseProcessProposal.ProposalStatus.ACCEPT)
        return super().process_proposal(request)


_MOST_GIVEN: Final = 4_000_000


class HashesWrongly(Faulty):
    """Answers another application hash than its ledger has, from some block on."""

    def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        """Decide the block rightly, and say something else about it."""
        answer = super().finalize_block(request)
        if self.is_triggered:
            answer.app_hash = hashlib.sha256(answer.app_hash).digest()
        return answer


class ChecksNothing(Faulty):
    """Lets everything into its waiting room, and so to the other validators."""

    def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
        """Find nothing wrong."""
        if not self.is_triggered:
            return super().check_txs(requests)
        return [ResponseCheckTx() for _ in requests]

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        """Propose nothing: looking for something sound in the garbage would hold up itself."""
        if not self.is_triggered:
            return super().prepare_proposal(request)
        return ResponsePrepareProposal()


# ------------------------------------------------------------------ a clock, a disk


@dataclass(frozen=True)
class _Ahead:
    clock: Clock
    seconds: int

    def now(self) -> BlockTime:
        return BlockTime(self.clock.now() + self.seconds)


class WrongClock(Faulty):
    """Takes the time of day for an hour later than it is."""

    def __init__(
        self,
        replica: Replica,
        founding: Founding,
        tools: CheckTools,
        limits: Limits,
        snapshots: SnapshotDesk,
    ) -> None:
        """Begin with the wrong clock, whatever the trigger."""
        wrong = replace(tools, clock=_Ahead(tools.clock, AN_HOUR))
        super().__init__(replica, founding, wrong, limits, snapshots)


class ShortOfSpace(Faulty):
    """Is what it should be; its file cannot grow (`short_of_space`)."""


def short_of_space(trigger: Path) -> type[sqlite3.Connection]:
    """Return a connection to a database that cannot grow once the trigger is there.

    SQLite then refuses as it does where a disk is full (SQLITE_FULL), in the middle of a write.
    """

    class Full(sqlite3.Connection):
        def execute(self, sql: str, /, *parameters: Any) -> sqlite3.Cursor:
            if sql.startswith("BEGIN") and trigger.exists():
                super().execute("PRAGMA max_page_count = 1")  # that is: as many as there are
            return super().execute(sql, *parameters)

    return Full
