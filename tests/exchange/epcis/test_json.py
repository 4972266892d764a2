"""EPCIS JSON: every example, every refusal, and what comes out again."""

import json
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.epcis.samples import (
    CONTEXT,
    EXAMPLES,
    REFUSED_EXAMPLES,
    document,
    event,
    extended,
    read_one,
)

from lodeline.exchange.epcis import (
    Document,
    DocumentKind,
    Event,
    event_bytes,
    event_hash_id,
    read_json,
    read_xml,
    write_json,
    write_xml,
)
from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.document import Quantity
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    EpcisRefused,
    EventsTooMany,
    JsonBroken,
    JsonKeyTwice,
    ListInList,
    NameWithoutNamespace,
    NestedTooDeep,
    NumberRefused,
    PrefixUndeclared,
    SchemaBroken,
    TextTooLong,
    TopLevelWrong,
    ValueNull,
)
from lodeline.exchange.epcis.value import (
    MAX_DOCUMENT_BYTES,
    MAX_EVENTS,
    MAX_PREFIXES,
    MAX_TEXT_CHARS,
)

TAKEN = [path for path in EXAMPLES if path.name not in REFUSED_EXAMPLES]


# ------------------------------------------------------------------ examples


@pytest.mark.parametrize("path", TAKEN, ids=lambda path: path.stem)
def test_each_example_is_read_and_written_and_read(path: Path) -> None:
    found = read_json(path.read_bytes())
    assert found.events
    again = write_json(found)
    assert read_json(again) == found
    assert write_json(read_json(again)) == again


@pytest.mark.parametrize("name", REFUSED_EXAMPLES)
def test_an_example_that_breaks_the_standard_is_refused(name: str) -> None:
    (path,) = [path for path in EXAMPLES if path.name == name]
    with pytest.raises(EpcisRefused) as refused:
        read_json(path.read_bytes())
    assert refused.value.code == REFUSED_EXAMPLES[name]


def test_the_built_in_prefixes_are_those_of_the_bundled_context() -> None:
    file = resources.files("lodeline.exchange").joinpath("data/epcis/epcis-context.jsonld")
    context = json.loads(file.read_text("utf-8"))["@context"]
    for prefix, namespace in BUILT_IN.items():
        if prefix != "rdf":
            assert context[prefix] == namespace


# ------------------------------------------------------------------ typed access


def test_an_event_says_what_it_holds() -> None:
    found = read_one(
        extended(
            parentID="urn:epc:id:sscc:4012345.0000000333",
            type="AggregationEvent",
            epcList=None,
            childEPCs=["urn:x:1"],
            childQuantityList=[
                {"epcClass": "urn:x:y", "quantity": 2.50, "uom": "KGM"},
                {"epcClass": "urn:x:z"},
            ],
            disposition="in_transit",
            readPoint={"id": "urn:x:r"},
            bizLocation={"id": "urn:x:l"},
            eventID="urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
            x_seal="S-1",
        )
    )
    assert found.type == "AggregationEvent"
    assert found.event_time == "2026-03-01T08:30:00.000+01:00"
    assert found.time_zone_offset == "+01:00"
    assert found.event_id == "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"
    assert (found.action, found.biz_step, found.disposition) == (
        "OBSERVE",
        "shipping",
        "in_transit",
    )
    assert (found.read_point, found.biz_location) == ("urn:x:r", "urn:x:l")
    assert found.parent_id == "urn:epc:id:sscc:4012345.0000000333"
    assert list(found.epcs()) == [("childEPCs", "urn:x:1")]
    quantities = [quantity for _, quantity in found.quantities()]
    assert [q.quantity for q in quantities] == [Decimal("2.5"), None]
    assert [q.uom for q in quantities] == ["KGM", None]
    assert isinstance(quantities[0], Quantity)
    assert found.namespaces == {"x": "https://ns.example.com/x/"}
    assert found.extension("x:seal") == "S-1"
    assert found.extension("action") is None
    assert not found.is_error_declaration


def test_what_is_not_said_is_none() -> None:
    found = read_one(event())
    assert (found.event_id, found.read_point, found.parent_id) == (None, None, None)
    assert Document(DocumentKind.BARE, (found,)).master_data is None


def test_master_data_of_the_header_is_kept() -> None:
    value = json.loads(document(event()))
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:BusinessLocation"}
    value["epcisHeader"] = {"epcisMasterData": {"vocabularyList": [vocabulary]}}
    found = read_json(json.dumps(value).encode())
    assert found.master_data == {"vocabularyList": [vocabulary]}


def test_extensions_of_the_head_keep_their_namespace() -> None:
    value = json.loads(document(event())) | {"x:note": "seen"}
    found = read_json(json.dumps(value).encode())
    assert found.namespaces == {"x": "https://ns.example.com/x/"}
    assert read_json(write_json(found)) == found
    assert read_json(document(event())).namespaces == {}


def test_events_of_several_documents_meet_in_one_result() -> None:
    one = read_one(extended(x_f="1"))
    other = read_one({"@context": {"x": "https://ns.example.com/y/"}, **event(), "x:f": "2"})
    for made in (
        Document.capture([one, other], "2026-03-01T09:00:00Z"),
        Document.query_result([one, other], "2026-03-01T09:00:00Z", "SimpleEventQuery", "s-1"),
    ):
        assert read_json(write_json(made)) == made
        assert read_xml(write_xml(made)) == made


# ------------------------------------------------------------------ stored form


def test_equal_events_have_equal_bytes_whatever_the_document() -> None:
    one = read_json(document(event(**{"x:b": 1.50, "x:a": []}))).events[0]
    other = read_one(extended(x_b=1.5))
    assert event_bytes(one) == event_bytes(other)
    assert b'"x:b":1.5' in event_bytes(one)
    assert b"x:a" not in event_bytes(one)


def test_only_the_prefixes_that_an_event_uses_travel_with_it() -> None:
    context = [CONTEXT, {"x": "https://ns.example.com/x/", "y": "https://ns.example.com/y/"}]
    plain, used, worded = read_json(
        document(event(), event(**{"y:f": "1"}), event(bizStep="x:grind"), context=context)
    ).events
    assert plain.namespaces == {}
    assert used.namespaces == {"y": "https://ns.example.com/y/"}
    assert worded.namespaces == {"x": "https://ns.example.com/x/"}


def test_one_certificate_is_stored_alike_in_a_list_and_alone() -> None:
    alone = read_one(event(certificationInfo="https://example.com/c"))
    assert read_one(event(certificationInfo=["https://example.com/c"])) == alone


def test_types_of_extensions_in_a_context_are_dropped() -> None:
    context = [CONTEXT, {"x": "https://ns.example.com/x/", "x:n": {"@type": "xsd:integer"}}]
    found = read_json(document(event(**{"x:n": 4}), context=context))
    assert found.events[0].extension("x:n") == 4


def test_a_header_may_declare_prefixes_for_a_bare_event() -> None:
    data = json.dumps(event(**{"y:f": "1"})).encode()
    found = read_json(data, {"y": "https://ns.example.com/y/"})
    assert found.kind is DocumentKind.BARE
    assert found.events[0].namespaces == {"y": "https://ns.example.com/y/"}
    with pytest.raises(PrefixUndeclared):
        read_json(data)


@pytest.mark.parametrize(
    "text",
    [
        "1.000000000000000000000000000001",
        "123456789012345678901234567890",
        "-0.1",
        "1E+3",
        "0.10",
        "-0",
    ],
)
def test_numbers_keep_every_digit(text: str) -> None:
    data = json.dumps(extended(x_n="NUMBER")).replace('"NUMBER"', text).encode()
    (found,) = read_json(data).events
    value = found.extension("x:n")
    assert isinstance(value, (int, Decimal))
    assert Decimal(value) == Decimal(text)
    assert read_json(write_json(read_json(data))).events[0] == found


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", JsonBroken),
        (b"{", JsonBroken),
        (b"\xff[]", JsonBroken),
        (b'[{"type":"ObjectEvent","eventID":"\\ud800"}]', JsonBroken),
        (b"1", TopLevelWrong),
        (b"{}", TopLevelWrong),
        (b'{"type":7}', TopLevelWrong),
        (b"[1]", TopLevelWrong),
        (b'{"type":"ObjectEvent","type":"ObjectEvent"}', JsonKeyTwice),
        (b'{"type":"ObjectEvent","x":NaN}', NumberRefused),
        (b'{"type":"ObjectEvent","x":Infinity}', NumberRefused),
        (b'{"type":"ObjectEvent","x":1e400}', NumberRefused),
        (b'{"type":"ObjectEvent","x":1e-100}', NumberRefused),
        (b'{"type":"ObjectEvent","x":' + b"1" * 65 + b"}", NumberRefused),
        (b'{"type":"ObjectEvent","x":0.' + b"1" * 65 + b"}", NumberRefused),
        (b"[" * 200_000, NestedTooDeep),
        (b'{"type":"EPCISDocument","x":' + b"[" * 300 + b"]" * 300 + b"}", NestedTooDeep),
        (b'[{"type":"ObjectEvent","epcList":[[]]}]', ListInList),
        (b'[{"type":"ObjectEvent","bizStep":' + b"[" * 300 + b"]" * 300 + b"}]", NestedTooDeep),
        (b'{"type":"ObjectEvent"}', SchemaBroken),
        (b'{"type":"EPCISDocument"}', SchemaBroken),
        (b'{"type":"EPCISQueryDocument"}', SchemaBroken),
        (b'{"type":"EPCISDocument","epcisBody":3}', SchemaBroken),
    ],
)
def test_bytes_that_are_no_events_are_refused(data: bytes, reason: type[EpcisRefused]) -> None:
    with pytest.raises(reason):
        read_json(data)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (extended(x_f=None) | {"x:f": None}, ValueNull),
        (event() | {"bizStep": None}, ValueNull),
        (extended(x_f=[["1"]]), ListInList),
        (extended(x_f="1" * (MAX_TEXT_CHARS + 1)), TextTooLong),
        (event(bizStep="s" * (MAX_TEXT_CHARS + 1)), TextTooLong),
        (event(**{"y:f": "1"}), PrefixUndeclared),
        (event(bizStepp="shipping"), NameWithoutNamespace),
        (extended(x_f={"name": "1"}), NameWithoutNamespace),
        (extended(x_f={"@value": "1"}), NameWithoutNamespace),
        (event(id="urn:x:1"), NameWithoutNamespace),
        (event(quantityList=[{"epcClass": "urn:x:y", "x:f": "1"}]), NameWithoutNamespace),
        (event(bizStep="shiping"), SchemaBroken),
        (event(action="MOVE"), SchemaBroken),
        (event(eventTime="2026-02-30T08:30:00Z"), SchemaBroken),
        (event(eventTimeZoneOffset=None), SchemaBroken),
        (event(eventTimeZoneOffset="+15:00"), SchemaBroken),
        (event(epcList=None), SchemaBroken),
        (event(epcList=["urn:x:1", "urn:x:1"]), SchemaBroken),
        (event(epcList=["not a uri"]), SchemaBroken),
        (event(type="NoEvent"), SchemaBroken),
        (event(ilmd={"cbvmda:lotNumber": "1"}), SchemaBroken),  # only where things begin
        (event(quantityList=[{"epcClass": "urn:x:y", "quantity": "4"}]), SchemaBroken),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(
    value: dict[str, object], reason: type[EpcisRefused]
) -> None:
    with pytest.raises(reason):
        read_one(value)


def test_a_refusal_says_which_event_and_which_rule() -> None:
    with pytest.raises(SchemaBroken) as refused:
        read_json(document(event(), event(action="MOVE")))
    assert refused.value.where.startswith("eventList/1")
    assert refused.value.rule


@pytest.mark.parametrize(
    "context",
    [
        ["https://example.com/mine.jsonld"],
        [CONTEXT, "https://example.com/mine.jsonld"],
        [{"x": "https://ns.example.com/x/"}],
        [CONTEXT, {"gs1": "https://ns.example.com/x/"}],
        [CONTEXT, {"http": "https://ns.example.com/x/"}],
        [CONTEXT, {"xmlx": "https://ns.example.com/x/"}],
        [CONTEXT, {"1x": "https://ns.example.com/x/"}],
        [CONTEXT, {"x": "relative"}],
        [CONTEXT, {"x": {"@id": "https://ns.example.com/x/"}}],
        [CONTEXT, {"@import": "https://example.com/mine.jsonld"}],
        [CONTEXT, {"@vocab": "https://ns.example.com/x/"}],
        [CONTEXT, {"x": "https://ns.example.com/x/"}, {"x": "https://ns.example.com/y/"}],
        [CONTEXT, 7],
        [CONTEXT, {f"x{n}": "https://ns.example.com/x/" for n in range(MAX_PREFIXES)}],
    ],
)
def test_a_context_that_would_need_fetching_or_change_meanings_is_refused(
    context: object,
) -> None:
    with pytest.raises(ContextRefused):
        read_json(document(event(), context=context))


def test_too_many_bytes_or_events_are_refused_with_both_numbers() -> None:
    with pytest.raises(DocumentTooLarge) as large:
        read_json(b" " * (MAX_DOCUMENT_BYTES + 1))
    assert large.value.fields() == {"found": MAX_DOCUMENT_BYTES + 1, "most": MAX_DOCUMENT_BYTES}
    with pytest.raises(EventsTooMany) as many:
        read_json(b"[" + b",".join([b"{}"] * (MAX_EVENTS + 1)) + b"]")
    assert many.value.found == MAX_EVENTS + 1


def test_an_extension_nested_too_deep_is_refused() -> None:
    inner: object = "1"
    for _ in range(40):
        inner = {"x:f": inner}
    with pytest.raises(NestedTooDeep):
        read_one(extended(x_f=inner))


# ------------------------------------------------------------------ properties

NAMES = st.sampled_from(["x:a", "x:b", "x:c", "gs1:d"])
LEAVES = (
    st.text(max_size=8)
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(-1000, 1000, places=3)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner.filter(lambda v: not isinstance(v, list)), max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


def _json(value: object) -> str:
    """JSON with decimals as numbers, every digit."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


@pytest.mark.property
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_extension_is_written_as_it_is_stored(extensions: dict[str, object]) -> None:
    data = _json({**extended(), **extensions}).encode()
    found = read_json(data)
    again = read_json(write_json(found))
    assert again == found
    assert event_bytes(again.events[0]) == event_bytes(found.events[0])
    assert event_hash_id(again.events[0]) == event_hash_id(found.events[0])


@pytest.mark.fuzz
@given(st.data())
def test_a_mutated_document_is_read_to_a_fixed_point_or_refused(data: st.DataObject) -> None:
    text = bytearray(document(event(**{"x:f": ["1", {"x:g": 2.5}]}), event(bizStep="x:grind")))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(b'"{}[]:,0e.x \\n\xc3'))
    try:
        found = read_json(bytes(text))
    except EpcisRefused:
        return
    assert read_json(write_json(found)) == found
    assert all(isinstance(each, Event) for each in found.events)
