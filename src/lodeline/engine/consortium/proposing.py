"""What a validator proposes, and what it lets pass of the others' proposals.

A proposal is right when every submission in it can be read, fits, is signed by an active member,
and has every one of its entries accepted, in the order in which they stand. Whatever a validator
proposes is tried by the same rules first, so that it passes its own check and any honest one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lodeline.engine.consortium.attempt import Attempt, Learn, Lookahead, first_refusal
from lodeline.engine.consortium.limits import BlockRoom
from lodeline.engine.consortium.reading import ReadSubmission
from lodeline.engine.consortium.rules import BlockRules
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Entry
from lodeline.ledger.state import State
from lodeline.proofs.batch import Verdict, Verdicts

__all__ = ["Proposed", "Proposer", "taking_turns"]

_FIRST_PROOFS: Final = 8
"""Entries of somebody's proposal whose proofs are verified together before any was right."""
_STORY_PASSES: Final = 8
"""How often a block is tried again because a dropped submission had told its latest day."""


@dataclass(frozen=True)
class Proposed:
    """A block that passes, with the attempt that showed it."""

    submissions: tuple[ReadSubmission, ...]
    attempt: Attempt


def taking_turns(waiting: Sequence[ReadSubmission], start: int = 0) -> list[ReadSubmission]:
    """Return submissions so that members take turns: each one's first, then each one's second.

    Each member's own keep their order. Who begins changes with ``start``, so that nobody is first
    in every block.
    """
    queues: dict[MemberId, list[ReadSubmission]] = {}
    for read in waiting:
        queues.setdefault(read.submission.body.member, []).append(read)
    members = sorted(queues)
    first = start % len(members) if members else 0
    order = [queues[member] for member in members[first:] + members[:first]]
    longest = max(map(len, order), default=0)
    return [queue[turn] for turn in range(longest) for queue in order if turn < len(queue)]


@dataclass(frozen=True)
class Proposer:
    """Tries blocks over the state as it is."""

    state: State
    rules: BlockRules
    learn: Learn

    # ------------------------------------------------------------------ own proposals

    def choose(
        self, waiting: Sequence[ReadSubmission], room: BlockRoom, agreed: BlockTime, start: int
    ) -> Proposed:
        """Return a block of what waits: members in turn, as much as fits, nothing refused."""
        candidates = self._fitting(taking_turns(waiting, start), room)
        for _ in range(_STORY_PASSES):
            time = self.rules.time(self.state.time, agreed, candidates)
            proposed = self._tried(candidates, time)
            if self.rules.time(self.state.time, agreed, proposed.submissions) == time:
                return proposed
            candidates = list(proposed.submissions)
        return self._tried([], self.rules.time(self.state.time, agreed, []))

    def _fitting(self, waiting: Iterable[ReadSubmission], room: BlockRoom) -> list[ReadSubmission]:
        """Return what fits, passing over what does not: smaller ones behind it still may."""
        chosen: list[ReadSubmission] = []
        for read in waiting:
            left = room.less(read)
            if left is not None and self._is_admissible(read):
                chosen.append(read)
                room = left
        return chosen

    def _is_admissible(self, read: ReadSubmission) -> bool:
        try:
            self.rules.check(read)
        except LodelineError:
            return False
        return True

    def _tried(self, candidates: Sequence[ReadSubmission], time: BlockTime) -> Proposed:
        """Take what is accepted; what is refused is tried once more behind all the others.

        By turns an entry can come before the one of another member that it builds on.
        """
        attempt = Attempt(self.state, time)
        taken, refused = _pass(attempt, candidates, self.learn)
        if taken and refused:
            taken += _pass(attempt, refused, self.learn)[0]
        return Proposed(tuple(taken), attempt)

    # ------------------------------------------------------------------ anybody's proposals

    def judge(self, submissions: Sequence[ReadSubmission], agreed: BlockTime) -> Attempt:
        """Return the attempt of a proposal that may stand.

        Raises:
            LodelineError: the first thing that is wrong with it.
        """
        for read in submissions:
            self.rules.check(read)
        self.rules.room.check_together(submissions)
        attempt = Attempt(self.state, self.rules.time(self.state.time, agreed, submissions))
        lookahead = Lookahead(_warily(self.learn), submissions)
        for place, read in enumerate(submissions):
            found = first_refusal(attempt.take(read, lookahead, place))
            if found is not None:
                raise found[1]
        return attempt

    # ------------------------------------------------------------------ decided blocks

    def decide(self, reads: Sequence[ReadSubmission | LodelineError], agreed: BlockTime) -> Attempt:
        """Decide whatever a block holds, also what no honest validator would have let pass.

        What is refused is left out; everything else stands.
        """
        sound = [read for read in reads if isinstance(read, ReadSubmission)]
        attempt = Attempt(self.state, self.rules.time(self.state.time, agreed, sound))
        lookahead = Lookahead(self.learn, sound)
        places = iter(range(len(sound)))
        for read in reads:
            if isinstance(read, LodelineError):
                attempt.turn_away(read)
                continue
            try:
                attempt.take(read, lookahead, next(places))
            except LodelineError as refused:
                attempt.turn_away(refused)
        return attempt


def _warily(learn: Learn) -> Learn:
    """Return a `Learn` that verifies more at a time as proofs turn out right, up to a wrong one.

    One wrong proof refuses a proposal as surely as many do, and finding many takes far longer than
    a round. What waited here before is known already and costs nothing.
    """

    def learned(state: State, entries: Sequence[Entry]) -> Verdicts:
        found: dict[Hash32, Verdict] = {}
        at, most = 0, _FIRST_PROOFS
        while at < len(entries):
            part = learn(state, entries[at : at + most])
            found.update(part)
            if any(verdict.refusal is not None for verdict in part.values()):
                break
            at, most = at + most, 2 * most
        return found

    return learned


def _pass(
    attempt: Attempt, candidates: Sequence[ReadSubmission], learn: Learn
) -> tuple[list[ReadSubmission], list[ReadSubmission]]:
    """Offer submissions one after another; return those taken and those refused."""
    taken: list[ReadSubmission] = []
    refused: list[ReadSubmission] = []
    lookahead = Lookahead(learn, candidates)
    for place, read in enumerate(candidates):
        (taken if _is_taken(attempt, read, lookahead, place) else refused).append(read)
    return taken, refused


def _is_taken(attempt: Attempt, read: ReadSubmission, lookahead: Lookahead, place: int) -> bool:
    try:
        return first_refusal(attempt.take_whole(read, lookahead, place)) is None
    except LodelineError:
        return False
