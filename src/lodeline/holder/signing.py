"""Finished work as entries of the ledger, with the signatures that they need.

A transform is signed by its co-signers and, where the recipe has a site, by the facility's key;
offers and what ends them by the one-time keys of the lots. What is signed is always the id of the
entry, which covers its type and body.

Not checked: that the signers have the roles that the recipe asks for. The ledger does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.owner_signature import sign_as_owner
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign
from lodeline.holder.building import BuiltTransform, OwnerKey
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId, SiteId, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Accept,
    AcceptBody,
    Correction,
    CorrectionBody,
    Decline,
    DeclineBody,
    EntryId,
    MemberSignature,
    Offer,
    OfferBody,
    SiteSignature,
    Transform,
    Withdraw,
    WithdrawBody,
    entry_id,
)
from lodeline.proofs.body import transform_id
from lodeline.proofs.proof import OwnerSignature

__all__ = [
    "SignerKeyMissing",
    "accept_entry",
    "correction_entry",
    "decline_entry",
    "hashed_reason",
    "offer_entry",
    "owner_signatures",
    "sign_members",
    "sign_site",
    "transform_entry",
    "withdraw_entry",
]

_REASON_DOMAIN = b"lodeline/v1/decline-reason\0"


class SignerKeyMissing(LodelineError):
    """A signer whose key was not given."""

    member: MemberId

    code = "signer-key-missing"
    en = "the transform needs the signature of {member}, whose key is not here"
    fr = "la transformation demande la signature de {member}, dont la clé n'est pas ici"
    advice_en = "send it to {member} as a request for a signature"
    advice_fr = "envoyez-la à {member} comme demande de signature"


def transform_entry(built: BuiltTransform) -> Transform:
    """Return a finished transform as an entry without signatures."""
    notes = tuple(bytes(note) for note in built.notes)
    return Transform(built.body, notes, built.proof, (), None)


def sign_site(entry: Transform, site: SiteId, key: SigningKey) -> Transform:
    """Return the transform signed by the key of the facility where it happened (T9)."""
    signature = sign(key, SignatureContext.SITE_OPERATION, entry_id(entry))
    return structs.replace(entry, site_signature=SiteSignature(site, signature))


def sign_members(entry: Transform, keys: Mapping[MemberId, SigningKey]) -> Transform:
    """Return the transform signed by all its co-signers, in the body's order.

    Raises:
        SignerKeyMissing: the key of one of them was not given.
    """
    identity = entry_id(entry)
    signatures = []
    for signer in entry.body.signers:
        key = keys.get(signer.member)
        if key is None:
            raise SignerKeyMissing(signer.member)
        signature = sign(key, SignatureContext.CO_SIGNATURE, identity)
        signatures.append(MemberSignature(signer.member, signature))
    return structs.replace(entry, signatures=tuple(signatures))


def owner_signatures(
    keys: Sequence[OwnerKey], identity: EntryId, entropy: Entropy
) -> tuple[OwnerSignature, ...]:
    """Return one signature over an entry's id with each one-time key, in order."""
    return tuple(
        OwnerSignature(*sign_as_owner(key.secret, key.owner, identity, entropy)) for key in keys
    )


def offer_entry(
    sale: Transform, keys: Sequence[OwnerKey], deadline: BlockTime, entropy: Entropy
) -> Offer:
    """Return an offer of a finished sale; ``keys`` are those of the sale's inputs, in order.

    The buyer may accept until the deadline, which belongs to the time allowed.
    """
    body = OfferBody(sale.body.chain, transform_id(sale.body), deadline)
    bare = Offer(body, sale, ())
    return structs.replace(bare, signatures=owner_signatures(keys, entry_id(bare), entropy))


def accept_entry(
    chain: ChainId, offer: EntryId, keys: Sequence[OwnerKey], entropy: Entropy
) -> Accept:
    """Return the acceptance of an offer; ``keys`` are those of the sale's outputs, in order."""
    bare = Accept(AcceptBody(chain, Hash32(offer)), ())
    return structs.replace(bare, signatures=owner_signatures(keys, entry_id(bare), entropy))


def hashed_reason(text: str, salt: bytes) -> Hash32:
    """Return what the ledger sees of a reason; the salt keeps short reasons from being guessed."""
    return Hash32(hashlib.sha256(_REASON_DOMAIN + salt + text.encode()).digest())


def decline_entry(
    chain: ChainId, offer: EntryId, reason: Hash32, keys: Sequence[OwnerKey], entropy: Entropy
) -> Decline:
    """Return the refusal of an offer; ``keys`` are those of the sale's outputs, in order."""
    bare = Decline(DeclineBody(chain, Hash32(offer), reason), ())
    return structs.replace(bare, signatures=owner_signatures(keys, entry_id(bare), entropy))


def withdraw_entry(
    chain: ChainId, offer: EntryId, keys: Sequence[OwnerKey], entropy: Entropy
) -> Withdraw:
    """Return the withdrawal of an offer; ``keys`` are those of the sale's inputs, in order."""
    bare = Withdraw(WithdrawBody(chain, Hash32(offer)), ())
    return structs.replace(bare, signatures=owner_signatures(keys, entry_id(bare), entropy))


def correction_entry(
    transform: Transform,
    corrects: TransformId,
    issuer: tuple[MemberId, SigningKey],
    auditor: tuple[MemberId, SigningKey],
) -> Correction:
    """Return a correction of an earlier transform, by its issuer and an auditor.

    ``transform`` is complete: it follows a corrective recipe and carries its own signatures.
    """
    body = CorrectionBody(transform.body.chain, corrects, transform_id(transform.body))
    bare = Correction(body, transform, ())
    identity = entry_id(bare)
    signatures = tuple(
        MemberSignature(member, sign(key, SignatureContext.CO_SIGNATURE, identity))
        for member, key in (issuer, auditor)
    )
    return structs.replace(bare, signatures=signatures)
