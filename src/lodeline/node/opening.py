"""Opening a workspace: its ledger beside keys and clock.

The ledger is the folder's own, or a copy of what validators agree on where the settings name some.
Everything above works with either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lodeline.crypto.entropy import Entropy
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Clock, Engine
from lodeline.engine.refusals import LedgerHasWriter
from lodeline.ledger.log import Verify
from lodeline.node.keyring import Keyring
from lodeline.node.membership import follow_if_reached, opened_copy
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
    whoever writes. A copy of the validators' ledger is brought up to date first, as far as they
    can be reached; what the last agreed checkpoint says is there without them.

    Raises:
        LedgerMissing: there is no ledger to read.
        LedgerHasWriter: another program is writing.
        LedgerDamaged: what is stored does not add up.
        CheckpointsFork, StateNotAsSigned, EntryNotAllowed, NotThisConsortium: the validators have
            signed what must not be; nothing of it was kept.
        NoValidators, TrustFileMalformed, AuthoritiesUnreadable, …: a file of the workspace.
    """
    with proof_workers() as verify:
        ledger = _ledger(workspace, keyring, clock, verify, writable=writable)
        try:
            yield Session(workspace, ledger, keyring, clock, entropy)
        finally:
            ledger.close()


def _ledger(
    workspace: Workspace, keyring: Keyring, clock: Clock, verify: Verify, *, writable: bool
) -> Engine:
    if not workspace.settings().validators:
        return EmbeddedLedger(workspace.ledger, clock, writable=writable, verify=verify)
    try:
        copy = opened_copy(workspace, keyring, clock, verify)
    except LedgerHasWriter:
        if writable:
            raise
        # Whoever writes the copy keeps it up to date; here it is read as it is.
        return EmbeddedLedger(workspace.ledger, clock, writable=False, verify=verify)
    follow_if_reached(copy)
    return copy
