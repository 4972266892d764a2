"""The tables of access, in the database of the events; migration ``0002_access`` makes them.

Secrets are kept as what cannot be turned back: passwords as Argon2id, tokens as hashes. The trail
is append-only: triggers refuse to change or delete a row of it, and its chain of hashes shows where
somebody went around them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from lodeline.node.events.schema import METADATA, Key, Number

__all__ = [
    "ACCESS_TOKENS",
    "ACCOUNTS",
    "POLICIES",
    "SIGN_INS",
    "TRAIL",
    "TRAIL_ANCHORS",
]

ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("name", Key, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("partner", Text),  # company of somebody who is not the tenant's own
    Column("title", Text, nullable=False),  # how people call them
    Column("roles", Text, nullable=False),  # words, sorted, with spaces between
    Column("password", Text),  # Argon2id in PHC form; nothing: no password opens it
    Column("state", Text, nullable=False),  # active or disabled
    Column("issuer", Key),  # who vouches for a foreign identity
    Column("subject", Key),
    Column("created_us", Number, nullable=False),
    Column("changed_us", Number, nullable=False),
    UniqueConstraint("issuer", "subject", name="uq_accounts_issuer"),
    Index("ix_accounts_tenant", "tenant", "name"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Who can be a caller."""

ACCESS_TOKENS: Final = Table(
    "access_tokens",
    METADATA,
    Column("token_id", Key, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("account", Key, nullable=False),
    Column("kind", Text, nullable=False),  # api or session
    Column("digest", LargeBinary, nullable=False),  # of the secret half
    Column("scopes", Text, nullable=False),  # words, sorted, with spaces between
    Column("note", Text, nullable=False),  # what it is for
    Column("created_us", Number, nullable=False),
    Column("expires_us", Number, nullable=False),
    Column("revoked_us", Number),
    Column("used_us", Number),  # to the hour
    Index("ix_access_tokens_account", "tenant", "account"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Tokens that were given out; the secret half is nowhere here."""

POLICIES: Final = Table(
    "policies",
    METADATA,
    Column("tenant", Integer, primary_key=True, nullable=False),
    Column("policy_id", Key, primary_key=True),
    Column("reader", Key, nullable=False),  # `callers.Reader`
    Column("terms", Text, nullable=False),  # JSON: `policies.Terms`
    Column("created_us", Number, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_us", Number),  # nothing: until it is revoked
    Column("revoked_us", Number),
    Index("ix_policies_reader", "tenant", "reader"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""What is shared with whom; never deleted, so that it can be told what was shared when."""

TRAIL: Final = Table(
    "access_trail",
    METADATA,
    Column("tenant", Integer, primary_key=True, nullable=False),
    Column("number", Number, primary_key=True, autoincrement=False),  # from 1, without holes
    Column("moment_us", Number, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),  # `trail.Act`
    Column("about", Text, nullable=False),
    Column("seen", Text, nullable=False),  # places of events, as ranges
    Column("first_seq", Number),  # lowest and highest of them
    Column("last_seq", Number),
    Column("digest", LargeBinary, nullable=False),  # over the digest before and this row
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Who saw what, and who changed who may; one chain for each tenant."""

TRAIL_ANCHORS: Final = Table(
    "access_trail_anchors",
    METADATA,
    Column("tenant", Integer, primary_key=True, nullable=False),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("anchored_us", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Heads of the trail that were put on the ledger."""

SIGN_INS: Final = Table(
    "access_sign_ins",
    METADATA,
    Column("state", Key, primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),  # of PKCE
    Column("expires_us", Number, nullable=False),
    Index("ix_access_sign_ins_expires", "expires_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Sign-ins at a foreign issuer that are under way."""
