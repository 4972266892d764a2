"""Verifying many proofs at once with the processors that the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from lodeline.ledger.log import Verify
from lodeline.proofs.batch import Verdict, verify_batch
from lodeline.proofs.task import ProofTask

__all__ = ["proof_workers"]

_WORTHWHILE = 8
"""From so many proofs on, starting processes is quicker than doing without."""


@contextmanager
def proof_workers() -> Iterator[Verify]:
    """Give a function that verifies proofs, in several processes where there are many.

    Processes are started anew (spawn), so that no secret of this process is copied into them.
    """
    workers = os.cpu_count() or 1
    pool: list[ProcessPoolExecutor] = []

    def verify(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
        if workers == 1 or len(tasks) < _WORTHWHILE:
            return verify_batch(tasks)
        if not pool:
            pool.append(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        return verify_batch(tasks, pool[0], workers)

    try:
        yield verify
    finally:
        for running in pool:
            running.shutdown(cancel_futures=True)
