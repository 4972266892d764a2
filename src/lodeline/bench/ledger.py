"""`lodeline bench ledger`: appending, replaying and opening an embedded ledger on a real disk.

Every entry is signed, every transform proved, every commit synced. Transforms are two lots of
hydroxide stored as two; their proofs are made beforehand and not part of any figure. Beside the
appended transforms stands what verifying their proofs alone takes with the same processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from lodeline.bench.world import NOW, World
from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign, verify
from lodeline.engine.collecting import collect_rarely
from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.engine.interface import Receipt
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import decode_entry, encode_entry
from lodeline.ledger.log import Verify
from lodeline.ledger.tasks import tasks_for
from lodeline.proofs.batch import verify_batch

__all__ = ["LedgerFigures", "bench_ledger"]

_HUNDRED_THOUSAND = 100_000
_SUBMISSION = 10_240
"""Signed entries that are offered together: ten blocks."""
_SIGNATURES = 1_000
"""Signatures whose verification alone is timed."""


@dataclass(frozen=True)
class LedgerFigures:
    """What a ledger does on this machine; rates per second, sizes in bytes."""

    processes: int
    transforms: int
    append_transforms_per_s: float
    verify_alone_per_s: float
    replay_transforms_per_s: float
    bytes_per_transform: float
    signed_entries: int
    append_signed_per_s: float
    signed_main_cpu_us: float
    """Processor time for each signed entry in the process that decides, without the signature."""
    signature_cpu_us: float
    """Processor time for verifying one entry's signature, in whatever process."""
    open_100k_s: float
    open_replayed_entries: int
    state_bytes_per_100k_lots: int


class _FixedClock:
    def now(self) -> BlockTime:
        return NOW


def bench_ledger(
    signed: int = _HUNDRED_THOUSAND,
    waves: int = 25,
    progress: Callable[[str], None] = lambda _: None,
) -> LedgerFigures:
    """Measure with ``signed`` signed entries and four transforms in each wave.

    ``open_100k_s`` and the state's bytes are scaled to 100,000 where fewer entries are asked for.
    """
    processes = os.cpu_count() or 1
    with _pool(processes) as pool, TemporaryDirectory() as folder:
        verify = partial(verify_batch, executor=pool, workers=processes)
        transforms = _transforms(Path(folder), pool, verify, waves, progress)
        signing = _signed(Path(folder), pool, signed, progress)
    scale = _HUNDRED_THOUSAND / signed
    return LedgerFigures(
        processes=processes,
        transforms=transforms.count,
        append_transforms_per_s=_rate(transforms.count, transforms.append_s),
        verify_alone_per_s=_rate(transforms.count, transforms.verify_s),
        replay_transforms_per_s=_rate(transforms.count, transforms.replay_s),
        bytes_per_transform=round(transforms.bytes / transforms.count, 1),
        signed_entries=signed,
        append_signed_per_s=_rate(signed, signing.append_s),
        signed_main_cpu_us=round(signing.main_cpu_s / signed * 10**6, 1),
        signature_cpu_us=round(signing.signatures_cpu_s / _SIGNATURES * 10**6, 1),
        open_100k_s=round(signing.open_s * scale, 3),
        open_replayed_entries=signing.replayed,
        state_bytes_per_100k_lots=round(
            transforms.state_bytes / transforms.lots * _HUNDRED_THOUSAND
        ),
    )


@dataclass(frozen=True)
class _Transforms:
    count: int
    bytes: int
    append_s: float
    verify_s: float
    replay_s: float
    lots: int
    state_bytes: int


def _transforms(
    folder: Path,
    pool: ProcessPoolExecutor,
    verify: Verify,
    waves: int,
    progress: Callable[[str], None],
) -> _Transforms:
    world, clock = World(), _FixedClock()
    ledger = EmbeddedLedger(folder / "transforms.db", clock, verify=verify)
    for entry in world.founding():
        _accept(ledger, [encode_entry(entry)])
    constants = ledger.state().constants
    assert constants is not None  # noqa: S101 - the genesis was accepted just now
    progress("bringing stock onto the ledger")
    opening, lots = world.opening(ledger.state(), constants)
    _accept(ledger, opening)
    progress(f"proving {waves * 4} transforms")
    entries = world.stored(ledger.state(), lots, waves, pool)
    progress("verifying them alone, appending, replaying")
    tasks = tasks_for(ledger.state(), [decode_entry(data) for data in entries])
    verify(tasks[: 4 * (os.cpu_count() or 1)])  # every process has its generators before we time
    verify_s = _timed(partial(verify, tasks))
    before = _state_bytes(folder / "transforms.db", ledger)
    append_s = _timed(partial(_accept, ledger, entries))
    grown = _state_bytes(folder / "transforms.db", ledger) - before
    replay_s = _timed(ledger.replay)
    ledger.close()
    sizes = sum(map(len, entries))
    return _Transforms(
        len(entries), sizes, append_s, verify_s, replay_s, 2 * len(entries), grown - sizes
    )


def _state_bytes(path: Path, ledger: EmbeddedLedger) -> int:
    """Return the bytes of the file with everything moved out of the write-ahead log."""
    ledger.snapshot()
    return sum(item.stat().st_size for item in path.parent.glob(path.name + "*"))


@dataclass(frozen=True)
class _Signed:
    append_s: float
    main_cpu_s: float
    signatures_cpu_s: float
    open_s: float
    replayed: int


def _signed(
    folder: Path, pool: ProcessPoolExecutor, count: int, progress: Callable[[str], None]
) -> _Signed:
    world, clock, path = World(), _FixedClock(), folder / "signed.db"
    ledger = EmbeddedLedger(path, clock, tuning=Tuning(pool=pool))
    for entry in world.founding():
        _accept(ledger, [encode_entry(entry)])
    progress(f"signing {count} entries")
    entries = world.anchors(count)
    progress("appending them")
    parts = [entries[at : at + _SUBMISSION] for at in range(0, count, _SUBMISSION)]
    collect_rarely()
    main_cpu_s = -time.process_time()
    append_s = _timed(partial(_accept_all, ledger, parts))
    main_cpu_s += time.process_time()
    signatures_cpu_s = _signatures_cpu_s()
    ledger.close()
    progress("opening the ledger again")
    started = time.perf_counter()
    again = EmbeddedLedger(path, clock)
    open_s = time.perf_counter() - started
    replayed = again.opened.replayed
    again.close()
    return _Signed(append_s, main_cpu_s, signatures_cpu_s, open_s, replayed)


def _signatures_cpu_s() -> float:
    """Return the processor time of verifying `_SIGNATURES` signatures of entries."""
    key, context = SigningKey.generate(SystemEntropy()), SignatureContext.ENTRY
    messages = [sha256(number.to_bytes(8, "big")).digest() for number in range(_SIGNATURES)]
    signed = [(message, sign(key, context, message)) for message in messages]
    started = time.process_time()
    for message, signature in signed:
        verify(key.public, context, message, signature)
    return time.process_time() - started


def _accept_all(ledger: EmbeddedLedger, parts: list[list[bytes]]) -> None:
    for part in parts:
        _accept(ledger, part)


def _accept(ledger: EmbeddedLedger, entries: list[bytes]) -> None:
    for answer in ledger.submit(entries):
        if not isinstance(answer, Receipt):
            raise answer


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1)
