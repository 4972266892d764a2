"""A step from the file that describes it to the ledger: plan, prove, sign, send.

Planning and proving are apart, so that a person reads the contained kilograms of everything before
anything is proved. What is finished is kept in the vault before it is sent: an interruption loses
neither numbers nor the promise of the lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lodeline.custody.plausibility import Advice
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.exchange.transform_file import ElementAmount, TransformFile
from lodeline.holder.building import BuiltTransform, OwnedLot
from lodeline.holder.contents import Contents
from lodeline.holder.plan_check import statement_of
from lodeline.holder.planner import plan_step
from lodeline.holder.plans import blend_down, build_chain, take_amount
from lodeline.holder.records import HeldLot, LotFacts, MadeRecord, OwnTransform
from lodeline.holder.signing import sign_site, transform_entry
from lodeline.holder.wishes import (
    Chain,
    Desk,
    FromStep,
    Order,
    Step,
    Supply,
    contents_of_planned,
    supply_of,
)
from lodeline.kernel.ids import LotId, MemberId, RecipeName, SiteId
from lodeline.ledger.entries import Transform, entry_id
from lodeline.node.capturing import Captured, capture
from lodeline.node.choosing import Need, choose_material, choose_rights, enters
from lodeline.node.governing import recipe_named
from lodeline.node.granting import tables_of
from lodeline.node.holding import Holding
from lodeline.node.requests import Piece, Request, Shown, seal_pieces, with_signature
from lodeline.node.sending import Sent, dispatch

__all__ = [
    "Finished",
    "PlannedOutput",
    "Prepared",
    "desk_of",
    "finish",
    "keep",
    "pieces_for",
    "planned_outputs",
    "prepare",
    "prove_chain",
    "requested",
    "seconds_to_prove",
    "settle",
    "shifted",
    "supply",
]

_SEES_PROCESS = ("auditor", "carrier", "energy-auditor")
_SEES_INPUTS = ("auditor", "counterparty", "umpire")
_SEES_RIGHTS = ("auditor", "authority", "certifier", "customs")
_MICROSECONDS_PER_BIT = 900
"""Of proving and of verifying the own proof, measured (`lodeline bench proofs`)."""
_SPLIT, _BLEND = RecipeName("split"), RecipeName("blend")


@dataclass(frozen=True)
class PlannedOutput:
    """One lot that will come out, as it is read before anything is proved."""

    contents: Contents
    to: MemberId
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Prepared:
    """A step with every number filled in, not yet proved, and what must happen before it."""

    captured: Captured
    inputs: tuple[HeldLot, ...]
    """Lots that are used up, be it by a step before."""
    chain: Chain
    """Splits and blends that make the inputs what they should be; at last the step itself."""

    @property
    def step(self) -> Step:
        """Return the step that was asked for."""
        return self.chain.steps[-1]

    @property
    def recipe(self) -> Recipe:
        """Return its recipe."""
        return self.step.recipe


@dataclass(frozen=True)
class Finished:
    """A step that is proved and kept: in the log, in the queue, or on its way round."""

    built: BuiltTransform
    sent: Sent


def desk_of(own: Holding) -> Desk:
    """Return what planning needs to know of the consortium, the time and the holder."""
    session = own.session
    return Desk(tables_of(session), session.constants, session.now(), own.address)


def supply(own: Holding, lot: HeldLot) -> Supply:
    """Return a held lot as something that a step can use up."""
    return supply_of(lot.owned(own.keys), None if lot.site is None else SiteId(lot.site))


def prepare(own: Holding, file: TransformFile, folder: Path) -> Prepared:
    """Return the step that a file describes, every number filled in.

    Raises:
        RecipeNotFound, LotPrefixUnknown, CoSignerNotNamed, …: names in the file.
        LotNotFree: a lot that is named is used up or promised.
        InputsNotNamed, NotEnoughHeld: lots that are not named cannot be chosen.
        PlanRefused: the numbers cannot be; one class for each reason.
    """
    _, record = recipe_named(own.session, file.recipe)
    captured = capture(own, record.recipe, file, folder)
    wishes = tuple(output.wish for output in captured.outputs)
    gathered = _gather(own, file, record.recipe)
    rights = choose_rights(own, record.recipe, file.site, gathered.held, Need.of(wishes))
    order = Order(
        recipe=record.recipe,
        inputs=(*gathered.supplies, *(supply(own, lot) for lot in rights)),
        wishes=wishes,
        site=file.site,
        process=captured.process,
        signers=captured.signers,
        replaces=None if file.replaces is None else own.lot_named(file.replaces.text).lot_id,
    )
    chain = gathered.chain.then(plan_step(desk_of(own), order))
    return Prepared(captured, (*gathered.held, *rights), chain)


@dataclass
class _Gathered:
    """Material for a step: lots of the vault, and what they have become by the time it happens."""

    held: list[HeldLot]
    supplies: list[Supply]
    chain: Chain


def _gather(own: Holding, file: TransformFile, recipe: Recipe) -> _Gathered:
    """Return the lots that a file names, with splits where an amount was asked for."""
    named = [own.vault.free_lot(own.lot_named(item.text).lot_id) for item in file.inputs.lots]
    found = _Gathered(named, [supply(own, lot) for lot in named], Chain())
    desk = desk_of(own)
    for amount in file.inputs.amounts:
        _take(own, desk, found, choose_material(own, desk, recipe, amount, found.held), amount)
    for part in file.inputs.parts:
        lots = [own.vault.free_lot(own.lot_named(item.text).lot_id) for item in part.lots]
        _take(own, desk, found, lots, part.amount)
    return _blended(own, desk, recipe, found)


def _take(
    own: Holding, desk: Desk, found: _Gathered, lots: Sequence[HeldLot], amount: ElementAmount
) -> None:
    """Add an amount out of some lots, with the split that it needs."""
    _, split = recipe_named(own.session, _SPLIT)
    supplies = [supply(own, lot) for lot in lots]
    strand = Strand(amount.element, Kind.METAL)
    taken = take_amount(desk, split.recipe, supplies, strand, amount.mass)
    found.held += lots
    found.supplies += [shifted(one, len(found.chain.steps)) for one in taken.lots]
    found.chain = Chain((*found.chain.steps, *taken.chain.steps))


def shifted(one: Supply, by: int) -> Supply:
    """Return a supply out of a chain that was put behind ``by`` other steps."""
    source = one.source
    if not isinstance(source, FromStep):
        return one
    return replace(one, source=FromStep(source.step + by, source.output))


def _blended(own: Holding, desk: Desk, recipe: Recipe, found: _Gathered) -> _Gathered:
    """Blend material first where there are more lots of it than the recipe takes at once."""
    ports = [port for port in recipe.inputs if enters(own, found.supplies, port)]
    if len(ports) != 1 or len(found.supplies) <= ports[0].at_most:
        return found
    _, blend = recipe_named(own.session, _BLEND)
    chain, left = blend_down(desk, blend.recipe, found.supplies, ports[0].at_most, found.chain)
    return _Gathered(found.held, left, chain)


def planned_outputs(own: Holding, prepared: Prepared) -> tuple[PlannedOutput, ...]:
    """Return what will come out, remainders of rights included."""
    found = []
    for index, planned in enumerate(prepared.step.outputs):
        known = prepared.captured.outputs[index : index + 1]
        to = known[0].to if known else own.member
        advice = known[0].advice if known else ()
        found.append(PlannedOutput(contents_of_planned(planned), to, advice))
    return tuple(found)


def seconds_to_prove(own: Holding, chain: Chain) -> int:
    """Return about how many seconds the proofs of some steps take on an ordinary processor.

    A range proof costs by its bits, filled up to a power of two; the rest hardly counts.
    """
    desk = desk_of(own)
    bits = (sum(one.bits for one in statement_of(desk, step).ranges) for step in chain.steps)
    filled = sum(1 << max(0, count - 1).bit_length() for count in bits)
    return max(1, filled * _MICROSECONDS_PER_BIT // 10**6)


def prove_chain(own: Holding, chain: Chain) -> tuple[BuiltTransform, ...]:
    """Return steps proved one after the other, each own proof verified.

    Raises:
        ShapeRefused, StatementIsFalse, OpeningDoesNotMatch: one cannot be proved.
    """
    return build_chain(desk_of(own), chain, own.keys, own.session.entropy)


def finish(own: Holding, prepared: Prepared, built: Sequence[BuiltTransform]) -> Finished:
    """Keep proved steps, sign them, and send them or make the request for co-signers of the last.

    Raises:
        FacilityKeyMissing: the site's key is not with this member.
        LotNotFree: a lot was used or promised meanwhile.
        LodelineError: the ledger refused one; its lots are free again.
    """
    sent: Sent | None = None
    for one, step in zip(built, prepared.chain.steps, strict=True):
        facts = prepared.captured.outputs if step is prepared.step else ()
        sent = settle(own, step, one, tuple(output.facts for output in facts))
    if sent is None:
        message = "a chain has at least one step"
        raise TypeError(message)
    return Finished(built[-1], sent)


def settle(
    own: Holding, step: Step, built: BuiltTransform, facts: Sequence[LotFacts | None] = ()
) -> Sent:
    """Keep one proved step, sign it, and send it or make the request for its co-signers.

    Raises:
        FacilityKeyMissing, LotNotFree, …: as `finish`.
    """
    request = requested(own, step, built, facts)
    lots = tuple(LotId(item.lot) for item in built.body.inputs)
    return dispatch(own, request, lots, step.recipe.name)


def requested(
    own: Holding, step: Step, built: BuiltTransform, facts: Sequence[LotFacts | None] = ()
) -> Request:
    """Keep one proved step and return it with the holder's signatures; nothing is promised yet.

    Raises:
        FacilityKeyMissing: the site's key is not with this member.
    """
    entry = transform_entry(built)
    if built.body.site is not None and step.recipe.needs_site:
        entry = sign_site(entry, built.body.site, own.keys.facility(built.body.site))
    request = Request(entry, (), (), _shown(own, step, built, entry))
    for signer in dict.fromkeys(signer.member for signer in built.body.signers):
        if signer == own.member:
            request = with_signature(own.session.state, request, signer, own.keys)
    keep(own, step, built, facts)
    return request


def keep(
    own: Holding, step: Step, built: BuiltTransform, facts: Sequence[LotFacts | None] = ()
) -> None:
    """Write the numbers of a step, and what is known about its outputs, into the vault."""
    with own.vault.change():
        own.vault.record_transform(
            OwnTransform(
                transform=built.transform_id,
                recipe=built.body.recipe,
                recipe_name=step.recipe.name,
                site=built.body.site,
                inputs=tuple(item.lot for item in built.body.inputs),
                outputs=tuple(
                    MadeRecord(made.lot_id, made.public, made.opening) for made in built.made
                ),
                process=built.process,
                remark="",
            )
        )
        for made, known in zip(built.made, facts, strict=False):
            if known is not None:
                own.vault.record_facts(LotId(made.lot_id), known)


# ------------------------------------------------------------------ what signers see


def _shown(own: Holding, step: Step, built: BuiltTransform, entry: Transform) -> tuple[Shown, ...]:
    """Return what each signer but the holder is asked to vouch for, sealed to it."""
    identity = entry_id(entry)
    found = []
    for signer in built.body.signers:
        if signer.member == own.member:
            continue
        pieces = pieces_for(own, signer.role, step, built)
        found.append(seal_pieces(own.session.member(signer.member), identity, pieces))
    return tuple(found)


def pieces_for(own: Holding, role: str, step: Step, built: BuiltTransform) -> list[Piece]:
    """Return what a role needs to judge; what is left of rights is nobody's business but theirs."""
    found: list[Piece] = []
    forms = own.session.state.tables.forms
    if role in _SEES_PROCESS and built.process is not None:
        found.append(Piece("process", 0, built.process))
    if role in _SEES_INPUTS:
        found += [
            Piece("input", index, source.opening)
            for index, one in enumerate(step.inputs)
            if isinstance(source := one.source, OwnedLot)
        ]
    for index, made in enumerate(built.made):
        is_right = forms[made.public.form].form_class.is_right
        if not is_right or role in _SEES_RIGHTS:
            found.append(Piece("output", index, made.opening))
    return found
