"""Shipping and receiving: two events of two companies about the same goods, and their weights.

The sender's offer names his goods in the memo of each lot; the receiver's event names them too.
Where what the receiver found is as near as the mapping allows, he accepts, and the mean of both is
settled where they differ at all; where it is not, nothing is accepted: it is a dispute, and a
person decides. What both found is kept: the sender's figures in the lot that was bought, the
receiver's as facts about it.
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
from lodeline.kernel.ids import ElementSymbol, FormName, Role
from lodeline.kernel.units import Milligrams
from lodeline.node.events.goods_book import ReadMemo, page_of, read_memo
from lodeline.node.events.meaning import Measured, Receiving
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.store import Seq
from lodeline.node.events.terms import TermValue
from lodeline.node.events.trade_refusals import (
    NotAllReceived,
    NotShippedYet,
    ReceivedBeforeShipped,
    WeightsDiffer,
)
from lodeline.node.holding import Holding

__all__ = ["Pair", "facts_of", "paired", "settlements"]

_COUNTERPARTY: Final = Role("counterparty")


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


def paired(own: Holding, receiving: Receiving, event: Seq, when: Micros) -> tuple[Pair, ...]:
    """Return the offers of what was received, after comparing both sides' figures.

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
        found = _offer_of(own, measured, event)
        shipped = found.memo.shipped
        if micros("shipped", shipped) > when:
            raise ReceivedBeforeShipped(measured.goods.named, moment_text(when), shipped)
        pairs.append(Pair(found.offer, found.lots, measured))
    _check_whole(pairs)
    for pair in pairs:
        _compare(pair, receiving)
    return tuple(pairs)


def _offer_of(own: Holding, measured: Measured, event: Seq) -> _Offered:
    goods = measured.goods
    uses = page_of(own, goods.key).uses
    mine = {lot for use in uses if use.event == event for lot in use.lots}
    others = {lot for use in uses if use.event != event for lot in use.lots}
    found = [
        one for one in _offered(own, goods.key) if not any(lot.lot in others for lot in one.lots)
    ]
    if not found:
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
    for element, sent, found in _both(pair):
        if _apart(sent, found) > receiving.rule.tolerance:
            raise WeightsDiffer(
                pair.measured.goods.named, element, sent, found, receiving.rule.tolerance
            )


def _both(pair: Pair) -> Iterator[tuple[ElementSymbol, Milligrams, Milligrams]]:
    """Yield what each side says of each metal that both speak of."""
    content = pair.measured.content
    found: Mapping[ElementSymbol, Milligrams] = {} if content is None else content.contained()
    for strand in pair.metals:
        if strand.element in found:
            yield strand.element, pair.sent(strand), found[strand.element]


def _apart(one: Milligrams, other: Milligrams) -> int:
    """Return the difference in ppm of the larger, rounded up."""
    return -(-abs(one - other) * PPM_ONE // max(one, other, 1))


# ------------------------------------------------------------------ settling


def settlements(receiving: Receiving, pair: Pair) -> Iterator[TransformFile]:
    """Yield the settlement of each lot where the sides differ by as much as is worth one."""
    means = {
        element: Milligrams((sent + found) // 2)
        for element, sent, found in _both(pair)
        if _apart(sent, found) >= max(1, receiving.rule.settle)
    }
    for lot in pair.lots:
        agreed = {
            strand.element: _agreed(lot, strand, pair.sent(strand), means.get(strand.element))
            for strand in pair.metals
        }
        if any(agreed[each.element] != lot.contents.amount(each) for each in pair.metals):
            yield _settlement(pair, lot, receiving, agreed)


def _agreed(lot: HeldLot, strand: Strand, sent: Milligrams, mean: Milligrams | None) -> Milligrams:
    """Return a lot's share of the mean, as far as its reserve allows; else the sender's figure."""
    amount = lot.contents.amount(strand)
    if mean is None:
        return amount
    most = amount + lot.contents.amount(Strand(strand.element, Kind.TOLERANCE))
    return Milligrams(min(most, amount * mean // max(sent, 1)))


def _settlement(
    pair: Pair, lot: HeldLot, receiving: Receiving, agreed: Mapping[ElementSymbol, Milligrams]
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
    sender = {} if receiving.sender is None else {_COUNTERPARTY: receiving.sender}
    return TransformFile(
        name=pair.measured.goods.named,
        recipe=receiving.rule.settlement,
        site=None,
        inputs=InputPart((LotPrefix(lot.lot_id.hex(), receiving.rule.line),)),
        outputs=(output,),
        process=None,
        co_signers={**sender, **(receiving.rule.co_signers or {})},
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
