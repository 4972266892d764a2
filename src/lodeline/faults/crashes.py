"""Programs that end when nobody expects it: one, its half, two; and in the middle of a block."""

from __future__ import annotations

import time
from typing import Final

from lodeline.faults.application import FaultKind
from lodeline.faults.cast import VALIDATING
from lodeline.faults.ground import Facts, Fault, Ground

__all__ = ["CRASHES", "decided_meanwhile"]

_FIRST, _SECOND = VALIDATING[-1], VALIDATING[-2]
_WHILE_AWAY: Final = 24
"""Receipts that the others give while one is away."""
_HALTED_SECONDS: Final = 4.0


def kill_one(ground: Ground) -> Facts:
    """Kill both programs of one validator; the others go on; start it again."""
    ground.begin_harm()
    ground.validators[_FIRST].kill()
    ground.acknowledged(_WHILE_AWAY)
    ground.end_harm()
    ground.validators[_FIRST].start()
    return {}


def kill_application(ground: Ground) -> Facts:
    """Kill the application of one validator alone; its CometBFT has to end by itself."""
    validator = ground.validators[_FIRST]
    ground.begin_harm()
    validator.kill_application()
    ended = ground.wait("cometbft ended too", lambda: not validator.process_ids)
    ground.acknowledged(_WHILE_AWAY)
    ground.end_harm()
    validator.start()
    return {"consensus_ended_seconds": round(ended, 2)}


def kill_two(ground: Ground) -> Facts:
    """Kill two of four validators: nothing is decided until one of them is back."""
    ground.begin_harm()
    for member in (_FIRST, _SECOND):
        ground.validators[member].kill()
    decided = decided_meanwhile(ground)
    ground.end_harm()
    for member in (_FIRST, _SECOND):
        ground.validators[member].start()
    return {"blocks_while_halted": decided}


def decided_meanwhile(ground: Ground, seconds: float = _HALTED_SECONDS) -> int:
    """Return how many blocks are decided in some seconds, once what was under way is done."""
    known = [-1]

    def settled() -> bool:
        known.append(_height(ground))
        return known[-1] == known[-2]

    ground.wait("no more blocks", settled)
    begun, until = _height(ground), time.monotonic() + seconds
    ground.wait("the halt has lasted", lambda: time.monotonic() >= until)
    return _height(ground) - begun


def _height(ground: Ground) -> int:
    return max(it.height() or 0 for it in ground.validators.values())


def _crashing(kind: FaultKind) -> Fault:
    def prepare(ground: Ground) -> None:
        ground.put_out_of_order(_FIRST, kind)

    def act(ground: Ground) -> Facts:
        validator = ground.validators[_FIRST]
        ground.trigger(_FIRST)
        ground.wait("the application has died", lambda: not validator.process_ids)
        ground.acknowledged(_WHILE_AWAY)
        ground.put_in_order(_FIRST)
        ground.end_harm()
        validator.start()
        return {}

    return Fault(kind.value, act, prepare)


CRASHES: Final = (
    Fault("kill-one", kill_one),
    Fault("kill-application", kill_application),
    Fault("kill-two", kill_two),
    _crashing(FaultKind.CRASH_BEFORE_COMMIT),
    _crashing(FaultKind.CRASH_AFTER_COMMIT),
)
