"""One message after another in a stream of bytes: the length, then the message.

The length is an unsigned LEB128 number (a varint of Protocol Buffers, without the zigzag of
earlier ABCI versions) in its shortest form. It is looked at before a byte of the message is kept,
so that four bytes of garbage cannot make the process take gigabytes.
"""

from collections.abc import Iterator
from typing import Final

from lodeline.engine.abci.refusals import AbciFrameLengthUnreadable, AbciFrameTooLong

__all__ = ["MAX_MESSAGE_BYTES", "FrameReader", "frame"]

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of the longest message; CometBFT's own chunks of a snapshot end at 16 MiB."""

_LENGTH_BYTES: Final = 4
"""Bytes of the longest length: 28 bits, more than the limit needs."""

_MORE: Final = 0x80


def frame(message: bytes) -> bytes:
    """Return a message with its length before it.

    Raises:
        AbciFrameTooLong: it is longer than `MAX_MESSAGE_BYTES`.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise AbciFrameTooLong(len(message), MAX_MESSAGE_BYTES)
    head = bytearray()
    rest = len(message)
    while rest >= _MORE:
        head.append(rest % _MORE | _MORE)
        rest //= _MORE
    head.append(rest)
    return bytes(head) + message


class FrameReader:
    """Cuts what arrives, in pieces of any size, into complete messages."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        """Start with nothing; `limit` is the length in bytes that a message may have."""
        self._limit = limit
        self._buffer = bytearray()

    def messages(self, arrived: bytes) -> Iterator[bytes]:
        """Take what arrived and return, one by one, the messages that are complete.

        A refusal comes after the messages before it, so that these can be answered first. Whoever
        met one must not use the reader any more: nobody knows where the next message begins. Nor
        may the reader be given more before the iterator has ended.

        Raises:
            AbciFrameTooLong: a message announces more than the limit (while iterating).
            AbciFrameLengthUnreadable: a length has no end, or is not in its shortest form.
        """
        self._buffer += arrived
        return self._complete()

    def _complete(self) -> Iterator[bytes]:
        start = 0
        buffer = self._buffer
        while (head := self._head(start)) is not None:
            length, begin = head
            if len(buffer) < begin + length:
                break
            start = begin + length
            yield bytes(buffer[begin:start])
        del buffer[:start]

    def _head(self, start: int) -> tuple[int, int] | None:
        """Length of the message at `start` and where it begins; None if that has not arrived."""
        length = 0
        found = self._buffer[start : start + _LENGTH_BYTES]
        for count, byte in enumerate(found):
            length |= byte % _MORE << 7 * count
            if byte < _MORE:
                if byte == 0 and count > 0:
                    raise AbciFrameLengthUnreadable(bytes(found[: count + 1]))
                if length > self._limit:
                    raise AbciFrameTooLong(length, self._limit)
                return length, start + count + 1
        if len(found) == _LENGTH_BYTES:
            raise AbciFrameLengthUnreadable(bytes(found))
        return None
