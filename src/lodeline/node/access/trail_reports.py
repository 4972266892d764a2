"""Whether a trail holds, for a service: against the ledger of its folder where there is one.

The ledger is only read, as it stands in the folder: whoever writes it is not held up, and no key is
opened.
"""

from __future__ import annotations

from contextlib import closing

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.ids import MemberId
from lodeline.node.access.anchoring import TrailReport, check_trail
from lodeline.node.access.trail import remembered, verify_trail
from lodeline.node.clock import SystemClock
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.keyring import Keyring
from lodeline.node.session import Session
from lodeline.node.workspace import MemberNotHere, Workspace

__all__ = ["own_report", "report_on_ledger"]


def own_report(store: EventStore, tenant: Tenant) -> TrailReport:
    """Check a trail in itself, and against the heads that this store remembers to have anchored.

    Raises:
        TrailBroken, TrailAnchorMissed, TrailUnreadable: it does not hold.
    """
    anchored = remembered(store, tenant)
    return TrailReport(verify_trail(store, tenant), anchored[-1] if anchored else None)


def report_on_ledger(workspace: Workspace, store: EventStore, tenant: Tenant) -> TrailReport:
    """Check a trail against every head of it that its member has on the ledger of a folder.

    Raises:
        TrailBroken, TrailAnchorMissed, TrailUnreadable: it does not hold in itself.
        TrailAnchorForeign: it does not go through a head that is on the ledger.
        LedgerMissing, LedgerDamaged, …: the ledger cannot be read.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    with closing(EmbeddedLedger(workspace.ledger, clock, writable=False)) as ledger:
        ring = Keyring(workspace, _no_passphrase, entropy)
        session = Session(workspace, ledger, ring, clock, entropy)
        return check_trail(session, store, tenant, MemberId(tenant.name))


def _no_passphrase(member: MemberId) -> Passphrase:
    """Refuse: checking opens no key."""
    raise MemberNotHere(member, ())
