"""The file of an embedded ledger: SQLite in WAL mode, STRICT tables, every commit synced.

Life of a batch: its leaves, their hashes and the roots after it are written in one transaction;
``synchronous=FULL`` makes the commit wait for the disk; only then are receipts given. A process
that dies before the commit leaves nothing of the batch, one that dies after it leaves all of it.

Leaves are keyed by their index, never by hash: appending stays at the end of the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lodeline.engine.refusals import (
    LedgerHasWriter,
    LedgerMissing,
    LedgerNotWritten,
    LedgerReadOnly,
    LedgerVersionUnknown,
)
from lodeline.kernel.ids import EntryHash, Hash32

__all__ = ["BatchRoots", "Snapshot", "Store"]

STORE_VERSION = 1
_PAGE_ROWS = 1_000
_SCHEMA = """
CREATE TABLE leaf (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    data BLOB NOT NULL
) STRICT;
CREATE TABLE batch (
    size INTEGER PRIMARY KEY,
    log_root BLOB NOT NULL CHECK (length(log_root) = 32),
    state_root BLOB NOT NULL CHECK (length(state_root) = 32)
) STRICT;
CREATE TABLE snapshot (
    size INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class BatchRoots:
    """Size and roots of the ledger after one batch."""

    size: int
    log_root: Hash32
    state_root: Hash32


@dataclass(frozen=True)
class Snapshot:
    """A dumped state with the size of the log that it belongs to."""

    size: int
    data: bytes


class Store:
    """One ledger file; one writer at a time, any number of readers."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open a ledger file, making an empty one where a writer finds none.

        Raises:
            LedgerMissing: a reader found no file.
            LedgerHasWriter: another process holds the file for writing.
            LedgerVersionUnknown: the file is of another store version.
        """
        self.path = path
        self.writable = writable
        if not writable and not path.exists():
            raise LedgerMissing(str(path))
        self._lock = _locked(path) if writable else None
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not writable:
            self._db.execute("PRAGMA query_only = ON")
        self._check_version()

    def _check_version(self) -> None:
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found == 0 and self.writable:
            script = f"BEGIN;{_SCHEMA}PRAGMA user_version = {STORE_VERSION};COMMIT;"
            self._db.executescript(script)
        elif found != STORE_VERSION:
            raise LedgerVersionUnknown(str(self.path), found, STORE_VERSION)

    def size(self) -> int:
        """Return the number of leaves."""
        return int(self._db.execute("SELECT coalesce(max(number) + 1, 0) FROM leaf").fetchone()[0])

    def leaf(self, number: int) -> bytes:
        """Return a leaf.

        Raises:
            IndexError: there is none of this number (a programmer's mistake).
        """
        row = self._db.execute("SELECT data FROM leaf WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise IndexError(number)
        return bytes(row[0])

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        """Yield leaves in order, from ``start`` up to ``end``."""
        query = "SELECT data FROM leaf WHERE number >= ? AND number < ? ORDER BY number"
        for low in range(start, end, _PAGE_ROWS):
            high = min(end, low + _PAGE_ROWS)
            yield from (bytes(row[0]) for row in self._db.execute(query, (low, high)).fetchall())

    def hashes(self) -> list[EntryHash]:
        """Return the leaf hashes of the whole log in order."""
        rows = self._db.execute("SELECT hash FROM leaf ORDER BY number").fetchall()
        return [EntryHash(bytes(row[0])) for row in rows]

    def last_batch(self) -> BatchRoots | None:
        """Return size and roots after the last batch, or nothing for an empty ledger."""
        query = "SELECT size, log_root, state_root FROM batch ORDER BY size DESC LIMIT 1"
        row = self._db.execute(query).fetchone()
        return None if row is None else BatchRoots(row[0], Hash32(row[1]), Hash32(row[2]))

    def batches(self) -> Iterator[BatchRoots]:
        """Yield the roots after every batch, in order."""
        query = "SELECT size, log_root, state_root FROM batch ORDER BY size"
        for size, log_root, state_root in self._db.execute(query).fetchall():
            yield BatchRoots(size, Hash32(log_root), Hash32(state_root))

    def snapshots(self) -> Iterator[Snapshot]:
        """Yield the kept snapshots, the newest first."""
        for size, data in self._db.execute(
            "SELECT size, data FROM snapshot ORDER BY size DESC"
        ).fetchall():
            yield Snapshot(size, bytes(data))

    def append(self, leaves: Sequence[tuple[EntryHash, bytes]], roots: BatchRoots) -> None:
        """Write a batch in one synced transaction.

        Raises:
            LedgerReadOnly: opened for reading.
            LedgerNotWritten: the storage refused; nothing was written.
        """
        start = roots.size - len(leaves)
        rows = [(start + at, leaf, data) for at, (leaf, data) in enumerate(leaves)]
        batch = (roots.size, roots.log_root, roots.state_root)
        self._write(
            ("INSERT INTO leaf (number, hash, data) VALUES (?, ?, ?)", rows),
            ("INSERT INTO batch (size, log_root, state_root) VALUES (?, ?, ?)", [batch]),
        )

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Replace the kept snapshots by this one.

        Raises:
            LedgerReadOnly, LedgerNotWritten: as `append`.
        """
        self._write(
            ("DELETE FROM snapshot WHERE size <> ?", [(snapshot.size,)]),
            (
                "INSERT OR REPLACE INTO snapshot (size, data) VALUES (?, ?)",
                [(snapshot.size, snapshot.data)],
            ),
        )

    def _write(self, *statements: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        if not self.writable:
            raise LedgerReadOnly(str(self.path))
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for text, rows in statements:
                self._db.executemany(text, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as refused:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise LedgerNotWritten(str(self.path), str(refused)) from refused

    def integrity(self) -> str:
        """Return SQLite's own word on the file: ``ok``, or what is broken."""
        return str(self._db.execute("PRAGMA integrity_check").fetchone()[0])

    def close(self) -> None:
        """Close the file and release the writer's lock."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path) -> int:
    """Return a descriptor that holds the writer's lock until it is closed or the process ends."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        os.close(descriptor)
        raise LedgerHasWriter(str(path)) from held
    return descriptor
