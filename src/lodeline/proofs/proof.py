"""The bytes of a proof: everything the prover sends, and nothing that can be derived.

Which parts are present, and how many of each, follows from the statement; the verifier refuses any
other shape before it decodes a point.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from lodeline.kernel.ids import CommitmentW, Point48W, Scalar32W

__all__ = [
    "OwnerProof",
    "OwnerSignature",
    "ProductProof",
    "Proof",
    "RangeProof",
    "TotalProof",
    "ZeroProof",
]

_MAX_PARTS = 256
_MAX_ROUNDS = 13


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the parts of a proof: frozen and closed."""


class OwnerProof(_Part, frozen=True):
    """T1 for one input: the same ``k`` in ``K = k·B_k`` and ``k·T = U``."""

    key_announcement: Point48W
    tag_announcement: Point48W | None
    """None where no tag is published (claim proofs)."""
    response: Scalar32W


class ZeroProof(_Part, frozen=True):
    """All zero relations, folded by a challenge into one multiple of ``h``."""

    announcement: Point48W
    response: Scalar32W


class TotalProof(_Part, frozen=True):
    """Opening of one total that is a factor of products."""

    announcement: Point48W
    value: Scalar32W
    blinding: Scalar32W


class ProductProof(_Part, frozen=True):
    """One difference of products with the proof that it is one."""

    difference: CommitmentW
    announcement: Point48W
    response: Scalar32W


class RangeProof(_Part, frozen=True):
    """One aggregated Bulletproof+ (Chung, Han, Ju, Kim, Seo 2022, protocol 3)."""

    a: Point48W
    left: Annotated[tuple[Point48W, ...], msgspec.Meta(max_length=_MAX_ROUNDS)]
    right: Annotated[tuple[Point48W, ...], msgspec.Meta(max_length=_MAX_ROUNDS)]
    a1: Point48W
    b: Point48W
    r: Scalar32W
    s: Scalar32W
    d: Scalar32W


class Proof(_Part, frozen=True):
    """The complete proof of one statement."""

    owners: Annotated[tuple[OwnerProof, ...], msgspec.Meta(max_length=_MAX_PARTS)]
    zero: ZeroProof | None
    totals: Annotated[tuple[TotalProof, ...], msgspec.Meta(max_length=_MAX_PARTS)]
    products: Annotated[tuple[ProductProof, ...], msgspec.Meta(max_length=_MAX_PARTS)]
    ranges: RangeProof | None


class OwnerSignature(_Part, frozen=True):
    """A Schnorr signature with a lot's one-time key."""

    announcement: Point48W
    response: Scalar32W
