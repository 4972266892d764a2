"""The way of one product's cobalt back to its mines, from the public graph of the log.

Steps that only pass a lot on (sold, shipped, settled, split, exported) are gathered in one line, so
that a person can follow it. Other metals are named where they come in and not followed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.custody.recipes import Family
from lodeline.custody.strands import Strand
from lodeline.kernel.ids import FormName, LotId, RecipeName, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.state import State
from lodeline.lineage.graph import Graph, Lineage, Step
from lodeline.pilot.telling import COBALT

__all__ = ["Station", "way_back"]

_PASSING = frozenset({Family.SALE, Family.SETTLE, Family.TRANSPORT, Family.EXPORT, Family.HANDLE})


@dataclass(frozen=True)
class Station:
    """One lot on the way, what made it, and what that was made of."""

    lot: LotId
    form: FormName
    recipe: RecipeName | None
    """What made it, once the steps that only passed it on are left out."""
    family: Family | None
    site: SiteId | None
    time: BlockTime
    passed: tuple[Family, ...]
    """How it was passed on since, the earliest first; each once."""
    known_as: tuple[LotId, ...]
    """The lot under its later numbers, the latest first."""
    others: tuple[FormName, ...]
    """Forms of material without cobalt that went in."""
    before: tuple[Station, ...]
    again: bool
    """Whether the same lot stands elsewhere on the way; then it is not opened again."""


def way_back(state: State, lot: LotId) -> Station:
    """Return the way of a lot's cobalt back to where it was mined or brought in.

    Raises:
        NotInLog: the log has never had the lot.
    """
    return _Walk(state, Graph(state).upstream(lot)).station(lot)


class _Walk:
    """One walk along a lineage."""

    def __init__(self, state: State, lineage: Lineage) -> None:
        self._state, self._lineage = state, lineage
        self._seen: set[LotId] = set()

    def station(self, lot: LotId) -> Station:
        passed: list[Family] = []
        known_as = [lot]
        step = self._step(lot)
        while (earlier := self._earlier(lot, step)) is not None:
            family = self._family(step)
            if family is not None and family not in passed:
                passed.insert(0, family)
            lot = earlier
            known_as.append(lot)
            step = self._step(lot)
        again = lot in self._seen
        self._seen.add(lot)
        before = () if again else tuple(self.station(found) for found in self._with_cobalt(step))
        return Station(
            lot=lot,
            form=self._lineage.lots[lot].form,
            recipe=step.recipe,
            family=self._family(step),
            site=step.site,
            time=step.time,
            passed=tuple(passed),
            known_as=tuple(known_as),
            others=() if again else self._without_cobalt(step),
            before=before,
            again=again,
        )

    def _step(self, lot: LotId) -> Step:
        return self._lineage.next_steps(lot)[0]

    def _family(self, step: Step) -> Family | None:
        for record in self._state.tables.recipes.values():
            if record.recipe.name == step.recipe:
                return record.recipe.family
        return None

    def _earlier(self, lot: LotId, step: Step) -> LotId | None:
        """Return the lot that this one is, under an earlier number; what came back is the old."""
        record = self._state.lots.get(lot)
        if record is not None and record.equals is not None:
            return record.equals
        sources = self._with_cobalt(step)
        return sources[0] if self._family(step) in _PASSING and len(sources) == 1 else None

    def _material(self, step: Step) -> list[LotId]:
        forms = self._state.tables.forms
        return [
            lot
            for lot in step.inputs
            if not forms[self._lineage.lots[lot].form].form_class.is_right
        ]

    def _with_cobalt(self, step: Step) -> list[LotId]:
        return [lot for lot in self._material(step) if self._has(lot, COBALT)]

    def _without_cobalt(self, step: Step) -> tuple[FormName, ...]:
        found = [lot for lot in self._material(step) if not self._has(lot, COBALT)]
        return tuple(sorted({self._lineage.lots[lot].form for lot in found}))

    def _has(self, lot: LotId, strand: Strand) -> bool:
        public = self._state.lot(lot)
        return public is not None and any(item.strand == strand.name for item in public.strands)
