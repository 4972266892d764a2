"""Founding a consortium among several machines: public files, one digest, everybody's signature.

1. Each member makes its keys where they are to stay and hands its **member file** to the others:
   public keys, and where its validator is reached.
2. Everybody puts all member files and one **members table** into a folder. From these files alone
   follows the founding: the genesis, the votes that adopt the shipped tables, the validators. There
   is no clock and no chance in it, so everybody computes the same, and the members compare its
   digest by telephone.
3. Each member signs and hands round its **signature file**. Once all are there, everybody has the
   same founded ledger, which was tried before it is given away.

Nobody is in charge: whoever changes a file changes the digest, and a signature file says what its
signer had before him, so that the file that differs is named.

The members table is YAML:

    chain: cobalt-trial
    title: Cobalt Trial
    genesis_time: 2026-12-01T08:00:00Z
    members: [mine.member.json, refinery.member.json, auditor.member.json]

and may say ``threshold`` (votes that an act needs), ``synthetic: true`` and ``clock: story`` (a
demonstration, whose days its members tell), ``block_bytes`` and ``block_proofs`` (what a block may
hold at most).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import structs

from lodeline.crypto.signatures import SignatureContext, SignatureInvalid, SigningKey, sign, verify
from lodeline.engine.consortium.founding import BlockLimits, ClockKind
from lodeline.engine.consortium.founding import Founding as FoundingDocument
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainIdW, Hash32, MemberId, MemberIdW, MemberKeyW, SignatureW
from lodeline.kernel.time import BlockTimeW
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import (
    Act,
    Genesis,
    Govern,
    GovernBody,
    Member,
    MemberSignature,
    SetValidator,
    encode_entry,
    entry_id,
)
from lodeline.ledger.state import State
from lodeline.node.founding import Founding, MemberSpec, check_founders, unsigned_genesis
from lodeline.node.reference import in_parts, reference_acts

__all__ = [
    "Founded",
    "FoundingDiffers",
    "FoundingPlan",
    "FoundingSignature",
    "FoundingSignatureWrong",
    "FoundingUnsigned",
    "MemberFile",
    "NoFounderValidates",
    "ValidatorAddress",
    "assembled",
    "plan_digest",
    "sign_plan",
    "unsigned_entries",
]

_DIGEST_DOMAIN = b"lodeline/v1/founding\0"
_PLANS_REMEMBERED = 4
"""Plans whose entries are kept at hand: reading the shipped tables takes the most time."""
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class NoFounderValidates(LodelineError):
    """A consortium of validators without one."""

    members: tuple[MemberId, ...]

    code = "no-founder-validates"
    en = "none of the founders runs a validator: {members}"
    fr = "aucun des fondateurs n'exploite de validateur : {members}"
    advice_en = "make the keys of at least one member with --address; four bear the loss of one"
    advice_fr = "créez les clés d'un membre au moins avec --address ; quatre supportent une perte"


class FoundingDiffers(LodelineError):
    """Somebody signed a founding that is another than the one here."""

    signer: MemberId
    files: tuple[str, ...]
    here: str
    there: str

    code = "founding-differs"
    en = "{signer} signed another founding: digest {there}, here {here}; files that differ: {files}"
    fr = (
        "{signer} a signé une autre fondation : {there}, ici {here} ; fichiers différents : {files}"
    )
    advice_en = "compare these files with {signer}; without any, compare the installed versions"
    advice_fr = "comparez ces fichiers avec {signer} ; sans aucun, les versions installées"


class FoundingSignatureWrong(LodelineError):
    """A signature file whose signatures are not those of its member."""

    signer: MemberId
    entry: int

    code = "founding-signature-wrong"
    en = "the signature of {signer} under entry {entry} of the founding does not fit"
    fr = "la signature de {signer} sous l'écriture {entry} de la fondation ne correspond pas"
    advice_en = "ask {signer} for its signature file again, and compare its member file"
    advice_fr = "redemandez à {signer} son fichier de signature, et comparez son fichier de membre"


class FoundingUnsigned(LodelineError):
    """A founding that some founders have still to sign."""

    missing: tuple[MemberId, ...]

    code = "founding-unsigned"
    en = "signatures of founders are missing: {missing}"
    fr = "il manque la signature de fondateurs : {missing}"
    advice_en = "put their signature files beside the members table and run this again"
    advice_fr = "placez leurs fichiers de signature à côté de la table et relancez"


class FounderUnknown(LodelineError):
    """A signature file of somebody who is no founder."""

    signer: MemberId
    founders: tuple[MemberId, ...]

    code = "founder-unknown"
    en = "{signer} is not among the founders: {founders}"
    fr = "{signer} n'est pas parmi les fondateurs : {founders}"
    advice_en = "remove its signature file, or add its member file to the members table"
    advice_fr = "retirez son fichier de signature, ou ajoutez son fichier de membre à la table"


# ------------------------------------------------------------------ what members hand round


class ValidatorAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A validator as the others need to know it; every key is public."""

    consensus: MemberKeyW
    checkpoint: MemberKeyW
    node: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]
    """Name of its CometBFT node."""
    address: Annotated[_Line, msgspec.Meta(pattern=r"^[^\s@,/]+:[1-9][0-9]{0,4}\Z")]
    """HOST:PORT where other validators reach it."""
    api: Annotated[_Line, msgspec.Meta(pattern=r"^https?://[^\s/@?#]+\Z")]
    """URL at which members' nodes and the other validators reach its HTTP API."""

    @property
    def peer(self) -> str:
        """Return how CometBFT names it as a peer."""
        return f"{self.node}@{self.address}"


class MemberFile(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag="lodeline-member-v1",
    tag_field="format",
):
    """One founder's public file, ready for JSON."""

    record: Member
    validator: ValidatorAddress | None

    @property
    def member(self) -> MemberId:
        """Return whose file it is."""
        return self.record.member


class FoundingSignature(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag="lodeline-founding-signature-v1",
    tag_field="format",
):
    """One founder's agreement, ready for JSON."""

    member: MemberIdW
    digest: str
    """Of the founding that he had before him, in hexadecimal."""
    files: dict[str, str]
    """SHA-256 of each file that he had, by its name."""
    signatures: tuple[SignatureW, ...]
    """One under each entry of the founding, in order; those of governance count as votes."""


# ------------------------------------------------------------------ what follows from the files


class FoundingPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A founding as its files describe it; members are in the order of their names.

    Raises:
        NoFounders, FounderTwice: who founds it.
        NoFounderValidates: nobody would bring the ledger forward.
    """

    chain: ChainIdW
    title: _Line
    time: BlockTimeW
    members: tuple[MemberFile, ...]
    threshold: int | None = None
    synthetic: bool = False
    clock: ClockKind = ClockKind.BLOCK
    limits: BlockLimits = BlockLimits()

    def __post_init__(self) -> None:
        check_founders([_spec(file.record) for file in self.members])
        ordered = tuple(sorted(self.members, key=lambda file: file.member))
        structs.force_setattr(self, "members", ordered)
        if not self.validators:
            raise NoFounderValidates(tuple(file.member for file in self.members))

    @property
    def validators(self) -> tuple[tuple[MemberId, ValidatorAddress], ...]:
        """Return the validators with their members, in the order of names."""
        return tuple(
            (file.member, file.validator) for file in self.members if file.validator is not None
        )

    def founder(self, member: MemberId) -> Member:
        """Return a founder's record.

        Raises:
            FounderUnknown: there is none of this name.
        """
        for file in self.members:
            if file.member == member:
                return file.record
        raise FounderUnknown(member, tuple(file.member for file in self.members))


def _spec(record: Member) -> MemberSpec:
    return MemberSpec(record.member, record.title, record.country, record.roles)


@lru_cache(maxsize=_PLANS_REMEMBERED)
def unsigned_entries(plan: FoundingPlan) -> tuple[Genesis | Govern, ...]:
    """Return the entries of a founding in order, without signatures.

    First the genesis, then votes: the shipped tables, last the validators.
    """
    founding = Founding(
        plan.chain,
        plan.title,
        tuple(_spec(file.record) for file in plan.members),
        plan.threshold,
        plan.synthetic,
    )
    genesis = unsigned_genesis(founding, tuple(file.record for file in plan.members))
    validators: tuple[Act, ...] = tuple(
        SetValidator(member, found.consensus, found.checkpoint, found.api)
        for member, found in plan.validators
    )
    parts = (*in_parts(reference_acts()), validators)
    votes = (
        Govern(GovernBody(plan.chain, sequence, acts), ()) for sequence, acts in enumerate(parts)
    )
    return (genesis, *votes)


@lru_cache(maxsize=_PLANS_REMEMBERED)
def plan_digest(plan: FoundingPlan) -> Hash32:
    """Return what the founders compare: it covers every file and every entry that follows.

    Versions of this program that ship other tables give another digest.
    """
    entries = [bytes(entry_id(entry)) for entry in unsigned_entries(plan)]
    data = cbor.encode([cbor.encode_struct(plan), entries])
    return Hash32(hashlib.sha256(_DIGEST_DOMAIN + data).digest())


def sign_plan(
    plan: FoundingPlan, member: MemberId, key: SigningKey, files: Mapping[str, str]
) -> FoundingSignature:
    """Return a founder's signatures under everything that the founding consists of.

    ``files`` says which files were read, with their SHA-256.

    Raises:
        FounderUnknown: the member is not among the founders.
    """
    plan.founder(member)
    signatures = tuple(
        sign(key, SignatureContext.VOTE, entry_id(entry)) for entry in unsigned_entries(plan)
    )
    return FoundingSignature(member, plan_digest(plan).hex(), dict(files), signatures)


# ------------------------------------------------------------------ the founded ledger


@dataclass(frozen=True)
class Founded:
    """A founding that every founder signed and that the ledger accepts."""

    plan: FoundingPlan
    document: FoundingDocument
    genesis: Genesis
    state: State
    """The ledger's state after the founding; only to be read."""


def assembled(
    plan: FoundingPlan, signatures: Sequence[FoundingSignature], files: Mapping[str, str]
) -> Founded:
    """Return the founding with everybody's signatures, after it was tried on an empty ledger.

    Raises:
        FounderUnknown, FoundingDiffers, FoundingSignatureWrong: a signature file.
        FoundingUnsigned: somebody's is missing.
        LodelineError: the ledger refuses an entry of the founding.
    """
    by_member = {signature.member: signature for signature in signatures}
    for signature in signatures:
        check_signature(plan, signature, files)
    missing = tuple(file.member for file in plan.members if file.member not in by_member)
    if missing:
        raise FoundingUnsigned(missing)
    ordered = [by_member[file.member] for file in plan.members]
    entries = tuple(
        structs.replace(
            entry,
            signatures=tuple(
                MemberSignature(found.member, found.signatures[index]) for found in ordered
            ),
        )
        for index, entry in enumerate(unsigned_entries(plan))
    )
    state = State()
    for entry in entries:
        apply(state, entry, plan.time, {})
    genesis = entries[0]
    assert isinstance(genesis, Genesis)  # noqa: S101 - for the type checker: it is the first
    encoded = tuple(encode_entry(entry) for entry in entries)
    document = FoundingDocument(plan.clock, encoded, plan.limits)
    return Founded(plan, document, genesis, state)


def check_signature(plan: FoundingPlan, found: FoundingSignature, files: Mapping[str, str]) -> None:
    """Refuse a signature file that is about something else or signed by somebody else.

    Raises:
        FounderUnknown: it is no founder's.
        FoundingDiffers: its signer had other files, or another version of this program.
        FoundingSignatureWrong: a signature that the founder's key did not make.
    """
    record = plan.founder(found.member)
    here = plan_digest(plan).hex()
    entries = unsigned_entries(plan)
    if found.digest != here or len(found.signatures) != len(entries):
        names = sorted({*files, *found.files})
        differ = tuple(name for name in names if files.get(name) != found.files.get(name))
        raise FoundingDiffers(found.member, differ, here, found.digest)
    for index, (entry, signature) in enumerate(zip(entries, found.signatures, strict=True)):
        try:
            verify(record.key, SignatureContext.VOTE, entry_id(entry), signature)
        except SignatureInvalid as refused:
            raise FoundingSignatureWrong(found.member, index) from refused
