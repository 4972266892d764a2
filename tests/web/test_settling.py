"""The end of a dispute over HTTP: who decided what is written with the event, and in the trail."""

import json

import pytest
from tests.node.events.documents import document, event
from tests.web.conftest import Site
from tests.web.test_deciding import path_of, state

from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.units import Milligrams, Ppm
from lodeline.node.access.roles import Role
from lodeline.node.access.trail import TrailNumber, rows
from lodeline.node.events.decisions import Decision, Way, moment_of
from lodeline.node.events.moments import Micros
from lodeline.node.events.states import EventState, Move, move_state, reason_of
from lodeline.node.events.store import Seq
from lodeline.node.events.trade_refusals import WeightsDiffer

DISPUTE = WeightsDiffer("L1", ElementSymbol("Co"), Milligrams(9), Milligrams(7), Ppm(5))


MEAN: dict[str, object] = {"way": "mean"}
BY_R: dict[str, object] = {"way": "umpire", "umpire": "r"}


@pytest.fixture
def disputed(site: Site) -> Site:
    """A site with an event that is held as a dispute."""
    site.post("/capture", document(event(1)))
    move = Move(EventState.HELD, Micros(0), reason_of(DISPUTE))
    tenant = site.house.tenant
    site.service.store.write(lambda connection: move_state(connection, tenant, [Seq(1)], move))
    return site


def decision(site: Site) -> Decision | None:
    (found,) = site.service.store.events_after(site.house.tenant, Seq(0), 9)
    return moment_of(site.service.store, site.house.tenant, found).decision


def settle(site: Site, body: dict[str, object], who: str = "ada") -> tuple[int, str]:
    answer = site.post(path_of(site, "settle"), json.dumps(body).encode(), who=who)
    found = answer.json()
    return answer.status_code, found.get("code") or found["state"]


@pytest.mark.parametrize("way", ["theirs", "ours", "mean", "decline"])
def test_a_decision_is_kept_with_who_made_it(disputed: Site, way: str) -> None:
    assert settle(disputed, {"way": way, "reason": "wet"}) == (200, "received")
    assert decision(disputed) == Decision(Way(way), "ada", reason="wet")
    last = rows(disputed.service.store, disputed.house.tenant, TrailNumber(0), 100)[-1]
    assert (last.who, last.act, last.seen) == ("ada", "event-decided", "1")
    assert last.about.startswith(f"settle {way} ni:///")
    assert settle(disputed, {"way": way}) == (409, "event-not-a-dispute")


def test_an_umpires_figures_are_kept(disputed: Site) -> None:
    found = {**BY_R, "figures": ["105 kg Co", "1.5 t Cu"]}
    assert settle(disputed, found) == (200, "received")
    kept = decision(disputed)
    assert kept is not None
    assert (kept.umpire, kept.found) == ("r", {"Co": 105_000_000, "Cu": 1_500_000_000})


WRONG: tuple[tuple[dict[str, object], int, str], ...] = (
    ({}, 400, "web-body-field-wrong"),
    ({"way": "half"}, 400, "web-body-field-wrong"),
    ({"way": "mean", "price": "1"}, 400, "web-body-field-unknown"),
    ({"way": "umpire"}, 400, "event-figures-misplaced"),
    ({**BY_R, "figures": ["5 Co kg"]}, 400, "web-body-field-wrong"),
    ({**BY_R, "figures": ["1 kg Co"] * 17}, 400, "web-body-field-wrong"),
    ({**BY_R, "umpire": "No Name", "figures": ["1 kg Co"]}, 400, "web-body-field-wrong"),
    ({"way": "decline", "reason": "x" * 300}, 400, "event-reason-too-long"),
)


@pytest.mark.parametrize(("body", "status", "code"), WRONG)
def test_what_is_no_decision_changes_nothing(
    disputed: Site, body: dict[str, object], status: int, code: str
) -> None:
    assert settle(disputed, body) == (status, code)
    assert state(disputed) is EventState.HELD
    assert decision(disputed) is None


def test_only_who_captures_decides_and_only_in_their_own_company(disputed: Site) -> None:
    disputed.tokens["eve"] = disputed.house.token("eve", Role.AUDITOR)
    assert settle(disputed, MEAN, "eve")[0] == 403
    assert settle(disputed, MEAN, "")[0] == 401
    assert settle(disputed, MEAN, "bob")[0] == 404
    assert state(disputed) is EventState.HELD
