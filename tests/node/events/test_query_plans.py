"""How SQLite answers the statements of queries: along indexes, never through all events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy import event as listening
from tests.node.events.documents import Json
from tests.node.events.test_query_pages import PLACES, fill

from lodeline.bench.query import KINDS, bench_query
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.store import EventStore, TenantName


@contextmanager
def plans_of(store: EventStore) -> Iterator[list[str]]:
    """What SQLite says of each statement that reads, while the block runs."""
    found: list[str] = []

    def explain(
        connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        if statement.startswith("SELECT") and "event" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(f"{row[3]} <- {statement}" for row in cursor.fetchall())

    listening.listen(store.engine, "before_cursor_execute", explain)
    yield found
    listening.remove(store.engine, "before_cursor_execute", explain)


WINDOW: Json = {"GE_eventTime": "2026-03-02T00:00:00Z", "LT_eventTime": "2026-03-27T00:00:00Z"}
CASES: dict[str, Json] = {
    "everything": {},
    "a lot": {"MATCH_anyEPCClass": ["urn:epc:class:lgtin:4012345.011111.L1"]},
    "a thing": {"MATCH_anyEPC": ["urn:epc:id:sgtin:4012345.011122.7"]},
    "a pattern": {"MATCH_epc": ["urn:epc:idpat:sgtin:4012345.*.*"]},
    "a place": {"EQ_readPoint": PLACES[:1]},
    "two places": {"EQ_readPoint": PLACES[:2]},
    "a place and a step": {"EQ_readPoint": PLACES[:1], "EQ_bizStep": ["shipping"]},
    "a window": WINDOW,
    "a place in a window": {**WINDOW, "EQ_readPoint": PLACES[:1]},
    "recorded since": {"GE_recordTime": "2026-03-01T08:00:00Z", "EQ_bizStep": ["shipping"]},
    "the latest of a place": {"EQ_readPoint": PLACES[:1], "orderBy": "eventTime"},
    "the first of a place": {
        "EQ_readPoint": PLACES[:1],
        "orderBy": "eventTime",
        "orderDirection": "ASC",
    },
    "the last recorded": {"orderBy": "recordTime"},
    "ids": {"EQ_eventID": ["urn:example:event:1", "urn:example:event:2"]},
    "declarations": {"EXISTS_errorDeclaration": True},
    "nothing an index knows": {"EQ_stringValue": ["nowhere"]},
}


@pytest.mark.parametrize("few", [5, 2_000])
@pytest.mark.parametrize("case", sorted(CASES))
def test_no_statement_goes_through_a_whole_table(
    sqlite_store: EventStore, case: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeline.node.events.planning.FEW", few)
    miner = sqlite_store.tenant(TenantName("miner"))
    fill(sqlite_store, miner, 300)
    with plans_of(sqlite_store) as plans:
        answer = run(sqlite_store, miner, parse_query(CASES[case]), Page(5))
        if answer.next is not None:
            run_next(sqlite_store, miner, answer.next.token, Page(5))
    assert plans
    whole = [plan for plan in plans if plan.startswith(("SCAN events", "SCAN event_terms"))]
    assert whole == []
    searched = [plan for plan in plans if plan.startswith("SEARCH events")]
    assert searched or not answer.events
    for plan in searched:
        assert "(rowid=?)" in plan or "INDEX" in plan
        fetches_bodies = "events.body" in plan
        assert not fetches_bodies or "USING INTEGER PRIMARY KEY" in plan


def test_the_walks_along_an_order_sort_nothing_they_do_not_return(
    sqlite_store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeline.node.events.planning.FEW", 5)
    miner = sqlite_store.tenant(TenantName("miner"))
    fill(sqlite_store, miner, 300)
    asked: list[Json] = [
        {"EQ_readPoint": PLACES[:1]},
        {"EQ_readPoint": PLACES[:2], "orderBy": "recordTime"},
        {"EQ_bizStep": ["shipping"], "orderBy": "eventTime"},
        {"EQ_bizStep": ["shipping"], "orderBy": "eventTime", "orderDirection": "ASC"},
    ]
    for parameters in asked:
        with plans_of(sqlite_store) as plans:
            run(sqlite_store, miner, parse_query(parameters), Page(5))
        walks = [plan for plan in plans if "LIMIT" in plan and "key" in plan]
        assert walks
        sorts = [plan for plan in walks if plan.startswith("USE TEMP B-TREE")]
        assert len(sorts) <= sum("anon_1.seq" in plan and "SCAN anon_1" in plan for plan in walks)


def test_the_measurement_measures_every_kind() -> None:
    told: list[str] = []
    figures = bench_query(2_000, 10, told.append)
    assert figures.events == 2_000
    assert set(figures.p50_ms) == set(figures.p99_ms) == set(KINDS) <= set(told)
    assert all(0 < figures.p50_ms[kind] <= figures.p99_ms[kind] for kind in KINDS)
