"""A state from which made-up ones are copied."""

import pytest
from tests.ledger.world import World
from tests.lineage.logs import RECIPES

from lodeline.ledger.state import State


@pytest.fixture(scope="session")
def sample() -> State:
    """Some real records, from which made-up ones are copied."""
    world = World(*RECIPES)
    world.granted()
    return world.state
