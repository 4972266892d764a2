"""Chapter of mass balance: credit is deposited, taken up, and half of the rest carried on."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.custody.claims import ClaimName
from lodeline.custody.strands import Kind
from lodeline.holder.wishes import ClaimWish, Wish
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.refining import SULFATE, refined_amount, refining_emissions
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling, tied

__all__ = ["CREDIT", "banked", "carry", "deposit", "take_up"]

CREDIT = tied(COBALT, Kind.CREDIT)


def banked(credit: PlainLot) -> dict[ClaimName, Milligrams]:
    """Return what a credit bears, by claim."""
    claims = credit.contents.claims
    return {claim: number for (strand, claim), number in claims.items() if strand == CREDIT}


def deposit(telling: Telling, at: BlockTime, lots: Sequence[PlainLot]) -> tuple[PlainLot, PlainLot]:
    """Refine hydroxide and put its claims, as far as they reach the product, into credit."""
    product = refined_amount(telling, lots)
    sulfate, credit = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=lots[0].holder,
            recipe="refine-cobalt-sulfate-mass-balance",
            inputs=lots,
            outputs=(Wish(SULFATE, amounts={COBALT: product}),),
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
    product = refined_amount(telling, lots)
    claims = tuple(
        ClaimWish(claim.standard, claim.model, COBALT.element, min(number, aside))
        for claim, number in banked(credit).items()
    )
    sulfate, other, rest = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=lots[0].holder,
            recipe="refine-cobalt-sulfate-take-up",
            inputs=(*lots, credit),
            outputs=(
                Wish(SULFATE, amounts={COBALT: aside}, claims=claims),
                Wish(SULFATE, amounts={COBALT: milligrams(product - aside)}, claims=()),
            ),
            process=refining_emissions(telling, product),
        )
    )
    return sulfate, other, rest


def carry(telling: Telling, at: BlockTime, credit: PlainLot) -> PlainLot:
    """Carry what the standard lets of a credit into the next quarter; the rest lapses."""
    (carried,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CREDITS,
            actor=credit.holder,
            recipe="carry-credit",
            inputs=(credit,),
            outputs=(),
        )
    )
    return carried
