"""What people decide about events over HTTP: by whom, when, and that it is in the trail."""

from urllib.parse import quote

import pytest
from tests.node.events.documents import document, event
from tests.web.conftest import Site
from tests.web.test_states import REASON, move

from lodeline.node.access.policies import Terms, read_reader, share
from lodeline.node.access.roles import Role
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.node.events.jobs import Who
from lodeline.node.events.states import EventState, state_of
from lodeline.node.events.store import Seq


def path_of(site: Site, verb: str) -> str:
    (found,) = site.service.store.events_after(site.house.tenant, Seq(0), 9)
    return f"/events/{quote(found.event_id, safe='')}/{verb}"


def state(site: Site) -> EventState:
    return state_of(site.service.store, site.house.tenant, Seq(1)).state


@pytest.mark.parametrize("stopped", [EventState.HELD, EventState.REFUSED])
@pytest.mark.parametrize(
    ("verb", "after"), [("retry", EventState.RECEIVED), ("keep", EventState.KEPT)]
)
def test_an_event_that_stopped_is_begun_anew_or_left_aside(
    site: Site, stopped: EventState, verb: str, after: EventState
) -> None:
    site.post("/capture", document(event(1)))
    move(site, stopped, 1, why=True)
    answer = site.post(path_of(site, verb), b"")
    assert (answer.status_code, answer.json()["state"]) == (200, after.value)
    assert state(site) is after
    last = rows(site.service.store, site.house.tenant, TrailNumber(0), 100)[-1]
    assert (last.who, last.act, last.seen) == ("ada", "event-decided", "1")
    assert last.about.startswith(f"{verb} ni:///")
    again = site.post(path_of(site, verb), b"")
    assert (again.status_code, again.json()["code"]) == (409, "event-not-stopped")


@pytest.mark.parametrize("now", [EventState.RECEIVED, EventState.HELD, EventState.ON_LEDGER])
def test_an_event_of_which_nothing_waits_is_not_taken_back(site: Site, now: EventState) -> None:
    site.post("/capture", document(event(1)))
    move(site, now, 1)
    before = len(rows(site.service.store, site.house.tenant, TrailNumber(0), 100))
    answer = site.post(path_of(site, "withdraw"), b"")
    assert (answer.status_code, answer.json()["code"]) == (409, "event-not-waiting")
    assert state(site) is now
    assert len(rows(site.service.store, site.house.tenant, TrailNumber(0), 100)) == before


@pytest.mark.parametrize("verb", ["retry", "keep", "withdraw"])
def test_only_who_captures_decides_and_only_in_their_own_company(site: Site, verb: str) -> None:
    site.post("/capture", document(event(1)))
    move(site, EventState.HELD, 1)
    path = path_of(site, verb)
    for role in Role:
        site.tokens[role] = site.house.token(f"only-{role.value}", role)
        may = role in {Role.SITE_OPERATOR, Role.REFINER}
        if not may:
            assert site.post(path, b"", who=role).status_code == 403
    site.tokens["pat"] = site.house.token("pat", *Role, partner="smelter")
    share(
        site.service.store,
        site.house.tenant,
        read_reader("smelter"),
        Terms(everything=True),
        by=Who("root"),
    )
    assert site.post(path, b"", who="pat").status_code == 403
    assert site.post(path, b"", who="").status_code == 401
    assert site.post(path, b"", who="bob").status_code == 404
    assert state(site) is EventState.HELD
    site.post(path, b"", who=Role.SITE_OPERATOR)
    assert (state(site) is EventState.HELD) == (verb == "withdraw")


def test_the_answer_tells_why_in_the_language_of_whoever_asks(site: Site) -> None:
    site.post("/capture", document(event(1)))
    move(site, EventState.REFUSED, 1, why=True)
    answer = site.post(path_of(site, "keep"), b"", Accept_Language="fr")
    assert answer.json()["reason"]["detail"] == REASON.fr
