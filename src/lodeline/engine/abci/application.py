"""What an application answers to a consensus engine: one typed method for each request."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from lodeline.engine.abci.abci_pb2 import (
    Request,
    RequestApplySnapshotChunk,
    RequestCheckTx,
    RequestCommit,
    RequestFinalizeBlock,
    RequestInfo,
    RequestInitChain,
    RequestListSnapshots,
    RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
    RequestPrepareProposal,
    RequestProcessProposal,
    RequestQuery,
    Response,
    ResponseApplySnapshotChunk,
    ResponseCheckTx,
    ResponseCommit,
    ResponseEcho,
    ResponseFinalizeBlock,
    ResponseFlush,
    ResponseInfo,
    ResponseInitChain,
    ResponseListSnapshots,
    ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot,
    ResponsePrepareProposal,
    ResponseProcessProposal,
    ResponseQuery,
)
from lodeline.engine.abci.refusals import AbciRequestUnexpected

__all__ = ["Answering", "Application", "answering"]


class Application(Protocol):
    """A deterministic state machine behind ABCI 2.0 (CometBFT v0.38), vote extensions off.

    CometBFT holds four connections, each served by a thread of its own, so methods of different
    groups below run at the same time; those of one group never do. The application does its own
    locking. Whatever a method raises is a crash: the connections close and the consensus engine
    stops. A refusal is said in the answer.
    """

    # Consensus: one call after another, in the order of the blocks.

    def init_chain(self, request: RequestInitChain) -> ResponseInitChain:
        """Start from the founding, before the first block."""
        ...

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        """Choose what the next block holds; need not be deterministic."""
        ...

    def process_proposal(self, request: RequestProcessProposal) -> ResponseProcessProposal:
        """Say whether a proposed block may stand; deterministic."""
        ...

    def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        """Execute a decided block without keeping anything; deterministic."""
        ...

    def commit(self, request: RequestCommit) -> ResponseCommit:
        """Make the block just executed durable."""
        ...

    # Mempool.

    def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
        """Say of each transaction whether it is worth keeping: one answer each, in order.

        All that were waiting on the connection come together, at least one.
        """
        ...

    # Info and queries.

    def info(self, request: RequestInfo) -> ResponseInfo:
        """Say which block is durable, and its application hash."""
        ...

    def query(self, request: RequestQuery) -> ResponseQuery:
        """Answer a question about the state."""
        ...

    # Snapshots.

    def list_snapshots(self, request: RequestListSnapshots) -> ResponseListSnapshots:
        """Name the snapshots that others may have."""
        ...

    def offer_snapshot(self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot:
        """Say whether to restore this snapshot."""
        ...

    def load_snapshot_chunk(self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk:
        """Give a part of an own snapshot."""
        ...

    def apply_snapshot_chunk(
        self, request: RequestApplySnapshotChunk
    ) -> ResponseApplySnapshotChunk:
        """Take the next part of the snapshot being restored."""
        ...


Answering = Callable[[Application, Request], Response]
"""Hands the one part of a request that is filled to the method that answers it."""

_ANSWERING: Final[Mapping[str, Answering]] = {
    "echo": lambda _, r: Response(echo=ResponseEcho(message=r.echo.message)),
    "flush": lambda _, __: Response(flush=ResponseFlush()),
    "info": lambda a, r: Response(info=a.info(r.info)),
    "init_chain": lambda a, r: Response(init_chain=a.init_chain(r.init_chain)),
    "query": lambda a, r: Response(query=a.query(r.query)),
    "commit": lambda a, r: Response(commit=a.commit(r.commit)),
    "list_snapshots": lambda a, r: Response(list_snapshots=a.list_snapshots(r.list_snapshots)),
    "offer_snapshot": lambda a, r: Response(offer_snapshot=a.offer_snapshot(r.offer_snapshot)),
    "load_snapshot_chunk": lambda a, r: Response(
        load_snapshot_chunk=a.load_snapshot_chunk(r.load_snapshot_chunk)
    ),
    "apply_snapshot_chunk": lambda a, r: Response(
        apply_snapshot_chunk=a.apply_snapshot_chunk(r.apply_snapshot_chunk)
    ),
    "prepare_proposal": lambda a, r: Response(
        prepare_proposal=a.prepare_proposal(r.prepare_proposal)
    ),
    "process_proposal": lambda a, r: Response(
        process_proposal=a.process_proposal(r.process_proposal)
    ),
    "finalize_block": lambda a, r: Response(finalize_block=a.finalize_block(r.finalize_block)),
}


def answering(request: Request) -> Answering:
    """Return what answers a request of any kind but CheckTx, which is taken in batches.

    Raises:
        AbciRequestUnexpected: it is empty, of another version, or about vote extensions.
    """
    kind = request.WhichOneof("value")
    found = _ANSWERING.get(kind or "")
    if found is None:
        raise AbciRequestUnexpected(kind)
    return found
