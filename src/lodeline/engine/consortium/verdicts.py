"""What is costly about an entry, found out once on a validator: its proof and its signatures.

A proof is verified in worker processes, together with others, and its verdict kept under the key of
its task: the hash of the complete entry as received, proof and co-signatures included, and of the
tables under which it is read. By the hash of the body a good proof that is offered first would
cover a bad one that follows, and validators that saw them in another order would disagree. The
lots that a proof speaks of are looked up by ids that are hashes of what made them, so nothing else
of the state has a say in it, and a verdict found while checking holds in every proposal.

A proof that is being verified for one connection is waited for by the others, not verified twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from threading import Lock

from lodeline.crypto.signatures import SignatureContext, SignedMessage, trust_as_verified
from lodeline.engine.ahead import Ahead, foreseen
from lodeline.engine.consortium.reading import ReadEntry, ReadSubmission
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import Entry, EntryId, Genesis, Govern, RotateKey, Transform
from lodeline.ledger.log import Verify
from lodeline.ledger.state import State
from lodeline.ledger.submissions import submission_digest
from lodeline.ledger.tasks import tasks_for
from lodeline.proofs.batch import Verdict, Verdicts, VerifiedProofs
from lodeline.proofs.task import ProofTask

__all__ = ["ProofDesk", "note_signatures"]

_WORTH_A_PROCESS = 32
"""Signatures that are worth being sent to another process."""


class ProofDesk:
    """Verifies proofs and remembers the verdicts; for use by several threads."""

    def __init__(self, verify: Verify, pool: Executor | None = None) -> None:
        """Take what verifies proofs, and processes for signatures where there are some."""
        self._verify = verify
        self._pool = pool
        self._known = VerifiedProofs()
        self._lock = Lock()
        self._under_way: dict[Hash32, Future[None]] = {}

    def learn(self, state: State, entries: Sequence[Entry]) -> Verdicts:
        """Return the verdicts on the proofs of entries that stand between two votes.

        Exactly these, so that nothing depends on what is still remembered when they are used.
        """
        return self.verdicts(tasks_for(state, entries))

    def recall(self, state: State, entries: Sequence[Entry]) -> Verdicts:
        """Return the verdicts that are known already, as `learn`; nothing is verified."""
        with self._lock:
            known = self._known.verdicts
            keys = [task.key for task in tasks_for(state, entries)]
            return {key: known[key] for key in keys if key in known}

    def verdicts(self, tasks: Sequence[ProofTask]) -> Verdicts:
        """Return the verdict on each task, verifying those that are not known."""
        found: dict[Hash32, Verdict] = {}
        while missing := [task for task in tasks if task.key not in found]:
            mine, others = self._claim(missing, found)
            if mine:
                self._verify_claimed(mine, found)
            for other in others:
                other.result()
        return found

    def _claim(
        self, tasks: Sequence[ProofTask], found: dict[Hash32, Verdict]
    ) -> tuple[dict[Hash32, ProofTask], list[Future[None]]]:
        """Take what is known, claim what nobody verifies, and name whom to wait for."""
        mine: dict[Hash32, ProofTask] = {}
        others: list[Future[None]] = []
        done: Future[None] = Future()
        with self._lock:
            for task in tasks:
                known, waited = self._known.verdicts.get(task.key), self._under_way.get(task.key)
                if known is not None:
                    found[task.key] = known
                elif waited is not None and waited is not done:
                    others.append(waited)
                else:
                    mine[task.key] = task
                    self._under_way[task.key] = done
        return mine, others

    def _verify_claimed(self, mine: dict[Hash32, ProofTask], found: dict[Hash32, Verdict]) -> None:
        try:
            verdicts = self._verify(tuple(mine.values()))
            found.update((verdict.key, verdict) for verdict in verdicts)
        finally:
            with self._lock:
                self._known.keep(found[key] for key in mine if key in found)
                done = [self._under_way.pop(key) for key in mine]
            done[0].set_result(None)  # one future stands for all of them

    def send_signatures(self, state: State, entries: Sequence[ReadEntry]) -> Ahead | None:
        """Have single signatures verified elsewhere, where there are enough to be worth it."""
        if self._pool is None or len(entries) < _WORTH_A_PROCESS:
            return None
        signed = ((read.entry, read.identity) for read in entries)
        return Ahead.send(self._pool, state, signed)


def note_signatures(state: State, read: ReadSubmission) -> None:
    """Remember signatures of a submission all of whose entries were just accepted in this state.

    Deciding it has verified them with the keys of this state, so the proposals that hold it need
    not do so again. Nothing is remembered of a submission that may change keys itself: then the
    keys at its end are not those that its entries were verified with.
    """
    if not any(isinstance(found.entry, (Genesis, Govern, RotateKey)) for found in read.sound):
        trust_as_verified(_signatures(state, read))


def _signatures(state: State, read: ReadSubmission) -> Iterator[SignedMessage]:
    body = read.submission.body
    record = state.members.get(body.member)
    if record is not None:
        context, digest = SignatureContext.SUBMISSION, submission_digest(body)
        yield SignedMessage(record.member.key, context, digest, read.submission.signature)
    for entry, identity, _ in read.sound:
        single = foreseen(state, entry, identity)
        if single is not None:
            yield single
        if isinstance(entry, Transform):
            yield from _transform_signatures(state, entry, identity)


def _transform_signatures(
    state: State, transform: Transform, identity: EntryId
) -> Iterable[SignedMessage]:
    for signature in transform.signatures:
        record = state.members.get(signature.member)
        if record is not None:
            context = SignatureContext.CO_SIGNATURE
            yield SignedMessage(record.member.key, context, identity, signature.signature)
    made = transform.site_signature
    site = None if made is None else state.sites.get(made.site)
    if made is not None and site is not None:
        context = SignatureContext.SITE_OPERATION
        yield SignedMessage(site.facility_key, context, identity, made.signature)
