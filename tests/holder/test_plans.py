"""Chains of steps: blends of many lots, splits into many parts, exact amounts, part acceptance."""

from __future__ import annotations

import pytest
from tests.proofs.scenarios import ENTROPY, NARROW, SITE, Scenario, mass, masses, wish

from lodeline.crypto.ranges import RangesTooWide
from lodeline.custody.strands import Strand
from lodeline.holder import plan_refusals as refusals
from lodeline.holder.building import PlannedLot
from lodeline.holder.plan_check import statement_of
from lodeline.holder.plans import (
    Part,
    blend_down,
    build_chain,
    plan_blend,
    plan_export,
    plan_grant,
    plan_market,
    plan_part,
    plan_sale,
    plan_settle,
    plan_split,
    plan_write_off,
    take_amount,
)
from lodeline.holder.wishes import Chain, FromStep, Order, Step, Supply
from lodeline.kernel.bounds import MAX_RANGE_BITS
from lodeline.kernel.ids import FormName, LotId, MemberId, Role
from lodeline.proofs.body import SignerRef

CO = Strand.parse("Co")
CLAIM = "IRMA-75/segregated"


@pytest.fixture(scope="module")
def scene() -> Scenario:
    return Scenario()


@pytest.fixture(scope="module")
def narrow() -> Scenario:
    return Scenario(recipes=NARROW)


def lots(scene: Scenario, count: int, unit: int = 10**9) -> list[Supply]:
    """Return hydroxide of 1, 2, 3 … units (1 t unless told), each with reserve and claim."""
    return [
        scene.lot(
            "cobalt-hydroxide",
            {"Co": number * unit, "Co.tolerance": number * unit // 100},
            {("Co", CLAIM): number * unit, ("Co.tolerance", CLAIM): number * unit // 100},
            emissions=number * 7,
            primary=number * 3,
        )
        for number in range(1, count + 1)
    ]


def held(chain: Chain, end: FromStep) -> PlannedLot:
    return chain.steps[end.step].outputs[end.output]


def used_once(chain: Chain) -> bool:
    sources = [
        supply.source
        for step in chain.steps
        for supply in step.inputs
        if isinstance(supply.source, FromStep)
    ]
    return len(sources) == len(set(sources))


# ------------------------------------------------------------------ blending


@pytest.mark.parametrize(("count", "steps"), [(2, 1), (16, 1), (17, 2), (31, 2), (40, 3), (61, 4)])
def test_many_lots_are_blended_in_as_few_steps_as_may_be(
    scene: Scenario, count: int, steps: int
) -> None:
    chain = plan_blend(scene.desk, scene.recipes["blend"], lots(scene, count, 10**8))
    assert len(chain.steps) == steps
    assert used_once(chain)
    (end,) = chain.ends()
    whole = held(chain, end)
    total = count * (count + 1) // 2
    assert whole.amounts == {CO: total * 10**8, Strand.parse("Co.tolerance"): total * 10**6}
    assert sum(whole.claims.values()) == total * (10**8 + 10**6)
    assert (whole.emissions, whole.primary) == (total * 7, total * 3)


def test_blending_down_stops_where_it_is_told(scene: Scenario) -> None:
    chain, left = blend_down(scene.desk, scene.recipes["blend"], lots(scene, 20), 12)
    assert (len(chain.steps), len(left)) == (1, 12)
    assert sum(lot.contents.amount(CO) for lot in left) == 210 * 10**9


def test_a_blend_of_two_forms_or_too_much_of_one(scene: Scenario) -> None:
    sulfate = scene.lot("cobalt-sulfate", {"Co": "1 t"})
    with pytest.raises(refusals.LotsDiffer):
        plan_blend(scene.desk, scene.recipes["blend"], [*lots(scene, 1), sulfate])
    heavy = [scene.lot("cobalt-sulfate", {"Co": "200 t"}) for _ in range(2)]
    with pytest.raises(refusals.AmountTooLarge):
        plan_blend(scene.desk, scene.recipes["blend"], heavy)


# ------------------------------------------------------------------ splitting


@pytest.mark.parametrize("count", [2, 15, 16, 40])
def test_a_lot_is_split_into_any_number_of_parts_in_order(scene: Scenario, count: int) -> None:
    lot = scene.lot(
        "cobalt-hydroxide",
        {"Co": 10**12, "Co.tolerance": 10**10},
        {("Co", CLAIM): 10**12, ("Co.tolerance", CLAIM): 10**10},
        emissions=10**9,
        primary=10**8,
    )
    parts = [Part({CO: mass(number * 10**8)}) for number in range(1, count)]
    chain = plan_split(scene.desk, scene.recipes["split"], lot, parts)
    found = [held(chain, end) for end in chain.ends()]
    assert [part.amounts[CO] for part in found[:-1]] == [part.amounts[CO] for part in parts]
    assert sum(part.amounts[CO] for part in found) == 10**12
    assert sum(part.amounts[Strand.parse("Co.tolerance")] for part in found) == 10**10
    assert sum(part.emissions or 0 for part in found) == 10**9
    assert used_once(chain)
    widths = [statement_of(scene.desk, step).range_bits for step in chain.steps]
    assert max(widths) <= MAX_RANGE_BITS


def test_a_split_whose_ranges_would_be_too_wide_goes_in_steps(scene: Scenario) -> None:
    """Sixteen parts of the widest form with many claims do not fit one proof."""
    names = ("CIRAF", "ICMM-PE", "IRMA-50", "IRMA-75")
    claims = {
        (strand, f"{name}/controlled-blending"): 10**8
        for name in names
        for strand in ("Co", "Co.tolerance")
    }
    metals = {"Co": 10**9, "Co.tolerance": 10**9, "Cu": 10**9, "Cu.tolerance": 10**9}
    lot = scene.lot("copper-cobalt-ore", metals, claims, emissions=10**9)
    wishes = [wish("copper-cobalt-ore", {"Co": 10**8, "Cu": 10**8}) for _ in range(9)]
    with pytest.raises(RangesTooWide):
        scene.plan("split", [lot], [*wishes, wish("copper-cobalt-ore")])
    parts = [Part(masses({"Co": 10**8, "Cu": 10**8})) for _ in range(9)]
    chain = plan_split(scene.desk, scene.recipes["split"], lot, parts)
    assert len(chain.steps) > 1
    assert len(chain.ends()) == 10


def test_a_split_gains_nothing(scene: Scenario) -> None:
    (lot,) = lots(scene, 1)
    split = scene.recipes["split"]
    with pytest.raises(refusals.MoreOutThanIn):
        plan_split(scene.desk, split, lot, [Part(masses({"Co": "0.6 t"}))] * 2)
    for parts in ([], [Part(masses({"Co": "1 t"}))]):
        with pytest.raises(refusals.SplitTooSmall):
            plan_split(scene.desk, split, lot, parts)


def test_an_exact_amount_splits_the_last_lot_only(scene: Scenario) -> None:
    chosen = lots(scene, 3)
    split = scene.recipes["split"]
    taken = take_amount(scene.desk, split, chosen, CO, mass("4.5 t"))
    assert [lot.contents.amount(CO) for lot in taken.lots] == [10**9, 2 * 10**9, 15 * 10**8]
    assert taken.lots[2].source == FromStep(0, 0)
    whole = take_amount(scene.desk, split, chosen, CO, mass("6 t"))
    assert (whole.chain.steps, whole.lots) == ((), tuple(chosen))
    with pytest.raises(refusals.MoreOutThanIn):
        take_amount(scene.desk, split, chosen, CO, mass("6.1 t"))


# ------------------------------------------------------------------ trade


def test_sales_go_by_form_and_by_sixteen(scene: Scenario) -> None:
    many = [*lots(scene, 17), scene.lot("cobalt-sulfate", {"Co": "1 t"})]
    steps = plan_sale(scene.desk, scene.recipes["sale"], many, scene.desk.home)
    assert [len(step.inputs) for step in steps] == [16, 1, 1]
    for step in steps:
        for before, after in zip(step.inputs, step.outputs, strict=True):
            assert after.claims == before.contents.claims
            assert after.emissions == before.contents.emissions


def test_part_acceptance_is_a_split_and_a_new_sale(scene: Scenario) -> None:
    (lot,) = lots(scene, 1)
    recipes = (scene.recipes["split"], scene.recipes["sale"])
    chain = plan_part(scene.desk, recipes, lot, masses({"Co": "0.4 t"}), scene.desk.home)
    split, sale = chain.steps
    assert [out.amounts[CO] for out in split.outputs] == [4 * 10**8, 6 * 10**8]
    assert sale.inputs[0].source == FromStep(0, 0)
    assert sale.outputs[0].amounts == split.outputs[0].amounts


def test_the_thin_functions_say_the_same_as_the_planner(scene: Scenario) -> None:
    (lot,) = lots(scene, 1)
    signers = (SignerRef(MemberId("x"), Role("counterparty")),)
    settled = plan_settle(
        scene.desk, scene.recipes["settle"], lot, masses({"Co": "1.005 t"}), signers
    )
    assert settled.outputs[0].amounts[Strand.parse("Co.tolerance")] == 5 * 10**6
    quota = scene.quota(Co="5 t")
    exported = plan_export(scene.desk, scene.recipes["export-cobalt"], [lot, quota], SITE, ())
    assert exported.outputs[1].amounts == masses({"Co.quota": "3.99 t"})
    assert plan_write_off(scene.desk, scene.recipes["write-off"], [lot], ()).outputs == ()
    left = scene.licence(Co="1 t")
    granted = plan_grant(
        scene.desk,
        scene.recipes["renew-licence"],
        SITE,
        wish("licence", {"Co.licence": "2 t"}),
        (),
        (LotId(bytes(32)), (left,)),
    )
    assert granted.replaces == LotId(bytes(32))
    assert granted.outputs[0].amounts == masses({"Co.licence": "2 t"})


def test_products_take_equal_parts_of_what_goes_in(narrow: Scenario) -> None:
    pack = narrow.lot("sulfate", {"Co": 301}, {("Co", "mine-a/segregated"): 301}, emissions=10)
    products = [(FormName("battery"), f"car-{number}") for number in (1, 2, 3)]
    step = plan_market(narrow.desk, narrow.recipes["market"], [pack], products)
    assert [out.amounts[CO] for out in step.outputs] == [101, 100, 100]
    assert [out.product for out in step.outputs] == ["car-1", "car-2", "car-3"]
    one = plan_market(narrow.desk, narrow.recipes["market"], [pack], products[:1])
    assert one.outputs[0].amounts == {CO: 301}


# ------------------------------------------------------------------ proved


def test_a_chain_is_proved_step_by_step(narrow: Scenario) -> None:
    material = [
        narrow.lot("sulfate", {"Co": 100 + n}, {("Co", "mine-a/segregated"): 50}, emissions=n)
        for n in range(3)
    ]
    chain = plan_blend(narrow.desk, narrow.recipes["blend"], material)
    parts = [Part(masses({"Co": 100}), narrow.desk.home), Part(masses({"Co": 150}))]
    split = plan_split(narrow.desk, narrow.recipes["split"], chain.supply(0), parts)
    chain = Chain((*chain.steps, *split.steps))
    built = build_chain(narrow.desk, chain, narrow.keys, ENTROPY)
    assert [len(one.made) for one in built] == [1, 3]
    assert built[1].body.inputs[0].lot == built[0].made[0].lot_id


def test_a_step_that_its_recipe_does_not_know_is_not_planned(scene: Scenario) -> None:
    order = Order(scene.recipes["split"], tuple(lots(scene, 2)), ())
    with pytest.raises(refusals.PlanRefused):
        scene.plan("split", order.inputs, [])
    assert isinstance(
        plan_write_off(scene.desk, scene.recipes["write-off"], order.inputs, ()), Step
    )
