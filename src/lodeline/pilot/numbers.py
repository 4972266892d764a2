"""What each output of a step inherits: claims, and emissions in proportion, to the gram.

The chapters say which lots go in and how much metal comes out of each; here the rest is worked out
so that it can be proved. Shares are rounded by the largest remainder, so that they add up exactly
and no share is off by a whole gram (T6 and T8 of the protocol).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lodeline.custody.claims import Model
from lodeline.custody.expansion import ExpandedRecipe, expand
from lodeline.custody.forms import FormClass, FormTable
from lodeline.custody.recipes import ClaimMode, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.holder.building import ProcessNumbers
from lodeline.holder.contents import ClaimKey, Contents
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.units import GramsCO2e, Milligrams, grams_co2e, milligrams

__all__ = ["Wanted", "completed", "shared"]


@dataclass(frozen=True)
class Wanted:
    """One output as a chapter asks for it."""

    holder: MemberId
    form: FormName
    amounts: Mapping[Strand, Milligrams] = field(default_factory=dict)
    claims: tuple[ClaimKey, ...] = ()
    """Claims that it bears as far as it can: whole if segregated, its share if blended."""
    exact: Mapping[ClaimKey, Milligrams] = field(default_factory=dict)
    """Claims of which the amount is said: on assurance, credit, and by mass balance."""
    product: str | None = None


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Return a total shared out by weights; the parts add up to it, each off by less than one.

    Without any weight, everything goes to the first.
    """
    whole = sum(weights)
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    parts = [total * weight // whole for weight in weights]
    rests = [total * weight % whole for weight in weights]
    missing = total - sum(parts)
    by_rest = sorted(range(len(weights)), key=lambda index: (-rests[index], index))
    for index in by_rest[:missing]:
        parts[index] += 1
    return parts


def completed(
    recipe: Recipe,
    forms: FormTable,
    inputs: Sequence[Contents],
    wanted: Sequence[Wanted],
    process: ProcessNumbers | None,
) -> tuple[Contents, ...]:
    """Return the contents of each output: what was asked for, with claims and emissions.

    Raises:
        NoWeight: the recipe does not say how an output shares in the emissions.
        QuantityOutOfRange: a sum is beyond what the ledger counts.
    """
    expanded = expand(recipe)
    material = [forms[item.form].form_class.is_right is False for item in wanted]
    weights = [
        _weight(expanded, item) if carries else 0
        for item, carries in zip(wanted, material, strict=True)
    ]
    emitted, primary = _totals(forms, inputs, process)
    emissions = shared(emitted, weights)
    measured = shared(primary, weights)
    return tuple(
        Contents(
            form=item.form,
            amounts=dict(item.amounts),
            claims={**_claims(expanded, inputs, item), **item.exact},
            emissions=grams_co2e(emissions[index]) if material[index] else None,
            primary=grams_co2e(measured[index]) if material[index] else None,
        )
        for index, item in enumerate(wanted)
    )


def _weight(expanded: ExpandedRecipe, wanted: Wanted) -> int:
    return sum(
        amount * expanded.weight(wanted.form, strand)
        for strand, amount in wanted.amounts.items()
        if strand.kind is Kind.METAL
    )


def _totals(
    forms: FormTable, inputs: Sequence[Contents], process: ProcessNumbers | None
) -> tuple[GramsCO2e, GramsCO2e]:
    """Return what is inherited and emitted; a retired product's first life bore its own."""
    emitting = [lot for lot in inputs if forms[lot.form].form_class is not FormClass.PRODUCT]
    emitted = sum(int(lot.emissions or 0) for lot in emitting)
    primary = sum(int(lot.primary or 0) for lot in emitting)
    if process is not None:
        emitted, primary = emitted + process.emissions, primary + process.primary
    return grams_co2e(emitted), grams_co2e(primary)


def _claims(
    expanded: ExpandedRecipe, inputs: Sequence[Contents], wanted: Wanted
) -> dict[ClaimKey, Milligrams]:
    return {
        key: _borne(expanded, inputs, key, wanted.amounts[key[0]])
        for key in wanted.claims
        if key[0] in wanted.amounts
    }


def _borne(
    expanded: ExpandedRecipe, inputs: Sequence[Contents], key: ClaimKey, amount: Milligrams
) -> Milligrams:
    """Return how much of an output's strand bears a claim: all of it, or the blend's share."""
    strand, claim = key
    balance = expanded.right_of(strand)
    if balance is None or claim.model >= Model.SEGREGATED:
        return amount
    if expanded.rule_for(claim.standard, balance.index) is ClaimMode.DRAW:
        return amount
    left = tuple(item for item in balance.left if item.is_material)
    whole = sum(lot.amount(item) for lot in inputs for item in left)
    part = sum(
        number
        for lot in inputs
        for (item, borne), number in lot.claims.items()
        if item in left and borne.standard == claim.standard and borne.model >= claim.model
    )
    return milligrams(amount * part // whole) if whole else milligrams(0)
