"""Chapter of trade: export against quota, transport, settlement, blending and splitting."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.holder.contents import total_amount
from lodeline.holder.wishes import Wish
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, contained, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.rights import Rights
from lodeline.pilot.steps import Chapter, PlainLot, Weighing
from lodeline.pilot.telling import COBALT, KILOGRAM, RESERVE, Telling

__all__ = ["blend", "export_copper", "export_hydroxide", "settle", "split", "transport"]


def _all_of(lot: PlainLot) -> tuple[Wish, ...]:
    """Return one output that takes everything."""
    return (Wish(lot.contents.form),)


def export_hydroxide(telling: Telling, at: BlockTime, lot: PlainLot, rights: Rights) -> PlainLot:
    """Export hydroxide; the quota that is left lapses with its month."""
    exported, *_ = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.EXPORT,
            actor=lot.holder,
            recipe="export-cobalt",
            inputs=(lot, rights.quota),
            outputs=_all_of(lot),
        )
    )
    return exported


def export_copper(telling: Telling, at: BlockTime, cathode: PlainLot) -> PlainLot:
    """Export copper cathode, for which there is no quota."""
    (exported,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.EXPORT,
            actor=cathode.holder,
            recipe="export-copper",
            inputs=(cathode,),
            outputs=_all_of(cathode),
        )
    )
    return exported


def transport(telling: Telling, at: BlockTime, lot: PlainLot) -> PlainLot:
    """Bring a lot to its new holder, who is the carrier, with the journey's emissions."""
    (arrived,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.TRADE,
            actor=lot.holder,
            recipe="transport",
            inputs=(lot,),
            outputs=_all_of(lot),
            process=telling.emitted("emissions-transport", {COBALT: lot.contents.amount(COBALT)}),
            signers={"carrier": lot.holder},
        )
    )
    return arrived


# ------------------------------------------------------------------ settlement


def settle(
    telling: Telling, at: BlockTime, lot: PlainLot, seller: MemberId, *, umpire: bool = False
) -> PlainLot:
    """Settle a lot on the buyer's weight and assay, or on an umpire's.

    What the buyer finds beyond the seller's figure comes out of the measurement reserve, and what
    he misses goes back into it, so the sum never grows.
    """
    stated = _weighed(telling, lot.contents.amount(COBALT))
    found = _weighed(telling, _found_by_buyer(telling, lot.contents.amount(COBALT)))
    whole = total_amount([lot.contents], (COBALT, RESERVE))
    cobalt = min(contained(found.wet, found.moisture, found.assay), whole)
    (settled,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.TRADE,
            actor=lot.holder,
            recipe="settle-umpire" if umpire else "settle",
            inputs=(lot,),
            outputs=(Wish(lot.contents.form, amounts={COBALT: cobalt}),),
            signers={"counterparty": seller},
            weighings=(stated, found),
        )
    )
    return settled


def _found_by_buyer(telling: Telling, stated: Milligrams) -> Milligrams:
    most = telling.figures.share("weighing-difference")
    return milligrams(stated * (PPM_ONE + telling.dice.randint(-most, most)) // PPM_ONE)


def _weighed(telling: Telling, cobalt: Milligrams) -> Weighing:
    """Return what weighbridge and laboratory print for so much cobalt: wet weight to the kilo."""
    moisture = telling.figures.share("hydroxide-moisture")
    assay = telling.figures.share("hydroxide-cobalt")
    wet = cobalt * PPM_ONE * PPM_ONE // ((PPM_ONE - moisture) * assay) // KILOGRAM * KILOGRAM
    return Weighing(milligrams(wet), moisture, assay)


# ------------------------------------------------------------------ blending and splitting


def blend(telling: Telling, at: BlockTime, lots: Sequence[PlainLot]) -> PlainLot:
    """Blend lots of one holder into one."""
    (made,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.TRADE,
            actor=lots[0].holder,
            recipe="blend",
            inputs=lots,
            outputs=_all_of(lots[0]),
        )
    )
    return made


def split(
    telling: Telling, at: BlockTime, lot: PlainLot, part: Milligrams, chapter: Chapter
) -> tuple[PlainLot, PlainLot]:
    """Split a lot in two, the first with so much cobalt."""
    first, second = telling.book.work(
        Deed(
            at=at,
            chapter=chapter,
            actor=lot.holder,
            recipe="split",
            inputs=(lot,),
            outputs=(Wish(lot.contents.form, amounts={COBALT: part}), *_all_of(lot)),
        )
    )
    return first, second
