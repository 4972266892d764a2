"""How far the demonstration is: a bar for each chapter on a terminal, plain lines elsewhere.

What is left is estimated from what was done so far: the time that the processes took for the range
bits that they proved. Estimates are for the eye; nothing else reads this clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from lodeline.kernel.ids import MemberId
from lodeline.ledger.merkle import TreeSize
from lodeline.pilot.steps import Chapter, Offered, Step, Work
from lodeline.pilot.story import Story
from lodeline.pilot.texts import PilotTexts

__all__ = ["BarScreen", "Estimate", "Frame", "LineScreen"]

_FIXED = 64
"""What a proof without ranges costs, in bits of range."""
_LINES = 20
"""Plain lines for the whole run, about."""


class Estimate:
    """How long the rest will take, from what was done."""

    def __init__(self, steps: Sequence[Step], workers: int) -> None:
        """Take the steps that are to be proved."""
        self.proofs = [step for step in steps if isinstance(step, (Work, Offered))]
        self._left = sum(cost(step) for step in self.proofs)
        self._workers = workers
        self._done = 0
        self._seconds = 0.0
        self.count = 0

    def proved(self, step: Work | Offered, seconds: float) -> None:
        """Take note of a proof."""
        self.count += 1
        self._done += cost(step)
        self._left -= cost(step)
        self._seconds += seconds

    @property
    def seconds_left(self) -> int:
        """Return about how many seconds are left; zero while nothing is known."""
        if not self._done:
            return 0
        return round(self._seconds / self._done * self._left / self._workers)


def cost(step: Work | Offered) -> int:
    """Return what proving a step costs: ranges are padded to a power of two."""
    padded = 1 << (step.range_bits - 1).bit_length() if step.range_bits else 0
    return padded + _FIXED


def clock(seconds: int) -> str:
    """Return seconds as minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02d}"


@dataclass(frozen=True)
class Frame:
    """What a screen needs to know before anything happens."""

    console: Console
    texts: PilotTexts
    quarter: str
    seed: int
    workers: int


class LineScreen:
    """A line now and then, for a file or another program."""

    def __init__(self, frame: Frame) -> None:
        """Show nothing yet."""
        self._frame = frame
        self._estimate = Estimate((), frame.workers)
        self._cars = 0
        self._bundled = 0

    def _say(self, key: str, **values: object) -> None:
        self._frame.console.print(self._frame.texts(key, **values))

    def founded(self, members: int, recipes: int) -> None:
        """Say that the consortium is there."""
        self._say("founded", members=members, recipes=recipes)

    def validating(self, members: Sequence[MemberId]) -> None:
        """Say who runs a validator."""
        self._say("validating", count=len(members), members=", ".join(members))

    def killed(self, member: MemberId, entries: TreeSize) -> None:
        """Say that a validator was killed."""
        self._say("killed", member=member, entries=entries)

    def back(self, member: MemberId, entries: TreeSize) -> None:
        """Say that it was started again."""
        self._say("back", member=member, entries=entries)

    def told(self, story: Story) -> None:
        """Say what is to be proved."""
        self._estimate = Estimate(story.steps, self._frame.workers)
        self._cars = len(story.cars)
        proofs = self._estimate.proofs
        grants = sum(step.chapter is Chapter.RIGHTS for step in proofs)
        self._say(
            "told",
            quarter=self._frame.quarter,
            transforms=len(proofs) - grants,
            grants=grants,
            cars=self._cars,
            seed=self._frame.seed,
        )

    def proved(self, step: Work | Offered, seconds: float) -> None:
        """Print a line for each twentieth."""
        self._estimate.proved(step, seconds)
        done, total = self._estimate.count, len(self._estimate.proofs)
        if done * _LINES // total == (done - 1) * _LINES // total:
            return
        chapter = self._frame.texts(f"chapter.{step.chapter.value}")
        left = clock(self._estimate.seconds_left)
        self._say("progress.line", done=done, all=total, chapter=chapter, left=left)

    def accepted(self, steps: Sequence[Step]) -> None:
        """Show nothing: proofs are what takes time."""

    def bundled(self, product: str) -> None:
        """Print a line when all are there."""
        del product  # the count is what is shown
        self._bundled += 1
        if self._bundled == self._cars:
            self._say("progress.bundled", done=self._bundled, all=self._cars)

    def close(self) -> None:
        """Do nothing."""


class BarScreen(LineScreen):
    """One bar for each chapter and one for everything, on a terminal."""

    def __init__(self, frame: Frame) -> None:
        """Show nothing yet."""
        super().__init__(frame)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=frame.console,
        )
        self._bars: dict[Chapter, TaskID] = {}
        self._all = TaskID(0)
        self._bundles = TaskID(0)

    def told(self, story: Story) -> None:
        """Begin the bars."""
        super().told(story)
        counts = Counter(step.chapter for step in self._estimate.proofs)
        for chapter in Chapter:
            if counts[chapter]:
                self._bars[chapter] = self._bar(f"chapter.{chapter.value}", counts[chapter])
        self._all = self._bar("progress.all", len(self._estimate.proofs))
        self._bundles = self._bar("progress.bundles", self._cars)
        self._progress.start()

    def _bar(self, key: str, total: int) -> TaskID:
        return self._progress.add_task(self._frame.texts(key), total=total, left="")

    def proved(self, step: Work | Offered, seconds: float) -> None:
        """Move the bars."""
        self._estimate.proved(step, seconds)
        self._progress.advance(self._bars[step.chapter])
        left = clock(self._estimate.seconds_left)
        self._progress.update(self._all, advance=1, left=left)

    def bundled(self, product: str) -> None:
        """Move the bar of the bundles."""
        del product  # the count is what is shown
        self._progress.advance(self._bundles)

    def close(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()
