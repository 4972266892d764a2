"""One opened workspace: ledger, clock, keys – what every use case works with.

A session is made by the edge (command line, web) for one command or request. It decides nothing:
the ledger does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lodeline.crypto.entropy import Entropy
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.case import active_member
from lodeline.ledger.entries import Entry, Member, encode_entry
from lodeline.ledger.records import Constants
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.state import State
from lodeline.node.clock import Clock
from lodeline.node.keyring import Keyring
from lodeline.node.workspace import Workspace

__all__ = ["Accepted", "Ledger", "Session"]


class Accepted(Protocol):
    """What is known of an entry once it is durable in the log."""

    @property
    def index(self) -> int:
        """Return its leaf index."""
        ...

    @property
    def time(self) -> BlockTime:
        """Return its block time."""
        ...


class Ledger(Protocol):
    """What a node asks of an engine."""

    def submit(self, entries: Sequence[bytes]) -> Sequence[Accepted | LodelineError]:
        """Offer entries; one answer for each, in order."""
        ...

    def state(self) -> State:
        """Return the state after the last accepted entry."""
        ...

    @property
    def size(self) -> int:
        """Return the number of accepted entries."""
        ...

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield leaves as they were written."""
        ...


@dataclass(frozen=True)
class Session:
    """A workspace at work."""

    workspace: Workspace
    ledger: Ledger
    keyring: Keyring
    clock: Clock
    entropy: Entropy

    @property
    def state(self) -> State:
        """Return the state of the ledger now."""
        return self.ledger.state()

    @property
    def constants(self) -> Constants:
        """Return what the genesis fixed.

        Raises:
            NoGenesis: the ledger is empty.
        """
        constants = self.state.constants
        if constants is None:
            raise NoGenesis
        return constants

    @property
    def chain(self) -> ChainId:
        """Return the ledger's name."""
        return self.constants.chain

    def now(self) -> BlockTime:
        """Return the time that an entry would get now: the clock's, never before the last block."""
        return max(self.clock.now(), self.state.time)

    def member(self, member: MemberId) -> Member:
        """Return an active member as the registry has it.

        Raises:
            UnknownMember, MemberNotActive: there is none that may act.
        """
        return active_member(self.state, member).member

    def keys(self, member: MemberId) -> HolderKeys:
        """Return the keys of a member of this workspace.

        Raises:
            MemberNotHere, KeystoreNotOpened, …: see `Keyring.keys`.
        """
        return self.keyring.keys(member)

    def submit(self, entry: Entry) -> Accepted:
        """Offer one entry and return where it stands in the log, once that is durable.

        Raises:
            LodelineError: the ledger refused it; nothing was changed.
        """
        (answer,) = self.ledger.submit([encode_entry(entry)])
        if isinstance(answer, LodelineError):
            raise answer
        return answer
