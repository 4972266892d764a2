"""What may enter the consortium's tables: forms, standards, allocation tables, recipes.

The rules of the trade are in ``custody``; here stands what depends on what is there already. A name
means one thing for good: forms and allocation tables are never redefined, a recipe changes only by
a new version, and a standard's new version must leave every recipe in force as sound as it was.
"""

from __future__ import annotations

from lodeline.custody.allocation import AllocationTable
from lodeline.custody.check_forms import check_form
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import Form
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard
from lodeline.custody.static_check import check_recipe
from lodeline.custody.strands import Strand
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import ElementSymbol, MalformedName, RecipeDigest, check_name
from lodeline.kernel.time import BlockTime
from lodeline.ledger.records import RecipeRecord
from lodeline.ledger.refusals_governance import (
    AllocationKnown,
    ElementUnknown,
    FormKnown,
    RecipeKnown,
    RecipeToRetireUnknown,
    RecipeVersionsOverlap,
    StandardNotNewer,
    StandardUnsound,
    WeightWrong,
)
from lodeline.ledger.tables import Adopted, Tables

__all__ = [
    "adopted_allocation",
    "adopted_form",
    "adopted_recipe",
    "adopted_standard",
    "retired_recipe",
]


def adopted_form(tables: Tables, elements: tuple[ElementSymbol, ...], form: Form) -> Adopted:
    """Return the adoption of a form.

    Raises:
        FormKnown: its name is taken.
        FormRefused, UnknownStrand, UnknownClaim: it contradicts itself.
        ElementUnknown: it contains an element that the genesis does not name.
    """
    if form.name in tables.forms:
        raise FormKnown(form.name)
    check_form(form)
    for item in form.strands:
        element = Strand.parse(item.strand).element
        if element not in elements:
            raise ElementUnknown(element)
    return Adopted(forms=(form,))


def adopted_standard(
    tables: Tables, elements: tuple[ElementSymbol, ...], standard: Standard
) -> Adopted:
    """Return the adoption of a standard, or of a later version of one.

    Raises:
        MalformedName: a name that no claim could carry.
        StandardNotNewer: the table's version does not begin earlier.
        StandardUnsound: a carry share beyond the whole, or an end before the beginning.
        ElementUnknown: it speaks of an element that the genesis does not name.
        RecipeRefused: a recipe in force would not be adopted under the new version.
    """
    if "/" in check_name(standard.name):
        raise MalformedName(text=standard.name)
    if standard.name in tables.standards:
        current = tables.standards[standard.name].valid_from
        if standard.valid_from <= current:
            raise StandardNotNewer(
                standard.name, BlockTime(current), BlockTime(standard.valid_from)
            )
    if not 0 <= standard.carry_share_ppm <= PPM_ONE:
        raise StandardUnsound(standard.name, "carry share (ppm)", standard.carry_share_ppm)
    if standard.valid_to is not None and standard.valid_to < standard.valid_from:
        raise StandardUnsound(standard.name, "valid-to", standard.valid_to)
    for element in standard.elements:
        if element not in elements:
            raise ElementUnknown(element)
    adopted = Adopted(standards=(standard,))
    _check_recipes_still_sound(tables.with_adopted(adopted))
    return adopted


def _check_recipes_still_sound(tables: Tables) -> None:
    for record in tables.recipes.values():
        if not record.retired:
            _check_recipe(tables, record.recipe)


def adopted_allocation(tables: Tables, table: AllocationTable) -> Adopted:
    """Return the adoption of an allocation table.

    Raises:
        MalformedName: a name that is none.
        AllocationKnown: its name is taken.
        WeightWrong: a weight outside 0 to 1,000,000.
    """
    if check_name(table.name) in tables.allocations:
        raise AllocationKnown(table.name)
    for weight in table.weights:
        if not 0 <= weight.weight_ppm <= PPM_ONE:
            raise WeightWrong(table.name, weight.strand, weight.weight_ppm)
    return Adopted(allocations=(table,))


def adopted_recipe(tables: Tables, recipe: Recipe) -> Adopted:
    """Return the adoption of a recipe that passes the static check (rules 1 to 9).

    Raises:
        MalformedName: a name that is none.
        RecipeKnown: this version, or a later one, was adopted before.
        RecipeVersionsOverlap: an earlier version would be in force beside it.
        RecipeRefused, UnknownForm, UnknownStandard, UnknownAllocation: the static check.
    """
    check_name(recipe.name)
    for record in tables.recipes.values():
        if record.recipe.name == recipe.name:
            _check_follows(record, recipe)
    _check_recipe(tables, recipe)
    return Adopted(recipes={recipe_digest(recipe): RecipeRecord(recipe, retired=False)})


def _check_follows(record: RecipeRecord, recipe: Recipe) -> None:
    """The static check sets the earlier versions aside, so none may be in force beside the new."""
    known, ends = record.recipe, record.recipe.valid_to
    if known.version >= recipe.version:
        raise RecipeKnown(known.name, known.version)
    if not record.retired and (ends is None or ends >= recipe.valid_from):
        end = None if ends is None else BlockTime(ends)
        raise RecipeVersionsOverlap(known.name, known.version, end, BlockTime(recipe.valid_from))


def _check_recipe(tables: Tables, recipe: Recipe) -> None:
    in_force = tuple(record.recipe for record in tables.recipes.values() if not record.retired)
    check_recipe(recipe, tables.forms, tables.standards, tables.allocations, in_force)


def retired_recipe(tables: Tables, digest: RecipeDigest) -> Adopted:
    """Return the retirement of a recipe in force.

    Raises:
        RecipeToRetireUnknown: none with this digest is in force.
    """
    record = tables.recipes.get(digest)
    if record is None or record.retired:
        raise RecipeToRetireUnknown(digest)
    return Adopted(recipes={digest: RecipeRecord(record.recipe, retired=True)})
