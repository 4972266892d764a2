"""Which database a node's events are in, unless somebody says another.

    url = event_database(Path(".lodeline"), None)   # sqlite:///…/.lodeline/events.db

Every command that works with events asks here, so that all of them mean the same database: what was
named, else ``LODELINE_DATABASE``, else a file in the folder of the node.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.store import EventStore
from lodeline.node.workspace import FileUnwritable

__all__ = ["DATABASE_VARIABLE", "event_database", "open_events"]

DATABASE_VARIABLE: Final = "LODELINE_DATABASE"
"""A variable of the environment rather than an option: a URL may hold a password."""
_FILE: Final = "events.db"


def event_database(folder: Path, named: str | None) -> DatabaseUrl:
    """Return the database of a folder's events.

    Args:
        folder: of the node.
        named: what an option says, if it is there.
    """
    found = named or os.environ.get(DATABASE_VARIABLE)
    return DatabaseUrl(found) if found else sqlite_url(folder / _FILE)


def open_events(folder: Path, named: str | None = None) -> EventStore:
    """Open the store of a folder's events; whoever opens it closes it.

    Raises:
        FileUnwritable: the folder cannot be made.
        DatabaseUnknown, StoreUnreachable, StoreLayoutUnknown: the database cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise FileUnwritable(str(folder), failed.strerror or type(failed).__name__) from failed
    return EventStore(open_engine(event_database(folder, named)))
