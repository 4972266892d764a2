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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

from lodeline.engine.checkpoints import Checkpoints
from lodeline.engine.interface import Answer, CheckpointSigners, Clock, Proven
from lodeline.engine.memory import PART_ENTRIES, REPLAY_BATCH, Memory
from lodeline.engine.refusals import (
    ClockWentBack,
    EngineRefused,
    LedgerClosed,
    LedgerDamaged,
    LedgerMustReopen,
    LedgerNotWritten,
    LedgerReadOnly,
    LogEmpty,
)
from lodeline.engine.store import FIRST, Block, Height, Store
from lodeline.engine.trial import Trial
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Checkpoint, Origin
from lodeline.ledger.log import Replayed, Verify, replay
from lodeline.ledger.merkle import (
    ConsistencyProof,
    InclusionProof,
    LeafIndex,
    TreeSize,
    check_index,
)
from lodeline.ledger.state import State
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


class EmbeddedLedger:
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
        self._clock = clock
        self._verify = verify
        self._signers = signers
        self._tuning = tuning
        self._turn = RLock()
        self._writing = False
        """True from the beginning of a write until memory has followed it."""
        self._open = True
        self._store = Store(path, writable=writable, factory=tuning.connection)
        try:
            self._memory = Memory(self._store, verify, tuning.part_entries)
            self._height = self._last_height()
        except LodelineError:
            self._store.close()
            raise
        self._checkpoints = Checkpoints(self._store)
        ignored = tuple(self._memory.ignored)
        self.opened = Opened(self.size, self._memory.replayed, ignored)

    def _last_height(self) -> Height:
        last = self._store.last_block()
        return Height(0 if last is None else last.height)

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
            while len(answers) < len(entries):
                batch = entries[len(answers) : len(answers) + self._tuning.block_entries]
                try:
                    answers += self._submit_block(batch)
                except EngineRefused as refusal:
                    answers += [refusal] * (len(entries) - len(answers))
        return answers

    def _submit_block(self, entries: Sequence[bytes]) -> list[Answer]:
        memory = self._memory
        draft, first = memory.state.draft(), LeafIndex(memory.log.size)
        trial = Trial(draft, first, self._block_time(), self._verify, self._tuning.pool)
        answers = trial.offer(entries)
        if trial.leaves:
            self._keep(trial)
        return answers

    def _block_time(self) -> BlockTime:
        now, last = self._clock.now(), self._memory.state.time
        if now + CLOCK_SLACK < last:
            raise ClockWentBack(last, now, CLOCK_SLACK)
        return BlockTime(max(now, last))

    def _keep(self, trial: Trial) -> None:
        """Write the block, then let memory follow."""
        hashes = [hashed for hashed, _ in trial.leaves]
        memory, parts = self._memory, self._memory.sealed()
        frontier = memory.log.frontier().extend(hashes)
        height, root = Height(self._height + 1), trial.draft.root
        block = Block(height, trial.first, frontier.size, trial.now, frontier.root(), root)
        note = None if self._signers is None else self._checkpoints.sign(block, self._signers)
        with self._write():
            self._store.append(block, trial.leaves, parts, note)
            memory.note_stored(parts)
            memory.grow(hashes, trial.draft, trial.changes)
            self._height = height

    @contextmanager
    def _write(self) -> Iterator[None]:
        """Mark a write until memory has followed; only one that left nothing can be repeated."""
        self._writing = True
        try:
            yield
        except LedgerNotWritten:
            self._writing = False
            raise
        self._writing = False

    def _check_usable(self, *, to_write: bool = False) -> None:
        path = str(self._store.path)
        if not self._open:
            raise LedgerClosed(path)
        if to_write and not self._store.writable:
            raise LedgerReadOnly(path)
        if to_write and self._writing:
            raise LedgerMustReopen(path)

    # ------------------------------------------------------------------ reading

    def state(self) -> State:
        """Return the state after the last accepted entry; only to be read."""
        return self._memory.state

    @property
    def size(self) -> TreeSize:
        """Return the number of accepted entries."""
        return self._memory.log.size

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

    def leaf(self, index: LeafIndex) -> bytes:
        """Return the bytes of a leaf.

        Raises:
            LedgerClosed: after closing.
            IndexBeyondTree: there is no such entry.
        """
        self._check_usable()
        check_index(index, self.size)
        return self._store.leaf(index)

    def entries(self, start: LeafIndex, end: TreeSize) -> Iterator[bytes]:
        """Yield the leaves from ``start`` up to ``end``, as they were written.

        Raises:
            LedgerClosed: after closing.
        """
        self._check_usable()
        return self._store.leaves(start, TreeSize(min(end, self.size)))

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return the proof that the log of this size holds a leaf.

        Raises:
            SizeBeyondLog, IndexBeyondTree: there is no such tree or entry.
        """
        return self._memory.log.prove_inclusion(index, size)

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another.

        Raises:
            SizeBeyondLog, TreeShrank: there are no such trees.
        """
        return self._memory.log.prove_consistency(old, new)

    def checkpoint(self, origin: Origin) -> Checkpoint:
        """Return the checkpoint of the present log and state, to be signed by members.

        Raises:
            LogEmpty: there is nothing to sign yet.
        """
        log, state = self._memory.log, self._memory.state
        if not log.size:
            raise LogEmpty(str(self._store.path))
        return Checkpoint(origin, log.size, log.root(), state.root, state.time)

    def keep_checkpoint(self, note: bytes) -> bytes:
        """Keep the signatures of a checkpoint of this log; return the note with all known of it.

        Not checked: the signatures; whoever brings a note verifies it first.

        Raises:
            CheckpointNotOfThisLog: the log was never like that.
            NoteError, CheckpointError: it is no checkpoint.
            LedgerReadOnly, LedgerNotWritten, …: as `submit`.
        """
        with self._turn:
            self._check_usable(to_write=True)
            return self._checkpoints.keep(note)

    def signed_checkpoint(self) -> bytes:
        """Return the last checkpoint that was signed, as a note.

        Raises:
            LedgerClosed: after closing.
            CheckpointMissing: nobody has signed one yet.
        """
        self._check_usable()
        return self._checkpoints.last()[1]

    def receipt(self, index: LeafIndex) -> Proven:
        """Return a leaf with its proof in the tree of the last signed checkpoint.

        Raises:
            LedgerClosed: after closing.
            CheckpointMissing: nobody has signed a checkpoint yet.
            IndexBeyondTree: the tree of the last one has no such entry.
        """
        self._check_usable()
        size, note = self._checkpoints.last()
        inclusion = self.prove_inclusion(index, size)
        return Proven(self._store.leaf(index), inclusion, note)

    def replay(self, progress: Callable[[int], None] = lambda _: None) -> Replayed:
        """Apply the whole log again from nothing, verifying every proof and signature again.

        ``progress`` is told how many entries have been read.

        Raises:
            LodelineError: an entry that must not be in the log.
            LedgerDamaged: the roots are not those that were stored.
        """
        leaves = _counted(self.entries(FIRST, self.size), progress)
        again = replay(leaves, self._verify, REPLAY_BATCH)
        for what, stored, computed in (
            ("log root", self._memory.log.root(), again.frontier.root()),
            ("state root", self._memory.state.root, again.state.root),
        ):
            if stored != computed:
                raise LedgerDamaged(str(self._store.path), what, stored, computed)
        return again

    # ------------------------------------------------------------------ closing

    def snapshot(self) -> None:
        """Store the state as it is, so that the next opening applies nothing again.

        Everything is then in the one file, as far as readers allow.

        Raises:
            LedgerReadOnly, LedgerNotWritten, …: as `submit`.
        """
        with self._turn:
            self._check_usable(to_write=True)
            self._keep_state()
            self._store.fold()

    def _keep_state(self) -> None:
        parts = self._memory.rest()
        if parts:
            with self._write():
                self._store.put_parts(parts)
                self._memory.note_stored(parts)

    def close(self) -> None:
        """Store the state and release the file; what was acknowledged stays. Twice is once.

        Raises:
            LedgerNotWritten: the state was not stored; the file is released all the same.
        """
        with self._turn:
            if not self._open:
                return
            self._open = False
            try:
                if self._store.writable and not self._writing:
                    self._keep_state()
            finally:
                self._store.close()


def _counted(leaves: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for number, leaf in enumerate(leaves, start=1):
        progress(number)
        yield leaf
