"""What a witness remembers, in files: the last checkpoint of each log, suspicions, and alarms.

    logs/<hash of the origin>/checkpoint     the last one that was cosigned, with the cosignature
    logs/<hash of the origin>/suspect-<n>    signed by the log, but nothing shows that it continues
    alarms/<hash of the file>.json           evidence of a fork, as `ForkEvidence` writes it

Each file is there whole or not at all. One process writes; another one that only looks is not in
its way. An operator who has looked into an alarm lifts it by moving the file away.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from lodeline.engine.durable_file import (
    DurableFileFailed,
    put_durably,
    remove_file,
    take_if_there,
)
from lodeline.engine.refusals import LedgerHasWriter, LedgerNotRead
from lodeline.engine.witnesses.evidence import ForkEvidence, read_evidence
from lodeline.engine.witnesses.refusals import WitnessHasWriter
from lodeline.engine.writer_lock import WriterLock
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import Origin

__all__ = ["MAX_ALARMS", "MAX_SUSPECTS", "WitnessShelf", "origin_hash"]

MAX_SUSPECTS: Final = 8
"""Suspicious checkpoints that are kept of one log; anybody may send them."""
MAX_ALARMS: Final = 8
"""Pieces of evidence that are kept against one log; the first says it all."""


Tell: TypeAlias = Callable[[Origin, Path], None]
"""Hears against which log evidence was found, and in which file it is."""


def origin_hash(origin: Origin) -> str:
    """Return the name under which a log goes in paths: SHA-256 of its origin, in hexadecimal."""
    return sha256(origin.encode()).hexdigest()


class WitnessShelf:
    """The files of one witness; see the module."""

    def __init__(self, folder: Path, tell: Tell | None = None, *, writable: bool = True) -> None:
        """Open the folder, or make it to write; ``tell`` hears of new evidence once it is kept.

        Raises:
            WitnessHasWriter: another process writes there.
            DurableFileFailed: it cannot be made.
        """
        self.folder = folder
        self._tell = tell
        self._turn = Lock()
        self._lock: WriterLock | None = None
        if writable:
            self._lock = _locked(folder)

    def checkpoint(self, origin: Origin) -> bytes | None:
        """Return the note that was last cosigned of a log; None if none was.

        Raises:
            DurableFileFailed: the file cannot be read.
        """
        return take_if_there(self._log(origin) / "checkpoint")

    def keep(self, origin: Origin, note: bytes) -> None:
        """Remember a note as the last of its log; durable when this returns.

        Raises:
            DurableFileFailed: it could not be written; the one before it stands.
        """
        put_durably(self._log(origin) / "checkpoint", note)

    def suspects(self, origin: Origin) -> tuple[bytes, ...]:
        """Return the suspicious notes of a log."""
        found = (take_if_there(path) for path in self._suspect_places(origin))
        return tuple(note for note in found if note is not None)

    def suspect(self, origin: Origin, note: bytes) -> None:
        """Keep a suspicious note, unless it is known or there are too many.

        Raises:
            DurableFileFailed: it could not be written.
        """
        with self._turn:
            if note in self.suspects(origin):
                return
            free = (path for path in self._suspect_places(origin) if not path.exists())
            path = next(free, None)
            if path is not None:
                put_durably(path, note)

    def clear(self, origin: Origin, note: bytes) -> None:
        """Forget a suspicious note that turned out to be good.

        Raises:
            DurableFileFailed: it is still there.
        """
        with self._turn:
            for path in self._suspect_places(origin):
                if take_if_there(path) == note:
                    remove_file(path)

    def alarms(self) -> tuple[ForkEvidence, ...]:
        """Return the evidence that is kept, in the order of its hashes.

        Raises:
            EvidenceMalformed: somebody changed a file.
            DurableFileFailed: a file cannot be read.
        """
        found = (take_if_there(path) for path in self._alarm_files())
        return tuple(read_evidence(data) for data in found if data is not None)

    def alarm(self, evidence: ForkEvidence) -> Hash32:
        """Keep evidence, and return the hash that names it; durable when this returns.

        Raises:
            DurableFileFailed: it could not be written.
        """
        digest = evidence.digest
        path = self.folder / "alarms" / f"{digest.hex()}.json"
        with self._turn:
            against = [item for item in self.alarms() if item.origin == evidence.origin]
            if path.exists() or len(against) >= MAX_ALARMS:
                return digest
            put_durably(path, evidence.encode())
        if self._tell is not None:
            self._tell(Origin(evidence.origin), path)
        return digest

    def alarm_against(self, origin: Origin) -> Hash32 | None:
        """Return the hash of evidence against a log, or None."""
        found = (item.digest for item in self.alarms() if item.origin == origin)
        return next(found, None)

    def close(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            self._lock.release()

    def _alarm_files(self) -> list[Path]:
        return sorted((self.folder / "alarms").glob("*.json"))

    def _log(self, origin: Origin) -> Path:
        return self.folder / "logs" / origin_hash(origin)

    def _suspect_places(self, origin: Origin) -> list[Path]:
        return [self._log(origin) / f"suspect-{number}" for number in range(MAX_SUSPECTS)]


def _locked(folder: Path) -> WriterLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return WriterLock(folder / "witness")
    except OSError as failed:
        raise DurableFileFailed(str(folder), failed.strerror or "") from failed
    except LedgerHasWriter as refused:
        raise WitnessHasWriter(str(folder)) from refused
    except LedgerNotRead as refused:
        raise DurableFileFailed(str(folder), refused.doing) from refused
