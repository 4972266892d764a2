"""Keystores that are cheap to open, a folder of its own, and no settings from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.sessions import PASSPHRASE
from tests.node.benches import cheap_keystores


@pytest.fixture(autouse=True, scope="session")
def _cheap() -> Iterator[None]:
    with cheap_keystores():
        yield


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LODELINE_HOME", "LODELINE_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
