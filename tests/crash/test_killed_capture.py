"""Capture is killed at every statement, commit and write; then everything is sent again.

What was acknowledged must be there, each event once, with its terms and its state; a step that was
not acknowledged is there whole or not at all. Sending everything again completes the store.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import select
from tests.crash.capture_writer import STEPS, opened, run

from lodeline.node.events.schema import CAPTURE_JOBS, EVENT_STATES, EVENT_TERMS, EVENTS
from lodeline.node.events.states import EventState, count_states
from lodeline.node.events.store import EventStore, TenantName

Spread = Callable[[Sequence[int], int], list[int]]

pytestmark = pytest.mark.crash

ROOT = Path(__file__).resolve().parents[2]
CALLS = ("pwrite64", "fdatasync", "ftruncate")
SERIAL = re.compile(r"\.(\d+)$")


class _Places:
    """Counts the places at which the process could be killed, and kills it at one of them."""

    seen = 0
    deadly = 0

    @classmethod
    def here(cls) -> None:
        cls.seen += 1
        if cls.seen == cls.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


class _Cursor(sqlite3.Cursor):
    def execute(self, *values: Any) -> Any:
        _Places.here()
        found = super().execute(*values)
        _Places.here()
        return found

    def executemany(self, *values: Any) -> Any:
        _Places.here()
        found = super().executemany(*values)
        _Places.here()
        return found


class Counted(sqlite3.Connection):
    """A connection whose every statement and commit is a place to die at."""

    def cursor(self, *_: Any) -> Any:
        return super().cursor(_Cursor)

    def commit(self) -> None:
        _Places.here()
        super().commit()
        _Places.here()


def fresh(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def run_and_kill(path: Path, place: int) -> tuple[int, bool]:
    """Run the story in another process; return the steps it acknowledged, and whether it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _write(path, place, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0
    return len(told.split()), killed


def _write(path: Path, place: int, told: int) -> NoReturn:
    failed = 1
    try:
        _Places.seen, _Places.deadly = 0, place
        run(opened(path, Counted), told)
        failed = 0
    finally:
        os._exit(failed)


def serials(store: EventStore) -> Counter[int]:
    """How often each thing's event is in the store."""
    with store.reading() as connection:
        bodies = connection.execute(select(EVENTS.c.body)).scalars().all()
    found = [SERIAL.search(json.loads(body)["epcList"][0]) for body in bodies]
    return Counter(int(match[1]) for match in found if match)


def check_whole(store: EventStore) -> None:
    """Every event has its terms and its state, and nothing else has any."""
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        seqs = list(connection.execute(select(EVENTS.c.seq).order_by(EVENTS.c.seq)).scalars())
        states = connection.execute(select(EVENT_STATES.c.seq).order_by(EVENT_STATES.c.seq))
        terms = set(connection.execute(select(EVENT_TERMS.c.seq)).scalars())
        captured = sum(connection.execute(select(CAPTURE_JOBS.c.captured)).scalars())
        single = select(EVENTS.c.seq).where(EVENTS.c.capture_job.is_(None))
        alone = len(list(connection.execute(single)))
    assert list(states.scalars()) == seqs
    assert terms == set(seqs)
    assert seqs == list(range(1, len(seqs) + 1)), "a hole in the order of capture"
    assert captured + alone == len(seqs)


def check_left(path: Path, acknowledged: int) -> None:
    """Look at what a killed writer left, send everything again, and look once more."""
    _Places.deadly = 0
    store = opened(path)
    found = serials(store)
    check_whole(store)
    done = frozenset[int]().union(*(new for _, new in STEPS[:acknowledged]))
    after = frozenset[int]().union(*(new for _, new in STEPS[: acknowledged + 1]))
    assert set(found) in (done, after), "a step is there in part, or gone"
    assert set(found.values()) <= {1}
    reading, writing = os.pipe()
    run(store, writing)
    os.close(writing)
    os.close(reading)
    store = opened(path)
    everything = frozenset[int]().union(*(new for _, new in STEPS))
    assert serials(store) == Counter(dict.fromkeys(everything, 1))
    check_whole(store)
    kept = count_states(store, store.tenant(TenantName("miner")))
    assert kept == {EventState.KEPT: 2, EventState.RECEIVED: len(everything) - 2}
    store.close()


def test_killed_before_and_after_every_statement_and_commit(tmp_path: Path, spread: Spread) -> None:
    path = tmp_path / "events.db"
    _Places.seen = _Places.deadly = 0
    reading, writing = os.pipe()
    run(opened(path, Counted), writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read().split()) == len(STEPS)
    places = _Places.seen
    assert places > 100
    deaths = 0
    for place in spread(range(1, places + 1), 16):
        fresh(path)
        acknowledged, killed = run_and_kill(path, place)
        # Migration asks nothing twice, so a run may have a few places fewer than the first.
        deaths += killed
        check_left(path, acknowledged)
    assert deaths > 10


def test_killed_between_commit_and_answer(tmp_path: Path) -> None:
    """The worst moment: it is on the disk, and the sender does not know."""
    path = tmp_path / "events.db"
    store = opened(path)
    miner = store.tenant(TenantName("miner"))
    for step, _ in STEPS[:3]:
        step(store, miner)
    store.close()
    check_left(path, 2)


class Traced:
    """The writer as a program that is traced."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "traced.db"
        self._calls = folder / "calls.txt"

    def run(self, *injection: str) -> int:
        """Run the writer on a new file; return how many steps it acknowledged."""
        fresh(self.path)
        options = ["-f", "-o", str(self._calls), "-e", f"trace={','.join(CALLS)}", *injection]
        program = [sys.executable, "-m", "tests.crash.capture_writer", str(self.path)]
        done = subprocess.run(
            ["strace", *options, *program], cwd=ROOT, capture_output=True, check=False, timeout=120
        )
        assert bool(injection) or done.returncode == 0, done.stderr.decode()
        return len(done.stdout.split())

    def was_killed(self) -> bool:
        return "killed by SIGKILL" in self._calls.read_text(errors="replace")

    def count(self, call: str) -> int:
        lines = self._calls.read_text(errors="replace").splitlines()
        return sum(f" {call}(" in line for line in lines)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    found = shutil.which("strace")
    allowed = (
        found and not subprocess.run([found, "-o", "/dev/null", "true"], check=False).returncode
    )
    if not allowed:
        pytest.skip("strace is not there, or may not trace")
    return Traced(tmp_path_factory.mktemp("traced"))


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(traced: Traced, spread: Spread, call: str) -> None:
    assert traced.run() == len(STEPS)
    times = traced.count(call)
    assert times > 0
    for time in spread(range(1, times + 1), 3) if times > 3 else range(1, times + 1):
        acknowledged = traced.run("-e", f"inject={call}:signal=KILL:when={time}")
        assert traced.was_killed()
        check_left(traced.path, acknowledged)
