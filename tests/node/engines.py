"""The consensus engine for tests that need it: skipped without it, unless it must be there."""

import os
from pathlib import Path

import pytest

from lodeline.node.processes import consensus_program

COMETBFT = Path(__file__).parents[2] / ".tools" / "cometbft"


def consensus_engine() -> Path:
    """Return the program that `make engine` installs."""
    if COMETBFT.exists():
        return consensus_program(COMETBFT)
    reason = "no .tools/cometbft: `make engine` installs it"
    if os.environ.get("LODELINE_NEED_ENGINE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
