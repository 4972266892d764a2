"""A hostile partner reads between the lines: what answers tell besides the events in them."""

import json
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from tests.node.access.conftest import ADMIN
from tests.node.events.conftest import SetClock, clock, sqlite_store  # noqa: F401 - fixtures
from tests.node.events.documents import bare, document, event
from tests.web.conftest import Site, site  # noqa: F401 - fixtures

from lodeline.node.access.callers import Reader
from lodeline.node.access.policies import Terms, share
from lodeline.node.access.roles import Role
from lodeline.node.access.trail import Note, TrailNumber, TrailRow, rows
from lodeline.node.events import queries
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import EventStore, Tenant
from lodeline.web import capturing, events
from lodeline.web.settings import WebSettings

SHARED = "urn:epc:id:sgtin:4012345.011122.1"
GTIN = "04012345111224"


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings(
        company_prefixes=("4012345",), links={"gs1:pip": "https://own.example/p/{gtin}?s={serial}"}
    )


@pytest.fixture
def spied(site: Site) -> Site:  # noqa: F811 - the fixture
    """A site on which pat of the smelter sees one of five events."""
    assert site.post("/capture", document(*map(event, range(1, 6)))).json()["captured"] == 5
    assert site.post("/queries", b'{"name":"all","query":{}}').status_code == 201
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="smelter")
    terms = Terms(lots=(SHARED,))
    share(site.service.store, site.house.tenant, Reader("partner:smelter"), terms, by=ADMIN)
    return site


def trail(site: Site) -> Sequence[TrailRow]:  # noqa: F811 - a parameter
    return rows(site.service.store, site.house.tenant, TrailNumber(0), 1_000)


# ------------------------------------------------------------------ gaps in the trail


@pytest.mark.parametrize("path", ["/events", "/queries/all/events", "/bizSteps/shipping/events"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tag", [None, "*", "made-up", "own"])
def test_whatever_tells_of_events_is_in_the_trail(
    spied: Site, path: str, method: str, tag: str | None
) -> None:
    """A tag that is answered tells as much as the events, to whoever asks in small questions."""
    headers: dict[str, str] = {}
    if tag is not None:
        headers["If-None-Match"] = spied.get(path, "pat").headers["ETag"] if tag == "own" else tag
    before = len(trail(spied))
    answer = spied.ask(method, path, "pat", headers, None)
    assert answer.status_code == (304 if tag in ("*", "own") else 200)
    assert [(row.who, row.seen) for row in trail(spied)[before:]] == [("pat", "1")]


def test_one_event_that_the_client_says_to_have_is_in_the_trail(spied: Site) -> None:
    found = spied.get("/events", "pat").json()["epcisBody"]["queryResults"]["resultsBody"]
    path = f"/events/{quote(found['eventList'][0]['eventID'], safe='')}"
    before = len(trail(spied))
    assert spied.get(path, "pat", If_None_Match="*").status_code == 304
    assert [(row.act, row.seen) for row in trail(spied)[before:]] == [("read", "1")]


def test_an_event_that_is_captured_alone_is_in_the_trail_with_who_did_it(spied: Site) -> None:
    before = len(trail(spied))
    for prefer in ("return=representation", "return=minimal"):
        for _ in range(2):
            number = 7 if prefer == "return=minimal" else 6
            answer = spied.post("/events", bare(event(number)), Prefer=prefer)
            assert answer.status_code == 201
    acts = [(row.who, row.act, row.seen) for row in trail(spied)[before:]]
    assert acts == [("ada", "captured", "6"), ("ada", "read", "6"), ("ada", "captured", "7")]


@pytest.mark.parametrize("path", ["/events", "/queries/all/events"])
def test_an_answer_whose_row_cannot_be_kept_does_not_leave(
    spied: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the node is killed between the two: what was not written was not shown."""

    def failing(store: EventStore, tenant: Tenant, notes: Sequence[Note]) -> None:
        raise StoreUnreachable("disk full")

    monkeypatch.setattr(events, "record", failing)
    monkeypatch.setattr(capturing, "record", failing)
    for answer in (spied.get(path, "pat"), spied.post("/events", bare(event(1)))):
        assert answer.status_code == 503
        assert "4012345" not in answer.text
        assert "ETag" not in answer.headers


# ------------------------------------------------------------------ what is told besides


def test_what_is_not_shared_and_what_is_not_there_are_told_alike(spied: Site) -> None:
    shown = spied.get("/events").json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    hidden = shown[-1]["eventID"]
    missing = hidden.replace(hidden[20], "0" if hidden[20] != "0" else "1")
    for path in ("/events/{}", "/events/{}/state"):
        answers = [
            spied.get(path.format(quote(event_id, safe="")), "pat", If_None_Match="*")
            for event_id in (hidden, missing)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = [answer.text.replace(hidden, "ID").replace(missing, "ID") for answer in answers]
        assert texts[0] == texts[1]
        names = [sorted(answer.headers) for answer in answers]
        assert names[0] == names[1]


def test_a_tag_tells_nothing_of_what_is_not_shared(spied: Site) -> None:
    before = spied.get("/events", "pat").headers["ETag"]
    assert spied.post("/capture", document(event(8), event(9))).json()["captured"] == 2
    assert spied.get("/events", "pat").headers["ETag"] == before


def test_page_tokens_are_good_for_whoever_got_them(spied: Site) -> None:
    path = spied.get("/events?perPage=1").links["next"]["url"]
    spied.tokens["pia"] = spied.house.token("pia", Role.REFINER)
    for who in ("pat", "pia", "bob"):
        assert spied.get(path, who).json()["code"] == "query-page-token-wrong"
        token = path.partition("nextPageToken=")[2]
        assert spied.delete(f"/nextPageToken/{token}", who).status_code in (400, 403)
    assert spied.get(path).status_code == 200


def test_a_page_token_has_one_spelling_so_that_its_end_is_the_end(spied: Site) -> None:
    path, _, token = spied.get("/events?perPage=1").links["next"]["url"].partition("nextPageToken=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert spied.delete(f"/nextPageToken/{token}").status_code == 204
    for last in alphabet:
        for other in (token[:-1] + last, f"{token}=", f"{token}=="):
            answer = spied.get(f"{path}nextPageToken={quote(other, safe='')}")
            assert answer.status_code == 400, other


def test_figures_are_of_the_company_of_whoever_asks(spied: Site) -> None:
    """How much another company on the node captures is its own business."""
    own, other = (spied.get("/metrics", who, Accept="text/plain").text for who in ("ada", "bob"))
    assert "lodeline_events_captured 5.0" in own
    assert 'lodeline_events{state="received"} 5.0' in own
    assert "lodeline_events_captured 0.0" in other
    assert 'state="received"' not in other
    assert 'route="/capture"' in other
    assert spied.get("/metrics", "pat").status_code == 403


def test_a_secret_is_in_no_answer(spied: Site) -> None:
    hook = {"dest": "https://hook.example/", "stream": True, "signatureToken": "s" * 20}
    made = spied.post("/queries/all/subscriptions", json.dumps(hook).encode(), who="pat")
    assert made.status_code == 201
    where = made.headers["Location"]
    for who in ("ada", "pat"):
        for path in ("/queries/all/subscriptions", where, f"{where}/deadLetters"):
            answer = spied.get(path, who)
            assert answer.status_code == 200
            assert "ssss" not in answer.text


def test_the_subscriptions_of_others_are_not_there_for_a_partner(spied: Site) -> None:
    hook = b'{"dest":"https://hook.example/","stream":true}'
    where = spied.post("/queries/all/subscriptions", hook).headers["Location"]
    assert spied.get("/queries/all/subscriptions", "pat").json() == []
    for method, path in (
        ("GET", where),
        ("DELETE", where),
        ("GET", f"{where}/deadLetters"),
        ("POST", f"{where}/deadLetters/1"),
        ("DELETE", f"{where}/deadLetters/1"),
    ):
        for who in ("pat", "bob"):
            assert spied.ask(method, path, who, {}, None).status_code == 404, (method, path, who)
    assert spied.get(where).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/queries", b'{"name":"mine","query":{}}'),
        ("DELETE", "/queries/all", None),
        ("POST", "/capture", document(event(50))),
        ("POST", "/events", bare(event(50))),
        ("GET", "/epcs", None),
        ("GET", "/capture", None),
        ("GET", "/metrics", None),
    ],
)
def test_a_partner_does_nothing_but_read_and_subscribe(
    spied: Site, method: str, path: str, body: bytes | None
) -> None:
    answer = spied.ask(method, path, "pat", {"Content-Type": "application/json"}, body)
    assert answer.status_code == 403
    override = {"X-HTTP-Method-Override": method, "X-Original-URL": path, "X-Rewrite-URL": path}
    assert spied.ask("GET", "/queries", "pat", override, None).json() == []


# ------------------------------------------------------------------ bodies and addresses


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_body_that_is_compressed_is_not_looked_into(spied: Site, encoding: str) -> None:
    answer = spied.post("/capture", document(event(70)), Content_Encoding=encoding)
    assert (answer.status_code, answer.json()["code"]) == (415, "web-encoding-refused")
    assert answer.headers["Accept-Encoding"] == "identity"
    plain = spied.post("/capture", document(event(70)), Content_Encoding="identity")
    assert plain.json()["captured"] == 1


def test_a_page_of_large_events_ends_early_and_loses_none(
    spied: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_FOUND_CHARS", 1_000)
    found: list[str] = []
    path = "/events?perPage=1000"
    pages = 0
    while path:
        answer = spied.get(path)
        listed = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert len(listed) < 5
        found += [each["eventID"] for each in listed]
        path, pages = answer.links.get("next", {}).get("url", ""), pages + 1
    assert len(set(found)) == len(found) == 5
    assert pages > 2
    assert spied.get("/events?maxEventCount=5").status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        f"/01/{GTIN}/21/1?linkType=https://evil.example",
        f"/01/{GTIN}/21/%2F%2Fevil.example",
        f"/01/{GTIN}/21/..%2F..%2F",
        f"/01/{GTIN}/21/1?next=https://evil.example&x=%0d%0aSet-Cookie:a=b",
        f"/01/{GTIN}/21/a%0d%0aLocation:%20https:%2F%2Fevil.example",
        f"/01/{GTIN}?@evil.example/",
        f"//evil.example/01/{GTIN}",
        f"/01/{GTIN}/21/1?linkType=gs1:epcis",
    ],
)
def test_the_resolver_leads_to_no_place_of_the_askers_choice(spied: Site, path: str) -> None:
    answer = spied.get(path, "", Host="evil.example", X_Forwarded_Host="evil.example")
    assert answer.status_code in (307, 400, 404)
    target = answer.headers.get("Location", "")
    own = ("https://own.example/p/", f"/epcs/{quote('https://id.gs1.org/', safe='')}")
    assert target.startswith(own) if answer.status_code == 307 else not target
    assert "\r" not in target
    assert "Set-Cookie" not in answer.headers


def test_a_row_of_the_trail_has_no_line_of_its_own_making(spied: Site) -> None:
    spied.get("/events?EQ_bizStep=shipping%0D%0Aforged%20row", "pat")
    assert trail(spied)[-1].about.count("\n") == 0
