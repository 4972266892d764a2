"""The program that the trials need, or a clear reason why there are none."""

import os
from pathlib import Path
from typing import Final

import pytest

COMETBFT: Final = Path(__file__).parents[2] / ".tools" / "cometbft"


@pytest.fixture(scope="session")
def program() -> Path:
    """Skip without the program, unless the environment says that it must be there."""
    if not COMETBFT.exists():
        reason = "no .tools/cometbft: `make engine` installs it"
        if os.environ.get("LODELINE_NEED_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return COMETBFT
