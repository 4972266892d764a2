"""Undoing and correcting: reversals, corrections and re-grants. What was stays in the log.

**Reversal** gives the inputs of one transform back, each equal to what it was, under fresh keys,
while all its outputs are still where it put them. Those who signed the transform sign again; the
owners of the outputs prove their keys (T1); and the owners of the inputs consent with the keys they
had, so that a buyer cannot undo a sale into his own hands and nobody is handed a lot unasked.

**Correction** comes when the lots have moved on: a transform under a corrective recipe, signed
besides by an issuer of the transform that it names and by an independent auditor. The cap: it uses
up only lots that come *wholly* from the named transform. By conservation such lots never hold more
than that transform made, so all its corrections together cannot exceed it, however often lots are
corrected again. Lots that were mixed since are corrected by naming the transform that mixed them.
A correction may use recalled lots; what it gives is not flagged.

**Re-grant** gives an equal lot under a new key for one whose key is lost, by the members' vote.
"""

from __future__ import annotations

from msgspec import structs

from lodeline.custody.recipes import Family
from lodeline.kernel.ids import Hash32, LotId, MemberId, TransformId
from lodeline.ledger.apply_grants import check_grants_in_force
from lodeline.ledger.apply_offers import freed
from lodeline.ledger.apply_transform import (
    Way,
    check_enclosed,
    check_standing,
    transform_change,
)
from lodeline.ledger.case import (
    Case,
    active_site,
    check_chain,
    check_owner_keys,
    check_owner_signatures,
    check_sequence,
    check_signers,
    check_site_signature,
    check_tags,
    check_version,
    check_votes,
    free_lots,
    member_in_role,
)
from lodeline.ledger.change import Change, Flag
from lodeline.ledger.descent import comes_wholly_from, issuers
from lodeline.ledger.entries import Correction, EntryId, Regrant, RestoredLot, Reversal
from lodeline.ledger.records import (
    AUDITOR,
    GrantKey,
    LotRecord,
    Making,
    MakingKind,
    OfferRecord,
    OfferStatus,
)
from lodeline.ledger.refusals_corrections import (
    AlreadyReversed,
    AuditorNotIndependent,
    CorrectionBeyond,
    CorrectionNotReversible,
    CorrectionSigners,
    CorrectionTransformDiffers,
    CorrectionWithoutLots,
    NotTheIssuer,
    OfferStillOpen,
    ReplacementDiffers,
    ReplacementNotReversible,
    RestoredCountWrong,
    TransformUnknown,
)
from lodeline.ledger.refusals_transforms import LotAlreadySpent, LotUnknown
from lodeline.proofs.body import lot_id, transform_id

__all__ = ["decide_correction", "decide_regrant", "decide_reversal"]


def _transform_making(case: Case, transform: TransformId) -> Making:
    making = case.state.makings.get(Hash32(transform))
    if making is None or making.kind is not MakingKind.TRANSFORM:
        raise TransformUnknown(transform)
    return making


# ------------------------------------------------------------------ reversal


def decide_reversal(case: Case, entry: Reversal) -> Change:
    """Decide a reversal: 1 the transform, 2 outputs and tags, 3 fresh keys, 4 signatures.

    Equality of what is given back is proved, and judged by the verdict.

    Raises:
        CorrectionRefused: the transform cannot be reversed, or not like this.
        TransformRefused: an output has moved on, is offered, expired or recalled; tags; keys.
        RightReplaced: a right among the inputs is of a grant that was replaced since.
        EntryRefused: a signature is missing, extra or wrong.
    """
    body = entry.body
    check_chain(case, body.chain)
    check_version(case, body.version)
    making = _transform_making(case, body.transform)
    grants = _grants_of(case, Hash32(body.transform))
    _check_reversible(body.transform, making, grants)
    for lot in making.inputs:
        check_grants_in_force(case, lot)
    for what, expected, found in (
        ("restored lots", len(making.inputs), len(body.restored)),
        ("tags", len(making.outputs), len(body.tags)),
    ):
        if expected != found:
            raise RestoredCountWrong(what, expected, found)
    free_lots(case, making.outputs)
    check_tags(case, body.tags)
    check_owner_keys(case, [item.lot.owner for item in body.restored])
    _check_reversal_signatures(case, entry, making)
    return _reversal_change(case, entry, making, grants)


def _grants_of(case: Case, transform: Hash32) -> dict[GrantKey, LotId | None]:
    """Return the grants that a transform put in force, with the grants that they replaced."""
    return {
        key: record.replaced
        for key, record in case.state.grants.items()
        if record.transform == transform
    }


def _check_reversible(
    transform: TransformId, making: Making, grants: dict[GrantKey, LotId | None]
) -> None:
    if making.reversed_by is not None:
        raise AlreadyReversed(transform, making.reversed_by)
    if making.family == Family.CORRECT.value:
        raise CorrectionNotReversible(transform)
    if any(replaced is not None for replaced in grants.values()):
        raise ReplacementNotReversible(transform)


def _check_reversal_signatures(case: Case, entry: Reversal, making: Making) -> None:
    check_signers(case.state, making.signers, entry.signatures, case.identity)
    site = None
    if making.site_signed and making.site is not None:
        site = active_site(case.state, making.site)
    check_site_signature(site, entry.site_signature, case.identity)
    lots = (case.state.lot(lot) for lot in making.inputs)
    keys = [lot.owner for lot in lots if lot is not None]
    check_owner_signatures(keys, entry.consents, case.identity)


def _reversal_change(
    case: Case, entry: Reversal, making: Making, grants: dict[GrantKey, LotId | None]
) -> Change:
    by, body = Hash32(case.identity), entry.body
    given = _given_back(case, making.inputs, body.restored)
    undone = structs.replace(making, reversed_by=by)
    reversal = _equal_making(case, MakingKind.REVERSAL, making.outputs, given, making.signers)
    return structs.replace(
        given,
        spent=dict.fromkeys(making.outputs, by),
        tags=dict.fromkeys(body.tags, by),
        makings={Hash32(body.transform): undone, by: reversal},
        grants=dict.fromkeys(grants),
    )


def _given_back(case: Case, old: tuple[LotId, ...], new: tuple[RestoredLot, ...]) -> Change:
    """Return the part of a change that makes lots equal to older ones: flags go with them."""
    by = Hash32(case.identity)
    lots: dict[LotId, LotRecord] = {}
    flags: dict[LotId, Flag | None] = {}
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        record = case.state.lots.get(before)
        if record is None:
            raise LotUnknown(before)
        lot = lot_id(TransformId(by), index)
        lots[lot] = LotRecord(after.lot, by, index, record.carried, before)
        flag = case.state.flags.get(before)
        if flag is not None:
            flags[lot] = flag
    keys = {record.lot.owner: lot for lot, record in lots.items()}
    return Change(lots=lots, flags=flags, owner_keys=keys)


def _equal_making(
    case: Case,
    kind: MakingKind,
    inputs: tuple[LotId, ...],
    given: Change,
    signers: tuple[MemberId, ...],
) -> Making:
    return Making(
        kind=kind,
        entry=case.identity,
        index=case.index,
        time=case.now,
        inputs=inputs,
        outputs=tuple(given.lots),
        recipe=None,
        family="",
        site=None,
        site_signed=False,
        signers=signers,
        reversed_by=None,
        corrections=(),
    )


# ------------------------------------------------------------------ correction


def decide_correction(case: Case, entry: Correction) -> Change:
    """Decide a correction: 1 the transform that it carries, 2 issuer and auditor, 3 the cap.

    Raises:
        CorrectionRefused: one subclass for each reason.
        EntryRefused, TransformRefused: the transform that it carries, as for any other.
    """
    body, transform = entry.body, entry.transform
    check_chain(case, body.chain)
    computed = transform_id(transform.body)
    if body.transform != computed:
        raise CorrectionTransformDiffers(body.transform, computed)
    corrected = _transform_making(case, body.corrects)
    standing = check_standing(case, transform.body, Way.CORRECTION)
    check_enclosed(case, transform, standing)
    _check_issuer_and_auditor(case, entry, corrected)
    if not transform.body.inputs:
        raise CorrectionWithoutLots(body.corrects)
    for spent in transform.body.inputs:
        if not comes_wholly_from(case.state, spent.lot, Hash32(body.corrects)):
            raise CorrectionBeyond(spent.lot, body.corrects)
    change = transform_change(case, standing)
    named = structs.replace(corrected, corrections=(*corrected.corrections, Hash32(computed)))
    return structs.replace(change, makings={**change.makings, Hash32(body.corrects): named})


def _check_issuer_and_auditor(case: Case, entry: Correction, corrected: Making) -> None:
    found = tuple(signature.member for signature in entry.signatures)
    if len(found) != 2:
        raise CorrectionSigners(found)
    issuer, auditor = found
    allowed = issuers(case.state, corrected)
    if issuer not in allowed:
        raise NotTheIssuer(issuer, allowed)
    if auditor == issuer:
        raise AuditorNotIndependent(auditor)
    member_in_role(case.state, auditor, AUDITOR)
    check_signers(case.state, found, entry.signatures, case.identity)


# ------------------------------------------------------------------ re-grant


def decide_regrant(case: Case, entry: Regrant) -> Change:
    """Decide a re-grant: 1 the vote, 2 the old lot, 3 the new one.

    A lot that is offered can be given again only after the offer's deadline; the offer then lapses,
    because nobody is left who could withdraw it.

    Raises:
        SequenceWrong, NotEnoughVotes, NotAVoter, SignerTwice: the vote.
        LotUnknown, LotAlreadySpent, OfferStillOpen: the old lot.
        ReplacementDiffers, OwnerKeySeen, BadPoint: the new one.
    """
    body = entry.body
    check_chain(case, body.chain)
    check_sequence(case.state.acts, body.sequence)
    check_votes(case, entry.signatures)
    old = case.state.lots.get(body.lot)
    if old is None:
        raise LotUnknown(body.lot)
    spent = case.state.consumers.get(body.lot)
    if spent is not None:
        raise LotAlreadySpent(body.lot, spent)
    lapsed = _lapsed_offer(case, body.lot)
    new = body.replacement.lot
    if structs.replace(old.lot, owner=new.owner) != new:
        raise ReplacementDiffers(body.lot)
    check_owner_keys(case, [new.owner])
    given = _given_back(case, (body.lot,), (body.replacement,))
    by = Hash32(case.identity)
    making = _equal_making(case, MakingKind.REGRANT, (body.lot,), given, ())
    change = structs.replace(given, spent={body.lot: by}, makings={by: making})
    return change if lapsed is None else freed(*lapsed, OfferStatus.LAPSED, change)


def _lapsed_offer(case: Case, lot: LotId) -> tuple[EntryId, OfferRecord] | None:
    offer = case.state.reserved_lots.get(lot)
    record = None if offer is None else case.state.offers.get(offer)
    if offer is None or record is None:
        return None
    if case.now <= record.deadline:
        raise OfferStillOpen(lot, offer, record.deadline)
    return offer, record
