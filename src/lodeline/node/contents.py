"""What one vault knows of the contents of lots: those once held, and those made for others."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from lodeline.holder.contents import Contents
from lodeline.holder.vault import TransformNotOwn, Vault
from lodeline.kernel.ids import LotId, TransformId
from lodeline.lineage.graph import Lineage
from lodeline.node.holding import Holding

__all__ = ["contents_in", "known_contents"]

_FEW: Final = 2_000
"""Lots whose contents are looked up one by one; for more, the whole vault is read."""


def contents_in(vault: Vault, lineage: Lineage) -> dict[LotId, Contents]:
    """Return the contents of those lots of a lineage that a vault knows."""
    if len(lineage.lots) > _FEW:
        known = _all_contents(vault)
        return {lot: known[lot] for lot in lineage.lots if lot in known}
    found: dict[LotId, Contents] = {}
    for step in lineage.steps:
        with suppress(TransformNotOwn):
            for made in vault.transform(TransformId(step)).outputs:
                found[LotId(made.lot)] = made.contents
    found |= {lot: vault.lot(lot).contents for lot in lineage.lots if vault.holds(lot)}
    return {lot: found[lot] for lot in lineage.lots if lot in found}


def known_contents(own: Holding) -> dict[LotId, Contents]:
    """Return the contents of every lot that the vault knows: held once, or made for others."""
    return _all_contents(own.vault)


def _all_contents(vault: Vault) -> dict[LotId, Contents]:
    known: dict[LotId, Contents] = {}
    for transform in vault.transforms():
        for made in transform.outputs:
            known[LotId(made.lot)] = made.contents
    known.update({lot.lot_id: lot.contents for lot in vault.lots()})
    return known
