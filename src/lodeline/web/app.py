"""The ASGI application of a node: routes, refusals as problems, and what watches over them.

app = build(Service(store, Access(store)))
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from lodeline.kernel.errors import LodelineError
from lodeline.web import (
    administering,
    board,
    capturing,
    collections,
    deciding,
    events,
    following,
    lineage,
    naming,
    overseeing,
    pushing,
    resolving,
    settling,
    sheets,
    signing,
    states,
    subscribing,
)
from lodeline.web.answering import Desk, PathAnswers, refusal_headers
from lodeline.web.discovery import with_discovery
from lodeline.web.metrics import Metrics
from lodeline.web.negotiation import preferred_language
from lodeline.web.operating import operating
from lodeline.web.operations import Open, Operation, by_path
from lodeline.web.problems import problem_response, standard_name
from lodeline.web.refusals import NodeBroken, NodeUnready, PathUnknown
from lodeline.web.routing import SegmentRoute
from lodeline.web.service import Service
from lodeline.web.watching import Watching, request_number

__all__ = ["OPERATIONS", "build"]

OPERATIONS: Final[Sequence[Operation | Open]] = (
    *with_discovery(
        (
            *collections.OPERATIONS,
            *capturing.OPERATIONS,
            *events.OPERATIONS,
            *states.OPERATIONS,
            *deciding.OPERATIONS,
            *settling.OPERATIONS,
            *sheets.OPERATIONS,
            *naming.OPERATIONS,
            *subscribing.OPERATIONS,
            *administering.OPERATIONS,
            *overseeing.OPERATIONS,
            *lineage.OPERATIONS,
        )
    ),
    *board.OPERATIONS,
    *signing.OPERATIONS,
    *resolving.OPERATIONS,
)
"""Everything that the service answers, apart from what operators ask."""

_log: Final = logging.getLogger(__name__)


def build(service: Service) -> Starlette:
    """Return the application; whoever made the service closes its store."""
    desk = Desk(service)
    metrics = Metrics(service.store)
    answered = (*operating(metrics, OPERATIONS), *OPERATIONS)
    routes = [
        SegmentRoute(path, PathAnswers(desk, operations))
        for path, operations in by_path(answered).items()
    ]
    app = Starlette(
        routes=[board.FrontDoor(), *routes, pushing.route(desk), following.route(desk)],
        middleware=[Middleware(Watching, metrics=metrics, traces=service.traces)],
    )
    app.router.redirect_slashes = False
    _Refusing(service).attach(app)
    return app


class _Refusing:
    """Turns what is raised into problems."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def attach(self, app: Starlette) -> None:
        """Take what an application raises."""
        handlers: dict[type[Exception] | int, ExceptionHandler] = {
            LodelineError: self.refused,
            HTTPException: self.not_served,
            500: self.broken,
        }
        for raised, handler in handlers.items():
            app.add_exception_handler(raised, handler)

    async def refused(self, request: Request, raised: Exception) -> Response:
        """Answer a refusal; why the node itself cannot answer is for its log alone."""
        refusal = raised if isinstance(raised, LodelineError) else NodeBroken("")
        _, status = standard_name(type(refusal))
        if status >= 500 and not isinstance(refusal, (NodeBroken, NodeUnready)):
            number = request_number(request.scope)
            _log.error("not answered", extra={"request": number, "reason": refusal.message("en")})
            refusal = NodeUnready(number) if status == 503 else NodeBroken(number)
        return self._problem(request, refusal)

    async def not_served(self, request: Request, raised: Exception) -> Response:
        """Answer what the router does not know."""
        del raised
        return self._problem(request, PathUnknown(request.url.path[:128]))

    async def broken(self, request: Request, fault: Exception) -> Response:
        """Answer what nobody foresaw; the server writes its cause into the log."""
        del fault
        return self._problem(request, NodeBroken(request_number(request.scope)))

    def _problem(self, request: Request, refusal: LodelineError) -> Response:
        lang = preferred_language(request.headers.get("accept-language", ""))
        headers = refusal_headers(refusal, self._service)
        return problem_response(refusal, request.headers.get("accept"), lang, headers)
