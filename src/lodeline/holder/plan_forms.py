"""Whether a planned lot can be of its form: widths, least amounts, ratios (T5, T10), in words."""

from __future__ import annotations

from lodeline.custody.forms import Form, Ratio
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.building import PlannedLot
from lodeline.holder.plan_refusals import (
    AmountTooLarge,
    EmissionsTooLarge,
    LeastAmountMissed,
    RatioMissed,
)
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.units import GramsCO2e, Milligrams, Ppm

__all__ = ["check_forms"]


def check_forms(form: Form, planned: PlannedLot) -> None:
    """Check that a lot fits its form.

    Raises:
        AmountTooLarge, EmissionsTooLarge: wider than the form.
        LeastAmountMissed: a product with too little of a metal.
        RatioMissed: metals that are not in the form's proportion.
    """
    for strand, amount in planned.amounts.items():
        _check_width(form, strand, amount)
    for (strand, _), amount in planned.claims.items():
        _check_width(form, strand, amount)
    most = (1 << form.emission_bits) - 1
    if planned.emissions is not None and planned.emissions > most:
        raise EmissionsTooLarge(form.name, planned.emissions, GramsCO2e(most))
    for least in form.least:
        strand = Strand.parse(least.strand)
        amount = planned.amounts.get(strand, Milligrams(0))
        if amount < least.milligrams:
            raise LeastAmountMissed(form.name, strand.name, amount, Milligrams(least.milligrams))
    for ratio in form.ratios:
        _check_ratio(form, planned, ratio)


def _check_width(form: Form, strand: Strand, amount: Milligrams) -> None:
    width = form.width(strand.name)
    if width is not None and amount >= 1 << width:
        raise AmountTooLarge(form.name, strand.name, amount, Milligrams((1 << width) - 1))


def _check_ratio(form: Form, planned: PlannedLot, ratio: Ratio) -> None:
    whole = sum(planned.amounts.get(Strand(element, Kind.METAL), 0) for element in ratio.among)
    part = planned.amounts.get(Strand(ratio.element, Kind.METAL), 0)
    if not whole * ratio.low_ppm <= part * PPM_ONE <= whole * ratio.high_ppm:
        share = Ppm(part * PPM_ONE // whole) if whole else Ppm(0)
        raise RatioMissed(form.name, ratio.element, share, Ppm(ratio.low_ppm), Ppm(ratio.high_ppm))
