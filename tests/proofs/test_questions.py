"""Claim proofs: an answer belongs to one question, one audience, one holder and one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proofs.forging import ENTROPY, forge
from tests.proofs.tampering import changed
from vectors.plans import CLAIM_LOTS, PLANS, SEGREGATED, credit, material, right
from vectors.stage import CHAIN, Committer, Lot, PlainLot, numbers_of
from vectors.tables import FORM_TABLE

from lodeline.crypto.group import random_scalar
from lodeline.custody.claims import UnknownClaim
from lodeline.custody.forms import UnknownForm
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import WrongShape
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, Hash32, LotId, StandardName
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import StatementIsFalse, Witness, prove
from lodeline.proofs.questions import (
    AmountBetween,
    Audience,
    ClaimBody,
    IntensityAtMost,
    NoSuchMetal,
    NotOfTheProduct,
    PrimaryAtLeast,
    Question,
    ShareAtLeast,
    claim_subject,
)
from lodeline.proofs.relations import RuleNumber, Side
from lodeline.proofs.shape_errors import AmountMissing, FieldNotExpected
from lodeline.proofs.subject import Subject
from lodeline.proofs.verifier import ProofDoesNotHold, ProofShapeWrong

COBALT = ElementSymbol("Co")
MINE = StandardName("mine-a")
AUDIENCE = Audience(
    CHAIN, "importer", Hash32(bytes(32)), "due diligence", "pack-1", 1_800_000_000, 42,
    Hash32(b"r" * 32),
)  # fmt: skip


GENERAL = msgspec.structs.replace(AUDIENCE, product=None)


def share(ppm: int, model: str = "segregated", standard: StandardName = MINE) -> ShareAtLeast:
    return ShareAtLeast(COBALT, standard, model, ppm)


# The lots: 500 mg of cobalt, 300 of it segregated, 50 blended; 70 g of CO2e, 28 of it primary.
TRUE: tuple[Question, ...] = (
    share(600_000),
    share(700_000, "controlled-blending"),
    share(0),
    IntensityAtMost(COBALT, 140_000),
    IntensityAtMost(COBALT, (1 << 24) - 1),
    AmountBetween(COBALT, 500, 500),
    AmountBetween(COBALT, 0, (1 << 52) - 1),
    PrimaryAtLeast(400_000),
)
FALSE: tuple[Question, ...] = (
    share(600_001),
    share(700_001, "controlled-blending"),
    share(1, "segregated", StandardName("mine-b")),
    share(1, "identity-preserved"),
    IntensityAtMost(COBALT, 139_999),
    IntensityAtMost(COBALT, 0),
    AmountBetween(COBALT, 501, 600),
    AmountBetween(COBALT, 400, 499),
    AmountBetween(COBALT, 501, 499),
    PrimaryAtLeast(400_001),
)


def described(question: Question) -> str:
    return str(msgspec.to_builtins(question))


class Answer:
    """A question about committed lots, with everything that answering it takes."""

    def __init__(
        self,
        question: Question,
        plain: tuple[PlainLot, ...] = CLAIM_LOTS,
        audience: Audience | None = None,
        lots: tuple[Lot, ...] | None = None,
    ) -> None:
        hand = Committer(ENTROPY)
        self.lots = tuple(hand.lot(lot) for lot in plain) if lots is None else lots
        names = tuple(LotId(bytes([index]) * 32) for index in range(len(self.lots)))
        bound = all(lot.public.product is not None for lot in self.lots)
        self.body = ClaimBody(question, audience or (AUDIENCE if bound else GENERAL), names)

    @property
    def subject(self) -> Subject:
        return claim_subject(self.body, [lot.public for lot in self.lots], FORM_TABLE)

    @property
    def witness(self) -> Witness:
        secrets = tuple(lot.secret for lot in self.lots)
        return Witness(dict(numbers_of(Side.INPUT, self.lots)), secrets)

    def prove(self) -> Proof:
        return prove(self.subject, self.witness, ENTROPY)

    def instead(self, **fields: Any) -> Subject:  # Any: fields are chosen by name
        body = msgspec.structs.replace(self.body, **fields)
        return claim_subject(body, [lot.public for lot in self.lots], FORM_TABLE)


def refused(subject: Subject, proof: Proof) -> LodelineError | None:
    try:
        verify_subject(subject, proof, "claim")
    except LodelineError as refusal:
        return refusal
    return None


@pytest.mark.parametrize("question", TRUE, ids=described)
def test_a_true_answer_verifies_to_the_last_unit(question: Question) -> None:
    answer = Answer(question)
    assert refused(answer.subject, answer.prove()) is None


@pytest.mark.parametrize("question", FALSE, ids=described)
def test_a_false_answer_is_refused_by_prover_and_verifier(question: Question) -> None:
    answer = Answer(question)
    with pytest.raises(StatementIsFalse) as stopped:
        answer.prove()
    assert stopped.value.rule.number is RuleNumber.CLAIM_PROOF
    assert stopped.value.rule.place.detail == type(question).__name__
    assert isinstance(
        refused(answer.subject, forge(answer.subject, answer.witness)), ProofDoesNotHold
    )


@settings(max_examples=40)
@given(st.data())
def test_the_answer_is_yes_exactly_when_it_is_true(data: st.DataObject) -> None:
    cobalt = data.draw(st.integers(1, 4095))
    borne = data.draw(st.integers(0, cobalt))
    ppm = data.draw(st.one_of(st.integers(0, 10**6), st.just(borne * 10**6 // cobalt)))
    lot = material("sulfate", {"Co": cobalt}, 0, 0, {("Co", SEGREGATED): borne})
    answer = Answer(share(ppm), (lot,))
    slack = answer.subject.statement.ranges[0]
    value = answer.witness.value(slack.form)
    assert (0 <= value < 1 << slack.bits) == (borne * 10**6 >= cobalt * ppm)


CHANGES: Mapping[str, object] = {
    "chain": "elsewhere",
    "verifier": "somebody else",
    "nonce": Hash32(b"n" * 32),
    "purpose": "another purpose",
    "product": "pack-2",
    "expires": 1_800_000_001,
    "checkpoint_size": 43,
    "checkpoint_root": Hash32(b"s" * 32),
}


def test_every_field_of_an_audience_is_tried() -> None:
    assert set(CHANGES) == set(Audience.__struct_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_an_answer_made_for_one_audience_says_nothing_to_another(field: str) -> None:
    answer = Answer(share(600_000))
    proof = answer.prove()
    other = changed(AUDIENCE, (field,), CHANGES[field])
    assert refused(answer.subject, proof) is None
    assert isinstance(refused(answer.instead(audience=other), proof), ProofDoesNotHold)


def test_an_answer_without_a_product_is_none_about_one() -> None:
    general = msgspec.structs.replace(AUDIENCE, product=None)
    answer = Answer(share(600_000), audience=general)
    proof = answer.prove()
    assert isinstance(refused(answer.instead(audience=AUDIENCE), proof), ProofShapeWrong)


def test_an_answer_about_a_product_needs_lots_that_are_bound_to_it() -> None:
    """Clean cobalt from anywhere must not answer for a battery that holds none of it."""
    bound = Answer(share(600_000))
    with pytest.raises(StatementIsFalse):
        Answer(share(600_000), audience=changed(AUDIENCE, ("product",), "pack-2")).prove()
    elsewhere = tuple(replace(lot, product=None) for lot in CLAIM_LOTS)
    with pytest.raises(NotOfTheProduct):
        _ = Answer(share(600_000), plain=elsewhere, audience=AUDIENCE).subject
    assert refused(bound.subject, bound.prove()) is None


@pytest.mark.parametrize("question", [share(599_999), share(600_000, "controlled-blending")])
def test_an_answer_to_one_question_is_none_to_an_easier_one(question: Question) -> None:
    """Not even though both are true: what was asked is part of what is proved."""
    answer = Answer(share(600_000))
    assert isinstance(refused(answer.instead(question=question), answer.prove()), ProofDoesNotHold)


def test_a_former_owner_cannot_answer() -> None:
    """He knows every number of what he sold, and no longer the key."""
    answer = Answer(share(600_000))
    for index in range(2):
        secrets = list(answer.witness.secrets)
        secrets[index] = random_scalar(ENTROPY)
        forged = forge(answer.subject, Witness(answer.witness.numbers, tuple(secrets)))
        assert isinstance(refused(answer.subject, forged), ProofDoesNotHold)


def test_an_answer_about_some_lots_is_none_about_others() -> None:
    answer, other = Answer(share(600_000)), Answer(share(600_000))
    assert isinstance(refused(other.subject, answer.prove()), ProofDoesNotHold)
    turned = Answer(share(600_000), lots=answer.lots[::-1])
    assert isinstance(refused(turned.subject, answer.prove()), ProofDoesNotHold)
    renamed = answer.instead(lots=(LotId(b"x" * 32), LotId(b"y" * 32)))
    assert isinstance(refused(renamed, answer.prove()), ProofDoesNotHold)


def test_the_better_of_two_lots_does_not_answer_for_both() -> None:
    both = Answer(share(1_000_000))
    best = Answer(share(1_000_000), lots=both.lots[:1])
    proof = best.prove()
    assert refused(best.subject, proof) is None
    assert isinstance(refused(both.subject, proof), ProofShapeWrong)


def test_an_answer_publishes_no_tag_and_a_tag_in_it_is_refused() -> None:
    """Answering spends nothing."""
    answer = Answer(share(600_000))
    proof = answer.prove()
    assert all(owner.tag_announcement is None for owner in proof.owners)
    point = proof.owners[0].key_announcement
    error = refused(answer.subject, changed(proof, ("owners", 0, "tag_announcement"), point))
    assert isinstance(error, ProofShapeWrong)
    assert (error.part, error.found, error.expected) == ("tag", 1, 0)


def test_a_transform_s_proof_is_no_answer() -> None:
    answer = Answer(share(600_000))
    proof = answer.prove()
    sale = Answer(share(600_000), PLANS["sale"].inputs)
    assert isinstance(refused(sale.subject, proof), (ProofDoesNotHold, ProofShapeWrong))


def test_a_question_about_a_metal_that_is_not_there_is_refused() -> None:
    for question in (
        AmountBetween(ElementSymbol("Ni"), 0, 5),
        IntensityAtMost(ElementSymbol("Ni"), 5),
        ShareAtLeast(ElementSymbol("Ni"), MINE, "segregated", 0),
    ):
        with pytest.raises(NoSuchMetal) as stopped:
            Answer(question).subject  # noqa: B018 - reading it compiles it
        assert stopped.value.element == "Ni"


def test_rights_hold_no_metal() -> None:
    licence = right("licence", {"Co.licence": 500})
    with pytest.raises(NoSuchMetal):
        Answer(AmountBetween(COBALT, 0, 500), (licence,)).subject  # noqa: B018
    with pytest.raises(NoSuchMetal):
        Answer(share(0), (credit({"mine-a/mass-balance": 400}),)).subject  # noqa: B018


def test_a_claim_on_credit_does_not_count_for_the_metal_beside_it() -> None:
    bare = material("sulfate", {"Co": 400}, 0, 0)
    answer = Answer(share(1, "book-and-claim"), (bare, credit({"mine-a/mass-balance": 400})))
    with pytest.raises(StatementIsFalse):
        answer.prove()


def test_a_model_in_no_norm_and_a_form_in_no_table_are_refused() -> None:
    with pytest.raises(UnknownClaim):
        Answer(share(1, "pure")).subject  # noqa: B018
    answer = Answer(share(1))
    unknown = [msgspec.structs.replace(lot.public, form="gold") for lot in answer.lots]
    with pytest.raises(UnknownForm):
        claim_subject(answer.body, unknown, FORM_TABLE)


def test_an_intensity_counts_the_emissions_of_every_lot() -> None:
    """A clean lot beside a dirty one does not hide it."""
    clean = material("sulfate", {"Co": 1000}, 0, 0)
    dirty = material("sulfate", {"Co": 1}, 4000, 0)
    with pytest.raises(StatementIsFalse):
        Answer(IntensityAtMost(COBALT, 3_000_000), (clean, dirty)).prove()


@pytest.mark.parametrize(
    "question",
    [
        {"type": "share-at-least", "element": "Co", "standard": "a", "model": "b", "share_ppm": -1},
        {"type": "share-at-least", "element": "Co", "standard": "a", "model": "b",
         "share_ppm": 1_000_001},
        {"type": "intensity-at-most", "element": "Co", "grams_per_kg": 1 << 24},
        {"type": "amount-between", "element": "Co", "low": -1, "high": 1},
        {"type": "amount-between", "element": "Co", "low": 1, "high": 1 << 52},
        {"type": "primary-at-least", "share_ppm": 1_000_001},
        {"type": "primary-at-least", "share_ppm": 5, "spare": 1},
        {"type": "anything-else"},
    ],
)  # fmt: skip
def test_a_question_out_of_its_ranges_is_refused_on_reading(question: dict[str, object]) -> None:
    plain = msgspec.to_builtins(Answer(share(1)).body, builtin_types=(bytes,))
    plain["question"] = question
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(plain), ClaimBody)


@pytest.mark.parametrize("count", [0, 65])
def test_an_answer_is_about_one_to_sixty_four_lots(count: int) -> None:
    body = replace_lots(Answer(share(1)).body, count)
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode_struct(body), ClaimBody)


def replace_lots(body: ClaimBody, count: int) -> ClaimBody:
    return msgspec.structs.replace(body, lots=tuple(LotId(bytes([i]) * 32) for i in range(count)))


def test_a_body_reads_back() -> None:
    body = Answer(share(1)).body
    assert cbor.decode_struct(cbor.encode_struct(body), ClaimBody) == body


@pytest.mark.parametrize("question", [PrimaryAtLeast(1), IntensityAtMost(COBALT, 5), share(1)])
@pytest.mark.parametrize("field", ["emissions", "primary"])
def test_a_lot_without_its_numbers_is_refused_by_name(question: Question, field: str) -> None:
    """A stranger's bundle may hold anything; what is missing must not surface as a crash."""
    answer = Answer(question, audience=GENERAL)
    bare = [msgspec.structs.replace(lot.public, **{field: None}) for lot in answer.lots]
    with pytest.raises(FieldNotExpected) as stopped:
        claim_subject(answer.body, bare, FORM_TABLE)
    assert (stopped.value.field, stopped.value.expected) == (field, True)


def test_a_lot_without_an_amount_is_refused_by_name() -> None:
    answer = Answer(AmountBetween(COBALT, 0, 5), audience=GENERAL)
    public = answer.lots[0].public
    strand = msgspec.structs.replace(public.strands[0], amount=None)
    bare = msgspec.structs.replace(public, strands=(strand,))
    with pytest.raises(AmountMissing) as stopped:
        claim_subject(answer.body, [bare, answer.lots[1].public], FORM_TABLE)
    assert stopped.value.strand == "Co"
