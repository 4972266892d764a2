"""The board: what a browser is given, and that it can say everything in both languages."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from tests.web.conftest import Site

from lodeline.exchange.sheets.layout import KINDS
from lodeline.node.events.states import EventState

PARTS = ("/board", "/board/style.css", "/board/script.js", "/board/texts.json")
PAGES = files("lodeline.web") / "pages"
PAGE = (PAGES / "board.html").read_text("utf-8")
SCRIPT = (PAGES / "script.js").read_text("utf-8")
TEXTS: dict[str, dict[str, Any]] = json.loads((PAGES / "texts.json").read_text("utf-8"))


@pytest.mark.parametrize("path", PARTS)
def test_a_stranger_is_given_the_page_which_may_run_nothing_but_itself(
    site: Site, path: str
) -> None:
    answer = site.get(path, who="")
    assert answer.status_code == 200
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    known = site.get(path, who="", If_None_Match=answer.headers["ETag"])
    assert (known.status_code, known.content) == (304, b"")


def test_a_browser_at_the_root_is_led_to_it_and_a_program_is_not(site: Site) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    led = site.get("/", who="", Accept=browser)
    assert (led.status_code, led.headers["Location"]) == (303, "/board")
    assert site.get("/", Accept="application/json").status_code == 200
    assert site.get("/", who="").status_code == 401
    for method in ("DELETE", "POST"):  # only what is looked at is led on
        assert site.ask(method, "/", "ada", {"Accept": browser}, None).status_code == 405


def test_everything_is_said_in_both_languages() -> None:
    english, french = TEXTS["en"], TEXTS["fr"]
    assert set(TEXTS) == {"en", "fr"}
    assert english.keys() == french.keys()
    for name, said in english.items():
        other = french[name]
        assert type(said) is type(other), name
        if isinstance(said, dict):
            assert said.keys() == other.keys(), name
        else:
            assert holes(said) == holes(other), name


def holes(said: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", said))


def test_the_page_says_nothing_that_has_no_words() -> None:
    wanted = set(re.findall(r'data-(?:text|label)="(\w+)"', PAGE))
    wanted |= set(re.findall(r'\btext\("(\w+)"', SCRIPT))
    assert len(wanted) > 30
    assert wanted <= TEXTS["en"].keys()


def test_every_state_and_every_table_has_a_name() -> None:
    assert TEXTS["en"]["states"].keys() == {state.value for state in EventState}
    assert TEXTS["en"]["kinds"].keys() == KINDS.keys()
    shown = set(json.loads(re.findall(r"const STATES = (\[[^]]+\])", SCRIPT)[0]))
    assert shown == {state.value for state in EventState}


def test_what_the_service_tells_is_never_taken_for_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPT)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|style=", PAGE)
