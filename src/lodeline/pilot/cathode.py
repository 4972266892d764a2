"""Chapter of precursor and cathode material: nickel, manganese and lithium join the cobalt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.chemistry import NICKEL, Metals, Run, added
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import Telling

__all__ = ["make_cathode", "make_precursor"]


@dataclass(frozen=True)
class _Making:
    """One step of making: what comes out, under which recipe, with whose emissions."""

    recipe: str
    form: str
    metals: Sequence[Metals]
    """Of each lot that is made."""
    emissions: str


def make_precursor(
    telling: Telling, at: BlockTime, runs: Sequence[Run], lots: Sequence[PlainLot]
) -> PlainLot:
    """Make the precursor of some runs, one lot, from sulfates of cobalt, manganese and nickel."""
    chemistry = runs[0].chemistry
    making = _Making(
        f"make-precursor-{chemistry}",
        f"nmc{chemistry}-precursor",
        (added(run.precursor for run in runs),),
        "emissions-precursor",
    )
    return _made(telling, at, making, lots)[0]


def make_cathode(
    telling: Telling, at: BlockTime, runs: Sequence[Run], lots: Sequence[PlainLot]
) -> tuple[PlainLot, ...]:
    """Make cathode material from precursor and lithium salts, one lot for each run of cells."""
    chemistry = runs[0].chemistry
    making = _Making(
        f"make-cathode-{chemistry}",
        f"nmc{chemistry}-cathode",
        tuple(run.cathode for run in runs),
        "emissions-cathode",
    )
    return _made(telling, at, making, lots)


def _made(
    telling: Telling, at: BlockTime, making: _Making, lots: Sequence[PlainLot]
) -> tuple[PlainLot, ...]:
    nickel = milligrams(sum(metals[NICKEL] for metals in making.metals))
    return telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CATHODE,
            actor=lots[0].holder,
            recipe=making.recipe,
            inputs=lots,
            outputs=[Wish(FormName(making.form), amounts=metals) for metals in making.metals],
            process=telling.emitted(making.emissions, {NICKEL: nickel}),
        )
    )
