"""Tables of the consortium from their YAML text: elements, forms, standards, weights, quotas.

Every function takes text and gives typed values or a refusal that names table and key; none opens
a file. Recipes have their own module, `recipe_table`. What a table *says* is judged elsewhere:
forms by `check_forms`, recipes by `static_check`.
"""

from __future__ import annotations

from lodeline.custody.allocation import AllocationTable, AllocationTables
from lodeline.custody.check_forms import check_form
from lodeline.custody.claims import Model
from lodeline.custody.elements import Element, ElementTable
from lodeline.custody.forms import (
    Content,
    Form,
    FormClass,
    FormTable,
    LeastAmount,
    Ratio,
    StrandWidth,
)
from lodeline.custody.quotas import ForfeitureRule, QuotaBook, QuotaFact
from lodeline.custody.recipe_table import load_recipes, weights_of
from lodeline.custody.rows import Row, refuse_twice, rows_of
from lodeline.custody.scheme import BalancePeriod, RoleTitle, Scheme
from lodeline.custody.standards import Standard, StandardTable
from lodeline.custody.yaml_text import parse_yaml
from lodeline.kernel.bounds import AMOUNT_BITS, MAX_TIME, PPM_ONE
from lodeline.kernel.ids import ElementSymbol, FormName, Role, StandardName, StrandName
from lodeline.kernel.time import Period

__all__ = [
    "load_allocation",
    "load_elements",
    "load_forms",
    "load_quotas",
    "load_recipes",
    "load_scheme",
    "load_standards",
]

_DAY = 86_400
_LONGEST_GRACE_DAYS = 90


def load_elements(text: str) -> ElementTable:
    """Return the elements of a table.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    elements = []
    for row in rows_of("elements", text, "elements"):
        element = Element(
            symbol=ElementSymbol(row.text("symbol")),
            name_en=row.text("name_en"),
            name_fr=row.text("name_fr"),
            atomic_mass=row.decimal("atomic_mass"),
            source=row.text("source"),
        )
        row.close()
        elements.append(element)
    refuse_twice("elements", (item.symbol for item in elements))
    return ElementTable(tuple(elements))


def load_forms(text: str) -> FormTable:
    """Return the forms of a table, each checked by itself.

    Raises:
        TableRefused: one of its reasons, with table and key.
        FormRefused: a form that contradicts itself.
    """
    forms = []
    for row in rows_of("forms", text, "forms"):
        form = _form(row)
        row.close()
        check_form(form)
        forms.append(form)
    refuse_twice("forms", (item.name for item in forms))
    return FormTable(tuple(forms))


def _form(row: Row) -> Form:
    has_model = row.has("strongest")
    strongest = row.parsed("strongest", Model.parse) if has_model else Model.IDENTITY_PRESERVED
    return Form(
        name=FormName(row.text("name")),
        form_class=row.choice("class", FormClass),
        title_en=row.text("title_en"),
        title_fr=row.text("title_fr"),
        strands=_widths(row.row("strands")),
        emission_bits=row.integer("emission_bits", least=0, greatest=AMOUNT_BITS),
        ratios=tuple(_ratio(item) for item in row.rows("ratios", optional=True)),
        least=_least(row.row("least", optional=True)),
        contents=tuple(_content(item) for item in row.rows("contents", optional=True)),
        strongest=strongest.text,
    )


def _widths(row: Row) -> tuple[StrandWidth, ...]:
    return tuple(
        StrandWidth(StrandName(name), row.integer(name, least=1, greatest=AMOUNT_BITS))
        for name in row.names()
    )


def _least(row: Row) -> tuple[LeastAmount, ...]:
    return tuple(LeastAmount(StrandName(name), row.mass(name)) for name in row.names())


def _ratio(row: Row) -> Ratio:
    ratio = Ratio(
        element=ElementSymbol(row.text("element")),
        among=tuple(ElementSymbol(item) for item in row.texts("among")),
        low_ppm=row.ppm("low_ppm"),
        high_ppm=row.ppm("high_ppm"),
    )
    row.close()
    return ratio


def _content(row: Row) -> Content:
    content = Content(
        element=ElementSymbol(row.text("element")),
        typical_ppm=row.ppm("typical_ppm"),
        low_ppm=row.ppm("low_ppm"),
        high_ppm=row.ppm("high_ppm"),
        source=row.text("source"),
    )
    row.close()
    return content


def load_standards(text: str) -> StandardTable:
    """Return the standards of a table.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    standards = []
    for row in rows_of("standards", text, "standards"):
        classes = row.choices("draws_from", FormClass)
        standard = Standard(
            name=StandardName(row.text("name")),
            title_en=row.text("title_en"),
            title_fr=row.text("title_fr"),
            version=row.text("version"),
            valid_from=row.first_second("valid_from"),
            valid_to=row.last_second("valid_to"),
            elements=tuple(ElementSymbol(item) for item in row.texts("elements")),
            draws_from=classes,
            draws_from_forms=tuple(FormName(item) for item in row.texts("draws_from_forms")),
            carry_share_ppm=row.ppm("carry_share_ppm"),
            source=row.text("source"),
        )
        row.close()
        standards.append(standard)
    refuse_twice("standards", (item.name for item in standards))
    return StandardTable(tuple(standards))


def load_allocation(text: str) -> AllocationTables:
    """Return the dated allocation tables.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    tables = []
    for row in rows_of("allocation", text, "tables"):
        table = AllocationTable(
            name=row.text("name"),
            title_en=row.text("title_en"),
            title_fr=row.text("title_fr"),
            valid_from=row.first_second("valid_from"),
            valid_to=row.last_second("valid_to"),
            weights=weights_of(row.row("weights")),
            source=row.text("source"),
        )
        row.close()
        tables.append(table)
    refuse_twice("allocation", (item.name for item in tables))
    return AllocationTables(tuple(tables))


def load_quotas(text: str) -> QuotaBook:
    """Return quota facts and forfeiture rules.

    Raises:
        TableRefused: one of its reasons, with table and key.
        PeriodEmpty: a quota ends before it begins.
    """
    root = Row("quotas", "quotas", parse_yaml("quotas", text))
    facts = tuple(_quota(row) for row in root.rows("quotas"))
    rules = tuple(_forfeiture(row) for row in root.rows("forfeitures"))
    root.close()
    refuse_twice("quotas", (item.name for item in facts))
    return QuotaBook(facts, rules)


def _quota(row: Row) -> QuotaFact:
    fact = QuotaFact(
        name=row.text("name"),
        country=row.text("country"),
        holder=row.text("holder") if row.has("holder") else None,
        element=ElementSymbol(row.text("element")),
        amount=row.mass("amount"),
        period=Period(row.first_second("first_day"), row.first_second_after("last_day")),
        usable_until=row.last_second_of("usable_until"),
        source=row.text("source"),
    )
    row.close()
    return fact


def _forfeiture(row: Row) -> ForfeitureRule:
    rule = ForfeitureRule(
        country=row.text("country"),
        element=ElementSymbol(row.text("element")),
        valid_from=row.first_second("valid_from"),
        monthly=row.flag("monthly"),
        source=row.text("source"),
    )
    row.close()
    return rule


def load_scheme(text: str) -> Scheme:
    """Return the scheme's settings.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    row = Row("scheme", "scheme", parse_yaml("scheme", text))
    grace = row.integer("reporting_grace_days", least=0, greatest=_LONGEST_GRACE_DAYS)
    scheme = Scheme(
        name=row.text("name"),
        valid_from=row.first_second("valid_from"),
        valid_to=row.last_second("valid_to"),
        balance_period=row.choice("balance_period", BalancePeriod),
        carry_share_ppm=row.integer("carry_share_ppm", least=0, greatest=PPM_ONE),
        reporting_grace=grace * _DAY,
        longest_licence=row.integer("longest_licence_days", least=1, greatest=MAX_TIME // _DAY),
        roles=tuple(_role(item) for item in row.rows("roles")),
        source=row.text("source"),
    )
    row.close()
    refuse_twice("scheme", (item.name for item in scheme.roles))
    return scheme


def _role(row: Row) -> RoleTitle:
    role = RoleTitle(
        name=Role(row.text("name")),
        title_en=row.text("title_en"),
        title_fr=row.text("title_fr"),
        attests_en=row.text("attests_en"),
        attests_fr=row.text("attests_fr"),
    )
    row.close()
    return role
