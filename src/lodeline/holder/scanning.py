"""Following the log: which lots are mine, what they hold, and which are spent.

Every entry that makes lots publishes a scan key and view tags. One key exchange for an entry and a
short hash for each output tell the holder which outputs are his (``crypto.onetime``); the sealed
note of each is opened and checked against the commitments. A note that does not open, or whose
numbers are not those committed to, is kept as a dispute; the lot is then of no use to anybody.
What is spent shows by its tag, in whichever entry.

Everything found here comes from keystore and log alone, so ``restore`` gives back every opening of
a holder who has lost the rest.

Not checked: that the leaves are in the log, and that its entries are valid. Whoever hands them over
has checked the first (inclusion proofs, or the own engine); the validators did the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.group import Scalar, encode_scalar
from lodeline.crypto.onetime import (
    EntryMarks,
    OutputMark,
    owner_secret,
    recognise_all,
    tag,
)
from lodeline.crypto.sealing import OutputIndex, ScanKey, ViewTag
from lodeline.custody.lots import LotPublic
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import Note, NoteScope, open_note
from lodeline.holder.records import (
    Dispute,
    HeldLot,
    LotStatus,
    OfferSide,
    OfferState,
    OwnOutput,
    StoredOffer,
)
from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, LotId, Tag, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Accept,
    Correction,
    Decline,
    Entry,
    EntryId,
    Genesis,
    Offer,
    Regrant,
    RestoredLot,
    Reversal,
    Transform,
    Withdraw,
    entry_id,
)
from lodeline.ledger.log import read_leaf
from lodeline.proofs.body import TransformBody, lot_id, transform_id

__all__ = ["ChainDiffers", "Followed", "LeavesDoNotFollow", "follow", "restore"]

BATCH = 256
"""Leaves whose findings are written together with the new position."""


class LeavesDoNotFollow(LodelineError):
    """Leaves that do not begin where the vault stopped."""

    position: int
    start: int

    code = "leaves-do-not-follow"
    en = "the vault has followed the log up to leaf {position}, these leaves begin at {start}"
    fr = "le coffre a suivi le journal jusqu'à la feuille {position}, celles-ci débutent à {start}"
    advice_en = "follow the log from the vault's position"
    advice_fr = "suivez le journal depuis la position du coffre"


class ChainDiffers(LodelineError):
    """An entry of another ledger than the one followed."""

    expected: ChainId
    found: ChainId
    leaf: int

    code = "followed-chain-differs"
    en = "leaf {leaf} belongs to ledger {found}, the vault follows {expected}"
    fr = "la feuille {leaf} appartient au registre {found}, le coffre suit {expected}"
    advice_en = "connect to the ledger of this vault"
    advice_fr = "connectez-vous au registre de ce coffre"


@dataclass
class Followed:
    """What was found while following."""

    leaves: int = 0
    received: list[LotId] = field(default_factory=list)
    spent: list[LotId] = field(default_factory=list)
    offers: list[EntryId] = field(default_factory=list)
    """Offers made or received whose standing changed."""
    disputes: list[LotId] = field(default_factory=list)


def follow(
    vault: Vault, keys: HolderKeys, chain: ChainId, leaves: Iterable[bytes], start: int
) -> Followed:
    """Take in leaves of the log, the first of which has index ``start``.

    Findings and position are written together, some hundred leaves at a time; whatever interrupts,
    the vault stands at a leaf up to which it knows everything.

    Raises:
        LeavesDoNotFollow: ``start`` is not the vault's position.
        ChainDiffers: an entry of another ledger.
        CborError, WrongShape: a leaf that is none.
    """
    if start != vault.position:
        raise LeavesDoNotFollow(vault.position, start)
    scanner = _Scanner(vault, keys, chain)
    remaining = iter(leaves)
    while part := list(islice(remaining, BATCH)):
        with vault.change():
            for data in part:
                scanner.take(data, start + scanner.found.leaves)
            vault.move_to(start + scanner.found.leaves)
    return scanner.found


def restore(
    path: Path, keys: HolderKeys, chain: ChainId, leaves: Iterable[bytes], entropy: Entropy
) -> Vault:
    """Return a new vault with everything that keystore and log give back.

    Every opening, offer and dispute comes back; weights, assays, documents, the numbers of lots
    that were made for others, and what was waiting to be sent do not.

    Raises:
        VaultExists: there is a file at the path.
        ChainDiffers, CborError, WrongShape: a leaf of another ledger, or none.
    """
    vault = Vault.create(path, keys.vault, entropy)
    follow(vault, keys, chain, leaves, 0)
    return vault


@dataclass(frozen=True)
class _Place:
    """Where in the log something happens."""

    leaf: int
    time: BlockTime
    entry: EntryId


@dataclass(frozen=True)
class _Made:
    """The outputs of one entry with everything that finding them takes."""

    maker: Hash32
    scan_key: bytes
    context: bytes
    outputs: tuple[LotPublic, ...]
    view_tags: tuple[bytes, ...]
    notes: tuple[bytes, ...]
    scopes: tuple[NoteScope, ...]

    @classmethod
    def of_transform(cls, body: TransformBody, notes: tuple[bytes, ...]) -> _Made:
        spent = tuple(item.lot for item in body.inputs)
        scopes = tuple(
            NoteScope(body.chain, body.recipe, spent, index) for index in range(len(body.outputs))
        )
        return cls(
            Hash32(transform_id(body)),
            body.scan_key,
            NoteScope(body.chain, body.recipe, spent, 0).context,
            body.outputs,
            body.view_tags,
            notes,
            scopes,
        )

    @classmethod
    def of_restored(
        cls,
        maker: EntryId,
        scan_key: bytes,
        restored: tuple[RestoredLot, ...],
        scopes: tuple[NoteScope, ...],
    ) -> _Made:
        return cls(
            Hash32(maker),
            scan_key,
            scopes[0].context if scopes else b"",
            tuple(item.lot for item in restored),
            tuple(item.view_tag for item in restored),
            tuple(item.note for item in restored),
            scopes,
        )

    def marks(self) -> EntryMarks:
        return EntryMarks(
            ScanKey(self.scan_key),
            self.context,
            tuple(
                OutputMark(OutputIndex(index), ViewTag(view_tag), lot.owner)
                for index, (lot, view_tag) in enumerate(
                    zip(self.outputs, self.view_tags, strict=True)
                )
            ),
        )


class _Scanner:
    """Takes leaves in, one after the other."""

    def __init__(self, vault: Vault, keys: HolderKeys, chain: ChainId) -> None:
        self.found = Followed()
        self._vault, self._keys, self._chain = vault, keys, chain
        self._tags: dict[Tag, LotId] = {
            Tag(lot.tag): lot.lot_id
            for status in (LotStatus.UNSPENT, LotStatus.RESERVED)
            for lot in vault.lots(status)
        }

    def take(self, data: bytes, index: int) -> None:
        """Take one leaf in."""
        leaf = read_leaf(data)
        self._check_chain(leaf.entry, index)
        place = _Place(index, BlockTime(leaf.time), entry_id(leaf.entry))
        self._dispatch(leaf.entry, place)
        self.found.leaves += 1

    def _check_chain(self, entry: Entry, index: int) -> None:
        chain = entry.chain if isinstance(entry, Genesis) else entry.body.chain
        if chain != self._chain:
            raise ChainDiffers(self._chain, ChainId(chain), index)

    def _dispatch(self, entry: Entry, place: _Place) -> None:
        if isinstance(entry, Transform):
            self._transform(entry, place)
        elif isinstance(entry, Correction):
            self._transform(entry.transform, place)
        elif isinstance(entry, Offer):
            self._offer(entry, place)
        elif isinstance(entry, (Accept, Decline, Withdraw)):
            self._answer(entry, place)
        elif isinstance(entry, Reversal):
            self._reversal(entry, place)
        elif isinstance(entry, Regrant):
            self._regrant(entry, place)

    # ------------------------------------------------------------------ entries

    def _transform(self, entry: Transform, place: _Place) -> None:
        self._spend([Tag(item.tag) for item in entry.body.inputs], place)
        self._receive(_Made.of_transform(entry.body, entry.notes), place)

    def _offer(self, entry: Offer, place: _Place) -> None:
        body = entry.sale.body
        given = [self._tags[Tag(i.tag)] for i in body.inputs if Tag(i.tag) in self._tags]
        made = _Made.of_transform(body, entry.sale.notes)
        mine = self._recognised(made)
        if not given and not mine:
            return
        for lot in given:
            self._hold(lot, place.entry)
        side = OfferSide.MADE if given else OfferSide.RECEIVED
        offer = StoredOffer(
            offer=place.entry,
            side=side,
            sale=transform_id(body),
            deadline=entry.body.deadline,
            state=OfferState.OPEN,
            leaf=place.leaf,
            time=place.time,
            given=tuple(item.lot for item in body.inputs),
            outputs=len(body.outputs),
            mine=tuple(
                OwnOutput(index, made.outputs[index].owner, encode_scalar(offset))
                for index, offset in mine
            ),
            taken=tuple(self._opened(made, mine, place)),
            reason="",
            salt=b"",
        )
        self._vault.keep_offer(offer)
        self.found.offers.append(place.entry)

    def _answer(self, entry: Accept | Decline | Withdraw, place: _Place) -> None:
        known = self._vault.find_offer(EntryId(entry.body.offer))
        if known is None:
            return
        state = _ANSWERS[type(entry)]
        if isinstance(entry, Accept):
            for lot in known.given:
                self._mark_spent(LotId(lot), place)
            for taken in known.taken:
                self._keep(structs.replace(taken, leaf=place.leaf, time=place.time))
        else:
            self._free(known)
        self._vault.keep_offer(structs.replace(known, state=state))
        self.found.offers.append(known.offer_id)

    def _free(self, offer: StoredOffer) -> None:
        for lot in offer.given:
            if not self._vault.holds(LotId(lot)):
                continue
            held = self._vault.lot(LotId(lot))
            if held.status is LotStatus.RESERVED and held.reserved_for == Hash32(offer.offer):
                freed = structs.replace(held, status=LotStatus.UNSPENT, reserved_for=None)
                self._vault.keep_lot(freed)

    def _reversal(self, entry: Reversal, place: _Place) -> None:
        body = entry.body
        self._spend([Tag(item) for item in body.tags], place)
        transform = TransformId(body.transform)
        scopes = tuple(
            NoteScope.reversal(self._chain, transform, index) for index in range(len(body.restored))
        )
        self._receive(_Made.of_restored(place.entry, body.scan_key, body.restored, scopes), place)

    def _regrant(self, entry: Regrant, place: _Place) -> None:
        body = entry.body
        lost = LotId(body.lot)
        for offer in self._vault.offers():
            if offer.state is OfferState.OPEN and lost in offer.given:
                self._free(offer)
                self._vault.keep_offer(structs.replace(offer, state=OfferState.LAPSED))
                self.found.offers.append(offer.offer_id)
        self._mark_spent(lost, place)
        scopes = (NoteScope.regrant(self._chain, lost),)
        self._receive(
            _Made.of_restored(place.entry, body.scan_key, (body.replacement,), scopes), place
        )

    # ------------------------------------------------------------------ lots

    def _spend(self, tags: Sequence[Tag], place: _Place) -> None:
        for item in tags:
            if item in self._tags:
                self._mark_spent(self._tags[item], place)

    def _mark_spent(self, lot: LotId, place: _Place) -> None:
        if not self._vault.holds(lot):
            return
        held = self._vault.lot(lot)
        if held.status is LotStatus.SPENT:
            return
        self._vault.keep_lot(
            structs.replace(
                held,
                status=LotStatus.SPENT,
                reserved_for=None,
                spent_by=Hash32(place.entry),
            )
        )
        self._tags.pop(Tag(held.tag), None)
        self.found.spent.append(lot)

    def _hold(self, lot: LotId, offer: EntryId) -> None:
        held = self._vault.lot(lot)
        self._vault.keep_lot(
            structs.replace(held, status=LotStatus.RESERVED, reserved_for=Hash32(offer))
        )

    def _receive(self, made: _Made, place: _Place) -> None:
        for held in self._opened(made, self._recognised(made), place):
            self._keep(held)

    def _keep(self, held: HeldLot) -> None:
        if self._vault.holds(held.lot_id):
            return
        self._vault.keep_lot(held)
        self._tags[Tag(held.tag)] = held.lot_id
        self.found.received.append(held.lot_id)

    def _recognised(self, made: _Made) -> list[tuple[int, Scalar]]:
        """Return index and offset of each output that is the holder's."""
        found = recognise_all(self._keys.view, self._keys.spend.public, made.marks())
        return [(int(item.index), item.offset) for item in found]

    def _opened(
        self, made: _Made, mine: Sequence[tuple[int, Scalar]], place: _Place
    ) -> Iterator[HeldLot]:
        """Yield the holder's outputs with their openings; note the others as disputes."""
        for index, offset in mine:
            lot, sealed = made.outputs[index], made.notes[index]
            identity = lot_id(TransformId(made.maker), index)
            try:
                note = open_note(self._keys.view, sealed, made.scopes[index], lot)
            except LodelineError as refusal:
                self._dispute(identity, (made, index), place, refusal)
                continue
            yield self._held(identity, (made, index, offset), note, place)

    def _held(
        self, identity: LotId, output: tuple[_Made, int, Scalar], note: Note, place: _Place
    ) -> HeldLot:
        made, index, offset = output
        return HeldLot(
            lot=identity,
            public=made.outputs[index],
            opening=note.opening,
            offset=encode_scalar(offset),
            tag=tag(owner_secret(self._keys.spend, offset)),
            maker=made.maker,
            output=index,
            leaf=place.leaf,
            time=place.time,
            status=LotStatus.UNSPENT,
            reserved_for=None,
            spent_by=None,
            site=note.site,
            product=note.product,
            references=note.references,
            memo=note.memo,
        )

    def _dispute(
        self, identity: LotId, output: tuple[_Made, int], place: _Place, refusal: LodelineError
    ) -> None:
        made, index = output
        self._vault.record_dispute(
            Dispute(
                lot=identity,
                leaf=place.leaf,
                maker=made.maker,
                output=index,
                reason=refusal.code,
                text_en=refusal.message("en"),
                text_fr=refusal.message("fr"),
                note=made.notes[index],
            )
        )
        self.found.disputes.append(identity)


_ANSWERS = {
    Accept: OfferState.ACCEPTED,
    Decline: OfferState.DECLINED,
    Withdraw: OfferState.WITHDRAWN,
}
