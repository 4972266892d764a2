"""From ore to a product, by EPCIS documents alone, with the mappings that are shipped."""

from collections.abc import Iterator

import pytest
from tests.node.events.story import Story, assays, lot, told

from lodeline.node.goods_tracing import goods_of_lots, lots_of_goods
from lodeline.node.tracing import trace_of

PACK = "urn:epc:id:sgtin:4060117.066661.1"
BATTERY = "urn:epc:id:sgtin:4060117.066662.1"
BATTERY_LINK = "https://id.gs1.org/01/04060117666625/21/1"
GRANTS = (
    ("mining-office", "licence", "mwinda-mine", "", ("10 t Co", "80 t Cu")),
    ("veritrace", "assurance", "mwinda-mine", "IRMA-75", ("10 t Co",)),
    ("quota-office", "quota", "mwinda-mine", "", ("1 t Co",)),
    ("ledgerwell", "intake", "saimaa-plant", "", ("293.04 kg Ni",)),
    ("ledgerwell", "intake", "saimaa-plant", "", ("91325 g Mn",)),
    ("ledgerwell", "intake", "odra-plant", "", ("58218 g Li",)),
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Story]:
    with told(tmp_path_factory.mktemp("chain"), *GRANTS) as found:
        yield found


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
        assert lots_of_goods(own.vault, BATTERY) == [battery.lot_id]
        assert goods_of_lots(own.vault)[battery.lot_id] == [BATTERY_LINK]
    recipes = {step.recipe for step in found.lineage.steps.values()}
    assert {"mine-copper-cobalt", "leach-cobalt", "make-cells", "market-ev-battery"} <= recipes
    assert battery.product == BATTERY
    assert len(story.told) == 24


ORE = assays("ore", Co=0.52, Cu=2.1, H2O=12.4)
