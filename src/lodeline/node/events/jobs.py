"""Capture jobs: what was offered, by whom, and what became of it.

A job is written in the transaction of its events, so it is finished when it can be seen. A document
whose text could not be read at all leaves no job: its sender has the refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

import orjson
from sqlalchemy import Connection, RowMapping, insert, select

from lodeline.node.events.moments import Micros
from lodeline.node.events.refusals import CaptureJobUnknown
from lodeline.node.events.schema import CAPTURE_JOBS
from lodeline.node.events.states import Reason
from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "MAX_JOB_ERRORS",
    "Behaviour",
    "CaptureId",
    "CaptureJob",
    "JobError",
    "JobNumber",
    "Who",
    "job",
    "jobs",
]

CaptureId = NewType("CaptureId", str)
"""Names a capture job to its sender: 32 hexadecimal digits, random."""
JobNumber = NewType("JobNumber", int)
"""Place of a job in the order of capture, over all tenants."""
Who = NewType("Who", str)
"""The account or token on whose behalf something is done, as the audit trail names it."""

MAX_JOB_ERRORS: Final = 200
"""Refusals that a job spells out; it counts the others."""


class Behaviour(StrEnum):
    """What becomes of a document's good events where others are refused."""

    ROLLBACK = "rollback"
    """All or nothing: the standard's default."""
    PROCEED = "proceed"
    """The good ones are taken."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why one event of a document was refused."""

    event: int
    """Place in the document, from 0."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """What became of a document."""

    number: JobNumber
    capture_id: CaptureId
    who: Who
    behaviour: Behaviour
    created: Micros
    finished: Micros
    success: bool
    """Whether no event was refused."""
    events: int
    """In the document."""
    captured: int
    """Written now."""
    known: int
    """In the store before, or earlier in the document."""
    refused: int
    """Not taken for what they are; by rollback the others are not taken either."""
    errors: tuple[JobError, ...]
    """The first `MAX_JOB_ERRORS` refusals."""


def job(store: EventStore, tenant: Tenant, capture_id: CaptureId) -> CaptureJob:
    """Return a job by its id.

    Raises:
        CaptureJobUnknown: the tenant has none of that id.
    """
    query = select(CAPTURE_JOBS).where(
        CAPTURE_JOBS.c.tenant == tenant.number, CAPTURE_JOBS.c.capture_id == capture_id
    )
    with store.reading() as connection:
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise CaptureJobUnknown(capture_id)
    return _job(row)


def jobs(
    store: EventStore, tenant: Tenant, *, before: JobNumber | None = None, limit: int
) -> Sequence[CaptureJob]:
    """Return the last jobs of a tenant, the latest first, or those before a number."""
    query = select(CAPTURE_JOBS).where(CAPTURE_JOBS.c.tenant == tenant.number)
    if before is not None:
        query = query.where(CAPTURE_JOBS.c.number < before)
    query = query.order_by(CAPTURE_JOBS.c.number.desc()).limit(limit)
    with store.reading() as connection:
        return [_job(row) for row in connection.execute(query).mappings()]


def put_job(connection: Connection, tenant: Tenant, finished: CaptureJob) -> None:
    """Write a job, in the transaction of its events."""
    connection.execute(
        _PUT,
        {
            "number": finished.number,
            "tenant": tenant.number,
            "capture_id": finished.capture_id,
            "who": finished.who,
            "behaviour": finished.behaviour.value,
            "created_us": finished.created,
            "finished_us": finished.finished,
            "success": int(finished.success),
            "events": finished.events,
            "captured": finished.captured,
            "known": finished.known,
            "refused": finished.refused,
            "errors": _written(finished.errors),
        },
    )


_PUT: Final = insert(CAPTURE_JOBS)


def _written(errors: Iterable[JobError]) -> str:
    return orjson.dumps(list(errors)).decode("utf-8")


def _job(row: RowMapping) -> CaptureJob:
    return CaptureJob(
        JobNumber(row["number"]),
        CaptureId(row["capture_id"]),
        Who(row["who"]),
        Behaviour(row["behaviour"]),
        Micros(row["created_us"]),
        Micros(row["finished_us"]),
        bool(row["success"]),
        row["events"],
        row["captured"],
        row["known"],
        row["refused"],
        tuple(
            JobError(error["event"], Reason(**error["reason"]))
            for error in orjson.loads(row["errors"])
        ),
    )
