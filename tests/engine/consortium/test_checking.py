"""The waiting room of a validator: checks, shares, pauses, and what a block does to those in it."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import msgspec
import pytest
from msgspec import structs
from tests.engine.consortium.chain import (
    Block,
    Consortium,
    Counting,
    Node,
    Setting,
    badly_proved,
    check,
    decide,
    opinion,
)
from tests.engine.consortium.conftest import Founded
from tests.engine.ledgers import anchor
from tests.ledger.world import DUMMY_SIGNATURE, RECIPES, START

from lodeline.engine.abci.abci_pb2 import CheckTxType, RequestCheckTx, ResponseCheckTx
from lodeline.engine.consortium.attempt import Answers
from lodeline.engine.consortium.limits import MOST_REFUSED, PAUSE_SECONDS, LockOut, Quotas
from lodeline.engine.consortium.outcomes import Outcomes
from lodeline.engine.consortium.reading import ReadSubmission, Submissions, transaction_hash
from lodeline.engine.consortium.refusals import (
    MemberLockedOut,
    MemberQuotaFull,
    RefusedWithOthers,
    SubmissionForgotten,
)
from lodeline.engine.consortium.relay import PackedRefusal, unpack_refusal
from lodeline.engine.interface import Receipt
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import AdoptRecipe, Transform, decode_entry
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted, ProofNotVerified
from lodeline.ledger.submissions import (
    decode_submission,
    encode_submission,
    sign_submission,
)
from lodeline.proofs.batch import Verdict, VerifiedProofs
from lodeline.proofs.task import ProofTask
from lodeline.proofs.verifier import ProofDoesNotHold


def of(consortium: Consortium, name: str, *numbers: int) -> bytes:
    return consortium.submission(name, *(anchor(consortium.party(name), n) for n in numbers))


def codes(answer: ResponseCheckTx) -> list[object]:
    found = cbor.decode(answer.data)
    assert isinstance(found, list)
    return found


def refusals(answer: ResponseCheckTx) -> list[LodelineError | None]:
    """Return what the log of an answer says, as the classes that it was."""
    packed = msgspec.json.decode(answer.log, type=list[PackedRefusal | None])
    return [None if one is None else unpack_refusal(one) for one in packed]


def fate(node: Node, data: bytes) -> Future[Answers]:
    return node.outcomes.expect(transaction_hash(data))


# ---------------------------------------------------------------------------- new submissions


def test_what_waits_may_build_on_what_waits(founded: Founded) -> None:
    made = Consortium("grant-licence", "mine-copper-cobalt")
    made.world.mined()
    first, second = (data for data, _ in made.world.log[made.founded :])
    node = founded(of=made)
    answers = check(
        node.application, made.submission("authority", first), made.submission("miner", second)
    )
    assert [answer.code for answer in answers] == [0, 0]
    assert node.replica.size == made.founded


def test_one_refused_entry_refuses_the_submission_and_leaves_nothing(
    consortium: Consortium, founded: Founded
) -> None:
    node, one, other = founded(), *(anchor(consortium.party("miner"), n) for n in (1, 2))
    bad = structs.replace(other, signature=one.signature)
    data = consortium.submission("miner", one, bad)
    waiting = fate(node, data)
    (answer,) = check(node.application, data)
    assert answer.code == 2
    assert codes(answer) == ["refused-with-others", "member-signature-invalid"]
    assert [type(found) for found in refusals(answer)] == [type(a) for a in waiting.result(0)]
    first = waiting.result(0)[0]
    assert type(first) is RefusedWithOthers
    assert (first.index, first.refusal) == (1, "member-signature-invalid")
    assert check(node.application, consortium.submission("miner", one))[0].code == 0


def test_an_entry_waits_once_in_whoever_s_envelope(
    consortium: Consortium, founded: Founded
) -> None:
    node, entry = founded(), anchor(consortium.party("miner"), 1)
    data = [consortium.submission(name, entry) for name in ("miner", "refiner")]
    answers = check(node.application, *data)
    assert [answer.code for answer in answers] == [0, 2]
    assert [type(found) for found in refusals(answers[1])] == [EntryAlreadyAccepted]


def test_time_in_the_waiting_room_is_the_validators_own(founded: Founded) -> None:
    """The last block may be long ago; an offer is accepted until its deadline, not after."""
    made = Consortium("grant-licence", "mine-copper-cobalt", "sale")
    world = made.world
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + 1_000)
    world.apply(offer)
    accept = made.submission("refiner", world.accept(offer))
    node = founded(of=made)
    before = (data for data, _ in world.log[made.founded :])
    decide(node.application, Block(1, (made.submission("miner", *before),)))
    node.clock.moment = BlockTime(START + 1_001)
    assert check(node.application, accept)[0].code == 2
    node.clock.moment = BlockTime(START + 900)
    later = made.submission("authority", *decode_submission(accept).body.entries)
    assert check(node.application, later)[0].code == 0


def test_proofs_of_submissions_that_come_together_are_verified_together(founded: Founded) -> None:
    made = Consortium("grant-licence", "mine-copper-cobalt")
    _, licence = made.world.mined()
    made.world.does("mine-copper-cobalt", [licence], [made.world.ore(), made.world.licence()])
    asked: list[int] = []

    def verify(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
        asked.append(len(tasks))
        return opinion(tasks)

    node = founded(of=made, setting=Setting(verify))
    assert check(node.application, of(made, "miner", 1))[0].code == 0  # so that it is trusted
    data = [made.submission("miner", entry) for entry, _ in made.world.log[made.founded :]]
    assert [answer.code for answer in check(node.application, *data)] == [0, 0, 0]
    assert asked == [3]


# ---------------------------------------------------------------------------- after a block


def test_recheck_finds_conflicts_and_verifies_no_proof(founded: Founded) -> None:
    made = Consortium("grant-licence", "mine-copper-cobalt")
    world = made.world
    licence = world.granted()
    counting = Counting()
    node = founded(of=made, setting=Setting(counting))
    grant = made.submission("authority", world.log[-1][0])
    decide(node.application, Block(1, (grant,)))
    outputs = [world.ore(), world.licence()]
    one = world.make("mine-copper-cobalt", [licence], outputs)
    other = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    waiting, lone = made.submission("miner", one), of(made, "refiner", 1)
    assert [answer.code for answer in check(node.application, waiting, lone)] == [0, 0]
    told, known = fate(node, waiting), len(counting.asked)
    decide(node.application, Block(2, (made.submission("refiner", other),)))
    counting.asked.clear()
    answers = check(node.application, waiting, lone, again=True)
    assert [answer.code for answer in answers] == [2, 0]
    assert [type(a) for a in told.result(0)] == [type(refusals(answers[0])[0])]
    assert counting.asked == []
    assert known == 2


def test_after_a_vote_on_the_tables_what_waits_goes_on_waiting(founded: Founded) -> None:
    made = Consortium("grant-licence")
    world = made.world
    grant = made.submission("authority", world.make("grant-licence", (), [world.licence()]))
    counting = Counting()
    node = founded(of=made, setting=Setting(counting))
    assert check(node.application, grant)[0].code == 0
    vote = world.govern(AdoptRecipe(RECIPES["split"]))
    decide(node.application, Block(1, (made.submission("miner", vote),)))
    counting.asked.clear()
    assert check(node.application, grant, again=True)[0].code == 0
    assert counting.asked == []
    decide(node.application, Block(2, (grant,)))
    assert len(counting.asked) == 1
    assert node.replica.size == made.founded + 2


def test_a_submission_that_vanished_is_told_to_whoever_waits(
    consortium: Consortium, founded: Founded
) -> None:
    """The engine threw it away without a word: it did not show it after the next block."""
    node, data = founded(), of(consortium, "miner", 1)
    check(node.application, data)
    told = fate(node, data)
    decide(node.application, Block(1))
    decide(node.application, Block(2))
    assert type(told.exception(0)) is SubmissionForgotten


def test_a_receipt_is_told_when_the_block_is_durable(
    consortium: Consortium, founded: Founded
) -> None:
    node, data = founded(), of(consortium, "miner", 1, 2)
    told = fate(node, data)
    check(node.application, data)
    assert not told.done()
    decide(node.application, Block(1, (data,), BlockTime(START + 5)))
    answers = told.result(0)
    assert [type(answer) for answer in answers] == [Receipt, Receipt]
    assert [a.index for a in answers if isinstance(a, Receipt)] == [
        consortium.founded,
        consortium.founded + 1,
    ]


# ---------------------------------------------------------------------------- shares and pauses


def test_a_member_s_quota_is_freed_by_a_block(consortium: Consortium, founded: Founded) -> None:
    data = [of(consortium, "miner", n) for n in range(3)]
    node = founded(setting=Setting(quota=2 * len(data[0]) + 10))
    assert [answer.code for answer in check(node.application, *data)] == [0, 0, 1]
    (refused,) = refusals(check(node.application, data[2])[0])
    assert type(refused) is MemberQuotaFull
    assert refused.member == "miner"
    assert check(node.application, of(consortium, "refiner", 5))[0].code == 0
    decide(node.application, Block(1, (data[0],)))
    check(node.application, data[1], again=True)
    assert check(node.application, data[2])[0].code == 0


def test_what_is_evicted_or_vanishes_frees_the_quota(
    consortium: Consortium, founded: Founded
) -> None:
    data = [of(consortium, "miner", n) for n in range(3)]
    entry = anchor(consortium.party("miner"), 0)
    node = founded(setting=Setting(quota=2 * len(data[0]) + 10))
    check(node.application, data[0], data[1])
    decide(node.application, Block(1, (consortium.submission("refiner", entry),)))
    answers = check(node.application, data[0], data[1], again=True)
    assert [answer.code for answer in answers] == [2, 0]
    assert check(node.application, data[2])[0].code == 0
    decide(node.application, Block(2))
    decide(node.application, Block(3))
    assert [answer.code for answer in check(node.application, data[1], data[2])] == [0, 0]


def test_nobody_uses_up_another_member_s_share(consortium: Consortium, founded: Founded) -> None:
    """An impostor sends nonsense in the miner's name, without the miner's signature."""
    node = founded()
    body = decode_submission(of(consortium, "miner", 1)).body
    forged = encode_submission(sign_submission(body, consortium.party("refiner").key))
    for _ in range(MOST_REFUSED + 5):
        assert check(node.application, forged)[0].code == 1
    assert check(node.application, of(consortium, "miner", 1))[0].code == 0


def test_a_member_whose_submissions_are_refused_waits_and_may_come_again(
    consortium: Consortium, founded: Founded
) -> None:
    node, party = founded(), consortium.party("miner")
    good = of(consortium, "miner", 1)
    bad = [
        consortium.submission("miner", structs.replace(anchor(party, n), signature=DUMMY_SIGNATURE))
        for n in range(MOST_REFUSED)
    ]
    assert {answer.code for answer in check(node.application, *bad)} == {2}
    (refused,) = refusals(check(node.application, good)[0])
    assert type(refused) is MemberLockedOut
    assert (refused.member, refused.refused) == ("miner", MOST_REFUSED)
    assert check(node.application, of(consortium, "refiner", 1))[0].code == 0
    node.seconds += PAUSE_SECONDS
    assert check(node.application, good)[0].code == 0


def test_who_hands_in_again_what_was_decided_locks_nobody_out(
    consortium: Consortium, founded: Founded
) -> None:
    """A validator that shows old submissions of a member's to the others, again and again."""
    node, old = founded(), of(consortium, "miner", 1)
    decide(node.application, Block(1, (old,)))
    for _ in range(MOST_REFUSED + 5):
        (answer,) = check(node.application, old)
        assert codes(answer) == ["entry-already-accepted"]
    assert check(node.application, of(consortium, "miner", 2))[0].code == 0


def test_what_was_decided_is_not_verified_again(founded: Founded) -> None:
    made, counting = Consortium("grant-licence", "mine-copper-cobalt"), Counting()
    _, licence = made.world.mined()
    made.world.does("mine-copper-cobalt", [licence], [made.world.ore(), made.world.licence()])
    old = made.submission("miner", *(data for data, _ in made.world.log[made.founded :]))
    node = founded(of=made, setting=Setting(counting))
    decide(node.application, Block(1, (old,)))
    assert counting.asked
    counting.asked.clear()
    node.application._tools.proofs._known = VerifiedProofs()  # long ago
    (answer,) = check(node.application, old)
    assert set(codes(answer)) == {"entry-already-accepted"}
    assert counting.asked == []


def test_who_is_overtaken_with_own_entries_is_not_locked_out(
    consortium: Consortium, founded: Founded
) -> None:
    """Somebody puts one entry of each of the miner's submissions into envelopes of their own."""
    node = founded()
    taken = [anchor(consortium.party("miner"), n) for n in range(MOST_REFUSED)]
    own = [anchor(consortium.party("miner"), 100 + n) for n in range(MOST_REFUSED)]
    assert check(node.application, consortium.submission("refiner", *taken))[0].code == 0
    for entry, other in zip(taken, own, strict=True):
        (answer,) = check(node.application, consortium.submission("miner", entry, other))
        assert codes(answer) == ["entry-already-accepted", "refused-with-others"]
    assert check(node.application, consortium.submission("miner", *own))[0].code == 0


def spoiled(made: Consortium, name: str, count: int) -> list[bytes]:
    """Sound envelopes around transforms with wrong proofs, no two alike."""
    world = made.world
    licence = world.granted()
    bad = [
        badly_proved(world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()]))
        for _ in range(count)
    ]
    return [made.submission(name, entry) for entry in bad]


def test_a_burst_of_wrong_proofs_is_cut_short(founded: Founded) -> None:
    """The engine hands a whole burst over, and commits nothing before it is answered."""
    made, counting = Consortium("grant-licence", "mine-copper-cobalt"), Counting()
    burst = spoiled(made, "miner", 24)
    node = founded(of=made, setting=Setting(counting))
    decide(node.application, Block(1, (made.submission("authority", made.world.log[-1][0]),)))
    counting.asked.clear()
    answers = check(node.application, *burst, of(made, "refiner", 1))
    found = [type(refusals(answer)[0]) for answer in answers[:-1]]
    assert found[:2] == [ProofDoesNotHold] * 2
    assert set(found[2:]) == {MemberLockedOut}
    assert answers[-1].code == 0
    assert len(counting.asked) == 2


def test_a_trusted_member_is_trusted_until_a_proof_is_wrong(founded: Founded) -> None:
    made, counting = Consortium("grant-licence", "mine-copper-cobalt"), Counting()
    burst = spoiled(made, "miner", 12)
    node = founded(of=made, setting=Setting(counting))
    decide(node.application, Block(1, (made.submission("authority", made.world.log[-1][0]),)))
    assert check(node.application, of(made, "miner", 1))[0].code == 0
    counting.asked.clear()
    check(node.application, *burst)
    assert len(counting.asked) == 12
    counting.asked.clear()
    assert codes(check(node.application, of(made, "miner", 2))[0]) == [MemberLockedOut.code]
    assert counting.asked == []


def test_one_submission_full_of_wrong_proofs_is_not_verified_to_its_end(founded: Founded) -> None:
    made, counting = Consortium("grant-licence", "mine-copper-cobalt"), Counting()
    world, licence = made.world, made.world.granted()
    bad = [
        badly_proved(world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()]))
        for _ in range(14)
    ]
    node = founded(of=made, setting=Setting(counting))
    decide(node.application, Block(1, (made.submission("authority", world.log[-1][0]),)))
    counting.asked.clear()
    answer = check(node.application, made.submission("miner", *bad))[0]
    kinds = [type(refusal) for refusal in refusals(answer)]
    assert kinds == [ProofDoesNotHold] * 2 + [ProofNotVerified] * 12
    assert len(counting.asked) == 2


def test_one_that_is_taken_ends_a_streak() -> None:
    lock_out, member = LockOut(2, 10), MemberId("m")
    lock_out.refused(member, 0)
    lock_out.taken(member)
    lock_out.refused(member, 0)
    lock_out.check(member, 0)
    lock_out.refused(member, 1)
    with pytest.raises(MemberLockedOut):
        lock_out.check(member, 10.5)
    lock_out.check(member, 11)


def test_counting_the_same_submission_twice_counts_it_once(consortium: Consortium) -> None:
    read = Submissions().read(of(consortium, "miner", 1))
    assert isinstance(read, ReadSubmission)
    quotas = Quotas(len(read.data))
    for _ in range(2):
        quotas.check(read)
        quotas.add(read)
    assert quotas.waiting(MemberId("miner")) == len(read.data)
    for _ in range(2):
        quotas.release(read.digest)
    assert quotas.waiting(MemberId("miner")) == 0


# ---------------------------------------------------------------------------- outcomes


def test_everybody_who_waits_for_the_same_bytes_is_told() -> None:
    outcomes, digest = Outcomes(), transaction_hash(b"x")
    futures = [outcomes.expect(digest) for _ in range(2)]
    outcomes.give_up(digest)
    outcomes.resolve(digest, ())
    assert [future.result(0) for future in futures] == [(), ()]
    outcomes.give_up(digest)
    assert not outcomes.expect(digest).done()


def test_who_gives_up_leaves_nothing_behind() -> None:
    outcomes, digest = Outcomes(), transaction_hash(b"x")
    left = outcomes.expect(digest)
    outcomes.give_up(digest)
    assert outcomes.expect(digest) is not left


# ---------------------------------------------------------------------------- several threads


def test_a_block_is_decided_while_proofs_are_being_verified(founded: Founded) -> None:
    made = Consortium("grant-licence")
    grant = made.world.make("grant-licence", (), [made.world.licence()])
    begun, go_on = Event(), Event()

    def slow(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
        begun.set()
        assert go_on.wait(30)
        return opinion(tasks)

    node = founded(of=made, setting=Setting(slow))
    with ThreadPoolExecutor(1) as pool:
        checked = pool.submit(check, node.application, made.submission("miner", grant))
        assert begun.wait(30)
        decide(node.application, Block(1, (of(made, "refiner", 1),)))
        assert not checked.done()
        go_on.set()
        assert checked.result(30)[0].code == 0
    assert node.replica.size == made.founded + 1


def test_mixed_requests_are_answered_in_order(consortium: Consortium, founded: Founded) -> None:
    node, data = founded(), [of(consortium, "miner", n) for n in range(3)]
    kinds = (CheckTxType.NEW, CheckTxType.RECHECK, CheckTxType.NEW)
    asked = [RequestCheckTx(tx=d, type=k) for d, k in zip(data, kinds, strict=True)]
    asked.append(RequestCheckTx(tx=b"nonsense", type=CheckTxType.RECHECK))
    assert [answer.code for answer in node.application.check_txs(asked)] == [0, 0, 0, 1]


def test_a_bad_proof_is_refused_by_name(founded: Founded) -> None:
    made = Consortium("grant-licence")
    grant = made.world.make("grant-licence", (), [made.world.licence()])
    data = made.submission("miner", badly_proved(grant))
    (answer,) = check(founded(of=made).application, data)
    assert codes(answer) == ["proof-does-not-hold"]
    (entry,) = decode_submission(data).body.entries
    assert isinstance(decode_entry(entry), Transform)
