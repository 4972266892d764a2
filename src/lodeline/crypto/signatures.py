"""Ed25519 signatures (RFC 8032) that can never be taken for one another.

A member's key signs many kinds of things. What is signed is therefore never the message alone but
a frame that names the purpose, so that a vote cannot be shown as a co-signature:

    length (2) | "lodeline/v1/sig" | length (2) | context | length (8) | message

Lengths are big-endian. The first byte is zero, which no signed note of a checkpoint can begin
with (C2SP signed-note: text without control characters), so the two kinds of signature stay apart
even under one key.

The library verifies without cofactor, compares R as bytes and refuses S at or above the order.
What it accepts, and is refused here before it is asked, are public keys under which one signature
fits many messages: the small-order points, and encodings that are not canonical (Chalkias,
Garillot, Nikolaenko: "Taming the many EdDSAs", SSR 2020, §3-4). Without them a signature binds
its signer to one key and one message.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from lodeline.crypto.entropy import Entropy, Secret
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES, SIGNATURE_BYTES, MemberKey, SignatureBytes, short

__all__ = [
    "MemberKeyLength",
    "MemberKeyNotCanonical",
    "MemberKeyOffCurve",
    "MemberKeySmallOrder",
    "SignatureContext",
    "SignatureInvalid",
    "SignatureLength",
    "SignedMessage",
    "SigningKey",
    "SigningSeedLength",
    "check_member_key",
    "sign",
    "signed_frame",
    "trust_as_verified",
    "verify",
]

_FRAME_LABEL: Final = b"lodeline/v1/sig"
_FIELD: Final = 2**255 - 19
_CURVE_D: Final = -121665 * pow(121666, -1, _FIELD) % _FIELD
_SIGN_BIT: Final = 1 << 255
_KEYS_REMEMBERED: Final = 4096
_SIGNATURES_REMEMBERED: Final = 65_536

_SMALL_ORDER_Y: Final = frozenset(
    {
        1,  # the identity
        _FIELD - 1,  # order 2
        0,  # order 4, either sign
        # order 8, either sign: the roots of d * y**4 + 2 * y**2 = 1
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)
"""The y coordinates of the eight points whose order divides the cofactor."""


class SignatureContext(Enum):
    """For what a signature stands; a context is never renamed, reused or given a second meaning."""

    ENTRY = "entry"
    """A member submits an entry to the ledger."""
    CO_SIGNATURE = "co-signature"
    """Somebody in a named role approves a transform and the process figures committed in it."""
    SITE_OPERATION = "site-operation"
    """A facility's key says that the operation took place at its site."""
    VOTE = "vote"
    """A member votes on a recipe, a registration or a re-grant."""
    CREDENTIAL = "credential"
    """An issuer attests something about a member or a site."""
    STATUS_LIST = "status-list"
    """An issuer says which of its credentials are suspended or revoked."""
    DISCLOSURE = "disclosure"
    """A holder hands a claim proof or a bundle to one audience."""
    SUBMISSION = "submission"
    """A member hands entries to the validators; whoever signed the entries themselves."""
    SNAPSHOT = "snapshot"
    """A validator says which snapshot of the ledger it has made."""


class MemberKeyLength(LodelineError):
    """A public signing key that is not 32 bytes long."""

    length: int

    code = "member-key-length"
    en = "a public signing key has 32 bytes, not {length}"
    fr = "une clé publique de signature a 32 octets, et non {length}"
    advice_en = "copy the key again from the member's own publication"
    advice_fr = "recopiez la clé depuis la publication du membre"


class MemberKeyNotCanonical(LodelineError):
    """A public signing key in an encoding that RFC 8032 §5.1.3 does not allow."""

    encoding: bytes

    code = "member-key-not-canonical"
    en = "the public signing key {encoding} is not in its canonical encoding"
    fr = "la clé publique de signature {encoding} n'est pas dans son encodage canonique"
    advice_en = "refuse the registration; no honest program writes such a key"
    advice_fr = "refusez l'enregistrement ; aucun programme honnête n'écrit une telle clé"


class MemberKeySmallOrder(LodelineError):
    """A public key under which one signature is valid for many messages."""

    encoding: bytes

    code = "member-key-small-order"
    en = "the public signing key {encoding} has small order: it binds nobody to any message"
    fr = "la clé publique de signature {encoding} est d'ordre petit : elle n'engage personne"
    advice_en = "refuse the registration; no honest program makes such a key"
    advice_fr = "refusez l'enregistrement ; aucun programme honnête ne produit une telle clé"


class MemberKeyOffCurve(LodelineError):
    """A public signing key that is no point of the curve."""

    encoding: bytes

    code = "member-key-off-curve"
    en = "the public signing key {encoding} is not a point of the curve"
    fr = "la clé publique de signature {encoding} n'est pas un point de la courbe"
    advice_en = "copy the key again from the member's own publication"
    advice_fr = "recopiez la clé depuis la publication du membre"


class SigningSeedLength(LodelineError):
    """A private signing key that is not 32 bytes long."""

    length: int

    code = "signing-seed-length"
    en = "a private signing key has 32 bytes, not {length}"
    fr = "une clé privée de signature a 32 octets, et non {length}"
    advice_en = "restore the keystore from its backup"
    advice_fr = "restaurez le trousseau depuis sa sauvegarde"


class SignatureLength(LodelineError):
    """A signature that is not 64 bytes long."""

    length: int

    code = "signature-length"
    en = "a signature has 64 bytes, not {length}"
    fr = "une signature a 64 octets, et non {length}"
    advice_en = "ask the signer for the signature again; it was cut or damaged"
    advice_fr = "redemandez la signature ; elle est tronquée ou abîmée"


class SignatureInvalid(LodelineError):
    """A signature that was not made by this key, for this purpose, over this message."""

    key: str
    context: SignatureContext

    code = "signature-invalid"
    en = "the signature of key {key} for the purpose {context} does not fit the message"
    fr = "la signature de la clé {key} à l'usage « {context} » ne correspond pas au message"
    advice_en = "ask the signer to sign exactly these bytes for this purpose"
    advice_fr = "demandez au signataire de signer exactement ces octets pour cet usage"


class SigningKey(Secret):
    """An Ed25519 private key: a member's, or a facility's for the operations of its site."""

    __slots__ = ("_private", "public")

    def __init__(self, hidden: bytes) -> None:
        """Take the 32-byte seed of RFC 8032 §5.1.5.

        Raises:
            SigningSeedLength: the seed is shorter or longer.
        """
        if len(hidden) != KEY_BYTES:
            raise SigningSeedLength(len(hidden))
        super().__init__(hidden)
        self._private = Ed25519PrivateKey.from_private_bytes(hidden)
        self.public = MemberKey(self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, entropy: Entropy) -> SigningKey:
        """Return a fresh key."""
        return cls(entropy.bytes(KEY_BYTES))

    def sign_frame(self, frame: bytes) -> SignatureBytes:
        """Return the bare RFC 8032 signature of bytes that already carry their own domain.

        For formats of other standards only, such as C2SP signed notes; everything of this
        project's own goes through ``sign``.
        """
        return SignatureBytes(self._private.sign(frame))


def check_member_key(encoding: bytes) -> MemberKey:
    """Return the public key that 32 bytes encode, once it is fit to bind its owner.

    Not checked: that anybody knows the private key (a registration is signed with it), and that
    the point has no small-order component (RFC 8032 keys have none; one that has harms only its
    owner, because every verifier here uses the same equation).

    Raises:
        MemberKeyLength: not 32 bytes.
        MemberKeyNotCanonical: y at or above 2**255 - 19, or a sign bit where x is zero.
        MemberKeySmallOrder: one of the eight points of small order.
        MemberKeyOffCurve: no x fits this y.
    """
    _usable(bytes(encoding))
    return MemberKey(bytes(encoding))


def signed_frame(context: SignatureContext, message: bytes) -> bytes:
    """Return the bytes that are really signed: label, context and message, each with its length."""
    purpose = context.value.encode("ascii")
    parts = [
        len(_FRAME_LABEL).to_bytes(2, "big"),
        _FRAME_LABEL,
        len(purpose).to_bytes(2, "big"),
        purpose,
        len(message).to_bytes(8, "big"),
        message,
    ]
    return b"".join(parts)


def sign(key: SigningKey, context: SignatureContext, message: bytes) -> SignatureBytes:
    """Sign ``message`` for one purpose; deterministic, as RFC 8032 §5.1.6 has it.

    The frame does not name the chain: a message that must not be replayed elsewhere names it.
    """
    return key.sign_frame(signed_frame(context, message))


def verify(
    public: MemberKey, context: SignatureContext, message: bytes, signature: SignatureBytes
) -> None:
    """Return only if ``signature`` is that of ``public`` over ``message`` for this purpose.

    Not checked: whose key it is, whether it is registered, and when the signature was made.

    Raises:
        MemberKeyLength, MemberKeyNotCanonical, MemberKeySmallOrder, MemberKeyOffCurve: as
            ``check_member_key``.
        SignatureLength: not 64 bytes.
        SignatureInvalid: another key, purpose or message, or a signature that was altered.
    """
    key = _usable(bytes(public))
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureLength(len(signature))
    if _trusted and (public, context, message, signature) in _trusted:
        return
    frame = signed_frame(context, message)
    if _QUICK_IS_STRICT and _quickly_accepted(bytes(public), frame, signature):
        return
    try:
        key.verify(signature, frame)
    except InvalidSignature as refused:
        raise SignatureInvalid(key=short(public), context=context) from refused


class SignedMessage(NamedTuple):
    """Everything that decides whether a signature fits."""

    public: MemberKey
    context: SignatureContext
    message: bytes
    signature: SignatureBytes

    @property
    def fits(self) -> bool:
        """Return whether the signature fits, by verifying it."""
        try:
            verify(self.public, self.context, self.message, self.signature)
        except LodelineError:
            return False
        return True


_trusted: dict[tuple[MemberKey, SignatureContext, bytes, SignatureBytes], None] = {}
"""Signatures that need not be verified again, with all that they depend on, the oldest first."""


def trust_as_verified(signed: Iterable[SignedMessage]) -> None:
    """Let `verify` accept signatures that another process of this program has verified.

    Whether a signature fits depends on its four parts alone, so it makes no difference when and in
    which process it is found out. Handing in anything that was not verified undoes all signatures
    of this process: the one caller is `lodeline.engine.ahead`. Beyond a bound the oldest are
    forgotten, and then verified again.
    """
    for item in signed:
        _trusted[item] = None
    while len(_trusted) > _SIGNATURES_REMEMBERED:
        del _trusted[next(iter(_trusted))]


@lru_cache(maxsize=_KEYS_REMEMBERED)
def _usable(encoding: bytes) -> Ed25519PublicKey:
    """Check a key once; a consortium's keys are few and are seen again with every entry."""
    if len(encoding) != KEY_BYTES:
        raise MemberKeyLength(len(encoding))
    number = int.from_bytes(encoding, "little")
    y, negative = number % _SIGN_BIT, number >= _SIGN_BIT
    if y >= _FIELD or (negative and y in {1, _FIELD - 1}):
        raise MemberKeyNotCanonical(encoding)
    if y in _SMALL_ORDER_Y:
        raise MemberKeySmallOrder(encoding)
    if not _on_curve(y):
        raise MemberKeyOffCurve(encoding)
    return Ed25519PublicKey.from_public_bytes(encoding)


def _on_curve(y: int) -> bool:
    """Whether x**2 = (y**2 - 1) / (d * y**2 + 1) has a root, by Euler's criterion."""
    above, below = (y * y - 1) % _FIELD, (_CURVE_D * y * y + 1) % _FIELD
    # A quotient is a square exactly when the product is; below is never zero (-1/d is no square).
    return pow(above * below, (_FIELD - 1) // 2, _FIELD) == 1


def _quickly_accepted(encoding: bytes, frame: bytes, signature: bytes) -> bool:
    """Whether the quick verifier accepts; its refusal says nothing, the exact one is asked then.

    Both check the same equation without cofactor, compare R as bytes and refuse S at or above the
    order; the quick one refuses an R of small order besides. So it accepts a part of what the exact
    one accepts, in half the time.
    """
    try:
        crypto_sign_open(signature + frame, encoding)
    except BadSignatureError:
        return False
    return True


_WITH_COFACTOR_ONLY: Final = (
    bytes.fromhex("7767a3242dc9b58bbc68488c1265cc6cc5f26c6f3c88a5d55e901b0734dca572"),
    bytes.fromhex(
        "8ea6b58beb2ecc0801fbd6c82c6dafee292cd29e8b6698bbb94c566b594d8ba9"
        "d78d2bc5c4fd87d5d9a4b46f666e1563b42a379a88b6f74e0e9380b0d3ebc006"
    ),
)
"""A key, and a signature over "lodeline" that fits only where the cofactor is multiplied in: its R
has a component of order 8."""

_QUICK_IS_STRICT: Final = not _quickly_accepted(
    _WITH_COFACTOR_ONLY[0], b"lodeline", _WITH_COFACTOR_ONLY[1]
)
"""Whether the quick verifier still verifies without cofactor; if not, it is never asked."""
