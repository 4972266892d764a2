"""The service as a process: it starts, answers, ends in order when asked, and loses nothing."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.node.access.conftest import ADMIN
from tests.node.events.documents import document, event

from lodeline.node.access.accounts import NewAccount, add_account
from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import issue_token
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.store import EventStore, Seq, TenantName

PROGRAM = """
import sys
from pathlib import Path
from lodeline.node.workspace import Workspace
from lodeline.web.serving import listen_at, serve
serve(Workspace(Path(sys.argv[1])), listen_at(sys.argv[2]), None,
      lambda at: print(at.url, flush=True))
print("ended", flush=True)
"""


@dataclass
class Process:
    """A running service, and somebody's token."""

    child: "subprocess.Popen[str]"
    host: str
    port: int
    token: str
    folder: Path

    def connected(self) -> "closing[http.client.HTTPConnection]":
        return closing(http.client.HTTPConnection(self.host, self.port, timeout=30))

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        with self.connected() as connection:
            connection.request(method, path, body, self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def store(self) -> EventStore:
        return EventStore(open_engine(sqlite_url(self.folder / "events.db")))


def started(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "LODELINE_DATABASE"},
        text=True,
    )


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")))
    tenant = store.tenant(TenantName("miner"))
    add_account(store, tenant, NewAccount(UserName("ada"), frozenset({Role.REFINER})), ADMIN)
    token = issue_token(store, tenant, UserName("ada"), by=ADMIN, days=1).bearer
    store.close()
    child = started(tmp_path)
    assert child.stdout is not None
    url = urlsplit(child.stdout.readline())
    assert url.hostname is not None
    assert url.port is not None
    yield Process(child, url.hostname, url.port, token, tmp_path)
    if child.poll() is None:
        child.kill()
    child.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_finishes_the_request_that_is_under_way(
    process: Process, asked: signal.Signals
) -> None:
    body = document(*(event(serial) for serial in range(1, 200)))
    with process.connected() as connection:
        connection.putrequest("POST", "/capture")
        for name, value in {**process.headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body[:1000])
        assert process.ask("GET", "/events")[0] == 200
        process.child.send_signal(asked)
        connection.send(body[1000:])
        answer = connection.getresponse()
        assert answer.status == 202
        assert json.loads(answer.read())["captured"] == 199
    out, log = process.child.communicate(timeout=60)
    assert (process.child.returncode, out) == (0, "ended\n")
    lines = [json.loads(line) for line in log.splitlines()]
    routes = [line["route"] for line in lines if line["message"] == "answered"]
    assert sorted(routes) == ["/capture", "/events"]
    assert process.token not in log


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_a_kill(process: Process) -> None:
    assert process.ask("POST", "/capture", document(event(1), event(2)))[0] == 202
    process.child.kill()
    # The readers end too: they hold the other end of its output.
    process.child.communicate(timeout=30)
    store = process.store()
    tenant = store.tenant(TenantName("miner"))
    assert len(store.events_after(tenant, Seq(0), 10)) == 2
    store.close()


@pytest.mark.slow
def test_an_address_that_is_taken_is_a_refusal(process: Process, tmp_path: Path) -> None:
    again = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), f"{process.host}:{process.port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 1
    assert "AddressTaken" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("proxies", "status"), [("[]", 429), ('["127.0.0.1"]', 401)])
def test_a_proxy_is_believed_only_where_the_settings_name_it(
    process: Process, proxies: str, status: int
) -> None:
    process.child.terminate()
    process.child.communicate(timeout=60)
    (process.folder / "serve.toml").write_text(f"proxies = {proxies}\n")
    child = started(process.folder)
    assert child.stdout is not None
    url = urlsplit(child.stdout.readline())
    assert url.hostname is not None
    seen = 0
    for at in range(10):
        with closing(http.client.HTTPConnection(url.hostname, url.port, timeout=30)) as connection:
            shown = {"Authorization": "Bearer nothing", "X-Forwarded-For": f"192.0.2.{at}"}
            connection.request("GET", "/events", headers=shown)
            seen = connection.getresponse().status
    child.terminate()
    child.communicate(timeout=60)
    assert seen == status
