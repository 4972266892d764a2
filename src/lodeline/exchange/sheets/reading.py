"""Tables from files: cells as texts, within bounds, formulas told apart.

A workbook is a ZIP archive that somebody else made: how much it would unpack to is looked up and
bounded before anything is unpacked, and its XML may not declare entities. Only the first sheet is
read. A number keeps the shortest decimal that stands for it; one that needs more than 15 digits is
no exact number in a workbook, and is refused where a number is wanted.
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import ParseError

from lxml.etree import XMLSyntaxError
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from lodeline.exchange.sheets.refusals import SheetBroken, SheetEmpty, SheetTooLarge

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
        SheetBroken: it is neither, or not whole.
        SheetEmpty: it has no rows.
    """
    if len(data) > MAX_BYTES:
        raise SheetTooLarge(len(data), "bytes", MAX_BYTES)
    lines = _workbook(data) if data.startswith(_ZIP) else _csv(data)
    return _table(_bounded(lines))


def _table(lines: Iterator[Sequence[_Cell]]) -> Table:
    head = tuple(cell.text.strip() for cell in next(lines, ()))
    while head and not head[-1]:
        head = head[:-1]
    rows = []
    for number, cells in enumerate(lines, start=2):
        texts = [cell.text.strip() for cell in cells]
        if not any(texts) or texts[0].startswith("#"):
            continue
        if any(texts[len(head) :]):
            msg = f"row {number} has more cells than the head"
            raise SheetBroken(msg)
        named = dict(zip(head, texts, strict=False))
        formulas = frozenset(
            name for name, cell in zip(head, cells, strict=False) if cell.is_formula
        )
        rows.append(Row(number, named, formulas))
    if not head or not rows:
        raise SheetEmpty
    return Table(head, tuple(rows))


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


def _csv(data: bytes) -> Iterator[Sequence[_Cell]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        msg = f"byte {refused.start} is no UTF-8"
        raise SheetBroken(msg) from refused
    if "\0" in text:
        raise SheetBroken("NUL")
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
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
            yield [_of_value(cell.value, cell.data_type) for cell in row]
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
        msg = f"{name} is no UTF-8"
        raise SheetBroken(msg)
    if b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        msg = f"{name} declares entities"
        raise SheetBroken(msg)


def _of_value(value: object, data_type: object) -> _Cell:
    if value is None:
        return _Cell("")
    if data_type == "f":
        return _Cell(str(value), is_formula=True)
    if isinstance(value, bool):
        return _Cell(str(value).lower())
    if isinstance(value, float):
        return _Cell(_shortest(value))
    if isinstance(value, (datetime, date)):
        return _Cell(value.isoformat())
    return _Cell(str(value))


def _shortest(value: float) -> str:
    """Return the shortest decimal of a number, as the program that wrote it showed it."""
    written = Decimal(repr(value))
    if not written.is_finite():
        return repr(value)
    return format(
        written.quantize(Decimal(1)) if written == written.to_integral() else written, "f"
    )
