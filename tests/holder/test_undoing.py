"""Reversals and re-grants: equal lots under fresh keys, made without knowing a number."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from tests.holder.house import Holder, House
from tests.proofs.scenarios import CHAIN, ENTROPY, masses, wish

from lodeline.custody.lots import LotOpening, LotPublic
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import NoteDoesNotMatch
from lodeline.holder.records import HeldLot, LotStatus, OfferState
from lodeline.holder.undoing import (
    GivenBack,
    regrant_entry,
    reversal_body,
    reversal_entry,
    tags_of,
)
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, TransformId
from lodeline.ledger.entries import Reversal, entry_id
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.body import lot_id, transform_id
from lodeline.proofs.task import RestorationTask
from lodeline.proofs.verifier import ProofDoesNotHold


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def given_back(lot: HeldLot, keys: HolderKeys) -> GivenBack:
    return GivenBack(lot.public, lot.opening, keys.address, None, None, "as it was")


def refusal(entry: Reversal, spent: list[LotPublic], originals: list[LotPublic]) -> object:
    task = RestorationTask(
        Hash32(entry_id(entry)),
        cbor.encode_struct(entry.body),
        tuple(spent),
        entry.body.tags,
        tuple(originals),
        tuple(item.lot for item in entry.body.restored),
        entry.proof,
    )
    (verdict,) = verify_batch([task])
    return verdict.refusal


def sold(house: House) -> tuple[Holder, Holder, HeldLot, HeldLot]:
    seller, buyer = house.holder("seller"), house.holder("buyer")
    lot = house.stock(seller)
    house.accept(buyer, house.offer(seller, [lot], buyer))
    house.follow(seller)
    house.follow(buyer)
    (bought,) = buyer.free()
    return seller, buyer, lot, bought


def test_a_sale_is_undone_by_both_sides(house: House) -> None:
    """The seller prepares the lot that he gets back, the buyer proves and learns nothing."""
    seller, buyer, lot, bought = sold(house)
    tags = tags_of([bought.owned(buyer.keys).key])
    transform = TransformId(bought.maker)
    body = reversal_body(CHAIN, transform, [given_back(lot, seller.keys)], tags, ENTROPY)
    secret = bought.owned(buyer.keys).secret
    entry = reversal_entry(body, [lot.public], [(bought.public, secret)], ENTROPY)
    assert refusal(entry, [bought.public], [lot.public]) is None
    house.append(entry)
    house.follow(seller)
    house.follow(buyer)
    assert buyer.vault.lot(bought.lot_id).status is LotStatus.SPENT
    (restored,) = seller.free()
    assert restored.lot == lot_id(TransformId(entry_id(entry)), 0)
    assert restored.contents == lot.contents
    assert restored.opening == lot.opening
    assert restored.public.owner != lot.public.owner
    assert restored.memo == "as it was"
    with house.restored(seller) as again:
        assert again.lots() == seller.vault.lots()


def test_an_own_split_is_undone_alone(house: House) -> None:
    miner = house.holder("miner")
    lot = house.stock(miner)
    wishes = [wish("hydroxide", {"Co": 100}), wish("hydroxide")]
    split = house.make(miner, "split", [miner.supply(lot)], wishes)
    parts = miner.free()
    owned = [part.owned(miner.keys) for part in parts]
    body = reversal_body(
        CHAIN,
        transform_id(split.body),
        [given_back(lot, miner.keys)],
        tags_of([one.key for one in owned]),
        ENTROPY,
    )
    outputs = [(one.public, one.secret) for one in owned]
    house.append(reversal_entry(body, [lot.public], outputs, ENTROPY))
    house.follow(miner)
    assert [part.contents.amounts for part in miner.free()] == [masses({"Co": 300})]


def test_a_reversal_that_gives_back_more(house: House) -> None:
    seller, buyer, lot, bought = sold(house)
    bigger = house.stock(seller, 400)
    tags = tags_of([bought.owned(buyer.keys).key])
    transform = TransformId(bought.maker)
    body = reversal_body(CHAIN, transform, [given_back(bigger, seller.keys)], tags, ENTROPY)
    secret = bought.owned(buyer.keys).secret
    with pytest.raises(ProofDoesNotHold):
        reversal_entry(body, [lot.public], [(bought.public, secret)], ENTROPY)


def test_a_reversal_by_somebody_who_does_not_hold_the_outputs(house: House) -> None:
    seller, _buyer, lot, bought = sold(house)
    own = lot.owned(seller.keys)
    transform = TransformId(bought.maker)
    body = reversal_body(
        CHAIN, transform, [given_back(lot, seller.keys)], tags_of([own.key]), ENTROPY
    )
    with pytest.raises(ProofDoesNotHold):
        reversal_entry(body, [lot.public], [(bought.public, own.secret)], ENTROPY)


def test_what_is_given_back_must_open(house: House) -> None:
    seller, _buyer, lot, bought = sold(house)
    told = LotOpening.of([999, *lot.opening.values[1:]], lot.opening.blindings)
    wrong = GivenBack(lot.public, told, seller.address)
    with pytest.raises(NoteDoesNotMatch):
        reversal_body(CHAIN, TransformId(bought.maker), [wrong], (), ENTROPY)
    assert repr(wrong) == "GivenBack(secret)"


def test_a_lost_key_is_replaced_and_open_offers_lapse(house: House) -> None:
    holder, buyer = house.holder("holder"), house.holder("buyer")
    lot, other = house.stock(holder, 300), house.stock(holder, 200)
    offer = house.offer(holder, [lot, other], buyer)
    fresh = HolderKeys.generate((), ENTROPY)
    entry = regrant_entry(CHAIN, 7, lot.lot_id, given_back(lot, fresh), ENTROPY)
    assert entry.body.sequence == 7
    assert structs.replace(lot.public, owner=entry.body.replacement.lot.owner) == (
        entry.body.replacement.lot
    )
    house.append(entry)
    house.follow(holder)
    assert holder.vault.lot(lot.lot_id).status is LotStatus.SPENT
    assert holder.vault.lot(other.lot_id).status is LotStatus.UNSPENT
    assert house.known(holder, offer).state is OfferState.LAPSED
    renewed = house.holder("renewed")
    renewed.keys = fresh
    house.follow(renewed)
    (again,) = renewed.free()
    assert again.contents == lot.contents
