"""Validators in lockstep: the same blocks give the same answers, whatever each had seen before."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.consortium.chain import (
    ACCEPT,
    VALIDATORS,
    Block,
    Consortium,
    Node,
    all_agree,
    badly_proved,
    check,
    decide,
    judge,
    opinion,
    propose,
    start,
)
from tests.engine.ledgers import ORIGIN, SetClock, anchor
from tests.ledger.world import START

from lodeline.engine.abci.application import Application
from lodeline.engine.abci.client import AbciClient
from lodeline.engine.abci.server import AbciServer
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Transform, decode_entry, encode_entry
from lodeline.ledger.statekeys import application_hash
from lodeline.ledger.submissions import decode_submission


@pytest.fixture(scope="module")
def busy() -> Consortium:
    """A consortium with transforms, a sale and votes after the founding."""
    made = Consortium("grant-licence", "mine-copper-cobalt", "sale", "split")
    world = made.world
    sold, licence = world.mined()
    offer = world.offer(world.sale(sold), world.now + 1_000)
    world.apply(offer)
    world.apply(world.accept(offer), BlockTime(world.now + 10))
    ore, _ = world.does("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    world.apply(world.recall("audit-a", ore))
    for number in range(6):
        world.apply(anchor(world.parties["refiner"], number))
    assert len(world.log) > made.founded + 10
    return made


def story(consortium: Consortium) -> list[bytes]:
    return [data for data, _ in consortium.world.log[consortium.founded :]]


def nodes_of(consortium: Consortium, folder: Path) -> list[Node]:
    nodes = [Node(consortium, name, folder / name) for name in VALIDATORS]
    assert len({start(node.application, consortium) for node in nodes}) == 1
    return nodes


def test_a_story_goes_through_check_proposal_and_decision_everywhere(
    busy: Consortium, tmp_path: Path
) -> None:
    nodes = nodes_of(busy, tmp_path)
    height, entries, reached = 0, story(busy), b""
    for at in range(0, len(entries), 3):
        height += 1
        data = busy.submission(VALIDATORS[height % 4], *entries[at : at + 3])
        for node in nodes:
            assert [answer.code for answer in check(node.application, data)] == [0]
        block = propose(
            nodes[height % 4].application, Block(height, (data,), BlockTime(START + 10))
        )
        assert block.transactions == (data,)
        for node in nodes:
            assert judge(node.application, block) == ACCEPT
        found = all_agree(decide(node.application, block) for node in nodes)
        assert found.results[0][0] == 0
        reached = found.application_hash
    assert height > 3
    assert {node.application_hash for node in nodes} == {reached}
    assert {node.replica.size for node in nodes} == {len(busy.world.log)}
    for node in nodes:
        node.close()


def test_a_validator_behind_a_socket_answers_like_one_in_the_process(
    busy: Consortium, tmp_path: Path
) -> None:
    nodes = nodes_of(busy, tmp_path)
    data = busy.submission("refiner", *story(busy))
    block = Block(1, (data,), BlockTime(START + 10))
    with (
        AbciServer(f"unix://{tmp_path}/abci.sock", nodes[0].application) as server,
        AbciClient(server.address) as client,
    ):
        ends: list[Application] = [client, nodes[1].application]
        assert [check(end, data)[0].code for end in ends] == [0, 0]
        assert [propose(end, block).transactions for end in ends] == [(data,), (data,)]
        assert [judge(end, block) for end in ends] == [ACCEPT, ACCEPT]
        all_agree(decide(end, block) for end in ends)
    for node in nodes:
        node.close()


def test_the_embedded_ledger_comes_to_the_same_hash(busy: Consortium, tmp_path: Path) -> None:
    node = Node(busy, "miner", tmp_path / "miner")
    start(node.application, busy)
    clock = SetClock(START)
    ledger = EmbeddedLedger(tmp_path / "embedded.db", clock, verify=opinion)
    ledger.submit(list(busy.founding.entries))
    for height, data in enumerate(story(busy), 1):
        clock.moment = BlockTime(START + 10 * height)
        block = Block(height, (busy.submission("miner", data),), clock.moment)
        answer = decide(node.application, block)
        ledger.submit([data])
        checkpoint = ledger.checkpoint(ORIGIN)
        assert answer.app_hash == application_hash(checkpoint.root, checkpoint.state)
    assert ledger.size == node.replica.size
    ledger.close()
    node.close()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
@pytest.mark.property
def test_any_blocks_give_the_same_answers_whatever_was_seen_before(
    busy: Consortium, seed: int
) -> None:
    """One validator checks first, one judges first, two do neither; beside them an embedded one."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        nodes = nodes_of(busy, Path(folder))
        clock = SetClock(START)
        embedded = EmbeddedLedger(Path(folder) / "embedded.db", clock, verify=opinion)
        embedded.submit(list(busy.founding.entries))
        blocks, refused = random_blocks(busy, chance), 0
        for block in blocks:
            clock.moment = block.time
            check(nodes[0].application, *chance.sample(block.transactions, len(block.transactions)))
            judge(nodes[1].application, block)
            found = all_agree(decide(node.application, block) for node in nodes)
            answers = embedded.submit([e for data in block.transactions for e in inside(data)])
            told = [a.code if isinstance(a, LodelineError) else "" for a in answers]
            assert [code for _, data in found.results for code in codes(data)] == told
            refused += sum(map(bool, told))
            checkpoint = embedded.checkpoint(ORIGIN)
            assert found.application_hash == application_hash(checkpoint.root, checkpoint.state)
        assert refused > 0
        assert embedded.size > busy.founded
        replayed = Node(busy, "miner", Path(folder) / "replayed")
        start(replayed.application, busy)
        for block in blocks:
            decide(replayed.application, block)
        assert replayed.application_hash == nodes[0].application_hash
        for node in (*nodes, replayed):
            node.close()
        embedded.close()


def inside(data: bytes) -> tuple[bytes, ...]:
    return decode_submission(data).body.entries


def codes(data: bytes) -> list[object]:
    found = cbor.decode(data)
    assert isinstance(found, list)
    return found


def random_blocks(consortium: Consortium, chance: random.Random) -> list[Block]:
    """Return blocks of the story out of order, with repetitions, nonsense and bad proofs."""
    entries = story(consortium)
    pool = entries * 2 + [b"\xff", b"\xa0"]
    transforms = [e for e in map(decode_entry, entries) if isinstance(e, Transform)]
    pool += [encode_entry(badly_proved(entry)) for entry in transforms]
    order = sorted(range(len(pool)), key=lambda at: at % len(entries) + chance.uniform(-3, 3))
    blocks: list[Block] = []
    time = START
    while order:
        some = [pool[at] for at in order[: chance.randint(1, 7)]]
        del order[: len(some)]
        cut = chance.randint(0, len(some))
        transactions = tuple(
            consortium.submission(chance.choice(VALIDATORS), *part)
            for part in (some[:cut], some[cut:])
            if part
        )
        time = BlockTime(time + chance.choice((0, 0, 5, 300)))
        blocks.append(Block(len(blocks) + 1, transactions, time))
    return blocks
