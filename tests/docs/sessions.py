"""Pages that show a terminal session, run from top to bottom with the output that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

from lodeline.cli.main import run

SEEN = {
    "LOT": re.compile(r"^([0-9a-f]{12}) +copper-cobalt-ore", re.MULTILINE),
    "OFFER": re.compile(r"^Offer ([0-9a-f]{12})", re.MULTILINE),
}


def joined(text: str) -> str:
    """Return a page with lines that end in a backslash joined to the next one."""
    return re.sub(r"\s*\\\n\s*", " ", text)


def session(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a page with the lines of output that the page shows."""
    for block in re.findall(r"^```text\n(.*?)^```", joined(text), re.DOTALL | re.MULTILINE):
        parts = re.split(r"^\$ lodeline ", block, flags=re.MULTILINE)[1:]
        for part in parts:
            command, *shown = part.rstrip().splitlines()
            yield command, shown


def fits(shown: str) -> re.Pattern[str]:
    """Return what a shown line stands for: an ellipsis is any text."""
    return re.compile(".*".join(re.escape(piece.rstrip()) for piece in shown.split("…")))


def prepared(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder that a session starts in: the example with the page's own signers."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LODELINE_PASSPHRASE", "a passphrase of the tutorial")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LODELINE_HOME", "LODELINE_LANG"):
        monkeypatch.delenv(name, raising=False)
    signers = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    example = (ROOT / "examples" / "mine.yaml").read_text(encoding="utf-8")
    (folder / "mine.yaml").write_text(example + "".join(signers[:1]), encoding="utf-8")


def play(text: str, capsys: pytest.CaptureFixture[str]) -> int:
    """Run every command of a page; return how many there were."""
    ids: dict[str, str] = {}
    commands = 0
    for command, shown in session(text):
        words = [ids.get(word, word) for word in shlex.split(command)]
        assert not set(words) & set(SEEN), command
        code = run(["--yes", *words])
        captured = capsys.readouterr()
        said = (captured.out + captured.err).replace("\u202f", " ")
        assert code == 0, f"{command}: {said}"
        for line in shown:
            assert fits(line).search(said), f"{command}: {line}\n{said}"
        for name, pattern in SEEN.items():
            match = pattern.search(said)
            if match is not None:
                ids[name] = match.group(1)
        commands += 1
    return commands
