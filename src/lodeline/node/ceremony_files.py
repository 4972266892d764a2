"""The files of a founding ceremony, in one folder: members table, member files, signature files.

All are text that people can read: the table is YAML, the others JSON with bytes in base64. Names
are fixed, ``NAME.member.json`` and ``NAME.signature.json``, so that a file says whose it is before
it is opened; and what is in it must say the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from lodeline.custody.yaml_text import parse_yaml
from lodeline.engine.consortium.founding import BLOCK_BYTES, BLOCK_PROOFS, BlockLimits, ClockKind
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainIdW, MemberId
from lodeline.kernel.time import parse_time
from lodeline.node.ceremony import FoundingPlan, FoundingSignature, MemberFile
from lodeline.node.workspace import read_file, write_file

__all__ = [
    "CeremonyFileMalformed",
    "CeremonyFileOfOther",
    "PlanFiles",
    "member_file_name",
    "read_member_file",
    "read_plan",
    "read_signatures",
    "signature_file_name",
    "write_member_file",
    "write_signature",
]

_MEMBER: Final = ".member.json"
_SIGNATURE: Final = ".signature.json"
_MAX_BYTES: Final = 1 << 20
"""Longest file of a ceremony that is read."""

T = TypeVar("T", bound=msgspec.Struct)


class CeremonyFileMalformed(LodelineError):
    """A file of the ceremony that does not hold what its name says."""

    file: str
    reason: str

    code = "ceremony-file-malformed"
    en = "{file} cannot be used for founding: {reason}"
    fr = "{file} ne peut servir à la fondation : {reason}"
    advice_en = "ask whoever made the file for it again, unchanged"
    advice_fr = "redemandez le fichier à son auteur, sans modification"


class CeremonyFileOfOther(LodelineError):
    """A file named after one member that is another's."""

    file: str
    member: MemberId

    code = "ceremony-file-of-other"
    en = "{file} is the file of {member}, not of the member whose name it has"
    fr = "{file} est le fichier de {member}, pas du membre dont il porte le nom"
    advice_en = "give each file back its name, NAME.member.json or NAME.signature.json"
    advice_fr = "rendez à chaque fichier son nom, NOM.member.json ou NOM.signature.json"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The members table as it is written."""

    chain: ChainIdW
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    genesis_time: str
    members: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    threshold: int | None = None
    synthetic: bool = False
    clock: ClockKind = ClockKind.BLOCK
    block_bytes: int = BLOCK_BYTES
    block_proofs: int = BLOCK_PROOFS


@dataclass(frozen=True)
class PlanFiles:
    """A founding as read from a folder, and which files it came from."""

    plan: FoundingPlan
    files: Mapping[str, str]
    """SHA-256 of each file in hexadecimal, by its name."""


def member_file_name(member: MemberId) -> str:
    """Return the name of a member's public file; a slash in a member's name is written as %2F."""
    return f"{member.replace('%', '%25').replace('/', '%2F')}{_MEMBER}"


def signature_file_name(member: MemberId) -> str:
    """Return the name of a member's signature file."""
    return f"{member.replace('%', '%25').replace('/', '%2F')}{_SIGNATURE}"


def read_plan(table: Path) -> PlanFiles:
    """Return the founding that a members table and the member files beside it describe.

    Raises:
        FileUnreadable: a file is not there.
        TableRefused, CeremonyFileMalformed, CeremonyFileOfOther: a file is not what it should be.
        MalformedTime: the time of the genesis.
        NoFounders, FounderTwice, NoFounderValidates: files that make no consortium.
    """
    data = _read(table)
    tree = parse_yaml(table.name, data.decode("utf-8", errors="replace"))
    try:
        written = msgspec.convert(tree, _Table)
        limits = {"block_bytes": written.block_bytes, "block_proofs": written.block_proofs}
        allowed = msgspec.convert(limits, BlockLimits)
    except msgspec.ValidationError as refused:
        raise CeremonyFileMalformed(table.name, str(refused)) from refused
    time = parse_time(written.genesis_time)
    files = {table.name: _sha256(data)}
    members: list[MemberFile] = []
    for name in written.members:
        path = table.parent / Path(name).name
        members.append(read_member_file(path))
        files[path.name] = _sha256(_read(path))
    plan = FoundingPlan(
        written.chain,
        written.title,
        time,
        tuple(members),
        written.threshold,
        written.synthetic,
        written.clock,
        allowed,
    )
    return PlanFiles(plan, files)


def read_signatures(folder: Path) -> tuple[FoundingSignature, ...]:
    """Return every signature file of a folder, in the order of names; none is checked yet.

    Raises:
        CeremonyFileMalformed, CeremonyFileOfOther: a file is not what its name says.
    """
    found = []
    for path in sorted(folder.glob(f"*{_SIGNATURE}")):
        signature = _decoded(path, FoundingSignature)
        if path.name != signature_file_name(signature.member):
            raise CeremonyFileOfOther(path.name, signature.member)
        found.append(signature)
    return tuple(found)


def read_member_file(path: Path) -> MemberFile:
    """Return a member's public file; not checked: that the member's keys are those of a member.

    Raises:
        FileUnreadable: it is not there.
        CeremonyFileMalformed, CeremonyFileOfOther: it is not what its name says.
    """
    found = _decoded(path, MemberFile)
    if path.name != member_file_name(found.member):
        raise CeremonyFileOfOther(path.name, found.member)
    return found


def write_member_file(folder: Path, file: MemberFile) -> Path:
    """Write a member's public file into a folder and return where.

    Raises:
        FileExists: there is one; it stays.
        FileUnwritable: it cannot be written.
    """
    path = folder / member_file_name(file.member)
    write_file(path, _encoded(file))
    return path


def write_signature(folder: Path, signature: FoundingSignature) -> Path:
    """Write a signature file into a folder and return where; one of before is replaced.

    Raises:
        FileUnwritable: it cannot be written.
    """
    path = folder / signature_file_name(signature.member)
    write_file(path, _encoded(signature), over=True)
    return path


def _encoded(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _decoded(path: Path, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(_read(path), type=type_)
    except msgspec.DecodeError as refused:
        raise CeremonyFileMalformed(path.name, str(refused)) from refused


def _read(path: Path) -> bytes:
    data = read_file(path)
    if len(data) > _MAX_BYTES:
        raise CeremonyFileMalformed(path.name, f"{len(data)} > {_MAX_BYTES}")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
