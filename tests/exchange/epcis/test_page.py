"""The page about EPCIS: its example runs, and its numbers are those of the tests."""

import re
from pathlib import Path

import pytest
from tests.exchange.epcis import test_vectors as vectors
from tests.exchange.epcis.samples import EXAMPLES, REFUSED_EXAMPLES, document, event

from lodeline.exchange.epcis import event_hash_id, read_json

PAGE = (Path(__file__).parents[3] / "docs" / "epcis.md").read_text("utf-8")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block, {"data": document(event())})
    said = capsys.readouterr().out.split()
    assert said[:3] == ["ObjectEvent", "2026-03-01T08:30:00.000+01:00", "shipping"]
    assert said[3].startswith("ni:///sha-256;")


def test_the_numbers_of_the_page_are_those_of_the_vectors() -> None:
    compared = sum(
        len(ids) for name, ids in vectors.RELEASED.items() if name not in REFUSED_EXAMPLES
    )
    same = compared - len(vectors.DIFFERENT)
    assert f"Of {compared} events with an id printed by release 1.9.3, {same} have" in PAGE
    sensors = sum(vectors.SENSORS in reasons for reasons in vectors.DIFFERENT.values())
    assert f"each of the others: {sensors} have sensors" in PAGE
    current = sum(map(len, vectors.CURRENT.values()))
    assert f"the {current} events of theirs that the tests have" in PAGE


def test_no_example_of_gs1_carries_the_id_that_it_should() -> None:
    ids = [
        (found.event_id, event_hash_id(found))
        for path in EXAMPLES
        if path.name not in REFUSED_EXAMPLES
        for found in read_json(path.read_bytes()).events
        if found.event_id is not None and found.event_id.startswith("ni:")
    ]
    assert f"any of the {len(ids)} that can be read" in PAGE
    assert not any(carried == computed for carried, computed in ids)
