"""Correcting: a mistake that cannot be undone any more is set right on the lots as they are now.

Whoever has a lot says how much is really in it, never more than before; what there is less is gone
from the ledger. A correction names the step that was wrong. The issuer of that step and an auditor
sign it, and see both figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from lodeline.exchange.transform_file import (
    ContainedMass,
    ElementAmount,
    InputPart,
    LotPrefix,
    OutputPart,
    ProcessPart,
    TransformFile,
)
from lodeline.holder.building import BuiltTransform
from lodeline.holder.records import HeldLot
from lodeline.holder.signing import transform_entry
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    LotId,
    MemberId,
    RecipeName,
    Role,
    TransformId,
)
from lodeline.kernel.units import Milligrams, grams_co2e
from lodeline.ledger.descent import maker_of
from lodeline.ledger.entries import Correction, CorrectionBody, entry_id
from lodeline.ledger.records import MakingKind
from lodeline.node.holding import Holding
from lodeline.node.requests import Request, issuer_of, seal_pieces, with_signature
from lodeline.node.sending import Sent, dispatch
from lodeline.node.transforming import Prepared, keep, pieces_for, prepare
from lodeline.proofs.body import transform_id

__all__ = ["Corrected", "correct", "prepare_correction", "step_named"]

_RECIPE: Final = RecipeName("correct")
_AUDITOR: Final = Role("auditor")
_FEWEST_CHARACTERS: Final = 6


class StepUnknown(LodelineError):
    """Characters that begin the number of no step, or of several."""

    prefix: str
    found: int

    code = "step-prefix-unknown"
    en = "{found} steps of the ledger begin with “{prefix}”"
    fr = "{found} étapes du registre commencent par « {prefix} »"
    advice_en = "give more characters; the reason of a held declaration names its step"
    advice_fr = "donnez plus de caractères ; le motif de la déclaration retenue nomme l'étape"


class MoreThanBefore(LodelineError):
    """A correction to more than a lot had."""

    element: ElementSymbol
    had: Milligrams
    wanted: Milligrams

    code = "correct-more-than-before"
    en = "the lot has {had} {element}; a correction cannot make {wanted} of it"
    fr = "le lot contient {had} de {element} ; une correction n'en fait pas {wanted}"
    advice_en = "report what is missing as a further step, against the licence"
    advice_fr = "déclarez ce qui manque par une autre étape, sur la licence"


class NobodyIssued(LodelineError):
    """A step that nobody signed and that names no site."""

    step: TransformId

    code = "correct-nobody-issued"
    en = "step {step} has neither signers nor a site: nobody can correct it as its issuer"
    fr = "l'étape {step} n'a ni signataire ni site : nul ne peut la corriger en émetteur"
    advice_en = "name the step before it, or write the lot off"
    advice_fr = "nommez l'étape qui précède, ou passez le lot en perte"


@dataclass(frozen=True)
class Corrected:
    """A correction that is planned: not proved yet."""

    step: TransformId
    prepared: Prepared


def step_named(own: Holding, text: str) -> TransformId:
    """Return a step of the ledger by the beginning of its number.

    Raises:
        StepUnknown: none or several begin so, or there are fewer than 6 characters.
    """
    found = [
        TransformId(step)
        for step, making in own.session.state.makings.items()
        if making.kind is MakingKind.TRANSFORM and step.hex().startswith(text.lower())
    ]
    if len(found) != 1 or len(text) < _FEWEST_CHARACTERS:
        raise StepUnknown(text, len(found))
    return found[0]


def prepare_correction(
    own: Holding,
    lot: HeldLot,
    right: Mapping[ElementSymbol, Milligrams],
    step: TransformId | None,
    auditor: MemberId,
) -> Corrected:
    """Return the correction of a lot to what is right, every number filled in.

    Args:
        own: whoever has the lot.
        lot: as it is on the ledger.
        right: of each metal that was wrong; others stay as they are.
        step: which step was wrong; nothing: the one that made the lot.
        auditor: who signs besides the issuer of the step.

    Raises:
        MoreThanBefore: a correction only ever takes away.
        NobodyIssued: the step has no issuer.
        PlanRefused, MemberNotActive, …: as `transforming.prepare`.
    """
    wrong = TransformId(maker_of(own.session.state, lot.lot_id)[0]) if step is None else step
    if issuer_of(own.session.state, wrong) is None:
        raise NobodyIssued(wrong)
    amounts = []
    for strand in lot.contents.metals:
        had = lot.contents.amount(strand)
        wanted = right.get(strand.element, had)
        if wanted > had:
            raise MoreThanBefore(strand.element, had, wanted)
        amounts.append(ElementAmount(strand.element, wanted))
    for element in set(right) - {strand.element for strand in lot.contents.metals}:
        raise MoreThanBefore(element, Milligrams(0), right[element])
    content = ContainedMass(tuple(amounts))
    output = OutputPart(1, lot.public.form, content, None, (), None, memo=lot.memo)
    file = TransformFile(
        name=lot.lot_id.hex(),
        recipe=_RECIPE,
        site=None,
        inputs=InputPart((LotPrefix(lot.lot_id.hex(), 1),)),
        outputs=(output,),
        process=ProcessPart(grams_co2e(0), grams_co2e(0)),
        co_signers={_AUDITOR: auditor},
    )
    return Corrected(wrong, prepare(own, file, Path()))


def correct(own: Holding, corrected: Corrected, built: BuiltTransform) -> Sent:
    """Keep a proved correction, sign it as far as the holder may, and have the others sign.

    Raises:
        LotNotFree, …: the lot was used or promised meanwhile.
        LodelineError: the ledger refuses it: the lot does not come wholly from the step, …
    """
    transform = transform_entry(built)
    body = CorrectionBody(own.session.chain, corrected.step, transform_id(transform.body))
    request = Request(Correction(body, transform, ()), (), (), ())
    step, identity = corrected.prepared.step, entry_id(request.entry)
    auditor = next(signer.member for signer in built.body.signers)
    pieces = pieces_for(own, _AUDITOR, step, built)
    signers = dict.fromkeys((issuer_of(own.session.state, corrected.step), auditor))
    shown = [
        seal_pieces(own.session.member(each), identity, pieces)
        for each in signers
        if each is not None and each != own.member
    ]
    request = structs.replace(request, shown=tuple(shown))
    if own.member in signers:
        request = with_signature(own.session.state, request, own.member, own.keys)
    keep(own, step, built, [output.facts for output in corrected.prepared.captured.outputs])
    lots = tuple(LotId(item.lot) for item in built.body.inputs)
    return dispatch(own, request, lots, "correction")
