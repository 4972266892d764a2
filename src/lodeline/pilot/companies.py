"""The companies of the pilot: invented, with the figures of public facilities.

Who may co-sign as what stands here too. `Cast.signer` finds the company that signs in a role: one
of the actor's country where there is one, else the first that has the role.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from lodeline.custody.rows import Row, refuse_twice, rows_of
from lodeline.custody.yaml_text import TableRefused
from lodeline.kernel.ids import MemberId, Role, SiteId, check_name

__all__ = ["Cast", "Company", "CompanyKind", "CompanyUnknown", "RoleUnfilled", "load_companies"]

_TABLE = "companies"


class CompanyUnknown(TableRefused):
    """A company that is not in the table."""

    member: str

    code = "pilot-company-unknown"
    en = "{table} has no company named {member}"
    fr = "{table} n'a pas d'entreprise nommée {member}"
    advice_en = "add the company, or correct the name in the scenario"
    advice_fr = "ajoutez l'entreprise, ou corrigez le nom dans le scénario"


class RoleUnfilled(TableRefused):
    """A role in which nobody can sign."""

    role: Role

    code = "pilot-role-unfilled"
    en = "{table}: nobody signs as {role}"
    fr = "{table} : personne ne signe comme {role}"
    advice_en = "give the role to a company"
    advice_fr = "donnez ce rôle à une entreprise"


class CompanyKind(Enum):
    """What a company does in the chain."""

    PRODUCER = "producer"
    TRADER = "trader"
    REFINER = "refiner"
    PRECURSOR_MAKER = "precursor-maker"
    CATHODE_MAKER = "cathode-maker"
    CELL_MAKER = "cell-maker"
    PACK_MAKER = "pack-maker"
    CARMAKER = "carmaker"
    ASSURANCE_BODY = "assurance-body"
    QUOTA_AUTHORITY = "quota-authority"
    MINING_AUTHORITY = "mining-authority"
    AUDITOR = "auditor"
    RECYCLER = "recycler"
    WEIGHTS_OFFICE = "weights-office"


@dataclass(frozen=True)
class Company:
    """One invented company with its sites."""

    member: MemberId
    kind: CompanyKind
    title: str
    country: str
    """ISO 3166-1 alpha-2."""
    roles: tuple[Role, ...]
    """What it may co-sign as, ascending."""
    site: SiteId
    site_title: str
    other_sites: tuple[tuple[SiteId, str], ...]
    """Sites beside the one where it works in the story, with their titles."""
    figures_of: str | None
    """Public facility whose figures the company is given."""

    @property
    def sites(self) -> tuple[tuple[SiteId, str], ...]:
        """Every site of the company with its title."""
        return ((self.site, self.site_title), *self.other_sites)


class Cast:
    """All companies."""

    def __init__(self, companies: tuple[Company, ...]) -> None:
        self.companies = companies

    def __getitem__(self, member: MemberId) -> Company:
        """Return a company.

        Raises:
            CompanyUnknown: there is none of this name.
        """
        for company in self.companies:
            if company.member == member:
                return company
        raise CompanyUnknown(_TABLE, member)

    def of_kind(self, kind: CompanyKind) -> tuple[Company, ...]:
        """Return the companies of a kind in the order of the table."""
        return tuple(company for company in self.companies if company.kind is kind)

    def signer(
        self, role: Role, actor: MemberId, others: Collection[MemberId] = frozenset()
    ) -> MemberId:
        """Return who signs in a role for an actor's step; nobody who signs it in another role.

        Raises:
            CompanyUnknown: there is no such actor.
            RoleUnfilled: no other company has the role.
        """
        country = self[actor].country
        able = [
            company
            for company in self.companies
            if role in company.roles and company.member not in others
        ]
        if not able:
            raise RoleUnfilled(_TABLE, role)
        near = [company for company in able if company.country == country]
        return (near or able)[0].member


def load_companies(text: str) -> Cast:
    """Return the companies of a table's text.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    companies = tuple(_company(row) for row in rows_of(_TABLE, text, "companies"))
    refuse_twice(_TABLE, (company.member for company in companies))
    refuse_twice(_TABLE, (site for company in companies for site, _ in company.sites))
    return Cast(companies)


def _company(row: Row) -> Company:
    company = Company(
        member=MemberId(row.parsed("member", check_name)),
        kind=row.choice("kind", CompanyKind),
        title=row.text("title"),
        country=row.text("country"),
        roles=tuple(sorted(Role(role) for role in row.texts("roles"))),
        site=SiteId(row.parsed("site", check_name)),
        site_title=row.text("site_title"),
        other_sites=_other_sites(row),
        figures_of=row.text("figures_of") if row.has("figures_of") else None,
    )
    row.close()
    return company


def _other_sites(row: Row) -> tuple[tuple[SiteId, str], ...]:
    found = []
    for site in row.rows("other_sites", optional=True):
        found.append((SiteId(site.parsed("site", check_name)), site.text("title")))
        site.close()
    return tuple(found)
