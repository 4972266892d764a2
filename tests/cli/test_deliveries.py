"""`lodeline subscription` and `dead-letter` on a store with reports that nobody took."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.cli.sessions import Ran, lodeline
from tests.node.events.conftest import START
from tests.node.events.documents import document, event

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.access.callers import UserName
from lodeline.node.events.capture import capture
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.dead_letters import dead_letters
from lodeline.node.events.destinations import DestinationRules
from lodeline.node.events.jobs import Who
from lodeline.node.events.named import create_query, query_name
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.reading import Offered
from lodeline.node.events.schema import DEAD_LETTERS, SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Tenant, TenantName
from lodeline.node.events.subscriptions import Subscription, parse_controls, subscribe

HOME = Path("home")
REASON = {
    "code": "webhook-refused",
    "en": "the destination answered 500",
    "fr": "la destination a répondu 500",
    "advice_en": "",
    "advice_fr": "",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventStore]:
    for name in ("LODELINE_HOME", "LODELINE_LANG", "LODELINE_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    HOME.mkdir()
    opened = EventStore(open_engine(sqlite_url(HOME / "events.db")))
    yield opened
    opened.close()


def subscribed(store: EventStore, tenant: Tenant) -> Subscription:
    """A subscription of ana's that was told of three events and could not hand two reports over."""
    name = query_name("shipped")
    create_query(store, tenant, name, parse_query({}, {}), Who("ana"))
    rules = DestinationRules()
    wanted: JsonObject = {"dest": "https://client.example.com/hook", "stream": True}
    controls = parse_controls(wanted, rules)
    made = subscribe(store, tenant, name, controls, Who(UserName("ana")))
    events = document(*(event(serial) for serial in range(3)))
    capture(store, tenant, Offered(events), who=Who("ana"))

    def put(connection: Any) -> None:
        for number in (1, 2):
            connection.execute(
                insert(DEAD_LETTERS).values(
                    number=number,
                    tenant=tenant.number,
                    subscription_id=made.subscription_id,
                    created_us=START,
                    first_seq=number,
                    last_seq=number,
                    attempts=16,
                    reason=json.dumps(REASON),
                    body="{}",
                )
            )
        connection.execute(SUBSCRIPTIONS.update().values(cursor_seq=3))

    store.write(put)
    return made


def ran(*words: str, yes: bool = True) -> Ran:
    return lodeline("--home", str(HOME), "--as", "miner", *words, yes=yes)


def data(*words: str) -> Any:
    done = ran("--json", *words)
    assert done.code == 0, done.out
    return json.loads(done.out)


def test_subscriptions_are_listed_without_their_secrets(store: EventStore) -> None:
    made = subscribed(store, store.tenant(TenantName("miner")))
    (listed,) = data("subscription", "list")
    assert listed["subscription"] == made.subscription_id
    assert (listed["query"], listed["user"], listed["state"]) == ("shipped", "ana", "active")
    assert "https://client.example.com/hook" in ran("subscription", "list").out


def test_a_report_that_was_not_taken_is_sent_again(store: EventStore) -> None:
    tenant = store.tenant(TenantName("miner"))
    made = subscribed(store, tenant)
    listed = data("dead-letter", "list")
    assert [one["number"] for one in listed] == [1, 2]
    assert listed[0]["reason"] == {"code": REASON["code"], "message": REASON["en"]}
    assert len(data("dead-letter", "list", "--count", "1")) == 1
    assert str(REASON["fr"]) in ran("--lang", "fr", "dead-letter", "list").out
    assert data("dead-letter", "resend", "2")["number"] == 2
    assert [one["number"] for one in data("dead-letter", "list")] == [1]
    with store.reading() as connection:
        assert connection.execute(select(SUBSCRIPTIONS.c.cursor_seq)).scalar() == 1
    assert len(dead_letters(store, tenant, made.subscription_id, limit=9)) == 1


def test_a_report_is_forgotten_once_that_is_confirmed(store: EventStore) -> None:
    subscribed(store, store.tenant(TenantName("miner")))
    assert ran("dead-letter", "drop", "1", yes=False).code != 0
    assert len(data("dead-letter", "list")) == 2
    assert ran("dead-letter", "drop", "1").code == 0
    assert [one["number"] for one in data("dead-letter", "list")] == [2]


@pytest.mark.parametrize("verb", ["resend", "drop"])
def test_a_report_of_another_member_is_not_there(store: EventStore, verb: str) -> None:
    subscribed(store, store.tenant(TenantName("refiner")))
    done = ran("--json", "dead-letter", verb, "1")
    assert done.code == 2
    assert json.loads(done.out)["type"].endswith(":dead-letter-unknown")
    assert data("subscription", "list") == []
