"""Capture over HTTP: what is acknowledged, what is refused, and what is safe to send again."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from tests.node.events.documents import (
    BROKEN,
    bare,
    document,
    event,
    xml_document,
    xml_event,
)
from tests.web.conftest import Client, Site

from lodeline.node.access.roles import Role
from lodeline.node.events.reading import CaptureLimits
from lodeline.web.app import build
from lodeline.web.settings import WebSettings


def test_a_document_is_captured_and_its_job_told(site: Site) -> None:
    answer = site.post("/capture", document(event(1), event(2)))
    assert answer.status_code == 202
    assert answer.headers["GS1-EPCIS-Version"] == "2.0.0"
    job = site.get(answer.headers["Location"]).json()
    assert (job["success"], job["running"], job["captured"]) == (True, False, 2)
    assert job["captureErrorBehaviour"] == "rollback"
    assert job["errors"] == []


@pytest.mark.parametrize("media", ["application/xml", "text/xml; charset=utf-8"])
def test_xml_is_captured_under_either_name(site: Site, media: str) -> None:
    answer = site.post("/capture", xml_document(xml_event(1)), media)
    assert answer.status_code == 202
    assert site.get(answer.headers["Location"]).json()["captured"] == 1


def test_the_same_in_json_and_xml_is_one_event(site: Site) -> None:
    site.post("/capture", document(event(1)))
    again = site.post("/capture", xml_document(xml_event(1)), "application/xml")
    job = site.get(again.headers["Location"]).json()
    assert (job["captured"], job["known"]) == (0, 1)


def test_the_job_comes_with_the_answer_unless_less_is_preferred(site: Site) -> None:
    assert site.post("/capture", document(event(1))).json()["captured"] == 1
    answer = site.post("/capture", document(event(1)), Prefer='respond-async, return="minimal"')
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert site.get(answer.headers["Location"]).json()["known"] == 1


def test_one_bad_event_takes_the_others_with_it(site: Site) -> None:
    answer = site.post("/capture", document(event(1), BROKEN))
    job = site.get(answer.headers["Location"]).json()
    assert (job["success"], job["captured"], job["refused"]) == (False, 0, 1)
    (error,) = job["errors"]
    assert error["type"] == "epcisException:ValidationException"
    assert (error["status"], error["code"], error["event"]) == (400, "epcis-value-not-allowed", 1)


def test_good_events_stay_where_that_is_asked_for(site: Site) -> None:
    answer = site.post(
        "/capture", document(event(1), BROKEN), GS1_Capture_Error_Behaviour="proceed"
    )
    job = site.get(answer.headers["Location"]).json()
    assert (job["captureErrorBehaviour"], job["captured"]) == ("proceed", 1)


def test_a_word_that_is_no_behaviour_is_refused(site: Site) -> None:
    answer = site.post("/capture", document(event(1)), GS1_Capture_Error_Behaviour="all")
    assert answer.status_code == 400
    assert answer.json()["code"] == "web-behaviour-unknown"


@pytest.mark.parametrize("path", ["/capture", "/events"])
@pytest.mark.parametrize("media", ["text/csv", "", "multipart/form-data"])
def test_other_forms_are_refused_before_they_are_read(site: Site, path: str, media: str) -> None:
    answer = site.post(path, b"x" * 100, media)
    assert answer.status_code == 415
    assert answer.json()["type"] == "epcisException:UnsupportedMediaTypeException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "epcis-json-broken"),
        (b"{", "epcis-json-broken"),
        (b'"\\ud800"', "epcis-json-broken"),
        (b"[]", "event-document-empty"),
    ],
)
def test_a_document_that_is_none_is_refused_and_leaves_no_job(
    site: Site, body: bytes, code: str
) -> None:
    answer = site.post("/capture", body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "epcisException:ValidationException"
    assert answer.json()["code"] == code
    assert site.get("/capture").json() == []


def test_a_half_of_a_character_does_not_break_the_answer(site: Site) -> None:
    body = document(event(1)).replace(b'"OBSERVE"', b'"\\ud800"')
    answer = site.post("/capture", body, GS1_Capture_Error_Behaviour="proceed")
    assert answer.status_code in {202, 400}


def test_jobs_are_listed_the_latest_first_page_by_page(site: Site) -> None:
    for serial in range(1, 6):
        site.post("/capture", document(*(event(each) for each in range(1, serial + 1))))
    sizes, path = [], "/capture?perPage=2"
    while path:
        answer = site.get(path)
        assert len(answer.json()) <= 2
        sizes += [job["events"] for job in answer.json()]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sizes == [5, 4, 3, 2, 1]


def test_a_job_of_another_company_is_not_there(site: Site) -> None:
    place = site.post("/capture", document(event(1))).headers["Location"]
    answer = site.get(place, "bob")
    assert answer.status_code == 404
    assert answer.json()["type"] == "epcisException:NoSuchResourceException"
    assert site.get("/capture", "bob").json() == []


# ------------------------------------------------------------------ single events


def test_one_event_is_captured_and_shown_as_stored(site: Site) -> None:
    answer = site.post("/events", bare(event(1)))
    assert answer.status_code == 201
    assert answer.json()["recordTime"]
    place = answer.headers["Location"]
    assert place == f"/events/{quote(answer.json()['eventID'], safe='')}"
    assert site.get(place).status_code == 200


def test_only_its_place_is_told_where_that_is_preferred(site: Site) -> None:
    answer = site.post("/events", bare(event(1)), Prefer="return=minimal")
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Location"]


def test_sent_again_it_has_the_same_answer(site: Site) -> None:
    first = site.post("/events", bare(event(1)))
    again = site.post("/events", bare(event(1)))
    assert again.status_code == 201
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json() == first.json()


def test_sent_again_where_only_a_new_one_is_wanted_it_is_refused(site: Site) -> None:
    first = site.post("/events", bare(event(1)), If_None_Match="*")
    again = site.post("/events", bare(event(1)), If_None_Match="*")
    assert (first.status_code, again.status_code) == (201, 412)
    assert again.json()["event_id"] == first.json()["eventID"]


def test_another_event_under_a_taken_id_is_refused(site: Site) -> None:
    site.post("/events", bare(event(1, eventID="urn:example:1")))
    answer = site.post("/events", bare(event(2, eventID="urn:example:1")))
    assert answer.status_code == 409
    assert answer.json()["code"] == "event-id-taken"


def test_several_events_are_not_one(site: Site) -> None:
    answer = site.post("/events", document(event(1), event(2)))
    assert answer.status_code == 400
    assert answer.json()["code"] == "event-not-alone"


def test_extensions_may_be_declared_in_a_header(site: Site) -> None:
    value = event(1, **{"ex:furnace": "7"})
    assert site.post("/events", bare(value)).status_code == 400
    answer = site.post("/events", bare(value), GS1_Extensions="ex=https://example.com/epcis/")
    assert answer.status_code == 201
    assert answer.json()["@context"] == {"ex": "https://example.com/epcis/"}


@pytest.mark.parametrize("text", ["ex", "=https://example.com/", "ex=nothing"])
def test_extensions_that_declare_nothing_are_refused(site: Site, text: str) -> None:
    answer = site.post("/events", bare(event(1)), GS1_Extensions=text)
    assert answer.status_code == 400
    assert answer.json()["code"] == "web-extensions-malformed"


# ------------------------------------------------------------------ limits and rights


def limited(site: Site, limits: CaptureLimits) -> Site:
    service = replace(site.service, settings=WebSettings(capture=limits))
    return replace(site, client=Client(build(service)))


def test_more_events_than_are_taken_at_once_are_refused(site: Site) -> None:
    small = limited(site, CaptureLimits(events=2))
    answer = small.post("/capture", document(event(1), event(2), event(3)))
    small.client.close()
    assert answer.status_code == 413
    assert answer.json()["type"] == "epcisException:CaptureLimitExceededException"
    assert answer.headers["GS1-EPCIS-Capture-Limit"] == "2"


@pytest.mark.parametrize("path", ["/capture", "/events"])
def test_more_bytes_than_are_taken_at_once_are_refused(site: Site, path: str) -> None:
    small = limited(site, CaptureLimits(bytes=100))
    answer = small.post(path, document(event(1)))
    small.client.close()
    assert answer.status_code == 413
    assert answer.headers["GS1-EPCIS-Capture-File-Size-Limit"] == "100"


def test_who_may_only_read_captures_nothing(site: Site) -> None:
    site.tokens["eve"] = site.house.token("eve", Role.AUDITOR)
    answer = site.post("/capture", document(event(1)), who="eve")
    assert answer.status_code == 403
    assert answer.json()["type"] == "epcisException:SecurityException"
    assert answer.json()["scope"] == "events:capture"


def test_nobody_captures_nothing(site: Site) -> None:
    answer = site.post("/capture", document(event(1)), who="")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_why_an_event_is_refused_is_told_in_the_language_that_is_asked_for(site: Site) -> None:
    place = site.post("/capture", document(event(1), BROKEN)).headers["Location"]
    said = {}
    for lang in ("en", "fr"):
        (error,) = site.get(place, Accept_Language=lang).json()["errors"]
        (listed,) = site.get("/capture", Accept_Language=lang).json()[0]["errors"]
        assert listed == error
        said[lang] = (error["detail"], error["advice"])
    assert said["en"][0] != said["fr"][0]
    assert said["en"][1] != said["fr"][1]
