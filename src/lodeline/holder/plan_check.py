"""What the proof of a step would show, checked over the plain numbers before anything is proved.

The planner refuses in words what people get wrong; this compiles the step's own statement and finds
whatever the words do not speak of. So what the planner gives, the prover never refuses.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.custody.expansion import recipe_digest
from lodeline.custody.lots import LotPublic, Slot, SlotKind, slots
from lodeline.holder.building import OwnedLot, PlannedLot, outline_lot
from lodeline.holder.contents import Contents
from lodeline.holder.wishes import Desk, Step, Supply
from lodeline.kernel.ids import Commitment, Hash32, LotId, NoteHash, OneTimeKey, Tag
from lodeline.proofs.body import (
    PROTOCOL_VERSION,
    InputRef,
    ProcessCommitments,
    TransformBody,
)
from lodeline.proofs.compiler import compile_transform
from lodeline.proofs.prover import StatementIsFalse
from lodeline.proofs.relations import InRange, LinearForm, Ref, Side, Statement, Zero
from lodeline.proofs.view import TransformView, product_number, site_number

__all__ = ["check_numbers", "statement_of", "view_of"]

_POINT = bytes(48)


def check_numbers(desk: Desk, step: Step) -> None:
    """Check every relation that a proof of the step would show.

    Raises:
        ShapeRefused, UnknownForm, UnknownStandard: the step does not have its recipe's shape.
        RangesTooWide: more range bits than one transform may have.
        StatementIsFalse: a relation does not hold.
    """
    view = view_of(desk, step)
    statement = compile_transform(view)
    numbers = dict(_numbers(desk, step, view))
    for index, product in enumerate(statement.products):
        x, z = (_value(numbers, statement.totals[total]) for total in (product.x, product.z))
        difference = x * _value(numbers, product.y) - z * _value(numbers, product.w)
        numbers[Ref(Side.PRODUCT, index)] = difference
    relations: list[Zero | InRange] = [*statement.zeros, *statement.ranges]
    for relation in sorted(relations, key=lambda item: item.rule.sort_key()):
        bits = relation.bits if isinstance(relation, InRange) else 0
        found = _value(numbers, relation.form)
        if not 0 <= found < 1 << bits:
            raise StatementIsFalse(relation.rule, found, bits)


def statement_of(desk: Desk, step: Step) -> Statement:
    """Return what the proof of a step would have to show.

    Raises:
        ShapeRefused, UnknownForm, UnknownStandard: the step does not have its recipe's shape.
        RangesTooWide: more range bits than one transform may have.
    """
    return compile_transform(view_of(desk, step))


def view_of(desk: Desk, step: Step) -> TransformView:
    """Return a step as everybody would see it, with zero bytes for keys and commitments."""
    blank, key = Commitment(_POINT), OneTimeKey(_POINT)
    body = TransformBody(
        chain=desk.tables.chain,
        version=PROTOCOL_VERSION,
        recipe=recipe_digest(step.recipe),
        site=step.site,
        inputs=tuple(InputRef(LotId(bytes(32)), Tag(_POINT)) for _ in step.inputs),
        outputs=tuple(outline_lot(planned, key) for planned in step.outputs),
        process=None if step.process is None else ProcessCommitments(blank, blank),
        scan_key=Hash32(bytes(32)),
        view_tags=tuple(bytes(2) for _ in step.outputs),
        notes=tuple(NoteHash(bytes(32)) for _ in step.outputs),
        signers=step.signers,
        replaces=step.replaces,
    )
    spent = tuple(_outline(desk, supply) for supply in step.inputs)
    return TransformView(step.recipe, desk.tables.forms, desk.tables.standards, body, spent)


def _outline(desk: Desk, supply: Supply) -> LotPublic:
    if isinstance(supply.source, OwnedLot):
        return supply.source.public
    contents = supply.contents
    planned = PlannedLot(
        form=contents.form,
        recipient=desk.home,
        amounts={strand: contents.amount(strand) for strand in contents.strands},
        claims=contents.claims,
        emissions=contents.emissions,
        primary=contents.primary,
        expires=contents.expires,
        site=supply.site,
        site_number=contents.site_number,
        product="" if contents.product_number is not None else None,
    )
    return outline_lot(planned, OneTimeKey(_POINT))


# ------------------------------------------------------------------ numbers


def _value(numbers: dict[Ref, int], form: LinearForm) -> int:
    return form.constant + sum(numbers[ref] * factor for ref, factor in form.terms)


def _numbers(desk: Desk, step: Step, view: TransformView) -> Iterator[tuple[Ref, int]]:
    """Yield the number behind every commitment of a step."""
    chain = desk.tables.chain
    for index, (supply, lot) in enumerate(zip(step.inputs, view.spent, strict=True)):
        named = None if supply.site is None else site_number(chain, supply.site)
        bound = supply.contents.site_number or named
        for slot, _ in slots(lot):
            yield Ref(Side.INPUT, index, slot), _number(supply.contents, slot, bound)
    for index, (planned, lot) in enumerate(zip(step.outputs, view.body.outputs, strict=True)):
        named = None if planned.site is None else site_number(chain, planned.site)
        product = None if planned.product is None else product_number(chain, planned.product)
        contents = Contents(
            planned.form,
            planned.amounts,
            planned.claims,
            planned.emissions,
            planned.primary,
            product_number=product,
        )
        for slot, _ in slots(lot):
            yield (
                Ref(Side.OUTPUT, index, slot),
                _number(contents, slot, named or planned.site_number),
            )
    if step.process is not None:
        yield Ref(Side.PROCESS, 0), step.process.emissions
        yield Ref(Side.PROCESS, 1), step.process.primary


def _number(contents: Contents, slot: Slot, bound: int | None) -> int:
    if slot.strand is not None and slot.claim is not None:
        return contents.claims[slot.strand, slot.claim]
    if slot.strand is not None:
        return contents.amounts[slot.strand]
    others: dict[SlotKind, int | None] = {
        SlotKind.EMISSIONS: contents.emissions,
        SlotKind.PRIMARY: contents.primary,
        SlotKind.SITE: bound,
        SlotKind.PRODUCT: contents.product_number,
    }
    return others[slot.kind] or 0
