"""One opened workspace: ledger, clock, keys – what every use case works with.

A session is made by the edge (command line, web) for one command or request. It decides nothing:
the ledger does.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.crypto.entropy import Entropy
from lodeline.engine.interface import Clock, Engine, Receipt
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.case import active_member
from lodeline.ledger.entries import Entry, Member, encode_entry
from lodeline.ledger.records import Constants
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.state import State
from lodeline.node.keyring import Keyring
from lodeline.node.workspace import Workspace

__all__ = ["Session"]


@dataclass(frozen=True)
class Session:
    """A workspace at work."""

    workspace: Workspace
    ledger: Engine
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

    def submit(self, entry: Entry) -> Receipt:
        """Offer one entry and return where it stands in the log, once that is durable.

        Raises:
            LodelineError: the ledger refused it; nothing was changed.
        """
        (answer,) = self.ledger.submit([encode_entry(entry)])
        if isinstance(answer, LodelineError):
            raise answer
        return answer
