"""Who validates: the members' validators, their keys, and how fast the set may change.

A consortium that orders its entries by agreement keeps its validators in the state, so that a
vote of the members changes them and a checkpoint proves them. Every validator has the power 1: a
company is worth a vote, whatever it owns. A ledger without validators is one that a single process
orders; the rules are the same, and the first vote that sets validators may set all of them.

Afterwards one vote changes at most as many validators as may fail without harm (`most_changed`):

*   whoever knows the set before the vote still has more than a third of it among those who sign
    after it, which is what a light client asks for (CometBFT light client specification,
    verification with trust level 1/3);
*   whoever pinned the validators' checkpoint keys before the vote still finds enough signatures;
*   the ledger goes on even if none of the newcomers has started yet.

Not checked: that anybody holds the private keys or answers at the address. The members look at both
before they vote. A suspended member's validator goes on: suspension is about what a company may
say, the set of validators is changed by its own acts alone and never faster than above. Such a
member can submit nothing, and one validator among those that may fail can do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lodeline.crypto.signatures import check_member_key
from lodeline.kernel.ids import MemberId, MemberKey
from lodeline.ledger.case import active_member
from lodeline.ledger.change import Change
from lodeline.ledger.entries import RemoveValidator, SetValidator
from lodeline.ledger.records import ValidatorKeyRecord, ValidatorRecord
from lodeline.ledger.refusals_validators import (
    KeyOfValidator,
    LastValidator,
    MemberStillValidates,
    NoValidator,
    TooManyValidators,
    ValidatorChangesTooMany,
    ValidatorKeyOfMember,
    ValidatorKeyOfSite,
    ValidatorKeyRetired,
    ValidatorKeysEqual,
    ValidatorKeyTaken,
    ValidatorUnchanged,
)
from lodeline.ledger.state import State

__all__ = [
    "MAX_VALIDATORS",
    "CheckpointKey",
    "ValidatorPolicy",
    "check_free_of_validators",
    "check_pace",
    "check_validates_no_more",
    "decided_validator",
    "most_changed",
    "validator_policy",
    "validators_needed",
]

MAX_VALIDATORS = 64
"""Most validators; agreement sends messages in the square of their number."""


# ------------------------------------------------------------------ how many


def validators_needed(validators: int) -> int:
    """Return how many of so many validators decide together: more than two thirds."""
    return 2 * validators // 3 + 1


def most_changed(validators: int) -> int:
    """Return how many validators one vote may change when there are so many of them before it.

    As many as may fail without harm, less than a third; but at least one, or a small set could
    never change. Of three validators and fewer, one change is a third and more: then light clients
    have to look at every block, and pinned keys are renewed after each vote.
    """
    return max(1, validators - validators_needed(validators))


# ------------------------------------------------------------------ acts


def decided_validator(state: State, act: SetValidator | RemoveValidator) -> Change:
    """Decide an act about one validator.

    Raises:
        UnknownMember, MemberNotActive: whose validator.
        MemberKeyNotCanonical, MemberKeySmallOrder, MemberKeyOffCurve: a key that binds nobody.
        ValidatorRefused: what else may be wrong with its keys, its number or its being there.
    """
    return _set(state, act) if isinstance(act, SetValidator) else _removed(state, act)


def _set(state: State, act: SetValidator) -> Change:
    """Decide that a member's validator has these keys from now on.

    Raises:
        UnknownMember, MemberNotActive: whose validator.
        MemberKeyNotCanonical, MemberKeySmallOrder, MemberKeyOffCurve: a key that binds nobody.
        ValidatorKeysEqual: one key for both purposes.
        ValidatorUnchanged: the act changes nothing.
        ValidatorKeyTaken, ValidatorKeyRetired: a validator uses a key, or used it once.
        ValidatorKeyOfMember, ValidatorKeyOfSite: a key signs for something else already.
        TooManyValidators: there are as many as there may be.
    """
    active_member(state, act.member)
    record = ValidatorRecord(
        check_member_key(act.consensus_key), check_member_key(act.checkpoint_key), act.address
    )
    if record.consensus_key == record.checkpoint_key:
        raise ValidatorKeysEqual(act.member, record.consensus_key)
    before = state.validators.get(act.member)
    if record == before:
        raise ValidatorUnchanged(act.member)
    fresh = _fresh_keys(before, record)
    for key in fresh:
        _check_unused(state, key)
    count = _count(state)
    if before is None and count >= MAX_VALIDATORS:
        raise TooManyValidators(MAX_VALIDATORS, count + 1)
    used = ValidatorKeyRecord(act.member)
    return Change(validators={act.member: record}, validator_keys=dict.fromkeys(fresh, used))


def _removed(state: State, act: RemoveValidator) -> Change:
    """Decide that a member validates no longer; suspended members' validators are removed too.

    Raises:
        NoValidator: the member has none.
        LastValidator: nobody would be left to decide anything.
    """
    if act.member not in state.validators:
        raise NoValidator(act.member)
    if _count(state) == 1:
        raise LastValidator(act.member)
    return Change(validators={act.member: None})


def check_pace(before: State, votes: Change) -> None:
    """Refuse a vote that changes more validators at once than may be changed.

    A validator counts once when it comes, goes or gets another key. A new address does not count.
    Where there were no validators, the vote founds their set and may be of any size.

    Raises:
        ValidatorChangesTooMany: they have to be changed by several votes.
    """
    count = _count(before)
    changed = [
        member
        for member, record in votes.validators.items()
        if _keys(before.validators.get(member)) != _keys(record)
    ]
    if count and len(changed) > most_changed(count):
        raise ValidatorChangesTooMany(count, most_changed(count), tuple(sorted(changed)))


# ------------------------------------------------------------------ other acts that meet validators


def check_free_of_validators(state: State, key: MemberKey) -> None:
    """Refuse a key as a member's or site's that a validator uses or ever used.

    A validator's keys lie on a machine that faces the network; whoever takes it over should not
    hold a company's signature as well.

    Raises:
        KeyOfValidator: as said.
    """
    known = state.validator_keys.get(key)
    if known is not None:
        raise KeyOfValidator(key, known.member)


def check_validates_no_more(state: State, member: MemberId) -> None:
    """Refuse to remove a member before its validator: else a stranger would decide with the rest.

    Raises:
        MemberStillValidates: as said.
    """
    if member in state.validators:
        raise MemberStillValidates(member)


# ------------------------------------------------------------------ what outsiders pin


@dataclass(frozen=True)
class CheckpointKey:
    """One validator's key under checkpoints."""

    member: MemberId
    key: MemberKey


@dataclass(frozen=True)
class ValidatorPolicy:
    """Whose signatures make a checkpoint the consortium's: more than two thirds of these."""

    keys: tuple[CheckpointKey, ...]
    """Ascending by member; never empty."""
    threshold: int


def validator_policy(state: State) -> ValidatorPolicy | None:
    """Return the policy that follows from the validators now, or nothing where there are none."""
    keys = tuple(
        CheckpointKey(member, record.checkpoint_key)
        for member, record in sorted(state.validators.items())
    )
    return ValidatorPolicy(keys, validators_needed(len(keys))) if keys else None


# ------------------------------------------------------------------ keys


def _count(state: State) -> int:
    return sum(1 for _ in state.validators.items())


def _keys(record: ValidatorRecord | None) -> tuple[MemberKey, ...]:
    return () if record is None else (record.consensus_key, record.checkpoint_key)


def _fresh_keys(before: ValidatorRecord | None, after: ValidatorRecord) -> tuple[MemberKey, ...]:
    """Return the keys that the validator does not have for the same purpose now."""
    kept = _keys(before) or (None, None)
    return tuple(new for new, old in zip(_keys(after), kept, strict=True) if new != old)


def _check_unused(state: State, key: MemberKey) -> None:
    known = state.validator_keys.get(key)
    if known is not None and key in _keys_in_use(state):
        raise ValidatorKeyTaken(key, known.member)
    if known is not None:
        raise ValidatorKeyRetired(key, known.member)
    for member, record in state.members.items():
        if record.member.key == key:
            raise ValidatorKeyOfMember(key, member)
    for site, facility in state.sites.items():
        if facility.facility_key == key:
            raise ValidatorKeyOfSite(key, site)


def _keys_in_use(state: State) -> Iterator[MemberKey]:
    return (key for record in state.validators.values() for key in _keys(record))
