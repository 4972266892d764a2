"""The first layout: events, their terms and states, jobs, and what waits to be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001_events"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table of an empty database."""
    for make in _TABLES:
        make()


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
        sqlite_strict=True,
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("hash_id", _KEY, nullable=True),
        sa.Column("declaration", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("event_time_us", _NUMBER, nullable=False),
        sa.Column("record_time_us", _NUMBER, nullable=False),
        sa.Column("biz_step", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("read_point", sa.Text(), nullable=True),
        sa.Column("biz_location", sa.Text(), nullable=True),
        sa.Column("declared_us", _NUMBER, nullable=True),
        sa.Column("capture_job", _NUMBER, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("tenant", "event_id", "declaration", name="uq_events_event_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_events_declared",
        "events",
        ["tenant", "declared_us", "seq"],
        unique=False,
        sqlite_where=sa.text("declared_us IS NOT NULL"),
        postgresql_where=sa.text("declared_us IS NOT NULL"),
    )
    op.create_index(
        "ix_events_event_time", "events", ["tenant", "event_time_us", "seq"], unique=False
    )
    op.create_index(
        "ix_events_hash_id",
        "events",
        ["tenant", "hash_id"],
        unique=False,
        sqlite_where=sa.text("hash_id IS NOT NULL"),
        postgresql_where=sa.text("hash_id IS NOT NULL"),
    )
    op.create_index(
        "ix_events_record_time", "events", ["tenant", "record_time_us", "seq"], unique=False
    )


def _event_terms() -> None:
    op.create_table(
        "event_terms",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", _KEY, nullable=False),
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "value", "seq", name=op.f("pk_event_terms")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _event_states() -> None:
    op.create_table(
        "event_states",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("updated_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_states")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_event_states_state", "event_states", ["tenant", "state", "seq"], unique=False
    )


def _capture_jobs() -> None:
    op.create_table(
        "capture_jobs",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("capture_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("behaviour", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("finished_us", _NUMBER, nullable=True),
        sa.Column("success", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("captured", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_capture_jobs")),
        sa.UniqueConstraint("tenant", "capture_id", name="uq_capture_jobs_capture_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_capture_jobs_number", "capture_jobs", ["tenant", "number"], unique=False)


def _master_data() -> None:
    op.create_table(
        "master_data",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("vocabulary", sa.Text(), nullable=False),
        sa.Column("element", _KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "vocabulary", "element", name=op.f("pk_master_data")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("next_us", _NUMBER, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox")),
        sa.UniqueConstraint("tenant", "key", name="uq_outbox_key"),
        sqlite_strict=True,
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "position"], unique=False)


def _page_tokens() -> None:
    op.create_table(
        "page_tokens",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("expires_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_page_tokens")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_page_tokens_expires", "page_tokens", ["expires_us"], unique=False)


def _named_queries() -> None:
    op.create_table(
        "named_queries",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_named_queries")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("query_name", sa.Text(), nullable=False),
        sa.Column("controls", sa.Text(), nullable=False),
        sa.Column("cursor_seq", _NUMBER, nullable=False),
        sa.Column("next_us", _NUMBER, nullable=True),
        sa.Column("last_us", _NUMBER, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subscription_id", name=op.f("pk_subscriptions")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subscriptions_next", "subscriptions", ["next_us"], unique=False)
    op.create_index(
        "ix_subscriptions_query", "subscriptions", ["tenant", "query_name"], unique=False
    )


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("first_seq", _NUMBER, nullable=False),
        sa.Column("last_seq", _NUMBER, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dead_letters")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_dead_letters_subscription",
        "dead_letters",
        ["tenant", "subscription_id", "number"],
        unique=False,
    )


def _forgotten() -> None:
    op.create_table(
        "forgotten",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("content", _KEY, nullable=False),
        sa.Column("declaration", sa.Text(), nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("forgotten_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "content", "declaration", name=op.f("pk_forgotten")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _store_secrets() -> None:
    op.create_table(
        "store_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_secrets")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


_TABLES: Final[tuple[Callable[[], None], ...]] = (
    _tenants,
    _events,
    _event_terms,
    _event_states,
    _capture_jobs,
    _master_data,
    _outbox,
    _page_tokens,
    _named_queries,
    _subscriptions,
    _dead_letters,
    _forgotten,
    _counters,
    _store_secrets,
)
