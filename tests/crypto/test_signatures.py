"""Signatures: one key, one purpose, one message; and no key that binds nobody."""

from __future__ import annotations

import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import (
    MemberKeyLength,
    MemberKeyNotCanonical,
    MemberKeyOffCurve,
    MemberKeySmallOrder,
    SignatureContext,
    SignatureInvalid,
    SignatureLength,
    SigningKey,
    SigningSeedLength,
    check_member_key,
    sign,
    signed_frame,
    verify,
)
from lodeline.kernel.ids import MemberKey, SignatureBytes, short

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SIGN = 1 << 255
BASE = (4 * pow(5, -1, P) % P).to_bytes(32, "little")

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
MESSAGE = b"4 t of cobalt hydroxide, from K to L"
ENTRY = SignatureContext.ENTRY

contexts = st.sampled_from(SignatureContext)
messages = st.binary(max_size=300)


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def square_roots(value: int) -> list[int]:
    """Roots modulo P (P = 5 mod 8), without the project's code."""
    root = pow(value, (P + 3) // 8, P)
    roots = {root, root * pow(2, (P - 1) // 4, P) % P}
    return sorted({r for root in roots for r in (root, -root % P) if r * r % P == value % P})


def small_order_points() -> set[bytes]:
    """All points whose order divides eight, from the curve's equation alone."""
    # Order 8 doubles to order 4, where y = 0; the doubling law gives y**2 = -x**2, and with the
    # curve's equation d * y**4 + 2 * y**2 - 1 = 0.
    order_eight_y = {
        y for root in square_roots(1 + D) for y in square_roots((root - 1) * pow(D, -1, P))
    }
    points = set()
    for y in {0, 1, P - 1} | order_eight_y:
        x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        points |= {little(y | (SIGN if x & 1 else 0)) for x in square_roots(x_squared)}
    return points


SMALL_ORDER = sorted(small_order_points())
NOT_CANONICAL = [little(y | sign) for y in range(P, 1 << 255) for sign in (0, SIGN)] + [
    little(1 | SIGN),
    little((P - 1) | SIGN),
]


@given(st.binary(min_size=32, max_size=32), contexts, messages)
def test_what_is_signed_verifies(seed: bytes, context: SignatureContext, message: bytes) -> None:
    key = SigningKey(seed)
    verify(check_member_key(key.public), context, message, sign(key, context, message))


def test_rfc_8032_vector_2_passes_unframed() -> None:
    """Source: RFC 8032 §7.1, TEST 2."""
    seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    key = SigningKey(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign_frame(b"\x72").hex() == signature


def test_the_frame_is_the_documented_one() -> None:
    frame = signed_frame(SignatureContext.VOTE, b"yes")
    assert frame == b"\x00\x0flodeline/v1/sig\x00\x04vote" + bytes(7) + b"\x03yes"


@given(contexts, messages, contexts, messages)
def test_two_meanings_never_share_a_frame(
    context: SignatureContext, message: bytes, other: SignatureContext, other_message: bytes
) -> None:
    same = signed_frame(context, message) == signed_frame(other, other_message)
    assert same == ((context, message) == (other, other_message))


def test_no_frame_begins_like_a_signed_note() -> None:
    assert len(SignatureContext) > 1
    assert all(signed_frame(context, b"x")[0] == 0 for context in SignatureContext)


def test_a_vote_shown_as_a_co_signature_is_refused() -> None:
    vote = sign(KEY, SignatureContext.VOTE, MESSAGE)
    with pytest.raises(SignatureInvalid) as refused:
        verify(KEY.public, SignatureContext.CO_SIGNATURE, MESSAGE, vote)
    assert refused.value.key == short(KEY.public)
    assert refused.value.context is SignatureContext.CO_SIGNATURE


def test_a_bare_signature_of_the_message_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(KEY.public, ENTRY, MESSAGE, KEY.sign_frame(MESSAGE))


def test_another_members_signature_is_refused() -> None:
    with pytest.raises(SignatureInvalid) as refused:
        verify(KEY.public, ENTRY, MESSAGE, sign(OTHER, ENTRY, MESSAGE))
    assert refused.value.key == short(KEY.public)


def test_every_flipped_byte_of_a_signature_is_refused() -> None:
    signature = sign(KEY, ENTRY, MESSAGE)
    for place in range(len(signature)):
        altered = bytearray(signature)
        altered[place] ^= 1
        with pytest.raises(SignatureInvalid):
            verify(KEY.public, ENTRY, MESSAGE, SignatureBytes(bytes(altered)))


def test_every_flipped_byte_of_a_message_is_refused() -> None:
    signature = sign(KEY, ENTRY, MESSAGE)
    for place in range(len(MESSAGE)):
        altered = bytearray(MESSAGE)
        altered[place] ^= 0x80
        with pytest.raises(SignatureInvalid):
            verify(KEY.public, ENTRY, bytes(altered), signature)


def test_a_signature_with_its_order_added_is_refused() -> None:
    """The second encoding of S (RFC 8032 §5.1.7, step 1): nobody can re-letter a signature."""
    signature = sign(KEY, ENTRY, MESSAGE)
    again = int.from_bytes(signature[32:], "little") + L
    assert again < 1 << 256
    with pytest.raises(SignatureInvalid):
        verify(KEY.public, ENTRY, MESSAGE, SignatureBytes(signature[:32] + little(again)))


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SignatureLength) as refused:
        verify(KEY.public, ENTRY, MESSAGE, SignatureBytes(bytes(length)))
    assert refused.value.length == length


def test_the_library_alone_would_accept_a_key_that_signs_everything() -> None:
    """The reason for the check: with the identity as key, R = B and S = 1 fit every message."""
    universal = BASE + little(1)
    for identity in (little(1), little(1 | SIGN), little(P + 1)):
        Ed25519PublicKey.from_public_bytes(identity).verify(universal, b"I owe you the mine")
        with pytest.raises((MemberKeySmallOrder, MemberKeyNotCanonical)):
            verify(MemberKey(identity), ENTRY, MESSAGE, SignatureBytes(universal))


def test_there_are_eight_small_order_points() -> None:
    assert len(SMALL_ORDER) == 8


@pytest.mark.parametrize("encoding", SMALL_ORDER, ids=bytes.hex)
def test_a_small_order_key_is_refused(encoding: bytes) -> None:
    with pytest.raises(MemberKeySmallOrder) as refused:
        check_member_key(encoding)
    assert refused.value.encoding == encoding
    with pytest.raises(MemberKeySmallOrder):
        verify(MemberKey(encoding), ENTRY, MESSAGE, sign(KEY, ENTRY, MESSAGE))


def test_every_encoding_that_is_not_canonical_is_refused() -> None:
    assert len(NOT_CANONICAL) == 2 * 19 + 2
    for encoding in NOT_CANONICAL:
        with pytest.raises(MemberKeyNotCanonical) as refused:
            check_member_key(encoding)
        assert refused.value.encoding == encoding


def test_a_key_off_the_curve_is_refused() -> None:
    with pytest.raises(MemberKeyOffCurve) as refused:
        check_member_key(little(2))
    assert refused.value.encoding == little(2)


@given(st.binary(min_size=32, max_size=32))
def test_the_curve_check_agrees_with_square_roots(encoding: bytes) -> None:
    y = int.from_bytes(encoding, "little") % SIGN
    on_curve = bool(square_roots((y * y - 1) * pow(D * y * y + 1, -1, P) % P))
    try:
        check_member_key(encoding)
    except MemberKeyOffCurve:
        assert not on_curve
    except (MemberKeyNotCanonical, MemberKeySmallOrder):
        assert encoding in {*NOT_CANONICAL, *SMALL_ORDER}
    else:
        assert on_curve


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MemberKeyLength) as public:
        check_member_key(bytes(length))
    assert public.value.length == length
    with pytest.raises(SigningSeedLength) as private:
        SigningKey(bytes(length))
    assert private.value.length == length


def test_a_signing_key_never_shows() -> None:
    seed = bytes(range(65, 97))
    key = SigningKey(seed)
    shown = f"{key} {key!r} {[key]} {key.public.hex()}"
    assert seed.decode() not in shown
    assert seed.hex() not in shown
    assert repr(key) == "SigningKey(hidden)"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        hash(key)


def test_keys_compare_by_value_and_kind() -> None:
    assert SigningKey(bytes(range(32))) == KEY
    assert KEY != OTHER
    assert KEY.reveal() != KEY


def test_fresh_keys_differ() -> None:
    made = {SigningKey.generate(SystemEntropy()).public for _ in range(50)}
    assert len(made) == 50
