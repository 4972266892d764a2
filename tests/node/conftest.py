"""Benches that are made once for several tests, and keystores that are cheap to open."""

from collections.abc import Iterator

import pytest
from tests.node.benches import Bench, cheap_keystores, mining_bench


@pytest.fixture(autouse=True, scope="session")
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A fresh bench on which the pit may mine."""
    with mining_bench(tmp_path_factory.mktemp("bench") / "home") as made:
        yield made
