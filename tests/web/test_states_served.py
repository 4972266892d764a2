"""States followed from a service in a process of its own: across processes, kills and its end."""

import http.client
import json
import signal
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.node.events.documents import document, event
from tests.web.test_serving import Process, process, started  # noqa: F401 - the fixture

from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import Seq, TenantName

pytestmark = pytest.mark.slow
STREAM = {"Accept": "text/event-stream"}


class Following:
    """A client of server-sent events over a connection."""

    def __init__(self, host: str, port: int, token: str, last: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=30)
        headers = {**STREAM, "Authorization": f"Bearer {token}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self._connection.request("GET", "/states", headers=headers)
        self.answer = self._connection.getresponse()
        assert self.answer.status == 200
        self.last = ""
        self._line()  # retry
        self._line()
        assert self._line() == ""

    def _line(self) -> str:
        line = self.answer.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            self.last = line.removeprefix("id: ")
        return line

    def state(self) -> str:
        """The next state that is told."""
        while True:
            line = self._line()
            if line.startswith("data: "):
                told: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return str(told["state"])

    def rest(self) -> bytes:
        """What comes until the end."""
        return self.answer.read()

    def close(self) -> None:
        self._connection.close()


def follow(process: Process, last: str | None = None) -> Following:  # noqa: F811 - the fixture
    return Following(process.host, process.port, process.token, last)


def test_a_move_that_another_process_makes_is_told(process: Process) -> None:  # noqa: F811
    following = follow(process)
    process.ask("POST", "/capture", document(event(1)))
    assert following.state() == "received"
    store = process.store()
    tenant = store.tenant(TenantName("miner"))
    for state in (EventState.MAPPED, EventState.PROVED):
        going = Move(state, store.clock.now())
        store.write(lambda c, move=going: move_state(c, tenant, [Seq(1)], move))  # type: ignore[misc] # bound now
    assert [following.state() for _ in range(2)] == ["mapped", "proved"]
    store.close()
    following.close()


def test_killed_and_started_again_it_goes_on_behind_the_last_message(
    process: Process,  # noqa: F811 - the fixture
) -> None:
    following = follow(process)
    process.ask("POST", "/capture", document(event(1)))
    assert following.state() == "received"
    process.ask("POST", "/capture", document(event(2), event(3)))
    process.child.kill()
    process.child.communicate(timeout=30)
    child = started(process.folder)
    assert child.stdout is not None
    url = urlsplit(child.stdout.readline())
    assert url.hostname is not None
    assert url.port is not None
    again = Following(url.hostname, url.port, process.token, following.last)
    assert [again.state() for _ in range(2)] == ["received", "received"]
    again.close()
    following.close()
    child.terminate()
    child.communicate(timeout=30)


def test_streams_end_when_the_service_is_asked_to_end(process: Process) -> None:  # noqa: F811
    following = follow(process)
    began = time.monotonic()
    process.child.send_signal(signal.SIGTERM)
    following.rest()
    process.child.communicate(timeout=20)
    assert process.child.returncode == 0
    assert time.monotonic() - began < 15
    following.close()


def test_who_goes_without_a_word_leaves_no_stream_behind(process: Process) -> None:  # noqa: F811
    """More streams than one account may have at a time, one after the other."""
    for serial in range(10):
        following = follow(process)
        process.ask("POST", "/capture", document(event(serial)))
        assert following.state() == "received"
        following.close()
    statuses = {process.ask("GET", "/states")[0]}
    assert statuses == {200}
