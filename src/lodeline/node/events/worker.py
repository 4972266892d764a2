"""The pipeline in the background of a service: one turn after the other, until it is stopped.

One thread, because vault and embedded ledger have one writer. A turn that fails is told and tried
again; what was done before it failed is done.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.pipeline import Turn

__all__ = ["PipelineWorker"]


class PipelineWorker:
    """Takes turns in a thread of its own.

    Args:
        turn: one turn, such as `working.one_turn` with its arguments.
        every: seconds between the end of a turn and the next one, unless it is woken.
        trouble: is told why a turn failed; is called in the worker's thread.
    """

    def __init__(
        self, turn: Callable[[], Turn], every: float, trouble: Callable[[LodelineError], None]
    ) -> None:
        self._turn: Final = turn
        self._every: Final = every
        self._trouble: Final = trouble
        self._wake: Final = Event()
        self._ended: Final = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin; the first turn comes at once.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            message = "a worker is started once"
            raise RuntimeError(message)
        self._thread = Thread(target=self._run, name="pipeline")
        self._thread.start()

    def wake(self) -> None:
        """Ask for a turn now, because something was captured; during one: for another after it."""
        self._wake.set()

    def goes_on(self) -> bool:
        """Return whether nobody has asked it to end; a long turn looks now and then."""
        return not self._ended.is_set()

    def is_alive(self) -> bool:
        """Return whether it takes turns; what nobody foresaw ends it."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End after the turn that is going on, and wait for that; stopped again, it stays so."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                self._turn()
            except LodelineError as refused:
                self._trouble(refused)
            if not self._ended.is_set():
                self._wake.wait(self._every)
