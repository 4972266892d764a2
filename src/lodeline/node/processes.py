"""The two programs of a validator as child processes: started, watched, stopped, written down.

What a child prints goes to a file of its own that is rotated by size. A child has a session of its
own, so that an interrupt at the terminal reaches it in the right order, through whoever watches it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import lodeline
from lodeline.engine.abci.address import connect, parse_address
from lodeline.engine.abci.refusals import AbciAddressUnusable
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.errors import LodelineError
from lodeline.node.workspace import make_folder

__all__ = [
    "CONSENSUS_FAILURE",
    "Child",
    "ConsensusProgramMissing",
    "ConsensusProgramOther",
    "application_command",
    "consensus_command",
    "consensus_program",
    "wait_until_listening",
]

CONSENSUS_FAILURE: Final = "CONSENSUS FAILURE!!!"
"""What CometBFT writes when it takes no further part; its process stays as if nothing were."""
LOG_BYTES: Final = 10_000_000
"""Size at which a log file is put aside."""
LOG_FILES: Final = 5
"""Log files that are kept besides the present one."""
_VERSION: Final = "0.38."
_VARIABLE: Final = "LODELINE_COMETBFT"
_VERSION_SECONDS: Final = 20
_CONNECT_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05


class ConsensusProgramMissing(LodelineError):
    """CometBFT is not installed where it is looked for."""

    places: tuple[str, ...]

    code = "consensus-program-missing"
    en = "the program cometbft was not found; looked for in: {places}"
    fr = "le programme cometbft est introuvable ; cherché dans : {places}"
    advice_en = "run `make engine`, or name a cometbft 0.38 with --engine"
    advice_fr = "lancez « make engine », ou nommez un cometbft 0.38 avec --engine"


class ConsensusProgramOther(LodelineError):
    """A program that is not the CometBFT that the validators agreed on."""

    file: str
    version: str

    code = "consensus-program-other"
    en = "{file} says that it is version “{version}”, a cometbft 0.38 is needed"
    fr = "{file} se dit en version « {version} », il faut un cometbft 0.38"
    advice_en = "run `make engine`, or name another program with --engine"
    advice_fr = "lancez « make engine », ou nommez un autre programme avec --engine"


# ------------------------------------------------------------------ which programs


def consensus_program(named: Path | None = None) -> Path:
    """Return the CometBFT program: the one named, else the project's own, else that of the path.

    Raises:
        ConsensusProgramMissing: there is none.
        ConsensusProgramOther: it is not of version 0.38.
    """
    found = next((path for path in _places(named) if os.access(path, os.X_OK)), None)
    if found is None:
        raise ConsensusProgramMissing(tuple(str(path) for path in _places(named)))
    version = _version(found)
    if not version.startswith(_VERSION):
        raise ConsensusProgramOther(str(found), version)
    return found.resolve()


def _places(named: Path | None) -> list[Path]:
    if named is not None:
        return [named]
    asked = os.environ.get(_VARIABLE)
    if asked:
        return [Path(asked)]
    checkout = Path(lodeline.__file__).parents[2]
    on_path = shutil.which("cometbft")
    own = [Path(".tools/cometbft"), checkout / ".tools" / "cometbft"]
    return [*own, *([Path(on_path)] if on_path else [])]


def _version(program: Path) -> str:
    try:
        # The program was named by the operator, or comes from where `make engine` put it.
        answer = subprocess.run(  # noqa: S603
            [str(program.resolve()), "version"],
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise ConsensusProgramOther(str(program), type(failed).__name__) from failed
    return answer.stdout.decode("utf-8", errors="replace").strip()[:80]


def wait_until_listening(
    address: str, child: Child, seconds: float, wanted: Callable[[], bool] = lambda: True
) -> bool:
    """Return whether an application listens at its ABCI address within so many seconds.

    The wait ends early when the child ends or is no longer wanted.

    Raises:
        AbciAddressRefused: it is no address of an application.
    """
    place = parse_address(address)
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.is_running and wanted():
        try:
            connect(place, _CONNECT_SECONDS).close()
        except AbciAddressUnusable:
            child.wait(_POLL_SECONDS)
        else:
            return True
    return False


def application_command(home: ValidatorHome) -> list[str]:
    """Return the command that runs a validator's application."""
    return [sys.executable, "-m", "lodeline.engine.consortium", str(home.folder.absolute())]


def consensus_command(program: Path, home: ValidatorHome) -> list[str]:
    """Return the command that runs a validator's CometBFT."""
    return [str(program), "start", "--home", str(home.engine.absolute())]


# ------------------------------------------------------------------ one child


class Child:
    """One running program; made by starting it."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        folder: Path,
        ended: Callable[[Child], None] = lambda _: None,
        failure: str | None = None,
    ) -> None:
        """Start the program in a folder; ``ended`` is told of its end, from another thread.

        A program that prints ``failure`` has failed without ending, and is killed.

        Raises:
            OSError: the program cannot be started.
            FileUnwritable: the folder of the log cannot be made.
        """
        make_folder(log.parent)
        self._log = _rotating(log)
        self._process = subprocess.Popen(  # noqa: S603 - commands are built above, not from input
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._ended = ended
        self._failure = failure
        self.has_failed = False
        """Whether the program has said so."""
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._write_down, daemon=True)
        self._reader.start()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Return whether the program has not ended."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Return how the program ended: negative for a signal; nothing while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the program is still there."""
        if self.is_running:
            self._process.send_signal(number)

    def stop(self, seconds: float) -> int:
        """Ask the program to end, kill it after so many seconds, and return its exit code."""
        self.signal(signal.SIGTERM)
        if not self.wait(seconds):
            self.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End the program and everything that it started, without asking."""
        if self.is_running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait(None)

    def wait(self, seconds: float | None) -> bool:
        """Return whether the program has ended, after waiting for so long at most."""
        return self._over.wait(seconds)

    def _write_down(self) -> None:
        """Write down what the program prints until nobody can print any more."""
        output = self._process.stdout
        if output is not None:
            for line in output:
                text = line.decode("utf-8", errors="replace").rstrip("\n")
                self._log.info(text)
                if self._failure is not None and self._failure in text:
                    self.has_failed = True
                    self.signal(signal.SIGKILL)  # nobody would see whether it ends when it is asked
            output.close()

    def _watch(self) -> None:
        """Wait for the end of the program and end what it left behind."""
        self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            # Workers of a program that was killed do not notice it, and would print for ever.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join()
        for handler in self._log.handlers:
            handler.close()
        self._over.set()
        self._ended(self)


class _LogFile(RotatingFileHandler):
    """A log that loses lines while they cannot be written: a full disk must not hide an end."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        """Lose the line; that the disk is full, the programs say by ending."""

    def close(self) -> None:
        """Let go of the file, whatever is left unwritten."""
        with contextlib.suppress(OSError):
            super().close()


def _rotating(path: Path) -> logging.Logger:
    handler = _LogFile(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True
    )
    logger = logging.Logger(str(path))
    logger.addHandler(handler)
    return logger
