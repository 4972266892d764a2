"""Named queries over websockets: told what is new, hidden what is not shared, closed in the end."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from tests.node.access.conftest import ADMIN, bearer
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event
from tests.web.conftest import Site
from tests.web.sockets import Closed, Denied, Sockets

from lodeline.exchange.epcis import read_json
from lodeline.node.access.callers import Caller
from lodeline.node.access.guessing import Source
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import revoke_token, shown_token
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.web import pushing
from lodeline.web.app import build

PATH = "/queries/shipped/events"


@pytest.fixture
def sockets(site: Site) -> Iterator[Sockets]:
    body = json.dumps({"name": "shipped", "query": {"EQ_bizStep": ["shipping"]}})
    assert site.post("/queries", body.encode()).status_code == 201
    sockets = Sockets(build(site.service))
    yield sockets
    sockets.close()


def ids(text: str) -> list[str]:
    found = json.loads(text)["epcisBody"]["queryResults"]
    assert found["queryName"] == "shipped"
    assert "subscriptionID" not in found
    return [each["epcList"][0].rpartition("/")[2] for each in found["resultsBody"]["eventList"]]


def test_a_stream_tells_what_is_captured_from_now_on(site: Site, sockets: Sockets) -> None:
    site.post("/capture", document(event(1)))
    with sockets.connected(f"{PATH}?stream=true", bearer(site.tokens["ada"])) as socket:
        site.post("/capture", document(event(2), event(3, bizStep="receiving"), event(4)))
        text = socket.text()
        assert ids(text) == ["2", "4"]
        assert len(read_json(text.encode()).events) == 2
        site.post("/capture", document(event(5)))
        assert ids(socket.text()) == ["5"]
    told = [
        row.seen
        for row in rows(site.service.store, site.house.tenant, TrailNumber(0), 100)
        if row.act == "delivered"
    ]
    assert told == ["2,4", "5"]


def test_what_was_recorded_since_a_moment_comes_first(site: Site, sockets: Sockets) -> None:
    site.post("/capture", document(event(1)))
    path = f"{PATH}?stream=true&initialRecordTime=2026-03-01T00:00:00Z"
    with sockets.connected(path, bearer(site.tokens["ada"])) as socket:
        assert ids(socket.text()) == ["1"]


def test_a_schedule_tells_at_its_moment_even_that_there_is_nothing(
    site: Site, sockets: Sockets, clock: SetClock
) -> None:
    path = f"{PATH}?minute=*&reportIfEmpty=true"
    with sockets.connected(path, bearer(site.tokens["ada"])) as socket:
        clock.pass_seconds(60)
        assert ids(socket.text()) == []
        site.post("/capture", document(event(1)))
        clock.pass_seconds(60)
        assert ids(socket.text()) == ["1"]


def test_a_partner_is_told_nothing_that_is_not_shared(site: Site, sockets: Sockets) -> None:
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="smelter")
    path = f"{PATH}?minute=*&reportIfEmpty=true"
    with sockets.connected(path, bearer(site.tokens["pat"])) as socket:
        site.post("/capture", document(event(1)))
        clock = site.service.store.clock
        assert isinstance(clock, SetClock)
        clock.pass_seconds(60)
        assert ids(socket.text()) == []


def test_a_revoked_token_ends_what_it_began(site: Site, sockets: Sockets) -> None:
    token = site.tokens["ada"]
    with sockets.connected(f"{PATH}?stream=true", bearer(token)) as socket:
        shown = shown_token(token)
        assert shown is not None
        revoke_token(site.service.store, site.house.tenant, shown.token, ADMIN)
        site.tokens["eve"] = site.house.token("eve", Role.REFINER)
        site.post("/capture", document(event(1)), who="eve")
        with pytest.raises(Closed) as ended:
            socket.text()
    assert ended.value.code == 1008


def test_a_deleted_query_disconnects(site: Site, sockets: Sockets) -> None:
    with sockets.connected(f"{PATH}?stream=true", bearer(site.tokens["ada"])) as socket:
        assert site.delete("/queries/shipped").status_code == 204
        with pytest.raises(Closed) as ended:
            socket.text()
    assert ended.value.code == 1001


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        (f"{PATH}?stream=true", "", 401, "credentials-missing"),
        ("/queries/none/events?stream=true", "ada", 404, None),
        (f"{PATH}?stream=true", "bob", 404, None),
        (PATH, "ada", 400, "subscription-trigger-wrong"),
        (f"{PATH}?stream=true&hour=1", "ada", 400, "subscription-trigger-wrong"),
        (f"{PATH}?stream=yes", "ada", 400, "query-parameter-not-flag"),
        (f"{PATH}?stream=true&stream=true", "ada", 400, "query-parameter-twice"),
        (f"{PATH}?stream=true&perPage=5", "ada", 400, "query-parameter-unknown"),
        (f"{PATH}?hour=25", "ada", 400, "schedule-field-wrong"),
        (f"{PATH}?month=2&dayOfMonth=30", "ada", 400, "schedule-never"),
    ],
)
def test_a_handshake_that_cannot_be_is_answered_with_a_problem(
    site: Site, sockets: Sockets, path: str, who: str, status: int, code: str | None
) -> None:
    headers = bearer(site.tokens[who]) if who else {}
    with (
        pytest.raises(Denied) as refused,
        sockets.connected(path, headers),
    ):
        pass
    assert refused.value.status == status
    problem = json.loads(refused.value.body)
    assert problem["status"] == status
    assert code is None or problem["code"].endswith(code)


def test_the_same_address_without_an_upgrade_is_still_a_query(site: Site, sockets: Sockets) -> None:
    site.post("/capture", document(event(1)))
    answer = site.get(PATH)
    assert answer.status_code == 200
    assert ids(answer.text) == ["1"]


def test_one_account_leaves_places_to_others_and_gives_its_own_back(
    site: Site, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "MAX_OF_CALLER", 1)
    site.tokens["eve"] = site.house.token("eve", Role.REFINER)
    path = f"{PATH}?stream=true"
    with sockets.connected(path, bearer(site.tokens["ada"])):
        with pytest.raises(Denied) as refused, sockets.connected(path, bearer(site.tokens["ada"])):
            pass
        assert json.loads(refused.value.body)["most"] == "1"
        with sockets.connected(path, bearer(site.tokens["eve"])):
            pass
    with sockets.connected(path, bearer(site.tokens["ada"])):
        pass


def test_those_who_come_together_are_all_counted(
    site: Site, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is still being looked at takes a place already."""
    monkeypatch.setattr(pushing, "MAX_SOCKETS", 2)
    begun, meet = Semaphore(0), Event()
    authenticate = site.service.access.authenticate

    def slow(headers: Mapping[str, str], source: Source) -> Caller:
        begun.release()
        assert meet.wait(20)
        return authenticate(headers, source)

    def opened(_: int) -> bool:
        try:
            with sockets.connected(f"{PATH}?stream=true", bearer(site.tokens["ada"])):
                assert meet.wait(20)
                return True
        except Denied:
            return False

    monkeypatch.setattr(site.service.access, "authenticate", slow)
    with ThreadPoolExecutor(3) as pool:
        first = [pool.submit(opened, number) for number in range(2)]
        assert begun.acquire(timeout=20)
        assert begun.acquire(timeout=20)
        assert not pool.submit(opened, 2).result(20)
        meet.set()
        assert [one.result(20) for one in first] == [True, True]
