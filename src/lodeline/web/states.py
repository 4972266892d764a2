"""How far events have come on their way to the ledger, over HTTP.

Why an event stands where it stands is the company's own business: whoever sees events by a policy
is told the state alone, of the events that are shared. What was told is in the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.access.authenticating import LOCAL
from lodeline.node.access.guessing import source_of
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note, record
from lodeline.node.access.visibility import Visible, visible_to
from lodeline.node.events.moments import Micros
from lodeline.node.events.paging import PageToken, SealedPage, open_token, seal_token
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.parameters import MAX_PER_PAGE, PER_PAGE, parse_pairs
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.query_refusals import PageTokenOfOther, PageTokenWrong
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.states import (
    EventState,
    KnownState,
    Place,
    WantedStates,
    count_states,
    list_states,
    states_of,
)
from lodeline.node.events.store import Seq, StoredEvent
from lodeline.web import operations, parameters
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.documents import holder_of, page_headers
from lodeline.web.events import seen
from lodeline.web.following import EVENT_STREAM, EventStream, Follower, begun
from lodeline.web.operations import JSON_MEDIA, Answer, Operation, Parameter
from lodeline.web.refusals import ListNotShared
from lodeline.web.stating import (
    DIRECTION,
    SINCE,
    STATE,
    parameters_of,
    state_members,
    wanted_states,
)

__all__ = ["OPERATIONS"]

_LIST: Final = "states"
_PER_PAGE: Final = parameters.PER_PAGE.name
_TOKEN: Final = parameters.PAGE_TOKEN.name
_LAST_ID: Final = Parameter(
    "Last-Event-ID",
    operations.Place.HEADER,
    "Of the last message that the client has; the stream goes on behind it.",
)


def _state(asked: Asked) -> Response:
    """Answer the state of an event, and of its last error declaration beside it.

    Where the declaration alone is there, its state is the answer.
    """
    event_id = EventId(asked.values["eventID"])
    events = seen(asked, asked.store.events_of_id(asked.tenant, event_id))
    if not events:
        raise EventUnknown(event_id)
    event = min(events, key=lambda each: (each.is_declaration, each.seq))
    last = [each for each in events if each.is_declaration and each.seq != event.seq][-1:]
    found = _known(asked, [event, *last])
    if not found or found[0].at.seq != event.seq:
        raise EventUnknown(event_id)
    everything = visible_to(asked.store, asked.caller).everything
    told = {**state_members(found[0], asked.lang, everything=everything), "eventID": event_id}
    for declaration in found[1:]:
        members = state_members(declaration, asked.lang, everything=everything)
        told["declaration"] = {**members, "eventID": event_id}
    _note(asked, Act.READ, f"state of {event_id}", found)
    return _answer(asked, told)


def _answer(asked: Asked, told: object, following: SealedPage | None = None) -> Response:
    headers = {**epcis_headers(), **page_headers(asked, following), "Cache-Control": "no-store"}
    return Response(orjson.dumps(told), 200, headers, asked.media)


def _note(asked: Asked, act: Act, about: str, told: Sequence[KnownState]) -> None:
    record(asked.store, asked.tenant, [Note(asked.who, act, about, [one.at.seq for one in told])])


def _known(asked: Asked, events: Sequence[StoredEvent]) -> Sequence[KnownState]:
    """The states of events, in the order of the events."""
    states = {
        at.seq: at for at in states_of(asked.store, asked.tenant, [each.seq for each in events])
    }
    return [
        KnownState(each.event_id, each.is_declaration, states[each.seq])
        for each in events
        if each.seq in states
    ]


# ------------------------------------------------------------------ lists


def _states(asked: Asked) -> Response:
    """List states, or tell them as they come to whoever wants a stream."""
    pairs = asked.request.query_params.multi_items()
    if asked.media == EVENT_STREAM:
        return _stream(asked, parameters_of(pairs, (STATE.name, SINCE.name)))
    known = (STATE.name, SINCE.name, DIRECTION.name, _PER_PAGE, _TOKEN)
    given = parameters_of(pairs, known)
    wanted, visible = wanted_states(given), visible_to(asked.store, asked.caller)
    if visible.everything:
        found, following = _page(asked, wanted, given)
    else:
        found, following = _shared_page(asked, wanted, given, visible)
    about = f"states {asked.request.url.query}".rstrip()
    _note(asked, Act.QUERIED, about, found)
    everything = visible.everything
    told = [state_members(one, asked.lang, everything=everything) for one in found]
    return _answer(asked, told, following)


def _page(
    asked: Asked, wanted: WantedStates, given: dict[str, str]
) -> tuple[Sequence[KnownState], SealedPage | None]:
    """A page of all states, for who sees everything."""
    size, token = _size(given), given.get(_TOKEN)
    after = None if token is None else _after(asked, wanted, PageToken(token))
    found = list_states(asked.store, asked.tenant, wanted, after=after, limit=size + 1)
    if len(found) <= size:
        return found, None
    last = found[size - 1].at
    content: JsonObject = {"of": _LIST, "updated": last.updated, "seq": last.seq}
    content["wanted"] = _written(wanted)
    return found[:size], seal_token(asked.store, asked.tenant, holder_of(asked), content)


def _after(asked: Asked, wanted: WantedStates, token: PageToken) -> Place:
    content = open_token(asked.store, asked.tenant, holder_of(asked), token)
    if content.get("of") != _LIST:
        raise PageTokenWrong
    if content["wanted"] != _written(wanted):
        raise PageTokenOfOther
    return Place(Micros(cast(int, content["updated"])), Seq(cast(int, content["seq"])))


def _written(wanted: WantedStates) -> str:
    """What a list is of, as its tokens have it."""
    return f"{','.join(sorted(wanted.states))} {wanted.since} {wanted.oldest_first}"


def _shared_page(
    asked: Asked, wanted: WantedStates, given: dict[str, str], visible: Visible
) -> tuple[Sequence[KnownState], SealedPage | None]:
    """A page of the events that are shared, in their own order, without those in other states.

    So neither the length of a page nor the number of pages says anything about other events.
    """
    query = parse_pairs([("orderBy", "recordTime")], {}).query
    page = Page(_size(given), holder_of(asked), visible)
    if _TOKEN in given:
        found = run_next(asked.store, asked.tenant, PageToken(given[_TOKEN]), page, query)
    else:
        found = run(asked.store, asked.tenant, query, page)
    shown = [
        one
        for one in _known(asked, found.events)
        if one.at.state in wanted.states
        and (wanted.since is None or one.at.updated >= wanted.since)
    ]
    return shown, found.next


def _size(given: dict[str, str]) -> int:
    if _PER_PAGE not in given:
        return PER_PAGE
    return min(Values(_PER_PAGE, given[_PER_PAGE]).count(least=1), MAX_PER_PAGE)


def _counts(asked: Asked) -> Response:
    """Count a company's events by state."""
    if not visible_to(asked.store, asked.caller).everything:
        raise ListNotShared(asked.caller.user, _LIST)
    counts = count_states(asked.store, asked.tenant)
    return _answer(asked, {state.value: counts.get(state, 0) for state in EventState})


# ------------------------------------------------------------------ live


def _stream(asked: Asked, given: dict[str, str]) -> Response:
    request = asked.request
    source = LOCAL if request.client is None else source_of(request.client.host)
    headers = dict(request.headers)
    follower = Follower(asked.caller, headers, source, wanted_states(given), asked.lang)
    last = headers.get(_LAST_ID.name.lower())
    return EventStream(asked.service, begun(asked.service, follower, last))


_STATE: Final = {"$ref": "#/components/schemas/EventState"}
_COUNT: Final = {"type": "integer", "minimum": 0}

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/states",
        summary="List how far events have come, or tell each move of a state as it comes.",
        handler=_states,
        scope=Scope.EVENTS_READ,
        gives=(*JSON_MEDIA, EVENT_STREAM),
        parameters=(
            STATE,
            SINCE,
            DIRECTION,
            parameters.PER_PAGE,
            parameters.PAGE_TOKEN,
            _LAST_ID,
        ),
        answers=(
            Answer(
                200,
                "States; as a stream: messages of the type `state`, each with one.",
                {"type": "array", "items": _STATE},
                ("Link", "GS1-Next-Page-Token-Expires"),
            ),
        ),
        refusals=(400, 404),
    ),
    Operation(
        method="GET",
        path="/states/counts",
        summary="Count events by state.",
        handler=_counts,
        scope=Scope.EVENTS_READ,
        answers=(
            Answer(
                200,
                "How many events are in each state.",
                {
                    "type": "object",
                    "required": [state.value for state in EventState],
                    "additionalProperties": _COUNT,
                },
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/events/{eventID}/state",
        summary="Show how far an event has come on its way to the ledger, and why no farther.",
        handler=_state,
        scope=Scope.EVENTS_READ,
        parameters=(parameters.EVENT_ID,),
        answers=(Answer(200, "The state.", _STATE),),
        refusals=(404,),
    ),
)
