"""`lodeline reverse`, `correct`, `recall` and `lift-recall`: mistakes undone, bad lots flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import answer
from lodeline.cli.progress import waiting
from lodeline.cli.terminal import terminal_of
from lodeline.cli.transforms import echo, say_sent
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.kernel.ids import MemberId
from lodeline.ledger.entries import LiftRecall
from lodeline.node.correcting import correct as correct_lot
from lodeline.node.correcting import prepare_correction, step_named
from lodeline.node.governing import vote
from lodeline.node.holding import holding
from lodeline.node.transforming import prove_chain, seconds_to_prove
from lodeline.node.undoing import Undoing, encode_undoing, go_on, read_undoing
from lodeline.node.undoing import recall as recall_lot
from lodeline.node.undoing import reverse as reverse_lot
from lodeline.node.workspace import read_file, write_file

__all__ = ["correct", "lift_recall", "recall", "reverse"]

RequestFile = Annotated[Path | None, typer.Option("--request")]


def reverse(
    context: typer.Context,
    what: Annotated[str, typer.Argument()],
    *,
    request: RequestFile = None,
    out: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    """Undo the step that made a lot, or go on with a reversal file."""
    terminal = terminal_of(context)
    file = Path(what)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own, waiting(terminal, "proving"):
            if file.is_file():
                done = go_on(own, read_undoing(read_file(file)))
                name = file.stem
            else:
                lot = own.lot_named(what)
                done = reverse_lot(own, lot)
                name = lot.maker.hex()[:12]
            if not isinstance(done, Undoing):
                say_sent(terminal, own, done, request or Path(f"{name}-reversal.request"))
                return
    path = out or Path(f"{name}.undo")
    write_file(path, encode_undoing(done), over=file.is_file() and path == file)
    terminal.say("reverse.back" if done.body is not None else "reverse.begun", file=path)
    terminal.emit({"file": str(path), "agreed": done.body is not None})


def correct(
    context: typer.Context,
    lot: Annotated[str, typer.Argument()],
    masses: Annotated[list[str], typer.Argument()],
    *,
    auditor: Annotated[str, typer.Option()],
    step: Annotated[str | None, typer.Option("--step")] = None,
    request: RequestFile = None,
) -> None:
    """Set right how much is in a lot, for a step that cannot be undone any more."""
    terminal = terminal_of(context)
    found = [parse_element_amount(text) for text in masses]
    right = {each.element: each.mass for each in found}
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            held, wrong = own.lot_named(lot), None if step is None else step_named(own, step)
            corrected = prepare_correction(own, held, right, wrong, MemberId(auditor))
            echo(terminal, own, corrected.prepared)
            terminal.confirm("correct.confirm")
            chain = corrected.prepared.chain
            with waiting(terminal, "transform.proving", seconds=seconds_to_prove(own, chain)):
                (built,) = prove_chain(own, chain)
            sent = correct_lot(own, corrected, built)
            path = request or Path(f"{held.lot_id.hex()[:12]}-correction.request")
            say_sent(terminal, own, sent, path)


def recall(
    context: typer.Context,
    lot: Annotated[str, typer.Argument()],
    reason: Annotated[str, typer.Option()],
) -> None:
    """Flag a lot and everything that came of it."""
    from lodeline.node.tracing import lot_in_log  # noqa: PLC0415 - its library of arrays is slow

    terminal = terminal_of(context)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = lot_in_log(own, lot)
            terminal.confirm("recall.confirm", lot=found)
            sent = recall_lot(own, found, reason)
            terminal.say("recall.flagged", lots=len(list(session.state.flags.items())))
            say_sent(terminal, own, sent, Path("never.request"))


def lift_recall(
    context: typer.Context,
    lot: Annotated[str, typer.Argument()],
    request: RequestFile = None,
) -> None:
    """Lift a recall by vote."""
    from lodeline.node.tracing import lot_in_log  # noqa: PLC0415 - its library of arrays is slow

    terminal = terminal_of(context)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = lot_in_log(own, lot)
        answer(terminal, session, vote(session, (LiftRecall(found),)), request)
