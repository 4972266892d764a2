"""The ledger with real proofs: from a licence to a sale, undone, bundled, and lied about."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec import structs
from tests.ledger.archive import Archive
from tests.ledger.world import CHAIN, ENTROPY, FORMS, MINE, RECIPES, STANDARDS, World, made_by

from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import (
    Scalar,
    decode_scalar,
    encode_point,
    encode_scalar,
    random_scalar,
    scalar,
)
from lodeline.crypto.onetime import (
    Address,
    EntryMarks,
    OutputMark,
    SpendPublic,
    owner_secret,
    recognise_all,
)
from lodeline.crypto.sealing import OutputIndex, ScanKey, ViewPublicKey, ViewTag
from lodeline.custody.claims import ClaimName
from lodeline.custody.forms import FormTable
from lodeline.custody.lots import LotOpening, LotPublic, slots
from lodeline.custody.strands import Strand
from lodeline.holder.building import (
    BuiltTransform,
    OwnedLot,
    Plan,
    PlannedLot,
    ProcessNumbers,
    Tables,
    build_transform,
)
from lodeline.holder.notes import scan_context
from lodeline.kernel import cbor
from lodeline.kernel.ids import (
    Commitment,
    ElementSymbol,
    FormName,
    Hash32,
    LotId,
    MemberId,
    TransformId,
)
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams
from lodeline.ledger.apply import apply
from lodeline.ledger.bundling import BundleRequest, build_bundle
from lodeline.ledger.checkpoint import parse_checkpoint_text
from lodeline.ledger.claim_file import (
    Asked,
    ClaimFile,
    ClaimForAnother,
    claimed_lots,
    encode_claim_file,
    used_forms,
)
from lodeline.ledger.entries import (
    Entry,
    RestoredLot,
    Reversal,
    ReversalBody,
    Transform,
    encode_entry,
    entry_id,
)
from lodeline.ledger.log import replay
from lodeline.ledger.refusals_bundles import ClaimOfAnotherLot
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.tasks import tasks_for
from lodeline.ledger.verify_bundle import verify_bundle
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.body import SignerRef, lot_id, transform_id
from lodeline.proofs.prover import Witness, prove, prove_unchecked
from lodeline.proofs.questions import AmountBetween, Audience, ClaimBody, claim_subject
from lodeline.proofs.relations import Ref, Side
from lodeline.proofs.shape_errors import ShapeRefused
from lodeline.proofs.subject import restoration_subject
from lodeline.proofs.verifier import ProofDoesNotHold

pytestmark = pytest.mark.slow

CO, LICENCE = Strand.parse("Co"), Strand.parse("Co.licence")
ASSURANCE = Strand.parse("Co.assurance")
IRMA = ClaimName.parse("IRMA-75/segregated")
TABLES = Tables(CHAIN, FORMS, STANDARDS)
KG = 1_000_000


class Proved(World):
    """A world whose lots hold real numbers; everybody's openings are in one place."""

    def __init__(self, *recipes: str) -> None:
        super().__init__(*recipes)
        self.openings: dict[LotId, LotOpening] = {}

    def verified(self, entry: Entry) -> None:
        """Accept an entry whose proof has been verified."""
        verdicts = {v.key: v for v in verify_batch(tasks_for(self.state, [entry]))}
        apply(self.state, entry, self.now, verdicts)
        self.log.append((encode_entry(entry), self.now))

    def address(self, name: str) -> Address:
        party = self.parties[name]
        return Address(SpendPublic(party.member.spend), ViewPublicKey(party.member.view))

    def owned(self, lot: LotId) -> OwnedLot:
        public = self.public(lot)
        return OwnedLot(lot, public, self.openings[lot], self.secrets[public.owner])

    def lot_plan(
        self, form: str, amounts: Mapping[Strand, int], owner: str = "miner", /, **more: object
    ) -> PlannedLot:
        numbers = {strand: Milligrams(amount) for strand, amount in amounts.items()}
        return PlannedLot(FormName(form), self.address(owner), numbers, **more)  # type: ignore[arg-type]

    def built(
        self,
        recipe: str,
        inputs: Sequence[LotId],
        outputs: Sequence[PlannedLot],
        grams: int = 0,
    ) -> Transform:
        """Prove a step and sign it; keep what its recipients find."""
        used = RECIPES[recipe]
        plan = Plan(
            used,
            MINE if used.needs_site or used.family.value == "grant" else None,
            tuple(self.owned(lot) for lot in inputs),
            tuple(outputs),
            ProcessNumbers(GramsCO2e(grams), GramsCO2e(0)) if used.has_process else None,
            tuple(SignerRef(MemberId(self.signer(role)), role) for role in used.co_signers),
        )
        made = build_transform(plan, TABLES, ENTROPY)
        self._find(made)
        signed = self.transform(made.body)
        return structs.replace(signed, notes=tuple(made.notes), proof=made.proof)

    def _find(self, made: BuiltTransform) -> None:
        """Let every member scan, as wallets do."""
        body = made.body
        spent = tuple(item.lot for item in body.inputs)
        context = scan_context(CHAIN, body.recipe, spent)
        marks = tuple(
            OutputMark(OutputIndex(index), ViewTag(body.view_tags[index]), lot.owner)
            for index, lot in enumerate(body.outputs)
        )
        shown = EntryMarks(ScanKey(body.scan_key), context, marks)
        for party in self.parties.values():
            for found in recognise_all(party.view, party.spend.public, shown):
                owner = body.outputs[found.index].owner
                self.secrets[owner] = owner_secret(party.spend, found.offset)
        for item in made.made:
            self.openings[item.lot_id] = item.opening

    def step(
        self,
        recipe: str,
        inputs: Sequence[LotId],
        outputs: Sequence[PlannedLot],
        grams: int = 0,
    ) -> tuple[LotId, ...]:
        entry = self.built(recipe, inputs, outputs, grams)
        self.verified(entry)
        return made_by(entry)


def _material(**more: object) -> dict[str, object]:
    return {"emissions": GramsCO2e(0), "primary": GramsCO2e(0), **more}


@pytest.fixture(scope="module")
def world() -> Proved:
    """A licence and an assurance, and ore mined under both."""
    return Proved("grant-licence", "grant-assurance", "mine-copper-cobalt", "split", "sale")


@pytest.fixture(scope="module")
def ore(world: Proved) -> LotId:
    right = {"site": MINE, "expires": BlockTime(world.right_expiry())}
    (licence,) = world.step(
        "grant-licence", [], [world.lot_plan("licence", {LICENCE: 100 * KG}, **right)]
    )
    borne = {(ASSURANCE, IRMA): Milligrams(100 * KG)}
    (assurance,) = world.step(
        "grant-assurance",
        [],
        [world.lot_plan("assurance", {ASSURANCE: 0}, claims=borne, **right)],
    )
    drawn = {(CO, IRMA): Milligrams(60 * KG)}
    emitted = 60 * 200
    ore, _ = world.step(
        "mine-copper-cobalt",
        [licence, assurance],
        [
            world.lot_plan(
                "copper-cobalt-ore",
                {CO: 60 * KG},
                claims=drawn,
                **_material(emissions=GramsCO2e(emitted)),
            ),
            world.lot_plan("licence", {LICENCE: 40 * KG}, **right),
        ],
        emitted,
    )
    return ore


def _halves(world: Proved, first: int, second: int) -> list[PlannedLot]:
    return [
        world.lot_plan(
            "copper-cobalt-ore",
            {CO: amount},
            claims={(CO, IRMA): Milligrams(amount)},
            **_material(emissions=GramsCO2e(amount // KG * 200)),
        )
        for amount in (first, second)
    ]


def test_ore_with_its_claim_is_on_the_ledger(world: Proved, ore: LotId) -> None:
    assert world.state.is_unspent(ore)
    assert world.openings[ore].values[0] == 60 * KG


def test_a_split_is_reversed_with_a_proof_of_equality(world: Proved, ore: LotId) -> None:
    split = world.built("split", [ore], _halves(world, 20 * KG, 40 * KG))
    draft = world.state.draft()
    verdicts = {v.key: v for v in verify_batch(tasks_for(draft, [split]))}
    apply(draft, split, world.now, verdicts)
    kept, world.state = world.state, draft
    try:
        reversal = _reversal(world, split, ore, lie=0)
        lying = _reversal(world, split, ore, lie=1)
        bad = {v.key: v for v in verify_batch(tasks_for(draft, [lying]))}
        with pytest.raises(ProofDoesNotHold):
            apply(draft, lying, world.now, bad)
        good = {v.key: v for v in verify_batch(tasks_for(draft, [reversal]))}
        apply(draft, reversal, world.now, good)
        restored = lot_id(TransformId(entry_id(reversal)), 0)
        assert draft.is_unspent(restored)
    finally:
        world.state = kept


def _reversal(world: Proved, of: Transform, original: LotId, lie: int) -> Reversal:
    """Return a reversal; with a lie, the restored lot holds a milligram more."""
    public, opening = world.public(original), world.openings[original]
    values = list(opening.values)
    values[0] += lie
    blindings = [random_scalar(ENTROPY) for _ in values]
    lot = _recommitted(structs.replace(public, owner=world.fresh()), values, blindings)
    body = ReversalBody(
        CHAIN,
        1,
        transform_id(of.body),
        tuple(world.tag(made) for made in made_by(of)),
        (RestoredLot(lot, b"note", b"\0\0"),),
        Hash32(ENTROPY.bytes(32)),
    )
    spent = tuple(world.public(made) for made in made_by(of))
    subject = restoration_subject(cbor.encode_struct(body), spent, body.tags, (public,), (lot,))
    numbers = _numbers(Side.INPUT, 0, spent[0], world.openings[made_by(of)[0]])
    numbers.update(_numbers(Side.INPUT, 1, spent[1], world.openings[made_by(of)[1]]))
    numbers.update(_numbers(Side.INPUT, 2, public, opening))
    fresh = LotOpening.of(values, [encode_scalar(blind) for blind in blindings])
    numbers.update(_numbers(Side.OUTPUT, 0, lot, fresh))
    witness = Witness(numbers, tuple(world.secrets[item.owner] for item in spent))
    proof = (prove_unchecked if lie else prove)(subject, witness, ENTROPY)
    bare = Reversal(body, proof, (), None, ())
    consents = world.owner_signatures([public.owner], entry_id(bare))
    return structs.replace(bare, consents=consents)


def _recommitted(lot: LotPublic, values: list[int], blindings: list[Scalar]) -> LotPublic:
    sealed = iter(
        Commitment(encode_point(VALUE * scalar(value) + BLINDING * blind))
        for value, blind in zip(values, blindings, strict=True)
    )
    strands = tuple(
        structs.replace(
            item,
            amount=next(sealed),
            claims=tuple(structs.replace(borne, amount=next(sealed)) for borne in item.claims),
        )
        for item in lot.strands
    )
    return structs.replace(lot, strands=strands, emissions=next(sealed), primary=next(sealed))


def _numbers(
    side: Side, index: int, lot: LotPublic, opening: LotOpening
) -> dict[Ref, tuple[int, Scalar]]:
    places = [slot for slot, _ in slots(lot)]
    return {
        Ref(side, index, slot): (value, decode_scalar(blind))
        for slot, value, blind in zip(places, opening.values, opening.blindings, strict=True)
    }


def test_a_good_and_a_bad_proof_of_one_body_in_both_orders(world: Proved, ore: LotId) -> None:
    good = world.built("split", [ore], _halves(world, 20 * KG, 40 * KG))
    assert good.proof.zero is not None
    tampered = structs.replace(good.proof.zero, response=good.proof.owners[0].response)
    bad = structs.replace(good, proof=structs.replace(good.proof, zero=tampered))
    assert entry_id(good) == entry_id(bad)
    for order in ([good, bad], [bad, good]):
        state = world.state.draft()
        verdicts = {v.key: v for v in verify_batch(tasks_for(state, order))}
        assert len(verdicts) == 2
        with pytest.raises(ProofDoesNotHold):
            apply(state, bad, world.now, verdicts)
        apply(state, good, world.now, verdicts)


def test_one_transform_s_proof_does_not_serve_another(world: Proved, ore: LotId) -> None:
    first = world.built("split", [ore], _halves(world, 20 * KG, 40 * KG))
    second = world.built("split", [ore], _halves(world, 30 * KG, 30 * KG))
    stolen = structs.replace(second, proof=first.proof)
    verdicts = {v.key: v for v in verify_batch(tasks_for(world.state, [stolen]))}
    with pytest.raises(ProofDoesNotHold):
        apply(world.state.draft(), stolen, world.now, verdicts)


def test_a_chain_within_one_block_replayed_and_bundled(world: Proved, ore: LotId) -> None:
    """Split and sell in one batch; the log replays; a stranger accepts the buyer's lot."""
    split = world.built("split", [ore], _halves(world, 20 * KG, 40 * KG))
    draft = world.state.draft()
    verdicts = {v.key: v for v in verify_batch(tasks_for(draft, [split]))}
    apply(draft, split, world.now, verdicts)
    kept, world.state = world.state, draft
    half, _ = made_by(split)
    sold = world.lot_plan(
        "copper-cobalt-ore",
        {CO: 20 * KG},
        "refiner",
        claims={(CO, IRMA): Milligrams(20 * KG)},
        **_material(emissions=GramsCO2e(4000)),
    )
    offer = world.offer(world.built("sale", [half], [sold]), world.now + 60)
    world.state = kept
    tasks = tasks_for(kept, [split, offer])
    assert len(tasks) == 2
    both = {v.key: v for v in verify_batch(tasks)}
    for entry in (split, offer):
        apply(kept, entry, world.now, both)
        world.log.append((encode_entry(entry), world.now))
    world.verified(world.accept(offer))
    archive = Archive(world)
    again = replay(archive.leaves, verify_batch)
    assert again.state.root == kept.root
    (bought,) = made_by(offer.sale)
    data = build_bundle(archive, kept, archive.checkpoint(), BundleRequest(bought))
    report = verify_bundle(data, archive.trust(), verify_batch)
    assert report.facts is not None
    assert report.facts.proofs == 5
    assert {key.standard for key, _ in report.facts.grants} == {"", "IRMA-75"}


def test_a_claim_travels_with_the_bundle(world: Proved, ore: LotId) -> None:
    """The holder answers one reader's question about this lot; nobody else may rely on it."""
    world.now = BlockTime(world.now + 1)
    archive = Archive(world)
    note = archive.checkpoint()
    held = _held(world)
    claim = _claim(world, note, held)
    request = BundleRequest(held, claims=(claim,))
    data = build_bundle(archive, world.state, note, request)
    asked = Asked(CHAIN, "carmaker", world.now, nonce=Hash32(bytes(32)))
    facts = verify_bundle(data, archive.trust(), verify_batch, asked).facts
    assert facts is not None
    assert [type(item.question) for item in facts.claims] == [AmountBetween]
    other = Asked(CHAIN, "rival", world.now)
    with pytest.raises(ClaimForAnother):
        verify_bundle(data, archive.trust(), verify_batch, other)
    beside = next(
        lot
        for lot, record in world.state.lots.items()
        if world.state.is_unspent(lot) and lot != held and record.lot.form == "licence"
    )
    moved = build_bundle(archive, world.state, note, BundleRequest(beside, claims=(claim,)))
    with pytest.raises(ClaimOfAnotherLot):
        verify_bundle(moved, archive.trust(), verify_batch, asked)


def _held(world: Proved) -> LotId:
    """Return a lot of ore that is unspent, whichever tests ran before."""
    return next(
        lot
        for lot, record in world.state.lots.items()
        if world.state.is_unspent(lot) and record.lot.form == "copper-cobalt-ore"
    )


def _claim(world: Proved, note: bytes, lot: LotId) -> bytes:
    checkpoint = parse_checkpoint_text(parse_note(note).text)
    audience = Audience(
        CHAIN,
        "carmaker",
        Hash32(bytes(32)),
        "due diligence",
        None,
        world.now + 3600,
        checkpoint.size,
        checkpoint.root,
    )
    question = AmountBetween(ElementSymbol("Co"), Milligrams(KG), Milligrams(100 * KG))
    body = ClaimBody(question, audience, (lot,))
    lots = claimed_lots(world.state, (lot,))
    forms = used_forms(world.state, lots)
    subject = claim_subject(
        body, (world.public(lot),), FormTable(tuple(used.form for used in forms))
    )
    numbers = _numbers(Side.INPUT, 0, world.public(lot), world.openings[lot])
    witness = Witness(numbers, (world.secrets[world.public(lot).owner],))
    proof = prove(subject, witness, ENTROPY)
    return encode_claim_file(ClaimFile(body, note, lots, forms, proof))


def test_a_shape_that_no_recipe_has_is_refused_by_its_reason(world: Proved) -> None:
    """What verification refuses before any group operation comes out of the state machine too."""
    lot = structs.replace(world.licence(None, "Ni"), expires=world.right_expiry(), site=None)
    entry = world.make("grant-licence", [], [lot])
    verdicts = {v.key: v for v in verify_batch(tasks_for(world.state, [entry]))}
    with pytest.raises(ShapeRefused):
        apply(world.state.draft(), entry, world.now, verdicts)
