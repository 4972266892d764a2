"""A vote requires a protocol version that one validator of four does not know."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.consortium.chain import (
    ACCEPT,
    VALIDATORS,
    Block,
    Consortium,
    Node,
    Setting,
    all_agree,
    check,
    decide,
    finalize,
    judge,
    propose,
    start,
)
from tests.engine.consortium.test_snapshots import fetched, give, headers, offer, offered
from tests.engine.ledgers import anchor
from tests.ledger.test_protocols import LATER, SOON, release, requiring
from tests.ledger.world import START

from lodeline.engine.abci.abci_pb2 import RequestCommit, RequestInfo
from lodeline.engine.abci.client import AbciClient
from lodeline.engine.abci.server import AbciServer
from lodeline.engine.consortium.founding import ClockKind, Founding
from lodeline.engine.consortium.reading import transaction_hash
from lodeline.engine.consortium.refusals import FoundingMalformed
from lodeline.engine.refusals import ProgramTooOld
from lodeline.kernel.time import BlockTime

OLD, *NEW = VALIDATORS


class Ahead:
    """Four validators that agreed to require version 2 from `SOON` on; `OLD` knows 1 alone."""

    def __init__(self, consortium: Consortium, folder: Path) -> None:
        self.made, self.folder = consortium, folder
        self.nodes = {name: Node(consortium, name, folder / name) for name in VALIDATORS}
        for node in self.nodes.values():
            start(node.application, consortium)
        vote = consortium.world.govern(requiring(2, SOON, "2.x"))
        self.decide_everywhere(1, consortium.submission("audit-a", vote), START)

    def decide_everywhere(self, height: int, data: bytes, time: BlockTime) -> None:
        block = Block(height, (data,), time)
        assert {judge(node.application, block) for node in self.nodes.values()} == {ACCEPT}
        all_agree(decide(node.application, block) for node in self.nodes.values())

    def go_on(self, block: Block) -> bytes:
        """Decide a block on the validators that know both versions; return the hash."""
        with release(1, 2):
            assert {judge(self.nodes[name].application, block) for name in NEW} == {ACCEPT}
            agreed = all_agree(decide(self.nodes[name].application, block) for name in NEW)
        assert agreed.results[0][0] == 0
        return agreed.application_hash

    def anchored(self, number: int) -> bytes:
        return self.made.submission("refiner", anchor(self.made.party("refiner"), number))

    @property
    def old(self) -> Node:
        return self.nodes[OLD]

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[Ahead]:
    made = Ahead(Consortium(), tmp_path)
    yield made
    made.close()


def is_refusal(error: ProgramTooOld) -> bool:
    return (error.version, error.at, error.release, error.known) == (2, SOON, "2.x", (1,))


# ------------------------------------------------------------------ four in lockstep


def test_up_to_the_second_before_all_four_agree(ahead: Ahead) -> None:
    ahead.decide_everywhere(2, ahead.anchored(1), BlockTime(SOON - 1))
    assert len({node.application_hash for node in ahead.nodes.values()}) == 1


@pytest.mark.parametrize("time", [SOON, LATER])
def test_the_old_one_decides_nothing_and_the_others_go_on(ahead: Ahead, time: BlockTime) -> None:
    before, block = ahead.old.application_hash, Block(2, (ahead.anchored(1),), time)
    steps = (propose, judge, finalize)
    for step in steps:
        with pytest.raises(ProgramTooOld) as caught:
            step(ahead.old.application, block)
        assert is_refusal(caught.value)
    with pytest.raises(RuntimeError):
        ahead.old.application.commit(RequestCommit())
    reached = ahead.go_on(block)
    assert reached != before
    assert (ahead.old.application_hash, ahead.old.height) == (before, 1)


def test_a_block_without_entries_stops_the_old_one_too(ahead: Ahead) -> None:
    """It would agree on the hash; but it should say at once that it is to be replaced."""
    with pytest.raises(ProgramTooOld):
        finalize(ahead.old.application, Block(2, (), SOON))


def test_the_old_one_catches_up_when_it_is_upgraded(ahead: Ahead) -> None:
    blocks = [Block(2 + n, (ahead.anchored(n),), BlockTime(SOON + n)) for n in range(3)]
    hashes = [ahead.go_on(block) for block in blocks]
    with pytest.raises(ProgramTooOld):
        finalize(ahead.old.application, blocks[0])
    ahead.old.close()
    ahead.nodes[OLD] = Node(ahead.made, OLD, ahead.folder / OLD)
    info = ahead.old.application.info(RequestInfo())
    assert (info.last_block_height, info.app_version) == (1, 1)
    with release(1, 2):
        caught_up = [decide(ahead.old.application, block).app_hash for block in blocks]
    assert caught_up == hashes
    assert len({node.application_hash for node in ahead.nodes.values()}) == 1


def test_the_old_one_behind_a_socket_ends_by_name(ahead: Ahead) -> None:
    """CometBFT loses its application; what is durable stays as it was."""
    with (
        AbciServer(f"unix://{ahead.folder}/abci.sock", ahead.old.application) as server,
        AbciClient(server.address) as client,
    ):
        assert client.info(RequestInfo()).last_block_height == 1
        with pytest.raises(Exception, match="program knows 1"):
            finalize(client, Block(2, (ahead.anchored(1),), SOON))
        assert server.failed.wait(10)
        assert isinstance(server.failure, ProgramTooOld)
        assert is_refusal(server.failure)
    assert ahead.old.height == 1


def test_the_waiting_room_of_the_old_one_sends_members_elsewhere(ahead: Ahead) -> None:
    """By its own clock, which decides nothing: it goes on running, and nobody is locked out."""
    data = ahead.anchored(1)
    ahead.old.clock.moment = SOON
    waiting = ahead.old.outcomes.expect(transaction_hash(data))
    (answer,) = check(ahead.old.application, data)
    assert answer.code == 1
    (refusal,) = waiting.result(timeout=5)
    assert isinstance(refusal, ProgramTooOld)
    assert is_refusal(refusal)
    ahead.old.clock.moment = BlockTime(SOON - 1)
    assert check(ahead.old.application, data)[0].code == 0


def test_a_program_that_is_too_old_restores_no_snapshot(
    ahead: Ahead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    giver = Node(ahead.made, NEW[0], tmp_path / "giver", Setting(snapshot_entries=1))
    start(giver.application, ahead.made)
    vote = ahead.made.submission("audit-a", ahead.made.world.govern(requiring(2, SOON, "2.x")))
    decide(giver.application, Block(1, (vote,), START))
    giver.snapshots.wait()
    with release(1, 2):
        decide(giver.application, Block(2, (ahead.anchored(1),), SOON))
    giver.snapshots.wait()
    snapshot, application_hash = offered(giver)
    pieces = fetched(giver, snapshot)
    for known, whole in (((1,), False), ((1, 2), True)):
        setting = Setting(listed=frozenset({headers(giver)[-1].digest}))
        taker = Node(ahead.made, OLD, tmp_path / f"taker {whole}", setting)
        with release(*known):
            offer(taker, snapshot, application_hash)
            give(taker, pieces)
        assert (taker.application_hash == giver.application_hash) is whole
        assert (taker.replica.size == 0) is not whole
        assert ("this program knows 1" in capsys.readouterr().err) is not whole
        taker.close()
    giver.close()


def test_a_file_from_a_later_release_is_not_opened_by_replaying_it(
    ahead: Ahead, tmp_path: Path
) -> None:
    with release(1, 2):
        ahead.go_on(Block(2, (ahead.anchored(1),), SOON))
    path = ahead.nodes[NEW[0]].replica.path
    ahead.nodes[NEW[0]].close()
    with sqlite3.connect(path) as damaged:
        damaged.execute("DELETE FROM state_parts")
    with pytest.raises(ProgramTooOld) as caught:
        Node(ahead.made, NEW[0], path.parent)
    assert is_refusal(caught.value)
    with release(1, 2):
        ahead.nodes[NEW[0]] = Node(ahead.made, NEW[0], path.parent)


# ------------------------------------------------------------------ the founding


def test_the_founding_names_the_version_that_heads_every_block(consortium: Consortium) -> None:
    assert consortium.founding.version == 1
    for entries in ((b"\x00",), consortium.founding.entries[1:]):
        with pytest.raises(FoundingMalformed):
            _ = Founding(ClockKind.BLOCK, entries).version
