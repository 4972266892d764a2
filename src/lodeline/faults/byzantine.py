"""A validator that cheats: proposals that no honest one would make, and a hash of its own."""

from __future__ import annotations

from typing import Final

from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.engine.consortium.settings import BLOCK_BYTES, SUBMISSION_ROOM
from lodeline.faults.application import FaultKind
from lodeline.faults.cast import AUDITOR, VALIDATING
from lodeline.faults.ground import Fact, Facts, Fault, Ground
from lodeline.faults.refusals import ProposalTaken
from lodeline.holder.building import OwnedLot
from lodeline.ledger.entries import decode_entry, entry_id
from lodeline.node.validator_reset import reset_validator

__all__ = ["LIES"]

_CHEAT: Final = VALIDATING[1]


def _stocked(ground: Ground) -> tuple[ConsortiumLedger, list[OwnedLot]]:
    """Bring stock onto the ledger; return a copy of it and the lots."""
    copy, cast = ground.copy(AUDITOR), ground.cast
    copy.refresh()
    ground.hand_in(copy, [cast.licence(copy.state())])
    entries, lots = cast.opening(copy.state())
    ground.hand_in(copy, entries)
    return copy, lots


def _refused_proposal(
    ground: Ground, copy: ConsortiumLedger, proposal: list[bytes], entries: list[bytes]
) -> int:
    """Have a proposal made that honest validators refuse; return the round that decided instead.

    Raises:
        ProposalTaken: an entry of it came into the log, or its height was decided at once.
    """
    height = ground.propose(_CHEAT, proposal)
    decided = ground.round(height)
    ground.acknowledged()
    copy.refresh()
    known = copy.state().entries
    taken = [entry_id(decode_entry(data)) for data in entries]
    if decided == 0 or any(identity in known for identity in taken):
        raise ProposalTaken(_CHEAT, height, decided)
    return decided


def invalid_proof(ground: Ground) -> Facts:
    """Propose a transform whose proof is another one's."""
    copy, lots = _stocked(ground)
    bad = ground.cast.badly_proved(copy.state(), lots)
    decided = _refused_proposal(ground, copy, [ground.cast.submission(bad)], [bad])
    ground.end_harm()
    return {"decided_in_round": decided}


def oversized_block(ground: Ground) -> Facts:
    """Propose more than the members agreed on for a block, all of it sound; then far too much.

    What is beyond the consensus engine's own limit stops the proposer's own, and nobody else's.
    """
    copy = ground.copy(AUDITOR)
    within_the_engine_only = ground.cast.bulk(SUBMISSION_ROOM)
    size = sum(map(len, within_the_engine_only))
    decided = _refused_proposal(ground, copy, within_the_engine_only, [])
    beyond_the_engine = ground.cast.bulk(BLOCK_BYTES)
    height = ground.propose(_CHEAT, beyond_the_engine)
    further = ground.round(height)
    if further == 0:
        raise ProposalTaken(_CHEAT, height, further)
    validator = ground.validators[_CHEAT]
    ground.wait("its own consensus has ended", lambda: not validator.is_running)
    validator.stop()
    ground.put_in_order(_CHEAT)
    ground.end_harm()
    validator.start()
    return {"bytes": size, "decided_in_round": decided, "beyond_engine_in_round": further}


def double_use(ground: Ground) -> Facts:
    """Propose two uses of the same lots together, then one, then the other."""
    copy, lots = _stocked(ground)
    one, other = (ground.cast.stored(copy.state(), lots) for _ in range(2))
    first, second = ground.cast.submission(one), ground.cast.submission(other)
    together = _refused_proposal(ground, copy, [first, second], [one, other])
    ground.propose(_CHEAT, [first])
    ground.acknowledged()
    copy.refresh()
    taken = entry_id(decode_entry(one)) in copy.state().entries
    apart = _refused_proposal(ground, copy, [second], [other])
    ground.end_harm()
    return {"together_in_round": together, "first_taken": int(taken), "second_in_round": apart}


def wrong_hash(ground: Ground) -> Facts:
    """Let a validator compute another application hash than the others, and set it up again.

    It is out from the next block on, and starting it again does not help: its consensus engine has
    kept the hash. So ledger and blocks are thrown away, its keys and what it voted are kept, and it
    fetches everything from the others.
    """
    validator = ground.validators[_CHEAT]
    ground.trigger(_CHEAT)
    noticed = ground.wait("its consensus has ended", lambda: not validator.is_running)
    ground.acknowledged(24)
    validator.stop()
    ground.put_in_order(_CHEAT)
    facts: dict[str, Fact] = {"noticed_seconds": round(noticed, 2)}
    validator.start()
    facts["came_back_by_restart"] = int(ground.comes_back(_CHEAT, 8.0))
    validator.stop()
    reset_validator(validator.home)
    ground.end_harm()
    validator.start()
    return facts


def _unchecked(ground: Ground) -> None:
    ground.put_out_of_order(_CHEAT, FaultKind.PROPOSE_ANYTHING)


def _wrong(ground: Ground) -> None:
    ground.put_out_of_order(_CHEAT, FaultKind.HASH_WRONGLY)


LIES: Final = (
    Fault("invalid-proof", invalid_proof, _unchecked),
    Fault("oversized-block", oversized_block, _unchecked),
    Fault("double-use", double_use, _unchecked),
    Fault("wrong-hash", wrong_hash, _wrong),
)
