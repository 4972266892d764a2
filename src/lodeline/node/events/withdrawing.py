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
from lodeline.ledger.entries import entry_id
from lodeline.node.access.trail import Note, append
from lodeline.node.events.moments import Micros
from lodeline.node.events.outbox import ON_THE_WAY, RowState, Stage, leave, rows_within
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.schema import EVENT_STATES
from lodeline.node.events.states import EventState, Move, move_state, reason_of, state_of
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.trade_refusals import EventNotStopped, TradeHeld

__all__ = [
    "EntryOnItsWay",
    "EventNotWaiting",
    "EventWithdrawn",
    "keep",
    "retry",
    "state_now",
    "withdraw",
]


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
    fr: ClassVar[str] = (
        "l'événement {event} est à l'état « {state} » : aucune de ses écritures n'attend"
    )
    advice_en: ClassVar[str] = "what is on the ledger is declared wrong by an event"
    advice_fr: ClassVar[str] = "ce qui est au registre se déclare erroné par un événement"
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


def withdraw(store: EventStore, tenant: Tenant, event: Seq, note: Note | None = None) -> None:
    """Take an event back whose entries are proved and wait: it is held until a person says more.

    Its lots are freed by the next turn. The event does not go on by itself; `retry` begins it
    anew, `keep` leaves it aside.

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
        rows = [row.state for row in rows_within(connection, tenant, event)]
        if found is not EventState.PROVED or ON_THE_WAY.isdisjoint(rows):
            raise EventNotWaiting(event, found.value)
        if RowState.SENT in rows:
            raise EntryOnItsWay(event)
        leave(connection, tenant, event)
        move_state(connection, tenant, [event], move)
        _put(connection, tenant, move.when, note)

    store.write(work)


def retry(store: EventStore, tenant: Tenant, event: Seq, note: Note | None = None) -> None:
    """Begin an event anew that was refused, held or kept, after the mapping was put right say.

    Raises:
        EventUnknown: the tenant has no such event.
        EventNotStopped: it is on its way, or where it should be.
    """
    move = Move(EventState.RECEIVED, store.clock.now())

    def work(connection: Connection) -> None:
        if state_now(connection, tenant, event) is not EventState.KEPT:
            _check_stopped(connection, tenant, event)
        move_state(connection, tenant, [event], move)
        _put(connection, tenant, move.when, note)

    store.write(work)


def keep(store: EventStore, tenant: Tenant, event: Seq, note: Note | None = None) -> None:
    """Leave an event that was refused or held as it is: nothing more of it goes to the ledger.

    What was accepted stays accepted; where only its settlement failed, the event is on the ledger.

    Raises:
        EventUnknown: the tenant has no such event.
        EventNotStopped: it is on its way, or where it should be.
    """
    found, now = state_of(store, tenant, event), store.clock.now()

    def work(connection: Connection) -> None:
        _check_stopped(connection, tenant, event)
        accepted = [
            entry_id(row.request.entry).hex()
            for row in rows_within(connection, tenant, event)
            if row.state is RowState.DONE and row.stage is Stage.ACCEPT
        ]
        state = EventState.ON_LEDGER if accepted else EventState.KEPT
        reference = accepted[-1] if accepted else None
        move_state(connection, tenant, [event], Move(state, now, found.reason, reference))
        _put(connection, tenant, now, note)

    store.write(work)


def _put(connection: Connection, tenant: Tenant, now: Micros, note: Note | None) -> None:
    """Write who decided so into the trail, where it is known: both or neither are there."""
    if note is not None:
        append(connection, tenant, now, [note])


def _check_stopped(connection: Connection, tenant: Tenant, event: Seq) -> None:
    found = state_now(connection, tenant, event)
    if found not in {EventState.REFUSED, EventState.HELD}:
        raise EventNotStopped(event, found.value)


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
