"""Commits: founding, durability, validators that die in the middle, validator updates, queries."""

import os
import signal
import sqlite3
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import structs
from tests.crash.killing import Counted
from tests.engine.consortium.chain import (
    ACCEPT,
    Block,
    Consortium,
    Node,
    Setting,
    ValidatorKeys,
    agreed,
    decide,
    finalize,
    judge,
    start,
)
from tests.engine.consortium.conftest import Founded
from tests.engine.ledgers import anchor
from tests.ledger.world import CHAIN, START

from lodeline.engine.abci.abci_pb2 import (
    BlockParams,
    ConsensusParams,
    Misbehavior,
    RequestCommit,
    RequestInfo,
    RequestInitChain,
    RequestQuery,
    Validator,
)
from lodeline.engine.consortium.founding import (
    BLOCK_BYTES,
    BlockLimits,
    ClockKind,
    Founding,
)
from lodeline.engine.consortium.refusals import (
    BlockLimitsDiffer,
    FoundingNotOfThisLedger,
    ValidatorsDiffer,
)
from lodeline.engine.consortium.replica import NOWHERE, ReplicaTuning
from lodeline.engine.fsck import FsckRequest, fsck
from lodeline.engine.refusals import LedgerDamaged, LedgerMustReopen, LedgerNotWritten
from lodeline.engine.store import ConsensusHeight
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin, verify_checkpoint
from lodeline.ledger.entries import RemoveValidator, SetValidator
from lodeline.ledger.merkle import InclusionProof, leaf_hash, verify_inclusion
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.ledger.statemap import AbsenceProof, PresenceProof, verify_absence, verify_presence


def of(consortium: Consortium, name: str, *numbers: int) -> bytes:
    return consortium.submission(name, *(anchor(consortium.party(name), n) for n in numbers))


# ---------------------------------------------------------------------------- founding


def test_a_validator_that_is_not_founded_says_so(consortium: Consortium, tmp_path: Path) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    told = node.application.info(RequestInfo())
    assert (told.last_block_height, told.last_block_app_hash) == (0, b"")
    assert node.replica.position == NOWHERE
    node.close()


def test_a_founding_is_asked_for_again_until_the_first_block(
    consortium: Consortium, tmp_path: Path
) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    first = start(node.application, consortium)
    assert start(node.application, consortium) == first
    node.close()
    again = Node(consortium, "miner", tmp_path / "miner")
    assert start(again.application, consortium) == first == again.application_hash
    assert again.replica.size == consortium.founded
    again.close()


def test_another_founding_is_refused(consortium: Consortium, tmp_path: Path) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    other = Consortium()
    with pytest.raises(FoundingNotOfThisLedger) as caught:
        start(node.application, other)
    assert caught.value.got == other.founding.digest
    assert node.replica.size == 0
    start(node.application, consortium)
    node.close()


def test_a_folder_with_another_ledger_is_refused(consortium: Consortium, tmp_path: Path) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    start(node.application, consortium)
    node.close()
    other = Consortium()
    mixed = Node(other, "miner", tmp_path / "miner")
    with pytest.raises(FoundingNotOfThisLedger):
        start(mixed.application, other)
    mixed.close()


def test_a_founding_with_a_refused_entry_starts_nothing(tmp_path: Path) -> None:
    made = Consortium()
    made.founding = Founding(ClockKind.BLOCK, made.founding.entries[1:])
    node = Node(made, "miner", tmp_path / "miner")
    with pytest.raises(NoGenesis):
        start(node.application, made)
    assert node.replica.size == 0
    node.close()


def test_other_validators_than_the_ledger_s_start_nothing(tmp_path: Path) -> None:
    made = Consortium()
    made.keys["miner"] = ValidatorKeys()
    node = Node(made, "refiner", tmp_path / "refiner")
    with pytest.raises(ValidatorsDiffer) as caught:
        start(node.application, made)
    assert len(set(caught.value.engine) - set(caught.value.ledger)) == 1
    assert node.replica.size == 0
    node.close()


def test_an_engine_with_larger_blocks_than_were_founded_starts_nothing(
    consortium: Consortium, tmp_path: Path
) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    request = RequestInitChain(
        consensus_params=ConsensusParams(block=BlockParams(max_bytes=BLOCK_BYTES + 1)),
        time=Timestamp(seconds=START),
        validators=consortium.updates(),
        app_state_bytes=consortium.founding.encode(),
    )
    with pytest.raises(BlockLimitsDiffer) as caught:
        node.application.init_chain(request)
    assert (caught.value.founding, caught.value.engine) == (BLOCK_BYTES, BLOCK_BYTES + 1)
    assert node.replica.size == 0
    node.close()


def test_a_chain_founded_with_other_limits_is_another_one(
    consortium: Consortium, tmp_path: Path
) -> None:
    """A validator with a founding of its own would refuse what all others propose."""
    node = Node(consortium, "miner", tmp_path / "miner")
    other = Consortium()
    other.founding = replace(consortium.founding, limits=BlockLimits(block_proofs=1))
    with pytest.raises(FoundingNotOfThisLedger) as caught:
        start(node.application, other)
    assert (caught.value.expected, caught.value.got) == (
        consortium.founding.digest,
        other.founding.digest,
    )
    node.close()


# ---------------------------------------------------------------------------- blocks


def test_nothing_is_kept_before_the_commit(consortium: Consortium, founded: Founded) -> None:
    node = founded()
    before, size = node.application_hash, node.replica.size
    block = Block(1, (of(consortium, "miner", 1),))
    answer = finalize(node.application, block)
    assert answer.app_hash != before
    assert (node.application_hash, node.replica.size, node.height) == (before, size, 0)
    assert agreed(finalize(node.application, block)) == agreed(answer)
    node.application.commit(RequestCommit())
    assert (node.application_hash, node.height) == (answer.app_hash, 1)


def test_an_empty_block_moves_the_height_alone(consortium: Consortium, founded: Founded) -> None:
    node = founded()
    before = node.application_hash
    blocks = node.replica.position
    assert decide(node.application, Block(1, (), BlockTime(START + 50))).app_hash == before
    assert (node.application_hash, node.height) == (before, 1)
    assert node.replica.state().time == START
    assert node.replica.position == replace(blocks, height=ConsensusHeight(1))
    assert node.replica.size == consortium.founded


def test_time_never_goes_back(consortium: Consortium, founded: Founded) -> None:
    node = founded()
    decide(node.application, Block(1, (of(consortium, "miner", 1),), BlockTime(START + 50)))
    decide(node.application, Block(2, (of(consortium, "miner", 2),), BlockTime(START + 20)))
    assert node.replica.state().time == START + 50


def test_a_commit_without_a_block_is_a_mistake_of_the_engine(founded: Founded) -> None:
    with pytest.raises(RuntimeError):
        founded().application.commit(RequestCommit())


def test_another_block_than_the_one_that_was_tried_is_decided_anew(
    consortium: Consortium, founded: Founded
) -> None:
    node, other = founded(), founded("refiner")
    tried, decided = (Block(1, (of(consortium, "miner", n),)) for n in (1, 2))
    assert judge(node.application, tried) == ACCEPT
    assert agreed(decide(node.application, decided)) == agreed(decide(other.application, decided))
    assert judge(node.application, replace(tried, height=2)) == ACCEPT
    again = replace(tried, height=2)
    assert agreed(decide(node.application, again)) == agreed(decide(other.application, again))


def test_each_block_has_a_checkpoint_signed_by_its_validator(
    consortium: Consortium, founded: Founded
) -> None:
    node = founded()
    decide(node.application, Block(1, (of(consortium, "miner", 1),)))
    key = VerifierKey(KeyName(f"{CHAIN}/miner"), consortium.keys["miner"].checkpoint.public)
    policy = CheckpointPolicy(Origin(CHAIN), (key,), 1)
    checkpoint = verify_checkpoint(node.replica.signed_checkpoint(), policy)
    assert checkpoint.size == consortium.founded + 1


def test_old_blocks_may_be_dropped_by_the_engine(founded: Founded) -> None:
    """None that a newcomer needs: before there is a snapshot, those are all of them."""
    made = Consortium()
    size = len(made.founding.entries)
    node = founded(of=made, setting=Setting(retain_blocks=2, snapshot_entries=size + 2))
    kept = []
    for height in range(1, 12):
        data = (of(made, "miner", height),) if height in (2, 3) else ()
        finalize(node.application, Block(height, data))
        kept.append(node.application.commit(RequestCommit()).retain_height)
        node.snapshots.wait()
    assert node.snapshots.oldest() == 3
    assert kept[:2] == [0, 0]
    assert kept[2] in (0, 1)  # the snapshot of this block is written beside it, or is there already
    assert kept[3:] == [2, 3, 3, 3, 3, 3, 3, 3]


def test_misbehaviour_is_told_to_whoever_follows(founded: Founded) -> None:
    found = Misbehavior(
        type="DUPLICATE_VOTE", validator=Validator(address=b"\x07" * 20, power=1), height=3
    )
    answer = finalize(founded().application, Block(1, misbehavior=(found,)))
    told = {a.key: a.value for event in answer.events[1:] for a in event.attributes}
    assert answer.events[1].type == "lodeline.misbehaviour"
    assert told["validator"] == (b"\x07" * 20).hex()


def test_a_file_that_is_not_what_the_engine_was_told_of_is_refused(
    consortium: Consortium, tmp_path: Path
) -> None:
    node = Node(consortium, "miner", tmp_path / "miner")
    start(node.application, consortium)
    node.close()
    connection = sqlite3.connect(tmp_path / "miner" / "ledger.db")
    connection.execute("UPDATE position SET application_hash = zeroblob(32)")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerDamaged) as caught:
        Node(consortium, "miner", tmp_path / "miner")
    assert caught.value.what == "application hash"


# ---------------------------------------------------------------------------- validator set


def test_votes_on_validators_reach_the_engine(founded: Founded) -> None:
    made = Consortium()
    node = founded(of=made)
    newcomer = ValidatorKeys()
    world = made.world
    vote = world.govern(
        SetValidator(
            MemberId("works"), newcomer.consensus.public, newcomer.checkpoint.public, "https://w"
        )
    )
    world.apply(vote)
    answer = decide(node.application, Block(1, (made.submission("miner", vote),)))
    (update,) = answer.validator_updates
    assert (update.pub_key.ed25519, update.power) == (newcomer.consensus.public, 1)
    vote = world.govern(RemoveValidator(MemberId("miner")))
    answer = decide(node.application, Block(2, (made.submission("miner", vote),)))
    (update,) = answer.validator_updates
    assert (update.pub_key.ed25519, update.power) == (made.keys["miner"].consensus.public, 0)
    assert not decide(node.application, Block(3)).validator_updates


def test_another_key_is_one_validator_less_and_one_more(founded: Founded) -> None:
    made = Consortium()
    node = founded(of=made)
    fresh = structs.replace(made.act("miner"), consensus_key=ValidatorKeys().consensus.public)
    data = made.submission("miner", made.world.govern(fresh))
    updates = decide(node.application, Block(1, (data,))).validator_updates
    assert sorted(update.power for update in updates) == [0, 1]
    keys = [update.pub_key.ed25519 for update in updates]
    assert keys == sorted(keys)


# ---------------------------------------------------------------------------- failing storage


class Refusing(sqlite3.Connection):
    """Refuses statements that begin in some way."""

    refused = "nothing"

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement.startswith(type(self).refused):
            message = "disk I/O error"
            raise sqlite3.OperationalError(message)
        return super().execute(statement, *values)


@pytest.mark.parametrize(
    ("refused", "error"),
    [("INSERT OR REPLACE INTO position", LedgerNotWritten), ("COMMIT", LedgerMustReopen)],
)
def test_a_disk_that_refuses_a_commit(
    consortium: Consortium, tmp_path: Path, refused: str, error: type[Exception]
) -> None:
    Refusing.refused = "nothing"
    tuning = ReplicaTuning(part_entries=6, connection=Refusing)
    node = Node(consortium, "miner", tmp_path / "miner", Setting(tuning=tuning))
    start(node.application, consortium)
    for block in (Block(1, (of(consortium, "miner", 1),)), Block(1)):
        before = node.replica.position
        finalize(node.application, block)
        Refusing.refused = refused
        with pytest.raises((error, LedgerMustReopen)):
            node.application.commit(RequestCommit())
        Refusing.refused = "nothing"
        assert node.replica.position == before
        assert node.replica.size == consortium.founded
    node.close()


# ---------------------------------------------------------------------------- killed validators


def run_chain(consortium: Consortium, folder: Path, deadly: int, pipe: int) -> None:
    """Found a validator, or go on with one, through all blocks; in a process that may die."""
    Counted.places, Counted.deadly = 0, deadly
    tuning = ReplicaTuning(part_entries=6, connection=Counted)
    node = Node(consortium, "miner", folder, Setting(tuning=tuning))
    if node.height == 0:
        start(node.application, consortium)
    for block in blocks_of(consortium)[node.height :]:
        decide(node.application, block)
        os.write(pipe, b"x")
    node.close()


def blocks_of(consortium: Consortium) -> list[Block]:
    some = [of(consortium, "miner", *range(n, n + 3)) for n in (10, 20, 30)]
    return [Block(1, (some[0],)), Block(2), Block(3, (some[1], some[2])), Block(4)]


def killed_at(consortium: Consortium, folder: Path, place: int) -> tuple[int, bool]:
    """Return how many blocks were acknowledged, and whether the process died at the place."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        failed = 1
        try:
            run_chain(consortium, folder, place, writing)
            failed = 0
        finally:
            os._exit(failed)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = len(pipe.read())
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0
    return told, killed


@pytest.mark.crash
def test_a_validator_killed_at_any_statement_goes_on_where_it_was(
    consortium: Consortium, tmp_path: Path
) -> None:
    told = Node(consortium, "miner", tmp_path / "told")
    start(told.application, consortium)
    hashes = {0: {told.application_hash, b""}}
    for block in blocks_of(consortium):
        hashes[block.height] = {decide(told.application, block).app_hash}
    told.close()
    found = set[int]()
    for place in count(1, 3):
        folder = tmp_path / f"at{place}"
        acknowledged, killed = killed_at(consortium, folder, place)
        Counted.deadly = 0
        node = Node(consortium, "miner", folder)
        assert node.height >= acknowledged
        assert node.application_hash in hashes[node.height]
        found.add(node.height)
        if node.height == 0:
            start(node.application, consortium)
        for block in blocks_of(consortium)[node.height :]:
            assert decide(node.application, block).app_hash in hashes[block.height]
        node.close()
        assert fsck(folder / "ledger.db", FsckRequest(verify=lambda _: ())).is_clean
        if not killed:
            assert acknowledged == len(blocks_of(consortium))
            break
    assert found == set(range(5))


# ---------------------------------------------------------------------------- queries


def test_questions_are_answered_with_proofs(consortium: Consortium, founded: Founded) -> None:
    node = founded()
    decide(node.application, Block(1, (of(consortium, "miner", 1),)))
    asked = RequestQuery(path="/entry", data=consortium.founded.to_bytes(8, "big"))
    answer = node.application.query(asked)
    proof = cbor.decode_struct(answer.proof_ops.ops[0].data, InclusionProof)
    root = node.replica.checkpoint(Origin(CHAIN)).root
    verify_inclusion(proof, leaf_hash(answer.value), root)
    assert answer.height == 1
    note = node.application.query(RequestQuery(path="/checkpoint")).value
    assert note == node.replica.signed_checkpoint()


def test_presence_and_absence_are_proved(consortium: Consortium, founded: Founded) -> None:
    node, root = founded(), founded("refiner").replica.state().root
    for name, kind in (("miner", PresenceProof), ("nobody", AbsenceProof)):
        key = state_key(StateKind.MEMBER, name.encode())
        answer = node.application.query(RequestQuery(path="/state", data=key))
        data = answer.proof_ops.ops[0].data
        if kind is PresenceProof:
            verify_presence(
                root, key, Hash32(answer.value), cbor.decode_struct(data, PresenceProof)
            )
        else:
            assert answer.value == b""
            verify_absence(root, key, cbor.decode_struct(data, AbsenceProof))


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("/nothing", b"", 2),
        ("/entry", b"\x01", 2),
        ("/state", b"\x01", 2),
        ("/entry", b"\x7f" + bytes(7), 1),
    ],
)
def test_questions_without_an_answer(founded: Founded, path: str, data: bytes, code: int) -> None:
    assert founded().application.query(RequestQuery(path=path, data=data)).code == code
