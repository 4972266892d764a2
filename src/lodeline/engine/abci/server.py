"""The application's end of the socket: one thread a connection, answers in the order asked.

Life of a connection: CometBFT opens four of them (consensus, mempool, query, snapshot) and writes
requests without waiting for answers. Bytes are cut into messages as they arrive. Every request is
answered at once, except CheckTx: those are kept until something else is asked (CometBFT ends every
burst with a Flush), and then answered together, so that an application can verify them as a batch.
Answers leave when everything that arrived has been looked at.

An exception of the application ends everything: the engine gets it as `ResponseException`, the
traceback goes to standard error, all connections close and `AbciServer.failed` is set. Whatever
the state of the application is then, nobody builds on it; the process is expected to end.
A peer that speaks something else than ABCI loses its own connection only.
"""

import selectors
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Self

from google.protobuf.message import DecodeError

from lodeline.engine.abci.abci_pb2 import Request, RequestCheckTx, Response, ResponseException
from lodeline.engine.abci.address import UnixAddress, listen, parse_address
from lodeline.engine.abci.application import Application, answering
from lodeline.engine.abci.framing import FrameReader, frame
from lodeline.engine.abci.refusals import AbciMessageUnreadable, AbciRefused

__all__ = ["MAX_CHECKS_BYTES", "AbciServer"]

MAX_CHECKS_BYTES: Final = 32 * 1024 * 1024
"""Bytes of transactions at which a batch is handed to `check_txs` without waiting for its end."""

_RECEIVE_BYTES: Final = 256 * 1024


class AbciServer:
    """Serves one application from its construction until it is closed or the application fails."""

    def __init__(self, address: str, application: Application) -> None:
        """Listen.

        Raises:
            AbciAddressRefused: the address is not `unix://` or a `tcp://` loopback address.
            AbciAddressUnusable: the address is taken, or cannot be made.
        """
        where = parse_address(address)
        self._application = application
        self._lock = Lock()
        self._links: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._stopping = False
        self._listening = ExitStack()
        self._listener = self._listening.enter_context(listen(where))
        if isinstance(where, UnixAddress):
            self._listening.callback(where.path.unlink, missing_ok=True)
        self._wake, self._woken = socket.socketpair()
        self.address = str(where.bound(self._listener))
        """Where it listens, with the port that was chosen where 0 was asked for."""
        self.failed = Event()
        """Set when the application has raised; the process should end then."""
        self.failure: BaseException | None = None
        """What the application raised first."""
        self._accepting = Thread(target=self._accept, name="abci accept", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening, close the connections and wait for the answers being worked out.

        Must not be called by the application from inside one of its methods. A second time does
        nothing.
        """
        self._stop()
        self._accepting.join()
        while self._threads:
            self._threads.pop().join()
        self._wake.close()
        self._woken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        # Closed as soon as nobody accepts any more, so that those who wait in line see it.
        with (
            _Reporting(self._fail),
            self._listening,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while self._woken not in {key.fileobj for key, _ in selector.select()}:
                link, _ = self._listener.accept()
                self._serve(link)

    def _serve(self, link: socket.socket) -> None:
        thread = Thread(target=self._converse, args=(link,), name="abci connection", daemon=True)
        with self._lock:
            if self._stopping:
                link.close()
                return
            self._links.add(link)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _converse(self, link: socket.socket) -> None:
        with _Reporting(self._fail), link:
            try:
                _Conversation(self._application, link).hold()
            except ConnectionError:
                pass  # CometBFT is gone: nobody waits for the answers
            except AbciRefused as refusal:
                sys.stderr.write(f"abci connection refused: {refusal}\n")
            finally:
                with self._lock:
                    self._links.discard(link)

    def _fail(self, error: BaseException) -> None:
        """Say that the application is broken, and end every connection."""
        traceback.print_exception(error)
        with self._lock:
            self.failure = self.failure or error
        self._stop()
        self.failed.set()

    def _stop(self) -> None:
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            for link in self._links:
                with suppress(OSError):  # the peer was quicker
                    link.shutdown(socket.SHUT_RDWR)
        self._wake.send(b"\0")


class _Conversation:
    """One connection: what was asked and not yet answered, what was answered and not yet sent."""

    def __init__(self, application: Application, link: socket.socket) -> None:
        self._application = application
        self._link = link
        self._frames = FrameReader()
        self._checks: list[RequestCheckTx] = []
        self._checks_bytes = 0
        self._unsent: list[bytes] = []

    def hold(self) -> None:
        """Answer until the peer has nothing more to ask.

        Raises:
            AbciRefused: the peer speaks something else; it was told so.
            ConnectionError: the peer is gone.
            _Crashed: the application raised; the peer was told so.
        """
        while arrived := self._link.recv(_RECEIVE_BYTES):
            try:
                for message in self._frames.messages(arrived):
                    self._take(_decoded(message))
            except (AbciRefused, _Crashed) as end:
                self._say(Response(exception=ResponseException(error=str(end))))
                with suppress(ConnectionError):  # the reason to end stays the first one
                    self._send()
                raise
            self._send()

    def _take(self, request: Request) -> None:
        if request.WhichOneof("value") == "check_tx":
            self._checks.append(request.check_tx)
            self._checks_bytes += len(request.check_tx.tx)
            if self._checks_bytes >= MAX_CHECKS_BYTES:
                self._answer_checks()
            return
        if self._checks:
            self._answer_checks()
        method = answering(request)
        with _Guarded():
            response = method(self._application, request)
            self._say(response)

    def _answer_checks(self) -> None:
        checks, self._checks, self._checks_bytes = self._checks, [], 0
        with _Guarded():
            answers = self._application.check_txs(checks)
            for _, answer in zip(checks, answers, strict=True):
                self._say(Response(check_tx=answer))

    def _say(self, response: Response) -> None:
        self._unsent.append(frame(response.SerializeToString()))

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent:
            self._link.sendall(b"".join(unsent))


class _Crashed(Exception):
    """The application raised: apart from what the connection raises, whatever its class."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error


class _Guarded:
    """Marks what the application raises, so that it is never taken for a fault of the peer."""

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            raise _Crashed(error) from error


class _Reporting:
    """Reports what ends a thread; nothing that does so is left to the thread's own end."""

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is not None:
            self._report(error.error if isinstance(error, _Crashed) else error)
        return error is not None


def _decoded(message: bytes) -> Request:
    try:
        return Request.FromString(message)
    except DecodeError as error:
        raise AbciMessageUnreadable(len(message)) from error
