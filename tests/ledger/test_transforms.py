"""Transforms before the state: one refusal for each rule, and nothing changed by it."""

import hashlib

import pytest
from msgspec import structs
from tests.ledger.world import (
    CHAIN,
    MINE,
    NO_PROOF,
    OTHER_MINE,
    RECIPES,
    World,
    made_by,
)

from lodeline.crypto.group import BadPoint
from lodeline.crypto.signatures import SignatureContext
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import UnknownForm
from lodeline.custody.recipes import Family
from lodeline.kernel.ids import (
    ChainId,
    FormName,
    LotId,
    MemberId,
    NoteHash,
    OneTimeKey,
    PointBytes,
    RecipeDigest,
    Role,
    ScalarBytes,
    SiteId,
)
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import AdoptRecipe, RetireRecipe, SetStatus, Status, entry_id
from lodeline.ledger.refusals_entries import (
    EntryAlreadyAccepted,
    MemberNotActive,
    MemberSignatureInvalid,
    ProofNotVerified,
    RoleMissing,
    SignersDiffer,
    SiteSignatureInvalid,
    SiteSignatureMissing,
    SiteSignatureNotExpected,
    UnknownMember,
    WrongChain,
    WrongVersion,
)
from lodeline.ledger.refusals_transforms import (
    ExpiryWrong,
    FamilyNotAllowed,
    LotAlreadySpent,
    LotExpired,
    LotTwice,
    LotUnknown,
    NoteCountWrong,
    NoteHashDiffers,
    OwnerKeySeen,
    OwnerKeyTwice,
    RecipeNotAdopted,
    RecipeNotInForce,
    RecipeRetired,
    ReplacesNotExpected,
    RightFromNowhere,
    RolesDiffer,
    SiteNeeded,
    SiteNotExpected,
    TagSpent,
    TagTwice,
    UnknownSite,
    ViewTagLength,
)
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.ledger.tasks import proof_key
from lodeline.proofs.body import InputRef, SignerRef
from lodeline.proofs.proof import ZeroProof
from lodeline.proofs.verifier import ProofDoesNotHold

_PART = ZeroProof(PointBytes(bytes(48)), ScalarBytes(bytes(32)))
OTHER_PROOF = structs.replace(NO_PROOF, zero=_PART)


@pytest.fixture
def world() -> World:
    return World("grant-licence", "mine-copper-cobalt", "split", "count", "sale", "export-cobalt")


def test_a_transform_spends_its_inputs_and_makes_its_outputs(world: World) -> None:
    licence = world.granted()
    tag = world.tag(licence)
    ore, left = world.does("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    state = world.state
    assert not state.is_unspent(licence)
    assert state.is_unspent(ore)
    assert state.is_unspent(left)
    assert state.consumers.get(licence) == state.tags.get(tag)
    assert state_key(StateKind.UNSPENT, licence) not in state.map
    assert state_key(StateKind.UNSPENT, ore) in state.map
    assert state_key(StateKind.TAG, tag) in state.map


# ------------------------------------------------------------------ chain, version, recipe


def test_an_entry_for_another_ledger(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()], chain=ChainId("other"))
    world.refused(entry, WrongChain, expected=CHAIN, found="other")


def test_an_entry_of_another_version(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()], version=2)
    world.refused(entry, WrongVersion, expected=1, found=2)


def test_a_recipe_that_nobody_adopted(world: World) -> None:
    ore, _ = world.mined()
    foreign = RecipeDigest(hashlib.sha256(b"foreign").digest())
    entry = world.make("split", [ore], [world.ore(), world.ore()], recipe=foreign)
    world.refused(entry, RecipeNotAdopted, recipe=foreign)


def test_a_recipe_before_its_first_and_after_its_last_day(world: World) -> None:
    recipe = structs.replace(
        RECIPES["split"], version=2, valid_from=world.now + 10, valid_to=world.now + 20
    )
    digest = recipe_digest(recipe)
    retired = RetireRecipe(recipe_digest(RECIPES["split"]))
    world.apply(world.govern(retired, AdoptRecipe(recipe)))
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()], recipe=digest)
    for moment in (world.now + 9, world.now + 21):
        world.refused(entry, RecipeNotInForce, BlockTime(moment), now=moment, version=2)
    world.apply(entry, BlockTime(world.now + 20))


def test_a_retired_recipe(world: World) -> None:
    ore, _ = world.mined()
    body = world.body("split", [ore], [world.ore(), world.ore()])
    world.apply(world.govern(RetireRecipe(body.recipe)))
    world.refused(world.transform(body), RecipeRetired, recipe="split", version=1)


def test_a_seller_who_delivers_without_an_offer(world: World) -> None:
    ore, _ = world.mined()
    world.refused(world.sale(ore), FamilyNotAllowed, family=Family.SALE, entry_type="transform")


# ------------------------------------------------------------------ lots and tags


def test_a_lot_that_does_not_exist(world: World) -> None:
    ore, _ = world.mined()
    missing = LotId(bytes(32))
    body = world.body("split", [ore], [world.ore(), world.ore()])
    body = structs.replace(body, inputs=(InputRef(missing, body.inputs[0].tag),))
    world.refused(world.transform(body), LotUnknown, lot=missing)


def test_a_double_spender_across_blocks(world: World) -> None:
    ore, _ = world.mined()
    first, _ = world.does("split", [ore], [world.ore(), world.ore()])
    again = world.make("split", [ore], [world.ore(), world.ore()])
    by = world.state.consumers.get(ore)
    world.refused(again, LotAlreadySpent, BlockTime(world.now + 3600), lot=ore, by=by)
    assert world.state.is_unspent(first)


def test_a_double_spender_within_one_transform(world: World) -> None:
    ore, _ = world.mined()
    body = world.body("count", [ore, ore], [world.ore()])
    world.refused(world.transform(body), LotTwice, lot=ore)


def test_two_lots_under_one_tag(world: World) -> None:
    ore, _ = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    tag = world.tag(first)
    body = world.body("count", [first, second], [world.ore()])
    inputs = (InputRef(first, tag), InputRef(second, tag))
    world.refused(world.transform(structs.replace(body, inputs=inputs)), TagTwice, tag=tag)


def test_a_tag_that_was_spent_under_another_lot(world: World) -> None:
    ore, _ = world.mined()
    tag = world.tag(ore)
    first, _ = world.does("split", [ore], [world.ore(), world.ore()])
    body = world.body("count", [first], [world.ore()])
    body = structs.replace(body, inputs=(InputRef(first, tag),))
    world.refused(world.transform(body), TagSpent, tag=tag)


# ------------------------------------------------------------------ owner keys


def test_two_outputs_under_one_key(world: World) -> None:
    ore, _ = world.mined()
    lot = world.ore()
    world.refused(world.make("split", [ore], [lot, lot]), OwnerKeyTwice, key=lot.owner)


def test_an_owner_key_that_was_seen_before(world: World) -> None:
    ore, _ = world.mined()
    used = world.public(ore).owner
    outputs = [world.ore(), structs.replace(world.ore(), owner=used)]
    world.refused(world.make("split", [ore], outputs), OwnerKeySeen, key=used)


@pytest.mark.parametrize("key", [b"\xc0" + bytes(47), b"\x99" * 48, b"\xff" * 48])
def test_an_owner_key_that_is_no_group_element(world: World, key: bytes) -> None:
    ore, _ = world.mined()
    outputs = [world.ore(), structs.replace(world.ore(), owner=OneTimeKey(key))]
    world.refused(world.make("split", [ore], outputs), BadPoint, encoding=key)


# ------------------------------------------------------------------ notes


def test_a_missing_note(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    short = structs.replace(entry, notes=entry.notes[:1])
    world.refused(short, NoteCountWrong, outputs=2, notes=1)


def test_a_note_that_was_exchanged_on_the_way(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    swapped = structs.replace(entry, notes=tuple(reversed(entry.notes)))
    found = world.refused(swapped, NoteHashDiffers, index=0)
    assert found.computed == NoteHash(hashlib.sha256(entry.notes[1]).digest())


def test_a_view_tag_of_three_bytes(world: World) -> None:
    ore, _ = world.mined()
    tags = (b"\x00\x01", b"\x00\x01\x02")
    entry = world.make("split", [ore], [world.ore(), world.ore()], view_tags=tags)
    world.refused(entry, ViewTagLength, index=1, length=3)


# ------------------------------------------------------------------ site


def test_mining_nowhere(world: World) -> None:
    entry = world.make("mine-copper-cobalt", [world.granted()], [world.ore()], site=None)
    world.refused(entry, SiteNeeded, recipe="mine-copper-cobalt")


def test_a_site_where_none_belongs(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()], site=MINE)
    world.refused(entry, SiteNotExpected, site=MINE)


def test_an_unregistered_site(world: World) -> None:
    pirate = SiteId("pirate-mine")
    world.facilities[pirate] = world.facilities[MINE]
    entry = world.make("mine-copper-cobalt", [world.granted()], [world.ore()], site=pirate)
    world.refused(entry, UnknownSite, site=pirate)


def test_a_site_of_a_suspended_member(world: World) -> None:
    licence = world.granted()
    world.apply(world.govern(SetStatus(MemberId("miner"), Status.SUSPENDED)))
    entry = world.make("mine-copper-cobalt", [licence], [world.ore()])
    world.refused(entry, MemberNotActive, member="miner", standing=Status.SUSPENDED)


def test_a_site_that_did_not_sign(world: World) -> None:
    entry = world.make("mine-copper-cobalt", [world.granted()], [world.ore()])
    world.refused(
        structs.replace(entry, site_signature=None), SiteSignatureMissing, site=MINE, found=None
    )


def test_the_neighbour_signs_for_the_site(world: World) -> None:
    entry = world.make("mine-copper-cobalt", [world.granted()], [world.ore()])
    other = world.site_signature(OTHER_MINE, entry_id(entry))
    world.refused(
        structs.replace(entry, site_signature=other), SiteSignatureMissing, found=OTHER_MINE
    )
    forged = structs.replace(other, site=MINE)
    world.refused(structs.replace(entry, site_signature=forged), SiteSignatureInvalid, site=MINE)


def test_a_site_signature_that_nobody_asked_for(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    extra = world.site_signature(MINE, entry_id(entry))
    world.refused(structs.replace(entry, site_signature=extra), SiteSignatureNotExpected, site=MINE)


# ------------------------------------------------------------------ signers


def test_signers_in_other_roles_than_the_recipe_s(world: World) -> None:
    licence = world.granted()
    signers = (SignerRef(MemberId("works"), Role("weighbridge")),)
    entry = world.make("mine-copper-cobalt", [licence], [world.ore()], signers=signers)
    world.refused(
        entry, RolesDiffer, expected=("weighbridge", "energy-auditor"), found=("weighbridge",)
    )


def test_a_signer_without_the_role(world: World) -> None:
    ore, _ = world.mined()
    signers = (SignerRef(MemberId("refiner"), Role("auditor")),)
    entry = world.make("count", [ore], [world.ore()], signers=signers)
    world.refused(entry, RoleMissing, member="refiner", role="auditor")


def test_a_stranger_signs(world: World) -> None:
    ore, _ = world.mined()
    world.parties["stranger"] = world.parties["audit-a"]
    signers = (SignerRef(MemberId("stranger"), Role("auditor")),)
    entry = world.make("count", [ore], [world.ore()], signers=signers)
    world.refused(entry, UnknownMember, member="stranger")


def test_a_suspended_signer(world: World) -> None:
    ore, _ = world.mined()
    world.apply(world.govern(SetStatus(MemberId("audit-a"), Status.SUSPENDED)))
    entry = world.make("count", [ore], [world.ore()])
    world.refused(entry, MemberNotActive, member="audit-a")


def test_a_missing_an_extra_and_a_swapped_signature(world: World) -> None:
    entry = world.make("mine-copper-cobalt", [world.granted()], [world.ore()])
    assert len(entry.signatures) == 2
    missing = entry.signatures[:1]
    extra = (*entry.signatures, entry.signatures[0])
    for signatures in (missing, extra, ()):
        world.refused(
            structs.replace(entry, signatures=signatures),
            SignersDiffer,
            expected=("works", "meters"),
            found=tuple(signature.member for signature in signatures),
        )


def test_a_signature_over_another_body(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("count", [ore], [world.ore()])
    other = world.make("count", [ore], [world.ore()])
    stolen = structs.replace(entry, signatures=other.signatures)
    world.refused(stolen, MemberSignatureInvalid, member="audit-a")


def test_a_vote_shown_as_a_co_signature(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("count", [ore], [world.ore()])
    vote = world.parties["audit-a"].sign(SignatureContext.VOTE, entry_id(entry))
    world.refused(
        structs.replace(entry, signatures=(vote,)), MemberSignatureInvalid, member="audit-a"
    )


# ------------------------------------------------------------------ expiry


def test_a_licence_is_good_on_its_last_second_and_not_after(world: World) -> None:
    licence = world.granted()
    last = world.public(licence).expiry
    assert last == parse_time("2026-04-15T23:59:59Z")
    entry = world.make("mine-copper-cobalt", [licence], [world.ore()])
    late = BlockTime(last + 1)
    world.refused(entry, LotExpired, late, lot=licence, expires=last, now=late)
    world.apply(entry, last)


def test_a_miner_who_makes_his_remainder_live_longer(world: World) -> None:
    licence = world.granted()
    expires = world.right_expiry()
    outputs = [world.ore(), world.licence(expires + 1)]
    entry = world.make("mine-copper-cobalt", [licence], outputs)
    world.refused(entry, ExpiryWrong, index=1, expected=expires, found=expires + 1)


def test_a_remainder_in_the_grace_takes_the_old_month_s_expiry(world: World) -> None:
    licence = world.granted()
    old = world.right_expiry()
    world.now = parse_time("2026-04-02T00:00:00Z")
    renewed = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    world.refused(renewed, ExpiryWrong, index=1, expected=old)
    world.does("mine-copper-cobalt", [licence], [world.ore(), world.licence(old)])


def test_material_does_not_expire(world: World) -> None:
    ore, _ = world.mined()
    lasting = structs.replace(world.ore(), expires=world.now + 10)
    entry = world.make("split", [ore], [world.ore(), lasting])
    world.refused(entry, ExpiryWrong, index=1, expected=None, found=world.now + 10)


def test_a_licence_out_of_ore(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.licence()])
    world.refused(entry, RightFromNowhere, index=1, form="licence")


def test_an_output_of_an_unknown_form(world: World) -> None:
    ore, _ = world.mined()
    gold = structs.replace(world.ore(), form=FormName("gold"))
    world.refused(world.make("split", [ore], [gold, world.ore()]), UnknownForm, form="gold")


def test_a_step_that_claims_to_replace_a_grant(world: World) -> None:
    ore, left = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()], replaces=left)
    world.refused(entry, ReplacesNotExpected, lot=left)


# ------------------------------------------------------------------ verdicts


def test_an_unverified_proof(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    with pytest.raises(ProofNotVerified) as caught:
        apply(world.state, entry, world.now, {})
    assert caught.value.key == proof_key(entry, world.state.tables)


def test_a_failed_proof_is_refused_by_its_own_name(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    verdicts = world.verdicts(entry, refusal=ProofDoesNotHold("split"))
    before = world.state.root
    for _ in range(2):
        with pytest.raises(ProofDoesNotHold):
            apply(world.state, entry, world.now, verdicts)
    assert world.state.root == before


@pytest.mark.parametrize("good_first", [True, False])
def test_one_body_with_a_good_and_a_bad_proof_in_both_orders(
    world: World, *, good_first: bool
) -> None:
    ore, _ = world.mined()
    good = world.make("split", [ore], [world.ore(), world.ore()])
    bad = structs.replace(good, proof=OTHER_PROOF)
    assert entry_id(good) == entry_id(bad)
    verdicts = {
        **world.verdicts(good),
        **world.verdicts(bad, refusal=ProofDoesNotHold("split")),
    }
    assert len(verdicts) == 2
    if not good_first:
        with pytest.raises(ProofDoesNotHold):
            apply(world.state, bad, world.now, verdicts)
    apply(world.state, good, world.now, verdicts)
    if good_first:
        with pytest.raises(EntryAlreadyAccepted):
            apply(world.state, bad, world.now, verdicts)
    assert world.state.is_unspent(made_by(good)[0])


def test_a_verdict_under_another_key_serves_nobody(world: World) -> None:
    ore, _ = world.mined()
    first = world.make("split", [ore], [world.ore(), world.ore()])
    second = world.make("split", [ore], [world.ore(), world.ore()])
    (verdict,) = world.verdicts(first).values()
    forged = {proof_key(second, world.state.tables): verdict}
    with pytest.raises(ProofNotVerified):
        apply(world.state, second, world.now, forged)


def test_a_verdict_dies_with_the_tables_it_was_given_under(world: World) -> None:
    ore, _ = world.mined()
    entry = world.make("split", [ore], [world.ore(), world.ore()])
    verdicts = world.verdicts(entry)
    count = world.body("count", [ore], [world.ore()])
    world.apply(world.govern(RetireRecipe(count.recipe)))
    with pytest.raises(ProofNotVerified):
        apply(world.state, entry, world.now, verdicts)
