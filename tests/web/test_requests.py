"""Requests like an adversary's: who asks, how often, how long, by which method, on which path."""

import logging
from dataclasses import replace

import pytest
from tests.node.events.documents import document, event
from tests.web.conftest import Client, Site

from lodeline.node.access.roles import Role
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import EventStore
from lodeline.web.app import build
from lodeline.web.limiting import Buckets
from lodeline.web.refusals import RequestTooFast
from lodeline.web.settings import RequestRate, WebSettings

SECRET = "lodeline_0123456789abcdef_" + "A" * 43
CLOSED = [
    "/",
    "/capture",
    "/events",
    "/epcs",
    "/queries",
    "/metrics",
    "/eventTypes/ObjectEvent/events",
    "/events/urn%3Ax",
]
OPEN = ["/health/live", "/health/ready", "/openapi.json", "/.well-known/gs1resolver"]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize(
    "shown", [{}, {"Authorization": f"Bearer {SECRET}"}, {"Authorization": "Basic YTpi"}]
)
def test_whoever_is_not_known_is_answered_nothing(
    site: Site, path: str, shown: dict[str, str]
) -> None:
    answer = site.get(path, who="", **shown)
    assert answer.status_code == 401
    assert answer.json()["type"] == "epcisException:SecurityException"
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", OPEN)
def test_what_everybody_may_know_is_answered(site: Site, path: str) -> None:
    assert site.get(path, who="").status_code == 200


def test_who_guesses_has_to_wait(site: Site) -> None:
    for _ in range(8):
        site.get("/events", who="", Authorization=f"Bearer {SECRET}")
    answer = site.get("/events", who="", Authorization=f"Bearer {SECRET}")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/events", "PUT", "GET, HEAD, OPTIONS, POST"),
        ("/events/x", "DELETE", "GET, HEAD, OPTIONS"),
        ("/queries/x", "POST", "DELETE, GET, HEAD, OPTIONS"),
        ("/health/live", "POST", "GET, HEAD"),
        ("/nextPageToken/x", "GET", "DELETE, OPTIONS"),
        ("/events", "TRACE", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_other_methods_are_refused(site: Site, path: str, method: str, allowed: str) -> None:
    answer = site.ask(method, path, "ada", {}, None)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


def test_head_is_get_without_a_body(site: Site) -> None:
    site.post("/capture", document(event(1)))
    answer = site.ask("HEAD", "/events", "ada", {}, None)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == site.get("/events").headers["ETag"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/events/", "/events//x", "/EVENTS", "/epcs/a/b", "/01/a/b"]
)
def test_other_paths_are_not_there(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "web-path-unknown"


def test_a_part_of_a_path_that_is_no_text_is_refused(site: Site) -> None:
    answer = site.get("/events/%ff%fe")
    assert (answer.status_code, answer.json()["code"]) == (400, "web-path-malformed")


def test_an_address_that_is_too_long_is_refused(site: Site) -> None:
    answer = site.get(f"/events?EQ_bizStep={'x' * 20_000}")
    assert answer.status_code == 414
    assert answer.json()["type"] == "epcisException:URITooLongException"


def test_scripts_of_other_sites_are_not_let_in(site: Site) -> None:
    answer = site.get("/events", Origin="https://elsewhere.example")
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_figures_are_for_operators(site: Site) -> None:
    site.tokens["eve"] = site.house.token("eve", Role.SITE_OPERATOR)
    assert site.get("/metrics", "eve").status_code == 403
    site.post("/capture", document(event(1)))
    figures = site.get("/metrics").text
    assert "lodeline_events_captured 1.0" in figures
    assert 'route="/capture"' in figures
    assert "sgtin" not in figures


# ------------------------------------------------------------------ how often


def test_a_burst_is_let_through_and_time_brings_more() -> None:
    now = [0]
    buckets = Buckets(RequestRate(burst=3, per_second=2), lambda: now[0])
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(RequestTooFast) as refused:
        buckets.take("a")
    assert refused.value.seconds == 1
    buckets.take("b")
    now[0] += 500_000_000
    buckets.take("a")
    with pytest.raises(RequestTooFast):
        buckets.take("a")


def test_a_flood_of_keys_does_not_fill_the_memory() -> None:
    buckets = Buckets(RequestRate(burst=1, per_second=1), lambda: 0)
    for key in range(20_000):
        buckets.take(str(key))
    assert len(buckets._buckets) == 16_384


def test_who_asks_too_often_is_told_to_wait(site: Site) -> None:
    service = replace(site.service, settings=WebSettings(rate=RequestRate(2, 1)))
    slow = replace(site, client=Client(build(service)))
    statuses = [slow.get("/events").status_code for _ in range(3)]
    slow.client.close()
    assert statuses == [200, 200, 429]


# ------------------------------------------------------------------ failures


def test_why_the_store_fails_is_for_the_log_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(store: EventStore) -> None:
        del store
        raise StoreUnreachable("password of db.internal is wrong")

    monkeypatch.setattr(EventStore, "reading", fail)
    with caplog.at_level(logging.ERROR):
        answer = site.get("/health/ready", who="")
    assert answer.status_code == 503
    assert answer.json()["code"] == "web-node-unready"
    assert "db.internal" not in answer.text
    assert answer.json()["request"] == answer.headers["X-Request-Id"]
    assert answer.headers["Retry-After"] == "5"
    assert "db.internal" in str(vars(caplog.records[-1])["reason"])


def test_what_nobody_foresaw_is_an_answer_without_its_cause(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(store: EventStore) -> None:
        del store
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(EventStore, "reading", fail)
    answer = site.get("/health/ready", who="")
    assert answer.status_code == 500
    assert answer.json()["type"] == "epcisException:ImplementationException"
    assert "secret" not in answer.text


def test_the_log_has_the_route_and_never_what_was_asked_for(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lodeline.web.access"):
        site.get("/epcs/urn%3Aepc%3Aid%3Asgtin%3A4012345.011122.1/events?EQ_bizStep=shipping")
    written = [str(vars(record)) for record in caplog.records if "access" in record.name]
    assert written
    for line in written:
        assert "/epcs/{epc}/events" in line
        assert "'caller': 'ada'" in line
        assert "sgtin" not in line
        assert "shipping" not in line
        assert site.tokens["ada"] not in line
