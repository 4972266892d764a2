"""Validators in one process, driven as a consensus engine would: no network, no clock, no proofs.

Proofs of these tests are paper: `opinion` finds an empty one good and any other bad, as
verification would find real ones. Everything else is real: signatures, rules, roots, files.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import structs
from tests.engine.ledgers import SetClock
from tests.ledger.world import CHAIN, DUMMY, ENTROPY, NO_PROOF, START, Party, World

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.abci.abci_pb2 import (
    BlockParams,
    CheckTxType,
    ConsensusParams,
    Event,
    ExecTxResult,
    Misbehavior,
    PublicKey,
    RequestCheckTx,
    RequestCommit,
    RequestFinalizeBlock,
    RequestInfo,
    RequestInitChain,
    RequestPrepareProposal,
    RequestProcessProposal,
    ResponseCheckTx,
    ResponseFinalizeBlock,
    ResponseProcessProposal,
    ValidatorUpdate,
)
from lodeline.engine.abci.application import Application
from lodeline.engine.consortium.application import ConsortiumApplication, Limits
from lodeline.engine.consortium.checking import CheckTools
from lodeline.engine.consortium.founding import ClockKind, Founding
from lodeline.engine.consortium.limits import BlockRoom
from lodeline.engine.consortium.outcomes import Outcomes
from lodeline.engine.consortium.reading import Submissions
from lodeline.engine.consortium.replica import Replica, ReplicaTuning
from lodeline.engine.consortium.rules import BlockRules
from lodeline.engine.consortium.snapshot_desk import SnapshotDesk
from lodeline.engine.consortium.snapshots import Snapshots, SnapshotSigner
from lodeline.engine.consortium.verdicts import ProofDesk
from lodeline.engine.interface import CheckpointSigners
from lodeline.kernel.ids import Hash32, MemberId, PointBytes, ScalarBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.entries import Entry, SetValidator, Transform, encode_entry
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.submissions import SubmissionBody, encode_submission, sign_submission
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict
from lodeline.proofs.proof import ZeroProof
from lodeline.proofs.task import ProofTask, TransformTask
from lodeline.proofs.verifier import ProofDoesNotHold

VALIDATORS = ("miner", "refiner", "audit-a", "authority")
ACCEPT = ResponseProcessProposal.ProposalStatus.ACCEPT
REJECT = ResponseProcessProposal.ProposalStatus.REJECT
ROOM = BlockRoom(400_000, 16)
QUOTA = 100_000
SMALL_PARTS = ReplicaTuning(part_entries=6)
BAD_PROOF = structs.replace(NO_PROOF, zero=ZeroProof(PointBytes(DUMMY), ScalarBytes(bytes(32))))


def opinion(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Find paper proofs good where they are empty."""
    return tuple(Verdict(task.key, _refusal(task), seal=batch._SEAL) for task in tasks)


def _refusal(task: ProofTask) -> ProofDoesNotHold | None:
    bad = isinstance(task, TransformTask) and task.proof != NO_PROOF
    return ProofDoesNotHold(task.name) if bad else None


@dataclass
class Counting:
    """An opinion that counts what it was asked."""

    asked: list[Hash32] = field(default_factory=list)

    def __call__(self, tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
        self.asked += [task.key for task in tasks]
        return opinion(tasks)


class ValidatorKeys:
    """A validator's own keys."""

    def __init__(self) -> None:
        self.consensus = SigningKey.generate(ENTROPY)
        self.checkpoint = SigningKey.generate(ENTROPY)


class Consortium:
    """A world whose members validate, and what it starts from."""

    def __init__(self, *recipes: str, clock: ClockKind = ClockKind.BLOCK) -> None:
        self.world = World(*recipes)
        self.keys = {name: ValidatorKeys() for name in VALIDATORS}
        self.world.apply(self.world.govern(*(self.act(name) for name in VALIDATORS)))
        self.founding = Founding(clock, tuple(data for data, _ in self.world.log))
        self.founded = len(self.world.log)

    def act(self, name: str) -> SetValidator:
        keys = self.keys[name]
        consensus, checkpoint = keys.consensus.public, keys.checkpoint.public
        return SetValidator(MemberId(name), consensus, checkpoint, f"https://{name}.example")

    def updates(self) -> list[ValidatorUpdate]:
        keys = sorted(keys.consensus.public for keys in self.keys.values())
        return [ValidatorUpdate(pub_key=PublicKey(ed25519=key), power=1) for key in keys]

    def party(self, name: str) -> Party:
        return self.world.parties[name]

    def submission(self, name: str, *entries: Entry | bytes, day: BlockTime | None = None) -> bytes:
        data = tuple(e if isinstance(e, bytes) else encode_entry(e) for e in entries)
        body = SubmissionBody(CHAIN, MemberId(name), data, day)
        return encode_submission(sign_submission(body, self.party(name).key))


@dataclass
class Setting:
    """How one validator of a test differs from the usual one."""

    verify: Callable[[Sequence[ProofTask]], tuple[Verdict, ...]] = opinion
    tuning: ReplicaTuning = SMALL_PARTS
    room: BlockRoom | None = ROOM
    """None for what the founding allows."""
    quota: int = QUOTA
    snapshot_entries: int = 1_000_000
    listed: frozenset[Hash32] = frozenset()
    retain_blocks: int = 0


class Node:
    """One validator's application over a file."""

    def __init__(
        self, consortium: Consortium, name: str, folder: Path, setting: Setting | None = None
    ) -> None:
        setting = setting or Setting()
        folder.mkdir(exist_ok=True)
        self.name = name
        self.clock = SetClock()
        self.seconds = 0.0
        self.outcomes = Outcomes()
        checkpoint = consortium.keys[name].checkpoint
        verifier = VerifierKey(KeyName(f"{CHAIN}/{name}"), checkpoint.public)
        signers = CheckpointSigners(Origin(CHAIN), ((verifier, checkpoint.sign_frame),))
        self.replica = Replica(
            folder / "ledger.db", verify=setting.verify, signers=signers, tuning=setting.tuning
        )
        tools = CheckTools(
            _rules(consortium.founding, setting.room),
            Submissions(),
            ProofDesk(setting.verify),
            self.outcomes,
            self.clock,
            lambda: self.seconds,
        )
        signer = SnapshotSigner(CHAIN, MemberId(name), checkpoint)
        self.snapshots = Snapshots(folder / "snapshots", setting.snapshot_entries, signer)
        desk = SnapshotDesk(
            self.snapshots, consortium.founding, folder / "incoming", setting.listed
        )
        limits = Limits(setting.quota, setting.retain_blocks)
        self.application = ConsortiumApplication(
            self.replica, consortium.founding, tools, limits, desk
        )

    def close(self) -> None:
        self.snapshots.wait()
        self.replica.close()

    @property
    def application_hash(self) -> bytes:
        return self.application.info(RequestInfo()).last_block_app_hash

    @property
    def height(self) -> int:
        return self.application.info(RequestInfo()).last_block_height


def _rules(founding: Founding, room: BlockRoom | None) -> BlockRules:
    rules = BlockRules.of(founding)
    return rules if room is None else replace(rules, room=room)


def start(node: Application, consortium: Consortium) -> bytes:
    """Start a chain, as the engine does with an application at height 0."""
    size = consortium.founding.limits.block_bytes
    request = RequestInitChain(
        consensus_params=ConsensusParams(block=BlockParams(max_bytes=size)),
        time=Timestamp(seconds=START),
        chain_id=CHAIN,
        validators=consortium.updates(),
        app_state_bytes=consortium.founding.encode(),
        initial_height=1,
    )
    return node.init_chain(request).app_hash


def check(node: Application, *transactions: bytes, again: bool = False) -> list[ResponseCheckTx]:
    kind = CheckTxType.RECHECK if again else CheckTxType.NEW
    return list(node.check_txs([RequestCheckTx(tx=data, type=kind) for data in transactions]))


@dataclass
class Block:
    """A block as the engine hands it round."""

    height: int
    transactions: tuple[bytes, ...] = ()
    time: BlockTime = START
    misbehavior: tuple[Misbehavior, ...] = ()


def propose(node: Application, block: Block, max_bytes: int = 1_900_000) -> Block:
    answer = node.prepare_proposal(
        RequestPrepareProposal(
            max_tx_bytes=max_bytes,
            txs=block.transactions,
            height=block.height,
            time=Timestamp(seconds=block.time),
        )
    )
    return Block(block.height, tuple(answer.txs), block.time, block.misbehavior)


def judge(node: Application, block: Block) -> int:
    request = RequestProcessProposal(
        txs=block.transactions,
        height=block.height,
        time=Timestamp(seconds=block.time),
        hash=hashlib.sha256(b"".join(block.transactions)).digest(),
    )
    return node.process_proposal(request).status


def finalize(node: Application, block: Block) -> ResponseFinalizeBlock:
    request = RequestFinalizeBlock(
        txs=block.transactions,
        height=block.height,
        time=Timestamp(seconds=block.time),
        misbehavior=block.misbehavior,
    )
    return node.finalize_block(request)


def decide(node: Application, block: Block) -> ResponseFinalizeBlock:
    """Finalize and commit."""
    answer = finalize(node, block)
    node.commit(RequestCommit())
    return answer


@dataclass(frozen=True)
class Agreed:
    """What validators must answer alike."""

    application_hash: bytes
    results: tuple[tuple[int, bytes], ...]
    events: tuple[bytes, ...]
    updates: tuple[bytes, ...]


def agreed(answer: ResponseFinalizeBlock) -> Agreed:
    return Agreed(
        answer.app_hash,
        tuple(map(_agreed_result, answer.tx_results)),
        tuple(map(_bytes, answer.events)),
        tuple(update.SerializeToString(deterministic=True) for update in answer.validator_updates),
    )


def _agreed_result(result: ExecTxResult) -> tuple[int, bytes]:
    return result.code, result.data


def _bytes(event: Event) -> bytes:
    return event.SerializeToString(deterministic=True)


def all_agree(answers: Iterable[ResponseFinalizeBlock]) -> Agreed:
    found = {agreed(answer) for answer in answers}
    assert len(found) == 1
    return found.pop()


def badly_proved(entry: Transform) -> Transform:
    """Return the same transform with another proof, which is a bad one."""
    return structs.replace(entry, proof=BAD_PROOF)
