"""Every operation of GS1's own OpenAPI document, asked and held against that document.

Where the document contradicts itself, `OWN_WAY` says how and what is answered.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import yaml
from tests.node.events.documents import bare, document, event, xml_document, xml_event
from tests.web.conftest import Site

Json = dict[str, Any]

PUBLISHED = Path(__file__).parent / "standard" / "openapi.yaml"
SERVING = Path(__file__).parents[2] / "docs" / "serving.md"
STUB = "https://gs1.github.io/EPCIS/REST%20Bindings/JSON-Schema-Stub.json"
METHODS = ("get", "post", "put", "delete", "options")
HOOK = {"dest": "https://hook.example/r", "signatureToken": "13df38d8275b13f0", "stream": True}
POSTED = {
    "/capture": document(event(3), event(4)),
    "/events": bare(event(5)),
    "/queries": b'{"name": "more", "query": {"EQ_bizStep": ["receiving"]}}',
    "/queries/{queryName}/subscriptions": json.dumps(HOOK).encode(),
}
PLACE = "urn:epc:id:sgln:4012345.00001.0"
UNKNOWN = {
    "captureID": "nothing",
    "eventID": "urn:uuid:00000000-0000-4000-8000-000000000000",
    "epc": "urn:epc:id:sgtin:4012345.011122.999",
    "bizLocation": "urn:epc:id:sgln:4012345.00009.0",
    "readPoint": "urn:epc:id:sgln:4012345.00009.0",
    "queryName": "nothing",
    "subscriptionID": "nothing",
}
"""Values of a path that stand for nothing, for resources that come and go."""
SOMETIMES = {
    "Link",
    "GS1-Next-Page-Token-Expires",
    "GS1-Extensions",
    "Upgrade",
    "Connection",
    "GS1-Query-Min-Record-Time",
}
"""Headers of answers with a next page, with extensions, over a websocket; see `NOT_ANSWERED`."""
OWN_WAY = {
    "404ResourceNotFound": "its schema knows NoSuchNameException alone, its example is of "
    "NoSuchResourceException, and EPCIS 2.0 has both: whichever fits is answered",
    "CaptureJob": "of `errors` and `errorFile` exactly one has to fit, and since neither is "
    "required both always do: `errors` is answered",
    "GET /queries/{queryName}": "its schema is of a list, its example of one query: "
    "one is answered",
    "GET /queries/{queryName}/events": "headers of its answer 101, to websockets, are asked there",
    "patterns of schedules": "written with \\g<…>, which no reader of JSON Schema knows",
}
"""Where the document contradicts itself, and what is done."""
NOT_ANSWERED = {
    "GS1-Query-Min-Record-Time": "at OPTIONS of a subscription",
    "404": "at OPTIONS: it tells what an address takes, whether something is there or not",
}


@dataclass(frozen=True)
class Asked:
    """One operation of the document, and what is asked of it."""

    method: str
    path: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.method} {self.path}"


@cache
def published() -> Json:
    """The document, mended where it contradicts itself."""
    loaded: Json = yaml.load(PUBLISHED.read_text("utf-8"), Loader=yaml.CSafeLoader)
    missing = loaded["components"]["responses"]["404ResourceNotFound"]["content"]
    for form in missing.values():
        kinds = form["schema"]["allOf"][0]["properties"]["type"]
        assert kinds["enum"] == ["epcisException:NoSuchNameException"]
        kinds["enum"].append("epcisException:NoSuchResourceException")
    either = loaded["components"]["schemas"]["CaptureJob"]["allOf"][1]
    either["anyOf"] = either.pop("oneOf")
    named = loaded["paths"]["/queries/{queryName}"]["get"]["responses"]["200"]["content"]
    form = named["application/json"]
    assert form["schema"]["type"] == "array"
    assert isinstance(form["example"], dict)
    form["schema"] = form["schema"]["items"]
    for each in loaded["components"]["schemas"].values():
        if "\\g<" in each.get("pattern", ""):
            del each["pattern"]
    return loaded


def resolved(value: Json) -> Json:
    """A part of the document, or what it refers to."""
    while "$ref" in value:
        found: Json = published()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/")]
        value = found
    return value


def operations() -> list[tuple[str, str, Json]]:
    return [
        (method, path, item[method])
        for path, item in published()["paths"].items()
        for method in METHODS
        if method in item
    ]


def asked() -> list[Asked]:
    found = []
    for method, path, operation in operations():
        statuses = set(operation["responses"])
        found.append(Asked(method, path, "done"))
        if "401" in statuses:
            found.append(Asked(method, path, "unknown-caller"))
        if (
            "404" in statuses
            and method != "options"
            and any(f"{{{name}}}" in path for name in UNKNOWN)
        ):
            found.append(Asked(method, path, "unknown-resource"))
        if "406" in statuses and method == "get":
            found.append(Asked(method, path, "other-form"))
        if "415" in statuses:
            found.append(Asked(method, path, "other-body"))
        if "application/xml" in _forms(operation) and method == "get":
            found.append(Asked(method, path, "xml"))
    return found


def _forms(operation: Json) -> set[str]:
    first = resolved(next(iter(operation["responses"].values())))
    return set(first.get("content", {}))


@pytest.fixture
def values(site: Site) -> dict[str, str]:
    """What stands in paths: of things that are there."""
    job = site.post("/capture", document(event(1), event(2, bizLocation={"id": PLACE})))
    named = b'{"name": "shipped", "query": {"EQ_bizStep": ["shipping"]}}'
    assert site.post("/queries", named).status_code == 201
    made = site.post("/queries/shipped/subscriptions", json.dumps(HOOK).encode())
    first = site.get("/events?perPage=1")
    assert first.status_code == made.status_code - 1 == 200
    (shown,) = first.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return {
        "captureID": job.headers["Location"].rpartition("/")[2],
        "eventID": shown["eventID"],
        "eventType": "ObjectEvent",
        "epc": "urn:epc:id:sgtin:4012345.011122.1",
        "bizStep": "shipping",
        "bizLocation": PLACE,
        "readPoint": PLACE,
        "disposition": "in_transit",
        "queryName": "shipped",
        "subscriptionID": made.json()["subscriptionID"],
        "token": re.findall(r"nextPageToken=([^&>]+)", first.headers["Link"])[0],
    }


def ask(site: Site, case: Asked, values: Mapping[str, str]) -> httpx.Response:
    """The answer to what a case asks."""
    filled = dict(values)
    if case.kind == "unknown-resource":
        last = max(UNKNOWN, key=lambda name: case.path.find(f"{{{name}}}"))
        filled[last] = UNKNOWN[last]
    path = case.path
    for name, value in filled.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    headers = {"other-form": {"Accept": "text/csv"}, "xml": {"Accept": "application/xml"}}
    body = POSTED[case.path] if case.method == "post" else None
    sent = dict(headers.get(case.kind, {}))
    if body is not None:
        sent["Content-Type"] = "text/csv" if case.kind == "other-body" else "application/json"
    who = "" if case.kind == "unknown-caller" else "ada"
    return site.ask(case.method.upper(), path, who, sent, body)


STATUS = {"unknown-caller": 401, "unknown-resource": 404, "other-form": 406, "other-body": 415}


def test_the_document_has_all_of_the_binding() -> None:
    assert len(operations()) == 63
    assert len(asked()) == 182
    told = " ".join(SERVING.read_text("utf-8").split())
    assert "182 of 182 requests, at all of its 63 operations" in told


@pytest.mark.parametrize("case", asked(), ids=str)
def test_an_answer_is_what_the_published_document_says(
    site: Site, values: dict[str, str], case: Asked
) -> None:
    operation = published()["paths"][case.path][case.method]
    answer = ask(site, case, values)
    good = min(int(status) for status in operation["responses"] if status.startswith("2"))
    assert answer.status_code == STATUS.get(case.kind, good), answer.text
    told = resolved(operation["responses"][str(answer.status_code)])
    _check_headers(answer, told)
    _check_body(answer, told)


def _check_headers(answer: httpx.Response, told: Json) -> None:
    for name in set(told.get("headers", {})) - SOMETIMES:
        assert name in answer.headers, name


def _check_body(answer: httpx.Response, told: Json) -> None:
    forms = told.get("content", {})
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    if not forms or not answer.content:
        assert not (forms and answer.status_code == 200), "an answer was described"
        return
    assert media in forms
    if media.endswith("json"):
        _validator(json.dumps(forms[media].get("schema", {}))).validate(answer.json())


@cache
def _validator(schema: str) -> jsonschema_rs.Draft7Validator:
    whole = {**json.loads(schema), "components": published()["components"]}
    return jsonschema_rs.Draft7Validator(whole, retriever=_shipped)


def _shipped(address: str) -> Json:
    """GS1's schema as the program ships it, which is what the document refers to."""
    assert address.partition("#")[0] == STUB
    text = resources.files("lodeline.exchange").joinpath("data/epcis/EPCIS-JSON-Schema.json")
    found: Json = json.loads(text.read_text("utf-8"))
    return found


def test_what_is_answered_in_xml_is_captured_again(site: Site) -> None:
    assert site.post("/capture", xml_document(xml_event(1)), "application/xml").status_code == 202
    shown = site.get("/events", Accept="application/xml")
    assert site.post("/capture", shown.content, "application/xml").status_code == 202
