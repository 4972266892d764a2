"""A disk that is full: for a whole validator, and for the file of its ledger alone.

With the right to mount, the home of one validator is put on a small disk in memory and that is
filled to the last byte, so that both programs meet it. Without, and in the second trial, SQLite
refuses to let the ledger grow, as it does on a full disk.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lodeline.faults.application import FaultKind
from lodeline.faults.cast import VALIDATING
from lodeline.faults.ground import Facts, Fault, Ground

__all__ = ["DISKS", "fill"]

_FULL: Final = VALIDATING[2]
_DISK_BYTES: Final = 48_000_000
_PIECE: Final = 1 << 16
_MOUNT_SECONDS: Final = 20
_WHILE_AWAY: Final = 24


def fill(path: Path) -> int:
    """Write a file until the disk is full; return how long it became.

    Raises:
        OSError: it cannot be written for another reason.
    """
    size = 0
    with path.open("wb", buffering=0) as file:
        for length in (_PIECE, 1024, 1):
            try:
                while True:
                    size += file.write(bytes(length))
            except OSError as refused:
                if refused.errno != errno.ENOSPC:
                    raise
    return size


def _on_small_disk(ground: Ground) -> None:
    """Put the home of a validator on a small disk, or have its file not grow."""
    home = ground.validators[_FULL].home.folder
    aside = ground.folder / "aside"
    aside.mkdir()
    if not _mounted(aside):
        _in_short_file(ground)
        return
    _run("umount", str(aside))
    shutil.copytree(home, aside / "home")
    if not _mounted(home):
        message = f"{aside} could be mounted on, {home} cannot"
        raise OSError(message)
    shutil.copytree(aside / "home", home, dirs_exist_ok=True)
    ground.stack.callback(_give_back, ground)


def _mounted(folder: Path) -> bool:
    return _run("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "lodeline-fault", str(folder))


def _give_back(ground: Ground) -> None:
    validator = ground.validators[_FULL]
    validator.stop()
    _run("umount", str(validator.home.folder))


def _run(program: str, *arguments: str) -> bool:
    found = shutil.which(program)
    if found is None:
        return False
    done = subprocess.run(  # noqa: S603 - a program of the system, with arguments of our own
        [found, *arguments], capture_output=True, timeout=_MOUNT_SECONDS, check=False
    )
    return done.returncode == 0


def full_disk(ground: Ground) -> Facts:
    """Fill the disk of one validator; make room; start it again."""
    validator = ground.validators[_FULL]
    filler = validator.home.folder / "filler"
    small = validator.home.folder.is_mount()
    if small:
        ground.begin_harm()
        fill(filler)
    else:
        ground.trigger(_FULL)
    noticed = ground.wait("a program has ended", lambda: not validator.is_running)
    validator.stop()
    ground.acknowledged(_WHILE_AWAY)
    filler.unlink(missing_ok=True)
    ground.put_in_order(_FULL)
    ground.end_harm()
    validator.start()
    what = "a disk of its own" if small else "the ledger's file"
    return {"what_is_full": what, "ended_after_seconds": round(noticed, 2)}


def _in_short_file(ground: Ground) -> None:
    ground.put_out_of_order(_FULL, FaultKind.SHORT_OF_SPACE)


DISKS: Final = (
    Fault("full-disk", full_disk, _on_small_disk),
    Fault("full-ledger", full_disk, _in_short_file),
)
