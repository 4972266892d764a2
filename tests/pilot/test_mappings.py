"""The mappings that are shipped for the pilot's companies fit the consortium that they found."""

from importlib.resources import files
from pathlib import Path

import pytest
from tests.node.benches import cheap_keystores
from tests.pilot.stories import scenario

from lodeline.crypto.entropy import SystemEntropy
from lodeline.node.events.mapping import read_mapping
from lodeline.node.events.working import faults_of
from lodeline.pilot.consortium import found_pilot, open_ground

pytestmark = pytest.mark.slow

SHIPPED = files("lodeline.exchange.data") / "mappings"


def test_every_mapping_of_a_company_of_the_pilot_fits_its_consortium(tmp_path: Path) -> None:
    companies = {company.member for company in scenario().cast.companies}
    mappings = [
        mapping
        for file in SHIPPED.iterdir()
        if (mapping := read_mapping(file.name, file.read_text("utf-8"))).company in companies
    ]
    assert len(mappings) >= 9
    with cheap_keystores(), open_ground(tmp_path / "d", scenario(), SystemEntropy()) as ground:
        found_pilot(ground.session, scenario())
        state = ground.session.state
        faults = [fault for mapping in mappings for fault in faults_of(state, mapping)]
    assert [fault.message("en") for fault in faults] == []
