"""The application's end of the socket: order, batches, crashes that show, peers that lie."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, active_count
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.abci.counter import BAD, Counter

from lodeline.engine.abci import server as served
from lodeline.engine.abci.abci_pb2 import (
    Request,
    RequestApplySnapshotChunk,
    RequestCheckTx,
    RequestCommit,
    RequestEcho,
    RequestExtendVote,
    RequestFinalizeBlock,
    RequestFlush,
    RequestInfo,
    RequestListSnapshots,
    RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
    RequestPrepareProposal,
    RequestProcessProposal,
    RequestQuery,
    RequestVerifyVoteExtension,
    Response,
    ResponseCheckTx,
    ResponseCommit,
    ResponseException,
    ResponseInfo,
    ResponseOfferSnapshot,
    ResponseProcessProposal,
    Snapshot,
)
from lodeline.engine.abci.address import connect, parse_address
from lodeline.engine.abci.client import AbciClient, AbciConnection
from lodeline.engine.abci.framing import MAX_MESSAGE_BYTES, FrameReader, frame
from lodeline.engine.abci.refusals import (
    AbciAddressUnusable,
    AbciAnswerUnexpected,
    AbciApplicationFailed,
    AbciConnectionLost,
    AbciFrameLengthUnreadable,
    AbciFrameTooLong,
    AbciMessageUnreadable,
    AbciRequestUnexpected,
)
from lodeline.engine.abci.server import AbciServer

SECONDS = 30.0


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def server(tmp_path: Path, counter: Counter) -> Iterator[AbciServer]:
    with AbciServer(f"unix://{tmp_path}/app.sock", counter) as running:
        yield running


@pytest.fixture
def client(server: AbciServer) -> Iterator[AbciClient]:
    with AbciClient(server.address, SECONDS) as connected:
        yield connected


@pytest.fixture
def link(server: AbciServer) -> Iterator[socket.socket]:
    with connect(parse_address(server.address), SECONDS) as raw:
        yield raw


def packed(*requests: Request) -> bytes:
    return b"".join(frame(one.SerializeToString()) for one in requests)


def check(tx: bytes) -> Request:
    return Request(check_tx=RequestCheckTx(tx=tx))


def echo(text: str) -> Request:
    return Request(echo=RequestEcho(message=text))


FLUSH = Request(flush=RequestFlush())


def answers(link: socket.socket, count: int) -> list[Response]:
    """Read so many answers, or fewer when the application leaves first."""
    reader = FrameReader()
    found: list[Response] = []
    while len(found) < count and (arrived := link.recv(1 << 16)):
        found += map(Response.FromString, reader.messages(arrived))
    return found


def kinds(found: Sequence[Response]) -> list[str | None]:
    return [one.WhichOneof("value") for one in found]


def test_every_request_reaches_its_method(client: AbciClient, counter: Counter) -> None:
    assert client.echo(RequestEcho(message="hello")).message == "hello"
    assert client.info(RequestInfo(version="0.38.25")).data == "0.38.25"
    prepared = client.prepare_proposal(RequestPrepareProposal(txs=[b"a", BAD, b"c"]))
    assert list(prepared.txs) == [b"a", b"c"]
    judged = client.process_proposal(RequestProcessProposal(txs=[b"a", BAD]))
    assert judged.status == ResponseProcessProposal.REJECT
    finalized = client.finalize_block(RequestFinalizeBlock(txs=[b"a", BAD], height=1))
    assert [one.code for one in finalized.tx_results] == [0, 1]
    client.commit(RequestCommit())
    assert client.query(RequestQuery(data=b"key")).value == b"1"
    assert client.query(RequestQuery(data=b"key")).key == b"key"
    assert client.list_snapshots(RequestListSnapshots()).snapshots[0].height == 1
    offered = client.offer_snapshot(RequestOfferSnapshot(snapshot=Snapshot(height=1)))
    assert offered.result == ResponseOfferSnapshot.REJECT_FORMAT
    assert client.load_snapshot_chunk(RequestLoadSnapshotChunk(chunk=3)).chunk == b"3"
    applied = client.apply_snapshot_chunk(RequestApplySnapshotChunk(index=5))
    assert list(applied.refetch_chunks) == [5]
    assert counter.called == [
        "prepare_proposal",
        "process_proposal",
        "finalize_block",
        "commit",
        "list_snapshots",
        "offer_snapshot",
        "load_snapshot_chunk",
        "apply_snapshot_chunk",
    ]


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.binary(max_size=20) | st.text(max_size=20), max_size=30))
def test_answers_come_in_the_order_asked(server: AbciServer, asked: list[bytes | str]) -> None:
    requests = [check(one) if isinstance(one, bytes) else echo(one) for one in asked]
    with connect(parse_address(server.address), SECONDS) as link:
        link.sendall(packed(*requests, FLUSH))
        found = answers(link, len(requests) + 1)
    said = [
        one.check_tx.data if one.WhichOneof("value") == "check_tx" else one.echo.message
        for one in found[:-1]
    ]
    assert said == asked
    assert kinds(found)[-1] == "flush"


def test_checks_up_to_something_else_come_together(link: socket.socket, counter: Counter) -> None:
    three, two = [check(b"%d" % at) for at in range(3)], [check(b"x"), check(BAD)]
    link.sendall(packed(*three, echo("between"), *two, FLUSH, check(b"y"), FLUSH))
    found = answers(link, 9)
    assert kinds(found) == [
        *["check_tx"] * 3,
        "echo",
        *["check_tx"] * 2,
        "flush",
        "check_tx",
        "flush",
    ]
    assert [one.check_tx.code for one in found if one.HasField("check_tx")] == [0, 0, 0, 0, 1, 0]
    assert counter.batches == [3, 2, 1]


def test_checks_that_arrive_in_pieces_wait_for_their_flush(
    link: socket.socket, counter: Counter
) -> None:
    for at in range(3):
        link.sendall(packed(check(b"%d" % at)))
    link.sendall(packed(FLUSH))
    assert kinds(answers(link, 4)) == ["check_tx", "check_tx", "check_tx", "flush"]
    assert counter.batches == [3]


def test_a_burst_without_end_does_not_fill_the_memory(
    link: socket.socket, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "MAX_CHECKS_BYTES", 250)
    link.sendall(packed(*(check(b"%100d" % at) for at in range(7))))
    assert kinds(answers(link, 6)) == ["check_tx"] * 6
    assert counter.batches == [3, 3]


def test_connections_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A long block must not keep a member from asking."""
    entered, leave = Event(), Event()

    class Slow(Counter):
        def commit(self, request: RequestCommit) -> ResponseCommit:
            entered.set()
            assert leave.wait(SECONDS)
            return super().commit(request)

    with (
        AbciServer(f"unix://{tmp_path}/app.sock", Slow()) as server,
        connect(parse_address(server.address), SECONDS) as consensus,
        AbciClient(server.address, SECONDS) as client,
    ):
        consensus.sendall(packed(Request(commit=RequestCommit())))
        assert entered.wait(SECONDS)
        assert client.check_txs([RequestCheckTx(tx=b"a")])[0].code == 0
        assert client.query(RequestQuery()).value == b"0"
        leave.set()
        assert kinds(answers(consensus, 1)) == ["commit"]


class Broken(Counter):
    """Raises what a disk that is full, or a peer that is gone, raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def info(self, request: RequestInfo) -> ResponseInfo:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "no space left"),
        ConnectionResetError("of the application's own, not of this connection"),
        AbciRequestUnexpected("of the application's own"),
        KeyError("lot"),
    ],
)
def test_a_crash_of_the_application_shows(
    tmp_path: Path, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        AbciServer(f"unix://{tmp_path}/app.sock", Broken(error)) as server,
        AbciClient(server.address, SECONDS) as client,
    ):
        with pytest.raises(AbciApplicationFailed) as caught:
            client.info(RequestInfo())
        assert caught.value.error == f"{type(error).__name__}: {error}"
        assert server.failed.wait(SECONDS)
        assert server.failure is error
        with pytest.raises(AbciConnectionLost):  # the other connections end with it
            client.commit(RequestCommit())
    assert f"{type(error).__name__}" in capsys.readouterr().err
    with pytest.raises(AbciAddressUnusable):
        AbciConnection(server.address, SECONDS)


def test_answers_before_a_crash_are_still_sent(tmp_path: Path) -> None:
    with (
        AbciServer(f"unix://{tmp_path}/app.sock", Broken(KeyError("lot"))) as server,
        connect(parse_address(server.address), SECONDS) as link,
    ):
        link.sendall(packed(echo("before"), Request(info=RequestInfo()), echo("after")))
        assert kinds(answers(link, 3)) == ["echo", "exception"]


def test_an_answer_too_few_is_a_crash(tmp_path: Path) -> None:
    class Forgetful(Counter):
        def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
            return super().check_txs(requests)[1:]

    with (
        AbciServer(f"unix://{tmp_path}/app.sock", Forgetful()) as server,
        AbciClient(server.address, SECONDS) as client,
    ):
        with pytest.raises(AbciApplicationFailed):
            client.check_txs([RequestCheckTx(tx=b"a"), RequestCheckTx(tx=b"b")])
        assert server.failed.wait(SECONDS)
        assert isinstance(server.failure, ValueError)


TOO_LONG = bytes([0x81, 0x80, 0x80, 0x20])
"""The length of a message of one byte more than the limit."""


@pytest.mark.parametrize(
    ("garbage", "refusal"),
    [
        (TOO_LONG, AbciFrameTooLong(MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES)),
        (b"\xff" * 4, AbciFrameLengthUnreadable(b"\xff" * 4)),
        (frame(b"\xff"), AbciMessageUnreadable(1)),
        (frame(b""), AbciRequestUnexpected(None)),
        (packed(Request(extend_vote=RequestExtendVote())), AbciRequestUnexpected("extend_vote")),
        (
            packed(Request(verify_vote_extension=RequestVerifyVoteExtension())),
            AbciRequestUnexpected("verify_vote_extension"),
        ),
        (frame(b"\x22\x00"), AbciRequestUnexpected(None)),  # set_option of earlier versions
    ],
)
def test_garbage_ends_its_own_connection_only(
    server: AbciServer,
    client: AbciClient,
    link: socket.socket,
    garbage: bytes,
    refusal: Exception,
) -> None:
    link.sendall(packed(echo("before")) + garbage)
    found = answers(link, 3)
    assert kinds(found) == ["echo", "exception"]
    assert found[1].exception.error == str(refusal)
    assert client.info(RequestInfo(version="still here")).data == "still here"
    assert not server.failed.is_set()


@pytest.mark.fuzz
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=60))
def test_no_garbage_makes_the_server_fail(server: AbciServer, garbage: bytes) -> None:
    with connect(parse_address(server.address), SECONDS) as link:
        link.sendall(garbage)
        link.shutdown(socket.SHUT_WR)
        while link.recv(1 << 16):
            pass
    assert not server.failed.is_set()


def test_a_peer_that_leaves_without_reading_harms_nobody(
    server: AbciServer, client: AbciClient
) -> None:
    for _ in range(20):
        with connect(parse_address(server.address), SECONDS) as link:
            link.sendall(packed(*(echo("x" * 1000) for _ in range(100))))
    assert client.echo(RequestEcho(message="hello")).message == "hello"
    assert not server.failed.is_set()


def test_closing_leaves_no_thread_and_no_socket(tmp_path: Path) -> None:
    before = active_count()
    server = AbciServer(f"unix://{tmp_path}/app.sock", Counter())
    with AbciClient(server.address, SECONDS) as client:
        client.info(RequestInfo())
        server.close()
        with pytest.raises(AbciConnectionLost):
            client.info(RequestInfo())
    server.close()
    assert active_count() == before
    assert not (tmp_path / "app.sock").exists()


def test_a_second_application_does_not_take_the_address(server: AbciServer) -> None:
    with pytest.raises(AbciAddressUnusable):
        AbciServer(server.address, Counter())
    with AbciClient(server.address, SECONDS) as client:
        assert client.info(RequestInfo(version="first")).data == "first"


def test_a_port_of_the_loopback_serves_as_well() -> None:
    with (
        AbciServer("tcp://127.0.0.1:0", Counter()) as server,
        AbciClient(server.address, SECONDS) as client,
    ):
        assert not server.address.endswith(":0")
        assert client.info(RequestInfo(version="tcp")).data == "tcp"


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Response(exception=ResponseException(error="no")), AbciApplicationFailed("no")),
        (Response(commit=ResponseCommit()), AbciAnswerUnexpected("info", "commit")),
        (Response(), AbciAnswerUnexpected("info", None)),
        (b"\xff", AbciMessageUnreadable(1)),
        (None, AbciConnectionLost("")),
    ],
)
def test_the_client_refuses_an_application_that_answers_something_else(
    tmp_path: Path, said: Response | bytes | None, refusal: Exception
) -> None:
    path = str(tmp_path / "liar.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        link = AbciConnection(f"unix://{path}", SECONDS)
        with listener.accept()[0] as liar:
            if said is not None:
                data = said if isinstance(said, bytes) else said.SerializeToString()
                liar.sendall(frame(data))
            liar.shutdown(socket.SHUT_WR)
            with pytest.raises(type(refusal)) as caught:
                link.ask([Request(info=RequestInfo())])
        link.close()
    if isinstance(refusal, AbciConnectionLost):
        refusal = AbciConnectionLost(f"unix://{path}")
    assert str(caught.value) == str(refusal)


def test_a_silent_application_counts_as_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "silent.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        link = AbciConnection(f"unix://{path}", 0.05)
        with pytest.raises(AbciConnectionLost):
            link.ask([echo("hello?")])
        link.close()


def test_large_bursts_do_not_lock_up(client: AbciClient, counter: Counter) -> None:
    """Both ends write more than the socket holds."""
    asked = [RequestCheckTx(tx=b"%1000d" % at) for at in range(20_000)]
    started = perf_counter()
    found = client.check_txs(asked)
    assert perf_counter() - started < SECONDS
    assert [one.data for one in found] == [one.tx for one in asked]
    assert len(counter.batches) < 20
