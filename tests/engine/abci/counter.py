"""The smallest application: counts the transactions that it accepts."""

from collections.abc import Sequence
from hashlib import sha256
from threading import Condition

from lodeline.engine.abci.abci_pb2 import (
    ExecTxResult,
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
    ResponseApplySnapshotChunk,
    ResponseCheckTx,
    ResponseCommit,
    ResponseFinalizeBlock,
    ResponseInfo,
    ResponseInitChain,
    ResponseListSnapshots,
    ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot,
    ResponsePrepareProposal,
    ResponseProcessProposal,
    ResponseQuery,
    Snapshot,
)

BAD = b"bad"
"""What a refused transaction begins with."""


class Counter:
    """Accepts whatever does not begin with `BAD`; its state is how many it has accepted."""

    def __init__(self) -> None:
        self.height = 0
        self.count = 0
        self.batches: list[int] = []
        """How many transactions came in each call of `check_txs`."""
        self.called: list[str] = []
        """The consensus and snapshot methods, in the order of their calls."""
        self.changed = Condition()
        """Notified after each commit."""
        self._next = (0, 0)

    @property
    def app_hash(self) -> bytes:
        return sha256(b"counted %d" % self.count).digest()

    def wait(self, *, height: int = 0, count: int = 0, seconds: float = 60) -> bool:
        """Wait until this height, and so many accepted transactions, are durable."""
        with self.changed:
            return self.changed.wait_for(
                lambda: self.height >= height and self.count >= count, seconds
            )

    def info(self, request: RequestInfo) -> ResponseInfo:
        hash_ = self.app_hash if self.height else b""
        return ResponseInfo(
            data=request.version, last_block_height=self.height, last_block_app_hash=hash_
        )

    def init_chain(self, request: RequestInitChain) -> ResponseInitChain:
        self.called.append("init_chain")
        return ResponseInitChain(app_hash=self.app_hash)

    def query(self, request: RequestQuery) -> ResponseQuery:
        return ResponseQuery(key=request.data, value=b"%d" % self.count, height=self.height)

    def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
        answers = [ResponseCheckTx(code=code_of(one.tx), data=one.tx) for one in requests]
        self.batches.append(len(requests))
        return answers

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        self.called.append("prepare_proposal")
        return ResponsePrepareProposal(txs=[tx for tx in request.txs if code_of(tx) == 0])

    def process_proposal(self, request: RequestProcessProposal) -> ResponseProcessProposal:
        self.called.append("process_proposal")
        good = all(code_of(tx) == 0 for tx in request.txs)
        return ResponseProcessProposal(
            status=ResponseProcessProposal.ACCEPT if good else ResponseProcessProposal.REJECT
        )

    def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        self.called.append("finalize_block")
        results = [ExecTxResult(code=code_of(tx)) for tx in request.txs]
        count = self.count + sum(result.code == 0 for result in results)
        self._next = (request.height, count)
        return ResponseFinalizeBlock(
            tx_results=results, app_hash=sha256(b"counted %d" % count).digest()
        )

    def commit(self, request: RequestCommit) -> ResponseCommit:
        with self.changed:
            self.called.append("commit")
            self.height, self.count = self._next
            self.changed.notify_all()
        return ResponseCommit()

    def list_snapshots(self, request: RequestListSnapshots) -> ResponseListSnapshots:
        self.called.append("list_snapshots")
        return ResponseListSnapshots(snapshots=[Snapshot(height=self.height, chunks=1)])

    def offer_snapshot(self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot:
        self.called.append("offer_snapshot")
        return ResponseOfferSnapshot(result=ResponseOfferSnapshot.REJECT_FORMAT)

    def load_snapshot_chunk(self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk:
        self.called.append("load_snapshot_chunk")
        return ResponseLoadSnapshotChunk(chunk=b"%d" % request.chunk)

    def apply_snapshot_chunk(
        self, request: RequestApplySnapshotChunk
    ) -> ResponseApplySnapshotChunk:
        self.called.append("apply_snapshot_chunk")
        return ResponseApplySnapshotChunk(
            result=ResponseApplySnapshotChunk.RETRY, refetch_chunks=[request.index]
        )


def code_of(tx: bytes) -> int:
    """Return 1 for a transaction that is refused, else 0."""
    return 1 if tx.startswith(BAD) else 0
