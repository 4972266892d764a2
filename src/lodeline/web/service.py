"""What the handlers of the HTTP service work with: the store, who may do what, and the settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lodeline.node.access.authenticating import Access
from lodeline.node.access.opening import opened_access
from lodeline.node.events.reading import CaptureLimits, Offered, ReadDocument, read_offered
from lodeline.node.events.reading_pool import ReadingPool
from lodeline.node.events.store import EventStore
from lodeline.node.lineage_desk import LineageDesk
from lodeline.node.workspace import Workspace
from lodeline.web.bringing import Bringing
from lodeline.web.settings import SETTINGS_FILE, WebSettings, read_settings
from lodeline.web.streams import Streams
from lodeline.web.telemetry import NO_TRACES, Traces, collector

__all__ = ["SETTINGS_FILE", "DocumentReader", "Service", "opened_service"]

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
    bringing: Bringing | None = None
    """Brings events to the ledger; nothing where that is done elsewhere, or not at all."""
    streams: Streams = field(default_factory=Streams)
    ledger_in: Workspace | None = None
    """Folder with the ledger that audit trails are compared with; nothing on a node without one."""
    lineage: LineageDesk | None = None
    """Answers about lots of the ledger; nothing on a node without one."""

    def captured(self) -> None:
        """Take note that something was captured."""
        if self.bringing is not None:
            self.bringing.wake()


@contextmanager
def opened_service(store: EventStore, folder: Path) -> Iterator[Service]:
    """Give the service of a folder, with readers for every processor; close what was opened.

    Args:
        store: of the folder's events; it is not closed.
        folder: with ``serve.toml`` and ``openid.toml`` where there are such.

    Raises:
        WebSettingsMalformed, FileUnreadable: the settings cannot be used.
        OpenIdSettingWrong, RoleUnknown, AccessNameMalformed: those of the issuer cannot.
    """
    settings = read_settings(folder / SETTINGS_FILE)
    with ExitStack() as stack:
        traces = collector(settings.traces) if settings.traces else NO_TRACES
        stack.callback(traces.close)
        access = stack.enter_context(opened_access(store, folder))
        processors = os.cpu_count() or 1
        if processors == 1:
            yield Service(store, access, settings, traces=traces)
            return
        pool = ReadingPool(processors)
        stack.callback(pool.close)
        yield Service(store, access, settings, pool, traces)
