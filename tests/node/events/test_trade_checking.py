"""What is wrong in a mapping is told before any event meets it, with its line."""

from collections.abc import Iterator

import pytest
from tests.node.benches import Bench
from tests.node.events.story import MAPPINGS, Story, shipped, told
from tests.node.events.trade import PIT_MAPPING

from lodeline.exchange.marked import FileRefused
from lodeline.node.events.checking import (
    MappingFormNotGiven,
    MappingFormNotTaken,
    MappingFormUnclassed,
    MappingSignerNotNamed,
    MappingSignerUnfit,
    MappingSiteMissing,
    MappingSiteOfAnother,
    MappingStepHidden,
)
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.working import faults_of


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Iterator[Story]:
    with told(tmp_path_factory.mktemp("checked")) as found:
        yield found


def faults(story: Story, company: str, text: str) -> list[FileRefused]:
    mapping = read_mapping(f"{company}.yaml", text)
    return list(faults_of(story.bench.session.state, mapping))


def test_mappings_that_are_shipped_fit(story: Story) -> None:
    companies = [each.name.removesuffix(".yaml") for each in MAPPINGS.iterdir()]
    assert len(companies) > 9
    for company in companies:
        assert not faults(story, company, shipped(company)), company


SHIP = "  - {when: {step: shipping}"
SULFATE = "out: [cobalt-sulfate]}"
LEACHING = "{laboratory: refaudit, energy-auditor: ledgerwell}"
WEIGHED = "{weighbridge: mining-office, energy-auditor: ledgerwell}"
PLACE = """sites:
  "urn:epc:id:sgln:4060137.00001.0": fjell-plant
"""
WRONG = (
    ("pohja", f"[cobalt-hydroxide], {SULFATE}", f"[cobalt-metal], {SULFATE}", MappingFormNotTaken),
    ("fjell", "yields: [graphite-residue]", "yields: [tin-slag]", MappingFormNotGiven),
    ("fjell", "out: [anode-graphite]", "out: [tin-ingot]", MappingFormUnclassed),
    ("fjell", LEACHING, LEACHING.replace("ledgerwell", "refaudit"), MappingSignerUnfit),
    ("fjell", LEACHING, "{customs: quota-office}", MappingSignerUnfit),
    ("mwinda", WEIGHED, "{energy-auditor: ledgerwell}", MappingSignerNotNamed),
    ("fjell", ": fjell-plant", ": narew-plant", MappingSiteOfAnother),
    ("fjell", PLACE, "", MappingSiteMissing),
    ("aare", SHIP, f"{SHIP.replace('}', ', type: ObjectEvent}', 1)}, do: keep}}\n{SHIP}", None),
    ("aare", SHIP, f"  - {{when: {{}}, do: keep}}\n{SHIP}", MappingStepHidden),
)


@pytest.mark.parametrize(("company", "before", "after", "reason"), WRONG)
def test_what_cannot_work_is_told(
    story: Story, company: str, before: str, after: str, reason: type[FileRefused] | None
) -> None:
    right = shipped(company)
    assert before in right
    found = faults(story, company, right.replace(before, after, 1))
    kinds = {type(each) for each in found}
    assert reason in kinds if reason is not None else not kinds
    for each in found:
        assert each.line > 0
        assert each.message("en") != each.message("fr")


def test_where_one_member_alone_may_sign_nobody_need_be_named(bench: Bench) -> None:
    assert not list(faults_of(bench.session.state, read_mapping("pit.yaml", PIT_MAPPING)))


def test_a_step_with_more_conditions_may_stand_before_one_with_fewer(story: Story) -> None:
    narrow = "  - {when: {step: shipping, goods: [cobalt-hydroxide]}, do: keep}\n"
    text = shipped("aare").replace(
        "  - {when: {step: shipping}", narrow + "  - {when: {step: shipping}"
    )
    assert not faults(story, "aare", text)
