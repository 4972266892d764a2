"""How a dispute about a delivery ends, over HTTP: `lodeline events settle` and `decline`.

Whoever captures events may decide; who did is in the trail together with the move. Both sides'
figures are read with `lodeline events compare`, which needs the keys of the member.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId
from lodeline.exchange.transform_file import ElementAmount, parse_element_amount
from lodeline.kernel.ids import MalformedName, MemberId, check_name
from lodeline.kernel.unit_errors import QuantityError
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note
from lodeline.node.events.decisions import MAX_REASON, Decision, Way, decide
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.states import KnownState, state_of
from lodeline.web import parameters
from lodeline.web.asking import Asked
from lodeline.web.events import seen
from lodeline.web.fields import Body, BodyFieldWrong
from lodeline.web.listing import JSON, json_answer
from lodeline.web.operations import Answer, Operation
from lodeline.web.stating import state_members

__all__ = ["OPERATIONS"]

_MAX_BODY: Final = 16 * 1024
_MAX_FIGURES: Final = 16
_NAME: Final = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}


def _settle(asked: Asked) -> Response:
    """Carry a decision out, and answer in which state the event is then."""
    body = Body(asked.body, ("figures", "umpire", "reason", "way"))
    word = body.text("way")
    if word not in tuple(Way):
        raise BodyFieldWrong("way")
    umpire, figures = body.maybe_text("umpire"), body.texts("figures")
    decision = Decision.of(
        Way(word), asked.who, _umpire(umpire), _figures(figures), body.text("reason", "")
    )
    event_id = EventId(asked.values["eventID"])
    events = seen(asked, asked.store.events_of_id(asked.tenant, event_id))
    if not events:
        raise EventUnknown(event_id)
    event = min(events, key=lambda each: (each.is_declaration, each.seq))
    note = Note(asked.who, Act.EVENT_DECIDED, f"settle {word} {event_id}", [event.seq])
    decide(asked.store, asked.tenant, event.seq, decision, note)
    asked.service.captured()  # the pipeline has something to do
    at = state_of(asked.store, asked.tenant, event.seq)
    known = KnownState(event_id, event.is_declaration, at)
    return json_answer(state_members(known, asked.lang, everything=True))


def _umpire(text: str | None) -> MemberId | None:
    try:
        return None if text is None else MemberId(check_name(text))
    except MalformedName:
        raise BodyFieldWrong("umpire") from None


def _figures(texts: Sequence[str]) -> Sequence[ElementAmount]:
    if len(texts) > _MAX_FIGURES:
        raise BodyFieldWrong("figures")
    try:
        return [parse_element_amount(text) for text in texts]
    except QuantityError:
        raise BodyFieldWrong("figures") from None


OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="POST",
        path="/events/{eventID}/settle",
        summary="End a dispute about what was received: say whose figures stand, or decline it.",
        handler=_settle,
        scope=Scope.EVENTS_CAPTURE,
        gives=JSON,
        takes=JSON,
        body={
            "type": "object",
            "additionalProperties": False,
            "required": ["way"],
            "properties": {
                "way": {"enum": [way.value for way in Way]},
                "umpire": _NAME,
                "figures": {
                    "type": "array",
                    "maxItems": _MAX_FIGURES,
                    "items": {"type": "string", "maxLength": 64},
                    "description": "What an umpire found, each as `112 kg Co`.",
                },
                "reason": {"type": "string", "maxLength": MAX_REASON},
            },
        },
        max_body=_MAX_BODY,
        parameters=(parameters.EVENT_ID,),
        answers=(
            Answer(200, "Its state after that.", {"$ref": "#/components/schemas/EventState"}),
        ),
        refusals=(400, 404, 409, 413, 415),
    ),
)
