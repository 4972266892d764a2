"""Every parameter of the standard against a slow evaluation over the same events."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.node.events.conftest import PostgresServer, SetClock
from tests.node.events.documents import Json
from tests.node.events.query_reference import answers, compares, extension_values, moment
from tests.node.events.query_world import (
    AMOUNTS,
    CITY,
    DISPOSITIONS,
    MASTER,
    METHODS,
    NAMESPACE,
    SIZE,
    STEPS,
    TIMES,
    TRANSACTIONS,
    UNITS,
    WORDS,
    WORLD,
    document_of,
    random_event,
)

from lodeline.exchange.epcis.json_in import parse_json
from lodeline.node.events.capture import capture
from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.parameters import Query, parse_pairs, parse_query
from lodeline.node.events.predicates import read_event
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.reading import Offered
from lodeline.node.events.resolving import resolved
from lodeline.node.events.store import EventStore, Seq, StoredEvent, TenantName

EVENTS = 400
CONTEXT = {"@context": {"example": NAMESPACE}}


class World:
    """A store full of random events, and the same events as a list."""

    def __init__(self, url: DatabaseUrl) -> None:
        clock = SetClock()
        self.store = EventStore(open_engine(url), clock)
        self.tenant = self.store.tenant(TenantName("miner"))
        other = self.store.tenant(TenantName("refiner"))
        chosen = random.Random(20)
        for batch in range(4):
            events = [
                random_event(chosen, batch * EVENTS // 4 + number) for number in range(EVENTS // 4)
            ]
            for tenant, mine in ((self.tenant, events), (other, events[:10])):
                data = document_of(mine, MASTER)
                job = capture(self.store, tenant, Offered(data), who=Who("w"))
                assert job.success, job.errors[:3]
            clock.pass_seconds(3_600)
        stored = self.store.events_after(self.tenant, Seq(0), EVENTS)
        self.events: list[Json] = [json.loads(each.body) for each in stored]
        assert len(self.events) == EVENTS

        self.views = [read_event(each.body, exact=True) for each in stored]

    def matching(self, query: Query) -> list[str]:
        """What the query says of each event by itself, without any index."""
        complete = resolved(self.store, self.tenant, query)
        return ids(
            [
                event
                for event, view in zip(self.events, self.views, strict=True)
                if complete.matches(view)
            ]
        )

    def found(self, query: Query, per_page: int = 150) -> list[StoredEvent]:
        """All pages of an answer."""
        page = Page(per_page)
        answer = run(self.store, self.tenant, query, page)
        events = list(answer.events)
        while answer.next is not None:
            answer = run_next(self.store, self.tenant, answer.next.token, page)
            events.extend(answer.events)
        return events


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(sqlite_url(tmp_path_factory.mktemp("queries") / "events.db"))
    yield made
    made.store.close()


def query_of(parameters: Json) -> Query:
    """A query as it comes from JSON: with exact numbers."""
    return parse_query(parse_json(json.dumps({**parameters, **CONTEXT}).encode()))


def ids(events: list[Json]) -> list[str]:
    return sorted(f"{event['eventID']} {'errorDeclaration' in event}" for event in events)


def found_ids(events: list[StoredEvent]) -> list[str]:
    return sorted(f"{event.event_id} {event.is_declaration}" for event in events)


# ------------------------------------------------------------------ what is asked


def any_of(values: list[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


def things(kind: str) -> list[str]:
    return [spelling for pair in WORLD[kind] for spelling in pair]


PATTERNS = [
    "urn:epc:idpat:sgtin:4012345.011122.*",
    "urn:epc:idpat:sgtin:4012345.*.*",
    "urn:epc:idpat:sgtin:*.*.*",
    "urn:epc:idpat:sscc:4012345.*",
]
CLASS_PATTERNS = ["urn:epc:idpat:lgtin:4012345.011122.*", "urn:epc:idpat:lgtin:4012345.*.*"]
EPCS = any_of([*things("epcs"), *PATTERNS, "urn:epc:id:sgtin:4012345.011122.404"])
CLASSES = any_of([*things("classes"), *CLASS_PATTERNS])
PLACES = any_of([*things("places"), "urn:epc:id:sgln:4012345.99999.0"])
MOMENTS = st.sampled_from([*TIMES, "2026-03-02T00:00:00Z", "2026-03-01T09:00:00.000Z"])
NUMBERS = st.sampled_from([*AMOUNTS, -1, 1.5, 20, 5])
VALUES = any_of([*WORDS, *AMOUNTS, *TIMES, "example:blue", "true", "false"])
ORDERED = st.one_of(NUMBERS, MOMENTS)
FLAGS = st.booleans()
NAMES = ["example:colour", "example:weight", "example:number", f"{NAMESPACE.rstrip('/')}#colour"]
SCOPES = ["", "ILMD_", "ERROR_DECLARATION_", "SENSORELEMENT_", "SENSORMETADATA_", "SENSORREPORT_"]
SCOPES += ["readPoint_", "bizLocation_"]
TIME_FIELDS = ["eventTime", "recordTime", "errorDeclarationTime", "errorDeclaration_Time"]
TIME_FIELDS += ["time", "startTime", "endTime"]
COUNTS = st.lists(NUMBERS, min_size=1, max_size=2)

FAMILIES: dict[str, st.SearchStrategy[Any]] = {
    "eventType": any_of(["ObjectEvent", "TransformationEvent", "AssociationEvent"]),
    "EQ_action": any_of(["ADD", "OBSERVE", "DELETE"]),
    "EQ_bizStep": any_of([*STEPS, "example:melting", "urn:epcglobal:cbv:bizstep:shipping"]),
    "EQ_disposition": any_of([*DISPOSITIONS, "https://ref.gs1.org/cbv/Disp-active"]),
    "EQ_persistentDisposition_set": any_of(DISPOSITIONS),
    "EQ_persistentDisposition_unset": any_of(DISPOSITIONS),
    "EQ_readPoint": PLACES,
    "EQ_bizLocation": PLACES,
    "WD_readPoint": PLACES,
    "WD_bizLocation": PLACES,
    "EQ_transformationID": any_of(["urn:example:t:1", "urn:example:t:2"]),
    **{f"MATCH_{name}": EPCS for name in ("epc", "parentID", "inputEPC", "outputEPC", "anyEPC")},
    **{f"MATCH_{name}EPCClass": CLASSES for name in ("input", "output", "any")},
    "MATCH_epcClass": CLASSES,
    "EQ_eventID": any_of(
        [f"urn:uuid:00000000-0000-4000-8000-{number:012d}" for number in range(40)], 20
    ),
    "EXISTS_errorDeclaration": FLAGS,
    "EXISTS_sensorElementList": FLAGS,
    "EQ_errorReason": any_of(["incorrect_data", "urn:epcglobal:cbv:er:did_not_occur"]),
    "EQ_correctiveEventID": any_of(["urn:example:event:1", "urn:example:event:2"]),
    **{f"{operator}_{name}": MOMENTS for operator in ("GE", "LT") for name in TIME_FIELDS},
    **{f"EQ_bizTransaction_{kind}": any_of(TRANSACTIONS) for kind in ("po", "inv")},
    "EQ_source_owning_party": any_of(things("parties")),
    "EQ_destination_owning_party": any_of(things("parties")),
    "EQ_destination_location": any_of(things("parties")),
    "EQ_type": any_of(["Temperature", "Mass"]),
    "EQ_deviceID": any_of(things("devices")),
    **{
        f"EQ_{name}": any_of(METHODS)
        for name in ("dataProcessingMethod", "bizRules", "chemicalSubstance", "microorganism")
    },
    "EQ_stringValue": any_of(["SomeString", "somestring"]),
    "EQ_booleanValue": FLAGS,
    "EQ_hexBinaryValue": any_of(["f0f0f0", "00"]),
    "EQ_uriValue": any_of(things("epcs")),
    **{
        f"EQ_{name}": st.lists(NUMBERS, min_size=1, max_size=2) for name in ("quantity", "percRank")
    },
    **{
        f"{operator}_{name}": NUMBERS
        for operator in ("GT", "GE", "LT", "LE")
        for name in ("quantity", "percRank")
    },
    **{f"EQ_quantity_{unit}": COUNTS for unit in UNITS},
    **{
        f"{operator}_{field}_{unit}": NUMBERS
        for operator in ("GT", "GE", "LT", "LE")
        for field in ("quantity", "value", "minValue", "maxValue", "meanValue", "sDev", "percValue")
        for unit in ("GRM", "LBR")
    },
    **{
        f"{op}_{field}_{unit}": NUMBERS
        for op in ("GE", "LT")
        for field in ("value", "sDev")
        for unit in ("CEL", "FAH", "KEL")
    },
    **{
        f"EQ_{inner}{scope}{name}": VALUES
        for inner in ("", "INNER_")
        for scope in SCOPES
        for name in (*NAMES, "example:inner")
    },
    **{
        f"{operator}_{inner}{scope}{name}": ORDERED
        for operator in ("GT", "GE", "LT", "LE")
        for inner in ("", "INNER_")
        for scope in ("", "ILMD_", "SENSORREPORT_")
        for name in ("example:weight", "example:inner")
    },
    **{
        f"EXISTS_{inner}{scope}{name}": FLAGS
        for inner in ("", "INNER_")
        for scope in SCOPES
        for name in ("example:colour", "example:inner")
    },
    **{f"HASATTR_{name}": any_of([CITY, SIZE]) for name in ("readPoint", "bizLocation")},
    **{
        f"EQATTR_{name}_cbvmda:city": any_of(["Kolwezi", "Antwerp", "Nowhere"])
        for name in ("readPoint", "bizLocation")
    },
}


@st.composite
def asked(draw: st.DrawFn, most: int = 3) -> Json:
    names = draw(st.lists(st.sampled_from(sorted(FAMILIES)), max_size=most, unique=True))
    return {name: draw(FAMILIES[name]) for name in names}


# ------------------------------------------------------------------ each parameter


def test_there_are_parameters_of_every_family() -> None:
    assert len(FAMILIES) > 250


@pytest.mark.parametrize("name", sorted(FAMILIES))
@pytest.mark.property
def test_each_parameter_finds_what_the_slow_way_finds(world: World, name: str) -> None:
    @settings(max_examples=3)
    @given(FAMILIES[name])
    def compare(value: Any) -> None:
        expected = ids(answers(world.events, {name: value}))
        query = query_of({name: value})
        assert found_ids(world.found(query)) == expected
        assert world.matching(query) == expected

    compare()


def test_most_parameters_meet_something_and_not_everything(world: World) -> None:
    assert len(MEETING) > 50
    for name, value in MEETING.items():
        assert name in FAMILIES
        assert 0 < len(answers(world.events, {name: value})) < EVENTS, name


MEETING: Json = {
    "eventType": ["ObjectEvent"],
    "EQ_action": ["ADD"],
    "EQ_bizStep": ["shipping"],
    "EQ_disposition": ["active"],
    "EQ_persistentDisposition_set": ["active"],
    "EQ_persistentDisposition_unset": ["active"],
    "EQ_readPoint": [WORLD["places"][0][1]],
    "WD_readPoint": [WORLD["places"][1][1]],
    "EQ_bizLocation": [WORLD["places"][0][0]],
    "WD_bizLocation": [WORLD["places"][1][1]],
    "EQ_transformationID": ["urn:example:t:1"],
    **{
        f"MATCH_{name}": [WORLD["epcs"][0][1]]
        for name in ("epc", "parentID", "inputEPC", "outputEPC", "anyEPC")
    },
    **{
        f"MATCH_{name}": [WORLD["classes"][0][1]]
        for name in ("epcClass", "inputEPCClass", "outputEPCClass", "anyEPCClass")
    },
    "EQ_eventID": [f"urn:uuid:00000000-0000-4000-8000-{number:012d}" for number in range(20)],
    "EXISTS_errorDeclaration": True,
    "EXISTS_sensorElementList": True,
    "EQ_errorReason": ["incorrect_data"],
    "EQ_correctiveEventID": ["urn:example:event:1"],
    "GE_eventTime": TIMES[4],
    "LT_recordTime": "2026-03-01T09:30:00Z",
    "GE_errorDeclarationTime": TIMES[4],
    "GE_time": TIMES[4],
    "LT_startTime": TIMES[8],
    "LT_endTime": TIMES[8],
    "EQ_bizTransaction_po": [TRANSACTIONS[0]],
    "EQ_source_owning_party": [WORLD["parties"][0][1]],
    "EQ_destination_location": [WORLD["parties"][0][1]],
    "EQ_type": ["Mass"],
    "EQ_deviceID": [WORLD["devices"][0][1]],
    "EQ_bizRules": [METHODS[0]],
    "EQ_dataProcessingMethod": [METHODS[0]],
    "EQ_booleanValue": True,
    "EQ_stringValue": ["SomeString"],
    "EQ_hexBinaryValue": ["f0f0f0"],
    "EQ_uriValue": [WORLD["epcs"][0][0]],
    "EQ_quantity": [1000],
    "GE_quantity_LBR": 5000,
    "EQ_quantity_GRM": [2500],
    "GE_value_GRM": 2000000,
    "GE_value_FAH": 50,
    "LT_sDev_FAH": 10,
    "GE_percRank": 20,
    "EQ_example:colour": ["red"],
    "GT_example:weight": 1,
    "EQ_ILMD_example:colour": ["red"],
    "EQ_INNER_example:inner": ["red"],
    "EXISTS_example:colour": True,
    "EXISTS_INNER_ILMD_example:inner": True,
    "HASATTR_readPoint": [CITY],
    "EQATTR_readPoint_cbvmda:city": ["Kolwezi"],
}
"""Of the parameters, values that some events meet and others do not."""


# ------------------------------------------------------------------ several, in order, in pages


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked(), st.sampled_from(["", "eventTime", "recordTime"]), st.booleans(), st.data())
@pytest.mark.property
def test_several_parameters_hold_together_in_any_order(
    world: World, parameters: Json, field: str, falls: bool, data: st.DataObject
) -> None:
    if field:
        parameters |= {"orderBy": field, "orderDirection": "DESC" if falls else "ASC"}
    expected = answers(world.events, parameters)
    per_page = data.draw(st.sampled_from([1, 7, 30, 1000])) if len(expected) < 60 else 40
    found = world.found(query_of(parameters), per_page)
    assert found_ids(found) == ids(expected)
    if field:
        moments = [each.event_time if field == "eventTime" else each.record_time for each in found]
        assert moments == sorted(moments, reverse=falls)


@pytest.mark.parametrize("falls", [False, True])
@pytest.mark.parametrize("name", ["example:number", "ILMD_example:colour", "example:weight"])
def test_an_extension_orders_numbers_before_times_before_texts(
    world: World, name: str, falls: bool
) -> None:
    direction = "DESC" if falls else "ASC"
    query = query_of({"orderBy": name, "orderDirection": direction})
    found = world.found(query, 30)
    assert len({each.seq for each in found}) == len(found) == EVENTS
    keys = []
    for each in found:
        value = next(iter(extension_values(json.loads(each.body), name)), None)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            keys.append((0, Decimal(str(value)), ""))
        elif isinstance(value, str) and value.isdigit():
            keys.append((0, Decimal(value), ""))
        elif moment(value) is not None:
            keys.append((1, Decimal(str(moment(value).timestamp())), ""))  # type: ignore[union-attr]
        elif isinstance(value, (str, bool)):
            keys.append((2, Decimal(0), str(value)))
        else:
            keys.append((3, Decimal(0), ""))
    assert keys == sorted(keys, reverse=falls)


def test_a_query_string_asks_what_json_asks(world: World) -> None:
    pairs = [
        ("MATCH_anyEPC", "|".join(things("epcs")[:3])),
        ("GE_eventTime", TIMES[2]),
        ("EQ_quantity", "1000|2.5"),
        ("EXISTS_errorDeclaration", "false"),
        ("perPage", "5000"),
    ]
    asked_for = parse_pairs(pairs)
    assert asked_for.per_page == 1_000
    expected = answers(
        world.events,
        {
            "MATCH_anyEPC": things("epcs")[:3],
            "GE_eventTime": TIMES[2],
            "EQ_quantity": [1000, 2.5],
        },
    )
    assert expected
    assert found_ids(world.found(asked_for.query)) == ids(expected)


def test_the_other_tenant_has_only_its_own(world: World) -> None:
    refiner = world.store.tenant(TenantName("refiner"))
    found = run(world.store, refiner, query_of({}), Page(1_000)).events
    assert 0 < len(found) <= 40
    miners = {event["eventID"] for event in world.events}
    assert {each.event_id for each in found} <= miners  # the same events, captured by both
    assert len(world.found(query_of({}))) == EVENTS


def test_numbers_of_a_reference_compare_as_the_standard_says() -> None:
    assert compares("EQ", "007", "007")
    assert not compares("EQ", "007", "7")
    assert compares("EQ", 7, "7.0")
    assert compares("GT", "10", 9)


def test_postgresql_answers_as_sqlite_does(postgres: PostgresServer, world: World) -> None:
    other = World(postgres.new_database())
    for name, value in MEETING.items():
        query = query_of({name: value, "orderBy": "eventTime"})
        assert [e.event_id for e in other.found(query)] == [e.event_id for e in world.found(query)]
    other.store.close()
