"""Networks that part: three against one, and two against two."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from lodeline.faults.cast import VALIDATING
from lodeline.faults.crashes import decided_meanwhile
from lodeline.faults.ground import Facts, Fault, Ground
from lodeline.kernel.ids import MemberId

__all__ = ["SPLITS"]

_WHILE_PARTED: Final = 24
"""Receipts that the larger side gives."""


def part_three_one(ground: Ground) -> Facts:
    """Cut one validator off: the other three go on, it stays where it is."""
    alone = ground.validators[VALIDATING[0]]
    ground.begin_harm()
    ground.wires.part([VALIDATING[1:], VALIDATING[:1]])
    ground.acknowledged(_WHILE_PARTED)
    behind = max(it.height() or 0 for it in ground.validators.values()) - (alone.height() or 0)
    ground.end_harm()
    ground.wires.mend()
    return {"blocks_behind": behind}


def part_two_two(ground: Ground) -> Facts:
    """Part the validators into halves: neither decides anything until they are one again."""
    ground.begin_harm()
    ground.wires.part(_halves(VALIDATING))
    decided = decided_meanwhile(ground)
    ground.end_harm()
    mended = time.monotonic()
    ground.wires.mend(fresh=True)
    height = max(it.height() or 0 for it in ground.validators.values())
    ground.network.wait_for_height(height + 1)
    return {
        "blocks_while_parted": decided,
        "next_block_seconds": round(time.monotonic() - mended, 2),
    }


def _halves(members: Sequence[MemberId]) -> list[Sequence[MemberId]]:
    middle = len(members) // 2
    return [members[:middle], members[middle:]]


SPLITS: Final = (
    Fault("part-three-one", part_three_one),
    Fault("part-two-two", part_two_two),
)
