"""Reversals: what comes back equals what went in, number by number, and by nobody else's hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from tests.adversary.lies import alter
from tests.proofs.forging import ENTROPY, forge, refusal, scene_of
from tests.proofs.tampering import changed
from vectors.plans import PLANS, SEGREGATED
from vectors.stage import Committer, Lot, PlainLot, Scene, numbers_of

from lodeline.crypto.group import random_scalar
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import StatementIsFalse, Witness, prove
from lodeline.proofs.relations import Ref, Side
from lodeline.proofs.subject import Subject, restoration_subject, transform_subject
from lodeline.proofs.task import RestorationTask
from lodeline.proofs.verifier import ProofDoesNotHold, ProofShapeWrong

BODY = b"the canonical reversal body"


@dataclass(frozen=True)
class Reversal:
    """A transform's outputs given up, and its inputs restored under fresh keys."""

    scene: Scene
    restored: tuple[Lot, ...]
    body: bytes = BODY

    @property
    def given_up(self) -> tuple[Lot, ...]:
        return self.scene.outputs

    def task(self, proof: Proof) -> RestorationTask:
        return RestorationTask(
            Hash32(bytes(32)),
            self.body,
            tuple(lot.public for lot in self.given_up),
            tuple(lot.tag for lot in self.given_up),
            tuple(lot.public for lot in self.scene.inputs),
            tuple(lot.public for lot in self.restored),
            proof,
        )

    @property
    def subject(self) -> Subject:
        return self.task(Proof((), None, (), (), None)).subject()

    @property
    def witness(self) -> Witness:
        numbers = dict(numbers_of(Side.INPUT, (*self.given_up, *self.scene.inputs)))
        numbers.update(numbers_of(Side.OUTPUT, self.restored))
        return Witness(numbers, tuple(lot.secret for lot in self.given_up))


def reversal(restored: tuple[PlainLot, ...] | None = None) -> Reversal:
    plan = PLANS["store"]
    hand = Committer(ENTROPY)
    lots = plan.inputs if restored is None else restored
    return Reversal(scene_of(plan), tuple(hand.lot(lot) for lot in lots))


GOOD = reversal()
PROOF = prove(GOOD.subject, GOOD.witness, ENTROPY)


def refused(case: Reversal, proof: Proof) -> LodelineError | None:
    return refusal(case.task(proof))


def test_a_reversal_that_gives_back_what_went_in_verifies() -> None:
    assert refused(GOOD, PROOF) is None
    statement = GOOD.subject.statement
    assert statement.spent == 1
    assert len(statement.zeros) == 8
    assert statement.ranges == ()


FIRST, SECOND = PLANS["store"].inputs
WRONG = {
    "a milligram more": (alter(FIRST, {"Co": 301}), SECOND),
    "a milligram less": (alter(FIRST, {"Co": 299}), SECOND),
    "a milligram moved": (alter(FIRST, {"Co": 301}), alter(SECOND, {"Co": 199})),
    "a larger claim": (alter(FIRST, {}, {("Co", SEGREGATED): 301}), SECOND),
    "a gram less": (FIRST, alter(SECOND, {}, {}, emissions=29)),
    "more primary": (FIRST, alter(SECOND, {}, {}, primary=6)),
    "lots swapped": (SECOND, FIRST),
}


@pytest.mark.parametrize("restored", WRONG.values(), ids=WRONG)
def test_whatever_is_not_equal_is_refused(restored: tuple[PlainLot, ...]) -> None:
    case = reversal(restored)
    with pytest.raises(StatementIsFalse):
        prove(case.subject, case.witness, ENTROPY)
    assert isinstance(refused(case, forge(case.subject, case.witness)), ProofDoesNotHold)


def test_whoever_does_not_hold_the_outputs_cannot_take_them_back() -> None:
    """The maker of the transform knows all its numbers, but has sold what came out."""
    witness = Witness(GOOD.witness.numbers, (random_scalar(ENTROPY),))
    assert isinstance(refused(GOOD, forge(GOOD.subject, witness)), ProofDoesNotHold)


def test_a_reversal_is_bound_to_its_body_and_to_its_lots() -> None:
    other = replace(GOOD, body=BODY + b".")
    assert isinstance(refused(other, PROOF), ProofDoesNotHold)
    assert isinstance(refused(reversal(), PROOF), ProofDoesNotHold)


def test_a_transform_s_proof_does_not_reverse_it() -> None:
    """The two domains never share a challenge."""
    proof = GOOD.scene.prove(ENTROPY)
    assert isinstance(refused(GOOD, proof), ProofShapeWrong)
    sale = scene_of(PLANS["sale"])
    subject = transform_subject(sale.view)
    same = restoration_subject(
        subject.binding[0][1], sale.spent, tuple(lot.tag for lot in sale.inputs), (), ()
    )
    assert subject.transcript().digest() != same.transcript().digest()


def test_the_order_of_the_lots_is_proved() -> None:
    turned = replace(GOOD, restored=GOOD.restored[::-1])
    assert isinstance(refused(turned, PROOF), ProofDoesNotHold)


@pytest.mark.parametrize("part", ["owners", "zero"])
def test_no_part_of_a_reversal_s_proof_is_left_out(part: str) -> None:
    error = refused(GOOD, changed(PROOF, (part,), None if part == "zero" else ()))
    assert isinstance(error, ProofShapeWrong)
    assert (error.found, error.expected) == (0, 1)


def test_a_tag_for_every_lot_that_is_given_up() -> None:
    task = GOOD.task(PROOF)
    with pytest.raises(ValueError, match="zip"):
        restoration_subject(task.body, task.spent, (), task.originals, task.restored)
    assert Ref(Side.INPUT, 1) not in GOOD.subject.commitments
