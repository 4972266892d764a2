"""A validator that is there twice: its keys run on a second machine without the first one's memory.

That is how double signing happens among honest people: a machine is thought to be dead, its backup
is started, and the record of what was voted is not in the backup.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from lodeline.engine.consortium.misbehaviour import Caught, MisbehaviourBook, misbehaviour_file
from lodeline.faults.cast import VALIDATING
from lodeline.faults.ground import Facts, Fault, Ground
from lodeline.faults.refusals import MisbehaviourUnseen
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import MemberId
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import Founder, LocalValidator, NetworkNotThere

__all__ = ["TWINS"]

_DOUBLED: Final = VALIDATING[3]
_TWIN: Final = MemberId("twin")
_SEEN_SECONDS: Final = 90.0
_KEYS: Final = (Path("checkpoint.key"), Path("comet/config/priv_validator_key.json"))


def doubled_key(ground: Ground) -> Facts:
    """Run one validator's keys twice until everybody has been told; then stop the second one."""
    twin = _twin(ground)
    ground.begin_harm()
    twin.start()
    ground.stack.callback(twin.stop)
    try:
        seen = ground.wait("all have been told", lambda: _told_all(ground), _SEEN_SECONDS)
    except NetworkNotThere as failed:
        raise MisbehaviourUnseen(_DOUBLED, round(_SEEN_SECONDS)) from failed
    twin.stop()
    ground.end_harm()
    caught = next(iter(_caught(ground.validators[VALIDATING[0]])))
    return {"told_after_seconds": round(seen, 2), "kind": caught.kind, "height": caught.height}


def _twin(ground: Ground) -> LocalValidator:
    """Return a second node with the keys of a validator and none of its memory."""
    spec = MemberSpec(_TWIN, "Twin", "CD", ())
    ground.network.prepare(
        Founder(spec, HolderKeys.generate([], ground.cast.entropy)), ground.cast.entropy
    )
    twin = ground.network.join(_TWIN, with_snapshot=False)
    doubled = ground.validators[_DOUBLED]
    for path in _KEYS:
        shutil.copyfile(doubled.home.folder / path, twin.home.folder / path)
    return twin


def _told_all(ground: Ground) -> bool:
    """Return whether every other validator has written down that this one signed twice."""
    others = (it for member, it in ground.validators.items() if member != _DOUBLED)
    return all(any(one.member == _DOUBLED for one in _caught(it)) for it in others)


def _caught(validator: LocalValidator) -> tuple[Caught, ...]:
    return MisbehaviourBook(misbehaviour_file(validator.home)).all()


TWINS: Final = (Fault("doubled-key", doubled_key),)
