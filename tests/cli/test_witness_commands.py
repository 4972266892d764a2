"""Witnesses from the command line: made, run as programs, asked, relied on, alarmed."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.cli.sessions import lodeline
from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, member_key

from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED, USAGE
from lodeline.engine.witnesses.evidence import Beginning, ForkEvidence

MEMBERS = ("mine:Mine:CD:weighbridge", "office:Office:CD:authority", "body:Body:CH:certifier")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A consortium with a signed checkpoint, in the present folder."""
    words = [word for text in MEMBERS for word in ("--member", text)]
    assert lodeline("init", "copperbelt", "--synthetic", *words).code == OK
    assert lodeline("log", "checkpoint").code == OK
    return tmp_path / ".lodeline"


@dataclass(frozen=True)
class Running:
    """A witness that runs as a program of its own."""

    url: str
    program: subprocess.Popen[str]

    def end(self) -> tuple[int, str]:
        """Ask it to end; return its exit code and what it printed to the side."""
        self.program.send_signal(signal.SIGTERM)
        _, err = self.program.communicate(timeout=30)
        return self.program.returncode, err


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Running]:
    code = "from lodeline.cli.main import main; main()"
    words = ["witness", "run", "--listen", "127.0.0.1:0", *arguments]
    program = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        line = program.stdout.readline()
        (url,) = [word for word in line.split() if word.startswith("http://")]
        yield Running(url, program)
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


def made_key(folder: str, name: str) -> str:
    ran = lodeline("witness", "key", name, "--folder", folder)
    assert ran.code == OK
    return ran.out.strip()


def test_a_consortium_gets_witnesses_and_readers_ask_for_them(home: Path, tmp_path: Path) -> None:
    key = made_key("w", "witness.example")
    arguments = ("--folder", "w", "--trust", str(home / "trust.json"))
    with running(*arguments) as witness:
        assert lodeline("log", "witness", "--witness", witness.url).code == REFUSED
        ran = lodeline("trust", "witnesses", "--key", key, "--threshold", "1")
        assert ran.code == OK, ran.err
        ran = lodeline("log", "witness", "--witness", witness.url, "--json")
        assert ran.code == OK, ran.err
        told = json.loads(ran.out)
        assert list(told["witnesses"][0]["cosigned"]) == ["witness.example"]
        assert told["checkpoint"].count("— ") == 4
        assert "witness.example" in lodeline("trust", "show").out
        code, err = witness.end()
        assert (code, err) == (OK, "")
    assert lodeline("log", "publish", "--folder", "pub").code == OK
    shutil.copy(home / "trust.json", tmp_path / "trust.json")
    ran = lodeline("log", "verify-published", "pub", "--trust", "trust.json", "--replay")
    assert ran.code == OK, ran.err
    assert "and 1 of the 1 outside witnesses" in ran.out
    (tmp_path / "pub" / "checkpoint").write_bytes(b"nothing\n")
    ran = lodeline("log", "verify-published", "pub", "--trust", "trust.json")
    assert ran.code == CHECK_FAILED


def test_a_witness_that_is_away_is_named(home: Path) -> None:
    key = made_key("w", "witness.example")
    assert lodeline("log", "witness", "--key", key).code == REFUSED
    (home / "settings.toml").write_text('witnesses = ["http://127.0.0.1:1"]\n')
    for words in ((), ("--witness", "http://127.0.0.1:2")):
        ran = lodeline("log", "witness", "--key", key, *words)
        assert ran.code == CHECK_FAILED
        assert (words or ("", "http://127.0.0.1:1"))[1] in ran.err
    (home / "settings.toml").write_text('witnesses = ["nowhere"]\n')
    assert lodeline("log", "witness", "--key", key).code == USAGE


def test_two_witnesses_raise_the_alarm_about_a_split_view(tmp_path: Path) -> None:
    """The log shows one history to each; they compare, and a third party checks what they found."""
    for name in ("one", "two"):
        made_key(name, f"{name}.example")
    log = f"{ORIGIN}={member_key('a')},{member_key('b')}"
    honest, liar = Log.of(9), Log.of(9, fork=3)
    with running("--folder", "one", "--log", log) as one:
        shown = httpx.post(f"{one.url}/add-checkpoint", content=honest.request(0, 9).encode())
        assert shown.status_code == 200
        peered = ("--peer", one.url, "--every", "1")
        with running("--folder", "two", "--log", log, *peered) as two:
            shown = httpx.post(f"{two.url}/add-checkpoint", content=liar.request(0, 9).encode())
            assert shown.status_code == 200
            assert two.program.stderr is not None
            alarm = two.program.stderr.readline()
            assert alarm.startswith(f"ALARM: {ORIGIN}")
            (listed,) = httpx.get(f"{two.url}/alarms").json()["alarms"]
            assert two.end()[0] == CHECK_FAILED
        assert one.end()[0] == OK
    assert lodeline("witness", "alarms", "--folder", "one").code == OK
    ran = lodeline("witness", "alarms", "--folder", "two")
    assert ran.code == CHECK_FAILED
    file = tmp_path / "two" / "alarms" / f"{listed['evidence']}.json"
    assert file.name in ran.out
    ran = lodeline("witness", "evidence", str(file))
    assert ran.code == OK
    assert f"{ORIGIN}/a, {ORIGIN}/b" in ran.out
    assert str(member_key("a")) in ran.out
    ran = lodeline("witness", "evidence", str(file), "--json")
    assert json.loads(ran.out)["kind"] == "entries"


def test_evidence_against_the_innocent_is_refused(tmp_path: Path, home: Path) -> None:
    log = Log.of(9)
    file = tmp_path / "evidence.json"
    shown = Beginning(log.at(9).root)
    file.write_bytes(ForkEvidence.of(POLICY, log.note(9), log.note(9), shown).encode())
    assert lodeline("witness", "evidence", str(file)).code == CHECK_FAILED
    file.write_bytes(
        ForkEvidence.of(
            POLICY, log.note(9), Log.of(9, fork=1).note(9), Beginning(Log.of(9, fork=1).at(9).root)
        ).encode()
    )
    assert lodeline("witness", "evidence", str(file)).code == OK
    # Under the trust file of another log it says nothing.
    trust = str(home / "trust.json")
    assert lodeline("witness", "evidence", str(file), "--trust", trust).code == CHECK_FAILED


def test_an_address_in_use_is_refused(tmp_path: Path) -> None:
    made_key("w", "witness.example")
    made_key("v", "witness.example")
    log = f"{ORIGIN}={member_key('a')}"
    with running("--folder", "w", "--log", log) as witness:
        taken = urlsplit(witness.url).netloc
        for folder, listen in (("v", taken), ("v", "nowhere"), ("w", "127.0.0.1:0")):
            ran = lodeline("witness", "run", "--folder", folder, "--log", log, "--listen", listen)
            assert ran.code == REFUSED
        witness.end()
    ran = lodeline("witness", "run", "--folder", "v")
    assert ran.code == REFUSED
