"""The embedded engine: one process, one file, the same state machine as everywhere.

Life of a submission:

1. decode every entry; what is malformed is refused alone;
2. verify all proofs together, in worker processes where there are some;
3. apply the entries one by one to a draft of the state; what is refused leaves the draft as it was;
4. write leaves, hashes and roots in one synced transaction;
5. settle the draft into the state, and give receipts.

Whatever fails before step 4 is through drops the draft: memory never runs ahead of the disk. When a
write does not come to its end, the disk may be ahead of memory; then the engine accepts nothing
more until the file is opened again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.engine.interface import Answer, CheckpointSigners, Clock
from lodeline.engine.memory import PART_ENTRIES, Memory
from lodeline.engine.reader import LedgerFile
from lodeline.engine.refusals import ClockWentBack, EngineRefused
from lodeline.engine.store import Store
from lodeline.engine.trial import Stretch, Trial, check_program, read_ahead
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex
from lodeline.proofs.batch import verify_batch

__all__ = ["BLOCK_ENTRIES", "CLOCK_SLACK", "EmbeddedLedger", "Opened", "Tuning"]

BLOCK_ENTRIES: Final = 1_024
"""Most entries of one block: a larger submission is several, each durable by itself."""
CLOCK_SLACK: Final = 120
"""Seconds by which the clock may be behind the last block: machines differ by so much, and a clock
is set back by so much. Such a block has the last block's time."""


@dataclass(frozen=True)
class Opened:
    """How a ledger was opened, for whoever wants to know."""

    size: int
    replayed: int
    """Entries that were applied again, because no stored part of the state covered them."""
    ignored: tuple[LodelineError, ...]
    """Why stored parts of the state were not used."""


@dataclass(frozen=True)
class Tuning:
    """What changes how the engine works, and never what it accepts."""

    block_entries: int = BLOCK_ENTRIES
    part_entries: int = PART_ENTRIES
    pool: Executor | None = None
    """Processes that verify the signatures of entries without a proof; worth it for many."""
    connection: type[sqlite3.Connection] = sqlite3.Connection
    """What opens the file; tests give one that breaks."""


USUAL: Final = Tuning()


class EmbeddedLedger(LedgerFile):
    """A ledger in one file; see the module for the life of a submission.

    Submissions from several threads follow one another. The state is read by the thread that
    submits, or while nobody does.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        writable: bool = True,
        verify: Verify = verify_batch,
        signers: CheckpointSigners | None = None,
        tuning: Tuning = USUAL,
    ) -> None:
        """Open a ledger, or make an empty one to write.

        ``verify`` may be bound to a pool of processes. With ``signers`` every block is written
        together with its signed checkpoint.

        Raises:
            LedgerMissing, LedgerHasWriter, LedgerVersionUnknown, …: as `Store`.
            LedgerIncomplete, LedgerDamaged: what is stored does not add up to its roots.
        """
        store = Store(path, writable=writable, factory=tuning.connection)
        try:
            memory = Memory(store, verify, tuning.part_entries)
        except LodelineError:
            store.close()
            raise
        super().__init__(store, memory, verify)
        self._clock = clock
        self._signers = signers
        self._tuning = tuning
        self.opened = Opened(self.size, memory.replayed, tuple(memory.ignored))

    # ------------------------------------------------------------------ writing

    def submit(self, entries: Sequence[bytes]) -> list[Answer]:
        """Offer entries; one answer for each, in order.

        Raises:
            LedgerReadOnly: opened for reading.
            LedgerClosed, LedgerMustReopen: the engine is of no more use.
        """
        answers: list[Answer] = []
        with self._turn:
            self._check_usable(to_write=True)
            for block in self._blocks(entries):
                try:
                    answers += self._submit_block(block)
                except EngineRefused as refusal:
                    answers += [refusal] * (len(entries) - len(answers))
                    break
        return answers

    def _blocks(self, entries: Sequence[bytes]) -> Iterator[Sequence[Stretch]]:
        """Yield the entries block by block, each read before the one in front of it is decided.

        So while a block is decided and written, the signatures of the next are being verified.
        """
        size, waiting = self._tuning.block_entries, list[Sequence[Stretch]]()
        for at in range(0, len(entries), size):
            state, pool = self._memory.state, self._tuning.pool
            waiting.append(read_ahead(entries[at : at + size], state, pool))
            if len(waiting) > 1:
                yield waiting.pop(0)
        yield from waiting

    def _submit_block(self, block: Sequence[Stretch]) -> list[Answer]:
        memory = self._memory
        now = self._block_time()
        check_program(memory.state, now)
        draft, first = memory.state.draft(), LeafIndex(memory.log.size)
        trial = Trial(draft, first, now, self._verify, self._tuning.pool)
        answers = trial.decide(block)
        if trial.leaves:
            self._keep(trial, self._signers)
        return answers

    def _block_time(self) -> BlockTime:
        now, last = self._clock.now(), self._memory.state.time
        if now + CLOCK_SLACK < last:
            raise ClockWentBack(last, now, CLOCK_SLACK)
        return BlockTime(max(now, last))

    # ------------------------------------------------------------------ reading

    def refresh(self) -> None:
        """Follow what another process has written since, when opened for reading.

        Raises:
            LedgerClosed: after closing.
            LedgerIncomplete, LedgerDamaged: what is stored does not add up to its roots.
        """
        with self._turn:
            self._check_usable()
            if not self._store.writable:
                self._memory.refresh()
