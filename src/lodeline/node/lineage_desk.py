"""What a node answers about lineage: the public graph, and what its own member knows beside it.

Who asks decides how much is told. The graph is public to members. What lots hold, and which goods
they stood for, is in the member's vault: it is told to the member's own people, where the service
has the keys. Which events told of a step is in the event store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import ClassVar, Final

from lodeline.exchange.epcis.document import EpcisUri, EventId
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId, MemberId
from lodeline.ledger.entries import EntryId
from lodeline.lineage.book import Excerpt, LineageBook
from lodeline.lineage.csr import Bounds
from lodeline.node.contents import contents_in
from lodeline.node.events.ledger_links import events_of_entries, events_of_goods
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.events.whereabouts import whereabouts
from lodeline.node.goods_tracing import GoodsNotOnLedger, goods_of_lots, lots_of_thing
from lodeline.node.lineage_keeping import LineageKeeper
from lodeline.node.tracing import Traced
from lodeline.node.workspace import Workspace

__all__ = ["Asker", "LineageDesk", "LineageNotHere", "Told", "Way"]

KeysOf = Callable[[MemberId], HolderKeys | None]
"""Returns the keys of a member, where the service has them."""


class LineageNotHere(LodelineError):
    """A node without a ledger is asked about lots."""

    code: ClassVar[str] = "lineage-not-here"
    en: ClassVar[str] = "this node has no ledger, so that it knows of no lots"
    fr: ClassVar[str] = "ce nœud n'a pas de registre, et ne connaît donc aucun lot"
    advice_en: ClassVar[str] = "ask a node that follows the ledger, or let this one: connect"
    advice_fr: ClassVar[str] = "demandez à un nœud qui suit le registre, ou reliez-y celui-ci"
    status: ClassVar[int] = 404


@dataclass(frozen=True)
class Way:
    """In which direction to go, and how far."""

    bounds: Bounds
    is_upstream: bool


@dataclass(frozen=True)
class Asker:
    """On whose behalf something is asked."""

    tenant: Tenant
    sees_vault: bool
    """Whether what the member's vault knows may be told."""
    sees_events: bool
    """Whether all events of the tenant may be told."""


@dataclass(frozen=True)
class Told:
    """An answer."""

    traced: Traced
    size: int
    """Entries of the log up to which it goes."""
    log_size: int
    """Entries that the log has."""
    is_exact: bool = True
    """False where lots were found by the steps that made them, which may have made others too."""
    events: Mapping[Hash32, Sequence[EventId]] = field(default_factory=dict)
    """By step, the events of the tenant that became it."""
    seqs: Sequence[Seq] = ()
    """Places of these events."""
    goods: Mapping[LotId, Sequence[str]] = field(default_factory=dict)
    """What lots stood for, in the numbers of the company's events."""


class LineageDesk:
    """Answers about the lineage of a folder's ledger; several threads may ask."""

    def __init__(
        self,
        workspace: Workspace,
        store: EventStore,
        keys_of: KeysOf = lambda _: None,
        tell: Callable[[LodelineError], None] = lambda _: None,
    ) -> None:
        """Open nothing yet.

        Args:
            workspace: folder of the node.
            store: of its events.
            keys_of: gives the keys of members, where the service has them.
            tell: is told why kept lineage was not used; it is then made anew.
        """
        self._workspace: Final = workspace
        self._store: Final = store
        self._keys_of: Final = keys_of
        self._keeper: Final = LineageKeeper(workspace, tell)
        self._goods: Final = _GoodsByLot()

    def of_lot(self, lot: LotId, way: Way, asker: Asker) -> Told:
        """Return what a lot came from, or went into.

        Raises:
            LineageNotHere: the folder has no ledger.
            NotInLog: the log has never had the lot, as far as it is known here.
            LineageBusy: it is being read for somebody else.
            LedgerNotRead, VaultNotYours, …: a file of the folder cannot be used.
            StoreUnreachable: the event store does not answer.
        """
        with self._vault(asker) as vault:
            return self._told((lot,), way, asker, vault)

    def of_goods(self, goods: str, way: Way, asker: Asker) -> Told:
        """Return what the lots that goods stood for came from, or went into.

        By the vault where it may be seen; otherwise by the steps that events of the goods became.
        Of a thing that is no goods, such as a vehicle or a crate: of what is in it now.

        Raises:
            GoodsNotOnLedger: no lot stands for them, as far as is known here.
            LineageNotHere, NotInLog, …: as `of_lot`.
        """
        with self._vault(asker) as vault:
            if vault is not None:
                lots = lots_of_thing(vault, self._store, asker.tenant, goods)
                return self._told(lots, way, asker, vault)
            thing, *inside = whereabouts(self._store, asker.tenant, EpcisUri(goods)).things
            entries = self._entries(asker.tenant, [thing]) or self._entries(asker.tenant, inside)
            with self._book() as book:
                made = book.made_by(entries)
            if not made:
                raise GoodsNotOnLedger(goods)
            return self._told(made, way, asker, None, is_exact=False)

    def _entries(self, tenant: Tenant, things: Sequence[str]) -> set[EntryId]:
        found = (events_of_goods(self._store, tenant, thing) for thing in things)
        return {each.entry for events in found for each in events}

    def _told(
        self,
        lots: Sequence[LotId],
        way: Way,
        asker: Asker,
        vault: Vault | None,
        *,
        is_exact: bool = True,
    ) -> Told:
        with self._book() as book:
            walk = book.ancestors if way.is_upstream else book.downstream
            excerpt, size, log_size = walk(lots, way.bounds), book.size, self._keeper.log_size
            steps = book.entries_of(excerpt.lineage.steps) if asker.sees_events else {}
        events, seqs = self._events(asker.tenant, steps)
        if vault is None:
            return Told(Traced(excerpt, {}), size, log_size, is_exact, events, seqs)
        goods = self._goods.of(self._workspace, asker, vault, excerpt)
        traced = Traced(excerpt, contents_in(vault, excerpt.lineage))
        return Told(traced, size, log_size, is_exact, events, seqs, goods)

    def _events(
        self, tenant: Tenant, steps: Mapping[Hash32, EntryId]
    ) -> tuple[Mapping[Hash32, Sequence[EventId]], Sequence[Seq]]:
        linked = events_of_entries(self._store, tenant, list(steps.values()))
        by_entry: dict[EntryId, list[EventId]] = {}
        for each in linked:
            by_entry.setdefault(each.entry, []).append(each.event)
        events = {step: by_entry[entry] for step, entry in steps.items() if entry in by_entry}
        return events, [each.seq for each in linked]

    @contextmanager
    def _book(self) -> Iterator[LineageBook]:
        with self._keeper.reading() as book:
            if not self._keeper.log_size:
                raise LineageNotHere
            yield book

    @contextmanager
    def _vault(self, asker: Asker) -> Iterator[Vault | None]:
        member = MemberId(asker.tenant.name)
        keys = self._keys_of(member) if asker.sees_vault else None
        path = self._workspace.vault(member)
        if keys is None or not path.is_file():
            yield None
            return
        with Vault.open(path, keys.vault) as vault:
            yield vault


class _GoodsByLot:
    """What lots stood for, read again when a vault was written."""

    def __init__(self) -> None:
        self._turn: Final = Lock()
        self._known: Final[dict[str, tuple[object, Mapping[LotId, Sequence[str]]]]] = {}

    def of(
        self, workspace: Workspace, asker: Asker, vault: Vault, excerpt: Excerpt
    ) -> Mapping[LotId, Sequence[str]]:
        """Return the goods of the lots of an excerpt."""
        stamp = _stamp(workspace, asker)
        with self._turn:
            known = self._known.get(asker.tenant.name)
            if known is None or known[0] != stamp:
                known = self._known[asker.tenant.name] = (stamp, goods_of_lots(vault))
        return {lot: known[1][lot] for lot in excerpt.lineage.lots if lot in known[1]}


def _stamp(workspace: Workspace, asker: Asker) -> object:
    """Return what tells a vault from the same one before something was written to it."""
    path = workspace.vault(MemberId(asker.tenant.name))
    files: Iterable[str] = (path.name, f"{path.name}-wal")
    found = (path.with_name(name) for name in files)
    return tuple((at.st_mtime_ns, at.st_size) for at in (p.stat() for p in found if p.exists()))
