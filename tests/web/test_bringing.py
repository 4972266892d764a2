"""From a request to the ledger: a running service brings events there, and says how far."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from urllib.parse import quote, urlsplit

import pytest
from tests.node.access.conftest import ADMIN, CHEAP, House
from tests.node.benches import PASSPHRASE, START, at_work, cheap_keystores, mining_bench
from tests.node.events.documents import Json, document
from tests.node.events.trade import PIT_MAPPING, mined, shipped
from tests.web.conftest import EVERYTHING, Client, Site

from lodeline.engine.refusals import LedgerHasWriter, LedgerNotWritten
from lodeline.holder.keystore import KeystoreNotOpened, Passphrase
from lodeline.kernel.ids import MemberId
from lodeline.ledger.entries import EntryId
from lodeline.node.access.accounts import NewAccount, add_account
from lodeline.node.access.authenticating import Access
from lodeline.node.access.callers import Reader, UserName
from lodeline.node.access.policies import Terms, share
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import issue_token
from lodeline.node.clock import ManualClock
from lodeline.node.events import attending
from lodeline.node.events.attending import Pipelines, members_with_mapping, queue_of
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.outbox import RowState, rows_of
from lodeline.node.events.pipeline import Turn
from lodeline.node.events.states import EventState
from lodeline.node.events.store import EventStore, Seq, TenantName
from lodeline.node.events.withdrawing import withdraw
from lodeline.node.events.working import one_turn
from lodeline.node.session import Session
from lodeline.node.workspace import MemberNotHere, Workspace
from lodeline.web.app import build
from lodeline.web.bringing import Bringing
from lodeline.web.service import Service

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
PIT = MemberId("pit")
PROGRAM = """
import sys
from unittest import mock
from tests.node.benches import START, cheap_keystores
from lodeline.cli.main import run
from lodeline.node.clock import ManualClock
if __name__ == "__main__":
    clock = mock.patch("lodeline.node.events.attending.SystemClock", lambda: ManualClock(START))
    with cheap_keystores(), clock:
        sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """The folder of a consortium in which the pit may mine, and has a mapping."""
    folder = tmp_path_factory.mktemp("bringing") / "home"
    with mining_bench(folder):
        pass
    (Workspace(folder).member_folder(PIT) / "mapping.yaml").write_text(PIT_MAPPING, "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path, template: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(template, copy)
    return copy


@pytest.fixture
def store(folder: Path) -> Iterator[EventStore]:
    opened = EventStore(open_engine(sqlite_url(folder / "events.db")))
    yield opened
    opened.close()


@pytest.fixture
def pipelines(folder: Path) -> Iterator[Pipelines]:
    """The pit's pipeline, at the time of its grants."""
    given = Passphrase.typed(PASSPHRASE)
    with mock.patch.object(attending, "SystemClock", return_value=ManualClock(START)):
        yield Pipelines(Workspace(folder), [PIT], lambda _: given, sign_here=True)


@dataclass
class Served:
    """A node that brings events to the ledger, or not, as ada of the pit sees it."""

    site: Site

    @classmethod
    def of(cls, store: EventStore, bringing: Bringing | None) -> "Served":
        access = Access(store, cost=CHEAP)
        service = Service(store, access, bringing=bringing)
        house = House(store, access, store.tenant(TenantName("pit")))
        other = House(store, access, store.tenant(TenantName("trader")))
        site = Site(service, house, Client(build(service)))
        site.tokens["ada"] = house.token("ada", *EVERYTHING)
        site.tokens["bob"] = other.token("bob", *EVERYTHING)
        return cls(site)

    def capture(self, *events: Json) -> list[str]:
        """Post a document; return the ids of its events as the store has them."""
        answer = self.site.post("/capture", document(*events))
        assert answer.status_code == 202, answer.text
        assert answer.json()["success"], answer.text
        found = self.site.service.store.events_after(self.site.house.tenant, Seq(0), 100)
        return [str(event.event_id) for event in found]

    def state(self, event_id: str, who: str = "ada", **headers: str) -> Json:
        answer = self.site.get(f"/events/{quote(event_id, safe='')}/state", who, **headers)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


def until(look: Callable[[], str], wanted: str) -> None:
    """Look until something is there, as long as patience goes."""
    ends = time.monotonic() + PATIENCE
    seen = look()
    while seen != wanted:
        assert time.monotonic() < ends, seen
        seen = look()


def test_an_event_posted_over_http_comes_to_the_ledger(
    store: EventStore, pipelines: Pipelines, folder: Path
) -> None:
    pipelines.check()
    with Bringing(pipelines, store) as bringing:
        served = Served.of(store, bringing)
        ore, sale = served.capture(mined("L1"), shipped("L7"))
        until(lambda: str(served.state(ore)["state"]), "on-ledger")
        until(lambda: str(served.state(sale)["state"]), "held")
        until(lambda: str(ready(served).get("queue", {}).get("held")), "1")
        assert ready(served) == {
            "status": "pass",
            "pipeline": "working",
            "queue": {"received": 0, "mapped": 0, "proved": 0, "held": 1},
        }
        assert ready(served, "") == {"status": "pass", "pipeline": "working"}
        served.site.tokens["eve"] = served.site.house.token("eve", Role.REFINER)
        assert "queue" not in ready(served, "eve")
        metrics = served.site.get("/metrics", Accept="text/plain").text
        assert 'lodeline_events{state="on-ledger"} 1.0' in metrics
        assert 'lodeline_events{state="held"} 1.0' in metrics
        why = served.state(sale)["reason"]
        assert why["code"] == "event-lot-never-received"
        french = served.state(sale, Accept_Language="fr")["reason"]
        assert french["detail"] != why["detail"]
        entry = EntryId(bytes.fromhex(served.state(ore)["entry"]))
        served.site.client.close()
    with at_work(folder, ManualClock(START), writable=False) as session:
        assert entry in session.state.entries


def ready(served: Served, who: str = "ada") -> Json:
    answer = served.site.get("/health/ready", who)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_a_service_without_keys_keeps_events_as_they_are_received(store: EventStore) -> None:
    served = Served.of(store, None)
    (ore,) = served.capture(mined("L1"))
    assert served.state(ore)["state"] == "received"
    assert ready(served) == {"status": "pass", "pipeline": "off"}
    served.site.client.close()


def test_the_state_of_an_event_is_its_own_company_s(store: EventStore) -> None:
    served = Served.of(store, None)
    (ore,) = served.capture(mined("L1"))
    path = f"/events/{quote(ore, safe='')}/state"
    for who, status in (("ada", 200), ("bob", 404), ("", 401)):
        assert served.site.get(path, who).status_code == status
    unknown = served.site.get("/events/urn%3Auuid%3Anothing/state")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "event-unknown")
    admin = served.site.house.token("root", Role.ADMINISTRATOR)
    served.site.tokens["root"] = admin
    assert served.site.get(path, "root").status_code == 403
    served.site.tokens["eve"] = served.site.house.token("eve", Role.AUDITOR, partner="trader")
    assert served.site.get(path, "eve").status_code == 404
    served.site.client.close()


def test_a_partner_is_told_the_state_of_what_is_shared_and_no_reason(
    store: EventStore, pipelines: Pipelines
) -> None:
    served = Served.of(store, None)
    (sale,) = served.capture(shipped("L7"))
    pipelines.look(store)
    site = served.site
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="trader")
    lots = ("urn:epc:class:lgtin:4012345.011111.L7",)
    share(store, site.house.tenant, Reader("partner:trader"), Terms(lots=lots), by=ADMIN)
    assert "event-lot-never-received" in json.dumps(served.state(sale))
    told = served.state(sale, "pat")
    assert (told["state"], set(told)) == ("held", {"eventID", "state", "updatedAt"})
    site.client.close()


def test_a_ledger_that_is_written_elsewhere_is_waited_for(
    store: EventStore, pipelines: Pipelines, folder: Path
) -> None:
    with at_work(folder, ManualClock(START)), Bringing(pipelines, store) as bringing:
        served = Served.of(store, bringing)
        (ore,) = served.capture(mined("L1"))
        until(lambda: str(ready(served).get("trouble")), LedgerHasWriter.code)
        told = ready(served)
        assert (told["pipeline"], told["queue"]["received"]) == ("waiting", 1)
        assert served.state(ore)["state"] == "received"
        served.site.client.close()
    pipelines.look(store)
    assert queue_of(store, [PIT])[EventState.RECEIVED] == 0
    assert pipelines.standing.trouble is None


def test_a_pipeline_that_broke_makes_the_node_unready(
    store: EventStore, pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)

    def broken(*_: object) -> Turn:
        raise ZeroDivisionError

    monkeypatch.setattr(pipelines, "look", broken)
    with Bringing(pipelines, store) as bringing:
        served = Served.of(store, bringing)
        ends = time.monotonic() + PATIENCE
        while bringing.is_alive():
            assert time.monotonic() < ends
        answer = served.site.get("/health/ready", "")
        assert (answer.status_code, answer.json()["code"]) == (503, "web-node-unready")
        assert served.capture(mined("L1"))
        served.site.client.close()


def test_an_event_that_nobody_signs_is_withdrawn_and_begun_anew_over_http(
    store: EventStore, pipelines: Pipelines, folder: Path
) -> None:
    unsigned = Pipelines(
        Workspace(folder), [PIT], lambda _: Passphrase.typed(PASSPHRASE), sign_here=False
    )
    served = Served.of(store, None)
    (ore,) = served.capture(mined("L1"))
    path = f"/events/{quote(ore, safe='')}"
    unsigned.look(store)
    requests = Workspace(folder).member_folder(PIT) / "requests"
    assert (served.state(ore)["state"], len(list(requests.iterdir()))) == ("proved", 1)
    assert served.site.post(f"{path}/withdraw", b"", who="bob").status_code == 404
    taken = served.site.post(f"{path}/withdraw", b"")
    assert (taken.status_code, taken.json()["state"]) == (200, "held")
    assert taken.json()["reason"]["code"] == "event-withdrawn"
    assert served.site.post(f"{path}/withdraw", b"").json()["code"] == "event-not-waiting"
    unsigned.look(store)
    assert (served.state(ore)["state"], list(requests.iterdir())) == ("held", [])
    assert served.site.post(f"{path}/retry", b"").json()["state"] == "received"
    pipelines.look(store)
    assert served.state(ore)["state"] == "on-ledger"
    served.site.client.close()


def test_what_was_given_up_is_looked_after_at_once(store: EventStore, pipelines: Pipelines) -> None:
    """An event that is held is looked at now and then; not so while lots wait to be freed."""
    served = Served.of(store, None)
    served.capture(mined("L1"))
    served.site.client.close()
    with mock.patch.object(Session, "submit", side_effect=LedgerNotWritten("ledger.db", "away")):
        pipelines.look(store)
    with mock.patch.object(attending, "one_turn", wraps=one_turn) as turns:
        withdraw(store, store.tenant(PIT), Seq(1))
        pipelines.look(store)
        pipelines.look(store)
    assert turns.call_count == 1
    (row,) = rows_of(store, store.tenant(PIT), Seq(1))
    assert row.state is RowState.REFUSED


def test_asked_to_end_it_begins_with_no_other_event(
    store: EventStore, pipelines: Pipelines
) -> None:
    served = Served.of(store, None)
    served.capture(mined("L1"), mined("L2"), mined("L3"))
    served.site.client.close()
    asked = iter([True, True, False])
    turn = pipelines.look(store, lambda: next(asked, False))
    assert sum(turn.moved.values()) > 0
    assert queue_of(store, [PIT])[EventState.RECEIVED] == 2
    pipelines.look(store)
    assert set(queue_of(store, [PIT]).values()) == {0}


def test_the_ledger_is_not_opened_where_there_is_nothing_to_do(
    store: EventStore, pipelines: Pipelines
) -> None:
    with mock.patch.object(attending, "one_turn", wraps=one_turn) as turns:
        pipelines.look(store)
        assert turns.call_count == 0
        served = Served.of(store, None)
        served.capture(shipped("L7"))
        served.site.client.close()
        for _ in range(3):
            pipelines.look(store)
        assert turns.call_count == 1, "an event that is held is looked at now and then"


def test_keys_that_are_replaced_meanwhile_are_opened_anew(store: EventStore, folder: Path) -> None:
    passphrases = {"now": PASSPHRASE}
    pipelines = Pipelines(
        Workspace(folder), [PIT], lambda _: Passphrase.typed(passphrases["now"]), sign_here=True
    )
    pipelines.check()
    with at_work(folder, ManualClock(START)) as session:
        session.keyring.change_passphrase(PIT, Passphrase.typed("another passphrase"))
    served = Served.of(store, None)
    served.capture(mined("L1"))
    served.site.client.close()
    pipelines.look(store)
    assert isinstance(pipelines.standing.trouble, KeystoreNotOpened)
    passphrases["now"] = "another passphrase"
    pipelines.look(store)
    assert not isinstance(pipelines.standing.trouble, KeystoreNotOpened)


def test_only_members_with_a_mapping_are_served(folder: Path) -> None:
    workspace = Workspace(folder)
    assert members_with_mapping(workspace) == (PIT,)
    assert members_with_mapping(workspace, PIT) == (PIT,)
    assert members_with_mapping(workspace, MemberId("trader")) == ()
    with pytest.raises(MemberNotHere):
        members_with_mapping(workspace, MemberId("nobody"))


def test_a_wrong_passphrase_is_refused_before_anything_is_served(folder: Path) -> None:
    wrong = Passphrase.typed("not the passphrase")
    with pytest.raises(KeystoreNotOpened):
        Pipelines(Workspace(folder), [PIT], lambda _: wrong, sign_here=True).check()


@pytest.mark.slow
def test_the_command_brings_events_to_the_ledger_and_ends_in_order(
    store: EventStore, folder: Path, tmp_path: Path
) -> None:
    tenant = store.tenant(TenantName("pit"))
    add_account(store, tenant, NewAccount(UserName("ada"), frozenset({Role.REFINER})), ADMIN)
    token = issue_token(store, tenant, UserName("ada"), by=ADMIN, days=1).bearer
    store.close()
    secret, log_file = tmp_path / "passphrase", tmp_path / "log"
    secret.write_text(PASSPHRASE + "\n")
    options = ("--home", str(folder), "--passphrase-file", str(secret), "--json", "--co-sign-here")
    # No pipe, which would fill: there is a line of the log for each look at the state.
    with log_file.open("w") as log_to:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "serve", "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE,
            stderr=log_to,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if "LODELINE" not in name},
            cwd=ROOT,
            text=True,
        )
    try:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        assert said["pipelines"] == ["pit"]
        url = urlsplit(said["url"])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

        def ask(method: str, path: str, body: bytes | None = None) -> Json:
            where = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
            with closing(where) as connection:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                assert answer.status in {200, 202}
                found: Json = json.loads(answer.read())
                return found

        assert ask("POST", "/capture", document(mined("L1")))["captured"] == 1
        (event,) = ask("GET", "/events")["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        path = f"/events/{quote(event['eventID'], safe='')}/state"
        until(lambda: str(ask("GET", path)["state"]), "on-ledger")
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    log = log_file.read_text()
    assert child.returncode == 0, log
    assert PASSPHRASE not in log
    assert any(json.loads(line)["message"] == "events brought on" for line in log.splitlines())
