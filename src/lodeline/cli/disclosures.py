"""`lodeline disclose`, `read-disclosure`: a lot's numbers for one member."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.figures import contents_text, intensity_text
from lodeline.cli.terminal import terminal_of
from lodeline.kernel.ids import MemberId, check_name
from lodeline.node.disclosing import disclose as disclose_lot
from lodeline.node.disclosing import read_disclosed
from lodeline.node.figures import contents_data, figures_of
from lodeline.node.holding import holding
from lodeline.node.workspace import read_file, write_file

__all__ = ["disclose", "read_disclosure"]


def disclose(
    context: typer.Context,
    lot: Annotated[str, typer.Argument()],
    to: Annotated[str, typer.Option("--to")],
    *,
    remark: Annotated[str, typer.Option()] = "",
    out: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    """Show one lot to one member."""
    terminal = terminal_of(context)
    reader = MemberId(check_name(to))
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            held = own.lot_named(lot)
            data = disclose_lot(own, held, reader, remark)
            shown = contents_text(held.contents, terminal.lang)
    path = out or Path(f"{held.lot_id.hex()[:12]}.for-{reader}".replace("/", "-"))
    write_file(path, data)
    terminal.say("disclosure.written", file=path, to=reader, contents=shown)
    terminal.emit({"file": str(path), "lot": held.lot_id.hex(), "for": reader})


def read_disclosure(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Read what somebody disclosed, checked against the ledger."""
    terminal = terminal_of(context)
    data = read_file(file)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        found = read_disclosed(session, member, data)
    contents = found.shown.contents
    terminal.say("disclosure.lot", lot=found.shown.lot, form=contents.form)
    terminal.line(f"  {contents_text(contents, terminal.lang)}")
    intensity = intensity_text(figures_of(contents), terminal.lang)
    if intensity:
        terminal.line(f"  {intensity}")
    if found.shown.remark:
        terminal.line(f"  {found.shown.remark}")
    terminal.say("disclosure.checked")
    terminal.say("disclosure.unspent" if found.unspent else "disclosure.spent")
    if found.recalled:
        terminal.say("disclosure.recalled")
    terminal.emit(
        {
            "lot": found.shown.lot.hex(),
            "unspent": found.unspent,
            "recalled": found.recalled,
            "site": found.shown.site,
            "product": found.shown.product,
            "remark": found.shown.remark,
            **contents_data(contents),
        }
    )
