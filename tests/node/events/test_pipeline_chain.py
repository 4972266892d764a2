"""From ore to a product, by EPCIS documents alone, with the mappings that are shipped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
from tests.node.benches import LATER, Bench, founded
from tests.node.events.conftest import SetClock
from tests.node.events.documents import CONTEXT, Json, document
from tests.node.events.trade import INCHI, report

from lodeline.custody.forms import FormClass
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.kernel.ids import MemberId, SiteId, StandardName
from lodeline.ledger.entries import Recognise
from lodeline.node.events.capture import capture
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.pipeline import Pipeline
from lodeline.node.events.reading import Offered
from lodeline.node.events.signing_round import HouseRound
from lodeline.node.events.states import EventState, states_of
from lodeline.node.events.store import EventStore, TenantName
from lodeline.node.governing import register_site, vote
from lodeline.node.granting import GrantOrder, default_claim, grant
from lodeline.node.tracing import trace_of

MAPPINGS = files("lodeline.exchange.data") / "mappings"
COMPANIES = {
    "mwinda": ("4060101", "mwinda-mine"),
    "aare": ("4060106", None),
    "pohja": ("4060108", "pohja-refinery"),
    "saimaa": ("4060111", "saimaa-plant"),
    "odra": ("4060113", "odra-plant"),
    "narew": ("4060115", "narew-plant"),
    "elbtal": ("4060117", "elbtal-plant"),
}
OTHERS = (
    "mining-office:Cadastre:CD:authority,weighbridge",
    "quota-office:Quotas:CD:authority,customs",
    "refaudit:Refaudit:CH:certifier,laboratory,umpire",
    "ledgerwell:Ledgerwell:GB:auditor,energy-auditor",
    "veritrace:Veritrace:GB:certifier,energy-auditor,weighbridge",
)
SUBSTANCE = {
    "Co": f"{INCHI}GUTLYIVDDKVIGB-UHFFFAOYSA-N",
    "Cu": f"{INCHI}RYGMFSIKBFXOCR-UHFFFAOYSA-N",
    "Ni": f"{INCHI}PXHVJJICTQNCMI-UHFFFAOYSA-N",
    "Mn": f"{INCHI}PWHULOQIROLJBO-UHFFFAOYSA-N",
    "Li": f"{INCHI}WHXSMMKQMYFTQS-UHFFFAOYSA-N",
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
}
PACK = "urn:epc:id:sgtin:4060117.066661.1"
BATTERY = "urn:epc:id:sgtin:4060117.066662.1"


def lot(item: str, amount: float | int | None = None, uom: str | None = "KGM") -> Json:
    name = f"urn:epc:class:lgtin:{ITEMS[item]}.L1"
    if amount is None:
        return {"epcClass": name}
    unit = {} if uom is None else {"uom": uom}
    return {"epcClass": name, "quantity": amount, **unit}


def assays(item: str, **shares: float | int) -> Json:
    """What a laboratory found in a lot, per cent of the dry material."""
    return {
        "sensorMetadata": {"lodeline:lot": f"urn:epc:class:lgtin:{ITEMS[item]}.L1"},
        "sensorReport": [report(SUBSTANCE[symbol], share) for symbol, share in shares.items()],
    }


@dataclass
class Story:
    """Companies with their own events; each step is captured and carried out at once."""

    bench: Bench
    store: EventStore
    hour: int = 0
    told: list[str] = field(default_factory=list)

    def tell(self, company: str, kind: str, step: str, **more: object) -> None:
        self.hour += 1
        place = f"urn:epc:id:sgln:{COMPANIES[company][0]}.00001.0"
        event = {
            "@context": [CONTEXT, {"lodeline": "urn:lodeline:epcis:"}],
            "type": kind,
            "eventTime": f"2026-10-{12 + self.hour // 24:02d}T{self.hour % 24:02d}:00:00Z",
            "eventTimeZoneOffset": "+00:00",
            "bizStep": step,
            "readPoint": {"id": place},
            **more,
        }
        tenant = self.store.tenant(TenantName(company))
        job = capture(self.store, tenant, Offered(document(event)), who=Who("plant"))
        assert job.success, job.errors
        text = (MAPPINGS / f"{company}.yaml").read_text(encoding="utf-8")
        mapping = read_mapping(f"{company}.yaml", text)
        pipeline = Pipeline(self.store, tenant, mapping, HouseRound(), self.bench.folder)
        with self.bench.at(company) as own:
            pipeline.turn(own)
        (state,) = states_of(self.store, tenant, [self.store.last_seq()])
        reason = "" if state.reason is None else state.reason.en
        self.told.append(f"{company} {step}: {state.state} {reason}")
        assert state.state is EventState.ON_LEDGER, self.told[-1]

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

    def sell(self, seller: str, buyer: str, goods: Json) -> None:
        to = f"urn:epc:id:pgln:{COMPANIES[buyer][0]}.00000"
        by = f"urn:epc:id:pgln:{COMPANIES[seller][0]}.00000"
        parties = {
            "sourceList": [{"type": "owning_party", "source": by}],
            "destinationList": [{"type": "owning_party", "destination": to}],
        }
        seen = {"action": "OBSERVE", "quantityList": [goods], **parties}
        self.tell(seller, "ObjectEvent", "shipping", **seen)
        self.tell(buyer, "ObjectEvent", "receiving", **seen)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("chain")
    founders = [f"{name}:{name}:FI:carrier,counterparty" for name in COMPANIES]
    store = EventStore(open_engine(sqlite_url(folder / "events.db")), SetClock())
    with founded(folder / "home", *founders, *OTHERS) as bench:
        for name, (_, site) in COMPANIES.items():
            if site is not None:
                register_site(bench.session, MemberId(name), SiteId(site), site, "FI")
        acts = [
            Recognise(MemberId("mining-office"), None, "licence", LATER),
            Recognise(MemberId("quota-office"), None, "quota", LATER),
            Recognise(MemberId("ledgerwell"), None, "intake", LATER),
            Recognise(MemberId("veritrace"), StandardName("IRMA-75"), None, LATER),
        ]
        vote(bench.session, acts)
        for by, kind, site, *amounts in (
            ("mining-office", "licence", "mwinda-mine", "10 t Co", "80 t Cu"),
            ("veritrace", "assurance", "mwinda-mine", "10 t Co"),
            ("quota-office", "quota", "mwinda-mine", "1 t Co"),
            ("ledgerwell", "intake", "saimaa-plant", "293.04 kg Ni"),
            ("ledgerwell", "intake", "saimaa-plant", "91325 g Mn"),
            ("ledgerwell", "intake", "odra-plant", "58218 g Li"),
        ):
            found = [parse_element_amount(text) for text in amounts]
            order = GrantOrder(
                FormClass(kind),
                SiteId(site),
                {item.element: item.mass for item in found},
                default_claim("IRMA-75") if kind == "assurance" else None,
            )
            grant(bench.session, MemberId(by), order)
        yield Story(bench, store)
    store.close()


@pytest.mark.slow
def test_from_ore_to_a_battery_by_events_alone(story: Story) -> None:
    story.begin("mwinda", "commissioning", lot("ore", 24.6, "TNE"), ORE)
    story.make(
        "mwinda",
        [lot("ore", 24600)],
        [lot("hydroxide", 300), lot("copper", 445), lot("residue")],
        assays("hydroxide", Co=35, H2O=5),
    )
    story.tell(
        "mwinda",
        "ObjectEvent",
        "departing",
        action="OBSERVE",
        disposition="in_transit",
        quantityList=[lot("hydroxide", 300)],
    )
    story.sell("mwinda", "aare", lot("hydroxide", 300))
    story.sell("aare", "pohja", lot("hydroxide", 300))
    story.make("pohja", [lot("hydroxide", 300)], [lot("sulfate", 465)], assays("sulfate", Co=20.97))
    story.sell("pohja", "saimaa", lot("sulfate", 465))
    story.begin("saimaa", "accepting", lot("nickel", 1320), assays("nickel", Ni=22.2))
    story.begin("saimaa", "accepting", lot("manganese", 281), assays("manganese", Mn=32.5))
    story.make(
        "saimaa",
        [lot("sulfate", 465), lot("nickel", 1320), lot("manganese", 281)],
        [lot("precursor", 762)],
        assays("precursor", Co=12.7, Ni=38, Mn=11.85),
    )
    story.sell("saimaa", "odra", lot("precursor", 762))
    story.begin("odra", "accepting", lot("lithium", 310))
    story.make(
        "odra",
        [lot("precursor", 762), lot("lithium", 310)],
        [lot("cathode", 793)],
        assays("cathode", Co=12.15, Ni=36.35, Mn=11.33, Li=7.1),
    )
    story.sell("odra", "narew", lot("cathode", 793))
    story.make("narew", [lot("cathode", 793)], [lot("cells", 10_000, None)])
    story.sell("narew", "elbtal", lot("cells", 10_000, None))
    story.tell(
        "elbtal",
        "TransformationEvent",
        "assembling",
        inputQuantityList=[lot("cells", 800, None)],
        outputEPCList=[PACK],
    )
    story.tell(
        "elbtal",
        "TransformationEvent",
        "commissioning",
        inputEPCList=[PACK],
        outputEPCList=[BATTERY],
    )
    with story.bench.at("elbtal") as own:
        found = trace_of(own, BATTERY)
        (battery,) = [lot for lot in own.unspent() if lot.public.form == "ev-battery"]
    recipes = {step.recipe for step in found.lineage.steps.values()}
    assert {"mine-copper-cobalt", "leach-cobalt", "make-cells", "market-ev-battery"} <= recipes
    assert battery.product == BATTERY
    assert len(story.told) == 24


ORE = assays("ore", Co=0.52, Cu=2.1, H2O=12.4)
