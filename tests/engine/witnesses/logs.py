"""Logs for the tests of witnesses: honest ones, forked ones, and witnesses that watch them."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from tests.engine.ledgers import SetClock

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.witnesses.request import AddCheckpoint
from lodeline.engine.witnesses.shelf import WitnessShelf
from lodeline.engine.witnesses.witness import Witness
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    Origin,
    assemble,
    sign_checkpoint,
)
from lodeline.ledger.cosignature import WitnessKey
from lodeline.ledger.merkle import ConsistencyProof, LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.signednote import KeyName, VerifierKey

ORIGIN = Origin("ledger.example/cobalt")
NOW = BlockTime(1_800_000_000)


def signing_key(name: str) -> SigningKey:
    return SigningKey(sha256(f"key of {name}".encode()).digest())


def member_key(name: str) -> VerifierKey:
    return VerifierKey(KeyName(f"{ORIGIN}/{name}"), signing_key(name).public)


def witness_key(name: str) -> WitnessKey:
    return WitnessKey(KeyName(f"{name}.example/w"), signing_key(name).public)


POLICY = CheckpointPolicy(ORIGIN, tuple(member_key(name) for name in "abc"), 2)


class Log:
    """A log with made-up entries that two of its three members sign."""

    def __init__(self, *tags: str, origin: Origin = ORIGIN) -> None:
        self.origin = origin
        self.leaves = [tag.encode() for tag in tags]
        self.tree = MerkleLog(leaf_hash(data) for data in self.leaves)

    @classmethod
    def of(cls, size: int, fork: int | None = None, origin: Origin = ORIGIN) -> "Log":
        """Return a log whose entries differ from the other ones from ``fork`` on."""
        tags = [
            f"entry {at}{' lie' if fork is not None and at >= fork else ''}" for at in range(size)
        ]
        return cls(*tags, origin=origin)

    @property
    def size(self) -> TreeSize:
        return self.tree.size

    def at(self, size: int, *, state: bytes = b"", time: int | None = None) -> Checkpoint:
        root = self.tree.root(TreeSize(size))
        fixed = Hash32(sha256(state or b"state %d" % size).digest())
        moment = BlockTime(1_700_000_000 + size if time is None else time)
        return Checkpoint(self.origin, TreeSize(size), root, fixed, moment)

    def entries(self, start: LeafIndex, end: TreeSize) -> Iterator[bytes]:
        return iter(self.leaves[start:end])

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        return self.tree.prove_consistency(old, new)

    def note(self, size: int | None = None) -> bytes:
        return signed(self.at(self.size if size is None else size))

    def request(self, old: int, new: int) -> AddCheckpoint:
        proof = self.prove_consistency(TreeSize(old), TreeSize(new))
        return AddCheckpoint(TreeSize(old), proof.path, self.note(new))


def signed(checkpoint: Checkpoint, names: str = "ab") -> bytes:
    lines = [
        sign_checkpoint(checkpoint, member_key(name), signing_key(name).sign_frame)
        for name in names
    ]
    return assemble(checkpoint, lines)


def a_witness(
    folder: Path, name: str = "w1", logs: Mapping[Origin, CheckpointPolicy] | None = None
) -> Witness:
    return Witness(
        WitnessShelf(folder / name),
        witness_key(name),
        signing_key(name).sign_frame,
        SetClock(NOW),
        {ORIGIN: POLICY} if logs is None else logs,
    )
