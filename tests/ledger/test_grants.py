"""Grants: who may give which right, for how long, and how often."""

import pytest
from msgspec import structs
from tests.ledger.undoing import given_back, regrant_of, reversal_of
from tests.ledger.world import CHAIN, MINE, NO_PROOF, OTHER_MINE, RECIPES, World, made_by

from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.custody.expansion import recipe_digest
from lodeline.kernel.ids import ElementSymbol, Hash32, LotId, MemberId, Role, StandardName
from lodeline.kernel.time import BlockTime, month_of, parse_time
from lodeline.ledger.change import Change
from lodeline.ledger.descent import remainders
from lodeline.ledger.entries import (
    AdoptStandard,
    Recognise,
    RemoveRecognition,
    Reversal,
    ReversalBody,
    SetStatus,
    SiteSignature,
    Status,
    Transform,
    entry_id,
)
from lodeline.ledger.records import GrantKey, RecipeRecord
from lodeline.ledger.refusals_corrections import ReplacementNotReversible
from lodeline.ledger.refusals_entries import MemberNotActive, RoleMissing, SiteSignatureNotExpected
from lodeline.ledger.refusals_grants import (
    GrantClassWrong,
    GrantEmpty,
    GrantExists,
    GrantInputsNotExpected,
    GrantorMissing,
    GrantorNotRecognised,
    GrantOutputs,
    GrantSiteMissing,
    GrantToReplaceUnknown,
    RecognitionExpired,
    RemainderNotConsumed,
    RightReplaced,
    StandardNotValid,
)
from lodeline.ledger.refusals_transforms import ExpiryWrong, LotAlreadySpent, UnknownSite
from lodeline.ledger.tables import Adopted
from lodeline.proofs.body import SignerRef, TransformBody, transform_id

MINING = "mine-copper-cobalt"


@pytest.fixture
def world() -> World:
    return World(
        "grant-licence", "renew-licence", "grant-assurance", "grant-quota", "grant-intake", MINING
    )


def _key(world: World, element: str, right: str = "licence", standard: str = "") -> GrantKey:
    start = month_of(world.now).start
    return GrantKey(MINE, ElementSymbol(element), right, standard, start)


def test_a_licence_is_on_record_for_everybody(world: World) -> None:
    lot = world.granted()
    for element in ("Co", "Cu"):
        record = world.state.grants.get(_key(world, element))
        assert record is not None
        assert record.lot == lot
        assert record.grantor == "authority"
    assert world.public(lot).expires == parse_time("2026-04-15T23:59:59Z")


def test_assurances_are_one_for_each_standard(world: World) -> None:
    (first,) = world.does("grant-assurance", [], [world.assurance()])
    other = world.assurance(standard="RMAP-refiner")
    world.does("grant-assurance", [], [other])
    record = world.state.grants.get(_key(world, "Co", "assurance", "IRMA-75"))
    assert record is not None
    assert record.lot == first
    again = world.make("grant-assurance", [], [world.assurance()])
    world.refused(again, GrantExists, standard="IRMA-75", lot=first)


# ------------------------------------------------------------------ who and what


def test_a_grant_of_two_lots(world: World) -> None:
    entry = world.make("grant-licence", [], [world.licence(), world.licence(None, "Ni")])
    world.refused(entry, GrantOutputs, found=2)


def test_a_grant_of_metal(world: World) -> None:
    world.refused(world.make("grant-licence", [], [world.ore()]), GrantClassWrong)


def test_a_grant_of_credit(world: World) -> None:
    credit = world.paper(
        "credit", {"Co.credit": ["IRMA-75/mass-balance"]}, expires=world.right_expiry()
    )
    world.refused(world.make("grant-licence", [], [credit]), GrantClassWrong, form="credit")


def test_a_grant_of_nothing(world: World) -> None:
    empty = world.paper("licence", {}, expires=world.right_expiry())
    world.refused(world.make("grant-licence", [], [empty]), GrantEmpty, form="licence")


def test_a_grant_to_nobody(world: World) -> None:
    entry = world.make("grant-licence", [], [world.licence()], site=None)
    world.refused(entry, GrantSiteMissing, recipe="grant-licence")


def test_a_grant_to_an_unregistered_site(world: World) -> None:
    entry = world.make("grant-licence", [], [world.licence()], site="moon")
    world.refused(entry, UnknownSite, site="moon")


def test_a_facility_key_signs_no_grant(world: World) -> None:
    entry = world.make("grant-licence", [], [world.licence()])
    signed = sign(world.facilities[MINE], SignatureContext.SITE_OPERATION, entry_id(entry))
    extra = structs.replace(entry, site_signature=SiteSignature(MINE, signed))
    world.refused(extra, SiteSignatureNotExpected, site=MINE)


def test_a_recipe_under_which_nobody_grants(world: World) -> None:
    recipe = structs.replace(RECIPES["grant-quota"], name="free-for-all", co_signers=())
    digest = recipe_digest(recipe)
    # No vote can adopt it; the ledger does not rely on that.
    adopted = Adopted(recipes={digest: RecipeRecord(recipe, retired=False)})
    world.state.commit(Change(adopted=adopted))
    entry = world.make("grant-quota", [], [world.licence()], recipe=digest, signers=())
    world.refused(entry, GrantorMissing, recipe="free-for-all")


def test_an_auditor_who_poses_as_the_authority(world: World) -> None:
    signers = (SignerRef(MemberId("audit-a"), Role("authority")),)
    entry = world.make("grant-licence", [], [world.licence()], signers=signers)
    world.refused(entry, RoleMissing, member="audit-a", role="authority")


def test_an_authority_that_is_not_recognised_for_the_right(world: World) -> None:
    act = RemoveRecognition(MemberId("authority"), None, "licence")
    world.apply(world.govern(act))
    entry = world.make("grant-licence", [], [world.licence()])
    world.refused(entry, GrantorNotRecognised, member="authority", standard=None, right="licence")


def test_a_suspended_authority(world: World) -> None:
    world.apply(world.govern(SetStatus(MemberId("authority"), Status.SUSPENDED)))
    entry = world.make("grant-licence", [], [world.licence()])
    world.refused(entry, MemberNotActive, member="authority", standing=Status.SUSPENDED)


def test_a_body_that_assures_a_standard_it_is_not_accredited_for(world: World) -> None:
    lot = world.assurance(standard="IRMA-100")
    entry = world.make("grant-assurance", [], [lot])
    world.refused(entry, GrantorNotRecognised, member="certifier", standard="IRMA-100", right=None)


def test_a_recognition_holds_to_its_last_second(world: World) -> None:
    until = BlockTime(world.now + 60)
    world.apply(world.govern(Recognise(MemberId("authority"), None, "licence", until)))
    entry = world.make("grant-licence", [], [world.licence()])
    late = BlockTime(until + 1)
    world.refused(entry, RecognitionExpired, late, until=until, now=late)
    world.apply(entry, until)


def test_a_standard_after_its_last_day(world: World) -> None:
    standard = world.state.tables.standards[StandardName("IRMA-75")]
    assert standard.valid_to is None
    newer = structs.replace(standard, valid_from=world.now + 10, valid_to=world.now + 20)
    world.apply(world.govern(AdoptStandard(newer)))
    entry = world.make("grant-assurance", [], [world.assurance()])
    for moment in (world.now + 9, world.now + 21):
        world.refused(entry, StandardNotValid, BlockTime(moment), standard="IRMA-75", now=moment)
    world.apply(entry, BlockTime(world.now + 20))


# ------------------------------------------------------------------ how long


def test_a_licence_for_a_year(world: World) -> None:
    expected = world.right_expiry()
    entry = world.make("grant-licence", [], [world.licence(expected + 365 * 86_400)])
    world.refused(entry, ExpiryWrong, index=0, expected=expected)


def test_a_licence_for_the_next_month(world: World) -> None:
    expected = world.right_expiry()
    world.now = parse_time("2026-04-01T00:00:00Z")
    lot = world.licence()
    world.now = parse_time("2026-03-31T23:59:59Z")
    entry = world.make("grant-licence", [], [lot])
    world.refused(entry, ExpiryWrong, expected=expected)
    world.apply(entry, parse_time("2026-04-01T00:00:00Z"))


# ------------------------------------------------------------------ how often


def test_a_second_licence_for_the_same_month(world: World) -> None:
    first = world.granted()
    again = world.make("grant-licence", [], [world.licence(None, "Co")])
    world.refused(again, GrantExists, site=MINE, element="Co", right="licence", lot=first)
    elsewhere = world.make("grant-licence", [], [world.licence()], site=OTHER_MINE)
    world.apply(elsewhere)
    world.now = parse_time("2026-04-01T00:00:00Z")
    world.does("grant-licence", [], [world.licence()])


def test_a_grant_that_swallows_a_lot_for_nothing(world: World) -> None:
    first = world.granted()
    world.now = parse_time("2026-04-01T00:00:00Z")
    entry = world.make("renew-licence", [first], [world.licence()])
    world.refused(entry, GrantInputsNotExpected, found=1)


def test_a_replacing_grant_uses_up_the_remainder(world: World) -> None:
    first = world.granted()
    _, left = world.does(MINING, [first], [world.ore(), world.licence()])
    assert remainders(world.state, first) == {left}
    (renewed,) = world.does("renew-licence", [left], [world.licence()], replaces=first)
    record = world.state.grants.get(_key(world, "Co"))
    assert record is not None
    assert (record.lot, record.replaced) == (renewed, first)
    assert remainders(world.state, first) == frozenset()


def test_a_replacing_grant_that_leaves_the_remainder_in_use(world: World) -> None:
    first = world.granted()
    _, left = world.does(MINING, [first], [world.ore(), world.licence()])
    entry = world.make("renew-licence", [], [world.licence()], replaces=first)
    world.refused(entry, RemainderNotConsumed, expected=(left,), found=())
    spent = world.make("renew-licence", [first], [world.licence()], replaces=first)
    world.refused(spent, LotAlreadySpent, lot=first)


def test_a_remainder_split_in_two_is_used_up_whole(world: World) -> None:
    first = world.granted()
    outputs = [world.ore(), world.licence(), world.licence()]
    _, left, right = world.does(MINING, [first], outputs)
    entry = world.make("renew-licence", [left], [world.licence()], replaces=first)
    world.refused(entry, RemainderNotConsumed, expected=tuple(sorted((left, right))))


def test_a_replacement_of_a_grant_that_is_not_in_force(world: World) -> None:
    first = world.granted()
    nothing = world.make("renew-licence", [], [world.licence()], replaces=LotId(bytes(32)))
    world.refused(nothing, GrantToReplaceUnknown, replaces=bytes(32), current=first)
    other = world.make("renew-licence", [], [world.licence()], replaces=first, site=OTHER_MINE)
    world.refused(other, GrantToReplaceUnknown, replaces=first, current=None)


def test_a_replacement_that_drops_an_element(world: World) -> None:
    first = world.granted()
    entry = world.make("renew-licence", [first], [world.licence(None, "Co")], replaces=first)
    world.refused(entry, GrantToReplaceUnknown, replaces=first, current=first)


def test_a_replacement_of_a_replaced_grant(world: World) -> None:
    first = world.granted()
    (second,) = world.does("renew-licence", [first], [world.licence()], replaces=first)
    entry = world.make("renew-licence", [second], [world.licence()], replaces=first)
    world.refused(entry, GrantToReplaceUnknown, replaces=first, current=second)


# ------------------------------------------------------------------ taken back


def _reversal(world: World, transform: TransformBody, lots: tuple[LotId, ...]) -> Reversal:
    body = ReversalBody(
        CHAIN,
        1,
        transform_id(transform),
        tuple(world.tag(lot) for lot in lots),
        (),
        Hash32(bytes(32)),
    )
    bare = Reversal(body, NO_PROOF, (), None, ())
    signature = world.parties["authority"].sign(SignatureContext.CO_SIGNATURE, entry_id(bare))
    return structs.replace(bare, signatures=(signature,))


def test_a_reversed_grant_makes_room_for_another(world: World) -> None:
    entry = world.make("grant-licence", [], [world.licence()])
    world.apply(entry)
    world.apply(_reversal(world, entry.body, made_by(entry)))
    assert world.state.grants.get(_key(world, "Co")) is None
    world.does("grant-licence", [], [world.licence()])


def test_a_replacing_grant_is_not_reversed(world: World) -> None:
    first = world.granted()
    entry = world.make("renew-licence", [first], [world.licence()], replaces=first)
    world.apply(entry)
    reversal = _reversal(world, entry.body, made_by(entry))
    world.refused(reversal, ReplacementNotReversible)


def _mined_whole(world: World, licence: LotId) -> Transform:
    """Have a licence used up, nothing of it left."""
    entry = world.make(MINING, [licence], [world.ore()])
    world.apply(entry)
    return entry


def test_a_miner_brings_back_a_licence_beside_its_successor(world: World) -> None:
    """Used up whole, the old licence is no remainder: neither the next grant uses it up nor any."""
    first = world.granted()
    mining = _mined_whole(world, first)
    (second,) = world.does("grant-licence", [], [world.licence()], replaces=first)
    reversal = reversal_of(world, mining)
    world.refused(reversal, RightReplaced, lot=first, grant=first, successor=second)
    (third,) = world.does("renew-licence", [second], [world.licence()], replaces=second)
    world.refused(reversal, RightReplaced, lot=first, grant=first, successor=third)


def test_a_miner_brings_back_a_part_of_a_replaced_licence(world: World) -> None:
    """The grant is found through splitting, re-granting and giving back."""
    first = world.granted()
    _, left = world.does(MINING, [first], [world.ore(), world.licence()])
    regrant = regrant_of(world, left)
    world.apply(regrant)
    (again,) = (lot for lot, record in world.state.lots.items() if record.equals == left)
    undone = _mined_whole(world, again)
    reversal = reversal_of(world, undone)
    world.apply(reversal)
    back = given_back(reversal)
    mining = _mined_whole(world, back)
    (second,) = world.does("grant-licence", [], [world.licence()], replaces=first)
    world.refused(
        reversal_of(world, mining), RightReplaced, lot=back, grant=first, successor=second
    )


def test_a_certified_mine_brings_back_an_assurance_beside_its_successor(world: World) -> None:
    licence, claim = world.granted(), "IRMA-75/segregated"
    (first,) = world.does("grant-assurance", [], [world.assurance()])
    mining = world.make(MINING, [licence, first], [world.ore(claim), world.licence()])
    world.apply(mining)
    (second,) = world.does("grant-assurance", [], [world.assurance()], replaces=first)
    reversal = reversal_of(world, mining)
    world.refused(reversal, RightReplaced, lot=first, grant=first, successor=second)


def test_use_of_a_licence_in_force_is_reversed_in_a_later_month(world: World) -> None:
    """The next month's grant replaces nothing of this one's."""
    mining = _mined_whole(world, world.granted())
    world.now = parse_time("2026-04-05T08:00:00Z")
    world.granted()
    reversal = reversal_of(world, mining)
    world.apply(reversal)
    assert world.state.is_unspent(given_back(reversal))
