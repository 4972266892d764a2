"""The worker in the background: turns at once, when woken, and after trouble."""

from threading import Event, Semaphore

import pytest

from lodeline.engine.refusals import LedgerHasWriter
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.pipeline import Turn
from lodeline.node.events.worker import PipelineWorker

PATIENCE = 30.0


def test_a_worker_goes_on_after_trouble_and_when_it_is_woken() -> None:
    done = Semaphore(0)
    told: list[LodelineError] = []
    turns = iter(range(100))

    def turn() -> Turn:
        number = next(turns)
        done.release()
        if number == 0:
            raise LedgerHasWriter("ledger.db")
        return Turn()

    worker = PipelineWorker(turn, 3600, told.append)
    worker.start()
    with pytest.raises(RuntimeError):
        worker.start()
    assert done.acquire(timeout=PATIENCE)
    for _ in range(3):
        worker.wake()
        assert done.acquire(timeout=PATIENCE)
    worker.stop()
    assert [type(each) for each in told] == [LedgerHasWriter]


def test_stopping_waits_for_the_turn_that_is_going_on() -> None:
    begun, go_on = Event(), Event()
    finished: list[bool] = []

    def turn() -> Turn:
        begun.set()
        assert go_on.wait(PATIENCE)
        finished.append(True)
        return Turn()

    worker = PipelineWorker(turn, 3600, lambda _: None)
    worker.start()
    assert begun.wait(PATIENCE)
    go_on.set()
    worker.stop()
    assert finished == [True]


def test_a_worker_that_was_never_started_stops() -> None:
    PipelineWorker(Turn, 1, lambda _: None).stop()
