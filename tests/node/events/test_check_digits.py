"""Check digits at capture: a wrong one refuses its event alone, unless the node accepts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.events.conftest import SetClock
from tests.node.events.documents import document, event, xml_document, xml_event

from lodeline.exchange.epcis.errors import CheckDigitWrong
from lodeline.exchange.sheets.writing import csv_bytes
from lodeline.node.events.capture import capture, capture_event
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Behaviour, Who
from lodeline.node.events.reading import CaptureLimits, CheckDigits, ContentType, Offered
from lodeline.node.events.spreadsheets import SheetFile, SheetRowsRefused, import_sheet
from lodeline.node.events.store import EventStore, Seq, TenantName

WHO = Who("clerk")
WRONG = "https://id.gs1.org/01/04012345111119/21/7"
ACCEPTING = CaptureLimits(check_digits=CheckDigits.ACCEPT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    yield store
    store.close()


def test_a_wrong_digit_refuses_the_document_or_its_event(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    offered = Offered(document(event(1), event(2, epcList=[WRONG]), event(3)))
    rolled = capture(store, tenant, offered, who=WHO)
    assert (rolled.success, rolled.captured, store.last_seq()) == (False, 0, 0)
    kept = capture(store, tenant, offered, who=WHO, behaviour=Behaviour.PROCEED)
    assert (kept.success, kept.captured, kept.refused) == (False, 2, 1)
    (error,) = kept.errors
    assert (error.event, error.reason.code) == (1, "epcis-check-digit-wrong")
    assert error.reason.en.startswith(
        f"eventList/1/epcList/0: {WRONG} has the check digit 9, it should be 8"
    )
    assert "ce devrait être 8" in error.reason.fr


def test_a_node_may_accept_what_others_mistyped(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    offered = Offered(document(event(2, epcList=[WRONG])))
    taken = capture(store, tenant, offered, who=WHO, limits=ACCEPTING)
    assert (taken.success, taken.captured) == (True, 1)
    assert WRONG in next(iter(store.events_after(tenant, Seq(0), 1))).body


def test_a_single_event_is_refused_by_name(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    offered = Offered(
        document(event(2, bizLocation={"id": "https://id.gs1.org/414/4012345000116"}))
    )
    with pytest.raises(CheckDigitWrong) as refused:
        capture_event(store, tenant, offered)
    assert refused.value.fields() == {
        "where": "eventList/0/bizLocation/id",
        "identifier": "https://id.gs1.org/414/4012345000116",
        "found": "6",
        "expected": "5",
    }
    assert capture_event(store, tenant, offered, ACCEPTING).is_new


def test_xml_is_verified_as_well(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    wrong = xml_event(2).replace("urn:epc:id:sgtin:4012345.011122.2", WRONG)
    assert WRONG in wrong
    data = xml_document(xml_event(1), wrong)
    taken = capture(store, tenant, Offered(data, ContentType.XML), who=WHO)
    assert [(at.event, at.reason.code) for at in taken.errors] == [(1, "epcis-check-digit-wrong")]


def test_a_row_of_a_table_is_told_by_its_number(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    row = ("1", "2026-03-01T08:30:00+02:00", "https://id.gs1.org/01/04012345111119/10/L1")
    data = csv_bytes(("event", "time", "goods", "quantity", "unit"), [(*row, "10", "kg")])
    with pytest.raises(SheetRowsRefused) as refused:
        import_sheet(store, tenant, SheetFile("commissioning", data), who=WHO)
    (bad,) = refused.value.rows
    assert (bad.row, bad.reason.code) == (2, "epcis-check-digit-wrong")
    sheet = SheetFile("commissioning", data)
    job = import_sheet(store, tenant, sheet, who=WHO, limits=ACCEPTING)
    assert job.captured == 1
