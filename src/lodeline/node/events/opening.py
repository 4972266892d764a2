"""Where a workspace has its events, and how its store is opened.

Without another word they are in ``FOLDER/events.db``, which nobody but its owner may read. A
database that is named by `DATABASE_VARIABLE` or by an option takes its place; an environment
variable keeps a password out of the list of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.moments import MicroClock
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import EventStore
from lodeline.node.workspace import Workspace

__all__ = ["DATABASE_VARIABLE", "database_of", "opened_store"]

DATABASE_VARIABLE: Final = "LODELINE_DATABASE"
"""Environment variable with the URL of the database."""
_FILE: Final = "events.db"
_OWNER_ONLY: Final = 0o600


def database_of(
    workspace: Workspace,
    named: DatabaseUrl | None = None,
    environment: Mapping[str, str] = os.environ,
) -> DatabaseUrl:
    """Return the database of a workspace: the one named, else the environment's, else its file."""
    said = named or environment.get(DATABASE_VARIABLE)
    return DatabaseUrl(said) if said else sqlite_url(workspace.folder / _FILE)


@contextmanager
def opened_store(
    workspace: Workspace, named: DatabaseUrl | None = None, clock: MicroClock | None = None
) -> Iterator[EventStore]:
    """Give the store of a workspace, made and brought to the present layout where needed; close it.

    Raises:
        DatabaseUnknown: the database is of another kind.
        StoreUnreachable: it does not answer, or its folder is not there.
        StoreLayoutUnknown: a later version wrote it.
    """
    if database_of(workspace, named) == sqlite_url(workspace.folder / _FILE):
        _make_private(workspace.folder / _FILE)
    store = EventStore(open_engine(database_of(workspace, named)), clock)
    try:
        yield store
    finally:
        store.close()


def _make_private(path: Path) -> None:
    """Make an empty file for its owner alone; one that is there keeps its rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _OWNER_ONLY))
    except OSError as failed:
        raise StoreUnreachable(failed.strerror or type(failed).__name__) from failed
