"""Subscriptions over HTTP, and the reports that come of them, as the standard has both."""

import json
from dataclasses import dataclass, field

import pytest
from tests.node.access.conftest import ADMIN
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event
from tests.web.conftest import Site

from lodeline.exchange.epcis import read_json
from lodeline.node.access.accounts import AccountState, set_state
from lodeline.node.access.callers import UserName
from lodeline.node.access.roles import Role
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.node.events.deliveries import MAX_ATTEMPTS, Courier, Due, Turn
from lodeline.node.events.subscription_refusals import DestinationUnreachable
from lodeline.node.events.turns import Places
from lodeline.node.events.webhooks import Message
from lodeline.web.delivering import Dispatcher, NodeDesk

HOOK = {"dest": "https://hook.example/r", "signatureToken": "13df38d8275b13f0", "stream": True}
ALL = "/queries/shipped/subscriptions"


@dataclass
class Hook:
    """A destination that takes everything, or nothing."""

    messages: list[Message] = field(default_factory=list)
    is_down: bool = False

    def post(self, message: Message) -> None:
        if self.is_down:
            raise DestinationUnreachable("hook.example", "ConnectError")
        self.messages.append(message)


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def courier(site: Site, hook: Hook) -> Courier:
    body = json.dumps({"name": "shipped", "query": {"EQ_bizStep": ["shipping"]}})
    assert site.post("/queries", body.encode()).status_code == 201
    return Courier(site.service.store, NodeDesk(site.service), hook)


def subscribe(site: Site, who: str = "ada", **changes: object) -> dict[str, object]:
    answer = site.post(ALL, json.dumps({**HOOK, **changes}).encode(), who=who)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert isinstance(made, dict)
    assert answer.headers["Location"] == f"{ALL}/{made['subscriptionID']}"
    return made


def deliver(courier: Courier) -> list[Turn]:
    return [courier.deliver(due) for due in courier.due()]


def test_a_subscription_is_answered_without_its_secret(site: Site, courier: Courier) -> None:
    made = subscribe(site)
    assert (made["dest"], made["queryName"], made["stream"]) == (HOOK["dest"], "shipped", True)
    answer = site.get(f"{ALL}/{made['subscriptionID']}")
    assert answer.json() == made
    assert site.get(ALL).json() == [made]
    assert str(HOOK["signatureToken"]) not in answer.text + site.get(ALL).text


def test_a_schedule_is_answered_as_it_was_given(site: Site, courier: Courier) -> None:
    body = {"dest": HOOK["dest"], "schedule": {"hour": "1", "minute": "5"}, "reportIfEmpty": True}
    answer = site.post(ALL, json.dumps(body).encode(), GS1_EPC_Format="Always_EPC_URN")
    made = answer.json()
    assert (made["schedule"], made["reportIfEmpty"]) == (body["schedule"], True)
    assert "stream" not in made
    assert made["epcFormat"] == "Always_EPC_URN"
    assert made["initialRecordTime"] == made["minRecordTime"] == made["createdAt"]


def test_reports_are_query_documents_with_both_names(
    site: Site, courier: Courier, hook: Hook
) -> None:
    made = subscribe(site)
    site.post("/capture", document(event(1), event(2), event(3, bizStep="receiving")))
    assert deliver(courier) == [Turn.TAKEN]
    (message,) = hook.messages
    value = json.loads(message.body)
    results = value["epcisBody"]["queryResults"]
    assert value["type"] == "EPCISQueryDocument"
    assert results["queryName"] == "shipped"
    assert results["subscriptionID"] == made["subscriptionID"]
    assert len(results["resultsBody"]["eventList"]) == 2
    assert len(read_json(message.body).events) == 2
    assert message.headers["GS1-EPCIS-Version"] == "2.0.0"
    assert message.token == HOOK["signatureToken"]
    shown = site.get(f"{ALL}/{made['subscriptionID']}").json()
    assert shown["lastNotifiedAt"] == shown["minRecordTime"]


def test_what_is_delivered_is_in_the_trail(site: Site, courier: Courier, hook: Hook) -> None:
    made = subscribe(site)
    site.post("/capture", document(event(1)))
    deliver(courier)
    told = [
        row
        for row in rows(site.service.store, site.house.tenant, TrailNumber(0), 100)
        if row.act == "delivered"
    ]
    (row,) = told
    assert (row.who, row.about, row.seen) == ("ada", f"shipped {made['subscriptionID']}", "1")


def test_a_deleted_subscription_is_gone(site: Site, courier: Courier, hook: Hook) -> None:
    path = f"{ALL}/{subscribe(site)['subscriptionID']}"
    assert site.delete(path).status_code == 204
    assert site.delete(path).status_code == site.get(path).status_code == 404
    site.post("/capture", document(event(1)))
    assert deliver(courier) == []


def test_a_list_of_subscriptions_has_pages(site: Site, courier: Courier) -> None:
    made = {str(subscribe(site)["subscriptionID"]) for _ in range(3)}
    seen, path = set(), f"{ALL}?perPage=2"
    while path:
        answer = site.get(path)
        seen |= {each["subscriptionID"] for each in answer.json()}
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == made


def test_what_was_not_taken_is_listed_sent_again_or_forgotten(
    site: Site, courier: Courier, hook: Hook, clock: SetClock
) -> None:
    path = f"{ALL}/{subscribe(site)['subscriptionID']}/deadLetters"
    hook.is_down = True
    for serial in (1, 2):
        site.post("/capture", document(event(serial)))
        for _ in range(MAX_ATTEMPTS):
            deliver(courier)
            clock.pass_seconds(3_600)
    first = site.get(f"{path}?perPage=1")
    (letter,) = first.json()
    assert (letter["code"], letter["attempts"]) == ("destination-unreachable", MAX_ATTEMPTS)
    (other,) = site.get(first.links["next"]["url"]).json()
    assert site.get(path, "bob").status_code == 404
    for wrong in ("0", "99", "x", "9" * 40):
        assert site.delete(f"{path}/{wrong}").json()["code"] == "dead-letter-unknown"
    assert site.delete(f"{path}/{other['number']}").status_code == 204
    hook.is_down = False
    assert site.post(f"{path}/{letter['number']}", b"").status_code == 204
    assert site.get(path).json() == []
    assert deliver(courier) == [Turn.TAKEN]
    assert len(read_json(hook.messages[0].body).events) == 2


# ------------------------------------------------------------------ who may


def test_another_company_neither_subscribes_nor_sees(site: Site, courier: Courier) -> None:
    made = subscribe(site)
    assert site.post(ALL, json.dumps(HOOK).encode(), who="bob").status_code == 404
    assert site.get(ALL, "bob").status_code == 404
    assert site.get(f"{ALL}/{made['subscriptionID']}", "bob").status_code == 404
    assert site.delete(f"{ALL}/{made['subscriptionID']}", "bob").status_code == 404
    assert site.get(f"{ALL}/{made['subscriptionID']}").status_code == 200


def test_a_partner_is_told_what_is_shared_and_sees_their_own(
    site: Site, courier: Courier, hook: Hook
) -> None:
    theirs = subscribe(site)
    site.tokens["pat"] = site.house.token("pat", Role.TRADER, partner="smelter")
    own = subscribe(site, who="pat")
    assert site.get(ALL, "pat").json() == [own]
    assert site.get(f"{ALL}/{theirs['subscriptionID']}", "pat").status_code == 404
    assert len(site.get(ALL).json()) == 2
    site.post("/capture", document(event(1)))
    assert sorted(deliver(courier)) == [Turn.NOTHING, Turn.TAKEN]
    assert [str(theirs["subscriptionID"]) in each.report_id for each in hook.messages] == [True]


def test_an_auditor_may_not_subscribe(site: Site, courier: Courier) -> None:
    site.tokens["aud"] = site.house.token("aud", Role.AUDITOR)
    assert site.post(ALL, json.dumps(HOOK).encode(), who="aud").status_code == 403


def test_who_lost_their_account_is_told_nothing(site: Site, courier: Courier, hook: Hook) -> None:
    site.tokens["eve"] = site.house.token("eve", Role.REFINER)
    made = subscribe(site, who="eve")
    set_state(site.service.store, site.house.tenant, UserName("eve"), AccountState.DISABLED, ADMIN)
    site.post("/capture", document(event(1)))
    assert deliver(courier) == [Turn.STOPPED]
    assert hook.messages == []
    assert site.get(f"{ALL}/{made['subscriptionID']}").json()["state"] == "stopped"


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changes", "name", "code"),
    [
        ({"dest": "https://127.0.0.1/"}, "SubscriptionControlsException", "destination-forbidden"),
        ({"dest": "http://hook.example/"}, "SubscriptionControlsException", "destination-plain"),
        ({"dest": "ftp://hook.example/"}, "ValidationException", "destination-malformed"),
        ({"stream": False}, "SubscriptionControlsException", "subscription-trigger-wrong"),
        ({"schedule": {"second": "1"}}, "SubscriptionControlsException", None),
        ({"signatureToken": "short"}, "ValidationException", "subscription-token-wrong"),
        ({"initialRecordTime": "yesterday"}, "ValidationException", None),
        ({"query": "x"}, "ValidationException", "subscription-field-wrong"),
    ],
)
def test_refusals_have_the_names_of_the_standard(
    site: Site, courier: Courier, changes: dict[str, object], name: str, code: str | None
) -> None:
    answer = site.post(ALL, json.dumps({**HOOK, **changes}).encode())
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (400, f"epcisException:{name}")
    assert code is None or problem["code"] == code


def test_a_query_that_is_not_there_cannot_be_subscribed_to(site: Site) -> None:
    answer = site.post("/queries/none/subscriptions", json.dumps(HOOK).encode())
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "epcisException:NoSuchNameException",
    )


# ------------------------------------------------------------------ the threads that deliver


def test_the_dispatcher_gives_everything_that_is_due_its_turn(
    site: Site, courier: Courier, hook: Hook
) -> None:
    for _ in range(3):
        subscribe(site)
    site.post("/capture", document(event(1)))
    dispatcher = Dispatcher(courier, Places(3, 3, 3))
    for under_way in dispatcher.turn():
        under_way.result(30)
    assert len(hook.messages) == 3
    assert dispatcher.turn() == []
    hook.is_down = True
    site.post("/capture", document(event(2)))
    for under_way in dispatcher.turn():
        under_way.result(30)
    assert {each["attempts"] for each in site.get(ALL).json()} == {1}


def test_a_fault_that_nobody_foresaw_is_not_repeated_and_harms_nobody_else(
    site: Site, courier: Courier, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, well = (str(subscribe(site)["subscriptionID"]) for _ in range(2))
    site.post("/capture", document(event(1)))
    given = courier.deliver

    def deliver_or_break(due: Due) -> Turn:
        if due.subscription_id == broken:
            raise ZeroDivisionError
        return given(due)

    monkeypatch.setattr(courier, "deliver", deliver_or_break)
    dispatcher = Dispatcher(courier, Places(3, 3, 3))
    faults = [begun.exception(30) for begun in dispatcher.turn()]
    assert sorted(type(fault).__name__ for fault in faults) == ["NoneType", "ZeroDivisionError"]
    assert [well in message.report_id for message in hook.messages] == [True]
    assert dispatcher.turn() == []


def test_reports_have_the_spelling_that_was_asked_for(
    site: Site, courier: Courier, hook: Hook
) -> None:
    body = json.dumps(HOOK).encode()
    assert site.post(ALL, body, GS1_EPC_Format="Always_GS1_Digital_Link").status_code == 201
    assert site.post(ALL, body, GS1_EPC_Format="No_Preference").status_code == 201
    assert site.post(ALL, body, GS1_EPC_Format="Sometimes").status_code == 400
    site.post("/capture", document(event(1)))
    assert deliver(courier) == [Turn.TAKEN, Turn.TAKEN]
    told = {message.headers["GS1-EPC-Format"]: message.body for message in hook.messages}
    assert set(told) == {"Always_GS1_Digital_Link", "No_Preference"}
    assert b"https://id.gs1.org/01/04012345111224/21/1" in told["Always_GS1_Digital_Link"]
    assert b"urn:epc:id:" not in told["Always_GS1_Digital_Link"]
