"""The one prover of all recipes. Reached only from the holder's side, where the secrets are.

The prover follows the verifier's transcript step by step and refuses to publish anything that it
could not itself verify: a false statement is refused here with the rule that it breaks, in words,
before any proof exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lodeline.crypto.generators import BLINDING, OWNER_BASE, VALUE
from lodeline.crypto.group import (
    ZERO,
    Entropy,
    Point,
    Scalar,
    decode_point,
    encode_point,
    encode_scalar,
    multi_scalar_mul,
    scalar,
)
from lodeline.crypto.labels import Label
from lodeline.crypto.range_prover import prove_ranges
from lodeline.crypto.transcript import NonceSource, Transcript
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Commitment, ScalarBytes
from lodeline.proofs.proof import (
    OwnerProof,
    ProductProof,
    Proof,
    RangeProof,
    TotalProof,
    ZeroProof,
)
from lodeline.proofs.relations import InRange, LinearForm, Ref, Rule, Side, Zero
from lodeline.proofs.subject import Subject
from lodeline.proofs.verifier import announcements, fold_zeros, responses

__all__ = ["OpeningDoesNotMatch", "StatementIsFalse", "Witness", "prove"]


class StatementIsFalse(LodelineError):
    """The holder's own numbers do not satisfy a rule; nothing has been published."""

    rule: Rule
    value: int
    bits: int
    """0 where the value had to be zero."""

    code = "statement-is-false"
    en = "These numbers break rule {rule}: {value} should lie between 0 and 2^{bits} − 1"
    fr = "Ces nombres violent la règle {rule} : {value} devrait être entre 0 et 2^{bits} − 1"
    advice_en = "check weights, assays and shares of this step; nothing has left this machine"
    advice_fr = "vérifiez poids, teneurs et parts de cette opération ; rien n'est sorti d'ici"


class OpeningDoesNotMatch(LodelineError):
    """An opening that is not that of the commitment on the ledger."""

    ref: Ref

    code = "opening-does-not-match"
    en = "The stored number of {ref} does not open its commitment"
    fr = "Le nombre conservé de {ref} n'ouvre pas son engagement"
    advice_en = "restore the vault from the keystore and the log: `lodeline vault restore`"
    advice_fr = "restaurez le coffre à partir du trousseau et du journal : `lodeline vault restore`"


@dataclass(frozen=True)
class Witness:
    """Everything secret about one proof."""

    numbers: Mapping[Ref, tuple[int, Scalar]]
    """Value and blinding factor of every commitment of the subject."""
    secrets: tuple[Scalar, ...]
    """The one-time secret ``k`` of each owner, in order."""

    def __repr__(self) -> str:
        return f"Witness({len(self.numbers)} numbers, secret)"

    def value(self, form: LinearForm) -> int:
        """Return the value of a form, over integers."""
        return form.constant + sum(self.numbers[ref][0] * factor for ref, factor in form.terms)

    def blinding(self, form: LinearForm) -> Scalar:
        """Return the blinding factor of a form's derived commitment."""
        total = ZERO
        for ref, factor in form.terms:
            total = total + self.numbers[ref][1] * scalar(factor)
        return total


def prove(subject: Subject, witness: Witness, entropy: Entropy) -> Proof:
    """Return a proof of the subject's statement.

    Raises:
        StatementIsFalse: the numbers break a rule; the rule is named.
        OpeningDoesNotMatch: a number does not open its commitment.
    """
    check_openings(subject, witness)
    check_truth(subject, witness)
    return prove_unchecked(subject, witness, entropy)


def check_openings(subject: Subject, witness: Witness) -> None:
    """Check that every number opens its commitment.

    Raises:
        OpeningDoesNotMatch: one does not.
    """
    for ref, commitment in subject.commitments.items():
        value, blinding = witness.numbers[ref]
        if Commitment(encode_point(_commit(scalar(value), blinding))) != commitment:
            raise OpeningDoesNotMatch(ref)


def _commit(value: Scalar, blinding: Scalar) -> Point:
    return VALUE * value + BLINDING * blinding


def check_truth(subject: Subject, witness: Witness) -> None:
    """Check every relation over the plain numbers.

    Raises:
        StatementIsFalse: one does not hold.
    """
    complete = Witness({**witness.numbers, **_differences(subject, witness)}, witness.secrets)
    relations: list[Zero | InRange] = [*subject.statement.zeros, *subject.statement.ranges]
    for relation in sorted(relations, key=lambda item: item.rule.sort_key()):
        value = complete.value(relation.form)
        bits = relation.bits if isinstance(relation, InRange) else 0
        if not 0 <= value < 1 << bits:
            raise StatementIsFalse(relation.rule, value, bits)


def _differences(subject: Subject, witness: Witness) -> dict[Ref, tuple[int, Scalar]]:
    found = {}
    for index, product in enumerate(subject.statement.products):
        totals = subject.statement.totals
        x, z = witness.value(totals[product.x]), witness.value(totals[product.z])
        value = x * witness.value(product.y) - z * witness.value(product.w)
        found[Ref(Side.PRODUCT, index)] = (value, ZERO)
    return found


def prove_unchecked(subject: Subject, witness: Witness, entropy: Entropy) -> Proof:
    """Run the protocol on any numbers, true or not (tests attack through here)."""
    transcript = subject.transcript()
    nonces = NonceSource(transcript, _secret_digest(witness), entropy)
    products, blinds, complete = _commit_products(subject, witness, nonces)
    for commitment in products:
        transcript.absorb(Label.PRODUCT, commitment)
    fold = transcript.challenge(Label.FOLD)
    sigma = _Sigma(subject, complete, nonces, products, blinds)
    announced = sigma.announced()
    for announcement in announcements(announced):
        transcript.absorb(Label.ANNOUNCEMENT, announcement)
    proof = sigma.answered(announced, transcript.challenge(Label.SIGMA), fold)
    for response in responses(proof):
        transcript.absorb(Label.RESPONSE, response)
    return _with_ranges(subject, complete, proof, transcript, nonces)


def _secret_digest(witness: Witness) -> bytes:
    state = hashlib.blake2b(digest_size=64)
    for secret in witness.secrets:
        state.update(encode_scalar(secret))
    for value, blinding in witness.numbers.values():
        state.update(value.to_bytes(64, "big", signed=True) + encode_scalar(blinding))
    return state.digest()


def _commit_products(
    subject: Subject, witness: Witness, nonces: NonceSource
) -> tuple[list[Commitment], list[Scalar], Witness]:
    """Return the commitments ``D``, their ``δ``, and the witness with the differences added.

    ``D = a_x·V_y − a_z·V_w + δ·h``, so its own blinding factor is ``a_x·r_y − a_z·r_w + δ``.
    """
    numbers = dict(witness.numbers)
    commitments, deltas = [], []
    for index, product in enumerate(subject.statement.products):
        totals = subject.statement.totals
        x, z = witness.value(totals[product.x]), witness.value(totals[product.z])
        delta = nonces.next()
        value = x * witness.value(product.y) - z * witness.value(product.w)
        blinding = (
            scalar(x) * witness.blinding(product.y)
            - scalar(z) * witness.blinding(product.w)
            + delta
        )
        numbers[Ref(Side.PRODUCT, index)] = (value, blinding)
        commitments.append(Commitment(encode_point(_commit(scalar(value), blinding))))
        deltas.append(delta)
    return commitments, deltas, Witness(numbers, witness.secrets)


class _Sigma:
    """The AND composition of all Σ-protocols of one proof, between announcement and response."""

    def __init__(
        self,
        subject: Subject,
        witness: Witness,
        nonces: NonceSource,
        products: Sequence[Commitment],
        deltas: Sequence[Scalar],
    ) -> None:
        statement = subject.statement
        self._subject, self._witness = subject, witness
        self._products, self._deltas = products, deltas
        self._owners = [nonces.next() for _ in subject.owners]
        self._zero = nonces.next()
        self._totals = [(nonces.next(), nonces.next()) for _ in statement.totals]
        self._product_nonces = [nonces.next() for _ in statement.products]

    def announced(self) -> Proof:
        """Return the proof with announcements and empty responses."""
        blank = encode_scalar(ZERO)
        owners = []
        for owner, nonce in zip(self._subject.owners, self._owners, strict=True):
            tag = None if owner.tag is None else encode_point(decode_point(owner.tag) * nonce)
            owners.append(OwnerProof(encode_point(OWNER_BASE * nonce), tag, blank))
        zero = None
        if self._subject.statement.zeros:
            zero = ZeroProof(encode_point(BLINDING * self._zero), blank)
        totals = [TotalProof(encode_point(_commit(a, b)), blank, blank) for a, b in self._totals]
        products = [
            ProductProof(commitment, encode_point(self._product_announcement(index)), blank)
            for index, commitment in enumerate(self._products)
        ]
        return Proof(tuple(owners), zero, tuple(totals), tuple(products), None)

    def _product_announcement(self, index: int) -> Point:
        product = self._subject.statement.products[index]
        on_y, on_w = self._totals[product.x][0], self._totals[product.z][0]
        y = self._derived(product.y)
        w = self._derived(product.w)
        return multi_scalar_mul([y, w, BLINDING], [on_y, -on_w, self._product_nonces[index]])

    def _derived(self, form: LinearForm) -> Point:
        return _commit(scalar(self._witness.value(form)), self._witness.blinding(form))

    def answered(self, announced: Proof, challenge: Scalar, fold: Scalar) -> Proof:
        """Return the proof with every response filled in."""
        owners = [
            OwnerProof(
                part.key_announcement,
                part.tag_announcement,
                encode_scalar(nonce + challenge * secret),
            )
            for part, nonce, secret in zip(
                announced.owners, self._owners, self._witness.secrets, strict=True
            )
        ]
        zero = announced.zero
        if zero is not None:
            zero = ZeroProof(zero.announcement, self._zero_response(challenge, fold))
        totals = [
            self._total(index, part, challenge) for index, part in enumerate(announced.totals)
        ]
        products = [
            ProductProof(
                part.difference, part.announcement, encode_scalar(nonce + challenge * delta)
            )
            for part, nonce, delta in zip(
                announced.products, self._product_nonces, self._deltas, strict=True
            )
        ]
        return Proof(tuple(owners), zero, tuple(totals), tuple(products), None)

    def _zero_response(self, challenge: Scalar, fold: Scalar) -> ScalarBytes:
        coefficients, _ = fold_zeros(self._subject, fold)
        blinding = ZERO
        for ref, factor in coefficients.items():
            blinding = blinding + factor * self._witness.numbers[ref][1]
        return encode_scalar(self._zero + challenge * blinding)

    def _total(self, index: int, part: TotalProof, challenge: Scalar) -> TotalProof:
        form = self._subject.statement.totals[index]
        on_value, on_blinding = self._totals[index]
        value = on_value + challenge * scalar(self._witness.value(form))
        blinding = on_blinding + challenge * self._witness.blinding(form)
        return TotalProof(part.announcement, encode_scalar(value), encode_scalar(blinding))


def _with_ranges(
    subject: Subject,
    witness: Witness,
    proof: Proof,
    transcript: Transcript,
    nonces: NonceSource,
) -> Proof:
    ranges = subject.statement.ranges
    if not ranges:
        return proof
    parts = prove_ranges(
        transcript,
        [item.bits for item in ranges],
        [witness.value(item.form) for item in ranges],
        [witness.blinding(item.form) for item in ranges],
        nonces,
    )
    wire = RangeProof(
        parts.a, parts.left, parts.right, parts.a1, parts.b, parts.r, parts.s, parts.d
    )
    return Proof(proof.owners, proof.zero, proof.totals, proof.products, wire)
