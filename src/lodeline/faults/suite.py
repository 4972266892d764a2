"""All faults, tried one after another, each on a network of its own; and what came of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lodeline.faults.byzantine import LIES
from lodeline.faults.changes import CHANGES
from lodeline.faults.clocks import CLOCKS
from lodeline.faults.crashes import CRASHES
from lodeline.faults.disks import DISKS
from lodeline.faults.floods import FLOODS
from lodeline.faults.ground import Fault, Outcome, try_fault
from lodeline.faults.refusals import FaultUnknown
from lodeline.faults.splits import SPLITS
from lodeline.faults.twins import TWINS
from lodeline.kernel.errors import LodelineError

__all__ = ["FAULTS", "Tried", "chosen", "run"]

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        fault.name: fault
        for fault in (*CRASHES, *SPLITS, *LIES, *TWINS, *FLOODS, *CLOCKS, *DISKS, *CHANGES)
    }
)
"""All faults by their names, in the order in which they are tried."""


@dataclass(frozen=True)
class Tried:
    """A fault that was tried."""

    fault: str
    outcome: Outcome | None
    failure: LodelineError | None
    """Why there is no outcome: something that must hold did not."""


def chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults of some names, in the suite's order; all of them where none is named.

    Raises:
        FaultUnknown: there is none of a name.
    """
    for name in names:
        if name not in FAULTS:
            raise FaultUnknown(name, tuple(FAULTS))
    return tuple(fault for name, fault in FAULTS.items() if not names or name in names)


def run(faults: Sequence[Fault], folder: Path, program: Path) -> Iterator[Tried]:
    """Try faults and yield what came of each; ``program`` is CometBFT.

    Each has a folder of its own in ``folder``, which is kept only where the fault was not borne.
    """
    for fault in faults:
        place = folder / fault.name
        try:
            outcome = try_fault(fault, place, program)
        except LodelineError as failure:
            yield Tried(fault.name, None, failure)
            continue
        shutil.rmtree(place)
        yield Tried(fault.name, outcome, None)
