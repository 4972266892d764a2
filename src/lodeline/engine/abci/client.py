"""The engine's end of the socket: asks an application as CometBFT does, over four connections.

For tests and tools that drive applications without a network. An `AbciClient` has the methods of
an `Application`, so that what is written for the one also runs with the other in its place.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Final, Self

from google.protobuf.message import DecodeError

from lodeline.engine.abci.abci_pb2 import (
    Request,
    RequestApplySnapshotChunk,
    RequestCheckTx,
    RequestCommit,
    RequestEcho,
    RequestFinalizeBlock,
    RequestFlush,
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
    ResponseInfo,
    ResponseInitChain,
    ResponseListSnapshots,
    ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot,
    ResponsePrepareProposal,
    ResponseProcessProposal,
    ResponseQuery,
)
from lodeline.engine.abci.address import connect, parse_address
from lodeline.engine.abci.framing import FrameReader, frame
from lodeline.engine.abci.refusals import (
    AbciAnswerUnexpected,
    AbciApplicationFailed,
    AbciConnectionLost,
    AbciMessageUnreadable,
)

__all__ = ["AbciClient", "AbciConnection"]

DEFAULT_TIMEOUT_SECONDS: Final = 60.0
"""Seconds without a byte from the application after which it counts as gone."""

_BURST_BYTES: Final = 4 * 1024 * 1024
"""Bytes that are written before answers are read."""

_RECEIVE_BYTES: Final = 256 * 1024

_FLUSH: Final = frame(Request(flush=RequestFlush()).SerializeToString())


class AbciConnection:
    """One connection: requests are written in bursts that end with a Flush."""

    def __init__(self, address: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Connect.

        Raises:
            AbciAddressRefused: the address is not one of this machine.
            AbciAddressUnusable: nobody listens there.
        """
        self._address = address
        self._link = connect(parse_address(address), timeout_seconds)
        self._arriving = self._responses()

    def close(self) -> None:
        """Leave."""
        self._link.close()

    def ask(self, requests: Sequence[Request]) -> list[Response]:
        """Ask everything, then Flush, and return the answers in the order of the requests.

        Raises:
            AbciApplicationFailed: the application raised; nothing more can be asked.
            AbciAnswerUnexpected: an answer is not of the kind of its request.
            AbciConnectionLost: the application is gone, or silent for too long.
            AbciMessageUnreadable, AbciFrameTooLong, AbciFrameLengthUnreadable: it does not speak
                ABCI.
        """
        answers: list[Response] = []
        for burst in _bursts(requests):
            self._write(b"".join(frame(one.SerializeToString()) for one in burst) + _FLUSH)
            answers += [self._read(_kind(one)) for one in burst]
            self._read("flush")
        return answers

    def _write(self, data: bytes) -> None:
        try:
            self._link.sendall(data)
        except (ConnectionError, TimeoutError) as error:
            raise AbciConnectionLost(self._address) from error

    def _read(self, wanted: str) -> Response:
        response = next(self._arriving, None)
        if response is None:
            raise AbciConnectionLost(self._address)
        kind = response.WhichOneof("value")
        if kind == "exception":
            raise AbciApplicationFailed(response.exception.error)
        if kind != wanted:
            raise AbciAnswerUnexpected(wanted, kind)
        return response

    def _responses(self) -> Iterator[Response]:
        frames = FrameReader()
        while arrived := self._receive():
            for message in frames.messages(arrived):
                try:
                    yield Response.FromString(message)
                except DecodeError as error:
                    raise AbciMessageUnreadable(len(message)) from error

    def _receive(self) -> bytes:
        try:
            return self._link.recv(_RECEIVE_BYTES)
        except (ConnectionError, TimeoutError) as error:
            raise AbciConnectionLost(self._address) from error


class AbciClient:
    """Asks one application; methods raise what `AbciConnection.ask` raises."""

    def __init__(self, address: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Open the four connections.

        Raises:
            AbciAddressRefused: the address is not one of this machine.
            AbciAddressUnusable: nobody listens there.
        """
        with ExitStack() as opening:
            self.query_link, self.snapshot_link, self.mempool_link, self.consensus_link = (
                opening.enter_context(closing(AbciConnection(address, timeout_seconds)))
                for _ in range(4)
            )
            self._opened = opening.pop_all()

    def close(self) -> None:
        """Leave, as a consensus engine that stops."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def echo(self, request: RequestEcho) -> ResponseEcho:
        """Have a message said back by the server itself."""
        return _one(self.query_link, Request(echo=request)).echo

    def info(self, request: RequestInfo) -> ResponseInfo:
        """Ask which block is durable."""
        return _one(self.query_link, Request(info=request)).info

    def query(self, request: RequestQuery) -> ResponseQuery:
        """Ask about the state."""
        return _one(self.query_link, Request(query=request)).query

    def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
        """Offer transactions in one burst."""
        answers = self.mempool_link.ask([Request(check_tx=one) for one in requests])
        return [one.check_tx for one in answers]

    def init_chain(self, request: RequestInitChain) -> ResponseInitChain:
        """Start the chain."""
        return _one(self.consensus_link, Request(init_chain=request)).init_chain

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        """Ask for a proposal."""
        return _one(self.consensus_link, Request(prepare_proposal=request)).prepare_proposal

    def process_proposal(self, request: RequestProcessProposal) -> ResponseProcessProposal:
        """Ask whether a proposal may stand."""
        return _one(self.consensus_link, Request(process_proposal=request)).process_proposal

    def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        """Have a decided block executed."""
        return _one(self.consensus_link, Request(finalize_block=request)).finalize_block

    def commit(self, request: RequestCommit) -> ResponseCommit:
        """Have the executed block made durable."""
        return _one(self.consensus_link, Request(commit=request)).commit

    def list_snapshots(self, request: RequestListSnapshots) -> ResponseListSnapshots:
        """Ask for snapshots."""
        return _one(self.snapshot_link, Request(list_snapshots=request)).list_snapshots

    def offer_snapshot(self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot:
        """Offer a snapshot to restore."""
        return _one(self.snapshot_link, Request(offer_snapshot=request)).offer_snapshot

    def load_snapshot_chunk(self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk:
        """Ask for a part of a snapshot."""
        return _one(self.snapshot_link, Request(load_snapshot_chunk=request)).load_snapshot_chunk

    def apply_snapshot_chunk(
        self, request: RequestApplySnapshotChunk
    ) -> ResponseApplySnapshotChunk:
        """Give a part of the snapshot being restored."""
        return _one(self.snapshot_link, Request(apply_snapshot_chunk=request)).apply_snapshot_chunk


def _one(link: AbciConnection, request: Request) -> Response:
    return link.ask([request])[0]


def _kind(request: Request) -> str:
    return request.WhichOneof("value") or ""


def _bursts(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Cut so that the application, which may answer early, never waits for us to read."""
    burst: list[Request] = []
    held = 0
    for request in requests:
        burst.append(request)
        held += request.ByteSize()
        if held >= _BURST_BYTES:
            yield burst
            burst, held = [], 0
    if burst:
        yield burst
