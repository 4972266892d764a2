"""A hostile subscriber: destinations and names that never answer keep nobody else waiting."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from queue import Queue
from threading import Event, Semaphore

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.events.conftest import SetClock, clock, sqlite_store  # noqa: F401 - fixtures
from tests.node.events.test_deliveries import ADA, NAME, RULES, STREAM, Hook, ShortDesk, Town

from lodeline.node.events import deliveries
from lodeline.node.events import subscriptions as module
from lodeline.node.events.deliveries import Courier, Due
from lodeline.node.events.deliveries import Turn as Outcome
from lodeline.node.events.destinations import Address, BoundedResolver
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore, Tenant, TenantName
from lodeline.node.events.subscription_refusals import DestinationUnknown, SubscriptionsTooMany
from lodeline.node.events.subscriptions import SubscriptionId, parse_controls, subscribe
from lodeline.node.events.turns import Places, Turns
from lodeline.node.events.webhooks import Message
from lodeline.web.delivering import Dispatcher

SECONDS = 20
PUBLIC = ip_address("93.184.216.34")


def due(tenant: int, who: str, number: int) -> Due:
    return Due(Tenant(tenant, TenantName(f"t{tenant}")), SubscriptionId(f"{number:04}"), Who(who))


# ------------------------------------------------------------------ names that take their time


class Stuck:
    """A name service that answers for no name that begins with “slow” before it is let go."""

    def __init__(self) -> None:
        self.let_go = Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host.startswith("slow"):
            assert self.let_go.wait(SECONDS)
        if host.startswith("none"):
            raise DestinationUnknown(host, "gaierror")
        return (PUBLIC,)


def test_a_name_that_takes_its_time_is_not_waited_for() -> None:
    service = Stuck()
    resolver = BoundedResolver(service, seconds=0.01)
    with pytest.raises(DestinationUnknown) as refused:
        resolver("slow.example", 443)
    assert (refused.value.host, refused.value.reason) == ("slow.example", "TimeoutError")
    assert resolver("quick.example", 443) == (PUBLIC,)
    with pytest.raises(DestinationUnknown) as unknown:
        resolver("none.example", 443)
    assert unknown.value.reason == "gaierror"
    service.let_go.set()


def test_one_slow_name_is_asked_for_once_and_many_are_bounded() -> None:
    service = Stuck()
    resolver = BoundedResolver(service, seconds=0.01, most=2)
    for host in ("slow1.example", "slow1.example", "slow2.example", "slow3.example"):
        with pytest.raises(DestinationUnknown):
            resolver(host, 443)
    assert service.asked == ["slow1.example", "slow2.example"]
    service.let_go.set()


# ------------------------------------------------------------------ shares


def test_no_account_and_no_company_has_every_place() -> None:
    turns = Turns(Places(8, 4, 2))
    turns.look([due(1, who, number) for number in range(20) for who in ("a", "b", "c")])
    begun = [turns.take() for _ in range(5)]
    assert begun[4] is None
    accounts = [each.who for each in begun if each is not None]
    assert sorted(accounts) == ["a", "a", "b", "c"]
    turns.look([due(1, "a", 90), due(2, "z", 1)])
    assert turns.take() == due(2, "z", 1)


def test_a_place_that_is_free_again_goes_to_whoever_had_one_least_recently() -> None:
    turns = Turns(Places(1, 1, 1))
    turns.look([*(due(1, "a", number) for number in range(9)), due(1, "b", 1), due(2, "c", 1)])
    order = []
    for _ in range(4):
        taken = turns.take()
        assert taken is not None
        order.append(taken.who)
        turns.done(taken)
    assert order == ["a", "c", "b", "a"]


def test_what_is_under_way_or_broken_is_not_begun_again() -> None:
    turns = Turns(Places(8, 8, 8))
    one = due(1, "a", 1)
    turns.look([one])
    assert turns.take() == one
    turns.look([one])
    assert turns.take() is None
    turns.done(one, broken=True)
    turns.look([one, due(1, "a", 2)])
    assert turns.take() == due(1, "a", 2)
    assert turns.take() is None


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc"), st.integers(0, 30)), max_size=40),
    st.lists(st.integers(0, 9), max_size=40),
)
def test_shares_hold_whatever_is_due_and_everybody_has_a_turn(
    offered: list[tuple[int, str, int]], ends: list[int]
) -> None:
    places = Places(5, 3, 2)
    turns, waiting = Turns(places), {due(*each) for each in offered}
    begun: list[Due] = []
    had: set[Due] = set()
    for at in [*ends, *[0] * (2 * len(waiting))]:
        turns.look(sorted(waiting - had, key=lambda each: each.subscription_id))
        while (taken := turns.take()) is not None:
            assert taken not in had
            begun.append(taken)
            had.add(taken)
        assert len(begun) <= places.all
        for number in (1, 2, 3):
            own = [each for each in begun if each.tenant.number == number]
            assert len(own) <= places.of_tenant
            assert all(sum(each.who == who for each in own) <= 2 for who in "abc")
        if begun:
            turns.done(begun.pop(at % len(begun)))
    assert had == waiting


# ------------------------------------------------------------------ the threads that deliver


@dataclass
class SlowFor:
    """A poster whose destinations of one host do not answer before they are let go."""

    let_go: Event = field(default_factory=Event)
    begun: Semaphore = field(default_factory=lambda: Semaphore(0))
    taken: "Queue[str]" = field(default_factory=Queue)

    def post(self, message: Message) -> None:
        if message.destination.host == "slow.example":
            self.begun.release()
            assert self.let_go.wait(SECONDS)
        self.taken.put(message.destination.host)


@pytest.fixture
def town(sqlite_store: EventStore, clock: SetClock) -> Town:  # noqa: F811 - the fixtures
    return Town(sqlite_store, clock, sqlite_store.tenant(TenantName("miner")))


def test_the_slow_destinations_of_one_account_leave_another_its_turn(town: Town) -> None:
    poster = SlowFor()
    for host, who, count in (("slow.example", "eve", 5), ("quick.example", "ada", 1)):
        for _ in range(count):
            controls = parse_controls({**STREAM, "dest": f"https://{host}/"}, RULES)
            subscribe(town.store, town.tenant, NAME, controls, Who(who))
    town.capture(1)
    courier = Courier(town.store, ShortDesk(), poster)
    try:
        with Dispatcher(courier, Places(3, 3, 2)):
            assert poster.begun.acquire(timeout=SECONDS)
            assert poster.begun.acquire(timeout=SECONDS)
            assert poster.taken.get(timeout=SECONDS) == "quick.example"
            assert not poster.begun.acquire(blocking=False)
            poster.let_go.set()
    finally:
        poster.let_go.set()


def test_a_destination_that_is_slow_with_each_report_gives_up_its_turn(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes each report after ten seconds: two of them, and others have their turn."""
    monkeypatch.setattr(deliveries, "MAX_REPORT_EVENTS", 1)
    town.subscribe()
    town.capture(5)

    class Slow(Hook):
        def post(self, message: Message) -> None:
            town.clock.pass_seconds(10)
            super().post(message)

    hook = Slow()
    courier = Courier(town.store, ShortDesk(), hook)
    (first,) = courier.due()
    assert courier.deliver(first) is Outcome.TAKEN
    assert hook.seqs == [1, 2]
    assert courier.due() == [first]


def test_an_account_leaves_room_for_the_subscriptions_of_others(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OF_ACCOUNT", 2)
    controls = parse_controls(STREAM, RULES)
    for _ in range(2):
        subscribe(town.store, town.tenant, NAME, controls, Who("eve"))
    with pytest.raises(SubscriptionsTooMany) as refused:
        subscribe(town.store, town.tenant, NAME, controls, Who("eve"))
    assert refused.value.most == 2
    assert subscribe(town.store, town.tenant, NAME, controls, ADA).created_by == ADA
