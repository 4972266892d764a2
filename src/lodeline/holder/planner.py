"""From an order to a step with every number filled in, or a refusal in words.

One core for every recipe; materials are data. In order: amounts, claims, remainders of licences,
quotas, assurances and credits, emissions, and at last the checks of forms and of size that the
proof would make. What comes out is true: the prover finds nothing to refuse, because every rounding
here is one that T6 and T8 accept whatever the numbers are (see ``apportion``).

Nothing is drawn, proved or stored here, and no clock is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lodeline.custody.claims import Model
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.apportion import share_emissions
from lodeline.holder.building import OwnedLot, PlannedLot
from lodeline.holder.contents import ClaimKey
from lodeline.holder.plan_amounts import check_balances, draft_outputs, rights_left
from lodeline.holder.plan_check import check_numbers
from lodeline.holder.plan_claims import Pool, assign_claims, check_claims
from lodeline.holder.plan_forms import check_forms
from lodeline.holder.plan_refusals import (
    EmissionsHaveNoPlace,
    LotNotOfSite,
    LotsDiffer,
    PrimaryAboveEmissions,
    ProcessBelowFloor,
    ProcessNumbersExpected,
    RecipientMissing,
)
from lodeline.holder.wishes import Desk, Draft, Order, Step, Supply, Wish
from lodeline.kernel.bounds import MAX_CLAIMS, MAX_STRANDS, PPM_ONE
from lodeline.kernel.ids import FormName, LotId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams, grams_co2e
from lodeline.ledger.refusals_transforms import RightFromNowhere
from lodeline.proofs.view import site_number

__all__ = ["plan_step"]


def plan_step(desk: Desk, order: Order) -> Step:
    """Return an order as a step with every number filled in.

    Raises:
        PlanRefused: the numbers cannot be; one class for each reason.
        ShapeRefused, UnknownForm, UnknownStandard, NoWeight: the order does not fit its recipe.
        RangesTooWide: more than one transform can prove; make several of it.
    """
    _check_sites(desk, order)
    if order.recipe.family is Family.SALE:
        return _checked(desk, order, _sold(order))
    order = _with_credit(desk, order)
    _check_process(order)
    drafts = draft_outputs(desk, order)
    pool = assign_claims(desk, order, drafts)
    rights = rights_left(order, drafts)
    check_balances(order, drafts)
    emissions = _emissions(desk, order, drafts)
    outputs = [
        _planned(desk, order, draft, borne)
        for draft, borne in zip(drafts, emissions, strict=True)
        if draft.is_material or draft.amounts or draft.claims
    ]
    outputs += _remainders(desk, order, rights, pool)
    return _checked(desk, order, outputs)


def _checked(desk: Desk, order: Order, outputs: Sequence[PlannedLot]) -> Step:
    check_claims(order, [planned.claims for planned in outputs])
    for planned in outputs:
        check_forms(desk.form(planned.form), planned)
    step = Step(
        order.recipe,
        order.site,
        order.inputs,
        tuple(outputs),
        order.process,
        order.signers,
        order.replaces,
    )
    check_numbers(desk, step)
    return step


def _check_sites(desk: Desk, order: Order) -> None:
    """A right of another site would be refused by T9; say which lot it is."""
    if order.site is None:
        return
    number = site_number(desk.tables.chain, order.site)
    for supply in order.inputs:
        bound = supply.contents.site_number
        if desk.is_material(supply.contents.form) or bound is None or bound == number:
            continue
        lot = supply.source.lot_id if isinstance(supply.source, OwnedLot) else LotId(bytes(32))
        raise LotNotOfSite(lot, supply.contents.form)


# ------------------------------------------------------------------ sales


def _sold(order: Order) -> list[PlannedLot]:
    """Return every input with the same numbers, under the buyer's address."""
    if not order.wishes:
        raise RecipientMissing(order.recipe.name)
    first = order.wishes[0]
    wishes = order.wishes if len(order.wishes) == len(order.inputs) else [first] * len(order.inputs)
    forms = [supply.contents.form for supply in order.inputs]
    for form in forms:
        if form != forms[0]:
            raise LotsDiffer(forms[0], form)
    return [_same(order, supply, wish) for supply, wish in zip(order.inputs, wishes, strict=True)]


def _same(order: Order, supply: Supply, wish: Wish) -> PlannedLot:
    contents = supply.contents
    if wish.recipient is None:
        raise RecipientMissing(order.recipe.name)
    return PlannedLot(
        form=contents.form,
        recipient=wish.recipient,
        amounts={strand: contents.amount(strand) for strand in contents.strands},
        claims=contents.claims,
        emissions=contents.emissions,
        primary=contents.primary,
        expires=contents.expires,
        site=supply.site,
        site_number=contents.site_number,
        references=wish.references,
        memo=wish.memo,
    )


# ------------------------------------------------------------------ credits made by the step


def _with_credit(desk: Desk, order: Order) -> Order:
    """Add the credit that a recipe must give, where no wish speaks of it."""
    wished = {wish.form for wish in order.wishes}
    for port in order.recipe.outputs:
        credit = [
            form
            for form in port.forms
            if form in desk.tables.forms and desk.form(form).form_class is FormClass.CREDIT
        ]
        if credit and port.at_least and not wished.intersection(port.forms):
            return replace(order, wishes=(*order.wishes, Wish(credit[0], amounts={})))
    return order


# ------------------------------------------------------------------ emissions


def _check_process(order: Order) -> None:
    if (order.process is not None) != order.recipe.has_process:
        raise ProcessNumbersExpected(order.recipe.name, order.recipe.has_process)
    if order.process is not None and order.process.primary > order.process.emissions:
        raise PrimaryAboveEmissions(order.process.emissions, order.process.primary)


_Borne = tuple[GramsCO2e, GramsCO2e] | None


def _emissions(desk: Desk, order: Order, drafts: Sequence[Draft]) -> list[_Borne]:
    """Return emissions and primary part of each output; nothing for rights."""
    _check_floor(order, drafts)
    emitting = [
        supply.contents
        for supply in order.inputs
        if desk.is_material(supply.contents.form)
        and desk.form(supply.contents.form).form_class is not FormClass.PRODUCT
    ]
    total: int = sum(contents.emissions or 0 for contents in emitting)
    primary: int = sum(contents.primary or 0 for contents in emitting)
    if order.process is not None:
        total, primary = total + order.process.emissions, primary + order.process.primary
    material = [draft for draft in drafts if draft.is_material]
    if total and not material and order.recipe.family is not Family.WRITE_OFF:
        raise EmissionsHaveNoPlace(order.recipe.name, GramsCO2e(total))
    shared = share_emissions(total, primary, _weights(order, material))
    pairs = iter(zip(shared.emissions, shared.primary, strict=True))
    return [_grams(next(pairs)) if draft.is_material else None for draft in drafts]


def _grams(pair: tuple[int, int]) -> tuple[GramsCO2e, GramsCO2e]:
    return grams_co2e(pair[0]), grams_co2e(pair[1])


def _weights(order: Order, material: Sequence[Draft]) -> list[int]:
    """Return the weighted amount of each output, as T8 has it.

    Tolerance weighs as its metal; where nothing weighs anything, everything weighs the same.
    """
    rates = [
        {
            strand: order.expanded.weight(draft.form.name, Strand(strand.element, Kind.METAL))
            for strand in draft.amounts
            if strand.is_material
        }
        for draft in material
    ]
    if not any(rate for one in rates for rate in one.values()):
        return [
            sum(draft.amounts[strand] for strand in one)
            for draft, one in zip(material, rates, strict=True)
        ]
    return [
        sum(draft.amounts[strand] * rate for strand, rate in one.items())
        for draft, one in zip(material, rates, strict=True)
    ]


def _check_floor(order: Order, drafts: Sequence[Draft]) -> None:
    if order.process is None:
        return
    least = sum(
        floor.intensity * draft.amounts.get(floor.strand, 0)
        for floor in order.expanded.floors
        for draft in drafts
    )
    if order.process.emissions * PPM_ONE < least:
        grams = GramsCO2e(-(-least // PPM_ONE))
        raise ProcessBelowFloor(order.recipe.name, order.process.emissions, grams)


# ------------------------------------------------------------------ planned lots


def _planned(desk: Desk, order: Order, draft: Draft, borne: _Borne) -> PlannedLot:
    amounts = dict(draft.amounts)
    for strand, _ in draft.claims:
        amounts.setdefault(strand, Milligrams(0))
    bound = _is_bound(order, draft.form, draft.claims)
    return PlannedLot(
        form=draft.form.name,
        recipient=draft.wish.recipient or desk.home,
        amounts=amounts,
        claims=draft.claims,
        emissions=None if borne is None else borne[0],
        primary=None if borne is None else borne[1],
        expires=_expiry(desk, order, draft.form),
        site=order.site if bound else None,
        product=draft.wish.product,
        references=draft.wish.references,
        memo=draft.wish.memo,
    )


def _is_bound(order: Order, form: Form, claims: Mapping[ClaimKey, Milligrams]) -> bool:
    """Rights, assurance and mass-balance credit belong to a site; book credit does not."""
    if not form.form_class.is_right:
        return order.recipe.marks_site
    models = {claim.model for strand, claim in claims if strand.kind is Kind.CREDIT}
    return models != {Model.BOOK_AND_CLAIM}


def _expiry(desk: Desk, order: Order, form: Form) -> BlockTime | None:
    if not form.form_class.is_right:
        return None
    found = desk.expiry(order.recipe.family, form.form_class, order.inputs)
    if found is None:
        raise RightFromNowhere(0, form.name)
    return found


def _remainders(
    desk: Desk, order: Order, rights: Mapping[Strand, Milligrams], pool: Pool
) -> list[PlannedLot]:
    """Return what is left of rights, assurances and credits, to whoever plans."""
    if order.recipe.family is Family.GRANT:
        return []
    found: list[Draft] = []
    by_form: dict[FormName, dict[Strand, Milligrams]] = {}
    for strand, amount in rights.items():
        by_form.setdefault(_form_with(order, strand), {})[strand] = amount
    for name, amounts in sorted(by_form.items()):
        parts = _chunks(list(amounts.items()), MAX_STRANDS)
        found += [Draft(Wish(name), desk.form(name), dict(part)) for part in parts]
    for name, claims in sorted(pool.left().items()):
        if _gives(order, name):
            found += [Draft(Wish(name), desk.form(name), {}, part) for part in _lots_of(claims)]
    return [_planned(desk, order, draft, None) for draft in found]


def _form_with(order: Order, strand: Strand) -> FormName:
    """Return the form of the first input that has a strand."""
    return next(s.contents.form for s in order.inputs if strand in s.contents.amounts)


def _gives(order: Order, form: FormName) -> bool:
    return any(form in port.forms for port in order.recipe.outputs)


def _chunks(
    items: list[tuple[Strand, Milligrams]], size: int
) -> list[list[tuple[Strand, Milligrams]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _lots_of(claims: Mapping[ClaimKey, Milligrams]) -> list[dict[ClaimKey, Milligrams]]:
    """Put claims together in as few lots as may be: one model for each standard and strand."""
    lots: list[dict[ClaimKey, Milligrams]] = []
    for (strand, claim), amount in claims.items():
        for lot in lots:
            taken = {(on, borne.standard) for on, borne in lot}
            strands = {on for on, _ in lot} | {strand}
            fits = len(lot) < MAX_CLAIMS and len(strands) <= MAX_STRANDS
            if (strand, claim.standard) not in taken and fits:
                lot[strand, claim] = amount
                break
        else:
            lots.append({(strand, claim): amount})
    return lots
