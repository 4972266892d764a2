"""Validators that were caught: what the consensus engine has proof of, kept by every validator.

CometBFT puts evidence of double signing into a block and tells the application of it with that
block (CometBFT 0.38, spec/consensus/evidence). Nothing follows from it by itself: what the members
do about a validator that signed twice, they decide by vote, and mostly somebody has started the
same keys on two machines. But they have to learn of it. So it is written down in a file of its own,
one line each, and said on standard error; the members' interface shows it.

The evidence itself stays in the block, for whoever wants to verify it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from lodeline.engine.abci.abci_pb2 import Misbehavior, MisbehaviorType
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.kernel.ids import MemberIdW, MemberKey
from lodeline.ledger.state import State

__all__ = ["Caught", "MisbehaviourBook", "caught_in", "consensus_address", "misbehaviour_file"]

_ADDRESS_BYTES: Final = 20
_KINDS: Final = {
    MisbehaviorType.DUPLICATE_VOTE: "duplicate-vote",
    MisbehaviorType.LIGHT_CLIENT_ATTACK: "light-client-attack",
}


class Caught(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One validator that did at one height what no honest one does."""

    height: int
    """Of the block that it misbehaved at, not of the one that tells of it."""
    kind: str
    """`duplicate-vote` or `light-client-attack`."""
    address: str
    """Of its consensus key, in hexadecimal."""
    member: MemberIdW | None
    """Whose validator it is now; nobody's where that has changed since."""


def misbehaviour_file(home: ValidatorHome) -> Path:
    """Return where a validator writes down who was caught."""
    return home.folder / "misbehaviour.jsonl"


def consensus_address(key: MemberKey) -> bytes:
    """Return the 20 bytes by which CometBFT names a consensus key: the head of its SHA-256."""
    return hashlib.sha256(key).digest()[:_ADDRESS_BYTES]


def caught_in(state: State, found: Iterable[Misbehavior]) -> tuple[Caught, ...]:
    """Return who was caught, with the members whose validators they are in a state."""
    members = {
        consensus_address(record.consensus_key): member
        for member, record in state.validators.items()
    }
    return tuple(
        Caught(
            one.height,
            _KINDS.get(one.type, "unknown"),
            one.validator.address.hex(),
            members.get(one.validator.address),
        )
        for one in found
    )


class MisbehaviourBook:
    """Who was caught, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        """Name the file, which is made when there is something to write."""
        self._path = path

    def note(self, caught: Sequence[Caught]) -> None:
        """Write down who was caught, durably; what is there already is not written twice.

        Raises:
            OSError: it cannot be written.
        """
        if not caught:
            return
        known = self.all()
        fresh = [one for one in dict.fromkeys(caught) if one not in known]
        with self._path.open("ab") as file:
            # What a crash has left of a line is cut off, or the next one would be lost with it.
            file.truncate(sum(len(msgspec.json.encode(one)) + 1 for one in known))
            for one in fresh:
                file.write(msgspec.json.encode(one) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        for one in fresh:
            whose = one.member or one.address
            sys.stderr.write(f"misbehaviour of {whose} at height {one.height}: {one.kind}\n")

    def all(self) -> tuple[Caught, ...]:
        """Return who was caught so far; a line that a crash cut off is left out.

        Raises:
            OSError: the file is there and cannot be read.
        """
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return ()
        return tuple(msgspec.json.decode(line, type=Caught) for line in lines)
