"""A recipe without wildcards: plain balances over real elements (protocol.md §4).

Prover, verifier and the check at adoption all read recipes through `expand`, so that they cannot
differ on what the wildcard means. Nothing here judges a recipe: that is `static_check`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lodeline.custody.claims import Model
from lodeline.custody.recipes import ANY_FORM, WILDCARD, Balance, ClaimMode, ClaimRule, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    RecipeDigest,
    RecipeName,
    StandardName,
    StrandName,
)
from lodeline.kernel.units import GramsPerKg, Ppm

__all__ = [
    "EVERY_STANDARD",
    "ExpandedRecipe",
    "NoWeight",
    "PlainBalance",
    "PlainFloor",
    "expand",
    "recipe_digest",
]

EVERY_STANDARD = StandardName("*")
"""In a claim rule: every standard that no rule of the recipe names."""

_DIGEST_DOMAIN = b"lodeline/v1/recipe-digest"
_CACHED_RECIPES = 512


class NoWeight(LodelineError):
    """A recipe that does not say how much a strand of an output weighs in the allocation."""

    recipe: RecipeName
    form: FormName
    strand: StrandName

    code = "no-allocation-weight"
    en = "{recipe} gives {strand} in {form} no allocation weight"
    fr = "{recipe} ne donne pas de poids d'allocation à {strand} dans {form}"
    advice_en = "use a version of the recipe that names this output"
    advice_fr = "utilisez une version de la recette qui nomme cette sortie"


@dataclass(frozen=True)
class PlainBalance:
    """One balance over one real element.

    Every strand of a lot that stands in no balance is refused by whoever checks a transform; a
    strand named here that no lot has is absent from the sums.
    """

    index: int
    """Place among the recipe's plain balances; proofs are in this order."""
    written_index: int
    """Place of the balance as written, before expansion."""
    left: tuple[Strand, ...]
    right: tuple[Strand, ...]
    counts: tuple[Strand, ...]
    min_recovery_ppm: Ppm
    """1,000,000 makes the balance an equality."""
    tolerance_ppm: Ppm
    """At mining: most tolerance for each million of metal; 0 elsewhere."""

    @property
    def strands(self) -> tuple[Strand, ...]:
        """Return every strand that the balance names, left, right, then counts."""
        return self.left + self.right + self.counts


class PlainFloor(NamedTuple):
    """Least honest process emissions per kilogram of one metal in the outputs."""

    strand: Strand
    intensity: GramsPerKg


@dataclass(frozen=True)
class ExpandedRecipe:
    """A recipe as everybody reasons about it."""

    recipe: Recipe
    balances: tuple[PlainBalance, ...]
    floors: tuple[PlainFloor, ...]
    custody: Model
    """The strongest chain-of-custody model of an output claim."""
    _modes: Mapping[tuple[StandardName, int], ClaimMode] = field(repr=False, compare=False)
    _named: frozenset[StandardName] = field(repr=False, compare=False)
    _weights: Mapping[tuple[FormName, StrandName], Ppm] = field(repr=False, compare=False)
    _left: Mapping[Strand, int] = field(repr=False, compare=False)
    _right: Mapping[Strand, int] = field(repr=False, compare=False)

    def rule_for(self, standard: StandardName, balance_index: int) -> ClaimMode | None:
        """Return how claims of a standard pass through a plain balance.

        A rule that names the standard, on any balance, hides the rules for every standard.
        Nothing means that no output of the balance may bear a claim of the standard.
        """
        written = self.balances[balance_index].written_index
        if standard in self._named:
            return self._modes.get((standard, written))
        return self._modes.get((EVERY_STANDARD, written))

    def weight(self, form: FormName, strand: Strand) -> Ppm:
        """Return the allocation weight of a metal in outputs of a form.

        Raises:
            NoWeight: the recipe names none, neither for the form nor for any form.
        """
        for key in ((form, strand.name), (ANY_FORM, strand.name)):
            found = self._weights.get(key)
            if found is not None:
                return found
        raise NoWeight(self.recipe.name, form, strand.name)

    def floor(self, strand: Strand) -> GramsPerKg:
        """Return the floor of a metal in the outputs; zero where the recipe states none."""
        for item in self.floors:
            if item.strand == strand:
                return item.intensity
        return GramsPerKg(0)

    def left_of(self, strand: Strand) -> PlainBalance | None:
        """Return the balance that uses a strand up, or nothing: then no input may have it."""
        index = self._left.get(strand)
        return None if index is None else self.balances[index]

    def right_of(self, strand: Strand) -> PlainBalance | None:
        """Return the balance that a strand comes from, or nothing: then no output may have it."""
        index = self._right.get(strand)
        return None if index is None else self.balances[index]


@functools.lru_cache(maxsize=_CACHED_RECIPES)
def expand(recipe: Recipe) -> ExpandedRecipe:
    """Return a recipe with its wildcards replaced by each of its elements.

    A written balance with a wildcard becomes one plain balance for each element, in the order of
    `recipe.elements`; another stays as it is. Where adoption's rules are broken (a strand in two
    balances), the first balance is found by `left_of` and `right_of`.

    Raises:
        UnknownStrand: a written strand is none.
        UnknownClaim: the custody model is none of the five.
    """
    balances = tuple(_plain_balances(recipe))
    modes: dict[tuple[StandardName, int], ClaimMode] = {}
    for rule in recipe.claims:
        for standard in rule.standards:
            modes.setdefault((standard, rule.balance), rule.mode)
    return ExpandedRecipe(
        recipe=recipe,
        balances=balances,
        floors=tuple(_plain_floors(recipe)),
        custody=Model.parse(recipe.custody),
        _modes=modes,
        _named=_named_standards(recipe.claims),
        _weights=dict(_plain_weights(recipe)),
        _left=_places((item.index, item.left) for item in balances),
        _right=_places((item.index, item.right) for item in balances),
    )


def recipe_digest(recipe: Recipe) -> RecipeDigest:
    """Return the SHA-256 of a recipe as written, in canonical CBOR, under its domain."""
    encoded = cbor.encode_struct(recipe)
    return RecipeDigest(hashlib.sha256(_DIGEST_DOMAIN + encoded).digest())


def _plain_balances(recipe: Recipe) -> Iterable[PlainBalance]:
    index = 0
    for written_index, balance in enumerate(recipe.balances):
        names = balance.left + balance.right + balance.counts
        for element in _elements_for(recipe, names):
            yield PlainBalance(
                index=index,
                written_index=written_index,
                left=_over(element, balance.left),
                right=_over(element, balance.right),
                counts=_over(element, balance.counts),
                min_recovery_ppm=_recovery(recipe, balance, element),
                tolerance_ppm=Ppm(balance.tolerance_ppm),
            )
            index += 1


def _recovery(recipe: Recipe, balance: Balance, element: ElementSymbol | None) -> Ppm:
    """The element's own recovery applies to its metal alone: a tolerance recovers nothing."""
    yields_metal = any(Strand.parse(name).kind is Kind.METAL for name in balance.right)
    for item in recipe.recoveries:
        if item.element == element and yields_metal:
            return Ppm(item.min_recovery_ppm)
    return Ppm(balance.min_recovery_ppm)


def _plain_floors(recipe: Recipe) -> Iterable[PlainFloor]:
    for item in recipe.floor:
        for element in _elements_for(recipe, (item.strand,)):
            yield PlainFloor(_over(element, (item.strand,))[0], GramsPerKg(item.grams_per_kg))


def _plain_weights(recipe: Recipe) -> Iterable[tuple[tuple[FormName, StrandName], Ppm]]:
    for item in recipe.allocation:
        for element in _elements_for(recipe, (item.strand,)):
            yield (item.form, _over(element, (item.strand,))[0].name), Ppm(item.weight_ppm)


def _elements_for(recipe: Recipe, names: Iterable[StrandName]) -> tuple[ElementSymbol | None, ...]:
    """Each element that the wildcard stands for, or one nothing where there is no wildcard."""
    if any(Strand.parse(name).element == WILDCARD for name in names):
        return recipe.elements
    return (None,)


def _over(element: ElementSymbol | None, names: Iterable[StrandName]) -> tuple[Strand, ...]:
    strands = []
    for name in names:
        strand = Strand.parse(name)
        if strand.element == WILDCARD and element is not None:
            strand = Strand(element, strand.kind)
        strands.append(strand)
    return tuple(strands)


def _named_standards(rules: Iterable[ClaimRule]) -> frozenset[StandardName]:
    named = {standard for rule in rules for standard in rule.standards}
    return frozenset(named - {EVERY_STANDARD})


def _places(
    sides: Iterable[tuple[int, tuple[Strand, ...]]],
) -> Mapping[Strand, int]:
    places: dict[Strand, int] = {}
    for index, strands in sides:
        for strand in strands:
            places.setdefault(strand, index)
    return places
