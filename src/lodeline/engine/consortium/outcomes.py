"""Where whoever handed in a submission waits for its fate, entry by entry.

The answer comes once the block is durable on this validator, or as soon as the submission is
refused. Nothing is remembered afterwards: who asks later looks into the ledger.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from lodeline.engine.consortium.attempt import Answers, first_refusal
from lodeline.engine.consortium.refusals import RefusedWithOthers
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32

__all__ = ["Outcomes", "refused_whole"]


@dataclass
class _Awaited:
    waiting: int = 0
    fate: Future[Answers] = field(default_factory=Future)


class Outcomes:
    """Submissions that somebody waits for, by the hash of their transaction; for all threads."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._lock = Lock()
        self._awaited: dict[Hash32, _Awaited] = {}

    def expect(self, digest: Hash32) -> Future[Answers]:
        """Wait for a submission, from before it is handed to the consensus engine.

        Everybody who waits for the same bytes gets the same future, which nobody may cancel. Each
        `expect` whose future was not resolved is ended with `give_up`.
        """
        with self._lock:
            awaited = self._awaited.setdefault(digest, _Awaited())
            awaited.waiting += 1
            return awaited.fate

    def give_up(self, digest: Hash32) -> None:
        """Wait no more; the others who wait for the same go on."""
        with self._lock:
            awaited = self._awaited.get(digest)
            if awaited is not None:
                awaited.waiting -= 1
                if awaited.waiting <= 0:
                    del self._awaited[digest]

    def resolve(self, digest: Hash32, answers: Answers) -> None:
        """Tell everybody who waits what became of each entry."""
        with self._lock:
            awaited = self._awaited.pop(digest, None)
        if awaited is not None:
            awaited.fate.set_result(answers)

    def forget(self, digest: Hash32, refusal: LodelineError) -> None:
        """Tell everybody who waits that nobody knows what becomes of a submission.

        The future then has the refusal as its exception.
        """
        with self._lock:
            awaited = self._awaited.pop(digest, None)
        if awaited is not None:
            awaited.fate.set_exception(refusal)

    def refuse(self, digest: Hash32, refusal: LodelineError, entries: int) -> None:
        """Tell everybody who waits that the whole submission was refused for one reason."""
        self.resolve(digest, (refusal,) * entries)


def refused_whole(answers: Answers) -> Answers:
    """Return the answers of a submission that was not taken because an entry of it is refused."""
    found = first_refusal(answers)
    if found is None:
        return answers
    other = RefusedWithOthers(found[0], found[1].code)
    return tuple(answer if isinstance(answer, LodelineError) else other for answer in answers)
