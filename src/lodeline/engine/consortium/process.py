"""The application process of a validator: ledger, workers, ABCI server and members' interface.

    python -m lodeline.engine.consortium HOME

It runs until it is asked to end (SIGTERM, SIGINT) or the application fails. In the second case it
ends with an error and the consensus engine with it; whoever supervises them starts both again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Final

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.abci.server import AbciServer
from lodeline.engine.consortium.api import serve
from lodeline.engine.consortium.application import ConsortiumApplication, Limits
from lodeline.engine.consortium.checking import CheckTools
from lodeline.engine.consortium.founding import Founding, read_founding
from lodeline.engine.consortium.misbehaviour import MisbehaviourBook, misbehaviour_file
from lodeline.engine.consortium.outcomes import Outcomes
from lodeline.engine.consortium.reading import Submissions
from lodeline.engine.consortium.refusals import SettingsNotRead
from lodeline.engine.consortium.replica import USUAL, Replica, ReplicaTuning
from lodeline.engine.consortium.rules import BlockRules
from lodeline.engine.consortium.settings import ValidatorHome, ValidatorSettings, read_settings
from lodeline.engine.consortium.snapshot_desk import SnapshotDesk
from lodeline.engine.consortium.snapshots import Snapshots, SnapshotSigner
from lodeline.engine.consortium.verdicts import ProofDesk
from lodeline.engine.interface import CheckpointSigners
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime, block_time
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.log import Verify
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.proofs.batch import Verdict, verify_batch
from lodeline.proofs.task import ProofTask

__all__ = ["Kind", "RunningApplication", "SystemClock", "main", "workers"]

Kind = Callable[[Replica, Founding, CheckTools, Limits, SnapshotDesk], ConsortiumApplication]
"""Makes the application of a ledger."""

_WORTHWHILE: Final = 4
"""From so many proofs on, handing them to other processes is quicker than verifying them here."""
_FAILED: Final = 1
_MISUSED: Final = 2
_POLL_SECONDS: Final = 0.5


class SystemClock:
    """The machine's clock, in whole seconds since 1970 (POSIX)."""

    def now(self) -> BlockTime:
        """Return the time of day.

        Raises:
            TimeOutOfRange: the machine's clock is set before 1970.
        """
        return block_time(int(time.time()))


# ------------------------------------------------------------------ workers


@dataclass(frozen=True)
class Workers:
    """Processes that verify, and the function that uses them for proofs."""

    pool: Executor | None
    """For signatures; nothing where there is one process, which proofs are better for."""
    verify: Verify


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Give processes that verify proofs and signatures; they end with this one, however it ends.

    They are started anew (spawn), so that no secret of this process is copied into them.
    """
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_end_with_parent
    ) as pool:

        def verify(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
            if len(tasks) < _WORTHWHILE:
                return verify_batch(tasks)
            return verify_batch(tasks, pool, count)

        yield Workers(pool if count > 1 else None, verify)


def _end_with_parent() -> None:
    """Have a worker end when the process that started it is gone, killed perhaps."""
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        Thread(target=lambda: (wait([sentinel]), os._exit(_FAILED)), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides


# ------------------------------------------------------------------ one validator


class RunningApplication:
    """A validator's application with everything around it, from its construction to `close`."""

    def __init__(
        self,
        home: ValidatorHome,
        kind: Kind = ConsortiumApplication,
        tuning: ReplicaTuning = USUAL,
    ) -> None:
        """Open the ledger and listen.

        ``kind`` and ``tuning`` are others than the usual ones where faults are tried.

        Raises:
            NoValidatorHere, SettingsNotRead, FoundingMalformed: a file of the home is missing or
                wrong.
            LedgerHasWriter, LedgerDamaged, …: the ledger cannot be used.
            AbciAddressRefused, AbciAddressUnusable: the consensus engine cannot be served.
            OSError: the address of the members' interface is taken.
        """
        settings = read_settings(home.settings)
        founding = read_founding(_file(home.founding))
        with ExitStack() as stack:
            found = stack.enter_context(workers(settings.workers or os.cpu_count() or 1))
            key = _checkpoint_key(home)
            signers = _signers(settings, key)
            self.replica = Replica(home.ledger, verify=found.verify, signers=signers, tuning=tuning)
            stack.callback(self.replica.close)
            tools = CheckTools(
                rules=BlockRules.of(founding),
                submissions=Submissions(),
                proofs=ProofDesk(found.verify, found.pool),
                outcomes=Outcomes(),
                clock=SystemClock(),
                steady=time.monotonic,
                caught=MisbehaviourBook(misbehaviour_file(home)).note,
            )
            limits = Limits(settings.quota_bytes, settings.retain_blocks)
            signer = SnapshotSigner(settings.chain, settings.member, key)
            snapshots = Snapshots(home.snapshots, settings.snapshot_entries, signer)
            stack.callback(snapshots.wait)
            desk = SnapshotDesk(snapshots, founding, home.incoming, _listed(settings))
            self.application = kind(self.replica, founding, tools, limits, desk)
            self.api = serve(home, settings, self.replica, tools.outcomes, snapshots.statement)
            self.api.start()
            stack.callback(self.api.stop)
            self.server = stack.enter_context(AbciServer(settings.abci, self.application))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Stop listening, then release the ledger and end the workers."""
        self._stack.close()


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as refused:
        reason = refused.strerror or type(refused).__name__
        raise SettingsNotRead(str(path), reason) from refused


def _checkpoint_key(home: ValidatorHome) -> SigningKey:
    try:
        return SigningKey(bytes.fromhex(_file(home.checkpoint_key).decode("ascii").strip()))
    except ValueError as refused:
        raise SettingsNotRead(str(home.checkpoint_key), "no seed in hexadecimal") from refused


def _signers(settings: ValidatorSettings, key: SigningKey) -> CheckpointSigners:
    verifier = VerifierKey(KeyName(f"{settings.chain}/{settings.member}"), key.public)
    return CheckpointSigners(Origin(settings.chain), ((verifier, key.sign_frame),))


def _listed(settings: ValidatorSettings) -> frozenset[Hash32]:
    return frozenset(Hash32(bytes.fromhex(digest)) for digest in settings.accept_snapshots)


def main(
    arguments: Sequence[str],
    opened: Callable[[ValidatorHome], RunningApplication] = RunningApplication,
) -> int:
    """Run a validator's application until it is asked to end; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m lodeline.engine.consortium HOME\n")
        return _MISUSED
    asked = Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        running = opened(ValidatorHome(Path(arguments[0])))
    except (LodelineError, OSError) as refused:
        sys.stderr.write(f"{refused}\n")
        return _FAILED
    try:
        while not asked.is_set() and not running.server.failed.wait(_POLL_SECONDS):
            pass
    finally:
        running.close()
    failure = running.server.failure
    if isinstance(failure, LodelineError):
        # After the trace: whoever reads the log's last lines needs to know what to do.
        sys.stderr.write(f"{failure.message('en')}\n{failure.advice('en')}\n")
    return _FAILED if running.server.failed.is_set() else 0
