"""The state machine behind the consensus engine: ABCI 2.0, nothing durable before a commit.

CheckTx keeps a waiting room (`checking`), PrepareProposal and ProcessProposal try blocks
(`proposing`), FinalizeBlock decides one for good, Commit writes it. A block that was tried when it
was proposed is not decided twice: the same submissions over the same state at the same time give
the same draft. Nothing that is answered to FinalizeBlock depends on this machine: not on its clock,
its settings, its waiting room, or on what it had verified before.

From the block time on at which members require a version of the protocol that this program does not
know, it refuses to propose, judge or decide: the process ends with that refusal, and nothing of the
block is kept. An upgraded one is given the same block again by the consensus engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

from lodeline.engine.abci.abci_pb2 import (
    CheckTxType,
    RequestApplySnapshotChunk,
    RequestCheckTx,
    RequestCommit,
    RequestFinalizeBlock,
    RequestInfo,
    RequestInitChain,
    RequestListSnapshots,
    RequestLoadSnapshotChunk,
    RequestOfferSnapshot,
    RequestPrepareProposal,
    RequestProcessProposal,
    RequestQuery,
    ResponseApplySnapshotChunk,
    ResponseCheckTx,
    ResponseCommit,
    ResponseFinalizeBlock,
    ResponseInfo,
    ResponseInitChain,
    ResponseListSnapshots,
    ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot,
    ResponsePrepareProposal,
    ResponseProcessProposal,
    ResponseQuery,
)
from lodeline.engine.consortium.attempt import Answers, Attempt
from lodeline.engine.consortium.checking import CheckDesk, CheckTools
from lodeline.engine.consortium.founding import Founding, read_founding
from lodeline.engine.consortium.limits import BlockRoom
from lodeline.engine.consortium.misbehaviour import Caught, caught_in
from lodeline.engine.consortium.proposing import Proposer
from lodeline.engine.consortium.queries import answer_query
from lodeline.engine.consortium.reading import ReadSubmission, transaction_hash
from lodeline.engine.consortium.refusals import BlockLimitsDiffer, FoundingNotOfThisLedger
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.results import block_events, check_result, executed
from lodeline.engine.consortium.snapshot_desk import SnapshotDesk
from lodeline.engine.consortium.validators import (
    check_same_validators,
    consensus_keys,
    validator_updates,
)
from lodeline.engine.refusals import ProgramTooOld
from lodeline.engine.store import ConsensusHeight
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import TreeSize
from lodeline.proofs.body import PROTOCOL_VERSION

__all__ = ["ConsortiumApplication", "Limits"]

_TRIED: Final = 4
"""Tried blocks that are remembered until one is decided: a height has few rounds."""


@dataclass(frozen=True)
class Limits:
    """What one validator allows and keeps; the room in a block is among the rules."""

    quota_bytes: int
    retain_blocks: int = 0
    """Blocks that the consensus engine keeps, and those since the oldest snapshot; 0 keeps all."""


@dataclass(frozen=True)
class _Decided:
    """A block that is decided and not yet durable."""

    height: ConsensusHeight
    attempt: Attempt
    transactions: tuple[Hash32, ...]
    caught: tuple[Caught, ...]


class ConsortiumApplication:
    """One validator's application; its methods are called from several threads."""

    def __init__(
        self,
        replica: Replica,
        founding: Founding,
        tools: CheckTools,
        limits: Limits,
        snapshots: SnapshotDesk,
    ) -> None:
        """Take a ledger over, which is of this founding, or empty."""
        self._snapshots = snapshots
        self._replica = replica
        self._founding = founding
        self._tools = tools
        self._limits = limits
        self._checks = CheckDesk(replica, tools, limits.quota_bytes)
        self._tried: dict[Hash32, Attempt] = {}
        self._decided: _Decided | None = None

    # ------------------------------------------------------------------ starting

    def info(self, request: RequestInfo) -> ResponseInfo:
        """Say which block is durable, and its application hash."""
        del request
        with self._replica.turn:
            position = self._replica.position
            known = position.application_hash if self._replica.size else b""
            return ResponseInfo(
                data="lodeline",
                version=str(PROTOCOL_VERSION),
                app_version=self._founding.version,
                last_block_height=position.height,
                last_block_app_hash=known,
            )

    def init_chain(self, request: RequestInitChain) -> ResponseInitChain:
        """Apply the founding.

        Raises:
            FoundingMalformed, FoundingNotOfThisLedger: the engine starts from something else.
            BlockLimitsDiffer: the engine makes blocks of another size than the founding allows.
            ValidatorsDiffer: the engine has other validators than the founding.
            LodelineError: the refusal of an entry of the founding.
        """
        given = read_founding(request.app_state_bytes)
        if given.digest != self._founding.digest:
            raise FoundingNotOfThisLedger(self._founding.digest, given.digest)
        size = request.consensus_params.block.max_bytes
        if size != given.limits.block_bytes:
            raise BlockLimitsDiffer(given.limits.block_bytes, size)
        time = BlockTime(request.time.seconds)
        with self._replica.turn:
            same = partial(check_same_validators, engine=request.validators)
            self._replica.found(given, time, self._tools.proofs.learn, same)
            self._checks.next_round(())
            return ResponseInitChain(app_hash=self._replica.application_hash)

    # ------------------------------------------------------------------ waiting room

    def check_txs(self, requests: Sequence[RequestCheckTx]) -> Sequence[ResponseCheckTx]:
        """Check submissions, those that arrive together with one verification."""
        answers: list[ResponseCheckTx] = []
        for again, transactions in _runs(requests):
            check = self._checks.recheck if again else self._checks.check
            answers += [check_result(found) for found in check(transactions)]
        return answers

    # ------------------------------------------------------------------ proposals

    def prepare_proposal(self, request: RequestPrepareProposal) -> ResponsePrepareProposal:
        """Choose submissions so that members take turns and none is refused."""
        with self._replica.turn:
            found = self._tools.submissions.read_all(request.txs)
            waiting = [read for read in found if isinstance(read, ReadSubmission)]
            full = self._tools.rules.room
            room = BlockRoom(min(full.size, request.max_tx_bytes), full.proofs)
            agreed = BlockTime(request.time.seconds)
            proposed = self._proposer().choose(waiting, room, agreed, request.height)
            chosen = [read.data for read in proposed.submissions]
            self._remember(chosen, agreed, proposed.attempt)
            return ResponsePrepareProposal(txs=chosen)

    def process_proposal(self, request: RequestProcessProposal) -> ResponseProcessProposal:
        """Accept a proposal of which nothing is refused, and no other.

        Raises:
            ProgramTooOld: its time follows a version of the protocol that is not known here.
        """
        status = ResponseProcessProposal.ProposalStatus
        agreed = BlockTime(request.time.seconds)
        with self._replica.turn:
            if _block_key(request.txs, agreed) in self._tried:
                return ResponseProcessProposal(status=status.ACCEPT)
            try:
                submissions = [_or_raise(r) for r in self._tools.submissions.read_all(request.txs)]
                attempt = self._proposer().judge(submissions, agreed)
            except ProgramTooOld:
                raise
            except LodelineError:
                return ResponseProcessProposal(status=status.REJECT)
            self._remember(request.txs, agreed, attempt)
            return ResponseProcessProposal(status=status.ACCEPT)

    def _proposer(self) -> Proposer:
        return Proposer(self._replica.state(), self._tools.rules, self._tools.proofs.learn)

    def _remember(self, transactions: Sequence[bytes], agreed: BlockTime, attempt: Attempt) -> None:
        self._tried[_block_key(transactions, agreed)] = attempt
        while len(self._tried) > _TRIED:
            del self._tried[next(iter(self._tried))]

    # ------------------------------------------------------------------ decided blocks

    def finalize_block(self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        """Decide every entry of a block; nothing is kept yet.

        Raises:
            ProgramTooOld: its time follows a version of the protocol that is not known here.
        """
        agreed = BlockTime(request.time.seconds)
        with self._replica.turn:
            attempt = self._tried.get(_block_key(request.txs, agreed))
            if attempt is None:
                reads = self._tools.submissions.read_all(request.txs)
                attempt = self._proposer().decide(reads, agreed)
            digests = tuple(map(transaction_hash, request.txs))
            caught = caught_in(self._replica.state(), request.misbehavior)
            self._decided = _Decided(ConsensusHeight(request.height), attempt, digests, caught)
            known = self._replica.hash_after(attempt)
            before = consensus_keys(self._replica.state())
            size = TreeSize(attempt.draft.size)
            return ResponseFinalizeBlock(
                tx_results=map(executed, attempt.answers),
                validator_updates=validator_updates(before, consensus_keys(attempt.draft)),
                events=block_events(size, known, request.misbehavior),
                app_hash=known,
            )

    def commit(self, request: RequestCommit) -> ResponseCommit:
        """Make the decided block durable, begin the next round, tell everybody who waits."""
        del request
        with self._replica.turn:
            decided = self._decided
            if decided is None:
                message = "commit without a block"
                raise RuntimeError(message)
            before = self._replica.size
            self._tools.caught(decided.caught)
            self._replica.commit(decided.attempt, decided.height)
            self._snapshots.after_block(self._replica, before)
            self._decided = None
            self._tried.clear()
            self._checks.next_round(decided.transactions)
        for digest, answers in zip(decided.transactions, decided.attempt.answers, strict=True):
            self._tools.submissions.forget(digest)
            self._tell(digest, answers)
        return ResponseCommit(retain_height=self._retained(decided.height))

    def _retained(self, height: ConsensusHeight) -> int:
        """Return the first block that the engine keeps: none that a newcomer needs is dropped."""
        kept = self._limits.retain_blocks
        return max(0, min(height - kept, self._snapshots.needed_from())) if kept else 0

    def _tell(self, digest: Hash32, answers: Answers | LodelineError) -> None:
        if isinstance(answers, LodelineError):
            self._tools.outcomes.forget(digest, answers)
        else:
            self._tools.outcomes.resolve(digest, answers)

    # ------------------------------------------------------------------ questions

    def query(self, request: RequestQuery) -> ResponseQuery:
        """Answer a question with what proves the answer."""
        return answer_query(self._replica, request)

    # ------------------------------------------------------------------ snapshots

    def list_snapshots(self, request: RequestListSnapshots) -> ResponseListSnapshots:
        """Name the snapshots that others may have."""
        del request
        return self._snapshots.list()

    def offer_snapshot(self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot:
        """Say whether to restore this snapshot."""
        return self._snapshots.offer(self._replica, request)

    def load_snapshot_chunk(self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk:
        """Give a part of an own snapshot."""
        return self._snapshots.load(request)

    def apply_snapshot_chunk(
        self, request: RequestApplySnapshotChunk
    ) -> ResponseApplySnapshotChunk:
        """Take the next part of the snapshot being restored."""
        answer = self._snapshots.apply(self._replica, request)
        with self._replica.turn:
            self._tried.clear()
            self._checks.next_round(())
        return answer


def _block_key(transactions: Sequence[bytes], agreed: BlockTime) -> Hash32:
    """Return what decides a block besides the state, which stands still until the next commit."""
    hashed = hashlib.sha256(agreed.to_bytes(8, "big"))
    for data in transactions:
        hashed.update(transaction_hash(data))
    return Hash32(hashed.digest())


def _or_raise(read: ReadSubmission | LodelineError) -> ReadSubmission:
    if isinstance(read, LodelineError):
        raise read
    return read


def _runs(requests: Sequence[RequestCheckTx]) -> Iterator[tuple[bool, list[bytes]]]:
    """Yield the transactions of neighbouring requests of one kind, and whether they are known."""
    for kind, run in groupby(requests, key=lambda request: request.type):
        yield kind == CheckTxType.RECHECK, [request.tx for request in run]
