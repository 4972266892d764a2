"""The embedded engine: one process, one file, the same state machine as everywhere.

Life of a submission:

1. decode every entry; what is malformed is refused alone;
2. verify all proofs together, in worker processes where there are some;
3. apply the entries one by one to a draft of the state; what is refused leaves the draft as it was;
4. write leaves, hashes and roots in one synced transaction;
5. settle the draft into the state, and give receipts.

Whatever fails before step 4 is through drops the draft: memory never runs ahead of the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lodeline.engine.interface import Clock, Receipt
from lodeline.engine.refusals import LedgerDamaged, LedgerReadOnly
from lodeline.engine.store import BatchRoots, Store
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply
from lodeline.ledger.checkpoint import Checkpoint, Origin
from lodeline.ledger.entries import Entry, decode_entry, entry_id
from lodeline.ledger.log import BATCH, Leaf, Replayed, Verify, parts, read_leaf, replay
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.state import State
from lodeline.ledger.tasks import tasks_for
from lodeline.ledger.tiles import check_entry_size
from lodeline.proofs.batch import Verdict, Verdicts, verify_batch

__all__ = ["EmbeddedLedger", "Opened"]


@dataclass(frozen=True)
class Opened:
    """How a ledger was opened, for whoever wants to know."""

    size: int
    replayed: int
    """Entries that were applied again, because no snapshot covered them."""
    ignored: tuple[str, ...]
    """Snapshots that were not used, each with the reason."""


@dataclass
class _Draft:
    """A batch being tried."""

    state: State
    leaves: list[tuple[EntryHash, bytes]]


class EmbeddedLedger:
    """A ledger in one file; see the module for the life of a submission."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        writable: bool = True,
        verify: Verify = verify_batch,
    ) -> None:
        """Open a ledger, or make an empty one to write.

        ``verify`` may be bound to a pool of processes.

        Raises:
            LedgerMissing, LedgerHasWriter, LedgerVersionUnknown: see each.
            LedgerDamaged: what is stored does not add up to its roots.
        """
        self._clock = clock
        self._verify = verify
        self._store = Store(path, writable=writable)
        self._log = MerkleLog(self._store.hashes())
        self._state, self.opened = _opened(self._store, verify)
        self._check_roots(self._store.last_batch())

    def _check_roots(self, stored: BatchRoots | None) -> None:
        if stored is None:
            return
        log_root = self._log.root()
        for what, computed, expected in (
            ("log root", log_root, stored.log_root),
            ("state root", self._state.root, stored.state_root),
        ):
            if computed != expected:
                raise LedgerDamaged(str(self._store.path), what, expected, computed)

    # ------------------------------------------------------------------ writing

    def submit(self, entries: Sequence[bytes]) -> list[Receipt | LodelineError]:
        """Offer entries; one answer for each, in order.

        Raises:
            LedgerReadOnly: opened for reading.
            LedgerNotWritten: the storage refused; nothing of the batch was accepted.
        """
        if not self._store.writable:
            raise LedgerReadOnly(str(self._store.path))
        read = [_read(data) for data in entries]
        verdicts = self._verdicts([entry for entry in read if not isinstance(entry, LodelineError)])
        now = BlockTime(max(self._clock.now(), self._state.time))
        draft = _Draft(self._state.draft(), [])
        answers = [self._try(draft, entry, now, verdicts) for entry in read]
        if draft.leaves:
            self._keep(draft)
        return answers

    def _verdicts(self, entries: Sequence[Entry]) -> Verdicts:
        found: Sequence[Verdict] = self._verify(tasks_for(self._state, entries))
        return {verdict.key: verdict for verdict in found}

    def _try(
        self, draft: _Draft, entry: Entry | LodelineError, now: BlockTime, verdicts: Verdicts
    ) -> Receipt | LodelineError:
        if isinstance(entry, LodelineError):
            return entry
        data = Leaf(entry, now).encode()
        try:
            check_entry_size(data)
            apply(draft.state, entry, now, verdicts)
        except LodelineError as refusal:
            return refusal
        leaf = leaf_hash(data)
        index = LeafIndex(self._log.size + len(draft.leaves))
        draft.leaves.append((leaf, data))
        return Receipt(index, entry_id(entry), leaf, now)

    def _keep(self, draft: _Draft) -> None:
        """Write the batch, then let memory follow."""
        size = TreeSize(self._log.size + len(draft.leaves))
        hashes = [leaf for leaf, _ in draft.leaves]
        log_root = self._log.frontier().extend(hashes).root()
        self._store.append(draft.leaves, BatchRoots(size, log_root, draft.state.root))
        for leaf in hashes:
            self._log.append(leaf)
        draft.state.settle()

    # ------------------------------------------------------------------ reading

    def state(self) -> State:
        """Return the state after the last accepted entry; only to be read."""
        return self._state

    @property
    def size(self) -> TreeSize:
        """Return the number of accepted entries."""
        return self._log.size

    def leaf(self, index: LeafIndex) -> bytes:
        """Return the bytes of a leaf."""
        return self._store.leaf(index)

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaves from ``start`` up to ``end``, as they were written."""
        return self._store.leaves(start, min(end, self._log.size))

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return the proof that the log of this size holds a leaf."""
        return self._log.prove_inclusion(index, size)

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another."""
        return self._log.prove_consistency(old, new)

    def checkpoint(self, origin: Origin) -> Checkpoint:
        """Return the checkpoint of the present log and state, to be signed by members."""
        root, state = self._log.root(), self._state
        return Checkpoint(origin, self._log.size, root, state.root, state.time)

    def replay(self, progress: Callable[[int], None] = lambda _: None) -> Replayed:
        """Apply the whole log again from nothing, verifying every proof and signature again.

        ``progress`` is told how many entries have been read.

        Raises:
            LodelineError: an entry that must not be in the log.
            LedgerDamaged: the roots are not those that were stored.
        """
        again = replay(_counted(self.entries(0, self.size), progress), self._verify)
        for what, stored, computed in (
            ("log root", self._log.root(), again.frontier.root()),
            ("state root", self._state.root, again.state.root),
        ):
            if stored != computed:
                raise LedgerDamaged(str(self._store.path), what, stored, computed)
        return again

    def close(self) -> None:
        """Release the file."""
        self._store.close()


def _read(data: bytes) -> Entry | LodelineError:
    try:
        return decode_entry(data)
    except LodelineError as refusal:
        return refusal


def _counted(leaves: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for number, leaf in enumerate(leaves, start=1):
        progress(number)
        yield leaf


def _opened(store: Store, verify: Verify) -> tuple[State, Opened]:
    """Return the state of a stored log: the newest sound snapshot and what follows it."""
    size, state = store.size(), State()
    _apply_again(state, store.leaves(0, size), verify)
    return state, Opened(size, size, ())


def _apply_again(state: State, leaves: Iterator[bytes], verify: Verify) -> None:
    """Apply leaves that were accepted before; the roots are compared afterwards."""
    for part in parts(leaves, BATCH):
        read = [read_leaf(data) for data in part]
        found = verify(tasks_for(state, [leaf.entry for leaf in read]))
        verdicts = {verdict.key: verdict for verdict in found}
        for leaf in read:
            apply(state, leaf.entry, leaf.time, verdicts)
