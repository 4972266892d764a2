"""Events on their way to the ledger while the service runs: a worker beside the requests.

A capture wakes it; otherwise it looks every few seconds, for what other programs captured and for
what waits. How it stands is known without asking the store.
"""

from __future__ import annotations

import logging
from typing import Final

from lodeline.kernel.errors import LodelineError
from lodeline.node.events.attending import Pipelines
from lodeline.node.events.pipeline import Turn
from lodeline.node.events.store import EventStore
from lodeline.node.events.worker import PipelineWorker

__all__ = ["Bringing"]

_EVERY_SECONDS: Final = 5.0
_log: Final = logging.getLogger(__name__)


class Bringing:
    """Brings events on while it is entered.

        with Bringing(pipelines, store) as bringing: ...

    Args:
        pipelines: of the members.
        store: of their events.
        anchor_hours: between two anchors of their audit trails; 0: they are not anchored.
    """

    def __init__(self, pipelines: Pipelines, store: EventStore, anchor_hours: int = 0) -> None:
        self._pipelines: Final = pipelines
        self._store: Final = store
        self._anchor_hours: Final = anchor_hours
        self._worker: Final = PipelineWorker(self._look, _EVERY_SECONDS, self._failed)
        self._said = ""

    def __enter__(self) -> Bringing:
        """Begin, in a thread."""
        self._worker.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """End, once the event that is being worked on is where it can be left."""
        self._worker.stop()

    def wake(self) -> None:
        """Ask for a look now, because something was captured."""
        self._worker.wake()

    def is_alive(self) -> bool:
        """Return whether it works; a fault that nobody foresaw ends it."""
        return self._worker.is_alive()

    def told(self) -> dict[str, object]:
        """Return how it stood at the end of the last look: counts and a code, nothing of goods."""
        standing = self._pipelines.standing
        told: dict[str, object] = {
            "pipeline": "working" if standing.is_reached else "waiting",
            "queue": {state.value: count for state, count in standing.queue.items()},
        }
        return told if standing.trouble is None else told | {"trouble": standing.trouble.code}

    def _look(self) -> Turn:
        turn = self._pipelines.look(self._store, self._worker.goes_on)
        if turn.moved or turn.sent:
            moved = {state.value: count for state, count in turn.moved.items()}
            _log.info("events brought on", extra={"moved": moved, "sent": turn.sent})
        trouble = self._pipelines.standing.trouble
        if trouble is None:
            self._said = ""
        else:
            self._failed(trouble)
        if self._anchor_hours and self._worker.goes_on():
            self._anchor()
        return turn

    def _anchor(self) -> None:
        for done in self._pipelines.anchor(self._store, self._anchor_hours):
            if isinstance(done, LodelineError):
                reason = done.message("en")
                _log.error("trail not anchored", extra={"code": done.code, "reason": reason})
            else:
                _log.info("trail anchored", extra={"rows": done.number})

    def _failed(self, trouble: LodelineError) -> None:
        """Write trouble into the log, once until it is another."""
        reason = trouble.message("en")
        if reason != self._said:
            self._said = reason
            _log.error("events wait", extra={"code": trouble.code, "reason": reason})
