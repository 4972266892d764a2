"""Whatever the numbers are: what the planner fills in satisfies every relation of the proof.

The planner ends by evaluating the compiled statement over its numbers and would raise
``StatementIsFalse``; these tests feed it numbers of every size and expect that it never does. Wrong
orders are refused in words, as ``PlanRefused``.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.proofs.scenarios import SITE, Scenario, wish

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.strands import Strand
from lodeline.holder.apportion import in_proportion
from lodeline.holder.building import ProcessNumbers
from lodeline.holder.contents import Contents
from lodeline.holder.plan_refusals import PlanRefused
from lodeline.holder.planner import plan_step
from lodeline.holder.wishes import FromStep, Order, Step, Supply, Wish
from lodeline.kernel.ids import FormName, StandardName
from lodeline.kernel.units import GramsCO2e, Milligrams

SCENE = Scenario()
CO, RESERVE = Strand.parse("Co"), Strand.parse("Co.tolerance")
LICENCE, COPPER_LICENCE = Strand.parse("Co.licence"), Strand.parse("Cu.licence")
STANDARDS = [StandardName(name) for name in ("IRMA-75", "CIRAF", "ICMM-PE")]
LARGE = 2**34
FEWER = settings(max_examples=max(30, settings().max_examples // 4))
"""Each example compiles and evaluates a whole statement."""

amount = st.one_of(st.integers(0, 6), st.integers(0, 1000), st.integers(0, LARGE))
models = st.sampled_from(list(Model))


@st.composite
def hydroxides(draw: st.DrawFn) -> Supply:
    """Draw a lot of hydroxide: any amounts, claims of any model, emissions of any size."""
    metal = draw(amount)
    held = {CO: Milligrams(metal)}
    if draw(st.booleans()):
        held[RESERVE] = Milligrams(draw(st.integers(0, 2**30)))
    claims = {}
    for standard in draw(st.sets(st.sampled_from(STANDARDS), max_size=2)):
        model = draw(models)
        for strand, whole in held.items():
            borne = whole if draw(st.booleans()) else draw(st.integers(0, whole))
            claims[strand, ClaimName(standard, model)] = Milligrams(borne)
    emissions = draw(st.integers(0, 2**30))
    primary = draw(st.one_of(st.just(emissions), st.integers(0, emissions)))
    return _supply("cobalt-hydroxide", held, claims, emissions, primary)


def _supply(
    form: str,
    amounts: dict[Strand, Milligrams],
    claims: dict[tuple[Strand, ClaimName], Milligrams],
    emissions: int | None = None,
    primary: int | None = None,
) -> Supply:
    is_right = SCENE.desk.form(FormName(form)).form_class.is_right
    contents = Contents(
        FormName(form),
        amounts,
        claims,
        None if emissions is None else GramsCO2e(emissions),
        None if primary is None else GramsCO2e(primary),
        SCENE.desk.constants.right_expiry(SCENE.desk.now) if is_right else None,
    )
    return Supply(FromStep(0, 0), contents, SITE if is_right else None)


def parts_of(lots: Sequence[Supply], weights: Sequence[int]) -> list[Wish]:
    total = sum(lot.contents.amount(CO) for lot in lots)
    shares = in_proportion(total, weights)
    return [wish("cobalt-hydroxide", {"Co": share}) for share in shares]


def handled(recipe: str, lots: Sequence[Supply], wishes: Sequence[Wish]) -> Step:
    used = SCENE.recipes[recipe]
    return plan_step(SCENE.desk, Order(used, tuple(lots), tuple(wishes)))


@pytest.mark.property
@FEWER
@given(
    lots=st.lists(hydroxides(), min_size=2, max_size=5),
    weights=st.lists(amount, min_size=1, max_size=4),
)
def test_any_lots_blend_into_any_parts(lots: list[Supply], weights: list[int]) -> None:
    step = handled("blend-controlled", lots, parts_of(lots, weights))
    assert len(step.outputs) == len(weights)
    for strand in (CO, RESERVE):
        given_in = sum(lot.contents.amount(strand) for lot in lots)
        assert sum(out.amounts.get(strand, 0) for out in step.outputs) == given_in
    assert sum(out.emissions or 0 for out in step.outputs) == sum(
        lot.contents.emissions or 0 for lot in lots
    )


@pytest.mark.property
@FEWER
@given(lot=hydroxides(), weights=st.lists(amount, min_size=2, max_size=6))
def test_any_lot_splits_into_any_parts(lot: Supply, weights: list[int]) -> None:
    step = handled("split", [lot], parts_of([lot], weights))
    for key, whole in lot.contents.claims.items():
        if key[1].model >= Model.SEGREGATED and whole == lot.contents.amount(key[0]):
            assert sum(out.claims.get(key, 0) for out in step.outputs) == whole


@pytest.mark.property
@FEWER
@given(lot=hydroxides(), found=amount)
def test_any_new_weight_settles_or_is_refused_in_words(lot: Supply, found: int) -> None:
    whole = lot.contents.amount(CO) + lot.contents.amount(RESERVE)
    try:
        step = handled("settle", [lot], [wish("cobalt-hydroxide", {"Co": found})])
    except PlanRefused:
        assert found > whole or found * 10**6 < 950_000 * whole or found >= 2**40
        return
    assert sum(step.outputs[0].amounts.values()) <= whole


@pytest.mark.property
@FEWER
@given(
    lots=st.lists(hydroxides(), min_size=1, max_size=3),
    lost=st.integers(0, 29_999),
    cut=st.integers(0, 10**6),
    process=st.tuples(st.integers(0, 2**32), st.integers(0, 10**6)),
)
def test_any_refining_with_deposit_holds_or_is_refused_in_words(
    lots: list[Supply], lost: int, cut: int, process: tuple[int, int]
) -> None:
    total = sum(lot.contents.amount(CO) for lot in lots)
    assume(total)
    made = total - total * lost // 10**6
    sulfate = made * cut // 10**6
    emitted = process[0] + total
    numbers = ProcessNumbers(GramsCO2e(emitted), GramsCO2e(emitted * process[1] // 10**6))
    wishes = [
        wish("cobalt-sulfate", {"Co": sulfate}),
        wish("refinery-residue", {"Co": made - sulfate}),
        wish("cobalt-sulfate", {"Co": 0}),
    ]
    for recipe in ("refine-cobalt-sulfate", "refine-cobalt-sulfate-mass-balance"):
        order = Order(SCENE.recipes[recipe], tuple(lots), tuple(wishes), SITE, numbers)
        try:
            step = plan_step(SCENE.desk, order)
        except PlanRefused:
            assert made < total * 970_000 / 10**6 or recipe.endswith("balance")  # no claims
            continue
        outputs = [out for out in step.outputs if out.emissions is not None]
        assert all((out.primary or 0) <= (out.emissions or 0) for out in outputs)


@pytest.mark.property
@FEWER
@given(
    licences=st.lists(amount, min_size=1, max_size=2),
    ore=st.lists(st.tuples(amount, st.booleans()), min_size=1, max_size=3),
    assured=st.lists(st.tuples(models, amount), max_size=3),
)
def test_any_mining_holds_or_is_refused_in_words(
    licences: list[int], ore: list[tuple[int, bool]], assured: list[tuple[Model, int]]
) -> None:
    inputs = [
        _supply("licence", {LICENCE: Milligrams(mg), COPPER_LICENCE: Milligrams(mg)}, {})
        for mg in licences
    ]
    strand = Strand.parse("Co.assurance")
    inputs += [
        _supply("assurance", {}, {(strand, ClaimName(STANDARDS[0], model)): Milligrams(mg)})
        for model, mg in assured
    ]
    wishes = [
        wish("copper-cobalt-ore", {"Co": mg, "Cu": mg // 2}, None if bearing else ())
        for mg, bearing in ore
    ]
    process = ProcessNumbers(GramsCO2e(2**36), GramsCO2e(2**35))
    order = Order(SCENE.recipes["mine-copper-cobalt"], tuple(inputs), tuple(wishes), SITE, process)
    metal = sum(mg for mg, _ in ore)
    try:
        step = plan_step(SCENE.desk, order)
    except PlanRefused:
        drawn = sum(mg for mg, bearing in ore if bearing)
        assert metal > sum(licences) or drawn > sum(mg for _, mg in assured)
        return
    used = sum(out.amounts.get(CO, 0) + out.amounts.get(RESERVE, 0) for out in step.outputs)
    left = sum(out.amounts.get(LICENCE, 0) for out in step.outputs)
    assert used + left == sum(licences)
