"""Opening a workspace: the embedded ledger beside keys and clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lodeline.crypto.entropy import Entropy
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Clock
from lodeline.node.keyring import Keyring
from lodeline.node.session import Session
from lodeline.node.verifying import proof_workers
from lodeline.node.workspace import Workspace

__all__ = ["opened"]


@contextmanager
def opened(
    workspace: Workspace,
    keyring: Keyring,
    clock: Clock,
    entropy: Entropy,
    *,
    writable: bool = True,
) -> Iterator[Session]:
    """Give a session over a workspace, and close its ledger afterwards.

    A workspace that was just made gets an empty ledger. Whoever only reads is not held up by
    whoever writes.

    Raises:
        LedgerMissing: there is no ledger to read.
        LedgerHasWriter: another program is writing.
        LedgerDamaged: what is stored does not add up.
    """
    with proof_workers() as verify:
        ledger = EmbeddedLedger(workspace.ledger, clock, writable=writable, verify=verify)
        try:
            yield Session(workspace, ledger, keyring, clock, entropy)
        finally:
            ledger.close()
