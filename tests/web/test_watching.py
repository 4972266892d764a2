"""What is noted of requests: lines of JSON, spans that belong to a trace, and figures."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.node.events.documents import document, event
from tests.web.conftest import Client, Site

from lodeline.web.app import build
from lodeline.web.logs import JsonLines, log_to
from lodeline.web.telemetry import Tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def quiet() -> Iterator[None]:
    """Loggers as they were before."""
    names = ("lodeline", "uvicorn")
    before = {name: list(logging.getLogger(name).handlers) for name in names}
    yield
    for name, handlers in before.items():
        logger = logging.getLogger(name)
        logger.handlers = handlers
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


def test_the_log_is_a_line_of_json_a_record(quiet: None) -> None:
    stream = io.StringIO()
    log_to(stream)
    logger = logging.getLogger("lodeline.web.access")
    logger.info("answered", extra={"route": "/events", "status": 200})
    logger.debug("not said")
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["level"], said["message"], said["route"]) == ("info", "answered", "/events")
    assert said["time"].endswith("Z")


def test_a_traceback_has_no_values_of_variables() -> None:
    secret = "lodeline_secret"
    try:
        raise ValueError(len(secret))
    except ValueError as raised:
        failure = raised
    record = logging.makeLogRecord(
        {"msg": "failed", "exc_info": (ValueError, failure, failure.__traceback__)}
    )
    said = json.loads(JsonLines().format(record))
    assert "ValueError: 15" in said["traceback"]
    assert "exc_text" not in said


def test_what_cannot_be_json_does_not_break_the_log() -> None:
    record = logging.makeLogRecord({"msg": "failed", "what": {1, 2}, "text": "\ud800"})
    said = json.loads(JsonLines().format(record))
    assert "1" in said["what"]


def test_a_request_is_a_span_of_the_senders_trace(site: Site) -> None:
    exporter = InMemorySpanExporter()
    traces = Tracing(exporter)
    traced = replace(site, client=Client(build(replace(site.service, traces=traces))))
    traced.post("/capture", document(event(1)))
    traced.get("/events?EQ_bizStep=shipping", traceparent=PARENT)
    traced.get("/nothing")
    traced.client.close()
    traces.close()
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["POST /capture", "GET /events", "GET none"]
    found = spans[1]
    assert found.parent is not None
    assert f"{found.parent.trace_id:032x}" == PARENT.split("-")[1]
    assert dict(found.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/events",
        "http.response.status_code": 200,
    }


def test_figures_count_what_was_answered(site: Site) -> None:
    for _ in range(3):
        site.get("/events")
    site.get("/nothing")
    site.ask("BREW", "/events", "ada", {}, None)
    figures = site.get("/metrics").text
    counted = 'lodeline_http_requests_total{method="GET",route="/events",status="200"} 3.0'
    assert counted in figures
    assert 'method="GET",route="none",status="404"' in figures
    assert 'method="other",route="/events",status="405"' in figures
    assert "lodeline_http_requests_under_way 1.0" in figures
