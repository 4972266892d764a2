"""Opening a workspace: the embedded ledger beside keys and clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lodeline.crypto.entropy import Entropy
from lodeline.node.clock import Clock
from lodeline.node.keyring import Keyring
from lodeline.node.session import Ledger, Session
from lodeline.node.workspace import Workspace

__all__ = ["create", "open_ledger", "opened"]


def create(workspace: Workspace) -> None:
    """Make the empty ledger of a new workspace."""
    raise AssertionError(workspace)


def open_ledger(workspace: Workspace, clock: Clock) -> Ledger:
    """Open the ledger of a workspace."""
    raise AssertionError(workspace, clock)


@contextmanager
def opened(
    workspace: Workspace, keyring: Keyring, clock: Clock, entropy: Entropy
) -> Iterator[Session]:
    """Give a session over a workspace, and close its ledger afterwards."""
    yield Session(workspace, open_ledger(workspace, clock), keyring, clock, entropy)
