"""The trail anchored again and again while a service runs, as `lodeline audit-trail anchor` does.

A round puts the head on the ledger and then remembers that it did. Killed between the two, the next
round finds the same head in the log, or hands in a later one: either way the trail is anchored, and
no head twice. While the ledger is away nothing is queued: the next round has a head that vouches
for more.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from lodeline.ledger.entries import entry_id
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted
from lodeline.node.access.anchoring import anchor_entry
from lodeline.node.access.schema import TRAIL, TRAIL_ANCHORS
from lodeline.node.access.trail import Head, head_of, remember, verify_trail
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.holding import Holding

__all__ = ["HOUR", "anchor_round", "is_due"]

HOUR: Final = 3_600 * 1_000_000
"""In microseconds."""


def is_due(store: EventStore, tenant: Tenant, hours: int) -> bool:
    """Return whether something of a trail has not been anchored for so long.

    Args:
        store: where the trail is.
        tenant: whose trail.
        hours: between two anchors, at least 1.
    """
    with store.reading() as connection:
        number, since = _last_anchor(connection, tenant)
        if head_of(connection, tenant).number <= number:
            return False
        if since is None:
            since = _beginning(connection, tenant)
    return store.clock.now() - since >= hours * HOUR


def anchor_round(own: Holding, store: EventStore, tenant: Tenant) -> Head | None:
    """Check the trail of a tenant, put its head on the ledger and remember that.

    Returns:
        The head; nothing where somebody says that it is in the log, and the own copy of that is
        not as far yet: the next round will tell.

    Raises:
        TrailBroken, TrailAnchorMissed, TrailUnreadable: the trail does not hold; nothing is sent.
        EngineRefused: the ledger cannot be written; nothing is remembered.
        LodelineError: the ledger refused it.
    """
    head = verify_trail(store, tenant)
    entry = anchor_entry(own, head)
    try:
        own.session.submit(entry)
    except EntryAlreadyAccepted:
        own.update()
        if entry_id(entry) not in own.session.state.entries:
            return None
    own.update()
    remember(store, tenant, head)
    return head


def _last_anchor(connection: Connection, tenant: Tenant) -> tuple[int, Micros | None]:
    """The last row that was anchored, and when; 0 and nothing where none was."""
    query = select(func.max(TRAIL_ANCHORS.c.number), func.max(TRAIL_ANCHORS.c.anchored_us)).where(
        TRAIL_ANCHORS.c.tenant == tenant.number
    )
    number, when = connection.execute(query).one()
    return (0, None) if number is None else (int(number), Micros(when))


def _beginning(connection: Connection, tenant: Tenant) -> Micros:
    query = select(TRAIL.c.moment_us).where(TRAIL.c.tenant == tenant.number, TRAIL.c.number == 1)
    return Micros(connection.execute(query).scalar_one())
