"""A member that drowns the others in garbage, with a validator of its own that lets it all in.

Three kinds at once: bytes that are nothing at all, from its validator to all the others; sound
envelopes around entries with wrong proofs, which cost an honest validator their verification; and
the same handed to the others' HTTP APIs. Measured is what the other members get accepted meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import httpx
import msgspec
from msgspec import structs

from lodeline.engine.consortium.client import Patience, ValidatorClient
from lodeline.engine.consortium.refusals_validators import ValidatorFault
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.faults.application import FaultKind
from lodeline.faults.cast import AUDITOR, CHAIN, VALIDATING, Cast
from lodeline.faults.ground import Facts, Fault, Ground
from lodeline.faults.load import Load
from lodeline.ledger.entries import Transform, decode_entry, encode_entry

__all__ = ["FLOODS"]

_FLOODER: Final = VALIDATING[3]
_MEASURED_SECONDS: Final = 20.0
_LARGEST: Final = 50_000
_VARIANTS: Final = 64
_BATCH: Final = 128
_PAUSE_SECONDS: Final = 0.01


@dataclass
class _Flood:
    """Threads that hand garbage in, a hundred pieces a second each where they are taken."""

    sources: Sequence[Callable[[], int]]
    """Each hands something in and returns how many bytes."""
    pieces: int = 0
    size: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._run, args=(source,), daemon=True)
            for source in self.sources
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._end.set()
            for thread in threads:
                thread.join()

    def _run(self, source: Callable[[], int]) -> None:
        while not self._end.wait(_PAUSE_SECONDS):
            size = source()
            with self._lock:
                self.pieces, self.size = self.pieces + 1, self.size + size


def flood(ground: Ground) -> Facts:
    """Measure what another member gets accepted, without a flood and in one."""
    copy = ground.copy(AUDITOR)
    copy.refresh()
    ground.hand_in(copy, [ground.cast.licence(copy.state())])
    entries, lots = ground.cast.opening(copy.state())
    ground.hand_in(copy, entries)
    bad = ground.cast.badly_proved(copy.state(), lots)
    envelopes = _envelopes(ground.cast, bad)
    load = Load(copy, ground.cast, AUDITOR, batch=_BATCH, pause=0.0)
    garbage = _Flood(_sources(ground, envelopes))
    with load.running():
        without = _rate(ground, load)
        ground.trigger(_FLOODER)
        with garbage.running():
            during = _rate(ground, load)
        ground.end_harm()
    ground.others += load.receipts
    return {
        "accepted_per_second_before": round(without),
        "accepted_per_second_in_the_flood": round(during),
        "garbage_pieces": garbage.pieces,
        "garbage_megabytes": round(garbage.size / 1e6, 1),
    }


def _rate(ground: Ground, load: Load) -> float:
    """Return what a load gets accepted per second, over some seconds from its next receipt on."""
    known = len(load.receipts)
    ground.wait("a receipt", lambda: load.has_more_than(known))
    begun = time.monotonic()
    until = begun + _MEASURED_SECONDS
    ground.wait("the measurement is over", lambda: time.monotonic() >= until)
    return load.rate(begun, until)


def _envelopes(cast: Cast, bad: bytes) -> list[bytes]:
    """Return sound envelopes around entries with wrong proofs, no two of them alike."""
    entry = decode_entry(bad)
    assert isinstance(entry, Transform)  # noqa: S101 - for the type checker: it is
    signer = MemberSigner(_FLOODER, cast.signing(_FLOODER))
    made = []
    for number in range(_VARIANTS):
        notes = tuple(bytes([number, *note[1:]]) for note in entry.notes)
        changed = structs.replace(entry, notes=notes)
        made.append(signer.signed(CHAIN, (encode_entry(changed),), None))
    return made


def _sources(ground: Ground, envelopes: Sequence[bytes]) -> list[Callable[[], int]]:
    rpc = httpx.Client(base_url=ground.validators[_FLOODER].rpc, timeout=10.0, trust_env=False)
    ground.stack.callback(rpc.close)
    other = next(it for member, it in ground.validators.items() if member != _FLOODER)
    api = ValidatorClient(other.api, Patience(decide=5.0))
    ground.stack.callback(api.close)
    each, again = cycle(envelopes), cycle(envelopes)

    def nothing() -> int:
        return _gossip(rpc, os.urandom(1 + int.from_bytes(os.urandom(2), "big") % _LARGEST))

    def wrongly_proved() -> int:
        return _gossip(rpc, next(each))

    def handed_in() -> int:
        data = next(again)
        try:
            api.submit(data)
        except ValidatorFault:
            return len(data)  # that it is refused is what is to be expected
        return len(data)

    return [nothing, wrongly_proved, handed_in]


def _gossip(rpc: httpx.Client, data: bytes) -> int:
    """Put bytes into the flooder's own waiting room, from where they go to all the others."""
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "broadcast_tx_async",
        "params": {"tx": b64encode(data).decode("ascii")},
    }
    rpc.post("/", content=msgspec.json.encode(asked))
    return len(data)


def _unchecked(ground: Ground) -> None:
    ground.put_out_of_order(_FLOODER, FaultKind.CHECK_NOTHING)


FLOODS: Final = (Fault("flood", flood, _unchecked, is_wired=False),)
