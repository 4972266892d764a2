"""The embedded ledger, when members require a protocol version that this program does not know."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.ledgers import SetClock, anchor, opened
from tests.ledger.test_protocols import SOON, release, requiring
from tests.ledger.world import World

from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import ProgramTooOld
from lodeline.engine.trial import check_program
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import encode_entry


class Gated:
    """A ledger whose members require version 2 from `SOON` on."""

    def __init__(self, path: Path) -> None:
        self.world, self.path, self.clock = World(), path, SetClock()
        self.world.apply(self.world.govern(requiring(2, SOON, "2.x")))
        self.ledger = self.opened()
        answers = self.ledger.submit([data for data, _ in self.world.log])
        assert all(isinstance(answer, Receipt) for answer in answers)

    def opened(self) -> EmbeddedLedger:
        return opened(self.path, self.clock)

    def entries(self, *numbers: int) -> list[bytes]:
        return [encode_entry(anchor(self.world.parties["miner"], n)) for n in numbers]


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Gated]:
    made = Gated(tmp_path / "ledger.db")
    yield made
    made.ledger.close()


def is_named(error: object) -> bool:
    assert isinstance(error, ProgramTooOld)
    return (error.version, error.at, error.release, error.known) == (2, SOON, "2.x", (1,))


def test_up_to_the_second_before_everything_is_accepted(gated: Gated) -> None:
    gated.clock.moment = BlockTime(SOON - 1)
    assert all(isinstance(answer, Receipt) for answer in gated.ledger.submit(gated.entries(1, 2)))


def test_from_then_on_nothing_is_decided_and_nothing_written(gated: Gated) -> None:
    """An engine's refusal, which says nothing of the entries: the node's queue keeps them."""
    size, root = gated.ledger.size, gated.ledger.state().root
    gated.clock.moment = SOON
    answers = gated.ledger.submit([*gated.entries(1, 2), b"nonsense"])
    assert len(answers) == 3
    assert all(map(is_named, answers))
    assert (gated.ledger.size, gated.ledger.state().root) == (size, root)


def test_an_upgraded_program_goes_on(gated: Gated) -> None:
    gated.clock.moment = SOON
    gated.ledger.close()
    with release(1, 2):
        gated.ledger = gated.opened()
        answers = gated.ledger.submit(gated.entries(1, 2))
        assert all(isinstance(answer, Receipt) for answer in answers)
        assert gated.ledger.replay().state.root == gated.ledger.state().root
    for answer in gated.ledger.submit(gated.entries(3)):  # a program that was set back
        assert is_named(answer)


def test_a_program_stops_at_the_very_second(gated: Gated) -> None:
    state = gated.ledger.state()
    check_program(state, BlockTime(SOON - 1))
    with pytest.raises(ProgramTooOld) as caught:
        check_program(state, SOON)
    assert is_named(caught.value)
