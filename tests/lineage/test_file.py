"""A file of lineage is what was written, or it is refused by name: never another answer."""

import os
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from tests.ledger.world import World
from tests.lineage.logs import RECIPES

from lodeline.engine.durable_file import DurableFileFailed
from lodeline.engine.writer_lock import WriterLock
from lodeline.kernel.ids import Hash32, LotId
from lodeline.lineage import file as lineage_file
from lodeline.lineage.book import LineageBook
from lodeline.lineage.file import (
    LineageFileDamaged,
    LineageFileUnknown,
    open_book,
    write_book,
)

ROOT = Hash32(b"r" * 32)
OTHER = Hash32(b"o" * 32)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(*RECIPES)
    ore, _ = world.does("mine-copper-cobalt", [world.granted()], [world.ore(), world.licence()])
    halves = world.does("split", [ore], [world.ore(), world.ore()])
    world.does("blend", halves, [world.ore()])
    return world


@pytest.fixture
def book(world: World) -> LineageBook:
    book = LineageBook()
    book.catch_up(world.state, ROOT)
    return book


@pytest.fixture
def path(tmp_path: Path, book: LineageBook) -> Path:
    path = tmp_path / "lineage.index"
    assert write_book(path, book)
    return path


def told(book: LineageBook) -> list[object]:
    lots = book.matching("")
    return [
        book.place,
        [book.upstream(lot) for lot in lots],
        [book.downstream([lot]) for lot in lots],
        book.made_by(book.entries_of(book.upstream(lots[-1]).lineage.steps).values()),
        [site for site in ("mine-1", "mine-2", "nowhere") if book.has_site(site)],
    ]


def test_what_was_written_is_read(path: Path, book: LineageBook) -> None:
    again = open_book(path)
    assert again is not None
    assert told(again) == told(book)
    assert len(again.matching("")) > 5
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert open_book(tmp_path / "lineage.index") is None


def test_an_empty_book_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lineage"):
        write_book(tmp_path / "lineage.index", LineageBook())


# ------------------------------------------------------------------ damage


def test_cut_anywhere_it_is_refused(path: Path) -> None:
    data = path.read_bytes()
    lengths = [*range(200), *range(200, len(data), 97), len(data) - 1]
    for length in lengths:
        path.write_bytes(data[:length])
        with pytest.raises((LineageFileDamaged, LineageFileUnknown)) as refused:
            open_book(path)
        assert refused.value.fields()["path"] == str(path)


def test_a_flipped_bit_is_refused_or_stands_between_arrays(path: Path, book: LineageBook) -> None:
    data, right = path.read_bytes(), told(book)
    refused = passed = 0
    for at in [*range(150), *range(150, len(data), 31)]:
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            found = open_book(path)
        except (LineageFileDamaged, LineageFileUnknown):
            refused += 1
            continue
        passed += 1
        assert data[at] == 0
        assert found is not None
        assert told(found) == right
    assert refused > 10 * passed > 0


@pytest.mark.parametrize(
    "data", [b"", b"x", b"SQLite format 3\0" * 8, b"lodeline lineage 2\n".ljust(400, b"\0")]
)
def test_another_file_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(LineageFileUnknown) as refused:
        open_book(path)
    assert refused.value.path == str(path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lineage.index").mkdir()
    with pytest.raises(DurableFileFailed):
        open_book(tmp_path / "lineage.index")


def _moved(array: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return (array + 100).astype(array.dtype)


def _shorter(array: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return np.ascontiguousarray(array[:-1])


def _wider(array: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return array.astype(np.uint64)


MADE_UP = [
    *((name, _moved) for name in ("edge.makers", "edge.inputs", "edge.base_steps")),
    *((name, _moved) for name in ("edge.input_ends", "edge.output_ends", "edge.base_ends")),
    *((name, _moved) for name in ("lot.places", "step.places", "entry.places")),
    *((name, _moved) for name in ("fact.kinds", "fact.sites", "fact.forms", "fact.recipes")),
    *((name, _shorter) for name in ("lot.rows", "step.keys", "entry.rows", "edge.makers")),
    *((name, _shorter) for name in ("fact.kinds", "fact.times", "fact.forms", "fact.marks")),
    *((name, _wider) for name in ("edge.inputs", "fact.entries", "fact.undone", "lot.places")),
]


@pytest.mark.parametrize(("name", "change"), MADE_UP)
def test_arrays_with_right_sums_that_do_not_agree_are_refused(
    path: Path,
    book: LineageBook,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    change: Callable[[Any], Any],
) -> None:
    whole = lineage_file._arrays

    def changed(book: LineageBook) -> dict[str, Any]:
        arrays = whole(book)
        return {**arrays, name: change(arrays[name])}

    monkeypatch.setattr(lineage_file, "_arrays", changed)
    write_book(path, book)
    with pytest.raises(LineageFileDamaged) as refused:
        open_book(path)
    assert refused.value.part in {"head", "arrays", "words"}


def test_an_array_that_is_not_there_is_noticed(
    path: Path, book: LineageBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(lineage_file._arrays(book))
    assert len(names) > 20
    whole = lineage_file._arrays
    for name in names:
        with monkeypatch.context() as patch:
            patch.setattr(
                lineage_file,
                "_arrays",
                lambda book, gone=name: {
                    each: array for each, array in whole(book).items() if each != gone
                },
            )
            write_book(path, book)
        with pytest.raises(LineageFileDamaged):
            open_book(path)


def test_a_head_that_points_beyond_the_file_is_refused(path: Path) -> None:
    data = path.read_bytes()
    head = data[44 : 44 + int.from_bytes(data[32:40], "little")]
    for old, new in ((b'"<i4",[', b'"<i4",[9999999999999,'), (b'"|u1",[', b'"|u1",[-1,')):
        changed = head.replace(old, new)
        assert changed != head
        length = len(changed).to_bytes(8, "little")
        crc = zlib.crc32(length + changed).to_bytes(4, "little")
        path.write_bytes(data[:32] + length + crc + changed + data[44 + len(head) :])
        with pytest.raises(LineageFileDamaged):
            open_book(path)


# ------------------------------------------------------------------ writing that does not end


@pytest.mark.parametrize("fails", ["fsync", "replace", "open"])
def test_a_writer_that_is_stopped_leaves_what_was_there(
    path: Path, book: LineageBook, world: World, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    before = path.read_bytes()

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    later = LineageBook()
    later.catch_up(world.state, OTHER)
    with monkeypatch.context() as patch:
        patch.setattr(Path if fails == "replace" else os, fails, broken)
        with pytest.raises(DurableFileFailed) as refused:
            write_book(path, later)
    assert refused.value.path == str(path)
    assert path.read_bytes() == before
    assert write_book(path, later)
    found = open_book(path)
    assert found is not None
    assert found.place == later.place != book.place


def test_killed_at_any_write_it_leaves_the_old_file(
    path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written until then is cut short, and never taken for a file."""
    before, later = path.read_bytes(), LineageBook()
    later.catch_up(world.state, OTHER)
    beside = path.with_name(path.name + ".new")
    count = 0
    while True:
        try:
            with monkeypatch.context() as patch:
                patch.setattr(os, "fdopen", partial(_killed_after, count, os.fdopen))
                write_book(path, later)
        except Killed:
            assert path.read_bytes() == before
            beside.replace(path)  # as if the name had come before the bytes
            with pytest.raises((LineageFileDamaged, LineageFileUnknown)):
                open_book(path)
            path.write_bytes(before)
            count += 1
            continue
        break
    assert count > 30
    found = open_book(path)
    assert found is not None
    assert found.place == later.place


class Killed(BaseException):
    """The process ends here."""


def _killed_after(count: int, opened: Callable[..., Any], handle: int, mode: str) -> Any:
    """Open a file whose bytes are on the disk at once, until it was written to so often."""
    file = opened(handle, mode, buffering=0)
    left = [count]

    def write(data: bytes) -> int:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return int(file.write(data))

    wrapped = MagicMock(wraps=file)
    wrapped.write = write
    wrapped.__enter__.return_value = wrapped
    wrapped.__exit__.side_effect = lambda *_: file.close()
    return wrapped


def test_what_a_killed_writer_left_is_no_matter(path: Path, book: LineageBook) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(b"half of it")
    assert open_book(path) is not None
    assert write_book(path, book)
    assert not beside.exists()


def test_two_writers_do_not_meet(path: Path, book: LineageBook) -> None:
    lock = WriterLock(path)
    try:
        assert not write_book(path, book)
    finally:
        lock.release()
    assert write_book(path, book)


def test_marks_on_an_open_book_do_not_reach_the_file(path: Path) -> None:
    before, book = path.read_bytes(), open_book(path)
    assert book is not None
    book.facts.recall(np.arange(book.index.lots, dtype=np.int32))
    assert all(book.facts.is_recalled(lot) for lot in range(book.index.lots))
    assert path.read_bytes() == before
    again = open_book(path)
    assert again is not None
    assert again.facts.recalled() == 0
    assert LotId(bytes(32)) not in again.matching("")
