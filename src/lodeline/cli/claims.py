"""`lodeline prove`, `check-claim`: one claim about named lots, for one audience."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import last_second
from lodeline.cli.figures import contents_text
from lodeline.cli.progress import waiting
from lodeline.cli.refusals import CHECK_FAILED, OK
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.exchange.claim_text import read_claim, say_question
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime, format_time
from lodeline.ledger.claim_file import Asked, CheckedClaim, verify_claim_file
from lodeline.node.answering import ClaimOrder, nonce_of, prove_claim
from lodeline.node.clock import SystemClock
from lodeline.node.holding import holding
from lodeline.node.trust import TrustMissing, trust_for
from lodeline.node.workspace import Workspace, read_file, write_file

__all__ = ["check_claim", "prove"]

_DAYS = 30
_DAY = 86_400


def prove(  # noqa: PLR0913 - one for each option of the command
    context: typer.Context,
    lots: Annotated[list[str], typer.Argument()],
    claim: Annotated[str, typer.Option()],
    verifier: Annotated[str, typer.Option("--for")],
    *,
    request: Annotated[str | None, typer.Option("--nonce")] = None,
    until: Annotated[str | None, typer.Option()] = None,
    purpose: Annotated[str, typer.Option()] = "",
    product: Annotated[str | None, typer.Option()] = None,
    out: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    """Prove a claim about lots to one verifier."""
    terminal = terminal_of(context)
    question = read_claim(claim)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        end = BlockTime(session.now() + _DAYS * _DAY) if until is None else last_second(until)
        with holding(session, member) as own:
            held = own.lots_named(tuple(lots))
            for lot in held:
                terminal.say(
                    "claim.about",
                    lot=lot.lot_id,
                    contents=contents_text(lot.contents, terminal.lang),
                )
            terminal.say("claim.claims", claim=say_question(question, terminal.lang))
            order = ClaimOrder(question, verifier, end, request, purpose, product)
            with waiting(terminal, "proving"):
                data = prove_claim(own, held, order)
    path = out or Path(f"{held[0].lot_id.hex()[:12]}.claim")
    write_file(path, data)
    terminal.say("claim.written", file=path, verifier=verifier, until=format_time(end))
    terminal.emit({"file": str(path), "verifier": verifier, "expires": format_time(end)})


def check_claim(  # noqa: PLR0913 - one for each option of the command
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    verifier: Annotated[str | None, typer.Option("--for")] = None,
    *,
    request: Annotated[str | None, typer.Option("--nonce")] = None,
    product: Annotated[str | None, typer.Option()] = None,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
    newer: Annotated[str | None, typer.Option("--not-before")] = None,
) -> int:
    """Check a claim file; exit code 1 if it does not hold."""
    terminal = terminal_of(context)
    try:
        pinned = trust_for(trust, terminal.options.home)
    except TrustMissing as refusal:
        terminal.refuse(refusal)
        return CHECK_FAILED
    asked = Asked(
        chain=pinned.chain,
        verifier=verifier
        or Workspace.open_at(terminal.options.home).member(terminal.options.member),
        now=SystemClock().now(),
        nonce=None if request is None else nonce_of(request),
        product=product,
        oldest=None if newer is None else BlockTime(last_second(newer) - _DAY + 1),
    )
    data = read_file(file)
    try:
        found = verify_claim_file(data, pinned.policy(), asked)
    except LodelineError as refusal:
        terminal.refuse(refusal)
        return CHECK_FAILED
    _report(terminal, asked, found)
    return OK


def _report(terminal: Terminal, asked: Asked, found: CheckedClaim) -> None:
    claim = say_question(found.question, terminal.lang)
    terminal.say("claim.holds", claim=claim, lots=len(found.lots))
    terminal.say(
        "claim.context",
        verifier=found.audience.verifier,
        purpose=found.audience.purpose or "–",
        product=found.audience.product or "–",
        until=format_time(BlockTime(found.audience.expires)),
    )
    terminal.say(
        "claim.checkpoint",
        size=found.checkpoint.size,
        time=format_time(found.checkpoint.time),
    )
    if asked.nonce is None:
        terminal.say("claim.no_nonce")
    terminal.say("claim.not_shown")
    terminal.emit(
        {
            "holds": True,
            "claim": claim,
            "lots": [lot.hex() for lot in found.lots],
            "verifier": found.audience.verifier,
            "purpose": found.audience.purpose,
            "product": found.audience.product,
            "expires": format_time(BlockTime(found.audience.expires)),
            "checkpoint": {
                "size": found.checkpoint.size,
                "time": format_time(found.checkpoint.time),
            },
            "fresh": asked.nonce is not None,
        }
    )
