"""What the ledger accepts: one closed union of entry types, in canonical CBOR (protocol.md §7).

An entry is a *body* (what is said), signatures, and for transforms the sealed notes and the proof.
The id of an entry is the hash of its body alone; the leaf of the log is the whole entry with the
block time. Decoding is strict: unknown, missing or wrongly sized fields, and any encoding other
than the canonical one, are refused before anything is looked up.

What a member, a facility or the owner of a lot signs is always the id of the entry (of a sale: the
id that the sale would have as a transform of its own). The id covers the type of the entry, so an
acceptance is never taken for a withdrawal.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Annotated, NewType

import msgspec
from msgspec.structs import replace

from lodeline.custody.allocation import AllocationTable
from lodeline.custody.forms import Form
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborTooLarge
from lodeline.kernel.ids import (
    ChainIdW,
    ElementW,
    Hash32W,
    LotIdW,
    MemberIdW,
    MemberKeyW,
    OneTimeKeyW,
    RecipeDigestW,
    RoleW,
    SignatureW,
    SiteIdW,
    StandardNameW,
    TagW,
    TransformIdW,
)
from lodeline.kernel.time import BlockTimeW
from lodeline.proofs.body import TransformBody
from lodeline.proofs.proof import OwnerSignature, Proof

__all__ = [
    "AcceptBody",
    "AdmitMember",
    "AdoptForm",
    "AdoptRecipe",
    "AdoptStandard",
    "AnchorBody",
    "Correction",
    "CorrectionBody",
    "DeclineBody",
    "Entry",
    "Genesis",
    "GovernBody",
    "LiftRecall",
    "Member",
    "MemberSignature",
    "OfferBody",
    "ProtocolVersion",
    "RecallBody",
    "Recognise",
    "RegisterSite",
    "Regrant",
    "RemoveRecognition",
    "RemoveValidator",
    "RequireProtocol",
    "RestoredLot",
    "RetireRecipe",
    "Reversal",
    "ReversalBody",
    "RotateKeyBody",
    "SetStatus",
    "SetValidator",
    "SiteRecord",
    "Transform",
    "WithdrawBody",
    "entry_id",
]

EntryId = NewType("EntryId", bytes)
"""Hash of what an entry says, without proof and signatures."""
ProtocolVersion = NewType("ProtocolVersion", int)
"""Number of the rules and encodings that a ledger follows, from 1."""

_ENTRY_DOMAIN = b"lodeline/v1/entry-id"
MAX_ENTRY_BYTES = 65_000
"""Largest entry; with the block time it stays below the 65,535 bytes of a leaf in C2SP tiles."""
MAX_GRACE_SECONDS = 28 * 86_400
"""Longest reporting grace: shorter than any month, so that at most two periods overlap."""
MAX_NOTE_BYTES = 16_384
MAX_SIGNATURES = 64

ProtocolVersionW = Annotated[ProtocolVersion, msgspec.Meta(ge=1, le=2**32 - 1)]
EntryIdW = Annotated[EntryId, msgspec.Meta(min_length=32, max_length=32)]

Right = Annotated[str, msgspec.Meta(pattern=r"^(licence|quota|intake)\Z")]
Text = Annotated[str, msgspec.Meta(max_length=256)]
Note = Annotated[bytes, msgspec.Meta(max_length=MAX_NOTE_BYTES)]


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every wire structure of the ledger: frozen, closed."""


class MemberSignature(Wire, frozen=True):
    """One member's Ed25519 signature over an entry's body."""

    member: MemberIdW
    signature: SignatureW


class SiteSignature(Wire, frozen=True):
    """A registered facility key's signature over a transform's body (T9)."""

    site: SiteIdW
    signature: SignatureW


# --- registry -------------------------------------------------------------------------------


class Member(Wire, frozen=True):
    """One member of the consortium."""

    member: MemberIdW
    title: Text
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
    """ISO 3166-1 alpha-2."""
    key: MemberKeyW
    spend: OneTimeKeyW
    """Public spend key ``S``; with ``view`` the address to which others send lots."""
    view: Hash32W
    """Public X25519 view key."""
    roles: Annotated[tuple[RoleW, ...], msgspec.Meta(max_length=16)]
    """Ascending; what the member may do: miner, refiner, authority, auditor, body, umpire …"""
    votes: bool
    """Whether the member counts for governance."""


class SiteRecord(Wire, frozen=True):
    """One registered facility of a member."""

    site: SiteIdW
    member: MemberIdW
    title: Text
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
    facility_key: MemberKeyW


class Genesis(Wire, frozen=True, tag="genesis"):
    """The first entry: who founds the consortium and under which constants."""

    chain: ChainIdW
    version: int
    title: Text
    synthetic: bool
    """Whether every lot of this ledger is a demonstration's invention."""
    members: Annotated[tuple[Member, ...], msgspec.Meta(min_length=1, max_length=MAX_SIGNATURES)]
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_SIGNATURES)]
    """How many voting members a governance act needs at least; it needs more than half of the
    active ones besides."""
    grace_seconds: Annotated[int, msgspec.Meta(ge=0, le=MAX_GRACE_SECONDS)]
    """How long after a period's end a right of it may still be used (reporting grace)."""
    credit_period: Annotated[str, msgspec.Meta(pattern=r"^(month|quarter)\Z")]
    """Length of a mass-balance block: ``month`` or ``quarter``."""
    elements: Annotated[tuple[ElementW, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Elements that forms of this ledger may contain, ascending."""
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=MAX_SIGNATURES)]
    """Of every founding member, in the order of ``members``, over everything but this field."""


# --- governance -----------------------------------------------------------------------------


class AdmitMember(Wire, frozen=True, tag="admit-member"):
    """A new member joins."""

    record: Member


class Status(Enum):
    """Whether a member, site or recognition may act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class SetStatus(Wire, frozen=True, tag="set-status"):
    """A member is suspended, reinstated or removed."""

    member: MemberIdW
    status: Status


class AdoptForm(Wire, frozen=True, tag="adopt-form"):
    """A form enters the table; a name is never redefined, a new width is a new form."""

    form: Form


class AdoptStandard(Wire, frozen=True, tag="adopt-standard"):
    """A standard enters the table or a newer version replaces it."""

    standard: Standard


class AdoptAllocation(Wire, frozen=True, tag="adopt-allocation"):
    """An allocation table enters; never redefined."""

    table: AllocationTable


class AdoptRecipe(Wire, frozen=True, tag="adopt-recipe"):
    """A recipe that passes the static check of §4 comes into force."""

    recipe: Recipe


class RetireRecipe(Wire, frozen=True, tag="retire-recipe"):
    """A recipe accepts no further transforms."""

    recipe: RecipeDigestW


class Recognise(Wire, frozen=True, tag="recognise"):
    """A body is recognised to assure a standard, or an authority to grant a right, until a time."""

    member: MemberIdW
    standard: StandardNameW | None
    """The standard; none with a ``right``."""
    right: Right | None
    until: BlockTimeW
    """Last block time at which it holds."""


class RemoveRecognition(Wire, frozen=True, tag="remove-recognition"):
    """A recognition ends now."""

    member: MemberIdW
    standard: StandardNameW | None
    right: Right | None


class RegisterSite(Wire, frozen=True, tag="register-site"):
    """A facility and its key enter the registry (or the key is replaced)."""

    record: SiteRecord


class LiftRecall(Wire, frozen=True, tag="lift-recall"):
    """A recall is lifted from a lot and its descendants."""

    lot: LotIdW


class SetValidator(Wire, frozen=True, tag="set-validator"):
    """A member runs a validator, or its validator gets other keys or another address."""

    member: MemberIdW
    consensus_key: MemberKeyW
    """Ed25519 key with which the validator takes part in consensus."""
    checkpoint_key: MemberKeyW
    """Ed25519 key with which it signs checkpoints of the log."""
    address: Text
    """Where its members' interface is reached; not checked."""


class RemoveValidator(Wire, frozen=True, tag="remove-validator"):
    """A member's validator takes no further part; its keys never come back."""

    member: MemberIdW


class RequireProtocol(Wire, frozen=True, tag="require-protocol"):
    """From a block time on the ledger follows another version of the protocol.

    Every release keeps this in its state, also one that does not know the version. What the version
    says is in the releases that know it.
    """

    version: ProtocolVersionW
    at: BlockTimeW | None
    """First block time of the version; none takes back what was required and has not begun."""
    release: Text
    """Which release knows the version, for whoever has to install it; not checked."""


Act = (
    AdmitMember
    | SetStatus
    | AdoptForm
    | AdoptStandard
    | AdoptAllocation
    | AdoptRecipe
    | RetireRecipe
    | Recognise
    | RemoveRecognition
    | RegisterSite
    | LiftRecall
    | SetValidator
    | RemoveValidator
    | RequireProtocol
)


class GovernBody(Wire, frozen=True):
    """Governance acts and the number that makes them unrepeatable."""

    chain: ChainIdW
    sequence: int
    """The state's count of governance acts so far: no act can be replayed."""
    acts: Annotated[tuple[Act, ...], msgspec.Meta(min_length=1, max_length=256)]
    """All or none."""


class Govern(Wire, frozen=True, tag="govern"):
    """A governance act with the signatures of as many voting members as it needs."""

    body: GovernBody
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=MAX_SIGNATURES)]


class RotateKeyBody(Wire, frozen=True):
    """A member's new signing key and address."""

    chain: ChainIdW
    member: MemberIdW
    sequence: int
    """The member's count of rotations so far."""
    key: MemberKeyW
    spend: OneTimeKeyW
    view: Hash32W


class RotateKey(Wire, frozen=True, tag="rotate-key"):
    """Signed by the old key and by the new one."""

    body: RotateKeyBody
    old: SignatureW
    new: SignatureW


class AnchorBody(Wire, frozen=True):
    """A member fixes a digest in time: a report, a document index, a batch of events."""

    chain: ChainIdW
    member: MemberIdW
    digest: Hash32W
    kind: Text


class Anchor(Wire, frozen=True, tag="anchor"):
    """A signed anchor; the same digest of the same member is accepted once."""

    body: AnchorBody
    signature: SignatureW


# --- material -------------------------------------------------------------------------------


class Transform(Wire, frozen=True, tag="transform"):
    """Lots are used up and lots come into being, under a recipe, with a proof."""

    body: TransformBody
    notes: Annotated[tuple[Note, ...], msgspec.Meta(max_length=16)]
    proof: Proof
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=16)]
    site_signature: SiteSignature | None


class OfferBody(Wire, frozen=True):
    """A finished sale that the buyer may accept until a deadline."""

    chain: ChainIdW
    sale: TransformIdW
    deadline: BlockTimeW
    """Accepted means accepted at or before it."""


class Offer(Wire, frozen=True, tag="offer"):
    """The offer carries the sale; its tags are reserved until it ends."""

    body: OfferBody
    sale: Transform
    signatures: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]
    """By the one-time keys of the sale's inputs, in order, over the offer's body."""


class AcceptBody(Wire, frozen=True):
    """The buyer accepts an offer."""

    chain: ChainIdW
    offer: Hash32W


class Accept(Wire, frozen=True, tag="accept"):
    """Signed with the buyer's one-time keys, the owners of the sale's outputs, in order."""

    body: AcceptBody
    signatures: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]


class DeclineBody(Wire, frozen=True):
    """The buyer declines an offer, with the hash of a reason kept off the ledger."""

    chain: ChainIdW
    offer: Hash32W
    reason: Hash32W


class Decline(Wire, frozen=True, tag="decline"):
    """Signed like an acceptance."""

    body: DeclineBody
    signatures: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]


class WithdrawBody(Wire, frozen=True):
    """The seller takes an offer back."""

    chain: ChainIdW
    offer: Hash32W


class Withdraw(Wire, frozen=True, tag="withdraw"):
    """Signed with the one-time keys of the sale's inputs, in order."""

    body: WithdrawBody
    signatures: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]


class RestoredLot(Wire, frozen=True):
    """An input of the reversed transform under a fresh key, equal to the old one."""

    lot: LotPublic
    note: Note
    view_tag: Annotated[bytes, msgspec.Meta(min_length=2, max_length=2)]


class ReversalBody(Wire, frozen=True):
    """An honest mistake is undone: all outputs of one transform, none moved on."""

    chain: ChainIdW
    version: int
    transform: TransformIdW
    tags: Annotated[tuple[TagW, ...], msgspec.Meta(max_length=16)]
    """Spending tags of all outputs of the transform, in order."""
    restored: Annotated[tuple[RestoredLot, ...], msgspec.Meta(max_length=16)]
    """One for each input of the transform, in order."""
    scan_key: Hash32W


class Reversal(Wire, frozen=True, tag="reversal"):
    """Signed by all signers of the transform; proves ownership and equality of every number."""

    body: ReversalBody
    proof: Proof
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=16)]
    """Of the transform's own signers, in its order."""
    site_signature: SiteSignature | None
    """Where the transform had one."""
    consents: Annotated[tuple[OwnerSignature, ...], msgspec.Meta(max_length=16)]
    """By the one-time keys of the transform's inputs, in order: whoever gave a lot away agrees to
    have it back under exactly these keys. Without it the buyer alone could undo a sale."""


class CorrectionBody(Wire, frozen=True):
    """A mistake found after the lots moved on: a corrective transform that names it."""

    chain: ChainIdW
    corrects: TransformIdW
    transform: TransformIdW


class Correction(Wire, frozen=True, tag="correction"):
    """A transform under a corrective recipe, by the original issuer and an auditor."""

    body: CorrectionBody
    transform: Transform
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=16)]


class RegrantBody(Wire, frozen=True):
    """An equal lot under a new key for one whose key is lost."""

    chain: ChainIdW
    sequence: int
    """The count of governance acts when the members voted; the next act makes the vote void."""
    lot: LotIdW
    replacement: RestoredLot
    scan_key: Hash32W


class Regrant(Wire, frozen=True, tag="regrant"):
    """By the members' vote. The replacement's commitments are the old lot's own, byte for byte."""

    body: RegrantBody
    signatures: Annotated[tuple[MemberSignature, ...], msgspec.Meta(max_length=MAX_SIGNATURES)]


class RecallBody(Wire, frozen=True):
    """A lot and all its descendants are flagged."""

    chain: ChainIdW
    member: MemberIdW
    lot: LotIdW
    reason: Hash32W


class Recall(Wire, frozen=True, tag="recall"):
    """By the issuer of the lot's transform, an auditor or an authority."""

    body: RecallBody
    signature: SignatureW


Entry = (
    Genesis
    | Govern
    | RotateKey
    | Anchor
    | Transform
    | Offer
    | Accept
    | Decline
    | Withdraw
    | Reversal
    | Correction
    | Regrant
    | Recall
)


def entry_id(entry: Entry) -> EntryId:
    """Return the hash of an entry's type and body (of a genesis: of all but its signatures).

    Two entries with one id say the same, whatever proofs and signatures they carry.
    """
    body = replace(entry, signatures=()) if isinstance(entry, Genesis) else entry.body
    name = type(entry).__name__.encode()
    return EntryId(hashlib.sha256(_ENTRY_DOMAIN + name + b"\0" + cbor.encode_struct(body)).digest())


def encode_entry(entry: Entry) -> bytes:
    """Return the complete canonical bytes of an entry: body, proof and signatures.

    Raises:
        CborTooLarge: more than `MAX_ENTRY_BYTES`.
    """
    data = cbor.encode_struct(entry)
    if len(data) > MAX_ENTRY_BYTES:
        raise CborTooLarge(size=len(data), limit=MAX_ENTRY_BYTES)
    return data


def decode_entry(data: bytes) -> Entry:
    """Read an entry from its canonical bytes; looks nothing up and verifies nothing.

    Raises:
        CborError: not canonical, or more than `MAX_ENTRY_BYTES`.
        WrongShape: canonical, but no entry.
    """
    entry = cbor.decode_struct(data, Entry, max_bytes=MAX_ENTRY_BYTES)
    assert isinstance(entry, Entry)  # noqa: S101 - for the type checker: decoding gives no other
    return entry
