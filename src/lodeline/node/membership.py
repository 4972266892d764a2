"""A workspace as a member of a consortium that validators run: its copy, and how it gets one.

Nothing about the consortium is believed from the validators. The trust file comes by another way;
it pins the founding and the first keys, and everything after follows from what these signed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.failover import Validators
from lodeline.engine.consortium.follower import ConsortiumLedger, Following
from lodeline.engine.consortium.founding import ClockKind, read_founding
from lodeline.engine.consortium.refusals_validators import (
    AnswerMalformed,
    NotThisConsortium,
    NoValidatorAnswers,
    SignerMissing,
    TooFewValidatorsSigned,
    ValidatorFault,
)
from lodeline.engine.consortium.sending import MemberSigner, SubmissionSigner
from lodeline.engine.interface import Clock
from lodeline.engine.writer_lock import lock_path
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId
from lodeline.ledger.checkpoint import Checkpoint, parse_checkpoint_text
from lodeline.ledger.entries import decode_entry, entry_id
from lodeline.ledger.log import Verify
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.trust import TrustFile
from lodeline.node.clock import SystemClock
from lodeline.node.keyring import Keyring
from lodeline.node.trust import TrustMissing, read_trust, write_trust
from lodeline.node.verifying import proof_workers
from lodeline.node.workspace import (
    FileExists,
    Settings,
    Workspace,
    WorkspaceExists,
    make_folder,
)
from lodeline.proofs.batch import believe_signers

__all__ = ["Connected", "connect", "follow_if_reached", "has_newer", "opened_copy"]


def opened_copy(
    workspace: Workspace, keyring: Keyring, clock: Clock, verify: Verify
) -> ConsortiumLedger:
    """Return the workspace's copy of the ledger, as it was when last open.

    Raises:
        LedgerHasWriter, LedgerDamaged, …: the file cannot be used.
        NoValidators, TrustFileMalformed, AuthoritiesUnreadable, …: a file of the workspace.
    """
    settings = workspace.settings()
    trust = read_trust(workspace.trust)
    following = _following(settings, verify)
    validators = _validators(settings)
    try:
        return ConsortiumLedger(
            workspace.ledger,
            validators,
            trust,
            clock,
            lambda: _signer(workspace, keyring),
            following,
        )
    except LodelineError:
        validators.close()
        raise


def _following(settings: Settings, verify: Verify) -> Following:
    proofs = believe_signers if settings.proofs == "signers" else verify
    return Following(verify=proofs, story=settings.clock == ClockKind.STORY.value)


def _validators(settings: Settings) -> Validators:
    file = settings.authorities
    authorities = None if file is None else Path(file)
    return Validators(
        [ValidatorClient(url, authorities=authorities) for url in settings.validators]
    )


def _signer(workspace: Workspace, keyring: Keyring) -> SubmissionSigner:
    """Return who signs envelopes: the member that is usually meant, else one whose keys open.

    An envelope may carry entries of any member; it says who asks for the work, no more.

    Raises:
        SignerMissing: no keys of this workspace open.
    """
    usual = workspace.settings().member
    for member in dict.fromkeys([*([] if usual is None else [usual]), *workspace.members()]):
        keys = keyring.keys_if_opened_by_same(member)
        if keys is not None:
            return MemberSigner(member, keys.signing)
    raise SignerMissing


def follow_if_reached(copy: ConsortiumLedger) -> None:
    """Bring a copy up to date, or leave it as it is where the validators are silent or too few.

    Raises:
        CheckpointsFork, StateNotAsSigned, EntryNotAllowed, NotThisConsortium: the validators have
            signed what must not be; the copy is closed.
    """
    try:
        # Work goes on with what was agreed last; what is handed in waits in the queue.
        with suppress(NoValidatorAnswers, TooFewValidatorsSigned):
            copy.refresh()
    except LodelineError:
        copy.close()
        raise


def has_newer(workspace: Workspace, size: int) -> bool:
    """Return whether a validator says that its log is longer than the workspace's copy.

    Nobody's signature is looked at: who says so falsely makes the copy be brought up to date, and
    who is silent is no worse than one that cannot be reached. Without validators there is none.

    Raises:
        NoValidators, AuthoritiesUnreadable, …: a file of the workspace.
    """
    settings = workspace.settings()
    if not settings.validators:
        return False
    with closing(_validators(settings)) as validators:
        return any(said.signed > size for said in validators.each(lambda each: each.status()))


# ------------------------------------------------------------------ joining


@dataclass(frozen=True)
class Connected:
    """A workspace that follows a consortium."""

    chain: ChainId
    checkpoint: Checkpoint
    """Up to which it has the ledger."""
    clock: ClockKind


def connect(
    workspace: Workspace,
    urls: Sequence[str],
    trust: TrustFile | None = None,
    authorities: Path | None = None,
) -> Connected:
    """Make a workspace follow a consortium's validators, and fetch the ledger once.

    Keys that are there stay. A trust file that is pinned already is used where none is given. Where
    this fails, nothing is changed. A workspace that follows already gets the new addresses.

    Raises:
        NoValidatorAnswers, TooFewValidatorsSigned: the ledger could not be fetched.
        NotThisConsortium: it is another consortium than the trust file's.
        WorkspaceExists: the workspace has a ledger of its own.
        FileExists: another trust file is pinned.
        TrustMissing: none is given, and none is pinned.
        SettingsMalformed, FileUnwritable, …: an address that is none, or a file.
    """
    before, path = workspace.settings(), workspace.ledger
    if path.exists() and not before.validators:
        raise WorkspaceExists(str(workspace.folder))
    believed = _believed(workspace, trust)
    named = None if authorities is None else str(authorities.absolute())
    settings = replace(before, validators=tuple(urls), authorities=named)
    Settings.read("settings.toml", settings.text())  # as it will be read again
    make_folder(workspace.members_folder)
    existed = path.exists()
    try:
        connected = _fetched(path, settings, believed)
    except LodelineError:
        if not existed:
            _remove(path)
        raise
    if not workspace.trust.is_file():
        write_trust(workspace, believed)
    workspace.keep_settings(replace(settings, clock=connected.clock.value))
    return connected


def _believed(workspace: Workspace, trust: TrustFile | None) -> TrustFile:
    """Return the trust file that is pinned or given; never one in place of another."""
    if not workspace.trust.is_file():
        if trust is None:
            raise TrustMissing(str(workspace.folder))
        return trust
    pinned = read_trust(workspace.trust)
    if trust is not None and trust != pinned:
        raise FileExists(str(workspace.trust))
    return pinned


def _fetched(path: Path, settings: Settings, trust: TrustFile) -> Connected:
    """Fetch a ledger into a file, deciding every entry of it again."""
    with (
        proof_workers() as verify,
        closing(
            ConsortiumLedger(
                path,
                _validators(settings),
                trust,
                SystemClock(),
                following=_following(settings, verify),
            )
        ) as copy,
    ):
        copy.refresh()
        checkpoint = parse_checkpoint_text(parse_note(copy.signed_checkpoint()).text)
        return Connected(trust.chain, checkpoint, _clock_of(copy.validators, trust))


def _clock_of(validators: Validators, trust: TrustFile) -> ClockKind:
    """Return what most validators say about where time comes from.

    No signature covers it. A wrong answer lets no wrong entry in: what is handed in is refused.

    Raises:
        NoValidatorAnswers: nobody says anything.
    """
    said = Counter(validators.each(lambda client: _clock_said(client, trust)))
    if not said:
        raise validators.nobody()
    return max(said, key=lambda kind: (said[kind], kind.value))


def _clock_said(client: ValidatorClient, trust: TrustFile) -> ClockKind:
    """Return what a validator's founding file says, if that is of this consortium.

    Raises:
        AnswerMalformed: it is no founding file, or another consortium's.
    """
    try:
        founding = read_founding(client.founding())
        found = entry_id(decode_entry(founding.entries[0]))
        if found != trust.genesis_id:
            raise NotThisConsortium(trust.genesis_id, found)
    except ValidatorFault:
        raise
    except LodelineError as refused:
        raise AnswerMalformed(client.url, "a founding", refused.message("en")) from refused
    return founding.clock


def _remove(path: Path) -> None:
    """Remove a ledger that was begun here and not finished, with what SQLite lays beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", lock_path(path).name):
        path.with_name(name).unlink(missing_ok=True)
