"""The collector of cycles, in a process that holds a ledger.

State, tree and log are millions of small tuples that live as long as the process and are never part
of a cycle. As the interpreter is set up, it looks through the young ones after every few hundred
that are made, and through all of them ever again while they grow: a fifth of the time that signed
entries take (`lodeline bench ledger` with and without it). Cycles that do arise, such as those of
refusals with their frames, are still found, only later.

Nothing that the ledger decides depends on it.

Memory that a cycle holds is given back later, so a
program that makes many of them should not ask for it:

* a refusal holds its traceback, the traceback its frames, and a frame may hold the refusal;
* a future that failed holds its exception the same way.

Both are rare beside entries that are accepted, and both are found in the end.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["collect_rarely"]

_YOUNG: Final = 50_000
"""Objects that are made, beyond those released, before the young ones are looked through."""
_MIDDLE, _OLD = 20, 100
"""Rounds of the younger generation before the next older one is looked through."""


def collect_rarely() -> None:
    """Let the collector of this process come rarely, and leave out what is there already.

    For programs that serve a ledger or write many entries, once it is open; it concerns the whole
    process, so a library that is used within another program leaves it alone.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
