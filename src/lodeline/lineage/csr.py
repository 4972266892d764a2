"""The edges of the lot graph as arrays, and walks along them that take a whole front at a time.

Lots and steps are numbers in the order of the log. A step's outputs are the lots that are numbered
when it is added, so they are a range; its inputs are a range of one column of lots (compressed
sparse rows). The other way, from a lot to the steps that used it, is a second set of rows, sorted
by lot: a *base*, and beside it an *overlay* of the edges that came since. The overlay is sorted
when somebody walks downstream, and folded into the base once it is an eighth of all edges; walks
upstream need neither.

The arrays say nothing of what a lot or step is, and a reversal is a step like every other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from lodeline.lineage.columns import Column, Numbers

__all__ = ["Bounds", "Edges", "Kept", "Near", "Reach"]

_Places: TypeAlias = npt.NDArray[np.intp]

_OVERLAY: Final = 65_536
_OVERLAY_SHARE: Final = 8
_NARROW: Final = 16
_TOO_MANY: Final = 2**31


@dataclass(frozen=True)
class Reach:
    """What a walk found: numbers of lots and of steps, each ascending, each once."""

    lots: Numbers
    steps: Numbers


@dataclass(frozen=True)
class Near:
    """What a bounded walk found: the nearest first, each once."""

    lots: Numbers
    steps: Numbers
    is_all: bool
    """False where it goes on beyond what is here."""
    cut: Numbers
    """Those of the lots beyond which a step is missing, or a lot beyond their step."""


@dataclass(frozen=True)
class Bounds:
    """How far a walk goes."""

    most: int
    """Lots, and steps, that are found at most."""
    depth: int | None = None
    """Steps from the lots that it begins with; nothing: as far as there are any."""


@dataclass(frozen=True)
class Kept:
    """All edges as they are kept: see `Edges`; the base is of them all."""

    makers: Numbers
    inputs: Numbers
    input_ends: Numbers
    output_ends: Numbers
    base_ends: Numbers
    base_steps: Numbers

    @classmethod
    def nothing(cls) -> Kept:
        """Return that there is no step."""
        none, zero = np.empty(0, np.int32), np.zeros(1, np.int32)
        return cls(none, none, zero, zero, zero, none)

    @property
    def fits(self) -> bool:
        """Whether the lengths of the arrays agree, and what they hold lies within them."""
        lots, steps, edges = len(self.makers), len(self.input_ends) - 1, len(self.inputs)
        return (
            len(self.output_ends) == steps + 1
            and len(self.base_ends) == lots + 1
            and len(self.base_steps) == edges
            and _are_ends(self.input_ends, edges)
            and _are_ends(self.output_ends, lots)
            and _are_ends(self.base_ends, edges)
            and _are_below(self.makers, steps)
            and _are_below(self.inputs, lots)
            and _are_below(self.base_steps, steps)
        )


def _are_ends(ends: Numbers, last: int) -> bool:
    is_whole = len(ends) > 0 and int(ends[0]) == 0 and int(ends[-1]) == last
    return is_whole and bool((ends[1:] >= ends[:-1]).all())


def _are_below(numbers: Numbers, limit: int) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < limit)


class Edges:
    """Steps by number, with the lots that each used up and made."""

    def __init__(self, kept: Kept | None = None) -> None:
        """Begin with no step, or with what was kept and fits."""
        given = kept or Kept.nothing()
        self._makers = Column(given.makers)
        self._inputs = Column(given.inputs)
        self._input_ends = Column(given.input_ends)
        self._output_ends = Column(given.output_ends)
        self._base = _Rows(given.base_ends, given.base_steps, len(given.inputs))
        self._overlay = _Uses.of(given.inputs, given.input_ends, len(given.inputs))

    @property
    def lots(self) -> int:
        """Return how many lots were made."""
        return len(self._makers)

    @property
    def steps(self) -> int:
        """Return how many steps there are."""
        return len(self._output_ends) - 1

    @property
    def memory_bytes(self) -> int:
        """Return what the arrays take."""
        columns = (self._makers, self._inputs, self._input_ends, self._output_ends)
        rows = self._base.memory_bytes + self._overlay.memory_bytes
        return sum(column.memory_bytes for column in columns) + rows

    @property
    def kept(self) -> Kept:
        """Return all edges, to be kept; they must not be written to."""
        if self._base.end < len(self._inputs) or len(self._base.ends) <= self.lots:
            self.fold()
        return Kept(
            self._makers.values,
            self._inputs.values,
            self._input_ends.values,
            self._output_ends.values,
            self._base.ends,
            self._base.steps,
        )

    def add(self, inputs: Sequence[int], made: int) -> int:
        """Add a step that used up lots and made so many, numbered from `lots` on.

        Returns its number.

        Raises:
            IndexError: an input has not been made yet; nothing was added.
        """
        step = self.steps
        self.extend(np.array(inputs, np.int64), [len(inputs)], [made])
        return step

    def extend(
        self, inputs: npt.NDArray[np.integer], used: Sequence[int], made: Sequence[int]
    ) -> None:
        """Add steps in their order.

        Args:
            inputs: of all of them, one step after another.
            used: how many of these each used up.
            made: how many lots each made, numbered from `lots` on.

        Raises:
            IndexError: an input has not been made before its step; nothing was added.
            OverflowError: there would be 2³¹ edges or lots; nothing was added.
        """
        input_ends = len(self._inputs) + np.cumsum(used, dtype=np.int64)
        output_ends = self.lots + np.cumsum(made, dtype=np.int64)
        before = np.repeat(output_ends - np.asarray(made, np.int64), used)
        if ((inputs < 0) | (inputs >= before)).any():
            raise IndexError(inputs.tolist())
        if len(self._inputs) + len(inputs) >= _TOO_MANY or self.lots + sum(made) >= _TOO_MANY:
            raise OverflowError(_TOO_MANY)
        makers = np.repeat(np.arange(self.steps, self.steps + len(made), dtype=np.int64), made)
        for column, more in (
            (self._inputs, inputs),
            (self._makers, makers),
            (self._input_ends, input_ends),
            (self._output_ends, output_ends),
        ):
            column.extend(more.astype(np.int32))

    def maker_of(self, lots: Numbers) -> Numbers:
        """Return the steps that made lots, in their order."""
        return self._makers.values[lots]

    def first_made(self, steps: Numbers) -> Numbers:
        """Return the first lot that each of some steps made."""
        return self._output_ends.values[steps]

    def inputs_of(self, steps: Numbers) -> tuple[Numbers, Numbers]:
        """Return what steps used up, one step after another, and how much of it each."""
        ends = self._input_ends.values
        inputs = self._inputs.values[_spread(ends[steps], ends[steps + 1])]
        return inputs, ends[steps + 1] - ends[steps]

    def outputs_of(self, steps: Numbers) -> tuple[Numbers, Numbers]:
        """Return what steps made, as `inputs_of`."""
        ends = self._output_ends.values
        outputs = _spread(ends[steps], ends[steps + 1]).astype(np.int32)
        return outputs, ends[steps + 1] - ends[steps]

    def upstream(self, roots: Numbers) -> Reach:
        """Return everything that lots came from, themselves among it."""
        return self._walk(roots, self._up())

    def downstream(self, roots: Numbers) -> Reach:
        """Return everything that lots went into, themselves among it."""
        return self._walk(roots, self._down())

    def near(self, roots: Numbers, bounds: Bounds, *, upstream: bool) -> Near:
        """Return what lies nearest to some lots, themselves first, as far as bounds allow."""
        way = self._up() if upstream else self._down()
        seen = _Near(_Seen(self.lots), _Seen(self.steps), bounds.most)
        front, depth = seen.lots(roots), 0
        while len(front) and not seen.is_full:
            steps = way.steps(front)
            if depth == bounds.depth:
                seen.stop(steps)
                break
            front, depth = seen.lots(way.lots(seen.steps(steps))), depth + 1
        lots, steps = seen.lots_in_order(), seen.steps_in_order()
        is_all = not seen.is_full
        cut = lots[:0] if is_all else self._cut(lots, steps, way, upstream=upstream)
        return Near(lots, steps, is_all, cut)

    def _cut(self, lots: Numbers, steps: Numbers, way: _Way, *, upstream: bool) -> Numbers:
        ends, counts = self.inputs_of(steps) if upstream else self.outputs_of(steps)
        places = np.repeat(np.arange(len(steps)), counts)
        short = np.bincount(places, ~np.isin(ends, lots), len(steps)) > 0
        gates = np.concatenate([np.setdiff1d(way.steps(lots), steps), steps[short]])
        of_gates = self.maker_of(lots) if upstream else lots
        behind = gates if upstream else self.inputs_of(gates)[0]
        return lots[np.isin(of_gates, behind)]

    def _up(self) -> _Way:
        makers, inputs, ends = self._makers.values, self._inputs.values, self._input_ends.values
        maker, used, end = makers.data, inputs.data, ends.data
        return _Way(
            lambda lots: makers[lots],
            lambda steps: inputs[_spread(ends[steps], ends[steps + 1])],
            lambda lot: (maker[lot],),
            lambda step: used[end[step] : end[step + 1]],
        )

    def _down(self) -> _Way:
        self._settle()
        base, overlay, ends = self._base, self._overlay, self._output_ends.values
        of_base, of_overlay, end = base.one_by_one(), overlay.one_by_one(), ends.data
        return _Way(
            lambda lots: np.concatenate([base.steps_of(lots), overlay.steps_of(lots)]),
            lambda steps: _spread(ends[steps], ends[steps + 1]).astype(np.int32),
            lambda lot: (*of_base(lot), *of_overlay(lot)),
            lambda step: range(end[step], end[step + 1]),
        )

    def fold(self) -> None:
        """Sort all edges into the base now, rather than when somebody walks downstream."""
        inputs, ends = self._inputs.values, self._input_ends.values
        self._base = _Rows.of(_Uses.of(inputs, ends, 0), self.lots)
        self._overlay = _Uses.of(inputs, ends, len(inputs))

    def _settle(self) -> None:
        """Bring base and overlay up to the edges that there are."""
        late = len(self._inputs) - self._base.end
        if late > max(_OVERLAY, len(self._inputs) // _OVERLAY_SHARE):
            self.fold()
        elif self._overlay.end < len(self._inputs):
            self._overlay = _Uses.of(self._inputs.values, self._input_ends.values, self._base.end)

    def _walk(self, roots: Numbers, way: _Way) -> Reach:
        lots, steps = _Seen(self.lots), _Seen(self.steps)
        front = lots.fresh(roots)
        while len(front):
            if len(front) <= _NARROW:
                front = _narrow(front, way, lots, steps)
            else:
                front = lots.fresh(way.lots(steps.fresh(way.steps(front))))
        return Reach(lots.ascending(), steps.ascending())


@dataclass(frozen=True)
class _Way:
    """A direction: the steps beyond lots and the lots beyond steps, together and of one."""

    steps: Callable[[Numbers], Numbers]
    lots: Callable[[Numbers], Numbers]
    steps_of_one: Callable[[int], Iterable[int]]
    lots_of_one: Callable[[int], Iterable[int]]


def _narrow(front: Numbers, way: _Way, lots: _Seen, steps: _Seen) -> Numbers:
    """Walk on, one lot at a time, until the front is wide or at its end; return it.

    A chain of lots has a front of one, and an operation on arrays costs as much as ten lots.
    """
    waiting: list[int] = front.tolist()
    while 0 < len(waiting) <= _NARROW:
        done = [step for lot in waiting for step in way.steps_of_one(lot) if steps.is_fresh(step)]
        waiting = [lot for step in done for lot in way.lots_of_one(step) if lots.is_fresh(lot)]
    return np.array(waiting, np.int32)


@dataclass(frozen=True)
class _Rows:
    """The base: a row of steps for every lot that there was, most of one step or none."""

    ends: Numbers
    """Where the row of each lot begins, and where the last one ends."""
    steps: Numbers
    end: int
    """How many edges there were when this was sorted."""

    @classmethod
    def of(cls, uses: _Uses, lots: int) -> _Rows:
        """Give every lot a row, so that none has to be looked for."""
        lengths = np.zeros(lots + 1, np.int32)
        lengths[uses.lots + 1] = np.diff(uses.ends)
        return cls(np.cumsum(lengths, dtype=np.int32), uses.steps, uses.end)

    @property
    def memory_bytes(self) -> int:
        """Return what the arrays take."""
        return self.ends.nbytes + self.steps.nbytes

    def steps_of(self, lots: Numbers) -> Numbers:
        """Return the steps that used lots, as often as they did."""
        lots = lots[lots < len(self.ends) - 1]
        return self.steps[_spread(self.ends[lots], self.ends[lots + 1])]

    def one_by_one(self) -> Callable[[int], Iterable[int]]:
        """Return the same for one lot."""
        ends, steps, count = self.ends.data, self.steps.data, len(self.ends) - 1
        return lambda lot: steps[ends[lot] : ends[lot + 1]] if lot < count else ()


@dataclass(frozen=True)
class _Uses:
    """Some of the edges from lot to step, sorted by lot; the overlay."""

    lots: Numbers
    """The lots that have any, ascending, each once."""
    ends: Numbers
    """Where the steps of each begin, and where the last one's end."""
    steps: Numbers
    end: int
    """How many edges there were when this was sorted."""

    @classmethod
    def of(cls, inputs: Numbers, input_ends: Numbers, first: int) -> _Uses:
        """Sort the edges from one on; a step's edges are never parted."""
        order = np.argsort(inputs[first:], kind="stable")
        by_lot = inputs[first:][order]
        starts = np.flatnonzero(np.diff(by_lot, prepend=-1))
        users = np.searchsorted(input_ends, order + first, side="right") - 1
        return cls(
            by_lot[starts],
            np.append(starts, len(by_lot)).astype(np.int32),
            users.astype(np.int32),
            len(inputs),
        )

    @property
    def memory_bytes(self) -> int:
        """Return what the arrays take."""
        return self.lots.nbytes + self.ends.nbytes + self.steps.nbytes

    def steps_of(self, lots: Numbers) -> Numbers:
        """Return the steps that used lots, as often as they did."""
        if not len(self.lots):
            return self.steps
        places = np.searchsorted(self.lots, lots)
        places[places == len(self.lots)] = 0
        places = places[self.lots[places] == lots]
        return self.steps[_spread(self.ends[places], self.ends[places + 1])]

    def one_by_one(self) -> Callable[[int], Iterable[int]]:
        """Return the same for one lot."""
        lots, ends, steps = self.lots.data, self.ends.data, self.steps.data

        def steps_of_one(lot: int) -> Iterable[int]:
            place = bisect_left(lots, lot)
            if place == len(lots) or lots[place] != lot:
                return ()
            return steps[ends[place] : ends[place + 1]]

        return steps_of_one


class _Seen:
    """Which numbers a walk has met; the pages of the array that it never touches cost nothing."""

    def __init__(self, count: int) -> None:
        self._marks: Numbers = np.zeros(count, np.int32)
        self._mark = self._marks.data
        self._found: list[Numbers] = []
        self._alone: list[int] = []

    @property
    def count(self) -> int:
        """Return how many were met together with others."""
        return sum(map(len, self._found))

    def fresh(self, numbers: Numbers) -> Numbers:
        """Return those not met before, each once, and remember them.

        Of equal numbers the one stays whose mark was written last, so nothing is sorted.
        """
        numbers = self._once(numbers)
        self._found.append(numbers)
        return numbers

    def unmet(self, numbers: Numbers) -> Numbers:
        """Return the same without remembering them."""
        numbers = self._once(numbers)
        self._marks[numbers] = 0
        return numbers

    def _once(self, numbers: Numbers) -> Numbers:
        numbers = numbers[self._marks[numbers] == 0]
        order = np.arange(1, len(numbers) + 1, dtype=np.int32)
        self._marks[numbers] = order
        once: Numbers = numbers[self._marks[numbers] == order]
        return once

    def is_fresh(self, number: int) -> bool:
        """Return whether a number was not met before, and remember it."""
        if self._mark[number]:
            return False
        self._mark[number] = 1
        self._alone.append(number)
        return True

    def ascending(self) -> Numbers:
        """Return all that were met."""
        alone: Numbers = np.array(self._alone, np.int32)
        return np.sort(np.concatenate([*self._found, alone]))

    def in_order(self) -> Numbers:
        """Return those that were met together with others, in the order in which they were."""
        found: Numbers = np.concatenate([np.empty(0, np.int32), *self._found])
        return found


class _Near:
    """What a bounded walk has found so far."""

    def __init__(self, lots: _Seen, steps: _Seen, most: int) -> None:
        self._lots, self._steps, self._most = lots, steps, most
        self._is_all = True

    @property
    def is_full(self) -> bool:
        """Return whether something was left out."""
        return not self._is_all

    def lots(self, lots: Numbers) -> Numbers:
        """Take lots in, as many as there is room for; return the new ones."""
        return self._taken(self._lots, lots)

    def steps(self, steps: Numbers) -> Numbers:
        """Take steps in, likewise."""
        return self._taken(self._steps, steps)

    def stop(self, steps: Numbers) -> None:
        """Take note that the walk ends here, though there may be steps beyond."""
        self._is_all = self._is_all and not len(self._steps.unmet(steps))

    def _taken(self, seen: _Seen, numbers: Numbers) -> Numbers:
        fresh = seen.unmet(numbers)
        room = self._most - seen.count
        if len(fresh) > room:
            self._is_all = False
        return seen.fresh(fresh[:room])

    def lots_in_order(self) -> Numbers:
        """Return the lots, the nearest first."""
        return self._lots.in_order()

    def steps_in_order(self) -> Numbers:
        """Return the steps, the nearest first."""
        return self._steps.in_order()


def _spread(starts: Numbers, ends: Numbers) -> _Places:
    """Return all places of some ranges, one range after another."""
    counts = (ends - starts).astype(np.intp)
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
