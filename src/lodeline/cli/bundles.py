"""`lodeline bundle` and `verify`: one file for a stranger, and the stranger's check of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.progress import waiting
from lodeline.cli.refusals import CHECK_FAILED, OK, worded
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.exchange.claim_text import say_question
from lodeline.kernel.time import format_time, month_of
from lodeline.ledger.bundle_report import BundleFacts, Report, StepReport, not_shown
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.trust import TrustFile
from lodeline.node.bundles import PUBLIC_READER, check_bundle, make_bundle
from lodeline.node.clock import SystemClock
from lodeline.node.holding import holding
from lodeline.node.trust import TrustMissing, read_trust, trust_for
from lodeline.node.verifying import proof_workers
from lodeline.node.workspace import read_file, write_file

__all__ = ["bundle", "verify"]


def _asked(trust: TrustFile, reader: str | None) -> Asked | None:
    return None if reader is None else Asked(trust.chain, reader, SystemClock().now())


def bundle(
    context: typer.Context,
    lot: Annotated[str, typer.Argument()],
    *,
    claim: Annotated[list[Path] | None, typer.Option("--claim")] = None,
    reader: Annotated[str | None, typer.Option("--for")] = None,
    out: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    """Write everything that a stranger needs to check a lot into one file."""
    terminal = terminal_of(context)
    claims = [read_file(path) for path in claim or ()]
    with terminal.reading() as session, proof_workers() as check:
        member = session.workspace.member(terminal.options.member)
        asked = _asked(read_trust(session.workspace.trust), reader)
        with holding(session, member) as own, waiting(terminal, "bundling"):
            held = own.lot_named(lot)
            made = make_bundle(own, held, claims, check, asked)
    name = held.product or held.lot_id.hex()[:12]
    path = out or Path(f"{name}.bundle".replace("/", "-"))
    write_file(path, made.data)
    terminal.say("bundle.written", file=path, size=len(made.data))
    terminal.say("bundle.trust", trust=terminal.options.home / "trust.json")
    terminal.emit({"file": str(path), "bytes": len(made.data), "lot": held.lot_id.hex()})


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument()],
    *,
    trust: Annotated[Path | None, typer.Option("--trust")] = None,
    reader: Annotated[str | None, typer.Option("--for")] = None,
) -> int:
    """Check a bundle like a stranger; exit code 1 if one step does not hold."""
    terminal = terminal_of(context)
    try:
        pinned = trust_for(trust, terminal.options.home)
    except TrustMissing as refusal:
        terminal.refuse(refusal)
        return CHECK_FAILED
    data = read_file(file)
    with proof_workers() as check, waiting(terminal, "checking"):
        report = check_bundle(data, pinned, check, _asked(pinned, reader or PUBLIC_READER))
    for step in report.steps:
        terminal.line(_step_text(terminal, step))
    if report.facts is not None:
        _facts(terminal, report.facts)
    terminal.say("verify.holds" if report.holds else "verify.fails")
    terminal.emit(_report_data(terminal, report))
    return OK if report.holds else CHECK_FAILED


def _step_text(terminal: Terminal, step: StepReport) -> str:
    title = step.title.text(terminal.lang)
    if step.refusal is not None:
        refusal = worded(step.refusal, terminal.lang)
        return terminal.texts(
            "verify.step_fails",
            number=step.number,
            title=title,
            reason=refusal.message(terminal.lang),
            advice=refusal.advice(terminal.lang),
        )
    found = "" if step.found is None else step.found.text(terminal.lang)
    return terminal.texts("verify.step_holds", number=step.number, title=title, found=found)


def _facts(terminal: Terminal, facts: BundleFacts) -> None:
    for claim in facts.claims:
        terminal.say("verify.claim", claim=say_question(claim.question, terminal.lang))
    terminal.say("verify.sites", sites=facts.sites or "–")
    _grants(terminal, facts)
    terminal.say("verify.not_shown")
    for sentence in not_shown(facts):
        terminal.line(f"  – {sentence.text(terminal.lang)}")


def _grants(terminal: Terminal, facts: BundleFacts) -> None:
    """Say who granted what to which site, the months of one grantor together."""
    months: dict[tuple[str, ...], list[str]] = {}
    for key, record in facts.grants:
        grant = (key.right, key.element, key.standard, key.site, record.grantor)
        months.setdefault(grant, []).append(month_of(key.period).label())
    for (right, element, standard, site, grantor), named in months.items():
        terminal.say(
            "verify.grant",
            right=terminal.texts(f"form.{right}"),
            element=element,
            under=terminal.texts("verify.under", standard=standard) if standard else "",
            site=site,
            grantor=grantor,
            months=", ".join(sorted(set(named))),
        )


def _report_data(terminal: Terminal, report: Report) -> dict[str, object]:
    data: dict[str, object] = {
        "holds": report.holds,
        "steps": [
            {
                "step": step.number,
                "title": step.title.text(terminal.lang),
                "holds": step.holds,
                "established": None if step.found is None else step.found.text(terminal.lang),
                "problem": None if step.refusal is None else step.refusal.problem(terminal.lang),
            }
            for step in report.steps
        ],
    }
    if report.facts is not None:
        data.update(_facts_data(terminal, report.facts))
    return data


def _facts_data(terminal: Terminal, facts: BundleFacts) -> dict[str, object]:
    return {
        "lot": facts.lot.hex(),
        "form": facts.form,
        "product": facts.identifier,
        "consortium": facts.consortium,
        "synthetic": facts.synthetic,
        "checkpoint": {"size": facts.checkpoint.size, "time": format_time(facts.checkpoint.time)},
        "transforms": facts.transforms,
        "proofs": facts.proofs,
        "sites": list(facts.sites),
        "claims": [say_question(claim.question, terminal.lang) for claim in facts.claims],
        "not_shown": [sentence.text(terminal.lang) for sentence in not_shown(facts)],
    }
