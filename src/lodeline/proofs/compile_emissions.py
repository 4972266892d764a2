"""T6 and the emissions' part of T8: what was emitted is inherited, in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from lodeline.custody.lots import SlotKind
from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import AMOUNT_BITS, PPM_ONE
from lodeline.proofs.relations import (
    ZERO_FORM,
    InRange,
    LinearForm,
    Place,
    Ref,
    Rule,
    RuleNumber,
    Side,
    Zero,
)
from lodeline.proofs.view import LotView, TransformView, bits_for

__all__ = ["EmissionShare", "emission_relations", "emission_shares"]

PROCESS_EMISSIONS = Ref(Side.PROCESS, 0)
PROCESS_PRIMARY = Ref(Side.PROCESS, 1)


def emission_relations(view: TransformView) -> Iterator[Zero | InRange]:
    """Yield T6 of a transform that has material on either side.

    A write-off has no outputs: what its inputs inherited is lost with them, whole, so there is
    nothing to prove. A lot must be split before a part of it is written off, and T8 of the split
    keeps emissions from being parked on the part that is lost.
    """
    if view.recipe.family in (Family.GRANT, Family.WRITE_OFF):
        return
    emitted = _total(view.emitting_inputs, SlotKind.EMISSIONS)
    primary = _total(view.emitting_inputs, SlotKind.PRIMARY)
    inherited = _total(view.material_outputs, SlotKind.EMISSIONS)
    kept = _total(view.material_outputs, SlotKind.PRIMARY)
    rule = Rule(RuleNumber.T6_EMISSIONS)
    bits = bits_for(sum((1 << lot.form.emission_bits) - 1 for lot in view.emitting_inputs))
    if view.recipe.has_process:
        emitted = emitted + LinearForm.of(PROCESS_EMISSIONS)
        primary = primary + LinearForm.of(PROCESS_PRIMARY)
        bits = max(bits, AMOUNT_BITS) + 1
    if emitted or inherited:
        yield Zero(rule, emitted - inherited)
    if primary or kept:
        yield InRange(rule, primary - kept, bits)
    if view.recipe.has_process:
        yield from _process_relations(view, rule)


def _total(lots: tuple[LotView, ...], kind: SlotKind) -> LinearForm:
    return LinearForm.total(lot.number(kind) for lot in lots)


def _process_relations(view: TransformView, rule: Rule) -> Iterator[InRange]:
    emissions, primary = LinearForm.of(PROCESS_EMISSIONS), LinearForm.of(PROCESS_PRIMARY)
    yield InRange(rule, primary, AMOUNT_BITS)
    yield InRange(rule, emissions - primary, AMOUNT_BITS)
    least = ZERO_FORM
    for floor in view.expanded.floors:
        least = least + view.amounts(view.outputs, (floor.strand,)) * floor.intensity
    if least:
        bits = AMOUNT_BITS + bits_for(PPM_ONE)
        yield InRange(rule, emissions * PPM_ONE - least, bits)


@dataclass(frozen=True)
class EmissionShare:
    """One output's emissions (or primary part), to be in proportion to its weighted amount."""

    rule: Rule
    part_total: LinearForm
    whole_total: LinearForm
    part: LinearForm
    whole: LinearForm
    largest: int
    """Greatest value of ``whole_total`` by the forms' widths."""


def emission_shares(view: TransformView) -> Iterator[EmissionShare]:
    """Yield what T8 says of emissions: ``|e·ΣM − M·Σe| ≤ ΣM`` where there are several outputs.

    Where no output weighs anything, as when residues are all there is, each weighs what it holds.
    The last of two outputs is left out: its difference is the first one's with the other sign, so
    its relation is the same relation.
    """
    lots = view.material_outputs
    if len(lots) < 2 or view.recipe.family is Family.SALE:
        return
    weighted = {lot.index: _weighted(view, lot) for lot in lots}
    common = gcd(*(weight for terms in weighted.values() for weight in terms.values()))
    if not common:
        weighted = {index: dict.fromkeys(terms, 1) for index, terms in weighted.items()}
        common = 1
    sums = {index: _scaled(lots, index, terms, common) for index, terms in weighted.items()}
    whole = LinearForm()
    for form, _ in sums.values():
        whole = whole + form
    largest = sum(most for _, most in sums.values())
    for kind in (SlotKind.EMISSIONS, SlotKind.PRIMARY):
        total = _total(lots, kind)
        for lot in lots[:1] if len(lots) == 2 else lots:
            place = Place(output=lot.index, detail=kind.value)
            yield EmissionShare(
                Rule(RuleNumber.T8_PROPORTIONS, place),
                total,
                whole,
                LinearForm.of(lot.number(kind)),
                sums[lot.index][0],
                largest,
            )


def _weighted(view: TransformView, lot: LotView) -> dict[Strand, int]:
    """Return the weight of each strand of an output; tolerance weighs as its metal.

    A settlement turns the one into the other: if tolerance weighed nothing, a holder could park
    emissions on one of two lots while their metal is called tolerance.
    """
    return {
        strand: view.expanded.weight(lot.form.name, Strand(strand.element, Kind.METAL))
        for strand in sorted(lot.strands, key=lambda strand: strand.name)
        if strand.is_material
    }


def _scaled(
    lots: tuple[LotView, ...], index: int, terms: dict[Strand, int], common: int
) -> tuple[LinearForm, int]:
    """Return an output's weighted amount and its greatest value."""
    lot = next(lot for lot in lots if lot.index == index)
    form, largest = ZERO_FORM, 0
    for strand, weight in terms.items():
        form = form + LinearForm.of(lot.amount(strand)) * (weight // common)
        largest += ((1 << lot.width(strand)) - 1) * (weight // common)
    return form, largest
