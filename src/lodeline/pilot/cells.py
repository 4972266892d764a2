"""Chapter of cells: lots of cells for the pack lines, and the scrap."""

from __future__ import annotations

from collections.abc import Sequence

from lodeline.holder.wishes import Wish
from lodeline.kernel.ids import FormName
from lodeline.kernel.time import BlockTime
from lodeline.pilot.book import Deed
from lodeline.pilot.chemistry import NICKEL, Metals, Run, added, less
from lodeline.pilot.figures import share_of
from lodeline.pilot.steps import Chapter, PlainLot
from lodeline.pilot.telling import Telling

__all__ = ["in_groups", "make_cells"]


def in_groups(packs: Sequence[Metals], size: int) -> tuple[tuple[Metals, ...], ...]:
    """Return packs in groups of at most ``size``, as they are assembled."""
    return tuple(tuple(packs[start : start + size]) for start in range(0, len(packs), size))


def make_cells(
    telling: Telling, at: BlockTime, run: Run, cathode: PlainLot, group: int
) -> tuple[tuple[PlainLot, ...], PlainLot]:
    """Make the cells of a run, one lot for each group of packs; return them and the scrap."""
    unexplained = telling.figures.share("cell-unexplained")
    lost = {strand: share_of(amount, unexplained) for strand, amount in run.cathode.items()}
    scrap = less(less(run.cathode, run.cells), lost)
    lots = [
        Wish(FormName("battery-cells"), amounts=added(packs))
        for packs in in_groups(run.packs, group)
    ]
    *cells, rejected = telling.book.work(
        Deed(
            at=at,
            chapter=Chapter.CELLS,
            actor=cathode.holder,
            recipe="make-cells",
            inputs=(cathode,),
            outputs=(*lots, Wish(FormName("cell-scrap"), amounts=scrap)),
            process=telling.emitted("emissions-cells", {NICKEL: run.cathode[NICKEL]}),
        )
    )
    return tuple(cells), rejected
