"""The driver itself: applications in lockstep, over sockets and in process, and a liar found."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.engine.abci.counter import BAD, Counter
from tests.engine.abci.driver import ACCEPT, REJECT, Lockstep, framed_bytes

from lodeline.engine.abci.abci_pb2 import (
    RequestFinalizeBlock,
    RequestInfo,
    ResponseFinalizeBlock,
    ResponsePrepareProposal,
)
from lodeline.engine.abci.client import AbciClient
from lodeline.engine.abci.server import AbciServer

KEYS = [bytes([at]) * 32 for at in range(4)]


def lockstep(*applications: Counter | AbciClient) -> Lockstep:
    return Lockstep(applications, KEYS, "counting", genesis_seconds=1_800_000_000)


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[list[AbciClient]]:
    """Four applications, each behind its socket."""
    with ExitStack() as running:
        found = []
        for at in range(4):
            server = AbciServer(f"unix://{tmp_path}/{at}.sock", Counter())
            running.enter_context(server)
            found.append(running.enter_context(AbciClient(server.address)))
        yield found


def test_four_applications_agree_over_their_sockets(clients: list[AbciClient]) -> None:
    chain = lockstep(*clients)
    founded = chain.found(b"{}")
    block = chain.step([b"a", BAD, b"b"])
    assert (block.height, block.codes) == (1, (0, 0))
    assert block.app_hash != founded
    empty = chain.step([])
    assert (empty.height, empty.app_hash) == (2, block.app_hash)


def test_one_that_was_away_catches_up() -> None:
    counters = [Counter() for _ in range(4)]
    chain = lockstep(*counters)
    chain.found(b"{}")
    chain.step([b"a"])
    chain.step([b"b"], away=(2,))
    last = chain.step([b"c"], away=(2,))
    assert chain.catch_up(counters[2]) == 2
    fresh = Counter()
    assert chain.catch_up(fresh) == 3
    assert fresh.info(RequestInfo()).last_block_app_hash == last.app_hash
    assert fresh.called[0] == "init_chain"


def test_a_proposal_is_judged_by_each() -> None:
    chain = lockstep(*(Counter() for _ in range(4)))
    chain.found(b"{}")
    assert chain.judge(0, [b"a"]) == [ACCEPT] * 4
    assert chain.judge(0, [b"a", BAD]) == [REJECT] * 4


def test_an_application_that_counts_otherwise_is_found_out() -> None:
    class Generous(Counter):
        def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
            answer = super().finalize_block(request)
            answer.app_hash = b"another"
            return answer

    chain = lockstep(Counter(), Counter(), Generous())
    with pytest.raises(AssertionError, match="differ"):
        chain.decide([b"a"])


def test_log_and_info_may_differ() -> None:
    class Talkative(Counter):
        def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
            answer = super().finalize_block(request)
            answer.tx_results[0].log = "in my own words"
            return answer

    assert lockstep(Counter(), Talkative()).decide([b"a"]).codes == (0,)


def test_a_proposal_over_the_limit_is_found_out() -> None:
    class Padding(Counter):
        def prepare_proposal(self, request: object) -> ResponsePrepareProposal:
            return ResponsePrepareProposal(txs=[bytes(1_900_000)])

    with pytest.raises(AssertionError):
        lockstep(Padding()).propose(0, [])


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384])
def test_bytes_are_counted_as_the_engine_counts_them(length: int) -> None:
    txs = [bytes(length)] * 3
    assert framed_bytes(txs) == ResponsePrepareProposal(txs=txs).ByteSize()
