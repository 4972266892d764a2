"""The way back and the way forth: the public graph of the log, with what one vault knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lodeline.holder.contents import Contents
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId, SiteId
from lodeline.lineage.graph import Graph, Lineage
from lodeline.node.holding import Holding, LotPrefixAmbiguous

__all__ = ["NothingNamed", "Traced", "impact_of", "known_contents", "lot_in_log", "trace_of"]

_LEAST_PREFIX = 6


class NothingNamed(LodelineError):
    """A name that is neither a lot, a product of the holder's, nor a site."""

    name: str

    code = "nothing-named"
    en = "“{name}” is no lot of the ledger, no product of yours, and no site"
    fr = "« {name} » n'est ni un lot du registre, ni un de vos produits, ni un site"
    advice_en = (
        "copy a lot's number from `lodeline lots --all`, or a site from `lodeline site list`"
    )
    advice_fr = (
        "recopiez un numéro de « lodeline lots --all », ou un site de « lodeline site list »"
    )


@dataclass(frozen=True)
class Traced:
    """A lineage, and the contents of those of its lots that the vault knows."""

    lineage: Lineage
    contents: Mapping[LotId, Contents]


def known_contents(own: Holding) -> dict[LotId, Contents]:
    """Return the contents of every lot that the vault knows: held once, or made for others."""
    known: dict[LotId, Contents] = {}
    for transform in own.vault.transforms():
        for made in transform.outputs:
            known[LotId(made.lot)] = made.contents
    known.update({lot.lot_id: lot.contents for lot in own.vault.lots()})
    return known


def trace_of(own: Holding, name: str) -> Traced:
    """Return what a lot or a product came from.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
    """
    graph = Graph(own.session.state)
    lot = _lot_named(own, graph, name)
    if lot is None:
        raise NothingNamed(name)
    return _known(own, graph.upstream(lot))


def impact_of(own: Holding, name: str) -> Traced:
    """Return what a lot, a product or everything made at a site went into.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
        NothingAtSite: no step happened at the site.
    """
    graph = Graph(own.session.state)
    if SiteId(name) in own.session.state.sites:
        return _known(own, graph.from_site(SiteId(name)))
    lot = _lot_named(own, graph, name)
    if lot is None:
        raise NothingNamed(name)
    return _known(own, graph.downstream((lot,)))


def lot_in_log(own: Holding, name: str) -> LotId:
    """Return a lot of the ledger, the holder's or not, by the beginning of its number.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
    """
    lot = _lot_named(own, Graph(own.session.state), name)
    if lot is None:
        raise NothingNamed(name)
    return lot


def _known(own: Holding, lineage: Lineage) -> Traced:
    contents = known_contents(own)
    return Traced(lineage, {lot: contents[lot] for lot in lineage.lots if lot in contents})


def _lot_named(own: Holding, graph: Graph, name: str) -> LotId | None:
    """Return the lot that a product identifier or the beginning of a number names, or nothing."""
    products = [lot.lot_id for lot in own.vault.lots() if lot.product == name]
    if products:
        return products[-1]
    word = name.lower()
    if any(char not in "0123456789abcdef" for char in word):
        return None
    found = graph.matching(word)
    if len(found) > 1 or (found and len(word) < _LEAST_PREFIX):
        raise LotPrefixAmbiguous(name, len(found))
    return found[0] if found else None
