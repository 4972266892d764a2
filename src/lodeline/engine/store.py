"""The file of an embedded ledger: leaves, blocks, parts of the state and signed checkpoints.

SQLite in WAL mode with ``synchronous=FULL``: when a commit returns, the block is on the disk, and a
torn write is found by the checksums of the write-ahead log and left out whole. A block is one
transaction: leaves, hashes and roots, and where there are any the parts of the state. Nothing is
judged here.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, NewType

from lodeline.engine.refusals import (
    LedgerMissing,
    LedgerMustReopen,
    LedgerNotRead,
    LedgerNotWritten,
    LedgerReadOnly,
    NotALedger,
)
from lodeline.engine.schema import check_layout, layout_of, migrate
from lodeline.engine.writer_lock import WriterLock
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import IndexBeyondTree, LeafIndex, TreeSize

__all__ = [
    "FIRST",
    "NOTHING",
    "Block",
    "ConsensusHeight",
    "Height",
    "Position",
    "Store",
    "StoredPart",
    "part_digest",
]

Height = NewType("Height", int)
"""Number of a block of the log, counted from 1; none of them is empty."""
ConsensusHeight = NewType("ConsensusHeight", int)
"""Number of a block that members agreed on, counted from 1; it may be empty."""

FIRST: Final = LeafIndex(0)
NOTHING: Final = TreeSize(0)
"""Size of the log before its first block."""

_PAGE: Final = 256
"""Leaves that are read at once."""
_BUSY_SECONDS: Final = 10.0
"""How long a statement waits for another connection that holds the file for a moment."""
_PART_DOMAIN: Final = b"lodeline/v1/state-part\0"
_BLOCKS: Final = "SELECT height, first, size, time, log_root, state_root FROM blocks"


@dataclass(frozen=True)
class Block:
    """What was accepted together, and what log and state are afterwards."""

    height: Height
    first: LeafIndex
    """Leaf index of its first entry."""
    size: TreeSize
    """Number of entries in the log afterwards."""
    time: BlockTime
    log_root: Hash32
    state_root: Hash32


@dataclass(frozen=True)
class Position:
    """How far a consortium has agreed; a ledger that one process orders has none."""

    height: ConsensusHeight
    """The last block that is taken in; 0 for the founding."""
    application_hash: Hash32
    """Hash of log and state together after it."""


@dataclass(frozen=True)
class StoredPart:
    """The state's changes over some blocks, as stored."""

    first: LeafIndex
    size: TreeSize
    digest: Hash32
    part: bytes

    @classmethod
    def of(cls, first: LeafIndex, size: TreeSize, part: bytes) -> StoredPart:
        """Return a part with its digest."""
        return cls(first, size, part_digest(first, size, part), part)

    @property
    def is_intact(self) -> bool:
        """Return whether the bytes are those that were stored."""
        return self.digest == part_digest(self.first, self.size, self.part)


def part_digest(first: LeafIndex, size: TreeSize, part: bytes) -> Hash32:
    """Return the digest that is stored beside a part, against damage."""
    place = first.to_bytes(8, "big") + size.to_bytes(8, "big")
    return Hash32(hashlib.sha256(_PART_DOMAIN + place + part).digest())


@dataclass(frozen=True)
class Filling:
    """A ledger that is being put into an empty file, in one transaction."""

    connection: sqlite3.Connection

    def put_leaves(self, first: LeafIndex, leaves: Sequence[tuple[EntryHash, bytes]]) -> None:
        """Put the next leaves with their hashes."""
        indexed = list(enumerate(leaves, first))
        self.connection.executemany(
            "INSERT INTO leaves VALUES (?, ?)", [(index, leaf) for index, (_, leaf) in indexed]
        )
        self.connection.executemany(
            "INSERT INTO leaf_hashes VALUES (?, ?)",
            [(index, leaf_hash) for index, (leaf_hash, _) in indexed],
        )

    def put_blocks(self, blocks: Sequence[Block]) -> None:
        """Put blocks."""
        self.connection.executemany(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", [astuple(block) for block in blocks]
        )

    def put_parts(self, parts: Sequence[StoredPart]) -> None:
        """Put parts of the state, after those that are there."""
        self.connection.executemany(
            "INSERT INTO state_parts VALUES (?, ?, ?, ?)", [astuple(part) for part in parts]
        )

    def put_note(self, size: TreeSize, note: bytes) -> None:
        """Put a signed checkpoint."""
        _put_note(self.connection, size, note)

    def put_position(self, position: Position) -> None:
        """Put how far the consortium has agreed."""
        _put_position(self.connection, position)


class Store:
    """One ledger file; one writer at a time, any number of readers."""

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        """Open a ledger file; a writer makes an empty one where there is none.

        ``factory`` makes the connection, for tests that break it.

        Raises:
            LedgerMissing: a reader found no file.
            LedgerHasWriter: another process, or another engine of this one, writes the file.
            NotALedger, LedgerVersionUnknown, LedgerNeedsMigration: it has another layout.
            LedgerNotRead: it cannot be used.
        """
        self.path = path
        self.writable = writable
        if not writable and not path.is_file():
            raise LedgerMissing(str(path))
        self._lock = WriterLock(path) if writable else None
        try:
            self._connection = _connection(path, factory, writable=writable)
            self._set_up()
        except LodelineError:
            self._release()
            raise

    def _set_up(self) -> None:
        try:
            with self._reading("opening it"):
                if not self.writable:
                    check_layout(self._connection, str(self.path))
                    return
                layout_of(self._connection, str(self.path))  # before anything in it is changed
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                migrate(self._connection, str(self.path))
        except LodelineError:
            self._connection.close()
            raise

    # ------------------------------------------------------------------ reading

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See the file as it is now for as long as this lasts, whatever a writer adds meanwhile.

        Within `filling` nothing is to be done: there it is as it is being written.
        """
        if self._connection.in_transaction:
            yield
            return
        with self._reading("reading it"):
            self._connection.execute("BEGIN")
            # What is seen is fixed by the first reading, not by the beginning.
            self._connection.execute("SELECT 1 FROM blocks LIMIT 1").fetchall()
        try:
            yield
        finally:
            with self._reading("reading it"):
                self._connection.execute("COMMIT")

    def last_block(self) -> Block | None:
        """Return the last block, or nothing while there is none.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows(f"{_BLOCKS} ORDER BY height DESC LIMIT 1")
        return _block(rows[0]) if rows else None

    def blocks(self, after: TreeSize = NOTHING) -> list[Block]:
        """Return the blocks that begin at or after a size of the log, in their order.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows(f"{_BLOCKS} WHERE first >= ? ORDER BY height", after)
        return [_block(row) for row in rows]

    def block_at(self, size: TreeSize) -> Block | None:
        """Return the block after which the log had a size, or nothing where there is none.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows(f"{_BLOCKS} WHERE size = ?", size)
        return _block(rows[0]) if rows else None

    def size(self) -> TreeSize:
        """Return the number of leaves.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        return TreeSize(self._rows("SELECT coalesce(max(leaf_index) + 1, 0) FROM leaves")[0][0])

    def leaf(self, index: LeafIndex) -> bytes:
        """Return one leaf.

        Raises:
            IndexBeyondTree: there is no such entry.
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows("SELECT leaf FROM leaves WHERE leaf_index = ?", index)
        if not rows:
            raise IndexBeyondTree(index, self.size())
        return bytes(rows[0][0])

    def leaves(self, start: LeafIndex, end: TreeSize) -> Iterator[bytes]:
        """Yield the leaves from one index up to, and without, another; a page at a time.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        for _, leaf in self.indexed_leaves(start, end):
            yield leaf

    def indexed_leaves(self, start: LeafIndex, end: TreeSize) -> Iterator[tuple[LeafIndex, bytes]]:
        """Yield the leaves with the indexes that they are stored under, as `leaves`.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        query = (
            "SELECT leaf_index, leaf FROM leaves WHERE leaf_index >= ? AND leaf_index < ?"
            " ORDER BY leaf_index LIMIT ?"
        )
        low = int(start)
        while rows := self._rows(query, low, end, _PAGE):
            for index, leaf in rows:
                yield LeafIndex(index), bytes(leaf)
            low = rows[-1][0] + 1

    def hashes(self, start: LeafIndex = FIRST) -> list[EntryHash]:
        """Return the stored leaf hashes from an index on, in their order.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        return [found for _, found in self.indexed_hashes(start)]

    def indexed_hashes(self, start: LeafIndex = FIRST) -> list[tuple[LeafIndex, EntryHash]]:
        """Return the stored leaf hashes with the indexes that they are stored under.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        query = "SELECT leaf_index, hash FROM leaf_hashes WHERE leaf_index >= ? ORDER BY leaf_index"
        rows = self._rows(query, start)
        return [(LeafIndex(index), EntryHash(bytes(found))) for index, found in rows]

    def parts(self, beyond: TreeSize = NOTHING) -> Iterator[StoredPart]:
        """Yield the stored parts of the state that end beyond a size of the log, in their order.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        query = "SELECT first, size, digest, part FROM state_parts WHERE first = ?"
        starts = "SELECT first FROM state_parts WHERE size > ? ORDER BY first"
        for (start,) in self._rows(starts, beyond):
            for first, size, digest, part in self._rows(query, start):
                yield StoredPart(
                    LeafIndex(first), TreeSize(size), Hash32(bytes(digest)), bytes(part)
                )

    def notes(self) -> list[tuple[TreeSize, bytes]]:
        """Return the signed checkpoints, with the size of the log that each is stored for.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows("SELECT size, note FROM checkpoints ORDER BY size")
        return [(TreeSize(size), bytes(note)) for size, note in rows]

    def note(self, size: TreeSize) -> bytes | None:
        """Return the signed checkpoint of a size, or nothing where there is none.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows("SELECT note FROM checkpoints WHERE size = ?", size)
        return bytes(rows[0][0]) if rows else None

    def last_note(self) -> tuple[TreeSize, bytes] | None:
        """Return the signed checkpoint of the largest log, or nothing while there is none.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1")
        return (TreeSize(rows[0][0]), bytes(rows[0][1])) if rows else None

    def position(self) -> Position | None:
        """Return how far the consortium has agreed, or nothing where there is none.

        Raises:
            LedgerNotRead: the file cannot be read.
        """
        rows = self._rows("SELECT height, application_hash FROM position")
        if not rows:
            return None
        return Position(ConsensusHeight(rows[0][0]), Hash32(bytes(rows[0][1])))

    def damage(self) -> list[str]:
        """Return what the database finds wrong with the file itself, in its own words.

        Raises:
            LedgerNotRead: the file cannot be read at all.
        """
        found = [str(row[0]) for row in self._rows("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def _rows(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        with self._reading("reading it"):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise NotALedger(str(self.path)) from error
            raise LedgerNotRead(str(self.path), doing, str(error)) from error

    # ------------------------------------------------------------------ writing

    def append(
        self,
        block: Block,
        leaves: Sequence[tuple[EntryHash, bytes]],
        parts: Sequence[StoredPart] = (),
        note: bytes | None = None,
        position: Position | None = None,
        *,
        earlier: Sequence[Block] = (),
    ) -> None:
        """Write a block with everything that belongs to it; durable when this returns.

        ``earlier`` are blocks right before it that come with it, all or none: ``leaves`` are then
        those of all of them.

        Raises:
            LedgerReadOnly: opened for reading.
            LedgerNotWritten: the storage refused; nothing was written.
            LedgerMustReopen: the block may be there whole, or not at all.
        """
        blocks = (*earlier, block)
        indexed = list(enumerate(leaves, blocks[0].first))
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO leaves VALUES (?, ?)", [(index, leaf) for index, (_, leaf) in indexed]
            )
            connection.executemany(
                "INSERT INTO leaf_hashes VALUES (?, ?)",
                [(index, leaf_hash) for index, (leaf_hash, _) in indexed],
            )
            connection.executemany(
                "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", [astuple(item) for item in blocks]
            )
            _put_parts(connection, parts)
            if note is not None:
                _put_note(connection, block.size, note)
            if position is not None:
                _put_position(connection, position)

    @contextmanager
    def filling(self) -> Iterator[Filling]:
        """Fill an empty file with a whole ledger; durable at the end, or nothing was written.

        What was put in can be read meanwhile through this store.

        Raises:
            LedgerReadOnly, LedgerNotWritten, LedgerMustReopen: as `append`.
        """
        with self._transaction() as connection:
            yield Filling(connection)

    def put_position(self, position: Position) -> None:
        """Write how far the consortium has agreed, after a block that adds nothing to the log.

        Raises:
            LedgerReadOnly, LedgerNotWritten, LedgerMustReopen: as `append`.
        """
        with self._transaction() as connection:
            _put_position(connection, position)

    def put_note(self, size: TreeSize, note: bytes) -> None:
        """Write the signed checkpoint of a size, in place of the one that is there.

        Raises:
            LedgerReadOnly, LedgerNotWritten, LedgerMustReopen: as `append`.
        """
        with self._transaction() as connection:
            _put_note(connection, size, note)

    def put_parts(self, parts: Sequence[StoredPart]) -> None:
        """Write parts of the state, in place of all that begin where the first does, or later.

        Raises:
            LedgerReadOnly, LedgerNotWritten, LedgerMustReopen: as `append`.
        """
        with self._transaction() as connection:
            _put_parts(connection, parts)

    def fold(self) -> None:
        """Move the write-ahead log into the file and empty it, as far as readers allow.

        Raises:
            LedgerNotRead: the storage refused; what was written is still in the log.
        """
        with self._reading("folding its log"):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end; where anything fails before, nothing was written.

        A commit that fails is another matter: the block can be on the disk with all its checksums
        though the disk reported an error, and then the next to open the file finds it there.
        """
        if not self.writable:
            raise LedgerReadOnly(str(self.path))
        committing = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            committing = True
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if committing:
                raise LedgerMustReopen(str(self.path)) from error
            raise LedgerNotWritten(str(self.path), str(error)) from error
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            # Where even this fails the transaction stays open, and the next one is refused by name.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file and give the writer's lock back.

        The last to close the file folds the write-ahead log into it; where that fails, the next to
        open it does.
        """
        self._connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _put_note(connection: sqlite3.Connection, size: TreeSize, note: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (size, note))


def _put_position(connection: sqlite3.Connection, position: Position) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO position VALUES (1, ?, ?)",
        (position.height, position.application_hash),
    )


def _put_parts(connection: sqlite3.Connection, parts: Sequence[StoredPart]) -> None:
    if parts:
        connection.execute("DELETE FROM state_parts WHERE first >= ?", (parts[0].first,))
    connection.executemany(
        "INSERT INTO state_parts VALUES (?, ?, ?, ?)", [astuple(part) for part in parts]
    )


def _block(row: tuple[Any, ...]) -> Block:
    height, first, size, time, log_root, state_root = row
    return Block(
        Height(height),
        LeafIndex(first),
        TreeSize(size),
        BlockTime(time),
        Hash32(bytes(log_root)),
        Hash32(bytes(state_root)),
    )


def _connection(
    path: Path, factory: type[sqlite3.Connection], *, writable: bool
) -> sqlite3.Connection:
    mode = "rwc" if writable else "ro"
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=factory,
            uri=True,
        )
    except sqlite3.Error as error:
        raise LedgerNotRead(str(path), "opening it", str(error)) from error
