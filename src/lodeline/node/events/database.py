"""Which database the events are in, and how it is opened: SQLite, or PostgreSQL by one setting.

SQLite runs in WAL mode with ``synchronous=FULL``: when a commit returns, it is on the disk.
Transactions begin where `reading` and `writing` say, never by themselves: a writer takes the lock
at the start, so that what it has read is still so when it writes. PostgreSQL runs with
``synchronous_commit=on``; writers take one advisory lock, so that ``seq`` becomes visible in order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NewType

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    InterfaceError,
    InternalError,
    OperationalError,
    PendingRollbackError,
    TimeoutError,  # noqa: A004 - SQLAlchemy's: nobody gave a connection back in time
)
from sqlalchemy.pool import ConnectionPoolEntry

from lodeline.node.events.refusals import DatabaseUnknown, StoreUnreachable, ValueUnstorable

__all__ = [
    "DatabaseUrl",
    "named_failures",
    "open_engine",
    "reading",
    "sqlite_url",
    "writing",
]

DatabaseUrl = NewType("DatabaseUrl", str)
"""``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/NAME``; may hold a password."""

_WRITES: Final = "lodeline_writes"
_BUSY_SECONDS: Final = 30
_SQLITE_SETTINGS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-32768",  # KiB, for each connection
    "wal_autocheckpoint=4000",  # pages: a checkpoint writes each page of the index once
)
_KEPT: Final = 8
"""Connections that stay open."""
_MORE: Final = 56
"""Connections that are opened besides when many ask at once."""
_WRITERS_LOCK: Final = 0x4C4F4445
"""Number of the advisory lock: "LODE"."""


def sqlite_url(path: Path) -> DatabaseUrl:
    """Return the URL of a SQLite file."""
    return DatabaseUrl(f"sqlite:///{path.absolute()}")


def open_engine(url: DatabaseUrl, connect: Mapping[str, object] | None = None) -> Engine:
    """Return an engine for a database; nothing is connected yet.

    Args:
        url: where it is.
        connect: further arguments of the driver's ``connect``.

    Raises:
        DatabaseUnknown: the URL is not of a SQLite file or a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnknown(url.partition(":")[0]) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite(
            url, {"timeout": _BUSY_SECONDS, "check_same_thread": False, **(connect or {})}
        )
    if parsed.drivername == "postgresql+psycopg":
        arguments = {"options": "-c synchronous_commit=on", **(connect or {})}
        return create_engine(
            url, connect_args=arguments, pool_size=_KEPT, max_overflow=_MORE, pool_pre_ping=True
        )
    raise DatabaseUnknown(parsed.drivername)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one state of the database.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with (
        named_failures(),
        engine.connect().execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give the only writing connection; commit when the block ends, roll back if it raises.

    Raises:
        StoreUnreachable: the database does not answer, or does not commit.
    """
    with (
        named_failures(),
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
        yield connection


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn a failure of the database into a refusal; a broken rule of a table stays what it is.

    Raises:
        StoreUnreachable: the database is gone, full, locked or not there.
        ValueUnstorable: a text or number is none that the database can hold or look for.
    """
    try:
        yield
    except (DataError, OverflowError, UnicodeEncodeError) as failed:
        raise ValueUnstorable(type(failed).__name__) from failed
    except (OperationalError, InterfaceError, InternalError) as failed:
        raise StoreUnreachable(str(failed.orig)) from failed
    except PendingRollbackError as failed:
        reason = "the connection was lost within a transaction"
        raise StoreUnreachable(reason) from failed
    except TimeoutError as failed:
        reason = "every connection is in use"
        raise StoreUnreachable(reason) from failed


def _sqlite(url: DatabaseUrl, connect: Mapping[str, object]) -> Engine:
    # Without a path it is in memory, one connection for each thread: for tests.
    pool = {"pool_size": _KEPT, "max_overflow": _MORE} if make_url(url).database else {}
    engine = create_engine(url, connect_args=dict(connect), **pool)

    @event.listens_for(engine, "connect")
    def _settings(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - by the name of the driver
        connection.isolation_level = None
        for setting in _SQLITE_SETTINGS:
            connection.execute(f"PRAGMA {setting}").fetchall()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
