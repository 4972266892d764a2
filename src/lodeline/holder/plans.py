"""The steps of the trade, each a thin function over the one planner, and chains of steps.

What does not fit one transform becomes a chain: forty lots are blended in a tree of blends, a lot
is split into forty parts by splits of splits, a wanted amount is split off before it is used. A
chain is planned whole on plain numbers; ``build_chain`` then proves its steps one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.onetime import Address
from lodeline.crypto.ranges import RangesTooWide
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Strand
from lodeline.holder.apportion import in_proportion
from lodeline.holder.building import (
    BuiltTransform,
    OwnedLot,
    Plan,
    build_transform,
    claim_made,
)
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.plan_refusals import LotsDiffer, MoreOutThanIn, SplitTooSmall
from lodeline.holder.planner import plan_step
from lodeline.holder.wishes import (
    Chain,
    Desk,
    FromStep,
    Order,
    Step,
    Supply,
    Wish,
)
from lodeline.kernel.bounds import MAX_INPUTS, MAX_OUTPUTS
from lodeline.kernel.ids import FormName, LotId, SiteId
from lodeline.kernel.units import Milligrams, Ppm
from lodeline.proofs.body import SignerRef

__all__ = [
    "Part",
    "Taken",
    "blend_down",
    "build_chain",
    "build_step",
    "plan_blend",
    "plan_carry",
    "plan_export",
    "plan_grant",
    "plan_market",
    "plan_mine",
    "plan_of",
    "plan_part",
    "plan_process",
    "plan_sale",
    "plan_settle",
    "plan_split",
    "plan_write_off",
    "take_amount",
]

Signers = tuple[SignerRef, ...]


# ------------------------------------------------------------------ one step


def plan_mine(
    desk: Desk,
    order: Order,
    *,
    tolerance: Ppm | None = None,
) -> Step:
    """Plan ore out of licences, with claims out of assurances; remainders come back.

    ``order`` has licences and assurances of the site as inputs and the ore as wishes. Unless told,
    the measurement reserve is as large as recipe, licence and assurances allow.

    Raises:
        RightTooSmall, AssuranceTooSmall, ProcessBelowFloor: among the reasons of ``plan_step``.
    """
    return plan_step(desk, replace(order, tolerance=tolerance))


def plan_process(desk: Desk, order: Order) -> Step:
    """Plan a step that changes the form, its outputs weighed and assayed.

    Raises:
        MoreOutThanIn, BelowRecovery, ProcessBelowFloor: among the reasons of ``plan_step``.
    """
    return plan_step(desk, order)


def plan_settle(
    desk: Desk,
    recipe: Recipe,
    lot: Supply,
    amounts: Mapping[Strand, Milligrams],
    signers: Signers,
) -> Step:
    """Plan a lot weighed or assayed again: metal as found now, the rest of the sum as reserve.

    Raises:
        MoreOutThanIn: more than metal and reserve of the lot together.
        BelowRecovery: less than the recipe lets two parties agree on.
    """
    wish = Wish(lot.contents.form, amounts=amounts)
    return plan_step(desk, Order(recipe, (lot,), (wish,), signers=signers))


def plan_export(
    desk: Desk, recipe: Recipe, lots: Sequence[Supply], site: SiteId, signers: Signers
) -> Step:
    """Plan lots out of the country, counted against quotas; each leaves with its own numbers.

    ``lots`` are the lots and the quotas.

    Raises:
        RightTooSmall: the quotas do not cover the metal and its reserve.
    """
    wishes = tuple(
        Wish(lot.contents.form, amounts=_material(lot))
        for lot in lots
        if desk.is_material(lot.contents.form)
    )
    return plan_step(desk, Order(recipe, tuple(lots), wishes, site=site, signers=signers))


def _material(lot: Supply) -> dict[Strand, Milligrams]:
    return {strand: mg for strand, mg in lot.contents.amounts.items() if strand.is_material}


def plan_market(
    desk: Desk, recipe: Recipe, lots: Sequence[Supply], products: Sequence[tuple[FormName, str]]
) -> Step:
    """Plan products, each with its identifier; one lot each, or equal parts of what goes in.

    Raises:
        LeastAmountMissed: a product with too little of a metal.
    """
    if len(lots) == len(products):
        shares = [_material(lot) for lot in lots]
    else:
        shares = _equal_parts(lots, len(products))
    wishes = tuple(
        Wish(form, amounts=share, product=identifier)
        for (form, identifier), share in zip(products, shares, strict=True)
    )
    return plan_step(desk, Order(recipe, tuple(lots), wishes))


def _equal_parts(lots: Sequence[Supply], count: int) -> list[dict[Strand, Milligrams]]:
    strands = {strand for lot in lots for strand in _material(lot)}
    parts: list[dict[Strand, Milligrams]] = [{} for _ in range(count)]
    for strand in sorted(strands, key=lambda strand: strand.name):
        total = sum(lot.contents.amount(strand) for lot in lots)
        for part, share in zip(parts, in_proportion(total, [1] * count), strict=True):
            part[strand] = Milligrams(share)
    return parts


def plan_write_off(desk: Desk, recipe: Recipe, lots: Sequence[Supply], signers: Signers) -> Step:
    """Plan lots that are lost whole, with the emissions that they bear.

    Split a lot first where only a part is lost.
    """
    return plan_step(desk, Order(recipe, tuple(lots), (), signers=signers))


def plan_grant(
    desk: Desk,
    recipe: Recipe,
    site: SiteId,
    wish: Wish,
    signers: Signers,
    replaced: tuple[LotId, tuple[Supply, ...]] | None = None,
) -> Step:
    """Plan a licence, quota, intake licence or assurance for a site.

    ``replaced`` names the grant that this one replaces, and whatever is left of it.
    """
    old, left = (None, ()) if replaced is None else replaced
    return plan_step(desk, Order(recipe, left, (wish,), site, signers=signers, replaces=old))


def plan_carry(
    desk: Desk, recipe: Recipe, credits_: Sequence[Supply], site: SiteId, signers: Signers
) -> Step:
    """Plan mass-balance credits carried into the next period, up to the standard's share."""
    return plan_step(desk, Order(recipe, tuple(credits_), (), site=site, signers=signers))


# ------------------------------------------------------------------ blending


def blend_down(
    desk: Desk, recipe: Recipe, lots: Sequence[Supply], most: int, chain: Chain | None = None
) -> tuple[Chain, list[Supply]]:
    """Blend lots until at most ``most`` of them are left, in as few steps as may be.

    The first lots are put together first; what comes out is blended again only if it must be.

    Raises:
        AmountTooLarge: together they do not fit one lot of the form.
    """
    steps, left = chain or Chain(), list(lots)
    _check_one_form(left)
    while len(left) > most:
        count = min(MAX_INPUTS, len(left) - most + 1)
        part, left = left[:count], left[count:]
        wish = Wish(part[0].contents.form)
        steps = steps.then(plan_step(desk, Order(recipe, tuple(part), (wish,))))
        left.append(steps.supply(0))
    return steps, left


def _check_one_form(lots: Sequence[Supply]) -> None:
    for lot in lots:
        if lot.contents.form != lots[0].contents.form:
            raise LotsDiffer(lots[0].contents.form, lot.contents.form)


def plan_blend(
    desk: Desk, recipe: Recipe, lots: Sequence[Supply], wishes: Sequence[Wish] = ()
) -> Chain:
    """Plan a blend of any number of lots into one lot, or into the wished ones.

    Raises:
        LotsDiffer: lots of several forms.
        AmountTooLarge, NotAllAccounted: among the reasons of ``plan_step``.
    """
    chain, left = blend_down(desk, recipe, lots, MAX_INPUTS)
    last = tuple(wishes) or (Wish(lots[0].contents.form),)
    return chain.then(plan_step(desk, Order(recipe, tuple(left), last)))


# ------------------------------------------------------------------ splitting


@dataclass(frozen=True)
class Part:
    """One part of a lot that is split."""

    amounts: Mapping[Strand, Milligrams]
    """Metal; its tolerance and claims follow in proportion."""
    recipient: Address | None = None
    memo: str = ""


def plan_split(desk: Desk, recipe: Recipe, lot: Supply, parts: Sequence[Part]) -> Chain:
    """Plan a lot split into parts, and whatever they leave as a last part.

    More parts than one transform can make are made by splits of splits; the lots wished are then
    outputs of several steps, in the order of ``parts``.

    Raises:
        MoreOutThanIn: the parts are more than the lot.
        SplitTooSmall: fewer than two parts come out.
    """
    whole = [*parts, *_rest(lot, parts)]
    if len(whole) < 2:
        raise SplitTooSmall(lot.contents.form, len(whole))
    return _split_into(desk, recipe, lot, whole, Chain())


def _rest(lot: Supply, parts: Sequence[Part]) -> list[Part]:
    left: dict[Strand, Milligrams] = {}
    for strand in lot.contents.metals:
        given = lot.contents.amount(strand)
        taken = sum(part.amounts.get(strand, 0) for part in parts)
        if taken > given:
            raise MoreOutThanIn(strand.name, given, Milligrams(taken))
        left[strand] = Milligrams(given - taken)
    return [Part(left)] if any(left.values()) else []


def _split_into(
    desk: Desk, recipe: Recipe, lot: Supply, parts: Sequence[Part], chain: Chain
) -> Chain:
    groups = _groups(parts, _fan_out(desk, recipe, lot, parts))
    chain = chain.then(_split_once(desk, recipe, lot, [_joined(group) for group in groups]))
    here = len(chain.steps) - 1
    for index, group in enumerate(groups):
        if len(group) > 1:
            chain = _split_into(desk, recipe, chain.supply(index, here), group, chain)
    return chain


def _groups(parts: Sequence[Part], count: int) -> list[Sequence[Part]]:
    """Return the parts in order, in ``count`` groups of nearly equal size."""
    sizes = in_proportion(len(parts), [1] * min(count, len(parts)))
    groups, start = [], 0
    for size in sizes:
        groups.append(parts[start : start + size])
        start += size
    return groups


def _joined(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    strands = {strand for part in parts for strand in part.amounts}
    amounts = {
        strand: Milligrams(sum(part.amounts.get(strand, 0) for part in parts))
        for strand in sorted(strands, key=lambda strand: strand.name)
    }
    return Part(amounts)


def _split_once(desk: Desk, recipe: Recipe, lot: Supply, parts: Sequence[Part]) -> Step:
    wishes = tuple(
        Wish(lot.contents.form, part.recipient, part.amounts, memo=part.memo) for part in parts
    )
    return plan_step(desk, Order(recipe, (lot,), wishes))


def _fan_out(desk: Desk, recipe: Recipe, lot: Supply, parts: Sequence[Part]) -> int:
    """Return into how many lots one split can go: fewer where its ranges would be too wide."""
    count = min(len(parts), MAX_OUTPUTS)
    while count > 2:
        joined = [_joined(group) for group in _groups(parts, count)]
        try:
            _split_once(desk, recipe, lot, joined)
        except RangesTooWide:
            count -= 1
        else:
            return count
    return count


# ------------------------------------------------------------------ amounts, sales


@dataclass(frozen=True)
class Taken:
    """Lots that together hold exactly a wanted amount, and what must happen first."""

    chain: Chain
    lots: tuple[Supply, ...]


def take_amount(
    desk: Desk, split: Recipe, lots: Sequence[Supply], strand: Strand, wanted: Milligrams
) -> Taken:
    """Return lots that hold exactly an amount of a strand; the last of them is split for it.

    ``lots`` hold at least the amount, and no fewer of them do (see ``selection``).

    Raises:
        MoreOutThanIn: they hold less.
    """
    given = sum(lot.contents.amount(strand) for lot in lots)
    if given < wanted:
        raise MoreOutThanIn(strand.name, Milligrams(given), wanted)
    if given == wanted:
        return Taken(Chain(), tuple(lots))
    *before, last = lots
    needed = wanted - sum(lot.contents.amount(strand) for lot in before)
    part = _proportional(last, strand, needed)
    chain = plan_split(desk, split, last, [Part(part)])
    return Taken(chain, (*before, chain.supply(0)))


def _proportional(lot: Supply, strand: Strand, needed: int) -> dict[Strand, Milligrams]:
    """Return an amount of one metal with its share of the lot's others, rounded down."""
    whole = lot.contents.amount(strand)
    return {
        metal: Milligrams(lot.contents.amount(metal) * needed // whole)
        for metal in lot.contents.metals
    }


def plan_sale(
    desk: Desk, recipe: Recipe, lots: Sequence[Supply], buyer: Address
) -> tuple[Step, ...]:
    """Plan lots under the buyer's address with the same numbers: one offer for each step.

    Lots of different forms go into different sales, and so do more than one transform takes.
    """
    by_form: dict[FormName, list[Supply]] = {}
    for lot in lots:
        by_form.setdefault(lot.contents.form, []).append(lot)
    wish = Wish(FormName("*"), buyer)
    return tuple(
        plan_step(desk, Order(recipe, tuple(same[start : start + MAX_INPUTS]), (wish,)))
        for same in by_form.values()
        for start in range(0, len(same), MAX_INPUTS)
    )


def plan_part(
    desk: Desk,
    recipes: tuple[Recipe, Recipe],
    lot: Supply,
    accepted: Mapping[Strand, Milligrams],
    buyer: Address,
) -> Chain:
    """Plan what follows a decline in part: the seller splits the lot and offers the part again.

    ``recipes`` are the split and the sale. The last step is the new sale.

    Raises:
        MoreOutThanIn: the part is more than the lot.
        SplitTooSmall: the part is the whole lot.
    """
    split, sale = recipes
    chain = plan_split(desk, split, lot, [Part(accepted)])
    (step,) = plan_sale(desk, sale, [chain.supply(0, 0)], buyer)
    return chain.then(step)


# ------------------------------------------------------------------ proving


def plan_of(step: Step, made: Callable[[FromStep], OwnedLot]) -> Plan:
    """Return a step as a plan to prove; ``made`` finds the outputs of earlier steps."""
    inputs = tuple(
        made(supply.source) if isinstance(supply.source, FromStep) else supply.source
        for supply in step.inputs
    )
    return Plan(
        recipe=step.recipe,
        site=step.site,
        inputs=inputs,
        outputs=step.outputs,
        process=step.process,
        signers=step.signers,
        replaces=step.replaces,
    )


def build_step(desk: Desk, step: Step, entropy: Entropy) -> BuiltTransform:
    """Return a step that uses lots at hand, proved.

    Raises:
        OpeningDoesNotMatch: an input's opening is not that of its commitment.
    """
    return build_chain(desk, Chain((step,)), None, entropy)[0]


def build_chain(
    desk: Desk, chain: Chain, keys: HolderKeys | None, entropy: Entropy
) -> tuple[BuiltTransform, ...]:
    """Return the steps of a chain, proved one after the other.

    ``keys`` are those of ``desk.home``; a chain of one step needs none.

    Raises:
        OpeningDoesNotMatch: an input's opening is not that of its commitment.
    """
    built: list[BuiltTransform] = []
    owned: list[dict[int, OwnedLot]] = []

    def made(source: FromStep) -> OwnedLot:
        return owned[source.step][source.output]

    for step in chain.steps:
        one = build_transform(plan_of(step, made), desk.tables, entropy)
        built.append(one)
        owned.append({} if keys is None else claim_made(one, keys))
    return tuple(built)
