"""A naive judge of recipes: tries amounts of 0 and 1 until more comes out than went in.

Written without the code under test: it expands wildcards by replacing text, knows no rule of
adoption, and asks only whether some transform could keep every balance and still end with more
metal, licence or quota than it began with. What it finds is a real creation; it may overlook one.
"""

import itertools
from collections.abc import Iterator

from lodeline.custody.forms import FormClass, FormTable
from lodeline.custody.recipes import Family, Port, Recipe

Variable = tuple[str, str]
"""Side and strand: ("in", "Co.licence")."""
Constraint = tuple[tuple[str, ...], tuple[str, ...]]
"""What is used up, and what must not be more than it (right and counts together)."""

RIGHTS = (FormClass.LICENCE, FormClass.INTAKE, FormClass.QUOTA)
STOCK = (FormClass.MATERIAL, FormClass.RESIDUE, FormClass.SCRAP)
MOST_VARIABLES = 14


def creates(recipe: Recipe, forms: FormTable) -> bool:
    """Return whether amounts of 0 and 1 exist that make something out of nothing."""
    constraints = list(_constraints(recipe))
    spoken = {strand for left, right in constraints for strand in (*left, *right)}
    entering = {("in", strand) for strand in _strands(recipe.inputs, forms, spoken)}
    leaving = {("out", strand) for strand in _strands(recipe.outputs, forms, spoken)}
    if recipe.family is Family.INTAKE:
        leaving = {item for item in leaving if not item[1].endswith(".tolerance")}
    return any(
        _grows(recipe, group, constraints) for group in _groups(entering | leaving, constraints)
    )


def _constraints(recipe: Recipe) -> Iterator[Constraint]:
    for item in recipe.balances:
        if not item.left and recipe.family is Family.GRANT:
            continue
        given = (*item.right, *item.counts)
        if any(name.split(".")[0] == "X" for name in (*item.left, *given)):
            for element in recipe.elements:
                yield _over(element, item.left), _over(element, given)
        else:
            yield tuple(item.left), given


def _over(element: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        ".".join([element, *name.split(".")[1:]]) if name.split(".")[0] == "X" else name
        for name in names
    )


def _strands(ports: tuple[Port, ...], forms: FormTable, spoken: set[str]) -> set[str]:
    """Strands with an amount; of a form for rights only those that the recipe speaks of."""
    found: set[str] = set()
    for form in forms.all():
        named = any(form.name in item.forms for item in ports)
        through_any = any("*" in item.forms for item in ports) and form.form_class in STOCK
        if not (named or through_any):
            continue
        for item in form.strands:
            if item.strand.endswith((".assurance", ".credit")):
                continue
            if form.form_class not in RIGHTS or item.strand in spoken:
                found.add(item.strand)
    return found


def _groups(variables: set[Variable], constraints: list[Constraint]) -> Iterator[list[Variable]]:
    """Yield sets of variables that constraints or a common element tie together."""
    waiting = set(variables)
    while waiting:
        group = {min(waiting)}
        while True:
            elements = {strand.split(".")[0] for _, strand in group}
            for left, given in constraints:
                touched = {strand.split(".")[0] for strand in (*left, *given)}
                if touched & elements:
                    elements |= touched
            grown = {item for item in waiting if item[1].split(".")[0] in elements}
            if grown == group:
                break
            group = grown
        waiting -= group
        yield sorted(group)


def _grows(recipe: Recipe, group: list[Variable], constraints: list[Constraint]) -> bool:
    if len(group) > MOST_VARIABLES:
        return False
    elements = {strand.split(".")[0] for _, strand in group}
    tied = [
        (left, given)
        for left, given in constraints
        if any(strand.split(".")[0] in elements for strand in (*left, *given))
    ]
    for numbers in itertools.product((0, 1), repeat=len(group)):
        amounts = dict(zip(group, numbers, strict=True))
        kept = all(
            sum(amounts.get(("in", strand), 0) for strand in left)
            >= sum(amounts.get(("out", strand), 0) for strand in given)
            for left, given in tied
        )
        if kept and any(_gained(recipe, amounts, element) for element in elements):
            return True
    return False


def _gained(recipe: Recipe, amounts: dict[Variable, int], element: str) -> bool:
    def gain(*kinds: str) -> int:
        names = [element + kind for kind in kinds]
        out = sum(amounts.get(("out", name), 0) for name in names)
        return out - sum(amounts.get(("in", name), 0) for name in names)

    if recipe.family is Family.GRANT:
        return gain("", ".tolerance") > 0
    return gain("", ".tolerance", ".licence") > 0 or gain(".licence") > 0 or gain(".quota") > 0
