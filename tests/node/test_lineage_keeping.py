"""The lineage of a folder goes as far as its ledger, whatever became of the file beside it."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.ledger.world import World

from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import PartDamaged
from lodeline.kernel.ids import LotId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.log import Verify
from lodeline.lineage.file import LineageFileDamaged
from lodeline.lineage.graph import Graph, NotInLog
from lodeline.node import lineage_keeping
from lodeline.node.lineage_keeping import (
    LineageBusy,
    LineageKeeper,
    LineageOfAnotherLog,
    lineage_file,
)
from lodeline.node.workspace import Workspace
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

RECIPES = ("grant-licence", "mine-copper-cobalt", "blend", "split", "sale", "store")


def believe(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Lots of these logs are of paper; nothing is proved."""
    return tuple(Verdict(task.key, None, seal=batch._SEAL) for task in tasks)


@contextmanager
def believing() -> Iterator[Verify]:
    yield believe


class Home:
    """A folder with a ledger of paper lots, and the state that it has."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.workspace = Workspace(folder)
        self.world = World(*RECIPES)
        self.licence = self.world.granted()
        self.written = 0
        self.write()

    def now(self) -> BlockTime:
        return self.world.now

    def ledger(self) -> EmbeddedLedger:
        tuning = Tuning(part_entries=4)
        return EmbeddedLedger(self.workspace.ledger, self, verify=believe, tuning=tuning)

    def write(self, ledger: EmbeddedLedger | None = None) -> None:
        """Write what the world has beyond the ledger."""
        with closing(self.ledger()) if ledger is None else _kept_open(ledger) as opened:
            for data, _ in self.world.log[self.written :]:
                (answer,) = opened.submit([data])
                assert isinstance(answer, Receipt), answer
        self.written = len(self.world.log)

    def mine(self) -> LotId:
        """Mine, split and blend; return the blend."""
        made = [self.world.ore(), self.world.licence()]
        ore, self.licence = self.world.does("mine-copper-cobalt", [self.licence], made)
        halves = self.world.does("split", [ore], [self.world.ore(), self.world.ore()])
        (blend,) = self.world.does("blend", halves, [self.world.ore()])
        return blend

    @property
    def file(self) -> Path:
        return lineage_file(self.workspace)

    def told(self, keeper: LineageKeeper) -> None:
        """Hold what a keeper tells against the graph."""
        graph = Graph(self.world.state)
        lots = graph.matching("")
        assert len(lots) > 4
        with keeper.reading() as book:
            assert keeper.is_current
            assert tuple(book.matching("")) == lots
            for lot in lots:
                up, down = book.upstream(lot).lineage, book.downstream([lot]).lineage
                assert (dict(up.lots), dict(up.steps)) == (
                    dict(graph.upstream(lot).lots),
                    dict(graph.upstream(lot).steps),
                )
                assert dict(down.lots) == dict(graph.downstream([lot]).lots)


@contextmanager
def _kept_open(ledger: EmbeddedLedger) -> Iterator[EmbeddedLedger]:
    yield ledger


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(lineage_keeping, "proof_workers", believing)
    home = Home(tmp_path / "home")
    home.mine()
    home.write()
    return home


@pytest.fixture
def kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same with a file, which is written at every occasion."""
    monkeypatch.setattr(lineage_keeping, "_WORTH_KEEPING", 1)
    home.told(LineageKeeper(home.workspace))
    assert home.file.is_file()
    return home


def never(*_: object, **__: object) -> None:
    raise AssertionError


def test_it_is_read_off_the_parts_without_opening_the_ledger(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage_keeping, "EmbeddedLedger", never)
    keeper = LineageKeeper(home.workspace)
    home.told(keeper)
    for _ in range(3):
        home.mine()
        home.write()
        home.told(keeper)
    assert keeper.ignored == []
    assert not home.file.exists()  # few entries are read again as quickly


def test_with_a_file_not_even_the_parts_are_read(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage_keeping, "read_part", never)
    keeper = LineageKeeper(kept.workspace)
    kept.told(keeper)
    assert keeper.ignored == []


def test_what_came_after_the_file_is_added_and_kept(kept: Home) -> None:
    before = kept.file.read_bytes()
    kept.mine()
    kept.write()
    kept.told(LineageKeeper(kept.workspace))
    assert kept.file.read_bytes() != before
    kept.told(LineageKeeper(kept.workspace))


def test_a_recall_and_its_lifting_reach_the_book(kept: Home) -> None:
    world, keeper = kept.world, LineageKeeper(kept.workspace)
    blend = kept.mine()
    kept.write()
    kept.told(keeper)
    world.apply(world.recall("audit-a", blend))
    kept.write()
    kept.told(keeper)
    with keeper.reading() as book:
        assert [node.lot for node in book.upstream(blend).lineage.lots.values() if node.recalled]


# ------------------------------------------------------------------ files that are not the ledger's


def test_a_damaged_file_is_named_and_made_anew(kept: Home) -> None:
    right = kept.file.read_bytes()
    for at in range(44, len(right), len(right) // 25):
        changed = bytearray(right)
        changed[at] ^= 255
        kept.file.write_bytes(changed)
        keeper = LineageKeeper(kept.workspace)
        kept.told(keeper)
        assert {type(refusal) for refusal in keeper.ignored} <= {LineageFileDamaged}
        assert kept.file.read_bytes() in (right, bytes(changed))
    kept.file.write_bytes(right[: len(right) // 2])
    keeper = LineageKeeper(kept.workspace)
    kept.told(keeper)
    assert [type(refusal) for refusal in keeper.ignored] == [LineageFileDamaged]
    assert kept.file.read_bytes() == right


def test_the_file_of_another_ledger_is_named_and_made_anew(kept: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.mine()
    other.write()
    other.told(LineageKeeper(other.workspace))
    shutil.copy(other.file, kept.file)
    keeper = LineageKeeper(kept.workspace)
    kept.told(keeper)
    assert [type(refusal) for refusal in keeper.ignored] == [LineageOfAnotherLog]
    kept.told(LineageKeeper(kept.workspace))


def test_an_older_ledger_under_a_newer_file_is_not_answered_from_it(kept: Home) -> None:
    older = kept.workspace.ledger.read_bytes()
    newest = kept.mine()
    kept.write()
    keeper = LineageKeeper(kept.workspace)
    kept.told(keeper)
    kept.workspace.ledger.write_bytes(older)
    fresh = LineageKeeper(kept.workspace)
    for asked in (fresh, keeper):
        with asked.reading() as book, pytest.raises(NotInLog):
            book.upstream(newest)
    assert [type(refusal) for refusal in fresh.ignored] == [LineageOfAnotherLog]


def test_a_file_that_cannot_be_written_stops_nobody(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage_keeping, "_WORTH_KEEPING", 1)
    home.file.mkdir()
    said: list[str] = []
    keeper = LineageKeeper(home.workspace, lambda refusal: said.append(refusal.code))
    for _ in range(3):
        home.told(keeper)
    assert set(said) == {"durable-file-failed"}
    assert [refusal.code for refusal in keeper.ignored] == said
    assert len(said) == 2  # to open it, and to write it: once, until there is more to write


# ------------------------------------------------------------------ parts that are not there


def test_a_damaged_part_makes_the_ledger_be_opened(home: Home) -> None:
    with closing(sqlite3.connect(home.workspace.ledger)) as ledger, ledger:
        ledger.execute(
            "UPDATE state_parts SET part = zeroblob(length(part)) "
            "WHERE first = (SELECT max(first) FROM state_parts)"
        )
    keeper = LineageKeeper(home.workspace)
    with keeper.reading() as book:
        assert not keeper.is_current
        assert book.size == 0
    assert [type(refusal) for refusal in keeper.ignored] == [PartDamaged]
    home.told(keeper)
    home.told(LineageKeeper(home.workspace))  # from the file, which goes beyond the part


def test_while_somebody_writes_it_goes_as_far_as_the_parts(home: Home) -> None:
    keeper = LineageKeeper(home.workspace)
    with closing(home.ledger()) as writer:
        blend = home.mine()
        home.write(writer)
        with keeper.reading() as book:
            assert not keeper.is_current
            assert 0 < book.size < keeper.log_size == writer.size
            with pytest.raises(NotInLog):
                book.upstream(blend)
        another = home.mine()
        home.write(writer)
        with keeper.reading() as book, pytest.raises(NotInLog):
            book.upstream(another)  # somebody is at it: the ledger is not opened
        with keeper.reading() as book:  # nobody has been since
            assert book.size == keeper.log_size
            assert book.upstream(another).lots > 4
        home.mine()
        home.write(writer)
        keeper.catch_up(writer)
        home.told(keeper)
    home.told(LineageKeeper(home.workspace))


def test_nothing_there(tmp_path: Path) -> None:
    keeper = LineageKeeper(Workspace(tmp_path))
    with keeper.reading() as book:
        assert book.size == 0
    assert not keeper.is_current


def test_nobody_waits_for_long(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service has few threads, and reading a long ledger takes minutes."""
    monkeypatch.setattr(lineage_keeping, "_PATIENCE_SECONDS", 0.01)
    keeper, refused = LineageKeeper(home.workspace), list[LineageBusy]()

    def ask() -> None:
        try:
            with keeper.reading():
                pass
        except LineageBusy as busy:
            refused.append(busy)

    with keeper.reading():
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    assert [busy.status for busy in refused] == [503]
    home.told(keeper)


def test_several_threads_ask_while_somebody_writes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage_keeping, "_PATIENCE_SECONDS", 60.0)
    keeper, failed = LineageKeeper(home.workspace), list[BaseException]()
    lots = Graph(home.world.state).matching("")

    def ask() -> None:
        try:
            for _ in range(20):
                with keeper.reading() as book:
                    assert book.downstream(lots).lots >= len(lots)
        except BaseException as failure:  # noqa: BLE001 - told by the test
            failed.append(failure)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        home.mine()
        home.write()
    for thread in threads:
        thread.join()
    assert failed == []
    home.told(keeper)
