"""The ledger in memory, as it follows from the file: the tree of the log, and the state.

Opening takes the stored parts of the state in and applies only the entries after them, verifying
their proofs again. A part is used where its bytes are those that were stored, where it begins at
the end of the one before and ends with a block; and all of them together only where they give the
state root of that block. Otherwise the entries are applied again, and `Memory.ignored` says which
part was not used and why. In the end both roots are those of the last block, or opening is refused.

A part is sealed when it has enough entries. The last one stored may be shorter: it is then the
beginning of the next, so that there are never many of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lodeline.engine.refusals import (
    LedgerDamaged,
    LedgerIncomplete,
    PartDamaged,
    PartsGiveOtherState,
    PartWithoutBlock,
)
from lodeline.engine.store import FIRST, NOTHING, Block, Store, StoredPart
from lodeline.engine.trial import check_program
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.log import Verify, read_leaf
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.snapshot import Gathered, StatePart, commit_part, read_part
from lodeline.ledger.state import State
from lodeline.ledger.tasks import batches, tasks_for

__all__ = ["PART_ENTRIES", "REPLAY_BATCH", "Memory"]

PART_ENTRIES: Final = 1_000
"""Entries after which a part of the state is sealed: about as many has a killed writer to apply
again when it is next opened."""
REPLAY_BATCH: Final = 256
"""Entries whose proofs are verified together while they are applied again."""


class Memory:
    """Tree and state of a ledger, and the changes that no stored part has yet."""

    def __init__(self, store: Store, verify: Verify, part_entries: int = PART_ENTRIES) -> None:
        """Load what is stored.

        Raises:
            LedgerIncomplete, LedgerDamaged: what is stored does not add up to its own roots.
            LedgerNotRead: the file cannot be read.
            ProgramTooOld: entries follow a version of the protocol that is not known here.
            LodelineError: an entry that must not be in the log.
        """
        self._store = store
        self._verify = verify
        self._part_entries = part_entries
        self.log = MerkleLog()
        self.state = State()
        self.ignored: list[LodelineError] = []
        """Why stored parts were not used."""
        self.replayed = 0
        """Entries that were applied again."""
        self._gathered = Gathered(FIRST)
        self._sealed: list[StoredPart] = []
        self._kept = NOTHING
        """Size of the log up to which the stored parts reach."""
        with store.snapshot():
            self._take_parts()
            self._follow()

    # ------------------------------------------------------------------ loading

    def refresh(self) -> None:
        """Follow a log that somebody else writes, up to its last block.

        Raises:
            LedgerIncomplete, LedgerDamaged, LedgerNotRead, LodelineError: as when it is loaded.
        """
        with self._store.snapshot():
            self._follow()

    def _take_parts(self) -> None:
        """Lay the stored parts over nothing, as far as they are sound."""
        state, last = State(), None
        for stored in self._store.parts():
            try:
                last = self._take_part(state, stored)
            except LodelineError as refusal:
                self.ignored.append(refusal)
                break
        if last is not None and state.root != last.state_root:
            self.ignored.append(PartsGiveOtherState(last.size, last.state_root, state.root))
            self._gathered, self._kept = Gathered(FIRST), NOTHING
            return
        self.state = state

    def _take_part(self, state: State, stored: StoredPart) -> Block:
        if not stored.is_intact:
            raise PartDamaged(stored.first, stored.size)
        block, part = self._store.block_at(stored.size), read_part(stored.part)
        if block is None or part.size != stored.size:
            raise PartWithoutBlock(stored.first, stored.size)
        commit_part(state, part)
        self._continue(part)
        self._kept = stored.size
        return block

    def _continue(self, part: StatePart) -> None:
        """Let a short part be the beginning of the next one."""
        short = len(part.accepted) < self._part_entries
        self._gathered = Gathered(part.first if short else part.size)
        if short:
            self._gathered.add_part(part)

    def _follow(self) -> None:
        """Add what the file has beyond memory, and compare both roots with its last block's."""
        blocks = self._store.blocks(TreeSize(self.state.size))
        self.log.extend(self._store.hashes(LeafIndex(self.log.size)))
        self._apply_again(blocks)
        self._compare(self._store.last_block())

    def _apply_again(self, blocks: Sequence[Block]) -> None:
        """Apply the entries of blocks; that they are acceptable was decided once before."""
        if not blocks:
            return
        ends = {block.size for block in blocks}
        leaves = self._store.leaves(blocks[0].first, blocks[-1].size)
        for read in batches(map(read_leaf, leaves), REPLAY_BATCH, lambda leaf: leaf.entry):
            check_program(self.state, read[-1].time)
            found = self._verify(tasks_for(self.state, [leaf.entry for leaf in read]))
            verdicts = {verdict.key: verdict for verdict in found}
            for leaf in read:
                change = decide(self.state, leaf.entry, leaf.time, verdicts)
                self.state.commit(change)
                self.replayed += 1
                if self._store.writable:
                    self._gathered.add(change)
                    if self.state.size in ends:
                        self._seal_when_due()

    def _compare(self, last: Block | None) -> None:
        size = NOTHING if last is None else last.size
        for what, got in (("leaf hashes", self.log.size), ("leaves", self.state.size)):
            if got != size:
                raise LedgerIncomplete(str(self._store.path), what, size, got)
        if last is None:
            return
        for what, stored, computed in (
            ("log root", last.log_root, self.log.root()),
            ("state root", last.state_root, self.state.root),
        ):
            if stored != computed:
                raise LedgerDamaged(str(self._store.path), what, stored, computed)

    # ------------------------------------------------------------------ growing

    def grow(self, hashes: Iterable[EntryHash], draft: State, changes: Iterable[Change]) -> None:
        """Take in a block that is in the file now: its hashes, its state, its changes."""
        self.log.extend(hashes)
        draft.settle()
        for change in changes:
            self._gathered.add(change)
        self._seal_when_due()

    def _seal_when_due(self) -> None:
        if len(self._gathered) >= self._part_entries:
            part = self._gathered.part()
            self._sealed.append(_stored(part))
            self._gathered = Gathered(part.size)

    def sealed(self) -> tuple[StoredPart, ...]:
        """Return the parts that are complete and not yet stored."""
        return tuple(self._sealed)

    def note_stored(self, stored: Sequence[StoredPart]) -> None:
        """Forget parts that are in the file now."""
        if stored:
            self._kept = stored[-1].size
            self._sealed = self._sealed[len(stored) :]

    def rest(self) -> tuple[StoredPart, ...]:
        """Return what must be stored for the next opening to apply nothing again."""
        if self._kept == self.state.size or not len(self._gathered):
            return self.sealed()
        return (*self._sealed, _stored(self._gathered.part()))

    def tail(self) -> tuple[LeafIndex, tuple[StoredPart, ...]]:
        """Return the parts that no later one replaces in the file yet, and where they begin.

        With the stored parts before that place they are the whole state. They depend on the blocks
        alone: not on when this process was started, or on what it had stored.
        """
        last = (_stored(self._gathered.part()),) if len(self._gathered) else ()
        tail = (*self._sealed, *last)
        return (tail[0].first if tail else LeafIndex(self.state.size)), tail


def _stored(part: StatePart) -> StoredPart:
    return StoredPart.of(LeafIndex(part.first), TreeSize(part.size), part.encode())
