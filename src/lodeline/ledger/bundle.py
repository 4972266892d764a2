r"""A bundle: everything that a stranger needs to check one lot without a network (protocol.md §7).

It holds the entries of the log that the lot descends from and all acts of governance, each with its
proof of inclusion; a signed checkpoint; proofs in the checkpoint's state; the opening of the
product identifier; and claim files. It holds no key that it asks to be trusted by: those are in the
reader's own trust file.

Where the past is endless, as behind a silo that is never empty, a bundle stops at an earlier
checkpoint and names the lots that it takes as that checkpoint has them.

    bytes = "lodeline bundle 1\n" | SHA-256 of the rest | canonical CBOR of `Bundle`

The hash protects nobody from a forger; it makes any damage show, even in signatures of witnesses
whom the reader does not know and whose lines the note format tells him to ignore.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from lodeline.custody.lots import LotPublic
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, Hash32W, LotIdW, Scalar32W
from lodeline.ledger.log import MAX_LEAF_BYTES
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof
from lodeline.ledger.records import Making
from lodeline.ledger.refusals_bundles import BundleDamaged, BundleNotOne, BundleTooLarge
from lodeline.ledger.signednote import MAX_NOTE_BYTES
from lodeline.ledger.statemap import AbsenceProof, PresenceProof

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_BUNDLE_ENTRIES",
    "Bundle",
    "BundledEntry",
    "ProductOpening",
    "Stop",
    "StoppedLot",
    "decode_bundle",
    "encode_bundle",
]

MAX_BUNDLE_BYTES = 1 << 26
MAX_BUNDLE_ENTRIES = 10_000
MAX_STOPPED_LOTS = 256
MAX_BUNDLED_CLAIMS = 32
_HEAD = b"lodeline bundle 1\n"
_DIGEST = slice(len(_HEAD), len(_HEAD) + hashlib.sha256().digest_size)

_SignedNote = Annotated[bytes, msgspec.Meta(max_length=MAX_NOTE_BYTES)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the parts of a bundle: frozen and closed."""


class BundledEntry(_Part, frozen=True):
    """One leaf of the log and the proof that the log of the checkpoint holds it."""

    leaf: Annotated[bytes, msgspec.Meta(max_length=MAX_LEAF_BYTES)]
    proof: InclusionProof


class ProductOpening(_Part, frozen=True):
    """What opens the commitment to the product identifier: the link to the thing in the hand."""

    identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    blinding: Scalar32W


class StoppedLot(_Part, frozen=True):
    """A lot of the past that is taken as an earlier checkpoint has it."""

    lot: LotIdW
    public: LotPublic
    unspent: PresenceProof
    not_recalled: AbsenceProof
    maker: Hash32W
    """Id of the transform, reversal or re-grant that made it; with ``output`` the lot's id."""
    output: Annotated[int, msgspec.Meta(ge=0, lt=16)]
    making: Making
    made: PresenceProof


class Stop(_Part, frozen=True):
    """Where the bundle stops: an earlier checkpoint of the same log, and the lots taken from it."""

    checkpoint: _SignedNote
    growth: ConsistencyProof
    """From the earlier checkpoint to the bundle's."""
    lots: Annotated[tuple[StoppedLot, ...], msgspec.Meta(max_length=MAX_STOPPED_LOTS)]
    """Ascending by id."""


class Bundle(_Part, frozen=True, tag="lodeline-bundle-v1"):
    """The content of a bundle."""

    lot: LotIdW
    """The lot that it is about."""
    product: ProductOpening | None
    """There exactly where the lot is a product."""
    checkpoint: _SignedNote
    entries: Annotated[
        tuple[BundledEntry, ...], msgspec.Meta(min_length=1, max_length=MAX_BUNDLE_ENTRIES)
    ]
    """In the order of the log, each once; the genesis first."""
    acts: PresenceProof | AbsenceProof
    """How many acts of governance the state counts; absence while there is none."""
    unspent: PresenceProof
    not_recalled: AbsenceProof
    stop: Stop | None
    claims: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_BUNDLED_CLAIMS)]
    """Claim files about this very lot."""


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the bytes of a bundle.

    Raises:
        BundleTooLarge: more than `MAX_BUNDLE_BYTES`.
    """
    content = cbor.encode_struct(bundle)
    data = _HEAD + hashlib.sha256(content).digest() + content
    _check_size(data)
    return data


def decode_bundle(data: bytes) -> Bundle:
    """Read a bundle; nothing is verified but that it arrived as it was written.

    Raises:
        BundleTooLarge, BundleNotOne, BundleDamaged: the file as such.
        CborError, WrongShape: the content is no bundle.
    """
    _check_size(data)
    if not data.startswith(_HEAD) or len(data) <= _DIGEST.stop:
        raise BundleNotOne(len(data))
    stated, content = Hash32(data[_DIGEST]), data[_DIGEST.stop :]
    computed = Hash32(hashlib.sha256(content).digest())
    if stated != computed:
        raise BundleDamaged(stated, computed)
    return cbor.decode_struct(content, Bundle, max_bytes=MAX_BUNDLE_BYTES)


def _check_size(data: bytes) -> None:
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleTooLarge(len(data), MAX_BUNDLE_BYTES)
