"""Deliveries: nothing is lost, whatever a destination does and whenever the node is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, select
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.access.policy_refusals import PolicyMalformed
from lodeline.node.access.refusals import AccountDisabled
from lodeline.node.events import subscriptions as module
from lodeline.node.events.capture import capture
from lodeline.node.events.dead_letters import (
    DeadLetterNumber,
    begin_again,
    dead_letters,
    forget_dead_letter,
)
from lodeline.node.events.deliveries import (
    MAX_ATTEMPTS,
    MAX_REPORT_EVENTS,
    Courier,
    Report,
    ReportBody,
    Turn,
    retry_seconds,
)
from lodeline.node.events.destinations import DestinationRules
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import moment_text
from lodeline.node.events.named import create_query, delete_query, query_name
from lodeline.node.events.parameters import parse_query
from lodeline.node.events.queries import EVERYTHING, Visible
from lodeline.node.events.query_refusals import NamedQueryUnknown
from lodeline.node.events.reading import ContentType, Offered
from lodeline.node.events.refusals import StoreUnreachable
from lodeline.node.events.schema import SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Tenant, TenantName
from lodeline.node.events.subscription_refusals import (
    DeadLetterUnknown,
    DeliveryRefusal,
    DestinationAnswered,
    DestinationForbidden,
    DestinationUnreachable,
    ReportingEmptyStream,
    SignatureTokenWrong,
    SubscriptionFieldWrong,
    SubscriptionQueryUnfit,
    SubscriptionsTooMany,
    SubscriptionTriggerWrong,
    SubscriptionUnknown,
)
from lodeline.node.events.subscriptions import (
    Subscription,
    SubscriptionId,
    SubscriptionState,
    parse_controls,
    subscribe,
    subscription,
    subscriptions,
    unsubscribe,
)
from lodeline.node.events.webhooks import Message

NAME = query_name("shipped")
ADA = Who("ada")
RULES = DestinationRules()
STREAM: JsonObject = {"dest": "https://hook.example/", "stream": True}
EACH_MINUTE: JsonObject = {"dest": "https://hook.example/", "schedule": {"minute": "*"}}
DOWN = DestinationUnreachable("hook.example", "ConnectError")


def answered(status: int, wait: int = 0) -> DestinationAnswered:
    return DestinationAnswered("hook.example", status, wait)


@dataclass
class ShortDesk:
    """Writes a report as the ids of its events; everybody sees everything."""

    noted: list[tuple[str, int]] = field(default_factory=list)
    is_closed: bool = False
    is_broken: bool = False

    def visible(self, tenant: Tenant, who: Who) -> Visible:
        if self.is_closed:
            raise AccountDisabled(who)
        if self.is_broken:
            raise PolicyMalformed("p-1")
        return EVERYTHING

    def note(self, connection: Connection, tenant: Tenant, who: Who, report: Report) -> None:
        self.noted.append((who, len(report.events)))

    def document(self, report: Report) -> ReportBody:
        return ReportBody(",".join(str(each.seq) for each in report.events).encode())

    def headers(self, report: Report) -> dict[str, str]:
        return {}


@dataclass
class Hook:
    """A destination that refuses what a test says, in that order, and takes everything else."""

    refusals: list[DeliveryRefusal] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def post(self, message: Message) -> None:
        self.tried.append(message.body.decode())
        if self.refusals:
            raise self.refusals.pop(0)
        self.messages.append(message)

    @property
    def seqs(self) -> list[int]:
        bodies = (message.body.decode() for message in self.messages)
        return [int(seq) for body in bodies for seq in body.split(",") if seq]


@dataclass
class Town:
    """A company with a query, its deliveries, and a destination."""

    store: EventStore
    clock: SetClock
    tenant: Tenant
    desk: ShortDesk = field(default_factory=ShortDesk)
    hook: Hook = field(default_factory=Hook)
    last: int = 0

    def __post_init__(self) -> None:
        self.restart()
        create_query(self.store, self.tenant, NAME, parse_query({"EQ_bizStep": ["shipping"]}), ADA)

    def restart(self) -> None:
        """Whatever was remembered outside of the store is forgotten."""
        self.courier = Courier(self.store, self.desk, self.hook)

    def subscribe(self, value: JsonObject = STREAM) -> Subscription:
        return subscribe(self.store, self.tenant, NAME, parse_controls(value, RULES), ADA)

    def now(self, made: Subscription) -> Subscription:
        return subscription(self.store, self.tenant, NAME, made.subscription_id)

    def capture(self, count: int = 1, **changes: object) -> None:
        events = [event(self.last + each + 1, **changes) for each in range(count)]
        self.last += count
        offered = Offered(document(*events), ContentType.JSON, {})
        done = capture(self.store, self.tenant, offered, who=ADA)
        assert done.captured == count

    def deliver(self) -> list[Turn]:
        return [self.courier.deliver(due) for due in self.courier.due()]


@pytest.fixture
def town(sqlite_store: EventStore, clock: SetClock) -> Town:
    return Town(sqlite_store, clock, sqlite_store.tenant(TenantName("miner")))


# ------------------------------------------------------------------ streams


def test_a_stream_tells_what_came_since_and_nothing_twice(store: EventStore) -> None:
    clock = SetClock()
    town = Town(store, clock, store.tenant(TenantName("miner")))
    town.capture(2)
    made = town.subscribe()
    assert town.deliver() == []
    town.capture(3)
    town.capture(2, bizStep="receiving")
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == [3, 4, 5]
    assert town.deliver() == []
    town.capture(1)
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == [3, 4, 5, 8]
    assert town.now(made).last_notified == town.clock.now()
    assert town.desk.noted == [("ada", 3), ("ada", 1)]


def test_another_company_is_told_nothing(town: Town) -> None:
    town.subscribe()
    other = Town(town.store, town.clock, town.store.tenant(TenantName("refiner")))
    other.capture(3)
    assert town.deliver() == [Turn.NOTHING]
    assert town.hook.seqs == []
    assert town.deliver() == [], "what holds nothing is not looked at again"


def test_what_was_recorded_since_a_moment_is_told(town: Town) -> None:
    town.capture(2)
    town.clock.pass_seconds(10)
    since = town.clock.now()
    town.capture(2)
    town.clock.pass_seconds(10)
    town.subscribe({**STREAM, "initialRecordTime": moment_text(since)})
    town.deliver()
    assert town.hook.seqs == [3, 4]


def test_a_moment_to_come_keeps_everything_before_it_back(town: Town) -> None:
    at = moment_text(type(town.clock.now())(town.clock.now() + 60_000_000))
    town.subscribe({**STREAM, "initialRecordTime": at})
    town.capture(1)
    assert town.deliver() == [Turn.NOTHING]
    town.clock.pass_seconds(60)
    town.capture(1)
    town.deliver()
    assert town.hook.seqs == [2]


def test_reports_are_of_bounded_size_and_follow_one_another(town: Town) -> None:
    town.subscribe()
    town.capture(2 * MAX_REPORT_EVENTS + 5)
    assert town.deliver() == [Turn.TAKEN]
    sizes = [len(message.body.split(b",")) for message in town.hook.messages]
    assert sizes == [MAX_REPORT_EVENTS, MAX_REPORT_EVENTS, 5]
    assert town.hook.seqs == list(range(1, 2 * MAX_REPORT_EVENTS + 6))


def test_a_report_that_is_too_large_is_halved_until_it_is_taken(town: Town) -> None:
    town.subscribe()
    town.capture(8)
    town.hook.refusals = [answered(413), answered(413)]
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == list(range(1, 9))
    assert [len(tried.split(",")) for tried in town.hook.tried] == [8, 4, 2, 2, 2, 2]


# ------------------------------------------------------------------ what is not taken


def test_a_report_that_was_not_taken_comes_again_with_the_same_name(town: Town) -> None:
    made = town.subscribe()
    town.capture(2)
    town.hook.refusals = [DOWN]
    assert town.deliver() == [Turn.WAITING]
    assert (town.now(made).cursor, town.now(made).attempts) == (made.cursor, 1)
    assert town.deliver() == [], "not before its time"
    town.clock.pass_seconds(retry_seconds(1))
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.tried == ["1,2", "1,2"]
    assert (town.now(made).attempts, town.now(made).next_due) == (0, None)


def test_waits_grow_up_to_an_hour() -> None:
    waits = [retry_seconds(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2, 3_600)
    assert sum(waits) > 4 * 3_600


def test_a_destination_says_when_it_wants_to_be_asked_again(town: Town) -> None:
    town.subscribe()
    town.capture()
    town.hook.refusals = [answered(503, wait=120)]
    town.deliver()
    town.clock.pass_seconds(119)
    assert town.deliver() == []
    town.clock.pass_seconds(1)
    assert town.deliver() == [Turn.TAKEN]


@pytest.mark.parametrize(
    ("refusal", "tries"),
    [
        (DOWN, MAX_ATTEMPTS),
        (answered(500), MAX_ATTEMPTS),
        (answered(429), MAX_ATTEMPTS),
        (answered(302), 4),
        (answered(400), 4),
        (answered(410), 4),
        (answered(413), 4),
        (DestinationForbidden("hook.example", "127.0.0.1"), 4),
    ],
)
def test_a_dead_letter_keeps_the_report_and_lets_the_next_one_go(
    town: Town, refusal: DeliveryRefusal, tries: int
) -> None:
    made = town.subscribe()
    town.capture()
    town.hook.refusals = [refusal] * tries
    turns = []
    for _ in range(tries):
        turns += town.deliver()
        town.clock.pass_seconds(3_600)
    assert turns == [Turn.WAITING] * (tries - 1) + [Turn.BURIED]
    (letter,) = dead_letters(town.store, town.tenant, made.subscription_id, limit=10)
    assert (letter.first, letter.last, letter.body) == (1, 1, "1")
    assert (letter.attempts, letter.reason["code"]) == (tries, refusal.code)
    assert letter.subscription_id == made.subscription_id
    town.capture()
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == [2]


def buried(town: Town) -> Subscription:
    """A subscription whose first report became a dead letter, and whose second one was taken."""
    made = town.subscribe()
    town.capture()
    town.hook.refusals = [answered(410)] * 4
    for _ in range(4):
        town.deliver()
        town.clock.pass_seconds(3_600)
    town.capture()
    assert town.deliver() == [Turn.TAKEN]
    return made


def test_a_subscription_begins_again_at_a_dead_letter(town: Town) -> None:
    made = buried(town)
    (letter,) = dead_letters(town.store, town.tenant, made.subscription_id, limit=10)
    town.capture(bizStep="receiving")
    assert town.deliver() == [Turn.NOTHING], "and that is remembered"
    begin_again(town.store, town.tenant, made.subscription_id, letter.number)
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == [2, 1, 2]
    assert dead_letters(town.store, town.tenant, made.subscription_id, limit=10) == []


def test_a_dead_letter_that_nobody_needs_is_forgotten(town: Town) -> None:
    made = buried(town)
    (letter,) = dead_letters(town.store, town.tenant, made.subscription_id, limit=10)
    forget_dead_letter(town.store, town.tenant, made.subscription_id, letter.number)
    assert dead_letters(town.store, town.tenant, made.subscription_id, limit=10) == []
    for change in (forget_dead_letter, begin_again):
        with pytest.raises(DeadLetterUnknown) as refused:
            change(town.store, town.tenant, made.subscription_id, letter.number)
        assert refused.value.number == letter.number


def test_dead_letters_are_of_their_company_and_subscription(town: Town) -> None:
    made = buried(town)
    other = town.store.tenant(TenantName("refiner"))
    assert dead_letters(town.store, other, made.subscription_id, limit=10) == []
    assert dead_letters(town.store, town.tenant, SubscriptionId("x"), limit=10) == []
    (letter,) = dead_letters(town.store, town.tenant, made.subscription_id, limit=10)
    later = dead_letters(
        town.store, town.tenant, made.subscription_id, after=letter.number, limit=10
    )
    assert later == []
    for tenant, whose in ((other, made.subscription_id), (town.tenant, SubscriptionId("x"))):
        for change in (forget_dead_letter, begin_again):
            with pytest.raises(DeadLetterUnknown):
                change(town.store, tenant, whose, DeadLetterNumber(letter.number))


# ------------------------------------------------------------------ killed in between


class Killed(BaseException):
    """The process ends here."""


class KilledAfter(Hook):
    """Takes a report, and the node is killed before it knows."""

    def post(self, message: Message) -> None:
        super().post(message)
        raise Killed


def test_a_node_that_is_killed_after_a_report_was_taken_sends_it_again(town: Town) -> None:
    town.subscribe()
    town.capture(3)
    town.hook = KilledAfter()
    town.restart()
    with pytest.raises(Killed):
        town.deliver()
    first = town.hook.messages
    town.hook = Hook()
    town.restart()
    assert town.deliver() == [Turn.TAKEN]
    assert [each.report_id for each in town.hook.messages] == [each.report_id for each in first]
    assert town.hook.seqs == [1, 2, 3]


def test_a_node_that_is_killed_before_it_sends_loses_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.subscribe()
    town.capture(3)

    def fails(work: Callable[[Connection], object]) -> object:
        raise StoreUnreachable("killed")

    with monkeypatch.context() as broken:
        broken.setattr(town.store, "write", fails)
        with pytest.raises(StoreUnreachable):
            town.deliver()
    assert town.hook.tried == [], "nothing leaves that is not in the trail"
    town.restart()
    town.deliver()
    assert town.hook.seqs == [1, 2, 3]


def test_two_that_deliver_at_a_time_never_move_the_cursor_back(town: Town) -> None:
    made = town.subscribe()
    town.capture(2)

    class Overtaken(Hook):
        def post(self, message: Message) -> None:
            super().post(message)
            if len(self.messages) == 1:
                town.capture(2)
                (due,) = town.courier.due()
                other = Courier(town.store, town.desk, self)
                assert other.deliver(due) is Turn.TAKEN

    town.hook = Overtaken()
    town.restart()
    assert town.deliver() == [Turn.NOTHING]
    assert town.hook.seqs == [1, 2, 1, 2, 3, 4]
    assert town.now(made).cursor == 4


# ------------------------------------------------------------------ schedules


def test_a_schedule_tells_at_its_moments_what_came_since(town: Town) -> None:
    town.subscribe(EACH_MINUTE)
    town.capture(2)
    assert town.deliver() == []
    town.clock.pass_seconds(60)
    assert town.deliver() == [Turn.TAKEN]
    town.clock.pass_seconds(60)
    assert town.deliver() == [Turn.NOTHING], "nothing came since"
    town.capture(1)
    assert town.deliver() == []
    town.clock.pass_seconds(3_600)
    assert town.deliver() == [Turn.TAKEN], "moments that were missed are made up for once"
    assert town.deliver() == []
    assert town.hook.tried == ["1,2", "3"]


def test_a_schedule_can_tell_that_there_is_nothing(town: Town) -> None:
    town.subscribe({**EACH_MINUTE, "reportIfEmpty": True})
    town.clock.pass_seconds(60)
    town.hook.refusals = [DOWN]
    assert town.deliver() == [Turn.WAITING]
    town.clock.pass_seconds(2)
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.tried == ["", ""]
    town.capture(MAX_REPORT_EVENTS)
    town.clock.pass_seconds(60)
    assert town.deliver() == [Turn.TAKEN]
    assert len(town.hook.messages) == 2, "a full report is not followed by an empty one"
    assert len(town.hook.seqs) == MAX_REPORT_EVENTS


# ------------------------------------------------------------------ ends


def test_a_subscription_that_was_deleted_tells_nothing(town: Town) -> None:
    made = town.subscribe()
    town.capture()
    due = town.courier.due()
    unsubscribe(town.store, town.tenant, NAME, made.subscription_id)
    assert [town.courier.deliver(each) for each in due] == [Turn.NOTHING]
    assert town.hook.tried == []
    with pytest.raises(SubscriptionUnknown):
        unsubscribe(town.store, town.tenant, NAME, made.subscription_id)


def test_a_query_that_is_deleted_takes_its_subscriptions_along(town: Town) -> None:
    made = town.subscribe()
    town.capture()
    delete_query(town.store, town.tenant, NAME)
    assert town.courier.due() == []
    with pytest.raises(SubscriptionUnknown):
        town.now(made)


def test_whoever_may_not_read_any_more_is_told_nothing(town: Town) -> None:
    made = town.subscribe()
    town.capture()
    town.desk.is_closed = True
    assert town.deliver() == [Turn.STOPPED]
    assert town.now(made).state is SubscriptionState.STOPPED
    town.desk.is_closed = False
    assert town.deliver() == []
    assert town.hook.tried == []


def test_what_the_node_cannot_do_now_is_done_later_and_buries_nothing(town: Town) -> None:
    made = town.subscribe()
    town.capture()
    town.desk.is_broken = True
    for _ in range(MAX_ATTEMPTS + 2):
        assert town.deliver() == [Turn.POSTPONED]
        assert town.deliver() == [], "not at once"
        town.clock.pass_seconds(60)
    assert town.now(made).attempts == 0, "the destination has nothing to do with it"
    assert dead_letters(town.store, town.tenant, made.subscription_id, limit=1) == []
    town.desk.is_broken = False
    assert town.deliver() == [Turn.TAKEN]
    assert town.hook.seqs == [1]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], ""),
        ({"stream": True}, "dest"),
        ({**STREAM, "dest": 5}, "dest"),
        ({**STREAM, "colour": 1}, "colour"),
        ({**STREAM, "stream": "true"}, "stream"),
        ({**STREAM, "initialRecordTime": 5}, "initialRecordTime"),
        ({**EACH_MINUTE, "reportIfEmpty": "no"}, "reportIfEmpty"),
        ({**EACH_MINUTE, "schedule": "0 1 * * *"}, "schedule"),
    ],
)
def test_what_a_subscription_cannot_say_is_refused(value: JsonObject, field: str) -> None:
    with pytest.raises(SubscriptionFieldWrong) as refused:
        parse_controls(value, RULES)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"dest": "https://hook.example/"}, "neither"),
        ({"dest": "https://hook.example/", "stream": False}, "neither"),
        ({**STREAM, "schedule": {"minute": "5"}}, "both"),
    ],
)
def test_a_subscription_has_one_kind_of_moment(value: JsonObject, found: str) -> None:
    with pytest.raises(SubscriptionTriggerWrong) as refused:
        parse_controls(value, RULES)
    assert refused.value.found == found


def test_a_stream_cannot_tell_that_there_is_nothing() -> None:
    with pytest.raises(ReportingEmptyStream):
        parse_controls({**STREAM, "reportIfEmpty": True}, RULES)


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 513, "with a space in it", "schlüssel" * 3, 5]
)
def test_secrets_that_are_none_are_refused(token: str | int) -> None:
    with pytest.raises(SignatureTokenWrong):
        parse_controls({**STREAM, "signatureToken": token}, RULES)


def test_an_inner_address_is_refused_at_once() -> None:
    with pytest.raises(DestinationForbidden):
        parse_controls({**STREAM, "dest": "https://169.254.169.254/latest"}, RULES)


def test_a_company_has_a_bounded_number_of_subscriptions(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SUBSCRIPTIONS", 2)
    for _ in range(2):
        town.subscribe()
    with pytest.raises(SubscriptionsTooMany) as refused:
        town.subscribe()
    assert refused.value.most == 2
    other = Town(town.store, town.clock, town.store.tenant(TenantName("refiner")))
    other.subscribe()


def test_there_must_be_such_a_query(town: Town) -> None:
    controls = parse_controls(STREAM, RULES)
    with pytest.raises(NamedQueryUnknown):
        subscribe(town.store, town.tenant, query_name("other"), controls, ADA)
    refiner = town.store.tenant(TenantName("refiner"))
    with pytest.raises(NamedQueryUnknown):
        subscribe(town.store, refiner, NAME, controls, ADA)
    with pytest.raises(NamedQueryUnknown):
        subscriptions(town.store, refiner, NAME, limit=5)


@pytest.mark.parametrize(
    "query",
    [
        {"orderBy": "eventTime"},
        {"orderBy": "eventTime", "eventCountLimit": 5},
        {"maxEventCount": 5},
    ],
)
def test_queries_that_bound_or_sort_are_not_subscribed_to(town: Town, query: JsonObject) -> None:
    name = query_name("bounded")
    create_query(town.store, town.tenant, name, parse_query(query), ADA)
    with pytest.raises(SubscriptionQueryUnfit) as refused:
        subscribe(town.store, town.tenant, name, parse_controls(STREAM, RULES), ADA)
    assert refused.value.name == name


def test_a_list_has_pages_and_owners(town: Town) -> None:
    made = sorted(town.subscribe().subscription_id for _ in range(3))
    controls = parse_controls(STREAM, RULES)
    subscribe(town.store, town.tenant, NAME, controls, Who("bob"))
    mine = subscriptions(town.store, town.tenant, NAME, limit=9, of=ADA)
    assert [each.subscription_id for each in mine] == made
    rest = subscriptions(
        town.store, town.tenant, NAME, after=SubscriptionId(made[0]), limit=1, of=ADA
    )
    assert [each.subscription_id for each in rest] == [made[1]]
    with pytest.raises(SubscriptionUnknown):
        subscription(town.store, town.tenant, NAME, SubscriptionId(made[0]), Who("bob"))


def test_what_was_said_is_what_is_kept(town: Town) -> None:
    value: JsonObject = {
        **EACH_MINUTE,
        "signatureToken": "13df38d8275b13f0",
        "reportIfEmpty": True,
        "initialRecordTime": "2026-03-01T08:00:00Z",
    }
    made = town.subscribe(value)
    assert town.now(made) == made
    with town.store.reading() as connection:
        assert len(connection.execute(select(SUBSCRIPTIONS)).all()) == 1
