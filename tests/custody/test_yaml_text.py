"""The part of YAML that tables are written in; everything else is refused with its line."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lodeline.custody.yaml_text import (
    MAX_DEPTH,
    MAX_TEXT,
    AnchorInTable,
    DuplicateKey,
    KeyNotText,
    NumberNotInteger,
    SeveralDocuments,
    TableRefused,
    TableTooDeep,
    TableTooLong,
    TableUnreadable,
    TagInTable,
    Tree,
    parse_yaml,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a: 1", {"a": 1}),
        ("a: 1_000_000", {"a": 1_000_000}),
        ("a: -7", {"a": -7}),
        ('a: "1"', {"a": "1"}),
        ("a: true\nb: false", {"a": True, "b": False}),
        ("a:\nb: null", {"a": None, "b": None}),
        ("a: [x, y, 2]", {"a": ["x", "y", 2]}),
        ("a: 2026-01-31", {"a": "2026-01-31"}),
        ("a: 24.60 t", {"a": "24.60 t"}),
        ("a: No", {"a": "No"}),
        ("a: yes", {"a": "yes"}),
        ("1: x", {"1": "x"}),
        ("- a\n- - b", ["a", ["b"]]),
        ('"*": ~x', {"*": "~x"}),
    ],
)
def test_what_is_read(text: str, tree: Tree) -> None:
    assert parse_yaml("t", text) == tree


@pytest.mark.parametrize(
    ("text", "reason", "fields"),
    [
        ("a: 0.5", NumberNotInteger, {"line": 1, "text": "0.5"}),
        ("a: 1e6", NumberNotInteger, {"text": "1e6"}),
        ("a: 012", NumberNotInteger, {"text": "012"}),
        ("a: .5", NumberNotInteger, {"text": ".5"}),
        ("a: 1.", NumberNotInteger, {"text": "1."}),
        ("a: +1", NumberNotInteger, {"text": "+1"}),
        ("a: .inf", NumberNotInteger, {"text": ".inf"}),
        ("a: -.inf", NumberNotInteger, {"text": "-.inf"}),
        ("a: .nan", NumberNotInteger, {"text": ".nan"}),
        ("a: 1__0", NumberNotInteger, {"text": "1__0"}),
        ("a: 1\na: 2", DuplicateKey, {"line": 2, "key": "a"}),
        ("x: 1\nb: {c: 1, c: 2}", DuplicateKey, {"line": 2, "key": "c"}),
        ("a: &b 1", AnchorInTable, {"line": 1}),
        ("a: &b {c: 1}", AnchorInTable, {"line": 1}),
        ("a: &b 1\nc: *b", AnchorInTable, {"line": 1}),
        ("a: *b", AnchorInTable, {"line": 1}),
        ("a: !!float 1", TagInTable, {"line": 1, "tag": "tag:yaml.org,2002:float"}),
        ("a: !!python/object:os.system x", TagInTable, {"line": 1}),
        ("a: !x [1]", TagInTable, {"tag": "!x"}),
        ("a: 1\n---\nb: 2", SeveralDocuments, {"documents": 2}),
        ("", SeveralDocuments, {"documents": 0}),
        ("# nothing", SeveralDocuments, {"documents": 0}),
        ("? [a]\n: b", KeyNotText, {"line": 1}),
        ("? {a: 1}\n: b", KeyNotText, {"line": 1}),
        ("a: [1", TableUnreadable, {}),
        ("a:\n\tb: 1", TableUnreadable, {"line": 2}),
        ("a: \x07", TableUnreadable, {}),
        ("a: \ud800", TableUnreadable, {}),
        ("[" * 40 + "]" * 40, TableTooDeep, {"at_most": MAX_DEPTH}),
        ("a" * (MAX_TEXT + 1), TableTooLong, {"at_most": MAX_TEXT}),
    ],
)
def test_what_is_refused(text: str, reason: type[TableRefused], fields: dict[str, object]) -> None:
    with pytest.raises(TableRefused) as refused:
        parse_yaml("weights", text)
    assert type(refused.value) is reason
    found = refused.value.fields()
    assert found["table"] == "weights"
    assert {name: found[name] for name in fields} == fields


def test_merge_keys_are_plain_keys() -> None:
    """`<<` would copy a mapping from elsewhere; here it is a key like any other."""
    assert parse_yaml("t", "<<: x") == {"<<": "x"}


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    levels = ["l0: &l0 [x, x]"]
    levels += [f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 30)]
    with pytest.raises(AnchorInTable) as refused:
        parse_yaml("t", "\n".join(levels))
    assert refused.value.line == 1


def numbers_in(tree: Tree) -> list[object]:
    if isinstance(tree, dict):
        return [number for item in tree.values() for number in numbers_in(item)]
    if isinstance(tree, list):
        return [number for item in tree for number in numbers_in(item)]
    return [tree]


# The library writes a text such as 0E0 without quotes, and the reader takes it for a number.
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8).filter(
    lambda text: not re.fullmatch(r"[-+.0-9_eE]+", text)
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(printable, inner),
    max_leaves=12,
)


@pytest.mark.property
@given(trees)
def test_what_the_library_writes_is_read_back(tree: Tree) -> None:
    written = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=None)
    if "&id" not in written and "!!" not in written:
        assert parse_yaml("t", written) == tree


@pytest.mark.fuzz
@given(st.text(alphabet="ab:-[]{}&*!|>?#'\"%@` \n\t.0159eE_+~<=,\\", max_size=60))
def test_any_text_is_a_tree_without_floats_or_a_refusal(text: str) -> None:
    try:
        tree = parse_yaml("t", text)
    except TableRefused:
        return
    assert not any(isinstance(item, float) for item in numbers_in(tree))


@pytest.mark.fuzz
@given(st.text(max_size=40))
def test_no_text_brings_anything_but_a_refusal(text: str) -> None:
    try:
        parse_yaml("t", text)
    except TableRefused:
        return
