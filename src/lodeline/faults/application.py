"""The process of a validator's application that is out of order.

    python -m lodeline.faults.application HOME

What it does otherwise stands in ``HOME/fault.json``: the name of the fault. It happens from when
``HOME/fault.now`` is there. Everything else is the process of a real validator.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from lodeline.engine.consortium import process
from lodeline.engine.consortium.process import RunningApplication
from lodeline.engine.consortium.replica import USUAL, ReplicaTuning
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.faults import faulty

__all__ = ["FaultKind", "Orders", "faulty_command", "orders_file", "trigger_file"]


class FaultKind(Enum):
    """What an application does otherwise."""

    CRASH_BEFORE_COMMIT = "crash-before-commit"
    CRASH_AFTER_COMMIT = "crash-after-commit"
    PROPOSE_ANYTHING = "propose-anything"
    HASH_WRONGLY = "hash-wrongly"
    CHECK_NOTHING = "check-nothing"
    WRONG_CLOCK = "wrong-clock"
    SHORT_OF_SPACE = "short-of-space"


_KINDS: Final[Mapping[FaultKind, type[faulty.Faulty]]] = {
    FaultKind.CRASH_BEFORE_COMMIT: faulty.CrashesBeforeCommit,
    FaultKind.CRASH_AFTER_COMMIT: faulty.CrashesAfterCommit,
    FaultKind.PROPOSE_ANYTHING: faulty.ProposesAnything,
    FaultKind.HASH_WRONGLY: faulty.HashesWrongly,
    FaultKind.CHECK_NOTHING: faulty.ChecksNothing,
    FaultKind.WRONG_CLOCK: faulty.WrongClock,
    FaultKind.SHORT_OF_SPACE: faulty.ShortOfSpace,
}


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an application that is out of order reads when it starts."""

    fault: FaultKind


def orders_file(home: ValidatorHome) -> Path:
    """Return where the orders of an application are."""
    return home.folder / "fault.json"


def trigger_file(home: ValidatorHome) -> Path:
    """Return the file whose presence makes the fault happen."""
    return home.folder / "fault.now"


def faulty_command(home: ValidatorHome) -> list[str]:
    """Return the command that runs an application out of order."""
    return [sys.executable, "-m", __spec__.name, str(home.folder.absolute())]


def _opened(home: ValidatorHome) -> RunningApplication:
    orders = msgspec.json.decode(orders_file(home).read_bytes(), type=Orders)
    trigger, kind = trigger_file(home), _KINDS[orders.fault]
    chosen = type(kind.__name__, (kind,), {"trigger": trigger})
    tuning = USUAL
    if orders.fault is FaultKind.SHORT_OF_SPACE:
        tuning = ReplicaTuning(connection=faulty.short_of_space(trigger))
    return RunningApplication(home, partial(chosen), tuning)


def main(arguments: Sequence[str]) -> int:
    """Run an application out of order until it is asked to end; return the exit status."""
    return process.main(arguments, _opened)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
