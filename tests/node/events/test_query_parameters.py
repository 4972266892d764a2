"""Names and values of query parameters: what is taken, and one refusal for each rule."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.events.documents import Json
from tests.node.events.query_world import NAMESPACE

from lodeline.exchange.epcis.errors import ContextRefused
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.node.events.parameters import (
    MAX_QUERY_BYTES,
    MAX_VALUES,
    Query,
    parse_pairs,
    parse_query,
    read_definition,
)
from lodeline.node.events.query_refusals import (
    ParameterCountWrong,
    ParameterEmpty,
    ParameterNeeds,
    ParameterNotFlag,
    ParameterNotNumber,
    ParameterNotText,
    ParameterNotTime,
    ParameterNotWord,
    ParameterPatternWrong,
    ParameterPrefixUnknown,
    ParametersExclude,
    ParameterTwice,
    ParameterUnknown,
    QueryNotObject,
    QueryParameterException,
    QueryTooLong,
    QueryTooManyValues,
)

TIME = "2026-03-01T08:00:00Z"
URI = ["https://example.com/a"]
PLAIN: Json = {
    "eventType": ["ObjectEvent"],
    **{
        f"{comparison}_{name}": TIME
        for comparison in ("GE", "LT")
        for name in ("eventTime", "recordTime", "errorDeclaration_Time", "errorDeclarationTime")
    },
    **{f"{c}_{name}": TIME for c in ("GE", "LT") for name in ("time", "startTime", "endTime")},
    "EQ_action": ["ADD"],
    "EQ_bizStep": ["shipping"],
    "EQ_disposition": ["active"],
    "EQ_persistentDisposition_set": ["active"],
    "EQ_persistentDisposition_unset": ["active"],
    "EQ_quantity": [1, 2.5],
    **{f"{c}_quantity": 1 for c in ("GT", "GE", "LT", "LE")},
    **{f"{c}_{name}": URI for c in ("EQ", "WD") for name in ("readPoint", "bizLocation")},
    "EQ_transformationID": URI,
    **{f"MATCH_{n}": URI for n in ("epc", "parentID", "inputEPC", "outputEPC", "anyEPC")},
    **{f"MATCH_{n}" + "Class": URI for n in ("epc", "inputEPC", "outputEPC", "anyEPC")},
    "EQ_eventID": URI,
    "EXISTS_errorDeclaration": None,
    "EQ_errorReason": ["did_not_occur"],
    "EQ_correctiveEventID": URI,
    "orderBy": "eventTime",
    "orderDirection": "ASC",
    "eventCountLimit": 5,
    "EXISTS_sensorElementList": 1,
    "EQ_type": ["Temperature"],
    **{
        f"EQ_{name}": URI
        for name in ("deviceID", "dataProcessingMethod", "microorganism", "chemicalSubstance")
    },
    "EQ_bizRules": URI,
    "EQ_stringValue": ["x"],
    "EQ_booleanValue": True,
    "EQ_hexBinaryValue": ["00ff"],
    "EQ_uriValue": URI,
    **{f"{c}_percRank": 1 for c in ("GE", "LT", "GT", "LE")},
}
"""Every name of the standard's JSON schema of queries that has no open part, but maxEventCount."""
SCOPES = ("", "ILMD_", "ERROR_DECLARATION_", "SENSORELEMENT_", "SENSORMETADATA_", "SENSORREPORT_")
OPEN: Json = {
    "EQ_bizTransaction_po": URI,
    "EQ_source_owning_party": URI,
    "EQ_destination_location": URI,
    "EQ_bizTransaction_urn:epcglobal:cbv:btt:po": URI,
    **{
        f"{c}_{inner}{scope}example:colour": 5
        for c in ("EQ", "GT", "GE", "LT", "LE")
        for inner in ("", "INNER_")
        for scope in SCOPES
    },
    **{f"EXISTS_{inner}{scope}example:colour": 1 for inner in ("", "INNER_") for scope in SCOPES},
    **{
        f"EQ_{inner}{place}_example:colour": ["x"]
        for inner in ("", "INNER_")
        for place in ("readPoint", "bizLocation")
    },
    "HASATTR_example:colour": ["urn:epcglobal:cbv:mda:city"],
    "HASATTR_bizLocation": ["urn:epcglobal:cbv:mda:city"],
    "EQ_ATTR_bizLocation_cbvmda:city": ["Kolwezi"],
    "EQATTR_bizLocation_cbvmda:city": ["Kolwezi"],
    **{
        f"{c}_{name}_KGM": 1
        for c in ("EQ", "GE", "LT", "GT", "LE")
        for name in ("value", "minValue", "maxValue", "meanValue", "sDev", "percValue", "quantity")
    },
    f"EQ_{NAMESPACE}colour": ["red"],
    f"EQ_ILMD_{NAMESPACE.rstrip('/')}#colour": ["red"],
}
"""One or more of every family that has an open part."""


def asked(parameters: Json) -> Query:
    """A query as it comes from JSON, with a prefix for extensions."""
    value = {"@context": {"example": NAMESPACE}, **parameters}
    return parse_query(parse_json(json.dumps(value).encode()))


def test_the_lists_are_whole() -> None:
    assert len(PLAIN) > 60
    assert len(OPEN) > 120


@pytest.mark.parametrize("name", sorted({**PLAIN, **OPEN}))
def test_every_name_of_the_standard_is_taken(name: str) -> None:
    value = {**PLAIN, **OPEN}[name]
    needed = {"orderBy": "eventTime"} if name == "eventCountLimit" else {}
    query = asked({name: value, **needed})
    found = [each.parameter for each in query.conditions] + [n.parameter for n in query.needs]
    assert found == ([] if name.startswith(("order", "eventCount")) else [name])


def test_all_of_them_at_once_survive_their_definition() -> None:
    query = asked({**PLAIN, **OPEN})
    again = read_definition(query.definition)
    assert again == query
    assert len(again.conditions) + len(again.needs) > 170


def test_the_order_in_which_parameters_come_does_not_matter() -> None:
    one = asked({"EQ_action": ["ADD"], "EQ_bizStep": ["shipping"]})
    assert asked({"EQ_bizStep": ["shipping"], "EQ_action": ["ADD"]}).definition == one.definition


@pytest.mark.parametrize(
    "name",
    [
        "EQ_colour",
        "eq_bizStep",
        "GT_bizStep",
        "GT_eventTime",
        "MATCH_nothing",
        "WD_disposition",
        "EXISTS_bizStep",
        "EQ_bizTransaction",
        "EQ_bizTransaction_",
        "GE_bizTransaction_po",
        "GE_value_kilograms",
        "HASATTR_quantity",
        "EQATTR_bizLocation",
        "EQ_bitsPerSensor",
        "perpage",
        "",
        "EQ_",
        "EQ_INNER_ILMD_",
    ],
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ParameterUnknown) as refused:
        asked({name: ["x"]})
    assert refused.value.parameter == name
    assert refused.value.exception == "QueryParameterException"
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "name", ["EQ_other:colour", "EXISTS_INNER_ILMD_other:x", "HASATTR_other:x"]
)
def test_a_prefix_that_nobody_declares_is_refused(name: str) -> None:
    with pytest.raises(ParameterPrefixUnknown) as refused:
        asked({name: ["x"]})
    assert (refused.value.parameter, refused.value.prefix) == (name, "other")


def test_extensions_of_the_header_are_prefixes_too() -> None:
    query = parse_query({"EQ_other:colour": ["red"]}, {"other": NAMESPACE})
    assert query == read_definition(query.definition)
    with pytest.raises(ContextRefused):
        parse_query({}, {"gs1": "https://example.com/gs1/"})


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("EQ_bizStep", [], ParameterEmpty),
        ("EQ_bizStep", [""], ParameterEmpty),
        ("EQ_bizStep", [3], ParameterNotText),
        ("EQ_bizStep", None, ParameterNotText),
        ("EQ_bizStep", {"a": 1}, ParameterNotText),
        ("EQ_example:colour", [], ParameterEmpty),
        ("EQ_example:colour", [""], ParameterEmpty),
        ("EQ_example:colour", [None], ParameterNotText),
        ("EQ_example:colour", [{"a": 1}], ParameterNotText),
        ("GT_example:colour", "red", ParameterNotNumber),
        ("GT_example:colour", [1, 2], ParameterNotText),
        ("GE_eventTime", "yesterday", ParameterNotTime),
        ("GE_eventTime", "2026-03-01T08:00:00", ParameterNotTime),
        ("GE_eventTime", "2026-03-01T08:00:00 02:00", ParameterNotTime),
        ("GE_eventTime", 5, ParameterNotTime),
        ("GE_eventTime", [], ParameterEmpty),
        ("LT_recordTime", [TIME, TIME], ParameterNotText),
        ("EQ_action", ["SOMETIMES"], ParameterNotWord),
        ("EQ_quantity", ["ten"], ParameterNotNumber),
        ("EQ_quantity", [True], ParameterNotNumber),
        ("EQ_quantity", [], ParameterEmpty),
        ("GE_quantity_KGM", "1e999", ParameterNotNumber),
        ("LT_value_CEL", "NaN", ParameterNotNumber),
        ("EXISTS_errorDeclaration", "perhaps", ParameterNotFlag),
        ("EQ_booleanValue", "yes", ParameterNotFlag),
        ("orderDirection", "UP", ParameterNotWord),
        ("orderBy", "bizStep", ParameterUnknown),
        ("orderBy", "other:x", ParameterPrefixUnknown),
        ("maxEventCount", -1, ParameterCountWrong),
        ("maxEventCount", "many", ParameterCountWrong),
        ("maxEventCount", 10**12, ParameterCountWrong),
    ],
)
def test_a_value_that_is_not_of_the_family_is_refused(
    name: str, value: Any, refusal: type[QueryParameterException]
) -> None:
    with pytest.raises(refusal) as refused:
        asked({name: value})
    assert refused.value.exception == "QueryParameterException"


@pytest.mark.parametrize(
    "pattern",
    [
        "urn:epc:idpat:sgtin:*",
        "urn:epc:idpat:sgtin:*.011122.*",
        "urn:epc:idpat:sgtin:4012345.*.5.*",
        "urn:epc:idpat:sgtin:4012345.0111*.*",
        "urn:epc:idpat:sgtin:40123x5.*.*",
        "urn:epc:idpat:sgtin:4012345.01112.*",
        "urn:epc:idpat:nothing:*.*.*",
        "urn:epc:idpat:sgtin:..*",
        "urn:epc:idpat:*",
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(ParameterPatternWrong) as refused:
        asked({"MATCH_epc": [pattern]})
    assert refused.value.found == pattern


def test_the_limits_of_an_answer_exclude_each_other() -> None:
    with pytest.raises(ParametersExclude):
        asked({"eventCountLimit": 5, "maxEventCount": 5, "orderBy": "eventTime"})


def test_a_count_limit_needs_an_order() -> None:
    with pytest.raises(ParameterNeeds) as refused:
        asked({"eventCountLimit": 5})
    assert (refused.value.parameter, refused.value.needed) == ("eventCountLimit", "orderBy")


@pytest.mark.parametrize("value", [[], "eventType", None, 5])
def test_a_query_is_an_object(value: Any) -> None:
    with pytest.raises(QueryNotObject) as refused:
        parse_query(value)
    assert refused.value.exception == "QueryValidationException"


def test_too_many_values_are_refused_before_they_are_read() -> None:
    with pytest.raises(QueryTooManyValues) as refused:
        asked({"MATCH_epc": ["x"] * (MAX_VALUES + 1)})
    assert (refused.value.found, refused.value.most) == (MAX_VALUES + 1, MAX_VALUES)
    assert refused.value.status == 413


def test_a_query_that_is_too_long_is_refused() -> None:
    with pytest.raises(QueryTooLong) as refused:
        asked({"EQ_stringValue": ["x" * MAX_QUERY_BYTES]})
    assert refused.value.most == MAX_QUERY_BYTES


# ------------------------------------------------------------------ URLs


def test_a_parameter_twice_is_refused() -> None:
    with pytest.raises(ParameterTwice) as refused:
        parse_pairs([("EQ_bizStep", "shipping"), ("EQ_bizStep", "receiving")])
    assert refused.value.parameter == "EQ_bizStep"


def test_the_page_is_no_part_of_the_query() -> None:
    found = parse_pairs([("perPage", "7"), ("nextPageToken", "abc"), ("EQ_bizStep", "a|b")])
    assert (found.per_page, found.token) == (7, "abc")
    assert found.query == parse_query({"EQ_bizStep": ["a", "b"]})
    assert parse_pairs([]).per_page == 30
    assert parse_pairs([("perPage", "999999")]).per_page == 1_000


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "1|2"])
def test_a_page_has_at_least_one_event(value: str) -> None:
    with pytest.raises((ParameterCountWrong, ParameterNotText)):
        parse_pairs([("perPage", value)])


def test_the_page_is_refused_within_a_query_of_json() -> None:
    with pytest.raises(ParameterUnknown):
        asked({"perPage": 5})


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=4))
@pytest.mark.property
def test_any_query_string_is_read_or_refused_by_name(pairs: list[tuple[str, str]]) -> None:
    try:
        query = parse_pairs(pairs).query
    except (QueryParameterException, QueryTooLong):
        return
    assert read_definition(query.definition) == query


NAMES = st.sampled_from(sorted({**PLAIN, **OPEN}))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=3))
@pytest.mark.property
def test_any_value_of_json_is_read_or_refused_by_name(parameters: Json) -> None:
    try:
        query = parse_query({**parameters, "@context": {"example": NAMESPACE}})
    except QueryParameterException:
        return
    assert read_definition(query.definition) == query
