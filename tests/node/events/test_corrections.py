"""Wrong events and what stands in their place, in whatever order they come."""

from itertools import permutations

import pytest
from tests.node.events.documents import bare, event

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.capture import capture_event
from lodeline.node.events.corrections import history_of
from lodeline.node.events.reading import Offered
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

WRONG = EventId("urn:uuid:831c0292-4de1-430a-8255-2aca821abaab")
RIGHT = EventId("urn:uuid:00000000-4de1-430a-8255-2aca821abaab")
NEVER = EventId("urn:uuid:ffffffff-4de1-430a-8255-2aca821abaab")
DECLARED = {
    "declarationTime": "2026-03-02T10:00:00.000Z",
    "reason": "incorrect_data",
    "correctiveEventIDs": [RIGHT, NEVER],
}
STORY = (
    event(1, eventID=WRONG),
    event(1, eventID=WRONG, errorDeclaration=DECLARED),
    event(2, eventID=RIGHT),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_links_do_not_depend_on_the_order(
    sqlite_store: EventStore, order: tuple[int, ...]
) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    for at in order:
        capture_event(sqlite_store, miner, Offered(bare(STORY[at])))
    found = history_of(sqlite_store, miner, WRONG)
    assert found.is_wrong
    assert found.event is not None
    assert not found.event.is_declaration
    assert [one.event_id for one in found.declarations] == [WRONG]
    assert [one.event_id for one in found.correctives] == [RIGHT]
    assert found.awaited == (NEVER,)
    assert found.corrects == ()
    right = history_of(sqlite_store, miner, RIGHT)
    assert not right.is_wrong
    assert right.corrects == (WRONG,)


def test_a_declaration_alone_is_already_a_history(store: EventStore, miner: Tenant) -> None:
    capture_event(store, miner, Offered(bare(STORY[1])))
    found = history_of(store, miner, WRONG)
    assert (found.event, found.is_wrong, found.correctives) == (None, True, ())
    assert found.awaited == (RIGHT, NEVER)


def test_a_correction_may_be_named_by_its_hash(store: EventStore, miner: Tenant) -> None:
    by_hash = capture_event(store, refiner_of(store), Offered(bare(event(2)))).event_id
    capture_event(store, miner, Offered(bare(STORY[2])))
    declared = {**DECLARED, "correctiveEventIDs": [by_hash]}
    capture_event(store, miner, Offered(bare(event(1, errorDeclaration=declared))))
    wrong = store.events_after(miner, Seq(0), 9)[-1].event_id
    found = history_of(store, miner, wrong)
    assert [one.event_id for one in found.correctives] == [RIGHT]
    assert found.awaited == ()


def refiner_of(store: EventStore) -> Tenant:
    """Somebody else, to whom the same event has no id of its own."""
    return store.tenant(TenantName("refiner"))


def test_nobody_declares_another_tenant_s_events_wrong(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    capture_event(store, miner, Offered(bare(STORY[0])))
    capture_event(store, refiner, Offered(bare(STORY[1])))
    capture_event(store, refiner, Offered(bare(STORY[2])))
    assert not history_of(store, miner, WRONG).is_wrong
    with pytest.raises(EventUnknown):
        history_of(store, miner, RIGHT)
    assert history_of(store, refiner, RIGHT).corrects == (WRONG,)
