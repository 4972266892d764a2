"""The entry that is being decided, and the checks that every kind of entry shares.

A check reads and refuses; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.crypto.group import decode_point
from lodeline.crypto.owner_signature import verify_owner
from lodeline.crypto.signatures import SignatureContext, SignatureInvalid, verify
from lodeline.kernel.ids import ChainId, Hash32, LotId, MemberId, OneTimeKey, Role, SiteId, Tag
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId, MemberSignature, SiteRecord, SiteSignature
from lodeline.ledger.records import Constants, LotRecord, MemberRecord
from lodeline.ledger.refusals_entries import (
    MemberNotActive,
    MemberSignatureInvalid,
    OwnerSignatureCount,
    RoleMissing,
    SignersDiffer,
    SignerTwice,
    SiteSignatureInvalid,
    SiteSignatureMissing,
    SiteSignatureNotExpected,
    UnknownMember,
    WrongChain,
    WrongVersion,
)
from lodeline.ledger.refusals_governance import NotAVoter, NotEnoughVotes, SequenceWrong
from lodeline.ledger.refusals_transforms import (
    LotAlreadySpent,
    LotExpired,
    LotRecalled,
    LotReserved,
    LotTwice,
    LotUnknown,
    OwnerKeyReserved,
    OwnerKeySeen,
    OwnerKeyTwice,
    TagReserved,
    TagSpent,
    TagTwice,
    UnknownSite,
)
from lodeline.ledger.state import State
from lodeline.proofs.proof import OwnerSignature

__all__ = [
    "Case",
    "active_member",
    "active_site",
    "check_chain",
    "check_member_signature",
    "check_owner_keys",
    "check_owner_signatures",
    "check_sequence",
    "check_signers",
    "check_site_signature",
    "check_tags",
    "check_version",
    "check_votes",
    "free_lots",
    "member_in_role",
]


@dataclass(frozen=True)
class Case:
    """One entry before the state, at one block time."""

    state: State
    constants: Constants
    identity: EntryId
    """Id of the entry; what members, facilities and owners sign."""
    now: BlockTime

    @property
    def index(self) -> int:
        """Return the leaf index that the entry will have."""
        return self.state.size


def check_chain(case: Case, chain: ChainId) -> None:
    """Refuse an entry for another ledger.

    Raises:
        WrongChain: it names another chain.
    """
    if chain != case.constants.chain:
        raise WrongChain(case.constants.chain, chain)


def check_version(case: Case, version: int) -> None:
    """Refuse an entry of another protocol version.

    Raises:
        WrongVersion: it names another version.
    """
    if version != case.constants.version:
        raise WrongVersion(case.constants.version, version)


# ------------------------------------------------------------------ members and sites


def active_member(state: State, member: MemberId) -> MemberRecord:
    """Return a member that may act.

    Raises:
        UnknownMember: there is none of this name.
        MemberNotActive: it is suspended or removed.
    """
    record = state.members.get(member)
    if record is None:
        raise UnknownMember(member)
    if not record.is_active:
        raise MemberNotActive(member, record.status)
    return record


def member_in_role(state: State, member: MemberId, role: Role) -> MemberRecord:
    """Return a member that may act in a role.

    Raises:
        UnknownMember, MemberNotActive: as `active_member`.
        RoleMissing: it does not have the role.
    """
    record = active_member(state, member)
    if not record.has_role(role):
        raise RoleMissing(member, role, record.member.roles)
    return record


def active_site(state: State, site: SiteId) -> SiteRecord:
    """Return a registered site whose member may act.

    Raises:
        UnknownSite: it is not registered.
        UnknownMember, MemberNotActive: its member may not act.
    """
    record = state.sites.get(site)
    if record is None:
        raise UnknownSite(site)
    active_member(state, record.member)
    return record


# ------------------------------------------------------------------ signatures


def check_member_signature(
    record: MemberRecord, signature: MemberSignature, context: SignatureContext, identity: EntryId
) -> None:
    """Check one signature with the member's present key over an entry's id.

    Raises:
        MemberSignatureInvalid: it does not fit.
    """
    try:
        verify(record.member.key, context, identity, signature.signature)
    except SignatureInvalid as refused:
        raise MemberSignatureInvalid(signature.member) from refused


def check_signers(
    state: State,
    expected: tuple[MemberId, ...],
    signatures: Sequence[MemberSignature],
    identity: EntryId,
) -> None:
    """Check that exactly the expected members co-sign, in their order, none missing, none extra.

    Raises:
        SignersDiffer: other members, or another order.
        UnknownMember, MemberNotActive: a signer may not act.
        MemberSignatureInvalid: a signature does not fit.
    """
    found = tuple(signature.member for signature in signatures)
    if found != expected:
        raise SignersDiffer(expected, found)
    for signature in signatures:
        record = active_member(state, signature.member)
        check_member_signature(record, signature, SignatureContext.CO_SIGNATURE, identity)


def check_site_signature(
    site: SiteRecord | None, signature: SiteSignature | None, identity: EntryId
) -> None:
    """Check the facility's signature where there must be one, and that there is none elsewhere.

    Raises:
        SiteSignatureNotExpected: there is one, and none belongs.
        SiteSignatureMissing: there is none, or that of another site.
        SiteSignatureInvalid: it does not fit.
    """
    if site is None:
        if signature is not None:
            raise SiteSignatureNotExpected(signature.site)
        return
    if signature is None or signature.site != site.site:
        raise SiteSignatureMissing(site.site, None if signature is None else signature.site)
    try:
        verify(site.facility_key, SignatureContext.SITE_OPERATION, identity, signature.signature)
    except SignatureInvalid as refused:
        raise SiteSignatureInvalid(site.site) from refused


def check_owner_signatures(
    keys: Sequence[OneTimeKey], signatures: Sequence[OwnerSignature], identity: EntryId
) -> None:
    """Check one signature with each one-time key, in order, over an entry's id.

    Raises:
        OwnerSignatureCount: not one for each key.
        OwnerSignatureInvalid, BadPoint, BadScalar: one does not fit.
    """
    if len(keys) != len(signatures):
        raise OwnerSignatureCount(len(keys), len(signatures))
    for key, signature in zip(keys, signatures, strict=True):
        verify_owner(key, identity, signature.announcement, signature.response)


# ------------------------------------------------------------------ votes


def check_sequence(expected: int, found: int) -> None:
    """Refuse an act that is not the next one of its kind.

    Raises:
        SequenceWrong: a replay, or an act that was made for another state.
    """
    if found != expected:
        raise SequenceWrong(expected, found)


def check_votes(case: Case, signatures: Sequence[MemberSignature]) -> None:
    """Check that enough distinct active voting members signed, and nobody else.

    Enough is at least the threshold of the genesis, and more than half of those active now.

    Raises:
        SignerTwice, UnknownMember, MemberNotActive, NotAVoter: a signature that does not count.
        MemberSignatureInvalid: one that does not fit.
        NotEnoughVotes: too few of them.
    """
    seen: set[MemberId] = set()
    for signature in signatures:
        if signature.member in seen:
            raise SignerTwice(signature.member)
        seen.add(signature.member)
        record = active_member(case.state, signature.member)
        if not record.votes:
            raise NotAVoter(signature.member)
        check_member_signature(record, signature, SignatureContext.VOTE, case.identity)
    needed = case.constants.votes_needed(case.state.active_voters())
    if len(seen) < needed:
        raise NotEnoughVotes(needed, len(seen))


# ------------------------------------------------------------------ lots, tags, keys


def free_lots(
    case: Case,
    lots: Sequence[LotId],
    *,
    held_by: EntryId | None = None,
    recalled_too: bool = False,
) -> tuple[LotRecord, ...]:
    """Return the records of lots that may be used up now, each once.

    ``held_by`` names the offer whose acceptance this is; it may use what it holds.

    Raises:
        LotUnknown, LotTwice, LotAlreadySpent, LotReserved, LotExpired, LotRecalled.
    """
    seen: set[LotId] = set()
    records = []
    for lot in lots:
        if lot in seen:
            raise LotTwice(lot)
        seen.add(lot)
        records.append(_free_lot(case, lot, held_by))
        flag = case.state.flags.get(lot)
        if flag is not None and not recalled_too:
            raise LotRecalled(lot, flag.recalls)
    return tuple(records)


def _free_lot(case: Case, lot: LotId, held_by: EntryId | None) -> LotRecord:
    state = case.state
    record = state.lots.get(lot)
    if record is None:
        raise LotUnknown(lot)
    spent = state.consumers.get(lot)
    if spent is not None:
        raise LotAlreadySpent(lot, spent)
    offer = state.reserved_lots.get(lot)
    if offer is not None and offer != held_by:
        raise LotReserved(lot, offer)
    expires = record.lot.expiry
    if expires is not None and case.now > expires:
        raise LotExpired(lot, expires, case.now)
    return record


def check_tags(case: Case, tags: Sequence[Tag], *, held_by: EntryId | None = None) -> None:
    """Refuse tags that stand twice, were spent, or are reserved by another offer.

    Raises:
        TagTwice, TagSpent, TagReserved.
    """
    seen: set[Tag] = set()
    for tag in tags:
        if tag in seen:
            raise TagTwice(tag)
        seen.add(tag)
        spent: Hash32 | None = case.state.tags.get(tag)
        if spent is not None:
            raise TagSpent(tag, spent)
        offer = case.state.reserved_tags.get(tag)
        if offer is not None and offer != held_by:
            raise TagReserved(tag, offer)


def check_owner_keys(
    case: Case, keys: Sequence[OneTimeKey], *, held_by: EntryId | None = None
) -> None:
    """Refuse owner keys that stand twice, were seen before, are reserved, or are no group elements.

    A lot under a key that was used before has the tag of the old lot and could never be spent. The
    keys of an open offer are there for everybody to read, so until it ends they are its alone;
    ``held_by`` names the offer whose acceptance this is.

    Raises:
        OwnerKeyTwice, OwnerKeySeen, OwnerKeyReserved, BadPoint.
    """
    seen: set[OneTimeKey] = set()
    for key in keys:
        if key in seen:
            raise OwnerKeyTwice(key)
        seen.add(key)
        if key in case.state.owner_keys:
            raise OwnerKeySeen(key)
        offer = case.state.reserved_keys.get(key)
        if offer is not None and offer != held_by:
            raise OwnerKeyReserved(key, offer)
        decode_point(key)
