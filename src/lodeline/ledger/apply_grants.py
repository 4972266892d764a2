"""Grants: where rights and assurances come from, in numbered steps.

1. exactly one lot, of a class that is granted: licence, intake, quota or assurance;
2. the first signer is the grantor, recognised now for the right, or for every standard claimed;
3. the standards' versions take grants now;
4. one grant for each site, element, right or standard, and period. A further one names the grant in
   force and uses up whatever is left of it, so that the authority grants net of use.

A grant is for the calendar month in which it is accepted (its expiry is checked in
``apply_transform``), and never for longer, so that a suspension bites within a month.

The grantee's site is public; its facility key does not sign, the authority does. Not checked: who
holds the granted lot. A licence in the wrong hands can only be used at its site.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.custody.claims import ClaimName
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.custody.strands import Strand
from lodeline.kernel.ids import Hash32, LotId, SiteId, StandardName
from lodeline.kernel.time import BlockTime
from lodeline.ledger.case import Case
from lodeline.ledger.descent import form_class_of, grants_behind, remainders
from lodeline.ledger.records import GrantKey, GrantRecord, RecognitionKey
from lodeline.ledger.refusals_grants import (
    GrantClassWrong,
    GrantEmpty,
    GrantExists,
    GrantInputsNotExpected,
    GrantorMissing,
    GrantorNotRecognised,
    GrantOutputs,
    GrantSiteMissing,
    GrantToReplaceUnknown,
    RecognitionExpired,
    RemainderNotConsumed,
    RightReplaced,
    StandardNotValid,
)
from lodeline.proofs.body import TransformBody, lot_id, transform_id

__all__ = ["check_grant", "check_grants_in_force", "grant_keys"]

_GRANTED = (FormClass.LICENCE, FormClass.INTAKE, FormClass.QUOTA, FormClass.ASSURANCE)


def check_grant(case: Case, recipe: Recipe, body: TransformBody) -> dict[GrantKey, GrantRecord]:
    """Run steps 1 to 4 and return the grants that will be in force.

    Raises:
        GrantRefused: one subclass for each reason.
        UnknownForm, UnknownStandard, UnknownStrand, UnknownClaim: the lot names what is not there.
    """
    if body.site is None:
        raise GrantSiteMissing(recipe.name)
    if len(body.outputs) != 1:
        raise GrantOutputs(len(body.outputs))
    if not body.signers:
        raise GrantorMissing(recipe.name)
    lot, grantor = body.outputs[0], body.signers[0].member
    form_class = _granted_class(case, lot)
    keys = tuple(grant_keys(case, body.site, lot, case.now))
    if not keys:
        raise GrantEmpty(lot.form)
    if form_class is FormClass.ASSURANCE:
        for standard in sorted({StandardName(key.standard) for key in keys}):
            _check_recognised(case, RecognitionKey(grantor, standard, None))
            _check_standard(case, standard)
    else:
        _check_recognised(case, RecognitionKey(grantor, None, form_class.value))
    _check_single(case, body, keys)
    identity = transform_id(body)
    record = GrantRecord(Hash32(identity), lot_id(identity, 0), grantor, body.replaces)
    return dict.fromkeys(keys, record)


def _granted_class(case: Case, lot: LotPublic) -> FormClass:
    form_class = case.state.tables.forms[lot.form].form_class
    if form_class not in _GRANTED:
        raise GrantClassWrong(lot.form, form_class.value)
    return form_class


def grant_keys(case: Case, site: SiteId, lot: LotPublic, granted: BlockTime) -> Iterator[GrantKey]:
    """Yield what a lot is the one grant of, in the period in which it is granted.

    Raises:
        UnknownForm, UnknownStrand, UnknownClaim: a name in the lot that is none.
    """
    form_class = case.state.tables.forms[lot.form].form_class
    start = case.constants.right_period(granted).start
    for item in lot.strands:
        element = Strand.parse(item.strand).element
        if form_class is not FormClass.ASSURANCE:
            yield GrantKey(site, element, form_class.value, "", start)
            continue
        for borne in item.claims:
            standard = ClaimName.parse(borne.claim).standard
            yield GrantKey(site, element, form_class.value, standard, start)


def check_grants_in_force(case: Case, lot: LotId) -> None:
    """Refuse to give a right back whose grant was replaced since.

    The further grant used up what was left and was made net of the rest: beside it, what is given
    back would be a second right for the same site and period, which no further grant would use up.
    Lots that are no rights pass.

    Raises:
        LotUnknown: the lot is not there.
        RightReplaced: another grant is in force in place of one that the right came from.
    """
    if form_class_of(case.state, lot) not in _GRANTED:
        return
    for grant, making in grants_behind(case.state, lot):
        record = case.state.lots.get(grant)
        if record is None or making.site is None:
            continue
        for key in grant_keys(case, making.site, record.lot, making.time):
            current = case.state.grants.get(key)
            if current is not None and current.lot != grant:
                raise RightReplaced(lot, grant, current.lot)


def _check_recognised(case: Case, key: RecognitionKey) -> None:
    found = case.state.recognitions.get(key)
    if found is None:
        raise GrantorNotRecognised(key.member, key.standard, key.right)
    if case.now > found.until:
        raise RecognitionExpired(key.member, key.standard, key.right, found.until, case.now)


def _check_standard(case: Case, name: StandardName) -> None:
    standard = case.state.tables.standards[name]
    until = standard.valid_to
    if case.now < standard.valid_from or (until is not None and case.now > until):
        end = None if until is None else BlockTime(until)
        raise StandardNotValid(name, BlockTime(standard.valid_from), end, case.now)


def _check_single(case: Case, body: TransformBody, keys: tuple[GrantKey, ...]) -> None:
    """Hold a grant to being the only one of its keys, or the exact successor of the one there."""
    current = {key: case.state.grants.get(key) for key in keys}
    if body.replaces is None:
        for key, record in current.items():
            if record is not None:
                raise GrantExists(key.site, key.element, key.right, key.standard, record.lot)
        if body.inputs:
            raise GrantInputsNotExpected(len(body.inputs))
        return
    for record in current.values():
        if record is None or record.lot != body.replaces:
            raise GrantToReplaceUnknown(body.replaces, None if record is None else record.lot)
    _check_same_keys(case, body.replaces, keys)
    left = remainders(case.state, body.replaces)
    found = tuple(spent.lot for spent in body.inputs)
    if set(found) != left:
        raise RemainderNotConsumed(tuple(sorted(left)), found)


def _check_same_keys(case: Case, replaced: LotId, keys: tuple[GrantKey, ...]) -> None:
    """A grant that replaces another covers all that the other covered; else a part would live on.

    The replaced lot is in force under at least one key, so it is of the present period.
    """
    old = case.state.lots.get(replaced)
    if old is None:
        raise GrantToReplaceUnknown(replaced, None)
    covered = set(grant_keys(case, keys[0].site, old.lot, case.now))
    if covered != set(keys):
        raise GrantToReplaceUnknown(replaced, replaced)
