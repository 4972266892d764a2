"""Wildcards, claim rules and weights as everybody reads them."""

import pickle

import msgspec
import pytest
from tests.custody import shipped
from tests.custody.shipped import balance, changed, recipe, with_balance

from lodeline.custody.claims import Model
from lodeline.custody.expansion import NoWeight, expand, recipe_digest
from lodeline.custody.recipes import ClaimMode, ClaimRule, Family, Recovery, Weight
from lodeline.custody.strands import Kind, Strand, UnknownStrand
from lodeline.kernel.ids import ElementSymbol, FormName, StandardName, StrandName

CO = Strand(ElementSymbol("Co"), Kind.METAL)
CU = Strand(ElementSymbol("Cu"), Kind.METAL)
CO_TOLERANCE = Strand(ElementSymbol("Co"), Kind.TOLERANCE)
CO_LICENCE = Strand(ElementSymbol("Co"), Kind.LICENCE)


def names(strands: tuple[Strand, ...]) -> list[str]:
    return [strand.name for strand in strands]


def test_a_wildcard_becomes_one_balance_for_each_element_in_their_order() -> None:
    expanded = expand(recipe("mine-copper-cobalt"))
    assert [names(item.left) for item in expanded.balances] == [["Co.licence"], ["Cu.licence"]]
    assert names(expanded.balances[1].right) == ["Cu", "Cu.licence", "Cu.tolerance"]
    assert [item.index for item in expanded.balances] == [0, 1]
    assert {item.written_index for item in expanded.balances} == {0}
    assert {item.tolerance_ppm for item in expanded.balances} == {50_000}


def test_a_balance_without_wildcard_stays_one() -> None:
    expanded = expand(recipe("export-cobalt"))
    last = expanded.balances[-1]
    assert (last.index, last.written_index) == (18, 2)
    assert names(last.counts) == ["Co", "Co.tolerance"]
    assert names(last.strands) == ["Co.quota", "Co.quota", "Co", "Co.tolerance"]


def test_a_recovery_replaces_the_metals_own_and_no_others() -> None:
    wanted = changed("leach-cobalt", recoveries=(Recovery(ElementSymbol("Cu"), 900_000),))
    found = {tuple(names(item.left)): item.min_recovery_ppm for item in expand(wanted).balances}
    assert found == {
        ("Co",): 950_000,
        ("Cu",): 900_000,
        ("Co.tolerance",): 0,
        ("Cu.tolerance",): 0,
    }


def test_a_recovery_reaches_the_packaged_lithium() -> None:
    left = {names(item.left)[0]: item for item in expand(recipe("make-cathode-622")).balances}
    assert left["Li"].min_recovery_ppm == 930_000
    assert left["Ni"].min_recovery_ppm == 985_000


def test_balances_are_found_by_what_they_use_and_make() -> None:
    expanded = expand(recipe("mine-copper-cobalt"))
    assert expanded.left_of(CO_LICENCE) == expanded.balances[0]
    assert expanded.right_of(CO_TOLERANCE) == expanded.balances[0]
    assert expanded.right_of(CU) == expanded.balances[1]
    assert expanded.left_of(CO) is None
    assert expanded.right_of(Strand(ElementSymbol("Ni"), Kind.METAL)) is None


def test_a_named_standard_hides_the_rule_for_every_standard() -> None:
    expanded = expand(recipe("refine-cobalt-sulfate"))
    assert expanded.rule_for(StandardName("RMAP-refiner"), 0) is ClaimMode.DRAW
    assert expanded.rule_for(StandardName("IRMA-75"), 0) is ClaimMode.KEEP
    assert expanded.rule_for(StandardName("IRMA-75"), 1) is None


def test_a_name_on_one_balance_hides_the_star_on_every_balance() -> None:
    rules = (
        ClaimRule((StandardName("CIRAF"),), 1, ClaimMode.KEEP),
        ClaimRule((StandardName("*"),), 0, ClaimMode.KEEP),
    )
    expanded = expand(changed("store", claims=rules))
    tolerance = expanded.right_of(CO_TOLERANCE)
    metal = expanded.right_of(CO)
    assert tolerance is not None
    assert metal is not None
    assert expanded.rule_for(StandardName("CIRAF"), metal.index) is None
    assert expanded.rule_for(StandardName("CIRAF"), tolerance.index) is ClaimMode.KEEP
    assert expanded.rule_for(StandardName("IRMA-75"), metal.index) is ClaimMode.KEEP


def test_a_mine_without_rules_gives_no_claims() -> None:
    expanded = expand(changed("mine-copper-cobalt", claims=()))
    assert expanded.rule_for(StandardName("IRMA-75"), 0) is None


def test_weights_are_looked_up_by_form_then_by_any_form() -> None:
    weights = (
        Weight(FormName("*"), StrandName("X"), 7),
        Weight(FormName("copper-cathode"), StrandName("Cu"), 3),
    )
    expanded = expand(changed("leach-cobalt", allocation=weights))
    assert expanded.weight(FormName("copper-cathode"), CU) == 3
    assert expanded.weight(FormName("leach-stock"), CU) == 7
    assert expanded.weight(FormName("cobalt-hydroxide"), CO) == 7


def test_a_missing_weight_is_refused_with_what_was_asked() -> None:
    expanded = expand(changed("leach-cobalt", allocation=()))
    with pytest.raises(NoWeight) as refused:
        expanded.weight(FormName("leach-stock"), CU)
    assert refused.value.fields() == {
        "recipe": "leach-cobalt",
        "form": "leach-stock",
        "strand": "Cu",
    }


def test_floors_are_grams_per_kilogram_and_zero_where_none_is_stated() -> None:
    expanded = expand(recipe("mine-copper-cobalt"))
    assert expanded.floor(CO) == 200
    assert expanded.floor(CU) == 100
    assert expanded.floor(CO_TOLERANCE) == 0
    assert [tuple(item) for item in expanded.floors] == [(CO, 200), (CU, 100)]


def test_custody_is_parsed() -> None:
    assert expand(recipe("blend-controlled")).custody is Model.CONTROLLED_BLENDING


def test_expansion_is_cached_and_hashable_and_crosses_processes() -> None:
    first, second = expand(recipe("store")), expand(recipe("store"))
    assert first is second
    assert hash(first) == hash(second)
    again = pickle.loads(pickle.dumps(first))
    assert again == first
    assert again.right_of(CO) == first.right_of(CO)


def test_a_strand_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownStrand) as refused:
        expand(with_balance("store", 0, balance("X.magic", "X")))
    assert refused.value.name == "X.magic"


def test_digests_are_of_one_recipe_each() -> None:
    digests = {recipe_digest(item) for item in shipped.recipes()}
    assert len(digests) == len(shipped.recipes())
    assert {len(digest) for digest in digests} == {32}


def test_every_field_is_part_of_the_digest() -> None:
    original = recipe("make-cathode-622")
    others = recipe("grant-quota")
    changes: dict[str, object] = {
        "version": 2,
        "valid_to": 2_000_000_000,
        "family": Family.HANDLE,
        "has_process": False,
        "needs_site": False,
        "marks_site": True,
        "valid_from": 1,
        "custody": "mass-balance",
        "source": "elsewhere",
        "allocation_table": "metal-value-2025",
        "recoveries": (),
    }
    for field in msgspec.structs.fields(original):
        new = changes.get(field.name, getattr(others, field.name))
        assert new != getattr(original, field.name), field.name
        altered = msgspec.structs.replace(original, **{field.name: new})
        assert recipe_digest(altered) != recipe_digest(original), field.name


def test_a_digest_is_the_same_in_every_process() -> None:
    digest = recipe_digest(changed("write-off", source="fixed", title_en="a", title_fr="b"))
    assert digest == recipe_digest(changed("write-off", source="fixed", title_en="a", title_fr="b"))
