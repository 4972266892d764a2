"""Chapter of rights: licences, quotas, assurances and intake licences, month by month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lodeline.custody.strands import Kind, Strand
from lodeline.holder.wishes import ClaimWish, Wish
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.companies import Company, CompanyKind
from lodeline.pilot.figures import Facility
from lodeline.pilot.scenario import Assurance
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, COPPER, Telling, metal, tied

__all__ = ["Rights", "expected_output", "grant_assurance", "grant_intake", "month_rights"]

_MONTHS_A_YEAR, _MONTHS_A_QUARTER = 12, 3


@dataclass(frozen=True)
class Rights:
    """What one producer may do in one month."""

    licence: PlainLot
    quota: PlainLot
    assurances: tuple[PlainLot, ...]


def facility_of(telling: Telling, company: Company) -> Facility:
    """Return the public facility whose figures a company is given.

    Raises:
        FigureUnknown: there is none.
    """
    return telling.figures.facility(company.figures_of or "")


def expected_output(telling: Telling, company: Company) -> Milligrams:
    """Return the cobalt that a company's site makes for the pilot in an average month."""
    yearly = facility_of(telling, company).tonnes_a_year or Milligrams(0)
    return telling.pilot_share(milligrams(yearly // _MONTHS_A_YEAR))


def month_rights(telling: Telling, month: int, company: Company) -> Rights:
    """Grant one producer what it may mine, export and claim this month."""
    output = expected_output(telling, company)
    headroom = PPM_ONE + telling.figures.share("licence-headroom")
    licensed = milligrams(output * headroom // PPM_ONE)
    copper = milligrams(licensed * telling.figures.times("copper-for-cobalt"))
    amounts = {COBALT: licensed, COPPER: copper}
    licence = _grant_right(telling, month, company, Kind.LICENCE, amounts)
    quarterly = facility_of(telling, company).quarter_quota or Milligrams(0)
    monthly = telling.pilot_share(milligrams(quarterly // _MONTHS_A_QUARTER))
    quota = _grant_right(telling, month, company, Kind.QUOTA, {COBALT: monthly})
    assurances = tuple(
        grant_assurance(telling, month, item, company.member, amounts[metal(item.element)])
        for item in telling.scenario.assurances_of(company.site)
    )
    return Rights(licence, quota, assurances)


def _grant_right(
    telling: Telling,
    month: int,
    company: Company,
    kind: Kind,
    amounts: Mapping[Strand, Milligrams],
) -> PlainLot:
    office = CompanyKind.MINING_AUTHORITY if kind is Kind.LICENCE else CompanyKind.QUOTA_AUTHORITY
    grantor = telling.scenario.cast.of_kind(office)[0].member
    strands = {tied(strand, kind): amount for strand, amount in amounts.items()}
    (lot,) = telling.book.work(
        Deed(
            at=telling.at(month, 1, 6),
            chapter=Chapter.RIGHTS,
            actor=grantor,
            recipe=f"grant-{kind.value}",
            inputs=(),
            outputs=(Wish(FormName(kind.value), amounts=strands),),
            signers={"authority": grantor},
            grantee=company.member,
        )
    )
    return lot


def grant_assurance(
    telling: Telling, month: int, assurance: Assurance, holder: MemberId, amount: Milligrams
) -> PlainLot:
    """Have a body certify a site for a tonnage of this month."""
    claim = ClaimWish(assurance.claim.standard, assurance.claim.model, assurance.element, amount)
    wish = Wish(FormName("assurance"), amounts={}, claims=(claim,))
    (lot,) = telling.book.work(
        Deed(
            at=telling.at(month, 1, 9),
            chapter=Chapter.RIGHTS,
            actor=assurance.body,
            recipe="grant-assurance",
            inputs=(),
            outputs=(wish,),
            signers={"certifier": assurance.body},
            grantee=holder,
        )
    )
    return lot


def grant_intake(
    telling: Telling, month: int, holder: MemberId, amounts: Mapping[Strand, Milligrams]
) -> PlainLot:
    """Have the auditor license stock or material from outside for a site."""
    auditor = telling.scenario.cast.of_kind(CompanyKind.AUDITOR)[0].member
    strands = {tied(strand, Kind.LICENCE): amount for strand, amount in amounts.items()}
    (lot,) = telling.book.work(
        Deed(
            at=telling.at(month, 1, 12),
            chapter=Chapter.RIGHTS,
            actor=auditor,
            recipe="grant-intake",
            inputs=(),
            outputs=(Wish(FormName("intake"), amounts=strands),),
            signers={"auditor": auditor},
            grantee=holder,
        )
    )
    return lot
