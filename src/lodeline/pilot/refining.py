"""Chapter of refining: sulfate and metal from hydroxide, with the refiner's own assurance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.holder.building import ProcessNumbers
from lodeline.holder.contents import total_amount
from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.figures import share_of
from lodeline.pilot.rights import grant_assurance
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling

__all__ = [
    "SULFATE",
    "Refining",
    "assured",
    "dissolve",
    "refine",
    "refined_amount",
    "refining_emissions",
]

SULFATE, METAL = FormName("cobalt-sulfate"), FormName("cobalt-metal")
RESIDUE = FormName("refinery-residue")


def assured(
    telling: Telling, month: int, holder: MemberId, standard: str, amount: Milligrams
) -> PlainLot | None:
    """Have a site certified under one standard for a tonnage; nothing where it never is."""
    site = telling.scenario.cast[holder].site
    for assurance in telling.scenario.assurances_of(site):
        if assurance.claim.standard == standard:
            return grant_assurance(telling, month, assurance, holder, amount)
    return None


def refined_amount(telling: Telling, lots: Sequence[PlainLot]) -> Milligrams:
    """Return the cobalt that refining some hydroxide gives."""
    whole = total_amount([lot.contents for lot in lots], (COBALT,))
    return share_of(whole, telling.figures.share("refining-yield"))


def refining_emissions(telling: Telling, product: Milligrams) -> ProcessNumbers:
    """Return the emissions of refining so much cobalt."""
    return telling.emitted("emissions-refining", {COBALT: product})


@dataclass(frozen=True)
class Refining:
    """How a refiner runs."""

    assurance: PlainLot | None
    """The refiner's own, from which the product's claim is drawn."""
    to_metal: bool = False
    aside: Milligrams | None = None
    """So much of the product is a lot of its own, the first."""
    residue: bool = False
    """Whether the residue is kept as a lot."""


def refine(
    telling: Telling, at: BlockTime, lots: Sequence[PlainLot], how: Refining
) -> tuple[PlainLot, ...]:
    """Refine hydroxide; return product, residue where it is kept, and the assurance's rest."""
    form = METAL if how.to_metal else SULFATE
    product = refined_amount(telling, lots)
    parts = [product] if how.aside is None else [how.aside, milligrams(product - how.aside)]
    outputs = [Wish(form, amounts={COBALT: part}) for part in parts]
    if how.residue:
        whole = total_amount([lot.contents for lot in lots], (COBALT,))
        left = share_of(whole, telling.figures.share("refining-residue"))
        outputs.append(Wish(RESIDUE, amounts={COBALT: left}, claims=()))
    return telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.REFINING,
            actor=lots[0].holder,
            recipe="refine-cobalt-metal" if how.to_metal else "refine-cobalt-sulfate",
            inputs=(*lots, *(() if how.assurance is None else (how.assurance,))),
            outputs=outputs,
            process=refining_emissions(telling, product),
        )
    )


def dissolve(telling: Telling, at: BlockTime, lot: PlainLot) -> PlainLot:
    """Dissolve cobalt metal to sulfate."""
    product = share_of(lot.contents.amount(COBALT), telling.figures.share("dissolving-yield"))
    (made,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.REFINING,
            actor=lot.holder,
            recipe="dissolve-cobalt-metal",
            inputs=(lot,),
            outputs=(Wish(SULFATE, amounts={COBALT: product}),),
            process=telling.emitted("emissions-transport", {COBALT: product}),
        )
    )
    return made
