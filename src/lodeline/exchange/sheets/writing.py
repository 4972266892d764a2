"""Tables to files: templates with their explanations, and rows that cannot become formulas.

A text that begins like a formula (= + - @, tab or carriage return) is a formula to a spreadsheet
program that opens a CSV file. Such a text gets an apostrophe in front, which the reader here takes
off again; in a workbook every text is written as a text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from lodeline.exchange.sheets.layout import Cell, Column, SheetKind
from lodeline.kernel.errors import Lang

__all__ = ["csv_bytes", "neutral", "template", "template_csv", "workbook_bytes"]

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS: Final = {Cell.URI: 44, Cell.TIME: 28}
_WIDTH: Final = 14
_LAST_ROW: Final = 20_000
_MARK: Final = "# "
"""Begins rows that explain and are not read."""
_CHOICES: Final = {Cell.UNIT: "kg,t,g", Cell.DIRECTION: "in,out"}


def neutral(text: str) -> str:
    """Return a text that no spreadsheet program takes for a formula.

    A text that has the apostrophe already gets a second one, so that reading gives it back.
    """
    bare = text.lstrip("'")
    return f"'{text}" if bare.startswith(_FORMULAS) else text


def csv_bytes(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV in UTF-8 with a mark, which spreadsheet programs need to know it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in (head, *rows):
        writer.writerow([neutral(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def workbook_bytes(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as a workbook with one sheet, every cell a text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in (head, *rows):
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, text)
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template(kind: SheetKind, lang: Lang) -> bytes:
    """Return the workbook to be filled in: head, explanations, and one row as an example."""
    book = Workbook()
    sheet = book.active
    if sheet is None:
        message = "a new workbook has a sheet"
        raise TypeError(message)
    sheet.title = kind.name
    for row in (kind.keys, _titles(kind, lang), *_examples(kind)):
        sheet.append(list(row))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for cell in sheet[2]:
        cell.font = Font(italic=True, color="666666")
    for index, column in enumerate(kind.columns, start=1):
        letter = get_column_letter(index)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column.cell, _WIDTH)
        if column.cell in _CHOICES:
            choices = DataValidation(type="list", formula1=f'"{_CHOICES[column.cell]}"')
            sheet.add_data_validation(choices)
            choices.add(f"{letter}3:{letter}{_LAST_ROW}")
    sheet.freeze_panes = "A3"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template_csv(kind: SheetKind, lang: Lang) -> bytes:
    """Return the same as CSV."""
    return csv_bytes(kind.keys, (_titles(kind, lang), *_examples(kind)))


def _titles(kind: SheetKind, lang: Lang) -> Sequence[str]:
    first, *others = (_title(column, lang) for column in kind.columns)
    return (f"{_MARK}{first}", *others)


def _title(column: Column, lang: Lang) -> str:
    text = column.fr if lang == "fr" else column.en
    return f"{text} *" if column.is_needed else text


def _examples(kind: SheetKind) -> list[Sequence[str]]:
    """Rows that show how it is filled in; marked, so that nobody sends them as what happened."""
    rows = [[example.get(key, "") for key in kind.keys] for example in kind.examples]
    return [(f"{_MARK}{first}", *others) for first, *others in rows]
