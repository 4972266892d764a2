"""An event that is on the ledger and was declared wrong: its step undone, or what is in the way.

The declaration has the entry that undoes it as its own, in the outbox like any other: a reversal
with the signatures of those who signed the step, or the withdrawal of an offer that nobody has
accepted. Where somebody undid or corrected the step by hand, there is nothing to be sent.

Then, in this order, and each again after a crash without changing anything: the vault lets the lots
that were given back stand for the goods that they are, and one transaction of the store gives the
declaration, the event and those that take its place their states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from lodeline.exchange.epcis.document import EventId
from lodeline.holder.records import OfferSide, OfferState, StoredOffer
from lodeline.kernel.ids import FormName, Hash32, LotId, MemberId, TransformId
from lodeline.ledger.descent import form_class_of, maker_of
from lodeline.ledger.entries import Entry, Offer, entry_id
from lodeline.ledger.records import Making as Made
from lodeline.ledger.tasks import carried_transform
from lodeline.node.events.corrections import corrected_by, correctives_of
from lodeline.node.events.declared_refusals import (
    CorrectedAsWrong,
    GoodsBought,
    GoodsMovedOn,
    GoodsSold,
    RightUsedSince,
    StandsByCorrection,
    UndoneAsWrong,
    WaitsForUndoing,
)
from lodeline.node.events.drafts import Draft
from lodeline.node.events.goods_book import goods_in, hand_over, page_of, take_back
from lodeline.node.events.meaning import Making, Meaning
from lodeline.node.events.moments import Micros
from lodeline.node.events.outbox import Row, RowState, Stage, rows_of
from lodeline.node.events.settling import event_of_offer, take_untaken
from lodeline.node.events.states import EventState, Move, move_state, reason_of, state_of
from lodeline.node.events.store import EventStore, Seq, StoredEvent, Tenant
from lodeline.node.events.trade_refusals import DeclaredTooLate, GoodsTwice
from lodeline.node.events.withdrawing import state_now
from lodeline.node.holding import Holding
from lodeline.node.requests import Request
from lodeline.node.trading import buyer_of, withdrawal
from lodeline.node.undoing import reversal_request
from lodeline.proofs.body import transform_id

__all__ = ["Undone", "put_right", "stand_by", "undoing_drafts", "wrong_one"]

_STANDING = frozenset({EventState.PROVED, EventState.ON_LEDGER})
_WAS_STANDING = frozenset({EventState.ON_LEDGER, EventState.HELD, EventState.KEPT})
"""Held, then kept, is the event of an offer from when the vault learns that it was withdrawn."""
_BACK = frozenset({OfferState.WITHDRAWN, OfferState.DECLINED, OfferState.LAPSED})


@dataclass(frozen=True)
class _Step:
    """What an event did, as one entry of it that is in the log."""

    transform: TransformId
    made: Made


@dataclass(frozen=True)
class Undone:
    """That an event was put right, and by what."""

    by: Hash32
    is_corrected: bool
    """By a correction, and not undone."""


def wrong_one(
    store: EventStore, tenant: Tenant, declaration: StoredEvent, member: MemberId
) -> StoredEvent | None:
    """Return the event that a declaration calls wrong and that is on the ledger.

    Raises:
        DeclaredTooLate: its entries are on their way; it is undone once they have arrived.
    """
    for each in store.events_of_id(tenant, declaration.event_id):
        state = EventState.KEPT
        if not each.is_declaration:
            state = state_of(store, tenant, each.seq).state
        if state is EventState.PROVED:
            raise DeclaredTooLate(declaration.event_id, member)
        if state is EventState.ON_LEDGER:
            return each
    return None


# ------------------------------------------------------------------ what undoes it


def undoing_drafts(
    own: Holding, store: EventStore, tenant: Tenant, wrong: StoredEvent
) -> list[Draft]:
    """Return the entries that undo an event; none where that was done already.

    Raises:
        GoodsMovedOn, RightUsedSince, GoodsSold, GoodsBought: it cannot be undone so.
        LotNotFree: something that it made is promised to another entry.
    """
    rows = rows_of(store, tenant, wrong.seq)
    if undone_by(own, rows, wrong.seq) is not None:
        return []
    if any(row.stage is Stage.ACCEPT for row in rows):
        raise GoodsBought(wrong.seq, _lots_of(own, wrong.seq)[-1])
    drafts: list[Draft] = []
    for row in _last_rows(rows):
        if isinstance(row.request.entry, Offer):
            drafts += _withdrawn(own, row.request.entry, wrong.seq)
        else:
            step = _step_of(own, row)
            _check_untouched(own, step, wrong.seq)
            drafts.append((Stage.UNDO, reversal_request(own, step.transform)))
    return drafts


def _last_rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the offers of an event, or its step; splits that came first stay."""
    done = [row for row in rows if row.state is RowState.DONE]
    offers = [row for row in done if isinstance(row.request.entry, Offer)]
    return offers or [row for row in done if row.stage is Stage.MAKE][-1:]


def _step_of(own: Holding, row: Row) -> _Step:
    entry = row.request.entry
    carried = carried_transform(entry)
    transform = None if carried is None else transform_id(carried.body)
    made = None if transform is None else own.session.state.makings.get(Hash32(transform))
    if transform is None or made is None:
        message = "a step that is undone is a transform in the log"
        raise TypeError(message)
    return _Step(transform, made)


def _offer(own: Holding, entry: Entry) -> StoredOffer | None:
    known = own.vault.offers(OfferSide.MADE)
    return next((each for each in known if each.offer_id == entry_id(entry)), None)


def _withdrawn(own: Holding, entry: Offer, event: Seq) -> Iterator[Draft]:
    """Yield the withdrawal of an offer that is open, for as long as it is.

    Raises:
        GoodsSold: the buyer has accepted it.
    """
    offer = _offer(own, entry)
    if offer is not None and offer.state is OfferState.ACCEPTED:
        raise GoodsSold(event, buyer_of(own, offer) or MemberId("–"))
    if offer is not None and offer.state is OfferState.OPEN:
        yield Stage.UNDO, Request(withdrawal(own, offer), (), (), ())


def _check_untouched(own: Holding, step: _Step, event: Seq) -> None:
    """Refuse a step of which something was used, sold or offered since.

    Raises:
        GoodsMovedOn, RightUsedSince: which.
    """
    state = own.session.state
    used = [
        lot for lot in step.made.outputs if lot in state.consumers or lot in state.reserved_lots
    ]
    rights = [lot for lot in used if _is_right(own, lot)]
    if len(rights) < len(used):
        by, holders = _whereabouts(own, event)
        raise GoodsMovedOn(event, by, holders, Hash32(step.transform))
    here = [lot for lot in step.made.outputs if not _is_right(own, lot)]
    if rights:
        right = state.lot(rights[0])
        form = FormName("–") if right is None else right.form
        raise RightUsedSince(event, form, (here or rights)[0], Hash32(step.transform))


def _is_right(own: Holding, lot: LotId) -> bool:
    return form_class_of(own.session.state, lot).is_right


def _whereabouts(own: Holding, wrong: Seq) -> tuple[int, tuple[MemberId, ...]]:
    """Return with which event goods went on, and who has what came of them, as far as known."""
    pages = dict(goods_in(own.vault))
    events, first = [int(wrong)], 0
    for event in events:
        for page in pages.values():
            places = [place for place, use in enumerate(page.uses) if use.event == event]
            if not places or not page.uses[places[0]].lots:
                continue
            later = [use.event for use in page.uses[places[0] + 1 :]]
            events += [each for each in later if each not in events]
            first = first or next(iter(later), 0)
    made = own.vault.offers(OfferSide.MADE)
    buyers = [buyer_of(own, each) for each in made if event_of_offer(own, each) in events]
    known = [buyer for buyer in dict.fromkeys(buyers) if buyer is not None]
    return first, tuple(known or [own.member])


def _lots_of(own: Holding, event: Seq) -> list[LotId]:
    uses = [use for _, page in goods_in(own.vault) for use in page.uses if use.event == event]
    return [LotId(lot) for use in uses for lot in use.lots]


# ------------------------------------------------------------------ that it is undone


def undone_by(own: Holding, rows: Sequence[Row], event: Seq) -> Undone | None:
    """Return what undid or corrected all that an event did; nothing while it stands."""
    found: Undone | None = None
    ends = [_end_of(own, row) for row in _last_rows(rows)]
    if any(row.stage is Stage.ACCEPT for row in rows):
        ends = [_end(maker_of(own.session.state, lot)[1]) for lot in _lots_of(own, event)]
    for found in ends:
        if found is None:
            return None
    return found


def _end_of(own: Holding, row: Row) -> Undone | None:
    if isinstance(row.request.entry, Offer):
        offer = _offer(own, row.request.entry)
        if offer is not None and offer.state in _BACK:
            return Undone(Hash32(offer.offer), is_corrected=False)
        if offer is None or offer.state is not OfferState.ACCEPTED:
            return None
    return _end(_step_of(own, row).made)


def _end(made: Made) -> Undone | None:
    if made.reversed_by is not None:
        return Undone(made.reversed_by, is_corrected=False)
    return Undone(made.corrections[-1], is_corrected=True) if made.corrections else None


def put_right(
    own: Holding, store: EventStore, tenant: Tenant, declaration: StoredEvent, now: Micros
) -> bool:
    """Give a declaration whose entries are in the log, and its event, their last states.

    Whether that is done now; not so where something of the event stands still.
    """
    same = store.events_of_id(tenant, declaration.event_id)
    for wrong in (each for each in same if not each.is_declaration):
        rows = rows_of(store, tenant, wrong.seq)
        end = undone_by(own, rows, wrong.seq)
        if end is None:
            return False
        if not end.is_corrected:
            _free_goods(own, store, tenant, wrong.seq, rows)
        _write_states(store, tenant, declaration, wrong.seq, end, now)
    return True


def _free_goods(
    own: Holding, store: EventStore, tenant: Tenant, event: Seq, rows: Sequence[Row]
) -> None:
    take_untaken(own, store, tenant)
    splits = [row.request.entry for row in rows if row.state is RowState.DONE]
    with own.vault.change():
        take_back(own, event, splits)


def _write_states(
    store: EventStore,
    tenant: Tenant,
    declaration: StoredEvent,
    wrong: Seq,
    end: Undone,
    now: Micros,
) -> None:
    kind = CorrectedAsWrong if end.is_corrected else UndoneAsWrong
    reason, reference = reason_of(kind(declaration.seq, end.by)), end.by.hex()
    waiting = [each.seq for each in correctives_of(store, tenant, declaration)]

    def work(connection: Connection) -> None:
        if state_now(connection, tenant, wrong) in _WAS_STANDING:
            refused = Move(EventState.REFUSED, now, reason, reference)
            move_state(connection, tenant, [wrong], refused)
        done = Move(EventState.ON_LEDGER, now, reference=reference)
        move_state(connection, tenant, [declaration.seq], done)
        for event in waiting:
            at = state_of(store, tenant, event)
            is_twice = at.reason is not None and at.reason.code == GoodsTwice.code
            if at.state is EventState.REFUSED and is_twice:
                move_state(connection, tenant, [event], Move(EventState.RECEIVED, now))

    store.write(work)


# ------------------------------------------------------------------ what comes in its place


def stand_by(
    own: Holding, store: EventStore, tenant: Tenant, event: StoredEvent, meaning: Meaning
) -> Move | None:
    """Return the last state of an event that a correction has put on the ledger already.

    Nothing where the event takes no other's place, or the place of one that was undone.

    Raises:
        WaitsForUndoing: the one in whose place it stands is on the ledger still.
    """
    for wrong in _replaced(own, store, tenant, event, meaning):
        at = state_of(store, tenant, wrong.seq)
        if at.state in _STANDING:
            raise WaitsForUndoing(wrong.seq)
        if at.reason is not None and at.reason.code == CorrectedAsWrong.code and at.reference:
            step = Hash32(bytes.fromhex(at.reference))
            made = meaning.made if isinstance(meaning, Making) else ()
            came = {measured.goods.key: measured.goods.amount for measured in made}
            hand_over(own, wrong.seq, event.seq, came)
            reason = reason_of(StandsByCorrection(wrong.seq, step))
            return Move(EventState.ON_LEDGER, store.clock.now(), reason, at.reference)
    return None


def _replaced(
    own: Holding, store: EventStore, tenant: Tenant, event: StoredEvent, meaning: Meaning
) -> Iterator[StoredEvent]:
    """Yield the events in whose place one stands: a declaration says so, or it makes their goods.

    Only those that were declared wrong.
    """
    for name in sorted(corrected_by(store, tenant, [event.event_id])):
        same = store.events_of_id(tenant, EventId(name))
        yield from (each for each in same if not each.is_declaration)
    for measured in meaning.made if isinstance(meaning, Making) else ():
        origin = page_of(own, measured.goods.key).origin
        if origin is None or origin.event in {0, event.seq}:
            continue
        for found in store.events_after(tenant, Seq(origin.event - 1), 1):
            same = store.events_of_id(tenant, found.event_id)
            if found.seq == origin.event and any(each.is_declaration for each in same):
                yield found
