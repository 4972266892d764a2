"""Several validators asked as one: the next where one is silent, none again that lied.

Which of them is asked first makes no difference to what is believed. A validator that cannot be
reached or is slow goes to the end of the line until it answers again. One that did what no honest
validator does is left aside for good, with the reason, and the operator is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.refusals_validators import (
    CheckpointsFork,
    NoValidatorAnswers,
    NoValidators,
    TooFewValidatorsSigned,
    ValidatorFault,
    ValidatorForks,
    ValidatorHidesEntries,
    ValidatorLies,
    ValidatorNoteRefused,
    ValidatorProofWrong,
    ValidatorRefuses,
)
from lodeline.engine.interface import Proven
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    WrongOrigin,
    parse_checkpoint_text,
    verify_logged,
)
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.merklelog import MerkleLog
from lodeline.ledger.signednote import (
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
    verified_signers,
)

__all__ = ["Agreed", "Shown", "Validators"]

T = TypeVar("T")

_NOT_HERE: Final = frozenset({"checkpoint-not-here", "checkpoint-missing"})


@dataclass(frozen=True)
class Agreed:
    """A checkpoint that enough validators have signed."""

    checkpoint: Checkpoint
    note: bytes
    """With the signatures of validators alone."""


@dataclass(frozen=True)
class Shown:
    """What one validator shows as a checkpoint: well-formed, of this log, and nothing more."""

    checkpoint: Checkpoint
    text: str
    signatures: frozenset[NoteSignature]
    signers: frozenset[VerifierKey]

    def with_other(self, other: Shown) -> Shown:
        """Return the same checkpoint with the signatures of both."""
        return Shown(
            self.checkpoint,
            self.text,
            self.signatures | other.signatures,
            self.signers | other.signers,
        )

    def agreed(self, policy: CheckpointPolicy) -> Agreed | None:
        """Return the checkpoint where it has enough signatures."""
        if len(self.signers) < policy.threshold:
            return None
        lines = sorted(self.signatures, key=lambda line: (line.name, line.key_id, line.signature))
        return Agreed(self.checkpoint, Note(self.text, tuple(lines)).encode())


Question = Callable[[ValidatorClient], T]


class Validators:
    """The validators whose addresses a node knows; safe to use from one thread at a time."""

    def __init__(self, clients: Sequence[ValidatorClient]) -> None:
        """Take the clients, in the order of preference.

        Raises:
            NoValidators: none is named.
        """
        if not clients:
            raise NoValidators
        self._line = list(clients)
        self.troubles: dict[str, ValidatorFault] = {}
        """What went wrong with a validator the last time, by address."""
        self.aside: dict[str, ValidatorLies] = {}
        """Those that are not asked any more, and why."""
        self.unagreed: TooFewValidatorsSigned | None = None
        """What was shown beyond the agreed log the last time, if anything."""

    def line(self) -> tuple[ValidatorClient, ...]:
        """Return the validators that may be asked, those first that are well."""
        return tuple(self._line)

    def close(self) -> None:
        """Close all connections."""
        for client in self._line:
            client.close()

    # ------------------------------------------------------------------ asking

    def ask(self, question: Question[T]) -> T:
        """Return the first answer.

        Raises:
            NoValidatorAnswers: there is none.
        """
        for answer in self.each(question):
            return answer
        raise self.nobody()

    def each(self, question: Question[T]) -> Iterator[T]:
        """Yield the answers of the validators one after another, leaving out who gives none."""
        for client in self.line():
            try:
                answer = question(client)
            except ValidatorFault as fault:
                if not _lacks(fault):
                    self.note_trouble(client, fault)
                continue
            self.troubles.pop(client.url, None)
            yield answer

    def note_trouble(self, client: ValidatorClient, fault: ValidatorFault) -> None:
        """Remember what a validator did: to the end of the line with it, or aside for good."""
        if client not in self._line:
            return
        self._line.remove(client)
        if isinstance(fault, ValidatorLies):
            self.aside[client.url] = fault
            self.troubles.pop(client.url, None)
            client.close()
            return
        self.troubles[client.url] = fault
        self._line.append(client)

    def nobody(self) -> NoValidatorAnswers:
        """Return the refusal that names what came of each."""
        faults: Iterable[LodelineError] = (*self.troubles.values(), *self.aside.values())
        return NoValidatorAnswers(tuple(fault.message("en") for fault in faults))

    # ------------------------------------------------------------------ checkpoints

    def newest(self, policy: CheckpointPolicy, log: MerkleLog) -> Agreed | None:
        """Return a checkpoint beyond a log that enough have signed, the newest that is shown.

        Nothing: those that answer have none beyond it. A checkpoint that is not newer is held to
        the log. What less than a third of the validators show may be made up, so it is no refusal
        that nobody else has signed it.

        Raises:
            NoValidatorAnswers: nobody answers.
            CheckpointsFork: enough have signed another log.
            TooFewValidatorsSigned: several show one, but not enough have signed it.
        """
        self.unagreed = None
        heads: dict[str, Shown] = {}
        sizes: list[TreeSize] = []
        for shown in self.each(lambda client: _continuing(client, policy, log)):
            sizes.append(shown.checkpoint.size)
            if shown.checkpoint.size <= log.size:
                continue
            known = heads.get(shown.text)
            heads[shown.text] = shown if known is None else known.with_other(shown)
            if agreed := heads[shown.text].agreed(policy):
                return agreed
        if not sizes:
            raise self.nobody()
        return self._best(policy, heads.values(), self._credible(sizes, log.size))

    @property
    def dishonest(self) -> int:
        """Return how many validators may lie, less than a third: one more of them is believed."""
        return (len(self._line) + len(self.aside) - 1) // 3

    def _credible(self, sizes: Sequence[TreeSize], beyond: TreeSize) -> TreeSize | None:
        """Return the largest size that more than a third of all validators show, if beyond one."""
        dishonest = self.dishonest
        shown = sorted((size for size in sizes if size > beyond), reverse=True)
        return shown[dishonest] if len(shown) > dishonest else None

    def _best(
        self, policy: CheckpointPolicy, heads: Iterable[Shown], credible: TreeSize | None
    ) -> Agreed | None:
        """Gather what is missing under the checkpoints that were shown, the newest first."""
        ordered = sorted(heads, key=lambda shown: -shown.checkpoint.size)
        for head in ordered:
            if agreed := self._completed(policy, head):
                return agreed
        if not ordered:
            return None
        best = max(ordered, key=lambda shown: len(shown.signers))
        names = tuple(sorted(key.name for key in best.signers))
        size = best.checkpoint.size if credible is None else credible
        self.unagreed = TooFewValidatorsSigned(size, policy.threshold, names)
        if credible is not None:
            raise self.unagreed
        return None

    def _completed(self, policy: CheckpointPolicy, head: Shown) -> Agreed | None:
        """Return a checkpoint with the signatures that the others have of it, if it is enough."""
        size, whole = head.checkpoint.size, head
        if agreed := whole.agreed(policy):
            return agreed
        for shown in self.each(lambda client: _shown(client, policy, size=size)):
            if shown.text == whole.text:
                whole = whole.with_other(shown)
            if agreed := whole.agreed(policy):
                return agreed
        return None

    def upto(
        self, policy: CheckpointPolicy, beyond: TreeSize, most: TreeSize
    ) -> Agreed | TreeSize | None:
        """Return a checkpoint beyond one size and of at most another that enough have signed.

        A size: several show one of that size, but not enough have signed it. Nothing: there is
        none, as far as several say.
        """
        sizes: list[TreeSize] = []
        for shown in self.each(lambda client: _shown(client, policy, upto=most)):
            if not beyond < shown.checkpoint.size <= most:
                continue
            sizes.append(shown.checkpoint.size)
            if agreed := self._completed(policy, shown):
                return agreed
        return self._credible(sizes, beyond)

    def between(
        self, policy: CheckpointPolicy, beyond: TreeSize, before: TreeSize
    ) -> Agreed | None:
        """Search a checkpoint between two sizes that enough have signed of those who are known.

        The later a checkpoint, the fewer of its signers are known: the search goes to earlier ones
        where too few are, and to later ones where there are none.
        """
        low, high = int(beyond), before - 1
        while low < high:
            middle = TreeSize((low + high + 1) // 2)
            found = self.upto(policy, beyond, middle)
            if isinstance(found, Agreed):
                return found
            if found is None:
                low = middle
            else:
                high = found - 1
        return None

    # ------------------------------------------------------------------ without a replica

    def proven(self, index: LeafIndex, agreed: Agreed) -> Proven:
        """Return a leaf with the proof that an agreed log has it, verified; for whoever keeps none.

        Raises:
            NoValidatorAnswers: nobody gives one that holds.
        """
        return self.ask(lambda client: _proven(client, index, agreed))


def _shown(
    client: ValidatorClient,
    policy: CheckpointPolicy,
    *,
    size: TreeSize | None = None,
    upto: TreeSize | None = None,
) -> Shown:
    """Return what a validator shows as a checkpoint, its signatures verified.

    Raises:
        ValidatorFault: it shows none.
        ValidatorNoteRefused: a signature does not fit, or it is about another log.
    """
    data = client.checkpoint(size=size, upto=upto)
    try:
        note = parse_note(data)
        signers = verified_signers(note, policy.members)
        checkpoint = parse_checkpoint_text(note.text)
        if checkpoint.origin != policy.origin:
            raise WrongOrigin(policy.origin, checkpoint.origin)
    except LodelineError as refused:
        raise ValidatorNoteRefused(client.url, refused.code, refused.message("en")) from refused
    known = {(key.name, key.key_id) for key in signers}
    lines = (line for line in note.signatures if (line.name, line.key_id) in known)
    return Shown(checkpoint, note.text, frozenset(lines), signers)


def _continuing(client: ValidatorClient, policy: CheckpointPolicy, log: MerkleLog) -> Shown:
    """Return what a validator shows, unless that is of the past and another one.

    Raises:
        ValidatorForks: it shows another log.
        CheckpointsFork: it does, and enough have signed that.
    """
    shown = _shown(client, policy)
    checkpoint = shown.checkpoint
    if checkpoint.size <= log.size and log.root(checkpoint.size) != checkpoint.root:
        known = log.root(checkpoint.size)
        agreed = shown.agreed(policy)
        if agreed is not None:
            raise CheckpointsFork(checkpoint.size, known, agreed.note)
        raise ValidatorForks(client.url, checkpoint.size, known, checkpoint.root)
    return shown


def _lacks(fault: ValidatorFault) -> bool:
    """Return whether a validator is well and only has not got what it was asked for."""
    return isinstance(fault, ValidatorRefuses) and fault.refusal in _NOT_HERE


def _proven(client: ValidatorClient, index: LeafIndex, agreed: Agreed) -> Proven:
    size = agreed.checkpoint.size
    leaves = client.entries(index, TreeSize(index + 1))
    proof = client.inclusion(index, size)
    if not leaves:
        raise ValidatorHidesEntries(client.url, size, TreeSize(index))
    if proof.index != index:
        reason = f"entry {proof.index} in place of {index}"
        raise ValidatorProofWrong(client.url, "other-index", reason)
    try:
        verify_logged(agreed.checkpoint, leaves[0], proof)
    except LodelineError as refused:
        raise ValidatorProofWrong(client.url, refused.code, refused.message("en")) from refused
    return Proven(leaves[0], proof, agreed.note)
