"""Limits and forms at their very edge: what is just taken, and what is just refused."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.exchange.epcis.samples import CONTEXT, document, event, extended, read_one, xml

from lodeline.exchange.epcis import Document, json_in, read_json, read_xml, write_xml, xml_in
from lodeline.exchange.epcis.context import BUILT_IN, read_context
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    EventsTooMany,
    JsonBroken,
    JsonKeyTwice,
    NameWithoutNamespace,
    NestedTooDeep,
    NumberRefused,
    PrefixUndeclared,
    SchemaBroken,
    TextTooLong,
)
from lodeline.exchange.epcis.normal import bounded
from lodeline.exchange.epcis.value import (
    MAX_DEPTH,
    MAX_PREFIXES,
    MAX_TEXT_CHARS,
    JsonObject,
    parse_number,
)


def test_a_document_of_just_so_many_bytes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    data = document(event())
    monkeypatch.setattr(json_in, "MAX_DOCUMENT_BYTES", len(data))
    assert len(read_json(data).events) == 1
    with pytest.raises(DocumentTooLarge) as refused:
        read_json(data + b" ")
    assert (refused.value.found, refused.value.most) == (len(data) + 1, len(data))


def test_just_so_many_events_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_in, "MAX_EVENTS", 2)
    assert len(read_json(document(event(), event())).events) == 2
    with pytest.raises(EventsTooMany) as refused:
        read_json(document(event(), event(), event()))
    assert (refused.value.found, refused.value.most) == (3, 2)


def test_just_so_many_bytes_of_xml_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    data = xml("")
    monkeypatch.setattr(xml_in, "MAX_DOCUMENT_BYTES", len(data))
    assert xml_in.read_xml(data).events == ()
    with pytest.raises(DocumentTooLarge):
        xml_in.read_xml(data + b" ")


@pytest.mark.parametrize("half", ["\\ud800", "\\uD800", "\\uDFFF", "\\uD83D\\u0020"])
def test_half_a_character_is_refused_in_either_case(half: str) -> None:
    with pytest.raises(JsonBroken):
        read_json(document(event(bizStep="HALF")).replace(b"HALF", half.encode()))


def test_the_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(JsonKeyTwice) as refused:
        read_json(b'[{"type": "ObjectEvent", "action": "ADD", "action": "ADD"}]')
    assert refused.value.key == "action"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * 64, Decimal("9" * 64)),
        ("1e63", Decimal(10**63)),
        ("-1e62", Decimal(-(10**62))),
        ("1e-62", Decimal("1e-62")),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, Decimal("9" * 19)),
        ("1.50", Decimal("1.5")),
    ],
)
def test_numbers_of_just_so_many_characters_are_exact(text: str, value: Decimal | int) -> None:
    found = parse_number(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["9" * 65, "1e64", "-1e63", "1e-63", "1e1000000", "1e-1000000", "1e99999999999999999999"],
)
def test_numbers_of_one_character_more_are_refused(text: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        parse_number(text)
    assert refused.value.fields() == {"text": text[:64], "most": 64}


def test_just_so_many_prefixes_are_taken() -> None:
    room = MAX_PREFIXES - len(BUILT_IN)
    most: JsonObject = {f"p{at}": f"https://example.com/{at}/" for at in range(room)}
    assert len(read_context(most, BUILT_IN)) == MAX_PREFIXES
    with pytest.raises(ContextRefused):
        read_context({**most, "q": "https://example.com/q/"}, BUILT_IN)


def test_a_prefix_is_a_name_of_xml() -> None:
    for prefix in ("a.b-c_d1", "_a"):
        assert prefix in read_context({prefix: "https://example.com/"}, BUILT_IN)
    for prefix in ("a+b", "1a", ".a"):
        with pytest.raises(ContextRefused) as refused:
            read_context({prefix: "https://example.com/"}, BUILT_IN)
        assert refused.value.entry == prefix


def _nested(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = {"x:in": value}
    return value


def test_values_nest_just_so_deep() -> None:
    bounded(_nested(MAX_DEPTH - 1), "here")
    with pytest.raises(NestedTooDeep):
        bounded(_nested(MAX_DEPTH), "here")
    # Document, body, list and event are around an extension.
    deepest = next(at for at in range(1, MAX_DEPTH + 1) if not _is_read(at + 1))
    assert deepest == MAX_DEPTH - 5
    assert all(_is_read(at) for at in range(1, deepest + 1))
    # What can be read can be written as XML and read again, wherever it stands.
    report = {"type": "Mass", "x:deep": _nested(deepest - 4)}
    value = extended(sensorElementList=[{"sensorReport": [report]}])
    whole = Document.capture([read_one(value)], "2026-03-01T09:00:00Z")
    assert read_xml(write_xml(whole)).events == whole.events
    report["x:deep"] = _nested(deepest - 3)
    with pytest.raises(NestedTooDeep):
        read_one(extended(sensorElementList=[{"sensorReport": [report]}]))


def _is_read(levels: int) -> bool:
    try:
        read_one(extended(x_deep=_nested(levels)))
    except NestedTooDeep:
        return False
    return True


def test_a_text_has_just_so_many_characters() -> None:
    read_one(extended(x_text="a" * MAX_TEXT_CHARS))
    with pytest.raises(TextTooLong) as refused:
        read_one(extended(x_text="a" * (MAX_TEXT_CHARS + 1)))
    assert refused.value.found == MAX_TEXT_CHARS + 1


@pytest.mark.parametrize("changes", [{"action": {"a": "b"}}, {"epcList": [{"a": "b"}]}])
def test_an_object_where_a_text_belongs_breaks_the_schema(changes: dict[str, object]) -> None:
    with pytest.raises(SchemaBroken):
        read_one(event(**changes))


def test_a_whole_address_may_be_a_name_and_half_of_one_may_not() -> None:
    names = {"https://example.com/a": 1, "http://example.com/b": 2, "urn:example:c": 3}
    found = read_one({**event(), **names})
    assert [found.extension(name) for name in names] == [1, 2, 3]
    for name in ("https:a", "http:/b", "ftp://example.com/c"):
        with pytest.raises(PrefixUndeclared) as refused:
            read_one({**event(), name: 1})
        assert refused.value.name == name


@pytest.mark.parametrize("name", ["id", "type", "note"])
def test_instance_data_have_no_names_without_namespace(name: str) -> None:
    with pytest.raises(NameWithoutNamespace) as refused:
        read_one(event(action="ADD", ilmd={name: "urn:x:1"}))
    assert (refused.value.name, refused.value.where) == (name, f"eventList/0/ilmd/{name}")


def test_a_list_of_one_is_the_one_and_a_word_is_no_prefix() -> None:
    context = {"x": "https://example.com/x/", "y": "https://example.com/y/"}
    found = read_one({"@context": context, **event(), "x:a": ["1"], "x:b": "y", "x:c": ["1", "2"]})
    assert (found.extension("x:a"), found.extension("x:c")) == ("1", ["1", "2"])
    assert found.namespaces == {"x": "https://example.com/x/"}
    used = read_one({"@context": context, **event(), "x:b": "y:z"})
    assert used.namespaces == context


def test_the_context_of_a_document_must_be_the_standards() -> None:
    data = json.loads(document(event()))
    data["@context"] = [{"x": "https://example.com/x/"}]
    with pytest.raises(ContextRefused):
        read_json(json.dumps(data).encode())
    data["@context"] = CONTEXT
    assert len(read_json(json.dumps(data).encode()).events) == 1
