"""The book in which the chapters write: steps, the lots that they make, and where each lot went.

Every number is worked out by the holder's planner, as for any other user. The book itself refuses
what makes no sense as a story: a lot used twice, before it was made, or by somebody who does not
hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lodeline.crypto.onetime import Address
from lodeline.custody.recipes import Family, Recipe
from lodeline.holder.building import PlannedLot, ProcessNumbers, Tables
from lodeline.holder.plan_check import statement_of
from lodeline.holder.planner import plan_step
from lodeline.holder.wishes import (
    Desk,
    FromStep,
    Order,
    Supply,
    Wish,
    contents_of_planned,
)
from lodeline.holder.wishes import Step as Planned
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, MemberId, RecipeName, Role, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Ppm
from lodeline.ledger.records import Constants
from lodeline.pilot.companies import Cast
from lodeline.pilot.steps import (
    Answer,
    Chapter,
    LotName,
    Offered,
    Outcome,
    PlainLot,
    Reversed,
    Step,
    Weighing,
    Work,
)
from lodeline.proofs.body import SignerRef

__all__ = ["Book", "Deed", "LotGone", "LotNotHeld", "LotNotYetMade", "Reference"]

_WEEK = 7 * 86_400
_SALE = RecipeName("sale")


class LotGone(LodelineError):
    """A lot of the story that was used up before."""

    lot: LotName

    code = "pilot-lot-gone"
    en = "the lot {lot} of the story is used up already"
    fr = "le lot {lot} du récit est déjà consommé"
    advice_en = "use what the earlier step made of it"
    advice_fr = "utilisez ce que l'étape précédente en a fait"


class LotNotHeld(LodelineError):
    """A lot of the story that somebody else holds."""

    lot: LotName
    holder: MemberId
    actor: MemberId

    code = "pilot-lot-not-held"
    en = "the lot {lot} of the story belongs to {holder}, not to {actor}"
    fr = "le lot {lot} du récit appartient à {holder}, non à {actor}"
    advice_en = "have it sold first"
    advice_fr = "faites-le vendre d'abord"


class LotNotYetMade(LodelineError):
    """A lot of the story that is used before it is there."""

    lot: LotName
    made_at: BlockTime
    used_at: BlockTime

    code = "pilot-lot-not-yet-made"
    en = "the lot {lot} of the story is made at {made_at} and used at {used_at}"
    fr = "le lot {lot} du récit est fait à {made_at} et utilisé à {used_at}"
    advice_en = "give the step a later time"
    advice_fr = "donnez à l'étape une heure plus tardive"


@dataclass(frozen=True)
class Reference:
    """What the consortium adopted, and where lots for each company are sent."""

    recipes: Mapping[RecipeName, Recipe]
    tables: Tables
    constants: Constants
    addresses: Mapping[MemberId, Address]


@dataclass(frozen=True)
class Deed:
    """A transform as a chapter asks for it."""

    at: BlockTime
    chapter: Chapter
    actor: MemberId
    recipe: str
    inputs: Sequence[PlainLot]
    outputs: Sequence[Wish]
    process: ProcessNumbers | None = None
    signers: Mapping[str, MemberId] = field(default_factory=dict)
    """Who signs in a role, where it is not whom the cast has for it."""
    weighings: tuple[Weighing, ...] = ()
    grantee: MemberId | None = None
    """Whose site it is and who gets what is made, where the actor is an authority."""
    tolerance: Ppm | None = None
    """At mining: reserve for each metal without one in the outputs."""

    @property
    def holder(self) -> MemberId:
        """Return who gets what is made."""
        return self.grantee or self.actor


class Book:
    """Steps in the order of writing, and every lot."""

    def __init__(self, reference: Reference, cast: Cast) -> None:
        """Start an empty book."""
        self.reference = reference
        self.cast = cast
        self._steps: list[Step] = []
        self._gone: set[LotName] = set()
        self._counts: dict[tuple[MemberId, FormName], int] = {}
        self.lots: dict[LotName, PlainLot] = {}

    def steps(self) -> tuple[Step, ...]:
        """Return the steps by time; of one time, in the order of writing."""
        return tuple(sorted(self._steps, key=lambda step: step.at))

    def unspent(self, holder: MemberId) -> tuple[PlainLot, ...]:
        """Return what a company holds at the end, in the order of making."""
        return tuple(
            lot
            for name, lot in self.lots.items()
            if lot.holder == holder and name not in self._gone
        )

    # ------------------------------------------------------------------ transforms

    def work(self, deed: Deed) -> tuple[PlainLot, ...]:
        """Write a transform down and return what it makes, remainders of rights last.

        Raises:
            LotGone, LotNotHeld, LotNotYetMade: an input.
            RoleUnfilled, CompanyUnknown: nobody can co-sign.
            PlanRefused: the numbers cannot be.
        """
        self._use(deed.inputs, deed.actor, deed.at)
        recipe = self.reference.recipes[RecipeName(deed.recipe)]
        order = Order(
            recipe=recipe,
            inputs=tuple(lot.supply for lot in deed.inputs),
            wishes=tuple(deed.outputs),
            site=self._site(recipe, deed),
            process=deed.process,
            signers=self._signers(recipe, deed),
            tolerance=deed.tolerance,
        )
        desk = self._desk(deed.holder, deed.at)
        planned = plan_step(desk, order)
        made = self._made(planned, deed.holder, deed.at)
        self._steps.append(
            Work(
                at=deed.at,
                chapter=deed.chapter,
                actor=deed.actor,
                planned=planned,
                inputs=tuple(lot.name for lot in deed.inputs),
                outputs=made,
                range_bits=statement_of(desk, planned).range_bits,
                weighings=deed.weighings,
            )
        )
        self.lots.update({lot.name: lot for lot in made})
        return made

    def _desk(self, holder: MemberId, at: BlockTime) -> Desk:
        reference = self.reference
        home = reference.addresses[holder]
        return Desk(reference.tables, reference.constants, at, home)

    def _site(self, recipe: Recipe, deed: Deed) -> SiteId | None:
        if recipe.family is not Family.GRANT and not recipe.needs_site:
            return None
        return self.cast[deed.holder].site

    def _signers(self, recipe: Recipe, deed: Deed) -> tuple[SignerRef, ...]:
        chosen: dict[Role, MemberId] = {}
        for role in recipe.co_signers:
            named = deed.signers.get(role)
            chosen[role] = named or self.cast.signer(role, deed.holder, chosen.values())
        return tuple(SignerRef(member, role) for role, member in chosen.items())

    def _made(self, planned: Planned, holder: MemberId, at: BlockTime) -> tuple[PlainLot, ...]:
        return tuple(
            self._lot(lot, holder, at, FromStep(len(self._steps), index))
            for index, lot in enumerate(planned.outputs)
        )

    def _lot(
        self, planned: PlannedLot, holder: MemberId, at: BlockTime, place: FromStep
    ) -> PlainLot:
        supply = Supply(place, contents_of_planned(planned), planned.site)
        name = self._name(holder, planned.form)
        return PlainLot(name, holder, supply, at, planned.product)

    def _name(self, holder: MemberId, form: FormName) -> LotName:
        count = self._counts.get((holder, form), 0) + 1
        self._counts[holder, form] = count
        return LotName(f"{holder}/{form}/{count}")

    # ------------------------------------------------------------------ trade

    def offer(
        self, at: BlockTime, chapter: Chapter, lots: Sequence[PlainLot], buyer: MemberId
    ) -> Offered:
        """Write an offer of lots of one holder down; it stays open for a week.

        Raises:
            LotGone, LotNotHeld, LotNotYetMade: a lot.
        """
        seller = lots[0].holder
        self._held(lots, seller, at)
        wish = Wish(lots[0].contents.form, recipient=self.reference.addresses[buyer])
        order = Order(
            recipe=self.reference.recipes[_SALE],
            inputs=tuple(lot.supply for lot in lots),
            wishes=(wish,),
        )
        planned = plan_step(self._desk(seller, at), order)
        offered = Offered(
            at=at,
            chapter=chapter,
            actor=seller,
            buyer=buyer,
            planned=planned,
            inputs=tuple(lot.name for lot in lots),
            outputs=self._made(planned, buyer, at),
            deadline=BlockTime(at + _WEEK),
        )
        self._steps.append(offered)
        return offered

    def accept(self, at: BlockTime, offered: Offered) -> tuple[PlainLot, ...]:
        """Write down that the buyer accepts, and return the lots as his."""
        self._use([self.lots[name] for name in offered.inputs], offered.actor, at)
        self._steps.append(Answer(at, offered.chapter, offered.buyer, offered, Outcome.ACCEPTED))
        made = tuple(replace(lot, made_at=at) for lot in offered.outputs)
        self.lots.update({lot.name: lot for lot in made})
        return made

    def decline(self, at: BlockTime, offered: Offered, reason: str) -> None:
        """Write down that the buyer declines, for a reason that the ledger sees hashed."""
        answer = Answer(at, offered.chapter, offered.buyer, offered, Outcome.DECLINED, reason)
        self._steps.append(answer)

    def withdraw(self, at: BlockTime, offered: Offered) -> None:
        """Write down that the seller takes the offer back."""
        answer = Answer(at, offered.chapter, offered.actor, offered, Outcome.WITHDRAWN)
        self._steps.append(answer)

    def sell(
        self, at: BlockTime, chapter: Chapter, lots: Sequence[PlainLot], buyer: MemberId
    ) -> tuple[PlainLot, ...]:
        """Write an offer and, half a day later, its acceptance down; return the buyer's lots."""
        offered = self.offer(at, chapter, lots, buyer)
        return self.accept(BlockTime(at + 43_200), offered)

    # ------------------------------------------------------------------ undoing

    def reverse(self, at: BlockTime, made: Sequence[PlainLot]) -> tuple[PlainLot, ...]:
        """Undo the work that made these lots, and return what it had used, as new lots.

        Raises:
            LotGone, LotNotHeld, LotNotYetMade: a lot has moved on, or no work made exactly these.
        """
        work = self._work_of(made)
        self._use(made, work.actor, at)
        place = len(self._steps)
        given = tuple(
            self._restored(self.lots[name], at, FromStep(place, index))
            for index, name in enumerate(work.inputs)
        )
        self.lots.update({lot.name: lot for lot in given})
        self._steps.append(Reversed(at, Chapter.MISHAPS, work.actor, work, given))
        return given

    def _restored(self, old: PlainLot, at: BlockTime, place: FromStep) -> PlainLot:
        name = self._name(old.holder, old.contents.form)
        return replace(old, name=name, made_at=at, supply=replace(old.supply, source=place))

    def _work_of(self, made: Sequence[PlainLot]) -> Work:
        names = {lot.name for lot in made}
        for step in reversed(self._steps):
            if isinstance(step, Work) and {lot.name for lot in step.outputs} == names:
                return step
        raise LotGone(made[0].name)

    # ------------------------------------------------------------------ refusals

    def _use(self, lots: Sequence[PlainLot], actor: MemberId, at: BlockTime) -> None:
        self._held(lots, actor, at)
        for lot in lots:
            if lot.name in self._gone:
                raise LotGone(lot.name)
            self._gone.add(lot.name)

    def _held(self, lots: Sequence[PlainLot], actor: MemberId, at: BlockTime) -> None:
        for lot in lots:
            if lot.name in self._gone:
                raise LotGone(lot.name)
            if lot.holder != actor:
                raise LotNotHeld(lot.name, lot.holder, actor)
            if lot.made_at >= at:
                raise LotNotYetMade(lot.name, lot.made_at, at)
