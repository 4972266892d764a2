"""The whole quarter, told: who sells what to whom, and how sulfate becomes cars.

July        mining to sulfate; the first claims go to credit
August      the first 622 cars; their scrap is recycled; credit is taken up
September   622 cars with recycled cobalt, 811 cars, counted stock, credit carried on
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from lodeline.kernel.units import milligrams
from lodeline.pilot.book import Book, Reference
from lodeline.pilot.chemistry import LITHIUM
from lodeline.pilot.downstream import Made, Round, make_round, plan_rounds
from lodeline.pilot.figures import share_of
from lodeline.pilot.leaching import count_silo
from lodeline.pilot.recycling import recycle
from lodeline.pilot.refineries import Aside, Yard, close_credit, refine_month, sell_month
from lodeline.pilot.refining import assured
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.steps import Chapter, PlainLot, Step
from lodeline.pilot.telling import COBALT, MONTHS, Scale, Telling
from lodeline.pilot.upstream import Stores, upstream_month

__all__ = ["Story", "tell"]

JULY, AUGUST, SEPTEMBER = MONTHS


@dataclass(frozen=True)
class Story:
    """A told quarter."""

    steps: tuple[Step, ...]
    """By block time."""
    book: Book
    cars: tuple[PlainLot, ...]
    """Every battery put on the market."""


def tell(scenario: Scenario, reference: Reference, scale: Scale, seed: int) -> Story:
    """Tell the quarter; one seed and scale always give the same steps, lot by lot.

    Raises:
        LotGone, LotNotHeld, LotNotYetMade: the story contradicts itself.
    """
    book = Book(reference, scenario.cast)
    dice = random.Random(seed)  # noqa: S311 - quantities and hours only, never a key
    telling = Telling(scenario, book, dice, scale)
    cars = _quarter(telling)
    return Story(book.steps(), book, cars)


def _quarter(telling: Telling) -> tuple[PlainLot, ...]:
    stores, yard = Stores(), Yard()
    first, second, other = plan_rounds(telling, AUGUST)
    pooled, _, _ = _upstream(telling, JULY, stores, yard, Aside(pooled=first.salts[COBALT]))
    sulfate = _sold(telling, JULY, pooled, first)
    early = make_round(telling, first, sulfate, ())
    salts = _recycled(telling, early, first)
    recycled = sum(lot.contents.amount(COBALT) for lot in salts)
    aside = _aside(second, other, recycled)
    pooled, metal, balanced = _upstream(telling, AUGUST, stores, yard, aside)
    sulfate = (*_sold(telling, AUGUST, pooled, second), *salts)
    lithium = tuple(lot for lot in sulfate if LITHIUM in lot.contents.amounts)
    others = tuple(lot for lot in sulfate if lot not in lithium)
    late = make_round(telling, second, others, lithium)
    bought = (*_sold(telling, AUGUST, metal, other), *_sold(telling, AUGUST, balanced, other))
    rest = make_round(telling, other, bought, ())
    if telling.scale.whole:
        _upstream(telling, SEPTEMBER, stores, yard, Aside())
    close_credit(telling, yard)
    for silo in stores.silos.values():
        count_silo(telling, silo)
    return (*early.cars, *late.cars, *rest.cars)


def _aside(second: Round, other: Round, recycled: int) -> Aside:
    cobalt = other.salts[COBALT]
    balanced = share_of(cobalt, other.way.second_part)
    return Aside(
        pooled=milligrams(second.salts[COBALT] - recycled),
        metal=milligrams(cobalt - balanced),
        balanced=balanced,
    )


def _upstream(
    telling: Telling, month: int, stores: Stores, yard: Yard, aside: Aside
) -> tuple[PlainLot | None, PlainLot | None, PlainLot | None]:
    upstream_month(telling, month, stores)
    sell_month(telling, month, stores, yard)
    return refine_month(telling, month, yard, aside)


def _sold(
    telling: Telling, month: int, sulfate: PlainLot | None, planned: Round
) -> tuple[PlainLot, ...]:
    """Sell sulfate that was set aside to a round's precursor maker."""
    if sulfate is None:
        return ()
    buyer = planned.way.precursor
    return telling.book.sell(telling.at(month, 27), Chapter.TRADE, (sulfate,), buyer)


def _recycled(telling: Telling, made: Made, planned: Round) -> tuple[PlainLot, ...]:
    """Have a round's scrap recycled by its refiner, and the salts sold back into the way."""
    way, month, book = planned.way, planned.month, telling.book
    scrap = book.sell(telling.at(month, 11), Chapter.RECYCLING, made.scrap, way.refiner)
    expected = milligrams(sum(lot.contents.amount(COBALT) for lot in scrap))
    assurance = assured(telling, month, way.refiner, "recycled-pre", expected)
    if assurance is None:
        return ()
    salts = recycle(telling, telling.at(month, 14), scrap, assurance).salts
    at = telling.at(month, 27)
    sold: list[PlainLot] = []
    for strand, lot in salts.items():
        buyer = way.cathode if strand == LITHIUM else way.precursor
        sold += book.sell(at, Chapter.RECYCLING, (lot,), buyer)
    return tuple(sold)
