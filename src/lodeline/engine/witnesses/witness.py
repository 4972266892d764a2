"""A witness: cosigns a checkpoint of a log if it continues the last one that it saw.

What is done with a request, in this order (C2SP tlog-witness, "add-checkpoint"):

1. read it; whose log it is decides which signatures count;
2. enough of the log's signers must have signed it;
3. nothing is cosigned of a log that was shown to have two histories;
4. a checkpoint that contradicts the last one is kept with it as evidence, and the alarm is raised;
5. the request must start from the last size, and the proof must lead from there to the new root;
6. the checkpoint is written down durably, with the cosignature;
7. only then is the cosignature given away.

Two things go beyond that text: step 3, and that the state root in the checkpoint counts in step 4.
Whoever cannot make a proof is only suspected: the checkpoint is kept, and compared later with what
the log publishes (`lodeline.engine.witnesses.compare`).

Not checked: what the entries say, and whether they keep the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from lodeline.engine.interface import Clock
from lodeline.engine.witnesses.evidence import (
    Beginning,
    EvidenceShowsNothing,
    ForkEvidence,
    show_fork,
)
from lodeline.engine.witnesses.refusals import (
    LogForked,
    LogNotSigned,
    LogUnderAlarm,
    LogUnknown,
    OldSizeBeyondCheckpoint,
    OldSizeDiffers,
    ProofNotVerified,
)
from lodeline.engine.witnesses.request import AddCheckpoint
from lodeline.engine.witnesses.shelf import WitnessShelf
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    Origin,
    StatesDiffer,
    TimeWentBack,
    TooFewSignatures,
    parse_checkpoint_text,
    verify_checkpoint,
    verify_growth,
)
from lodeline.ledger.cosignature import WitnessKey, cosign
from lodeline.ledger.merkle import ConsistencyProof, TreeSize, WrongOldRoot
from lodeline.ledger.signednote import (
    Note,
    NoteError,
    NoteSignature,
    NoteSigner,
    parse_note,
)

__all__ = ["Seen", "Witness"]


@dataclass(frozen=True)
class Seen:
    """A checkpoint of a log that its signers have signed."""

    note: bytes
    checkpoint: Checkpoint


class Witness:
    """One witness of some logs; requests follow one another, whichever thread brings them."""

    def __init__(
        self,
        shelf: WitnessShelf,
        key: WitnessKey,
        sign: NoteSigner,
        clock: Clock,
        logs: Mapping[Origin, CheckpointPolicy],
    ) -> None:
        self.key = key
        self.shelf = shelf
        self._sign = sign
        self._clock = clock
        self._logs = {origin: policy.signers_only() for origin, policy in logs.items()}
        self._turn = Lock()

    @property
    def logs(self) -> tuple[Origin, ...]:
        """The logs that are followed."""
        return tuple(self._logs)

    def policy(self, origin: Origin) -> CheckpointPolicy:
        """Return whose signatures under a log's checkpoints count.

        Raises:
            LogUnknown: the log is not followed.
        """
        found = self._logs.get(origin)
        if found is None:
            raise LogUnknown(origin)
        return found

    def read(self, note: bytes) -> Seen:
        """Return a checkpoint that its log has signed, whoever brings it.

        Only the lines of the log's signers are kept of the note.

        Raises:
            NoteError, CheckpointError: it is malformed.
            LogUnknown: the log is not followed.
            LogNotSigned: its signers have not signed it.
        """
        read = parse_note(note)
        origin = Origin(read.text.partition("\n")[0])
        policy = self.policy(origin)
        try:
            checkpoint = verify_checkpoint(note, policy)
        except (NoteError, TooFewSignatures) as refusal:
            raise LogNotSigned(origin, refusal.code) from refusal
        known = {(key.name, key.key_id) for key in policy.members}
        lines = [line for line in read.signatures if (line.name, line.key_id) in known]
        return Seen(Note(read.text, tuple(lines)).encode(), checkpoint)

    def last(self, origin: Origin) -> Seen | None:
        """Return the last checkpoint of a log that was cosigned, with the cosignature.

        Raises:
            DurableFileFailed, NoteError, CheckpointError: the file cannot be used.
        """
        note = self.shelf.checkpoint(origin)
        return None if note is None else Seen(note, parse_checkpoint_text(parse_note(note).text))

    def add(self, request: AddCheckpoint) -> NoteSignature:
        """Cosign a checkpoint; it is durable before this returns.

        Raises:
            NoteError, CheckpointError, LogUnknown, LogNotSigned: as `read`.
            LogUnderAlarm, LogForked: the log has, or now shows, two histories.
            OldSizeBeyondCheckpoint, OldSizeDiffers, ProofNotVerified: nothing shows that it
                continues the last one.
            DurableFileFailed: it could not be written down.
        """
        new = self.read(request.note)
        with self._turn:
            last = self.last(new.checkpoint.origin)
            self._check(request, new, last)
            made = cosign(new.checkpoint.text(), self._clock.now(), self.key, self._sign)
            signed = parse_note(new.note)
            kept = Note(signed.text, (*signed.signatures, made)).encode()
            self.shelf.keep(new.checkpoint.origin, kept)
        return made

    def _check(self, request: AddCheckpoint, new: Seen, last: Seen | None) -> None:
        checkpoint, size = new.checkpoint, TreeSize(0) if last is None else last.checkpoint.size
        raised = self.shelf.alarm_against(checkpoint.origin)
        if raised is not None:
            raise LogUnderAlarm(checkpoint.origin, raised)
        if request.old > checkpoint.size:
            raise OldSizeBeyondCheckpoint(request.old, checkpoint.size)
        if last is not None and size == checkpoint.size:
            self._contradict(last, new, Beginning(checkpoint.root))
        if request.old != size:
            raise OldSizeDiffers(request.old, size)
        if last is None:
            self._check_first(request, checkpoint)
        else:
            self._check_growth(request, new, last)

    @staticmethod
    def _check_first(request: AddCheckpoint, checkpoint: Checkpoint) -> None:
        if request.path:
            nothing = TreeSize(0)
            raise ProofNotVerified(checkpoint.origin, nothing, checkpoint.size, "proof-too-long")

    def _check_growth(self, request: AddCheckpoint, new: Seen, last: Seen) -> None:
        old, checkpoint = last.checkpoint, new.checkpoint
        try:
            verify_growth(
                old, checkpoint, ConsistencyProof(old.size, checkpoint.size, request.path)
            )
        except WrongOldRoot as differs:
            self._contradict(last, new, Beginning(differs.computed, request.path))
            self._suspect(new, old, differs)
        except (StatesDiffer, TimeWentBack):
            self._contradict(last, new, Beginning(old.root, request.path))
            raise
        except LodelineError as refusal:
            self._suspect(new, old, refusal)

    def _suspect(self, new: Seen, old: Checkpoint, refusal: LodelineError) -> None:
        checkpoint = new.checkpoint
        self.shelf.suspect(checkpoint.origin, new.note)
        raise ProofNotVerified(
            checkpoint.origin, old.size, checkpoint.size, refusal.code
        ) from refusal

    def _contradict(self, first: Seen, second: Seen, shown: Beginning) -> None:
        evidence = self.accuse(first, second, shown)
        if evidence is not None:
            sizes = (first.checkpoint.size, second.checkpoint.size)
            raise LogForked(first.checkpoint.origin, *sizes, evidence)

    def accuse(self, first: Seen, second: Seen, shown: Beginning) -> Hash32 | None:
        """Keep two checkpoints as evidence if they show a fork, the smaller one first.

        Returns the hash that names the evidence, or None if they show nothing.

        Raises:
            DurableFileFailed: the evidence could not be written.
        """
        try:
            show_fork(first.checkpoint, second.checkpoint, shown)
        except EvidenceShowsNothing:
            return None
        policy = self.policy(first.checkpoint.origin)
        notes = [self.read(seen.note).note for seen in (first, second)]
        return self.shelf.alarm(ForkEvidence.of(policy, notes[0], notes[1], shown))
