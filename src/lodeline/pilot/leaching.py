"""Chapter of leaching: circuits run as campaigns, and the silo.

A campaign takes the stock that stood in the circuit when it began and the ore received, and gives
hydroxide, copper as by-product, now and then a residue, and the stock counted when it ended. A part
of one per cent is not accounted for. The silo is drawn on and refilled the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lodeline.custody.strands import Strand
from lodeline.holder.contents import total_amount
from lodeline.kernel.ids import FormName
from lodeline.kernel.units import Milligrams, Ppm, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.companies import Company
from lodeline.pilot.figures import share_of
from lodeline.pilot.numbers import Wanted
from lodeline.pilot.rights import expected_output, grant_intake
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, COPPER, MONTHS, RESERVE, Telling, inherited, strands_of

__all__ = ["Campaign", "count_silo", "leach_month", "open_circuit", "parted", "through_silo"]

HYDROXIDE = FormName("cobalt-hydroxide")
STOCK = FormName("leach-stock")
_OPENING_SHARE = 4
"""The stock in a circuit at the start is a quarter of a month's output."""
_FOUND = Ppm(997_000)
"""Part of a silo that the count at the quarter's end finds; an assumption."""


@dataclass(frozen=True)
class Campaign:
    """What a campaign gave."""

    hydroxide: PlainLot
    cathode: PlainLot
    stock: PlainLot


def open_circuit(telling: Telling, company: Company) -> PlainLot:
    """Bring the stock that stood in a circuit before the pilot onto the ledger, without claims."""
    cobalt = milligrams(expected_output(telling, company) // _OPENING_SHARE)
    amounts = {
        COBALT: cobalt,
        COPPER: milligrams(cobalt * telling.figures.times("copper-for-cobalt")),
    }
    intake = grant_intake(telling, 0, company.member, amounts)
    (stock,) = telling.book.work(
        Deed(
            at=telling.at(0, 2),
            chapter=Chapter.OUTSIDE,
            actor=company.member,
            recipe="open-stock",
            inputs=(intake,),
            outputs=(Wanted(company.member, STOCK, amounts),),
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
    reserve = total_amount(contents, (RESERVE,))
    wanted = _campaign_outputs(telling, company, metals, reserve, residue=month == MONTHS[-1])
    claims = {strand: inherited(inputs, strand) for strand in (COBALT, COPPER, RESERVE)}
    outputs = tuple(
        Wanted(
            item.holder,
            item.form,
            item.amounts,
            tuple(key for strand in item.amounts for key in claims[strand]),
        )
        for item in wanted
    )
    hydroxide, cathode, left, *_ = telling.book.work(
        Deed(
            at=telling.at(month, 9),
            chapter=Chapter.LEACHING,
            actor=company.member,
            recipe="leach-cobalt",
            inputs=inputs,
            outputs=outputs,
            process=telling.emitted("emissions-leaching", metals),
        )
    )
    return Campaign(hydroxide, cathode, left)


def _campaign_outputs(
    telling: Telling,
    company: Company,
    metals: Mapping[Strand, Milligrams],
    reserve: Milligrams,
    *,
    residue: bool,
) -> tuple[Wanted, ...]:
    """Return products and counted stock; what is neither, nor in a residue, is not explained."""
    figures = telling.figures
    hydroxide = share_of(metals[COBALT], figures.share("leach-cobalt-to-hydroxide"))
    cathode = share_of(metals[COPPER], figures.share("leach-copper-to-cathode"))
    product = {COBALT: hydroxide, COPPER: cathode}
    thrown = {
        strand: share_of(amount, figures.share("leach-to-residue")) if residue else Milligrams(0)
        for strand, amount in metals.items()
    }
    lost = {s: share_of(a, figures.share("leach-unexplained")) for s, a in metals.items()}
    stock = {s: milligrams(metals[s] - product[s] - thrown[s] - lost[s]) for s in metals}
    kept = milligrams(reserve * hydroxide // max(1, metals[COBALT]))
    me = company.member
    wanted = [
        Wanted(me, HYDROXIDE, {COBALT: hydroxide, RESERVE: kept}),
        Wanted(me, FormName("copper-cathode"), {COPPER: cathode}),
        Wanted(me, STOCK, {**stock, RESERVE: milligrams(reserve - kept)}),
    ]
    if residue:
        wanted.append(Wanted(me, FormName("leach-residue"), thrown))
    return tuple(wanted)


# ------------------------------------------------------------------ silo


def through_silo(
    telling: Telling, month: int, silo: PlainLot | None, hydroxide: PlainLot, ship: Milligrams
) -> tuple[PlainLot, PlainLot]:
    """Put a month's hydroxide into the silo and draw a shipment; return shipment and silo."""
    inputs = (hydroxide,) if silo is None else (silo, hydroxide)
    shipment, left = parted(inputs, ship)
    made = telling.book.work(
        Deed(
            at=telling.at(month, 10),
            chapter=Chapter.LEACHING,
            actor=hydroxide.holder,
            recipe="store",
            inputs=inputs,
            outputs=(shipment, left),
        )
    )
    return made[0], made[1]


def parted(inputs: Sequence[PlainLot], part: Milligrams) -> tuple[Wanted, Wanted]:
    """Return two outputs: one with so much of the first metal and its share of the rest."""
    contents = [lot.contents for lot in inputs]
    strands = strands_of(inputs)
    whole = {strand: total_amount(contents, (strand,)) for strand in strands}
    lead = contents[0].metals[0]
    first = {s: milligrams(whole[s] * part // whole[lead]) for s in strands}
    second = {s: milligrams(whole[s] - first[s]) for s in strands}
    claims = tuple(key for strand in strands for key in inherited(inputs, strand))
    holder, form = inputs[0].holder, contents[0].form
    return Wanted(holder, form, first, claims), Wanted(holder, form, second, claims)


def count_silo(telling: Telling, silo: PlainLot) -> PlainLot:
    """Have the silo counted at the quarter's end, with an auditor: a little is not there."""
    amounts = {strand: share_of(amount, _FOUND) for strand, amount in silo.contents.amounts.items()}
    claims = tuple(key for strand in amounts for key in inherited((silo,), strand))
    (counted,) = telling.book.work(
        Deed(
            at=telling.at(MONTHS[-1], 28, 20),
            chapter=Chapter.LEACHING,
            actor=silo.holder,
            recipe="count",
            inputs=(silo,),
            outputs=(Wanted(silo.holder, silo.contents.form, amounts, claims),),
        )
    )
    return counted
