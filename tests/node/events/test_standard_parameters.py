"""Every query parameter that the standard names is known, with every kind of value that it takes.

The names in ``standard_parameters.json`` are those of GS1's ``openapi.yaml`` (parameters in a query
string) and ``query-schema.json`` (members of a JSON query, with the type of their values).
"""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.node.events.documents import document, event

from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.capture import capture
from lodeline.node.events.families import FIXED
from lodeline.node.events.jobs import Who
from lodeline.node.events.parameters import parse_pairs, parse_query
from lodeline.node.events.queries import run
from lodeline.node.events.query_refusals import ParameterUnknown, QueryParameterException
from lodeline.node.events.reading import Offered
from lodeline.node.events.store import EventStore, TenantName

NAMED: dict[str, Any] = json.loads(
    Path(__file__).with_name("standard_parameters.json").read_text("utf-8")
)
SCHEDULE = {
    *("second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek"),
    *("reportIfEmpty", "stream", "initialRecordTime"),
}
"""What a subscription takes in its address, and no query."""
PAGE = {"perPage", "nextPageToken"}
TIME = "2026-03-01T08:00:00Z"
URI = "https://example.com/a"
VALUES: dict[str, list[Any]] = {
    "action": ["ADD", "OBSERVE", "DELETE"],
    "boolean": [True, False],
    "date-string-or-number": [TIME, 5, -5],
    "decimal": [5, -5],
    "disposition": ["active", "https://example.com/a"],
    "bizStep": ["shipping", "https://example.com/a"],
    "error-reason": ["did_not_occur", "https://example.com/a"],
    "eventType": ["ObjectEvent", "https://example.com/a"],
    "eventID": ["urn:uuid:831c0292-4de1-430a-8255-2aca821abaab"],
    "id": [URI],
    "integer": [1, None],
    "measurementType": ["Mass", "https://example.com/a"],
    "number": [5, -5],
    "string": ["a"],
    "string-array-or-date-string-or-number": [["a", "b"], TIME, 5],
    "time": [TIME],
    "uri": [URI],
}
OTHERWISE: dict[str, list[Any]] = {
    "orderBy": ["eventTime", "recordTime", "x:name"],
    "orderDirection": ["ASC", "DESC"],
    "eventCountLimit": [1],
    "maxEventCount": [0],
}
BESIDE: dict[str, dict[str, JsonValue]] = {"eventCountLimit": {"orderBy": "eventTime"}}
CONTEXT: JsonObject = {"@context": {"x": "https://example.com/x/"}}


def values(name: str, kind: str) -> list[Any]:
    """Values of a parameter as the schema types them."""
    if name in OTHERWISE:
        return OTHERWISE[name]
    if kind.startswith("list of "):
        members = VALUES[kind.removeprefix("list of ")]
        return [members, members[:1]]
    return VALUES[kind]


def sample(pattern: str) -> str:
    """A name of a pattern of the schema."""
    name = pattern.removeprefix("^").removesuffix("$")
    for part, instead in (
        (r"[a-z][a-zA-Z0-9]*\:\w+", "x:name"),
        ("[a-z][a-zA-Z0-9_]+", "po"),
        ("[A-Z0-9]{2,4}", "KGM"),
        (r"\w+_\w+", "bizLocation_city"),
    ):
        name = name.replace(part, instead)
    return name


JSON_NAMES: dict[str, str] = {
    **NAMED["json"],
    **{sample(pattern): kind for pattern, kind in NAMED["json patterns"].items()},
}


def test_the_lists_are_the_standards() -> None:
    assert (len(NAMED["url"]), len(NAMED["json"]), len(NAMED["json patterns"])) == (64, 60, 108)
    for pattern in NAMED["json patterns"]:
        assert re.fullmatch(pattern, sample(pattern)), pattern
    assert len(JSON_NAMES) == 168


@pytest.mark.parametrize("name", JSON_NAMES)
def test_every_parameter_of_a_json_query_is_known(name: str) -> None:
    tried = values(name, JSON_NAMES[name])
    assert tried
    for value in tried:
        query = parse_query({name: value, **CONTEXT, **BESIDE.get(name, {})})
        assert (name in json.loads(query.definition)) or value is None


@pytest.mark.parametrize("name", sorted(set(NAMED["url"]) - SCHEDULE))
def test_every_parameter_of_an_address_is_known(name: str) -> None:
    # Two spellings of a time of declaration: the schema has an underscore more.
    spelled = name.replace("DeclarationTime", "Declaration_Time")
    tried = ["7"] if name in PAGE else values(name, JSON_NAMES.get(spelled, ""))
    for value in tried:
        members = value if isinstance(value, list) else [value]
        text = "|".join(str(member) for member in members if member is not None)
        beside = [(each, str(value)) for each, value in BESIDE.get(name, {}).items()]
        asked = parse_pairs([(name, text), *beside], {"x": "https://example.com/x/"})
        if name in PAGE:
            assert (asked.per_page, asked.token) in {(7, None), (30, "7")}


@pytest.mark.parametrize("name", sorted(SCHEDULE))
def test_what_a_subscription_takes_is_no_query(name: str) -> None:
    assert name in NAMED["url"]
    with pytest.raises(ParameterUnknown):
        parse_pairs([(name, "5")])


def test_names_that_are_known_besides_are_counted() -> None:
    fixed = set(FIXED) - set(JSON_NAMES)
    assert fixed == {"EQ_percRank", "GE_errorDeclarationTime", "LT_errorDeclarationTime"}


@pytest.mark.parametrize("name", [name for name in JSON_NAMES if not name.startswith("EXISTS_")])
def test_no_parameter_takes_nothing(name: str) -> None:
    nothing: list[Any] = [[], [""], [{}]]
    for value in nothing:
        with pytest.raises(QueryParameterException):
            parse_query({name: value, **CONTEXT, **BESIDE.get(name, {})})


ATTRIBUTE = "EQATTR_readPoint_cbvmda:grossWeight"


@pytest.mark.parametrize(
    ("written", "asked", "is_found"),
    [
        ("4", 4, True),
        ("4.50", Decimal("4.5"), True),
        ("4.5", "4.5", True),
        ('"4"', 4, True),
        ('"four"', "four", True),
        ("10000000000000000001", Decimal(10000000000000000001), True),
        ("10000000000000000001", Decimal(10000000000000000002), False),  # one float
        ("0.1", Decimal("0.10000000000000000001"), False),
        ("4", 5, False),
        ('{"x": 4}', 4, False),
    ],
)
def test_a_number_of_master_data_is_found_by_its_value(
    sqlite_store: EventStore, written: str, asked: JsonValue, is_found: bool
) -> None:
    tenant = sqlite_store.tenant(TenantName("pit"))
    attribute = {"id": "urn:epcglobal:cbv:mda:grossWeight", "attribute": "HERE"}
    element = {"id": event()["readPoint"]["id"], "attributes": [attribute]}
    vocabulary = {
        "type": "urn:epcglobal:epcis:vtype:ReadPoint",
        "vocabularyElementList": [element],
    }
    header = {"epcisMasterData": {"vocabularyList": [vocabulary]}}
    data = document(event(1), header=header).replace(b'"HERE"', written.encode())
    assert capture(sqlite_store, tenant, Offered(data), who=Who("clerk")).captured == 1
    answer = run(sqlite_store, tenant, parse_query({ATTRIBUTE: [asked]}))
    assert len(answer.events) == int(is_found)
