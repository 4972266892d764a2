"""Who may vouch for what: each role another member, and no independent for its own site."""

import pytest
from msgspec import structs
from tests.ledger.world import ENTROPY, RECIPES, Party, World

from lodeline.crypto.signatures import SigningKey
from lodeline.custody.expansion import recipe_digest
from lodeline.kernel.ids import MemberId, Role, SiteId
from lodeline.kernel.time import parse_time
from lodeline.ledger.change import Change
from lodeline.ledger.entries import AdmitMember, Recognise, RegisterSite
from lodeline.ledger.records import RecipeRecord
from lodeline.ledger.refusals_transforms import SignerInTwoRoles, SignerNotIndependent
from lodeline.ledger.tables import Adopted
from lodeline.proofs.body import SignerRef

MINING = "mine-copper-cobalt"
OWN_SITE = SiteId("mine-9")


@pytest.fixture
def world() -> World:
    return World("grant-licence", "grant-intake", "open-stock", MINING)


def _owning(world: World, *roles: str) -> Party:
    """Admit a company with these roles, and hand it a site of its own."""
    owner = Party("owner", roles, votes=False)
    world.parties["owner"] = owner
    world.facilities[OWN_SITE] = SigningKey.generate(ENTROPY)
    until = parse_time("2026-12-31T23:59:59Z")
    rights = [Recognise(owner.id, None, right, until) for right in ("intake", "licence")]
    site = RegisterSite(world.site_record(OWN_SITE, "owner"))
    world.apply(world.govern(AdmitMember(owner.member), site, *rights))
    return owner


def _seen_by(weighbridge: str) -> tuple[SignerRef, ...]:
    return (
        SignerRef(MemberId(weighbridge), Role("weighbridge")),
        SignerRef(MemberId("meters"), Role("energy-auditor")),
    )


def test_one_company_weighs_and_audits_the_energy(world: World) -> None:
    """One that holds both roles vouches alone for what two should have seen."""
    both = Party("both", ("energy-auditor", "weighbridge"), votes=False)
    world.parties["both"] = both
    world.apply(world.govern(AdmitMember(both.member)))
    licence = world.granted()
    roles = ("weighbridge", "energy-auditor")
    signers = tuple(SignerRef(both.id, Role(role)) for role in roles)
    entry = world.make(MINING, [licence], [world.ore()], signers=signers)
    world.refused(entry, SignerInTwoRoles, member="both", roles=roles)
    world.does(MINING, [licence], [world.ore()], signers=_seen_by("both"))


def test_an_auditor_lets_stock_in_at_its_own_site(world: World) -> None:
    owner = _owning(world, "auditor")
    lot = world.paper("intake", {"Co.licence": ()}, expires=world.right_expiry())
    itself = (SignerRef(owner.id, Role("auditor")),)
    grant = world.make("grant-intake", [], [lot], site=OWN_SITE, signers=itself)
    world.refused(grant, SignerNotIndependent, member="owner", role="auditor", site=OWN_SITE)
    (granted,) = world.does("grant-intake", [], [lot], site=OWN_SITE)
    stock = [world.paper("cobalt-hydroxide", {"Co": ()})]
    opened = world.make("open-stock", [granted], stock, site=OWN_SITE, signers=itself)
    world.refused(opened, SignerNotIndependent, member="owner", role="auditor", site=OWN_SITE)
    world.does("open-stock", [granted], stock, site=OWN_SITE)


def test_a_state_mine_is_licensed_by_its_owner(world: World) -> None:
    owner = _owning(world, "authority")
    signers = (SignerRef(owner.id, Role("authority")),)
    world.does("grant-licence", [], [world.licence()], site=OWN_SITE, signers=signers)


@pytest.mark.parametrize("role", ["authority", "umpire"])
def test_an_operator_as_its_own_witness(world: World, role: str) -> None:
    owner = _owning(world, role, "weighbridge")
    second = structs.replace(
        RECIPES[MINING],
        name="mine-witnessed",
        co_signers=(Role("weighbridge"), Role("energy-auditor"), Role(role)),
    )
    world.state.commit(
        Change(
            adopted=Adopted(recipes={recipe_digest(second): RecipeRecord(second, retired=False)})
        )
    )
    (licence,) = world.does("grant-licence", [], [world.licence()], site=OWN_SITE)
    witness = (SignerRef(owner.id, Role(role)),)
    entry = world.make(
        MINING,
        [licence],
        [world.ore()],
        recipe=recipe_digest(second),
        site=OWN_SITE,
        signers=(*_seen_by("works"), *witness),
    )
    world.refused(entry, SignerNotIndependent, member="owner", role=role, site=OWN_SITE)


def test_a_mine_has_its_own_weighbridge(world: World) -> None:
    owner = _owning(world, "weighbridge")
    (licence,) = world.does("grant-licence", [], [world.licence()], site=OWN_SITE)
    world.does(MINING, [licence], [world.ore()], site=OWN_SITE, signers=_seen_by(owner.id))
