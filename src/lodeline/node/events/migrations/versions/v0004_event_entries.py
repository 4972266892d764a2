"""Events by the entry of the ledger that they became.

From a lot the way leads to the step that made it, to the entry of the step, and from there to the
events that told of it. Most events become no entry, so only those that did are in the index.

Reading goes along the index; writing pays for it where an event comes to the ledger, which takes
a proof before, and nowhere else.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004_event_entries"
down_revision = "0003_state_moves"
branch_labels = None
depends_on = None

_INDEX: Final = "ix_event_states_reference"
_TABLE: Final = "event_states"


def upgrade() -> None:
    """Add the index; what is there is in it at once.

    Both databases keep an index of a part of the rows.
    """
    there = sa.text("reference IS NOT NULL")
    op.create_index(
        _INDEX,
        _TABLE,
        ["tenant", "reference"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )


def downgrade() -> None:
    """Take the index away; answers are the same, and slower."""
    op.drop_index(_INDEX, table_name=_TABLE)
