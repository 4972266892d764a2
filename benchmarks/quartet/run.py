"""Measure QU4RTET, an EPCIS repository in Python, on this machine; for `bench capture --peer`.

    python benchmarks/quartet/run.py [documents of 100 events]

Makes an environment of its own in `.tools/quartet` the first time (needs the network), and writes
the figures as JSON to standard output. What is measured, and what is left out, is said in
`measure.py`.
"""

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE.parents[1] / ".tools" / "quartet"
DOCUMENTS = "50"


def environment() -> Path:
    """Return the Python of the peer's environment, which is made where there is none."""
    python = PLACE / "bin" / "python"
    ready = PLACE / "ready"
    if not ready.exists():
        venv.create(PLACE, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603 - our own list
        ready.touch()
    return python


def main(documents: str) -> int:
    """Measure with so many documents; return the exit code of the measurement."""
    command = [environment(), HERE / "measure.py", documents]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own script


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or [DOCUMENTS])))
