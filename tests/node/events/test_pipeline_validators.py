"""From event to ledger where the ledger is that of four validators under the real consensus engine.

A node serves as a program of its own. While all validators are down it takes events in; killed
between handing an entry in and learning what became of it, it begins again. Each event is on the
ledger once, in the order of capture.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from tests.node.access.conftest import ADMIN
from tests.node.benches import (
    FOUNDERS,
    PASSPHRASE,
    START,
    Bench,
    at_work,
    let_mine,
    same_for_all,
)
from tests.node.engines import consensus_engine
from tests.node.events.documents import Json, document
from tests.node.events.test_pipeline import waiting_rows
from tests.node.events.trade import PIT_MAPPING, mined, shipped

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.founding import ClockKind
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.node.access.accounts import NewAccount, add_account
from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import issue_token
from lodeline.node.clock import ManualClock
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.outbox import RowState
from lodeline.node.events.states import StateOf, states_of
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName
from lodeline.node.founding import MemberSpec
from lodeline.node.keyring import Keyring
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork
from lodeline.node.membership import connect
from lodeline.node.workspace import Workspace
from lodeline.pilot.validators import wait_until_signed

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).resolve().parents[3]
PIT: Final = MemberId("pit")
VALIDATORS: Final = ("pit", "state", "scales", "verifier")
PATIENCE: Final = 90.0
KILL: Final = "KILL_BEFORE_CONFIRMED"
PROGRAM: Final = f"""
import os, signal, sys
from unittest import mock
from tests.node.benches import START, cheap_keystores
from lodeline.cli.main import run
from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.node.clock import ManualClock
if __name__ == "__main__":
    clock = mock.patch("lodeline.node.events.attending.SystemClock", lambda: ManualClock(START))
    if "{KILL}" in os.environ:
        ConsortiumLedger.confirm = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    with cheap_keystores(), clock:
        sys.exit(run(sys.argv[1:]))
"""


@dataclass
class Node:
    """The pit's node: its folder, its events, and a program that serves them."""

    folder: Path
    store: EventStore
    bearer: str
    network: LocalNetwork

    @property
    def tenant(self) -> Tenant:
        return self.store.tenant(TenantName("pit"))

    @contextmanager
    def serving(self, **environment: str) -> Iterator["Service"]:
        secret = self.folder / "passphrase"
        secret.write_text(PASSPHRASE + "\n")
        options = ["--home", str(self.folder), "--passphrase-file", str(secret)]
        options += ["--json", "--co-sign-here"]
        clean = {name: value for name, value in os.environ.items() if "LODELINE" not in name}
        with (self.folder / "log").open("a") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "serve", "--listen", "127.0.0.1:0", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=clean | environment,
                cwd=ROOT,
                text=True,
            )
        try:
            assert child.stdout is not None
            yield Service(child, json.loads(child.stdout.readline())["url"], self.bearer)
            child.terminate()
            child.wait(timeout=PATIENCE)
        finally:
            child.kill()
            child.communicate()

    def states(self) -> list[StateOf]:
        everything = range(1, self.store.last_seq() + 1)
        return list(states_of(self.store, self.tenant, [Seq(seq) for seq in everything]))

    def words(self) -> list[str]:
        return [each.state.value for each in self.states()]

    def places(self) -> tuple[int, list[int]]:
        """How long the validators' log is, and where in it the entries of the events are."""
        with at_work(self.folder, ManualClock(START), writable=False) as session:
            known, size = session.state.entries, session.ledger.size
        made = [EntryId(bytes.fromhex(each.reference or "")) for each in self.states()]
        return size, [found.index for each in made if (found := known.get(each)) is not None]


@dataclass
class Service:
    """A node that serves."""

    child: subprocess.Popen[str]
    url: str
    bearer: str

    def ask(self, method: str, path: str, body: bytes | None = None) -> Json:
        url = urlsplit(self.url)
        headers = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"}
        where = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        with closing(where) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found: Json = json.loads(answer.read())
            assert answer.status in {200, 202}, found
            return found

    def capture(self, *events: Json) -> None:
        assert self.ask("POST", "/capture", document(*events))["captured"] == len(events)


def until(found: Callable[[], object], wanted: object) -> None:
    """Wait for something, as long as it may take on a machine that is busy."""
    ends = time.monotonic() + PATIENCE
    while (last := found()) != wanted:
        assert time.monotonic() < ends, last
        time.sleep(0.05)


def founded_network(folder: Path, home: Workspace) -> LocalNetwork:
    """Four validators of six members, whose keys are all in one folder."""
    ring = Keyring(home, same_for_all, SystemEntropy())
    founders = [
        Founder(spec, ring.create(spec.member), validates=spec.member in VALIDATORS)
        for spec in map(MemberSpec.parse, FOUNDERS)
    ]
    began = BlockTime(min(START - 1_000, int(time.time()) - 5))
    chain = LocalChain(ChainId("trial"), began, clock=ClockKind.STORY)
    return LocalNetwork.found(folder, consensus_engine(), chain, founders, SystemEntropy())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Node]:
    """A node of the pit on validators that run, and that let it mine."""
    folder = tmp_path_factory.mktemp("validators")
    home = Workspace(folder / "home")
    with founded_network(folder / "network", home) as network:
        network.start()
        network.wait_for_height(1)
        wait_until_signed(network)
        connect(home, network.urls, network.trust)
        clock = ManualClock(START)
        with at_work(home.folder, clock) as session:
            let_mine(Bench(session, clock))
        (home.member_folder(PIT) / "mapping.yaml").write_text(PIT_MAPPING, "utf-8")
        with closing(EventStore(open_engine(sqlite_url(home.folder / "events.db")))) as store:
            ada = UserName("ada")
            tenant = store.tenant(TenantName("pit"))
            add_account(store, tenant, NewAccount(ada, frozenset({Role.REFINER})), ADMIN)
            token = issue_token(store, tenant, ada, by=ADMIN, days=1)
            yield Node(home.folder, store, token.bearer, network)


def on_ledger(count: int) -> Sequence[str]:
    return ["on-ledger"] * count


def test_while_all_validators_are_down_events_are_taken_in_and_follow_in_order(node: Node) -> None:
    before = len(node.words())
    with node.serving() as service:
        service.capture(mined("A1"))
        until(node.words, on_ledger(before + 1))
        for validator in node.network.validators.values():
            validator.kill()
        size, _ = node.places()
        service.capture(mined("A2"))
        until(lambda: service.ask("GET", "/health/ready")["pipeline"], "waiting")
        service.capture(mined("A3"), shipped("A1"), mined("A4"))
        assert len(node.words()) == before + 5
        until(lambda: node.words()[before + 1], "proved")
        node.network.start()
        until(node.words, on_ledger(before + 5))
        until(lambda: service.ask("GET", "/health/ready")["pipeline"], "working")
    after, places = node.places()
    assert after == size + 4
    assert len(places) == len(set(places)) == before + 5
    assert places == sorted(places)


def test_killed_between_handing_in_and_learning_of_it_the_event_is_on_the_ledger_once(
    node: Node,
) -> None:
    before, (size, _) = len(node.words()), node.places()
    with node.serving(**{KILL: "yes"}) as service:
        service.capture(mined("B1"))
        service.child.wait(timeout=PATIENCE)
        assert service.child.returncode == -9
    (row,) = waiting_rows(node.store, node.tenant)
    assert (row.state, node.words()[before]) == (RowState.SENT, "proved")
    with node.serving():
        until(node.words, on_ledger(before + 1))
    after, places = node.places()
    assert after == size + 1
    assert len(set(places)) == before + 1
