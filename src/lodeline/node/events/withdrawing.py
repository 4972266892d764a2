"""What a person decides about one event: take it back, begin it anew, leave it aside.

Each is a single transaction of the store that looks and then writes, so that neither ledger nor
vault has to be open, and a worker that is at the same event sees it or was before it. A worker says
that it hands an entry in before it does; from then on the event cannot be taken back.

What a withdrawn event was promised is freed at the beginning of the next turn, before anything else
is done. Should an entry of it be in the log by then all the same – a co-signer who has the request
may send it – the event is on the ledger, and says so.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Connection, select

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.outbox import ON_THE_WAY, RowState, leave, states_of_rows
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import EVENT_STATES
from lodeline.node.events.states import EventState, Move, move_state, reason_of
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.trade_refusals import TradeHeld

__all__ = ["EntryOnItsWay", "EventNotWaiting", "EventWithdrawn", "state_now", "withdraw"]


class EventWithdrawn(TradeHeld):
    """An event that a person took back while its entries waited."""

    code: ClassVar[str] = "event-withdrawn"
    en: ClassVar[str] = "event {event} was withdrawn before its entries went to the ledger"
    fr: ClassVar[str] = (
        "l'événement {event} a été retiré avant l'envoi de ses écritures au registre"
    )
    advice_en: ClassVar[str] = "begin it anew with `lodeline events retry`, or leave it aside"
    advice_fr: ClassVar[str] = "reprenez-le avec « lodeline events retry », ou laissez-le de côté"

    event: int


class EventNotWaiting(LodelineError):
    """An event of which nothing waits, and that somebody would take back."""

    code: ClassVar[str] = "event-not-waiting"
    en: ClassVar[str] = "event {event} is {state}: no entry of it waits"
    fr: ClassVar[str] = "l'événement {event} est {state} : aucune de ses écritures n'attend"
    advice_en: ClassVar[str] = "what is on the ledger is reversed with `lodeline reverse`"
    advice_fr: ClassVar[str] = "ce qui est au registre s'annule avec « lodeline reverse »"
    status: ClassVar[int] = 409

    event: int
    state: str


class EntryOnItsWay(LodelineError):
    """An event that somebody would take back after an entry of it was handed in."""

    code: ClassVar[str] = "event-entry-on-its-way"
    en: ClassVar[str] = "an entry of event {event} was handed in and may be in the log before long"
    fr: ClassVar[str] = (
        "une écriture de l'événement {event} a été remise et sera peut-être bientôt au journal"
    )
    advice_en: ClassVar[str] = "wait until it is on the ledger or refused; then reverse the step"
    advice_fr: ClassVar[str] = "attendez qu'elle soit inscrite ou refusée ; puis annulez l'étape"
    status: ClassVar[int] = 409

    event: int


def withdraw(store: EventStore, tenant: Tenant, event: Seq) -> None:
    """Take an event back whose entries are proved and wait: it is held until a person says more.

    Its lots are freed by the next turn. The event does not go on by itself; `pipeline.retry` begins
    it anew, `pipeline.keep` leaves it aside.

    Not checked: whether signers who were given the request send it themselves; if they do, the
    event is on the ledger after all, as its state then says.

    Raises:
        EventUnknown: the tenant has no such event.
        EventNotWaiting: nothing of it waits to be sent.
        EntryOnItsWay: an entry was handed in, and nobody knows yet that it did not arrive.
    """
    move = Move(EventState.HELD, store.clock.now(), reason_of(EventWithdrawn(event)))

    def work(connection: Connection) -> None:
        found = state_now(connection, tenant, event)
        rows = [each for each in states_of_rows(connection, tenant, event) if each in ON_THE_WAY]
        if found is not EventState.PROVED or not rows:
            raise EventNotWaiting(event, found.value)
        if RowState.SENT in rows:
            raise EntryOnItsWay(event)
        leave(connection, tenant, event)
        move_state(connection, tenant, [event], move)

    store.write(work)


def state_now(connection: Connection, tenant: Tenant, event: Seq) -> EventState:
    """Return the state of an event within a transaction.

    Raises:
        EventUnknown: the tenant has no such event.
    """
    found = connection.execute(
        select(EVENT_STATES.c.state).where(
            EVENT_STATES.c.tenant == tenant.number, EVENT_STATES.c.seq == event
        )
    ).scalar()
    if found is None:
        raise EventUnknown(str(event))
    return EventState(found)
