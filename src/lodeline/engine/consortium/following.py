"""What a follower works out before it keeps anything: who must have signed, and what follows.

A stretch of leaves is laid over a draft of the state. Only when both roots and the time are those
that enough validators have signed does it become a block of the local file; whatever differs leaves
the file and the memory as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.refusals_validators import (
    EntryNotAllowed,
    NotThisConsortium,
    StateNotAsSigned,
    ValidatorHidesEntries,
    ValidatorServesOtherEntries,
)
from lodeline.engine.store import Block, Height
from lodeline.engine.trial import check_program
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.checkpoint import Checkpoint, CheckpointPolicy, Origin
from lodeline.ledger.entries import EntryId
from lodeline.ledger.log import Leaf, Verify, read_leaf
from lodeline.ledger.merkle import LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.merklelog import Frontier
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.state import State
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.ledger.validators import validator_policy

__all__ = ["Laid", "Stretch", "check_genesis", "fetched", "laid_over", "policy_now"]

_BATCH: Final = 256
"""Entries whose proofs are verified together."""


def policy_now(state: State) -> CheckpointPolicy | None:
    """Return whose signatures the ledger itself asks for now; nothing where nobody validates."""
    validators, constants = validator_policy(state), state.constants
    if validators is None or constants is None:
        return None
    chain: ChainId = constants.chain
    keys = tuple(VerifierKey(KeyName(f"{chain}/{key.member}"), key.key) for key in validators.keys)
    return CheckpointPolicy(Origin(chain), keys, validators.threshold)


@dataclass(frozen=True)
class Stretch:
    """Leaves that lead from one size of the log to an agreed one."""

    first: LeafIndex
    leaves: tuple[bytes, ...]
    hashes: tuple[EntryHash, ...]

    @property
    def pairs(self) -> list[tuple[EntryHash, bytes]]:
        """Return each leaf with its hash."""
        return list(zip(self.hashes, self.leaves, strict=True))


def fetched(client: ValidatorClient, base: Frontier, checkpoint: Checkpoint) -> Stretch:
    """Fetch the leaves between a log and an agreed checkpoint that continues it.

    That the leaves together with the log have the agreed root shows that the checkpoint continues
    this very log, and that each leaf is the one that was signed.

    Raises:
        ValidatorFault: the validator does not answer.
        ValidatorHidesEntries, ValidatorServesOtherEntries: what it gives is not what was signed.
    """
    leaves: list[bytes] = []
    size = checkpoint.size
    while (at := LeafIndex(base.size + len(leaves))) < size:
        more = client.entries(at, size)
        if not more:
            raise ValidatorHidesEntries(client.url, size, TreeSize(at))
        leaves += more
    hashes = tuple(map(leaf_hash, leaves))
    root, first = base.extend(hashes).root(), LeafIndex(base.size)
    if root != checkpoint.root:
        raise ValidatorServesOtherEntries(client.url, first, size, checkpoint.root, root)
    return Stretch(first, tuple(leaves), hashes)


@dataclass
class Laid:
    """A stretch laid over a draft of the state, in blocks of one time each."""

    draft: State
    frontier: Frontier
    height: Height
    """Of the last block so far."""
    blocks: list[Block] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    _open: list[EntryHash] = field(default_factory=list, init=False)
    """Leaf hashes of the block that is not ended yet."""

    def add(self, change: Change, hashed: EntryHash, time: BlockTime) -> None:
        """Take in an entry that was decided; another time than before begins a block."""
        if self._open and time != self.draft.time:
            self.end_block()
        self.draft.commit(change)
        self.changes.append(change)
        self._open.append(hashed)

    def end_block(self) -> None:
        """End a block where the draft is now."""
        first = LeafIndex(self.frontier.size)
        self.frontier = self.frontier.extend(self._open)
        self._open.clear()
        self.height = Height(self.height + 1)
        self.blocks.append(
            Block(
                self.height,
                first,
                self.frontier.size,
                self.draft.time,
                self.frontier.root(),
                self.draft.root,
            )
        )


def laid_over(base: Laid, stretch: Stretch, checkpoint: Checkpoint, verify: Verify) -> Laid:
    """Decide a stretch again over a draft, and hold the outcome to the agreed checkpoint.

    Raises:
        ProgramTooOld: what was signed follows a version of the protocol that is not known here.
        StateNotAsSigned: another state or time comes out.
        EntryNotAllowed: an entry is refused; enough validators have signed it.
    """
    index = stretch.first
    read = _read(stretch, base.draft, checkpoint.time)
    for part in batches(read, _BATCH, lambda item: item[0].entry):
        tasks = tasks_for(base.draft, [leaf.entry for leaf, _ in part])
        verdicts = {verdict.key: verdict for verdict in verify(tasks)}
        for leaf, hashed in part:
            with _allowed(index):
                change = decide(base.draft, leaf.entry, leaf.time, verdicts)
            base.add(change, hashed, leaf.time)
            index = LeafIndex(index + 1)
    base.end_block()
    for what, signed, computed in (
        ("state root", checkpoint.state.hex(), base.draft.root.hex()),
        ("time", str(checkpoint.time), str(base.draft.time)),
    ):
        if signed != computed:
            raise StateNotAsSigned(checkpoint.size, what, signed, computed)
    return base


def _read(stretch: Stretch, draft: State, until: BlockTime) -> Iterator[tuple[Leaf, EntryHash]]:
    """Yield leaves as they are needed: each after the votes before it were decided.

    Raises:
        ProgramTooOld: they require a version for the time to go to, which is not known here.
    """
    for index, (hashed, data) in enumerate(stretch.pairs, stretch.first):
        check_program(draft, until)
        with _allowed(LeafIndex(index)):
            leaf = read_leaf(data)
        yield leaf, hashed


@contextmanager
def _allowed(index: LeafIndex) -> Iterator[None]:
    """Say of a refusal that it is about an entry which the validators have signed."""
    try:
        yield
    except LodelineError as refused:
        raise EntryNotAllowed(index, refused.code, refused.message("en")) from refused


def check_genesis(state: State, expected: EntryId) -> None:
    """Refuse a log that begins with another founding than the one that is pinned.

    Raises:
        NotThisConsortium: as said.
    """
    constants = state.constants
    if constants is not None and constants.genesis != expected:
        raise NotThisConsortium(expected, constants.genesis)
