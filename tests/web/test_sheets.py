"""Tables over HTTP: templates out, whole tables in, every bad row told at once."""

import pytest
from tests.web.conftest import Site

from lodeline.exchange.sheets.layout import KINDS
from lodeline.exchange.sheets.writing import csv_bytes
from lodeline.web.sheets import CSV, WORKBOOK

HEAD = ("event", "time", "goods", "quantity", "unit")
TIME = "2026-03-01T08:30:00+02:00"
LOT = "urn:epc:class:lgtin:4012345.011111.L1"


def filled_in(kind: str) -> bytes:
    """A template with its example as what happened."""
    keys = KINDS[kind].keys
    return csv_bytes(keys, [[row.get(key, "") for key in keys] for row in KINDS[kind].examples])


def test_templates_are_listed_in_the_language_that_is_asked_for(site: Site) -> None:
    english, french = (site.get("/sheets", Accept_Language=lang).json() for lang in ("en", "fr"))
    assert [each["kind"] for each in english] == list(KINDS)
    assert english[0]["columns"][0]["title"] != french[0]["columns"][0]["title"]
    assert any(column["needed"] for column in english[0]["columns"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("media", [WORKBOOK, CSV])
def test_what_is_got_as_a_template_is_taken_in_once(site: Site, kind: str, media: str) -> None:
    got = site.get(f"/sheets/{kind}", Accept=media)
    assert got.headers["Content-Type"].partition(";")[0] == media
    assert f'filename="{kind}.' in got.headers["Content-Disposition"]
    assert site.post(f"/sheets/{kind}", got.content, media).json()["code"] == "sheet-empty"
    filled = filled_in(kind)
    first = site.post(f"/sheets/{kind}", filled, CSV)
    assert (first.status_code, first.json()["captured"]) == (202, 1)
    assert site.get(first.headers["Location"]).json() == first.json()
    again = site.post(f"/sheets/{kind}", filled, CSV).json()
    assert (again["captured"], again["known"]) == (0, 1)


def test_every_bad_row_is_told_and_nothing_is_taken(site: Site) -> None:
    data = csv_bytes(
        HEAD,
        [("1", TIME, LOT, "ten", "kg"), ("2", TIME, LOT, "10", "kg"), ("3", "", LOT, "1", "x")],
    )
    answer = site.post("/sheets/commissioning", data, CSV)
    assert (answer.status_code, answer.json()["code"]) == (400, "sheet-rows-refused")
    rows = answer.json()["rows"]
    assert [(row["row"], row["column"]) for row in rows] == [
        (2, "quantity"),
        (4, "time"),
        (4, "unit"),
    ]
    assert all(row["detail"] and row["advice"] and row["code"] for row in rows)
    french = site.post("/sheets/commissioning", data, CSV, Accept_Language="fr").json()["rows"]
    assert all(fr["detail"] != en["detail"] for fr, en in zip(french, rows, strict=True))
    assert "urn" not in site.get("/events").text.partition("eventList")[2]


@pytest.mark.parametrize(
    ("kind", "body", "media", "status", "code"),
    [
        ("mining", b"a,b\n", CSV, 404, "sheet-kind-unknown"),
        ("commissioning", b"PK\x03\x04 no archive", WORKBOOK, 400, "sheet-broken"),
        ("commissioning", b"", CSV, 400, "sheet-empty"),
        ("commissioning", b"{}", "application/json", 415, "web-media-type-refused"),
    ],
)
def test_what_is_no_table_is_refused(
    site: Site, kind: str, body: bytes, media: str, status: int, code: str
) -> None:
    answer = site.post(f"/sheets/{kind}", body, media)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_template_that_is_none_is_not_there(site: Site) -> None:
    assert site.get("/sheets/mining").status_code == 404


def test_a_table_is_taken_for_the_senders_company_alone(site: Site) -> None:
    table = filled_in("shipping")
    assert site.post("/sheets/shipping", table, CSV, who="ada").json()["captured"] == 1
    assert '"eventList":[]' in site.get("/events", who="bob").text.replace(" ", "")


def test_nobody_and_nobody_who_may_not_sends_a_table(site: Site) -> None:
    assert site.post("/sheets/shipping", b"", CSV, who="").status_code == 401


def test_a_time_without_a_zone_has_the_one_that_is_told(site: Site) -> None:
    data = csv_bytes(HEAD, [("1", "2026-03-01T08:30:00", LOT, "10", "kg")])
    assert site.post("/sheets/commissioning", data, CSV).status_code == 400
    assert site.post("/sheets/commissioning?zone=Africa/Lubumbashi", data, CSV).status_code == 202
    assert "08:30:00+02:00" in site.get("/events").text
    refused = site.post("/sheets/commissioning?zone=Atlantis", data, CSV)
    assert (refused.status_code, refused.json()["code"]) == (400, "sheet-zone-unknown")
