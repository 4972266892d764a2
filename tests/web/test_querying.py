"""Events, lists and named queries over HTTP: found, paged, tagged, and hidden from others."""

from urllib.parse import quote

import pytest
from lxml import etree
from tests.node.access.conftest import ADMIN
from tests.node.events.documents import bare, document, event
from tests.web.conftest import Site

from lodeline.exchange.epcis import read_json, read_xml
from lodeline.node.access.callers import Reader
from lodeline.node.access.policies import Terms, revoke_policy, share
from lodeline.node.access.roles import Role
from lodeline.node.access.trail import TrailNumber, rows

EPC = "https://id.gs1.org/01/04012345111224/21/1"
URN = "urn:epc:id:sgtin:4012345.011122.1"


def events_of(answer: object) -> list[dict[str, object]]:
    found = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]  # type: ignore[attr-defined] # an httpx.Response
    assert isinstance(found, list)
    return found


def fill(site: Site, count: int = 5) -> None:
    answer = site.post("/capture", document(*(event(serial) for serial in range(1, count + 1))))
    assert answer.status_code == 202


def test_an_answer_can_be_read_by_the_project_itself(site: Site) -> None:
    fill(site)
    read = read_json(site.get("/events").content)
    assert len(read.events) == 5
    other = read_xml(site.get("/events", Accept="application/xml").content)
    assert [event.event_id for event in other.events] == [event.event_id for event in read.events]


def test_pages_follow_one_another_to_the_end(site: Site) -> None:
    fill(site, 7)
    seen, path = [], "/events?EQ_bizStep=shipping&perPage=3"
    while path:
        answer = site.get(path)
        seen += [found["eventID"] for found in events_of(answer)]
        assert ("next" in answer.links) == ("GS1-Next-Page-Token-Expires" in answer.headers)
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert len(seen) == len(set(seen)) == 7


def test_a_page_token_is_of_whoever_got_it(site: Site) -> None:
    fill(site)
    path = site.get("/events?perPage=2").links["next"]["url"]
    site.tokens["eve"] = site.house.token("eve", Role.REFINER)
    assert site.get(path, "eve").status_code == 400
    assert site.get(path, "bob").status_code == 400
    assert site.get(path).status_code == 200


def test_a_released_page_token_is_good_for_nothing(site: Site) -> None:
    fill(site)
    path = site.get("/events?perPage=2").links["next"]["url"]
    token = path.partition("nextPageToken=")[2]
    assert site.delete(f"/nextPageToken/{token}").status_code == 204
    assert site.get(path).status_code == 400


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (f"/epcs/{quote(EPC, safe='')}/events", 1),
        (f"/epcs/{quote(URN, safe='')}/events", 1),
        ("/bizSteps/shipping/events", 5),
        (f"/bizSteps/{quote('https://ref.gs1.org/cbv/BizStep-shipping', safe='')}/events", 5),
        ("/dispositions/in_transit/events", 5),
        (f"/readPoints/{quote('urn:epc:id:sgln:4012345.00001.0', safe='')}/events", 5),
        ("/eventTypes/ObjectEvent/events?LT_eventTime=2026-03-01T08:00:03Z", 2),
        ("/eventTypes/AggregationEvent/events", 0),
    ],
)
def test_events_are_found_by_what_they_speak_of(site: Site, path: str, count: int) -> None:
    fill(site)
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    assert len(events_of(answer)) == count


@pytest.mark.parametrize(
    "path",
    [
        "/epcs/urn%3Aepc%3Aid%3Asgtin%3A4012345.011122.9/events",
        "/epcs/nothing",
        "/bizSteps/receiving/events",
        "/bizLocations/x/events",
        "/eventTypes/NoEvent",
        "/events/urn%3Anothing",
        "/queries/none",
        "/queries/none/events",
        "/capture/none",
    ],
)
def test_what_is_not_there_is_a_problem(site: Site, path: str) -> None:
    fill(site)
    answer = site.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"].startswith("epcisException:NoSuch")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/events?what=1", "query-parameter-unknown"),
        ("/events?perPage=none", "query-parameter-count-wrong"),
        ("/events?perPage=0", "query-parameter-count-wrong"),
        ("/events?GE_eventTime=yesterday", "query-parameter-not-time"),
        ("/events?EQ_action=ADD&EQ_action=OBSERVE", "query-parameter-twice"),
        ("/bizSteps/shipping/events?EQ_bizStep=packing", "query-parameter-twice"),
        ("/events?nextPageToken=abc", "query-page-token-wrong"),
        ("/epcs?nextPageToken=abc", "query-page-token-wrong"),
        ("/capture?nextPageToken=abc", "query-page-token-wrong"),
        ("/queries?what=1", "query-parameter-unknown"),
        ("/queries?perPage=-1", "query-parameter-count-wrong"),
        ("/epcs?perPage=1.5", "query-parameter-count-wrong"),
    ],
)
def test_what_no_query_can_say_is_refused(site: Site, path: str, code: str) -> None:
    fill(site)
    answer = site.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_too_many_events_are_refused_where_a_bound_is_set(site: Site) -> None:
    fill(site)
    answer = site.get("/events?maxEventCount=2")
    assert answer.status_code == 413
    assert answer.json()["type"] == "epcisException:QueryTooLargeException"


def test_an_event_is_shown_with_its_error_declaration(site: Site) -> None:
    first = site.post("/events", bare(event(1))).json()
    declared = {
        **event(1, eventID=first["eventID"]),
        "errorDeclaration": {
            "declarationTime": "2026-03-02T08:00:00Z",
            "reason": "incorrect_data",
        },
    }
    assert site.post("/events", bare(declared)).status_code == 201
    shown = events_of(site.get(f"/events/{quote(first['eventID'], safe='')}"))
    assert ["errorDeclaration" in each for each in shown] == [False, True]


# ------------------------------------------------------------------ tags


def test_a_known_answer_is_not_sent_again(site: Site) -> None:
    fill(site)
    tag = site.get("/events").headers["ETag"]
    again = site.get("/events", If_None_Match=f'"other", {tag}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag
    assert site.get("/events", If_None_Match='"other"').status_code == 200


def test_a_tag_changes_with_the_events_the_form_and_the_spelling(site: Site) -> None:
    fill(site, 2)
    tags = {
        site.get("/events").headers["ETag"],
        site.get("/events", Accept="application/xml").headers["ETag"],
        site.get("/events", GS1_EPC_Format="Never_Translates").headers["ETag"],
        site.get("/events?perPage=1").headers["ETag"],
    }
    site.post("/events", bare(event(9)))
    tags.add(site.get("/events").headers["ETag"])
    assert len(tags) == 5


# ------------------------------------------------------------------ lists


def test_the_top_lists_what_there_is(site: Site) -> None:
    members = site.get("/").json()["member"]
    assert len(members) == 9
    for member in members:
        assert site.get(f"/{member}").status_code == 200


def test_lists_are_paged(site: Site) -> None:
    fill(site, 5)
    seen, path = [], "/epcs?perPage=2"
    while path:
        answer = site.get(path)
        seen += answer.json()["member"]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == [f"{EPC[:-1]}{serial}" for serial in range(1, 6)]


def test_a_list_may_be_xml(site: Site) -> None:
    fill(site, 2)
    root = etree.fromstring(site.get("/bizSteps", Accept="text/xml").content)
    assert [member.text for member in root] == ["shipping"]


def test_a_member_leads_to_its_events(site: Site) -> None:
    fill(site)
    assert site.get("/bizSteps/shipping").json()["member"] == ["events"]


# ------------------------------------------------------------------ named queries


def named(site: Site, body: bytes, who: str = "ada") -> int:
    return site.post("/queries", body, who=who).status_code


def test_a_named_query_is_made_listed_asked_and_forgotten(site: Site) -> None:
    fill(site)
    body = b'{"name":"sent","query":{"EQ_bizStep":["shipping"]}}'
    made = site.post("/queries", body)
    assert (made.status_code, made.headers["Location"]) == (201, "/queries/sent")
    assert made.json() == {"name": "sent", "query": {"EQ_bizStep": ["shipping"]}}
    assert site.get("/queries").json() == [made.json()]
    assert site.get("/queries/sent").json() == made.json()
    answer = site.get("/queries/sent/events?perPage=2")
    results = answer.json()["epcisBody"]["queryResults"]
    assert (results["queryName"], len(events_of(answer))) == ("sent", 2)
    assert len(events_of(site.get(answer.links["next"]["url"]))) == 2
    assert site.delete("/queries/sent").status_code == 204
    assert site.get("/queries/sent").status_code == 404


def test_a_name_is_given_once(site: Site) -> None:
    assert named(site, b'{"name":"a","query":{"EQ_action":["ADD"]}}') == 201
    assert named(site, b'{"name":"a","query":{"EQ_action":["ADD"]}}') == 201
    answer = site.post("/queries", b'{"name":"a","query":{"EQ_action":["DELETE"]}}')
    assert answer.status_code == 409
    assert answer.json()["type"] == "epcisException:ResourceAlreadyExistsException"
    assert named(site, b'{"name":"a","query":{}}', "bob") == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"name":"a"}',
        b'{"name":"a","query":[]}',
        b'{"query":{}}',
        b'{"name":"a/b","query":{}}',
        b'{"name":"a","query":{"what":1}}',
        b'{"name":"a","name":"b","query":{}}',
    ],
)
def test_what_is_no_query_gets_no_name(site: Site, body: bytes) -> None:
    assert named(site, body) == 400


def test_a_named_query_takes_no_other_parameters(site: Site) -> None:
    named(site, b'{"name":"a","query":{}}')
    assert site.get("/queries/a/events?EQ_action=ADD").status_code == 400


# ------------------------------------------------------------------ who sees what


def test_one_company_sees_nothing_of_another(site: Site) -> None:
    fill(site)
    named(site, b'{"name":"a","query":{}}')
    event_id = str(events_of(site.get("/events"))[0]["eventID"])
    assert events_of(site.get("/events", "bob")) == []
    assert site.get("/epcs", "bob").json()["member"] == []
    assert site.get("/queries", "bob").json() == []
    for path in (f"/events/{quote(event_id, safe='')}", "/queries/a", "/bizSteps/shipping"):
        assert site.get(path, "bob").status_code == 404


def test_a_partner_without_a_policy_sees_nothing_and_is_told_nothing(site: Site) -> None:
    fill(site)
    event_id = str(events_of(site.get("/events"))[0]["eventID"])
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="refiner")
    assert events_of(site.get("/events", "pat")) == []
    assert site.get("/events?maxEventCount=2", "pat").status_code == 200
    assert site.get(f"/events/{quote(event_id, safe='')}", "pat").status_code == 404
    there = site.get("/bizSteps/shipping/events", "pat")
    nowhere = site.get("/bizSteps/receiving/events", "pat")
    assert (there.status_code, nowhere.status_code) == (200, 200)
    assert events_of(there) == events_of(nowhere) == []
    assert site.get("/epcs", "pat").status_code == 403
    assert site.get("/capture", "pat").status_code == 403


def test_a_partner_sees_what_a_policy_shares_until_it_is_revoked(site: Site) -> None:
    fill(site, 5)
    tenant, store = site.house.tenant, site.service.store
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="refiner")
    policy = share(store, tenant, Reader("partner:refiner"), Terms(lots=(URN,)), by=ADMIN)
    shown = events_of(site.get("/events", "pat"))
    assert [found["epcList"] for found in shown] == [[EPC]]
    ids = [str(found["eventID"]) for found in events_of(site.get("/events"))]
    statuses = [site.get(f"/events/{quote(id_, safe='')}", "pat").status_code for id_ in ids]
    assert sorted(statuses) == [200, 404, 404, 404, 404]
    assert len(events_of(site.get("/bizSteps/shipping/events?maxEventCount=1", "pat"))) == 1
    named(site, b'{"name":"a","query":{}}')
    assert len(events_of(site.get("/queries/a/events", "pat"))) == 1
    path = site.get("/events?perPage=1").links["next"]["url"]
    assert site.get(path, "pat").status_code == 400
    revoke_policy(store, tenant, policy.policy, ADMIN)
    assert events_of(site.get("/events", "pat")) == []


@pytest.mark.parametrize(
    ("role", "partner"), [(Role.TRADER, "refiner"), (Role.AUDITOR, None), (Role.AUDITOR, "refiner")]
)
def test_what_a_query_of_the_company_asks_for_is_not_shown_to_others(
    site: Site, role: Role, partner: str | None
) -> None:
    """They find by its name what is shared with them, and learn no customer's name from it."""
    fill(site, 2)
    named(site, b'{"name":"a","query":{"EQ_bizStep":["shipping"],"MATCH_epc":["urn:secret:x"]}}')
    named(site, b'{"name":"b","query":{}}')
    site.tokens["pat"] = site.house.token("pat", role, partner=partner)
    shown = site.get("/queries?perPage=1", "pat")
    assert (shown.status_code, shown.json(), shown.links) == (200, [], {})
    hidden, missing = site.get("/queries/a", "pat"), site.get("/queries/none", "pat")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.text.replace("none", "a") == missing.text.replace("none", "a")
    assert site.get("/queries/a/events", "pat").status_code == 200
    assert [each["name"] for each in site.get("/queries").json()] == ["a", "b"]


def test_what_was_shown_is_in_the_trail(site: Site) -> None:
    fill(site, 3)
    before = len(rows(site.service.store, site.house.tenant, TrailNumber(0), 1_000))
    site.get("/events?perPage=2")
    found = rows(site.service.store, site.house.tenant, TrailNumber(before), 10)
    assert [(row.who, row.act, row.about) for row in found] == [("ada", "queried", "perPage=2")]
    assert found[0].seen
