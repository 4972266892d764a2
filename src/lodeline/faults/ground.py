"""Where one fault is tried: a local network with wires, a load, and everybody's keys.

A fault is tried on a network of its own, founded for it. The load runs before, during and after.
What the fault does is timed from its first harm to the moment when it is undone; from then on, the
time to recover runs until every validator is level with the others and the load has a new receipt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import msgspec

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.faults.application import (
    FaultKind,
    Orders,
    faulty_command,
    orders_file,
    trigger_file,
)
from lodeline.faults.cast import CHAIN, WORKS, Cast
from lodeline.faults.faulty import proposal_file
from lodeline.faults.judging import Judged, judge, positions
from lodeline.faults.load import Acknowledged, Load, copy_of
from lodeline.faults.wires import Wires, rewire
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.node.clock import SystemClock
from lodeline.node.consensus_rpc import BlockHeight, ConsensusRpc
from lodeline.node.local_network import (
    LocalChain,
    LocalNetwork,
    LocalValidator,
    NetworkNotThere,
)
from lodeline.node.processes import application_command
from lodeline.node.workspace import write_file

__all__ = ["Fact", "Facts", "Fault", "Ground", "Outcome", "try_fault"]

_POLL_SECONDS: Final = 0.05
_LEVEL_SECONDS: Final = 120.0
_SNAPSHOT_ENTRIES: Final = 150
_BEFORE: Final = 24
"""Receipts before the harm is done."""

Fact = str | int | float
Facts = Mapping[str, Fact]
"""What a fault showed besides what is asked of all: a number or a word each."""


@dataclass
class Ground:
    """A network while a fault is tried on it."""

    network: LocalNetwork
    cast: Cast
    wires: Wires
    folder: Path
    load: Load
    stack: ExitStack
    """What is to be closed with the ground."""
    validators: dict[MemberId, LocalValidator] = field(default_factory=dict)
    """Those that must be level and alike in the end."""
    others: list[Acknowledged] = field(default_factory=list)
    """Receipts besides those of the load."""
    harmed: float = 0.0
    """When the harm began, in seconds of the monotonic clock; as `undone`."""
    undone: float = 0.0

    @classmethod
    @contextmanager
    def open(cls, folder: Path, program: Path, *, is_wired: bool = True) -> Iterator[Self]:
        """Found a network in an empty folder; nothing of it runs yet.

        Raises:
            LodelineError: it cannot be founded.
        """
        entropy = SystemEntropy()
        cast = Cast(entropy)
        chain = LocalChain(CHAIN, SystemClock().now(), snapshot_entries=_SNAPSHOT_ENTRIES)
        with ExitStack() as stack:
            network = stack.enter_context(
                LocalNetwork.found(folder / "validators", program, chain, cast.founders(), entropy)
            )
            wires = stack.enter_context(Wires())
            if is_wired:
                rewire(network, wires)
            copy = copy_of(folder / "load.db", network.urls, network.trust, cast, WORKS)
            stack.callback(copy.close)
            load = Load(copy, cast, WORKS)
            yield cls(network, cast, wires, folder, load, stack, dict(network.validators))

    def copy(self, member: MemberId) -> ConsortiumLedger:
        """Return another member's copy of the ledger; it is closed with the ground.

        Raises:
            LodelineError: its file cannot be made.
        """
        path = self.folder / f"copy-{member}.db"
        copy = copy_of(path, self.network.urls, self.network.trust, self.cast, member)
        self.stack.callback(copy.close)
        return copy

    # ------------------------------------------------------------------ doing harm

    def put_out_of_order(self, member: MemberId, kind: FaultKind) -> LocalValidator:
        """Have a validator run an application that is out of order when it starts next."""
        validator = self.validators[member]
        orders = msgspec.json.encode(Orders(kind))
        write_file(orders_file(validator.home), orders, over=True)
        validator.command = faulty_command(validator.home)
        return validator

    def put_in_order(self, member: MemberId) -> LocalValidator:
        """Have a validator run the real application when it starts next."""
        validator = self.validators[member]
        trigger_file(validator.home).unlink(missing_ok=True)
        validator.command = application_command(validator.home)
        return validator

    def trigger(self, member: MemberId) -> None:
        """Have the fault of a validator out of order happen."""
        self.begin_harm()
        trigger_file(self.validators[member].home).touch()

    def propose(self, member: MemberId, transactions: Sequence[bytes]) -> BlockHeight:
        """Have a validator that proposes anything propose this; return the height once it has.

        Raises:
            NetworkNotThere: it does not come to propose in time.
        """
        trigger = trigger_file(self.validators[member].home)
        given = proposal_file(trigger)
        write_file(given, cbor.encode(list(transactions)), over=True)
        self.trigger(member)
        self.wait(f"{member} proposes", lambda: not trigger.exists())
        return int(given.read_text(encoding="ascii"))

    def begin_harm(self) -> None:
        """Note that harm is done from now on, unless it was before."""
        self.harmed = self.harmed or time.monotonic()

    def end_harm(self) -> None:
        """Note that everything has been undone that could be."""
        self.undone = time.monotonic()

    # ------------------------------------------------------------------ entries of one's own

    def hand_in(self, copy: ConsortiumLedger, entries: Sequence[bytes]) -> None:
        """Have entries accepted beside the load's, and hold the validators to their receipts.

        Raises:
            LodelineError: the refusal of one of them.
        """
        for answer in copy.submit(entries):
            if isinstance(answer, LodelineError):
                raise answer
            got = Acknowledged(answer.index, answer.entry, answer.leaf, time.monotonic())
            self.others.append(got)

    def round(self, height: BlockHeight) -> int:
        """Return the round in which a block was decided, once it is.

        Raises:
            NetworkNotThere: it is not in time.
        """
        observer = next(iter(self.validators.values()))
        self.wait(f"height {height}", lambda: (observer.height() or 0) >= height)
        with ConsensusRpc(observer.rpc) as rpc:
            return rpc.round(height)

    # ------------------------------------------------------------------ waiting

    def wait(self, wanted: str, reached: Callable[[], bool], seconds: float = 60.0) -> float:
        """Return the seconds until something is so.

        Raises:
            NetworkNotThere: it is not so in time.
        """
        begun = time.monotonic()
        while not reached():
            if time.monotonic() - begun >= seconds:
                heights = {name: it.height() for name, it in self.validators.items()}
                found = tuple(f"{name} {height}" for name, height in heights.items())
                raise NetworkNotThere(wanted, round(seconds), found)
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - begun

    def acknowledged(self, more: int = 1, seconds: float = 60.0) -> float:
        """Return the seconds until the load has so many more receipts.

        Raises:
            NetworkNotThere: it has not in time.
            LodelineError: the load has ended.
        """
        known = len(self.load.receipts) + more - 1
        wanted = f"{more} more receipts"
        return self.wait(wanted, lambda: self.load.has_more_than(known), seconds)

    def level(self, members: Iterable[MemberId] | None = None, seconds: float = 120.0) -> float:
        """Return the seconds until validators are as far as all that there are, load or not.

        Raises:
            NetworkNotThere: they are not in time.
        """
        chosen = [self.validators[member] for member in members or self.validators]

        def reached() -> bool:
            highest = max((it.height() or 0 for it in self.validators.values()), default=0)
            return all(
                it.is_running and it.is_following() and (it.height() or 0) + 1 >= highest
                for it in chosen
            )

        return self.wait("all validators level", reached, seconds)

    def comes_back(self, member: MemberId, seconds: float) -> bool:
        """Return whether a validator is level with the others within some seconds."""
        try:
            self.level([member], seconds)
        except NetworkNotThere:
            return False
        return True

    def still(self) -> None:
        """Return once nothing is decided any more and all have the same; the load is stopped.

        Raises:
            NetworkNotThere: it does not come to that.
        """
        size = max((got.index + 1 for got in self.load.receipts), default=0)
        seen: list[dict[MemberId, tuple[int, bytes]]] = []

        def reached() -> bool:
            found = positions(self.validators)
            alike = len(found) == len(self.validators) and len(set(found.values())) == 1
            steady = alike and seen[-1:] == [found]
            seen.append(found)
            return steady

        self.wait(f"all validators still, {size} entries", reached, _LEVEL_SECONDS)


# ------------------------------------------------------------------ one fault


def _nothing(ground: Ground) -> None:
    del ground


@dataclass(frozen=True)
class Fault:
    """A fault that can be tried."""

    name: str
    act: Callable[[Ground], Facts]
    """Does the harm and undoes it, with the load running; calls `begin_harm` and `end_harm`."""
    prepare: Callable[[Ground], None] = _nothing
    """Changes the network before it is started."""
    is_wired: bool = True
    """Whether the validators reach each other by wires, which are slower than without."""


@dataclass(frozen=True)
class Outcome:
    """What came of a fault; there is one only if all that must hold held."""

    fault: str
    judged: Judged
    silence: float
    """Longest time in which the load got no receipt since the harm began, in seconds."""
    recovered: float
    """Seconds from when the harm was undone until all was as before."""
    facts: Facts


def try_fault(fault: Fault, folder: Path, program: Path) -> Outcome:
    """Try a fault in an empty folder.

    Raises:
        ReceiptLost, LogsFork, ValidatorsDisagree: what must never be.
        NetworkNotThere: the network did not recover.
        LodelineError: the load was refused, or a fault could not be done.
    """
    with Ground.open(folder, program, is_wired=fault.is_wired) as ground:
        fault.prepare(ground)
        ground.network.start()
        with ground.load.running():
            ground.acknowledged(_BEFORE)
            facts = fault.act(ground)
            ground.level()
            ground.acknowledged()
            recovered = time.monotonic() - ground.undone
        ground.still()
        judged = judge(ground.validators, [*ground.load.receipts, *ground.others])
        silence = ground.load.longest_silence(ground.harmed)
        return Outcome(fault.name, judged, silence, recovered, facts)
