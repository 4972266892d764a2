"""The traders' sales to the refiners and the refiners' months.

The first way's refiner works segregated, the second way's makes metal and dissolves it, and the
third, the second refiner of the second way, keeps a mass balance: in July claims go into credit, in
August sulfate from uncertified hydroxide takes them up, in September half of the rest is carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import MemberId
from lodeline.kernel.units import Milligrams
from lodeline.pilot.credits import carry, deposit, take_up
from lodeline.pilot.figures import share_of
from lodeline.pilot.mishaps import accepted_in_part, declined
from lodeline.pilot.refining import Refining, assured, dissolve, refine, refined_amount
from lodeline.pilot.scenario import Producer
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, MONTHS, Telling, scaled
from lodeline.pilot.trading import blend, split
from lodeline.pilot.upstream import Stores

__all__ = ["Aside", "Yard", "close_credit", "refine_month", "sell_month"]

JULY, AUGUST, SEPTEMBER = MONTHS
_STANDARD = "RMAP-refiner"


@dataclass
class Yard:
    """Hydroxide that stands at the refiners, and the credit of the one who keeps a balance."""

    pooled: list[PlainLot] = field(default_factory=list)
    """Blended lots at the first way's refiner."""
    metal: list[PlainLot] = field(default_factory=list)
    """Lots at the second way's refiner."""
    banked: list[PlainLot] = field(default_factory=list)
    """Lots whose claims go into credit."""
    waiting: dict[MemberId, list[PlainLot]] = field(default_factory=dict)
    """Lots at the third refiner by producer: the uncertified and the artisanal one."""
    credit: PlainLot | None = None


@dataclass(frozen=True)
class Aside:
    """Cobalt that this month's sulfate must be set aside for, by whom it is refined."""

    pooled: Milligrams | None = None
    metal: Milligrams | None = None
    balanced: Milligrams | None = None


# ------------------------------------------------------------------ traders


def sell_month(telling: Telling, month: int, stores: Stores, yard: Yard) -> None:
    """Sell a month's settled hydroxide on to the refiners."""
    producers = telling.scenario.producers
    first = telling.scenario.ways[0].refiner
    pooled = [item for item in producers if item.refiner == first]
    _sell_pool(telling, month, [stores.settled[item.member] for item in pooled], yard)
    for producer in producers:
        if producer not in pooled:
            _sell_single(telling, month, producer, stores.settled[producer.member], yard)


def _sell_pool(telling: Telling, month: int, lots: Sequence[PlainLot], yard: Yard) -> None:
    """Blend what has equal claims; in July a part goes to credit, later not all is ordered."""
    first, second = telling.scenario.ways[0].refiner, telling.scenario.ways[1].second_refiner
    pool = blend(telling, telling.at(month, 22), lots)
    whole, at = pool.contents.amount(COBALT), telling.at(month, 23)
    if month == JULY and second is not None:
        banked = share_of(whole, telling.figures.share("blend-to-credit"))
        part, pool = split(telling, telling.at(month, 22, 18), pool, banked, Chapter.TRADE)
        yard.banked += telling.book.sell(at, Chapter.TRADE, (part,), second)
        yard.pooled += telling.book.sell(at, Chapter.TRADE, (pool,), first)
        return
    ordered = share_of(whole, telling.figures.share("blend-ordered"))
    if month == AUGUST:
        yard.pooled.append(accepted_in_part(telling, at, pool, first, ordered)[0])
        return
    part, _ = split(telling, telling.at(month, 22, 18), pool, ordered, Chapter.TRADE)
    yard.pooled += telling.book.sell(at, Chapter.TRADE, (part,), first)


def _sell_single(
    telling: Telling, month: int, producer: Producer, lot: PlainLot, yard: Yard
) -> None:
    if month == SEPTEMBER and producer.kept_at_end:
        return
    if month == JULY and producer.refused_by is not None:
        declined(telling, telling.at(month, 22), lot, producer.refused_by)
    bought = telling.book.sell(telling.at(month, 23), Chapter.TRADE, (lot,), producer.refiner)
    if producer.refiner == telling.scenario.ways[1].refiner:
        yard.metal += bought
    else:
        yard.waiting.setdefault(producer.member, []).extend(bought)


# ------------------------------------------------------------------ refiners


def refine_month(
    telling: Telling, month: int, yard: Yard, aside: Aside
) -> tuple[PlainLot | None, PlainLot | None, PlainLot | None]:
    """Refine what stands ready; return the sulfate set aside by each of the three refiners."""
    pooled = _refine_pooled(telling, month, yard, aside.pooled)
    metal = _refine_metal(telling, month, yard, aside.metal)
    balanced = _refine_balanced(telling, month, yard, aside.balanced)
    return pooled, metal, balanced


def _how(
    telling: Telling, month: int, lots: Sequence[PlainLot], aside: Milligrams | None
) -> Refining:
    product = refined_amount(telling, lots)
    headroom = PPM_ONE + telling.figures.share("licence-headroom")
    certified = scaled(product, headroom, PPM_ONE)
    assurance = assured(telling, month, lots[0].holder, _STANDARD, certified)
    return Refining(assurance, aside=aside, residue=month == SEPTEMBER)


def _refine_pooled(
    telling: Telling, month: int, yard: Yard, aside: Milligrams | None
) -> PlainLot | None:
    lots, yard.pooled = yard.pooled, []
    how = _how(telling, month, lots, aside)
    made = refine(telling, telling.at(month, 25), lots, how)
    return None if aside is None else made[0]


def _refine_metal(
    telling: Telling, month: int, yard: Yard, aside: Milligrams | None
) -> PlainLot | None:
    """Refine to metal; what is set aside is dissolved, with a little more for what stays back."""
    lots, yard.metal = yard.metal, []
    metal = (
        None if aside is None else scaled(aside, PPM_ONE, telling.figures.share("dissolving-yield"))
    )
    how = _how(telling, month, lots, metal)
    metal_how = Refining(how.assurance, to_metal=True, aside=metal, residue=how.residue)
    made = refine(telling, telling.at(month, 25), lots, metal_how)
    return None if aside is None else dissolve(telling, telling.at(month, 26), made[0])


def _refine_balanced(
    telling: Telling, month: int, yard: Yard, aside: Milligrams | None
) -> PlainLot | None:
    if month == JULY:
        _, yard.credit = deposit(telling, telling.at(month, 25), yard.banked)
        return None
    uncertified, artisanal = _by_claims(yard)
    if month == AUGUST and yard.credit is not None and aside is not None:
        taken, _, yard.credit = take_up(
            telling, telling.at(month, 25), uncertified, yard.credit, aside
        )
        return taken
    refine(telling, telling.at(month, 25), artisanal, Refining(None))
    return None


def close_credit(telling: Telling, yard: Yard) -> None:
    """Carry what is left of the credit into the next quarter, as far as the standard allows."""
    if yard.credit is not None:
        yard.credit = carry(telling, telling.at(SEPTEMBER, 27), yard.credit)


def _by_claims(yard: Yard) -> tuple[list[PlainLot], list[PlainLot]]:
    """Return the waiting lots that bear no claim, and those that bear one."""
    lots = [lot for held in yard.waiting.values() for lot in held]
    bare = [lot for lot in lots if not lot.contents.claims]
    return bare, [lot for lot in lots if lot.contents.claims]
