"""Opening: what is stored is taken in only where it is sound, and gives the same roots again."""

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from tests.engine.ledgers import SetClock, accepted, anchors, busy, founded, opened
from tests.ledger.world import World, fingerprint

from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.engine.refusals import (
    LedgerDamaged,
    LedgerIncomplete,
    LedgerMissing,
    LedgerNeedsMigration,
    LedgerNotRead,
    LedgerVersionUnknown,
    NotALedger,
    PartDamaged,
    PartsGiveOtherState,
    PartWithoutBlock,
)
from lodeline.engine.schema import MIGRATIONS, check_layout, layout_of, migrate
from lodeline.engine.store import Store, StoredPart, part_digest
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.snapshot import PartNotRead, PartOutOfPlace

FEW = Tuning(block_entries=4, part_entries=8)
"""Blocks and parts so small that a test has many of them."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(scope="module")
def world() -> World:
    return busy()


def again(path: Path, tuning: Tuning = FEW, *, writable: bool = True) -> EmbeddedLedger:
    return opened(path, writable=writable, tuning=tuning)


def execute(path: Path, statement: str, *values: object) -> None:
    """Write to the file of a closed ledger behind its back."""
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def stored_parts(path: Path) -> list[StoredPart]:
    store = Store(path, writable=False)
    found = list(store.parts())
    store.close()
    return found


def check_whole(ledger: EmbeddedLedger, world: World) -> None:
    """Everything that decides about an entry is as it was, not only what the root covers."""
    assert fingerprint(ledger.state()) == fingerprint(world.state)
    assert ledger.size == len(world.log)
    leaves = list(ledger.entries(LeafIndex(0), ledger.size))
    assert len(leaves) == len(world.log)


# ------------------------------------------------------------------ sound files


def test_a_closed_ledger_opens_without_applying_an_entry_again(path: Path, world: World) -> None:
    ledger = founded(path, world, FEW)
    ledger.close()
    found = again(path)
    assert found.opened.replayed == 0
    assert found.opened.ignored == ()
    assert found.opened.size == len(world.log) > 20
    check_whole(found, world)
    found.close()


def test_a_ledger_that_was_not_closed_applies_what_no_part_has(path: Path, world: World) -> None:
    ledger = founded(path, world, FEW)
    reader = again(path, writable=False)
    kept = stored_parts(path)[-1].size
    assert 0 < reader.opened.replayed == reader.size - kept
    check_whole(reader, world)
    reader.close()
    ledger.close()


def test_roots_are_equal_however_often_it_is_opened(path: Path, world: World) -> None:
    clock, roots = SetClock(), set()
    for data, clock.moment in world.log:
        ledger = opened(path, clock, tuning=FEW)
        assert ledger.opened.replayed == 0
        accepted(ledger.submit([data]))
        roots.add(ledger.state().root)
        ledger.close()
    assert len(roots) == len(world.log)
    parts = stored_parts(path)
    sizes = [part.size - part.first for part in parts]
    assert all(size == FEW.part_entries for size in sizes[:-1])
    reader = again(path, writable=False)
    check_whole(reader, world)
    reader.close()


def test_parts_join_and_only_the_last_is_short(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    parts = stored_parts(path)
    assert len(parts) > 3
    for before, after in pairwise(parts):
        assert int(before.size) == int(after.first)
    assert all(part.size - part.first >= FEW.part_entries for part in parts[:-1])
    assert parts[-1].size == len(world.log)


def test_storing_the_state_twice_and_going_on_leaves_one_chain(path: Path, world: World) -> None:
    ledger = founded(path, world, FEW)
    ledger.snapshot()
    ledger.snapshot()
    accepted(ledger.submit(anchors(world, range(3))))
    ledger.snapshot()
    accepted(ledger.submit(anchors(world, range(3, 30))))
    root = ledger.state().root
    ledger.close()
    found = again(path)
    assert (found.opened.replayed, found.opened.ignored) == (0, ())
    assert found.state().root == root
    found.close()


def test_a_stored_state_leaves_everything_in_the_one_file(path: Path, world: World) -> None:
    ledger = founded(path, world, FEW)
    ledger.snapshot()
    assert path.with_name(path.name + "-wal").stat().st_size == 0
    copied = path.with_name("copy.db")
    copied.write_bytes(path.read_bytes())
    copy = again(copied)
    assert copy.opened.replayed == 0
    check_whole(copy, world)
    copy.close()
    ledger.close()


def test_entries_are_decided_the_same_after_opening(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    found = again(path)
    for data, _ in world.log:
        assert isinstance(found.submit([data])[0], LodelineError)
    assert found.size == len(world.log)
    accepted(found.submit(anchors(world, range(2))))
    found.close()


def test_many_entries_open_from_their_parts(path: Path) -> None:
    """The short form of opening a large ledger; `bench ledger` measures the long one."""
    world = World()
    ledger = founded(path, world)
    accepted(ledger.submit(anchors(world, range(2_500))))
    root = ledger.state().root
    ledger.close()
    found = opened(path)
    assert (found.opened.replayed, found.opened.ignored) == (0, ())
    assert found.state().root == root
    assert len(stored_parts(path)) == 3
    found.close()


# ------------------------------------------------------------------ parts that are not used


def expect_ignored(path: Path, world: World, error: type[LodelineError], replayed: int) -> None:
    """Opening says why a part was not used, loses nothing, and writes the part again."""
    found = again(path)
    (reason,) = found.opened.ignored
    assert type(reason) is error
    assert found.opened.replayed == replayed
    check_whole(found, world)
    found.close()
    healed = again(path)
    assert (healed.opened.replayed, healed.opened.ignored) == (0, ())
    check_whole(healed, world)
    healed.close()


def put_part(path: Path, part: StoredPart, data: bytes) -> None:
    """Replace a part by other bytes, with the digest that belongs to them."""
    digest = part_digest(part.first, part.size, data)
    statement = "UPDATE state_parts SET part = ?, digest = ? WHERE first = ?"
    execute(path, statement, data, digest, part.first)


def test_a_part_with_a_flipped_bit_is_made_again(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    second = stored_parts(path)[1]
    flipped = bytes([second.part[0] ^ 1]) + second.part[1:]
    execute(path, "UPDATE state_parts SET part = ? WHERE first = ?", flipped, second.first)
    expect_ignored(path, world, PartDamaged, len(world.log) - second.first)


def test_a_part_that_is_no_part_is_made_again(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    last = stored_parts(path)[-1]
    put_part(path, last, last.part[:-1])
    expect_ignored(path, world, PartNotRead, len(world.log) - last.first)


def test_a_missing_part_ends_what_is_used(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    second = stored_parts(path)[1]
    execute(path, "DELETE FROM state_parts WHERE first = ?", second.first)
    expect_ignored(path, world, PartOutOfPlace, len(world.log) - second.first)


def test_a_lost_block_is_named(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    last = stored_parts(path)[-1]
    execute(path, "DELETE FROM blocks WHERE size = ?", last.size)
    with pytest.raises(LedgerIncomplete):
        again(path)


def test_a_part_stored_under_another_size_is_not_used(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    last = stored_parts(path)[-1]
    digest = part_digest(last.first, TreeSize(last.size - 1), last.part)
    statement = "UPDATE state_parts SET size = ?, digest = ? WHERE first = ?"
    execute(path, statement, last.size - 1, digest, last.first)
    expect_ignored(path, world, PartWithoutBlock, len(world.log) - last.first)


def test_an_operator_who_hides_a_recall_in_a_part_is_found_out(path: Path, world: World) -> None:
    """The digest fits; the root that the members signed does not."""
    founded(path, world, FEW).close()
    changed = 0
    for part in stored_parts(path):
        hidden = part.part.replace(b"\x69suspended", b"\x66active")
        if hidden != part.part:
            put_part(path, part, hidden)
            changed += 1
    assert changed == 1
    expect_ignored(path, world, PartsGiveOtherState, len(world.log))


# ------------------------------------------------------------------ files that are refused


def test_a_leaf_that_was_changed_is_named_when_it_is_applied_again(
    path: Path, world: World
) -> None:
    founded(path, world, FEW).close()
    execute(path, "DELETE FROM state_parts")
    execute(path, "UPDATE leaves SET leaf = ? WHERE leaf_index = 3", b"\x00")
    with pytest.raises(LodelineError):
        again(path)


@pytest.mark.parametrize("column", ["log_root", "state_root"])
def test_a_root_that_was_changed_is_named(path: Path, world: World, column: str) -> None:
    founded(path, world, FEW).close()
    statement = f"UPDATE blocks SET {column} = zeroblob(32) WHERE size = ?"
    execute(path, statement, len(world.log))
    with pytest.raises(LedgerDamaged) as caught:
        again(path)
    assert caught.value.what == column.replace("_", " ")
    assert caught.value.stored == bytes(32)


@pytest.mark.parametrize("table", ["leaf_hashes", "blocks"])
def test_a_row_that_is_gone_is_named(path: Path, world: World, table: str) -> None:
    founded(path, world, FEW).close()
    order = "leaf_index" if table == "leaf_hashes" else "height"
    execute(path, f"DELETE FROM {table} WHERE {order} = (SELECT max({order}) FROM {table})")
    with pytest.raises(LedgerIncomplete) as caught:
        again(path)
    assert caught.value.expected != caught.value.got


def test_a_lost_leaf_is_named(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    execute(path, "DELETE FROM state_parts")
    last = len(world.log) - 1
    execute(path, "DELETE FROM leaves WHERE leaf_index = ?", last)
    with pytest.raises(LedgerIncomplete) as caught:
        again(path)
    assert (caught.value.expected, caught.value.got) == (last + 1, last)


def test_a_reader_finds_no_ledger(path: Path) -> None:
    with pytest.raises(LedgerMissing) as caught:
        again(path, writable=False)
    assert caught.value.path == str(path)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerNotRead):
        again(tmp_path / "nowhere" / "ledger.db")


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_of_something_else_is_refused_and_left_alone(path: Path, *, writable: bool) -> None:
    path.write_bytes(b"date;lot;weight\n" * 1_000)
    before = path.read_bytes()
    with pytest.raises(NotALedger):
        again(path, writable=writable)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (number INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotALedger):
        again(path)
    assert path.read_bytes() == before


def test_an_empty_file_is_no_ledger_to_read_and_becomes_one_to_write(path: Path) -> None:
    path.touch()
    with pytest.raises(NotALedger):
        again(path, writable=False)
    again(path).close()
    again(path, writable=False).close()


def test_a_later_layout_is_refused_and_left_alone(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    for writable in (True, False):
        with pytest.raises(LedgerVersionUnknown) as caught:
            again(path, writable=writable)
        assert caught.value.found == caught.value.known + 1


def test_a_refused_opening_leaves_no_lock(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    statement = "UPDATE blocks SET log_root = ? WHERE size = ?"
    execute(path, statement, bytes(32), len(world.log))
    for _ in range(2):
        with pytest.raises(LedgerDamaged):
            again(path)


# ------------------------------------------------------------------ migrations


NEXT = (*MIGRATIONS, ("CREATE TABLE more (number INTEGER PRIMARY KEY) STRICT",))


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_a_migration_adds_to_what_is_there(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    connection = connected(path)
    migrate(connection, str(path), NEXT)
    assert layout_of(connection, str(path)) == len(NEXT)
    assert connection.execute("SELECT count(*) FROM leaves").fetchone() == (len(world.log),)
    migrate(connection, str(path), NEXT)
    with pytest.raises(LedgerVersionUnknown):
        migrate(connection, str(path))
    connection.close()


def test_a_migration_that_fails_leaves_the_old_layout(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    broken = (*MIGRATIONS, ("CREATE TABLE more (number INTEGER) STRICT", "CREATE TABLE leaves (x)"))
    connection = connected(path)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, str(path), broken)
    connection.close()
    found = again(path)
    check_whole(found, world)
    found.close()


def test_whoever_reads_an_earlier_layout_is_told_to_write_first(path: Path, world: World) -> None:
    founded(path, world, FEW).close()
    connection = connected(path)
    check_layout(connection, str(path))
    with pytest.raises(LedgerNeedsMigration) as caught:
        check_layout(connection, str(path), NEXT)
    assert (caught.value.found, caught.value.known) == (len(MIGRATIONS), len(NEXT))
    connection.close()
