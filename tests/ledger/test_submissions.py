"""Submissions: one encoding, one signer, bounds; and those who would use another's name."""

import sys
from types import FrameType

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.world import CHAIN, ENTROPY, START, World, fingerprint

from lodeline.crypto.signatures import SignatureContext, SigningKey, sign
from lodeline.kernel import cbor
from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId, SignatureBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import (
    MAX_ENTRY_BYTES,
    Entry,
    SetStatus,
    Status,
    decode_entry,
    encode_entry,
)
from lodeline.ledger.refusals_entries import (
    EntryAlreadyAccepted,
    MemberNotActive,
    NoGenesis,
    UnknownMember,
)
from lodeline.ledger.refusals_submissions import (
    SubmissionDayNotExpected,
    SubmissionMalformed,
    SubmissionOfOther,
    SubmissionSignatureInvalid,
    SubmissionTooLarge,
)
from lodeline.ledger.state import State
from lodeline.ledger.submissions import (
    MAX_SUBMISSION_BYTES,
    MAX_SUBMISSION_ENTRIES,
    Submission,
    SubmissionBody,
    check_submission,
    decode_submission,
    encode_submission,
    sign_submission,
    submission_digest,
)

MINER = MemberId("miner")
KEY = SigningKey.generate(ENTROPY)
BODY = SubmissionBody(CHAIN, MINER, (b"one", b"two"), None)

bodies = st.builds(
    SubmissionBody,
    chain=st.sampled_from([CHAIN, ChainId("other")]),
    member=st.sampled_from([MINER, MemberId("refiner")]),
    entries=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6).map(tuple),
    day=st.none() | st.integers(0, MAX_TIME).map(BlockTime),
)


@pytest.fixture(scope="module")
def world() -> World:
    return World("grant-licence")


def signed(world: World, name: str = "miner", /, **changes: object) -> Submission:
    body = structs.replace(SubmissionBody(CHAIN, MemberId(name), (b"entry",), None), **changes)
    return sign_submission(body, world.parties[name].key)


def refused(
    state: State, submission: Submission, error: type[LodelineError], /, **fields: object
) -> None:
    before = fingerprint(state)
    with pytest.raises(error) as caught:
        check_submission(state, submission)
    assert type(caught.value) is error
    assert {name: caught.value.fields()[name] for name in fields} == fields
    assert fingerprint(state) == before


# ------------------------------------------------------------------ bytes


@given(bodies)
def test_a_submission_reads_back_as_it_was_written(body: SubmissionBody) -> None:
    submission = sign_submission(body, KEY)
    data = encode_submission(submission)
    assert decode_submission(data) == submission
    assert encode_submission(decode_submission(data)) == data


@given(bodies, bodies)
def test_two_bodies_never_share_a_digest(body: SubmissionBody, other: SubmissionBody) -> None:
    assert (submission_digest(body) == submission_digest(other)) == (body == other)


def test_entries_are_not_cut_at_other_places() -> None:
    """The digest covers where each entry ends, not the bytes alone."""
    joined = structs.replace(BODY, entries=(b"onetwo",))
    moved = structs.replace(BODY, entries=(b"onet", b"wo"))
    assert len({submission_digest(body) for body in (BODY, joined, moved)}) == 3


def test_entries_travel_in_their_own_bytes(world: World) -> None:
    entries: list[Entry] = [world.genesis(), world.govern(SetStatus(MINER, Status.SUSPENDED))]
    submission = signed(world, entries=tuple(map(encode_entry, entries)))
    again = decode_submission(encode_submission(submission))
    assert [decode_entry(data) for data in again.body.entries] == entries


def test_the_bounds_are_where_they_are_said_to_be() -> None:
    def with_entries(*entries: bytes) -> Submission:
        return sign_submission(structs.replace(BODY, entries=entries), KEY)

    most = with_entries(*[b"x"] * MAX_SUBMISSION_ENTRIES)
    largest = with_entries(b"x" * MAX_ENTRY_BYTES)
    for fine in (most, largest):
        assert decode_submission(encode_submission(fine)) == fine
    for bad, reason in (
        (with_entries(*[b"x"] * (MAX_SUBMISSION_ENTRIES + 1)), "too-many-items"),
        (with_entries(b"x" * (MAX_ENTRY_BYTES + 1)), "wrong-shape"),
        (with_entries(b""), "wrong-shape"),
        (with_entries(), "wrong-shape"),
    ):
        for call in (encode_submission, lambda item: decode_submission(cbor.encode_struct(item))):
            with pytest.raises(SubmissionMalformed) as caught:
                call(bad)
            assert caught.value.reason == reason


def test_the_size_has_a_sharp_edge() -> None:
    entries = [b"x" * 60_000] * 6
    bare = len(cbor.encode_struct(_of(entries, 40_000)))
    exact = _of(entries, 40_000 + MAX_SUBMISSION_BYTES - bare)
    assert len(encode_submission(exact)) == MAX_SUBMISSION_BYTES
    over = _of(entries, 40_001 + MAX_SUBMISSION_BYTES - bare)
    size = MAX_SUBMISSION_BYTES + 1
    for call in (encode_submission, lambda item: decode_submission(cbor.encode_struct(item))):
        with pytest.raises(SubmissionTooLarge) as caught:
            call(over)
        assert caught.value.fields() == {"size": size, "limit": MAX_SUBMISSION_BYTES}
    with pytest.raises(SubmissionTooLarge):
        decode_submission(b"\xff" * size)


def _of(entries: list[bytes], last: int) -> Submission:
    body = structs.replace(BODY, entries=(*entries, b"x" * last))
    return Submission(body, SignatureBytes(bytes(64)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extra": 1}, "wrong-shape"),
        ({"signature": b"short"}, "wrong-shape"),
        ({"signature": None}, "wrong-shape"),
        ({"body": None}, "wrong-shape"),
        ({"body": {}}, "wrong-shape"),
        ({"body": {"day": -1}}, "wrong-shape"),
        ({"body": {"day": MAX_TIME + 1}}, "wrong-shape"),
        ({"body": {"member": "no name"}}, "wrong-shape"),
        ({"body": {"chain": ""}}, "wrong-shape"),
        ({"body": {"entries": ["text"]}}, "wrong-shape"),
        ({"body": {"entries": b"bytes"}}, "wrong-shape"),
        ({"body": {"entries": None}}, "wrong-shape"),
    ],
)
def test_a_field_that_is_not_as_it_should_be(changes: dict[str, object], reason: str) -> None:
    plain = msgspec.to_builtins(sign_submission(BODY, KEY), builtin_types=(bytes,))
    inner = changes.get("body")
    if isinstance(inner, dict) and inner:
        changes = {"body": {**plain["body"], **inner}}
    with pytest.raises(SubmissionMalformed) as caught:
        decode_submission(cbor.encode({**plain, **changes}))
    assert caught.value.reason == reason


@pytest.mark.parametrize("part", ["chain", "member", "entries", "day"])
def test_no_field_is_left_out(part: str) -> None:
    plain = msgspec.to_builtins(sign_submission(BODY, KEY), builtin_types=(bytes,))
    del plain["body"][part]
    with pytest.raises(SubmissionMalformed):
        decode_submission(cbor.encode(plain))


class Steps:
    """Counts the lines that the interpreter runs."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, arg: object, /) -> "Steps":
        self.count += event == "line"
        return self


@pytest.mark.parametrize(
    "data",
    [
        b"\x9a" + (390_000).to_bytes(4, "big") + b"\xa0" * 390_000,
        b"\x81" * MAX_SUBMISSION_BYTES,
        b"\xc0" * MAX_SUBMISSION_BYTES,
        b"\xbf" * MAX_SUBMISSION_BYTES,
        b"\x9b" + b"\xff" * 8,
        cbor.encode({"body": {"entries": [{}] * 100_000}, "signature": b""}),
    ],
)
def test_no_stranger_keeps_a_validator_busy(data: bytes) -> None:
    """Counted in steps of the interpreter, not in seconds: bytes of nobody cost next to nothing."""
    steps = Steps()
    before = sys.gettrace()
    sys.settrace(steps)
    try:
        with pytest.raises(SubmissionMalformed):
            decode_submission(data)
    finally:
        sys.settrace(before)
    assert 0 < steps.count < 20_000


@pytest.mark.fuzz
@given(st.binary(max_size=300))
@example(b"")
def test_arbitrary_bytes_are_no_submission(data: bytes) -> None:
    with pytest.raises(SubmissionMalformed):
        decode_submission(data)


@pytest.mark.fuzz
@given(at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_somewhere(world: World, at: int, bit: int) -> None:
    """By the decoder, or because the signature or the name no longer fit."""
    data = bytearray(encode_submission(signed(world)))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(LodelineError):
        check_submission(world.state, decode_submission(bytes(data)))


# ------------------------------------------------------------------ who may submit


def test_an_active_member_s_own_submission_is_taken(world: World) -> None:
    before = fingerprint(world.state)
    for name in world.parties:  # with and without a vote, whatever its roles
        check_submission(world.state, signed(world, name))
        check_submission(world.state, signed(world, name, day=START))
    assert fingerprint(world.state) == before


def test_before_the_founding_nobody_submits(world: World) -> None:
    refused(State(), signed(world), NoGenesis)


def test_a_submission_for_another_ledger(world: World) -> None:
    other = ChainId("other/chain")
    refused(world.state, signed(world, chain=other), SubmissionOfOther, expected=CHAIN, found=other)


def test_somebody_who_is_no_member(world: World) -> None:
    stranger = sign_submission(structs.replace(BODY, member=MemberId("stranger")), KEY)
    refused(world.state, stranger, UnknownMember, member="stranger")


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.REMOVED])
def test_a_member_that_may_not_act(status: Status) -> None:
    world = World("grant-licence")
    world.apply(world.govern(SetStatus(MINER, status)))
    refused(world.state, signed(world), MemberNotActive, member=MINER, standing=status)


def test_a_day_where_material_is_real(world: World) -> None:
    real = State()
    apply(real, world.genesis(synthetic=False), world.now, {})
    check_submission(real, signed(world))
    dated = signed(world, day=BlockTime(5))
    refused(real, dated, SubmissionDayNotExpected, member=MINER, day=5)


# ------------------------------------------------------------------ named attackers


def test_a_submission_replayed_under_another_member_s_name(world: World) -> None:
    """Refiner takes miner's envelope and puts its own name, or the other way round."""
    honest = signed(world, "miner")
    renamed = structs.replace(honest, body=structs.replace(honest.body, member=MemberId("refiner")))
    refused(world.state, renamed, SubmissionSignatureInvalid, member="refiner")
    framed = sign_submission(honest.body, world.parties["refiner"].key)
    refused(world.state, framed, SubmissionSignatureInvalid, member=MINER)


@pytest.mark.parametrize(
    "entries",
    [(b"another",), (b"entry", b"entry"), (b"entry", b"more"), (b"entr", b"y"), (b"entry\0",)],
)
def test_entries_that_were_swapped_after_signing(world: World, entries: tuple[bytes, ...]) -> None:
    honest = signed(world)
    changed = structs.replace(honest, body=structs.replace(honest.body, entries=entries))
    refused(world.state, changed, SubmissionSignatureInvalid, member=MINER)


def test_an_order_or_a_day_that_was_changed_after_signing(world: World) -> None:
    honest = signed(world, entries=(b"first", b"second"))
    turned = structs.replace(honest.body, entries=(b"second", b"first"))
    dated = structs.replace(honest.body, day=START)
    for body in (turned, dated):
        changed = structs.replace(honest, body=body)
        refused(world.state, changed, SubmissionSignatureInvalid, member=MINER)


def test_a_signature_that_was_made_for_something_else(world: World) -> None:
    digest = submission_digest(BODY)
    key = world.parties["miner"].key
    for context in SignatureContext:
        submission = Submission(BODY, sign(key, context, digest))
        if context is SignatureContext.SUBMISSION:
            check_submission(world.state, submission)
        else:
            refused(world.state, submission, SubmissionSignatureInvalid, member=MINER)


def test_a_recorded_submission_gets_nothing_accepted_twice() -> None:
    """An envelope may be sent again by anybody; what it holds is known by its id."""
    world = World("grant-licence")
    entry = world.govern(SetStatus(MemberId("works"), Status.SUSPENDED))
    recorded = signed(world, entries=(encode_entry(entry),))
    check_submission(world.state, recorded)
    world.apply(entry)
    check_submission(world.state, recorded)
    world.refused(decode_entry(recorded.body.entries[0]), EntryAlreadyAccepted)
