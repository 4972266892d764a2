"""`fsck`: look at everything in the file of a ledger and name what is not as it was written.

In steps, each on its own, so that one fault hides no other:

1. the database's own check of its file;
2. leaves: none missing, each with the hash that was stored, each of a block and of its time;
3. blocks: they continue one another, and the log root of each follows from the leaves;
4. state: the stored parts are sound and give the state roots of the blocks that they end with;
5. entries: applied again, with every proof and signature, from nothing or from the last part on;
   the state root of every block on the way is compared;
6. checkpoints: each says what the log was like, and where a policy is given, enough members signed.

The file is only read, beside a writer if there is one. Not shown: that the log is the one that the
other members have; that is what their signatures under its checkpoints are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lodeline.engine.checkpoints import check_checkpoint
from lodeline.engine.faults import (
    BlockOutOfPlace,
    CheckpointFault,
    DatabaseDamaged,
    EntryFault,
    HashWithoutLeaf,
    LeafHashDiffers,
    LeafMissing,
    LeafNotOfBlock,
    LeafTimeDiffers,
    RootDiffers,
    StateFault,
)
from lodeline.engine.memory import REPLAY_BATCH
from lodeline.engine.refusals import LedgerMissing, PartDamaged, PartWithoutBlock
from lodeline.engine.store import FIRST, NOTHING, Block, Store, StoredPart
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply
from lodeline.ledger.checkpoint import CheckpointPolicy, parse_checkpoint_text, verify_checkpoint
from lodeline.ledger.log import Leaf, Verify, read_leaf
from lodeline.ledger.merkle import MAX_TREE_SIZE, LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.merklelog import Frontier
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.snapshot import commit_part, read_part
from lodeline.ledger.state import State
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.proofs.batch import Verdicts, verify_batch

__all__ = ["MAX_FAULTS", "FsckReport", "FsckRequest", "fsck"]

MAX_FAULTS: Final = 100
"""Faults that a report lists; of a file that is all damage, the rest says nothing new."""

Progress = Callable[[int, int], None]
"""Told how many entries have been applied again, and how many there are in all."""


def _silent(_done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class FsckRequest:
    """How thoroughly to look."""

    from_nothing: bool = False
    """Apply every entry again, with its proof; otherwise only those that no sound part covers."""
    verify: Verify = verify_batch
    policy: CheckpointPolicy | None = None
    """Whose signatures checkpoints need; without it signatures are not looked at."""
    progress: Progress = _silent


@dataclass(frozen=True)
class FsckReport:
    """What was looked at, and what was found."""

    path: str
    entries: int
    blocks: int
    parts: int
    checkpoints: int
    applied: int
    """Entries that were applied again."""
    proofs: int
    """Proofs that were verified again."""
    faults: tuple[LodelineError, ...]
    """At most `MAX_FAULTS`, in the order of the steps."""
    unlisted: int
    """Faults beyond those."""

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was found."""
        return not self.faults


_QUICKLY: Final = FsckRequest()


def fsck(path: Path, request: FsckRequest = _QUICKLY) -> FsckReport:
    """Look at the file of a ledger; whatever is wrong with it is in the report.

    Raises:
        LedgerMissing: there is no file.
    """
    if not path.is_file():
        raise LedgerMissing(str(path))
    findings = _Findings()
    try:
        store = Store(path, writable=False)
    except LodelineError as refusal:
        findings.add(refusal)
        return findings.report(path)
    try:
        with findings.step(), store.snapshot():
            _Check(store, request, findings).all()
    finally:
        store.close()
    return findings.report(path)


@dataclass
class _Findings:
    """Counts and faults, as they come up."""

    entries: int = 0
    blocks: int = 0
    parts: int = 0
    checkpoints: int = 0
    applied: int = 0
    proofs: int = 0
    faults: list[LodelineError] = field(default_factory=list)
    unlisted: int = 0

    def add(self, fault: LodelineError) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.unlisted += 1

    @contextmanager
    def step(self) -> Iterator[None]:
        """Let a step that cannot be finished be a fault, and not the end."""
        try:
            yield
        except LodelineError as refusal:
            self.add(refusal)

    def report(self, path: Path) -> FsckReport:
        return FsckReport(
            str(path),
            self.entries,
            self.blocks,
            self.parts,
            self.checkpoints,
            self.applied,
            self.proofs,
            tuple(self.faults),
            self.unlisted,
        )


class _Check:
    """One look at one file."""

    def __init__(self, store: Store, request: FsckRequest, findings: _Findings) -> None:
        self._store = store
        self._request = request
        self._findings = findings
        self._blocks = store.blocks()
        self._size = self._blocks[-1].size if self._blocks else NOTHING
        self._state = State()
        """What the entries are applied to in step 5: nothing, or the sum of the sound parts."""

    def all(self) -> None:
        for look in (
            self._database,
            self._chain_of_blocks,
            self._leaves_and_roots,
            self._stored_state,
            self._entries_again,
            self._checkpoints,
        ):
            with self._findings.step():
                look()

    def _database(self) -> None:
        for detail in self._store.damage():
            self._findings.add(DatabaseDamaged(detail))

    def _chain_of_blocks(self) -> None:
        self._findings.blocks = len(self._blocks)
        size, time = NOTHING, BlockTime(0)
        for height, block in enumerate(self._blocks, 1):
            for what, expected, got in (
                ("number", height, block.height),
                ("start", size, block.first),
                ("time", max(time, block.time), block.time),
            ):
                if expected != got:
                    self._findings.add(BlockOutOfPlace(height, what, expected, got))
            size, time = block.size, block.time

    # ------------------------------------------------------------------ leaves

    def _leaves_and_roots(self) -> None:
        """Read every leaf once, and compute the tree over them."""
        stored = dict(self._store.indexed_hashes())
        blocks = _by_size(self._blocks)
        frontier, agrees = Frontier(), True
        for index, leaf in self._store.indexed_leaves(FIRST, TreeSize(MAX_TREE_SIZE)):
            expected = LeafIndex(frontier.size)
            if index != expected:
                raise LeafMissing(expected, LeafIndex(index - 1))
            frontier = frontier.append(self._hashed(index, leaf, stored.pop(index, None)))
            block = blocks.get(frontier.size)
            if agrees and block is not None:
                agrees = self._agrees(block, frontier.root())
        self._compare_ends(frontier.size, sorted(stored))

    def _hashed(self, index: LeafIndex, leaf: bytes, stored: EntryHash | None) -> EntryHash:
        self._findings.entries += 1
        computed = leaf_hash(leaf)
        if stored != computed:
            self._findings.add(LeafHashDiffers(index, stored, computed))
        return computed

    def _agrees(self, block: Block, computed: Hash32) -> bool:
        """Compare a log root; after the first that differs, all others do and say nothing new."""
        if block.log_root == computed:
            return True
        self._findings.add(RootDiffers(block.size, "log root", block.log_root, computed))
        return False

    def _compare_ends(self, leaves: TreeSize, hashes_left: Sequence[LeafIndex]) -> None:
        if leaves < self._size:
            self._findings.add(LeafMissing(LeafIndex(leaves), LeafIndex(self._size - 1)))
        if leaves > self._size:
            self._findings.add(LeafNotOfBlock(LeafIndex(self._size)))
        for index in hashes_left:
            self._findings.add(HashWithoutLeaf(index))

    # ------------------------------------------------------------------ state

    def _stored_state(self) -> None:
        """Lay the parts over one another, as opening does, and compare after each of them."""
        state, sound, covered = State(), True, 0
        for stored in self._store.parts():
            self._findings.parts += 1
            sound = sound and self._is_sound(state, stored)
            covered = stored.size if sound else covered
        if covered == state.size and not self._request.from_nothing:
            self._state = state

    def _is_sound(self, state: State, stored: StoredPart) -> bool:
        try:
            if not stored.is_intact:
                raise PartDamaged(stored.first, stored.size)
            block = self._store.block_at(stored.size)
            if block is None:
                raise PartWithoutBlock(stored.first, stored.size)
            commit_part(state, read_part(stored.part))
            _compare_state(block, state)
        except LodelineError as refusal:
            self._findings.add(StateFault(stored.first, stored.size, refusal.code))
            return False
        return True

    def _entries_again(self) -> None:
        """Apply entries to the state, and compare it after each block."""
        state, blocks = self._state, iter(_after(self._blocks, self._state))
        block = next(blocks, None)
        leaves = self._store.leaves(LeafIndex(state.size), self._size)
        readable = (_readable(index, data) for index, data in enumerate(leaves, state.size))
        for read in batches(readable, REPLAY_BATCH, lambda leaf: leaf.entry):
            tasks = tasks_for(state, [leaf.entry for leaf in read])
            verdicts = {verdict.key: verdict for verdict in self._request.verify(tasks)}
            self._findings.proofs += len(tasks)
            for leaf in read:
                self._apply(leaf, block, verdicts)
                if block is not None and state.size == block.size:
                    _compare_state(block, state)
                    block = next(blocks, None)
            self._request.progress(state.size, self._size)

    def _apply(self, leaf: Leaf, block: Block | None, verdicts: Verdicts) -> None:
        index = LeafIndex(self._state.size)
        if block is not None and leaf.time != block.time:
            self._findings.add(LeafTimeDiffers(index, block.time, leaf.time))
        try:
            apply(self._state, leaf.entry, leaf.time, verdicts)
        except LodelineError as refusal:
            raise EntryFault(index, refusal.code) from refusal
        self._findings.applied += 1

    # ------------------------------------------------------------------ checkpoints

    def _checkpoints(self) -> None:
        for size, note in self._store.notes():
            self._findings.checkpoints += 1
            try:
                self._checkpoint(size, note)
            except LodelineError as refusal:
                self._findings.add(CheckpointFault(size, refusal.code))

    def _checkpoint(self, size: TreeSize, note: bytes) -> None:
        checkpoint = parse_checkpoint_text(parse_note(note).text)
        check_checkpoint(checkpoint, self._store.block_at(size))
        if self._request.policy is not None:
            # Witnesses cosign later, and not every checkpoint.
            verify_checkpoint(note, self._request.policy.signers_only())


def _by_size(blocks: Iterable[Block]) -> dict[TreeSize, Block]:
    return {block.size: block for block in blocks}


def _after(blocks: Iterable[Block], state: State) -> list[Block]:
    return [block for block in blocks if block.first >= state.size]


def _readable(index: int, data: bytes) -> Leaf:
    try:
        return read_leaf(data)
    except LodelineError as refusal:
        raise EntryFault(LeafIndex(index), refusal.code) from refusal


def _compare_state(block: Block, state: State) -> None:
    if (state.size, state.root) != (block.size, block.state_root):
        raise RootDiffers(block.size, "state root", block.state_root, state.root)
