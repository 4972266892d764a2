"""The writer is killed: at every statement, at every byte that reaches the disk, at every write."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.crash.killing import (
    BLOCK,
    Story,
    appending,
    check_left,
    founding,
    places_of,
    run_and_kill,
)
from tests.engine.ledgers import accepted
from tests.ledger.world import World

Spread = Callable[[Sequence[int], int], list[int]]

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def world() -> World:
    return World("grant-licence")


@pytest.mark.parametrize("make", [appending, founding])
def test_killed_before_and_after_every_statement(
    tmp_path: Path, world: World, spread: Spread, make: Callable[[Path, World], Story]
) -> None:
    story, path = make(tmp_path, world), tmp_path / "ledger.db"
    places = places_of(story, path)
    assert places > 50
    found = set[int]()
    for place in spread(range(1, places + 1), 16):
        story.copy_to(path)
        acknowledged, killed = run_and_kill(story, path, place)
        assert killed
        found.add(check_left(story, path, acknowledged))
    assert min(story.roots) in found
    assert max(story.roots) in found


def test_a_writer_that_is_left_alone_acknowledges_everything(tmp_path: Path, world: World) -> None:
    story, path = appending(tmp_path, world), tmp_path / "ledger.db"
    story.copy_to(path)
    acknowledged, killed = run_and_kill(story, path, 0)
    assert (acknowledged, killed) == (3 * BLOCK, False)
    assert check_left(story, path, acknowledged) == max(story.roots)


# ------------------------------------------------------------------ torn writes


class Torn:
    """The files of a ledger whose writer is cut off, with the sizes that the log file went through.

    SQLite only ever adds to its write-ahead log until it is folded in, so what a kill or a power
    cut leaves of it is a beginning, perhaps with the last sectors unwritten.
    """

    def __init__(self, story: Story, folder: Path) -> None:
        self.story = story
        self.path = folder / "torn.db"
        source = folder / "source.db"
        story.copy_to(source)
        ledger = story.open(source)
        self.log_name = source.name + "-wal"
        log = source.with_name(self.log_name)
        self.sizes: dict[int, int] = {log.stat().st_size: ledger.size}
        """Bytes of the write-ahead log, and entries of the ledger, after each block."""
        for entries in story.submissions:
            accepted(ledger.submit(entries))
            self.sizes[log.stat().st_size] = ledger.size
        self.log = log.read_bytes()
        shutil.copyfile(source, folder / "kept.db")
        self.kept = folder / "kept.db"
        ledger.close()

    def left(self, log: bytes) -> int:
        """Return how many entries are found where the write-ahead log is these bytes."""
        self.story.copy_to(self.path)
        shutil.copyfile(self.kept, self.path)
        self.path.with_name(self.path.name + "-wal").write_bytes(log)
        return check_left(self.story, self.path, 0)

    def expected(self, length: int) -> int:
        """Return how many entries are whole in the first bytes of the write-ahead log."""
        return max(
            (size for bytes_, size in self.sizes.items() if bytes_ <= length),
            default=min(self.sizes.values()),
        )


HEADER, FRAME = 32, 24 + 4096
"""Bytes of the write-ahead log's header and of one frame (SQLite file format, §4.1)."""


@pytest.fixture
def torn(tmp_path: Path, world: World) -> Torn:
    found = Torn(appending(tmp_path, world), tmp_path)
    assert len(found.log) % FRAME == HEADER
    assert len(found.sizes) == 1 + len(found.story.submissions)
    return found


def cuts(length: int) -> list[int]:
    """Return where to cut: around every border of a frame, and inside it."""
    inside = (0, 1, 23, 24, 25, 24 + 512, 24 + 2048, FRAME - 1)
    starts = range(HEADER, length, FRAME)
    found = {0, 1, HEADER - 1, length, *(start + at for start in starts for at in inside)}
    return sorted(cut for cut in found if cut <= length)


def test_cut_off_at_every_border_of_a_frame_and_within(torn: Torn, spread: Spread) -> None:
    places = cuts(len(torn.log))
    assert len(places) > 50
    found = set[int]()
    for cut in spread(places, 24):
        left = torn.left(torn.log[:cut])
        assert left == torn.expected(cut)
        found.add(left)
    assert found >= {min(torn.story.roots), max(torn.story.roots)}


@pytest.mark.parametrize("filling", [b"\x00", b"\xff"])
def test_the_last_sectors_were_never_written(torn: Torn, spread: Spread, filling: bytes) -> None:
    """The file has its full length, but what was not yet on the disk is something else."""
    for cut in spread(cuts(len(torn.log))[4:], 12):
        log = torn.log[:cut] + filling * (len(torn.log) - cut)
        if log == torn.log:
            continue
        assert torn.left(log) == torn.expected(cut)


def test_a_flipped_bit_ends_what_is_believed(torn: Torn, spread: Spread) -> None:
    """Everything from the damaged frame on is left out, and never half of a block."""
    frames = list(range(HEADER, len(torn.log), FRAME))
    for start in spread(frames, 8):
        log = bytearray(torn.log)
        log[start + 24 + 100] ^= 1
        assert torn.left(bytes(log)) == torn.expected(start)
