"""The demonstration among validators: the same quarter, and a validator that dies in the middle.

The quarter runs as in `pilot.performance`. When half of its steps are accepted, both programs of
one validator are killed, as when a machine fails: the one to which the members' node is talking, so
that this has to find another. When three quarters are, it is started again and catches up. In the
end all validators must have one application hash, everything is stopped, and a bundle is verified
with nothing but the trust file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lodeline.crypto.entropy import Entropy
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.verify_bundle import verify_bundle
from lodeline.node.bundles import PUBLIC_READER
from lodeline.node.local_network import LocalNetwork, LocalValidator
from lodeline.node.session import Session
from lodeline.node.trust import read_trust
from lodeline.node.workspace import read_file
from lodeline.pilot.agreement import Agreement, agreement
from lodeline.pilot.bundles import BUNDLES
from lodeline.pilot.consortium import settle_in
from lodeline.pilot.performance import Ending, Screen, Settings, enacted
from lodeline.pilot.proving import proving_pool
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.steps import Offered, Step, Work
from lodeline.pilot.story import Story
from lodeline.pilot.validators import open_terrain
from lodeline.proofs.batch import verify_batch

__all__ = ["AmongValidators", "Blow", "BundleDoesNotHold", "ValidatorScreen", "perform_among"]


class BundleDoesNotHold(LodelineError):
    """A bundle of the demonstration that does not hold, with everything stopped."""

    bundle: str
    reason: str

    code = "pilot-bundle-does-not-hold"
    en = "the bundle {bundle} does not hold: {reason}"
    fr = "le dossier {bundle} ne tient pas : {reason}"
    advice_en = "keep the folder; `lodeline verify` says at which step"
    advice_fr = "gardez le dossier ; « lodeline verify » dit à quelle étape"


class ValidatorScreen(Screen, Protocol):
    """Where the demonstration among validators shows how far it is."""

    def validating(self, members: Sequence[MemberId]) -> None:
        """Take note of who runs a validator, all of which are at work."""
        ...

    def killed(self, member: MemberId, entries: TreeSize) -> None:
        """Take note of a validator that was killed when the ledger had so many entries."""
        ...

    def back(self, member: MemberId, entries: TreeSize) -> None:
        """Take note that it was started again."""
        ...


@dataclass(frozen=True)
class AmongValidators:
    """What is shown when everything is done and stopped."""

    ending: Ending
    agreement: Agreement


def perform_among(
    settings: Settings,
    scenario: Scenario,
    program: Path,
    entropy: Entropy,
    screen: ValidatorScreen,
) -> AmongValidators:
    """Run the demonstration among four validators on this machine.

    ``program`` is CometBFT. Everything that is started is stopped before this returns or raises.

    Raises:
        DemoFolderInUse: the folder is somebody else's.
        NetworkNotThere: the validators do not come to work, or not back to it.
        ValidatorsDisagree: they do not have the same in the end.
        BundleDoesNotHold: what a stranger would find.
        LodelineError: a step that cannot be proved, or that the ledger refuses.
    """
    with (
        open_terrain(settings.folder, scenario, program, entropy) as terrain,
        proving_pool(settings.workers) as pool,
    ):
        session, network = terrain.ground.session, terrain.network
        screen.validating(tuple(network.validators))
        settle_in(session, scenario)
        state = session.state
        screen.founded(sum(1 for _ in state.members.items()), len(state.tables.recipes))
        blow = Blow(session, network, screen)
        ending = enacted(terrain.ground, scenario, settings, pool, blow)
        found = agreement(session, network, blow.victim.member)
    _check_bundle(settings.folder, scenario, ending.bundles[0])
    return AmongValidators(ending, found)


class Blow:
    """A screen that passes on what it is shown, and strikes one validator in the middle."""

    def __init__(self, session: Session, network: LocalNetwork, screen: ValidatorScreen) -> None:
        """Choose the validator that the members' node asks first."""
        self._session, self._screen = session, screen
        self.victim: LocalValidator = next(iter(network.validators.values()))
        self._steps = self._accepted = 0

    def founded(self, members: int, recipes: int) -> None:
        """Pass it on."""
        self._screen.founded(members, recipes)

    def told(self, story: Story) -> None:
        """Count the steps, and pass it on."""
        self._steps = len(story.steps)
        self._screen.told(story)

    def proved(self, step: Work | Offered, seconds: float) -> None:
        """Pass it on."""
        self._screen.proved(step, seconds)

    def bundled(self, product: str) -> None:
        """Pass it on."""
        self._screen.bundled(product)

    def accepted(self, steps: Sequence[Step]) -> None:
        """Kill the validator at one half, start it again at three quarters."""
        before, self._accepted = self._accepted, self._accepted + len(steps)
        self._screen.accepted(steps)
        if 2 * before < self._steps <= 2 * self._accepted:
            self.victim.kill()
            self._screen.killed(self.victim.member, self._session.ledger.size)
        if 4 * before < 3 * self._steps <= 4 * self._accepted:
            self.victim.start()
            self._screen.back(self.victim.member, self._session.ledger.size)


# ------------------------------------------------------------------ the end


def _check_bundle(folder: Path, scenario: Scenario, name: str) -> None:
    """Verify a bundle as a stranger does, when nothing of the network is left running."""
    trust = read_trust(folder / "trust.json")
    asked = Asked(trust.chain, PUBLIC_READER, scenario.quarter.end)
    report = verify_bundle(read_file(folder / BUNDLES / name), trust, verify_batch, asked)
    if not report.holds:
        reason = "" if report.refusal is None else report.refusal.message("en")
        raise BundleDoesNotHold(name, reason)
