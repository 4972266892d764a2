"""Sending: to the ledger at once, or into the queue while it cannot be written, or round to sign.

A lot that goes into an entry is promised to it from the moment that the entry is finished, so that
no second entry can be made of it; if the ledger refuses the entry, the lot is free again.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.engine.interface import Receipt
from lodeline.engine.refusals import EngineRefused
from lodeline.holder.records import QueuedEntry
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId
from lodeline.ledger.entries import Entry, decode_entry, encode_entry, entry_id
from lodeline.node.holding import Holding
from lodeline.node.requests import Request, completed, missing, needs_consent

__all__ = [
    "QueueOutcome",
    "Queued",
    "Sent",
    "abandon",
    "dispatch",
    "drop_queued",
    "send",
    "send_queued",
]

UNREACHABLE = EngineRefused
"""Refusals that say nothing about the entry: it can be sent later as it is."""


@dataclass(frozen=True)
class Queued:
    """An entry that waits in the vault to be sent."""

    number: int


Sent = Receipt | Queued | Request


@dataclass(frozen=True)
class QueueOutcome:
    """What became of one entry of the queue."""

    queued: QueuedEntry
    outcome: Receipt | LodelineError


def dispatch(own: Holding, request: Request, lots: tuple[LotId, ...], label: str) -> Sent:
    """Promise lots to an entry, then send it, or give the request that others have to sign.

    A lot that is made by an entry still in the queue is not in the vault and cannot be promised.

    Raises:
        LotNotFree: a lot was used or promised meanwhile.
        LodelineError: the ledger refused the entry; the lots are free again.
    """
    identity = entry_id(request.entry)
    own.vault.reserve(tuple(lot for lot in lots if own.vault.holds(lot)), identity)
    if missing(own.session.state, request) or needs_consent(own.session.state, request):
        return request
    return send(own, completed(own.session.state, request), label)


def send(own: Holding, entry: Entry, label: str) -> Receipt | Queued:
    """Send an entry and follow the log, or put it into the queue while nothing can be written.

    Raises:
        LodelineError: the ledger refused the entry; lots promised to it are free again.
    """
    try:
        receipt = own.session.submit(entry)
    except UNREACHABLE:
        return Queued(own.vault.enqueue(encode_entry(entry), label))
    except LodelineError:
        own.vault.release(entry_id(entry))
        raise
    own.update()
    return receipt


def send_queued(own: Holding) -> tuple[QueueOutcome, ...]:
    """Send what waits, first come first; stop where the ledger cannot be written.

    An entry that the ledger refuses leaves the queue, and its lots are free again.

    Raises:
        EngineRefused: nothing can be written; what was sent
            before is sent.
    """
    outcomes: list[QueueOutcome] = []
    for queued in own.vault.pending():
        entry = decode_entry(queued.data)
        outcome: Receipt | LodelineError
        try:
            outcome = own.session.submit(entry)
        except UNREACHABLE:
            if not outcomes:
                raise
            break
        except LodelineError as refusal:
            outcome = refusal
            own.vault.release(entry_id(entry))
        own.vault.mark_sent(queued.number)
        outcomes.append(QueueOutcome(queued, outcome))
    own.update()
    return tuple(outcomes)


def drop_queued(own: Holding, number: int) -> tuple[LotId, ...]:
    """Take an entry from the queue unsent, and free the lots promised to it.

    Raises:
        QueueEntryUnknown: none of this number is waiting.
    """
    data = next((item.data for item in own.vault.pending() if item.number == number), None)
    own.vault.mark_sent(number)
    return () if data is None else own.vault.release(entry_id(decode_entry(data)))


def abandon(own: Holding, request: Request) -> tuple[LotId, ...]:
    """Free the lots promised to a request that will not be signed; return them.

    Whoever has the file can still complete and send it. If the lots are used meanwhile, the ledger
    refuses it.
    """
    return own.vault.release(entry_id(request.entry))
