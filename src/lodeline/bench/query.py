"""`lodeline bench query`: queries over a million events in SQLite, by what they ask for.

Events are made up and written straight into the tables: lots of several products that go from place
to place between parties, five events a lot, over three years. Each figure is of whole calls, from
the parsed query to the events of the first page of 30, on a warm database. ``deep_page`` is the
same page 30 behind half of all events, by its token.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import orjson
from sqlalchemy import Connection

from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.parameters import MAX_PER_PAGE, parse_query
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import EventStore, Tenant, TenantName, take_numbers
from lodeline.node.events.terms import terms_of
from lodeline.node.events.writing import put_rows

__all__ = ["KINDS", "QueryFigures", "bench_query"]

MILLION: Final = 1_000_000
_CHUNK: Final = 50_000
_PLACES: Final = 120
_PARTIES: Final = 40
_PRODUCTS: Final = 300
_EVENTS_A_LOT: Final = 5
_STEPS: Final = ("commissioning", "shipping", "receiving", "storing", "inspecting")
_START: Final = 1_672_531_200_000_000
"""2023-01-01T00:00:00Z."""
_YEARS_US: Final = 3 * 365 * 86_400 * 1_000_000
_HOUR_US: Final = 3_600 * 1_000_000
_DAY_US: Final = 24 * _HOUR_US

KINDS: Final = (
    "lot",
    "time_window",
    "place",
    "place_latest",
    "party",
    "party_month",
    "deep_page",
)
"""What is measured, each for itself."""


@dataclass(frozen=True)
class QueryFigures:
    """How long queries take on this machine; times in milliseconds, sizes in bytes."""

    events: int
    build_s: float
    database_bytes: int
    queries_of_each: int
    p50_ms: dict[str, float]
    p99_ms: dict[str, float]


def bench_query(
    events: int = MILLION,
    queries: int = 300,
    progress: Callable[[str], None] = lambda _: None,
) -> QueryFigures:
    """Measure with so many events and so many queries of each kind."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.db"
        store = EventStore(open_engine(sqlite_url(path)))
        tenant = store.tenant(TenantName("bench"))
        progress(f"{events:,} events")
        began = time.perf_counter()
        _fill(store, tenant, events)
        built = time.perf_counter() - began
        asks = _Asks(store, tenant, events)
        taken = {}
        for kind in KINDS:
            progress(kind)
            # What the first queries read from the disk is not of them.
            every = list(asks.times(kind, queries + queries // 10))
            taken[kind] = sorted(every[queries // 10 :])
        size = sum(part.stat().st_size for part in path.parent.iterdir())
        store.close()
    return QueryFigures(
        events,
        round(built, 1),
        size,
        queries,
        {kind: _rank(times, 0.5) for kind, times in taken.items()},
        {kind: _rank(times, 0.99) for kind, times in taken.items()},
    )


def _rank(times: list[float], share: float) -> float:
    """The time below which a share of all lies, in milliseconds."""
    return round(1_000 * times[min(int(len(times) * share), len(times) - 1)], 2)


class _Asks:
    """Queries of each kind, chosen by a fixed seed, and how long each takes."""

    def __init__(self, store: EventStore, tenant: Tenant, events: int) -> None:
        self._store = store
        self._tenant = tenant
        self._events = events
        self._random = random.Random(7)  # noqa: S311 - a choice of questions, not a secret

    def times(self, kind: str, count: int) -> Iterator[float]:
        """Seconds that each query of a kind takes."""
        if kind == "deep_page":
            yield from self._deep(count)
            return
        for _ in range(count):
            query = parse_query(self._query(kind))
            began = time.perf_counter()
            run(self._store, self._tenant, query)
            yield time.perf_counter() - began

    def _query(self, kind: str) -> JsonObject:
        pick = self._random.randrange
        place: list[JsonValue] = [_place(pick(_PLACES))]
        party: list[JsonValue] = [_party(pick(_PARTIES))]
        since = _START + pick(_YEARS_US)
        if kind == "lot":
            return {"MATCH_anyEPCClass": [_lot(pick(self._events // _EVENTS_A_LOT or 1))]}
        if kind == "time_window":
            return _between(since, _HOUR_US)
        if kind == "place":
            return {"EQ_bizLocation": place}
        if kind == "place_latest":
            return {"EQ_bizLocation": place, "orderBy": "eventTime", "eventCountLimit": 30}
        if kind == "party":
            return {"EQ_source_possessing_party": party}
        return {"EQ_destination_possessing_party": party, **_between(since, 30 * _DAY_US)}

    def _deep(self, count: int) -> Iterator[float]:
        """Pages of 30, one after another, from the middle of all events on."""
        query = parse_query({"eventType": ["ObjectEvent"]})
        answer = run(self._store, self._tenant, query, Page(MAX_PER_PAGE))
        for _ in range(self._events // 2 // MAX_PER_PAGE - 1):
            if answer.next is not None:
                answer = run_next(self._store, self._tenant, answer.next.token, Page(MAX_PER_PAGE))
        for _ in range(count):
            if answer.next is None:
                return
            began = time.perf_counter()
            answer = run_next(self._store, self._tenant, answer.next.token)
            yield time.perf_counter() - began


# ------------------------------------------------------------------ made-up events


def _place(number: int) -> str:
    return f"https://id.gs1.org/414/{4_012_345_000_000 + number}"


def _party(number: int) -> str:
    return f"https://id.gs1.org/417/{4_099_999_000_000 + number}"


def _lot(number: int) -> str:
    product = 4_012_345_000_000 + number % _PRODUCTS
    return f"https://id.gs1.org/01/0{product}/10/L{number}"


def _between(since: int, length: int) -> JsonObject:
    return {
        "GE_eventTime": moment_text(Micros(since)),
        "LT_eventTime": moment_text(Micros(since + length)),
    }


def _fill(store: EventStore, tenant: Tenant, count: int) -> None:
    """Write events with their terms, many to a transaction."""
    chosen = random.Random(1)  # noqa: S311 - made-up events
    for first in range(0, count, _CHUNK):
        size = min(_CHUNK, count - first)

        def work(connection: Connection, first: int = first, size: int = size) -> None:
            seqs = take_numbers(connection, "events", size)
            rows: list[tuple[int | str | None, ...]] = []
            terms: list[tuple[int | str | None, ...]] = []
            for seq, number in zip(seqs, range(first, first + size), strict=True):
                value = _event(number, count, chosen)
                rows.append(_row(tenant, seq, value))
                terms.extend(
                    (tenant.number, kind, each, seq)
                    for kind, each in sorted(terms_of(Event(value)))
                )
            terms.sort()
            put_rows(connection, EVENTS, rows)
            put_rows(connection, EVENT_TERMS, terms)

        store.write(work)


def _event(number: int, count: int, chosen: random.Random) -> JsonObject:
    """One step of a lot; lots of all products are under way at the same time."""
    lots = max(count // _EVENTS_A_LOT, 1)
    step, lot = divmod(number, lots)
    moment = _START + number * (_YEARS_US // count) + chosen.randrange(_DAY_US)
    seller, buyer = chosen.randrange(_PARTIES), chosen.randrange(_PARTIES)
    return {
        "type": "ObjectEvent" if step else "TransformationEvent",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "eventTime": moment_text(Micros(moment)),
        "eventTimeZoneOffset": "+00:00",
        "recordTime": moment_text(Micros(_START + number)),
        "action": "OBSERVE",
        "bizStep": _STEPS[step % len(_STEPS)],
        "disposition": "in_transit" if step % 2 else "active",
        "readPoint": {"id": _place(chosen.randrange(_PLACES))},
        "bizLocation": {"id": _place(chosen.randrange(_PLACES))},
        "quantityList": [{"epcClass": _lot(lot), "quantity": 1 + number % 900, "uom": "KGM"}],
        "bizTransactionList": [{"type": "po", "bizTransaction": f"urn:example:po:{number // 3}"}],
        "sourceList": [{"type": "possessing_party", "source": _party(seller)}],
        "destinationList": [{"type": "possessing_party", "destination": _party(buyer)}],
    }


def _row(tenant: Tenant, seq: int, value: JsonObject) -> tuple[int | str | None, ...]:
    """A row of `EVENTS`, in the order of its columns."""
    event = Event(value)
    return (
        seq,
        tenant.number,
        event.event_id,
        None,
        "",
        event.type,
        event.action,
        micros("eventTime", event.event_time),
        _START + seq,
        event.biz_step,
        event.disposition,
        event.read_point,
        event.biz_location,
        None,
        None,
        orjson.dumps(value).decode("utf-8"),
    )
