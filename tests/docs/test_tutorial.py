"""The tutorial names commands that exist, and runs from top to bottom with the output it shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, ROOT

from lodeline.cli.commands import COMMANDS, GROUPS
from lodeline.cli.main import run

TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")
JOINED = re.sub(r"\s*\\\n\s*", " ", TEXT)
CALL = re.compile(r"lodeline\s+(?:--\S+\s+\S+\s+)*([a-z][a-z-]*)(?:\s+([a-z][a-z-]*))?")
KNOWN = {*COMMANDS, *(f"{group} {verb}" for group, verbs in GROUPS.items() for verb in verbs)}
SEEN = {
    "LOT": re.compile(r"^([0-9a-f]{12}) +copper-cobalt-ore", re.MULTILINE),
    "OFFER": re.compile(r"^Offer ([0-9a-f]{12})", re.MULTILINE),
}


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


def session() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the page with the lines of output that the page shows."""
    for block in re.findall(r"^```text\n(.*?)^```", JOINED, re.DOTALL | re.MULTILINE):
        parts = re.split(r"^\$ lodeline ", block, flags=re.MULTILINE)[1:]
        for part in parts:
            command, *shown = part.rstrip().splitlines()
            yield command, shown


def fits(shown: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece.rstrip()) for piece in shown.split("…")))


@pytest.mark.slow
def test_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODELINE_PASSPHRASE", "a passphrase of the tutorial")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LODELINE_HOME", "LODELINE_LANG"):
        monkeypatch.delenv(name, raising=False)
    signers = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0]
    example = (ROOT / "examples" / "mine.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(example + signers, encoding="utf-8")
    ids: dict[str, str] = {}
    commands = 0
    for command, shown in session():
        words = [ids.get(word, word) for word in shlex.split(command)]
        assert not set(words) & set(SEEN), command
        code = run(["--yes", *words])
        captured = capsys.readouterr()
        said = (captured.out + captured.err).replace("\u202f", " ")
        assert code == 0, f"{command}: {said}"
        for line in shown:
            assert fits(line).search(said), f"{command}: {line}"
        for name, pattern in SEEN.items():
            match = pattern.search(said)
            if match is not None:
                ids[name] = match.group(1)
        commands += 1
    assert commands > 20
