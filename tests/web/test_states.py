"""States over HTTP: listed, counted, and each move told once to who may know it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message
from tests.node.access.conftest import ADMIN, bearer
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event
from tests.web.conftest import Client, Site
from tests.web.sockets import Closed, Denied, Sockets
from tests.web.streams import Stream, streamed

from lodeline.node.access.authenticating import LOCAL
from lodeline.node.access.policies import Terms, read_reader, revoke_policy, share
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import revoke_token, shown_token
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.node.events.moves import MovePlace
from lodeline.node.events.refusals import EventIdTaken
from lodeline.node.events.states import (
    EventState,
    Move,
    WantedStates,
    move_state,
    reason_of,
)
from lodeline.node.events.store import EventStore, Seq
from lodeline.web import following, streams
from lodeline.web.app import build
from lodeline.web.following import EventStream, Follower

Json = dict[str, Any]
STREAM = "text/event-stream"
REASON = reason_of(EventIdTaken("secret-lot", "b", "c"))


def move(site: Site, state: EventState, *seqs: int, why: bool = False) -> None:
    store = site.service.store
    going = Move(state, store.clock.now(), REASON if why else None, "entry-7" if why else None)
    store.write(lambda c: move_state(c, site.house.tenant, [Seq(seq) for seq in seqs], going))


def follow(
    site: Site, sockets: "Live", path: str = "/states", who: str = "ada", **more: str
) -> Any:
    headers = {"Accept": STREAM, **bearer(site.tokens[who])}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return streamed(sockets.sockets, sockets.app, path, headers)


class Live:
    """The application in a thread of its own."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.sockets = Sockets(app)


@pytest.fixture
def live(site: Site) -> Iterator[Live]:
    live = Live(build(site.service))
    yield live
    live.sockets.close()


def states(stream: Stream, count: int) -> list[str]:
    """The states of the next messages, with the serial number of each event's thing."""
    found = []
    for _ in range(count):
        kind, told = stream.message()
        assert kind == "state"
        found.append(str(told["state"]))
    return found


def partner(site: Site) -> str:
    """A partner's trader, to whom the second product is shown."""
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="smelter")
    terms = Terms(lots=("urn:epc:id:sgtin:4012345.011122.2",))
    made = share(site.service.store, site.house.tenant, read_reader("smelter"), terms, by=ADMIN)
    return made.policy


# ------------------------------------------------------------------ lists


def test_states_are_listed_with_reasons_in_the_language_of_whoever_asks(
    site: Site, clock: SetClock
) -> None:
    site.post("/capture", document(event(1), event(2)))
    clock.pass_seconds(5)
    move(site, EventState.HELD, 2, why=True)
    held, received = site.get("/states").json()
    assert (held["state"], received["state"]) == ("held", "received")
    assert held["updatedAt"] == "2026-03-01T08:00:05.000000Z"
    assert held["entry"] == "entry-7"
    assert held["reason"] == {
        "code": "event-id-taken",
        "detail": REASON.en,
        "advice": REASON.advice_en,
    }
    assert "reason" not in received
    assert "entry" not in received
    (french,) = site.get("/states?state=held", Accept_Language="fr").json()
    assert french["reason"]["detail"] == REASON.fr
    assert (
        french["eventID"]
        == site.get("/events").json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"][1][
            "eventID"
        ]
    )


def test_states_are_turned_over_page_by_page_in_either_direction(
    site: Site, clock: SetClock
) -> None:
    site.post("/capture", document(*(event(serial) for serial in range(7))))
    clock.pass_seconds(1)
    move(site, EventState.HELD, 3, 4)
    move(site, EventState.KEPT, 6)
    for direction in ("", "&orderDirection=ASC", "&state=held|received&orderDirection=DESC"):
        whole = site.get(f"/states?perPage=100{direction}").json()
        path, found = f"/states?perPage=2{direction}", list[Json]()
        while path:
            answer = site.get(path)
            found += answer.json()
            link = answer.headers.get("Link", "")
            path = link.partition("<")[2].partition(">")[0]
        assert found == whole
        assert len(whole) == (6 if "state=" in direction else 7)
    later = site.get("/states?since=2026-03-01T08:00:01Z").json()
    assert [each["state"] for each in later] == ["kept", "held", "held"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=lost", "query-parameter-not-word"),
        ("state=", "query-parameter-empty"),
        ("since=yesterday", "query-parameter-not-time"),
        ("orderDirection=up", "query-parameter-not-word"),
        ("perPage=0", "query-parameter-count-wrong"),
        ("EQ_bizStep=shipping", "query-parameter-unknown"),
        ("state=held&state=kept", "query-parameter-twice"),
        ("nextPageToken=abc", "query-page-token-wrong"),
    ],
)
def test_what_no_list_can_be_asked_is_refused(site: Site, query: str, code: str) -> None:
    answer = site.get(f"/states?{query}")
    assert (answer.json()["code"], answer.status_code // 100) == (code, 4)


def test_the_token_of_another_list_is_refused(site: Site) -> None:
    site.post("/capture", document(event(1), event(2), event(3)))
    link = site.get("/states?perPage=1").headers["Link"]
    token = link.partition("nextPageToken=")[2].partition(">")[0]
    other = site.get(f"/states?perPage=1&state=received&nextPageToken={token}")
    assert other.json()["code"] == "query-page-token-of-other"
    assert site.get(f"/states?perPage=1&nextPageToken={token}", "bob").status_code == 400
    events = site.get("/events?perPage=1").headers["Link"]
    token = events.partition("nextPageToken=")[2].partition(">")[0]
    assert site.get(f"/states?nextPageToken={token}").json()["code"] == "query-page-token-wrong"


def test_events_are_counted_by_state(site: Site) -> None:
    site.post("/capture", document(event(1), event(2), event(3)))
    move(site, EventState.HELD, 2)
    counts = site.get("/states/counts").json()
    assert (counts["received"], counts["held"], counts["refused"]) == (2, 1, 0)
    assert sum(site.get("/states/counts", "bob").json().values()) == 0


def test_a_company_s_states_are_not_another_s(site: Site) -> None:
    site.post("/capture", document(event(1)))
    assert site.get("/states", "bob").json() == []
    assert len(site.get("/states").json()) == 1


def test_what_was_told_of_states_is_in_the_trail(site: Site) -> None:
    site.post("/capture", document(event(1), event(2)))
    site.get("/states?state=received")
    noted = rows(site.service.store, site.house.tenant, TrailNumber(0), 100)[-1]
    assert (noted.who, noted.act, noted.seen) == ("ada", "queried", "1-2")
    assert noted.about == "states state=received"


def test_a_partner_lists_states_of_what_is_shared_and_no_reasons(site: Site) -> None:
    policy = partner(site)
    site.post("/capture", document(event(1), event(2), event(3)))
    move(site, EventState.HELD, 1, 2, why=True)
    answer = site.get("/states", "pat")
    (told,) = answer.json()
    assert sorted(told) == ["eventID", "state", "updatedAt"]
    assert told["state"] == "held"
    assert "Link" not in answer.headers
    assert "secret-lot" not in answer.text
    assert site.get("/states?state=received", "pat").json() == []
    assert site.get("/states/counts", "pat").status_code == 403
    revoke_policy(site.service.store, site.house.tenant, policy, ADMIN)  # type: ignore[arg-type] # its id
    assert site.get("/states", "pat").json() == []


# ------------------------------------------------------------------ server-sent events


def test_a_stream_tells_each_move_from_now_on(site: Site, live: Live) -> None:
    site.post("/capture", document(event(1)))
    with follow(site, live, Accept_Language="fr") as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, f"{STREAM}; charset=utf-8")
        assert stream.headers["cache-control"] == "no-store"
        stream.skip_ids()
        site.post("/capture", document(event(2), event(3)))
        move(site, EventState.MAPPED, 2)
        move(site, EventState.HELD, 2, why=True)
        assert states(stream, 3) == ["received", "received", "mapped"]
        _, told = stream.message()
        assert told["state"] == "held"
        assert told["reason"]["detail"] == REASON.fr
    delivered = [
        row.seen
        for row in rows(site.service.store, site.house.tenant, TrailNumber(0), 100)
        if row.act == "delivered"
    ]
    assert ",".join(delivered).replace("-3", "").count("2") >= 1


def test_a_stream_goes_on_behind_the_last_message(site: Site, live: Live) -> None:
    with follow(site, live) as stream:
        stream.skip_ids()
        site.post("/capture", document(event(1), event(2), event(3)))
        assert states(stream, 2) == ["received"] * 2
        last = stream.last
    move(site, EventState.HELD, 1)  # while nobody listens
    with follow(site, live, Last_Event_ID=last) as stream:
        stream.skip_ids()
        assert states(stream, 2) == ["received", "held"]


def test_a_stream_may_begin_at_a_moment_and_be_of_some_states(
    site: Site, live: Live, clock: SetClock
) -> None:
    site.post("/capture", document(event(1), event(2)))
    clock.pass_seconds(3)
    move(site, EventState.HELD, 1)
    move(site, EventState.KEPT, 1, 2)
    path = "/states?state=held|kept&since=2026-03-01T08:00:00Z"
    with follow(site, live, path) as stream:
        stream.skip_ids()
        assert states(stream, 3) == ["held", "kept", "kept"]


def test_another_process_s_moves_are_told_too(
    site: Site, live: Live, sqlite_store: EventStore
) -> None:
    other = EventStore(sqlite_store.engine, sqlite_store.clock)
    with follow(site, live) as stream:
        stream.skip_ids()
        site.post("/capture", document(event(1)))
        held = Move(EventState.HELD, other.clock.now())
        other.write(lambda c: move_state(c, site.house.tenant, [Seq(1)], held))
        assert states(stream, 2) == ["received", "held"]


def test_a_partner_follows_what_is_shared_and_learns_nothing_else(site: Site, live: Live) -> None:
    partner(site)
    with follow(site, live, who="pat") as stream:
        stream.skip_ids()
        site.post("/capture", document(event(1), event(2), event(3)))
        move(site, EventState.HELD, 1, 2, 3, why=True)
        told = [stream.message()[1] for _ in range(2)]
        assert [each["state"] for each in told] == ["received", "held"]
        assert all(sorted(each) == ["eventID", "state", "updatedAt"] for each in told)
        assert len({each["eventID"] for each in told}) == 1
        last = stream.last
    with follow(site, live, Last_Event_ID=last) as stolen:
        assert stolen.status == 400
        assert stolen.whole()["code"] == "event-move-place-wrong"


def test_a_stream_ends_with_the_right_to_it(site: Site, live: Live) -> None:
    shown = shown_token(site.tokens["ada"])
    assert shown is not None
    with follow(site, live) as stream:
        stream.skip_ids()
        revoke_token(site.service.store, site.house.tenant, shown.token, ADMIN)
        other = site.house.token("amy", Role.REFINER)
        site.tokens["ada"] = other
        site.post("/capture", document(event(1)))
        kind, told = stream.message()
        assert (kind, told["status"]) == ("end", 401)
        assert stream.ends()


def test_streams_end_with_the_service(site: Site, live: Live) -> None:
    with follow(site, live) as stream:
        stream.skip_ids()
        site.service.streams.end()
        assert stream.ends()


def test_nobody_has_more_streams_than_their_share(
    site: Site, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_OF_CALLER", 1)
    site.tokens["eve"] = site.house.token("eve", Role.REFINER)
    with follow(site, live):
        with follow(site, live) as second:
            assert (second.status, second.headers["retry-after"]) == (429, "10")
            assert second.whole()["code"] == "web-streams-too-many"
        with follow(site, live, who="eve") as other:
            assert other.status == 200
    with follow(site, live) as again:
        assert again.status == 200


def test_who_may_not_read_events_follows_nothing(site: Site, live: Live) -> None:
    site.tokens["root"] = site.house.token("root", Role.ADMINISTRATOR)
    with follow(site, live, who="root") as stream:
        assert stream.status == 403
    assert site.get("/states", "root").status_code == 403
    assert site.get("/states", "").status_code == 401


def test_head_tells_that_there_is_a_stream_and_no_more(site: Site, live: Live) -> None:
    headers = {"Accept": STREAM, **bearer(site.tokens["ada"])}
    with streamed(live.sockets, live.app, "/states", headers, "HEAD") as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, f"{STREAM}; charset=utf-8")
        assert stream.ends()


def test_a_silent_stream_gives_signs_of_life(
    site: Site, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_ALIVE_SECONDS", 0.0)
    with follow(site, live) as stream:
        seen = set()
        for _ in range(3):
            stream.skip_ids()
            seen.add(stream.last)
        assert len(seen) == 3  # sealed anew each time: nothing to compare


def test_who_does_not_read_is_left_and_not_counted_any_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SLOW_SECONDS", 0.01)
    caller = site.service.access.authenticate(bearer(site.tokens["ada"]))
    stream = EventStream(
        site.service, Follower(caller, {}, LOCAL, WantedStates(), "en", MovePlace(1))
    )

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Future()

    scope = {"type": "http", "method": "GET"}
    asyncio.run(asyncio.wait_for(stream(scope, receive, send), 20))
    assert site.service.streams._open.total() == 0


# ------------------------------------------------------------------ websockets


def test_a_websocket_tells_the_same_and_goes_on_where_it_was(site: Site, live: Live) -> None:
    headers = bearer(site.tokens["ada"])
    with live.sockets.connected("/states?state=received|held", headers) as socket:
        site.post("/capture", document(event(1)))
        move(site, EventState.MAPPED, 1)
        first = json.loads(socket.text())
        assert first["state"] == "received"
        move(site, EventState.HELD, 1, why=True)
        held = json.loads(socket.text())
        assert (held["state"], held["reason"]["code"]) == ("held", "event-id-taken")
    with live.sockets.connected(f"/states?lastEventID={first['id']}", headers) as socket:
        again = [json.loads(socket.text())["state"] for _ in range(2)]
        assert again == ["mapped", "held"]


@pytest.mark.parametrize(
    ("query", "who", "status"),
    [
        ("lastEventID=abc", "ada", 400),
        ("state=lost", "ada", 400),
        ("perPage=2", "ada", 400),
        ("", "root", 403),
        ("", "", 401),
    ],
)
def test_a_websocket_is_denied_with_a_reason(
    site: Site, live: Live, query: str, who: str, status: int
) -> None:
    site.tokens["root"] = site.house.token("root", Role.ADMINISTRATOR)
    headers = bearer(site.tokens[who]) if who else {}
    with (
        pytest.raises(Denied) as denied,
        live.sockets.connected(f"/states?{query}", headers),
    ):
        pass
    assert denied.value.status == status


def test_a_websocket_is_closed_with_its_token_and_with_the_service(site: Site, live: Live) -> None:
    site.tokens["eve"] = site.house.token("eve", Role.REFINER)
    shown = shown_token(site.tokens["eve"])
    assert shown is not None
    with live.sockets.connected("/states", bearer(site.tokens["eve"])) as socket:
        revoke_token(site.service.store, site.house.tenant, shown.token, ADMIN)
        site.post("/capture", document(event(1)))
        with pytest.raises(Closed) as closed:
            socket.text()
        assert closed.value.code == 1008
    with live.sockets.connected("/states", bearer(site.tokens["ada"])) as socket:
        site.service.streams.end()
        with pytest.raises(Closed) as closed:
            socket.text()
        assert closed.value.code == 1001


def test_the_state_of_one_event_is_noted_too(site: Site) -> None:
    site.post("/capture", document(event(1)))
    (told,) = site.get("/states").json()
    path = f"/events/{told['eventID'].replace(':', '%3A').replace('/', '%2F').replace('?', '%3F')}"
    one = site.get(f"{path}/state").json()
    assert one == told
    noted = rows(site.service.store, site.house.tenant, TrailNumber(0), 100)[-1]
    assert (noted.act, noted.seen) == ("read", "1")


def test_two_applications_on_one_store_tell_the_same(site: Site, live: Live) -> None:
    other = Client(build(site.service))
    with follow(site, live) as stream:
        stream.skip_ids()
        answer = other.request(
            "POST",
            "/capture",
            {"Content-Type": "application/json", **bearer(site.tokens["ada"])},
            document(event(1)),
        )
        assert answer.status_code == 202
        assert states(stream, 1) == ["received"]
    other.close()


def test_the_state_of_a_declaration_is_told_beside_that_of_its_event(site: Site) -> None:
    store, name = site.service.store, "urn:uuid:831c0292-4de1-430a-8255-2aca821abaa1"
    body = event(7) | {"eventID": name}
    error = {"errorDeclaration": {"declarationTime": "2026-03-02T10:00:00Z"}}
    for each in (body, body | error):
        site.post("/capture", document(each))
    last = store.last_seq()
    move(site, EventState.ON_LEDGER, last - 1)
    move(site, EventState.HELD, last, why=True)
    told = site.get(f"/events/{name.replace(':', '%3A')}/state").json()
    assert (told["state"], "errorDeclaration" in told) == ("on-ledger", False)
    declaration = told["declaration"]
    assert (declaration["state"], declaration["eventID"]) == ("held", name)
    assert declaration["reason"]["code"] == REASON.code
