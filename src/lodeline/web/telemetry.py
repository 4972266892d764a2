"""Traces of requests for OpenTelemetry: off unless the settings name a collector.

A span has the route, the method and the status of a request, and belongs to the trace that its
sender began (W3C Trace Context). Paths, queries and headers are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from typing import Final, Protocol

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["NO_TRACES", "Outcome", "Traces", "Tracing", "collector"]

_NAMES: Final = TraceContextTextMapPropagator()


class Outcome:
    """How a request ended, filled in while it is answered."""

    route: str = "none"
    status: int = 500


class Traces(Protocol):
    """Where spans of requests go."""

    def request(self, method: str, headers: Mapping[str, str]) -> AbstractContextManager[Outcome]:
        """Return a block around the answering of one request."""

    def close(self) -> None:
        """Send what is left."""


class _None:
    """No traces."""

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Outcome]:
        """Give an outcome that nobody reads."""
        del method, headers
        yield Outcome()

    def close(self) -> None:
        """Do nothing."""


NO_TRACES: Final[Traces] = _None()


class Tracing:
    """Traces to an exporter.

    Args:
        exporter: of spans; they are sent in batches, by a thread of its own.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        resource = Resource.create({"service.name": "lodeline", "service.version": _version()})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("lodeline.web")

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Outcome]:
        """Give an outcome, and make a span of it when the block ends."""
        context = _NAMES.extract(dict(headers))
        outcome = Outcome()
        with self._tracer.start_as_current_span(
            method, context=context, kind=SpanKind.SERVER, record_exception=False
        ) as span:
            try:
                yield outcome
            finally:
                span.update_name(f"{method} {outcome.route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", outcome.route)
                span.set_attribute("http.response.status_code", outcome.status)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def collector(url: str) -> Tracing:
    """Return traces to a collector that takes OTLP over HTTP."""
    return Tracing(OTLPSpanExporter(endpoint=url, timeout=5))


def _version() -> str:
    return version("lodeline")
