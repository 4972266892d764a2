"""What CometBFT says of itself to programs on its own machine (CometBFT 0.38, rpc/openapi).

Only what a supervisor or an operator needs is read: how far the chain is, who is connected, what a
block's header says. Nothing here is believed about the ledger; that is what checkpoints are for.
Requests go to the loopback and are neither retried nor redirected.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx
import msgspec

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime, block_time, parse_time

__all__ = [
    "BlockHeight",
    "ConsensusRpc",
    "ConsensusSilent",
    "Header",
    "Standing",
]

BlockHeight = int
"""Number of a block; the first is 1."""

_SECONDS: Final = 5.0
_MAX_ANSWER: Final = 8_000_000

T = TypeVar("T")


class ConsensusSilent(LodelineError):
    """CometBFT does not answer, or not as it should."""

    url: str
    reason: str

    code = "consensus-silent"
    en = "cometbft at {url} gives no answer that can be used: {reason}"
    fr = "cometbft à {url} ne donne aucune réponse utilisable : {reason}"
    advice_en = "see whether the validator is running, and the end of its logs"
    advice_fr = "regardez si le validateur fonctionne, et la fin de ses journaux"


@dataclass(frozen=True)
class Standing:
    """How far one validator's CometBFT is."""

    height: BlockHeight
    """Last block; 0 before the first."""
    time: BlockTime
    """Of that block, in whole seconds."""
    catching_up: bool
    """Whether it fetches blocks that the others have already."""
    peers: int
    """Validators that it is connected with."""


@dataclass(frozen=True)
class Header:
    """What two validators must agree on about one block."""

    height: BlockHeight
    block: str
    """Hash of the block in hexadecimal."""
    application_hash: str
    """Application hash after the block *before* this one, in hexadecimal."""


class _Sync(msgspec.Struct, frozen=True):
    latest_block_height: str
    latest_block_time: str
    catching_up: bool
    earliest_block_height: str = "0"


class _Status(msgspec.Struct, frozen=True):
    sync_info: _Sync


class _NetInfo(msgspec.Struct, frozen=True):
    n_peers: str


class _BlockId(msgspec.Struct, frozen=True):
    hash: str


class _BlockHeader(msgspec.Struct, frozen=True):
    height: str
    app_hash: str


class _Commit(msgspec.Struct, frozen=True):
    block_id: _BlockId


class _TimeOnly(msgspec.Struct, frozen=True):
    time: datetime


class _SignedTime(msgspec.Struct, frozen=True):
    header: _TimeOnly


class _TimeAnswer(msgspec.Struct, frozen=True):
    signed_header: _SignedTime


class _Vote(msgspec.Struct, frozen=True):
    timestamp: str


class _VotesOnly(msgspec.Struct, frozen=True):
    signatures: tuple[_Vote, ...]


class _SignedVotes(msgspec.Struct, frozen=True):
    commit: _VotesOnly


class _VotesAnswer(msgspec.Struct, frozen=True):
    signed_header: _SignedVotes


class _RoundOnly(msgspec.Struct, frozen=True):
    round: int


class _SignedRound(msgspec.Struct, frozen=True):
    commit: _RoundOnly


class _RoundAnswer(msgspec.Struct, frozen=True):
    signed_header: _SignedRound


class _SignedHeader(msgspec.Struct, frozen=True):
    header: _BlockHeader
    commit: _Commit


class _CommitAnswer(msgspec.Struct, frozen=True):
    signed_header: _SignedHeader


class _AbciResponse(msgspec.Struct, frozen=True):
    last_block_height: str = "0"
    last_block_app_hash: bytes = b""


class _AbciInfo(msgspec.Struct, frozen=True):
    response: _AbciResponse


class ConsensusRpc:
    """Asks one CometBFT; to be closed after use."""

    def __init__(self, url: str) -> None:
        """Name the RPC address, ``http://127.0.0.1:PORT``; nothing is asked yet."""
        self.url = url
        # Loopback and no TLS: a context without authorities spares reading those of the system.
        self._client = httpx.Client(
            timeout=_SECONDS, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def standing(self) -> Standing:
        """Return how far this CometBFT is.

        Raises:
            ConsensusSilent: it does not answer.
        """
        sync = self._ask("status", _Status).sync_info
        peers = self._ask("net_info", _NetInfo).n_peers
        height, time = int(sync.latest_block_height), _seconds(sync.latest_block_time)
        return Standing(height, time, sync.catching_up, int(peers))

    def header(self, height: BlockHeight) -> Header:
        """Return the header of a block.

        Raises:
            ConsensusSilent: it does not answer, or has no such block.
        """
        signed = self._ask("commit", _CommitAnswer, height=height).signed_header
        return Header(
            int(signed.header.height), signed.commit.block_id.hash, signed.header.app_hash
        )

    def moment(self, height: BlockHeight) -> datetime:
        """Return the time of a block as its validators measured it, to the microsecond.

        Raises:
            ConsensusSilent: it does not answer, or has no such block.
        """
        return self._ask("commit", _TimeAnswer, height=height).signed_header.header.time

    def first_height(self) -> BlockHeight:
        """Return the first block that this CometBFT has; it need not be the first of the chain.

        Raises:
            ConsensusSilent: it does not answer.
        """
        return int(self._ask("status", _Status).sync_info.earliest_block_height)

    def round(self, height: BlockHeight) -> int:
        """Return the round in which a block was decided; 0 where its first proposer's was taken.

        Raises:
            ConsensusSilent: it does not answer, or has no such block.
        """
        return self._ask("commit", _RoundAnswer, height=height).signed_header.commit.round

    def vote_times(self, height: BlockHeight) -> tuple[BlockTime, ...]:
        """Return the times in the votes that decided a block; 0 for a validator without one.

        Raises:
            ConsensusSilent: it does not answer, or has no such block.
        """
        votes = self._ask("commit", _VotesAnswer, height=height).signed_header.commit.signatures
        return tuple(_seconds(vote.timestamp) for vote in votes)

    def application_position(self) -> tuple[BlockHeight, bytes]:
        """Return the last block that the application has committed, and its hash after it.

        Raises:
            ConsensusSilent: it does not answer.
        """
        info = self._ask("abci_info", _AbciInfo).response
        return int(info.last_block_height), info.last_block_app_hash

    def _ask(self, method: str, type_: type[T], **parameters: int) -> T:
        try:
            answer = self._client.get(f"{self.url}/{method}", params=parameters)
            if len(answer.content) > _MAX_ANSWER:
                raise ConsensusSilent(self.url, f"{len(answer.content)} > {_MAX_ANSWER}")
            envelope = msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw])
            if "result" not in envelope:
                raise ConsensusSilent(self.url, f"HTTP {answer.status_code}")
            return msgspec.json.decode(envelope["result"], type=type_)
        except (httpx.HTTPError, msgspec.DecodeError) as failed:
            raise ConsensusSilent(self.url, f"{type(failed).__name__}: {failed}") from failed


def _seconds(text: str) -> BlockTime:
    """Return the whole seconds of an RFC 3339 time with nanoseconds; 0 before the first block."""
    whole, _, _ = text.partition(".")
    moment = whole.removesuffix("Z") + "Z"
    if moment.startswith("0001"):
        return block_time(0)
    return parse_time(moment)
