"""From what an event means to entries that are proved and not yet sent.

Everything that a draft writes goes to the holder's vault and can be written again; nothing is
promised, nothing is sent. So a draft that was lost on the way is simply made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import (
    ContainedMass,
    ElementAmount,
    OutputPart,
    TransformFile,
)
from lodeline.holder.building import BuiltTransform, OwnedLot, OwnerKey, claim_made
from lodeline.holder.plan_refusals import PlanRefused
from lodeline.holder.planner import plan_step
from lodeline.holder.plans import plan_sale, take_amount
from lodeline.holder.wishes import Chain, FromStep, Order, Supply
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, LotId, RecipeName, Role
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams
from lodeline.ledger.entries import Entry, entry_id
from lodeline.node.capturing import capture
from lodeline.node.events.decisions import Moment, Way
from lodeline.node.events.goods_book import (
    Memo,
    Usage,
    Use,
    check_new,
    inputs_of,
    use_of,
    write_use,
)
from lodeline.node.events.meaning import Counted, Making, Measured, Receiving, Shipping
from lodeline.node.events.moments import Micros, moment_text
from lodeline.node.events.outbox import Stage
from lodeline.node.events.pairing import (
    Pair,
    Settlement,
    Verdict,
    facts_of,
    offers_of,
    paired,
    settlements,
)
from lodeline.node.events.settling import note_offer
from lodeline.node.events.terms import TermValue
from lodeline.node.events.trade_refusals import EventInFuture, FigureOutOfReach
from lodeline.node.governing import recipe_in_force, recipe_named
from lodeline.node.granting import address_of
from lodeline.node.holding import Holding
from lodeline.node.requests import Request
from lodeline.node.trading import OfferTerms, acceptance, declining, offer_request, sale_recipe
from lodeline.node.transforming import (
    desk_of,
    prepare,
    prove_chain,
    requested,
    shifted,
    supply,
)

__all__ = ["Draft", "accept_drafts", "make_drafts", "offer_drafts", "settle_drafts"]

_SPLIT: Final = RecipeName("split")
_UMPIRE: Final = Role("umpire")
_UMPIRES_RECIPE: Final = RecipeName("settle-umpire")
_SECONDS_PER_DAY: Final = 86_400
_MICROSECONDS: Final = 1_000_000
_MEMO_CHARS: Final = 500

Draft = tuple[Stage, Request]
"""An entry that is finished up to the signatures of others, and why it is sent."""


def _check_time(own: Holding, at: Moment) -> None:
    """Hold what is to come; clocks and time zones may be wrong by as much as a day.

    Raises:
        EventInFuture: it is later than that.
    """
    now = Micros(own.session.now() * _MICROSECONDS)
    if at.when > now + _SECONDS_PER_DAY * _MICROSECONDS:
        raise EventInFuture(moment_text(at.when), moment_text(now))


# ------------------------------------------------------------------ a step


def make_drafts(own: Holding, making: Making, at: Moment, folder: Path) -> list[Draft]:
    """Return a step, proved, with the splits that it needs before it.

    Raises:
        LotNeverReceived, LotAway, MoreUsedThanThere, GoodsTwice: the goods.
        PlanRefused, …: the step cannot be; as `transforming.prepare`.
    """
    _check_time(own, at)
    for measured in making.made:
        check_new(own, measured.goods, at.event)
    uses = [use_of(own, goods, at) for goods in making.used]
    if making.is_passing:
        return _passed(own, making, uses, folder)
    named = [_output(measured, making.rule.line) for measured in making.made]
    drafts, chain, built = _drafted(own, _file(own, making, uses, named), folder, Stage.MAKE)
    _write_uses(own, uses, chain, built)
    for measured, made in zip(making.made, built[-1].made, strict=False):
        lots = (LotId(made.lot_id),)
        usage = Usage(at.event, came=measured.goods.amount, lots=lots, when=at.when)
        write_use(own, measured.goods.key, usage)
    return drafts


def _passed(own: Holding, making: Making, uses: Sequence[Use], folder: Path) -> list[Draft]:
    """Return a step after which goods are what they were, under the number that they had."""
    named = [_same(use, making.rule.line) for use in uses]
    drafts, chain, built = _drafted(own, _file(own, making, uses, named), folder, Stage.MAKE)
    rests = _rests({lot.lot_id: use.goods.key for use in uses for lot in use.lots}, chain, built)
    for use, made in zip(uses, built[-1].made, strict=False):
        lots = (LotId(made.lot_id), *rests.get(use.goods.key, ()))
        write_use(own, use.goods.key, Usage(use.usage.event, lots=lots))
    return drafts


def _same(use: Use, line: int) -> OutputPart:
    """Return goods that come out as they went in: their lots together, the last one in part."""
    *whole, last = (lot.contents for lot in use.lots)
    amounts = []
    for strand in last.metals:
        mass = last.amount(strand)
        if use.part is not None:
            main = Strand(use.part.element, Kind.METAL)
            needed = use.part.mass - sum(each.amount(main) for each in whole)
            mass = Milligrams(mass * needed // last.amount(main))
        mass = Milligrams(mass + sum(each.amount(strand) for each in whole))
        amounts.append(ElementAmount(strand.element, mass))
    content = ContainedMass(tuple(amounts))
    memo = use.lots[-1].memo
    return OutputPart(line, use.goods.kind.form, content, None, (), None, memo=memo)


def _drafted(
    own: Holding, file: TransformFile, folder: Path, stage: Stage
) -> tuple[list[Draft], Chain, Sequence[BuiltTransform]]:
    """Plan and prove a step, and what must happen before it."""
    prepared = prepare(own, file, folder)
    built = prove_chain(own, prepared.chain)
    facts = [output.facts for output in prepared.captured.outputs]
    drafts = [
        (stage, requested(own, step, one, facts if step is prepared.step else ()))
        for step, one in zip(prepared.chain.steps, built, strict=True)
    ]
    return drafts, prepared.chain, built


def _file(
    own: Holding, making: Making, uses: Sequence[Use], named: Sequence[OutputPart]
) -> TransformFile:
    rule = making.rule
    if rule.recipe is None:
        message = "a step that makes something has a recipe"
        raise TypeError(message)
    _, record = recipe_named(own.session, rule.recipe)
    rest = tuple(OutputPart(rule.line, form, None, None, (), None) for form in rule.yields)
    return TransformFile(
        name=f"line {rule.line}",
        recipe=rule.recipe,
        site=making.place.needed() if record.recipe.needs_site else None,
        inputs=inputs_of(uses),
        outputs=(*named, *rest),
        process=making.process,
        co_signers=rule.co_signers or {},
    )


def _output(measured: Measured, line: int) -> OutputPart:
    goods = measured.goods
    return OutputPart(
        line=line,
        form=goods.kind.form,
        content=measured.content,
        to=None,
        claims=goods.kind.claims,
        product=goods.named if goods.kind.is_product else None,
        laboratory=measured.found.laboratory,
        method=measured.found.method,
    )


# ------------------------------------------------------------------ what stays of what went


def _write_uses(
    own: Holding, uses: Sequence[Use], chain: Chain, built: Sequence[BuiltTransform]
) -> None:
    """Write what went, and which lots stand for what stayed: the rests of splits."""
    owner = {lot.lot_id: use.goods.key for use in uses for lot in use.lots}
    rests = _rests(owner, chain, built)
    for use in uses:
        usage = use.usage
        lots = tuple(rests.get(use.goods.key, ()))
        write_use(own, use.goods.key, Usage(usage.event, None, usage.went, lots))


def _rests(
    owner: Mapping[LotId, TermValue], chain: Chain, built: Sequence[BuiltTransform]
) -> Mapping[TermValue, list[LotId]]:
    """Return own outputs of steps that later steps build on and do not use, by their goods."""
    used = {
        (one.source.step, one.source.output)
        for step in chain.steps
        for one in step.inputs
        if isinstance(one.source, FromStep)
    }
    before = {step for step, _ in used}
    goods: dict[int, TermValue] = {}
    rests: dict[TermValue, list[LotId]] = {}
    for index in sorted(before):
        for one in chain.steps[index].inputs:
            source = one.source
            if isinstance(source, OwnedLot):
                found = owner.get(source.lot_id)
            else:
                found = goods.get(source.step)
            if found is not None:
                goods[index] = found
        for output, made in enumerate(built[index].made):
            if (index, output) not in used and index in goods:
                rests.setdefault(goods[index], []).append(LotId(made.lot_id))
    return rests


# ------------------------------------------------------------------ an offer


def offer_drafts(own: Holding, shipping: Shipping, at: Moment) -> list[Draft]:
    """Return offers of what is shipped, one for each form, with the splits before them.

    Raises:
        LotNeverReceived, LotAway, MoreUsedThanThere: the goods.
        UnknownMember, MemberNotActive, PlanRefused, …: as `trading.offer`.
    """
    _check_time(own, at)
    uses = [use_of(own, goods, at) for goods in shipping.used]
    chain, supplies = _taken(own, uses)
    buyer = address_of(own.session.member(shipping.to))
    flat = [one for found in supplies for one in found]
    memos = {
        id(one): _memo(own, use, one, at.when)
        for use, found in zip(uses, supplies, strict=True)
        for one in found
    }
    owners = {
        id(one): use.goods.key for use, found in zip(uses, supplies, strict=True) for one in found
    }
    splits = len(chain.steps)
    for sale in plan_sale(desk_of(own), sale_recipe(own), flat, buyer):
        outputs = (
            replace(lot, memo=memos[id(one)])
            for one, lot in zip(sale.inputs, sale.outputs, strict=True)
        )
        chain = chain.then(replace(sale, outputs=tuple(outputs)))
    built = prove_chain(own, chain)
    days = shipping.rule.days * _SECONDS_PER_DAY
    terms = OfferTerms(shipping.to, BlockTime(own.session.now() + days))
    drafts: list[Draft] = []
    for index, (step, one) in enumerate(zip(chain.steps, built, strict=True)):
        if index < splits:
            drafts.append((Stage.OFFER, requested(own, step, one)))
        else:
            keys = [_key(own, each, built) for each in step.inputs]
            request = offer_request(own, step, one, keys, terms)
            lots = (LotId(item.lot) for item in one.body.inputs)
            given = [(owners[id(each)], lot) for each, lot in zip(step.inputs, lots, strict=True)]
            note_offer(own, entry_id(request.entry), at.event, given)
            drafts.append((Stage.OFFER, request))
    _write_uses(own, uses, chain, built)
    return drafts


def _taken(own: Holding, uses: Sequence[Use]) -> tuple[Chain, list[list[Supply]]]:
    """Return what is used as supplies, for each use, and the splits that come first."""
    chain = Chain()
    found: list[list[Supply]] = []
    for use in uses:
        supplies = [supply(own, lot) for lot in use.lots]
        if use.part is not None:
            _, split = recipe_named(own.session, _SPLIT)
            strand = Strand(use.part.element, Kind.METAL)
            took = take_amount(desk_of(own), split.recipe, supplies, strand, use.part.mass)
            supplies = [shifted(one, len(chain.steps)) for one in took.lots]
            chain = Chain((*chain.steps, *took.chain.steps))
        found.append(supplies)
    return chain, found


def _memo(own: Holding, use: Use, one: Supply, when: Micros) -> str:
    """Name the goods to the receiver, and let the lot's own remark go on beside it."""
    source = one.source
    before = own.vault.lot(source.lot_id).memo if isinstance(source, OwnedLot) else ""
    return Memo(use.goods.named, when, _went(use)).text(before)[:_MEMO_CHARS]


def _went(use: Use) -> Counted | None:
    return None if use.usage.went is None else Counted(use.usage.went)


def _key(own: Holding, one: Supply, built: Sequence[BuiltTransform]) -> OwnerKey:
    """Return the one-time key of a lot that is sold, be it only made by a step before."""
    source = one.source
    if isinstance(source, OwnedLot):
        return source.key
    return claim_made(built[source.step], own.keys)[source.output].key


# ------------------------------------------------------------------ the other side


def accept_drafts(own: Holding, receiving: Receiving, at: Moment, folder: Path) -> list[Draft]:
    """Return acceptances of everything that was received; none where that is done already.

    Where a person decided to decline, the refusals of what is still offered.

    Raises:
        NotShippedYet, ReceivedBeforeShipped, WeightsDiffer: sender and receiver do not agree.
        FigureOutOfReach, RoleMissing, …: what was decided cannot be settled.
        OfferUnsound: a note does not match.
    """
    _check_time(own, at)
    now, decision = own.session.now(), at.decision
    if decision is not None and decision.way is Way.DECLINE:
        open_now = (each for each in offers_of(own, receiving, at.event) if each.is_open(now))
        return [_draft(Stage.DECLINE, declining(own, each, decision.reason)) for each in open_now]
    pairs = paired(own, receiving, at)
    if decision is not None:
        for settlement in _settlements(own, receiving, at, pairs):
            _check_settlement(own, settlement, folder)
    offers = {pair.offer.offer_id: pair.offer for pair in pairs if pair.offer.is_open(now)}
    drafts = [_draft(Stage.ACCEPT, acceptance(own, offer)) for offer in offers.values()]
    for pair in pairs:
        for lot in pair.lots:
            own.vault.record_facts(lot.lot_id, facts_of(pair.measured))
        _write_came(own, pair, at, ())
    return drafts


def _draft(stage: Stage, entry: Entry) -> Draft:
    return stage, Request(entry, (), (), ())


def _settlements(
    own: Holding, receiving: Receiving, at: Moment, pairs: Sequence[Pair]
) -> list[Settlement]:
    verdict = Verdict.on(at.decision, _umpire_recipe(own), pairs)
    return [each for pair in pairs for each in settlements(receiving, pair, verdict)]


def _umpire_recipe(own: Holding) -> RecipeName:
    """Return the recipe by which an umpire alone settles; if there is none, the name of ours."""
    for record in own.session.state.tables.recipes.values():
        recipe = record.recipe
        is_umpires = recipe.family is Family.SETTLE and recipe.co_signers == (_UMPIRE,)
        if is_umpires and recipe_in_force(own.session, record):
            return recipe.name
    return _UMPIRES_RECIPE


def _check_settlement(own: Holding, settlement: Settlement, folder: Path) -> None:
    """Plan a settlement before anything is accepted.

    Raises:
        FigureOutOfReach: the recipe does not allow it.
        RecipeNotFound, RoleMissing, UnknownMember, …: who or what should settle it.
    """
    file = settlement.file
    _, record = recipe_named(own.session, file.recipe)
    captured = capture(own, record.recipe, file, folder)
    wishes = tuple(output.wish for output in captured.outputs)
    inputs = (supply(own, settlement.lot),)
    try:
        plan_step(desk_of(own), Order(record.recipe, inputs, wishes, signers=captured.signers))
    except PlanRefused as refused:
        goods, (element, agreed) = settlement.goods, _farthest(settlement)
        why = refused.message("en"), refused.message("fr")
        raise FigureOutOfReach(goods, element, agreed, *why) from None


def _farthest(settlement: Settlement) -> tuple[ElementSymbol, Milligrams]:
    """Return the metal whose figure is changed most."""
    contents = settlement.lot.contents

    def change(element: ElementSymbol) -> int:
        before = contents.amount(Strand(element, Kind.METAL))
        return abs(before - settlement.agreed[element]) * PPM_ONE // max(1, before)

    element = max(sorted(settlement.agreed), key=change)
    return element, settlement.agreed[element]


def _write_came(own: Holding, pair: Pair, at: Moment, settled: Sequence[LotId]) -> None:
    goods = pair.measured.goods
    lots = (*(lot.lot_id for lot in pair.lots), *settled)
    write_use(own, goods.key, Usage(at.event, came=goods.amount, lots=lots, when=at.when))


def settle_drafts(own: Holding, receiving: Receiving, at: Moment, folder: Path) -> list[Draft]:
    """Return the settlement of what was accepted where both sides' figures differ.

    Raises:
        PlanRefused, CoSignerNotNamed, …: it cannot be settled so.
    """
    drafts: list[Draft] = []
    pairs = paired(own, receiving, at)
    verdict = Verdict.on(at.decision, _umpire_recipe(own), pairs)
    for pair in pairs:
        settled: list[LotId] = []
        for settlement in settlements(receiving, pair, verdict):
            found, _, built = _drafted(own, settlement.file, folder, Stage.SETTLE)
            drafts += found
            settled.append(LotId(built[-1].made[0].lot_id))
            own.vault.record_facts(settled[-1], facts_of(pair.measured))
        if settled:
            _write_came(own, pair, at, settled)
    return drafts
