"""The book of lineage of a folder: brought up with the ledger, and kept in a file beside it.

The book is written up from the parts of the state that whoever writes the ledger stores, so that
nothing of the ledger has to be in memory. A part counts if its bytes are those that were stored and
it ends with a block. What no part has yet (a program is writing, or was killed) is read by opening
the ledger, which decides those entries again. A file that is damaged, or is of another log than the
ledger beside it, is not used; why is in `LineageKeeper.ignored`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import ClassVar, Final

from lodeline.engine.durable_file import DurableFileFailed
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Engine
from lodeline.engine.refusals import PartDamaged, PartWithoutBlock
from lodeline.engine.store import Store, StoredPart
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.snapshot import read_part
from lodeline.lineage.book import LineageBook, Place
from lodeline.lineage.file import open_book, write_book
from lodeline.node.clock import SystemClock
from lodeline.node.verifying import proof_workers
from lodeline.node.workspace import Workspace

__all__ = ["LineageBusy", "LineageKeeper", "LineageOfAnotherLog", "lineage_file"]

_FILE: Final = "lineage.index"
_WORTH_KEEPING: Final = 500
"""Entries that came since the file was written; fewer are read again from the parts as quickly."""
_PATIENCE_SECONDS: Final = 1.0
_REASONS: Final = 20
_ANY: Final = Origin("lineage")
"""A checkpoint is asked for its root alone."""


class LineageOfAnotherLog(LodelineError):
    """A file of lineage that does not belong to the ledger beside it."""

    code: ClassVar[str] = "lineage-of-another-log"
    en: ClassVar[str] = "the kept lineage is of a log that this ledger never was (entry {size})"
    fr: ClassVar[str] = "la filiation gardée est d'un autre journal que ce registre ({size})"
    advice_en: ClassVar[str] = "nothing is lost: it is made anew from the ledger"
    advice_fr: ClassVar[str] = "rien n'est perdu : elle est refaite à partir du registre"

    size: int


class LineageBusy(LodelineError):
    """The lineage is being brought up with the ledger, for somebody who asked before."""

    code: ClassVar[str] = "lineage-busy"
    en: ClassVar[str] = "the lineage is being read from the ledger; it is not there yet"
    fr: ClassVar[str] = (
        "la filiation est en cours de lecture dans le registre ; elle n'est pas prête"
    )
    advice_en: ClassVar[str] = "ask again in a moment; it is kept from then on"
    advice_fr: ClassVar[str] = "redemandez dans un instant ; elle est gardée ensuite"
    status: ClassVar[int] = 503


def lineage_file(workspace: Workspace) -> Path:
    """Return where a folder keeps its lineage."""
    return workspace.folder / _FILE


class LineageKeeper:
    """Answers from one book, for one question at a time; several threads may ask.

    with keeper.reading() as book: ...
    """

    def __init__(
        self, workspace: Workspace, tell: Callable[[LodelineError], None] = lambda _: None
    ) -> None:
        """Open nothing yet.

        Args:
            workspace: folder of the node.
            tell: is told why a file or a part was not used.
        """
        self._ledger: Final = workspace.ledger
        self._file: Final = lineage_file(workspace)
        self._tell: Final = tell
        self._turn: Final = RLock()
        self._book: LineageBook | None = None
        self._kept = 0
        """Size of the log up to which the file goes."""
        self._behind = 0
        """Size of the log when parts were last found to be behind it."""
        self.log_size = 0
        """Entries that the ledger had when it was last looked at."""
        self.ignored: Final[list[LodelineError]] = []
        """Why a file or a part was not used, or a file could not be written; the latest reasons."""

    @property
    def is_current(self) -> bool:
        """Return whether the book goes to the end of the log, as it was last looked at."""
        return self._book is not None and self._book.size == self.log_size > 0

    @contextmanager
    def reading(self) -> Iterator[LineageBook]:
        """Give the book, brought up as far as the parts go; nobody else reads meanwhile.

        Where they end before the log does, and did the last time too without a new entry, whoever
        was writing has stopped: the ledger itself is then opened, once.

        Raises:
            LineageBusy: another thread has been at it for a second.
            LedgerNotRead, LedgerVersionUnknown, …: the ledger cannot be used.
            LedgerDamaged, …: it had to be opened, and does not add up.
        """
        with self._taken():
            self._follow()
            if not self.is_current:
                if self._behind == self.log_size > 0:
                    self._open_ledger()
                self._behind = self.log_size
            yield self._now()

    def catch_up(self, ledger: Engine) -> None:
        """Bring the book up with an open ledger, to its end.

        Raises:
            LodelineError: what is open is another ledger than the folder's.
        """
        with self._turn:
            self._follow()
            if self._now().size < ledger.size:
                root = ledger.checkpoint(_ANY).root
                self._now().catch_up(ledger.state(), root)
                self._keep()
            self.log_size = max(self.log_size, ledger.size)

    def _open_ledger(self) -> None:
        with (
            proof_workers() as verify,
            closing(
                EmbeddedLedger(self._ledger, SystemClock(), writable=False, verify=verify)
            ) as ledger,
        ):
            self.catch_up(ledger)

    @contextmanager
    def _taken(self) -> Iterator[None]:
        """Take the turn; nobody waits for long, since a service has few threads."""
        if not self._turn.acquire(timeout=_PATIENCE_SECONDS):
            raise LineageBusy
        try:
            yield
        finally:
            self._turn.release()

    # ------------------------------------------------------------------ following

    def _now(self) -> LineageBook:
        if self._book is None:
            self._book = self._opened()
        return self._book

    def _opened(self) -> LineageBook:
        try:
            found = open_book(self._file)
        except LodelineError as refusal:
            self._ignore(refusal)
            found = None
        self._kept = 0 if found is None else found.size
        return found or LineageBook()

    def _ignore(self, refusal: LodelineError) -> None:
        self.ignored.append(refusal)
        del self.ignored[:-_REASONS]
        self._tell(refusal)

    def _begin_anew(self, refusal: LodelineError) -> None:
        self._ignore(refusal)
        self._book, self._kept = LineageBook(), 0

    def _follow(self) -> None:
        """Bring the book as far as the stored parts go."""
        if not self._ledger.is_file():
            self._book, self.log_size = self._book or LineageBook(), 0
            return
        with closing(Store(self._ledger, writable=False)) as store, store.snapshot():
            last = store.last_block()
            self.log_size = 0 if last is None else last.size
            place = self._now().place
            if place is not None and not _is_of(store, place):
                self._begin_anew(LineageOfAnotherLog(place.size))
            if self._now().size < self.log_size:
                self._take_parts(store)
        if self._now().size - self._kept >= _WORTH_KEEPING:
            self._keep()

    def _take_parts(self, store: Store) -> None:
        book = self._now()
        try:
            for stored in store.parts(TreeSize(book.size)):
                self._take(store, stored)
        except LodelineError as refusal:
            self._begin_anew(refusal)

    def _take(self, store: Store, stored: StoredPart) -> None:
        if not stored.is_intact:
            raise PartDamaged(stored.first, stored.size)
        block = store.block_at(stored.size)
        if block is None:
            raise PartWithoutBlock(stored.first, stored.size)
        self._now().take(read_part(stored.part), block.log_root)

    def _keep(self) -> None:
        """Write the file; without one the next program only takes longer."""
        try:
            is_written = write_book(self._file, self._now())
        except DurableFileFailed as refusal:
            self._ignore(refusal)
            is_written = True  # as good as: the next try is for more than this
        if is_written:
            self._kept = self._now().size


def _is_of(store: Store, place: Place) -> bool:
    block = store.block_at(TreeSize(place.size))
    return block is not None and block.log_root == place.root
