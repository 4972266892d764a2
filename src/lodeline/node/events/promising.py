"""Lots that are promised to entries on their way, and whether an entry has arrived.

A reversal uses up what the step made that it undoes; any other entry, the inputs of the transform
that it is or carries.
"""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.engine.embedded import EmbeddedLedger
from lodeline.kernel.ids import Hash32, LotId
from lodeline.ledger.entries import Entry, Reversal, entry_id
from lodeline.ledger.tasks import carried_transform
from lodeline.node.events.outbox import Row
from lodeline.node.holding import Holding

__all__ = ["in_log", "is_embedded", "promise"]


def promise(own: Holding, entry: Entry) -> None:
    """Promise the lots that an entry uses up to it, those that are promised to it already too.

    Raises:
        LotNotFree: one of them was used or promised otherwise meanwhile.
    """
    identity = entry_id(entry)
    held = [own.vault.lot(lot) for lot in _used_up(own, entry) if own.vault.holds(lot)]
    own.vault.reserve(
        tuple(lot.lot_id for lot in held if lot.reserved_for != Hash32(identity)), identity
    )


def _used_up(own: Holding, entry: Entry) -> Sequence[LotId]:
    if isinstance(entry, Reversal):
        making = own.session.state.makings.get(Hash32(entry.body.transform))
        return () if making is None else making.outputs
    carried = carried_transform(entry)
    return () if carried is None else [LotId(item.lot) for item in carried.body.inputs]


def in_log(own: Holding, row: Row) -> bool:
    """Return whether the entry of a row is in the log."""
    return entry_id(row.request.entry) in own.session.state.entries


def is_embedded(own: Holding) -> bool:
    """Return whether the ledger is in the workspace itself."""
    return isinstance(own.session.ledger, EmbeddedLedger)
