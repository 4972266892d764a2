"""Rows to events: every row is looked at, every reason is told; events only where all are right.

An event of the result is in its stored form but not checked against the schema: it goes through
capture like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.errors import EpcisRefused
from lodeline.exchange.epcis.times import check_zone, utc_milliseconds
from lodeline.exchange.epcis.value import ExactNumber, JsonObject, JsonValue, parse_number
from lodeline.exchange.sheets.layout import ELEMENTS, Cell, Column, SheetKind
from lodeline.exchange.sheets.reading import Row, Table
from lodeline.exchange.sheets.refusals import (
    CellFormula,
    CellMissing,
    CellNotAllowed,
    CellNotNumber,
    CellOverHundred,
    ColumnMissing,
    ColumnTwice,
    ColumnUnknown,
    RowsDisagree,
)
from lodeline.exchange.sheets.zones import with_zone, zone_named
from lodeline.exchange.substances import CARBON_DIOXIDE, NAMESPACE, WATER, substance_uri
from lodeline.kernel.errors import LodelineError

__all__ = ["RowProblem", "SheetEvents", "events_of"]

_UNITS: Final = {"kg": "KGM", "t": "TNE", "g": "GRM", "mg": "MGM", "": None}
_DIRECTIONS: Final = ("in", "out")
_MOST_DIGITS: Final = 15
_WHOLE: Final = 100
_COMMA: Final = re.compile(r"^(-?[0-9]+),([0-9]+)(?=\s*%?$)")
_CHANGE: Final = "TransformationEvent"
_PREFIX: Final = "lodeline"


@dataclass(frozen=True)
class RowProblem:
    """Why a row is refused; row 1 is the head."""

    row: int
    column: str
    refusal: LodelineError


@dataclass(frozen=True)
class SheetEvents:
    """The events of a table, or everything that is wrong with it."""

    events: tuple[Event, ...]
    rows: tuple[int, ...]
    """The row in which each event begins."""
    problems: tuple[RowProblem, ...]


def events_of(kind: SheetKind, table: Table, zone: str | None = None) -> SheetEvents:
    """Return the events of a table, or the problems of all its rows; never some of both.

    Args:
        kind: what the table tells.
        table: as it was read.
        zone: of times that have none, as those of a spreadsheet program: an offset (``+02:00``) or
            a name of the IANA database (``Africa/Lubumbashi``). Without it such times are refused.

    Raises:
        ZoneUnknown: there is no such zone.
    """
    place = None if zone is None else zone_named(zone)
    problems = [RowProblem(1, refusal.column, refusal) for refusal in _head(kind, table.head)]
    if problems:
        return SheetEvents((), (), tuple(problems))
    groups: dict[str, list[Row]] = {}
    for written in table.rows:
        row = _as_meant(kind, written, table, place)
        problems += _row(kind, row)
        groups.setdefault(row.cells.get("event", ""), []).append(row)
    for rows in groups.values():
        problems += _agree(kind, rows)
    if problems:
        return SheetEvents((), (), tuple(sorted(problems, key=lambda each: each.row)))
    events = tuple(Event(_event(kind, rows)) for rows in groups.values())
    return SheetEvents(events, tuple(rows[0].number for rows in groups.values()), ())


def _head(
    kind: SheetKind, head: Sequence[str]
) -> Iterator[ColumnUnknown | ColumnTwice | ColumnMissing]:
    for index, name in enumerate(head):
        if kind.column(name) is None:
            yield ColumnUnknown(name, kind.keys)
        if name in head[:index]:
            yield ColumnTwice(name)
    for column in kind.columns:
        if column.is_needed and column.key not in head:
            yield ColumnMissing(column.key)


# ------------------------------------------------------------------ rows


def _as_meant(kind: SheetKind, row: Row, table: Table, zone: tzinfo | None) -> Row:
    """A row without what spreadsheet programs do to numbers and times."""
    cells = dict(row.cells)
    for column in kind.columns:
        text = cells.get(column.key)
        if not text:
            continue
        if column.cell in {Cell.NUMBER, Cell.PERCENT} and table.has_decimal_comma:
            text = _COMMA.sub(r"\1.\2", text)
        if column.cell is Cell.PERCENT:
            text = text.removesuffix("%").rstrip()
        if column.cell is Cell.TIME and zone is not None:
            text = with_zone(text, zone)
        cells[column.key] = text
    return Row(row.number, cells, row.formulas)


def _row(kind: SheetKind, row: Row) -> Iterator[RowProblem]:
    for column in kind.columns:
        try:
            _check(column, row)
        except LodelineError as refused:
            yield RowProblem(row.number, column.key, refused)


def _check(column: Column, row: Row) -> None:
    text = row.cells.get(column.key, "")
    if column.key in row.formulas:
        raise CellFormula(column.key)
    if not text:
        if column.is_needed:
            raise CellMissing(column.key)
        return
    _check_written(column, text)


def _check_written(column: Column, text: str) -> None:
    match column.cell:
        case Cell.NUMBER:
            _number(column.key, text)
        case Cell.PERCENT:
            if _number(column.key, text) > _WHOLE:
                raise CellOverHundred(column.key, text)
        case Cell.TIME:
            _check_time(column.key, text)
        case Cell.UNIT:
            _one_of(column.key, text, tuple(unit for unit in _UNITS if unit))
        case Cell.DIRECTION:
            _one_of(column.key, text, _DIRECTIONS)
        case Cell.URI:
            if ":" not in text or any(char.isspace() for char in text):
                raise CellNotAllowed(column.key, text, "urn:…, https://…")
        case Cell.TEXT:
            pass


def _one_of(column: str, text: str, allowed: tuple[str, ...]) -> None:
    if text not in allowed:
        raise CellNotAllowed(column, text, ", ".join(allowed))


def _number(column: str, text: str) -> ExactNumber:
    try:
        value = parse_number(text)
    except EpcisRefused:
        raise CellNotNumber(column, text) from None
    if value < 0 or len(Decimal(value).normalize().as_tuple().digits) > _MOST_DIGITS:
        raise CellNotNumber(column, text)
    return value


def _check_time(column: str, text: str) -> None:
    try:
        check_zone(column, text)
        utc_milliseconds(column, text)
    except EpcisRefused:
        raise CellNotAllowed(column, text, "2026-03-01T08:30:00+02:00") from None


def _agree(kind: SheetKind, rows: Sequence[Row]) -> Iterator[RowProblem]:
    """Yield where later rows of an event say something else of it than the first."""
    first = rows[0]
    for row in rows[1:]:
        for column in kind.columns:
            found, wanted = row.cells.get(column.key, ""), first.cells.get(column.key, "")
            if column.is_of_event and found not in {"", wanted}:
                event = first.cells["event"]
                refusal = RowsDisagree(column.key, event, found, wanted, first.number)
                yield RowProblem(row.number, column.key, refusal)


# ------------------------------------------------------------------ events


def _event(kind: SheetKind, rows: Sequence[Row]) -> JsonObject:
    cells = rows[0].cells
    time = cells["time"]
    changes = _changes(kind, rows)
    event: JsonObject = {
        "type": _CHANGE if changes else kind.event_type,
        "eventTime": time,
        "eventTimeZoneOffset": _offset(time),
        "bizStep": cells.get("step") or kind.step,
    }
    if kind.action is not None and not changes:
        event["action"] = kind.action
    if cells.get("place"):
        event["readPoint"] = {"id": cells["place"]}
    if cells.get("document"):
        event["bizTransactionList"] = [{"bizTransaction": cells["document"]}]
    if cells.get("container"):
        event["parentID"] = cells["container"]
    for key, place, name in (
        ("from", "sourceList", "source"),
        ("to", "destinationList", "destination"),
    ):
        if cells.get(key):
            event[place] = [{"type": "owning_party", name: cells[key]}]
    event |= _goods(kind, rows)
    elements: list[JsonValue] = list(_elements(rows))
    if elements:
        event["sensorElementList"] = elements
        event["@context"] = {_PREFIX: NAMESPACE}
    return event


def _changes(kind: SheetKind, rows: Sequence[Row]) -> bool:
    """Whether things become other things; what only ends has nothing that comes out."""
    return kind.event_type == _CHANGE or any(row.cells.get("direction") == "out" for row in rows)


def _offset(time: str) -> str:
    return "+00:00" if time[-1:] in {"Z", "z"} else time[-6:]


def _goods(kind: SheetKind, rows: Sequence[Row]) -> JsonObject:
    """Return the lists of things and of quantities of an event."""
    lists: dict[str, list[JsonValue]] = {}
    changes = _changes(kind, rows)
    for row in rows:
        things, quantities = _places(kind, row, changes=changes)
        if row.cells.get("quantity") or ":class:" in row.cells["goods"]:
            lists.setdefault(quantities, []).append(_quantity(row.cells))
        else:
            lists.setdefault(things, []).append(row.cells["goods"])
    if kind.event_type == "ObjectEvent" and not changes and "epcList" not in lists:
        lists["epcList"] = []
    return dict(lists)


def _places(kind: SheetKind, row: Row, *, changes: bool) -> tuple[str, str]:
    if changes:
        side = "output" if row.cells.get("direction") == "out" else "input"
        return f"{side}EPCList", f"{side}QuantityList"
    if kind.event_type == "AggregationEvent":
        return "childEPCs", "childQuantityList"
    return "epcList", "quantityList"


def _quantity(cells: Mapping[str, str]) -> JsonObject:
    found: JsonObject = {"epcClass": cells["goods"]}
    if cells.get("quantity"):
        found["quantity"] = _number("quantity", cells["quantity"])
    unit = _UNITS[cells.get("unit", "")]
    if unit is not None:
        found["uom"] = unit
    return found


def _elements(rows: Sequence[Row]) -> Iterator[JsonObject]:
    """Yield the sensor elements: what was found in each lot, and what the step emitted."""
    for row in rows:
        reports = list(_reports(row.cells))
        if reports:
            metadata: JsonObject = {f"{_PREFIX}:lot": row.cells["goods"]}
            if row.cells.get("laboratory"):
                metadata["deviceID"] = row.cells["laboratory"]
            if row.cells.get("method"):
                metadata["dataProcessingMethod"] = row.cells["method"]
            yield {"sensorMetadata": metadata, "sensorReport": reports}
    emitted = rows[0].cells.get("emissions")
    if emitted:
        value = _number("emissions", emitted)
        yield {"sensorReport": [_report("Mass", CARBON_DIOXIDE, value, "KGM")]}


def _reports(cells: Mapping[str, str]) -> Iterator[JsonValue]:
    named = [("moisture", WATER), *((f"assay {symbol}", symbol) for symbol in ELEMENTS)]
    for key, symbol in named:
        if cells.get(key):
            yield _report("Dimensionless", symbol, _number(key, cells[key]), "P1")


def _report(kind: str, symbol: str, value: ExactNumber, unit: str) -> JsonObject:
    return {"type": kind, "chemicalSubstance": substance_uri(symbol), "value": value, "uom": unit}
