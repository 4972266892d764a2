"""A step from a file to the ledger: planned in words, proved, co-signed, sent."""

import pytest
from tests.node.benches import ORE, Bench

from lodeline.custody.strands import Strand
from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import read_transform_file
from lodeline.holder.plan_refusals import MoreOutThanIn, NotEnoughHeld, ProcessBelowFloor
from lodeline.holder.records import LotStatus
from lodeline.holder.vault import LotNotFree
from lodeline.kernel.ids import MemberId, Role
from lodeline.ledger.entries import AdmitMember, SetStatus, Status
from lodeline.ledger.refusals_entries import MemberNotActive, RoleMissing
from lodeline.ledger.refusals_transforms import SignerInTwoRoles
from lodeline.node.capturing import CoSignerNotAsked, CoSignerNotNamed
from lodeline.node.choosing import InputsNotNamed
from lodeline.node.cosigning import co_sign, looked_at, submit_request
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.governing import RecipeNotFound, vote
from lodeline.node.holding import LotPrefixUnknown
from lodeline.node.requests import (
    Request,
    RequestComplete,
    RequestIncomplete,
    SignerNotAsked,
    encode_request,
    missing,
    read_request,
)
from lodeline.node.transforming import planned_outputs, prepare

SPLIT = """
recipe: split
inputs: ["{lot}"]
outputs:
  - {{form: copper-cobalt-ore, contained: [40 kg Co, 160 kg Cu]}}
  - {{form: copper-cobalt-ore, to: trader}}
"""


def _prepared(bench: Bench, text: str, name: str = "pit") -> object:
    with bench.at(name) as own:
        return prepare(own, read_transform_file("test.yaml", text), bench.folder)


def test_contained_kilograms_are_known_before_anything_is_proved(bench: Bench) -> None:
    with bench.at("pit") as own:
        prepared = prepare(own, read_transform_file("test.yaml", ORE), bench.folder)
        outputs = planned_outputs(own, prepared)
    forms = [output.contents.form for output in outputs]
    assert forms == ["copper-cobalt-ore", "licence", "assurance"]
    # 24.60 t × (1 − 12.4 %) × 0.52 %, rounded down once
    assert outputs[0].contents.amount(Strand.parse("Co")) == 112_057_920
    assert [output.to for output in outputs] == ["pit", "pit", "pit"]
    assert bench.session.state.size == bench.session.ledger.size


def test_ore_needs_everybody_who_vouches_for_it(bench: Bench) -> None:
    done = bench.report("pit", ORE)
    request = done.sent
    assert isinstance(request, Request)
    state = bench.session.state
    assert missing(state, request) == ("scales", "verifier")
    with pytest.raises(RequestIncomplete) as early:
        submit_request(bench.session, request)
    assert early.value.missing == ("scales", "verifier")
    once = co_sign(bench.session, request, MemberId("scales"))
    assert once.missing == ("verifier",)
    with pytest.raises(SignerNotAsked) as twice:
        co_sign(bench.session, once.request, MemberId("scales"))
    assert twice.value.asked == ("verifier",)
    with pytest.raises(SignerNotAsked):
        co_sign(bench.session, once.request, MemberId("trader"))
    both = co_sign(bench.session, once.request, MemberId("verifier"))
    assert both.is_complete
    with pytest.raises(RequestComplete):
        co_sign(bench.session, both.request, MemberId("verifier"))
    submit_request(bench.session, both.request)
    with bench.at("pit") as own:
        lot = own.vault.lot(done.built.made[0].lot_id)
        facts = own.vault.facts(lot.lot_id)
        assert lot.status is LotStatus.UNSPENT
        assert facts is not None
        assert facts.seals == ("A-1044",)
        assert [assay.share for assay in facts.assays] == [5_200, 21_000]


def test_signers_see_what_they_vouch_for_and_nothing_else(bench: Bench) -> None:
    request = bench.report("pit", ORE).sent
    assert isinstance(request, Request)
    again = read_request(encode_request(request))
    scales = looked_at(bench.session, again, MemberId("scales"))
    verifier = looked_at(bench.session, again, MemberId("verifier"))
    assert [seen.kind for seen in scales] == ["output"]  # not the licence that is left
    assert {seen.kind for seen in verifier} == {"process", "output"}
    process = next(seen.process for seen in verifier if seen.process is not None)
    assert process == (310_000, 310_000)
    assert looked_at(bench.session, again, MemberId("trader")) == ()


def test_lots_promised_to_a_request_cannot_be_promised_again(bench: Bench) -> None:
    bench.report("pit", ORE)
    with bench.at("pit") as own:
        assert own.unspent() == ()
        licence = own.vault.lots(LotStatus.RESERVED)[0]
        with pytest.raises(LotNotFree) as refused:
            own.vault.free_lot(licence.lot_id)
    assert refused.value.lot == licence.lot_id


def test_a_suspended_laboratory_signs_nothing(bench: Bench) -> None:
    request = bench.report("pit", ORE).sent
    assert isinstance(request, Request)
    vote(bench.session, (SetStatus(MemberId("scales"), Status.SUSPENDED),))
    with pytest.raises(MemberNotActive) as refused:
        co_sign(bench.session, request, MemberId("scales"))
    assert refused.value.member == "scales"


def test_a_lot_is_split_and_the_rest_goes_to_another(bench: Bench) -> None:
    ore = bench.mined()
    done = bench.report("pit", SPLIT.format(lot=ore.lot_id.hex()[:12]))
    assert isinstance(done.sent, Receipt)
    with bench.at("trader") as own:
        (lot,) = own.unspent()
        assert lot.contents.amount(Strand.parse("Co")) == 72_057_920
        assert lot.contents.emissions == 200_188
    with bench.at("pit") as own:
        kept = [lot for lot in own.unspent() if lot.public.form == "copper-cobalt-ore"]
        assert [lot.contents.emissions for lot in kept] == [109_812]


def test_an_amount_is_split_off_before_it_is_used(bench: Bench) -> None:
    bench.mined()
    text = (
        "recipe: store\ninputs: [{auto: 10 kg Co}]\n"
        "outputs: [{form: copper-cobalt-ore, to: trader}]\n"
    )
    done = bench.report("pit", text)
    assert isinstance(done.sent, Receipt)
    with bench.at("trader") as own:
        (lot,) = own.unspent()
        assert lot.contents.amount(Strand.parse("Co")) == 10_000_000


@pytest.mark.parametrize(
    ("change", "error", "fields"),
    [
        (("310 kg CO2e, primary: 310", "1 kg CO2e, primary: 1"), ProcessBelowFloor, {}),
        (("kolwezi-pit", "nowhere"), None, {}),
        (("mine-copper-cobalt", "mine-moon"), RecipeNotFound, {"recipe": "mine-moon"}),
        (("inputs: auto", "inputs: [abcdef]"), LotPrefixUnknown, {"prefix": "abcdef"}),
        (
            ("inputs: auto", "inputs: auto\nco_signers: {auditor: seal}"),
            CoSignerNotAsked,
            {"role": "auditor"},
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_proved(
    bench: Bench, change: tuple[str, str], error: type[Exception] | None, fields: dict[str, str]
) -> None:
    before = bench.session.ledger.size
    with pytest.raises(error or Exception) as refused:
        _prepared(bench, ORE.replace(*change))
    for name, value in fields.items():
        assert getattr(refused.value, name) == value
    assert bench.session.ledger.size == before


def test_more_out_than_in_is_said_in_kilograms(bench: Bench) -> None:
    ore = bench.mined()
    text = SPLIT.format(lot=ore.lot_id.hex()[:12]).replace("40 kg Co", "140 kg Co")
    with pytest.raises(MoreOutThanIn) as refused:
        _prepared(bench, text)
    assert refused.value.strand == "Co"
    assert (refused.value.given, refused.value.taken) == (112_057_920, 140_000_000)


def test_material_is_never_guessed(bench: Bench) -> None:
    with pytest.raises(InputsNotNamed):
        _prepared(bench, "recipe: store\noutputs: [{form: copper-cobalt-ore}]")
    with pytest.raises(NotEnoughHeld) as refused:
        _prepared(
            bench,
            "recipe: store\ninputs: [{auto: 1 t Co}]\noutputs: [{form: copper-cobalt-ore}]",
        )
    assert refused.value.wanted == 1_000_000_000


def test_a_role_that_nobody_or_several_have_must_be_named(bench: Bench) -> None:
    ore = bench.mined()
    lost = f"recipe: export-cobalt\nsite: kolwezi-pit\ninputs: [{ore.lot_id.hex()[:12]}]\n"
    with pytest.raises(CoSignerNotNamed) as refused:
        _prepared(bench, lost + "outputs: [{form: copper-cobalt-ore}]")
    assert refused.value.role == Role("customs")
    assert refused.value.candidates == ()


def test_nobody_vouches_twice_for_one_step(bench: Bench) -> None:
    text = ORE + "co_signers: {weighbridge: scales, energy-auditor: scales}\n"
    with pytest.raises(RoleMissing):
        _prepared(bench, text)
    spec = MemberSpec.parse("all:All in One:CD:energy-auditor,weighbridge")
    record = member_record(spec, bench.session.keyring.create(spec.member), votes=False)
    vote(bench.session, (AdmitMember(record),))
    with pytest.raises(SignerInTwoRoles) as refused:
        _prepared(bench, text.replace("scales", "all"))
    assert refused.value.roles == ("weighbridge", "energy-auditor")
    with pytest.raises(CoSignerNotNamed) as several:
        _prepared(bench, ORE)
    assert several.value.candidates == ("scales", "all")
    assert _prepared(bench, ORE + "co_signers: {weighbridge: all}\n") is not None
