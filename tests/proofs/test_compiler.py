"""Statements: compiled the same by everybody, in one order, true for honest transforms."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proofs.blends import blends
from tests.proofs.forging import honest, refusal
from tests.proofs.paper import broken, on_paper, statement_of
from vectors.plans import BOOKED, PLANS, credit, material
from vectors.stage import Plan
from vectors.tables import RECIPES

from lodeline.custody.lots import slots
from lodeline.kernel.bounds import MAX_AMOUNT, MAX_RANGE_BITS, PRODUCT_BITS
from lodeline.kernel.ids import ChainId, SiteId
from lodeline.proofs.compiler import compile_transform
from lodeline.proofs.proof import Proof
from lodeline.proofs.relations import InRange, Ref, Rule, Side, Statement, Zero
from lodeline.proofs.shape_errors import ClaimFromNothing
from lodeline.proofs.view import bits_for, product_number, site_number

every_plan = pytest.mark.parametrize("name", PLANS)


@settings(max_examples=150)
@given(blends())
def test_an_honest_blend_of_any_shape_is_true(plan: Plan) -> None:
    assert broken(plan) == []


@settings(max_examples=8)
@given(blends(most_lots=4))
def test_an_honest_blend_of_any_shape_verifies(plan: Plan) -> None:
    scene, proof = honest(plan)
    assert refusal(scene.task(proof)) is None


@settings(max_examples=60)
@given(blends(most_lots=6), st.data())
def test_a_blend_with_one_number_changed_by_one_is_false(plan: Plan, data: st.DataObject) -> None:
    """Amounts and emissions are kept exactly; a change of one unit anywhere shows."""
    index = data.draw(st.integers(0, len(plan.outputs) - 1))
    lot = plan.outputs[index]
    step = data.draw(st.sampled_from([-1, 1]))
    if data.draw(st.booleans()):
        changed = replace(lot, amounts={"Co": (lot.amounts["Co"] or 0) + step})
    else:
        changed = replace(lot, emissions=(lot.emissions or 0) + step)
    assert broken(plan.with_output(index, changed))


@every_plan
def test_compiling_twice_gives_the_same_statement(name: str) -> None:
    scene = on_paper(PLANS[name])
    first = compile_transform(scene.view)
    assert statement_of(PLANS[name]) == first
    recipe, body, spent = pickle.loads(pickle.dumps((scene.recipe, scene.body, scene.spent)))
    task = replace(scene.task(Proof((), None, (), (), None)), recipe=recipe, body=body, spent=spent)
    assert task.subject().statement == first


EVERY_STATEMENT = """
import hashlib
from tests.proofs.paper import statement_of
from vectors.plans import BOOKED, PLANS, credit, material
whole = "".join(repr(statement_of(plan)) for plan in PLANS.values())
print(len(whole), hashlib.sha256(whole.encode()).hexdigest())
"""


def test_two_processes_compile_the_same_statements() -> None:
    """Python orders sets of texts anew in every process; a statement must not follow them."""
    root = Path(__file__).parents[2]
    found = set()
    for seed in ("1", "2", "3"):
        told = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", EVERY_STATEMENT]
        run = subprocess.run(command, cwd=root, env=told, check=True, capture_output=True)
        found.add(run.stdout)
    assert len(found) == 1
    assert int(found.pop().split()[0]) > 100_000


@every_plan
def test_relations_stand_in_the_fixed_order(name: str) -> None:
    statement = statement_of(PLANS[name])
    for relations in (statement.zeros, statement.ranges):
        rules = [relation.rule for relation in relations]
        assert rules == sorted(rules, key=Rule.sort_key)


def _refs(statement: Statement) -> Iterable[Ref]:
    relations: list[Zero | InRange] = [*statement.zeros, *statement.ranges]
    for form in (*(item.form for item in relations), *statement.totals):
        yield from (ref for ref, _ in form.terms)
    for product in statement.products:
        yield from (ref for form in (product.y, product.w) for ref, _ in form.terms)


EVERYTHING_SAID = sorted(set(PLANS) - {"write-off", "grant-licence", "renew-licence"})


@every_plan
def test_every_number_of_an_output_is_in_some_relation(name: str) -> None:
    """A number that no relation speaks of could be anything."""
    scene = on_paper(PLANS[name])
    spoken = set(_refs(compile_transform(scene.view)))
    for lot in scene.view.outputs:
        free = {ref for _, ref in lot.numbers} - spoken
        allowed = {ref for slot, ref in lot.numbers if slot.kind.value == "product"}
        assert free <= allowed, (name, free)


def test_a_product_s_identifier_is_free_until_a_passport_opens_it() -> None:
    """The one number of an output that no rule of a transform speaks of (protocol.md §4)."""
    scene = on_paper(PLANS["market"])
    spoken = set(_refs(compile_transform(scene.view)))
    free = [ref for lot in scene.view.outputs for _, ref in lot.numbers if ref not in spoken]
    assert len(free) == len(PLANS["market"].outputs)


@pytest.mark.parametrize("name", EVERYTHING_SAID)
def test_every_amount_of_an_input_is_in_some_relation(name: str) -> None:
    scene = on_paper(PLANS[name])
    spoken = set(_refs(compile_transform(scene.view)))
    amounts = [
        ref
        for lot in scene.view.inputs
        for slot, ref in lot.numbers
        if slot.kind.value == "amount"
        and not (slot.strand and slot.strand.name.endswith("tolerance"))
    ]
    assert set(amounts) <= spoken


@every_plan
def test_no_relation_is_empty_or_stands_twice(name: str) -> None:
    """Either would be bits and bytes that show nothing."""
    statement = statement_of(PLANS[name])
    zeros = [(frozenset(item.form.terms), item.form.constant) for item in statement.zeros]
    assert len(set(zeros)) == len(zeros)
    relations: list[Zero | InRange] = [*statement.zeros, *statement.ranges]
    assert all(relation.form.terms for relation in relations)


def test_one_output_needs_no_proportion() -> None:
    """Nor does the last of two, whose relation is the first one's with the other sign."""
    one = statement_of(PLANS["store"])
    assert one.products == ()
    assert len(statement_of(PLANS["transport"]).products) == 2
    three = replace(PLANS["transport"], outputs=PLANS["transport"].outputs * 2)
    assert len(statement_of(three).products) == 8


def test_a_claim_that_was_booked_and_claimed_stays_with_its_material() -> None:
    """It may be kept and blended, but never becomes credit again."""
    used = material("sulfate", {"Co": 300}, 40, 10, {("Co", BOOKED): 100})
    assert broken(Plan(RECIPES["blend"], (used,), (used,))) == []
    again = (
        material("sulfate", {"Co": 300}, 40, 10),
        credit({BOOKED: 100}, "book-credit", None),
    )
    with pytest.raises(ClaimFromNothing) as refused:
        statement_of(Plan(RECIPES["book-issue"], (used,), again))
    assert refused.value.claim == BOOKED


def test_material_marked_with_another_site_may_be_used_here() -> None:
    """Only rights bind to the place where they are used; ore travels."""
    mine = PLANS["mine"]
    ore = PLANS["leach"].inputs[0]
    marked = replace(ore, site="site-2")
    leach = replace(PLANS["leach"], inputs=(marked, PLANS["leach"].inputs[1]))
    assert broken(leach) == []
    elsewhere = replace(mine.inputs[0], site="site-2")
    assert {int(rule.number) for rule in broken(mine.with_input(0, elsewhere))} == {9}


@every_plan
def test_a_statement_speaks_only_of_numbers_that_are_committed(name: str) -> None:
    scene = on_paper(PLANS[name])
    known = set(scene.witness.numbers)
    statement = compile_transform(scene.view)
    known |= {Ref(Side.PRODUCT, index) for index in range(len(statement.products))}
    assert set(_refs(statement)) <= known


@every_plan
def test_no_sum_can_wrap_round_the_field(name: str) -> None:
    """With every number at the protocol's greatest, forms stay far below the group order."""
    statement = statement_of(PLANS[name])
    greatest = dict.fromkeys(set(_refs(statement)), MAX_AMOUNT)
    for product in statement.products:
        for total, factor in ((product.x, product.y), (product.z, product.w)):
            most = sum(abs(k) * greatest[ref] for ref, k in statement.totals[total].terms)
            most *= sum(abs(k) * greatest[ref] for ref, k in factor.terms)
            assert most < 1 << PRODUCT_BITS
    for zero in statement.zeros:
        sites = [ref for ref, _ in zero.form.terms if ref.slot and ref.slot.kind.value == "site"]
        if not sites:
            assert sum(abs(k) * greatest[ref] for ref, k in zero.form.terms) < 1 << 84
    for item in statement.ranges:
        assert 1 <= item.bits <= 80
    assert statement.range_bits <= MAX_RANGE_BITS


@every_plan
def test_slots_and_names_of_a_lot_are_in_one_order(name: str) -> None:
    scene = on_paper(PLANS[name])
    for lot in (*scene.view.inputs, *scene.view.outputs):
        assert [slot for slot, _ in lot.numbers] == [slot for slot, _ in slots(lot.lot)]
        assert len({ref for _, ref in lot.numbers}) == len(lot.numbers)


@given(st.integers(0, 1 << 200))
def test_a_width_holds_its_greatest_number_and_no_spare_bit(largest: int) -> None:
    bits = bits_for(largest)
    assert largest < 1 << bits
    assert bits == 1 or largest >= 1 << (bits - 1)


def test_site_and_product_numbers_differ_by_chain_and_kind() -> None:
    found = {
        site_number(ChainId("a"), SiteId("b")),
        site_number(ChainId("b"), SiteId("a")),
        site_number(ChainId("a"), SiteId("bb")),
        site_number(ChainId("ab"), SiteId("b")),
        site_number(ChainId("ab"), SiteId("")),
        product_number(ChainId("a"), "b"),
    }
    assert len(found) == 6
    assert all(0 < number < 1 << 248 for number in found)


def test_the_statement_follows_the_body_s_chain() -> None:
    """A site's number belongs to a chain; the same body elsewhere asks for another number."""
    scene = on_paper(PLANS["mine"])
    here = compile_transform(scene.view)
    moved = replace(scene, body=msgspec.structs.replace(scene.body, chain=ChainId("elsewhere")))
    assert compile_transform(moved.view) != here
