"""Lineage over millions of lots: the graph of the log as arrays that grow with it.

`lodeline.lineage.graph` holds an object for every lot and step and tells everything about them; it
is for logs of some ten thousand lots. This index answers the one question that needs all edges,
which lots and steps lie upstream or downstream, and gives the same answer (a property test holds
them against each other). It holds no form, site, time or flag: whoever shows a lot reads these off
the state.

It is not kept on disk: after a restart it is made anew from the state, in some ten seconds for a
million lots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId
from lodeline.ledger.state import State
from lodeline.lineage.columns import Ids, Numbers
from lodeline.lineage.csr import Edges, Reach
from lodeline.lineage.graph import NotInLog

__all__ = ["LineageIndex", "MadeBefore"]


class MadeBefore(LodelineError):
    """A step, or a lot that a step makes, that the index of lineage has already."""

    what: Hash32

    code = "lineage-made-before"
    en = "{what} was made before; a step and its lots are added once"
    fr = "{what} existe déjà ; une étape et ses lots ne s'ajoutent qu'une fois"
    advice_en = "add the steps in the order of the log, from where the index stands"
    advice_fr = "ajoutez les étapes dans l'ordre du journal, à partir de l'état de l'index"


class LineageIndex:
    """Steps in the order of the log, each with the lots that it used up and made.

    One thread at a time.
    """

    def __init__(self) -> None:
        """Begin with an empty log."""
        self._lots: Ids[LotId] = Ids()
        self._steps: Ids[Hash32] = Ids()
        self._edges = Edges()

    @property
    def lots(self) -> int:
        """Return how many lots were made."""
        return self._edges.lots

    @property
    def steps(self) -> int:
        """Return how many steps there are."""
        return self._edges.steps

    @property
    def memory_bytes(self) -> int:
        """Return what edges and ids take."""
        parts = (self._lots, self._steps, self._edges)
        return sum(part.memory_bytes for part in parts)

    def add(self, step: Hash32, inputs: Sequence[LotId], outputs: Sequence[LotId]) -> None:
        """Add the next step of the log. After a refusal the index is as it was.

        Raises:
            MadeBefore: the step or an output is there already, or an output stands there twice.
            NotInLog: an input was made by no step so far.
        """
        numbers = self._numbers(inputs)
        if self._steps.number(step) is not None:
            raise MadeBefore(step)
        fresh: set[LotId] = set()
        for lot in outputs:
            if lot in fresh or self._lots.number(lot) is not None:
                raise MadeBefore(Hash32(lot))
            fresh.add(lot)
        self._edges.add(numbers.tolist(), len(outputs))
        self._steps.append(step)
        for lot in outputs:
            self._lots.append(lot)

    def catch_up(self, state: State) -> int:
        """Add the steps of a state that are not here yet; return how many.

        Looks at every making of the state. A node that follows a log adds each as it comes.

        Raises:
            MadeBefore: the state is not a later one of the same log.
            NotInLog: likewise.
        """
        missing = [
            (making.index, step, making)
            for step, making in state.makings.items()
            if self._steps.number(step) is None
        ]
        missing.sort(key=lambda item: item[0])
        for _, step, making in missing:
            self.add(step, making.inputs, making.outputs)
        return len(missing)

    def upstream(self, lot: LotId) -> Reach:
        """Return the numbers of everything that a lot came from, itself among it.

        Raises:
            NotInLog: no step made it.
        """
        return self._edges.upstream(self._numbers((lot,)))

    def downstream(self, lots: Iterable[LotId]) -> Reach:
        """Return the numbers of everything that some lots went into, themselves among it.

        Raises:
            NotInLog: no step made one of them.
        """
        return self._edges.downstream(self._numbers(lots))

    def lots_of(self, reach: Reach) -> list[LotId]:
        """Return the ids of the lots that a walk found, in the order of the log."""
        return self._lots.select(reach.lots)

    def steps_of(self, reach: Reach) -> list[Hash32]:
        """Return the ids of the steps that a walk found, in the order of the log."""
        return self._steps.select(reach.steps)

    def fold(self) -> None:
        """Sort what came lately into the base now, so that the next question need not."""
        self._edges.fold()
        self._lots.fold()
        self._steps.fold()

    def _numbers(self, lots: Iterable[LotId]) -> Numbers:
        asked = tuple(lots)
        numbers = self._lots.numbers(asked)
        for place in np.flatnonzero(numbers < 0).tolist():
            raise NotInLog(asked[place])
        return numbers
