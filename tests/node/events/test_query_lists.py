"""The lists at the top of the interface, and queries with a name."""

import pytest
from sqlalchemy import Connection, delete, insert, select
from tests.node.events.conftest import START
from tests.node.events.documents import document, event

from lodeline.exchange.epcis.fields import EVENT_TYPES
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.named import (
    MAX_NAME_CHARS,
    NamedQuery,
    QueryName,
    create_query,
    delete_query,
    list_queries,
    named_query,
    query_name,
)
from lodeline.node.events.paging import Holder, PageToken
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.queries import run
from lodeline.node.events.query_refusals import (
    NamedQueryTaken,
    NamedQueryUnknown,
    PageTokenWrong,
    ParameterCountWrong,
    QueryNameWrong,
    ResourceUnknown,
)
from lodeline.node.events.reading import Offered
from lodeline.node.events.resources import (
    Resource,
    check_resource,
    list_resource,
    resource_query,
)
from lodeline.node.events.schema import EVENTS, SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Tenant

PLACE = "urn:epc:id:sgln:4012345.00001.0"
LONG = "https://example.com/places/" + "x" * 600


@pytest.fixture
def filled(store: EventStore, miner: Tenant) -> EventStore:
    """Thirty things, two steps, two places of which one has a long name."""
    events = [
        event(
            number,
            bizStep="shipping" if number % 2 else "https://example.com/steps/melting",
            readPoint={"id": PLACE if number % 2 else LONG},
        )
        for number in range(1, 31)
    ]
    parent = {
        "type": "AggregationEvent",
        "parentID": "urn:epc:id:sscc:4012345.0000000111",
        "childEPCs": ["urn:epc:id:sgtin:4012345.011122.1"],
        "epcList": None,
        "quantityList": None,
    }
    data = document(*events, event(31, **parent))
    assert capture(store, miner, Offered(data), who=Who("w")).captured == 31
    return store


def everything(
    store: EventStore, tenant: Tenant, resource: Resource, per_page: int = 7
) -> list[str]:
    members: list[str] = []
    token: PageToken | None = None
    while True:
        page = list_resource(store, tenant, resource, token, per_page=per_page)
        assert len(page.members) <= per_page
        members.extend(page.members)
        if page.next is None:
            return members
        token = page.next.token


@pytest.mark.parametrize("per_page", [1, 7, 30, 31, 1_000])
def test_each_thing_is_listed_once_in_one_spelling(
    filled: EventStore, miner: Tenant, per_page: int
) -> None:
    found = everything(filled, miner, Resource.EPCS, per_page)
    assert found == sorted(set(found))
    assert len(found) == 31
    assert "https://id.gs1.org/00/040123450000001112" in found


def test_steps_places_and_dispositions_are_listed(filled: EventStore, miner: Tenant) -> None:
    steps = ["https://example.com/steps/melting", "shipping"]
    assert everything(filled, miner, Resource.BIZ_STEPS) == steps
    assert everything(filled, miner, Resource.DISPOSITIONS) == ["in_transit"]
    assert everything(filled, miner, Resource.BIZ_LOCATIONS) == []


def test_a_long_name_is_listed_whole(filled: EventStore, miner: Tenant) -> None:
    places = [LONG, "https://id.gs1.org/414/4012345000016"]
    assert sorted(everything(filled, miner, Resource.READ_POINTS)) == places
    query = parse_query(resource_query(Resource.READ_POINTS, LONG))
    assert len(run(filled, miner, query).events) == 15


@pytest.mark.parametrize("per_page", [1, 2, 30])
def test_the_five_types_are_listed_even_in_an_empty_store(
    store: EventStore, refiner: Tenant, per_page: int
) -> None:
    assert everything(store, refiner, Resource.EVENT_TYPES, per_page) == sorted(EVENT_TYPES)
    assert everything(store, refiner, Resource.EPCS, per_page) == []


def test_types_of_partners_stand_among_the_others(store: EventStore, miner: Tenant) -> None:
    own = "https://example.com/types/AssayEvent"
    data = document(event(1, type=own, epcList=None, quantityList=None, action=None))
    assert capture(store, miner, Offered(data), who=Who("w")).captured == 1
    found = everything(store, miner, Resource.EVENT_TYPES, 2)
    assert sorted(found) == sorted([*EVENT_TYPES, own])


def test_what_no_event_speaks_of_any_more_is_not_listed(filled: EventStore, miner: Tenant) -> None:
    def work(connection: Connection) -> None:
        connection.execute(delete(EVENTS).where(EVENTS.c.seq <= 29))

    filled.write(work)
    assert len(everything(filled, miner, Resource.EPCS, 2)) == 3
    with pytest.raises(ResourceUnknown):
        check_resource(filled, miner, Resource.EPCS, "urn:epc:id:sgtin:4012345.011122.7")


def test_a_member_is_known_in_any_spelling_and_to_its_tenant(
    filled: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    for resource, value in (
        (Resource.EPCS, "urn:epc:id:sgtin:4012345.011122.7"),
        (Resource.EPCS, "https://example.com/gtin/4012345111224/ser/7"),
        (Resource.EPCS, "urn:epc:id:sscc:4012345.0000000111"),
        (Resource.BIZ_STEPS, "shipping"),
        (Resource.BIZ_STEPS, "urn:epcglobal:cbv:bizstep:shipping"),
        (Resource.READ_POINTS, LONG),
    ):
        check_resource(filled, miner, resource, value)
        assert run(filled, miner, parse_query(resource_query(resource, value))).events
        with pytest.raises(ResourceUnknown) as refused:
            check_resource(filled, refiner, resource, value)
        assert refused.value.status == 404
    check_resource(filled, refiner, Resource.EVENT_TYPES, "ObjectEvent")


def test_a_token_is_good_for_its_list_alone(filled: EventStore, miner: Tenant) -> None:
    page = list_resource(filled, miner, Resource.EPCS, per_page=5, holder=Holder("alice"))
    assert page.next is not None
    with pytest.raises(PageTokenWrong):
        list_resource(filled, miner, Resource.READ_POINTS, page.next.token, holder=Holder("alice"))
    with pytest.raises(PageTokenWrong):
        list_resource(filled, miner, Resource.EPCS, page.next.token, holder=Holder("bob"))
    with pytest.raises(ParameterCountWrong):
        list_resource(filled, miner, Resource.EPCS, per_page=0)


# ------------------------------------------------------------------ names


SHIPPED = parse_query({"EQ_bizStep": ["shipping"]})
WHO = Who("alice")


def test_a_named_query_is_found_by_its_name(store: EventStore, miner: Tenant) -> None:
    made = create_query(store, miner, query_name("shipped"), SHIPPED, WHO)
    assert made == NamedQuery(QueryName("shipped"), SHIPPED, START, WHO)
    assert named_query(store, miner, QueryName("shipped")) == made
    assert create_query(store, miner, QueryName("shipped"), SHIPPED, Who("bob")) == made


def test_another_query_of_the_same_name_is_refused(store: EventStore, miner: Tenant) -> None:
    create_query(store, miner, QueryName("shipped"), SHIPPED, WHO)
    with pytest.raises(NamedQueryTaken) as refused:
        create_query(store, miner, QueryName("shipped"), parse_query({}), WHO)
    assert (refused.value.name, refused.value.status) == ("shipped", 409)
    assert named_query(store, miner, QueryName("shipped")).query == SHIPPED


def test_names_of_two_tenants_do_not_meet(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    create_query(store, miner, QueryName("shipped"), SHIPPED, WHO)
    with pytest.raises(NamedQueryUnknown) as refused:
        named_query(store, refiner, QueryName("shipped"))
    assert refused.value.exception == "NoSuchNameException"
    with pytest.raises(NamedQueryUnknown):
        delete_query(store, refiner, QueryName("shipped"))
    create_query(store, refiner, QueryName("shipped"), parse_query({}), WHO)
    assert named_query(store, miner, QueryName("shipped")).query == SHIPPED


def test_a_deleted_query_takes_its_subscriptions_along(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    def work(connection: Connection) -> None:
        for tenant, name in ((miner, "shipped"), (miner, "other"), (refiner, "shipped")):
            row = {
                "tenant": tenant.number,
                "subscription_id": f"{name}-1",
                "query_name": name,
                "controls": "{}",
                "cursor_seq": 0,
                "attempts": 0,
                "state": "active",
                "created_us": Micros(1),
                "created_by": "alice",
            }
            connection.execute(insert(SUBSCRIPTIONS).values(**row))

    store.write(work)
    create_query(store, miner, QueryName("shipped"), SHIPPED, WHO)
    delete_query(store, miner, QueryName("shipped"))
    with pytest.raises(NamedQueryUnknown):
        delete_query(store, miner, QueryName("shipped"))
    with store.reading() as connection:
        columns = (SUBSCRIPTIONS.c.tenant, SUBSCRIPTIONS.c.query_name)
        left = {tuple(row) for row in connection.execute(select(*columns))}
    assert left == {(miner.number, "other"), (refiner.number, "shipped")}


def test_queries_are_listed_in_pages(store: EventStore, miner: Tenant, refiner: Tenant) -> None:
    names = [f"query-{number:02d}" for number in range(12)]
    for name in reversed(names):
        create_query(store, miner, query_name(name), SHIPPED, WHO)
    create_query(store, refiner, query_name("query-99"), SHIPPED, WHO)
    page = list_queries(store, miner, per_page=5)
    found = [each.name for each in page.members]
    while page.next is not None:
        page = list_queries(store, miner, page.next.token, per_page=5)
        found.extend(each.name for each in page.members)
    assert found == names
    epcs = list_resource(store, miner, Resource.EVENT_TYPES, per_page=1)
    assert epcs.next is not None
    with pytest.raises(PageTokenWrong):
        list_queries(store, miner, epcs.next.token)
    with pytest.raises(ParameterCountWrong):
        list_queries(store, miner, per_page=0)


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".a", "-a", "a b", "a%2fb", "é", "a\n", "x" * (MAX_NAME_CHARS + 1)]
)
def test_a_name_that_a_path_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(QueryNameWrong) as refused:
        query_name(name)
    assert refused.value.most == MAX_NAME_CHARS
