"""The transcript: every item, its label and its place change every challenge that follows."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.group import Scalar, encode_scalar, scalar_from_wide
from lodeline.crypto.labels import SUITE, Domain, Label
from lodeline.crypto.transcript import NonceSource, Transcript

items = st.lists(st.tuples(st.sampled_from(list(Label)), st.binary(max_size=40)), max_size=6)


class Stuck:
    """A random source that is broken and gives the same bytes for ever."""

    def __init__(self, byte: int = 0) -> None:
        self._byte = byte

    def bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count


def told(history: list[tuple[Label, bytes]], domain: Domain = Domain.TRANSFORM) -> Transcript:
    transcript = Transcript(domain)
    for label, data in history:
        transcript.absorb(label, data)
    return transcript


def written(value: Scalar) -> bytes:
    return encode_scalar(value)


def test_the_hash_is_that_of_the_frames_written_out_by_hand() -> None:
    """A second implementation needs nothing but this."""

    def frame(label: bytes, data: bytes) -> bytes:
        return len(label).to_bytes(2, "big") + label + len(data).to_bytes(8, "big") + data

    state = hashlib.blake2b(digest_size=64)
    state.update(frame(b"suite", SUITE) + frame(b"domain", b"claim") + frame(b"body", b"abc"))
    transcript = told([(Label.BODY, b"abc")], Domain.CLAIM)
    assert transcript.digest() == state.digest()
    state.update(frame(b"challenge-sigma", b""))
    first = state.digest()
    assert transcript.challenge(Label.SIGMA) == scalar_from_wide(first)
    state.update(first + frame(b"challenge-y", b""))
    assert transcript.challenge(Label.RANGE_Y) == scalar_from_wide(state.digest())


@given(items, items)
def test_two_histories_give_one_challenge_only_when_they_are_equal(
    first: list[tuple[Label, bytes]], second: list[tuple[Label, bytes]]
) -> None:
    one = told(first).challenge(Label.SIGMA)
    other = told(second).challenge(Label.SIGMA)
    assert (one == other) == (first == second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([(Label.BODY, b"ab"), (Label.BODY, b"c")], [(Label.BODY, b"a"), (Label.BODY, b"bc")]),
        ([(Label.BODY, b"ab")], [(Label.BODY, b"a"), (Label.BODY, b"b")]),
        ([(Label.BODY, b"")], []),
        ([(Label.BODY, b"a")], [(Label.OWNER, b"a")]),
        ([(Label.BODY, b"a"), (Label.OWNER, b"b")], [(Label.OWNER, b"b"), (Label.BODY, b"a")]),
        ([(Label.RANGE_A, b"1-x")], [(Label.RANGE_A1, b"-x")]),
        ([(Label.BODY, b"a" * 256)], [(Label.BODY, b"a" * 255), (Label.BODY, b"a")]),
    ],
)
def test_items_cannot_be_cut_joined_renamed_or_swapped(
    first: list[tuple[Label, bytes]], second: list[tuple[Label, bytes]]
) -> None:
    assert told(first).digest() != told(second).digest()
    assert told(first).challenge(Label.FOLD) != told(second).challenge(Label.FOLD)


def test_domains_never_share_a_challenge() -> None:
    found = {written(told([], domain).challenge(Label.SIGMA)) for domain in Domain}
    assert len(found) == len(Domain) == 7


def test_challenges_of_different_names_differ() -> None:
    found = {written(told([]).challenge(label)) for label in Label}
    assert len(found) == len(Label) > 20


def test_a_challenge_changes_what_follows() -> None:
    transcript = told([])
    first = transcript.challenge(Label.SIGMA)
    assert transcript.challenge(Label.SIGMA) != first
    plain = told([])
    assert plain.digest() != transcript.digest()


def test_the_digest_is_read_without_a_change() -> None:
    transcript = told([(Label.BODY, b"a")])
    assert transcript.digest() == transcript.digest()
    assert transcript.challenge(Label.FOLD) == told([(Label.BODY, b"a")]).challenge(Label.FOLD)


def test_no_two_labels_and_no_two_domains_have_one_name() -> None:
    """An alias would be silently the same member of the enumeration."""
    assert len({label.value for label in Label}) == len(Label.__members__)
    assert len({domain.value for domain in Domain}) == len(Domain.__members__)


def nonces(history: list[tuple[Label, bytes]], secret: bytes, byte: int) -> list[bytes]:
    source = NonceSource(told(history), secret, Stuck(byte))
    return [written(source.next()) for _ in range(3)]


def test_a_stuck_random_source_never_gives_two_proofs_one_nonce() -> None:
    """Two responses with one nonce and two challenges give the secret away by subtraction."""
    secret = b"k" * 32
    first = nonces([(Label.BODY, b"sale 1")], secret, 0)
    second = nonces([(Label.BODY, b"sale 2")], secret, 0)
    assert len({*first, *second}) == 6


def test_nonces_depend_on_the_secret_and_on_fresh_randomness() -> None:
    history = [(Label.BODY, b"sale")]
    found = [nonces(history, b"k" * 32, 0), nonces(history, b"l" * 32, 0)]
    found.append(nonces(history, b"k" * 32, 1))
    assert len({nonce for three in found for nonce in three}) == 9
    assert nonces(history, b"k" * 32, 0) == found[0]


def test_drawing_nonces_leaves_the_proof_s_transcript_alone() -> None:
    transcript = told([(Label.BODY, b"a")])
    before = transcript.digest()
    NonceSource(transcript, b"secret", Stuck()).next()
    assert transcript.digest() == before
