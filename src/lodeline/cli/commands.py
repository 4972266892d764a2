"""Which commands there are, and their help in the language of whoever asks.

Functions hold no help: what a command and each of its options is for stands in the catalogues, so
that it exists in both languages or not at all (a test compares the two).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from lodeline.cli import (
    access,
    bench,
    bundles,
    claims,
    consortium,
    consortium_joining,
    consortium_running,
    corrections,
    deliveries,
    demo,
    disclosures,
    disputes,
    event_states,
    event_store,
    events,
    faults,
    founding,
    grants,
    holdings,
    logs,
    members,
    periods,
    publishing,
    recipes,
    serve,
    sharing,
    things,
    tracing,
    trades,
    transforms,
    trusts,
    validator,
    vaults,
    witness,
)
from lodeline.cli.texts import Texts

__all__ = ["COMMANDS", "GROUPS", "build"]

Command = Callable[..., object]

COMMANDS: Final[Mapping[str, Command]] = {
    "init": founding.init,
    "demo": demo.demo,
    "faults": faults.faults,
    "members": members.listed,
    "recognise": members.recognise,
    "grant": grants.grant,
    "lots": holdings.lots,
    "balance": holdings.balance,
    "transform": transforms.transform,
    "cosign": transforms.cosign,
    "submit": transforms.submit,
    "abandon": transforms.abandon,
    "offer": trades.offer,
    "offers": trades.offers,
    "accept": trades.accept,
    "decline": trades.decline,
    "withdraw": trades.withdraw,
    "reverse": corrections.reverse,
    "correct": corrections.correct,
    "recall": corrections.recall,
    "lift-recall": corrections.lift_recall,
    "trace": tracing.trace,
    "impact": tracing.impact,
    "bundle": bundles.bundle,
    "verify": bundles.verify,
    "prove": claims.prove,
    "check-claim": claims.check_claim,
    "disclose": disclosures.disclose,
    "read-disclosure": disclosures.read_disclosure,
    "recipes": recipes.listed,
    "serve": serve.serve,
}
GROUPS: Final[Mapping[str, Mapping[str, Command]]] = {
    "consortium": {
        "keys": consortium.keys,
        "init": consortium.init,
        "status": consortium_running.status,
        "admit": consortium_running.admit,
        "remove": consortium_running.remove_validator,
        "protocol": consortium_running.protocol,
        "connect": consortium_joining.connect,
        "invite": consortium_joining.invite,
        "join": consortium_joining.join,
        "export": consortium_joining.export,
    },
    "validator": {"run": validator.run, "reset": validator.reset},
    "bench": {
        "proofs": bench.proofs,
        "ledger": bench.ledger,
        "capture": bench.capture,
        "query": bench.query,
        "lineage": bench.lineage,
        "consortium": bench.consortium,
    },
    "member": {
        "add": members.add,
        "list": members.listed,
        "show": members.show,
        "rotate": members.rotate,
        "passphrase": members.passphrase,
        "suspend": members.suspend,
        "reinstate": members.reinstate,
        "use": members.use,
    },
    "site": {"add": members.add_site, "list": members.sites},
    "recipe": {"adopt": recipes.adopt, "retire": recipes.retire, "show": recipes.show},
    "log": {
        "show": logs.show,
        "verify": logs.verify,
        "checkpoint": logs.checkpoint,
        "witness": witness.send,
        "publish": publishing.publish,
        "verify-published": publishing.verify_published,
    },
    "witness": {
        "key": witness.key,
        "run": witness.run,
        "alarms": witness.alarms,
        "evidence": witness.evidence,
    },
    "period": {"show": periods.show, "close": periods.close, "check": periods.check},
    "queue": {"list": transforms.queued, "send": transforms.send, "drop": transforms.drop},
    "account": {
        "add": access.add,
        "list": access.accounts_listed,
        "roles": access.roles,
        "disable": access.disable,
        "enable": access.enable,
        "password": access.password,
    },
    "token": {
        "issue": access.issue,
        "list": access.tokens_listed,
        "revoke": access.revoke,
    },
    "share": {"add": sharing.add, "list": sharing.listed, "revoke": sharing.revoke},
    "subscription": {"list": deliveries.listed},
    "dead-letter": {
        "list": deliveries.letters,
        "resend": deliveries.resent,
        "drop": deliveries.dropped,
    },
    "audit-trail": {
        "show": sharing.show,
        "verify": sharing.verify,
        "anchor": sharing.anchor,
    },
    "trust": {"show": trusts.show, "renew": trusts.renew, "witnesses": witness.rely},
    "events": {
        "list": event_states.listed,
        "watch": event_states.watch,
        "capture": events.capture,
        "run": events.run,
        "follow": events.follow,
        "retry": events.retry,
        "keep": events.keep,
        "compare": disputes.compare,
        "settle": disputes.settle,
        "decline": disputes.decline,
        "where": things.where,
        "withdraw": events.withdraw,
    },
    "mapping": {"check": events.check_mapping, "use": events.use_mapping},
    "sheet": {
        "template": events.sheet_template,
        "import": events.sheet_import,
        "export": events.sheet_export,
    },
    "store": {
        "backup": event_store.backup,
        "restore": event_store.restore,
        "forget": event_store.forget,
    },
    "vault": {"backup": vaults.backup, "restore": vaults.restore},
}


def build(texts: Texts) -> TyperGroup:
    """Return the command line with its help in one language."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
    for name, function in COMMANDS.items():
        app.command(name)(function)
    for name, functions in GROUPS.items():
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
        for verb, function in functions.items():
            group.command(verb)(function)
        app.add_typer(group, name=name)
    command = get_command(app)
    if not isinstance(command, TyperGroup):
        message = "several commands make a group"
        raise TypeError(message)
    _put_help(command, texts, "")
    return command


def _put_help(command: TyperGroup | TyperCommand, texts: Texts, path: str) -> None:
    # The mark keeps the lines of a paragraph as they are; a catalogue cannot hold the character.
    command.help = texts(f"help.{path or 'lodeline'}").replace("\\b\n", "\b\n")
    command.short_help = command.help.partition("\n")[0]
    for parameter in command.params:
        name = parameter.name or ""
        own = texts.get(f"option.{path}.{name}")
        shown = own if own is not None else texts.get(f"option.{name}")
        if shown is not None:
            vars(parameter)["help"] = shown
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            if isinstance(below, (TyperGroup, TyperCommand)):
                _put_help(below, texts, f"{path}-{name}" if path else name)
