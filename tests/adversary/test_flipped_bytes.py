"""Every public byte, flipped one at a time: this is how a gap in the transcript would show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.proofs.forging import honest, refusal
from tests.proofs.test_questions import Answer, share
from tests.proofs.test_restoration import GOOD, PROOF
from vectors.plans import PLANS
from vectors.tables import FORM_TABLE

from lodeline.custody.lots import LotPublic
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.body import TransformBody
from lodeline.proofs.proof import Proof
from lodeline.proofs.questions import ClaimBody, claim_subject

Check = Callable[[bytes], LodelineError | None]


def flips(encoded: bytes, stride: int = 1) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes with one bit changed, another bit at each place."""
    for position in range(0, len(encoded), stride):
        flipped = bytearray(encoded)
        flipped[position] ^= 1 << position % 8
        yield position, bytes(flipped)


def taken(encoded: bytes, check: Check, stride: int = 1) -> list[int]:
    """Return every place at which a flip was not refused; there should be none."""
    assert check(encoded) is None, "the untouched bytes must be good"
    found, tried = [], 0
    for position, flipped in flips(encoded, stride):
        tried += 1
        if check(flipped) is None:
            found.append(position)
    assert tried == -(-len(encoded) // stride) > 20
    return found


def decoded(check: Callable[[bytes], LodelineError | None]) -> Check:
    """Return a check for which bytes that do not decode are refused."""

    def guarded(encoded: bytes) -> LodelineError | None:
        try:
            return check(encoded)
        except LodelineError as refused:
            return refused

    return guarded


class Parts:
    """The public parts of one transform, each with a check of changed bytes."""

    def __init__(self, name: str) -> None:
        scene, proof = honest(PLANS[name])
        self.task = scene.task(proof)

    def body(self) -> tuple[bytes, Check]:
        def check(encoded: bytes) -> LodelineError | None:
            return refusal(replace(self.task, body=cbor.decode_struct(encoded, TransformBody)))

        return cbor.encode_struct(self.task.body), decoded(check)

    def proof(self) -> tuple[bytes, Check]:
        def check(encoded: bytes) -> LodelineError | None:
            return refusal(replace(self.task, proof=cbor.decode_struct(encoded, Proof)))

        return cbor.encode_struct(self.task.proof), decoded(check)

    def inputs(self) -> Iterator[tuple[bytes, Check]]:
        for index, lot in enumerate(self.task.spent):
            yield cbor.encode_struct(lot), decoded(self._lot(index))

    def _lot(self, index: int) -> Check:
        def check(encoded: bytes) -> LodelineError | None:
            lot = cbor.decode_struct(encoded, LotPublic)
            spent = (*self.task.spent[:index], lot, *self.task.spent[index + 1 :])
            return refusal(replace(self.task, spent=spent))

        return check


SMALL = Parts("settle")
"""One lot in, one lot out: owner, zero and range parts, small enough for every byte."""


def test_no_byte_of_a_body_may_change() -> None:
    assert taken(*SMALL.body()) == []


def test_no_byte_of_a_proof_may_change() -> None:
    assert taken(*SMALL.proof()) == []


def test_no_byte_of_an_input_lot_may_change() -> None:
    """A validator that holds another lot than the prover meant refuses the proof."""
    for encoded, check in SMALL.inputs():
        assert taken(encoded, check) == []


LARGER = sorted(set(PLANS) - {"settle"})


@pytest.mark.parametrize("name", LARGER)
def test_no_sampled_byte_of_a_larger_transform_may_change(name: str) -> None:
    """Every part that proofs can have: totals, products, sites, process numbers, no inputs."""
    parts = Parts(name)
    for encoded, check in (parts.body(), parts.proof(), *parts.inputs()):
        assert taken(encoded, check, max(1, len(encoded) // 24)) == []


def test_no_sampled_byte_of_a_claim_proof_may_change() -> None:
    answer = Answer(share(600_000))
    proof = answer.prove()
    lots = [lot.public for lot in answer.lots]

    def with_body(encoded: bytes) -> LodelineError | None:
        subject = claim_subject(cbor.decode_struct(encoded, ClaimBody), lots, FORM_TABLE)
        verify_subject(subject, proof, "claim")
        return None

    def with_proof(encoded: bytes) -> LodelineError | None:
        verify_subject(answer.subject, cbor.decode_struct(encoded, Proof), "claim")
        return None

    assert taken(cbor.encode_struct(answer.body), decoded(with_body), 3) == []
    assert taken(cbor.encode_struct(proof), decoded(with_proof), 7) == []


def test_no_byte_of_a_reversal_s_body_and_no_sampled_byte_of_its_proof_may_change() -> None:
    task = GOOD.task(PROOF)

    def with_proof(encoded: bytes) -> LodelineError | None:
        return refusal(replace(task, proof=cbor.decode_struct(encoded, Proof)))

    def with_original(encoded: bytes) -> LodelineError | None:
        first = cbor.decode_struct(encoded, LotPublic)
        return refusal(replace(task, originals=(first, *task.originals[1:])))

    assert refusal(task) is None
    for _, flipped in flips(task.body):
        assert refusal(replace(task, body=flipped)) is not None
    assert taken(cbor.encode_struct(PROOF), decoded(with_proof), 3) == []
    assert taken(cbor.encode_struct(task.originals[0]), decoded(with_original), 7) == []
