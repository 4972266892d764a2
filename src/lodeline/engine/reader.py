"""What every ledger in a file shares, whoever orders its entries: reading, proving, closing.

The state and the log are in memory, the leaves in the file. A class that writes says when a block
is on the disk and memory follows it; whatever is read in between is what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Protocol

from lodeline.engine.checkpoints import Checkpoints
from lodeline.engine.interface import CheckpointSigners, Proven
from lodeline.engine.memory import REPLAY_BATCH, Memory
from lodeline.engine.refusals import (
    LedgerClosed,
    LedgerDamaged,
    LedgerMustReopen,
    LedgerNotWritten,
    LedgerReadOnly,
    LogEmpty,
)
from lodeline.engine.store import FIRST, Block, Height, Position, Store
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.change import Change
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

__all__ = ["LedgerFile", "Tried"]


class Tried(Protocol):
    """A block that was decided and may be kept."""

    @property
    def draft(self) -> State:
        """Return the state after it, over the present one."""
        ...

    @property
    def first(self) -> LeafIndex:
        """Return the leaf index of its first entry."""
        ...

    @property
    def now(self) -> BlockTime:
        """Return its time."""
        ...

    @property
    def leaves(self) -> Sequence[tuple[EntryHash, bytes]]:
        """Return the leaves with their hashes; at least one."""
        ...

    @property
    def changes(self) -> Sequence[Change]:
        """Return what each entry changed."""
        ...


class LedgerFile:
    """A ledger that is open: its file, and what follows from it in memory.

    Whoever writes does it from one thread at a time. The state is read by the thread that writes,
    or while nobody does; ``turn`` says so.
    """

    def __init__(self, store: Store, memory: Memory, verify: Verify) -> None:
        """Take a file over with what was loaded from it."""
        self._store = store
        self._memory = memory
        self._verify = verify
        self._checkpoints = Checkpoints(store)
        self._turn = RLock()
        self._writing = False
        """True from the beginning of a write until memory has followed it."""
        self._open = True
        last = store.last_block()
        self._height = Height(0 if last is None else last.height)

    @property
    def turn(self) -> RLock:
        """Return the lock that a writer holds; with it the state stands still."""
        return self._turn

    def _keep(
        self, tried: Tried, signers: CheckpointSigners | None, position: Position | None = None
    ) -> None:
        """Write a block, with its signed checkpoint where somebody signs; then memory follows."""
        hashes = [hashed for hashed, _ in tried.leaves]
        memory, parts = self._memory, self._memory.sealed()
        frontier = memory.log.frontier().extend(hashes)
        height, root = Height(self._height + 1), tried.draft.root
        block = Block(height, tried.first, frontier.size, tried.now, frontier.root(), root)
        note = None if signers is None else self._checkpoints.sign(block, signers)
        with self._write():
            self._store.append(block, tried.leaves, parts, note, position)
            memory.note_stored(parts)
            memory.grow(hashes, tried.draft, tried.changes)
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
