"""A validator's ledger as a stream of bytes: what a newcomer starts from, the same from everybody.

The stream is a sequence of records: kind (1 byte), length (4, big-endian), bytes. First the blocks,
then the leaves, then the parts of the state (`ledger.snapshot`), each in order. It is cut every
4,000,000 bytes; a header lists the hash of each piece. Hashes are of the pieces before compression,
since not every version of a compressor writes the same.

The application hash does not cover every value of the state (`ledger.snapshot` says which), so a
snapshot is believed by its digest: the hash of the header, signed by enough validators.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec

from lodeline.crypto.signatures import SignatureContext, SigningKey, sign, verify
from lodeline.engine.consortium.refusals_snapshots import SnapshotMalformed
from lodeline.engine.store import Block, Height, StoredPart
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborError, WrongShape
from lodeline.kernel.ids import (
    SIGNATURE_BYTES,
    ChainIdW,
    Hash32,
    Hash32W,
    MemberIdW,
    MemberKey,
    SignatureBytes,
    SignatureW,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import LeafIndex, TreeSize

__all__ = [
    "FORMAT",
    "MOST_PIECES",
    "PIECE_BYTES",
    "SnapshotHeader",
    "SnapshotStatement",
    "pack_piece",
    "pieces",
    "read_header",
    "read_records",
    "read_statement",
    "records",
    "sign_statement",
    "unpack_piece",
    "verify_statement",
]

FORMAT: Final = 1
PIECE_BYTES: Final = 4_000_000
MOST_PIECES: Final = 50_000
_HEADER_BYTES: Final = 3_000_000
_LEVEL: Final = 1
"""Hashes, keys and signatures do not get shorter by trying harder; only names and forms do."""
_BLOCK, _LEAF, _PART = b"b", b"l", b"p"
_HEADER_DOMAIN: Final = b"lodeline/v1/snapshot\0"
_STATEMENT_DOMAIN: Final = b"lodeline/v1/snapshot-statement\0"
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = 1 + _LENGTH_BYTES

Height_ = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Size = Annotated[int, msgspec.Meta(ge=1, le=2**62)]


class SnapshotHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot is of, and the hash of each piece."""

    format: Annotated[int, msgspec.Meta(ge=1, le=1)]
    height: Height_
    """Block of the consensus engine after which it was made."""
    size: Size
    """Entries in the log."""
    application_hash: Hash32W
    pieces: Annotated[tuple[Hash32W, ...], msgspec.Meta(min_length=1, max_length=MOST_PIECES)]

    def encode(self) -> bytes:
        """Return the bytes that travel and are hashed."""
        return cbor.encode_struct(self)

    @property
    def digest(self) -> Hash32:
        """Return the hash that names the snapshot."""
        return Hash32(hashlib.sha256(_HEADER_DOMAIN + self.encode()).digest())


def read_header(data: bytes) -> SnapshotHeader:
    """Read a header.

    Raises:
        SnapshotMalformed: it is none.
    """
    try:
        return cbor.decode_struct(data, SnapshotHeader, max_bytes=_HEADER_BYTES)
    except (CborError, WrongShape) as refused:
        raise SnapshotMalformed(refused.code) from refused


# ------------------------------------------------------------------ statements


class SnapshotStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a validator says of its latest snapshot, signed with its checkpoint key."""

    chain: ChainIdW
    member: MemberIdW
    height: Height_
    size: Size
    application_hash: Hash32W
    digest: Hash32W
    signature: SignatureW

    def encode(self) -> bytes:
        """Return the bytes that travel."""
        return cbor.encode_struct(self)

    @property
    def signed(self) -> bytes:
        """Return what the signature is over: everything else."""
        said = (self.chain, self.member, self.height, self.size, self.application_hash, self.digest)
        return hashlib.sha256(_STATEMENT_DOMAIN + cbor.encode(said)).digest()


def sign_statement(
    header: SnapshotHeader, chain: ChainIdW, member: MemberIdW, key: SigningKey
) -> SnapshotStatement:
    """Return a validator's statement about a snapshot that it has made itself."""
    said = SnapshotStatement(
        chain,
        member,
        header.height,
        header.size,
        header.application_hash,
        header.digest,
        SignatureBytes(bytes(SIGNATURE_BYTES)),
    )
    return msgspec.structs.replace(
        said, signature=sign(key, SignatureContext.SNAPSHOT, said.signed)
    )


def read_statement(data: bytes) -> SnapshotStatement:
    """Read a statement; not checked: its signature.

    Raises:
        SnapshotMalformed: it is none.
    """
    try:
        return cbor.decode_struct(data, SnapshotStatement, max_bytes=1_024)
    except (CborError, WrongShape) as refused:
        raise SnapshotMalformed(refused.code) from refused


def verify_statement(statement: SnapshotStatement, key: MemberKey) -> None:
    """Check the signature of a statement with the checkpoint key of the validator that it names.

    Not checked: whose key it is, and that the snapshot is what it says; the caller counts how many
    validators say the same.

    Raises:
        SignatureInvalid, …: as `crypto.signatures.verify`.
    """
    verify(key, SignatureContext.SNAPSHOT, statement.signed, statement.signature)


# ------------------------------------------------------------------ the stream


def records(
    blocks: Iterable[Block], leaves: Iterable[bytes], parts: Iterable[StoredPart]
) -> Iterator[bytes]:
    """Yield the stream of a ledger, record by record."""
    for block in blocks:
        yield _record(_BLOCK, _block_bytes(block))
    for leaf in leaves:
        yield _record(_LEAF, leaf)
    for part in parts:
        yield _record(_PART, part.first.to_bytes(8) + part.size.to_bytes(8) + part.part)


def _record(kind: bytes, data: bytes) -> bytes:
    return b"".join((kind, len(data).to_bytes(_LENGTH_BYTES), data))


def _block_bytes(block: Block) -> bytes:
    numbers = (block.height, block.first, block.size, block.time)
    return b"".join(number.to_bytes(8) for number in numbers) + block.log_root + block.state_root


_BLOCK_BYTES: Final = 4 * 8 + 2 * 32


def pieces(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into pieces of `PIECE_BYTES`; the last one may be shorter."""
    held = bytearray()
    for data in stream:
        held += data
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)


def pack_piece(piece: bytes) -> bytes:
    """Return a piece as it travels."""
    return zlib.compress(piece, _LEVEL)


def unpack_piece(data: bytes, expected: Hash32) -> bytes:
    """Return a piece once its hash is the one that the header lists.

    Raises:
        SnapshotMalformed: it does not unpack, is longer than a piece, or hashes differently.
    """
    unpacking = zlib.decompressobj()
    try:
        piece = unpacking.decompress(data, PIECE_BYTES + 1)
    except zlib.error as refused:
        raise SnapshotMalformed(str(refused)) from refused
    if hashlib.sha256(piece).digest() != expected:
        raise SnapshotMalformed("a piece is not the one that its header lists")
    return piece


Record = Block | bytes | StoredPart
"""A block, a leaf, or a part of the state."""


def read_records(stream: Iterable[bytes]) -> Iterator[Record]:
    """Yield what a stream holds; not checked: order, and what any of it is worth.

    Raises:
        SnapshotMalformed: it is cut off, or has another kind of record.
    """
    held = bytearray()
    for data in stream:
        held += data
        at = 0
        while (end := _end(held, at)) is not None:
            yield _parsed(bytes(held[at : at + 1]), bytes(held[at + _HEAD_BYTES : end]))
            at = end
        del held[:at]
    if held:
        raise SnapshotMalformed("it is cut off")


def _end(held: bytearray, at: int) -> int | None:
    """Return where the record at a place ends, or nothing while it is not all there."""
    if len(held) < at + _HEAD_BYTES:
        return None
    end = at + _HEAD_BYTES + int.from_bytes(held[at + 1 : at + _HEAD_BYTES])
    return end if end <= len(held) else None


def _parsed(kind: bytes, data: bytes) -> Record:
    if kind == _LEAF:
        return data
    if kind == _PART and len(data) >= 16:
        first, size = (int.from_bytes(data[at : at + 8]) for at in (0, 8))
        return StoredPart.of(LeafIndex(first), TreeSize(size), data[16:])
    if kind == _BLOCK and len(data) == _BLOCK_BYTES:
        height, first, size, time = (int.from_bytes(data[at : at + 8]) for at in range(0, 32, 8))
        log, state = Hash32(data[32:64]), Hash32(data[64:])
        return Block(Height(height), LeafIndex(first), TreeSize(size), BlockTime(time), log, state)
    raise SnapshotMalformed("a record of another kind")
