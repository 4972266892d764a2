"""A consortium for the tests of validators, founded once; each test gets fresh validators of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.engine.consortium.chain import Consortium, Node, Setting, start

Founded = Callable[..., Node]
"""Makes a started validator: ``founded(name, setting=…, consortium=…)``."""


@pytest.fixture(scope="session")
def consortium() -> Consortium:
    """Only to be read: tests that need entries of their own make a consortium."""
    return Consortium()


@pytest.fixture
def founded(tmp_path: Path, consortium: Consortium) -> Iterator[Founded]:
    with ExitStack() as stack:

        def make(
            name: str = "miner",
            setting: Setting | None = None,
            of: Consortium | None = None,
            folder: str | None = None,
        ) -> Node:
            node = Node(of or consortium, name, tmp_path / (folder or name), setting)
            stack.callback(node.close)
            start(node.application, of or consortium)
            return node

        yield make
