"""Which lots came from which: a graph of what the log says, and walks along it.

A *step* is one event of the log that used lots up and made others (a transform, a sale that was
accepted, a reversal, a re-grant). Steps and lots alternate, so upstream of a lot is the step that
made it, and upstream of a step the lots that it used.

The shape of the graph is public (protocol.md §8); quantities are not here. A step that was reversed
is part of the past and is marked, not left out: what it made is spent, and what it used stands
again as other lots.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    FormName,
    Hash32,
    LotId,
    MemberId,
    RecipeName,
    SiteId,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.records import Making
from lodeline.ledger.state import State

__all__ = ["Graph", "Lineage", "LotNode", "NotInLog", "NothingAtSite", "Step"]


class NotInLog(LodelineError):
    """A lot that this copy of the log has never had."""

    lot: LotId

    code = "lineage-lot-not-in-log"
    en = "the lot {lot} is not in this copy of the log"
    fr = "le lot {lot} ne figure pas dans cette copie du journal"
    advice_en = "copy the number from `lodeline lots`, or follow the log further"
    advice_fr = "recopiez le numéro depuis « lodeline lots », ou suivez le journal plus loin"
    status = 404


class NothingAtSite(LodelineError):
    """A site at which the log has no step."""

    site: SiteId

    code = "lineage-nothing-at-site"
    en = "no step of the log happened at the site {site}"
    fr = "aucune étape du journal n'a eu lieu sur le site {site}"
    advice_en = "see the sites with `lodeline site list`"
    advice_fr = "voyez les sites avec « lodeline site list »"


@dataclass(frozen=True)
class LotNode:
    """A lot as the log knows it."""

    lot: LotId
    form: FormName
    maker: Hash32
    output: int
    """Its place among the outputs of the step that made it."""
    unspent: bool
    recalled: bool


@dataclass(frozen=True)
class Step:
    """One event that used lots up and made others."""

    step: Hash32
    kind: str
    """``transform``, ``reversal`` or ``regrant``."""
    recipe: RecipeName | None
    site: SiteId | None
    time: BlockTime
    index: int
    """Leaf index in the log."""
    signers: tuple[MemberId, ...]
    inputs: tuple[LotId, ...]
    outputs: tuple[LotId, ...]
    reversed: bool


@dataclass(frozen=True)
class Lineage:
    """A part of the graph: what lies upstream or downstream of some lots."""

    roots: tuple[LotId, ...]
    upstream: bool
    lots: Mapping[LotId, LotNode]
    steps: Mapping[Hash32, Step]
    """In the order of the log."""

    def next_steps(self, lot: LotId) -> tuple[Step, ...]:
        """Return the steps beyond a lot in the direction of the walk."""
        if self.upstream:
            made_by = self.lots[lot].maker
            return (self.steps[made_by],) if made_by in self.steps else ()
        return tuple(self._users.get(lot, ()))

    @cached_property
    def _users(self) -> Mapping[LotId, Sequence[Step]]:
        found: dict[LotId, list[Step]] = {}
        for step in self.steps.values():
            for lot in dict.fromkeys(step.inputs):
                found.setdefault(lot, []).append(step)
        return found

    def next_lots(self, step: Step) -> tuple[LotId, ...]:
        """Return the lots beyond a step in the direction of the walk."""
        ends = step.inputs if self.upstream else step.outputs
        return tuple(lot for lot in ends if lot in self.lots)

    @property
    def ends(self) -> tuple[LotNode, ...]:
        """Return the lots beyond which the walk found nothing."""
        return tuple(node for lot, node in self.lots.items() if not self._goes_on(lot))

    def _goes_on(self, lot: LotId) -> bool:
        return any(self.next_lots(step) for step in self.next_steps(lot))

    @property
    def sites(self) -> tuple[SiteId, ...]:
        """Return the sites of the steps, each once, ascending."""
        return tuple(sorted({step.site for step in self.steps.values() if step.site is not None}))


class Graph:
    """The lots and steps of a state, with the edges both ways."""

    def __init__(self, state: State) -> None:
        """Read the graph off a state; it does not follow later changes."""
        self._lots = {
            lot: LotNode(
                lot,
                record.lot.form,
                record.maker,
                record.output,
                state.is_unspent(lot),
                lot in state.flags,
            )
            for lot, record in state.lots.items()
        }
        makings = sorted(state.makings.items(), key=lambda item: item[1].index)
        self._steps = {step: _step(state, step, making) for step, making in makings}
        self._users: dict[LotId, list[Hash32]] = {}
        for step, made in self._steps.items():
            for lot in made.inputs:
                self._users.setdefault(lot, []).append(step)

    def node(self, lot: LotId) -> LotNode:
        """Return a lot.

        Raises:
            NotInLog: the log has never had it.
        """
        found = self._lots.get(lot)
        if found is None:
            raise NotInLog(lot)
        return found

    def matching(self, prefix: str) -> tuple[LotId, ...]:
        """Return the lots whose id in hexadecimal begins so, in the order of the log."""
        return tuple(lot for lot in self._lots if lot.hex().startswith(prefix))

    def upstream(self, lot: LotId) -> Lineage:
        """Return everything that a lot came from.

        Raises:
            NotInLog: the log has never had it.
        """
        self.node(lot)
        return self._walk((lot,), self._makers, lambda step: step.inputs, upstream=True)

    def downstream(self, lots: Iterable[LotId]) -> Lineage:
        """Return everything that some lots went into.

        Raises:
            NotInLog: the log has never had one of them.
        """
        roots = tuple(lots)
        for lot in roots:
            self.node(lot)
        return self._walk(roots, self._used_in, lambda step: step.outputs, upstream=False)

    def from_site(self, site: SiteId) -> Lineage:
        """Return everything that the lots made at a site went into.

        Raises:
            NothingAtSite: no step happened there.
        """
        made = tuple(
            lot for step in self._steps.values() if step.site == site for lot in step.outputs
        )
        if not made:
            raise NothingAtSite(site)
        first = tuple(lot for lot in made if not self._came_from(lot, set(made)))
        return self.downstream(first)

    def _came_from(self, lot: LotId, others: set[LotId]) -> bool:
        return any(source in others for source in self._steps[self._lots[lot].maker].inputs)

    def _makers(self, lot: LotId) -> Iterable[Hash32]:
        return (self._lots[lot].maker,)

    def _used_in(self, lot: LotId) -> Iterable[Hash32]:
        return self._users.get(lot, ())

    def _walk(
        self,
        roots: tuple[LotId, ...],
        beyond: Callable[[LotId], Iterable[Hash32]],
        ends: Callable[[Step], tuple[LotId, ...]],
        *,
        upstream: bool,
    ) -> Lineage:
        seen = dict.fromkeys(roots)
        steps: set[Hash32] = set()
        waiting = deque(roots)
        while waiting:
            for step in beyond(waiting.popleft()):
                if step in steps:
                    continue
                steps.add(step)
                fresh = [lot for lot in ends(self._steps[step]) if lot not in seen]
                seen.update(dict.fromkeys(fresh))
                waiting.extend(fresh)
        ordered = {step: self._steps[step] for step in self._steps if step in steps}
        return Lineage(roots, upstream, {lot: self._lots[lot] for lot in seen}, ordered)


def _step(state: State, step: Hash32, making: Making) -> Step:
    recipe = None if making.recipe is None else state.recipe(making.recipe)
    return Step(
        step,
        making.kind.value,
        None if recipe is None else recipe.name,
        making.site,
        making.time,
        making.index,
        making.signers,
        making.inputs,
        making.outputs,
        making.reversed_by is not None,
    )
