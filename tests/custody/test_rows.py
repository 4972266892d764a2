"""Typed reading of tables: each refusal names the table and the key's path."""

from enum import Enum

import pytest

from lodeline.custody.rows import (
    MissingKey,
    NumberOutOfRange,
    Row,
    TwiceInTable,
    UnknownKey,
    ValueRefused,
    WrongShape,
    refuse_twice,
    rows_of,
)
from lodeline.custody.yaml_text import TableRefused, Tree
from lodeline.kernel.unit_errors import UnitMissing


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def row(tree: dict[str, Tree]) -> Row:
    return Row("ores", "ores[3]", tree)


def test_values_come_typed() -> None:
    given = row(
        {
            "name": "x",
            "share": 5,
            "mass": "1.5 kg",
            "colour": "red",
            "colours": ["blue", "red"],
            "flag": True,
            "day": "1970-01-02",
            "inner": {"a": 1},
            "rows": [{"b": "c"}],
            "decimal": "58.933",
            "floor": "0.2 kg CO2e/kg",
        }
    )
    assert given.text("name") == "x"
    assert given.ppm("share") == 5
    assert given.mass("mass") == 1_500_000
    assert given.intensity("floor") == 200
    assert given.choice("colour", Colour) is Colour.RED
    assert given.choices("colours", Colour) == (Colour.BLUE, Colour.RED)
    assert given.flag("flag") is True
    assert given.first_second("day") == 86_400
    assert given.last_second("day") == 2 * 86_400 - 1
    assert given.first_second_after("day") == 2 * 86_400
    assert given.row("inner").names() == ("a",)
    assert [item.text("b") for item in given.rows("rows")] == ["c"]
    assert given.decimal("decimal") == "58.933"
    given.close()


def test_absent_options_are_empty() -> None:
    given = row({"gone": None})
    assert not given.has("gone")
    assert given.last_second("gone") is None
    assert given.texts("none", optional=True) == ()
    assert given.rows("none", optional=True) == ()
    assert given.row("none", optional=True).names() == ()
    given.close()


@pytest.mark.parametrize(
    ("read", "tree", "reason", "fields"),
    [
        ("text", {}, MissingKey, {}),
        ("text", {"k": ""}, WrongShape, {"expected": "text"}),
        ("text", {"k": 5}, WrongShape, {"expected": "text"}),
        ("text", {"k": None}, WrongShape, {}),
        ("flag", {"k": 1}, WrongShape, {"expected": "true or false"}),
        ("flag", {"k": "yes"}, WrongShape, {}),
        ("ppm", {"k": True}, WrongShape, {"expected": "an integer"}),
        ("ppm", {"k": "5"}, WrongShape, {}),
        ("ppm", {"k": -1}, NumberOutOfRange, {"value": -1, "least": 0}),
        ("ppm", {"k": 1_000_001}, NumberOutOfRange, {"greatest": 1_000_000}),
        ("mass", {"k": "5"}, ValueRefused, {"value": "5", "reason": UnitMissing.code}),
        ("mass", {"k": 5}, WrongShape, {"expected": "text"}),
        ("intensity", {"k": "5 kg"}, ValueRefused, {}),
        ("first_second", {"k": "31.01.2026"}, WrongShape, {}),
        ("first_second", {"k": "2026-1-31"}, WrongShape, {}),
        ("first_second", {"k": "2026-02-30"}, ValueRefused, {"value": "2026-02-30"}),
        ("last_second", {"k": "2026-13-01"}, ValueRefused, {}),
        ("texts", {"k": "x"}, WrongShape, {"expected": "a list of texts"}),
        ("texts", {"k": ["x", 1]}, WrongShape, {}),
        ("texts", {"k": ["x", ""]}, WrongShape, {}),
        ("texts", {"k": ["x", "x"]}, WrongShape, {"expected": "a list of different texts"}),
        ("rows", {"k": {}}, WrongShape, {"expected": "a list of mappings"}),
        ("row", {"k": []}, WrongShape, {"expected": "a mapping"}),
        ("decimal", {"k": "1e3"}, WrongShape, {}),
        ("decimal", {"k": "0.5"}, WrongShape, {}),
        ("decimal", {"k": "-1"}, WrongShape, {}),
    ],
)
def test_each_refusal_names_table_and_key(
    read: str, tree: dict[str, Tree], reason: type[TableRefused], fields: dict[str, object]
) -> None:
    with pytest.raises(TableRefused) as refused:
        getattr(row(tree), read)("k")
    assert type(refused.value) is reason
    found = refused.value.fields()
    assert (found["table"], found["key"]) == ("ores", "ores[3].k")
    assert {name: found[name] for name in fields} == fields


def test_a_list_of_rows_must_hold_mappings() -> None:
    with pytest.raises(WrongShape) as refused:
        row({"k": [{}, 3]}).rows("k")
    assert refused.value.key == "ores[3].k[1]"


def test_a_choice_says_what_there_is_to_choose() -> None:
    with pytest.raises(WrongShape) as refused:
        row({"k": "green"}).choice("k", Colour)
    assert refused.value.expected == "one of red, blue"


def test_a_key_that_nobody_read_is_refused() -> None:
    given = row({"name": "x", "tonage": 5})
    given.text("name")
    with pytest.raises(UnknownKey) as refused:
        given.close()
    assert refused.value.key == "ores[3].tonage"


def test_two_entries_of_one_name_are_refused() -> None:
    refuse_twice("ores", ["a", "b"])
    with pytest.raises(TwiceInTable) as refused:
        refuse_twice("ores", ["a", "b", "a"])
    assert refused.value.name == "a"


def test_a_table_has_one_list_at_its_top() -> None:
    assert [item.text("a") for item in rows_of("ores", "ores: [{a: b}]", "ores")] == ["b"]
    with pytest.raises(UnknownKey) as unknown:
        rows_of("ores", "ores: []\nmore: []", "ores")
    assert unknown.value.key == "ores.more"
    with pytest.raises(WrongShape) as shape:
        rows_of("ores", "[]", "ores")
    assert shape.value.key == "ores"
