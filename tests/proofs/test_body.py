"""Bodies and ids: every field is in the id, no proof byte is."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from tests.proofs.forging import scene_of
from tests.proofs.tampering import changed
from vectors.plans import PLANS
from vectors.tables import RECIPES

from lodeline.custody.expansion import recipe_digest
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborError, WrongShape
from lodeline.kernel.ids import ChainId, Hash32, LotId, NoteHash, SiteId
from lodeline.proofs.body import TransformBody, lot_id, transform_id

SCENE = scene_of(PLANS["transport"])
BODY = SCENE.body
CHANGES: dict[str, object] = {
    "chain": ChainId("elsewhere"),
    "version": 2,
    "recipe": recipe_digest(RECIPES["store"]),
    "site": SiteId("site-9"),
    "inputs": BODY.inputs[::-1],
    "outputs": BODY.outputs[::-1],
    "process": None,
    "scan_key": Hash32(bytes(32)),
    "view_tags": (b"zz", b"zz"),
    "notes": (NoteHash(bytes(32)),) * 2,
    "signers": (),
    "replaces": LotId(bytes(32)),
}


def test_every_field_of_a_body_is_tried() -> None:
    assert set(CHANGES) == set(TransformBody.__struct_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_changes_the_id_and_the_challenge(field: str) -> None:
    other = changed(BODY, (field,), CHANGES[field])
    assert transform_id(other) != transform_id(BODY)
    encodings = [cbor.encode_struct(body) for body in (BODY, other)]
    assert encodings[0] != encodings[1]
    if field in ("process", "inputs", "outputs"):
        return
    moved = replace(SCENE, body=other)
    assert moved.subject.transcript().digest() != SCENE.subject.transcript().digest()


def test_lots_of_one_transform_and_of_two_have_different_ids() -> None:
    other = transform_id(scene_of(PLANS["transport"]).body)
    found = {lot_id(transform_id(BODY), index) for index in range(16)}
    found |= {lot_id(other, index) for index in range(16)}
    assert len(found) == 32
    assert bytes(transform_id(BODY)) not in {bytes(identity) for identity in found}


def test_a_body_reads_back_from_its_bytes() -> None:
    encoded = cbor.encode_struct(BODY)
    assert cbor.decode_struct(encoded, TransformBody) == BODY
    with pytest.raises(CborError):
        cbor.decode_struct(encoded + b"\x00", TransformBody)


@pytest.mark.parametrize("field", ["inputs", "outputs", "view_tags", "notes", "signers"])
def test_seventeen_of_anything_are_refused_on_reading(field: str) -> None:
    plain = msgspec.to_builtins(BODY, builtin_types=(bytes,))
    items = plain[field] or [{"member": "m", "role": "r"}]
    plain[field] = [items[0]] * 17
    with pytest.raises(WrongShape):
        cbor.decode_struct(cbor.encode(plain), TransformBody)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_hashes_and_points_of_another_length_are_refused_on_reading(length: int) -> None:
    plain = msgspec.to_builtins(BODY, builtin_types=(bytes,))
    for place in ("scan_key", "recipe"):
        with pytest.raises(WrongShape):
            cbor.decode_struct(cbor.encode({**plain, place: bytes(length)}), TransformBody)
    spent = {**plain["inputs"][0], "tag": bytes(length + 16)}
    if length != 32:
        with pytest.raises(WrongShape):
            cbor.decode_struct(cbor.encode({**plain, "inputs": [spent]}), TransformBody)


def test_the_recipe_s_digest_covers_every_field_of_the_recipe() -> None:
    recipe = RECIPES["mine"]
    seen = {recipe_digest(recipe)}
    for name in recipe.__struct_fields__:
        value = getattr(recipe, name)
        other: object = () if isinstance(value, tuple) and value else "other"
        if isinstance(value, bool):
            other = not value
        elif isinstance(value, int) or value is None:
            other = 7
        elif name == "family":
            other = RECIPES["store"].family
        if other == value:
            other = (recipe.elements[0],)
        seen.add(recipe_digest(msgspec.structs.replace(recipe, **{name: other})))
    assert len(seen) == len(recipe.__struct_fields__) + 1 > 18
