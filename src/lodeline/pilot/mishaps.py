"""Chapter of mishaps: declined, accepted in part, withdrawn, undone, lost and written off."""

from __future__ import annotations

from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling
from lodeline.pilot.trading import split, transport

__all__ = [
    "accepted_in_part",
    "declined",
    "mistaken_split",
    "truck_lost",
    "withdrawn_offer",
]

_HOUR = 3_600
_POLICY = "Purchasing policy: no artisanal cobalt at this site"
_TOO_MUCH = "More than was ordered; please offer the ordered part"


def declined(telling: Telling, at: BlockTime, lot: PlainLot, buyer: MemberId) -> None:
    """Offer a lot to somebody whose purchasing policy refuses it; it stays where it is."""
    offered = telling.book.offer(at, Chapter.MISHAPS, (lot,), buyer)
    telling.book.decline(BlockTime(at + 5 * _HOUR), offered, _POLICY)


def accepted_in_part(
    telling: Telling, at: BlockTime, lot: PlainLot, buyer: MemberId, ordered: Milligrams
) -> tuple[PlainLot, PlainLot]:
    """Deliver more than was ordered: declined, split, offered again; return sold part and rest."""
    offered = telling.book.offer(at, Chapter.MISHAPS, (lot,), buyer)
    telling.book.decline(BlockTime(at + 4 * _HOUR), offered, _TOO_MUCH)
    part, rest = split(telling, BlockTime(at + 6 * _HOUR), lot, ordered, Chapter.MISHAPS)
    (sold,) = telling.book.sell(BlockTime(at + 8 * _HOUR), Chapter.MISHAPS, (part,), buyer)
    return sold, rest


def withdrawn_offer(telling: Telling, at: BlockTime, lot: PlainLot, buyer: MemberId) -> None:
    """Offer a lot and take the offer back before anybody answers."""
    offered = telling.book.offer(at, Chapter.MISHAPS, (lot,), buyer)
    telling.book.withdraw(BlockTime(at + 6 * _HOUR), offered)


def mistaken_split(
    telling: Telling, at: BlockTime, lot: PlainLot, part: Milligrams
) -> tuple[PlainLot, PlainLot]:
    """Split a lot with a slip of the pen, undo that, and split it as it was meant."""
    slipped = milligrams(part // 10)
    wrong = split(telling, at, lot, slipped, Chapter.MISHAPS)
    (again,) = telling.book.reverse(BlockTime(at + 2 * _HOUR), wrong)
    return split(telling, BlockTime(at + 4 * _HOUR), again, part, Chapter.MISHAPS)


def truck_lost(telling: Telling, at: BlockTime, lot: PlainLot) -> PlainLot:
    """Send a lot on two trucks, of which one burns; return what arrives."""
    half = milligrams(lot.contents.amount(COBALT) // 2)
    arriving, burnt = split(telling, at, lot, half, Chapter.MISHAPS)
    telling.book.work(
        Deed(
            at=BlockTime(at + 12 * _HOUR),
            chapter=Chapter.MISHAPS,
            actor=lot.holder,
            recipe="write-off",
            inputs=(burnt,),
            outputs=(),
        )
    )
    return transport(telling, BlockTime(at + 40 * _HOUR), arriving)
