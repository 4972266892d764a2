"""Aggregated range proofs: what lies in range verifies, what does not is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.crypto import range_prover
from lodeline.crypto.accumulator import Accumulator, WeightSource
from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import (
    GROUP_ORDER,
    IDENTITY,
    BadPoint,
    BadScalar,
    Point,
    PointBytes,
    Scalar,
    ScalarBytes,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar,
)
from lodeline.crypto.labels import Domain, Label
from lodeline.crypto.range_prover import ValueOutOfRange, prove_ranges
from lodeline.crypto.range_verifier import (
    RangeParts,
    RangeRoundsWrong,
    accumulate_ranges,
    replay_ranges,
)
from lodeline.crypto.ranges import MAX_WIDTH, RangesTooWide, padded
from lodeline.crypto.transcript import NonceSource, Transcript
from lodeline.kernel.bounds import MAX_RANGE_BITS

ENTROPY = SystemEntropy()


@dataclass(frozen=True)
class Case:
    """Values with their widths, blinding factors and commitments."""

    widths: tuple[int, ...]
    values: tuple[int, ...]
    blindings: tuple[Scalar, ...]

    @classmethod
    def of(cls, *pairs: tuple[int, int]) -> Case:
        widths, values = zip(*pairs, strict=True)
        return cls(widths, values, tuple(random_scalar(ENTROPY) for _ in pairs))

    @property
    def commitments(self) -> list[Point]:
        pairs = zip(self.values, self.blindings, strict=True)
        return [VALUE * scalar(value) + BLINDING * blinding for value, blinding in pairs]

    def transcript(self) -> Transcript:
        """The statement's commitments are bound before the range proof, as a caller does it."""
        transcript = Transcript(Domain.RANGE_ONLY)
        for commitment in self.commitments:
            transcript.absorb(Label.BODY, encode_point(commitment))
        return transcript

    def prove(self) -> RangeParts:
        transcript = self.transcript()
        nonces = NonceSource(transcript, b"secret", ENTROPY)
        return prove_ranges(transcript, self.widths, self.values, self.blindings, nonces)

    def forge(self, values: Sequence[int] | None = None) -> RangeParts:
        """Run the prover with its checks off, on other values than committed if given."""
        transcript = self.transcript()
        nonces = NonceSource(transcript, b"secret", ENTROPY)
        return range_prover._prove_unchecked(
            transcript, self.widths, values or self.values, self.blindings, nonces
        )

    def verify(self, parts: RangeParts, widths: Sequence[int] | None = None) -> bool:
        stated = self.widths if widths is None else widths
        challenges = replay_ranges(self.transcript(), stated, parts)
        accumulator = Accumulator(WeightSource(b"weights"))
        factors = accumulate_ranges(accumulator, stated, parts, challenges)
        for factor, point in zip(factors, self.commitments, strict=True):
            accumulator.add(factor, point)
        return accumulator.holds()


in_range = st.integers(1, 40).flatmap(
    lambda width: st.tuples(st.just(width), st.integers(0, (1 << width) - 1))
)


@settings(max_examples=15)
@given(st.lists(in_range, min_size=1, max_size=6))
def test_values_in_range_verify_whatever_their_widths(pairs: list[tuple[int, int]]) -> None:
    case = Case.of(*pairs)
    assert case.verify(case.prove())


@settings(max_examples=15)
@given(st.lists(in_range, min_size=1, max_size=4), st.data())
def test_one_value_out_of_range_is_refused(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(pairs) - 1))
    width = pairs[index][0]
    beyond = data.draw(st.sampled_from([-1, 1 << width, (1 << width) + 1, -(1 << width), 1 << 200]))
    pairs[index] = (width, beyond)
    case = Case.of(*pairs)
    with pytest.raises(ValueOutOfRange) as refused:
        case.prove()
    assert (refused.value.position, refused.value.bits) == (index, width)
    assert not case.verify(case.forge())


@pytest.mark.parametrize("width", [1, 2, 3, 8, 63, 64, 65, 127, 128, MAX_WIDTH])
def test_both_ends_of_a_range_verify_and_the_next_number_does_not(width: int) -> None:
    for value in (0, (1 << width) - 1):
        case = Case.of((width, value))
        assert case.verify(case.prove())
    assert not Case.of((width, 1 << width)).verify(Case.of((width, 1 << width)).forge())
    above, below = Case.of((width, 1 << width)), Case.of((width, -1))
    assert not above.verify(above.forge())
    assert not below.verify(below.forge())


def test_a_negative_number_wrapped_round_the_field_is_refused() -> None:
    """−1 is the order less one: its lowest bits are all zero bits of a tempting proof."""
    for value in (-1, -(1 << 12), GROUP_ORDER - 1):
        case = Case.of((12, value), (12, 5))
        assert not case.verify(case.forge())
        assert not case.verify(case.forge([value % GROUP_ORDER, 5]))
        assert not case.verify(case.forge([0, 5]))


def test_too_much_on_one_value_is_not_made_up_for_by_too_little_on_another() -> None:
    case = Case.of((8, 256 + 5), (8, -5))
    assert not case.verify(case.forge())
    moved = Case.of((8, 300), (8, 0))
    assert not moved.verify(moved.forge([255, 45]))


def test_a_proof_for_a_wider_range_is_none_for_a_narrower_one() -> None:
    case = Case.of((16, 1000), (8, 3))
    parts = case.prove()
    assert case.verify(parts)
    for widths in ((8, 16), (15, 9), (17, 7), (20, 4)):
        assert not case.verify(parts, widths)


def test_a_proof_says_nothing_about_other_commitments() -> None:
    case, other = Case.of((8, 3), (8, 4)), Case.of((8, 3), (8, 4))
    assert not other.verify(case.prove())
    swapped = dataclasses.replace(case, values=(4, 3), blindings=case.blindings[::-1])
    assert not swapped.verify(case.prove())


def test_the_smallest_proof_has_no_round() -> None:
    case = Case.of((1, 1))
    parts = case.prove()
    assert parts.left == parts.right == ()
    assert case.verify(parts)
    wrong = Case.of((1, 2))
    assert not wrong.verify(wrong.forge())


@pytest.mark.parametrize("total", [255, 256, 257, 511, 512])
def test_sizes_around_the_folding_of_generators_verify(total: int) -> None:
    """The prover folds points from 256 on; a mistake there would show at these sizes."""
    widths = [100] * (total // 100) + [total % 100]
    case = Case.of(*((width, (1 << width) - 1 - index) for index, width in enumerate(widths)))
    parts = case.prove()
    assert len(parts.left) == (total - 1).bit_length()
    assert case.verify(parts)
    false = Case.of(*zip(widths, [1 << widths[0], *case.values[1:]], strict=True))
    assert not false.verify(false.forge())


# Any: the names of the fields are chosen at run time.
def changed(parts: RangeParts, **fields: Any) -> RangeParts:
    return dataclasses.replace(parts, **fields)


POINTS = ("a", "a1", "b")
SCALARS = ("r", "s", "d")


@pytest.mark.parametrize("name", POINTS)
def test_every_point_of_a_proof_counts(name: str) -> None:
    case = Case.of((8, 200), (4, 9))
    assert not case.verify(changed(case.prove(), **{name: encode_point(VALUE)}))


@pytest.mark.parametrize("side", ["left", "right"])
def test_every_round_of_a_proof_counts(side: str) -> None:
    case = Case.of((8, 200), (4, 9))
    parts = case.prove()
    points: tuple[PointBytes, ...] = getattr(parts, side)
    assert len(points) == 4
    for index in range(len(points)):
        other = (*points[:index], encode_point(VALUE), *points[index + 1 :])
        assert not case.verify(changed(parts, **{side: other}))
    assert not case.verify(changed(parts, **{side: points[::-1]}))


def test_rounds_cannot_change_sides() -> None:
    case = Case.of((8, 200), (4, 9))
    parts = case.prove()
    assert not case.verify(dataclasses.replace(parts, left=parts.right, right=parts.left))


@pytest.mark.parametrize("name", SCALARS)
def test_every_scalar_of_a_proof_counts(name: str) -> None:
    case = Case.of((8, 200), (4, 9))
    parts = case.prove()
    value = scalar(int.from_bytes(getattr(parts, name), "little") + 1)
    assert not case.verify(changed(parts, **{name: encode_scalar(value)}))


@pytest.mark.parametrize("name", SCALARS)
def test_a_scalar_above_the_order_is_refused(name: str) -> None:
    case = Case.of((8, 200))
    with pytest.raises(BadScalar):
        case.verify(changed(case.prove(), **{name: ScalarBytes(b"\xff" * 32)}))


@pytest.mark.parametrize("name", POINTS)
def test_the_identity_is_no_message(name: str) -> None:
    case = Case.of((8, 200))
    nothing = PointBytes(encode_point(IDENTITY))
    with pytest.raises(BadPoint):
        case.verify(changed(case.prove(), **{name: nothing}))


def test_a_proof_of_zero_points_and_scalars_proves_nothing() -> None:
    """All-zero responses with points of one's choice: the classical forgery without checks."""
    case = Case.of((8, -1))
    point, zero = encode_point(VALUE), encode_scalar(scalar(0))
    parts = RangeParts(point, (point,) * 3, (point,) * 3, point, point, zero, zero, zero)
    assert not case.verify(parts)


@pytest.mark.parametrize(("left", "right"), [(2, 3), (3, 2), (4, 4), (0, 0), (2, 2)])
def test_another_number_of_rounds_is_refused(left: int, right: int) -> None:
    case = Case.of((8, 200))
    parts = case.prove()
    point = (encode_point(VALUE),)
    other = dataclasses.replace(
        parts, left=(parts.left + point)[:left], right=(parts.right + point)[:right]
    )
    with pytest.raises(RangeRoundsWrong) as refused:
        case.verify(other)
    assert (refused.value.left, refused.value.right, refused.value.expected) == (left, right, 3)


@pytest.mark.parametrize(
    ("widths", "bits", "bound"),
    [
        ((MAX_WIDTH + 1,), MAX_WIDTH + 1, MAX_WIDTH),
        ((128,) * 64 + (1,), MAX_RANGE_BITS + 1, MAX_RANGE_BITS),
        ((255,), 255, MAX_WIDTH),
        ((8, 256), 256, MAX_WIDTH),
    ],
)
def test_one_bit_more_than_the_bound_is_refused_before_anything_else(
    widths: tuple[int, ...], bits: int, bound: int
) -> None:
    """A width near the field's would let a negative number in."""
    point, number = PointBytes(b""), ScalarBytes(b"")
    nothing = RangeParts(point, (), (), point, point, number, number, number)
    for act in (
        lambda: padded(widths),
        lambda: replay_ranges(Transcript(Domain.RANGE_ONLY), widths, nothing),
    ):
        with pytest.raises(RangesTooWide) as refused:
            act()
        assert (refused.value.bits, refused.value.bound) == (bits, bound)


@pytest.mark.parametrize(
    ("widths", "size"),
    [((1,), 1), ((2,), 2), ((3,), 4), ((8, 1), 16), ((128,) * 64, MAX_RANGE_BITS)],
)
def test_sizes_are_padded_to_powers_of_two(widths: tuple[int, ...], size: int) -> None:
    assert padded(widths) == size


def test_padding_bits_carry_no_value() -> None:
    """Nine bits are padded to sixteen: the seven spare ones must not make a value larger."""
    for value in (512, 513, 1 << 15):
        case = Case.of((9, value))
        assert not case.verify(case.forge())
        wider = dataclasses.replace(case, widths=(16,))
        assert wider.verify(wider.prove())
        assert not case.verify(wider.prove())
