"""Signing in over HTTP: a password gives a session, a token never gives more than it may."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.node.access.conftest import PASSWORD
from tests.node.access.issuers import TestIssuer
from tests.node.access.test_openid import joined
from tests.node.events.conftest import SetClock
from tests.web.conftest import Client, Site

from lodeline.node.access.roles import Role
from lodeline.web.app import build


def basic(name: str, password: str) -> dict[str, str]:
    return {
        "Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")
    }


@pytest.fixture
def known(site: Site) -> Site:
    site.house.account("mia", Role.REFINER, password=PASSWORD)
    return site


def test_a_password_gives_a_session_until_it_is_ended(known: Site) -> None:
    begun = known.ask("POST", "/session", "", basic("mia", PASSWORD), None)
    assert begun.status_code == 201
    assert begun.headers["Cache-Control"] == "no-store"
    shown = {"Authorization": f"Bearer {begun.json()['token']}"}
    assert known.ask("GET", "/events", "", shown, None).status_code == 200
    assert known.ask("DELETE", "/session", "", shown, None).status_code == 204
    assert known.ask("GET", "/events", "", shown, None).status_code == 401


def test_another_password_gives_none(known: Site) -> None:
    answer = known.ask("POST", "/session", "", basic("mia", "copper wire"), None)
    assert answer.status_code == 401


def test_a_token_gives_none(known: Site) -> None:
    answer = known.ask("POST", "/session", "ada", {}, None)
    assert (answer.status_code, answer.json()["code"]) == (403, "web-session-needs-password")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/return?code=a&state=b"])
def test_without_an_issuer_there_is_nothing_to_sign_in_at(known: Site, path: str) -> None:
    assert known.get(path, who="").status_code == 404


# ------------------------------------------------------------------ at an issuer


@dataclass
class Signing:
    """A site whose people are known to an issuer, and what the issuer says of one of them."""

    site: Site
    issuer: TestIssuer

    def begin(self) -> tuple[str, str]:
        """Return what a browser is sent with, and the cookie that it keeps."""
        answer = self.site.get("/sign-in", who="")
        assert answer.status_code == 303
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=lax", "Path=/sign-in"} <= set(cookie.split("; "))
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        now = self.site.service.store.clock.now() / 1_000_000
        self.issuer.id_token = self.issuer.token(now, nonce=query["nonce"][0])
        return query["state"][0], cookie.partition(";")[0]

    def back(self, state: str, cookie: str) -> httpx.Response:
        return self.site.get(f"/sign-in/return?code=c&state={state}", who="", Cookie=cookie)


@pytest.fixture
def signing(site: Site) -> Iterator[Signing]:
    joint = joined(site.house)
    service = replace(site.service, access=joint.access)
    client = Client(build(service))
    yield Signing(replace(site, service=service, client=client), joint.issuer)
    client.close()


def test_whom_an_issuer_vouches_for_gets_a_session(signing: Signing) -> None:
    answer = signing.back(*signing.begin())
    assert answer.status_code == 201, answer.text
    shown = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert signing.site.ask("GET", "/events", "", shown, None).status_code == 200


def test_the_browser_that_comes_back_is_the_one_that_was_sent(signing: Signing) -> None:
    state, cookie = signing.begin()
    for other in ("", "lodeline_sign_in=", f"{cookie}x", signing.begin()[1]):
        assert signing.back(state, other).status_code == 401


def test_a_sign_in_is_finished_once(signing: Signing) -> None:
    state, cookie = signing.begin()
    assert signing.back(state, cookie).status_code == 201
    assert signing.back(state, cookie).status_code == 401


def test_a_sign_in_whose_code_is_made_up_may_be_tried_again_a_few_times(signing: Signing) -> None:
    """Each try is a request to the issuer: whoever makes codes up is slowed down."""
    state, cookie = signing.begin()
    right, signing.issuer.id_token = signing.issuer.id_token, "a.b.c"
    found = [signing.back(state, cookie).status_code for _ in range(8)]
    assert found == [401] * 6 + [429] * 2
    assert len(signing.issuer.posts) == 6
    clock = signing.site.service.store.clock
    assert isinstance(clock, SetClock)
    clock.pass_seconds(1)
    signing.issuer.id_token = right
    assert signing.back(state, cookie).status_code == 201


def test_nobody_comes_back_who_was_not_sent(signing: Signing) -> None:
    assert signing.site.get("/sign-in/return", who="").status_code == 401
