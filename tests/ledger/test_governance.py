"""Founding, votes, members, sites, tables: who may change the consortium, and what stays."""

import pytest
from msgspec import structs
from tests.ledger.world import (
    ALLOCATIONS,
    CHAIN,
    ELEMENTS,
    ENTROPY,
    FORMS,
    MINE,
    RECIPES,
    STANDARDS,
    VOTERS,
    Party,
    World,
)

from lodeline.crypto.group import BadPoint
from lodeline.crypto.sealing import ExchangeKeySmallOrder
from lodeline.crypto.signatures import (
    MemberKeySmallOrder,
    SignatureContext,
    SigningKey,
    sign,
)
from lodeline.custody.candidate import RecipeRefused
from lodeline.custody.check_forms import FormRefused, WidthOutOfRange
from lodeline.custody.expansion import recipe_digest
from lodeline.custody.forms import FormClass, UnknownForm
from lodeline.custody.standards import UnknownStandard
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    Hash32,
    LotId,
    MalformedName,
    MemberId,
    MemberKey,
    OneTimeKey,
    RecipeDigest,
    RecipeName,
    Role,
    SignatureBytes,
    SiteId,
    StandardName,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import (
    AdmitMember,
    AdoptAllocation,
    AdoptForm,
    AdoptRecipe,
    AdoptStandard,
    Anchor,
    AnchorBody,
    LiftRecall,
    Member,
    Recognise,
    RegisterSite,
    RemoveRecognition,
    RetireRecipe,
    RotateKey,
    RotateKeyBody,
    SetStatus,
    Status,
    entry_id,
)
from lodeline.ledger.records import RecognitionKey
from lodeline.ledger.refusals_corrections import NotRecalled
from lodeline.ledger.refusals_entries import (
    BlockTimeWentBack,
    EntryAlreadyAccepted,
    GenesisAgain,
    MemberNotActive,
    MemberSignatureInvalid,
    NoGenesis,
    SignersDiffer,
    SignerTwice,
    UnknownMember,
    WrongChain,
    WrongVersion,
)
from lodeline.ledger.refusals_governance import (
    AllocationKnown,
    AnchorKnown,
    ElementUnknown,
    FormKnown,
    KeyUnchanged,
    MemberKeyTaken,
    MemberKnown,
    MemberRemoved,
    NotAscending,
    NotAVoter,
    NotEnoughVotes,
    RecipeKnown,
    RecipeToRetireUnknown,
    RecipeVersionsOverlap,
    RecognitionMissing,
    RecognitionOver,
    RecognitionSubject,
    SequenceWrong,
    SiteOfOther,
    StandardNotNewer,
    StandardUnsound,
    StatusUnchanged,
    ThresholdTooHigh,
    TooFewVoters,
    WeightWrong,
)
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, state_key

ANY_KEY = MemberId("audit-b")


@pytest.fixture
def world() -> World:
    return World("grant-licence", "split")


# ------------------------------------------------------------------ genesis


def test_nothing_comes_before_the_genesis(world: World) -> None:
    with pytest.raises(NoGenesis):
        apply(State(), world.govern(SetStatus(ANY_KEY, Status.SUSPENDED)), world.now, {})


def test_a_ledger_is_founded_once(world: World) -> None:
    assert world.state.constants is not None
    world.refused(world.genesis(), GenesisAgain, genesis=world.state.constants.genesis)


def test_a_founder_who_did_not_sign(world: World) -> None:
    genesis = world.genesis()
    short = structs.replace(genesis, signatures=genesis.signatures[1:])
    swapped = structs.replace(genesis, signatures=tuple(reversed(genesis.signatures)))
    for entry in (short, swapped, structs.replace(genesis, signatures=())):
        with pytest.raises(SignersDiffer):
            apply(State(), entry, world.now, {})


def test_a_genesis_that_was_changed_after_signing(world: World) -> None:
    genesis = structs.replace(world.genesis(), threshold=1)
    with pytest.raises(MemberSignatureInvalid):
        apply(State(), genesis, world.now, {})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": 2}, WrongVersion),
        ({"threshold": 5}, ThresholdTooHigh),
        ({"elements": (ElementSymbol("Ni"), ElementSymbol("Co"))}, NotAscending),
        ({"elements": (ElementSymbol("Co"), ElementSymbol("Co"))}, NotAscending),
    ],
)
def test_an_unsound_genesis(world: World, changes: dict[str, object], error: type) -> None:
    with pytest.raises(error):
        apply(State(), world.genesis(**changes), world.now, {})


def test_two_founders_under_one_name_or_key(world: World) -> None:
    first, second, *_ = world.genesis().members
    with pytest.raises(MemberKnown):
        apply(State(), world.genesis(members=(first, first)), world.now, {})
    twin = structs.replace(second, key=first.key)
    with pytest.raises(MemberKeyTaken) as caught:
        apply(State(), world.genesis(members=(first, twin)), world.now, {})
    assert caught.value.owner == first.member


# ------------------------------------------------------------------ votes


def test_time_does_not_run_backwards(world: World) -> None:
    act = world.govern(SetStatus(ANY_KEY, Status.SUSPENDED))
    before = BlockTime(world.now - 1)
    world.refused(act, BlockTimeWentBack, before, last=world.now, now=before)


def test_a_vote_needs_the_threshold(world: World) -> None:
    act = SetStatus(ANY_KEY, Status.SUSPENDED)
    world.refused(world.govern(act, voters=VOTERS[:2]), NotEnoughVotes, needed=3, found=2)
    world.refused(world.govern(act, voters=()), NotEnoughVotes, found=0)
    world.apply(world.govern(act, voters=VOTERS[:3]))


def test_votes_that_do_not_count(world: World) -> None:
    act = SetStatus(MemberId("audit-b"), Status.SUSPENDED)
    twice = world.govern(act, voters=(*VOTERS[:2], VOTERS[0]))
    world.refused(twice, SignerTwice, member=VOTERS[0])
    world.refused(world.govern(act, voters=("works", *VOTERS)), NotAVoter, member="works")
    world.parties["stranger"] = Party("stranger", (), votes=True)
    world.refused(world.govern(act, voters=("stranger", *VOTERS)), UnknownMember)
    forged = world.govern(act)
    first, *rest = forged.signatures
    stolen = structs.replace(first, signature=rest[0].signature)
    world.refused(structs.replace(forged, signatures=(stolen, *rest)), MemberSignatureInvalid)


def test_a_suspended_member_does_not_vote(world: World) -> None:
    world.apply(world.govern(SetStatus(MemberId("miner"), Status.SUSPENDED)))
    act = SetStatus(ANY_KEY, Status.SUSPENDED)
    world.refused(world.govern(act), MemberNotActive, member="miner")
    world.apply(world.govern(act, voters=("authority", "audit-a", "refiner")))


def test_a_vote_is_not_replayed(world: World) -> None:
    suspend = world.govern(SetStatus(ANY_KEY, Status.SUSPENDED))
    world.apply(suspend)
    world.apply(world.govern(SetStatus(ANY_KEY, Status.ACTIVE)))
    world.refused(suspend, EntryAlreadyAccepted)
    stale = world.govern(SetStatus(ANY_KEY, Status.SUSPENDED), sequence=suspend.body.sequence)
    # The same words under the same number are the same entry, whoever signs it now.
    world.refused(stale, EntryAlreadyAccepted)
    other = world.govern(SetStatus(ANY_KEY, Status.REMOVED), sequence=suspend.body.sequence)
    world.refused(other, SequenceWrong, expected=world.state.acts, found=suspend.body.sequence)


def test_a_vote_for_another_ledger(world: World) -> None:
    entry = world.govern(SetStatus(ANY_KEY, Status.SUSPENDED), chain="other")
    world.refused(entry, WrongChain, expected=CHAIN, found="other")


def test_acts_are_done_all_or_none(world: World) -> None:
    good = SetStatus(ANY_KEY, Status.SUSPENDED)
    bad = LiftRecall(LotId(bytes(32)))
    world.refused(world.govern(good, bad), NotRecalled)
    record = world.state.members.get(ANY_KEY)
    assert record is not None
    assert record.is_active


def test_an_act_sees_those_before_it(world: World) -> None:
    form = structs.replace(FORMS[FormName("cobalt-metal")], name=FormName("cobalt-powder"))
    recipe = RECIPES["refine-cobalt-metal"]
    ports = tuple(
        structs.replace(port, forms=(form.name,)) if "cobalt-metal" in port.forms else port
        for port in recipe.outputs
    )
    weights = tuple(
        structs.replace(weight, form=form.name) if weight.form == "cobalt-metal" else weight
        for weight in recipe.allocation
    )
    powder = structs.replace(
        recipe, name=RecipeName("refine-cobalt-powder"), outputs=ports, allocation=weights
    )
    table = ALLOCATIONS[recipe.allocation_table]
    more = structs.replace(
        table,
        name="powder-2026",
        weights=tuple({(w.form, w.strand): w for w in (*table.weights, *weights)}.values()),
    )
    powder = structs.replace(powder, allocation_table="powder-2026")
    world.refused(world.govern(AdoptRecipe(powder), AdoptForm(form)), UnknownForm)
    world.apply(world.govern(AdoptForm(form), AdoptAllocation(more), AdoptRecipe(powder)))
    assert world.state.recipe(recipe_digest(powder)) == powder


# ------------------------------------------------------------------ members


def test_a_new_member_may_act_at_once(world: World) -> None:
    party = Party("newcomer", ("auditor",), votes=True)
    world.parties["newcomer"] = party
    world.apply(world.govern(AdmitMember(party.member)))
    voters = ("newcomer", "authority", "audit-a")
    world.apply(world.govern(SetStatus(ANY_KEY, Status.SUSPENDED), voters=voters))


def test_members_that_cannot_be_admitted(world: World) -> None:
    new = Party("newcomer", ("auditor",), votes=True).member
    known = world.parties["miner"].member
    unsound: list[tuple[Member, type[LodelineError]]] = [
        (structs.replace(new, member=known.member), MemberKnown),
        (structs.replace(new, key=known.key), MemberKeyTaken),
        (structs.replace(new, key=MemberKey(bytes(32))), MemberKeySmallOrder),
        (structs.replace(new, spend=OneTimeKey(bytes(48))), BadPoint),
        (structs.replace(new, view=Hash32(bytes(32))), ExchangeKeySmallOrder),
        (structs.replace(new, roles=(Role("b"), Role("a"))), NotAscending),
        (structs.replace(new, roles=(Role("a"), Role("a"))), NotAscending),
    ]
    for record, error in unsound:
        world.refused(world.govern(AdmitMember(record)), error)


def test_removal_is_for_good(world: World) -> None:
    world.apply(world.govern(SetStatus(ANY_KEY, Status.REMOVED)))
    for status in Status:
        world.refused(world.govern(SetStatus(ANY_KEY, status)), MemberRemoved, member=ANY_KEY)


def test_a_status_that_is_there_already_or_of_nobody(world: World) -> None:
    world.refused(
        world.govern(SetStatus(ANY_KEY, Status.ACTIVE)), StatusUnchanged, standing=Status.ACTIVE
    )
    world.refused(world.govern(SetStatus(MemberId("nobody"), Status.ACTIVE)), UnknownMember)


def test_the_consortium_cannot_vote_itself_dead(world: World) -> None:
    gone = [SetStatus(MemberId(name), Status.SUSPENDED) for name in ("miner", "refiner")]
    world.refused(world.govern(*gone), TooFewVoters, needed=3, left=2)
    world.apply(world.govern(gone[0]))
    assert world.state.active_voters() == 3


# ------------------------------------------------------------------ keys


def _rotation(
    world: World, name: str, new: SigningKey, old: SigningKey | None = None, **changes: object
) -> RotateKey:
    member = world.parties[name].member
    plain = RotateKeyBody(CHAIN, member.member, 0, new.public, member.spend, member.view)
    body = structs.replace(plain, **changes)
    bare = RotateKey(body, SignatureBytes(bytes(64)), SignatureBytes(bytes(64)))
    identity, context = entry_id(bare), SignatureContext.ENTRY
    return RotateKey(
        body,
        sign(old or world.parties[name].key, context, identity),
        sign(new, context, identity),
    )


def test_a_rotated_key_replaces_the_old_one(world: World) -> None:
    new = SigningKey.generate(ENTROPY)
    world.apply(_rotation(world, "miner", new))
    act = SetStatus(ANY_KEY, Status.SUSPENDED)
    world.refused(world.govern(act), MemberSignatureInvalid, member="miner")
    world.parties["miner"].key = new
    world.apply(world.govern(act))


def test_rotations_that_are_refused(world: World) -> None:
    new, thief = SigningKey.generate(ENTROPY), SigningKey.generate(ENTROPY)
    world.refused(_rotation(world, "miner", new, thief), MemberSignatureInvalid)
    world.refused(_rotation(world, "miner", new, key=thief.public), MemberSignatureInvalid)
    world.refused(_rotation(world, "miner", new, sequence=1), SequenceWrong, expected=0)
    world.refused(_rotation(world, "miner", world.parties["miner"].key), KeyUnchanged)
    taken = world.parties["refiner"].key
    world.refused(_rotation(world, "miner", taken), MemberKeyTaken, owner="refiner")
    world.refused(_rotation(world, "miner", new, chain="other"), WrongChain)
    world.refused(_rotation(world, "miner", new, spend=OneTimeKey(bytes(48))), BadPoint)
    first = _rotation(world, "miner", new)
    world.apply(first)
    world.refused(first, EntryAlreadyAccepted)
    world.apply(world.govern(SetStatus(ANY_KEY, Status.SUSPENDED), voters=_OTHERS))
    world.refused(_rotation(world, "audit-b", thief), MemberNotActive)


_OTHERS = ("authority", "audit-a", "refiner")


# ------------------------------------------------------------------ anchors


def _anchor(world: World, name: str, digest: int = 1) -> Anchor:
    body = AnchorBody(CHAIN, MemberId(name), Hash32(bytes([digest]) * 32), "report")
    identity = entry_id(Anchor(body, SignatureBytes(bytes(64))))
    return Anchor(body, sign(world.parties[name].key, SignatureContext.ENTRY, identity))


def test_a_digest_is_anchored_once_by_each_member(world: World) -> None:
    entry = _anchor(world, "miner")
    world.apply(entry)
    world.refused(entry, EntryAlreadyAccepted)
    other_kind = structs.replace(entry, body=structs.replace(entry.body, kind="invoice"))
    world.refused(other_kind, AnchorKnown, member="miner", digest=entry.body.digest)
    world.apply(_anchor(world, "refiner"))
    forged = structs.replace(_anchor(world, "miner", 2), signature=entry.signature)
    world.refused(forged, MemberSignatureInvalid)


# ------------------------------------------------------------------ sites, recognitions


def test_a_site_keeps_its_member_and_may_change_its_key(world: World) -> None:
    record = world.site_record(MINE, "miner")
    stolen = structs.replace(record, member=MemberId("refiner"))
    world.refused(
        world.govern(RegisterSite(stolen)), SiteOfOther, site=MINE, owner="miner", member="refiner"
    )
    world.facilities[MINE] = SigningKey.generate(ENTROPY)
    renewed = world.site_record(MINE, "miner")
    world.apply(world.govern(RegisterSite(renewed)))
    assert world.state.sites.get(MINE) == renewed


def test_sites_that_cannot_be_registered(world: World) -> None:
    record = structs.replace(world.site_record(MINE, "miner"), site=SiteId("new"))
    nobody = structs.replace(record, member=MemberId("nobody"))
    world.refused(world.govern(RegisterSite(nobody)), UnknownMember)
    weak = structs.replace(record, facility_key=MemberKey(bytes(32)))
    world.refused(world.govern(RegisterSite(weak)), MemberKeySmallOrder)


def test_recognitions(world: World) -> None:
    member, until = MemberId("certifier"), BlockTime(world.now + 100)
    standard = StandardName("IRMA-50")
    refused: list[tuple[Recognise, type]] = [
        (Recognise(member, None, None, until), RecognitionSubject),
        (Recognise(member, standard, "licence", until), RecognitionSubject),
        (Recognise(member, StandardName("made-up"), None, until), UnknownStandard),
        (Recognise(member, standard, None, BlockTime(world.now - 1)), RecognitionOver),
        (Recognise(MemberId("nobody"), standard, None, until), UnknownMember),
    ]
    for act, error in refused:
        world.refused(world.govern(act), error)
    world.apply(world.govern(Recognise(member, standard, None, until)))
    key = RecognitionKey(member, standard, None)
    assert key in world.state.recognitions
    world.apply(world.govern(RemoveRecognition(member, standard, None)))
    assert key not in world.state.recognitions
    again = world.govern(RemoveRecognition(member, standard, None))
    world.refused(again, RecognitionMissing, member=member, standard=standard)


# ------------------------------------------------------------------ tables


def test_a_form_is_never_redefined(world: World) -> None:
    form = FORMS[FormName("cobalt-metal")]
    wider = structs.replace(form, emission_bits=form.emission_bits + 1)
    world.refused(world.govern(AdoptForm(wider)), FormKnown, form="cobalt-metal")


def test_forms_that_make_no_sense(world: World) -> None:
    form = structs.replace(FORMS[FormName("cobalt-metal")], name=FormName("new"))
    wide = structs.replace(form, strands=(structs.replace(form.strands[0], bits=53),))
    world.refused(world.govern(AdoptForm(wide)), WidthOutOfRange, bits=53)
    quota = structs.replace(form, form_class=FormClass.QUOTA, emission_bits=0)
    entry = world.govern(AdoptForm(quota))
    with pytest.raises(FormRefused):
        apply(world.state, entry, world.now, {})
    gold = structs.replace(form.strands[0], strand="Au")
    foreign = structs.replace(form, strands=(gold,), contents=())
    world.refused(world.govern(AdoptForm(foreign)), ElementUnknown, element="Au")


def test_a_standard_gives_way_to_a_later_version_only(world: World) -> None:
    standard = STANDARDS[StandardName("IRMA-75")]
    same = world.govern(AdoptStandard(standard))
    world.refused(same, StandardNotNewer, current=standard.valid_from, found=standard.valid_from)
    newer = structs.replace(standard, version="2", valid_from=standard.valid_from + 1)
    world.apply(world.govern(AdoptStandard(newer)))
    assert world.state.tables.standards[standard.name] == newer


def test_standards_that_make_no_sense(world: World) -> None:
    standard = structs.replace(STANDARDS[StandardName("IRMA-75")], name=StandardName("new"))
    for changes, error in (
        ({"carry_share_ppm": 1_000_001}, StandardUnsound),
        ({"carry_share_ppm": -1}, StandardUnsound),
        ({"valid_to": standard.valid_from - 1}, StandardUnsound),
        ({"elements": (ElementSymbol("Au"),)}, ElementUnknown),
    ):
        world.refused(world.govern(AdoptStandard(structs.replace(standard, **changes))), error)


def test_a_standard_s_new_version_must_leave_recipes_sound() -> None:
    world = World("grant-licence", "mine-copper-cobalt")
    standard = STANDARDS[StandardName("IRMA-75")]
    draws = structs.replace(
        standard, valid_from=standard.valid_from + 1, draws_from=(FormClass.SCRAP,)
    )
    entry = world.govern(AdoptStandard(draws))
    with pytest.raises(RecipeRefused) as caught:
        apply(world.state, entry, world.now, {})
    assert caught.value.recipe == "mine-copper-cobalt"


def test_allocation_tables(world: World) -> None:
    table = ALLOCATIONS.all()[0]
    world.refused(world.govern(AdoptAllocation(table)), AllocationKnown, table=table.name)
    heavy = structs.replace(table.weights[0], weight_ppm=1_000_001)
    unsound = structs.replace(table, name="new", weights=(heavy,))
    world.refused(world.govern(AdoptAllocation(unsound)), WeightWrong, weight=1_000_001)


def test_names_that_nothing_could_be_called_by(world: World) -> None:
    standard = structs.replace(STANDARDS[StandardName("IRMA-75")], name=StandardName("a/b"))
    world.refused(world.govern(AdoptStandard(standard)), MalformedName, text="a/b")
    table = structs.replace(ALLOCATIONS.all()[0], name="two words")
    world.refused(world.govern(AdoptAllocation(table)), MalformedName, text="two words")
    recipe = structs.replace(RECIPES["count"], name=RecipeName(""))
    world.refused(world.govern(AdoptRecipe(recipe)), MalformedName, text="")


def test_a_recipe_changes_only_by_a_later_version(world: World) -> None:
    recipe = RECIPES["split"]
    world.refused(world.govern(AdoptRecipe(recipe)), RecipeKnown, version=1)
    second = structs.replace(recipe, version=2, valid_from=world.now + 100)
    world.refused(world.govern(AdoptRecipe(second)), RecipeVersionsOverlap, earlier=1, ends=None)
    retire = RetireRecipe(recipe_digest(recipe))
    world.apply(world.govern(retire, AdoptRecipe(second)))
    world.refused(world.govern(retire), RecipeToRetireUnknown)
    unknown = RecipeDigest(bytes(32))
    world.refused(world.govern(RetireRecipe(unknown)), RecipeToRetireUnknown, recipe=unknown)


def test_no_vote_adopts_a_recipe_that_creates_metal(world: World) -> None:
    recipe = RECIPES["count"]
    (metal, tolerance) = recipe.balances
    creating = structs.replace(metal, left=())
    for balances in ((creating, tolerance), (metal, structs.replace(tolerance, right=("X",)))):
        evil = structs.replace(recipe, name=RecipeName("alchemy"), balances=balances)
        entry = world.govern(AdoptRecipe(evil))
        before = world.state.root
        with pytest.raises(RecipeRefused):
            apply(world.state, entry, world.now, {})
        assert world.state.root == before


def test_the_root_covers_the_tables(world: World) -> None:
    digest = recipe_digest(RECIPES["split"])
    for kind, part in (
        (StateKind.FORM, b"cobalt-metal"),
        (StateKind.STANDARD, b"IRMA-75"),
        (StateKind.ALLOCATION, ALLOCATIONS.all()[0].name.encode()),
        (StateKind.RECIPE, digest),
        (StateKind.MEMBER, b"miner"),
        (StateKind.SITE, MINE.encode()),
    ):
        assert state_key(kind, part) in world.state.map
    assert len(ELEMENTS) == 10
