"""A heavy load for validators: many submissions on their way at the same time.

Each submission goes to one validator over its HTTP API, as a member's node sends it, and is counted
when that validator answers that every entry of it is durable. A validator that cannot be reached is
left out; its submissions go to the next one with the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Final

from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.refusals_validators import ValidatorFault
from lodeline.engine.consortium.sending import SubmissionSigner, packs
from lodeline.engine.consortium.wire_http import Refused
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId
from lodeline.kernel.time import BlockTime

__all__ = ["LoadRefused", "Pumped", "enveloped", "pump"]

_AT_ONCE: Final = 2
"""Submissions on their way to each validator: more make longer blocks, not more entries."""
_TRIES: Final = 40
_REST_SECONDS: Final = 0.25


class LoadRefused(LodelineError):
    """An entry of the load that a validator refused, or could not decide."""

    url: str
    reason: str

    code = "bench-load-refused"
    en = "{url} did not take a sound entry: {reason}"
    fr = "{url} n'a pas accepté une écriture valable : {reason}"
    advice_en = "look at the logs in the folder of the measurement"
    advice_fr = "regardez les journaux dans le dossier de la mesure"


@dataclass(frozen=True)
class Pumped:
    """What a load took, in seconds of the monotonic clock."""

    entries: int
    began: float
    ended: float

    @property
    def per_second(self) -> float:
        """Return entries a second, from the first that was sent to the last that was durable."""
        return self.entries / (self.ended - self.began)


def enveloped(
    chain: ChainId, entries: Sequence[bytes], signers: Sequence[SubmissionSigner], day: BlockTime
) -> list[bytes]:
    """Return entries in submissions, as full as they may be, which the signers sign in turn."""
    return [
        signers[number % len(signers)].signed(chain, tuple(entries[place] for place in places), day)
        for number, places in enumerate(packs(entries))
    ]


def pump(
    urls: Sequence[str],
    submissions: Sequence[bytes],
    enough: Event | None = None,
    at_once: int = _AT_ONCE,
) -> Pumped:
    """Hand all submissions in, so many at once to each validator; wait until all are durable.

    ``enough`` ends the load early: what is not on its way yet is left out.

    Raises:
        LoadRefused: an entry was refused, or nobody takes a submission.
    """
    waiting = iter(submissions)
    began = time.monotonic()
    hands = [url for url in urls for _ in range(at_once)]
    with ThreadPoolExecutor(len(hands)) as pool:
        done = [pool.submit(_hand_in, url, urls, waiting, enough or Event()) for url in hands]
        entries = sum(future.result() for future in done)
    return Pumped(entries, began, time.monotonic())


def _hand_in(url: str, urls: Sequence[str], waiting: Iterator[bytes], enough: Event) -> int:
    """Hand in submissions, to one validator while that answers; return how many entries."""
    count = 0
    others = [url, *(other for other in urls if other != url)]
    with closing(_Clients(others)) as clients:
        # One `next` of a list's iterator is one step of the interpreter: no two threads get one.
        for submission in waiting:
            if enough.is_set():
                break
            count += clients.deliver(submission)
    return count


class _Clients:
    """One thread's connections."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._clients = [ValidatorClient(url) for url in urls]

    def deliver(self, submission: bytes) -> int:
        fault: ValidatorFault | None = None
        for _ in range(_TRIES):
            client = self._clients[0]
            try:
                answers = client.submit(submission)
            except ValidatorFault as failed:
                fault = failed
                self._clients.append(self._clients.pop(0))
                time.sleep(_REST_SECONDS)
                continue
            for answer in answers:
                if isinstance(answer, Refused):
                    raise LoadRefused(client.url, answer.detail)
            return len(answers)
        raise LoadRefused(self._clients[0].url, fault.message("en") if fault else "")

    def close(self) -> None:
        for client in self._clients:
            client.close()
