"""False numbers: found on paper, refused by the prover, and refused by the verifier when forged."""

from __future__ import annotations

import pytest
from tests.adversary.detours import EVERY_LIE
from tests.adversary.lies import Lie
from tests.proofs.forging import ENTROPY, forge, refusal, scene_of
from tests.proofs.paper import broken, broken_rules
from vectors.plans import PLANS

from lodeline.proofs.prover import StatementIsFalse
from lodeline.proofs.relations import RuleNumber
from lodeline.proofs.verifier import ProofDoesNotHold

every_lie = pytest.mark.parametrize("lie", EVERY_LIE, ids=lambda lie: lie.name.replace(" ", "-"))


def test_there_is_a_lie_for_every_relation_that_numbers_can_break() -> None:
    """T1 is about keys, and has its own tests."""
    assert len(EVERY_LIE) > 70
    numbers = {int(number) for number in RuleNumber} - {1, RuleNumber.CLAIM_PROOF}
    alone = {next(iter(lie.rules)) for lie in EVERY_LIE if len(lie.rules) == 1}
    assert alone == numbers


def test_the_plans_that_the_lies_change_are_true() -> None:
    assert len(PLANS) > 25
    for name, plan in PLANS.items():
        assert broken(plan) == [], name


@every_lie
def test_a_lie_breaks_exactly_its_rules_on_paper(lie: Lie) -> None:
    assert broken_rules(lie.plan) == lie.rules


def test_each_bound_of_a_ratio_is_broken_alone_by_some_lie() -> None:
    """Two bounds that always break together would hide the absence of one of them."""
    alone = [lie for lie in EVERY_LIE if lie.name.endswith("alone")]
    assert len(alone) == 6
    for lie in alone:
        assert len(broken(lie.plan)) == 1


@every_lie
def test_the_prover_refuses_and_names_the_first_rule(lie: Lie) -> None:
    scene = scene_of(lie.plan)
    with pytest.raises(StatementIsFalse) as refused:
        scene.prove(ENTROPY)
    assert refused.value.rule.number == min(lie.rules)
    value, bits = refused.value.value, refused.value.bits
    assert not 0 <= value < 1 << bits


@every_lie
def test_the_verifier_refuses_a_proof_made_with_all_checks_off(lie: Lie) -> None:
    scene = scene_of(lie.plan)
    proof = forge(scene.subject, scene.witness)
    found = refusal(scene.task(proof))
    assert isinstance(found, ProofDoesNotHold)
    assert found.subject == f"transform under {lie.plan.recipe.name}"


DIFFERENT = [lie for lie in EVERY_LIE if 8 in lie.rules]


@pytest.mark.parametrize("lie", DIFFERENT, ids=lambda lie: lie.name.replace(" ", "-"))
def test_no_committed_difference_hides_a_wrong_proportion(lie: Lie) -> None:
    """The forger commits to a difference that is in range: then the product equation is false."""
    scene = scene_of(lie.plan)
    claimed = dict.fromkeys(range(len(scene.subject.statement.products)), 0)
    proof = forge(scene.subject, scene.witness, claimed)
    assert isinstance(refusal(scene.task(proof)), ProofDoesNotHold)


def test_no_total_is_opened_as_another_number() -> None:
    """A share of 72 out of 200 mg would be true, had 182 mg of claims gone in and not 180."""
    lie = next(lie for lie in EVERY_LIE if lie.name.endswith("above its share"))
    scene = scene_of(lie.plan)
    totals = scene.subject.statement.totals
    values = [scene.witness.value(form) for form in totals]
    claimed = values.index(180)
    proof = forge(scene.subject, scene.witness, totals={claimed: 182})
    assert isinstance(refusal(scene.task(proof)), ProofDoesNotHold)


def test_no_total_is_opened_as_nothing() -> None:
    """With every factor zero each difference would be zero, and in range."""
    for lie in DIFFERENT[:6]:
        scene = scene_of(lie.plan)
        nothing = dict.fromkeys(range(len(scene.subject.statement.totals)), 0)
        proof = forge(scene.subject, scene.witness, totals=nothing)
        assert isinstance(refusal(scene.task(proof)), ProofDoesNotHold)


def test_every_plan_is_proved_and_verified_through_the_same_doors() -> None:
    """The control of the tests above: the forger's tools make good proofs of true numbers."""
    for plan in PLANS.values():
        scene = scene_of(plan)
        assert refusal(scene.task(forge(scene.subject, scene.witness))) is None
