"""`lodeline witness` and `lodeline log witness`: outside eyes on a log."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.refusals import CHECK_FAILED, OK, worded
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.witnesses.client import WitnessClient
from lodeline.engine.witnesses.evidence import ForkEvidence
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import format_time
from lodeline.ledger.checkpoint import TooFewCosignatures, verify_checkpoint
from lodeline.ledger.cosignature import parse_witness_key
from lodeline.ledger.signednote import KeyName
from lodeline.node.clock import SystemClock
from lodeline.node.trust import read_trust, write_trust
from lodeline.node.witnessing import (
    AskedWitness,
    alarms_in,
    check_evidence,
    followed_logs,
    make_key,
    one_round,
    published_logs,
    send_to_witnesses,
    serve,
    witness_in,
    witness_urls,
)

__all__ = ["alarms", "evidence", "key", "rely", "run", "send"]

_Folder = Annotated[Path, typer.Option("--folder")]


def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument()],
    *,
    folder: _Folder,
) -> None:
    """Make the key of a witness and print its public half."""
    terminal = terminal_of(context)
    made = make_key(folder, KeyName(name), SystemEntropy())
    terminal.line(str(made))
    terminal.emit({"key": str(made)})


def run(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    folder: _Folder,
    listen: Annotated[str, typer.Option("--listen")] = "127.0.0.1:8750",
    log: Annotated[list[str] | None, typer.Option("--log")] = None,
    trust: Annotated[list[Path] | None, typer.Option("--trust")] = None,
    peer: Annotated[list[str] | None, typer.Option("--peer")] = None,
    tiles: Annotated[list[str] | None, typer.Option("--tiles")] = None,
    every: Annotated[int, typer.Option("--every", min=1)] = 60,
) -> int:
    """Run a witness until it is asked to end; exit code 1 if it has evidence of a fork."""
    terminal = terminal_of(context)
    logs = followed_logs(log or (), trust or ())

    def tell(origin: str, file: Path) -> None:
        terminal.warn(terminal.texts("witness.alarm", origin=origin, file=file))

    with ExitStack() as stack:
        witness = stack.enter_context(witness_in(folder, logs, SystemClock(), tell))
        peers = [stack.enter_context(WitnessClient(url)) for url in peer or ()]
        published = stack.enter_context(published_logs(tiles or ()))

        def compare() -> None:
            for refusal in one_round(witness, peers, published).refusals:
                terminal.warn(worded(refusal, terminal.lang).explain(terminal.lang))

        def started(url: str) -> None:
            terminal.say("witness.listening", name=witness.key.name, url=url, logs=witness.logs)
            terminal.out.flush()

        serve(witness, listen, started, compare if peers or published else None, every)
        found = witness.shelf.alarms()
    terminal.emit({"alarms": [item.digest.hex() for item in found]})
    return CHECK_FAILED if found else OK


def alarms(context: typer.Context, *, folder: _Folder) -> int:
    """List the evidence of forks that a witness keeps; exit code 1 if there is some."""
    terminal = terminal_of(context)
    found = alarms_in(folder)
    for item in found:
        name = f"{item.digest.hex()}.json"
        terminal.say("witness.alarm", origin=item.origin, file=folder / "alarms" / name)
    if not found:
        terminal.say("witness.quiet")
    terminal.emit([{"evidence": item.digest.hex(), "origin": item.origin} for item in found])
    return CHECK_FAILED if found else OK


def evidence(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    *,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
) -> int:
    """Check evidence of a fork like a stranger; exit code 1 if it shows none."""
    terminal = terminal_of(context)
    policy = None if trust is None else read_trust(trust).policy()
    try:
        item, fork = check_evidence(file, policy)
    except LodelineError as refusal:
        terminal.refuse(refusal)
        return CHECK_FAILED
    terminal.say(
        "witness.fork",
        origin=item.origin,
        kind=terminal.texts(f"witness.kind.{fork.kind}"),
        first=fork.first.size,
        first_root=fork.first.root,
        second=fork.second.size,
        second_root=fork.second.root,
    )
    terminal.say("witness.both", signers=fork.signed_both or "–")
    if trust is None:
        _keys_of(terminal, item)
    terminal.emit(
        {
            "origin": item.origin,
            "kind": fork.kind,
            "sizes": [fork.first.size, fork.second.size],
            "roots": [fork.first.root.hex(), fork.second.root.hex()],
            "signed_both": list(fork.signed_both),
            "keys_compared": trust is not None,
        }
    )
    return OK


def _keys_of(terminal: Terminal, item: ForkEvidence) -> None:
    terminal.say("witness.keys")
    for line in item.members:
        terminal.line(f"  {line}")


def send(
    context: typer.Context,
    *,
    witness: Annotated[list[str] | None, typer.Option("--witness")] = None,
    known: Annotated[list[str] | None, typer.Option("--key")] = None,
) -> int:
    """Have the last checkpoint cosigned by witnesses; exit code 1 if too few of them did."""
    terminal = terminal_of(context)
    more = [parse_witness_key(text) for text in known or ()]
    urls = witness_urls(terminal.workspace, witness or ())
    with ExitStack() as stack:
        clients = [stack.enter_context(WitnessClient(url)) for url in urls]
        session = stack.enter_context(terminal.session())
        note, outcomes = send_to_witnesses(session, clients, more)
        policy = read_trust(session.workspace.trust).policy()
    for outcome in outcomes:
        _say_outcome(terminal, outcome)
    terminal.emit(
        {
            "checkpoint": note.decode(),
            "witnesses": [_outcome_data(terminal, outcome) for outcome in outcomes],
        }
    )
    if not any(outcome.cosigned for outcome in outcomes):
        return CHECK_FAILED
    try:
        verify_checkpoint(note, policy)
    except TooFewCosignatures as refusal:
        terminal.warn(refusal.message(terminal.lang))
        return CHECK_FAILED
    return OK


def _say_outcome(terminal: Terminal, outcome: AskedWitness) -> None:
    for name, time in outcome.cosigned:
        terminal.say("witness.cosigned", url=outcome.url, name=name, time=format_time(time))
    if outcome.refusal is not None:
        terminal.warn(worded(outcome.refusal, terminal.lang).explain(terminal.lang))


def _outcome_data(terminal: Terminal, outcome: AskedWitness) -> dict[str, object]:
    return {
        "url": outcome.url,
        "cosigned": {name: format_time(time) for name, time in outcome.cosigned},
        "problem": None if outcome.refusal is None else outcome.refusal.problem(terminal.lang),
    }


def rely(
    context: typer.Context,
    known: Annotated[list[str] | None, typer.Option("--key")] = None,
    *,
    threshold: Annotated[int, typer.Option("--threshold", min=0)] = 0,
) -> None:
    """Name the witnesses of the pinned trust file, and how many must have cosigned."""
    terminal = terminal_of(context)
    keys = [parse_witness_key(text) for text in known or ()]
    workspace = terminal.workspace
    trust = read_trust(workspace.trust).witnessed_by(keys, threshold)
    terminal.confirm("witness.confirm", names=[key.name for key in keys], threshold=threshold)
    write_trust(workspace, trust, over=True)
    terminal.say("witness.relied", count=len(keys), threshold=threshold)
    terminal.emit({"witnesses": list(trust.witnesses), "threshold": threshold})
