"""The folder in which a node keeps its things, and its few settings.

    FOLDER/
      ledger.db            the ledger: this folder's own, or its copy of what validators agree on
      trust.json           whose signatures are believed; written when the consortium is founded
      settings.toml        who is meant when nobody is named, the language, the validators if any
      members/NAME/keystore
      members/NAME/vault.db

Several members of one machine (a demonstration, or a group of companies) share a folder; each has a
keystore and a vault of its own, and one cannot read the other's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, cast, get_args

from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import MemberId, check_name

__all__ = [
    "DEFAULT_FOLDER",
    "FileExists",
    "FileUnreadable",
    "FileUnwritable",
    "MemberNotHere",
    "MemberNotNamed",
    "Settings",
    "SettingsMalformed",
    "Workspace",
    "WorkspaceExists",
    "WorkspaceMissing",
    "read_file",
    "write_file",
]

DEFAULT_FOLDER: Final = ".lodeline"
LANGUAGES: Final = get_args(Lang)
LedgerClock = Literal["block", "story"]
CLOCKS: Final = get_args(LedgerClock)
ProofPolicy = Literal["verify", "signers"]
PROOF_POLICIES: Final = get_args(ProofPolicy)
_KEYS: Final = frozenset(
    {"member", "lang", "validators", "clock", "authorities", "witnesses", "proofs"}
)
_URL: Final = re.compile(r"https?://[^\s/?#@]+", re.ASCII)
"""An origin: neither path nor user, which would end up in somebody's log."""


class WorkspaceMissing(LodelineError):
    """A folder that holds no workspace."""

    folder: str

    code = "workspace-missing"
    en = "there is no consortium in the folder {folder}"
    fr = "il n'y a pas de consortium dans le dossier {folder}"
    advice_en = "found one with `lodeline init`, or name its folder with --home"
    advice_fr = "fondez-en un avec « lodeline init », ou nommez son dossier avec --home"


class WorkspaceExists(LodelineError):
    """A folder in which a consortium was founded already."""

    folder: str

    code = "workspace-exists"
    en = "there is a consortium in the folder {folder} already"
    fr = "il y a déjà un consortium dans le dossier {folder}"
    advice_en = "choose another folder with --home; nothing was changed"
    advice_fr = "choisissez un autre dossier avec --home ; rien n'a été changé"


class SettingsMalformed(LodelineError):
    """A settings file that says something else than it can."""

    file: str
    key: str

    code = "settings-malformed"
    en = "in {file}, “{key}” is not a setting or not a value for it"
    fr = "dans {file}, « {key} » n'est pas un réglage ou n'a pas une valeur permise"
    advice_en = (
        'write only: member = "NAME", lang = "en" or "fr", validators = ["https://…"],'
        ' witnesses = ["https://…"], clock = "block" or "story", authorities = "FILE",'
        ' proofs = "verify" or "signers"'
    )
    advice_fr = (
        'écrivez seulement : member = "NOM", lang = "en" ou "fr", validators = ["https://…"],'
        ' witnesses = ["https://…"], clock = "block" ou "story", authorities = "FICHIER",'
        ' proofs = "verify" ou "signers"'
    )


class MemberNotNamed(LodelineError):
    """An act that needs to know whose it is."""

    known: tuple[MemberId, ...]

    code = "member-not-named"
    en = "it is not said which member does this"
    fr = "il n'est pas dit quel membre le fait"
    advice_en = "add --as MEMBER; with keys in this folder are: {known}"
    advice_fr = "ajoutez --as MEMBRE ; ont des clés dans ce dossier : {known}"


class MemberNotHere(LodelineError):
    """A member whose keys are not in this folder."""

    member: MemberId
    known: tuple[MemberId, ...]

    code = "member-not-here"
    en = "the keys of {member} are not in this folder"
    fr = "les clés de {member} ne sont pas dans ce dossier"
    advice_en = "name one of: {known}; or do this where the member's keys are"
    advice_fr = "nommez l'un de : {known} ; ou faites-le là où sont les clés du membre"


class FileUnreadable(LodelineError):
    """A file that cannot be read."""

    file: str
    reason: str

    code = "file-unreadable"
    en = "{file} cannot be read: {reason}"
    fr = "{file} ne peut être lu : {reason}"
    advice_en = "check the name and who may read it"
    advice_fr = "vérifiez le nom et les droits de lecture"


class FileUnwritable(LodelineError):
    """A file that cannot be written."""

    file: str
    reason: str

    code = "file-unwritable"
    en = "{file} cannot be written: {reason}"
    fr = "{file} ne peut être écrit : {reason}"
    advice_en = "check the folder, who may write there, and the free space"
    advice_fr = "vérifiez le dossier, les droits d'écriture et la place libre"


class FileExists(LodelineError):
    """A file that would be overwritten."""

    file: str

    code = "file-exists"
    en = "{file} is there already and was left as it is"
    fr = "{file} existe déjà et a été laissé tel quel"
    advice_en = "name another file"
    advice_fr = "nommez un autre fichier"


@dataclass(frozen=True)
class Settings:
    """What a workspace remembers between commands."""

    member: MemberId | None = None
    """The member that is meant when none is named."""
    lang: Lang | None = None
    validators: tuple[str, ...] = ()
    """URLs of the validators whose ledger this folder follows; none: it has a ledger of its own."""
    clock: LedgerClock | None = None
    """Where the validators' time comes from: theirs, or the story of a demonstration."""
    authorities: str | None = None
    """A file of certificates that are accepted in place of the system's."""
    witnesses: tuple[str, ...] = ()
    """URLs of the outside witnesses to which checkpoints are sent."""
    proofs: ProofPolicy | None = None
    """Whether proofs in the validators' log are verified here again (usual), or the signers of its
    checkpoints believed."""

    def text(self) -> str:
        """Return the settings as the text of their file (TOML)."""
        pairs: tuple[tuple[str, object], ...] = (
            ("member", self.member),
            ("lang", self.lang),
            ("validators", list(self.validators)),
            ("clock", self.clock),
            ("authorities", self.authorities),
            ("witnesses", list(self.witnesses)),
            ("proofs", self.proofs),
        )
        # What JSON writes of a text or a list of texts is TOML too.
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in pairs if value)

    @classmethod
    def read(cls, file: str, text: str) -> Settings:
        """Return the settings that a text says.

        Raises:
            SettingsMalformed: no TOML, an unknown key, or a value that cannot be.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as refused:
            raise SettingsMalformed(file, "TOML") from refused
        for key in table:
            if key not in _KEYS:
                raise SettingsMalformed(file, key)
        return cls(
            _member(file, table),
            _language(file, table),
            _urls(file, table, "validators"),
            _clock(file, table),
            _text(file, table, "authorities"),
            _urls(file, table, "witnesses"),
            _proofs(file, table),
        )


def _member(file: str, table: Mapping[str, object]) -> MemberId | None:
    value = table.get("member")
    if value is None:
        return None
    if not isinstance(value, str):
        raise SettingsMalformed(file, "member")
    return MemberId(check_name(value))


def _language(file: str, table: Mapping[str, object]) -> Lang | None:
    value = table.get("lang")
    if value is None:
        return None
    if value not in LANGUAGES:
        raise SettingsMalformed(file, "lang")
    return cast(Lang, value)


def _urls(file: str, table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise SettingsMalformed(file, key)
    urls = tuple(url for url in value if isinstance(url, str) and _URL.fullmatch(url))
    if len(urls) != len(value) or len(set(urls)) != len(urls):
        raise SettingsMalformed(file, key)
    return urls


def _clock(file: str, table: Mapping[str, object]) -> LedgerClock | None:
    value = table.get("clock")
    if value is None:
        return None
    if value not in CLOCKS:
        raise SettingsMalformed(file, "clock")
    return cast(LedgerClock, value)


def _proofs(file: str, table: Mapping[str, object]) -> ProofPolicy | None:
    value = table.get("proofs")
    if value is None:
        return None
    if value not in PROOF_POLICIES:
        raise SettingsMalformed(file, "proofs")
    return cast(ProofPolicy, value)


def _text(file: str, table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not (isinstance(value, str) and value):
        raise SettingsMalformed(file, key)
    return value


class Workspace:
    """A folder with its places; opens nothing and holds no secret."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; whether it is there is asked by `open_at`."""
        self.folder = folder

    @classmethod
    def open_at(cls, folder: Path) -> Workspace:
        """Return the workspace of a folder.

        Raises:
            WorkspaceMissing: no consortium was founded or joined there.
        """
        workspace = cls(folder)
        if not workspace.trust.is_file():
            raise WorkspaceMissing(str(folder))
        return workspace

    @classmethod
    @contextmanager
    def created_at(cls, folder: Path) -> Iterator[Workspace]:
        """Give a new workspace to be filled; it takes its place when all went well, else it goes.

        Raises:
            WorkspaceExists: something is in that place.
            FileUnwritable: the folder cannot be made.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WorkspaceExists(str(folder))
        beside = folder.with_name(f"{folder.name}.part-{os.getpid()}")
        make_folder(beside / "members")
        try:
            yield cls(beside)
            beside.replace(folder)
        except OSError as refused:
            raise FileUnwritable(str(folder), _reason(refused)) from refused
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    @property
    def ledger(self) -> Path:
        """Return the file of the embedded ledger."""
        return self.folder / "ledger.db"

    @property
    def trust(self) -> Path:
        """Return the file that says whose signatures are believed."""
        return self.folder / "trust.json"

    @property
    def members_folder(self) -> Path:
        """Return the folder of the members' own folders."""
        return self.folder / "members"

    def member_folder(self, member: MemberId) -> Path:
        """Return a member's own folder; a slash in a name does not make another folder."""
        return self.members_folder / member.replace("%", "%25").replace("/", "%2F").replace(
            ":", "%3A"
        )

    def keystore(self, member: MemberId) -> Path:
        """Return the file of a member's keys."""
        return self.member_folder(member) / "keystore"

    def vault(self, member: MemberId) -> Path:
        """Return the file of a member's vault."""
        return self.member_folder(member) / "vault.db"

    def members(self) -> tuple[MemberId, ...]:
        """Return the members whose keys are here, ascending."""
        if not self.members_folder.is_dir():
            return ()
        folders = (path for path in self.members_folder.iterdir() if (path / "keystore").is_file())
        names = (
            path.name.replace("%3A", ":").replace("%2F", "/").replace("%25", "%")
            for path in folders
        )
        return tuple(sorted(MemberId(name) for name in names))

    def member(self, named: MemberId | None) -> MemberId:
        """Return who is meant: the member named, else that of the settings, else the only one.

        Raises:
            MemberNotHere: the keys of the member are not in this folder.
            MemberNotNamed: nobody is named and there are several, or none.
        """
        known = self.members()
        chosen = named or self.settings().member
        if chosen is None:
            if len(known) != 1:
                raise MemberNotNamed(known)
            return known[0]
        if chosen not in known:
            raise MemberNotHere(chosen, known)
        return chosen

    def settings(self) -> Settings:
        """Return the settings; none are kept where there is no file.

        Raises:
            SettingsMalformed, FileUnreadable: the file is not one of settings.
        """
        path = self.folder / "settings.toml"
        if not path.is_file():
            return Settings()
        return Settings.read(str(path), read_file(path).decode("utf-8", errors="replace"))

    def keep_member(self, member: MemberId) -> None:
        """Remember the member that is meant when none is named.

        Raises:
            FileUnwritable: the file cannot be written.
        """
        self.keep_settings(replace(self.settings(), member=member))

    def keep_settings(self, kept: Settings) -> None:
        """Write the settings in place of those that are there.

        Raises:
            FileUnwritable: the file cannot be written.
        """
        write_file(self.folder / "settings.toml", kept.text().encode(), over=True)


def _reason(failure: OSError) -> str:
    return failure.strerror or type(failure).__name__


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for the owner alone; one that is there stays as it is.

    Raises:
        FileUnwritable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise FileUnwritable(str(folder), _reason(refused)) from refused


def read_file(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        FileUnreadable: it is not there, no file, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as refused:
        raise FileUnreadable(str(path), _reason(refused)) from refused


def write_file(path: Path, data: bytes, *, over: bool = False) -> None:
    """Write a file whole or not at all: beside its place first, then moved there.

    Raises:
        FileExists: something is there, and it was not asked to be overwritten.
        FileUnwritable: it cannot be written.
    """
    if not over and path.exists():
        raise FileExists(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as refused:
        raise FileUnwritable(str(path), _reason(refused)) from refused
