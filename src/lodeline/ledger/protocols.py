"""Which version of the protocol a ledger follows, and when members change it.

A ledger begins with the version of its genesis. A vote requires a later one from a block time on.
Every release keeps what was required in its state, whether or not it knows the version; so all have
the same root up to that time. From then on a release that does not know the version decides nothing
any more: it would decide by rules that are no longer the members'. An upgraded one goes on where it
stopped.

All entries of a block have one time, and a vote cannot require anything for the time that its own
block has: no block is under two versions.

Not checked: that any release knows a version. If members require one that nobody can install, the
ledger stands still until somebody can; up to that time they may take it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lodeline.kernel.time import BlockTime, format_time
from lodeline.ledger.change import Change
from lodeline.ledger.entries import ProtocolVersion, RequireProtocol
from lodeline.ledger.records import Constants, ProtocolRecord
from lodeline.ledger.refusals_protocols import (
    ProtocolInForce,
    ProtocolNotKnown,
    ProtocolNotRequired,
    ProtocolsOutOfOrder,
    ProtocolTooSoon,
    ProtocolUnchanged,
)
from lodeline.ledger.state import State
from lodeline.proofs.body import PROTOCOL_VERSION

__all__ = [
    "KNOWN_PROTOCOLS",
    "check_all_known",
    "check_known",
    "decided_protocol",
    "protocol_at",
    "required_by",
]

KNOWN_PROTOCOLS: Final = frozenset({ProtocolVersion(PROTOCOL_VERSION)})
"""Versions that this program knows."""

Required = Iterable[tuple[ProtocolVersion, ProtocolRecord]]


def check_known(state: State, now: BlockTime) -> None:
    """Refuse to decide at a block time for which members require a version not known here.

    Raises:
        ProtocolNotKnown: as said.
    """
    check_all_known(state.protocols.items(), now)


def check_all_known(required: Required, now: BlockTime) -> None:
    """Refuse what members require up to a block time, where this program does not know it.

    Raises:
        ProtocolNotKnown: names the latest of those versions.
    """
    begun = [(version, record) for version, record in required if record.at <= now]
    if begun:
        version, record = max(begun, key=lambda item: item[0])
        if version not in KNOWN_PROTOCOLS:
            known = tuple(sorted(KNOWN_PROTOCOLS))
            since = format_time(record.at)
            raise ProtocolNotKnown(version, record.at, since, record.release, known)


def protocol_at(state: State, constants: Constants, now: BlockTime) -> ProtocolVersion:
    """Return the version that the ledger follows at a block time, as far as votes have said."""
    begun = [version for version, record in state.protocols.items() if record.at <= now]
    return max(begun, default=ProtocolVersion(constants.version))


def required_by(acts: Iterable[RequireProtocol]) -> dict[ProtocolVersion, ProtocolRecord]:
    """Return what accepted acts require together, in the order in which they were accepted."""
    required: dict[ProtocolVersion, ProtocolRecord] = {}
    for act in acts:
        if act.at is None:
            required.pop(act.version, None)
        else:
            required[act.version] = ProtocolRecord(act.at, act.release)
    return required


def decided_protocol(
    state: State, constants: Constants, act: RequireProtocol, now: BlockTime
) -> Change:
    """Decide that a version is required, from another time than before, or no longer.

    Raises:
        ProtocolInForce: the ledger follows this version or a later one already.
        ProtocolNotRequired: there is nothing to take back.
        ProtocolTooSoon: it would begin in the block that decides it, or before.
        ProtocolsOutOfOrder: a higher version would begin before a lower one, or with it.
        ProtocolUnchanged: the act changes nothing.
    """
    current, known = protocol_at(state, constants, now), state.protocols.get(act.version)
    if act.version <= current:
        raise ProtocolInForce(act.version, current)
    if act.at is None:
        if known is None:
            raise ProtocolNotRequired(act.version)
        return Change(protocols={act.version: None})
    if act.at <= now:
        raise ProtocolTooSoon(act.at, now)
    for other, record in state.protocols.items():
        lower, higher = sorted(((other, record.at), (act.version, act.at)))
        if lower[0] != higher[0] and lower[1] >= higher[1]:
            raise ProtocolsOutOfOrder(act.version, act.at, other, record.at)
    required = ProtocolRecord(act.at, act.release)
    if required == known:
        raise ProtocolUnchanged(act.version, act.at)
    return Change(protocols={act.version: required})
