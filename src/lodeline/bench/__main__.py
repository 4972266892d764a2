"""``python -m lodeline.bench``: both measurements as one JSON document, for `make bench`."""

from __future__ import annotations

import dataclasses
import json
import sys

from lodeline.bench.ledger import bench_ledger
from lodeline.bench.proofs import bench_proofs

__all__ = ["main"]


def main() -> None:
    """Measure proofs, then the ledger; progress goes to standard error."""
    proofs = bench_proofs(progress=_note)
    figures = {
        "proofs": {name: dataclasses.asdict(found) for name, found in proofs.items()},
        "ledger": dataclasses.asdict(bench_ledger(progress=_note)),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def _note(text: str) -> None:
    sys.stderr.write(f"{text} …\n")


if __name__ == "__main__":
    main()
