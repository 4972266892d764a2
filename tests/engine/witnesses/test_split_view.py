"""A log that shows one history to one witness and another to a second one, and is found out."""

from pathlib import Path

import pytest
from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, a_witness

from lodeline.engine.published_log import PublishedLog, from_folder
from lodeline.engine.tile_files import publish
from lodeline.engine.witnesses.compare import Compared, compare
from lodeline.engine.witnesses.evidence import read_evidence
from lodeline.engine.witnesses.request import AddCheckpoint
from lodeline.engine.witnesses.witness import Seen, Witness
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.merkle import MerkleError, TreeSize

FORK = 4


def shown(witness: Witness, log: Log, size: int) -> Seen:
    """Show a log to a witness, which cosigns it, and return what the witness tells others."""
    witness.add(log.request(0, size))
    note = witness.shelf.checkpoint(ORIGIN)
    assert note is not None
    return witness.read(note)


def published(log: Log, folder: Path) -> PublishedLog:
    publish(log, log.note(), folder)
    return PublishedLog(from_folder(folder), POLICY)


def by_strangers(witness: Witness, found: Compared) -> None:
    """Verify what was found as a third party does: from the file, with the log's keys."""
    assert len(found.alarms) > 0
    for name in found.alarms:
        path = witness.shelf.folder / "alarms" / f"{name.hex()}.json"
        fork = read_evidence(path.read_bytes()).verify(POLICY)
        assert fork.kind == "entries"
        assert fork.signed_both == tuple(f"{ORIGIN}/{name}" for name in "ab")


def test_two_witnesses_at_the_same_size_need_nothing_else(tmp_path: Path) -> None:
    one, two = a_witness(tmp_path, "w1"), a_witness(tmp_path, "w2")
    shown(one, Log.of(9), 9)
    found = compare(one, ORIGIN, [shown(two, Log.of(9, fork=FORK), 9)], None)
    assert (found.views, found.open) == (2, 2)
    by_strangers(one, found)


@pytest.mark.parametrize(("first", "second"), [(5, 9), (9, 5), (8, 30), (30, 8), (16, 16)])
@pytest.mark.parametrize("side", ["shown here", "shown there"])
def test_the_tiles_of_either_history_give_it_away(
    tmp_path: Path, first: int, second: int, side: str
) -> None:
    one, two = a_witness(tmp_path, "w1"), a_witness(tmp_path, "w2")
    honest, liar = Log.of(40), Log.of(40, fork=FORK)
    shown(one, honest, first)
    other = shown(two, liar, second)
    tiles = published(honest if side == "shown here" else liar, tmp_path / "tiles")
    found = compare(one, ORIGIN, [other], tiles)
    assert (found.views, found.open) == (2, 0)
    by_strangers(one, found)


def test_witnesses_of_one_history_agree(tmp_path: Path) -> None:
    one, two = a_witness(tmp_path, "w1"), a_witness(tmp_path, "w2")
    log = Log.of(40)
    shown(one, log, 9)
    other = shown(two, log, 30)
    found = compare(one, ORIGIN, [other], published(log, tmp_path / "tiles"))
    assert found == Compared(ORIGIN, 2, 0, ())


def test_what_is_ahead_of_the_published_log_stays_open(tmp_path: Path) -> None:
    one, log = a_witness(tmp_path), Log.of(40)
    shown(one, log, 30)
    found = compare(one, ORIGIN, (), published(Log.of(20), tmp_path / "tiles"))
    assert found == Compared(ORIGIN, 1, 1, ())
    assert compare(one, ORIGIN, (), None) == Compared(ORIGIN, 1, 1, ())


def test_a_suspect_is_cleared_or_convicted_by_the_tiles(tmp_path: Path) -> None:
    one, honest, liar = a_witness(tmp_path), Log.of(40), Log.of(40, fork=FORK)
    shown(one, honest, 8)
    for note in (honest.note(20), liar.note(20)):
        with pytest.raises(LodelineError):
            one.add(AddCheckpoint(TreeSize(8), (), note))
    assert len(one.shelf.suspects(ORIGIN)) == 2
    found = compare(one, ORIGIN, (), published(honest, tmp_path / "tiles"))
    by_strangers(one, found)
    assert one.shelf.suspects(ORIGIN) == (liar.note(20),)


def test_an_operator_who_serves_tiles_of_another_log_accuses_nobody(tmp_path: Path) -> None:
    one, honest = a_witness(tmp_path), Log.of(40)
    shown(one, honest, 9)
    publish(Log.of(40, fork=FORK), Log.of(40, fork=FORK).note(), tmp_path / "tiles")
    (tmp_path / "tiles" / "checkpoint").write_bytes(honest.note())
    tiles = PublishedLog(from_folder(tmp_path / "tiles"), POLICY)
    with pytest.raises(MerkleError):
        compare(one, ORIGIN, (), tiles)
    assert one.shelf.alarms() == ()
