"""Cosignatures: what outside witnesses sign about a checkpoint, and how they are counted.

A witness is nobody's member. It remembers the last checkpoint of a log that it saw, and signs
another one only if that continues it. The format is cosignature/v1 of C2SP tlog-cosignature
(c2sp.org/tlog-cosignature), with Ed25519: a signature line of a note, whose key is of type 0x04 and
whose signature is

    time of signing, seconds since 1970-01-01T00:00:00Z (8 bytes, big-endian) | signature (64 bytes)

over two lines and the text of the checkpoint, without its signature lines:

    cosignature/v1
    time <the same time, decimal>
    <text of the checkpoint>

A cosignature says that this was the largest consistent tree of the log that the witness had seen at
that time. It says nothing of what the entries mean: whether they keep the rules is for members and
whoever replays the log. The message does not name the witness, so a key serves one witness only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from lodeline.crypto.signatures import check_member_key
from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.ids import SIGNATURE_BYTES, MemberKey
from lodeline.kernel.time import BlockTime, block_time
from lodeline.ledger.signednote import (
    KeyId,
    KeyName,
    Note,
    NoteError,
    NoteSignature,
    NoteSigner,
    VerifierKeysCollide,
    VerifierKeyTypeUnknown,
    check_key_name,
    check_note_text,
    note_key_id,
    note_key_line,
    read_note_key,
)

__all__ = [
    "COSIGNATURE_V1",
    "CosignatureInvalid",
    "CosignatureMalformed",
    "WitnessKey",
    "cosign",
    "cosignature_time",
    "cosigned_message",
    "parse_witness_key",
    "verified_witnesses",
]

COSIGNATURE_V1: Final = 0x04
"""The signature type of timestamped Ed25519 cosignatures."""
_HEADER: Final = "cosignature/v1"
_TIME_BYTES: Final = 8


class CosignatureMalformed(NoteError):
    """A line of a witness that holds no time and signature."""

    name: KeyName
    length: int

    code = "cosignature-malformed"
    en = "a cosignature has 72 bytes with a time in range, that of {name} has {length}"
    fr = "une cosignature a 72 octets et une heure valable, celle de {name} en a {length}"
    advice_en = "ask the witness for its cosignature again"
    advice_fr = "redemandez la cosignature au témoin"


class CosignatureInvalid(NoteError):
    """A cosignature of a known witness that does not fit the checkpoint."""

    name: KeyName
    key_id: KeyId

    code = "cosignature-invalid"
    en = "the cosignature of {name} (key {key_id}) does not fit the checkpoint"
    fr = "la cosignature de {name} (clé {key_id}) ne correspond pas au point de contrôle"
    advice_en = "do not rely on the checkpoint; ask the witness what it last saw"
    advice_fr = "ne vous fiez pas au point de contrôle ; demandez au témoin ce qu'il a vu"


class WitnessKey(Struct, frozen=True, forbid_unknown_fields=True):
    """The public key of a witness, and its name.

    Raises:
        KeyNameMalformed: the name cannot stand in a note.
        MemberKeyLength, MemberKeyNotCanonical, MemberKeySmallOrder, MemberKeyOffCurve: the key does
            not bind its owner (`lodeline.crypto.signatures`).
    """

    name: KeyName
    public: MemberKey

    def __post_init__(self) -> None:
        check_key_name(self.name)
        check_member_key(self.public)

    @property
    def key_id(self) -> KeyId:
        """The four bytes that stand before each of its cosignatures."""
        return note_key_id(self.name, COSIGNATURE_V1, self.public)

    def __str__(self) -> str:
        """Write the key as one line of text, which `parse_witness_key` reads."""
        return note_key_line(self.name, COSIGNATURE_V1, self.public)


def parse_witness_key(text: str) -> WitnessKey:
    """Read the key of a witness from its one line of text.

    Raises:
        VerifierKeyMalformed: not three parts, not hexadecimal, not canonical base64, wrong length.
        VerifierKeyTypeUnknown: a key for another kind of signature; a member's is of type 1.
        VerifierKeyIdDiffers: the id does not belong to name and key.
        KeyNameMalformed, MemberKeyNotCanonical, …: as `WitnessKey`.
    """
    read = read_note_key(text)
    if read.kind != COSIGNATURE_V1:
        raise VerifierKeyTypeUnknown(read.kind, COSIGNATURE_V1)
    key = WitnessKey(read.name, read.public)
    read.check_id(key.key_id)
    return key


def cosigned_message(text: str, time: BlockTime) -> bytes:
    """Return the bytes that a witness signs for the text of a checkpoint.

    Raises:
        NoteTextUnfinished, NoteControlCharacter, NoteNotUnicode: it is no text of a note.
        TimeOutOfRange: no such time.
    """
    check_note_text(text)
    return f"{_HEADER}\ntime {block_time(time)}\n{text}".encode()


def cosign(text: str, time: BlockTime, key: WitnessKey, sign: NoteSigner) -> NoteSignature:
    """Return a witness's cosignature of a checkpoint, verified before it is given away.

    Not checked: that the checkpoint continues the last one. Whoever calls this has checked that,
    and has written down durably what is signed now.

    Raises:
        NoteError, TimeOutOfRange: as `cosigned_message`.
        CosignatureInvalid: the signer does not hold the private half of the key.
    """
    signature = sign(cosigned_message(text, time))
    stamped = int(time).to_bytes(_TIME_BYTES, "big") + signature
    made = NoteSignature(key.name, key.key_id, stamped)
    _verify(text, key, made)
    return made


def cosignature_time(signature: NoteSignature) -> BlockTime:
    """Return when a cosignature says that it was made; nothing is verified.

    Raises:
        CosignatureMalformed: it has another length, or a time that no block can have.
    """
    body = signature.signature
    time = int.from_bytes(body[:_TIME_BYTES], "big")
    if len(body) != _TIME_BYTES + SIGNATURE_BYTES or time > MAX_TIME:
        raise CosignatureMalformed(signature.name, len(body))
    return block_time(time)


def verified_witnesses(note: Note, keys: Iterable[WitnessKey]) -> Mapping[WitnessKey, BlockTime]:
    """Return which of these witnesses cosigned a note, and when last; other lines are ignored.

    A witness that cosigned twice counts once, and each of its cosignatures must fit. Times are the
    witnesses' own; whether one is too old, or in the future, is the caller's business.

    Raises:
        VerifierKeysCollide: two of the keys share name and id.
        CosignatureMalformed, CosignatureInvalid: a line of one of the keys does not fit.
    """
    known: dict[tuple[KeyName, KeyId], WitnessKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise VerifierKeysCollide(key.name, key.key_id)
    found = dict[WitnessKey, BlockTime]()
    for signature in note.signatures:
        witness = known.get((signature.name, signature.key_id))
        if witness is not None:
            time = _verify(note.text, witness, signature)
            found[witness] = max(time, found.get(witness, time))
    return found


def _verify(text: str, key: WitnessKey, signature: NoteSignature) -> BlockTime:
    time = cosignature_time(signature)
    public = Ed25519PublicKey.from_public_bytes(key.public)
    try:
        public.verify(signature.signature[_TIME_BYTES:], cosigned_message(text, time))
    except InvalidSignature as failed:
        raise CosignatureInvalid(key.name, key.key_id) from failed
    return time
