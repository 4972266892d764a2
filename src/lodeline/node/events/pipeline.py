"""From event to ledger: each event once, in the order of capture, whatever breaks on the way.

1 an event is received; 2 the mapping says what it means, the rules of the trade whether it can be;
3 its entries are proved, kept in the outbox and the event is proved, in one transaction; 4 lots are
promised to the entries, others sign; 5 the entries are sent, in order; 6 the event is on the
ledger when its last entry is in the log.

Killed between any two of these, the next turn goes on: before 3 nothing was promised or sent, and
the event is begun anew; after 3 the very same entries are sent again, and an entry that is in the
log already counts as sent, because the ledger takes an entry once. While the ledger is away, events
are captured and proved as far as their lots are there, and what is proved waits.

An event that is given up – the ledger refused it, or a person withdrew it – gets its last state and
its rows are *leaving*, in one transaction; then the vault frees its lots. Killed in between, the
next turn frees them before it does anything else.

One worker for each tenant; the vault and the ledger of an embedded workspace have one writer.
Should two be at one event all the same, one of them brings its entries into the outbox, the other
none.

A declaration of error goes the same way: its entries undo what it calls wrong (`reversing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from lodeline.custody.yaml_text import TableRefused
from lodeline.engine.refusals import EngineRefused
from lodeline.exchange.marked import FileRefused
from lodeline.holder.plan_refusals import (
    AssuranceTooSmall,
    ClaimNotAvailable,
    NotEnoughHeld,
    PlanRefused,
    RightTooSmall,
)
from lodeline.holder.sealed_rows import VaultBusy
from lodeline.holder.vault import LotNotFree
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.unit_errors import QuantityError
from lodeline.ledger.entries import Entry, EntryId, entry_id
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted
from lodeline.node.events.decisions import moment_of
from lodeline.node.events.drafts import (
    Draft,
    accept_drafts,
    make_drafts,
    offer_drafts,
    settle_drafts,
)
from lodeline.node.events.exceptions import ImplementationException
from lodeline.node.events.goods_book import give_back, take_back
from lodeline.node.events.mapping import CompanyMapping
from lodeline.node.events.meaning import (
    Keeping,
    Making,
    Meaning,
    Receiving,
    Shipping,
    meaning_of,
)
from lodeline.node.events.moments import Micros
from lodeline.node.events.outbox import (
    ON_THE_WAY,
    Row,
    RowState,
    Stage,
    events_leaving,
    leave,
    mark,
    put_rows,
    replace_request,
    rows_of,
    rows_within,
)
from lodeline.node.events.promising import in_log, is_embedded, promise
from lodeline.node.events.reversing import put_right, stand_by, undoing_drafts, wrong_one
from lodeline.node.events.rules import History, check_packing, event_of
from lodeline.node.events.schema import EVENT_STATES, EVENTS
from lodeline.node.events.settling import take_untaken
from lodeline.node.events.signing_round import Round
from lodeline.node.events.states import (
    EventState,
    Move,
    move_state,
    read_reason,
    reason_of,
    state_of,
    states_of,
)
from lodeline.node.events.store import (
    STORED_COLUMNS,
    EventStore,
    Seq,
    StoredEvent,
    Tenant,
    stored_event,
)
from lodeline.node.events.trade_refusals import (
    OfferDeclined,
    OfferWithdrawn,
    TradeRefused,
)
from lodeline.node.events.withdrawing import EventWithdrawn, state_now
from lodeline.node.holding import Holding
from lodeline.node.requests import Request, completed, missing, needs_consent

__all__ = ["Pipeline", "Turn"]

_BATCH: Final = 200
_FIRST_WAIT: Final = 1_000_000
_MOST_DOUBLINGS: Final = 6
_LONGEST_WAIT: Final = 60_000_000
"""Microseconds between two tries while the ledger is away."""
_UNFINISHED: Final = (
    EventState.RECEIVED,
    EventState.MAPPED,
    EventState.PROVED,
    EventState.HELD,
)
_GIVEN_UP: Final = frozenset({RowState.LEAVING, RowState.REFUSED})
_FOR_A_PERSON: Final = frozenset({EventWithdrawn.code, OfferDeclined.code, OfferWithdrawn.code})
"""Why events are held that do not go on by themselves."""
_NEVER: Final = (TradeRefused, PlanRefused, FileRefused, TableRefused, QuantityError)
"""Refusals that end an event; after any other, it is held for a person or a later event."""
_MAY_CHANGE: Final = (AssuranceTooSmall, ClaimNotAvailable, NotEnoughHeld, RightTooSmall)
"""Refusals of plans that a new right or another lot lifts."""
_OF_THE_NODE: Final = (EngineRefused, VaultBusy, ImplementationException)
"""Refusals that say nothing about an event: the turn ends, and the next one tries again."""


@dataclass
class Turn:
    """What one turn of the worker did."""

    moved: dict[EventState, int] = field(default_factory=dict)
    sent: int = 0
    is_reached: bool = True
    """False where the ledger could not be written."""
    troubles: list[LodelineError] = field(default_factory=list)
    """Why signatures could not be had; the entries wait on."""

    def count(self, state: EventState) -> None:
        """Count an event that came into a state."""
        self.moved[state] = self.moved.get(state, 0) + 1

    def add(self, other: Turn) -> None:
        """Count what another turn did too."""
        for state, count in other.moved.items():
            self.moved[state] = self.moved.get(state, 0) + count
        self.sent += other.sent
        self.is_reached = self.is_reached and other.is_reached
        self.troubles.extend(other.troubles)


@dataclass(frozen=True)
class Pipeline:
    """The way of one company's events to the ledger."""

    store: EventStore
    tenant: Tenant
    mapping: CompanyMapping
    round: Round
    folder: Path
    """Where documents that a mapping names would be looked for."""
    go_on: Callable[[], bool] = lambda: True
    """Whether to begin with another event, or to send another entry."""

    def turn(self, own: Holding) -> Turn:
        """Bring every event as far as it can go now.

        Raises:
            EngineRefused, VaultBusy, StoreUnreachable: the node's own trouble; what was done is
                done, and the next turn goes on from there.
        """
        turn = Turn()
        for seq in events_leaving(self.store, self.tenant):
            self._free(own, seq, turn)
        for _ in take_untaken(own, self.store, self.tenant):
            turn.count(EventState.HELD)
        kept: list[Seq] = []
        for event, state in takewhile(lambda _: self.go_on(), self._unfinished()):
            if state is EventState.PROVED:
                self._drain_event(own, event, turn)
            elif state is None:
                self._reconsider(own, event, turn)
            elif self._is_kept(own, event, turn):
                kept.append(event.seq)
            else:
                self._drain_event(own, event, turn)
            if len(kept) == _BATCH:
                self._keep(kept, turn)
        self._keep(kept, turn)
        return turn

    # -------------------------------------------------------------- from event to outbox

    def _unfinished(self) -> Iterator[tuple[StoredEvent, EventState | None]]:
        """Yield events that are not where they should be, in the order of capture, with states.

        What was proved while the ledger was away does not overtake an event of before, which was
        held because what it takes was promised to entries that were on their way. No state is that
        of an event which a person withdrew.
        """
        after = 0
        while True:
            query = (
                select(*STORED_COLUMNS, EVENT_STATES.c.state, EVENT_STATES.c.reason)
                .join(EVENT_STATES, EVENT_STATES.c.seq == EVENTS.c.seq)
                .where(EVENT_STATES.c.tenant == self.tenant.number)
                .where(EVENTS.c.tenant == self.tenant.number)
                .where(EVENT_STATES.c.state.in_([state.value for state in _UNFINISHED]))
                .where(EVENT_STATES.c.seq > after)
                .order_by(EVENT_STATES.c.seq)
                .limit(_BATCH)
            )
            with self.store.reading() as connection:
                rows = connection.execute(query).mappings().all()
            for row in rows:
                yield stored_event(row), None if _is_withdrawn(row) else EventState(row["state"])
            if len(rows) < _BATCH:
                return
            after = rows[-1]["seq"]

    def _is_kept(self, own: Holding, event: StoredEvent, turn: Turn) -> bool:
        """Bring an event into the outbox; whether there is nothing of it to be brought there."""
        try:
            if event.is_declaration:
                return self._is_nothing_wrong(own, event, turn)
            if self._is_declared_wrong(event):
                # A try that a crash ended may have said what it did to goods.
                self._take_back(own, event.seq, rows_of(self.store, self.tenant, event.seq))
                return True
            meaning = self._meaning(event)
            if isinstance(meaning, Keeping):
                return self._is_kept_in_silence(event, meaning, turn)
            self._enter(own, event, meaning, turn)
        except _OF_THE_NODE:
            raise
        except LodelineError as refused:
            self._refuse(event.seq, refused, turn)
        return False

    def _is_kept_in_silence(self, event: StoredEvent, meaning: Keeping, turn: Turn) -> bool:
        """Whether there is nothing to say; an event that nearly is a step is kept with why."""
        if meaning.why is None:
            return True
        move = Move(EventState.KEPT, self._now(), reason_of(meaning.why))
        self._move(event.seq, move, turn)
        return False

    def _keep(self, events: list[Seq], turn: Turn) -> None:
        """Move events together of which nothing goes to the ledger, and empty the list."""
        if events:
            moved, move = list(events), Move(EventState.KEPT, self._now())
            self.store.write(lambda connection: move_state(connection, self.tenant, moved, move))
            turn.moved[EventState.KEPT] = turn.moved.get(EventState.KEPT, 0) + len(moved)
            events.clear()

    def _enter(self, own: Holding, event: StoredEvent, meaning: Meaning, turn: Turn) -> None:
        """Prove the entries of an event and put them into the outbox."""
        if self._is_entered(own, event, turn):
            return
        instead = stand_by(own, self.store, self.tenant, event, meaning)
        if instead is not None:
            self._move(event.seq, instead, turn)
            return
        if state_of(self.store, self.tenant, event.seq).state is EventState.RECEIVED:
            self._move(event.seq, Move(EventState.MAPPED, self._now()), turn)
        rows = rows_of(self.store, self.tenant, event.seq)
        self._enqueue(own, event.seq, self._drafts(own, meaning, event), rows, turn)

    def _is_nothing_wrong(self, own: Holding, event: StoredEvent, turn: Turn) -> bool:
        """Undo what a declaration of error calls wrong; whether nothing of it is on the ledger."""
        wrong = wrong_one(self.store, self.tenant, event, own.member)
        if wrong is None:
            return True
        if not self._is_entered(own, event, turn):
            rows = rows_of(self.store, self.tenant, event.seq)
            drafts = undoing_drafts(own, self.store, self.tenant, wrong)
            if self._enqueue(own, event.seq, drafts, rows, turn):
                self._drain_event(own, event, turn)
        return False

    def _is_entered(self, own: Holding, event: StoredEvent, turn: Turn) -> bool:
        """Whether an event is in the log after all, or was held after its entries were there."""
        if self._free(own, event.seq, turn):
            return True
        rows = rows_of(self.store, self.tenant, event.seq)
        is_sent = bool(rows) and rows[-1].state is RowState.DONE
        if is_sent:
            self._finish(own, event, turn)
        return is_sent

    def _reconsider(self, own: Holding, event: StoredEvent, turn: Turn) -> None:
        """Look at a withdrawn event: was it declared wrong since, or is it in the log after all."""
        if self._free(own, event.seq, turn):
            self._drain_event(own, event, turn)
        elif self._is_declared_wrong(event):
            self._keep([event.seq], turn)

    def _meaning(self, event: StoredEvent) -> Meaning:
        value = event_of(event)
        history = History(self.store, self.tenant, event)
        check_packing(self.mapping, value, history)
        return meaning_of(self.mapping, value, history.unpacked, history.spoken_of)

    def _drafts(self, own: Holding, meaning: Meaning, event: StoredEvent) -> list[Draft]:
        at = moment_of(self.store, self.tenant, event)
        match meaning:
            case Making():
                return make_drafts(own, meaning, at, self.folder)
            case Shipping():
                return offer_drafts(own, meaning, at)
            case Receiving():
                return accept_drafts(own, meaning, at, self.folder)
            case Keeping():
                return []

    def _enqueue(
        self, own: Holding, event: Seq, drafts: list[Draft], before: Sequence[Row], turn: Turn
    ) -> bool:
        """Put proved entries into the outbox; from here on they are sent, whatever happens.

        Nothing happens where somebody else decided about the event meanwhile: it stopped, or has
        further rows than it had ``before``.
        """
        now = self._now()
        reference = entry_id(drafts[-1][1].entry).hex() if drafts else None
        move = Move(EventState.PROVED, now, reference=reference)

        def work(connection: Connection) -> bool:
            state = state_now(connection, self.tenant, event)
            rows = rows_within(connection, self.tenant, event)
            if state not in _UNFINISHED or len(rows) != len(before):
                return False
            put_rows(connection, self.tenant, event, drafts, now)
            move_state(connection, self.tenant, [event], move)
            return True

        if not self.store.write(work):
            if len(rows_of(self.store, self.tenant, event)) == len(before):
                self._take_back(own, event, before)
            return False
        turn.count(EventState.PROVED)
        return True

    def _is_declared_wrong(self, event: StoredEvent) -> bool:
        same = self.store.events_of_id(self.tenant, event.event_id)
        return any(each.is_declaration for each in same)

    # -------------------------------------------------------------- from outbox to ledger

    def _drain(self, own: Holding, rows: Sequence[Row], turn: Turn) -> None:
        """Send what waits, in order; an event's later entries wait for its earlier ones."""
        behind: set[Seq] = set()
        for row in takewhile(lambda _: self.go_on(), rows):
            if row.event not in behind and not self._send(own, row, turn):
                behind.add(row.event)

    def _send(self, own: Holding, row: Row, turn: Turn) -> bool:
        """Send one entry; return whether the next one of its event may go.

        Nothing overtakes an entry that the ledger could not be given.
        """
        if in_log(own, row):
            self._done(own, row, turn)
            return True
        if row.next > self._now():
            turn.is_reached = False
        try:
            promise(own, row.request.entry)
        except LotNotFree as refused:
            self._give_up(own, row, refused, turn)
            return False
        request = self._signed(own, row, turn)
        if request is None or not turn.is_reached:
            return False
        if not self.store.write(lambda connection: mark(connection, row, RowState.SENT)):
            return False  # withdrawn meanwhile; what was promised is freed by the next turn
        return self._hand_in(own, row, completed(own.session.state, request), turn)

    def _hand_in(self, own: Holding, row: Row, entry: Entry, turn: Turn) -> bool:
        """Give an entry to the ledger; return whether it is in the log."""
        try:
            own.session.submit(entry)
        except EntryAlreadyAccepted:
            if not in_log(own, row):
                self._wait(own, row, turn)  # somebody says so, and the own copy does not have it
                return False
        except EngineRefused:
            self._wait(own, row, turn)
            return False
        except LodelineError as refused:
            self._give_up(own, row, refused, turn)
            return False
        self._done(own, row, turn)
        return True

    def _signed(self, own: Holding, row: Row, turn: Turn) -> Request | None:
        """Return an entry's request once everybody has signed it; what is in the way is told."""
        state, request = own.session.state, row.request
        if missing(state, request):
            try:
                request = self.round.signed(own, request)
            except LodelineError as refused:
                turn.troubles.append(refused)
                return None
            if request != row.request:
                self.store.write(lambda connection: replace_request(connection, row, request))
        return None if missing(state, request) or needs_consent(state, request) else request

    def _done(self, own: Holding, row: Row, turn: Turn) -> None:
        own.update()
        self.store.write(lambda connection: mark(connection, row, RowState.DONE))
        self.round.settled(row.request)
        turn.sent += 1

    def _wait(self, own: Holding, row: Row, turn: Turn) -> None:
        """Try a row again later, each time after a longer while.

        An embedded ledger that does not have an entry never will by itself; what was handed to
        validators may come into the log for as long as one of them has it.
        """
        turn.is_reached = False
        state = RowState.WAITING if is_embedded(own) and not in_log(own, row) else RowState.SENT
        wait = min(_FIRST_WAIT << min(row.attempts, _MOST_DOUBLINGS), _LONGEST_WAIT)
        later = Micros(self._now() + wait)
        self.store.write(lambda connection: mark(connection, row, state, later=later))

    # -------------------------------------------------------------- given up

    def _give_up(self, own: Holding, row: Row, refused: LodelineError, turn: Turn) -> None:
        """Take an event back that the ledger refused, with everything promised to it."""
        state = EventState.HELD if isinstance(refused, LotNotFree) else EventState.REFUSED
        move = Move(state, self._now(), reason_of(refused))

        def work(connection: Connection) -> bool:
            if state_now(connection, self.tenant, row.event) is not EventState.PROVED:
                return False
            leave(connection, self.tenant, row.event)
            move_state(connection, self.tenant, [row.event], move)
            return True

        if self.store.write(work):
            turn.count(state)
            self._free(own, row.event, turn)

    def _free(self, own: Holding, event: Seq, turn: Turn) -> bool:
        """Free the lots of what was given up of an event; done again, it changes nothing.

        If an entry of it is in the log after all, the event goes on where it stood; whether it is.
        """
        rows = rows_of(self.store, self.tenant, event)
        leaving = [row for row in rows if row.state is RowState.LEAVING]
        if leaving and not any(in_log(own, row) for row in leaving):
            entries = [entry_id(row.request.entry) for row in leaving]
            with own.vault.change():
                for entry in entries:
                    own.vault.release(entry)
                self._take_back(own, event, rows, entries)
            for row in leaving:
                self.round.settled(row.request)
            self._mark(leaving, RowState.REFUSED)
            rows = rows_of(self.store, self.tenant, event)
        return self._is_back(own, event, rows, turn)

    def _take_back(
        self, own: Holding, event: Seq, rows: Sequence[Row], given_up: Sequence[EntryId] = ()
    ) -> None:
        """Take back what an event did to goods, but for goods that were bought: they arrived."""
        done = [row for row in rows if row.state is RowState.DONE]
        if not any(row.stage is Stage.ACCEPT for row in done):
            take_back(own, event, [row.request.entry for row in done], given_up)

    def _mark(self, rows: Sequence[Row], state: RowState) -> None:
        def work(connection: Connection) -> None:
            for row in rows:
                mark(connection, row, state, among=_GIVEN_UP)

        self.store.write(work)

    def _is_back(self, own: Holding, event: Seq, rows: Sequence[Row], turn: Turn) -> bool:
        """Let an event go on of which an entry that was given up is in the log after all.

        Signers who have a request may send it themselves.
        """
        back = [row for row in rows if row.state in _GIVEN_UP and in_log(own, row)]
        if not back or not states_of(self.store, self.tenant, [event]):  # it may be forgotten
            return False
        for row in back:
            give_back(own, entry_id(row.request.entry))
        own.update()
        reference = entry_id(back[-1].request.entry).hex()
        move = Move(EventState.PROVED, self._now(), reference=reference)

        def work(connection: Connection) -> None:
            for row in rows:
                if row in back:
                    mark(connection, row, RowState.DONE, among=_GIVEN_UP)
                elif row.state is RowState.LEAVING:
                    mark(connection, row, RowState.WAITING, among=_GIVEN_UP)
            move_state(connection, self.tenant, [event], move)

        self.store.write(work)
        turn.count(EventState.PROVED)
        return True

    # -------------------------------------------------------------- in the log

    def _finish(self, own: Holding, event: StoredEvent, turn: Turn) -> None:
        """Give an event whose entries are all in the log its last state, or its next entries."""
        rows = rows_of(self.store, self.tenant, event.seq)
        if any(row.state in ON_THE_WAY for row in rows):
            return
        if event.is_declaration:
            if put_right(own, self.store, self.tenant, event, self._now()):
                turn.count(EventState.ON_LEDGER)
            return
        if any(row.stage is Stage.ACCEPT for row in rows) and not _is_settled(rows):
            try:
                drafts = self._settlements(own, event)
            except _OF_THE_NODE:
                raise
            except LodelineError as refused:
                self._hold(event.seq, refused, turn)
                return
            if drafts:
                if self._enqueue(own, event.seq, drafts, rows, turn):
                    self._drain_event(own, event, turn)
                return
        reference = entry_id(rows[-1].request.entry).hex() if rows else None
        self._move(event.seq, Move(EventState.ON_LEDGER, self._now(), reference=reference), turn)

    def _settlements(self, own: Holding, event: StoredEvent) -> list[Draft]:
        meaning = self._meaning(event)
        if not isinstance(meaning, Receiving):
            return []
        at = moment_of(self.store, self.tenant, event)
        return settle_drafts(own, meaning, at, self.folder)

    def _drain_event(self, own: Holding, event: StoredEvent, turn: Turn) -> None:
        """Send the entries of one event, and finish it where all of them are in the log."""
        rows = rows_of(self.store, self.tenant, event.seq)
        self._drain(own, [row for row in rows if row.state in ON_THE_WAY], turn)
        if state_of(self.store, self.tenant, event.seq).state is EventState.PROVED:
            self._finish(own, event, turn)

    # -------------------------------------------------------------- states

    def _refuse(self, event: Seq, refused: LodelineError, turn: Turn) -> None:
        if isinstance(refused, _NEVER) and not isinstance(refused, _MAY_CHANGE):
            self._move(event, Move(EventState.REFUSED, self._now(), reason_of(refused)), turn)
        else:
            self._hold(event, refused, turn)

    def _hold(self, event: Seq, refused: LodelineError, turn: Turn) -> None:
        """Hold an event, unless it is held for the same reason already."""
        reason = reason_of(refused)
        known = state_of(self.store, self.tenant, event)
        if known.state is not EventState.HELD or known.reason != reason:
            self._move(event, Move(EventState.HELD, self._now(), reason), turn)

    def _move(self, event: Seq, move: Move, turn: Turn) -> None:
        """Move an event on, unless a person left it aside meanwhile."""

        def work(connection: Connection) -> bool:
            if state_now(connection, self.tenant, event) not in _UNFINISHED:
                return False
            move_state(connection, self.tenant, [event], move)
            return True

        if self.store.write(work):
            turn.count(move.state)

    def _now(self) -> Micros:
        return self.store.clock.now()


def _is_settled(rows: Sequence[Row]) -> bool:
    return any(row.stage is Stage.SETTLE and row.state is RowState.DONE for row in rows)


def _is_withdrawn(row: RowMapping) -> bool:
    reason = read_reason(row["reason"])
    held = row["state"] == EventState.HELD.value
    return held and reason is not None and reason.code in _FOR_A_PERSON
