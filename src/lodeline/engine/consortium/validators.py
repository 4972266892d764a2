"""The validators of the ledger as the consensus engine wants to be told of them."""

from __future__ import annotations

from collections.abc import Iterable

from lodeline.engine.abci.abci_pb2 import PublicKey, ValidatorUpdate
from lodeline.engine.consortium.refusals import ValidatorsDiffer
from lodeline.kernel.ids import MemberKey
from lodeline.ledger.state import State

__all__ = ["POWER", "check_same_validators", "consensus_keys", "validator_updates"]

POWER = 1
"""Voting power of every validator: a company is worth one vote, whatever it owns."""


def consensus_keys(state: State) -> frozenset[MemberKey]:
    """Return the keys of those who validate in a state."""
    return frozenset(record.consensus_key for record in state.validators.values())


def validator_updates(
    before: frozenset[MemberKey], after: frozenset[MemberKey]
) -> list[ValidatorUpdate]:
    """Return what changes between two sets of validators, by ascending key."""
    return [
        ValidatorUpdate(pub_key=PublicKey(ed25519=key), power=POWER if key in after else 0)
        for key in sorted(before ^ after)
    ]


def check_same_validators(state: State, engine: Iterable[ValidatorUpdate]) -> None:
    """Refuse to start a consensus engine whose validators are not those of the ledger.

    Raises:
        ValidatorsDiffer: another key, or another power than 1.
    """
    wanted = sorted((key, POWER) for key in consensus_keys(state))
    found = sorted((update.pub_key.ed25519, update.power) for update in engine)
    if wanted != found:
        raise ValidatorsDiffer(_shown(wanted), _shown(found))


def _shown(validators: Iterable[tuple[bytes, int]]) -> tuple[str, ...]:
    return tuple(f"{key.hex()}*{power}" for key, power in validators)
