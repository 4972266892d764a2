"""Figures of a running service, in the text format of Prometheus.

Labels are routes and statuses, never identifiers: their number is bounded, and they tell nothing of
a company's goods. How many events there are tells of its trade: whoever asks is told their own
company's, and of requests those of the whole service.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Select, Table, func, select

from lodeline.node.events.schema import DEAD_LETTERS, EVENT_STATES, FORGOTTEN, OUTBOX
from lodeline.node.events.store import EventStore, Tenant

__all__ = ["TEXT", "Metrics"]

TEXT: Final = "text/plain"
_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""
_NANO: Final = 1_000_000_000


class Metrics:
    """What is counted, for one application.

    Args:
        store: whose figures are read when somebody asks.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lodeline_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "lodeline_http_request_seconds",
            "Time from request to the end of the answer.",
            ("route",),
            buckets=_BOUNDS,
            registry=self._registry,
        )
        self.under_way = Gauge(
            "lodeline_http_requests_under_way",
            "Requests that are being answered.",
            registry=self._registry,
        )

    def note(self, method: str, route: str, status: int, nanoseconds: int) -> None:
        """Count one request that was answered."""
        known = method if method in {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(nanoseconds / _NANO)

    def text(self, tenant: Tenant) -> bytes:
        """Return the figures of the service, and those of one company, as they are now.

        Raises:
            StoreUnreachable: the store's own cannot be had.
        """
        own = CollectorRegistry()
        own.register(_StoreFigures(self._store, tenant))
        return generate_latest(own) + generate_latest(self._registry)


class _StoreFigures(Collector):
    """Figures of one company that are read from the store."""

    def __init__(self, store: EventStore, tenant: Tenant) -> None:
        self._store = store
        self._tenant = tenant

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the figures, without reading them."""
        yield GaugeMetricFamily("lodeline_events_captured", "Events that were ever captured.")
        yield GaugeMetricFamily("lodeline_outbox_waiting", "Entries on their way to the ledger.")
        yield GaugeMetricFamily("lodeline_dead_letters", "Reports that no destination took.")
        yield _by_state()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the figures."""
        waiting = _count(OUTBOX, self._tenant).where(OUTBOX.c.state.in_(["waiting", "sent"]))
        dead, gone = _count(DEAD_LETTERS, self._tenant), _count(FORGOTTEN, self._tenant)
        each = select(EVENT_STATES.c.state, func.count()).group_by(EVENT_STATES.c.state)
        own = each.where(EVENT_STATES.c.tenant == self._tenant.number)
        with self._store.reading() as connection:
            states = [(str(state), int(count)) for state, count in connection.execute(own)]
            values = [
                sum(count for _, count in states) + connection.execute(gone).scalar_one(),
                connection.execute(waiting).scalar_one(),
                connection.execute(dead).scalar_one(),
            ]
        *single, by_state = self.describe()
        for family, value in zip(single, values, strict=True):
            family.add_metric([], value)
            yield family
        for state, count in states:
            by_state.add_metric([state], count)
        yield by_state


def _count(table: Table, tenant: Tenant) -> Select[int]:
    return select(func.count()).select_from(table).where(table.c.tenant == tenant.number)


def _by_state() -> GaugeMetricFamily:
    about = "Events by how far they have come on their way to the ledger."
    return GaugeMetricFamily("lodeline_events", about, labels=("state",))
