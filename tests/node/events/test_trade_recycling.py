"""The end of a battery and what becomes of it, by events and a spreadsheet, back to the makers."""

from collections.abc import Iterator

import pytest
from tests.node.events.story import Story, assays, lot, shipped, told

from lodeline.custody.strands import Strand
from lodeline.exchange.epcis.document import EpcisUri
from lodeline.exchange.sheets.writing import csv_bytes
from lodeline.holder.records import HeldLot
from lodeline.kernel.ids import ElementSymbol
from lodeline.node.events.states import EventState
from lodeline.node.events.whereabouts import whereabouts
from lodeline.node.goods_tracing import GoodsNotOnLedger, lots_of_thing
from lodeline.node.tracing import trace_of

PACK = "urn:epc:id:sgtin:4060117.066661.1"
BATTERY = "urn:epc:id:sgtin:4060119.088881.1"
VEHICLE = "urn:epc:id:giai:4060119.YS3ZZZ9FZ26000001"
CONTENT = ("8 kg Co", "23 kg Ni", "7 kg Mn", "4500 g Li")
GRANTS = (
    ("ledgerwell", "intake", "elbtal-plant", "", CONTENT),
    ("refaudit", "assurance", "norrsken-takeback", "recycled-post", ("1 t Co", "1 t Ni", "1 t Li")),
)
INSIDE = f"contained: [{', '.join(CONTENT)}]"
PACKS_FROM_OUTSIDE = """
  - when: {type: ObjectEvent, action: ADD, step: accepting}
    do: make
    recipe: open-stock
    co_signers: {auditor: ledgerwell}
    process: {emissions: 900 kg CO2e, primary: 0 %}
"""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Story]:
    """A battery in a vehicle, at the carmaker."""
    with told(tmp_path_factory.mktemp("recycling"), *GRANTS) as found:
        mapping = shipped("elbtal").replace(
            "form: battery-pack, rest: true", f"form: battery-pack, {INSIDE}"
        )
        found.mappings["elbtal"] = mapping + PACKS_FROM_OUTSIDE
        found.tell("elbtal", "ObjectEvent", "accepting", action="ADD", epcList=[PACK])
        found.sell("elbtal", "norrsken", PACK)
        used = {"inputEPCList": [PACK], "outputEPCList": [BATTERY]}
        found.tell("norrsken", "TransformationEvent", "commissioning", **used)
        yield found


def claimed(held: HeldLot, standard: str) -> dict[ElementSymbol, int]:
    """How much of each metal in a lot bears a standard."""
    found: dict[ElementSymbol, int] = {}
    for (strand, claim), mass in held.contents.claims.items():
        if claim.standard == standard:
            found[strand.element] = found.get(strand.element, 0) + mass
    return found


@pytest.mark.slow
def test_a_vehicle_leads_to_its_battery_and_a_battery_to_its_vehicle(story: Story) -> None:
    joined = {"action": "ADD", "parentID": VEHICLE, "childEPCs": [BATTERY]}
    kept = story.take(
        "norrsken", story.event("norrsken", "AssociationEvent", "assembling", **joined)
    )
    assert kept.state is EventState.KEPT, story.told[-1]
    tenant = story.tenant("norrsken")
    vehicle = whereabouts(story.store, tenant, EpcisUri(VEHICLE))
    assert [(part.thing, part.event) for part in vehicle.inside] == [(BATTERY, kept.seq)]
    link = "https://example.com/01/04060119888810/21/1"
    battery = whereabouts(story.store, tenant, EpcisUri(link))
    assert [(part.within, part.kind) for part in battery.around] == [(VEHICLE, "AssociationEvent")]
    assert not whereabouts(story.store, story.tenant("elbtal"), EpcisUri(BATTERY)).around
    with story.bench.at("norrsken") as own:
        (found,) = lots_of_thing(own.vault, story.store, tenant, VEHICLE)
        assert lots_of_thing(own.vault, story.store, tenant, link) == [found]
        assert own.vault.lot(found).product == BATTERY
        recipes = {step.recipe for step in trace_of(own, found.hex()).lineage.steps.values()}
        with pytest.raises(GoodsNotOnLedger):
            lots_of_thing(own.vault, story.store, tenant, VEHICLE + "0")
    assert recipes >= {"open-stock", "market-ev-battery"}


@pytest.mark.slow
def test_a_battery_becomes_metal_for_new_ones(story: Story) -> None:
    head = (
        "event", "time", "place", "direction", "goods", "quantity", "unit",
        "assay Co", "assay Ni", "assay Mn", "assay Li", "emissions",
    )  # fmt: skip
    story.hour += 1
    place = "urn:epc:id:sgln:4060121.00002.0"
    rows = [
        ("1", story.moment(), place, "in", BATTERY, *[""] * 6, "45"),
        ("1", story.moment(), "", "out", lot("black mass")["epcClass"], "100", "kg",
         "7.8", "22.5", "6.9", "4.3", ""),
    ]  # fmt: skip
    state = story.fill_in("norrsken", "decommissioning", csv_bytes(head, rows))
    assert state.state is EventState.ON_LEDGER, story.told[-1]
    mass = story.held("norrsken", "black-mass")
    assert mass.contents.emissions == 45_000
    assert claimed(mass, "recycled-post") == {"Co": 7_800_000, "Ni": 22_500_000, "Li": 4_300_000}

    story.sell("norrsken", "auriga", lot("black mass", 100))
    made = {
        "old cobalt": (36, {"Co": 20.9}),
        "old nickel": (98, {"Ni": 22.2}),
        "old manganese": (20, {"Mn": 32.5}),
        "old lithium": (22, {}),
    }
    story.make(
        "auriga",
        [lot("black mass", 100)],
        [*(lot(item, weight) for item, (weight, _) in made.items()), lot("old residue")],
        *(assays(item, "L1", **shares) for item, (_, shares) in made.items() if shares),
    )
    story.sell("auriga", "saimaa", lot("old cobalt", 36))
    story.sell("auriga", "saimaa", lot("old nickel", 98))
    story.sell("auriga", "odra", lot("old lithium", 22))
    cobalt, lithium = (
        story.held("saimaa", "cobalt-sulfate"),
        story.held("odra", "lithium-carbonate"),
    )
    assert claimed(cobalt, "recycled-post") == {"Co": 7_524_000}
    assert claimed(lithium, "recycled-post") == {"Li": 4_131_600}
    assert cobalt.contents.amount(Strand.parse("Co")) == 7_524_000
    with story.bench.at("saimaa") as own:
        recipes = {
            step.recipe for step in trace_of(own, cobalt.lot_id.hex()).lineage.steps.values()
        }
    assert {"market-ev-battery", "recycle-end-of-life", "refine-black-mass"} <= recipes
