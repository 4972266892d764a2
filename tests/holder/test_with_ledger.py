"""A mine's first month, whole: planned, proved, signed, accepted by the ledger, followed, undone.

The ledger verifies every proof and signature here; nothing is forged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from tests.ledger.world import CHAIN, ENTROPY, FORMS, MINE, RECIPES, STANDARDS, World
from tests.proofs.scenarios import claim, mass, masses, wish

from lodeline.holder.building import ProcessNumbers, Tables
from lodeline.holder.keystore import HolderKeys, VaultKey
from lodeline.holder.planner import plan_step
from lodeline.holder.plans import Part, build_chain, build_step, plan_sale, plan_split
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.holder.scanning import follow, restore
from lodeline.holder.signing import (
    accept_entry,
    offer_entry,
    owner_signatures,
    sign_members,
    sign_site,
    transform_entry,
)
from lodeline.holder.undoing import GivenBack, reversal_body, reversal_entry, tags_of
from lodeline.holder.vault import Vault
from lodeline.holder.wishes import Desk, Order, Step, Supply, Wish, supply_of
from lodeline.kernel.ids import FormName, MemberId, SiteId, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e
from lodeline.ledger.apply import Applied, apply
from lodeline.ledger.entries import Entry, Transform, encode_entry, entry_id
from lodeline.ledger.log import Leaf
from lodeline.ledger.tasks import tasks_for
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.body import SignerRef

CO = next(iter(masses({"Co": 1})))


class ProvedWorld(World):
    """A ledger that believes nothing, and holders with vaults who follow it."""

    def __init__(self, folder: Path, *recipes: str) -> None:
        self.leaves: list[bytes] = []
        super().__init__(*recipes)
        self.folder = folder
        self.vaults: dict[str, Vault] = {}
        owners: dict[str, list[SiteId]] = {"miner": [MINE]}
        self.keys = {
            name: HolderKeys(
                party.key,
                party.view,
                party.spend,
                VaultKey.generate(ENTROPY),
                {site: self.facilities[site] for site in owners.get(name, [])},
            )
            for name, party in self.parties.items()
        }

    def apply(self, entry: Entry, at: BlockTime | None = None) -> Applied:
        self.now = at or self.now
        verdicts = {v.key: v for v in verify_batch(tasks_for(self.state, [entry]))}
        applied = apply(self.state, entry, self.now, verdicts)
        self.leaves.append(Leaf(entry, self.now).encode())
        self.log.append((encode_entry(entry), self.now))
        return applied

    def desk(self, name: str) -> Desk:
        assert self.state.constants is not None
        tables = Tables(CHAIN, FORMS, STANDARDS)
        return Desk(tables, self.state.constants, self.now, self.keys[name].address)

    def plan(
        self,
        name: str,
        recipe: str,
        inputs: list[Supply],
        wishes: list[Wish],
        process: tuple[int, int] | None = None,
    ) -> Step:
        used = RECIPES[recipe]
        order = Order(
            used,
            tuple(inputs),
            tuple(wishes),
            MINE if used.needs_site or used.family.value == "grant" else None,
            None if process is None else ProcessNumbers(*map(GramsCO2e, process)),
            tuple(SignerRef(MemberId(self.signer(role)), role) for role in used.co_signers),
        )
        return plan_step(self.desk(name), order)

    def enter(self, name: str, step: Step) -> Transform:
        """Prove a step, sign it, and have it accepted."""
        return self.submit(transform_entry(build_step(self.desk(name), step, ENTROPY)))

    def submit(self, entry: Transform) -> Transform:
        keys = {MemberId(party): self.parties[party].key for party in self.parties}
        entry = sign_members(entry, keys)
        if entry.body.site is not None and not self._is_grant(entry.body):
            entry = sign_site(entry, MINE, self.facilities[MINE])
        self.apply(entry)
        return entry

    def follow(self, name: str) -> Vault:
        keys = self.keys[name]
        if name not in self.vaults:
            self.vaults[name] = Vault.create(self.folder / name, keys.vault, ENTROPY)
        vault = self.vaults[name]
        follow(vault, keys, CHAIN, self.leaves[vault.position :], vault.position)
        return vault

    def free(self, name: str, form: str) -> list[HeldLot]:
        lots = self.follow(name).lots(LotStatus.UNSPENT)
        return [lot for lot in lots if lot.public.form == form]

    def supplies(self, name: str, *forms: str) -> list[Supply]:
        return [
            supply_of(lot.owned(self.keys[name]), lot.site and SiteId(lot.site))
            for form in forms
            for lot in self.free(name, form)
        ]


@pytest.fixture
def world(tmp_path: Path) -> ProvedWorld:
    recipes = ("grant-licence", "grant-assurance", "mine-copper-cobalt", "split", "sale")
    return ProvedWorld(tmp_path, *recipes)


def granted(world: ProvedWorld) -> None:
    miner = world.keys["miner"].address
    licence = Wish(FormName("licence"), miner, masses({"Co.licence": "50 t", "Cu.licence": "9 t"}))
    certified = claim("IRMA-75/segregated", "50 t", "Co")
    assurance = replace(wish("assurance", None, [certified]), recipient=miner)
    world.enter("authority", world.plan("authority", "grant-licence", [], [licence]))
    world.enter("certifier", world.plan("certifier", "grant-assurance", [], [assurance]))


@pytest.mark.slow
def test_from_grant_to_sale_and_back(world: ProvedWorld) -> None:
    granted(world)
    rights = world.supplies("miner", "licence", "assurance")
    ore = [wish("copper-cobalt-ore", {"Co": "20 t"})]
    world.enter("miner", world.plan("miner", "mine-copper-cobalt", rights, ore, (10**7, 10**6)))
    (mined,) = world.free("miner", "copper-cobalt-ore")
    assert mined.contents.amount(CO) == mass("20 t")
    (left,) = world.free("miner", "licence")
    assert sorted(left.contents.amounts.values()) == [mass("9 t"), mass("29 t")]

    desk, keys = world.desk("miner"), world.keys["miner"]
    split = plan_split(
        desk, RECIPES["split"], supply_of(mined.owned(keys)), [Part(masses({"Co": "12 t"}))]
    )
    for built in build_chain(desk, split, keys, ENTROPY):
        world.submit(transform_entry(built))
    part, _ = world.free("miner", "copper-cobalt-ore")

    owned = part.owned(keys)
    (sale,) = plan_sale(desk, RECIPES["sale"], [supply_of(owned)], world.keys["refiner"].address)
    entry = transform_entry(build_step(desk, sale, ENTROPY))
    deadline = BlockTime(world.now + 86_400)
    offer = offer_entry(entry, [owned.key], deadline, ENTROPY)
    world.apply(offer)
    buyer = world.follow("refiner")
    (received,) = buyer.offers()
    assert received.is_sound
    answer = [mine.key(world.keys["refiner"]) for mine in received.mine]
    world.apply(accept_entry(CHAIN, received.offer_id, answer, ENTROPY))
    (bought,) = world.free("refiner", "copper-cobalt-ore")
    assert bought.contents == part.contents

    undone(world, part, bought)
    for name in ("miner", "refiner"):
        path = world.folder / f"{name}-again"
        with restore(path, world.keys[name], CHAIN, world.leaves, ENTROPY) as again:
            assert again.lots() == world.follow(name).lots()


def undone(world: ProvedWorld, part: HeldLot, bought: HeldLot) -> None:
    """The sale was a mistake: the miner gets an equal lot back, with everybody's agreement."""
    seller, buyer = world.keys["miner"], world.keys["refiner"]
    outputs = bought.owned(buyer)
    given = GivenBack(part.public, part.opening, seller.address)
    sale = TransformId(bought.maker)
    body = reversal_body(CHAIN, sale, [given], tags_of([outputs.key]), ENTROPY)
    bare = reversal_entry(body, [part.public], [(outputs.public, outputs.secret)], ENTROPY)
    consents = owner_signatures([part.owned(seller).key], entry_id(bare), ENTROPY)
    world.apply(structs.replace(bare, consents=consents))
    assert not world.free("refiner", "copper-cobalt-ore")
    amounts = [lot.contents.amount(CO) for lot in world.free("miner", "copper-cobalt-ore")]
    assert sorted(amounts) == [mass("8 t"), mass("12 t")]
