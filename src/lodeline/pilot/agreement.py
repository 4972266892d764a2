"""What the validators of the demonstration have in common at its end, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.checkpoint import CheckpointPolicy
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import parse_note, verified_signers
from lodeline.node.consensus_rpc import BlockHeight
from lodeline.node.consortium_status import see_validators
from lodeline.node.local_network import LocalNetwork, ValidatorsDisagree
from lodeline.node.session import Session
from lodeline.node.trust import read_trust
from lodeline.pilot.texts import PilotTexts
from lodeline.pilot.validators import VALIDATORS, wait_until_signed

__all__ = ["Agreement", "agreement", "show_agreement"]

_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Agreement:
    """What all validators have."""

    members: tuple[MemberId, ...]
    killed: MemberId
    height: BlockHeight
    size: TreeSize
    application_hash: Hash32
    """Of the log and the state of every one of them."""
    signers: tuple[MemberId, ...]
    """Whose signatures are under the checkpoint of the bundles."""
    needed: int


def agreement(session: Session, network: LocalNetwork, killed: MemberId) -> Agreement:
    """Wait until all validators have what the session's ledger has, and hold them to one hash.

    Raises:
        NetworkNotThere: one of them does not get there in time.
        ValidatorsDisagree: they have different blocks, or different ledgers.
    """
    size = session.ledger.size
    policy = read_trust(session.workspace.trust).policy()
    network.wait_for(
        f"{size} entries on every validator",
        lambda: all(one.size == size for one in see_validators(network.urls, policy)),
        _SECONDS,
    )
    wait_until_signed(network)
    height = network.agreed()
    return Agreement(
        members=tuple(network.validators),
        killed=killed,
        height=height,
        size=size,
        application_hash=_common_hash(network, policy, height),
        signers=_signers(session, policy),
        needed=policy.threshold,
    )


def _common_hash(network: LocalNetwork, policy: CheckpointPolicy, height: BlockHeight) -> Hash32:
    seen = see_validators(network.urls, policy)
    hashes = [one.application_hash for one in seen if one.application_hash is not None]
    if len(hashes) != len(seen) or len(set(hashes)) != 1:
        found = tuple(f"{one.url}: {(one.application_hash or b'').hex()}" for one in seen)
        raise ValidatorsDisagree(height, found)
    return hashes[0]


def _signers(session: Session, policy: CheckpointPolicy) -> tuple[MemberId, ...]:
    note = parse_note(session.ledger.signed_checkpoint())
    names = (key.name for key in verified_signers(note, policy.members))
    return tuple(sorted(MemberId(name.removeprefix(f"{policy.origin}/")) for name in names))


def show_agreement(console: Console, texts: PilotTexts, found: Agreement, folder: Path) -> None:
    """Print what the validators agree on, that all are stopped, and how to start one again."""
    values = {
        "count": len(found.members),
        "members": ", ".join(found.members),
        "killed": found.killed,
        "height": found.height,
        "entries": texts.number(found.size),
        "hash": found.application_hash.hex(),
        "signed": len(found.signers),
        "signers": ", ".join(found.signers),
        "needed": found.needed,
        "homes": folder / VALIDATORS,
        "home": folder / VALIDATORS / found.killed,
    }
    for key in ("hash", "signed", "offline", "homes", "run"):
        console.print(texts(f"agreement.{key}", **values), soft_wrap=True)
