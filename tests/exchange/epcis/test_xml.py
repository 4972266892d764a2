"""EPCIS XML, 2.0 and 1.2: the same events as JSON, and the tricks of XML refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.epcis.samples import (
    EXAMPLES,
    REFUSED_EXAMPLES,
    WHEN,
    document,
    event,
    extended,
    read_one,
    xml,
)

from lodeline.exchange.epcis import (
    Document,
    DocumentKind,
    event_hash_id,
    pre_hash,
    read_json,
    read_xml,
    write_json,
    write_xml,
)
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    DocumentTooLarge,
    EpcisRefused,
    NestedTooDeep,
    SchemaBroken,
    TimeWithoutZone,
    TopLevelWrong,
    XmlAttributesTooMany,
    XmlBroken,
    XmlDeclaresEntities,
    XmlElementTwice,
    XmlElementUnknown,
    XmlNumberWrong,
    XmlUnwritable,
)
from lodeline.exchange.epcis.value import MAX_ATTRIBUTES, MAX_DOCUMENT_BYTES, MAX_PREFIXES

TAKEN = [path for path in EXAMPLES if path.name not in REFUSED_EXAMPLES]
NUMBERS_IN_EXTENSIONS = {"Example-TransactionEvents-2020_07_03y.jsonld"}
"""Where XML cannot tell 4 from "4", so that events have equal ids but are not equal."""


def _object(body: str) -> bytes:
    return xml(f"<ObjectEvent>{WHEN}{body}</ObjectEvent>")


SMALL = "<epcList><epc>urn:x:1</epc></epcList><action>OBSERVE</action>"


# ------------------------------------------------------------------ round trips


@pytest.mark.parametrize("path", TAKEN, ids=lambda path: path.stem)
def test_each_json_example_survives_xml(path: Path) -> None:
    before = read_json(path.read_bytes())
    text = write_xml(before)
    after = read_xml(text)
    assert [event_hash_id(e) for e in after.events] == [event_hash_id(e) for e in before.events]
    if path.name not in NUMBERS_IN_EXTENSIONS:
        assert after.events == before.events
    assert write_xml(after) == text
    assert after.head == before.head


ABOUT = 'rdf:about="https://id.example.org/document1"'


def test_the_id_of_a_document_is_what_its_element_is_about() -> None:
    data = xml("").replace(b"<epcis:EPCISDocument", f"<epcis:EPCISDocument {ABOUT}".encode())
    data = data.replace(
        b' xmlns:x="', b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="'
    )
    found = read_xml(data)
    assert found.head["id"] == "https://id.example.org/document1"
    assert ABOUT.encode() in write_xml(found)
    assert b"rdf:" not in write_xml(read_xml(xml("")))


def test_an_id_that_is_no_uri_is_refused_as_in_json() -> None:
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" rdf:about="no uri"'
    data = xml("").replace(b"<epcis:EPCISDocument", f"<epcis:EPCISDocument {rdf}".encode())
    with pytest.raises(SchemaBroken) as refused:
        read_xml(data)
    assert refused.value.where == "document/id"


def test_an_id_that_xml_cannot_hold_is_refused() -> None:
    head = {**Document.capture([], "2026-03-01T09:00:00Z").head, "id": "urn:x:\0"}
    with pytest.raises(XmlUnwritable) as refused:
        write_xml(Document(DocumentKind.DOCUMENT, (), head))
    assert refused.value.where == "id"


def test_a_query_result_keeps_its_name() -> None:
    (path,) = [path for path in EXAMPLES if path.name == "EPCISQueryDocument.jsonld"]
    found = read_xml(write_xml(read_json(path.read_bytes())))
    assert found.kind is DocumentKind.QUERY
    assert b'"queryName":"SimpleEventQuery"' in write_json(found)


# ------------------------------------------------------------------ 1.2

OLD = """
<AggregationEvent>{when}
  <baseExtension>
    <eventID>urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8</eventID>
    <errorDeclaration>
      <declarationTime>2026-03-02T08:30:00Z</declarationTime>
      <reason>urn:epcglobal:cbv:er:incorrect_data</reason>
      <correctiveEventIDs><correctiveEventID>urn:x:c</correctiveEventID></correctiveEventIDs>
      <x:by>K. M.</x:by>
    </errorDeclaration>
  </baseExtension>
  <parentID>urn:epc:id:sscc:4012345.0000000333</parentID>
  <childEPCs><epc>urn:epc:id:sgtin:4012345.011111.9876</epc></childEPCs>
  <action>ADD</action>
  <bizStep>urn:epcglobal:cbv:bizstep:packing</bizStep>
  <readPoint><id>urn:epc:id:sgln:4012345.00005.0</id>
    <extension><x:gate>4</x:gate></extension></readPoint>
  <bizTransactionList>
    <bizTransaction type="urn:epcglobal:cbv:btt:po">http://example.com/po/1</bizTransaction>
    <bizTransaction>http://example.com/po/2</bizTransaction>
  </bizTransactionList>
  <extension>
    <childQuantityList>
      <quantityElement>
        <epcClass>urn:epc:class:lgtin:4012345.012345.998877</epcClass>
        <quantity>200.50</quantity><uom>KGM</uom>
      </quantityElement>
      <quantityElement>
        <epcClass>urn:epc:idpat:sgtin:4012345.044444.*</epcClass>
        <quantity xsi:nil="true"/>
      </quantityElement>
    </childQuantityList>
    <sourceList>
      <source type="urn:epcglobal:cbv:sdt:owning_party">urn:epc:id:pgln:4012345.00225</source>
    </sourceList>
    <extension><x:seal>S-1</x:seal></extension>
  </extension>
</AggregationEvent>
<extension><TransformationEvent>{when}
  <inputEPCList><epc>urn:x:1</epc></inputEPCList>
  <outputEPCList><epc>urn:x:2</epc></outputEPCList>
  <ilmd><extension><cbvmda:lotNumber>L-1</cbvmda:lotNumber></extension></ilmd>
</TransformationEvent></extension>
"""

NEW: list[dict[str, object]] = [
    extended(
        type="AggregationEvent",
        epcList=None,
        eventID="urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
        errorDeclaration={
            "declarationTime": "2026-03-02T08:30:00Z",
            "reason": "incorrect_data",
            "correctiveEventIDs": ["urn:x:c"],
            "x:by": "K. M.",
        },
        parentID="urn:epc:id:sscc:4012345.0000000333",
        childEPCs=["urn:epc:id:sgtin:4012345.011111.9876"],
        action="ADD",
        bizStep="packing",
        readPoint={"id": "urn:epc:id:sgln:4012345.00005.0", "x:gate": "4"},
        bizTransactionList=[
            {"type": "po", "bizTransaction": "http://example.com/po/1"},
            {"bizTransaction": "http://example.com/po/2"},
        ],
        childQuantityList=[
            {
                "epcClass": "urn:epc:class:lgtin:4012345.012345.998877",
                "quantity": 200.5,
                "uom": "KGM",
            },
            {"epcClass": "urn:epc:idpat:sgtin:4012345.044444.*"},
        ],
        sourceList=[{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
        x_seal="S-1",
    ),
    {
        "type": "TransformationEvent",
        "eventTime": "2026-03-01T08:30:00.000+01:00",
        "eventTimeZoneOffset": "+01:00",
        "inputEPCList": ["urn:x:1"],
        "outputEPCList": ["urn:x:2"],
        "ilmd": {"cbvmda:lotNumber": "L-1"},
    },
]


def test_wrappers_of_1_2_give_the_events_of_2_0() -> None:
    found = read_xml(xml(OLD.format(when=WHEN), version=1))
    assert list(found.events) == [read_one(value) for value in NEW]
    assert found.head["schemaVersion"] == "2.0"


def _master(attribute: dict[str, object]) -> dict[str, object]:
    """Master data of one site with one attribute."""
    element = {"id": "urn:x:site", "attributes": [{"id": "urn:x:a", **attribute}]}
    vocabulary = {"type": "urn:x:type", "vocabularyElementList": [element]}
    return {"epcisMasterData": {"vocabularyList": [vocabulary]}}


HEADER = """<EPCISHeader>
<s:StandardBusinessDocumentHeader
  xmlns:s="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">
  <s:HeaderVersion>1.0</s:HeaderVersion>
  <s:Sender><s:Identifier>urn:x:sender</s:Identifier></s:Sender>
  <s:Receiver><s:Identifier>urn:x:receiver</s:Identifier></s:Receiver>
  <s:DocumentIdentification><s:InstanceIdentifier>77</s:InstanceIdentifier>
  </s:DocumentIdentification>
</s:StandardBusinessDocumentHeader>
<extension><EPCISMasterData><VocabularyList>
  <Vocabulary type="urn:epcglobal:epcis:vtype:BusinessLocation"><VocabularyElementList>
    <VocabularyElement id="urn:x:site">
      <attribute id="urn:epcglobal:cbv:mda#name">Likasi</attribute>
      <attribute id="urn:x:address"><city>Likasi</city></attribute>
      <children><id>urn:x:hall</id></children>
    </VocabularyElement>
  </VocabularyElementList></Vocabulary>
</VocabularyList></EPCISMasterData></extension></EPCISHeader>"""


def test_business_header_and_master_data_are_taken_along() -> None:
    found = read_xml(xml("", head=HEADER))
    told = [found.head[name] for name in ("sender", "receiver", "instanceIdentifier")]
    assert told == ["urn:x:sender", "urn:x:receiver", "77"]
    element = {
        "id": "urn:x:site",
        "attributes": [
            {"id": "urn:epcglobal:cbv:mda#name", "attribute": "Likasi"},
            {"id": "urn:x:address", "attribute": {"city": "Likasi"}},
        ],
        "children": ["urn:x:hall"],
    }
    vocabulary = {
        "type": "urn:epcglobal:epcis:vtype:BusinessLocation",
        "vocabularyElementList": [element],
    }
    assert found.master_data == {"vocabularyList": [vocabulary]}
    assert read_xml(write_xml(found)) == found
    assert read_json(write_json(found)) == found


@pytest.mark.parametrize(
    "head",
    [
        {"x:note": "1"},
        {"epcisHeader": {"x:note": "1"}},
        {"epcisHeader": {"epcisMasterData": {"vocabularyList": [{"type": "urn:x:\u0001"}]}}},
        {"epcisHeader": _master({"attribute": {"a b": "1"}})},
        {"epcisHeader": _master({"attribute": {"list": ["1"]}})},
        {"epcisHeader": _master({"attribute": "\u0001"})},
        {"sender": "\u0001"},
    ],
)
def test_a_header_that_xml_cannot_say_is_refused(head: dict[str, object]) -> None:
    try:
        found = read_json(json.dumps(json.loads(document()) | head).encode())
    except SchemaBroken:
        return  # the schema has refused the control character
    with pytest.raises(XmlUnwritable):
        write_xml(found)


# ------------------------------------------------------------------ extensions


def test_extensions_become_what_json_says() -> None:
    found = read_xml(
        _object(
            SMALL
            + '<x:n xsi:type="xsd:integer">4</x:n><x:l>1</x:l><x:l>2</x:l><x:e/>'
            + "<x:o><x:p>1</x:p><id>urn:x:7</id></x:o>"
        )
    ).events[0]
    assert found.extension("x:n") == "4"
    assert found.extension("x:l") == ["1", "2"]
    assert found.extension("x:e") == ""
    assert found.extension("x:o") == {"x:p": "1", "id": "urn:x:7"}


def test_a_unit_beside_a_weight_is_not_lost() -> None:
    weight = '<cbvmda:netWeight measurementUnitCode="KGM">3.5</cbvmda:netWeight>'
    body = f"{SMALL.replace('OBSERVE', 'ADD')}<ilmd>{weight}</ilmd>"
    found = read_xml(_object(body))
    assert found.events[0].value["ilmd"] == {
        "cbvmda:netWeight": {"cbvmda:measurementUnitCode": "KGM", "rdf:value": "3.5"}
    }
    other = read_xml(_object(body.replace("KGM", "LBR")))
    assert event_hash_id(found.events[0]) != event_hash_id(other.events[0])
    assert read_xml(write_xml(found)) == found


def test_one_prefix_for_two_namespaces_does_not_mix_them_up() -> None:
    body = (
        f"<ObjectEvent>{WHEN}{SMALL}<x:a>1</x:a>"
        '<x:a xmlns:x="https://ns.example.com/other/">2</x:a></ObjectEvent>'
        '<ObjectEvent xmlns:x="https://ns.example.com/third/">'
        f"{WHEN}{SMALL}<x:a>3</x:a></ObjectEvent>"
    )
    one, other = read_xml(xml(body)).events
    assert (one.extension("x:a"), one.extension("ns1:a")) == ("1", "2")
    assert one.namespaces["ns1"] == "https://ns.example.com/other/"
    assert other.namespaces == {"x": "https://ns.example.com/third/"}
    assert "{https://ns.example.com/third/}a=3" in pre_hash(other)


# ------------------------------------------------------------------ tricks of XML

BOMB = (
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<EPCISDocument>&b;</EPCISDocument>"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB.encode(), XmlDeclaresEntities),
        (b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><EPCISDocument/>', XmlDeclaresEntities),
        (b"<!DOCTYPE project><EPCISDocument/>", XmlDeclaresEntities),
        (BOMB.encode("utf-16"), XmlBroken),
        (BOMB.encode("utf-7"), XmlDeclaresEntities),
        (b'<?xml version="1.0" encoding="utf-16"?><EPCISDocument/>', SchemaBroken),
        (b"", XmlBroken),
        (b"<EPCISDocument>", XmlBroken),
        (b"<EPCISDocument>&unknown;</EPCISDocument>", XmlBroken),
        (b"<x:EPCISDocument/>", XmlBroken),
        (b"\x00<EPCISDocument/>", XmlBroken),
        (b"<html/>", TopLevelWrong),
        (b"<EPCISDocument/>", SchemaBroken),
        (xml("<x:o>" * 40 + "</x:o>" * 40), NestedTooDeep),
        (xml("<x:o>" * 5000 + "</x:o>" * 5000), XmlBroken),
    ],
)
def test_xml_that_is_no_document_is_refused(data: bytes, reason: type[EpcisRefused]) -> None:
    # What the encoding declares is not believed: the bytes are UTF-8 or nothing.
    with pytest.raises(reason):
        read_xml(data)


def test_too_many_namespaces_in_force_are_refused() -> None:
    many = " ".join(f'xmlns:n{n}="urn:x:{n}"' for n in range(MAX_PREFIXES + 1))
    with pytest.raises(ContextRefused):
        read_xml(xml(f"<ObjectEvent {many}>{WHEN}{SMALL}</ObjectEvent>"))
    few = " ".join(f'xmlns:n{n}="urn:x:{n}"' for n in range(MAX_PREFIXES // 2))
    assert read_xml(xml(f"<ObjectEvent {few}>{WHEN}{SMALL}</ObjectEvent>" * 3)).events


def test_an_event_cannot_use_more_namespaces_than_an_event_may_declare() -> None:
    body = "".join(f'<a xmlns="urn:x:{n}">1</a>' for n in range(20_000))
    with pytest.raises(ContextRefused):
        read_xml(_object(SMALL + body))


def test_too_many_attributes_are_refused() -> None:
    many = " ".join(f'a{n}="1"' for n in range(MAX_ATTRIBUTES + 1))
    with pytest.raises(XmlAttributesTooMany) as refused:
        read_xml(_object(f"{SMALL}<x:a {many}/>"))
    assert refused.value.found == MAX_ATTRIBUTES + 1


def test_too_many_bytes_of_xml_are_refused() -> None:
    with pytest.raises(DocumentTooLarge):
        read_xml(b" " * (MAX_DOCUMENT_BYTES + 1))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (SMALL + "<bizStepp>urn:x:1</bizStepp>", XmlElementUnknown),
        (SMALL + "<action>ADD</action>", XmlElementTwice),
        (SMALL + "<myField>1</myField>", XmlElementUnknown),
        (SMALL + "<x:f>text<x:g>1</x:g></x:f>", XmlElementUnknown),
        (SMALL + "<x:f><g>1</g></x:f>", XmlElementUnknown),
        (SMALL + "<bizStep><x:g>1</x:g></bizStep>", XmlElementUnknown),
        ("<epcList><id>urn:x:1</id></epcList><action>ADD</action>", XmlElementUnknown),
        (SMALL + "<readPoint><name>1</name></readPoint>", XmlElementUnknown),
        (SMALL + "<persistentDisposition><x>1</x></persistentDisposition>", XmlElementUnknown),
        (
            SMALL + "<sensorElementList><sensorElement><x>1</x></sensorElement>"
            "</sensorElementList>",
            XmlElementUnknown,
        ),
        (
            SMALL + "<sensorElementList><sensorElement><sensorReport avg='1'/></sensorElement>"
            "</sensorElementList>",
            XmlElementUnknown,
        ),
        (
            "<sensorElementList><sensorElement><sensorReport type='gs1:Mass'><v/></sensorReport>"
            "</sensorElement></sensorElementList>" + SMALL,
            XmlElementUnknown,
        ),
        (SMALL + '<f xmlns="relative">1</f>', ContextRefused),
        (SMALL.replace("OBSERVE", "MOVE"), SchemaBroken),
        ("<action>ADD</action>", SchemaBroken),
    ],
)
def test_an_element_that_is_not_understood_is_refused_not_skipped(
    body: str, reason: type[EpcisRefused]
) -> None:
    with pytest.raises(reason):
        read_xml(_object(body))


@pytest.mark.parametrize("text", ["1_000", "inf", "NaN", "1,5", "", "0x1", "१"])
def test_a_quantity_that_is_no_number_is_refused(text: str) -> None:
    body = (
        "<quantityList><quantityElement><epcClass>urn:x:y</epcClass>"
        f"<quantity>{text}</quantity></quantityElement></quantityList><action>ADD</action>"
    )
    with pytest.raises(XmlNumberWrong) as refused:
        read_xml(_object(body))
    assert refused.value.fields() == {"where": "quantityList/quantity", "text": text}


def test_an_event_that_is_none_of_the_five_is_refused() -> None:
    with pytest.raises(XmlElementUnknown) as refused:
        read_xml(xml("<QuantityEvent/>"))
    assert refused.value.fields() == {"where": "EventList", "name": "QuantityEvent"}


def test_master_data_that_is_not_understood_is_refused() -> None:
    with pytest.raises(XmlElementUnknown):
        read_xml(xml("", head=HEADER.replace("children", "kin")))


def test_a_time_without_zone_is_refused_in_xml_too() -> None:
    data = _object(SMALL).replace(b".000+01:00<", b".000<", 1)
    with pytest.raises(TimeWithoutZone):
        read_xml(data)


# ------------------------------------------------------------------ what XML cannot say


def test_bare_events_have_no_xml() -> None:
    with pytest.raises(TopLevelWrong):
        write_xml(read_json(b"[]"))


@pytest.mark.parametrize(
    "value",
    [
        event(**{"x:a/b": "1"}),
        event(**{"x:1": "1"}),
        event(**{"x:a": "\u0001"}),
        event(**{"x:a": {"rdf:value": "1", "x:b": ["1", "2"]}}),
        event(**{"x:a": {"rdf:value": "1", "x:b": "\u0001"}}),
        event(type="https://ns.example.com/x/Event", epcList=None, action=None, bizStep=None),
        event(bizTransactionList=[{"bizTransaction": "urn:x:1", "type": "urn:x:\u0001"}]),
    ],
)
def test_what_xml_cannot_say_is_refused(value: dict[str, object]) -> None:
    try:
        found = read_json(document(value))
    except SchemaBroken:
        return  # the schema has refused the control character
    with pytest.raises(XmlUnwritable):
        write_xml(found)


def test_a_report_with_a_character_that_xml_lacks_is_refused() -> None:
    report = {"type": "Mass", "stringValue": "\u0001"}
    value = event(sensorElementList=[{"sensorReport": [report]}], readPoint={"id": "urn:x:r"})
    with pytest.raises(XmlUnwritable):
        write_xml(read_json(document(value)))


# ------------------------------------------------------------------ properties

TEXTS = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc", "Cn"]))
NAMES = st.sampled_from(["x:a", "x:b", "gs1:c", "cbvmda:d"])
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner.filter(lambda v: not isinstance(v, list)), min_size=2, max_size=3)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.property
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_extension_of_texts_survives_xml(extensions: dict[str, object]) -> None:
    before = read_json(document(event(**extensions)))
    after = read_xml(write_xml(before))
    assert after == before


@pytest.mark.fuzz
@given(st.data())
def test_a_mutated_document_is_read_to_a_fixed_point_or_refused(data: st.DataObject) -> None:
    text = bytearray(xml(OLD.format(when=WHEN), version=1, head=HEADER))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(b'<>/"& x1=:\n\xc3'))
    try:
        found = read_xml(bytes(text))
    except EpcisRefused:
        return
    again = read_json(write_json(found))
    assert again == found
    assert [event_hash_id(e) for e in read_xml(write_xml(found)).events] == [
        event_hash_id(e) for e in found.events
    ]
