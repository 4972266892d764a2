"""Mappings of further kinds of companies, as data alone: 3T bags and tags, and anode graphite."""

from collections.abc import Iterator

import pytest
from tests.node.events.story import Story, assays, lot, owner, told

from lodeline.custody.strands import Strand
from lodeline.holder.records import OfferSide
from lodeline.node.events.states import EventState

BAGS = tuple(f"urn:epc:id:sscc:4060131.000000000{number}" for number in (1, 2))
MINE_TAG, TRADER_TAG = "urn:epc:id:giai:4060131.MT", "urn:epc:id:giai:4060133.NT"
DRUM = "urn:epc:id:sscc:4060133.0000000001"
SN, C = Strand.parse("Sn"), Strand.parse("C")
GRANTS = (
    ("mining-office", "licence", "ibuye-hill", "", ("40 t Sn",)),
    ("mining-office", "licence", "ibuye-hill", "", ("2 t Ta",)),
    ("ledgerwell", "intake", "fjell-plant", "", ("8550 kg C",)),
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Story]:
    with told(tmp_path_factory.mktemp("more"), *GRANTS) as found:
        yield found


@pytest.mark.slow
def test_tagged_bags_are_bought_blended_tagged_again_and_sold(story: Story) -> None:
    for bag, weight, share in zip(BAGS, (52, 48), (64.5, 66), strict=True):
        number = f"MT{bag[-1]}"
        found = assays("tin", number, Sn=share, H2O=1)
        story.begin("ibuye", "commissioning", lot("tin", weight, number=number), found)
        packed = {
            "action": "ADD",
            "parentID": bag,
            "childEPCs": [f"{MINE_TAG}{bag[-1]}"],
            "childQuantityList": [lot("tin", weight, number=number)],
        }
        event = story.event("ibuye", "AggregationEvent", "packing", **packed)
        assert story.take("ibuye", event).state is EventState.KEPT
        to = {"destinationList": [{"type": "owning_party", "destination": owner("akagera")}]}
        story.tell("ibuye", "ObjectEvent", "shipping", action="OBSERVE", epcList=[bag], **to)
        story.tell(
            "akagera",
            "ObjectEvent",
            "receiving",
            action="OBSERVE",
            quantityList=[lot("tin", weight, number=number)],
            sourceList=[{"type": "owning_party", "source": owner("ibuye")}],
            sensorElementList=[assays("tin", number, Sn=share - 0.3, H2O=1)],
        )
    story.make(
        "akagera",
        [lot("tin", number="MT1"), lot("tin", number="MT2")],
        [lot("tin blend", 100, number="B1")],
    )
    blended = story.held("akagera", "cassiterite-concentrate")
    assert 64_000_000 < blended.contents.amount(SN) < 65_500_000
    tagged = {
        "action": "ADD",
        "parentID": DRUM,
        "childEPCs": [f"{TRADER_TAG}1"],
        "childQuantityList": [lot("tin blend", 60, number="B1")],
    }
    event = story.event("akagera", "AggregationEvent", "packing", **tagged)
    assert story.take("akagera", event).state is EventState.KEPT
    again = story.event("akagera", "AggregationEvent", "packing", **tagged | {"parentID": BAGS[0]})
    assert story.take("akagera", again).state is EventState.REFUSED
    to = {"destinationList": [{"type": "owning_party", "destination": owner("tulus")}]}
    story.tell("akagera", "ObjectEvent", "shipping", action="OBSERVE", epcList=[DRUM], **to)
    with story.bench.at("tulus") as own:
        (offer,) = own.vault.offers(OfferSide.RECEIVED)
    share = offer.taken[0].contents.amount(SN) * 100 // blended.contents.amount(SN)
    assert share in {59, 60}


@pytest.mark.slow
def test_concentrate_becomes_anode_graphite(story: Story) -> None:
    story.begin("fjell", "accepting", lot("graphite", 9, "TNE"), assays("graphite", C=95))
    story.make("fjell", [lot("graphite", 9000)], [lot("anode", 8200)])
    anode = story.held("fjell", "anode-graphite")
    assert anode.contents.amount(C) == 8_195_900_000
    fines = story.held("fjell", "graphite-residue")
    assert fines.contents.amount(C) == 8_550_000_000 - 8_195_900_000
    to = {"destinationList": [{"type": "owning_party", "destination": owner("narew")}]}
    half = [lot("anode", 4100)]
    story.tell("fjell", "ObjectEvent", "shipping", action="OBSERVE", quantityList=half, **to)
