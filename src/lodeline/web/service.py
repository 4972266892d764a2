"""What the handlers of the HTTP service work with: the store, who may do what, and the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lodeline.node.access.authenticating import Access
from lodeline.node.events.reading import CaptureLimits, Offered, ReadDocument, read_offered
from lodeline.node.events.store import EventStore
from lodeline.web.settings import WebSettings
from lodeline.web.telemetry import NO_TRACES, Traces

__all__ = ["DocumentReader", "Service"]

DocumentReader = Callable[[Offered, CaptureLimits], ReadDocument]
"""Reads documents, here (`read_offered`) or in other processes (`ReadingPool`)."""


@dataclass(frozen=True)
class Service:
    """One node, as its handlers see it. Whoever makes it closes the store."""

    store: EventStore
    access: Access
    settings: WebSettings = field(default_factory=WebSettings)
    reader: DocumentReader = read_offered
    traces: Traces = NO_TRACES
