"""Schnorr signatures with a lot's one-time key, over G1 with the base ``B_k``.

Used where the owner of a lot says something that is no transform: an offer's acceptance, decline
or withdrawal, a disclosure. Source: Schnorr 1991 in the key-prefixed form of RFC 8235 §2 and
BIP 340 (the key is part of the challenge, so a signature belongs to one key).
"""

from __future__ import annotations

from lodeline.crypto.generators import OWNER_BASE
from lodeline.crypto.group import (
    Entropy,
    Scalar,
    decode_point,
    decode_scalar,
    encode_point,
    encode_scalar,
)
from lodeline.crypto.labels import Domain, Label
from lodeline.crypto.transcript import NonceSource, Transcript
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import OneTimeKey, PointBytes, ScalarBytes

__all__ = ["OwnerSignatureInvalid", "sign_as_owner", "verify_owner"]


class OwnerSignatureInvalid(LodelineError):
    """A signature that is not by the owner of the lot."""

    owner: OneTimeKey

    code = "owner-signature-invalid"
    en = "The signature is not by the owner key {owner} over this message"
    fr = "La signature n'est pas de la clé de propriétaire {owner} sur ce message"
    advice_en = "sign with the keystore that holds the lot"
    advice_fr = "signez avec le trousseau qui détient le lot"


def _transcript(owner: OneTimeKey, message: bytes) -> Transcript:
    transcript = Transcript(Domain.OWNER_SIGNATURE)
    transcript.absorb(Label.OWNER, owner)
    transcript.absorb(Label.BODY, message)
    return transcript


def sign_as_owner(
    secret: Scalar, owner: OneTimeKey, message: bytes, entropy: Entropy
) -> tuple[PointBytes, ScalarBytes]:
    """Return announcement and response of a signature over ``message``.

    ``message`` is the canonical encoding of the entry's body, which names chain and act.
    """
    transcript = _transcript(owner, message)
    nonce = NonceSource(transcript, encode_scalar(secret), entropy).next()
    announcement = encode_point(OWNER_BASE * nonce)
    transcript.absorb(Label.ANNOUNCEMENT, announcement)
    challenge = transcript.challenge(Label.SIGMA)
    return announcement, encode_scalar(nonce + challenge * secret)


def verify_owner(
    owner: OneTimeKey, message: bytes, announcement: PointBytes, response: ScalarBytes
) -> None:
    """Check a signature by the owner of a lot.

    Raises:
        OwnerSignatureInvalid: it does not hold.
        BadPoint, BadScalar: it is no encoding of one.
    """
    point, key, answer = decode_point(announcement), decode_point(owner), decode_scalar(response)
    transcript = _transcript(owner, message)
    transcript.absorb(Label.ANNOUNCEMENT, announcement)
    challenge = transcript.challenge(Label.SIGMA)
    if OWNER_BASE * answer != point + key * challenge:
        raise OwnerSignatureInvalid(owner)
