"""Who saw what, and who changed who may: rows that are only ever added, on a chain of hashes.

    digest 0 = SHA-256(label ‖ name of the tenant)
    digest n = SHA-256(label ‖ digest n-1 ‖ canonical CBOR of [n, moment, who, act, about, seen])

Whoever changes, removes or reorders a row breaks the chain from there on. Whoever rewrites the
chain to its end, or cuts its end off, is found out by a head that was put on the ledger before
(`anchoring`); what was written after the last anchor is as trustworthy as the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from sqlalchemy import Connection, RowMapping, insert, select

from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32
from lodeline.node.access.schema import TRAIL, TRAIL_ANCHORS
from lodeline.node.access.trail_refusals import TrailAnchorMissed, TrailBroken, TrailUnreadable
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore, Seq, Tenant

__all__ = [
    "Act",
    "Head",
    "Note",
    "TrailNumber",
    "TrailRow",
    "append",
    "first_digest",
    "head_of",
    "ranges_text",
    "readers_of",
    "record",
    "remember",
    "remembered",
    "rows",
    "seqs_of",
    "verified_heads",
    "verify_trail",
]

_LABEL: Final = b"lodeline/access-trail/v1"
_MAX_ABOUT: Final = 4_096
"""Characters of what an act was about; longer texts are cut, with the digest of the whole."""
_PIECE: Final = 1_000

TrailNumber = NewType("TrailNumber", int)
"""Place of a row in the trail of a tenant, from 1."""


class Act(StrEnum):
    """What somebody did; the words are stored and never change."""

    QUERIED = "queried"
    """Was answered a query, or a page of one."""
    READ = "read"
    """Was shown events by their ids."""
    DELIVERED = "delivered"
    """Was sent events by a subscription."""
    EXPORTED = "exported"
    CAPTURED = "captured"
    EVENT_DECIDED = "event-decided"
    """Began an event anew that had stopped, left it aside, or took it back."""
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    ACCOUNT_MADE = "account-made"
    ACCOUNT_CHANGED = "account-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the word for an act
    TOKEN_MADE = "token-made"  # noqa: S105 - the word for an act
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - the word for an act
    POLICY_MADE = "policy-made"
    POLICY_REVOKED = "policy-revoked"


@dataclass(frozen=True, slots=True)
class Note:
    """One act, as it is to be kept."""

    who: Who
    act: Act
    about: str = ""
    """The query, the account, the policy: what it was about, in words without secrets."""
    seen: Sequence[Seq] = ()
    """Places of the events that were shown."""


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One row of the trail, as it stands in the store; nothing is verified."""

    number: TrailNumber
    moment: Micros
    who: Who
    act: str
    about: str
    seen: str
    """Places of events as ranges: ``1-3,7``."""
    digest: Hash32


@dataclass(frozen=True, slots=True)
class Head:
    """Where a trail ends: the number of its last row, 0 for none, and the digest there."""

    number: TrailNumber
    digest: Hash32


def record(store: EventStore, tenant: Tenant, notes: Iterable[Note]) -> Head:
    """Add rows to the trail of a tenant and return its new head; they are on the disk then.

    Notes that come at the same time share a commit. Record before the answer leaves: an act that
    cannot be kept must not happen.

    Raises:
        StoreUnreachable: nothing was kept.
    """
    kept = tuple(notes)
    moment = store.clock.now()
    return store.write(lambda connection: append(connection, tenant, moment, kept))


def append(connection: Connection, tenant: Tenant, moment: Micros, notes: Iterable[Note]) -> Head:
    """Add rows to the trail within a writing transaction, and return its new head."""
    head = head_of(connection, tenant)
    for note in notes:
        head = _append_one(connection, tenant, moment, head, note)
    return head


def _append_one(
    connection: Connection, tenant: Tenant, moment: Micros, head: Head, note: Note
) -> Head:
    number = TrailNumber(head.number + 1)
    about, seen = _bounded(note.about), ranges_text(note.seen)
    digest = _next(head.digest, (number, moment, note.who, note.act.value, about, seen))
    values = {
        "tenant": tenant.number,
        "number": number,
        "moment_us": moment,
        "who": note.who,
        "act": note.act.value,
        "about": about,
        "seen": seen,
        "first_seq": min(note.seen, default=None),
        "last_seq": max(note.seen, default=None),
        "digest": digest,
    }
    connection.execute(insert(TRAIL).values(values))
    return Head(number, digest)


def head_of(connection: Connection, tenant: Tenant) -> Head:
    """Return where the trail of a tenant ends; nothing is verified."""
    query = (
        select(TRAIL.c.number, TRAIL.c.digest)
        .where(TRAIL.c.tenant == tenant.number)
        .order_by(TRAIL.c.number.desc())
        .limit(1)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return Head(TrailNumber(0), first_digest(tenant))
    return Head(TrailNumber(found.number), Hash32(bytes(found.digest)))


def first_digest(tenant: Tenant) -> Hash32:
    """Return what the chain of a tenant begins with, so that no chain passes for another's."""
    return Hash32(hashlib.sha256(_LABEL + tenant.name.encode()).digest())


def _next(before: Hash32, fields: tuple[int | str, ...]) -> Hash32:
    return Hash32(hashlib.sha256(_LABEL + before + cbor.encode(list(fields))).digest())


def _bounded(about: str) -> str:
    """A text that every database keeps as it is: no NUL, no half of a character, not too long."""
    data = about.encode("utf-8", errors="replace")
    text = data.decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(text) <= _MAX_ABOUT:
        return text
    return f"{text[:_MAX_ABOUT]}… sha-256 {hashlib.sha256(data).hexdigest()}"


# ------------------------------------------------------------------ places as ranges


def ranges_text(seqs: Iterable[Seq]) -> str:
    """Return places of events as ranges, sorted, each once: ``1-3,7``."""
    parts: list[list[int]] = []
    for seq in sorted(set(seqs)):
        if parts and parts[-1][1] == seq - 1:
            parts[-1][1] = seq
        else:
            parts.append([seq, seq])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def seqs_of(text: str) -> Iterator[range]:
    """Return the ranges of places that a text of `ranges_text` has.

    Raises:
        ValueError: it is no such text.
    """
    for part in text.split(",") if text else ():
        low, _, high = part.partition("-")
        yield range(int(low), int(high or low) + 1)


# ------------------------------------------------------------------ reading


def rows(store: EventStore, tenant: Tenant, after: TrailNumber, limit: int) -> Sequence[TrailRow]:
    """Return the next rows of a trail after a number, in order."""
    query = (
        select(TRAIL)
        .where(TRAIL.c.tenant == tenant.number, TRAIL.c.number > after)
        .order_by(TRAIL.c.number)
        .limit(limit)
    )
    with store.reading() as connection:
        return [_row(row) for row in connection.execute(query).mappings()]


def readers_of(store: EventStore, tenant: Tenant, seq: Seq) -> Sequence[TrailRow]:
    """Return every row that shows somebody one event, in order."""
    query = (
        select(TRAIL)
        .where(TRAIL.c.tenant == tenant.number)
        .where(TRAIL.c.first_seq <= seq, TRAIL.c.last_seq >= seq)
        .order_by(TRAIL.c.number)
    )
    with store.reading() as connection:
        found = [_row(row) for row in connection.execute(query).mappings()]
    return [row for row in found if any(seq in places for places in seqs_of(row.seen))]


def _row(row: RowMapping) -> TrailRow:
    return TrailRow(
        TrailNumber(row["number"]),
        Micros(row["moment_us"]),
        Who(row["who"]),
        row["act"],
        row["about"],
        row["seen"],
        Hash32(bytes(row["digest"])),
    )


# ------------------------------------------------------------------ verifying


def verify_trail(store: EventStore, tenant: Tenant, anchored: Iterable[Head] = ()) -> Head:
    """Check the whole chain of a tenant, and that it still goes through known heads.

    Heads that this store remembers to have anchored are checked too; that they are on the ledger
    is for `anchoring` to say.

    Args:
        store: where the trail is.
        tenant: whose trail.
        anchored: heads that are known from elsewhere.

    Raises:
        TrailBroken: a row is not what it was when it was written, or one is missing.
        TrailAnchorMissed: the chain does not go through a head that it once had.
        TrailUnreadable: a row holds what no version writes.
    """
    wanted = {head.number: head.digest for head in (*remembered(store, tenant), *anchored)}
    head = Head(TrailNumber(0), first_digest(tenant))
    for head in verified_heads(store, tenant):
        if wanted.pop(head.number, head.digest) != head.digest:
            raise TrailAnchorMissed(head.number, head.number)
    if wanted:
        raise TrailAnchorMissed(min(wanted), head.number)
    return head


def verified_heads(store: EventStore, tenant: Tenant) -> Iterator[Head]:
    """Yield every head that a trail had, each after its row was checked.

    Raises:
        TrailBroken: a row is not what it was when it was written, or one is missing.
        TrailUnreadable: a row holds what no version writes.
    """
    head = Head(TrailNumber(0), first_digest(tenant))
    while piece := rows(store, tenant, head.number, _PIECE):
        for row in piece:
            head = _followed(head, row)
            yield head


def _followed(head: Head, row: TrailRow) -> Head:
    if row.number != head.number + 1:
        raise TrailBroken(TrailNumber(head.number + 1))
    fields = (row.number, row.moment, row.who, row.act, row.about, row.seen)
    if _next(head.digest, fields) != row.digest:
        raise TrailBroken(row.number)
    try:
        for _ in seqs_of(row.seen):
            pass
    except ValueError:
        raise TrailUnreadable(row.number) from None
    return Head(row.number, row.digest)


def remembered(store: EventStore, tenant: Tenant) -> Sequence[Head]:
    """Return the heads that this store remembers to have anchored, in order."""
    query = select(TRAIL_ANCHORS.c.number, TRAIL_ANCHORS.c.digest)
    query = query.where(TRAIL_ANCHORS.c.tenant == tenant.number).order_by(TRAIL_ANCHORS.c.number)
    with store.reading() as connection:
        found = connection.execute(query).all()
    return [Head(TrailNumber(number), Hash32(bytes(digest))) for number, digest in found]


def remember(store: EventStore, tenant: Tenant, head: Head) -> None:
    """Remember a head that was handed to the ledger; one that is known stays as it is."""
    if head in remembered(store, tenant):
        return
    values = {
        "tenant": tenant.number,
        "number": head.number,
        "digest": head.digest,
        "anchored_us": store.clock.now(),
    }
    store.write(lambda connection: connection.execute(insert(TRAIL_ANCHORS).values(values)))
