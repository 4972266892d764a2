"""The three steps of founding, as each member does them on its own machine.

    make_keys        keystore, validator's keys, and the public file for the others
    sign_founding    look at what all files together say, and agree to it
    take_up          once everybody has: the validator's home and the pinned trust file

Every step can be repeated: what is there already is used as it is, never made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lodeline.crypto.entropy import Entropy
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.trust import TrustFile
from lodeline.node.ceremony import (
    Founded,
    FoundingPlan,
    MemberFile,
    ValidatorAddress,
    assembled,
    check_signature,
    plan_digest,
    sign_plan,
)
from lodeline.node.ceremony_files import (
    PlanFiles,
    member_file_name,
    read_signatures,
    write_member_file,
    write_signature,
)
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.keyring import Keyring
from lodeline.node.trust import read_trust, trust_of, write_trust
from lodeline.node.validator_home import (
    Listening,
    fill_home,
    make_validator_keys,
    public_part,
)
from lodeline.node.workspace import FileExists, Settings, Workspace, WorkspaceExists, make_folder

__all__ = [
    "Reached",
    "Signed",
    "TakenUp",
    "listening_for",
    "make_keys",
    "sign_founding",
    "signers_missing",
    "take_up",
]

_HTTP_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reached:
    """Where the others will reach a validator."""

    home: ValidatorHome
    address: str
    """HOST:PORT for other validators."""
    api: str
    """URL of the HTTP API."""


@dataclass(frozen=True)
class Signed:
    """A signature file that was written."""

    file: Path
    digest: Hash32
    missing: tuple[MemberId, ...]
    """Founders whose signature files are not in the folder yet."""


@dataclass(frozen=True)
class TakenUp:
    """A founding that everybody signed and that is set up on this machine."""

    founded: Founded
    trust: TrustFile
    validates: bool
    """Whether the member runs a validator, whose home was filled."""


def make_keys(
    keyring: Keyring, spec: MemberSpec, reached: Reached | None, folder: Path, entropy: Entropy
) -> Path:
    """Make a member's keys, and a validator's where it runs one, and write its public file.

    Keys that are there already are used as they are.

    Raises:
        AddressMalformed: nobody could reach the validator.
        KeystoreNotOpened, PassphraseTooShort, …: the keystore.
        FileExists: there is a member file already; it may be in the others' hands.
        FileUnwritable: a file cannot be written.
    """
    path = folder / member_file_name(spec.member)
    if path.exists():
        raise FileExists(str(path))
    validator = None if reached is None else _validator(spec.member, reached, entropy)
    keys = keyring.keys_or_create(spec.member)
    return write_member_file(folder, MemberFile(member_record(spec, keys, votes=True), validator))


def _validator(member: MemberId, reached: Reached, entropy: Entropy) -> ValidatorAddress:
    if not reached.home.checkpoint_key.exists():
        make_folder(reached.home.folder)
        make_validator_keys(reached.home, entropy)
    return public_part(reached.home, member, reached.address, reached.api)


def sign_founding(keyring: Keyring, files: PlanFiles, folder: Path, member: MemberId) -> Signed:
    """Sign a founding as one of its members and write the signature file into a folder.

    Not checked: that the digest is the one that the others have; the members compare it by another
    way than the one on which the files came.

    Raises:
        FounderUnknown: the member is not among the founders.
        MemberNotHere, KeystoreNotOpened, …: its keys cannot be used.
        FoundingSignatureWrong: the founding has another key for the member than its keystore.
        FileUnwritable: the file cannot be written.
    """
    key = keyring.keys(member).signing
    signature = sign_plan(files.plan, member, key, files.files)
    check_signature(files.plan, signature, files.files)
    path = write_signature(folder, signature)
    return Signed(path, plan_digest(files.plan), signers_missing(files, folder))


def signers_missing(files: PlanFiles, folder: Path) -> tuple[MemberId, ...]:
    """Return the founders whose signature files are not in a folder.

    Raises:
        CeremonyFileMalformed, CeremonyFileOfOther: a file is not what its name says.
        FounderUnknown, FoundingDiffers, FoundingSignatureWrong: a file of somebody else, about
            something else, or signed by somebody else.
    """
    signatures = read_signatures(folder)
    for signature in signatures:
        check_signature(files.plan, signature, files.files)
    there = {signature.member for signature in signatures}
    return tuple(file.member for file in files.plan.members if file.member not in there)


def take_up(
    workspace: Workspace,
    files: PlanFiles,
    folder: Path,
    member: MemberId,
    validator: tuple[ValidatorHome, Listening] | None,
) -> TakenUp:
    """Set a founding up that every founder signed: trust file, settings, the validator's home.

    ``validator`` says where the member's validator lives and listens; nothing where it runs none on
    this machine.

    Raises:
        FoundingUnsigned, FoundingDiffers, FoundingSignatureWrong, …: the signature files.
        WorkspaceExists: the workspace has a ledger of its own.
        FileExists: another consortium's trust file is pinned in the workspace.
        ValidatorKeysMissing, ValidatorKeysDiffer: the home is not that of the member file.
        FileUnwritable: a file cannot be written.
    """
    if workspace.ledger.exists() and not workspace.settings().validators:
        raise WorkspaceExists(str(workspace.folder))
    founded = assembled(files.plan, read_signatures(folder), files.files)
    trust = trust_of(founded.state, founded.genesis)
    if validator is not None:
        home, listening = validator
        fill_home(home, founded, member, listening)
    if not workspace.trust.exists():
        make_folder(workspace.folder)
        write_trust(workspace, trust)
    elif read_trust(workspace.trust) != trust:
        raise FileExists(str(workspace.trust))
    workspace.keep_settings(_following(workspace.settings(), files.plan, member))
    return TakenUp(founded, trust, validator is not None)


def _following(settings: Settings, plan: FoundingPlan, member: MemberId) -> Settings:
    """Return settings with which a workspace follows the validators, the member's own first."""
    ordered = sorted(plan.validators, key=lambda known: known[0] != member)
    urls = tuple(found.api for _, found in ordered)
    return replace(settings, validators=urls, clock=plan.clock.value)


def listening_for(validator: ValidatorAddress) -> Listening:
    """Return where a validator listens unless it is told otherwise: the ports of its addresses."""
    _, _, port = validator.address.rpartition(":")
    parts = urlsplit(validator.api)
    api = parts.port or _HTTP_PORTS[parts.scheme]
    return Listening(p2p=f"0.0.0.0:{port}", api=f"0.0.0.0:{api}")
