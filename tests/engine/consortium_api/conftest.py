"""A network for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.consortium_api.network import Network


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Four validators that agree."""
    made = Network(tmp_path)
    yield made
    made.close()
