"""The tutorial names commands that exist, and runs from top to bottom with the output it shows."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS
from tests.docs.sessions import joined, play, prepared

from lodeline.cli.commands import COMMANDS, GROUPS

TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")
JOINED = joined(TEXT)
CALL = re.compile(r"lodeline\s+(?:--\S+\s+\S+\s+)*([a-z][a-z-]*)(?:\s+([a-z][a-z-]*))?")
KNOWN = {*COMMANDS, *(f"{group} {verb}" for group, verbs in GROUPS.items() for verb in verbs)}


def called() -> set[str]:
    spans = re.findall(r"`(lodeline [^`]+)`", JOINED)
    spans += re.findall(r"^\$ (lodeline .+)$", JOINED, re.MULTILINE)
    found = set()
    for span in spans:
        match = CALL.match(" ".join(span.split()))
        assert match is not None, span
        first, second = match.groups()
        found.add(f"{first} {second}" if first in GROUPS else first)
    return found


def test_every_command_of_the_tutorial_exists() -> None:
    assert len(called()) > 20
    assert called() <= KNOWN


def test_the_commands_page_lists_them_all() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## `lodeline ([^`]+)`$", text, re.MULTILINE))
    assert headings == KNOWN


@pytest.mark.slow
def test_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(tmp_path, TEXT, monkeypatch)
    assert play(TEXT, capsys) > 20
