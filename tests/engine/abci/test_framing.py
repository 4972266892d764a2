"""Length-framed messages: cut anywhere, whole again; too long or senseless, refused in time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.engine.abci.framing import MAX_MESSAGE_BYTES, FrameReader, frame
from lodeline.engine.abci.refusals import (
    AbciFrameLengthUnreadable,
    AbciFrameTooLong,
    AbciRefused,
)


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Return the pieces of a stream between the cuts."""
    edges = sorted({0, len(stream), *(at % (len(stream) + 1) for at in cuts)})
    return [stream[one:two] for one, two in pairwise(edges)]


def read(pieces: list[bytes], limit: int = MAX_MESSAGE_BYTES) -> list[bytes]:
    reader = FrameReader(limit)
    return [message for piece in pieces for message in reader.messages(piece)]


@pytest.mark.property
@given(
    st.lists(st.binary(max_size=300), max_size=8),
    st.lists(st.integers(0, 3000), max_size=12),
)
def test_messages_cut_anywhere_come_out_whole(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(one) for one in messages)
    assert read(cut(stream, cuts)) == messages
    assert read([bytes([byte]) for byte in stream]) == messages


@pytest.mark.fuzz
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_garbage_gives_the_same_however_it_is_cut(garbage: bytes, cuts: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[bytes], type[AbciRefused] | None]:
        reader = FrameReader(limit=64)
        found: list[bytes] = []
        try:
            for piece in pieces:
                for message in reader.messages(piece):
                    found.append(message)  # noqa: PERF402 - what came before a refusal counts
        except AbciRefused as refusal:
            return found, type(refusal)
        return found, None

    whole, refusal = outcome([bytes([byte]) for byte in garbage])
    pieces, other = outcome(cut(garbage, cuts))
    assert refusal == other
    assert pieces == whole


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_lengths_at_the_edges_of_a_byte_more(length: int) -> None:
    message = b"x" * length
    assert read([frame(message), frame(b"next")]) == [message, b"next"]


def test_longest_message_passes_and_one_byte_more_does_not() -> None:
    longest = bytes(MAX_MESSAGE_BYTES)
    assert read([frame(longest)]) == [longest]
    with pytest.raises(AbciFrameTooLong) as caught:
        frame(longest + b"\0")
    assert caught.value.fields() == {"length": MAX_MESSAGE_BYTES + 1, "limit": MAX_MESSAGE_BYTES}


def test_a_length_over_the_limit_is_refused_before_its_message_arrives() -> None:
    with pytest.raises(AbciFrameTooLong) as caught:
        read([frame(b"x" * 11)[:1]], limit=10)
    assert caught.value.fields() == {"length": 11, "limit": 10}


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xff\xff\xff",  # no end within the four bytes that a length may have
        b"\x80\x80\x80\x80\x01",
        b"\x80\x00",  # zero, in two bytes
        b"\x85\x80\x00",  # five, in three bytes
    ],
)
def test_senseless_lengths_are_refused(head: bytes) -> None:
    with pytest.raises(AbciFrameLengthUnreadable) as caught:
        read([head])
    assert caught.value.found == head[:4]


def test_messages_before_the_fault_can_still_be_answered() -> None:
    arriving = FrameReader(limit=10).messages(frame(b"good") + b"\xff\xff\xff\xff")
    assert next(arriving) == b"good"
    with pytest.raises(AbciFrameLengthUnreadable):
        next(arriving)
