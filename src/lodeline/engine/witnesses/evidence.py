"""Evidence that a log has two histories, which anybody can check who knows the log's keys.

Two signed checkpoints show a fork

* when both are of the same size and their roots differ (or, with the same root, their states);
* when the sizes differ, and a consistency proof is added which shows that the larger tree began
  with another root than the smaller one has;
* when the log grew while its time went back.

A proof that does not lead to the root of the larger tree shows nothing: anybody can send one to a
witness along with a good checkpoint. Whether the keys are really the log's is for whoever checks to
know: pass the policy of a trust file, or compare the keys by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, Hash32
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    Origin,
    WrongOrigin,
    verify_checkpoint,
)
from lodeline.ledger.merkle import ConsistencyProof, MerkleError, verify_consistency
from lodeline.ledger.signednote import (
    KeyName,
    parse_note,
    parse_verifier_key,
    read_base64,
    verified_signers,
    write_base64,
)

__all__ = [
    "Beginning",
    "EvidenceMalformed",
    "EvidenceShowsNothing",
    "Fork",
    "ForkEvidence",
    "ForkKind",
    "read_evidence",
    "show_fork",
]

ForkKind = Literal["entries", "state", "time"]
"""What differs: the entries themselves, the state after the same entries, or the order of times."""
MAX_EVIDENCE_BYTES: Final = 2**20
_AGREE: Final = "checkpoints-agree"
_MARK: Final = "lodeline-fork-evidence-v1"
_Text = Annotated[str, msgspec.Meta(max_length=2**17)]
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class EvidenceMalformed(LodelineError):
    """A file that is no evidence."""

    reason: str

    code = "fork-evidence-malformed"
    en = "this is no evidence of a fork: {reason}"
    fr = "ce n'est pas une preuve de bifurcation : {reason}"
    advice_en = "fetch the file again from the witness, unchanged"
    advice_fr = "récupérez à nouveau le fichier auprès du témoin, sans le changer"


class EvidenceShowsNothing(LodelineError):
    """What is offered as evidence agrees with a log that only grew, or leads nowhere."""

    refusal: str
    """Code of what was found instead."""

    code = "fork-evidence-shows-nothing"
    en = "the two checkpoints do not show a fork ({refusal})"
    fr = "les deux points de contrôle ne montrent pas de bifurcation ({refusal})"
    advice_en = "do not accuse anybody; get the proof from the log that signed the larger one"
    advice_fr = "n'accusez personne ; demandez la preuve au journal qui a signé le plus grand"


@dataclass(frozen=True)
class Beginning:
    """How a tree began: its root at an earlier size, and the consistency proof from there."""

    root: Hash32
    path: tuple[Hash32, ...] = ()


@dataclass(frozen=True)
class Fork:
    """What evidence shows, once it was checked."""

    kind: ForkKind
    first: Checkpoint
    second: Checkpoint
    signed_both: tuple[KeyName, ...]
    """Keys under both checkpoints: whoever holds them signed two histories."""


class ForkEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two notes of one log, the smaller first, and the proof that they do not agree; JSON."""

    format: Literal["lodeline-fork-evidence-v1"]
    origin: _Line
    members: Annotated[tuple[_Line, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Keys that sign for the log, as the witness was told; to be compared, not believed."""
    threshold: Annotated[int, msgspec.Meta(ge=1, le=64)]
    first: _Text
    second: _Text
    beginning: _Line
    """Root that the larger tree had at the size of the smaller one, base64."""
    path: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=63)]
    """Consistency proof from that root to the larger tree, base64."""

    @classmethod
    def of(
        cls, policy: CheckpointPolicy, first: bytes, second: bytes, shown: Beginning
    ) -> ForkEvidence:
        """Return two notes as evidence, not yet checked (`verify`)."""
        return cls(
            _MARK,
            policy.origin,
            tuple(str(key) for key in policy.members),
            policy.threshold,
            first.decode(),
            second.decode(),
            write_base64(shown.root),
            tuple(write_base64(hashed) for hashed in shown.path),
        )

    def encode(self) -> bytes:
        """Return the evidence as a file."""
        fields = msgspec.to_builtins(self)
        return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()

    @property
    def digest(self) -> Hash32:
        """Hash of the file, which names it."""
        return Hash32(sha256(self.encode()).digest())

    def policy(self) -> CheckpointPolicy:
        """Return the policy that the witness went by.

        Raises:
            VerifierKeyMalformed, PolicyRepeatsMember, ThresholdOutOfRange, …: it is none.
        """
        keys = tuple(parse_verifier_key(text) for text in self.members)
        return CheckpointPolicy(Origin(self.origin), keys, self.threshold)

    def verify(self, policy: CheckpointPolicy | None = None) -> Fork:
        """Return the fork that is shown, under a policy or else the one in the evidence.

        Raises:
            EvidenceShowsNothing: both checkpoints are signed and do not contradict each other.
            NoteError, CheckpointError: one of them is not signed as the policy asks for.
            EvidenceMalformed: a hash is none.
        """
        policy = (policy or self.policy()).signers_only()
        notes = (self.first.encode(), self.second.encode())
        first, second = (verify_checkpoint(note, policy) for note in notes)
        shown = Beginning(_hash(self.beginning), tuple(_hash(text) for text in self.path))
        kind = show_fork(first, second, shown)
        signers = [verified_signers(parse_note(note), policy.members) for note in notes]
        both = tuple(sorted(key.name for key in signers[0] & signers[1]))
        return Fork(kind, first, second, both)


def show_fork(first: Checkpoint, second: Checkpoint, shown: Beginning) -> ForkKind:
    """Return in what two checkpoints of one log contradict each other, the smaller one first.

    Raises:
        EvidenceShowsNothing: they agree, or what is shown is not the beginning of the second tree.
        WrongOrigin: they are of two logs.
    """
    if first.origin != second.origin:
        raise WrongOrigin(first.origin, second.origin)
    proof = ConsistencyProof(first.size, second.size, shown.path)
    try:
        verify_consistency(proof, shown.root, second.root)
    except MerkleError as refusal:
        raise EvidenceShowsNothing(refusal.code) from refusal
    if shown.root != first.root:
        return "entries"
    if first.size == second.size and first.state != second.state:
        return "state"
    if second.time < first.time:
        return "time"
    raise EvidenceShowsNothing(_AGREE)


def read_evidence(data: bytes) -> ForkEvidence:
    """Read evidence from a file; nothing is verified yet.

    Raises:
        EvidenceMalformed: it is something else.
    """
    if len(data) > MAX_EVIDENCE_BYTES:
        raise EvidenceMalformed("too long")
    try:
        return msgspec.json.decode(data, type=ForkEvidence)
    except (msgspec.DecodeError, UnicodeDecodeError) as refused:
        raise EvidenceMalformed(str(refused)) from refused


def _hash(text: str) -> Hash32:
    value = read_base64(text)
    if value is None or len(value) != HASH_BYTES:
        raise EvidenceMalformed("a hash of the proof is not in base64")
    return Hash32(value)
