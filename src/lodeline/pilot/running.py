"""The run: steps are proved ahead in worker processes and sent to the ledger in their order.

A day of the story is one batch: it is sent when all of its steps are there, at the time of its
last one. The ledger verifies every proof again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from lodeline.engine.interface import Answer as Answered
from lodeline.engine.refusals import EngineRefused
from lodeline.holder.building import OwnedLot, Tables
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.entries import encode_entry
from lodeline.pilot.acting import Stage
from lodeline.pilot.consortium import Ground
from lodeline.pilot.proving import Proved, Waiting, prove
from lodeline.pilot.steps import Answer, LotName, Offered, Reversed, Step, Work

__all__ = ["Played", "Watch", "play"]

_DAY = 86_400
_AHEAD = 3
"""Proofs handed out for each process, so that none is ever idle."""


class Watch(Protocol):
    """Who is told how far the run is."""

    def proved(self, step: Work | Offered, seconds: float) -> None:
        """Take note of a proof, and of how long a process worked on it."""
        ...

    def accepted(self, steps: Sequence[Step]) -> None:
        """Take note of a batch that the ledger accepted."""
        ...


@dataclass(frozen=True)
class Played:
    """What the run left: every lot of the story by name, as its holder can spend it."""

    owned: Mapping[LotName, OwnedLot]


def play(
    ground: Ground,
    tables: Tables,
    steps: Sequence[Step],
    pool: ProcessPoolExecutor,
    workers: int,
    watch: Watch,
) -> Played:
    """Prove, sign and send every step.

    Raises:
        LodelineError: a step that cannot be proved, or that the ledger refuses; the run ends there.
    """
    run = _Run(ground, tables, steps, pool, watch)
    for batch in _days(steps):
        while not run.is_there(batch):
            run.hand_out(workers * _AHEAD)
            run.collect()
        run.send(batch)
        run.hand_out(workers * _AHEAD)
    return Played(run.stage.owned)


def _days(steps: Sequence[Step]) -> list[Sequence[Step]]:
    """Return the steps day by day (UTC)."""
    return [list(group) for _, group in groupby(steps, key=lambda step: step.at // _DAY)]


class _Run:
    """What is under way."""

    def __init__(
        self,
        ground: Ground,
        tables: Tables,
        steps: Sequence[Step],
        pool: ProcessPoolExecutor,
        watch: Watch,
    ) -> None:
        self.stage = Stage(ground.session, tables)
        self._ground, self._tables = ground, tables
        self._steps, self._pool, self._watch = steps, pool, watch
        self._waiting = Waiting(steps)
        self._there: set[int] = set()
        self._out: dict[Future[Proved], Work | Offered] = {}

    def is_there(self, batch: Sequence[Step]) -> bool:
        """Return whether every step of a batch can be sent."""
        return all(id(step) in self._there for step in batch)

    def hand_out(self, most: int) -> None:
        """Start proofs until so many are under way; what needs no worker is done at once."""
        while len(self._out) < most:
            index = self._waiting.next()
            if index is None:
                return
            self._start(self._steps[index])

    def _start(self, step: Step) -> None:
        match step:
            case Work() | Offered():
                plan = self.stage.plan(step)
                self._out[self._pool.submit(prove, plan, self._tables)] = step
            case Reversed():
                self._known(step, self.stage.undo(step))
            case Answer():
                self._known(step, ())

    def _known(self, step: Step, lots: Sequence[LotName]) -> None:
        self._there.add(id(step))
        for lot in lots:
            self._waiting.known(lot)

    def collect(self) -> None:
        """Wait for a proof that is under way, and take in all that are finished."""
        if not self._out:
            message = "a step of the story waits for a lot that no step makes"
            raise RuntimeError(message)
        done, _ = wait(self._out, return_when=FIRST_COMPLETED)
        for future in done:
            step = self._out.pop(future)
            proved = future.result()
            self._watch.proved(step, proved.seconds)
            self._known(step, self.stage.take(step, proved.built))

    def send(self, batch: Sequence[Step]) -> None:
        """Send a day's entries; the first one that is refused ends the run."""
        self._ground.clock.move_to(batch[-1].at)
        for answer in self._answers([encode_entry(self.stage.entry(step)) for step in batch]):
            if isinstance(answer, LodelineError):
                raise answer
        self._watch.accepted(batch)

    def _answers(self, entries: Sequence[bytes]) -> list[Answered]:
        """Submit entries, and again what could not be decided just now."""
        ledger = self._ground.session.ledger
        answers = ledger.submit(entries)
        for _ in range(self._ground.again):
            if not any(isinstance(answer, EngineRefused) for answer in answers):
                break
            answers = ledger.submit(entries)
        return answers
