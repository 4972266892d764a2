"""What operators ask of a running service: is it alive, is it ready, what are its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson
from sqlalchemy import select, text
from starlette.responses import Response

from lodeline.node.access.roles import Scope
from lodeline.web.asking import Asked, Outsider
from lodeline.web.metrics import TEXT, Metrics
from lodeline.web.openapi import openapi_document
from lodeline.web.operations import Answer, Open, Operation
from lodeline.web.refusals import NodeUnready
from lodeline.web.watching import request_number

__all__ = ["operating"]

_JSON = ("application/json",)
_NOTHING: Final[Mapping[str, object]] = {}


def _alive(asked: Outsider) -> Response:
    """Say that the process answers."""
    del asked
    return _passed()


def _ready(asked: Outsider) -> Response:
    """Say that the store answers too, and how the pipeline stands; to operators, how much waits.

    Where the store does not answer, the refusal is the answer; a ledger that cannot be reached is
    none, because capture and queries go on without it.

    Raises:
        NodeUnready: the pipeline has ended of a fault; the log says of which.
    """
    with asked.service.store.reading() as connection:
        connection.execute(select(text("1")))
    bringing = asked.service.bringing
    if bringing is None:
        return _passed({"pipeline": "off"})
    if not bringing.is_alive():
        raise NodeUnready(request_number(asked.request.scope))
    told = bringing.told()
    if not _may_operate(asked):
        told.pop("queue", None)
    return _passed(told)


def _may_operate(asked: Outsider) -> bool:
    """Whether somebody says who they are, and may know how much a company has to do.

    Raises:
        SecurityException: what they show is not valid.
    """
    headers = asked.request.headers
    if "authorization" not in headers:
        return False
    return asked.service.access.authenticate(headers, asked.source).may(Scope.OPERATE)


def _passed(told: Mapping[str, object] = _NOTHING) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps({"status": "pass", **told}), 200, headers, "application/json")


def operating(metrics: Metrics, others: Iterable[Operation | Open]) -> Sequence[Operation | Open]:
    """Return the operations for operators.

    Args:
        metrics: figures of the application.
        others: operations that the OpenAPI document describes beside these.
    """
    health = {"$ref": "#/components/schemas/Health"}
    all_operations: list[Operation | Open] = list(others)

    def figures(asked: Asked) -> Response:
        return Response(
            metrics.text(asked.tenant), media_type=TEXT, headers={"Cache-Control": "no-store"}
        )

    def described(asked: Outsider) -> Response:
        document = openapi_document(all_operations, asked.url(""))
        return Response(orjson.dumps(document), media_type="application/json")

    own: tuple[Operation | Open, ...] = (
        Open(
            method="GET",
            path="/health/live",
            summary="Whether the process answers.",
            handler=_alive,
            gives=_JSON,
            answers=(Answer(200, "It does.", health),),
            refusals=(406,),
        ),
        Open(
            method="GET",
            path="/health/ready",
            summary="Whether the node can do its work.",
            handler=_ready,
            gives=_JSON,
            answers=(Answer(200, "It can.", health),),
            refusals=(401, 406),
        ),
        Open(
            method="GET",
            path="/openapi.json",
            summary="This document.",
            handler=described,
            gives=_JSON,
            answers=(Answer(200, "OpenAPI 3.1.", {"type": "object"}),),
            refusals=(406,),
        ),
        Operation(
            method="GET",
            path="/metrics",
            summary="Figures, in the text format of Prometheus.",
            handler=figures,
            scope=Scope.OPERATE,
            gives=(TEXT,),
            answers=(Answer(200, "Figures.", {"type": "string"}),),
        ),
    )
    all_operations.extend(own)
    return own
