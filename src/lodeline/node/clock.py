"""The clock of a node: the one place where the time of day is read.

The ledger knows block time alone, which is passed in; here it comes from. A log whose last block is
ahead of this machine's clock is not continued in the past: the engine refuses a time that goes
back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from lodeline.kernel.time import BlockTime, block_time

__all__ = ["ManualClock", "SystemClock"]


class SystemClock:
    """The machine's clock, in whole seconds since 1970 (POSIX)."""

    def now(self) -> BlockTime:
        """Return the time of day.

        Raises:
            TimeOutOfRange: the machine's clock is set before 1970.
        """
        return block_time(int(time.time()))


@dataclass
class ManualClock:
    """A clock that somebody sets: for demonstrations of a past quarter."""

    moment: BlockTime

    def now(self) -> BlockTime:
        """Return the moment that was set."""
        return self.moment

    def move_to(self, moment: BlockTime) -> None:
        """Set the clock; going back is refused by the engine, not here."""
        self.moment = moment
