"""A step from the file that describes it to the ledger: plan, prove, sign, send.

Planning and proving are apart, so that a person reads the contained kilograms of everything before
anything is proved. What is finished is kept in the vault before it is sent: an interruption loses
neither numbers nor the promise of the lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lodeline.custody.plausibility import Advice
from lodeline.custody.recipes import Recipe
from lodeline.exchange.transform_file import TransformFile
from lodeline.holder.building import BuiltTransform, OwnedLot, Plan, build_transform
from lodeline.holder.contents import Contents
from lodeline.holder.planner import plan_step
from lodeline.holder.records import HeldLot, MadeRecord, OwnTransform
from lodeline.holder.signing import sign_site, transform_entry
from lodeline.holder.wishes import Desk, Order, Step, contents_of_planned, supply_of
from lodeline.kernel.ids import LotId, MemberId, SiteId
from lodeline.ledger.entries import Transform, entry_id
from lodeline.node.capturing import Captured, capture
from lodeline.node.choosing import Need, choose_inputs, choose_material
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
    "planned_outputs",
    "prepare",
    "prove_step",
]

_SEES_PROCESS = ("auditor", "carrier", "energy-auditor")
_SEES_INPUTS = ("auditor", "counterparty", "umpire")


@dataclass(frozen=True)
class PlannedOutput:
    """One lot that will come out, as it is read before anything is proved."""

    contents: Contents
    to: MemberId
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Prepared:
    """A step with every number filled in, not yet proved."""

    captured: Captured
    inputs: tuple[HeldLot, ...]
    step: Step

    @property
    def recipe(self) -> Recipe:
        """Return the recipe."""
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
    named = _named(own, file, record.recipe)
    inputs = choose_inputs(own, record.recipe, file.site, named, Need.of(wishes))
    order = Order(
        recipe=record.recipe,
        inputs=tuple(
            supply_of(lot.owned(own.keys), None if lot.site is None else SiteId(lot.site))
            for lot in inputs
        ),
        wishes=wishes,
        site=file.site,
        process=captured.process,
        signers=captured.signers,
        replaces=None if file.replaces is None else own.lot_named(file.replaces.text).lot_id,
    )
    return Prepared(captured, inputs, plan_step(desk_of(own), order))


def _named(own: Holding, file: TransformFile, recipe: Recipe) -> tuple[HeldLot, ...]:
    found = [own.vault.free_lot(own.lot_named(item.text).lot_id) for item in file.inputs.lots]
    for amount in file.inputs.amounts:
        found += choose_material(own, recipe, amount, found)
    return tuple(found)


def planned_outputs(own: Holding, prepared: Prepared) -> tuple[PlannedOutput, ...]:
    """Return what will come out, remainders of rights included."""
    found = []
    for index, planned in enumerate(prepared.step.outputs):
        known = prepared.captured.outputs[index : index + 1]
        to = known[0].to if known else own.member
        advice = known[0].advice if known else ()
        found.append(PlannedOutput(contents_of_planned(planned), to, advice))
    return tuple(found)


def prove_step(own: Holding, step: Step) -> BuiltTransform:
    """Return a step proved, its own proof verified; takes most of the time there is.

    Raises:
        ShapeRefused, StatementIsFalse, OpeningDoesNotMatch: it cannot be proved.
    """
    plan = Plan(
        recipe=step.recipe,
        site=step.site,
        inputs=tuple(_owned(supply.source) for supply in step.inputs),
        outputs=step.outputs,
        process=step.process,
        signers=step.signers,
        replaces=step.replaces,
    )
    return build_transform(plan, tables_of(own.session), own.session.entropy)


def _owned(source: object) -> OwnedLot:
    if not isinstance(source, OwnedLot):
        message = "a step of a chain is proved by the chain"
        raise TypeError(message)
    return source


def finish(own: Holding, prepared: Prepared, built: BuiltTransform) -> Finished:
    """Keep a proved step, sign it, and send it or make the request for its co-signers.

    Raises:
        FacilityKeyMissing: the site's key is not with this member.
        LotNotFree: a lot was used or promised meanwhile.
        LodelineError: the ledger refused it; the lots are free again.
    """
    entry = transform_entry(built)
    if built.body.site is not None and prepared.recipe.needs_site:
        entry = sign_site(entry, built.body.site, own.keys.facility(built.body.site))
    request = Request(entry, (), (), _shown(own, prepared, built, entry))
    for signer in dict.fromkeys(signer.member for signer in built.body.signers):
        if signer == own.member:
            request = with_signature(own.session.state, request, signer, own.keys)
    keep(own, prepared, built)
    lots = tuple(lot.lot_id for lot in prepared.inputs)
    return Finished(built, dispatch(own, request, lots, prepared.recipe.name))


def keep(own: Holding, prepared: Prepared, built: BuiltTransform) -> None:
    """Write the numbers of a step, and what is known about its outputs, into the vault."""
    with own.vault.change():
        own.vault.record_transform(
            OwnTransform(
                transform=built.transform_id,
                recipe=built.body.recipe,
                recipe_name=prepared.recipe.name,
                site=built.body.site,
                inputs=tuple(item.lot for item in built.body.inputs),
                outputs=tuple(
                    MadeRecord(made.lot_id, made.public, made.opening) for made in built.made
                ),
                process=built.process,
                remark="",
            )
        )
        for made, captured in zip(built.made, prepared.captured.outputs, strict=False):
            if captured.facts is not None:
                own.vault.record_facts(LotId(made.lot_id), captured.facts)


# ------------------------------------------------------------------ what signers see


def _shown(
    own: Holding, prepared: Prepared, built: BuiltTransform, entry: Transform
) -> tuple[Shown, ...]:
    """Return what each signer but the holder is asked to vouch for, sealed to it."""
    identity = entry_id(entry)
    found = []
    for signer in built.body.signers:
        if signer.member == own.member:
            continue
        pieces = tuple(_pieces(signer.role, prepared, built))
        found.append(seal_pieces(own.session.member(signer.member), identity, pieces))
    return tuple(found)


def _pieces(role: str, prepared: Prepared, built: BuiltTransform) -> list[Piece]:
    found: list[Piece] = []
    if role in _SEES_PROCESS and built.process is not None:
        found.append(Piece("process", 0, built.process))
    if role in _SEES_INPUTS:
        found += [Piece("input", index, lot.opening) for index, lot in enumerate(prepared.inputs)]
    found += [Piece("output", index, made.opening) for index, made in enumerate(built.made)]
    return found
