"""Whatever happens in whatever order, every event is told, or kept as a dead letter, in order."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.events.conftest import SetClock
from tests.node.events.test_deliveries import (
    DOWN,
    EACH_MINUTE,
    STREAM,
    Hook,
    Killed,
    KilledAfter,
    Town,
    answered,
)

from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.dead_letters import dead_letters
from lodeline.node.events.store import EventStore, TenantName

STEPS = st.lists(
    st.sampled_from(["capture", "other", "deliver", "down", "large", "kill", "restart", "wait"]),
    max_size=25,
)


def happens(town: Town, step: str) -> None:
    if step in ("capture", "other"):
        town.capture(3, bizStep="shipping" if step == "capture" else "receiving")
    elif step == "deliver":
        town.deliver()
    elif step in ("down", "large"):
        town.hook.refusals.append(DOWN if step == "down" else answered(413))
    elif step == "restart":
        town.restart()
    elif step == "wait":
        town.clock.pass_seconds(60)
    else:
        killed(town)


def killed(town: Town) -> None:
    """A delivery is taken by its destination, and the node does not live to know."""
    hook = town.hook
    town.hook = KilledAfter(hook.refusals, hook.messages, hook.tried)
    town.restart()
    try:
        town.deliver()
    except Killed:
        assert hook.messages
    town.hook = Hook(hook.refusals, hook.messages, hook.tried)
    town.restart()


@pytest.mark.property
@given(steps=STEPS, scheduled=st.booleans())
@settings(max_examples=25, deadline=None, database=None)
def test_every_event_is_told_or_kept(*, steps: list[str], scheduled: bool) -> None:
    clock = SetClock()
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore(open_engine(sqlite_url(Path(folder) / "events.db")), clock)
        town = Town(store, clock, store.tenant(TenantName("miner")))
        made = town.subscribe(EACH_MINUTE if scheduled else STREAM)
        wanted: list[int] = []
        for step in steps:
            if step == "capture":
                wanted += range(town.last + 1, town.last + 4)
            happens(town, step)
        town.hook.refusals.clear()
        for _ in range(3):
            clock.pass_seconds(3_600)
            town.deliver()
        letters = dead_letters(store, town.tenant, made.subscription_id, limit=100)
        store.close()
    buried = {int(seq) for letter in letters for seq in letter.body.split(",")}
    told = list(dict.fromkeys(town.hook.seqs))
    assert told == [seq for seq in wanted if seq not in buried or seq in told]
    assert set(told) | buried == set(wanted)
