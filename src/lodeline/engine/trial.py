"""One block being tried: entries are decided one after another over a draft of the state.

Nothing here is durable, and dropping a trial undoes it. What is refused leaves the draft as it was,
so the next entry is decided as if the refused one had never been offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import NamedTuple

from lodeline.engine.ahead import STRETCH, Ahead
from lodeline.engine.interface import Answer, Receipt
from lodeline.engine.refusals import ProgramTooOld
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.entries import Entry, EntryId, Govern, decode_entry, entry_id
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex, leaf_hash
from lodeline.ledger.protocols import check_known
from lodeline.ledger.refusals_protocols import ProtocolNotKnown
from lodeline.ledger.state import State
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.proofs.batch import Verdicts

__all__ = ["Stretch", "Trial", "check_program", "leaf_head", "read_ahead"]

_TIME, _ENTRY = b"\xa2\x64time", b"\x65entry"


class _Read(NamedTuple):
    """An entry as it was read, with its id and its bytes."""

    entry: Entry
    identity: EntryId
    data: bytes


@dataclass
class Stretch:
    """Some neighbouring entries, each as read or refused."""

    read: list[_Read | LodelineError]
    ahead: Ahead | None = None
    """Their signatures, on the way."""

    @property
    def entries(self) -> list[_Read]:
        """Return those that could be read."""
        return [item for item in self.read if isinstance(item, _Read)]


@dataclass
class Trial:
    """What would be the next block."""

    draft: State
    first: LeafIndex
    """Leaf index of the first entry that is accepted."""
    now: BlockTime
    verify: Verify
    pool: Executor | None = None
    """Processes for signatures, where there are some."""
    leaves: list[tuple[EntryHash, bytes]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._head = leaf_head(self.now)

    def offer(self, entries: Sequence[bytes]) -> list[Answer]:
        """Decide entries in their order; one answer for each.

        The receipts are void until the block is durable.
        """
        return self.decide(read_ahead(entries, self.draft, self.pool))

    def decide(self, stretches: Sequence[Stretch]) -> list[Answer]:
        """Decide entries that `read_ahead` has read; otherwise as `offer`."""
        return list(self._answers(stretches))

    def _answers(self, stretches: Sequence[Stretch]) -> Iterator[Answer]:
        """Decide everything; after a vote the proofs are verified under the tables it left."""
        known = [read.entry for stretch in stretches for read in stretch.entries]
        waiting = batches(known, len(known), lambda entry: entry)
        verdicts = self._verified(next(waiting, ()))
        for read in _arrived(stretches):
            if not isinstance(read, _Read):
                yield read
                continue
            yield self._decided(read, verdicts)
            if isinstance(read.entry, Govern):
                verdicts = self._verified(next(waiting, ()))

    def _verified(self, entries: Sequence[Entry]) -> Verdicts:
        """Verify the proofs of entries together, as if all of them were accepted."""
        tasks = tasks_for(self.draft, entries)
        return {verdict.key: verdict for verdict in self.verify(tasks)} if tasks else {}

    def _decided(self, read: _Read, verdicts: Verdicts) -> Answer:
        try:
            change = decide(self.draft, read.entry, self.now, verdicts, read.identity)
        except LodelineError as refusal:
            return refusal
        self.draft.commit(change)
        leaf = self._head + read.data
        hashed = leaf_hash(leaf)
        index = LeafIndex(self.first + len(self.leaves))
        self.leaves.append((hashed, leaf))
        self.changes.append(change)
        return Receipt(index, read.identity, hashed, self.now)


def read_ahead(
    entries: Sequence[bytes], state: State, pool: Executor | None
) -> tuple[Stretch, ...]:
    """Read entries, and have their signatures verified meanwhile where there is a pool.

    ``state`` is only asked for members' keys; it need not be the one in which the entries will be
    decided.
    """
    return tuple(
        _stretch(entries[at : at + STRETCH], state, pool) for at in range(0, len(entries), STRETCH)
    )


def _stretch(data: Sequence[bytes], state: State, pool: Executor | None) -> Stretch:
    stretch = Stretch([_read(item) for item in data])
    if pool is not None:
        signed = ((read.entry, read.identity) for read in stretch.entries)
        stretch.ahead = Ahead.send(pool, state, signed)
    return stretch


def _arrived(stretches: Sequence[Stretch]) -> Iterator[_Read | LodelineError]:
    """Yield every entry once the signatures of its stretch are there."""
    for stretch in stretches:
        if stretch.ahead is not None:
            stretch.ahead.wait()
        yield from stretch.read


def check_program(state: State, now: BlockTime) -> None:
    """Refuse to try a block at a time whose version of the protocol this program does not know.

    An entry says nothing wrong there and can be sent later as it is, so this is the engine's
    refusal and not the ledger's.

    Raises:
        ProgramTooOld: as said.
    """
    try:
        check_known(state, now)
    except ProtocolNotKnown as old:
        raise ProgramTooOld(old.version, old.at, old.since, old.release, old.known) from old


def leaf_head(time: BlockTime) -> bytes:
    """Return what stands before an entry in a leaf of a block, so that ``head + entry`` is a leaf.

    The same bytes as ``Leaf.encode``, without writing the entry again (the shorter key stands
    first, RFC 8949 §4.2.1).
    """
    return b"".join((_TIME, cbor.encode(time), _ENTRY))


def _read(data: bytes) -> _Read | LodelineError:
    try:
        entry = decode_entry(data)
    except LodelineError as refusal:
        return refusal
    return _Read(entry, entry_id(entry), data)
