"""The log: accepted entries with their block times, and the state that they add up to.

A leaf is the canonical CBOR of an entry together with the time of its block. The state is a pure
function of the leaves: ``replay`` makes it again from nothing, verifying every proof and every
signature again, and gives the roots that the checkpoints state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from lodeline.kernel import cbor
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.kernel.time import BlockTimeW
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import MAX_ENTRY_BYTES, Entry
from lodeline.ledger.merkle import leaf_hash
from lodeline.ledger.merklelog import Frontier
from lodeline.ledger.protocols import check_known
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import application_hash
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

__all__ = ["MAX_LEAF_BYTES", "Leaf", "Replayed", "Verify", "read_leaf", "replay"]

MAX_LEAF_BYTES = MAX_ENTRY_BYTES + 64
"""An entry, its time and the names of the two fields; below what a tile's entry can have."""

BATCH = 64
"""Entries whose proofs are verified together while a log is replayed."""

Verify = Callable[[Sequence[ProofTask]], tuple[Verdict, ...]]
"""Verifies proofs; ``proofs.batch.verify_batch`` alone, or with processes bound to it."""


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One leaf of the log: an accepted entry and the block time at which it took effect."""

    entry: Entry
    time: BlockTimeW

    def encode(self) -> bytes:
        """Return the bytes of the leaf, as they are hashed and published."""
        return cbor.encode_struct(self)

    @property
    def hash(self) -> EntryHash:
        """Return the leaf hash (RFC 9162 §2.1.1)."""
        return leaf_hash(self.encode())


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; not checked: that the entry is acceptable.

    Raises:
        CborError: not canonical, or longer than a leaf can be.
        WrongShape: canonical, but no leaf.
    """
    return cbor.decode_struct(data, Leaf, max_bytes=MAX_LEAF_BYTES)


@dataclass(frozen=True)
class Replayed:
    """What a log adds up to."""

    state: State
    frontier: Frontier

    @property
    def application_hash(self) -> Hash32:
        """Return the hash of log and state together."""
        return application_hash(self.frontier.root(), self.state.root)


def replay(leaves: Iterable[bytes], verify: Verify, batch: int = BATCH) -> Replayed:
    """Return the state and the tree of a log, from nothing.

    Raises:
        ProtocolNotKnown: a part of it follows a version of the protocol that is not known here.
        LodelineError: a leaf that is malformed, or an entry that must not be in the log; named as
            when the entry is offered.
    """
    state, frontier = State(), Frontier()
    read = ((read_leaf(data), leaf_hash(data)) for data in leaves)
    for part in batches(read, batch, lambda item: item[0].entry):
        check_known(state, part[-1][0].time)
        tasks = tasks_for(state, [leaf.entry for leaf, _ in part])
        verdicts = {verdict.key: verdict for verdict in verify(tasks)}
        for leaf, _ in part:
            apply(state, leaf.entry, leaf.time, verdicts)
        frontier = frontier.extend(hashed for _, hashed in part)
    return Replayed(state, frontier)
