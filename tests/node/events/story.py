"""Companies of a whole chain that speak in EPCIS documents, with the mappings that are shipped."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from tests.node.benches import LATER, Bench, founded
from tests.node.events.conftest import SetClock
from tests.node.events.documents import CONTEXT, Json, document
from tests.node.events.trade import INCHI, report

from lodeline.custody.forms import FormClass
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.holder.records import HeldLot
from lodeline.kernel.ids import MemberId, SiteId, StandardName
from lodeline.ledger.entries import Recognise
from lodeline.node.events.capture import capture
from lodeline.node.events.database import DatabaseUrl, open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.pipeline import Pipeline
from lodeline.node.events.reading import Offered
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.spreadsheets import SheetFile, import_sheet
from lodeline.node.events.states import EventState, StateOf, states_of
from lodeline.node.events.store import EventStore, Tenant, TenantName
from lodeline.node.governing import register_site, vote
from lodeline.node.granting import GrantOrder, default_claim, grant

__all__ = ["COMPANIES", "MAPPINGS", "Grant", "Story", "assays", "lot", "owner", "shipped", "told"]

MAPPINGS = files("lodeline.exchange.data") / "mappings"
COMPANIES = {
    "mwinda": ("4060101", "mwinda-mine"),
    "aare": ("4060106", None),
    "pohja": ("4060108", "pohja-refinery"),
    "saimaa": ("4060111", "saimaa-plant"),
    "odra": ("4060113", "odra-plant"),
    "narew": ("4060115", "narew-plant"),
    "elbtal": ("4060117", "elbtal-plant"),
    "norrsken": ("4060119", "norrsken-plant"),
    "auriga": ("4060121", "auriga-recycling"),
    "ibuye": ("4060131", "ibuye-hill"),
    "akagera": ("4060133", None),
    "tulus": ("4060135", None),
    "fjell": ("4060137", "fjell-plant"),
}
OTHERS = (
    "mining-office:Cadastre:CD:authority,weighbridge",
    "quota-office:Quotas:CD:authority,customs",
    "refaudit:Refaudit:CH:certifier,laboratory,umpire",
    "ledgerwell:Ledgerwell:GB:auditor,energy-auditor",
    "veritrace:Veritrace:GB:certifier,energy-auditor,weighbridge",
    "eichamt:Eichamt:DE:weighbridge",
)
SUBSTANCE = {
    "Co": f"{INCHI}GUTLYIVDDKVIGB-UHFFFAOYSA-N",
    "Cu": f"{INCHI}RYGMFSIKBFXOCR-UHFFFAOYSA-N",
    "Ni": f"{INCHI}PXHVJJICTQNCMI-UHFFFAOYSA-N",
    "Mn": f"{INCHI}PWHULOQIROLJBO-UHFFFAOYSA-N",
    "Li": f"{INCHI}WHXSMMKQMYFTQS-UHFFFAOYSA-N",
    "C": f"{INCHI}OKTJSMMVPCPJKN-UHFFFAOYSA-N",
    "Sn": f"{INCHI}ATJFFYVFTNAWJD-UHFFFAOYSA-N",
    "Ta": f"{INCHI}GUVRBAGPIYLISA-UHFFFAOYSA-N",
    "H2O": f"{INCHI}XLYOFNOQVPJJNP-UHFFFAOYSA-N",
}
ITEMS = {
    "ore": "4060101.011111",
    "hydroxide": "4060101.011112",
    "copper": "4060101.011113",
    "residue": "4060101.011114",
    "sulfate": "4060108.022221",
    "nickel": "4060111.033331",
    "manganese": "4060111.033332",
    "precursor": "4060111.033333",
    "lithium": "4060113.044441",
    "cathode": "4060113.044442",
    "cells": "4060115.055551",
    "black mass": "4060121.077771",
    "old cobalt": "4060121.077772",
    "old nickel": "4060121.077773",
    "old manganese": "4060121.077774",
    "old lithium": "4060121.077775",
    "old residue": "4060121.077776",
    "tin": "4060131.011111",
    "tantalum": "4060131.011112",
    "tin blend": "4060133.022221",
    "graphite": "4060137.033331",
    "anode": "4060137.033332",
}


def lot(
    item: str, amount: float | int | None = None, uom: str | None = "KGM", number: str = "L1"
) -> Json:
    name = f"urn:epc:class:lgtin:{ITEMS[item]}.{number}"
    if amount is None:
        return {"epcClass": name}
    unit = {} if uom is None else {"uom": uom}
    return {"epcClass": name, "quantity": amount, **unit}


def assays(item: str, number: str = "L1", **shares: float | int) -> Json:
    """What a laboratory found in a lot, per cent of the dry material."""
    return {
        "sensorMetadata": {"lodeline:lot": lot(item, number=number)["epcClass"]},
        "sensorReport": [report(SUBSTANCE[symbol], share) for symbol, share in shares.items()],
    }


def shipped(company: str) -> str:
    """The mapping of a company that is shipped."""
    return (MAPPINGS / f"{company}.yaml").read_text(encoding="utf-8")


def owner(company: str) -> str:
    """How a company is named as an owner."""
    return f"urn:epc:id:pgln:{COMPANIES[company][0]}.00000"


@dataclass
class Story:
    """Companies with their own events; each step is captured and carried out at once."""

    bench: Bench
    store: EventStore
    hour: int = 0
    told: list[str] = field(default_factory=list)
    mappings: dict[str, str] = field(default_factory=dict)
    """Of companies for which a test has another than the one that is shipped."""

    def tenant(self, company: str) -> Tenant:
        return self.store.tenant(TenantName(company))

    def event(self, company: str, kind: str, step: str, **more: object) -> Json:
        """An event of an hour after the last one, at the company's own place."""
        self.hour += 1
        return {
            "@context": [CONTEXT, {"lodeline": "urn:lodeline:epcis:"}],
            "type": kind,
            "eventTime": self.moment(),
            "eventTimeZoneOffset": "+00:00",
            "bizStep": step,
            "readPoint": {"id": f"urn:epc:id:sgln:{COMPANIES[company][0]}.00001.0"},
            **more,
        }

    def moment(self) -> str:
        return f"2026-10-{12 + self.hour // 24:02d}T{self.hour % 24:02d}:00:00Z"

    def tell(self, company: str, kind: str, step: str, **more: object) -> StateOf:
        """Capture an event and bring it on; it must reach the ledger."""
        found = self.take(company, self.event(company, kind, step, **more))
        assert found.state is EventState.ON_LEDGER, self.told[-1]
        return found

    def take(self, company: str, event: Json) -> StateOf:
        """Capture an event and bring it as far as it can go."""
        offered = Offered(document(event))
        job = capture(self.store, self.tenant(company), offered, who=Who("plant"))
        assert job.success, job.errors
        return self.go_on(company)

    def fill_in(self, company: str, kind: str, table: bytes) -> StateOf:
        """Take a spreadsheet in; the state of its last event."""
        import_sheet(self.store, self.tenant(company), SheetFile(kind, table), who=Who("clerk"))
        return self.go_on(company)

    def go_on(self, company: str) -> StateOf:
        """One turn of a company's pipeline; the state of the last event."""
        mapping = read_mapping(f"{company}.yaml", self.mappings.get(company) or shipped(company))
        folder, tenant = self.bench.folder, self.tenant(company)
        with self.bench.at(company) as own:
            Pipeline(self.store, tenant, mapping, HouseRound(), folder).turn(own)
        last = self.store.last_seq()
        (state,) = states_of(self.store, tenant, [last])
        reason = "" if state.reason is None else state.reason.en
        self.told.append(f"{company} {last}: {state.state} {reason}")
        return state

    def make(self, company: str, used: Sequence[Json], made: Sequence[Json], *found: Json) -> None:
        more = {"sensorElementList": list(found)} if found else {}
        self.tell(
            company,
            "TransformationEvent",
            "commissioning",
            inputQuantityList=list(used),
            outputQuantityList=list(made),
            **more,
        )

    def begin(self, company: str, step: str, made: Json, *found: Json) -> None:
        more = {"sensorElementList": list(found)} if found else {}
        self.tell(company, "ObjectEvent", step, action="ADD", quantityList=[made], **more)

    def sell(self, seller: str, buyer: str, goods: Json | str) -> None:
        """Ship and receive a lot, or a thing by its own number."""
        parties = {
            "sourceList": [{"type": "owning_party", "source": owner(seller)}],
            "destinationList": [{"type": "owning_party", "destination": owner(buyer)}],
        }
        what = {"epcList": [goods]} if isinstance(goods, str) else {"quantityList": [goods]}
        seen: Json = {"action": "OBSERVE", **what, **parties}
        self.tell(seller, "ObjectEvent", "shipping", **seen)
        self.tell(buyer, "ObjectEvent", "receiving", **seen)

    def held(self, company: str, form: str) -> HeldLot:
        """The only lot of a form that a company has and may use."""
        with self.bench.at(company) as own:
            (found,) = [each for each in own.unspent() if each.public.form == form]
        return found


Grant = tuple[str, str, str, str, tuple[str, ...]]
"""By whom, which right, at which site, of which standard, and how much."""


@contextmanager
def told(folder: Path, *grants: Grant, database: DatabaseUrl | None = None) -> Iterator[Story]:
    """Found a consortium of all companies, with sites, authorities and some rights."""
    founders = [f"{name}:{name}:FI:carrier,counterparty" for name in COMPANIES]
    store = EventStore(open_engine(database or sqlite_url(folder / "events.db")), SetClock())
    try:
        with founded(folder / "home", *founders, *OTHERS) as bench:
            _recognised(bench)
            for granted in grants:
                _grant(bench, granted)
            yield Story(bench, store)
    finally:
        store.close()


def _recognised(bench: Bench) -> None:
    sites = [(name, site) for name, (_, site) in COMPANIES.items() if site is not None]
    for name, site in (*sites, ("norrsken", "norrsken-takeback")):
        register_site(bench.session, MemberId(name), SiteId(site), site, "FI")
    rights = (("mining-office", "licence"), ("quota-office", "quota"), ("ledgerwell", "intake"))
    standards = (("veritrace", "IRMA-75"), ("refaudit", "recycled-post"))
    acts = [Recognise(MemberId(by), None, right, LATER) for by, right in rights]
    acts += [Recognise(MemberId(by), StandardName(name), None, LATER) for by, name in standards]
    vote(bench.session, acts)


def _grant(bench: Bench, granted: Grant) -> None:
    by, kind, site, standard, amounts = granted
    found = [parse_element_amount(text) for text in amounts]
    order = GrantOrder(
        FormClass(kind),
        SiteId(site),
        {item.element: item.mass for item in found},
        default_claim(standard) if standard else None,
    )
    grant(bench.session, MemberId(by), order)
