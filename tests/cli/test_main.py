"""The edge: options anywhere, exit codes, sentences instead of tracebacks, JSON for programs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.sessions import PASSPHRASE, lodeline

from lodeline.cli.answers import DateMalformed, UnknownRight
from lodeline.cli.grants import ElementTwice, GrantKindUnknown
from lodeline.cli.main import run
from lodeline.cli.members import RecognitionOfNothing
from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED, USAGE, exit_code, worded
from lodeline.cli.terminal import (
    NotConfirmed,
    PassphraseMissing,
    PassphrasesDiffer,
    printable,
)
from lodeline.cli.trades import NothingOffered
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.holder.plan_refusals import MoreOutThanIn
from lodeline.kernel.errors import LodelineError, all_errors
from lodeline.kernel.ids import StrandName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams
from lodeline.ledger.refusals_offers import OfferDeadlinePassed
from lodeline.node.clock import SystemClock
from lodeline.node.workspace import WorkspaceMissing

MEMBERS = (
    "--member",
    "pit:Kolwezi Pit:CD:miner",
    "--member",
    "state:Cadastre:CD:authority",
)


def _founded() -> None:
    assert lodeline("init", "demo", *MEMBERS).code == OK


def test_options_of_every_command_stand_anywhere() -> None:
    _founded()
    first = lodeline("--json", "--as", "pit", "members")
    last = lodeline("members", "--json", "--as=pit")
    assert first.code == last.code == OK
    assert json.loads(first.out) == json.loads(last.out)
    assert [item["member"] for item in json.loads(first.out)] == ["pit", "state"]


def test_nothing_after_two_hyphens_is_an_option() -> None:
    _founded()
    ran = lodeline("member", "show", "--", "--json")
    assert ran.code == REFUSED


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), OK),
        (("lots", "--help"), OK),
        (("no-such-command",), USAGE),
        (("lots", "--no-such-option"), USAGE),
        (("lots",), USAGE),
        (("--as",), USAGE),
        (("--lang", "de", "lots"), USAGE),
        (("--home",), USAGE),
        (("verify", "nothing.bundle"), CHECK_FAILED),
        (("check-claim", "nothing.claim", "--for", "x"), CHECK_FAILED),
        (("init", "x", "--member", "nonsense"), REFUSED),
        (("--as", "né", "lots"), REFUSED),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int) -> None:
    ran = lodeline(*arguments)
    assert ran.code == code, ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err


def test_a_refusal_is_a_sentence_with_advice_in_either_language() -> None:
    english, french = lodeline("lots"), lodeline("lots", "--lang", "fr")
    assert english.code == french.code == USAGE
    assert english.err.startswith("Refused: ")
    assert "→" in english.err
    assert french.err.startswith("Refusé : ")
    assert english.out == french.out == ""


def test_a_refusal_for_programs_is_a_problem_object() -> None:
    ran = lodeline("lots", "--json", "--home", "nowhere")
    problem = json.loads(ran.out)
    assert ran.code == USAGE
    assert ran.err == ""
    assert problem["type"] == "urn:lodeline:problem:workspace-missing"
    assert problem["folder"] == "nowhere"
    assert set(problem) >= {"title", "status", "detail", "advice"}


def test_the_language_comes_from_option_environment_or_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _founded()
    assert lodeline("members").out.startswith("member")
    settings = Path(".lodeline/settings.toml")
    settings.write_text('lang = "fr"\n')
    assert lodeline("members").out.startswith("membre")
    monkeypatch.setenv("LODELINE_LANG", "en")
    assert lodeline("members").out.startswith("member ")
    assert lodeline("members", "--lang", "fr").out.startswith("membre")
    settings.write_text("lang = 3\n")
    monkeypatch.delenv("LODELINE_LANG")
    assert lodeline("members").code == USAGE


def test_the_folder_comes_from_option_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lodeline("--home", "here", "init", "demo", *MEMBERS).code == OK
    assert Path("here/ledger.db").is_file()
    monkeypatch.setenv("LODELINE_HOME", "here")
    assert lodeline("members").code == OK


def test_a_passphrase_comes_from_file_or_environment_and_is_never_an_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _founded()
    monkeypatch.delenv("LODELINE_PASSPHRASE")
    nobody = lodeline("lots", "--as", "pit", yes=False)
    assert nobody.code == REFUSED
    assert "LODELINE_PASSPHRASE" in nobody.err
    Path("secret").write_text(f"{PASSPHRASE}\n")
    assert lodeline("lots", "--as", "pit", "--passphrase-file", "secret").code == OK
    Path("secret").write_text("another passphrase\n")
    assert lodeline("lots", "--as", "pit", "--passphrase-file", "secret").code == REFUSED
    assert lodeline("lots", "--as", "pit", "--passphrase-file", "none").code == USAGE


def test_a_passphrase_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    _founded()
    Path("new").write_text("an entirely new passphrase\n")
    assert lodeline("member", "passphrase", "--as", "pit", yes=False).code == REFUSED
    assert lodeline("member", "passphrase", "--new-file", "new", "--as", "pit").code == OK
    assert lodeline("lots", "--as", "pit").code == REFUSED
    assert lodeline("lots", "--as", "pit", "--passphrase-file", "new").code == OK
    typed = iter(["one long passphrase", "another long one"])
    monkeypatch.setattr("lodeline.cli.terminal.getpass", lambda _: next(typed))
    assert lodeline("member", "passphrase", "--as", "state").code == REFUSED
    assert lodeline("lots", "--as", "state").code == OK


def test_a_short_passphrase_founds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODELINE_PASSPHRASE", "short")
    assert lodeline("init", "demo", *MEMBERS).code == REFUSED
    assert list(Path().iterdir()) == []


def test_a_consortium_is_founded_once() -> None:
    _founded()
    before = Path(".lodeline/trust.json").read_bytes()
    assert lodeline("init", "demo", *MEMBERS).code == USAGE
    assert Path(".lodeline/trust.json").read_bytes() == before


def test_what_is_for_good_is_asked_first() -> None:
    _founded()
    assert lodeline("trust", "renew", yes=False).code == REFUSED
    assert lodeline("trust", "renew", "--json").code == REFUSED
    assert lodeline("trust", "renew", "--json", "--yes").code == OK


def test_the_member_that_is_meant_is_remembered() -> None:
    _founded()
    assert lodeline("lots").code == USAGE
    assert lodeline("member", "use", "pit").code == OK
    assert lodeline("lots").code == OK
    assert lodeline("member", "use", "nobody").code == USAGE


def test_while_another_program_writes_one_only_reads() -> None:
    _founded()
    busy = EmbeddedLedger(Path(".lodeline/ledger.db"), SystemClock())
    try:
        assert lodeline("members").code == OK
        assert lodeline("queue", "send", "--as", "pit").code == USAGE
    finally:
        busy.close()
    assert lodeline("queue", "send", "--as", "pit").code == OK


def test_quantities_and_times_in_a_refusal_are_written_for_people() -> None:
    late = OfferDeadlinePassed(BlockTime(0), BlockTime(86_400))
    assert "1970-01-02T00:00:00Z" in worded(late, "en").message("en")
    more = MoreOutThanIn(StrandName("Co"), Milligrams(10**6), Milligrams(2 * 10**6))
    assert "2 kg of Co" in worded(more, "en").message("en")
    assert "2\u00a0kg de Co" in worded(more, "fr").message("fr")
    assert exit_code(more) == REFUSED
    assert exit_code(WorkspaceMissing("x")) == USAGE


def test_every_refusal_can_be_worded() -> None:
    assert len(all_errors()) > 200
    assert {"workspace-missing", "not-confirmed", "passphrase-missing"} <= set(all_errors())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é – “x”", "plain é – “x”"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\u202eb", "a\ufffdb"),
        ("2\u202f500\u00a0t", "2\u202f500\u00a0t"),
        ("over\rwritten", "over\ufffdwritten"),
    ],
)
def test_no_name_moves_the_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_unreadable_folder_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lodeline.cli.main._invoke", broken)
    err = io.StringIO()
    assert run(["lots"], io.StringIO(), err) == USAGE
    assert "Permission denied" in err.getvalue()


def test_the_command_itself_runs(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("lodeline")
    ran = subprocess.run(  # the installed entry point, in a process of its own
        [str(script), "recipes", "--json"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert ran.returncode == USAGE
    assert json.loads(ran.stdout)["type"] == "urn:lodeline:problem:workspace-missing"
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("trust", "renew"), NotConfirmed),
        (("recognise", "pit", "--until", "2099-12-31"), RecognitionOfNothing),
        (("recognise", "pit", "--until", "soon", "--right", "quota"), DateMalformed),
        (("recognise", "pit", "--until", "2099-12-31", "--right", "kingship"), UnknownRight),
        (("grant", "wish", "x", "1 t Co"), GrantKindUnknown),
        (("grant", "quota", "x", "1 t Co", "2 t Co"), ElementTwice),
        (("offer",), NothingOffered),
    ],
)
def test_each_reason_of_the_edge_has_its_code(
    arguments: tuple[str, ...], error: type[LodelineError]
) -> None:
    _founded()
    ran = lodeline(*arguments, "--json", yes=False)
    assert ran.code == REFUSED
    assert json.loads(ran.out)["type"] == f"urn:lodeline:problem:{error.code}"


def test_passphrases_are_asked_for_where_somebody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    _founded()
    monkeypatch.delenv("LODELINE_PASSPHRASE")
    nobody = lodeline("lots", "--as", "pit", "--json", yes=False)
    assert json.loads(nobody.out)["type"].endswith(PassphraseMissing.code)
    monkeypatch.setattr("lodeline.cli.terminal.getpass", lambda _: PASSPHRASE)
    assert lodeline("lots", "--as", "pit").code == OK
    typed = iter(["new and long enough", "new and long, but not the same"])
    monkeypatch.setattr("lodeline.cli.terminal.getpass", lambda _: next(typed))
    differ = lodeline("member", "passphrase", "--as", "pit", "--json")
    assert json.loads(differ.out)["type"].endswith(PassphrasesDiffer.code)
