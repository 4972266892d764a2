"""Spreadsheets into the store: every row or none, each refusal at its row, once."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.events.conftest import SetClock

from lodeline.exchange.sheets.layout import KINDS
from lodeline.exchange.sheets.refusals import SheetKindUnknown
from lodeline.exchange.sheets.writing import csv_bytes
from lodeline.node.events.database import open_engine, sqlite_url
from lodeline.node.events.jobs import Who
from lodeline.node.events.spreadsheets import (
    SheetFile,
    SheetRowsRefused,
    export_states,
    import_sheet,
)
from lodeline.node.events.store import EventStore, TenantName

WHO = Who("clerk")
HEAD = ("event", "time", "goods", "quantity", "unit")
LOT = "urn:epc:class:lgtin:4012345.011111.L1"
TIME = "2026-03-01T08:30:00+02:00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = EventStore(open_engine(sqlite_url(tmp_path / "events.db")), SetClock())
    yield store
    store.close()


def test_every_template_is_captured_once(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    assert len(KINDS) > 4
    for name, kind in KINDS.items():
        data = csv_bytes(
            kind.keys, [[row.get(key, "") for key in kind.keys] for row in kind.examples]
        )
        first = import_sheet(store, tenant, SheetFile(name, data), who=WHO)
        again = import_sheet(store, tenant, SheetFile(name, data), who=WHO)
        assert (first.captured, again.captured, again.known) == (1, 0, 1)
    assert store.last_seq() == len(KINDS)


def test_a_row_that_breaks_the_standard_is_told_by_its_number_and_nothing_is_taken(
    store: EventStore,
) -> None:
    tenant = store.tenant(TenantName("pit"))
    rows = [
        ("1", TIME, LOT, "10", "kg"),
        ("2", TIME, "urn:epc:class:lgtin:4012345.011111.", "10", "kg"),
        ("3", TIME, LOT, "10", "kg"),
    ]
    data = csv_bytes((*HEAD, "step"), [(*row, step) for row, step in zip(rows, STEPS, strict=True)])
    with pytest.raises(SheetRowsRefused) as refused:
        import_sheet(store, tenant, SheetFile("commissioning", data), who=WHO)
    assert [(bad.row, bad.column) for bad in refused.value.rows] == [(3, "")]
    assert (refused.value.count, refused.value.first) == (1, 3)
    assert store.last_seq() == 0


STEPS = ("commissioning", "not a step", "commissioning")


def test_a_bad_cell_and_a_bad_kind_leave_nothing(store: EventStore) -> None:
    tenant = store.tenant(TenantName("pit"))
    data = csv_bytes(HEAD, [("1", TIME, LOT, "ten", "kg"), ("2", TIME, LOT, "10", "stone")])
    with pytest.raises(SheetRowsRefused) as refused:
        import_sheet(store, tenant, SheetFile("commissioning", data), who=WHO)
    assert [(bad.row, bad.column) for bad in refused.value.rows] == [(2, "quantity"), (3, "unit")]
    with pytest.raises(SheetKindUnknown):
        import_sheet(store, tenant, SheetFile("mining", data), who=WHO)
    assert store.last_seq() == 0


def test_states_are_exported_of_one_tenant_alone(store: EventStore) -> None:
    pit, trader = store.tenant(TenantName("pit")), store.tenant(TenantName("trader"))
    data = csv_bytes(HEAD, [("1", TIME, LOT, "10", "kg")])
    import_sheet(store, pit, SheetFile("commissioning", data), who=WHO)
    lines = list(csv.reader(io.StringIO(export_states(store, pit).decode("utf-8-sig"))))
    assert [line[4] for line in lines] == ["state", "received"]
    assert len(export_states(store, trader).splitlines()) == 1
