"""The verifier: every part of a proof is needed, in its place, and belongs to one statement."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from tests.proofs.forging import ENTROPY, forge, honest, refusal, scene_of
from tests.proofs.tampering import Path, changed, leaves, lists
from vectors.plans import PLANS
from vectors.stage import Scene

from lodeline.crypto.generators import OWNER_BASE, TAG_BASE, VALUE
from lodeline.crypto.group import (
    GROUP_ORDER,
    IDENTITY,
    BadPoint,
    BadScalar,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar,
)
from lodeline.crypto.range_verifier import RangeRoundsWrong
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Commitment, OneTimeKey, PointBytes, ScalarBytes, Tag
from lodeline.proofs.proof import OwnerProof, Proof, ZeroProof
from lodeline.proofs.prover import Witness, prove_unchecked
from lodeline.proofs.verifier import ProofDoesNotHold, ProofShapeWrong, replay

SCENE, PROOF = honest(PLANS["blend"])
"""Two owners, zero relations, totals, products and ranges: every part that there is."""
AGAIN = SCENE.prove(ENTROPY)
SMALL_ORDER = bytes([0x80]) + bytes(47)
"""The point (0, 2) or (0, −2), of order three."""

LEAVES = leaves(PROOF)
LISTS = [(path, items) for path, items in lists(PROOF) if path]
PARTS = {"owners": "owner", "totals": "total", "products": "product"}


def named(path: Path) -> str:
    return ".".join(str(step) for step in path)


def refused(proof: Proof, scene: Scene = SCENE) -> LodelineError | None:
    return refusal(scene.task(proof))


def test_the_proof_that_is_tampered_with_below_is_good_and_complete() -> None:
    assert refused(PROOF) is None
    assert refused(AGAIN) is None
    assert PROOF.zero is not None
    assert PROOF.ranges is not None
    assert (len(PROOF.owners), len(PROOF.products)) == (2, 4)
    assert len(PROOF.totals) >= 4
    assert len(LEAVES) > 50


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[named(path) for path, _ in LEAVES])
def test_every_point_and_scalar_counts(path: Path, value: bytes) -> None:
    """Another valid value in its place: well formed, and false."""
    if len(value) == 48:
        other: bytes = encode_point(VALUE)
    else:
        other = encode_scalar(scalar(int.from_bytes(value, "little") + 1))
    assert isinstance(refused(changed(PROOF, path, other)), ProofDoesNotHold)


POINTS = [(path, value) for path, value in LEAVES if len(value) == 48]
SCALARS = [(path, value) for path, value in LEAVES if len(value) == 32]


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[named(path) for path, _ in LEAVES])
def test_the_weights_of_a_batch_depend_on_every_part_of_a_proof(path: Path, value: bytes) -> None:
    """Were one part free, a forger could choose it after the weights and let two errors cancel."""
    flipped = bytes([value[0] ^ 1]) + value[1:]
    digest = replay(SCENE.subject, changed(PROOF, path, flipped)).digest
    assert digest != replay(SCENE.subject, PROOF).digest


@pytest.mark.parametrize("path", [path for path, _ in POINTS], ids=named)
@pytest.mark.parametrize("bad", [bytes(encode_point(IDENTITY)), SMALL_ORDER, b"\xff" * 48])
def test_no_point_of_a_proof_is_taken_unchecked(path: Path, bad: bytes) -> None:
    found = refused(changed(PROOF, path, bad))
    assert isinstance(found, BadPoint)
    assert found.encoding == bad


@pytest.mark.parametrize(("path", "value"), SCALARS, ids=[named(path) for path, _ in SCALARS])
def test_no_scalar_of_a_proof_is_taken_unreduced(path: Path, value: bytes) -> None:
    """The same residue above the order would be a second encoding of the same proof."""
    above = (int.from_bytes(value, "little") + GROUP_ORDER).to_bytes(32, "little")
    found = refused(changed(PROOF, path, ScalarBytes(above)))
    assert isinstance(found, BadScalar)
    assert found.encoding == above


@pytest.mark.parametrize(("path", "items"), LISTS, ids=[named(path) for path, _ in LISTS])
def test_a_dropped_or_doubled_part_is_refused_by_its_name(
    path: Path, items: tuple[object, ...]
) -> None:
    found = len(items)
    for other in (items[1:], items[:-1], (*items, items[-1]), (items[0], *items), ()):
        error = refused(changed(PROOF, path, other))
        if named(path) in PARTS:
            assert isinstance(error, ProofShapeWrong)
            expected = (PARTS[named(path)], len(other), found)
            assert (error.part, error.found, error.expected) == expected
        else:
            assert isinstance(error, RangeRoundsWrong)
            assert {error.left, error.right} == {len(other), found}


@pytest.mark.parametrize(("path", "items"), LISTS, ids=[named(path) for path, _ in LISTS])
def test_parts_in_another_order_are_refused(path: Path, items: tuple[object, ...]) -> None:
    assert isinstance(refused(changed(PROOF, path, items[::-1])), ProofDoesNotHold)
    swapped = (items[1], items[0], *items[2:])
    assert isinstance(refused(changed(PROOF, path, swapped)), ProofDoesNotHold)


@pytest.mark.parametrize("part", ["zero", "ranges"])
def test_a_missing_part_is_refused_by_its_name(part: str) -> None:
    error = refused(changed(PROOF, (part,), None))
    assert isinstance(error, ProofShapeWrong)
    assert (error.part, error.found, error.expected) == (part.removesuffix("s"), 0, 1)


def test_parts_that_the_statement_does_not_need_are_refused() -> None:
    scene, proof = honest(PLANS["write-off"])
    assert proof.zero is None
    assert proof.ranges is None
    assert refused(proof, scene) is None
    for part, value in (("zero", PROOF.zero), ("ranges", PROOF.ranges)):
        error = refused(changed(proof, (part,), value), scene)
        assert isinstance(error, ProofShapeWrong)
        assert (error.part, error.found, error.expected) == (part.removesuffix("s"), 1, 0)
    for name, part in PARTS.items():
        error = refused(changed(proof, (name,), getattr(PROOF, name) * 2), scene)
        assert isinstance(error, ProofShapeWrong)
        assert error.part == part


def test_a_missing_tag_announcement_is_refused() -> None:
    """Otherwise a tag would go unproved, and the lot could be spent under any other."""
    error = refused(changed(PROOF, ("owners", 1, "tag_announcement"), None))
    assert isinstance(error, ProofShapeWrong)
    assert (error.part, error.found, error.expected) == ("tag", 0, 1)


@pytest.mark.parametrize("part", Proof.__struct_fields__)
def test_parts_of_two_proofs_of_one_statement_do_not_mix(part: str) -> None:
    mixed = changed(PROOF, (part,), getattr(AGAIN, part))
    assert isinstance(refused(mixed), ProofDoesNotHold)


def test_a_proof_is_for_one_body_only() -> None:
    other = scene_of(PLANS["blend"])
    assert isinstance(refused(PROOF, other), ProofDoesNotHold)
    marked = msgspec.structs.replace(SCENE.body, view_tags=(b"aa", b"bb"))
    assert isinstance(refused(PROOF, replace(SCENE, body=marked)), ProofDoesNotHold)


def test_two_proofs_of_one_statement_share_nothing() -> None:
    first, second = {value for _, value in LEAVES}, {value for _, value in leaves(AGAIN)}
    assert not first & second


def test_a_proof_reads_back_from_its_bytes() -> None:
    encoded = cbor.encode_struct(PROOF)
    assert cbor.decode_struct(encoded, Proof) == PROOF
    assert refused(cbor.decode_struct(encoded, Proof)) is None


# ------------------------------------------------------------------ T1: owners and tags


def stolen(index: int) -> Witness:
    secrets = list(SCENE.witness.secrets)
    secrets[index] = random_scalar(ENTROPY)
    return Witness(SCENE.witness.numbers, tuple(secrets))


@pytest.mark.parametrize("index", [0, 1])
def test_whoever_knows_the_numbers_but_not_the_key_cannot_spend(index: int) -> None:
    """The seller knows every number of what he sold."""
    assert isinstance(refused(forge(SCENE.subject, stolen(index))), ProofDoesNotHold)


def test_an_owner_cannot_publish_another_tag() -> None:
    """With a second tag he could spend his lot twice."""
    own = SCENE.inputs[0].secret
    for other in (encode_point(TAG_BASE * own), encode_point(TAG_BASE), encode_point(VALUE)):
        inputs = (
            msgspec.structs.replace(SCENE.body.inputs[0], tag=Tag(other)),
            SCENE.body.inputs[1],
        )
        scene = replace(SCENE, body=msgspec.structs.replace(SCENE.body, inputs=inputs))
        assert isinstance(refused(forge(scene.subject, SCENE.witness), scene), ProofDoesNotHold)


def test_two_owners_cannot_swap_their_tags() -> None:
    first, second = SCENE.body.inputs
    inputs = (
        msgspec.structs.replace(first, tag=second.tag),
        msgspec.structs.replace(second, tag=first.tag),
    )
    scene = replace(SCENE, body=msgspec.structs.replace(SCENE.body, inputs=inputs))
    assert isinstance(refused(forge(scene.subject, SCENE.witness), scene), ProofDoesNotHold)


def test_a_thief_s_own_key_and_tag_do_not_fit_the_lot_on_the_ledger() -> None:
    thief = random_scalar(ENTROPY)
    tag = Tag(encode_point(TAG_BASE * thief.inverse()))
    inputs = (msgspec.structs.replace(SCENE.body.inputs[0], tag=tag), SCENE.body.inputs[1])
    scene = replace(SCENE, body=msgspec.structs.replace(SCENE.body, inputs=inputs))
    witness = Witness(SCENE.witness.numbers, (thief, SCENE.witness.secrets[1]))
    assert isinstance(refused(forge(scene.subject, witness), scene), ProofDoesNotHold)


def test_a_key_with_a_known_relation_to_two_others_spends_neither() -> None:
    """The sum of two secrets answers for the sum of two keys, which is nobody's lot."""
    both = SCENE.inputs[0].secret + SCENE.inputs[1].secret
    joint = OneTimeKey(encode_point(OWNER_BASE * both))
    spent = (
        replace(
            SCENE.inputs[0], public=msgspec.structs.replace(SCENE.inputs[0].public, owner=joint)
        ),
        SCENE.inputs[1],
    )
    scene = replace(SCENE, inputs=spent)
    assert isinstance(refused(forge(scene.subject, SCENE.witness), scene), ProofDoesNotHold)


# ------------------------------------------------------------------ commitments of the body

BAD_POINTS = {
    "identity": bytes(encode_point(IDENTITY)),
    "small order": SMALL_ORDER,
    "off the curve": b"\x80" + bytes(46) + b"\x03",
}


def _is_point(path: Path, value: bytes) -> bool:
    return len(value) == 48


COMMITTED = [path for path, value in leaves(SCENE.body) if _is_point(path, value)]


@pytest.mark.parametrize("bad", BAD_POINTS.values(), ids=BAD_POINTS)
@pytest.mark.parametrize("path", COMMITTED, ids=named)
def test_no_point_of_a_body_is_taken_unchecked(path: Path, bad: bytes) -> None:
    """Not even those that no relation weighs: the owner keys of lots that come into being."""
    scene = replace(SCENE, body=changed(SCENE.body, path, bad))
    found = refused(PROOF, scene)
    assert isinstance(found, BadPoint)
    assert found.encoding == bad


INHERITED = [path for path, value in leaves(SCENE.spent[0]) if _is_point(path, value)]


@pytest.mark.parametrize("path", INHERITED, ids=named)
def test_no_point_of_an_input_lot_is_taken_unchecked(path: Path) -> None:
    public = changed(SCENE.spent[0], path, SMALL_ORDER)
    scene = replace(SCENE, inputs=(replace(SCENE.inputs[0], public=public), SCENE.inputs[1]))
    assert isinstance(refused(PROOF, scene), BadPoint)


def test_a_commitment_to_nothing_at_all_is_refused() -> None:
    """Zero with blinding factor zero is the identity: whoever sent it would show the number."""
    nothing = Commitment(encode_point(IDENTITY))
    strand = msgspec.structs.replace(SCENE.body.outputs[0].strands[0], amount=nothing)
    body = changed(SCENE.body, ("outputs", 0, "strands", 0), strand)
    assert isinstance(refused(PROOF, replace(SCENE, body=body)), BadPoint)


def test_a_proof_of_nothing_but_generators_is_refused() -> None:
    point, zero = PointBytes(encode_point(VALUE)), encode_scalar(scalar(0))
    blank = changed(PROOF, ("owners",), (OwnerProof(point, point, zero),) * 2)
    blank = changed(blank, ("zero",), ZeroProof(point, zero))
    assert isinstance(refused(blank), ProofDoesNotHold)


def test_the_prover_without_checks_makes_good_proofs_of_true_numbers() -> None:
    """The control: what refuses the forgeries above is their falsehood."""
    assert refused(prove_unchecked(SCENE.subject, SCENE.witness, ENTROPY)) is None
