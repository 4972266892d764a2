"""Benches that are made once for several tests, and keystores that are cheap to open."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.benches import START, Bench, at_work, cheap_keystores, mining_bench

from lodeline.node.clock import ManualClock


@pytest.fixture(autouse=True, scope="session")
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """The folder of a consortium in which the pit may mine, to be copied."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with mining_bench(folder):
        pass
    return folder


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Bench]:
    """A bench of its own on which the pit may mine."""
    folder = tmp_path_factory.mktemp("bench") / "home"
    shutil.copytree(template, folder)
    clock = ManualClock(START)
    with at_work(folder, clock) as session:
        yield Bench(session, clock)
