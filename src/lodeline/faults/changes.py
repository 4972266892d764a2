"""Validators that come and go while entries arrive."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from msgspec import structs

from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.faults.cast import AUDITOR, VALIDATING
from lodeline.faults.ground import Facts, Fault, Ground
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import MemberId
from lodeline.ledger.entries import Act, AdmitMember, RemoveValidator, SetValidator
from lodeline.node.ceremony import ValidatorAddress
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import Founder, NetworkNotThere
from lodeline.node.validator_home import make_validator_keys, public_part
from lodeline.node.validator_reset import reset_validator

__all__ = ["CHANGES"]

_NEWCOMER: Final = MemberId("newcomer")
_CHANGING: Final = VALIDATING[-1]
_TRIES: Final = 3
_FOLLOWS_SECONDS: Final = 30.0


def _voted(ground: Ground, copy: ConsortiumLedger, *acts: Act) -> None:
    copy.refresh()
    ground.hand_in(copy, [ground.cast.vote(copy.state(), acts)])


def _set(member: MemberId, found: ValidatorAddress) -> SetValidator:
    return SetValidator(member, found.consensus, found.checkpoint, found.api)


def _is_needed(ground: Ground, without: MemberId) -> None:
    """Show that a validator takes part: the others go on without another one, so it is counted."""
    away = ground.validators[without]
    away.kill()
    ground.acknowledged(8)
    away.start()


def join_under_load(ground: Ground, *, with_snapshot: bool) -> Facts:
    """Have a newcomer follow the chain, be admitted by vote, and be needed for a decision."""
    copy = ground.copy(AUDITOR)
    ground.begin_harm()
    spec = MemberSpec(_NEWCOMER, "Newcomer", "CD", ())
    founder = Founder(spec, HolderKeys.generate([], ground.cast.entropy))
    file = ground.network.prepare(founder, ground.cast.entropy)
    assert file.validator is not None  # noqa: S101 - for the type checker: it validates
    begun = time.monotonic()
    tries = _followed(ground, with_snapshot=with_snapshot)
    level = time.monotonic() - begun
    record = structs.replace(file.record, votes=False)
    _voted(ground, copy, AdmitMember(record), _set(_NEWCOMER, file.validator))
    ground.end_harm()
    _is_needed(ground, VALIDATING[1])
    return {"level_seconds": round(level, 2), "tries": tries, "validators": _count(copy)}


def _followed(ground: Ground, *, with_snapshot: bool) -> int:
    """Return after how many tries the newcomer follows the chain.

    A snapshot that it was told to take may be gone before it asks for it: then it is told of the
    next one, as its operator would do.
    """
    for count in range(1, _TRIES + 1):
        newcomer = ground.network.join(_NEWCOMER, with_snapshot=with_snapshot)
        ground.validators[_NEWCOMER] = newcomer
        newcomer.start()
        if ground.comes_back(_NEWCOMER, _FOLLOWS_SECONDS):
            return count
        newcomer.stop()
        reset_validator(newcomer.home)
    raise NetworkNotThere("the newcomer follows", round(_TRIES * _FOLLOWS_SECONDS), ())


def _count(copy: ConsortiumLedger) -> int:
    return sum(1 for _ in copy.state().validators.items())


def change_set(ground: Ground) -> Facts:
    """Remove a validator by vote, and admit it again with other keys."""
    copy, changing = ground.copy(AUDITOR), ground.validators[_CHANGING]
    ground.begin_harm()
    _voted(ground, copy, RemoveValidator(_CHANGING))
    without = _count(copy)
    ground.acknowledged(8)
    changing.stop()
    found = _fresh_keys(ground, changing.home)
    changing.start()
    ground.level([_CHANGING])
    _voted(ground, copy, _set(_CHANGING, found))
    ground.end_harm()
    ground.level()
    _is_needed(ground, VALIDATING[1])
    return {"validators_without": without, "validators": _count(copy)}


def _fresh_keys(ground: Ground, home: ValidatorHome) -> ValidatorAddress:
    """Give a validator other keys; its place in the network stays. Nothing was voted with them."""
    known = dict(ground.network.founded.plan.validators)[_CHANGING]
    fresh = ValidatorHome(ground.folder / "fresh")
    make_validator_keys(fresh, ground.cast.entropy)
    found = public_part(fresh, _CHANGING, known.address, known.api)
    for path in (
        Path("checkpoint.key"),
        Path("comet/config/priv_validator_key.json"),
        Path("comet/data/priv_validator_state.json"),
    ):
        (fresh.folder / path).replace(home.folder / path)
    return found


CHANGES: Final = (
    Fault("join-by-replay", lambda ground: join_under_load(ground, with_snapshot=False)),
    Fault("join-by-snapshot", lambda ground: join_under_load(ground, with_snapshot=True)),
    Fault("change-set", change_set),
)
