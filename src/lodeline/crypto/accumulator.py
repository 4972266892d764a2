"""Many verification equations as one multi-scalar multiplication.

Every equation says that a sum of multiples of points is the identity. An accumulator multiplies
each equation with its own random weight and adds them all up: if one of them does not hold, the sum
is the identity with probability at most 2**-128 (Bellare, Garay, Rabin: "Fast batch verification",
EUROCRYPT 1998, small-exponents test, in a group of prime order).

The weights must be unknown to whoever made the proofs. They come from a hash over the whole batch
after every proof in it is fixed, so every validator draws the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lodeline.crypto.generators import BLINDING, OWNER_BASE, TAG_BASE, VALUE, bit_generators
from lodeline.crypto.group import IDENTITY, ZERO, Point, Scalar, multi_scalar_mul
from lodeline.crypto.labels import Domain

__all__ = ["Accumulator", "WeightSource", "merged"]

_WEIGHT_BYTES = 16
_BLOCK = 64


class WeightSource:
    """The 128-bit weights of one batch, drawn in order from a hash of the whole batch."""

    def __init__(self, seed: bytes) -> None:
        self._seed = Domain.BATCH.value + seed
        self._counter = 0
        self._block = b""

    def next(self) -> Scalar:
        """Return the next weight, uniform over 128 bits and never zero."""
        while True:
            if len(self._block) < _WEIGHT_BYTES:
                counter = self._counter.to_bytes(8, "big")
                self._block = hashlib.blake2b(self._seed + counter, digest_size=_BLOCK).digest()
                self._counter += 1
            taken, self._block = self._block[:_WEIGHT_BYTES], self._block[_WEIGHT_BYTES:]
            weight = Scalar.from_le_bytes_mod_order(taken)
            if not weight.is_zero():
                return weight


class Accumulator:
    """A growing weighted sum; coefficients of fixed generators are merged across equations."""

    def __init__(self, weights: WeightSource) -> None:
        self._weights = weights
        self.value = ZERO
        """Coefficient of ``g``."""
        self.blinding = ZERO
        """Coefficient of ``h``."""
        self.owner = ZERO
        """Coefficient of ``B_k``."""
        self.tag = ZERO
        """Coefficient of ``U``."""
        self._bits_g: list[Scalar] = []
        self._bits_h: list[Scalar] = []
        self._even: dict[int, tuple[Scalar, Scalar]] = {}
        self._points: list[Point] = []
        self._scalars: list[Scalar] = []

    def weight(self) -> Scalar:
        """Return a fresh weight; the caller multiplies one whole equation with it."""
        return self._weights.next()

    def add(self, factor: Scalar, point: Point) -> None:
        """Add ``factor * point``."""
        self._scalars.append(factor)
        self._points.append(point)

    def add_bits(self, on_g: list[Scalar], on_h: list[Scalar]) -> None:
        """Add multiples of the first bit generators; both lists have the same length."""
        self._bits_g = _merged(self._bits_g, on_g)
        self._bits_h = _merged(self._bits_h, on_h)

    def add_even(self, count: int, on_g: Scalar, on_h: Scalar) -> None:
        """Add the same multiple of each of the first ``count`` generators of either vector."""
        g, h = self._even.get(count, (ZERO, ZERO))
        self._even[count] = (g + on_g, h + on_h)

    def include(self, other: Accumulator) -> None:
        """Add another accumulator's sum, whose equations have weights of their own."""
        self.value = self.value + other.value
        self.blinding = self.blinding + other.blinding
        self.owner = self.owner + other.owner
        self.tag = self.tag + other.tag
        self.add_bits(other._bits_g, other._bits_h)
        for count, (g, h) in other._even.items():
            self.add_even(count, g, h)
        self._points.extend(other._points)
        self._scalars.extend(other._scalars)

    def terms(self) -> tuple[list[Point], list[Scalar]]:
        """Return the points and scalars of the one multiplication."""
        on_g, on_h = self._bits_g, self._bits_h
        for count, (g, h) in self._even.items():
            on_g = _merged(on_g, [g] * count)
            on_h = _merged(on_h, [h] * count)
        all_g, all_h = bit_generators(_power_of_two(len(on_g)))
        points = [VALUE, BLINDING, OWNER_BASE, TAG_BASE, *all_g[: len(on_g)], *all_h[: len(on_h)]]
        scalars = [self.value, self.blinding, self.owner, self.tag, *on_g, *on_h]
        return points + self._points, scalars + self._scalars

    def holds(self) -> bool:
        """Return whether the weighted sum is the identity."""
        points, scalars = self.terms()
        return multi_scalar_mul(points, scalars) == IDENTITY


def merged(accumulators: Iterable[Accumulator]) -> Accumulator:
    """Return one accumulator that holds exactly when all given ones do, up to 2**-128."""
    total = Accumulator(WeightSource(b""))
    for accumulator in accumulators:
        total.include(accumulator)
    return total


def _merged(first: list[Scalar], second: list[Scalar]) -> list[Scalar]:
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    merged = [a + b for a, b in zip(longer, shorter, strict=False)]
    return merged + longer[len(shorter) :]


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length() if count else 1
