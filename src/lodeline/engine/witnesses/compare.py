"""Comparing what a log showed to different parties.

A log that shows one history to one witness and another to a second one is consistent with itself
everywhere. It is found out when two of them compare. Checkpoints of one size must be equal. Those
of different sizes are each compared with what the log publishes: its tiles give the root that the
published log had at the size of the other, and the proof from there. What disagrees is evidence.

A checkpoint larger than the published one cannot be compared yet; that is reported, not passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from lodeline.engine.published_log import PublishedLog
from lodeline.engine.witnesses.evidence import Beginning
from lodeline.engine.witnesses.witness import Seen, Witness
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.merkle import verify_consistency

__all__ = ["Compared", "compare"]


@dataclass(frozen=True)
class Compared:
    """What came of comparing the views of one log."""

    origin: Origin
    views: int
    """Different checkpoints that were looked at."""
    open: int
    """Those that could not be compared with what the log publishes."""
    alarms: tuple[Hash32, ...]
    """Names of the evidence that was found; none if all agree."""


def compare(
    witness: Witness, origin: Origin, shown: Iterable[Seen], published: PublishedLog | None
) -> Compared:
    """Compare what a witness last saw of a log, what others were shown, and what is published.

    ``shown`` are checkpoints that `Witness.read` has accepted as signed by the log. Evidence is
    kept by the witness. A suspicious checkpoint that turns out to be good is forgotten.

    Raises:
        PublishedFileMissing, TileLengthDiffers: tiles are missing or none.
        WrongNewRoot, WrongOldRoot: the tiles are not of the published checkpoint.
        DurableFileFailed: evidence could not be written.
    """
    suspects = [witness.read(note) for note in witness.shelf.suspects(origin)]
    last = witness.last(origin)
    views = {seen.checkpoint: seen for seen in (*suspects, *shown)}
    if last is not None:
        views[last.checkpoint] = last
    alarms = _equal_sizes(witness, list(views.values()))
    still_open = 0
    for seen in views.values():
        if published is None or seen.checkpoint.size > published.checkpoint.size:
            still_open += 1
            continue
        raised = _with_published(witness, seen, published)
        if raised is not None:
            alarms.append(raised)
        elif seen in suspects:
            witness.shelf.clear(origin, seen.note)
    return Compared(origin, len(views), still_open, tuple(dict.fromkeys(alarms)))


def _equal_sizes(witness: Witness, views: list[Seen]) -> list[Hash32]:
    found = []
    for first, second in combinations(views, 2):
        if first.checkpoint.size == second.checkpoint.size:
            raised = witness.accuse(first, second, Beginning(second.checkpoint.root))
            if raised is not None:
                found.append(raised)
    return found


def _with_published(witness: Witness, seen: Seen, published: PublishedLog) -> Hash32 | None:
    size = seen.checkpoint.size
    root = published.root_at(size)
    proof = published.prove_consistency(size)
    # Tiles that are not of the signed checkpoint accuse nobody but whoever serves them.
    verify_consistency(proof, root, published.checkpoint.root)
    against = witness.read(published.note)
    return witness.accuse(seen, against, Beginning(root, proof.path))
