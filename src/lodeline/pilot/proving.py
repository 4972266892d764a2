"""The proving pool: every step's proof in a process of its own, as soon as its inputs are known.

Steps depend on each other only through the lots that they use, so independent ones are proved at
the same time, those that come first in the story before the others. A worker is handed one plan and
the tables, draws its own randomness from the operating system, and keeps nothing.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from lodeline.crypto.entropy import SystemEntropy
from lodeline.holder.building import BuiltTransform, Plan, Tables, build_transform
from lodeline.pilot.steps import LotName, Step, gives, needs

__all__ = ["Proved", "Waiting", "prove", "proving_pool"]


@dataclass(frozen=True)
class Proved:
    """A finished transform and what it took."""

    built: BuiltTransform
    seconds: float
    """Time of the worker's processor and clock, for estimates; it decides nothing."""


def prove(plan: Plan, tables: Tables) -> Proved:
    """Return a plan as a finished transform; runs in a worker process.

    Raises:
        LodelineError: as `build_transform`.
    """
    started = time.perf_counter()
    built = build_transform(plan, tables, SystemEntropy())
    return Proved(built, time.perf_counter() - started)


@contextmanager
def proving_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of processes; they are started anew, so that no key is copied into them."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class Waiting:
    """Which steps can be proved now, the earliest of the story first."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Take the steps in their order."""
        self._missing: list[set[LotName]] = []
        self._users: dict[LotName, list[int]] = {}
        self._ready: list[int] = []
        made = {lot.name for step in steps for lot in gives(step)}
        for index, step in enumerate(steps):
            missing = set(needs(step)) & made
            self._missing.append(missing)
            for lot in missing:
                self._users.setdefault(lot, []).append(index)
            if not missing:
                heapq.heappush(self._ready, index)

    def known(self, lot: LotName) -> None:
        """Take note that a lot can be used now."""
        for index in self._users.pop(lot, []):
            self._missing[index].discard(lot)
            if not self._missing[index]:
                heapq.heappush(self._ready, index)

    def next(self) -> int | None:
        """Return the earliest step that can be done and was not returned before, or nothing."""
        return heapq.heappop(self._ready) if self._ready else None
