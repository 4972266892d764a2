"""Write every generated page of this folder again; `make docs` calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_GENERATORS = ("docs_tables.py", "docs_commands.py", "docs_errors.py", "docs_faults.py")

if __name__ == "__main__":
    for name in _GENERATORS:
        subprocess.run([sys.executable, str(_ROOT / "scripts" / name)], check=True)  # noqa: S603
