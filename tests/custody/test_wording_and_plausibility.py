"""What may be said of a claim, and what a person should look at twice."""

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.custody import shipped

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.plausibility import (
    Topic,
    Weighing,
    advise_assay,
    advise_contained,
    advise_weighing,
)
from lodeline.custody.wording import (
    WordingOfOtherStandard,
    claim_wording,
    is_physical,
    model_name,
)
from lodeline.kernel.bounds import MAX_AMOUNT, PPM_ONE
from lodeline.kernel.errors import Lang
from lodeline.kernel.ids import ElementSymbol, FormName, StandardName
from lodeline.kernel.units import Assay, Milligrams, Ppm, parse_assay, parse_mass

LANGS: tuple[Lang, ...] = get_args(Lang)
COBALT = shipped.elements()[ElementSymbol("Co")]
TIN = shipped.elements()[ElementSymbol("Sn")]
HYDROXIDE = shipped.forms()[FormName("cobalt-hydroxide")]


def worded(standard: str, model: Model, lang: Lang, share: int = 400_000) -> str:
    name = StandardName(standard)
    title = shipped.standards()[name]
    return claim_wording(ClaimName(name, model), title, COBALT, Ppm(share), lang)


def test_mass_balance_says_that_the_material_need_not_contain_it() -> None:
    assert worded("IRMA-75", Model.MASS_BALANCE, "en") == (
        "Cobalt under “IRMA 75” in the amount of 40 % of the cobalt in this material entered the "
        "same process; this material itself need not contain it (mass balance, ISO 22095)"
    )
    assert "peut ne pas en contenir" in worded("IRMA-75", Model.MASS_BALANCE, "fr")


def test_segregated_says_that_it_comes_from_there() -> None:
    assert worded("IRMA-75", Model.SEGREGATED, "en", PPM_ONE) == (
        "100 % of the cobalt in this material comes from sources under “IRMA 75”, kept apart from "
        "all other material (segregated, ISO 22095)"
    )


def test_only_physical_models_say_where_the_material_comes_from() -> None:
    for model in Model:
        english = worded("IRMA-75", model, "en")
        french = worded("IRMA-75", model, "fr")
        assert ("this material comes from" in english) == is_physical(model)
        assert ("cette matière vient" in french) == is_physical(model)
        assert ("itself" in english) == (not is_physical(model))
        assert ("elle-même" in french) == (not is_physical(model))


def test_every_standard_and_model_has_words_in_both_languages() -> None:
    said = set()
    for standard, model, lang in itertools.product(shipped.standards().all(), Model, LANGS):
        sentence = worded(standard.name, model, lang)
        assert model_name(model, lang) in sentence
        assert "{" not in sentence
        assert sentence[0] == sentence[0].upper()
        said.add(sentence)
    assert len(said) == len(shipped.standards().all()) * len(Model) * len(LANGS)


def test_french_elides_before_a_vowel() -> None:
    name = StandardName("RMAP-refiner")
    claim = ClaimName(name, Model.SEGREGATED)
    title = shipped.standards()[name]
    assert "de l'étain" in claim_wording(claim, title, TIN, Ppm(PPM_ONE), "fr")
    assert "du cobalt" in claim_wording(claim, title, COBALT, Ppm(PPM_ONE), "fr")


def test_the_title_must_be_of_the_claim() -> None:
    claim = ClaimName(StandardName("IRMA-50"), Model.SEGREGATED)
    stronger = shipped.standards()[StandardName("IRMA-100")]
    with pytest.raises(WordingOfOtherStandard) as refused:
        claim_wording(claim, stronger, COBALT, Ppm(1), "en")
    assert (refused.value.claimed, refused.value.given) == ("IRMA-50", "IRMA-100")


def topics(advice: object) -> list[Topic]:
    assert isinstance(advice, tuple)
    return [item.topic for item in advice]


@pytest.mark.parametrize(
    ("wet", "dry", "expected"),
    [
        ("25 t", "10 t", []),
        ("25 t", "25 t", []),
        ("25 t", "25.001 t", [Topic.DRY_ABOVE_WET]),
        ("25 t", "5 t", [Topic.VERY_WET]),
        ("10 t", "3 t", []),
        ("25 t", "0 t", [Topic.NOTHING_WEIGHED]),
        ("0 t", "0 t", [Topic.NOTHING_WEIGHED]),
    ],
)
def test_weighing(wet: str, dry: str, expected: list[Topic]) -> None:
    assert topics(advise_weighing(Weighing(parse_mass(wet), parse_mass(dry)))) == expected


@pytest.mark.parametrize(
    ("assay", "expected"),
    [
        ("33.1 % Co", []),
        ("20 % Co", []),
        ("63.4 % Co", []),
        ("19.9999 % Co", [Topic.ASSAY_LOW]),
        ("3.31 % Co", [Topic.ASSAY_LOW]),
        ("70 % Co", [Topic.ASSAY_HIGH]),
        ("0.1 % Ni", []),
    ],
)
def test_assay_against_public_figures(assay: str, expected: list[Topic]) -> None:
    assert topics(advise_assay(HYDROXIDE, parse_assay(assay))) == expected


def test_contained_mass_against_dry_weight() -> None:
    dry = parse_mass("10 t")

    def advised(text: str) -> list[Topic]:
        return topics(advise_contained(HYDROXIDE, dry, ElementSymbol("Co"), parse_mass(text)))

    assert advised("3.31 t") == []
    assert advised("331 kg") == [Topic.ASSAY_LOW]
    assert advised("9 t") == [Topic.ASSAY_HIGH]
    assert advised("10.001 t") == [Topic.MORE_THAN_ALL]
    nothing = advise_contained(HYDROXIDE, Milligrams(0), ElementSymbol("Co"), dry)
    assert topics(nothing) == [Topic.NOTHING_WEIGHED]


def test_advice_is_in_both_languages_with_the_figures() -> None:
    (advice,) = advise_assay(HYDROXIDE, Assay(ElementSymbol("Co"), Ppm(33_100)))
    assert advice.text("en") == (
        "3.31 % Co in Crude cobalt hydroxide: expected 20 % to 63.4 %, typically 35 %"
    )
    assert "attendu de" in advice.text("fr")
    assert "Hydroxyde de cobalt brut" in advice.text("fr")


@pytest.mark.property
@given(st.integers(0, MAX_AMOUNT), st.integers(0, MAX_AMOUNT))
def test_advice_never_fails_on_any_weights(first: int, second: int) -> None:
    one, other = Milligrams(first), Milligrams(second)
    for item in (
        *advise_weighing(Weighing(one, other)),
        *advise_contained(HYDROXIDE, one, ElementSymbol("Co"), other),
    ):
        assert item.en
        assert item.fr
    assert 0 <= Weighing(one, other).moisture <= PPM_ONE
