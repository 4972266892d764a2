"""Writes the frozen vectors again: ``python -m vectors.make``, or ``make vectors``.

Entropy comes from seeds, so writing twice gives the same bytes. When a file changes, the meaning of
proofs has changed: that needs a new suite or version, and the old file stays beside the new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from vectors import primitives, proofs
from vectors.describe import Json

__all__ = ["FILES", "FOLDER", "main", "written"]

FOLDER = Path(__file__).resolve().parent

FILES: Mapping[str, Callable[[], Json]] = {
    "encodings.json": primitives.encodings,
    "transcripts.json": primitives.transcripts,
    "ranges.json": primitives.ranges,
    "signatures.json": primitives.signatures,
    "tables.json": proofs.tables,
    "transforms.json": proofs.transforms,
    "claims.json": proofs.claims,
    "reversals.json": proofs.reversals,
}


def written(make: Callable[[], Json]) -> str:
    """Return the text of one file."""
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file beside this module."""
    for name, make in FILES.items():
        (FOLDER / name).write_text(written(make), encoding="utf-8")


if __name__ == "__main__":
    main()
