"""Chapter of mining: ore from licence, with its measurement reserve and drawn claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lodeline.custody.strands import Strand
from lodeline.holder.contents import ClaimKey
from lodeline.kernel.ids import FormName
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.companies import Company
from lodeline.pilot.figures import share_of
from lodeline.pilot.numbers import Wanted
from lodeline.pilot.rights import Rights, claims_in, expected_output
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, COPPER, RESERVE, Telling, metal

__all__ = ["left_of_assurance", "mine_month"]

_FIRST_DAY, _DAYS_BETWEEN = 3, 1


@dataclass(frozen=True)
class _Batch:
    """One batch of ore: where in the month, and how much metal and reserve."""

    day: int
    amounts: Mapping[Strand, Milligrams]

    @property
    def used(self) -> dict[Strand, Milligrams]:
        """Return what it takes of the licence, by metal: metal and reserve together."""
        total: dict[Strand, Milligrams] = {}
        for strand, amount in self.amounts.items():
            key = metal(strand.element)
            total[key] = milligrams(total.get(key, 0) + amount)
        return total


def mine_month(
    telling: Telling, month: int, company: Company, rights: Rights
) -> tuple[tuple[PlainLot, ...], Rights]:
    """Mine a month's ore in batches; return the ore and what is left of the rights."""
    count = telling.scale.batches
    average = milligrams(expected_output(telling, company) // count)
    ores = []
    for index in range(count):
        cobalt = telling.swung(average)
        amounts = {
            COBALT: cobalt,
            RESERVE: share_of(cobalt, telling.figures.share("measurement-reserve")),
            COPPER: milligrams(cobalt * telling.figures.times("copper-for-cobalt")),
        }
        batch = _Batch(_FIRST_DAY + index * _DAYS_BETWEEN, amounts)
        ore, rights = _mined(telling, month, company, rights, batch)
        ores.append(ore)
    return tuple(ores), rights


def _mined(
    telling: Telling, month: int, company: Company, rights: Rights, batch: _Batch
) -> tuple[PlainLot, Rights]:
    claims = tuple(
        (strand, claim)
        for assurance in rights.assurances
        for certified, claim, _ in claims_in(assurance)
        for strand in batch.amounts
        if strand.element == certified.element
    )
    licence = {
        strand: milligrams(amount - batch.used[metal(strand.element)])
        for strand, amount in rights.licence.contents.amounts.items()
    }
    left = [left_of_assurance(item, batch.used) for item in rights.assurances]
    ore, licence_lot, *assurances = telling.book.work(
        Deed(
            at=telling.at(month, batch.day),
            chapter=Chapter.MINING,
            actor=company.member,
            recipe="mine-copper-cobalt",
            inputs=(rights.licence, *rights.assurances),
            outputs=(
                Wanted(company.member, FormName("copper-cobalt-ore"), batch.amounts, claims),
                Wanted(company.member, FormName("licence"), licence),
                *left,
            ),
            process=telling.emitted(
                "emissions-mining", {key: batch.amounts[key] for key in (COBALT, COPPER)}
            ),
        )
    )
    return ore, replace(rights, licence=licence_lot, assurances=tuple(assurances))


def left_of_assurance(assurance: PlainLot, used: Mapping[Strand, Milligrams]) -> Wanted:
    """Return the rest of an assurance after amounts of some metals were drawn from it."""
    exact: dict[ClaimKey, Milligrams] = {
        (strand, claim): milligrams(amount - used.get(metal(strand.element), 0))
        for strand, claim, amount in claims_in(assurance)
    }
    return Wanted(assurance.holder, FormName("assurance"), exact=exact)
