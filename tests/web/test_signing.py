"""Signing in over HTTP: a password gives a session, a token never gives more than it may."""

import base64

import pytest
from tests.node.access.conftest import PASSWORD
from tests.web.conftest import Site

from lodeline.node.access.roles import Role


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
