"""What a validator shows of its ledger: read from the file, over a connection of its own.

A reader sees whole blocks only, whatever is being written meanwhile, and holds up nobody.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from lodeline.engine.consortium.refusals_http import CheckpointNotHere
from lodeline.engine.consortium.wire_http import MAX_STRETCH_BYTES, MAX_STRETCH_LEAVES
from lodeline.engine.refusals import CheckpointMissing
from lodeline.engine.store import Block, Store
from lodeline.ledger.merkle import LeafIndex, TreeSize

__all__ = ["Published"]


class _Archive(Store):
    """The file, asked for more than a ledger asks of it."""

    def note_upto(self, size: TreeSize) -> bytes | None:
        """Return the signed checkpoint of the largest log of at most a size."""
        query = "SELECT note FROM checkpoints WHERE size <= ? ORDER BY size DESC LIMIT 1"
        rows = self._rows(query, size)
        return bytes(rows[0][0]) if rows else None


class Published:
    """Leaves and signed checkpoints of a ledger's file; for any number of threads."""

    def __init__(self, path: Path) -> None:
        """Open the file for reading.

        Raises:
            LedgerMissing, LedgerNotRead, …: as `Store`.
        """
        self._store = _Archive(path, writable=False)
        self._turn = Lock()

    def last_block(self) -> Block | None:
        """Return the last block, or nothing while there is none."""
        with self._turn:
            return self._store.last_block()

    def newest(self) -> tuple[TreeSize, bytes]:
        """Return the newest signed checkpoint with its size.

        Raises:
            CheckpointMissing: nobody has signed one yet.
        """
        with self._turn:
            found = self._store.last_note()
            if found is None:
                raise CheckpointMissing(self._store.size())
            return found

    def note(self, size: TreeSize) -> bytes:
        """Return the signed checkpoint of a size.

        Raises:
            CheckpointNotHere: there is none.
        """
        with self._turn:
            found = self._store.note(size)
        if found is None:
            raise CheckpointNotHere(size)
        return found

    def note_upto(self, size: TreeSize) -> bytes:
        """Return the signed checkpoint of the largest log of at most a size.

        Raises:
            CheckpointNotHere: there is none.
        """
        with self._turn:
            found = self._store.note_upto(size)
        if found is None:
            raise CheckpointNotHere(size)
        return found

    def leaves(self, start: LeafIndex, end: TreeSize) -> list[bytes]:
        """Return leaves from ``start`` on and before ``end``: as many as one answer may have."""
        found: list[bytes] = []
        total = 0
        last = TreeSize(min(end, start + MAX_STRETCH_LEAVES))
        with self._turn:
            for leaf in self._store.leaves(start, last):
                total += len(leaf)
                if found and total > MAX_STRETCH_BYTES:
                    break
                found.append(leaf)
        return found

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._store.close()
