"""Stories without keys: what the seed decides, told with addresses that nobody can open."""

import hashlib
from functools import cache
from importlib import resources

from lodeline.crypto.onetime import Address, SpendPublic
from lodeline.crypto.sealing import ViewPublicKey
from lodeline.custody.tables import load_forms, load_recipes, load_scheme, load_standards
from lodeline.holder.building import Tables
from lodeline.kernel.ids import ElementSymbol, MemberId
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import Constants
from lodeline.pilot.book import Book, Reference
from lodeline.pilot.scenario import Scenario, packaged_scenario
from lodeline.pilot.steps import PlainLot, gives
from lodeline.pilot.story import Story, tell
from lodeline.pilot.telling import parse_scale


@cache
def scenario() -> Scenario:
    return packaged_scenario()


def _shipped(name: str) -> str:
    return resources.files("lodeline.custody").joinpath("data", name).read_text(encoding="utf-8")


def _address(member: MemberId, salt: str) -> Address:
    digest = hashlib.sha384(f"{salt}/{member}".encode()).digest()
    return Address(spend=SpendPublic(digest), view=ViewPublicKey(digest[:32]))


@cache
def reference(salt: str = "") -> Reference:
    told, scheme = scenario(), load_scheme(_shipped("scheme.yaml"))
    constants = Constants(
        told.chain,
        1,
        EntryId(bytes(32)),
        len(told.cast.companies) // 2 + 1,
        scheme.reporting_grace,
        scheme.balance_period.value,
        tuple(ElementSymbol(symbol) for symbol in ("Co", "Cu", "Li", "Mn", "Ni")),
        synthetic=True,
    )
    tables = Tables(
        told.chain, load_forms(_shipped("forms.yaml")), load_standards(_shipped("standards.yaml"))
    )
    recipes = {recipe.name: recipe for recipe in load_recipes(_shipped("recipes.yaml"))}
    addresses = {c.member: _address(c.member, salt) for c in told.cast.companies}
    return Reference(recipes, tables, constants, addresses)


def empty_book() -> Book:
    return Book(reference(), scenario().cast)


@cache
def story(scale: str = "0.05", seed: int = 1, salt: str = "") -> Story:
    return tell(scenario(), reference(salt), parse_scale(scale), seed)


def made(told: Story) -> list[PlainLot]:
    """Every lot that the story makes, in the order of the steps."""
    return [lot for step in told.steps for lot in gives(step)]
