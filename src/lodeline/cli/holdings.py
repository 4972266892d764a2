"""`lodeline lots` and `balance`: what a member holds, in figures that only its vault knows."""

from __future__ import annotations

from typing import Annotated

import typer

from lodeline.cli.figures import (
    claims_text,
    emissions_text,
    intensity_text,
    lot_data,
    masses_text,
    status_text,
)
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.holder.contents import Contents
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.kernel.time import BlockTime, format_time
from lodeline.node.figures import figures_data, figures_of, total_figures
from lodeline.node.holding import Holding, holding

__all__ = ["balance", "lots"]


def lots(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all")] = False,
    form: Annotated[str | None, typer.Option()] = None,
) -> None:
    """List the lots of a member."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = [
                lot
                for lot in own.vault.lots()
                if (everything or lot.status is not LotStatus.SPENT)
                and (form is None or lot.public.form == form)
            ]
            others = _others(own)
            now = session.now()
    terminal.table(
        ("lot", "form", ">contains", "claims", ">emissions", "where", "expires", "status"),
        (_row(terminal, lot, now) for lot in found),
    )
    terminal.say("lots.others", count=others)
    terminal.emit([lot_data(lot) for lot in found])


def _others(own: Holding) -> int:
    """Return how many unspent lots of the ledger this member knows nothing of."""
    state, known = own.session.state, own.known()
    return sum(state.is_unspent(lot) and lot not in known for lot, _ in state.lots.items())


def _row(terminal: Terminal, lot: HeldLot, now: BlockTime) -> tuple[str, ...]:
    figures = figures_of(lot.contents)
    expiry = lot.public.expiry
    ends = "" if expiry is None else format_time(expiry)[:10]
    over = expiry is not None and now > expiry
    return (
        lot.lot_id.hex()[:12],
        lot.public.form,
        masses_text(figures, terminal.lang, "\n"),
        claims_text(figures, terminal.lang, "\n"),
        emissions_text(figures, terminal.lang),
        lot.site or lot.product or "",
        terminal.texts("lot.expired", day=ends) if over else ends,
        status_text(terminal, lot.status),
    )


def balance(context: typer.Context) -> None:
    """Sum up what a member holds, form by form."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            kept = [lot for lot in own.vault.lots() if lot.status is not LotStatus.SPENT]
    forms: dict[str, list[Contents]] = {}
    for lot in kept:
        forms.setdefault(lot.public.form, []).append(lot.contents)
    totals = {form: total_figures(contents) for form, contents in forms.items()}
    terminal.table(
        ("form", ">lots", ">contains", "claims", ">emissions", "intensity"),
        (
            (
                form,
                str(len(forms[form])),
                masses_text(figures, terminal.lang, "\n"),
                claims_text(figures, terminal.lang, "\n"),
                emissions_text(figures, terminal.lang),
                intensity_text(figures, terminal.lang),
            )
            for form, figures in totals.items()
        ),
    )
    terminal.emit(
        [
            {"form": form, "lots": len(forms[form]), **figures_data(figures)}
            for form, figures in totals.items()
        ]
    )
