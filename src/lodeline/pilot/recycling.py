"""Chapter of recycling: production scrap comes back as salts that bear `recycled-pre`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.custody.strands import Strand
from lodeline.holder.contents import total_amount
from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.chemistry import LITHIUM, MANGANESE, NICKEL
from lodeline.pilot.figures import share_of
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import COBALT, Telling

__all__ = ["Recycled", "recycle", "recycled_amounts"]

_FORMS = {
    COBALT: FormName("cobalt-sulfate"),
    LITHIUM: FormName("lithium-carbonate"),
    MANGANESE: FormName("manganese-sulfate"),
    NICKEL: FormName("nickel-sulfate"),
}


@dataclass(frozen=True)
class Recycled:
    """The salts that came of scrap."""

    salts: dict[Strand, PlainLot]


def recycled_amounts(telling: Telling, scrap: Sequence[PlainLot]) -> dict[Strand, Milligrams]:
    """Return what recycling some scrap gives of each metal."""
    contents = [lot.contents for lot in scrap]
    share = telling.figures.share("recycling-yield")
    return {strand: share_of(total_amount(contents, (strand,)), share) for strand in sorted(_FORMS)}


def recycle(
    telling: Telling, at: BlockTime, scrap: Sequence[PlainLot], assurance: PlainLot
) -> Recycled:
    """Recycle scrap; the cobalt bears the recycler's claim, and what it bore before."""
    amounts = recycled_amounts(telling, scrap)
    made = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.RECYCLING,
            actor=scrap[0].holder,
            recipe="recycle-scrap-to-sulfate",
            inputs=(*scrap, assurance),
            outputs=[
                Wish(_FORMS[strand], amounts={strand: amount}) for strand, amount in amounts.items()
            ],
            process=telling.emitted("emissions-recycling", amounts),
        )
    )
    return Recycled(dict(zip(amounts, made[: len(amounts)], strict=True)))
