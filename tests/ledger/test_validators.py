"""Validators: whose keys, how many, how fast; what a part, a proof and a bundle say of them."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.archive import Archive, believe
from tests.ledger.world import CHAIN, ENTROPY, MINE, Party, World, fingerprint

from lodeline.crypto.signatures import (
    MemberKeyNotCanonical,
    MemberKeyOffCurve,
    MemberKeySmallOrder,
    SignatureContext,
    SigningKey,
    sign,
)
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, MemberKey, SignatureBytes, SiteId
from lodeline.ledger.apply import Event, EventKind, decide
from lodeline.ledger.bundling import BundleRequest, build_bundle
from lodeline.ledger.change import Change
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.entries import (
    Act,
    AdmitMember,
    Govern,
    RegisterSite,
    RemoveValidator,
    RotateKey,
    RotateKeyBody,
    SetStatus,
    SetValidator,
    Status,
    decode_entry,
    entry_id,
)
from lodeline.ledger.log import Leaf, replay
from lodeline.ledger.records import ValidatorKeyRecord, ValidatorRecord
from lodeline.ledger.refusals_entries import MemberNotActive, UnknownMember
from lodeline.ledger.refusals_governance import NotEnoughVotes
from lodeline.ledger.refusals_validators import (
    KeyOfValidator,
    LastValidator,
    MemberStillValidates,
    NoValidator,
    TooManyValidators,
    ValidatorChangesTooMany,
    ValidatorKeyOfMember,
    ValidatorKeyOfSite,
    ValidatorKeyRetired,
    ValidatorKeysEqual,
    ValidatorKeyTaken,
    ValidatorUnchanged,
)
from lodeline.ledger.snapshot import Gathered, commit_part, read_part
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, digest_of, state_key
from lodeline.ledger.statemap import verify_absence, verify_presence
from lodeline.ledger.validators import (
    MAX_VALIDATORS,
    CheckpointKey,
    most_changed,
    validator_policy,
    validators_needed,
)
from lodeline.ledger.verify_bundle import verify_bundle

FOUNDERS = ("authority", "audit-a", "miner", "refiner")
MINER = MemberId("miner")
NEWCOMER = MemberId("works")


@pytest.fixture
def world() -> World:
    """Four members validate."""
    made = World("grant-licence", "mine-copper-cobalt", "split")
    made.apply(made.govern(*(acting(name) for name in FOUNDERS)))
    return made


def a_key(label: str) -> MemberKey:
    """Return the public key that belongs to a label."""
    return SigningKey(hashlib.sha256(label.encode()).digest()).public


def acting(
    member: str,
    version: str = "1",
    *,
    consensus: MemberKey | None = None,
    checkpoint: MemberKey | None = None,
    address: str = "",
) -> SetValidator:
    """Return the act that lets a member validate, with the keys of a version of its machine."""
    return SetValidator(
        MemberId(member),
        consensus or a_key(f"{member} consensus {version}"),
        checkpoint or a_key(f"{member} checkpoint {version}"),
        address or f"https://{member}.example",
    )


def refused(
    world: World, act: Act, error: type[LodelineError], /, *before: Act, **fields: object
) -> None:
    world.refused(world.govern(*before, act), error, None, **fields)


# ------------------------------------------------------------------ the set


def test_the_first_vote_founds_the_set(world: World) -> None:
    state = world.state
    assert sorted(member for member, _ in state.validators.items()) == sorted(FOUNDERS)
    act = acting("miner")
    assert state.validators.get(MINER) == ValidatorRecord(
        act.consensus_key, act.checkpoint_key, "https://miner.example"
    )
    assert sum(1 for _ in state.validator_keys.items()) == 2 * len(FOUNDERS)
    assert state.validator_keys.get(act.consensus_key) == ValidatorKeyRecord(MINER)


def test_one_by_one_the_set_grows_and_shrinks(world: World) -> None:
    world.apply(world.govern(acting("works")))
    world.apply(world.govern(RemoveValidator(MINER)))
    assert MINER not in world.state.validators
    assert NEWCOMER in world.state.validators
    world.apply(world.govern(acting("miner", "2")))
    assert MINER in world.state.validators


def test_a_new_address_and_a_new_key(world: World) -> None:
    world.apply(world.govern(acting("miner", address="https://elsewhere.example")))
    found = world.state.validators.get(MINER)
    assert found is not None
    assert found.address == "https://elsewhere.example"
    world.apply(world.govern(acting("miner", checkpoint=a_key("another"))))
    found = world.state.validators.get(MINER)
    assert found is not None
    assert found.checkpoint_key == a_key("another")
    assert found.consensus_key == acting("miner").consensus_key


def test_followers_are_told_whose_validator_changed(world: World) -> None:
    acts = (RemoveValidator(MINER), SetStatus(NEWCOMER, Status.SUSPENDED))
    applied = world.apply(world.govern(*acts))
    told = [event for event in applied.events if event.kind is not EventKind.GOVERNED]
    assert told == [
        Event(EventKind.MEMBER_CHANGED, b"works"),
        Event(EventKind.VALIDATOR_CHANGED, b"miner"),
    ]


def test_it_takes_a_vote(world: World) -> None:
    entry = world.govern(acting("works"), voters=("authority", "miner"))
    world.refused(entry, NotEnoughVotes, needed=3, found=2)


def test_only_active_members_get_a_validator(world: World) -> None:
    refused(world, acting("nobody"), UnknownMember, member="nobody")
    for status in (Status.SUSPENDED, Status.REMOVED):
        off = SetStatus(NEWCOMER, status)
        refused(world, acting("works"), MemberNotActive, off, member="works", standing=status)


def test_a_suspended_member_keeps_its_validator_and_cannot_change_it(world: World) -> None:
    world.apply(world.govern(SetStatus(MINER, Status.SUSPENDED)))
    assert MINER in world.state.validators
    voters = ("authority", "audit-a", "refiner")
    entry = world.govern(acting("miner", "2"), voters=voters)
    world.refused(entry, MemberNotActive, member=MINER)
    world.apply(world.govern(RemoveValidator(MINER), voters=voters))
    assert MINER not in world.state.validators


def test_a_member_is_removed_after_its_validator(world: World) -> None:
    gone = SetStatus(MINER, Status.REMOVED)
    refused(world, gone, MemberStillValidates, member=MINER)
    refused(world, RemoveValidator(MINER), MemberStillValidates, gone, member=MINER)
    world.apply(world.govern(RemoveValidator(MINER), gone))
    assert MINER not in world.state.validators


def test_nothing_is_set_or_removed_twice(world: World) -> None:
    refused(world, acting("miner"), ValidatorUnchanged, member=MINER)
    refused(world, RemoveValidator(NEWCOMER), NoValidator, member=NEWCOMER)
    refused(world, RemoveValidator(MemberId("nobody")), NoValidator, member="nobody")
    refused(world, RemoveValidator(MINER), NoValidator, RemoveValidator(MINER), member=MINER)


def test_the_last_validator_stays() -> None:
    world = World("grant-licence")
    world.apply(world.govern(acting("miner")))
    refused(world, RemoveValidator(MINER), LastValidator, member=MINER)
    refused(world, RemoveValidator(MINER), ValidatorChangesTooMany, acting("works"), limit=1)
    world.apply(world.govern(acting("works")))
    world.apply(world.govern(RemoveValidator(MINER)))
    refused(world, RemoveValidator(NEWCOMER), LastValidator, member=NEWCOMER)


# ------------------------------------------------------------------ keys


def test_keys_that_bind_nobody(world: World) -> None:
    bad: list[tuple[bytes, type[LodelineError]]] = [
        (bytes(32), MemberKeySmallOrder),
        (b"\x01" + bytes(31), MemberKeySmallOrder),
        (b"\xff" * 32, MemberKeyNotCanonical),
        (b"\x02" + bytes(31), MemberKeyOffCurve),
    ]
    for key, error in bad:
        refused(world, acting("works", consensus=MemberKey(key)), error, encoding=key)
        refused(world, acting("works", checkpoint=MemberKey(key)), error, encoding=key)


def test_one_key_for_both_purposes(world: World) -> None:
    key = a_key("only one")
    act = acting("works", consensus=key, checkpoint=key)
    refused(world, act, ValidatorKeysEqual, member="works", key=key)


def test_a_stolen_validator_key_is_not_registered_by_another_member(world: World) -> None:
    """Works has a copy of the miner's keys, and would sign in the miner's place or frame it."""
    victim = acting("miner")
    for key in (victim.consensus_key, victim.checkpoint_key):
        for act in (acting("works", consensus=key), acting("works", checkpoint=key)):
            refused(world, act, ValidatorKeyTaken, key=key, member=MINER)


def test_the_two_keys_of_a_validator_do_not_change_places(world: World) -> None:
    now = acting("miner")
    swapped = acting("miner", consensus=now.checkpoint_key, checkpoint=now.consensus_key)
    refused(world, swapped, ValidatorKeyTaken, key=now.checkpoint_key, member=MINER)


def test_a_retired_key_never_comes_back(world: World) -> None:
    """Evidence of what the old validator signed would otherwise be held against the new one."""
    old = acting("miner")
    world.apply(world.govern(RemoveValidator(MINER)))
    for key in (old.consensus_key, old.checkpoint_key):
        for member in ("miner", "works"):
            refused(world, acting(member, "3", consensus=key), ValidatorKeyRetired, member=MINER)
            refused(world, acting(member, "3", checkpoint=key), ValidatorKeyRetired, key=key)
    world.apply(world.govern(acting("miner", "2")))
    refused(world, old, ValidatorKeyRetired, key=old.consensus_key, member=MINER)


def test_a_replaced_key_never_comes_back(world: World) -> None:
    old = acting("miner")
    world.apply(world.govern(acting("miner", "2")))
    refused(world, old, ValidatorKeyRetired, key=old.consensus_key, member=MINER)


def test_a_key_that_signs_for_something_else(world: World) -> None:
    company = world.parties["refiner"].key.public
    site = world.facilities[MINE].public
    refused(world, acting("works", consensus=company), ValidatorKeyOfMember, member="refiner")
    refused(world, acting("works", checkpoint=company), ValidatorKeyOfMember, key=company)
    refused(world, acting("works", consensus=site), ValidatorKeyOfSite, site=MINE, key=site)
    refused(world, acting("works", checkpoint=site), ValidatorKeyOfSite, site=MINE)


def _rotation(world: World, new: SigningKey) -> RotateKey:
    party = world.parties["miner"]
    body = RotateKeyBody(CHAIN, MINER, 0, new.public, party.member.spend, party.member.view)
    bare = RotateKey(body, SignatureBytes(bytes(64)), SignatureBytes(bytes(64)))
    identity, context = entry_id(bare), SignatureContext.ENTRY
    return RotateKey(body, sign(party.key, context, identity), sign(new, context, identity))


def test_a_validator_s_key_becomes_nobody_s_signing_key(world: World) -> None:
    """Neither one in use nor one that is retired: the other direction of the same rule."""
    world.apply(world.govern(RemoveValidator(MINER)))
    for name, purpose in (("miner", "consensus"), ("refiner", "checkpoint")):
        seed = hashlib.sha256(f"{name} {purpose} 1".encode()).digest()
        key = SigningKey(seed)
        wanted = {"key": key.public, "member": name}
        newcomer = structs.replace(Party("new", (), votes=False).member, key=key.public)
        refused(world, AdmitMember(newcomer), KeyOfValidator, **wanted)
        record = structs.replace(world.site_record(MINE, "miner"), facility_key=key.public)
        for site in (MINE, SiteId("new-mine")):
            act = RegisterSite(structs.replace(record, site=site))
            refused(world, act, KeyOfValidator, **wanted)
        world.refused(_rotation(world, key), KeyOfValidator, None, **wanted)


# ------------------------------------------------------------------ number and pace


def crowd(size: int) -> tuple[World, list[str]]:
    """Return a world with so many members that could validate besides."""
    world = World("grant-licence")
    names = [f"member-{number:02d}" for number in range(size)]
    parties = [Party(name, (), votes=False) for name in names]
    for start in range(0, size, 32):
        acts = [AdmitMember(party.member) for party in parties[start : start + 32]]
        world.apply(world.govern(*acts))
    return world, names


def test_there_are_at_most_so_many() -> None:
    world, names = crowd(MAX_VALIDATORS + 1)
    acts = [acting(name) for name in names]
    entry = world.govern(*acts)
    world.refused(entry, TooManyValidators, limit=MAX_VALIDATORS, found=MAX_VALIDATORS + 1)
    world.apply(world.govern(*acts[:MAX_VALIDATORS]))
    refused(world, acts[-1], TooManyValidators, found=MAX_VALIDATORS + 1)
    world.apply(world.govern(acting(names[0], "2")))  # no further one
    world.apply(world.govern(RemoveValidator(MemberId(names[0])), acts[-1]))


@pytest.mark.parametrize(
    ("validators", "limit"), [(1, 1), (2, 1), (3, 1), (4, 1), (6, 1), (7, 2), (9, 2), (10, 3)]
)
def test_a_vote_changes_less_than_a_third(validators: int, limit: int) -> None:
    world, names = crowd(validators + limit + 1)
    members = [MemberId(name) for name in names]
    world.apply(world.govern(*(acting(name) for name in names[:validators])))
    too_many: list[list[Act]] = [
        [acting(name) for name in names[-limit - 1 :]],
        [*(acting(name, "2") for name in names[:limit]), acting(names[-1])],
    ]
    if validators > limit + 1:
        too_many.append([RemoveValidator(member) for member in members[: limit + 1]])
        too_many.append([RemoveValidator(members[0]), *(map(acting, names[-limit:]))])
    for acts in too_many:
        error = world.refused(world.govern(*acts), ValidatorChangesTooMany, limit=limit)
        assert error.validators == validators
        assert len(error.members) == limit + 1
    world.apply(world.govern(*(acting(name, "2") for name in names[:limit])))


def test_addresses_and_detours_do_not_count(world: World) -> None:
    moved = [acting(name, address="https://moved.example") for name in FOUNDERS]
    world.apply(world.govern(*moved))
    back_and_forth: list[Act] = [acting("works"), RemoveValidator(NEWCOMER)]
    world.apply(world.govern(*back_and_forth, acting("miner", "2")))
    assert NEWCOMER not in world.state.validators


def test_a_vote_does_not_hide_changes_behind_a_removal(world: World) -> None:
    """Removed and set again with other keys in one vote: a change of that validator."""
    acts: list[Act] = []
    for name in ("miner", "refiner"):
        acts += [RemoveValidator(MemberId(name)), acting(name, "2")]
    world.refused(
        world.govern(*acts), ValidatorChangesTooMany, members=("miner", "refiner"), limit=1
    )
    world.apply(world.govern(*acts[:2]))


@given(st.integers(1, MAX_VALIDATORS), st.data())
def test_what_one_vote_may_change_harms_nobody(before: int, data: st.DataObject) -> None:
    """The three promises of `most_changed`, by counting the worst case."""
    limit = most_changed(before)
    assert limit >= 1
    added = data.draw(st.integers(0, limit))
    removed = data.draw(st.integers(0, limit - added))
    replaced = data.draw(st.integers(0, limit - added - removed))
    if before < 4 or removed + replaced > before:
        return
    after = before + added - removed
    signers = validators_needed(after)
    assert 3 * (signers - added - replaced) > before  # trust level 1/3 of a light client
    assert before - removed - replaced >= validators_needed(before)  # who pinned the old keys
    assert before - removed - replaced >= validators_needed(after)  # none of the new has started
    assert 3 * limit < before


def test_more_than_two_thirds_decide() -> None:
    assert [validators_needed(count) for count in range(1, 11)] == [1, 2, 3, 3, 4, 5, 5, 6, 7, 7]


# ------------------------------------------------------------------ what outsiders see


def test_the_policy_follows_the_validators(world: World) -> None:
    policy = validator_policy(world.state)
    assert policy is not None
    assert policy.threshold == 3
    assert policy.keys == tuple(
        CheckpointKey(MemberId(name), acting(name).checkpoint_key) for name in sorted(FOUNDERS)
    )
    world.apply(world.govern(RemoveValidator(MemberId("authority"))))
    world.apply(world.govern(acting("authority", "2")))
    renewed = validator_policy(world.state)
    assert renewed is not None
    assert [item.member for item in renewed.keys] == sorted(FOUNDERS)
    assert renewed != policy


def test_without_validators_there_is_no_policy() -> None:
    assert validator_policy(State()) is None
    assert validator_policy(World("grant-licence").state) is None


def test_a_checkpoint_proves_who_validates_and_who_does_not(world: World) -> None:
    world.apply(world.govern(RemoveValidator(MINER)))
    root, states = world.state.root, world.state.map
    refiner = state_key(StateKind.VALIDATOR, b"refiner")
    record = world.state.validators.get(MemberId("refiner"))
    assert record is not None
    verify_presence(root, refiner, digest_of(record), states.prove_presence(refiner))
    gone = state_key(StateKind.VALIDATOR, b"miner")
    verify_absence(root, gone, states.prove_absence(gone))
    old = state_key(StateKind.VALIDATOR_KEY, acting("miner").consensus_key)
    known = digest_of(ValidatorKeyRecord(MINER))
    verify_presence(root, old, known, states.prove_presence(old))


def test_a_bundle_holds_after_changes_of_validators_and_keys(world: World) -> None:
    """All votes are replayed in it, with the rotations that they depend on."""
    ore, _ = world.mined()
    new = SigningKey.generate(ENTROPY)
    world.apply(_rotation(world, new))
    world.parties["miner"].key = new
    world.apply(world.govern(acting("works")))
    world.apply(world.govern(RemoveValidator(MINER)))
    half, _ = world.does("split", [ore], [world.ore(), world.ore()])
    archive = Archive(world)
    data = build_bundle(archive, world.state, archive.checkpoint(), BundleRequest(half))
    report = verify_bundle(data, archive.trust(), believe, Asked(CHAIN, "reader", world.now))
    assert report.holds
    assert report.state is not None
    assert dict(report.state.validators.items()) == dict(world.state.validators.items())
    assert validator_policy(report.state) == validator_policy(world.state)


# ------------------------------------------------------------------ replay and parts


def _changes(world: World) -> list[Change]:
    state, changes = State(), []
    for data, time in world.log:
        changes.append(decide(state, decode_entry(data), time, {}))
        state.commit(changes[-1])
    return changes


def _joined(changes: Sequence[Change], cuts: Sequence[int]) -> State:
    state = State()
    for start, end in pairwise(
        sorted({0, *(min(cut, len(changes)) for cut in cuts), len(changes)})
    ):
        gathered = Gathered(start)
        for change in changes[start:end]:
            gathered.add(change)
        commit_part(state, read_part(gathered.part().encode()))
    return state


MOVES = ("set", "renew", "move", "remove")


@settings(max_examples=25)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(MOVES), st.sampled_from((*FOUNDERS, "works"))), max_size=12
    ),
    cuts=st.lists(st.integers(0, 20), max_size=4),
)
def test_any_history_replays_and_joins_to_the_same_state(
    moves: list[tuple[str, str]], cuts: list[int]
) -> None:
    world = World("grant-licence")
    world.apply(world.govern(*(acting(name) for name in FOUNDERS)))
    for number, (move, name) in enumerate(moves):
        entry = _moved(world, move, name, number)
        if entry is not None:
            world.apply(entry)
    used = [record.consensus_key for record in world.state.validators.values()]
    assert len(set(used)) == len(used) > 0
    assert all(key in world.state.validator_keys for key in used)
    leaves = [Leaf(decode_entry(data), time).encode() for data, time in world.log]
    assert fingerprint(replay(leaves, believe).state) == fingerprint(world.state)
    assert _joined(_changes(world), cuts).root == world.state.root


def _moved(world: World, move: str, name: str, number: int) -> Govern | None:
    """Return a vote that is acceptable now, or nothing where the move makes no sense."""
    member = MemberId(name)
    record = world.state.validators.get(member)
    if move == "remove":
        last = sum(1 for _ in world.state.validators.items()) == 1
        return None if record is None or last else world.govern(RemoveValidator(member))
    if record is None or move == "renew":
        return world.govern(acting(name, f"after {number}"))
    return world.govern(
        SetValidator(member, record.consensus_key, record.checkpoint_key, f"at {number}")
    )
