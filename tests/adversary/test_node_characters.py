"""A hostile client: NUL, halves of characters and what is no text, wherever a text may stand.

On PostgreSQL, which holds none of them, and on SQLite, which holds some: each is a named refusal or
an answer, never a fault of the node.
"""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import literal, select
from tests.node.events.conftest import (  # noqa: F401 - fixtures
    SetClock,
    clock,
    database,
    postgres,
    store,
)
from tests.node.events.documents import document, event
from tests.web.conftest import Site, site_of

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.jobs import CaptureId, job
from lodeline.node.events.refusals import CaptureJobUnknown, EventUnknown, ValueUnstorable
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import EventStore
from lodeline.web.app import OPERATIONS
from lodeline.web.operations import Operation, Place
from lodeline.web.settings import WebSettings

VALUES = ("%00", "urn%3Aa%00b", "%ED%A0%80", "%FF", "%EF%BF%BE")
"""NUL, alone and within; half a surrogate pair; no UTF-8; what is no character of XML."""
HALVES = ("\0", "\ud800", "\udc00")
URN = "urn:epc:id:sgln:4012345.00001.0"
FULL = json.loads(
    document(
        event(
            77,
            **{
                "@context": [{"ex": "https://ex.example/"}],
                "eventID": "urn:x:77",
                "ex:note": "text",
                "action": "ADD",
                "ilmd": {"ex:a": "b"},
                "certificationInfo": "urn:x:c",
                "bizLocation": {"id": URN},
                "bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:1"}],
                "sourceList": [{"type": "owning_party", "source": "urn:x:party"}],
                "persistentDisposition": {"set": ["in_transit"]},
                "errorDeclaration": {
                    "declarationTime": "2026-03-01T08:00:00Z",
                    "reason": "did_not_occur",
                    "correctiveEventIDs": ["urn:x:78"],
                },
                "sensorElementList": [
                    {
                        "sensorMetadata": {"deviceID": "urn:x:d"},
                        "sensorReport": [
                            {"type": "Temperature", "value": 1, "uom": "CEL", "stringValue": "s"}
                        ],
                    }
                ],
            },
        ),
        header={
            "epcisMasterData": {
                "vocabularyList": [
                    {
                        "type": "urn:epcglobal:epcis:vtype:BusinessLocation",
                        "vocabularyElementList": [
                            {"id": URN, "attributes": [{"id": "urn:x:a", "attribute": "v"}]}
                        ],
                    }
                ]
            }
        },
    )
)
QUERY = {
    "name": "z",
    "query": {
        "@context": [{"ex": "https://ex.example/"}],
        "EQ_bizStep": ["shipping"],
        "EQ_eventID": ["urn:x:77"],
        "EQ_ex:foo": ["bar"],
        "MATCH_epc": ["urn:x"],
        "orderBy": "ex:foo",
    },
}
HOOK = {
    "dest": "https://hook.example/",
    "signatureToken": "a secret of twenty".replace(" ", "-"),
    "initialRecordTime": "2026-03-01T08:00:00Z",
    "schedule": {"minute": "*"},
}


@pytest.fixture
def site(store: EventStore) -> Iterator[Site]:  # noqa: F811 - the fixture
    site = site_of(store, WebSettings(company_prefixes=("4012345",)))
    assert site.post("/queries", b'{"name":"a","query":{}}').status_code == 201
    yield site
    site.client.close()


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Where texts stand in a value: each path, and whether its last name is the text."""
    if isinstance(value, str):
        yield path, False
    for name, member in value.items() if isinstance(value, dict) else ():
        yield (*path, name), True
        yield from texts(member, (*path, name))
    for at, member in enumerate(value if isinstance(value, list) else ()):
        yield from texts(member, (*path, at))


def with_character(value: Any, path: tuple[Any, ...], character: str, *, is_name: bool) -> bytes:
    changed = copy.deepcopy(value)
    around = changed
    for step in path[:-1]:
        around = around[step]
    if is_name:
        around[path[-1] + character] = around.pop(path[-1])
    else:
        around[path[-1]] += character
    return json.dumps(changed).encode()


def addresses() -> Iterator[tuple[str, str]]:
    """Every operation, with one part of its path, or one parameter, that is no text."""
    for operation in OPERATIONS:
        if operation.method == "OPTIONS":
            continue
        names = re.findall(r"\{[^}]*\}", operation.path)
        for value in VALUES:
            for wrong in names:
                path = operation.path.replace(wrong, value)
                yield operation.method, re.sub(r"\{[^}]*\}", "a", path)
            whole = re.sub(r"\{[^}]*\}", "a", operation.path)
            for name in (each.name for each in operation.parameters if each.place is Place.QUERY):
                yield operation.method, f"{whole}?{name}={value}"
                yield operation.method, f"{whole}?{name}{value}=a"


def test_no_address_breaks_the_node(site: Site) -> None:
    tried = set(addresses())
    assert len(tried) > 500
    for method, path in sorted(tried):
        answer = site.ask(method, path, "ada", {"Content-Type": "application/json"}, b"{}")
        assert answer.status_code < 500, (method, path, answer.text)
        if "%00" in path:
            assert answer.json()["code"] == "web-nul-in-address", (method, path)


@pytest.mark.parametrize("behaviour", ["rollback", "proceed"])
def test_no_text_of_a_document_breaks_the_node(site: Site, behaviour: str) -> None:
    taken = site.post("/capture", json.dumps(FULL).encode())
    assert taken.json()["captured"] == 1, taken.text
    places = list(texts(FULL))
    assert len(places) > 60
    for path, is_name in places:
        for character in HALVES:
            body = with_character(FULL, path, character, is_name=is_name)
            answer = site.post("/capture", body, GS1_Capture_Error_Behaviour=behaviour)
            assert answer.status_code < 500, (path, character, answer.text)
    one = FULL["epcisBody"]["eventList"][0]
    for path, is_name in texts(one):
        answer = site.post("/events", with_character(one, path, "\0", is_name=is_name))
        assert answer.status_code < 500, (path, answer.text)
    assert site.get("/events?perPage=1000").status_code == 200


def test_no_text_of_a_query_or_subscription_breaks_the_node(site: Site) -> None:
    for value, where in ((QUERY, "/queries"), (HOOK, "/queries/a/subscriptions")):
        for path, is_name in texts(value):
            for character in HALVES:
                body = with_character(value, path, character, is_name=is_name)
                answer = site.post(where, body)
                assert answer.status_code < 500, (path, character, answer.text)
                if answer.status_code == 201 and where == "/queries":
                    named = f"/queries/{answer.json()['name']}"
                    assert site.get(f"{named}/events").status_code < 500, (path, character)
                    assert site.delete(named).status_code == 204


def test_every_operation_that_takes_a_body_refuses_what_is_no_json(site: Site) -> None:
    taking = [each for each in OPERATIONS if isinstance(each, Operation) and each.takes]
    assert len(taking) >= 4
    for operation in taking:
        path = re.sub(r"\{[^}]*\}", "a", operation.path)
        for body in (b"", b"\0", b'"\\u0000"', b"\xff\xfe", b"[" * 100_000, b'{"a":1,"a":2}'):
            answer = site.ask(
                operation.method, path, "ada", {"Content-Type": operation.takes[0]}, body
            )
            assert 400 <= answer.status_code < 500, (operation.method, path, body[:9], answer.text)


def test_what_no_database_holds_is_named_below_the_service_too(site: Site) -> None:
    kept, tenant = site.service.store, site.house.tenant
    is_postgres = kept.engine.dialect.name == "postgresql"
    with pytest.raises(ValueUnstorable if is_postgres else CaptureJobUnknown):
        job(kept, tenant, CaptureId("a\0"))
    with pytest.raises(ValueUnstorable if is_postgres else EventUnknown):
        kept.event(tenant, EventId("a\0"))
    for value in ("\ud800", 2**70):
        with pytest.raises(ValueUnstorable), kept.reading() as connection:
            connection.execute(select(EVENTS.c.seq).where(literal(value) == EVENTS.c.seq))
