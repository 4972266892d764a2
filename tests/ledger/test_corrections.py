"""Reversals, corrections, re-grants and recalls: what was wrong is put right, and no more."""

from collections.abc import Sequence

import pytest
from msgspec import structs
from tests.ledger.undoing import (
    MINING,
    given_back,
    mined_by_transform,
    regrant_of,
    restored_of,
    reversal_of,
    signed_regrant,
)
from tests.ledger.world import CHAIN, OTHER_MINE, World, made_by

from lodeline.crypto.group import BadPoint
from lodeline.crypto.owner_signature import OwnerSignatureInvalid
from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel.ids import Hash32, LotId, MemberId, OneTimeKey, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.descent import children, comes_wholly_from, descendants, maker_of, remainders
from lodeline.ledger.entries import (
    Correction,
    CorrectionBody,
    LiftRecall,
    Offer,
    RestoredLot,
    SetStatus,
    Status,
    entry_id,
)
from lodeline.ledger.records import OfferStatus
from lodeline.ledger.refusals_corrections import (
    AlreadyRecalled,
    AlreadyReversed,
    AuditorNotIndependent,
    CorrectionBeyond,
    CorrectionNotReversible,
    CorrectionSigners,
    CorrectionTransformDiffers,
    CorrectionWithoutLots,
    NotRecalled,
    NotTheIssuer,
    OfferStillOpen,
    RecallNotAllowed,
    ReplacementDiffers,
    RestoredCountWrong,
    TransformUnknown,
)
from lodeline.ledger.refusals_entries import (
    EntryAlreadyAccepted,
    MemberNotActive,
    MemberSignatureInvalid,
    OwnerSignatureCount,
    RoleMissing,
    SignersDiffer,
    SiteSignatureMissing,
    WrongVersion,
)
from lodeline.ledger.refusals_governance import NotEnoughVotes, SequenceWrong
from lodeline.ledger.refusals_transforms import (
    FamilyNotAllowed,
    LotAlreadySpent,
    LotExpired,
    LotRecalled,
    LotReserved,
    LotUnknown,
    OwnerKeySeen,
    TagTwice,
)
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.proofs.body import transform_id


@pytest.fixture
def world() -> World:
    return World(
        "grant-licence",
        "grant-assurance",
        MINING,
        "split",
        "count",
        "blend",
        "sale",
        "correct",
        "write-off",
    )


# ------------------------------------------------------------------ reversal


def test_an_honest_mistake_is_undone(world: World) -> None:
    mining = mined_by_transform(world)
    (licence,) = (spent.lot for spent in mining.body.inputs)
    reversal = reversal_of(world, mining)
    world.apply(reversal)
    back = given_back(reversal)
    state = world.state
    assert state.is_unspent(back)
    assert world.public(back).expires == world.public(licence).expires
    assert not any(state.is_unspent(lot) for lot in made_by(mining))
    assert children(state, licence) == (back,)
    assert maker_of(state, back) == maker_of(state, licence)
    world.does(MINING, [back], [world.ore(), world.licence()])


def test_a_reversal_happens_once(world: World) -> None:
    mining = mined_by_transform(world)
    reversal = reversal_of(world, mining)
    world.apply(reversal)
    world.refused(reversal, EntryAlreadyAccepted)
    again = reversal_of(world, mining)
    world.refused(again, AlreadyReversed, by=entry_id(reversal))


def test_a_reversal_of_nothing(world: World) -> None:
    mining = mined_by_transform(world)
    other = TransformId(bytes(32))
    world.refused(reversal_of(world, mining, transform=other), TransformUnknown, transform=other)
    reversal = reversal_of(world, mining)
    world.apply(reversal)
    of_reversal = reversal_of(world, mining, transform=TransformId(entry_id(reversal)))
    world.refused(of_reversal, TransformUnknown)
    world.refused(reversal_of(world, mining, version=9), WrongVersion, found=9)


def test_an_output_that_moved_on_stays_where_it_is(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    reversal = reversal_of(world, mining)
    world.does("split", [ore], [world.ore(), world.ore()])
    world.refused(reversal, LotAlreadySpent, lot=ore)


def test_an_output_that_is_offered_is_not_reversed(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    offer = world.offer(world.sale(ore), world.now + 60)
    world.apply(offer)
    world.refused(reversal_of(world, mining), LotReserved, lot=ore, offer=entry_id(offer))


def test_an_expired_or_recalled_output_is_not_reversed(world: World) -> None:
    mining = mined_by_transform(world)
    ore, left = made_by(mining)
    late = BlockTime(world.right_expiry() + 1)
    world.refused(reversal_of(world, mining), LotExpired, late, lot=left)
    world.apply(world.recall("audit-a", ore))
    world.refused(reversal_of(world, mining), LotRecalled, lot=ore)


def test_a_reversal_that_keeps_something(world: World) -> None:
    mining = mined_by_transform(world)
    tags = tuple(world.tag(lot) for lot in made_by(mining))
    for kept, what, expected, found in (
        ({"tags": tags[:1]}, "tags", 2, 1),
        ({"restored": ()}, "restored lots", 1, 0),
        ({"restored": restored_of(world, made_by(mining))}, "restored lots", 1, 2),
    ):
        entry = reversal_of(world, mining, **kept)
        world.refused(entry, RestoredCountWrong, what=what, expected=expected, found=found)
    world.refused(reversal_of(world, mining, tags=(tags[0], tags[0])), TagTwice, tag=tags[0])


def test_a_restored_lot_under_a_used_key(world: World) -> None:
    mining = mined_by_transform(world)
    (licence,) = (spent.lot for spent in mining.body.inputs)
    old = RestoredLot(world.public(licence), b"note", b"\0\0")
    entry = reversal_of(world, mining, restored=(old,))
    world.refused(entry, OwnerKeySeen, key=world.public(licence).owner)


def test_a_reversal_that_somebody_did_not_sign(world: World) -> None:
    mining = mined_by_transform(world)
    entry = reversal_of(world, mining)
    for change, error in (
        ({"signatures": entry.signatures[:1]}, SignersDiffer),
        ({"site_signature": None}, SiteSignatureMissing),
        ({"consents": ()}, OwnerSignatureCount),
    ):
        world.refused(structs.replace(entry, **change), error)
    other = world.site_signature(OTHER_MINE, entry_id(entry))
    world.refused(structs.replace(entry, site_signature=other), SiteSignatureMissing)


def test_a_buyer_who_undoes_a_sale_alone(world: World) -> None:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + 60)
    world.apply(offer)
    world.apply(world.accept(offer))
    entry = reversal_of(world, offer.sale)
    mine = world.owner_signatures([offer.sale.body.outputs[0].owner], entry_id(entry))
    world.refused(
        structs.replace(entry, consents=mine),
        OwnerSignatureInvalid,
        owner=world.public(ore).owner,
    )
    world.apply(entry)
    assert world.state.is_unspent(given_back(entry))


def test_a_write_off_is_taken_back(world: World) -> None:
    ore, _ = world.mined()
    write_off = world.make("write-off", [ore], [])
    world.apply(write_off)
    reversal = reversal_of(world, write_off)
    world.apply(reversal)
    assert world.state.is_unspent(given_back(reversal))


def test_what_was_recalled_comes_back_recalled(world: World) -> None:
    ore, _ = world.mined()
    write_off = world.make("write-off", [ore], [])
    world.apply(write_off)
    world.apply(world.recall("audit-a", ore))
    reversal = reversal_of(world, write_off)
    world.apply(reversal)
    back = given_back(reversal)
    entry = world.make("split", [back], [world.ore(), world.ore()])
    world.refused(entry, LotRecalled, lot=back, recalls=(ore,))
    world.apply(world.govern(LiftRecall(ore)))
    world.apply(entry)


# ------------------------------------------------------------------ correction


def _correction(
    world: World,
    corrects: TransformId,
    lots: Sequence[LotId],
    signers: Sequence[str] = ("works", "audit-a"),
    recipe: str = "correct",
    **changes: object,
) -> Correction:
    transform = world.make(recipe, lots, [world.ore()] if lots else [])
    body = CorrectionBody(CHAIN, corrects, transform_id(transform.body))
    bare = Correction(structs.replace(body, **changes), transform, ())
    signatures = tuple(
        world.parties[name].sign(SignatureContext.CO_SIGNATURE, entry_id(bare)) for name in signers
    )
    return structs.replace(bare, signatures=signatures)


def test_a_mistake_found_late_is_corrected(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    half, rest = world.does("split", [ore], [world.ore(), world.ore()])
    identity = transform_id(mining.body)
    entry = _correction(world, identity, [half])
    world.apply(entry)
    making = world.state.makings.get(Hash32(identity))
    assert making is not None
    assert making.corrections == (Hash32(transform_id(entry.transform.body)),)
    (fixed,) = made_by(entry.transform)
    assert world.state.is_unspent(fixed)
    assert world.state.is_unspent(rest)
    # A corrected lot can be corrected again: it still comes wholly from the same transform.
    assert comes_wholly_from(world.state, fixed, Hash32(identity))
    world.apply(_correction(world, identity, [fixed, rest], signers=("miner", "audit-b")))


def test_a_corrective_recipe_on_its_own(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("correct", [ore], [world.ore()])
    world.refused(entry, FamilyNotAllowed, entry_type="transform")


def test_a_correction_by_an_ordinary_recipe(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    entry = _correction(world, transform_id(mining.body), [ore], recipe="count")
    world.refused(entry, FamilyNotAllowed, entry_type="correction")


def test_a_correction_over_another_transform(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    other = TransformId(bytes(32))
    identity = transform_id(mining.body)
    entry = _correction(world, identity, [ore], transform=other)
    world.refused(entry, CorrectionTransformDiffers, stated=other)
    world.refused(_correction(world, other, [ore]), TransformUnknown, transform=other)


def test_a_correction_of_no_lot(world: World) -> None:
    mining = mined_by_transform(world)
    identity = transform_id(mining.body)
    world.refused(_correction(world, identity, []), CorrectionWithoutLots, transform=identity)


@pytest.mark.parametrize(
    ("signers", "error"),
    [
        ((), CorrectionSigners),
        (("works",), CorrectionSigners),
        (("works", "audit-a", "audit-b"), CorrectionSigners),
        (("refiner", "audit-a"), NotTheIssuer),
        (("audit-a", "works"), NotTheIssuer),
        (("works", "works"), AuditorNotIndependent),
        (("works", "refiner"), RoleMissing),
    ],
)
def test_who_signs_a_correction(world: World, signers: Sequence[str], error: type) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    world.refused(_correction(world, transform_id(mining.body), [ore], signers=signers), error)


def test_an_auditor_who_corrects_his_own_count(world: World) -> None:
    ore, _ = world.mined()
    count = world.make("count", [ore], [world.ore()])
    world.apply(count)
    identity, (counted,) = transform_id(count.body), made_by(count)
    alone = _correction(world, identity, [counted], signers=("audit-a", "audit-a"))
    world.refused(alone, AuditorNotIndependent, member="audit-a")
    world.apply(_correction(world, identity, [counted], signers=("audit-a", "audit-b")))


def test_a_correction_with_a_forged_signature(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    entry = _correction(world, transform_id(mining.body), [ore])
    forged = world.parties["audit-b"].sign(SignatureContext.CO_SIGNATURE, entry_id(entry))
    signatures = (entry.signatures[0], structs.replace(forged, member=MemberId("audit-a")))
    world.refused(structs.replace(entry, signatures=signatures), MemberSignatureInvalid)


def test_a_correction_never_reaches_beyond_its_transform(world: World) -> None:
    """The cap: a lot that was mixed with others is not wholly of the transform that is named."""
    mining = mined_by_transform(world)
    ore, left = made_by(mining)
    (more,) = world.does(MINING, [left], [world.ore()])
    blend = world.make("blend", [ore, more], [world.ore()])
    world.apply(blend)
    identity, (mixed,) = transform_id(mining.body), made_by(blend)
    entry = _correction(world, identity, [mixed])
    # The second ore came of the first transform's licence, so all of the blend did.
    world.apply(entry)
    (fixed,) = made_by(entry.transform)
    world.now = BlockTime(world.now + 40 * 86_400)
    foreign, _ = world.mined()
    outside = _correction(world, identity, [foreign])
    world.refused(outside, CorrectionBeyond, lot=foreign)
    (dirty,) = world.does("blend", [fixed, foreign], [world.ore()])
    beyond = _correction(world, identity, [dirty])
    world.refused(beyond, CorrectionBeyond, lot=dirty, transform=identity)
    elder = _correction(world, identity, [fixed])
    world.refused(elder, LotAlreadySpent, lot=fixed)


def test_a_correction_is_not_reversed(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    entry = _correction(world, transform_id(mining.body), [ore])
    world.apply(entry)
    world.refused(reversal_of(world, entry.transform), CorrectionNotReversible)


def test_a_correction_frees_recalled_lots(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    world.apply(world.recall("audit-b", ore))
    entry = _correction(world, transform_id(mining.body), [ore])
    world.apply(entry)
    (fixed,) = made_by(entry.transform)
    assert fixed not in world.state.flags
    world.does("split", [fixed], [world.ore(), world.ore()])


# ------------------------------------------------------------------ re-grant


def test_a_lost_key_is_replaced_by_vote(world: World) -> None:
    ore, _ = world.mined()
    entry = regrant_of(world, ore)
    world.apply(entry)
    (new,) = children(world.state, ore)
    assert world.state.is_unspent(new)
    assert not world.state.is_unspent(ore)
    assert state_key(StateKind.UNSPENT, ore) not in world.state.map
    assert maker_of(world.state, new) == maker_of(world.state, ore)
    lost = world.make("split", [ore], [world.ore(), world.ore()])
    world.refused(lost, LotAlreadySpent, lot=ore)
    world.does("split", [new], [world.ore(), world.ore()])


def test_a_regrant_that_changes_a_number(world: World) -> None:
    ore, _ = world.mined()
    fake = world.public(world.granted(site=OTHER_MINE)).owner
    world.refused(regrant_of(world, ore, emissions=fake), ReplacementDiffers, lot=ore)
    world.refused(regrant_of(world, ore, expires=world.now), ReplacementDiffers, lot=ore)


def test_a_regrant_to_the_lost_key(world: World) -> None:
    ore, _ = world.mined()
    same = world.public(ore).owner
    world.refused(regrant_of(world, ore, owner=same), OwnerKeySeen, key=same)
    world.refused(regrant_of(world, ore, owner=OneTimeKey(bytes(48))), BadPoint)


def test_a_regrant_is_voted_once(world: World) -> None:
    ore, left = world.mined()
    few = regrant_of(world, ore, ("authority", "refiner"))
    world.refused(few, NotEnoughVotes, needed=3, found=2)
    first, second = regrant_of(world, ore), regrant_of(world, left)
    world.apply(first)
    world.refused(first, EntryAlreadyAccepted)
    world.apply(world.govern(SetStatus(MemberId("audit-b"), Status.SUSPENDED)))
    world.refused(second, SequenceWrong, expected=second.body.sequence + 1)
    world.apply(regrant_of(world, left))
    unknown = structs.replace(first.body, lot=LotId(bytes(32)), sequence=world.state.acts)
    world.refused(signed_regrant(world, unknown), LotUnknown, lot=bytes(32))
    spent = structs.replace(first.body, sequence=world.state.acts)
    world.refused(signed_regrant(world, spent), LotAlreadySpent, lot=ore)


def test_an_offer_of_a_lost_key_lapses_after_its_deadline(world: World) -> None:
    ore, _ = world.mined()
    ore, other = world.does("split", [ore], [world.ore(), world.ore()])
    sale = world.sale(ore, other)
    offer: Offer = world.offer(sale, world.now + 60)
    world.apply(offer)
    entry = regrant_of(world, ore)
    world.refused(entry, OfferStillOpen, lot=ore, offer=entry_id(offer), deadline=world.now + 60)
    world.apply(entry, BlockTime(world.now + 61))
    record = world.state.offers.get(entry_id(offer))
    assert record is not None
    assert record.status is OfferStatus.LAPSED
    world.does("split", [other], [world.ore(), world.ore()])


def test_a_regranted_licence_is_still_the_one_of_its_month(world: World) -> None:
    licence = world.granted()
    world.apply(regrant_of(world, licence))
    (new,) = children(world.state, licence)
    assert remainders(world.state, licence) == {new}


# ------------------------------------------------------------------ recalls


def test_a_recall_reaches_every_descendant(world: World) -> None:
    ore, left = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    (counted,) = world.does("count", [first], [world.ore()])
    world.apply(world.recall("audit-a", ore))
    for lot in (ore, first, second, counted):
        assert lot in world.state.flags
        assert state_key(StateKind.FLAG, lot) in world.state.map
    assert left not in world.state.flags
    entry = world.make("split", [counted], [world.ore(), world.ore()])
    world.refused(entry, LotRecalled, lot=counted, recalls=(ore,))
    assert set(descendants(world.state, ore)) == {first, second, counted}


def test_undoing_a_blend_leaves_the_clean_lot_clean(world: World) -> None:
    ore, _ = world.mined()
    clean, bad = world.does("split", [ore], [world.ore(), world.ore()])
    blend = world.make("blend", [clean, bad], [world.ore()])
    world.apply(blend)
    reversal = reversal_of(world, blend)
    world.apply(reversal)
    world.apply(world.recall("audit-a", bad))
    back_clean, back_bad = children(world.state, clean) + children(world.state, bad)
    assert back_clean not in world.state.flags
    assert back_bad in world.state.flags


def test_two_recalls_are_lifted_one_by_one(world: World) -> None:
    ore, _ = world.mined()
    first, _ = world.does("split", [ore], [world.ore(), world.ore()])
    world.apply(world.recall("audit-a", ore))
    world.apply(world.recall("audit-b", first))
    entry = world.make("count", [first], [world.ore()])
    both = tuple(sorted((ore, first)))
    world.refused(entry, LotRecalled, recalls=both)
    world.apply(world.govern(LiftRecall(ore)))
    assert ore not in world.state.flags
    world.refused(entry, LotRecalled, recalls=(first,))
    world.apply(world.govern(LiftRecall(first)))
    assert state_key(StateKind.FLAG, first) not in world.state.map
    world.apply(entry)


def test_who_may_recall(world: World) -> None:
    ore, left = world.mined()
    world.refused(world.recall("refiner", ore), RecallNotAllowed, member="refiner", lot=ore)
    world.apply(world.recall("miner", ore, 1))
    world.refused(world.recall("audit-a", ore), AlreadyRecalled, lot=ore, member="miner")
    world.apply(world.recall("works", left))
    first = world.recall("authority", ore)
    world.apply(world.govern(LiftRecall(ore), SetStatus(MemberId("audit-a"), Status.SUSPENDED)))
    world.refused(world.recall("audit-a", ore), MemberNotActive, member="audit-a")
    world.apply(first)


def test_a_recall_of_nothing_and_a_forged_one(world: World) -> None:
    ore, _ = world.mined()
    nothing = LotId(bytes(32))
    world.refused(world.recall("audit-a", nothing), LotUnknown, lot=nothing)
    entry = world.recall("audit-a", ore)
    other = world.recall("audit-b", ore)
    forged = structs.replace(entry, signature=other.signature)
    world.refused(forged, MemberSignatureInvalid, member="audit-a")


def test_a_recall_is_not_replayed_after_it_was_lifted(world: World) -> None:
    ore, _ = world.mined()
    entry = world.recall("audit-a", ore)
    world.apply(entry)
    world.apply(world.govern(LiftRecall(ore)))
    world.refused(entry, EntryAlreadyAccepted)
    world.refused(world.govern(LiftRecall(ore)), NotRecalled, lot=ore)
    world.apply(world.recall("audit-a", ore, 7))
