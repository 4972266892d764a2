"""The pilot's consortium: its folder, its members with fresh keys, its sites and recognitions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lodeline.crypto.entropy import Entropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Act, Genesis, Recognise, RegisterSite, SiteRecord
from lodeline.node.clock import ManualClock
from lodeline.node.founding import Founding, MemberSpec, found
from lodeline.node.governing import vote
from lodeline.node.keyring import Keyring
from lodeline.node.session import Session
from lodeline.node.trust import trust_of, write_trust
from lodeline.node.workspace import Workspace, write_file
from lodeline.pilot.companies import Company, CompanyKind
from lodeline.pilot.scenario import Scenario
from lodeline.proofs.batch import verify_batch

__all__ = [
    "PASSPHRASE_FILE",
    "DemoFolderInUse",
    "Ground",
    "clear_folder",
    "day_before",
    "found_pilot",
    "marked",
    "member_specs",
    "open_ground",
    "settle_in",
]

PASSPHRASE_FILE = "passphrase"  # noqa: S105 - the name of the file
_MARK = ".pilot"
_YEAR = 366 * 86_400
_DAY = 86_400
_PASSPHRASE_BYTES = 16
_RIGHTS = {
    CompanyKind.MINING_AUTHORITY: "licence",
    CompanyKind.QUOTA_AUTHORITY: "quota",
    CompanyKind.AUDITOR: "intake",
}


class DemoFolderInUse(LodelineError):
    """A folder that holds something else than an earlier demonstration."""

    folder: str

    code = "pilot-folder-in-use"
    en = "{folder} is there already and was not made by a demonstration"
    fr = "{folder} existe déjà et n'a pas été créé par une démonstration"
    advice_en = "name another folder with --folder; nothing was changed"
    advice_fr = "nommez un autre dossier avec --folder ; rien n'a été changé"


@dataclass(frozen=True)
class Ground:
    """The opened folder of a pilot: the session, and the clock that the story moves."""

    session: Session
    clock: ManualClock
    again: int = 0
    """How often entries are submitted again that the engine could not decide: validators may be
    away or slow, and give the receipt of what they have already."""


@contextmanager
def open_ground(folder: Path, scenario: Scenario, entropy: Entropy) -> Iterator[Ground]:
    """Give the session of an empty ledger in a fresh folder; an earlier pilot's is replaced.

    All members share one random passphrase, which is kept in the folder: nothing of a
    demonstration is worth more.

    Raises:
        DemoFolderInUse: the folder is somebody else's.
    """
    clear_folder(folder)
    with Workspace.created_at(folder) as workspace:
        keyring = marked(workspace, entropy)
        clock = ManualClock(day_before(scenario))
        ledger = EmbeddedLedger(workspace.ledger, clock, verify=verify_batch)
        try:
            yield Ground(Session(workspace, ledger, keyring, clock, entropy), clock)
        finally:
            ledger.close()


def marked(workspace: Workspace, entropy: Entropy) -> Keyring:
    """Mark a folder as a demonstration's, keep a passphrase in it, and return its empty keyring."""
    passphrase = entropy.bytes(_PASSPHRASE_BYTES).hex()
    write_file(workspace.folder / _MARK, b"made by lodeline demo\n")
    write_file(workspace.folder / PASSPHRASE_FILE, passphrase.encode() + b"\n")
    return Keyring(workspace, lambda _: Passphrase.typed(passphrase), entropy)


def day_before(scenario: Scenario) -> BlockTime:
    """Return the time at which the consortium is founded."""
    return BlockTime(scenario.quarter.start - _DAY)


def clear_folder(folder: Path) -> None:
    """Remove an earlier demonstration.

    Raises:
        DemoFolderInUse: the folder is somebody else's.
    """
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).is_file()):
        raise DemoFolderInUse(str(folder))
    shutil.rmtree(folder)


def found_pilot(session: Session, scenario: Scenario) -> Genesis:
    """Found the consortium, register every site, recognise every authority and body.

    Every company is a founder and votes; the trust file is written.

    Raises:
        LodelineError: as `node.founding.found` and `node.governing.vote`.
    """
    specs = member_specs(scenario)
    genesis = found(session, Founding(scenario.chain, scenario.title, specs, synthetic=True))
    settle_in(session, scenario)
    write_trust(session.workspace, trust_of(session.state, genesis))
    return genesis


def member_specs(scenario: Scenario) -> tuple[MemberSpec, ...]:
    """Return every company as a founder is described."""
    return tuple(
        MemberSpec(company.member, company.title, company.country, company.roles)
        for company in scenario.cast.companies
    )


def settle_in(session: Session, scenario: Scenario) -> None:
    """Register every site and recognise every authority and body, by vote.

    Raises:
        LodelineError: as `node.governing.vote`.
    """
    companies = scenario.cast.companies
    vote(session, [_site_act(session, each, *site) for each in companies for site in each.sites])
    vote(session, list(_recognitions(scenario)))


def _site_act(session: Session, company: Company, site: SiteId, title: str) -> Act:
    """Make a facility's key, keep it with its company, and return the act that registers it."""
    keys = session.keys(company.member).with_facility(site, SigningKey.generate(session.entropy))
    session.keyring.replace(company.member, keys)
    return RegisterSite(
        SiteRecord(
            site,
            company.member,
            title=title,
            country=company.country,
            facility_key=keys.facility(site).public,
        )
    )


def _recognitions(scenario: Scenario) -> Iterator[Act]:
    until = BlockTime(scenario.quarter.start + _YEAR)
    for company in scenario.cast.companies:
        right = _RIGHTS.get(company.kind)
        if right is not None:
            yield Recognise(company.member, None, right, until)
    bodies: dict[tuple[MemberId, str], None] = {}
    for assurance in scenario.assurances:
        key = (assurance.body, assurance.claim.standard)
        if key not in bodies:
            bodies[key] = None
            yield Recognise(assurance.body, assurance.claim.standard, None, until)
