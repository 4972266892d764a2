"""Bundles: what a stranger accepts, and what makes him put the file aside."""

import dataclasses
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.archive import Archive, believe
from tests.ledger.undoing import mined_by_transform, regrant_of, reversal_of
from tests.ledger.world import CHAIN, ENTROPY, MINE, OTHER_MINE, World, made_by

from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import encode_point, encode_scalar, random_scalar, scalar
from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Commitment, LotId, MemberId, ScalarBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger import bundling
from lodeline.ledger.bundle import (
    Bundle,
    ProductOpening,
    Stop,
    StoppedLot,
    decode_bundle,
    encode_bundle,
)
from lodeline.ledger.bundle_report import Report, not_shown
from lodeline.ledger.bundling import BundleRequest, EarlierState, build_bundle, past_of
from lodeline.ledger.checkpoint import TooFewSignatures, WrongOrigin
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.entries import (
    Correction,
    CorrectionBody,
    LiftRecall,
    SetStatus,
    Status,
    entry_id,
)
from lodeline.ledger.merkle import MerkleError, TreeSize, WrongRoot
from lodeline.ledger.refusals_bundles import (
    BundleDamaged,
    BundleGenesisMissing,
    BundleGovernanceIncomplete,
    BundleLotSpent,
    BundleLotUnknown,
    BundleNotOne,
    BundleOfAnotherConsortium,
    BundleOutOfOrder,
    BundleStateDiffers,
    BundleStopForm,
    BundleStopTooLate,
    BundleStopUnfounded,
    BundleTimeDiffers,
    BundleTooLarge,
    BundleTooManyEntries,
    BundleTooOld,
    ClaimsWithoutReader,
    ProductNotOpened,
)
from lodeline.ledger.refusals_entries import ProofNotVerified, WrongChain
from lodeline.ledger.refusals_transforms import LotUnknown
from lodeline.ledger.signednote import NoteSignatureInvalid
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.ledger.statemap import StateMapError, WrongStateRoot
from lodeline.ledger.verify_bundle import examine_bundle, verify_bundle
from lodeline.proofs.body import transform_id
from lodeline.proofs.view import product_number

MINING = "mine-copper-cobalt"
RECIPES = (
    "grant-licence",
    "renew-licence",
    MINING,
    "split",
    "blend",
    "sale",
    "correct",
    "grant-intake",
    "open-stock",
)


@pytest.fixture
def world() -> World:
    return World(*RECIPES)


def _sold(world: World) -> LotId:
    """Return a lot with a past: mined, split, sold, and things beside it that it does not need."""
    ore, left = world.mined()
    first, second = world.does("split", [ore], [world.ore(), world.ore()])
    offer = world.offer(world.sale(first), world.now + 60)
    world.apply(offer)
    world.does("split", [second], [world.ore(), world.ore()])
    world.does(MINING, [left], [world.ore()])
    world.apply(world.accept(offer))
    (bought,) = made_by(offer.sale)
    return bought


def _bundle(world: World, lot: LotId, **changes: object) -> bytes:
    archive = Archive(world)
    request = dataclasses.replace(BundleRequest(lot), **changes)  # type: ignore[arg-type]
    return build_bundle(archive, world.state, archive.checkpoint(), request)


def _check(world: World, data: bytes, **changes: object) -> Report:
    asked = Asked(CHAIN, "reader", world.now, **changes)  # type: ignore[arg-type]
    return verify_bundle(data, Archive(world).trust(), believe, asked)


def _refused(
    world: World, data: bytes, error: type[LodelineError], step: int, **changes: object
) -> LodelineError:
    """Expect the refusal at a step, raised and reported alike."""
    asked = Asked(CHAIN, "reader", world.now, **changes)  # type: ignore[arg-type]
    trust = Archive(world).trust()
    with pytest.raises(error):
        verify_bundle(data, trust, believe, asked)
    report = examine_bundle(data, trust, believe, asked)
    assert not report.holds
    assert report.facts is None
    assert report.steps[-1].number == step
    assert all(item.holds for item in report.steps[:-1])
    assert isinstance(report.refusal, error)
    return report.refusal


def _changed(data: bytes, change: Callable[[Bundle], Bundle]) -> bytes:
    """Return a forged bundle: changed, and its checksum made again."""
    return encode_bundle(change(decode_bundle(data)))


# ------------------------------------------------------------------ a bundle that holds


def test_a_stranger_accepts_the_way_back_to_the_licence(world: World) -> None:
    lot = _sold(world)
    data = _bundle(world, lot)
    report = _check(world, data)
    assert report.holds
    assert [step.number for step in report.steps] == list(range(1, 11))
    facts = report.facts
    assert facts is not None
    assert facts.lot == lot
    assert facts.sites == (MINE,)
    assert facts.transforms == 4  # grant, mining, split, sale
    assert {key.element for key, _ in facts.grants} == {"Co", "Cu"}
    assert facts.intakes == 0
    assert facts.taken_on_trust == ()
    for lang in ("en", "fr"):
        for step in report.steps:
            assert step.found is not None
            assert step.found.text(lang)
            assert step.title.text(lang)
        assert all(sentence.text(lang) for sentence in not_shown(facts))
    assert "demonstration" in not_shown(facts)[0].en


def test_a_bundle_leaves_out_what_the_lot_does_not_rest_on(world: World) -> None:
    lot = _sold(world)
    archive = Archive(world)
    past = past_of(archive, world.state, lot)
    assert len(past.indices) < len(archive.leaves)
    kinds = [record.kind for record in world.state.entries.values() if record.index in past.indices]
    assert kinds.count("transform") == 3
    assert kinds.count("offer") == kinds.count("accept") == kinds.count("genesis") == 1


def test_the_replayed_part_agrees_with_the_whole(world: World) -> None:
    """Records of the part have the very digests that the checkpoint's state has."""
    lot = _sold(world)
    report = _check(world, _bundle(world, lot))
    assert report.state is not None
    for identity, making in report.state.makings.items():
        assert world.state.makings.get(identity) == making
    for entry, record in report.state.entries.items():
        assert world.state.entries.get(entry) == record


def test_an_intake_is_said_aloud(world: World) -> None:
    intake = world.paper("intake", {"Co.licence": ()}, expires=world.right_expiry())
    (right,) = world.does("grant-intake", [], [intake])
    (stock,) = world.does("open-stock", [right], [world.paper("cobalt-metal", {"Co": ()})])
    facts = _check(world, _bundle(world, stock)).facts
    assert facts is not None
    assert facts.intakes == 1
    assert any("intakes" in sentence.en for sentence in not_shown(facts))


def test_bundles_of_a_past_with_everything(world: World) -> None:
    """A renewed licence, a reversal, a re-grant, a recall that was lifted, a correction."""
    first = world.granted()
    _, left = world.does(MINING, [first], [world.ore(), world.licence()])
    (renewed,) = world.does("renew-licence", [left], [world.licence()], replaces=first)
    mining = world.make(MINING, [renewed], [world.ore(), world.licence()])
    world.apply(mining)
    undo = reversal_of(world, mining)
    world.apply(undo)
    (back,) = (lot for lot, record in world.state.lots.items() if record.equals == renewed)
    (ore,) = world.does(MINING, [back], [world.ore()])
    unrelated, _ = world.does("split", [_other_ore(world)], [world.ore(), world.ore()])
    for lot in (ore, unrelated):
        world.apply(world.recall("audit-a", lot))
    world.apply(world.govern(LiftRecall(ore), LiftRecall(unrelated)))
    world.apply(regrant_of(world, ore))
    (again,) = (lot for lot, record in world.state.lots.items() if record.equals == ore)
    half, _ = world.does("split", [again], [world.ore(), world.ore()])
    facts = _check(world, _bundle(world, half)).facts
    assert facts is not None
    assert len(facts.grants) == 2


def _other_ore(world: World) -> LotId:
    licence = world.granted(site=OTHER_MINE)
    (ore,) = world.does(MINING, [licence], [world.ore()], site=OTHER_MINE)
    return ore


# ------------------------------------------------------------------ products


def _product(world: World, identifier: str) -> tuple[LotId, ProductOpening]:
    """Return a split whose first output is committed to a product identifier."""
    ore, _ = world.mined()
    blinding = random_scalar(ENTROPY)
    number = scalar(product_number(CHAIN, identifier))
    sealed = Commitment(encode_point(VALUE * number + BLINDING * blinding))
    product = structs.replace(world.ore(), product=sealed)
    lot, _ = world.does("split", [ore], [product, world.ore()])
    return lot, ProductOpening(identifier, ScalarBytes(encode_scalar(blinding)))


def test_a_product_opens_to_the_identifier_on_the_thing(world: World) -> None:
    lot, opening = _product(world, "urn:battery:1")
    facts = _check(world, _bundle(world, lot, product=opening)).facts
    assert facts is not None
    assert facts.identifier == "urn:battery:1"


def test_the_bundle_of_another_battery(world: World) -> None:
    lot, opening = _product(world, "urn:battery:1")
    data = _bundle(world, lot, product=opening)
    wrong: list[ProductOpening | None] = [
        ProductOpening("urn:battery:2", opening.blinding),
        ProductOpening("urn:battery:1", ScalarBytes(bytes(32))),
        None,
    ]
    for product in wrong:
        forged = _changed(data, lambda b, p=product: structs.replace(b, product=p))  # type: ignore[misc]
        _refused(world, forged, ProductNotOpened, 8)
    plain, _ = world.does("split", [_other_ore(world)], [world.ore(), world.ore()])
    _refused(world, _bundle(world, plain, product=opening), ProductNotOpened, 8)


# ------------------------------------------------------------------ the file


@pytest.mark.fuzz
@given(data=st.binary(max_size=400), headed=st.booleans())
def test_arbitrary_bytes_are_no_bundle(data: bytes, *, headed: bool) -> None:
    framed = b"lodeline bundle 1\n" + hashlib.sha256(data).digest() + data if headed else data
    with pytest.raises(LodelineError):
        decode_bundle(framed)


def test_no_byte_of_a_bundle_is_free(world: World) -> None:
    """Every byte is flipped in one bit, with the checksum as it was; then in the content anew."""
    data = _bundle(world, world.granted())
    trust = Archive(world).trust()
    for at in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises((BundleDamaged, BundleNotOne)):
            verify_bundle(bytes(damaged), trust, believe)


def test_a_forger_who_makes_the_checksum_again(world: World) -> None:
    """Nothing that means something can be changed; only witnesses' lines mean nothing to us."""
    data = _bundle(world, world.granted())
    trust = Archive(world).trust(threshold=3)
    verify_bundle(data, trust, believe)
    content = data[18 + 32 :]
    refused = 0
    for at in range(0, len(content), 211):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        forged = b"lodeline bundle 1\n" + hashlib.sha256(damaged).digest() + damaged
        report = examine_bundle(bytes(forged), trust, believe)
        assert not report.holds, f"byte {at} of the content is bound by nothing"
        refused += 1
    assert refused > 100


# ------------------------------------------------------------------ checkpoint and log


def test_a_checkpoint_that_too_few_signed(world: World) -> None:
    lot = world.granted()
    archive = Archive(world)
    note = archive.checkpoint(("miner",))
    data = build_bundle(archive, world.state, note, BundleRequest(lot))
    _refused(world, data, TooFewSignatures, 2)


def test_a_checkpoint_by_keys_that_the_bundle_brings(world: World) -> None:
    lot = world.granted()
    other = World(*RECIPES)
    data = _bundle(world, lot)
    report = examine_bundle(data, Archive(other).trust(), believe)
    assert isinstance(report.refusal, NoteSignatureInvalid | TooFewSignatures)
    elsewhere = structs.replace(Archive(world).trust(), origin="elsewhere.example/log")
    with pytest.raises(WrongOrigin):
        verify_bundle(data, elsewhere, believe)


def test_a_bundle_that_is_too_old_for_the_reader(world: World) -> None:
    data = _bundle(world, world.granted())
    late = BlockTime(world.now + 1)
    _refused(world, data, BundleTooOld, 2, oldest=late)
    _check(world, data, oldest=world.now)


def test_an_entry_that_is_not_in_the_log(world: World) -> None:
    lot = _sold(world)
    data = _bundle(world, lot)

    def moved(bundle: Bundle) -> Bundle:
        first, second, *rest = bundle.entries
        swapped = structs.replace(second, leaf=rest[0].leaf)
        return structs.replace(bundle, entries=(first, swapped, *rest))

    _refused(world, _changed(data, moved), WrongRoot, 3)
    backwards = _changed(data, lambda b: structs.replace(b, entries=(*b.entries[1:], b.entries[0])))
    _refused(world, backwards, BundleOutOfOrder, 3)
    doubled = _changed(data, lambda b: structs.replace(b, entries=(b.entries[0], *b.entries)))
    _refused(world, doubled, BundleOutOfOrder, 3)


def test_an_entry_after_its_checkpoint(world: World) -> None:
    lot = world.granted()
    archive = Archive(world)
    now, world.now = world.now, BlockTime(world.now - 1)
    note = archive.checkpoint()
    world.now = now
    data = build_bundle(archive, world.state, note, BundleRequest(lot))
    _refused(world, data, BundleTimeDiffers, 3)


# ------------------------------------------------------------------ founding and governance


def test_a_bundle_without_its_genesis_or_of_another_consortium(world: World) -> None:
    data = _bundle(world, world.granted())
    headless = _changed(data, lambda b: structs.replace(b, entries=b.entries[1:]))
    _refused(world, headless, BundleGenesisMissing, 4)
    trust = Archive(world).trust()
    with pytest.raises(BundleOfAnotherConsortium):
        verify_bundle(data, structs.replace(trust, genesis="00" * 32), believe)
    with pytest.raises(WrongChain):
        verify_bundle(data, structs.replace(trust, chain=ChainId("other")), believe)


def test_a_bundle_that_keeps_a_suspension_back(world: World) -> None:
    lot = world.granted()
    world.apply(world.govern(SetStatus(MemberId("authority"), Status.SUSPENDED)))
    data = _bundle(world, lot)
    _check(world, data)
    hidden = _changed(data, lambda b: structs.replace(b, entries=b.entries[:-1]))
    last = decode_bundle(data).entries[-1]
    assert decode_bundle(hidden).entries[-1] != last
    found = _refused(world, hidden, BundleGovernanceIncomplete, 5)
    assert found.fields() == {"acts": world.state.acts - 1}
    denied = world.state.map.prove_absence(state_key(StateKind.ANCHOR))
    lying = _changed(data, lambda b: structs.replace(b, acts=denied))
    _refused(world, lying, BundleGovernanceIncomplete, 5)


# ------------------------------------------------------------------ rules and proofs


def test_a_past_with_a_hole(world: World) -> None:
    lot = _sold(world)
    data = _bundle(world, lot)
    entries = decode_bundle(data).entries
    holes = 0
    for at, item in enumerate(entries):
        tag = dict(cbor.decode(item.leaf))["entry"]["type"]  # type: ignore[call-overload]
        if tag in ("genesis", "govern"):
            continue
        without = (*entries[:at], *entries[at + 1 :])
        forged = _changed(data, lambda b, kept=without: structs.replace(b, entries=kept))  # type: ignore[misc]
        report = examine_bundle(forged, Archive(world).trust(), believe)
        assert report.steps[-1].number in (7, 8)
        assert not report.holds
        holes += 1
    assert holes == 5


def test_a_verifier_that_does_not_verify(world: World) -> None:
    data = _bundle(world, world.granted())
    with pytest.raises(ProofNotVerified):
        verify_bundle(data, Archive(world).trust(), lambda tasks: ())


# ------------------------------------------------------------------ the lot at the checkpoint


def test_no_bundle_is_made_of_what_is_gone_or_unknown(world: World) -> None:
    ore, _ = world.mined()
    archive = Archive(world)
    with pytest.raises(BundleLotUnknown):
        build_bundle(archive, world.state, archive.checkpoint(), BundleRequest(LotId(bytes(32))))
    note = archive.checkpoint()
    world.does("split", [ore], [world.ore(), world.ore()])
    with pytest.raises(BundleStateDiffers):
        build_bundle(Archive(world), world.state, note, BundleRequest(ore))
    archive = Archive(world)
    with pytest.raises(BundleLotSpent):
        build_bundle(archive, world.state, archive.checkpoint(), BundleRequest(ore))


def test_a_former_owner_shows_an_old_lot(world: World) -> None:
    """His lot was spent at the checkpoint: he cannot show it unspent there."""
    lot = _sold(world)
    data = _bundle(world, lot)
    old = _changed(data, lambda b: structs.replace(b, lot=_ancestor(world, lot)))
    _refused(world, old, BundleLotSpent, 9)


def _ancestor(world: World, lot: LotId) -> LotId:
    record = world.state.lots.get(lot)
    assert record is not None
    making = world.state.makings.get(record.maker)
    assert making is not None
    return making.inputs[0]


def test_a_lot_that_was_recalled(world: World) -> None:
    lot = _sold(world)
    good = decode_bundle(_bundle(world, lot))
    world.apply(world.recall("audit-a", lot))
    with pytest.raises(StateMapError):
        _bundle(world, lot)
    world.apply(world.govern(LiftRecall(lot)))
    _check(world, _bundle(world, lot))
    stale = _changed(
        _bundle(world, lot), lambda b: structs.replace(b, not_recalled=good.not_recalled)
    )
    _refused(world, stale, WrongStateRoot, 9)


def test_a_lot_that_the_entries_do_not_make(world: World) -> None:
    data = _bundle(world, _sold(world))
    other = _changed(data, lambda b: structs.replace(b, lot=LotId(bytes(32))))
    _refused(world, other, BundleLotUnknown, 8)


def test_claims_without_a_reader(world: World) -> None:
    data = _changed(
        _bundle(world, world.granted()), lambda b: structs.replace(b, claims=(b"claim",))
    )
    with pytest.raises(ClaimsWithoutReader):
        verify_bundle(data, Archive(world).trust(), believe)
    _refused(world, data, LodelineError, 10)


# ------------------------------------------------------------------ where the past stops


def _silo(world: World) -> tuple[LotId, EarlierState]:
    """Return a blend of old stock and fresh ore, and the checkpoint between."""
    old, left = world.mined()
    earlier = Archive(world).earlier()
    (fresh,) = world.does(MINING, [left], [world.ore()])
    (blend,) = world.does("blend", [old, fresh], [world.ore()])
    return blend, earlier


def test_a_past_is_cut_at_an_earlier_checkpoint(world: World) -> None:
    blend, earlier = _silo(world)
    whole, cut = _bundle(world, blend), _bundle(world, blend, earlier=earlier)
    assert len(decode_bundle(cut).entries) == len(decode_bundle(whole).entries) - 2
    facts = _check(world, cut).facts
    assert facts is not None
    assert len(facts.taken_on_trust) == 2
    assert facts.stopped_at == world.now
    assert facts.transforms == 2
    assert any("earlier checkpoint" in sentence.en for sentence in not_shown(facts))


def test_an_earlier_checkpoint_that_cuts_nothing_is_left_out(world: World) -> None:
    earlier = Archive(world).earlier()
    lot = _sold(world)
    assert decode_bundle(_bundle(world, lot, earlier=earlier)).stop is None


def _with_first(stop: Stop, first: StoppedLot) -> Stop:
    return structs.replace(stop, lots=(first, *stop.lots[1:]))


def test_a_stop_whose_lots_were_used_before_it(world: World) -> None:
    """The members signed a state that the log of that size does not have."""
    old, _ = world.mined()
    before = Archive(world).earlier()
    half, _ = world.does("split", [old], [world.ore(), world.ore()])
    late = Archive(world).checkpoint(state=before.state)
    forged = EarlierState(late, before.state)
    _other_ore(world)
    _refused(world, _bundle(world, half, earlier=forged), BundleStopTooLate, 7)


def test_credit_is_never_cut_and_never_taken_on_trust() -> None:
    world = World("grant-licence", MINING, "book-and-claim-issue", "book-and-claim-transfer")
    ore, _ = world.mined()
    assert world.state.constants is not None
    expires = world.state.constants.credit_expiry(world.now)
    claims = {"Co.credit": ["IRMA-75/book-and-claim"]}
    fresh = [world.paper("book-credit", claims, expires=expires) for _ in range(2)]
    _, credit = world.does("book-and-claim-issue", [ore], [world.ore(), fresh[0]])
    earlier = Archive(world).earlier()
    (moved,) = world.does("book-and-claim-transfer", [credit], [fresh[1]])
    data = _bundle(world, moved, earlier=earlier)
    assert decode_bundle(data).stop is None
    archive = Archive(world)
    forged = Stop(
        earlier.checkpoint,
        archive.prove_consistency(TreeSize(world.state.size - 1), archive.log.size),
        (bundling._stopped(earlier.state, credit),),
    )

    def cut(bundle: Bundle) -> Bundle:
        kept = (*bundle.entries[:-3], bundle.entries[-1])
        return structs.replace(bundle, stop=forged, entries=kept)

    _refused(world, _changed(data, cut), BundleStopForm, 7)


def test_bundles_that_are_too_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lot = world.granted()
    data = _bundle(world, lot)
    monkeypatch.setattr(bundling, "MAX_BUNDLE_ENTRIES", 3)
    with pytest.raises(BundleTooManyEntries):
        _bundle(world, lot)
    monkeypatch.setattr("lodeline.ledger.bundle.MAX_BUNDLE_BYTES", len(data) - 1)
    for refused in (lambda: decode_bundle(data), lambda: encode_bundle(decode_bundle(data))):
        with pytest.raises(BundleTooLarge):
            refused()


def test_forged_stops(world: World) -> None:
    blend, earlier = _silo(world)
    data = _bundle(world, blend, earlier=earlier)
    stop = decode_bundle(data).stop
    assert stop is not None
    first, second = stop.lots
    keyed = structs.replace(first, public=structs.replace(first.public, owner=world.fresh()))
    sited = structs.replace(first, making=structs.replace(first.making, site=None))
    few = Archive(world).checkpoint(("miner",))
    forgeries: list[tuple[object, type[LodelineError], int]] = [
        (structs.replace(stop, lots=()), BundleStopUnfounded, 6),
        (structs.replace(stop, lots=(second, first)), BundleStopUnfounded, 6),
        (structs.replace(stop, lots=(first, first)), BundleStopUnfounded, 6),
        (structs.replace(stop, lots=(first,)), LotUnknown, 7),
        (
            structs.replace(stop, lots=(structs.replace(first, output=5), second)),
            BundleLotUnknown,
            6,
        ),
        (_with_first(stop, keyed), WrongStateRoot, 6),
        (_with_first(stop, sited), WrongStateRoot, 6),
        (structs.replace(stop, checkpoint=few), TooFewSignatures, 6),
        (structs.replace(stop, growth=structs.replace(stop.growth, path=())), MerkleError, 6),
        (None, LotUnknown, 7),
    ]
    for forged, error, step in forgeries:
        changed = _changed(data, lambda b, s=forged: structs.replace(b, stop=s))  # type: ignore[misc]
        _refused(world, changed, error, step)


def test_a_correction_s_way_back_is_never_cut(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    half, _ = world.does("split", [ore], [world.ore(), world.ore()])
    earlier = Archive(world).earlier()
    transform = world.make("correct", [half], [world.ore()])
    body = CorrectionBody(CHAIN, transform_id(mining.body), transform_id(transform.body))
    bare = Correction(body, transform, ())
    signatures = tuple(
        world.parties[name].sign(SignatureContext.CO_SIGNATURE, entry_id(bare))
        for name in ("works", "audit-a")
    )
    world.apply(structs.replace(bare, signatures=signatures))
    (fixed,) = made_by(transform)
    data = _bundle(world, fixed, earlier=earlier)
    facts = _check(world, data).facts
    assert facts is not None
    assert half not in facts.taken_on_trust


def test_a_renewed_licence_behind_the_cut(world: World) -> None:
    first = world.granted()
    _, left = world.does(MINING, [first], [world.ore(), world.licence()])
    earlier = Archive(world).earlier()
    (renewed,) = world.does("renew-licence", [left], [world.licence()], replaces=first)
    (ore,) = world.does(MINING, [renewed], [world.ore()])
    _check(world, _bundle(world, ore, earlier=earlier))
