"""The state machine: a state and an entry give a change, or a named refusal.

    change = decide(state, entry, now, verdicts)     reads, refuses, changes nothing
    state.commit(change)                             changes, refuses nothing

``apply`` does both. The steps that every entry goes through:

1. the block time is not before the last one, and this program knows the version of the protocol
   that the members require at it;
2. the ledger is founded, exactly once;
3. nothing with the same id was accepted before, so nothing is ever replayed;
4. whatever the type of the entry demands (the modules ``apply_…`` and ``memberships``);
5. its proof, where it has one, was verified under the present tables, as received.

A refused entry leaves state and root as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime, block_time
from lodeline.ledger.apply_corrections import (
    decide_correction,
    decide_regrant,
    decide_reversal,
)
from lodeline.ledger.apply_governance import decide_govern
from lodeline.ledger.apply_offers import (
    decide_accept,
    decide_decline,
    decide_offer,
    decide_withdraw,
)
from lodeline.ledger.apply_recalls import decide_recall
from lodeline.ledger.apply_transform import (
    Way,
    check_enclosed,
    check_standing,
    transform_change,
)
from lodeline.ledger.case import Case
from lodeline.ledger.change import Change
from lodeline.ledger.entries import (
    Accept,
    Anchor,
    Correction,
    Decline,
    Entry,
    EntryId,
    Genesis,
    Govern,
    Offer,
    Recall,
    Regrant,
    Reversal,
    RotateKey,
    Transform,
    Withdraw,
    entry_id,
)
from lodeline.ledger.memberships import decide_anchor, decide_genesis, decide_rotation
from lodeline.ledger.protocols import check_known
from lodeline.ledger.records import EntryRecord, OfferStatus
from lodeline.ledger.refusals_entries import (
    BlockTimeWentBack,
    EntryAlreadyAccepted,
    GenesisAgain,
    NoGenesis,
    ProofNotVerified,
)
from lodeline.ledger.state import State
from lodeline.ledger.tasks import proof_key
from lodeline.proofs.batch import Verdicts

__all__ = ["Applied", "Event", "EventKind", "apply", "decide", "events_of"]


class EventKind(Enum):
    """What happened to a subject, for whoever follows the ledger."""

    FOUNDED = "founded"
    GOVERNED = "governed"
    MEMBER_CHANGED = "member-changed"
    VALIDATOR_CHANGED = "validator-changed"
    LOT_MADE = "lot-made"
    LOT_SPENT = "lot-spent"
    OFFER_OPENED = "offer-opened"
    OFFER_ENDED = "offer-ended"
    GRANTED = "granted"
    RECALLED = "recalled"
    RECALL_LIFTED = "recall-lifted"
    ANCHORED = "anchored"


@dataclass(frozen=True)
class Event:
    """One thing that happened; the subject is an id in bytes, or a member's name in UTF-8."""

    kind: EventKind
    subject: bytes


@dataclass(frozen=True)
class Applied:
    """An accepted entry: what it changed, and what that means."""

    change: Change
    events: tuple[Event, ...]


def apply(state: State, entry: Entry, now: BlockTime, verdicts: Verdicts) -> Applied:
    """Decide an entry and commit the change.

    Raises:
        LodelineError: as `decide`; the state is then as it was.
    """
    change = decide(state, entry, now, verdicts)
    events = events_of(change)
    state.commit(change)
    return Applied(change, events)


def decide(
    state: State,
    entry: Entry,
    now: BlockTime,
    verdicts: Verdicts,
    identity: EntryId | None = None,
) -> Change:
    """Return what an entry changes at a block time; reads the state and changes nothing.

    ``verdicts`` are those of ``proofs.batch.verify_batch`` over ``tasks.tasks_for``. ``identity``
    is the entry's id, where the caller has made it already; not checked.

    Raises:
        ProtocolNotKnown: the members require a version of the protocol that is not known here.
        EntryRefused, TransformRefused, GrantRefused, OfferRefused, CorrectionRefused,
        GovernanceRefused: the state refuses the entry.
        LodelineError: a key, name or table that is malformed or unknown; or the refusal of the
            proof, as its verification found it.
    """
    block_time(now)
    if now < state.time:
        raise BlockTimeWentBack(state.time, now)
    check_known(state, now)
    identity = entry_id(entry) if identity is None else identity
    constants = state.constants
    if isinstance(entry, Genesis):
        if constants is not None:
            raise GenesisAgain(constants.genesis)
        change = decide_genesis(entry, identity)
    else:
        if constants is None:
            raise NoGenesis
        known = state.entries.get(identity)
        if known is not None:
            raise EntryAlreadyAccepted(identity, known.index)
        change = _decide_by_type(Case(state, constants, identity, now), entry)
        _check_verdict(state, entry, verdicts)
    kind = str(type(entry).__struct_config__.tag)
    return change.of_entry(identity, EntryRecord(state.size, now, kind))


_Later = (
    Govern
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


def _decide_by_type(case: Case, entry: _Later) -> Change:
    match entry:
        case Transform():
            return _decide_transform(case, entry)
        case Offer() | Accept() | Decline() | Withdraw():
            return _decide_trade(case, entry)
        case Govern():
            return decide_govern(case, entry)
        case RotateKey():
            return decide_rotation(case, entry)
        case Anchor():
            return decide_anchor(case, entry)
        case Recall():
            return decide_recall(case, entry)
        case _:
            return _decide_correction(case, entry)


def _decide_transform(case: Case, entry: Transform) -> Change:
    standing = check_standing(case, entry.body, Way.DIRECT)
    check_enclosed(case, entry, standing)
    return transform_change(case, standing)


def _decide_trade(case: Case, entry: Offer | Accept | Decline | Withdraw) -> Change:
    match entry:
        case Offer():
            return decide_offer(case, entry)
        case Accept():
            return decide_accept(case, entry)
        case Decline():
            return decide_decline(case, entry)
        case Withdraw():
            return decide_withdraw(case, entry)


def _decide_correction(case: Case, entry: Reversal | Correction | Regrant) -> Change:
    match entry:
        case Reversal():
            return decide_reversal(case, entry)
        case Correction():
            return decide_correction(case, entry)
        case Regrant():
            return decide_regrant(case, entry)


def _check_verdict(state: State, entry: Entry, verdicts: Verdicts) -> None:
    """Ask for the verdict on exactly these bytes; a missing one is a refusal."""
    if not isinstance(entry, (Transform, Offer, Correction, Reversal)):
        return
    key = proof_key(entry, state.tables)
    verdict = verdicts.get(key)
    if verdict is None or verdict.key != key:
        raise ProofNotVerified(key)
    if verdict.refusal is not None:
        raise verdict.refusal.with_traceback(None)  # raised again for every entry that asks


def events_of(change: Change) -> tuple[Event, ...]:
    """Return what a change means to whoever follows the ledger, in a fixed order."""
    subjects: list[tuple[EventKind, list[bytes]]] = [
        (EventKind.FOUNDED, [change.constants.genesis] if change.constants else []),
        (EventKind.GOVERNED, list(change.accepted) if change.acts else []),
        (EventKind.MEMBER_CHANGED, [member.encode() for member in change.members]),
        (EventKind.VALIDATOR_CHANGED, [member.encode() for member in change.validators]),
        (EventKind.LOT_SPENT, list(change.spent)),
        (EventKind.LOT_MADE, list(change.lots)),
        (EventKind.GRANTED, _granted(change)),
        (EventKind.OFFER_OPENED, _offers(change, open_ones=True)),
        (EventKind.OFFER_ENDED, _offers(change, open_ones=False)),
        (EventKind.RECALLED, [lot for lot, recall in change.recalls.items() if recall]),
        (EventKind.RECALL_LIFTED, [lot for lot, recall in change.recalls.items() if not recall]),
        (EventKind.ANCHORED, [key.digest for key in change.anchors]),
    ]
    return tuple(Event(kind, subject) for kind, found in subjects for subject in found)


def _granted(change: Change) -> list[bytes]:
    granted: dict[Hash32, None] = {
        record.transform: None for record in change.grants.values() if record is not None
    }
    return list(granted)


def _offers(change: Change, *, open_ones: bool) -> list[bytes]:
    return [
        offer
        for offer, record in change.offers.items()
        if (record.status is OfferStatus.OPEN) is open_ones
    ]
