"""What both engines offer: entries in, one answer each, and a log that anyone can follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.state import State

__all__ = ["Clock", "Engine", "Receipt"]


class Clock(Protocol):
    """Where block times come from."""

    def now(self) -> BlockTime:
        """Return the present time."""
        ...


@dataclass(frozen=True)
class Receipt:
    """An entry that is accepted and durable."""

    index: LeafIndex
    entry: EntryId
    leaf: EntryHash
    time: BlockTime


class Engine(Protocol):
    """Orders entries, applies them to the state, keeps them for good."""

    def submit(self, entries: Sequence[bytes]) -> list[Receipt | LodelineError]:
        """Offer entries; one answer for each, in order.

        A refused entry stops no other one. A receipt is given only for what is durable.
        """
        ...

    def state(self) -> State:
        """Return the state after the last accepted entry; only to be read."""
        ...

    @property
    def size(self) -> TreeSize:
        """Return the number of accepted entries."""
        ...

    def leaf(self, index: LeafIndex) -> bytes:
        """Return the bytes of a leaf."""
        ...

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaves from ``start`` up to ``end``, as they were written."""
        ...

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return the proof that the log of this size holds a leaf."""
        ...

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another."""
        ...

    def close(self) -> None:
        """Release files; what was acknowledged stays."""
        ...
