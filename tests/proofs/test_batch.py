"""Batches: the bad proof is named, the good ones land, and a verdict belongs to one proof."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proofs.forging import ENTROPY, forge, honest, refusal, scene_of
from tests.proofs.tampering import changed
from vectors.plans import PLANS
from vectors.stage import Scene

from lodeline.crypto.group import BadPoint, encode_scalar, scalar
from lodeline.kernel.ids import Hash32, PointBytes
from lodeline.proofs.batch import Verdict, VerifiedProofs, verify_batch, verify_subject
from lodeline.proofs.proof import Proof
from lodeline.proofs.shape_errors import FormNotExpected
from lodeline.proofs.task import ProofTask, TransformTask
from lodeline.proofs.verifier import ProofDoesNotHold, ProofShapeWrong

GRANT, GRANTED = honest(PLANS["grant-quota"])
SALE, SOLD = honest(PLANS["sale"])
DISTINCT: list[tuple[Scene, Proof]] = [
    (GRANT, GRANTED),
    (SALE, SOLD),
    honest(PLANS["write-off"]),
    honest(PLANS["grant-intake"]),
]


def key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(4, "big")).digest()


def good(count: int) -> list[TransformTask]:
    """Return many small true transforms, each under its own key."""
    chosen = [DISTINCT[index % len(DISTINCT)] for index in range(count)]
    return [scene.task(proof, key(index)) for index, (scene, proof) in enumerate(chosen)]


def spoiled(task: TransformTask) -> TransformTask:
    """Return the task with its first owner's response, or its zero response, off by one."""
    proof = task.proof
    if proof.owners:
        path: tuple[str | int, ...] = ("owners", 0, "response")
        response = proof.owners[0].response
    else:
        assert proof.zero is not None
        path, response = ("zero", "response"), proof.zero.response
    off = encode_scalar(scalar(int.from_bytes(response, "little") + 1))
    return replace(task, proof=changed(proof, path, off))


def bad_ones(tasks: Sequence[ProofTask]) -> list[int]:
    verdicts = verify_batch(tasks)
    assert [verdict.key for verdict in verdicts] == [task.key for task in tasks]
    return [index for index, verdict in enumerate(verdicts) if verdict.refusal is not None]


@pytest.mark.parametrize("position", [0, 49, 99])
def test_one_bad_proof_among_a_hundred_is_named_and_the_others_land(position: int) -> None:
    tasks = good(100)
    tasks[position] = spoiled(tasks[position])
    verdicts = verify_batch(tasks)
    assert [index for index, v in enumerate(verdicts) if v.refusal is not None] == [position]
    found = verdicts[position].refusal
    assert isinstance(found, ProofDoesNotHold)
    assert found.subject == tasks[position].name


def test_all_good_and_all_bad() -> None:
    assert bad_ones(good(30)) == []
    assert bad_ones([spoiled(task) for task in good(20)]) == list(range(20))
    assert bad_ones([]) == []


@settings(max_examples=15)
@given(st.sets(st.integers(0, 15), max_size=5))
def test_any_set_of_bad_proofs_is_named_exactly(chosen: set[int]) -> None:
    tasks = good(16)
    for index in chosen:
        tasks[index] = spoiled(tasks[index])
    assert bad_ones(tasks) == sorted(chosen)


def test_refusals_of_every_stage_stand_side_by_side() -> None:
    """Wrong shape, wrong proof shape, no point, false: one of each among good ones."""
    tasks: list[TransformTask] = good(8)
    tasks[1] = replace(tasks[1], recipe=PLANS["carry"].recipe)
    tasks[3] = replace(tasks[3], proof=changed(tasks[3].proof, ("zero",), None))
    nowhere = PointBytes(b"\x80" + bytes(47))
    tasks[5] = replace(tasks[5], proof=changed(tasks[5].proof, ("owners", 0), replace_key(nowhere)))
    tasks[6] = spoiled(tasks[6])
    kinds = [type(verdict.refusal) for verdict in verify_batch(tasks)]
    none = type(None)
    assert kinds == [
        none,
        FormNotExpected,
        none,
        ProofShapeWrong,
        none,
        BadPoint,
        ProofDoesNotHold,
        none,
    ]


def replace_key(point: PointBytes) -> object:
    return msgspec.structs.replace(SOLD.owners[0], key_announcement=point)


def test_errors_of_two_proofs_that_cancel_are_both_named() -> None:
    """One response a little too large, the other as much too small: a plain sum would hold."""
    first, second = honest(PLANS["grant-quota"]), honest(PLANS["grant-quota"])
    tasks = []
    for (scene, proof), step in ((first, 1), (second, -1)):
        assert proof.zero is not None
        value = scalar(int.from_bytes(proof.zero.response, "little") + step)
        tasks.append(scene.task(changed(proof, ("zero", "response"), encode_scalar(value))))
    assert bad_ones(tasks) == [0, 1]


def test_the_same_bad_proof_twice_does_not_cancel_itself() -> None:
    bad = spoiled(good(1)[0])
    assert bad_ones([bad, bad]) == [0, 1]


@pytest.mark.parametrize("order", ["good first", "bad first"])
def test_one_body_with_a_good_and_a_bad_proof_has_two_verdicts(order: str) -> None:
    """A relay that damages a proof must not damn the body, nor a good proof vouch for a bad."""
    right = SALE.task(SOLD, key(1))
    wrong = replace(spoiled(right), key=Hash32(key(2)))
    tasks = [right, wrong] if order == "good first" else [wrong, right]
    for together in (tasks, tasks[::-1]):
        kept = VerifiedProofs()
        kept.keep(verify_batch(together))
        assert kept.verdicts[Hash32(key(1))].refusal is None
        assert isinstance(kept.verdicts[Hash32(key(2))].refusal, ProofDoesNotHold)
    one_by_one = [refusal(task) for task in tasks]
    assert [found is None for found in one_by_one] == [task is right for task in tasks]


def test_a_good_proof_beside_a_bad_one_of_the_same_body_is_still_good() -> None:
    again = SALE.prove(ENTROPY)
    right, wrong = SALE.task(SOLD, key(1)), replace(spoiled(SALE.task(again)), key=Hash32(key(2)))
    assert bad_ones([right, wrong, SALE.task(again, key(3))]) == [1]


def test_nobody_else_makes_a_verdict() -> None:
    with pytest.raises(TypeError):
        Verdict(Hash32(key(1)), None, seal=object())


def test_a_verdict_cannot_be_changed() -> None:
    verdict = verify_batch([spoiled(good(1)[0])])[0]
    for name in ("key", "refusal"):
        with pytest.raises(AttributeError):
            setattr(verdict, name, None)
    assert verdict.refusal is not None


def test_verdicts_are_kept_up_to_a_bound_and_the_oldest_forgotten() -> None:
    kept = VerifiedProofs(bound=3)
    verdicts = verify_batch(good(5))
    kept.keep(verdicts)
    assert list(kept.verdicts) == [verdict.key for verdict in verdicts[2:]]


def test_a_batch_is_shared_among_processes_with_the_same_verdicts() -> None:
    tasks = good(12)
    tasks[7] = spoiled(tasks[7])
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        verdicts = verify_batch(tasks, pool, workers=2)
    assert [v.key for v in verdicts] == [task.key for task in tasks]
    assert [index for index, v in enumerate(verdicts) if v.refusal is not None] == [7]
    found = verdicts[7].refusal
    assert isinstance(found, ProofDoesNotHold)


def test_one_proof_alone_is_verified_by_the_same_rules() -> None:
    verify_subject(SALE.subject, SOLD, "sale")
    with pytest.raises(ProofDoesNotHold) as refused:
        verify_subject(SALE.subject, spoiled(SALE.task(SOLD)).proof, "this sale")
    assert refused.value.subject == "this sale"


def test_a_forgery_is_refused_beside_the_proof_that_it_copies() -> None:
    """Announcements copied from a good proof in the same batch help nobody."""
    target = scene_of(PLANS["grant-quota"])
    copied = GRANTED
    assert bad_ones([GRANT.task(GRANTED, key(1)), target.task(copied, key(2))]) == [1]
    mixed = changed(forge(target.subject, target.witness), ("zero",), GRANTED.zero)
    assert bad_ones([GRANT.task(GRANTED, key(1)), target.task(mixed, key(2))]) == [1]
