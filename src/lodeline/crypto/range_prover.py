"""Proving one aggregated range proof (see :mod:`.ranges`). Reached only from the holder's side.

The inner-product part folds the *coefficients* of the generators and keeps the points, so that a
round costs one multi-scalar multiplication for each of ``L`` and ``R``. After ``_ROUNDS_UNFOLDED``
rounds the points themselves are folded once, by many small multiplications: measured, that is
where the two costs cross.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.crypto.generators import BLINDING, VALUE, bit_generators
from lodeline.crypto.group import (
    ONE,
    ZERO,
    Point,
    PointBytes,
    Scalar,
    encode_point,
    encode_scalar,
    multi_scalar_mul,
    sum_scalars,
)
from lodeline.crypto.labels import Label
from lodeline.crypto.range_verifier import RangeParts
from lodeline.crypto.ranges import absorb_scalars, absorb_widths, bit_weights, padded, powers
from lodeline.crypto.transcript import NonceSource, Transcript
from lodeline.kernel.errors import LodelineError

__all__ = ["ValueOutOfRange", "prove_ranges"]


class ValueOutOfRange(LodelineError):
    """The prover's own number does not fit the width that it must prove."""

    position: int
    bits: int

    code = "value-out-of-range"
    en = "Number {position} of the statement is negative or needs more than {bits} bits"
    fr = "Le nombre {position} de l'énoncé est négatif ou dépasse {bits} bits"
    advice_en = "Check the amounts: something leaves the range that its form allows"
    advice_fr = "Vérifiez les quantités : l'une sort de l'intervalle permis par sa forme"


_ROUNDS_UNFOLDED = 4
_LEAST_TO_FOLD = 256


@dataclass
class _Folding:
    """The state of the inner-product argument between two rounds."""

    points_g: list[Point]
    points_h: list[Point]
    a: list[Scalar]
    b: list[Scalar]
    on_g: list[Scalar]
    on_h: list[Scalar]
    alpha: Scalar


def prove_ranges(
    transcript: Transcript,
    widths: Sequence[int],
    values: Sequence[int],
    blindings: Sequence[Scalar],
    nonces: NonceSource,
) -> RangeParts:
    """Prove that ``0 <= values[j] < 2**widths[j]`` for commitments that the transcript binds.

    Raises:
        ValueOutOfRange: a value does not fit; nothing has been published.
        RangesTooWide: the widths pass the bound.
    """
    for position, (value, width) in enumerate(zip(values, widths, strict=True)):
        if not 0 <= value < 1 << width:
            raise ValueOutOfRange(position, width)
    return _prove_unchecked(transcript, widths, values, blindings, nonces)


def _prove_unchecked(
    transcript: Transcript,
    widths: Sequence[int],
    values: Sequence[int],
    blindings: Sequence[Scalar],
    nonces: NonceSource,
) -> RangeParts:
    """Run the protocol on whatever bits the values have (tests play the dishonest prover here)."""
    size = padded(widths)
    absorb_widths(transcript, widths)
    bits = [(value >> i) & 1 for value, n in zip(values, widths, strict=True) for i in range(n)]
    bits += [0] * (size - len(bits))
    alpha = nonces.next()
    a_bytes = encode_point(_commit_bits(bits, alpha))
    transcript.absorb(Label.RANGE_A, a_bytes)
    y, z = transcript.challenge(Label.RANGE_Y), transcript.challenge(Label.RANGE_Z)
    folding = _start(bits, widths, blindings, alpha, (y, z))
    left, right = _rounds(transcript, folding, y, nonces)
    return _finish(transcript, folding, y, nonces, (a_bytes, left, right))


def _commit_bits(bits: Sequence[int], alpha: Scalar) -> Point:
    all_g, all_h = bit_generators(len(bits))
    total = BLINDING * alpha
    for bit, g, h in zip(bits, all_g, all_h, strict=True):
        total = total + g if bit else total - h
    return total


def _start(
    bits: Sequence[int],
    widths: Sequence[int],
    blindings: Sequence[Scalar],
    alpha: Scalar,
    challenges: tuple[Scalar, Scalar],
) -> _Folding:
    y, z = challenges
    size = len(bits)
    y_powers = powers(y, size + 2)
    weights = bit_weights(widths, z)
    d = [
        factor * Scalar(1 << i) if i < 64 else factor * Scalar(1 << 63) * Scalar(1 << (i - 63))
        for factor, width in zip(weights, widths, strict=True)
        for i in range(width)
    ]
    d += [ZERO] * (size - len(d))
    a = [ONE - z if bit else -z for bit in bits]
    b = [(z if bit else z - ONE) + d[i] * y_powers[size - i] for i, bit in enumerate(bits)]
    shift = sum_scalars(x * r for x, r in zip(weights, blindings, strict=True))
    all_g, all_h = bit_generators(size)
    ones = [ONE] * size
    alpha = alpha + shift * y_powers[size + 1]
    return _Folding(list(all_g), list(all_h), a, b, ones, list(ones), alpha)


def _rounds(
    transcript: Transcript, folding: _Folding, y: Scalar, nonces: NonceSource
) -> tuple[list[PointBytes], list[PointBytes]]:
    left: list[PointBytes] = []
    right: list[PointBytes] = []
    half = len(folding.a) // 2
    while half >= 1:
        y_half = powers(y, half + 1)[half]
        blind_left, blind_right = nonces.next(), nonces.next()
        left_point, right_point = _cross(folding, y, y_half, (blind_left, blind_right))
        left.append(left_point)
        right.append(right_point)
        transcript.absorb(Label.RANGE_LEFT, left_point)
        transcript.absorb(Label.RANGE_RIGHT, right_point)
        e = transcript.challenge(Label.RANGE_ROUND)
        _fold(folding, e, y_half)
        square = e * e
        folding.alpha = folding.alpha + blind_left * square + blind_right * square.inverse()
        if len(folding.points_g) >= max(_LEAST_TO_FOLD, half << _ROUNDS_UNFOLDED):
            folding.points_g = _fold_points(folding.points_g, folding.on_g, half)
            folding.points_h = _fold_points(folding.points_h, folding.on_h, half)
            folding.on_g, folding.on_h = [ONE] * half, [ONE] * half
        half //= 2
    return left, right


def _fold_points(points: list[Point], coefficients: list[Scalar], size: int) -> list[Point]:
    """Return ``size`` points, each the weighted sum of those that folding made one."""
    return [
        multi_scalar_mul(points[start::size], coefficients[start::size]) for start in range(size)
    ]


def _cross(
    folding: _Folding, y: Scalar, y_half: Scalar, blinds: tuple[Scalar, Scalar]
) -> tuple[PointBytes, PointBytes]:
    """Return ``L`` and ``R`` of one round."""
    half = len(folding.a) // 2
    a1, a2 = folding.a[:half], folding.a[half:]
    b1, b2 = folding.b[:half], folding.b[half:]
    y_powers = powers(y, half + 1)[1:]
    c_left = sum_scalars(p * q * w for p, q, w in zip(a1, b2, y_powers, strict=True))
    c_right = y_half * sum_scalars(p * q * w for p, q, w in zip(a2, b1, y_powers, strict=True))
    inverse = y_half.inverse()
    a_left, a_right = [x * inverse for x in a1], [x * y_half for x in a2]
    left, right = _Sum(c_left, blinds[0]), _Sum(c_right, blinds[1])
    all_g, all_h = folding.points_g, folding.points_h
    for start in range(0, len(all_g), 2 * half):
        low, middle, high = start, start + half, start + 2 * half
        left.extend(all_g[middle:high], a_left, folding.on_g[middle:high])
        left.extend(all_h[low:middle], b2, folding.on_h[low:middle])
        right.extend(all_g[low:middle], a_right, folding.on_g[low:middle])
        right.extend(all_h[middle:high], b1, folding.on_h[middle:high])
    return left.encoded(), right.encoded()


class _Sum:
    """Points and scalars of one multiplication, starting with value and blinding."""

    def __init__(self, value: Scalar, blinding: Scalar) -> None:
        self._points: list[Point] = [VALUE, BLINDING]
        self._scalars: list[Scalar] = [value, blinding]

    def extend(
        self, points: Sequence[Point], vector: Sequence[Scalar], coefficients: Sequence[Scalar]
    ) -> None:
        self._points.extend(points)
        self._scalars.extend([v * c for v, c in zip(vector, coefficients, strict=True)])

    def encoded(self) -> PointBytes:
        return encode_point(multi_scalar_mul(self._points, self._scalars))


def _fold(folding: _Folding, e: Scalar, y_half: Scalar) -> None:
    half = len(folding.a) // 2
    inverse = e.inverse()
    on_first, on_second = e, inverse * y_half
    folding.a = [
        p * on_first + q * on_second
        for p, q in zip(folding.a[:half], folding.a[half:], strict=True)
    ]
    folding.b = [
        p * inverse + q * e for p, q in zip(folding.b[:half], folding.b[half:], strict=True)
    ]
    g_high = e * y_half.inverse()
    size = len(folding.on_g)
    folding.on_g = [
        c * (g_high if i % (2 * half) >= half else inverse)
        for i, c in zip(range(size), folding.on_g, strict=True)
    ]
    folding.on_h = [
        c * (inverse if i % (2 * half) >= half else e)
        for i, c in zip(range(size), folding.on_h, strict=True)
    ]


def _finish(
    transcript: Transcript,
    folding: _Folding,
    y: Scalar,
    nonces: NonceSource,
    sent: tuple[PointBytes, list[PointBytes], list[PointBytes]],
) -> RangeParts:
    r, s, delta, eta = nonces.next(), nonces.next(), nonces.next(), nonces.next()
    a, b = folding.a[0], folding.b[0]
    total = _Sum((r * b + s * a) * y, delta)
    total.extend(folding.points_g, [r] * len(folding.on_g), folding.on_g)
    total.extend(folding.points_h, [s] * len(folding.on_h), folding.on_h)
    a1 = total.encoded()
    b_bytes = _Sum(r * y * s, eta).encoded()
    transcript.absorb(Label.RANGE_A1, a1)
    transcript.absorb(Label.RANGE_B, b_bytes)
    e = transcript.challenge(Label.RANGE_LAST)
    finals = (r + a * e, s + b * e, eta + delta * e + folding.alpha * e * e)
    encoded = [encode_scalar(value) for value in finals]
    absorb_scalars(transcript, encoded)
    a_bytes, left, right = sent
    return RangeParts(a_bytes, tuple(left), tuple(right), a1, b_bytes, *encoded)
