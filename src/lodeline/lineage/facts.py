"""What the log says of steps and lots beside their edges, in columns and lists of words.

A step has a kind, recipe, site, time, place in the log and signers, a lot a form; whether a lot is
spent or recalled and a step reversed may still change. Words that come again and again (names of
forms, sites and recipes, who signed together) are kept once and stand in the columns by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lodeline.kernel.ids import FormName, MemberId, RecipeDigest, RecipeName, SiteId
from lodeline.ledger.records import Making, MakingKind
from lodeline.lineage.columns import Column, Numbers

__all__ = ["Facts", "KeptFacts", "RecipeTitle", "Words"]

_W = TypeVar("_W")
_NONE: Final = -1
_SPENT: Final = np.uint8(1)
_RECALLED: Final = np.uint8(2)
_KINDS: Final[tuple[MakingKind, ...]] = tuple(MakingKind)


@dataclass(frozen=True)
class RecipeTitle:
    """How a recipe is called."""

    name: RecipeName
    en: str
    fr: str


class Words(Generic[_W]):
    """Values that are numbered as they first come."""

    def __init__(self, known: Iterable[_W] = ()) -> None:
        """Begin with some."""
        self.values: Final = list(known)
        self._numbers = {value: number for number, value in enumerate(self.values)}

    def __contains__(self, value: object) -> bool:
        return value in self._numbers

    def number(self, value: _W) -> int:
        """Return the number of a value; a new one gets the next."""
        found = self._numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found

    def known(self, value: _W) -> int:
        """Return the number of a value, -1 for one that never came."""
        return self._numbers.get(value, _NONE)


@dataclass(frozen=True)
class KeptFacts:
    """The columns as they are kept; what they mean is said in `Facts`."""

    kinds: npt.NDArray[np.uint8]
    recipes: Numbers
    sites: Numbers
    signers: Numbers
    times: npt.NDArray[np.int64]
    entries: npt.NDArray[np.int64]
    undone: npt.NDArray[np.uint8]
    forms: Numbers
    marks: npt.NDArray[np.uint8]

    @classmethod
    def nothing(cls) -> KeptFacts:
        """Return that there is no step."""
        byte, number = np.empty(0, np.uint8), np.empty(0, np.int32)
        long = np.empty(0, np.int64)
        return cls(byte, number, number, number, long, long, byte, number, byte)

    def fit(self, lots: int, steps: int) -> bool:
        """Whether there is one of each for so many lots and steps."""
        lengths = {each.name: len(getattr(self, each.name)) for each in fields(self)}
        of_lots = lengths.pop("forms"), lengths.pop("marks")
        return set(of_lots) == {lots} and set(lengths.values()) == {steps}


@dataclass
class Facts:
    """What is known of steps and lots, by their numbers."""

    kept: KeptFacts = field(default_factory=KeptFacts.nothing)
    forms: Words[FormName] = field(default_factory=Words)
    sites: Words[SiteId] = field(default_factory=Words)
    """All sites that were ever registered, whether a step names them or not."""
    signers: Words[tuple[MemberId, ...]] = field(default_factory=Words)
    recipes: Words[RecipeDigest] = field(default_factory=Words)
    titles: dict[RecipeDigest, RecipeTitle] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = self.kept
        self._kinds = Column(kept.kinds)
        self._recipes = Column(kept.recipes)
        self._sites = Column(kept.sites)
        self._signers = Column(kept.signers)
        self._times = Column(kept.times)
        self._entries = Column(kept.entries)
        self._undone = Column(kept.undone)
        self._forms = Column(kept.forms)
        self._marks = Column(kept.marks)

    @property
    def fit(self) -> bool:
        """Whether every word that a column names is there."""
        named: Sequence[tuple[Column[np.int32], int]] = (
            (self._recipes, len(self.recipes.values)),
            (self._sites, len(self.sites.values)),
            (self._signers, len(self.signers.values)),
            (self._forms, len(self.forms.values)),
        )
        return all(
            not len(column)
            or (int(column.values.max()) < count and int(column.values.min()) >= _NONE)
            for column, count in named
        ) and not (len(self._kinds) and int(self._kinds.values.max()) >= len(_KINDS))

    def to_keep(self) -> KeptFacts:
        """Return the columns, to be kept; they must not be written to."""
        return KeptFacts(
            self._kinds.values,
            self._recipes.values,
            self._sites.values,
            self._signers.values,
            self._times.values,
            self._entries.values,
            self._undone.values,
            self._forms.values,
            self._marks.values,
        )

    @property
    def memory_bytes(self) -> int:
        """Return what the columns take."""
        return sum(getattr(self.to_keep(), each.name).nbytes for each in fields(KeptFacts))

    # ------------------------------------------------------------------ adding

    def extend(self, makings: Sequence[Making], forms: Sequence[FormName]) -> None:
        """Add the next steps, and the forms of all lots that they made."""
        self._kinds.extend([_KINDS.index(making.kind) for making in makings])
        self._recipes.extend([self._recipe(making.recipe) for making in makings])
        self._sites.extend([self._site(making.site) for making in makings])
        self._signers.extend([self.signers.number(making.signers) for making in makings])
        self._times.extend([making.time for making in makings])
        self._entries.extend([making.index for making in makings])
        self._undone.extend([int(making.reversed_by is not None) for making in makings])
        self._forms.extend([self.forms.number(form) for form in forms])
        self._marks.extend([0] * len(forms))

    def _recipe(self, recipe: RecipeDigest | None) -> int:
        return _NONE if recipe is None else self.recipes.number(recipe)

    def _site(self, site: SiteId | None) -> int:
        return _NONE if site is None else self.sites.number(site)

    def adopt(self, titles: Mapping[RecipeDigest, RecipeTitle], sites: Iterable[SiteId]) -> None:
        """Take in what members adopted and registered."""
        self.titles.update(titles)
        for site in sites:
            self.sites.number(site)

    def spend(self, lots: Numbers) -> None:
        """Mark lots as spent, for good."""
        self._mark(lots, _SPENT)

    def undo(self, steps: Numbers) -> None:
        """Mark steps as reversed, for good."""
        self._undone.put(steps, np.ones(len(steps), np.uint8))

    def recall(self, lots: Numbers) -> None:
        """Mark lots as recalled."""
        self._mark(lots, _RECALLED)

    def lift(self, lots: Numbers) -> None:
        """Take the mark away again."""
        self._marks.put(lots, (self._marks.values[lots] & ~_RECALLED).astype(np.uint8))

    def _mark(self, lots: Numbers, mark: np.uint8) -> None:
        self._marks.put(lots, (self._marks.values[lots] | mark).astype(np.uint8))

    # ------------------------------------------------------------------ reading

    def form(self, lot: int) -> FormName:
        """Return the form of a lot."""
        return self.forms.values[int(self._forms.values[lot])]

    def is_spent(self, lot: int) -> bool:
        """Return whether something used a lot up."""
        return bool(self._marks.values[lot] & _SPENT)

    def is_recalled(self, lot: int) -> bool:
        """Return whether a lot is under a recall."""
        return bool(self._marks.values[lot] & _RECALLED)

    def recalled(self) -> int:
        """Return how many lots are under a recall."""
        return int(np.count_nonzero(self._marks.values & _RECALLED))

    def kind(self, step: int) -> str:
        """Return what a step is: ``transform``, ``reversal`` or ``regrant``."""
        return _KINDS[int(self._kinds.values[step])].value

    def recipe(self, step: int) -> RecipeName | None:
        """Return the name of the recipe of a step."""
        number = int(self._recipes.values[step])
        found = None if number == _NONE else self.titles.get(self.recipes.values[number])
        return None if found is None else found.name

    def site(self, step: int) -> SiteId | None:
        """Return the site of a step."""
        number = int(self._sites.values[step])
        return None if number == _NONE else self.sites.values[number]

    def signed_by(self, step: int) -> tuple[MemberId, ...]:
        """Return the members that signed a step."""
        return self.signers.values[int(self._signers.values[step])]

    def time(self, step: int) -> int:
        """Return the block time of a step."""
        return int(self._times.values[step])

    def entry(self, step: int) -> int:
        """Return the leaf index of a step."""
        return int(self._entries.values[step])

    def is_undone(self, step: int) -> bool:
        """Return whether a step was reversed."""
        return bool(self._undone.values[step])

    def at_site(self, site: SiteId) -> Numbers:
        """Return the steps that happened at a site, ascending."""
        number = self.sites.known(site)
        if number == _NONE:
            return np.empty(0, np.int32)
        return np.flatnonzero(self._sites.values == number).astype(np.int32)
