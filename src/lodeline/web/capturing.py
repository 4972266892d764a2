"""Capture over HTTP: documents with a job each, and single events (EPCIS 2.0, section 12.6).

What is answered is durable. Sending again is safe: an event that is there is known by its content,
so a lost answer costs nothing but the second request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.responses import Response

from lodeline.kernel.errors import Lang, all_errors
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note, record
from lodeline.node.events.capture import capture_event, capture_read
from lodeline.node.events.jobs import Behaviour, CaptureId, CaptureJob, JobError, job
from lodeline.node.events.moments import moment_text
from lodeline.node.events.reading import Offered, content_type
from lodeline.web.asking import Asked, epcis_headers, segment
from lodeline.web.operations import (
    DOCUMENT,
    EPCIS_MEDIA,
    JSON_MEDIA,
    Answer,
    Operation,
)
from lodeline.web.parameters import BEHAVIOUR, CAPTURE_ID, IF_NONE_MATCH, PREFER
from lodeline.web.problems import standard_name, xml_of
from lodeline.web.refusals import BehaviourUnknown, PreconditionFailed

__all__ = ["JOB", "OPERATIONS", "job_members"]

_ALL: Final = 2**40
_ATTRIBUTES: Final = frozenset({"captureID", "running", "success"})
"""Members of a job that are attributes in XML (EPCIS 2.0, OpenAPI document, ``CaptureJob``)."""


def _capture(asked: Asked) -> Response:
    """Take a document; by the time of the answer its job is finished."""
    offered = _offered(asked)
    behaviour = _behaviour(asked)
    document = asked.service.reader(offered, asked.service.settings.capture)
    done = capture_read(asked.store, asked.tenant, document, who=asked.who, behaviour=behaviour)
    asked.service.captured()
    headers = {
        **epcis_headers(),
        "Location": asked.url(f"/capture/{done.capture_id}"),
        "GS1-Capture-Error-Behaviour": behaviour.value,
    }
    if asked.prefers("return=minimal"):
        headers["Preference-Applied"] = "return=minimal"
        return Response(status_code=202, headers=headers)
    return Response(orjson.dumps(job_members(done, asked.lang)), 202, headers, asked.media)


def _capture_one(asked: Asked) -> Response:
    """Take one event; sent again, it has the same answer, unless only a new one is wanted."""
    limits = asked.service.settings.capture
    done = capture_event(asked.store, asked.tenant, _offered(asked), limits)
    asked.service.captured()
    if not done.is_new and asked.request.headers.get("if-none-match", "").strip() == "*":
        raise PreconditionFailed(done.event_id)
    headers = {
        **epcis_headers(),
        "Location": asked.url(f"/events/{segment(done.event_id)}"),
    }
    event, is_minimal = (
        asked.store.event(asked.tenant, done.event_id),
        asked.prefers("return=minimal"),
    )
    if done.is_new or not is_minimal:  # there is no job that says who captured it
        act = Act.CAPTURED if done.is_new else Act.READ
        record(asked.store, asked.tenant, [Note(asked.who, act, event.event_id, [event.seq])])
    if is_minimal:
        headers["Preference-Applied"] = "return=minimal"
        return Response(status_code=201, headers=headers)
    return Response(event.body, 201, headers, asked.media)


def _offered(asked: Asked) -> Offered:
    kind = content_type(asked.request.headers.get("content-type", ""))
    return Offered(asked.body, kind, asked.extensions)


def _behaviour(asked: Asked) -> Behaviour:
    found = asked.request.headers.get("gs1-capture-error-behaviour", "rollback").strip()
    try:
        return Behaviour(found)
    except ValueError:
        raise BehaviourUnknown(found[:64]) from None


def _job(asked: Asked) -> Response:
    """Show what became of a document."""
    done = job(asked.store, asked.tenant, CaptureId(asked.values["captureID"]))
    found = job_members(done, asked.lang)
    as_xml = asked.media.endswith("xml")
    body = xml_of("EPCISCaptureJob", found, _ATTRIBUTES) if as_xml else orjson.dumps(found)
    return Response(body, 200, epcis_headers(), asked.media)


def job_members(done: CaptureJob, lang: Lang) -> dict[str, object]:
    """Return a job as the standard writes it, with counts beside, its reasons in a language."""
    return {
        "captureID": done.capture_id,
        "createdAt": moment_text(done.created),
        "finishedAt": moment_text(done.finished),
        "running": False,
        "success": done.success,
        "captureErrorBehaviour": done.behaviour.value,
        "errors": [_error(error, lang) for error in done.errors],
        "events": done.events,
        "captured": done.captured,
        "known": done.known,
        "refused": done.refused,
    }


def _error(error: JobError, lang: Lang) -> dict[str, object]:
    refusal = all_errors().get(error.reason.code)
    name, status = (None, 422) if refusal is None else standard_name(refusal)
    code = error.reason.code
    return {
        "type": f"urn:lodeline:problem:{code}" if name is None else f"epcisException:{name}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": error.reason.fr if lang == "fr" else error.reason.en,
        "advice": error.reason.advice_fr if lang == "fr" else error.reason.advice_en,
        "code": code,
        "event": error.event,
    }


JOB: Final = {"$ref": "#/components/schemas/CaptureJob"}

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="POST",
        path="/capture",
        summary="Capture a document of events.",
        handler=_capture,
        scope=Scope.EVENTS_CAPTURE,
        takes=EPCIS_MEDIA,
        body=DOCUMENT,
        max_body=_ALL,
        parameters=(BEHAVIOUR, PREFER),
        answers=(Answer(202, "Captured, as the job tells.", JOB, ("Location",)),),
        refusals=(400, 413, 415),
    ),
    Operation(
        method="GET",
        path="/capture/{captureID}",
        summary="Show what became of a document.",
        handler=_job,
        scope=Scope.EVENTS_CAPTURE,
        gives=EPCIS_MEDIA,
        parameters=(CAPTURE_ID,),
        answers=(Answer(200, "The job.", JOB),),
        refusals=(404,),
    ),
    Operation(
        method="POST",
        path="/events",
        summary="Capture one event.",
        handler=_capture_one,
        scope=Scope.EVENTS_CAPTURE,
        takes=EPCIS_MEDIA,
        gives=JSON_MEDIA,
        body=DOCUMENT,
        max_body=_ALL,
        parameters=(PREFER, IF_NONE_MATCH),
        answers=(Answer(201, "In the store.", DOCUMENT, ("Location",)),),
        refusals=(400, 409, 412, 413, 415),
    ),
)
