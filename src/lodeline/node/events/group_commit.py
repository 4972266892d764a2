"""Many writers, one commit: whoever waits for the disk waits together.

The first writer that gets its turn takes everything that is queued by then into one transaction,
each piece of work under a savepoint of its own: a piece that is refused leaves nothing, and the
others do not notice. Nobody is answered before the commit is on the disk. While it goes there, the
next group gathers.

There is no thread of its own: a writer works for those who wait beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection

__all__ = ["GroupCommit"]

T = TypeVar("T")


class _Piece(Generic[T]):
    """One piece of work, and what became of it."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self.failed: BaseException | None = None
        self.settled = False

    def run(self, connection: Connection) -> None:
        """Do the work under a savepoint; keep what it returned or raised."""
        try:
            with connection.begin_nested():
                self._results.append(self._work(connection))
        except Exception as failed:  # noqa: BLE001 - raised again where the work was asked for
            self.failed = failed

    def result(self) -> T:
        """Return what the work returned, or raise what it raised."""
        if self.failed is not None:
            raise self.failed
        return self._results[0]


class GroupCommit:
    """Runs pieces of work in shared transactions, one transaction at a time.

    Args:
        transaction: gives a connection, and commits durably when its block ends.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._queue: deque[_Piece[object]] = deque()
        self._turn = Lock()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do a piece of work in a transaction; return its result once it is on the disk.

        A piece must not call `run` itself: it is in the transaction already.

        Raises:
            StoreUnreachable: the transaction did not begin or commit; nothing is there.
            Exception: whatever the work raised; nothing of it is there.
        """
        piece = _Piece(work)
        self._queue.append(piece)  # type: ignore[arg-type] # results are handed to this call alone
        with self._turn:
            if not piece.settled:
                self._lead()
        return piece.result()

    def _lead(self) -> None:
        """Commit everything that is queued: the caller's piece is there, or was settled."""
        group = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            with self._transaction() as connection:
                for piece in group:
                    piece.run(connection)
        except BaseException as failed:
            for piece in group:
                piece.failed = failed
            if not isinstance(failed, Exception):
                raise
        finally:
            for piece in group:
                piece.settled = True
