"""What is noted of every request: a number, how long it took, and how it ended.

The log says which route was taken, never the path or the query, which hold identifiers of a
company's goods, and never a header, which may hold a secret.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lodeline.web.answering import CALLER
from lodeline.web.metrics import Metrics
from lodeline.web.routing import TEMPLATE

__all__ = ["Watching", "request_number"]

_NUMBER: Final = "lodeline.request"
_log: Final = logging.getLogger("lodeline.web.access")


def request_number(scope: Scope) -> str:
    """Return the number of a request, as the log has it."""
    return str(scope.get(_NUMBER, ""))


class Watching:
    """Numbers requests, adds the headers of every answer, and notes how it went."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_NUMBER] = secrets.token_hex(8)
        started = time.monotonic_ns()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = scope[_NUMBER]
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            with self._metrics.under_way.track_inprogress():
                await self._app(scope, receive, noted)
        finally:
            self._note(scope, status, time.monotonic_ns() - started)

    def _note(self, scope: Scope, status: int, nanoseconds: int) -> None:
        route = scope.get(TEMPLATE, "none")
        self._metrics.note(scope["method"], route, status, nanoseconds)
        _log.info(
            "answered",
            extra={
                "request": scope[_NUMBER],
                "method": scope["method"][:16],
                "route": route,
                "status": status,
                "microseconds": nanoseconds // 1_000,
                "caller": scope.get(CALLER),
            },
        )
