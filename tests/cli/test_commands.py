"""Commands on one consortium, in the order of a season: ore, trade, proofs, mistakes, the close."""

import json
from pathlib import Path

import pytest
from tests.cli.sessions import PASSPHRASE, Ran, lodeline
from tests.node.benches import ORE

from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED, USAGE

MEMBERS = (
    "pit:Kolwezi Pit:CD:miner",
    "state:Cadastre of Mines:CD:authority",
    "scales:Weighbridge:CD:weighbridge",
    "meters:Meter Inspectors:CD:energy-auditor",
    "house:Assurance House:NL:auditor,certifier",
    "trader:Lake Trading:CH:counterparty",
)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium with a lot of ore, kept in one folder for the tests of this module."""
    folder = tmp_path_factory.mktemp("season")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
        patch.chdir(folder)
        for arguments in (
            ("init", "demo", *(word for text in MEMBERS for word in ("--member", text))),
            ("site", "add", "kolwezi-pit", "--as", "pit", "--title", "Kolwezi"),
            (
                "recognise",
                "state",
                "--right",
                "licence",
                "--right",
                "quota",
                "--until",
                "2099-12-31",
            ),
            ("recognise", "house", "--standard", "IRMA-75", "--until", "2099-12-31"),
            ("grant", "licence", "kolwezi-pit", "2500 t Co", "Cu", "60000 t", "--as", "state"),
            (
                "grant",
                "assurance",
                "kolwezi-pit",
                "2500 t Co",
                "--standard",
                "IRMA-75",
                "--as",
                "house",
            ),
        ):
            ran = lodeline(*arguments)
            assert ran.code == OK, ran.err
        Path("mine.yaml").write_text(ORE, encoding="utf-8")
        assert lodeline("transform", "mine.yaml", "--as", "pit").code == OK
        assert lodeline("cosign", "mine.request", "--as", "scales").code == OK
        assert lodeline("cosign", "mine.request", "--as", "meters").code == OK
    return folder


@pytest.fixture(autouse=True)
def _there(season: Path, monkeypatch: pytest.MonkeyPatch, _alone: None) -> None:
    monkeypatch.chdir(season)


def _json(*arguments: str) -> object:
    ran = lodeline(*arguments, "--json", "--yes")
    assert ran.code == OK, ran.out + ran.err
    assert ran.err == ""
    return json.loads(ran.out)


def _lot(member: str, form: str = "copper-cobalt-ore") -> str:
    found = _json("lots", "--as", member, "--form", form)
    assert isinstance(found, list)
    return str(found[0]["lot"])


def _holds(ran: Ran, *words: str) -> None:
    assert ran.code == OK, ran.out + ran.err
    for word in words:
        assert word in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("members",),
        ("member", "show", "state"),
        ("site", "list"),
        ("recipes",),
        ("recipes", "--forms"),
        ("recipes", "--standards"),
        ("recipe", "show", "mine-copper-cobalt"),
        ("log", "show", "--from", "0", "--count", "3"),
        ("log", "verify"),
        ("log", "checkpoint"),
        ("trust", "show"),
        ("lots", "--as", "pit", "--all"),
        ("balance", "--as", "pit"),
        ("offers", "--as", "pit", "--all"),
        ("queue", "list", "--as", "pit"),
        ("period", "show", "kolwezi-pit", "--as", "pit"),
        ("trace", "copper-cobalt-ore", "--as", "pit"),
        ("impact", "kolwezi-pit", "--as", "pit"),
    ],
)
def test_what_is_shown_is_shown_in_both_languages_and_for_programs(
    arguments: tuple[str, ...],
) -> None:
    if arguments[0] == "trace":
        arguments = ("trace", _lot("pit"), *arguments[2:])
    english, french = lodeline(*arguments), lodeline(*arguments, "--lang", "fr")
    assert english.code == french.code == OK, english.err
    if arguments != ("log", "checkpoint"):
        assert english.out != french.out
    assert _json(*arguments) is not None


@pytest.mark.parametrize("shape", ["tree", "table", "dot", "mermaid"])
def test_a_way_is_drawn_in_four_shapes(shape: str) -> None:
    ran = lodeline("trace", _lot("pit")[:12], "--as", "pit", "--format", shape)
    _holds(ran, "licence", "kolwezi-pit")
    first = {"dot": "digraph", "mermaid": "flowchart"}.get(shape, "")
    assert ran.out.startswith(first)


def test_a_way_is_drawn_as_far_as_is_asked() -> None:
    lot = _lot("pit")[:12]
    near = lodeline("trace", lot, "--as", "pit", "--depth", "0")
    _holds(near, "It goes on: 3 lots and 3 steps in all.")
    whole = lodeline("trace", lot, "--as", "pit", "--most", "99")
    assert whole.code == 0
    assert "It goes on" not in whole.out
    found = _json("trace", lot, "--as", "pit", "--most", "1")
    assert isinstance(found, dict)
    assert (found["complete"], len(found["lots"])) == (False, 1)


def test_goods_of_events_that_are_not_on_the_ledger_are_named() -> None:
    for command in ("trace", "impact"):
        ran = lodeline(command, "--epc", "urn:epc:id:sgtin:4012345.011111.9", "--as", "pit")
        assert ran.code == 2
        assert "stands for urn:epc:id:sgtin:4012345.011111.9" in ran.err
        assert lodeline(command, "--as", "pit").code == 2


def test_numbers_of_others_are_not_shown() -> None:
    ran = lodeline("trace", _lot("pit")[:12], "--as", "state")
    assert "kg" not in ran.out
    assert ran.code == OK


def test_a_plan_is_read_before_anything_is_proved() -> None:
    before = _json("log", "show", "--count", "1")
    ran = lodeline("transform", "mine.yaml", "--as", "pit", "--plan")
    _holds(ran, "112.05792 kg Co", "→ pit", "weighbridge")
    assert lodeline("transform", "mine.yaml", "--as", "pit", yes=False).code == REFUSED
    assert _json("log", "show", "--count", "1") == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("24.60 t", "24,600 t", "line 7"),
        ("24.60 t", "24.60", "line 7"),
        ("12.4 %", "112.4 %", "line 8"),
        ("seals:", "seal:", "line 11"),
        ("site: kolwezi-pit\n", "", "site"),
        ("[IRMA-75]", "[RMAP-refiner]", "RMAP-refiner"),
        ("site: kolwezi-pit", "site: moon", "moon"),
        ("24.60 t", "2460000 t", "the assurance covers"),
    ],
)
def test_what_is_written_wrong_is_named_with_its_line(old: str, new: str, said: str) -> None:
    Path("wrong.yaml").write_text(ORE.replace(old, new), encoding="utf-8")
    ran = lodeline("transform", "wrong.yaml", "--as", "pit")
    assert ran.code == REFUSED
    assert said in ran.err
    french = lodeline("transform", "wrong.yaml", "--as", "pit", "--lang", "fr")
    assert french.err.startswith("Refusé : ")
    assert french.err != ran.err


def test_a_request_is_never_lost_to_a_file_in_its_way(tmp_path: Path) -> None:
    assert Path("mine.request").is_file()
    before = set(Path().glob("*.request"))
    _holds(lodeline("transform", "mine.yaml", "--as", "pit"), "Still to sign: scales, meters")
    (given_up,) = set(Path().glob("*.request")) - before
    _holds(lodeline("abandon", given_up.name, "--as", "pit"), "Free again: ")
    given_up.unlink()
    _holds(lodeline("transform", "mine.yaml", "--as", "pit"), "Still to sign: scales, meters")
    (fresh,) = set(Path().glob("*.request")) - before
    _holds(lodeline("lots", "--as", "pit"), "promised")
    _holds(lodeline("cosign", fresh.name, "--as", "scales"))
    _holds(lodeline("cosign", fresh.name, "--as", "meters", "--no-submit"))
    _holds(lodeline("submit", fresh.name), "Accepted")
    lots = _json("lots", "--as", "pit", "--form", "copper-cobalt-ore")
    assert isinstance(lots, list)
    second = str(lots[1]["lot"])[:12]
    _holds(lodeline("reverse", second, "--as", "pit", "--request", str(tmp_path / "r.request")))
    for name in ("scales", "meters"):
        _holds(lodeline("cosign", str(tmp_path / "r.request"), "--as", name))
    assert len(_json("lots", "--as", "pit", "--form", "copper-cobalt-ore")) == 1  # type: ignore[arg-type]  # a list


def test_claims_disclosures_and_bundles() -> None:
    lot = _lot("pit")[:12]
    claim = ("--claim", "share IRMA-75/segregated Co >= 90 %", "--for", "Refinery Oy")
    _holds(lodeline("prove", lot, *claim, "--as", "pit", "--nonce", "R-7", "--out", "a.claim"))
    _holds(lodeline("check-claim", "a.claim", "--for", "Refinery Oy", "--nonce", "R-7"), "holds")
    stale = lodeline("check-claim", "a.claim", "--for", "Refinery Oy")
    _holds(stale, "not established")
    for wrong in (("--for", "trader"), ("--for", "Refinery Oy", "--nonce", "R-8")):
        assert lodeline("check-claim", "a.claim", *wrong).code == CHECK_FAILED
    no = ("--claim", "share IRMA-75 Cu >= 1 %", "--for", "x", "--as", "pit")
    assert lodeline("prove", lot, *no).code == REFUSED
    assert (
        lodeline("prove", lot, "--claim", "good ore", "--for", "x", "--as", "pit").code == REFUSED
    )

    _holds(lodeline("disclose", lot, "--to", "house", "--as", "pit", "--out", "shown"))
    _holds(lodeline("read-disclosure", "shown", "--as", "house"), "112.05792 kg Co")
    assert lodeline("read-disclosure", "shown", "--as", "state").code == REFUSED

    bundle = ("bundle", lot, "--as", "pit", "--claim", "a.claim", "--for", "Refinery Oy")
    _holds(lodeline(*bundle, "--out", "ore.bundle"))
    _holds(lodeline("verify", "ore.bundle", "--for", "Refinery Oy"), "The bundle holds", "90 %")
    assert lodeline("verify", "ore.bundle").code == CHECK_FAILED
    data = bytearray(Path("ore.bundle").read_bytes())
    data[len(data) // 2] ^= 1
    Path("bad.bundle").write_bytes(data)
    bad = lodeline("verify", "bad.bundle", "--for", "Refinery Oy", "--json")
    assert bad.code == CHECK_FAILED
    assert json.loads(bad.out)["holds"] is False
    assert lodeline("bundle", lot, "--as", "pit", "--out", "ore.bundle").code == USAGE


def test_a_stranger_needs_only_bundle_and_trust_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = _lot("pit")[:12]
    _holds(lodeline("bundle", lot, "--as", "pit", "--out", str(tmp_path / "x.bundle")))
    trust = Path(".lodeline/trust.json").read_bytes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODELINE_PASSPHRASE")
    assert lodeline("verify", "x.bundle").code == CHECK_FAILED
    Path("trust.json").write_bytes(trust)
    _holds(lodeline("verify", "x.bundle", "--trust", "trust.json"), "The bundle holds")
    Path("trust.json").write_bytes(trust.replace(b"demo", b"omed"))
    assert lodeline("verify", "x.bundle", "--trust", "trust.json").code != OK


def test_a_part_is_taken_and_the_rest_declined_for_good() -> None:
    lot = _lot("pit")
    _holds(lodeline("offer", lot[:12], "--to", "trader", "--as", "pit", "--until", "2099-01-01"))
    _holds(lodeline("offers", "--as", "trader"), "received")
    _holds(lodeline("accept", "--part", "50 kg Co", "--out", "wanted.part", "--as", "trader"))
    _holds(lodeline("offer", "--part", "wanted.part", "--as", "pit"))
    _holds(lodeline("accept", "--as", "trader"))
    _holds(lodeline("lots", "--as", "trader"), "50 kg Co")
    _holds(lodeline("offer", "copper-cobalt-ore", "--to", "pit", "--as", "trader"))
    _holds(lodeline("decline", "--reason", "wrong address", "--as", "pit"))
    _holds(lodeline("offer", "copper-cobalt-ore", "--to", "pit", "--as", "trader"))
    _holds(lodeline("withdraw", "--as", "trader"))
    assert lodeline("offer", "--as", "pit").code == REFUSED
    assert lodeline("accept", "ffffff", "--as", "trader").code == REFUSED


def test_a_sale_is_undone_and_a_lot_recalled() -> None:
    if not _json("lots", "--as", "trader"):  # run alone: the test before leaves it a bought lot
        _holds(lodeline("offer", _lot("pit")[:12], "--to", "trader", "--as", "pit"))
        _holds(lodeline("accept", "--as", "trader"))
    _holds(lodeline("reverse", "copper-cobalt-ore", "--as", "trader", "--out", "sale.undo"))
    _holds(lodeline("reverse", "sale.undo", "--as", "pit"))
    _holds(lodeline("reverse", "sale.undo", "--as", "trader"), "Accepted")
    assert _json("lots", "--as", "trader") == []
    lot = _lot("pit")[:12]
    _holds(lodeline("recall", lot, "--reason", "broken seal", "--as", "house"), "Accepted")
    _holds(lodeline("trace", lot, "--as", "pit"), "RECALLED")
    assert lodeline("offer", lot, "--to", "trader", "--as", "pit").code == REFUSED
    _holds(lodeline("lift-recall", lot, "--as", "house"), "Accepted")


def test_governance_commands() -> None:
    _holds(lodeline("member", "add", "lab:New Laboratory:FI:laboratory"), "Accepted")
    _holds(lodeline("member", "suspend", "lab"))
    _holds(lodeline("member", "reinstate", "lab"))
    _holds(lodeline("member", "rotate", "--as", "lab"))
    assert lodeline("recipe", "adopt", "blend").code == REFUSED
    _holds(lodeline("recipe", "retire", "smelt-nickel-matte"))
    assert lodeline("recognise", "state", "--until", "2099-12-31").code == REFUSED
    assert (
        lodeline("recognise", "state", "--right", "kingship", "--until", "2099-12-31").code
        == REFUSED
    )
    assert lodeline("grant", "wish", "kolwezi-pit", "1 t Co", "--as", "state").code == REFUSED
    twice = ("grant", "quota", "kolwezi-pit", "1 t Co", "2 t Co", "--as", "state")
    assert lodeline(*twice).code == REFUSED
    wrong_month = ("grant", "quota", "kolwezi-pit", "1 t Co", "--month", "2020-01", "--as", "state")
    assert lodeline(*wrong_month).code == REFUSED


def test_a_vault_goes_and_comes_back() -> None:
    _holds(lodeline("vault", "backup", "--out", "pit.backup", "--as", "pit"))
    assert lodeline("vault", "restore", "--as", "pit").code == REFUSED
    for file in Path(".lodeline/members/pit").glob("vault.db*"):
        file.unlink()
    _holds(lodeline("vault", "restore", "--as", "pit"), "do not come back from the log")
    for file in Path(".lodeline/members/pit").glob("vault.db*"):
        file.unlink()
    _holds(lodeline("vault", "restore", "--from", "pit.backup", "--as", "pit"))


def test_periods_are_closed_when_they_are_over() -> None:
    closed = lodeline("period", "close", "kolwezi-pit", "--as", "pit", "--out", "closed")
    _holds(closed, "cannot prove that everything")
    (statement,) = Path("closed").glob("*.json")
    _holds(lodeline("period", "check", str(statement)), "fixed this statement")
    statement.write_text(statement.read_text().replace('"demo"', '"omed"'))
    assert lodeline("period", "check", str(statement)).code == CHECK_FAILED
    assert lodeline("period", "close", "kolwezi-pit", "--as", "pit").code == REFUSED
    assert lodeline("period", "show", "kolwezi-pit", "--as", "trader").code == REFUSED
    _holds(lodeline("queue", "send", "--as", "pit"), "Nothing was waiting")
    assert lodeline("queue", "drop", "7", "--as", "pit").code == REFUSED
    assert lodeline("submit", str(Path(".lodeline/trust.json"))).code == REFUSED
