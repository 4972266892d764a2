"""`fsck` names each fault that a disk, or an operator, can put into the file of a ledger."""

from pathlib import Path

import pytest
from tests.engine.ledgers import (
    accepted,
    anchors,
    believe,
    busy,
    founded,
    opened,
    policy_of,
    signers_of,
)
from tests.engine.test_opening import FEW, execute, put_part, stored_parts
from tests.ledger.world import World

from lodeline.engine.faults import (
    BlockOutOfPlace,
    CheckpointFault,
    DatabaseDamaged,
    EntryFault,
    HashWithoutLeaf,
    LeafHashDiffers,
    LeafMissing,
    LeafNotOfBlock,
    LeafTimeDiffers,
    RootDiffers,
    StateFault,
)
from lodeline.engine.fsck import MAX_FAULTS, FsckReport, FsckRequest, fsck
from lodeline.engine.refusals import LedgerMissing, LedgerNotRead, NotALedger
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import decode_entry
from lodeline.ledger.log import Leaf
from lodeline.ledger.merkle import leaf_hash

THOROUGH = FsckRequest(from_nothing=True, verify=believe)


@pytest.fixture(scope="module")
def world() -> World:
    return busy()


@pytest.fixture
def path(tmp_path: Path, world: World) -> Path:
    """Return the file of a sound ledger with parts, and with checkpoints of some blocks."""
    path = tmp_path / "ledger.db"
    founded(path, world, FEW).close()
    ledger = opened(path, signers=signers_of(world, "miner"), tuning=FEW)
    accepted(ledger.submit(anchors(world, range(9))))
    ledger.close()
    return path


def entries_of(world: World) -> int:
    return len(world.log) + 9


def only(report: FsckReport, error: type[LodelineError], **fields: object) -> None:
    """Expect exactly one fault, of this class and with these fields."""
    assert [type(fault) for fault in report.faults] == [error]
    known = report.faults[0].fields()
    assert {name: known[name] for name in fields} == fields


def test_a_sound_file_is_clean(path: Path, world: World) -> None:
    report = fsck(path)
    assert report.faults == ()
    assert report.is_clean
    assert report.entries == entries_of(world)
    assert (report.applied, report.proofs) == (0, 0)
    assert report.parts == len(stored_parts(path)) > 3
    assert report.checkpoints == 3
    assert report.blocks > 3


def test_from_nothing_everything_is_applied_and_every_proof_verified(
    path: Path, world: World
) -> None:
    told: list[tuple[int, int]] = []
    request = FsckRequest(
        from_nothing=True,
        verify=believe,
        policy=policy_of(world, 1, "miner"),
        progress=lambda done, of: told.append((done, of)),
    )
    report = fsck(path, request)
    assert report.is_clean
    assert report.applied == entries_of(world)
    assert report.proofs > 5
    assert told == sorted(told)
    assert told[-1] == (entries_of(world), entries_of(world))


def test_it_looks_beside_a_writer(path: Path, world: World) -> None:
    ledger = opened(path, tuning=FEW)
    accepted(ledger.submit(anchors(world, range(20, 23))))
    report = fsck(path)
    assert report.is_clean
    assert report.applied == 3
    ledger.close()


def test_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing):
        fsck(tmp_path / "ledger.db")
    (tmp_path / "ledger.db").write_bytes(b"something else entirely" * 100)
    only(fsck(tmp_path / "ledger.db"), NotALedger)


# ------------------------------------------------------------------ leaves and hashes


def test_a_changed_leaf(path: Path) -> None:
    execute(path, "UPDATE leaves SET leaf = x'00' WHERE leaf_index = 5")
    report = fsck(path, THOROUGH)
    kinds = [type(fault) for fault in report.faults]
    assert kinds == [LeafHashDiffers, RootDiffers, EntryFault]
    assert report.faults[0].fields()["index"] == report.faults[2].fields()["index"] == 5


def test_a_changed_hash(path: Path) -> None:
    execute(path, "UPDATE leaf_hashes SET hash = zeroblob(32) WHERE leaf_index = 5")
    only(fsck(path), LeafHashDiffers, index=5, stored=bytes(32))


def test_a_missing_hash(path: Path) -> None:
    execute(path, "DELETE FROM leaf_hashes WHERE leaf_index = 5")
    only(fsck(path), LeafHashDiffers, index=5, stored=None)


def test_a_hash_of_nothing(path: Path, world: World) -> None:
    beyond = entries_of(world) + 3
    execute(path, "INSERT INTO leaf_hashes VALUES (?, zeroblob(32))", beyond)
    only(fsck(path), HashWithoutLeaf, index=beyond)


def test_a_hole_in_the_log(path: Path) -> None:
    execute(path, "DELETE FROM leaves WHERE leaf_index IN (5, 6)")
    report = fsck(path)
    only(report, LeafMissing, first=5, last=6)


def test_a_log_cut_off(path: Path, world: World) -> None:
    size = entries_of(world)
    execute(path, "DELETE FROM leaves WHERE leaf_index >= ?", size - 2)
    report = fsck(path)
    kinds = [type(fault) for fault in report.faults]
    assert kinds == [LeafMissing, HashWithoutLeaf, HashWithoutLeaf]
    assert report.faults[0].fields() == {"first": size - 2, "last": size - 1}


def test_an_entry_slipped_in_behind_the_last_block(path: Path, world: World) -> None:
    leaf = Leaf(decode_entry(anchors(world, range(99, 100))[0]), world.now).encode()
    size = entries_of(world)
    execute(path, "INSERT INTO leaves VALUES (?, ?)", size, leaf)
    execute(path, "INSERT INTO leaf_hashes VALUES (?, ?)", size, leaf_hash(leaf))
    only(fsck(path), LeafNotOfBlock, index=size)


def test_an_entry_under_a_number_far_away_does_not_make_it_run_for_ever(
    path: Path, world: World
) -> None:
    execute(path, "INSERT INTO leaves VALUES (?, x'00')", 2**62)
    only(fsck(path), LeafMissing, first=entries_of(world), last=2**62 - 1)


# ------------------------------------------------------------------ blocks and states


@pytest.mark.parametrize(
    ("column", "what"), [("height", "number"), ("first", "start"), ("time", "time")]
)
def test_a_block_out_of_place(path: Path, column: str, what: str) -> None:
    changed = {"height": "height + 1000", "first": "first - 1", "time": "time - 1000000"}
    statement = f"UPDATE blocks SET {column} = {changed[column]} WHERE size = ?"
    execute(path, statement, stored_parts(path)[-1].size)
    report = fsck(path)
    assert isinstance(report.faults[0], BlockOutOfPlace)
    assert report.faults[0].what == what


def test_a_changed_log_root_is_named_once(path: Path) -> None:
    execute(path, "UPDATE blocks SET log_root = zeroblob(32) WHERE height BETWEEN 4 AND 6")
    only(fsck(path), RootDiffers, what="log root", stored=bytes(32))


def test_a_changed_state_root_is_named(path: Path) -> None:
    execute(path, "UPDATE blocks SET state_root = zeroblob(32) WHERE height = 4")
    only(fsck(path, THOROUGH), RootDiffers, what="state root", stored=bytes(32))


def test_a_part_with_a_flipped_bit(path: Path) -> None:
    second = stored_parts(path)[1]
    flipped = bytes([second.part[0] ^ 1]) + second.part[1:]
    execute(path, "UPDATE state_parts SET part = ? WHERE first = ?", flipped, second.first)
    report = fsck(path, FsckRequest(verify=believe))
    only(report, StateFault, first=second.first, size=second.size, refusal="state-part-damaged")
    assert report.applied == report.entries - second.first


def test_a_part_that_hides_a_suspension(path: Path) -> None:
    for part in stored_parts(path):
        hidden = part.part.replace(b"\x69suspended", b"\x66active")
        if hidden != part.part:
            put_part(path, part, hidden)
    report = fsck(path, FsckRequest(verify=believe))
    only(report, StateFault, refusal="fault-root-differs")
    assert report.applied == report.entries


# ------------------------------------------------------------------ what no hash shows


def rewrite(path: Path, index: int, leaf: bytes) -> None:
    """Change a leaf with its hash, as an operator would who owns the file."""
    execute(path, "UPDATE leaves SET leaf = ? WHERE leaf_index = ?", leaf, index)
    execute(path, "UPDATE leaf_hashes SET hash = ? WHERE leaf_index = ?", leaf_hash(leaf), index)


def test_an_operator_who_moves_an_entry_in_time(path: Path, world: World) -> None:
    data, time = world.log[-1]
    index = len(world.log) - 1
    rewrite(path, index, Leaf(decode_entry(data), BlockTime(time + 1)).encode())
    kinds = [type(fault) for fault in fsck(path, THOROUGH).faults]
    assert kinds == [RootDiffers, LeafTimeDiffers, RootDiffers]


def test_an_operator_who_repeats_an_entry(path: Path, world: World) -> None:
    (data, time), index = world.log[-1], entries_of(world) - 1
    rewrite(path, index, Leaf(decode_entry(data), time).encode())
    report = fsck(path, THOROUGH)
    assert [type(fault) for fault in report.faults] == [RootDiffers, EntryFault]
    assert report.faults[1].fields() == {"index": index, "refusal": "entry-already-accepted"}


def test_a_checkpoint_of_another_log(path: Path, world: World) -> None:
    elsewhere = path.with_name("other.db")
    founded(elsewhere, world, FEW).close()
    other = opened(elsewhere, signers=signers_of(world, "miner"), tuning=FEW)
    accepted(other.submit(anchors(world, range(50, 59))))
    note = other.signed_checkpoint()
    other.close()
    execute(path, "UPDATE checkpoints SET note = ? WHERE size = ?", note, entries_of(world))
    only(fsck(path), CheckpointFault, refusal="checkpoint-not-of-this-log")


def test_a_checkpoint_signed_by_too_few(path: Path, world: World) -> None:
    request = FsckRequest(policy=policy_of(world, 2, "miner", "refiner"))
    report = fsck(path, request)
    assert len(report.faults) == 3
    for fault in report.faults:
        assert isinstance(fault, CheckpointFault)
        assert fault.refusal == "checkpoint-too-few-signatures"


# ------------------------------------------------------------------ a broken file


def test_a_file_that_is_all_damage_ends_with_a_count(path: Path, world: World) -> None:
    ledger = opened(path, tuning=FEW)
    accepted(ledger.submit(anchors(world, range(100, 300))))
    ledger.close()
    execute(path, "UPDATE leaf_hashes SET hash = zeroblob(32)")
    report = fsck(path)
    assert len(report.faults) == MAX_FAULTS
    assert report.unlisted == report.entries - MAX_FAULTS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_overwritten_pages_are_faults_and_never_an_exception(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    at = int(len(data) * share) // 4096 * 4096
    data[at : at + 4096] = bytes(4096)
    path.write_bytes(data)
    report = fsck(path, THOROUGH)
    assert not report.is_clean
    assert isinstance(report.faults[0], (DatabaseDamaged, LedgerNotRead))


def test_a_file_cut_short_is_a_fault(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert not fsck(path).is_clean
