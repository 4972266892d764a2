"""A block being tried on a validator: submissions decided one after another over a draft.

Each entry is decided for itself, exactly as in a ledger that one process orders. In a proposal a
submission is taken whole or not at all, so that an honest block holds nothing that is refused; in a
block that is decided already, what is refused is left out entry by entry. Dropping an attempt
undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from lodeline.engine.consortium.reading import ReadEntry, ReadSubmission
from lodeline.engine.interface import Answer, Receipt
from lodeline.engine.trial import check_program, leaf_head
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import decide
from lodeline.ledger.change import Change
from lodeline.ledger.entries import Entry, Govern
from lodeline.ledger.merkle import LeafIndex, leaf_hash
from lodeline.ledger.state import State
from lodeline.ledger.submissions import check_submission
from lodeline.proofs.batch import Verdicts

__all__ = ["Answers", "Attempt", "Learn", "Lookahead", "first_refusal"]

Answers = tuple[Answer, ...]
"""One answer for each entry of a submission; void until the block is durable."""


Learn = Callable[[State, Sequence[Entry]], Verdicts]
"""Finds the verdicts on the proofs of entries, up to and with the next vote."""


def first_refusal(answers: Answers) -> tuple[int, LodelineError] | None:
    """Return the first entry that was refused, with its place, or nothing."""
    for index, answer in enumerate(answers):
        if isinstance(answer, LodelineError):
            return index, answer
    return None


class Lookahead:
    """The verdicts on the proofs of entries to come, found together up to the next vote."""

    def __init__(self, learn: Learn, submissions: Sequence[ReadSubmission]) -> None:
        """Take the submissions in the order in which they are to be decided."""
        self._learn = learn
        self._entries = [entry for read in submissions for entry in read.entries]
        self._starts = [0, *accumulate(len(read.entries) for read in submissions)]
        self._until = 0
        self._verdicts: Verdicts = {}

    def verdicts(self, state: State, place: int, index: int) -> Verdicts:
        """Return verdicts for an entry of the submission at a place, under this state's tables."""
        at = self._starts[place] + index
        if at >= self._until:
            batch = self._entries[at : self._end(at)]
            self._until = at + len(batch)
            sound = [read.entry for read in batch if isinstance(read, ReadEntry)]
            self._verdicts = self._learn(state, sound)
        return self._verdicts

    def restart(self) -> None:
        """Find verdicts anew from the next entry on: a vote that came before it is undone."""
        self._until = 0

    def _end(self, at: int) -> int:
        """Return where the batch that begins at a place ends: behind the next vote."""
        votes = (
            number
            for number, read in enumerate(self._entries[at:], at)
            if isinstance(read, ReadEntry) and isinstance(read.entry, Govern)
        )
        return next(votes, len(self._entries) - 1) + 1


@dataclass(frozen=True)
class _Mark:
    """How far an attempt was before a submission."""

    leaves: int
    changes: int


class Attempt:
    """What would be the next block."""

    def __init__(self, state: State, now: BlockTime) -> None:
        """Begin a block of some time over a state, which stays as it is.

        Raises:
            ProgramTooOld: members require a version of the protocol by then, not known here.
        """
        check_program(state, now)
        self.draft = state.draft()
        self.first = LeafIndex(state.size)
        """Leaf index of its first entry."""
        self.now = now
        self.leaves: list[tuple[EntryHash, bytes]] = []
        self.changes: list[Change] = []
        self.answers: list[Answers | LodelineError] = []
        """What became of each submission that was taken or turned away, in their order."""
        self._head = leaf_head(now)

    def set_time(self, now: BlockTime) -> None:
        """Go on at another time; for a waiting room, which is no block and has no one time."""
        self.now, self._head = now, leaf_head(now)

    def forget_leaves(self) -> None:
        """Forget what a block would hold; for a waiting room, which only needs the state."""
        self.leaves.clear()
        self.changes.clear()
        self.answers.clear()

    def take(self, read: ReadSubmission, lookahead: Lookahead, place: int) -> Answers:
        """Decide every entry of a submission for itself; the accepted ones stand.

        Raises:
            LodelineError: the envelope is not allowed, as `check_submission`; nothing was decided.
        """
        check_submission(self.draft, read.submission)
        verdicts = partial(lookahead.verdicts, self.draft, place)
        answers = tuple(self._each(self.draft, read, verdicts))
        self.answers.append(answers)
        return answers

    def turn_away(self, refusal: LodelineError) -> None:
        """Note that a transaction of the block is refused as a whole."""
        self.answers.append(refusal)

    def take_whole(self, read: ReadSubmission, lookahead: Lookahead, place: int) -> Answers:
        """Decide every entry of a submission; where one is refused, none of them stands.

        Raises:
            LodelineError: the envelope is not allowed, as `check_submission`.
        """
        check_submission(self.draft, read.submission)
        draft, before = self.draft.draft(), _Mark(len(self.leaves), len(self.changes))
        answers = tuple(self._each(draft, read, partial(lookahead.verdicts, draft, place)))
        if first_refusal(answers) is None:
            draft.settle()
            self.answers.append(answers)
        else:
            del self.leaves[before.leaves :], self.changes[before.changes :]
            if any(isinstance(found.entry, Govern) for found in read.sound):
                lookahead.restart()
        return answers

    def _each(
        self, draft: State, read: ReadSubmission, verdicts: Callable[[int], Verdicts]
    ) -> Iterator[Answer]:
        for index, item in enumerate(read.entries):
            if isinstance(item, ReadEntry):
                yield self._decided(draft, item, verdicts(index))
            else:
                yield item

    def _decided(self, draft: State, read: ReadEntry, verdicts: Verdicts) -> Answer:
        index = LeafIndex(draft.size)
        try:
            change = decide(draft, read.entry, self.now, verdicts, read.identity)
        except LodelineError as refusal:
            return refusal
        draft.commit(change)
        leaf = self._head + read.data
        hashed = leaf_hash(leaf)
        self.leaves.append((hashed, leaf))
        self.changes.append(change)
        return Receipt(index, read.identity, hashed, self.now)

    def found(self, entries: Sequence[ReadEntry], learn: Learn) -> None:
        """Decide the entries of a founding, all of which must be accepted.

        Raises:
            LodelineError: the first refusal; the attempt is of no more use.
        """
        for read in entries:
            answer = self._decided(self.draft, read, learn(self.draft, [read.entry]))
            if isinstance(answer, LodelineError):
                raise answer
