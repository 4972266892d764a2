"""Refusals about versions of the protocol: votes on them, and programs that do not know one."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import ProtocolVersion
from lodeline.ledger.refusals_governance import GovernanceRefused

__all__ = [
    "ProtocolInForce",
    "ProtocolNotKnown",
    "ProtocolNotRequired",
    "ProtocolRefused",
    "ProtocolTooSoon",
    "ProtocolUnchanged",
    "ProtocolsOutOfOrder",
]


class ProtocolNotKnown(LodelineError):
    """What is to be decided or verified follows a version that this program does not know."""

    version: ProtocolVersion
    at: BlockTime
    """Since when."""
    since: str
    """The same in UTC, for people."""
    release: str
    """What the members said of the release that knows it."""
    known: tuple[ProtocolVersion, ...]

    code = "protocol-not-known"
    en = (
        "since {since} this ledger follows protocol {version} (release {release}); "
        "this program knows {known}"
    )
    fr = (
        "depuis le {since} ce registre suit le protocole {version} (version {release}) ; "
        "ce programme connaît {known}"
    )
    advice_en = "install release {release}"
    advice_fr = "installez la version {release}"


class ProtocolRefused(GovernanceRefused):
    """Family of everything for which an act about versions of the protocol is refused."""


class ProtocolInForce(ProtocolRefused):
    """A version that the ledger follows, or has left behind."""

    version: ProtocolVersion
    current: ProtocolVersion

    code = "protocol-in-force"
    en = "this ledger follows protocol {current}; {version} can be neither required nor taken back"
    fr = "ce registre suit le protocole {current} ; {version} ne peut être ni exigé ni retiré"
    advice_en = "name a higher version"
    advice_fr = "nommez une version plus élevée"


class ProtocolNotRequired(ProtocolRefused):
    """A version to be taken back that nobody requires."""

    version: ProtocolVersion

    code = "protocol-not-required"
    en = "protocol {version} is not required, so it cannot be taken back"
    fr = "le protocole {version} n'est pas exigé, il ne peut donc être retiré"
    advice_en = "name a version that is required and has not begun"
    advice_fr = "nommez une version exigée qui n'a pas commencé"


class ProtocolTooSoon(ProtocolRefused):
    """A version that would begin in the block that decides it, or before."""

    at: BlockTime
    now: BlockTime

    code = "protocol-too-soon"
    en = "the version would begin at block time {at}, which is not after the present one, {now}"
    fr = "la version commencerait à l'heure de bloc {at}, pas après l'heure présente, {now}"
    advice_en = "leave every operator the time to install the release"
    advice_fr = "laissez à chaque exploitant le temps d'installer la version"


class ProtocolsOutOfOrder(ProtocolRefused):
    """Two versions of which the higher would not begin after the lower."""

    version: ProtocolVersion
    at: BlockTime
    other: ProtocolVersion
    other_at: BlockTime

    code = "protocols-out-of-order"
    en = "protocol {version} at {at} and protocol {other} at {other_at} are out of order"
    fr = "le protocole {version} à {at} et le protocole {other} à {other_at} sont en désordre"
    advice_en = "let higher versions begin later, or take the other one back first"
    advice_fr = "faites commencer les versions élevées plus tard, ou retirez d'abord l'autre"


class ProtocolUnchanged(ProtocolRefused):
    """A version that is required as it is."""

    version: ProtocolVersion
    at: BlockTime

    code = "protocol-unchanged"
    en = "protocol {version} is required from block time {at} on already"
    fr = "le protocole {version} est déjà exigé à partir de l'heure de bloc {at}"
    advice_en = "leave the act out"
    advice_fr = "omettez l'acte"
