"""The one verifier of all recipes: from subject and proof to one weighted sum.

Steps, each marked below:

1. the proof has the shape that the statement demands;
2. the transcript is replayed: statement, products, announcements, responses, range proof;
3. every commitment, announcement and scalar decodes (points one by one, with subgroup check);
4. the sigma equations (T1 owners and tags, zero relations, totals, products) are added;
5. the range proof is added, its values being linear combinations of the commitments;
6. the sum is the identity.

Steps 1 to 5 raise a named refusal; step 6 is a yes or no that :mod:`lodeline.proofs.batch`
shares between many proofs, with weights drawn after step 2 of all of them. The caller answers for
the state: that inputs exist, are unspent and unexpired, and that signatures hold.

Soundness, in one paragraph: steps 2 to 4 are an AND composition of Σ-protocols for homomorphisms
(Maurer, "Unifying zero-knowledge proofs of knowledge", AFRICACRYPT 2009) under one Fiat–Shamir
challenge; step 5 is Bulletproofs+. Each relation's argument stands in ``docs/protocol``. None of it
has been audited by outsiders.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.crypto.accumulator import Accumulator
from lodeline.crypto.group import ONE, ZERO, Point, Scalar, decode_point, decode_scalar, scalar
from lodeline.crypto.labels import Label
from lodeline.crypto.range_verifier import (
    RangeChallenges,
    RangeParts,
    accumulate_ranges,
    replay_ranges,
)
from lodeline.kernel.errors import LodelineError
from lodeline.proofs.proof import OwnerProof, ProductProof, Proof, RangeProof, TotalProof
from lodeline.proofs.relations import LinearForm, Ref, Side
from lodeline.proofs.subject import Owner, Subject

__all__ = [
    "ProofDoesNotHold",
    "ProofShapeWrong",
    "Replayed",
    "accumulate_proof",
    "announcements",
    "fold_zeros",
    "range_parts",
    "replay",
    "responses",
]


class ProofShapeWrong(LodelineError):
    """A proof that lacks a part its statement needs, or has one too many."""

    part: str
    found: int
    expected: int

    code = "proof-shape-wrong"
    en = "The proof has {found} of the part “{part}”; its statement needs {expected}"
    fr = "La preuve a {found} fois la partie « {part} » ; son énoncé en exige {expected}"
    advice_en = "ask the sender for the entry again; it was damaged or forged"
    advice_fr = "redemandez l'écriture à l'expéditeur ; elle est abîmée ou falsifiée"


class ProofDoesNotHold(LodelineError):
    """A well-formed proof whose equations do not hold: what it claims has not been shown."""

    subject: str

    code = "proof-does-not-hold"
    en = "The proof of {subject} does not hold: what it states has not been shown"
    fr = "La preuve de {subject} ne tient pas : ce qu'elle énonce n'est pas démontré"
    advice_en = "do not rely on this entry; have its maker prove it again"
    advice_fr = "ne vous fiez pas à cette écriture ; faites refaire la preuve"


@dataclass(frozen=True)
class Replayed:
    """A proof with the challenges that its transcript gives."""

    subject: Subject
    proof: Proof
    fold: Scalar
    challenge: Scalar
    ranges: RangeChallenges | None
    digest: bytes
    """64 bytes that depend on everything said and proved: a batch draws its weights from them."""


def replay(subject: Subject, proof: Proof) -> Replayed:
    """Check a proof's shape and replay its transcript (steps 1 and 2); decodes no point.

    Raises:
        ProofShapeWrong, RangeRoundsWrong: the proof does not have the statement's shape.
    """
    _check_proof_shape(subject, proof)  # step 1
    transcript = subject.transcript()  # step 2
    for product in proof.products:
        transcript.absorb(Label.PRODUCT, product.difference)
    fold = transcript.challenge(Label.FOLD)
    for announcement in announcements(proof):
        transcript.absorb(Label.ANNOUNCEMENT, announcement)
    challenge = transcript.challenge(Label.SIGMA)
    for response in responses(proof):
        transcript.absorb(Label.RESPONSE, response)
    ranges = None
    if proof.ranges is not None:
        widths = [item.bits for item in subject.statement.ranges]
        ranges = replay_ranges(transcript, widths, range_parts(proof.ranges))
    return Replayed(subject, proof, fold, challenge, ranges, transcript.digest())


def accumulate_proof(accumulator: Accumulator, replayed: Replayed) -> None:
    """Add all equations of one proof to an accumulator (steps 3 to 5).

    Raises:
        BadPoint, BadScalar: some bytes are no valid encoding.
    """
    equations = _Equations(accumulator, replayed.subject, replayed.proof)  # step 3
    equations.add_owners(replayed.challenge)  # step 4
    equations.add_zeros(replayed.challenge, replayed.fold)
    equations.add_totals(replayed.challenge)
    equations.add_products(replayed.challenge)
    equations.add_ranges(replayed.ranges)  # step 5
    equations.flush()


def _check_proof_shape(subject: Subject, proof: Proof) -> None:
    statement = subject.statement
    for part, found, expected in (
        ("owner", len(proof.owners), statement.spent),
        ("owner key", len(subject.owners), statement.spent),
        ("zero", int(proof.zero is not None), int(bool(statement.zeros))),
        ("total", len(proof.totals), len(statement.totals)),
        ("product", len(proof.products), len(statement.products)),
        ("range", int(proof.ranges is not None), int(bool(statement.ranges))),
    ):
        if found != expected:
            raise ProofShapeWrong(part, found, expected)
    for owner, given in zip(subject.owners, proof.owners, strict=True):
        if (owner.tag is None) != (given.tag_announcement is None):
            raise ProofShapeWrong(
                "tag", int(given.tag_announcement is not None), int(owner.tag is not None)
            )


def announcements(proof: Proof) -> list[bytes]:
    """Return the prover's announcements in the order in which the transcript absorbs them."""
    found: list[bytes] = []
    for owner in proof.owners:
        found.append(owner.key_announcement)
        if owner.tag_announcement is not None:
            found.append(owner.tag_announcement)
    if proof.zero is not None:
        found.append(proof.zero.announcement)
    found.extend(total.announcement for total in proof.totals)
    found.extend(product.announcement for product in proof.products)
    return found


def responses(proof: Proof) -> list[bytes]:
    """Return the prover's responses in the order in which the transcript absorbs them."""
    found: list[bytes] = [owner.response for owner in proof.owners]
    if proof.zero is not None:
        found.append(proof.zero.response)
    for total in proof.totals:
        found.extend((total.value, total.blinding))
    found.extend(product.response for product in proof.products)
    return found


def fold_zeros(subject: Subject, fold: Scalar) -> tuple[dict[Ref, Scalar], Scalar]:
    """Return the coefficients and the constant of ``Σ fold^i · zero_i``."""
    coefficients: dict[Ref, Scalar] = {}
    constant, power = ZERO, ONE
    for zero in subject.statement.zeros:
        for ref, factor in zero.form.terms:
            known = coefficients.get(ref, ZERO)
            coefficients[ref] = known + power * scalar(factor)
        if zero.form.constant:
            constant = constant + power * scalar(zero.form.constant)
        power = power * fold
    return coefficients, constant


def range_parts(ranges: RangeProof) -> RangeParts:
    """Return the bytes of a range proof in the form that the lower layer takes."""
    return RangeParts(
        ranges.a, ranges.left, ranges.right, ranges.a1, ranges.b, ranges.r, ranges.s, ranges.d
    )


@dataclass(frozen=True)
class _DecodedTotal:
    value: Scalar
    blinding: Scalar


class _Equations:
    """Collects the factor of each commitment, so that each enters the sum once."""

    def __init__(self, accumulator: Accumulator, subject: Subject, proof: Proof) -> None:
        self._accumulator = accumulator
        self._subject = subject
        self._proof = proof
        self._points: dict[Ref, Point] = {
            ref: decode_point(encoding) for ref, encoding in subject.commitments.items()
        }
        for key in subject.made:
            decode_point(key)
        for index, product in enumerate(proof.products):
            self._points[Ref(Side.PRODUCT, index)] = decode_point(product.difference)
        self._factors: dict[Ref, Scalar] = {}
        self._totals = [
            _DecodedTotal(decode_scalar(total.value), decode_scalar(total.blinding))
            for total in proof.totals
        ]

    def add_owners(self, challenge: Scalar) -> None:
        """T1: ``s·B_k − R − c·K = 0`` and ``s·T − R' − c·U = 0``."""
        for owner, given in zip(self._subject.owners, self._proof.owners, strict=True):
            self._add_owner(owner, given, challenge)

    def _add_owner(self, owner: Owner, given: OwnerProof, challenge: Scalar) -> None:
        accumulator, response = self._accumulator, decode_scalar(given.response)
        weight = accumulator.weight()
        accumulator.owner = accumulator.owner + weight * response
        accumulator.add(-weight, decode_point(given.key_announcement))
        accumulator.add(-(weight * challenge), decode_point(owner.key))
        if owner.tag is None or given.tag_announcement is None:
            return
        weight = accumulator.weight()
        accumulator.add(weight * response, decode_point(owner.tag))
        accumulator.add(-weight, decode_point(given.tag_announcement))
        accumulator.tag = accumulator.tag - weight * challenge

    def add_zeros(self, challenge: Scalar, fold: Scalar) -> None:
        """All zero relations folded: ``s·h − R − c·Σ fold^i·Z_i = 0``."""
        given = self._proof.zero
        if given is None:
            return
        accumulator, weight = self._accumulator, self._accumulator.weight()
        coefficients, constant = fold_zeros(self._subject, fold)
        scaled = -(weight * challenge)
        for ref, factor in coefficients.items():
            self._add_factor(ref, scaled * factor)
        accumulator.value = accumulator.value + scaled * constant
        accumulator.blinding = accumulator.blinding + weight * decode_scalar(given.response)
        accumulator.add(-weight, decode_point(given.announcement))

    def add_totals(self, challenge: Scalar) -> None:
        """Openings of totals: ``a·g + b·h − R − c·V = 0``."""
        pairs = zip(self._subject.statement.totals, self._proof.totals, self._totals, strict=True)
        for form, given, opened in pairs:
            self._add_total(form, given, opened, challenge)

    def _add_total(
        self, form: LinearForm, given: TotalProof, opened: _DecodedTotal, challenge: Scalar
    ) -> None:
        accumulator, weight = self._accumulator, self._accumulator.weight()
        accumulator.value = accumulator.value + weight * opened.value
        accumulator.blinding = accumulator.blinding + weight * opened.blinding
        accumulator.add(-weight, decode_point(given.announcement))
        self._add_form(form, -(weight * challenge))

    def add_products(self, challenge: Scalar) -> None:
        """T8: ``a_x·V_y − a_z·V_w + d·h − R − c·D = 0`` with the responses of the totals."""
        for index, given in enumerate(self._proof.products):
            self._add_product(index, given, challenge)

    def _add_product(self, index: int, given: ProductProof, challenge: Scalar) -> None:
        stated = self._subject.statement.products[index]
        accumulator, weight = self._accumulator, self._accumulator.weight()
        self._add_form(stated.y, weight * self._totals[stated.x].value)
        self._add_form(stated.w, -(weight * self._totals[stated.z].value))
        accumulator.blinding = accumulator.blinding + weight * decode_scalar(given.response)
        accumulator.add(-weight, decode_point(given.announcement))
        self._add_factor(Ref(Side.PRODUCT, index), -(weight * challenge))

    def add_ranges(self, challenges: RangeChallenges | None) -> None:
        """T2 to T10: one aggregated range proof over derived commitments."""
        if self._proof.ranges is None or challenges is None:
            return
        ranges = self._subject.statement.ranges
        widths = [item.bits for item in ranges]
        parts = range_parts(self._proof.ranges)
        factors = accumulate_ranges(self._accumulator, widths, parts, challenges)
        for item, factor in zip(ranges, factors, strict=True):
            self._add_form(item.form, factor)

    def _add_form(self, form: LinearForm, factor: Scalar) -> None:
        for ref, coefficient in form.terms:
            self._add_factor(ref, factor if coefficient == 1 else factor * scalar(coefficient))
        if form.constant:
            accumulator = self._accumulator
            accumulator.value = accumulator.value + factor * scalar(form.constant)

    def _add_factor(self, ref: Ref, factor: Scalar) -> None:
        known = self._factors.get(ref)
        self._factors[ref] = factor if known is None else known + factor

    def flush(self) -> None:
        """Add every commitment with its collected factor."""
        for ref, factor in self._factors.items():
            self._accumulator.add(factor, self._points[ref])
