"""The state as a value: drafts, refusals that change nothing, a log that replays to one root."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.world import World, fingerprint, made_by

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, LotId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply, decide
from lodeline.ledger.entries import Entry, SetStatus, Status, decode_entry, entry_id
from lodeline.ledger.log import Leaf, replay
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.shelf import Shelf
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, application_hash, digest_of, state_key
from lodeline.ledger.statemap import verify_absence, verify_presence
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

RECIPES = ("grant-licence", "mine-copper-cobalt", "split", "count", "sale", "write-off")


@pytest.fixture
def world() -> World:
    return World(*RECIPES)


def _believe(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    return tuple(Verdict(task.key, None, seal=batch._SEAL) for task in tasks)


# ------------------------------------------------------------------ shelves


@given(
    st.lists(st.tuples(st.booleans(), st.dictionaries(st.integers(0, 5), st.none() | st.text())))
)
def test_a_shelf_reads_like_a_dictionary(steps: list[tuple[bool, dict[int, str | None]]]) -> None:
    shelf: Shelf[int, str] = Shelf()
    plain: dict[int, str] = {}
    for settle, changes in steps:
        top = shelf.over()
        top.put(changes)
        expected = {**plain, **changes}
        assert dict(top.items()) == {k: v for k, v in expected.items() if v is not None}
        assert dict(shelf.items()) == plain
        if settle:
            top.settle()
            plain = {k: v for k, v in expected.items() if v is not None}
        assert dict(shelf.items()) == plain
        assert all((key in shelf) == (key in plain) for key in range(6))


# ------------------------------------------------------------------ keys


def test_keys_of_different_kinds_and_parts_never_meet() -> None:
    parts = [(), (b"",), (b"", b""), (b"a",), (b"ab",), (b"a", b"b"), (b"b", b"a")]
    keys = {state_key(kind, *part) for kind in StateKind for part in parts}
    assert len(keys) == len(StateKind) * len(parts)


def test_unspent_and_spent_can_be_proved(world: World) -> None:
    ore, _ = world.mined()
    first, _ = world.does("split", [ore], [world.ore(), world.ore()])
    state = world.state
    key = state_key(StateKind.UNSPENT, first)
    value = digest_of(world.public(first))
    verify_presence(state.root, key, value, state.map.prove_presence(key))
    gone = state_key(StateKind.UNSPENT, ore)
    verify_absence(state.root, gone, state.map.prove_absence(gone))


# ------------------------------------------------------------------ drafts


def test_a_dropped_draft_leaves_no_trace(world: World) -> None:
    ore, _ = world.mined()
    before = fingerprint(world.state)
    draft = world.state.draft()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    apply(draft, entry, world.now, world.verdicts(entry))
    assert not draft.is_unspent(ore)
    assert draft.root != world.state.root
    assert fingerprint(world.state) == before


def test_a_settled_draft_is_what_direct_committing_gives(world: World) -> None:
    ore, left = world.mined()
    entries: list[Entry] = [
        world.make("split", [ore], [world.ore(), world.ore()]),
        world.make("mine-copper-cobalt", [left], [world.ore()]),
        world.govern(SetStatus(MemberId("audit-b"), Status.SUSPENDED)),
    ]
    verdicts = world.verdicts(*entries)
    draft = world.state.draft()
    for entry in entries:
        apply(draft, entry, world.now, verdicts)
    wanted = fingerprint(draft)
    draft.settle()
    assert fingerprint(world.state) == wanted
    direct = _replayed(world, [])
    for entry in entries:
        apply(direct, entry, world.now, verdicts)
    assert fingerprint(direct) == wanted


def test_a_draft_over_a_draft(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    outer = world.state.draft()
    inner = outer.draft()
    apply(inner, entry, world.now, world.verdicts(entry))
    inner.settle()
    assert not outer.is_unspent(ore)
    assert world.state.is_unspent(ore)
    outer.settle()
    assert not world.state.is_unspent(ore)


def _replayed(world: World, more: Sequence[Entry]) -> State:
    leaves = [Leaf(decode_entry(data), time).encode() for data, time in world.log]
    leaves += [Leaf(entry, world.now).encode() for entry in more]
    return replay(leaves, _believe).state


# ------------------------------------------------------------------ replay


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_a_log_replays_to_the_same_state(world: World, batch_size: int) -> None:
    ore, left = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    offer = world.offer(world.sale(first), world.now + 60)
    world.apply(offer)
    world.apply(world.accept(offer), BlockTime(world.now + 60))
    world.apply(world.recall("audit-a", second))
    world.apply(world.govern(SetStatus(MemberId("audit-b"), Status.SUSPENDED)))
    leaves = [Leaf(decode_entry(data), time).encode() for data, time in world.log]
    again = replay(leaves, _believe, batch_size)
    assert fingerprint(again.state) == fingerprint(world.state)
    log = MerkleLog(Leaf(decode_entry(data), time).hash for data, time in world.log)
    assert again.frontier.root() == log.root()
    assert again.application_hash == application_hash(log.root(), world.state.root)
    assert world.state.is_unspent(left)


def test_a_log_with_one_entry_taken_out_does_not_replay(world: World) -> None:
    ore, _ = world.mined()
    world.does("split", [ore], [world.ore(), world.ore()])
    leaves = [Leaf(decode_entry(data), time).encode() for data, time in world.log]
    for missing in (0, 1, len(leaves) - 2):
        with pytest.raises(LodelineError):
            replay([leaf for at, leaf in enumerate(leaves) if at != missing], _believe)


# ------------------------------------------------------------------ any history


class _History:
    """A player that does anything, allowed or not, and watches the state."""

    def __init__(self) -> None:
        self.world = World(*RECIPES)
        self.lots = list(self.world.mined())
        self.entries: list[Entry] = []

    def step(self, action: int, which: int, jump: int) -> None:
        world = self.world
        moment = BlockTime(world.now + jump)
        entry = self._entry(action, self.lots[which % len(self.lots)])
        before = fingerprint(world.state)
        verdicts = world.verdicts(entry)
        try:
            change = decide(world.state, entry, moment, verdicts)
        except LodelineError:
            assert fingerprint(world.state) == before
            return
        assert fingerprint(world.state) == before
        world.apply(entry, moment)
        assert change.accepted[entry_id(entry)].index == world.state.size - 1
        self.entries.append(entry)
        self.lots += [lot for lot in change.lots if lot not in self.lots]

    def _entry(self, action: int, lot: LotId) -> Entry:
        world = self.world
        match action:
            case 0:
                return world.make("split", [lot], [world.ore(), world.ore()])
            case 1:
                return world.make("count", [lot, self.lots[0]], [world.ore()])
            case 2:
                return world.make("write-off", [lot], [])
            case 3:
                return world.offer(world.sale(lot), world.now + 50)
            case 4:
                return world.recall("audit-a", lot)
            case 5 if self.entries:
                return self.entries[len(self.lots) % len(self.entries)]
            case _:
                return world.make("split", [lot], [world.ore()], chain=ChainId("other"))


@pytest.mark.property
@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50), st.integers(0, 3)), max_size=12))
def test_whatever_happens(steps: list[tuple[int, int, int]]) -> None:
    """Refusals change nothing, accepted histories replay to the same root, the indexes agree."""
    history = _History()
    for action, which, jump in steps:
        history.step(action, which, jump)
    world = history.world
    assert _replayed(world, []).root == world.state.root
    unspent = {lot for lot, _ in world.state.lots.items() if world.state.is_unspent(lot)}
    for lot, record in world.state.lots.items():
        present = state_key(StateKind.UNSPENT, lot) in world.state.map
        assert present == (lot in unspent)
        assert world.state.owner_keys.get(record.lot.owner) == lot
    reserved = dict(world.state.reserved_lots.items())
    assert set(reserved) <= unspent
    assert len(dict(world.state.reserved_tags.items())) == len(reserved)
    kept = dict(world.state.reserved_keys.items())
    assert set(kept.values()) == set(reserved.values())
    assert not set(kept) & set(dict(world.state.owner_keys.items()))


def test_the_same_lot_twice_in_one_block(world: World) -> None:
    ore, _ = world.mined()
    entries = [world.make("split", [ore], [world.ore(), world.ore()]) for _ in range(2)]
    verdicts = world.verdicts(*entries)
    block = world.state.draft()
    apply(block, entries[0], world.now, verdicts)
    before = fingerprint(block)
    with pytest.raises(LodelineError) as caught:
        apply(block, entries[1], world.now, verdicts)
    assert caught.value.code == "lot-already-spent"
    assert fingerprint(block) == before
    assert block.is_unspent(made_by(entries[0])[0])
