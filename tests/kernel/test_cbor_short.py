"""The short way of reading a structure accepts exactly what the long way accepts."""

import random
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import cbor, cbor_order
from lodeline.kernel.cbor_errors import CborError, CborTypeRefused, WrongShape
from lodeline.kernel.cbor_scan import is_harmless, scan
from lodeline.kernel.errors import LodelineError

DEPTH = 16


class Stone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="stone"):
    """A leaf of the union, with a default that has to be written."""

    name: Annotated[str, msgspec.Meta(max_length=24)]
    mass: int
    sound: bool = True


class Heap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="heap"):
    """A structure that holds others, bytes, nothing, and a map of its own."""

    stones: tuple[Stone, ...]
    digest: bytes
    below: Stone | None
    shares: dict[str, int]


Found = Stone | Heap

MASSES = st.integers(-(2**64), 2**64 - 1) | st.integers(-300, 300)
STONES = st.builds(Stone, st.text(max_size=24), MASSES, st.booleans())
HEAPS = st.builds(
    Heap,
    st.lists(STONES, max_size=4).map(tuple),
    st.binary(max_size=300),
    st.none() | STONES,
    st.dictionaries(st.text(max_size=30), MASSES, max_size=4),
)
VALUES = st.recursive(
    st.none() | st.booleans() | MASSES | st.binary(max_size=40) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


def outcome(data: bytes, *, short: bool) -> object:
    """What reading gives: the structure, or the class and the values of the refusal."""
    try:
        if short:
            return cbor.decode_struct(data, Found, max_depth=DEPTH)
        return cbor._read_scanned(data, Found, DEPTH)
    except LodelineError as refusal:
        return type(refusal), repr(refusal)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One change: a bit, a byte put in or taken out, a stretch repeated, the end cut off."""
    at = chance.randrange(len(data))
    to = chance.randrange(at, len(data)) + 1
    return chance.choice(
        [
            data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
            data[:at] + bytes([chance.randrange(256)]) + data[at:],
            data[:at] + data[at + 1 :],
            data[:to] + data[at:to] + data[to:],
            data[:at],
        ]
    )


@given(STONES | HEAPS)
def test_what_is_written_is_read_the_short_way(found: Stone | Heap) -> None:
    assert cbor._read_harmless(cbor.encode_struct(found), Found, DEPTH) == found


@given(HEAPS, st.randoms(use_true_random=False))
def test_whatever_is_changed_both_ways_say_the_same(heap: Heap, chance: random.Random) -> None:
    data = cbor.encode_struct(heap)
    for _ in range(8):
        changed = mutated(data, chance)
        assert outcome(changed, short=True) == outcome(changed, short=False)


@given(st.binary(max_size=64))
def test_whatever_bytes_come_both_ways_say_the_same(data: bytes) -> None:
    assert outcome(data, short=True) == outcome(data, short=False)


@given(VALUES)
def test_what_is_no_structure_is_refused_alike(value: object) -> None:
    data = cbor.encode(value)
    assert outcome(data, short=True) == outcome(data, short=False)


@given(VALUES)
def test_what_is_canonical_is_harmless(value: object) -> None:
    assert is_harmless(cbor.encode(value))


@given(st.binary(max_size=64))
def test_what_the_scanner_passes_is_harmless(data: bytes) -> None:
    try:
        scan(data, DEPTH)
    except CborError:
        return
    assert is_harmless(data)


@pytest.mark.parametrize(
    "encoded",
    [
        "",  # nothing
        "0000",  # a second value
        "43aabb",  # less than is promised
        "9bffffffffffffffff",  # many more items than bytes
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "c100",  # a tag
        "d81c80",  # a value to be shared
        "f90000",  # floats
        "fb3ff199999999999a",
        "9f01ff",  # no length
        "ff",
        "1c",  # reserved
        "5d",
        "f7",  # undefined
        "f8ff",
    ],
)
def test_what_a_decoder_should_not_see_is_not_harmless(encoded: str) -> None:
    assert not is_harmless(bytes.fromhex(encoded))


def test_a_map_with_other_keys_than_text_is_refused_though_its_order_is_known() -> None:
    class Name(str):
        """Equal to a text, and none."""

    assert cbor.encode({"a": 1}) == bytes.fromhex("a1616101")
    with pytest.raises(CborTypeRefused):
        cbor.encode({Name("a"): 1})


def test_no_more_orders_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cbor_order, "_orders", {})
    monkeypatch.setattr(cbor_order, "_REMEMBERED", 8)
    for number in range(100):
        assert cbor.decode(cbor.encode({"b" * number: 0, "a": 1})) == {"b" * number: 0, "a": 1}
        assert len(cbor_order._orders) <= 8
    cbor.encode({"a" * 1000: 0})
    assert all(sum(map(len, keys)) <= 512 for keys in cbor_order._orders)


def test_a_union_says_which_members_it_has() -> None:
    with pytest.raises(WrongShape) as refused:
        cbor.decode_struct(cbor.encode({"type": "sand"}), Found)
    assert "sand" in refused.value.reason
