"""The resolver: a company's own products lead on; strangers learn nothing of what there is."""

import pytest
from tests.node.events.documents import document, event
from tests.web.conftest import Site

from lodeline.web.settings import WebSettings

ITEM = "/01/04012345111224/21/1"
OTHER = "/01/09521234543213/21/1"
EVENTS = "https://node.example/epcs/https%3A%2F%2Fid.gs1.org%2F01%2F04012345111224%2F21%2F1/events"


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings(
        public_url="https://node.example",
        company_prefixes=("4012345",),
        links={"gs1:pip": "https://shop.example/p/{gtin}?serial={serial}&lot={lot}"},
    )


def test_a_product_leads_to_its_page(site: Site) -> None:
    answer = site.get(ITEM, who="")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "https://shop.example/p/04012345111224?serial=1&lot="
    assert 'rel="linkset"' in answer.headers["Link"]


def test_all_links_are_a_linkset(site: Site) -> None:
    for answer in (
        site.get(f"{ITEM}?linkType=linkset", who=""),
        site.get(f"{ITEM}?linkType=all", who=""),
        site.get(ITEM, who="", Accept="application/linkset+json"),
    ):
        assert answer.headers["Content-Type"] == "application/linkset+json"
        (entry,) = answer.json()["linkset"]
        assert entry["anchor"] == "https://id.gs1.org/01/04012345111224/21/1"
        assert entry["https://gs1.org/voc/epcis"] == [{"href": EVENTS}]
        assert entry["https://gs1.org/voc/defaultLink"] == entry["https://gs1.org/voc/pip"]


@pytest.mark.parametrize("kind", ["gs1:epcis", "https%3A%2F%2Fgs1.org%2Fvoc%2Fepcis"])
def test_one_link_is_followed_by_its_type(site: Site, kind: str) -> None:
    answer = site.get(f"{ITEM}?linkType={kind}", who="")
    assert (answer.status_code, answer.headers["Location"]) == (307, EVENTS)


def test_the_query_goes_with_the_link_but_not_what_was_for_the_resolver(site: Site) -> None:
    answer = site.get(f"{ITEM}?linkType=gs1:epcis&17=260801&context=x", who="")
    assert answer.headers["Location"] == f"{EVENTS}?17=260801"


def test_a_lot_is_not_taken_for_a_serial(site: Site) -> None:
    answer = site.get("/01/04012345111224/10/A%2F1", who="")
    assert answer.headers["Location"].endswith("?serial=&lot=A%2F1")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (OTHER, 404, "web-product-unknown"),
        (f"{ITEM}?linkType=gs1:recipeInfo", 404, "web-link-type-unknown"),
        ("/01/04012345111225", 400, "gs1-check-digit-wrong"),
        ("/01/nonsense", 400, "gs1-length-wrong"),
        ("/01/%ff", 400, "web-path-malformed"),
        ("/01/04012345111224/21/1/10/2", 404, "web-path-unknown"),
        ("/01/", 404, "web-path-unknown"),
    ],
)
def test_what_leads_nowhere_is_refused(site: Site, path: str, status: int, code: str) -> None:
    answer = site.get(path, who="")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_stranger_cannot_tell_what_there_is_from_what_there_is_not(site: Site) -> None:
    before = site.get(f"{ITEM}?linkType=linkset", who="")
    site.post("/capture", document(event(1)))
    after = site.get(f"{ITEM}?linkType=linkset", who="")
    assert before.content == after.content
    assert site.get(EVENTS.removeprefix("https://node.example"), who="").status_code == 401


def test_the_resolver_describes_itself(site: Site) -> None:
    about = site.get("/.well-known/gs1resolver", who="").json()
    assert about["resolverRoot"] == "https://node.example"
    assert "01" in about["supportedPrimaryKeys"]


def test_answers_lead_to_the_public_address(site: Site) -> None:
    place = site.post("/capture", document(event(1))).headers["Location"]
    assert place.startswith("https://node.example/capture/")
