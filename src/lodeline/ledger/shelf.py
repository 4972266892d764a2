"""A dictionary laid over another one, so that a block is tried and then kept or dropped.

Reading falls through to the shelf below; writing stays on top. A draft of the whole state is a set
of such shelves over the real ones: it costs nothing to make, and nothing is undone by dropping it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

__all__ = ["Shelf"]

K = TypeVar("K")
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """Values by key, over another shelf or over nothing."""

    __slots__ = ("_below", "_own")

    def __init__(self, below: Shelf[K, V] | None = None) -> None:
        self._below = below
        self._own: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        """Return the value under a key, or None where there is none."""
        if key in self._own:
            return self._own[key]
        return None if self._below is None else self._below.get(key)

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield every key with its value: those of the lowest shelf first, in order of arrival."""
        for key, value in self.overlaid().items():
            if value is not None:
                yield key, value

    def values(self) -> Iterator[V]:
        """Yield every value, in the order of `items`."""
        return (value for value in self.overlaid().values() if value is not None)

    def overlaid(self) -> dict[K, V | None]:
        """Return what reading would find, None standing for what was taken away."""
        if self._below is None:
            return self._own
        return {**self._below.overlaid(), **self._own}

    def put(self, changes: Mapping[K, V | None]) -> None:
        """Write values; None takes a key away, whether it was there or not."""
        if not changes:
            return
        self._own.update(changes)
        if self._below is None:
            for key, value in changes.items():
                if value is None:
                    del self._own[key]

    def over(self) -> Shelf[K, V]:
        """Return an empty shelf over this one."""
        return Shelf(self)

    def settle(self) -> None:
        """Write everything that is on this shelf to the one below, and empty this one.

        A shelf over nothing stays as it is.
        """
        if self._below is not None:
            self._below.put(self._own)
            self._own = {}
