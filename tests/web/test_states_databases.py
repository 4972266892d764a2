"""States and administration over HTTP, the same on SQLite and PostgreSQL."""

import json
from collections.abc import Iterator

import pytest
from tests.node.access.conftest import bearer
from tests.node.events.conftest import (  # noqa: F401 - fixtures
    SetClock,
    clock,
    database,
    postgres,
    store,
)
from tests.node.events.documents import document, event
from tests.web.conftest import Site, site_of
from tests.web.sockets import Sockets
from tests.web.streams import streamed
from tests.web.test_states import STREAM, move, states

from lodeline.node.events.database import DatabaseUrl, open_engine
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import EventStore, Seq
from lodeline.web.app import build
from lodeline.web.settings import WebSettings


@pytest.fixture
def served(store: EventStore) -> Iterator[Site]:  # noqa: F811 - the fixture
    site = site_of(store, WebSettings())
    yield site
    site.client.close()


def test_pages_of_states(served: Site, clock: SetClock) -> None:  # noqa: F811 - the fixture
    served.post("/capture", document(*(event(serial) for serial in range(5))))
    clock.pass_seconds(1)
    move(served, EventState.HELD, 2, 4, why=True)
    path, found = "/states?perPage=2", list[str]()
    while path:
        answer = served.get(path)
        assert answer.status_code == 200, answer.text
        found += [each["state"] for each in answer.json()]
        path = answer.headers.get("Link", "").partition("<")[2].partition(">")[0]
    assert found == ["held", "held", "received", "received", "received"]
    assert served.get("/states/counts").json()["held"] == 2


def test_a_stream_tells_what_another_connection_to_the_database_did(
    served: Site,
    database: DatabaseUrl,  # noqa: F811 - the fixture
) -> None:
    app = build(served.service)
    sockets = Sockets(app)
    other = EventStore(open_engine(database))
    headers = {"Accept": STREAM, **bearer(served.tokens["ada"])}
    with streamed(sockets, app, "/states", headers) as stream:
        stream.skip_ids()
        served.post("/capture", document(event(1), event(2)))
        held = Move(EventState.HELD, other.clock.now())
        other.write(lambda c: move_state(c, served.house.tenant, [Seq(2)], held))
        assert states(stream, 3) == ["received", "received", "held"]
    other.close()
    sockets.close()


def test_accounts_policies_and_the_trail(served: Site) -> None:
    made = served.post("/accounts", json.dumps({"user": "zoe", "roles": ["trader"]}).encode())
    assert made.status_code == 201
    token = served.post("/accounts/zoe/tokens", b"{}").json()["token"]
    served.tokens["zoe"] = token
    policy = json.dumps({"reader": "account:zoe", "steps": ["shipping"]}).encode()
    where = served.post("/policies", policy).headers["Location"]
    assert served.get("/events", "zoe").status_code == 200
    assert served.delete(where).json()["isInForce"] is False
    numbers = [row["number"] for row in served.get("/trail?perPage=1000").json()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert served.get("/trail/verification").json()["holds"] is True
