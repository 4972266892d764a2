"""Verification of many proofs at once, with bisection that names the bad ones.

Only this module makes a :class:`Verdict`. A verdict belongs to the key of its task, which covers
the entry as received, proof and co-signatures included: a good proof offered first never vouches
for a bad one with the same body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor

from lodeline.crypto.accumulator import Accumulator, WeightSource, merged
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.proofs.proof import Proof
from lodeline.proofs.subject import Subject
from lodeline.proofs.task import ProofTask
from lodeline.proofs.verifier import ProofDoesNotHold, Replayed, accumulate_proof, replay

__all__ = [
    "Verdict",
    "Verdicts",
    "VerifiedProofs",
    "believe_signers",
    "verify_batch",
    "verify_subject",
]

_CHUNK = 64
"""Proofs that one process verifies with one multiplication, at most."""


class Verdict:
    """What verification found for one task: nothing wrong, or a named refusal."""

    __slots__ = ("_key", "_refusal")

    def __init__(self, key: Hash32, refusal: LodelineError | None, *, seal: object) -> None:
        """Make a verdict; only :func:`verify_batch` has the seal."""
        if seal is not _SEAL:
            raise TypeError("only verify_batch makes verdicts")
        self._key = key
        self._refusal = refusal

    @property
    def key(self) -> Hash32:
        """Return the key of the task that it belongs to."""
        return self._key

    @property
    def refusal(self) -> LodelineError | None:
        """Return why the proof was refused, or nothing."""
        return self._refusal


_SEAL = object()

Verdicts = Mapping[Hash32, Verdict]
"""Verdicts by the key of their task; a missing one is a refusal."""


class VerifiedProofs:
    """Keeps verdicts by key, up to a bound, oldest forgotten first."""

    def __init__(self, bound: int = 100_000) -> None:
        self._bound = bound
        self._verdicts: dict[Hash32, Verdict] = {}

    @property
    def verdicts(self) -> Verdicts:
        """Return what is kept."""
        return self._verdicts

    def keep(self, verdicts: Iterable[Verdict]) -> None:
        """Remember verdicts."""
        for verdict in verdicts:
            self._verdicts[verdict.key] = verdict
        while len(self._verdicts) > self._bound:
            del self._verdicts[next(iter(self._verdicts))]


def verify_batch(
    tasks: Sequence[ProofTask], executor: Executor | None = None, workers: int = 1
) -> tuple[Verdict, ...]:
    """Verify proofs together; return one verdict for each task, in order.

    With an executor of processes the tasks are shared out evenly among ``workers`` (the curve
    library may hold the interpreter lock, so threads do not help).
    """
    shares = _shares(tasks, workers if executor is not None else 1)
    if executor is None or len(shares) == 1:
        results = [_refusals(share) for share in shares]
    else:
        results = list(executor.map(_refusals, shares))
    refusals = [refusal for share in results for refusal in share]
    return tuple(
        Verdict(task.key, refusal, seal=_SEAL)
        for task, refusal in zip(tasks, refusals, strict=True)
    )


def believe_signers(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Return for each task the verdict of those who signed the log that has it; verify nothing.

    Only for entries of a log under a checkpoint that enough validators have signed, and only where
    the reader has decided to take their word: more than two thirds of them, dishonest together,
    could then show a transform whose hidden quantities do not balance. Never for an entry that
    somebody offers.
    """
    return tuple(Verdict(task.key, None, seal=_SEAL) for task in tasks)


def _shares(tasks: Sequence[ProofTask], workers: int) -> list[Sequence[ProofTask]]:
    size = max(1, min(_CHUNK, -(-len(tasks) // max(1, workers)))) if workers > 1 else _CHUNK * 4
    return [tasks[start : start + size] for start in range(0, len(tasks), size)]


def _refusals(tasks: Sequence[ProofTask]) -> list[LodelineError | None]:
    """Return the refusal of each task, or nothing; runs in a worker process."""
    found: list[LodelineError | None] = [None] * len(tasks)
    replayed: list[tuple[int, Replayed]] = []
    for index, task in enumerate(tasks):
        try:
            replayed.append((index, replay(task.subject(), task.proof)))
        except LodelineError as refusal:
            found[index] = refusal
    seed = _batch_seed([item for _, item in replayed])
    sums: list[tuple[int, Accumulator]] = []
    for index, item in replayed:
        accumulator = Accumulator(WeightSource(seed + index.to_bytes(4, "big")))
        try:
            accumulate_proof(accumulator, item)
        except LodelineError as refusal:
            found[index] = refusal
        else:
            sums.append((index, accumulator))
    for index in _failing(sums):
        found[index] = ProofDoesNotHold(tasks[index].name)
    return found


def _batch_seed(batch: Sequence[Replayed]) -> bytes:
    """Return a hash of everything in the batch, proofs included, fixed before any weight."""
    return hashlib.blake2b(b"".join(item.digest for item in batch), digest_size=64).digest()


def _failing(sums: Sequence[tuple[int, Accumulator]]) -> list[int]:
    """Return the indices of the sums that are not the identity, by bisection."""
    if not sums or merged(accumulator for _, accumulator in sums).holds():
        return []
    if len(sums) == 1:
        return [sums[0][0]]
    middle = len(sums) // 2
    return _failing(sums[:middle]) + _failing(sums[middle:])


def verify_subject(subject: Subject, proof: Proof, name: str) -> None:
    """Verify one proof alone.

    Raises:
        ProofDoesNotHold: its equations do not hold.
        ProofShapeWrong, RangeRoundsWrong, BadPoint, BadScalar: it is not even well formed.
    """
    replayed = replay(subject, proof)
    accumulator = Accumulator(WeightSource(_batch_seed([replayed])))
    accumulate_proof(accumulator, replayed)
    if not accumulator.holds():
        raise ProofDoesNotHold(name)
