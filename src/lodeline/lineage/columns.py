"""Columns that grow at their end: whole numbers, and ids of 32 bytes under numbers of their own.

A million ids as Python objects in a dictionary take some 170 MB; here they take 32 bytes each and
12 bytes to be found by. Neither class is safe for a writer and a reader in two threads at once.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Generic, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

__all__ = ["Column", "Ids", "Numbers"]

Numbers: TypeAlias = npt.NDArray[np.int32]
"""Numbers of lots, steps or edges: 0, 1, 2… in the order of the log, below 2³¹."""

IdT = TypeVar("IdT", bound=bytes)

_WIDTH: Final = 32
_FIRST_ROOM: Final = 1_024
_RECENT: Final = 65_536
_RECENT_SHARE: Final = 16
_MANY: Final = 16
"""From here on it pays to look ids up together."""


class Column:
    """Whole numbers below 2³¹ in one array; what was read of it earlier stays as it was."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._room: Numbers = np.empty(_FIRST_ROOM, np.int32)
        self._size = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def append(self, number: int) -> None:
        """Add one.

        Raises:
            OverflowError: it is 2³¹ or more.
        """
        if self._size == len(self._room):
            wider: Numbers = np.empty(2 * self._size, np.int32)
            wider[: self._size] = self._room
            self._room = wider
        self._room[self._size] = number
        self._size += 1

    @property
    def values(self) -> Numbers:
        """Return what there is now, without a copy; it must not be written to."""
        return self._room[: self._size]

    @property
    def memory_bytes(self) -> int:
        """Return what the array takes, with the room that is not used yet."""
        return self._room.nbytes


class Ids(Generic[IdT]):
    """Ids of 32 bytes numbered as they come; each is found again by its first eight bytes.

    Most stand in a sorted array (the base), the latest in a dictionary that is folded into the
    base when it is a sixteenth of it. Ids that begin with the same eight bytes are told apart.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._bytes = bytearray()
        self._keys: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._places: Numbers = np.empty(0, np.int32)
        self._recent: dict[IdT, int] = {}
        # The keys again, without a copy: one at a time is found sooner this way.
        self._looked_up = self._keys.data

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._bytes) // _WIDTH

    def append(self, found: IdT) -> int:
        """Add an id and return its number; that it is new is for the caller to have checked.

        Raises:
            ValueError: it is not of 32 bytes.
        """
        if len(found) != _WIDTH:
            raise ValueError(len(found))
        number = len(self)
        self._bytes += found
        self._recent[found] = number
        if len(self._recent) > max(_RECENT, len(self._keys) // _RECENT_SHARE):
            self.fold()
        return number

    def number(self, wanted: IdT) -> int | None:
        """Return the number of an id; nothing if it is not among these."""
        recent = self._recent.get(wanted)
        if recent is not None or len(wanted) != _WIDTH:
            return recent
        keys = self._looked_up
        key = int.from_bytes(wanted[:8], sys.byteorder)
        at = bisect_left(keys, key)
        while at < len(keys) and keys[at] == key:
            number = int(self._places[at])
            if bytes(self._bytes[_WIDTH * number : _WIDTH * (number + 1)]) == wanted:
                return number
            at += 1
        return None

    def numbers(self, wanted: Sequence[IdT]) -> Numbers:
        """Return the numbers of ids, in their order; -1 for one that is not among these."""
        if len(wanted) < _MANY or not len(self._keys) or any(len(one) != _WIDTH for one in wanted):
            return np.array([_or_absent(self.number(one)) for one in wanted], np.int32)
        asked = np.frombuffer(b"".join(wanted), np.uint64).reshape(-1, _WIDTH // 8)
        every = np.frombuffer(self._bytes, np.uint64).reshape(-1, _WIDTH // 8)
        at = np.minimum(np.searchsorted(self._keys, asked[:, 0]), len(self._keys) - 1)
        found = self._places[at]
        # What came lately, or shares its beginning with another, is looked for one by one.
        for place in np.flatnonzero((every[found] != asked).any(axis=1)).tolist():
            found[place] = _or_absent(self.number(wanted[place]))
        return found

    def select(self, numbers: Numbers) -> list[IdT]:
        """Return the ids that have these numbers, in their order."""
        if not len(numbers):
            return []
        rows = np.frombuffer(self._bytes, np.dtype((np.void, _WIDTH)))
        return cast(list[IdT], rows[numbers].tolist())

    def fold(self) -> None:
        """Move the latest into the base; answers stay the same."""
        if not self._recent:
            return
        first = len(self._keys)
        every = np.frombuffer(self._bytes, np.uint64).reshape(-1, _WIDTH // 8)
        fresh = every[first:, 0]
        order = np.argsort(fresh, kind="stable")
        fresh = fresh[order]
        places = np.searchsorted(self._keys, fresh)
        self._keys = np.insert(self._keys, places, fresh)
        self._looked_up = self._keys.data
        self._places = np.insert(self._places, places, (order + first).astype(np.int32))
        self._recent = {}

    @property
    def memory_bytes(self) -> int:
        """Return what the ids and the base take; the latest are counted at 170 bytes each."""
        return len(self._bytes) + self._keys.nbytes + self._places.nbytes + 170 * len(self._recent)


def _or_absent(number: int | None) -> int:
    return -1 if number is None else number
