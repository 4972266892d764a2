"""Real proofs for tests, honest ones and those of a prover whose own checks are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unittest import mock

from vectors.stage import Committer, Plan, Scene, stage

from lodeline.crypto import range_prover
from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import Scalar, encode_point, scalar
from lodeline.crypto.transcript import NonceSource
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Commitment
from lodeline.proofs import prover
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness
from lodeline.proofs.relations import LinearForm, Ref, Side
from lodeline.proofs.subject import Subject
from lodeline.proofs.task import ProofTask

__all__ = ["ENTROPY", "Liar", "forge", "honest", "refusal", "scene_of"]

ENTROPY = SystemEntropy()


def scene_of(plan: Plan) -> Scene:
    """Return a plan committed with fresh randomness."""
    return stage(plan, Committer(ENTROPY))


def honest(plan: Plan) -> tuple[Scene, Proof]:
    """Return a true plan committed, with its proof."""
    scene = scene_of(plan)
    return scene, scene.prove(ENTROPY)


class Liar(Witness):
    """A witness that states other values for some forms than their commitments hold."""

    told: Mapping[LinearForm, int]

    @classmethod
    def of(cls, witness: Witness, told: Mapping[LinearForm, int]) -> Liar:
        """Return the witness with other values for some forms."""
        liar = cls(witness.numbers, witness.secrets)
        object.__setattr__(liar, "told", told)
        return liar

    def value(self, form: LinearForm) -> int:
        """Return the stated value of a form, or the true one."""
        stated = self.told.get(form)
        return super().value(form) if stated is None else stated


def forge(
    subject: Subject,
    witness: Witness,
    differences: Mapping[int, int] | None = None,
    totals: Mapping[int, int] | None = None,
) -> Proof:
    """Run the protocol on numbers of any truth, all of the prover's checks off.

    ``differences`` are values that the forger commits to in place of a product's true one,
    ``totals`` values that he opens in place of a total's.
    """
    told = differences or {}
    factors = {subject.statement.totals[i]: value for i, value in (totals or {}).items()}
    original = prover._commit_products

    def commit_products(
        subject: Subject, witness: Witness, nonces: NonceSource
    ) -> tuple[list[Commitment], list[Scalar], Witness]:
        commitments, deltas, complete = original(subject, Liar.of(witness, factors), nonces)
        numbers = dict(complete.numbers)
        for index, value in told.items():
            ref = Ref(Side.PRODUCT, index)
            blinding = numbers[ref][1]
            numbers[ref] = (value, blinding)
            point = VALUE * scalar(value) + BLINDING * blinding
            commitments[index] = Commitment(encode_point(point))
        return commitments, deltas, Liar.of(Witness(numbers, complete.secrets), factors)

    with (
        mock.patch.object(prover, "prove_ranges", range_prover._prove_unchecked),
        mock.patch.object(prover, "_commit_products", commit_products),
    ):
        return prover.prove_unchecked(subject, witness, ENTROPY)


def refusal(task: ProofTask, beside: Sequence[ProofTask] = ()) -> LodelineError | None:
    """Return why a task is refused, alone or at the end of a batch."""
    return verify_batch([*beside, task])[-1].refusal
