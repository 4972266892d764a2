"""`lodeline transform`, `cosign`, `submit` and `queue`: a step, its co-signers, and what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import answer
from lodeline.cli.figures import contents_text
from lodeline.cli.progress import waiting
from lodeline.cli.refusals import OK, REFUSED, worded
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.exchange.transform_file import read_transform_file
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.units import format_emissions
from lodeline.node.cosigning import co_sign, looked_at, submit_request
from lodeline.node.figures import contents_data
from lodeline.node.holding import Holding, holding
from lodeline.node.requests import Seen, encode_request, read_request
from lodeline.node.sending import Queued, Sent, drop_queued, send_queued
from lodeline.node.sending import abandon as abandon_request
from lodeline.node.transforming import (
    Prepared,
    finish,
    planned_outputs,
    prepare,
    prove_chain,
    seconds_to_prove,
)
from lodeline.node.workspace import read_file, write_file

__all__ = ["abandon", "cosign", "drop", "echo", "queued", "say_sent", "send", "submit", "transform"]


def transform(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    *,
    request: Annotated[Path | None, typer.Option("--request")] = None,
    plan: Annotated[bool, typer.Option("--plan")] = False,
) -> None:
    """Report what happened to material."""
    terminal = terminal_of(context)
    written = read_transform_file(str(file), read_file(file).decode("utf-8", errors="replace"))
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            prepared = prepare(own, written, file.parent)
            echo(terminal, own, prepared)
            if plan:
                terminal.emit(_plan_data(own, prepared))
                return
            terminal.confirm("transform.confirm")
            seconds = seconds_to_prove(own, prepared.chain)
            with waiting(terminal, "transform.proving", seconds=seconds):
                built = prove_chain(own, prepared.chain)
            done = finish(own, prepared, built)
            made = [lot.lot_id for lot in done.built.made]
            say_sent(terminal, own, done.sent, request or Path(f"{file.stem}.request"))
    for lot in made:
        terminal.say("transform.made", lot=lot)


def echo(terminal: Terminal, own: Holding, prepared: Prepared) -> None:
    """Say what goes in and what comes out, in contained masses, before anything is proved."""
    recipe = prepared.recipe
    title = recipe.title_fr if terminal.lang == "fr" else recipe.title_en
    terminal.say("transform.title", title=title, site=prepared.step.site or "–")
    for lot in prepared.inputs:
        terminal.say(
            "transform.input",
            lot=lot.lot_id,
            form=lot.public.form,
            contents=contents_text(lot.contents, terminal.lang),
        )
    for output in planned_outputs(own, prepared):
        terminal.say(
            "transform.output",
            form=output.contents.form,
            contents=contents_text(output.contents, terminal.lang),
            to=output.to,
        )
        for advice in output.advice:
            terminal.say("transform.advice", text=advice.text(terminal.lang))
    if prepared.step.process is not None:
        terminal.say(
            "transform.process",
            emissions=format_emissions(prepared.step.process.emissions, terminal.lang),
            primary=format_emissions(prepared.step.process.primary, terminal.lang),
        )
    if prepared.step.signers:
        signers = [f"{signer.member} ({signer.role})" for signer in prepared.step.signers]
        terminal.say("transform.signers", signers=signers)


def _plan_data(own: Holding, prepared: Prepared) -> dict[str, object]:
    return {
        "recipe": prepared.recipe.name,
        "site": prepared.step.site,
        "inputs": [
            {"lot": lot.lot_id.hex(), **contents_data(lot.contents)} for lot in prepared.inputs
        ],
        "outputs": [
            {"to": output.to, **contents_data(output.contents)}
            for output in planned_outputs(own, prepared)
        ],
    }


def say_sent(terminal: Terminal, own: Holding, sent: Sent, request: Path) -> None:
    """Say whether an entry is in the log, in the queue, or waits for signatures in a file."""
    if isinstance(sent, Queued):
        terminal.say("queue.waiting", number=sent.number)
        terminal.emit({"queued": sent.number})
        return
    answer(terminal, own.session, sent, request)


# ------------------------------------------------------------------ co-signing


def cosign(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    *,
    hold: Annotated[bool, typer.Option("--no-submit")] = False,
) -> None:
    """Look at a request and sign it; the last signature sends the entry."""
    terminal = terminal_of(context)
    request = read_request(read_file(file))
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        for seen in looked_at(session, request, member):
            _show_seen(terminal, seen)
        terminal.confirm("cosign.confirm", member=member)
        signed = co_sign(session, request, member)
        write_file(file, encode_request(signed.request), over=True)
        terminal.say("cosign.signed", member=member)
        if not signed.is_complete or hold:
            terminal.say("cosign.missing", missing=signed.missing or "–", file=file)
            terminal.emit({"signed": member, "missing": list(signed.missing)})
            return
        answer(terminal, session, submit_request(session, signed.request), None)


def _show_seen(terminal: Terminal, seen: Seen) -> None:
    if seen.process is not None:
        emissions, primary = seen.process
        terminal.say(
            "transform.process",
            emissions=format_emissions(emissions, terminal.lang),
            primary=format_emissions(primary, terminal.lang),
        )
    elif seen.contents is not None:
        terminal.say(
            f"cosign.{seen.kind}",
            number=seen.index + 1,
            form=seen.contents.form,
            contents=contents_text(seen.contents, terminal.lang),
        )


def submit(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Send a request that everybody has signed."""
    terminal = terminal_of(context)
    request = read_request(read_file(file))
    with terminal.session() as session:
        answer(terminal, session, submit_request(session, request), None)


def abandon(context: typer.Context, file: Annotated[Path, typer.Argument()]) -> None:
    """Free the lots that a request holds."""
    terminal = terminal_of(context)
    request = read_request(read_file(file))
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            freed = abandon_request(own, request)
    terminal.say("cosign.abandoned", lots=freed or "–")
    terminal.emit({"freed": [lot.hex() for lot in freed]})


# ------------------------------------------------------------------ the queue


def queued(context: typer.Context) -> None:
    """List the entries that wait to be sent."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            pending = own.vault.pending()
    terminal.table(
        (">number", "subject", ">bytes"),
        ((str(item.number), item.label, str(len(item.data))) for item in pending),
    )
    terminal.emit(
        [{"number": item.number, "label": item.label, "bytes": len(item.data)} for item in pending]
    )


def send(context: typer.Context) -> int:
    """Send what waits, in its order; exit code 2 if the ledger refused something."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            outcomes = send_queued(own)
    data = []
    for item in outcomes:
        outcome = item.outcome
        if isinstance(outcome, LodelineError):
            reason = worded(outcome, terminal.lang).message(terminal.lang)
            terminal.say("queue.refused", number=item.queued.number, reason=reason)
            data.append({"number": item.queued.number, "problem": outcome.problem(terminal.lang)})
        else:
            terminal.say("queue.sent", number=item.queued.number, index=outcome.index)
            data.append({"number": item.queued.number, "entry": outcome.index})
    if not outcomes:
        terminal.say("queue.empty")
    terminal.emit(data)
    return REFUSED if any(isinstance(item.outcome, LodelineError) for item in outcomes) else OK


def drop(context: typer.Context, number: Annotated[int, typer.Argument()]) -> None:
    """Take an entry from the queue unsent; its lots are free again."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            freed = drop_queued(own, number)
    terminal.say("queue.dropped", number=number, lots=freed or "–")
    terminal.emit({"dropped": number, "freed": [lot.hex() for lot in freed]})
