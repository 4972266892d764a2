"""From a transform to its statement: the one list of everything a proof must show.

Prover and verifier both run :func:`compile_transform` on the same public values, so the statement
never travels. The order of relations is fixed: T-number, balance, claim, output (protocol.md §5).

The steps, by number of the relation:

1. T1 owners and tags of all inputs (in :class:`Statement.spent`);
2. T2, T3 balances; 3. T4 claims; 4. T5 ranges; 5. T6 emissions; 6. T7 custody models;
7. T8 proportions, as products and ranges; 8. T9 sites; 9. T10 ratios.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.crypto.ranges import RangesTooWide
from lodeline.custody.lots import LotPublic, Slot, SlotKind, slots
from lodeline.custody.recipes import Family
from lodeline.kernel.bounds import MAX_RANGE_BITS
from lodeline.proofs.compile_claims import (
    BlendShare,
    blend_shares,
    claim_relations,
    custody_relations,
)
from lodeline.proofs.compile_emissions import EmissionShare, emission_relations, emission_shares
from lodeline.proofs.compile_material import (
    balance_relations,
    range_relations,
    ratio_relations,
)
from lodeline.proofs.relations import (
    InRange,
    LinearForm,
    Place,
    Product,
    Ref,
    Rule,
    RuleNumber,
    Side,
    Statement,
    Zero,
)
from lodeline.proofs.shape import check_shape
from lodeline.proofs.shape_errors import NotTheSameLot, SiteNotStated
from lodeline.proofs.view import LotView, TransformView, bits_for, site_number

__all__ = ["compile_restoration", "compile_transform"]


def compile_transform(view: TransformView) -> Statement:
    """Return the statement of a transform under its recipe.

    Raises:
        ShapeRefused: the transform does not have the recipe's shape.
        UnknownForm, UnknownStandard: a name that is in no table.
        RangesTooWide: more range bits than one transform may have.
    """
    check_shape(view)
    if view.recipe.family is Family.SALE:
        return _statement(len(view.inputs), list(_sale_relations(view)), [])
    relations: list[Zero | InRange] = [
        *balance_relations(view),
        *claim_relations(view),
        *range_relations(view),
        *emission_relations(view),
        *custody_relations(view),
        *_site_relations(view),
        *ratio_relations(view),
    ]
    shares: list[BlendShare | EmissionShare] = [*blend_shares(view), *emission_shares(view)]
    return _statement(len(view.inputs), relations, shares)


def _statement(
    spent: int,
    relations: list[Zero | InRange],
    shares: list[BlendShare | EmissionShare],
) -> Statement:
    totals: list[LinearForm] = []
    products: list[Product] = []
    for share in shares:
        product, bounds = _proportion(share, totals, len(products))
        products.append(product)
        relations.extend(bounds)
    ordered = sorted(relations, key=lambda relation: relation.rule.sort_key())
    zeros = tuple(item for item in ordered if isinstance(item, Zero))
    ranges = tuple(item for item in ordered if isinstance(item, InRange))
    statement = Statement(spent, zeros, tuple(totals), tuple(products), ranges)
    if statement.range_bits > MAX_RANGE_BITS:
        raise RangesTooWide(statement.range_bits, MAX_RANGE_BITS)
    return statement


def _proportion(
    share: BlendShare | EmissionShare, totals: list[LinearForm], index: int
) -> tuple[Product, list[InRange]]:
    """Return T8 of one output as a product with the ranges that bound it.

    Claims: ``D = m·ΣC − c·ΣM``, ``0 ≤ D ≤ ΣM`` (in a deposit only ``0 ≤ D``). Emissions:
    ``D = e·ΣM − M·Σe``, ``−ΣM ≤ D ≤ ΣM``.
    """
    difference = LinearForm.of(Ref(Side.PRODUCT, index))
    bits = bits_for(share.largest)
    if isinstance(share, BlendShare):
        x, z = _total(totals, share.part_in), _total(totals, share.whole_in)
        product = Product(share.rule, x, share.whole_out, z, share.part_out)
        low, high, wider = difference, share.whole_in - difference, bits
        if share.at_most_bits is not None:
            return product, [InRange(share.rule, low, share.at_most_bits)]
    else:
        x, z = _total(totals, share.whole_total), _total(totals, share.part_total)
        product = Product(share.rule, x, share.part, z, share.whole)
        low, high, wider = difference + share.whole_total, share.whole_total - difference, bits + 1
    return product, [InRange(share.rule, low, wider), InRange(share.rule, high, wider)]


def _total(totals: list[LinearForm], form: LinearForm) -> int:
    """Return the index of a form among the opened totals, adding it once."""
    if form not in totals:
        totals.append(form)
    return totals.index(form)


def _site_relations(view: TransformView) -> Iterator[Zero]:
    """Yield T9: every right used, and every lot that is bound to a site, is of the stated site."""
    bound = [lot for lot in view.inputs if lot.lot.site is not None and not lot.is_material]
    bound += [lot for lot in view.outputs if lot.lot.site is not None]
    if not bound:
        return
    if view.body.site is None:
        raise SiteNotStated(view.recipe.name)
    number = site_number(view.body.chain, view.body.site)
    for lot in bound:
        place = Place(output=lot.index, detail=lot.side.value)
        form = LinearForm.of(lot.number(SlotKind.SITE)) + LinearForm(constant=-number)
        yield Zero(Rule(RuleNumber.T9_SITE, place), form)


def _sale_relations(view: TransformView) -> Iterator[Zero]:
    """Yield for a sale: every number of each output equals the input's of the same index.

    T2 to T10 of the outputs then follow from those of the inputs, because form and numbers are the
    same; a sale needs no range.
    """
    if len(view.inputs) != len(view.outputs):
        raise NotTheSameLot(min(len(view.inputs), len(view.outputs)))
    for before, after in zip(view.inputs, view.outputs, strict=True):
        yield from _equal(before, after)


def _equal(before: LotView, after: LotView) -> Iterator[Zero]:
    same_slots = [slot for slot, _ in before.numbers] == [slot for slot, _ in after.numbers]
    if not same_slots or _outline(before.lot) != _outline(after.lot):
        raise NotTheSameLot(after.index)
    for (slot, old), (_, new) in zip(before.numbers, after.numbers, strict=True):
        rule = Rule(RuleNumber.T5_RANGES, Place(output=after.index, detail=str(slot)))
        yield Zero(rule, LinearForm.of(new) - LinearForm.of(old))


def _outline(lot: LotPublic) -> tuple[object, ...]:
    return lot.form, lot.expires


def compile_restoration(
    spent: tuple[LotPublic, ...],
    originals: tuple[LotPublic, ...],
    restored: tuple[LotPublic, ...],
) -> Statement:
    """Return the statement of a reversal: outputs are given up, each input comes back equal.

    Inputs of the statement are first the ``spent`` lots (T1), then the ``originals``; its outputs
    are the ``restored`` lots.

    Raises:
        NotTheSameLot: a restored lot has another shape than its original.
    """
    if len(originals) != len(restored):
        raise NotTheSameLot(min(len(originals), len(restored)))
    zeros: list[Zero | InRange] = []
    for index, (before, after) in enumerate(zip(originals, restored, strict=True)):
        zeros.extend(_restored(len(spent) + index, before, index, after))
    return _statement(len(spent), zeros, [])


def _restored(position: int, before: LotPublic, index: int, after: LotPublic) -> Iterator[Zero]:
    old: list[Slot] = [slot for slot, _ in slots(before)]
    if old != [slot for slot, _ in slots(after)] or _outline(before) != _outline(after):
        raise NotTheSameLot(index)
    for slot in old:
        rule = Rule(RuleNumber.T5_RANGES, Place(output=index, detail=str(slot)))
        new_form = LinearForm.of(Ref(Side.OUTPUT, index, slot))
        yield Zero(rule, new_form - LinearForm.of(Ref(Side.INPUT, position, slot)))
