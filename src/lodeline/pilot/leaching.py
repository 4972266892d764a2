"""Chapter of leaching: circuits run as campaigns, and the silo.

A campaign takes the stock that stood in the circuit when it began and the ore received, and gives
hydroxide, copper as by-product, at the quarter's end a residue, and the stock counted when it
ended. A part of one per cent is not accounted for. The silo is drawn on and refilled the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lodeline.custody.strands import Strand
from lodeline.holder.contents import total_amount
from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName
from lodeline.kernel.units import Milligrams, Ppm, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.companies import Company
from lodeline.pilot.figures import share_of
from lodeline.pilot.rights import expected_output, grant_intake
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, COPPER, MONTHS, Telling

__all__ = ["Campaign", "count_silo", "leach_month", "open_circuit", "through_silo"]

HYDROXIDE = FormName("cobalt-hydroxide")
STOCK = FormName("leach-stock")


@dataclass(frozen=True)
class Campaign:
    """What a campaign gave."""

    hydroxide: PlainLot
    cathode: PlainLot
    stock: PlainLot


def open_circuit(telling: Telling, company: Company) -> PlainLot:
    """Bring the stock that stood in a circuit before the pilot onto the ledger, without claims."""
    share = telling.figures.share("opening-stock")
    cobalt = share_of(expected_output(telling, company), share)
    amounts = {
        COBALT: cobalt,
        COPPER: milligrams(cobalt * telling.figures.times("copper-for-cobalt")),
    }
    intake = grant_intake(telling, MONTHS[0], company.member, amounts)
    (stock,) = telling.book.work(
        Deed(
            at=telling.at(MONTHS[0], 2),
            chapter=Chapter.OUTSIDE,
            actor=company.member,
            recipe="open-stock",
            inputs=(intake,),
            outputs=(Wish(STOCK, amounts=amounts),),
            process=telling.unmeasured("emissions-leaching", cobalt),
        )
    )
    return stock


def leach_month(
    telling: Telling,
    month: int,
    company: Company,
    ores: Sequence[PlainLot],
    stock: PlainLot | None,
) -> Campaign:
    """Run one campaign over a month's ore and the stock in the circuit."""
    inputs = (*ores, *(() if stock is None else (stock,)))
    contents = [lot.contents for lot in inputs]
    metals = {strand: total_amount(contents, (strand,)) for strand in (COBALT, COPPER)}
    hydroxide, cathode, left, *_ = telling.book.work(
        Deed(
            at=telling.at(month, 9),
            chapter=Chapter.LEACHING,
            actor=company.member,
            recipe="leach-cobalt",
            inputs=inputs,
            outputs=_outputs(telling, metals, residue=month == MONTHS[-1]),
            process=telling.emitted("emissions-leaching", metals),
        )
    )
    return Campaign(hydroxide, cathode, left)


def _outputs(
    telling: Telling, metals: Mapping[Strand, Milligrams], *, residue: bool
) -> tuple[Wish, ...]:
    """Return products and counted stock; what is neither, nor in a residue, is not explained."""
    figures = telling.figures
    product = {
        COBALT: share_of(metals[COBALT], figures.share("leach-cobalt-to-hydroxide")),
        COPPER: share_of(metals[COPPER], figures.share("leach-copper-to-cathode")),
    }
    left = figures.share("leach-to-residue") if residue else Ppm(0)
    thrown = {strand: share_of(amount, left) for strand, amount in metals.items()}
    lost = {s: share_of(a, figures.share("leach-unexplained")) for s, a in metals.items()}
    stock = {s: milligrams(metals[s] - product[s] - thrown[s] - lost[s]) for s in metals}
    wishes = [
        Wish(HYDROXIDE, amounts={COBALT: product[COBALT]}),
        Wish(FormName("copper-cathode"), amounts={COPPER: product[COPPER]}),
        Wish(STOCK, amounts=stock),
    ]
    if residue:
        wishes.append(Wish(FormName("leach-residue"), amounts=thrown))
    return tuple(wishes)


# ------------------------------------------------------------------ silo


def through_silo(
    telling: Telling, month: int, silo: PlainLot | None, hydroxide: PlainLot, ship: Milligrams
) -> tuple[PlainLot, PlainLot]:
    """Put a month's hydroxide into the silo and draw a shipment; return shipment and silo."""
    shipment, left = telling.book.work(
        Deed(
            at=telling.at(month, 10),
            chapter=Chapter.LEACHING,
            actor=hydroxide.holder,
            recipe="store",
            inputs=(hydroxide,) if silo is None else (silo, hydroxide),
            outputs=(Wish(HYDROXIDE, amounts={COBALT: ship}), Wish(HYDROXIDE)),
        )
    )
    return shipment, left


def count_silo(telling: Telling, silo: PlainLot) -> PlainLot:
    """Have the silo counted at the quarter's end, with an auditor: a little is not there."""
    found = share_of(silo.contents.amount(COBALT), telling.figures.share("silo-found"))
    (counted,) = telling.book.work(
        Deed(
            at=telling.at(MONTHS[-1], 28, 20),
            chapter=Chapter.LEACHING,
            actor=silo.holder,
            recipe="count",
            inputs=(silo,),
            outputs=(Wish(HYDROXIDE, amounts={COBALT: found}),),
        )
    )
    return counted
