"""Founding and belonging: the genesis, new members, their keys, their anchors.

A member's signing key belongs to that member alone: under a key of two members nobody could tell
who signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import structs

from lodeline.crypto.onetime import Address, SpendPublic, check_address
from lodeline.crypto.sealing import ViewPublicKey
from lodeline.crypto.signatures import SignatureContext, check_member_key
from lodeline.kernel.ids import MemberId, MemberKey, OneTimeKey
from lodeline.ledger.case import (
    Case,
    active_member,
    check_chain,
    check_member_signature,
    check_sequence,
)
from lodeline.ledger.change import AnchorKey, Change
from lodeline.ledger.entries import (
    Anchor,
    EntryId,
    Genesis,
    Member,
    MemberSignature,
    RotateKey,
    Status,
)
from lodeline.ledger.records import Constants, MemberRecord
from lodeline.ledger.refusals_entries import SignersDiffer, WrongVersion
from lodeline.ledger.refusals_governance import (
    AnchorKnown,
    KeyUnchanged,
    MemberKeyTaken,
    MemberKnown,
    NotAscending,
    ThresholdTooHigh,
)
from lodeline.ledger.state import State
from lodeline.ledger.validators import check_free_of_validators
from lodeline.proofs.body import PROTOCOL_VERSION

__all__ = ["check_new_member", "decide_anchor", "decide_genesis", "decide_rotation"]


def decide_genesis(entry: Genesis, identity: EntryId) -> Change:
    """Decide the founding: 1 version, 2 members, 3 threshold, 4 elements, 5 all signatures.

    Raises:
        WrongVersion: another protocol version than this program's.
        MemberKnown, MemberKeyTaken, NotAscending, …: a founding member.
        ThresholdTooHigh: more votes needed than there are voters.
        SignersDiffer, MemberSignatureInvalid: not signed by every founding member, in order.
    """
    if entry.version != PROTOCOL_VERSION:
        raise WrongVersion(PROTOCOL_VERSION, entry.version)
    members = _founders(entry.members)
    voters = sum(record.votes for record in members.values())
    if entry.threshold > voters:
        raise ThresholdTooHigh(entry.threshold, voters)
    _check_ascending("elements", entry.elements)
    found = tuple(signature.member for signature in entry.signatures)
    if found != tuple(members):
        raise SignersDiffer(tuple(members), found)
    for signature in entry.signatures:
        record = members[signature.member]
        check_member_signature(record, signature, SignatureContext.VOTE, identity)
    return Change(constants=Constants.of(entry, identity), members=members)


def _founders(members: Sequence[Member]) -> dict[MemberId, MemberRecord]:
    founders = State()
    for member in members:
        if member.member in founders.members:
            raise MemberKnown(member.member)
        check_new_member(founders, member)
        founders.members.put({member.member: MemberRecord(member, Status.ACTIVE, 0)})
    return dict(founders.members.items())


def check_new_member(state: State, member: Member) -> None:
    """Check the roles and keys of somebody who joins.

    Not checked: that the member holds the private keys. A founder signs with his; whoever is
    admitted by vote cannot act without.

    Raises:
        NotAscending: roles out of order or twice.
        MemberKeyTaken, KeyOfValidator: another member or a validator has the signing key.
        MemberKeyNotCanonical, BadPoint, ExchangeKeySmallOrder, …: a key that binds nobody.
    """
    _check_ascending("roles", member.roles)
    _check_signing_key(state, member.key)
    _check_address(member.spend, member.view)


def _check_signing_key(state: State, key: MemberKey) -> None:
    check_member_key(key)
    for known, record in state.members.items():
        if record.member.key == key:
            raise MemberKeyTaken(key, known)
    check_free_of_validators(state, key)


def _check_address(spend: OneTimeKey, view: bytes) -> None:
    check_address(Address(SpendPublic(spend), ViewPublicKey(view)))


def _check_ascending(what: str, names: Sequence[str]) -> None:
    if any(first >= second for first, second in pairwise(names)):
        raise NotAscending(what, tuple(names))


def decide_rotation(case: Case, entry: RotateKey) -> Change:
    """Decide a member's new key: signed with the old one and with the new one.

    Raises:
        UnknownMember, MemberNotActive, SequenceWrong: who, and a replay.
        KeyUnchanged, MemberKeyTaken, KeyOfValidator, BadPoint, …: the new keys.
        MemberSignatureInvalid: one of the two signatures does not fit.
    """
    body = entry.body
    check_chain(case, body.chain)
    record = active_member(case.state, body.member)
    check_sequence(record.rotations, body.sequence)
    if body.key == record.member.key:
        raise KeyUnchanged(body.member)
    _check_signing_key(case.state, body.key)
    _check_address(body.spend, body.view)
    member = structs.replace(record.member, key=body.key, spend=body.spend, view=body.view)
    renewed = MemberRecord(member, record.status, record.rotations + 1)
    for holder, signature in ((record, entry.old), (renewed, entry.new)):
        signed = MemberSignature(body.member, signature)
        check_member_signature(holder, signed, SignatureContext.ENTRY, case.identity)
    return Change(members={body.member: renewed})


def decide_anchor(case: Case, entry: Anchor) -> Change:
    """Decide an anchor: a digest that a member fixes in time, once.

    Not checked: what the digest is of.

    Raises:
        UnknownMember, MemberNotActive, MemberSignatureInvalid: who anchors.
        AnchorKnown: the member anchored it before.
    """
    body = entry.body
    check_chain(case, body.chain)
    record = active_member(case.state, body.member)
    key = AnchorKey(body.member, body.digest)
    if key in case.state.anchors:
        raise AnchorKnown(body.member, body.digest)
    signature = MemberSignature(body.member, entry.signature)
    check_member_signature(record, signature, SignatureContext.ENTRY, case.identity)
    return Change(anchors={key: case.identity})
