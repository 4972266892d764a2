"""The standard's own examples go into a store, each event once, and come out as they went in."""

import json
from pathlib import Path

import pytest

from lodeline.exchange.epcis import read_json
from lodeline.exchange.epcis.errors import ContextRefused, JsonKeyTwice
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.reading import Offered
from lodeline.node.events.store import EventStore, Seq, TenantName

FOLDER = Path(__file__).resolve().parents[2] / "exchange" / "epcis" / "examples"
EXAMPLES = sorted(FOLDER.glob("*.jsonld"))
WRONG: dict[str, type[LodelineError]] = {
    "AssociationEvent-h.jsonld": JsonKeyTwice,
    "transformation_event_all_possible_fields.jsonld": ContextRefused,
}
"""Examples that break the standard themselves; `docs/epcis.md` says how."""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_goes_in_once_and_comes_out_as_it_was(
    sqlite_store: EventStore, example: Path
) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    offered = Offered(example.read_bytes())
    if example.name in WRONG:
        with pytest.raises(WRONG[example.name]):
            capture(sqlite_store, tenant, offered, who=Who("clerk"))
        return
    done = capture(sqlite_store, tenant, offered, who=Who("clerk"), behaviour=Behaviour.PROCEED)
    assert done.success, done.errors
    again = capture(sqlite_store, tenant, offered, who=Who("clerk"))
    assert (again.captured, again.known) == (0, done.events)
    kept = sqlite_store.events_after(tenant, Seq(0), 99)
    assert len(kept) == done.captured
    sent = [one.value for one in read_json(offered.data).events]
    for one in kept:
        (found,) = read_json(one.body.encode()).events
        plain = {**found.value}
        del plain["recordTime"], plain["eventID"]
        assert any(
            plain == {k: v for k, v in value.items() if k not in {"recordTime", "eventID"}}
            for value in sent
        ), json.loads(one.body)
