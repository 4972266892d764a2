"""A validator's voting key in a program of its own, whose clock is wrong.

CometBFT can leave voting to another program that it talks to over a socket (CometBFT 0.38,
spec/core/data_structures and proto/tendermint/privval). It takes over the time that this program
puts into a vote. A wrong clock cannot be given to CometBFT itself without changing the machine's:
so its votes are given the time that such a clock would have put there, which is all that the other
validators ever see of it.

Messages are read and written as protobuf's wire format (encoding.md of Protocol Buffers); only what
is needed of them. This signer keeps no record of what it signed: it is for trials alone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.abci.framing import FrameReader, frame
from lodeline.kernel.errors import LodelineError

__all__ = ["Field", "SkewedSigner", "fields", "message", "voting_key"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST: Final = 65_536
_RETRY_SECONDS: Final = 0.1
_PUBLIC_KEY, _VOTE, _PROPOSAL, _PING = 1, 3, 5, 7
"""Requests among the fields of privval's `Message`; an answer is the field after its request."""
_NIL: Final = b""

Field = tuple[int, int, int | bytes]
"""Number, wire type, value."""


class MessageUnreadable(LodelineError):
    """Bytes that are no message of the signer's protocol."""

    found: bytes

    code = "signer-message-unreadable"
    en = "the consensus engine sent its signer something that cannot be read: {found}"
    fr = "le moteur de consensus a envoyé à son signataire un message illisible : {found}"
    advice_en = "use the version of CometBFT that the trial is made for"
    advice_fr = "utilisez la version de CometBFT pour laquelle l'essai est fait"


# ------------------------------------------------------------------ protobuf


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are ten bytes of two's complement
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(items: Iterable[Field]) -> bytes:
    """Return fields as a message, in their order."""
    out = bytearray()
    for number, wire, value in items:
        out += _varint(number << 3 | wire)
        if isinstance(value, bytes):
            out += (_varint(len(value)) if wire == _BYTES else b"") + value
        else:
            out += _varint(value)
    return bytes(out)


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a message.

    Raises:
        MessageUnreadable: it breaks off, or has a wire type that is none.
    """
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _read_varint(data, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            length, at = _read_varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise MessageUnreadable(data[:64])
        if at + length > len(data):
            raise MessageUnreadable(data[:64])
        yield number, wire, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
    raise MessageUnreadable(data[:64])


def _bytes(found: dict[int, int | bytes], number: int) -> bytes:
    value = found.get(number, b"")
    return value if isinstance(value, bytes) else b""


def _number(found: dict[int, int | bytes], number: int) -> int:
    value = found.get(number, 0)
    return value if isinstance(value, int) else 0


def _values(data: bytes) -> dict[int, int | bytes]:
    return {number: value for number, _, value in fields(data)}


# ------------------------------------------------------------------ what is signed


def _canonical(found: dict[int, int | bytes], rest: Iterable[Field]) -> bytes:
    """Return type, height and round as CometBFT signs them, with what follows."""
    head: list[Field] = [(1, _VARINT, _number(found, 1))]
    for number in (2, 3):
        value = _number(found, number)
        if value:
            head.append((number, _FIXED64, value.to_bytes(8, "little")))
    return frame(message([*head, *rest]))


def _block(found: dict[int, int | bytes], number: int) -> list[tuple[int, bytes]]:
    """Return the id of the block where there is one: a vote for nothing has none."""
    data = _bytes(found, number)
    return [(number, data)] if _bytes(_values(data), 1) else []


def _later(timestamp: bytes, seconds: int) -> bytes:
    found = _values(timestamp)
    items: list[Field] = [(1, _VARINT, _number(found, 1) + seconds)]
    if _number(found, 2):
        items.append((2, _VARINT, _number(found, 2)))
    return message(items)


class _Private(msgspec.Struct, frozen=True):
    value: bytes
    """Seed and public half, one after the other."""


class _KeyFile(msgspec.Struct, frozen=True):
    priv_key: _Private


def voting_key(path: Path) -> SigningKey:
    """Return the key of a ``priv_validator_key.json``.

    Raises:
        OSError, msgspec.DecodeError: there is none.
    """
    return SigningKey(msgspec.json.decode(path.read_bytes(), type=_KeyFile).priv_key.value[:32])


class SkewedSigner:
    """Signs for one validator from a thread of its own; its clock is ahead by some seconds."""

    def __init__(self, address: Path, key: SigningKey, seconds: int) -> None:
        """Name the socket at which the consensus engine listens for it; it may come later."""
        self._address = address
        self._key = key
        self._seconds = seconds
        self.votes = 0
        """Votes that were given a time ahead."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="skewed signer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        """Be there for the consensus engine whenever it is."""
        while not self._end.wait(_RETRY_SECONDS):
            try:
                with socket.socket(socket.AF_UNIX) as link:
                    link.connect(str(self._address))
                    link.settimeout(_RETRY_SECONDS)
                    self._serve(link)
            except OSError:
                continue

    def _serve(self, link: socket.socket) -> None:
        reader = FrameReader(_MOST)
        while not self._end.is_set():
            try:
                arrived = link.recv(_MOST)
            except TimeoutError:
                continue
            if not arrived:
                return
            for request in reader.messages(arrived):
                link.sendall(frame(self.answer(request)))

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request of the consensus engine.

        Raises:
            MessageUnreadable: it is none that is known.
        """
        for kind, _, value in fields(request):
            if isinstance(value, bytes) and kind in (_PUBLIC_KEY, _VOTE, _PROPOSAL, _PING):
                return message([(kind + 1, _BYTES, self._answered(kind, value))])
        raise MessageUnreadable(request[:64])

    def _answered(self, kind: int, value: bytes) -> bytes:
        found = _values(value)
        if kind == _PUBLIC_KEY:
            return message([(1, _BYTES, message([(1, _BYTES, bytes(self._key.public))]))])
        if kind == _PING:
            return _NIL
        sign = self._vote if kind == _VOTE else self._proposal
        return message([(1, _BYTES, sign(_bytes(found, 1), _bytes(found, 2)))])

    def _vote(self, vote: bytes, chain: bytes) -> bytes:
        found = _values(vote)
        time = _later(_bytes(found, 5), self._seconds)
        self.votes += 1
        rest: list[Field] = [(number, _BYTES, data) for number, data in _block(found, 4)]
        signed = _canonical(found, [*rest, (5, _BYTES, time), (6, _BYTES, chain)])
        return self._signed(vote, {5: time, 8: bytes(self._key.sign_frame(signed))})

    def _proposal(self, proposal: bytes, chain: bytes) -> bytes:
        """Sign a proposal as it is: its time is used for nothing."""
        found = _values(proposal)
        rest: list[Field] = []
        if _number(found, 4):
            rest.append((4, _VARINT, _number(found, 4)))
        rest += [(number, _BYTES, data) for number, data in _block(found, 5)]
        rest += [(6, _BYTES, _bytes(found, 6)), (7, _BYTES, chain)]
        signed = self._key.sign_frame(_canonical(found, rest))
        return self._signed(proposal, {7: bytes(signed)})

    def _signed(self, data: bytes, changed: dict[int, bytes]) -> bytes:
        kept = [item for item in fields(data) if item[0] not in changed]
        added: list[Field] = [(number, _BYTES, value) for number, value in changed.items()]
        return message(sorted([*kept, *added], key=lambda item: item[0]))
