"""Lineage over millions of lots: the graph of the log as arrays that grow with it.

`lodeline.lineage.graph` holds an object for every lot and step and tells everything about them; it
is for logs of some ten thousand lots. This index answers the one question that needs all edges,
which lots and steps lie upstream or downstream, and gives the same answer (a property test holds
them against each other). It holds no form, site, time or flag; `lodeline.lineage.book` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId
from lodeline.ledger.state import State
from lodeline.lineage.columns import Ids, Numbers, Sorted
from lodeline.lineage.csr import Edges, Kept, Near, Reach
from lodeline.lineage.graph import NotInLog

__all__ = ["KeptIndex", "LineageIndex", "Link", "MadeBefore"]

_BATCH: Final = 65_536
"""Steps that are added at a time."""


class MadeBefore(LodelineError):
    """A step, or a lot that a step makes, that the index of lineage has already."""

    what: Hash32

    code = "lineage-made-before"
    en = "{what} was made before; a step and its lots are added once"
    fr = "{what} existe déjà ; une étape et ses lots ne s'ajoutent qu'une fois"
    advice_en = "add the steps in the order of the log, from where the index stands"
    advice_fr = "ajoutez les étapes dans l'ordre du journal, à partir de l'état de l'index"


@dataclass(frozen=True)
class Link:
    """One step of the log, with the lots that it used up and made."""

    step: Hash32
    inputs: tuple[LotId, ...]
    outputs: tuple[LotId, ...]


@dataclass(frozen=True)
class KeptIndex:
    """An index as it is kept."""

    lots: Sorted
    steps: Sorted
    edges: Kept

    @property
    def step_count(self) -> int:
        """Return how many steps there are."""
        return len(self.edges.input_ends) - 1

    @property
    def fits(self) -> bool:
        """Whether the arrays agree with one another; that they are the log's is another matter."""
        return (
            self.edges.fits
            and self.lots.fits(len(self.edges.makers))
            and self.steps.fits(self.step_count)
        )


class LineageIndex:
    """Steps in the order of the log, each with the lots that it used up and made.

    One thread at a time.
    """

    def __init__(self, kept: KeptIndex | None = None) -> None:
        """Begin with an empty log, or with what was kept and fits."""
        self._lots: Ids[LotId] = Ids(None if kept is None else kept.lots)
        self._steps: Ids[Hash32] = Ids(None if kept is None else kept.steps)
        self.edges: Final = Edges(None if kept is None else kept.edges)

    @property
    def lots(self) -> int:
        """Return how many lots were made."""
        return self.edges.lots

    @property
    def steps(self) -> int:
        """Return how many steps there are."""
        return self.edges.steps

    @property
    def memory_bytes(self) -> int:
        """Return what edges and ids take."""
        parts = (self._lots, self._steps, self.edges)
        return sum(part.memory_bytes for part in parts)

    @property
    def kept(self) -> KeptIndex:
        """Return everything, to be kept."""
        return KeptIndex(self._lots.kept, self._steps.kept, self.edges.kept)

    def add(self, step: Hash32, inputs: Sequence[LotId], outputs: Sequence[LotId]) -> None:
        """Add the next step of the log. After a refusal the index is as it was.

        Raises:
            MadeBefore: the step or an output is there already, or an output stands there twice.
            NotInLog: an input was made by no step so far.
        """
        self.extend((Link(step, tuple(inputs), tuple(outputs)),))

    def extend(self, links: Sequence[Link]) -> Numbers:
        """Add the next steps of the log, many at a time for the sake of speed.

        Returns the numbers of the lots that they used up. After a refusal the index is as it was.

        Raises:
            MadeBefore, NotInLog: as `add`.
        """
        outputs = [lot for link in links for lot in link.outputs]
        fresh = self._fresh(outputs)
        self._check_new([link.step for link in links])
        inputs = [lot for link in links for lot in link.inputs]
        numbers = self._lots.numbers(inputs)
        for place in np.flatnonzero(numbers < 0).tolist():
            numbers[place] = fresh.get(inputs[place], -1)
        used, made = [len(each.inputs) for each in links], [len(each.outputs) for each in links]
        self._check_made(inputs, numbers, used, made)
        self.edges.extend(numbers, used, made)
        self._steps.extend([link.step for link in links])
        self._lots.extend(outputs)
        return numbers

    def _fresh(self, outputs: Sequence[LotId]) -> dict[LotId, int]:
        """Return the numbers that lots will have, if they are new."""
        fresh = dict(zip(outputs, range(self.lots, self.lots + len(outputs)), strict=True))
        if len(fresh) < len(outputs):
            raise MadeBefore(Hash32(_twice(outputs)))
        for place in np.flatnonzero(self._lots.numbers(outputs) >= 0).tolist():
            raise MadeBefore(Hash32(outputs[place]))
        return fresh

    def _check_new(self, steps: Sequence[Hash32]) -> None:
        if len(set(steps)) < len(steps):
            raise MadeBefore(_twice(steps))
        for place in np.flatnonzero(self._steps.numbers(steps) >= 0).tolist():
            raise MadeBefore(steps[place])

    def _check_made(
        self, inputs: Sequence[LotId], numbers: Numbers, used: Sequence[int], made: Sequence[int]
    ) -> None:
        """Refuse what no step before made."""
        before = self.lots + np.cumsum(made, dtype=np.int64) - np.asarray(made, np.int64)
        for place in np.flatnonzero((numbers < 0) | (numbers >= np.repeat(before, used))).tolist():
            raise NotInLog(inputs[place])

    def catch_up(self, state: State) -> int:
        """Add the steps of a state that are not here yet; return how many.

        Looks at every making of the state. A node that follows a log adds each as it comes.

        Raises:
            MadeBefore: the state is not a later one of the same log.
            NotInLog: likewise.
        """
        makings = list(state.makings.items())
        known = self._steps.numbers([step for step, _ in makings])
        missing = [makings[place] for place in np.flatnonzero(known < 0).tolist()]
        missing.sort(key=lambda item: item[1].index)
        links = [Link(step, making.inputs, making.outputs) for step, making in missing]
        for at in range(0, len(links), _BATCH):
            self.extend(links[at : at + _BATCH])
        return len(links)

    def upstream(self, lot: LotId) -> Reach:
        """Return the numbers of everything that a lot came from, itself among it.

        Raises:
            NotInLog: no step made it.
        """
        return self.edges.upstream(self.numbers((lot,)))

    def downstream(self, lots: Iterable[LotId]) -> Reach:
        """Return the numbers of everything that some lots went into, themselves among it.

        Raises:
            NotInLog: no step made one of them.
        """
        return self.edges.downstream(self.numbers(lots))

    def lots_of(self, reach: Reach | Near) -> list[LotId]:
        """Return the ids of the lots that a walk found, in its order."""
        return self._lots.select(reach.lots)

    def steps_of(self, reach: Reach | Near) -> list[Hash32]:
        """Return the ids of the steps that a walk found, in its order."""
        return self._steps.select(reach.steps)

    def lot_ids(self, numbers: Numbers) -> list[LotId]:
        """Return the ids of lots."""
        return self._lots.select(numbers)

    def step_ids(self, numbers: Numbers) -> list[Hash32]:
        """Return the ids of steps."""
        return self._steps.select(numbers)

    def beginning(self, prefix: str) -> list[LotId]:
        """Return the lots whose ids begin so in lower-case hexadecimal, in the order of the log.

        Raises:
            ValueError: a character is no hexadecimal digit.
        """
        return self._lots.select(self._lots.beginning(prefix))

    def step_numbers(self, steps: Sequence[Hash32]) -> Numbers:
        """Return the numbers of those of some steps that are here, in their order."""
        found = self._steps.numbers(steps)
        return found[found >= 0]

    def fold(self) -> None:
        """Sort what came lately into the base now, so that the next question need not."""
        self.edges.fold()
        self._lots.fold()
        self._steps.fold()

    def numbers(self, lots: Iterable[LotId]) -> Numbers:
        """Return the numbers of lots.

        Raises:
            NotInLog: no step made one of them.
        """
        asked = tuple(lots)
        numbers = self._lots.numbers(asked)
        for place in np.flatnonzero(numbers < 0).tolist():
            raise NotInLog(asked[place])
        return numbers


_IdT = TypeVar("_IdT", LotId, Hash32)


def _twice(ids: Sequence[_IdT]) -> _IdT:
    """Return the first of some ids that stands there again."""
    seen: set[_IdT] = set()
    for one in ids:
        if one in seen:
            break
        seen.add(one)
    return one
