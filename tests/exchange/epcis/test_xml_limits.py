"""XML at the edge of its limits, and which of two equal things counts."""

import pytest
from tests.exchange.epcis.samples import WHEN, extended, read_one, xml

from lodeline.exchange.epcis import Document, read_xml, write_xml
from lodeline.exchange.epcis.errors import (
    ContextRefused,
    NestedTooDeep,
    XmlAttributesTooMany,
    XmlBroken,
    XmlElementUnknown,
)
from lodeline.exchange.epcis.value import MAX_ATTRIBUTES, MAX_DEPTH, MAX_PREFIXES

SMALL = f"{WHEN}<epcList><epc>urn:x:1</epc></epcList><action>OBSERVE</action>"
AROUND = 4
"""Document, body, list and event."""


def _with(inner: str, *, attributes: str = "") -> bytes:
    return xml(f"<ObjectEvent{attributes}>{SMALL}{inner}</ObjectEvent>")


def test_elements_nest_just_so_deep() -> None:
    def nested(levels: int) -> str:
        return "<x:a>" * levels + "1" + "</x:a>" * levels

    assert len(read_xml(_with(nested(MAX_DEPTH - AROUND))).events) == 1
    with pytest.raises(NestedTooDeep):
        read_xml(_with(nested(MAX_DEPTH - AROUND + 1)))


def test_an_element_has_just_so_many_attributes() -> None:
    def named(count: int) -> str:
        return "<x:a " + " ".join(f'a{at}="1"' for at in range(count)) + ">1</x:a>"

    assert len(read_xml(_with(named(MAX_ATTRIBUTES))).events) == 1
    with pytest.raises(XmlAttributesTooMany) as refused:
        read_xml(_with(named(MAX_ATTRIBUTES + 1)))
    assert (refused.value.found, refused.value.most) == (MAX_ATTRIBUTES + 1, MAX_ATTRIBUTES)


def test_namespaces_are_counted_where_they_are_in_force() -> None:
    def declared(count: int, first: int = 0) -> str:
        numbers = range(first, first + count)
        return "".join(f' xmlns:n{at}="https://example.com/{at}/"' for at in numbers)

    room = MAX_PREFIXES - 4  # of the document itself
    beside = "".join(f"<x:a{declared(1, at)}>1</x:a>" for at in range(room * 2))
    assert len(read_xml(_with(beside)).events) == 1
    with pytest.raises(ContextRefused):
        read_xml(_with("", attributes=declared(room + 1)))


def test_the_line_that_is_broken_is_told() -> None:
    with pytest.raises(XmlBroken) as refused:
        read_xml(b"<a>\n\n<b></a>")
    assert refused.value.line == 3


def test_a_report_holds_no_element_of_another_name() -> None:
    report = '<sensorReport type="gs1:Mass"><value>1</value></sensorReport>'
    inner = f"<sensorElementList><sensorElement>{report}</sensorElement></sensorElementList>"
    with pytest.raises(XmlElementUnknown) as refused:
        read_xml(_with(inner))
    assert set(refused.value.fields().values()) == {"sensorReport", "value"}


def test_a_prefix_that_an_extension_declares_itself_is_kept() -> None:
    data = _with('<g:gate xmlns:f="https://example.com/f/" xmlns:g="https://example.com/g/"/>')
    (found,) = read_xml(data).events
    assert found.namespaces == {"g": "https://example.com/g/"}
    assert found.extension("g:gate") == ""


def test_of_two_senders_the_first_counts() -> None:
    sbdh = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    senders = "".join(
        f"<s:Sender><s:Identifier>urn:x:{name}</s:Identifier></s:Sender>" for name in "ab"
    )
    head = (
        f'<EPCISHeader><s:StandardBusinessDocumentHeader xmlns:s="{sbdh}">{senders}'
        "</s:StandardBusinessDocumentHeader></EPCISHeader>"
    )
    assert read_xml(xml("", head=head)).head["sender"] == "urn:x:a"
    foreign = head.replace(sbdh, "https://example.com/other")
    assert "sender" not in read_xml(xml("", head=foreign)).head


def test_elements_are_written_in_the_order_of_the_standards_schema() -> None:
    transactions = [{"type": "po", "bizTransaction": "urn:x:po"}]
    for kind, first, second in (
        ("TransactionEvent", "bizTransactionList", "epcList"),
        ("ObjectEvent", "epcList", "bizTransactionList"),
    ):
        value = extended(type=kind, bizTransactionList=transactions, x_z="1", x_a="2", x_m="3")
        whole = Document.capture([read_one(value)], "2026-03-01T09:00:00Z")
        text = write_xml(whole).decode()
        assert text.index(f"<{first}>") < text.index(f"<{second}>")
        assert text.index("<x:a>") < text.index("<x:m>") < text.index("<x:z>")
        assert read_xml(text.encode()).events == whole.events
