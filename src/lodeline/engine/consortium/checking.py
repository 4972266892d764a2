"""Submissions on their way into the waiting room of a validator, and again after every block.

A new submission is checked in this order, what is cheap before what is dear: it can be read, it
fits into a block, its member is active and has signed the envelope, does not have to pause and has
not used up its share; then every entry is decided over everything that waits already, with its
proof. One refused entry refuses the submission, since no block may hold it.

After a block whatever still waits is decided once more over the new state. That finds conflicts;
no proof is verified for it. One without a verdict (a vote has changed the tables meanwhile) goes on
waiting and is verified when it is proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lodeline.engine.consortium.attempt import Answers, Attempt, Lookahead, first_refusal
from lodeline.engine.consortium.limits import LockOut, Quotas
from lodeline.engine.consortium.misbehaviour import Caught
from lodeline.engine.consortium.outcomes import Outcomes, refused_whole
from lodeline.engine.consortium.reading import ReadSubmission, Submissions
from lodeline.engine.consortium.refusals import SubmissionForgotten
from lodeline.engine.consortium.replica import Replica
from lodeline.engine.consortium.rules import BlockRules
from lodeline.engine.consortium.verdicts import ProofDesk, note_signatures
from lodeline.engine.interface import Clock
from lodeline.engine.trial import check_program
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted, ProofNotVerified
from lodeline.ledger.submissions import check_submission
from lodeline.ledger.tasks import tasks_for
from lodeline.proofs.task import ProofTask
from lodeline.proofs.verifier import ProofDoesNotHold, ProofShapeWrong

__all__ = ["CheckDesk", "CheckTools"]

_TRUSTED_TOGETHER: Final = 64
"""Proofs that are verified together for members whose last submission was taken."""
_TOGETHER: Final = 2
"""As many for others."""
_WRONG_PROOF: Final = (ProofDoesNotHold, ProofShapeWrong)

_Read = ReadSubmission | LodelineError
Checked = Answers | LodelineError
"""One answer for each entry, or why the envelope was refused."""


@dataclass(frozen=True)
class CheckTools:
    """What checking needs besides the ledger."""

    rules: BlockRules
    submissions: Submissions
    proofs: ProofDesk
    outcomes: Outcomes
    clock: Clock
    """The validator's own clock: it decides what is worth keeping, never what a block says."""
    steady: Callable[[], float]
    """Seconds of a clock that is never set, for pauses."""
    caught: Callable[[Sequence[Caught]], object] = len
    """Told of validators that misbehaved, before the block that tells of them is durable."""


class CheckDesk:
    """The waiting room of one validator."""

    def __init__(self, replica: Replica, tools: CheckTools, quota_bytes: int) -> None:
        """Begin with nothing waiting."""
        self._replica = replica
        self._tools = tools
        self.quotas = Quotas(quota_bytes)
        self.lock_out = LockOut()
        self._attempt = self._fresh()

    def _fresh(self) -> Attempt:
        state = self._replica.state()
        return Attempt(state, state.time)

    # ------------------------------------------------------------------ new submissions

    def check(self, transactions: Sequence[bytes]) -> list[Checked]:
        """Check new submissions; proofs are verified together, while blocks may go on.

        Few at a time of members who are not trusted: the consensus engine does not commit a block
        before what it has handed over is answered, and wrong proofs must not hold that up.
        """
        found = [self._tools.submissions.read(data) for data in transactions]
        return [answer for some in self._batches(found) for answer in self._check(some)]

    def _batches(self, found: Sequence[_Read]) -> Iterator[list[_Read]]:
        """Yield what may be verified together; who is trusted is looked at as it comes."""
        batch, proofs = list[_Read](), 0
        for read in found:
            more = read.proofs if isinstance(read, ReadSubmission) else 0
            if batch and more and proofs + more > self._most_together([*batch, read]):
                yield batch
                batch, proofs = [], 0
            batch.append(read)
            proofs += more
        if batch:
            yield batch

    def _most_together(self, batch: Sequence[_Read]) -> int:
        """Return how many proofs may be verified before the first wrong one is noticed."""
        members = {
            read.submission.body.member
            for read in batch
            if isinstance(read, ReadSubmission) and read.proofs
        }
        trusted = all(self.lock_out.trusts(member) for member in members)
        return _TRUSTED_TOGETHER if trusted else _TOGETHER

    def _check(self, found: Sequence[_Read]) -> list[Checked]:
        with self._replica.turn:
            admitted = [self._admitted(read) for read in found]
            sound = [read for read in admitted if isinstance(read, ReadSubmission)]
            entries = [entry for read in sound for entry in read.sound]
            tasks = tasks_for(self._attempt.draft, [read.entry for read in entries])
            ahead = self._tools.proofs.send_signatures(self._attempt.draft, entries)
        proofs = self._tools.proofs
        learn = proofs.learn if self._verified(tasks, self._most_together(sound)) else proofs.recall
        if ahead is not None:
            ahead.wait()
        with self._replica.turn:
            lookahead = Lookahead(learn, sound)
            places = iter(range(len(sound)))
            return [
                self._decided(read, lookahead, next(places))
                if isinstance(read, ReadSubmission)
                else read
                for read in admitted
            ]

    def _verified(self, tasks: Sequence[ProofTask], most: int) -> bool:
        """Verify proofs, more at a time as they turn out right; stop where one is wrong.

        Return whether all of them were looked at: a submission is refused for one as for many.
        """
        while tasks:
            found = self._tools.proofs.verdicts(tasks[:most])
            tasks, most = tasks[most:], 2 * most
            if any(verdict.refusal is not None for verdict in found.values()):
                break
        return not tasks

    def _admitted(self, read: ReadSubmission | LodelineError) -> ReadSubmission | Checked:
        """Check the envelope and whether its member may have it decided now."""
        if isinstance(read, LodelineError):
            return read
        try:
            self._tools.rules.check(read)
            check_submission(self._attempt.draft, read.submission)
            if known := self._all_known(read):
                self._tools.outcomes.resolve(read.digest, known)
                return known
            self.lock_out.check(read.submission.body.member, self._tools.steady())
            self.quotas.check(read)
        except LodelineError as refused:
            count = len(read.entries)
            self._tools.outcomes.refuse(read.digest, refused, count)
            return refused
        return read

    def _all_known(self, read: ReadSubmission) -> Answers:
        """Refuse a submission every entry of which was accepted before; nothing for any other.

        Whoever has seen one may hand it in again. That costs no proof, and its member nothing.
        """
        known, refused = self._attempt.draft.entries, list[LodelineError]()
        for entry in read.sound:
            record = known.get(entry.identity)
            if record is not None:
                refused.append(EntryAlreadyAccepted(entry.identity, record.index))
        return tuple(refused) if len(refused) == len(read.entries) else ()

    def _decided(self, read: ReadSubmission, lookahead: Lookahead, place: int) -> Checked:
        member = read.submission.body.member
        try:
            self.quotas.check(read)  # again: several of one member may have come together
            answers = self._tried(read, lookahead, place)
        except LodelineError as refused:
            self._tools.outcomes.refuse(read.digest, refused, len(read.entries))
            return refused
        if first_refusal(answers) is None:
            self.quotas.add(read)
            self.lock_out.taken(member)
            note_signatures(self._attempt.draft, read)
            return answers
        if not _is_overtaken(answers):
            wrong = sum(isinstance(answer, _WRONG_PROOF) for answer in answers)
            self.lock_out.refused(member, self._tools.steady(), wrong)
        answers = refused_whole(answers)
        self._tools.outcomes.resolve(read.digest, answers)
        return answers

    def _tried(self, read: ReadSubmission, lookahead: Lookahead, place: int) -> Answers:
        """Decide a submission over everything that waits, at the time that it may expect."""
        attempt = self._attempt
        rules, last = self._tools.rules, attempt.draft.time
        now = rules.time(last, self._tools.clock.now(), [read])
        check_program(attempt.draft, now)
        attempt.set_time(now)
        answers = attempt.take_whole(read, lookahead, place)
        attempt.forget_leaves()
        return answers

    # ------------------------------------------------------------------ after a block

    def next_round(self, decided: Iterable[Hash32]) -> None:
        """Begin anew over the state after a block; the caller holds the turn."""
        for digest in self.quotas.next_round(decided):
            refusal = SubmissionForgotten(digest)
            self._tools.outcomes.forget(digest, refusal)
        self._attempt = self._fresh()

    def recheck(self, transactions: Sequence[bytes]) -> list[Checked]:
        """Check submissions that wait already; nothing is verified again."""
        found = [self._tools.submissions.read(data) for data in transactions]
        with self._replica.turn:
            return [self._rechecked(read) for read in found]

    def _rechecked(self, read: ReadSubmission | LodelineError) -> Checked:
        if isinstance(read, LodelineError):
            return read
        lookahead = Lookahead(self._tools.proofs.recall, [read])
        try:
            answers = self._tried(read, lookahead, 0)
        except LodelineError as refused:
            self.quotas.release(read.digest)
            self._tools.outcomes.refuse(read.digest, refused, len(read.entries))
            return refused
        found = first_refusal(answers)
        if found is None or isinstance(found[1], ProofNotVerified):
            self.quotas.add(read)
            return ()
        self.quotas.release(read.digest)
        answers = refused_whole(answers)
        self._tools.outcomes.resolve(read.digest, answers)
        return answers


def _is_overtaken(answers: Answers) -> bool:
    """Return whether all that is wrong is that entries came in another envelope before.

    Anybody may have put them there, so it is not held against the member of this one.
    """
    refused = (answer for answer in answers if isinstance(answer, LodelineError))
    return all(isinstance(answer, EntryAlreadyAccepted) for answer in refused)
