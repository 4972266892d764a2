"""Columns that grow at their end: whole numbers, and ids of 32 bytes under numbers of their own.

A million ids as Python objects in a dictionary take some 170 MB; here they take 32 bytes each and
12 bytes to be found by. What a file gave may stand under a column; it is copied once the column
grows. Neither class is safe for a writer and a reader in two threads at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

__all__ = ["Column", "Ids", "Kind", "Numbers", "Rows", "Sorted"]

Numbers: TypeAlias = npt.NDArray[np.int32]
"""Numbers of lots, steps or edges: 0, 1, 2… in the order of the log, below 2³¹."""
Rows: TypeAlias = npt.NDArray[np.uint8]
"""Ids of 32 bytes, one a row."""
Kind = TypeVar("Kind", bound=np.signedinteger | np.unsignedinteger)
"""What a column is of: numbers, times, or marks."""

IdT = TypeVar("IdT", bound=bytes)

_WIDTH: Final = 32
_IDS: Final = np.dtype((np.void, _WIDTH))
_FIRST_ROOM: Final = 1_024
_RECENT: Final = 65_536
_RECENT_SHARE: Final = 16
_MANY: Final = 16
"""From here on it pays to look ids up together."""
_TOGETHER: Final = 1_024
"""From here on it pays to sort what is looked up: neighbours lie beside each other."""


class Column(Generic[Kind]):
    """Whole numbers of one kind in one array; what was read of it earlier stays as it was."""

    def __init__(self, given: npt.NDArray[Kind]) -> None:
        """Begin with what is given; it is copied before anything is added."""
        self._room: npt.NDArray[Kind] = given
        self._size = len(given)

    @classmethod
    def of_numbers(cls) -> Column[np.int32]:
        """Return an empty column of numbers below 2³¹."""
        return Column(np.empty(0, np.int32))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def append(self, number: int) -> None:
        """Add one.

        Raises:
            OverflowError: it is larger than its kind.
        """
        self._make_room(1)
        self._room[self._size] = number
        self._size += 1

    def extend(self, numbers: Sequence[int] | npt.NDArray[Kind]) -> None:
        """Add several.

        Raises:
            OverflowError: one in a list is larger than its kind; none is added.
        """
        more = np.asarray(numbers, self._room.dtype)
        self._make_room(len(more))
        self._room[self._size : self._size + len(more)] = more
        self._size += len(more)

    def put(self, places: Numbers, values: npt.NDArray[Kind]) -> None:
        """Put values at some places, for marks that come later than what they are about."""
        self._room[places] = values

    def _make_room(self, more: int) -> None:
        wanted = self._size + more
        if wanted > len(self._room):
            room = max(_FIRST_ROOM, 2 * self._size, wanted)
            wider: npt.NDArray[Kind] = np.empty(room, self._room.dtype)
            wider[: self._size] = self._room[: self._size]
            self._room = wider

    @property
    def values(self) -> npt.NDArray[Kind]:
        """Return what there is now, without a copy; it must not be written to."""
        return self._room[: self._size]

    @property
    def memory_bytes(self) -> int:
        """Return what the array takes, with the room that is not used yet."""
        return self._room.nbytes


@dataclass(frozen=True)
class Sorted:
    """Ids as they are kept: by number, and the beginnings of all in ascending order."""

    rows: Rows
    keys: npt.NDArray[np.uint64]
    """The first eight bytes of each as a number, ascending."""
    places: Numbers
    """Whose they are."""

    def fits(self, count: int) -> bool:
        """Whether these are so many ids, and their beginnings ascend."""
        lengths = {len(self.rows), len(self.keys), len(self.places), count}
        return (
            len(lengths) == 1
            and bool((self.keys[1:] >= self.keys[:-1]).all())
            and (not count or (int(self.places.min()) >= 0 and int(self.places.max()) < count))
        )


class Ids(Generic[IdT]):
    """Ids of 32 bytes numbered as they come; each is found again by its first eight bytes.

    Most stand in a sorted array (the base), the latest in a dictionary that is folded into the
    base when it is a sixteenth of it. Ids that begin with the same eight bytes are told apart.
    """

    def __init__(self, kept: Sorted | None = None) -> None:
        """Begin with nothing, or with what was kept; that it is sorted is believed."""
        given = kept or Sorted(
            np.empty((0, _WIDTH), np.uint8), np.empty(0, np.uint64), np.empty(0, np.int32)
        )
        self._rows, self._keys, self._places = given.rows, given.keys, given.places
        self._size = len(self._rows)
        # The keys again, without a copy: one at a time is found sooner this way.
        self._looked_up = self._keys.data
        self._recent: dict[IdT, int] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def append(self, found: IdT) -> int:
        """Add an id and return its number; that it is new is for the caller to have checked.

        Raises:
            ValueError: it is not of 32 bytes.
        """
        if len(found) != _WIDTH:
            raise ValueError(len(found))
        return self.extend((found,))

    def extend(self, found: Sequence[IdT]) -> int:
        """Add ids of 32 bytes and return the number of the first, as `append`.

        Raises:
            ValueError: together they are not of 32 bytes each.
        """
        more = np.frombuffer(b"".join(found), np.uint8)
        if len(more) != _WIDTH * len(found):
            raise ValueError(len(more))
        first, self._size = self._size, self._size + len(found)
        if self._size > len(self._rows):
            wider = np.empty((max(_FIRST_ROOM, 2 * first, self._size), _WIDTH), np.uint8)
            wider[:first] = self._rows[:first]
            self._rows = wider
        self._rows[first : self._size] = more.reshape(-1, _WIDTH)
        self._recent.update(zip(found, range(first, self._size), strict=True))
        if len(self._recent) > max(_RECENT, len(self._keys) // _RECENT_SHARE):
            self.fold()
        return first

    def number(self, wanted: IdT) -> int | None:
        """Return the number of an id; nothing if it is not among these."""
        recent = self._recent.get(wanted)
        if recent is not None or len(wanted) != _WIDTH:
            return recent
        keys = self._looked_up
        key = int.from_bytes(wanted[:8], "big")
        at = bisect_left(keys, key)
        while at < len(keys) and keys[at] == key:
            number = int(self._places[at])
            if self._rows[number].tobytes() == wanted:
                return number
            at += 1
        return None

    def numbers(self, wanted: Sequence[IdT]) -> Numbers:
        """Return the numbers of ids, in their order; -1 for one that is not among these."""
        if len(wanted) < _MANY or not len(self._keys) or set(map(len, wanted)) != {_WIDTH}:
            return np.array([_or_absent(self.number(one)) for one in wanted], np.int32)
        asked: Rows = np.frombuffer(b"".join(wanted), np.uint8).reshape(-1, _WIDTH)
        keys = _beginnings(asked)
        at = np.minimum(self._search(keys), len(self._keys) - 1)
        found = self._places[at]
        same = (_words(self._rows[found]) == _words(asked)).all(axis=1)
        # What shares its beginning with another is looked for one by one.
        alike = np.flatnonzero(~same & (self._keys[at] == keys)).tolist()
        late = np.flatnonzero(~same)
        recent = map(self._recent.get, [wanted[place] for place in late.tolist()])
        found[late] = [_or_absent(number) for number in recent]
        for place in alike:
            found[place] = _or_absent(self.number(wanted[place]))
        return found

    def _search(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
        if len(keys) < _TOGETHER:
            return np.searchsorted(self._keys, keys)
        order = np.argsort(keys)
        found = np.empty(len(keys), np.intp)
        found[order] = np.searchsorted(self._keys, keys[order])
        return found

    def beginning(self, prefix: str) -> Numbers:
        """Return the numbers of the ids that begin so in lower-case hexadecimal, ascending.

        Raises:
            ValueError: a character is no hexadecimal digit.
        """
        word = prefix[:16]
        low, high = int(word.ljust(16, "0"), 16), int(word.ljust(16, "f"), 16)
        keys = self._looked_up
        found = self._places[bisect_left(keys, low) : bisect_right(keys, high)].tolist()
        found += [number for lot, number in self._recent.items() if lot.hex().startswith(word)]
        if len(prefix) > len(word):
            found = [at for at in found if self._rows[at].tobytes().hex().startswith(prefix)]
        return np.array(sorted(found), np.int32)

    def select(self, numbers: Numbers) -> list[IdT]:
        """Return the ids that have these numbers, in their order."""
        if not len(numbers):
            return []
        return cast(list[IdT], self._rows.view(_IDS)[:, 0][numbers].tolist())

    def fold(self) -> None:
        """Move the latest into the base; answers stay the same."""
        if not self._recent:
            return
        first = len(self._keys)
        fresh = _beginnings(self._rows[first : self._size])
        order = np.argsort(fresh, kind="stable")
        fresh = fresh[order]
        places = np.searchsorted(self._keys, fresh)
        self._keys = np.insert(self._keys, places, fresh)
        self._looked_up = self._keys.data
        self._places = np.insert(self._places, places, (order + first).astype(np.int32))
        self._recent = {}

    @property
    def kept(self) -> Sorted:
        """Return everything, to be kept; it must not be written to."""
        self.fold()
        return Sorted(self._rows[: self._size], self._keys, self._places)

    @property
    def memory_bytes(self) -> int:
        """Return what the ids and the base take; the latest are counted at 170 bytes each."""
        return self._rows.nbytes + self._keys.nbytes + self._places.nbytes + 170 * len(self._recent)


def _words(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return ids as four numbers each, to be compared."""
    return np.ascontiguousarray(rows).view(np.uint64)


def _beginnings(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of ids as numbers that are ordered as the ids are."""
    return rows[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)


def _or_absent(number: int | None) -> int:
    return -1 if number is None else number
