"""Verification of one aggregated range proof into an accumulator (see :mod:`.ranges`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.crypto.accumulator import Accumulator
from lodeline.crypto.group import (
    ONE,
    PointBytes,
    Scalar,
    ScalarBytes,
    decode_point,
    decode_scalar,
    scalar,
    sum_scalars,
)
from lodeline.crypto.labels import Label
from lodeline.crypto.ranges import absorb_scalars, absorb_widths, bit_weights, padded
from lodeline.crypto.transcript import Transcript
from lodeline.kernel.errors import LodelineError

__all__ = [
    "RangeChallenges",
    "RangeParts",
    "RangeRoundsWrong",
    "accumulate_ranges",
    "replay_ranges",
]


class RangeRoundsWrong(LodelineError):
    """A range proof whose number of rounds does not fit its statement."""

    left: int
    right: int
    expected: int

    code = "range-rounds-wrong"
    en = "The range proof has {left} and {right} rounds; this statement needs {expected}"
    fr = "La preuve d'intervalle a {left} et {right} tours ; il en faut {expected}"
    advice_en = "Ask the sender for the entry again; it was damaged or forged"
    advice_fr = "Redemandez l'écriture à l'expéditeur ; elle est abîmée ou falsifiée"


@dataclass(frozen=True)
class RangeParts:
    """The bytes of a range proof, as :class:`lodeline.proofs.proof.RangeProof` carries them."""

    a: PointBytes
    left: tuple[PointBytes, ...]
    right: tuple[PointBytes, ...]
    a1: PointBytes
    b: PointBytes
    r: ScalarBytes
    s: ScalarBytes
    d: ScalarBytes


@dataclass(frozen=True)
class RangeChallenges:
    """The challenges of one range proof, replayed from its transcript."""

    y: Scalar
    z: Scalar
    rounds: tuple[Scalar, ...]
    last: Scalar

    @property
    def size(self) -> int:
        """Return ``N``."""
        return 1 << len(self.rounds)


def replay_ranges(
    transcript: Transcript, widths: Sequence[int], parts: RangeParts
) -> RangeChallenges:
    """Absorb a range proof and return its challenges; decodes no point.

    Raises:
        RangeRoundsWrong: the number of rounds does not fit the widths.
        RangesTooWide: the widths pass the bound.
    """
    rounds = padded(widths).bit_length() - 1
    if len(parts.left) != rounds or len(parts.right) != rounds:
        raise RangeRoundsWrong(len(parts.left), len(parts.right), rounds)
    absorb_widths(transcript, widths)
    transcript.absorb(Label.RANGE_A, parts.a)
    y, z = transcript.challenge(Label.RANGE_Y), transcript.challenge(Label.RANGE_Z)
    found = []
    for left, right in zip(parts.left, parts.right, strict=True):
        transcript.absorb(Label.RANGE_LEFT, left)
        transcript.absorb(Label.RANGE_RIGHT, right)
        found.append(transcript.challenge(Label.RANGE_ROUND))
    transcript.absorb(Label.RANGE_A1, parts.a1)
    transcript.absorb(Label.RANGE_B, parts.b)
    last = transcript.challenge(Label.RANGE_LAST)
    absorb_scalars(transcript, (parts.r, parts.s, parts.d))
    return RangeChallenges(y, z, tuple(found), last)


@dataclass(frozen=True)
class _Terms:
    """What the parts of the equation share: challenges, weight and their products."""

    challenges: RangeChallenges
    squares: tuple[Scalar, ...]
    inverse_squares: tuple[Scalar, ...]
    weight: Scalar
    """The batch weight of the whole equation."""
    scaled: Scalar
    """``last² · weight``."""


def accumulate_ranges(
    accumulator: Accumulator,
    widths: Sequence[int],
    parts: RangeParts,
    challenges: RangeChallenges,
) -> list[Scalar]:
    """Add the verification equation; return the factor of each value's commitment in it.

    The caller adds ``factor[j] * V_j`` for each value ``j`` in the order of ``widths``, where
    ``V_j`` may be any linear combination of points that it has decoded (with a constant times
    ``g``); the commitments themselves are never sent.

    Raises:
        BadPoint, BadScalar: some bytes are no valid encoding.
    """
    weight = accumulator.weight()
    squares = tuple(e * e for e in challenges.rounds)
    inverse_squares = tuple(square.inverse() for square in squares)
    scaled = challenges.last * challenges.last * weight
    terms = _Terms(challenges, squares, inverse_squares, weight, scaled)
    _add_points(accumulator, parts, terms)
    _add_bits(accumulator, widths, parts, terms)
    return _add_values(accumulator, widths, parts, terms)


def _add_points(accumulator: Accumulator, parts: RangeParts, terms: _Terms) -> None:
    scaled, weight = terms.scaled, terms.weight
    accumulator.add(scaled, decode_point(parts.a))
    accumulator.add(terms.challenges.last * weight, decode_point(parts.a1))
    accumulator.add(weight, decode_point(parts.b))
    for left, square in zip(parts.left, terms.squares, strict=True):
        accumulator.add(scaled * square, decode_point(left))
    for right, square in zip(parts.right, terms.inverse_squares, strict=True):
        accumulator.add(scaled * square, decode_point(right))


def _add_bits(
    accumulator: Accumulator, widths: Sequence[int], parts: RangeParts, terms: _Terms
) -> None:
    """Add the coefficients of the bit generators; the only part that grows with ``N``."""
    challenges, scaled = terms.challenges, terms.scaled
    y, z = challenges.y, challenges.z
    inverse, size = y.inverse(), challenges.size
    up = ONE
    for x in challenges.rounds:
        up = up * x
    step, y_factors = inverse, []
    for square in reversed(terms.squares):
        y_factors.append(square * step)
        step = step * step
    last = challenges.last * terms.weight
    on_g = _tensor(-(decode_scalar(parts.r) * last * up.inverse()), y_factors)
    on_h = _tensor(-(decode_scalar(parts.s) * last * up), terms.inverse_squares[::-1])
    shifts = _bit_shifts(widths, z, scaled * y.pow(scalar(size)), inverse)
    on_h = [a + b for a, b in zip(on_h, shifts, strict=False)] + on_h[len(shifts) :]
    accumulator.add_bits(on_g, on_h)
    accumulator.add_even(size, -(z * scaled), z * scaled)


def _tensor(start: Scalar, factors: Sequence[Scalar]) -> list[Scalar]:
    """Return ``start`` times the product of the factors chosen by the bits of each index."""
    found = [start]
    for factor in factors:
        found += [value * factor for value in found]
    return found


def _bit_shifts(widths: Sequence[int], z: Scalar, first: Scalar, inverse: Scalar) -> list[Scalar]:
    """Return ``d_i · first · y^-i`` for every bit ``i`` that belongs to a value."""
    double = inverse + inverse
    shifts: list[Scalar] = []
    position = first
    for factor, width in zip(bit_weights(widths, z), widths, strict=True):
        term = factor * position
        for _ in range(width):
            shifts.append(term)
            term = term * double
        position = position * inverse.pow(scalar(width))
    return shifts


def _add_values(
    accumulator: Accumulator, widths: Sequence[int], parts: RangeParts, terms: _Terms
) -> list[Scalar]:
    challenges, scaled, weight = terms.challenges, terms.scaled, terms.weight
    y, z = challenges.y, challenges.z
    weights = bit_weights(widths, z)
    ones = sum_scalars(
        factor * scalar((1 << width) - 1) for factor, width in zip(weights, widths, strict=True)
    )
    y_next = y.pow(scalar(challenges.size)) * y
    sums = _y_sum(y, len(challenges.rounds)) * (z - z * z) - y_next * z * ones
    inner = decode_scalar(parts.r) * y * decode_scalar(parts.s) * weight
    accumulator.value = accumulator.value + scaled * sums - inner
    accumulator.blinding = accumulator.blinding - decode_scalar(parts.d) * weight
    return [scaled * y_next * factor for factor in weights]


def _y_sum(y: Scalar, rounds: int) -> Scalar:
    """Return ``y + y² + … + y^N`` with ``N = 2**rounds``."""
    total, power = y, y
    for _ in range(rounds):
        total = total + total * power
        power = power * power
    return total
