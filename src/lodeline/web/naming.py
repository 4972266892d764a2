"""Named queries over HTTP: made, listed, shown, asked and deleted (EPCIS 2.0, section 12.6.5).

What a query asks for tells of a company's goods and customers. Whoever sees events by a policy may
ask and subscribe to a query whose name they were given, and is shown neither the others' names nor
what any query of somebody else asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.access.roles import Scope
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.jobs import Who
from lodeline.node.events.named import (
    NamedQuery,
    create_query,
    delete_query,
    list_queries,
    named_query,
    query_name,
)
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.query_refusals import NamedQueryUnknown, QueryNotObject
from lodeline.web import parameters
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.collections import paging_of
from lodeline.web.documents import holder_of, page_headers
from lodeline.web.events import shown
from lodeline.web.operations import DOCUMENT, EPCIS_MEDIA, JSON_MEDIA, Answer, Operation

__all__ = ["OPERATIONS"]

_DEFINITION: Final = {"$ref": "#/components/schemas/QueryDefinition"}


def _create(asked: Asked) -> Response:
    """Name a query; the same again has the same answer."""
    value = parse_json(asked.body)
    if not isinstance(value, dict):
        raise QueryNotObject(type(value).__name__)
    name = value.get("name")
    made = create_query(
        asked.store,
        asked.tenant,
        query_name(name if isinstance(name, str) else ""),
        parse_query(_with_context(value), asked.extensions),
        asked.who,
    )
    headers = {**epcis_headers(), "Location": asked.url(f"/queries/{made.name}")}
    if asked.prefers("return=minimal"):
        headers["Preference-Applied"] = "return=minimal"
        return Response(status_code=201, headers=headers)
    return Response(_written(made), 201, headers, asked.media)


def _with_context(value: JsonObject) -> JsonObject:
    """The query of a definition, with the context that stands beside it."""
    query = value.get("query")
    if not isinstance(query, dict):
        raise QueryNotObject(type(query).__name__)
    if "@context" in value and "@context" not in query:
        return {**query, "@context": value["@context"]}
    return query


def _written(named: NamedQuery) -> bytes:
    """A query as the standard writes it."""
    query = orjson.Fragment(named.query.definition)
    return orjson.dumps({"name": named.name, "query": query})


def _list(asked: Asked) -> Response:
    """List the queries of the company, by name; to a partner, their own."""
    size, token = paging_of(asked)
    found = list_queries(
        asked.store, asked.tenant, token, per_page=size, holder=holder_of(asked), of=_of(asked)
    )
    headers = {**epcis_headers(), **page_headers(asked, found.next)}
    body = b"[" + b",".join(map(_written, found.members)) + b"]"
    return Response(body, 200, headers, asked.media)


def _named(asked: Asked) -> NamedQuery:
    return named_query(asked.store, asked.tenant, query_name(asked.values["queryName"]))


def _show(asked: Asked) -> Response:
    """Show one query."""
    found, of = _named(asked), _of(asked)
    if of is not None and found.created_by != of:
        raise NamedQueryUnknown(found.name)
    return Response(_written(found), 200, epcis_headers(), asked.media)


def _of(asked: Asked) -> Who | None:
    """Whose queries are shown; nothing: everybody's."""
    return None if asked.caller.sees_all else asked.who


def _delete(asked: Asked) -> Response:
    """Forget a query and what is subscribed to it."""
    delete_query(asked.store, asked.tenant, query_name(asked.values["queryName"]))
    return Response(status_code=204, headers=epcis_headers())


def _events(asked: Asked) -> Response:
    """Answer what a query finds."""
    named = _named(asked)
    size, token = paging_of(asked)
    page = Page(size, holder_of(asked), visible_to(asked.store, asked.caller))
    if token is None:
        found = run(asked.store, asked.tenant, named.query, page)
    else:
        found = run_next(asked.store, asked.tenant, token, page, named.query)
    return shown(asked, found, named.name)


_LINKED: Final = ("Link", "GS1-Next-Page-Token-Expires")
_PAGE: Final = (parameters.PER_PAGE, parameters.PAGE_TOKEN)
_NAME: Final = (parameters.QUERY_NAME,)

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/queries",
        summary="List named queries.",
        handler=_list,
        scope=Scope.EVENTS_READ,
        parameters=_PAGE,
        answers=(Answer(200, "Queries.", {"type": "array", "items": _DEFINITION}, _LINKED),),
        refusals=(400, 404),
    ),
    Operation(
        method="POST",
        path="/queries",
        summary="Name a query.",
        handler=_create,
        scope=Scope.QUERIES_WRITE,
        takes=JSON_MEDIA,
        body=_DEFINITION,
        max_body=256 * 1024,
        parameters=(parameters.PREFER,),
        answers=(Answer(201, "Named.", _DEFINITION, ("Location",)),),
        refusals=(400, 409, 413, 415),
    ),
    Operation(
        method="GET",
        path="/queries/{queryName}",
        summary="Show a named query.",
        handler=_show,
        scope=Scope.EVENTS_READ,
        parameters=_NAME,
        answers=(Answer(200, "The query.", _DEFINITION),),
        refusals=(400, 404),
    ),
    Operation(
        method="DELETE",
        path="/queries/{queryName}",
        summary="Forget a named query and what is subscribed to it.",
        handler=_delete,
        scope=Scope.QUERIES_WRITE,
        parameters=_NAME,
        answers=(Answer(204, "It is forgotten."),),
        refusals=(400, 404),
    ),
    Operation(
        method="GET",
        path="/queries/{queryName}/events",
        summary="Answer what a named query finds.",
        handler=_events,
        scope=Scope.EVENTS_READ,
        gives=EPCIS_MEDIA,
        parameters=(
            *_NAME,
            *_PAGE,
            parameters.EPC_FORMAT,
            parameters.CBV_FORMAT,
            parameters.IF_NONE_MATCH,
        ),
        answers=(
            Answer(200, "The events.", DOCUMENT, (*_LINKED, "ETag")),
            Answer(304, "The client has them."),
        ),
        refusals=(400, 404, 413),
    ),
)
