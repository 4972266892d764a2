"""Batch weights: errors of several equations never cancel, and never spread."""

from __future__ import annotations

import pytest

from lodeline.crypto.accumulator import Accumulator, WeightSource, merged
from lodeline.crypto.generators import BLINDING, OWNER_BASE, TAG_BASE, VALUE, bit_generators
from lodeline.crypto.group import (
    IDENTITY,
    ONE,
    ZERO,
    Point,
    Scalar,
    encode_scalar,
    multi_scalar_mul,
    scalar,
)


def equation(accumulator: Accumulator, error: int) -> None:
    """Add ``3·g − (3·g) + error·g``: true when ``error`` is zero."""
    weight = accumulator.weight()
    accumulator.value = accumulator.value + weight * scalar(3 + error)
    accumulator.add(-weight, VALUE * scalar(3))


def holding(*errors: int, seed: bytes = b"seed") -> bool:
    accumulator = Accumulator(WeightSource(seed))
    for error in errors:
        equation(accumulator, error)
    return accumulator.holds()


def test_true_equations_hold_together() -> None:
    assert holding(0)
    assert holding(0, 0, 0)
    assert Accumulator(WeightSource(b"")).holds()


@pytest.mark.parametrize("errors", [(1,), (0, 1), (1, -1), (1, 1, -2), (5, 0, -5)])
def test_errors_that_add_up_to_nothing_are_still_found(errors: tuple[int, ...]) -> None:
    assert not holding(*errors)


@pytest.mark.parametrize("errors", [(1, -1), (1, 1, -2)])
def test_errors_of_different_proofs_do_not_cancel_in_a_batch(errors: tuple[int, ...]) -> None:
    parts = []
    for index, error in enumerate(errors):
        part = Accumulator(WeightSource(b"batch" + bytes([index])))
        equation(part, error)
        parts.append(part)
    assert not merged(parts).holds()


def test_a_batch_holds_exactly_when_all_its_parts_do() -> None:
    def part(index: int, error: int) -> Accumulator:
        accumulator = Accumulator(WeightSource(b"batch" + bytes([index])))
        equation(accumulator, error)
        return accumulator

    assert merged(part(index, 0) for index in range(5)).holds()
    assert merged([]).holds()
    for bad in range(5):
        assert not merged(part(index, int(index == bad)) for index in range(5)).holds()


def drawn(seed: bytes, count: int = 50) -> list[bytes]:
    source = WeightSource(seed)
    return [bytes(encode_scalar(source.next())) for _ in range(count)]


def test_weights_follow_from_the_seed_and_differ() -> None:
    assert drawn(b"a") == drawn(b"a")
    assert len(set(drawn(b"a") + drawn(b"b"))) == 100


def test_weights_have_128_bits_and_are_never_zero() -> None:
    every = [int.from_bytes(value, "little") for value in drawn(b"a", 200)]
    assert all(0 < value < 1 << 128 for value in every)
    assert max(every) > 1 << 120


def test_parts_are_added_whatever_their_size() -> None:
    """Coefficients of the bit generators merge, shorter lists into longer ones."""
    on_g, on_h = bit_generators(4)
    first, second = Accumulator(WeightSource(b"1")), Accumulator(WeightSource(b"2"))
    first.add_bits([scalar(1), scalar(2)], [scalar(3), scalar(4)])
    first.add_even(4, scalar(10), scalar(20))
    second.add_bits([scalar(5)] * 4, [scalar(6)] * 4)
    second.add_even(2, scalar(100), scalar(200))
    second.add_even(2, scalar(1000), scalar(2000))
    second.blinding, second.owner, second.tag = scalar(7), scalar(8), scalar(9)
    second.add(scalar(11), VALUE)
    both = merged([first, second])
    points, scalars = both.terms()
    expected: list[tuple[Point, Scalar]] = [
        (BLINDING, scalar(7)),
        (OWNER_BASE, scalar(8)),
        (TAG_BASE, scalar(9)),
        (VALUE, scalar(11)),
    ]
    expected += zip(on_g, [scalar(n) for n in (1116, 1117, 15, 15)], strict=True)
    expected += zip(on_h, [scalar(n) for n in (2229, 2230, 26, 26)], strict=True)
    wanted = multi_scalar_mul([point for point, _ in expected], [value for _, value in expected])
    assert multi_scalar_mul(points, scalars) == wanted
    assert not both.holds()


@pytest.mark.parametrize("field", ["value", "blinding", "owner", "tag"])
def test_no_fixed_generator_is_left_out_of_the_sum(field: str) -> None:
    accumulator = Accumulator(WeightSource(b""))
    setattr(accumulator, field, ONE)
    assert not accumulator.holds()
    assert not merged([accumulator]).holds()


@pytest.mark.parametrize("position", range(8))
def test_no_bit_generator_is_left_out_of_the_sum(position: int) -> None:
    coefficients = [ONE if index == position else ZERO for index in range(8)]
    for on_g, on_h in ((coefficients, [ZERO] * 8), ([ZERO] * 8, coefficients)):
        accumulator = Accumulator(WeightSource(b""))
        accumulator.add_bits(list(on_g), list(on_h))
        assert not accumulator.holds()


def test_the_terms_of_nothing_add_up_to_the_identity() -> None:
    points, scalars = Accumulator(WeightSource(b"")).terms()
    assert multi_scalar_mul(points, scalars) == IDENTITY
