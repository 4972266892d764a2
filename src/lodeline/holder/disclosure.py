"""One lot shown to one member: its numbers, which the reader checks against the ledger.

The file is sealed to the member's address and signed with the lot's one-time key, so the reader
knows that the lot's present owner (or whoever had its key) shows it. An opening proves itself:
there is one set of numbers that opens a lot's commitments, and no other can be found.

A reader who has the file can show the numbers to others. Not shown: weights, assays and documents;
those are handed over with the salts of their hashes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.onetime import Address
from lodeline.crypto.owner_signature import sign_as_owner, verify_owner
from lodeline.crypto.sealing import (
    SealedNote,
    ViewPrivateKey,
    ViewPublicKey,
    check_sealed_length,
    open_sealed,
    seal,
)
from lodeline.custody.lots import LotOpening, LotPublic
from lodeline.holder.building import OwnedLot
from lodeline.holder.contents import Contents, contents_of
from lodeline.holder.notes import check_names, check_opening
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ChainId,
    ChainIdW,
    LotId,
    LotIdW,
    MemberId,
    MemberIdW,
    SiteId,
    SiteIdW,
)
from lodeline.proofs.proof import OwnerSignature

__all__ = [
    "MAX_DISCLOSURE_BYTES",
    "Disclosed",
    "Disclosure",
    "DisclosureOfOtherChain",
    "Told",
    "make_disclosure",
    "open_disclosure",
    "read_disclosure",
]

MAX_DISCLOSURE_BYTES: Final = 1 << 16
_DOMAIN: Final = b"lodeline/v1/disclosure\0"


class DisclosureOfOtherChain(LodelineError):
    """A disclosure about a lot of another ledger."""

    expected: ChainId
    found: ChainId

    code = "disclosure-of-other-chain"
    en = "the disclosure speaks of a lot on ledger {found}, this is ledger {expected}"
    fr = "la divulgation parle d'un lot du registre {found}, ceci est le registre {expected}"
    advice_en = "check it where that ledger is followed"
    advice_fr = "vérifiez-la là où ce registre est suivi"


class Disclosure(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-disclosure-v1"
):
    """The file: public about whom and which lot, sealed about everything else."""

    chain: ChainIdW
    lot: LotIdW
    member: MemberIdW
    """For whom it is."""
    sealed: Annotated[bytes, msgspec.Meta(max_length=MAX_DISCLOSURE_BYTES)]
    signature: OwnerSignature
    """By the lot's one-time key over the hash of the fields above."""


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    opening: LotOpening
    site: SiteIdW | None
    product: Annotated[str, msgspec.Meta(max_length=128)] | None
    remark: Annotated[str, msgspec.Meta(max_length=1024)]


@dataclass(frozen=True)
class Disclosed:
    """What a reader learns of a lot, checked against the ledger."""

    lot: LotId
    public: LotPublic
    opening: LotOpening
    site: SiteId | None
    """Checked against the lot's commitment, like the product."""
    product: str | None
    remark: str

    @property
    def contents(self) -> Contents:
        """Return what the lot holds, in plain numbers."""
        return contents_of(self.public, self.opening)

    def __repr__(self) -> str:
        return f"Disclosed({self.lot.hex()[:12]}, secret)"


@dataclass(frozen=True)
class Told:
    """What a discloser adds to the numbers of a lot."""

    site: SiteId | None = None
    product: str | None = None
    remark: str = ""


NOTHING_TOLD: Final = Told()


def make_disclosure(
    lot: OwnedLot,
    chain: ChainId,
    reader: tuple[MemberId, Address],
    entropy: Entropy,
    told: Told = NOTHING_TOLD,
) -> bytes:
    """Return the file that shows one lot to one member.

    Raises:
        NoteDoesNotMatch, NamesDoNotMatch: the opening or a name is not that of the lot.
        ExchangeKeyLength, ExchangeKeyNotCanonical, ExchangeKeySmallOrder: the member's address.
    """
    check_opening(lot.public, lot.opening)
    check_names(chain, lot.public, lot.opening, told.site, told.product)
    member, address = reader
    content = _Content(lot.opening, told.site, told.product, told.remark)
    place = _place(chain, lot.lot_id, member)
    sealed = bytes(seal(ViewPublicKey(address.view), cbor.encode_struct(content), place))
    message = _message(place, sealed)
    signature = OwnerSignature(*sign_as_owner(lot.secret, lot.public.owner, message, entropy))
    return cbor.encode_struct(Disclosure(chain, lot.lot_id, member, sealed, signature))


def read_disclosure(data: bytes) -> Disclosure:
    """Read what a file says openly: which lot it is about, and for whom. Nothing is verified.

    Raises:
        CborError, WrongShape: it is no disclosure.
    """
    return cbor.decode_struct(data, Disclosure, max_bytes=MAX_DISCLOSURE_BYTES)


def open_disclosure(
    data: bytes, view: ViewPrivateKey, chain: ChainId, public: LotPublic
) -> Disclosed:
    """Return what a file shows, checked against the lot as the ledger has it.

    Not checked: that the lot is still unspent.

    Raises:
        CborError, WrongShape, SealedNoteLength: it is no disclosure.
        DisclosureOfOtherChain: it is about another ledger.
        OwnerSignatureInvalid: not signed by the lot's owner, or another lot was looked up.
        NoteNotOpened: it is for somebody else.
        NoteDoesNotMatch, NamesDoNotMatch: its numbers or names are not those on the ledger.
    """
    parsed = read_disclosure(data)
    if parsed.chain != chain:
        raise DisclosureOfOtherChain(chain, ChainId(parsed.chain))
    place = _place(chain, LotId(parsed.lot), MemberId(parsed.member))
    signature = parsed.signature
    message = _message(place, parsed.sealed)
    verify_owner(public.owner, message, signature.announcement, signature.response)
    check_sealed_length(parsed.sealed)
    content = cbor.decode_struct(open_sealed(view, SealedNote(parsed.sealed), place), _Content)
    check_opening(public, content.opening)
    site = None if content.site is None else SiteId(content.site)
    check_names(chain, public, content.opening, site, content.product)
    return Disclosed(
        LotId(parsed.lot), public, content.opening, site, content.product, content.remark
    )


def _place(chain: ChainId, lot: LotId, member: MemberId) -> bytes:
    framed = (chain.encode(), lot, member.encode())
    return _DOMAIN + b"".join(len(part).to_bytes(4, "big") + part for part in framed)


def _message(place: bytes, sealed: bytes) -> bytes:
    return hashlib.sha256(place + sealed).digest()
