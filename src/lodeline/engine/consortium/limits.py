"""What bounds a member's work for the others: room in a block, a quota, a pause for the refused.

The room in a block is agreed on: the same on every validator. Quota and pause are each validator's
own defence; they are applied to members alone, after the signature of the envelope, so that nobody
can use another's up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lodeline.engine.consortium.reading import ReadSubmission
from lodeline.engine.consortium.refusals import (
    MemberLockedOut,
    MemberQuotaFull,
    SubmissionBeyondBlock,
)
from lodeline.kernel.ids import Hash32, MemberId

__all__ = [
    "FRAME_BYTES",
    "MOST_REFUSED",
    "PAUSE_SECONDS",
    "PROOF_WEIGHT",
    "BlockRoom",
    "LockOut",
    "Quotas",
]

FRAME_BYTES: Final = 5
"""What a transaction takes in a block besides its own bytes, at most: a tag and its length."""
MOST_REFUSED: Final = 32
"""Submissions of a member that may be refused one after another before it has to wait."""
PAUSE_SECONDS: Final = 20
PROOF_WEIGHT: Final = 16
"""A wrong proof counts like so many refused submissions: finding out costs far more."""


@dataclass(frozen=True)
class BlockRoom:
    """What one block holds at most."""

    size: int
    """Bytes of transactions."""
    proofs: int
    votes: int = 1
    """Votes on who validates: the state holds each of them to its pace, and cannot see blocks; two
    in one block together could leave a copy without enough of the signers that it knows."""

    def check(self, read: ReadSubmission) -> None:
        """Refuse a submission that fits into no block.

        Raises:
            SubmissionBeyondBlock: it is larger, or has more proofs or votes on validators, than a
                block may have.
        """
        self.check_together([read])

    def check_together(self, submissions: Iterable[ReadSubmission]) -> None:
        """Refuse submissions that do not fit into one block together.

        Raises:
            SubmissionBeyondBlock: they have more bytes, proofs or votes on validators than a block
                may have.
        """
        size = proofs = votes = 0
        for read in submissions:
            size, proofs = size + len(read.data) + FRAME_BYTES, proofs + read.proofs
            votes += read.votes
        for what, limit, got in (
            ("bytes", self.size, size),
            ("proofs", self.proofs, proofs),
            ("votes on validators", self.votes, votes),
        ):
            if got > limit:
                raise SubmissionBeyondBlock(what, limit, got)

    def less(self, read: ReadSubmission) -> BlockRoom | None:
        """Return what is left beside a submission, or nothing where it does not fit."""
        size, proofs = self.size - len(read.data) - FRAME_BYTES, self.proofs - read.proofs
        votes = self.votes - read.votes
        return BlockRoom(size, proofs, votes) if min(size, proofs, votes) >= 0 else None


@dataclass
class _Waiting:
    member: MemberId
    size: int
    seen: int
    """The round in which the consensus engine last showed it."""


class Quotas:
    """How much of each member waits for a block on this validator.

    The consensus engine does not say when it throws a transaction away. But after each block it
    shows again whatever waits; so what was not shown since the block before is no longer there.
    """

    def __init__(self, quota_bytes: int) -> None:
        """Let every member have so many bytes waiting."""
        self._quota = quota_bytes
        self._waiting: dict[Hash32, _Waiting] = {}
        self._bytes: dict[MemberId, int] = {}
        self._round = 0

    def waiting(self, member: MemberId) -> int:
        """Return how many bytes of a member wait."""
        return self._bytes.get(member, 0)

    def check(self, read: ReadSubmission) -> None:
        """Refuse a submission that would exceed its member's quota.

        Raises:
            MemberQuotaFull: it would; nothing is counted.
        """
        member = read.submission.body.member
        waiting = self.waiting(member)
        if read.digest not in self._waiting and waiting + len(read.data) > self._quota:
            raise MemberQuotaFull(member, waiting, self._quota)

    def add(self, read: ReadSubmission) -> None:
        """Count a submission that waits now, or still."""
        known = self._waiting.get(read.digest)
        if known is not None:
            known.seen = self._round
            return
        member, size = read.submission.body.member, len(read.data)
        self._waiting[read.digest] = _Waiting(member, size, self._round)
        self._bytes[member] = self.waiting(member) + size

    def release(self, digest: Hash32) -> None:
        """Count a submission no more that was decided or thrown away."""
        known = self._waiting.pop(digest, None)
        if known is not None:
            left = self._bytes[known.member] - known.size
            if left:
                self._bytes[known.member] = left
            else:
                del self._bytes[known.member]

    def next_round(self, decided: Iterable[Hash32]) -> list[Hash32]:
        """Begin the round after a block; return what has vanished without being decided."""
        for digest in decided:
            self.release(digest)
        gone = [digest for digest, found in self._waiting.items() if found.seen < self._round]
        for digest in gone:
            self.release(digest)
        self._round += 1
        return gone


@dataclass
class _Streak:
    refused: int
    last: float


class LockOut:
    """A pause for a member whose submissions keep being refused; one that is taken ends it.

    Who had one taken last is trusted: more of its proofs are verified together. That is quicker
    while all of them are right, and much slower when they are not.
    """

    def __init__(self, most_refused: int = MOST_REFUSED, seconds: int = PAUSE_SECONDS) -> None:
        """Let so many be refused one after another, then have the member wait."""
        self._most = most_refused
        self._seconds = seconds
        self._streaks: dict[MemberId, _Streak] = {}
        self._trusted: set[MemberId] = set()

    def trusts(self, member: MemberId) -> bool:
        """Return whether what the member handed in last was taken."""
        return member in self._trusted

    def check(self, member: MemberId, now: float) -> None:
        """Refuse a member that has to wait; ``now`` in seconds of any steady clock.

        Raises:
            MemberLockedOut: too many were refused, and the last not long enough ago.
        """
        streak = self._streaks.get(member)
        if streak is None or streak.refused < self._most:
            return
        if now - streak.last < self._seconds:
            raise MemberLockedOut(member, streak.refused, self._seconds)
        del self._streaks[member]

    def refused(self, member: MemberId, now: float, wrong_proofs: int = 0) -> None:
        """Count a submission that was refused for what it says, and the wrong proofs in it."""
        streak = self._streaks.setdefault(member, _Streak(0, now))
        streak.refused, streak.last = streak.refused + 1 + PROOF_WEIGHT * wrong_proofs, now
        self._trusted.discard(member)

    def taken(self, member: MemberId) -> None:
        """Forget what was refused before."""
        self._streaks.pop(member, None)
        self._trusted.add(member)
