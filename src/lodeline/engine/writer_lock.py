"""One writer at a time: a lock that dies with the process that holds it.

The lock is an exclusive transaction on an empty database beside the ledger. SQLite takes it from
the operating system, on every platform, also against a second engine of the same process. The file
stays when the lock is given back: whoever removed it could remove the one that the next writer has
just locked.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lodeline.engine.refusals import LedgerHasWriter, LedgerNotRead

__all__ = ["WriterLock", "lock_path"]


def lock_path(ledger: Path) -> Path:
    """Return where the lock of a ledger is."""
    return ledger.with_name(ledger.name + ".writer")


class WriterLock:
    """The right to write a ledger, held until it is released or the process ends."""

    def __init__(self, ledger: Path) -> None:
        """Take the lock.

        Raises:
            LedgerHasWriter: somebody else has it.
            LedgerNotRead: the file of the lock cannot be made.
        """
        try:
            self._connection = sqlite3.connect(
                lock_path(ledger), timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise LedgerNotRead(str(ledger), "locking it", str(error)) from error
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise LedgerHasWriter(str(ledger)) from error
            raise LedgerNotRead(str(ledger), "locking it", str(error)) from error

    def release(self) -> None:
        """Give the lock back; a second time does nothing."""
        self._connection.close()
