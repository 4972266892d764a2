"""From a request to its answer: who asks, what may be asked, what form the answer has.

1 the address is not too long, its sender not too fast; 2 the address has that method; 3 whoever
asks is known and may do it; 4 the versions and forms asked for can be had; 5 the body is of a type
and size that is taken; 6 the handler answers. Nothing of a body is read before 1 to 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lodeline.kernel.errors import LodelineError
from lodeline.node.access.authenticating import LOCAL
from lodeline.node.access.callers import Caller
from lodeline.node.access.guessing import Source, source_of
from lodeline.node.access.refusals import PasswordsBusy, TooManyAttempts
from lodeline.web.asking import Asked, Outsider
from lodeline.web.limiting import Buckets
from lodeline.web.negotiation import Media, check_versions, chosen_media, media_type
from lodeline.web.operations import Open, Operation
from lodeline.web.problems import standard_name
from lodeline.web.refusals import (
    BodyTooLarge,
    EncodingRefused,
    MediaTypeRefused,
    MethodRefused,
    NulInAddress,
    RequestTooFast,
    UriTooLong,
)
from lodeline.web.routing import values_of
from lodeline.web.service import Service
from lodeline.web.streams import StreamsTooMany

__all__ = ["CALLER", "Desk", "PathAnswers", "refusal_headers"]

CALLER: Final = "lodeline.caller"
"""Where a scope has the name of whoever asked, for the log."""

_NUL: Final = b"%00"
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Desk:
    """What all addresses share: the service, its threads, and how often somebody may ask."""

    def __init__(self, service: Service) -> None:
        self.service: Final = service
        self._threads = CapacityLimiter(service.settings.threads)
        self._by_source = Buckets(service.settings.rate)
        self._by_caller = Buckets(service.settings.rate)

    def admit(self, request: HTTPConnection) -> Source:
        """Return where a request comes from, if it may be looked at.

        Raises:
            UriTooLong, NulInAddress, RequestTooFast: it may not.
        """
        address = (request.scope.get("raw_path") or b"", request.scope["query_string"])
        size = sum(map(len, address))
        if size > self.service.settings.max_uri_bytes:
            raise UriTooLong(size, self.service.settings.max_uri_bytes)
        if any(_NUL in part for part in address):
            raise NulInAddress
        source = LOCAL if request.client is None else source_of(request.client.host)
        self._by_source.take(source)
        return source

    def caller(self, request: Request, source: Source, operation: Operation) -> Caller:
        """Return who asks, if they may do this.

        Raises:
            SecurityException: they may not, or are not known.
            RequestTooFast: they ask too often.
        """
        caller = self.service.access.authenticate(request.headers, source)
        request.scope[CALLER] = caller.user
        self._by_caller.take(f"{caller.tenant.number} {caller.user}")
        if operation.scope is not None:
            caller.require(operation.scope)
        return caller

    async def in_thread(self, work: partial[T]) -> T:
        """Do a piece of work in one of the threads and return its result."""
        return await to_thread.run_sync(work, limiter=self._threads)


class PathAnswers:
    """Answers at one path, by method."""

    def __init__(self, desk: Desk, operations: Sequence[Operation | Open]) -> None:
        self._desk = desk
        self._operations = {operation.method: operation for operation in operations}

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that are answered."""
        methods = set(self._operations)
        return tuple(sorted(methods | {"HEAD"} if "GET" in methods else methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing to whoever went away before it was whole."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        source = self._desk.admit(request)
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations.get(method)
        if operation is None:
            raise MethodRefused(request.method[:16], self.allowed)
        if isinstance(operation, Open):
            return await self._desk.in_thread(partial(self._open, request, operation))
        if not operation.takes:
            return await self._desk.in_thread(partial(self._whole, request, source, operation))
        asked = await self._desk.in_thread(partial(self._asked, request, source, operation))
        media = media_type(request.headers.get("content-type", ""))
        if media not in operation.takes:
            raise MediaTypeRefused(media[:64], operation.takes)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", ""):
            raise EncodingRefused(encoding[:64])
        body = await _bounded(request, self._most(operation))
        return await self._desk.in_thread(partial(_with_body, operation, asked, body))

    def _most(self, operation: Operation) -> int:
        return min(operation.max_body, self._desk.service.settings.capture.bytes)

    def _open(self, request: Request, operation: Open) -> Response:
        media = Media("")
        if operation.gives:
            media = chosen_media(request.headers.get("accept"), operation.gives)
        values = values_of(request.scope)
        return operation.handler(Outsider(self._desk.service, request, values, media))

    def _whole(self, request: Request, source: Source, operation: Operation) -> Response:
        return operation.handler(self._asked(request, source, operation))

    def _asked(self, request: Request, source: Source, operation: Operation) -> Asked:
        caller = self._desk.caller(request, source, operation)
        check_versions(request.headers)
        media = chosen_media(request.headers.get("accept"), operation.gives)
        return Asked(self._desk.service, request, values_of(request.scope), media, caller)


def _with_body(operation: Operation, asked: Asked, body: bytes) -> Response:
    return operation.handler(
        Asked(asked.service, asked.request, asked.values, asked.media, asked.caller, body)
    )


async def _bounded(request: Request, most: int) -> bytes:
    """Read a body, and no more of it than it may have, whatever its head says."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > most:
        raise BodyTooLarge(most)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise BodyTooLarge(most)
    return bytes(body)


def refusal_headers(refusal: LodelineError, service: Service) -> dict[str, str]:
    """Return the headers that tell a program what to do about a refusal."""
    _, status = standard_name(type(refusal))
    if isinstance(refusal, MethodRefused):
        return {"Allow": ", ".join(refusal.allowed)}
    if isinstance(refusal, (RequestTooFast, StreamsTooMany, TooManyAttempts, PasswordsBusy)):
        return {"Retry-After": str(refusal.seconds)}
    if isinstance(refusal, EncodingRefused):
        return {"Accept-Encoding": "identity"}
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="lodeline", Basic realm="lodeline"'}
    if status == 413:
        limits = service.settings.capture
        return {
            "GS1-EPCIS-Capture-Limit": str(limits.events),
            "GS1-EPCIS-Capture-File-Size-Limit": str(limits.bytes),
        }
    return {"Retry-After": "5"} if status == 503 else {}
