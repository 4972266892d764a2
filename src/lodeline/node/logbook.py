"""The log as people read it: its lines, its verification from nothing, its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lodeline.engine.fsck import FsckReport, FsckRequest, Progress, fsck
from lodeline.engine.refusals import CheckpointMissing
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    assemble,
    sign_checkpoint,
    verify_checkpoint,
)
from lodeline.ledger.entries import (
    Accept,
    Anchor,
    Correction,
    Decline,
    Entry,
    EntryId,
    Genesis,
    Govern,
    Offer,
    Recall,
    Regrant,
    Reversal,
    RotateKey,
    Transform,
    Withdraw,
    entry_id,
)
from lodeline.ledger.log import Verify, read_leaf
from lodeline.ledger.merkle import LeafIndex, TreeSize
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.signednote import NoteSignature, parse_note
from lodeline.ledger.state import State
from lodeline.ledger.tasks import carried_transform
from lodeline.node.session import Session
from lodeline.node.trust import origin_of, read_trust, verifier_key

__all__ = [
    "LogLine",
    "checkpoint_now",
    "genesis_of",
    "keep_signed",
    "log_lines",
    "signed_checkpoint",
    "verify_log",
]


@dataclass(frozen=True)
class LogLine:
    """One entry of the log in a line."""

    index: int
    time: BlockTime
    kind: str
    """The entry's type, in the words of the protocol."""
    subject: str
    """Recipe, member or act that it is about; never a number of a lot."""
    entry: EntryId


def log_lines(session: Session, start: int, end: int) -> Iterator[LogLine]:
    """Yield the entries from one index up to, and without, another."""
    for index, data in enumerate(session.ledger.entries(LeafIndex(start), TreeSize(end)), start):
        leaf = read_leaf(data)
        yield LogLine(
            index,
            leaf.time,
            type(leaf.entry).__name__.lower(),
            _subject(session.state, leaf.entry),
            entry_id(leaf.entry),
        )


def _subject(state: State, entry: Entry) -> str:
    match entry:
        case Genesis():
            return entry.title
        case Govern():
            return ", ".join(dict.fromkeys(_act_name(act) for act in entry.body.acts))
        case RotateKey() | Anchor() | Recall():
            return entry.body.member
        case Transform() | Offer() | Correction():
            transform = carried_transform(entry)
            return "" if transform is None else _recipe_name(state, transform)
        case Accept() | Decline() | Withdraw():
            return entry.body.offer.hex()[:12]
        case Reversal():
            return entry.body.transform.hex()[:12]
        case Regrant():
            return entry.body.lot.hex()[:12]


def _act_name(act: object) -> str:
    words = type(act).__name__
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in words).lstrip("-")


def _recipe_name(state: State, transform: Transform) -> str:
    recipe = state.recipe(transform.body.recipe)
    return transform.body.recipe.hex()[:12] if recipe is None else recipe.name


def verify_log(session: Session, verify: Verify, progress: Progress) -> FsckReport:
    """Look at the whole ledger again: leaves, roots, every signature and proof, from nothing.

    Signatures under kept checkpoints are compared with the pinned trust file. What is wrong is in
    the report.

    Raises:
        LedgerMissing: there is no ledger.
        TrustFileMalformed, …: the pinned trust file.
    """
    policy = read_trust(session.workspace.trust).policy()
    request = FsckRequest(from_nothing=True, verify=verify, policy=policy, progress=progress)
    return fsck(session.workspace.ledger, request)


def genesis_of(session: Session) -> Genesis:
    """Return the first entry of the log.

    Raises:
        NoGenesis: the log is empty.
    """
    for data in session.ledger.entries(LeafIndex(0), TreeSize(min(1, session.ledger.size))):
        entry = read_leaf(data).entry
        if isinstance(entry, Genesis):
            return entry
    raise NoGenesis


def checkpoint_now(session: Session) -> Checkpoint:
    """Return the checkpoint of the log as it stands, unsigned."""
    return session.ledger.checkpoint(origin_of(session.chain))


def keep_signed(session: Session, note: bytes) -> None:
    """Keep a signed checkpoint beside the log, together with what others signed of it.

    Raises:
        LedgerReadOnly: the ledger was opened for reading.
        CheckpointNotOfThisLog: the log was never like that.
    """
    session.ledger.keep_checkpoint(note)


def signed_checkpoint(session: Session) -> tuple[bytes, tuple[MemberId, ...]]:
    """Return the log's checkpoint, signed by the voting members whose keys are here, and by whom.

    Where validators sign, nobody here is asked to: theirs are kept beside the log. The signatures
    are checked against the trust file of the workspace before the checkpoint is given away; whoever
    else is known to have signed it, outside witnesses among them, stands in it too.

    Raises:
        TooFewSignatures: not enough of the keys that the trust file names could be opened.
    """
    checkpoint, trust = checkpoint_now(session), read_trust(session.workspace.trust)
    signatures: list[NoteSignature] = []
    signers: list[MemberId] = []
    for member in () if trust.signers == "validators" else session.workspace.members():
        record = session.state.members.get(member)
        keys = session.keyring.keys_if_opened_by_same(member)
        if record is None or keys is None or not record.votes:
            continue
        key = verifier_key(session.chain, member, record.member.key)
        signatures.append(sign_checkpoint(checkpoint, key, keys.signing.sign_frame))
        signers.append(member)
    note = assemble(checkpoint, dict.fromkeys((*signatures, *_known(session, checkpoint))))
    verify_checkpoint(note, trust.policy().signers_only())
    return note, tuple(signers)


def _known(session: Session, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
    """Return the signatures that are kept of a checkpoint; none of an older one."""
    try:
        kept = parse_note(session.ledger.signed_checkpoint())
    except CheckpointMissing:
        return ()
    return kept.signatures if kept.text == checkpoint.text() else ()
