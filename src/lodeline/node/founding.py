"""Founding a consortium: keys, the genesis that every founder signs, and the shipped tables.

A founder is written in one line, as people type it:

    kolwezi-pit:Kolwezi Pit SA:CD:miner,energy-auditor

name, title, country (ISO 3166-1), roles. The name is for good; roles are what the member may sign
as. All founders vote; a vote needs more than half of them unless another number is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.custody.scheme import Scheme
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ChainId,
    Hash32,
    MemberId,
    OneTimeKey,
    Role,
    check_name,
)
from lodeline.ledger.entries import Genesis, Member, MemberSignature, entry_id
from lodeline.node.governing import vote
from lodeline.node.reference import in_parts, reference_acts, shipped_elements, shipped_scheme
from lodeline.node.session import Session
from lodeline.proofs.body import PROTOCOL_VERSION

__all__ = [
    "Founding",
    "MemberSpec",
    "MemberSpecMalformed",
    "check_founders",
    "found",
    "member_record",
    "unsigned_genesis",
]

_COUNTRY = re.compile(r"[A-Z]{2}")
_PARTS = 4
_LONGEST_TITLE = 256


class MemberSpecMalformed(LodelineError):
    """A member that is not written as name, title, country and roles."""

    text: str

    code = "member-spec-malformed"
    en = "“{text}” does not describe a member"
    fr = "« {text} » ne décrit pas un membre"
    advice_en = "write NAME:TITLE:COUNTRY:ROLES, like pit:Kolwezi Pit SA:CD:miner,laboratory"
    advice_fr = "écrivez NOM:TITRE:PAYS:RÔLES, comme pit:Kolwezi Pit SA:CD:miner,laboratory"


class NoFounders(LodelineError):
    """A consortium of nobody."""

    code = "no-founders"
    en = "a consortium needs at least one member"
    fr = "un consortium a besoin d'au moins un membre"
    advice_en = "add --member NAME:TITLE:COUNTRY:ROLES for each founder"
    advice_fr = "ajoutez --member NOM:TITRE:PAYS:RÔLES pour chaque fondateur"


class FounderTwice(LodelineError):
    """One name for two founders."""

    member: MemberId

    code = "founder-twice"
    en = "{member} is named twice"
    fr = "{member} est nommé deux fois"
    advice_en = "give each founder a name of its own"
    advice_fr = "donnez à chaque fondateur un nom à lui"


@dataclass(frozen=True)
class MemberSpec:
    """A member as somebody describes it, before it has keys."""

    member: MemberId
    title: str
    country: str
    roles: tuple[Role, ...]

    @classmethod
    def parse(cls, text: str) -> MemberSpec:
        """Read ``name:title:country:role,role``; the roles may be left out.

        Raises:
            MemberSpecMalformed: too few parts, an empty title, or no code of a country.
            MalformedName: a name or role that the ledger cannot have.
        """
        parts = [part.strip() for part in text.split(":")]
        if len(parts) not in (_PARTS - 1, _PARTS):
            raise MemberSpecMalformed(text)
        name, title, country, *roles = parts
        if not 1 <= len(title) <= _LONGEST_TITLE or not _COUNTRY.fullmatch(country):
            raise MemberSpecMalformed(text)
        words = {word.strip() for part in roles for word in part.split(",") if word.strip()}
        named = tuple(Role(check_name(word)) for word in sorted(words))
        return cls(MemberId(check_name(name)), title, country, named)


@dataclass(frozen=True)
class Founding:
    """What a consortium is founded with."""

    chain: ChainId
    title: str
    founders: tuple[MemberSpec, ...]
    threshold: int | None = None
    """Votes that an act of governance needs; nothing: more than half of the founders."""
    synthetic: bool = False
    """Whether every lot of the ledger will be an invention."""


def member_record(spec: MemberSpec, keys: HolderKeys, *, votes: bool) -> Member:
    """Return a member as the registry holds it."""
    return Member(
        spec.member,
        title=spec.title,
        country=spec.country,
        key=keys.signing.public,
        spend=OneTimeKey(keys.spend.public),
        view=Hash32(keys.view.public),
        roles=spec.roles,
        votes=votes,
    )


def found(session: Session, founding: Founding) -> Genesis:
    """Make the founders' keys, write the genesis and adopt the shipped tables.

    The ledger of the session is empty. If adopting is refused, the consortium is there without
    tables, and they can be adopted later.

    Raises:
        NoFounders, FounderTwice: who founds it.
        KeystoreExists, PassphraseTooShort, …: keys cannot be made.
        ThresholdTooHigh, …: the ledger refuses the genesis.
    """
    check_founders(founding.founders)
    members = tuple(
        member_record(spec, session.keyring.create(spec.member), votes=True)
        for spec in founding.founders
    )
    genesis = _signed(session, unsigned_genesis(founding, members))
    session.submit(genesis)
    for part in in_parts(reference_acts()):
        vote(session, part)
    return genesis


def check_founders(founders: Sequence[MemberSpec]) -> None:
    """Refuse a consortium of nobody, and one name for two founders.

    Raises:
        NoFounders, FounderTwice: as said.
    """
    if not founders:
        raise NoFounders
    seen: set[MemberId] = set()
    for spec in founders:
        if spec.member in seen:
            raise FounderTwice(spec.member)
        seen.add(spec.member)


def unsigned_genesis(founding: Founding, members: tuple[Member, ...]) -> Genesis:
    """Return the genesis of a consortium before its founders sign it.

    It follows from its arguments and the shipped tables alone: founders on several machines get
    the same one.
    """
    scheme: Scheme = shipped_scheme()
    return Genesis(
        chain=founding.chain,
        version=PROTOCOL_VERSION,
        title=founding.title,
        synthetic=founding.synthetic,
        members=members,
        threshold=founding.threshold or len(members) // 2 + 1,
        grace_seconds=scheme.reporting_grace,
        credit_period=scheme.balance_period.value,
        elements=tuple(sorted(item.symbol for item in shipped_elements().all())),
        signatures=(),
    )


def _signed(session: Session, genesis: Genesis) -> Genesis:
    identity = entry_id(genesis)
    signatures = tuple(
        MemberSignature(
            record.member,
            sign(session.keys(record.member).signing, SignatureContext.VOTE, identity),
        )
        for record in genesis.members
    )
    return structs.replace(genesis, signatures=signatures)
