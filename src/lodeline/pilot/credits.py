"""Chapter of mass balance: credit is deposited, taken up, and half of the rest carried on."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.contents import ClaimKey, Contents
from lodeline.kernel.ids import FormName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.numbers import Wanted
from lodeline.pilot.refining import SULFATE, refined_amount, refining_emissions
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling, tied

__all__ = ["carry", "deposit", "take_up"]

CREDIT = tied(COBALT, Kind.CREDIT)
_CARRIED = 2
"""At most half of a credit is carried on: the standard's own share."""


def _balanced(claim: ClaimName) -> ClaimName:
    return ClaimName(claim.standard, Model.MASS_BALANCE)


def _claimed(contents: Contents, strand: Strand) -> dict[ClaimName, Milligrams]:
    return {claim: number for (borne, claim), number in contents.claims.items() if borne == strand}


def deposit(telling: Telling, at: BlockTime, lots: Sequence[PlainLot]) -> tuple[PlainLot, PlainLot]:
    """Refine hydroxide and put its claims, as far as they reach the product, into credit."""
    holder, product = lots[0].holder, refined_amount(telling, lots)
    whole = sum(lot.contents.amount(COBALT) for lot in lots)
    exact: dict[ClaimKey, Milligrams] = {}
    for lot in lots:
        for claim, number in _claimed(lot.contents, COBALT).items():
            key = (CREDIT, _balanced(claim))
            exact[key] = milligrams(exact.get(key, 0) + number * product // whole)
    sulfate, credit = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=holder,
            recipe="refine-cobalt-sulfate-mass-balance",
            inputs=lots,
            outputs=(
                Wanted(holder, SULFATE, {COBALT: product}),
                Wanted(holder, FormName("credit"), exact=exact),
            ),
            process=refining_emissions(telling, product),
        )
    )
    return sulfate, credit


def take_up(
    telling: Telling,
    at: BlockTime,
    lots: Sequence[PlainLot],
    credit: PlainLot,
    aside: Milligrams,
) -> tuple[PlainLot, PlainLot, PlainLot]:
    """Refine hydroxide without claims; the lot set aside takes its claims from the credit.

    Returns the lot set aside, the other sulfate, and what is left of the credit.
    """
    holder, product = lots[0].holder, refined_amount(telling, lots)
    banked = _claimed(credit.contents, CREDIT)
    taken = {claim: min(number, aside) for claim, number in banked.items()}
    left = {(CREDIT, claim): milligrams(banked[claim] - taken[claim]) for claim in banked}
    bearing: dict[ClaimKey, Milligrams] = {(COBALT, claim): taken[claim] for claim in taken}
    sulfate, other, rest = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=holder,
            recipe="refine-cobalt-sulfate-take-up",
            inputs=(*lots, credit),
            outputs=(
                Wanted(holder, SULFATE, {COBALT: aside}, exact=bearing),
                Wanted(holder, SULFATE, {COBALT: milligrams(product - aside)}),
                Wanted(holder, FormName("credit"), exact=left),
            ),
            process=refining_emissions(telling, product),
        )
    )
    return sulfate, other, rest


def carry(telling: Telling, at: BlockTime, credit: PlainLot) -> PlainLot:
    """Carry half of a credit into the next quarter; the other half lapses."""
    exact: dict[ClaimKey, Milligrams] = {
        (CREDIT, claim): milligrams(number // _CARRIED)
        for claim, number in _claimed(credit.contents, CREDIT).items()
    }
    (carried,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=credit.holder,
            recipe="carry-credit",
            inputs=(credit,),
            outputs=(Wanted(credit.holder, FormName("credit-carried"), exact=exact),),
        )
    )
    return carried
