"""Grants: an authority, an auditor or an accredited body gives a site a right for the month.

A grant makes one lot: licences and quotas with an amount for each element, an assurance with the
amount of each element that bears the standard. It goes to the site's member, and its size is known
to grantor and grantee alone; that there is a grant, of what, for whom and until when, is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lodeline.crypto.onetime import Address, SpendPublic
from lodeline.crypto.sealing import ViewPublicKey
from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import Family, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.engine.interface import Receipt
from lodeline.holder.building import Plan, PlannedLot, Tables, build_transform
from lodeline.holder.signing import sign_members, transform_entry
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, LotId, MemberId, SiteId
from lodeline.kernel.time import BlockTime, Period
from lodeline.kernel.units import Milligrams
from lodeline.ledger.case import active_site
from lodeline.ledger.entries import Member
from lodeline.node.governing import recipe_in_force
from lodeline.node.session import Session
from lodeline.proofs.body import SignerRef

__all__ = [
    "RIGHT_KINDS",
    "GrantOrder",
    "Granted",
    "address_of",
    "default_claim",
    "grant",
    "tables_of",
]

RIGHT_KINDS: Mapping[FormClass, Kind] = {
    FormClass.LICENCE: Kind.LICENCE,
    FormClass.INTAKE: Kind.LICENCE,
    FormClass.QUOTA: Kind.QUOTA,
    FormClass.ASSURANCE: Kind.ASSURANCE,
}
"""What kind of strand a granted lot of each class is made of."""


class GrantPeriodOver(LodelineError):
    """A grant for another month than the present one."""

    asked: str
    present: str

    code = "grant-period-not-present"
    en = "a right can be granted for the present month, {present}, not for {asked}"
    fr = "un droit s'accorde pour le mois en cours, {present}, et non pour {asked}"
    advice_en = "grant it when that month has begun; one month at a time lets a suspension bite"
    advice_fr = "accordez-le quand ce mois aura commencé ; ainsi une suspension prend effet"


class GrantWithoutStandard(LodelineError):
    """An assurance that does not say under which standard."""

    code = "grant-without-standard"
    en = "an assurance is given under a standard, and none is named"
    fr = "une attestation se donne selon une norme, et aucune n'est nommée"
    advice_en = "add --standard NAME; see `lodeline recipes --standards`"
    advice_fr = "ajoutez --standard NOM ; voyez « lodeline recipes --standards »"


class GrantRecipeMissing(LodelineError):
    """A kind of right for which no recipe of granting was adopted."""

    kind: str

    code = "grant-recipe-missing"
    en = "no recipe for granting {kind} is in force"
    fr = "aucune recette d'octroi de {kind} n'est en vigueur"
    advice_en = "have one adopted with `lodeline recipe adopt`"
    advice_fr = "faites-en adopter une avec « lodeline recipe adopt »"


@dataclass(frozen=True)
class GrantOrder:
    """What is to be granted."""

    kind: FormClass
    """Licence, intake, quota or assurance."""
    site: SiteId
    amounts: Mapping[ElementSymbol, Milligrams]
    standard: ClaimName | None = None
    """Of an assurance."""
    month: Period | None = None
    """Checked against the present month; nothing: the present month."""


@dataclass(frozen=True)
class Granted:
    """A grant in force."""

    receipt: Receipt
    lot: LotId
    to: MemberId
    expires: BlockTime


def address_of(member: Member) -> Address:
    """Return where lots for a member are sent."""
    return Address(spend=SpendPublic(member.spend), view=ViewPublicKey(member.view))


def tables_of(session: Session) -> Tables:
    """Return the forms and standards as adopted."""
    tables = session.state.tables
    return Tables(session.chain, tables.forms, tables.standards)


def default_claim(text: str) -> ClaimName:
    """Return the claim that a standard is granted as; without a model: segregated.

    Raises:
        UnknownClaim: no such chain-of-custody model.
    """
    return ClaimName.parse(text if "/" in text else f"{text}/{Model.SEGREGATED.text}")


def grant(session: Session, grantor: MemberId, order: GrantOrder) -> Granted:
    """Grant a right or an assurance for the present month to the member of a site.

    Raises:
        GrantPeriodOver, GrantWithoutStandard, GrantRecipeMissing: the order.
        UnknownSite, MemberNotActive: the site.
        GrantorNotRecognised, RecognitionExpired, GrantExists, …: the ledger refuses it.
    """
    now, constants = session.now(), session.constants
    _check_month(constants.right_period(now), order.month)
    holder = session.member(active_site(session.state, order.site).member)
    recipe = _recipe(session, order.kind)
    expires = constants.right_expiry(now)
    plan = Plan(
        recipe=recipe,
        site=order.site,
        inputs=(),
        outputs=(_planned(order, address_of(holder), expires),),
        signers=tuple(SignerRef(grantor, role) for role in recipe.co_signers),
    )
    built = build_transform(plan, tables_of(session), session.entropy)
    signed = sign_members(transform_entry(built), {grantor: session.keys(grantor).signing})
    receipt = session.submit(signed)
    return Granted(receipt, built.made[0].lot_id, holder.member, expires)


def _check_month(present: Period, asked: Period | None) -> None:
    if asked is not None and asked != present:
        raise GrantPeriodOver(asked.label(), present.label())


def _recipe(session: Session, kind: FormClass) -> Recipe:
    """Return the recipe in force that makes lots of a class from nothing."""
    forms = session.state.tables.forms
    for record in session.state.tables.recipes.values():
        recipe = record.recipe
        if recipe.family is not Family.GRANT or recipe.inputs:
            continue
        made = {forms[name].form_class for port in recipe.outputs for name in port.forms}
        if made == {kind} and recipe_in_force(session, record):
            return recipe
    raise GrantRecipeMissing(kind.value)


def _planned(order: GrantOrder, recipient: Address, expires: BlockTime) -> PlannedLot:
    strands = {
        Strand(element, RIGHT_KINDS[order.kind]): mass for element, mass in order.amounts.items()
    }
    claims: dict[tuple[Strand, ClaimName], Milligrams] = {}
    if order.kind is FormClass.ASSURANCE:
        if order.standard is None:
            raise GrantWithoutStandard
        claims = {(strand, order.standard): mass for strand, mass in strands.items()}
    return PlannedLot(
        form=FormName(order.kind.value),
        recipient=recipient,
        amounts=strands,
        claims=claims,
        expires=expires,
        site=order.site,
    )
