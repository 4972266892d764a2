"""The measurement of capture measures what it says, on a small scale."""

import dataclasses

import pytest
from tests.node.events.documents import bare

from lodeline.bench import capture as bench
from lodeline.exchange.epcis import read_json


@pytest.mark.slow
def test_figures_are_measured_and_every_event_is_there() -> None:
    """`bench_capture` itself fails unless every event is stored and can be found."""
    said: list[str] = []
    found = bench.bench_capture(10, said.append)
    assert found.events == 1_000
    assert all(value > 0 for value in dataclasses.asdict(found).values())
    assert len(said) > 3


def test_its_events_are_all_different_and_right() -> None:
    ids = set()
    for at in (0, 1, 59, 60, 3_600, 86_400, 999_999):
        (one,) = read_json(bare(dict(bench._event(at)))).events
        ids.add(str(one.value))
    assert len(ids) == 7


def test_a_peer_that_is_not_there_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_PEER", bench._PEER.with_name("none.py"))
    with pytest.raises(bench.PeerNotMeasured) as refused:
        bench.peer_events_per_s()
    assert "none.py" in refused.value.reason
