"""The head of a trail on the ledger, and the trail against the ledger.

What is anchored can neither be changed nor be cut off any more without it being seen: by whoever
compares this store with the ledger, which others keep too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.interface import Receipt
from lodeline.kernel.ids import Hash32, MemberId, SignatureBytes
from lodeline.ledger.entries import Anchor, AnchorBody, entry_id
from lodeline.ledger.log import read_leaf
from lodeline.ledger.merkle import LeafIndex
from lodeline.node.access.trail import (
    Head,
    TrailNumber,
    first_digest,
    remember,
    verified_heads,
    verify_trail,
)
from lodeline.node.access.trail_refusals import TrailAnchorForeign, TrailEmpty
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.holding import Holding
from lodeline.node.sending import Queued, send
from lodeline.node.session import Session

__all__ = ["ANCHOR_KIND", "Anchored", "TrailReport", "anchor_entry", "anchor_trail", "check_trail"]

ANCHOR_KIND: Final = "access trail"
"""What an anchor of a trail is called on the ledger."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """A head that was handed to the ledger."""

    head: Head
    sent: Receipt | Queued


@dataclass(frozen=True, slots=True)
class TrailReport:
    """A trail that holds, and how far the ledger vouches for it."""

    head: Head
    anchored: Head | None
    """The last head that is on the ledger; nothing where none is."""


def anchor_trail(own: Holding, store: EventStore, tenant: Tenant) -> Anchored:
    """Check the trail of a tenant and put its head on the ledger, signed by a member.

    Raises:
        TrailBroken, TrailAnchorMissed, TrailUnreadable: the trail does not hold; nothing is sent.
        TrailEmpty: there is nothing to anchor.
        EntryAlreadyAccepted: this head was anchored before.
        LodelineError: the ledger refused it.
    """
    head = verify_trail(store, tenant)
    if not head.number:
        raise TrailEmpty(tenant.name)
    sent = send(own, anchor_entry(own, head), ANCHOR_KIND)
    remember(store, tenant, head)
    return Anchored(head, sent)


def anchor_entry(own: Holding, head: Head) -> Anchor:
    """Return the entry that anchors a head, signed by a member."""
    body = AnchorBody(own.session.chain, own.member, head.digest, ANCHOR_KIND)
    identity = entry_id(Anchor(body, SignatureBytes(bytes(64))))
    return Anchor(body, sign(own.keys.signing, SignatureContext.ENTRY, identity))


def check_trail(
    session: Session, store: EventStore, tenant: Tenant, member: MemberId
) -> TrailReport:
    """Check the trail of a tenant against everything that a member anchored of it.

    Raises:
        TrailBroken, TrailAnchorMissed, TrailUnreadable: the trail does not hold in itself.
        TrailAnchorForeign: it does not go through a head that is on the ledger.
    """
    wanted = dict(_anchors(session, member))
    verify_trail(store, tenant)
    head, anchored = Head(TrailNumber(0), first_digest(tenant)), None
    for head in verified_heads(store, tenant):
        if wanted.pop(head.digest, None) is not None:
            anchored = head
    for digest, index in wanted.items():
        raise TrailAnchorForeign(digest, index)
    return TrailReport(head, anchored)


def _anchors(session: Session, member: MemberId) -> Iterator[tuple[Hash32, int]]:
    """Yield the digests that a member anchored as heads of trails, with their entries."""
    state = session.state
    for key, identity in state.anchors.items():
        record = state.entries.get(identity)
        if key.member != member or record is None:
            continue
        entry = read_leaf(session.ledger.leaf(LeafIndex(record.index))).entry
        if isinstance(entry, Anchor) and entry.body.kind == ANCHOR_KIND:
            yield Hash32(key.digest), record.index
