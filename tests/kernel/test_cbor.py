"""Canonical CBOR: honest values go there and back, and have one encoding."""

from enum import IntEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import (
    CborIntegerOutOfRange,
    CborNotCanonical,
    CborTextNotUnicode,
    CborTooDeep,
    CborTypeRefused,
    WrongShape,
)
from lodeline.kernel.ids import Hash32, Hash32W, NameW
from lodeline.kernel.units import Milligrams, MilligramsW

# RFC 8949 Appendix A, the examples that the narrowed form allows.
RFC_8949_EXAMPLES: list[tuple[object, str]] = [
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (25, "1819"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-1, "20"),
    (-10, "29"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("a", "6161"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (["a", {"b": "c"}], "826161a161626163"),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=300)
    | st.text(max_size=300)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=40), inner, max_size=5)
    ),
    max_leaves=20,
)


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wheel"):
    mass: MilligramsW
    digest: Hash32W
    names: tuple[NameW, ...] = ()
    spare: bool = False


class Axle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="axle"):
    wheels: tuple[Wheel, ...]


def wheel() -> Wheel:
    return Wheel(mass=Milligrams(12), digest=Hash32(b"d" * 32), names=("left",))


def test_there_are_examples() -> None:
    assert len(RFC_8949_EXAMPLES) > 30


@pytest.mark.parametrize(("value", "encoded"), RFC_8949_EXAMPLES)
def test_the_examples_of_the_standard(value: object, encoded: str) -> None:
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == value
    assert type(cbor.decode(bytes.fromhex(encoded))) is type(value)


@pytest.mark.property
@given(values)
def test_what_is_written_is_read(value: object) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@pytest.mark.property
@given(st.dictionaries(st.text(max_size=30), scalars, min_size=2, max_size=8))
def test_the_order_in_which_a_map_was_filled_does_not_matter(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert cbor.encode(value) == cbor.encode(backwards)


def test_keys_are_sorted_by_their_encoding_short_before_long() -> None:
    assert cbor.encode({"b": 1, "aa": 2, "a": 3}).hex() == "a361610361620162616102"


def test_a_tuple_is_written_like_a_list() -> None:
    assert cbor.encode((1, (2,))) == cbor.encode([1, [2]])


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), {1, 2}, object(), Level.LOW, {1: 2}, {b"a": 1}, bytearray(b"a"), 1j],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [False, True])
def test_a_type_without_canonical_form_is_refused(value: object, wrap: bool) -> None:
    with pytest.raises(CborTypeRefused) as caught:
        cbor.encode([{"a": value}] if wrap else value)
    assert caught.value.type_name


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 10**400])
def test_an_integer_beyond_64_bits_is_not_written(value: int) -> None:
    with pytest.raises(CborIntegerOutOfRange) as caught:
        cbor.encode(value)
    assert caught.value.value == value


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["ok", "x\udc80"]])
def test_a_lone_surrogate_is_not_written(value: object) -> None:
    with pytest.raises(CborTextNotUnicode):
        cbor.encode(value)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_is_bounded_the_same_way_in_both_directions() -> None:
    assert cbor.decode(cbor.encode(nested(32))) == nested(32)
    with pytest.raises(CborTooDeep) as caught:
        cbor.encode(nested(33))
    assert caught.value.limit == 32
    with pytest.raises(CborTooDeep) as caught:
        cbor.decode(b"\x81" * 33 + b"\x01")
    assert caught.value.limit == 32


def test_a_list_that_holds_itself_is_refused() -> None:
    snake: list[object] = []
    snake.append(snake)
    with pytest.raises(CborTooDeep):
        cbor.encode(snake)


def test_a_structure_goes_there_and_back_alone_and_in_a_union() -> None:
    data = cbor.encode_struct(wheel())
    assert cbor.decode_struct(data, Wheel) == wheel()
    assert cbor.decode_struct(data, Wheel | Axle) == wheel()
    axle = Axle(wheels=(wheel(), wheel()))
    assert cbor.decode_struct(cbor.encode_struct(axle), Wheel | Axle) == axle


def changed(**changes: object) -> bytes:
    plain = cbor.decode(cbor.encode_struct(wheel()))
    assert isinstance(plain, dict)
    return cbor.encode({k: v for k, v in (plain | changes).items() if v != "DROP"})


@pytest.mark.parametrize(
    "changes",
    [
        {"mass": -1},
        {"mass": 2**52},
        {"mass": 2**64 - 1},
        {"mass": -(2**64)},
        {"mass": "12"},
        {"mass": True},
        {"mass": None},
        {"mass": "DROP"},
        {"spare": 0},
        {"spare": "false"},
        {"names": ["left", 3]},
        {"names": {"left": 1}},
        {"colour": "red"},
        {"type": "axle"},
        {"type": "car"},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_shape_is_refused(changes: dict[str, object]) -> None:
    for kind in (Wheel, Wheel | Axle):
        with pytest.raises(WrongShape) as caught:
            cbor.decode_struct(changed(**changes), kind)
        assert caught.value.reason


def test_the_union_needs_the_tag_and_a_member_refuses_the_other() -> None:
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode_struct(Axle(wheels=())), Wheel)
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode([1]), Wheel)


def test_a_structure_without_its_tag_is_refused_alone_and_in_a_union() -> None:
    with pytest.raises(WrongShape):
        cbor.decode_struct(changed(type="DROP"), Wheel | Axle)
    with pytest.raises(CborNotCanonical):
        cbor.decode_struct(changed(type="DROP"), Wheel)


@pytest.mark.parametrize("field", ["names", "spare"])
def test_a_default_left_out_would_be_a_second_encoding(field: str) -> None:
    unusual = Wheel(mass=Milligrams(12), digest=Hash32(b"d" * 32))
    plain = cbor.decode(cbor.encode_struct(unusual))
    assert isinstance(plain, dict)
    del plain[field]
    with pytest.raises(CborNotCanonical):
        cbor.decode_struct(cbor.encode(plain), Wheel)


def test_a_structure_with_a_float_is_not_written() -> None:
    class Gauge(msgspec.Struct, frozen=True):
        reading: float

    with pytest.raises(CborTypeRefused):
        cbor.encode_struct(Gauge(reading=1.5))
    with pytest.raises(CborTypeRefused):
        cbor.decode_struct(cbor.encode({"reading": 1}), Gauge)
