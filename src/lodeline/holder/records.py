"""What a holder keeps in the vault, as closed structures."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Annotated

import msgspec

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.group import decode_scalar
from lodeline.crypto.onetime import Address, owner_secret
from lodeline.custody.lots import LotOpening, LotPublic
from lodeline.holder.building import OwnedLot, OwnerKey
from lodeline.holder.contents import Contents, contents_of
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementW,
    Hash32,
    Hash32W,
    LotId,
    LotIdW,
    MemberIdW,
    OneTimeKey,
    OneTimeKeyW,
    RecipeDigestW,
    RecipeNameW,
    Scalar32W,
    SiteId,
    SiteIdW,
    TagW,
    TransformId,
    TransformIdW,
)
from lodeline.kernel.time import BlockTime, BlockTimeW
from lodeline.kernel.units import MilligramsW, PpmW
from lodeline.ledger.entries import EntryId, EntryIdW

__all__ = [
    "AssayFact",
    "Contact",
    "Dispute",
    "Document",
    "DocumentDiffers",
    "HeldLot",
    "LotFacts",
    "LotStatus",
    "MadeRecord",
    "OfferSide",
    "OfferState",
    "OwnOutput",
    "OwnTransform",
    "QueuedEntry",
    "StoredOffer",
    "register_document",
]

_SALT_BYTES = 32
_DOCUMENT_DOMAIN = b"lodeline/v1/document\0"
Text = Annotated[str, msgspec.Meta(max_length=512)]


class DocumentDiffers(LodelineError):
    """A document that is not the one registered."""

    name: str
    registered: Hash32
    computed: Hash32

    code = "document-differs"
    en = "{name} is not the document that was registered: hash {computed}, registered {registered}"
    fr = "{name} n'est pas le document enregistré : empreinte {computed}, enregistrée {registered}"
    advice_en = "find the original; even a change that cannot be seen changes the hash"
    advice_fr = "retrouvez l'original ; même un changement invisible change l'empreinte"


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every record: frozen, closed, and silent about what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(secret)"


class LotStatus(Enum):
    """Where a lot of the holder stands."""

    UNSPENT = "unspent"
    RESERVED = "reserved"
    """Promised to an entry that is not in the log yet, or to an open offer."""
    SPENT = "spent"


class HeldLot(_Record, frozen=True):
    """A lot that is or was the holder's."""

    lot: LotIdW
    public: LotPublic
    opening: LotOpening
    offset: Scalar32W
    """What the spend key needs to give the lot's private key."""
    tag: TagW
    """By which the log shows that it is spent."""
    maker: Hash32W
    """Id of the transform, reversal or re-grant that made it."""
    output: int
    leaf: int
    """Index of the leaf of the log in which it came into being."""
    time: BlockTimeW
    status: LotStatus
    reserved_for: Hash32W | None
    """Entry id of the offer or the waiting entry that it is promised to."""
    spent_by: Hash32W | None
    """Id of the entry that used it up."""
    site: SiteIdW | None
    product: Text | None
    references: tuple[Hash32W, ...]
    memo: Text

    @property
    def contents(self) -> Contents:
        """Return what the lot holds, in plain numbers."""
        return contents_of(self.public, self.opening)

    @property
    def lot_id(self) -> LotId:
        """Return the lot's id."""
        return LotId(self.lot)

    def owned(self, keys: HolderKeys) -> OwnedLot:
        """Return the lot with its private key, ready to be spent.

        Raises:
            OwnerSecretZero: the key is zero; chance 2**-255.
        """
        secret = owner_secret(keys.spend, decode_scalar(self.offset))
        return OwnedLot(LotId(self.lot), self.public, self.opening, secret)


class AssayFact(_Record, frozen=True):
    """One assay of a lot's dry material."""

    element: ElementW
    share: PpmW
    method: Text
    laboratory: Text


class Document(_Record, frozen=True):
    """A private document, known to the ledger's notes by a salted hash alone."""

    name: Text
    salt: Annotated[bytes, msgspec.Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]
    hash: Hash32W

    def check(self, content: bytes) -> None:
        """Check that some content is that of the document.

        Raises:
            DocumentDiffers: it is not.
        """
        computed = _document_hash(self.salt, content)
        if computed != self.hash:
            raise DocumentDiffers(self.name, Hash32(self.hash), computed)


def register_document(name: str, content: bytes, entropy: Entropy) -> Document:
    """Return a document's entry with a fresh salt; the content itself is not kept."""
    salt = entropy.bytes(_SALT_BYTES)
    return Document(name, salt, _document_hash(salt, content))


def _document_hash(salt: bytes, content: bytes) -> Hash32:
    return Hash32(hashlib.sha256(_DOCUMENT_DOMAIN + salt + content).digest())


class LotFacts(_Record, frozen=True):
    """What was weighed, analysed and filed about a lot; never on the ledger."""

    gross: MilligramsW | None = None
    """With packaging."""
    tare: MilligramsW | None = None
    net: MilligramsW | None = None
    """Wet, without packaging."""
    moisture: PpmW | None = None
    assays: tuple[AssayFact, ...] = ()
    seals: tuple[Text, ...] = ()
    documents: tuple[Document, ...] = ()
    remark: Text = ""


class MadeRecord(_Record, frozen=True):
    """One output of an own transform, whoever received it."""

    lot: LotIdW
    public: LotPublic
    opening: LotOpening

    @property
    def contents(self) -> Contents:
        """Return what the lot held, in plain numbers."""
        return contents_of(self.public, self.opening)


class OwnTransform(_Record, frozen=True):
    """A transform that the holder made, with every number."""

    transform: TransformIdW
    recipe: RecipeDigestW
    recipe_name: RecipeNameW
    site: SiteIdW | None
    inputs: tuple[LotIdW, ...]
    outputs: tuple[MadeRecord, ...]
    process: LotOpening | None
    """Emissions of the step and their primary part, with blinding factors."""
    remark: Text

    @property
    def transform_id(self) -> TransformId:
        """Return the transform's id."""
        return TransformId(self.transform)

    @property
    def happened_at(self) -> SiteId | None:
        """Return the site, where the recipe has one."""
        return None if self.site is None else SiteId(self.site)


class OfferSide(Enum):
    """Which side of an offer the holder is on."""

    MADE = "made"
    RECEIVED = "received"


class OfferState(Enum):
    """How an offer stands, as far as the log was followed."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """Past its deadline, and a lot of it was granted again under a new key."""


class OwnOutput(_Record, frozen=True):
    """An output of an offered sale that would be the holder's, whether its note opens or not."""

    index: int
    owner: OneTimeKeyW
    offset: Scalar32W

    def key(self, keys: HolderKeys) -> OwnerKey:
        """Return the one-time key with which the holder answers the offer.

        Raises:
            OwnerSecretZero: the key is zero; chance 2**-255.
        """
        secret = owner_secret(keys.spend, decode_scalar(self.offset))
        return OwnerKey(OneTimeKey(self.owner), secret)


class StoredOffer(_Record, frozen=True):
    """An offer made or received."""

    offer: EntryIdW
    side: OfferSide
    sale: TransformIdW
    deadline: BlockTimeW
    state: OfferState
    leaf: int
    time: BlockTimeW
    given: tuple[LotIdW, ...]
    """The sale's inputs."""
    outputs: int
    """Number of lots that change hands."""
    mine: tuple[OwnOutput, ...]
    """Those of them that would be the holder's, in order."""
    taken: tuple[HeldLot, ...]
    """Those of them whose notes open and match; an output that is in ``mine`` and not here is a
    dispute, and the offer should be declined."""
    reason: Text
    """Of a decline by the holder: why."""
    salt: bytes
    """With it the hash of the reason on the ledger can be shown to be this one's."""

    @property
    def offer_id(self) -> EntryId:
        """Return the id of the offer's entry."""
        return EntryId(self.offer)

    @property
    def is_sound(self) -> bool:
        """Return whether every lot of the sale would be the holder's, with a note that matches."""
        return len(self.taken) == len(self.mine) == self.outputs

    def is_open(self, now: BlockTime) -> bool:
        """Return whether the offer can still be accepted."""
        return self.state is OfferState.OPEN and now <= self.deadline


class QueuedEntry(_Record, frozen=True):
    """An entry that waits to be sent, in the order of its number."""

    number: int
    label: Text
    data: bytes


class Dispute(_Record, frozen=True):
    """An output that is the holder's and whose note is of no use: what can be shown of it.

    The sealed note stands in the log, and its hash in the signed body; whoever is given the view
    key opens it and sees the same mismatch.
    """

    lot: LotIdW
    leaf: int
    maker: Hash32W
    output: int
    reason: str
    """Code of the refusal: the note does not open, or does not match."""
    text_en: str
    text_fr: str
    note: bytes
    """The sealed note, as the log has it."""


class Contact(_Record, frozen=True):
    """An address to which lots are sent."""

    name: Text
    member: MemberIdW | None
    address: Address
