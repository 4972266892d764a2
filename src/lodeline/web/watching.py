"""What is noted of every request: a number, how long it took, and how it ended.

The log says which route was taken, never the path or the query, which hold identifiers of a
company's goods, and never a header, which may hold a secret.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lodeline.web.answering import CALLER
from lodeline.web.metrics import Metrics
from lodeline.web.routing import TEMPLATE
from lodeline.web.telemetry import Outcome, Traces

__all__ = ["Watching", "request_number"]

_NUMBER: Final = "lodeline.request"
_log: Final = logging.getLogger("lodeline.web.access")


def request_number(scope: Scope) -> str:
    """Return the number of a request, as the log has it."""
    return str(scope.get(_NUMBER, ""))


class Watching:
    """Numbers requests, adds the headers of every answer, and notes how it went."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_NUMBER] = secrets.token_hex(8)
        started = time.monotonic_ns()
        with (
            self._metrics.under_way.track_inprogress(),
            self._traces.request(scope["method"][:16], Headers(scope=scope)) as outcome,
        ):
            try:
                await self._app(scope, receive, _Noting(scope, send, outcome))
            finally:
                outcome.route = scope.get(TEMPLATE, "none")
                self._note(scope, outcome, time.monotonic_ns() - started)

    def _note(self, scope: Scope, outcome: Outcome, nanoseconds: int) -> None:
        self._metrics.note(scope["method"], outcome.route, outcome.status, nanoseconds)
        _log.info(
            "answered",
            extra={
                "request": scope[_NUMBER],
                "method": scope["method"][:16],
                "route": outcome.route,
                "status": outcome.status,
                "microseconds": nanoseconds // 1_000,
                "caller": scope.get(CALLER),
            },
        )


class _Noting:
    """Adds the headers of every answer, and notes its status."""

    def __init__(self, scope: Scope, send: Send, outcome: Outcome) -> None:
        self._number = str(scope[_NUMBER])
        self._send = send
        self._outcome = outcome

    async def __call__(self, message: Message) -> None:
        """Hand on one message of an answer."""
        if message["type"] == "http.response.start":
            self._outcome.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._number
            headers["X-Content-Type-Options"] = "nosniff"
        await self._send(message)
