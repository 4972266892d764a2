"""The vault: everything that a holder knows and the ledger does not.

Lots with their openings, weights, assays and documents, own transforms with their numbers, offers,
the queue of entries that wait to be sent, disputes, addresses. Openings, offers and disputes come
back from keystore and log alone (``scanning.restore``); the rest needs a backup.

One file, opened with the keystore's vault key; see ``sealed_rows`` for what protects it. Several
writes belong together in ``with vault.change():``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from msgspec import structs

from lodeline.crypto.entropy import Entropy, SystemEntropy
from lodeline.holder.keystore import VaultKey
from lodeline.holder.records import (
    Contact,
    Dispute,
    HeldLot,
    LotFacts,
    LotStatus,
    OfferSide,
    OwnTransform,
    QueuedEntry,
    StoredOffer,
)
from lodeline.holder.sealed_rows import SealedRows
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId, MemberId, TransformId
from lodeline.ledger.entries import EntryId

__all__ = [
    "LotNotFree",
    "LotNotHeld",
    "OfferNotKnown",
    "QueueEntryUnknown",
    "RecordNotUnderstood",
    "TransformNotOwn",
    "Vault",
]

R = TypeVar("R", bound=msgspec.Struct)

_LOT, _FACTS, _TRANSFORM, _OFFER = "lot", "facts", "transform", "offer"
_QUEUE, _DISPUTE, _CONTACT, _NOTE, _POSITION = "queue", "dispute", "contact", "note", "position"


class LotNotHeld(LodelineError):
    """A lot that is not in the vault."""

    lot: LotId

    code = "lot-not-held"
    en = "lot {lot} is not yours, or the log has not been followed far enough"
    fr = "le lot {lot} n'est pas à vous, ou le journal n'a pas été suivi assez loin"
    advice_en = "see your lots with `lodeline lots`"
    advice_fr = "voyez vos lots avec « lodeline lots »"


class LotNotFree(LodelineError):
    """A lot that is spent, or promised to something else."""

    lot: LotId
    standing: str
    by: Hash32 | None

    code = "lot-not-free"
    en = "lot {lot} is not free: {by} used it, or holds it"
    fr = "le lot {lot} n'est pas libre : {by} l'a employé ou le retient"
    advice_en = (
        "take another lot; or withdraw the offer or the entry, or reverse the step, that has it"
    )
    advice_fr = "prenez un autre lot, retirez l'offre ou l'écriture, ou annulez l'étape qui l'a"


class TransformNotOwn(LodelineError):
    """A transform that the holder did not make."""

    transform: TransformId

    code = "transform-not-own"
    en = "transform {transform} was not made from this vault"
    fr = "la transformation {transform} n'a pas été faite depuis ce coffre"
    advice_en = "its numbers are with whoever made it"
    advice_fr = "ses nombres sont chez son auteur"


class OfferNotKnown(LodelineError):
    """An offer that the holder neither made nor received."""

    offer: EntryId

    code = "offer-not-known"
    en = "offer {offer} was neither made by you nor to you"
    fr = "l'offre {offer} n'a été faite ni par vous ni à vous"
    advice_en = "see your offers with `lodeline offers`"
    advice_fr = "voyez vos offres avec « lodeline offers »"


class QueueEntryUnknown(LodelineError):
    """A number that no waiting entry has."""

    number: int

    code = "queue-entry-unknown"
    en = "no entry number {number} is waiting to be sent"
    fr = "aucune écriture numéro {number} n'attend d'être envoyée"
    advice_en = "see the queue with `lodeline queue list`"
    advice_fr = "voyez la file avec « lodeline queue list »"


class RecordNotUnderstood(LodelineError):
    """A row that opens and is no record of its kind: another version of the program wrote it."""

    record: str
    reason: str

    code = "vault-record-not-understood"
    en = "a {record} in the vault was written by another version of the program: {reason}"
    fr = "un {record} du coffre a été écrit par une autre version du programme : {reason}"
    advice_en = "use the program's newest version"
    advice_fr = "utilisez la version la plus récente du programme"


class Vault:
    """One holder's vault, open. Not for several threads at once."""

    def __init__(self, rows: SealedRows) -> None:
        """Take the open file; see ``create`` and ``open``."""
        self._rows = rows

    @classmethod
    def create(cls, path: Path, key: VaultKey, entropy: Entropy | None = None) -> Self:
        """Return a new, empty vault.

        Raises:
            VaultExists: there is a file.
        """
        return cls(SealedRows.create(path, key, entropy or SystemEntropy()))

    @classmethod
    def open(cls, path: Path, key: VaultKey, entropy: Entropy | None = None) -> Self:
        """Return an existing vault.

        Raises:
            VaultMissing, NotAVault, VaultNewer: the file.
            VaultNotYours: it belongs to another keystore.
        """
        return cls(SealedRows.open(path, key, entropy or SystemEntropy()))

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def change(self) -> AbstractContextManager[None]:
        """Make every write inside one transaction.

        Raises:
            VaultBusy: another program is writing.
        """
        return self._rows.change()

    @property
    def rows(self) -> SealedRows:
        """Return the rows themselves, for a backup."""
        return self._rows

    # ------------------------------------------------------------------ the log

    @property
    def position(self) -> int:
        """Return how many leaves of the log have been followed."""
        row = self._rows.get(_POSITION, b"")
        return 0 if row is None else int.from_bytes(row.value, "big")

    def move_to(self, position: int) -> None:
        """Remember how many leaves have been followed."""
        self._rows.put(_POSITION, b"", b"", position.to_bytes(8, "big"))

    # ------------------------------------------------------------------ lots

    def lots(self, status: LotStatus | None = None) -> tuple[HeldLot, ...]:
        """Return the lots of a status, or all, oldest first."""
        wanted = tuple(LotStatus) if status is None else (status,)
        found = [lot for one in wanted for lot in self._all(_LOT, one.value, HeldLot)]
        return tuple(sorted(found, key=lambda lot: (lot.leaf, lot.maker, lot.output)))

    def lot(self, lot: LotId) -> HeldLot:
        """Return a lot that is or was the holder's.

        Raises:
            LotNotHeld: it never was.
        """
        found = self._one(_LOT, lot, HeldLot)
        if found is None:
            raise LotNotHeld(lot)
        return found

    def holds(self, lot: LotId) -> bool:
        """Return whether a lot is or was the holder's."""
        return self._rows.get(_LOT, lot) is not None

    def keep_lot(self, lot: HeldLot) -> None:
        """Write a lot, over what was known of it."""
        self._put(_LOT, lot.lot, lot.status.value, lot)

    def reserve(self, lots: tuple[LotId, ...], entry: EntryId) -> None:
        """Promise lots to an entry that is not in the log yet; all of them or none.

        Raises:
            LotNotHeld, LotNotFree: one of them cannot be promised.
        """
        free = [self.free_lot(lot) for lot in lots]
        with self.change():
            for held in free:
                promised = structs.replace(
                    held, status=LotStatus.RESERVED, reserved_for=Hash32(entry)
                )
                self.keep_lot(promised)

    def free_lot(self, lot: LotId) -> HeldLot:
        """Return a lot that can be used now.

        Raises:
            LotNotHeld, LotNotFree: it cannot.
        """
        held = self.lot(lot)
        if held.status is not LotStatus.UNSPENT:
            by = held.reserved_for or held.spent_by
            raise LotNotFree(lot, held.status.value, None if by is None else Hash32(by))
        return held

    def release(self, entry: EntryId) -> tuple[LotId, ...]:
        """Free the lots that were promised to an entry; return them."""
        freed = [lot for lot in self.lots(LotStatus.RESERVED) if lot.reserved_for == Hash32(entry)]
        with self.change():
            for lot in freed:
                self.keep_lot(structs.replace(lot, status=LotStatus.UNSPENT, reserved_for=None))
        return tuple(lot.lot_id for lot in freed)

    # ------------------------------------------------------------------ facts and history

    def record_facts(self, lot: LotId, facts: LotFacts) -> None:
        """Write what was weighed, analysed and filed about a lot, over what was known."""
        self._put(_FACTS, lot, "", facts)

    def facts(self, lot: LotId) -> LotFacts | None:
        """Return what was weighed, analysed and filed about a lot, or nothing."""
        return self._one(_FACTS, lot, LotFacts)

    def record_transform(self, transform: OwnTransform) -> None:
        """Write a transform that the holder made, with its numbers."""
        self._put(_TRANSFORM, transform.transform, "", transform)

    def transform(self, transform: TransformId) -> OwnTransform:
        """Return a transform that the holder made.

        Raises:
            TransformNotOwn: he did not, or another vault did.
        """
        found = self._one(_TRANSFORM, transform, OwnTransform)
        if found is None:
            raise TransformNotOwn(transform)
        return found

    def transforms(self) -> tuple[OwnTransform, ...]:
        """Return every transform that the holder made, in the order of making."""
        return tuple(self._all(_TRANSFORM, "", OwnTransform))

    # ------------------------------------------------------------------ offers

    def keep_offer(self, offer: StoredOffer) -> None:
        """Write an offer, over what was known of it."""
        self._put(_OFFER, offer.offer, "", offer)

    def offer(self, offer: EntryId) -> StoredOffer:
        """Return an offer made or received.

        Raises:
            OfferNotKnown: there is none.
        """
        found = self.find_offer(offer)
        if found is None:
            raise OfferNotKnown(offer)
        return found

    def find_offer(self, offer: EntryId) -> StoredOffer | None:
        """Return an offer made or received, or nothing."""
        return self._one(_OFFER, offer, StoredOffer)

    def offers(self, side: OfferSide | None = None) -> tuple[StoredOffer, ...]:
        """Return the offers made, received, or both, in the order in which they came."""
        found = self._all(_OFFER, "", StoredOffer)
        return tuple(offer for offer in found if side is None or offer.side is side)

    # ------------------------------------------------------------------ the queue

    def enqueue(self, data: bytes, label: str) -> int:
        """Put an entry at the end of the queue; return its number."""
        with self.change():
            row = self._rows.get(_QUEUE, b"last")
            number = 1 if row is None else int.from_bytes(row.value, "big") + 1
            self._rows.put(_QUEUE, b"last", b"counter", number.to_bytes(8, "big"))
            self._put(_QUEUE, _numbered(number), "", QueuedEntry(number, label, data))
        return number

    def pending(self) -> tuple[QueuedEntry, ...]:
        """Return the entries that wait to be sent, first come first."""
        return tuple(self._all(_QUEUE, "", QueuedEntry))

    def mark_sent(self, number: int) -> None:
        """Take an entry from the queue.

        Raises:
            QueueEntryUnknown: none of this number is waiting.
        """
        if not self._rows.remove(_QUEUE, _numbered(number)):
            raise QueueEntryUnknown(number)

    # ------------------------------------------------------------------ everything else

    def record_dispute(self, dispute: Dispute) -> None:
        """Write an output whose note is of no use."""
        self._put(_DISPUTE, dispute.lot, "", dispute)

    def disputes(self) -> tuple[Dispute, ...]:
        """Return the outputs whose notes are of no use, in the order of the log."""
        return tuple(self._all(_DISPUTE, "", Dispute))

    def keep_contact(self, contact: Contact) -> None:
        """Write an address, over an older one of the same name."""
        self._put(_CONTACT, contact.name.encode(), "", contact)

    def contacts(self) -> tuple[Contact, ...]:
        """Return the addresses known, by name."""
        return tuple(sorted(self._all(_CONTACT, "", Contact), key=lambda item: item.name))

    def contact(self, member: MemberId) -> Contact | None:
        """Return the address known for a member, or nothing."""
        return next((item for item in self.contacts() if item.member == member), None)

    def put_note(self, kind: str, key: str, data: bytes) -> None:
        """Write some private bytes of the caller's, over older ones of the same kind and key."""
        self._put(_NOTE, _note_name(kind, key), kind, _Keyed(key, data))

    def note(self, kind: str, key: str) -> bytes | None:
        """Return private bytes of the caller's, or nothing."""
        found = self._one(_NOTE, _note_name(kind, key), _Keyed)
        return None if found is None else found.data

    def notes(self, kind: str) -> tuple[tuple[str, bytes], ...]:
        """Return all private bytes of a kind with their keys, in the order of first writing."""
        return tuple((item.key, item.data) for item in self._all(_NOTE, kind, _Keyed))

    # ------------------------------------------------------------------ inside

    def _put(self, kind: str, name: bytes, shelf: str, value: msgspec.Struct) -> None:
        self._rows.put(kind, name, shelf.encode(), msgspec.msgpack.encode(value))

    def _one(self, kind: str, name: bytes, type_: type[R]) -> R | None:
        row = self._rows.get(kind, name)
        return None if row is None else _read(row.value, type_)

    def _all(self, kind: str, shelf: str, type_: type[R]) -> Iterator[R]:
        for row in self._rows.on_shelf(kind, shelf.encode()):
            yield _read(row.value, type_)


class _Keyed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    data: bytes


def _read(value: bytes, type_: type[R]) -> R:
    """Return the record of a row; rows are sealed, so their bytes are what this program wrote."""
    decoder: msgspec.msgpack.Decoder[R] = _decoder(type_)
    try:
        return decoder.decode(value)
    except msgspec.DecodeError as refused:
        raise RecordNotUnderstood(type_.__name__, str(refused)) from refused


@functools.cache
def _decoder(type_: type[R]) -> msgspec.msgpack.Decoder[R]:
    return msgspec.msgpack.Decoder(type_)


def _numbered(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _note_name(kind: str, key: str) -> bytes:
    return len(kind.encode()).to_bytes(4, "big") + kind.encode() + key.encode()
