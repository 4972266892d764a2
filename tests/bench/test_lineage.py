"""A made-up network is the same twice, and is asked the same questions in both ways."""

import dataclasses

import pytest

from lodeline.bench import lineage
from lodeline.bench.lineage import bench_lineage


def test_the_network_uses_each_lot_once_and_after_it_was_made() -> None:
    links = list(lineage._links(5_000))
    assert links == list(lineage._links(5_000))
    used = [lot for link in links for lot in link.inputs]
    assert used
    assert len(used) == len(set(used))
    assert all(lot < link.outputs.start for link in links for lot in link.inputs)
    made = [lot for link in links for lot in link.outputs]
    assert made == list(range(len(made)))


def test_the_figures_are_of_the_same_questions() -> None:
    """The measurement itself refuses a recall of which the database finds another number."""
    said: list[str] = []
    figures = bench_lineage(5_000, said.append)
    assert said[0] == "5,000 lots"
    assert figures.lots >= 5_000
    assert 0 < figures.trace_lots <= figures.lots
    assert 0 < figures.recall_lots <= figures.lots
    assert all(value > 0 for value in dataclasses.astuple(figures)[5:11])
    assert figures.file_bytes > 100 * figures.lots
    assert figures.open_ms > 0


def test_a_database_that_answers_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "_DOWNSTREAM", "SELECT ? WHERE 0")
    with pytest.raises(AssertionError):
        bench_lineage(2_000)
