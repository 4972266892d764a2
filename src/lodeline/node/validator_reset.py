"""Having a validator begin again with nothing but its keys: when its ledger cannot be used.

A validator that computed another hash than the others, or whose ledger is damaged, does not come
back by restarting. It throws away what it has of the chain and fetches it from the others. Two
things stay: its keys, and CometBFT's record of what it has voted, without which it could vote twice
for one height and be caught at it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.engine.writer_lock import WriterLock
from lodeline.kernel.errors import LodelineError

__all__ = ["VotesMissing", "reset_validator"]

_LEDGER: Final = ("ledger.db", "ledger.db-wal", "ledger.db-shm")


class VotesMissing(LodelineError):
    """A validator's home without the record of its votes."""

    file: str

    code = "votes-missing"
    en = "the record of votes {file} is not there: without it the validator could vote twice"
    fr = "le relevé des votes {file} est absent : sans lui le validateur pourrait voter deux fois"
    advice_en = "give it new keys and have them voted on, or put the file back that was there last"
    advice_fr = "donnez-lui de nouvelles clés et faites-les voter, ou remettez le dernier fichier"


def reset_validator(home: ValidatorHome) -> None:
    """Throw away a validator's ledger, snapshots and blocks; started again, it fetches them.

    Not checked: that CometBFT does not run. It ends with its application, which is checked.

    Raises:
        VotesMissing: there is no record of what was voted; nothing is removed.
        LedgerHasWriter: the application runs; nothing is removed.
        OSError: a file cannot be removed; the rest can be removed by another try.
    """
    votes = home.engine / "data" / "priv_validator_state.json"
    if not votes.is_file():
        raise VotesMissing(str(votes))
    lock = WriterLock(home.ledger)
    try:
        for path in votes.parent.iterdir():
            if path != votes:
                _remove(path)
        for name in _LEDGER:
            _remove(home.folder / name)
        _remove(home.snapshots)
    finally:
        lock.release()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
