"""What every validator of a consortium must apply alike besides the state machine: clock and room.

A block has one time. Where members tell a story it is the latest day that a submission of the block
tells, elsewhere the time that the validators agreed on; never before the last block's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lodeline.engine.consortium.founding import ClockKind, Founding
from lodeline.engine.consortium.limits import BlockRoom
from lodeline.engine.consortium.reading import ReadSubmission
from lodeline.engine.consortium.refusals import SubmissionDayMissing
from lodeline.kernel.time import BlockTime

__all__ = ["BlockRules"]


@dataclass(frozen=True)
class BlockRules:
    """The clock of a consortium, and the room in its blocks."""

    clock: ClockKind
    room: BlockRoom

    @classmethod
    def of(cls, founding: Founding) -> Self:
        """Return the rules that the members founded the consortium with."""
        limits = founding.limits
        return cls(founding.clock, BlockRoom(limits.submission_room, limits.block_proofs))

    def check(self, read: ReadSubmission) -> None:
        """Refuse a submission that no block can hold.

        Raises:
            SubmissionBeyondBlock: it is too large.
            SubmissionDayMissing: it tells no day where members tell them, or one elsewhere.
        """
        self.room.check(read)
        day = read.submission.body.day
        if (day is None) is (self.clock is ClockKind.STORY):
            raise SubmissionDayMissing(day)

    def time(
        self, last: BlockTime, agreed: BlockTime, submissions: Sequence[ReadSubmission]
    ) -> BlockTime:
        """Return the time of a block that holds these submissions, in their order."""
        if self.clock is ClockKind.BLOCK:
            return BlockTime(max(last, agreed))
        days = (read.submission.body.day for read in submissions)
        return BlockTime(max([last, *(day for day in days if day is not None)]))
