"""Entropy from a seed: beside the frozen vectors, and nowhere else.

A proof made with it keeps no secret. It exists so that writing the vectors twice gives the same
bytes; nothing in the package can reach it.
"""

from __future__ import annotations

import hashlib

__all__ = ["Seeded"]


class Seeded:
    """A stream of bytes that follows from its seed alone (SHAKE256 over seed and counter)."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._drawn = 0

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the stream."""
        framed = len(self._seed).to_bytes(4, "big") + self._seed + self._drawn.to_bytes(8, "big")
        self._drawn += 1
        return hashlib.shake_256(framed).digest(count)

    @property
    def drawn(self) -> int:
        """Return how often bytes were drawn, to show that a proof used fresh randomness."""
        return self._drawn
