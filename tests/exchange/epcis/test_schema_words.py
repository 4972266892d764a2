"""What is wrong with an event is told in the words of its author, not of the schema."""

from decimal import Decimal
from typing import Any

import pytest

from lodeline.exchange.epcis.errors import (
    FieldMissing,
    FieldUnknown,
    SchemaBroken,
    TimeWithoutZone,
    ValueNotAllowed,
)
from lodeline.exchange.epcis.schema import check_event
from lodeline.exchange.epcis.times import check_zone

EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-03-01T08:00:00.000Z",
    "eventTimeZoneOffset": "+02:00",
    "epcList": ["urn:epc:id:sgtin:4012345.011122.1"],
    "action": "OBSERVE",
    "bizStep": "shipping",
}


def refused(**changes: Any) -> SchemaBroken:
    event = {name: value for name, value in {**EVENT, **changes}.items() if value is not None}
    with pytest.raises(SchemaBroken) as found:
        check_event(event, "event 3")
    return found.value


def lots(**changes: Any) -> list[dict[str, Any]]:
    return [{"epcClass": "urn:epc:class:lgtin:4012345.011111.L1", "quantity": 1, **changes}]


def test_a_right_event_is_taken() -> None:
    check_event(EVENT, "event 3")


@pytest.mark.parametrize(
    ("changes", "where", "name"),
    [
        ({"eventTimeZoneOffset": None}, "event 3", "eventTimeZoneOffset"),
        ({"eventTime": None}, "event 3", "eventTime"),
        ({"action": None}, "event 3", "action"),
        (
            {"sensorElementList": [{"sensorReport": [{"value": 1}]}]},
            "event 3/sensorElementList/0/sensorReport/0",
            "type",
        ),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Any], where: str, name: str) -> None:
    found = refused(**changes)
    assert isinstance(found, FieldMissing)
    assert (found.where, found.name) == (where, name)


def test_what_the_standard_does_not_have_is_named() -> None:
    found = refused(biz_step="shipping")
    assert isinstance(found, FieldUnknown)
    assert (found.where, found.name) == ("event 3", "biz_step")


@pytest.mark.parametrize(
    ("changes", "where", "found", "allowed"),
    [
        (
            {"bizStep": "comissioning"},
            "bizStep",
            '"comissioning"',
            "commissioning, decommissioning",
        ),
        ({"disposition": "in transit"}, "disposition", '"in transit"', "in_transit"),
        ({"action": "MOVE"}, "action", '"MOVE"', "OBSERVE, ADD, DELETE"),
        ({"type": "FooEvent"}, "type", '"FooEvent"', "ObjectEvent, AggregationEvent"),
        ({"eventTime": "24/11/2026"}, "eventTime", '"24/11/2026"', "2026-03-01T08:30:00+02:00"),
        ({"eventTimeZoneOffset": "2"}, "eventTimeZoneOffset", '"2"', "+02:00"),
        ({"epcList": "x"}, "epcList", '"x"', "[…]"),
        ({"epcList": ["ore"]}, "epcList/0", '"ore"', "urn:epc:id:"),
        ({"readPoint": "gate"}, "readPoint", '"gate"', "{…}"),
        ({"quantityList": lots(uom="kgm")}, "quantityList/0/uom", '"kgm"', "KGM, TNE, GRM"),
        (
            {"quantityList": lots(quantity="24 600")},
            "quantityList/0/quantity",
            '"24 600"',
            "24600.5",
        ),
        ({"bizStep": Decimal("1.5")}, "bizStep", "1.5", "accepting"),
    ],
)
def test_a_value_that_cannot_be_is_shown_with_what_could_be(
    changes: dict[str, Any], where: str, found: str, allowed: str
) -> None:
    refusal = refused(**changes)
    assert isinstance(refusal, ValueNotAllowed)
    assert (refusal.where, refusal.found) == (f"event 3/{where}", found)
    assert refusal.allowed.startswith(allowed)


def test_what_has_no_better_words_is_told_by_its_rule() -> None:
    found = refused(epcList=["urn:x:1", "urn:x:1"])
    assert type(found) is SchemaBroken
    assert found.rule.endswith("uniqueItems")


def test_no_more_of_a_value_is_shown_than_a_person_reads() -> None:
    found = refused(action="x" * 100_000)
    assert isinstance(found, ValueNotAllowed)
    assert len(found.found) < 100


def test_a_time_of_another_form_is_no_time_rather_than_one_without_a_zone() -> None:
    for written in ("24/11/2026 09:00", "yesterday", ""):
        check_zone("eventTime", written)
        assert isinstance(refused(eventTime=written), ValueNotAllowed)
    for written in ("2026-11-24T09:00:00", "2026-11-24 09:00"):
        with pytest.raises(TimeWithoutZone):
            check_zone("eventTime", written)
