"""T4, T7 and the claims' part of T8: certified shares never grow and keep their custody model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.recipes import ClaimMode, Family
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, StandardName
from lodeline.proofs.compile_material import whole_strand
from lodeline.proofs.relations import InRange, LinearForm, Place, Ref, Rule, RuleNumber, Zero
from lodeline.proofs.shape import mode_of
from lodeline.proofs.shape_errors import ClaimFromNothing, NotIdentityPreserved
from lodeline.proofs.view import LotView, TransformView, bits_for

__all__ = ["BlendShare", "blend_shares", "claim_relations", "custody_relations"]


@dataclass(frozen=True)
class _Borne:
    """One claim of one lot with the width of its number."""

    strand: Strand
    claim: ClaimName
    ref: Ref
    bits: int
    lot: LotView


def _borne(lots: Sequence[LotView]) -> list[_Borne]:
    return [
        _Borne(strand, claim, ref, lot.width(strand), lot)
        for lot in lots
        for strand, claim, ref in lot.claims()
    ]


def claim_relations(view: TransformView) -> Iterator[InRange]:
    """Yield T4: for each element, standard and model, no more claimed than came in.

    Summed over the model and all stronger ones, and over metal, tolerance, assurance and credit
    together. Grants are where claims begin; sales are equal lot by lot.

    Raises:
        ClaimFromNothing: an output claims what no input bears.
    """
    if view.recipe.family is Family.GRANT:
        return
    came, goes = _borne(view.inputs), _borne(view.outputs)
    levels = sorted({(b.strand.element, b.claim.standard, b.claim.model) for b in goes})
    for element, standard, model in levels:
        sources = _at_least(came, element, standard, model)
        sinks = _at_least(goes, element, standard, model)
        claim = ClaimName(standard, model)
        if not sources:
            raise ClaimFromNothing(claim.text, element)
        rule = Rule(RuleNumber.T4_CLAIMS, Place(claim=f"{element} {claim.text}"))
        slack = _sum(sources) - _sum(sinks)
        yield InRange(rule, slack, bits_for(_largest(sources)))
        if view.recipe.family is Family.CARRY:
            share = view.standards[standard].carry_share_ppm
            slack = _sum(sources) * share - _sum(sinks) * PPM_ONE
            yield InRange(rule, slack, bits_for(_largest(sources) * PPM_ONE))


def _at_least(
    borne: Sequence[_Borne], element: ElementSymbol, standard: StandardName, model: Model
) -> list[_Borne]:
    return [
        b
        for b in borne
        if b.strand.element == element and b.claim.standard == standard and b.claim.model >= model
    ]


def _sum(borne: Sequence[_Borne]) -> LinearForm:
    return LinearForm.total(b.ref for b in borne)


def _largest(borne: Sequence[_Borne]) -> int:
    return sum((1 << b.bits) - 1 for b in borne)


def custody_relations(view: TransformView) -> Iterator[Zero]:
    """Yield T7: what each output claim's own model demands.

    Drawn claims (rule 8): ``c = m`` on every output that bears the claim. Segregated and identity
    preserved: all material of the balance bears the claim, and ``c = m``. Identity preserved also
    needs a single input lot of the metal.

    Raises:
        NotIdentityPreserved: several input lots of the metal.
    """
    if view.recipe.family is Family.GRANT:
        return
    checked: set[tuple[int, ClaimName]] = set()
    for b in _borne(view.outputs):
        if not b.strand.is_material or not whole_strand(view, b.strand, b.claim):
            continue
        place = Place(_balance(view, b.strand), b.claim.text, b.lot.index, b.strand.name)
        rule = Rule(RuleNumber.T7_CUSTODY_MODEL, place)
        yield Zero(rule, LinearForm.of(b.ref) - LinearForm.of(b.lot.amount(b.strand)))
        if mode_of(view, b.strand, b.claim) is ClaimMode.DRAW:
            continue
        key = (place.balance, b.claim)
        if key in checked:
            continue
        checked.add(key)
        _check_single_source(view, b)
        part, whole = _balance_totals(view, b)
        yield Zero(
            Rule(RuleNumber.T7_CUSTODY_MODEL, Place(place.balance, b.claim.text)), part - whole
        )


def _balance(view: TransformView, strand: Strand) -> int:
    balance = view.balance_giving(strand)
    return -1 if balance is None else balance.index


def _check_single_source(view: TransformView, b: _Borne) -> None:
    if b.claim.model is not Model.IDENTITY_PRESERVED:
        return
    metal = Strand(b.strand.element, Kind.METAL)
    sources = [lot for lot in view.inputs if metal in lot.strands]
    if len(sources) != 1:
        raise NotIdentityPreserved(b.claim.text, len(sources))


def _balance_totals(view: TransformView, b: _Borne) -> tuple[LinearForm, LinearForm]:
    """Return claimed and total amount of the material inputs of the claim's balance."""
    balance = view.balance_giving(b.strand)
    left = () if balance is None else tuple(s for s in balance.left if s.is_material)
    sources = [
        a
        for a in _at_least(_borne(view.inputs), b.strand.element, b.claim.standard, b.claim.model)
        if a.strand in left
    ]
    return _sum(sources), view.amounts(view.inputs, left)


@dataclass(frozen=True)
class BlendShare:
    """One output claim whose share must be the blend's: T8 makes a product relation of it."""

    rule: Rule
    part_in: LinearForm
    whole_in: LinearForm
    part_out: LinearForm
    whole_out: LinearForm
    largest: int
    """Greatest value of ``whole_in`` by the forms' widths."""


def blend_shares(view: TransformView) -> Iterator[BlendShare]:
    """Yield what T8 says of controlled blending: ``0 ≤ m·ΣC − c·ΣM ≤ ΣM`` for each output."""
    if view.recipe.family in (Family.GRANT, Family.SALE):
        return
    for b in _borne(view.outputs):
        if not b.strand.is_material or b.claim.model is not Model.CONTROLLED_BLENDING:
            continue
        if mode_of(view, b.strand, b.claim) not in (ClaimMode.KEEP, ClaimMode.DEPOSIT):
            continue
        balance = view.balance_giving(b.strand)
        left = () if balance is None else tuple(s for s in balance.left if s.is_material)
        part, whole = _balance_totals(view, b)
        place = Place(_balance(view, b.strand), b.claim.text, b.lot.index, b.strand.name)
        yield BlendShare(
            Rule(RuleNumber.T8_PROPORTIONS, place),
            part,
            whole,
            LinearForm.of(b.ref),
            LinearForm.of(b.lot.amount(b.strand)),
            view.largest(view.inputs, left),
        )
