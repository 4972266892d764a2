"""Sealed notes and scan secrets: who may read, and what nobody may tell."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.sealing import (
    MAX_NOTE_BYTES,
    NOTE_BLOCK_BYTES,
    SEALED_OVERHEAD_BYTES,
    VIEW_TAG_BYTES,
    EphemeralKey,
    ExchangeKeyLength,
    ExchangeKeyNotCanonical,
    ExchangeKeySmallOrder,
    NoteNotOpened,
    NotePaddingBroken,
    NoteTooLong,
    OutputIndex,
    ScanKey,
    SealedNote,
    SealedNoteLength,
    ViewPrivateKey,
    ViewPublicKey,
    check_scan_key,
    check_sealed_length,
    check_view_key,
    open_sealed,
    owner_seed,
    scan_secret_for_owner,
    scan_secret_for_sender,
    seal,
    view_tag,
)
from lodeline.kernel.errors import LodelineError

P = 2**255 - 19
BUYER = ViewPrivateKey(bytes(range(32)))
RIVAL = ViewPrivateKey(bytes(range(1, 33)))
PLACE = b"chain, entry, output 0"
NOTE = b"24.6 t, blinding 0123456789"
CONTEXT = b"lodeline-test"

ORDER_EIGHT_U = 325606250916557431795983626356110631294008115727848805560023387167927233504


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


SMALL_ORDER_U = [little(u) for u in (0, 1, P - 1, ORDER_EIGHT_U)]
NOT_CANONICAL_U = [little(u) for u in range(P, 1 << 255)] + [little(9 + (1 << 255))]


# ------------------------------------------------------------------ HPKE, written out by hand


def hkdf_extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    out, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def open_by_rfc_9180(private: bytes, sealed: bytes, info: bytes, aad: bytes = b"") -> bytes:
    """Base mode of RFC 9180 §4.1, §5.1 and §5.2, for the one suite; independent of the library."""

    def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hkdf_extract(salt, b"HPKE-v1" + suite + label + ikm)

    def expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return hkdf_expand(
            prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length
        )

    own = X25519PrivateKey.from_private_bytes(private)
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    kem = b"KEM\x00\x20"
    shared = own.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    prk = extract(kem, b"", b"eae_prk", shared)
    context = encapsulated + own.public_key().public_bytes_raw()
    secret = expand(kem, prk, b"shared_secret", context, 32)

    suite = b"HPKE\x00\x20\x00\x01\x00\x03"
    schedule = (
        b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    )
    key_secret = extract(suite, secret, b"secret", b"")
    key = expand(suite, key_secret, b"key", schedule, 32)
    nonce = expand(suite, key_secret, b"base_nonce", schedule, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, aad)


def documented_info(associated: bytes) -> bytes:
    label, digest = b"lodeline/v1/note", hashlib.sha256(associated).digest()
    return len(label).to_bytes(8, "big") + label + len(digest).to_bytes(8, "big") + digest


def seal_raw(plaintext: bytes, associated: bytes) -> SealedNote:
    """Seal without padding, as a sender with an altered program would."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    public = X25519PublicKey.from_public_bytes(BUYER.public)
    return SealedNote(suite.encrypt(plaintext, public, info=documented_info(associated)))


# ------------------------------------------------------------------ sealing


@given(st.binary(max_size=1500), st.binary(max_size=80))
def test_what_is_sealed_opens(note: bytes, place: bytes) -> None:
    assert open_sealed(BUYER, seal(BUYER.public, note, place), place) == note


def test_the_longest_note_opens_and_one_byte_more_is_refused() -> None:
    longest = bytes(MAX_NOTE_BYTES)
    assert open_sealed(BUYER, seal(BUYER.public, longest, PLACE), PLACE) == longest
    with pytest.raises(NoteTooLong) as refused:
        seal(BUYER.public, longest + b"x", PLACE)
    assert (refused.value.length, refused.value.most) == (MAX_NOTE_BYTES + 1, MAX_NOTE_BYTES)


@given(st.binary(max_size=600))
def test_another_implementation_of_rfc_9180_reads_it(note: bytes) -> None:
    sealed = seal(BUYER.public, note, PLACE)
    padded = open_by_rfc_9180(BUYER.reveal(), sealed, documented_info(PLACE))
    assert padded[4 : 4 + len(note)] == note
    assert len(padded) % NOTE_BLOCK_BYTES == 0


def test_the_hand_written_hpke_passes_rfc_9180() -> None:
    """Source: RFC 9180 A.2.1 and A.2.1.1, sequence number 0."""
    private = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"
    sealed = (
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
        "21993c62ce81883d2dd1b51a28"
    )
    opened = open_by_rfc_9180(
        bytes.fromhex(private), bytes.fromhex(sealed), b"Ode on a Grecian Urn", b"Count-0"
    )
    assert opened == b"Beauty is truth, truth beauty"


@pytest.mark.parametrize("shorter", [0, 1, 100, NOTE_BLOCK_BYTES - 4])
def test_the_size_of_a_small_note_does_not_show(shorter: int) -> None:
    sealed = seal(BUYER.public, bytes(shorter), PLACE)
    assert len(sealed) == SEALED_OVERHEAD_BYTES + NOTE_BLOCK_BYTES


def test_two_seals_of_one_note_differ() -> None:
    made = {seal(BUYER.public, NOTE, PLACE) for _ in range(20)}
    assert len({sealed[:32] for sealed in made}) == 20


def test_a_rival_cannot_open_it() -> None:
    sealed = seal(BUYER.public, NOTE, PLACE)
    with pytest.raises(NoteNotOpened) as refused:
        open_sealed(RIVAL, sealed, PLACE)
    assert refused.value.recipient == RIVAL.public
    assert refused.value.length == len(sealed)


def test_a_note_moved_to_another_output_does_not_open() -> None:
    sealed = seal(BUYER.public, NOTE, PLACE)
    for elsewhere in (b"", PLACE[:-1] + b"1", PLACE + b"\x00"):
        with pytest.raises(NoteNotOpened):
            open_sealed(BUYER, sealed, elsewhere)


def test_every_flipped_byte_is_refused() -> None:
    sealed = seal(BUYER.public, NOTE, PLACE)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(NoteNotOpened):
            open_sealed(BUYER, SealedNote(bytes(altered)), PLACE)


@given(st.binary(max_size=1200))
def test_any_bytes_are_refused_by_name(junk: bytes) -> None:
    with pytest.raises((SealedNoteLength, NoteNotOpened)):
        open_sealed(BUYER, SealedNote(junk), PLACE)


@pytest.mark.parametrize(
    "length", [0, 32, SEALED_OVERHEAD_BYTES, 303, 305, 64 * 256 + SEALED_OVERHEAD_BYTES + 256]
)
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(SealedNoteLength) as refused:
        check_sealed_length(bytes(length))
    assert refused.value.length == length
    assert refused.value.most == 64 * 256 + SEALED_OVERHEAD_BYTES


@pytest.mark.parametrize(
    "padded",
    [
        b"\x00\x00\x00\x01" + b"a" + bytes(250) + b"!",  # something hidden in the padding
        b"\x00\x00\x00\xfd" + bytes(252),  # a length that runs past the end
        b"\xff\xff\xff\xff" + bytes(252),
        bytes(512),  # a block too many
    ],
    ids=["hidden-channel", "past-the-end", "huge-length", "spare-block"],
)
def test_padding_that_sealing_never_writes_is_refused(padded: bytes) -> None:
    assert len(padded) % NOTE_BLOCK_BYTES == 0
    with pytest.raises(NotePaddingBroken) as refused:
        open_sealed(BUYER, seal_raw(padded, PLACE), PLACE)
    assert refused.value.length == len(padded)


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize("encoding", SMALL_ORDER_U, ids=bytes.hex)
def test_a_key_whose_secret_everybody_knows_is_refused(encoding: bytes) -> None:
    attempts = (
        lambda: check_view_key(encoding),
        lambda: check_scan_key(encoding),
        lambda: seal(ViewPublicKey(encoding), NOTE, PLACE),
        lambda: scan_secret_for_owner(BUYER, ScanKey(encoding), CONTEXT),
    )
    for attempt in attempts:
        with pytest.raises(ExchangeKeySmallOrder) as refused:
            attempt()
        assert refused.value.encoding == encoding


def test_a_second_encoding_of_a_key_is_refused() -> None:
    assert len(NOT_CANONICAL_U) == 20
    for encoding in NOT_CANONICAL_U:
        with pytest.raises(ExchangeKeyNotCanonical) as refused:
            check_view_key(encoding)
        assert refused.value.encoding == encoding


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    for make in (check_view_key, check_scan_key, ViewPrivateKey, EphemeralKey):
        with pytest.raises(ExchangeKeyLength) as refused:
            make(bytes(length))
        assert refused.value.length == length


@given(st.binary(max_size=40))
def test_any_bytes_are_a_key_or_a_named_refusal(junk: bytes) -> None:
    try:
        assert check_view_key(junk) == junk
    except LodelineError:
        return


# ------------------------------------------------------------------ scanning


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 15))
def test_sender_and_owner_agree(ephemeral: bytes, context: bytes, index: int) -> None:
    sender = EphemeralKey(ephemeral)
    ours = scan_secret_for_sender(sender, BUYER.public, context)
    theirs = scan_secret_for_owner(BUYER, sender.scan_key, context)
    place = OutputIndex(index)
    assert ours == theirs
    assert view_tag(ours, place) == view_tag(theirs, place)
    assert owner_seed(ours, place) == owner_seed(theirs, place)


def test_every_input_of_the_secret_changes_it() -> None:
    sender, other = EphemeralKey(bytes(range(32))), EphemeralKey(bytes(range(2, 34)))
    secrets = [
        scan_secret_for_sender(sender, BUYER.public, CONTEXT),
        scan_secret_for_sender(sender, BUYER.public, CONTEXT + b"\x00"),
        scan_secret_for_sender(sender, RIVAL.public, CONTEXT),
        scan_secret_for_sender(other, BUYER.public, CONTEXT),
    ]
    seeds = {owner_seed(secret, OutputIndex(n)) for secret in secrets for n in range(16)}
    assert len(seeds) == 4 * 16


def test_the_tag_gives_nothing_of_the_seed_away() -> None:
    secret = scan_secret_for_sender(EphemeralKey(bytes(range(32))), BUYER.public, CONTEXT)
    shown, seed = view_tag(secret, OutputIndex(0)), owner_seed(secret, OutputIndex(0))
    assert len(shown) == VIEW_TAG_BYTES
    assert seed[:VIEW_TAG_BYTES] != shown
    assert secret.reveal().hex() not in repr(secret)


def test_foreign_outputs_are_almost_never_opened() -> None:
    sender = EphemeralKey.generate(SystemEntropy())
    mine = scan_secret_for_owner(BUYER, sender.scan_key, CONTEXT)
    foreign = scan_secret_for_sender(sender, RIVAL.public, CONTEXT)
    places = [OutputIndex(index) for index in range(1000)]
    alike = sum(view_tag(mine, place) == view_tag(foreign, place) for place in places)
    assert alike <= 3  # expected 0.015; four or more have a chance below 10**-8
