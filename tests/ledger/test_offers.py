"""Offers: a sale waits for its buyer, and nobody else can end it."""

import pytest
from msgspec import structs
from tests.ledger.undoing import mined_by_transform, regrant_of, reversal_of, signed_reversal
from tests.ledger.world import CHAIN, NO_PROOF, World, made_by

from lodeline.crypto.owner_signature import OwnerSignatureInvalid
from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel.ids import Hash32, LotId, MemberId, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import EventKind
from lodeline.ledger.entries import (
    Accept,
    AcceptBody,
    Offer,
    SetStatus,
    Status,
    Transform,
    entry_id,
)
from lodeline.ledger.records import OfferStatus
from lodeline.ledger.refusals_entries import (
    EntryAlreadyAccepted,
    OwnerSignatureCount,
    SignersDiffer,
    WrongChain,
)
from lodeline.ledger.refusals_offers import (
    NotForSale,
    OfferClosed,
    OfferDeadlinePassed,
    OfferSaleDiffers,
    OfferTooLate,
    OfferUnknown,
)
from lodeline.ledger.refusals_transforms import (
    FamilyNotAllowed,
    LotExpired,
    LotRecalled,
    LotReserved,
    OwnerKeyReserved,
    OwnerKeySeen,
    TagReserved,
)
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.proofs.body import InputRef

HOUR = 3600


@pytest.fixture
def world() -> World:
    return World(
        "grant-licence",
        "grant-assurance",
        "mine-copper-cobalt",
        "split",
        "sale",
        "book-and-claim-issue",
        "book-and-claim-transfer",
    )


def _offered(world: World) -> tuple[LotId, Offer]:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + HOUR)
    world.apply(offer)
    return ore, offer


def _outcome(world: World, offer: Offer) -> OfferStatus:
    record = world.state.offers.get(entry_id(offer))
    assert record is not None
    return record.status


def test_an_accepted_offer_delivers(world: World) -> None:
    ore, offer = _offered(world)
    tag = offer.sale.body.inputs[0].tag
    assert world.state.is_unspent(ore)
    assert state_key(StateKind.RESERVED, tag) in world.state.map
    applied = world.apply(world.accept(offer), BlockTime(world.now + HOUR))
    (bought,) = made_by(offer.sale)
    assert world.state.is_unspent(bought)
    assert not world.state.is_unspent(ore)
    assert tag not in world.state.reserved_tags
    assert state_key(StateKind.RESERVED, tag) not in world.state.map
    assert _outcome(world, offer) is OfferStatus.ACCEPTED
    assert {event.kind for event in applied.events} == {
        EventKind.LOT_SPENT,
        EventKind.LOT_MADE,
        EventKind.OFFER_ENDED,
    }


@pytest.mark.parametrize("ending", ["decline", "withdraw"])
def test_a_declined_or_withdrawn_lot_can_be_offered_again(world: World, ending: str) -> None:
    ore, offer = _offered(world)
    world.apply(getattr(world, ending)(offer))
    assert world.state.is_unspent(ore)
    assert ore not in world.state.reserved_lots
    world.refused(offer, EntryAlreadyAccepted)
    again = world.offer(world.sale(ore), world.now + HOUR)
    world.apply(again)
    world.apply(world.accept(again))


# ------------------------------------------------------------------ the offer itself


def test_an_offer_over_another_sale(world: World) -> None:
    ore, _ = world.mined()
    sale = world.sale(ore)
    other = TransformId(bytes(32))
    world.refused(world.offer(sale, world.now + HOUR, sale=other), OfferSaleDiffers, stated=other)


def test_an_offer_for_another_ledger(world: World) -> None:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + HOUR, chain="other")
    world.refused(offer, WrongChain, found="other")


def test_an_offer_that_is_over_before_it_begins(world: World) -> None:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now)
    late = BlockTime(world.now + 1)
    world.refused(offer, OfferDeadlinePassed, late, deadline=world.now, now=late)
    world.apply(offer)


def test_an_offer_of_something_that_is_no_sale(world: World) -> None:
    ore, _ = world.mined()
    split = world.make("split", [ore], [world.ore(), world.ore()])
    world.refused(world.offer(split, world.now + HOUR), FamilyNotAllowed, entry_type="offer")


@pytest.mark.parametrize("right", ["licence", "assurance"])
def test_a_right_for_sale(world: World, right: str) -> None:
    lot = getattr(world, right)()
    (granted,) = world.does(f"grant-{right}", [], [lot])
    offer = world.offer(world.sale(granted), world.now + HOUR)
    world.refused(offer, NotForSale, form=right, form_class=right)


def _book_credit(world: World) -> LotId:
    ore, _ = world.mined()
    assert world.state.constants is not None
    expires = world.state.constants.credit_expiry(world.now)
    claims = {"Co.credit": ["IRMA-75/book-and-claim"]}
    credit = world.paper("book-credit", claims, expires=expires)
    _, made = world.does("book-and-claim-issue", [ore], [world.ore(), credit])
    return made


def test_book_and_claim_credit_for_sale(world: World) -> None:
    credit = _book_credit(world)
    offer = world.offer(world.sale(credit), world.now + HOUR)
    world.apply(offer)
    world.apply(world.accept(offer))


def test_mass_balance_credit_for_sale(world: World) -> None:
    ore, _ = world.mined()
    assert world.state.constants is not None
    expires = world.state.constants.credit_expiry(world.now)
    credit = world.paper("credit", {"Co.credit": ["IRMA-75/mass-balance"]}, expires=expires)
    _, made = world.does("book-and-claim-issue", [ore], [world.ore(), credit])
    offer = world.offer(world.sale(made), world.now + HOUR)
    world.refused(offer, NotForSale, form="credit")


def test_a_thief_offers_what_he_does_not_own(world: World) -> None:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + HOUR)
    thief = world.owner_signatures([world.fresh()], entry_id(offer))
    world.refused(
        structs.replace(offer, signatures=thief),
        OwnerSignatureInvalid,
        owner=world.public(ore).owner,
    )
    world.refused(structs.replace(offer, signatures=()), OwnerSignatureCount, expected=1, found=0)


def test_the_sale_is_held_to_every_rule_of_transforms(world: World) -> None:
    ore, _ = world.mined()
    sale = world.sale(ore)
    signed = world.parties["audit-a"].sign(SignatureContext.CO_SIGNATURE, entry_id(sale))
    offer = world.offer(structs.replace(sale, signatures=(signed,)), world.now + HOUR)
    world.refused(offer, SignersDiffer, expected=(), found=("audit-a",))
    seen = world.public(ore).owner
    outputs = (structs.replace(sale.body.outputs[0], owner=seen),)
    reused = world.transform(structs.replace(sale.body, outputs=outputs))
    world.refused(world.offer(reused, world.now + HOUR), OwnerKeySeen, key=seen)


# ------------------------------------------------------------------ what is reserved


def test_an_offered_lot_is_neither_used_nor_offered_twice(world: World) -> None:
    ore, offer = _offered(world)
    held = entry_id(offer)
    split = world.make("split", [ore], [world.ore(), world.ore()])
    world.refused(split, LotReserved, lot=ore, offer=held)
    world.refused(world.offer(world.sale(ore), world.now + HOUR), LotReserved, offer=held)


def test_an_offered_tag_is_not_spent_under_another_lot(world: World) -> None:
    ore, _ = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    offer = world.offer(world.sale(first), world.now + HOUR)
    world.apply(offer)
    body = world.body("split", [second], [world.ore(), world.ore()])
    body = structs.replace(body, inputs=(InputRef(second, world.tag(first)),))
    world.refused(world.transform(body), TagReserved, offer=entry_id(offer))


def test_a_competitor_copies_the_buyer_s_key_from_an_open_offer(world: World) -> None:
    """A lot under the buyer's key would burn it, and the sale could never be accepted."""
    ore, _ = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    offer = world.offer(world.sale(first), world.now + HOUR)
    world.apply(offer)
    held, key = entry_id(offer), offer.sale.body.outputs[0].owner
    assert state_key(StateKind.RESERVED_KEY, key) in world.state.map
    copied = structs.replace(world.ore(), owner=key)
    split = world.make("split", [second], [world.ore(), copied])
    world.refused(split, OwnerKeyReserved, key=key, offer=held)
    sale = world.sale(second).body
    twin = structs.replace(sale, outputs=(structs.replace(sale.outputs[0], owner=key),))
    other = world.offer(world.transform(twin), world.now + HOUR)
    world.refused(other, OwnerKeyReserved, key=key, offer=held)
    world.apply(world.accept(offer))
    assert state_key(StateKind.RESERVED_KEY, key) not in world.state.map
    world.refused(split, OwnerKeySeen, key=key)


def test_a_copied_key_comes_back_from_neither_reversal_nor_re_grant(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    split = world.make("split", [ore], [world.ore(), world.ore()])
    world.apply(split)
    first, second = made_by(split)
    offer = world.offer(world.sale(first), world.now + HOUR)
    world.apply(offer)
    key = offer.sale.body.outputs[0].owner
    world.refused(regrant_of(world, second, owner=key), OwnerKeyReserved, key=key)
    again = world.make("split", [second], [world.ore()])
    world.apply(again)
    bare = reversal_of(world, again).body
    stolen = structs.replace(bare.restored[0].lot, owner=key)
    restored = (structs.replace(bare.restored[0], lot=stolen),)
    reversal = signed_reversal(world, again, structs.replace(bare, restored=restored))
    world.refused(reversal, OwnerKeyReserved, key=key)


@pytest.mark.parametrize("ending", ["decline", "withdraw"])
def test_the_keys_of_an_offer_that_ended_are_free_again(world: World, ending: str) -> None:
    ore, offer = _offered(world)
    world.apply(getattr(world, ending)(offer))
    assert not dict(world.state.reserved_keys.items())
    again = world.offer(offer.sale, world.now + 2 * HOUR)
    world.apply(again)
    world.apply(world.accept(again))
    assert not world.state.is_unspent(ore)


def test_a_lapsed_offer_frees_its_keys(world: World) -> None:
    ore, offer = _offered(world)
    world.apply(regrant_of(world, ore), BlockTime(world.now + HOUR + 1))
    assert _outcome(world, offer) is OfferStatus.LAPSED
    assert not dict(world.state.reserved_keys.items())


# ------------------------------------------------------------------ the answers


def test_an_answer_to_no_offer(world: World) -> None:
    bare = Accept(AcceptBody(CHAIN, Hash32(bytes(32))), ())
    world.refused(bare, OfferUnknown, offer=bytes(32))


def test_an_answer_for_another_ledger(world: World) -> None:
    _, offer = _offered(world)
    accept = world.accept(offer)
    moved = structs.replace(accept, body=structs.replace(accept.body, chain="other"))
    world.refused(moved, WrongChain, found="other")


def test_a_late_buyer(world: World) -> None:
    _, offer = _offered(world)
    deadline = BlockTime(world.now + HOUR)
    late = BlockTime(deadline + 1)
    world.refused(world.accept(offer), OfferTooLate, late, deadline=deadline, now=late)
    world.refused(world.decline(offer), OfferTooLate, late)
    world.apply(world.withdraw(offer), late)
    assert _outcome(world, offer) is OfferStatus.WITHDRAWN


@pytest.mark.parametrize("first", ["accept", "decline", "withdraw"])
@pytest.mark.parametrize("then", ["accept", "decline", "withdraw"])
def test_an_offer_ends_once(world: World, first: str, then: str) -> None:
    _, offer = _offered(world)
    answers = {name: getattr(world, name)(offer) for name in (first, then)}
    world.apply(answers[first])
    expected = EntryAlreadyAccepted if first == then else OfferClosed
    world.refused(answers[then], expected)


@pytest.mark.parametrize("answer", ["accept", "decline", "withdraw"])
def test_somebody_else_answers(world: World, answer: str) -> None:
    _, offer = _offered(world)
    entry = getattr(world, answer)(offer)
    stranger = world.owner_signatures([world.fresh()], entry_id(entry))
    world.refused(structs.replace(entry, signatures=stranger), OwnerSignatureInvalid)
    world.refused(structs.replace(entry, signatures=()), OwnerSignatureCount, expected=1)


def test_a_withdrawal_is_no_acceptance(world: World) -> None:
    """The bodies have the same fields; the ids, and so the signatures, differ by type."""
    _, offer = _offered(world)
    accept, withdraw = world.accept(offer), world.withdraw(offer)
    assert accept.body.offer == withdraw.body.offer
    assert entry_id(accept) != entry_id(withdraw)
    stolen = structs.replace(withdraw, signatures=accept.signatures)
    world.refused(stolen, OwnerSignatureInvalid)


# ------------------------------------------------------------------ what has changed since


def test_a_lot_that_was_recalled_while_it_was_offered(world: World) -> None:
    ore, offer = _offered(world)
    world.apply(world.recall("audit-a", ore))
    world.refused(world.accept(offer), LotRecalled, lot=ore, recalls=(ore,))
    world.apply(world.withdraw(offer))


def test_a_credit_that_expired_while_it_was_offered(world: World) -> None:
    credit = _book_credit(world)
    expires = world.public(credit).expiry
    assert expires is not None
    offer = world.offer(world.sale(credit), expires + HOUR)
    world.apply(offer)
    late = BlockTime(expires + 1)
    world.refused(world.accept(offer), LotExpired, late, lot=credit)
    world.apply(world.accept(offer), expires)


def test_a_suspended_holder_still_delivers_what_needs_no_signature(world: World) -> None:
    """Owners are not known to the ledger: a suspension bites where a member signs."""
    _, offer = _offered(world)
    world.apply(world.govern(SetStatus(MemberId("miner"), Status.SUSPENDED)))
    world.apply(world.accept(offer))


def test_an_offer_s_sale_is_not_a_transform_of_its_own(world: World) -> None:
    _, offer = _offered(world)
    bare = Transform(offer.sale.body, offer.sale.notes, NO_PROOF, (), None)
    world.refused(bare, FamilyNotAllowed, entry_type="transform")
