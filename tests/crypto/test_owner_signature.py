"""Signatures with a lot's one-time key: one key, one message, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import OWNER_BASE, TAG_BASE, VALUE
from lodeline.crypto.group import (
    GROUP_ORDER,
    IDENTITY,
    ONE,
    BadPoint,
    BadScalar,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar,
)
from lodeline.crypto.owner_signature import (
    OwnerSignatureInvalid,
    sign_as_owner,
    verify_owner,
)
from lodeline.kernel.ids import OneTimeKey, PointBytes, ScalarBytes

ENTROPY = SystemEntropy()
SECRET = random_scalar(ENTROPY)
OWNER = OneTimeKey(encode_point(OWNER_BASE * SECRET))
MESSAGE = b"accept offer 1 on chain a"


def signed() -> tuple[PointBytes, ScalarBytes]:
    return sign_as_owner(SECRET, OWNER, MESSAGE, ENTROPY)


@settings(max_examples=20)
@given(st.binary(max_size=80))
def test_what_the_owner_signs_verifies_for_that_message_alone(message: bytes) -> None:
    announcement, response = sign_as_owner(SECRET, OWNER, message, ENTROPY)
    verify_owner(OWNER, message, announcement, response)
    with pytest.raises(OwnerSignatureInvalid) as refused:
        verify_owner(OWNER, message + b".", announcement, response)
    assert refused.value.owner == OWNER


def test_a_signature_belongs_to_one_key() -> None:
    """Also to no key that is related to it in a known way."""
    announcement, response = signed()
    for factor in (scalar(2), scalar(-1)):
        other = OneTimeKey(encode_point(OWNER_BASE * SECRET * factor))
        with pytest.raises(OwnerSignatureInvalid):
            verify_owner(other, MESSAGE, announcement, response)


def test_a_signature_shifted_with_its_key_is_refused() -> None:
    """The key is in the challenge, so s + c·x does not sign for K + x·B."""
    announcement, response = signed()
    shift = scalar(7)
    shifted = OneTimeKey(encode_point(OWNER_BASE * (SECRET + shift)))
    moved = scalar(int.from_bytes(response, "little")) + shift
    with pytest.raises(OwnerSignatureInvalid):
        verify_owner(shifted, MESSAGE, announcement, encode_scalar(moved))


def test_every_byte_of_a_signature_counts() -> None:
    announcement, response = signed()
    refusals = 0
    for position in range(len(announcement) + len(response)):
        flipped = bytearray(announcement + response)
        flipped[position] ^= 1
        with pytest.raises((OwnerSignatureInvalid, BadPoint, BadScalar)):
            verify_owner(
                OWNER,
                MESSAGE,
                PointBytes(bytes(flipped[:48])),
                ScalarBytes(bytes(flipped[48:])),
            )
        refusals += 1
    assert refusals == 80


def test_a_tag_s_discrete_logarithm_signs_nothing() -> None:
    """The base is B_k: knowing k over another base is no signature."""
    other = OneTimeKey(encode_point(TAG_BASE * SECRET))
    announcement, response = sign_as_owner(SECRET, other, MESSAGE, ENTROPY)
    with pytest.raises(OwnerSignatureInvalid):
        verify_owner(other, MESSAGE, announcement, response)


def test_the_identity_is_neither_key_nor_announcement() -> None:
    """With the identity as key, anybody could sign."""
    announcement, response = signed()
    nothing = PointBytes(encode_point(IDENTITY))
    with pytest.raises(BadPoint):
        verify_owner(OneTimeKey(nothing), MESSAGE, announcement, response)
    with pytest.raises(BadPoint):
        verify_owner(OWNER, MESSAGE, nothing, response)


def test_a_response_above_the_order_is_refused() -> None:
    """Otherwise one signature would have several encodings."""
    announcement, response = signed()
    again = (int.from_bytes(response, "little") + GROUP_ORDER).to_bytes(32, "little")
    with pytest.raises(BadScalar):
        verify_owner(OWNER, MESSAGE, announcement, ScalarBytes(again))


def test_two_signatures_of_one_message_share_no_nonce() -> None:
    first, second = signed(), signed()
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_guess_is_no_signature() -> None:
    with pytest.raises(OwnerSignatureInvalid):
        verify_owner(OWNER, MESSAGE, encode_point(VALUE), encode_scalar(ONE))
