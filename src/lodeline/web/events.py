"""Events over HTTP: by query, by id, and by what they speak of (EPCIS 2.0, section 12.6).

Whoever is not told everything is told what a policy shares, and nothing about the rest: an event
that is not shared is not there. What was shown is in the trail before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note, record
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.paging import PageToken
from lodeline.node.events.parameters import parse_pairs
from lodeline.node.events.queries import Answer as Found
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.resources import Resource, check_resource, resource_query
from lodeline.node.events.store import StoredEvent
from lodeline.web.asking import Asked
from lodeline.web.documents import SIMPLE, events_answer, holder_of
from lodeline.web.operations import DOCUMENT, EPCIS_MEDIA, Answer, Operation
from lodeline.web.parameters import (
    CBV_FORMAT,
    EPC_FORMAT,
    EVENT_ID,
    IF_NONE_MATCH,
    MEMBERS,
    PAGE_TOKEN,
    PER_PAGE,
    query_parameters,
)

__all__ = ["OPERATIONS", "seen", "shown"]

_HEADERS: Final = ("Link", "GS1-Next-Page-Token-Expires", "ETag")


def _by_query(asked: Asked) -> Response:
    """Answer what the parameters of the address ask for."""
    return _page(asked, asked.request.query_params.multi_items(), SIMPLE)


class _OfMember:
    """Answers the events of one member of a list."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __call__(self, asked: Asked) -> Response:
        """Answer one request."""
        value = asked.values[MEMBERS[self._resource].name]
        visible = visible_to(asked.store, asked.caller)
        if visible.everything:
            check_resource(asked.store, asked.tenant, self._resource, value, asked.extensions)
        own = [(name, value) for name in resource_query(self._resource, value)]
        return _page(asked, [*asked.request.query_params.multi_items(), *own], SIMPLE)


def _page(asked: Asked, pairs: Sequence[tuple[str, str]], name: str) -> Response:
    wanted = parse_pairs(pairs, asked.extensions)
    page = Page(wanted.per_page, holder_of(asked), visible_to(asked.store, asked.caller))
    if wanted.token is None:
        found = run(asked.store, asked.tenant, wanted.query, page)
    else:
        token = PageToken(wanted.token)
        found = run_next(asked.store, asked.tenant, token, page, wanted.query)
    return shown(asked, found, name)


def shown(asked: Asked, found: Found, name: str) -> Response:
    """Return a page, once it is in the trail that it was shown.

    Not checked: whether the caller may see it; the query was asked with what may be seen.
    """
    answer = events_answer(asked, found.events, name, found.next)
    # A 304 tells that there are these events, even to whoever made its tag up or sent `*`.
    _note(asked, Act.QUERIED, asked.request.url.query or name, found.events)
    return answer


def _by_id(asked: Asked) -> Response:
    """Answer an event and what was declared of it."""
    event_id = EventId(asked.values["eventID"])
    events = seen(asked, asked.store.events_of_id(asked.tenant, event_id))
    if not events:
        raise EventUnknown(event_id)
    answer = events_answer(asked, events, SIMPLE, None)
    _note(asked, Act.READ, event_id, events)
    return answer


def seen(asked: Asked, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """Return the events that the caller may be told of."""
    visible = visible_to(asked.store, asked.caller)
    if visible.everything:
        return events
    with asked.store.reading() as connection:
        shared = visible.seen(connection, [event.seq for event in events])
    return [event for event in events if event.seq in shared]


def _note(asked: Asked, act: Act, about: str, events: Sequence[StoredEvent]) -> None:
    seqs = [event.seq for event in events]
    record(asked.store, asked.tenant, [Note(asked.who, act, about, seqs)])


_PAGE: Final = (PER_PAGE, PAGE_TOKEN, EPC_FORMAT, CBV_FORMAT, IF_NONE_MATCH)
_EVENTS: Final = (
    Answer(200, "The events.", DOCUMENT, _HEADERS),
    Answer(304, "The client has them."),
)

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/events",
        summary="Query events.",
        handler=_by_query,
        scope=Scope.EVENTS_READ,
        gives=EPCIS_MEDIA,
        parameters=(*query_parameters(), *_PAGE),
        answers=_EVENTS,
        refusals=(400, 404, 413),
    ),
    Operation(
        method="GET",
        path="/events/{eventID}",
        summary="Show one event, and its error declarations.",
        handler=_by_id,
        scope=Scope.EVENTS_READ,
        gives=EPCIS_MEDIA,
        parameters=(EVENT_ID, EPC_FORMAT, CBV_FORMAT, IF_NONE_MATCH),
        answers=_EVENTS,
        refusals=(400, 404),
    ),
    *(
        Operation(
            method="GET",
            path=f"/{resource.value}/{{{MEMBERS[resource].name}}}/events",
            summary=f"Query the events of one of {resource.value}.",
            handler=_OfMember(resource),
            scope=Scope.EVENTS_READ,
            gives=EPCIS_MEDIA,
            parameters=(MEMBERS[resource], *query_parameters(resource), *_PAGE),
            answers=_EVENTS,
            refusals=(400, 404, 413),
        )
        for resource in Resource
    ),
)
