"""Bags, seals, crates, packs and vehicles: what lies in what, from either end, and what ships."""

from tests.node.events.documents import Json, document
from tests.node.events.trade import BAG, ORE_CLASS, SEAL, packed, quantity

from lodeline.exchange.epcis.document import EpcisUri
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.reading import Offered
from lodeline.node.events.store import EventStore, TenantName
from lodeline.node.events.whereabouts import Whereabouts, whereabouts

CRATE = "urn:epc:id:sscc:4012345.0000000007"
SHIP = "urn:epc:id:sscc:4012345.0000000008"
PACK = "urn:epc:id:sgtin:4012345.066661.1"
CELL = "urn:epc:id:sgtin:4012345.055551."
VEHICLE = "urn:epc:id:giai:4012345.CAR1"


def at(event: Json, hour: int, **more: object) -> Json:
    return {**event, "eventTime": f"2026-10-12T{hour:02d}:00:00Z", **more}


def asked(store: EventStore, thing: str, *events: Json) -> Whereabouts:
    tenant = store.tenant(TenantName("pit"))
    if events:
        job = capture(store, tenant, Offered(document(*events)), who=Who("clerk"))
        assert job.success, job.errors
    return whereabouts(store, tenant, EpcisUri(thing))


def test_what_is_in_what_is_read_from_either_end(store: EventStore) -> None:
    found = asked(
        store,
        SHIP,
        at(packed(BAG, SEAL + "1", lots=quantity("L1", 500)), 7),
        at(packed(CRATE, BAG), 8),
        at(packed(SHIP, CRATE), 9),
    )
    assert [(part.depth, part.thing) for part in found.inside] == [
        (1, CRATE),
        (2, BAG),
        (3, SEAL + "1"),
        (3, ORE_CLASS + "L1"),
    ]
    assert (found.inside[3].quantity, found.inside[3].uom) == (500, "KGM")
    assert found.is_all
    assert not found.around
    seal = asked(store, SEAL + "1")
    assert [(part.within, part.event) for part in seal.around] == [(BAG, 1), (CRATE, 2), (SHIP, 3)]
    assert not seal.inside


def test_cells_with_numbers_of_their_own_are_found_in_pack_and_vehicle(store: EventStore) -> None:
    cells = [f"{CELL}{number}" for number in range(1, 97)]
    joined = at(packed(VEHICLE, PACK), 9, type="AssociationEvent")
    vehicle = asked(store, VEHICLE, at(packed(PACK, *cells), 8), joined)
    assert [part.thing for part in vehicle.inside] == [PACK, *cells]
    cell = asked(store, cells[41])
    assert [(part.within, part.kind) for part in cell.around] == [
        (PACK, "AggregationEvent"),
        (VEHICLE, "AssociationEvent"),
    ]


def test_a_battery_that_is_changed_is_found_where_it_is_now(store: EventStore) -> None:
    other = VEHICLE + "9"
    steps = ((VEHICLE, "ADD"), (VEHICLE, "DELETE"), (other, "ADD"))
    events = [
        at(packed(vehicle, PACK), 8 + hour, type="AssociationEvent", action=action)
        for hour, (vehicle, action) in enumerate(steps)
    ]
    assert [part.within for part in asked(store, PACK, *events).around] == [other]
    assert not asked(store, VEHICLE).inside
    assert [part.thing for part in asked(store, other).inside] == [PACK]


def test_a_container_that_was_emptied_is_empty_and_so_is_the_answer(store: EventStore) -> None:
    emptied = at(packed(CRATE), 9, action="DELETE")
    assert not asked(store, CRATE, at(packed(CRATE, BAG), 8), emptied).inside
    assert not asked(store, BAG).around


def test_circles_come_to_an_end_and_ships_are_not_told_whole(store: EventStore) -> None:
    round_ = asked(store, BAG, at(packed(BAG, CRATE), 8), at(packed(CRATE, BAG), 9))
    assert len(round_.around) == 1
    assert len(round_.inside) == 16
    many = [f"{CELL}{number}" for number in range(1_200)]
    ship = asked(store, SHIP, at(packed(SHIP, *many), 10))
    assert (len(ship.inside), ship.is_all) == (1_000, False)


def test_nothing_is_said_of_what_nobody_spoke_of(store: EventStore) -> None:
    found = asked(store, VEHICLE)
    assert (found.around, found.inside, found.is_all) == ((), (), True)
