"""What a witness cosigns, what it refuses, and for which lies it cries out."""

from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.witnesses.logs import (
    NOW,
    ORIGIN,
    POLICY,
    Log,
    a_witness,
    member_key,
    signed,
    signing_key,
    witness_key,
)

from lodeline.engine.witnesses.evidence import ForkEvidence
from lodeline.engine.witnesses.refusals import (
    LogForked,
    LogNotSigned,
    LogUnderAlarm,
    LogUnknown,
    OldSizeBeyondCheckpoint,
    OldSizeDiffers,
    ProofNotVerified,
    WitnessHasWriter,
    WitnessRequestMalformed,
    WitnessRequestTooLong,
)
from lodeline.engine.witnesses.request import MAX_REQUEST_BYTES, AddCheckpoint, parse_request
from lodeline.engine.witnesses.witness import Witness
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import CheckpointLineCount, Origin
from lodeline.ledger.cosignature import verified_witnesses
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import Note, NoteUnsigned, parse_note, sign_note

E = TypeVar("E", bound=LodelineError)
HONEST = Log.of(40)


def add(witness: Witness, log: Log, old: int, new: int) -> None:
    request = log.request(old, new)
    line = witness.add(request)
    note = parse_note(request.note)
    assert verified_witnesses(Note(note.text, (line,)), [witness.key]) == {witness.key: NOW}


def refused(witness: Witness, request: AddCheckpoint, error: type[E]) -> E:
    before = witness.shelf.checkpoint(ORIGIN)
    with pytest.raises(error) as caught:
        witness.add(request)
    assert type(caught.value) is error
    assert witness.shelf.checkpoint(ORIGIN) == before
    return caught.value


def only_alarm(witness: Witness) -> ForkEvidence:
    (evidence,) = witness.shelf.alarms()
    return evidence


# ------------------------------------------------------------------ cosigning


def test_a_log_that_only_grows_is_cosigned_and_remembered(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    assert witness.last(ORIGIN) is None
    for old, new in ((0, 1), (1, 1), (1, 2), (2, 8), (8, 21), (21, 40), (40, 40)):
        add(witness, HONEST, old, new)
        last = witness.last(ORIGIN)
        assert last is not None
        assert last.checkpoint == HONEST.at(new)
        assert verified_witnesses(parse_note(last.note), [witness.key]) == {witness.key: NOW}
    assert witness.shelf.alarms() == ()


@settings(max_examples=30)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_every_growth_is_followed(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    witness = a_witness(tmp_path_factory.mktemp("witness"))
    old = 0
    for size in sorted(sizes):
        add(witness, HONEST, old, size)
        old = size
    witness.shelf.close()


def test_a_witness_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    with pytest.raises(WitnessHasWriter):
        a_witness(tmp_path)
    witness.shelf.close()
    again = a_witness(tmp_path)
    assert refused(again, HONEST.request(0, 9), OldSizeDiffers).fields() == {"old": 0, "last": 5}
    add(again, HONEST, 5, 9)


def test_only_lines_of_the_log_are_kept(tmp_path: Path) -> None:
    """Somebody pads the note with signatures of keys that nobody knows."""
    witness = a_witness(tmp_path)
    note = parse_note(HONEST.note(5))
    stranger = parse_note(signed(HONEST.at(5), "xyz")).signatures
    padded = Note(note.text, (*stranger, *note.signatures)).encode()
    witness.add(AddCheckpoint(TreeSize(0), (), padded))
    last = witness.last(ORIGIN)
    assert last is not None
    assert len(parse_note(last.note).signatures) == len(note.signatures) + 1


# ------------------------------------------------------------------ refusing


def test_an_unknown_log_is_refused(tmp_path: Path) -> None:
    other = Log.of(3, origin=Origin("elsewhere.example"))
    refusal = refused(a_witness(tmp_path), other.request(0, 3), LogUnknown)
    assert (refusal.origin, refusal.status) == ("elsewhere.example", 404)


@pytest.mark.parametrize(
    ("names", "code"),
    [("a", "checkpoint-too-few-signatures"), ("xyz", "checkpoint-too-few-signatures")],
)
def test_a_stranger_who_signs_for_the_log(tmp_path: Path, names: str, code: str) -> None:
    request = AddCheckpoint(TreeSize(0), (), signed(HONEST.at(3), names))
    refusal = refused(a_witness(tmp_path), request, LogNotSigned)
    assert (refusal.origin, refusal.refusal, refusal.status) == (ORIGIN, code, 403)


def test_a_signature_moved_to_another_checkpoint(tmp_path: Path) -> None:
    moved = Note(HONEST.at(4).text(), parse_note(HONEST.note(3)).signatures)
    request = AddCheckpoint(TreeSize(0), (), moved.encode())
    refusal = refused(a_witness(tmp_path), request, LogNotSigned)
    assert refusal.refusal == "note-signature-invalid"


def test_a_note_of_another_kind_is_malformed(tmp_path: Path) -> None:
    text = f"{ORIGIN}\nhello\n"
    lines = [sign_note(text, member_key(name), signing_key(name).sign_frame) for name in "ab"]
    request = AddCheckpoint(TreeSize(0), (), Note(text, tuple(lines)).encode())
    refused(a_witness(tmp_path), request, CheckpointLineCount)
    refused(a_witness(tmp_path / "two"), AddCheckpoint(TreeSize(0), (), b"x\n"), NoteUnsigned)


def test_a_request_from_another_size_learns_the_last_one(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    for old, new in ((0, 9), (4, 9), (6, 9), (3, 4)):
        refusal = refused(witness, HONEST.request(old, new), OldSizeDiffers)
        assert (refusal.old, refusal.last, refusal.status) == (old, 5, 409)


def test_a_log_that_wants_to_shrink(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    request = AddCheckpoint(TreeSize(5), (), HONEST.note(3))
    refusal = refused(witness, request, OldSizeBeyondCheckpoint)
    assert (refusal.old, refusal.size, refusal.status) == (5, 3, 400)


def test_a_proof_from_nothing_is_empty(tmp_path: Path) -> None:
    request = AddCheckpoint(TreeSize(0), (Hash32(bytes(32)),), HONEST.note(3))
    assert refused(a_witness(tmp_path), request, ProofNotVerified).status == 422


def test_a_meddler_with_a_bad_proof_raises_suspicion_but_no_alarm(tmp_path: Path) -> None:
    """Anybody can send a good checkpoint along with a proof of nothing."""
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    good = HONEST.request(5, 9)
    for path in ((), good.path[:-1], (*good.path, good.path[0]), good.path[::-1]):
        refusal = refused(witness, AddCheckpoint(TreeSize(5), path, good.note), ProofNotVerified)
        assert (refusal.old, refusal.new, refusal.status) == (5, 9, 422)
    assert witness.shelf.alarms() == ()
    assert witness.shelf.suspects(ORIGIN) == (good.note,)
    add(witness, HONEST, 5, 9)


# ------------------------------------------------------------------ alarms


def test_an_operator_who_signs_two_logs_of_one_size(tmp_path: Path) -> None:
    witness, liar = a_witness(tmp_path), Log.of(9, fork=4)
    add(witness, HONEST, 0, 9)
    forked = refused(witness, liar.request(0, 9), LogForked)
    alarmed = refused(witness, liar.request(9, 9), LogUnderAlarm)
    assert forked.evidence == alarmed.evidence == only_alarm(witness).digest
    fork = only_alarm(witness).verify(POLICY)
    assert (fork.kind, fork.first.root) == ("entries", HONEST.at(9).root)
    assert fork.second.root == liar.at(9).root
    assert fork.signed_both == tuple(f"{ORIGIN}/{name}" for name in "ab")


def test_an_operator_who_rewrites_the_past(tmp_path: Path) -> None:
    """The proof leads from a beginning that the witness never saw to a root that is signed."""
    witness, liar = a_witness(tmp_path), Log.of(20, fork=3)
    add(witness, HONEST, 0, 7)
    refusal = refused(witness, liar.request(7, 20), LogForked)
    assert (refusal.last, refusal.size, refusal.status) == (7, 20, 409)
    fork = only_alarm(witness).verify(POLICY)
    assert (fork.kind, fork.first.size, fork.second.size) == ("entries", 7, 20)
    assert refused(witness, HONEST.request(7, 8), LogUnderAlarm).status == 403


def test_a_rewriter_who_hides_behind_a_full_subtree_is_suspected(tmp_path: Path) -> None:
    """From a power of two on, the proof does not tell how the other log began."""
    witness, liar = a_witness(tmp_path), Log.of(20, fork=3)
    add(witness, HONEST, 0, 8)
    refused(witness, liar.request(8, 20), ProofNotVerified)
    assert witness.shelf.suspects(ORIGIN) == (liar.note(20),)


def test_an_operator_who_signs_two_states_of_the_same_entries(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    request = AddCheckpoint(TreeSize(5), (), signed(HONEST.at(5, state=b"other")))
    refused(witness, request, LogForked)
    assert only_alarm(witness).verify(POLICY).kind == "state"


def test_an_operator_whose_time_goes_back(tmp_path: Path) -> None:
    witness = a_witness(tmp_path)
    add(witness, HONEST, 0, 5)
    good = HONEST.request(5, 9)
    request = AddCheckpoint(TreeSize(5), good.path, signed(HONEST.at(9, time=1_600_000_000)))
    refused(witness, request, LogForked)
    assert only_alarm(witness).verify(POLICY).kind == "time"


# ------------------------------------------------------------------ requests


@given(
    st.integers(0, 2**62).map(TreeSize),
    st.lists(st.binary(min_size=32, max_size=32).map(Hash32), max_size=63),
    st.binary(max_size=200),
)
def test_requests_survive_a_round_trip(old: TreeSize, path: list[Hash32], note: bytes) -> None:
    request = AddCheckpoint(old, tuple(path), note)
    assert parse_request(request.encode()) == request


def test_the_published_request_is_read() -> None:
    # C2SP tlog-witness, "add-checkpoint".
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    request = parse_request(body)
    assert (request.old, len(request.path)) == (20852014, 4)
    assert request.note.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert request.encode() == body


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"", 1),
        (b"old 5\n", 1),
        (b"old 05\n\nnote", 1),
        (b"old -1\n\nnote", 1),
        (b"old  5\n\nnote", 1),
        (b"OLD 5\n\nnote", 1),
        (b"old 5\r\n\nnote", 1),
        (b"old 5\nAAAA\n\nnote", 2),
        (b"old 5\n" + b"A" * 43 + b"=\n" + b"B" * 44 + b"\n\nnote", 3),
        (b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\nnote", 65),
        ("old 5\né\n\nnote".encode(), 2),
    ],
)
def test_malformed_requests_name_their_line(body: bytes, number: int) -> None:
    with pytest.raises(WitnessRequestMalformed) as caught:
        parse_request(body)
    assert caught.value.number == number


def test_a_flood_is_not_read() -> None:
    with pytest.raises(WitnessRequestTooLong):
        parse_request(b"old 5\n\n" + bytes(MAX_REQUEST_BYTES))


def test_keys_of_the_test_differ() -> None:
    assert witness_key("w1") != witness_key("w2")
