"""Cosignatures of outside witnesses, the policies that ask for them, and ways to fake them."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.test_checkpoint import checkpoint_at, member, policy, published, signing_key

from lodeline.crypto.signatures import SigningKey
from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import SignatureBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    CheckpointPolicy,
    PolicyRepeatsMember,
    PolicyRepeatsWitness,
    TooFewCosignatures,
    TooFewSignatures,
    WitnessThresholdOutOfRange,
    verify_checkpoint,
)
from lodeline.ledger.cosignature import (
    COSIGNATURE_V1,
    CosignatureInvalid,
    CosignatureMalformed,
    WitnessKey,
    cosign,
    cosignature_time,
    cosigned_message,
    parse_witness_key,
    verified_witnesses,
)
from lodeline.ledger.signednote import (
    KeyId,
    KeyName,
    Note,
    NoteSignature,
    NoteTextUnfinished,
    VerifierKeyIdDiffers,
    VerifierKeyMalformed,
    VerifierKeyTypeUnknown,
    parse_note,
    parse_verifier_key,
    sign_note,
)

EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
EXAMPLE_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
    "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
NOW = BlockTime(1_700_000_100)


def witness_key(number: int) -> SigningKey:
    return SigningKey(sha256(b"witness key %d" % number).digest())


def witness(number: int) -> WitnessKey:
    return WitnessKey(KeyName(f"witness-{number}.example/w"), witness_key(number).public)


def witnessed(threshold: int = 2, witnesses: int = 3) -> CheckpointPolicy:
    keys = tuple(witness(number) for number in range(witnesses))
    return CheckpointPolicy(policy().origin, policy().members, 3, keys, threshold)


def cosigned(note: bytes, *numbers: int, time: BlockTime = NOW) -> bytes:
    read = parse_note(note)
    lines = [cosign(read.text, time, witness(at), witness_key(at).sign_frame) for at in numbers]
    return Note(read.text, (*read.signatures, *lines)).encode()


# ------------------------------------------------------------------ the format


def test_the_published_example_is_read_as_it_is_meant() -> None:
    # Texts of C2SP tlog-cosignature, "Format" and "Ed25519 signed message".
    note = parse_note(f"{EXAMPLE}\n{EXAMPLE_LINE}".encode())
    (line,) = note.signatures
    assert line.line() == EXAMPLE_LINE
    assert cosignature_time(line) == 1679315147
    assert cosigned_message(note.text, BlockTime(1679315147)) == (
        b"cosignature/v1\n"
        b"time 1679315147\n"
        b"example.com/behind-the-sofa\n"
        b"20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_a_key_of_a_witness_has_the_published_id() -> None:
    key = witness(0)
    hashed = sha256(key.name.encode() + b"\n\x04" + key.public).digest()
    assert key.key_id == hashed[:4]
    assert parse_witness_key(str(key)) == key


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["w", "a.example/w", "témoin"]))
def test_keys_survive_a_round_trip(seed: bytes, name: str) -> None:
    key = WitnessKey(KeyName(name), SigningKey(seed).public)
    assert parse_witness_key(str(key)) == key


def test_a_key_of_one_kind_is_not_taken_for_the_other() -> None:
    with pytest.raises(VerifierKeyTypeUnknown) as refused:
        parse_witness_key(str(member(0)))
    assert refused.value.fields() == {"type_byte": 1, "expected": COSIGNATURE_V1}
    with pytest.raises(VerifierKeyTypeUnknown) as other:
        parse_verifier_key(str(witness(0)))
    assert other.value.fields() == {"type_byte": COSIGNATURE_V1, "expected": 1}


@pytest.mark.parametrize(
    ("bend", "error"),
    [
        (lambda text: text.replace("+", "-"), VerifierKeyMalformed),
        (lambda text: text.upper().replace("WITNESS", "witness"), LodelineError),
        (lambda text: text[:-4], LodelineError),
        (lambda text: text.replace("witness-0", "witness-1"), VerifierKeyIdDiffers),
    ],
)
def test_bent_keys_are_refused(bend: Callable[[str], str], error: type[LodelineError]) -> None:
    with pytest.raises(error):
        parse_witness_key(bend(str(witness(0))))


@given(st.integers(0, MAX_TIME).map(BlockTime))
def test_a_cosignature_keeps_its_time(time: BlockTime) -> None:
    text = checkpoint_at(5).text()
    line = cosign(text, time, witness(0), witness_key(0).sign_frame)
    assert cosignature_time(line) == time
    assert verified_witnesses(Note(text, (line,)), [witness(0), witness(1)]) == {witness(0): time}


def test_the_latest_of_several_counts_once() -> None:
    note = cosigned(cosigned(published(checkpoint_at(5), 0), 1, time=BlockTime(7)), 1)
    note = cosigned(note, 1, time=BlockTime(9))
    assert verified_witnesses(parse_note(note), [witness(1)]) == {witness(1): NOW}
    with pytest.raises(TooFewSignatures):
        verify_checkpoint(note, witnessed())


def test_a_text_that_is_no_note_is_not_cosigned() -> None:
    with pytest.raises(NoteTextUnfinished):
        cosign("ledger", NOW, witness(0), witness_key(0).sign_frame)


def test_a_signer_without_the_key_gives_nothing_away() -> None:
    with pytest.raises(CosignatureInvalid) as refused:
        cosign(checkpoint_at(5).text(), NOW, witness(0), witness_key(1).sign_frame)
    assert refused.value.fields() == {"name": witness(0).name, "key_id": witness(0).key_id}


# ------------------------------------------------------------------ policies


def test_enough_witnesses_make_a_checkpoint_acceptable() -> None:
    checkpoint = checkpoint_at(5)
    signed = published(checkpoint, 0, 1, 2)
    for numbers in ((0, 1), (2, 0), (0, 1, 2), (9, 1, 2)):
        assert verify_checkpoint(cosigned(signed, *numbers), witnessed()) == checkpoint
    assert verify_checkpoint(signed, witnessed().signers_only()) == checkpoint


def test_too_few_or_unknown_witnesses_do_not_count() -> None:
    signed = published(checkpoint_at(5), 0, 1, 2)
    for numbers in ((), (1,), (1, 1), (1, 8, 9)):
        with pytest.raises(TooFewCosignatures) as refused:
            verify_checkpoint(cosigned(signed, *numbers), witnessed())
        named = (witness(1).name,) if numbers else ()
        assert refused.value.fields() == {"needed": 2, "witnesses": named}


def test_witnesses_do_not_stand_in_for_members() -> None:
    note = cosigned(published(checkpoint_at(5), 0, 1), 0, 1, 2)
    with pytest.raises(TooFewSignatures):
        verify_checkpoint(note, witnessed())


@pytest.mark.parametrize(("threshold", "witnesses"), [(0, 3), (4, 3), (-1, 3), (1, 0)])
def test_a_threshold_that_does_not_fit_is_refused(threshold: int, witnesses: int) -> None:
    with pytest.raises(WitnessThresholdOutOfRange) as refused:
        witnessed(threshold, witnesses)
    assert refused.value.fields() == {"threshold": threshold, "witnesses": witnesses}


def test_nobody_is_counted_twice() -> None:
    origin, members = policy().origin, policy().members
    same_key = WitnessKey(KeyName("other"), witness(0).public)
    member_key = WitnessKey(KeyName("other"), member(1).public)
    member_name = WitnessKey(member(1).name, witness(0).public)
    for pair in ((witness(0), same_key), (witness(0), witness(0)), (member_key,), (member_name,)):
        with pytest.raises(PolicyRepeatsWitness) as refused:
            CheckpointPolicy(origin, members, 3, pair, 1)
        assert refused.value.name == pair[-1].name
    with pytest.raises(PolicyRepeatsMember):
        CheckpointPolicy(origin, (*members, member(0)), 3)


# ------------------------------------------------------------------ attackers


def test_an_operator_who_moves_a_cosignature_to_another_checkpoint() -> None:
    true, forged = published(checkpoint_at(5), 0, 1, 2), published(checkpoint_at(6), 0, 1, 2)
    lines = parse_note(cosigned(true, 0, 1)).signatures
    note = Note(parse_note(forged).text, (*parse_note(forged).signatures, *lines[3:]))
    with pytest.raises(CosignatureInvalid) as refused:
        verify_checkpoint(note.encode(), witnessed())
    assert refused.value.name == witness(0).name


def test_an_operator_who_makes_a_cosignature_look_younger() -> None:
    note = parse_note(cosigned(published(checkpoint_at(5), 0), 0))
    line = note.signatures[-1]
    later = int(NOW + 1).to_bytes(8, "big") + line.signature[8:]
    moved = NoteSignature(line.name, line.key_id, later)
    with pytest.raises(CosignatureInvalid):
        verified_witnesses(Note(note.text, (moved,)), [witness(0)])


def test_a_plain_signature_of_a_witness_is_no_cosignature() -> None:
    """Whoever gets a witness to sign a text as it stands has not got a cosignature of it."""
    text = checkpoint_at(5).text()
    plain = SignatureBytes(witness_key(0).sign_frame(text.encode()))
    stamped = NoteSignature(witness(0).name, witness(0).key_id, NOW.to_bytes(8, "big") + plain)
    with pytest.raises(CosignatureInvalid):
        verified_witnesses(Note(text, (stamped,)), [witness(0)])
    line = sign_note(text, member(0), signing_key(0).sign_frame)
    renamed = NoteSignature(witness(0).name, witness(0).key_id, line.signature)
    with pytest.raises(CosignatureMalformed) as refused:
        verified_witnesses(Note(text, (renamed,)), [witness(0)])
    assert refused.value.fields() == {"name": witness(0).name, "length": 64}


def test_a_time_beyond_all_blocks_is_malformed() -> None:
    late = NoteSignature(
        KeyName("w"), KeyId(b"abcd"), (MAX_TIME + 1).to_bytes(8, "big") + bytes(64)
    )
    with pytest.raises(CosignatureMalformed):
        cosignature_time(late)
