"""Snapshots between validators: offered, fetched piece by piece, restored or refused by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from lodeline.engine.abci.abci_pb2 import (
    RequestApplySnapshotChunk,
    RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
    ResponseApplySnapshotChunk,
    ResponseListSnapshots,
    ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot,
    Snapshot,
)
from lodeline.engine.consortium.founding import Founding
from lodeline.engine.consortium.refusals_snapshots import SnapshotMalformed, SnapshotNotEmpty
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.snapshot_format import FORMAT, read_records
from lodeline.engine.consortium.snapshots import Incoming, Snapshots
from lodeline.engine.store import ConsensusHeight, Position
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.merkle import TreeSize

__all__ = ["SnapshotDesk"]

T = TypeVar("T")

_Offered = ResponseOfferSnapshot.Result
_Applied = ResponseApplySnapshotChunk.Result


class SnapshotDesk:
    """Answers the consensus engine about snapshots; its calls come one after another."""

    def __init__(
        self,
        snapshots: Snapshots,
        founding: Founding,
        incoming: Path,
        listed: frozenset[Hash32],
    ) -> None:
        """Give own snapshots from one place, and take others' in at another.

        ``listed`` are the digests that may be restored.
        """
        self._snapshots = snapshots
        self._founding = founding
        self._folder = incoming
        self._listed = listed
        self._incoming: Incoming | None = None

    def after_block(self, replica: Replica, before: TreeSize) -> None:
        """Begin a snapshot where one is due after a block; ``before`` is the log's size before."""
        self._snapshots.after_block(replica, before)

    def needed_from(self) -> int:
        """Return the first block that a newcomer with one of the snapshots needs; 0 for all.

        Without a snapshot it replays the chain from its first block.
        """
        return self._snapshots.oldest() or 0

    # ------------------------------------------------------------------ giving

    def list(self) -> ResponseListSnapshots:
        """Name the snapshots that are there."""
        return ResponseListSnapshots(
            snapshots=[
                Snapshot(
                    height=header.height,
                    format=FORMAT,
                    chunks=len(header.pieces),
                    hash=header.digest,
                    metadata=header.encode(),
                )
                for header in self._snapshots.headers()
            ]
        )

    def load(self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk:
        """Give a piece, or nothing where there is none."""
        piece = self._snapshots.piece(request.height, request.chunk)
        return ResponseLoadSnapshotChunk(chunk=piece or b"")

    # ------------------------------------------------------------------ taking in

    def offer(self, replica: Replica, request: RequestOfferSnapshot) -> ResponseOfferSnapshot:
        """Say whether to restore a snapshot: only one that was vouched for."""
        offered = request.snapshot
        if offered.format != FORMAT:
            return ResponseOfferSnapshot(result=_Offered.REJECT_FORMAT)
        position = Position(ConsensusHeight(offered.height), Hash32(request.app_hash))
        try:
            if replica.size:
                raise SnapshotNotEmpty(replica.size)
            incoming = Incoming.accepted(self._folder, offered.metadata, position, self._listed)
        except SnapshotNotEmpty as refused:
            return _said(refused, ResponseOfferSnapshot(result=_Offered.ABORT))
        except LodelineError as refused:
            return _said(refused, ResponseOfferSnapshot(result=_Offered.REJECT))
        if offered.hash != incoming.header.digest or offered.chunks != len(incoming.header.pieces):
            return ResponseOfferSnapshot(result=_Offered.REJECT)
        self._incoming = incoming
        return ResponseOfferSnapshot(result=_Offered.ACCEPT)

    def apply(
        self, replica: Replica, request: RequestApplySnapshotChunk
    ) -> ResponseApplySnapshotChunk:
        """Take a piece; with the last one the ledger is restored, or left empty."""
        incoming = self._incoming
        if incoming is None:
            return ResponseApplySnapshotChunk(result=_Applied.ABORT)
        try:
            if not incoming.take(request.index, request.chunk):
                return ResponseApplySnapshotChunk(result=_Applied.ACCEPT)
        except SnapshotMalformed as refused:
            again = ResponseApplySnapshotChunk(
                result=_Applied.RETRY,
                refetch_chunks=[request.index],
                reject_senders=[request.sender],
            )
            return _said(refused, again)
        self._incoming = None
        try:
            replica.restore(read_records(incoming.stream()), incoming.header, self._founding)
        except LodelineError as refused:
            return _said(refused, ResponseApplySnapshotChunk(result=_Applied.REJECT_SNAPSHOT))
        finally:
            incoming.discard()
        return ResponseApplySnapshotChunk(result=_Applied.ACCEPT)


def _said(refusal: LodelineError, answer: T) -> T:
    """Tell the operator what the answer has no room for."""
    sys.stderr.write(f"snapshot refused: {refusal}\n")
    return answer
