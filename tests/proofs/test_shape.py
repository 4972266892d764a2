"""Shapes: one refusal for each rule that can be seen without a proof, with what disagreed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.adversary.lies import gives, takes
from tests.proofs.paper import Paper, on_paper, statement_of
from tests.proofs.widest import ONE_BIT_MORE, WIDEST, Widths, widest
from tests.proofs.wrong_shapes import CASES, SALE, STORE, Refused, bare_store, lots
from vectors.plans import BLEND, BOOKED, PLANS, REFINED, SEGREGATED, SITE, credit, material
from vectors.stage import Plan
from vectors.tables import FORMS, RECIPES, form, recipe

from lodeline.crypto.ranges import RangesTooWide
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import ClaimCommitment, LotPublic, StrandPublic
from lodeline.custody.recipes import Family
from lodeline.custody.standards import UnknownStandard
from lodeline.kernel.ids import Commitment, StrandName
from lodeline.proofs import shape_errors as refusals
from lodeline.proofs.compiler import compile_restoration, compile_transform


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_wrong_shape_is_refused_for_its_reason(case: Refused) -> None:
    with pytest.raises(case.error) as refused:
        statement_of(case.plan)
    assert type(refused.value) is case.error
    found = refused.value.fields()
    assert {name: found[name] for name in case.fields} == dict(case.fields)


def test_every_reason_of_a_wrong_shape_is_tried() -> None:
    """Those that a plan cannot have, because it sorts its names, are tried below."""
    reasons = {
        error
        for error in vars(refusals).values()
        if isinstance(error, type) and issubclass(error, refusals.ShapeRefused)
    } - {refusals.ShapeRefused}
    assert len(reasons) > 18
    below = {refusals.LotsNotInOrder, refusals.TooManyClaims}
    assert reasons - {case.error for case in CASES} == below


def refused_lot(change: Callable[[LotPublic], LotPublic], plan: Plan = STORE) -> Callable[[], Any]:
    """Return a compilation of the plan with its first output changed by hand."""
    scene = on_paper(plan)
    outputs = (change(scene.body.outputs[0]), *scene.body.outputs[1:])
    body = msgspec.structs.replace(scene.body, outputs=outputs)
    return lambda: compile_transform(replace(scene, body=body).view)


def label(number: int) -> Commitment:
    return Commitment(number.to_bytes(48, "big"))


def test_strands_out_of_order_are_refused() -> None:
    """Two orders would be two ids of one lot, and two names for one number."""

    def swap(lot: LotPublic) -> LotPublic:
        return msgspec.structs.replace(lot, strands=lot.strands[::-1])

    with pytest.raises(refusals.LotsNotInOrder) as refused:
        refused_lot(swap, PLANS["settle"])()
    assert refused.value.names == ("Co.tolerance", "Co")


def test_a_strand_that_stands_twice_is_refused() -> None:
    """Otherwise the second amount would be in no sum."""

    def double(lot: LotPublic) -> LotPublic:
        return msgspec.structs.replace(lot, strands=lot.strands * 2)

    with pytest.raises(refusals.LotsNotInOrder) as refused:
        refused_lot(double)()
    assert refused.value.names == ("Co", "Co")


@pytest.mark.parametrize("names", [(SEGREGATED, SEGREGATED), (REFINED, SEGREGATED)])
def test_claims_twice_or_out_of_order_are_refused(names: tuple[str, ...]) -> None:
    def bear(lot: LotPublic) -> LotPublic:
        borne = tuple(ClaimCommitment(name, label(i)) for i, name in enumerate(names))
        strand = msgspec.structs.replace(lot.strands[0], claims=borne)
        return msgspec.structs.replace(lot, strands=(strand,))

    with pytest.raises(refusals.LotsNotInOrder) as refused:
        refused_lot(bear)()
    assert refused.value.names == names


def test_seven_strands_are_refused() -> None:
    def grow(lot: LotPublic) -> LotPublic:
        strands = tuple(
            StrandPublic(StrandName(f"E{index}"), label(index), ()) for index in range(7)
        )
        return msgspec.structs.replace(lot, strands=strands)

    with pytest.raises(refusals.TooManyStrands) as refused:
        refused_lot(grow)()
    assert (refused.value.found, refused.value.bound) == (7, 6)


def test_thirteen_claims_are_refused() -> None:
    def grow(lot: LotPublic) -> LotPublic:
        borne = tuple(
            ClaimCommitment(f"s{index:02}/segregated", label(index)) for index in range(13)
        )
        strand = msgspec.structs.replace(lot.strands[0], claims=borne)
        return msgspec.structs.replace(lot, strands=(strand,))

    with pytest.raises(refusals.TooManyClaims) as refused:
        refused_lot(grow)()
    assert (refused.value.found, refused.value.bound) == (13, 12)


@pytest.mark.parametrize("change", ["form", "expires", "claims", "count"])
def test_a_restored_lot_of_another_shape_is_refused(change: str) -> None:
    """A reversal gives lots back as they were, and as many."""
    scene = on_paper(SALE)
    originals = scene.spent
    restored = list(scene.body.outputs)
    if change == "count":
        restored.pop()
    elif change == "claims":
        strand = msgspec.structs.replace(restored[1].strands[0], claims=())
        restored[0] = msgspec.structs.replace(restored[0], strands=(strand,))
    else:
        value: Any = {"form": "sulfate", "expires": 5}[change]
        restored[0] = msgspec.structs.replace(restored[0], **{change: value})
    with pytest.raises(refusals.NotTheSameLot) as refused:
        compile_restoration((), originals, tuple(restored))
    assert refused.value.index == (1 if change == "count" else 0)


@pytest.mark.parametrize(("widths", "bits"), [(WIDEST, 8192), (ONE_BIT_MORE, 8193)])
def test_one_range_bit_more_than_the_bound_is_refused(widths: Widths, bits: int) -> None:
    """Before any group operation: the labels of these lots are no points, and nobody notices."""
    scene = widest(widths, Paper())
    if bits <= 8192:
        assert compile_transform(scene.view).range_bits == bits
        return
    with pytest.raises(RangesTooWide) as refused:
        compile_transform(scene.view)
    assert (refused.value.bits, refused.value.bound) == (bits, 8192)


def test_a_sale_may_bear_sites_and_products_as_they_are() -> None:
    """A sale keeps every number, so its lots need no field that their recipe would ask for."""
    marked = tuple(replace(lot, site=SITE) for lot in SALE.inputs)
    compiled = statement_of(replace(lots(SALE, inputs=marked, outputs=marked), site=SITE))
    assert len(compiled.zeros) == len(statement_of(SALE).zeros) + 2


def test_true_shapes_are_not_refused() -> None:
    for plan in PLANS.values():
        assert statement_of(plan).spent == len(plan.inputs)
    assert statement_of(bare_store(16)).spent == 16
    assert statement_of(takes(gives(STORE, 0), 0)).zeros
    assert BOOKED not in {claim for lot in STORE.outputs for _, claim in lot.claims}


# ------------------------------------------------------------------ inputs


@pytest.mark.parametrize("field", ["emissions", "primary"])
def test_an_input_without_its_numbers_is_refused_by_name(field: str) -> None:
    """It may be the output of a bad entry in the same batch, which must not stop the good ones."""
    scene = on_paper(STORE)
    bare = msgspec.structs.replace(scene.spent[0], **{field: None})
    with pytest.raises(refusals.FieldNotExpected) as refused:
        compile_transform(replace(scene.view, spent=(bare, scene.spent[1])))
    assert (refused.value.field, refused.value.expected) == (field, True)


def test_an_input_without_an_amount_is_refused_by_name() -> None:
    scene = on_paper(STORE)
    strand = msgspec.structs.replace(scene.spent[0].strands[0], amount=None)
    bare = msgspec.structs.replace(scene.spent[0], strands=(strand,))
    with pytest.raises(refusals.AmountMissing) as refused:
        compile_transform(replace(scene.view, spent=(bare, scene.spent[1])))
    assert refused.value.strand == "Co"


def test_an_input_with_a_strand_twice_is_refused_by_name() -> None:
    scene = on_paper(STORE)
    double = msgspec.structs.replace(scene.spent[0], strands=scene.spent[0].strands * 2)
    with pytest.raises(refusals.LotsNotInOrder) as refused:
        compile_transform(replace(scene.view, spent=(double, scene.spent[1])))
    assert refused.value.names == ("Co", "Co")


# ------------------------------------------------------------------ bounds and recipes of one's own


def test_twelve_claims_are_not_too_many() -> None:
    def grow(lot: LotPublic) -> LotPublic:
        borne = tuple(
            ClaimCommitment(f"s{index:02}/segregated", label(index)) for index in range(12)
        )
        strand = msgspec.structs.replace(lot.strands[0], claims=borne)
        return msgspec.structs.replace(lot, strands=(strand,))

    with pytest.raises(UnknownStandard):
        refused_lot(grow)()


MARKING = msgspec.structs.replace(RECIPES["book-issue"], marks_site=True)


def test_a_recipe_that_marks_the_site_asks_for_it_on_material_alone() -> None:
    plan = replace(PLANS["book-issue"], recipe=MARKING, site=SITE)
    marked = replace(plan.outputs[0], site=SITE)
    assert statement_of(replace(plan, outputs=(marked, plan.outputs[1]))).zeros
    with pytest.raises(refusals.FieldNotExpected) as refused:
        statement_of(plan)
    assert (refused.value.form, refused.value.field, refused.value.expected) == (
        "sulfate",
        "site",
        True,
    )


def test_what_comes_from_credit_is_mass_balance_whatever_the_recipe_keeps() -> None:
    """A second lock: adoption refuses such a recipe, and the statement would refuse its use."""
    generous = msgspec.structs.replace(RECIPES["refine-from-credit"], custody="segregated")
    plan = replace(PLANS["refine-from-credit"], recipe=generous)
    strong = material("sulfate", {"Co": 590}, 80, 40, {("Co", SEGREGATED): 300})
    with pytest.raises(refusals.ClaimTooStrong) as refused:
        statement_of(replace(plan, outputs=(strong, plan.outputs[1])))
    assert refused.value.strongest == "mass-balance"


def test_credit_is_mass_balance_whatever_its_form_keeps() -> None:
    scene = on_paper(lots(PLANS["carry"], outputs=(credit({BLEND: 5}, "credit-carried"),)))
    forms = tuple(msgspec.structs.replace(item, strongest="identity-preserved") for item in FORMS)
    with pytest.raises(refusals.ClaimTooStrong) as refused:
        compile_transform(replace(scene, forms=forms).view)
    assert refused.value.strongest == "mass-balance"


def test_a_product_without_the_metal_that_its_form_demands_is_refused() -> None:
    wanting = form("battery", FormClass.PRODUCT, {"Co": 12, "Ni": 12}, 12, least={"Co": 100})
    market = msgspec.structs.replace(RECIPES["market"], elements=RECIPES["sale"].elements)
    forms = tuple(wanting if item.name == "battery" else item for item in FORMS)
    nickel = material("battery", {"Ni": 100}, 10, 5, product="p")
    scene = on_paper(replace(PLANS["market"], recipe=market, outputs=(nickel,)))
    with pytest.raises(refusals.RatioStrandMissing) as refused:
        compile_transform(replace(scene, forms=forms).view)
    assert (refused.value.form, refused.value.strand) == ("battery", "Co")


def test_a_sale_cannot_change_the_form_through_named_ports() -> None:
    named = recipe("sale", Family.SALE, "hydroxide|sulfate 1-2", "hydroxide|sulfate 1-2")
    same = material("hydroxide", {"Co": 100}, 10, 5)
    other = replace(same, form="sulfate")
    assert statement_of(Plan(named, (same,), (same,))).zeros
    with pytest.raises(refusals.NotTheSameLot) as refused:
        statement_of(Plan(named, (same,), (other,)))
    assert refused.value.index == 0
