"""Undoing: reversals, and lots granted again for a lost key.

Both give back lots whose commitments are those of the old ones, byte for byte, under fresh owner
keys. So whoever makes the proof of a reversal needs the private keys of the lots that are given up,
and no number at all: the seller prepares the lots that he will get back, the buyer proves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.group import ZERO, Scalar
from lodeline.crypto.onetime import Address, derive_for_recipient, tag
from lodeline.crypto.sealing import EphemeralKey, OutputIndex, ViewPublicKey
from lodeline.custody.lots import LotOpening, LotPublic
from lodeline.holder.building import OwnerKey
from lodeline.holder.notes import Note, NoteScope, check_opening, seal_note
from lodeline.kernel import cbor
from lodeline.kernel.ids import ChainId, Hash32, LotId, SiteId, Tag, TransformId
from lodeline.ledger.entries import (
    Regrant,
    RegrantBody,
    RestoredLot,
    Reversal,
    ReversalBody,
)
from lodeline.proofs.batch import verify_subject
from lodeline.proofs.body import PROTOCOL_VERSION
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import Witness, prove_unchecked
from lodeline.proofs.subject import restoration_subject

__all__ = [
    "GivenBack",
    "lot_given_back",
    "regrant_entry",
    "reversal_body",
    "reversal_entry",
    "tags_of",
]


@dataclass(frozen=True)
class GivenBack:
    """A lot as its former owner gets it back: the old one, and what opens it."""

    public: LotPublic
    opening: LotOpening
    address: Address
    site: SiteId | None = None
    product: str | None = None
    memo: str = ""

    def __repr__(self) -> str:
        return "GivenBack(secret)"

    @property
    def note(self) -> Note:
        """Return the note that goes with it."""
        return Note(self.opening, self.site, self.product, (), self.memo)


def lot_given_back(lot: GivenBack, ephemeral: EphemeralKey, scope: NoteScope) -> RestoredLot:
    """Return a lot equal to an old one, under a fresh key of its owner's address.

    Raises:
        NoteDoesNotMatch: the opening is not that of the old lot.
    """
    check_opening(lot.public, lot.opening)
    owner, view_tag = derive_for_recipient(
        lot.address, ephemeral, OutputIndex(scope.index), scope.context
    )
    public = structs.replace(lot.public, owner=owner)
    note = seal_note(ViewPublicKey(lot.address.view), lot.note, scope, public)
    return RestoredLot(public, bytes(note), bytes(view_tag))


def reversal_body(
    chain: ChainId,
    transform: TransformId,
    given: Sequence[GivenBack],
    tags: Sequence[Tag],
    entropy: Entropy,
) -> ReversalBody:
    """Return what a reversal says: made by whoever held the transform's inputs.

    ``given`` are those inputs in order, ``tags`` the spending tags of the transform's outputs in
    order, as their owners tell them.

    Raises:
        NoteDoesNotMatch: an opening is not that of its lot.
    """
    ephemeral = EphemeralKey.generate(entropy)
    restored = tuple(
        lot_given_back(lot, ephemeral, NoteScope.reversal(chain, transform, index))
        for index, lot in enumerate(given)
    )
    return ReversalBody(
        chain=chain,
        version=PROTOCOL_VERSION,
        transform=transform,
        tags=tuple(tags),
        restored=restored,
        scan_key=Hash32(ephemeral.scan_key),
    )


def reversal_entry(
    body: ReversalBody,
    originals: Sequence[LotPublic],
    outputs: Sequence[tuple[LotPublic, Scalar]],
    entropy: Entropy,
) -> Reversal:
    """Return a reversal with its proof and without signatures: made by the outputs' owner.

    ``originals`` are the transform's inputs and ``outputs`` its outputs as the ledger has them, in
    order, each output with its private key.

    Raises:
        NotTheSameLot: a restored lot has another shape than its original.
        ProofDoesNotHold: a restored commitment is not the original's, or a key is not the output's.
    """
    spent = tuple(lot for lot, _ in outputs)
    restored = tuple(item.lot for item in body.restored)
    encoded = cbor.encode_struct(body)
    subject = restoration_subject(encoded, spent, body.tags, tuple(originals), restored)
    # Commitments that are the same differ by zero times h: the prover needs no opening.
    witness = Witness(
        dict.fromkeys(subject.commitments, (0, ZERO)), tuple(secret for _, secret in outputs)
    )
    proof: Proof = prove_unchecked(subject, witness, entropy)
    verify_subject(subject, proof, "own reversal")
    return Reversal(body, proof, (), None, ())


def tags_of(keys: Sequence[OwnerKey]) -> tuple[Tag, ...]:
    """Return the spending tags of lots, by their private keys."""
    return tuple(tag(key.secret) for key in keys)


def regrant_entry(
    chain: ChainId, sequence: int, lost: LotId, lot: GivenBack, entropy: Entropy
) -> Regrant:
    """Return the grant of an equal lot for one whose key is lost, without votes.

    ``sequence`` is the ledger's count of governance acts so far.

    Raises:
        NoteDoesNotMatch: the opening is not that of the lost lot.
    """
    ephemeral = EphemeralKey.generate(entropy)
    replacement = lot_given_back(lot, ephemeral, NoteScope.regrant(chain, lost))
    body = RegrantBody(chain, sequence, lost, replacement, Hash32(ephemeral.scan_key))
    return Regrant(body, ())
