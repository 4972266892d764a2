"""A log published as files, step by step, and what a reader of altered files finds."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.witnesses.logs import POLICY, Log, signed

from lodeline.engine.published_log import PublishedLog, from_folder
from lodeline.engine.tile_files import (
    PublishedFileAltered,
    PublishedLogDiffers,
    PublishedLogShrank,
    publish,
)
from lodeline.ledger.merkle import TreeSize, verify_consistency
from lodeline.ledger.tiles import Bundle, Tile, bundles_between, parse_tile_path, tiles_between

LONG = Log.of(700)


def paths(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def expected(size: int) -> set[str]:
    zero, end = TreeSize(0), TreeSize(size)
    places: list[Tile | Bundle] = [*tiles_between(zero, end), *bundles_between(zero, end)]
    return {"checkpoint", *(str(place.path) for place in places)}


def test_a_folder_holds_what_the_format_says(tmp_path: Path) -> None:
    done = publish(LONG, LONG.note(), tmp_path)
    assert (done.size, done.before) == (700, 0)
    assert paths(tmp_path) == expected(700)
    assert (tmp_path / "checkpoint").read_bytes() == LONG.note()
    assert {type(parse_tile_path(path)) for path in paths(tmp_path) - {"checkpoint"}} == {
        Tile,
        Bundle,
    }


@settings(max_examples=15)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_growing_step_by_step_gives_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    grown, whole = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("whole")
    for size in sorted(sizes):
        publish(LONG, LONG.note(size), grown)
    publish(LONG, LONG.note(max(sizes)), whole)
    for path in expected(max(sizes)):
        assert (grown / path).read_bytes() == (whole / path).read_bytes()
    # What else is there are partial tiles of sizes for which a checkpoint was published.
    assert all(".p/" in path for path in paths(grown) - paths(whole))


def test_full_tiles_are_written_once_and_partial_ones_go(tmp_path: Path) -> None:
    publish(LONG, LONG.note(200), tmp_path)
    assert (tmp_path / "tile/0/000.p/200").is_file()
    publish(LONG, LONG.note(300), tmp_path)
    assert not (tmp_path / "tile/0/000.p").exists()
    full = tmp_path / "tile/0/000"
    before = full.stat().st_mtime_ns
    publish(LONG, LONG.note(700), tmp_path)
    assert full.stat().st_mtime_ns == before


def test_only_new_entries_are_read(tmp_path: Path) -> None:
    publish(LONG, LONG.note(600), tmp_path)
    forgetful = Log.of(700)
    forgetful.leaves[:512] = [b""] * 512
    publish(forgetful, LONG.note(700), tmp_path)
    assert paths(tmp_path) >= expected(700)


def test_more_signatures_advance_the_checkpoint_alone(tmp_path: Path) -> None:
    publish(LONG, LONG.note(300), tmp_path)
    more = signed(LONG.at(300), "abc")
    done = publish(LONG, more, tmp_path)
    assert (done.tiles, done.bundles) == (0, 0)
    assert (tmp_path / "checkpoint").read_bytes() == more


@pytest.mark.parametrize("size", [300, 700])
def test_a_published_history_is_not_replaced_by_another(tmp_path: Path, size: int) -> None:
    liar = Log.of(700, fork=17)
    publish(LONG, LONG.note(300), tmp_path)
    before = {path: (tmp_path / path).read_bytes() for path in paths(tmp_path)}
    with pytest.raises(PublishedLogDiffers) as refused:
        publish(liar, liar.note(size), tmp_path)
    assert refused.value.size == 300
    assert before == {path: (tmp_path / path).read_bytes() for path in paths(tmp_path)}


def test_nothing_published_is_taken_back(tmp_path: Path) -> None:
    publish(LONG, LONG.note(300), tmp_path)
    with pytest.raises(PublishedLogShrank) as refused:
        publish(LONG, LONG.note(299), tmp_path)
    assert refused.value.fields() == {"published": 300, "size": 299}


def test_a_checkpoint_of_another_log_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(PublishedLogDiffers):
        publish(LONG, Log.of(700, fork=600).note(), tmp_path)
    assert paths(tmp_path) == set()


def test_an_altered_file_is_noticed_before_it_is_built_upon(tmp_path: Path) -> None:
    publish(LONG, LONG.note(300), tmp_path)
    tile = tmp_path / "tile/0/001.p/44"
    kept = tile.read_bytes()
    tile.write_bytes(bytes(len(kept)))
    with pytest.raises(PublishedLogDiffers):
        publish(LONG, LONG.note(400), tmp_path)
    tile.unlink()
    with pytest.raises(PublishedFileAltered):
        publish(LONG, LONG.note(400), tmp_path)
    tile.write_bytes(kept)
    (tmp_path / "tile/0/001.p/144").write_bytes(b"planted")
    with pytest.raises(PublishedFileAltered):
        publish(LONG, LONG.note(400), tmp_path)
    assert (tmp_path / "checkpoint").read_bytes() == LONG.note(300)


@given(st.integers(0, 700).map(TreeSize))
def test_proofs_come_from_the_tiles(
    tmp_path_factory: pytest.TempPathFactory, size: TreeSize
) -> None:
    folder = tmp_path_factory.getbasetemp() / "proofs"
    publish(LONG, LONG.note(), folder)
    log = PublishedLog(from_folder(folder), POLICY)
    proof = log.prove_consistency(size)
    assert log.root_at(size) == LONG.tree.root(size)
    verify_consistency(proof, LONG.tree.root(size), log.checkpoint.root)


def test_a_folder_can_be_copied(tmp_path: Path) -> None:
    publish(LONG, LONG.note(300), tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert publish(LONG, LONG.note(400), tmp_path / "two").before == 300
