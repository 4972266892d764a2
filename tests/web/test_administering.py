"""Accounts, tokens, policies and the trail over HTTP: as by command, and of one company."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from tests.node.access.conftest import CHEAP, PASSWORD, House
from tests.node.benches import cheap_keystores, founded
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event
from tests.web.conftest import Client, Site

from lodeline.kernel.ids import MemberId
from lodeline.node.access.anchoring import anchor_trail
from lodeline.node.access.authenticating import Access
from lodeline.node.access.roles import Role, Scope
from lodeline.node.access.trail import Act, Note, TrailNumber, record, rows, verify_trail
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore
from lodeline.web.administering import OPERATIONS as KEEPING
from lodeline.web.app import build
from lodeline.web.operations import Operation
from lodeline.web.overseeing import OPERATIONS as OVERSEEING
from lodeline.web.service import Service

Json = dict[str, Any]
OPERATIONS = (*KEEPING, *OVERSEEING)
POLICY = {"reader": "smelter", "steps": ["shipping"]}


def sent(site: Site, method: str, path: str, body: Json | None = None, who: str = "ada") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    return site.ask(method, path, who, headers, data)


def trail(site: Site) -> list[tuple[str, str, str]]:
    found = rows(site.service.store, site.house.tenant, TrailNumber(0), 1_000)
    return [(row.who, row.act, row.about) for row in found]


# ------------------------------------------------------------------ accounts


def test_an_account_is_made_changed_and_disabled(site: Site) -> None:
    made = sent(
        site, "POST", "/accounts", {"user": "zoe", "roles": ["trader"], "title": "Zoé, trading"}
    )
    assert (made.status_code, made.headers["Location"]) == (201, "/accounts/zoe")
    assert made.json()["title"] == "Zoé, trading"
    assert made.json()["hasPassword"] is False
    changed = sent(site, "PUT", "/accounts/zoe/roles", {"roles": ["auditor"]}).json()
    assert (changed["roles"], changed["scopes"]) == (["auditor"], ["events:read"])
    assert sent(site, "PUT", "/accounts/zoe/state", {"state": "disabled"}).json()["state"] == (
        "disabled"
    )
    assert site.get("/accounts/zoe").json()["state"] == "disabled"
    assert [act for who, act, about in trail(site) if who == "ada" and "zoe" in about] == [
        "account-made",
        "account-changed",
        "account-changed",
    ]


def test_a_password_that_was_set_opens_the_account_and_is_kept_nowhere(site: Site) -> None:
    sent(site, "POST", "/accounts", {"user": "zoe", "roles": ["trader"]})
    answer = sent(site, "PUT", "/accounts/zoe/password", {"password": PASSWORD})
    assert answer.json()["hasPassword"] is True
    assert PASSWORD not in answer.text
    with site.service.store.reading() as connection:
        kept = connection.execute(text("SELECT * FROM accounts")).all()
        noted = connection.execute(text("SELECT about FROM access_trail")).all()
    assert PASSWORD not in str(kept) + str(noted)
    assert ("ada", "password-changed", "zoe") in trail(site)
    short = sent(site, "PUT", "/accounts/zoe/password", {"password": "short"})
    assert (short.status_code, short.json()["code"]) == (400, "access-password-too-short")


def test_accounts_are_listed_in_pages(site: Site) -> None:
    for name in ("cy", "bo", "al"):
        sent(site, "POST", "/accounts", {"user": name, "roles": ["trader"]})
    assert [one["user"] for one in site.get("/accounts").json()] == ["ada", "al", "bo", "cy"]
    path, found = "/accounts?perPage=1", list[str]()
    while path:
        answer = site.get(path)
        found += [one["user"] for one in answer.json()]
        path = answer.headers.get("Link", "").partition("<")[2].partition(">")[0]
    assert found == ["ada", "al", "bo", "cy"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"user": "ada", "roles": ["trader"]}, 409, "access-account-exists"),
        ({"user": "bob", "roles": ["trader"]}, 409, "access-account-exists"),
        ({"user": "z e", "roles": ["trader"]}, 400, "access-name-malformed"),
        ({"user": "zoe", "roles": ["king"]}, 400, "access-role-unknown"),
        ({"user": "zoe", "roles": []}, 400, "web-body-field-wrong"),
        ({"user": "zoe"}, 400, "web-body-field-wrong"),
        ({"user": "zoe", "roles": "trader"}, 400, "web-body-field-wrong"),
        ({"user": "zoe", "roles": ["trader"], "title": "a\u0000"}, 400, "web-body-field-wrong"),
        ({"user": "zoe", "roles": ["trader"], "title": "a" * 1_025}, 400, "web-body-field-wrong"),
        ({"user": "zoe", "roles": ["trader"], "partner": "?"}, 400, "access-name-malformed"),
        ({"user": "zoe", "roles": ["trader"], "admin": True}, 400, "web-body-field-unknown"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    site: Site, body: Json, status: int, code: str
) -> None:
    before = trail(site)
    answer = sent(site, "POST", "/accounts", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert trail(site) == before


@pytest.mark.parametrize("body", [b"[]", b'"zoe"', b"null"])
def test_a_body_that_is_no_object_is_refused(site: Site, body: bytes) -> None:
    assert site.post("/accounts", body).json()["code"] == "web-body-not-object"


# ------------------------------------------------------------------ tokens


def test_a_token_is_shown_once_works_and_is_revoked(site: Site) -> None:
    body = {"days": 5, "scopes": ["events:read"], "note": "scale at gate 2"}
    made = sent(site, "POST", "/accounts/ada/tokens", body).json()
    site.tokens["scale"] = made["token"]
    assert site.get("/events", "scale").status_code == 200
    assert site.get("/accounts", "scale").status_code == 403
    (listed,) = [one for one in site.get("/tokens").json() if one["tokenID"] == made["tokenID"]]
    assert (listed["note"], listed["isValid"], listed["kind"]) == ("scale at gate 2", True, "api")
    secret = made["token"].rpartition("_")[2]
    assert secret not in site.get("/tokens").text + str(trail(site))
    assert site.delete(f"/tokens/{made['tokenID']}").status_code == 204
    assert site.get("/events", "scale").status_code == 401
    (listed,) = [one for one in site.get("/tokens").json() if one["tokenID"] == made["tokenID"]]
    assert listed["isValid"] is False
    assert [act for _, act, about in trail(site) if made["tokenID"] in about] == [
        "token-made",
        "token-revoked",
    ]


@pytest.mark.parametrize(
    ("user", "body", "status", "code"),
    [
        ("ada", {"days": 0}, 400, "access-token-lifetime-wrong"),
        ("ada", {"days": 367}, 400, "access-token-lifetime-wrong"),
        ("ada", {"days": True}, 400, "web-body-field-wrong"),
        ("ada", {"scopes": []}, 400, "web-body-field-wrong"),
        ("ada", {"scopes": ["everything"]}, 400, "access-scope-unknown"),
        ("ada", {"scopes": ["trades:write"]}, 400, "access-scope-not-of-roles"),
        ("nobody", {}, 404, "access-account-unknown"),
        ("bob", {}, 404, "access-account-unknown"),
    ],
)
def test_a_token_that_cannot_be_is_refused(
    site: Site, user: str, body: Json, status: int, code: str
) -> None:
    answer = sent(site, "POST", f"/accounts/{user}/tokens", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# ------------------------------------------------------------------ policies


def test_a_policy_is_made_said_in_both_languages_and_ended(site: Site, clock: SetClock) -> None:
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="smelter")
    site.post("/capture", document(event(1)))
    made = sent(site, "POST", "/policies", {**POLICY, "expires": "2030-01-01T00:00:00Z"})
    assert made.status_code == 201
    assert made.json()["says"].startswith("The people of smelter may see the events that are of")
    path = made.headers["Location"]
    assert len(events_of(site, "pat")) == 1
    french = site.get("/policies", Accept_Language="fr").json()[0]
    assert french["says"].startswith("Chez smelter, on voit les événements qui sont de l'étape")
    assert french["terms"] == {"steps": ["shipping"]}
    assert site.get(path).json() == made.json()
    over = site.delete(path).json()
    assert (over["isInForce"], "revokedAt" in over) == (False, True)
    assert events_of(site, "pat") == []
    assert site.get("/policies").json() == []
    assert [one["policyID"] for one in site.get("/policies?all=true").json()] == [
        made.json()["policyID"]
    ]
    assert [act for _, act, about in trail(site) if made.json()["policyID"] in about] == [
        "policy-made",
        "policy-revoked",
    ]


def events_of(site: Site, who: str) -> list[Json]:
    found = site.get("/events", who).json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reader": "smelter"}, 400, "access-policy-empty"),
        ({"reader": "smelter", "everything": True, "steps": ["a"]}, 400, "access-policy-empty"),
        ({"reader": "king:smelter", "everything": True}, 400, "access-reader-malformed"),
        ({"reader": "account:nobody", "everything": True}, 404, "access-account-unknown"),
        ({"reader": "account:bob", "everything": True}, 404, "access-account-unknown"),
        ({"reader": "smelter", "kinds": ["Party"]}, 400, "access-policy-kind-unknown"),
        ({**POLICY, "expires": "2020-01-01T00:00:00Z"}, 400, "access-policy-over"),
        ({**POLICY, "since": "2020-01-01T00:00:00"}, 400, "epcis-time-without-zone"),
        ({**POLICY, "everything": "yes"}, 400, "web-body-field-wrong"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(site: Site, body: Json, status: int, code: str) -> None:
    before = trail(site)
    answer = sent(site, "POST", "/policies", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert trail(site) == before


# ------------------------------------------------------------------ the trail


def test_the_trail_is_shown_in_pages_and_that_is_in_it_too(site: Site) -> None:
    site.post("/capture", document(event(1), event(2)))
    (seen,) = site.get("/events?perPage=1").json()["epcisBody"]["queryResults"]["resultsBody"][
        "eventList"
    ]
    whole = site.get("/trail?perPage=1000").json()
    assert [row["number"] for row in whole] == list(range(1, len(whole) + 1))
    assert trail(site)[-1] == ("ada", "read", "audit trail after 0")
    path, found = "/trail?perPage=2", list[Json]()
    while path and len(found) < len(whole):
        answer = site.get(path)
        found += answer.json()
        path = answer.headers["Link"].partition("<")[2].partition(">")[0]
    assert found[: len(whole)] == whole
    escaped = seen["eventID"].replace("?", "%3F").replace(";", "%3B")
    readers = site.get(f"/trail?event={escaped}").json()
    assert [(row["who"], row["act"]) for row in readers] == [("ada", "queried")]
    unknown = site.get("/trail?event=urn%3Auuid%3Anothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "event-unknown")


def test_the_trail_is_checked_and_a_changed_row_is_found(site: Site) -> None:
    site.get("/trail")
    head = verify_trail(site.service.store, site.house.tenant)
    found = site.get("/trail/verification").json()
    assert found == {
        "holds": True,
        "rows": head.number,
        "digest": head.digest.hex(),
        "comparedWithLedger": False,
    }

    def forge(connection: Any) -> None:
        connection.execute(text("DROP TRIGGER access_trail_no_update"))
        connection.execute(text("UPDATE access_trail SET who = 'eve' WHERE number = 2"))

    site.service.store.write(forge)
    found = site.get("/trail/verification", Accept_Language="fr").json()
    assert found["holds"] is False
    assert (found["problem"]["code"], found["problem"]["number"]) == ("access-trail-broken", "2")
    assert "ligne 2" in found["problem"]["detail"]


def test_the_trail_is_compared_with_the_ledger_of_the_folder(
    tmp_path: Path, sqlite_store: EventStore
) -> None:
    pit, store = MemberId("pit"), sqlite_store
    tenant = store.tenant(pit)
    access = Access(store, cost=CHEAP)
    with cheap_keystores(), founded(tmp_path / "home") as bench:
        house = House(store, access, tenant)
        service = Service(store, access, ledger_in=bench.session.workspace)
        own = Site(service, house, Client(build(service)))
        own.tokens["ada"] = house.token("ada", Role.COMPLIANCE)
        report = own.get("/trail/verification").json()
        assert (report["comparedWithLedger"], "anchored" in report) == (True, False)
        with bench.at("pit") as holding:
            anchored = anchor_trail(holding, store, tenant)
        assert own.get("/trail/verification").json()["anchored"] == anchored.head.number
        own.get("/trail")
        forge_anew(store)
        report = own.get("/trail/verification").json()
        assert report["problem"]["code"] == "access-trail-anchor-foreign"
        own.client.close()


def forge_anew(store: EventStore) -> None:
    """Write the whole trail anew, as somebody does who has the database, and forget the anchors."""

    def work(connection: Connection) -> None:
        for table in ("access_trail", "access_trail_anchors"):
            connection.execute(text(f"DROP TRIGGER {table}_no_delete"))
            connection.execute(text(f"DELETE FROM {table}"))

    store.write(work)
    record(store, store.tenant(MemberId("pit")), [Note(Who("eve"), Act.SIGNED_IN)])


# ------------------------------------------------------------------ who may, and of what


def concrete(site: Site, operation: Operation) -> tuple[str, Json | None]:
    """A path to something of ada's company, and a body that would do."""
    sent(site, "POST", "/accounts", {"user": "zoe", "roles": ["trader"]})
    token = sent(site, "POST", "/accounts/zoe/tokens", {}).json()["tokenID"]
    policy = sent(site, "POST", "/policies", POLICY).json()["policyID"]
    values = {"user": "zoe", "tokenID": token, "policyID": policy}
    bodies: dict[str, Json] = {
        "/accounts": {"user": "yan", "roles": ["trader"]},
        "/accounts/{user}/roles": {"roles": ["auditor"]},
        "/accounts/{user}/state": {"state": "disabled"},
        "/accounts/{user}/password": {"password": PASSWORD},
        "/accounts/{user}/tokens": {},
        "/policies": POLICY,
    }
    body = bodies.get(operation.path) if operation.takes else None
    return operation.path.format(**values), body


ROLES = {
    Scope.ACCOUNTS_WRITE: {Role.ADMINISTRATOR},
    Scope.POLICIES_WRITE: {Role.ADMINISTRATOR, Role.COMPLIANCE},
    Scope.TRAIL_READ: {Role.ADMINISTRATOR, Role.COMPLIANCE},
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_only_who_may_and_only_in_their_own_company(site: Site, operation: Operation) -> None:
    """Every address of administration: by each role, by a partner, by a stranger, by bob."""
    path, body = concrete(site, operation)
    before = [row for row in trail(site) if row[1] != "read"]
    assert operation.scope is not None
    for role in Role:
        name = f"only-{role.value}"
        site.tokens[name] = site.house.token(name, role)
        if role not in ROLES[operation.scope]:
            assert sent(site, operation.method, path, body, name).status_code == 403
    site.tokens["pat"] = site.house.token("pat", *Role, partner="smelter")
    assert sent(site, operation.method, path, body, "pat").status_code == 403
    assert sent(site, operation.method, path, body, "").status_code == 401
    own = {**body, "user": "yann"} if body is not None and "user" in body else body
    answer = sent(site, operation.method, path, own, "bob")
    if "{" in operation.path:
        assert answer.status_code == 404
    elif operation.method == "GET":
        assert "zoe" not in answer.text
        assert "smelter" not in answer.text
    after = [row for row in trail(site) if row[0] != "root" and row[1] != "read"]
    assert after == [row for row in before if row[0] != "root"]
    done = sent(site, operation.method, path, body, "only-administrator")
    assert done.status_code in {200, 201, 204}
