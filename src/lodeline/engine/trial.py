"""One block being tried: entries are decided one after another over a draft of the state.

Nothing here is durable, and dropping a trial undoes it. What is refused leaves the draft as it was,
so the next entry is decided as if the refused one had never been offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from lodeline.engine.ahead import STRETCH, Ahead
from lodeline.engine.interface import Answer, Receipt
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.entries import Entry, Govern, decode_entry
from lodeline.ledger.log import Verify
from lodeline.ledger.merkle import LeafIndex, leaf_hash
from lodeline.ledger.state import State
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.proofs.batch import Verdicts

__all__ = ["Trial", "leaf_head"]

_TIME, _ENTRY = b"\xa2\x64time", b"\x65entry"


@dataclass
class _Stretch:
    """Some neighbouring entries, each as read or refused, with its bytes."""

    read: list[tuple[Entry | LodelineError, bytes]]
    ahead: Ahead | None = None
    """Their signatures, on the way."""

    @property
    def entries(self) -> list[Entry]:
        """Return those that could be read."""
        return [entry for entry, _ in self.read if not isinstance(entry, LodelineError)]


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
        stretches = [
            self._read(entries[at : at + STRETCH]) for at in range(0, len(entries), STRETCH)
        ]
        return list(self._answers(stretches))

    def _read(self, data: Sequence[bytes]) -> _Stretch:
        read = [_read(item) for item in data]
        stretch = _Stretch(list(zip(read, data, strict=True)))
        if self.pool is not None:
            stretch.ahead = Ahead.send(self.pool, self.draft, stretch.entries)
        return stretch

    def _answers(self, stretches: Sequence[_Stretch]) -> Iterator[Answer]:
        """Decide everything; after a vote the proofs are verified under the tables it left."""
        known = [entry for stretch in stretches for entry in stretch.entries]
        waiting = batches(known, len(known), lambda entry: entry)
        verdicts = self._verified(next(waiting, ()))
        for entry, data in _arrived(stretches):
            if isinstance(entry, LodelineError):
                yield entry
                continue
            yield self._decided(entry, data, verdicts)
            if isinstance(entry, Govern):
                verdicts = self._verified(next(waiting, ()))

    def _verified(self, entries: Sequence[Entry]) -> Verdicts:
        """Verify the proofs of entries together, as if all of them were accepted."""
        tasks = tasks_for(self.draft, entries)
        return {verdict.key: verdict for verdict in self.verify(tasks)} if tasks else {}

    def _decided(self, entry: Entry, data: bytes, verdicts: Verdicts) -> Answer:
        try:
            change = decide(self.draft, entry, self.now, verdicts)
        except LodelineError as refusal:
            return refusal
        self.draft.commit(change)
        leaf = self._head + data
        hashed = leaf_hash(leaf)
        index = LeafIndex(self.first + len(self.leaves))
        self.leaves.append((hashed, leaf))
        self.changes.append(change)
        return Receipt(index, next(iter(change.accepted)), hashed, self.now)


def _arrived(stretches: Sequence[_Stretch]) -> Iterator[tuple[Entry | LodelineError, bytes]]:
    """Yield every entry once the signatures of its stretch are there."""
    for stretch in stretches:
        if stretch.ahead is not None:
            stretch.ahead.wait()
        yield from stretch.read


def leaf_head(time: BlockTime) -> bytes:
    """Return what stands before an entry in a leaf of a block, so that ``head + entry`` is a leaf.

    The same bytes as ``Leaf.encode``, without writing the entry again (the shorter key stands
    first, RFC 8949 §4.2.1).
    """
    return b"".join((_TIME, cbor.encode(time), _ENTRY))


def _read(data: bytes) -> Entry | LodelineError:
    try:
        return decode_entry(data)
    except LodelineError as refusal:
        return refusal
