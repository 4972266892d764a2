"""The tables of the event store, the same on SQLite and PostgreSQL.

`METADATA` is what the migrations lead to; a test compares the two. Moments are microseconds
(`Micros`), flags are 0 or 1, JSON is text in canonical form. Ids in ``tenant`` columns are numbers
from `TENANTS`. Nobody but this package writes SQL against other tables than its own.

A reader of events goes by ``seq``: it grows with every event that is captured, without holes at the
time of capture, and a reader that has seen ``seq`` n has seen everything up to n. It is never given
twice, even where retention has removed the last events.

    with store.reading() as connection:
        rows = connection.execute(
            select(EVENTS.c.body)
            .join(EVENT_TERMS, EVENT_TERMS.c.seq == EVENTS.c.seq)
            .where(EVENT_TERMS.c.tenant == tenant.number)
            .where(EVENT_TERMS.c.kind == TermKind.EPC)
            .where(EVENT_TERMS.c.value == term_value("urn:epc:id:sgtin:4012345.011122.25"))
            .order_by(EVENT_TERMS.c.seq)
        )
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "CAPTURE_JOBS",
    "COUNTERS",
    "DEAD_LETTERS",
    "EVENTS",
    "EVENT_STATES",
    "EVENT_TERMS",
    "FORGOTTEN",
    "MASTER_DATA",
    "METADATA",
    "NAMED_QUERIES",
    "OUTBOX",
    "PAGE_TOKENS",
    "STATE_MOVES",
    "STORE_SECRETS",
    "SUBSCRIPTIONS",
    "TENANTS",
    "Key",
    "Number",
]

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
"""Every table of the store; other parts of the node add theirs to it."""

Number: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A signed 64-bit number; SQLite has it under the name that makes it a row id."""
Key: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that is compared and sorted byte by byte, whatever the database's language."""


def _keyed(name: str, *parts: Column[object] | Index | UniqueConstraint) -> Table:
    """A table that is stored in the order of its primary key."""
    return Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _rows(name: str, *parts: Column[object] | Index | UniqueConstraint) -> Table:
    """A table that is stored in the order of a number, which is its primary key."""
    return Table(name, METADATA, *parts, sqlite_strict=True)


def _tenant(*, primary_key: bool = False) -> Column[object]:
    return Column("tenant", Integer, primary_key=primary_key, nullable=False)


TENANTS: Final = _rows(
    "tenants",
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)
"""Whose data there is."""

EVENTS: Final = _rows(
    "events",
    Column("seq", Number, primary_key=True, autoincrement=False),
    _tenant(),
    Column("event_id", Key, nullable=False),  # the partner's own, else the hash id
    Column("hash_id", Key),  # where the event came with another id
    Column("declaration", Text, nullable=False),  # digest of the error declaration; "" for none
    Column("type", Text, nullable=False),
    Column("action", Text),
    Column("event_time_us", Number, nullable=False),
    Column("record_time_us", Number, nullable=False),  # never falls while seq grows
    Column("biz_step", Text),  # bare word of the CBV, or URI as written
    Column("disposition", Text),
    Column("read_point", Text),  # as written; the index of terms has the canonical form
    Column("biz_location", Text),
    Column("declared_us", Number),  # declarationTime of an error declaration
    Column("capture_job", Number),  # number of the job; nothing for a single event
    Column("body", Text, nullable=False),  # the event as answered: with eventID and recordTime
    UniqueConstraint("tenant", "event_id", "declaration", name="uq_events_event_id"),
    Index("ix_events_event_time", "tenant", "event_time_us", "seq"),
    Index("ix_events_record_time", "tenant", "record_time_us", "seq"),
)
"""Events in the order of capture."""
Index(
    "ix_events_hash_id",
    EVENTS.c.tenant,
    EVENTS.c.hash_id,
    sqlite_where=EVENTS.c.hash_id.is_not(None),
    postgresql_where=EVENTS.c.hash_id.is_not(None),
)
Index(
    "ix_events_declared",
    EVENTS.c.tenant,
    EVENTS.c.declared_us,
    EVENTS.c.seq,
    sqlite_where=EVENTS.c.declared_us.is_not(None),
    postgresql_where=EVENTS.c.declared_us.is_not(None),
)

EVENT_TERMS: Final = _keyed(
    "event_terms",
    _tenant(primary_key=True),
    Column("kind", Integer, primary_key=True, autoincrement=False),  # `terms.TermKind`
    Column("value", Key, primary_key=True),  # `terms.term_value`
    Column("seq", Number, primary_key=True, autoincrement=False),
)
"""Which events speak of what. May hold terms of events that are gone: always join `EVENTS`."""

EVENT_STATES: Final = _rows(
    "event_states",
    Column("seq", Number, primary_key=True, autoincrement=False),
    _tenant(),
    Column("state", Text, nullable=False),  # `states.EventState`
    Column("reason", Text),  # JSON: code and fields of a refusal, in the form of `states.Reason`
    Column("reference", Text),  # what it became: id of a transform, an offer, an outbox row
    Column("updated_us", Number, nullable=False),
    Index("ix_event_states_state", "tenant", "state", "seq"),
    Index("ix_event_states_updated", "tenant", "state", "updated_us", "seq"),
)
"""How far each event has come on its way to the ledger; one row for each event."""
Index(
    "ix_event_states_reference",
    EVENT_STATES.c.tenant,
    EVENT_STATES.c.reference,
    sqlite_where=EVENT_STATES.c.reference.is_not(None),
    postgresql_where=EVENT_STATES.c.reference.is_not(None),
)

STATE_MOVES: Final = _keyed(
    "state_moves",
    _tenant(primary_key=True),
    Column("number", Number, primary_key=True, autoincrement=False),  # from 1, of the tenant
    Column("first_seq", Number, nullable=False),  # every event from here to the last one moved
    Column("last_seq", Number, nullable=False),
    Column("state", Text, nullable=False),  # the one that they came into
    Column("reason", Text),  # as in `EVENT_STATES`
    Column("reference", Text),
    Column("moved_us", Number, nullable=False),
    Index("ix_state_moves_moved", "tenant", "moved_us", "number"),
)
"""Every move of a state, in the order in which it could be seen; added to, never changed."""

CAPTURE_JOBS: Final = _rows(
    "capture_jobs",
    Column("number", Number, primary_key=True, autoincrement=False),
    _tenant(),
    Column("capture_id", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("behaviour", Text, nullable=False),  # rollback or proceed
    Column("created_us", Number, nullable=False),
    Column("finished_us", Number),  # nothing while it runs
    Column("success", Integer, nullable=False),
    Column("events", Integer, nullable=False),  # in the document
    Column("captured", Integer, nullable=False),  # new in the store
    Column("known", Integer, nullable=False),  # in the store already
    Column("refused", Integer, nullable=False),
    Column("errors", Text, nullable=False),  # JSON list of problems, bounded
    UniqueConstraint("tenant", "capture_id", name="uq_capture_jobs_capture_id"),
    Index("ix_capture_jobs_number", "tenant", "number"),
)
"""Documents that were offered, and what became of them."""

MASTER_DATA: Final = _keyed(
    "master_data",
    _tenant(primary_key=True),
    Column("vocabulary", Text, primary_key=True),  # type of the vocabulary, a URN
    Column("element", Key, primary_key=True),  # `terms.term_value` of its id
    Column("body", Text, nullable=False),  # JSON: id, attributes, children
    Column("updated_us", Number, nullable=False),
)
"""Master data from the headers of documents; the last one captured counts."""

OUTBOX: Final = _rows(
    "outbox",
    Column("position", Number, primary_key=True, autoincrement=False),
    _tenant(),
    Column("key", Text, nullable=False),  # makes a second try the same row
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # waiting, sent, done, refused
    Column("attempts", Integer, nullable=False),
    Column("created_us", Number, nullable=False),
    Column("next_us", Number, nullable=False),  # not before
    Column("note", Text),  # JSON: the last refusal, or the receipt
    UniqueConstraint("tenant", "key", name="uq_outbox_key"),
    Index("ix_outbox_state", "state", "position"),
)
"""What is on its way to the ledger, in order."""

PAGE_TOKENS: Final = _keyed(
    "page_tokens",
    Column("token", Text, primary_key=True),
    _tenant(),
    Column("query", Text, nullable=False),  # JSON
    Column("position", Text, nullable=False),  # JSON
    Column("expires_us", Number, nullable=False),
    Index("ix_page_tokens_expires", "expires_us"),
)
"""Where the next page of an answer begins, for tokens that are not self-contained."""

NAMED_QUERIES: Final = _keyed(
    "named_queries",
    _tenant(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),  # JSON
    Column("created_us", Number, nullable=False),
    Column("created_by", Text, nullable=False),
)
"""Queries that were given a name."""

SUBSCRIPTIONS: Final = _keyed(
    "subscriptions",
    _tenant(primary_key=True),
    Column("subscription_id", Text, primary_key=True),
    Column("query_name", Text, nullable=False),
    Column("controls", Text, nullable=False),  # JSON: destination, schedule, what to report
    Column("cursor_seq", Number, nullable=False),  # everything up to here is delivered
    Column("next_us", Number),  # next run of a schedule, or next try
    Column("last_us", Number),
    Column("attempts", Integer, nullable=False),  # since the last success
    Column("state", Text, nullable=False),
    Column("created_us", Number, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_subscriptions_query", "tenant", "query_name"),
    Index("ix_subscriptions_next", "next_us"),
)
"""Who is told of new events, and up to where they have been."""

DEAD_LETTERS: Final = _rows(
    "dead_letters",
    Column("number", Number, primary_key=True, autoincrement=False),
    _tenant(),
    Column("subscription_id", Text, nullable=False),
    Column("created_us", Number, nullable=False),
    Column("first_seq", Number, nullable=False),
    Column("last_seq", Number, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),  # JSON
    Column("body", Text, nullable=False),
    Index("ix_dead_letters_subscription", "tenant", "subscription_id", "number"),
)
"""Reports that no destination took."""

FORGOTTEN: Final = _keyed(
    "forgotten",
    _tenant(primary_key=True),
    Column("content", Key, primary_key=True),  # hash id
    Column("declaration", Text, primary_key=True),
    Column("event_id", Key, nullable=False),
    Column("seq", Number, nullable=False),
    Column("forgotten_us", Number, nullable=False),
)
"""Events that retention has removed: offered again, they are still known."""

COUNTERS: Final = _keyed(
    "counters",
    Column("name", Text, primary_key=True),
    Column("value", Number, nullable=False),
)
"""Last number given of each kind, see `store.take_numbers`; never falls."""

STORE_SECRETS: Final = _keyed(
    "store_secrets",
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Keys that this store made for itself, such as the one that seals page tokens."""
