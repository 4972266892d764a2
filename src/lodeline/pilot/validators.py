"""The pilot's consortium with validators: four of its companies run one each, on this machine.

The companies are founders as in `pilot.consortium`, by the ceremony that members on several
machines hold. The ledger's time is the story's (`clock: story`), or a quarter would take one. The
workspace of the demonstration is a member's node: it keeps a copy of what the validators agree on,
and decides every entry of it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.crypto.entropy import Entropy
from lodeline.engine.consortium.founding import ClockKind
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.node.clock import ManualClock, SystemClock
from lodeline.node.consortium_status import see_validators
from lodeline.node.keyring import Keyring
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork
from lodeline.node.membership import connect, opened_copy
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace, make_folder
from lodeline.pilot.companies import CompanyKind
from lodeline.pilot.consortium import (
    Ground,
    clear_folder,
    day_before,
    marked,
    member_specs,
)
from lodeline.pilot.scenario import Scenario
from lodeline.proofs.batch import verify_batch

__all__ = ["VALIDATORS", "Terrain", "open_terrain", "validating", "wait_until_signed"]

VALIDATORS = "validators"
"""Folder of the validators' homes, in the demonstration's."""
_SECONDS: Final = 120.0
"""How long anything about the network may take; a machine that proves is busy."""
_MARGIN: Final = 10
_AGAIN: Final = 10
_KINDS: Final = (
    CompanyKind.PRODUCER,
    CompanyKind.REFINER,
    CompanyKind.CARMAKER,
    CompanyKind.AUDITOR,
)


@dataclass(frozen=True)
class Terrain:
    """An opened pilot whose ledger is the validators'."""

    ground: Ground
    network: LocalNetwork


def validating(scenario: Scenario) -> tuple[MemberId, ...]:
    """Return who runs a validator: a producer, a refiner, a carmaker and an auditor.

    None of them has the same interest in the ledger as another.
    """
    return tuple(scenario.cast.of_kind(kind)[0].member for kind in _KINDS)


@contextmanager
def open_terrain(
    folder: Path, scenario: Scenario, program: Path, entropy: Entropy
) -> Iterator[Terrain]:
    """Found the consortium in a fresh folder, start its validators, and give a session on them.

    An earlier pilot's folder is replaced. Whatever comes, everything that was started is stopped;
    the folder stays, with the validators' homes and logs in it.

    Raises:
        DemoFolderInUse: the folder is somebody else's.
        NetworkNotThere: the validators do not come to work.
    """
    clear_folder(folder)
    workspace = Workspace(folder.absolute())
    make_folder(workspace.members_folder)
    keyring = marked(workspace, entropy)
    with _network(workspace, keyring, scenario, program, entropy) as network:
        network.start()
        network.wait_for_height(1, seconds=_SECONDS)
        wait_until_signed(network)
        connect(workspace, network.urls, network.trust)
        clock = ManualClock(day_before(scenario))
        with closing(opened_copy(workspace, keyring, clock, verify_batch)) as copy:
            session = Session(workspace, copy, keyring, clock, entropy)
            yield Terrain(Ground(session, clock, _AGAIN), network)


def _network(
    workspace: Workspace, keyring: Keyring, scenario: Scenario, program: Path, entropy: Entropy
) -> LocalNetwork:
    chosen = validating(scenario)
    founders = [
        Founder(spec, keyring.create(spec.member), validates=spec.member in chosen)
        for spec in member_specs(scenario)
    ]
    # The consensus engine waits for a genesis that lies ahead of the machine's clock.
    time = BlockTime(min(day_before(scenario), SystemClock().now() - _MARGIN))
    chain = LocalChain(scenario.chain, time, scenario.title, clock=ClockKind.STORY)
    return LocalNetwork.found(workspace.folder / VALIDATORS, program, chain, founders, entropy)


def wait_until_signed(network: LocalNetwork) -> None:
    """Return once enough validators have signed the newest checkpoint of each that runs.

    Raises:
        NetworkNotThere: they have not in time.
    """
    policy = network.trust.policy()

    def signed() -> bool:
        urls = [one.api for one in network.validators.values() if one.is_running]
        return all(one.is_agreed for one in see_validators(urls, policy))

    network.wait_for("checkpoints signed by enough validators", signed, _SECONDS)
