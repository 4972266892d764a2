"""Reports on their way: what is due, what is sent, and what becomes of it.

1 a subscription is due when there are events after its cursor, or by its schedule; 2 what is new
and may be shown to whoever subscribed is sent in reports that are not too large; 3 it is in the
trail before it leaves; 4 the cursor moves on once a report was taken; 5 a report that was not taken
is sent again, later and later; 6 after the last try it becomes a dead letter and the next one has
its turn.

Everything that is remembered is in the store, so that any process may go on where another was
killed. Two that deliver at a time send twice what either sends once; neither loses anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NewType, Protocol

import orjson
from sqlalchemy import Connection, and_, insert, or_, select, update

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.exceptions import NoSuchResourceException, SecurityException
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.named import QueryName, named_query
from lodeline.node.events.news import Wanted, news
from lodeline.node.events.queries import Visible
from lodeline.node.events.query_refusals import NamedQueryUnknown
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.schema import COUNTERS, DEAD_LETTERS, SUBSCRIPTIONS, TENANTS
from lodeline.node.events.states import reason_of
from lodeline.node.events.store import (
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    TenantName,
    take_numbers,
)
from lodeline.node.events.subscription_refusals import DeliveryRefusal, DestinationAnswered
from lodeline.node.events.subscriptions import (
    SpellingName,
    Subscription,
    SubscriptionId,
    SubscriptionState,
    read_subscription,
)
from lodeline.node.events.webhooks import Message, Poster, ReportId

__all__ = [
    "MAX_ATTEMPTS",
    "MAX_REPORT_EVENTS",
    "Courier",
    "Desk",
    "Due",
    "Report",
    "ReportBody",
    "Turn",
    "bounded",
    "retry_seconds",
]

ReportBody = NewType("ReportBody", bytes)
"""A query document, or whatever else a report is, as it is sent."""
MAX_REPORT_EVENTS: Final = 100
MAX_REPORT_CHARS: Final = 1_000_000
"""Of the events in a report, unless one alone has more."""
MAX_ATTEMPTS: Final = 16
"""Tries of a report that may yet be taken: about nine hours."""
_MAX_REFUSED: Final = 4
"""Tries of a report that the destination refuses, or that must not be sent there."""
_TURN: Final = 20
"""Reports of one subscription before others have their turn."""
_TURN_SECONDS: Final = 20
"""After which others have their turn too, once the report that is under way is done with."""
_LAG: Final = 10_000
"""Places without anything to tell after which the cursor is written all the same."""
_POSTPONED_SECONDS: Final = 60
_FIRST_WAIT: Final = 2
_LONGEST_WAIT: Final = 3_600
_SECOND: Final = 1_000_000
_TOO_LARGE: Final = 413


@dataclass(frozen=True, slots=True)
class Report:
    """What is told at once."""

    query_name: QueryName
    subscription_id: SubscriptionId
    created: Micros
    spelling: SpellingName
    events: Sequence[StoredEvent]
    """Empty where there is nothing, and that is told."""


class Desk(Protocol):
    """What deliveries need of the rest of the node."""

    def visible(self, tenant: Tenant, who: Who) -> Visible:
        """Return what somebody may be told of at this moment.

        Raises:
            SecurityException, NoSuchResourceException: that somebody may read nothing any more.
        """

    def note(self, connection: Connection, tenant: Tenant, who: Who, report: Report) -> None:
        """Write into the trail, in a transaction, that somebody is told."""

    def document(self, report: Report) -> ReportBody:
        """Return a report as it is sent."""

    def headers(self, report: Report) -> dict[str, str]:
        """Return the headers that go with it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription whose turn it is."""

    tenant: Tenant
    subscription_id: SubscriptionId
    who: Who
    """Who made it, and so in whose share of the turns it has its own."""


@dataclass(frozen=True, slots=True)
class _Passed:
    """That there was nothing to tell between two places; true of that cursor alone."""

    cursor: Seq
    reached: Seq


class Turn(StrEnum):
    """What became of a turn."""

    NOTHING = "nothing"
    """There was nothing to tell, or nobody to tell it to."""
    TAKEN = "taken"
    WAITING = "waiting"
    """A report was not taken and is sent again."""
    BURIED = "buried"
    """A report became a dead letter."""
    POSTPONED = "postponed"
    """This node itself cannot tell at present."""
    STOPPED = "stopped"
    """Whoever subscribed may not read any more."""


def retry_seconds(attempts: int) -> int:
    """Return after how many seconds a report is sent again that was tried so often, from 1."""
    return int(min(_FIRST_WAIT * 2 ** (attempts - 1), _LONGEST_WAIT))


class Courier:
    """Delivers for all tenants of a store; several threads may share one.

    Args:
        store: events, subscriptions and their cursors.
        desk: who may see what, and what a report looks like.
        poster: sends reports.
    """

    def __init__(self, store: EventStore, desk: Desk, poster: Poster) -> None:
        self._store = store
        self._desk = desk
        self._poster = poster
        self._passed: dict[Due, _Passed] = {}

    def due(self) -> Sequence[Due]:
        """Return the subscriptions whose turn it is, those that have waited longest first."""
        rows, now = SUBSCRIPTIONS.c, self._store.clock.now()
        last = select(COUNTERS.c.value).where(COUNTERS.c.name == "events").scalar_subquery()
        is_due = or_(
            rows.next_us <= now,
            and_(rows.next_us.is_(None), rows.cursor_seq < last),
        )
        query = (
            select(
                TENANTS.c.number,
                TENANTS.c.name,
                rows.subscription_id,
                rows.created_by,
                rows.next_us,
                rows.cursor_seq,
                last.label("last"),
            )
            .join(TENANTS, TENANTS.c.number == rows.tenant)
            .where(rows.state == SubscriptionState.ACTIVE.value, is_due)
            .order_by(rows.next_us, rows.subscription_id)
        )
        with self._store.reading() as connection:
            found = connection.execute(query).all()
        keys = [
            (
                Due(Tenant(row.number, TenantName(row.name)), row.subscription_id, row.created_by),
                row,
            )
            for row in found
        ]
        return [
            key
            for key, row in keys
            if row.next_us is not None or self._after(key, Seq(row.cursor_seq)) < row.last
        ]

    def deliver(self, due: Due) -> Turn:
        """Give a subscription its turn.

        Raises:
            StoreUnreachable: the database does not answer; nothing is lost.
        """
        found = self._row(due)
        if found is None:
            self._passed.pop(due, None)
            return Turn.NOTHING
        try:
            visible = self._desk.visible(found.tenant, found.created_by)
            query = named_query(self._store, found.tenant, found.query_name).query
        except NamedQueryUnknown:
            return Turn.NOTHING
        except (SecurityException, NoSuchResourceException):
            self._update(found, state=SubscriptionState.STOPPED.value)
            return Turn.STOPPED
        except StoreUnreachable:
            raise
        except LodelineError:
            return self._postponed(found)
        return self._told(found, Wanted(query, visible, found.controls.since), due)

    def _postponed(self, current: Subscription) -> Turn:
        """Try later what this node itself cannot do now, such as read a policy; nothing is lost."""
        due = Micros(self._store.clock.now() + _POSTPONED_SECONDS * _SECOND)
        self._move(current, replace(current, next_due=due))
        return Turn.POSTPONED

    def _told(self, current: Subscription, wanted: Wanted, due: Due) -> Turn:
        """Tell everything that is new, a report after the other, until one is not taken."""
        until, turn, most = self._store.last_seq(), Turn.NOTHING, MAX_REPORT_EVENTS
        after, end = (
            self._after(due, current.cursor),
            self._store.clock.now() + _TURN_SECONDS * _SECOND,
        )
        for _ in range(_TURN):
            found = news(self._store, current.tenant, wanted, after, until, most)
            events = bounded(found.events)
            is_whole = found.is_whole and len(events) == len(found.events)
            reached = found.reached if len(events) == len(found.events) else events[-1].seq
            tells_nothing = is_whole and turn is Turn.NOTHING and current.controls.reports_empty
            if not events and not tells_nothing:
                self._pass(current, due, reached)
                return turn
            try:
                moved = self._send(current, events, reached, is_whole=is_whole)
            except DeliveryRefusal as refusal:
                if _is_too_large(refusal) and len(events) > 1:
                    most = max(1, len(events) // 2)
                    continue
                return self._failed(current, events, reached, refusal, is_whole=is_whole)
            if moved is None:
                return Turn.NOTHING
            current, after, turn = moved, moved.cursor, Turn.TAKEN
            if is_whole or self._store.clock.now() >= end:
                break
        return turn

    # ------------------------------------------------------------------ one report

    def _send(
        self,
        current: Subscription,
        events: Sequence[StoredEvent],
        reached: Seq,
        *,
        is_whole: bool,
    ) -> Subscription | None:
        """Send a report and move the cursor on; nothing if the subscription went meanwhile."""
        report = self._report(current, events)
        self._store.write(
            lambda connection: self._desk.note(
                connection, current.tenant, current.created_by, report
            )
        )
        self._poster.post(self._message(current, report))
        now = self._store.clock.now()
        due = self._next(current, now, is_whole=is_whole)
        moved = replace(current, cursor=reached, next_due=due, last_notified=now, attempts=0)
        return moved if self._move(current, moved) else None

    def _report(self, current: Subscription, events: Sequence[StoredEvent]) -> Report:
        now = self._store.clock.now()
        spelling = current.controls.spelling
        return Report(current.query_name, current.subscription_id, now, spelling, events)

    def _message(self, current: Subscription, report: Report) -> Message:
        return Message(
            _report_id(current, report),
            current.controls.destination,
            self._desk.document(report),
            report.created,
            current.controls.token,
            self._desk.headers(report),
        )

    def _failed(
        self,
        current: Subscription,
        events: Sequence[StoredEvent],
        reached: Seq,
        refusal: DeliveryRefusal,
        *,
        is_whole: bool,
    ) -> Turn:
        """Note that a report was not taken: it is sent again, or becomes a dead letter."""
        attempts, now = current.attempts + 1, self._store.clock.now()
        if attempts < (_MAX_REFUSED if _is_lasting(refusal) else MAX_ATTEMPTS):
            wait = max(retry_seconds(attempts), _wanted_wait(refusal))
            due = Micros(now + wait * _SECOND)
            self._move(current, replace(current, attempts=attempts, next_due=due))
            return Turn.WAITING
        due_next = self._next(current, now, is_whole=is_whole)
        moved = replace(current, cursor=reached, attempts=0, next_due=due_next)
        letter = {
            "tenant": current.tenant.number,
            "subscription_id": current.subscription_id,
            "created_us": now,
            "first_seq": events[0].seq if events else reached,
            "last_seq": events[-1].seq if events else reached,
            "attempts": attempts,
            "reason": orjson.dumps(reason_of(refusal)).decode(),
            "body": self._desk.document(self._report(current, events)).decode("utf-8"),
        }
        self._move(current, moved, letter)
        return Turn.BURIED

    def _next(self, current: Subscription, now: Micros, *, is_whole: bool) -> Micros | None:
        """When a subscription is due again: a schedule, once it has told everything."""
        schedule = current.controls.schedule
        if schedule is None:
            return None
        return schedule.next_after(now) if is_whole else now

    # ------------------------------------------------------------------ rows

    def _row(self, due: Due) -> Subscription | None:
        rows = SUBSCRIPTIONS.c
        query = select(SUBSCRIPTIONS).where(
            rows.tenant == due.tenant.number,
            rows.subscription_id == due.subscription_id,
            rows.state == SubscriptionState.ACTIVE.value,
        )
        with self._store.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        found = read_subscription(due.tenant, row)
        is_early = found.next_due is not None and found.next_due > self._store.clock.now()
        return None if is_early else found

    def _after(self, due: Due, cursor: Seq) -> Seq:
        """Where to go on: at the cursor, or behind what is known to hold nothing after it."""
        passed = self._passed.get(due)
        return cursor if passed is None or passed.cursor != cursor else passed.reached

    def _pass(self, current: Subscription, due: Due, reached: Seq) -> None:
        """Remember that there was nothing to tell; written seldom, since that may be often."""
        if current.next_due is None and reached - current.cursor < _LAG:
            self._passed[due] = _Passed(current.cursor, reached)
            return
        due_next = self._next(current, self._store.clock.now(), is_whole=True)
        self._move(current, replace(current, cursor=reached, next_due=due_next, attempts=0))

    def _move(
        self,
        current: Subscription,
        moved: Subscription,
        letter: dict[str, object] | None = None,
    ) -> bool:
        """Write how far a subscription has come, unless somebody else moved or removed it."""
        rows = SUBSCRIPTIONS.c
        change = (
            update(SUBSCRIPTIONS)
            .where(
                rows.tenant == current.tenant.number,
                rows.subscription_id == current.subscription_id,
                rows.cursor_seq == current.cursor,
                rows.attempts == current.attempts,
            )
            .values(
                cursor_seq=moved.cursor,
                next_us=moved.next_due,
                last_us=moved.last_notified,
                attempts=moved.attempts,
            )
        )

        def work(connection: Connection) -> bool:
            if connection.execute(change).rowcount == 0:
                return False
            if letter is not None:
                (number,) = take_numbers(connection, "dead-letters", 1)
                connection.execute(insert(DEAD_LETTERS).values(number=number, **letter))
            return True

        return self._store.write(work)

    def _update(self, current: Subscription, **values: object) -> None:
        rows = SUBSCRIPTIONS.c
        change = (
            update(SUBSCRIPTIONS)
            .where(
                rows.tenant == current.tenant.number,
                rows.subscription_id == current.subscription_id,
            )
            .values(values)
        )
        self._store.write(lambda connection: connection.execute(change))


def _report_id(current: Subscription, report: Report) -> ReportId:
    """Name a report: the same events again have the same name; an empty one has its moment's."""
    if not report.events:
        return ReportId(f"{current.subscription_id}:empty:{current.next_due}")
    first, last = report.events[0].seq, report.events[-1].seq
    return ReportId(f"{current.subscription_id}:{first}-{last}")


def bounded(events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """Return the first events that fit into a report; at least one, if there is one."""
    size = 0
    for count, event in enumerate(events):
        size += len(event.body)
        if size > MAX_REPORT_CHARS and count:
            return events[:count]
    return events


def _is_too_large(refusal: DeliveryRefusal) -> bool:
    return isinstance(refusal, DestinationAnswered) and refusal.answer == _TOO_LARGE


def _is_lasting(refusal: DeliveryRefusal) -> bool:
    if isinstance(refusal, DestinationAnswered):
        return refusal.is_refusal
    return refusal.is_lasting


def _wanted_wait(refusal: DeliveryRefusal) -> int:
    return refusal.wait if isinstance(refusal, DestinationAnswered) else 0
