"""Written names of strands and claims: each stands for one thing, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.custody.claims import ClaimName, Model, UnknownClaim
from lodeline.custody.strands import Kind, Strand, UnknownStrand
from lodeline.kernel.ids import ElementSymbol, StandardName

elements = st.text("ABCabcdxyz019", min_size=1, max_size=8).map(ElementSymbol)
standards = st.text("ABCabc-0129.", min_size=1, max_size=20).map(StandardName)


@pytest.mark.property
@given(elements, st.sampled_from(Kind))
def test_a_strand_is_its_name(element: ElementSymbol, kind: Kind) -> None:
    strand = Strand(element, kind)
    assert Strand.parse(strand.name) == strand


@pytest.mark.property
@given(standards, st.sampled_from(Model))
def test_a_claim_is_its_name(standard: StandardName, model: Model) -> None:
    claim = ClaimName(standard, model)
    assert ClaimName.parse(claim.text) == claim


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "Co.",
        ".licence",
        "Co.metal",
        "Co.Licence",
        "Co.licence.x",
        "Co licence",
        "Cobaltous1",
    ],
)
def test_what_names_no_strand(name: str) -> None:
    with pytest.raises(UnknownStrand):
        Strand.parse(name)


@pytest.mark.parametrize(
    "name", ["", "/", "IRMA-75", "/segregated", "IRMA-75/", "IRMA-75/solid", "a/b/segregated"]
)
def test_what_names_no_claim(name: str) -> None:
    with pytest.raises(UnknownClaim) as refused:
        ClaimName.parse(name)
    assert refused.value.name in name


def test_models_are_ordered_by_strength() -> None:
    assert [model.text for model in sorted(Model)] == [
        "book-and-claim",
        "mass-balance",
        "controlled-blending",
        "segregated",
        "identity-preserved",
    ]


def test_only_claims_have_no_amount() -> None:
    cobalt = ElementSymbol("Co")
    without = {kind for kind in Kind if not Strand(cobalt, kind).has_amount}
    assert without == {Kind.ASSURANCE, Kind.CREDIT}
    material = {kind for kind in Kind if Strand(cobalt, kind).is_material}
    assert material == {Kind.METAL, Kind.TOLERANCE}
