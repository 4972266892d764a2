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
from lodeline.node.events.goods_book import read_memo
from lodeline.node.events.meaning import Measured, Receiving
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.terms import TermValue
from lodeline.node.events.trade_refusals import (
    NotShippedYet,
    ReceivedBeforeShipped,
    WeightsDiffer,
)
from lodeline.node.holding import Holding

__all__ = ["Pair", "facts_of", "paired", "settlements"]

_COUNTERPARTY: Final = Role("counterparty")


@dataclass(frozen=True)
class Pair:
    """One lot that was offered, and how the receiver found it."""

    offer: StoredOffer
    lot: HeldLot
    measured: Measured


def paired(own: Holding, receiving: Receiving, when: Micros) -> tuple[Pair, ...]:
    """Return the offers of what was received, lot by lot, after comparing both sides' figures.

    Offers that were accepted already count too, so that a program that begins anew finds them.

    Raises:
        NotShippedYet: some of it was not offered.
        ReceivedBeforeShipped: the sender says that it left later.
        WeightsDiffer: a dispute.
    """
    found = dict(_offered(own))
    pairs = []
    for measured in receiving.got:
        known = found.get(measured.goods.key)
        if known is None:
            raise NotShippedYet(measured.goods.named)
        offer, lot, shipped = known
        if micros("shipped", shipped) > when:
            raise ReceivedBeforeShipped(measured.goods.named, moment_text(when), shipped)
        pairs.append(Pair(offer, lot, measured))
    for pair in pairs:
        _compare(pair, receiving)
    return tuple(pairs)


def _offered(own: Holding) -> Iterator[tuple[TermValue, tuple[StoredOffer, HeldLot, str]]]:
    """Yield the lots that are offered to the holder by the sender's name for them.

    The last offer counts; one that can no longer be accepted does not.
    """
    now = own.session.now()
    for offer in own.vault.offers(OfferSide.RECEIVED):
        if offer.state is not OfferState.ACCEPTED and not offer.is_open(now):
            continue
        for lot in offer.taken:
            memo = read_memo(lot.memo)
            if memo is not None:
                yield memo[0], (offer, lot, memo[1])


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
    for strand in pair.lot.contents.metals:
        if strand.element in found:
            yield strand.element, pair.lot.contents.amount(strand), found[strand.element]


def _apart(one: Milligrams, other: Milligrams) -> int:
    """Return the difference in ppm of the larger, rounded up."""
    return -(-abs(one - other) * PPM_ONE // max(one, other, 1))


# ------------------------------------------------------------------ settling


def settlements(
    receiving: Receiving, pairs: Sequence[Pair]
) -> Iterator[tuple[Pair, TransformFile]]:
    """Yield the settlement of each lot on which the sides differ by as much as is worth one."""
    for pair in pairs:
        agreed = dict(_agreed(pair, receiving))
        if any(agreed[each.element] != pair.lot.contents.amount(each) for each in _metals(pair)):
            yield pair, _settlement(pair, receiving, agreed)


def _metals(pair: Pair) -> tuple[Strand, ...]:
    return pair.lot.contents.metals


def _agreed(pair: Pair, receiving: Receiving) -> Iterator[tuple[ElementSymbol, Milligrams]]:
    """Yield the mean of both sides, as far as the reserve of the lot allows; else the sender's."""
    contents = pair.lot.contents
    means = {
        element: Milligrams((sent + found) // 2)
        for element, sent, found in _both(pair)
        if _apart(sent, found) >= max(1, receiving.rule.settle)
    }
    for strand in _metals(pair):
        sent = contents.amount(strand)
        most = sent + contents.amount(Strand(strand.element, Kind.TOLERANCE))
        yield strand.element, Milligrams(min(most, means.get(strand.element, sent)))


def _settlement(
    pair: Pair, receiving: Receiving, agreed: Mapping[ElementSymbol, Milligrams]
) -> TransformFile:
    amounts = tuple(ElementAmount(element, mass) for element, mass in agreed.items())
    output = OutputPart(
        line=receiving.rule.line,
        form=FormName(pair.lot.public.form),
        content=ContainedMass(amounts),
        to=None,
        claims=(),
        product=None,
        memo=pair.lot.memo,
    )
    sender = {} if receiving.sender is None else {_COUNTERPARTY: receiving.sender}
    return TransformFile(
        name=pair.measured.goods.named,
        recipe=receiving.rule.settlement,
        site=None,
        inputs=InputPart((LotPrefix(pair.lot.lot_id.hex(), receiving.rule.line),)),
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
