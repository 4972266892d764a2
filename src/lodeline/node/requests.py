"""An entry on its way round: the file that goes from signer to signer until nobody is missing.

A request holds an entry without signatures, those collected so far, and for each signer what he is
asked to vouch for, sealed to him alone: a laboratory reads the amounts that came out, the verifier
of energy the emissions of the step, nobody else a number. A signer opens his part, compares it with
what he knows, signs, and hands the file on; the last one may send the entry to the ledger.

What is sealed is checked against the commitments of the entry before it is shown: nobody sees other
numbers than those that he signs for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import structs

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import decode_scalar, encode_point, scalar
from lodeline.crypto.owner_signature import sign_as_owner
from lodeline.crypto.sealing import SealedNote, ViewPublicKey, open_sealed, seal
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.custody.lots import LotOpening, LotPublic
from lodeline.holder.building import OwnedLot
from lodeline.holder.contents import Contents, contents_of
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import check_opening
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Commitment, Hash32, MemberId, MemberIdW, TransformId
from lodeline.kernel.units import GramsCO2e, grams_co2e
from lodeline.ledger.case import active_member
from lodeline.ledger.descent import issuers
from lodeline.ledger.entries import (
    MAX_SIGNATURES,
    Correction,
    Entry,
    EntryId,
    Govern,
    Member,
    MemberSignature,
    Regrant,
    Reversal,
    Transform,
    entry_id,
)
from lodeline.ledger.state import State
from lodeline.ledger.tasks import carried_transform
from lodeline.proofs.proof import OwnerSignature

__all__ = [
    "Piece",
    "Request",
    "RequestComplete",
    "RequestIncomplete",
    "Seen",
    "Shown",
    "SignerNotAsked",
    "completed",
    "encode_request",
    "issuer_of",
    "missing",
    "needs_consent",
    "read_request",
    "seal_pieces",
    "seen_by",
    "with_consents",
    "with_signature",
]

MAX_REQUEST_BYTES = 1 << 20
_PIECE_DOMAIN = b"lodeline/v1/request-piece\0"


class SignerNotAsked(LodelineError):
    """A member whose signature an entry does not want."""

    member: MemberId
    asked: tuple[MemberId, ...]

    code = "signer-not-asked"
    en = "the signature of {member} is not asked for here"
    fr = "la signature de {member} n'est pas demandée ici"
    advice_en = "still to sign are: {asked}"
    advice_fr = "doivent encore signer : {asked}"


class RequestComplete(LodelineError):
    """A request that somebody would sign though nobody is missing."""

    signed: tuple[MemberId, ...]

    code = "request-complete"
    en = "everybody has signed this already: {signed}"
    fr = "tous ont déjà signé : {signed}"
    advice_en = "send it with `lodeline submit`"
    advice_fr = "envoyez-la avec « lodeline submit »"


class RequestIncomplete(LodelineError):
    """An entry that somebody would send though signatures are missing."""

    missing: tuple[MemberId, ...]

    code = "request-incomplete"
    en = "signatures are missing: {missing}"
    fr = "il manque des signatures : {missing}"
    advice_en = "have the file signed with `lodeline cosign` first"
    advice_fr = "faites d'abord signer le fichier avec « lodeline cosign »"


class PieceDoesNotMatch(LodelineError):
    """A number shown to a signer that is not the one committed to."""

    what: str

    code = "request-piece-does-not-match"
    en = "the {what} shown to you are not those that the entry commits to"
    fr = "les {what} qui vous sont montrées ne sont pas celles que l'écriture engage"
    advice_en = "do not sign; keep the file and ask whoever made it"
    advice_fr = "ne signez pas ; gardez le fichier et demandez à son auteur"


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the wire structures here: frozen and closed."""


class Piece(_Wire, frozen=True):
    """One thing that a signer is shown: the numbers of a lot, or of the step itself.

    A lot that is given up was made by the step that a reversal undoes.
    """

    kind: Annotated[str, msgspec.Meta(pattern=r"^(given-up|input|output|process)\Z")]
    index: int
    opening: LotOpening
    """Of the step: emissions and primary emissions."""

    def __repr__(self) -> str:
        return f"Piece({self.kind} {self.index}, secret)"


class Shown(_Wire, frozen=True):
    """What is sealed to one signer."""

    member: MemberIdW
    sealed: tuple[bytes, ...]


class Request(_Wire, frozen=True, tag="lodeline-request-v1"):
    """An entry that waits for signatures."""

    entry: Entry
    """Without signatures of members."""
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=MAX_SIGNATURES)]
    """Those collected so far, in the order in which they came."""
    consents: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]
    """Of a reversal, once all owners of the lots given back have agreed."""
    shown: Annotated[tuple[Shown, ...], msgspec.Meta(max_length=MAX_SIGNATURES)]


@dataclass(frozen=True)
class Seen:
    """A piece as its signer reads it."""

    kind: str
    index: int
    lot: LotPublic | None
    contents: Contents | None
    """Of a lot."""
    process: tuple[GramsCO2e, GramsCO2e] | None
    """Of the step: emissions and their primary part."""


def read_request(data: bytes) -> Request:
    """Read a request; nothing is verified.

    Raises:
        CborError, WrongShape: it is no canonical request.
    """
    return cbor.decode_struct(data, Request, max_bytes=MAX_REQUEST_BYTES)


def encode_request(request: Request) -> bytes:
    """Return the canonical bytes of a request."""
    return cbor.encode_struct(request)


# ------------------------------------------------------------------ who signs


def _asked(state: State, entry: Entry) -> tuple[MemberId, ...]:
    """Return the members whose signatures an entry carries, in its order; of votes: the voters."""
    if isinstance(entry, (Govern, Regrant)):
        return tuple(member for member, record in state.members.items() if record.votes)
    if isinstance(entry, Reversal):
        making = state.makings.get(Hash32(entry.body.transform))
        return () if making is None else making.signers
    if isinstance(entry, Correction):
        issuer = issuer_of(state, TransformId(entry.body.corrects))
        auditors = (signer.member for signer in entry.transform.body.signers)
        return tuple(member for member in (issuer, *auditors) if member is not None)
    if isinstance(entry, Transform):
        return tuple(signer.member for signer in entry.body.signers)
    return ()


def issuer_of(state: State, step: TransformId) -> MemberId | None:
    """Return who signs corrections of a step: the member whose site it names, or who signed first.

    Nothing where the step is unknown, or has neither.
    """
    making = state.makings.get(Hash32(step))
    return None if making is None else next(reversed(issuers(state, making)), None)


def missing(state: State, request: Request) -> tuple[MemberId, ...]:
    """Return who has still to sign, each once; nobody where an act has votes enough."""
    entry = request.entry
    signed = {signature.member for signature in request.signatures}
    asked = dict.fromkeys(_asked(state, entry))
    if isinstance(entry, (Govern, Regrant)):
        constants = state.constants
        if constants is not None and len(signed) >= constants.votes_needed(state.active_voters()):
            return ()
    return tuple(member for member in asked if member not in signed)


def needs_consent(state: State, request: Request) -> bool:
    """Return whether the owners of the lots that a reversal gives back have still to agree."""
    if not isinstance(request.entry, Reversal) or request.consents:
        return False
    making = state.makings.get(Hash32(request.entry.body.transform))
    return making is not None and bool(making.inputs)


def with_signature(state: State, request: Request, member: MemberId, keys: HolderKeys) -> Request:
    """Return the request with a member's signature added.

    Not checked: that the member has looked at what it vouches for.

    Raises:
        RequestComplete: nobody's signature is missing.
        SignerNotAsked: this member's is not wanted, or is there already.
        UnknownMember, MemberNotActive: it may not act.
    """
    waiting = missing(state, request)
    if not waiting:
        raise RequestComplete(tuple(signature.member for signature in request.signatures))
    if member not in waiting:
        raise SignerNotAsked(member, waiting)
    active_member(state, member)
    entry = request.entry
    if isinstance(entry, Correction):
        request = structs.replace(request, entry=_signed_within(entry, member, keys))
    signature = sign(keys.signing, _context(entry), entry_id(entry))
    return structs.replace(
        request, signatures=(*request.signatures, MemberSignature(member, signature))
    )


def _signed_within(entry: Correction, member: MemberId, keys: HolderKeys) -> Correction:
    """Return a correction whose own step an auditor has signed too, if that is the member."""
    step = entry.transform
    if member not in {signer.member for signer in step.body.signers}:
        return entry
    signature = sign(keys.signing, SignatureContext.CO_SIGNATURE, entry_id(step))
    signatures = (*step.signatures, MemberSignature(member, signature))
    return structs.replace(entry, transform=structs.replace(step, signatures=signatures))


def _context(entry: Entry) -> SignatureContext:
    votes = isinstance(entry, (Govern, Regrant))
    return SignatureContext.VOTE if votes else SignatureContext.CO_SIGNATURE


def with_consents(request: Request, lots: Sequence[OwnedLot], entropy: Entropy) -> Request:
    """Return a reversal's request with the consent of whoever held the lots that it gives back.

    ``lots`` are those of the reversed transform's inputs, in order.
    """
    message = entry_id(request.entry)
    consents = tuple(
        OwnerSignature(*sign_as_owner(lot.secret, lot.public.owner, message, entropy))
        for lot in lots
    )
    return structs.replace(request, consents=consents)


def completed(state: State, request: Request) -> Entry:
    """Return the entry with everything collected in its place.

    Raises:
        RequestIncomplete: somebody has still to sign.
    """
    waiting = missing(state, request)
    if waiting or needs_consent(state, request):
        raise RequestIncomplete(waiting)
    entry = request.entry
    if isinstance(entry, (Govern, Regrant)):
        return structs.replace(entry, signatures=request.signatures)
    by_member = {signature.member: signature for signature in request.signatures}
    ordered = tuple(by_member[member] for member in _asked(state, entry))
    if isinstance(entry, Reversal):
        return structs.replace(entry, signatures=ordered, consents=request.consents)
    if isinstance(entry, (Correction, Transform)):
        return structs.replace(entry, signatures=ordered)
    return entry


# ------------------------------------------------------------------ what a signer sees


def seal_pieces(signer: Member, identity: EntryId, pieces: Sequence[Piece]) -> Shown:
    """Return pieces sealed to one signer for one entry."""
    view = ViewPublicKey(signer.view)
    sealed = tuple(
        bytes(seal(view, cbor.encode_struct(piece), _place(identity, signer.member, index)))
        for index, piece in enumerate(pieces)
    )
    return Shown(signer.member, sealed)


def _place(identity: EntryId, member: MemberId, index: int) -> bytes:
    return _PIECE_DOMAIN + identity + index.to_bytes(4, "big") + member.encode()


def seen_by(state: State, request: Request, member: MemberId, keys: HolderKeys) -> tuple[Seen, ...]:
    """Return what a signer is shown, each number checked against the entry's commitments.

    Raises:
        NoteNotOpened: sealed to somebody else, for another entry, or altered.
        NoteDoesNotMatch, PieceDoesNotMatch: numbers that the entry does not commit to.
    """
    identity = entry_id(request.entry)
    seen: list[Seen] = []
    for shown in request.shown:
        if shown.member == member:
            seen += [
                _opened(state, request.entry, keys, sealed, _place(identity, member, index))
                for index, sealed in enumerate(shown.sealed)
            ]
    # One member may sign in two roles that see the same lot.
    return tuple({(item.kind, item.index): item for item in seen}.values())


def _opened(state: State, entry: Entry, keys: HolderKeys, sealed: bytes, place: bytes) -> Seen:
    plain = open_sealed(keys.view, SealedNote(sealed), place)
    piece = cbor.decode_struct(plain, Piece)
    transform = carried_transform(entry)
    if piece.kind == "process" and transform is not None:
        _check_process(transform, piece)
        emissions, primary = piece.opening.values
        numbers = (grams_co2e(emissions), grams_co2e(primary))
        return Seen(piece.kind, piece.index, None, None, numbers)
    lot = _lot_of(state, entry, piece)
    if lot is None:
        raise PieceDoesNotMatch(piece.kind)
    check_opening(lot, piece.opening)
    return Seen(piece.kind, piece.index, lot, contents_of(lot, piece.opening), None)


def _lot_of(state: State, entry: Entry, piece: Piece) -> LotPublic | None:
    """Return the lot that a piece speaks of, as the ledger or the entry has it."""
    if isinstance(entry, Reversal):
        making = state.makings.get(Hash32(entry.body.transform))
        made = () if making is None or piece.kind != "given-up" else making.outputs
        return state.lot(made[piece.index]) if piece.index < len(made) else None
    transform = carried_transform(entry)
    if transform is None:
        return None
    body = transform.body
    if piece.kind == "output" and piece.index < len(body.outputs):
        return body.outputs[piece.index]
    if piece.kind == "input" and piece.index < len(body.inputs):
        return state.lot(body.inputs[piece.index].lot)
    return None


def _check_process(transform: Transform, piece: Piece) -> None:
    stated = transform.body.process
    opening = piece.opening
    commitments = tuple(
        Commitment(encode_point(VALUE * scalar(value) + BLINDING * decode_scalar(blinding)))
        for value, blinding in zip(opening.values, opening.blindings, strict=False)
    )
    if stated is None or commitments != (stated.emissions, stated.primary):
        raise PieceDoesNotMatch(piece.kind)
