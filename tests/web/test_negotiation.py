"""Which form an answer has: media types, languages, versions and spellings; and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.node.events.documents import document, event
from tests.web.conftest import Site

from lodeline.web.negotiation import (
    Media,
    check_versions,
    chosen_media,
    extensions_of,
    preferred_language,
)
from lodeline.web.refusals import AnswerFormRefused, VersionMalformed, VersionRefused

OFFERED = ("application/json", "application/ld+json", "application/xml", "text/xml")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/xml"),
        ("Application/XML", "application/xml"),
        ("application/xml;q=0.5, application/ld+json;q=0.6", "application/ld+json"),
        ("application/json;q=0, */*;q=0.1", "application/ld+json"),
        ("application/xml;charset=utf-8;q=0.9, application/json;q=0.8", "application/xml"),
        ("text/html, text/xml;q=0.001", "text/xml"),
        ("application/json;q=nonsense", "application/json"),
    ],
)
def test_the_most_wanted_form_is_chosen(accept: str | None, chosen: str) -> None:
    assert chosen_media(accept, OFFERED) == Media(chosen)


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "json"])
def test_a_form_that_there_is_not_is_refused(accept: str) -> None:
    with pytest.raises(AnswerFormRefused) as refused:
        chosen_media(accept, OFFERED)
    assert refused.value.offered == OFFERED


@given(st.text(max_size=200))
def test_no_header_breaks_the_choice(text: str) -> None:
    preferred_language(text)
    try:
        chosen = chosen_media(text, OFFERED)
    except AnswerFormRefused:
        return
    assert chosen in OFFERED


@pytest.mark.parametrize(
    ("accept", "lang"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CD", "fr"),
        ("en;q=0.5, fr;q=0.4", "en"),
        ("de, fr;q=0.1", "fr"),
        ("en, fr", "en"),
    ],
)
def test_the_preferred_language_is_spoken(accept: str, lang: str) -> None:
    assert preferred_language(accept) == lang


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"gs1-epcis-version": "2.0"},
        {"gs1-epcis-version": "2.0.1", "gs1-cbv-version": "2"},
        {"gs1-epcis-min": "1.2", "gs1-epcis-max": "2.0"},
        {"gs1-epcis-min": "2.0.1"},
        {"gs1-epcis-max": "3.0.0"},
        {"gs1-cbv-min": "1.0", "gs1-cbv-max": "2.1"},
    ],
)
def test_versions_that_leave_this_one_in_pass(headers: dict[str, str]) -> None:
    check_versions(headers)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("GS1-EPCIS-Version", "1.2"),
        ("GS1-EPCIS-Min", "2.1"),
        ("GS1-EPCIS-Max", "1.2.0"),
        ("GS1-CBV-Version", "3"),
        ("GS1-CBV-Min", "3.0"),
        ("GS1-CBV-Max", "1.2"),
    ],
)
def test_other_versions_are_refused(header: str, text: str) -> None:
    with pytest.raises(VersionRefused) as refused:
        check_versions({header.lower(): text})
    assert (refused.value.header, refused.value.found) == (header, text)


@pytest.mark.parametrize("text", ["", "two", "2.0.0.0.0", "2..0", "٢.0", "2.0-rc"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionMalformed):
        check_versions({"gs1-epcis-version": text})


def test_extensions_are_read_from_several_headers() -> None:
    read = extensions_of(["a=https://a.example/, b=urn:b:", 'c="https://c.example/"', ""])
    assert read == {"a": "https://a.example/", "b": "urn:b:", "c": "https://c.example/"}


# ------------------------------------------------------------------ over HTTP


@pytest.mark.parametrize("media", OFFERED)
def test_an_answer_has_the_type_that_was_asked_for(site: Site, media: str) -> None:
    site.post("/capture", document(event(1)))
    answer = site.get("/events", Accept=media)
    assert answer.headers["Content-Type"].partition(";")[0] == media
    assert "Accept" in answer.headers["Vary"]


def test_another_form_is_refused(site: Site) -> None:
    answer = site.get("/events", Accept="text/csv")
    assert answer.status_code == 406
    assert answer.json()["type"] == "epcisException:NotAcceptableException"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_another_version_is_refused(site: Site) -> None:
    answer = site.get("/events", GS1_EPCIS_Max="1.2")
    assert answer.status_code == 406
    assert answer.json()["code"] == "web-version-refused"


def test_a_problem_is_xml_for_whoever_wants_xml(site: Site) -> None:
    answer = site.get("/events?what=1", Accept="application/xml")
    assert answer.headers["Content-Type"] == "application/problem+xml"
    root = etree.fromstring(answer.content)
    assert etree.QName(root).localname == "EPCISException"
    assert root.findtext("type") == "epcisException:QueryParameterException"
    assert root.findtext("status") == "400"


def test_a_problem_is_french_for_whoever_reads_french(site: Site) -> None:
    answer = site.get("/events?what=1", Accept_Language="fr-BE, en;q=0.8")
    assert answer.headers["Content-Language"] == "fr"
    assert answer.json()["detail"].startswith("il n'y a pas")


@pytest.mark.parametrize(
    ("format_", "epc"),
    [
        (None, "https://id.gs1.org/01/04012345111224/21/1"),
        ("Always_GS1_Digital_Link", "https://id.gs1.org/01/04012345111224/21/1"),
        ("Always_EPC_URN", "urn:epc:id:sgtin:4012345.011122.1"),
        ("Never_Translates", "urn:epc:id:sgtin:4012345.011122.1"),
        ("No_Preference", "urn:epc:id:sgtin:4012345.011122.1"),
    ],
)
def test_identifiers_have_the_spelling_that_was_asked_for(
    site: Site, format_: str | None, epc: str
) -> None:
    site.post("/capture", document(event(1)))
    named = {} if format_ is None else {"GS1_EPC_Format": format_}
    results = site.get("/events", **named).json()["epcisBody"]["queryResults"]
    assert results["resultsBody"]["eventList"][0]["epcList"] == [epc]


@pytest.mark.parametrize(
    ("format_", "word"),
    [
        ("Always_Web_URI", "https://ref.gs1.org/cbv/BizStep-shipping"),
        ("Always_URN", "urn:epcglobal:cbv:bizstep:shipping"),
        ("No_Preference", "urn:epcglobal:cbv:bizstep:shipping"),
    ],
)
def test_words_have_the_spelling_that_was_asked_for(site: Site, format_: str, word: str) -> None:
    site.post("/capture", document(event(1)))
    answer = site.get("/events", Accept="application/xml", GS1_CBV_XML_Format=format_)
    assert etree.fromstring(answer.content).findtext(".//bizStep") == word


@pytest.mark.parametrize("header", ["GS1_EPC_Format", "GS1_CBV_XML_Format"])
def test_a_spelling_that_there_is_not_is_refused(site: Site, header: str) -> None:
    answer = site.get("/events", **{header: "Sometimes"})
    assert (answer.status_code, answer.json()["code"]) == (400, "web-format-unknown")
