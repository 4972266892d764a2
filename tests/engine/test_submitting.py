"""Entries in, one answer each: order, chains, double spends and clocks within one block."""

from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.ledgers import (
    SetClock,
    accepted,
    anchor,
    anchors,
    founded,
    opened,
    refusal,
    submit,
)
from tests.ledger.world import CHAIN, DUMMY_SIGNATURE, RECIPES, START, World, made_by

from lodeline.crypto.signatures import SignatureContext
from lodeline.custody.expansion import recipe_digest
from lodeline.engine.embedded import CLOCK_SLACK, Tuning
from lodeline.engine.refusals import (
    ClockWentBack,
    LedgerClosed,
    LedgerHasWriter,
    LedgerReadOnly,
)
from lodeline.engine.trial import leaf_head
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    AdoptRecipe,
    Govern,
    GovernBody,
    RetireRecipe,
    Transform,
    decode_entry,
    encode_entry,
    entry_id,
)
from lodeline.ledger.log import Leaf, read_leaf
from lodeline.ledger.merkle import LeafIndex, leaf_hash
from lodeline.ledger.refusals_entries import (
    EntryAlreadyAccepted,
    MemberSignatureInvalid,
    NoGenesis,
    WrongChain,
)
from lodeline.ledger.refusals_governance import NotEnoughVotes, SequenceWrong
from lodeline.ledger.refusals_transforms import LotAlreadySpent, LotUnknown, RecipeNotAdopted

MINING = ("grant-licence", "mine-copper-cobalt", "sale")


@pytest.fixture
def world() -> World:
    return World(*MINING)


def test_the_first_entry_is_the_genesis(tmp_path: Path, world: World) -> None:
    ledger = opened(tmp_path / "ledger.db")
    assert ledger.size == 0
    refusal(submit(ledger, anchor(world.parties["miner"], 1))[0], NoGenesis)
    assert ledger.size == 0
    (receipt,) = accepted(submit(ledger, world.genesis()))
    assert (receipt.index, receipt.time, ledger.size) == (0, START, 1)
    ledger.close()


def test_a_replayed_log_has_the_state_and_root_of_the_world(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    assert ledger.size == len(world.log) > 3
    assert ledger.state().root == world.state.root
    ledger.close()


def test_answers_keep_the_order_and_a_refused_entry_stops_no_other(
    tmp_path: Path, world: World
) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    before = ledger.size
    miner = world.parties["miner"]
    unsigned = structs.replace(anchor(miner, 2), signature=DUMMY_SIGNATURE)
    elsewhere = structs.replace(
        anchor(miner, 3), body=structs.replace(anchor(miner, 3).body, chain="other.example/chain")
    )
    offered = [
        encode_entry(anchor(miner, 1)),
        b"\xff",
        encode_entry(unsigned),
        encode_entry(anchor(miner, 4)),
        encode_entry(elsewhere),
        encode_entry(anchor(miner, 1)),
        encode_entry(anchor(miner, 5)),
    ]
    answers = ledger.submit(offered)
    first, fourth, last = accepted([answers[0], answers[3], answers[6]])
    assert [first.index, fourth.index, last.index] == [before, before + 1, before + 2]
    assert isinstance(answers[1], CborError)
    refusal(answers[2], MemberSignatureInvalid)
    refusal(answers[4], WrongChain)
    assert refusal(answers[5], EntryAlreadyAccepted).index == before
    assert ledger.size == before + 3
    ledger.close()


def test_a_receipt_names_the_leaf_that_is_stored(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    entry = anchor(world.parties["miner"], 1)
    (receipt,) = accepted(submit(ledger, entry))
    leaf = ledger.leaf(receipt.index)
    assert leaf == Leaf(entry, receipt.time).encode()
    assert receipt.leaf == leaf_hash(leaf)
    assert receipt.entry == entry_id(entry)
    ledger.close()


@pytest.mark.parametrize("time", [0, 23, 24, 255, 256, 65_536, 2**32, 253_402_300_799])
def test_a_leaf_is_spliced_to_the_bytes_that_encoding_it_gives(world: World, time: int) -> None:
    assert len(world.log) > 3
    for data, _ in world.log:
        spliced = leaf_head(BlockTime(time)) + data
        assert spliced == Leaf(decode_entry(data), BlockTime(time)).encode()
        assert read_leaf(spliced).time == time


def test_a_block_can_chain(tmp_path: Path, world: World) -> None:
    """B spends what A makes, both are offered together, and C spends what B makes."""
    ledger = founded(tmp_path / "ledger.db", world)
    licence = world.granted()
    grant = decode_entry(world.log[-1][0])
    ore = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    assert isinstance(grant, Transform)
    assert made_by(grant) == (licence,)
    accepted(submit(ledger, grant, ore))
    assert ledger.state().is_unspent(made_by(ore)[0])
    assert not ledger.state().is_unspent(licence)
    ledger.close()


def test_a_chain_in_the_wrong_order_is_refused_where_it_breaks(
    tmp_path: Path, world: World
) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    licence = world.granted()
    grant = decode_entry(world.log[-1][0])
    ore = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    answers = submit(ledger, ore, grant)
    assert refusal(answers[0], LotUnknown).lot == licence
    accepted(answers[1:])
    ledger.close()


def test_a_double_spender_within_one_block_gets_one_of_two(tmp_path: Path, world: World) -> None:
    licence = world.granted()
    ledger = founded(tmp_path / "ledger.db", world)
    one = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    other = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    answers = submit(ledger, one, other)
    accepted(answers[:1])
    assert refusal(answers[1], LotAlreadySpent).lot == licence
    again = submit(ledger, other)
    refusal(again[0], LotAlreadySpent)
    ledger.close()


def test_a_refused_vote_does_not_stop_the_transform_after_it(tmp_path: Path, world: World) -> None:
    """The proof is read under the tables as they are, not as the vote would have left them."""
    licence = world.granted()
    ledger = founded(tmp_path / "ledger.db", world)
    vote = world.govern(AdoptRecipe(RECIPES["leach-cobalt"]), voters=("miner",))
    ore = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    answers = submit(ledger, vote, ore)
    refusal(answers[0], NotEnoughVotes)
    accepted(answers[1:])
    ledger.close()


def test_a_stranger_s_votes_cannot_stop_honest_entries(tmp_path: Path) -> None:
    """Votes that nobody signed stand before, between and after honest steps of one block."""
    world = World(*MINING, "split")
    licence = world.granted()
    ledger = founded(tmp_path / "ledger.db", world)
    act = RetireRecipe(recipe_digest(RECIPES["mine-copper-cobalt"]))
    bogus = [Govern(GovernBody(CHAIN, number, (act,)), ()) for number in (0, 10**6, 10**7)]
    mining = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    world.apply(mining)
    ore, _ = made_by(mining)
    split = world.make("split", [ore], [world.ore(), world.ore()])
    answers = submit(ledger, bogus[0], mining, bogus[1], split, bogus[2])
    for answer in answers[::2]:
        refusal(answer, SequenceWrong)
    accepted(answers[1::2])
    ledger.replay()
    ledger.close()


def test_a_recipe_counts_from_the_entry_after_its_adoption(tmp_path: Path) -> None:
    world = World("grant-licence")
    licence = world.granted()
    ledger = founded(tmp_path / "ledger.db", world)
    vote = world.govern(AdoptRecipe(RECIPES["mine-copper-cobalt"]))
    world.apply(vote)
    ore = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    before, after, _ = (*submit(ledger, ore, vote, ore),)
    refusal(before, RecipeNotAdopted)
    accepted([after])
    assert ledger.state().is_unspent(made_by(ore)[0])
    ledger.close()


def test_one_submission_over_several_blocks(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world, Tuning(block_entries=3))
    before = ledger.size
    offered = anchors(world, range(10))
    offered[4] = b""
    answers = ledger.submit(offered)
    assert len(answers) == 10
    assert isinstance(answers[4], LodelineError)
    receipts = accepted(answers[:4] + answers[5:])
    assert [receipt.index for receipt in receipts] == list(range(before, before + 9))
    ledger.close()


def test_nothing_offered_writes_nothing(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    size = (tmp_path / "ledger.db-wal").stat().st_size
    assert ledger.submit([]) == []
    assert len(ledger.submit([b"", b"\x00"])) == 2
    assert (tmp_path / "ledger.db-wal").stat().st_size == size
    ledger.close()


def test_a_clock_that_goes_back_is_refused(tmp_path: Path, world: World) -> None:
    clock = SetClock()
    ledger = opened(tmp_path / "ledger.db", clock)
    accepted(submit(ledger, world.genesis()))
    clock.moment = BlockTime(START + 1_000)
    accepted(ledger.submit([world.log[1][0]]))
    offered = anchors(world, range(2))
    clock.moment = BlockTime(START + 1_000 - CLOCK_SLACK - 1)
    for answer in ledger.submit(offered):
        refused = refusal(answer, ClockWentBack)
        assert (refused.last, refused.now) == (START + 1_000, clock.moment)
    clock.moment = BlockTime(START + 1_000 - CLOCK_SLACK)
    receipts = accepted(ledger.submit(offered))
    assert {receipt.time for receipt in receipts} == {START + 1_000}
    ledger.close()


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    with pytest.raises(LedgerHasWriter) as caught:
        opened(tmp_path / "ledger.db")
    assert caught.value.path == str(tmp_path / "ledger.db")
    accepted(ledger.submit(anchors(world, range(1))))
    ledger.close()
    opened(tmp_path / "ledger.db").close()


def test_whoever_reads_does_not_write(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    reader = opened(tmp_path / "ledger.db", writable=False)
    with pytest.raises(LedgerReadOnly):
        reader.submit(anchors(world, range(1)))
    with pytest.raises(LedgerReadOnly):
        reader.snapshot()
    ledger.close()
    reader.close()


def test_a_reader_beside_a_writer_follows_it(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    reader = opened(tmp_path / "ledger.db", writable=False)
    seen = reader.size
    accepted(ledger.submit(anchors(world, range(5))))
    assert reader.size == seen
    assert list(reader.entries(LeafIndex(seen), ledger.size)) == []
    reader.refresh()
    assert reader.size == ledger.size == seen + 5
    assert reader.state().root == ledger.state().root
    proof = reader.prove_consistency(seen, ledger.size)
    assert proof == ledger.prove_consistency(seen, ledger.size)
    ledger.close()
    reader.refresh()
    reader.close()


def test_after_closing_nothing_is_answered(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    ledger.close()
    ledger.close()
    for asked in (
        lambda: ledger.submit([]),
        lambda: ledger.leaf(LeafIndex(0)),
        lambda: ledger.entries(LeafIndex(0), ledger.size),
        ledger.refresh,
        ledger.snapshot,
        ledger.signed_checkpoint,
    ):
        with pytest.raises(LedgerClosed):
            asked()


def test_a_signature_for_another_purpose_is_no_anchor(tmp_path: Path, world: World) -> None:
    ledger = founded(tmp_path / "ledger.db", world)
    party = world.parties["miner"]
    real = anchor(party, 1)
    vote = party.sign(SignatureContext.VOTE, entry_id(real)).signature
    refusal(submit(ledger, structs.replace(real, signature=vote))[0], MemberSignatureInvalid)
    ledger.close()
