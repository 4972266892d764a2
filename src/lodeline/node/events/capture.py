"""Capture: documents and single events into the store, each event once, durable when acknowledged.

1 the document is read and every event made ready, or refused, by itself; 2 in one transaction, ids
and contents are compared with what is stored; 3 what is new is written with its terms and its
state; 4 the job is written; 5 the answer goes out when the commit is on the disk. An event that is
in the store already is known, not an error: whoever had no answer sends again.

Steps 2 to 4 of documents that come at the same time share a commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from lodeline.exchange.epcis.document import EventId
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.jobs import (
    MAX_JOB_ERRORS,
    Behaviour,
    CaptureId,
    CaptureJob,
    JobError,
    JobNumber,
    Who,
    put_job,
)
from lodeline.node.events.knowing import Known, known_of
from lodeline.node.events.master_data import put_master_data
from lodeline.node.events.preparing import PreparedEvent
from lodeline.node.events.reading import CaptureLimits, Offered, ReadDocument, read_offered
from lodeline.node.events.refusals import EventNotAlone
from lodeline.node.events.states import reason_of
from lodeline.node.events.store import EventStore, Tenant, take_numbers
from lodeline.node.events.writing import put_events, record_time

__all__ = ["Captured", "capture", "capture_event", "capture_read"]

_ID_BYTES: Final = 16
_LIMITS: Final = CaptureLimits()


@dataclass(frozen=True, slots=True)
class Captured:
    """What became of a single event."""

    event_id: EventId
    """Under which it is in the store."""
    is_new: bool
    """False where it was in the store already."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """Which events of a document are new, and why others are not taken."""

    new: list[PreparedEvent]
    known: int
    errors: list[tuple[int, LodelineError]]


def capture(
    store: EventStore,
    tenant: Tenant,
    offered: Offered,
    *,
    who: Who,
    behaviour: Behaviour = Behaviour.ROLLBACK,
    limits: CaptureLimits = _LIMITS,
) -> CaptureJob:
    """Take a document in; return its finished job once everything is durable.

    A refused event is an error of the job, not of the call: `CaptureJob.success` is then false.
    Not checked: whether what the events say can be true; the pipeline does that.

    Raises:
        EventsOverLimit: there is more than is taken at once.
        DocumentEmpty: there is nothing to take.
        EpcisRefused: the document itself is refused; no job is left.
        StoreUnreachable: nothing was written.
    """
    return capture_read(store, tenant, read_offered(offered, limits), who=who, behaviour=behaviour)


def capture_read(
    store: EventStore, tenant: Tenant, document: ReadDocument, *, who: Who, behaviour: Behaviour
) -> CaptureJob:
    """Take in a document that was read elsewhere, in other processes for example (`ReadingPool`).

    Raises:
        StoreUnreachable: nothing was written.
    """
    created = store.clock.now()
    capture_id = CaptureId(secrets.token_hex(_ID_BYTES))

    def work(connection: Connection) -> CaptureJob:
        decided = _decide(connection, tenant, document.events)
        when = record_time(connection, store.clock.now())
        (number,) = take_numbers(connection, "capture_jobs", 1)
        taken = not decided.errors or behaviour is Behaviour.PROCEED
        if taken:
            put_events(connection, tenant, decided.new, when, JobNumber(number))
            put_master_data(connection, tenant, document.master_data, when)
        finished = CaptureJob(
            JobNumber(number),
            capture_id,
            who,
            behaviour,
            created,
            when,
            not decided.errors,
            len(document.events),
            len(decided.new) if taken else 0,
            decided.known,
            len(decided.errors),
            _told(decided.errors),
        )
        put_job(connection, tenant, finished)
        return finished

    return store.write(work)


def capture_event(
    store: EventStore, tenant: Tenant, offered: Offered, limits: CaptureLimits = _LIMITS
) -> Captured:
    """Take a single event in, without a job; return its id once it is durable.

    Raises:
        EventNotAlone: there is not exactly one.
        EpcisRefused, ValidationException, EventIdTaken: the event is refused.
        StoreUnreachable: nothing was written.
    """
    document = read_offered(offered, limits)
    if len(document.events) != 1:
        raise EventNotAlone(len(document.events))
    (event,) = document.events
    if isinstance(event, LodelineError):
        raise event

    def work(connection: Connection) -> Captured:
        known = known_of(connection, tenant, [event])
        found = known.same(event)
        if found is not None:
            return Captured(found, is_new=False)
        known.check(event)
        put_events(connection, tenant, [event], record_time(connection, store.clock.now()), None)
        return Captured(event.event_id, is_new=True)

    return store.write(work)


def _decide(
    connection: Connection, tenant: Tenant, events: Sequence[PreparedEvent | LodelineError]
) -> _Decided:
    """Compare the events of a document with the store and with one another; nothing is written."""
    ready = [event for event in events if isinstance(event, PreparedEvent)]
    known = known_of(connection, tenant, ready)
    decided = _Decided([], 0, [])
    count = 0
    for at, event in enumerate(events):
        refused = event if isinstance(event, LodelineError) else _refusal(known, event)
        if refused is not None:
            decided.errors.append((at, refused))
        elif isinstance(event, PreparedEvent):
            if known.same(event) is None:
                decided.new.append(event)
                known.add(event)
            else:
                count += 1
    return _Decided(decided.new, count, decided.errors)


def _refusal(known: Known, event: PreparedEvent) -> LodelineError | None:
    """Why an event cannot stand beside what is known, if it cannot."""
    if known.same(event) is not None:
        return None
    try:
        known.check(event)
    except LodelineError as refused:
        return refused
    return None


def _told(errors: Iterable[tuple[int, LodelineError]]) -> tuple[JobError, ...]:
    return tuple(JobError(at, reason_of(refused)) for at, refused in list(errors)[:MAX_JOB_ERRORS])
