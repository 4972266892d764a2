"""Ids: their lengths and letters, as read from people and from the wire."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import WrongShape
from lodeline.kernel.ids import (
    CommitmentW,
    ElementW,
    Hash32,
    LotIdW,
    MalformedHash,
    MalformedName,
    MemberKeyW,
    NameW,
    Scalar32W,
    SignatureW,
    check_name,
    parse_hash32,
    short,
)


class Carrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lot: LotIdW
    name: NameW
    element: ElementW
    commitment: CommitmentW
    scalar: Scalar32W
    key: MemberKeyW
    signature: SignatureW


def fields() -> dict[str, object]:
    return {
        "lot": b"l" * 32,
        "name": "Co.licence",
        "element": "Co",
        "commitment": b"c" * 48,
        "scalar": b"s" * 32,
        "key": b"k" * 32,
        "signature": b"g" * 64,
    }


def test_short_is_for_showing() -> None:
    assert short(bytes(range(32))) == "000102030405"


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_is_read_as_it_is_written(value: bytes) -> None:
    assert parse_hash32(value.hex()) == Hash32(value)


@pytest.mark.parametrize(
    "text",
    ["", "ab" * 31, "ab" * 33, "AB" * 32, "0x" + "ab" * 31, "ab" * 32 + "\n", "é" * 64, "٣" * 64],
)
def test_a_text_that_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(MalformedHash) as caught:
        parse_hash32(text)
    assert caught.value.text == text


@pytest.mark.parametrize("text", ["a", "Co.licence", "IRMA-75/segregated", "site:7@x_y", "9" * 64])
def test_a_name_is_kept_as_it_is(text: str) -> None:
    assert check_name(text) == text


NO_NAMES = ["", "-a", ".a", "a b", "é", "a\n", "a" * 65, "a\x00", "a|b", "\u0430bc"]


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_is_no_name_is_refused_from_people_and_from_the_wire(text: str) -> None:
    with pytest.raises(MalformedName) as caught:
        check_name(text)
    assert caught.value.text == text
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(fields() | {"name": text}), Carrier)


def test_the_wire_accepts_the_right_lengths() -> None:
    carrier = cbor.decode_struct(cbor.encode(fields()), Carrier)
    assert carrier.lot == b"l" * 32
    assert carrier.signature == b"g" * 64


@pytest.mark.parametrize("field", ["lot", "commitment", "scalar", "key", "signature"])
@pytest.mark.parametrize("change", [-1, 1])
def test_the_wire_refuses_a_byte_too_few_or_too_many(field: str, change: int) -> None:
    right = fields()[field]
    assert isinstance(right, bytes)
    wrong = bytes(len(right) + change)
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(fields() | {field: wrong}), Carrier)


@pytest.mark.parametrize("element", ["", "co", "CO", "Cob", "C0", "Co\n"])
def test_the_wire_refuses_what_cannot_be_an_element(element: str) -> None:
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(fields() | {"element": element}), Carrier)


def test_base64_is_not_taken_for_bytes() -> None:
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(fields() | {"lot": "A" * 43 + "="}), Carrier)
