"""What is out of order, and that only what is told to be so is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from lodeline.cli.texts import catalogue
from lodeline.engine.consortium.process import RunningApplication
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.faults.application import FaultKind, Orders, faulty_command, main, orders_file
from lodeline.faults.faulty import short_of_space
from lodeline.faults.refusals import FaultUnknown
from lodeline.faults.suite import FAULTS, chosen

HOME = ValidatorHome(Path("somewhere"))


def test_all_faults_are_told_in_both_languages() -> None:
    assert len(FAULTS) >= 17
    for lang in ("en", "fr"):
        told = {key for key in catalogue(lang) if key.startswith("faults.done.")}
        assert told == {f"faults.done.{name}" for name in FAULTS}


def test_faults_are_chosen_by_name_in_their_order() -> None:
    assert chosen([]) == tuple(FAULTS.values())
    assert [fault.name for fault in chosen(["kill-two", "kill-one"])] == ["kill-one", "kill-two"]


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(FaultUnknown) as refused:
        chosen(["kill-one", "meteorite"])
    assert refused.value.name == "meteorite"
    assert refused.value.known == tuple(FAULTS)


def test_orders_travel_as_json() -> None:
    for kind in FaultKind:
        assert msgspec.json.decode(msgspec.json.encode(Orders(kind)), type=Orders).fault is kind
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"fault":"crash-always"}', type=Orders)


def test_an_application_out_of_order_runs_in_its_own_process() -> None:
    assert faulty_command(HOME)[1:3] == ["-m", "lodeline.faults.application"]
    assert orders_file(HOME).parent == HOME.folder


def test_without_a_home_it_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) != 0
    assert "usage" in capsys.readouterr().err


def test_a_real_validator_takes_no_orders(tmp_path: Path) -> None:
    """The fault is in another program: nothing in a home makes a real one misbehave."""
    home = ValidatorHome(tmp_path)
    orders_file(home).write_bytes(msgspec.json.encode(Orders(FaultKind.CRASH_BEFORE_COMMIT)))
    names = set(vars(RunningApplication)) | set(RunningApplication.__init__.__code__.co_names)
    assert not any("fault" in name for name in names)


def test_a_database_that_cannot_grow_says_so_and_is_whole_afterwards(tmp_path: Path) -> None:
    trigger = tmp_path / "now"
    connection = sqlite3.connect(tmp_path / "b.db", factory=short_of_space(trigger))
    connection.isolation_level = None
    connection.execute("CREATE TABLE t (data BLOB)")
    trigger.touch()
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    with closing(sqlite3.connect(tmp_path / "b.db")) as again:
        again.execute("INSERT INTO t VALUES (zeroblob(100000))")
