"""A witness, and whoever publishes a log, killed before, during and after every write to the disk.

A cosignature that left a witness must be remembered by it, whatever happened since: otherwise it
could be brought to sign a second history. A published checkpoint must have all its tiles.
"""

import contextlib
import os
import shutil
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest
from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, a_witness

from lodeline.engine import durable_file
from lodeline.engine.published_log import PublishedLog, from_folder
from lodeline.engine.tile_files import publish
from lodeline.engine.witnesses.refusals import LogForked
from lodeline.ledger.merkle import TreeSize, verify_consistency
from lodeline.ledger.tiles import (
    bundles_between,
    check_bundle,
    parse_bundle,
    parse_tile,
    tile_bytes,
    tiles_between,
)

Spread = Callable[[Sequence[int], int], list[int]]
Deed = Callable[[Path, int], None]

pytestmark = pytest.mark.crash

SIZES = (3, 8, 20, 21)
PUBLISHED = (200, 300, 700)
HONEST, LIAR = Log.of(700), Log.of(700, fork=1)
_SIZE = struct.Struct("<Q")


class Dying:
    """The calls of the operating system that write, and the place at which the process dies."""

    def __init__(self, deadly: int = 0) -> None:
        self.places = 0
        self._deadly = deadly

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _pass(self) -> None:
        self.places += 1
        if self.places == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def open(self, *values: Any) -> int:
        self._pass()
        return os.open(*values)

    def write(self, handle: int, data: memoryview) -> int:
        """Write in two halves, so that a process can die in between."""
        self._pass()
        return os.write(handle, data[: len(data) // 2 + 1])

    def fsync(self, handle: int) -> None:
        self._pass()
        os.fsync(handle)

    def replace(self, old: Path, new: Path) -> None:
        self._pass()
        os.replace(old, new)  # noqa: PTH105 - what is called stands here
        self._pass()


@contextlib.contextmanager
def dying(deadly: int = 0) -> Iterator[Dying]:
    calls = Dying(deadly)
    with mock.patch.object(durable_file, "os", calls):
        yield calls


def witnessing(folder: Path, pipe: int) -> None:
    witness = a_witness(folder)
    last = witness.last(ORIGIN)
    old = 0 if last is None else int(last.checkpoint.size)
    for size in SIZES:
        if size > old:
            witness.add(HONEST.request(old, size))
            os.write(pipe, _SIZE.pack(size))
            old = size
    witness.shelf.close()


def publishing(folder: Path, pipe: int) -> None:
    for size in PUBLISHED:
        publish(HONEST, HONEST.note(size), folder)
        os.write(pipe, _SIZE.pack(size))


def places_of(deed: Deed, folder: Path) -> int:
    reading, writing = os.pipe()
    with dying() as calls:
        deed(folder, writing)
    os.close(reading)
    os.close(writing)
    shutil.rmtree(folder)
    return calls.places


def run_and_kill(deed: Deed, folder: Path, place: int) -> tuple[int, bool]:
    """Do something in another process; return the last size it acknowledged, and if it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _do(deed, folder, place, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0
    return max((size for (size,) in _SIZE.iter_unpack(told)), default=0), killed


def _do(deed: Deed, folder: Path, place: int, pipe: int) -> NoReturn:
    failed = 1
    try:
        with dying(place):
            deed(folder, pipe)
        failed = 0
    finally:
        os._exit(failed)


def test_a_killed_witness_remembers_every_cosignature_that_left(
    tmp_path: Path, spread: Spread
) -> None:
    places = places_of(witnessing, tmp_path / "home")
    assert places >= 7 * len(SIZES)
    outcomes = set[int]()
    for place in spread(range(1, places + 1), 16):
        folder = tmp_path / f"killed-{place}"
        acknowledged, killed = run_and_kill(witnessing, folder, place)
        assert killed
        witness = a_witness(folder)
        last = witness.last(ORIGIN)
        size = 0 if last is None else int(last.checkpoint.size)
        assert size >= acknowledged, "a cosignature left that is not remembered"
        assert size in {0, *SIZES}
        if last is not None:
            assert last.checkpoint == HONEST.at(size)
            with pytest.raises(LogForked):
                witness.add(LIAR.request(size, size))
        witness.shelf.close()
        outcomes.add(size)
    assert len(outcomes) > 2


def test_a_killed_witness_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, spread: Spread
) -> None:
    places = places_of(witnessing, tmp_path / "home")
    for place in spread(range(1, places + 1), 8):
        folder = tmp_path / f"killed-{place}"
        run_and_kill(witnessing, folder, place)
        _, killed = run_and_kill(witnessing, folder, 0)
        assert not killed
        witness = a_witness(folder)
        last = witness.last(ORIGIN)
        assert last is not None
        assert last.checkpoint == HONEST.at(SIZES[-1])
        witness.shelf.close()


def test_a_killed_publisher_leaves_a_whole_log_and_goes_on(tmp_path: Path, spread: Spread) -> None:
    places = places_of(publishing, tmp_path / "home")
    assert places > 60
    for place in spread(range(1, places + 1), 16):
        folder = tmp_path / f"killed-{place}"
        acknowledged, killed = run_and_kill(publishing, folder, place)
        assert killed
        if acknowledged or (folder / "checkpoint").exists():
            assert check_whole(folder) >= acknowledged
        publish(HONEST, HONEST.note(), folder)
        assert check_whole(folder) == HONEST.size


def check_whole(folder: Path) -> int:
    """Read every file that the checkpoint promises; return its size."""
    fetch = from_folder(folder)
    log = PublishedLog(fetch, POLICY)
    size = log.checkpoint.size
    for tile in tiles_between(TreeSize(0), size):
        assert fetch(tile.path) == tile_bytes(tile, HONEST.tree)
    for bundle in bundles_between(TreeSize(0), size):
        tile = next(
            found
            for found in tiles_between(TreeSize(0), size)
            if (found.level, found.index) == (0, bundle.index)
        )
        entries = parse_bundle(bundle, fetch(bundle.path))
        check_bundle(bundle, entries, parse_tile(tile, fetch(tile.path)))
    proof = log.prove_consistency(TreeSize(1))
    verify_consistency(proof, HONEST.tree.root(TreeSize(1)), log.checkpoint.root)
    return int(size)
