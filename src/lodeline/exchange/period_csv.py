"""A period's accounts as a spreadsheet: one row an account, milligrams as whole numbers (RFC 4180).

Text that a spreadsheet program would take for a formula is written with a leading apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["PeriodRow", "write_period_csv"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class PeriodRow:
    """One account: all numbers in milligrams, what went out negative."""

    strand: str
    claim: str
    opening: int
    movements: Sequence[int]
    closing: int
    counted: int | None
    """What was counted on the spot; nothing where nobody counted."""

    @property
    def difference(self) -> int | None:
        """Return counted less closing."""
        return None if self.counted is None else self.counted - self.closing


def write_period_csv(movements: Sequence[str], rows: Iterable[PeriodRow]) -> str:
    """Return the accounts as CSV with a header; ``movements`` name the columns between."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    named = [f"{name}_mg" for name in movements]
    writer.writerow(
        ["strand", "claim", "opening_mg", *named, "closing_mg", "counted_mg", "difference_mg"]
    )
    for row in rows:
        writer.writerow(
            [
                _plain(row.strand),
                _plain(row.claim),
                row.opening,
                *row.movements,
                row.closing,
                "" if row.counted is None else row.counted,
                "" if row.difference is None else row.difference,
            ]
        )
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
