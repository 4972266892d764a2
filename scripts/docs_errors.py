"""Write `docs/protocol/errors.md`: every refusal that the project can give, from its registry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import lodeline
from lodeline.kernel.errors import LodelineError, all_errors

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol" / "errors.md"

_HEAD = """# Errors

Written by `scripts/docs_errors.py` from the registry; `make docs` writes it again.

Each refusal is one class with a stable code; the values that disagreed are its fields, in braces
below. Programs match on class or code and read the fields. People read the text, in English or
French, and the advice. A code is never given to another reason.
"""


def page() -> str:
    """Return the text of the page."""
    _import_everything()
    found = sorted(all_errors().values(), key=lambda item: (item.__module__, item.code))
    found = [item for item in found if item.__module__.startswith("lodeline.")]
    parts = [_HEAD, f"{len(found)} refusals."]
    for module, group in groupby(found, key=lambda item: item.__module__):
        parts += [
            "",
            f"## `{module}`",
            "",
            "| code | says | dit | what to do |",
            "|---|---|---|---|",
        ]
        parts += list(_rows(group))
    return "\n".join(parts) + "\n"


def _import_everything() -> None:
    """Import every module, so that every error is registered; but no program, which would run."""
    for module in pkgutil.walk_packages(lodeline.__path__, "lodeline."):
        if not module.name.endswith((".__main__", ".migrations.env")):
            importlib.import_module(module.name)


def _rows(group: Iterator[type[LodelineError]]) -> Iterator[str]:
    for error in group:
        cells = (f"`{error.code}`", error.en, error.fr, error.advice_en)
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
