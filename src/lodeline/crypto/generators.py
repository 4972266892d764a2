"""Every public generator, each the hash of its own label.

The letters follow protocol.md §3 and §6: ``g`` carries the value of a Pedersen commitment, ``h``
its blinding factor, ``B_k`` one-time owner keys, ``U`` spending tags, and the vectors ``G_i`` and
``H_i`` the bits of aggregated range proofs.
"""

from __future__ import annotations

from functools import cache

from lodeline.crypto.group import Point, hash_to_point
from lodeline.kernel.bounds import MAX_RANGE_BITS

__all__ = ["BLINDING", "OWNER_BASE", "TAG_BASE", "VALUE", "bit_generators"]

VALUE: Point = hash_to_point(b"value")
"""``g``: base of the committed number."""

BLINDING: Point = hash_to_point(b"blinding")
"""``h``: base of the blinding factor."""

OWNER_BASE: Point = hash_to_point(b"one-time-owner-key")
"""``B_k``: base of one-time owner keys ``K = k * B_k``."""

TAG_BASE: Point = hash_to_point(b"spending-tag")
"""``U``: base of spending tags ``T = (1/k) * U``."""


@cache
def _pair(index: int) -> tuple[Point, Point]:
    number = index.to_bytes(4, "big")
    return hash_to_point(b"bit-G" + number), hash_to_point(b"bit-H" + number)


@cache
def bit_generators(count: int) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the first ``count`` generators of each vector, ``G`` and ``H``.

    ``count`` is a power of two up to ``MAX_RANGE_BITS``; making all of them takes about a second,
    once in a process.

    Raises:
        ValueError: a programmer asked for more than the protocol's bound.
    """
    if count > MAX_RANGE_BITS:
        message = f"{count} generators asked for, the bound is {MAX_RANGE_BITS}"
        raise ValueError(message)
    pairs = [_pair(index) for index in range(count)]
    return tuple(g for g, _ in pairs), tuple(h for _, h in pairs)
