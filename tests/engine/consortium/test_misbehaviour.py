"""Whoever is caught is written down, once, before the block that tells of it is durable."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.consortium.chain import Block, Consortium, decide
from tests.engine.consortium.conftest import Founded

from lodeline.engine.abci.abci_pb2 import Misbehavior, MisbehaviorType, Validator
from lodeline.engine.consortium.misbehaviour import (
    Caught,
    MisbehaviourBook,
    caught_in,
    consensus_address,
    misbehaviour_file,
)
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.ids import MemberId
from lodeline.node.comet_files import comet_address

MINER = MemberId("miner")


def caught(
    height: int = 7, kind: str = "duplicate-vote", member: MemberId | None = MINER
) -> Caught:
    return Caught(height, kind, "ab" * 20, member)


@pytest.fixture
def book(tmp_path: Path) -> MisbehaviourBook:
    return MisbehaviourBook(misbehaviour_file(ValidatorHome(tmp_path)))


def test_nobody_was_caught_yet(book: MisbehaviourBook, tmp_path: Path) -> None:
    assert book.all() == ()
    book.note(())
    assert not list(tmp_path.iterdir())


def test_each_is_written_once_and_said_once(
    book: MisbehaviourBook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A block that is decided again after a crash tells of the same."""
    book.note((caught(), caught(), caught(8)))
    book.note((caught(8), caught(9, member=None)))
    again = MisbehaviourBook(misbehaviour_file(ValidatorHome(tmp_path)))
    assert again.all() == (caught(), caught(8), caught(9, member=None))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "miner" in said[0]
    assert "ab" * 20 in said[2]


def test_a_line_that_a_crash_cut_off_is_left_out(book: MisbehaviourBook, tmp_path: Path) -> None:
    book.note((caught(), caught(8)))
    path = misbehaviour_file(ValidatorHome(tmp_path))
    path.write_bytes(path.read_bytes()[:-5])
    assert book.all() == (caught(),)
    book.note((caught(8),))
    assert book.all() == (caught(), caught(8))


def test_a_validator_is_named_by_its_member(consortium: Consortium, founded: Founded) -> None:
    state = founded().replica.state()
    record = state.validators.get(MINER)
    assert record is not None
    address = consensus_address(record.consensus_key)
    assert address == comet_address(record.consensus_key)
    known = Misbehavior(
        type=MisbehaviorType.DUPLICATE_VOTE, validator=Validator(address=address), height=3
    )
    other = Misbehavior(
        type=MisbehaviorType.LIGHT_CLIENT_ATTACK, validator=Validator(address=bytes(20)), height=4
    )
    assert caught_in(state, [known, other, Misbehavior()]) == (
        Caught(3, "duplicate-vote", address.hex(), MINER),
        Caught(4, "light-client-attack", bytes(20).hex(), None),
        Caught(0, "unknown", "", None),
    )


def test_it_is_told_before_the_block_is_durable(consortium: Consortium, founded: Founded) -> None:
    node, heights = founded(), list[int]()
    tools = node.application._tools

    def told(found: object) -> None:
        heights.append(node.replica.position.height)

    node.application._tools = replace(tools, caught=told)
    decide(node.application, Block(1))
    assert heights == [0]
    assert node.replica.position.height == 1
