"""What somebody wants to happen to material, and what the planner makes of it.

A :class:`Wish` is one output as a person thinks of it: a form, for whom, how much, which claims. An
:class:`Order` is a whole step. The planner turns it into a :class:`Step`, every number filled in,
and several steps that build on each other into a :class:`Chain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lodeline.crypto.onetime import Address
from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.expansion import ExpandedRecipe, expand
from lodeline.custody.forms import Form, FormClass
from lodeline.custody.recipes import Family, Recipe
from lodeline.custody.strands import Strand
from lodeline.holder.building import OwnedLot, PlannedLot, ProcessNumbers, Tables
from lodeline.holder.contents import Contents, contents_of
from lodeline.kernel.ids import ElementSymbol, FormName, Hash32, LotId, SiteId, StandardName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, Ppm
from lodeline.ledger.records import Constants
from lodeline.proofs.body import SignerRef

__all__ = [
    "Chain",
    "ClaimWish",
    "Desk",
    "FromStep",
    "Order",
    "Source",
    "Step",
    "Supply",
    "Wish",
    "supply_of",
]


@dataclass(frozen=True)
class FromStep:
    """An output of an earlier step of the same chain."""

    step: int
    output: int


Source = OwnedLot | FromStep


@dataclass(frozen=True)
class Supply:
    """A lot that a step can use up: where it comes from, and what it holds."""

    source: Source
    contents: Contents
    site: SiteId | None = None
    """Name of the site that the lot is bound to, where it is known."""

    def __repr__(self) -> str:
        return f"Supply({self.source!r})"


def supply_of(lot: OwnedLot, site: SiteId | None = None) -> Supply:
    """Return a lot at hand as a supply."""
    return Supply(lot, contents_of(lot.public, lot.opening), site)


@dataclass(frozen=True)
class ClaimWish:
    """A claim that an output should bear."""

    standard: StandardName
    model: Model | None = None
    """Nothing: the strongest that the inputs and the recipe allow."""
    element: ElementSymbol | None = None
    """Nothing: every element of the output that can bear it."""
    amount: Milligrams | None = None
    """Nothing: all of it, or its share, as the custody model says. On grants always given."""


@dataclass(frozen=True)
class Wish:
    """One output as a person thinks of it."""

    form: FormName
    recipient: Address | None = None
    """Nothing: whoever plans."""
    amounts: Mapping[Strand, Milligrams] | None = None
    """Contained metal; tolerance only where it should not be worked out. Nothing: all that is
    left of the inputs."""
    claims: tuple[ClaimWish, ...] | None = None
    """Nothing: every claim that can be kept or drawn. An empty tuple: none."""
    product: str | None = None
    references: tuple[Hash32, ...] = ()
    memo: str = ""


@dataclass(frozen=True)
class Order:
    """A step as a person thinks of it."""

    recipe: Recipe
    inputs: tuple[Supply, ...] = ()
    wishes: tuple[Wish, ...] = ()
    site: SiteId | None = None
    process: ProcessNumbers | None = None
    signers: tuple[SignerRef, ...] = ()
    replaces: LotId | None = None
    tolerance: Ppm | None = None
    """At mining: how much of the metal is kept as measurement reserve. Nothing: as much as the
    recipe, the licence and the assurances allow."""

    @cached_property
    def expanded(self) -> ExpandedRecipe:
        """The recipe with its wildcard replaced."""
        return expand(self.recipe)


@dataclass(frozen=True)
class Desk:
    """Where planning happens: the consortium's tables and constants, the time, and for whom."""

    tables: Tables
    constants: Constants
    now: BlockTime
    """Block time at which the step is expected to be accepted; decides on expiries only."""
    home: Address
    """Who receives remainders, and outputs without a recipient."""

    def form(self, name: FormName) -> Form:
        """Return a form.

        Raises:
            UnknownForm: there is none of this name.
        """
        return self.tables.forms[name]

    def is_material(self, name: FormName) -> bool:
        """Return whether lots of a form carry emissions."""
        return not self.form(name).form_class.is_right

    def expiry(
        self, family: Family, form_class: FormClass, inputs: tuple[Supply, ...]
    ) -> BlockTime | None:
        """Return when a right made by a step expires, as the ledger will ask (§3).

        The earliest of the inputs of its own class; new rights and credits by the calendar.
        Nothing where a right of this class cannot come from the inputs.
        """
        own = [
            supply.contents.expires
            for supply in inputs
            if supply.contents.expires is not None
            and self.form(supply.contents.form).form_class is form_class
        ]
        is_credit = form_class is FormClass.CREDIT
        if family is Family.GRANT:
            return self.constants.right_expiry(self.now)
        if family is Family.DEPOSIT and is_credit:
            return min([*own, self.constants.credit_expiry(self.now)])
        if not own:
            issued = family is Family.TRANSFER_CREDIT and is_credit
            return self.constants.credit_expiry(self.now) if issued else None
        if family is Family.CARRY and is_credit:
            return self.constants.carried_expiry(min(own))
        return min(own)


@dataclass(frozen=True)
class Step:
    """One transform, every number filled in."""

    recipe: Recipe
    site: SiteId | None
    inputs: tuple[Supply, ...]
    outputs: tuple[PlannedLot, ...]
    process: ProcessNumbers | None = None
    signers: tuple[SignerRef, ...] = ()
    replaces: LotId | None = None


@dataclass(frozen=True)
class Chain:
    """Steps that build on each other, in the order in which they happen."""

    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Chain:
        """Return the chain with one more step."""
        return Chain((*self.steps, step))

    def supply(self, output: int, step: int = -1) -> Supply:
        """Return an output of a step, of the last one unless told, for a further step."""
        index = step % len(self.steps)
        planned = self.steps[index].outputs[output]
        return Supply(FromStep(index, output), contents_of_planned(planned), planned.site)

    def ends(self) -> tuple[FromStep, ...]:
        """Return the outputs that no later step uses up.

        In place of an output that is used up stand those of the step that does, so the parts of a
        lot that is split several times come in the order in which they were wished.
        """
        users = {
            supply.source: index
            for index, step in enumerate(self.steps)
            for supply in step.inputs
            if isinstance(supply.source, FromStep)
        }
        first = [
            index
            for index, step in enumerate(self.steps)
            if not any(isinstance(supply.source, FromStep) for supply in step.inputs)
        ]
        seen: set[int] = set()
        return tuple(end for index in first for end in self._ends(index, users, seen))

    def _ends(
        self, index: int, users: Mapping[FromStep, int], seen: set[int]
    ) -> Iterator[FromStep]:
        if index in seen:
            return  # several of its inputs lead here; the first one has named its outputs
        seen.add(index)
        for output in range(len(self.steps[index].outputs)):
            here = FromStep(index, output)
            if here in users:
                yield from self._ends(users[here], users, seen)
            else:
                yield here


def contents_of_planned(planned: PlannedLot) -> Contents:
    """Return what a planned lot will hold."""
    return Contents(
        form=planned.form,
        amounts={s: mg for s, mg in planned.amounts.items() if s.has_amount},
        claims=dict(planned.claims),
        emissions=planned.emissions,
        primary=planned.primary,
        expires=planned.expires,
        site_number=planned.site_number,
    )


@dataclass
class Draft:
    """One output while it is planned."""

    wish: Wish
    form: Form
    amounts: dict[Strand, Milligrams] = field(default_factory=dict)
    claims: dict[tuple[Strand, ClaimName], Milligrams] = field(default_factory=dict)

    @property
    def is_material(self) -> bool:
        """Return whether the output carries emissions."""
        return not self.form.form_class.is_right

    @property
    def is_residue(self) -> bool:
        """Return whether the output is a residue."""
        return self.form.form_class is FormClass.RESIDUE

    def has(self, strand: Strand) -> bool:
        """Return whether lots of the form may have a strand."""
        return self.form.width(strand.name) is not None
