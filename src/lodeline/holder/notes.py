"""The sealed note of an output: what its owner must know to use it (protocol.md §3).

A note holds the opening, the names behind the numbers of site and product, and, for the owner's
eyes, hashes of private documents and a short memo. It is sealed to the recipient; header, inputs,
index and the lot itself are associated data, so a note cannot be moved to another output. Whoever
cannot open his note, or finds numbers in it that do not open the commitments, has a dispute with
the sender and the lot is of no use to him.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import decode_scalar, encode_point, scalar
from lodeline.crypto.sealing import SealedNote, ViewPrivateKey, ViewPublicKey, open_sealed, seal
from lodeline.custody.lots import LotOpening, LotPublic, Slot, SlotKind, slots
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ChainId,
    Commitment,
    Hash32W,
    LotId,
    LotIdW,
    NoteHash,
    SiteId,
    SiteIdW,
    TransformId,
)
from lodeline.proofs.view import product_number, site_number

__all__ = [
    "NamesDoNotMatch",
    "Note",
    "NoteDoesNotMatch",
    "NoteScope",
    "check_names",
    "check_opening",
    "note_hash",
    "open_note",
    "scan_context",
    "seal_note",
]

MAX_REFERENCES = 64
_REVERSAL = b"lodeline/v1/reversal\0"
_REGRANT = b"lodeline/v1/regrant\0"


class NoteDoesNotMatch(LodelineError):
    """A note whose numbers do not open the lot's commitments."""

    form: str
    slot: str

    code = "note-does-not-match"
    en = "The note sent with this lot of {form} does not open its commitment to {slot}"
    fr = "La note jointe à ce lot de {form} n'ouvre pas son engagement sur {slot}"
    advice_en = "do not accept the lot; show the note to an auditor and ask the sender"
    advice_fr = "n'acceptez pas le lot ; montrez la note à un auditeur et à l'expéditeur"


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plain note: opening, names, hashes of private documents, a memo."""

    opening: LotOpening
    site: SiteIdW | None
    """Whose number the lot's site commitment holds, where the sender knows it."""
    product: Annotated[str, msgspec.Meta(max_length=128)] | None
    """Whose number the lot's product commitment holds."""
    references: Annotated[tuple[Hash32W, ...], msgspec.Meta(max_length=MAX_REFERENCES)]
    memo: Annotated[str, msgspec.Meta(max_length=512)]

    def __repr__(self) -> str:
        return "Note(secret)"


class NamesDoNotMatch(LodelineError):
    """A note that names another site or product than the lot is bound to."""

    form: str
    field: str
    named: str

    code = "note-names-do-not-match"
    en = "The note sent with this lot of {form} names {field} {named}, the lot is bound to another"
    fr = "La note jointe à ce lot de {form} nomme {field} {named}, le lot est lié à un autre"
    advice_en = "do not accept the lot; show the note to an auditor and ask the sender"
    advice_fr = "n'acceptez pas le lot ; montrez la note à un auditeur et à l'expéditeur"


class NoteScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a note is bound to besides its lot: chain, what made it, the lots used up, the index."""

    chain: ChainId
    maker: bytes
    """Recipe digest of a transform; a fixed word for restored and re-granted lots."""
    inputs: tuple[LotIdW, ...]
    index: int

    @classmethod
    def reversal(cls, chain: ChainId, reversed_: TransformId, index: int) -> NoteScope:
        """Return the scope of a lot that a reversal gives back."""
        return cls(chain, _REVERSAL + reversed_, (), index)

    @classmethod
    def regrant(cls, chain: ChainId, lost: LotId) -> NoteScope:
        """Return the scope of a lot that is granted again for one whose key is lost."""
        return cls(chain, _REGRANT, (lost,), 0)

    @property
    def context(self) -> bytes:
        """Return what the one-time keys of the entry are derived for: all but the index."""
        return scan_context(self.chain, self.maker, self.inputs)


def scan_context(chain: ChainId, maker: bytes, inputs: tuple[LotIdW, ...]) -> bytes:
    """Return what the one-time keys of an entry are derived for: chain, maker and inputs."""
    return cbor.encode_struct(NoteScope(chain, maker, inputs, 0))


def _associated(scope: NoteScope, lot: LotPublic) -> bytes:
    scoped, encoded = cbor.encode_struct(scope), cbor.encode_struct(lot)
    return len(scoped).to_bytes(4, "big") + scoped + encoded


def note_hash(sealed: bytes) -> NoteHash:
    """Return the hash by which a body names its sealed note."""
    return NoteHash(hashlib.sha256(sealed).digest())


def seal_note(view: ViewPublicKey, note: Note, scope: NoteScope, lot: LotPublic) -> SealedNote:
    """Return the note sealed to a recipient's view key.

    Raises:
        NoteTooLong: more than the ledger takes.
    """
    return seal(view, cbor.encode_struct(note), _associated(scope, lot))


def open_note(view: ViewPrivateKey, sealed: bytes, scope: NoteScope, lot: LotPublic) -> Note:
    """Return the note of one of the holder's own lots, checked against its commitments.

    Raises:
        NoteNotOpened: it is not for this key, not of this place, or altered.
        CborError, WrongShape: it opened, and is no note.
        NoteDoesNotMatch, BadScalar: its numbers do not open the commitments.
        NamesDoNotMatch: its names are not those that the lot is bound to.
    """
    plain = open_sealed(view, SealedNote(sealed), _associated(scope, lot))
    note = cbor.decode_struct(plain, Note)
    check_opening(lot, note.opening)
    site = None if note.site is None else SiteId(note.site)
    check_names(scope.chain, lot, note.opening, site, note.product)
    return note


def check_names(
    chain: ChainId,
    lot: LotPublic,
    opening: LotOpening,
    site: SiteId | None = None,
    product: str | None = None,
) -> None:
    """Check that names of site and product are those whose numbers a lot is bound to.

    Raises:
        NamesDoNotMatch: a name is another one, or the lot is bound to none.
    """
    numbers = {
        slot.kind: value
        for (slot, _), value in zip(slots(lot), opening.values, strict=True)
        if slot.strand is None
    }
    if site is not None and numbers.get(SlotKind.SITE) != site_number(chain, site):
        raise NamesDoNotMatch(lot.form, SlotKind.SITE.value, site)
    if product is None:
        return
    if numbers.get(SlotKind.PRODUCT) != product_number(chain, product):
        raise NamesDoNotMatch(lot.form, SlotKind.PRODUCT.value, product)


def check_opening(lot: LotPublic, opening: LotOpening) -> None:
    """Check that an opening opens every commitment of a lot.

    Raises:
        NoteDoesNotMatch: it has another number of slots, or one commitment is of another number.
        BadScalar: a blinding factor is no scalar.
    """
    places = list(slots(lot))
    if not len(places) == len(opening.numbers) == len(opening.blindings):
        raise NoteDoesNotMatch(lot.form, f"{len(places)} numbers")
    for (slot, commitment), value, blinding in zip(
        places, opening.values, opening.blindings, strict=True
    ):
        _check_slot(lot, (slot, commitment), value, blinding)


def _check_slot(
    lot: LotPublic, place: tuple[Slot, Commitment], value: int, blinding: bytes
) -> None:
    slot, commitment = place
    point = VALUE * scalar(value) + BLINDING * decode_scalar(blinding)
    if Commitment(encode_point(point)) != commitment:
        raise NoteDoesNotMatch(lot.form, str(slot))
