"""How far an event has come on its way to the ledger, over HTTP.

Why an event stands where it stands is the company's own business: whoever sees events by a policy
is told the state alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId
from lodeline.kernel.errors import Lang
from lodeline.node.access.roles import Scope
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.moments import moment_text
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.states import StateOf, states_of
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.events import seen
from lodeline.web.operations import Answer, Operation
from lodeline.web.parameters import EVENT_ID

__all__ = ["OPERATIONS"]


def _state(asked: Asked) -> Response:
    """Answer the state of an event; of its error declaration where that alone is there."""
    event_id = EventId(asked.values["eventID"])
    events = seen(asked, asked.store.events_of_id(asked.tenant, event_id))
    if not events:
        raise EventUnknown(event_id)
    event = min(events, key=lambda each: (each.is_declaration, each.seq))
    found = states_of(asked.store, asked.tenant, [event.seq])
    if not found:
        raise EventUnknown(event_id)
    told: dict[str, object] = {
        "eventID": event_id,
        "state": found[0].state.value,
        "updatedAt": moment_text(found[0].updated),
    }
    if visible_to(asked.store, asked.caller).everything:
        told |= _why(found[0], asked.lang)
    headers = {**epcis_headers(), "Cache-Control": "no-store"}
    return Response(orjson.dumps(told), 200, headers, asked.media)


def _why(found: StateOf, lang: Lang) -> dict[str, object]:
    why: dict[str, object] = {}
    if found.reference is not None:
        why["entry"] = found.reference
    if found.reason is not None:
        is_french = lang == "fr"
        why["reason"] = {
            "code": found.reason.code,
            "detail": found.reason.fr if is_french else found.reason.en,
            "advice": found.reason.advice_fr if is_french else found.reason.advice_en,
        }
    return why


OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/events/{eventID}/state",
        summary="Show how far an event has come on its way to the ledger, and why no farther.",
        handler=_state,
        scope=Scope.EVENTS_READ,
        parameters=(EVENT_ID,),
        answers=(Answer(200, "The state.", {"$ref": "#/components/schemas/EventState"}),),
        refusals=(404,),
    ),
)
