"""Submissions as a validator reads them: once, however often it is shown the same bytes.

The same transaction is seen when a member sends it, in every proposal that holds it and in the
block that is decided. What it says depends on its bytes alone, so it is kept by their hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import (
    Correction,
    Entry,
    EntryId,
    Govern,
    Offer,
    RemoveValidator,
    Reversal,
    SetValidator,
    Transform,
    decode_entry,
    entry_id,
)
from lodeline.ledger.submissions import Submission, decode_submission

__all__ = ["ReadEntry", "ReadSubmission", "Submissions", "read_entry", "transaction_hash"]

_KEPT_BYTES: Final = 16_000_000
"""Bytes of transactions whose reading is remembered; as objects they take about ten times that."""


class ReadEntry(NamedTuple):
    """An entry as it was read, with its id and its bytes."""

    entry: Entry
    identity: EntryId
    data: bytes


@dataclass(frozen=True)
class ReadSubmission:
    """A transaction as it was read."""

    digest: Hash32
    """SHA-256 of the transaction, by which the consensus engine knows it too."""
    data: bytes
    submission: Submission
    entries: tuple[ReadEntry | LodelineError, ...]
    """Each entry, or why it cannot be read."""
    proofs: int
    """How many of the entries carry a proof."""

    @property
    def sound(self) -> list[ReadEntry]:
        """Return the entries that could be read."""
        return [read for read in self.entries if isinstance(read, ReadEntry)]

    @property
    def votes(self) -> int:
        """Return how many of the entries are votes on who validates."""
        return sum(_changes_validators(read.entry) for read in self.sound)


def _changes_validators(entry: Entry) -> bool:
    return isinstance(entry, Govern) and any(
        isinstance(act, (SetValidator, RemoveValidator)) for act in entry.body.acts
    )


def transaction_hash(data: bytes) -> Hash32:
    """Return the hash by which a transaction is known."""
    return Hash32(hashlib.sha256(data).digest())


class Submissions:
    """Reads transactions, and remembers the last ones; for use by several threads."""

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        """Remember as many transactions as fit into some bytes, the oldest forgotten first."""
        self._room = kept_bytes
        self._known: dict[Hash32, ReadSubmission | LodelineError] = {}
        self._sizes: dict[Hash32, int] = {}
        self._lock = Lock()

    def read(self, data: bytes) -> ReadSubmission | LodelineError:
        """Return what a transaction says, or why it is no submission."""
        digest = transaction_hash(data)
        with self._lock:
            known = self._known.get(digest)
        if known is None:
            known = _read(digest, data)
            self._keep(digest, known, len(data))
        return known

    def read_all(self, transactions: Sequence[bytes]) -> list[ReadSubmission | LodelineError]:
        """Return what transactions say, in their order."""
        return [self.read(data) for data in transactions]

    def forget(self, digest: Hash32) -> None:
        """Forget a transaction that is decided for good."""
        with self._lock:
            self._drop(digest)

    def _keep(self, digest: Hash32, known: ReadSubmission | LodelineError, size: int) -> None:
        with self._lock:
            self._drop(digest)
            self._known[digest], self._sizes[digest] = known, size
            self._room -= size
            while self._room < 0 and len(self._known) > 1:
                self._drop(next(iter(self._known)))

    def _drop(self, digest: Hash32) -> None:
        if self._known.pop(digest, None) is not None:
            self._room += self._sizes.pop(digest)


def _read(digest: Hash32, data: bytes) -> ReadSubmission | LodelineError:
    try:
        submission = decode_submission(data)
    except LodelineError as refused:
        return refused
    entries = tuple(map(read_entry, submission.body.entries))
    return ReadSubmission(digest, data, submission, entries, sum(map(_has_proof, entries)))


def read_entry(data: bytes) -> ReadEntry | LodelineError:
    """Return an entry as it was read, or why it cannot be."""
    try:
        entry = decode_entry(data)
    except LodelineError as refused:
        return refused
    return ReadEntry(entry, entry_id(entry), data)


def _has_proof(read: ReadEntry | LodelineError) -> bool:
    entry = read.entry if isinstance(read, ReadEntry) else None
    if isinstance(entry, Correction):
        return entry.transform is not None
    return isinstance(entry, (Transform, Offer, Reversal))
