"""From things to the entries that their events became, and from entries to events."""

from hashlib import sha256
from typing import Any

import pytest
from tests.node.events.documents import Json, document, event
from tests.node.events.test_query_plans import plans_of

from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import EntryId
from lodeline.node.events import ledger_links
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.ledger_links import events_of_entries, events_of_goods
from lodeline.node.events.reading import Offered
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

THING = "urn:epc:id:sgtin:4012345.011122.7"
THING_LINK = "https://example.com/01/04012345111224/21/7"
LOT = "urn:epc:class:lgtin:4012345.011111.L9"


def entry(number: int) -> EntryId:
    return EntryId(Hash32(sha256(b"entry %d" % number).digest()))


def take(store: EventStore, tenant: Tenant, *events: Json) -> None:
    taken = capture(store, tenant, Offered(document(*events)), who=Who("clerk"))
    assert taken.captured == len(events)


def on_ledger(store: EventStore, tenant: Tenant, seq: int, number: int) -> None:
    move = Move(EventState.ON_LEDGER, store.clock.now(), reference=entry(number).hex())
    store.write(lambda connection: move_state(connection, tenant, [Seq(seq)], move))


def transformed(**changes: Any) -> Json:
    return event(
        1,
        type="TransformationEvent",
        action=None,
        epcList=None,
        quantityList=None,
        **changes,
    )


def quantity(lot: str) -> list[Json]:
    return [{"epcClass": lot, "quantity": 1, "uom": "KGM"}]


def seqs_of_goods(store: EventStore, tenant: Tenant, goods: str) -> list[int]:
    return [each.seq for each in events_of_goods(store, tenant, goods)]


def test_events_that_made_saw_or_received_a_thing_lead_to_it(
    store: EventStore, miner: Tenant
) -> None:
    take(
        store,
        miner,
        transformed(outputEPCList=[THING], inputQuantityList=quantity(LOT)),
        event(7, epcList=[THING], quantityList=None),
        event(8, epcList=[THING], quantityList=None, action="DELETE"),
        transformed(inputEPCList=[THING], outputQuantityList=quantity(LOT)),
        event(9, epcList=["urn:epc:id:sgtin:4012345.011122.8"], quantityList=None),
        event(10, epcList=[THING], quantityList=quantity(LOT)),
    )
    for seq in range(1, 6):
        on_ledger(store, miner, seq, seq)
    for spelling in (THING, THING_LINK):
        found = events_of_goods(store, miner, spelling)
        assert [(each.seq, each.entry) for each in found] == [(1, entry(1)), (2, entry(2))]
    assert seqs_of_goods(store, miner, LOT) == [4]
    on_ledger(store, miner, 6, 6)
    assert seqs_of_goods(store, miner, LOT) == [4, 6]
    assert seqs_of_goods(store, miner, THING) == [1, 2, 6]
    for other in ("urn:epc:id:sgtin:4012345.011122.9", "nonsense", ""):
        assert seqs_of_goods(store, miner, other) == []


@pytest.mark.parametrize(
    "state", [state for state in EventState if state is not EventState.ON_LEDGER]
)
def test_what_is_not_on_the_ledger_leads_nowhere(
    store: EventStore, miner: Tenant, state: EventState
) -> None:
    take(store, miner, event(7, epcList=[THING], quantityList=None))
    move = Move(state, store.clock.now(), reference=entry(1).hex())
    store.write(lambda connection: move_state(connection, miner, [Seq(1)], move))
    assert seqs_of_goods(store, miner, THING) == []
    assert events_of_entries(store, miner, [entry(1)]) == []


def test_another_company_s_events_lead_nowhere(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    take(store, miner, event(7, epcList=[THING], quantityList=None))
    on_ledger(store, miner, 1, 1)
    assert seqs_of_goods(store, miner, THING) == [1]
    assert seqs_of_goods(store, refiner, THING) == []
    assert [each.seq for each in events_of_entries(store, miner, [entry(1)])] == [1]
    assert events_of_entries(store, refiner, [entry(1)]) == []


def test_entries_lead_to_their_events(
    store: EventStore, miner: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several events may have become one entry; look-ups are of some entries at a time."""
    monkeypatch.setattr(ledger_links, "_PIECE", 2)
    take(store, miner, *(event(serial) for serial in range(1, 8)))
    for seq in range(1, 8):
        on_ledger(store, miner, seq, (seq + 1) // 2)
    found = events_of_entries(store, miner, [entry(number) for number in (4, 3, 9, 1)])
    assert [(each.seq, each.entry) for each in found] == [
        (1, entry(1)),
        (2, entry(1)),
        (5, entry(3)),
        (6, entry(3)),
        (7, entry(4)),
    ]
    assert len({each.event for each in found}) == 5
    assert events_of_entries(store, miner, []) == []


def test_both_ways_go_along_indexes(sqlite_store: EventStore) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    take(sqlite_store, miner, *(event(serial) for serial in range(1, 50)))
    for seq in range(1, 50):
        on_ledger(sqlite_store, miner, seq, seq)
    with plans_of(sqlite_store) as plans:
        events_of_goods(sqlite_store, miner, THING)
        events_of_entries(sqlite_store, miner, [entry(7)])
    assert any("ix_event_states_reference" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN")]
