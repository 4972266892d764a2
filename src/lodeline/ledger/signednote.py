"""Signed notes: a text, a blank line, and a line for each Ed25519 signature over the text.

The format is C2SP signed-note v1.0.0 (c2sp.org/signed-note), so that witnesses and monitors with
their own tools can read what this log signs:

    <text, ending in a newline>
    <blank line>
    — <key name> <base64 of key id (4 bytes) and signature>

Verifier keys are written `name+key id in hex+base64 of 0x01 and public key`, as that format's
tools do. Of the signature types only 0x01, Ed25519 over the text as it stands, is verified here;
`lodeline.ledger.cosignature` verifies 0x04. Lines of any other key are ignored, as the format
demands.

A text means nothing before a key that the reader trusts has been found to sign it. Which keys those
are, and how many of them it takes, is the caller's business (`lodeline.ledger.checkpoint`).
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NewType, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from lodeline.crypto.signatures import check_member_key
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import KEY_BYTES, SIGNATURE_BYTES, MemberKey, SignatureBytes

KeyName = NewType("KeyName", str)
"""Name of a note key: not empty, no white space, no plus sign; by custom a URL without scheme."""
KeyId = NewType("KeyId", bytes)
"""Four bytes that, with the name, say which key signed. Not a secure hash of the key."""

NoteSigner: TypeAlias = Callable[[bytes], SignatureBytes]
"""Signs the bytes of a text as they stand (RFC 8032); `SigningKey.sign_frame` is one."""

MAX_NOTE_BYTES = 2**17
"""Longest note that is read: room for 16 post-quantum signatures of other parties."""
MAX_NOTE_SIGNATURES = 100
"""Most signature lines that are read; the format asks for at least 16."""
KEY_ID_BYTES = 4
ED25519 = 0x01
"""The signature type of RFC 8032 signatures over the text itself."""

_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAMES = re.compile(r"[+\s\x00-\x1f\ud800-\udfff]")
_SHOWN = 80
"""Characters of a refused line that an error keeps."""


class NoteError(LodelineError):
    """A signed note, a line of it or a key for it cannot be accepted."""


class NoteTooLong(NoteError):
    """More bytes than any checkpoint needs; nothing of it was read."""

    size: int
    limit: int

    code = "checkpoint-note-too-long"
    en = "the note has {size} bytes, at most {limit} are read"
    fr = "la note fait {size} octets, on en lit au plus {limit}"
    advice_en = "make sure that this is a checkpoint, and fetch it again"
    advice_fr = "vérifiez que c'est un point de contrôle, et récupérez-le à nouveau"


class NoteNotUnicode(NoteError):
    """The bytes are not UTF-8, or the text cannot be written as UTF-8."""

    position: int

    code = "note-not-unicode"
    en = "the note is not UTF-8 at position {position}"
    fr = "la note n'est pas en UTF-8 à la position {position}"
    advice_en = "transfer it as it is, without converting its characters"
    advice_fr = "transmettez-la telle quelle, sans convertir ses caractères"


class NoteControlCharacter(NoteError):
    """A control character other than the newline."""

    position: int
    character: int

    code = "note-control-character"
    en = "the note has the control character {character} at position {position}"
    fr = "la note contient le caractère de contrôle {character} à la position {position}"
    advice_en = "transfer it as it is; editors and mail programs change line ends"
    advice_fr = "transmettez-la telle quelle ; éditeurs et courriels changent les fins de ligne"


class NoteTextUnfinished(NoteError):
    """The text is empty or does not end in a newline."""

    length: int

    code = "note-text-unfinished"
    en = "the text of the note ({length} characters) does not end in a newline"
    fr = "le texte de la note ({length} caractères) ne finit pas par un saut de ligne"
    advice_en = "end the text with a newline before signing it"
    advice_fr = "terminez le texte par un saut de ligne avant de le signer"


class NoteUnsigned(NoteError):
    """There is no blank line with a signature line after it."""

    code = "note-unsigned"
    en = "the note has no signatures after a blank line"
    fr = "la note n'a pas de signatures après une ligne vide"
    advice_en = "fetch the whole note, signatures included"
    advice_fr = "récupérez la note entière, signatures comprises"


class TooManyNoteSignatures(NoteError):
    """More signature lines than are read."""

    count: int
    limit: int

    code = "too-many-note-signatures"
    en = "the note has {count} signature lines, at most {limit} are read"
    fr = "la note a {count} lignes de signature, on en lit au plus {limit}"
    advice_en = "leave out the signatures of witnesses that the reader does not know"
    advice_fr = "retirez les signatures de témoins que le lecteur ne connaît pas"


class NoteSignatureMalformed(NoteError):
    """A signature line is not dash, name and base64 in their one canonical writing."""

    line: str

    code = "note-signature-malformed"
    en = "a signature line is malformed: {line!r}"
    fr = "une ligne de signature est mal formée : {line!r}"
    advice_en = "transfer the note as it is, without changing a character"
    advice_fr = "transmettez la note telle quelle, sans changer un caractère"


class NoteSignatureInvalid(NoteError):
    """A signature of a known key does not fit the text."""

    name: KeyName
    key_id: KeyId

    code = "note-signature-invalid"
    en = "the signature of {name} (key {key_id}) does not fit the text"
    fr = "la signature de {name} (clé {key_id}) ne correspond pas au texte"
    advice_en = "do not rely on the note; ask for it from another member and compare"
    advice_fr = "ne vous fiez pas à la note ; demandez-la à un autre membre et comparez"


class KeyNameMalformed(NoteError):
    """A key name is empty or holds what a signature line cannot; shown here in ASCII."""

    name: str

    code = "note-key-name-malformed"
    en = "'{name}' is no name for a note key"
    fr = "« {name} » n'est pas un nom de clé de note"
    advice_en = "use something like ledger.example/member, without spaces or plus signs"
    advice_fr = "prenez par exemple ledger.example/membre, sans espaces ni signes plus"


class VerifierKeyMalformed(NoteError):
    """A text is not a verifier key."""

    text: str

    code = "verifier-key-malformed"
    en = "{text!r} is no verifier key of the form name+id+key"
    fr = "{text!r} n'est pas une clé de vérification de la forme nom+id+clé"
    advice_en = "copy the whole key, in one line, from where its owner published it"
    advice_fr = "copiez la clé entière, sur une ligne, là où son titulaire l'a publiée"


class VerifierKeyTypeUnknown(NoteError):
    """A verifier key is for another kind of signature."""

    type_byte: int
    expected: int

    code = "verifier-key-type-unknown"
    en = "the verifier key is of type {type_byte}, only type {expected} (Ed25519) is read"
    fr = "la clé de vérification est de type {type_byte}, seul le type {expected} (Ed25519) est lu"
    advice_en = "ask its owner for the Ed25519 key"
    advice_fr = "demandez à son titulaire la clé Ed25519"


class VerifierKeyIdDiffers(NoteError):
    """The key id written in a verifier key is not that of its name and key."""

    written: KeyId
    computed: KeyId

    code = "verifier-key-id-differs"
    en = "the verifier key says id {written}, its name and key give {computed}"
    fr = "la clé de vérification dit id {written}, son nom et sa clé donnent {computed}"
    advice_en = "a character is wrong: copy the key again from where its owner published it"
    advice_fr = "un caractère est faux : recopiez la clé là où son titulaire l'a publiée"


class VerifierKeysCollide(NoteError):
    """Two different keys share name and id, so a signature line could mean either."""

    name: KeyName
    key_id: KeyId

    code = "verifier-keys-collide"
    en = "two keys are both called {name} with id {key_id}"
    fr = "deux clés s'appellent toutes deux {name} avec l'id {key_id}"
    advice_en = "give one of them another name"
    advice_fr = "donnez un autre nom à l'une d'elles"


class VerifierKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A public key that signs notes, and its name.

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
        """The four bytes that stand before each of its signatures."""
        return note_key_id(self.name, ED25519, self.public)

    def __str__(self) -> str:
        """Write the key as one line of text, which `parse_verifier_key` reads."""
        return note_key_line(self.name, ED25519, self.public)


class NoteSignature(Struct, frozen=True, forbid_unknown_fields=True):
    """One signature line: made by whatever key this name and id stand for, not yet verified.

    Raises:
        KeyNameMalformed: the name cannot stand in a line.
        NoteSignatureMalformed: the id is not 4 bytes, or there is no signature.
    """

    name: KeyName
    key_id: KeyId
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise NoteSignatureMalformed(self.line()[:_SHOWN])

    def line(self) -> str:
        """Return the line with its newline."""
        return f"{_DASH}{self.name} {write_base64(self.key_id + self.signature)}\n"


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """A text with its signature lines; nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the bytes of the note; `parse_note` gives the same note back.

        Raises:
            NoteError: what `parse_note` would refuse.
        """
        check_note_text(self.text)
        lines = "".join(signature.line() for signature in self.signatures)
        encoded = f"{self.text}\n{lines}".encode()
        parse_note(encoded)
        return encoded


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key from its one line of text.

    Raises:
        VerifierKeyMalformed: not three parts, not hexadecimal, not canonical base64, wrong length.
        VerifierKeyTypeUnknown: a key for another kind of signature.
        VerifierKeyIdDiffers: the id does not belong to name and key.
        KeyNameMalformed, MemberKeyNotCanonical, …: as `VerifierKey`.
    """
    read = read_note_key(text)
    if read.kind != ED25519:
        raise VerifierKeyTypeUnknown(read.kind, ED25519)
    key = VerifierKey(read.name, read.public)
    read.check_id(key.key_id)
    return key


def note_key_id(name: KeyName, kind: int, public: MemberKey) -> KeyId:
    """Return the id of a key of some signature type (signed-note, "Signatures")."""
    return KeyId(sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_BYTES])


def note_key_line(name: KeyName, kind: int, public: MemberKey) -> str:
    """Return the one line of text of a key of some signature type."""
    key_id = note_key_id(name, kind, public)
    return f"{name}+{key_id.hex()}+{write_base64(bytes([kind]) + public)}"


class WrittenKey(Struct, frozen=True):
    """A key as its line of text has it; neither its type nor its id has been looked at."""

    text: str
    name: KeyName
    written: str
    """The key id in hexadecimal, as it was written."""
    kind: int
    public: MemberKey

    def check_id(self, computed: KeyId) -> None:
        """Refuse unless the id is the one that name, type and key give.

        Raises:
            VerifierKeyMalformed: it is no id.
            VerifierKeyIdDiffers: it is another one.
        """
        if self.written != computed.hex():
            raise _wrong_id(self.text, self.written, computed)


def read_note_key(text: str) -> WrittenKey:
    """Read the line of text of a key of any signature type with 32 bytes of public key.

    Raises:
        VerifierKeyMalformed: not three parts, not canonical base64, or a key of type 1 with another
            length.
        VerifierKeyTypeUnknown: a key of another length, for another kind of signature.
    """
    # The base64 may hold plus signs of its own, name and id cannot.
    name, _, rest = text.partition("+")
    written, _, encoded = rest.partition("+")
    body = read_base64(encoded)
    if body is None or not body:
        raise VerifierKeyMalformed(text[:_SHOWN])
    if len(body) != 1 + KEY_BYTES:
        if body[0] != ED25519:
            raise VerifierKeyTypeUnknown(body[0], ED25519)
        raise VerifierKeyMalformed(text[:_SHOWN])
    return WrittenKey(text[:_SHOWN], KeyName(name), written, body[0], MemberKey(body[1:]))


def parse_note(data: bytes) -> Note:
    """Read a note from its bytes, without verifying a signature.

    Raises:
        NoteTooLong, NoteNotUnicode, NoteControlCharacter: no note can hold such bytes.
        NoteUnsigned, NoteTextUnfinished: a part is missing.
        TooManyNoteSignatures, NoteSignatureMalformed: the signature lines are not in order.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteTooLong(len(data), MAX_NOTE_BYTES)
    try:
        whole = data.decode()
    except UnicodeDecodeError as failed:
        raise NoteNotUnicode(failed.start) from failed
    _check_characters(whole)
    blank = whole.rfind("\n\n")
    lines = whole[blank + 2 :].split("\n")
    if blank < 0 or len(lines) < 2:
        raise NoteUnsigned
    if len(lines) - 1 > MAX_NOTE_SIGNATURES:
        raise TooManyNoteSignatures(len(lines) - 1, MAX_NOTE_SIGNATURES)
    if lines.pop():
        raise NoteSignatureMalformed(whole.rpartition("\n")[2][:_SHOWN])
    text = whole[: blank + 1]
    check_note_text(text)
    return Note(text, tuple(_signature(line) for line in lines))


def sign_note(text: str, key: VerifierKey, sign: NoteSigner) -> NoteSignature:
    """Return the signature line of a key over a text, verified before it is given away.

    Raises:
        NoteNotUnicode, NoteControlCharacter, NoteTextUnfinished: the text cannot be in a note.
        NoteSignatureInvalid: the signer does not hold the private half of the key.
    """
    check_note_text(text)
    encoded = text.encode()
    made = NoteSignature(key.name, key.key_id, sign(encoded))
    _verify(encoded, key, made)
    return made


def verified_signers(note: Note, keys: Iterable[VerifierKey]) -> frozenset[VerifierKey]:
    """Return which of these keys signed a note; lines of other keys are ignored.

    A key that signed twice counts once, and each of its signatures must fit.

    Raises:
        VerifierKeysCollide: two of the keys share name and id.
        NoteSignatureInvalid: a line that names one of the keys does not fit the text.
    """
    known: dict[tuple[KeyName, KeyId], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise VerifierKeysCollide(key.name, key.key_id)
    text, signers = note.text.encode(), set[VerifierKey]()
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is not None:
            _verify(text, signer, signature)
            signers.add(signer)
    return frozenset(signers)


def check_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a signature line.

    Raises:
        KeyNameMalformed: empty, or with a plus sign, white space, a control character or a lone
            surrogate.
    """
    if not name or _NOT_IN_NAMES.search(name):
        raise KeyNameMalformed(ascii(name)[1:-1][:_SHOWN])


def check_note_text(text: str) -> None:
    """Refuse a text that cannot be signed as a note.

    Raises:
        NoteNotUnicode: it has lone surrogates.
        NoteControlCharacter: it has control characters other than newlines.
        NoteTextUnfinished: it is empty or does not end in a newline.
    """
    _check_characters(text)
    if not text.endswith("\n"):
        raise NoteTextUnfinished(len(text))
    try:
        text.encode()
    except UnicodeEncodeError as failed:
        raise NoteNotUnicode(failed.start) from failed


def _verify(text: bytes, key: VerifierKey, signature: NoteSignature) -> None:
    invalid = NoteSignatureInvalid(key.name, key.key_id)
    if len(signature.signature) != SIGNATURE_BYTES:
        raise invalid
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature.signature, text)
    except InvalidSignature as failed:
        raise invalid from failed


def _signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    body = read_base64(encoded)
    if not line.startswith(_DASH) or body is None:
        raise NoteSignatureMalformed(line[:_SHOWN])
    return NoteSignature(KeyName(name), KeyId(body[:KEY_ID_BYTES]), body[KEY_ID_BYTES:])


def _wrong_id(text: str, written: str, computed: KeyId) -> NoteError:
    """Say whether the id is another one or none at all: upper case and signs are not accepted."""
    if len(written) != 2 * KEY_ID_BYTES or set(written) - set("0123456789abcdef"):
        return VerifierKeyMalformed(text)
    return VerifierKeyIdDiffers(KeyId(bytes.fromhex(written)), computed)


def _check_characters(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise NoteControlCharacter(found.start(), ord(found.group()))


def write_base64(data: bytes) -> str:
    """Return the base64 of some bytes (RFC 4648 §4), padded, in one line."""
    return b64encode(data).decode("ascii")


def read_base64(text: str) -> bytes | None:
    """Return the bytes that `write_base64` writes as this text, or None if it never writes it."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return data if write_base64(data) == text else None
