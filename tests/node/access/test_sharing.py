"""What a partner or an auditor sees: what a policy shares, to the event, and no more."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.node.access.conftest import ADMIN, House, bearer
from tests.node.events.conftest import START, SetClock
from tests.node.events.documents import document, event

from lodeline.exchange.gs1.errors import Gs1Refused
from lodeline.exchange.gs1.link import canonical_link
from lodeline.node.access.callers import Reader
from lodeline.node.access.policies import (
    Terms,
    checked_terms,
    policies,
    read_reader,
    revoke_policy,
    share,
)
from lodeline.node.access.policy_refusals import (
    PolicyEmpty,
    PolicyKindUnknown,
    PolicyMalformed,
    PolicyOver,
    PolicyPatternTooWide,
    PolicyUnknown,
    ReaderMalformed,
)
from lodeline.node.access.refusals import AccessNameMalformed, AccountUnknown
from lodeline.node.access.roles import Role
from lodeline.node.access.schema import POLICIES
from lodeline.node.access.visibility import Visible, beginning_of_parts, visible_to
from lodeline.node.access.wording import policy_sentence
from lodeline.node.events.capture import capture, capture_event
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.moments import Micros, micros
from lodeline.node.events.paging import NOBODY
from lodeline.node.events.parameters import parse_pairs
from lodeline.node.events.predicates import read_event
from lodeline.node.events.queries import Page, run, run_next
from lodeline.node.events.reading import Offered, content_type
from lodeline.node.events.schema import EVENTS
from lodeline.node.events.store import EventStore, Seq, Tenant, TenantName
from lodeline.node.events.terms import term_value

JSON = content_type("application/json")
SITE = "urn:epc:id:sgln:4012345.00001.0"
CORNER = "urn:epc:id:sgln:4012345.00001.9"
OTHER = "urn:epc:id:sgln:4012345.00002.0"
LOT = "urn:epc:class:lgtin:4012345.011111.L1"
PRODUCT = "https://id.gs1.org/01/04012345111118"
REFINER = Reader("partner:refiner")
DAY = 86_400_000_000


def put(store: EventStore, tenant: Tenant, *events: dict[str, Any]) -> None:
    offered = Offered(document(*events), JSON, {})
    job = capture(store, tenant, offered, who=Who("meter"), behaviour=Behaviour.ROLLBACK)
    assert job.success


def shown(store: EventStore, visible: Visible) -> list[dict[str, Any]]:
    """What of a tenant's events is shown, which is the same whoever is asked."""
    query = select(EVENTS.c.seq, EVENTS.c.body).where(EVENTS.c.tenant == visible.tenant.number)
    query = query.order_by(EVENTS.c.seq)
    with store.reading() as connection:
        whole = connection.execute(query).all()
        every = [Seq(at) for at in range(1, store.last_seq() + 1)]
        seen = visible.seen(connection, every)
    rows = [row for row in whole if visible.shows(read_event(row.body, exact=False))]
    assert seen == {seq for seq, _ in rows}
    page = run(store, visible.tenant, parse_pairs([]).query, Page(100, NOBODY, visible))
    assert {event.seq for event in page.events} == seen
    assert page.next is None
    return [json.loads(body) for _, body in rows]


def serials(store: EventStore, visible: Visible) -> list[str]:
    return [value["epcList"][0].rpartition(".")[2] for value in shown(store, visible)]


def partner(house: House) -> Visible:
    token = house.token("zoe", Role.TRADER, partner="refiner")
    return visible_to(house.store, house.access.authenticate(bearer(token)))


def under(house: House, terms: Terms) -> list[str]:
    """Serials that one policy shows to a partner."""
    share(house.store, house.tenant, REFINER, terms, by=ADMIN)
    return serials(house.store, partner(house))


# ------------------------------------------------------------------ who sees what


def test_the_tenants_own_people_see_everything(house: House) -> None:
    put(house.store, house.tenant, event(1), event(2))
    token = house.token("anna", Role.TRADER)
    visible = visible_to(house.store, house.access.authenticate(bearer(token)))
    assert visible.everything
    assert serials(house.store, visible) == ["1", "2"]


@pytest.mark.parametrize("whose", [None, "refiner"])
def test_without_a_policy_partners_and_auditors_see_nothing(
    small_house: House, whose: str | None
) -> None:
    put(small_house.store, small_house.tenant, event(1))
    token = small_house.token("eve", Role.AUDITOR, partner=whose)
    visible = visible_to(small_house.store, small_house.access.authenticate(bearer(token)))
    assert not visible.everything
    assert shown(small_house.store, visible) == []


def test_an_auditor_sees_what_was_consented_to_and_nobody_else_does(house: House) -> None:
    put(house.store, house.tenant, event(1), event(2, bizStep="receiving"))
    tokens = {name: house.token(name, Role.AUDITOR) for name in ("eve", "mallory")}
    reader = read_reader("account:eve")
    share(house.store, house.tenant, reader, Terms(steps=("receiving",)), by=ADMIN)
    eve, mallory = (
        visible_to(house.store, house.access.authenticate(bearer(tokens[name])))
        for name in ("eve", "mallory")
    )
    assert serials(house.store, eve) == ["2"]
    assert shown(house.store, mallory) == []


def test_a_partner_does_not_see_what_is_shared_with_another(small_house: House) -> None:
    put(small_house.store, small_house.tenant, event(1))
    share(
        small_house.store,
        small_house.tenant,
        Reader("partner:smelter"),
        Terms(everything=True),
        by=ADMIN,
    )
    reader = read_reader(f"account:{small_house.account('refiner')}")
    share(small_house.store, small_house.tenant, reader, Terms(everything=True), by=ADMIN)
    assert shown(small_house.store, partner(small_house)) == []


def test_a_policy_of_another_tenant_opens_nothing_here(house: House) -> None:
    put(house.store, house.tenant, event(1))
    other = house.store.tenant(TenantName("smelter"))
    put(house.store, other, event(2))
    share(house.store, other, REFINER, Terms(everything=True), by=ADMIN)
    assert shown(house.store, partner(house)) == []


def test_terms_found_in_another_tenants_events_open_nothing_here(house: House) -> None:
    """The index of terms is asked for the tenant's own rows alone."""
    other = house.store.tenant(TenantName("smelter"))
    put(house.store, other, event(1, readPoint={"id": OTHER}))
    put(house.store, house.tenant, event(2))
    assert under(house, Terms(sites=(OTHER,))) == []


# ------------------------------------------------------------------ each term


def test_everything_is_everything(house: House) -> None:
    put(house.store, house.tenant, event(1), event(2))
    assert under(house, Terms(everything=True)) == ["1", "2"]


def test_kinds_are_types_of_events(small_house: House) -> None:
    packed = {
        "type": "AggregationEvent",
        "parentID": "urn:epc:id:sscc:4012345.0111111111",
        "childEPCs": ["urn:epc:id:sgtin:4012345.011122.7"],
        "epcList": None,
        "quantityList": None,
    }
    put(small_house.store, small_house.tenant, event(1), event(2, **packed))
    share(
        small_house.store, small_house.tenant, REFINER, Terms(kinds=("AggregationEvent",)), by=ADMIN
    )
    assert [value["type"] for value in shown(small_house.store, partner(small_house))] == [
        "AggregationEvent"
    ]


@pytest.mark.parametrize(
    "step",
    [
        "receiving",
        "urn:epcglobal:cbv:bizstep:receiving",
        "https://ref.gs1.org/cbv/BizStep-receiving",
    ],
)
def test_steps_are_meant_in_any_spelling(small_house: House, step: str) -> None:
    put(
        small_house.store,
        small_house.tenant,
        event(1),
        event(2, bizStep="receiving"),
        event(3, bizStep=None),
    )
    assert under(small_house, Terms(steps=(step,))) == ["2"]


@pytest.mark.parametrize("site", [SITE, "https://example.com/414/4012345000016"])
def test_a_site_is_a_read_point_or_a_location_with_its_extensions(house: House, site: str) -> None:
    put(
        house.store,
        house.tenant,
        event(1),
        event(2, readPoint={"id": OTHER}),
        event(3, readPoint={"id": OTHER}, bizLocation={"id": SITE}),
        event(4, readPoint={"id": CORNER}),
        event(5, readPoint=None),
    )
    assert under(house, Terms(sites=(site,))) == ["1", "3", "4"]


def test_an_extension_of_a_site_is_not_the_site(small_house: House) -> None:
    put(small_house.store, small_house.tenant, event(1), event(2, readPoint={"id": CORNER}))
    assert under(small_house, Terms(sites=(CORNER,))) == ["2"]


@pytest.mark.parametrize(
    ("lot", "seen"),
    [
        (LOT, ["1", "2"]),
        (PRODUCT, ["1", "2", "3"]),
        ("urn:epc:idpat:sgtin:4012345.011111.*", ["1", "2", "3"]),
        ("urn:epc:id:sgtin:4012345.011122.4", ["4"]),
        ("https://id.gs1.org/01/04012345111118/10/L", []),
        ("https://id.gs1.org/01", []),
        ("https://id.gs1.org", []),
        ("https:", []),
    ],
)
def test_a_lot_is_itself_and_what_is_part_of_it(
    small_house: House, lot: str, seen: list[str]
) -> None:
    longer = {"epcClass": LOT + "x", "quantity": 1, "uom": "KGM"}
    put(
        small_house.store,
        small_house.tenant,
        event(1),
        event(2),
        event(3, quantityList=[longer]),
        event(4, quantityList=None),
    )
    assert under(small_house, Terms(lots=(lot,))) == seen


def test_parties_are_sources_and_destinations(small_house: House) -> None:
    party = "urn:epc:id:pgln:4012345.00077"
    owning = {"type": "owning_party"}
    put(
        small_house.store,
        small_house.tenant,
        event(1, sourceList=[{**owning, "source": party}]),
        event(2, destinationList=[{**owning, "destination": party}]),
        event(3, sourceList=[{**owning, "source": "urn:epc:id:pgln:4012345.00078"}]),
        event(4),
    )
    assert under(small_house, Terms(parties=(party,))) == ["1", "2"]


def test_times_include_the_first_moment_and_not_the_last(house: House) -> None:
    put(house.store, house.tenant, *(event(at) for at in (1, 2, 3, 4)))
    since, before = (micros("eventTime", f"2026-03-01T08:00:0{at}Z") for at in (2, 4))
    assert under(house, Terms(since=since, before=before)) == ["2", "3"]


def test_an_event_has_to_fulfil_every_term(small_house: House) -> None:
    put(
        small_house.store,
        small_house.tenant,
        event(1),
        event(2, bizStep="receiving"),
        event(3, readPoint={"id": OTHER}),
    )
    assert under(small_house, Terms(steps=("shipping",), sites=(SITE,), lots=(LOT,))) == ["1"]


def test_policies_add_up_and_do_not_mix(house: House) -> None:
    put(
        house.store,
        house.tenant,
        event(1),
        event(2, bizStep="receiving", readPoint={"id": OTHER}),
        event(3, bizStep="receiving"),
        event(4, readPoint={"id": OTHER}),
    )
    for terms in (
        Terms(steps=("shipping",), sites=(SITE,)),
        Terms(steps=("receiving",), sites=(OTHER,)),
    ):
        share(house.store, house.tenant, REFINER, terms, by=ADMIN)
    assert serials(house.store, partner(house)) == ["1", "2"]


def test_what_is_captured_later_is_shared_too(small_house: House) -> None:
    assert under(small_house, Terms(steps=("shipping",))) == []
    capture_event(
        small_house.store, small_house.tenant, Offered(json.dumps(event(1)).encode(), JSON, {})
    )
    token = small_house.token("yan", Role.TRADER, partner="refiner")
    visible = visible_to(small_house.store, small_house.access.authenticate(bearer(token)))
    assert serials(small_house.store, visible) == ["1"]


# ------------------------------------------------------------------ against a slow reference

SITES = (SITE, CORNER, OTHER, "https://example.com/gate")
LOTS = (LOT, LOT + "x", "urn:epc:class:lgtin:4012345.022222.L1", "https://example.com/bag/1")
STEPS = ("shipping", "receiving", "packing")

events = st.builds(
    lambda step, site, place, lot: event(
        bizStep=step,
        readPoint=site and {"id": site},
        bizLocation=place and {"id": place},
        quantityList=[{"epcClass": lot, "quantity": 1, "uom": "KGM"}],
    ),
    st.sampled_from(STEPS),
    st.none() | st.sampled_from(SITES),
    st.none() | st.sampled_from(SITES),
    st.sampled_from(LOTS),
)
terms = st.builds(
    Terms,
    steps=st.lists(st.sampled_from(STEPS), max_size=2).map(tuple),
    sites=st.lists(st.sampled_from(SITES), max_size=2).map(tuple),
    lots=st.lists(st.sampled_from((*LOTS, PRODUCT)), max_size=2).map(tuple),
    since=st.none() | st.integers(START, START + 60_000_000),
    before=st.none() | st.integers(START, START + 60_000_000),
)


def canonical(text: str) -> str:
    try:
        return canonical_link(text)
    except Gs1Refused:
        return text


def is_part(found: str | None, named: str) -> bool:
    if found is None:
        return False
    here, there = canonical(found), canonical(named)
    is_key = there.startswith("https://id.gs1.org/")
    return here == there or (is_key and here.startswith(there + "/"))


def allows(terms: Terms, value: dict[str, Any]) -> bool:
    when = micros("eventTime", value["eventTime"])
    places = [value.get(name, {}).get("id") for name in ("readPoint", "bizLocation")]
    lots = [*value.get("epcList", []), *(one["epcClass"] for one in value["quantityList"])]
    return (
        (not terms.steps or value["bizStep"] in terms.steps)
        and (terms.since is None or when >= terms.since)
        and (terms.before is None or when < terms.before)
        and (not terms.sites or any(is_part(p, site) for p in places for site in terms.sites))
        and (not terms.lots or any(is_part(x, lot) for x in lots for lot in terms.lots))
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(events, min_size=1, max_size=8), st.lists(terms, max_size=3))
def test_the_condition_agrees_with_a_slow_reading_of_each_event(
    small_house: House, values: list[dict[str, Any]], shares: list[Terms]
) -> None:
    store = small_house.store
    tenant = store.tenant(TenantName(f"t{len(store.tenants())}"))
    put(store, tenant, *(_at(second, value) for second, value in enumerate(values)))
    visible = Visible(tenant, everything=False, shares=tuple(shares))
    query = select(EVENTS.c.body).where(EVENTS.c.tenant == tenant.number)
    with store.reading() as connection:
        every = [json.loads(body) for body in connection.execute(query).scalars()]
    assert len(every) == len(values)
    seen = {value["eventID"] for value in shown(store, visible)}
    assert seen == {
        value["eventID"] for value in every if any(allows(terms, value) for terms in shares)
    }


QUERIES: tuple[list[tuple[str, str]], ...] = (
    [("EQ_bizStep", "shipping")],
    [("EQ_readPoint", SITE), ("eventType", "ObjectEvent")],
    [("MATCH_anyEPCClass", LOT)],
    [("orderBy", "eventTime"), ("orderDirection", "ASC")],
    [("GE_eventTime", "2026-03-01T08:00:03Z"), ("EQ_bizStep", "receiving|packing")],
    [("EXISTS_errorDeclaration", "true")],
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(events, min_size=1, max_size=8),
    st.lists(terms, max_size=3),
    st.sampled_from(QUERIES),
    st.integers(1, 4),
)
def test_a_partner_finds_of_a_query_what_is_shared_page_by_page(
    small_house: House,
    values: list[dict[str, Any]],
    shares: list[Terms],
    pairs: list[tuple[str, str]],
    size: int,
) -> None:
    store = small_house.store
    tenant = store.tenant(TenantName(f"t{len(store.tenants())}"))
    put(store, tenant, *(_at(second, value) for second, value in enumerate(values)))
    visible = Visible(tenant, everything=False, shares=tuple(shares))
    query = parse_pairs(pairs).query
    whole = run(store, tenant, query, Page(100)).events
    page = Page(size, NOBODY, visible)
    answer = run(store, tenant, query, page)
    found = list(answer.events)
    while answer.next is not None:
        answer = run_next(store, tenant, answer.next.token, page)
        found += answer.events
    wanted = [one for one in whole if visible.shows(read_event(one.body, exact=False))]
    assert sorted(one.seq for one in found) == sorted(one.seq for one in wanted)


def _at(second: int, value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "eventTime": f"2026-03-01T08:00:{second:02d}.000Z"}


def test_a_partner_cannot_count_what_is_not_shared(house: House) -> None:
    """Neither by a bound on the answer, nor by whether there is a next page."""
    put(house.store, house.tenant, *(event(at) for at in range(1, 8)), event(8, bizStep="packing"))
    share(house.store, house.tenant, REFINER, Terms(steps=("packing",)), by=ADMIN)
    visible = partner(house)
    query = parse_pairs([("maxEventCount", "1")]).query
    found = run(house.store, house.tenant, query, Page(1, NOBODY, visible))
    assert [json.loads(one.body)["bizStep"] for one in found.events] == ["packing"]
    assert found.next is None


# ------------------------------------------------------------------ ends


def test_a_policy_ends_when_it_expires_and_when_it_is_revoked(
    house: House, clock: SetClock
) -> None:
    put(house.store, house.tenant, event(1), event(2, bizStep="receiving"))
    until = Micros(clock.now() + 60_000_000)
    share(house.store, house.tenant, REFINER, Terms(steps=("shipping",)), by=ADMIN, expires=until)
    lasting = share(house.store, house.tenant, REFINER, Terms(steps=("receiving",)), by=ADMIN)
    caller = house.access.authenticate(bearer(house.token("zoe", Role.TRADER, partner="refiner")))
    clock.pass_seconds(59)
    assert serials(house.store, visible_to(house.store, caller)) == ["1", "2"]
    clock.pass_seconds(1)
    assert serials(house.store, visible_to(house.store, caller)) == ["2"]
    first = revoke_policy(house.store, house.tenant, lasting.policy, ADMIN)
    clock.pass_seconds(1)
    assert revoke_policy(house.store, house.tenant, lasting.policy, ADMIN) == first
    assert shown(house.store, visible_to(house.store, caller)) == []
    assert len(policies(house.store, house.tenant)) == 2


def test_another_tenant_revokes_nothing_here(small_house: House) -> None:
    made = share(small_house.store, small_house.tenant, REFINER, Terms(everything=True), by=ADMIN)
    other = small_house.store.tenant(TenantName("smelter"))
    with pytest.raises(PolicyUnknown) as refused:
        revoke_policy(small_house.store, other, made.policy, ADMIN)
    assert refused.value.policy == made.policy
    assert policies(small_house.store, small_house.tenant)[0].revoked is None


def test_a_policy_that_cannot_be_read_opens_nothing_at_all(small_house: House) -> None:
    share(small_house.store, small_house.tenant, REFINER, Terms(everything=True), by=ADMIN)
    small_house.store.write(
        lambda connection: connection.execute(POLICIES.update().values(terms='{"evrything":true}'))
    )
    with pytest.raises(PolicyMalformed):
        partner(small_house)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "empty",
    [
        Terms(),
        Terms(everything=True, steps=("shipping",)),
        Terms(since=DAY, before=DAY),
        Terms(since=DAY, before=0),
    ],
)
def test_a_policy_says_what_it_shares(empty: Terms) -> None:
    with pytest.raises(PolicyEmpty):
        checked_terms(empty)


def test_a_policy_names_kinds_that_there_are() -> None:
    with pytest.raises(PolicyKindUnknown) as refused:
        checked_terms(Terms(kinds=("ObjectEvent", "Rumour")))
    assert refused.value.kind == "Rumour"


def test_a_pattern_of_many_products_is_not_taken_for_one() -> None:
    wide = "urn:epc:idpat:sgtin:4012345.*.*"
    with pytest.raises(PolicyPatternTooWide) as refused:
        checked_terms(Terms(lots=(wide,)))
    assert refused.value.pattern == wide


def test_a_policy_lasts_a_while(small_house: House, clock: SetClock) -> None:
    with pytest.raises(PolicyOver) as refused:
        share(
            small_house.store,
            small_house.tenant,
            REFINER,
            Terms(everything=True),
            by=ADMIN,
            expires=clock.now(),
        )
    assert refused.value.expires == clock.now()


def test_a_policy_names_an_account_that_there_is(small_house: House) -> None:
    reader = read_reader("account:nobody")
    with pytest.raises(AccountUnknown) as refused:
        share(small_house.store, small_house.tenant, reader, Terms(everything=True), by=ADMIN)
    assert refused.value.user == "nobody"


def test_readers_are_partners_unless_said_otherwise() -> None:
    assert read_reader("refiner") == read_reader("partner:refiner") == "partner:refiner"
    assert read_reader("account:eve@audit.example") == "account:eve@audit.example"
    with pytest.raises(ReaderMalformed):
        read_reader("group:all")
    for text in ("", "partner:", "account:", "account:a b"):
        with pytest.raises(AccessNameMalformed):
            read_reader(text)


def test_only_whole_keys_have_parts() -> None:
    assert beginning_of_parts(term_value(LOT)) is not None
    for text in ("https://id.gs1.org", "https://id.gs1.org/01", "https://example.com/a", "x"):
        assert beginning_of_parts(term_value(text)) is None


# ------------------------------------------------------------------ words


def test_a_policy_reads_as_a_sentence(small_house: House, clock: SetClock) -> None:
    until = Micros(clock.now() // DAY * DAY + DAY)
    terms = Terms(kinds=("ObjectEvent",), steps=("shipping", "receiving"), lots=(LOT,), since=START)
    made = share(small_house.store, small_house.tenant, REFINER, terms, by=ADMIN, expires=until)
    assert policy_sentence(made, "en") == (
        "The people of refiner may see the events that are of the type ObjectEvent and that are of "
        "the business step shipping or receiving and that speak of "
        "urn:epc:class:lgtin:4012345.011111.L1 or a part of it and that happened at "
        "2026-03-01 08:00:00 UTC or later, until 2026-03-02."
    )
    assert policy_sentence(made, "fr") == (
        "Chez refiner, on voit les événements qui sont du type ObjectEvent et qui sont de l'étape "
        "shipping ou receiving et qui parlent de urn:epc:class:lgtin:4012345.011111.L1 ou d'une "
        "partie et qui ont eu lieu le 2026-03-01 08:00:00 UTC ou après, jusqu'au 2026-03-02."
    )


def test_a_revoked_policy_says_so_and_everything_is_said_plainly(small_house: House) -> None:
    made = share(small_house.store, small_house.tenant, REFINER, Terms(everything=True), by=ADMIN)
    assert policy_sentence(made, "en") == (
        "The people of refiner may see every event, those to come too."
    )
    gone = revoke_policy(small_house.store, small_house.tenant, made.policy, ADMIN)
    assert policy_sentence(gone, "en").endswith(" Revoked at 2026-03-01 08:00:00 UTC.")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_term_is_in_the_sentence(small_house: House, lang: Any) -> None:
    terms = Terms(
        kinds=("ObjectEvent",), steps=("k1",), sites=("k2",), lots=("k3",), parties=("k4",),
        since=0, before=DAY,
    )  # fmt: skip
    made = share(small_house.store, small_house.tenant, REFINER, terms, by=ADMIN)
    sentence = policy_sentence(made, lang)
    for word in ("ObjectEvent", "k1", "k2", "k3", "k4", "1970-01-01", "1970-01-02"):
        assert word in sentence
