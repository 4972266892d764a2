"""One-time owner keys: every lot has its own, and only its owner can tell whose it is.

| paper | here | what it is |
|---|---|---|
| ``B_k``, ``U`` | ``OWNER_BASE``, ``TAG_BASE`` | generators without a known relation |
| ``s``, ``S = s * B_k`` | ``SpendKey``, ``SpendPublic`` | the holder's spend key |
| ``(S, V)`` | ``Address`` | what a sender needs; ``V`` is the X25519 view key |
| ``d`` | offset | ``owner_seed(shared secret, index)`` reduced to a scalar |
| ``K = S + d * B_k`` | ``OneTimeKey`` | the public key of one lot |
| ``k = s + d`` | ``owner_secret`` | its private key |
| ``T = (1 / k) * U`` | ``Tag`` | published when the lot is spent |

The sender of an entry takes a fresh ephemeral key, derives ``K`` for each output and publishes
the scan key, the view tags and the ``K``. The recipient recognises his own with the view key and
``S`` alone; spending needs ``s`` as well. So an auditor who is given the view key finds and reads
every lot of a holder, and moves none. The construction is the stealth address of CryptoNote (van
Saberhagen, "CryptoNote v2.0", 2013, §4.3), the tag the pseudo-random function of Dodis and
Yampolskiy ("A verifiable random function with short proofs and keys", PKC 2005): the sender, who
knows ``d``, cannot foresee ``T`` nor recognise it.

**Restoration.** Nothing here has to be stored. From the keystore (view key and spend key) and the
ledger, a holder who has lost everything else finds each of his lots (scan key, index, view tag,
``K``), its private key ``k``, whether it is spent (``T`` in the spent set), and by opening the
sealed note its numbers and blinding factors. What does not come back is what was never on the
ledger: the documents of the vault.

Not guaranteed: that ``S`` and the view key of an address belong to one holder. Whoever publishes
an address answers for it. Arithmetic on scalars is not constant-time (see ``group``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NewType

import msgspec

from lodeline.crypto.entropy import Entropy, Secret
from lodeline.crypto.generators import OWNER_BASE, TAG_BASE
from lodeline.crypto.group import (
    IDENTITY,
    POINT_BYTES,
    Scalar,
    decode_point,
    decode_scalar,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar_from_wide,
)
from lodeline.crypto.sealing import (
    EphemeralKey,
    ExchangeKeyLength,
    ExchangeKeyNotCanonical,
    ExchangeKeySmallOrder,
    OutputIndex,
    ScanKey,
    ScanSecret,
    ViewPrivateKey,
    ViewPublicKey,
    ViewTag,
    check_view_key,
    owner_seed,
    scan_secret_for_owner,
    scan_secret_for_sender,
    view_tag,
)
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES, OneTimeKey, Tag

__all__ = [
    "Address",
    "EntryMarks",
    "OutputMark",
    "OwnedOutput",
    "OwnerSecretZero",
    "SpendKey",
    "SpendKeyZero",
    "SpendPublic",
    "check_address",
    "derive_for_recipient",
    "owner_secret",
    "recognise",
    "recognise_all",
    "tag",
]

SpendPublic = NewType("SpendPublic", bytes)
"""``S = s * B_k``, 48 bytes; the other half of an address."""

_UNUSABLE: Final = (ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder)


class SpendKeyZero(LodelineError):
    """A spend key of zero, which everybody knows."""

    code = "spend-key-zero"
    en = "the spend key is zero and protects nothing"
    fr = "la clé de dépense est nulle et ne protège rien"
    advice_en = "restore the keystore from its backup"
    advice_fr = "restaurez le trousseau depuis sa sauvegarde"


class OwnerSecretZero(LodelineError):
    """A one-time key whose private key is zero; it cannot be spent and has no tag."""

    code = "owner-secret-zero"
    en = "the private key of this lot would be zero, so it has no spending tag"
    fr = "la clé privée de ce lot serait nulle, il n'a donc pas d'étiquette de dépense"
    advice_en = "derive the lot's key again with a fresh ephemeral key"
    advice_fr = "dérivez à nouveau la clé du lot avec une clé éphémère neuve"


class SpendKey(Secret):
    """The scalar ``s`` with which a holder spends; 32 canonical bytes, never zero."""

    __slots__ = ("public", "value")

    def __init__(self, hidden: bytes) -> None:
        """Take the scalar's encoding.

        Raises:
            BadScalar: not the canonical encoding of a scalar.
            SpendKeyZero: the scalar is zero.
        """
        value = decode_scalar(hidden)
        if value.is_zero():
            raise SpendKeyZero
        super().__init__(hidden)
        self.value = value
        self.public = SpendPublic(encode_point(OWNER_BASE * value))

    @classmethod
    def generate(cls, entropy: Entropy) -> SpendKey:
        """Return a fresh key."""
        return cls(encode_scalar(random_scalar(entropy)))


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="address"):
    """What a sender needs to make a lot somebody else's; says nothing of any lot.

    Decoding checks lengths only: ``check_address`` does the rest.
    """

    spend: Annotated[SpendPublic, msgspec.Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]
    view: Annotated[ViewPublicKey, msgspec.Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]


@dataclass(frozen=True)
class OutputMark:
    """What one output shows to whoever scans."""

    index: OutputIndex
    view_tag: ViewTag
    owner: OneTimeKey


@dataclass(frozen=True)
class EntryMarks:
    """What one entry shows to whoever scans; ``context`` is the one its sender used."""

    scan_key: ScanKey
    context: bytes
    outputs: tuple[OutputMark, ...]


@dataclass(frozen=True, repr=False)
class OwnedOutput:
    """An output that belongs to the scanning holder, and the offset that its private key needs."""

    index: OutputIndex
    offset: Scalar

    def __repr__(self) -> str:
        # The offset links lots of one holder.
        return f"OwnedOutput(index={self.index}, offset=hidden)"


def check_address(address: Address) -> Address:
    """Return the address, once both keys are fit to receive.

    Raises:
        BadPoint: the spend key is no usable group element.
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: the view key.
    """
    decode_point(address.spend)
    check_view_key(address.view)
    return address


def derive_for_recipient(
    address: Address, ephemeral: EphemeralKey, index: OutputIndex, context: bytes
) -> tuple[OneTimeKey, ViewTag]:
    """Return the owner key and view tag of one output, as its sender makes them.

    One ephemeral key serves all outputs of one entry, whoever receives them, and no other entry.
    The sender learns neither the private key nor the tag of the output.

    Raises:
        BadPoint: the spend key is no usable group element.
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: the view key.
        OwnerSecretZero: the derived key is the identity; chance 2**-255.
    """
    secret = scan_secret_for_sender(ephemeral, address.view, context)
    return _owner_key(address.spend, _offset(secret, index)), view_tag(secret, index)


def recognise(
    view: ViewPrivateKey, spend: SpendPublic, scan_key: ScanKey, context: bytes, mark: OutputMark
) -> Scalar | None:
    """Return the offset ``d`` of an output that belongs to this holder, or None.

    None also for a scan key that no honest sender can have made: such an output is nobody's.

    Raises:
        BadPoint: the holder's own spend key is no usable group element.
    """
    owned = recognise_all(view, spend, EntryMarks(scan_key, context, (mark,)))
    return owned[0].offset if owned else None


def recognise_all(
    view: ViewPrivateKey, spend: SpendPublic, entry: EntryMarks
) -> tuple[OwnedOutput, ...]:
    """Return the outputs of an entry that belong to this holder, in their order.

    One key exchange for the entry and one short hash for each output; group operations only where
    the view tag fits. Needs no secret that could spend.

    Raises:
        BadPoint: the holder's own spend key is no usable group element.
    """
    try:
        secret = scan_secret_for_owner(view, entry.scan_key, entry.context)
    except _UNUSABLE:
        return ()
    return tuple(_owned(secret, spend, entry.outputs))


def owner_secret(spend: SpendKey, offset: Scalar) -> Scalar:
    """Return ``k = s + d``, the private key of one lot.

    Not checked: that ``k * B_k`` is the lot's key; ``recognise`` gives the offset only when it is.

    Raises:
        OwnerSecretZero: the sum is zero.
    """
    secret = spend.value + offset
    if secret.is_zero():
        raise OwnerSecretZero
    return secret


def tag(secret: Scalar) -> Tag:
    """Return ``T = (1 / k) * U``, by which the spent set knows the lot.

    Raises:
        OwnerSecretZero: zero has no inverse.
    """
    if secret.is_zero():
        raise OwnerSecretZero
    return Tag(encode_point(TAG_BASE * secret.inverse()))


def _owned(
    secret: ScanSecret, spend: SpendPublic, outputs: Sequence[OutputMark]
) -> list[OwnedOutput]:
    found = []
    for mark in outputs:
        if view_tag(secret, mark.index) != mark.view_tag:
            continue
        offset = _offset(secret, mark.index)
        if _owner_key(spend, offset) == mark.owner:
            found.append(OwnedOutput(mark.index, offset))
    return found


def _offset(secret: ScanSecret, index: OutputIndex) -> Scalar:
    return scalar_from_wide(owner_seed(secret, index))


def _owner_key(spend: SpendPublic, offset: Scalar) -> OneTimeKey:
    point = decode_point(spend) + OWNER_BASE * offset
    if point == IDENTITY:
        raise OwnerSecretZero
    return OneTimeKey(encode_point(point))
