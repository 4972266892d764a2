"""What a witness remembers is bounded, log by log, and each piece of evidence is told once."""

from pathlib import Path

from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, signed

from lodeline.engine.witnesses.evidence import Beginning, ForkEvidence
from lodeline.engine.witnesses.shelf import MAX_ALARMS, MAX_SUSPECTS, WitnessShelf
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin

OTHER = Origin("elsewhere.example")


def evidence(size: int, origin: Origin = ORIGIN) -> ForkEvidence:
    honest, liar = Log.of(40, origin=origin), Log.of(40, fork=0, origin=origin)
    policy = CheckpointPolicy(origin, POLICY.members, 2)
    shown = Beginning(liar.at(size).root)
    return ForkEvidence.of(policy, honest.note(size), liar.note(size), shown)


def test_a_log_that_lies_without_end_does_not_hide_another(tmp_path: Path) -> None:
    told = list[Origin]()
    shelf = WitnessShelf(tmp_path, lambda origin, _file: told.append(origin))
    for size in range(1, 30):
        shelf.alarm(evidence(size))
        shelf.alarm(evidence(size))
    assert told == [ORIGIN] * MAX_ALARMS
    assert shelf.alarm_against(OTHER) is None
    found = shelf.alarm(evidence(5, OTHER))
    assert shelf.alarm_against(OTHER) == found
    assert told[-1] == OTHER
    assert len(WitnessShelf(tmp_path, writable=False).alarms()) == MAX_ALARMS + 1


def test_suspects_are_few_and_each_is_kept_once(tmp_path: Path) -> None:
    shelf, log = WitnessShelf(tmp_path), Log.of(40)
    for size in range(1, 30):
        shelf.suspect(ORIGIN, signed(log.at(size)))
        shelf.suspect(ORIGIN, signed(log.at(size)))
    kept = shelf.suspects(ORIGIN)
    assert kept == tuple(log.note(size) for size in range(1, MAX_SUSPECTS + 1))
    shelf.clear(ORIGIN, kept[2])
    shelf.clear(ORIGIN, kept[2])
    shelf.suspect(ORIGIN, log.note(30))
    assert set(shelf.suspects(ORIGIN)) == {*kept, log.note(30)} - {kept[2]}
    assert shelf.suspects(OTHER) == ()
