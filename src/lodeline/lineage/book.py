"""The book of lineage: everything that the log says of lots and steps, for millions of them.

An index of the edges (`index`), columns of what is known of each lot and step (`facts`), and the
place in the log up to which both go. It is written up from the parts of the state that a ledger
stores anyway, a stretch of the log at a time, or from a whole state; what it tells is what
`lodeline.lineage.graph` tells, and only the lots and steps that are asked for become objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Final

import numpy as np

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId, RecipeDigest, RecipeName, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import LotRecord, Making, RecipeRecord
from lodeline.ledger.snapshot import StatePart
from lodeline.ledger.state import State
from lodeline.lineage.columns import Ids, Numbers
from lodeline.lineage.csr import Bounds
from lodeline.lineage.facts import Facts, RecipeTitle
from lodeline.lineage.graph import Lineage, LotNode, NothingAtSite, Step
from lodeline.lineage.index import LineageIndex, Link

__all__ = ["BookOutOfPlace", "Excerpt", "LineageBook", "Place"]

_BATCH: Final = 20_000
"""Steps of a whole state that are added at a time."""


class BookOutOfPlace(LodelineError):
    """A stretch of the log, or a state, that does not continue the book of lineage."""

    code: ClassVar[str] = "lineage-book-out-of-place"
    en: ClassVar[str] = "the lineage is known up to entry {expected}, this begins at {got}"
    fr: ClassVar[str] = "la filiation est connue jusqu'à l'écriture {expected}, ceci débute à {got}"
    advice_en: ClassVar[str] = "remove the file lineage.index in the folder; it is made anew"
    advice_fr: ClassVar[str] = "supprimez le fichier lineage.index du dossier ; il est refait"

    expected: int
    got: int


@dataclass(frozen=True)
class Place:
    """A place in a log: how many entries there are, and the root over them."""

    size: int
    root: Hash32


@dataclass(frozen=True)
class Excerpt:
    """A lineage as far as it was asked for."""

    lineage: Lineage
    lots: int
    """Lots of the whole lineage, however far it goes."""
    steps: int
    is_all: bool
    cut: tuple[LotId, ...]
    """Lots beyond which it goes on: a step is missing, or a lot beyond their step."""


class LineageBook:
    """Lots and steps up to a place in the log. One thread at a time."""

    def __init__(
        self,
        index: LineageIndex | None = None,
        facts: Facts | None = None,
        entries: Ids[EntryId] | None = None,
        place: Place | None = None,
    ) -> None:
        """Begin with an empty log, or with what was kept."""
        self.index: Final = index or LineageIndex()
        self.facts: Final = facts or Facts()
        self.entries: Final[Ids[EntryId]] = entries or Ids()
        """The entry that brought each step about: of a sale the acceptance."""
        self.place = place
        """Up to where the log is told of; nothing: from its beginning on."""

    @property
    def size(self) -> int:
        """Return how many entries of the log are told of."""
        return 0 if self.place is None else self.place.size

    @property
    def memory_bytes(self) -> int:
        """Return what index and columns take."""
        return self.index.memory_bytes + self.facts.memory_bytes + self.entries.memory_bytes

    # ------------------------------------------------------------------ writing up

    def take(self, part: StatePart, root: Hash32) -> None:
        """Take in the stretch of the log that a stored part of the state is of.

        After a refusal the book is of no more use. Not checked: that the part is the log's own.

        Args:
            part: it may begin before the place where the book is, and must end after it.
            root: of the log at the end of the part.

        Raises:
            BookOutOfPlace: it does not join.
            MadeBefore, NotInLog: it is of another log.
        """
        if not part.first <= self.size < part.size:
            raise BookOutOfPlace(self.size, part.first)
        for tables in part.adopted:
            self.facts.adopt(_titles(dict(tables.recipes)), ())
        self.facts.adopt({}, (site for site, _ in part.sites))
        lots = dict(part.lots)
        self._add([each for each in part.makings if each[1].index >= self.size], lots)
        undone = [step for step, making in part.makings if making.reversed_by is not None]
        self.facts.undo(self._steps(undone))
        spent = [lot for lot, _ in part.spent]
        self.facts.spend(self.index.numbers(spent))
        self.facts.lift(self.index.numbers([lot for lot, flag in part.flags if flag is None]))
        self.facts.recall(self.index.numbers([lot for lot, flag in part.flags if flag]))
        self.place = Place(part.size, root)

    def catch_up(self, state: State, root: Hash32) -> None:
        """Take in everything that a later state of the same log has; as `take`.

        Raises:
            BookOutOfPlace: the state is an earlier one.
            MadeBefore, NotInLog: it is of another log.
        """
        if state.size < self.size:
            raise BookOutOfPlace(self.size, state.size)
        self.facts.adopt(_titles(state.tables.recipes), (site for site, _ in state.sites.items()))
        every = list(state.makings.items())
        fresh = iter(sorted((each for each in every if each[1].index >= self.size), key=_in_log))
        while batch := list(islice(fresh, _BATCH)):
            self._add(batch, _Records(state))
        undone = [step for step, making in every if making.reversed_by is not None]
        self.facts.undo(self._steps(undone))
        self.facts.lift(np.arange(self.index.lots, dtype=np.int32))
        self.facts.recall(self.index.numbers(lot for lot, _ in state.flags.items()))
        self.place = Place(state.size, root)

    def _add(
        self, makings: Sequence[tuple[Hash32, Making]], lots: Mapping[LotId, LotRecord]
    ) -> None:
        ordered = sorted(makings, key=_in_log)
        links = [Link(step, making.inputs, making.outputs) for step, making in ordered]
        forms = [lots[lot].lot.form for link in links for lot in link.outputs]
        used = self.index.extend(links)
        self.facts.extend([making for _, making in ordered], forms)
        self.entries.extend([making.entry for _, making in ordered])
        self.facts.spend(used)

    def _steps(self, steps: Iterable[Hash32]) -> Numbers:
        """Return the numbers of those steps that are here."""
        return self.index.step_numbers(tuple(steps))

    # ------------------------------------------------------------------ answers

    def upstream(self, lot: LotId, bounds: Bounds | None = None) -> Excerpt:
        """Return what a lot came from: everything, or what is nearest.

        Raises:
            NotInLog: the log has never had it, as far as it is told of here.
        """
        return self._excerpt((lot,), bounds, upstream=True)

    def downstream(self, lots: Iterable[LotId], bounds: Bounds | None = None) -> Excerpt:
        """Return what lots went into: everything, or what is nearest.

        Raises:
            NotInLog: the log has never had one of them, as far as it is told of here.
        """
        return self._excerpt(tuple(lots), bounds, upstream=False)

    def ancestors(self, lots: Iterable[LotId], bounds: Bounds | None = None) -> Excerpt:
        """Return what several lots came from, as `upstream`."""
        return self._excerpt(tuple(lots), bounds, upstream=True)

    def matching(self, prefix: str) -> list[LotId]:
        """Return the lots whose ids begin so in lower-case hexadecimal, in the order of the log.

        Raises:
            ValueError: a character is no hexadecimal digit.
        """
        return self.index.beginning(prefix)

    def has_site(self, name: str) -> bool:
        """Return whether a site of that name was ever registered."""
        return SiteId(name) in self.facts.sites

    def origins(self, site: SiteId) -> list[LotId]:
        """Return the lots with which everything from a site begins: made there of nothing from it.

        Raises:
            NothingAtSite: no step happened there.
        """
        edges, steps = self.index.edges, self.facts.at_site(site)
        made, counts = edges.outputs_of(steps)
        if not len(made):
            raise NothingAtSite(site)
        of_site = np.zeros(edges.lots, bool)
        of_site[made] = True
        used, uses = edges.inputs_of(steps)
        own = np.bincount(np.repeat(np.arange(len(steps)), uses), of_site[used], len(steps))
        return self.index.lot_ids(made[np.repeat(own == 0, counts)])

    def made_by(self, entries: Iterable[EntryId]) -> list[LotId]:
        """Return the lots that entries brought about; most entries bring about none."""
        found = self.entries.numbers(tuple(entries))
        steps = np.unique(found[found >= 0])
        return self.index.lot_ids(self.index.edges.outputs_of(steps)[0])

    def entries_of(self, steps: Iterable[Hash32]) -> dict[Hash32, EntryId]:
        """Return the entry that brought about each of some steps that are here."""
        asked = tuple(steps)
        numbers = self._steps(asked)
        return dict(zip(asked, self.entries.select(numbers), strict=True))

    def title(self, name: RecipeName) -> RecipeTitle | None:
        """Return how a recipe is called."""
        return next((each for each in self.facts.titles.values() if each.name == name), None)

    def _excerpt(
        self, roots: tuple[LotId, ...], bounds: Bounds | None, *, upstream: bool
    ) -> Excerpt:
        edges, begun = self.index.edges, self.index.numbers(roots)
        reach = edges.upstream(begun) if upstream else edges.downstream(begun)
        if bounds is None:
            shown = self._lineage(roots, reach.lots, reach.steps, upstream=upstream)
            return Excerpt(shown, len(reach.lots), len(reach.steps), is_all=True, cut=())
        near = edges.near(begun, bounds, upstream=upstream)
        shown = self._lineage(roots, near.lots, np.sort(near.steps), upstream=upstream)
        cut = tuple(self.index.lot_ids(near.cut))
        return Excerpt(shown, len(reach.lots), len(reach.steps), near.is_all, cut)

    def _lineage(
        self, roots: tuple[LotId, ...], lots: Numbers, steps: Numbers, *, upstream: bool
    ) -> Lineage:
        nodes = {node.lot: node for node in self._nodes(lots)}
        found = {step.step: step for step in self._objects(steps)}
        return Lineage(tuple(root for root in roots if root in nodes), upstream, nodes, found)

    def _nodes(self, lots: Numbers) -> Iterable[LotNode]:
        edges, facts = self.index.edges, self.facts
        makers = edges.maker_of(lots)
        ids, made_by = self.index.lot_ids(lots), self.index.step_ids(makers)
        places = (lots - edges.first_made(makers)).tolist()
        for number, lot, maker, place in zip(lots.tolist(), ids, made_by, places, strict=True):
            yield LotNode(
                lot,
                facts.form(number),
                maker,
                place,
                unspent=not facts.is_spent(number),
                recalled=facts.is_recalled(number),
            )

    def _objects(self, steps: Numbers) -> Iterable[Step]:
        edges, facts = self.index.edges, self.facts
        used, uses = edges.inputs_of(steps)
        made, makes = edges.outputs_of(steps)
        inputs, outputs = iter(self.index.lot_ids(used)), iter(self.index.lot_ids(made))
        ids = self.index.step_ids(steps)
        for at, (number, step) in enumerate(zip(steps.tolist(), ids, strict=True)):
            yield Step(
                step,
                facts.kind(number),
                facts.recipe(number),
                facts.site(number),
                BlockTime(facts.time(number)),
                facts.entry(number),
                facts.signed_by(number),
                tuple(islice(inputs, int(uses[at]))),
                tuple(islice(outputs, int(makes[at]))),
                reversed=facts.is_undone(number),
            )


class _Records(Mapping[LotId, LotRecord]):
    """The lots of a state, read one by one."""

    def __init__(self, state: State) -> None:
        self._lots = state.lots

    def __getitem__(self, lot: LotId) -> LotRecord:
        found = self._lots.get(lot)
        if found is None:
            raise KeyError(lot)
        return found

    def __iter__(self) -> Iterator[LotId]:
        return (lot for lot, _ in self._lots.items())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _in_log(item: tuple[Hash32, Making]) -> int:
    return item[1].index


def _titles(recipes: Mapping[RecipeDigest, RecipeRecord]) -> dict[RecipeDigest, RecipeTitle]:
    return {
        digest: RecipeTitle(record.recipe.name, record.recipe.title_en, record.recipe.title_fr)
        for digest, record in recipes.items()
    }
