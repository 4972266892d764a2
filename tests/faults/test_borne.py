"""Three of the faults, on real networks: the others are tried by `make faults`."""

from pathlib import Path

import pytest

from lodeline.faults.ground import try_fault
from lodeline.faults.suite import FAULTS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["kill-one", "crash-before-commit", "invalid-proof"])
def test_a_fault_is_borne(name: str, tmp_path: Path, program: Path) -> None:
    outcome = try_fault(FAULTS[name], tmp_path, program)
    assert outcome.fault == name
    assert outcome.judged.acknowledged >= 24
    assert outcome.judged.size > outcome.judged.acknowledged
    assert outcome.judged.headers == 4 * outcome.judged.height
    assert outcome.recovered < 60
