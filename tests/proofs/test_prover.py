"""The prover: refuses in words what it could not verify, and shows nothing of what it knows."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from tests.adversary.lies import gives
from tests.proofs.forging import ENTROPY, scene_of
from tests.proofs.tampering import leaves
from vectors.plans import PLANS
from vectors.seeded import Seeded

from lodeline.crypto.group import ONE
from lodeline.crypto.range_prover import ValueOutOfRange
from lodeline.kernel import cbor
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.prover import (
    OpeningDoesNotMatch,
    StatementIsFalse,
    Witness,
    check_openings,
    check_truth,
    prove,
    prove_unchecked,
)
from lodeline.proofs.relations import Ref, RuleNumber, Side

SCENE = scene_of(PLANS["blend"])


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_of_the_vectors_is_proved_and_verified(name: str) -> None:
    scene = scene_of(PLANS[name])
    verify_subject(scene.subject, scene.prove(ENTROPY), name)


@pytest.mark.parametrize("by", [1, -1])
def test_a_number_that_does_not_open_its_commitment_is_named(by: int) -> None:
    for ref, (value, blinding) in SCENE.witness.numbers.items():
        wrong = {**SCENE.witness.numbers, ref: (value + by, blinding)}
        with pytest.raises(OpeningDoesNotMatch) as refused:
            check_openings(SCENE.subject, Witness(wrong, SCENE.witness.secrets))
        assert refused.value.ref == ref


def test_a_blinding_factor_that_does_not_open_its_commitment_is_named() -> None:
    ref, (value, blinding) = next(iter(SCENE.witness.numbers.items()))
    wrong = {**SCENE.witness.numbers, ref: (value, blinding + ONE)}
    with pytest.raises(OpeningDoesNotMatch) as refused:
        prove(SCENE.subject, Witness(wrong, SCENE.witness.secrets), ENTROPY)
    assert refused.value.ref == ref


def test_a_false_statement_is_refused_with_its_rule_and_numbers() -> None:
    scene = scene_of(gives(PLANS["store"], 0, {}, {}, emissions=69))
    with pytest.raises(StatementIsFalse) as refused:
        scene.prove(ENTROPY)
    assert refused.value.rule.number is RuleNumber.T6_EMISSIONS
    assert (refused.value.value, refused.value.bits) == (1, 0)


def test_nothing_is_drawn_for_a_proof_that_is_refused() -> None:
    """Refused before any nonce exists, so that nothing about the numbers can leak."""
    source = Seeded("unused")
    scene = scene_of(gives(PLANS["store"], 0, {}, {}, emissions=69))
    with pytest.raises(StatementIsFalse):
        prove(scene.subject, scene.witness, source)
    assert source.drawn == 0


def test_without_its_own_check_the_prover_still_makes_no_false_range_proof() -> None:
    scene = scene_of(gives(PLANS["store"], 0, {}, {}, primary=-1))
    with pytest.raises(ValueOutOfRange) as refused:
        prove_unchecked(scene.subject, scene.witness, ENTROPY)
    assert refused.value.bits == scene.subject.statement.ranges[refused.value.position].bits


def test_truth_is_judged_over_integers_not_modulo_the_field() -> None:
    """A number the group order too large opens the same commitment, and is still refused."""
    from lodeline.crypto.group import GROUP_ORDER  # noqa: PLC0415 - one use

    ref = Ref(Side.OUTPUT, 0, SCENE.view.outputs[0].numbers[0][0])
    value, blinding = SCENE.witness.numbers[ref]
    wrapped = {**SCENE.witness.numbers, ref: (value + GROUP_ORDER, blinding)}
    witness = Witness(wrapped, SCENE.witness.secrets)
    check_openings(SCENE.subject, witness)
    with pytest.raises(StatementIsFalse):
        check_truth(SCENE.subject, witness)


def test_the_same_seed_gives_the_same_proof_and_another_seed_another() -> None:
    first = cbor.encode_struct(SCENE.prove(Seeded("a")))
    assert cbor.encode_struct(SCENE.prove(Seeded("a"))) == first
    assert cbor.encode_struct(SCENE.prove(Seeded("b"))) != first


def test_a_stuck_source_gives_two_statements_no_nonce_in_common() -> None:
    """The same announcement under two challenges would give the owner's key away."""
    first = SCENE.prove(Seeded("stuck"))
    body = replace(SCENE, body=scene_of(PLANS["blend"]).body)
    other = prove_unchecked(body.subject, SCENE.witness, Seeded("stuck"))
    assert not {v for _, v in leaves(first)} & {v for _, v in leaves(other)}


def test_a_secret_witness_does_not_show_itself() -> None:
    text = repr(SCENE.witness)
    assert "secret" in text
    for value, _ in SCENE.witness.numbers.values():
        assert str(value) not in text or value < 100


def test_the_prover_takes_randomness_from_where_it_is_told() -> None:
    with mock.patch("secrets.token_bytes", side_effect=AssertionError):
        SCENE.prove(Seeded("told"))
