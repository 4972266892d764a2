"""From the numbers of the company's own events to lots of the ledger, and back.

A number of GS1 (the lot number of a class, the serial number of a battery or a vehicle, a
container) stands for lots of the ledger. The holder's vault has exactly which lots stood for goods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from lodeline.exchange.epcis.document import EpcisUri
from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId
from lodeline.node.events.goods_book import goods_in, page_in
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.events.terms import term_value
from lodeline.node.events.whereabouts import whereabouts

__all__ = ["GoodsNotOnLedger", "goods_of_lots", "lots_of_goods", "lots_of_thing"]


class GoodsNotOnLedger(LodelineError):
    """Goods for which no lot of the ledger stands, as far as this node knows."""

    code: ClassVar[str] = "goods-not-on-ledger"
    en: ClassVar[str] = "no lot of the ledger stands for {goods}, as far as this node knows"
    fr: ClassVar[str] = "aucun lot du registre ne représente {goods}, à la connaissance de ce nœud"
    advice_en: ClassVar[str] = "see how far its events have come: GET /events/{{eventID}}/state"
    advice_fr: ClassVar[str] = "voyez où en sont ses événements : GET /events/{{eventID}}/state"
    status: ClassVar[int] = 404

    goods: str


def lots_of_goods(vault: Vault, epc: str) -> Sequence[LotId]:
    """Return the lots that stood for goods at any time, by the holder's vault.

    Args:
        vault: of whoever brought the events to the ledger.
        epc: an identifier of GS1 in any spelling, or the company's own.

    Raises:
        GoodsNotOnLedger: there is none.
    """
    lots = _lots(vault, epc)
    if not lots:
        raise GoodsNotOnLedger(epc)
    return lots


def lots_of_thing(vault: Vault, store: EventStore, tenant: Tenant, epc: str) -> Sequence[LotId]:
    """Return the lots of goods, or of what is in a thing that is no goods itself, as it is now.

    So a vehicle has the lots of its battery, and a container those of its bags.

    Raises:
        GoodsNotOnLedger: neither it nor what is in it has any.
        StoreUnreachable: the database does not answer.
    """
    thing, *inside = whereabouts(store, tenant, EpcisUri(epc)).things
    lots = _lots(vault, thing) or [lot for each in inside for lot in _lots(vault, each)]
    if not lots:
        raise GoodsNotOnLedger(epc)
    return list(dict.fromkeys(lots))


def _lots(vault: Vault, epc: str) -> list[LotId]:
    uses = page_in(vault, term_value(epc)).uses
    return list(dict.fromkeys(LotId(lot) for use in uses for lot in use.lots))


def goods_of_lots(vault: Vault) -> dict[LotId, list[str]]:
    """Return all that lots stood for, by the holder's vault: by lot, the numbers of goods.

    Reads everything that the vault knows of goods.
    """
    found: dict[LotId, list[str]] = {}
    for goods, page in goods_in(vault):
        for lot in dict.fromkeys(lot for use in page.uses for lot in use.lots):
            found.setdefault(LotId(lot), []).append(goods)
    return found
