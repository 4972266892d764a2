"""The whole demonstration, from an empty folder to what is shown at the end.

1. found the consortium: keys, tables, sites, recognitions
2. tell the quarter in plain numbers: the seed decides, no key is touched
3. prove, sign and send every step
4. write a bundle for each battery
5. look at one battery as its owner and as a stranger, and ask three companies one question
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lodeline.crypto.entropy import Entropy
from lodeline.custody.forms import FormTable
from lodeline.custody.recipes import Recipe
from lodeline.holder.contents import Contents
from lodeline.kernel.ids import LotId, MemberId, RecipeName, StandardName
from lodeline.ledger.bundle_report import Report
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.verify_bundle import verify_bundle
from lodeline.node.bundles import PUBLIC_READER
from lodeline.node.contents import known_contents
from lodeline.node.granting import tables_of
from lodeline.node.holding import holding
from lodeline.node.session import Session
from lodeline.node.trust import read_trust
from lodeline.node.workspace import read_file
from lodeline.pilot.book import Reference
from lodeline.pilot.bundles import BUNDLES, Car, Counter, bundle_name, make_bundles
from lodeline.pilot.closing import close_quarter, file_weighings
from lodeline.pilot.consortium import Ground, found_pilot, open_ground
from lodeline.pilot.proving import proving_pool
from lodeline.pilot.results import (
    STANDARD_ASKED,
    Answered,
    Happened,
    answer_from,
    happened,
    who_is_asked,
)
from lodeline.pilot.running import Watch, play
from lodeline.pilot.scenario import Scenario
from lodeline.pilot.story import Story, tell
from lodeline.pilot.telling import Scale
from lodeline.pilot.way_back import Station, way_back
from lodeline.proofs.batch import verify_batch

__all__ = ["Ending", "OneCar", "Screen", "Settings", "enacted", "perform"]

_RECYCLED = StandardName("recycled-pre")


class Screen(Watch, Counter, Protocol):
    """Where the demonstration shows how far it is."""

    def founded(self, members: int, recipes: int) -> None:
        """Take note that the consortium is there."""
        ...

    def told(self, story: Story) -> None:
        """Take note of what is to be proved."""
        ...


@dataclass(frozen=True)
class Settings:
    """What the demonstration is asked to do."""

    folder: Path
    scale: Scale
    seed: int
    workers: int


@dataclass(frozen=True)
class OneCar:
    """One battery, as its owner and as a stranger see it."""

    product: str
    holder: MemberId
    owner: str
    """Title of the holder."""
    contents: Contents
    way: Station
    known: dict[LotId, Contents]
    """What the owner's vault knows of the lots on the way."""
    report: Report
    """What a stranger finds in its bundle."""


@dataclass(frozen=True)
class Ending:
    """What is shown when everything is done."""

    happened: Happened
    entries: int
    car: OneCar
    answers: tuple[Answered, ...]
    bundles: tuple[str, ...]
    """File names, in the order of the cars."""
    bundle_bytes: int
    statements: tuple[str, ...]
    """File names of the signed statements of the quarter's close."""
    forms: FormTable
    recipes: Mapping[RecipeName, Recipe]


def perform(settings: Settings, scenario: Scenario, entropy: Entropy, screen: Screen) -> Ending:
    """Run the demonstration and return its ending.

    Raises:
        DemoFolderInUse: the folder is somebody else's.
        LodelineError: a step that cannot be proved, or that the ledger refuses.
    """
    with (
        open_ground(settings.folder, scenario, entropy) as ground,
        proving_pool(settings.workers) as pool,
    ):
        genesis = found_pilot(ground.session, scenario)
        screen.founded(len(genesis.members), len(ground.session.state.tables.recipes))
        return enacted(ground, scenario, settings, pool, screen)


def enacted(
    ground: Ground,
    scenario: Scenario,
    settings: Settings,
    pool: ProcessPoolExecutor,
    screen: Screen,
) -> Ending:
    """Run everything after the founding, on whatever ledger the session has.

    Raises:
        LodelineError: a step that cannot be proved, or that the ledger refuses.
    """
    session = ground.session
    story = tell(scenario, _reference(session, scenario), settings.scale, settings.seed)
    screen.told(story)
    played = play(ground, tables_of(session), story.steps, pool, settings.workers, screen)
    file_weighings(session, scenario, story, played.owned)
    statements = close_quarter(ground, scenario, story)
    cars = tuple(Car(lot, played.owned[lot.name]) for lot in story.cars)
    files = make_bundles(session, cars, pool, screen)
    return Ending(
        happened=happened(story),
        entries=session.ledger.size,
        car=_one_car(session, scenario, _shown_car(cars)),
        answers=tuple(
            answer_from(session, company, STANDARD_ASKED) for company in who_is_asked(scenario)
        ),
        bundles=tuple(path.name for path in files),
        statements=tuple(path.name for path in statements),
        bundle_bytes=sum(path.stat().st_size for path in files),
        forms=session.state.tables.forms,
        recipes=_recipes(session),
    )


def _reference(session: Session, scenario: Scenario) -> Reference:
    addresses = {
        company.member: session.keys(company.member).address for company in scenario.cast.companies
    }
    return Reference(_recipes(session), tables_of(session), session.constants, addresses)


def _recipes(session: Session) -> dict[RecipeName, Recipe]:
    return {record.recipe.name: record.recipe for record in session.state.tables.recipes.values()}


def _shown_car(cars: Sequence[Car]) -> Car:
    """Return the first battery with recycled cobalt, else the first."""
    for car in cars:
        standards = {claim.standard for _, claim in car.plain.contents.claims}
        if _RECYCLED in standards:
            return car
    return cars[0]


def _one_car(session: Session, scenario: Scenario, car: Car) -> OneCar:
    """Look at a battery from both sides: the owner's vault, and the file that anybody can have."""
    owner = car.plain.holder
    with holding(session, owner) as own:
        known = known_contents(own)
    data = read_file(session.workspace.folder / BUNDLES / bundle_name(car.product))
    asked = Asked(session.chain, PUBLIC_READER, session.now())
    report = verify_bundle(data, read_trust(session.workspace.trust), verify_batch, asked)
    return OneCar(
        product=car.product,
        holder=owner,
        owner=scenario.cast[owner].title,
        contents=car.plain.contents,
        way=way_back(session.state, car.owned.lot_id),
        known=known,
        report=report,
    )
