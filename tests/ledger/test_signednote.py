"""Signed notes against notes of other implementations, and against whoever edits one."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.signatures import MemberKeyLength, MemberKeySmallOrder, SigningKey
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberKey, SignatureBytes
from lodeline.ledger.signednote import (
    MAX_NOTE_BYTES,
    MAX_NOTE_SIGNATURES,
    KeyId,
    KeyName,
    KeyNameMalformed,
    Note,
    NoteControlCharacter,
    NoteNotUnicode,
    NoteSignature,
    NoteSignatureInvalid,
    NoteSignatureMalformed,
    NoteTextUnfinished,
    NoteTooLong,
    NoteUnsigned,
    TooManyNoteSignatures,
    VerifierKey,
    VerifierKeyIdDiffers,
    VerifierKeyMalformed,
    VerifierKeysCollide,
    VerifierKeyTypeUnknown,
    parse_note,
    parse_verifier_key,
    sign_note,
    verified_signers,
)

# Notes and keys that other implementations published: the package documentation of Go's
# golang.org/x/mod/sumdb/note, the tree head that C2SP tlog-checkpoint shows (a real one of the Go
# checksum database), and the documentation of the signed_note crate.
PUBLISHED = [
    (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        (
            "If you think cryptography is the answer to your problem,\n"
            "then you don't know what your problem is.\n"
            "\n"
            "— PeterNeumann "
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
            "otpRZb6KE6RyyBwJnAM=\n"
        ),
    ),
    (
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        (
            "go.sum database tree\n"
            "20852163\n"
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
            "\n"
            "— sum.golang.org "
            "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
            "nTo+zyWE+xeMcTOAYQ8=\n"
        ),
    ),
    (
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        (
            "This is an example message.\n"
            "\n"
            "— example.com/foo "
            "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
            "RKuwHjG1Yu72IneyaQM=\n"
        ),
    ),
]
PLUS_IN_BASE64 = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"
"""From the tests of transparency-dev/formats: the last part holds a plus sign of its own."""

TEXT = "ledger.example/cobalt\n5\n\nwith a blank line\n"

names = st.text(min_size=1, max_size=12).filter(
    lambda text: not re.search(r"[+\s\x00-\x1f\ud800-\udfff]", text)
)
texts = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), min_size=1)


def signing_key(number: int) -> SigningKey:
    return SigningKey(sha256(b"note key %d" % number).digest())


def verifier_key(number: int, name: str | None = None) -> VerifierKey:
    return VerifierKey(KeyName(name or f"member-{number}.example"), signing_key(number).public)


def signed(*numbers: int, text: str = TEXT) -> bytes:
    lines = [sign_note(text, verifier_key(at), signing_key(at).sign_frame) for at in numbers]
    return Note(text, tuple(lines)).encode()


# ------------------------------------------------------------------ other implementations


@pytest.mark.parametrize(("key", "note"), PUBLISHED)
def test_published_notes_verify(key: str, note: str) -> None:
    verifier = parse_verifier_key(key)
    assert str(verifier) == key
    parsed = parse_note(note.encode())
    assert parsed.encode() == note.encode()
    assert verified_signers(parsed, [verifier]) == {verifier}


@pytest.mark.parametrize(("key", "note"), PUBLISHED)
def test_every_character_of_a_published_text_counts(key: str, note: str) -> None:
    verifier, encoded = parse_verifier_key(key), note.encode()
    end = encoded.rindex(b"\n\n")
    for at in range(end):
        bent = encoded[:at] + bytes([encoded[at] ^ 1]) + encoded[at + 1 :]
        with pytest.raises((NoteSignatureInvalid, NoteControlCharacter)):
            verified_signers(parse_note(bent), [verifier])
    assert end > 20


def test_a_verifier_key_may_hold_a_plus_sign_in_its_base64() -> None:
    key = parse_verifier_key(PLUS_IN_BASE64)
    assert key.name == "TEST"
    assert str(key) == PLUS_IN_BASE64


# ------------------------------------------------------------------ verifier keys


@given(names, st.integers(0, 3))
def test_verifier_keys_survive_their_text(name: str, number: int) -> None:
    key = verifier_key(number, name)
    assert parse_verifier_key(str(key)) == key


def test_a_mangled_verifier_key_is_refused() -> None:
    """Every piece of a key, and every changed character, as the Go tests do."""
    text = PUBLISHED[0][0]
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if (start, end) != (0, len(text)):
                with pytest.raises(LodelineError):
                    parse_verifier_key(text[start:end])
    for at, char in enumerate(text):
        with pytest.raises(LodelineError):
            parse_verifier_key(text[:at] + chr(ord(char) + 1) + text[at + 1 :])


def test_a_verifier_key_says_what_is_wrong_with_it() -> None:
    name, key_id, _ = (text := PUBLISHED[0][0]).split("+", 2)
    body = text.rpartition("+")[2]
    with pytest.raises(VerifierKeyIdDiffers) as differs:
        parse_verifier_key(f"{name}+c74f20a4+{body}")
    assert (differs.value.written.hex(), differs.value.computed.hex()) == ("c74f20a4", key_id)
    with pytest.raises(VerifierKeyTypeUnknown) as unknown:
        parse_verifier_key(f"{name}+{key_id}+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert (unknown.value.type_byte, unknown.value.expected) == (4, 1)
    for bad in ["", name, f"{name}+{key_id}", f"{name}+{key_id}+", f"{name}+{key_id}+AQ=="]:
        with pytest.raises(VerifierKeyMalformed) as malformed:
            parse_verifier_key(bad)
        assert malformed.value.text == bad
    for bad_id in [key_id.upper(), "c7 4f20a3", "c74f20a", ""]:
        with pytest.raises((VerifierKeyMalformed, KeyNameMalformed)):
            parse_verifier_key(f"{name}+{bad_id}+{body}")


def test_a_key_that_binds_nobody_is_no_verifier_key() -> None:
    with pytest.raises(MemberKeySmallOrder):
        VerifierKey(KeyName("weak.example"), MemberKey(b"\x01" + bytes(31)))
    with pytest.raises(MemberKeyLength):
        VerifierKey(KeyName("short.example"), MemberKey(bytes(31)))


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\tb", "a\u00a0b", "a\u2028b", "a\x00b", "a\ud800b"]
)
def test_a_name_that_would_break_the_line_is_refused(name: str) -> None:
    with pytest.raises(KeyNameMalformed) as refused:
        VerifierKey(KeyName(name), signing_key(1).public)
    assert refused.value.name == ascii(name)[1:-1]
    assert refused.value.explain("en")


# ------------------------------------------------------------------ reading and writing


@given(texts, st.lists(names, min_size=1, max_size=4), st.binary(min_size=1, max_size=70))
def test_notes_survive_their_bytes(lines: list[str], signers: list[str], body: bytes) -> None:
    text = "".join(f"{line}\n" for line in lines)
    made = [NoteSignature(KeyName(name), KeyId(b"\x00\xff\x01\x02"), body) for name in signers]
    note = Note(text, tuple(made))
    assert parse_note(note.encode()) == note


@given(st.binary(max_size=60), st.integers(0, 200))
@pytest.mark.fuzz
def test_any_bytes_parse_to_themselves_or_are_refused(noise: bytes, at: int) -> None:
    base = signed(1, 2)
    for data in (noise, base[:at] + noise + base[at + len(noise) :], base[at:] + noise):
        try:
            note = parse_note(data)
        except LodelineError:
            continue
        assert note.encode() == data


@pytest.mark.parametrize(
    "lines",
    [
        "— member-1.example\n",
        "— member-1.example \n",
        "— member-1.example AAAAAA==\n",
        "— member-1.example AAAAAAB=\n",
        "— member-1.example  AAAAAAA=\n",
        "— member-1.example AAAA AAA=\n",
        "— member-1.example AAAAAAA= \n",
        "— member-1.example AAAA_AA-\n",
        "- member-1.example AAAAAAA=\n",
        "—member-1.example AAAAAAA=\n",
        "— member-1.example AAAAAAA=",
        "— member-1.example AAAAAAA=\nmore",
        "— member-1.example AAAAAAÀ=\n",
    ],
)
def test_a_signature_line_has_one_writing(lines: str) -> None:
    with pytest.raises((NoteSignatureMalformed, NoteUnsigned)):
        parse_note(f"text\n\n{lines}".encode())


def test_a_line_without_a_proper_name_is_refused() -> None:
    for line in ("—  AAAAAAA=\n", "— a+b AAAAAAA=\n", "— a\u00a0b AAAAAAA=\n"):
        with pytest.raises(KeyNameMalformed):
            parse_note(f"text\n\n{line}".encode())


@pytest.mark.parametrize("data", [b"", b"\n", b"text\n", b"text\n\n", b"text\nline\n"])
def test_a_note_without_signatures_is_refused(data: bytes) -> None:
    with pytest.raises(NoteUnsigned):
        parse_note(data)
    with pytest.raises(NoteUnsigned):
        Note(TEXT, ()).encode()


@pytest.mark.parametrize("character", ["\r", "\t", "\x00", "\x1f"])
def test_control_characters_are_refused_with_their_place(character: str) -> None:
    with pytest.raises(NoteControlCharacter) as refused:
        parse_note(signed(1).replace(b"\n\n", f"\n{character}\n\n".encode(), 1))
    assert refused.value.character == ord(character)
    assert refused.value.position == TEXT.index("\n\n") + 1
    with pytest.raises(NoteControlCharacter):
        sign_note(f"a{character}\n", verifier_key(1), signing_key(1).sign_frame)


def test_what_is_not_unicode_is_refused() -> None:
    with pytest.raises(NoteNotUnicode) as refused:
        parse_note(b"tex\xff\n\n")
    assert refused.value.position == 3
    with pytest.raises(NoteNotUnicode):
        sign_note("a\ud800\n", verifier_key(1), signing_key(1).sign_frame)


@pytest.mark.parametrize("text", ["", "no newline", "\nno newline"])
def test_a_text_must_be_finished_before_it_is_signed(text: str) -> None:
    with pytest.raises(NoteTextUnfinished) as refused:
        sign_note(text, verifier_key(1), signing_key(1).sign_frame)
    assert refused.value.length == len(text)


def test_size_and_number_of_signatures_are_bounded() -> None:
    with pytest.raises(NoteTooLong) as long:
        parse_note(b"a" * (MAX_NOTE_BYTES + 1))
    assert (long.value.size, long.value.limit) == (MAX_NOTE_BYTES + 1, MAX_NOTE_BYTES)
    line = NoteSignature(KeyName("stranger"), KeyId(bytes(4)), bytes(64))
    with pytest.raises(TooManyNoteSignatures) as many:
        Note(TEXT, (line,) * (MAX_NOTE_SIGNATURES + 1)).encode()
    assert (many.value.count, many.value.limit) == (MAX_NOTE_SIGNATURES + 1, MAX_NOTE_SIGNATURES)
    full = Note(TEXT, (line,) * MAX_NOTE_SIGNATURES)
    assert parse_note(full.encode()) == full


# ------------------------------------------------------------------ who signed


def test_only_keys_that_signed_are_named() -> None:
    note = parse_note(signed(1, 2))
    known = [verifier_key(2), verifier_key(3)]
    assert verified_signers(note, known) == {verifier_key(2)}
    assert verified_signers(note, []) == frozenset()


def test_a_key_that_signed_twice_counts_once() -> None:
    assert verified_signers(parse_note(signed(1, 1)), [verifier_key(1)]) == {verifier_key(1)}


def test_a_stranger_with_a_members_name_is_ignored() -> None:
    """Same name, other key: the id differs, so the line means nobody that is known."""
    stranger = verifier_key(9, "member-1.example")
    line = sign_note(TEXT, stranger, signing_key(9).sign_frame)
    note = parse_note(Note(TEXT, (line,)).encode())
    assert verified_signers(note, [verifier_key(1)]) == frozenset()


def test_a_stranger_with_a_members_name_and_id_is_refused() -> None:
    """Ids are short enough to be made to collide; the signature itself cannot."""
    member = verifier_key(1)
    forged = NoteSignature(member.name, member.key_id, signing_key(9).sign_frame(TEXT.encode()))
    good = sign_note(TEXT, member, signing_key(1).sign_frame)
    for lines in [(forged,), (good, forged), (forged, good)]:
        with pytest.raises(NoteSignatureInvalid) as refused:
            verified_signers(parse_note(Note(TEXT, lines).encode()), [member])
        assert (refused.value.name, refused.value.key_id) == (member.name, member.key_id)


@pytest.mark.parametrize("length", [1, 63, 65])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    member = verifier_key(1)
    line = NoteSignature(member.name, member.key_id, bytes(length))
    with pytest.raises(NoteSignatureInvalid):
        verified_signers(parse_note(Note(TEXT, (line,)).encode()), [member])


def test_a_signature_for_another_text_is_refused() -> None:
    line = parse_note(signed(1)).signatures
    with pytest.raises(NoteSignatureInvalid):
        verified_signers(Note(TEXT + "more\n", line), [verifier_key(1)])


def test_a_signer_without_the_private_key_gives_nothing_away() -> None:
    with pytest.raises(NoteSignatureInvalid):
        sign_note(TEXT, verifier_key(1), signing_key(2).sign_frame)
    with pytest.raises(NoteSignatureInvalid):
        sign_note(TEXT, verifier_key(1), lambda _: SignatureBytes(bytes(63)))


def test_a_signature_line_must_be_whole_before_it_is_written() -> None:
    for key_id, body in [(b"abc", bytes(64)), (b"abcde", bytes(64)), (b"abcd", b"")]:
        with pytest.raises(NoteSignatureMalformed):
            NoteSignature(KeyName("member"), KeyId(key_id), body)


def test_keys_that_collide_are_refused() -> None:
    """Two keys with one name and one id, found by trying 100,418 seeds."""
    publics = [
        SigningKey(sha256(b"collision %d" % seed).digest()).public for seed in (68943, 100417)
    ]
    one, other = (VerifierKey(KeyName("same.example"), public) for public in publics)
    assert one != other
    assert one.key_id == other.key_id == bytes.fromhex("506759a0")
    with pytest.raises(VerifierKeysCollide) as refused:
        verified_signers(parse_note(signed(3)), [one, other])
    assert (refused.value.name, refused.value.key_id) == (one.name, one.key_id)
    assert verified_signers(parse_note(signed(3)), [one, one]) == frozenset()
