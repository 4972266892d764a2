"""Disclosure: one lot's numbers for one member, and what an auditor does with the file."""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.holder.disclosure import (
    Disclosed,
    Told,
    make_disclosure,
    open_disclosure,
    read_disclosure,
)
from lodeline.holder.records import HeldLot
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId, MemberId, SiteId
from lodeline.ledger.refusals_transforms import LotUnknown
from lodeline.node.granting import address_of
from lodeline.node.holding import Holding
from lodeline.node.session import Session

__all__ = ["DisclosureForAnother", "OpenedDisclosure", "disclose", "read_disclosed"]


class DisclosureForAnother(LodelineError):
    """A disclosure that is sealed to another member."""

    made_for: MemberId
    reader: MemberId

    code = "disclosure-for-another"
    en = "this is for {made_for} to read, not for {reader}"
    fr = "ceci s'adresse à {made_for}, pas à {reader}"
    advice_en = "read it as the member that it was made for, or ask for one of your own"
    advice_fr = "lisez-le en tant que ce membre, ou demandez-en un pour vous"


@dataclass(frozen=True)
class OpenedDisclosure:
    """A lot as it was disclosed, and how it stands now."""

    shown: Disclosed
    unspent: bool
    recalled: bool


def disclose(own: Holding, lot: HeldLot, to: MemberId, remark: str = "") -> bytes:
    """Return the file that shows one lot of the holder to one member.

    Raises:
        UnknownMember, MemberNotActive: nobody to show it to.
        NoteDoesNotMatch: the vault's numbers are not those on the ledger.
    """
    reader = own.session.member(to)
    site = None if lot.site is None else SiteId(lot.site)
    told = Told(site, lot.product, remark)
    addressed = (to, address_of(reader))
    return make_disclosure(
        lot.owned(own.keys), own.session.chain, addressed, own.session.entropy, told
    )


def read_disclosed(session: Session, reader: MemberId, data: bytes) -> OpenedDisclosure:
    """Return what a disclosure shows, every number checked against the ledger's commitments.

    Raises:
        DisclosureForAnother: it is for somebody else.
        LotUnknown: the ledger has no such lot.
        DisclosureOfOtherChain, OwnerSignatureInvalid, NoteNotOpened, NoteDoesNotMatch, …: see
            `lodeline.holder.disclosure`.
    """
    parsed = read_disclosure(data)
    if parsed.member != reader:
        raise DisclosureForAnother(MemberId(parsed.member), reader)
    lot = LotId(parsed.lot)
    public = session.state.lot(lot)
    if public is None:
        raise LotUnknown(lot)
    shown = open_disclosure(data, session.keys(reader).view, session.chain, public)
    return OpenedDisclosure(shown, session.state.is_unspent(lot), lot in session.state.flags)
