"""Tables from files: cells as texts, within bounds, formulas told apart.

A workbook is a ZIP archive that somebody else made: how much it would unpack to is looked up and
bounded before anything is unpacked, and its XML may not declare entities. Only the first sheet is
read. A number keeps the shortest decimal that stands for it; one that needs more than 15 digits is
no exact number in a workbook, and is refused where a number is wanted.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.etree.ElementTree import ParseError

from lxml.etree import XMLSyntaxError
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException

from lodeline.exchange.sheets.refusals import (
    CellsMerged,
    RowTooLong,
    SheetBroken,
    SheetDeclares,
    SheetEmpty,
    SheetNotUtf8,
    SheetTooLarge,
)

__all__ = ["MAX_BYTES", "MAX_COLUMNS", "MAX_ROWS", "Row", "Table", "read_table"]

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_UNPACKED: Final = 64 * 1024 * 1024
MAX_PARTS: Final = 1000
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 64
_MAX_CELL: Final = 16_384
_ZIP: Final = b"PK\x03\x04"
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What unpacking raises on an archive that was cut, bent, locked or made by something unknown."""
_SHEETS: Final = "xl/worksheets/"
_MERGED: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?mergeCell[\s/>]")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Row:
    """One row: its number in the file, from 1, and its cells by the head of their column."""

    number: int
    cells: dict[str, str]
    formulas: frozenset[str]
    """Heads of the cells that are formulas."""


@dataclass(frozen=True)
class Table:
    """A table as it was read."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]
    has_decimal_comma: bool = False
    """Whether a comma in a number is its decimal point: where semicolons part the cells."""


@dataclass(frozen=True)
class _Cell:
    text: str
    is_formula: bool = False


def read_table(data: bytes) -> Table:
    """Return the table of a workbook or a CSV text.

    The first row is the head; a second one that begins with ``#`` explains it and is passed over,
    and so are rows without any cell.

    Raises:
        SheetTooLarge: bytes, parts, rows, columns or characters are too many.
        SheetNotUtf8, SheetDeclares, CellsMerged, RowTooLong: it is not as it has to be.
        SheetBroken: it is neither, or not whole.
        SheetEmpty: it has no rows.
    """
    if len(data) > MAX_BYTES:
        raise SheetTooLarge(len(data), "bytes", MAX_BYTES)
    if data.startswith(_ZIP):
        return _table(_bounded(_workbook(data)), has_decimal_comma=False)
    text = _decoded(data, "CSV")
    separator = _separator(text)
    return _table(_bounded(_csv(text, separator)), has_decimal_comma=separator == ";")


def _table(lines: Iterator[Sequence[_Cell]], *, has_decimal_comma: bool) -> Table:
    head = tuple(cell.text.strip() for cell in next(lines, ()))
    while head and not head[-1]:
        head = head[:-1]
    rows = []
    for number, cells in enumerate(lines, start=2):
        texts = [cell.text.strip() for cell in cells]
        if not any(texts) or texts[0].startswith("#"):
            continue
        if any(texts[len(head) :]):
            raise RowTooLong(number, len(head))
        named = dict(zip(head, texts, strict=False))
        formulas = frozenset(
            name for name, cell in zip(head, cells, strict=False) if cell.is_formula
        )
        rows.append(Row(number, named, formulas))
    if not head or not rows:
        raise SheetEmpty
    return Table(head, tuple(rows), has_decimal_comma)


def _bounded(lines: Iterable[Sequence[_Cell]]) -> Iterator[Sequence[_Cell]]:
    for number, cells in enumerate(lines, start=1):
        if number > MAX_ROWS:
            raise SheetTooLarge(number, "rows", MAX_ROWS)
        if len(cells) > MAX_COLUMNS and any(cell.text for cell in cells[MAX_COLUMNS:]):
            raise SheetTooLarge(len(cells), "columns", MAX_COLUMNS)
        for cell in cells:
            if len(cell.text) > _MAX_CELL:
                raise SheetTooLarge(len(cell.text), "characters", _MAX_CELL)
        yield cells[:MAX_COLUMNS]


# ------------------------------------------------------------------ CSV


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        raise SheetNotUtf8(name, refused.start) from refused
    if "\0" in text:  # UTF-16, or no text at all
        raise SheetNotUtf8(name, text.index("\0"))
    return text


def _separator(text: str) -> str:
    """Return what parts the cells: where a comma is the decimal point, programs take semicolons."""
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _csv(text: str, separator: str) -> Iterator[Sequence[_Cell]]:
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            yield [_of_text(cell) for cell in line]
    except csv.Error as refused:
        raise SheetBroken(str(refused)) from refused


def _of_text(text: str) -> _Cell:
    """Take a cell of a text; the apostrophe that keeps it from being a formula is dropped."""
    if text.startswith("'") and text.lstrip("'").startswith(_FORMULAS):
        return _Cell(text[1:])
    return _Cell(text, is_formula=text.startswith("="))


# ------------------------------------------------------------------ workbooks


def _workbook(data: bytes) -> Iterator[Sequence[_Cell]]:
    _check_archive(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        for row in sheet.iter_rows(max_col=MAX_COLUMNS + 1):
            yield [_of_cell(cell) for cell in row]
    except (
        *_DAMAGE,
        InvalidFileException,
        XMLSyntaxError,
        ParseError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as refused:  # what the library raises on files that it cannot make sense of
        raise SheetBroken(type(refused).__name__) from refused


def _check_archive(data: bytes) -> None:
    """Refuse an archive that unpacks to too much, or whose XML declares anything."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise SheetTooLarge(len(parts), "parts", MAX_PARTS)
            whole = sum(part.file_size for part in parts)
            if whole > MAX_UNPACKED:
                raise SheetTooLarge(whole, "bytes", MAX_UNPACKED)
            for part in parts:
                if part.filename.endswith((".xml", ".rels", ".vml")):
                    _check_xml(part.filename, archive.read(part))
    except _DAMAGE as refused:
        raise SheetBroken(type(refused).__name__) from refused


def _check_xml(name: str, text: bytes) -> None:
    if b"\x00" in text:  # UTF-16 or UTF-32, in which a declaration would be passed over below
        raise SheetNotUtf8(name, text.index(b"\x00"))
    if b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise SheetDeclares(name)
    if name.startswith(_SHEETS) and _MERGED.search(text):
        raise CellsMerged(name.removeprefix(_SHEETS))


def _of_cell(cell: Cell | MergedCell) -> _Cell:
    value = cell.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _Cell(_of_number(value, cell.number_format))
    if value is None:
        return _Cell("")
    if cell.data_type == "f":
        return _Cell(str(value), is_formula=True)
    if isinstance(value, bool):
        return _Cell(str(value).lower())
    if isinstance(value, (datetime, date)):
        return _Cell(value.isoformat())
    return _Cell(str(value))


def _of_number(value: float, shown_as: str | None) -> str:
    """Return a number as it is shown: 0.124 in the format of per cent is 12.4 %."""
    is_percent = "%" in (shown_as or "").partition(";")[0].replace('"%"', "")
    text = _shortest(value)
    if not is_percent:
        return text
    try:
        hundredfold = Decimal(text).scaleb(2)
    except InvalidOperation:  # what is no number is refused as it is
        return text
    return f"{_plain(hundredfold)} %"


def _shortest(value: float) -> str:
    """Return the shortest decimal of a number, as the program that wrote it showed it."""
    written = Decimal(repr(value))
    return _plain(written) if written.is_finite() else repr(value)


def _plain(number: Decimal) -> str:
    """A number without exponent, and without a point where it is whole."""
    is_whole = number == number.to_integral()
    return format(number.quantize(Decimal(1)) if is_whole else number.normalize(), "f")
