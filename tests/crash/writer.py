"""The writer of `test_killed_syscalls`, a program of its own so that it can be traced.

    python -m tests.crash.writer <ledger> <file of entries> <entries of a block>

Opens the ledger, submits the entries block by block, tells on standard output how many are
acknowledged, and closes.
"""

import os
import sys
from pathlib import Path

from tests.engine.ledgers import accepted, opened

from lodeline.engine.embedded import Tuning
from lodeline.kernel import cbor

PLAIN = Tuning(part_entries=6)


def write_entries(path: Path, entries: list[bytes]) -> None:
    """Write what `main` reads."""
    path.write_bytes(cbor.encode(entries))


def main(ledger_path: str, entries_path: str, block: str) -> None:
    entries = cbor.decode(Path(entries_path).read_bytes())
    assert isinstance(entries, list)
    ledger = opened(Path(ledger_path), tuning=PLAIN)
    for at in range(0, len(entries), int(block)):
        count = len(accepted(ledger.submit(entries[at : at + int(block)])))
        os.write(1, b"%d\n" % count)
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
