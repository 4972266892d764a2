"""`lodeline events compare`, `settle` and `decline`: whoever answers for a dispute ends it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli import test_events
from tests.cli.sessions import lodeline
from tests.node.events.documents import Json, document
from tests.node.events.trade import (
    BAG,
    COBALT,
    COPPER,
    ORE_CLASS,
    PIT_MAPPING,
    TRADER_MAPPING,
    WATER,
    mined,
    packed,
    quantity,
    received,
    report,
    shipped,
)

from lodeline.cli.refusals import OK, REFUSED, USAGE

mine = test_events.mine
LEAST = [report(COBALT, 0.4), report(COPPER, 2.1), report(WATER, 12.4)]


def captured(folder: Path, member: str, *events: Json) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (folder / "now.json").write_bytes(document(*(each | {"eventTime": now} for each in events)))
    assert lodeline("events", "capture", "now.json", "--as", member).code == OK
    done = lodeline("events", "run", "--co-sign-here", "--as", member)
    assert done.code == OK, done.err


def states(member: str) -> list[str]:
    listed = json.loads(lodeline("events", "list", "--as", member, "--json").out)
    return [each["state"] for each in listed]


def test_a_dispute_is_looked_at_and_ended(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine)
    for member, text in (("pit", PIT_MAPPING), ("trader", TRADER_MAPPING)):
        (mine / f"{member}.yaml").write_text(text, encoding="utf-8")
        used = lodeline("mapping", "use", f"{member}.yaml", "--as", member)
        assert used.code == OK, used.err
    captured(mine, "pit", mined("L1"), shipped("L1"), mined("L2"), shipped("L2"))
    captured(mine, "trader", received("L1", reports=LEAST), received("L2", reports=LEAST))
    assert states("trader") == ["held", "held"]
    shown = json.loads(lodeline("events", "compare", "5", "--as", "trader", "--json").out)
    assert {
        "goods": "urn:epc:class:lgtin:4012345.011111.L1",
        "element": "Co",
        "sent_mg": 112_057_920,
        "found_mg": 86_198_400,
        "difference_ppm": 230_769,
    } in shown
    table = lodeline("events", "compare", "5", "--as", "trader", "--lang", "fr")
    assert "86,1984\u00a0kg" in table.out
    assert lodeline("events", "settle", "5", "half", "--as", "trader").code == USAGE
    assert lodeline("events", "settle", "5", "umpire", "--as", "trader").code == REFUSED
    assert lodeline("events", "settle", "1", "mean", "--as", "trader").code == REFUSED
    assert lodeline("events", "settle", "2", "theirs", "--as", "pit").code == REFUSED
    assert lodeline("events", "settle", "5", "theirs", "--as", "trader").code == OK
    declined = ("events", "decline", "6", "--reason", "too little cobalt", "--as", "trader")
    assert lodeline(*declined).code == OK
    assert lodeline("events", "run", "--as", "trader").code == OK
    assert states("trader") == ["on-ledger", "on-ledger"]
    assert lodeline("events", "run", "--as", "pit").code == OK
    assert states("pit") == ["on-ledger", "on-ledger", "on-ledger", "held"]


def test_a_thing_is_found_in_what_it_is_and_with_what_is_in_it(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine)
    crate = "urn:epc:id:sscc:4012345.0000000009"
    captured(mine, "pit", packed(BAG, lots=quantity("L5", 20)))
    captured(mine, "pit", packed(crate, BAG))
    shown = json.loads(lodeline("events", "where", BAG, "--as", "pit", "--json").out)
    assert [each["within"] for each in shown["around"]] == [crate]
    assert [(each["thing"], each["quantity"]) for each in shown["inside"]] == [
        (ORE_CLASS + "L5", "20")
    ]
    table = lodeline("events", "where", BAG, "--as", "pit", "--lang", "fr").out
    assert f"Dans {crate}" in table
    assert "20 KGM" in table
    assert "No event says" in lodeline("events", "where", "urn:epc:id:giai:1.2", "--as", "pit").out
