"""`lodeline period`: the account of a site, and its close against counted stock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.grants import amounts_of
from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.exchange.period_csv import PeriodRow
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import SiteId, check_name
from lodeline.kernel.time import format_time, parse_period
from lodeline.kernel.units import Milligrams, format_mass
from lodeline.node.accounts import MOVEMENTS, SiteAccounts
from lodeline.node.holding import holding
from lodeline.node.periods import (
    accounts_of,
    check_statement,
    close_period,
    counted_rows,
    default_period,
    read_statement,
)
from lodeline.node.workspace import read_file

__all__ = ["check", "close", "show"]

CountedOption = Annotated[list[str] | None, typer.Option("--counted")]
PeriodOption = Annotated[str | None, typer.Option("--period")]


def show(
    context: typer.Context,
    site: Annotated[str, typer.Argument()],
    *,
    period: PeriodOption = None,
    counted: CountedOption = None,
) -> None:
    """Show the account of a site as it stands."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            span = default_period(own) if period is None else parse_period(period)
            accounts = accounts_of(own, SiteId(check_name(site)), span)
            rows = counted_rows(accounts, amounts_of(counted or ()))
    _show(terminal, accounts, rows)
    terminal.emit(_data(accounts, rows))


def close(
    context: typer.Context,
    site: Annotated[str, typer.Argument()],
    *,
    period: PeriodOption = None,
    counted: CountedOption = None,
    out: Annotated[Path, typer.Option("--out")] = Path(),
) -> None:
    """Close a period, and write its account as CSV and as a signed statement."""
    terminal = terminal_of(context)
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            name = SiteId(check_name(site))
            span = default_period(own) if period is None else parse_period(period)
            amounts = amounts_of(counted or ())
            terminal.say("period.title", site=name, period=span.label())
            terminal.confirm("period.confirm", period=span.label())
            closed = close_period(own, name, span, amounts, out)
    _show(terminal, closed.accounts, closed.rows)
    terminal.say("period.closed", period=span.label(), folder=out)
    terminal.say("period.says")
    terminal.emit({**_data(closed.accounts, closed.rows), "digest": closed.statement.digest.hex()})


def check(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> int:
    """Check a statement against the ledger; exit code 1 if it is not the member's."""
    terminal = terminal_of(context)
    statement = read_statement(read_file(file).decode("utf-8", errors="replace"))
    with terminal.reading() as session:
        try:
            anchored = check_statement(session, statement)
        except LodelineError as refusal:
            terminal.refuse(refusal)
            return CHECK_FAILED
    member = statement.content.get("member")
    when = None if anchored is None else format_time(anchored)
    if when is None:
        terminal.say("period.signed", member=member)
    else:
        terminal.say("period.anchored", member=member, time=when)
    terminal.say("period.says")
    terminal.emit({"holds": True, "member": member, "anchored": when})
    return OK


def _show(terminal: Terminal, accounts: SiteAccounts, rows: tuple[PeriodRow, ...]) -> None:
    used = [index for index, _ in enumerate(MOVEMENTS) if any(row.movements[index] for row in rows)]
    counted = any(row.counted is not None for row in rows)
    columns = ["account", ">opening", *(f">{MOVEMENTS[index]}" for index in used), ">closing"]
    columns += [">counted", ">difference"] if counted else []
    terminal.table(columns, (_cells(terminal, row, used, counted=counted) for row in rows))
    if accounts.without_site:
        terminal.say("period.left_out", lots=accounts.without_site)


def _cells(
    terminal: Terminal, row: PeriodRow, used: list[int], *, counted: bool
) -> tuple[str, ...]:
    name = f"{row.strand} · {row.claim}" if row.claim else row.strand
    cells = [
        name,
        _mass(terminal, row.opening),
        *(_mass(terminal, row.movements[index]) for index in used),
        _mass(terminal, row.closing),
    ]
    if counted:
        cells += [_mass(terminal, row.counted), _mass(terminal, row.difference)]
    return tuple(cells)


def _mass(terminal: Terminal, amount: int | None) -> str:
    """Return an amount with its unit and sign, empty where there is none."""
    if amount is None:
        return ""
    sign = "−" if amount < 0 else ""
    return sign + format_mass(Milligrams(abs(amount)), terminal.lang)


def _data(accounts: SiteAccounts, rows: tuple[PeriodRow, ...]) -> dict[str, object]:
    return {
        "site": accounts.site,
        "period": accounts.period.label(),
        "accounts": [
            {
                "strand": row.strand,
                "claim": row.claim,
                "opening_mg": str(row.opening),
                "movements_mg": {
                    kind: str(value)
                    for kind, value in zip(MOVEMENTS, row.movements, strict=True)
                    if value
                },
                "closing_mg": str(row.closing),
                "counted_mg": None if row.counted is None else str(row.counted),
            }
            for row in rows
        ],
        "lots_of_no_site": [lot.hex() for lot in accounts.without_site],
    }
