"""What survives: queues, vaults, and the account of a period."""

import json
from pathlib import Path

import pytest
from tests.node.benches import PIT, START, Bench, at_work, founded

from lodeline.custody.strands import Strand
from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import read_transform_file
from lodeline.holder.backup import BackupNotOpened
from lodeline.holder.keystore import Passphrase
from lodeline.holder.records import LotStatus
from lodeline.holder.sealed_rows import VaultExists
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, LotId, MemberId, SiteId
from lodeline.kernel.time import month_of, parse_period, parse_time
from lodeline.kernel.units import Milligrams
from lodeline.ledger.refusals_transforms import UnknownSite
from lodeline.node.accounts import AccountNegative, OpeningDiffers, site_accounts
from lodeline.node.clock import ManualClock
from lodeline.node.holding import Holding, LotPrefixAmbiguous, LotPrefixUnknown, VaultAhead, holding
from lodeline.node.keyring import Keyring
from lodeline.node.opening import opened
from lodeline.node.periods import (
    CountedUnknown,
    PeriodClosed,
    PeriodNotOver,
    Statement,
    StatementMalformed,
    StatementNotSigned,
    accounts_of,
    check_statement,
    close_period,
    counted_rows,
    default_period,
    read_statement,
)
from lodeline.node.safekeeping import back_up, restore_from_backup, restore_from_log
from lodeline.node.sending import Queued, drop_queued, send_queued
from lodeline.node.session import Session
from lodeline.node.trading import accept, offer
from lodeline.node.transforming import finish, prepare, prove_chain
from lodeline.node.undoing import recall
from lodeline.node.workspace import FileExists

OCTOBER = parse_period("2026-10")
STORE = "recipe: store\ninputs: ['{lot}']\noutputs: [{{form: copper-cobalt-ore, to: trader}}]"


# ------------------------------------------------------------------ the queue


def _read_only(bench: Bench) -> Session:
    """Return a session that sees the ledger and cannot write it."""
    session = bench.session
    path = session.workspace.ledger
    ledger = type(session.ledger)(path, bench.clock, writable=False)  # type: ignore[call-arg]  # the embedded one
    return Session(session.workspace, ledger, session.keyring, session.clock, session.entropy)


def _store(own: Holding, text: str) -> object:
    prepared = prepare(own, read_transform_file("store.yaml", text), Path())
    return finish(own, prepared, prove_chain(own, prepared.chain)).sent


def test_a_step_waits_in_the_queue_and_survives_a_restart(bench: Bench) -> None:
    ore = bench.mined()
    reading = _read_only(bench)
    with holding(reading, MemberId("pit")) as own:
        sent = _store(own, STORE.format(lot=ore.lot_id.hex()[:12]))
        assert sent == Queued(1)
        assert own.vault.lot(ore.lot_id).status is LotStatus.RESERVED
    reading.ledger.close()
    with bench.at("pit") as own:
        assert [item.label for item in own.vault.pending()] == ["store"]
        (outcome,) = send_queued(own)
        assert isinstance(outcome.outcome, Receipt)
        assert own.vault.pending() == ()
        assert own.vault.lot(ore.lot_id).status is LotStatus.SPENT
        assert send_queued(own) == ()


def test_what_the_ledger_refuses_leaves_the_queue_and_frees_its_lots(bench: Bench) -> None:
    ore = bench.mined()
    reading = _read_only(bench)
    with holding(reading, MemberId("pit")) as own:
        _store(own, STORE.format(lot=ore.lot_id.hex()[:12]))
    reading.ledger.close()
    with bench.at("seal") as own:
        recall(own, ore.lot_id, "meanwhile")
    with bench.at("pit") as own:
        (outcome,) = send_queued(own)
        assert isinstance(outcome.outcome, LodelineError)
        assert own.vault.pending() == ()
        assert own.vault.lot(ore.lot_id).status is LotStatus.UNSPENT


def test_an_entry_is_dropped_unsent(bench: Bench) -> None:
    ore = bench.mined()
    reading = _read_only(bench)
    with holding(reading, MemberId("pit")) as own:
        _store(own, STORE.format(lot=ore.lot_id.hex()[:12]))
        assert drop_queued(own, 1) == (ore.lot_id,)
        with pytest.raises(LodelineError):
            drop_queued(own, 1)
    reading.ledger.close()


# ------------------------------------------------------------------ vaults


def test_keystore_and_log_give_every_opening_back(bench: Bench, tmp_path: Path) -> None:
    ore = bench.mined()
    with bench.at("pit") as own:
        before = {lot.lot_id: lot.opening for lot in own.vault.lots()}
        back_up(own, tmp_path / "pit.backup")
    session, path = bench.session, bench.session.workspace.vault(MemberId("pit"))
    with pytest.raises(VaultExists):
        restore_from_log(session, MemberId("pit"))
    for file in path.parent.glob("vault.db*"):
        file.unlink()
    found = restore_from_log(session, MemberId("pit"))
    assert (found.lots, found.with_facts) == (len(before), 0)
    with bench.at("pit") as own:
        assert {lot.lot_id: lot.opening for lot in own.vault.lots()} == before
        assert own.vault.facts(ore.lot_id) is None
    for file in path.parent.glob("vault.db*"):
        file.unlink()
    found = restore_from_backup(session, MemberId("pit"), tmp_path / "pit.backup")
    assert (found.lots, found.with_facts) == (len(before), 1)
    with pytest.raises(BackupNotOpened):
        restore_from_backup(session, MemberId("trader"), tmp_path / "pit.backup")


def test_a_vault_does_not_follow_a_shorter_log(bench: Bench) -> None:
    with bench.at("pit") as own:
        own.vault.move_to(10_000)
        with pytest.raises(VaultAhead) as refused:
            own.update()
    assert refused.value.followed == 10_000


def test_a_lot_is_named_by_its_beginning(bench: Bench) -> None:
    with bench.at("pit") as own:
        (first, second) = own.vault.lots()
        assert own.lot_named(first.lot_id.hex()[:12].upper()) == first
        assert own.lots_named((second.lot_id.hex(), first.lot_id.hex())) == (second, first)
        with pytest.raises(LotPrefixAmbiguous) as short:
            own.lot_named(first.lot_id.hex()[:5])
        assert short.value.matching >= 1
        with pytest.raises(LotPrefixUnknown):
            own.lot_named("ffffffffffffffff")


# ------------------------------------------------------------------ periods


def _sold(bench: Bench) -> None:
    ore = bench.mined()
    with bench.at("pit") as own:
        _store(
            own,
            f"recipe: split\ninputs: ['{ore.lot_id.hex()[:12]}']\noutputs: "
            "[{form: copper-cobalt-ore, contained: [50 kg Co, 200 kg Cu]},"
            " {form: copper-cobalt-ore}]",
        )
        lot = next(one for one in own.unspent() if one.contents.amount(Strand.parse("Co")) == 5e7)
        (made,) = offer(own, [lot], MemberId("trader"), parse_time("2026-10-30T00:00:00Z"))
    with bench.at("trader") as own:
        accept(own, own.vault.offer(made.offer))


def test_an_account_adds_up_and_matches_the_lots_that_are_there(bench: Bench) -> None:
    _sold(bench)
    with bench.at("pit") as own:
        accounts = accounts_of(own, PIT, OCTOBER)
        there = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
    lines = {line.account.text: line for line in accounts.lines}
    cobalt = lines["Co"]
    assert cobalt.opening == 0
    assert {kind: value for kind, value in cobalt.movements.items() if value} == {
        "mined": 112_057_920,
        "sold": -50_000_000,
    }
    assert cobalt.closing == sum(lot.contents.amount(Strand.parse("Co")) for lot in there)
    assert lines["Co · IRMA-75/segregated"].closing == cobalt.closing
    assert (cobalt.came, cobalt.went) == (112_057_920, 50_000_000)
    assert accounts.without_site == ()


def test_the_next_period_opens_with_what_the_last_one_left(bench: Bench) -> None:
    _sold(bench)
    bench.move("2026-11-20T00:00:00Z")
    with bench.at("pit") as own:
        before = {line.account: line.closing for line in accounts_of(own, PIT, OCTOBER).lines}
        november = accounts_of(own, PIT, month_of(bench.clock.now()))
        after = {line.account: line.opening for line in november.lines}
    assert before == after


def test_a_period_is_closed_once_against_counted_stock(bench: Bench, tmp_path: Path) -> None:
    _sold(bench)
    counted = {ElementSymbol("Co"): Milligrams(62_000_000)}
    with bench.at("pit") as own, pytest.raises(PeriodNotOver):
        close_period(own, PIT, OCTOBER, counted, tmp_path)
    bench.move("2026-11-02T00:00:00Z")
    with bench.at("pit") as own:
        closed = close_period(own, PIT, OCTOBER, counted, tmp_path)
        with pytest.raises(PeriodClosed):
            close_period(own, PIT, OCTOBER, counted, tmp_path / "again")
    row = next(row for row in closed.rows if (row.strand, row.claim) == ("Co", ""))
    assert row.difference == -57_920
    text = (tmp_path / "kolwezi-pit-2026-10.csv").read_text()
    assert "Co,,0,112057920" in text
    statement = read_statement((tmp_path / "kolwezi-pit-2026-10.json").read_text())
    assert "cannot prove that everything" in json.dumps(statement.content)
    assert "ne peut prouver que tout" in json.dumps(statement.content, ensure_ascii=False)
    assert check_statement(bench.session, statement) == bench.clock.now()


def test_a_statement_is_the_members_or_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.mined()
    bench.move("2026-11-02T00:00:00Z")
    with bench.at("pit") as own:
        good = close_period(own, PIT, OCTOBER, {}, tmp_path).statement
    forged = Statement({**good.content, "accounts": []}, good.signature)
    with pytest.raises(StatementNotSigned) as refused:
        check_statement(bench.session, forged)
    assert refused.value.member == "pit"
    other = Statement({**good.content, "chain": "another"}, good.signature)
    with pytest.raises(StatementMalformed):
        check_statement(bench.session, other)
    by_another = Statement({**good.content, "member": "trader"}, good.signature)
    with pytest.raises(StatementNotSigned):
        check_statement(bench.session, by_another)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "lodeline-period-v1"}',
        '{"format": "lodeline-period-v1", "member": "a", "signature": "xyz"}',
    ],
)
def test_a_file_that_is_no_statement(text: str) -> None:
    with pytest.raises(StatementMalformed):
        read_statement(text)


def test_a_file_in_the_way_closes_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.mined()
    bench.move("2026-11-02T00:00:00Z")
    (tmp_path / "kolwezi-pit-2026-10.csv").write_text("mine")
    size = bench.session.ledger.size
    with bench.at("pit") as own:
        with pytest.raises(FileExists):
            close_period(own, PIT, OCTOBER, {}, tmp_path)
        assert own.vault.notes("period") == ()
    assert bench.session.ledger.size == size


def test_accounts_of_somebody_elses_site_or_of_nothing(bench: Bench) -> None:
    bench.mined()
    with bench.at("trader") as own, pytest.raises(UnknownSite):
        accounts_of(own, PIT, OCTOBER)
    with bench.at("pit") as own:
        accounts = accounts_of(own, PIT, OCTOBER)
        with pytest.raises(CountedUnknown) as refused:
            counted_rows(accounts, {ElementSymbol("Li"): Milligrams(1)})
        assert refused.value.element == "Li"
        assert default_period(own).label() == "2026-Q3"


def _closed(bench: Bench, folder: Path) -> Statement:
    bench.move("2026-11-02T00:00:00Z")
    with bench.at("pit") as own:
        return close_period(own, PIT, OCTOBER, {}, folder).statement


def _stated(statement: Statement, strand: str, closing: int) -> bytes:
    accounts = statement.content["accounts"]
    assert isinstance(accounts, list)
    changed = [
        {**item, "closing": str(closing)}
        if (item["strand"], item["claim"]) == (strand, "")
        else item
        for item in accounts
    ]
    return (
        Statement({**statement.content, "accounts": changed}, statement.signature).text().encode()
    )


@pytest.mark.parametrize(
    ("stated", "error", "fields"),
    [
        (112_057_919, AccountNegative, {"account": "Co", "short": 1}),
        (112_057_921, OpeningDiffers, {"stated": 112_057_921, "found": 112_057_920}),
    ],
)
def test_a_period_goes_on_from_the_last_statement_or_is_refused(
    bench: Bench, tmp_path: Path, stated: int, error: type[LodelineError], fields: dict[str, int]
) -> None:
    ore = bench.mined()
    statement = _closed(bench, tmp_path)
    with bench.at("pit") as own:
        _store(own, STORE.format(lot=ore.lot_id.hex()[:12]).replace("trader", "pit"))
        (kept,) = [one for one in own.unspent() if one.public.form == "copper-cobalt-ore"]
        (made,) = offer(own, [kept], MemberId("trader"), parse_time("2026-11-30T00:00:00Z"))
    with bench.at("trader") as own:
        accept(own, own.vault.offer(made.offer))
    november = parse_period("2026-11")
    with bench.at("pit") as own:
        assert accounts_of(own, PIT, november).lines
        own.vault.put_note("period", "kolwezi-pit-2026-10", _stated(statement, "Co", stated))
        with pytest.raises(error) as refused:
            accounts_of(own, PIT, november)
    for name, value in fields.items():
        assert getattr(refused.value, name) == value


def test_lots_of_a_member_with_several_sites_are_not_guessed(bench: Bench) -> None:
    ore = bench.mined()
    text = STORE.format(lot=ore.lot_id.hex()[:12])
    with bench.at("pit") as own:
        _store(own, text)
    with bench.at("trader") as own:
        sites = frozenset({SiteId("a"), SiteId("b")})
        found = site_accounts(own.session.state, own.vault.lots(), SiteId("a"), sites, OCTOBER)
        assert found.lines == ()
        assert found.without_site == tuple(LotId(lot.lot) for lot in own.vault.lots())


def test_two_processes_take_turns(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench:
        workspace = bench.session.workspace
        ring = Keyring(
            workspace,
            lambda member: Passphrase.typed(f"{member} is not asked"),
            bench.session.entropy,
        )
        with pytest.raises(LodelineError) as refused:
            opened(workspace, ring, bench.clock, bench.session.entropy).__enter__()
        assert refused.value.code == "ledger-has-writer"
    with at_work(tmp_path / "home", ManualClock(START)) as session:
        assert session.state.size == 3
