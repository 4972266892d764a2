"""Subscriptions to named queries: who is told of new events, where, when, and up to where they are.

A subscription is a row with a cursor. Whoever delivers (`deliveries`) moves the cursor on once the
destination has taken a report, in one transaction: a node that is killed begins again at the last
report that was taken, so that a report may arrive twice, and none is lost. What a destination does
not take after many tries becomes a dead letter, which is kept until somebody looks after it.

The secret of a subscription is stored as it was given: the node needs it to sign. It is never
shown.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
)

from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.candidates import Index
from lodeline.node.events.destinations import (
    Destination,
    DestinationRules,
    check_literal,
    parse_destination,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros, micros
from lodeline.node.events.named import QueryName
from lodeline.node.events.parameters import Query, Window, read_definition
from lodeline.node.events.query_refusals import NamedQueryUnknown
from lodeline.node.events.schedules import Schedule, parse_schedule
from lodeline.node.events.schema import COUNTERS, NAMED_QUERIES, SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.subscription_refusals import (
    ReportingEmptyStream,
    SignatureTokenWrong,
    SubscriptionFieldWrong,
    SubscriptionQueryUnfit,
    SubscriptionsTooMany,
    SubscriptionTriggerWrong,
    SubscriptionUnknown,
)

__all__ = [
    "MAX_OF_ACCOUNT",
    "MAX_SUBSCRIPTIONS",
    "Controls",
    "SignatureToken",
    "SpellingName",
    "Subscription",
    "SubscriptionId",
    "SubscriptionState",
    "all_subscriptions",
    "check_subscribable",
    "first_place",
    "parse_controls",
    "parse_trigger",
    "read_subscription",
    "subscribe",
    "subscription",
    "subscriptions",
    "unsubscribe",
]

SubscriptionId = NewType("SubscriptionId", str)
"""Names a subscription: a random UUID."""
SignatureToken = NewType("SignatureToken", str)
"""Secret of whoever subscribed, by which reports are signed."""
SpellingName = NewType("SpellingName", str)
"""How identifiers are spelled in reports: a value of ``GS1-EPC-Format``; empty: as stored."""
MAX_SUBSCRIPTIONS: Final = 1_000
"""Subscriptions of one company."""
MAX_OF_ACCOUNT: Final = 200
"""Subscriptions that one account made, so that a partner's leaves room for others."""
_TOKEN_CHARS: Final = (16, 512)
_TOKEN: Final = re.compile(r"[!-~]+", re.ASCII)
_FIELDS: Final = frozenset(
    {"dest", "signatureToken", "initialRecordTime", "reportIfEmpty", "stream", "schedule"}
)


class SubscriptionState(StrEnum):
    """Whether a subscription delivers; the words are stored and never change."""

    ACTIVE = "active"
    STOPPED = "stopped"
    """Whoever made it may not read events any more."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What whoever subscribes says."""

    destination: Destination
    schedule: Schedule | None = None
    """When to report; nothing: at once, whenever there is something."""
    token: SignatureToken | None = None
    reports_empty: bool = False
    """Whether a schedule reports that there is nothing."""
    since: Micros | None = None
    """Events that were recorded before are not reported; nothing: those before now."""
    spelling: SpellingName = SpellingName("")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription, and how far it has come."""

    tenant: Tenant
    subscription_id: SubscriptionId
    query_name: QueryName
    controls: Controls
    cursor: Seq
    """Everything up to here was taken."""
    next_due: Micros | None
    """Of a schedule, or of another try; nothing: as soon as there is something."""
    last_notified: Micros | None
    """When a report was taken last."""
    attempts: int
    """How often the next report was tried in vain."""
    state: SubscriptionState
    created: Micros
    created_by: Who


# ------------------------------------------------------------------ what is said


def parse_trigger(value: JsonObject) -> tuple[Schedule | None, bool]:
    """Return the schedule, nothing for a stream, and whether empty reports are wanted.

    Raises:
        SubscriptionFieldWrong: a part has not the form that it must have.
        SubscriptionTriggerWrong: there is neither a stream nor a schedule, or both.
        ReportingEmptyStream: a stream is to report that there is nothing.
        ScheduleFieldUnknown, ScheduleFieldWrong, ScheduleNever: the schedule cannot be.
    """
    stream, empty = value.get("stream", False), value.get("reportIfEmpty", False)
    for name, flag in (("stream", stream), ("reportIfEmpty", empty)):
        if not isinstance(flag, bool):
            raise SubscriptionFieldWrong(name)
    if stream and "schedule" in value:
        raise SubscriptionTriggerWrong("both")
    if not stream and "schedule" not in value:
        raise SubscriptionTriggerWrong("neither")
    if stream and empty:
        raise ReportingEmptyStream
    return None if stream else parse_schedule(value["schedule"]), bool(empty)


def parse_controls(
    value: JsonValue, rules: DestinationRules, spelling: SpellingName = SpellingName("")
) -> Controls:
    """Return what a request to subscribe says.

    Not checked: to which addresses the name of the destination resolves; that is done at each
    delivery, since it may change.

    Args:
        value: body of the request, as JSON.
        rules: which destinations the operator allows.
        spelling: that reports are to have.

    Raises:
        SubscriptionFieldWrong: an unknown part, or one of another form.
        SignatureTokenWrong: the secret cannot be one.
        TimeWrong, TimeWithoutZone: initialRecordTime is no moment.
        DestinationMalformed, DestinationForbidden, DestinationPlain: nothing is sent there.
        SubscriptionControlsException: as for `parse_trigger`.
    """
    if not isinstance(value, dict):
        raise SubscriptionFieldWrong("")
    for name in value:
        if name not in _FIELDS:
            raise SubscriptionFieldWrong(name[:64])
    dest, since = value.get("dest"), value.get("initialRecordTime")
    if not isinstance(dest, str):
        raise SubscriptionFieldWrong("dest")
    if not (since is None or isinstance(since, str)):
        raise SubscriptionFieldWrong("initialRecordTime")
    token = _token(value.get("signatureToken"))
    moment = None if since is None else micros("initialRecordTime", since)
    schedule, reports_empty = parse_trigger(value)
    destination = parse_destination(dest)
    check_literal(destination, rules)
    return Controls(destination, schedule, token, reports_empty, moment, spelling)


def _token(value: JsonValue) -> SignatureToken | None:
    if value is None:
        return None
    least, most = _TOKEN_CHARS
    if not isinstance(value, str) or not least <= len(value) <= most or not _TOKEN.fullmatch(value):
        raise SignatureTokenWrong(least, most)
    return SignatureToken(value)


# ------------------------------------------------------------------ rows


def subscribe(
    store: EventStore, tenant: Tenant, name: QueryName, controls: Controls, who: Who
) -> Subscription:
    """Keep a subscription to a named query, and return it; it is durable then.

    It reports what is captured from now on, or what was recorded since the moment that it says.

    Raises:
        NamedQueryUnknown: there is no such query.
        SubscriptionQueryUnfit: the query bounds or sorts its answer.
        SubscriptionsTooMany: the tenant, or the account, has as many as it can.
        StoreUnreachable: nothing was written.
    """
    now = store.clock.now()
    due = None if controls.schedule is None else controls.schedule.next_after(now)

    def work(connection: Connection) -> Subscription:
        _check_query(connection, tenant, name)
        _check_room(connection, tenant, who)
        made = Subscription(
            tenant,
            SubscriptionId(str(uuid.uuid4())),
            name,
            controls,
            _start(connection, tenant, controls.since),
            due,
            None,
            0,
            SubscriptionState.ACTIVE,
            now,
            who,
        )
        connection.execute(insert(SUBSCRIPTIONS).values(_columns(made)))
        return made

    return store.write(work)


def subscriptions(
    store: EventStore,
    tenant: Tenant,
    name: QueryName,
    *,
    after: SubscriptionId = SubscriptionId(""),
    limit: int,
    of: Who | None = None,
) -> Sequence[Subscription]:
    """Return the subscriptions to a query, in the order of their ids.

    Args:
        store: where they are.
        tenant: whose query it is.
        name: of the query.
        after: the last one that is known already.
        limit: how many.
        of: only those that somebody made; nothing: everybody's.

    Raises:
        NamedQueryUnknown: there is no such query.
    """
    chosen = [SUBSCRIPTIONS.c.query_name == name, SUBSCRIPTIONS.c.subscription_id > after]
    if of is not None:
        chosen.append(SUBSCRIPTIONS.c.created_by == of)
    query = _rows(tenant, *chosen).order_by(SUBSCRIPTIONS.c.subscription_id).limit(limit)
    with store.reading() as connection:
        _query_text(connection, tenant, name)
        return [read_subscription(tenant, row) for row in connection.execute(query).mappings()]


def all_subscriptions(store: EventStore, tenant: Tenant) -> Sequence[Subscription]:
    """Return every subscription of a tenant, by query and id."""
    rows = SUBSCRIPTIONS.c
    query = _rows(tenant).order_by(rows.query_name, rows.subscription_id)
    with store.reading() as connection:
        return [read_subscription(tenant, row) for row in connection.execute(query).mappings()]


def subscription(
    store: EventStore,
    tenant: Tenant,
    name: QueryName,
    subscription_id: SubscriptionId,
    of: Who | None = None,
) -> Subscription:
    """Return one subscription to a query; somebody else's is not there where ``of`` is given.

    Raises:
        SubscriptionUnknown: there is none of that id.
    """
    with store.reading() as connection:
        query = _rows(tenant, _one(name, subscription_id, of))
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise SubscriptionUnknown(subscription_id[:64])
    return read_subscription(tenant, row)


def unsubscribe(
    store: EventStore,
    tenant: Tenant,
    name: QueryName,
    subscription_id: SubscriptionId,
    of: Who | None = None,
) -> None:
    """Forget a subscription; its dead letters stay.

    Raises:
        SubscriptionUnknown: there is none of that id.
        StoreUnreachable: nothing was written.
    """
    change = delete(SUBSCRIPTIONS).where(
        SUBSCRIPTIONS.c.tenant == tenant.number, _one(name, subscription_id, of)
    )
    if store.write(lambda connection: connection.execute(change).rowcount) == 0:
        raise SubscriptionUnknown(subscription_id[:64])


def _rows(tenant: Tenant, *chosen: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    return select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.tenant == tenant.number, *chosen)


def _one(name: QueryName, subscription_id: SubscriptionId, of: Who | None) -> ColumnElement[bool]:
    rows = SUBSCRIPTIONS.c
    chosen = and_(rows.query_name == name, rows.subscription_id == subscription_id)
    return chosen if of is None else and_(chosen, rows.created_by == of)


def _query_text(connection: Connection, tenant: Tenant, name: QueryName) -> str:
    query = select(NAMED_QUERIES.c.query).where(
        NAMED_QUERIES.c.tenant == tenant.number, NAMED_QUERIES.c.name == name
    )
    found = connection.execute(query).scalar()
    if found is None:
        raise NamedQueryUnknown(name)
    return str(found)


def _check_query(connection: Connection, tenant: Tenant, name: QueryName) -> None:
    check_subscribable(name, read_definition(_query_text(connection, tenant, name)))


def check_subscribable(name: QueryName, query: Query) -> None:
    """Return only if a query can be answered bit by bit.

    Raises:
        SubscriptionQueryUnfit: it bounds or sorts its answer.
    """
    if query.order is not None or query.limit is not None or query.most is not None:
        raise SubscriptionQueryUnfit(name)


def _check_room(connection: Connection, tenant: Tenant, who: Who) -> None:
    everybody = select(func.count()).where(SUBSCRIPTIONS.c.tenant == tenant.number)
    own = everybody.where(SUBSCRIPTIONS.c.created_by == who)
    for query, most in ((everybody, MAX_SUBSCRIPTIONS), (own, MAX_OF_ACCOUNT)):
        if connection.execute(query).scalar_one() >= most:
            raise SubscriptionsTooMany(most)


def _start(connection: Connection, tenant: Tenant, since: Micros | None) -> Seq:
    """The place after which everything is to be reported."""
    query = select(COUNTERS.c.value).where(COUNTERS.c.name == "events")
    last = Seq(connection.execute(query).scalar() or 0)
    if since is None:
        return last
    return min(_before(connection, tenant, since), last)


def first_place(store: EventStore, tenant: Tenant, since: Micros) -> Seq:
    """Return a place after which everything lies that was recorded since a moment."""
    with store.reading() as connection:
        return _before(connection, tenant, since)


def _before(connection: Connection, tenant: Tenant, since: Micros) -> Seq:
    return Index(connection, tenant).recorded_between(Window(since=since))[0]


# ------------------------------------------------------------------ how they are stored


def _columns(made: Subscription) -> dict[str, object]:
    return {
        "tenant": made.tenant.number,
        "subscription_id": made.subscription_id,
        "query_name": made.query_name,
        "controls": _stored(made.controls),
        "cursor_seq": made.cursor,
        "next_us": made.next_due,
        "last_us": made.last_notified,
        "attempts": made.attempts,
        "state": made.state.value,
        "created_us": made.created,
        "created_by": made.created_by,
    }


def _stored(controls: Controls) -> str:
    schedule = None if controls.schedule is None else dict(controls.schedule.texts)
    value = {
        "dest": controls.destination.url,
        "schedule": schedule,
        "token": controls.token,
        "reportIfEmpty": controls.reports_empty,
        "since": controls.since,
        "spelling": controls.spelling,
    }
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _controls(text: str) -> Controls:
    value = orjson.loads(text)
    schedule = value["schedule"]
    return Controls(
        parse_destination(value["dest"]),
        None if schedule is None else parse_schedule(schedule),
        value["token"],
        value["reportIfEmpty"],
        value["since"],
        SpellingName(value["spelling"]),
    )


def read_subscription(tenant: Tenant, row: RowMapping) -> Subscription:
    """Return the subscription that a row of `SUBSCRIPTIONS` is."""
    return Subscription(
        tenant,
        SubscriptionId(row["subscription_id"]),
        QueryName(row["query_name"]),
        _controls(row["controls"]),
        Seq(row["cursor_seq"]),
        row["next_us"],
        row["last_us"],
        row["attempts"],
        SubscriptionState(row["state"]),
        Micros(row["created_us"]),
        Who(row["created_by"]),
    )
