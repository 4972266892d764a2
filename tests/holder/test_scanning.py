"""Following the log: what is mine, what I hold, what is spent, and what is of no use."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from tests.holder.house import Holder, House
from tests.proofs.scenarios import CHAIN, ENTROPY, SITE, masses, wish

from lodeline.crypto.sealing import ViewPublicKey
from lodeline.custody.lots import LotOpening
from lodeline.holder.building import BuiltTransform
from lodeline.holder.notes import Note, NoteScope, note_hash, seal_note
from lodeline.holder.records import LotStatus, OfferSide, OfferState
from lodeline.holder.scanning import ChainDiffers, LeavesDoNotFollow, follow
from lodeline.holder.signing import hashed_reason, transform_entry
from lodeline.holder.vault import Vault
from lodeline.holder.wishes import Wish
from lodeline.kernel.cbor_errors import CborError
from lodeline.kernel.ids import ChainId, FormName, Hash32
from lodeline.ledger.entries import Offer, entry_id
from lodeline.proofs.body import transform_id


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def seller(house: House) -> Holder:
    return house.holder("seller")


@pytest.fixture
def buyer(house: House) -> Holder:
    return house.holder("buyer")


def everything(vault: Vault) -> tuple[object, ...]:
    return vault.lots(), vault.offers(), vault.disputes(), vault.position


# ------------------------------------------------------------------ lots


def test_outputs_are_found_opened_and_spent(house: House, seller: Holder, buyer: Holder) -> None:
    lot = house.stock(seller, 300)
    assert lot.contents.amounts == masses({"Co": 300})
    assert (lot.contents.emissions, lot.contents.primary) == (40, 10)
    parts = [wish("hydroxide", {"Co": 100}, to=buyer.address), wish("hydroxide")]
    entry = house.make(seller, "split", [seller.supply(lot)], parts)
    house.follow(buyer)
    (theirs,), (ours,) = buyer.free(), seller.free()
    assert theirs.contents.amounts == masses({"Co": 100})
    assert ours.contents.amounts == masses({"Co": 200})
    assert theirs.maker == Hash32(transform_id(entry.body))
    assert (theirs.output, theirs.leaf, theirs.time) == (0, 1, house.now)
    old = seller.vault.lot(lot.lot_id)
    assert old.status is LotStatus.SPENT
    assert old.spent_by == Hash32(entry_id(entry))


def test_names_and_memo_arrive_with_the_lot(house: House, seller: Holder) -> None:
    licence = house.scene.licence(Co=100)
    house.make(
        seller,
        "mine",
        [licence],
        [Wish(FormName("ore"), amounts=masses({"Co": 50}), memo="seal 7", references=(HASH,))],
        (190, 80),
    )
    (ore,) = seller.free("ore")
    (rest,) = seller.free("licence")
    assert (ore.memo, ore.references) == ("seal 7", (HASH,))
    assert rest.site == SITE
    pack = house.scene.lot("sulfate", {"Co": 300}, emissions=4)
    house.make(seller, "market", [pack], [wish("battery", product="car-1")])
    (car,) = seller.free("battery")
    assert car.product == "car-1"


HASH = Hash32(bytes(range(32)))


def test_strangers_find_nothing(house: House, seller: Holder, buyer: Holder) -> None:
    house.stock(seller)
    found = house.follow(buyer)
    assert found.leaves == 1
    assert everything(buyer.vault) == ((), (), (), 1)


# ------------------------------------------------------------------ offers


def test_an_offer_holds_the_lot_until_it_is_accepted(
    house: House, seller: Holder, buyer: Holder
) -> None:
    lot = house.stock(seller)
    offer = house.offer(seller, [lot], buyer)
    held = seller.vault.lot(lot.lot_id)
    assert (held.status, held.reserved_for) == (LotStatus.RESERVED, Hash32(entry_id(offer)))
    made, received = house.known(seller, offer), house.known(buyer, offer)
    assert (made.side, received.side) == (OfferSide.MADE, OfferSide.RECEIVED)
    assert received.is_sound
    assert received.taken[0].contents.amounts == lot.contents.amounts
    assert not buyer.free()
    accepted = house.accept(buyer, offer)
    house.follow(seller)
    house.follow(buyer)
    assert seller.vault.lot(lot.lot_id).spent_by == Hash32(accepted)
    (bought,) = buyer.free()
    assert bought.contents == received.taken[0].contents
    assert bought.leaf == 2
    assert house.known(seller, offer).state is OfferState.ACCEPTED
    assert not house.known(buyer, offer).is_open(house.now)


def test_a_decline_frees_the_lot_and_the_reason_can_be_shown(
    house: House, seller: Holder, buyer: Holder
) -> None:
    lot = house.stock(seller)
    offer = house.offer(seller, [lot], buyer)
    house.decline(buyer, offer, "12 t only")
    house.follow(seller)
    house.follow(buyer)
    assert seller.vault.lot(lot.lot_id).status is LotStatus.UNSPENT
    known = house.known(buyer, offer)
    assert (known.state, known.reason) == (OfferState.DECLINED, "12 t only")
    assert hashed_reason(known.reason, known.salt) != hashed_reason("too wet", known.salt)
    assert not buyer.free()


def test_a_withdrawal_frees_the_lot(house: House, seller: Holder, buyer: Holder) -> None:
    lot = house.stock(seller)
    offer = house.offer(seller, [lot], buyer)
    house.withdraw(seller, offer, [lot])
    house.follow(seller)
    house.follow(buyer)
    assert seller.vault.lot(lot.lot_id).status is LotStatus.UNSPENT
    assert house.known(buyer, offer).state is OfferState.WITHDRAWN


def test_an_offer_to_oneself_moves_the_lot(house: House, seller: Holder) -> None:
    lot = house.stock(seller)
    offer = house.offer(seller, [lot], seller)
    assert house.known(seller, offer).side is OfferSide.MADE
    house.accept(seller, offer)
    house.follow(seller)
    (moved,) = seller.free()
    assert moved.lot != lot.lot
    assert moved.contents.amounts == lot.contents.amounts


def test_offers_between_others_are_nobody_s_business(
    house: House, seller: Holder, buyer: Holder
) -> None:
    stranger = house.holder("stranger")
    offer = house.offer(seller, [house.stock(seller)], buyer)
    house.accept(buyer, offer)
    house.follow(stranger)
    assert everything(stranger.vault) == ((), (), (), 3)


# ------------------------------------------------------------------ dishonest senders


def _with_note(
    built: BuiltTransform, holder: Holder, opening: LotOpening, **names: str
) -> BuiltTransform:
    body = built.body
    scope = NoteScope(body.chain, body.recipe, tuple(item.lot for item in body.inputs), 0)
    note = Note(opening, None, names.get("product"), (), "")
    sealed = seal_note(ViewPublicKey(holder.keys.view.public), note, scope, body.outputs[0])
    changed = structs.replace(body, notes=(note_hash(sealed),))
    return BuiltTransform(changed, (sealed,), built.proof, built.made, built.process)


def test_a_note_with_other_numbers_is_a_dispute(house: House, buyer: Holder) -> None:
    lot = house.scene.lot("hydroxide", {"Co": 300}, emissions=40, primary=10)
    honest = house.build(buyer, "store", [lot], [wish("hydroxide")])
    opening = honest.made[0].opening
    told = LotOpening.of([999, *opening.values[1:]], opening.blindings)
    entry = transform_entry(_with_note(honest, buyer, told))
    house.append(entry)
    found = house.follow(buyer)
    (dispute,) = buyer.vault.disputes()
    assert found.disputes == [dispute.lot]
    assert (dispute.reason, dispute.leaf, dispute.output) == ("note-does-not-match", 0, 0)
    assert dispute.note == entry.notes[0]
    assert dispute.text_fr != dispute.text_en
    assert not buyer.free()


def test_a_note_that_does_not_open_is_a_dispute(house: House, buyer: Holder) -> None:
    stranger = house.holder("stranger")
    lot = house.scene.lot("hydroxide", {"Co": 300}, emissions=40, primary=10)
    built = house.build(buyer, "store", [lot], [wish("hydroxide")])
    house.append(transform_entry(_with_note(built, stranger, built.made[0].opening)))
    house.follow(buyer)
    assert [item.reason for item in buyer.vault.disputes()] == ["note-not-opened"]


def test_a_note_that_names_another_product_is_a_dispute(house: House, buyer: Holder) -> None:
    pack = house.scene.lot("sulfate", {"Co": 300}, emissions=4)
    built = house.build(buyer, "market", [pack], [wish("battery", product="car-1")])
    told = _with_note(built, buyer, built.made[0].opening, product="car-2")
    house.append(transform_entry(told))
    house.follow(buyer)
    assert [item.reason for item in buyer.vault.disputes()] == ["note-names-do-not-match"]


def test_an_offer_with_a_false_note_is_not_sound_and_can_be_declined(
    house: House, seller: Holder, buyer: Holder
) -> None:
    lot = house.stock(seller)
    honest = house.offer(seller, [lot], buyer)
    body = honest.sale.body
    scope = NoteScope(body.chain, body.recipe, tuple(item.lot for item in body.inputs), 0)
    note = Note(lot.opening, None, None, (), "")
    sealed = seal_note(ViewPublicKey(buyer.keys.view.public), note, scope, body.outputs[0])
    changed = structs.replace(body, notes=(note_hash(sealed),))
    sale = structs.replace(honest.sale, body=changed, notes=(bytes(sealed),))
    offer_body = structs.replace(honest.body, sale=transform_id(changed))
    offer = Offer(offer_body, sale, honest.signatures)
    house.append(offer)
    house.follow(buyer)
    known = house.known(buyer, offer)
    assert not known.is_sound
    assert (known.outputs, len(known.mine), known.taken) == (1, 1, ())
    house.decline(buyer, offer)
    house.follow(buyer)
    assert house.known(buyer, offer).state is OfferState.DECLINED


# ------------------------------------------------------------------ restoring


def test_keystore_and_log_give_every_opening_back(
    house: House, seller: Holder, buyer: Holder
) -> None:
    first, second = house.stock(seller, 300), house.stock(seller, 200)
    house.accept(buyer, house.offer(seller, [first], buyer))
    house.decline(buyer, house.offer(seller, [second], buyer))
    house.offer(seller, [second], buyer)
    for holder in (seller, buyer):
        house.follow(holder)
        with house.restored(holder) as again:
            assert again.lots() == holder.vault.lots()
            assert again.position == holder.vault.position == len(house.leaves)
            told = [structs.replace(offer, reason="", salt=b"") for offer in holder.vault.offers()]
            assert list(again.offers()) == told
            for lot in again.lots():
                owned = lot.owned(holder.keys)
                assert owned.public.owner == lot.public.owner
    assert [lot.contents.amounts for lot in buyer.free()] == [masses({"Co": 300})]


def test_following_in_pieces_is_following_at_once(house: House, seller: Holder) -> None:
    other = house.holder("other")
    other.keys = seller.keys
    for cobalt in (100, 200, 300):
        house.stock(seller, cobalt)
    twin = Vault.create(house.folder / "twin", seller.keys.vault, ENTROPY)
    follow(twin, seller.keys, CHAIN, house.leaves, 0)
    assert everything(twin) == everything(seller.vault)
    twin.close()


# ------------------------------------------------------------------ refusals


def test_leaves_must_follow_and_be_of_the_ledger(house: House, seller: Holder) -> None:
    house.stock(seller)
    with pytest.raises(LeavesDoNotFollow) as gap:
        follow(seller.vault, seller.keys, CHAIN, house.leaves, 0)
    assert (gap.value.position, gap.value.start) == (1, 0)
    other = ChainId("another.example/chain")
    with pytest.raises(ChainDiffers) as foreign:
        follow(house.holder("new").vault, seller.keys, other, house.leaves, 0)
    assert (foreign.value.expected, foreign.value.found) == (other, CHAIN)


def test_a_broken_leaf_leaves_the_vault_at_the_last_whole_part(
    house: House, seller: Holder
) -> None:
    house.stock(seller)
    twin = Vault.create(house.folder / "twin", seller.keys.vault, ENTROPY)
    with pytest.raises(CborError):
        follow(twin, seller.keys, CHAIN, [*house.leaves, b"\xff"], 0)
    assert everything(twin) == ((), (), (), 0)
    twin.close()
