"""The writer is killed at every write and every sync that it asks the operating system for.

`strace` stops the writer when it enters the system call, so the write does not happen. Where there
is no `strace`, or it may not trace, `test_killed_writer` has to do: there the writer dies between
statements and its log is cut by hand.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.crash.killing import BLOCK, Story, appending, check_left
from tests.crash.writer import write_entries
from tests.ledger.world import World

Spread = Callable[[Sequence[int], int], list[int]]

pytestmark = pytest.mark.crash

ROOT = Path(__file__).resolve().parents[2]
CALLS = ("pwrite64", "fdatasync", "ftruncate", "unlink")


class Traced:
    """The writer of a story as a program that is traced."""

    def __init__(self, folder: Path, story: Story) -> None:
        self.story = story
        self.path = folder / "traced.db"
        self._entries = folder / "entries.cbor"
        self._calls = folder / "calls.txt"
        write_entries(self._entries, [entry for block in story.submissions for entry in block])

    def run(self, *injection: str) -> int:
        """Run the writer; return how many entries it acknowledged."""
        self.story.copy_to(self.path)
        options = ["-f", "-o", str(self._calls), "-e", f"trace={','.join(CALLS)}", *injection]
        program = [sys.executable, "-m", "tests.crash.writer"]
        arguments = [str(self.path), str(self._entries), str(BLOCK)]
        done = subprocess.run(
            ["strace", *options, *program, *arguments],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert bool(injection) or done.returncode == 0, done.stderr.decode()
        return sum(int(line) for line in done.stdout.split())

    def was_killed(self) -> bool:
        """Return whether the writer died in the last run."""
        return "killed by SIGKILL" in self._calls.read_text(errors="replace")

    def count(self, call: str) -> int:
        """Return how often the writer made a system call in the last run."""
        lines = self._calls.read_text(errors="replace").splitlines()
        return sum(f" {call}(" in line for line in lines)


def may_trace() -> bool:
    found = shutil.which("strace")
    if found is None:
        return False
    return subprocess.run([found, "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    if not may_trace():
        pytest.skip("strace is not there, or may not trace")
    folder = tmp_path_factory.mktemp("traced")
    return Traced(folder, appending(folder, World("grant-licence")))


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(traced: Traced, spread: Spread, call: str) -> None:
    assert traced.run() == 3 * BLOCK
    times = traced.count(call)
    assert times > 0
    for time in spread(range(1, times + 1), 2) if times > 2 else range(1, times + 1):
        acknowledged = traced.run("-e", f"inject={call}:signal=KILL:when={time}")
        assert traced.was_killed()
        check_left(traced.story, traced.path, acknowledged)
