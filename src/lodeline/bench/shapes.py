"""Statements of known size for measuring: lots with plain numbers, proved for real.

The lots stand under a recipe and forms made here, so that a figure does not move when the shipped
reference data do. Forms have 40-bit numbers, the width of a lot of hydroxide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import BLINDING, OWNER_BASE, TAG_BASE, VALUE
from lodeline.crypto.group import Scalar, encode_point, random_scalar, scalar
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import Form, FormClass, FormTable, StrandWidth
from lodeline.custody.lots import ClaimCommitment, LotPublic, StrandPublic, slots
from lodeline.custody.recipes import (
    ANY_FORM,
    WILDCARD,
    Balance,
    ClaimMode,
    ClaimRule,
    Family,
    Port,
    Recipe,
    Weight,
)
from lodeline.custody.standards import Standard, StandardTable
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import (
    ChainId,
    Commitment,
    ElementSymbol,
    FormName,
    Hash32,
    LotId,
    NoteHash,
    OneTimeKey,
    RecipeName,
    StandardName,
    StrandName,
    Tag,
)
from lodeline.proofs.body import PROTOCOL_VERSION, InputRef, TransformBody
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness
from lodeline.proofs.questions import Audience, ClaimBody, ShareAtLeast, claim_subject
from lodeline.proofs.relations import Ref, Side
from lodeline.proofs.subject import Subject, transform_subject
from lodeline.proofs.task import TransformTask
from lodeline.proofs.view import TransformView

__all__ = ["Provable", "blend", "claim"]

_CHAIN = ChainId("bench")
_STANDARD = StandardName("bench-standard")
_CLAIM = f"{_STANDARD}/controlled-blending"
_BITS = 40
_NOWHERE = Hash32(bytes(32))
_METALS = ("Co", "Cu", "Li", "Mn", "Ni", "W")


@dataclass(frozen=True)
class Provable:
    """A true statement with everything that proving and verifying it takes."""

    subject: Subject
    witness: Witness
    task: TransformTask | None
    """What a batch verifies, without its proof; none for a claim."""


@dataclass(frozen=True)
class _Lot:
    public: LotPublic
    secret: Scalar
    numbers: tuple[tuple[int, Scalar], ...]


def _form(metals: Sequence[str]) -> Form:
    widths = tuple(StrandWidth(StrandName(metal), _BITS) for metal in metals)
    name = FormName("bench-form")
    return Form(name, FormClass.MATERIAL, "bench", "bench", widths, _BITS, (), (), ())


def _standard() -> Standard:
    classes = (FormClass.LICENCE,)
    return Standard(_STANDARD, "bench", "bench", "1", 0, None, (), classes, (), 0, "bench")


def _recipe(metals: Sequence[str]) -> Recipe:
    wildcard = StrandName(WILDCARD)
    return Recipe(
        name=RecipeName("bench-blend"),
        version=1,
        family=Family.HANDLE,
        title_en="bench",
        title_fr="bench",
        valid_from=0,
        valid_to=None,
        elements=tuple(ElementSymbol(metal) for metal in metals),
        inputs=(Port((ANY_FORM,), 1, 16),),
        outputs=(Port((ANY_FORM,), 1, 16),),
        balances=(Balance((wildcard,), (wildcard,), (), PPM_ONE, 0),),
        recoveries=(),
        claims=(ClaimRule((StandardName("*"),), 0, ClaimMode.KEEP),),
        custody="controlled-blending",
        allocation_table="bench",
        allocation=(Weight(ANY_FORM, wildcard, PPM_ONE),),
        floor=(),
        has_process=False,
        needs_site=False,
        marks_site=False,
        co_signers=(),
        source="bench",
    )


def _lot(metals: Sequence[str], amounts: Sequence[int], rest: tuple[int, int, int]) -> _Lot:
    """Return a lot; only its first strand bears the claim. ``rest``: claim, emissions, primary."""
    entropy = SystemEntropy()
    values = [amounts[0], rest[0], *amounts[1:], rest[1], rest[2]]
    numbers = tuple((value, random_scalar(entropy)) for value in values)
    sealed = [
        Commitment(encode_point(VALUE * scalar(value) + BLINDING * blind))
        for value, blind in numbers
    ]
    first = StrandPublic(StrandName(metals[0]), sealed[0], (ClaimCommitment(_CLAIM, sealed[1]),))
    others = [
        StrandPublic(StrandName(metal), sealed[2 + index], ())
        for index, metal in enumerate(metals[1:])
    ]
    secret = random_scalar(entropy)
    owner = OneTimeKey(encode_point(OWNER_BASE * secret))
    form = FormName("bench-form")
    strands = (first, *others)
    public = LotPublic(form, owner, None, strands, sealed[-2], sealed[-1], None, None)
    return _Lot(public, secret, numbers)


def blend(count: int, strands: int = 1) -> Provable:
    """Return a lossless blend of ``count`` lots into ``count`` equal lots, with T8.

    Every lot has ``strands`` metals, a controlled-blending claim on the first, emissions and
    primary emissions; so the blend proves T1 to T8.
    """
    metals = _METALS[:strands]
    amounts, rest = [10**11] * strands, (4 * 10**10, 10**9, 3 * 10**8)
    inputs = [_lot(metals, amounts, rest) for _ in range(count)]
    outputs = [_lot(metals, amounts, rest) for _ in range(count)]
    recipe, forms, standards = _recipe(metals), (_form(metals),), (_standard(),)
    body = _body(recipe, inputs, outputs)
    spent = tuple(lot.public for lot in inputs)
    view = TransformView(recipe, FormTable(forms), StandardTable(standards), body, spent)
    numbers = {**_numbers(Side.INPUT, inputs), **_numbers(Side.OUTPUT, outputs)}
    witness = Witness(numbers, tuple(lot.secret for lot in inputs))
    blank = Proof((), None, (), (), None)
    task = TransformTask(_NOWHERE, recipe, forms, standards, body, spent, blank)
    return Provable(transform_subject(view), witness, task)


def _body(recipe: Recipe, inputs: Sequence[_Lot], outputs: Sequence[_Lot]) -> TransformBody:
    spent = tuple(
        InputRef(LotId(hashlib.sha256(lot.public.owner).digest()), _tag(lot)) for lot in inputs
    )
    made = tuple(lot.public for lot in outputs)
    return TransformBody(
        chain=_CHAIN,
        version=PROTOCOL_VERSION,
        recipe=recipe_digest(recipe),
        site=None,
        inputs=spent,
        outputs=made,
        process=None,
        scan_key=_NOWHERE,
        view_tags=(bytes(2),) * len(made),
        notes=(NoteHash(bytes(32)),) * len(made),
        signers=(),
        replaces=None,
    )


def _tag(lot: _Lot) -> Tag:
    return Tag(encode_point(TAG_BASE * lot.secret.inverse()))


def _numbers(side: Side, lots: Sequence[_Lot]) -> dict[Ref, tuple[int, Scalar]]:
    return {
        Ref(side, index, slot): number
        for index, lot in enumerate(lots)
        for (slot, _), number in zip(slots(lot.public), lot.numbers, strict=True)
    }


def claim() -> Provable:
    """Return a claim about one lot: at least 40 % bears the standard."""
    metals = _METALS[:1]
    lot = _lot(metals, [10**11], (4 * 10**10, 10**9, 3 * 10**8))
    question = ShareAtLeast(ElementSymbol("Co"), _STANDARD, "controlled-blending", 400_000)
    audience = Audience(_CHAIN, "bench", _NOWHERE, "bench", None, 0, 0, _NOWHERE)
    name = LotId(hashlib.sha256(lot.public.owner).digest())
    body = ClaimBody(question, audience, (name,))
    subject = claim_subject(body, (lot.public,), FormTable((_form(metals),)))
    return Provable(subject, Witness(_numbers(Side.INPUT, [lot]), (lot.secret,)), None)
