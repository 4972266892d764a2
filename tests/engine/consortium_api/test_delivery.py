"""Entries handed in: a receipt for what is agreed, the named refusal for what is not."""

from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Event, Lock

import httpx
import msgspec
import pytest
from tests.engine.consortium_api.network import Forge, Liar, Network, Watched, answered
from tests.engine.consortium_api.test_following import LIAR, Broken
from tests.engine.ledgers import accepted, anchor, anchors, refusal

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium import sending
from lodeline.engine.consortium.delivery import MOST_TOGETHER
from lodeline.engine.consortium.refusals import (
    MemberLockedOut,
    RefusedElsewhere,
    RefusedWithOthers,
)
from lodeline.engine.consortium.refusals_http import SubmissionUndecided
from lodeline.engine.consortium.refusals_validators import (
    AnswerMalformed,
    EntryNotConfirmed,
    NoValidatorAnswers,
    ReceiptFalse,
    SignerMissing,
    ValidatorFault,
    ValidatorRefuses,
    ValidatorTooSlow,
    ValidatorUnreachable,
)
from lodeline.engine.consortium.relay import PackedRefusal, pack_refusal
from lodeline.engine.consortium.sending import MemberSigner, packs
from lodeline.engine.consortium.wire_http import Refused, Taken
from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import EngineRefused, LedgerClosed
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, MemberId
from lodeline.ledger.checkpoint import verify_checkpoint, verify_logged
from lodeline.ledger.entries import Anchor, EntryId, decode_entry, encode_entry, entry_id
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted, UnknownMember
from lodeline.ledger.refusals_submissions import SubmissionSignatureInvalid
from lodeline.ledger.submissions import (
    MAX_SUBMISSION_BYTES,
    MAX_SUBMISSION_ENTRIES,
    decode_submission,
)


def posting(forge: Forge) -> Forge:
    """Return what changes the answers to submissions alone."""
    return lambda request, honest: forge(request, honest) if request.method == "POST" else honest


def lying(network: Network, forge: Forge) -> Watched:
    return network.validators(authority=Liar(network.nodes["authority"].wire, posting(forge)))


def handed_in(network: Network) -> list[bytes]:
    return [data for node in network.nodes.values() for data in node.offered]


def told(*answers: Taken | Refused) -> httpx.Response:
    return answered(msgspec.json.encode(list(answers)))


def refused_for(error: LodelineError) -> Refused:
    return Refused(error.message("en"), pack_refusal(error))


def identity_of(entry: bytes) -> EntryId:
    return entry_id(decode_entry(entry))


# ------------------------------------------------------------------ honest validators


def test_an_entry_is_handed_in_and_confirmed(network: Network) -> None:
    with closing(network.follower()) as copy:
        (receipt,) = accepted(copy.submit(anchors(network.world, range(1))))
        proven = copy.receipt(receipt.index)
        checkpoint = verify_checkpoint(proven.checkpoint, network.policy)
        assert verify_logged(checkpoint, proven.leaf, proven.inclusion) == receipt.leaf


def test_many_entries_go_in_several_submissions(network: Network) -> None:
    entries = anchors(network.world, range(MAX_SUBMISSION_ENTRIES + 5))
    with closing(network.follower()) as copy:
        receipts = accepted(copy.submit(entries))
        assert [receipt.entry for receipt in receipts] == [identity_of(data) for data in entries]
        sizes = [len(decode_submission(data).body.entries) for data in handed_in(network)]
        assert sizes == [MAX_SUBMISSION_ENTRIES, 5]


# ------------------------------------------------------------------ several at once


class Traffic(httpx.BaseTransport):
    """A wire that counts what travels at once, and may hold a submission up behind another."""

    def __init__(self, wire: httpx.BaseTransport, *, late: bytes = b"", after: bytes = b"") -> None:
        self.wire, self.late, self.after = wire, late, after
        self.turn, self.passed = Lock(), Event()
        self.travelling = self.most = 0
        self.held: list[bool] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return self.wire.handle_request(request)
        body = request.read()
        with self.turn:
            self.travelling += 1
            self.most = max(self.most, self.travelling)
        if self.late and self.late in body and not self.held:
            self.held.append(self.passed.wait(10))
        try:
            return self.wire.handle_request(request)
        finally:
            with self.turn:
                self.travelling -= 1
            if self.after and self.after in body:
                self.passed.set()


@pytest.fixture
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_SUBMISSION_ENTRIES", 2)


@pytest.mark.usefixtures("small_packs")
def test_submissions_travel_together_and_answers_keep_their_order(network: Network) -> None:
    entries = anchors(network.world, range(21))
    wire = Traffic(network.nodes["authority"].wire)
    with closing(network.follower(network.validators(authority=wire))) as copy:
        receipts = accepted(copy.submit(entries))
        assert [receipt.entry for receipt in receipts] == [identity_of(data) for data in entries]
        assert len(handed_in(network)) == 11
        assert wire.most <= MOST_TOGETHER
        assert copy.size == network.nodes["miner"].ledger.size


@pytest.mark.usefixtures("small_packs")
def test_what_arrives_before_what_it_builds_on_is_sent_again(tmp_path: Path) -> None:
    """The third submission uses a lot of the second, and overtakes it."""
    made = Network(tmp_path, "grant-licence", "mine-copper-cobalt", "split")
    world, before = made.world, len(made.world.log)
    for number in range(2):
        world.apply(anchor(world.parties["miner"], number))
    ore, _ = world.mined()
    world.does("split", [ore], [world.ore(), world.ore()])
    world.apply(anchor(world.parties["miner"], 7))
    entries = [data for data, _ in world.log[before:]]
    assert len(entries) == 6
    wire = Traffic(made.nodes["authority"].wire, late=entries[2], after=entries[4])
    with closing(made.follower(made.validators(authority=wire))) as copy:
        receipts = accepted(copy.submit(entries))
        assert wire.held == [True]
        indexes = [receipt.index for receipt in receipts]
        assert indexes == sorted(indexes)
        assert len(handed_in(made)) == 4  # the one that came too early was sent twice
    made.close()


@pytest.mark.usefixtures("small_packs")
def test_a_refused_entry_does_not_take_those_of_other_submissions_along(network: Network) -> None:
    good, stranger = anchors(network.world, range(12)), anchors_of_a_stranger(network)
    entries = [*good[:5], stranger, *good[5:9], b"nonsense", *good[9:]]
    with closing(network.follower()) as copy:
        answers = copy.submit(entries)
        assert isinstance(answers[5], UnknownMember)
        assert isinstance(answers[10], CborError)
        rest = [answer for at, answer in enumerate(answers) if at not in (5, 10)]
        assert [found.entry for found in accepted(rest)] == [identity_of(data) for data in good]


@pytest.mark.usefixtures("small_packs")
def test_a_validator_that_breaks_off_in_the_middle_of_several(network: Network) -> None:
    """Three submissions get no answer, accepted or not; the next validator has them all."""
    entries, posts = anchors(network.world, range(12)), count()

    def breaking(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        if next(posts) in (3, 4):
            raise httpx.ReadError("broken off", request=request)
        return honest

    with closing(network.follower(lying(network, breaking))) as copy:
        receipts = accepted(copy.submit(entries))
        assert [receipt.entry for receipt in receipts] == [identity_of(data) for data in entries]
        assert not copy.validators.aside


def test_entries_are_packed_by_their_bytes_too() -> None:
    entries = [bytes(60_000)] * 20
    found = list(packs(entries))
    assert [at for pack in found for at in pack] == list(range(20))
    assert all(sum(len(entries[at]) for at in pack) < MAX_SUBMISSION_BYTES for pack in found)
    assert max(map(len, found)) == 6


def test_a_full_pack_fits_into_a_submission(network: Network) -> None:
    signer = MemberSigner(MemberId("miner"), network.world.parties["miner"].key)
    chain = network.trust.chain
    for size in (65_000, 33_111, 1_557):
        entries = [bytes(size)] * 300
        first = next(iter(packs(entries)))
        data = signer.signed(chain, tuple(entries[at] for at in first), network.moment)
        assert len(data) <= MAX_SUBMISSION_BYTES


def test_refusals_come_back_as_the_very_class(network: Network) -> None:
    """Entries beside it are accepted, and each answer stands in its place."""
    good = anchors(network.world, range(4))
    stranger = anchors_of_a_stranger(network)
    with closing(network.follower()) as copy:
        answers = copy.submit([good[0], stranger, b"nonsense", good[1], good[2]])
        assert isinstance(answers[2], CborError)
        assert refusal(answers[1], UnknownMember).member == "nobody"
        receipts = accepted([answers[0], answers[3], answers[4]])
        assert [receipt.index for receipt in receipts] == [
            copy.size - 3,
            copy.size - 2,
            copy.size - 1,
        ]
        assert not copy.validators.aside


def anchors_of_a_stranger(network: Network) -> bytes:
    """Return an anchor in the name of somebody whom the registry does not have."""
    made = decode_entry(anchors(network.world, range(77, 78))[0])
    assert isinstance(made, Anchor)
    body = msgspec.structs.replace(made.body, member=MemberId("nobody"))
    return encode_entry(msgspec.structs.replace(made, body=body))


def test_an_entry_that_is_in_the_log_gets_its_receipt_again(network: Network) -> None:
    entries = anchors(network.world, range(2))
    with closing(network.follower()) as copy:
        first = accepted(copy.submit(entries))
        before = len(handed_in(network))
        assert copy.submit(entries) == first
        assert len(handed_in(network)) == before


def test_another_copy_gets_the_same_receipt(network: Network) -> None:
    entries = anchors(network.world, range(2))
    with closing(network.follower()) as copy, closing(network.follower(name="other")) as other:
        assert copy.submit(entries) == other.submit(entries)


def test_an_answer_that_is_lost_is_asked_for_elsewhere(network: Network) -> None:
    """The block was made; the connection broke before its receipt came."""

    def forge(request: httpx.Request, honest: httpx.Response) -> httpx.Response:
        assert honest.status_code == 200
        raise httpx.ReadError("connection reset")

    validators = lying(network, forge)
    with closing(network.follower(validators)) as copy:
        receipts = accepted(copy.submit(anchors(network.world, range(3))))
        assert len({receipt.index for receipt in receipts}) == 3
        assert copy.size == network.nodes["miner"].ledger.size
        assert [type(fault) for fault in validators.faults] == [ValidatorUnreachable]


def test_the_same_bytes_go_to_the_next_validator(network: Network) -> None:
    bodies: list[bytes] = []

    class Deaf(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                bodies.append(request.read())
                raise httpx.ReadTimeout("hangs")
            return network.nodes["authority"].wire.handle_request(request)

    with closing(network.follower(network.validators(authority=Deaf()))) as copy:
        accepted(copy.submit(anchors(network.world, range(2))))
    assert bodies == handed_in(network) != []


def test_nobody_can_be_reached_so_the_entry_can_wait(network: Network) -> None:
    wires = {name.replace("-", "_"): Broken(httpx.ConnectError("off")) for name in network.nodes}
    with closing(network.follower(network.validators(**wires))) as copy:
        (answer,) = copy.submit(anchors(network.world, range(1)))
        assert isinstance(refusal(answer, NoValidatorAnswers), EngineRefused)


def test_a_chain_that_stands_still_decides_nothing(network: Network) -> None:
    with closing(network.follower()) as copy:
        network.halted = True
        (answer,) = copy.submit(anchors(network.world, range(1)))
        refusal(answer, SubmissionUndecided)
        network.halted = False
        assert isinstance(copy.submit(anchors(network.world, range(1)))[0], Receipt)


def test_an_entry_under_too_few_signatures_is_not_confirmed(network: Network) -> None:
    """Two validators sleep: the others must not have made a block, but did."""
    with closing(network.follower()) as copy:
        copy.refresh()
        network.nodes["miner"].awake = network.nodes["refiner"].awake = False
        (answer,) = copy.submit(anchors(network.world, range(1)))
        assert isinstance(answer, EngineRefused)
        assert copy.size < network.nodes["authority"].ledger.size


def test_nobody_signs_the_envelope(network: Network) -> None:
    with closing(network.follower()) as copy:
        copy._signer = None
        (answer,) = copy.submit(anchors(network.world, range(1)))
        refusal(answer, SignerMissing)


def test_an_envelope_that_no_validator_takes(network: Network) -> None:
    with closing(network.follower()) as copy:
        wrong = MemberSigner(MemberId("miner"), SigningKey(bytes(32)))
        copy._signer = lambda: wrong
        answers = copy.submit(anchors(network.world, range(2)))
        assert [refusal(answer, SubmissionSignatureInvalid).member for answer in answers] == [
            "miner"
        ] * 2
        assert not handed_in(network)


def test_a_story_tells_its_day(network: Network) -> None:
    with closing(network.follower(story=True)) as copy:
        accepted(copy.submit(anchors(network.world, range(1))))
        (data,) = handed_in(network)
        assert decode_submission(data).body.day == max(copy._clock.now(), network.world.now)


def test_a_closed_copy_takes_nothing(network: Network) -> None:
    copy = network.follower()
    copy.close()
    with pytest.raises(LedgerClosed):
        copy.submit(anchors(network.world, range(1)))


# ------------------------------------------------------------------ a validator that lies


class Swallowing(Liar):
    """Says something itself in place of handing the submission on."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return self.honest.handle_request(request)
        answer = self.forge(request, answered(b""))
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))


def swallowed(network: Network, forge: Forge) -> list[ValidatorFault]:
    """Hand two entries in, first to a liar that keeps them; return what is known of it then."""
    validators = network.validators(authority=Swallowing(network.nodes["authority"].wire, forge))
    with closing(network.follower(validators)) as copy:
        accepted(copy.submit(anchors(network.world, range(2))))
        assert copy.size == network.nodes["miner"].ledger.size
    assert not network.nodes["authority"].offered
    assert all(fault.fields()["validator"] == LIAR for fault in validators.faults)
    return validators.faults


def claims(network: Network, index: int) -> list[Taken]:
    nothing = EntryHash(bytes(32))
    return [
        Taken(LeafIndex(index), identity_of(data), nothing, network.moment)
        for data in anchors(network.world, range(2))
    ]


def test_a_receipt_for_what_is_not_in_the_log(network: Network) -> None:
    (lie,) = swallowed(network, lambda *_: told(*claims(network, 0)))
    assert isinstance(lie, ReceiptFalse)
    assert lie.entry == identity_of(anchors(network.world, range(1))[0])


def test_a_receipt_of_the_far_future(network: Network) -> None:
    """The entry is not there in time; it waits, and the validator is asked last."""
    wire = Swallowing(network.nodes["authority"].wire, lambda *_: told(*claims(network, 2**40)))
    with closing(network.follower(network.validators(authority=wire))) as copy:
        entries = anchors(network.world, range(2))
        refusal(copy.submit(entries)[0], EntryNotConfirmed)
        assert isinstance(copy.validators.troubles[LIAR], ValidatorTooSlow)
        accepted(copy.submit(entries))


def test_a_refusal_that_the_copy_does_not_confirm_is_asked_elsewhere(network: Network) -> None:
    made_up = refused_for(UnknownMember(MemberId("miner")))
    assert swallowed(network, lambda *_: told(made_up, made_up)) == []


@pytest.mark.parametrize(
    "excuse",
    [
        MemberLockedOut(MemberId("miner"), 5, 60),
        RefusedWithOthers(0, "unknown-member"),
        SubmissionUndecided(3),
        NoValidatorAnswers(("none",)),
    ],
)
def test_excuses_lead_to_the_next_validator(network: Network, excuse: EngineRefused) -> None:
    said = refused_for(excuse)
    assert swallowed(network, lambda *_: told(said, said)) == []


@pytest.mark.parametrize(
    "answer",
    [
        answered(b"[]"),
        answered(b"nonsense"),
        answered(b'[{"type": "receipt"}]'),
        answered(b'[{"type": "other"}, {"type": "other"}]'),
    ],
)
def test_answers_that_are_none(network: Network, answer: httpx.Response) -> None:
    faults = swallowed(network, lambda *_: answer)
    assert [type(fault) for fault in faults] == [AnswerMalformed]


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"{}", b'{"refusal": {"code": 5}}'])
def test_problems_that_are_none(network: Network, content: bytes) -> None:
    faults = swallowed(network, lambda *_: answered(content, 500))
    assert [type(fault) for fault in faults] == [ValidatorRefuses]


def test_a_false_refusal_by_all_is_given_back_in_the_end(network: Network) -> None:
    made_up = refused_for(UnknownMember(MemberId("miner")))
    wires = {
        name.replace("-", "_"): Swallowing(node.wire, lambda *_: told(made_up))
        for name, node in network.nodes.items()
    }
    with closing(network.follower(network.validators(**wires))) as copy:
        (answer,) = copy.submit(anchors(network.world, range(1)))
        refusal(answer, UnknownMember)


def test_a_liar_does_not_refuse_an_envelope_while_the_others_are_away(network: Network) -> None:
    """It says what a member would take for done; the entry is in nobody's log."""
    entries = anchors(network.world, range(1))
    lie = EntryAlreadyAccepted(identity_of(entries[0]), 0)
    problem = msgspec.json.encode(lie.problem("en") | {"refusal": pack_refusal(lie)})
    wires: dict[str, httpx.BaseTransport] = {
        name.replace("-", "_"): Broken(httpx.ConnectError("off")) for name in network.nodes
    }
    honest = network.nodes["authority"].wire
    wires["authority"] = Swallowing(honest, lambda *_: answered(problem, 422))
    with closing(network.follower(network.validators(**wires))) as copy:
        (answer,) = copy.submit(entries)
        refusal(answer, NoValidatorAnswers)


def test_why_an_entry_is_refused_is_what_the_copy_says_where_a_liar_differs(
    network: Network,
) -> None:
    stranger = anchors_of_a_stranger(network)
    lie = refused_for(EntryAlreadyAccepted(identity_of(stranger), 0))
    wire = Swallowing(network.nodes["authority"].wire, lambda *_: told(lie))
    with closing(network.follower(network.validators(authority=wire))) as copy:
        (answer,) = copy.submit([stranger])
        assert refusal(answer, UnknownMember).member == "nobody"


def test_a_refusal_of_a_later_version_keeps_its_words(network: Network) -> None:
    later = Refused("no", PackedRefusal("not-known-here", {"a": 1}, "because", "parce que"))
    wires = {
        name.replace("-", "_"): Swallowing(node.wire, lambda *_: told(later))
        for name, node in network.nodes.items()
    }
    with closing(network.follower(network.validators(**wires))) as copy:
        (answer,) = copy.submit(anchors(network.world, range(1)))
        found = refusal(answer, RefusedElsewhere)
        assert (found.reason, found.text_en, found.text_fr) == (
            "not-known-here",
            "because",
            "parce que",
        )
