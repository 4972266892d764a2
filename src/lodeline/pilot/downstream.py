"""From sulfate to cars: rounds of production along one of the scenario's ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lodeline.custody.strands import Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import MemberId
from lodeline.pilot.cars import assemble_packs, put_on_market
from lodeline.pilot.cathode import make_cathode, make_precursor
from lodeline.pilot.cells import in_groups, make_cells
from lodeline.pilot.chemistry import (
    LITHIUM,
    MANGANESE,
    NICKEL,
    Metals,
    Run,
    added,
    less,
    plan_run,
)
from lodeline.pilot.outside import bring_in
from lodeline.pilot.scenario import Way
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import Telling

__all__ = ["Made", "Round", "make_round", "plan_rounds"]

_MOST_LOTS = 5
"""Lots of cells that one run makes; with its scrap that is what one proof holds."""
_PLAIN_GROUP, _RECYCLED_GROUP, _BLENDED_GROUP = 10, 7, 5
"""Packs assembled together, as many as one proof of 4,096 bits holds: blended claims widen it."""
_MARKET_DAYS = 10


@dataclass(frozen=True)
class Round:
    """One round of production: some runs of cells that share precursor and cathode material."""

    way: Way
    month: int
    runs: tuple[Run, ...]
    group: int
    first_number: int
    """Number of its first car."""

    @property
    def salts(self) -> Metals:
        """Return the metals that must be there as salts when it begins."""
        return added(run.salts for run in self.runs)


@dataclass(frozen=True)
class Made:
    """What a round made."""

    cars: tuple[PlainLot, ...]
    scrap: tuple[PlainLot, ...]


def plan_rounds(telling: Telling, first_month: int) -> tuple[Round, ...]:
    """Return the rounds in order: each way's first, and its second with the first one's scrap.

    The first way that recycles begins in ``first_month``; everything else is a month later.
    """
    total, rounds, left = telling.scale.cars, [], telling.scale.cars
    for way in telling.scenario.ways:
        cars = left if way is telling.scenario.ways[-1] else total * way.part // PPM_ONE
        left -= cars
        second = total * way.recycled_part // PPM_ONE
        early = way.recycled_part > 0
        if early:
            rounds.append(_planned(telling, way, first_month, cars - second, 1))
        number, rest = (cars - second + 1, second) if early else (1, cars)
        rounds.append(_planned(telling, way, first_month + 1, rest, number))
    return tuple(rounds)


def _planned(telling: Telling, way: Way, month: int, cars: int, number: int) -> Round:
    group = _RECYCLED_GROUP if number > 1 else _PLAIN_GROUP
    if way.second_refiner is not None:
        group = _BLENDED_GROUP
    most = group * _MOST_LOTS
    count = -(-cars // most)
    sizes = [cars // count + (1 if index < cars % count else 0) for index in range(count)]
    runs = tuple(plan_run(telling, way.chemistry, size) for size in sizes)
    return Round(way, month, runs, group, number)


def make_round(
    telling: Telling, planned: Round, sulfates: Sequence[PlainLot], lithium: Sequence[PlainLot]
) -> Made:
    """Make a round's cars from salts that its precursor and cathode makers hold.

    What the salts at hand do not have is brought in from outside.
    """
    cathodes = _cathodes(telling, planned, sulfates, lithium)
    sold = telling.book.sell(
        telling.at(planned.month, 7), Chapter.CATHODE, cathodes, planned.way.cells
    )
    cars: list[PlainLot] = []
    scrap: list[PlainLot] = []
    for run, cathode in zip(planned.runs, sold, strict=True):
        at = telling.at(planned.month, 9)
        cells, rejected = make_cells(telling, at, run, cathode, planned.group)
        scrap.append(rejected)
        packs = list(_packs(telling, planned, run, cells))
        cars.extend(_cars(telling, planned, packs, planned.first_number + len(cars)))
    return Made(tuple(cars), tuple(scrap))


def _cathodes(
    telling: Telling, planned: Round, sulfates: Sequence[PlainLot], lithium: Sequence[PlainLot]
) -> tuple[PlainLot, ...]:
    way, month = planned.way, planned.month
    wanted = less(planned.salts, added(lot.contents.amounts for lot in (*sulfates, *lithium)))
    others = _brought(telling, month, way.precursor, wanted, (MANGANESE, NICKEL))
    salts = (*lithium, *_brought(telling, month, way.cathode, wanted, (LITHIUM,)))
    at = telling.at(month, 3)
    precursor = make_precursor(telling, at, planned.runs, (*sulfates, *others))
    bought = telling.book.sell(telling.at(month, 4), Chapter.CATHODE, (precursor,), way.cathode)
    return make_cathode(telling, telling.at(month, 6), planned.runs, (*bought, *salts))


def _brought(
    telling: Telling, month: int, holder: MemberId, wanted: Metals, strands: Sequence[Strand]
) -> tuple[PlainLot, ...]:
    amounts = {strand: wanted[strand] for strand in wanted if strand in strands}
    return bring_in(telling, month, holder, amounts)


def _packs(
    telling: Telling, planned: Round, run: Run, cells: Sequence[PlainLot]
) -> Iterator[PlainLot]:
    """Yield the packs of a run as the carmaker's."""
    way, month = planned.way, planned.month
    bought = telling.book.sell(telling.at(month, 10), Chapter.CELLS, cells, way.packs)
    for lot, metals in zip(bought, in_groups(run.packs, planned.group), strict=True):
        packs = assemble_packs(telling, telling.at(month, 12), lot, metals)
        yield from telling.book.sell(telling.at(month, 14), Chapter.CARS, packs, way.cars)


def _cars(
    telling: Telling, planned: Round, packs: Sequence[PlainLot], number: int
) -> Iterator[PlainLot]:
    for index, pack in enumerate(packs):
        at = telling.at(planned.month, 16 + index % _MARKET_DAYS, 8 + index // _MARKET_DAYS % 12)
        yield put_on_market(telling, at, pack, number + index)
