"""Which lots of the ledger the company's own lot numbers stand for, in the holder's vault.

A number of the company (a lot number, a serial number) stands for one lot or several: what was
split off stays under its number, and so does what a reversal gave back for a lot, or a correction
made of it. Writing is by event: the same event written again changes nothing,
so that a program that was killed between two writes may begin anew. Whether a lot is free is asked
of the vault, never remembered here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, cast

import msgspec
from msgspec import structs

from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import ElementAmount, InputPart, LotPart, LotPrefix
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.holder.vault import Vault
from lodeline.kernel import cbor
from lodeline.kernel.bounds import MAX_AMOUNT
from lodeline.kernel.ids import ElementSymbol, Hash32, LotId, LotIdW
from lodeline.kernel.units import Milligrams
from lodeline.ledger.descent import in_its_place
from lodeline.ledger.entries import Entry, EntryId
from lodeline.ledger.tasks import carried_transform
from lodeline.node.events.decisions import Moment
from lodeline.node.events.meaning import Counted, Goods
from lodeline.node.events.moments import Micros, moment_text
from lodeline.node.events.store import Seq
from lodeline.node.events.terms import TermValue, term_value
from lodeline.node.events.trade_refusals import (
    GoodsGone,
    GoodsTwice,
    LotAway,
    LotNeverReceived,
    MorePiecesThanThere,
    MoreUsedThanThere,
    UsedBeforeThere,
)
from lodeline.node.holding import Holding
from lodeline.proofs.body import transform_id

__all__ = [
    "Memo",
    "Page",
    "ReadMemo",
    "Usage",
    "Use",
    "check_new",
    "check_there",
    "give_back",
    "goods_in",
    "hand_over",
    "inputs_of",
    "page_of",
    "read_memo",
    "take_back",
    "use_of",
    "write_use",
]

CountedW = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
"""Milligrams or pieces, on the wire."""
_KIND: Final = "goods"
_TAKEN: Final = "goods-taken-back"
_TRIES: Final = 0
"""In place of an event: what is left of tries that failed, whoever tries again."""
_MEMO: Final = "goods "
_BETWEEN: Final = " | "
_MOST_DIGITS: Final = 16


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one event did to goods."""

    event: int
    """Its place in the order of capture."""
    came: CountedW | None = None
    """What came into being or arrived: milligrams as weighed, or pieces."""
    went: CountedW | None = None
    lots: tuple[LotIdW, ...] = ()
    """Lots of the ledger that stand for the goods since then."""
    when: int | None = None
    """When they came: microseconds since 1970."""


class _UsageV1(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    event: int
    came: CountedW | None = None
    went: CountedW | None = None
    lots: tuple[LotIdW, ...] = ()


class _PageV1(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-goods-v1"):
    """A page as it was written before it said when goods came."""

    uses: tuple[_UsageV1, ...] = ()


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-goods-v2"):
    """Everything that is known of goods under one number."""

    uses: tuple[Usage, ...] = ()

    @property
    def origin(self) -> Usage | None:
        """Return the first event by which there was any of it."""
        return next((use for use in self.uses if use.lots or use.came is not None), None)

    @property
    def taking(self) -> Usage | None:
        """Return the last event with which some of it went and after which nothing of it stayed."""
        last = self.uses[-1] if self.uses else None
        return None if last is None or last.came is not None or last.lots else last

    @property
    def left(self) -> Counted | None:
        """Return how much is left, as weighed or counted; nothing where it was never said."""
        came = [use.came for use in self.uses if use.came is not None]
        went = sum(use.went or 0 for use in self.uses)
        return Counted(max(0, sum(came) - went)) if came else None

    def free(self, own: Holding) -> tuple[HeldLot, ...]:
        """Return the lots of it that can be used now."""
        return tuple(lot for lot in self._held(own) if lot.status is LotStatus.UNSPENT)

    def is_promised(self, own: Holding) -> bool:
        """Whether any lot of it is promised to an entry that is not in the log yet."""
        entries = own.session.state.entries
        return any(
            lot.reserved_for is not None and EntryId(Hash32(lot.reserved_for)) not in entries
            for lot in self._held(own)
            if lot.status is LotStatus.RESERVED
        )

    def descendants(self, own: Holding, entries: Collection[Entry]) -> tuple[LotId, ...]:
        """Return own lots that some entries, in their order, made of lots of it."""
        of_it = {lot.lot_id for lot in self._held(own)}
        found: list[LotId] = []
        for entry in entries:
            carried = carried_transform(entry)
            if carried is None or not any(LotId(one.lot) in of_it for one in carried.body.inputs):
                continue
            maker = Hash32(transform_id(carried.body))
            made = [lot.lot_id for lot in own.vault.lots() if lot.maker == maker]
            of_it.update(made)
            found += made
        return tuple(found)

    def _held(self, own: Holding) -> list[HeldLot]:
        state = own.session.state
        named = [LotId(lot) for use in self.uses for lot in use.lots]
        known = dict.fromkeys(after for lot in named for after in in_its_place(state, lot))
        return [own.vault.lot(lot) for lot in known if own.vault.holds(lot)]


class _Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    goods: str
    use: Usage


class _TakenBack(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-goods-taken-v1"
):
    uses: tuple[_Taken, ...]


@dataclass(frozen=True)
class Memo:
    """What the sender writes to the receiver beside a lot: which of his goods, shipped when."""

    goods: str
    shipped: Micros
    amount: Counted | None
    """How much of the goods went with this event; nothing: all of it."""

    def text(self, rest: str) -> str:
        """Return the memo; what the lot's memo said before goes on after it, if there is room."""
        amount = "" if self.amount is None else str(self.amount)
        head = _BETWEEN.join((f"{_MEMO}{self.goods}", moment_text(self.shipped), amount))
        return f"{head}{_BETWEEN}{rest}" if rest else head


@dataclass(frozen=True)
class ReadMemo:
    """What a receiver reads in a memo; the sender's word, checked by nobody."""

    goods: TermValue
    shipped: str
    amount: Counted | None


def read_memo(text: str) -> ReadMemo | None:
    """Return what a memo says; nothing where it is no memo of goods."""
    if not text.startswith(_MEMO):
        return None
    goods, shipped, amount, *_ = (*text.removeprefix(_MEMO).split(_BETWEEN), "", "")
    is_number = amount.isascii() and amount.isdigit() and len(amount) <= _MOST_DIGITS
    return ReadMemo(term_value(goods), shipped, Counted(int(amount)) if is_number else None)


def page_of(own: Holding, goods: TermValue) -> Page:
    """Return what is known of goods; an empty page where nothing is."""
    return page_in(own.vault, goods)


def page_in(vault: Vault, goods: TermValue) -> Page:
    """Return what a vault knows of goods; an empty page where that is nothing."""
    data = vault.note(_KIND, goods)
    return Page() if data is None else _read(data)


def _read(data: bytes) -> Page:
    page = cast(Page | _PageV1, cbor.decode_struct(data, Page | _PageV1))
    if isinstance(page, Page):
        return page
    return Page(tuple(Usage(use.event, use.came, use.went, use.lots) for use in page.uses))


def goods_in(vault: Vault) -> Iterator[tuple[TermValue, Page]]:
    """Yield everything that a vault knows of goods."""
    for goods, data in vault.notes(_KIND):
        yield TermValue(goods), _read(data)


def write_use(own: Holding, goods: TermValue, use: Usage) -> None:
    """Write what an event did to goods, over what it was said to do before."""
    page = page_of(own, goods)
    others = tuple(known for known in page.uses if known.event != use.event)
    _put(own, goods, structs.replace(page, uses=(*others, use)))


def take_back(
    own: Holding, event: Seq, done: Collection[Entry], given_up: Collection[EntryId] = ()
) -> None:
    """Take back what an event was said to do, since it did not happen.

    ``done`` are entries of it that are in the log all the same, such as a split before the step
    that was refused: the lots that they made stand for the goods from then on. What is taken back
    is remembered with the entries ``given_up``, see `give_back`.
    """
    taken: list[_Taken] = []
    for goods, data in own.vault.notes(_KIND):
        page = _read(data)
        uses = [use for use in page.uses if use.event == event]
        if not uses:
            continue
        taken += [_Taken(goods, use) for use in uses]
        kept = Page(tuple(use for use in page.uses if use.event != event))
        lots = kept.descendants(own, done)
        if lots:
            kept = Page((*kept.uses, Usage(_TRIES, lots=lots)))
        _put(own, TermValue(goods), kept)
    for entry in given_up if taken else ():
        own.vault.put_note(_TAKEN, entry.hex(), cbor.encode_struct(_TakenBack(tuple(taken))))


def give_back(own: Holding, entry: EntryId) -> None:
    """Write again what was taken back with an entry that came into the log after all."""
    data = own.vault.note(_TAKEN, entry.hex())
    for each in () if data is None else cbor.decode_struct(data, _TakenBack).uses:
        write_use(own, TermValue(each.goods), each.use)


def hand_over(
    own: Holding, wrong: Seq, event: Seq, came: Mapping[TermValue, Counted | None]
) -> None:
    """Let goods that came with a wrong event have come with the right one, as much as that says.

    ``came``: how much of each goods, where the right event says so. Done again, it changes nothing.
    """
    for goods, page in list(goods_in(own.vault)):
        if any(use.event == wrong for use in page.uses):
            uses = tuple(_handed(use, wrong, event, came.get(goods, use.came)) for use in page.uses)
            _put(own, goods, Page(uses))


def _handed(use: Usage, wrong: Seq, event: Seq, came: int | None) -> Usage:
    return structs.replace(use, event=event, came=came) if use.event == wrong else use


def _put(own: Holding, goods: TermValue, page: Page) -> None:
    own.vault.put_note(_KIND, goods, cbor.encode_struct(page))


def check_new(own: Holding, goods: Goods, event: Seq) -> None:
    """Refuse goods that came into being before, by another event.

    Raises:
        GoodsTwice: they did.
    """
    origin = page_of(own, goods.key).origin
    if origin is not None and origin.event != event:
        raise GoodsTwice(goods.named, origin.event)


# ------------------------------------------------------------------ what goes in


@dataclass(frozen=True)
class Use:
    """Lots for goods that go into a step or to a buyer."""

    goods: Goods
    lots: tuple[HeldLot, ...]
    part: ElementAmount | None
    """How much of the lots; the last is split for it. Nothing: all of them."""
    usage: Usage
    """What is written of it, but for the lots that stay."""


def inputs_of(uses: Sequence[Use]) -> InputPart:
    """Return goods that go in, as a transform file names them."""
    whole: list[LotPrefix] = []
    parts: list[LotPart] = []
    for use in uses:
        named = tuple(LotPrefix(lot.lot_id.hex(), 0) for lot in use.lots)
        if use.part is None:
            whole += named
        else:
            parts.append(LotPart(named, use.part))
    return InputPart(tuple(whole), (), tuple(parts))


def use_of(own: Holding, goods: Goods, at: Moment) -> Use:
    """Return the lots that stand for goods, with a part where not all of it goes.

    Raises:
        LotNeverReceived, LotAway: there is no lot, or none that is free.
        GoodsGone, MoreUsedThanThere, MorePiecesThanThere: nothing, or less, is left.
        UsedBeforeThere: they came later than that.
    """
    known = page_of(own, goods.key)
    page = Page(tuple(use for use in known.uses if use.event != at.event))
    if page.origin is None:
        raise LotNeverReceived(goods.named)
    check_there(own, goods, page)
    came = page.origin.when
    if came is not None and at.when < came:
        raise UsedBeforeThere(goods.named, moment_text(at.when), moment_text(Micros(came)))
    free, left = page.free(own), page.left
    if left is not None and goods.amount is not None and goods.amount > left:
        if goods.mass is None:
            raise MorePiecesThanThere(goods.named, left, goods.amount)
        raise MoreUsedThanThere(goods.named, Milligrams(left), goods.mass)
    if not free or page.is_promised(own):
        raise LotAway(goods.named)
    if left is None or goods.amount is None or goods.amount == left:
        return Use(goods, free, None, Usage(at.event, went=left))
    element, there = _main(free)
    amount = Milligrams(there * goods.amount // left)
    lots = _enough(free, element, amount)
    return Use(goods, lots, ElementAmount(element, amount), Usage(at.event, went=goods.amount))


def check_there(own: Holding, goods: Goods, page: Page) -> None:
    """Refuse goods of which everything went with an earlier event.

    Raises:
        GoodsGone: which.
    """
    taking = page.taking
    if taking is not None and not page.left and not page.free(own):
        raise GoodsGone(goods.named, taking.event)


def _main(lots: Sequence[HeldLot]) -> tuple[ElementSymbol, Milligrams]:
    """Return the metal of which there is most in some lots of one form."""
    sums: dict[ElementSymbol, int] = {}
    for lot in lots:
        for strand in lot.contents.metals:
            sums[strand.element] = sums.get(strand.element, 0) + lot.contents.amount(strand)
    element = max(sorted(sums), key=lambda symbol: sums[symbol])
    return element, Milligrams(sums[element])


def _enough(
    lots: Sequence[HeldLot], element: ElementSymbol, amount: Milligrams
) -> tuple[HeldLot, ...]:
    """Return as many lots, oldest first, as hold an amount."""
    strand = Strand(element, Kind.METAL)
    held = 0
    for count, lot in enumerate(lots, start=1):
        held += lot.contents.amount(strand)
        if held >= amount:
            return tuple(lots[:count])
    return tuple(lots)
