"""Checkpoints as members sign them and strangers accept them, and the ways to cheat on that."""

from base64 import b64encode
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.signatures import SigningKey
from lodeline.kernel.bounds import MAX_TIME
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime, TimeOutOfRange
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointLineCount,
    CheckpointLineMalformed,
    CheckpointPolicy,
    Origin,
    PolicyRepeatsMember,
    ProofForOtherSize,
    StatesDiffer,
    ThresholdOutOfRange,
    TimeWentBack,
    TooFewSignatures,
    WrongOrigin,
    assemble,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_checkpoint,
    verify_growth,
    verify_logged,
)
from lodeline.ledger.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    HashLengthDiffers,
    LeafIndex,
    TreeShrank,
    TreeSize,
    TreeSizeOutOfRange,
    WrongOldRoot,
    WrongRoot,
    leaf_hash,
)
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.signednote import (
    KeyName,
    KeyNameMalformed,
    Note,
    NoteError,
    NoteSignatureInvalid,
    VerifierKey,
    parse_note,
    parse_verifier_key,
    sign_note,
)

ORIGIN = Origin("ledger.example/cobalt")
ENTRIES = [b"entry %d" % number for number in range(9)]
LOG = MerkleLog(leaf_hash(entry) for entry in ENTRIES)

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
checkpoints = st.builds(
    Checkpoint,
    st.sampled_from(["ledger.example/cobalt", "x", "журнал"]).map(Origin),
    st.integers(0, MAX_TREE_SIZE).map(TreeSize),
    hashes,
    hashes,
    st.integers(0, MAX_TIME).map(BlockTime),
)


def signing_key(number: int) -> SigningKey:
    return SigningKey(sha256(b"checkpoint key %d" % number).digest())


def member(number: int) -> VerifierKey:
    return VerifierKey(KeyName(f"{ORIGIN}/member-{number}"), signing_key(number).public)


def policy(threshold: int = 3, members: int = 4) -> CheckpointPolicy:
    return CheckpointPolicy(ORIGIN, tuple(member(number) for number in range(members)), threshold)


def checkpoint_at(size: int, *, time: int = 1_700_000_000, state: bytes = b"") -> Checkpoint:
    root = LOG.root(TreeSize(size))
    fixed = Hash32(sha256(state or b"state %d" % size).digest())
    return Checkpoint(ORIGIN, TreeSize(size), root, fixed, BlockTime(time))


def published(checkpoint: Checkpoint, *numbers: int) -> bytes:
    lines = [sign_checkpoint(checkpoint, member(at), signing_key(at).sign_frame) for at in numbers]
    return assemble(checkpoint, lines)


def signed_text(text: str) -> bytes:
    lines = [sign_note(text, member(at), signing_key(at).sign_frame) for at in range(3)]
    return Note(text, tuple(lines)).encode()


# ------------------------------------------------------------------ the text


def test_the_text_is_the_published_format() -> None:
    checkpoint = Checkpoint(
        Origin("example.com/behind-the-sofa"),
        TreeSize(20852163),
        Hash32(bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")),
        Hash32(bytes(32)),
        BlockTime(1_790_000_000),
    )
    # The first three lines are those of the example in C2SP tlog-checkpoint.
    assert checkpoint.text() == (
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "state AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "time 1790000000\n"
    )


@given(checkpoints)
def test_checkpoints_survive_their_text(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint_text(checkpoint.text()) == checkpoint


@given(st.integers(0, 160), st.text(max_size=4))
@pytest.mark.fuzz
def test_any_text_parses_to_itself_or_is_refused(at: int, noise: str) -> None:
    text = checkpoint_at(5).text()
    for bent in (text[:at] + noise + text[at + len(noise) :], text[:at] + noise + text[at:]):
        try:
            checkpoint = parse_checkpoint_text(bent)
        except LodelineError:
            continue
        assert checkpoint.text() == bent


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (2, ""),
        (2, "05"),
        (2, "+5"),
        (2, "-5"),
        (2, "5 "),
        (2, "٥"),
        (2, "0x5"),
        (2, "9" * 20),
        (3, ""),
        (3, ROOT[:-1]),
        (3, ROOT[:-2] + "B="),
        (3, b64encode(bytes(31)).decode()),
        (3, b64encode(bytes(33)).decode()),
        (3, bytes(32).hex()),
        (4, ROOT),
        (4, f"state  {ROOT}"),
        (4, f"State {ROOT}"),
        (4, "state "),
        (5, "1700000000"),
        (5, "time 1700000000.0"),
        (5, "time 01"),
        (5, "time -1"),
        (5, f"state {ROOT}"),
    ],
)
def test_every_line_has_one_writing(number: int, line: str) -> None:
    lines = checkpoint_at(5).text().split("\n")
    lines[number - 1] = line
    with pytest.raises(CheckpointLineMalformed) as refused:
        verify_checkpoint(signed_text("\n".join(lines)), policy())
    assert (refused.value.number, refused.value.line) == (number, line)


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7])
def test_a_checkpoint_has_five_lines(count: int) -> None:
    lines = (checkpoint_at(5).text() + "more\nand more\n").split("\n")[:count]
    with pytest.raises(CheckpointLineCount) as refused:
        verify_checkpoint(signed_text("\n".join(lines) + "\n"), policy())
    assert (refused.value.expected, refused.value.got) == (5, count)


def test_a_text_cut_in_its_last_line_is_refused() -> None:
    with pytest.raises(CheckpointLineCount):
        parse_checkpoint_text(checkpoint_at(5).text()[:-1])


def test_values_out_of_range_are_refused() -> None:
    good = checkpoint_at(5)
    with pytest.raises(TreeSizeOutOfRange):
        parse_checkpoint_text(good.text().replace("\n5\n", f"\n{MAX_TREE_SIZE + 1}\n"))
    with pytest.raises(TimeOutOfRange):
        parse_checkpoint_text(good.text().replace("time 1700000000", f"time {MAX_TIME + 1}"))
    with pytest.raises(HashLengthDiffers):
        msgspec.structs.replace(good, state=Hash32(b"short"))
    for origin in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(KeyNameMalformed):
            msgspec.structs.replace(good, origin=Origin(origin))
        with pytest.raises(KeyNameMalformed):
            CheckpointPolicy(Origin(origin), (member(1),), 1)


# ------------------------------------------------------------------ who signed


def test_enough_members_make_a_checkpoint() -> None:
    checkpoint = checkpoint_at(5)
    assert verify_checkpoint(published(checkpoint, 0, 1, 3), policy()) == checkpoint
    assert verify_checkpoint(published(checkpoint, 3, 2, 1, 0), policy()) == checkpoint


def test_too_few_members_are_refused_by_name() -> None:
    with pytest.raises(TooFewSignatures) as refused:
        verify_checkpoint(published(checkpoint_at(5), 2, 0), policy())
    assert refused.value.needed == 3
    assert refused.value.signers == (member(0).name, member(2).name)


def test_one_member_cannot_sign_for_three() -> None:
    with pytest.raises(TooFewSignatures) as refused:
        verify_checkpoint(published(checkpoint_at(5), 0, 0, 0), policy())
    assert refused.value.signers == (member(0).name,)


def test_strangers_add_nothing_and_do_no_harm() -> None:
    """Witnesses sign too; a reader that does not know them ignores their lines."""
    checkpoint = checkpoint_at(5)
    with pytest.raises(TooFewSignatures):
        verify_checkpoint(published(checkpoint, 0, 1, 7, 8, 9), policy())
    assert verify_checkpoint(published(checkpoint, 7, 0, 8, 1, 9, 2), policy()) == checkpoint


def test_one_bad_signature_of_a_member_spoils_the_note() -> None:
    checkpoint = checkpoint_at(5)
    other = sign_checkpoint(checkpoint_at(6), member(3), signing_key(3).sign_frame)
    good = parse_note(published(checkpoint, 0, 1, 2)).signatures
    with pytest.raises(NoteSignatureInvalid) as refused:
        verify_checkpoint(assemble(checkpoint, (*good, other)), policy())
    assert refused.value.name == member(3).name


def test_every_byte_of_a_checkpoint_counts() -> None:
    """Flipped one at a time, in the text and in the signatures."""
    data, tried = published(checkpoint_at(5), 0, 1, 2), 0
    for at in range(len(data)):
        for bit in (0x01, 0x20):
            bent = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises((NoteError, TooFewSignatures)):
                verify_checkpoint(bent, policy())
            tried += 1
    assert tried > 600


def test_a_text_is_not_read_before_its_signatures() -> None:
    with pytest.raises(TooFewSignatures):
        verify_checkpoint(
            Note("no checkpoint\n", parse_note(published(checkpoint_at(5), 8)).signatures).encode(),
            policy(),
        )


def test_a_checkpoint_of_another_log_is_refused() -> None:
    """The same members run two logs; one cannot stand in for the other."""
    other = msgspec.structs.replace(checkpoint_at(5), origin=Origin("ledger.example/nickel"))
    with pytest.raises(WrongOrigin) as refused:
        verify_checkpoint(published(other, 0, 1, 2), policy())
    assert (refused.value.expected, refused.value.got) == (ORIGIN, "ledger.example/nickel")


def test_a_real_tree_head_of_another_kind_of_log_is_refused() -> None:
    """Genuinely signed by the Go checksum database (the example of C2SP tlog-checkpoint)."""
    key = parse_verifier_key("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    note = (
        "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
        "nTo+zyWE+xeMcTOAYQ8=\n"
    )
    with pytest.raises(CheckpointLineCount) as refused:
        verify_checkpoint(note.encode(), CheckpointPolicy(ORIGIN, (key,), 1))
    assert (refused.value.expected, refused.value.got) == (5, 3)


# ------------------------------------------------------------------ policies


@pytest.mark.parametrize("threshold", [-1, 0, 5])
def test_a_threshold_must_be_reachable_and_not_nothing(threshold: int) -> None:
    with pytest.raises(ThresholdOutOfRange) as refused:
        policy(threshold)
    assert (refused.value.threshold, refused.value.members) == (threshold, 4)


def test_nobody_counts_twice() -> None:
    twice = VerifierKey(KeyName("another"), member(1).public)
    renamed = VerifierKey(member(1).name, member(2).public)
    for pair in [(member(1), member(1)), (member(1), twice), (member(1), renamed)]:
        with pytest.raises(PolicyRepeatsMember) as refused:
            CheckpointPolicy(ORIGIN, pair, 1)
        assert refused.value.name == pair[1].name


# ------------------------------------------------------------------ what follows from a checkpoint


@given(st.integers(0, 9), st.integers(0, 9))
def test_an_honest_log_grows(one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof = LOG.prove_consistency(TreeSize(old), TreeSize(new))
    verify_growth(checkpoint_at(old), checkpoint_at(new, time=1_700_000_001), proof)


def test_growth_is_refused_for_each_reason() -> None:
    old, new = checkpoint_at(4), checkpoint_at(9)
    proof = LOG.prove_consistency(TreeSize(4))
    verify_growth(old, new, proof)
    with pytest.raises(WrongOrigin):
        verify_growth(msgspec.structs.replace(old, origin=Origin("other")), new, proof)
    with pytest.raises(ProofForOtherSize) as size:
        verify_growth(checkpoint_at(5), new, proof)
    assert (size.value.expected, size.value.got) == (5, 4)
    with pytest.raises(ProofForOtherSize):
        verify_growth(old, checkpoint_at(8), proof)
    with pytest.raises(TreeShrank):
        verify_growth(new, old, msgspec.structs.replace(proof, old=TreeSize(9), new=TreeSize(4)))
    with pytest.raises(WrongOldRoot):
        verify_growth(
            msgspec.structs.replace(checkpoint_at(5), root=EMPTY_ROOT),
            new,
            LOG.prove_consistency(TreeSize(5)),
        )
    with pytest.raises(TimeWentBack) as time:
        verify_growth(old, checkpoint_at(9, time=1_699_999_999), proof)
    assert (time.value.old, time.value.new) == (1_700_000_000, 1_699_999_999)


def test_two_states_of_one_log_are_a_fork() -> None:
    one, other = checkpoint_at(4), checkpoint_at(4, state=b"forged")
    with pytest.raises(StatesDiffer) as refused:
        verify_growth(one, other, LOG.prove_consistency(TreeSize(4), TreeSize(4)))
    assert (refused.value.old, refused.value.new) == (one.state, other.state)
    assert refused.value.size == 4


def test_an_entry_is_shown_by_its_whole_bytes() -> None:
    checkpoint = checkpoint_at(9)
    proof = LOG.prove_inclusion(LeafIndex(6))
    assert verify_logged(checkpoint, ENTRIES[6], proof) == leaf_hash(ENTRIES[6])
    with pytest.raises(WrongRoot):
        verify_logged(checkpoint, ENTRIES[6] + b"\x00", proof)
    with pytest.raises(ProofForOtherSize) as refused:
        verify_logged(checkpoint_at(8), ENTRIES[6], proof)
    assert (refused.value.expected, refused.value.got) == (8, 9)
