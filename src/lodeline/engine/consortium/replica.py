"""A validator's ledger: what members agreed on, block after block, with nothing of its own.

A block is tried over a draft, its application hash is what the validators compare, and only when
it is committed does it go to the disk: leaves, roots, the validator's signed checkpoint and the
height of the consensus engine in one synced transaction. Blocks that add nothing move the height
alone, and leave the application hash as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from lodeline.engine.consortium.attempt import Attempt, Learn
from lodeline.engine.consortium.founding import Founding
from lodeline.engine.consortium.reading import ReadEntry, read_entry
from lodeline.engine.consortium.refusals import FoundingNotOfThisLedger
from lodeline.engine.consortium.refusals_snapshots import SnapshotDiffers, SnapshotNotEmpty
from lodeline.engine.consortium.snapshot_format import Record, SnapshotHeader
from lodeline.engine.interface import CheckpointSigners
from lodeline.engine.memory import PART_ENTRIES, Memory
from lodeline.engine.reader import LedgerFile
from lodeline.engine.refusals import LedgerDamaged
from lodeline.engine.store import (
    FIRST,
    Block,
    ConsensusHeight,
    Filling,
    Height,
    Position,
    Store,
    StoredPart,
)
from lodeline.engine.trial import check_program
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.log import Leaf, Verify, read_leaf
from lodeline.ledger.merkle import LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import application_hash
from lodeline.proofs.batch import Verdict, verify_batch
from lodeline.proofs.task import ProofTask

__all__ = ["NOWHERE", "USUAL", "Replica", "ReplicaTuning"]

NOWHERE: Final = Position(ConsensusHeight(0), Hash32(bytes(32)))
"""Where a validator is before its ledger is founded."""


@dataclass(frozen=True)
class ReplicaTuning:
    """What changes how a replica works, and never what it holds."""

    part_entries: int = PART_ENTRIES
    connection: type[sqlite3.Connection] = sqlite3.Connection
    """What opens the file; tests give one that breaks."""


USUAL: Final = ReplicaTuning()
_RECORDS: Final = 2_000
"""Records of a snapshot that are written at once."""


class Replica(LedgerFile):
    """The ledger of one validator. `turn` is held by whoever changes it, or reads the state."""

    def __init__(
        self,
        path: Path,
        *,
        verify: Verify = verify_batch,
        signers: CheckpointSigners | None = None,
        tuning: ReplicaTuning = USUAL,
    ) -> None:
        """Open a validator's ledger, or make an empty one.

        Raises:
            LedgerHasWriter, LedgerVersionUnknown, …: as `Store`.
            LedgerIncomplete, LedgerDamaged: what is stored does not add up to its roots.
        """
        store = Store(path, writable=True, factory=tuning.connection)
        try:
            memory = Memory(store, verify, tuning.part_entries)
            self._position = store.position() or NOWHERE
            super().__init__(store, memory, verify)
            self._check_position()
        except LodelineError:
            store.close()
            raise
        self._signers = signers
        self._part_entries = tuning.part_entries

    @property
    def position(self) -> Position:
        """Return the last block that is durable."""
        return self._position

    @property
    def application_hash(self) -> Hash32:
        """Return the hash of the present log and state."""
        return application_hash(self._memory.log.root(), self._memory.state.root)

    def _check_position(self) -> None:
        """Refuse a file whose log is not the one that the consensus engine was told of."""
        stored, computed = self._position.application_hash, self.application_hash
        if self.size and stored != computed:
            raise LedgerDamaged(str(self._store.path), "application hash", stored, computed)

    def hash_after(self, attempt: Attempt) -> Hash32:
        """Return what the application hash would be if a block were kept."""
        if not attempt.leaves:
            return self.application_hash
        frontier = self._memory.log.frontier().extend(hashed for hashed, _ in attempt.leaves)
        return application_hash(frontier.root(), attempt.draft.root)

    def found(
        self,
        founding: Founding,
        time: BlockTime,
        learn: Learn,
        check: Callable[[State], None],
    ) -> None:
        """Apply a founding to an empty ledger; to one that began with it, do nothing.

        ``check`` may refuse the state that it gives. The founding is durable at once: the
        consensus engine asks for it again until its first block is committed.

        Raises:
            FoundingNotOfThisLedger: the ledger began otherwise.
            LodelineError: the refusal of an entry; nothing was kept.
        """
        with self._turn:
            self._check_usable(to_write=True)
            if self.size:
                self._check_founded(founding, time)
                check(self._memory.state)
                return
            attempt = Attempt(self._memory.state, time)
            attempt.found([_entry(data) for data in founding.entries], learn)
            check(attempt.draft)
            position = Position(ConsensusHeight(0), self.hash_after(attempt))
            self._keep(attempt, self._signers, position)
            self._position = position

    def _check_founded(self, founding: Founding, time: BlockTime) -> None:
        """Refuse a founding that this ledger did not begin with."""
        leaves = [read_leaf(data) for data in self.entries(FIRST, TreeSize(len(founding.entries)))]
        self._check_began(founding, leaves)
        if any(leaf.time != time for leaf in leaves):
            raise FoundingNotOfThisLedger(founding.digest, founding.digest)

    def _check_began(self, founding: Founding, leaves: Sequence[Leaf]) -> None:
        began = tuple(cbor.encode_struct(leaf.entry) for leaf in leaves)
        if began != founding.entries:
            raise FoundingNotOfThisLedger(founding.digest, replace(founding, entries=began).digest)

    def commit(self, attempt: Attempt, height: ConsensusHeight) -> None:
        """Make a block durable, with the height that the members agreed on it at.

        Raises:
            LedgerNotWritten: the storage refused; nothing was written, and it may be repeated.
            LedgerMustReopen: the block may be there whole, or not at all.
        """
        with self._turn:
            self._check_usable(to_write=True)
            position = Position(height, self.hash_after(attempt))
            if attempt.leaves:
                self._keep(attempt, self._signers, position)
            else:
                with self._write():
                    self._store.put_position(position)
            self._position = position

    # ------------------------------------------------------------------ snapshots

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._store.path

    def tail(self) -> tuple[LeafIndex, tuple[StoredPart, ...]]:
        """Return the parts of the state that are not all stored yet, and where they begin."""
        return self._memory.tail()

    def restore(self, found: Iterable[Record], header: SnapshotHeader, founding: Founding) -> None:
        """Fill this empty ledger with a snapshot that was vouched for.

        Both roots are computed again, from the leaves and from the parts of the state; no proof
        and no signature of an entry is verified, that is what the validators vouch for. Nothing is
        kept unless everything fits.

        Raises:
            SnapshotNotEmpty: there are entries already.
            ProgramTooOld: its state follows a version of the protocol that is not known here.
            SnapshotDiffers: roots, sizes, blocks or the application hash are others.
            FoundingNotOfThisLedger: it is another consortium's.
            SnapshotMalformed, PartNotRead, PartOutOfPlace, WrongShape: records that are none.
            LedgerNotWritten, LedgerMustReopen: the storage refused.
        """
        with self._turn:
            self._check_usable(to_write=True)
            if self.size:
                raise SnapshotNotEmpty(self.size)
            position = Position(ConsensusHeight(header.height), header.application_hash)
            with self._write(), self._store.filling() as filling:
                try:
                    memory = self._filled(filling, found, header)
                    self._check_restored(memory, header, founding)
                    self._sign_last(filling)
                    filling.put_position(position)
                except LodelineError:
                    self._writing = False  # nothing was written, and memory is as it was
                    raise
            self._memory, self._position = memory, position
            self._height = _last_height(self._store)

    def _filled(self, filling: Filling, found: Iterable[Record], header: SnapshotHeader) -> Memory:
        """Put records into the file, and load from it what they add up to."""
        at = FIRST
        for kind, run in groupby(found, key=type):
            for some in _batches(run, _RECORDS):
                if kind is bytes:
                    leaves = [(leaf_hash(leaf), leaf) for leaf in some if isinstance(leaf, bytes)]
                    filling.put_leaves(at, leaves)
                    at = LeafIndex(at + len(leaves))
                elif kind is Block:
                    filling.put_blocks([block for block in some if isinstance(block, Block)])
                else:
                    filling.put_parts([part for part in some if isinstance(part, StoredPart)])
        if at != header.size:
            raise SnapshotDiffers("size", str(header.size), str(at))
        return Memory(self._store, _verifies_nothing, self._part_entries)

    def _check_restored(self, memory: Memory, header: SnapshotHeader, founding: Founding) -> None:
        """Hold what was loaded against the header, every block's root and the founding."""
        check_program(memory.state, memory.state.time)
        for refused in memory.ignored:
            raise refused
        if memory.replayed:
            raise SnapshotDiffers("state", "that of every entry", f"short of {memory.replayed}")
        end = FIRST
        for height, block in enumerate(self._store.blocks(), 1):
            if (block.height, block.first) != (height, end):
                raise SnapshotDiffers("block", f"{height} at {end}", str(block))
            if block.log_root != memory.log.root(block.size):
                raise SnapshotDiffers("log root", block.log_root.hex(), str(block.size))
            end = LeafIndex(block.size)
        got = application_hash(memory.log.root(), memory.state.root)
        if got != header.application_hash:
            raise SnapshotDiffers("application hash", header.application_hash.hex(), got.hex())
        leaves = self._store.leaves(FIRST, TreeSize(len(founding.entries)))
        self._check_began(founding, [read_leaf(data) for data in leaves])

    def _sign_last(self, filling: Filling) -> None:
        """Sign the checkpoint of the restored ledger as that of any other block."""
        block = self._store.last_block()
        if block is not None and self._signers is not None:
            filling.put_note(block.size, self._checkpoints.sign(block, self._signers))


def _verifies_nothing(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Stand for the verification of proofs where no entry is applied."""
    if tasks:
        raise SnapshotDiffers("state", "that of every entry", f"without {len(tasks)} of them")
    return ()


def _batches(items: Iterable[Record], most: int) -> Iterator[list[Record]]:
    running = iter(items)
    while batch := list(islice(running, most)):
        yield batch


def _last_height(store: Store) -> Height:
    last = store.last_block()
    return Height(0 if last is None else last.height)


def _entry(data: bytes) -> ReadEntry:
    read = read_entry(data)
    if isinstance(read, LodelineError):
        raise read
    return read
