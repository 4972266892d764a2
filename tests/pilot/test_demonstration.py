"""A small pilot from the empty folder to the closing lines, with every proof made and checked."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from tests.node.benches import cheap_keystores
from tests.pilot.stories import scenario

from lodeline.cli.main import run
from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.entries import Transform
from lodeline.ledger.log import read_leaf
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.refusals_bundles import BundleDamaged, ClaimsWithoutReader
from lodeline.ledger.trust import TrustFile
from lodeline.ledger.verify_bundle import verify_bundle
from lodeline.node.bundles import PUBLIC_READER
from lodeline.node.clock import ManualClock
from lodeline.node.trust import read_trust
from lodeline.pilot.consortium import DemoFolderInUse, found_pilot, open_ground
from lodeline.pilot.ending import Closing
from lodeline.pilot.performance import Ending, Settings, perform
from lodeline.pilot.screen import Frame, LineScreen
from lodeline.pilot.sources import show_sources
from lodeline.pilot.telling import parse_scale
from lodeline.pilot.texts import PilotTexts
from lodeline.proofs.batch import verify_batch

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Shown:
    """What a run left, and what it printed on the way."""

    ending: Ending
    folder: Path
    printed: str

    @property
    def trust(self) -> TrustFile:
        return read_trust(self.folder / "trust.json")

    def bundle(self, place: int) -> bytes:
        return (self.folder / "bundles" / self.ending.bundles[place]).read_bytes()

    def asked(self) -> Asked:
        return Asked(self.trust.chain, PUBLIC_READER, scenario().quarter.end)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("pilot") / "demo"
    out = io.StringIO()
    frame = Frame(Console(file=out, width=120), PilotTexts("en"), "2026-Q3", 1, 2)
    settings = Settings(folder, parse_scale("0.05"), 1, 2)
    with cheap_keystores():
        ending = perform(settings, scenario(), SystemEntropy(), LineScreen(frame))
        yield Shown(ending, folder, out.getvalue())


def test_it_leaves_a_bundle_for_each_battery_and_the_trust_file(shown: Shown) -> None:
    assert len(shown.ending.bundles) == shown.ending.happened.cars == 5
    assert sorted(shown.ending.bundles) == sorted(
        path.name for path in (shown.folder / "bundles").iterdir()
    )
    assert (shown.folder / "trust.json").is_file()
    assert len(shown.ending.statements) == 3


@pytest.mark.parametrize("place", [0, -1])
def test_a_stranger_finds_that_a_bundle_holds(shown: Shown, place: int) -> None:
    report = verify_bundle(shown.bundle(place), shown.trust, verify_batch, shown.asked())
    assert report.facts is not None
    assert report.facts.synthetic
    assert report.facts.proofs > 30
    assert len(report.facts.claims) >= 3
    assert {"mwinda-mine", "nyota-mine"} <= set(report.facts.sites)


def test_a_flipped_byte_is_refused(shown: Shown) -> None:
    data = shown.bundle(0)
    places = range(7, len(data), len(data) // 12)
    assert len(places) >= 12
    for place in places:
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(LodelineError):
            verify_bundle(flipped, shown.trust, verify_batch, shown.asked())
    with pytest.raises(BundleDamaged):
        verify_bundle(data[:-1] + bytes([data[-1] ^ 1]), shown.trust, verify_batch, shown.asked())


def test_claims_are_for_whoever_says_so_and_not_for_nobody(shown: Shown) -> None:
    with pytest.raises(ClaimsWithoutReader):
        verify_bundle(shown.bundle(0), shown.trust, verify_batch)


def test_the_command_line_checks_what_the_demonstration_left(shown: Shown) -> None:
    path = shown.folder / "bundles" / shown.ending.bundles[0]
    words = ["verify", str(path), "--trust", str(shown.folder / "trust.json")]
    assert run(words, io.StringIO(), io.StringIO()) == 0
    damaged = shown.folder / "damaged.bundle"
    damaged.write_bytes(path.read_bytes()[:-9])
    words[1] = str(damaged)
    assert run(words, io.StringIO(), io.StringIO()) == 1


def test_owner_and_stranger_see_different_things(shown: Shown) -> None:
    car = shown.ending.car
    assert car.report.facts is not None
    assert car.report.facts.identifier == car.product
    known = [car.way.known_as, car.way.before[0].known_as]
    assert all(any(lot in car.known for lot in lots) for lots in known)
    assert len(car.known) < shown.ending.entries


def test_the_way_back_ends_at_mines(shown: Shown) -> None:
    mines, waiting = set(), [shown.ending.car.way]
    while waiting:
        station = waiting.pop()
        waiting += station.before
        if not station.before and not station.again:
            mines.add(station.site)
    assert mines == {"mwinda-mine", "nyota-mine"}


def test_three_companies_give_three_answers(shown: Shown) -> None:
    answers = [(answer.certified, answer.cobalt) for answer in shown.ending.answers]
    assert len(answers) == 3
    assert len({repr(certified) for certified, _ in answers}) == 3
    assert all(cobalt > 0 for _, cobalt in answers)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_closing_lines_are_in_both_languages(shown: Shown, lang: Lang) -> None:
    out = io.StringIO()
    console, texts = Console(file=out, width=160), PilotTexts(lang)
    show_sources(console, texts, scenario())
    Closing(console, texts, shown.ending, shown.folder).show()
    said = out.getvalue()
    assert texts("assumption") in said
    assert shown.ending.car.product in said
    assert "mwinda-mine" in said
    assert "lodeline verify" in said


def test_the_progress_tells_chapter_count_and_time_left(shown: Shown) -> None:
    lines = [line for line in shown.printed.splitlines() if "proved" in line]
    assert len(lines) >= 15
    assert all("left" in line for line in lines)
    assert "5 of 5 bundles" in shown.printed


def test_the_ledger_holds_what_the_story_says(shown: Shown) -> None:
    clock = ManualClock(BlockTime(scenario().quarter.end))
    ledger = EmbeddedLedger(shown.folder / "ledger.db", clock, writable=False)
    try:
        leaves = [read_leaf(data).entry for data in ledger.entries(LeafIndex(0), ledger.size)]
    finally:
        ledger.close()
    assert len(leaves) == shown.ending.entries
    transforms = sum(isinstance(entry, Transform) for entry in leaves)
    done = shown.ending.happened
    assert transforms + done.sales == done.transforms + done.grants


# ------------------------------------------------------------------ keys, and the folder


def test_two_runs_with_one_seed_have_different_keys(tmp_path: Path) -> None:
    keys = []
    with cheap_keystores():
        for name in ("one", "other"):
            with open_ground(tmp_path / name, scenario(), SystemEntropy()) as ground:
                genesis = found_pilot(ground.session, scenario())
                keys.append({m.member: (m.key, m.spend, m.view) for m in genesis.members})
    one, other = keys
    assert len(one) == 27
    assert one.keys() == other.keys()
    assert all(one[member][part] != other[member][part] for member in one for part in range(3))


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("keep me")
    with (
        pytest.raises(DemoFolderInUse) as refused,
        open_ground(precious, scenario(), SystemEntropy()),
    ):
        pass
    assert refused.value.folder == str(precious)
    assert (precious / "letter.txt").read_text() == "keep me"


def test_an_earlier_demonstration_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        with (
            cheap_keystores(),
            open_ground(tmp_path / "demo", scenario(), SystemEntropy()) as ground,
        ):
            found_pilot(ground.session, scenario())
    assert (tmp_path / "demo" / "trust.json").is_file()
