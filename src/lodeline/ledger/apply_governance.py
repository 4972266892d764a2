"""Governance: what the members decide by vote, all acts of one entry or none.

Acts are decided one after the other on a draft, each seeing what those before it did: one vote can
adopt a form and a recipe that uses it. The draft is dropped; its changes together are the change.
"""

from __future__ import annotations

from msgspec import structs

from lodeline.crypto.signatures import check_member_key
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.adoptions import (
    adopted_allocation,
    adopted_form,
    adopted_recipe,
    adopted_standard,
    retired_recipe,
)
from lodeline.ledger.apply_recalls import lifted
from lodeline.ledger.case import Case, active_member, check_chain, check_sequence, check_votes
from lodeline.ledger.change import Change, combined
from lodeline.ledger.entries import (
    MAX_SIGNATURES,
    Act,
    AdmitMember,
    AdoptAllocation,
    AdoptForm,
    AdoptRecipe,
    AdoptStandard,
    Govern,
    LiftRecall,
    Recognise,
    RegisterSite,
    RemoveRecognition,
    RemoveValidator,
    RequireProtocol,
    RetireRecipe,
    SetStatus,
    SetValidator,
    Status,
)
from lodeline.ledger.memberships import check_new_member
from lodeline.ledger.protocols import decided_protocol
from lodeline.ledger.records import Constants, MemberRecord, Recognition, RecognitionKey
from lodeline.ledger.refusals_entries import UnknownMember
from lodeline.ledger.refusals_governance import (
    MemberKnown,
    MemberRemoved,
    RecognitionMissing,
    RecognitionOver,
    RecognitionSubject,
    SiteOfOther,
    StatusUnchanged,
    TooFewVoters,
    TooManyVoters,
)
from lodeline.ledger.state import State
from lodeline.ledger.tables import Adopted, Tables
from lodeline.ledger.validators import (
    check_free_of_validators,
    check_pace,
    check_validates_no_more,
    decided_validator,
)

__all__ = ["decide_govern"]


def decide_govern(case: Case, entry: Govern) -> Change:
    """Decide a vote: 1 chain, 2 number, 3 signatures, 4 every act in order, 5 pace.

    Raises:
        WrongChain, SequenceWrong: a vote for another ledger or state, or a replay.
        SignerTwice, NotAVoter, NotEnoughVotes, MemberSignatureInvalid: the signatures.
        GovernanceRefused and whatever else an act is refused for: one bad act, and none is done.
        ValidatorChangesTooMany: all acts together change too many validators.
    """
    check_chain(case, entry.body.chain)
    check_sequence(case.state.acts, entry.body.sequence)
    check_votes(case, entry.signatures)
    draft, parts = case.state.draft(), []
    for act in entry.body.acts:
        part = _decide_act(draft, case, act)
        draft.commit(part)
        parts.append(part)
    change = combined(parts)
    check_pace(case.state, change)
    return structs.replace(change, acts=1)


def _decide_act(state: State, case: Case, act: Act) -> Change:
    """Decide one act against the state as the acts before it left it."""
    match act:
        case AdmitMember():
            return _admitted(state, case.constants, act)
        case SetStatus():
            return _with_status(state, case.constants, act)
        case RegisterSite():
            return _registered(state, act)
        case Recognise() | RemoveRecognition():
            return _about_recognition(state, act, case.now)
        case LiftRecall():
            return lifted(state, act)
        case SetValidator() | RemoveValidator():
            return decided_validator(state, act)
        case RequireProtocol():
            return decided_protocol(state, case.constants, act, case.now)
        case _:
            return Change(adopted=_adopted(state.tables, case.constants, act))


def _adopted(
    tables: Tables,
    constants: Constants,
    act: AdoptForm | AdoptStandard | AdoptAllocation | AdoptRecipe | RetireRecipe,
) -> Adopted:
    match act:
        case AdoptForm():
            return adopted_form(tables, constants.elements, act.form)
        case AdoptStandard():
            return adopted_standard(tables, constants.elements, act.standard)
        case AdoptAllocation():
            return adopted_allocation(tables, act.table)
        case AdoptRecipe():
            return adopted_recipe(tables, act.recipe)
        case RetireRecipe():
            return retired_recipe(tables, act.recipe)


# ------------------------------------------------------------------ members


def _admitted(state: State, constants: Constants, act: AdmitMember) -> Change:
    member = act.record
    if member.member in state.members:
        raise MemberKnown(member.member)
    check_new_member(state, member)
    _check_voters(constants, state.active_voters() + member.votes)
    return Change(members={member.member: MemberRecord(member, Status.ACTIVE, 0)})


def _known_member(state: State, member: MemberId) -> MemberRecord:
    """Return a member that was not removed for good."""
    record = state.members.get(member)
    if record is None:
        raise UnknownMember(member)
    if record.status is Status.REMOVED:
        raise MemberRemoved(member)
    return record


def _check_voters(constants: Constants, voters: int) -> None:
    """Refuse an act after which no vote could have enough signatures, ever again."""
    if voters < constants.threshold:
        raise TooFewVoters(constants.threshold, voters)
    if constants.votes_needed(voters) > MAX_SIGNATURES:
        raise TooManyVoters(MAX_SIGNATURES, constants.votes_needed(voters))


def _with_status(state: State, constants: Constants, act: SetStatus) -> Change:
    record = _known_member(state, act.member)
    if record.status is act.status:
        raise StatusUnchanged(act.member, act.status)
    if act.status is Status.REMOVED:
        check_validates_no_more(state, act.member)
    changed = structs.replace(record, status=act.status)
    _check_voters(constants, state.active_voters() - record.votes + changed.votes)
    return Change(members={act.member: changed})


# ------------------------------------------------------------------ sites and recognitions


def _registered(state: State, act: RegisterSite) -> Change:
    """A site that is known keeps its member; a new key replaces the old one."""
    site = act.record
    known = state.sites.get(site.site)
    if known is not None and known.member != site.member:
        raise SiteOfOther(site.site, known.member, site.member)
    active_member(state, site.member)
    check_member_key(site.facility_key)
    check_free_of_validators(state, site.facility_key)
    return Change(sites={site.site: site})


def _about_recognition(state: State, act: Recognise | RemoveRecognition, now: BlockTime) -> Change:
    if isinstance(act, Recognise):
        return _recognised(state, act, now)
    return _unrecognised(state, act)


def _recognition_key(act: Recognise | RemoveRecognition) -> RecognitionKey:
    if (act.standard is None) == (act.right is None):
        raise RecognitionSubject(act.member)
    return RecognitionKey(act.member, act.standard, act.right)


def _recognised(state: State, act: Recognise, now: BlockTime) -> Change:
    key = _recognition_key(act)
    _known_member(state, act.member)
    if act.standard is not None:
        state.tables.standards[act.standard]
    if act.until < now:
        raise RecognitionOver(act.until, now)
    return Change(recognitions={key: Recognition(act.until)})


def _unrecognised(state: State, act: RemoveRecognition) -> Change:
    key = _recognition_key(act)
    if key not in state.recognitions:
        raise RecognitionMissing(act.member, act.standard, act.right)
    return Change(recognitions={key: None})
