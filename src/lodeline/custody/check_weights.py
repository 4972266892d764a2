"""Rule 9 of adoption: allocation weights come from one dated table (protocol.md §4).

Otherwise a recipe could load the emissions of a step onto whatever it throws away.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from lodeline.custody.candidate import Candidate, RecipeRefused, strands_of
from lodeline.custody.expansion import NoWeight
from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import ANY_FORM, WILDCARD, Family
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.ids import FormName, RecipeName, StrandName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Ppm

__all__ = [
    "ResidueComesBack",
    "ResidueTooHeavy",
    "WeightMissing",
    "WeightNotFromTable",
    "WeightOfNothing",
    "WeightTableOutdated",
    "WeightTwice",
    "check_weights",
]


class WeightTableOutdated(RecipeRefused):
    """A table that does not hold when the recipe begins."""

    table: str
    valid_from: int

    code = "recipe-weight-table-outdated"
    en = "{recipe} begins at {valid_from}, when the table {table} does not hold"
    fr = "{recipe} commence à {valid_from}, où la table {table} ne vaut pas"
    advice_en = "use the table of that date"
    advice_fr = "utilisez la table de cette date"


class WeightNotFromTable(RecipeRefused):
    """A weight that differs from the table's."""

    form: FormName
    strand: StrandName
    stated: Ppm
    in_table: Ppm | None

    code = "recipe-weight-not-from-table"
    en = "{recipe} weighs {strand} in {form} at {stated} ppm, the table says {in_table}"
    fr = "{recipe} pèse {strand} dans {form} à {stated} ppm, la table dit {in_table}"
    advice_en = "copy the weight from the table, or vote on the table"
    advice_fr = "reprenez le poids de la table, ou votez sur la table"


class WeightTwice(RecipeRefused):
    """Two weights for one output."""

    form: FormName
    strand: StrandName

    code = "recipe-weight-twice"
    en = "{recipe} weighs {strand} in {form} twice"
    fr = "{recipe} pèse deux fois {strand} dans {form}"
    advice_en = "keep one"
    advice_fr = "gardez-en un"


class WeightMissing(RecipeRefused):
    """An output that bears no stated part of the emissions."""

    form: FormName
    strand: StrandName

    code = "recipe-weight-missing"
    en = "{recipe} gives {strand} in {form} no allocation weight"
    fr = "{recipe} ne donne pas de poids d'allocation à {strand} dans {form}"
    advice_en = "state the table's weight for every metal of every output, residues too"
    advice_fr = "indiquez le poids de la table pour chaque métal de chaque sortie, résidus compris"


class WeightOfNothing(RecipeRefused):
    """A weight for a form or strand that never leaves, which would only mislead."""

    form: FormName
    strand: StrandName

    code = "recipe-weight-of-nothing"
    en = "{recipe} weighs {strand} in {form}, which it never gives"
    fr = "{recipe} pèse {strand} dans {form}, qu'elle ne donne jamais"
    advice_en = "remove it"
    advice_fr = "enlevez-le"


class ResidueTooHeavy(RecipeRefused):
    """A residue that would carry off more emissions for its metal than a product."""

    residue: FormName
    residue_ppm: Ppm
    product: FormName
    product_ppm: Ppm

    code = "recipe-residue-too-heavy"
    en = "{recipe} weighs {residue} at {residue_ppm} ppm and {product} at only {product_ppm}"
    fr = "{recipe} pèse {residue} à {residue_ppm} ppm et {product} à {product_ppm} seulement"
    advice_en = "a residue weighs no more than any product beside it"
    advice_fr = "un résidu ne pèse pas plus que le moindre produit à côté de lui"


class ResidueComesBack(RecipeRefused):
    """A residue that bears no emissions where it is made, and is used again."""

    residue: FormName
    made_by: RecipeName
    used_by: RecipeName

    code = "recipe-residue-comes-back"
    en = "{recipe}: {residue} weighs nothing where {made_by} makes it, and {used_by} uses it"
    fr = "{recipe} : {residue} ne pèse rien là où {made_by} le produit, et {used_by} l'emploie"
    advice_en = "weigh the residue like its metal, or it comes back without its emissions"
    advice_fr = "pesez le résidu comme son métal, sinon il revient sans ses émissions"


def check_weights(candidate: Candidate) -> None:
    """Check rule 9.

    Raises:
        RecipeRefused: one of its reasons.
        UnknownAllocation: the recipe names a table that the consortium has not.
        UnknownForm: a port names a form that is not in the table.
    """
    recipe = candidate.recipe
    table = candidate.tables[recipe.allocation_table]
    if not table.holds_at(BlockTime(recipe.valid_from)):
        raise WeightTableOutdated(candidate.name, table.name, recipe.valid_from)
    _check_stated_once(candidate)
    weighed = tuple(_weighed(candidate))
    for form, strand, stated in weighed:
        in_table = table.weight(form, strand)
        if in_table != stated:
            raise WeightNotFromTable(candidate.name, form, strand, stated, in_table)
    _check_residues(candidate, weighed)
    _check_none_comes_back(candidate)


def _check_stated_once(candidate: Candidate) -> None:
    given = set(_leaving(candidate))
    seen: set[tuple[FormName, StrandName]] = set()
    for item in candidate.recipe.allocation:
        if (item.form, item.strand) in seen:
            raise WeightTwice(candidate.name, item.form, item.strand)
        seen.add((item.form, item.strand))
        strands = [item.strand]
        if item.strand == StrandName(WILDCARD):
            strands = [StrandName(element) for element in candidate.recipe.elements]
        if item.form != ANY_FORM and not any((item.form, name) in given for name in strands):
            raise WeightOfNothing(candidate.name, item.form, item.strand)


def _leaving(candidate: Candidate) -> Iterator[tuple[FormName, StrandName]]:
    """Yield every metal that can leave under the name by which it is weighed.

    Lots of a port for any form all have one form, so they are weighed alike and by one name.
    """
    if candidate.recipe.family is Family.GRANT:
        return
    for name in itertools.chain.from_iterable(port.forms for port in candidate.recipe.outputs):
        if name == ANY_FORM:
            for element in candidate.recipe.elements:
                yield name, Strand(element, Kind.METAL).name
            continue
        for strand in strands_of(candidate.forms[name]):
            if strand.kind is Kind.METAL:
                yield name, strand.name


def _weighed(candidate: Candidate) -> Iterator[tuple[FormName, StrandName, Ppm]]:
    for form, strand in dict.fromkeys(_leaving(candidate)):
        try:
            weight = candidate.expanded.weight(form, Strand.parse(strand))
        except NoWeight as missing:
            raise WeightMissing(candidate.name, form, strand) from missing
        yield form, strand, weight


def _check_residues(
    candidate: Candidate, weighed: tuple[tuple[FormName, StrandName, Ppm], ...]
) -> None:
    named = [item for item in weighed if item[0] != ANY_FORM]
    for residue, _, heavy in named:
        for product, _, light in named:
            beside = _is_residue(candidate, residue) and not _is_residue(candidate, product)
            if beside and heavy > light:
                raise ResidueTooHeavy(candidate.name, residue, heavy, product, light)


def _check_none_comes_back(candidate: Candidate) -> None:
    """A step that parks its emissions on a milligram of product must not get its residue back."""
    recipes = (candidate.recipe, *candidate.others())
    used = {
        name: recipe.name
        for recipe in recipes
        for port in recipe.inputs
        for name in port.forms
        if name in candidate.forms and _is_residue(candidate, name)
    }
    for recipe in recipes:
        for item in recipe.allocation:
            if item.weight_ppm == 0 and item.form in used:
                raise ResidueComesBack(candidate.name, item.form, recipe.name, used[item.form])


def _is_residue(candidate: Candidate, form: FormName) -> bool:
    return candidate.forms[form].form_class is FormClass.RESIDUE
