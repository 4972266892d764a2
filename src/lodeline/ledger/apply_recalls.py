"""Recalls: a lot and everything that came of it are flagged; only a correction can use them.

Whoever signed the lot's transform, the member whose site it names, an auditor or an authority
recalls; the members lift by vote. A lot can be under several recalls and is free when the last of
them is lifted.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel.ids import LotId
from lodeline.ledger.case import Case, active_member, check_chain, check_member_signature
from lodeline.ledger.change import Change, Flag
from lodeline.ledger.descent import descendants, issuers, maker_of
from lodeline.ledger.entries import LiftRecall, MemberSignature, Recall
from lodeline.ledger.records import AUDITOR, AUTHORITY, RecallRecord
from lodeline.ledger.refusals_corrections import AlreadyRecalled, NotRecalled, RecallNotAllowed
from lodeline.ledger.state import State

__all__ = ["decide_recall", "lifted"]


def decide_recall(case: Case, entry: Recall) -> Change:
    """Decide a recall of a known lot, spent or not.

    Raises:
        LotUnknown, AlreadyRecalled: the lot.
        UnknownMember, MemberNotActive, RecallNotAllowed, MemberSignatureInvalid: who recalls.
    """
    body = entry.body
    check_chain(case, body.chain)
    record = active_member(case.state, body.member)
    _, making = maker_of(case.state, body.lot)
    by_role = record.has_role(AUDITOR) or record.has_role(AUTHORITY)
    issued = body.member in making.signers or body.member in issuers(case.state, making)
    if not by_role and not issued:
        raise RecallNotAllowed(body.member, body.lot)
    known = case.state.recalls.get(body.lot)
    if known is not None:
        raise AlreadyRecalled(body.lot, known.member)
    signature = MemberSignature(body.member, entry.signature)
    check_member_signature(record, signature, SignatureContext.ENTRY, case.identity)
    return Change(
        recalls={body.lot: RecallRecord(case.identity, body.member, body.reason)},
        flags=dict(_flagged(case.state, body.lot)),
    )


def _flagged(state: State, lot: LotId) -> Iterator[tuple[LotId, Flag]]:
    for flagged in (lot, *descendants(state, lot)):
        known = state.flags.get(flagged)
        under = set(() if known is None else known.recalls) | {lot}
        yield flagged, Flag(tuple(sorted(under)))


def lifted(state: State, act: LiftRecall) -> Change:
    """Return what the lifting of a recall changes.

    Raises:
        NotRecalled: no recall names the lot.
    """
    if act.lot not in state.recalls:
        if not state.whole and act.lot not in state.lots:
            return Change()
        raise NotRecalled(act.lot)
    flags: dict[LotId, Flag | None] = {}
    for flagged in (act.lot, *descendants(state, act.lot)):
        known = state.flags.get(flagged)
        if known is not None and act.lot in known.recalls:
            left = tuple(recall for recall in known.recalls if recall != act.lot)
            flags[flagged] = Flag(left) if left else None
    return Change(recalls={act.lot: None}, flags=flags)
