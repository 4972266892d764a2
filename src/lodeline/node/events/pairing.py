"""Shipping and receiving: two events of two companies about the same goods, and their weights.

The sender's offer names his goods in the memo of each lot; the receiver's event names them too.
Where what the receiver found is as near as the mapping allows, he accepts, and the mean of both is
settled where they differ at all; where it is not, nothing is accepted: it is a dispute, and a
person decides (`decisions`). What both found is kept: the sender's figures in the lot that was
bought, the receiver's as facts about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import (
    ContainedMass,
    ElementAmount,
    InputPart,
    LotPrefix,
    OutputPart,
    TransformFile,
    WeighedMass,
)
from lodeline.holder.records import (
    AssayFact,
    HeldLot,
    LotFacts,
    OfferSide,
    OfferState,
    StoredOffer,
)
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, FormName, MemberId, RecipeName, Role
from lodeline.kernel.units import Milligrams
from lodeline.node.events.decisions import Decision, Moment, Way
from lodeline.node.events.goods_book import ReadMemo, page_of, read_memo
from lodeline.node.events.meaning import Measured, Receiving
from lodeline.node.events.moments import micros, moment_text
from lodeline.node.events.store import Seq
from lodeline.node.events.terms import TermValue
from lodeline.node.events.trade_refusals import (
    FigureOutOfReach,
    NotAllReceived,
    NotShippedYet,
    ReceivedBeforeShipped,
    ReceivedTwice,
    WeightsDiffer,
)
from lodeline.node.holding import Holding

__all__ = [
    "Compared",
    "Pair",
    "Settlement",
    "Verdict",
    "compared",
    "facts_of",
    "offers_of",
    "paired",
    "settlements",
]

_COUNTERPARTY: Final = Role("counterparty")
_UMPIRE: Final = Role("umpire")
_NO_SUCH_METAL: Final = ("the sender says of none of it", "l'expéditeur n'en déclare pas")


@dataclass(frozen=True)
class Pair:
    """Goods that were offered, and how the receiver found them."""

    offer: StoredOffer
    lots: tuple[HeldLot, ...]
    """The lots of the offer that stand for the goods."""
    measured: Measured

    def sent(self, strand: Strand) -> Milligrams:
        """Return how much of a strand the sender says is in them."""
        return Milligrams(sum(lot.contents.amount(strand) for lot in self.lots))

    @property
    def metals(self) -> tuple[Strand, ...]:
        """Return the metals in them."""
        return self.lots[0].contents.metals


@dataclass(frozen=True)
class _Offered:
    """The lots of one offer that go by one name of the sender's."""

    offer: StoredOffer
    lots: tuple[HeldLot, ...]
    memo: ReadMemo


@dataclass(frozen=True)
class Compared:
    """What each side says of one metal in goods."""

    element: ElementSymbol
    sent: Milligrams
    found: Milligrams


def paired(own: Holding, receiving: Receiving, at: Moment) -> tuple[Pair, ...]:
    """Return the offers of what was received, after comparing both sides' figures.

    Where a person has decided, they may be as far apart as they are.

    Of several offers of the same goods, the one counts whose amount is nearest to what was received
    and that no other event took. An offer that this event has accepted already counts too, so that
    a program that begins anew finds it.

    Raises:
        NotShippedYet: some of it was not offered.
        NotAllReceived: it was offered together with something that the event does not name.
        ReceivedBeforeShipped: the sender says that it left later.
        WeightsDiffer: a dispute.
    """
    pairs = []
    for measured in receiving.got:
        found = _offer_of(own, measured, at.event)
        shipped = found.memo.shipped
        if micros("shipped", shipped) > at.when:
            raise ReceivedBeforeShipped(measured.goods.named, moment_text(at.when), shipped)
        pairs.append(Pair(found.offer, found.lots, measured))
    _check_whole(pairs)
    if at.decision is None:
        for pair in pairs:
            _compare(pair, receiving)
    return tuple(pairs)


def offers_of(own: Holding, receiving: Receiving, event: Seq) -> tuple[StoredOffer, ...]:
    """Return the offers of what was received, each once.

    Raises:
        NotShippedYet: some of it is not offered.
    """
    found = (_offer_of(own, measured, event).offer for measured in receiving.got)
    return tuple({offer.offer_id: offer for offer in found}.values())


def compared(own: Holding, receiving: Receiving, event: Seq) -> tuple[tuple[str, Compared], ...]:
    """Return what each side says of each metal in what was received, goods by goods.

    Raises:
        NotShippedYet: some of it is not offered.
    """
    found: list[tuple[str, Compared]] = []
    for measured in receiving.got:
        offered = _offer_of(own, measured, event)
        pair = Pair(offered.offer, offered.lots, measured)
        found += [(measured.goods.named, each) for each in _both(pair)]
    return tuple(found)


def _offer_of(own: Holding, measured: Measured, event: Seq) -> _Offered:
    goods = measured.goods
    uses = page_of(own, goods.key).uses
    mine = {lot for use in uses if use.event == event for lot in use.lots}
    others = {lot for use in uses if use.event != event for lot in use.lots}
    found = [
        one for one in _offered(own, goods.key) if not any(lot.lot in others for lot in one.lots)
    ]
    if not found:
        before = [use.event for use in uses if use.event != event and use.came is not None]
        if before:
            raise ReceivedTwice(goods.named, before[-1])
        raise NotShippedYet(goods.named)

    def distance(one: _Offered) -> tuple[bool, int, int]:
        is_other = not any(lot.lot in mine for lot in one.lots)
        if goods.amount is None or one.memo.amount is None:
            return is_other, 0, one.offer.leaf
        return is_other, abs(goods.amount - one.memo.amount), one.offer.leaf

    return min(found, key=distance)


def _offered(own: Holding, goods: TermValue) -> Iterator[_Offered]:
    """Yield what is offered to the holder under a name, or was and is accepted."""
    now = own.session.now()
    for offer in own.vault.offers(OfferSide.RECEIVED):
        if offer.state is not OfferState.ACCEPTED and not offer.is_open(now):
            continue
        memos = [(lot, read_memo(lot.memo)) for lot in offer.taken]
        named = [(lot, memo) for lot, memo in memos if memo is not None and memo.goods == goods]
        if named:
            yield _Offered(offer, tuple(lot for lot, _ in named), named[0][1])


def _check_whole(pairs: Sequence[Pair]) -> None:
    """Refuse to accept more than arrived: an offer is accepted as a whole."""
    arrived = {lot.lot_id for pair in pairs for lot in pair.lots}
    for pair in pairs:
        for lot in pair.offer.taken:
            if lot.lot_id not in arrived:
                memo = read_memo(lot.memo)
                missing = lot.lot_id.hex() if memo is None else memo.goods
                raise NotAllReceived(pair.measured.goods.named, missing)


def _compare(pair: Pair, receiving: Receiving) -> None:
    for both in _both(pair):
        if _apart(both.sent, both.found) > receiving.rule.tolerance:
            goods, tolerance = pair.measured.goods.named, receiving.rule.tolerance
            raise WeightsDiffer(goods, both.element, both.sent, both.found, tolerance)


def _both(pair: Pair) -> Iterator[Compared]:
    """Yield what each side says of each metal that both speak of."""
    content = pair.measured.content
    found: Mapping[ElementSymbol, Milligrams] = {} if content is None else content.contained()
    for strand in pair.metals:
        if strand.element in found:
            yield Compared(strand.element, pair.sent(strand), found[strand.element])


def _apart(one: Milligrams, other: Milligrams) -> int:
    """Return the difference in ppm of the larger, rounded up."""
    return -(-abs(one - other) * PPM_ONE // max(one, other, 1))


# ------------------------------------------------------------------ settling


@dataclass(frozen=True)
class Settlement:
    """What one lot is settled at."""

    file: TransformFile
    lot: HeldLot
    goods: str
    agreed: Mapping[ElementSymbol, Milligrams]


@dataclass(frozen=True)
class Verdict:
    """What a person decided, if anybody did, and what is needed to carry it out."""

    decision: Decision | None
    recipe: RecipeName
    """By which an umpire settles."""
    sent: Mapping[ElementSymbol, Milligrams]
    """What the sender says of all goods of the event together."""

    @classmethod
    def on(cls, decision: Decision | None, recipe: RecipeName, pairs: Sequence[Pair]) -> Verdict:
        """Return a decision about some goods.

        Raises:
            FigureOutOfReach: a figure of a metal that is not in them.
        """
        sent: dict[ElementSymbol, Milligrams] = {}
        for pair in pairs:
            for strand in pair.metals:
                mass = sent.get(strand.element, 0) + pair.sent(strand)
                sent[strand.element] = Milligrams(mass)
        for element, mass in () if decision is None else decision.found.items():
            if not sent.get(element):
                goods = pairs[0].measured.goods.named
                raise FigureOutOfReach(goods, element, mass, *_NO_SUCH_METAL)
        return cls(decision, recipe, sent)

    def figures(self, pair: Pair) -> dict[ElementSymbol, Milligrams]:
        """Return the share of some goods in what an umpire found in all."""
        found = {} if self.decision is None else self.decision.found
        return {
            strand.element: Milligrams(
                found[strand.element] * pair.sent(strand) // self.sent[strand.element]
            )
            for strand in pair.metals
            if strand.element in found
        }


def settlements(receiving: Receiving, pair: Pair, verdict: Verdict) -> Iterator[Settlement]:
    """Yield the settlement of each lot where the sides differ by as much as is worth one.

    Where a person has decided, it is exactly what was decided.
    """
    decision = verdict.decision
    agreed = _agreed(receiving, pair, verdict)
    for lot in pair.lots:
        parts = {
            strand.element: _part(lot, strand, pair.sent(strand), agreed.get(strand.element))
            for strand in pair.metals
        }
        if decision is None:
            parts = {each: _within_reserve(lot, each, mass) for each, mass in parts.items()}
        if any(parts[each.element] != lot.contents.amount(each) for each in pair.metals):
            file = _settlement(pair, lot, receiving, parts, verdict)
            yield Settlement(file, lot, pair.measured.goods.named, parts)


def _agreed(
    receiving: Receiving, pair: Pair, verdict: Verdict
) -> Mapping[ElementSymbol, Milligrams]:
    """Return how much of each metal there is from now on, where it is not what the sender says."""
    both, decision = tuple(_both(pair)), verdict.decision
    means = {each.element: Milligrams((each.sent + each.found) // 2) for each in both}
    if decision is None:
        least = max(1, receiving.rule.settle)
        worth = {each.element for each in both if _apart(each.sent, each.found) >= least}
        return {element: mass for element, mass in means.items() if element in worth}
    match decision.way:
        case Way.OURS:
            return {each.element: each.found for each in both}
        case Way.MEAN:
            return means
        case Way.UMPIRE:
            return verdict.figures(pair)
        case Way.THEIRS | Way.DECLINE:
            return {}


def _part(lot: HeldLot, strand: Strand, sent: Milligrams, agreed: Milligrams | None) -> Milligrams:
    """Return a lot's share of what was agreed for all lots of the goods."""
    amount = lot.contents.amount(strand)
    return amount if agreed is None else Milligrams(amount * agreed // max(sent, 1))


def _within_reserve(lot: HeldLot, element: ElementSymbol, mass: Milligrams) -> Milligrams:
    """Return an amount as far as the reserve of its lot goes."""
    metal, reserve = Strand(element, Kind.METAL), Strand(element, Kind.TOLERANCE)
    return Milligrams(min(lot.contents.amount(metal) + lot.contents.amount(reserve), mass))


def _settlement(
    pair: Pair,
    lot: HeldLot,
    receiving: Receiving,
    agreed: Mapping[ElementSymbol, Milligrams],
    verdict: Verdict,
) -> TransformFile:
    amounts = tuple(ElementAmount(element, mass) for element, mass in agreed.items())
    output = OutputPart(
        line=receiving.rule.line,
        form=FormName(lot.public.form),
        content=ContainedMass(amounts),
        to=None,
        claims=(),
        product=None,
        memo=lot.memo,
    )
    recipe, signers = receiving.rule.settlement, {**(receiving.rule.co_signers or {})}
    if verdict.decision is not None and verdict.decision.umpire is not None:
        recipe, signers = verdict.recipe, {_UMPIRE: MemberId(verdict.decision.umpire)}
    elif receiving.sender is not None:
        signers = {_COUNTERPARTY: receiving.sender, **signers}
    return TransformFile(
        name=pair.measured.goods.named,
        recipe=recipe,
        site=None,
        inputs=InputPart((LotPrefix(lot.lot_id.hex(), receiving.rule.line),)),
        outputs=(output,),
        process=None,
        co_signers=signers,
    )


def facts_of(measured: Measured) -> LotFacts:
    """Return what a company found about goods itself, for its vault."""
    weighed = measured.content if isinstance(measured.content, WeighedMass) else None
    found = measured.found
    return LotFacts(
        net=None if weighed is None else weighed.wet,
        moisture=None if weighed is None else weighed.moisture,
        assays=()
        if weighed is None
        else tuple(
            AssayFact(each.element, each.share, found.method, found.laboratory)
            for each in weighed.assays
        ),
    )
