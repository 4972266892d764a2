"""Founding, watching and changing a consortium of validators from the command line."""

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
from msgspec import structs
from tests.cli.sessions import PASSPHRASE, Ran, lodeline

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.refusals_validators import ValidatorUnreachable
from lodeline.engine.consortium.wire_http import RequiredProtocol, ValidatorStatus
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import ProtocolVersion
from lodeline.ledger.merkle import TreeSize
from lodeline.node.trust import read_trust
from lodeline.node.validator_run import Happened, Happening

NAMES = ("mine", "refinery", "auditor")
TABLE = """
chain: cobalt-trial
title: Cobalt Trial
genesis_time: 2026-11-24T12:00:00Z
members: [mine.member.json, refinery.member.json, auditor.member.json]
"""


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("LODELINE_HOME", raising=False)


class Members:
    """Three members, each with a workspace; the auditor runs no validator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.post = folder / "post"

    def run(self, name: str, *arguments: str, yes: bool = True) -> Ran:
        return lodeline(*arguments, "--home", str(self.folder / name), yes=yes)

    def keys(self, name: str, *more: str) -> Ran:
        where: tuple[str, ...] = ()
        if name != "auditor":
            where = ("--address", f"{name}.example:26656", "--api", f"https://{name}.example")
        spec = f"{name}:The {name}:CD:auditor"
        return self.run(
            name, "consortium", "keys", "--member", spec, *where, "--out", str(self.post), *more
        )

    def init(self, name: str, *more: str, yes: bool = True) -> Ran:
        table = str(self.post / "members.yaml")
        return self.run(name, "consortium", "init", "--members", table, *more, yes=yes)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three members with keys, whose files are all in one folder."""
    folder = tmp_path_factory.mktemp("members")
    made = Members(folder)
    with mock.patch.dict("os.environ", {"LODELINE_PASSPHRASE": PASSPHRASE}):
        for name in NAMES:
            ran = made.keys(name)
            assert ran.code == 0, ran.err
    (made.post / "members.yaml").write_text(TABLE)
    return folder


@pytest.fixture
def members(template: Path, tmp_path: Path) -> Members:
    shutil.copytree(template, tmp_path / "members")
    return Members(tmp_path / "members")


@pytest.fixture(scope="module")
def founded_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "members"
    shutil.copytree(template, folder)
    with mock.patch.dict("os.environ", {"LODELINE_PASSPHRASE": PASSPHRASE}):
        for name in (*NAMES, *NAMES[:-1]):
            assert Members(folder).init(name).code == 0
    return folder


@pytest.fixture
def founded(founded_template: Path, tmp_path: Path) -> Members:
    shutil.copytree(founded_template, tmp_path / "founded")
    return Members(tmp_path / "founded")


# ------------------------------------------------------------------ founding


def test_keys_are_made_once(members: Members) -> None:
    again = members.keys("mine")
    assert again.code == 3
    assert "mine.member.json" in again.err


def test_a_founding_takes_each_member_twice_at_most(members: Members) -> None:
    first = members.init("mine")
    assert "Still to sign: auditor, refinery" in first.out
    assert not (members.folder / "mine" / "trust.json").exists()
    members.init("refinery")
    last = members.init("auditor")
    assert "is founded" in last.out
    assert "validator run" not in last.out
    again = members.init("mine")
    assert "validator run" in again.out
    home = members.folder / "mine" / "validator"
    assert read_trust(home / "trust.json") == read_trust(members.folder / "auditor" / "trust.json")
    assert not (members.folder / "auditor" / "validator").exists()


def test_all_show_the_same_digest_to_read_out(members: Members) -> None:
    data = [json.loads(members.init(name, "--json", "--yes").out) for name in NAMES]
    digests = {each["digest"] for each in data}
    assert len(digests) == 1
    assert [each["missing"] for each in data] == [["auditor", "refinery"], ["auditor"], []]
    shown = members.init("mine").out
    assert digests.pop() in "".join(shown.split())


def test_nothing_is_signed_without_a_yes(members: Members) -> None:
    ran = members.init("mine", yes=False)
    assert ran.code == 2
    assert not list(members.post.glob("*.signature.json"))


def test_a_file_changed_under_way_is_named(members: Members) -> None:
    members.init("mine")
    file = members.post / "refinery.member.json"
    file.write_text(file.read_text().replace("The refinery", "Another refinery"))
    ran = members.init("auditor")
    assert ran.code == 2
    assert "mine" in ran.err
    assert "refinery.member.json" in ran.err


def test_both_languages_found(members: Members) -> None:
    ran = members.init("mine", "--lang", "fr")
    assert "Doivent encore signer" in ran.out


def test_an_address_without_its_api_is_refused(tmp_path: Path) -> None:
    ran = lodeline(
        "consortium", "keys", "--member", "mine:Mine:CD:miner", "--address", "mine.example:26656",
        "--home", str(tmp_path / "home"), "--out", str(tmp_path),
    )  # fmt: skip
    assert ran.code == 2
    assert "--api" in ran.err
    assert not list(tmp_path.glob("*.json"))


# ------------------------------------------------------------------ watching


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, ValidatorStatus]:
    """What validators answer; one that is not in it is down."""
    answers: dict[str, ValidatorStatus] = {}

    def status(client: ValidatorClient) -> ValidatorStatus:
        if client.url not in answers:
            raise ValidatorUnreachable(client.url, "down")
        return answers[client.url]

    monkeypatch.setattr(ValidatorClient, "status", status)
    return answers


def _status(name: str, size: int) -> ValidatorStatus:
    root = Hash32(bytes([size]) * 32)
    return ValidatorStatus(
        chain=ChainId("cobalt-trial"),
        member=MemberId(name),
        size=TreeSize(size),
        time=BlockTime(1),
        log_root=root,
        state_root=root,
        signed=TreeSize(0),
        signatures=0,
        validators=2,
        needed=2,
    )


def test_status_says_who_is_silent_and_who_is_behind(
    founded: Members, answering: dict[str, ValidatorStatus]
) -> None:
    answering["https://mine.example"] = _status("mine", 9)
    answering["https://refinery.example"] = _status("refinery", 7)
    urls = ("https://mine.example", "https://refinery.example", "https://auditor.example")
    asked = [word for url in urls for word in ("--url", url)]
    ran = founded.run("mine", "consortium", "status", *asked, "--json")
    assert ran.code == 1
    seen = json.loads(ran.out)["validators"]
    assert [one["behind"] for one in seen] == [0, 2, 0]
    assert [one["member"] for one in seen] == ["mine", "refinery", None]
    assert seen[2]["fault"]["type"].endswith("validator-unreachable")
    plain = founded.run("mine", "consortium", "status", *asked)
    assert "refinery" in plain.out
    assert "https://auditor.example" in plain.err


def test_status_says_whose_program_will_stop(
    founded: Members, answering: dict[str, ValidatorStatus]
) -> None:
    begins = BlockTime(1_800_000_000)
    two = (RequiredProtocol(ProtocolVersion(2), begins, "2.4"),)
    for name, known in (("mine", (1, 2)), ("refinery", (1,))):
        versions = tuple(map(ProtocolVersion, known))
        answering[f"https://{name}.example"] = structs.replace(
            _status(name, 9), required=two, known=versions
        )
    asked = ("--url", "https://mine.example", "--url", "https://refinery.example")
    ran = founded.run("mine", "consortium", "status", *asked)
    assert "Protocol 2 is required from 2027-01-15T08:00:00Z" in ran.out
    (warned,) = [line for line in ran.err.splitlines() if "do not know it" in line]
    assert "refinery" in warned
    assert "mine" not in warned
    told = founded.run("mine", "consortium", "status", *asked, "--json")
    first, second = json.loads(told.out)["validators"]
    assert (first["protocols"], second["protocols"]) == ([1, 2], [1])
    assert first["required"] == [{"version": 2, "from": "2027-01-15T08:00:00Z", "release": "2.4"}]


def test_status_finds_a_newcomer_where_the_ledger_says(
    founded: Members, answering: dict[str, ValidatorStatus]
) -> None:
    """Nobody wrote it into a file of this machine; an address that is none is passed over."""
    named = ("https://bank.example", "ftp://bank.example", "https://mine.example/")
    for name in ("mine", "refinery", "bank"):
        answering[f"https://{name}.example"] = structs.replace(_status(name, 9), addresses=named)
    answering["https://127.0.0.1:443"] = answering["http://127.0.0.1:443"] = answering[
        "https://mine.example"
    ]
    ran = founded.run("mine", "consortium", "status", "--json")
    seen = json.loads(ran.out)["validators"]
    assert [one["member"] for one in seen] == ["mine", "refinery", "bank"]
    urls = ("--url", "https://refinery.example")
    only = founded.run("mine", "consortium", "status", *urls, "--json")
    assert [one["member"] for one in json.loads(only.out)["validators"]] == ["refinery"]


def test_status_of_a_validator_that_does_not_run(
    founded: Members, answering: dict[str, ValidatorStatus]
) -> None:
    assert answering == {}
    ran = founded.run("mine", "consortium", "status")
    assert ran.code == 1
    assert "not running" in ran.out


def test_status_where_there_is_no_validator(founded: Members) -> None:
    ran = founded.run("auditor", "consortium", "status")
    assert ran.code in (2, 3)
    assert "validator.toml" in ran.err


# ------------------------------------------------------------------ newcomers


def test_an_invitation_and_a_newcomer_that_replays(founded: Members) -> None:
    file = founded.folder / "invitation.json"
    ran = founded.run(
        "mine", "consortium", "invite", "--api", "https://mine.example", "--out", str(file)
    )
    assert "names 2 validators" in ran.out
    assert founded.keys("bank").code == 0
    joined = founded.run(
        "bank", "consortium", "join", str(file), "--member", str(founded.post / "bank.member.json"),
        "--trust", str(founded.folder / "mine" / "trust.json"),
    )  # fmt: skip
    assert joined.code == 0, joined.err
    assert "replay" in joined.out
    home = founded.folder / "bank" / "validator"
    assert (home / "validator.toml").is_file()
    assert (home / "founding.json").read_bytes() == (
        founded.folder / "mine" / "validator" / "founding.json"
    ).read_bytes()


def test_a_member_file_without_a_validator_joins_nothing(founded: Members) -> None:
    file = founded.folder / "invitation.json"
    founded.run("mine", "consortium", "invite", "--api", "https://mine.example", "--out", str(file))
    ran = founded.run(
        "auditor", "consortium", "join", str(file),
        "--member", str(founded.post / "auditor.member.json"),
        "--trust", str(founded.folder / "mine" / "trust.json"),
    )  # fmt: skip
    assert ran.code == 2
    assert "no validator" in ran.err


def test_an_export_needs_a_ledger(founded: Members, tmp_path: Path) -> None:
    ran = founded.run("mine", "consortium", "export", str(tmp_path / "out"))
    assert ran.code == 3
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ votes and running


def test_validators_are_voted_in_and_out(founded: Members, tmp_path: Path) -> None:
    """On an embedded ledger, whose only voter is here; the first validators may be any number."""
    home = ("--home", str(tmp_path / "one"))
    assert lodeline("init", "one", "--member", "mine:Mine:CD:miner", *home).code == 0
    for name in ("refinery", "auditor"):
        founded.keys(name, "--out", str(tmp_path))
    file = founded.post / "refinery.member.json"
    ran = lodeline("consortium", "admit", str(file), *home)
    assert ran.code == 0, ran.err
    assert "to validate" in ran.out
    again = lodeline("consortium", "admit", str(file), *home)
    assert again.code == 2
    none = lodeline("consortium", "admit", str(founded.post / "auditor.member.json"), *home)
    assert none.code == 2
    last = lodeline("consortium", "remove", "refinery", *home)
    assert last.code == 2
    assert "refinery" in last.err
    unknown = lodeline("consortium", "remove", "mine", *home)
    assert unknown.code == 2
    refused = lodeline("consortium", "admit", str(file), *home, yes=False)
    assert refused.code == 2


def test_a_protocol_version_is_required_and_taken_back(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "one"))
    assert lodeline("init", "one", "--member", "mine:Mine:CD:miner", *home).code == 0
    two, begins = ("consortium", "protocol", "2"), ("--from", "2100-01-01T00:00:00Z")
    unnamed = lodeline(*two, *begins, *home)
    assert (unnamed.code, "--release" in unnamed.err) == (2, True)
    past = lodeline(*two, "--from", "2020-01-01T00:00:00Z", "--release", "2.x", *home)
    assert past.code == 2
    refused = lodeline(*two, *begins, "--release", "2.x", *home, yes=False)
    assert refused.code == 2
    assert lodeline(*two, *home).code == 2  # nothing to take back
    ran = lodeline(*two, *begins, "--release", "2.x", *home)
    assert ran.code == 0, ran.err
    assert "2100-01-01T00:00:00Z" in ran.out
    assert lodeline(*two, *begins, "--release", "2.x", *home).code == 2  # as it is
    assert lodeline(*two, *home).code == 0
    assert lodeline(*two, *home).code == 2


def test_a_file_with_another_key_than_the_registrys_is_not_voted_on(
    founded: Members, tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "one"))
    assert lodeline("init", "one", "--member", "refinery:R:CD:miner", *home).code == 0
    ran = lodeline("consortium", "admit", str(founded.post / "refinery.member.json"), *home)
    assert ran.code == 2
    assert "key" in ran.err


def test_running_tells_a_line_for_each_event(founded: Members, tmp_path: Path) -> None:
    program = tmp_path / "cometbft"
    program.write_text("#!/bin/sh\necho 0.38.25\n")
    program.chmod(0o755)
    told = [Happened(Happening.APPLICATION_STARTED, "application", 7), Happened(Happening.STOPPED)]

    class Quick:
        def __init__(self, home: object, program: object, tell: object, pace: object) -> None:
            self.tell = tell

        def run(self) -> None:
            for event in told:
                self.tell(event)  # type: ignore[operator]  # what the command gave

        def stop(self) -> None: ...

    home = str(founded.folder / "mine" / "validator")
    with mock.patch("lodeline.cli.validator.Supervisor", Quick):
        ran = lodeline("validator", "run", home, "--engine", str(program))
        data = lodeline("validator", "run", home, "--engine", str(program), "--json")
    assert ran.code == 0
    assert "process 7" in ran.out
    events = [json.loads(line) for line in data.out.splitlines()]
    assert [event["event"] for event in events] == ["application-started", "stopped"]


def test_running_without_the_consensus_program(founded: Members, tmp_path: Path) -> None:
    home = str(founded.folder / "mine" / "validator")
    ran = lodeline("validator", "run", home, "--engine", str(tmp_path / "none"))
    assert ran.code in (2, 3)
    assert "make engine" in ran.err
