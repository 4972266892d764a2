"""Serve the demonstration's folder: `make serve`.

The demonstration works with lots, not with events. So that there is something to ask for, the lots
of the companies that have a mapping are told as the events that their systems would have sent: made
at a site, or received. Each event is marked as on the ledger, with its lot, since that is where it
is. Events that come in while it serves are brought to the ledger.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import Connection

from lodeline.cli.figures import lot_data
from lodeline.cli.main import run
from lodeline.cli.terminal import Options, Terminal
from lodeline.cli.texts import texts_for
from lodeline.exchange.epcis.context import EPCIS_CONTEXT
from lodeline.kernel.ids import MemberId
from lodeline.node.access.accounts import NewAccount, accounts, add_account
from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import issue_token
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.opening import opened_store
from lodeline.node.events.reading import Offered
from lodeline.node.events.states import EventState, Move, move_state
from lodeline.node.events.store import EventStore, Seq, Tenant
from lodeline.node.holding import holding
from lodeline.node.workspace import Workspace

MAPPINGS: Final = files("lodeline.exchange.data") / "mappings"
ROLES: Final = frozenset({Role.REFINER, Role.COMPLIANCE, Role.ADMINISTRATOR})
WHO: Final = Who("demo")
MG_PER_KG: Final = 1_000_000

# Any: what YAML and JSON hold.
Json = dict[str, Any]


def main() -> int:
    """Fill the folder's event store once, print a token for each company, and serve."""
    folder, listen = Path(sys.argv[1]), sys.argv[2]
    secret = ["--home", str(folder), "--passphrase-file", str(folder / "passphrase")]
    own = {member.name for member in (folder / "members").iterdir()}
    shipped = [file for file in sorted(MAPPINGS.iterdir(), key=str) if stem(file) in own]
    mappings = [yaml.safe_load(file.read_text("utf-8")) for file in shipped]
    with opened_store(Workspace(folder)) as store:
        if store.last_seq() == 0:
            lots = lots_of(folder, [MemberId(each["company"]) for each in mappings])
            for mapping in mappings:
                company = MemberId(mapping["company"])
                fill(store, store.tenant(company), mapping, lots[company])
        tokens = {each["company"]: token_for(store, each["company"]) for each in mappings}
    for file, mapping in zip(shipped, mappings, strict=True):
        # A folder of before may lack a place that its mapping names: said, and served without it.
        run(["mapping", "use", str(file), "--as", mapping["company"], *secret])
    settings = folder / "serve.toml"
    if not settings.exists():
        prefixes = sorted({prefix_of(goods) for each in mappings for goods in each["goods"]})
        settings.write_text(f"company_prefixes = {json.dumps(prefixes)}\n", "utf-8")
    print("\nTokens, good for a day, of an account that captures, reads, shares and administers:")
    for company, token in tokens.items():
        print(f"  {company:8} {token}")
    print("\nThe passphrase of all companies lies in the folder; whoever is asked signs at once.")
    print(f"In a browser: http://{listen}/board")
    print(
        f'In a shell:   curl -H "Authorization: Bearer TOKEN" http://{listen}/events\n', flush=True
    )
    return run(["serve", "--listen", listen, "--co-sign-here", *secret])


def stem(file: Traversable) -> str:
    """Return whose mapping a file is, which its name says."""
    return file.name.removesuffix(".yaml")


def token_for(store: EventStore, company: str) -> str:
    """Return a token for the account of a company that bears its name, made where it is missing."""
    tenant, name = store.tenant(MemberId(company)), UserName(company)
    if name not in {each.user for each in accounts(store, tenant)}:
        add_account(store, tenant, NewAccount(name, ROLES), WHO)
    return issue_token(store, tenant, name, by=WHO, days=1, note="demo").bearer


def lots_of(folder: Path, members: Iterable[MemberId]) -> dict[MemberId, list[Json]]:
    """Return every lot that some members ever had; the ledger is opened once for all of them."""
    options = Options(folder, passphrase_file=folder / "passphrase")
    with Terminal(texts_for("en"), options).reading() as session:
        found: dict[MemberId, list[Json]] = {}
        for member in members:
            with holding(session, member) as own:
                found[member] = [lot_data(lot) for lot in own.vault.lots()]
        return found


def fill(store: EventStore, tenant: Tenant, mapping: Json, lots: list[Json]) -> None:
    """Capture the events of a company's lots, and mark them as what they became."""
    told = dict(events_of(mapping, lots))
    if not told:
        return
    first = store.last_seq()
    document = {
        "@context": [EPCIS_CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-10-01T00:00:00Z",
        "epcisBody": {"eventList": list(told.values())},
    }
    done = capture(store, tenant, Offered(json.dumps(document).encode()), who=WHO)
    if not done.success:
        sys.exit(done.errors[0].reason.en)
    when = store.clock.now()

    def mark(connection: Connection) -> None:
        for seq, lot in enumerate(told, first + 1):
            move = Move(EventState.ON_LEDGER, when, reference=lot)
            move_state(connection, tenant, [Seq(seq)], move)

    store.write(mark)


def events_of(mapping: Json, lots: list[Json]) -> Iterator[tuple[str, Json]]:
    """Return an event for each lot of a form that the company's mapping knows, by its lot.

    What has the company's own prefix was made by it; everything else came from somebody.
    """
    classes = {goods["form"]: goods for goods in mapping["goods"]}
    place = next(iter(mapping.get("sites", {})), None)
    for lot in sorted(lots, key=lambda lot: (lot["time"], lot["lot"])):
        goods = classes.get(lot["form"])
        if goods is not None:
            is_own = place is not None and f":{prefix_of(goods)}." in place
            yield lot["lot"], event_of(lot, goods["class"], place if is_own else None)


def event_of(lot: Json, pattern: str, made_at: str | None) -> Json:
    """Return the event of one lot: made at a place, or received from somebody."""
    name = pattern.replace("*", lot["lot"][:12])
    event: Json = {
        "type": "ObjectEvent",
        "eventTime": lot["time"],
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE" if made_at is None else "ADD",
        "bizStep": "receiving" if made_at is None else "commissioning",
        "disposition": "in_progress" if made_at is None else "active",
    }
    if made_at is not None:
        event["readPoint"] = event["bizLocation"] = {"id": made_at}
    if ":sgtin:" in pattern:
        return {**event, "epcList": [name.replace("idpat", "id")]}
    quantity = {"epcClass": name.replace("idpat", "class"), **mass_of(lot["milligrams"])}
    return {**event, "quantityList": [quantity]}


def mass_of(milligrams: Mapping[str, str]) -> Json:
    """Return the mass of what a lot contains, in whole grams."""
    grams = sum(map(int, milligrams.values())) * 1000 // MG_PER_KG
    return {"quantity": grams, "uom": "GRM"} if grams else {}


def prefix_of(goods: Json) -> str:
    """Return the company prefix of a class of goods."""
    return str(goods["class"]).split(":")[4].partition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
