"""Transform files: typed amounts, strict keys, every refusal with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.custody.yaml_text import NumberNotInteger, TableRefused
from lodeline.exchange.marked import (
    FileRefused,
    KeyMissing,
    KeyUnknown,
    ValueRefused,
    ValueWrong,
    read_map,
)
from lodeline.exchange.transform_file import (
    AssayTwice,
    ContainedMass,
    ElementAmount,
    PrefixTooShort,
    WeighedMass,
    WeightTwice,
    parse_element_amount,
    read_transform_file,
)
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.unit_errors import ElementMissing, SeparatorAmbiguous, UnitMissing
from lodeline.kernel.units import Milligrams

ROOT = Path(__file__).resolve().parents[2]
FULL = """\
recipe: leach-cobalt
site: kolwezi-plant
inputs: [3f2a9c, {auto: 24.6 t Co}]
co_signers: {laboratory: lab, energy-auditor: verifier}
laboratory: plant laboratory
seals: [A-1]
outputs:
  - form: cobalt-hydroxide
    wet: 24.60 t
    moisture: 12.4 %
    assay: 33.1 % Co
    claims: [IRMA-75, RMAP-refiner/mass-balance]
    to: trader
    seals: [B-7, B-8]
  - form: copper-cathode
    net: 2 t
    assay: [99.99 % Cu]
  - form: leach-stock
    contained: [120 kg Co, 800 kg Cu]
  - form: leach-residue
process: {emissions: 5.2 t CO2e}
"""


def test_a_file_says_what_happened() -> None:
    file = read_transform_file("leach.yaml", FULL)
    assert (file.recipe, file.site) == ("leach-cobalt", "kolwezi-plant")
    assert [lot.text for lot in file.inputs.lots] == ["3f2a9c"]
    assert file.inputs.amounts == (ElementAmount(ElementSymbol("Co"), Milligrams(24_600_000_000)),)
    assert file.co_signers == {"laboratory": "lab", "energy-auditor": "verifier"}
    hydroxide, cathode, stock, residue = file.outputs
    assert isinstance(hydroxide.content, WeighedMass)
    # 24.60 t × (1 − 12.4 %) × 33.1 %, rounded down once
    assert hydroxide.content.contained() == {"Co": 7_132_917_600}
    assert (hydroxide.to, hydroxide.seals) == ("trader", ("B-7", "B-8"))
    assert hydroxide.claims == ("IRMA-75", "RMAP-refiner/mass-balance")
    assert hydroxide.laboratory == "plant laboratory"
    assert isinstance(cathode.content, WeighedMass)
    assert cathode.content.contained() == {"Cu": 1_999_800_000}
    assert cathode.seals == ("A-1",)
    assert isinstance(stock.content, ContainedMass)
    assert stock.content.contained() == {"Co": 120_000_000, "Cu": 800_000_000}
    assert residue.content is None
    assert file.process is not None
    assert (file.process.emissions, file.process.primary) == (5_200_000, 0)


def test_every_example_is_read() -> None:
    files = sorted((ROOT / "examples").glob("*.yaml"))
    assert len(files) >= 1
    for path in files:
        assert read_transform_file(path.name, path.read_text(encoding="utf-8")).recipe


@pytest.mark.parametrize(
    ("old", "new", "error", "line", "key"),
    [
        ("site: kolwezi-plant", "sight: kolwezi-plant", KeyUnknown, 2, "sight"),
        ("    to: trader", "    too: trader", KeyUnknown, 13, "too"),
        ("recipe: leach-cobalt\n", "", KeyMissing, 1, "recipe"),
        ("form: copper-cathode\n    net", "net", KeyMissing, 15, "form"),
        ("wet: 24.60 t", "wet: [24.60 t]", ValueWrong, 9, "wet"),
        ("process: {emissions: 5.2 t CO2e}", "process: 5.2 t CO2e", ValueWrong, 21, "process"),
        ("wet: 24.60 t", "wet: 24,600 t", ValueRefused, 9, "wet"),
        ("wet: 24.60 t", "wet: 24 tonnes", ValueRefused, 9, "wet"),
        ("moisture: 12.4 %", "moisture: wet", ValueRefused, 10, "moisture"),
        ("assay: 33.1 % Co", "assay: 33.1 %", ValueRefused, 11, "assay"),
        ("    moisture: 12.4 %\n", "", KeyMissing, 8, "moisture"),
        ("    wet: 24.60 t\n", "", KeyMissing, 8, "wet"),
        ("[3f2a9c,", "[my lot,", ValueRefused, 3, "inputs"),
        ("{auto: 24.6 t Co}", "{auto: 24.6 t}", ValueRefused, 3, "auto"),
        ("{auto: 24.6 t Co}", "{some: 24.6 t Co}", KeyUnknown, 3, "some"),
        ("site: kolwezi-plant", "site: Kolwezi Plant", ValueRefused, 2, "site"),
    ],
)
def test_what_is_unclear_is_refused_with_its_line(
    old: str, new: str, error: type[FileRefused], line: int, key: str
) -> None:
    assert old in FULL
    with pytest.raises(error) as refused:
        read_transform_file("leach.yaml", FULL.replace(old, new, 1))
    assert (refused.value.file, refused.value.line) == ("leach.yaml", line)
    assert refused.value.fields()["key"] == key


def test_a_number_without_a_unit_says_so_in_both_languages() -> None:
    with pytest.raises(NumberNotInteger) as refused:
        read_transform_file("f.yaml", FULL.replace("24.60 t", "24.60"))
    assert refused.value.line == 9
    with pytest.raises(ValueRefused) as quoted:
        read_transform_file("f.yaml", FULL.replace("24.60 t", "'24600'"))
    assert isinstance(quoted.value.__cause__, UnitMissing)
    with pytest.raises(ValueRefused) as comma:
        read_transform_file("f.yaml", FULL.replace("24.60 t", "24,600 t"))
    assert isinstance(comma.value.__cause__, SeparatorAmbiguous)
    assert comma.value.message("en") != comma.value.message("fr")


@pytest.mark.parametrize(
    ("added", "first", "second"),
    [
        ("    net: 3 t\n", "wet", "net"),
        ("    contained: 3 t Co\n", "wet", "contained"),
    ],
)
def test_a_weight_is_given_in_one_way(added: str, first: str, second: str) -> None:
    text = FULL.replace("    to: trader\n", added)
    with pytest.raises(WeightTwice) as refused:
        read_transform_file("f.yaml", text)
    assert (refused.value.first, refused.value.second) == (first, second)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    net: 2 t", "    net: 2 t\n    moisture: 1 %"),
        ("    contained: [", "    assay: 3 % Co\n    contained: ["),
    ],
)
def test_what_does_not_go_with_a_weight(old: str, new: str) -> None:
    with pytest.raises(WeightTwice):
        read_transform_file("f.yaml", FULL.replace(old, new))


def test_an_element_is_assayed_once() -> None:
    with pytest.raises(AssayTwice) as refused:
        read_transform_file("f.yaml", FULL.replace("33.1 % Co", "[33.1 % Co, 33.2 % Co]"))
    assert refused.value.element == "Co"


def test_a_lot_is_not_named_by_three_letters() -> None:
    with pytest.raises(PrefixTooShort) as refused:
        read_transform_file("f.yaml", FULL.replace("3f2a9c", "3f2"))
    assert refused.value.prefix == "3f2"


@pytest.mark.parametrize("text", ["24.6 t", "t Co", "24.6 Co", "24.6 t co", "Co", ""])
def test_an_amount_of_what(text: str) -> None:
    with pytest.raises(LodelineError):
        parse_element_amount(text)
    with pytest.raises(ElementMissing):
        parse_element_amount("24.6 t")


@pytest.mark.parametrize(
    "text", ["", "just words", "- a\n- b", "a: 1\na: 2", "a: &x 1", "a: [", "a: !!x 1"]
)
def test_what_is_no_file_of_ours(text: str) -> None:
    with pytest.raises((FileRefused, TableRefused)):
        read_transform_file("f.yaml", text)


@given(st.text(max_size=200))
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    try:
        read_transform_file("f.yaml", text)
    except LodelineError:
        return


def test_keys_that_are_data_are_listed() -> None:
    mapped = read_map("f", "b: 1\na: 2\n")
    assert [key for key, _ in mapped.entries()] == ["b", "a"]
    assert mapped.line == 1
    assert mapped.texts("none") == ()
