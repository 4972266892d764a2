"""`lodeline events list` and `watch` on the events of one folder."""

import json
from pathlib import Path

import pytest
from tests.cli.sessions import lodeline
from tests.cli.test_event_store import MINER, home  # noqa: F401 - the fixture
from tests.node.events.conftest import START, SetClock

from lodeline.cli.refusals import OK, REFUSED, USAGE
from lodeline.node.events.moments import Micros
from lodeline.node.events.opening import opened_store
from lodeline.node.events.refusals import EventIdTaken
from lodeline.node.events.states import EventState, Move, move_state, reason_of
from lodeline.node.events.store import Seq
from lodeline.node.workspace import DEFAULT_FOLDER, Workspace

WHY = reason_of(EventIdTaken("lot-7", "b", "c"))


@pytest.fixture
def held(home: Path) -> Path:  # noqa: F811 - the fixture
    """The folder with a third event that is held, an hour later."""
    with opened_store(Workspace(home / DEFAULT_FOLDER), None, SetClock()) as store:
        tenant = store.tenant(MINER)
        move = Move(EventState.HELD, Micros(START + 3_600_000_000), WHY)
        store.write(lambda c: move_state(c, tenant, [Seq(3)], move))
    return home


def listed(*words: str) -> list[tuple[int, str]]:
    done = lodeline("--as", MINER, "--json", "events", "list", *words)
    assert done.code == OK, done.err
    return [(one["number"], one["state"]) for one in json.loads(done.out)]


@pytest.mark.usefixtures("held")
def test_events_are_listed_by_states_and_by_when_they_were_come_into() -> None:
    assert listed() == [(1, "kept"), (2, "kept"), (3, "held")]
    assert listed("--state", "held") == [(3, "held")]
    assert listed("--state", "held", "--state", "kept", "--last", "2") == [(2, "kept"), (3, "held")]
    assert listed("--since", "2026-03-01T08:30:00Z") == [(3, "held")]
    assert listed("--since", "2026-03-02") == []
    wrong = lodeline("--as", MINER, "events", "list", "--state", "lost")
    assert (wrong.code, "on-ledger" in wrong.err) == (USAGE, True)


@pytest.mark.usefixtures("held")
def test_each_move_is_printed_a_line_until_there_were_so_many() -> None:
    words = ("--as", MINER, "events", "watch", "--since", "2026-03-01", "--moves")
    done = lodeline("--json", *words, "6")
    assert done.code == OK, done.err
    moves = [json.loads(line) for line in done.out.splitlines()]
    assert [(one["number"], one["state"]) for one in moves] == [
        *((1, "received"), (2, "received"), (3, "received")),
        *((1, "kept"), (2, "kept"), (3, "held")),
    ]
    assert moves[-1]["reason"] == {"code": "event-id-taken", "message": WHY.en}
    assert moves[-1]["moved"] == "2026-03-01T09:00:00.000000Z"
    french = lodeline("--lang", "fr", *words, "6")
    assert WHY.fr in french.out
    assert len(french.out.splitlines()) == 6
    few = lodeline("--json", *words, "1", "--state", "held")
    assert [json.loads(line)["number"] for line in few.out.splitlines()] == [3]


@pytest.mark.usefixtures("held")
def test_who_decided_by_command_is_in_the_trail() -> None:
    assert lodeline("--as", MINER, "events", "retry", "3").code == OK
    refused = lodeline("--as", MINER, "events", "keep", "3")
    assert refused.code == REFUSED
    done = lodeline("--as", MINER, "--json", "audit-trail", "show")
    (row,) = json.loads(done.out)
    assert (row["who"], row["act"], row["seen"]) == ("console", "event-decided", "3")
    assert row["about"] == "retry 3"
