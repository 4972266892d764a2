"""Trying faults and having a validator begin again, from the command line."""

import json
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.cli.sessions import lodeline

from lodeline.cli import faults
from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED
from lodeline.faults.ground import Fault, Outcome
from lodeline.faults.judging import Judged, ReceiptLost
from lodeline.faults.suite import Tried
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.merkle import TreeSize

JUDGED = Judged(56, TreeSize(60), 15, 60, Hash32(b"\xab" * 32))
BORNE = Outcome("kill-one", JUDGED, 4.25, 2.5, {"blocks_behind": 3})
LOST = ReceiptLost(MemberId("mine"), 7, 2)


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults whose outcome is known beforehand; no network is founded."""

    def run(listed: Sequence[Fault], folder: Path, program: Path) -> Iterator[Tried]:
        for fault in listed:
            if fault.name == "kill-one":
                yield Tried(fault.name, BORNE, None)
            else:
                (folder / fault.name).mkdir()
                yield Tried(fault.name, None, LOST)

    monkeypatch.setattr(faults, "run", run)
    monkeypatch.setattr(faults, "consensus_program", lambda named: Path("cometbft"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_faults_that_are_borne_leave_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    ran = lodeline("faults", "--only", "kill-one", "--out", str(out))
    assert ran.code == OK
    assert "kill-one" in ran.out
    assert "blocks behind 3" in ran.out
    (one,) = json.loads(out.read_bytes())["faults"]
    assert one["borne"] is True
    assert (one["acknowledged"], one["size"], one["headers"]) == (56, 60, 60)
    assert one["application_hash"] == "ab" * 32
    assert (one["silence_seconds"], one["recovered_seconds"]) == (4.25, 2.5)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_fault_that_is_not_borne_fails_and_leaves_its_logs(tmp_path: Path) -> None:
    ran = lodeline("--json", "faults", "--only", "kill-two", "--only", "kill-one")
    assert ran.code == CHECK_FAILED
    told = {one["fault"]: one for one in json.loads(ran.out)["faults"]}
    assert told["kill-one"]["borne"] is True
    assert told["kill-two"]["borne"] is False
    assert told["kill-two"]["failure"]["code"] == "receipt-lost"
    (kept,) = tmp_path.iterdir()
    assert [path.name for path in kept.iterdir()] == ["kill-two"]


def test_the_table_says_which_fault_was_not_borne() -> None:
    ran = lodeline("faults", "--only", "kill-two", "--only", "kill-one")
    (row,) = (line for line in ran.out.splitlines() if line.startswith("kill-two "))
    assert "NOT BORNE" in row


def test_a_trial_that_is_ended_from_outside_unwinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are stopped on the way out; nothing is left running."""
    unwound = []

    def run(listed: Sequence[Fault], folder: Path, program: Path) -> Iterator[Tried]:
        try:
            signal.raise_signal(signal.SIGTERM)
            yield Tried("kill-one", BORNE, None)
        finally:
            unwound.append(folder)

    monkeypatch.setattr(faults, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        lodeline("faults")
    assert ended.value.code == 128 + signal.SIGTERM
    assert len(unwound) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_unknown_fault_is_refused() -> None:
    ran = lodeline("faults", "--only", "meteorite")
    assert ran.code == REFUSED
    assert "meteorite" in ran.err


def test_a_validator_is_reset_when_that_is_confirmed(tmp_path: Path) -> None:
    data = tmp_path / "comet" / "data"
    data.mkdir(parents=True)
    (data / "priv_validator_state.json").write_text("{}")
    (data / "wal").write_text("x")
    assert lodeline("--yes", "validator", "reset", str(tmp_path)).code == OK
    assert [path.name for path in data.iterdir()] == ["priv_validator_state.json"]


def test_a_validator_without_its_votes_is_not_reset(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("x")
    ran = lodeline("--yes", "validator", "reset", str(tmp_path))
    assert ran.code == REFUSED
    assert (tmp_path / "ledger.db").exists()
