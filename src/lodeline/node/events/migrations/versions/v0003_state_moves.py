"""Every move of a state, for those who follow; and states by when they were come into."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003_state_moves"
down_revision = "0002_access"
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of moves, which begins empty: what moved before has its state alone."""
    op.create_table(
        "state_moves",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_seq", _NUMBER, nullable=False),
        sa.Column("last_seq", _NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("moved_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_state_moves")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_state_moves_moved", "state_moves", ["tenant", "moved_us", "number"], unique=False
    )
    op.create_index(
        "ix_event_states_updated",
        "event_states",
        ["tenant", "state", "updated_us", "seq"],
        unique=False,
    )
