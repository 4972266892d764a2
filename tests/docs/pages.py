"""The pages of the project, and how to take them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every page that readers are given, the generated ones too."""
    found = sorted(DOCS.rglob("*.md"))
    for name in ("README.md", "CHANGELOG.md", "vectors/README.md"):
        if (ROOT / name).exists():
            found.append(ROOT / name)
    return found


def prose(page: Path) -> str:
    """The text without code blocks and code spans."""
    return _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> Iterator[str]:
    yield from _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings give, as the usual renderers make them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {slug(heading) for heading in headings}


def slug(heading: str) -> str:
    plain = heading.replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def table_rows(text: str) -> list[list[str]]:
    """The cells of every table row of a text, heads and rules left out."""
    lines = text.splitlines()
    found = []
    for index, line in enumerate(lines):
        is_row = line.startswith("|") and not set(line) <= set("|-: ")
        is_head = index + 1 < len(lines) and lines[index + 1].startswith("|--")
        if is_row and not is_head:
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found.append([cell.strip() for cell in cells])
    return found
