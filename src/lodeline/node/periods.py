"""A period's close: accounts of a site against counted stock, as CSV and as a signed statement.

The statement is the member's word, signed with its key and fixed in time by an anchor in the
ledger. It says itself what it cannot show: that everything was reported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodeline.crypto.signatures import (
    SignatureContext,
    SignatureInvalid,
    SignatureLength,
    sign,
    verify,
)
from lodeline.engine.interface import Receipt
from lodeline.exchange.period_csv import PeriodRow, write_period_csv
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    Hash32,
    MemberId,
    SignatureBytes,
    SiteId,
)
from lodeline.kernel.time import BlockTime, Period, format_time, month_of, quarter_of
from lodeline.kernel.units import Milligrams
from lodeline.ledger.change import AnchorKey
from lodeline.ledger.entries import Anchor, AnchorBody, entry_id
from lodeline.ledger.refusals_transforms import UnknownSite
from lodeline.node.accounts import MOVEMENTS, Account, SiteAccounts, check_continues, site_accounts
from lodeline.node.holding import Holding
from lodeline.node.logbook import checkpoint_now
from lodeline.node.sending import Queued, send
from lodeline.node.session import Session
from lodeline.node.workspace import write_file

__all__ = [
    "ClosedPeriod",
    "Statement",
    "accounts_of",
    "check_statement",
    "close_period",
    "counted_rows",
    "default_period",
    "read_statement",
]

_FORMAT: Final = "lodeline-period-v1"
_DOMAIN: Final = b"lodeline/v1/period-statement\0"
_KIND: Final = "period statement"
_NOTE: Final = "period"
_SAYS: Final[Mapping[str, str]] = {
    "en": "This statement lists what the member's own vault shows. It cannot prove that everything "
    "was reported, that nothing came or went beside the ledger, or that the counting was right.",
    "fr": "Ce relevé montre ce que connaît le coffre du membre. Il ne peut prouver que tout a été "
    "déclaré, que rien n'est entré ni sorti hors du registre, ni que l'inventaire est juste.",
}


class PeriodNotOver(LodelineError):
    """A period that has not ended."""

    period: str
    end: BlockTime

    code = "period-not-over"
    en = "the period {period} lasts until {end}"
    fr = "la période {period} dure jusqu'au {end}"
    advice_en = "close it afterwards; `lodeline period show` shows it as it stands"
    advice_fr = "fermez-la ensuite ; « lodeline period show » la montre en l'état"


class PeriodClosed(LodelineError):
    """A period that was closed before."""

    period: str
    site: SiteId

    code = "period-closed"
    en = "the period {period} of {site} is closed"
    fr = "la période {period} de {site} est fermée"
    advice_en = "a mistake is corrected in the next period, openly; the statement stays as it is"
    advice_fr = "une erreur se corrige à la période suivante, au grand jour ; le relevé reste"


class CountedUnknown(LodelineError):
    """A counted amount of something that is in no account."""

    element: ElementSymbol

    code = "counted-unknown"
    en = "{element} was counted, and no account of this site has it"
    fr = "{element} a été inventorié, et aucun compte de ce site n'en a"
    advice_en = "report how it came there, or leave it out"
    advice_fr = "déclarez comment il y est venu, ou omettez-le"


class StatementMalformed(LodelineError):
    """A file that is no statement of a period."""

    reason: str

    code = "statement-malformed"
    en = "this is no statement of a period: {reason}"
    fr = "ceci n'est pas un relevé de période : {reason}"
    advice_en = "ask the member for the file as it was written"
    advice_fr = "demandez au membre le fichier tel qu'écrit"


class StatementNotSigned(LodelineError):
    """A statement that the member neither anchored nor signed with its present key."""

    member: MemberId

    code = "statement-not-signed"
    en = "{member} has neither anchored nor signed this statement as it stands"
    fr = "{member} n'a ni ancré ni signé ce relevé tel qu'il est"
    advice_en = "do not rely on it; ask the member for the file as it was written"
    advice_fr = "ne vous y fiez pas ; demandez au membre le fichier tel qu'écrit"


@dataclass(frozen=True)
class Statement:
    """A member's signed word on a period."""

    content: Mapping[str, object]
    signature: SignatureBytes

    @property
    def digest(self) -> Hash32:
        """Return the hash that is signed and anchored."""
        plain = json.dumps(self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return Hash32(hashlib.sha256(_DOMAIN + plain.encode()).digest())

    def text(self) -> str:
        """Return the file's text (JSON)."""
        whole = {**self.content, "signature": self.signature.hex()}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class ClosedPeriod:
    """A period after its close."""

    accounts: SiteAccounts
    rows: tuple[PeriodRow, ...]
    statement: Statement
    anchored: Receipt | Queued
    """Where the anchor stands in the log, or that it waits in the queue."""


def default_period(own: Holding) -> Period:
    """Return the mass-balance period that ended last."""
    constants, now = own.session.constants, own.session.now()
    of = month_of if constants.credit_period == "month" else quarter_of
    return of(BlockTime(of(now).start - 1))


def accounts_of(own: Holding, site: SiteId, period: Period) -> SiteAccounts:
    """Return the accounts of one of the holder's sites.

    Raises:
        UnknownSite: it is not the holder's.
        AccountNegative, OpeningDiffers: it does not go on from the statement of the period before.
    """
    sites = frozenset(
        name for name, record in own.session.state.sites.items() if record.member == own.member
    )
    if site not in sites:
        raise UnknownSite(site)
    accounts = site_accounts(own.session.state, own.vault.lots(), site, sites, period)
    before = own.vault.note(_NOTE, _name(site, _before(period)))
    if before is not None:
        check_continues(accounts, _closings(read_statement(before.decode())))
    return accounts


def _name(site: SiteId, period: Period) -> str:
    return f"{site}-{period.label()}".replace("/", "-")


def _before(period: Period) -> Period:
    """Return the month or quarter before a month or quarter."""
    last = BlockTime(max(0, period.start - 1))
    return month_of(last) if period == month_of(period.start) else quarter_of(last)


def _closings(statement: Statement) -> dict[Account, int]:
    """Return what a statement closed with, account by account.

    Raises:
        StatementMalformed: an account without its numbers.
    """
    accounts = statement.content.get("accounts")
    if not isinstance(accounts, list):
        raise StatementMalformed("no accounts")
    try:
        return {
            Account(str(item["strand"]), str(item["claim"])): int(item["closing"])
            for item in accounts
        }
    except (KeyError, TypeError, ValueError) as refused:
        raise StatementMalformed("an account without its closing") from refused


def counted_rows(
    accounts: SiteAccounts, counted: Mapping[ElementSymbol, Milligrams]
) -> tuple[PeriodRow, ...]:
    """Return the accounts as rows, each metal beside what was counted.

    Raises:
        CountedUnknown: something was counted that is in no account.
    """
    known = {line.account.strand for line in accounts.lines if not line.account.claim}
    for element in counted:
        if element not in known:
            raise CountedUnknown(element)
    return tuple(
        PeriodRow(
            line.account.strand,
            line.account.claim,
            line.opening,
            tuple(line.movements.get(kind, 0) for kind in MOVEMENTS),
            line.closing,
            _counted(line.account, counted),
        )
        for line in accounts.lines
    )


def _counted(account: Account, counted: Mapping[ElementSymbol, Milligrams]) -> int | None:
    return None if account.claim else counted.get(ElementSymbol(account.strand))


def close_period(
    own: Holding,
    site: SiteId,
    period: Period,
    counted: Mapping[ElementSymbol, Milligrams],
    folder: Path,
) -> ClosedPeriod:
    """Close a period: accounts, CSV and statement in a folder, the statement anchored.

    Raises:
        PeriodNotOver, PeriodClosed: not the time for it.
        UnknownSite, AccountNegative, CountedUnknown: the accounts.
        FileExists, FileUnwritable: the files; nothing is anchored then.
    """
    name = _name(site, period)
    now = own.session.now()
    if now < period.end:
        raise PeriodNotOver(period.label(), BlockTime(period.end - 1))
    if own.vault.note(_NOTE, name) is not None:
        raise PeriodClosed(period.label(), site)
    accounts = accounts_of(own, site, period)
    rows = counted_rows(accounts, counted)
    statement = _signed(own, accounts, rows)
    write_file(folder / f"{name}.csv", write_period_csv(MOVEMENTS, rows).encode())
    write_file(folder / f"{name}.json", statement.text().encode())
    anchored = _anchor(own, statement.digest)
    own.vault.put_note(_NOTE, name, statement.text().encode())
    return ClosedPeriod(accounts, rows, statement, anchored)


def _signed(own: Holding, accounts: SiteAccounts, rows: tuple[PeriodRow, ...]) -> Statement:
    at = checkpoint_now(own.session)
    content: dict[str, object] = {
        "format": _FORMAT,
        "chain": own.session.chain,
        "member": own.member,
        "site": accounts.site,
        "period": {
            "name": accounts.period.label(),
            "start": format_time(accounts.period.start),
            "end": format_time(accounts.period.end),
        },
        "ledger": {"entries": at.size, "log_root": at.root.hex(), "state_root": at.state.hex()},
        "unit": "mg",
        "accounts": [_account_data(row) for row in rows],
        "lots_of_no_site": len(accounts.without_site),
        "says": dict(_SAYS),
    }
    unsigned = Statement(content, SignatureBytes(bytes(64)))
    return Statement(content, sign(own.keys.signing, SignatureContext.DISCLOSURE, unsigned.digest))


def _account_data(row: PeriodRow) -> dict[str, object]:
    return {
        "strand": row.strand,
        "claim": row.claim,
        "opening": str(row.opening),
        "movements": {
            kind: str(value) for kind, value in zip(MOVEMENTS, row.movements, strict=True) if value
        },
        "closing": str(row.closing),
        "counted": None if row.counted is None else str(row.counted),
        "difference": None if row.difference is None else str(row.difference),
    }


def _anchor(own: Holding, digest: Hash32) -> Receipt | Queued:
    body = AnchorBody(own.session.chain, own.member, digest, _KIND)
    identity = entry_id(Anchor(body, SignatureBytes(bytes(64))))
    signature = sign(own.keys.signing, SignatureContext.ENTRY, identity)
    return send(own, Anchor(body, signature), _KIND)


def read_statement(text: str) -> Statement:
    """Read a statement; nothing is verified.

    Raises:
        StatementMalformed: it is something else.
    """
    try:
        whole = json.loads(text)
    except ValueError as refused:
        raise StatementMalformed("not JSON") from refused
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT:
        reason = f"no format {_FORMAT}"
        raise StatementMalformed(reason)
    signature = whole.pop("signature", None)
    if not isinstance(signature, str) or not isinstance(whole.get("member"), str):
        raise StatementMalformed("no member or signature")
    try:
        return Statement(whole, SignatureBytes(bytes.fromhex(signature)))
    except ValueError as refused:
        raise StatementMalformed("the signature is not hexadecimal") from refused


def check_statement(session: Session, statement: Statement) -> BlockTime | None:
    """Return when the member anchored a statement, or nothing where it only signed it.

    A signature counts with the member's present key alone; an anchor was signed when it was made.

    Raises:
        StatementMalformed: it is of another ledger.
        UnknownMember, MemberNotActive: nobody to have signed it.
        StatementNotSigned: neither anchored nor signed as it stands.
    """
    member = MemberId(str(statement.content.get("member")))
    if statement.content.get("chain") != session.chain:
        raise StatementMalformed("of another ledger")
    digest = statement.digest
    anchored = session.state.anchors.get(AnchorKey(member, digest))
    if anchored is not None:
        record = session.state.entries.get(anchored)
        return None if record is None else BlockTime(record.time)
    key = session.member(member).key
    try:
        verify(key, SignatureContext.DISCLOSURE, digest, statement.signature)
    except (SignatureInvalid, SignatureLength) as refused:
        raise StatementNotSigned(member) from refused
    return None
