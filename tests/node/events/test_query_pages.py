"""Pages of an answer and their tokens: by whoever tampers, waits, or asks for too much."""

import base64
import random
from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, select
from tests.node.events.conftest import SetClock
from tests.node.events.documents import Json, document, event

from lodeline.node.events import queries
from lodeline.node.events.capture import capture
from lodeline.node.events.jobs import Who
from lodeline.node.events.paging import (
    TOKEN_LIFE_SECONDS,
    Holder,
    PageToken,
    release_token,
)
from lodeline.node.events.parameters import MAX_PER_PAGE, Query, parse_query
from lodeline.node.events.queries import Answer, Page, run, run_next
from lodeline.node.events.query_refusals import (
    AnswerTooLarge,
    PageTokenExpired,
    PageTokenOfOther,
    PageTokenWrong,
    ParameterCountWrong,
    QueryTooMuchWork,
)
from lodeline.node.events.reading import Offered
from lodeline.node.events.schema import EVENTS, PAGE_TOKENS
from lodeline.node.events.store import EventStore, Seq, StoredEvent, Tenant, TenantName

PLACES = [f"urn:epc:id:sgln:4012345.0000{number}.0" for number in range(1, 4)]


def fill(store: EventStore, tenant: Tenant, count: int, start: int = 0) -> None:
    """Events whose times go neither up nor down, in three places."""
    chosen = random.Random(start)
    events = [
        event(
            number,
            eventTime=f"2026-03-{chosen.randint(1, 28):02d}T08:00:{number % 60:02d}.000Z",
            readPoint={"id": PLACES[number % 3]},
        )
        for number in range(start, start + count)
    ]
    assert capture(store, tenant, Offered(document(*events)), who=Who("w")).captured == count


def asked(parameters: Json) -> Query:
    return parse_query(parameters)


def first(store: EventStore, tenant: Tenant, parameters: Json, page: Page | None = None) -> Answer:
    return run(store, tenant, asked(parameters), page)


def token_of(answer: Answer) -> PageToken:
    assert answer.next is not None
    return answer.next.token


def rest(store: EventStore, tenant: Tenant, answer: Answer, page: Page) -> list[StoredEvent]:
    events = list(answer.events)
    while answer.next is not None:
        answer = run_next(store, tenant, answer.next.token, page)
        events.extend(answer.events)
    return events


# ------------------------------------------------------------------ whole and in order


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["eventTime", "recordTime"])
def test_pages_hold_every_event_once_while_others_are_captured(
    store: EventStore, miner: Tenant, clock: SetClock, field: str, direction: str
) -> None:
    fill(store, miner, 100)
    before = {each.event_id for each in store.events_after(miner, Seq(0), 1_000)}
    page = Page(per_page=7)
    answer = first(store, miner, {"orderBy": field, "orderDirection": direction}, page)
    found = list(answer.events)
    number = 100
    while answer.next is not None:
        clock.pass_seconds(1)
        fill(store, miner, 3, number)
        number += 3
        answer = run_next(store, miner, token_of(answer), page)
        found.extend(answer.events)
        if len(found) > 500:
            break
    ids = [each.event_id for each in found]
    assert len(ids) == len(set(ids))
    assert before <= set(ids)
    keys = [each.event_time if field == "eventTime" else each.record_time for each in found]
    assert keys == sorted(keys, reverse=direction == "DESC")


def test_a_page_far_behind_looks_at_no_more_than_the_first(
    sqlite_store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    miner = sqlite_store.tenant(TenantName("miner"))
    fill(sqlite_store, miner, 900)
    looked: list[int] = []
    whole = queries._Search._rows

    def counted(self: queries._Search, seqs: list[Seq]) -> object:
        looked.append(len(seqs))
        return whole(self, seqs)

    monkeypatch.setattr(queries._Search, "_rows", counted)
    answer = first(sqlite_store, miner, {"EQ_bizStep": ["shipping"]}, Page(10))
    for _ in range(80):
        answer = run_next(sqlite_store, miner, token_of(answer), Page(10))
    assert len(looked) == 81
    assert max(looked) <= 64


def test_events_that_are_removed_are_in_no_page(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 10)

    def work(connection: Connection) -> None:
        connection.execute(delete(EVENTS).where(EVENTS.c.seq <= 4))

    store.write(work)
    for parameters in ({}, {"EQ_bizStep": ["shipping"]}, {"orderBy": "eventTime"}):
        assert len(rest(store, miner, first(store, miner, parameters, Page(2)), Page(2))) == 6


# ------------------------------------------------------------------ how many


def test_an_event_count_limit_is_of_all_pages_together(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 50)
    parameters = {"orderBy": "eventTime", "eventCountLimit": 23}
    page = Page(per_page=10)
    found = rest(store, miner, first(store, miner, parameters, page), page)
    everything = first(store, miner, {"orderBy": "eventTime"}, Page(50)).events
    assert found == list(everything[:23])


def test_the_latest_event_is_one_page(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 50)
    answer = first(store, miner, {"orderBy": "eventTime", "eventCountLimit": 1})
    latest = max(store.events_after(miner, Seq(0), 100), key=lambda each: each.event_time)
    assert [each.event_time for each in answer.events] == [latest.event_time]
    assert answer.next is None


def test_more_events_than_allowed_are_refused_however_small_the_page(
    store: EventStore, miner: Tenant
) -> None:
    fill(store, miner, 50)
    assert first(store, miner, {"maxEventCount": 50}, Page(5)).next is not None
    with pytest.raises(AnswerTooLarge) as refused:
        first(store, miner, {"maxEventCount": 49}, Page(5))
    assert refused.value.most == 49
    assert (refused.value.exception, refused.value.status) == ("QueryTooLargeException", 413)
    with pytest.raises(AnswerTooLarge):
        first(store, miner, {"maxEventCount": 0})
    assert first(store, miner, {"maxEventCount": 0, "EQ_bizStep": ["packing"]}).events == ()


def test_a_page_has_no_more_than_the_node_gives(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 1_100)
    assert len(first(store, miner, {}, Page(per_page=5_000)).events) == MAX_PER_PAGE
    with pytest.raises(ParameterCountWrong):
        first(store, miner, {}, Page(per_page=0))


def test_where_much_is_looked_at_for_little_pages_are_short_but_nothing_is_lost(
    store: EventStore, miner: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, miner, 600)
    monkeypatch.setattr(queries, "MAX_EXAMINED", 100)
    monkeypatch.setattr("lodeline.node.events.planning.FEW", 10)
    parameters = {"EQ_stringValue": ["nowhere"]}
    answer, pages = first(store, miner, parameters), 1
    while answer.next is not None:
        assert answer.events == ()
        answer, pages = run_next(store, miner, token_of(answer)), pages + 1
    assert 2 < pages < 10
    found = rest(store, miner, first(store, miner, {"EQ_readPoint": PLACES[:1]}, Page(9)), Page(9))
    assert len(found) == 200


def test_what_takes_too_much_to_count_or_sort_is_refused(
    store: EventStore, miner: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, miner, 600)
    monkeypatch.setattr(queries, "MAX_EXAMINED", 100)
    monkeypatch.setattr(queries, "MAX_SORTED", 100)
    monkeypatch.setattr("lodeline.node.events.planning.FEW", 10)
    for parameters in (
        {"maxEventCount": 5, "EQ_stringValue": ["nowhere"]},
        {"orderBy": "https://ns.example.com/epcis/x"},
    ):
        with pytest.raises(QueryTooMuchWork) as refused:
            first(store, miner, parameters)
        assert refused.value.exception == "QueryTooComplexException"


# ------------------------------------------------------------------ who may see what


class OnlyAt:
    """What a partner may see: events of one place."""

    def __init__(self, place: str) -> None:
        self.place = place

    def narrowed(self, query: Query) -> Query:
        """The query, at this place alone."""
        here = asked({"EQ_readPoint": [self.place]}).conditions
        return replace(query, conditions=(*query.conditions, *here))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"orderBy": "eventTime"},
        {"EQ_bizStep": ["shipping"]},
        {"MATCH_epc": ["urn:epc:idpat:sgtin:*.*.*"]},
    ],
)
def test_a_partner_finds_what_is_shown_to_it_and_no_count_of_the_rest(
    store: EventStore, miner: Tenant, parameters: Json
) -> None:
    fill(store, miner, 90)
    page = Page(per_page=7, visible=OnlyAt(PLACES[1]))
    found = rest(store, miner, first(store, miner, parameters, page), page)
    assert len(found) == 30
    assert all(PLACES[1] in each.body for each in found)
    assert len(first(store, miner, {"maxEventCount": 30}, page).events) == 7
    with pytest.raises(AnswerTooLarge):
        first(store, miner, {"maxEventCount": 29}, page)


# ------------------------------------------------------------------ tokens


def test_a_token_says_nothing_and_cannot_be_changed(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 50)
    token = token_of(first(store, miner, {"EQ_bizStep": ["shipping"]}))
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"shipping" not in data
    assert token_of(first(store, miner, {"EQ_bizStep": ["shipping"]})) != token
    for at in range(0, len(data), 5):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(PageTokenWrong):
            run_next(store, miner, PageToken(base64.urlsafe_b64encode(changed).decode()))


@pytest.mark.parametrize("token", ["", "a", "=", "ä", "../..", "A" * 16, "A" * 9_000, "\0", "%00"])
def test_a_made_up_token_is_refused(store: EventStore, miner: Tenant, token: str) -> None:
    with pytest.raises(PageTokenWrong) as refused:
        run_next(store, miner, PageToken(token))
    assert refused.value.status == 400


def test_a_token_is_good_for_its_tenant_and_holder_alone(
    store: EventStore, miner: Tenant, refiner: Tenant
) -> None:
    fill(store, miner, 50)
    alice, bob = Page(holder=Holder("alice")), Page(holder=Holder("bob"))
    token = token_of(first(store, miner, {}, alice))
    assert run_next(store, miner, token, alice).events
    for tenant, page in ((miner, bob), (miner, Page()), (refiner, alice)):
        with pytest.raises(PageTokenWrong):
            run_next(store, tenant, token, page)


def test_a_token_is_good_for_an_hour(store: EventStore, miner: Tenant, clock: SetClock) -> None:
    fill(store, miner, 50)
    token = token_of(first(store, miner, {}))
    clock.pass_seconds(TOKEN_LIFE_SECONDS - 1)
    assert run_next(store, miner, token).events
    clock.pass_seconds(1)
    with pytest.raises(PageTokenExpired) as refused:
        run_next(store, miner, token)
    assert refused.value.expired == "2026-03-01T09:00:00.000000Z"


def test_a_released_token_is_good_for_nothing(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 50)
    token = token_of(first(store, miner, {}))
    release_token(store, miner, Holder(""), token)
    with pytest.raises(PageTokenWrong):
        run_next(store, miner, token)
    with pytest.raises(PageTokenWrong):
        release_token(store, miner, Holder(""), token)
    assert first(store, miner, {}).next is not None


def test_a_token_beside_another_query_is_refused(store: EventStore, miner: Tenant) -> None:
    fill(store, miner, 50)
    query = asked({"EQ_bizStep": ["shipping"]})
    token = token_of(run(store, miner, query))
    assert run_next(store, miner, token, query=query).events
    with pytest.raises(PageTokenOfOther):
        run_next(store, miner, token, query=asked({}))


def test_a_long_query_stays_in_the_store_and_is_swept_at_last(
    store: EventStore, miner: Tenant, clock: SetClock
) -> None:
    fill(store, miner, 50)
    long: Json = {"EQ_readPoint": [*PLACES, *(f"urn:example:{n:060d}" for n in range(300))]}
    page = Page(per_page=10)
    answer = first(store, miner, long, page)
    assert len(token_of(answer)) < 500
    assert len(rest(store, miner, answer, page)) == 50
    with store.reading() as connection:
        assert len(connection.execute(select(PAGE_TOKENS)).all()) == 1
    clock.pass_seconds(3 * TOKEN_LIFE_SECONDS)
    other: Json = {"EQ_readPoint": [*PLACES, *(f"urn:example:{n:061d}" for n in range(300))]}
    first(store, miner, other, page)
    with store.reading() as connection:
        assert len(connection.execute(select(PAGE_TOKENS)).all()) == 1
