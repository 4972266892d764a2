"""Every address of a node, asked by another company: nothing of the first is told or changed."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import pytest
from sqlalchemy import Connection, insert, select
from tests.node.access.conftest import PASSWORD
from tests.node.events.conftest import START, clock, sqlite_store  # noqa: F401 - fixtures
from tests.node.events.documents import document, event
from tests.web.conftest import Site, settings, site  # noqa: F401 - fixtures

from lodeline.node.access.roles import Role
from lodeline.node.events.refusals import EventIdTaken
from lodeline.node.events.schema import DEAD_LETTERS, METADATA
from lodeline.node.events.states import EventState, Move, move_state, reason_of
from lodeline.node.events.store import Seq
from lodeline.web.app import OPERATIONS
from lodeline.web.operations import Operation

Json = dict[str, Any]
MARK = "of-ada"
"""Is in everything that ada's company has."""
SERIAL = "770077"
EPC = f"urn:epc:id:sgtin:4012345.011122.{SERIAL}"
READ_POINT = "urn:epc:id:sgln:4012345.77007.0"
ASKED = [
    operation
    for operation in OPERATIONS
    if isinstance(operation, Operation) and operation.method != "OPTIONS"
]


def made(site: Site, path: str, body: Json) -> Json:  # noqa: F811 - a parameter
    answer = site.post(path, json.dumps(body).encode())
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def of_ada(site: Site) -> dict[str, str]:  # noqa: F811 - a parameter
    """Fill ada's company with one of everything; return what stands in paths to it."""
    one = event(1, epcList=[EPC], readPoint={"id": READ_POINT}, bizLocation={"id": READ_POINT})
    other = event(2, epcList=[EPC], disposition="active")
    job = site.post("/capture", document(one, other))
    made(site, "/queries", {"name": f"shipped-{MARK}", "query": {}})
    hook = {"dest": f"https://hook-{MARK}.example/", "stream": True}
    path = f"/queries/shipped-{MARK}/subscriptions"
    subscription = made(site, path, hook)["subscriptionID"]
    made(site, "/accounts", {"user": f"amy-{MARK}", "roles": ["trader"], "title": f"T {MARK}"})
    token = made(site, f"/accounts/amy-{MARK}/tokens", {"note": f"scale {MARK}"})["tokenID"]
    policy = made(site, "/policies", {"reader": f"friend-{MARK}", "everything": True})["policyID"]
    page = site.get("/events?perPage=1").headers["Link"]
    store, tenant = site.service.store, site.house.tenant
    held = Move(EventState.HELD, START, reason_of(EventIdTaken(f"lot {MARK}", "b", "c")))

    def put(connection: Connection) -> None:
        move_state(connection, tenant, [Seq(1)], held)
        connection.execute(
            insert(DEAD_LETTERS).values(
                number=1,
                tenant=tenant.number,
                subscription_id=subscription,
                created_us=START,
                first_seq=1,
                last_seq=1,
                attempts=16,
                reason=json.dumps({"code": MARK, "en": MARK, "advice_en": MARK}),
                body="{}",
            )
        )

    store.write(put)
    return {
        "token": page.partition("nextPageToken=")[2].partition(">")[0],
        "captureID": job.json()["captureID"],
        "eventID": store.events_after(tenant, Seq(0), 1)[0].event_id,
        "eventType": "ObjectEvent",
        "epc": EPC,
        "bizStep": "shipping",
        "disposition": "in_transit",
        "bizLocation": READ_POINT,
        "readPoint": READ_POINT,
        "queryName": f"shipped-{MARK}",
        "subscriptionID": subscription,
        "number": "1",
        "user": f"amy-{MARK}",
        "tokenID": token,
        "policyID": policy,
        "kind": "mining",
        "lot": "0" * 64,
    }


BODIES: Mapping[tuple[str, str], Json] = {
    ("POST", "/accounts"): {"user": "yann", "roles": ["trader"]},
    ("PUT", "/accounts/{user}/roles"): {"roles": ["auditor"]},
    ("PUT", "/accounts/{user}/state"): {"state": "disabled"},
    ("PUT", "/accounts/{user}/password"): {"password": PASSWORD},
    ("POST", "/accounts/{user}/tokens"): {},
    ("POST", "/policies"): {"reader": "smelter", "everything": True},
    ("POST", "/queries"): {"name": "own", "query": {}},
    ("POST", "/queries/{queryName}/subscriptions"): {
        "dest": "https://bob.example/",
        "stream": True,
    },
    ("POST", "/events/{eventID}/settle"): {"way": "theirs"},
}


def body_of(operation: Operation) -> bytes | None:
    if not operation.takes:
        return None
    known = BODIES.get((operation.method, operation.path))
    if known is not None:
        return json.dumps(known).encode()
    if operation.path == "/events":
        return json.dumps(event(5)).encode()
    return document(event(5), event(6))


def rows_of(site: Site) -> dict[str, list[str]]:  # noqa: F811 - a parameter
    """Everything that is stored of ada's company."""
    found: dict[str, list[str]] = {}
    with site.service.store.reading() as connection:
        for table in METADATA.sorted_tables:
            if "tenant" in table.c:
                mine = select(table).where(table.c.tenant == site.house.tenant.number)
                found[table.name] = sorted(map(str, connection.execute(mine).all()))
    return found


def secrets_of(values: Mapping[str, str]) -> set[str]:
    """What would tell of ada's company, in any spelling."""
    told = {values[name] for name in ("captureID", "eventID", "subscriptionID", "tokenID")}
    return {*told, values["policyID"], MARK, SERIAL, "77007", EPC}


def test_one_of_everything_is_there(site: Site) -> None:  # noqa: F811 - the fixture
    """Else nothing could be told, and the tests below would say nothing."""
    values = of_ada(site)
    seen = 0
    for operation in ASKED:
        if operation.method == "GET" and "{" in operation.path:
            path = operation.path.format(**{name: quote(v, safe="") for name, v in values.items()})
            seen += site.get(path).status_code == 200
    assert seen > 20
    told = "".join(
        site.get(path).text
        for path in (
            f"/queries/shipped-{MARK}/subscriptions",
            "/events",
            "/states",
            "/queries",
            "/accounts",
            "/tokens",
            "/policies",
            "/trail",
        )
    )
    assert {mark for mark in secrets_of(values) if mark not in told} <= {
        values["captureID"],
        EPC,
    }
    filled = {name for name, rows in rows_of(site).items() if rows}
    assert filled >= {
        *("accounts", "access_tokens", "access_trail", "capture_jobs", "dead_letters", "events"),
        *("event_states", "event_terms", "named_queries", "policies", "state_moves"),
        "subscriptions",
    }


OF_PARTNERS = {"access_tokens", "access_trail", "subscriptions", "page_tokens"}
"""A partner's account is kept by ada's company: what it does is noted there."""
OWNED = {"token", "captureID", "eventID", "epc", "queryName", "user", "tokenID", "policyID"}
"""Names of things in paths that no other company has."""


@pytest.mark.parametrize("who", ["bob", "pat"])
def test_nothing_of_another_company_is_told_or_changed(site: Site, who: str) -> None:  # noqa: F811
    """Asked by bob, who may do everything in his own, and by pat, with whom nothing is shared."""
    values = of_ada(site)
    site.tokens["pat"] = site.house.token("pat", *Role, partner="smelter")
    assert site.get("/", who).status_code == 200  # notes that the token is used
    before, found = rows_of(site), dict[str, object]()
    for operation in sorted(ASKED, key=lambda one: one.path == "/session"):
        path = operation.path.format(**{name: quote(v, safe="") for name, v in values.items()})
        media = {} if not operation.takes else {"Content-Type": operation.takes[0]}
        answer = site.ask(operation.method, path, who, media, body_of(operation))
        told = answer.text + str(answer.headers)
        leaked = {m for m in secrets_of(values) if m in told and m not in unquote(path)}
        now = rows_of(site)
        changed = {name for name in now if now[name] != before[name]}
        before = now
        parts = {part[1:-1] for part in operation.path.split("/")}
        is_there = who == "bob" and parts & OWNED and answer.status_code not in {400, 404}
        if leaked or changed - (OF_PARTNERS if who == "pat" else set()) or is_there:
            found[f"{operation.method} {path}"] = (leaked, changed, answer.status_code)
        assert answer.status_code < 500
    assert found == {}
