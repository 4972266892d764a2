"""A validator whose clock is an hour ahead, in its application and in its votes.

The time of a block is the median of the times in the votes for the block before, so that fewer than
a third of wrong clocks do not move it beyond the right ones (CometBFT 0.38, specification of BFT
time).
The application's own clock decides only what is worth keeping in its waiting room.
"""

from __future__ import annotations

import time
from typing import Final

from lodeline.faults.application import FaultKind
from lodeline.faults.cast import VALIDATING
from lodeline.faults.faulty import AN_HOUR
from lodeline.faults.ground import Facts, Fault, Ground
from lodeline.faults.judging import log_of
from lodeline.faults.refusals import ClockFollowed, ClockUnseen
from lodeline.faults.signer import SkewedSigner, voting_key
from lodeline.node.consensus_rpc import ConsensusRpc
from lodeline.node.workspace import read_file, write_file

__all__ = ["CLOCKS"]

_AHEAD: Final = VALIDATING[1]
_RECEIPTS: Final = 80
_TOLERATED: Final = 60
"""Seconds that a block's time may differ from this machine's clock on a busy machine."""


def wrong_clock(ground: Ground) -> Facts:
    """Let the validator take part for a while, and compare the times of the blocks."""
    ground.begin_harm()
    begun = int(time.time())
    ground.acknowledged(_RECEIPTS, seconds=120)
    ground.end_harm()
    until = int(time.time())
    blocks = [block for block in log_of(ground.validators[_AHEAD]).blocks if block.time >= begun]
    latest = max((block.time for block in blocks), default=0)
    if not begun <= latest <= until + _TOLERATED:
        raise ClockFollowed(_AHEAD, latest - until)
    return {
        "blocks": len(blocks),
        "latest_ahead_seconds": latest - until,
        "votes_an_hour_ahead": _votes_ahead(ground, until),
    }


def _votes_ahead(ground: Ground, now: int) -> int:
    """Return how many votes for the blocks so far have the time of the wrong clock.

    Raises:
        ClockUnseen: none has, so that nothing was shown.
    """
    observer = ground.validators[VALIDATING[0]]
    with ConsensusRpc(observer.rpc) as rpc:
        heights = range(1, rpc.standing().height)
        times = [moment for height in heights for moment in rpc.vote_times(height)]
    count = sum(moment > now + AN_HOUR // 2 for moment in times)
    if not count:
        raise ClockUnseen(_AHEAD, len(times))
    return count


def _hour_ahead(ground: Ground) -> None:
    """Put both clocks of a validator ahead."""
    validator = ground.put_out_of_order(_AHEAD, FaultKind.WRONG_CLOCK)
    config = validator.home.engine / "config"
    address = validator.home.folder / "sign.sock"
    text = read_file(config / "config.toml").decode()
    line = f'priv_validator_laddr = "unix://{address.absolute()}"\n'
    write_file(config / "config.toml", (line + text).encode(), over=True)
    signer = SkewedSigner(address, voting_key(config / "priv_validator_key.json"), AN_HOUR)
    signer.start()
    ground.stack.callback(signer.stop)


CLOCKS: Final = (Fault("wrong-clock", wrong_clock, _hour_ahead),)
