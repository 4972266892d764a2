"""The log as people read it: its lines, its verification from nothing, its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
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
from lodeline.ledger.log import Verify, read_leaf, replay
from lodeline.ledger.merkle import LeafIndex, TreeSize, leaf_hash
from lodeline.ledger.merklelog import Frontier
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.signednote import NoteSignature
from lodeline.ledger.state import State
from lodeline.ledger.tasks import carried_transform
from lodeline.node.session import Session
from lodeline.node.trust import origin_of, read_trust, verifier_key
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

__all__ = [
    "LogDiffers",
    "LogLine",
    "LogVerified",
    "checkpoint_now",
    "genesis_of",
    "log_lines",
    "signed_checkpoint",
    "verify_log",
]


class LogDiffers(LodelineError):
    """A log that adds up to another state than the ledger says."""

    entries: int
    stated: Hash32
    computed: Hash32

    code = "log-differs"
    en = "the {entries} entries add up to the state {computed}, the ledger says {stated}"
    fr = "les {entries} écritures donnent l'état {computed}, le registre dit {stated}"
    advice_en = "do not use this copy; keep it, and compare it with another member's"
    advice_fr = "n'utilisez pas cette copie ; gardez-la et comparez-la à celle d'un autre membre"


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


@dataclass(frozen=True)
class LogVerified:
    """What replaying the whole log established."""

    entries: int
    proofs: int
    log_root: Hash32
    state_root: Hash32


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


def verify_log(
    session: Session, verify: Verify, progress: Callable[[int], None] | None = None
) -> LogVerified:
    """Replay the log from nothing, verify every proof and signature again, compare the states.

    ``progress`` is told how many entries were read.

    Raises:
        LodelineError: an entry that must not be in the log, named as when it is offered.
        LogDiffers: the entries add up to another state.
    """
    counted = _Counted(session, verify, progress)
    replayed = replay(counted.leaves(), counted.verify)
    if replayed.state.root != session.state.root:
        raise LogDiffers(session.ledger.size, session.state.root, replayed.state.root)
    return LogVerified(
        replayed.state.size, counted.proofs, Hash32(replayed.frontier.root()), replayed.state.root
    )


class _Counted:
    """Counts what is read and verified while a log is replayed."""

    def __init__(
        self, session: Session, verify: Verify, progress: Callable[[int], None] | None
    ) -> None:
        self._session = session
        self._verify = verify
        self._progress = progress
        self.proofs = 0

    def leaves(self) -> Iterator[bytes]:
        for read, leaf in enumerate(
            self._session.ledger.entries(LeafIndex(0), self._session.ledger.size)
        ):
            if self._progress is not None:
                self._progress(read)
            yield leaf

    def verify(self, tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
        self.proofs += len(tasks)
        return self._verify(tasks)


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
    leaves = session.ledger.entries(LeafIndex(0), session.ledger.size)
    frontier = Frontier().extend(leaf_hash(data) for data in leaves)
    state = session.state
    return Checkpoint(
        origin_of(session.chain), TreeSize(frontier.size), frontier.root(), state.root, state.time
    )


def signed_checkpoint(session: Session) -> tuple[bytes, tuple[MemberId, ...]]:
    """Return the log's checkpoint, signed by the voting members whose keys are here, and by whom.

    It is checked against the trust file of the workspace before it is given away.

    Raises:
        TooFewSignatures: not enough of the keys that the trust file names could be opened.
    """
    checkpoint = checkpoint_now(session)
    signatures: list[NoteSignature] = []
    signers: list[MemberId] = []
    for member in session.workspace.members():
        record = session.state.members.get(member)
        keys = session.keyring.keys_if_opened_by_same(member)
        if record is None or keys is None or not record.votes:
            continue
        key = verifier_key(session.chain, member, record.member.key)
        signatures.append(sign_checkpoint(checkpoint, key, keys.signing.sign_frame))
        signers.append(member)
    note = assemble(checkpoint, signatures)
    verify_checkpoint(note, read_trust(session.workspace.trust).policy())
    return note, tuple(signers)
