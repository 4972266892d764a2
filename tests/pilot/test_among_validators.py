"""A small pilot among four validators, one of them killed on the way; and what strikes it."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from unittest import mock

import pytest
from rich.console import Console
from tests.node.benches import cheap_keystores
from tests.node.engines import consensus_engine
from tests.pilot.stories import scenario, story

from lodeline.cli.main import run
from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.refusals_validators import NoValidatorAnswers
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Receipt
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Checkpoint, Origin
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.refusals_bundles import BundleDamaged
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.verify_bundle import verify_bundle
from lodeline.node.bundles import PUBLIC_READER
from lodeline.node.clock import ManualClock
from lodeline.node.consortium_status import ValidatorSeen, see_validators
from lodeline.node.local_network import LocalNetwork, ValidatorsDisagree
from lodeline.node.session import Session
from lodeline.node.trust import read_trust
from lodeline.node.workspace import Workspace
from lodeline.pilot.agreement import agreement, show_agreement
from lodeline.pilot.among_validators import (
    AmongValidators,
    Blow,
    BundleDoesNotHold,
    ValidatorScreen,
    perform_among,
)
from lodeline.pilot.consortium import DemoFolderInUse, Ground
from lodeline.pilot.performance import Settings
from lodeline.pilot.running import _Run
from lodeline.pilot.screen import Frame, LineScreen
from lodeline.pilot.steps import Step
from lodeline.pilot.telling import parse_scale
from lodeline.pilot.texts import PilotTexts
from lodeline.pilot.validators import open_terrain, validating
from lodeline.proofs.batch import verify_batch


@dataclass(frozen=True)
class Shown:
    """What a run left, and what it printed on the way."""

    done: AmongValidators
    folder: Path
    printed: str


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    program = consensus_engine()
    folder = tmp_path_factory.mktemp("pilot") / "demo"
    out = io.StringIO()
    frame = Frame(Console(file=out, width=120), PilotTexts("en"), "2026-Q3", 1, 2)
    settings = Settings(folder, parse_scale("0.01"), 1, 2)
    with cheap_keystores():
        done = perform_among(settings, scenario(), program, SystemEntropy(), LineScreen(frame))
        yield Shown(done, folder, out.getvalue())


def _checkpoint(path: Path) -> Checkpoint:
    ledger = EmbeddedLedger(path, ManualClock(scenario().quarter.end), writable=False)
    try:
        return ledger.checkpoint(Origin(scenario().chain))
    finally:
        ledger.close()


@pytest.mark.slow
def test_four_validators_and_the_members_node_have_one_ledger(shown: Shown) -> None:
    homes = sorted((shown.folder / "validators").iterdir())
    found = {_checkpoint(home / "ledger.db") for home in homes}
    assert [home.name for home in homes] == sorted(validating(scenario()))
    assert found == {_checkpoint(shown.folder / "ledger.db")}
    (checkpoint,) = found
    agreement = shown.done.agreement
    assert checkpoint.size == agreement.size == shown.done.ending.entries > 150
    assert checkpoint.time >= scenario().quarter.end


@pytest.mark.slow
def test_the_one_that_was_killed_is_among_them(shown: Shown) -> None:
    agreement = shown.done.agreement
    assert agreement.killed in agreement.members
    assert len(agreement.members) == 4
    assert agreement.needed == 3
    assert len(agreement.signers) >= 3
    assert set(agreement.signers) <= set(agreement.members)
    lines = [line for line in shown.printed.splitlines() if agreement.killed in line]
    assert [word for line in lines for word in ("killed", "started again") if word in line] == [
        "killed",
        "started again",
    ]


@pytest.mark.slow
def test_nothing_of_it_runs_any_more(shown: Shown) -> None:
    workspace = Workspace.open_at(shown.folder)
    seen = see_validators(workspace.settings().validators, read_trust(workspace.trust).policy())
    assert [one.fault.code for one in seen if one.fault] == ["validator-unreachable"] * 4


@pytest.mark.slow
def test_a_stranger_checks_a_bundle_with_the_validators_keys(shown: Shown) -> None:
    trust = read_trust(shown.folder / "trust.json")
    assert trust.signers == "validators"
    data = (shown.folder / "bundles" / shown.done.ending.bundles[0]).read_bytes()
    asked = Asked(trust.chain, PUBLIC_READER, scenario().quarter.end)
    report = verify_bundle(data, trust, verify_batch, asked)
    assert report.facts is not None
    assert report.facts.synthetic
    with pytest.raises(BundleDamaged):
        verify_bundle(data[:-1] + bytes([data[-1] ^ 1]), trust, verify_batch, asked)


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_end_says_what_the_validators_agree_on(shown: Shown, lang: str) -> None:
    out = io.StringIO()
    texts = PilotTexts("en" if lang == "en" else "fr")
    agreement = shown.done.agreement
    show_agreement(Console(file=out, width=400), texts, agreement, shown.folder)
    assert agreement.application_hash.hex() in out.getvalue()
    assert all(member in out.getvalue() for member in agreement.members)


@pytest.mark.slow
def test_the_log_can_be_verified_without_them(shown: Shown) -> None:
    out = io.StringIO()
    assert run(["--home", str(shown.folder), "log", "verify"], out, io.StringIO()) == 0


# ------------------------------------------------------------------ what strikes it


@pytest.mark.slow
def test_an_interrupt_stops_all_validators(tmp_path: Path) -> None:
    program, folder = consensus_engine(), tmp_path / "demo"
    seen: list[LocalNetwork] = []
    ids: list[int] = []

    def interrupted(network: LocalNetwork) -> None:
        seen.append(network)
        ids.extend(number for one in network.validators.values() for number in one.process_ids)
        raise KeyboardInterrupt

    with (
        cheap_keystores(),
        mock.patch("lodeline.pilot.validators.wait_until_signed", interrupted),
        pytest.raises(KeyboardInterrupt),
        open_terrain(folder, scenario(), program, SystemEntropy()),
    ):
        pass
    assert len(set(ids)) == 8
    assert not any(Path(f"/proc/{number}").exists() for number in ids)
    assert not any(one.is_running for network in seen for one in network.validators.values())


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with (
        pytest.raises(DemoFolderInUse),
        open_terrain(tmp_path, scenario(), tmp_path / "cometbft", SystemEntropy()),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_the_engine_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LODELINE_COMETBFT", str(tmp_path / "nowhere"))
    words = ["demo", "--consortium", "--folder", str(tmp_path / "demo")]
    err = io.StringIO()
    assert run(words, io.StringIO(), err) != 0
    assert "make engine" in err.getvalue()
    assert not (tmp_path / "demo").exists()


def test_a_bundle_that_does_not_hold_is_said_so(tmp_path: Path) -> None:
    failed = BundleDoesNotHold("a.bundle", "why")
    assert (failed.bundle, failed.reason) == ("a.bundle", "why")
    assert "a.bundle" in failed.message("fr")


@pytest.mark.parametrize("hashes", [(b"a", b"a", b"b"), (b"a", None, b"a")])
def test_validators_with_different_ledgers_are_no_agreement(
    hashes: Sequence[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validator whose disk lies: as many entries as the others, and another ledger."""
    seen = [
        ValidatorSeen(f"http://{at}", None, size=TreeSize(7), application_hash=_hash(made))
        for at, made in enumerate(hashes)
    ]
    monkeypatch.setattr("lodeline.pilot.agreement.see_validators", lambda *_: seen)
    monkeypatch.setattr("lodeline.pilot.agreement.wait_until_signed", lambda _: None)
    monkeypatch.setattr("lodeline.pilot.agreement.read_trust", mock.Mock())
    session, network = mock.Mock(), mock.Mock()
    session.ledger.size, network.agreed, network.validators = TreeSize(7), lambda: 3, {}
    with pytest.raises(ValidatorsDisagree) as refused:
        agreement(cast(Session, session), cast(LocalNetwork, network), MemberId("victim"))
    assert refused.value.height == 3
    assert len(refused.value.found) == 3


def _hash(made: bytes | None) -> Hash32 | None:
    return None if made is None else Hash32(made * 32)


# ------------------------------------------------------------------ the moment of the blow


@dataclass
class _Victim:
    """A validator that only remembers what was done to it."""

    deeds: list[str]
    member = MemberId("victim")

    def kill(self) -> None:
        self.deeds.append("kill")

    def start(self) -> None:
        self.deeds.append("start")


@dataclass
class _Network:
    victim: _Victim
    validators: dict[str, _Victim] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.validators = {"victim": self.victim, "other": _Victim([])}


def _blow(deeds: list[str]) -> Blow:
    session = mock.Mock()
    session.ledger.size = TreeSize(7)
    screen = mock.Mock()
    screen.killed = lambda member, entries: deeds.append(f"{member} killed at {entries}")
    screen.back = lambda member, entries: deeds.append(f"{member} back at {entries}")
    return Blow(
        cast(Session, session),
        cast(LocalNetwork, _Network(_Victim(deeds))),
        cast(ValidatorScreen, screen),
    )


@pytest.mark.parametrize("batch", [1, 3, 7, 50])
def test_the_blow_falls_once_and_is_undone_once(batch: int) -> None:
    deeds: list[str] = []
    blow, told = _blow(deeds), story()
    blow.told(told)
    steps: Sequence[Step] = told.steps
    for at in range(0, len(steps), batch):
        before = len(deeds)
        blow.accepted(steps[at : at + batch])
        done = min(at + batch, len(steps))
        if len(deeds) > before and "kill" in deeds[before:]:
            assert at < len(steps) / 2 <= done
    assert deeds == ["kill", "victim killed at 7", "start", "victim back at 7"]


# ------------------------------------------------------------------ validators that are away


def _played(answers: list[object], again: int) -> tuple[list[int], type[BaseException] | None]:
    """Send one step to a ledger that gives these answers in turn; return what was asked."""
    asked: list[int] = []

    def submit(entries: Sequence[bytes]) -> list[object]:
        asked.append(len(entries))
        return [answers.pop(0)]

    session = mock.Mock()
    session.ledger.submit = submit
    ground = Ground(cast(Session, session), ManualClock(BlockTime(0)), again)
    step = mock.Mock(at=BlockTime(0))
    run_ = _Run(ground, mock.Mock(), [], mock.Mock(), mock.Mock())
    run_.stage = mock.Mock()
    with mock.patch("lodeline.pilot.running.encode_entry", return_value=b"entry"):
        try:
            run_.send([cast(Step, step)])
        except LodelineError as refused:
            return asked, type(refused)
    return asked, None


def test_what_could_not_be_decided_is_submitted_again() -> None:
    away, receipt = NoValidatorAnswers(("nobody",)), mock.Mock(spec=Receipt)
    assert _played([away, away, receipt], again=5) == ([1, 1, 1], None)
    assert _played([away, away, receipt], again=1) == ([1, 1], NoValidatorAnswers)
    assert _played([away, receipt], again=0) == ([1], NoValidatorAnswers)


def test_what_the_rules_refuse_is_not_submitted_again() -> None:
    assert _played([NoGenesis()], again=5) == ([1], NoGenesis)
