"""Disputes and how they end, for both sides of a delivery.

The receiver sees what each side says of the goods (`differences`) and decides (`decisions.decide`):
the sender's figures stand, his own do, the mean or an umpire's do, or the goods are declined. Lots
are accepted at the sender's figures and settled after that, with the signature of the sender, or of
the umpire alone; whether the ledger can settle so is seen before anything is accepted. Whatever was
decided, both sides' weights and assays stay in the receiver's vault.

The sender sees that an offer was not taken: its event is held again, and its goods are his.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import structs
from sqlalchemy import Connection

from lodeline.holder.records import OfferSide, OfferState, StoredOffer
from lodeline.kernel import cbor
from lodeline.kernel.ids import LotId, LotIdW
from lodeline.ledger.entries import EntryId, entry_id
from lodeline.node.events.decisions import Decision, Way, decide
from lodeline.node.events.goods_book import page_of, write_use
from lodeline.node.events.mapping import CompanyMapping
from lodeline.node.events.meaning import Receiving, meaning_of
from lodeline.node.events.outbox import RowState, mark, rows_within
from lodeline.node.events.pairing import Compared, compared
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.rules import History, event_of
from lodeline.node.events.states import EventState, Move, move_state, reason_of, states_of
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.terms import TermValue
from lodeline.node.events.trade_refusals import OfferDeclined, OfferWithdrawn
from lodeline.node.events.withdrawing import state_now
from lodeline.node.holding import Holding
from lodeline.node.trading import buyer_of

__all__ = [
    "Compared",
    "Decision",
    "Way",
    "decide",
    "differences",
    "event_of_offer",
    "note_offer",
    "take_untaken",
]

_KIND: Final = "offer-of-event"
_LOOKED: Final = "offers-looked-at"
_POSITION_BYTES: Final = 8
_HANDLED: Final = b""
_UNTAKEN: Final[Mapping[OfferState, type[OfferDeclined | OfferWithdrawn]]] = {
    OfferState.DECLINED: OfferDeclined,
    OfferState.WITHDRAWN: OfferWithdrawn,
}


class _Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    goods: str
    lot: LotIdW


class _OfferOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-offer-of-v1"):
    """Which event made an offer, and of which goods its lots are."""

    event: int
    given: tuple[_Given, ...]


def differences(
    own: Holding, store: EventStore, mapping: CompanyMapping, event: Seq
) -> tuple[tuple[str, Compared], ...]:
    """Return what sender and receiver say of each metal in what an event received.

    Nothing where the event is no receiving, or only one side says how much there is.

    Raises:
        EventUnknown: the holder has no such event.
        NotShippedYet: some of it is not offered.
        TradeRefused, …: what the event says cannot be understood.
    """
    tenant = store.tenant(own.member)
    found = store.events_after(tenant, Seq(event - 1), 1)
    if not found or found[0].seq != event:
        raise EventUnknown(str(event))
    history = History(store, tenant, found[0])
    meaning = meaning_of(mapping, event_of(found[0]), history.unpacked, history.spoken_of)
    return compared(own, meaning, event) if isinstance(meaning, Receiving) else ()


# ------------------------------------------------------------------ the sender's side


def note_offer(
    own: Holding, offer: EntryId, event: Seq, given: Sequence[tuple[TermValue, LotId]]
) -> None:
    """Remember which event makes an offer, and of which goods each of its lots is."""
    made = _OfferOf(event, tuple(_Given(goods, lot) for goods, lot in given))
    own.vault.put_note(_KIND, offer.hex(), cbor.encode_struct(made))


def event_of_offer(own: Holding, offer: StoredOffer) -> int | None:
    """Return the event that made an offer, unless the offer was not taken or no event made it."""
    data = own.vault.note(_KIND, offer.offer_id.hex())
    return None if data is None or data == _HANDLED else cbor.decode_struct(data, _OfferOf).event


def take_untaken(own: Holding, store: EventStore, tenant: Tenant) -> Sequence[Seq]:
    """Give goods back whose offer was declined or withdrawn; return the events that wait now.

    Done again after a crash, it changes nothing.

    Raises:
        StoreUnreachable: the store does not answer; the next turn tries again.
    """
    position = own.vault.position.to_bytes(_POSITION_BYTES, "big")
    if own.vault.note(_LOOKED, "") == position:
        return ()
    held = [seq for offer, made in _untaken(own) for seq in _take(own, store, tenant, offer, made)]
    own.vault.put_note(_LOOKED, "", position)
    return held


def _untaken(own: Holding) -> Iterator[tuple[StoredOffer, _OfferOf]]:
    for offer in own.vault.offers(OfferSide.MADE):
        if offer.state in _UNTAKEN:
            data = own.vault.note(_KIND, offer.offer_id.hex())
            if data is not None and data != _HANDLED:
                yield offer, cbor.decode_struct(data, _OfferOf)


def _take(
    own: Holding, store: EventStore, tenant: Tenant, offer: StoredOffer, made: _OfferOf
) -> Iterator[Seq]:
    """Give the goods of one offer back, and hold its event; it stays as it is if it is gone."""
    event = Seq(made.event)
    if states_of(store, tenant, [event]):  # retention may have removed it
        with own.vault.change():
            for goods in dict.fromkeys(each.goods for each in made.given):
                _give_back(own, TermValue(goods), made)
        if _hold(own, store, tenant, offer, made):
            yield event
    own.vault.put_note(_KIND, offer.offer_id.hex(), _HANDLED)


def _give_back(own: Holding, goods: TermValue, made: _OfferOf) -> None:
    """Write that nothing of some goods went with an event, and that its lots stand for them."""
    for use in page_of(own, goods).uses:
        if use.event == made.event:
            lots = [LotId(each.lot) for each in made.given if each.goods == goods]
            every = tuple(dict.fromkeys([*use.lots, *lots]))
            write_use(own, goods, structs.replace(use, went=None, lots=every))


def _hold(
    own: Holding, store: EventStore, tenant: Tenant, offer: StoredOffer, made: _OfferOf
) -> bool:
    """Hold the event of an offer that was not taken; whether it was on the ledger until then."""
    why = _UNTAKEN[offer.state](made.given[0].goods, buyer_of(own, offer) or "–")
    move, event = Move(EventState.HELD, store.clock.now(), reason_of(why)), Seq(made.event)

    def work(connection: Connection) -> bool:
        for row in rows_within(connection, tenant, event):
            if entry_id(row.request.entry) == offer.offer_id:
                mark(connection, row, RowState.UNTAKEN, among={RowState.DONE})
        if state_now(connection, tenant, event) is not EventState.ON_LEDGER:
            return False
        move_state(connection, tenant, [event], move)
        return True

    return store.write(work)
