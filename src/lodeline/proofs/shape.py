"""The shape of a transform: which lots, strands, claims and fields a recipe takes and gives.

Everything here is visible to everybody; nothing needs a proof. It is checked before any group
operation. Not checked here, because it depends on the ledger's state: that inputs exist and are
unspent, signatures, expiries, validity in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import ANY_FORM, ClaimMode, Family, Port
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.bounds import MAX_CLAIMS, MAX_STRANDS
from lodeline.proofs.shape_errors import (
    AmountMissing,
    ClaimNotCovered,
    ClaimTooStrong,
    ClaimTwice,
    FieldNotExpected,
    FormNotExpected,
    FormsDiffer,
    LotsNotInOrder,
    PortCountWrong,
    ProcessNumbersWrong,
    StandardNotForElement,
    StrandNotBalanced,
    StrandNotInForm,
    TooManyClaims,
    TooManyStrands,
)
from lodeline.proofs.view import LotView, TransformView

__all__ = ["check_numbers", "check_shape", "mode_of"]


def check_shape(view: TransformView) -> None:
    """Check everything about a transform that needs neither proof nor state.

    Raises:
        ShapeRefused: one subclass for each reason.
    """
    _check_ports(view, "input", view.recipe.inputs, view.inputs)
    _check_ports(view, "output", view.recipe.outputs, view.outputs)
    _check_same_form(view)
    if (view.body.process is not None) != view.recipe.has_process:
        raise ProcessNumbersWrong(view.recipe.name, view.recipe.has_process)
    for lot in view.inputs:
        check_numbers(lot)
    for lot in view.outputs:
        _check_lot(view, lot)
    _check_balanced(view)


def _check_ports(
    view: TransformView, side: str, ports: Sequence[Port], lots: Sequence[LotView]
) -> None:
    counts = [0] * len(ports)
    for lot in lots:
        counts[_port_of(view, side, ports, lot)] += 1
    for port, found in zip(ports, counts, strict=True):
        if not port.at_least <= found <= port.at_most:
            raise PortCountWrong(
                view.recipe.name, side, port.forms, found, port.at_least, port.at_most
            )


def _port_of(view: TransformView, side: str, ports: Sequence[Port], lot: LotView) -> int:
    for index, port in enumerate(ports):
        if lot.form.name in port.forms:
            return index
    for index, port in enumerate(ports):
        if ANY_FORM in port.forms and _can_be_any(lot):
            return index
    raise FormNotExpected(view.recipe.name, side, lot.form.name)


def _can_be_any(lot: LotView) -> bool:
    """A port for any form takes material; a product leaves only by a recipe that names it."""
    return lot.is_material and lot.form.form_class is not FormClass.PRODUCT


def _check_same_form(view: TransformView) -> None:
    """Lots that entered or leave through a port for any form all have one form."""
    forms = {
        lot.form.name
        for ports, lots in ((view.recipe.inputs, view.inputs), (view.recipe.outputs, view.outputs))
        for lot in lots
        if _through_any_form(ports, lot)
    }
    if len(forms) > 1:
        raise FormsDiffer(view.recipe.name, tuple(sorted(forms)))


def _through_any_form(ports: Sequence[Port], lot: LotView) -> bool:
    named = any(lot.form.name in port.forms for port in ports)
    return not named and any(ANY_FORM in port.forms for port in ports)


def check_numbers(lot: LotView) -> None:
    """An input has the numbers that relations speak of.

    Every lot of the ledger has. But an input may be the output of an entry of the same batch, which
    is verified beside it and refused: what is wrong there must not stop the others. Nor may a lot
    that a stranger shows with an answer.

    Raises:
        LotsNotInOrder, AmountMissing, FieldNotExpected: the lot has other numbers.
    """
    _check_order([item.strand for item in lot.lot.strands])
    for item in lot.lot.strands:
        if (item.amount is not None) != Strand.parse(item.strand).has_amount:
            raise AmountMissing(item.strand)
    for field in ("emissions", "primary"):
        if (_field(lot.lot, field) is not None) != lot.is_material:
            raise FieldNotExpected(lot.form.name, field, lot.is_material)


def _check_lot(view: TransformView, lot: LotView) -> None:
    _check_order([item.strand for item in lot.lot.strands])
    if not 1 <= len(lot.lot.strands) <= MAX_STRANDS:
        raise TooManyStrands(len(lot.lot.strands), MAX_STRANDS)
    found = sum(len(item.claims) for item in lot.lot.strands)
    if found > MAX_CLAIMS:
        raise TooManyClaims(found, MAX_CLAIMS)
    for item in lot.lot.strands:
        strand = Strand.parse(item.strand)
        if lot.form.width(strand.name) is None:
            raise StrandNotInForm(lot.form.name, strand.name)
        if (item.amount is not None) != strand.has_amount:
            raise AmountMissing(strand.name)
        _check_claims(view, lot, strand, [borne.claim for borne in item.claims])
    _check_fields(view, lot)


def _check_order(names: Sequence[str]) -> None:
    if any(first >= second for first, second in pairwise(names)):
        raise LotsNotInOrder(tuple(names))


def _check_claims(view: TransformView, lot: LotView, strand: Strand, names: Sequence[str]) -> None:
    _check_order(names)
    claims = [ClaimName.parse(name) for name in names]
    standards = [claim.standard for claim in claims]
    for standard in standards:
        if standards.count(standard) > 1:
            raise ClaimTwice(strand.name, standard)
        elements = view.standards[standard].elements
        if elements and strand.element not in elements:
            raise StandardNotForElement(standard, strand.element)
    if claims and strand.kind in (Kind.LICENCE, Kind.QUOTA):
        raise ClaimNotCovered(view.recipe.name, claims[0].text, strand.name)
    if not claims and not strand.has_amount:
        raise ClaimNotCovered(view.recipe.name, "", strand.name)
    for claim in claims:
        _check_model(view, lot, strand, claim)


def _check_model(view: TransformView, lot: LotView, strand: Strand, claim: ClaimName) -> None:
    """A claim is no stronger than its form, its recipe and, from credit, its mode can keep."""
    strongest = Model.parse(lot.form.strongest)
    if view.recipe.family is not Family.GRANT:
        if strand.is_material:
            strongest = min(strongest, Model.parse(view.recipe.custody))
        mode = mode_of(view, strand, claim)
        if strand.kind is Kind.CREDIT or mode is ClaimMode.TAKE_UP:
            strongest = min(strongest, Model.MASS_BALANCE)
    if claim.model > strongest:
        raise ClaimTooStrong(view.recipe.name, claim.text, strongest.text)


def mode_of(view: TransformView, strand: Strand, claim: ClaimName) -> ClaimMode:
    """Return how a claim comes to an output's strand under the recipe.

    A claim on assurance or credit is what is left of it or, under a deposit rule, what goes to it;
    T4 alone governs both, and the mode reported is ``KEEP``.

    Raises:
        ClaimNotCovered: the recipe has no rule for it.
    """
    if not strand.is_material:
        return ClaimMode.KEEP
    balance = view.balance_giving(strand)
    mode = None
    if balance is not None:
        mode = view.expanded.rule_for(claim.standard, balance.index)
    if mode is None:
        raise ClaimNotCovered(view.recipe.name, claim.text, strand.name)
    return mode


def _check_fields(view: TransformView, lot: LotView) -> None:
    form_class = lot.form.form_class
    marked = view.recipe.marks_site and lot.is_material
    expected = {
        "emissions": lot.is_material,
        "primary": lot.is_material,
        "site": _bound_to_site(lot) or marked,
        "product": form_class is FormClass.PRODUCT,
        "expires": form_class.is_right,
    }
    if view.recipe.family is Family.SALE:
        del expected["site"]
    for field, wanted in expected.items():
        if (_field(lot.lot, field) is not None) != wanted:
            raise FieldNotExpected(lot.form.name, field, wanted)


def _field(lot: LotPublic, name: str) -> object:
    fields: dict[str, object] = {
        "emissions": lot.emissions,
        "primary": lot.primary,
        "site": lot.site,
        "product": lot.product,
        "expires": lot.expires,
    }
    return fields[name]


def _bound_to_site(lot: LotView) -> bool:
    """Rights, assurance and mass-balance credit belong to a site; book credit does not."""
    if not lot.form.form_class.is_right:
        return False
    models = {claim.model for strand, claim, _ in lot.claims() if strand.kind is Kind.CREDIT}
    return models != {Model.BOOK_AND_CLAIM}


def _check_balanced(view: TransformView) -> None:
    """Every strand with an amount stands in a balance: inputs in a left, outputs in a right."""
    balances = view.expanded.balances
    taken = {strand for balance in balances for strand in balance.left}
    given = {strand for balance in balances for strand in balance.right}
    for side, lots, known in (("input", view.inputs, taken), ("output", view.outputs, given)):
        for strand in _amounts(lots):
            if strand not in known:
                raise StrandNotBalanced(view.recipe.name, side, strand.name)


def _amounts(lots: Iterable[LotView]) -> list[Strand]:
    found = {strand for lot in lots for strand in lot.strands if strand.has_amount}
    return sorted(found, key=lambda strand: strand.name)
