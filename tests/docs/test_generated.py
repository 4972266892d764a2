"""The generated pages are what the code says now; `make docs` writes them again."""

import pytest
from msgspec import inspect as shapes
from scripts import docs_commands, docs_errors, docs_tables

from lodeline.kernel import bounds
from lodeline.kernel.errors import all_errors

AGAIN = "run `make docs`"


def test_the_tables_have_not_drifted() -> None:
    assert docs_tables.PAGE.read_text(encoding="utf-8") == docs_tables.page(), AGAIN


def test_the_errors_have_not_drifted() -> None:
    assert docs_errors.PAGE.read_text(encoding="utf-8") == docs_errors.page(), AGAIN


def test_the_commands_have_not_drifted() -> None:
    assert docs_commands.PAGE.read_text(encoding="utf-8") == docs_commands.page(), AGAIN


def test_the_tables_hold_what_the_code_uses() -> None:
    text = docs_tables.page()
    for name in ("AMOUNT_BITS", "MAX_RANGE_BITS", "MAX_WIDTH", "MAX_CLAIM_LOTS"):
        assert f"`{name}`" in text
    assert f"| `MAX_RANGE_BITS` | {bounds.MAX_RANGE_BITS:,} |" in text
    assert "| `response` | bytes, 32 |" in text
    assert "| `difference` | bytes, 48 |" in text


def test_every_error_is_on_its_page_once() -> None:
    text = docs_errors.page()
    codes = [
        code for code, error in all_errors().items() if error.__module__.startswith("lodeline.")
    ]
    assert len(codes) > 200
    for code in codes:
        assert text.count(f"| `{code}` |") == 1, code


def test_a_shape_without_words_is_refused() -> None:
    with pytest.raises(TypeError, match="no words"):
        docs_tables.shape_of(shapes.FloatType())
