"""A form that contradicts itself is refused, each contradiction by its own class."""

import msgspec
import pytest
from tests.custody import shipped

from lodeline.custody.check_forms import (
    CreditTooStrong,
    EmissionWidthWrong,
    FormNameImpossible,
    FormRefused,
    FormTooWide,
    LeastImpossible,
    RatioImpossible,
    StrandKindNotInClass,
    StrandsNotAscending,
    ToleranceWithoutMetal,
    WidthOutOfRange,
    check_form,
)
from lodeline.custody.claims import UnknownClaim
from lodeline.custody.forms import Form, FormClass, LeastAmount, Ratio, StrandWidth
from lodeline.custody.strands import UnknownStrand
from lodeline.kernel.ids import ElementSymbol, FormName, StrandName


def form(name: str, /, **fields: object) -> Form:
    return msgspec.structs.replace(shipped.forms()[FormName(name)], **fields)


def widths(text: str, bits: int = 30) -> tuple[StrandWidth, ...]:
    return tuple(StrandWidth(StrandName(name), bits) for name in text.split())


def ratio(element: str, among: str, low: int, high: int) -> tuple[Ratio, ...]:
    elements = tuple(ElementSymbol(item) for item in among.split())
    return (Ratio(ElementSymbol(element), elements, low, high),)


def least(strand: str, milligrams: int) -> tuple[LeastAmount, ...]:
    return (LeastAmount(StrandName(strand), milligrams),)


CASES: list[tuple[Form, type[FormRefused], dict[str, object]]] = [
    (form("black-mass", name=FormName("*")), FormNameImpossible, {"form": "*"}),
    (form("black-mass", name=FormName("")), FormNameImpossible, {}),
    (form("black-mass", name=FormName("a b")), FormNameImpossible, {}),
    (
        form("black-mass", strands=widths("Ni Co")),
        StrandsNotAscending,
        {"first": "Ni", "then": "Co"},
    ),
    (form("black-mass", strands=widths("Co Co")), StrandsNotAscending, {"first": "Co"}),
    (form("black-mass", strands=()), FormTooWide, {"strands": 0}),
    (
        form("black-mass", strands=widths("C Co Cu Li Mn Ni W")),
        FormTooWide,
        {"strands": 7, "at_most": 6},
    ),
    (
        form("black-mass", strands=widths("Co Co.quota")),
        StrandKindNotInClass,
        {"strand": "Co.quota", "form_class": FormClass.MATERIAL},
    ),
    (form("licence", strands=widths("Co")), StrandKindNotInClass, {"strand": "Co"}),
    (form("quota", strands=widths("Co.licence")), StrandKindNotInClass, {}),
    (form("credit", strands=widths("Co.assurance")), StrandKindNotInClass, {}),
    (
        form("leach-residue", strands=widths("Co Co.tolerance")),
        StrandKindNotInClass,
        {"strand": "Co.tolerance", "form_class": FormClass.RESIDUE},
    ),
    (
        form("ev-battery", strands=widths("Co Co.tolerance"), least=()),
        StrandKindNotInClass,
        {"form_class": FormClass.PRODUCT},
    ),
    (
        form("cobalt-hydroxide", strands=widths("Co.tolerance")),
        ToleranceWithoutMetal,
        {"strand": "Co.tolerance"},
    ),
    (
        form("black-mass", strands=widths("Co", 53)),
        WidthOutOfRange,
        {"bits": 53, "at_most": 52},
    ),
    (form("black-mass", strands=widths("Co", 0)), WidthOutOfRange, {"bits": 0}),
    (form("black-mass", emission_bits=0), EmissionWidthWrong, {"bits": 0}),
    (form("black-mass", emission_bits=53), EmissionWidthWrong, {"bits": 53}),
    (form("black-mass", emission_bits=-1), EmissionWidthWrong, {"bits": -1}),
    (form("quota", emission_bits=8), EmissionWidthWrong, {"form_class": FormClass.QUOTA}),
    (form("black-mass", ratios=ratio("Co", "Co W", 0, 1)), RatioImpossible, {"element": "Co"}),
    (form("black-mass", ratios=ratio("Co", "Ni Mn", 0, 1)), RatioImpossible, {}),
    (form("black-mass", ratios=ratio("Co", "Co", 0, 1)), RatioImpossible, {}),
    (form("black-mass", ratios=ratio("Co", "Co Co", 0, 1)), RatioImpossible, {}),
    (form("black-mass", ratios=ratio("Co", "Co Ni", 2, 1)), RatioImpossible, {"low_ppm": 2}),
    (form("black-mass", ratios=ratio("Co", "Co Ni", -1, 1)), RatioImpossible, {}),
    (
        form("black-mass", ratios=ratio("Co", "Co Ni", 0, 1_000_001)),
        RatioImpossible,
        {"high_ppm": 1_000_001},
    ),
    (form("ev-battery", least=least("W", 1)), LeastImpossible, {"strand": "W"}),
    (form("ev-battery", least=least("Co", 0)), LeastImpossible, {"milligrams": 0}),
    (form("ev-battery", least=least("Co", 1 << 30)), LeastImpossible, {}),
    (
        form("cobalt-hydroxide", least=least("Co.tolerance", 1)),
        LeastImpossible,
        {"strand": "Co.tolerance"},
    ),
    (form("credit", strongest="segregated"), CreditTooStrong, {"strongest": "segregated"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1].code}-{case[0].name}")
def test_a_contradiction_is_refused_by_its_class(
    case: tuple[Form, type[FormRefused], dict[str, object]],
) -> None:
    wrong, reason, fields = case
    with pytest.raises(FormRefused) as refused:
        check_form(wrong)
    assert type(refused.value) is reason
    found = refused.value.fields()
    assert {name: found[name] for name in fields} == fields
    assert found["form"] == wrong.name


def test_every_reason_has_a_case() -> None:
    reasons = set(FormRefused.__subclasses__())
    assert reasons == {reason for _, reason, _ in CASES}


def test_names_and_models_that_are_none() -> None:
    with pytest.raises(UnknownStrand):
        check_form(form("black-mass", strands=widths("Co.magic")))
    with pytest.raises(UnknownClaim):
        check_form(form("black-mass", strongest="strong"))


def test_the_largest_width_and_the_least_that_just_fits() -> None:
    check_form(form("black-mass", strands=widths("Co", 52), emission_bits=52))
    check_form(form("ev-battery", least=least("Co", (1 << 30) - 1)))


def test_the_packaged_forms_pass() -> None:
    assert len(shipped.forms().all()) >= 50
    for item in shipped.forms().all():
        check_form(item)
