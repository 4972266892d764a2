"""Claim proofs: one question about a named set of lots, answered to one audience (§5).

The machinery is that of transforms: owner keys (without tags, so that nothing is spent), and one
range proof over linear forms of the lots' commitments. The answer is yes; a no is not provable and
is refused on the holder's side. Nothing else is revealed about the numbers.

What an answer does not show: that the lots are all that the holder has, that the first weighing was
honest, or anything about lots that are not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from lodeline.crypto.labels import Domain, Label
from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.forms import FormTable
from lodeline.custody.lots import LotPublic, SlotKind
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel import cbor
from lodeline.kernel.bounds import MAX_AMOUNT, PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainIdW, ElementW, Hash32W, LotIdW, NameW, StandardNameW
from lodeline.proofs.relations import (
    InRange,
    LinearForm,
    Place,
    Rule,
    RuleNumber,
    Side,
    Statement,
    Zero,
)
from lodeline.proofs.shape import check_numbers
from lodeline.proofs.subject import Owner, Subject, commitments_of
from lodeline.proofs.view import LotView, bits_for, product_number

__all__ = [
    "AmountBetween",
    "Audience",
    "ClaimBody",
    "IntensityAtMost",
    "NoSuchMetal",
    "NotOfTheProduct",
    "PrimaryAtLeast",
    "Question",
    "ShareAtLeast",
    "claim_subject",
]

MAX_CLAIM_LOTS = 64
Share = Annotated[int, msgspec.Meta(ge=0, le=PPM_ONE)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]


class NoSuchMetal(LodelineError):
    """A question about a metal that none of the lots contains."""

    element: str

    code = "no-such-metal"
    en = "None of these lots contains {element}"
    fr = "Aucun de ces lots ne contient {element}"
    advice_en = "ask about a metal that the lots contain"
    advice_fr = "posez la question sur un métal que les lots contiennent"


class NotOfTheProduct(LodelineError):
    """An answer about a product from a lot that is no product."""

    product: str
    form: str

    code = "not-of-the-product"
    en = "The answer is to be about {product}, but a lot of {form} is bound to no product"
    fr = "La réponse doit porter sur {product}, mais un lot de {form} n'est lié à aucun produit"
    advice_en = "name the product's own lot, or leave the product out"
    advice_fr = "nommez le lot du produit lui-même, ou omettez le produit"


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the wire structures here: frozen and closed."""


class ShareAtLeast(_Wire, frozen=True, tag="share-at-least"):
    """At least ``share_ppm`` of the element bears the standard, under this model or a stronger.

    Recycled content is the standard ``recycled-pre`` or ``recycled-post``. The two are asked
    separately: scrap of recycled material can bear both, so their sum could count it twice.
    """

    element: ElementW
    standard: StandardNameW
    model: NameW
    """Weakest chain-of-custody model that counts."""
    share_ppm: Share


class IntensityAtMost(_Wire, frozen=True, tag="intensity-at-most"):
    """At most ``grams_per_kg`` of CO2e for each kilogram of the element contained."""

    element: ElementW
    grams_per_kg: Annotated[int, msgspec.Meta(ge=0, lt=1 << 24)]


class AmountBetween(_Wire, frozen=True, tag="amount-between"):
    """Between two amounts of the element, in milligrams, both included."""

    element: ElementW
    low: Amount
    high: Amount


class PrimaryAtLeast(_Wire, frozen=True, tag="primary-at-least"):
    """At least ``share_ppm`` of the emissions rests on primary data."""

    share_ppm: Share


Question = ShareAtLeast | IntensityAtMost | AmountBetween | PrimaryAtLeast


class Audience(_Wire, frozen=True):
    """For whom, for what and until when an answer holds; shown to anybody else it says nothing."""

    chain: ChainIdW
    verifier: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    nonce: Hash32W
    """Chosen by the verifier, so that an old answer cannot be shown again."""
    purpose: Annotated[str, msgspec.Meta(max_length=256)]
    product: Annotated[str, msgspec.Meta(max_length=128)] | None
    """The product identifier that every named lot must be bound to, where it is about one."""
    expires: int
    """Block time until which the answer may be relied on."""
    checkpoint_size: int
    checkpoint_root: Hash32W
    """Log size and root of the checkpoint at which the lots were unspent."""


class ClaimBody(_Wire, frozen=True):
    """What a claim proof says: question, audience, lots."""

    question: Question
    audience: Audience
    lots: Annotated[tuple[LotIdW, ...], msgspec.Meta(min_length=1, max_length=MAX_CLAIM_LOTS)]
    """Strictly ascending, so that no lot counts twice."""


def claim_subject(body: ClaimBody, lots: Sequence[LotPublic], forms: FormTable) -> Subject:
    """Return the subject of a claim proof over the lots as the ledger has them.

    The caller has checked that ``lots`` are those named in the body, in order and each once, and
    that they were unspent at the checkpoint.

    Raises:
        NoSuchMetal: no lot contains the metal asked about.
        NotOfTheProduct: the audience names a product, and a lot is none.
        LotsNotInOrder, AmountMissing, FieldNotExpected: a lot that no ledger has.
        UnknownForm, RangesTooWide: see each.
    """
    views = tuple(
        LotView(Side.INPUT, index, lot, forms[lot.form]) for index, lot in enumerate(lots)
    )
    for view in views:
        check_numbers(view)
    rule = Rule(RuleNumber.CLAIM_PROOF, Place(detail=type(body.question).__name__))
    ranges = tuple(
        InRange(rule, form, bits_for(largest)) for form, largest in _forms(body.question, views)
    )
    zeros = tuple(_product_relations(body.audience, views))
    statement = Statement(len(views), zeros, (), (), ranges)
    binding = [(Label.BODY, cbor.encode_struct(body))]
    binding += [(Label.INPUT_LOT, cbor.encode_struct(lot)) for lot in lots]
    owners = tuple(Owner(lot.owner, None) for lot in lots)
    named = dict(commitments_of(Side.INPUT, tuple(lots)))
    return Subject(Domain.CLAIM, tuple(binding), statement, named, owners, ())


def _product_relations(audience: Audience, lots: tuple[LotView, ...]) -> Iterator[Zero]:
    """Yield, where the answer is about a product, that each lot is bound to that identifier."""
    if audience.product is None:
        return
    number = product_number(audience.chain, audience.product)
    for lot in lots:
        if lot.lot.product is None:
            raise NotOfTheProduct(audience.product, lot.form.name)
        form = LinearForm.of(lot.number(SlotKind.PRODUCT)) + LinearForm(constant=-number)
        place = Place(output=lot.index, detail="product")
        yield Zero(Rule(RuleNumber.CLAIM_PROOF, place), form)


def _forms(question: Question, lots: tuple[LotView, ...]) -> Iterator[tuple[LinearForm, int]]:
    """Yield each form that must not be negative with its greatest possible value."""
    if isinstance(question, PrimaryAtLeast):
        emissions, primary = _number(lots, SlotKind.EMISSIONS), _number(lots, SlotKind.PRIMARY)
        most = sum((1 << lot.form.emission_bits) - 1 for lot in lots) * PPM_ONE
        yield primary * PPM_ONE - emissions * question.share_ppm, most
        return
    whole, largest = _metal(lots, Strand(question.element, Kind.METAL))
    if isinstance(question, ShareAtLeast):
        part = _claimed(lots, question)
        yield part * PPM_ONE - whole * question.share_ppm, largest * PPM_ONE
    elif isinstance(question, IntensityAtMost):
        emissions = _number(lots, SlotKind.EMISSIONS)
        slack = whole * question.grams_per_kg - emissions * PPM_ONE
        yield slack, largest * max(1, question.grams_per_kg)
    else:
        yield whole + LinearForm(constant=-question.low), largest
        yield LinearForm(constant=question.high) - whole, question.high


def _number(lots: tuple[LotView, ...], kind: SlotKind) -> LinearForm:
    return LinearForm.total(lot.number(kind) for lot in lots if lot.is_material)


def _metal(lots: tuple[LotView, ...], strand: Strand) -> tuple[LinearForm, int]:
    having = [lot for lot in lots if strand in lot.strands]
    if not having:
        raise NoSuchMetal(strand.element)
    largest = sum((1 << lot.width(strand)) - 1 for lot in having)
    return LinearForm.total(lot.amount(strand) for lot in having), largest


def _claimed(lots: tuple[LotView, ...], question: ShareAtLeast) -> LinearForm:
    weakest = Model.parse(question.model)
    return LinearForm.total(
        ref
        for lot in lots
        for strand, claim, ref in lot.claims()
        if strand == Strand(question.element, Kind.METAL) and _counts(claim, question, weakest)
    )


def _counts(claim: ClaimName, question: ShareAtLeast, weakest: Model) -> bool:
    return claim.standard == question.standard and claim.model >= weakest
