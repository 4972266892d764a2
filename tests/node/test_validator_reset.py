"""A validator begins again: everything goes that the others have, nothing that only it has."""

from contextlib import closing
from pathlib import Path

import pytest

from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.engine.refusals import LedgerHasWriter
from lodeline.node.validator_reset import VotesMissing, reset_validator

VOTES = "comet/data/priv_validator_state.json"
KEPT = (
    "checkpoint.key",
    "validator.toml",
    "founding.json",
    "trust.json",
    "misbehaviour.jsonl",
    "comet/config/config.toml",
    "comet/config/priv_validator_key.json",
    VOTES,
)
GONE = (
    "ledger.db",
    "ledger.db-wal",
    "snapshots/12/header",
    "comet/data/state.db/CURRENT",
    "comet/data/cs.wal/wal",
)


@pytest.fixture
def home(tmp_path: Path) -> ValidatorHome:
    for name in (*KEPT, *GONE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return ValidatorHome(tmp_path)


def left(home: ValidatorHome) -> set[str]:
    found = (path for path in home.folder.rglob("*") if path.is_file())
    return {path.relative_to(home.folder).as_posix() for path in found}


def test_keys_settings_and_votes_stay(home: ValidatorHome) -> None:
    reset_validator(home)
    assert left(home) == {*KEPT, "ledger.db.writer"}
    assert (home.folder / VOTES).read_text() == VOTES
    reset_validator(home)
    with closing(Replica(home.ledger)) as fresh:
        assert fresh.size == 0


def test_without_the_record_of_votes_nothing_is_thrown_away(home: ValidatorHome) -> None:
    (home.folder / VOTES).unlink()
    with pytest.raises(VotesMissing) as refused:
        reset_validator(home)
    assert refused.value.file == str(home.folder / VOTES)
    assert left(home) == {*KEPT, *GONE} - {VOTES}


def test_a_validator_that_runs_is_left_alone(tmp_path: Path) -> None:
    home = ValidatorHome(tmp_path)
    votes = tmp_path / VOTES
    votes.parent.mkdir(parents=True)
    votes.write_text("{}")
    with closing(Replica(home.ledger)):
        with pytest.raises(LedgerHasWriter):
            reset_validator(home)
        assert home.ledger.is_file()


def test_a_link_is_removed_and_not_followed(home: ValidatorHome, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    link = home.engine / "data" / "blockstore.db"
    link.symlink_to(elsewhere)
    reset_validator(home)
    assert not link.is_symlink()
    assert (elsewhere / "precious").read_text() == "kept"
