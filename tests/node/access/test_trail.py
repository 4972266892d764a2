"""The trail of who saw what: what stands in it, and who is found out changing it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.node.access.conftest import ADMIN, PASSWORD, House, bearer
from tests.node.benches import cheap_keystores, founded
from tests.node.events.conftest import SetClock

from lodeline.engine.interface import Receipt
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.refusals_entries import EntryAlreadyAccepted
from lodeline.node.access import trail
from lodeline.node.access.accounts import AccountState, set_roles, set_state
from lodeline.node.access.anchoring import anchor_trail, check_trail
from lodeline.node.access.callers import Reader
from lodeline.node.access.policies import Terms, revoke_policy, share
from lodeline.node.access.roles import Role
from lodeline.node.access.schema import TRAIL, TRAIL_ANCHORS
from lodeline.node.access.tokens import issue_token, revoke_token
from lodeline.node.access.trail import (
    Act,
    Head,
    Note,
    TrailNumber,
    first_digest,
    head_of,
    ranges_text,
    readers_of,
    record,
    remember,
    rows,
    seqs_of,
    verified_heads,
    verify_trail,
)
from lodeline.node.access.trail_refusals import (
    TrailAnchorForeign,
    TrailAnchorMissed,
    TrailBroken,
    TrailEmpty,
    TrailUnreadable,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName

ANNA = Who("anna")
START_OF_ALL = TrailNumber(0)


def noted(store: EventStore, tenant: Tenant, *seen: int) -> Head:
    note = Note(ANNA, Act.QUERIED, "MATCH_epc=1", [Seq(at) for at in seen])
    return record(store, tenant, [note])


def forge(store: EventStore, *changes: Callable[[Connection], object]) -> None:
    """Change the trail as somebody does who has the database: without its triggers."""
    drops = {
        "sqlite": [f"DROP TRIGGER access_trail_no_{verb}" for verb in ("update", "delete")],
        "postgresql": ["DROP TRIGGER access_trail_append_only ON access_trail"],
    }[store.engine.dialect.name]

    def work(connection: Connection) -> None:
        for drop in drops:
            connection.execute(text(drop))
        for change in changes:
            change(connection)

    store.write(work)


# ------------------------------------------------------------------ what stands in it


def test_rows_say_who_did_what_and_when(store: EventStore, miner: Tenant, clock: SetClock) -> None:
    first = clock.now()
    noted(store, miner, 3, 1, 2, 7)
    clock.pass_seconds(1)
    head = record(store, miner, [Note(ANNA, Act.READ, "ni:1", [Seq(9)]), Note(ADMIN, Act.EXPORTED)])
    one, two, three = rows(store, miner, START_OF_ALL, 10)
    assert (one.number, one.moment, one.who, one.act) == (1, first, ANNA, "queried")
    assert (one.about, one.seen) == ("MATCH_epc=1", "1-3,7")
    assert (two.act, two.about, two.seen) == ("read", "ni:1", "9")
    assert (three.moment, three.who, three.seen) == (clock.now(), ADMIN, "")
    assert head == Head(three.number, three.digest) == verify_trail(store, miner)


def test_each_tenant_has_a_trail_of_its_own(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    noted(store, miner, 1)
    noted(store, miner, 2)
    assert list(rows(store, refiner, START_OF_ALL, 10)) == []
    assert verify_trail(store, refiner) == Head(START_OF_ALL, first_digest(refiner))
    noted(store, refiner, 1)
    assert verify_trail(store, miner).number == 2
    assert verify_trail(store, refiner).number == 1
    assert first_digest(miner) != first_digest(refiner)


def test_every_change_of_who_may_what_is_in_the_trail(small_house: House) -> None:
    store, tenant = small_house.store, small_house.tenant
    user = small_house.account("anna", Role.TRADER, password=PASSWORD)
    set_roles(store, tenant, user, frozenset({Role.REFINER}), ADMIN)
    set_state(store, tenant, user, AccountState.ACTIVE, ADMIN)
    made = issue_token(store, tenant, user, by=ADMIN, days=1)
    session = small_house.access.sign_in(user, PASSWORD)
    small_house.access.sign_out(small_house.access.authenticate(bearer(session.bearer)))
    revoke_token(store, tenant, made.token, ADMIN)
    policy = share(store, tenant, Reader("partner:x"), Terms(everything=True), by=ADMIN)
    revoke_policy(store, tenant, policy.policy, ADMIN)
    kept = rows(store, tenant, START_OF_ALL, 100)
    assert [row.act for row in kept] == [
        "account-made",
        "password-changed",
        "account-changed",
        "account-changed",
        "token-made",
        "signed-in",
        "signed-out",
        "token-revoked",
        "policy-made",
        "policy-revoked",
    ]
    assert {row.who for row in kept} == {ADMIN, ANNA}
    written = repr(kept)
    assert PASSWORD not in written
    assert made.bearer.split("_", 2)[2] not in written
    assert session.bearer.split("_", 2)[2] not in written
    verify_trail(store, tenant)


def test_it_is_known_who_saw_an_event(store: EventStore, miner: Tenant, refiner: Tenant) -> None:
    noted(store, miner, 1, 2, 3)
    noted(store, miner, 2, 9)
    noted(store, refiner, 5)
    assert [row.number for row in readers_of(store, miner, Seq(2))] == [1, 2]
    assert [row.number for row in readers_of(store, miner, Seq(9))] == [2]
    assert list(readers_of(store, miner, Seq(5))) == []


@pytest.mark.parametrize("about", ["x" * 5_000, "nul\0", "\ud800", "é" * 4_096])
def test_any_text_can_be_what_it_was_about(store: EventStore, miner: Tenant, about: str) -> None:
    record(store, miner, [Note(ANNA, Act.QUERIED, about)])
    (row,) = rows(store, miner, START_OF_ALL, 10)
    assert len(row.about) < 4_200
    assert "\0" not in row.about
    assert verify_trail(store, miner).number == 1


def test_long_texts_that_begin_alike_stay_apart(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    for end in ("a", "b"):
        record(sqlite_store, tenant, [Note(ANNA, Act.QUERIED, "x" * 5_000 + end)])
    one, two = rows(sqlite_store, tenant, START_OF_ALL, 10)
    assert one.about != two.about


@given(st.sets(st.integers(1, 200), max_size=60))
def test_ranges_name_every_place_once(places: set[int]) -> None:
    written = ranges_text(Seq(place) for place in places)
    back = [place for each in seqs_of(written) for place in each]
    assert back == sorted(places)


def test_a_trail_longer_than_a_page_is_verified_to_its_end(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    record(sqlite_store, tenant, [Note(ANNA, Act.QUERIED)] * 2_001)
    assert verify_trail(sqlite_store, tenant).number == 2_001


# ------------------------------------------------------------------ who tampers


@pytest.mark.parametrize(
    "statement",
    ["UPDATE access_trail SET who = 'eve'", "DELETE FROM access_trail"],
)
@pytest.mark.parametrize("table", ["access_trail", "access_trail_anchors"])
def test_the_database_itself_refuses_to_change_a_row(
    store: EventStore, miner: Tenant, statement: str, table: str
) -> None:
    remember(store, miner, noted(store, miner, 1))
    column = "who" if table == "access_trail" else "anchored_us"
    said = statement.replace("access_trail", table).replace("who = 'eve'", f"{column} = {column}")
    with pytest.raises((StoreUnreachable, DBAPIError)):
        store.write(lambda connection: connection.execute(text(said)))
    assert verify_trail(store, miner).number == 1


FORGERIES: dict[str, Callable[[Connection], object]] = {
    "who": lambda c: c.execute(update(TRAIL).where(TRAIL.c.number == 2).values(who="eve")),
    "when": lambda c: c.execute(update(TRAIL).where(TRAIL.c.number == 2).values(moment_us=0)),
    "act": lambda c: c.execute(update(TRAIL).where(TRAIL.c.number == 2).values(act="read")),
    "about": lambda c: c.execute(update(TRAIL).where(TRAIL.c.number == 2).values(about="")),
    "seen": lambda c: c.execute(update(TRAIL).where(TRAIL.c.number == 2).values(seen="")),
    "digest": lambda c: c.execute(
        update(TRAIL).where(TRAIL.c.number == 2).values(digest=bytes(32))
    ),
    "one row gone": lambda c: c.execute(delete(TRAIL).where(TRAIL.c.number == 2)),
    "all later numbers moved": lambda c: c.execute(
        update(TRAIL).where(TRAIL.c.number == 3).values(number=2_000)
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_whoever_changes_a_row_breaks_the_chain(sqlite_store: EventStore, what: str) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    for at in range(1, 5):
        noted(sqlite_store, tenant, at)
    forge(sqlite_store, FORGERIES[what])
    with pytest.raises(TrailBroken) as found:
        verify_trail(sqlite_store, tenant)
    assert found.value.number in {2, 3}


def test_a_forger_on_a_server_is_found_out_too(store: EventStore, miner: Tenant) -> None:
    noted(store, miner, 1)
    noted(store, miner, 2)
    forge(store, FORGERIES["who"])
    with pytest.raises(TrailBroken) as found:
        verify_trail(store, miner)
    assert found.value.number == 2


def test_a_trail_of_another_tenant_does_not_pass_for_ones_own(sqlite_store: EventStore) -> None:
    miner, refiner = (sqlite_store.tenant(TenantName(name)) for name in ("miner", "refiner"))
    noted(sqlite_store, miner, 1)
    forge(sqlite_store, lambda c: c.execute(update(TRAIL).values(tenant=refiner.number)))
    with pytest.raises(TrailBroken) as found:
        verify_trail(sqlite_store, refiner)
    assert found.value.number == 1


def test_whoever_cuts_the_end_off_is_found_out_by_an_anchor(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    noted(sqlite_store, tenant, 1)
    known = noted(sqlite_store, tenant, 2)
    noted(sqlite_store, tenant, 3)
    assert verify_trail(sqlite_store, tenant, [known]).number == 3
    forge(sqlite_store, lambda c: c.execute(delete(TRAIL).where(TRAIL.c.number > 1)))
    assert verify_trail(sqlite_store, tenant).number == 1
    with pytest.raises(TrailAnchorMissed) as found:
        verify_trail(sqlite_store, tenant, [known])
    assert (found.value.number, found.value.found) == (2, 1)


def test_whoever_writes_the_trail_anew_is_found_out_by_an_anchor(
    sqlite_store: EventStore,
) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    remember(sqlite_store, tenant, noted(sqlite_store, tenant, 1))
    forge(sqlite_store, lambda c: c.execute(delete(TRAIL)))
    record(sqlite_store, tenant, [Note(Who("somebody else"), Act.QUERIED)])
    assert len(list(verified_heads(sqlite_store, tenant))) == 1
    with pytest.raises(TrailAnchorMissed) as found:
        verify_trail(sqlite_store, tenant)
    assert (found.value.number, found.value.found) == (1, 1)


def test_a_row_that_no_version_writes_is_named(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    noted(sqlite_store, tenant, 1)
    (row,) = rows(sqlite_store, tenant, START_OF_ALL, 1)
    fields = (row.number, row.moment, row.who, row.act, row.about, "1-x")
    digest = trail._next(first_digest(tenant), fields)
    forge(sqlite_store, lambda c: c.execute(update(TRAIL).values(seen="1-x", digest=digest)))
    with pytest.raises(TrailUnreadable) as found:
        verify_trail(sqlite_store, tenant)
    assert found.value.number == 1


def test_an_act_that_cannot_be_kept_leaves_no_half_of_itself(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    head = noted(sqlite_store, tenant, 1)

    def work(connection: Connection) -> None:
        row = connection.execute(select(TRAIL)).mappings().one()
        connection.execute(insert(TRAIL).values(row))

    with pytest.raises((StoreUnreachable, DBAPIError)):
        sqlite_store.write(work)
    with sqlite_store.reading() as connection:
        assert head_of(connection, tenant) == head


# ------------------------------------------------------------------ on the ledger


def test_the_ledger_vouches_for_what_was_anchored(tmp_path: Path, sqlite_store: EventStore) -> None:
    store, pit = sqlite_store, MemberId("pit")
    tenant = store.tenant(pit)
    with cheap_keystores(), founded(tmp_path / "home") as bench, bench.at("pit") as own:
        with pytest.raises(TrailEmpty):
            anchor_trail(own, store, tenant)
        noted(store, tenant, 1)
        assert check_trail(bench.session, store, tenant, pit).anchored is None
        first = anchor_trail(own, store, tenant)
        assert isinstance(first.sent, Receipt)
        with pytest.raises(EntryAlreadyAccepted):
            anchor_trail(own, store, tenant)
        last = noted(store, tenant, 2)
        report = check_trail(bench.session, store, tenant, pit)
        assert (report.head, report.anchored) == (last, first.head)
        # Somebody with the database writes everything anew, and forgets the anchors here too.
        forge(store, lambda c: c.execute(delete(TRAIL)))
        store.write(_forget_anchors)
        noted(store, tenant, 1, 2)
        assert verify_trail(store, tenant).number == 1
        with pytest.raises(TrailAnchorForeign) as found:
            check_trail(bench.session, store, tenant, pit)
        assert (found.value.digest, found.value.index) == (first.head.digest, first.sent.index)


def _forget_anchors(connection: Connection) -> None:
    connection.execute(text("DROP TRIGGER access_trail_anchors_no_delete"))
    connection.execute(delete(TRAIL_ANCHORS))


def test_no_trail_that_is_broken_is_anchored(tmp_path: Path, sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(MemberId("pit"))
    noted(sqlite_store, tenant, 1)
    noted(sqlite_store, tenant, 2)
    forge(sqlite_store, FORGERIES["who"])
    with cheap_keystores(), founded(tmp_path / "home") as bench, bench.at("pit") as own:
        size = bench.session.ledger.size
        with pytest.raises(TrailBroken):
            anchor_trail(own, sqlite_store, tenant)
        assert bench.session.ledger.size == size


def test_heads_are_32_bytes_and_differ(sqlite_store: EventStore) -> None:
    tenant = sqlite_store.tenant(TenantName("miner"))
    heads = [noted(sqlite_store, tenant, 1) for _ in range(3)]
    digests: set[Hash32] = {head.digest for head in heads}
    assert len(digests) == 3
    assert {len(digest) for digest in digests} == {32}
