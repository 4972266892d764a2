"""Chapter of cars: packs, their sale, and each battery put on the market under its identifier."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.pilot.book import Deed
from lodeline.pilot.chemistry import NICKEL, Metals
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import Telling

__all__ = ["assemble_packs", "put_on_market"]


def assemble_packs(
    telling: Telling, at: BlockTime, cells: PlainLot, packs: Sequence[Metals]
) -> tuple[PlainLot, ...]:
    """Assemble one lot of cells to packs; every pack's metals are known."""
    return telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CARS,
            actor=cells.holder,
            recipe="make-pack",
            inputs=(cells,),
            outputs=[Wish(FormName("battery-pack"), amounts=pack) for pack in packs],
            process=telling.emitted("emissions-packs", {NICKEL: cells.contents.amount(NICKEL)}),
        )
    )


def put_on_market(telling: Telling, at: BlockTime, pack: PlainLot, number: int) -> PlainLot:
    """Put one battery on the market; its identifier says whose it is and that it is synthetic."""
    (battery,) = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CARS,
            actor=pack.holder,
            recipe="market-ev-battery",
            inputs=(pack,),
            outputs=(Wish(FormName("ev-battery"), product=product_of(pack.holder, number)),),
        )
    )
    return battery


def product_of(carmaker: MemberId, number: int) -> str:
    """Return the identifier of a carmaker's battery; it also names the battery's bundle."""
    return f"synthetic-{carmaker}-{number:04d}"
