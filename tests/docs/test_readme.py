"""The session on the front page runs as shown, and its figures are those of the commands named."""

from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tests.docs.sessions import play, prepared, session

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_consortium_of_ones_own_takes_about_ten_commands() -> None:
    assert 8 <= len(list(session(TEXT))) <= 14


@pytest.mark.slow
def test_the_session_of_the_front_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(tmp_path, TEXT, monkeypatch)
    assert play(TEXT, capsys) >= 8
