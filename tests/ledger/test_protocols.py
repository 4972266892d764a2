"""Versions of the protocol: how members require one, and what a program does that knows it not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.ledgers import anchor
from tests.ledger.archive import Archive, believe
from tests.ledger.world import CHAIN, START, World

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger import protocols
from lodeline.ledger.bundling import BundleRequest, build_bundle
from lodeline.ledger.change import map_updates
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.entries import (
    Act,
    ProtocolVersion,
    RequireProtocol,
    SetStatus,
    Status,
)
from lodeline.ledger.log import replay
from lodeline.ledger.protocols import KNOWN_PROTOCOLS, check_known, protocol_at, required_by
from lodeline.ledger.records import ProtocolRecord
from lodeline.ledger.refusals_governance import NotEnoughVotes, StatusUnchanged
from lodeline.ledger.refusals_protocols import (
    ProtocolInForce,
    ProtocolNotKnown,
    ProtocolNotRequired,
    ProtocolsOutOfOrder,
    ProtocolTooSoon,
    ProtocolUnchanged,
)
from lodeline.ledger.snapshot import Gathered, commit_part, read_part
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, digest_of, state_key
from lodeline.ledger.statemap import verify_absence, verify_presence
from lodeline.ledger.verify_bundle import verify_bundle

TWO, THREE = ProtocolVersion(2), ProtocolVersion(3)
SOON = BlockTime(START + 100)
LATER = BlockTime(START + 200)


@contextmanager
def release(*versions: int) -> Iterator[None]:
    """Be, for a while, a program that knows these versions."""
    known = frozenset(map(ProtocolVersion, versions))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "KNOWN_PROTOCOLS", known)
        yield


def requiring(version: int, at: BlockTime | None, name: str = "2.x") -> RequireProtocol:
    return RequireProtocol(ProtocolVersion(version), at, name)


def key(version: int) -> Hash32:
    return state_key(StateKind.PROTOCOL, version.to_bytes(4, "big"))


@pytest.fixture
def world() -> World:
    return World("grant-licence", "mine-copper-cobalt", "split")


def refused(
    world: World, act: Act, error: type[LodelineError], /, *before: Act, **fields: object
) -> None:
    found = world.refused(world.govern(*before, act), error).fields()
    assert {name: found[name] for name in fields} == fields


# ------------------------------------------------------------------ votes


def test_every_release_keeps_what_it_does_not_know(world: World) -> None:
    assert TWO not in KNOWN_PROTOCOLS
    world.apply(world.govern(requiring(2, SOON)))
    record = ProtocolRecord(SOON, "2.x")
    assert world.state.protocols.get(TWO) == record
    proof = world.state.map.prove_presence(key(2))
    verify_presence(world.state.root, key(2), digest_of(record), proof)
    with release(1, 2):
        assert replay(Archive(world).leaves, believe).state.root == world.state.root


def test_a_vote_may_postpone_and_take_back_what_has_not_begun(world: World) -> None:
    world.apply(world.govern(requiring(2, SOON)))
    world.apply(world.govern(requiring(2, LATER)))
    assert world.state.protocols.get(TWO) == ProtocolRecord(LATER, "2.x")
    world.apply(world.govern(requiring(2, None)))
    assert TWO not in world.state.protocols
    verify_absence(world.state.root, key(2), world.state.map.prove_absence(key(2)))
    world.apply(anchor(world.parties["miner"], 1), LATER)


def test_whose_signatures_are_too_few_require_nothing(world: World) -> None:
    world.refused(world.govern(requiring(2, SOON), voters=("miner",)), NotEnoughVotes)


@pytest.mark.parametrize("at", [SOON, None])
def test_the_present_version_cannot_be_required(world: World, at: BlockTime | None) -> None:
    refused(world, requiring(1, at), ProtocolInForce, version=1, current=1)


def test_a_version_that_has_begun_cannot_be_taken_back(world: World) -> None:
    world.apply(world.govern(requiring(2, SOON)))
    with release(1, 2):
        for at in (None, LATER):
            act = world.govern(requiring(2, at))
            world.refused(act, ProtocolInForce, SOON, version=2, current=2)


def test_there_is_nothing_to_take_back(world: World) -> None:
    refused(world, requiring(2, None), ProtocolNotRequired, version=2)


@pytest.mark.parametrize("at", [BlockTime(0), BlockTime(START - 1), START])
def test_no_version_begins_in_the_block_that_decides_it(world: World, at: BlockTime) -> None:
    refused(world, requiring(2, at), ProtocolTooSoon, at=at, now=START)
    world.apply(world.govern(requiring(2, BlockTime(START + 1))))


@pytest.mark.parametrize(("version", "at"), [(3, SOON), (3, START + 1), (2, LATER), (2, LATER + 1)])
def test_a_higher_version_begins_later(world: World, version: int, at: int) -> None:
    first = requiring(2, SOON) if version == 3 else requiring(3, LATER)
    act, other = requiring(version, BlockTime(at)), int(first.version)
    refused(world, act, ProtocolsOutOfOrder, first, version=version, at=at, other=other)


def test_an_act_that_changes_nothing_is_refused(world: World) -> None:
    same = requiring(2, SOON)
    refused(world, same, ProtocolUnchanged, same, version=2, at=SOON)
    world.apply(world.govern(same, requiring(2, SOON, "2.1")))


def test_of_a_vote_with_one_bad_act_nothing_stays(world: World) -> None:
    member = world.parties["miner"].member.member
    refused(
        world, SetStatus(member, Status.ACTIVE), StatusUnchanged, requiring(2, SOON), member=member
    )
    assert TWO not in world.state.protocols


def test_the_version_in_force_is_the_highest_that_has_begun(world: World) -> None:
    world.apply(world.govern(requiring(3, LATER), requiring(2, SOON)))
    constants = world.state.constants
    assert constants is not None
    found = [
        protocol_at(world.state, constants, BlockTime(at))
        for at in (START, SOON - 1, SOON, LATER - 1, LATER)
    ]
    assert found == [1, 1, 2, 2, 3]


# ------------------------------------------------------------------ a program that is too old


def test_an_old_program_decides_up_to_the_second_before(world: World) -> None:
    world.apply(world.govern(requiring(2, SOON, "2.4 or later")))
    miner = world.parties["miner"]
    world.apply(anchor(miner, 1), BlockTime(SOON - 1))
    for at in (SOON, LATER):
        old = world.refused(anchor(miner, 2), ProtocolNotKnown, at)
        assert (old.version, old.at, old.release, old.known) == (2, SOON, "2.4 or later", (1,))
    with release(1, 2):
        world.apply(anchor(miner, 2), SOON)


def test_a_program_that_knows_another_later_version_is_too_old_too(world: World) -> None:
    world.apply(world.govern(requiring(2, SOON), requiring(3, LATER, "3.x")))
    with release(1, 2):
        check_known(world.state, BlockTime(LATER - 1))
        with pytest.raises(ProtocolNotKnown) as caught:
            check_known(world.state, LATER)
    assert (caught.value.version, caught.value.release, caught.value.known) == (3, "3.x", (1, 2))


def test_a_program_that_only_knows_the_latest_goes_on(world: World) -> None:
    """What lies between it may take from a snapshot."""
    world.apply(world.govern(requiring(2, SOON), requiring(3, LATER, "3.x")))
    with release(3):
        check_known(world.state, LATER)


def test_an_old_program_refuses_a_log_that_goes_on_beyond(world: World) -> None:
    world.apply(world.govern(requiring(2, SOON)))
    before = Archive(world).leaves
    with release(1, 2):
        world.apply(anchor(world.parties["miner"], 1), SOON)
    replay(before, believe)
    with pytest.raises(ProtocolNotKnown) as caught:
        replay(Archive(world).leaves, believe)
    assert caught.value.at == SOON


@pytest.mark.parametrize("late", [False, True])
def test_a_verifier_that_is_too_old_says_so(world: World, late: bool) -> None:
    """Whether entries of the bundle are under the new version, or only its checkpoint is."""
    ore, _ = world.mined()
    world.apply(world.govern(requiring(2, SOON)))
    with release(1, 2):
        world.now = SOON
        if late:
            ore, _ = world.does("split", [ore], [world.ore(), world.ore()])
        archive = Archive(world)
        data = build_bundle(archive, world.state, archive.checkpoint(), BundleRequest(ore))
        asked = Asked(CHAIN, "reader", world.now)
        assert verify_bundle(data, archive.trust(), believe, asked).holds
    with pytest.raises(ProtocolNotKnown) as caught:
        verify_bundle(data, archive.trust(), believe, asked)
    assert (caught.value.version, caught.value.at, caught.value.known) == (2, SOON, (1,))


# ------------------------------------------------------------------ parts, maps, orders


def test_a_stored_part_carries_what_is_required(world: World) -> None:
    gathered = Gathered(0)
    for acts in ([requiring(2, SOON)], [requiring(3, LATER), requiring(2, None)]):
        gathered.add(world.apply(world.govern(*acts)).change)
    part = read_part(gathered.part().encode())
    assert dict(part.protocols) == {TWO: None, THREE: ProtocolRecord(LATER, "2.x")}
    below = State()
    commit_part(below, part)
    assert THREE in below.protocols
    assert TWO not in below.protocols


def test_what_a_vote_changes_in_the_map(world: World) -> None:
    change = world.apply(world.govern(requiring(2, SOON))).change
    assert map_updates(change, 0)[key(2)] == digest_of(ProtocolRecord(SOON, "2.x"))


steps = st.lists(
    st.tuples(st.integers(1, 4), st.none() | st.integers(START - 1, START + 9)), max_size=12
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_whatever_is_voted_versions_and_times_ascend_together(
    some: Sequence[tuple[int, int | None]],
) -> None:
    world = WORLD.state.draft()
    constants = world.constants
    assert constants is not None
    taken: list[RequireProtocol] = []
    for version, at in some:
        act = requiring(version, None if at is None else BlockTime(at))
        try:
            world.commit(protocols.decided_protocol(world, constants, act, START))
        except LodelineError:
            continue
        taken.append(act)
    kept = dict(sorted(world.protocols.items()))
    times = [record.at for record in kept.values()]
    assert times == sorted(set(times))
    assert required_by(taken) == kept
    assert all(version > 1 and record.at > START for version, record in kept.items())


WORLD = World()
