"""Recipes from their YAML text.

Keys that most recipes do not need may be left out: `counts`, `tolerance_ppm` and `min_recovery_ppm`
of a balance (none, 0 and 0), `recoveries`, `claims`, `allocation`, `floor`, `co_signers` (none),
`has_process`, `needs_site` and `marks_site` (false), `at_least` of a port (0) and `valid_to` (no
end). Everything else must be written. Whether a recipe may be adopted is for `static_check`.
"""

from __future__ import annotations

from lodeline.custody.recipes import (
    Balance,
    ClaimMode,
    ClaimRule,
    Family,
    Floor,
    Port,
    Recipe,
    Recovery,
    Weight,
)
from lodeline.custody.rows import Row, refuse_twice, rows_of
from lodeline.kernel.bounds import MAX_INPUTS
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    RecipeName,
    Role,
    StandardName,
    StrandName,
)

__all__ = ["load_recipes", "weights_of"]

_MOST_VERSIONS = 1_000_000
_MOST_BALANCES = 64


def load_recipes(text: str) -> tuple[Recipe, ...]:
    """Return the recipes of a table in their order.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    recipes = []
    for row in rows_of("recipes", text, "recipes"):
        recipe = _recipe(row)
        row.close()
        recipes.append(recipe)
    refuse_twice("recipes", (f"{item.name} version {item.version}" for item in recipes))
    return tuple(recipes)


def _recipe(row: Row) -> Recipe:
    return Recipe(
        name=RecipeName(row.text("name")),
        version=row.integer("version", least=1, greatest=_MOST_VERSIONS),
        family=row.choice("family", Family),
        title_en=row.text("title_en"),
        title_fr=row.text("title_fr"),
        valid_from=row.first_second("valid_from"),
        valid_to=row.last_second("valid_to"),
        elements=tuple(ElementSymbol(item) for item in row.texts("elements")),
        inputs=tuple(_port(item) for item in row.rows("inputs", optional=True)),
        outputs=tuple(_port(item) for item in row.rows("outputs", optional=True)),
        balances=tuple(_balance(item) for item in row.rows("balances", optional=True)),
        recoveries=_recoveries(row.row("recoveries", optional=True)),
        claims=tuple(_claim_rule(item) for item in row.rows("claims", optional=True)),
        custody=row.text("custody"),
        allocation_table=row.text("allocation_table"),
        allocation=weights_of(row.row("allocation", optional=True)),
        floor=_floor(row.row("floor", optional=True)),
        has_process=_flag(row, "has_process"),
        needs_site=_flag(row, "needs_site"),
        marks_site=_flag(row, "marks_site"),
        co_signers=tuple(Role(item) for item in row.texts("co_signers", optional=True)),
        source=row.text("source"),
    )


def _flag(row: Row, name: str) -> bool:
    return row.flag(name) if row.has(name) else False


def _port(row: Row) -> Port:
    port = Port(
        forms=tuple(FormName(item) for item in row.texts("forms")),
        at_least=_count(row, "at_least", default=0),
        at_most=row.integer("at_most", least=0, greatest=MAX_INPUTS),
    )
    row.close()
    return port


def _count(row: Row, name: str, *, default: int) -> int:
    if not row.has(name):
        return default
    return row.integer(name, least=0, greatest=MAX_INPUTS)


def _balance(row: Row) -> Balance:
    balance = Balance(
        left=_strands(row, "left"),
        right=_strands(row, "right"),
        counts=_strands(row, "counts"),
        min_recovery_ppm=row.ppm("min_recovery_ppm") if row.has("min_recovery_ppm") else 0,
        tolerance_ppm=row.ppm("tolerance_ppm") if row.has("tolerance_ppm") else 0,
    )
    row.close()
    return balance


def _strands(row: Row, name: str) -> tuple[StrandName, ...]:
    return tuple(StrandName(item) for item in row.texts(name, optional=name == "counts"))


def _recoveries(row: Row) -> tuple[Recovery, ...]:
    return tuple(Recovery(ElementSymbol(name), row.ppm(name)) for name in row.names())


def _claim_rule(row: Row) -> ClaimRule:
    rule = ClaimRule(
        standards=tuple(StandardName(item) for item in row.texts("standards")),
        balance=row.integer("balance", least=0, greatest=_MOST_BALANCES),
        mode=row.choice("mode", ClaimMode),
    )
    row.close()
    return rule


def weights_of(row: Row) -> tuple[Weight, ...]:
    """Return allocation weights written as form, then strand, then ppm.

    Raises:
        TableRefused: one of its reasons, with table and key.
    """
    weights: list[Weight] = []
    for form in row.names():
        strands = row.row(form)
        weights.extend(
            Weight(FormName(form), StrandName(strand), strands.ppm(strand))
            for strand in strands.names()
        )
    return tuple(weights)


def _floor(row: Row) -> tuple[Floor, ...]:
    return tuple(Floor(StrandName(name), row.intensity(name)) for name in row.names())
