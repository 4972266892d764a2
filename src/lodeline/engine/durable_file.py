"""Files that are there whole or not at all, whenever the machine stops.

A new file is written beside its place, flushed to the disk, and then takes the name; then the
folder is flushed, so that the name is durable too when this returns. What a stopped writer may
leave is a file with the ending ``.new``; the next write of that name replaces it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lodeline.kernel.errors import LodelineError

__all__ = ["DurableFileFailed", "flush_folder", "put_durably", "remove_file", "take_if_there"]

_NEW: Final = ".new"


class DurableFileFailed(LodelineError):
    """The operating system did not let a file be read or written."""

    path: str
    reason: str

    code = "durable-file-failed"
    en = "{path} cannot be used: {reason}"
    fr = "{path} est inutilisable : {reason}"
    advice_en = "check the folder, its permissions and the space on the disk"
    advice_fr = "vérifiez le dossier, ses droits et la place sur le disque"
    status = 503


def put_durably(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file and flush it and its name to the disk; folders above it are made.

    Raises:
        DurableFileFailed: it could not be written; what stood there before still does.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + _NEW)
        _write(beside, data, mode)
        os.replace(beside, path)  # noqa: PTH105 - the same module as the calls around it
        flush_folder(path.parent)
    except OSError as failed:
        raise DurableFileFailed(str(path), failed.strerror or type(failed).__name__) from failed


def _write(path: Path, data: bytes, mode: int) -> None:
    # What a stopped writer left may be readable by others; a secret does not go into it.
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_if_there(path: Path) -> bytes | None:
    """Return what a file holds, or None where there is none.

    Raises:
        DurableFileFailed: it is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failed:
        raise DurableFileFailed(str(path), failed.strerror or type(failed).__name__) from failed


def remove_file(path: Path) -> None:
    """Take a file away; one that is not there is no matter.

    Raises:
        DurableFileFailed: it is still there.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as failed:
        raise DurableFileFailed(str(path), failed.strerror or type(failed).__name__) from failed
