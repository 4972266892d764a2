"""Whose reports go next: places for a few at a time, shared so that nobody waits for long.

A destination that is slow takes a place for as long as its turn lasts. So that one company, or one
account of it, never takes them all, both have a share that is less than the whole; within these,
whoever has the fewest places, and had one least recently, is next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lodeline.node.events.deliveries import Due
from lodeline.node.events.jobs import Who

__all__ = ["PLACES", "Places", "Turns"]


@dataclass(frozen=True, slots=True)
class Places:
    """How many subscriptions have their turn at a time."""

    all: int
    of_tenant: int
    of_account: int


PLACES: Final = Places(16, 6, 2)

_Account = tuple[int, Who]


class Turns:
    """Gives places to what is due. Not for several threads at once: whoever shares it has a lock.

    Args:
        places: that there are.
    """

    def __init__(self, places: Places = PLACES) -> None:
        self._places = places
        self._waiting: dict[Due, None] = {}
        self._begun: dict[Due, None] = {}
        self._broken: set[Due] = set()
        self._order = 0
        self._last: dict[int | _Account, int] = {}

    def look(self, due: Sequence[Due]) -> None:
        """Take what is due at present in place of what was, those that waited longest first."""
        self._waiting = {
            each: None for each in due if each not in self._begun and each not in self._broken
        }
        known = {key for each in (*self._waiting, *self._begun) for key in _keys(each)}
        self._last = {key: order for key, order in self._last.items() if key in known}

    def take(self) -> Due | None:
        """Give a place to whose turn it is; nothing where nobody waits, or no place is free."""
        taken = Counter(key for each in self._begun for key in _keys(each))
        if len(self._begun) >= self._places.all:
            return None
        ranks = {
            each: (
                *(taken[key] for key in _keys(each)),
                *(self._last.get(k, 0) for k in _keys(each)),
            )
            for each in self._waiting
            if self._has_room(each, taken)
        }
        if not ranks:
            return None
        chosen = min(ranks, key=ranks.__getitem__)  # the first of the least: who waited longest
        del self._waiting[chosen]
        self._begun[chosen] = None
        self._order += 1
        self._last.update(dict.fromkeys(_keys(chosen), self._order))
        return chosen

    def _has_room(self, due: Due, taken: Counter[int | _Account]) -> bool:
        tenant, account = _keys(due)
        return taken[tenant] < self._places.of_tenant and taken[account] < self._places.of_account

    def done(self, due: Due, *, broken: bool = False) -> None:
        """Take a place back.

        Args:
            due: whose turn is over.
            broken: whether it ended of a fault that nobody foresaw, and gets no turn again.
        """
        self._begun.pop(due, None)
        if broken:
            self._broken.add(due)


def _keys(due: Due) -> tuple[int, _Account]:
    return due.tenant.number, (due.tenant.number, due.who)
