"""Write `docs/faults.md`: what came of every fault, from the recorded run in `docs/faults.json`.

`make faults` writes a new run; copy its file over the recorded one to publish it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

DOCS = Path(__file__).resolve().parent.parent / "docs"
RUN = DOCS / "faults.json"
PAGE = DOCS / "faults.md"

_HEAD = """# Faults

Written by `scripts/docs_faults.py` from recorded runs of `make faults`; `make docs` writes it
again.

Each fault is done on purpose to a network of its own: four validators, each with its application
and CometBFT, on one machine, founded for it. Before, during and after, a member's node hands in
signed entries, eight at a time, and keeps its receipts. A fault is borne when afterwards

* every receipt is in the log of every validator, at its place (*acknowledged*);
* all logs are the same, entry by entry, and so are log root, state root and time of every block;
* every header that two validators have is the same, and with it the application hash of every
  height (*headers compared*);
* all validators stand still at one height with one application hash.

*Silence* is the longest time without a receipt after the harm began. *Recovered* runs from when the
harm was undone (processes started again, wires mended, room made) until every validator is level
with the others and the member has a new receipt; starting programs is in it.

There are no distances and one clock on one machine. The recorded runs shared their processors with
five times as much other work, which makes every time longer. The times say what kind of pause to
expect, not how long it is elsewhere: most of them are CometBFT's time-outs (3 s for a proposer that
says nothing) and the start of programs.
"""

_TAIL = """
## What is not shown

* Distances: delays and losses between machines. The wires are cut whole, and silent.
* More than a third of dishonest validators: then there is no agreement to rely on. Forks of that
  kind are what witnesses and members' own copies are for.
* A clock of the machine that is wrong: CometBFT reads the machine's, and no part of it can be given
  another one. Tried is what the others see of it: an application an hour ahead, and a voting key
  whose votes carry times an hour ahead. One of four does not move the time of blocks. Whoever is
  behind votes for the last block's time and can make the blocks' clock go slower, never back.
* A disk that lies. A full one is tried twice: with the right to mount as a small disk in memory
  under the whole home of a validator, and as a ledger's file that SQLite cannot let grow.
* In the flood, four validators, the flooder and the load share the processors of one machine. What
  the others get accepted meanwhile is what is left for them there, not what a flood does to a
  machine of their own.

## Trying it

    make engine
    make faults
    make faults ONLY="part-two-two wrong-hash"

A network that did not bear its fault is left in a folder, whose name is in the report, with all
logs. The three shortest trials run with the tests.
"""


_COLUMNS = (
    "fault",
    "what was done",
    "nothing acknowledged lost",
    "no fork",
    "equal hashes",
    "silence",
    "recovered",
)


class Recorded(msgspec.Struct, frozen=True):
    """One fault of a run."""

    fault: str
    done: str
    borne: bool
    acknowledged: int = 0
    size: int = 0
    height: int = 0
    headers: int = 0
    application_hash: str = ""
    silence_seconds: float = 0.0
    recovered_seconds: float = 0.0
    facts: dict[str, str | int | float] = {}


class Machine(msgspec.Struct, frozen=True):
    """What the run was made on."""

    system: str
    architecture: str
    processors: int


class Run(msgspec.Struct, frozen=True):
    """A run of the suite."""

    machine: Machine
    faults: tuple[Recorded, ...]


def page(run: Run) -> str:
    """Return the text of the page."""
    machine, borne = run.machine, sum(one.borne for one in run.faults)
    place = f"{machine.system} with {machine.processors} processors ({machine.architecture})"
    parts = [
        _HEAD,
        "## What came of it\n",
        f"{borne} of {len(run.faults)} faults were borne, on {place}.\n",
        f"| {' | '.join(_COLUMNS)} |",
        "|---|---|---|---|---|---|---|",
        *_rows(run),
        "\n## What else was seen\n",
        "| fault | seen |",
        "|---|---|",
        *_facts(run),
        _TAIL,
    ]
    return "\n".join(parts)


def _rows(run: Run) -> Iterator[str]:
    for one in run.faults:
        if not one.borne:
            yield f"| `{one.fault}` | {one.done} | **not borne** | | | | |"
            continue
        yield (
            f"| `{one.fault}` | {one.done} | yes: {one.acknowledged:,} of {one.size:,} entries "
            f"| yes: {one.headers:,} headers compared "
            f"| yes: `{one.application_hash[:12]}` at {one.height} "
            f"| {one.silence_seconds:.1f} s | {one.recovered_seconds:.1f} s |"
        )


def _facts(run: Run) -> Iterator[str]:
    for one in run.faults:
        if one.facts:
            told = "; ".join(
                f"{name.replace('_', ' ')}: {_shown(v)}" for name, v in one.facts.items()
            )
            yield f"| `{one.fault}` | {told} |"


def _shown(value: str | int | float) -> str:
    return value if isinstance(value, str) else f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(page(msgspec.json.decode(RUN.read_bytes(), type=Run)), encoding="utf-8")
