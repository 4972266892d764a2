"""Runs migrations on the connection that `lodeline.node.events.layout` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from lodeline.node.events.schema import METADATA


def run() -> None:
    """Run what the command asked for, in the transaction of the caller."""
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError(type(connection).__name__)
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transactional_ddl=False,
        render_as_batch=True,
    )
    context.run_migrations()


run()
