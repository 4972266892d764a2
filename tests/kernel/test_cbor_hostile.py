"""Bytes from an attacker: one refusal for each rule, and never anything but a refusal."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import cbor
from lodeline.kernel import cbor_errors as refusals
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.errors import LodelineError, all_errors
from lodeline.kernel.time import Period

HOSTILE: list[tuple[str, type[CborError], dict[str, object]]] = [
    # cut off, or claiming more than there is
    ("", refusals.CborTruncated, {"offset": 0, "needed": 1, "available": 0}),
    ("18", refusals.CborTruncated, {"offset": 1, "needed": 1, "available": 0}),
    ("1b00000000", refusals.CborTruncated, {"offset": 1, "needed": 8, "available": 4}),
    ("43aabb", refusals.CborTruncated, {"offset": 1, "needed": 3, "available": 2}),
    ("6261", refusals.CborTruncated, {"offset": 1, "needed": 2, "available": 1}),
    ("8201", refusals.CborTruncated, {"offset": 1, "needed": 2, "available": 1}),
    ("a1", refusals.CborTruncated, {"offset": 1, "needed": 2, "available": 0}),
    ("a2616101", refusals.CborTruncated, {"offset": 1, "needed": 4, "available": 3}),
    ("5bffffffffffffffff", refusals.CborTruncated, {"offset": 9, "needed": 2**64 - 1}),
    ("9bffffffffffffffff", refusals.CborTruncated, {"offset": 9, "needed": 2**64 - 1}),
    ("bbffffffffffffffff", refusals.CborTruncated, {"offset": 9, "needed": 2**65 - 2}),
    # more than one value
    ("0000", refusals.CborTrailingBytes, {"used": 1, "size": 2}),
    ("8000", refusals.CborTrailingBytes, {"used": 1, "size": 2}),
    # numbers longer than they need be, in every major type
    ("1817", refusals.CborNotShortest, {"offset": 0}),
    ("1900ff", refusals.CborNotShortest, {"offset": 0}),
    ("1a0000ffff", refusals.CborNotShortest, {"offset": 0}),
    ("1b00000000ffffffff", refusals.CborNotShortest, {"offset": 0}),
    ("3800", refusals.CborNotShortest, {"offset": 0}),
    ("580161", refusals.CborNotShortest, {"offset": 0}),
    ("780161", refusals.CborNotShortest, {"offset": 0}),
    ("980101", refusals.CborNotShortest, {"offset": 0}),
    ("b801616101", refusals.CborNotShortest, {"offset": 0}),
    ("81190001", refusals.CborNotShortest, {"offset": 1}),
    # what the narrowed form has not got
    ("9f01ff", refusals.CborIndefiniteLength, {"offset": 0}),
    ("bf616101ff", refusals.CborIndefiniteLength, {"offset": 0}),
    ("5f4101ff", refusals.CborIndefiniteLength, {"offset": 0}),
    ("7f6161ff", refusals.CborIndefiniteLength, {"offset": 0}),
    ("ff", refusals.CborIndefiniteLength, {"offset": 0}),
    ("81ff", refusals.CborIndefiniteLength, {"offset": 1}),
    ("1c", refusals.CborReservedHead, {"offset": 0, "info": 28}),
    ("5d", refusals.CborReservedHead, {"offset": 0, "info": 29}),
    ("9e", refusals.CborReservedHead, {"offset": 0, "info": 30}),
    ("c074323031332d30332d32315432303a30343a30305a", refusals.CborTagRefused, {"tag": 0}),
    ("d81c80", refusals.CborTagRefused, {"offset": 0, "tag": 28}),
    ("d9d9f700", refusals.CborTagRefused, {"offset": 0, "tag": 55799}),
    ("c249010000000000000000", refusals.CborBignumRefused, {"offset": 0}),
    ("81c349010000000000000000", refusals.CborBignumRefused, {"offset": 1}),
    ("f90000", refusals.CborFloatRefused, {"offset": 0}),
    ("fa47c35000", refusals.CborFloatRefused, {"offset": 0}),
    ("fb3ff199999999999a", refusals.CborFloatRefused, {"offset": 0}),
    ("a16161f97e00", refusals.CborFloatRefused, {"offset": 3}),
    ("f7", refusals.CborSimpleRefused, {"offset": 0, "info": 23}),
    ("e0", refusals.CborSimpleRefused, {"offset": 0, "info": 0}),
    ("f0", refusals.CborSimpleRefused, {"offset": 0, "info": 16}),
    ("f8ff", refusals.CborSimpleRefused, {"offset": 0, "info": 24}),
    ("f814", refusals.CborSimpleRefused, {"offset": 0, "info": 24}),
    ("fc", refusals.CborSimpleRefused, {"offset": 0, "info": 28}),
    # maps
    ("a10101", refusals.CborKeyNotText, {"offset": 1}),
    ("a1416101", refusals.CborKeyNotText, {"offset": 1}),
    ("a1f601", refusals.CborKeyNotText, {"offset": 1}),
    ("a18001", refusals.CborKeyNotText, {"offset": 1}),
    ("a2616101a001", refusals.CborKeyNotText, {"offset": 4}),
    ("a2616101616102", refusals.CborDuplicateKey, {"offset": 4}),
    ("a2616201616102", refusals.CborKeysUnsorted, {"offset": 4}),
    ("a262616101616202", refusals.CborKeysUnsorted, {"offset": 5}),
    ("a26161a161620161610" + "2", refusals.CborDuplicateKey, {"offset": 7}),
    # text
    ("61ff", refusals.CborInvalidText, {"offset": 0}),
    ("62c080", refusals.CborInvalidText, {"offset": 0}),
    ("63eda080", refusals.CborInvalidText, {"offset": 0}),
    ("a161ff01", refusals.CborInvalidText, {"offset": 1}),
    # depth
    ("81" * 33 + "01", refusals.CborTooDeep, {"limit": 32}),
    ("81" * 32 + "80", refusals.CborTooDeep, {"limit": 32}),
    ("a16161" * 33 + "01", refusals.CborTooDeep, {"limit": 32}),
]

SEEDS: list[object] = [
    {"a": [1, -1, 2**40, None, True], "b": b"x" * 40, "long key of a map": {"z": "é" * 30}},
    [[[["deep"]]], {"k": {"k": {"k": b""}}}, list(range(40))],
    "text of more than twenty-three characters",
]


@pytest.mark.parametrize(("data", "error", "fields"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_each_rule_has_its_own_refusal(
    data: str, error: type[CborError], fields: dict[str, object]
) -> None:
    with pytest.raises(CborError) as caught:
        cbor.decode(bytes.fromhex(data))
    assert type(caught.value) is error
    assert caught.value.fields() | fields == caught.value.fields()


def test_every_reason_of_the_family_is_tested() -> None:
    here = {error for _, error, _ in HOSTILE}
    elsewhere = {
        refusals.CborTooLarge,
        refusals.CborNotCanonical,
        refusals.CborTypeRefused,
        refusals.CborIntegerOutOfRange,
        refusals.CborTextNotUnicode,
        refusals.WrongShape,
    }
    family = {error for error in all_errors().values() if issubclass(error, CborError)}
    assert here | elsewhere == family


def test_a_large_encoding_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(refusals.CborTooLarge) as caught:
        cbor.decode(b"\xff" * 11, max_bytes=10)
    assert (caught.value.size, caught.value.limit) == (11, 10)
    assert cbor.decode(cbor.encode(b"x" * 9), max_bytes=10) == b"x" * 9


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x81" * 2**20,
        b"\xa1" * 2**20,
        b"\xa1\x61a" * 2**18,
        b"\x9b\x00\x00\x00\x00\x00\x0f\xff\xff" * 10**5,
        b"\x5b\x00\x00\x00\x0f\xff\xff\xff\xff",
    ],
    ids=["arrays", "maps", "maps with keys", "long arrays", "one long string"],
)
def test_a_bomb_costs_neither_stack_nor_memory(bomb: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(CborError):
        cbor.decode(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**18


@pytest.mark.fuzz
@given(st.binary(max_size=200))
def test_whatever_bytes_come_a_value_or_a_refusal_comes_out(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CborError:
        return
    assert cbor.encode(value) == data


@pytest.mark.fuzz
@given(st.binary(max_size=80))
def test_whatever_bytes_come_a_structure_or_a_refusal_comes_out(data: bytes) -> None:
    try:
        period = cbor.decode_struct(data, Period)
    except LodelineError:
        return
    assert cbor.encode_struct(period) == data


def mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if place < len(changed):
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                changed.insert(place, rng.randrange(256))
            case 2 if len(changed) > 1:
                del changed[place - 1]
            case _:
                changed[place:place] = changed[: rng.randrange(9)]
    return bytes(changed)


@pytest.mark.fuzz
def test_a_mutated_encoding_is_refused_or_is_another_canonical_one() -> None:
    rng = random.Random(20261124)
    refused = 0
    for _ in range(6000):
        data = mutated(cbor.encode(rng.choice(SEEDS)), rng)
        try:
            value = cbor.decode(data)
        except CborError:
            refused += 1
        else:
            assert cbor.encode(value) == data
    assert refused > 1000


def test_every_flipped_bit_of_a_structure_is_refused_or_seen() -> None:
    period = Period.quarter(2026, 4)
    data = cbor.encode_struct(period)
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << (place % 8)
        try:
            other = cbor.decode_struct(bytes(flipped), Period)
        except LodelineError:
            continue
        assert other != period
