"""Checkpoints: what the members of the consortium sign about the log, and how a reader accepts it.

The text is a C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint) inside a signed note. Its first three
lines are the format's own; the two extension lines are ours and always there:

    <origin: which log this is>
    <tree size, decimal>
    <root of the Merkle tree of entries, base64>
    state <root of the state map, base64>
    time <block time, seconds since 1970-01-01T00:00:00Z, decimal>

The state root and the time follow from the entries, so a monitor that replays the log audits both.
A text has one writing only: what parses is what `Checkpoint.text` writes, byte for byte.

Whose signatures count is a `CheckpointPolicy`, which a reader has from somewhere else – never from
the bundle that it checks. Whoever holds `threshold` member keys can sign two logs; readers find out
by comparing checkpoints (`verify_growth`), alone they cannot. A policy may therefore ask for the
cosignatures of outside witnesses besides (`lodeline.ledger.cosignature`): each of them saw one log
that only grew, and so many of them would have to be deceived together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NewType

from msgspec import Struct

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, EntryHash, Hash32, Hash32W
from lodeline.kernel.time import BlockTime, BlockTimeW, block_time
from lodeline.ledger.cosignature import WitnessKey, verified_witnesses
from lodeline.ledger.merkle import (
    ConsistencyProof,
    InclusionProof,
    TreeSize,
    TreeSizeW,
    check_hashes,
    check_size,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from lodeline.ledger.signednote import (
    KeyName,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    check_key_name,
    parse_note,
    read_base64,
    sign_note,
    verified_signers,
    write_base64,
)

Origin = NewType("Origin", str)
"""Which log a checkpoint speaks of: a URL without scheme, no white space and no plus sign."""

_LINES = 5
_SHOWN = 80
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class CheckpointError(LodelineError):
    """A checkpoint, or what is said to follow from one, cannot be accepted."""


class CheckpointLineCount(CheckpointError):
    """A checkpoint has more or fewer lines than this log writes."""

    expected: int
    got: int

    code = "checkpoint-line-count"
    en = "the checkpoint has {got} lines instead of {expected}"
    fr = "le point de contrôle a {got} lignes au lieu de {expected}"
    advice_en = "make sure that the checkpoint is of this kind of log and complete"
    advice_fr = "vérifiez que le point de contrôle vient de ce type de journal et est complet"


class CheckpointLineMalformed(CheckpointError):
    """A line of a checkpoint is not what stands in that place."""

    number: int
    line: str
    wanted: str

    code = "checkpoint-line-malformed"
    en = "line {number} of the checkpoint is not {wanted}: {line!r}"
    fr = "la ligne {number} du point de contrôle n'est pas de la forme {wanted} : {line!r}"
    advice_en = "make sure that the checkpoint is of this kind of log, and fetch it again"
    advice_fr = "vérifiez que le point de contrôle vient de ce type de journal, et récupérez-le"


class WrongOrigin(CheckpointError):
    """The members signed this, but about another log."""

    expected: Origin
    got: Origin

    code = "checkpoint-wrong-origin"
    en = "the checkpoint is of the log {got}, not of {expected}"
    fr = "le point de contrôle est celui du journal {got}, pas de {expected}"
    advice_en = "fetch the checkpoint of the log that you mean"
    advice_fr = "récupérez le point de contrôle du journal voulu"


class TooFewSignatures(CheckpointError):
    """Fewer members signed than the reader asks for."""

    needed: int
    signers: tuple[KeyName, ...]

    code = "checkpoint-too-few-signatures"
    en = "{needed} members must sign the checkpoint; those who did: {signers}"
    fr = "{needed} membres doivent signer le point de contrôle ; l'ont signé : {signers}"
    advice_en = "wait for more signatures, or compare your list of member keys with the members"
    advice_fr = "attendez d'autres signatures, ou vérifiez votre liste de clés auprès des membres"


class ThresholdOutOfRange(CheckpointError):
    """A policy asks for no signature, or for more than there are members."""

    threshold: int
    members: int

    code = "checkpoint-threshold-out-of-range"
    en = "a threshold of {threshold} does not fit {members} member keys"
    fr = "un seuil de {threshold} ne convient pas à {members} clés de membres"
    advice_en = "set the threshold between 1 and the number of members"
    advice_fr = "fixez le seuil entre 1 et le nombre de membres"


class PolicyRepeatsMember(CheckpointError):
    """A policy would count one member, or one key, twice."""

    name: KeyName

    code = "checkpoint-policy-repeats-member"
    en = "the name or the key of {name} stands twice in the list of members"
    fr = "le nom ou la clé de {name} figure deux fois dans la liste des membres"
    advice_en = "list each member once, with one key"
    advice_fr = "citez chaque membre une seule fois, avec une seule clé"


class TooFewCosignatures(CheckpointError):
    """Fewer outside witnesses cosigned than the reader asks for."""

    needed: int
    witnesses: tuple[KeyName, ...]

    code = "checkpoint-too-few-cosignatures"
    en = "{needed} witnesses must cosign the checkpoint; those who did: {witnesses}"
    fr = "{needed} témoins doivent cosigner le point de contrôle ; l'ont fait : {witnesses}"
    advice_en = "whoever keeps the log sends it to its witnesses with `lodeline log witness`"
    advice_fr = "qui tient le journal l'envoie à ses témoins avec « lodeline log witness »"


class WitnessThresholdOutOfRange(CheckpointError):
    """A policy names witnesses and asks for none, or asks for more than it names."""

    threshold: int
    witnesses: int

    code = "checkpoint-witness-threshold-out-of-range"
    en = "a threshold of {threshold} does not fit {witnesses} witnesses"
    fr = "un seuil de {threshold} ne convient pas à {witnesses} témoins"
    advice_en = "set the threshold between 1 and the number of witnesses, or name none"
    advice_fr = "fixez le seuil entre 1 et le nombre de témoins, ou n'en citez aucun"


class PolicyRepeatsWitness(CheckpointError):
    """A policy would count one party twice: as two witnesses, or as witness and member."""

    name: KeyName

    code = "checkpoint-policy-repeats-witness"
    en = "the name or the key of the witness {name} stands twice in the policy"
    fr = "le nom ou la clé du témoin {name} figure deux fois dans la règle"
    advice_en = "name each witness once, with a key of its own; a member is no outside witness"
    advice_fr = "citez chaque témoin une fois, avec sa propre clé ; un membre n'est pas un témoin"


class ProofForOtherSize(CheckpointError):
    """A proof is about a tree of another size than the checkpoint it is shown with."""

    expected: TreeSize
    got: TreeSize

    code = "proof-for-other-size"
    en = "the checkpoint has {expected} entries, the proof is for {got}"
    fr = "le point de contrôle a {expected} écritures, la preuve est pour {got}"
    advice_en = "ask for a proof against this very checkpoint"
    advice_fr = "demandez une preuve sur ce même point de contrôle"


class TimeWentBack(CheckpointError):
    """A later checkpoint carries an earlier time."""

    old: BlockTime
    new: BlockTime

    code = "checkpoint-time-went-back"
    en = "the log grew, but its time went from {old} back to {new}"
    fr = "le journal a crû, mais son heure est passée de {old} à {new}"
    advice_en = "keep both checkpoints and show them to the members"
    advice_fr = "gardez les deux points de contrôle et montrez-les aux membres"


class StatesDiffer(CheckpointError):
    """Two checkpoints have the same entries and different states."""

    size: TreeSize
    old: Hash32
    new: Hash32

    code = "checkpoint-states-differ"
    en = "after the same {size} entries one checkpoint has the state {old}, the other {new}"
    fr = "après les mêmes {size} écritures, un point de contrôle a l'état {old}, l'autre {new}"
    advice_en = "keep both checkpoints: the signers did not follow the rules of the log"
    advice_fr = "gardez les deux points : les signataires n'ont pas suivi les règles du journal"


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """The log at one size: what is in it, the state that follows, and the time of its last block.

    Raises:
        KeyNameMalformed: the origin is empty or has white space or a plus sign.
        TreeSizeOutOfRange, HashLengthDiffers, TimeOutOfRange: a field is out of its range.
    """

    origin: Origin
    size: TreeSizeW
    root: Hash32W
    state: Hash32W
    time: BlockTimeW

    def __post_init__(self) -> None:
        check_key_name(self.origin)
        check_size(self.size)
        check_hashes((self.root, self.state))
        block_time(self.time)

    def text(self) -> str:
        """Return the text that is signed."""
        root, state = (write_base64(value) for value in (self.root, self.state))
        return f"{self.origin}\n{self.size}\n{root}\nstate {state}\ntime {self.time}\n"


class CheckpointPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which log a reader follows, whose signatures count, and how many it takes.

    Raises:
        KeyNameMalformed: the origin cannot be one.
        PolicyRepeatsMember: two members share a name or a public key.
        PolicyRepeatsWitness: a witness shares one with another witness or a member.
        ThresholdOutOfRange: not between 1 and the number of members.
        WitnessThresholdOutOfRange: not between 1 and the number of witnesses, or not 0 without.
    """

    origin: Origin
    members: tuple[VerifierKey, ...]
    threshold: int
    witnesses: tuple[WitnessKey, ...] = ()
    witness_threshold: int = 0
    """How many of the witnesses must have cosigned besides."""

    def __post_init__(self) -> None:
        check_key_name(self.origin)
        names, publics = set[str](), set[bytes]()
        keys: tuple[VerifierKey | WitnessKey, ...] = (*self.members, *self.witnesses)
        for key in keys:
            if key.name in names or key.public in publics:
                raise _repeated(key)
            names.add(key.name)
            publics.add(key.public)
        if not 1 <= self.threshold <= len(self.members):
            raise ThresholdOutOfRange(self.threshold, len(self.members))
        least = 1 if self.witnesses else 0
        if not least <= self.witness_threshold <= len(self.witnesses):
            raise WitnessThresholdOutOfRange(self.witness_threshold, len(self.witnesses))

    def signers_only(self) -> CheckpointPolicy:
        """Return the policy for a checkpoint that has not been to its witnesses yet."""
        return CheckpointPolicy(self.origin, self.members, self.threshold)


def _repeated(key: VerifierKey | WitnessKey) -> CheckpointError:
    if isinstance(key, WitnessKey):
        return PolicyRepeatsWitness(key.name)
    return PolicyRepeatsMember(key.name)


def sign_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: NoteSigner) -> NoteSignature:
    """Return one member's signature of a checkpoint.

    Whether the checkpoint continues what the member signed before is not checked here: before it
    signs, a member runs `verify_growth` from its last one.

    Raises:
        NoteSignatureInvalid: the signer does not hold the private half of the key.
    """
    return sign_note(checkpoint.text(), key, sign)


def assemble(checkpoint: Checkpoint, signatures: Iterable[NoteSignature]) -> bytes:
    """Return the signed note of a checkpoint, as it is published.

    Raises:
        NoteUnsigned, TooManyNoteSignatures, NoteTooLong: no reader would accept such a note.
    """
    return Note(checkpoint.text(), tuple(signatures)).encode()


def verify_checkpoint(data: bytes, policy: CheckpointPolicy) -> Checkpoint:
    """Return the checkpoint of a note that enough members signed, and enough witnesses cosigned.

    Not checked: that it is recent, or that it continues another one (`verify_growth`).

    Raises:
        NoteError: the note is malformed, or a signature of a member or witness does not fit it.
        TooFewSignatures: fewer members signed than the policy asks for.
        TooFewCosignatures: fewer witnesses cosigned than the policy asks for.
        CheckpointLineCount, CheckpointLineMalformed, …: the text is no checkpoint of ours.
        WrongOrigin: it is about another log.
    """
    note = parse_note(data)
    # The text is read only after it is known who signed it (signed-note, introduction).
    signers = verified_signers(note, policy.members)
    if len(signers) < policy.threshold:
        raise TooFewSignatures(policy.threshold, tuple(sorted(key.name for key in signers)))
    seen = verified_witnesses(note, policy.witnesses)
    if len(seen) < policy.witness_threshold:
        raise TooFewCosignatures(policy.witness_threshold, tuple(sorted(key.name for key in seen)))
    checkpoint = parse_checkpoint_text(note.text)
    if checkpoint.origin != policy.origin:
        raise WrongOrigin(policy.origin, checkpoint.origin)
    return checkpoint


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint; nobody has vouched for it yet.

    Raises:
        CheckpointLineCount: not five lines, each ended by a newline.
        CheckpointLineMalformed: a number or hash is not written in its one canonical way.
        KeyNameMalformed, TreeSizeOutOfRange, TimeOutOfRange: a value is out of range.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[-1]:
        raise CheckpointLineCount(_LINES, len(lines) - 1)
    return Checkpoint(
        Origin(lines[0]),
        TreeSize(_number(lines, 2, "")),
        _hash(lines, 3, ""),
        _hash(lines, 4, "state "),
        BlockTime(_number(lines, 5, "time ")),
    )


def verify_growth(old: Checkpoint, new: Checkpoint, proof: ConsistencyProof) -> None:
    """Refuse unless one checkpoint continues the other: same log, nothing changed or taken out.

    Raises:
        WrongOrigin: they are of different logs.
        ProofForOtherSize: the proof is about other sizes.
        TreeShrank, WrongOldRoot, WrongNewRoot, ProofTooShort, …: as `verify_consistency`.
        StatesDiffer, TimeWentBack: the entries agree, but not what follows from them.
    """
    if old.origin != new.origin:
        raise WrongOrigin(old.origin, new.origin)
    for checkpoint, size in ((old, proof.old), (new, proof.new)):
        if checkpoint.size != size:
            raise ProofForOtherSize(checkpoint.size, size)
    verify_consistency(proof, old.root, new.root)
    if old.size == new.size and old.state != new.state:
        raise StatesDiffer(old.size, old.state, new.state)
    if new.time < old.time:
        raise TimeWentBack(old.time, new.time)


def verify_logged(checkpoint: Checkpoint, entry: bytes, proof: InclusionProof) -> EntryHash:
    """Return the leaf hash of an entry's complete bytes, once the checkpoint is shown to hold it.

    Raises:
        ProofForOtherSize: the proof is about another size.
        WrongRoot, IndexBeyondTree, ProofTooShort, …: as `verify_inclusion`.
    """
    if checkpoint.size != proof.size:
        raise ProofForOtherSize(checkpoint.size, proof.size)
    leaf = leaf_hash(entry)
    verify_inclusion(proof, leaf, checkpoint.root)
    return leaf


def _number(lines: list[str], number: int, label: str) -> int:
    line = lines[number - 1]
    digits = line.removeprefix(label)
    if not line.startswith(label) or not _NUMBER.fullmatch(digits):
        raise CheckpointLineMalformed(number, line[:_SHOWN], f"'{label}<decimal>'")
    return int(digits)


def _hash(lines: list[str], number: int, label: str) -> Hash32:
    line = lines[number - 1]
    value = read_base64(line.removeprefix(label))
    if not line.startswith(label) or value is None or len(value) != HASH_BYTES:
        raise CheckpointLineMalformed(number, line[:_SHOWN], f"'{label}<base64>'")
    return Hash32(value)
