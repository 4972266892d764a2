"""A member's sight of the lineage: the ledger is opened only where it has to be."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.node.benches import START, at_work, cheap_keystores, mining_bench, same_for_all

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.client import ValidatorClient
from lodeline.holder.keystore import KeystoreNotOpened, Passphrase
from lodeline.kernel.ids import LotId, MemberId
from lodeline.lineage.csr import Bounds
from lodeline.node import contents, membership, tracing
from lodeline.node.clock import ManualClock
from lodeline.node.goods_tracing import GoodsNotOnLedger, goods_of_lots, lots_of_goods
from lodeline.node.holding import LotPrefixAmbiguous, holding
from lodeline.node.keyring import Keyring
from lodeline.node.membership import has_newer
from lodeline.node.session import Session
from lodeline.node.tracing import NothingNamed, Sight, Traced, sight, trace_of, traced_data
from lodeline.node.workspace import Settings, Workspace

PIT, TRADER = MemberId("pit"), MemberId("trader")


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


class Mine:
    """A folder with a ledger on which ore was mined; how often the ledger was opened."""

    def __init__(self, folder: Path, ore: LotId) -> None:
        self.folder, self.ore = folder, ore
        self.workspace = Workspace(folder)
        self.opened = 0

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        self.opened += 1
        with at_work(self.folder, ManualClock(START), writable=False) as session:
            yield session

    def sight(
        self, member: MemberId = PIT, ring: Keyring | None = None
    ) -> AbstractContextManager[Sight]:
        keys = ring or Keyring(self.workspace, same_for_all, SystemEntropy())
        return sight(self.workspace, keys, member, self._reading)

    def ask(self, find: Callable[[Sight], Traced], member: MemberId = PIT) -> Traced:
        with self.sight(member) as seen:
            assert list(seen.ignored) == []
            return find(seen)


@pytest.fixture
def mine(tmp_path: Path) -> Mine:
    folder = tmp_path / "home"
    with mining_bench(folder) as bench:
        ore = bench.mined()
    return Mine(folder, ore.lot_id)


def test_the_ledger_is_opened_for_a_vault_that_is_behind_and_not_again(mine: Mine) -> None:
    def find(seen: Sight) -> Traced:
        return seen.trace(mine.ore.hex()[:12])

    first = mine.ask(find)
    before = mine.opened
    assert before <= 1
    again = mine.ask(find)
    assert mine.opened == before
    assert traced_data(again) == traced_data(first)
    with (
        at_work(mine.folder, ManualClock(START), writable=False) as session,
        holding(session, PIT) as own,
    ):
        opened = trace_of(own, mine.ore.hex()[:12])
    assert traced_data(opened) == traced_data(first)
    assert set(first.contents) == set(first.lineage.lots)


def test_what_another_member_has_in_his_vault_is_not_told(mine: Mine) -> None:
    found = mine.ask(lambda seen: seen.trace(mine.ore.hex()), TRADER)
    assert found.contents == {}
    assert len(found.lineage.lots) == 3


def test_a_validator_that_has_more_makes_the_copy_be_opened(
    mine: Mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.ask(lambda seen: seen.trace(mine.ore.hex()))
    before, asked = mine.opened, list[int]()
    for answer, opened in ((False, before), (True, before + 1)):

        def newer(_: Workspace, size: int, says: bool = answer) -> bool:
            asked.append(size)
            return says

        monkeypatch.setattr(tracing, "has_newer", newer)
        mine.ask(lambda seen: seen.trace(mine.ore.hex()))
        assert mine.opened == opened
    with mine.sight() as seen:
        assert set(asked) == {seen.book.size}


class _Said:
    """What a validator says of itself."""

    def __init__(self, signed: int) -> None:
        self.signed = signed


class _Validators:
    """Validators that say how much they have signed."""

    def __init__(self, *signed: int) -> None:
        self._signed = signed
        self.closed = False

    def each(self, question: Callable[[ValidatorClient], object]) -> Iterator[_Said]:
        del question
        return (_Said(size) for size in self._signed)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("signed", "is_newer"), [((), False), ((5, 6), False), ((5, 7), True), ((7,), True)]
)
def test_whether_a_validator_has_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: tuple[int, ...], is_newer: bool
) -> None:
    workspace = Workspace(tmp_path)
    assert not has_newer(workspace, 6)  # a ledger of its own
    workspace.keep_settings(Settings(validators=("https://one.example",)))
    validators = _Validators(*signed)
    monkeypatch.setattr(membership, "_validators", lambda _: validators)
    assert has_newer(workspace, 6) is is_newer
    assert validators.closed


def test_a_wrong_passphrase_opens_nothing(mine: Mine) -> None:
    mine.ask(lambda seen: seen.trace(mine.ore.hex()))
    wrong = Keyring(mine.workspace, lambda _: Passphrase.typed("another one"), SystemEntropy())
    with pytest.raises(KeystoreNotOpened), mine.sight(PIT, wrong):
        raise AssertionError


# ------------------------------------------------------------------ names


def test_names(mine: Mine) -> None:
    with mine.sight() as seen:
        assert seen.lot(mine.ore.hex().upper()) == mine.ore
        assert seen.lot(mine.ore.hex()[:6]) == mine.ore
        for name in ("", "no such thing", "f" * 64, "0x12"):
            with pytest.raises(NothingNamed) as nothing:
                seen.lot(name)
            assert nothing.value.name == name
        with pytest.raises(LotPrefixAmbiguous) as short:
            seen.lot(mine.ore.hex()[:5])
        assert short.value.matching == 1
        assert mine.ore in seen.impact("kolwezi-pit").lineage.lots


def test_a_bounded_answer_is_the_nearest(mine: Mine) -> None:
    found = mine.ask(lambda seen: seen.trace(mine.ore.hex(), Bounds(10, 0)))
    data = traced_data(found)
    assert list(found.lineage.lots) == [mine.ore]
    assert (data["complete"], data["cut"]) == (False, [mine.ore.hex()])
    assert data["total"] == {"lots": 3, "steps": 3}
    assert data["ends"] == [mine.ore.hex()]


def test_many_contents_are_the_same_as_few(mine: Mine, monkeypatch: pytest.MonkeyPatch) -> None:
    few = mine.ask(lambda seen: seen.trace(mine.ore.hex()))
    monkeypatch.setattr(contents, "_FEW", 0)
    many = mine.ask(lambda seen: seen.trace(mine.ore.hex()))
    assert dict(many.contents) == dict(few.contents)
    assert many.contents


def test_goods_of_which_the_vault_knows_nothing(mine: Mine) -> None:
    with mine.sight() as seen:
        assert goods_of_lots(seen.vault) == {}
        with pytest.raises(GoodsNotOnLedger) as unknown:
            lots_of_goods(seen.vault, "urn:epc:id:sgtin:4012345.011111.9")
    assert unknown.value.goods == "urn:epc:id:sgtin:4012345.011111.9"
