"""Where lots came from and went, over HTTP: who is told what, how much, and how it is linked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth
from tests.node.access.conftest import ADMIN, CHEAP, House, bearer
from tests.node.benches import PASSPHRASE, START, cheap_keystores, mining_bench
from tests.node.events.documents import Json, document
from tests.node.events.trade import BAG, ORE_CLASS, PIT_MAPPING, mined, packed, quantity
from tests.node.test_lineage_keeping import Home
from tests.web.conftest import EVERYTHING, Client, Site
from tests.web.test_openapi import CHECKS, Case

from lodeline.holder.keystore import Passphrase
from lodeline.kernel.ids import LotId, MemberId
from lodeline.node.access.authenticating import Access
from lodeline.node.access.roles import Role, Scope
from lodeline.node.access.tokens import issue_token
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.node.clock import ManualClock
from lodeline.node.events import attending
from lodeline.node.events.attending import Pipelines
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import EventStore, Seq, TenantName
from lodeline.node.lineage_desk import KeysOf, LineageDesk
from lodeline.node.workspace import Workspace
from lodeline.web.app import build
from lodeline.web.lineage import MOST, OPERATIONS
from lodeline.web.service import Service

PIT = MemberId("pit")
ORE = f"{ORE_CLASS}L1"
ORE_LINK = "https://id.gs1.org/01/04012345111118/10/L1"


@contextmanager
def served(folder: Path, store: EventStore, keys_of: KeysOf = lambda _: None) -> Iterator[Site]:
    """A node that answers about lineage, of which ada is in the pit's company, bob in another."""
    access = Access(store, cost=CHEAP)
    desk = LineageDesk(Workspace(folder), store, keys_of)
    service = Service(store, access, lineage=desk)
    house = House(store, access, store.tenant(TenantName("pit")))
    other = House(store, access, store.tenant(TenantName("trader")))
    site = Site(service, house, Client(build(service)))
    site.tokens["ada"] = house.token("ada", *EVERYTHING)
    site.tokens["bob"] = other.token("bob", *EVERYTHING)
    yield site
    site.client.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore(open_engine(sqlite_url(tmp_path / "events.db")))
    yield opened
    opened.close()


def ok(site: Site, path: str, who: str = "ada") -> Json:
    answer = site.get(path, who)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def refused(site: Site, path: str, who: str = "ada") -> tuple[int, str]:
    answer = site.get(path, who)
    return answer.status_code, str(answer.json()["code"])


def of_goods(goods: str, way: str = "trace") -> str:
    return f"/epcs/{quote(goods, safe='')}/{way}"


# ------------------------------------------------------------------ from an event to lots and back


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[tuple[Path, KeysOf]]:
    """A folder in which an event has come to the ledger, and who has its keys."""
    folder = tmp_path_factory.mktemp("lineage") / "home"
    with mining_bench(folder):
        pass
    (Workspace(folder).member_folder(PIT) / "mapping.yaml").write_text(PIT_MAPPING, "utf-8")
    given = Passphrase.typed(PASSPHRASE)
    with mock.patch.object(attending, "SystemClock", return_value=ManualClock(START)):
        pipelines = Pipelines(Workspace(folder), [PIT], lambda _: given, sign_here=True)
        with closing(EventStore(open_engine(sqlite_url(folder / "events.db")))) as store:
            with served(folder, store, pipelines.keys_of) as site:
                answer = site.post("/capture", document(mined("L1")))
                assert answer.json()["success"]
            pipelines.look(store)
        yield folder, pipelines.keys_of


@pytest.fixture
def mine_store(mine: tuple[Path, KeysOf], tmp_path: Path) -> Iterator[EventStore]:
    """The mine's events; accounts that a test adds are its own."""
    copy = tmp_path / "mine.db"
    copy.write_bytes((mine[0] / "events.db").read_bytes())
    opened = EventStore(open_engine(sqlite_url(copy)))
    yield opened
    opened.close()


@pytest.fixture
def pit(mine: tuple[Path, KeysOf], mine_store: EventStore) -> Iterator[Site]:
    folder, keys_of = mine
    with served_again(folder, mine_store, keys_of) as site:
        yield site


@contextmanager
def served_again(folder: Path, store: EventStore, keys_of: KeysOf) -> Iterator[Site]:
    """The same where ada and bob have accounts already."""
    access = Access(store, cost=CHEAP)
    service = Service(store, access, lineage=LineageDesk(Workspace(folder), store, keys_of))
    house = House(store, access, store.tenant(TenantName("pit")))
    site = Site(service, house, Client(build(service)))
    site.tokens["ada"] = house.token("ann", *EVERYTHING)
    yield site
    site.client.close()


@pytest.mark.parametrize("spelling", [ORE, ORE_LINK, "https://example.com/01/04012345111118/10/L1"])
def test_from_the_number_of_an_event_to_its_lot_and_its_past(pit: Site, spelling: str) -> None:
    told = ok(pit, of_goods(spelling))
    (root,) = told["roots"]
    assert told["exact"] is told["complete"] is True
    assert [step["recipe"] for step in told["steps"]][-1] == "mine-copper-cobalt"
    assert told["goods"][root] == [ORE_LINK]
    assert told["known"][root]["milligrams"]["Co"]
    (event,) = pit.service.store.events_after(pit.house.tenant, Seq(0), 10)
    assert told["events"] == {told["steps"][-1]["step"]: [event.event_id]}
    assert told["log"]["size"] == told["log"]["entries"]
    by_lot = ok(pit, f"/lots/{root}/trace")
    assert by_lot == told
    licence = told["ends"][0]
    down = ok(pit, f"/lots/{licence.upper()}/impact")
    assert root in {lot["lot"] for lot in down["lots"]}
    assert down["direction"] == "downstream"
    assert down["goods"] == told["goods"]
    assert ok(pit, of_goods(spelling, "impact"))["roots"] == [root]


def test_without_keys_goods_are_found_by_their_steps(
    mine: tuple[Path, KeysOf], mine_store: EventStore
) -> None:
    with served_again(mine[0], mine_store, lambda _: None) as site:
        told = ok(site, of_goods(ORE))
        assert told["exact"] is False
        assert told["known"] == {}
        assert "goods" not in told
        assert len(told["roots"]) >= 1
        assert told["steps"][-1]["recipe"] == "mine-copper-cobalt"
        assert set(told["steps"][-1]["outputs"]) == set(told["roots"])
        assert list(told["events"]) == [told["steps"][-1]["step"]]


def test_goods_of_nobody_are_not_there(pit: Site, mine: tuple[Path, KeysOf]) -> None:
    for goods in (f"{ORE_CLASS}L2", "urn:epc:id:sgtin:4012345.011111.9", "nonsense"):
        assert refused(pit, of_goods(goods)) == (404, "goods-not-on-ledger")


@pytest.mark.parametrize("has_keys", [True, False])
def test_of_a_crate_the_lots_of_what_is_in_it_are_told(
    mine: tuple[Path, KeysOf], mine_store: EventStore, *, has_keys: bool
) -> None:
    keys_of: KeysOf = mine[1] if has_keys else lambda _: None
    with served_again(mine[0], mine_store, keys_of) as site:
        crate = packed(BAG, lots=quantity("L1", 20), eventTime="2026-10-12T09:00:00Z")
        assert site.post("/capture", document(crate)).json()["success"]
        inside, whole = ok(site, of_goods(BAG)), ok(site, of_goods(ORE))
    assert (inside["roots"], inside["steps"]) == (whole["roots"], whole["steps"])
    assert inside["exact"] is has_keys


def test_what_was_asked_is_in_the_trail(pit: Site) -> None:
    told = ok(pit, of_goods(ORE))
    last = rows(pit.service.store, pit.house.tenant, TrailNumber(0), 99)[-1]
    assert (last.act, last.about, last.seen) == ("read", f"trace of {ORE}", "1")
    (root,) = told["roots"]
    ok(pit, f"/lots/{root}/impact")
    last = rows(pit.service.store, pit.house.tenant, TrailNumber(0), 99)[-1]
    assert last.about == f"impact of lot {root}"


# ------------------------------------------------------------------ who is told what


@pytest.fixture
def paper(tmp_path: Path) -> Home:
    """A long chain of lots of paper."""
    home = Home(tmp_path / "paper")
    lots = home.world.does("split", [home.mine()], [home.world.ore(), home.world.ore()])
    for _ in range(12):
        (blend,) = home.world.does("blend", lots, [home.world.ore()])
        lots = home.world.does("split", [blend], [home.world.ore(), home.world.ore()])
    home.write()
    return home


@pytest.fixture
def site(paper: Home, store: EventStore) -> Iterator[Site]:
    with served(paper.workspace.folder, store) as site:
        yield site


def last_lot(paper: Home) -> LotId:
    return [lot for lot, _ in paper.world.state.lots.items()][-1]


def test_roles_scopes_and_partners(site: Site, paper: Home) -> None:
    lot = last_lot(paper).hex()
    house, store = site.house, site.service.store
    site.tokens["audit"] = house.token("audit", Role.AUDITOR)
    site.tokens["root"] = house.token("root", Role.ADMINISTRATOR)
    site.tokens["pat"] = house.token("pat", Role.TRADER, partner="trader")
    lots_only = frozenset({Scope.LOTS_READ})
    account = house.account("lotte", Role.TRADER)
    site.tokens["lots"] = issue_token(
        store, house.tenant, account, by=ADMIN, days=1, scopes=lots_only
    ).bearer
    for path in (
        f"/lots/{lot}/trace",
        f"/lots/{lot}/impact",
        of_goods(ORE),
        of_goods(ORE, "impact"),
    ):
        assert site.get(path, "").status_code == 401
        for who in ("audit", "root", "pat"):
            assert refused(site, path, who) == (403, "access-scope-missing"), (path, who)
    assert ok(site, f"/lots/{lot}/trace", "lots") == ok(site, f"/lots/{lot}/trace")
    assert ok(site, f"/lots/{lot}/trace", "bob") == ok(site, f"/lots/{lot}/trace")
    assert refused(site, of_goods(ORE), "lots") == (403, "access-scope-missing")


def test_events_of_another_company_are_in_nobody_s_answer(site: Site, paper: Home) -> None:
    """An entry of the pit's event is the trader's business as an entry, and not as an event."""
    store = site.service.store
    lot = last_lot(paper)
    record = paper.world.state.lots.get(lot)
    assert record is not None
    making = paper.world.state.makings.get(record.maker)
    assert making is not None
    site.post("/capture", document(mined("L1")))
    seq = store.events_after(site.house.tenant, Seq(0), 1)[0].seq
    move = Move(EventState.ON_LEDGER, store.clock.now(), reference=making.entry.hex())
    store.write(lambda connection: move_state(connection, site.house.tenant, [seq], move))
    assert list(ok(site, f"/lots/{lot.hex()}/trace")["events"]) == [record.maker.hex()]
    assert "events" not in ok(site, f"/lots/{lot.hex()}/trace", "bob")
    assert ok(site, of_goods(ORE))["steps"] == ok(site, f"/lots/{lot.hex()}/trace")["steps"]
    assert refused(site, of_goods(ORE), "bob") == (404, "goods-not-on-ledger")


# ------------------------------------------------------------------ bounds and refusals


def test_an_answer_is_bounded_and_says_so(site: Site, paper: Home) -> None:
    lot = last_lot(paper).hex()
    whole = ok(site, f"/lots/{lot}/trace")
    assert whole["complete"] is True
    assert whole["cut"] == []
    assert len(whole["lots"]) == whole["total"]["lots"] > 30
    few = ok(site, f"/lots/{lot}/trace?limit=5")
    assert few["complete"] is False
    assert len(few["lots"]) == 5
    assert len(few["steps"]) <= 5
    assert few["total"] == whole["total"]
    assert few["cut"]
    near = ok(site, f"/lots/{lot}/trace?depth=2")
    assert len(near["steps"]) == 2
    assert near["total"] == whole["total"]
    none = ok(site, f"/lots/{lot}/trace?depth=0")
    assert [one["lot"] for one in none["lots"]] == none["cut"] == none["roots"] == [lot]
    assert ok(site, f"/lots/{lot}/trace?limit={10**8}&depth={10**8}") == whole
    assert MOST < 10**8


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "query-parameter-count-wrong"),
        ("limit=x", "query-parameter-count-wrong"),
        ("depth=-1", "query-parameter-count-wrong"),
        ("depth=1.5", "query-parameter-count-wrong"),
        ("depth=1&depth=2", "query-parameter-twice"),
        ("most=5", "query-parameter-unknown"),
    ],
)
def test_parameters_that_are_none(site: Site, paper: Home, query: str, code: str) -> None:
    assert refused(site, f"/lots/{last_lot(paper).hex()}/trace?{query}") == (400, code)


@pytest.mark.parametrize("number", ["1" * 63, "1" * 65, "g" * 64, "%20" * 64, "１" * 64])
def test_what_is_no_number_of_a_lot(site: Site, number: str) -> None:
    assert refused(site, f"/lots/{number}/trace") == (400, "web-lot-number-malformed")


def test_a_lot_that_never_was(site: Site) -> None:
    for way in ("trace", "impact"):
        assert refused(site, f"/lots/{'0' * 64}/{way}") == (404, "lineage-lot-not-in-log")


def test_a_node_without_a_ledger(store: EventStore, tmp_path: Path) -> None:
    with served(tmp_path, store) as site:
        assert refused(site, f"/lots/{'0' * 64}/trace") == (404, "lineage-not-here")
        french = site.get(f"/lots/{'0' * 64}/trace", Accept_Language="fr").json()
        assert french["detail"] != site.get(f"/lots/{'0' * 64}/trace").json()["detail"]
        plain = Service(store, site.service.access)
        assert plain.lineage is None


def test_what_comes_to_the_ledger_is_in_the_next_answer(site: Site, paper: Home) -> None:
    before = ok(site, f"/lots/{paper.licence.hex()}/impact")
    new = paper.mine()
    paper.write()
    after = ok(site, f"/lots/{before['roots'][0]}/impact")
    assert new.hex() in {lot["lot"] for lot in after["lots"]}
    assert after["log"]["size"] > before["log"]["size"]


def test_made_up_requests_are_answered_as_described(site: Site, paper: Home) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", site.client.app)
    answered = []
    for path in ("/lots/{lot}/trace", "/lots/{lot}/impact"):

        @given(case=described[path]["GET"].as_strategy())
        @settings(
            max_examples=15,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
            deadline=None,
        )
        def tried(case: Case) -> None:
            if len(case.path_parameters.get("lot", "")) == 64:
                case.path_parameters["lot"] = last_lot(paper).hex()
            response = case.call(headers=bearer(site.tokens["ada"]))
            case.validate_response(
                response, checks=[check for check in CHECKS if check is not ignored_auth]
            )
            answered.append(response.status_code)

        tried()
    assert 200 in answered
    assert len(OPERATIONS) == 4
