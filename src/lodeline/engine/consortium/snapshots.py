"""The snapshots of a validator: made beside consensus, kept for newcomers, taken in by one.

    HOME/snapshots/<height>/header.cbor, statement.cbor, 00000.z, 00001.z, …

When the log passes a multiple of ``snapshot_entries`` at the end of a block, the ledger as it then
is gets written by a thread of its own: from a connection that sees the file as of that block, and
the newest part of the state, which is taken along at once. A folder appears under its name only
when everything in it is there. The last two are kept.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.refusals_snapshots import (
    SnapshotDiffers,
    SnapshotMalformed,
    SnapshotNotListed,
)
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.snapshot_format import (
    FORMAT,
    SnapshotHeader,
    pack_piece,
    pieces,
    read_header,
    records,
    sign_statement,
    unpack_piece,
)
from lodeline.engine.store import FIRST, Position, Store, StoredPart
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.ledger.merkle import LeafIndex, TreeSize

__all__ = ["KEPT", "Incoming", "SnapshotSigner", "Snapshots"]

KEPT: Final = 2
"""Snapshots that are kept: one may be being fetched while the next is made."""
_HEADER: Final = "header.cbor"
_STATEMENT: Final = "statement.cbor"
_MAKING: Final = ".making"


@dataclass(frozen=True)
class SnapshotSigner:
    """Who says what a snapshot is: a validator, with its checkpoint key."""

    chain: ChainId
    member: MemberId
    key: SigningKey


class Snapshots:
    """The folder of a validator's snapshots."""

    def __init__(self, folder: Path, entries: int, signer: SnapshotSigner) -> None:
        """Take a folder over; a snapshot that was not finished is thrown away."""
        self._folder = folder
        self._entries = entries
        self._signer = signer
        self._making: Thread | None = None
        self.failure: OSError | LodelineError | None = None
        """Why the last snapshot that was due could not be made."""
        self._lock = Lock()
        folder.mkdir(exist_ok=True)
        shutil.rmtree(folder / _MAKING, ignore_errors=True)

    # ------------------------------------------------------------------ making

    def after_block(self, replica: Replica, before: TreeSize) -> None:
        """Begin a snapshot where the last block is one to make it after; the caller has the turn.

        ``before`` is the size of the log before the block. While one is being made, none is begun.
        """
        if replica.size // self._entries == before // self._entries:
            return
        if self._making is not None and self._making.is_alive():
            return
        begin, tail = replica.tail()
        with ExitStack() as stack:
            store = Store(replica.path, writable=False)
            stack.callback(store.close)
            stack.enter_context(store.snapshot())
            job = _Job(store, stack.pop_all(), replica.position, replica.size, begin, tail)
        self._making = Thread(target=self._try, args=(job,), name="snapshot", daemon=True)
        self._making.start()

    def wait(self) -> None:
        """Wait until the snapshot that is being made is there."""
        if self._making is not None:
            self._making.join()

    def _try(self, job: _Job) -> None:
        """Make a snapshot; where the disk refuses there is none, and the next block goes on."""
        try:
            self._make(job)
            self.failure = None
        except (OSError, LodelineError) as refused:
            self.failure = refused
            sys.stderr.write(f"no snapshot of {job.size} entries: {refused}\n")

    def _make(self, job: _Job) -> None:
        making = self._folder / _MAKING
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        with job.opened:
            hashes = []
            for number, piece in enumerate(pieces(job.stream())):
                hashes.append(Hash32(hashlib.sha256(piece).digest()))
                _piece(making, number).write_bytes(pack_piece(piece))
        header = SnapshotHeader(
            FORMAT, job.position.height, job.size, job.position.application_hash, tuple(hashes)
        )
        said = sign_statement(header, self._signer.chain, self._signer.member, self._signer.key)
        (making / _HEADER).write_bytes(header.encode())
        (making / _STATEMENT).write_bytes(said.encode())
        with self._lock:
            place = self._folder / str(header.height)
            shutil.rmtree(place, ignore_errors=True)
            making.rename(place)
            for old in self._heights()[:-KEPT]:
                shutil.rmtree(self._folder / str(old))

    # ------------------------------------------------------------------ giving

    def _heights(self) -> list[int]:
        return sorted(int(place.name) for place in self._folder.iterdir() if place.name.isdigit())

    def oldest(self) -> int | None:
        """Return the height of the oldest snapshot, or nothing while there is none."""
        with self._lock:
            return next(iter(self._heights()), None)

    def headers(self) -> list[SnapshotHeader]:
        """Return the snapshots that are there, the oldest first."""
        with self._lock:
            return [
                read_header((self._folder / str(height) / _HEADER).read_bytes())
                for height in self._heights()
            ]

    def statement(self) -> bytes | None:
        """Return the signed statement of the latest snapshot, or nothing while there is none."""
        with self._lock:
            heights = self._heights()
            if not heights:
                return None
            return (self._folder / str(heights[-1]) / _STATEMENT).read_bytes()

    def piece(self, height: int, number: int) -> bytes | None:
        """Return a piece as it travels, or nothing where there is no such piece."""
        with self._lock:
            path = _piece(self._folder / str(height), number)
            return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True)
class _Job:
    """What a snapshot is made of, seen as of one block."""

    store: Store
    opened: ExitStack
    """Closes the store."""
    position: Position
    size: TreeSize
    begin: LeafIndex
    """Where the newest parts of the state begin, which take the place of the stored ones."""
    tail: tuple[StoredPart, ...]

    def stream(self) -> Iterator[bytes]:
        """Yield the records."""
        return records(self.store.blocks(), self.store.leaves(FIRST, self.size), self._parts())

    def _parts(self) -> Iterator[StoredPart]:
        for part in self.store.parts():
            if part.first < self.begin:
                yield part
        yield from self.tail


def _piece(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.z"


# ------------------------------------------------------------------ taking in


class Incoming:
    """A snapshot that is being fetched: pieces are kept on the disk once their hash fits."""

    def __init__(self, folder: Path, header: SnapshotHeader) -> None:
        """Begin to fetch; what an earlier attempt left is thrown away."""
        self.header = header
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    @classmethod
    def accepted(
        cls, folder: Path, metadata: bytes, offered: Position, listed: frozenset[Hash32]
    ) -> Incoming:
        """Begin to fetch a snapshot that may be restored.

        ``offered`` is what the consensus engine says of it; its light client has verified the
        application hash of that height.

        Raises:
            SnapshotMalformed: the metadata is no header.
            SnapshotNotListed: nobody vouched for it.
            SnapshotDiffers: it is of another height or application hash than it is offered as.
        """
        header = read_header(metadata)
        if header.digest not in listed:
            raise SnapshotNotListed(header.digest)
        for what, expected, got in (
            ("height", str(offered.height), str(header.height)),
            ("application hash", offered.application_hash.hex(), header.application_hash.hex()),
        ):
            if expected != got:
                raise SnapshotDiffers(what, expected, got)
        return cls(folder, header)

    def take(self, number: int, data: bytes) -> bool:
        """Keep a piece; return whether it is the last one.

        Raises:
            SnapshotMalformed: it is not the piece that the header lists.
        """
        hashes = self.header.pieces
        if not 0 <= number < len(hashes):
            raise SnapshotMalformed("a piece that the header does not list")
        unpack_piece(data, hashes[number])
        _piece(self._folder, number).write_bytes(data)
        return all(_piece(self._folder, index).is_file() for index in range(len(hashes)))

    def stream(self) -> Iterator[bytes]:
        """Yield the pieces in their order, each compared with its hash again."""
        for number, expected in enumerate(self.header.pieces):
            yield unpack_piece(_piece(self._folder, number).read_bytes(), expected)

    def discard(self) -> None:
        """Remove what was fetched."""
        shutil.rmtree(self._folder, ignore_errors=True)
