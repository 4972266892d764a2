"""The pilot's data: every figure has a source, every company is invented, every word is there."""

import re
import string
from pathlib import Path

import pytest
from tests.pilot.stories import scenario

from lodeline.custody.rows import MissingKey, NumberOutOfRange, TwiceInTable, UnknownKey
from lodeline.custody.yaml_text import TableRefused
from lodeline.kernel.ids import MemberId, Role
from lodeline.kernel.units import Milligrams
from lodeline.pilot.companies import (
    Cast,
    CompanyKind,
    CompanyUnknown,
    RoleUnfilled,
    load_companies,
)
from lodeline.pilot.figures import (
    FigureKindWrong,
    FigureUnknown,
    load_figures,
    share_of,
)
from lodeline.pilot.scenario import load_scenario
from lodeline.pilot.texts import PilotTexts, catalogue

_HEADCOUNT = {
    CompanyKind.PRODUCER: 5,
    CompanyKind.TRADER: 2,
    CompanyKind.REFINER: 3,
    CompanyKind.PRECURSOR_MAKER: 2,
    CompanyKind.CATHODE_MAKER: 2,
    CompanyKind.CELL_MAKER: 2,
    CompanyKind.PACK_MAKER: 2,
    CompanyKind.CARMAKER: 2,
    CompanyKind.ASSURANCE_BODY: 2,
    CompanyKind.QUOTA_AUTHORITY: 1,
    CompanyKind.MINING_AUTHORITY: 1,
    CompanyKind.AUDITOR: 1,
    CompanyKind.RECYCLER: 1,
    CompanyKind.WEIGHTS_OFFICE: 1,
}
_REAL = ("glencore", "cmoc", "umicore", "electra", "erg", "jinchuan", "gecamines", "eurasian")
_FACILITY = (
    "facilities: [{name: A, country: CD, latitude: '-1.00', longitude: '2.00', source: x}]\n"
)


@pytest.mark.parametrize("kind", list(CompanyKind))
def test_the_consortium_has_the_companies_of_the_pilot(kind: CompanyKind) -> None:
    assert len(scenario().cast.of_kind(kind)) == _HEADCOUNT[kind]


def test_no_company_is_named_like_a_real_operator() -> None:
    names = " ".join(c.title + " " + c.member for c in scenario().cast.companies).lower()
    assert not [real for real in _REAL if re.search(rf"\b{real}\b", names)]


def test_every_figure_says_where_it_is_from() -> None:
    figures = scenario().figures
    assert len(figures.figures) >= 30
    assert len(figures.contents) >= 8
    sourced = [item for item in figures.figures if not item.assumed]
    assert all("." in item.source or " " in item.source for item in sourced)
    assert sum(item.assumed for item in figures.figures) + 1 == figures.assumed()


def test_companies_borrow_figures_of_facilities_that_are_in_the_table() -> None:
    borrowed = [c.figures_of for c in scenario().cast.companies if c.figures_of is not None]
    assert len(borrowed) == 9
    for name in borrowed:
        assert scenario().figures.facility(name).source


def test_every_producer_has_public_output_and_a_quota() -> None:
    for company in scenario().cast.of_kind(CompanyKind.PRODUCER):
        facility = scenario().figures.facility(company.figures_of or "")
        assert facility.tonnes_a_year is not None
        assert facility.quarter_quota is not None


def test_a_figure_that_is_not_there_is_refused() -> None:
    with pytest.raises(FigureUnknown) as refused:
        scenario().figures.figure("nothing")
    assert refused.value.name == "nothing"
    with pytest.raises(FigureUnknown):
        scenario().figures.facility("nowhere")


def test_a_figure_is_used_as_the_quantity_that_it_is() -> None:
    figures = scenario().figures
    for read in (figures.mass, figures.intensity, figures.times):
        with pytest.raises(FigureKindWrong):
            read("pilot-share")
    with pytest.raises(FigureKindWrong) as refused:
        figures.share("copper-for-cobalt")
    assert (refused.value.name, refused.value.wanted) == ("copper-for-cobalt", "share")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (_FACILITY + "figures: [{name: a, en: b, fr: c, source: d}]\nforms: []", FigureKindWrong),
        (
            _FACILITY
            + "figures: [{name: a, share: '1 %', times: 3, en: b, fr: c, source: d}]\nforms: []",
            FigureKindWrong,
        ),
        (_FACILITY + "figures: [{name: a, times: 0, en: b, fr: c, source: d}]", NumberOutOfRange),
        (_FACILITY + "figures: [{name: a, share: '1 %', en: b, fr: c}]", MissingKey),
        (_FACILITY.replace("-1.00", "one") + "figures: []\nforms: []", TableRefused),
        (_FACILITY.replace("source", "sourse") + "figures: []\nforms: []", MissingKey),
    ],
)
def test_a_table_of_figures_with_a_slip_is_refused(text: str, refusal: type[TableRefused]) -> None:
    with pytest.raises(refusal):
        load_figures(text)


def test_shares_are_rounded_down() -> None:
    figures = scenario().figures
    assert share_of(Milligrams(101), figures.share("pilot-share")) == 1


# ------------------------------------------------------------------ companies


def _company(extra: str = "") -> str:
    return (
        "companies: [{member: a, kind: trader, title: A, country: CH, roles: [carrier], "
        f"site: a-site, site_title: S{extra}}}]"
    )


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (_company(", colour: red"), UnknownKey),
        (_company().replace("trader", "smuggler"), TableRefused),
        (_company().replace("member: a,", "member: 'a b',"), TableRefused),
        (
            _company()[:-1] + ", {member: a, kind: trader, title: A, country: CH, roles: [], "
            "site: b, site_title: S}]",
            TwiceInTable,
        ),
    ],
)
def test_a_table_of_companies_with_a_slip_is_refused(
    text: str, refusal: type[TableRefused]
) -> None:
    with pytest.raises(refusal):
        load_companies(text)


def test_the_signer_is_of_the_actors_country_where_there_is_one() -> None:
    cast = scenario().cast
    weighbridge = Role("weighbridge")
    assert cast.signer(weighbridge, MemberId("mwinda")) == "mining-office"
    assert cast.signer(weighbridge, MemberId("pohja")) == "veritrace"


def test_nobody_signs_in_two_roles() -> None:
    cast, energy = scenario().cast, Role("energy-auditor")
    first = cast.signer(energy, MemberId("pohja"))
    second = cast.signer(energy, MemberId("pohja"), {first})
    assert first != second
    with pytest.raises(RoleUnfilled):
        cast.signer(energy, MemberId("pohja"), {first, second})


def test_a_role_that_nobody_has_is_refused() -> None:
    with pytest.raises(RoleUnfilled) as refused:
        scenario().cast.signer(Role("astrologer"), MemberId("pohja"))
    assert refused.value.role == "astrologer"
    with pytest.raises(CompanyUnknown):
        scenario().cast.signer(Role("laboratory"), MemberId("nobody"))


def test_a_scenario_that_names_a_stranger_is_refused() -> None:
    path = Path(__file__).parents[2] / "src/lodeline/pilot/data/scenario.yaml"
    text = path.read_text(encoding="utf-8").replace("trader: aare", "trader: nobody", 1)
    with pytest.raises(CompanyUnknown) as refused:
        load_scenario(text, scenario().cast, scenario().figures)
    assert refused.value.member == "nobody"


def test_an_empty_cast_has_nobody() -> None:
    with pytest.raises(CompanyUnknown):
        Cast(())[MemberId("a")]


# ------------------------------------------------------------------ texts


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_say_the_same_things() -> None:
    english, french = catalogue("en"), catalogue("fr")
    assert len(english) > 60
    assert list(english) == list(french)
    for key, text in english.items():
        assert _placeholders(text) == _placeholders(french[key]), key


def test_figures_for_people_are_rounded_down() -> None:
    texts = PilotTexts("en")
    assert texts.mass(Milligrams(12_345_678_901)) == "12.3 t"
    assert texts.mass(Milligrams(1_239_999_999)) == "1.23 t"
    assert texts.mass(Milligrams(9_999_999)) == "9.99 kg"
    assert PilotTexts("fr").mass(Milligrams(1_239_999_999)) == "1,23\u00a0t"
