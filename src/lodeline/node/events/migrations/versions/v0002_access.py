"""Accounts, tokens, policies and the trail of who saw what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002_access"
down_revision = "0001_events"
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables of access."""
    for make in _TABLES:
        make()
    _append_only("access_trail")
    _append_only("access_trail_anchors")


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", _KEY, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("issuer", _KEY, nullable=True),
        sa.Column("subject", _KEY, nullable=True),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("changed_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
        sa.UniqueConstraint("issuer", "subject", name="uq_accounts_issuer"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_accounts_tenant", "accounts", ["tenant", "name"], unique=False)


def _access_tokens() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("token_id", _KEY, nullable=False),
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("expires_us", _NUMBER, nullable=False),
        sa.Column("revoked_us", _NUMBER, nullable=True),
        sa.Column("used_us", _NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_access_tokens")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_access_tokens_account", "access_tokens", ["tenant", "account"], unique=False
    )


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("policy_id", _KEY, nullable=False),
        sa.Column("reader", _KEY, nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_us", _NUMBER, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_us", _NUMBER, nullable=True),
        sa.Column("revoked_us", _NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "policy_id", name=op.f("pk_policies")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_policies_reader", "policies", ["tenant", "reader"], unique=False)


def _trail() -> None:
    op.create_table(
        "access_trail",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("moment_us", _NUMBER, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("first_seq", _NUMBER, nullable=True),
        sa.Column("last_seq", _NUMBER, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_access_trail")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _trail_anchors() -> None:
    op.create_table(
        "access_trail_anchors",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("anchored_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_access_trail_anchors")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _sign_ins() -> None:
    op.create_table(
        "access_sign_ins",
        sa.Column("state", _KEY, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("expires_us", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_access_sign_ins")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_access_sign_ins_expires", "access_sign_ins", ["expires_us"], unique=False)


def _append_only(table: str) -> None:
    """Have the database refuse to change or delete rows of a table."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


_TABLES: Final[tuple[Callable[[], None], ...]] = (
    _accounts,
    _access_tokens,
    _policies,
    _trail,
    _trail_anchors,
    _sign_ins,
)
