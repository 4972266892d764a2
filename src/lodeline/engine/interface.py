"""What both engines offer: entries in, one answer each, and a log that anyone can follow.

A receipt is given once the entry is durable, never before. What it says can be shown to a stranger:
`Engine.receipt` gives the leaf, the proof that it is in the tree, and the signed checkpoint of that
tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Checkpoint, Origin
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.signednote import NoteSigner, VerifierKey
from lodeline.ledger.state import State

__all__ = ["Answer", "CheckpointSigners", "Clock", "Engine", "Proven", "Receipt"]


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
    """Leaf hash: of the complete entry with its block time."""
    time: BlockTime


Answer = Receipt | LodelineError
"""What became of one entry that was offered."""


@dataclass(frozen=True)
class CheckpointSigners:
    """Who signs each checkpoint as it is made, and under which name the log goes."""

    origin: Origin
    keys: tuple[tuple[VerifierKey, NoteSigner], ...]


@dataclass(frozen=True)
class Proven:
    """A leaf with everything that shows a stranger that it is in the log."""

    leaf: bytes
    inclusion: InclusionProof
    checkpoint: bytes
    """Signed note of the tree that the proof leads to."""


class Engine(Protocol):
    """Orders entries, applies them to the state, keeps them for good."""

    def submit(self, entries: Sequence[bytes]) -> list[Receipt | LodelineError]:
        """Offer entries; one answer for each, in order.

        A refused entry stops no other one. A receipt is given only for what is durable. Where
        nothing can be accepted now (storage, clock), that is the answer.
        """
        ...

    def state(self) -> State:
        """Return the state after the last accepted entry; only to be read.

        It changes with the next submission: whoever reads from another thread waits for that.
        """
        ...

    @property
    def size(self) -> TreeSize:
        """Return the number of accepted entries."""
        ...

    def leaf(self, index: LeafIndex) -> bytes:
        """Return the bytes of a leaf.

        Raises:
            IndexBeyondTree: there is no such entry.
        """
        ...

    def entries(self, start: LeafIndex, end: TreeSize) -> Iterator[bytes]:
        """Yield the leaves from ``start`` up to ``end``, as they were written."""
        ...

    def receipt(self, index: LeafIndex) -> Proven:
        """Return a leaf with its proof in the tree of the last signed checkpoint.

        Raises:
            CheckpointMissing: nobody has signed a checkpoint yet.
            IndexBeyondTree: the tree of the last one has no such entry.
        """
        ...

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return the proof that the log of this size holds a leaf."""
        ...

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another."""
        ...

    def checkpoint(self, origin: Origin) -> Checkpoint:
        """Return the checkpoint of the present log and state, to be signed by members.

        Raises:
            LogEmpty: there is nothing to sign yet.
        """
        ...

    def keep_checkpoint(self, note: bytes) -> bytes:
        """Keep the signatures of a checkpoint of this log; return the note with all known of it.

        Not checked: the signatures; whoever brings a note verifies it first.

        Raises:
            CheckpointNotOfThisLog: the log was never like that.
            NoteError, CheckpointError: it is no checkpoint.
        """
        ...

    def signed_checkpoint(self) -> bytes:
        """Return the last checkpoint that was signed, as a note.

        Raises:
            CheckpointMissing: nobody has signed one yet.
        """
        ...

    def close(self) -> None:
        """Release files; what was acknowledged stays."""
        ...
