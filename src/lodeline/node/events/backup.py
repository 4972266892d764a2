"""Backup and restore of the event store, while it goes on working.

A backup is one file that holds one moment of the store: on SQLite a database of its own (``VACUUM
INTO``), on PostgreSQL an archive of ``pg_dump``. It is written beside its place, read back, flushed
to the disk, and only then takes its name: what was there before stays until then. It holds the
store's secrets and everybody's data, so nobody but its owner may read it.

Restoring makes a new store and never writes over one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Engine, func, inspect, make_url, select

from lodeline.engine.durable_file import flush_folder
from lodeline.node.events.database import DatabaseUrl, open_engine, reading
from lodeline.node.events.layout import check_layout, layout_of
from lodeline.node.events.refusals import BackupFailed, StoreNotEmpty
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import EventStore

__all__ = ["Backup", "back_up", "restore"]

_NEW: Final = ".new"
_OWNER_ONLY: Final = 0o600
_POSTGRES: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps programs of PostgreSQL that are not on the path."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup file holds."""

    path: Path
    bytes: int
    events: int
    """Of all tenants; at least those that were acknowledged before it began."""
    layout: str


def back_up(store: EventStore, path: Path) -> Backup:
    """Write everything that the store holds to a file; what was captured before is in it.

    Raises:
        BackupFailed: it could not be written, or did not read back; a file of that name is as it
            was.
        StoreUnreachable: the database does not answer.
    """
    with reading(store.engine) as connection:
        layout = layout_of(connection) or ""
        events = connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()
    with _failing(path):
        beside = path.with_name(path.name + _NEW)
        beside.unlink(missing_ok=True)
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
        if store.engine.dialect.name == "sqlite":
            events = _vacuum_into(store.engine, beside)
        else:
            _run(store.engine.url, "pg_dump", "--format=custom", f"--file={beside}")
            _run(None, "pg_restore", "--list", str(beside))
        _flush(beside)
        beside.replace(path)
        flush_folder(path.parent)
        return Backup(path, path.stat().st_size, events, layout)


def restore(path: Path, url: DatabaseUrl) -> None:
    """Make a store of a backup; there must be none in that place yet.

    Raises:
        StoreNotEmpty: something is there.
        BackupFailed: the file is no backup, not whole, or the place cannot be written.
        StoreLayoutUnknown: a later version wrote the backup.
        DatabaseUnknown, StoreUnreachable: as opening a store does.
    """
    parsed = make_url(url)
    with _closing_engine(url) as engine:
        if engine.dialect.name == "sqlite":
            _restore_file(path, Path(parsed.database or ""))
        else:
            with reading(engine) as connection:
                if inspect(connection).get_table_names():
                    raise StoreNotEmpty(parsed.database or "")
            with _failing(path):
                options = ("--exit-on-error", "--single-transaction", "--no-owner")
                _run(parsed, "pg_restore", *options, str(path))


@contextmanager
def _closing_engine(url: DatabaseUrl) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _vacuum_into(engine: Engine, path: Path) -> int:
    """Write a SQLite database to an empty file; return how many events the file has."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM INTO ?", (str(path),))
    finally:
        raw.close()
    return _checked(path)


def _checked(path: Path) -> int:
    """Return how many events a SQLite backup has, after SQLite has looked at every page.

    Raises:
        sqlite3.DatabaseError: it is damaged, or no store of events.
        StoreLayoutUnknown: a later version wrote it.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        (layout,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        check_layout(layout)
        (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
        return int(events)


def _restore_file(path: Path, place: Path) -> None:
    for beside in (place, place.with_name(place.name + "-wal")):
        if beside.exists():
            raise StoreNotEmpty(str(beside))
    with _failing(path):
        _checked(path)
        new = place.with_name(place.name + _NEW)
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
        shutil.copyfile(path, new)
        _flush(new)
        new.replace(place)
        flush_folder(place.parent)


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    """Say of any failure that the backup failed, and why."""
    try:
        yield
    except (OSError, sqlite3.Error) as failed:
        raise BackupFailed(str(path), str(failed)) from failed
    except subprocess.CalledProcessError as failed:
        last = failed.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise BackupFailed(str(path), "".join(last) or f"exit {failed.returncode}") from failed


def _run(url: URL | None, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on a database; its password goes by the environment."""
    environment = dict(os.environ)
    where: Sequence[str] = ()
    if url is not None:
        if url.password is not None:
            environment["PGPASSWORD"] = str(url.password)
        plain = url.set(drivername="postgresql", password=None)
        where = (f"--dbname={plain.render_as_string(hide_password=False)}",)
    subprocess.run(  # noqa: S603 - a program that was found, arguments of our own
        [_program(program), *where, *arguments], env=environment, capture_output=True, check=True
    )


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is not None:
        return found
    debian = sorted(_POSTGRES.glob(f"*/bin/{name}"))
    if not debian:
        raise FileNotFoundError(2, "no such program", name)
    return str(debian[-1])


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
