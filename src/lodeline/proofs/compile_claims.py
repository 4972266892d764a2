"""T4, T7 and the claims' part of T8: certified shares never grow and keep their custody model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

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


class _Pool(Enum):
    """Where a claim lies: on material (tolerance as its metal), in assurance, or in credit."""

    MATERIAL = "material"
    ASSURANCE = "assurance"
    CREDIT = "credit"


_POOLS = {Kind.ASSURANCE: _Pool.ASSURANCE, Kind.CREDIT: _Pool.CREDIT}
_FEEDS_MATERIAL = {ClaimMode.DRAW: _Pool.ASSURANCE, ClaimMode.TAKE_UP: _Pool.CREDIT}


def _pool(b: _Borne) -> _Pool:
    return _POOLS.get(b.strand.kind, _Pool.MATERIAL)


def _fed_by(view: TransformView, b: _Borne) -> frozenset[_Pool]:
    """Return the pools that an output's claim may come from.

    Assurance comes from assurance alone, and only a drawn claim from assurance: else what a
    standard certified would land on material that it does not speak of (rule 8), or a sold claim
    would fill the assurance up again. Only a deposit feeds credit, only take-up is fed by it.
    """
    pool = _pool(b)
    if pool is _Pool.MATERIAL:
        fed = _FEEDS_MATERIAL.get(mode_of(view, b.strand, b.claim), pool)
        return frozenset({pool, fed})
    deposited = pool is _Pool.CREDIT and _is_deposited(view, b)
    return frozenset({pool, _Pool.MATERIAL} if deposited else {pool})


def _is_deposited(view: TransformView, b: _Borne) -> bool:
    return any(
        view.expanded.rule_for(b.claim.standard, balance.index) is ClaimMode.DEPOSIT
        for balance in view.expanded.balances
        if any(s.is_material and s.element == b.strand.element for s in balance.right)
    )


def claim_relations(view: TransformView) -> Iterator[InRange]:
    """Yield T4: for each element, standard and model, no more claimed than came in.

    Summed over the model and all stronger ones, and over metal, tolerance, assurance and credit
    together; and besides over each part of the outputs that not every input may feed. What is
    used up without a right, such as tolerance at refining, takes its claims with it. Grants are
    where claims begin; sales are equal lot by lot.

    Raises:
        ClaimFromNothing: an output claims what no input bears that it may come from.
    """
    if view.recipe.family is Family.GRANT:
        return
    came = [b for b in _borne(view.inputs) if _lives_on(view, b)]
    goes = _borne(view.outputs)
    for element, standard in sorted({(b.strand.element, b.claim.standard) for b in goes}):
        all_sources = _at_least(came, element, standard, Model.BOOK_AND_CLAIM)
        all_sinks = _at_least(goes, element, standard, Model.BOOK_AND_CLAIM)
        for sources, sinks in _cuts(view, all_sources, all_sinks):
            claim = ClaimName(standard, min(b.claim.model for b in sinks))
            rule = Rule(RuleNumber.T4_CLAIMS, Place(claim=f"{element} {claim.text}"))
            slack = _sum(sources) - _sum(sinks)
            yield InRange(rule, slack, bits_for(_largest(sources)))
            if view.recipe.family is Family.CARRY:
                share = view.standards[standard].carry_share_ppm
                slack = _sum(sources) * share - _sum(sinks) * PPM_ONE
                yield InRange(rule, slack, bits_for(_largest(sources) * PPM_ONE))


def _lives_on(view: TransformView, b: _Borne) -> bool:
    """Return whether what bears a claim goes on; a lost tolerance takes its claims with it."""
    balance = view.expanded.left_of(b.strand)
    return balance is None or bool(balance.right)


def _cuts(
    view: TransformView, sources: list[_Borne], sinks: list[_Borne]
) -> Iterator[tuple[list[_Borne], list[_Borne]]]:
    """Yield the cuts that decide whether the sources can supply the sinks.

    By the theorem of Gale and Hall, supplies meet demands exactly if every set of demands finds
    enough among the supplies that may feed it; of the sets with the same supplies the largest
    decides. A supply may feed a demand whose pool and whose model, equal or weaker, it fits: one
    cut for each model would not do, because a weak claim of the material could then pay for what
    is left of a strong assurance.

    Raises:
        ClaimFromNothing: a demand finds no supply.
    """
    fed = [(b, _feeding(view, sources, b)) for b in sinks]
    unions: set[frozenset[int]] = set()
    for feeding in {feeding for _, feeding in fed}:
        unions |= {feeding, *(feeding | other for other in unions)}
    for union in sorted(unions, key=sorted):
        yield [sources[i] for i in sorted(union)], [b for b, found in fed if found <= union]


def _feeding(view: TransformView, sources: list[_Borne], b: _Borne) -> frozenset[int]:
    pools = _fed_by(view, b)
    found = frozenset(
        index
        for index, source in enumerate(sources)
        if source.claim.model >= b.claim.model
        and _pool(source) in pools
        and not (_pool(b) is _Pool.CREDIT and _is_retired(source))
    )
    if not found:
        raise ClaimFromNothing(b.claim.text, b.strand.element)
    return found


def _is_retired(source: _Borne) -> bool:
    """Return whether book-and-claim credit ended on this material: it is never credit again."""
    return _pool(source) is _Pool.MATERIAL and source.claim.model is Model.BOOK_AND_CLAIM


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
    needs a single input lot of the metal or its tolerance, which a settlement makes metal.

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
    kinds = (Kind.METAL, Kind.TOLERANCE)
    wanted = {Strand(b.strand.element, kind) for kind in kinds}
    sources = [lot for lot in view.inputs if not wanted.isdisjoint(lot.strands)]
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
    at_most_bits: int | None
    """Where the share may also be smaller (deposit): the width of ``D``, else nothing."""


def blend_shares(view: TransformView) -> Iterator[BlendShare]:
    """Yield what T8 says of kept claims: ``0 ≤ m·ΣC − c·ΣM ≤ ΣM`` for each output that bears one.

    For controlled blending, and for every weaker model too: mass balance is free to move claims
    between lots only by deposit and take-up, at one site and within its period. Were a kept
    mass-balance claim held by T4 alone, any blend could sort clean from unclean at will. In a
    deposit an output may keep less than its share, the rest being credit: ``0 ≤ m·ΣC − c·ΣM``.
    """
    if view.recipe.family in (Family.GRANT, Family.SALE):
        return
    for b in _borne(view.outputs):
        if not b.strand.is_material or b.claim.model >= Model.SEGREGATED:
            continue
        mode = mode_of(view, b.strand, b.claim)
        if mode not in (ClaimMode.KEEP, ClaimMode.DEPOSIT):
            continue
        balance = view.balance_giving(b.strand)
        left = () if balance is None else tuple(s for s in balance.left if s.is_material)
        part, whole = _balance_totals(view, b)
        largest = view.largest(view.inputs, left)
        place = Place(_balance(view, b.strand), b.claim.text, b.lot.index, b.strand.name)
        yield BlendShare(
            Rule(RuleNumber.T8_PROPORTIONS, place),
            part,
            whole,
            LinearForm.of(b.ref),
            LinearForm.of(b.lot.amount(b.strand)),
            largest,
            bits_for(largest << b.bits) if mode is ClaimMode.DEPOSIT else None,
        )
