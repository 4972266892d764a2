"""Proposals: what a validator refuses of others', and that its own always pass."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.engine.consortium.chain import (
    ACCEPT,
    REJECT,
    ROOM,
    VALIDATORS,
    Block,
    Consortium,
    Counting,
    Node,
    Setting,
    badly_proved,
    check,
    decide,
    judge,
    propose,
)
from tests.engine.consortium.conftest import Founded
from tests.engine.ledgers import anchor
from tests.ledger.world import RECIPES, START

from lodeline.engine.consortium.founding import BlockLimits, ClockKind
from lodeline.engine.consortium.limits import FRAME_BYTES, BlockRoom
from lodeline.engine.consortium.proposing import taking_turns
from lodeline.engine.consortium.reading import ReadSubmission, Submissions
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import AdoptRecipe, RemoveValidator, SetStatus, Status
from lodeline.ledger.submissions import (
    decode_submission,
    encode_submission,
    sign_submission,
)


def of(consortium: Consortium, name: str, *numbers: int) -> bytes:
    """Return a submission of some anchors."""
    return consortium.submission(name, *(anchor(consortium.party(name), n) for n in numbers))


def left_as_it_was(node: Node, block: Block) -> None:
    """Refuse a proposal, and see that it has left nothing behind."""
    before = node.application_hash
    assert judge(node.application, block) == REJECT
    assert node.application_hash == before
    assert judge(node.application, Block(block.height)) == ACCEPT


# ---------------------------------------------------------------------------- others' proposals


def test_an_honest_proposal_is_accepted(consortium: Consortium, founded: Founded) -> None:
    assert judge(founded().application, Block(1, (of(consortium, "miner", 1, 2),))) == ACCEPT


def test_an_empty_proposal_is_accepted(founded: Founded) -> None:
    assert judge(founded().application, Block(1)) == ACCEPT


@pytest.mark.parametrize("nonsense", [b"", b"\x00", b"\xff" * 40, b"\xa0"])
def test_a_proposal_with_nonsense_is_refused(founded: Founded, nonsense: bytes) -> None:
    left_as_it_was(founded(), Block(1, (nonsense,)))


def test_a_proposal_with_one_entry_that_is_refused_is_refused(
    consortium: Consortium, founded: Founded
) -> None:
    good = anchor(consortium.party("miner"), 1)
    bad = structs.replace(good, body=structs.replace(good.body, kind="other"))
    block = Block(1, (of(consortium, "refiner", 2), consortium.submission("miner", good, bad)))
    left_as_it_was(founded(), block)


def test_the_same_entry_twice_is_refused(consortium: Consortium, founded: Founded) -> None:
    left_as_it_was(founded(), Block(1, (of(consortium, "miner", 1), of(consortium, "miner", 1))))
    entry = anchor(consortium.party("miner"), 1)
    block = Block(
        1, (consortium.submission("miner", entry), consortium.submission("refiner", entry))
    )
    left_as_it_was(founded("refiner"), block)


def test_an_impostors_envelope_is_refused(consortium: Consortium, founded: Founded) -> None:
    body = decode_submission(of(consortium, "miner", 1)).body
    forged = sign_submission(body, consortium.party("refiner").key)
    left_as_it_was(founded(), Block(1, (encode_submission(forged),)))


def test_an_envelope_for_another_chain_is_refused(consortium: Consortium, founded: Founded) -> None:
    body = structs.replace(decode_submission(of(consortium, "miner", 1)).body, chain="other")
    signed = sign_submission(body, consortium.party("miner").key)
    left_as_it_was(founded(), Block(1, (encode_submission(signed),)))


def test_a_stranger_may_not_submit(consortium: Consortium, founded: Founded) -> None:
    body = decode_submission(of(consortium, "miner", 1)).body
    stranger = structs.replace(body, member=MemberId("nobody"))
    signed = sign_submission(stranger, consortium.party("miner").key)
    left_as_it_was(founded(), Block(1, (encode_submission(signed),)))


def test_a_suspended_member_may_not_submit(founded: Founded) -> None:
    made = Consortium()
    vote = made.world.govern(SetStatus(MemberId("works"), Status.SUSPENDED))
    node = founded(of=made)
    late = of(made, "works", 1)
    assert judge(node.application, Block(1, (late,))) == ACCEPT
    left_as_it_was(node, Block(1, (made.submission("miner", vote), late)))
    assert judge(node.application, Block(1, (late, made.submission("miner", vote)))) == ACCEPT


def test_a_day_where_time_is_the_validators_is_refused(
    consortium: Consortium, founded: Founded
) -> None:
    told = consortium.submission("miner", anchor(consortium.party("miner"), 1), day=START)
    left_as_it_was(founded(), Block(1, (told,)))


def test_no_day_where_members_tell_a_story_is_refused(founded: Founded) -> None:
    made = Consortium(clock=ClockKind.STORY)
    left_as_it_was(founded(of=made), Block(1, (of(made, "miner", 1),)))


def test_a_proposal_beyond_the_bytes_of_a_block_is_refused(
    consortium: Consortium, founded: Founded
) -> None:
    data = (of(consortium, "miner", 1), of(consortium, "refiner", 2))
    exact = sum(map(len, data)) + 2 * FRAME_BYTES
    room = BlockRoom(exact, 16)
    assert judge(founded(setting=Setting(room=room)).application, Block(1, data)) == ACCEPT
    less = Setting(room=replace(room, size=exact - 1))
    left_as_it_was(founded("refiner", less), Block(1, data))


def test_one_block_holds_one_vote_on_who_validates(founded: Founded) -> None:
    """Each keeps the pace of one vote; together they would take half of four signers away."""
    made = Consortium()
    first = made.world.govern(RemoveValidator(MemberId("miner")))
    made.world.apply(first)
    second = made.world.govern(RemoveValidator(MemberId("refiner")))
    votes = [made.submission("miner", vote) for vote in (first, second)]
    node = founded(of=made)
    assert judge(node.application, Block(1, (votes[0],))) == ACCEPT
    left_as_it_was(node, Block(1, tuple(votes)))
    left_as_it_was(node, Block(1, (made.submission("miner", first, second),)))
    (proposed,) = propose(node.application, Block(1, tuple(votes))).transactions
    assert proposed == votes[0]
    decide(node.application, Block(1, (proposed,)))
    assert judge(node.application, Block(2, (votes[1],))) == ACCEPT


def test_a_proposal_beyond_the_proofs_of_a_block_is_refused(founded: Founded) -> None:
    made = Consortium("grant-licence", "mine-copper-cobalt")
    made.world.mined()
    entries = [data for data, _ in made.world.log[made.founded :]]
    block = Block(1, (made.submission("miner", *entries),))
    for proofs, status in ((2, ACCEPT), (1, REJECT)):
        node = founded(
            of=made, setting=Setting(room=BlockRoom(400_000, proofs)), folder=f"{proofs}"
        )
        assert judge(node.application, block) == status


def test_the_founding_says_how_many_proofs_a_block_has(founded: Founded) -> None:
    for proofs, status in ((2, ACCEPT), (1, REJECT)):
        made = Consortium("grant-licence", "mine-copper-cobalt")
        made.founding = replace(made.founding, limits=BlockLimits(block_proofs=proofs))
        made.world.mined()
        entries = [data for data, _ in made.world.log[made.founded :]]
        block = Block(1, (made.submission("miner", *entries),))
        node = founded(of=made, setting=Setting(room=None), folder=f"{proofs}")
        assert judge(node.application, block) == status


def test_a_good_proof_offered_first_does_not_cover_a_bad_one(founded: Founded) -> None:
    """Both say the same, and have the same id; only the proof differs."""
    made = Consortium("grant-licence")
    grant = made.world.make("grant-licence", (), [made.world.licence()])
    good, bad = made.submission("miner", grant), made.submission("miner", badly_proved(grant))
    counting = Counting()
    node = founded(of=made, setting=Setting(counting))
    for _ in range(2):
        assert judge(node.application, Block(1, (good,))) == ACCEPT
        left_as_it_was(node, Block(1, (bad,)))
    assert [answer.code for answer in check(node.application, good, bad)] == [0, 2]
    assert len(counting.asked) == len(set(counting.asked)) == 2


def test_a_proposal_full_of_wrong_proofs_costs_a_few_of_them(founded: Founded) -> None:
    """Else one cheating proposer holds every honest validator up for longer than a round."""
    made, counting = Consortium("grant-licence"), Counting()
    grants = [made.world.make("grant-licence", (), [made.world.licence()]) for _ in range(14)]
    node = founded(of=made, setting=Setting(counting))
    bad = made.submission("miner", *map(badly_proved, grants))
    assert judge(node.application, Block(1, (bad,))) == REJECT
    assert len(counting.asked) == 8
    good = made.submission("miner", grants[0])
    assert judge(node.application, Block(1, (good,))) == ACCEPT
    assert len(counting.asked) == 8 + 1


def test_a_proof_is_verified_once_from_check_to_decision(founded: Founded) -> None:
    made = Consortium("grant-licence")
    grant = made.submission("miner", made.world.make("grant-licence", (), [made.world.licence()]))
    counting = Counting()
    node = founded(of=made, setting=Setting(counting))
    block = Block(1, (grant,))
    check(node.application, grant)
    assert propose(node.application, block).transactions == (grant,)
    assert judge(node.application, block) == ACCEPT
    assert judge(node.application, replace(block, time=BlockTime(START + 1))) == ACCEPT
    assert decide(node.application, block).tx_results[0].code == 0
    assert len(counting.asked) == 1


def test_a_refused_vote_takes_no_other_proof_along(founded: Founded) -> None:
    """A proof behind a dropped submission is not read under the tables that it had voted in."""
    made = Consortium("grant-licence")
    world = made.world
    vote = world.govern(AdoptRecipe(RECIPES["split"]))
    twice = anchor(made.party("miner"), 1)
    spoilt = made.submission("miner", vote, twice, twice)
    mixed = made.submission("miner", vote, twice, world.make("grant-licence", (), []), twice)
    good = made.submission("refiner", world.make("grant-licence", (), [world.licence()]))
    for place, bad in enumerate((spoilt, mixed)):
        node = founded(of=made, folder=f"at{place}")
        assert [answer.code for answer in check(node.application, bad, good)] == [2, 0]
        for height in (1, 2):
            other = founded("refiner", of=made, folder=f"other{place}{height}")
            block = propose(other.application, Block(height, (bad, good)))
            assert block.transactions == (good,)


# ---------------------------------------------------------------------------- own proposals


def test_what_is_refused_is_left_out_of_an_own_proposal(
    consortium: Consortium, founded: Founded
) -> None:
    node = founded()
    good, other = of(consortium, "miner", 1, 2), of(consortium, "refiner", 3)
    twice = of(consortium, "authority", 4)
    bad = consortium.submission(
        "works", anchor(consortium.party("works"), 5), anchor(consortium.party("works"), 5)
    )
    block = propose(node.application, Block(1, (b"nonsense", good, bad, twice, twice, other)))
    assert sorted(block.transactions) == sorted((good, twice, other))
    assert judge(founded("refiner").application, block) == ACCEPT


def test_an_own_proposal_keeps_to_the_room_that_is_asked_for(
    consortium: Consortium, founded: Founded
) -> None:
    node = founded()
    waiting = tuple(of(consortium, name, 10, 11) for name in VALIDATORS)
    size = len(waiting[0]) + FRAME_BYTES
    block = propose(node.application, Block(1, waiting), max_bytes=2 * size + 40)
    assert len(block.transactions) == 2
    assert sum(len(data) + FRAME_BYTES for data in block.transactions) <= 2 * size + 40


def test_what_is_too_large_lets_smaller_ones_pass(consortium: Consortium, founded: Founded) -> None:
    large, small = of(consortium, "miner", *range(20)), of(consortium, "miner", 30)
    block = propose(founded().application, Block(1, (large, small)), max_bytes=len(large))
    assert block.transactions == (small,)


def test_an_entry_that_comes_before_what_it_builds_on_is_tried_again(founded: Founded) -> None:
    """Members in turn: the refiner's turn comes before the miner's second submission."""
    made = Consortium("grant-licence", "mine-copper-cobalt", "sale")
    world = made.world
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + 1_000)
    world.apply(offer)
    first, second, third = (data for data, _ in world.log[made.founded :])
    node = founded(of=made)
    waiting = (
        made.submission("miner", first),
        made.submission("miner", second),
        made.submission("authority", third),
    )
    block = propose(node.application, Block(4, waiting))
    assert sorted(block.transactions) == sorted(waiting)
    assert block.transactions[-1] == waiting[2]
    assert judge(founded("refiner", of=made).application, block) == ACCEPT


def test_the_day_of_a_block_is_the_latest_that_is_told(founded: Founded) -> None:
    made = Consortium(clock=ClockKind.STORY)
    node = founded(of=made)
    days = (BlockTime(START + 500), BlockTime(START + 100))
    told = tuple(
        made.submission("miner", anchor(made.party("miner"), day), day=day) for day in days
    )
    block = propose(node.application, Block(1, told, BlockTime(START + 9_999_999)))
    assert block.transactions == told
    decide(node.application, block)
    assert node.replica.state().time == max(days)
    late = made.submission("miner", anchor(made.party("miner"), 7), day=START)
    decide(node.application, Block(2, (late,)))
    assert node.replica.state().time == max(days)


def test_a_dropped_submission_does_not_leave_its_day_behind(founded: Founded) -> None:
    made = Consortium(clock=ClockKind.STORY)
    node, other = founded(of=made), founded("refiner", of=made)
    entry, far = anchor(made.party("miner"), 1), BlockTime(START + 10**6)
    good = made.submission("miner", entry, day=BlockTime(START + 60))
    twice = made.submission("miner", entry, entry, day=far)
    block = propose(node.application, Block(1, (twice, good)))
    assert block.transactions == (good,)
    assert judge(other.application, block) == ACCEPT
    decide(other.application, block)
    assert other.replica.state().time == START + 60


# ---------------------------------------------------------------------------- turns


def read(data: bytes) -> ReadSubmission:
    found = Submissions().read(data)
    assert isinstance(found, ReadSubmission)
    return found


def test_members_take_turns_and_keep_their_own_order(consortium: Consortium) -> None:
    mine = [read(of(consortium, "miner", n)) for n in range(20)]
    others = [read(of(consortium, name, 50)) for name in ("refiner", "authority")]
    order = taking_turns([*mine, *others])
    assert {found.submission.body.member for found in order[:3]} == {
        "miner",
        "refiner",
        "authority",
    }
    assert [found for found in order if found in mine] == mine


def test_each_member_is_first_in_some_block(consortium: Consortium) -> None:
    waiting = [read(of(consortium, name, 50)) for name in VALIDATORS]
    first = {taking_turns(waiting, height)[0].submission.body.member for height in range(4)}
    assert first == set(VALIDATORS)


def test_nobody_waiting_gives_an_empty_order() -> None:
    assert taking_turns([], 3) == []


def test_limits_of_a_submission_are_those_of_a_block(
    consortium: Consortium, founded: Founded
) -> None:
    node = founded(setting=Setting(room=BlockRoom(300, ROOM.proofs)))
    large = of(consortium, "miner", 1, 2, 3)
    assert len(large) > 300
    (answer,) = check(node.application, large)
    assert answer.code == 1
    assert propose(node.application, Block(1, (large,))).transactions == ()
