"""Chapter of material from outside the consortium: nickel, manganese and lithium salts.

They come in under an auditor's intake licence, without claims, and every bundle that rests on them
says so. Their emissions are the supplier's average, not primary data.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.custody.strands import Strand
from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.units import Milligrams
from lodeline.pilot.book import Deed
from lodeline.pilot.chemistry import LITHIUM, MANGANESE, NICKEL
from lodeline.pilot.rights import grant_intake
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import Telling

__all__ = ["SALTS", "bring_in"]


@dataclass(frozen=True)
class _Salt:
    form: FormName
    emissions: str
    """Name of the figure."""


SALTS = {
    NICKEL: _Salt(FormName("nickel-sulfate"), "emissions-nickel"),
    MANGANESE: _Salt(FormName("manganese-sulfate"), "emissions-manganese"),
    LITHIUM: _Salt(FormName("lithium-hydroxide"), "emissions-lithium"),
}


def bring_in(
    telling: Telling, month: int, holder: MemberId, amounts: dict[Strand, Milligrams]
) -> tuple[PlainLot, ...]:
    """Bring salts of some metals in, one lot of each, in the order of the metals."""
    return tuple(
        _brought(telling, month, holder, strand, amounts[strand]) for strand in sorted(amounts)
    )


def _brought(
    telling: Telling, month: int, holder: MemberId, strand: Strand, amount: Milligrams
) -> PlainLot:
    intake = grant_intake(telling, month, holder, {strand: amount})
    (lot,) = telling.book.work(
        Deed(
            at=telling.at(month, 2),
            chapter=Chapter.OUTSIDE,
            actor=holder,
            recipe="open-stock",
            inputs=(intake,),
            outputs=(Wish(SALTS[strand].form, amounts={strand: amount}),),
            process=telling.unmeasured(SALTS[strand].emissions, amount),
        )
    )
    return lot
