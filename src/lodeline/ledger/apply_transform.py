"""Transforms: what the state decides about them, in numbered steps.

*Standing* (again at the acceptance of an offer, because it depends on the moment):

1. chain and version are the ledger's;
2. the recipe is adopted, in force now, not retired, and of a family that may come this way;
3. every input is there, unspent, named once, not held by an offer, not expired, not recalled;
4. the tags are distinct, unspent and not reserved;
5. the owner keys of the outputs are distinct, never seen before and not reserved;
6. the site is there exactly where the recipe needs one, registered, its member active;
7. the signers have exactly the recipe's roles, each a member of its own, and may act in them;
   auditor, umpire and authority are not the site's own company (an authority may grant to a site
   of its own);
8. the outputs expire when they must;
9. a grant is allowed to this grantor, here and now (``apply_grants``).

*Enclosed* (once, when the transform arrives):

10. notes and view tags, one for each output, and the notes hash to what the body says;
11. the signatures of the signers, none missing, none extra;
12. the signature of the facility's key.

The proof (T1 to T10) is verified elsewhere; ``apply`` asks for its verdict.

Not checked: that the scan key is one that recipients can use. A sender who errs there has lots that
nobody finds. That weighbridge, laboratory and energy auditor are of another company than the site:
mines and refineries have their own; audits, assays of the other side and plausibility speak for
them. That an auditor is independent where the recipe names no site: owners are hidden.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Family, Recipe
from lodeline.kernel.ids import Hash32, LotId, MemberId, NoteHash, Role, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply_grants import check_grant
from lodeline.ledger.case import (
    Case,
    active_site,
    check_chain,
    check_owner_keys,
    check_signers,
    check_site_signature,
    check_tags,
    check_version,
    free_lots,
    member_in_role,
)
from lodeline.ledger.change import Change
from lodeline.ledger.entries import EntryId, SiteRecord, Transform, entry_id
from lodeline.ledger.records import (
    AUDITOR,
    AUTHORITY,
    UMPIRE,
    GrantKey,
    GrantRecord,
    LotRecord,
    Making,
    MakingKind,
)
from lodeline.ledger.refusals_transforms import (
    CreditCarriedTwice,
    ExpiryWrong,
    FamilyNotAllowed,
    NoteCountWrong,
    NoteHashDiffers,
    RecipeNotAdopted,
    RecipeNotInForce,
    RecipeRetired,
    ReplacesNotExpected,
    RightFromNowhere,
    RolesDiffer,
    SignerInTwoRoles,
    SignerNotIndependent,
    SiteNeeded,
    SiteNotExpected,
    ViewTagLength,
)
from lodeline.proofs.body import TransformBody, lot_id, transform_id

__all__ = ["Standing", "Way", "check_enclosed", "check_standing", "transform_change"]

VIEW_TAG_BYTES = 2

_INDEPENDENT = (AUDITOR, AUTHORITY, UMPIRE)
"""Roles whose signature is worth nothing where the signer has a stake in what it signs."""


class Way(Enum):
    """How a transform comes before the ledger."""

    DIRECT = "transform"
    OFFER = "offer"
    CORRECTION = "correction"

    def takes(self, family: Family) -> bool:
        """Return whether a recipe of this family may come this way.

        A sale outside an offer would hand a lot to somebody who has not accepted it.
        """
        if self is Way.OFFER:
            return family in (Family.SALE, Family.TRANSFER_CREDIT)
        if self is Way.CORRECTION:
            return family is Family.CORRECT
        return family not in (Family.SALE, Family.CORRECT)


@dataclass(frozen=True)
class Standing:
    """A transform that the state has nothing against, at one moment."""

    body: TransformBody
    identity: TransformId
    recipe: Recipe
    inputs: tuple[LotRecord, ...]
    facility: SiteRecord | None
    """The site whose key must sign; none for grants, which the authority signs."""
    grants: Mapping[GrantKey, GrantRecord]


def check_standing(
    case: Case, body: TransformBody, way: Way, held_by: EntryId | None = None
) -> Standing:
    """Run steps 1 to 9; ``held_by`` is the offer whose acceptance this is.

    Raises:
        EntryRefused, TransformRefused, GrantRefused: one subclass for each reason.
        UnknownForm, UnknownStandard: an output of a form or standard that is in no table.
        BadPoint: an owner key that is no group element.
    """
    check_chain(case, body.chain)
    check_version(case, body.version)
    recipe = _recipe_in_force(case, body, way)
    inputs = free_lots(
        case,
        [spent.lot for spent in body.inputs],
        held_by=held_by,
        recalled_too=way is Way.CORRECTION,
    )
    check_tags(case, [spent.tag for spent in body.inputs], held_by=held_by)
    check_owner_keys(case, [lot.owner for lot in body.outputs], held_by=held_by)
    site = _site(case, recipe, body)
    _check_roles(case, recipe, body)
    _check_independence(recipe, body, site)
    _check_expiries(case, recipe, inputs, body.outputs)
    grants: Mapping[GrantKey, GrantRecord] = {}
    if recipe.family is Family.GRANT:
        grants = check_grant(case, recipe, body)
    elif body.replaces is not None:
        raise ReplacesNotExpected(recipe.name, body.replaces)
    facility = None if recipe.family is Family.GRANT else site
    return Standing(body, transform_id(body), recipe, inputs, facility, grants)


def check_enclosed(case: Case, transform: Transform, standing: Standing) -> None:
    """Run steps 10 to 12.

    Raises:
        NoteCountWrong, ViewTagLength, NoteHashDiffers: notes.
        EntryRefused: a signature is missing, extra or wrong.
    """
    _check_notes(transform)
    signed = entry_id(transform)
    members = tuple(signer.member for signer in transform.body.signers)
    check_signers(case.state, members, transform.signatures, signed)
    check_site_signature(standing.facility, transform.site_signature, signed)


def transform_change(case: Case, standing: Standing) -> Change:
    """Return what the transform does, once it is accepted."""
    body, identity = standing.body, standing.identity
    making = Making(
        kind=MakingKind.TRANSFORM,
        entry=case.identity,
        index=case.index,
        time=case.now,
        inputs=tuple(spent.lot for spent in body.inputs),
        outputs=tuple(lot_id(identity, index) for index in range(len(body.outputs))),
        recipe=body.recipe,
        family=standing.recipe.family.value,
        site=body.site,
        site_signed=standing.facility is not None,
        signers=tuple(signer.member for signer in body.signers),
        reversed_by=None,
        corrections=(),
    )
    by = Hash32(identity)
    return Change(
        lots={
            lot: LotRecord(public, by, index, _is_carried(case, standing, public), None)
            for index, (lot, public) in enumerate(zip(making.outputs, body.outputs, strict=True))
        },
        spent=dict.fromkeys(making.inputs, by),
        tags={spent.tag: by for spent in body.inputs},
        owner_keys={
            public.owner: lot for public, lot in zip(body.outputs, making.outputs, strict=True)
        },
        makings={by: making},
        grants=dict(standing.grants),
    )


def _is_carried(case: Case, standing: Standing, lot: LotPublic) -> bool:
    """Return whether an output is credit that was carried on, now or before."""
    if not _is_credit(case, lot):
        return False
    carried = (record.carried for record in standing.inputs if _is_credit(case, record.lot))
    return standing.recipe.family is Family.CARRY or any(carried)


def _is_credit(case: Case, lot: LotPublic) -> bool:
    return case.state.tables.forms[lot.form].form_class is FormClass.CREDIT


# ------------------------------------------------------------------ step 2: the recipe


def _recipe_in_force(case: Case, body: TransformBody, way: Way) -> Recipe:
    record = case.state.tables.recipes.get(body.recipe)
    if record is None:
        raise RecipeNotAdopted(body.recipe)
    recipe = record.recipe
    if record.retired:
        raise RecipeRetired(recipe.name, recipe.version)
    until = recipe.valid_to
    if case.now < recipe.valid_from or (until is not None and case.now > until):
        raise RecipeNotInForce(
            recipe.name,
            recipe.version,
            BlockTime(recipe.valid_from),
            None if until is None else BlockTime(until),
            case.now,
        )
    if not way.takes(recipe.family):
        raise FamilyNotAllowed(recipe.name, recipe.family, way.value)
    return recipe


# ------------------------------------------------------------------ steps 6 and 7: who and where


def _site(case: Case, recipe: Recipe, body: TransformBody) -> SiteRecord | None:
    if recipe.family is not Family.GRANT:  # a grant names its site whatever its recipe says
        if recipe.needs_site and body.site is None:
            raise SiteNeeded(recipe.name)
        if not recipe.needs_site and body.site is not None:
            raise SiteNotExpected(recipe.name, body.site)
    return None if body.site is None else active_site(case.state, body.site)


def _check_roles(case: Case, recipe: Recipe, body: TransformBody) -> None:
    found = tuple(signer.role for signer in body.signers)
    if found != recipe.co_signers:
        raise RolesDiffer(recipe.name, recipe.co_signers, found)
    for signer in body.signers:
        member_in_role(case.state, signer.member, signer.role)


def _check_independence(recipe: Recipe, body: TransformBody, site: SiteRecord | None) -> None:
    """Nobody vouches twice for one transform, or as an independent for its own site."""
    roles: dict[MemberId, tuple[Role, ...]] = {}
    for signer in body.signers:
        roles[signer.member] = (*roles.get(signer.member, ()), signer.role)
    for member, held in roles.items():
        if len(held) > 1:
            raise SignerInTwoRoles(member, held)
    if site is None:
        return
    for role in roles.get(site.member, ()):
        granting = recipe.family is Family.GRANT and role == AUTHORITY
        if role in _INDEPENDENT and not granting:
            raise SignerNotIndependent(site.member, role, site.site)


# ------------------------------------------------------------------ step 8: expiry


def _check_expiries(
    case: Case, recipe: Recipe, inputs: Sequence[LotRecord], outputs: Sequence[LotPublic]
) -> None:
    forms = case.state.tables.forms
    known: dict[FormClass, list[BlockTime]] = {}
    for record in inputs:
        expires = record.lot.expiry
        if expires is not None:
            known.setdefault(forms[record.lot.form].form_class, []).append(expires)
    if recipe.family is Family.CARRY:
        _check_not_carried(inputs)
    for index, lot in enumerate(outputs):
        expected: BlockTime | None = None
        if recipe.family is Family.SALE:
            expected = inputs[index].lot.expiry if index < len(inputs) else None
        elif forms[lot.form].form_class.is_right:
            own = known.get(forms[lot.form].form_class, [])
            expected = _right_expiry(case, recipe.family, forms[lot.form].form_class, own)
            if expected is None:
                raise RightFromNowhere(index, lot.form)
        if lot.expiry != expected:
            raise ExpiryWrong(index, expected, lot.expiry)


def _right_expiry(
    case: Case, family: Family, form_class: FormClass, own: list[BlockTime]
) -> BlockTime | None:
    """Return when an output of a class expires: the earliest of the inputs of its own class.

    Of its own class, because a right comes from the same right alone (rule 4 of adoption); the
    month of an assurance that is used beside it does not shorten a quarter's credit. New credit,
    mass-balance or book-and-claim, expires with the period in which it is accepted.
    """
    constants = case.constants
    if family is Family.GRANT:
        return constants.right_expiry(case.now)
    if family is Family.DEPOSIT and form_class is FormClass.CREDIT:
        return min([*own, constants.credit_expiry(case.now)])
    if not own:
        issued = family is Family.TRANSFER_CREDIT and form_class is FormClass.CREDIT
        return constants.credit_expiry(case.now) if issued else None
    if family is Family.CARRY and form_class is FormClass.CREDIT:
        return constants.carried_expiry(min(own))
    return min(own)


def _check_not_carried(inputs: Sequence[LotRecord]) -> None:
    for record in inputs:
        if record.carried:
            raise CreditCarriedTwice(_lot_of(record))


def _lot_of(record: LotRecord) -> LotId:
    return lot_id(TransformId(record.maker), record.output)


# ------------------------------------------------------------------ step 10: notes


def _check_notes(transform: Transform) -> None:
    body = transform.body
    counts = (len(body.outputs), len(body.notes), len(transform.notes), len(body.view_tags))
    if len(set(counts)) != 1:
        raise NoteCountWrong(*counts)
    for index, tag in enumerate(body.view_tags):
        if len(tag) != VIEW_TAG_BYTES:
            raise ViewTagLength(index, len(tag))
    for index, (stated, note) in enumerate(zip(body.notes, transform.notes, strict=True)):
        computed = NoteHash(hashlib.sha256(note).digest())
        if computed != stated:
            raise NoteHashDiffers(index, stated, computed)
