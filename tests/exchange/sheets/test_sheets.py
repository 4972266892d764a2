"""Tables: templates that are read back, every bad row named, bombs and formulas kept out."""

import csv
import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from lodeline.exchange.epcis.document import Document
from lodeline.exchange.epcis.json_in import read_json
from lodeline.exchange.epcis.json_out import write_json
from lodeline.exchange.sheets import reading
from lodeline.exchange.sheets.events import SheetEvents, events_of
from lodeline.exchange.sheets.layout import KINDS, kind_named
from lodeline.exchange.sheets.reading import Table, read_table
from lodeline.exchange.sheets.refusals import (
    CellFormula,
    CellMissing,
    CellNotAllowed,
    CellNotNumber,
    CellOverHundred,
    CellsMerged,
    ColumnMissing,
    ColumnTwice,
    ColumnUnknown,
    RowsDisagree,
    RowTooLong,
    SheetBroken,
    SheetDeclares,
    SheetEmpty,
    SheetKindUnknown,
    SheetNotUtf8,
    SheetRefused,
    SheetTooLarge,
    ZoneUnknown,
)
from lodeline.exchange.sheets.writing import (
    csv_bytes,
    neutral,
    template,
    template_csv,
    workbook_bytes,
)

TIME = "2026-03-01T08:30:00+02:00"
LOT = "urn:epc:class:lgtin:4012345.011111.L1"
HEAD = ("event", "time", "goods", "quantity", "unit", "assay Co")
GOOD = ("1", TIME, LOT, "24600", "kg", "0.52")


def unmarked(data: bytes) -> bytes:
    """A template whose example is filled in as it stands."""
    if not data.startswith(b"PK"):
        head, titles, *examples = data.decode("utf-8-sig").splitlines(keepends=True)
        return "".join([head, titles, *(line.replace("# ", "", 1) for line in examples)]).encode()
    book = load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    for line in sheet.iter_rows(min_row=3):
        line[0].value = str(line[0].value).removeprefix("# ")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rows(*lines: tuple[str, ...], head: tuple[str, ...] = HEAD) -> SheetEvents:
    return events_of(kind_named("commissioning"), read_table(csv_bytes(head, lines)))


def problem(*lines: tuple[str, ...], head: tuple[str, ...] = HEAD) -> tuple[int, type]:
    found = rows(*lines, head=head)
    assert not found.events
    return found.problems[0].row, type(found.problems[0].refusal)


def test_every_template_is_read_back_as_an_event_of_the_standard() -> None:
    assert len(KINDS) == 6
    for kind in KINDS.values():
        for data in (template(kind, "en"), template(kind, "fr"), template_csv(kind, "fr")):
            with pytest.raises(SheetEmpty):  # nobody sends the example as what happened
                read_table(data)
            found = events_of(kind, read_table(unmarked(data)))
            assert found.problems == ()
            assert found.rows == (3,)
            (event,) = found.events
            read = read_json(write_json(Document.capture([event], "2026-03-01T09:00:00Z")))
            assert read.events[0].value == event.value


def test_rows_of_one_event_become_one_event() -> None:
    kind = kind_named("transformation")
    head = ("event", "time", "direction", "goods", "quantity", "unit", "assay Co", "emissions")
    other = LOT.replace("L1", "L2")
    lines = [
        ("7", TIME, "in", LOT, "300", "kg", "", "12.5"),
        ("7", TIME, "out", other, "465", "kg", "20.97", ""),
        ("8", TIME, "in", other, "1", "t", "", ""),
    ]
    found = events_of(kind, read_table(csv_bytes(head, lines)))
    first, second = found.events
    assert found.rows == (2, 4)
    assert first.value["inputQuantityList"] == [{"epcClass": LOT, "quantity": 300, "uom": "KGM"}]
    assert [place for place, _ in first.quantities()] == ["inputQuantityList", "outputQuantityList"]
    assert len(list(second.quantities())) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (("1", TIME, LOT, "=1+1", "kg", "1"), CellFormula),
        (("1", "", LOT, "1", "kg", "1"), CellMissing),
        (("2", "2026-03-01 08:30", LOT, "1", "kg", "1"), CellNotAllowed),
        (("1", TIME, "L1", "1", "kg", "1"), CellNotAllowed),
        (("1", TIME, LOT, "1", "lb", "1"), CellNotAllowed),
        (("1", TIME, LOT, "1,5", "kg", "1"), CellNotNumber),
        (("1", TIME, LOT, "-1", "kg", "1"), CellNotNumber),
        (("1", TIME, LOT, "1.2345678901234567", "kg", "1"), CellNotNumber),
        (("1", TIME, LOT, "1", "kg", "nan"), CellNotNumber),
    ],
)
def test_a_bad_cell_is_named_with_its_row(line: tuple[str, ...], reason: type) -> None:
    data = io.StringIO()
    csv.writer(data).writerows([HEAD, GOOD, line])  # as a program that neutralises nothing
    found = events_of(kind_named("commissioning"), read_table(data.getvalue().encode()))
    assert not found.events
    assert [(each.row, type(each.refusal)) for each in found.problems] == [(3, reason)]


def test_every_bad_row_is_told_at_once() -> None:
    bad = [("1", TIME, LOT, "x", "kg", ""), ("", TIME, LOT, "1", "lb", ""), GOOD]
    found = rows(*bad)
    assert [(each.row, each.column) for each in found.problems] == [
        (2, "quantity"),
        (3, "event"),
        (3, "unit"),
    ]


def test_rows_of_one_event_must_agree_and_heads_must_be_known() -> None:
    later = ("1", "2026-03-01T09:30:00+02:00", LOT, "1", "kg", "")
    assert problem(GOOD, later) == (3, RowsDisagree)
    assert problem(GOOD, head=("event", "time", "goods", "quantity", "unit", "assey")) == (
        1,
        ColumnUnknown,
    )
    assert problem(GOOD, head=("event", "time", "goods", "unit", "unit", "assay Co")) == (
        1,
        ColumnTwice,
    )
    assert problem(GOOD[:2], head=HEAD[:2]) == (1, ColumnMissing)
    with pytest.raises(SheetKindUnknown):
        kind_named("mining")


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def many_rows() -> bytes:
    return csv_bytes(HEAD, [GOOD] * (reading.MAX_ROWS + 1))


def with_entities() -> bytes:
    book = workbook_bytes("x", HEAD, [GOOD])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    lol = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = lol + parts[sheet].partition(b"?>")[2]
    return packed(parts)


def with_entities_in_utf_16() -> bytes:
    with zipfile.ZipFile(io.BytesIO(with_entities())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].decode().encode("utf-16")
    return packed(parts)


def workbook(*lines: Sequence[object], merged: str = "", shown_as: Mapping[str, str] = {}) -> bytes:
    """A workbook as somebody made it by hand."""
    book = Workbook()
    sheet = book.worksheets[0]
    for line in lines:
        sheet.append(list(line))
    for cell, form in shown_as.items():
        sheet[cell].number_format = form
    if merged:
        sheet.merge_cells(merged)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_merged_cells() -> bytes:
    return workbook(HEAD, GOOD, GOOD, merged="B2:B3")


def test_a_damaged_workbook_is_read_or_refused_by_name() -> None:
    whole, rng = workbook_bytes("x", HEAD, [GOOD] * 40), random.Random(7)
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 5))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            read_table(bytes(data))
        except SheetRefused:
            refused += 1
    assert 100 < refused < 400


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: packed({"xl/bomb.xml": b"0" * (65 * 1024 * 1024)}), SheetTooLarge),
        (lambda: packed({f"{n}.xml": b"" for n in range(1001)}), SheetTooLarge),
        (lambda: b"x" * (reading.MAX_BYTES + 1), SheetTooLarge),
        (many_rows, SheetTooLarge),
        (lambda: csv_bytes(["event"] * 70, [["1"] * 70]), SheetTooLarge),
        (lambda: csv_bytes(["event"], [["1" * 20_000]]), SheetTooLarge),
        (with_entities, SheetDeclares),
        (with_entities_in_utf_16, SheetNotUtf8),
        (lambda: packed({"a.txt": b"no workbook"}), SheetBroken),
        (lambda: workbook_bytes("x", HEAD, [GOOD])[:-300], SheetBroken),
        (lambda: b"event,time\n\xff\xfe", SheetNotUtf8),
        (lambda: "event,time\n".encode("utf-16"), SheetNotUtf8),
        (with_merged_cells, CellsMerged),
        (lambda: b'event,time\n"1', SheetBroken),
        (lambda: b"event\n1,2", RowTooLong),
        (lambda: csv_bytes(HEAD, []), SheetEmpty),
        (lambda: b"", SheetEmpty),
    ],
)
def test_what_is_no_table_or_too_much_of_one_is_refused(
    data: Callable[[], bytes], reason: type[SheetRefused]
) -> None:
    with pytest.raises(reason):
        read_table(data())


# ------------------------------------------------------------------ what spreadsheet programs do


def bare(*parts: int) -> datetime:
    """A date as a spreadsheet program has it: without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_number_shown_in_per_cent_is_what_it_shows() -> None:
    table = read_table(
        workbook(
            (*HEAD, "moisture"),
            ("1", TIME, LOT, 24600, "kg", 0.0052, 12.4),
            ("2", TIME, LOT, 0.5, "kg", 0.0052, 0.124),
            shown_as={"F2": "0.00%", "G3": "0.0 %", "D3": "0%", "F3": '0.0000"%"'},
        )
    )
    assert [row.cells["assay Co"] for row in table.rows] == ["0.52 %", "0.0052"]
    assert [row.cells["moisture"] for row in table.rows] == ["12.4", "12.4 %"]
    found = events_of(kind_named("commissioning"), table)
    assert [(each.row, type(each.refusal)) for each in found.problems] == [(3, CellNotNumber)]
    event = events_of(kind_named("commissioning"), Table(table.head, table.rows[:1])).events[0]
    (element,) = cast(list[Any], event.value["sensorElementList"])
    assert {report["value"] for report in element["sensorReport"]} == {
        Decimal("0.52"),
        Decimal("12.4"),
    }


def test_more_than_the_whole_is_refused_in_its_row() -> None:
    assert problem(GOOD, (*GOOD[:5], "100.01")) == (3, CellOverHundred)
    assert rows((*GOOD[:5], "100")).problems == ()


def test_where_semicolons_part_cells_a_comma_is_the_decimal_point() -> None:
    french = "event;time;goods;quantity;unit;assay Co\n1;{};{};24600,5;kg;0,52 %\n"
    found = events_of(
        kind_named("commissioning"), read_table(french.format(TIME, LOT).encode("utf-8-sig"))
    )
    assert found.problems == ()
    (quantity,) = cast(list[Any], found.events[0].value["quantityList"])
    assert quantity["quantity"] == Decimal("24600.5")
    assert problem((*GOOD[:3], "24600,5", "kg", "0.52")) == (2, CellNotNumber)
    for written in ("24.600,5", "24,600,5", "1,", ",5"):
        data = french.format(TIME, LOT).replace("24600,5", written).encode()
        refused = events_of(kind_named("commissioning"), read_table(data)).problems
        assert [type(each.refusal) for each in refused] == [CellNotNumber], written


@pytest.mark.parametrize(
    ("zone", "time", "offset"),
    [
        ("+02:00", bare(2026, 3, 1, 8, 30), "+02:00"),
        ("-03:30", bare(2026, 3, 1, 8, 30), "-03:30"),
        ("Z", bare(2026, 3, 1, 8, 30), "+00:00"),
        ("Africa/Lubumbashi", bare(2026, 7, 1, 8, 30), "+02:00"),
        ("Europe/Helsinki", bare(2026, 7, 1, 8, 30), "+03:00"),
        ("Europe/Helsinki", bare(2026, 12, 1, 8, 30), "+02:00"),
        ("Europe/Helsinki", "2026-12-01 08:30", "+02:00"),
        ("Europe/Helsinki", "2026-12-01T08:30:00+05:00", "+05:00"),
    ],
)
def test_a_date_of_a_spreadsheet_program_has_the_zone_that_is_told(
    zone: str, time: datetime | str, offset: str
) -> None:
    data = workbook(HEAD, ("1", time, LOT, 10, "kg", 0.52))
    found = events_of(kind_named("commissioning"), read_table(data), zone)
    assert found.problems == ()
    value = found.events[0].value
    assert value["eventTimeZoneOffset"] == offset
    assert str(value["eventTime"]).endswith(f"08:30:00{offset}")


def test_a_date_without_a_zone_and_a_zone_that_is_none_are_refused() -> None:
    table = read_table(workbook(HEAD, ("1", bare(2026, 3, 1, 8, 30), LOT, 10, "kg", 0.52)))
    kind = kind_named("commissioning")
    assert [type(each.refusal) for each in events_of(kind, table).problems] == [CellNotAllowed]
    for zone in (
        "",
        "+2",
        "+14:01",
        "+02:60",
        "Nowhere/Atlantis",
        "../etc/passwd",
        "/etc/localtime",
    ):
        with pytest.raises(ZoneUnknown):
            events_of(kind, table, zone)


def test_a_formula_in_a_workbook_is_told_from_its_text() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(HEAD))
    sheet.append(["1", TIME, LOT, "=A1", "kg", 0.52])
    out = io.BytesIO()
    book.save(out)
    table = read_table(out.getvalue())
    assert table.rows[0].formulas == {"quantity"}
    assert table.rows[0].cells["assay Co"] == "0.52"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)))
def test_what_is_exported_comes_back_and_is_no_formula(texts: list[str]) -> None:
    data = csv_bytes(("a",), [[f"x{text}"] for text in texts] or [["x"]])
    table = read_table(data)
    kept = [f"x{text}".strip() for text in texts] or ["x"]
    assert [row.cells["a"] for row in table.rows] == kept
    for text in texts:
        assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1"])
def test_texts_that_look_like_formulas_are_neutralised(text: str) -> None:
    data = csv_bytes(("a", "b"), [["x", text]])
    line = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))[1]
    assert line[1] == f"'{text}"
    (row,) = read_table(data).rows
    assert row.cells["b"] == text.strip()
    assert row.formulas == frozenset()
    book = load_workbook(io.BytesIO(workbook_bytes("t", ("a", "b"), [["x", text]])))
    assert book.worksheets[0]["B2"].data_type == "s"
