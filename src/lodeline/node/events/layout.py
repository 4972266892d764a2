"""The layout of the event store's database, brought to the present one by the migrations."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from lodeline.node.events.refusals import StoreLayoutUnknown

__all__ = ["check_layout", "layout_of", "migrate", "present_layout"]


def present_layout() -> str:
    """Return the name of the layout that this version works with: ``0004_event_entries``."""
    (head,) = ScriptDirectory.from_config(_config()).get_heads()
    return head


def layout_of(connection: Connection) -> str | None:
    """Return the name of the layout that a database has; nothing for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def check_layout(found: str) -> None:
    """Refuse a layout that this version neither has nor can bring to the present one.

    Raises:
        StoreLayoutUnknown: a later version wrote it.
    """
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise StoreLayoutUnknown(found)


def migrate(connection: Connection) -> None:
    """Bring a database to the present layout, within the transaction of the connection.

    Raises:
        StoreLayoutUnknown: a later version wrote it.
    """
    found = layout_of(connection)
    if found is not None:
        check_layout(found)
    if found == present_layout():
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    where = resources.files("lodeline.node.events").joinpath("migrations")
    config.set_main_option("script_location", str(where).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
