"""Events made ready for the store: ids, moments, terms and the text that is kept. Pure.

An event keeps the id that it came with; one that came without has its hash id (CBV 2.0, 8.9). The
hash id is what makes two the same: it is made for every event, and stored where it is not the id.
It leaves out an error declaration, so the declaration has a digest of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, cast

from lodeline.exchange.epcis.document import Event, EventId
from lodeline.exchange.epcis.hashing import content_id
from lodeline.exchange.epcis.json_out import event_bytes
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.refusals import EventIdTooLong
from lodeline.node.events.terms import Term, terms_of

__all__ = ["MAX_EVENT_ID_BYTES", "PreparedEvent", "prepare"]

MAX_EVENT_ID_BYTES: Final = 1_024
"""UTF-8 bytes of an event's own id; PostgreSQL keeps no more than about 2,700 in an index."""
_DIGEST_CHARS: Final = 32


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """One event, ready to be written."""

    event_id: EventId
    content: EventId
    """The same for the same event, whatever its id: its hash id, see `content_id`."""
    declaration: str
    """Digest of the error declaration; empty where there is none."""
    type: str
    action: str | None
    event_time: Micros
    biz_step: str | None
    disposition: str | None
    read_point: str | None
    biz_location: str | None
    declared: Micros | None
    body: str
    """JSON without the time of recording, see `recorded`."""
    terms: list[Term]

    def recorded(self, record_time: Micros) -> str:
        """Return the event as JSON with its time of recording."""
        return f'{{"recordTime":"{moment_text(record_time)}",{self.body[1:]}'


def prepare(event: Event) -> PreparedEvent:
    """Return an event with everything that the store needs.

    The time of recording that it may have come with is another node's, and is dropped.

    Raises:
        TimeWithoutZone, TimeWrong: a time cannot be brought to UTC.
        EventIdTooLong: its own id cannot be looked up.
    """
    content = content_id(event)
    event_id = event.event_id or EventId(content.partition("#")[0])
    size = len(event_id.encode("utf-8"))
    if size > MAX_EVENT_ID_BYTES:
        raise EventIdTooLong(size, MAX_EVENT_ID_BYTES)
    value = {**event.value, "eventID": event_id}
    value.pop("recordTime", None)
    declared, declaration = _declaration(event)
    return PreparedEvent(
        event_id,
        content,
        declaration,
        event.type,
        event.action,
        micros("eventTime", event.event_time),
        event.biz_step,
        event.disposition,
        event.read_point,
        event.biz_location,
        declared,
        event_bytes(Event(value)).decode("utf-8"),
        terms_of(event),
    )


def _declaration(event: Event) -> tuple[Micros | None, str]:
    """When an event was declared wrong, and the digest of what was declared."""
    if not event.is_error_declaration:
        return None, ""
    declaration = cast(JsonObject, event.value["errorDeclaration"])
    digest = hashlib.sha256(event_bytes(Event(declaration))).hexdigest()[:_DIGEST_CHARS]
    return micros("declarationTime", cast(str, declaration["declarationTime"])), digest
