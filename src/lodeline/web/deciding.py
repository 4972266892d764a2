"""What people decide about an event that stopped: `lodeline events retry`, `keep` and `withdraw`.

Whoever captures events may decide about them. Who decided is in the trail together with the move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note
from lodeline.node.events.refusals import EventUnknown
from lodeline.node.events.states import KnownState, state_of
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.withdrawing import keep, retry, withdraw
from lodeline.web import parameters
from lodeline.web.asking import Asked
from lodeline.web.events import seen
from lodeline.web.listing import JSON, json_answer
from lodeline.web.operations import Answer, Operation
from lodeline.web.stating import state_members

__all__ = ["OPERATIONS"]

Decide = Callable[[EventStore, Tenant, Seq, Note], None]


class _Decision:
    """Answers one kind of decision about an event."""

    def __init__(self, word: str, decide: Decide) -> None:
        self._word = word
        self._decide = decide

    def __call__(self, asked: Asked) -> Response:
        """Carry it out, and answer in which state the event is then."""
        event_id = EventId(asked.values["eventID"])
        events = seen(asked, asked.store.events_of_id(asked.tenant, event_id))
        if not events:
            raise EventUnknown(event_id)
        event = min(events, key=lambda each: (each.is_declaration, each.seq))
        note = Note(asked.who, Act.EVENT_DECIDED, f"{self._word} {event_id}", [event.seq])
        self._decide(asked.store, asked.tenant, event.seq, note)
        asked.service.captured()  # the pipeline has something to do
        at = state_of(asked.store, asked.tenant, event.seq)
        known = KnownState(event_id, event.is_declaration, at)
        return json_answer(state_members(known, asked.lang, everything=True))


_DECISIONS: Final = (
    ("retry", retry, "Begin an event anew that was refused or held."),
    ("keep", keep, "Leave an event aside that was refused or held: nothing of it is sent."),
    ("withdraw", withdraw, "Take an event back whose entries wait, before any was handed in."),
)

OPERATIONS: Final[Sequence[Operation]] = tuple(
    Operation(
        method="POST",
        path=f"/events/{{eventID}}/{word}",
        summary=summary,
        handler=_Decision(word, decide),
        scope=Scope.EVENTS_CAPTURE,
        gives=JSON,
        parameters=(parameters.EVENT_ID,),
        answers=(
            Answer(200, "Its state after that.", {"$ref": "#/components/schemas/EventState"}),
        ),
        refusals=(404, 409),
    )
    for word, decide, summary in _DECISIONS
)
