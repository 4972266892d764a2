"""Chapter of mining: ore from licence, with its measurement reserve and drawn claims."""

from __future__ import annotations

from dataclasses import replace

from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName
from lodeline.kernel.units import Milligrams, Ppm, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.companies import Company
from lodeline.pilot.figures import share_of
from lodeline.pilot.rights import Rights, expected_output
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, COPPER, RESERVE, Telling

__all__ = ["mine_month"]

_FIRST_DAY = 3


def mine_month(
    telling: Telling, month: int, company: Company, rights: Rights
) -> tuple[PlainLot, ...]:
    """Mine a month's ore in batches, a day each, and return it; what is left of rights lapses."""
    count = telling.scale.batches
    average = milligrams(expected_output(telling, company) // count)
    ores = []
    for day in range(_FIRST_DAY, _FIRST_DAY + count):
        deed = _batch(telling, month, company, rights, day, telling.swung(average))
        ore, *left = telling.book.work(deed)
        rights = replace(rights, licence=left[0], assurances=tuple(left[1:]))
        ores.append(ore)
    return tuple(ores)


def _batch(
    telling: Telling, month: int, company: Company, rights: Rights, day: int, cobalt: Milligrams
) -> Deed:
    copper = milligrams(cobalt * telling.figures.times("copper-for-cobalt"))
    reserve = share_of(cobalt, telling.figures.share("measurement-reserve"))
    amounts = {COBALT: cobalt, COPPER: copper, RESERVE: reserve}
    return Deed(
        at=telling.at(month, day),
        chapter=Chapter.MINING,
        actor=company.member,
        recipe="mine-copper-cobalt",
        inputs=(rights.licence, *rights.assurances),
        outputs=(Wish(FormName("copper-cobalt-ore"), amounts=amounts),),
        process=telling.emitted("emissions-mining", {COBALT: cobalt, COPPER: copper}),
        tolerance=Ppm(0),  # copper is weighed once, as cathode, and needs no reserve
    )
