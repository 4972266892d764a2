"""Documents read by several processes: parsing, checking and hashing use every processor.

Reading is pure, so a worker shares nothing and may die: the document is then read here. Writing
stays with the one process that has the store.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Final

from lodeline.exchange.epcis.errors import EpcisRefused
from lodeline.exchange.epcis.json_in import read_json
from lodeline.node.events.reading import CaptureLimits, Offered, ReadDocument, read_offered

__all__ = ["ReadingPool"]

_SMALL_BYTES: Final = 16 * 1024
"""What is smaller is read at once: handing it over would take as long."""
_EMPTY_EVENT: Final = b'{"type":"ObjectEvent"}'


class ReadingPool:
    """Worker processes that read documents, for `capture_read`.

    Args:
        workers: how many processes; they start at once.
    """

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(
            workers, get_context("forkserver"), initializer=_end_with_parent
        )
        self._warming = [self._pool.submit(_warm) for _ in range(workers)]

    def __call__(self, offered: Offered, limits: CaptureLimits) -> ReadDocument:
        """Read a document, see `read_offered`.

        Raises:
            LodelineError: as `read_offered` does.
        """
        if len(offered.data) < _SMALL_BYTES or len(offered.data) > limits.bytes:
            return read_offered(offered, limits)
        try:
            return self._pool.submit(read_offered, offered, limits).result()
        except BrokenProcessPool:
            # The pool stays broken and documents are read here, slower but no worse.
            return read_offered(offered, limits)

    def wait_until_ready(self) -> None:
        """Wait until the workers have started, for whoever measures."""
        for warming in self._warming:
            warming.result()

    def close(self) -> None:
        """End the workers; documents that are being read are finished first."""
        self._pool.shutdown()


def _end_with_parent() -> None:
    """Let a worker end when whoever started it is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_outlived, args=(parent,), name="parent", daemon=True).start()


def _outlived(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)


def _warm() -> None:
    """Import what reading needs and compile the schema, before the first document waits for it."""
    with suppress(EpcisRefused):
        read_json(_EMPTY_EVENT)
