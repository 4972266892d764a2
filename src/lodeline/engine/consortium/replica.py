"""A validator's ledger: what members agreed on, block after block, with nothing of its own.

A block is tried over a draft, its application hash is what the validators compare, and only when
it is committed does it go to the disk: leaves, roots, the validator's signed checkpoint and the
height of the consensus engine in one synced transaction. Blocks that add nothing move the height
alone, and leave the application hash as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.engine.consortium.attempt import Attempt, Learn
from lodeline.engine.consortium.founding import Founding
from lodeline.engine.consortium.reading import ReadEntry, read_entry
from lodeline.engine.consortium.refusals import FoundingNotOfThisLedger
from lodeline.engine.interface import CheckpointSigners
from lodeline.engine.memory import PART_ENTRIES, Memory
from lodeline.engine.reader import LedgerFile
from lodeline.engine.store import FIRST, ConsensusHeight, Position, Store
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.log import Verify, read_leaf
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import application_hash
from lodeline.proofs.batch import verify_batch

__all__ = ["NOWHERE", "Replica", "ReplicaTuning"]

NOWHERE: Final = Position(ConsensusHeight(0), Hash32(bytes(32)))
"""Where a validator is before its ledger is founded."""


@dataclass(frozen=True)
class ReplicaTuning:
    """What changes how a replica works, and never what it holds."""

    part_entries: int = PART_ENTRIES
    connection: type[sqlite3.Connection] = sqlite3.Connection
    """What opens the file; tests give one that breaks."""


USUAL: Final = ReplicaTuning()


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
        except LodelineError:
            store.close()
            raise
        self._signers = signers

    @property
    def position(self) -> Position:
        """Return the last block that is durable."""
        return self._position

    @property
    def application_hash(self) -> Hash32:
        """Return the hash of the present log and state."""
        return application_hash(self._memory.log.root(), self._memory.state.root)

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
        began = tuple(cbor.encode_struct(leaf.entry) for leaf in leaves)
        if began != founding.entries or any(leaf.time != time for leaf in leaves):
            raise FoundingNotOfThisLedger(founding.digest, Founding(founding.clock, began).digest)

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


def _entry(data: bytes) -> ReadEntry:
    read = read_entry(data)
    if isinstance(read, LodelineError):
        raise read
    return read
