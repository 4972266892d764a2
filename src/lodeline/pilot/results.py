"""What happened in the quarter, added up from the steps; and what single vaults answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lodeline.custody.claims import ClaimName
from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import MemberId, StandardName
from lodeline.kernel.units import Milligrams, Ppm, milligrams, ppm
from lodeline.node.figures import total_figures
from lodeline.node.holding import holding
from lodeline.node.session import Session
from lodeline.pilot.companies import Company, CompanyKind
from lodeline.pilot.credits import banked
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.steps import Answer, Outcome, PlainLot, Reversed, Work
from lodeline.pilot.story import Story
from lodeline.pilot.telling import COBALT, COPPER, tied

__all__ = ["STANDARD_ASKED", "Answered", "Happened", "answer_from", "happened", "who_is_asked"]

STANDARD_ASKED = StandardName("RMAP-refiner")
_REFINING = (
    ("refine-cobalt-sulfate", "cobalt-sulfate"),
    ("refine-cobalt-sulfate-mass-balance", "cobalt-sulfate"),
    ("refine-cobalt-sulfate-take-up", "cobalt-sulfate"),
    ("refine-cobalt-metal", "cobalt-metal"),
)


@dataclass(frozen=True)
class Happened:
    """The quarter in figures; masses are contained metal."""

    transforms: int
    """Everything that used lots up and made others: sales that were accepted too, grants not."""
    grants: int
    sales: int
    declined: int
    withdrawn: int
    reversed: int
    settlements: int
    largest_difference: Ppm
    """Greatest difference between the seller's and the buyer's cobalt in a settlement."""
    cobalt_mined: Milligrams
    hydroxide: Milligrams
    copper: Milligrams
    exported: Milligrams
    quota: Milligrams
    refined: Milligrams
    lost: Milligrams
    recycled: Milligrams
    deposited: Milligrams
    taken_up: Milligrams
    carried: Milligrams
    lapsed: Milligrams
    cars: int


def happened(story: Story) -> Happened:
    """Add the steps of a story up."""
    works = [step for step in story.steps if isinstance(step, Work)]
    grants = [work for work in works if work.planned.recipe.family is Family.GRANT]
    ends = Counter(step.outcome for step in story.steps if isinstance(step, Answer))
    sums = _Sums(story, works)
    return Happened(
        transforms=len(works) - len(grants) + ends[Outcome.ACCEPTED],
        grants=len(grants),
        sales=ends[Outcome.ACCEPTED],
        declined=ends[Outcome.DECLINED],
        withdrawn=ends[Outcome.WITHDRAWN],
        reversed=sum(isinstance(step, Reversed) for step in story.steps),
        settlements=len(sums.settled()),
        largest_difference=max(sums.settled(), default=Ppm(0)),
        cobalt_mined=sums.made("mine-copper-cobalt", "copper-cobalt-ore", COBALT),
        hydroxide=sums.made("leach-cobalt", "cobalt-hydroxide", COBALT),
        copper=sums.made("leach-cobalt", "copper-cathode", COPPER),
        exported=sums.made("export-cobalt", "cobalt-hydroxide", COBALT),
        quota=sums.made("grant-quota", "quota", tied(COBALT, Kind.QUOTA)),
        refined=milligrams(sum(sums.made(name, form, COBALT) for name, form in _REFINING)),
        lost=sums.used("write-off", COBALT),
        recycled=sums.made("recycle-scrap-to-sulfate", "cobalt-sulfate", COBALT),
        deposited=sums.credited("refine-cobalt-sulfate-mass-balance"),
        taken_up=milligrams(
            sums.debited("refine-cobalt-sulfate-take-up")
            - sums.credited("refine-cobalt-sulfate-take-up")
        ),
        carried=sums.credited("carry-credit"),
        lapsed=milligrams(sums.debited("carry-credit") - sums.credited("carry-credit")),
        cars=len(story.cars),
    )


class _Sums:
    """Amounts over the works of a story, by recipe."""

    def __init__(self, story: Story, works: Sequence[Work]) -> None:
        self._lots, self._works = story.book.lots, works

    def _of(self, recipe: str) -> Iterator[Work]:
        return (work for work in self._works if work.recipe == recipe)

    def made(self, recipe: str, form: str, strand: Strand) -> Milligrams:
        return milligrams(
            sum(
                lot.contents.amount(strand)
                for work in self._of(recipe)
                for lot in work.outputs
                if lot.contents.form == form
            )
        )

    def _inputs(self, recipe: str) -> Iterator[PlainLot]:
        return (self._lots[name] for work in self._of(recipe) for name in work.inputs)

    def used(self, recipe: str, strand: Strand) -> Milligrams:
        return milligrams(sum(lot.contents.amount(strand) for lot in self._inputs(recipe)))

    def credited(self, recipe: str) -> Milligrams:
        return _in_credit(lot for work in self._of(recipe) for lot in work.outputs)

    def debited(self, recipe: str) -> Milligrams:
        return _in_credit(self._inputs(recipe))

    def settled(self) -> list[Ppm]:
        """Return the relative difference of every settlement."""
        return [
            self._difference(work)
            for work in self._works
            if work.planned.recipe.family is Family.SETTLE
        ]

    def _difference(self, work: Work) -> Ppm:
        before = self._lots[work.inputs[0]].contents.amount(COBALT)
        after = work.outputs[0].contents.amount(COBALT)
        return ppm(abs(after - before) * PPM_ONE // before)


def _in_credit(lots: Iterable[PlainLot]) -> Milligrams:
    return milligrams(sum(sum(banked(lot).values()) for lot in lots))


# ------------------------------------------------------------------ one question, several vaults


@dataclass(frozen=True)
class Answered:
    """What one company's own vault says about its cobalt."""

    member: MemberId
    title: str
    lots: int
    cobalt: Milligrams
    certified: tuple[tuple[ClaimName, Ppm], ...]
    """Every claim of the standard, with its share of the cobalt, rounded down."""
    others: tuple[tuple[ClaimName, Ppm], ...]
    """Claims of other standards."""


def who_is_asked(scenario: Scenario) -> tuple[Company, ...]:
    """Return a carmaker, a cell maker and a trader."""
    cast = scenario.cast
    return (
        cast.of_kind(CompanyKind.CARMAKER)[0],
        cast.of_kind(CompanyKind.CELL_MAKER)[-1],
        cast.of_kind(CompanyKind.TRADER)[0],
    )


def answer_from(session: Session, company: Company, standard: StandardName) -> Answered:
    """Return what a company answers from its vault, about the material that it holds now.

    The vault is made of keystore and log alone, as the company itself would.

    Raises:
        LodelineError: as `node.holding.holding`.
    """
    with holding(session, company.member) as own:
        held = [lot.contents for lot in own.unspent() if COBALT in lot.contents.amounts]
    figures = total_figures(held)
    shares = tuple(
        (item.claim, item.share)
        for item in figures.claims
        if item.strand == COBALT and item.share is not None
    )
    return Answered(
        member=company.member,
        title=company.title,
        lots=len(held),
        cobalt=figures.mass(COBALT),
        certified=tuple(pair for pair in shares if pair[0].standard == standard),
        others=tuple(pair for pair in shares if pair[0].standard != standard),
    )
