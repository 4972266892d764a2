"""Parts of the state: however the log is cut, they join to what applying the entries gives."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ledgers import believe, busy
from tests.ledger.undoing import mined_by_transform, reversal_of
from tests.ledger.world import World, fingerprint

from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.entries import decode_entry
from lodeline.ledger.snapshot import (
    Gathered,
    PartNotRead,
    PartOutOfPlace,
    commit_part,
    read_part,
)
from lodeline.ledger.state import State
from lodeline.ledger.tasks import tasks_for

WORLDS = [busy(), World("grant-licence", "mine-copper-cobalt")]
WORLDS[1].apply(reversal_of(WORLDS[1], mined_by_transform(WORLDS[1])))


def changes_of(world: World) -> list[Change]:
    state, changes = State(), []
    for data, time in world.log:
        entry = decode_entry(data)
        verdicts = {verdict.key: verdict for verdict in believe(tasks_for(state, [entry]))}
        change = decide(state, entry, time, verdicts)
        state.commit(change)
        changes.append(change)
    assert fingerprint(state) == fingerprint(world.state)
    return changes


CHANGES = [changes_of(world) for world in WORLDS]


def joined(changes: list[Change], cuts: list[int]) -> State:
    """Lay parts cut at these places over nothing, each through its stored bytes."""
    state, borders = State(), sorted({0, *cuts, len(changes)})
    for start, end in pairwise(borders):
        gathered = Gathered(start)
        for change in changes[start:end]:
            gathered.add(change)
        assert len(gathered) == end - start
        part = read_part(gathered.part().encode())
        assert part == gathered.part()
        assert (part.first, part.size) == (start, end)
        commit_part(state, part)
    return state


@pytest.mark.property
@pytest.mark.parametrize("which", range(len(WORLDS)))
@given(data=st.data())
def test_however_the_log_is_cut_the_parts_give_the_same_state(
    which: int, data: st.DataObject
) -> None:
    changes = CHANGES[which]
    assert len(changes) > 5
    cuts = data.draw(st.lists(st.integers(0, len(changes)), max_size=6))
    assert fingerprint(joined(changes, cuts)) == fingerprint(WORLDS[which].state)


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_two_parts_added_are_one(cut: int) -> None:
    changes = CHANGES[0]
    assert len(changes) > cut
    whole, start, rest = Gathered(0), Gathered(0), Gathered(cut)
    for index, change in enumerate(changes):
        whole.add(change)
        (start if index < cut else rest).add(change)
    start.add_part(rest.part())
    assert start.part().encode() == whole.part().encode()


def test_the_same_part_has_one_encoding() -> None:
    changes = CHANGES[0]
    first, again = Gathered(0), Gathered(0)
    for change in changes:
        first.add(change)
        again.add(change)
    assert first.part().encode() == again.part().encode()


def test_a_part_that_does_not_continue_is_refused_and_changes_nothing() -> None:
    state, gathered = State(), Gathered(3)
    gathered.add(CHANGES[0][3])
    before = fingerprint(state)
    with pytest.raises(PartOutOfPlace) as caught:
        commit_part(state, gathered.part())
    assert (caught.value.expected, caught.value.got) == (0, 3)
    assert fingerprint(state) == before


def part_bytes() -> bytes:
    gathered = Gathered(0)
    for change in CHANGES[0]:
        gathered.add(change)
    return gathered.part().encode()


PART = part_bytes()


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xa0", b"\x80", b"\xff", PART[:-1]])
def test_bytes_that_are_no_part_are_refused(data: bytes) -> None:
    with pytest.raises(PartNotRead):
        read_part(data)


@pytest.mark.fuzz
@given(at=st.integers(0, len(PART) - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_refused_by_name_or_is_another_part(at: int, change: int) -> None:
    data = bytearray(PART)
    data[at] ^= change
    try:
        part = read_part(bytes(data))
    except PartNotRead:
        return
    assert part.encode() != PART
