"""The packaged tables: they load, agree with each other, and no line of them is ignored."""

from decimal import Decimal
from fractions import Fraction

import pytest
import yaml
from tests.custody import shipped

from lodeline.custody.claims import Model
from lodeline.custody.elements import UnknownElement
from lodeline.custody.forms import FormClass, UnknownForm
from lodeline.custody.rows import MissingKey, TwiceInTable, UnknownKey
from lodeline.custody.standards import UnknownStandard
from lodeline.custody.strands import Kind, Strand
from lodeline.custody.tables import (
    load_allocation,
    load_elements,
    load_forms,
    load_quotas,
    load_recipes,
    load_scheme,
    load_standards,
)
from lodeline.custody.yaml_text import TableRefused
from lodeline.kernel.bounds import MAX_STRANDS
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, StandardName

LOADERS = {
    "elements": load_elements,
    "forms": load_forms,
    "standards": load_standards,
    "allocation": load_allocation,
    "quotas": load_quotas,
    "scheme": load_scheme,
    "recipes": load_recipes,
}
OPTIONAL = {
    "allocation",
    "at_least",
    "balances",
    "claims",
    "co_signers",
    "contents",
    "counts",
    "floor",
    "has_process",
    "holder",
    "inputs",
    "least",
    "marks_site",
    "min_recovery_ppm",
    "needs_site",
    "outputs",
    "ratios",
    "recoveries",
    "strongest",
    "tolerance_ppm",
    "valid_to",
}
"""Keys whose absence means something; leaving out any other must be refused."""
TELLING = {
    "cobalt-hydroxide",
    "credit",
    "ev-battery",
    "export-cobalt",
    "make-cathode-622",
    "mine-copper-cobalt",
    "nmc622-cathode",
}
"""Entries of the long tables that between them have every key."""
DATA_KEYS = {"allocation", "floor", "least", "recoveries", "strands", "weights"}
"""Mappings whose keys are data, so that there are no keys to misspell in them."""


def test_there_is_something_in_every_table() -> None:
    assert set(LOADERS) == set(shipped.TABLES)
    assert len(shipped.elements().all()) == 9
    assert len(shipped.forms().all()) >= 50
    assert len(shipped.standards().all()) >= 10
    assert len(shipped.allocation().all()) == 2
    assert len(shipped.quotas().facts) >= 12
    assert len(shipped.recipes()) >= 60


def few_entries(table: str) -> dict[str, object]:
    """Return a table's tree with the few entries that between them have every key."""
    tree: dict[str, object] = yaml.safe_load(shipped.text(table))
    for key, entries in tree.items():
        if isinstance(entries, list):
            named = [item for item in entries if item.get("name") in TELLING]
            tree[key] = named or entries[:2]
    return tree


def paths(tree: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the path of every mapping whose keys have fixed names."""
    if isinstance(tree, list):
        return [path for index, item in enumerate(tree) for path in paths(item, (*at, index))]
    if not isinstance(tree, dict):
        return []
    inner = [
        path
        for key, item in tree.items()
        if key not in DATA_KEYS
        for path in paths(item, (*at, key))
    ]
    return [at, *inner]


def found_at(tree: object, path: tuple[object, ...]) -> dict[str, object]:
    for step in path:
        tree = tree[step]  # type: ignore[index]  # the path was read off this very tree
    assert isinstance(tree, dict)
    return tree


def first_of_each_shape(tree: object) -> list[tuple[object, ...]]:
    """Return one path for every set of keys: a thousand lines of one shape need one test."""
    shapes: dict[tuple[object, ...], tuple[object, ...]] = {}
    for path in paths(tree):
        place = tuple(step for step in path if isinstance(step, str))
        shapes.setdefault((place, tuple(found_at(tree, path))), path)
    return list(shapes.values())


@pytest.mark.parametrize("table", shipped.TABLES)
def test_a_misspelt_key_anywhere_is_refused(table: str) -> None:
    tree = few_entries(table)
    places = first_of_each_shape(tree)
    assert places
    for path in places:
        mapping = found_at(tree, path)
        mapping["zzz"] = 1
        with pytest.raises(TableRefused) as refused:
            LOADERS[table](as_text(tree))
        assert isinstance(refused.value, UnknownKey)
        assert refused.value.key.endswith(".zzz")
        assert refused.value.table == table
        del mapping["zzz"]


@pytest.mark.parametrize("table", shipped.TABLES)
def test_a_key_left_out_anywhere_is_refused(table: str) -> None:
    tree = few_entries(table)
    left_out = 0
    for path in first_of_each_shape(tree):
        mapping = found_at(tree, path)
        for key in [key for key in mapping if key not in OPTIONAL]:
            kept = dict(mapping)
            del mapping[key]
            with pytest.raises(MissingKey) as refused:
                LOADERS[table](as_text(tree))
            assert refused.value.key.endswith(f".{key}")
            mapping.clear()
            mapping.update(kept)
            left_out += 1
    assert left_out >= 4


def as_text(tree: object) -> str:
    """Write a tree back; the library would put dates that it read as dates."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True)


@pytest.mark.parametrize("table", ["elements", "forms", "standards", "recipes"])
def test_an_entry_twice_is_refused(table: str) -> None:
    tree = yaml.safe_load(shipped.text(table))
    tree[table].append(tree[table][0])
    with pytest.raises(TwiceInTable) as refused:
        LOADERS[table](as_text(tree))
    assert refused.value.table == table


@pytest.mark.parametrize("table", shipped.TABLES)
def test_no_byte_of_a_table_brings_anything_but_a_refusal(table: str) -> None:
    """One character changed, all over the text: loaded, or refused by name."""
    text = as_text(few_entries(table))
    tried = 0
    for place in range(0, len(text), 1 + len(text) // 150):
        for new in ("0", ":", "}", "é"):
            tried += 1
            try:
                LOADERS[table](text[:place] + new + text[place + 1 :])
            except LodelineError:
                continue
    assert tried >= 100


def test_unknown_names_are_refused_by_name() -> None:
    with pytest.raises(UnknownForm):
        shipped.forms()[FormName("unobtainium")]
    with pytest.raises(UnknownStandard):
        shipped.standards()[StandardName("VIBES")]
    with pytest.raises(UnknownElement) as refused:
        shipped.elements()[ElementSymbol("Uo")]
    assert refused.value.element == "Uo"
    assert "Uo" not in shipped.elements()


def test_every_element_named_anywhere_is_in_the_table() -> None:
    known = shipped.elements()
    for form in shipped.forms().all():
        for item in form.strands:
            assert Strand.parse(item.strand).element in known, form.name
    for standard in shipped.standards().all():
        assert all(element in known for element in standard.elements), standard.name
    for recipe in shipped.recipes():
        assert all(element in known for element in recipe.elements), recipe.name


def test_every_form_is_made_by_some_recipe_and_every_standard_drawn_by_one() -> None:
    named = {
        name
        for recipe in shipped.recipes()
        for port in (*recipe.inputs, *recipe.outputs)
        for name in port.forms
    }
    assert {form.name for form in shipped.forms().all()} <= named
    drawn = {
        name for recipe in shipped.recipes() for rule in recipe.claims for name in rule.standards
    }
    assert {standard.name for standard in shipped.standards().all()} <= drawn


def test_standards_draw_from_forms_that_exist() -> None:
    for standard in shipped.standards().all():
        assert standard.draws_from or standard.draws_from_forms, standard.name
        assert all(name in shipped.forms() for name in standard.draws_from_forms)


def test_every_co_signer_has_a_title() -> None:
    roles = {role.name for role in shipped.scheme().roles}
    used = {role for recipe in shipped.recipes() for role in recipe.co_signers}
    assert used == roles


def test_material_forms_fit_in_a_lot_and_tolerance_ends_before_refining() -> None:
    refined = {"cobalt-sulfate", "cobalt-metal", "nickel-sulfate", "copper-cathode", "ev-battery"}
    for form in shipped.forms().all():
        if not form.form_class.is_right:
            assert len(form.strands) <= MAX_STRANDS
        kinds = {Strand.parse(item.strand).kind for item in form.strands}
        if form.name in refined or form.form_class is not FormClass.MATERIAL:
            assert Kind.TOLERANCE not in kinds, form.name


@pytest.mark.parametrize("chemistry", ["622", "811"])
def test_ratios_are_the_stoichiometry_by_mass_within_two_points(chemistry: str) -> None:
    moles = dict(zip(("Ni", "Mn", "Co"), (int(digit) for digit in chemistry), strict=True))
    mass = {
        symbol: Fraction(shipped.elements()[ElementSymbol(symbol)].molar_mass) * count
        for symbol, count in moles.items()
    }
    whole = sum(mass.values())
    for step in ("precursor", "cathode"):
        ratios = shipped.forms()[FormName(f"nmc{chemistry}-{step}")].ratios
        assert {ratio.element for ratio in ratios} == set(moles)
        for ratio in ratios:
            middle = Fraction(ratio.low_ppm + ratio.high_ppm, 2)
            assert abs(middle - mass[ratio.element] / whole * 10**6) <= 1
            assert ratio.high_ppm - ratio.low_ppm == 40_000


@pytest.mark.parametrize(
    ("form", "element", "formula"),
    [
        ("cobalt-sulfate", "Co", {"Co": 1, "S": 1, "O": 11, "H": 14}),
        ("nickel-sulfate", "Ni", {"Ni": 1, "S": 1, "O": 10, "H": 12}),
        ("manganese-sulfate", "Mn", {"Mn": 1, "S": 1, "O": 5, "H": 2}),
        ("lithium-hydroxide", "Li", {"Li": 1, "O": 2, "H": 3}),
        ("lithium-carbonate", "Li", {"Li": 2, "C": 1, "O": 3}),
        ("apt", "W", {"N": 10, "H": 50, "W": 12, "O": 46}),
        ("tantalum-oxide", "Ta", {"Ta": 2, "O": 5}),
    ],
)
def test_salts_hold_what_their_formula_says(
    form: str, element: str, formula: dict[str, int]
) -> None:
    others = {"S": "32.06", "O": "15.999", "H": "1.008", "N": "14.007"}

    def mass(symbol: str) -> Decimal:
        if symbol in others:
            return Decimal(others[symbol])
        return shipped.elements()[ElementSymbol(symbol)].molar_mass

    whole = sum(mass(symbol) * count for symbol, count in formula.items())
    share = mass(element) * formula[element] / whole * 10**6
    figure = shipped.forms()[FormName(form)].contents[0]
    assert figure.element == element
    assert figure.low_ppm <= share <= figure.high_ppm
    assert abs(share - figure.typical_ppm) < share * Decimal("0.005")


def test_figures_lie_in_their_ranges_and_have_a_source() -> None:
    figures = [item for form in shipped.forms().all() for item in form.contents]
    assert len(figures) >= 20
    for item in figures:
        assert item.low_ppm <= item.typical_ppm <= item.high_ppm
        assert item.source
    assert all(recipe.source for recipe in shipped.recipes())
    assert all(standard.source for standard in shipped.standards().all())
    assert all(table.source for table in shipped.allocation().all())


def test_credits_bear_mass_balance_or_book_and_claim_and_nothing_else_is_bounded() -> None:
    bounds = {form.name: Model.parse(form.strongest) for form in shipped.forms().all()}
    wanted = {
        FormName("credit"): Model.MASS_BALANCE,
        FormName("credit-carried"): Model.MASS_BALANCE,
        FormName("book-credit"): Model.BOOK_AND_CLAIM,
    }
    assert {name: bounds[name] for name in wanted} == wanted
    others = {model for name, model in bounds.items() if name not in wanted}
    assert others == {Model.IDENTITY_PRESERVED}


def test_titles_are_in_both_languages() -> None:
    titles = [(item.title_en, item.title_fr) for item in shipped.forms().all()]
    titles += [(item.title_en, item.title_fr) for item in shipped.recipes()]
    titles += [(item.title_en, item.title_fr) for item in shipped.standards().all()]
    assert all(english and french for english, french in titles)
