"""The group boundary: only canonical, on-curve, in-subgroup points and canonical scalars pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import (
    BLINDING,
    OWNER_BASE,
    TAG_BASE,
    VALUE,
    bit_generators,
)
from lodeline.crypto.group import (
    GROUP_ORDER,
    IDENTITY,
    ONE,
    POINT_BYTES,
    SCALAR_BYTES,
    ZERO,
    BadPoint,
    BadScalar,
    UnequalLengths,
    decode_point,
    decode_scalar,
    encode_point,
    encode_scalar,
    hash_to_point,
    multi_scalar_mul,
    random_scalar,
    scalar,
    scalar_from_wide,
    sum_scalars,
)
from lodeline.kernel.bounds import MAX_RANGE_BITS

FIELD = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf"
    "6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
"""The base field's prime (draft-irtf-cfrg-pairing-friendly-curves §4.2.1)."""
COFACTOR = 0x396C8C005555E1568C00AAAB0000AAAB
SMALL_FACTORS = (3, 11, 10177, 859267, 52437899)
"""Primes of the cofactor: the curve has points of each of these orders."""

Affine = tuple[int, int] | None


def add(first: Affine, second: Affine) -> Affine:
    """Add two points of y² = x³ + 4, written out so that the tests do not ask the library."""
    if first is None:
        return second
    if second is None:
        return first
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % FIELD == 0:
        return None
    if first == second:
        slope = 3 * x1 * x1 * pow(2 * y1, -1, FIELD)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, FIELD)
    x3 = (slope * slope - x1 - x2) % FIELD
    return x3, (slope * (x1 - x3) - y1) % FIELD


def times(factor: int, point: Affine) -> Affine:
    total: Affine = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def root(x: int) -> int | None:
    """Return a square root of x³ + 4, if there is one."""
    square = (x**3 + 4) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    return y if y * y % FIELD == square else None


def curve_points() -> Iterator[tuple[int, int]]:
    """Yield points of the curve with ascending x; hardly any of them is in the subgroup."""
    for x in range(1, 10_000):
        y = root(x)
        if y is not None:
            yield x, y


def compressed(x: int, y: int) -> bytes:
    flags = 0x80 | (0x20 if y > FIELD - y else 0)
    encoding = bytearray(x.to_bytes(POINT_BYTES, "big"))
    encoding[0] |= flags
    return bytes(encoding)


def of_order(prime: int) -> tuple[int, int]:
    """Return a point of a small prime order."""
    power = 1 if prime == 3 else 2
    rest = COFACTOR // prime**power * GROUP_ORDER
    for candidate in curve_points():
        point = times(rest, candidate)
        while point is not None:
            following = times(prime, point)
            if following is None:
                return point
            point = following
    raise AssertionError(prime)


def test_the_test_s_own_encoding_is_the_library_s() -> None:
    """Without this, a refusal below could mean that the test writes nonsense."""
    x, y = next(curve_points())
    cleared = times(COFACTOR, (x, y))
    assert cleared is not None
    point = decode_point(compressed(*cleared))
    assert encode_point(point) == compressed(*cleared)
    assert times(GROUP_ORDER, cleared) is None


@pytest.mark.parametrize("order", SMALL_FACTORS)
def test_a_point_of_small_order_is_refused(order: int) -> None:
    encoding = compressed(*of_order(order))
    with pytest.raises(BadPoint) as refused:
        decode_point(encoding)
    assert refused.value.encoding == encoding


@pytest.mark.parametrize("order", SMALL_FACTORS[:3])
def test_a_good_point_shifted_by_one_of_small_order_is_refused(order: int) -> None:
    """K + P and K would answer for the same secret if only a random combination were checked."""
    point = times(COFACTOR, next(curve_points()))
    shifted = add(point, of_order(order))
    assert shifted is not None
    with pytest.raises(BadPoint):
        decode_point(compressed(*shifted))


def test_points_outside_the_subgroup_are_refused() -> None:
    encodings = [compressed(x, y) for (x, y), _ in zip(curve_points(), range(40), strict=False)]
    assert len(encodings) == 40
    for encoding in encodings:
        with pytest.raises(BadPoint):
            decode_point(encoding)


def test_the_identity_is_refused() -> None:
    encoding = encode_point(IDENTITY)
    assert encoding == b"\xc0" + bytes(47)
    with pytest.raises(BadPoint) as refused:
        decode_point(encoding)
    assert "identity" in refused.value.reason


def test_an_x_that_is_not_below_the_prime_is_refused() -> None:
    """x + p has the same residue as x; two encodings of one point would be two owner keys."""
    room = (1 << 381) - FIELD
    found = 0
    for index in range(60):
        encoding = encode_point(hash_to_point(b"canonical" + bytes([index])))
        x = int.from_bytes(bytes([encoding[0] & 0x1F]) + encoding[1:], "big")
        if x >= room:
            continue
        found += 1
        wrapped = bytearray((x + FIELD).to_bytes(POINT_BYTES, "big"))
        wrapped[0] |= encoding[0] & 0xE0
        with pytest.raises(BadPoint):
            decode_point(bytes(wrapped))
    assert found > 3


@pytest.mark.parametrize("x", [FIELD, FIELD + 1, (1 << 381) - 1])
def test_no_x_from_the_prime_upwards_decodes(x: int) -> None:
    encoding = bytearray(x.to_bytes(POINT_BYTES, "big"))
    encoding[0] |= 0x80
    with pytest.raises(BadPoint):
        decode_point(bytes(encoding))


@pytest.mark.parametrize("flags", [0x00, 0x20, 0x40, 0x60, 0xC0, 0xE0])
def test_a_point_with_other_flags_is_refused(flags: int) -> None:
    encoding = bytearray(encode_point(VALUE))
    encoding[0] = (encoding[0] & 0x1F) | flags
    with pytest.raises(BadPoint):
        decode_point(bytes(encoding))


@pytest.mark.parametrize("head", [0xE0, 0x40, 0x60, 0xC1])
def test_an_identity_with_other_bits_is_refused(head: int) -> None:
    with pytest.raises(BadPoint):
        decode_point(bytes([head]) + bytes(47))
    with pytest.raises(BadPoint):
        decode_point(b"\xc0" + bytes(46) + b"\x01")


def test_the_sign_flag_names_the_opposite_point_and_no_third_one() -> None:
    encoding = bytearray(encode_point(VALUE))
    encoding[0] ^= 0x20
    assert decode_point(bytes(encoding)) + VALUE == IDENTITY


def test_an_x_off_the_curve_is_refused() -> None:
    off = [x for x in range(1, 60) if root(x) is None]
    assert len(off) > 20
    for x in off:
        with pytest.raises(BadPoint):
            decode_point(compressed(x, 0))


@pytest.mark.parametrize("length", [0, 1, 47, 49, 96])
def test_a_point_of_another_length_is_refused(length: int) -> None:
    """96 bytes are the uncompressed form, which would be a second encoding."""
    encoding = (encode_point(VALUE) * 2)[:length]
    with pytest.raises(BadPoint) as refused:
        decode_point(encoding)
    assert refused.value.encoding == encoding


@given(st.binary(min_size=POINT_BYTES, max_size=POINT_BYTES))
def test_bytes_are_refused_or_are_the_one_encoding_of_their_point(encoding: bytes) -> None:
    try:
        point = decode_point(encoding)
    except BadPoint:
        return
    assert encode_point(point) == encoding


@pytest.mark.parametrize("value", [GROUP_ORDER, GROUP_ORDER + 1, 2**255, 2**256 - 1])
def test_a_scalar_from_the_order_upwards_is_refused(value: int) -> None:
    encoding = value.to_bytes(SCALAR_BYTES, "little")
    with pytest.raises(BadScalar) as refused:
        decode_scalar(encoding)
    assert refused.value.encoding == encoding


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_scalar_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadScalar):
        decode_scalar(bytes(length))


@given(st.integers(0, GROUP_ORDER - 1))
def test_a_canonical_scalar_reads_back(value: int) -> None:
    encoding = value.to_bytes(SCALAR_BYTES, "little")
    assert encode_scalar(decode_scalar(encoding)) == encoding
    assert scalar(value) == decode_scalar(encoding)


@given(st.integers(-(2**300), 2**300), st.integers(-(2**300), 2**300))
def test_integers_of_any_sign_and_size_keep_their_arithmetic(a: int, b: int) -> None:
    assert scalar(a) + scalar(b) == scalar(a + b)
    assert scalar(a) * scalar(b) == scalar(a * b)
    assert -scalar(a) == scalar(-a)


def test_the_edges_of_the_scalar_field() -> None:
    assert scalar(GROUP_ORDER) == ZERO
    assert scalar(-1) == decode_scalar((GROUP_ORDER - 1).to_bytes(32, "little"))
    assert scalar(2**64) == scalar(2**64 - 1) + ONE
    assert VALUE * scalar(GROUP_ORDER - 1) + VALUE == IDENTITY


def test_too_few_bytes_make_no_uniform_scalar() -> None:
    with pytest.raises(BadScalar):
        scalar_from_wide(bytes(63))


def test_random_scalars_differ() -> None:
    entropy = SystemEntropy()
    drawn = {bytes(encode_scalar(random_scalar(entropy))) for _ in range(20)}
    assert len(drawn) == 20


@pytest.mark.parametrize(("points", "scalars"), [(2, 1), (1, 2), (0, 1), (3, 0)])
def test_lists_of_unequal_length_are_refused(points: int, scalars: int) -> None:
    """The curve library would cut the longer list, and a term would go unchecked."""
    with pytest.raises(UnequalLengths) as refused:
        multi_scalar_mul([VALUE] * points, [ONE] * scalars)
    assert (refused.value.points, refused.value.scalars) == (points, scalars)


def test_a_multi_scalar_multiplication_is_the_sum_of_its_terms() -> None:
    factors = [scalar(3), scalar(-5), scalar(2**200)]
    points = [VALUE, BLINDING, OWNER_BASE]
    total = IDENTITY
    for point, factor in zip(points, factors, strict=True):
        total = total + point * factor
    assert multi_scalar_mul(points, factors) == total
    assert multi_scalar_mul([], []) == IDENTITY
    assert sum_scalars(factors) == scalar(3 - 5 + 2**200)
    assert sum_scalars([]) == ZERO


def test_no_two_generators_are_the_same_point() -> None:
    on_g, on_h = bit_generators(64)
    every = [VALUE, BLINDING, OWNER_BASE, TAG_BASE, *on_g, *on_h]
    assert len({bytes(encode_point(point)) for point in every}) == len(every) == 132


def test_more_generators_do_not_change_the_first_ones() -> None:
    assert bit_generators(8)[0] == bit_generators(64)[0][:8]
    assert bit_generators(8)[1] == bit_generators(64)[1][:8]


def test_the_bound_on_generators_is_that_of_the_protocol() -> None:
    with pytest.raises(ValueError, match=str(MAX_RANGE_BITS)):
        bit_generators(2 * MAX_RANGE_BITS)
