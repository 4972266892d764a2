"""Real transforms with real proofs from orders in plain words: a small toolkit for tests.

    scene = Scenario()
    ore = scene.lot("copper-cobalt-ore", {"Co": "5 t", "Cu": "20 t"}, emissions="3 t CO2e")
    built = scene.build("split", [ore], [wish("copper-cobalt-ore", {"Co": "1 t"}), ...])

Lots come out of nothing: nobody but the tests' own verifier ever sees them. Tables are the packaged
ones, or those of the vectors, whose numbers are narrow and whose proofs are quick.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from tests.custody import shipped
from vectors import tables as narrow

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import OWNER_BASE
from lodeline.crypto.group import encode_point, random_scalar
from lodeline.crypto.onetime import Address
from lodeline.custody.claims import ClaimName
from lodeline.custody.forms import FormTable
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import StandardTable
from lodeline.custody.strands import Strand
from lodeline.holder.building import (
    BuiltTransform,
    OwnedLot,
    PlannedLot,
    ProcessNumbers,
    Tables,
    commit_lot,
)
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.planner import plan_step
from lodeline.holder.plans import build_step
from lodeline.holder.wishes import ClaimWish, Desk, Order, Step, Supply, Wish, supply_of
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ChainId,
    ElementSymbol,
    FormName,
    Hash32,
    LotId,
    MemberId,
    OneTimeKey,
    SiteId,
    StandardName,
)
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import GramsCO2e, Milligrams, parse_emissions, parse_mass
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import Constants
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.body import PROTOCOL_VERSION, SignerRef
from lodeline.proofs.task import TransformTask

__all__ = [
    "CHAIN",
    "ENTROPY",
    "NARROW",
    "NOW",
    "PACKAGED",
    "SITE",
    "Scenario",
    "claim",
    "wish",
]

CHAIN = ChainId("test.example/scenario")
SITE = SiteId("site-1")
NOW = parse_time("2026-03-10T08:00:00Z")
ENTROPY = SystemEntropy()

Amount = int | str
"""Milligrams (grams of CO2e), or a text with its unit."""


def mass(amount: Amount) -> Milligrams:
    return Milligrams(amount) if isinstance(amount, int) else parse_mass(amount)


def grams(amount: Amount) -> GramsCO2e:
    return GramsCO2e(amount) if isinstance(amount, int) else parse_emissions(amount)


def masses(amounts: Mapping[str, Amount]) -> dict[Strand, Milligrams]:
    return {Strand.parse(name): mass(amount) for name, amount in amounts.items()}


@functools.cache
def holder_keys(name: str = "home") -> HolderKeys:
    del name  # every name has keys of its own
    return HolderKeys.generate((), ENTROPY)


def claim(text: str, amount: Amount | None = None, element: str | None = None) -> ClaimWish:
    """Return a wish for a claim: ``IRMA-75``, or ``IRMA-75/segregated``."""
    named = ClaimName.parse(text) if "/" in text else None
    return ClaimWish(
        StandardName(text) if named is None else named.standard,
        None if named is None else named.model,
        None if element is None else ElementSymbol(element),
        None if amount is None else mass(amount),
    )


def wish(
    form: str,
    amounts: Mapping[str, Amount] | None = None,
    claims: Sequence[str | ClaimWish] | None = None,
    to: Address | None = None,
    product: str | None = None,
) -> Wish:
    """Return a wish for one output; no amounts: the rest, no claims: all that can be kept."""
    wished = (
        None
        if claims is None
        else tuple(claim(item) if isinstance(item, str) else item for item in claims)
    )
    return Wish(FormName(form), to, None if amounts is None else masses(amounts), wished, product)


PACKAGED: Mapping[str, Recipe] = {recipe.name: recipe for recipe in shipped.recipes()}
"""The consortium's recipes, with realistic widths: a proof takes about a second."""
NARROW: Mapping[str, Recipe] = narrow.RECIPES
"""The vectors' recipes: every family, twelve bits wide, a proof takes a tenth of a second."""


class Scenario:
    """A desk with tables and keys, at which lots appear and transforms are proved."""

    def __init__(
        self,
        forms: FormTable | None = None,
        standards: StandardTable | None = None,
        recipes: Mapping[str, Recipe] = PACKAGED,
        now: BlockTime = NOW,
    ) -> None:
        if recipes is NARROW:
            forms, standards = narrow.FORM_TABLE, narrow.STANDARD_TABLE
        self.recipes = recipes
        self.keys = holder_keys("home")
        constants = Constants(
            CHAIN,
            PROTOCOL_VERSION,
            EntryId(bytes(32)),
            1,
            15 * 86_400,
            "quarter",
            (),
            synthetic=True,
        )
        tables = Tables(CHAIN, forms or shipped.forms(), standards or shipped.standards())
        self.desk = Desk(tables, constants, now, self.keys.address)

    # ---------------------------------------------------------------- lots

    def lot(
        self,
        form: str,
        amounts: Mapping[str, Amount],
        claims: Mapping[tuple[str, str], Amount] | None = None,
        *,
        emissions: Amount = 0,
        primary: Amount = 0,
        site: SiteId | None = None,
        product: str | None = None,
    ) -> Supply:
        """Return a lot that nobody made, owned by the desk's holder."""
        is_right = self.desk.form(FormName(form)).form_class.is_right
        borne = {
            (Strand.parse(strand), ClaimName.parse(text)): mass(amount)
            for (strand, text), amount in (claims or {}).items()
        }
        planned = PlannedLot(
            form=FormName(form),
            recipient=self.keys.address,
            amounts={**dict.fromkeys((s for s, _ in borne), Milligrams(0)), **masses(amounts)},
            claims=borne,
            emissions=None if is_right else grams(emissions),
            primary=None if is_right else grams(primary),
            expires=self.desk.constants.right_expiry(self.desk.now) if is_right else None,
            site=site,
            product=product,
        )
        secret = random_scalar(ENTROPY)
        owner = OneTimeKey(encode_point(OWNER_BASE * secret))
        public, opening = commit_lot(planned, CHAIN, owner, ENTROPY)
        return supply_of(OwnedLot(LotId(ENTROPY.bytes(32)), public, opening, secret), site)

    def licence(self, site: SiteId = SITE, **amounts: Amount) -> Supply:
        """Return a licence of a site: ``licence(Co="100 t")``."""
        return self.lot(
            "licence", {f"{element}.licence": mg for element, mg in amounts.items()}, site=site
        )

    def quota(self, site: SiteId = SITE, **amounts: Amount) -> Supply:
        """Return an export quota of a site."""
        return self.lot(
            "quota", {f"{element}.quota": mg for element, mg in amounts.items()}, site=site
        )

    def assurance(self, claims: Mapping[str, Amount], element: str = "Co") -> Supply:
        """Return an assurance of the site: ``assurance({"IRMA-75/segregated": "100 t"})``."""
        strand = f"{element}.assurance"
        return self.lot(
            "assurance", {}, {(strand, text): mg for text, mg in claims.items()}, site=SITE
        )

    def credit(
        self, claims: Mapping[str, Amount], form: str = "credit", site: SiteId | None = SITE
    ) -> Supply:
        """Return a credit over cobalt; book-and-claim credit has no site."""
        return self.lot(
            form, {}, {("Co.credit", text): mg for text, mg in claims.items()}, site=site
        )

    # ---------------------------------------------------------------- steps

    def order(
        self,
        recipe: str,
        inputs: Sequence[Supply] = (),
        wishes: Sequence[Wish] = (),
        process: tuple[Amount, Amount] | None = None,
    ) -> Order:
        """Return an order with the site, and signers in the roles that the recipe asks for."""
        used = self.recipes[recipe]
        at_site = used.needs_site or used.family.value == "grant"
        return Order(
            used,
            tuple(inputs),
            tuple(wishes),
            SITE if at_site else None,
            None if process is None else ProcessNumbers(grams(process[0]), grams(process[1])),
            tuple(SignerRef(MemberId(f"the-{role}"), role) for role in used.co_signers),
        )

    def plan(
        self,
        recipe: str,
        inputs: Sequence[Supply] = (),
        wishes: Sequence[Wish] = (),
        process: tuple[Amount, Amount] | None = None,
    ) -> Step:
        """Return a step with every number filled in."""
        return plan_step(self.desk, self.order(recipe, inputs, wishes, process))

    def build(
        self,
        recipe: str,
        inputs: Sequence[Supply] = (),
        wishes: Sequence[Wish] = (),
        process: tuple[Amount, Amount] | None = None,
    ) -> BuiltTransform:
        """Return a step planned and proved."""
        return self.prove(self.plan(recipe, inputs, wishes, process))

    def prove(self, step: Step) -> BuiltTransform:
        """Return a planned step, proved."""
        return build_step(self.desk, step, ENTROPY)

    def task(self, built: BuiltTransform, step: Step) -> TransformTask:
        """Return what a verifier is handed."""
        spent = tuple(
            supply.source.public for supply in step.inputs if isinstance(supply.source, OwnedLot)
        )
        tables = self.desk.tables
        return TransformTask(
            Hash32(built.transform_id),
            step.recipe,
            tables.forms.all(),
            tables.standards.all(),
            built.body,
            spent,
            built.proof,
        )

    def refusal(self, built: BuiltTransform, step: Step) -> LodelineError | None:
        """Return why a verifier refuses a transform, or nothing."""
        (verdict,) = verify_batch([self.task(built, step)])
        return verdict.refusal
