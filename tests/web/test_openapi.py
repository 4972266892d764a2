"""The OpenAPI document says what the service does, and the service does what it says."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.node.access.conftest import bearer
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event
from tests.web.conftest import Site

from lodeline.web.app import OPERATIONS

# Case is generic over what makes it, which is no part of these tests.
Case = schemathesis.Case[Any]

STANDARD = {
    "/": {"GET"},
    "/capture": {"GET", "POST"},
    "/capture/{captureID}": {"GET"},
    "/events": {"GET", "POST"},
    "/events/{eventID}": {"GET"},
    "/eventTypes": {"GET"},
    "/eventTypes/{eventType}": {"GET"},
    "/eventTypes/{eventType}/events": {"GET"},
    "/epcs": {"GET"},
    "/epcs/{epc}": {"GET"},
    "/epcs/{epc}/events": {"GET"},
    "/bizSteps": {"GET"},
    "/bizSteps/{bizStep}": {"GET"},
    "/bizSteps/{bizStep}/events": {"GET"},
    "/bizLocations": {"GET"},
    "/bizLocations/{bizLocation}": {"GET"},
    "/bizLocations/{bizLocation}/events": {"GET"},
    "/readPoints": {"GET"},
    "/readPoints/{readPoint}": {"GET"},
    "/readPoints/{readPoint}/events": {"GET"},
    "/dispositions": {"GET"},
    "/dispositions/{disposition}": {"GET"},
    "/dispositions/{disposition}/events": {"GET"},
    "/queries": {"GET", "POST"},
    "/queries/{queryName}": {"GET", "DELETE"},
    "/queries/{queryName}/events": {"GET"},
    "/queries/{queryName}/subscriptions": {"GET", "POST"},
    "/queries/{queryName}/subscriptions/{subscriptionID}": {"GET", "DELETE"},
    "/nextPageToken/{token}": {"DELETE"},
}
"""Paths and methods of the standard's REST binding (EPCIS 2.0, section 12); OPTIONS is at each."""


def test_every_address_of_the_standard_is_described_and_answered(site: Site) -> None:
    paths = site.get("/openapi.json", who="").json()["paths"]
    for path, methods in STANDARD.items():
        described = {method.upper() for method in paths[path]}
        assert described >= methods | {"OPTIONS"}, path
        allowed = site.options(path.replace("{", "").replace("}", "")).headers["Allow"]
        assert set(allowed.split(", ")) - {"HEAD"} == described, path


def test_every_parameter_of_a_path_is_described(site: Site) -> None:
    document = site.get("/openapi.json", who="").json()
    known = document["components"]["parameters"]
    checked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = {
                known[each["$ref"].rpartition("/")[2]]["name"] for each in operation["parameters"]
            }
            wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert wanted <= names, (path, method)
            checked += len(wanted)
    assert checked > 40


def test_options_tell_versions_forms_and_limits(site: Site) -> None:
    headers = site.options("/capture", GS1_Extensions="ex=https://example.com/").headers
    assert headers["GS1-EPCIS-Min"] == headers["GS1-EPCIS-Max"] == "2.0.0"
    assert headers["GS1-CBV-Version"] == "2.0.0"
    assert headers["GS1-EPC-Format"] == "No_Preference"
    assert headers["GS1-Capture-Error-Behaviour"] == "all"
    assert headers["GS1-EPCIS-Capture-Limit"] == "20000"
    assert headers["GS1-Extensions"] == "ex=https://example.com/"
    assert headers["GS1-Vendor-Version"].startswith("lodeline-")
    assert "GS1-EPCIS-Capture-Limit" not in site.options("/epcs").headers


def test_discovery_asks_who_wants_to_know(site: Site) -> None:
    assert site.options("/events", who="").status_code == 401


# ------------------------------------------------------------------ made-up requests


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]
TRIED = [
    (operation.method, operation.path)
    for operation in OPERATIONS
    if operation.method != "OPTIONS" and not operation.path.startswith(("/8", "/4", "/2"))
]


def test_there_is_much_to_try() -> None:
    assert len(TRIED) > 35


@pytest.mark.property
@pytest.mark.parametrize(("method", "path"), TRIED)
def test_made_up_requests_are_answered_as_described(
    site: Site, clock: SetClock, method: str, path: str
) -> None:
    site.post("/capture", document(event(1), event(2)))
    site.post("/queries", b'{"name":"a","query":{}}')
    described = schemathesis.openapi.from_asgi("/openapi.json", site.client.app)
    operation = described[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=6,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def answered(case: Case) -> None:
        clock.pass_seconds(3_600)  # wrong tokens are tried too, and slow whoever tries them
        response = case.call(headers=bearer(site.tokens["ada"]))
        case.validate_response(response, checks=CHECKS)

    answered()
