"""A writer that dies at a chosen place, and the look at what is left of its ledger.

The writer runs in a forked process and is killed with SIGKILL, before or after a statement that it
gives to the database, in the middle of whatever else it does. What it acknowledged until then it
has told through a pipe. Nothing of a block may be there that is not there whole, and nothing may be
missing that was acknowledged.
"""

import os
import shutil
import signal
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tests.engine.ledgers import SetClock, accepted, anchors, believe, founded, opened, signers_of
from tests.ledger.world import World

from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.engine.fsck import FsckRequest, fsck
from lodeline.engine.interface import CheckpointSigners, Receipt
from lodeline.engine.schema import MIGRATIONS
from lodeline.kernel.ids import Hash32
from lodeline.ledger.merkle import LeafIndex

BLOCK = 4
"""Entries of each submission, which is one block."""
_COUNT = struct.Struct("<Q")


class Counted(sqlite3.Connection):
    """Counts the places at which its process could be killed, and dies at one of them."""

    places = 0
    deadly = 0
    """The place to die at, counted from 1; 0 for none."""

    def _pass(self) -> None:
        kind = type(self)
        kind.places += 1
        if kind.places == kind.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, *values: Any) -> sqlite3.Cursor:
        self._pass()
        cursor = super().execute(*values)
        self._pass()
        return cursor

    def executemany(self, *values: Any) -> sqlite3.Cursor:
        self._pass()
        cursor = super().executemany(*values)
        self._pass()
        return cursor

    def close(self) -> None:
        self._pass()
        super().close()
        self._pass()


TUNING = Tuning(part_entries=6, connection=Counted)
"""Parts so short that some blocks carry one."""


@dataclass(frozen=True)
class Story:
    """What a writer is to do, and what the ledger is like at each size on the way."""

    base: Path
    """The file that it begins with; where there is none, it begins with nothing."""
    submissions: tuple[tuple[bytes, ...], ...]
    roots: dict[int, Hash32]
    """State roots by size of the log, after each block."""
    signers: CheckpointSigners | None

    def copy_to(self, path: Path) -> None:
        for suffix in ("", "-wal", "-shm", ".writer"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if self.base.exists():
            shutil.copyfile(self.base, path)

    def open(self, path: Path) -> EmbeddedLedger:
        return opened(path, SetClock(), signers=self.signers, tuning=TUNING)


def appending(folder: Path, world: World) -> Story:
    """Three blocks after a founded ledger, with signed checkpoints, parts, and a clean close."""
    base = folder / "base.db"
    founded(base, world).close()
    entries = anchors(world, range(3 * BLOCK))
    blocks = tuple(tuple(entries[at : at + BLOCK]) for at in range(0, len(entries), BLOCK))
    return _told(Story(base, blocks, {}, signers_of(world, "miner")), folder)


def founding(folder: Path, world: World) -> Story:
    """A ledger made from nothing: layout, genesis, the first votes."""
    submissions = tuple((data,) for data, _ in world.log)
    return _told(Story(folder / "none.db", submissions, {}, None), folder)


def _told(story: Story, folder: Path) -> Story:
    """Let the story happen undisturbed, and note the roots."""
    path = folder / "told.db"
    story.copy_to(path)
    ledger = story.open(path)
    story.roots[ledger.size] = ledger.state().root
    for entries in story.submissions:
        accepted(ledger.submit(entries))
        story.roots[ledger.size] = ledger.state().root
    ledger.close()
    return story


# ------------------------------------------------------------------ the writer


def run_and_kill(story: Story, path: Path, place: int) -> tuple[int, bool]:
    """Run the story in another process; return how many entries it acknowledged, and if it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _write(story, path, place, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0
    return sum(count for (count,) in _COUNT.iter_unpack(told)), killed


def _write(story: Story, path: Path, place: int, pipe: int) -> NoReturn:
    """Do everything that the story tells; in the forked process, which ends here."""
    failed = 1
    try:
        Counted.places, Counted.deadly = 0, place
        ledger = story.open(path)
        for entries in story.submissions:
            receipts = accepted(ledger.submit(entries))
            os.write(pipe, _COUNT.pack(len(receipts)))
        ledger.close()
        failed = 0
    finally:
        os._exit(failed)


def places_of(story: Story, path: Path) -> int:
    """Return at how many places the writer of a story can be killed."""
    story.copy_to(path)
    Counted.places = Counted.deadly = 0
    ledger = story.open(path)
    for entries in story.submissions:
        accepted(ledger.submit(entries))
    ledger.close()
    return Counted.places


# ------------------------------------------------------------------ what is left


def check_left(story: Story, path: Path, acknowledged: int) -> int:
    """Look at what a killed writer left; return the size of the log that was found."""
    Counted.deadly = 0
    before = min(story.roots)
    if not path.exists():
        assert acknowledged == 0
        return before
    _check_clean(path)
    ledger = story.open(path)
    found = ledger.size
    assert found >= before + acknowledged, "an acknowledged entry is gone"
    assert ledger.state().root == story.roots[found], "a block is there in part"
    assert ledger.opened.ignored == ()
    _check_present(story, ledger, found - before)
    _finish(story, ledger, found - before)
    assert ledger.state().root == story.roots[max(story.roots)]
    ledger.close()
    _check_clean(path)
    return found


def _check_clean(path: Path) -> None:
    if path.stat().st_size or path.with_name(path.name + "-wal").exists():
        report = fsck(path, FsckRequest(verify=believe))
        assert report.is_clean or _is_unmade(path), report.faults


def _is_unmade(path: Path) -> bool:
    """Return whether the writer died before it had made the whole layout of an empty file."""
    connection = sqlite3.connect(path)
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    (leaves,) = connection.execute("SELECT count(*) FROM leaves").fetchone() if layout else (0,)
    connection.close()
    return bool(layout < len(MIGRATIONS) and leaves == 0)


def _check_present(story: Story, ledger: EmbeddedLedger, count: int) -> None:
    entries = [entry for block in story.submissions for entry in block][:count]
    start = LeafIndex(ledger.size - count)
    leaves = list(ledger.entries(start, ledger.size))
    assert len(leaves) == len(entries)
    for entry, leaf in zip(entries, leaves, strict=True):
        assert leaf.endswith(entry)


def _finish(story: Story, ledger: EmbeddedLedger, count: int) -> None:
    """Submit everything again, as whoever had no answer does: what is there is not there twice."""
    for entries in _blocks(story.submissions, count):
        for answer in ledger.submit(entries):
            assert isinstance(answer, Receipt)
    again = [entry for block in story.submissions for entry in block]
    for answer in ledger.submit(again[:count]):
        assert not isinstance(answer, Receipt)


def _blocks(submissions: Iterable[Sequence[bytes]], done: int) -> Iterable[Sequence[bytes]]:
    for entries in submissions:
        if done >= len(entries):
            done -= len(entries)
        else:
            yield entries
