"""Two programs, both or neither: watched by a supervisor, with stand-ins for the programs.

The stand-in for the application listens on the unix socket that the settings name; that for
CometBFT prints a line. Both end when they are asked, and can be killed.
"""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from lodeline.engine.consortium.refusals import NoValidatorHere
from lodeline.engine.consortium.settings import ValidatorHome, ValidatorSettings
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.node.processes import (
    Child,
    ConsensusProgramMissing,
    ConsensusProgramOther,
    consensus_program,
    wait_until_listening,
)
from lodeline.node.validator_run import (
    Happened,
    Happening,
    Pace,
    Supervisor,
    stopping_on_signals,
)

LISTENING = """
import signal, socket, sys
place = sys.argv[1]
server = socket.socket(socket.AF_UNIX)
import os
if os.path.exists(place): os.unlink(place)
server.bind(place); server.listen()
print("listening", flush=True)
signal.pause()
"""
PRINTING = "import signal; print('agreeing', flush=True); signal.pause()"
ENDING = "import sys; print('no ledger', flush=True); sys.exit(3)"
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: signal.pause()
"""

QUICK = Pace(answer=20.0, first_pause=0.01, longest_pause=0.02, healthy=60.0, stop=10.0)
SECONDS = 30


@pytest.fixture
def home(tmp_path: Path) -> ValidatorHome:
    made = ValidatorHome(tmp_path)
    settings = ValidatorSettings(
        MemberId("mine"), ChainId("trial"), f"unix://{tmp_path}/abci.sock", "http://x", "x:1"
    )
    made.settings.write_bytes(settings.encode())
    return made


class Watched:
    """A supervisor in a thread, and what it tells."""

    def __init__(self, home: ValidatorHome, pace: Pace) -> None:
        self.told: queue.Queue[Happened] = queue.Queue()
        self.supervisor = Supervisor(home, Path("cometbft"), self.told.put, pace)
        self.thread = threading.Thread(target=self.supervisor.run)
        self.all: list[Happened] = []

    def next(self, what: Happening) -> Happened:
        """The next event of a kind; what comes before it is kept."""
        while True:
            event = self.told.get(timeout=SECONDS)
            self.all.append(event)
            if event.what is what:
                return event


@contextmanager
def watched(
    home: ValidatorHome, application: str = LISTENING, consensus: str = PRINTING, pace: Pace = QUICK
) -> Iterator[Watched]:
    socket = str(home.folder / "abci.sock")
    with (
        mock.patch(
            "lodeline.node.validator_run.application_command",
            return_value=[sys.executable, "-c", application, socket],
        ),
        mock.patch(
            "lodeline.node.validator_run.consensus_command",
            return_value=[sys.executable, "-c", consensus],
        ),
    ):
        it = Watched(home, pace)
        it.thread.start()
        try:
            yield it
        finally:
            it.supervisor.stop()
            it.thread.join(SECONDS)
            assert not it.thread.is_alive()


def test_the_application_is_there_before_consensus_starts(home: ValidatorHome) -> None:
    with watched(home) as it:
        it.next(Happening.CONSENSUS_STARTED)
        assert [event.what for event in it.all] == [
            Happening.APPLICATION_STARTED,
            Happening.CONSENSUS_STARTED,
        ]


@pytest.mark.parametrize("victim", [Happening.APPLICATION_STARTED, Happening.CONSENSUS_STARTED])
def test_when_one_is_killed_both_are_started_again(home: ValidatorHome, victim: Happening) -> None:
    with watched(home) as it:
        first = [it.next(Happening.APPLICATION_STARTED), it.next(Happening.CONSENSUS_STARTED)]
        killed = next(event for event in first if event.what is victim)
        os.kill(killed.number, signal.SIGKILL)
        ended = it.next(Happening.ENDED)
        assert (ended.program, ended.number) == (killed.program, -signal.SIGKILL)
        it.next(Happening.RESTARTING)
        second = [it.next(Happening.APPLICATION_STARTED), it.next(Happening.CONSENSUS_STARTED)]
        assert not {event.number for event in first} & {event.number for event in second}
        for event in first:
            with pytest.raises(ProcessLookupError):
                os.kill(event.number, 0)


def test_an_application_that_ends_at_once_is_tried_again_and_consensus_never_started(
    home: ValidatorHome,
) -> None:
    with watched(home, application=ENDING) as it:
        for _ in range(3):
            assert it.next(Happening.ENDED) == Happened(Happening.ENDED, "application", 3)
            it.next(Happening.RESTARTING)
        assert not [event for event in it.all if event.what is Happening.CONSENSUS_STARTED]
    assert "no ledger" in (home.folder / "logs" / "application.log").read_text()


def test_an_application_that_does_not_listen_is_stopped(home: ValidatorHome) -> None:
    pace = Pace(answer=0.1, first_pause=0.01, longest_pause=0.01, stop=10.0)
    with watched(home, application=PRINTING, pace=pace) as it:
        started = it.next(Happening.APPLICATION_STARTED)
        assert it.next(Happening.NOT_ANSWERING).program == "application"
        it.next(Happening.RESTARTING)
        with pytest.raises(ProcessLookupError):
            os.kill(started.number, 0)


def test_stopping_leaves_no_program(home: ValidatorHome) -> None:
    with watched(home) as it:
        pids = [
            it.next(what).number
            for what in (Happening.APPLICATION_STARTED, Happening.CONSENSUS_STARTED)
        ]
        it.supervisor.stop()
        it.next(Happening.STOPPING)
        it.next(Happening.STOPPED)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not [event for event in it.all if event.what is Happening.ENDED]


def test_a_program_that_does_not_listen_to_reason_is_killed(home: ValidatorHome) -> None:
    pace = Pace(first_pause=0.01, longest_pause=0.01, stop=0.2)
    with watched(home, consensus=DEAF, pace=pace) as it:
        pid = it.next(Happening.CONSENSUS_STARTED).number
        it.supervisor.stop()
        it.next(Happening.STOPPED)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_stopping_during_a_pause_does_not_wait_for_its_end(home: ValidatorHome) -> None:
    pace = Pace(first_pause=3600.0, longest_pause=3600.0)
    with watched(home, application=ENDING, pace=pace) as it:
        it.next(Happening.RESTARTING)
        it.supervisor.stop()
        it.next(Happening.STOPPED)


def test_a_signal_asks_for_the_end(home: ValidatorHome) -> None:
    before = signal.getsignal(signal.SIGTERM)
    supervisor = Supervisor(home, Path("cometbft"), lambda _: None, QUICK)
    with stopping_on_signals(supervisor):
        os.kill(os.getpid(), signal.SIGTERM)
        supervisor.run()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_home_without_settings_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(NoValidatorHere):
        Supervisor(ValidatorHome(tmp_path), Path("cometbft"), lambda _: None, QUICK)


# ------------------------------------------------------------------ programs


def test_what_a_killed_program_started_ends_with_it(tmp_path: Path) -> None:
    """Workers of a killed application must not hold its files and its log."""
    script = (
        "import subprocess, sys, signal\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(other.pid, flush=True); signal.pause()"
    )
    log = tmp_path / "logs" / "a.log"
    ended = threading.Event()
    child = Child([sys.executable, "-c", script], log, tmp_path, lambda _: ended.set())
    while not (log.exists() and log.read_text().endswith("\n")):
        assert child.is_running
    worker = int(log.read_text())
    os.kill(child.pid, signal.SIGKILL)
    assert ended.wait(SECONDS)
    assert child.exit_code == -signal.SIGKILL
    until = time.monotonic() + SECONDS
    while not _is_gone(worker):  # killed with it, and dead as soon as the system gets to it
        assert time.monotonic() < until


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent is gone may wait a moment to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_program_that_says_it_failed_is_ended(tmp_path: Path) -> None:
    """CometBFT goes on as if nothing were when its part in consensus has failed."""
    script = "import signal; print('E[x] ODD FAILURE!!! err=1', flush=True); signal.pause()"
    command = [sys.executable, "-c", script]
    child = Child(command, tmp_path / "a.log", tmp_path, failure="ODD FAILURE!!!")
    assert child.wait(SECONDS)
    assert child.has_failed
    assert child.exit_code == -signal.SIGKILL


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_log_does_not_hide_the_end(tmp_path: Path) -> None:
    ended = threading.Event()
    (tmp_path / "a.log").symlink_to("/dev/full")
    command = [sys.executable, "-c", "print('lost')"]
    child = Child(command, tmp_path / "a.log", tmp_path, lambda _: ended.set())
    assert ended.wait(SECONDS)
    assert child.exit_code == 0


def test_what_another_program_says_is_no_failure(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "print('ODD FAILURE')"], tmp_path / "a.log", tmp_path)
    assert child.wait(SECONDS)
    assert (child.has_failed, child.exit_code) == (False, 0)


def test_a_child_that_ended_is_not_signalled(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", ""], tmp_path / "a.log", tmp_path)
    assert child.wait(SECONDS)
    child.kill()
    assert child.stop(1.0) == 0
    assert not child.is_running


def test_waiting_ends_when_the_child_does(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", ""], tmp_path / "a.log", tmp_path)
    assert not wait_until_listening(f"unix://{tmp_path}/abci.sock", child, 3600.0)


def test_a_missing_program_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConsensusProgramMissing) as refused:
        consensus_program(tmp_path / "cometbft")
    assert refused.value.places == (str(tmp_path / "cometbft"),)


@pytest.mark.parametrize("text", ["#!/bin/sh\necho 0.37.9\n", "#!/bin/sh\nexit 1\n", "garbage"])
def test_another_program_is_not_run(tmp_path: Path, text: str) -> None:
    program = tmp_path / "cometbft"
    program.write_text(text)
    program.chmod(0o755)
    with pytest.raises(ConsensusProgramOther) as refused:
        consensus_program(program)
    assert refused.value.file == str(program)


def test_the_program_of_the_environment_comes_before_the_projects_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cometbft"
    program.write_text("#!/bin/sh\necho 0.38.99\n")
    program.chmod(0o755)
    monkeypatch.setenv("LODELINE_COMETBFT", str(program))
    assert consensus_program() == program
    monkeypatch.delenv("LODELINE_COMETBFT")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tools").mkdir()
    program.rename(tmp_path / ".tools" / "cometbft")
    assert consensus_program() == (tmp_path / ".tools" / "cometbft").resolve()
