"""The way back and the way forth: the public graph of the log, with what one vault knows of it.

Lots are found in the book of lineage. Where the book goes to the end of the log and the vault has
followed it there, the ledger is not opened at all (`sight`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from lodeline.holder.contents import Contents
from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId, MemberId, SiteId
from lodeline.lineage.book import Excerpt, LineageBook
from lodeline.lineage.csr import Bounds
from lodeline.lineage.graph import Lineage
from lodeline.lineage.render import as_data
from lodeline.node.contents import contents_in
from lodeline.node.figures import contents_data
from lodeline.node.holding import Holding, LotPrefixAmbiguous, holding
from lodeline.node.keyring import Keyring
from lodeline.node.lineage_keeping import LineageKeeper
from lodeline.node.membership import has_newer
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace

__all__ = [
    "NothingNamed",
    "Sight",
    "Traced",
    "impact_of",
    "lot_in_log",
    "sight",
    "trace_of",
    "traced_data",
]

_LEAST_PREFIX: Final = 6
_WHOLE: Final = 64
"""Hexadecimal digits of a whole number."""


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

    excerpt: Excerpt
    contents: Mapping[LotId, Contents]

    @property
    def lineage(self) -> Lineage:
        """Return the lineage, as far as it was asked for."""
        return self.excerpt.lineage


@dataclass(frozen=True)
class Sight:
    """The lineage of the whole log, and one vault; for as long as both are open."""

    book: LineageBook
    vault: Vault
    ignored: Sequence[LodelineError] = ()
    """Why kept lineage was not used, if it was not."""

    def trace(self, name: str, bounds: Bounds | None = None) -> Traced:
        """Return what a lot or a product came from.

        Raises:
            NothingNamed, LotPrefixAmbiguous: the name does not tell which.
        """
        return self.ancestors((self.lot(name),), bounds)

    def impact(self, name: str, bounds: Bounds | None = None) -> Traced:
        """Return what a lot, a product or everything made at a site went into.

        Raises:
            NothingNamed, LotPrefixAmbiguous: the name does not tell which.
            NothingAtSite: no step happened at the site.
        """
        if self.book.has_site(name):
            return self.descendants(self.book.origins(SiteId(name)), bounds)
        return self.descendants((self.lot(name),), bounds)

    def ancestors(self, lots: Sequence[LotId], bounds: Bounds | None = None) -> Traced:
        """Return what lots came from.

        Raises:
            NotInLog: the log has never had one of them.
        """
        return self._traced(self.book.ancestors(lots, bounds))

    def descendants(self, lots: Sequence[LotId], bounds: Bounds | None = None) -> Traced:
        """Return what lots went into.

        Raises:
            NotInLog: the log has never had one of them.
        """
        return self._traced(self.book.downstream(lots, bounds))

    def lot(self, name: str) -> LotId:
        """Return the lot that a product identifier or the beginning of a number names.

        Raises:
            NothingNamed, LotPrefixAmbiguous: the name does not tell which.
        """
        word = name.lower()
        is_number = bool(word) and all(char in "0123456789abcdef" for char in word)
        if not (is_number and len(word) == _WHOLE):
            products = [lot.lot_id for lot in self.vault.lots() if lot.product == name]
            if products:
                return products[-1]
        found = self.book.matching(word) if is_number else []
        if len(found) > 1 or (found and len(word) < _LEAST_PREFIX):
            raise LotPrefixAmbiguous(name, len(found))
        if not found:
            raise NothingNamed(name)
        return found[0]

    def _traced(self, excerpt: Excerpt) -> Traced:
        return Traced(excerpt, contents_in(self.vault, excerpt.lineage))


@contextmanager
def sight(
    workspace: Workspace,
    keyring: Keyring,
    member: MemberId,
    reading: Callable[[], AbstractContextManager[Session]],
) -> Iterator[Sight]:
    """Give a member's sight of the lineage, to the end of the log.

    Args:
        workspace: folder of the node.
        keyring: opens the member's keys.
        member: whose vault it is.
        reading: opens the folder, where the ledger itself has to be read.

    Raises:
        MemberNotHere, KeystoreNotOpened, …: the keys.
        VaultNotYours, VaultNewer, NotAVault, VaultBusy, VaultAhead: the vault.
        LedgerMissing, LedgerDamaged, …: the ledger.
    """
    keeper = LineageKeeper(workspace)
    with ExitStack() as stack:
        book = stack.enter_context(keeper.reading())
        vault = _vault_there(workspace, keyring, member, keeper)
        if vault is None:
            own = stack.enter_context(holding(stack.enter_context(reading()), member))
            keeper.catch_up(own.session.ledger)
            book, vault = stack.enter_context(keeper.reading()), own.vault
        else:
            stack.enter_context(vault)
        yield Sight(book, vault, keeper.ignored)


def _vault_there(
    workspace: Workspace, keyring: Keyring, member: MemberId, keeper: LineageKeeper
) -> Vault | None:
    """Return the vault, if it has followed the log to its end, and so has the book."""
    path = workspace.vault(member)
    if not keeper.is_current or not path.is_file() or has_newer(workspace, keeper.log_size):
        return None
    vault = Vault.open(path, keyring.keys(member).vault)
    if vault.position == keeper.log_size:
        return vault
    vault.close()
    return None


def traced_data(found: Traced) -> dict[str, object]:
    """Return it as plain data: ids in hexadecimal, times in UTC, amounts as text in base units.

    Members: those of `lineage.render.as_data`; ``known``, the contents of lots; ``complete``, if
    it is everything; ``cut``, the lots beyond which it goes on; ``total``, how much there is.
    """
    excerpt = found.excerpt
    return {
        **as_data(found.lineage),
        "known": {lot.hex(): contents_data(each) for lot, each in found.contents.items()},
        "complete": excerpt.is_all,
        "cut": [lot.hex() for lot in excerpt.cut],
        "total": {"lots": excerpt.lots, "steps": excerpt.steps},
    }


# ------------------------------------------------------------------ where the ledger is open anyway


def trace_of(own: Holding, name: str) -> Traced:
    """Return what a lot or a product came from.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
    """
    with _opened(own) as seen:
        return seen.trace(name)


def impact_of(own: Holding, name: str) -> Traced:
    """Return what a lot, a product or everything made at a site went into.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
        NothingAtSite: no step happened at the site.
    """
    with _opened(own) as seen:
        return seen.impact(name)


def lot_in_log(own: Holding, name: str) -> LotId:
    """Return a lot of the ledger, the holder's or not, by the beginning of its number.

    Raises:
        NothingNamed, LotPrefixAmbiguous: the name does not tell which.
    """
    with _opened(own) as seen:
        return seen.lot(name)


@contextmanager
def _opened(own: Holding) -> Iterator[Sight]:
    keeper = LineageKeeper(own.session.workspace)
    keeper.catch_up(own.session.ledger)
    with keeper.reading() as book:
        yield Sight(book, own.vault, keeper.ignored)
