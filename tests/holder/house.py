"""Holders with vaults around one log, for tests: real proofs over narrow numbers, no validator.

What a validator checks is tested with the ledger; here entries are appended as they are made, so
that holders also meet entries that no ledger would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs
from tests.proofs.scenarios import CHAIN, ENTROPY, NARROW, NOW, SITE, Scenario

from lodeline.crypto.onetime import Address
from lodeline.holder.building import BuiltTransform
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.planner import plan_step
from lodeline.holder.plans import build_step
from lodeline.holder.records import HeldLot, LotStatus, StoredOffer
from lodeline.holder.scanning import Followed, follow, restore
from lodeline.holder.signing import (
    accept_entry,
    decline_entry,
    hashed_reason,
    offer_entry,
    sign_site,
    transform_entry,
    withdraw_entry,
)
from lodeline.holder.vault import Vault
from lodeline.holder.wishes import Supply, Wish, supply_of
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Entry, EntryId, Offer, Transform, entry_id
from lodeline.ledger.log import Leaf

__all__ = ["Holder", "House"]


class Holder:
    """Somebody with keys and a vault."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.keys = HolderKeys.generate([SITE], ENTROPY)
        self.path = folder / f"{name}.vault"
        self.vault = Vault.create(self.path, self.keys.vault, ENTROPY)

    @property
    def address(self) -> Address:
        return self.keys.address

    def free(self, form: str | None = None) -> list[HeldLot]:
        """Return the unspent lots, of a form where one is named, oldest first."""
        found = self.vault.lots(LotStatus.UNSPENT)
        return [lot for lot in found if form in (None, lot.public.form)]

    def supply(self, lot: HeldLot) -> Supply:
        return supply_of(lot.owned(self.keys), None if lot.site is None else SITE)


class House:
    """Holders and the log that they follow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scene = Scenario(recipes=NARROW)
        self.leaves: list[bytes] = []
        self.now = NOW

    def holder(self, name: str) -> Holder:
        return Holder(self.folder, name)

    # ---------------------------------------------------------------- the log

    def append(self, entry: Entry) -> EntryId:
        self.now = BlockTime(self.now + 1)
        self.leaves.append(Leaf(entry, self.now).encode())
        return entry_id(entry)

    def follow(self, holder: Holder) -> Followed:
        start = holder.vault.position
        return follow(holder.vault, holder.keys, CHAIN, self.leaves[start:], start)

    def restored(self, holder: Holder) -> Vault:
        path = self.folder / f"{holder.name}.restored"
        return restore(path, holder.keys, CHAIN, self.leaves, ENTROPY)

    # ---------------------------------------------------------------- entries

    def build(
        self,
        holder: Holder,
        recipe: str,
        inputs: Sequence[Supply],
        wishes: Sequence[Wish],
        process: tuple[int, int] | None = None,
    ) -> BuiltTransform:
        order = self.scene.order(recipe, inputs, wishes, process)
        desk = replace(self.scene.desk, home=holder.address)
        return build_step(desk, plan_step(desk, order), ENTROPY)

    def make(
        self,
        holder: Holder,
        recipe: str,
        inputs: Sequence[Supply],
        wishes: Sequence[Wish],
        process: tuple[int, int] | None = None,
    ) -> Transform:
        """Append a transform, and let its maker follow the log."""
        entry = transform_entry(self.build(holder, recipe, inputs, wishes, process))
        if entry.body.site is not None:
            entry = sign_site(entry, SITE, holder.keys.facility(SITE))
        self.append(entry)
        self.follow(holder)
        return entry

    def stock(self, holder: Holder, cobalt: int = 300, claimed: int | None = None) -> HeldLot:
        """Give somebody a lot of hydroxide out of nothing, and return it."""
        bearing = cobalt if claimed is None else claimed
        claims = {("Co", "mine-a/segregated"): bearing} if bearing else {}
        nobody = self.scene.lot("hydroxide", {"Co": cobalt}, claims, emissions=40, primary=10)
        before = {lot.lot for lot in holder.free()}
        self.make(holder, "store", [nobody], [Wish(nobody.contents.form)])
        (lot,) = (lot for lot in holder.free() if lot.lot not in before)
        return lot

    def offer(self, seller: Holder, lots: Sequence[HeldLot], buyer: Holder) -> Offer:
        """Append an offer of some lots; everybody concerned follows the log."""
        supplies = [seller.supply(lot) for lot in lots]
        built = self.build(seller, "sale", supplies, [Wish(lots[0].contents.form, buyer.address)])
        keys = [lot.owned(seller.keys).key for lot in lots]
        deadline = BlockTime(self.now + 1000)
        entry = offer_entry(transform_entry(built), keys, deadline, ENTROPY)
        self.append(entry)
        self.follow(seller)
        self.follow(buyer)
        return entry

    def accept(self, buyer: Holder, offer: Offer) -> EntryId:
        known = self.known(buyer, offer)
        keys = [mine.key(buyer.keys) for mine in known.mine]
        return self.append(accept_entry(CHAIN, known.offer_id, keys, ENTROPY))

    def decline(self, buyer: Holder, offer: Offer, text: str = "too wet") -> EntryId:
        known = self.known(buyer, offer)
        salt = ENTROPY.bytes(16)
        buyer.vault.keep_offer(structs.replace(known, reason=text, salt=salt))
        keys = [mine.key(buyer.keys) for mine in known.mine]
        reason = hashed_reason(text, salt)
        return self.append(decline_entry(CHAIN, known.offer_id, reason, keys, ENTROPY))

    def withdraw(self, seller: Holder, offer: Offer, lots: Sequence[HeldLot]) -> EntryId:
        keys = [lot.owned(seller.keys).key for lot in lots]
        return self.append(withdraw_entry(CHAIN, entry_id(offer), keys, ENTROPY))

    def known(self, holder: Holder, offer: Offer) -> StoredOffer:
        return holder.vault.offer(entry_id(offer))
