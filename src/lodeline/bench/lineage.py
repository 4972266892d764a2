"""`lodeline bench lineage`: ancestry and recall in a network of a million lots.

The network is made up by a fixed seed: open lots wait in a pool, and each step takes up to three of
them at random and makes up to three, or mines some from nothing. Of a sample, those lots are asked
about whose ancestry comes nearest to 850 lots, and the one whose recall comes nearest to 262,144.
Each time is of a whole call on `LineageIndex`, from ids to numbers, the median of many on a warm
index; a recall with the ids of all that was found is a figure of its own. Beside them stand the
same questions put to SQLite as a recursive query with UNION, over a table of edges with an index in
each direction, answering lots by number.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from lodeline.kernel.ids import FormName, Hash32, LotId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import Making, MakingKind
from lodeline.lineage.book import LineageBook, Place
from lodeline.lineage.file import open_book, write_book
from lodeline.lineage.index import LineageIndex, Link

__all__ = ["LineageFigures", "bench_lineage"]

_A = TypeVar("_A")

MILLION: Final = 1_000_000
_TRACE: Final = 850
_RECALL: Final = 262_144
_SAMPLE: Final = 2_000
_TRACES: Final = 50
_ORIGINS: Final = 100
_RECALLS: Final = 15
_QUERIES: Final = 3
_BATCH: Final = 10_000
"""Steps that are added to the index at a time, as when a log is followed part by part."""
_FORM: Final = FormName("lot")
_MINED: Final = 0.3
"""The share of steps that use nothing up."""
_OPEN: Final = 1_000
"""How many lots wait in the pool before any is used."""

_SCHEMA: Final = "CREATE TABLE edges (source INTEGER NOT NULL, target INTEGER NOT NULL)"
_INDEXES: Final = (
    "CREATE INDEX edges_down ON edges (source, target)",
    "CREATE INDEX edges_up ON edges (target, source)",
)
_UPSTREAM: Final = """
WITH RECURSIVE reach (lot) AS (
    VALUES (?)
    UNION SELECT edges.source FROM reach JOIN edges ON edges.target = reach.lot
) SELECT lot FROM reach
"""
_DOWNSTREAM: Final = """
WITH RECURSIVE reach (lot) AS (
    VALUES (?)
    UNION SELECT edges.target FROM reach JOIN edges ON edges.source = reach.lot
) SELECT lot FROM reach
"""


@dataclass(frozen=True)
class LineageFigures:
    """How long walks take on this machine; times of a walk in milliseconds, sizes in bytes."""

    lots: int
    steps: int
    edges: int
    """From each lot that a step used to each that it made."""
    build_s: float
    """Adding every step, ids and all, ten thousand at a time; making ids up is not in it."""
    memory_bytes: int
    trace_lots: int
    """In the median of the ancestries asked for."""
    trace_850_ms: float
    trace_850_p99_ms: float
    recall_lots: int
    recall_262k_ms: float
    recall_262k_ids_ms: float
    """With the ids of all lots found."""
    cte_build_s: float
    cte_bytes: int
    cte_trace_850_ms: float
    cte_recall_262k_ms: float
    file_bytes: int
    """Of the file in which a node keeps all this, with what it knows of lots and steps."""
    write_s: float
    open_ms: float
    """Opening that file, with every sum compared; the file is in the system's cache."""


@dataclass(frozen=True)
class _Link:
    """A step of the network, lots by number."""

    inputs: tuple[int, ...]
    outputs: range


def bench_lineage(
    lots: int = MILLION, progress: Callable[[str], None] = lambda _: None
) -> LineageFigures:
    """Measure with so many lots; a smaller network has smaller questions, and says so."""
    progress(f"{lots:,} lots")
    book, edges, built = _booked(lots)
    index = book.index
    progress("walks")
    traced, origin = _near_trace(index), _near_recall(index)
    traces = [_ms(index.upstream, _lot(lot)) for lot in traced]
    roots = [_lot(origin)]
    reach = index.downstream(roots)
    recalls = [_ms(index.downstream, roots) for _ in range(_RECALLS)]
    named = [_ms(index.lots_of, reach) for _ in range(_RECALLS)]
    beside = _queried(lots, traced, origin, len(reach.lots), progress)
    kept = _kept(book)
    sizes = [len(index.upstream(_lot(lot)).lots) for lot in traced]
    return LineageFigures(
        index.lots,
        index.steps,
        edges,
        round(built, 1),
        index.memory_bytes,
        round(statistics.median(sizes)),
        _median(traces),
        round(sorted(traces)[len(traces) * 99 // 100], 2),
        len(reach.lots),
        _median(recalls),
        round(_median(recalls) + _median(named), 2),
        beside.build_s,
        beside.bytes,
        beside.trace_ms,
        beside.recall_ms,
        kept.bytes,
        kept.write_s,
        kept.open_ms,
    )


# ------------------------------------------------------------------ the network


def _links(lots: int) -> Iterator[_Link]:
    """Steps until there are so many lots: the same at every call."""
    chosen = random.Random(7)  # noqa: S311 - a made-up network, not a secret
    pool: list[int] = []
    made = 0
    while made < lots:
        inputs: tuple[int, ...] = ()
        if len(pool) > _OPEN and chosen.random() > _MINED:
            inputs = tuple(_taken(pool, chosen) for _ in range(chosen.randint(1, 3)))
        outputs = range(made, made + chosen.randint(1, 3))
        made = outputs.stop
        pool.extend(outputs)
        yield _Link(inputs, outputs)


def _taken(pool: list[int], chosen: random.Random) -> int:
    """Take a lot out of the pool; the last one takes its place."""
    at = chosen.randrange(len(pool))
    pool[at], pool[-1] = pool[-1], pool[at]
    return pool.pop()


def _booked(lots: int) -> tuple[LineageBook, int, float]:
    """Return a book of the network, how many edges there are, and what its index took to build."""
    book, edges, taken = LineageBook(), 0, 0.0
    steps = enumerate(_links(lots))
    while batch := list(islice(steps, _BATCH)):
        links = [
            Link(_id(b"step", step), tuple(map(_lot, link.inputs)), tuple(map(_lot, link.outputs)))
            for step, link in batch
        ]
        edges += sum(len(link.inputs) * len(link.outputs) for link in links)
        taken += _ms(book.index.extend, links) / 1_000
        book.entries.extend([EntryId(link.step) for link in links])
        makings = [_making(link, step) for link, (step, _) in zip(links, batch, strict=True)]
        book.facts.extend(makings, [_FORM] * sum(len(link.outputs) for link in links))
    taken += _ms(lambda _: book.index.fold(), None) / 1_000
    book.place = Place(book.index.steps, _id(b"root", 0))
    return book, edges, taken


def _making(link: Link, index: int) -> Making:
    return Making(
        MakingKind.TRANSFORM,
        EntryId(link.step),
        index,
        BlockTime(index),
        link.inputs,
        link.outputs,
        None,
        "",
        None,
        site_signed=False,
        signers=(),
        reversed_by=None,
        corrections=(),
    )


def _lot(number: int) -> LotId:
    return LotId(_id(b"lot", number))


def _id(kind: bytes, number: int) -> Hash32:
    return Hash32(hashlib.sha256(b"%s %d" % (kind, number)).digest())


# ------------------------------------------------------------------ the questions


def _near_trace(index: LineageIndex) -> list[int]:
    """Return the lots of a sample whose ancestries are the nearest to 850 lots."""
    chosen = random.Random(11)  # noqa: S311 - a choice of questions, not a secret
    sample = [chosen.randrange(index.lots) for _ in range(_SAMPLE)]
    off = {lot: abs(len(index.upstream(_lot(lot)).lots) - _TRACE) for lot in sample}
    return sorted(off, key=lambda lot: (off[lot], lot))[:_TRACES]


def _near_recall(index: LineageIndex) -> int:
    """Return the lot, of a sample of the earliest, that most nearly 262,144 lots came of."""
    chosen = random.Random(13)  # noqa: S311 - a choice of questions, not a secret
    sample = [chosen.randrange(max(index.lots // 100, 1)) for _ in range(_ORIGINS)]
    off = {lot: abs(len(index.downstream([_lot(lot)]).lots) - _RECALL) for lot in sample}
    return min(off, key=lambda lot: (off[lot], lot))


def _ms(call: Callable[[_A], object], argument: _A) -> float:
    """Milliseconds that a call takes."""
    began = time.perf_counter()
    call(argument)
    return 1_000 * (time.perf_counter() - began)


def _median(times: list[float]) -> float:
    return round(statistics.median(times), 2)


# ------------------------------------------------------------------ in a file


@dataclass(frozen=True)
class _Kept:
    bytes: int
    write_s: float
    open_ms: float


def _kept(book: LineageBook) -> _Kept:
    """Write a book and open it again, several times."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.index"
        written = _ms(lambda to: write_book(to, book), path) / 1_000
        opened = [_ms(open_book, path) for _ in range(_QUERIES)]
        return _Kept(path.stat().st_size, round(written, 2), _median(opened))


# ------------------------------------------------------------------ beside it, a database


@dataclass(frozen=True)
class _Queried:
    """What a recursive query takes."""

    build_s: float
    bytes: int
    trace_ms: float
    recall_ms: float


def _queried(
    lots: int, traced: list[int], origin: int, reached: int, progress: Callable[[str], None]
) -> _Queried:
    """Put the same questions to SQLite; it must find as many lots."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "edges.db"
        with closing(sqlite3.connect(path)) as database:
            progress("table of edges")
            began = time.perf_counter()
            _fill(database, lots)
            built = time.perf_counter() - began
            progress("queries")
            traces = [_ask(database, _UPSTREAM, lot)[0] for lot in traced]
            recalls = [_ask(database, _DOWNSTREAM, origin) for _ in range(_QUERIES)]
        size = path.stat().st_size
    if {found for _, found in recalls} != {reached}:
        raise AssertionError(recalls, reached)
    times = [taken for taken, _ in recalls]
    return _Queried(round(built, 1), size, _median(traces), _median(times))


def _fill(database: sqlite3.Connection, lots: int) -> None:
    database.execute(_SCHEMA)
    database.executemany(
        "INSERT INTO edges VALUES (?, ?)",
        (
            (source, target)
            for link in _links(lots)
            for source in link.inputs
            for target in link.outputs
        ),
    )
    for statement in (*_INDEXES, "ANALYZE"):
        database.execute(statement)
    database.commit()


def _ask(database: sqlite3.Connection, query: str, root: int) -> tuple[float, int]:
    """Return the milliseconds that a query takes with all its rows, and how many there are."""
    began = time.perf_counter()
    found = len(database.execute(query, (root,)).fetchall())
    return 1_000 * (time.perf_counter() - began), found
