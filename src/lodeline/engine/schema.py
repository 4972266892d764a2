"""The layout of a ledger's file, and how an older layout becomes the present one.

Leaves stand in the order of the log, with their index as row id: writing appends at the end of one
tree, and nothing is found by hash. What is derived (leaf hashes, parts of the state) stands beside,
so that opening reads no leaf; it can be made again from the leaves, and `fsck` compares the two.

A migration and the record of it are one transaction: a killed program leaves the old layout or the
new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from lodeline.engine.refusals import LedgerNeedsMigration, LedgerVersionUnknown, NotALedger

__all__ = ["APPLICATION_ID", "MIGRATIONS", "check_layout", "layout_of", "migrate"]

APPLICATION_ID: Final = 0x4C4F4445
"""Says in the header of the file whose it is: "LODE"."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE leaves (
            leaf_index INTEGER PRIMARY KEY,
            leaf BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE leaf_hashes (
            leaf_index INTEGER PRIMARY KEY,
            hash BLOB NOT NULL CHECK (length(hash) = 32)
        ) STRICT""",
        """CREATE TABLE blocks (
            height INTEGER PRIMARY KEY,
            first INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size > first),
            time INTEGER NOT NULL,
            log_root BLOB NOT NULL CHECK (length(log_root) = 32),
            state_root BLOB NOT NULL CHECK (length(state_root) = 32)
        ) STRICT""",
        """CREATE TABLE state_parts (
            first INTEGER PRIMARY KEY,
            size INTEGER NOT NULL CHECK (size > first),
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            part BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE checkpoints (
            size INTEGER PRIMARY KEY,
            note BLOB NOT NULL
        ) STRICT""",
    ),
    (
        """CREATE TABLE position (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            height INTEGER NOT NULL CHECK (height >= 0),
            application_hash BLOB NOT NULL CHECK (length(application_hash) = 32)
        ) STRICT""",
    ),
)
"""The statements of each layout, each on top of the one before; a published one never changes."""


def layout_of(connection: sqlite3.Connection, path: str) -> int:
    """Return the layout of a file; 0 for an empty one.

    Raises:
        NotALedger: the file belongs to another program.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or layout or tables):
        raise NotALedger(path)
    return int(layout)


def check_layout(
    connection: sqlite3.Connection, path: str, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Refuse a file whose layout is not exactly the present one.

    Raises:
        NotALedger: another program's file, or an empty one.
        LedgerVersionUnknown, LedgerNeedsMigration: a later or earlier layout.
    """
    found, known = layout_of(connection, path), len(migrations)
    if found == 0:
        raise NotALedger(path)
    if found > known:
        raise LedgerVersionUnknown(path, found, known)
    if found < known:
        raise LedgerNeedsMigration(path, found, known)


def migrate(
    connection: sqlite3.Connection,
    path: str,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
) -> None:
    """Bring a file to the present layout, step by step; each step is one transaction.

    Raises:
        NotALedger: the file belongs to another program.
        LedgerVersionUnknown: its layout is later than the present one.
        sqlite3.Error: a step failed; the file has the layout before that step.
    """
    found = layout_of(connection, path)
    if found > len(migrations):
        raise LedgerVersionUnknown(path, found, len(migrations))
    for layout, statements in enumerate(migrations[found:], found + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {layout}")
        connection.execute("COMMIT")
