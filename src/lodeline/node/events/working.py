"""A member's pipeline in a workspace: where its mapping lies, whether it fits, and its turns.

A turn opens ledger and vault, brings events as far as they can go, and closes them again, so that
other commands on the same folder have their chance between two turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.exchange.marked import FileRefused
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.ledger.state import State
from lodeline.node.events.checking import misfits_of
from lodeline.node.events.mapping import CompanyMapping, Doing, read_mapping
from lodeline.node.events.pipeline import Pipeline, Turn
from lodeline.node.events.signing_round import FolderRound, HouseRound
from lodeline.node.events.store import EventStore
from lodeline.node.holding import holding
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace, read_file, write_file

__all__ = [
    "MappingNameUnknown",
    "MappingOfAnother",
    "faults_of",
    "has_mapping",
    "mapping_of",
    "one_turn",
    "requests_of",
    "use_mapping",
]

_FILE: Final = "mapping.yaml"
_REQUESTS: Final = "requests"


class MappingNameUnknown(FileRefused):
    """A mapping speaks of something that the consortium does not have."""

    what: str
    name: str

    code = "mapping-name-unknown"
    en = "{file}, line {line}: “{name}” ({what}) is not in this consortium"
    fr = "{file}, ligne {line} : « {name} » ({what}) n'existe pas dans ce consortium"
    advice_en = "compare with `lodeline recipes`, `lodeline site list` and `lodeline members`"
    advice_fr = "comparez avec « lodeline recipes », « site list » et « members »"


class MappingOfAnother(LodelineError):
    """A mapping that was written for another company."""

    file: str
    company: MemberId
    member: MemberId

    code = "mapping-of-another"
    en = "{file} is the mapping of {company}, not of {member}"
    fr = "{file} est la correspondance de {company}, non de {member}"
    advice_en = "use it with --as {company}, or change its first line"
    advice_fr = "employez-la avec --as {company}, ou changez sa première ligne"


@dataclass(frozen=True)
class _Name:
    line: int
    what: str
    name: str
    is_known: bool


def mapping_of(workspace: Workspace, member: MemberId) -> CompanyMapping:
    """Return the mapping that a member uses.

    Raises:
        FileUnreadable: it uses none.
        FileRefused, TableRefused: what stands there is no mapping.
        MappingOfAnother: it is another company's.
    """
    return _read(workspace.member_folder(member) / _FILE, member)


def has_mapping(workspace: Workspace, member: MemberId) -> bool:
    """Return whether a member uses a mapping."""
    return (workspace.member_folder(member) / _FILE).is_file()


def use_mapping(session: Session, member: MemberId, file: Path) -> CompanyMapping:
    """Let a member use a mapping from now on, once it fits the consortium.

    Raises:
        MappingNameUnknown, …: the first name that the consortium does not have, or what else is
            wrong first (`checking`).
        FileUnreadable, FileRefused, TableRefused, MappingOfAnother: as `mapping_of`.
    """
    mapping = _read(file, member)
    for fault in faults_of(session.state, mapping):
        raise fault
    write_file(session.workspace.member_folder(member) / _FILE, read_file(file), over=True)
    return mapping


def _read(file: Path, member: MemberId) -> CompanyMapping:
    text = read_file(file).decode("utf-8", errors="replace")
    mapping = read_mapping(str(file), text)
    if mapping.company != member:
        raise MappingOfAnother(str(file), mapping.company, member)
    return mapping


def faults_of(state: State, mapping: CompanyMapping) -> Iterator[FileRefused]:
    """Yield every name of a mapping that the consortium does not have, and what does not fit.

    In the order of the file.
    """
    found: list[FileRefused] = [
        MappingNameUnknown(mapping.file, name.line, name.what, name.name)
        for name in _names(state, mapping)
        if not name.is_known
    ]
    yield from sorted((*found, *misfits_of(state, mapping)), key=lambda fault: fault.line)


def _names(state: State, mapping: CompanyMapping) -> Iterator[_Name]:
    recipes = {record.recipe.name for record in state.tables.recipes.values()}
    forms = state.tables.forms
    for site in mapping.sites.values():
        yield _Name(1, "site", site, state.sites.get(site) is not None)
    for member in (mapping.company, *mapping.parties.values()):
        yield _Name(1, "member", member, state.members.get(member) is not None)
    for goods in mapping.goods:
        yield _Name(goods.line, "form", goods.form, goods.form in forms)
    for step in mapping.steps:
        if step.recipe is not None:
            yield _Name(step.line, "recipe", step.recipe, step.recipe in recipes)
        if step.do is Doing.ACCEPT:
            yield _Name(step.line, "recipe", step.settlement, step.settlement in recipes)
        for form in (*step.when.used, *step.when.made, *step.when.goods, *step.yields):
            yield _Name(step.line, "form", form, form in forms)
        for signer in (step.co_signers or {}).values():
            yield _Name(step.line, "member", signer, state.members.get(signer) is not None)


def requests_of(workspace: Workspace, member: MemberId) -> Path:
    """Return the folder in which a member's events wait for the signatures of others."""
    return workspace.member_folder(member) / _REQUESTS


def one_turn(
    opening: AbstractContextManager[Session],
    store: EventStore,
    member: MemberId,
    *,
    sign_here: bool,
    go_on: Callable[[], bool] = lambda: True,
) -> Turn:
    """Bring a member's events as far as they can go now.

    Args:
        opening: opens the workspace for writing.
        store: where the events are.
        member: whose events they are.
        sign_here: whether signers whose keys are in the same workspace sign at once.
        go_on: whether to begin with another event.

    Raises:
        FileUnreadable, FileRefused, TableRefused, MappingOfAnother: the member's mapping.
        EngineRefused, VaultBusy, StoreUnreachable: the node's own trouble; try again later.
    """
    with opening as session:
        workspace = session.workspace
        mapping = mapping_of(workspace, member)
        round_ = HouseRound() if sign_here else FolderRound(requests_of(workspace, member))
        folder = workspace.member_folder(member)
        pipeline = Pipeline(store, store.tenant(member), mapping, round_, folder, go_on)
        with holding(session, member) as own:
            return pipeline.turn(own)
