"""Running a validator: the application and CometBFT together, both or neither.

CometBFT cannot go on without its application: it ends when the application does. And an application
without CometBFT decides nothing. So both are started together, application first, and when one of
them ends, the other is stopped and both are started again, after a pause that doubles up to half a
minute. Asked to end, CometBFT ends first: it must not lose the application in the middle of a
block.

CometBFT does not end when its part in consensus has failed: it writes that down and goes on doing
nothing. It is then killed, so that both are started again.

Restarting does not help a validator whose ledger is damaged, or that computed another hash than the
others: it ends again and again, its log says why, and the runbook says what to do.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Final

from lodeline.engine.consortium.settings import ValidatorHome, ValidatorSettings, read_settings
from lodeline.node.processes import (
    CONSENSUS_FAILURE,
    Child,
    application_command,
    consensus_command,
    wait_until_listening,
)

__all__ = ["Happened", "Happening", "Pace", "Supervisor", "stopping_on_signals"]


class Happening(Enum):
    """What a supervisor reports, one line each."""

    APPLICATION_STARTED = "application-started"
    CONSENSUS_STARTED = "consensus-started"
    ENDED = "ended"
    FAILED = "failed"
    NOT_ANSWERING = "not-answering"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Happened:
    """One event in the life of a validator's programs."""

    what: Happening
    program: str = ""
    """`application` or `consensus`."""
    number: int = 0
    """Process id, exit code or seconds, as the kind of event has it."""


@dataclass(frozen=True)
class Pace:
    """How patient a supervisor is, in seconds."""

    answer: float = 300.0
    """For the application to listen: a large ledger takes its time to open."""
    first_pause: float = 1.0
    """Before the first restart; doubled with each further one."""
    longest_pause: float = 30.0
    healthy: float = 60.0
    """Run time after which the pauses begin again with the first."""
    stop: float = 20.0
    """For a program to end by itself."""


_MOMENT: Final = 0.5
_STOP: Final = "stop"
_APPLICATION: Final = "application"
_CONSENSUS: Final = "consensus"


class Supervisor:
    """Keeps both programs of one validator running until it is asked to stop."""

    def __init__(
        self, home: ValidatorHome, program: Path, tell: Callable[[Happened], None], pace: Pace
    ) -> None:
        """Start nothing yet.

        Raises:
            SettingsNotRead: the home has no settings that can be used.
        """
        self._home = home
        self._settings: ValidatorSettings = read_settings(home.settings)
        self._program = program
        self._tell = tell
        self._pace = pace
        # SimpleQueue may be written from a signal handler.
        self._events: queue.SimpleQueue[tuple[str, Child | None]] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for the end; may be called from a signal handler and from another thread."""
        self._stopping.set()
        self._events.put((_STOP, None))

    def run(self) -> None:
        """Keep both programs running; return once both have ended because it was asked for.

        Raises:
            OSError: a program cannot be started at all.
        """
        pause = self._pace.first_pause
        while not self._stopping.is_set():
            begun = time.monotonic()
            self._run_once()
            if self._stopping.is_set():
                break
            if time.monotonic() - begun >= self._pace.healthy:
                pause = self._pace.first_pause
            self._tell(Happened(Happening.RESTARTING, number=round(pause)))
            self._rest(pause)
            pause = min(2 * pause, self._pace.longest_pause)
        self._tell(Happened(Happening.STOPPED))

    def _run_once(self) -> None:
        """Run both programs until one of them ends or the end is asked for; leave none running."""
        application = self._start(_APPLICATION)
        try:
            if not self._answers(application):
                return
            consensus = self._start(_CONSENSUS)
            try:
                self._wait_for_an_end(application, consensus)
            finally:
                consensus.stop(self._pace.stop)
        finally:
            application.stop(self._pace.stop)

    def _start(self, name: str) -> Child:
        command = (
            application_command(self._home)
            if name == _APPLICATION
            else consensus_command(self._program, self._home)
        )
        log = self._home.folder / "logs" / f"{name}.log"
        child = Child(
            command,
            log,
            self._home.folder,
            lambda it: self._events.put((name, it)),
            CONSENSUS_FAILURE if name == _CONSENSUS else None,
        )
        started = {
            _APPLICATION: Happening.APPLICATION_STARTED,
            _CONSENSUS: Happening.CONSENSUS_STARTED,
        }
        self._tell(Happened(started[name], name, child.pid))
        return child

    def _answers(self, application: Child) -> bool:
        """Wait until the application listens; false if it ended, is too slow, or is not wanted."""
        if wait_until_listening(
            self._settings.abci, application, self._pace.answer, lambda: not self._stopping.is_set()
        ):
            return True
        if self._stopping.is_set():
            self._tell(Happened(Happening.STOPPING))
        elif application.is_running:
            self._tell(Happened(Happening.NOT_ANSWERING, _APPLICATION, round(self._pace.answer)))
        else:
            self._tell(Happened(Happening.ENDED, _APPLICATION, application.exit_code or 0))
        return False

    def _wait_for_an_end(self, application: Child, consensus: Child) -> None:
        while True:
            name, child = self._events.get()
            if name == _STOP:
                self._tell(Happened(Happening.STOPPING))
                return
            # Ends of earlier children may still be in the queue.
            if child is application or child is consensus:
                if child.has_failed:
                    self._tell(Happened(Happening.FAILED, name))
                self._tell(Happened(Happening.ENDED, name, child.exit_code or 0))
                break
        other, of = (consensus, _CONSENSUS) if child is application else (application, _APPLICATION)
        # One of them mostly ends because the other did; the report should name the cause too.
        if other.wait(_MOMENT):
            self._tell(Happened(Happening.ENDED, of, other.exit_code or 0))

    def _rest(self, seconds: float) -> None:
        """Wait before the next start, or until the end is asked for."""
        end = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := end - time.monotonic()) > 0:
            try:
                self._events.get(timeout=left)
            except queue.Empty:
                return


@contextmanager
def stopping_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask the supervisor for the end, while the block runs."""

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        supervisor.stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
