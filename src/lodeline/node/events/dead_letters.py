"""Reports that no destination took: kept, looked at, begun again or forgotten.

A dead letter holds the report as it was sent. Once its destination is well again, the subscription
begins again at that report: everything from there on is sent once more, also what was taken since,
under the same names, so that whoever keeps them takes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, cast

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, select, update

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import DEAD_LETTERS, SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.subscription_refusals import DeadLetterUnknown
from lodeline.node.events.subscriptions import SubscriptionId

__all__ = [
    "DeadLetter",
    "DeadLetterNumber",
    "all_dead_letters",
    "begin_again",
    "dead_letter",
    "dead_letters",
    "forget_dead_letter",
]

DeadLetterNumber = NewType("DeadLetterNumber", int)
"""Numbers the dead letters of a node, from 1."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A report that no destination took."""

    number: DeadLetterNumber
    subscription_id: SubscriptionId
    created: Micros
    first: Seq
    last: Seq
    attempts: int
    reason: JsonObject
    """Why it was not taken at last: the code of the refusal, and the refusal in words."""
    body: str


def dead_letters(
    store: EventStore,
    tenant: Tenant,
    subscription_id: SubscriptionId,
    *,
    after: DeadLetterNumber = DeadLetterNumber(0),
    limit: int,
) -> Sequence[DeadLetter]:
    """Return the reports of a subscription that were not taken, by number, after one of them."""
    rows = DEAD_LETTERS.c
    query = (
        select(DEAD_LETTERS)
        .where(
            rows.tenant == tenant.number,
            rows.subscription_id == subscription_id,
            rows.number > after,
        )
        .order_by(rows.number)
        .limit(limit)
    )
    with store.reading() as connection:
        return [_letter(row) for row in connection.execute(query).mappings()]


def all_dead_letters(store: EventStore, tenant: Tenant, limit: int) -> Sequence[DeadLetter]:
    """Return the first reports of a tenant that were not taken, by number."""
    query = select(DEAD_LETTERS).where(DEAD_LETTERS.c.tenant == tenant.number)
    with store.reading() as connection:
        rows = connection.execute(query.order_by(DEAD_LETTERS.c.number).limit(limit))
        return [_letter(row) for row in rows.mappings()]


def dead_letter(store: EventStore, tenant: Tenant, number: DeadLetterNumber) -> DeadLetter:
    """Return a report that was not taken, whichever subscription it is of.

    Raises:
        DeadLetterUnknown: the tenant has none of that number.
    """
    rows = DEAD_LETTERS.c
    query = select(DEAD_LETTERS).where(rows.tenant == tenant.number, rows.number == number)
    with store.reading() as connection:
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise DeadLetterUnknown(number)
    return _letter(row)


def begin_again(
    store: EventStore, tenant: Tenant, subscription_id: SubscriptionId, number: DeadLetterNumber
) -> None:
    """Let a subscription begin again at a report that was not taken, at once.

    The dead letters from there on are forgotten: they are sent anew.

    Raises:
        DeadLetterUnknown: the subscription has none of that number.
        StoreUnreachable: nothing was written.
    """
    rows, letters = SUBSCRIPTIONS.c, DEAD_LETTERS.c

    def work(connection: Connection) -> None:
        query = select(letters.first_seq).where(_one(tenant, subscription_id, number))
        first = connection.execute(query).scalar()
        if first is None:
            raise DeadLetterUnknown(number)
        connection.execute(
            update(SUBSCRIPTIONS)
            .where(rows.tenant == tenant.number, rows.subscription_id == subscription_id)
            .where(rows.cursor_seq >= first)
            .values(cursor_seq=first - 1, attempts=0, next_us=store.clock.now())
        )
        connection.execute(
            delete(DEAD_LETTERS).where(
                letters.tenant == tenant.number,
                letters.subscription_id == subscription_id,
                letters.first_seq >= first,
            )
        )

    store.write(work)


def forget_dead_letter(
    store: EventStore, tenant: Tenant, subscription_id: SubscriptionId, number: DeadLetterNumber
) -> None:
    """Forget a report that was not taken.

    Raises:
        DeadLetterUnknown: the subscription has none of that number.
        StoreUnreachable: nothing was written.
    """
    change = delete(DEAD_LETTERS).where(_one(tenant, subscription_id, number))
    if store.write(lambda connection: connection.execute(change).rowcount) == 0:
        raise DeadLetterUnknown(number)


def _one(
    tenant: Tenant, subscription_id: SubscriptionId, number: DeadLetterNumber
) -> ColumnElement[bool]:
    rows = DEAD_LETTERS.c
    return and_(
        rows.tenant == tenant.number,
        rows.subscription_id == subscription_id,
        rows.number == number,
    )


def _letter(row: RowMapping) -> DeadLetter:
    return DeadLetter(
        DeadLetterNumber(row["number"]),
        SubscriptionId(row["subscription_id"]),
        Micros(row["created_us"]),
        Seq(row["first_seq"]),
        Seq(row["last_seq"]),
        row["attempts"],
        cast(JsonObject, orjson.loads(row["reason"])),
        row["body"],
    )
