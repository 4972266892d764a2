"""Frozen vectors: proofs made earlier still verify, and writing them again changes no byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vectors.describe import described
from vectors.make import FILES, FOLDER, written

from lodeline.crypto.accumulator import Accumulator, WeightSource
from lodeline.crypto.group import (
    BadPoint,
    BadScalar,
    decode_point,
    decode_scalar,
    encode_scalar,
)
from lodeline.crypto.labels import Domain, Label
from lodeline.crypto.owner_signature import verify_owner
from lodeline.crypto.range_verifier import RangeParts, accumulate_ranges, replay_ranges
from lodeline.crypto.transcript import Transcript
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import Form, FormTable
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Family, Recipe
from lodeline.custody.standards import Standard
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, OneTimeKey, PointBytes, ScalarBytes, Tag
from lodeline.proofs.batch import verify_batch, verify_subject
from lodeline.proofs.body import TransformBody, lot_id, transform_id
from lodeline.proofs.proof import Proof
from lodeline.proofs.questions import ClaimBody, claim_subject
from lodeline.proofs.subject import Subject
from lodeline.proofs.task import ProofTask, RestorationTask, TransformTask
from lodeline.proofs.verifier import replay

# Any: JSON as it was read; every use below says what it must be.
Read = dict[str, Any]


def frozen(name: str) -> Read:
    read: Read = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return read


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


TABLES = frozen("tables.json")
TRANSFORMS = frozen("transforms.json")
CLAIMS = frozen("claims.json")
REVERSALS = frozen("reversals.json")
FORMS = tuple(cbor.decode_struct(raw(item["cbor"]), Form) for item in TABLES["forms"])
STANDARDS = tuple(cbor.decode_struct(raw(item["cbor"]), Standard) for item in TABLES["standards"])


def lots(texts: list[str]) -> tuple[LotPublic, ...]:
    return tuple(cbor.decode_struct(raw(text), LotPublic) for text in texts)


def transform(name: str) -> TransformTask:
    case = TRANSFORMS[name]
    return TransformTask(
        Hash32(raw(case["transform_id"])),
        cbor.decode_struct(raw(case["recipe_cbor"]), Recipe),
        FORMS,
        STANDARDS,
        cbor.decode_struct(raw(case["body"]), TransformBody),
        lots(case["spent"]),
        cbor.decode_struct(raw(case["proof"]), Proof),
    )


def claim(name: str) -> tuple[Subject, Proof]:
    case = CLAIMS[name]
    body = cbor.decode_struct(raw(case["body"]), ClaimBody)
    subject = claim_subject(body, lots(case["lots"]), FormTable(FORMS))
    return subject, cbor.decode_struct(raw(case["proof"]), Proof)


def reversal(name: str) -> RestorationTask:
    case = REVERSALS[name]
    return RestorationTask(
        Hash32(bytes(32)),
        raw(case["body"]),
        lots(case["given_up"]),
        tuple(Tag(raw(tag)) for tag in case["tags"]),
        lots(case["originals"]),
        lots(case["restored"]),
        cbor.decode_struct(raw(case["proof"]), Proof),
    )


@pytest.mark.parametrize("name", FILES)
def test_writing_a_file_again_changes_no_byte(name: str) -> None:
    """A change here changes what proofs mean: it needs a new version, not a new file."""
    assert (FOLDER / name).read_text(encoding="utf-8") == written(FILES[name])


def test_every_file_of_the_folder_is_one_that_is_written_and_explained() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.json")} == set(FILES)
    for name in FILES:
        assert f"`{name}`" in page


def test_every_family_of_recipes_and_every_relation_is_frozen() -> None:
    families = {case["family"] for case in TRANSFORMS.values()}
    assert families == {family.value for family in Family}
    said = {
        text.split(":")[0].split()[0]
        for case in TRANSFORMS.values()
        for text in (*case["statement"]["zeros"], *case["statement"]["ranges"])
    }
    assert said == {f"T{number}" for number in range(2, 11)}
    assert any(case["statement"]["owners"] for case in TRANSFORMS.values())
    kinds = {case["question"]["type"] for case in CLAIMS.values()}
    assert len(kinds) == 4


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_frozen_transform_still_verifies(name: str) -> None:
    task, case = transform(name), TRANSFORMS[name]
    assert recipe_digest(task.recipe) == task.body.recipe == raw(case["recipe_digest"])
    identity = transform_id(task.body)
    assert identity == raw(case["transform_id"])
    found = [lot_id(identity, index).hex() for index in range(len(task.body.outputs))]
    assert found == case["lot_ids"]
    check_replay(task.subject(), task.proof, case)
    assert verify_batch([task])[0].refusal is None


@pytest.mark.parametrize("name", CLAIMS)
def test_a_frozen_claim_proof_still_verifies(name: str) -> None:
    subject, proof = claim(name)
    check_replay(subject, proof, CLAIMS[name])
    verify_subject(subject, proof, name)


@pytest.mark.parametrize("name", REVERSALS)
def test_a_frozen_reversal_still_verifies(name: str) -> None:
    task = reversal(name)
    check_replay(task.subject(), task.proof, REVERSALS[name])
    assert verify_batch([task])[0].refusal is None


def check_replay(subject: Subject, proof: Proof, case: Read) -> None:
    """Everything that a verifier computes on the way is what was frozen."""
    assert cbor.encode_struct(proof).hex() == case["proof"]
    assert json.loads(json.dumps(described(subject.statement))) == case["statement"]
    assert subject.transcript().digest().hex() == case["transcript_before_proof"]
    found = replay(subject, proof)
    assert encode_scalar(found.fold).hex() == case["challenge_fold"]
    assert encode_scalar(found.challenge).hex() == case["challenge_sigma"]
    assert found.digest.hex() == case["transcript_after_proof"]
    if found.ranges is not None:
        assert encode_scalar(found.ranges.y).hex() == case["challenge_y"]
        assert encode_scalar(found.ranges.z).hex() == case["challenge_z"]
        assert encode_scalar(found.ranges.last).hex() == case["challenge_last"]


def test_all_frozen_proofs_verify_in_one_batch() -> None:
    tasks: list[ProofTask] = [transform(name) for name in TRANSFORMS]
    tasks += [reversal(name) for name in REVERSALS]
    assert len(tasks) > 25
    assert all(verdict.refusal is None for verdict in verify_batch(tasks))


RANGE_CASES: list[Read] = frozen("ranges.json")["cases"]


@pytest.mark.parametrize("case", RANGE_CASES, ids=lambda case: "-".join(map(str, case["widths"])))
def test_a_frozen_range_proof_still_verifies(case: Read) -> None:
    parts = RangeParts(
        PointBytes(raw(case["A"])),
        tuple(PointBytes(raw(point)) for point in case["L"]),
        tuple(PointBytes(raw(point)) for point in case["R"]),
        PointBytes(raw(case["A1"])),
        PointBytes(raw(case["B"])),
        ScalarBytes(raw(case["r"])),
        ScalarBytes(raw(case["s"])),
        ScalarBytes(raw(case["d"])),
    )
    transcript = Transcript(Domain.RANGE_ONLY)
    for commitment in case["commitments"]:
        transcript.absorb(Label.BODY, raw(commitment))
    challenges = replay_ranges(transcript, case["widths"], parts)
    assert encode_scalar(challenges.y).hex() == case["y"]
    assert [encode_scalar(e).hex() for e in challenges.rounds] == case["e"]
    assert transcript.digest().hex() == case["digest"]
    accumulator = Accumulator(WeightSource(b"weights"))
    factors = accumulate_ranges(accumulator, case["widths"], parts, challenges)
    for factor, commitment in zip(factors, case["commitments"], strict=True):
        accumulator.add(factor, decode_point(raw(commitment)))
    assert accumulator.holds()


def test_frozen_signatures_still_verify() -> None:
    cases = frozen("signatures.json")["cases"]
    assert len(cases) == 3
    for case in cases:
        verify_owner(
            OneTimeKey(raw(case["owner"])),
            raw(case["message"]),
            PointBytes(raw(case["announcement"])),
            ScalarBytes(raw(case["response"])),
        )


def test_frozen_encodings_are_taken_and_refused_as_before() -> None:
    read = frozen("encodings.json")
    assert len(read["generators"]) == 12
    for text in (*read["generators"].values(), *read["hash_to_point"].values()):
        assert len(raw(text)) == 48
        decode_point(raw(text))
    for text in read["scalars"].values():
        assert encode_scalar(decode_scalar(raw(text))).hex() == text
    assert len(read["refused_points"]) == 7
    for text in read["refused_points"].values():
        with pytest.raises(BadPoint):
            decode_point(raw(text))
    for text in read["refused_scalars"]:
        with pytest.raises(BadScalar):
            decode_scalar(raw(text))


def test_frozen_transcripts_give_the_same_challenges() -> None:
    read = frozen("transcripts.json")
    assert {name: Label[name].value.decode() for name in read["labels"]} == read["labels"]
    assert {name: Domain[name].value.decode() for name in read["domains"]} == read["domains"]
    assert len(read["cases"]) == 4
    for case in read["cases"]:
        transcript = Transcript(Domain(case["domain"].encode()))
        for label, data in case["absorbed"]:
            transcript.absorb(Label(label.encode()), raw(data))
        assert transcript.digest().hex() == case["digest"]
        assert encode_scalar(transcript.challenge(Label.SIGMA)).hex() == case["challenge_sigma"]
    source = WeightSource(raw(read["batch_weights"]["seed"]))
    for text in read["batch_weights"]["weights"]:
        assert encode_scalar(source.next()).hex() == text
