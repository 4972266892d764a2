"""T2, T3, T5 and T10: mass, recovery, ranges and ratios of one transform."""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.lots import SlotKind
from lodeline.custody.recipes import ClaimMode, Family
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.proofs.relations import InRange, LinearForm, Place, Rule, RuleNumber, Zero
from lodeline.proofs.shape import mode_of
from lodeline.proofs.shape_errors import RatioStrandMissing
from lodeline.proofs.view import LotView, TransformView, bits_for

__all__ = ["balance_relations", "range_relations", "ratio_relations", "whole_strand"]


def balance_relations(view: TransformView) -> Iterator[Zero | InRange]:
    """Yield T2 and T3 of every balance that any lot of the transform takes part in.

    A balance without left comes from a grant: the static check allows it nowhere else. A balance
    without right and counts is a loss, which T2 cannot fail.
    """
    for balance in view.expanded.balances:
        left = view.amounts(view.inputs, balance.left)
        right = view.amounts(view.outputs, balance.right)
        counts = view.amounts(view.outputs, balance.counts)
        given = right + counts
        is_loss = not balance.right and not balance.counts
        if not balance.left or is_loss or not (left or given):
            continue
        place = Place(balance.index, detail=_name(balance.left, balance.right))
        if balance.min_recovery_ppm == PPM_ONE:
            yield Zero(Rule(RuleNumber.T3_RECOVERY, place), left - given)
            continue
        if given:
            bits = bits_for(view.largest(view.inputs, balance.left))
            yield InRange(Rule(RuleNumber.T2_NOTHING_CREATED, place), left - given, bits)
        if balance.min_recovery_ppm:
            most = view.largest(view.outputs, balance.right + balance.counts) * PPM_ONE
            slack = given * PPM_ONE - left * balance.min_recovery_ppm
            yield InRange(Rule(RuleNumber.T3_RECOVERY, place), slack, bits_for(most))


def _name(left: tuple[Strand, ...], right: tuple[Strand, ...]) -> str:
    return f"{'+'.join(s.name for s in left)} → {'+'.join(s.name for s in right) or '∅'}"


def whole_strand(view: TransformView, strand: Strand, claim: ClaimName) -> bool:
    """Return whether T7 makes the claim equal to the strand's amount on a lot that bears it."""
    if view.recipe.family is Family.GRANT or not strand.is_material:
        return False
    mode = mode_of(view, strand, claim)
    if mode is ClaimMode.DRAW:
        return True
    return mode in (ClaimMode.KEEP, ClaimMode.DEPOSIT) and claim.model >= Model.SEGREGATED


def range_relations(view: TransformView) -> Iterator[InRange]:
    """Yield T5 of every output; a claim that T7 sets equal to its strand needs no range."""
    for lot in view.outputs:
        rule = Rule(RuleNumber.T5_RANGES, Place(output=lot.index))
        for strand in sorted(lot.strands, key=lambda strand: strand.name):
            if strand.has_amount:
                yield InRange(rule, LinearForm.of(lot.amount(strand)), lot.width(strand))
        for strand, claim, ref in lot.claims():
            if whole_strand(view, strand, claim):
                continue
            form, bits = LinearForm.of(ref), lot.width(strand)
            yield InRange(rule, form, bits)
            if strand.has_amount:
                yield InRange(rule, LinearForm.of(lot.amount(strand)) - form, bits)
        if lot.is_material:
            yield from _emission_ranges(lot, rule)
        yield from _tolerance_ranges(view, lot, rule)
        yield from _least_amounts(lot, rule)


def _emission_ranges(lot: LotView, rule: Rule) -> Iterator[InRange]:
    emissions = LinearForm.of(lot.number(SlotKind.EMISSIONS))
    primary = LinearForm.of(lot.number(SlotKind.PRIMARY))
    bits = lot.form.emission_bits
    yield InRange(rule, emissions, bits)
    yield InRange(rule, primary, bits)
    yield InRange(rule, emissions - primary, bits)


def _tolerance_ranges(view: TransformView, lot: LotView, rule: Rule) -> Iterator[InRange]:
    """At mining the measurement reserve is at most its part of the lot's own metal."""
    for balance in view.expanded.balances:
        if not balance.tolerance_ppm:
            continue
        for strand in balance.right:
            if strand.kind is not Kind.TOLERANCE or strand not in lot.strands:
                continue
            metal = Strand(strand.element, Kind.METAL)
            allowed = view.amounts((lot,), (metal,)) * balance.tolerance_ppm
            slack = allowed - LinearForm.of(lot.amount(strand)) * PPM_ONE
            largest = view.largest((lot,), (metal,)) * balance.tolerance_ppm
            yield InRange(rule, slack, bits_for(largest))


def _least_amounts(lot: LotView, rule: Rule) -> Iterator[InRange]:
    for least in lot.form.least:
        strand = Strand.parse(least.strand)
        if strand not in lot.strands:
            raise RatioStrandMissing(lot.form.name, strand.name)
        slack = LinearForm.of(lot.amount(strand)) + LinearForm(constant=-least.milligrams)
        yield InRange(rule, slack, lot.width(strand))


def ratio_relations(view: TransformView) -> Iterator[InRange]:
    """Yield T10: each metal's share among the form's metals lies in the stated range."""
    for lot in view.outputs:
        rule = Rule(RuleNumber.T10_RATIOS, Place(output=lot.index))
        for ratio in lot.form.ratios:
            among = tuple(Strand(element, Kind.METAL) for element in ratio.among)
            for strand in among:
                if strand not in lot.strands:
                    raise RatioStrandMissing(lot.form.name, strand.name)
            part = LinearForm.of(lot.amount(Strand(ratio.element, Kind.METAL))) * PPM_ONE
            whole = view.amounts((lot,), among)
            bits = bits_for(view.largest((lot,), among) * PPM_ONE)
            yield InRange(rule, part - whole * ratio.low_ppm, bits)
            yield InRange(rule, whole * ratio.high_ppm - part, bits)
