"""After the quarter: what was weighed goes into the vaults, and the refiners close their accounts.

Vaults are made of keystore and log alone, as each company would make its own; weights and assays
were never on the ledger and are filed beside. A refiner's statement says in words that it cannot
prove completeness; it is signed and anchored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lodeline.holder.building import OwnedLot
from lodeline.holder.records import AssayFact, LotFacts
from lodeline.kernel.ids import MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, milligrams
from lodeline.node.holding import Holding, holding
from lodeline.node.periods import close_period
from lodeline.node.session import Session
from lodeline.pilot.companies import CompanyKind
from lodeline.pilot.consortium import Ground
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.steps import LotName, Weighing, Work
from lodeline.pilot.story import Story
from lodeline.pilot.telling import COBALT

__all__ = ["STATEMENTS", "close_quarter", "file_weighings"]

STATEMENTS = "statements"
_HOUR = 3_600
_LABORATORY = "refaudit"
_METHOD = "ICP-OES (synthetic)"


def file_weighings(
    session: Session, scenario: Scenario, story: Story, owned: Mapping[LotName, OwnedLot]
) -> int:
    """File weights and assays of settled lots with the traders who hold them; return how many."""
    filed = 0
    for trader in scenario.cast.of_kind(CompanyKind.TRADER):
        works = [
            step
            for step in story.steps
            if isinstance(step, Work) and step.weighings and step.actor == trader.member
        ]
        with holding(session, trader.member) as own, own.vault.change():
            for work in works:
                _file(own, owned[work.outputs[0].name], work.weighings)
        filed += len(works)
    return filed


def _file(own: Holding, lot: OwnedLot, weighings: Sequence[Weighing]) -> None:
    """File the buyer's weight and assay, and the seller's as a remark."""
    stated, found = weighings
    own.vault.record_facts(
        lot.lot_id,
        LotFacts(
            net=found.wet,
            moisture=found.moisture,
            assays=(AssayFact(COBALT.element, found.assay, _METHOD, _LABORATORY),),
            remark=f"synthetic; the seller stated {stated.wet} mg wet",
        ),
    )


def close_quarter(ground: Ground, scenario: Scenario, story: Story) -> tuple[Path, ...]:
    """Close the refiners' quarter against counted stock; return the signed statements.

    Raises:
        LodelineError: as `node.periods.close_period`.
    """
    period = scenario.quarter
    ground.clock.move_to(BlockTime(period.end + _HOUR))
    folder = ground.session.workspace.folder / STATEMENTS
    written = []
    for refiner in scenario.cast.of_kind(CompanyKind.REFINER):
        counted = {COBALT.element: _stock(story, refiner.member)}
        with holding(ground.session, refiner.member) as own:
            close_period(own, refiner.site, period, counted, folder)
        written.append(folder / f"{refiner.site}-{period.label()}.json")
    return tuple(written)


def _stock(story: Story, member: MemberId) -> Milligrams:
    """Return the cobalt that a company's people find at the quarter's end."""
    lots = story.book.unspent(member)
    return milligrams(sum(lot.contents.amount(COBALT) for lot in lots))
