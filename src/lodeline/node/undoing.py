"""Undoing and recalling: an honest mistake is reversed, a bad lot and all its descendants flagged.

Who made a step and still has everything that came of it reverses it alone. A sale has two sides,
so its reversal is a small file that goes to and fro: the buyer begins it with the tags of what he
would give up, the seller prepares what he would get back and agrees, the buyer proves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import structs

from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.interface import Receipt
from lodeline.holder.records import HeldLot
from lodeline.holder.signing import owner_signatures
from lodeline.holder.undoing import GivenBack, reversal_body, reversal_entry, tags_of
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    Hash32,
    LotId,
    SignatureBytes,
    SiteId,
    Tag,
    TagW,
    TransformId,
    TransformIdW,
)
from lodeline.ledger.entries import (
    EntryId,
    Recall,
    RecallBody,
    Reversal,
    ReversalBody,
    SiteSignature,
    entry_id,
)
from lodeline.ledger.records import Making, MakingKind
from lodeline.node.holding import Holding
from lodeline.node.requests import Piece, Request, Shown, seal_pieces, with_signature
from lodeline.node.sending import Queued, Sent, dispatch, send
from lodeline.proofs.proof import OwnerSignature, Proof

__all__ = [
    "NotAllHeld",
    "Undoing",
    "encode_undoing",
    "go_on",
    "read_undoing",
    "recall",
    "reversal_request",
    "reverse",
]

_REASON_DOMAIN = b"lodeline/v1/recall-reason\0"
_REASONS = "recall-reason"
_SALT_BYTES = 32
_NO_SIGNATURE = SignatureBytes(bytes(64))
_NO_PROOF = Proof((), None, (), (), None)


class NotATransform(LodelineError):
    """A lot that came from something that cannot be reversed."""

    lot: LotId

    code = "reverse-not-a-transform"
    en = "lot {lot} was given back or granted again; that is not reversed"
    fr = "le lot {lot} a été rendu ou réattribué ; cela ne s'annule pas"
    advice_en = "reverse the step that used it, if there is one"
    advice_fr = "annulez l'étape qui l'a utilisé, s'il y en a une"


class NotAllHeld(LodelineError):
    """A step of whose lots the holder has only some."""

    transform: TransformId
    missing: tuple[LotId, ...]

    code = "reverse-not-all-held"
    en = "not everything that step {transform} made is with you and free; missing: {missing}"
    fr = "des lots produits par l'étape {transform} ne sont pas chez vous et libres : {missing}"
    advice_en = "whoever has the lots begins the reversal; lots that moved on need a correction"
    advice_fr = "qui a les lots commence l'annulation ; des lots partis demandent une correction"


class NotTheGiver(LodelineError):
    """Somebody who did not hold the lots that a reversal would give back."""

    transform: TransformId

    code = "reverse-not-the-giver"
    en = "the lots that step {transform} used up were not yours"
    fr = "les lots que l'étape {transform} a consommés n'étaient pas à vous"
    advice_en = "give the file to whoever held them"
    advice_fr = "donnez le fichier à qui les détenait"


class Undoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-undoing-v1"):
    """A reversal between two sides."""

    transform: TransformIdW
    tags: Annotated[tuple[TagW, ...], msgspec.Meta(max_length=16)]
    """Of the step's outputs in order, told by whoever has them."""
    body: ReversalBody | None
    """What is given back, made by whoever held it; nothing while the file is on its way to him."""
    consents: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]
    """Of whoever held the inputs."""


def read_undoing(data: bytes) -> Undoing:
    """Read a reversal between two sides.

    Raises:
        CborError, WrongShape: it is no such file.
    """
    return cbor.decode_struct(data, Undoing)


def encode_undoing(undoing: Undoing) -> bytes:
    """Return the canonical bytes of a reversal between two sides."""
    return cbor.encode_struct(undoing)


# ------------------------------------------------------------------ reversal


def reverse(own: Holding, lot: HeldLot) -> Sent | Undoing:
    """Reverse the step that made a lot, or begin its reversal where its inputs were another's.

    Raises:
        NotATransform: the lot came from no transform.
        NotAllHeld: the holder has not all that the step made.
        LodelineError: the ledger refuses it.
    """
    making = own.session.state.makings.get(Hash32(lot.maker))
    if making is None or making.kind is not MakingKind.TRANSFORM:
        raise NotATransform(lot.lot_id)
    transform = TransformId(lot.maker)
    outputs = _outputs(own, transform, making)
    tags = tags_of([made.owned(own.keys).key for made in outputs])
    undoing = Undoing(transform, tags, None, ())
    if not all(own.vault.holds(given) for given in making.inputs):
        return undoing
    return _finish(own, _agreed(own, undoing, making), making)


def reversal_request(own: Holding, transform: TransformId) -> Request:
    """Return the reversal of a step whose inputs and outputs were the holder's, proved.

    Nothing is promised yet. It has the signatures that the holder can give.

    Raises:
        NotAllHeld, NotTheGiver: there is no such step, or something of it was another's.
        LotNotFree: an output was used or promised.
    """
    making = own.session.state.makings.get(Hash32(transform))
    if making is None or making.kind is not MakingKind.TRANSFORM:
        raise NotTheGiver(transform)
    tags = tags_of([made.owned(own.keys).key for made in _outputs(own, transform, making)])
    return _requested(own, _agreed(own, Undoing(transform, tags, None, ()), making), making)


def go_on(own: Holding, undoing: Undoing) -> Sent | Undoing:
    """Take a reversal between two sides one step further.

    Raises:
        NotATransform, NotTheGiver, NotAllHeld: it is not the holder's turn.
        LodelineError: the ledger refuses it.
    """
    making = own.session.state.makings.get(Hash32(undoing.transform))
    if making is None or making.kind is not MakingKind.TRANSFORM:
        raise NotTheGiver(TransformId(undoing.transform))
    if undoing.body is None:
        return _agreed(own, undoing, making)
    return _finish(own, undoing, making)


def _outputs(own: Holding, transform: TransformId, making: Making) -> list[HeldLot]:
    lost = tuple(lot for lot in making.outputs if not own.vault.holds(lot))
    if lost:
        raise NotAllHeld(transform, lost)
    return [own.vault.free_lot(lot) for lot in making.outputs]


def _agreed(own: Holding, undoing: Undoing, making: Making) -> Undoing:
    """Prepare what is given back to the holder, and agree to it with the old keys."""
    transform = TransformId(undoing.transform)
    if not all(own.vault.holds(lot) for lot in making.inputs):
        raise NotTheGiver(transform)
    given = [own.vault.lot(lot) for lot in making.inputs]
    back = [_given_back(own, lot) for lot in given]
    tags = [Tag(tag) for tag in undoing.tags]
    body = reversal_body(own.session.chain, transform, back, tags, own.session.entropy)
    keys = [lot.owned(own.keys).key for lot in given]
    identity = _identity(body)
    return structs.replace(
        undoing, body=body, consents=owner_signatures(keys, identity, own.session.entropy)
    )


def _given_back(own: Holding, lot: HeldLot) -> GivenBack:
    site = None if lot.site is None else SiteId(lot.site)
    return GivenBack(lot.public, lot.opening, own.address, site, lot.product, lot.memo)


def _identity(body: ReversalBody) -> EntryId:
    return entry_id(Reversal(body, _NO_PROOF, (), None, ()))


def _finish(own: Holding, undoing: Undoing, making: Making) -> Sent:
    """Prove that what is given back equals what was used up, and send it or have it signed."""
    return dispatch(own, _requested(own, undoing, making), tuple(making.outputs), "reversal")


def _requested(own: Holding, undoing: Undoing, making: Making) -> Request:
    """Prove that what is given back equals what was used up; with the holder's own signatures."""
    if undoing.body is None:
        raise NotTheGiver(TransformId(undoing.transform))
    outputs = _outputs(own, TransformId(undoing.transform), making)
    originals = [lot for lot in map(own.session.state.lot, making.inputs) if lot is not None]
    owned = [lot.owned(own.keys) for lot in outputs]
    pairs = [(lot.public, lot.secret) for lot in owned]
    entry = reversal_entry(undoing.body, originals, pairs, own.session.entropy)
    if making.site_signed and making.site is not None:
        key = own.keys.facility(making.site)
        signature = sign(key, SignatureContext.SITE_OPERATION, entry_id(entry))
        entry = structs.replace(entry, site_signature=SiteSignature(making.site, signature))
    request = Request(entry, (), undoing.consents, _shown(own, entry_id(entry), outputs, making))
    if own.member in making.signers:
        request = with_signature(own.session.state, request, own.member, own.keys)
    return request


def _shown(
    own: Holding, identity: EntryId, outputs: Sequence[HeldLot], making: Making
) -> tuple[Shown, ...]:
    """Return what each other signer is asked to undo: the goods, not what is left of rights."""
    forms = own.session.state.tables.forms
    pieces = [
        Piece("given-up", index, lot.opening)
        for index, lot in enumerate(outputs)
        if not forms[lot.public.form].form_class.is_right
    ]
    others = dict.fromkeys(member for member in making.signers if member != own.member)
    return tuple(seal_pieces(own.session.member(each), identity, pieces) for each in others)


# ------------------------------------------------------------------ recall


def recall(own: Holding, lot: LotId, reason: str) -> Receipt | Queued:
    """Flag a lot and all its descendants; the ledger gets a salted hash of the reason.

    Raises:
        LodelineError: the ledger refuses it: no such lot, or not for this member to recall.
    """
    salt = own.session.entropy.bytes(_SALT_BYTES)
    hashed = Hash32(hashlib.sha256(_REASON_DOMAIN + salt + reason.encode()).digest())
    body = RecallBody(own.session.chain, own.member, lot, hashed)
    identity = entry_id(Recall(body, _NO_SIGNATURE))
    signature = sign(own.keys.signing, SignatureContext.ENTRY, identity)
    own.vault.put_note(_REASONS, lot.hex(), salt + reason.encode())
    return send(own, Recall(body, signature), "recall")
