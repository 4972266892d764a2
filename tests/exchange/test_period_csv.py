"""A period's accounts as a spreadsheet."""

import csv
import io

from lodeline.exchange.period_csv import PeriodRow, write_period_csv

MOVEMENTS = ("mined", "sold")


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_numbers_are_whole_milligrams() -> None:
    rows = [
        PeriodRow("Co", "", 0, (112, -50), 62, 60),
        PeriodRow("Co", "IRMA-75/segregated", 1, (0, 0), 1, None),
    ]
    first, second = _read(write_period_csv(MOVEMENTS, rows))
    assert first == {
        "strand": "Co",
        "claim": "",
        "opening_mg": "0",
        "mined_mg": "112",
        "sold_mg": "-50",
        "closing_mg": "62",
        "counted_mg": "60",
        "difference_mg": "-2",
    }
    assert (second["counted_mg"], second["difference_mg"]) == ("", "")


def test_no_cell_is_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\t=1"):
        (row,) = _read(write_period_csv((), [PeriodRow(text, text, 0, (), 0, None)]))
        assert row["strand"] == f"'{text}"
        assert row["claim"] == f"'{text}"


def test_no_accounts_are_a_header() -> None:
    assert write_period_csv(MOVEMENTS, []).splitlines() == [
        "strand,claim,opening_mg,mined_mg,sold_mg,closing_mg,counted_mg,difference_mg"
    ]
