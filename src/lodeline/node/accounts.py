"""A site's account for a period: what was there, what came, what went, what is left.

The account is read off the lots that one vault knows. A lot comes into being in one step and is
used up in another; what a step makes less what it uses, strand by strand and claim by claim, is its
line in the account, under the kind of the step. So opening and movements add up to closing by
construction, and closing is compared with the lots that are there and with what was counted.

Which site a lot belongs to is not on the ledger. It is the site of the step that made it; a lot
from elsewhere belongs to the site at which it is used; what is left belongs to the member's only
site, or to none and is left out, which the account says.

Credits are accounts of their own: they expire with their period and can be carried once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind
from lodeline.holder.records import HeldLot
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId, SiteId
from lodeline.kernel.time import BlockTime, Period
from lodeline.kernel.units import Milligrams
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import Making
from lodeline.ledger.state import State

__all__ = [
    "MOVEMENTS",
    "Account",
    "AccountNegative",
    "Line",
    "OpeningDiffers",
    "SiteAccounts",
    "check_continues",
    "site_accounts",
]

MOVEMENTS = (
    "mined",
    "taken-in",
    "received",
    "sold",
    "processed",
    "settled",
    "handled",
    "marketed",
    "deposited",
    "taken-up",
    "carried",
    "written-off",
    "corrected",
    "expired",
)
"""Kinds of movement in the order in which they are shown."""

_MATERIAL: Mapping[str, str] = {
    Family.MINE.value: "mined",
    Family.INTAKE.value: "taken-in",
    Family.PROCESS.value: "processed",
    Family.DEPOSIT.value: "processed",
    Family.TAKE_UP.value: "processed",
    Family.RECYCLE.value: "processed",
    Family.SETTLE.value: "settled",
    Family.MARKET.value: "marketed",
    Family.WRITE_OFF.value: "written-off",
    Family.CORRECT.value: "corrected",
    "": "corrected",
}
_CREDIT: Mapping[str, str] = {
    Family.DEPOSIT.value: "deposited",
    Family.TAKE_UP.value: "taken-up",
    Family.CARRY.value: "carried",
    "": "corrected",
}


class AccountNegative(LodelineError):
    """An account that would close below nothing: more went out than was stated and came in."""

    account: str
    short: Milligrams

    code = "account-negative"
    en = "{account} would close {short} below zero, going by the statement of the period before"
    fr = "{account} finirait {short} sous zéro, d'après le relevé de la période précédente"
    advice_en = "find what the last statement left out; a period that is below zero is not closed"
    advice_fr = "cherchez ce que le dernier relevé omettait ; une période négative ne se clôt pas"


class OpeningDiffers(LodelineError):
    """A period that does not open with what the statement of the period before closed with."""

    account: str
    stated: Milligrams
    found: Milligrams

    code = "account-opening-differs"
    en = "{account} was stated to close with {stated}, the vault opens with {found}"
    fr = "{account} devait finir avec {stated}, le coffre ouvre avec {found}"
    advice_en = "restore the vault from the log; if it still differs, tell the statement's readers"
    advice_fr = "restaurez le coffre depuis le journal ; si l'écart reste, prévenez les lecteurs"


@dataclass(frozen=True, order=True)
class Account:
    """What is accounted for: a strand, or a claim on a strand."""

    strand: str
    claim: str = ""

    @property
    def text(self) -> str:
        """Return the name in words: `Co`, `Co · IRMA-75/segregated`."""
        return f"{self.strand} · {self.claim}" if self.claim else self.strand


@dataclass
class Line:
    """One account over the period, in milligrams; what goes out is negative."""

    account: Account
    opening: int = 0
    movements: dict[str, int] = field(default_factory=dict)

    @property
    def closing(self) -> int:
        """Return what is left at the end."""
        return self.opening + sum(self.movements.values())

    @property
    def came(self) -> Milligrams:
        """Return everything that came in."""
        return Milligrams(sum(value for value in self.movements.values() if value > 0))

    @property
    def went(self) -> Milligrams:
        """Return everything that went out."""
        return Milligrams(-sum(value for value in self.movements.values() if value < 0))

    def move(self, kind: str, amount: int) -> None:
        """Add to a kind of movement."""
        if amount:
            self.movements[kind] = self.movements.get(kind, 0) + amount


@dataclass(frozen=True)
class SiteAccounts:
    """All accounts of a site over a period."""

    site: SiteId
    period: Period
    lines: tuple[Line, ...]
    without_site: tuple[LotId, ...]
    """Lots of the holder that could not be told to belong to any site."""


@dataclass(frozen=True)
class _Life:
    """A lot with the steps between which it was there."""

    lot: HeldLot
    made: Making | None
    spent: Making | None
    born: BlockTime
    died: BlockTime | None


def site_accounts(
    state: State, lots: Iterable[HeldLot], site: SiteId, sites: frozenset[SiteId], period: Period
) -> SiteAccounts:
    """Return the accounts of one of the holder's sites; ``sites`` are all of them."""
    lives = [_life(state, lot) for lot in lots]
    homes = _homes(state, lives, sites)
    forms = state.tables.forms
    ledger: dict[Account, Line] = {}
    for life in lives:
        if homes.get(life.lot.lot_id) != site:
            continue
        form_class = forms[life.lot.public.form].form_class
        if form_class is FormClass.CREDIT:
            _enter(ledger, life, period, _CREDIT, expires=True)
        elif not form_class.is_right:
            _enter(ledger, life, period, _MATERIAL, expires=False)
    lines = tuple(ledger[account] for account in sorted(ledger))
    lost = tuple(
        life.lot.lot_id
        for life in lives
        if life.lot.lot_id not in homes
        and not forms[life.lot.public.form].form_class.is_right
        and (life.died is None or life.died >= period.start)
        and life.born < period.end
    )
    return SiteAccounts(site, period, lines, lost)


def check_continues(accounts: SiteAccounts, before: Mapping[Account, int]) -> None:
    """Check that the accounts go on from the closing of the period before, as it was stated.

    Raises:
        AccountNegative: what went out is more than was stated to be there and came in.
        OpeningDiffers: the vault opens with another amount than was stated.
    """
    found = {line.account: line for line in accounts.lines}
    for account in sorted({*found, *before}):
        line = found.get(account, Line(account))
        stated = before.get(account, 0)
        closing = line.closing - line.opening + stated
        if closing < 0:
            raise AccountNegative(account.text, Milligrams(-closing))
        if line.opening != stated:
            raise OpeningDiffers(account.text, Milligrams(stated), Milligrams(line.opening))


def _life(state: State, lot: HeldLot) -> _Life:
    made = state.makings.get(Hash32(lot.maker))
    consumer = state.consumers.get(lot.lot_id)
    spent = None if consumer is None else state.makings.get(consumer)
    ended = None if spent is None else state.entries.get(EntryId(spent.entry))
    died = None if ended is None else BlockTime(ended.time)
    return _Life(lot, made, spent, BlockTime(lot.time), died)


# ------------------------------------------------------------------ which site


def _homes(state: State, lives: Iterable[_Life], sites: frozenset[SiteId]) -> dict[LotId, SiteId]:
    """Return the site of each lot that can be told."""
    homes: dict[LotId, SiteId] = {}
    ordered = sorted(lives, key=lambda life: (life.lot.leaf, life.lot.output))
    for life in ordered:
        home = _made_at(state, life, homes, sites)
        if home is not None:
            homes[life.lot.lot_id] = home
    for life in reversed(ordered):
        if life.lot.lot_id not in homes:
            home = _used_at(life, homes, sites)
            if home is not None:
                homes[life.lot.lot_id] = home
    if len(sites) == 1:
        (only,) = sites
        for life in ordered:
            homes.setdefault(life.lot.lot_id, only)
    return homes


def _made_at(
    state: State, life: _Life, homes: Mapping[LotId, SiteId], sites: frozenset[SiteId]
) -> SiteId | None:
    if life.lot.site is not None and SiteId(life.lot.site) in sites:
        return SiteId(life.lot.site)
    record = state.lots.get(life.lot.lot_id)
    if record is not None and record.equals is not None:
        return homes.get(record.equals)
    if life.made is None or life.made.family == Family.SALE.value:
        return None
    if life.made.site is not None:
        return life.made.site if life.made.site in sites else None
    return next((homes[lot] for lot in life.made.inputs if lot in homes), None)


def _used_at(life: _Life, homes: Mapping[LotId, SiteId], sites: frozenset[SiteId]) -> SiteId | None:
    if life.spent is None or life.spent.family == Family.SALE.value:
        return None
    if life.spent.site is not None:
        return life.spent.site if life.spent.site in sites else None
    return next((homes[lot] for lot in life.spent.outputs if lot in homes), None)


# ------------------------------------------------------------------ movements


def _enter(
    ledger: dict[Account, Line],
    life: _Life,
    period: Period,
    kinds: Mapping[str, str],
    *,
    expires: bool,
) -> None:
    """Enter one lot: there at the opening, or made, and used up or expired within the period."""
    died, ending = life.died, _kind(kinds, life.spent, "sold")
    expiry = life.lot.public.expiry
    if expires and died is None and expiry is not None and expiry < period.end:
        died, ending = BlockTime(expiry), "expired"
    if life.born >= period.end or (died is not None and died < period.start):
        return
    for account, amount in _amounts(life.lot):
        line = ledger.setdefault(account, Line(account))
        if life.born < period.start:
            line.opening += amount
        else:
            line.move(_kind(kinds, life.made, "received"), amount)
        if died is not None and died < period.end:
            line.move(ending, -amount)


def _kind(kinds: Mapping[str, str], making: Making | None, traded: str) -> str:
    if making is None:
        return "corrected"
    if making.family == Family.SALE.value:
        return traded
    return kinds.get(making.family, "handled")


def _amounts(lot: HeldLot) -> Iterator[tuple[Account, int]]:
    contents = lot.contents
    for strand, amount in contents.amounts.items():
        if strand.kind in (Kind.METAL, Kind.TOLERANCE):
            yield Account(strand.name), amount
    for (strand, claim), amount in contents.claims.items():
        if strand.kind in (Kind.METAL, Kind.CREDIT):
            yield Account(strand.name, claim.text), amount
