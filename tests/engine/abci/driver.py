"""Several applications in lockstep, driven block by block as a consensus engine would.

An application is anything with the methods of `Application`: the object itself, or an `AbciClient`
of a process. There is no voting: the test decides, and says who proposes, who is away and who
comes back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from lodeline.engine.abci.abci_pb2 import (
    BLOCK_ID_FLAG_ABSENT,
    BLOCK_ID_FLAG_COMMIT,
    CommitInfo,
    ConsensusParams,
    ExtendedCommitInfo,
    ExtendedVoteInfo,
    Misbehavior,
    PublicKey,
    RequestCommit,
    RequestFinalizeBlock,
    RequestInfo,
    RequestInitChain,
    RequestPrepareProposal,
    RequestProcessProposal,
    ResponseFinalizeBlock,
    ResponseProcessProposal,
    Validator,
    ValidatorUpdate,
    VoteInfo,
)
from lodeline.engine.abci.application import Application

ACCEPT: Final = ResponseProcessProposal.ACCEPT
REJECT: Final = ResponseProcessProposal.REJECT

MAX_TX_BYTES: Final = 1_900_000
"""Bytes that the engine leaves for transactions in a block of 2,000,000."""


def address_of(key: bytes) -> bytes:
    """Return the address of a validator: 20 bytes of the hash of its Ed25519 public key."""
    return sha256(key).digest()[:20]


def framed_bytes(txs: Iterable[bytes]) -> int:
    """Bytes of transactions as the engine counts them: each with its tag and its length."""
    return sum(1 + max(1, (len(tx).bit_length() + 6) // 7) + len(tx) for tx in txs)


@dataclass(frozen=True)
class Block:
    """A decided block, and what every application answered to it."""

    request: RequestFinalizeBlock
    response: ResponseFinalizeBlock
    """Without what may differ between validators."""

    @property
    def height(self) -> int:
        return self.request.height

    @property
    def app_hash(self) -> bytes:
        return self.response.app_hash

    @property
    def codes(self) -> tuple[int, ...]:
        return tuple(result.code for result in self.response.tx_results)


@dataclass
class Lockstep:
    """Applications that get the same blocks; any difference between them fails the test."""

    applications: Sequence[Application]
    keys: Sequence[bytes]
    """Ed25519 public keys of the validators, one for each application."""
    chain: str
    genesis_seconds: int
    block_seconds: int = 5
    """Seconds from one block's header time to the next."""
    blocks: list[Block] = field(default_factory=list)
    started: RequestInitChain | None = None

    def found(self, app_state: bytes) -> bytes:
        """InitChain on all; return the application hash that they agree on."""
        self.started = RequestInitChain(
            time=Timestamp(seconds=self.genesis_seconds),
            chain_id=self.chain,
            consensus_params=ConsensusParams(),
            validators=[
                ValidatorUpdate(pub_key=PublicKey(ed25519=key), power=1) for key in self.keys
            ],
            app_state_bytes=app_state,
            initial_height=1,
        )
        answers = [one.init_chain(self.started) for one in self.applications]
        return one_of({answer.app_hash for answer in answers})

    def propose(self, proposer: int, offered: Sequence[bytes]) -> tuple[bytes, ...]:
        """PrepareProposal at one application, given what is in its mempool."""
        answer = self.applications[proposer].prepare_proposal(
            RequestPrepareProposal(
                max_tx_bytes=MAX_TX_BYTES,
                txs=offered,
                local_last_commit=self._extended_commit,
                height=self._height,
                time=self._time,
                next_validators_hash=self._validators_hash,
                proposer_address=address_of(self.keys[proposer]),
            )
        )
        assert framed_bytes(answer.txs) <= MAX_TX_BYTES
        return tuple(answer.txs)

    def judge(self, proposer: int, txs: Sequence[bytes]) -> list[int]:
        """ProcessProposal at every application; return what each said, ACCEPT or REJECT."""
        request = RequestProcessProposal(
            txs=txs,
            proposed_last_commit=self._last_commit(()),
            hash=self._hash(txs),
            height=self._height,
            time=self._time,
            next_validators_hash=self._validators_hash,
            proposer_address=address_of(self.keys[proposer]),
        )
        return [one.process_proposal(request).status for one in self.applications]

    def decide(
        self,
        txs: Sequence[bytes],
        proposer: int = 0,
        *,
        away: Sequence[int] = (),
        misbehavior: Sequence[Misbehavior] = (),
    ) -> Block:
        """FinalizeBlock and Commit at all that are not away, whatever they think of the block."""
        request = RequestFinalizeBlock(
            txs=txs,
            decided_last_commit=self._last_commit(away),
            misbehavior=misbehavior,
            hash=self._hash(txs),
            height=self._height,
            time=self._time,
            next_validators_hash=self._validators_hash,
            proposer_address=address_of(self.keys[proposer]),
        )
        present = [one for at, one in enumerate(self.applications) if at not in away]
        answers = [comparable(one.finalize_block(request)) for one in present]
        assert answers, "somebody must be there"
        assert all(answer == answers[0] for answer in answers), "the applications differ"
        assert len(answers[0].tx_results) == len(txs)
        for one in present:
            one.commit(RequestCommit())
        self.blocks.append(Block(request, answers[0]))
        return self.blocks[-1]

    def step(self, offered: Sequence[bytes], *, away: Sequence[int] = ()) -> Block:
        """One honest round: the next in turn proposes, all accept, all commit."""
        present = [at for at in range(len(self.applications)) if at not in away]
        proposer = present[self._height % len(present)]
        txs = self.propose(proposer, offered)
        judged = self.judge(proposer, txs)
        assert all(judged[at] == ACCEPT for at in present), "an honest proposal was rejected"
        return self.decide(txs, proposer, away=away)

    def catch_up(self, application: Application) -> int:
        """Give one application the blocks it lacks, as block sync does; return how many."""
        done = application.info(RequestInfo()).last_block_height
        if done == 0:
            assert self.started is not None, "the chain is not founded"
            application.init_chain(self.started)
        for block in self.blocks[done:]:
            assert comparable(application.finalize_block(block.request)) == block.response
            application.commit(RequestCommit())
        return len(self.blocks) - done

    @property
    def _height(self) -> int:
        return len(self.blocks) + 1

    @property
    def _time(self) -> Timestamp:
        return Timestamp(seconds=self.genesis_seconds + self.block_seconds * self._height)

    @property
    def _validators_hash(self) -> bytes:
        return sha256(b"".join(self.keys)).digest()

    def _hash(self, txs: Sequence[bytes]) -> bytes:
        return sha256(b"%d:" % self._height + b"".join(sha256(tx).digest() for tx in txs)).digest()

    @property
    def _extended_commit(self) -> ExtendedCommitInfo:
        return ExtendedCommitInfo(
            votes=[
                ExtendedVoteInfo(
                    validator=Validator(address=address_of(key), power=1),
                    block_id_flag=BLOCK_ID_FLAG_COMMIT,
                )
                for key in self.keys
            ]
        )

    def _last_commit(self, away: Sequence[int]) -> CommitInfo:
        return CommitInfo(
            votes=[
                VoteInfo(
                    validator=Validator(address=address_of(key), power=1),
                    block_id_flag=BLOCK_ID_FLAG_ABSENT if at in away else BLOCK_ID_FLAG_COMMIT,
                )
                for at, key in enumerate(self.keys)
            ]
        )


def comparable(response: ResponseFinalizeBlock) -> ResponseFinalizeBlock:
    """Copy what all validators must answer alike: not log, info and events."""
    copy = ResponseFinalizeBlock()
    copy.CopyFrom(response)
    copy.ClearField("events")
    for result in copy.tx_results:
        for name in ("log", "info", "events"):
            result.ClearField(name)
    return copy


def one_of(values: set[bytes]) -> bytes:
    """Return the only value."""
    assert len(values) == 1, f"the applications differ: {sorted(value.hex() for value in values)}"
    return next(iter(values))
