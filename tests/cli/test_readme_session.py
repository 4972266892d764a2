"""Every session that a document shows is run as it is shown."""

import re
import shutil
from pathlib import Path

import pytest
from tests.cli.sessions import ROOT, Shown, missing_lines, play, sessions_in

DOCUMENTS = ("examples/session.md", "README.md")
_YAML = re.compile(r"^```yaml\n(co_signers:.*?)^```$", re.MULTILINE | re.DOTALL)


def _session(document: str) -> list[Shown]:
    found = sessions_in(ROOT / document)
    assert len(found) == 1, f"{document} shows one session"
    return found[0]


def _prepare(document: str, folder: Path) -> None:
    """Do what the page says before its session: copy the example, say who signs."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    text = (folder / "examples" / "mine.yaml").read_text(encoding="utf-8")
    added = _YAML.findall((ROOT / document).read_text(encoding="utf-8"))
    (folder / "mine.yaml").write_text(text + "".join(added), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_session_goes_as_it_is_shown(document: str, tmp_path: Path) -> None:
    session = _session(document)
    assert len(session) > 10
    _prepare(document, tmp_path)
    for shown, ran in play(session):
        assert ran.code == 0, f"{shown.command}\n{ran.out}{ran.err}"
        assert missing_lines(shown.output, ran.out) == [], f"{shown.command}\n{ran.out}"


def test_what_is_not_printed_is_missed() -> None:
    printed = "Lot 0123456789ab, 2 500 t at 2026-11-24T10:00:00Z\nThe bundle holds."
    assert missing_lines(("Lot ba9876543210, 2 500 t at 2020-01-01T00:00:00Z",), printed) == []
    assert missing_lines(("Lot …", "The bundle holds."), printed) == []
    assert missing_lines(("The bundle holds.", "Lot …"), printed) == ["Lot …"]
    assert missing_lines(("The bundle does not hold.",), printed) == ["The bundle does not hold."]
