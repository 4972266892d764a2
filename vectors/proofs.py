"""Vectors of whole proofs: a transform for every recipe, a claim of each kind, a reversal."""

from __future__ import annotations

from vectors.describe import Json, hexed, plain, proved
from vectors.plans import CLAIM_LOTS, PLANS
from vectors.seeded import Seeded
from vectors.stage import CHAIN, Committer, numbers_of, stage
from vectors.tables import FORM_TABLE, FORMS, STANDARDS

from lodeline.kernel.ids import ElementSymbol, Hash32, LotId, StandardName
from lodeline.proofs.body import lot_id, transform_id
from lodeline.proofs.prover import Witness, prove
from lodeline.proofs.questions import (
    AmountBetween,
    Audience,
    ClaimBody,
    IntensityAtMost,
    PrimaryAtLeast,
    Question,
    ShareAtLeast,
    claim_subject,
)
from lodeline.proofs.relations import Side
from lodeline.proofs.subject import restoration_subject

__all__ = ["QUESTIONS", "claims", "reversals", "tables", "transforms"]

_COBALT = ElementSymbol("Co")
_MINE = StandardName("mine-a")

QUESTIONS: dict[str, Question] = {
    "share": ShareAtLeast(_COBALT, _MINE, "segregated", 600_000),
    "share under a weaker model": ShareAtLeast(_COBALT, _MINE, "controlled-blending", 700_000),
    "intensity": IntensityAtMost(_COBALT, 140_000),
    "amount": AmountBetween(_COBALT, 499, 501),
    "primary": PrimaryAtLeast(400_000),
}


def tables() -> Json:
    """Return the forms and standards that all transforms of the vectors refer to."""
    return {
        "forms": [{"plain": plain(item), "cbor": hexed(item)} for item in FORMS],
        "standards": [{"plain": plain(item), "cbor": hexed(item)} for item in STANDARDS],
    }


def transforms() -> Json:
    """Return one proved transform for every recipe."""
    return {name: _transform(name) for name in PLANS}


def _transform(name: str) -> Json:
    entropy = Seeded(f"transform {name}")
    plan = PLANS[name]
    scene = stage(plan, Committer(entropy))
    proof = scene.prove(entropy)
    identity = transform_id(scene.body)
    return {
        "family": plan.recipe.family.value,
        "recipe": plain(plan.recipe),
        "recipe_cbor": hexed(plan.recipe),
        "recipe_digest": scene.body.recipe.hex(),
        "spent": [hexed(lot) for lot in scene.spent],
        "body": hexed(scene.body),
        "transform_id": identity.hex(),
        "lot_ids": [lot_id(identity, index).hex() for index in range(len(scene.outputs))],
        **proved(scene.subject, scene.witness, proof),
    }


def claims() -> Json:
    """Return one answer to each kind of question."""
    return {name: _claim(name, question) for name, question in QUESTIONS.items()}


def _claim(name: str, question: Question) -> Json:
    entropy = Seeded(f"claim {name}")
    hand = Committer(entropy)
    lots = [hand.lot(plain_lot) for plain_lot in CLAIM_LOTS]
    audience = Audience(
        chain=CHAIN,
        verifier="importer",
        nonce=Hash32(entropy.bytes(32)),
        purpose="due diligence",
        product="pack-1" if name == "share" else None,
        expires=1_800_000_000,
        checkpoint_size=42,
        checkpoint_root=Hash32(entropy.bytes(32)),
    )
    body = ClaimBody(question, audience, tuple(LotId(bytes([i]) * 32) for i in range(len(lots))))
    subject = claim_subject(body, [lot.public for lot in lots], FORM_TABLE)
    secrets = tuple(lot.secret for lot in lots)
    witness = Witness(dict(numbers_of(Side.INPUT, lots)), secrets)
    proof = prove(subject, witness, entropy)
    return {
        "question": plain(question),
        "lots": [hexed(lot.public) for lot in lots],
        "body": hexed(body),
        **proved(subject, witness, proof),
    }


def reversals() -> Json:
    """Return the proof of a reversal: a store undone, its two inputs restored."""
    entropy = Seeded("reversal")
    hand = Committer(entropy)
    plan = PLANS["store"]
    scene = stage(plan, hand)
    restored = [hand.lot(lot) for lot in plan.inputs]
    body = b"stands for the canonical body of a reversal"
    subject = restoration_subject(
        body,
        tuple(lot.public for lot in scene.outputs),
        tuple(lot.tag for lot in scene.outputs),
        scene.spent,
        tuple(lot.public for lot in restored),
    )
    numbers = dict(numbers_of(Side.INPUT, (*scene.outputs, *scene.inputs)))
    numbers.update(numbers_of(Side.OUTPUT, restored))
    witness = Witness(numbers, tuple(lot.secret for lot in scene.outputs))
    proof = prove(subject, witness, entropy)
    return {
        "store": {
            "body": body.hex(),
            "given_up": [hexed(lot.public) for lot in scene.outputs],
            "tags": [lot.tag.hex() for lot in scene.outputs],
            "originals": [hexed(lot) for lot in scene.spent],
            "restored": [hexed(lot.public) for lot in restored],
            **proved(subject, witness, proof),
        }
    }
