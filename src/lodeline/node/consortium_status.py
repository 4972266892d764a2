"""How a consortium of validators stands: asked of each of them, and of the machine of one's own.

Whatever a validator says of itself is hearsay, with one exception: who signed its newest checkpoint
is verified with the pinned keys. A validator that does not answer is shown with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.gather import is_address
from lodeline.engine.consortium.misbehaviour import Caught
from lodeline.engine.consortium.settings import ValidatorHome, read_settings
from lodeline.engine.consortium.wire_http import RequiredProtocol
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.checkpoint import CheckpointPolicy
from lodeline.ledger.entries import ProtocolVersion
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import parse_note, verified_signers
from lodeline.ledger.statekeys import application_hash
from lodeline.node.consensus_rpc import ConsensusRpc, ConsensusSilent, Standing

__all__ = [
    "Disk",
    "OwnValidator",
    "Upgrade",
    "ValidatorSeen",
    "own_validator",
    "see_validators",
    "upgrades",
    "urls_of",
]

_QUICK = Patience(connect=2.0, read=4.0, whole=8.0)


@dataclass(frozen=True)
class ValidatorSeen:
    """One validator from outside."""

    url: str
    fault: LodelineError | None
    """Why it could not be seen; the rest is empty then."""
    member: MemberId | None = None
    size: TreeSize | None = None
    """Entries that it says it has."""
    behind: int = 0
    """Entries that another one has and this one has not."""
    application_hash: Hash32 | None = None
    """After these entries, in its own words."""
    signed: TreeSize | None = None
    """Size of its newest checkpoint."""
    signers: tuple[str, ...] = ()
    """Whose signatures under that checkpoint are genuine."""
    needed: int = 0
    caught: tuple[Caught, ...] = ()
    """Validators that it says misbehaved."""
    addresses: tuple[str, ...] = ()
    """Where the validators' interfaces are, by its ledger."""
    known: tuple[ProtocolVersion, ...] = ()
    """Versions of the protocol that its program knows."""
    required: tuple[RequiredProtocol, ...] = ()
    """Versions that the members require, as it has them on its ledger."""

    @property
    def is_agreed(self) -> bool:
        """Return whether enough validators have signed its newest checkpoint."""
        return self.needed > 0 and len(self.signers) >= self.needed


@dataclass(frozen=True)
class Disk:
    """What one validator takes up, in bytes."""

    ledger: int
    consensus: int
    free: int


@dataclass(frozen=True)
class OwnValidator:
    """The validator of this machine from inside."""

    member: MemberId
    standing: Standing | None
    """What its CometBFT says; nothing while it does not run."""
    fault: LodelineError | None
    disk: Disk


def urls_of(home: ValidatorHome) -> tuple[str, ...]:
    """Return the URLs of a validator and of its peers, from its settings.

    Raises:
        SettingsNotRead: the home has none that can be used.
    """
    settings = read_settings(home.settings)
    host, _, port = settings.api.rpartition(":")
    scheme = "https" if settings.tls_certificate else "http"
    here = "127.0.0.1" if host in ("0.0.0.0", "", "[::]") else host  # noqa: S104 - read, not bound
    return (f"{scheme}://{here}:{port}", *settings.peers)


def see_validators(
    urls: Sequence[str],
    policy: CheckpointPolicy,
    authorities: Path | None = None,
    *,
    beyond: bool = False,
) -> tuple[ValidatorSeen, ...]:
    """Ask each validator how it stands and verify who signed its newest checkpoint.

    With ``beyond``, those who validate by the ledger of one that answers are asked as well, at the
    addresses that the members voted on.
    """
    seen = [_seen(url, policy, authorities) for url in urls]
    if beyond:
        seen += _others(seen, policy, authorities)
    most = max((one.size or 0 for one in seen), default=0)
    return tuple(_compared(one, most) for one in seen)


def _others(
    seen: Sequence[ValidatorSeen], policy: CheckpointPolicy, authorities: Path | None
) -> list[ValidatorSeen]:
    """Ask the validators of the ledger that were not asked; one is known by its member's name."""
    asked = {one.url.rstrip("/") for one in seen}
    voted = dict.fromkeys(address.rstrip("/") for one in seen for address in one.addresses)
    more = [url for url in voted if url not in asked and is_address(url)]
    known = {one.member for one in seen if one.member is not None}
    found = [_seen(url, policy, authorities) for url in more]
    return [one for one in found if one.member is None or one.member not in known]


def _compared(one: ValidatorSeen, most: int) -> ValidatorSeen:
    if one.size is None:
        return one
    return replace(one, behind=most - one.size)


def _seen(url: str, policy: CheckpointPolicy, authorities: Path | None) -> ValidatorSeen:
    client = ValidatorClient(url, _QUICK, authorities=authorities)
    try:
        status = client.status()
        signers = _signers(client, policy) if status.signed else ()
    except LodelineError as fault:
        return ValidatorSeen(url, fault)
    finally:
        client.close()
    return ValidatorSeen(
        url,
        None,
        member=status.member,
        size=status.size,
        application_hash=application_hash(status.log_root, status.state_root),
        signed=status.signed,
        signers=signers,
        needed=policy.threshold,
        caught=status.caught,
        addresses=status.addresses,
        known=status.known,
        required=status.required,
    )


@dataclass(frozen=True)
class Upgrade:
    """A version of the protocol that members require, and who cannot follow it yet."""

    required: RequiredProtocol
    unready: tuple[MemberId, ...]
    """Members whose validators' programs do not know it."""


def upgrades(seen: Sequence[ValidatorSeen]) -> tuple[Upgrade, ...]:
    """Return what members require, as far as validators say, with those who are not ready for it.

    A version that every program knows is told too, with nobody unready.
    """
    answering = [one for one in seen if one.member is not None]
    required = sorted({item for one in answering for item in one.required}, key=_by_version)
    return tuple(Upgrade(item, _unready(answering, item)) for item in required)


def _by_version(required: RequiredProtocol) -> tuple[int, int]:
    return required.version, required.at


def _unready(seen: Sequence[ValidatorSeen], required: RequiredProtocol) -> tuple[MemberId, ...]:
    return tuple(
        one.member for one in seen if one.member is not None and required.version not in one.known
    )


def _signers(client: ValidatorClient, policy: CheckpointPolicy) -> tuple[str, ...]:
    note = parse_note(client.checkpoint())
    names = (key.name for key in verified_signers(note, policy.members))
    return tuple(sorted(name.removeprefix(f"{policy.origin}/") for name in names))


def own_validator(home: ValidatorHome) -> OwnValidator:
    """Return how the validator of a home stands, running or not.

    Raises:
        SettingsNotRead: the home has no settings that can be used.
    """
    settings = read_settings(home.settings)
    standing, fault = None, None
    try:
        with ConsensusRpc(settings.rpc) as rpc:
            standing = rpc.standing()
    except ConsensusSilent as silent:
        fault = silent
    ledger = _bytes_in(home.folder.glob("ledger.db*"))
    consensus = _bytes_in((home.engine / "data").rglob("*"))
    disk = Disk(ledger, consensus, shutil.disk_usage(home.folder).free)
    return OwnValidator(settings.member, standing, fault, disk)


def _bytes_in(paths: Iterable[Path]) -> int:
    """Return the size of files together; one that goes meanwhile counts nothing."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
