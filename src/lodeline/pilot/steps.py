"""The steps of the story in plain numbers: what will be proved, by whom, when.

A step names the lots that it uses and those that it makes. Nothing here has a key or a commitment:
two runs with one seed have equal steps, and different proofs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType, TypeAlias

from lodeline.holder.contents import Contents
from lodeline.holder.wishes import Step as Planned
from lodeline.holder.wishes import Supply
from lodeline.kernel.ids import MemberId, RecipeName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, Ppm

__all__ = [
    "Answer",
    "Chapter",
    "LotName",
    "Offered",
    "Outcome",
    "PlainLot",
    "Reversed",
    "Step",
    "Weighing",
    "Work",
    "gives",
    "needs",
]

LotName = NewType("LotName", str)
"""What a lot is called in the story: `mwinda/cobalt-hydroxide/2`."""


class Chapter(Enum):
    """What a step belongs to, in the order in which a reader would tell it."""

    RIGHTS = "rights"
    MINING = "mining"
    LEACHING = "leaching"
    EXPORT = "export"
    TRADE = "trade"
    MISHAPS = "mishaps"
    REFINING = "refining"
    CREDITS = "credits"
    OUTSIDE = "outside"
    CATHODE = "cathode"
    CELLS = "cells"
    CARS = "cars"
    RECYCLING = "recycling"


@dataclass(frozen=True)
class Weighing:
    """What weighbridge and laboratory said of a lot; kept by its holder, never on the ledger."""

    wet: Milligrams
    moisture: Ppm
    assay: Ppm
    """Cobalt in the dry material."""


@dataclass(frozen=True)
class PlainLot:
    """One lot in plain numbers."""

    name: LotName
    holder: MemberId
    supply: Supply
    """What planning needs of it; its source is its place in the story."""
    made_at: BlockTime
    product: str | None = None
    """Identifier of a product that is put on the market."""

    @property
    def contents(self) -> Contents:
        """Return what the lot holds."""
        return self.supply.contents


@dataclass(frozen=True)
class Work:
    """A transform."""

    at: BlockTime
    chapter: Chapter
    actor: MemberId
    planned: Planned
    inputs: tuple[LotName, ...]
    outputs: tuple[PlainLot, ...]
    range_bits: int
    """Width of its ranges together: what proving it costs."""
    weighings: tuple[Weighing, ...] = field(default=())
    """Of the first output, where it was settled: the seller's, then the buyer's."""

    @property
    def recipe(self) -> RecipeName:
        """Return the name of its recipe."""
        return self.planned.recipe.name


@dataclass(frozen=True)
class Offered:
    """A finished sale that waits for an answer; `outputs` come into being if it is accepted."""

    at: BlockTime
    chapter: Chapter
    actor: MemberId
    buyer: MemberId
    planned: Planned
    inputs: tuple[LotName, ...]
    outputs: tuple[PlainLot, ...]
    deadline: BlockTime

    @property
    def recipe(self) -> RecipeName:
        """Return the name of its recipe."""
        return self.planned.recipe.name

    @property
    def range_bits(self) -> int:
        """Return 0: a sale is proved by equality."""
        return 0


class Outcome(Enum):
    """How an offer ends."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Answer:
    """An offer ends."""

    at: BlockTime
    chapter: Chapter
    actor: MemberId
    offer: Offered
    outcome: Outcome
    reason: str = ""
    """Of a decline; the ledger sees its hash."""


@dataclass(frozen=True)
class Reversed:
    """An honest mistake is undone: `outputs` equal the inputs of the work."""

    at: BlockTime
    chapter: Chapter
    actor: MemberId
    work: Work
    outputs: tuple[PlainLot, ...]


Step: TypeAlias = Work | Offered | Answer | Reversed


def needs(step: Step) -> tuple[LotName, ...]:
    """Return the lots that must be known before a step can be proved or signed."""
    if isinstance(step, Answer):
        offer = step.offer
        if step.outcome is Outcome.WITHDRAWN:
            return offer.inputs
        return tuple(lot.name for lot in offer.outputs)
    if isinstance(step, Reversed):
        return step.work.inputs + tuple(lot.name for lot in step.work.outputs)
    return step.inputs


def gives(step: Step) -> tuple[PlainLot, ...]:
    """Return the lots whose openings a step makes; of an offer, before anybody accepts it."""
    return () if isinstance(step, Answer) else step.outputs
