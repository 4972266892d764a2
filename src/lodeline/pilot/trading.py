"""Chapter of trade: export against quota, sale, transport, settlement, blending and splitting."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.custody.strands import Kind
from lodeline.holder.contents import total_amount
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, contained, milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.leaching import parted
from lodeline.pilot.numbers import Wanted
from lodeline.pilot.rights import Rights
from lodeline.pilot.steps import Chapter, PlainLot, Weighing
from lodeline.pilot.telling import COBALT, RESERVE, Telling, inherited, strands_of, tied

__all__ = [
    "blend",
    "export_copper",
    "export_hydroxide",
    "like",
    "settle",
    "split",
    "transport",
]


def like(lot: PlainLot, holder: MemberId | None = None) -> Wanted:
    """Return an output with the numbers of one input."""
    claims = tuple(key for strand in lot.contents.amounts for key in inherited((lot,), strand))
    return Wanted(holder or lot.holder, lot.contents.form, lot.contents.amounts, claims)


def export_hydroxide(telling: Telling, at: BlockTime, lot: PlainLot, rights: Rights) -> PlainLot:
    """Export hydroxide; the quota that is left lapses with its month."""
    leaving = total_amount([lot.contents], (COBALT, RESERVE))
    quota = tied(COBALT, Kind.QUOTA)
    left = milligrams(rights.quota.contents.amount(quota) - leaving)
    exported, _ = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.EXPORT,
            actor=lot.holder,
            recipe="export-cobalt",
            inputs=(lot, rights.quota),
            outputs=(like(lot), Wanted(lot.holder, FormName("quota"), {quota: left})),
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
            outputs=(like(cathode),),
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
            outputs=(like(lot),),
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
    wanted = like(lot)
    amounts = {COBALT: cobalt, RESERVE: milligrams(whole - cobalt)}
    (settled,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.TRADE,
            actor=lot.holder,
            recipe="settle-umpire" if umpire else "settle",
            inputs=(lot,),
            outputs=(Wanted(wanted.holder, wanted.form, amounts, wanted.claims),),
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
    kilogram = 1_000_000
    wet = cobalt * PPM_ONE * PPM_ONE // ((PPM_ONE - moisture) * assay) // kilogram * kilogram
    return Weighing(milligrams(wet), moisture, assay)


# ------------------------------------------------------------------ blending and splitting


def blend(telling: Telling, at: BlockTime, lots: Sequence[PlainLot]) -> PlainLot:
    """Blend lots of one holder into one."""
    contents = [lot.contents for lot in lots]
    strands = strands_of(lots)
    amounts = {strand: total_amount(contents, (strand,)) for strand in strands}
    claims = tuple(key for strand in strands for key in inherited(lots, strand))
    (made,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.TRADE,
            actor=lots[0].holder,
            recipe="blend",
            inputs=lots,
            outputs=(Wanted(lots[0].holder, contents[0].form, amounts, claims),),
        )
    )
    return made


def split(
    telling: Telling, at: BlockTime, lot: PlainLot, part: Milligrams, chapter: Chapter
) -> tuple[PlainLot, PlainLot]:
    """Split a lot in two, the first with so much of its first metal."""
    made = telling.book.work(
        Deed(
            at=at,
            chapter=chapter,
            actor=lot.holder,
            recipe="split",
            inputs=(lot,),
            outputs=parted((lot,), part),
        )
    )
    return made[0], made[1]
