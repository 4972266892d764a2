"""What must hold after any fault: nothing acknowledged is lost, no fork, the same hashes.

Looked at are the validators themselves: the blocks that their CometBFT has, height by height, and
the files of their ledgers, entry by entry. Nothing that they say about each other is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lodeline.engine.store import FIRST, NOTHING, Block, Store
from lodeline.faults.load import Acknowledged
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, Hash32, MemberId
from lodeline.ledger.merkle import TreeSize
from lodeline.node.consensus_rpc import BlockHeight, ConsensusRpc
from lodeline.node.local_network import LocalValidator, ValidatorsDisagree

__all__ = [
    "Judged",
    "Log",
    "LogsFork",
    "ReceiptLost",
    "check_receipts",
    "check_same",
    "judge",
    "log_of",
    "positions",
]


class ReceiptLost(LodelineError):
    """An entry that a member has a receipt of and that a validator does not have."""

    member: MemberId
    index: int
    lost: int

    code = "receipt-lost"
    en = "{lost} acknowledged entries are not in the log of {member}, the first at {index}"
    fr = "{lost} écritures confirmées manquent au journal de {member}, la première à {index}"
    advice_en = "stop all validators, keep their folders, and compare the logs"
    advice_fr = "arrêtez tous les validateurs, gardez leurs dossiers et comparez les journaux"


class LogsFork(LodelineError):
    """Two validators whose logs, or states of equal logs, are not the same."""

    one: MemberId
    other: MemberId
    size: TreeSize
    what: str

    code = "logs-fork"
    en = "{one} and {other} differ in the {what} at {size} entries"
    fr = "{one} et {other} diffèrent ({what}) à {size} écritures"
    advice_en = "stop all validators, keep their folders, and compare the logs"
    advice_fr = "arrêtez tous les validateurs, gardez leurs dossiers et comparez les journaux"


@dataclass(frozen=True)
class Judged:
    """A network in which all that must hold does hold."""

    acknowledged: int
    """Entries that a member has a receipt of: every validator has all of them."""
    size: TreeSize
    height: BlockHeight
    headers: int
    """Headers that were compared between validators."""
    application_hash: Hash32


@dataclass(frozen=True)
class Log:
    """A ledger's file as it is."""

    member: MemberId
    hashes: Sequence[EntryHash]
    blocks: Sequence[Block]


def judge(
    validators: Mapping[MemberId, LocalValidator], receipts: Iterable[Acknowledged]
) -> Judged:
    """Hold running validators, all of which have the same last entries, to what must be.

    Raises:
        ReceiptLost, LogsFork, ValidatorsDisagree: it is not so.
        ConsensusSilent: a validator does not answer.
    """
    logs = [log_of(validator) for validator in validators.values()]
    kept = list(receipts)
    for log in logs:
        check_receipts(log, kept)
    for log in logs[1:]:
        check_same(logs[0], log)
    # An empty block may still be on its way: it changes the height of some, and nobody's hash.
    heads = set(positions(validators).values())
    if len({known for _, known in heads}) != 1:
        shown = tuple(f"{height} {known.hex()}" for height, known in sorted(heads))
        raise ValidatorsDisagree(max(height for height, _ in heads), shown)
    height, known = min(heads)
    headers = _check_headers(validators, height)
    return Judged(len(kept), TreeSize(len(logs[0].hashes)), height, headers, Hash32(known))


def log_of(validator: LocalValidator) -> Log:
    """Return what a validator's ledger file holds, running or not.

    Raises:
        LedgerMissing, LedgerNotRead, …: it cannot be read.
    """
    store = Store(validator.home.ledger, writable=False)
    try:
        with store.snapshot():
            return Log(validator.member, store.hashes(FIRST), store.blocks(NOTHING))
    finally:
        store.close()


def check_receipts(log: Log, receipts: Sequence[Acknowledged]) -> None:
    """Hold a log to what members have receipts of.

    Raises:
        ReceiptLost: one of them is not where its receipt says, or is another entry.
    """
    size = len(log.hashes)
    lost = [got for got in receipts if got.index >= size or log.hashes[got.index] != got.leaf]
    if lost:
        raise ReceiptLost(log.member, lost[0].index, len(lost))


def check_same(one: Log, other: Log) -> None:
    """Hold two logs together: the shorter one begins the longer one, block by block.

    Raises:
        LogsFork: it does not.
    """
    for size, (mine, theirs) in enumerate(zip(one.hashes, other.hashes, strict=False)):
        if mine != theirs:
            raise LogsFork(one.member, other.member, TreeSize(size), "entries")
    known = {block.size: block for block in one.blocks}
    for block in other.blocks:
        mine_too = known.get(block.size)
        if mine_too is not None and _said(mine_too) != _said(block):
            raise LogsFork(one.member, other.member, block.size, "roots")


def _said(block: Block) -> tuple[Hash32, Hash32, int]:
    return block.log_root, block.state_root, block.time


def positions(
    validators: Mapping[MemberId, LocalValidator],
) -> dict[MemberId, tuple[BlockHeight, bytes]]:
    """Return the last block of each application and its hash; who does not answer is left out."""
    found = {member: validator.application_position() for member, validator in validators.items()}
    return {member: position for member, position in found.items() if position is not None}


def _check_headers(validators: Mapping[MemberId, LocalValidator], until: BlockHeight) -> int:
    """Compare every header that two validators have; return how many were looked at."""
    looked_at = 0
    with _clients(validators) as clients:
        since = {member: client.first_height() for member, client in clients.items()}
        for height in range(1, until + 1):
            having = [member for member in clients if since[member] <= height]
            headers = {member: clients[member].header(height) for member in having}
            if len(set(headers.values())) > 1:
                found = tuple(
                    f"{member}: {header.block}/{header.application_hash}"
                    for member, header in headers.items()
                )
                raise ValidatorsDisagree(height, found)
            looked_at += len(headers)
    return looked_at


@contextmanager
def _clients(
    validators: Mapping[MemberId, LocalValidator],
) -> Iterator[Mapping[MemberId, ConsensusRpc]]:
    with ExitStack() as stack:
        yield {
            member: stack.enter_context(ConsensusRpc(validator.rpc))
            for member, validator in validators.items()
        }
