"""A world's log with signed checkpoints, as an engine would keep it, for tests of bundles."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.ledger.world import CHAIN, World

from lodeline.crypto.signatures import SigningKey
from lodeline.kernel.time import BlockTime
from lodeline.ledger.bundling import EarlierState
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    Origin,
    assemble,
    sign_checkpoint,
)
from lodeline.ledger.entries import EntryId, decode_entry
from lodeline.ledger.log import Leaf, replay
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.state import State
from lodeline.ledger.trust import TrustFile
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

ORIGIN = Origin("test.example/log")
SIGNERS = ("authority", "miner", "refiner")


def believe(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Return the verdict that every proof holds, through the seam of `proofs.batch`."""
    return tuple(Verdict(task.key, None, seal=batch._SEAL) for task in tasks)


@dataclass
class Archive:
    """The log of a world so far."""

    world: World

    def __post_init__(self) -> None:
        self.leaves = [Leaf(decode_entry(data), time).encode() for data, time in self.world.log]
        self.log = MerkleLog(Leaf(decode_entry(data), time).hash for data, time in self.world.log)

    def leaf(self, index: LeafIndex) -> bytes:
        return self.leaves[index]

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        return self.log.prove_inclusion(index, size)

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        return self.log.prove_consistency(old, new)

    def checkpoint(self, signers: Sequence[str] = SIGNERS, state: State | None = None) -> bytes:
        """Return the signed note of the log as it is."""
        shown = state or self.world.state
        text = Checkpoint(
            ORIGIN, self.log.size, self.log.root(), shown.root, BlockTime(self.world.now)
        )
        return assemble(
            text,
            [
                sign_checkpoint(text, self.key(name), self.secret(name).sign_frame)
                for name in signers
            ],
        )

    def secret(self, name: str) -> SigningKey:
        return self.world.parties[name].key

    def key(self, name: str) -> VerifierKey:
        return VerifierKey(KeyName(f"{name}.example"), self.secret(name).public)

    def policy(self, threshold: int = 2) -> CheckpointPolicy:
        return CheckpointPolicy(ORIGIN, tuple(self.key(name) for name in SIGNERS), threshold)

    def trust(self, threshold: int = 2) -> TrustFile:
        constants = self.world.state.constants
        assert constants is not None
        return TrustFile.of(CHAIN, EntryId(constants.genesis), self.policy(threshold))

    def earlier(self) -> EarlierState:
        """Return the present as a place where a later bundle may stop."""
        return EarlierState(self.checkpoint(), replay(self.leaves, believe).state)
