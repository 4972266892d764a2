"""A node as a process: it reports to a webhook and over a websocket, and a kill loses nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest
from tests.node.access.conftest import ADMIN, bearer
from tests.node.events.documents import document, event
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lodeline.node.access.accounts import NewAccount, add_account
from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import BearerToken, issue_token
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.store import EventStore, TenantName

PROGRAM = """
import sys
from pathlib import Path
from lodeline.node.workspace import Workspace
from lodeline.web.serving import listen_at, serve
serve(Workspace(Path(sys.argv[1])), listen_at("127.0.0.1:0"), None,
      lambda at: print(at.url, flush=True))
"""
JSON = {"Content-Type": "application/json"}
_SECONDS = 30


@contextmanager
def running(folder: Path) -> "Iterator[tuple[str, subprocess.Popen[str]]]":
    with (folder / "log.txt").open("a") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != "LODELINE_DATABASE"},
            text=True,
        )
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip(), child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def token(tmp_path: Path) -> BearerToken:
    (tmp_path / "serve.toml").write_text('webhook_networks = ["127.0.0.0/8"]\n')
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")))
    tenant = store.tenant(TenantName("miner"))
    add_account(store, tenant, NewAccount(UserName("ada"), frozenset({Role.REFINER})), ADMIN)
    shown = issue_token(store, tenant, UserName("ada"), by=ADMIN, days=1).bearer
    store.close()
    return shown


@pytest.fixture
def hook() -> "Iterator[tuple[str, Queue[bytes]]]":
    """A destination on the loopback network, and what it got."""
    got: Queue[bytes] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            got.put(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def ids(text: bytes | str) -> list[str]:
    found = json.loads(text)["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return [each["epcList"][0].rpartition("/")[2] for each in found]


@pytest.mark.slow
def test_reports_go_on_where_they_were_after_a_kill(
    tmp_path: Path, token: BearerToken, hook: "tuple[str, Queue[bytes]]"
) -> None:
    dest, got = hook
    headers = {**bearer(token), **JSON}
    with (
        running(tmp_path) as (url, child),
        httpx.Client(base_url=url, headers=headers, trust_env=False) as node,
    ):
        assert node.post("/queries", json={"name": "all", "query": {}}).status_code == 201
        body = {"dest": dest, "stream": True}
        assert node.post("/queries/all/subscriptions", json=body).status_code == 201
        assert node.post("/capture", content=document(event(1))).status_code == 202
        assert ids(got.get(timeout=_SECONDS)) == ["1"]
        node.post("/capture", content=document(event(2)))
        child.send_signal(signal.SIGKILL)
        child.wait(_SECONDS)
    with running(tmp_path) as (url, child):
        again = ids(got.get(timeout=_SECONDS))
        while "2" not in again:
            again += ids(got.get(timeout=_SECONDS))
        assert set(again) <= {"1", "2"}
        child.send_signal(signal.SIGTERM)
        assert child.wait(_SECONDS) == 0


@pytest.mark.slow
def test_a_client_of_another_make_is_told_over_a_websocket(
    tmp_path: Path, token: BearerToken
) -> None:
    headers = {**bearer(token), **JSON}
    with (
        running(tmp_path) as (url, child),
        httpx.Client(base_url=url, headers=headers, trust_env=False) as node,
    ):
        node.post("/queries", json={"name": "all", "query": {}})
        path = f"ws://{urlsplit(url).netloc}/queries/all/events?stream=true"
        with connect(path, additional_headers=bearer(token), proxy=None) as socket:
            node.post("/capture", content=document(event(1), event(2)))
            assert ids(socket.recv(timeout=_SECONDS)) == ["1", "2"]
        with pytest.raises(InvalidStatus) as refused:
            connect(path, proxy=None)
        assert refused.value.response.status_code == 401
        child.send_signal(signal.SIGTERM)
        assert child.wait(_SECONDS) == 0
    log = (tmp_path / "log.txt").read_text("utf-8")
    assert '"route": "/capture"' in log
    for secret in ("stream=true", "/queries/all", "127.0.0.1", token):
        assert secret not in log
