"""The body of a transform: everything that is said, before anything is proved (protocol.md §3).

A body names its inputs by lot id and spending tag, carries its outputs as tables of commitments,
and binds the sealed notes by their hashes. Its hash is the transform's id; a lot's id is the hash
of transform id and output index. No id ever depends on proof bytes, which a relay could change.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from lodeline.custody.lots import LotPublic
from lodeline.kernel import cbor
from lodeline.kernel.bounds import MAX_INPUTS, MAX_OUTPUTS
from lodeline.kernel.ids import (
    ChainIdW,
    CommitmentW,
    Hash32W,
    LotId,
    LotIdW,
    MemberIdW,
    NoteHashW,
    RecipeDigestW,
    RoleW,
    SiteIdW,
    TagW,
    TransformId,
)

__all__ = [
    "PROTOCOL_VERSION",
    "InputRef",
    "ProcessCommitments",
    "SignerRef",
    "TransformBody",
    "lot_id",
    "transform_id",
]

PROTOCOL_VERSION = 1
_TRANSFORM_DOMAIN = b"lodeline/v1/transform-id"
_LOT_DOMAIN = b"lodeline/v1/lot-id"


class InputRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One lot that is used up, with the spending tag ``T = U/k`` of its owner key."""

    lot: LotIdW
    tag: TagW


class ProcessCommitments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Emissions of the step itself and their primary part, committed, in grams of CO2e."""

    emissions: CommitmentW
    primary: CommitmentW


class SignerRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member who signs the body in a role."""

    member: MemberIdW
    role: RoleW


class TransformBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a transform says; hashed, signed and absorbed whole before the first challenge."""

    chain: ChainIdW
    version: int
    recipe: RecipeDigestW
    site: SiteIdW | None
    """The registered site where it happens; its facility key signs (T9)."""
    inputs: Annotated[tuple[InputRef, ...], msgspec.Meta(max_length=MAX_INPUTS)]
    outputs: Annotated[tuple[LotPublic, ...], msgspec.Meta(max_length=MAX_OUTPUTS)]
    process: ProcessCommitments | None
    scan_key: Hash32W
    """Ephemeral X25519 public key from which recipients find their outputs by scanning."""
    view_tags: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_OUTPUTS)]
    """Two bytes for each output."""
    notes: Annotated[tuple[NoteHashW, ...], msgspec.Meta(max_length=MAX_OUTPUTS)]
    """SHA-256 of each output's sealed note."""
    signers: Annotated[tuple[SignerRef, ...], msgspec.Meta(max_length=16)]
    """Members whose signatures accompany the body, in the recipe's order of roles."""
    replaces: LotIdW | None
    """In a renewed grant: the lot id of the grant it replaces."""


def transform_id(body: TransformBody) -> TransformId:
    """Return the SHA-256 of the canonical body under its domain."""
    return TransformId(hashlib.sha256(_TRANSFORM_DOMAIN + cbor.encode_struct(body)).digest())


def lot_id(transform: TransformId, index: int) -> LotId:
    """Return the id of output ``index`` (0 to 15) of a transform."""
    return LotId(hashlib.sha256(_LOT_DOMAIN + transform + index.to_bytes(2, "big")).digest())
