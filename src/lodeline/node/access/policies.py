"""What a company shares, with whom, and until when; each policy is one plain sentence.

A policy names a reader and terms. An event is shared by it if it fulfils every term that is there:
it is of one of the kinds, and at one of the sites, and speaks of one of the lots, and so on. What
no policy shares is not seen. Several policies for one reader add up.

A site or a lot that is a GS1 key covers what is part of it: a location its extensions, a product
its lots and serial numbers. Any other identifier covers itself alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from lodeline.exchange.epcis.document import EventKind
from lodeline.exchange.epcis.vocabulary import BIZ_STEP
from lodeline.node.access.accounts import account
from lodeline.node.access.callers import Reader, partner_name, user_name
from lodeline.node.access.policy_refusals import (
    PolicyEmpty,
    PolicyKindUnknown,
    PolicyMalformed,
    PolicyOver,
    PolicyPatternTooWide,
    PolicyUnknown,
    ReaderMalformed,
)
from lodeline.node.access.schema import POLICIES
from lodeline.node.access.trail import Act, Note, append
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.patterns import is_pattern
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.events.terms import term_value

__all__ = [
    "Policy",
    "PolicyId",
    "Terms",
    "checked_terms",
    "policies",
    "policies_for",
    "read_reader",
    "revoke_policy",
    "share",
]

PolicyId = NewType("PolicyId", str)
"""Names a policy: 16 hexadecimal digits, random."""

_ACCOUNT: Final = "account:"
_PARTNER: Final = "partner:"


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an event has to be for a policy to share it; what is empty does not matter."""

    everything: bool = False
    """Every event, whatever it is; said on purpose, never by leaving everything out."""
    kinds: tuple[str, ...] = ()
    """Types of events, such as ``TransformationEvent``."""
    steps: tuple[str, ...] = ()
    """Business steps: bare words of the CBV, or URIs."""
    sites: tuple[str, ...] = ()
    """Read points or business locations."""
    lots: tuple[str, ...] = ()
    """Things, lots or products, wherever in the event they stand."""
    parties: tuple[str, ...] = ()
    """Sources or destinations, of whichever type."""
    since: int | None = None
    """First moment, in microseconds (`Micros`), at which the event may have happened."""
    before: int | None = None
    """Moment, in microseconds (`Micros`), before which the event has to have happened."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Terms under which somebody sees events of a tenant."""

    policy: PolicyId
    reader: Reader
    terms: Terms
    created: Micros
    created_by: Who
    expires: Micros | None
    """Shares nothing from here on; nothing: until it is revoked."""
    revoked: Micros | None

    def is_in_force(self, now: Micros) -> bool:
        """Return whether the policy shares anything at a moment."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def read_reader(text: str) -> Reader:
    """Return whom a policy shares with: a partner where nothing else is said.

    Args:
        text: ``partner:NAME``, ``account:NAME`` or ``NAME``.

    Raises:
        ReaderMalformed: something else is before the colon.
        AccessNameMalformed: no partner or account has such a name.
    """
    if text.startswith(_ACCOUNT):
        return Reader(_ACCOUNT + user_name(text.removeprefix(_ACCOUNT)))
    name = text.removeprefix(_PARTNER)
    if ":" in name:
        raise ReaderMalformed(text)
    return Reader(_PARTNER + partner_name(name))


def checked_terms(terms: Terms) -> Terms:
    """Return terms in the form in which they are stored.

    Raises:
        PolicyEmpty: they share nothing or, by leaving everything out, everything.
        PolicyKindUnknown: a kind of event that there is not.
        PolicyPatternTooWide: a pattern that is no single product.
    """
    named = (*terms.kinds, *terms.steps, *terms.sites, *terms.lots, *terms.parties)
    is_limited = bool(named) or terms.since is not None or terms.before is not None
    if terms.everything == is_limited or _is_no_time(terms):
        raise PolicyEmpty
    for kind in terms.kinds:
        if kind not in tuple(EventKind):
            raise PolicyKindUnknown(kind, tuple(EventKind))
    for text in (*terms.sites, *terms.lots, *terms.parties):
        if is_pattern(text) and term_value(text) == text:
            raise PolicyPatternTooWide(text)
    steps = tuple(BIZ_STEP.bare(step) for step in terms.steps)
    return msgspec.structs.replace(terms, steps=steps)


def _is_no_time(terms: Terms) -> bool:
    return terms.since is not None and terms.before is not None and terms.since >= terms.before


def share(
    store: EventStore,
    tenant: Tenant,
    reader: Reader,
    terms: Terms,
    *,
    by: Who,
    expires: Micros | None = None,
) -> Policy:
    """Share events with somebody, those to come too.

    Raises:
        PolicyEmpty, PolicyKindUnknown, PolicyPatternTooWide: as `checked_terms` does.
        PolicyOver: it would expire before it begins.
        AccountUnknown: the reader is an account that the tenant has not.
    """
    now = store.clock.now()
    if expires is not None and expires <= now:
        raise PolicyOver(expires)
    if reader.startswith(_ACCOUNT):
        account(store, tenant, user_name(reader.removeprefix(_ACCOUNT)))
    made = Policy(
        PolicyId(secrets.token_hex(8)), reader, checked_terms(terms), now, by, expires, None
    )
    store.write(lambda connection: _put(connection, tenant, made))
    return made


def _put(connection: Connection, tenant: Tenant, made: Policy) -> None:
    text = msgspec.json.encode(made.terms).decode()
    connection.execute(
        insert(POLICIES).values(
            tenant=tenant.number,
            policy_id=made.policy,
            reader=made.reader,
            terms=text,
            created_us=made.created,
            created_by=made.created_by,
            expires_us=made.expires,
        )
    )
    about = f"{made.policy} for {made.reader}: {text}"
    append(connection, tenant, made.created, [Note(made.created_by, Act.POLICY_MADE, about)])


def revoke_policy(store: EventStore, tenant: Tenant, policy: PolicyId, by: Who) -> Policy:
    """Share no more under a policy, from the next answer on; what was seen was seen.

    Raises:
        PolicyUnknown: the tenant has none of that id.
    """
    now = store.clock.now()

    def write(connection: Connection) -> Policy:
        found = _policy(connection, tenant, policy)
        if found.revoked is not None:
            return found
        same = (POLICIES.c.tenant == tenant.number) & (POLICIES.c.policy_id == policy)
        connection.execute(update(POLICIES).where(same).values(revoked_us=now))
        note = Note(by, Act.POLICY_REVOKED, f"{policy} for {found.reader}")
        append(connection, tenant, now, [note])
        return _policy(connection, tenant, policy)

    return store.write(write)


def policies(store: EventStore, tenant: Tenant) -> Sequence[Policy]:
    """Return every policy that a tenant ever had, by reader and time."""
    query = (
        select(POLICIES)
        .where(POLICIES.c.tenant == tenant.number)
        .order_by(POLICIES.c.reader, POLICIES.c.created_us, POLICIES.c.policy_id)
    )
    with store.reading() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def policies_for(
    store: EventStore, tenant: Tenant, readers: Sequence[Reader], now: Micros
) -> Sequence[Policy]:
    """Return the policies of a tenant that share something with any of some readers at a moment."""
    query = (
        select(POLICIES)
        .where(POLICIES.c.tenant == tenant.number, POLICIES.c.reader.in_(readers))
        .where(POLICIES.c.revoked_us.is_(None))
        .order_by(POLICIES.c.policy_id)
    )
    with store.reading() as connection:
        found = [_read(row) for row in connection.execute(query).mappings()]
    return [policy for policy in found if policy.is_in_force(now)]


def _policy(connection: Connection, tenant: Tenant, policy: PolicyId) -> Policy:
    query = select(POLICIES).where(
        POLICIES.c.tenant == tenant.number, POLICIES.c.policy_id == policy
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise PolicyUnknown(policy)
    return _read(row)


def _read(row: RowMapping) -> Policy:
    policy, expires, revoked = PolicyId(row["policy_id"]), row["expires_us"], row["revoked_us"]
    try:
        terms = msgspec.json.decode(row["terms"], type=Terms)
    except msgspec.DecodeError:
        raise PolicyMalformed(policy) from None
    return Policy(
        policy=policy,
        reader=Reader(row["reader"]),
        terms=terms,
        created=Micros(row["created_us"]),
        created_by=Who(row["created_by"]),
        expires=None if expires is None else Micros(expires),
        revoked=None if revoked is None else Micros(revoked),
    )
