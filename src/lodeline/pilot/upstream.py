"""The upstream month: rights, mining, leaching, export, sale to the traders, settlement.

Each month runs by one calendar. What is special about one month is in `mishaps` and called here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lodeline.custody.strands import Kind
from lodeline.kernel.ids import MemberId
from lodeline.kernel.units import Milligrams
from lodeline.pilot.figures import share_of
from lodeline.pilot.leaching import leach_month, open_circuit, through_silo
from lodeline.pilot.mining import mine_month
from lodeline.pilot.mishaps import mistaken_split, truck_lost, withdrawn_offer
from lodeline.pilot.rights import Rights, month_rights
from lodeline.pilot.scenario import Producer
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling, tied
from lodeline.pilot.trading import (
    export_copper,
    export_hydroxide,
    settle,
    split,
    transport,
)

__all__ = ["Stores", "upstream_month"]

_JULY, _AUGUST, _SEPTEMBER = 0, 1, 2


@dataclass
class Stores:
    """What stands where from one month to the next."""

    circuits: dict[MemberId, PlainLot] = field(default_factory=dict)
    silos: dict[MemberId, PlainLot] = field(default_factory=dict)
    settled: dict[MemberId, PlainLot] = field(default_factory=dict)
    """This month's hydroxide at the trader, by producer."""


def upstream_month(telling: Telling, month: int, stores: Stores) -> None:
    """Tell a month from the licences to the settled lots at the traders."""
    stores.settled.clear()
    for producer in telling.scenario.producers:
        hydroxide, rights = _made_hydroxide(telling, month, producer, stores)
        shipment = _shipment(telling, month, producer, hydroxide, rights, stores)
        exported = export_hydroxide(telling, telling.at(month, 12), shipment, rights)
        stores.settled[producer.member] = _delivered(telling, month, producer, exported)


def _made_hydroxide(
    telling: Telling, month: int, producer: Producer, stores: Stores
) -> tuple[PlainLot, Rights]:
    company = telling.scenario.cast[producer.member]
    rights = month_rights(telling, month, company)
    if month == _JULY and producer.opening_stock:
        stores.circuits[company.member] = open_circuit(telling, company)
    ores = mine_month(telling, month, company, rights)
    campaign = leach_month(telling, month, company, ores, stores.circuits.get(company.member))
    stores.circuits[company.member] = campaign.stock
    export_copper(telling, telling.at(month, 11), campaign.cathode)
    return campaign.hydroxide, rights


def _shipment(
    telling: Telling,
    month: int,
    producer: Producer,
    hydroxide: PlainLot,
    rights: Rights,
    stores: Stores,
) -> PlainLot:
    """Return what may leave this month; the rest stays in the silo or the yard."""
    quota = rights.quota.contents.amount(tied(COBALT, Kind.QUOTA))
    allowed = share_of(quota, telling.figures.share("quota-used"))
    silo = stores.silos.get(producer.member)
    if producer.silo:
        ship = min(allowed, _drawn(telling, hydroxide))
        shipment, stores.silos[producer.member] = through_silo(
            telling, month, silo, hydroxide, ship
        )
        return shipment
    if hydroxide.contents.amount(COBALT) <= allowed:
        return hydroxide
    at = telling.at(month, 10)
    if month == _JULY and producer.mistake:
        return mistaken_split(telling, at, hydroxide, allowed)[0]
    return split(telling, at, hydroxide, allowed, Chapter.LEACHING)[0]


def _drawn(telling: Telling, hydroxide: PlainLot) -> Milligrams:
    """Return the most that is drawn from a silo in a month, which is never emptied."""
    return share_of(hydroxide.contents.amount(COBALT), telling.figures.share("silo-drawn"))


def _delivered(telling: Telling, month: int, producer: Producer, exported: PlainLot) -> PlainLot:
    """Sell a shipment to its trader, bring it there, settle weight and assay."""
    if month == _SEPTEMBER and producer.second_thoughts is not None:
        withdrawn_offer(telling, telling.at(month, 12, 14), exported, producer.second_thoughts)
    sale = telling.at(month, 13)
    (bought,) = telling.book.sell(sale, Chapter.TRADE, (exported,), producer.trader)
    loses = month == _AUGUST and producer.loses_truck
    if loses:
        arrived = truck_lost(telling, telling.at(month, 17), bought)
    else:
        arrived = transport(telling, telling.at(month, 20), bought)
    return settle(telling, telling.at(month, 21), arrived, producer.member, umpire=loses)
