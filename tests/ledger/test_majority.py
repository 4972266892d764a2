"""How many must sign a vote: the founders' number, and more than half of those who have a vote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.undoing import regrant_of
from tests.ledger.world import THRESHOLD, VOTERS, Party, World

from lodeline.kernel.ids import MemberId
from lodeline.ledger.change import Change
from lodeline.ledger.entries import MAX_SIGNATURES, AdmitMember, SetStatus, Status
from lodeline.ledger.records import Constants, MemberRecord
from lodeline.ledger.refusals_governance import NotEnoughVotes, TooManyVoters

SUSPEND = SetStatus(MemberId("audit-b"), Status.SUSPENDED)


@pytest.fixture
def world() -> World:
    return World("grant-licence")


def _constants(world: World) -> Constants:
    assert world.state.constants is not None
    return world.state.constants


def _joined(world: World, count: int) -> list[str]:
    """Admit new voters by an honest vote, and return their names."""
    fresh = [Party(f"new-{number}", (), votes=True) for number in range(count)]
    world.parties.update({party.id: party for party in fresh})
    world.apply(world.govern(*(AdmitMember(party.member) for party in fresh)))
    return [party.id for party in fresh]


FOUNDED = World()


@given(st.integers(1, MAX_SIGNATURES), st.integers(1, 2 * MAX_SIGNATURES))
def test_two_votes_always_have_a_signer_in_common(threshold: int, voters: int) -> None:
    constants = structs.replace(_constants(FOUNDED), threshold=threshold)
    needed = constants.votes_needed(voters)
    assert needed >= threshold
    assert 2 * needed > voters


def test_three_of_many_rule_no_longer(world: World) -> None:
    """As members join, the founders' number becomes a minority."""
    joined = _joined(world, 5)
    few = world.govern(SUSPEND, voters=joined[:THRESHOLD])
    world.refused(few, NotEnoughVotes, needed=5, found=THRESHOLD)
    most = world.govern(SUSPEND, voters=joined[:4])
    world.refused(most, NotEnoughVotes, needed=5, found=4)
    world.apply(world.govern(SUSPEND, voters=joined))


def test_half_is_not_enough(world: World) -> None:
    joined = _joined(world, 4)
    world.refused(world.govern(SUSPEND, voters=joined), NotEnoughVotes, needed=5, found=4)


def test_a_minority_re_grants_somebody_s_lot_to_itself(world: World) -> None:
    joined = _joined(world, 5)
    lot = world.granted()
    world.refused(regrant_of(world, lot, joined[:4]), NotEnoughVotes, needed=5, found=4)
    world.apply(regrant_of(world, lot, joined))


def test_who_is_suspended_is_not_waited_for(world: World) -> None:
    """Without the suspended, the founders' number is what counts again."""
    joined = _joined(world, 4)
    away = [SetStatus(MemberId(name), Status.SUSPENDED) for name in joined]
    world.apply(world.govern(*away, voters=(*VOTERS, joined[0])))
    world.refused(world.govern(SUSPEND, voters=VOTERS[:2]), NotEnoughVotes, needed=THRESHOLD)
    world.apply(world.govern(SUSPEND, voters=VOTERS[:THRESHOLD]))


def _crowd(world: World, voters: int) -> list[str]:
    """Have voters in the state as if they had joined one by one."""
    count = voters - world.state.active_voters()
    parties = [Party(f"crowd-{number}", (), votes=True) for number in range(count)]
    world.parties.update({party.id: party for party in parties})
    records = {party.id: MemberRecord(party.member, Status.ACTIVE, 0) for party in parties}
    world.state.commit(Change(members=records))
    return [party.id for party in parties]


def test_a_crowd_that_could_never_vote_again(world: World) -> None:
    """More than half of it would be more signatures than one entry has room for."""
    crowd = _crowd(world, 2 * MAX_SIGNATURES - 2)
    voters = crowd[:MAX_SIGNATURES]
    late, later = (AdmitMember(Party(name, (), votes=True).member) for name in ("late", "later"))
    world.apply(world.govern(late, voters=voters))
    needed = MAX_SIGNATURES + 1
    refused = world.govern(later, voters=voters)
    world.refused(refused, TooManyVoters, most=MAX_SIGNATURES, needed=needed)
    away, back = (
        SetStatus(MemberId("late"), status) for status in (Status.SUSPENDED, Status.ACTIVE)
    )
    world.apply(world.govern(away, voters=voters))
    world.apply(world.govern(later, voters=voters))
    world.refused(world.govern(back, voters=voters), TooManyVoters, needed=needed)
    quiet = AdmitMember(Party("quiet", (), votes=False).member)
    world.apply(world.govern(quiet, voters=voters))
