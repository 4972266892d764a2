"""Sealed notes, and the shared secret by which a recipient finds them.

Both use the recipient's one X25519 view key (RFC 7748).

**Sealing** is HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
ChaCha20-Poly1305. The associated data goes, hashed, into ``info``, which the key schedule binds
into the key (RFC 9180 §5.1): a note moved to another entry or output does not open there. Notes
are padded to whole multiples of ``NOTE_BLOCK_BYTES``, so that the size of a number does not show.

**Scanning** works on one ephemeral X25519 key for an entry, the *scan key* that the entry
publishes. Its Diffie–Hellman secret with the view key, bound to the scan key, the view key and a
context, gives for each output two independent values: a view tag of two bytes, which tells the
recipient of all but one in 65,536 foreign outputs that they are foreign, and a seed for the
one-time owner key (view tags are Monero's idea; the derivation itself is HKDF, RFC 5869).

The two uses cannot be played against each other, because the same Diffie–Hellman value passes
through HKDF under different labels in each: HPKE's own begin with "HPKE-v1".

Base mode does not say who sealed a note. Whoever wants to know looks at who signed the entry.
"""

from __future__ import annotations

import hashlib
from typing import Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from lodeline.crypto.entropy import Entropy, Secret
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES

__all__ = [
    "MAX_NOTE_BYTES",
    "NOTE_BLOCK_BYTES",
    "OWNER_SEED_BYTES",
    "SEALED_OVERHEAD_BYTES",
    "VIEW_TAG_BYTES",
    "EphemeralKey",
    "ExchangeKeyLength",
    "ExchangeKeyNotCanonical",
    "ExchangeKeySmallOrder",
    "NoteNotOpened",
    "NotePaddingBroken",
    "NoteTooLong",
    "OutputIndex",
    "ScanKey",
    "ScanSecret",
    "SealedNote",
    "SealedNoteLength",
    "ViewPrivateKey",
    "ViewPublicKey",
    "ViewTag",
    "check_scan_key",
    "check_sealed_length",
    "check_view_key",
    "open_sealed",
    "owner_seed",
    "scan_secret_for_owner",
    "scan_secret_for_sender",
    "seal",
    "view_tag",
]

ViewPublicKey = NewType("ViewPublicKey", bytes)
"""The X25519 key to which notes are sealed, 32 bytes; half of an address."""
ScanKey = NewType("ScanKey", bytes)
"""The ephemeral X25519 public key of one entry, 32 bytes."""
ViewTag = NewType("ViewTag", bytes)
"""Two bytes by which a recipient passes over outputs that are not his."""
SealedNote = NewType("SealedNote", bytes)
"""Encapsulated key (32 bytes), ciphertext, authentication tag (16 bytes)."""
OutputIndex = NewType("OutputIndex", int)
"""Place of an output in its entry, from 0."""

NOTE_BLOCK_BYTES: Final = 256
"""Padded notes are a whole number of these."""
MAX_NOTE_BYTES: Final = 64 * NOTE_BLOCK_BYTES - 4
"""Longest note before padding."""
VIEW_TAG_BYTES: Final = 2
OWNER_SEED_BYTES: Final = 64
"""Enough to be reduced to a scalar without a bias that matters."""
SEALED_OVERHEAD_BYTES: Final = 32 + 16
"""What sealing adds to the padded note."""

_LENGTH_BYTES: Final = 4
_SEALED_MOST: Final = MAX_NOTE_BYTES + _LENGTH_BYTES + SEALED_OVERHEAD_BYTES
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_NOTE_LABEL: Final = b"lodeline/v1/note"
_SCAN_LABEL: Final = b"lodeline/v1/scan"
_TAG_LABEL: Final = b"lodeline/v1/scan/view-tag"
_SEED_LABEL: Final = b"lodeline/v1/scan/owner-seed"
_FIELD: Final = 2**255 - 19
# Any private key tells a small-order public key: RFC 7748 clamping makes it a multiple of eight.
_PROBE: Final = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"small-order probe").digest())


class ExchangeKeyLength(LodelineError):
    """A view key or scan key that is not 32 bytes long."""

    length: int

    code = "exchange-key-length"
    en = "a view key or scan key has 32 bytes, not {length}"
    fr = "une clé de vue ou de balayage a 32 octets, et non {length}"
    advice_en = "copy the key again from its owner's address"
    advice_fr = "recopiez la clé depuis l'adresse de son propriétaire"


class ExchangeKeyNotCanonical(LodelineError):
    """An X25519 public key with a second encoding: at or above 2**255 - 19, or with its top bit."""

    encoding: bytes

    code = "exchange-key-not-canonical"
    en = "the view or scan key {encoding} is not in its canonical encoding"
    fr = "la clé de vue ou de balayage {encoding} n'est pas dans son encodage canonique"
    advice_en = "refuse it; no honest program writes such a key"
    advice_fr = "refusez-la ; aucun programme honnête n'écrit une telle clé"


class ExchangeKeySmallOrder(LodelineError):
    """An X25519 public key whose shared secret everybody knows (RFC 7748 §6.1)."""

    encoding: bytes

    code = "exchange-key-small-order"
    en = "the view or scan key {encoding} has small order: what it protects, everybody can read"
    fr = "la clé de vue ou de balayage {encoding} est d'ordre petit : elle ne protège rien"
    advice_en = "refuse it; no honest program makes such a key"
    advice_fr = "refusez-la ; aucun programme honnête ne produit une telle clé"


class NoteTooLong(LodelineError):
    """A note that would not fit into the largest sealed note."""

    length: int
    most: int

    code = "note-too-long"
    en = "the note has {length} bytes, at most {most} can be sealed"
    fr = "la note a {length} octets, {most} au plus peuvent être scellés"
    advice_en = "keep documents in the vault and refer to them by their hash"
    advice_fr = "gardez les documents au coffre et citez leur empreinte"


class SealedNoteLength(LodelineError):
    """A sealed note whose length no sealing gives."""

    length: int
    overhead: int
    block: int
    most: int

    code = "sealed-note-length"
    en = "a sealed note has {overhead} bytes and blocks of {block}, up to {most}; not {length}"
    fr = "une note scellée : {overhead} octets, des blocs de {block}, {most} au plus ; non {length}"
    advice_en = "ask the sender for the entry again; it was cut or damaged"
    advice_fr = "redemandez l'écriture à l'expéditeur ; elle est tronquée ou abîmée"


class NoteNotOpened(LodelineError):
    """A note that does not open: for another key, for another place, or altered.

    One class for the three, because authenticated encryption cannot tell them apart, and because
    an answer that could would help an attacker.
    """

    recipient: ViewPublicKey
    length: int

    code = "note-not-opened"
    en = "the sealed note ({length} bytes) does not open with view key {recipient}"
    fr = "la note scellée ({length} octets) ne s'ouvre pas avec la clé de vue {recipient}"
    advice_en = (
        "it is somebody else's, of another entry, or altered; if it was promised, dispute it"
    )
    advice_fr = "elle est à autrui, d'une autre écriture ou altérée ; si elle était due, contestez"


class NotePaddingBroken(LodelineError):
    """A note that opened, and whose padding is not what sealing writes."""

    length: int

    code = "note-padding-broken"
    en = "the note of {length} bytes opened, but its sender did not pad it as agreed"
    fr = "la note de {length} octets s'est ouverte, mais son expéditeur l'a mal complétée"
    advice_en = "ask the sender to seal the note again with an unaltered program"
    advice_fr = "demandez à l'expéditeur de sceller à nouveau avec un programme intact"


class _ExchangeKey(Secret):
    """An X25519 private key."""

    __slots__ = ("_private", "_public")

    def __init__(self, hidden: bytes) -> None:
        """Take 32 bytes; RFC 7748 clamps them when they are used.

        Raises:
            ExchangeKeyLength: shorter or longer.
        """
        if len(hidden) != KEY_BYTES:
            raise ExchangeKeyLength(len(hidden))
        super().__init__(hidden)
        self._private = X25519PrivateKey.from_private_bytes(hidden)
        self._public = self._private.public_key().public_bytes_raw()

    def shared(self, other: bytes) -> bytes:
        """Return the 32-byte Diffie–Hellman value with a public key.

        Raises:
            ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: as
                ``check_view_key``.
        """
        return _exchange(self._private, other)


class ViewPrivateKey(_ExchangeKey):
    """The key that finds and opens a holder's notes. It spends nothing."""

    __slots__ = ()

    @classmethod
    def generate(cls, entropy: Entropy) -> ViewPrivateKey:
        """Return a fresh key."""
        return cls(entropy.bytes(KEY_BYTES))

    @property
    def public(self) -> ViewPublicKey:
        """The half that senders need."""
        return ViewPublicKey(self._public)

    def open_with(self, suite: Suite, sealed: bytes, info: bytes) -> bytes:
        """Return what HPKE opens; ``open_sealed`` is the way in for callers."""
        return suite.decrypt(sealed, self._private, info=info)


class EphemeralKey(_ExchangeKey):
    """A sender's key for one entry, thrown away once the entry's outputs are derived.

    Used for a second entry it would give the same recipient the same one-time key, which the
    ledger refuses, and would show that both entries have one sender.
    """

    __slots__ = ()

    @classmethod
    def generate(cls, entropy: Entropy) -> EphemeralKey:
        """Return a fresh key."""
        return cls(entropy.bytes(KEY_BYTES))

    @property
    def scan_key(self) -> ScanKey:
        """The half that the entry publishes."""
        return ScanKey(self._public)


class ScanSecret(Secret):
    """What sender and recipient of an entry share, 32 bytes; differs with every context."""

    __slots__ = ()


def check_view_key(encoding: bytes) -> ViewPublicKey:
    """Return a view key that is fit to have notes sealed to it.

    Not checked: that anybody knows the private key.

    Raises:
        ExchangeKeyLength: not 32 bytes.
        ExchangeKeyNotCanonical: at or above 2**255 - 19.
        ExchangeKeySmallOrder: the shared secret would be zero.
    """
    _exchange(_PROBE, encoding)
    return ViewPublicKey(bytes(encoding))


def check_scan_key(encoding: bytes) -> ScanKey:
    """Return a scan key that an honest sender can have made.

    Raises:
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: as ``check_view_key``.
    """
    _exchange(_PROBE, encoding)
    return ScanKey(bytes(encoding))


def check_sealed_length(sealed: bytes) -> SealedNote:
    """Return a sealed note whose length is possible; all that the ledger can know of it.

    Raises:
        SealedNoteLength: no whole number of blocks, none at all, or too many.
    """
    padded = len(sealed) - SEALED_OVERHEAD_BYTES
    if padded < NOTE_BLOCK_BYTES or padded % NOTE_BLOCK_BYTES or len(sealed) > _SEALED_MOST:
        raise SealedNoteLength(len(sealed), SEALED_OVERHEAD_BYTES, NOTE_BLOCK_BYTES, _SEALED_MOST)
    return SealedNote(bytes(sealed))


def seal(recipient: ViewPublicKey, plaintext: bytes, associated: bytes) -> SealedNote:
    """Seal a note of at most ``MAX_NOTE_BYTES`` to one recipient.

    ``associated`` is not sent: it is what the note belongs to, and opening needs the same bytes.
    HPKE draws its own ephemeral key from the operating system, so two seals of one note differ.

    Raises:
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: as ``check_view_key``.
        NoteTooLong: the note is longer.
    """
    public = X25519PublicKey.from_public_bytes(check_view_key(recipient))
    return SealedNote(_SUITE.encrypt(_pad(plaintext), public, info=_note_info(associated)))


def open_sealed(view: ViewPrivateKey, sealed: SealedNote, associated: bytes) -> bytes:
    """Return the note, once it is certain that it was sealed for this key and this place.

    Not checked: who sealed it, and whether its numbers match the commitments of the lot.

    Raises:
        SealedNoteLength: no sealing gives this length.
        NoteNotOpened: another key, other associated data, or altered bytes.
        NotePaddingBroken: the sender padded it otherwise.
    """
    check_sealed_length(sealed)
    try:
        padded = view.open_with(_SUITE, sealed, _note_info(associated))
    except InvalidTag as refused:
        raise NoteNotOpened(view.public, len(sealed)) from refused
    return _unpad(padded)


def scan_secret_for_sender(
    ephemeral: EphemeralKey, recipient: ViewPublicKey, context: bytes
) -> ScanSecret:
    """Return the secret that the sender of an entry shares with one recipient.

    ``context`` is public and the same for both, for example chain and suite.

    Raises:
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: as ``check_view_key``.
    """
    shared = ephemeral.shared(recipient)
    return _scan_secret(shared, ephemeral.scan_key, recipient, context)


def scan_secret_for_owner(view: ViewPrivateKey, scan_key: ScanKey, context: bytes) -> ScanSecret:
    """Return the same secret from the recipient's side; one exchange for a whole entry.

    Raises:
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: as ``check_view_key``;
            a ledger that checks scan keys admits no such entry.
    """
    return _scan_secret(view.shared(scan_key), scan_key, view.public, context)


def view_tag(secret: ScanSecret, index: OutputIndex) -> ViewTag:
    """Return the tag of one output; a foreign output has the same with chance 2**-16."""
    return ViewTag(_expand(secret, _TAG_LABEL, index, VIEW_TAG_BYTES))


def owner_seed(secret: ScanSecret, index: OutputIndex) -> bytes:
    """Return the 64 secret bytes from which the one-time owner key of one output is derived."""
    return _expand(secret, _SEED_LABEL, index, OWNER_SEED_BYTES)


def _exchange(private: X25519PrivateKey, encoding: bytes) -> bytes:
    if len(encoding) != KEY_BYTES:
        raise ExchangeKeyLength(len(encoding))
    if int.from_bytes(encoding, "little") >= _FIELD:
        raise ExchangeKeyNotCanonical(bytes(encoding))
    public = X25519PublicKey.from_public_bytes(bytes(encoding))
    try:
        return private.exchange(public)
    except ValueError as refused:  # the library's answer to an all-zero secret, RFC 7748 §6.1
        raise ExchangeKeySmallOrder(bytes(encoding)) from refused


def _framed(*items: bytes) -> bytes:
    return b"".join(len(item).to_bytes(8, "big") + item for item in items)


def _note_info(associated: bytes) -> bytes:
    return _framed(_NOTE_LABEL, hashlib.sha256(associated).digest())


def _pad(plaintext: bytes) -> bytes:
    if len(plaintext) > MAX_NOTE_BYTES:
        raise NoteTooLong(len(plaintext), MAX_NOTE_BYTES)
    counted = len(plaintext).to_bytes(_LENGTH_BYTES, "big") + plaintext
    return counted + bytes(-len(counted) % NOTE_BLOCK_BYTES)


def _unpad(padded: bytes) -> bytes:
    end = _LENGTH_BYTES + int.from_bytes(padded[:_LENGTH_BYTES], "big")
    plaintext = padded[_LENGTH_BYTES:end]
    # Padding again decides: one note has one padded form, so nothing can hide behind it.
    if end > len(padded) or _pad(plaintext) != padded:
        raise NotePaddingBroken(len(padded))
    return plaintext


def _scan_secret(
    shared: bytes, scan_key: ScanKey, recipient: ViewPublicKey, context: bytes
) -> ScanSecret:
    info = _framed(_SCAN_LABEL, scan_key, recipient, context)
    return ScanSecret(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(shared))


def _expand(secret: ScanSecret, label: bytes, index: OutputIndex, length: int) -> bytes:
    info = _framed(label, index.to_bytes(4, "big"))
    return HKDFExpand(SHA256(), length, info).derive(secret.reveal())
