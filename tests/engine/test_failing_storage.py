"""A disk that refuses: nothing is acknowledged that is not there, and memory never runs ahead."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.ledgers import accepted, anchors, founded, opened, refusal, signers_of
from tests.ledger.world import World, fingerprint

from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.engine.refusals import (
    LedgerMustReopen,
    LedgerNotRead,
    LedgerNotWritten,
    LedgerReadOnly,
)
from lodeline.engine.store import Block, Height, Store
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import LeafIndex, TreeSize


class Failing(sqlite3.Connection):
    """Refuses a statement, before or after it was done."""

    fails_at: tuple[str, bool] | None = None
    """Beginning of the statement, and whether it is done all the same."""
    spared = 0
    """How many times the statement is still done."""

    def _do(self, statement: str, do: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        wanted = type(self).fails_at
        if wanted is None or not statement.startswith(wanted[0]):
            return do()
        if type(self).spared:
            type(self).spared -= 1
            return do()
        if wanted[1]:
            do()
        message = "disk I/O error"
        raise sqlite3.OperationalError(message)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._do(statement, lambda: super(Failing, self).execute(statement, *values))

    def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._do(statement, lambda: super(Failing, self).executemany(statement, *values))


FAILING = Tuning(block_entries=4, part_entries=4, connection=Failing)


@pytest.fixture(autouse=True)
def working() -> None:
    Failing.fails_at, Failing.spared = None, 0


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def path(tmp_path: Path, world: World) -> Path:
    path = tmp_path / "ledger.db"
    founded(path, world).close()
    return path


@pytest.fixture
def ledger(path: Path, world: World) -> EmbeddedLedger:
    opened_ledger = opened(path, signers=signers_of(world, "miner"), tuning=FAILING)
    accepted(opened_ledger.submit(anchors(world, range(100, 104))))
    return opened_ledger


STATEMENTS = ("BEGIN", "INSERT INTO leaves", "INSERT INTO leaf_hashes", "INSERT INTO blocks")


@pytest.mark.parametrize("statement", [*STATEMENTS, "INSERT OR REPLACE INTO checkpoints"])
@pytest.mark.parametrize("done", [False, True])
def test_a_statement_that_fails_leaves_nothing_and_can_be_repeated(
    ledger: EmbeddedLedger, path: Path, world: World, statement: str, *, done: bool
) -> None:
    before, size = fingerprint(ledger.state()), ledger.size
    Failing.fails_at = (statement, done)
    for answer in ledger.submit(anchors(world, range(3))):
        refused = refusal(answer, LedgerNotWritten)
        assert (refused.path, refused.reason) == (str(path), "disk I/O error")
    assert fingerprint(ledger.state()) == before
    assert ledger.size == size
    Failing.fails_at = None
    receipts = accepted(ledger.submit(anchors(world, range(3))))
    assert [receipt.index for receipt in receipts] == [size, size + 1, size + 2]
    ledger.close()


@pytest.mark.parametrize("done", [False, True])
def test_after_a_commit_that_fails_the_ledger_is_opened_again(
    ledger: EmbeddedLedger, path: Path, world: World, *, done: bool
) -> None:
    """Whether the disk has the block, only the disk knows."""
    before = ledger.size
    Failing.fails_at = ("COMMIT", done)
    for answer in ledger.submit(anchors(world, range(3))):
        assert refusal(answer, LedgerMustReopen).path == str(path)
    Failing.fails_at = None
    assert ledger.size == before
    with pytest.raises(LedgerMustReopen):
        ledger.submit(anchors(world, range(3)))
    with pytest.raises(LedgerMustReopen):
        ledger.snapshot()
    ledger.close()
    again = opened(path)
    assert again.size == before + 3 * done
    again.close()


def test_what_was_durable_before_the_failure_has_its_receipts(
    ledger: EmbeddedLedger, world: World
) -> None:
    """Ten entries are three blocks; the storage fails in the second."""
    before = ledger.size
    Failing.fails_at, Failing.spared = ("INSERT INTO blocks", False), 1
    answers = ledger.submit(anchors(world, range(10)))
    assert len(accepted(answers[:4])) == 4
    assert [type(answer) for answer in answers[4:]] == [LedgerNotWritten] * 6
    assert ledger.size == before + 4
    ledger.close()


def test_a_state_that_cannot_be_stored_is_named_and_the_file_released(
    ledger: EmbeddedLedger, path: Path, world: World
) -> None:
    accepted(ledger.submit(anchors(world, range(2))))
    size, root = ledger.size, ledger.state().root
    Failing.fails_at = ("INSERT INTO state_parts", False)
    with pytest.raises(LedgerNotWritten):
        ledger.close()
    Failing.fails_at = None
    again = opened(path)
    assert (again.size, again.state().root) == (size, root)
    assert again.opened.replayed > 0
    again.close()


def test_a_note_that_cannot_be_stored_stops_no_entry(ledger: EmbeddedLedger, world: World) -> None:
    note = ledger.signed_checkpoint()
    accepted(ledger.submit(anchors(world, range(1))))
    Failing.fails_at = ("BEGIN", False)
    assert ledger.keep_checkpoint(note) == note  # known already, so nothing is written
    Failing.fails_at = None
    accepted(ledger.submit(anchors(world, range(1, 2))))
    ledger.close()


def test_a_read_that_fails_is_named(ledger: EmbeddedLedger, path: Path) -> None:
    Failing.fails_at = ("SELECT", False)
    with pytest.raises(LedgerNotRead) as caught:
        ledger.leaf(LeafIndex(0))
    assert (caught.value.path, caught.value.reason) == (str(path), "disk I/O error")
    Failing.fails_at = None
    assert ledger.leaf(LeafIndex(0))
    ledger.close()


def test_an_opening_that_fails_gives_the_file_back(path: Path) -> None:
    for statement in ("PRAGMA application_id", "PRAGMA journal_mode", "SELECT", "BEGIN"):
        Failing.fails_at = (statement, False)
        with pytest.raises(LedgerNotRead):
            opened(path, tuning=FAILING)
    Failing.fails_at = None
    opened(path, tuning=FAILING).close()


def test_the_disk_is_waited_for(path: Path) -> None:
    """Without these two, a block could be acknowledged and be gone after a power cut."""
    seen: dict[str, object] = {}

    class Asked(sqlite3.Connection):
        def close(self) -> None:
            for name in ("journal_mode", "synchronous"):
                (seen[name],) = self.execute(f"PRAGMA {name}").fetchone()
            super().close()

    opened(path, tuning=Tuning(connection=Asked)).close()
    assert seen == {"journal_mode": "wal", "synchronous": 2}


def test_a_store_that_reads_takes_no_block(path: Path) -> None:
    store = Store(path, writable=False)
    first = LeafIndex(store.size())
    root = Hash32(bytes(32))
    block = Block(Height(99), first, TreeSize(first + 1), BlockTime(0), root, root)
    with pytest.raises(LedgerReadOnly):
        store.append(block, [])
    store.close()
