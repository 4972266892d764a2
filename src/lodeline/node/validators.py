"""Changing who validates: votes of the members on validators, with what has to be looked at first.

A vote takes effect with the block that it is in: CometBFT is told of the change, and from the block
after the next the new set decides. How many validators one vote may change is the ledger's rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from lodeline.engine.interface import Receipt
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, MemberKey
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Act,
    AdmitMember,
    ProtocolVersion,
    RemoveValidator,
    RequireProtocol,
    SetValidator,
)
from lodeline.ledger.records import ValidatorRecord
from lodeline.ledger.validators import validators_needed
from lodeline.node.ceremony import MemberFile
from lodeline.node.governing import vote
from lodeline.node.requests import Request
from lodeline.node.session import Session

__all__ = [
    "Admission",
    "Listed",
    "ReleaseUnnamed",
    "admission",
    "admit",
    "listed",
    "remove",
    "require_protocol",
]


class MemberKeyDiffers(LodelineError):
    """A member file with another signing key than the registry has for the member."""

    member: MemberId
    registered: MemberKey
    written: MemberKey

    code = "member-key-differs"
    en = "the file of {member} has the key {written}, the registry has {registered}"
    fr = "le fichier de {member} a la clé {written}, le registre a {registered}"
    advice_en = "ask {member} by another way which file is its own before anybody votes"
    advice_fr = "demandez à {member} par une autre voie quel fichier est le sien avant de voter"


class FileWithoutValidator(LodelineError):
    """A member file that names no validator, where one is to be admitted."""

    member: MemberId

    code = "file-without-validator"
    en = "the file of {member} names no validator"
    fr = "le fichier de {member} ne nomme pas de validateur"
    advice_en = "have it made with --address and --api, where the validator is to run"
    advice_fr = "faites-le créer avec --address et --api, là où le validateur doit fonctionner"


class ReleaseUnnamed(LodelineError):
    """A version of the protocol is to be required without saying which release knows it."""

    version: ProtocolVersion

    code = "release-unnamed"
    en = "nothing says which release knows protocol {version}"
    fr = "rien ne dit quelle version du programme connaît le protocole {version}"
    advice_en = "name it with --release; whoever is stopped by the vote reads it"
    advice_fr = "nommez-la avec --release ; qui sera arrêté par le vote la lira"


@dataclass(frozen=True)
class Admission:
    """What a vote on a member file would do."""

    acts: tuple[Act, ...]
    is_new_member: bool
    """Whether it makes a company a member as well."""
    replaces: ValidatorRecord | None
    """The validator that the member has now."""


@dataclass(frozen=True)
class Listed:
    """The validators as the ledger has them."""

    validators: tuple[tuple[MemberId, ValidatorRecord], ...]
    needed: int
    """How many of them decide together."""


def admission(session: Session, file: MemberFile, *, votes: bool) -> Admission:
    """Return the acts that let the member of a file validate, looking at what is known of it.

    A company that is no member yet becomes one by the same vote, with a vote of its own if so
    asked.

    Raises:
        FileWithoutValidator: the file names no validator.
        UnknownMember, MemberNotActive: the member may not act.
        MemberKeyDiffers: the file has another signing key than the registry.
    """
    found = file.validator
    if found is None:
        raise FileWithoutValidator(file.member)
    act = SetValidator(file.member, found.consensus, found.checkpoint, found.api)
    is_new = file.member not in session.state.members
    acts: tuple[Act, ...] = (act,)
    if is_new:
        acts = (AdmitMember(structs.replace(file.record, votes=votes)), act)
    else:
        _check_key(session, file)
    return Admission(acts, is_new, session.state.validators.get(file.member))


def _check_key(session: Session, file: MemberFile) -> None:
    registered = session.member(file.member).key
    if registered != file.record.key:
        raise MemberKeyDiffers(file.member, registered, file.record.key)


def admit(session: Session, planned: Admission) -> Receipt | Request:
    """Put an admission to the vote; with too few keys here, return the request for the others.

    Raises:
        ValidatorRefused, GovernanceRefused, …: the ledger refuses it.
    """
    return vote(session, planned.acts)


def remove(session: Session, member: MemberId) -> Receipt | Request:
    """Put to the vote that a member's validator takes no further part.

    Raises:
        NoValidator, LastValidator, …: the ledger refuses it.
    """
    return vote(session, (RemoveValidator(member),))


def require_protocol(
    session: Session, version: ProtocolVersion, at: BlockTime | None, release: str
) -> Receipt | Request:
    """Put to the vote that the ledger follows another version of the protocol from a time on.

    Without a time, what was required and has not begun is taken back. Not checked: that any release
    knows the version; `consortium_status.upgrades` says whose validators do.

    Raises:
        ProtocolRefused, …: the ledger refuses it.
    """
    return vote(session, (RequireProtocol(version, at, release),))


def listed(session: Session) -> Listed:
    """Return the validators as the ledger has them now, in the order of their members' names."""
    found = tuple(sorted(session.state.validators.items()))
    return Listed(found, validators_needed(len(found)))
