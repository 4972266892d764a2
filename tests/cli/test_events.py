"""`lodeline events`, `mapping` and `sheet`: from a document or a table to the ledger."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from tests.cli.sessions import PASSPHRASE, lodeline
from tests.cli.test_commands import MEMBERS
from tests.node.events.documents import document
from tests.node.events.trade import PIT_MAPPING, mined, shipped

from lodeline.cli.refusals import CHECK_FAILED, OK, REFUSED, USAGE


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, _cheap: None) -> Path:
    """A consortium in which the pit may mine, in a folder of its own."""
    folder = tmp_path_factory.mktemp("mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODELINE_PASSPHRASE", PASSPHRASE)
        patch.chdir(folder)
        grants = ("--until", "2099-12-31")
        for arguments in (
            ("init", "demo", *(word for text in MEMBERS for word in ("--member", text))),
            ("site", "add", "kolwezi-pit", "--as", "pit", "--title", "Kolwezi"),
            ("recognise", "state", "--right", "licence", *grants),
            ("recognise", "house", "--standard", "IRMA-75", *grants),
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
            done = lodeline(*arguments, "--yes")
            assert done.code == OK, done.err
    return folder


@pytest.fixture(autouse=True)
def _in_mine(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine)


def test_events_go_to_the_ledger_by_command(mine: Path) -> None:
    (mine / "pit.yaml").write_text(PIT_MAPPING, encoding="utf-8")
    checked = lodeline("mapping", "check", "pit.yaml", "--as", "pit")
    assert checked.code == OK, checked.out
    assert lodeline("mapping", "use", "pit.yaml", "--as", "pit").code == OK
    assert lodeline("mapping", "use", "pit.yaml", "--as", "trader").code == REFUSED
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (mine / "day.json").write_bytes(
        document(mined("L1") | {"eventTime": today}, shipped("L7") | {"eventTime": today})
    )
    taken = lodeline("events", "capture", "day.json", "--as", "pit", "--json")
    assert json.loads(taken.out) == {"captured": 2, "known": 0, "refused": 0}
    ran = lodeline("events", "run", "--co-sign-here", "--as", "pit", "--json")
    assert ran.code == OK, ran.err
    moved = json.loads(ran.out)["moved"]
    assert (moved["on-ledger"], moved["held"]) == (1, 1)
    listed = json.loads(lodeline("events", "list", "--as", "pit", "--json").out)
    assert [(each["number"], each["state"]) for each in listed] == [(1, "on-ledger"), (2, "held")]
    assert listed[1]["reason"]["code"] == "event-lot-never-received"
    shown = lodeline("events", "list", "--state", "held", "--as", "pit", "--lang", "fr")
    assert "n'a jamais été produit ni reçu" in shown.out
    assert lodeline("events", "list", "--state", "lost", "--as", "pit").code == USAGE
    assert lodeline("events", "retry", "1", "--as", "pit").code == REFUSED
    assert lodeline("events", "retry", "2", "--as", "pit").code == OK
    again = lodeline("events", "run", "--as", "pit", "--json")
    assert json.loads(again.out)["moved"] == {"mapped": 1, "held": 1}
    assert lodeline("events", "keep", "2", "--as", "pit").code == OK
    nothing = lodeline("events", "run", "--as", "pit")
    assert "Nothing to do" in nothing.out
    assert json.loads(lodeline("events", "list", "--as", "trader", "--json").out) == []


def test_an_event_that_nobody_signs_is_withdrawn_and_begun_anew(mine: Path) -> None:
    (mine / "pit.yaml").write_text(PIT_MAPPING, encoding="utf-8")
    lodeline("mapping", "use", "pit.yaml", "--as", "pit")
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (mine / "day.json").write_bytes(document(mined("L5") | {"eventTime": today}))
    lodeline("events", "capture", "day.json", "--as", "pit")
    moved = json.loads(lodeline("events", "run", "--as", "pit", "--json").out)["moved"]
    assert moved.get("proved") == 1, lodeline("events", "list", "--as", "pit").out
    number = str(json.loads(lodeline("events", "list", "--as", "pit", "--json").out)[-1]["number"])
    taken = lodeline("events", "withdraw", number, "--as", "pit", "--json")
    assert json.loads(taken.out) == {"number": int(number), "state": "held"}
    again = lodeline("events", "withdraw", number, "--as", "pit", "--lang", "fr")
    assert (again.code, "aucune de ses écritures" in again.err) == (REFUSED, True)
    lodeline("events", "run", "--as", "pit")
    listed = json.loads(lodeline("events", "list", "--as", "pit", "--json").out)[-1]
    assert (listed["state"], listed["reason"]["code"]) == ("held", "event-withdrawn")
    assert lodeline("events", "retry", number, "--as", "pit").code == OK
    ran = lodeline("events", "run", "--co-sign-here", "--as", "pit", "--json")
    assert json.loads(ran.out)["moved"]["on-ledger"] == 1


def test_a_document_with_a_bad_event_is_told_event_by_event(mine: Path) -> None:
    bad = mined("L8") | {"action": "SOMETIMES"}
    (mine / "bad.json").write_bytes(document(mined("L9"), bad))
    taken = lodeline("events", "capture", "bad.json", "--as", "pit")
    assert taken.code == REFUSED
    assert "Event 2" in taken.err


def test_a_wrong_check_digit_is_refused_unless_the_node_accepts_it(mine: Path) -> None:
    wrong = {"quantityList": [{"epcClass": "https://id.gs1.org/01/04012345111119/10/L1"}]}
    (mine / "wrong.json").write_bytes(document(mined("L7") | wrong))
    taken = lodeline("events", "capture", "wrong.json", "--as", "pit")
    assert taken.code == REFUSED
    assert "has the check digit 9, it should be 8" in taken.err
    settings = mine / ".lodeline" / "serve.toml"
    settings.write_text('check_digits = "accept"', encoding="utf-8")
    taken = lodeline("events", "capture", "wrong.json", "--as", "pit", "--json")
    settings.unlink()
    assert json.loads(taken.out)["captured"] == 1


def test_mappings_that_are_shipped_are_checked_name_by_name(mine: Path) -> None:
    source = files("lodeline.exchange.data") / "mappings" / "mwinda.yaml"
    (mine / "mwinda.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    done = lodeline("mapping", "check", "mwinda.yaml", "--as", "pit", "--json")
    assert done.code == CHECK_FAILED
    faults = json.loads(done.out)["faults"]
    assert {fault["type"] for fault in faults} == {"urn:lodeline:problem:mapping-name-unknown"}
    assert {"mwinda", "aare", "ledgerwell"} <= {fault["name"] for fault in faults}


def test_a_table_is_taken_whole_or_not_at_all(mine: Path) -> None:
    made = lodeline("sheet", "template", "commissioning", "--out", "ore.csv", "--as", "pit")
    assert made.code == OK, made.err
    lines = (mine / "ore.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3
    lines[2] = lines[2].removeprefix("# ")
    (mine / "ore.csv").write_text("\n".join(lines), encoding="utf-8")
    broken = lines[2].replace("24600", "many").replace(",kg", ",stones")
    (mine / "bad.csv").write_text("\n".join([*lines, broken]), encoding="utf-8")
    refused = lodeline("sheet", "import", "commissioning", "bad.csv", "--as", "pit")
    assert refused.code == REFUSED
    assert refused.err.count("Row 4") == 2
    taken = lodeline("sheet", "import", "commissioning", "ore.csv", "--as", "pit", "--json")
    assert json.loads(taken.out) == {"captured": 1, "known": 0, "refused": 0}
    again = lodeline("sheet", "import", "commissioning", "ore.csv", "--as", "pit", "--json")
    assert json.loads(again.out) == {"captured": 0, "known": 1, "refused": 0}
    assert lodeline("sheet", "template", "shipping", "--out", "s.xlsx", "--as", "pit").code == OK
    example = lodeline("sheet", "import", "shipping", "s.xlsx", "--as", "pit")
    assert example.code == REFUSED  # the example row is nothing that happened
    assert lodeline("sheet", "template", "mining", "--out", "m.xlsx", "--as", "pit").code == REFUSED
    assert (
        lodeline("sheet", "template", "shipping", "--out", "s.ods", "--as", "pit").code == REFUSED
    )
    assert lodeline("sheet", "export", "--out", "states.csv", "--as", "pit").code == OK
    assert b"received" in (mine / "states.csv").read_bytes()
