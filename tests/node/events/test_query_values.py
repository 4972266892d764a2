"""What conditions rest on: patterns of EPCs, units, names of extensions, comparable values."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.gs1.link import canonical_link
from lodeline.node.events.families import FIXED
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.patterns import is_pattern, read_pattern
from lodeline.node.events.predicates import (
    ComparesTo,
    Comparison,
    EventView,
    MeasureIs,
    QualifiedName,
    comparable,
    qualified,
)
from lodeline.node.events.units import UnitCode, base_quantity, comparable_units

PREFIX = "urn:epc:idpat:"
THING = "urn:epc:id:sgtin:4012345.011122.25"


# ------------------------------------------------------------------ patterns


@pytest.mark.parametrize(
    ("pattern", "identifier"),
    [
        ("sgtin:4012345.011122.*", "urn:epc:id:sgtin:4012345.011122.25"),
        ("sgtin:4012345.011122.*", "urn:epc:id:sgtin:4012345.011122.a.b*"),
        ("sgtin:4012345.*.*", "urn:epc:id:sgtin:4012345.011122.25"),
        ("sgtin:*.*.*", "urn:epc:id:sgtin:4012345.011122.25"),
        ("lgtin:4012345.011122.*", "urn:epc:class:lgtin:4012345.011122.L1"),
        ("lgtin:*.*.*", "urn:epc:class:lgtin:4012345.011122.L1"),
        ("upui:1234567.098765.*", "urn:epc:id:upui:1234567.098765.51qIgY)%3C%26Jp3*j7'SDB"),
        ("sscc:4012345.*", "urn:epc:id:sscc:4012345.0000000111"),
        ("sgln:4012345.00001.*", "urn:epc:id:sgln:4012345.00001.9"),
        ("sgln:4012345.00001.*", "urn:epc:id:sgln:4012345.00001.0"),
        ("sgln:4012345.*.*", "urn:epc:id:sgln:4012345.00001.9"),
        ("pgln:4012345.*", "urn:epc:id:pgln:4012345.00001"),
        ("grai:4012345.12345.*", "urn:epc:id:grai:4012345.12345.400"),
        ("grai:4012345.*.*", "urn:epc:id:grai:4012345.12345.400"),
        ("giai:4012345.*", "urn:epc:id:giai:4012345.32a%2Fb"),
        ("gsrn:4012345.*", "urn:epc:id:gsrn:4012345.1234567890"),
        ("gdti:4012345.12345.*", "urn:epc:id:gdti:4012345.12345.006847"),
        ("sgcn:4012345.67890.*", "urn:epc:id:sgcn:4012345.67890.04711"),
        ("cpi:4012345.123ABC.*", "urn:epc:id:cpi:4012345.123ABC.123456789"),
        ("cpi:4012345.*.*", "urn:epc:id:cpi:4012345.123ABC.123456789"),
        ("itip:4012345.012345.01.02.*", "urn:epc:id:itip:4012345.012345.01.02.987"),
        ("itip:4012345.012345.*.*.*", "urn:epc:id:itip:4012345.012345.01.02.987"),
        ("itip:4012345.*.*.*.*", "urn:epc:id:itip:4012345.012345.01.02.987"),
        ("ginc:4012345.*", "urn:epc:id:ginc:4012345.xyz3311cba"),
        ("gsin:4012345.*", "urn:epc:id:gsin:4012345.123456789"),
    ],
)
def test_a_pattern_matches_both_spellings_and_finds_them_in_the_index(
    pattern: str, identifier: str
) -> None:
    assert is_pattern(PREFIX + pattern)
    found = read_pattern("MATCH_epc", PREFIX + pattern)
    link = canonical_link(identifier)
    assert found.matches(identifier)
    assert found.matches(link)
    assert found.matches(link.replace("https://id.gs1.org", "https://example.com/some/path"))
    assert any(link.startswith(beginning) for beginning in found.beginnings)


@pytest.mark.parametrize(
    ("pattern", "identifier"),
    [
        ("sgtin:4012345.011122.*", "urn:epc:id:sgtin:4012345.011123.25"),
        ("sgtin:4012345.011122.*", "urn:epc:class:lgtin:4012345.011122.25"),
        ("sgtin:4012345.*.*", "urn:epc:id:sgtin:40123450.11122.25"),
        ("sgtin:4012345.*.*", "urn:epc:class:lgtin:4012345.011122.25"),
        ("lgtin:4012345.*.*", "urn:epc:id:sgtin:4012345.011122.25"),
        ("lgtin:4012345.011122.*", "urn:epc:idpat:sgtin:4012345.011122.*"),
        ("sgln:4012345.00001.*", "urn:epc:id:sgln:4012345.00002.0"),
        ("pgln:4012345.*", "urn:epc:id:sgln:4012345.00001.0"),
        ("cpi:4012345.123.*", "urn:epc:id:cpi:4012345.123ABC.1"),
        ("gid:95100000.12345.*", "urn:epc:id:gid:95100000.123456.1"),
        ("sscc:4012345.*", "urn:epc:id:sgtin:4012345.011122.25"),
    ],
)
def test_a_pattern_does_not_match_its_neighbours(pattern: str, identifier: str) -> None:
    found = read_pattern("MATCH_epc", PREFIX + pattern)
    assert not found.matches(identifier)
    if not identifier.startswith(("urn:epc:id:gid", "urn:epc:id:sgtin:40123450")):
        assert not found.matches(canonical_link(identifier))


def test_what_is_no_gs1_key_is_matched_as_it_is_written() -> None:
    found = read_pattern("MATCH_epc", PREFIX + "gid:95100000.12345.*")
    assert found.matches("urn:epc:id:gid:95100000.12345.400")
    assert found.beginnings == ("urn:epc:id:gid:95100000.12345.",)
    assert not found.matches("https://example.com/anything")
    assert not found.matches("urn:uuid:00000000-0000-4000-8000-000000000000")


# ------------------------------------------------------------------ units


@pytest.mark.parametrize(
    ("number", "unit", "same", "other"),
    [
        (1, "TNE", 1_000, "KGM"),
        (1, "LBR", Decimal("453.59237"), "GRM"),
        (16, "ONZ", 1, "LBR"),
        (0, "CEL", Decimal("273.15"), "KEL"),
        (32, "FAH", 0, "CEL"),
        (212, "FAH", 100, "CEL"),
        (36, "KMH", 10, "MTS"),
        (1, "KNT", Decimal("1.852"), "KMH"),
        (1, "BAR", 1_000, "A97"),
        (1, "KWH", Decimal("3.6"), "3B"),
        (1, "GLL", Decimal("3.785411784"), "LTR"),
        (12, "INH", 1, "FOT"),
        (5_280, "FOT", 1, "SMI"),
        (1, "A93", 1_000, "GP"),
        (1, "DAY", 24, "HUR"),
        (50, "P1", Decimal("0.5"), "C62"),
    ],
)
def test_units_become_one_another_exactly(
    number: int, unit: str, same: int | Decimal, other: str
) -> None:
    assert comparable_units(UnitCode(unit), UnitCode(other))
    assert base_quantity(number, UnitCode(unit)) == base_quantity(same, UnitCode(other))


def test_other_quantities_and_unknown_units_do_not_compare() -> None:
    assert not comparable_units(UnitCode("KGM"), UnitCode("MTR"))
    assert not comparable_units(UnitCode("XYZ"), UnitCode("KGM"))
    assert comparable_units(UnitCode("XYZ"), UnitCode("XYZ"))
    assert base_quantity(Decimal("0.1"), UnitCode("XYZ")) == Fraction(1, 10)


def test_a_spread_of_temperatures_has_no_beginning_of_the_scale() -> None:
    nine = base_quantity(9, UnitCode("FAH"), spread=True)
    assert nine == base_quantity(5, UnitCode("KEL"), spread=True)
    assert nine == base_quantity(5, UnitCode("CEL"), spread=True)


def test_a_tenth_is_a_tenth() -> None:
    test = MeasureIs("quantity", Comparison.EQ, (Decimal("0.3"),), UnitCode("KGM"))
    assert test.holds({"quantity": 300, "uom": "GRM"}, EventView({}))
    assert not test.holds({"quantity": Decimal("300.0000001"), "uom": "GRM"}, EventView({}))
    assert not test.holds({"quantity": 300}, EventView({}))


# ------------------------------------------------------------------ names and values


@pytest.mark.parametrize(
    "name",
    [
        "x:colour",
        "y:colour",
        "https://ns.example.com/epcis/colour",
        "https://ns.example.com/epcis#colour",
    ],
)
def test_a_name_is_the_same_in_every_spelling(name: str) -> None:
    spaces = {"x": "https://ns.example.com/epcis/", "y": "https://ns.example.com/epcis"}
    expected = QualifiedName("https://ns.example.com/epcis", "colour")
    assert qualified(name, spaces) == expected


@pytest.mark.parametrize("name", ["colour", "z:colour", ":", "", "x:", "https://"])
def test_a_name_without_a_namespace_is_none(name: str) -> None:
    found = qualified(name, BUILT_IN)
    assert found is None or not found.local


@pytest.mark.parametrize(
    ("comparison", "found", "wanted", "holds"),
    [
        ("EQ", "007", "007", True),
        ("EQ", "007", "7", False),
        ("EQ", "007", 7, True),
        ("EQ", 7, "7.0", True),
        ("EQ", Decimal("0.1"), "0.10", True),
        ("EQ", True, "true", True),
        ("EQ", True, "1", False),
        ("EQ", True, 1, False),
        ("EQ", False, False, True),
        ("EQ", "2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z", True),
        (
            "EQ",
            "urn:epc:id:sgtin:4012345.011122.25",
            "https://id.gs1.org/01/04012345111224/21/25",
            True,
        ),
        ("GT", "10", 9, True),
        ("GT", "ten", 9, False),
        ("GT", "2026-03-01T10:00:00+02:00", "2026-03-01T07:00:00Z", True),
        ("LT", "2026-03-01T10:00:00+02:00", 5, False),
        ("GT", True, 0, False),
        ("EQ", ["007"], "007", False),
        ("EQ", None, "007", False),
    ],
)
def test_values_of_extensions_compare_by_what_they_are(
    comparison: str, found: object, wanted: object, holds: bool
) -> None:
    value = comparable(wanted, BUILT_IN)  # type: ignore[arg-type] # JSON, by the table above
    assert value is not None
    test = ComparesTo(Comparison(comparison), (value,))
    assert test.holds(found, EventView({})) is holds  # type: ignore[arg-type] # the same


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
MEMBERS = ["bizStep", "readPoint", "epcList", "sensorElementList", "errorDeclaration", "ilmd"]


@given(st.dictionaries(st.sampled_from([*MEMBERS, "x:y", "gs1:z"]), JSON_VALUES))
@pytest.mark.property
def test_no_value_makes_a_condition_fail(value: dict[str, object]) -> None:
    assert len(FIXED) > 50
    for parameters in (
        {"EQ_bizStep": ["shipping"], "EQ_gs1:z": ["a"]},
        {"MATCH_epc": ["urn:epc:idpat:sgtin:*.*.*"]},
        {"GE_value_CEL": "5", "GT_INNER_ILMD_gs1:z": "5"},
        {"EQ_type": ["Temperature"], "GE_time": "2026-03-01T08:00:00Z"},
        {"EXISTS_errorDeclaration": "true", "EQ_source_owning_party": ["a"]},
    ):
        query = parse_query(parameters)  # type: ignore[arg-type] # texts and lists of texts
        assert query.matches(EventView(value)) in {True, False}  # type: ignore[arg-type]
