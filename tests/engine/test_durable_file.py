"""Files that cannot be written or read are refused by name."""

from pathlib import Path

import pytest

from lodeline.engine.durable_file import (
    DurableFileFailed,
    put_durably,
    remove_file,
    take_if_there,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "file"
    assert take_if_there(path) is None
    for data in (b"one", b"a longer one", b""):
        put_durably(path, data)
        assert take_if_there(path) == data
    assert [found.name for found in path.parent.iterdir()] == ["file"]
    remove_file(path)
    remove_file(path)
    assert take_if_there(path) is None


def test_what_a_stopped_writer_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"half of somethi")
    put_durably(tmp_path / "file", b"x")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_place_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    (taken / "inside").mkdir(parents=True)
    with pytest.raises(DurableFileFailed) as unwritten:
        put_durably(taken, b"x")
    with pytest.raises(DurableFileFailed) as unread:
        take_if_there(taken)
    with pytest.raises(DurableFileFailed) as unmoved:
        remove_file(taken)
    for refused in (unwritten, unread, unmoved):
        assert refused.value.path == str(taken)


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert take_if_there(tmp_path / "file" / "below") is None
    with pytest.raises(DurableFileFailed):
        put_durably(tmp_path / "file" / "below", b"x")


def test_a_mode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "secret.new").write_bytes(b"left behind, for everybody to read")
    (tmp_path / "secret.new").chmod(0o666)
    put_durably(tmp_path / "secret", b"x", mode=0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
