"""Building transforms: from plain numbers to a proof, and nothing false ever leaves."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from msgspec import structs
from tests.proofs.scenarios import CHAIN, ENTROPY, NARROW, SITE, Scenario, masses, wish

from lodeline.crypto.sealing import NoteNotOpened, ViewPublicKey
from lodeline.crypto.signatures import SigningKey
from lodeline.custody.lots import LotOpening, slots
from lodeline.custody.strands import Strand
from lodeline.holder import building
from lodeline.holder.building import BuiltTransform, OwnedLot, Plan, build_transform, claim_made
from lodeline.holder.contents import contents_of, total_amount
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.notes import (
    NamesDoNotMatch,
    Note,
    NoteDoesNotMatch,
    NoteScope,
    check_names,
    check_opening,
    note_hash,
    open_note,
    seal_note,
)
from lodeline.holder.plans import plan_of
from lodeline.holder.signing import (
    SignerKeyMissing,
    correction_entry,
    sign_members,
    sign_site,
    transform_entry,
)
from lodeline.holder.wishes import Step, Supply
from lodeline.kernel.ids import MemberId, SiteId, TransformId
from lodeline.kernel.units import Milligrams
from lodeline.ledger.entries import entry_id
from lodeline.proofs.prover import OpeningDoesNotMatch, StatementIsFalse
from lodeline.proofs.shape_errors import StrandNotInForm
from lodeline.proofs.verifier import ProofDoesNotHold


@pytest.fixture(scope="module")
def scene() -> Scenario:
    return Scenario(recipes=NARROW)


def stock(scene: Scenario, cobalt: int = 300) -> Supply:
    return scene.lot("hydroxide", {"Co": cobalt}, emissions=40, primary=10)


def stored(scene: Scenario) -> Step:
    return scene.plan("store", [stock(scene)], [wish("hydroxide")])


def planned(step: Step) -> Plan:
    def none(_: object) -> OwnedLot:
        raise AssertionError

    return plan_of(step, none)


# ------------------------------------------------------------------ what is built


def test_what_is_built_verifies_and_its_outputs_can_be_spent(scene: Scenario) -> None:
    step = stored(scene)
    built = scene.prove(step)
    assert scene.refusal(built, step) is None
    (owned,) = claim_made(built, scene.keys).values()
    again = scene.plan(
        "split", [supply(owned)], [wish("hydroxide", {"Co": 100}), wish("hydroxide")]
    )
    assert scene.refusal(scene.prove(again), again) is None


def supply(lot: OwnedLot) -> Supply:
    return Supply(lot, contents_of(lot.public, lot.opening))


def test_outputs_for_others_are_not_claimed(scene: Scenario) -> None:
    other = HolderKeys.generate((), ENTROPY)
    built = scene.build(
        "split",
        [stock(scene)],
        [wish("hydroxide", {"Co": 100}, to=other.address), wish("hydroxide")],
    )
    assert list(claim_made(built, scene.keys)) == [1]
    assert list(claim_made(built, other)) == [0]


def test_two_builds_of_one_plan_share_nothing_secret(scene: Scenario) -> None:
    plan = planned(stored(scene))
    one, other = (build_transform(plan, scene.desk.tables, ENTROPY) for _ in range(2))
    assert one.body.scan_key != other.body.scan_key
    assert one.body.outputs[0].owner != other.body.outputs[0].owner
    first, second = (set(item.made[0].opening.blindings) for item in (one, other))
    assert not first & second


def test_plans_and_results_go_to_a_proving_process_and_back(scene: Scenario) -> None:
    plan = planned(stored(scene))
    sent: Plan = pickle.loads(pickle.dumps(plan))
    assert sent.inputs[0].key.secret == plan.inputs[0].key.secret
    built = build_transform(sent, scene.desk.tables, ENTROPY)
    back: BuiltTransform = pickle.loads(pickle.dumps(built))
    assert back == built
    assert "secret" in repr(plan.inputs[0])
    assert plan.inputs[0].opening.numbers[0].hex() not in repr(plan)


def test_process_numbers_open_for_co_signers(scene: Scenario) -> None:
    built = scene.build("transport", [stock(scene)], [wish("hydroxide")], (10, 4))
    assert built.process is not None
    assert built.process.values == (10, 4)
    assert scene.build("store", [stock(scene)], [wish("hydroxide")]).process is None


# ------------------------------------------------------------------ what is refused


def test_a_false_plan_is_refused_before_anything_is_proved(scene: Scenario) -> None:
    plan = planned(stored(scene))
    (output,) = plan.outputs
    more = replace(output, amounts={Strand.parse("Co"): Milligrams(301)})
    with pytest.raises(StatementIsFalse) as refused:
        build_transform(replace(plan, outputs=(more,)), scene.desk.tables, ENTROPY)
    assert refused.value.value == -1
    strange = replace(output, amounts={Strand.parse("Ni"): Milligrams(300)})
    with pytest.raises(StrandNotInForm):
        build_transform(replace(plan, outputs=(strange,)), scene.desk.tables, ENTROPY)


def test_a_vault_with_a_wrong_opening_is_found_out(scene: Scenario) -> None:
    plan = planned(stored(scene))
    lot = plan.inputs[0]
    told = LotOpening.of([299, *lot.opening.values[1:]], lot.opening.blindings)
    with pytest.raises(OpeningDoesNotMatch):
        build_transform(
            replace(plan, inputs=(replace(lot, opening=told),)), scene.desk.tables, ENTROPY
        )


def test_a_prover_gone_wrong_publishes_nothing(
    scene: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof is verified before anybody else sees it, whatever made it (protocol.md §9.10)."""
    plan = planned(stored(scene))
    other = build_transform(plan, scene.desk.tables, ENTROPY)
    monkeypatch.setattr(building, "prove", lambda *_: other.proof)
    with pytest.raises(ProofDoesNotHold) as refused:
        build_transform(plan, scene.desk.tables, ENTROPY)
    assert "own transform" in refused.value.subject


# ------------------------------------------------------------------ notes


def test_a_note_belongs_to_its_place(scene: Scenario) -> None:
    built = scene.build(
        "split", [stock(scene)], [wish("hydroxide", {"Co": 100}), wish("hydroxide")]
    )
    spent = tuple(item.lot for item in built.body.inputs)
    first, second = built.body.outputs
    scope = NoteScope(CHAIN, built.body.recipe, spent, 0)
    view = scene.keys.view
    note = open_note(view, built.notes[0], scope, first)
    assert contents_of(first, note.opening).amounts == masses({"Co": 100})
    assert built.body.notes[0] == note_hash(built.notes[0])
    others = [
        structs.replace(scope, index=1),
        structs.replace(scope, inputs=()),
        NoteScope.reversal(CHAIN, TransformId(bytes(32)), 0),
        NoteScope.regrant(CHAIN, spent[0]),
    ]
    for other in others:
        with pytest.raises(NoteNotOpened):
            open_note(view, built.notes[0], other, first)
    with pytest.raises(NoteNotOpened):
        open_note(view, built.notes[0], scope, second)
    assert repr(note) == "Note(secret)"


def test_every_number_of_a_note_is_checked(scene: Scenario) -> None:
    (lot,) = scene.build("store", [stock(scene)], [wish("hydroxide")]).made
    for index in range(len(lot.opening.numbers)):
        values = list(lot.opening.values)
        values[index] += 1
        with pytest.raises(NoteDoesNotMatch):
            check_opening(lot.public, LotOpening.of(values, lot.opening.blindings))
    short = LotOpening(lot.opening.numbers[1:], lot.opening.blindings[1:])
    with pytest.raises(NoteDoesNotMatch):
        check_opening(lot.public, short)
    uneven = LotOpening(lot.opening.numbers, lot.opening.blindings[1:])
    with pytest.raises(NoteDoesNotMatch):
        check_opening(lot.public, uneven)


def test_names_in_notes_are_those_of_the_commitments(scene: Scenario) -> None:
    licence = scene.licence(Co=10)
    assert isinstance(licence.source, OwnedLot)
    lot, opening = licence.source.public, licence.source.opening
    check_names(CHAIN, lot, opening, SITE)
    with pytest.raises(NamesDoNotMatch) as refused:
        check_names(CHAIN, lot, opening, SiteId("site-2"))
    assert (refused.value.field, refused.value.named) == ("site", "site-2")
    with pytest.raises(NamesDoNotMatch):
        check_names(CHAIN, lot, opening, None, "car-1")
    scope = NoteScope(CHAIN, b"", (), 0)
    note = Note(opening, SiteId("site-2"), None, (), "")
    sealed = seal_note(ViewPublicKey(scene.keys.view.public), note, scope, lot)
    with pytest.raises(NamesDoNotMatch):
        open_note(scene.keys.view, sealed, scope, lot)


# ------------------------------------------------------------------ contents and signatures


def test_contents_are_the_opening_by_slot(scene: Scenario) -> None:
    claims = {("Co", "mine-a/segregated"): 300}
    lot = scene.lot("hydroxide", {"Co": 300}, claims, emissions=7, primary=3)
    assert isinstance(lot.source, OwnedLot)
    held = lot.contents
    assert (held.emissions, held.primary, held.expires) == (7, 3, None)
    assert sum(held.claims.values()) == 300
    assert held.metals == (Strand.parse("Co"),)
    assert held.amount(Strand.parse("Ni")) == 0
    assert len(list(slots(lot.source.public))) == len(lot.source.opening.values)
    assert total_amount([held, held], held.metals) == 600


def test_entries_carry_every_signature_in_order(scene: Scenario) -> None:
    built = scene.build("transport", [stock(scene)], [wish("hydroxide")], (10, 4))
    entry = transform_entry(built)
    asked = [signer.member for signer in built.body.signers]
    assert asked
    keys = {member: SigningKey.generate(ENTROPY) for member in asked}
    signed = sign_members(entry, keys)
    assert [item.member for item in signed.signatures] == asked
    with pytest.raises(SignerKeyMissing) as refused:
        sign_members(entry, {})
    assert refused.value.member == asked[0]
    at_site = sign_site(signed, SITE, SigningKey.generate(ENTROPY))
    assert at_site.site_signature is not None
    assert entry_id(at_site) == entry_id(entry)
    issuer = (MemberId("a"), SigningKey.generate(ENTROPY))
    auditor = (MemberId("b"), SigningKey.generate(ENTROPY))
    correction = correction_entry(signed, TransformId(bytes(32)), issuer, auditor)
    assert [item.member for item in correction.signatures] == ["a", "b"]
    assert correction.body.transform == built.transform_id
