"""How much of each strand every output gets, and what is left of licences and quotas.

Metal comes from the wishes, or is what the others leave. Tolerance is worked out: at mining as much
as recipe, licence and assurances allow; where it passes on, in proportion to the metal; at a
settlement, whatever the new weight leaves of the old sum. All in whole milligrams, so that every
balance of the recipe holds exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.custody.expansion import PlainBalance
from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.apportion import in_proportion
from lodeline.holder.contents import total_amount
from lodeline.holder.plan_claims import assured, drawn_standards
from lodeline.holder.plan_refusals import (
    AmountsMissing,
    BelowRecovery,
    MoreOutThanIn,
    NotAllAccounted,
    RestTwice,
    RightTooSmall,
    StrandNotExpected,
    ToleranceHasNoPlace,
)
from lodeline.holder.wishes import Desk, Draft, Order
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import StandardName, StrandName
from lodeline.kernel.units import Milligrams

__all__ = ["check_balances", "draft_outputs", "rights_left"]

_RIGHTS = (Kind.LICENCE, Kind.QUOTA)


def draft_outputs(desk: Desk, order: Order) -> list[Draft]:
    """Return the wished outputs with the amount of every strand.

    Raises:
        UnknownForm: a form that is in no table.
        StrandNotExpected, AmountsMissing, RestTwice, MoreOutThanIn: a wish that cannot be.
        ToleranceHasNoPlace: tolerance that must be passed on, and no output that can have it.
    """
    drafts = [Draft(wish, desk.form(wish.form)) for wish in order.wishes]
    for draft in drafts:
        _take_wished(order, draft)
    _take_rest(order, drafts)
    for balance in order.expanded.balances:
        _add_tolerance(order, drafts, balance)
    return drafts


def _given(order: Order, strands: Sequence[Strand]) -> int:
    return total_amount((supply.contents for supply in order.inputs), strands)


def _taken(drafts: Sequence[Draft], strands: Sequence[Strand]) -> int:
    return sum(draft.amounts.get(strand, 0) for draft in drafts for strand in strands)


def _take_wished(order: Order, draft: Draft) -> None:
    for strand, amount in (draft.wish.amounts or {}).items():
        if not strand.has_amount:
            continue
        if not draft.has(strand) or order.expanded.right_of(strand) is None:
            raise StrandNotExpected(draft.form.name, strand.name, order.recipe.name)
        draft.amounts[strand] = amount


def _take_rest(order: Order, drafts: Sequence[Draft]) -> None:
    takers = [draft for draft in drafts if draft.is_material and draft.wish.amounts is None]
    if len(takers) > 1:
        raise RestTwice(takers[0].form.name, takers[1].form.name)
    for draft in takers:
        if order.recipe.family is Family.MINE:
            raise AmountsMissing(draft.form.name, order.recipe.name)
        for balance in order.expanded.balances:
            for strand in balance.right:
                if strand.kind is Kind.METAL and draft.has(strand):
                    _rest_of(order, drafts, draft, strand)
        if not draft.amounts:
            raise AmountsMissing(draft.form.name, order.recipe.name)


def _rest_of(order: Order, drafts: Sequence[Draft], taker: Draft, strand: Strand) -> None:
    """Give the taker what the others leave of a metal; a strand that nobody has stays away."""
    balance = order.expanded.right_of(strand)
    if balance is None:
        return
    sources = (strand,) if strand in balance.left else balance.left
    if not any(source in supply.contents.amounts for supply in order.inputs for source in sources):
        return
    rest = _given(order, sources) - _taken(drafts, (strand,))
    if rest < 0:
        raise _more_out(order, drafts, strand)
    taker.amounts[strand] = Milligrams(rest)


def _more_out(order: Order, drafts: Sequence[Draft], strand: Strand) -> MoreOutThanIn:
    given = _given(order, (strand,))
    return MoreOutThanIn(strand.name, Milligrams(given), Milligrams(_taken(drafts, (strand,))))


# ------------------------------------------------------------------ tolerance


def _add_tolerance(order: Order, drafts: Sequence[Draft], balance: PlainBalance) -> None:
    for strand in balance.right:
        if strand.kind is not Kind.TOLERANCE:
            continue
        metal = Strand(strand.element, Kind.METAL)
        takers = [
            draft
            for draft in drafts
            if draft.is_material
            and draft.has(strand)
            and metal in draft.amounts
            and strand not in draft.amounts
        ]
        if balance.tolerance_ppm:
            _reserve(order, drafts, balance, strand, takers)
        elif any(strand in supply.contents.amounts for supply in order.inputs):
            _pass_on(order, drafts, balance, strand, takers)


def _reserve(
    order: Order,
    drafts: Sequence[Draft],
    balance: PlainBalance,
    strand: Strand,
    takers: Sequence[Draft],
) -> None:
    """At mining: as much reserve as recipe, licence and assurances allow, in order of outputs."""
    ppm = balance.tolerance_ppm
    if order.tolerance is not None:
        ppm = min(ppm, order.tolerance)
    if not ppm:
        return
    metal, element = Strand(strand.element, Kind.METAL), strand.element
    licence = Strand(element, Kind.LICENCE)
    free = _given(order, balance.left) - _taken(drafts, (metal, strand, licence))
    drawn = [drawn_standards(order, draft, balance, element) for draft in drafts]
    covered = {
        standard: assured(order, element, standard)
        - sum(
            draft.amounts.get(metal, 0) + draft.amounts.get(strand, 0)
            for draft, borne in zip(drafts, drawn, strict=True)
            if standard in borne
        )
        for standard in sorted(frozenset[StandardName]().union(*drawn))
    }
    for draft in takers:
        borne = drawn_standards(order, draft, balance, element)
        limits = [free, *(covered[standard] for standard in borne), _widest(draft, strand)]
        amount = max(0, min(draft.amounts[metal] * ppm // PPM_ONE, *limits))
        draft.amounts[strand] = Milligrams(amount)
        free -= amount
        for standard in borne:
            covered[standard] -= amount


def _widest(draft: Draft, strand: Strand) -> int:
    return (1 << (draft.form.width(strand.name) or 0)) - 1


def _pass_on(
    order: Order,
    drafts: Sequence[Draft],
    balance: PlainBalance,
    strand: Strand,
    takers: Sequence[Draft],
) -> None:
    """Share what came in, in proportion to the metal; a settlement keeps what the metal leaves."""
    metal = Strand(strand.element, Kind.METAL)
    free = _given(order, balance.left) - _taken(drafts, balance.right)
    if free < 0:
        return  # the check of balances says so in words
    lossless = balance.min_recovery_ppm == PPM_ONE
    if not takers:
        if lossless and free:
            raise ToleranceHasNoPlace(strand.name, Milligrams(free))
        return
    shares = in_proportion(free, [draft.amounts[metal] for draft in takers])
    for draft, share in zip(takers, shares, strict=True):
        amount = share if lossless else min(share, _widest(draft, strand))
        draft.amounts[strand] = Milligrams(amount)


# ------------------------------------------------------------------ balances


def rights_left(order: Order, drafts: Sequence[Draft]) -> dict[Strand, Milligrams]:
    """Return what is left of each licence and quota strand, where the recipe gives it back.

    Raises:
        RightTooSmall: less is there than is used.
    """
    left: dict[Strand, Milligrams] = {}
    for balance in order.expanded.balances:
        rights = [strand for strand in balance.right if strand.kind in _RIGHTS and balance.left]
        for strand in rights:
            held = _given(order, balance.left)
            needed = _taken(drafts, balance.right) + _taken(drafts, balance.counts)
            if needed > held:
                raise RightTooSmall(strand.name, Milligrams(held), Milligrams(needed))
            left[strand] = Milligrams(held - needed)
    return {strand: amount for strand, amount in left.items() if amount}


def check_balances(order: Order, drafts: Sequence[Draft]) -> None:
    """Check every balance without a remainder: nothing created, enough recovered.

    Raises:
        MoreOutThanIn, NotAllAccounted, BelowRecovery: a balance that does not hold.
    """
    for balance in order.expanded.balances:
        is_loss = not balance.right and not balance.counts
        has_rest = any(strand.kind in _RIGHTS for strand in balance.right)
        if not balance.left or is_loss or has_rest:
            continue
        given = _given(order, balance.left)
        taken = _taken(drafts, balance.right) + _taken(drafts, balance.counts)
        name = balance.right[0].name if balance.right else balance.left[0].name
        _check_balance(balance, name, given, taken)


def _check_balance(balance: PlainBalance, name: StrandName, given: int, taken: int) -> None:
    if taken > given:
        raise MoreOutThanIn(name, Milligrams(given), Milligrams(taken))
    least = -(-balance.min_recovery_ppm * given // PPM_ONE)
    if balance.min_recovery_ppm == PPM_ONE and taken < given:
        raise NotAllAccounted(name, Milligrams(given), Milligrams(taken))
    if taken < least:
        raise BelowRecovery(name, Milligrams(given), Milligrams(taken), Milligrams(least))
