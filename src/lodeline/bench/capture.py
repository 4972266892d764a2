"""`lodeline bench capture`: events captured a second, beside what the machine could do at most.

Documents of 100 events come from several senders at once. An event counts when its document is
acknowledged: read, checked against the schema, hashed, indexed for queries and on the disk. The
floor is a program that does nothing but parse the same documents and insert the events' text, every
document synced. Single events show what sharing a commit is worth, and a few lots of ore what it
takes to bring events on: to prove them, and to have them on a ledger.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

import orjson
from sqlalchemy import func, select

from lodeline.bench.bringing import proved_events_per_s
from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.capture import capture_event, capture_read
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.reading import CaptureLimits, Offered
from lodeline.node.events.reading_pool import ReadingPool
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import EventStore, Tenant, TenantName
from lodeline.node.events.terms import TermKind, term_value

__all__ = ["CaptureFigures", "PeerNotMeasured", "bench_capture", "peer_events_per_s"]

_DOCUMENT: Final = 100
"""Events of one document."""
_SENDERS: Final = 8
_SINGLES: Final = 2_000
_SINGLE_SENDERS: Final = 32
_PROVED: Final = 10
"""Events that are brought to a ledger."""
_WHO: Final = Who("bench")
_PEER: Final = Path(__file__).resolve().parents[3] / "benchmarks" / "quartet" / "run.py"
_STEPS: Final = ("commissioning", "shipping", "receiving", "storing", "inspecting")


class PeerNotMeasured(LodelineError):
    """The program to compare with could not be run."""

    code: ClassVar[str] = "bench-peer-not-measured"
    en: ClassVar[str] = "the peer could not be measured: {reason}"
    fr: ClassVar[str] = "le pair n'a pas pu être mesuré : {reason}"
    advice_en: ClassVar[str] = "run benchmarks/quartet/run.py from a checkout and read what it says"
    advice_fr: ClassVar[str] = "lancez benchmarks/quartet/run.py depuis les sources et lisez-le"

    reason: str


@dataclass(frozen=True)
class CaptureFigures:
    """What capture does on this machine; rates in events a second."""

    processes: int
    events: int
    events_per_s: float
    """In documents of 100, checked, indexed and synced."""
    floor_events_per_s: float
    """The same documents, parsed and inserted, nothing else."""
    single_events_per_s: float
    """One by one, from 32 senders at once."""
    proved_events_per_s: float
    """Captured, mapped, proved, signed by three and on the embedded ledger, one after the other."""
    bytes_per_event: float
    """Of the database, indexes included."""


def bench_capture(
    documents: int = 500, progress: Callable[[str], None] = lambda _: None
) -> CaptureFigures:
    """Measure with so many documents of 100 events each."""
    processes = os.cpu_count() or 1
    progress("making documents")
    made = [_document(at) for at in range(documents)]
    with TemporaryDirectory() as folder:
        progress("floor: parse and insert")
        floor = _floor(Path(folder) / "floor.db", made)
        path = Path(folder) / "events.db"
        store = EventStore(open_engine(sqlite_url(path)))
        tenant = store.tenant(TenantName("bench"))
        progress(f"capturing {documents * _DOCUMENT:,} events with {processes} processes")
        seconds = _capture(store, tenant, made, processes)
        _check(store, tenant, documents)
        size = sum(file.stat().st_size for file in Path(folder).glob("events.db*"))
        progress("capturing single events")
        single = _singles(store, tenant, documents)
        progress(f"bringing {_PROVED} events to a ledger")
        proved = proved_events_per_s(Path(folder), store, _PROVED)
        store.close()
    count = documents * _DOCUMENT
    return CaptureFigures(
        processes=processes,
        events=count,
        events_per_s=round(count / seconds, 1),
        floor_events_per_s=round(count / floor, 1),
        single_events_per_s=round(_SINGLES / single, 1),
        proved_events_per_s=round(proved, 2),
        bytes_per_event=round(size / count, 1),
    )


def peer_events_per_s() -> float:
    """Return events a second of QU4RTET's parser and models on SQLite, in a venv of its own.

    Raises:
        PeerNotMeasured: the script is not there, or did not end well.
    """
    if not _PEER.exists():
        reason = f"{_PEER} is not there"
        raise PeerNotMeasured(reason)
    command = [sys.executable, str(_PEER)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own script
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise PeerNotMeasured("".join(last) or f"exit {done.returncode}")
    return float(json.loads(done.stdout)["events_per_s"])


def _capture(
    store: EventStore, tenant: Tenant, documents: Sequence[bytes], processes: int
) -> float:
    """Seconds from the first document to the last acknowledgement."""
    pool = ReadingPool(processes)
    limits = CaptureLimits()

    def send(data: bytes) -> None:
        read = pool(Offered(data), limits)
        capture_read(store, tenant, read, who=_WHO, behaviour=Behaviour.ROLLBACK)

    pool.wait_until_ready()
    with ThreadPoolExecutor(_SENDERS) as senders:
        start = time.perf_counter()
        list(senders.map(send, documents))
        seconds = time.perf_counter() - start
    pool.close()
    return seconds


def _singles(store: EventStore, tenant: Tenant, documents: int) -> float:
    first = documents * _DOCUMENT
    bodies = [orjson.dumps(_event(first + at)) for at in range(_SINGLES)]
    with ThreadPoolExecutor(_SINGLE_SENDERS) as senders:
        start = time.perf_counter()
        list(senders.map(lambda data: capture_event(store, tenant, Offered(data)), bodies))
        return time.perf_counter() - start


def _floor(path: Path, documents: Sequence[bytes]) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT) STRICT")
        start = time.perf_counter()
        for data in documents:
            events = orjson.loads(data)["epcisBody"]["eventList"]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO events (body) VALUES (?)",
                [(orjson.dumps(event).decode(),) for event in events],
            )
            connection.execute("COMMIT")
        return time.perf_counter() - start


def _check(store: EventStore, tenant: Tenant, documents: int) -> None:
    """Hold the store to what was acknowledged: every event is there, and the last can be found."""
    last = term_value(_epc(documents * _DOCUMENT - 1))
    query = select(EVENT_TERMS.c.seq).where(
        EVENT_TERMS.c.tenant == tenant.number,
        EVENT_TERMS.c.kind == TermKind.EPC,
        EVENT_TERMS.c.value == last,
    )
    with store.reading() as connection:
        count = connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()
        found = connection.execute(query).all()
    if count != documents * _DOCUMENT or len(found) != 1:
        raise AssertionError(count, len(found))


def _epc(at: int) -> str:
    return f"urn:epc:id:sgtin:4012345.011122.{at}"


def _document(at: int) -> bytes:
    first = at * _DOCUMENT
    return orjson.dumps(
        {
            "@context": [EPCIS_CONTEXT],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-03-01T08:00:00.000Z",
            "epcisBody": {"eventList": [_event(first + each) for each in range(_DOCUMENT)]},
        }
    )


def _event(at: int) -> dict[str, object]:
    """A bag of material that moves: one thing, its lot, two places, an order, two parties."""
    minutes, seconds = divmod(at, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return {
        "type": "ObjectEvent",
        "eventTime": f"2026-03-{1 + days % 28:02d}T{hours:02d}:{minutes:02d}:{seconds:02d}.000Z",
        "eventTimeZoneOffset": "+02:00",
        "epcList": [_epc(at)],
        "action": "OBSERVE",
        "bizStep": _STEPS[at % len(_STEPS)],
        "disposition": "in_progress",
        "readPoint": {"id": f"urn:epc:id:sgln:4012345.{at % 200:05d}.0"},
        "bizLocation": {"id": f"urn:epc:id:sgln:4012345.{at % 50:05d}.0"},
        "bizTransactionList": [
            {"type": "po", "bizTransaction": f"urn:epc:id:gdti:4012345.00001.{at // 20}"}
        ],
        "quantityList": [
            {
                "epcClass": f"urn:epc:class:lgtin:4012345.011111.L{at // 10}",
                "quantity": 1000.5,
                "uom": "KGM",
            }
        ],
        "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00001"}],
        "destinationList": [
            {"type": "owning_party", "destination": f"urn:epc:id:pgln:4000001.{at % 90:05d}"}
        ],
    }
