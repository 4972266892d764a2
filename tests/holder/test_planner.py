"""The planner over the packaged recipes: what it fills in, and one refusal for each reason.

Numbers are in tonnes and kilograms as people type them. That the filled-in numbers satisfy the
proof's own relations is checked by the planner itself, and with random numbers in
``test_planner_numbers``.
"""

from __future__ import annotations

from typing import TypeVar

import pytest
from tests.proofs.scenarios import CHAIN, SITE, Scenario, claim, mass, masses, wish

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.strands import Strand
from lodeline.holder import plan_refusals as refusals
from lodeline.holder.building import PlannedLot
from lodeline.holder.plans import plan_mine
from lodeline.holder.wishes import Step, Supply
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import SiteId
from lodeline.kernel.units import Ppm
from lodeline.ledger.refusals_transforms import RightFromNowhere
from lodeline.proofs.shape_errors import ClaimTooStrong
from lodeline.proofs.view import site_number

E = TypeVar("E", bound=LodelineError)
SEGREGATED = "IRMA-75/segregated"
BLENDED = "IRMA-75/controlled-blending"
BALANCED = "IRMA-75/mass-balance"


@pytest.fixture(scope="module")
def scene() -> Scenario:
    return Scenario()


def amounts(lot: PlannedLot) -> dict[str, int]:
    return {strand.name: amount for strand, amount in lot.amounts.items() if strand.has_amount}


def claims(lot: PlannedLot) -> dict[tuple[str, str], int]:
    return {(strand.name, borne.text): mg for (strand, borne), mg in lot.claims.items()}


def of(step: Step, form: str) -> list[PlannedLot]:
    return [lot for lot in step.outputs if lot.form == form]


def hydroxide(
    scene: Scenario, cobalt: str = "10 t", tolerance: str = "", bearing: str = ""
) -> Supply:
    """Return hydroxide; ``bearing`` is a claim that all of it bears."""
    held = {"Co": cobalt, **({"Co.tolerance": tolerance} if tolerance else {})}
    borne = {(strand, bearing): amount for strand, amount in held.items()} if bearing else {}
    return scene.lot("cobalt-hydroxide", held, borne, emissions="3 t CO2e", primary="1 t CO2e")


# ------------------------------------------------------------------ mining


def mined(scene: Scenario, *, licence: str = "100 t", assured: str = "100 t") -> Step:
    inputs = [scene.licence(Co=licence, Cu="400 t"), scene.assurance({SEGREGATED: assured})]
    outputs = [
        wish("copper-cobalt-ore", {"Co": "20 t", "Cu": "80 t"}),
        wish("copper-cobalt-ore", {"Co": "10 t", "Cu": "40 t"}, claims=()),
    ]
    return scene.plan("mine-copper-cobalt", inputs, outputs, ("20 t CO2e", "5 t CO2e"))


def test_mining_adds_reserve_claims_and_what_is_left(scene: Scenario) -> None:
    step = mined(scene)
    bearing, plain = of(step, "copper-cobalt-ore")
    assert amounts(bearing)["Co.tolerance"] == mass("1 t")
    assert claims(bearing) == {
        ("Co", SEGREGATED): mass("20 t"),
        ("Co.tolerance", SEGREGATED): mass("1 t"),
    }
    assert claims(plain) == {}
    (licence,), (assurance,) = of(step, "licence"), of(step, "assurance")
    assert amounts(licence) == {"Co.licence": mass("68.5 t"), "Cu.licence": mass("274 t")}
    assert claims(assurance) == {("Co.assurance", SEGREGATED): mass("79 t")}
    assert licence.site == assurance.site == SITE
    assert licence.recipient == scene.desk.home
    assert licence.expires == scene.desk.constants.right_expiry(scene.desk.now)


def test_the_reserve_shrinks_to_what_licence_and_assurance_leave(scene: Scenario) -> None:
    step = mined(scene, licence="30.4 t")
    reserves = [amounts(lot)["Co.tolerance"] for lot in of(step, "copper-cobalt-ore")]
    assert reserves == [mass("0.4 t"), 0]
    assert amounts(of(step, "licence")[0]) == {"Cu.licence": mass("274 t")}
    step = mined(scene, assured="20.3 t")
    reserves = [amounts(lot)["Co.tolerance"] for lot in of(step, "copper-cobalt-ore")]
    assert reserves == [mass("0.3 t"), mass("0.5 t")]
    assert not of(step, "assurance")


def test_the_reserve_can_be_smaller_by_wish(scene: Scenario) -> None:
    order = scene.order(
        "mine-copper-cobalt",
        [scene.licence(Co="100 t", Cu="100 t")],
        [wish("copper-cobalt-ore", {"Co": "20 t"})],
        ("20 t CO2e", "5 t CO2e"),
    )
    (ore,) = of(plan_mine(scene.desk, order, tolerance=Ppm(10_000)), "copper-cobalt-ore")
    assert amounts(ore)["Co.tolerance"] == mass("0.2 t")
    (ore,) = of(plan_mine(scene.desk, order, tolerance=Ppm(0)), "copper-cobalt-ore")
    assert amounts(ore) == {"Co": mass("20 t")}


def test_a_miner_who_reports_more_than_his_licence(scene: Scenario) -> None:
    with pytest.raises(refusals.RightTooSmall) as refused:
        mined(scene, licence="29.9 t")
    assert refused.value.held == mass("29.9 t")
    assert refused.value.needed == mass("30 t")
    assert "30 t" in refused.value.message("en")
    assert "29,9" in refused.value.message("fr")


def test_a_miner_who_claims_more_than_was_certified(scene: Scenario) -> None:
    with pytest.raises(refusals.AssuranceTooSmall) as refused:
        mined(scene, assured="19 t")
    assert (refused.value.held, refused.value.needed) == (mass("19 t"), mass("20 t"))


def test_a_licence_of_another_site_is_named(scene: Scenario) -> None:
    foreign = scene.licence(SiteId("site-2"), Co="100 t", Cu="100 t")
    with pytest.raises(refusals.LotNotOfSite) as refused:
        scene.plan(
            "mine-copper-cobalt",
            [foreign],
            [wish("copper-cobalt-ore", {"Co": "1 t"})],
            ("20 t CO2e", "5 t CO2e"),
        )
    assert refused.value.form == "licence"
    assert foreign.contents.site_number == site_number(CHAIN, SiteId("site-2"))


def test_ore_without_amounts_cannot_be_the_rest_of_a_licence(scene: Scenario) -> None:
    with pytest.raises(refusals.AmountsMissing):
        scene.plan(
            "mine-copper-cobalt",
            [scene.licence(Co="100 t")],
            [wish("copper-cobalt-ore")],
            ("20 t CO2e", "5 t CO2e"),
        )


def test_mining_below_the_floor_of_honest_emissions(scene: Scenario) -> None:
    with pytest.raises(refusals.ProcessBelowFloor) as refused:
        scene.plan(
            "mine-copper-cobalt",
            [scene.licence(Co="100 t", Cu="100 t")],
            [wish("copper-cobalt-ore", {"Co": "10 t", "Cu": "10 t"})],
            ("2.9 t CO2e", "0 t CO2e"),
        )
    assert refused.value.least == 3_000_000
    assert "3 t CO2e" in refused.value.message("en")


# ------------------------------------------------------------------ refining


def test_refining_keeps_draws_and_gives_back(scene: Scenario) -> None:
    step = scene.plan(
        "refine-cobalt-sulfate",
        [hydroxide(scene, "10 t", "0.5 t", SEGREGATED), scene.assurance({RMAP: "20 t"})],
        [wish("cobalt-sulfate", {"Co": "9.8 t"}), wish("refinery-residue")],
        ("90 t CO2e", "80 t CO2e"),
    )
    (sulfate,), (residue,) = of(step, "cobalt-sulfate"), of(step, "refinery-residue")
    whole = mass("9.8 t")
    assert claims(sulfate) == {("Co", SEGREGATED): whole, ("Co", RMAP): whole}
    assert amounts(residue) == {"Co": mass("0.2 t")}
    assert claims(residue) == {("Co", SEGREGATED): mass("0.2 t")}
    assert claims(of(step, "assurance")[0]) == {("Co.assurance", RMAP): mass("10.2 t")}
    assert (sulfate.emissions or 0) + (residue.emissions or 0) == 93_000_000


RMAP = "RMAP-refiner/segregated"


def refined(scene: Scenario, sulfate: str, residue: str = "0 t", grams: str = "90 t CO2e") -> Step:
    return scene.plan(
        "refine-cobalt-sulfate",
        [hydroxide(scene)],
        [wish("cobalt-sulfate", {"Co": sulfate}), wish("refinery-residue", {"Co": residue})],
        (grams, "1 t CO2e"),
    )


def test_a_refiner_who_takes_out_more_than_he_put_in(scene: Scenario) -> None:
    with pytest.raises(refusals.MoreOutThanIn) as refused:
        refined(scene, "9.9 t", "0.2 t")
    assert (refused.value.given, refused.value.taken) == (mass("10 t"), mass("10.1 t"))
    assert refused.value.strand == "Co"


def test_a_refiner_whose_metal_vanishes(scene: Scenario) -> None:
    with pytest.raises(refusals.BelowRecovery) as refused:
        refined(scene, "9.6 t")
    assert refused.value.least == mass("9.7 t")
    assert len(refined(scene, "9.7 t").outputs) == 2


def test_the_rest_cannot_be_negative_or_taken_twice(scene: Scenario) -> None:
    with pytest.raises(refusals.MoreOutThanIn):
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene)],
            [wish("cobalt-sulfate", {"Co": "11 t"}), wish("refinery-residue")],
            ("90 t CO2e", "1 t CO2e"),
        )
    with pytest.raises(refusals.RestTwice):
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene)],
            [wish("cobalt-sulfate"), wish("refinery-residue")],
            ("90 t CO2e", "1 t CO2e"),
        )


def test_process_numbers_exactly_where_the_recipe_has_them(scene: Scenario) -> None:
    with pytest.raises(refusals.ProcessNumbersExpected) as refused:
        scene.plan("refine-cobalt-sulfate", [hydroxide(scene)], [wish("cobalt-sulfate")])
    assert refused.value.expected
    with pytest.raises(refusals.ProcessNumbersExpected) as refused:
        scene.plan(
            "store", [hydroxide(scene)], [wish("cobalt-hydroxide")], ("1 t CO2e", "0 t CO2e")
        )
    assert not refused.value.expected
    with pytest.raises(refusals.PrimaryAboveEmissions):
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene)],
            [wish("cobalt-sulfate")],
            ("90 t CO2e", "91 t CO2e"),
        )


def test_copper_in_a_salt_of_cobalt(scene: Scenario) -> None:
    with pytest.raises(refusals.StrandNotExpected) as refused:
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene)],
            [wish("cobalt-sulfate", {"Co": "10 t", "Cu": "1 t"})],
            ("90 t CO2e", "1 t CO2e"),
        )
    assert (refused.value.form, refused.value.strand) == ("cobalt-sulfate", "Cu")


def test_a_lot_larger_than_its_form(scene: Scenario) -> None:
    with pytest.raises(refusals.AmountTooLarge) as refused:
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene, "300 t")],
            [wish("cobalt-sulfate")],
            ("900 t CO2e", "1 t CO2e"),
        )
    assert refused.value.most == 2**38 - 1
    with pytest.raises(refusals.EmissionsTooLarge):
        scene.plan(
            "refine-cobalt-sulfate",
            [hydroxide(scene)],
            [wish("cobalt-sulfate")],
            ("40000 t CO2e", "1 t CO2e"),
        )


# ------------------------------------------------------------------ claims


def test_equal_claims_stay_segregated_and_mixed_ones_become_a_share(scene: Scenario) -> None:
    whole = [hydroxide(scene, "10 t", "", SEGREGATED), hydroxide(scene, "6 t", "", SEGREGATED)]
    (lot,) = scene.plan("blend", whole, [wish("cobalt-hydroxide")]).outputs
    assert claims(lot) == {("Co", SEGREGATED): mass("16 t")}
    mixed = [whole[0], hydroxide(scene, "6 t")]
    parts = [wish("cobalt-hydroxide", {"Co": "7 t"}), wish("cobalt-hydroxide")]
    first, second = scene.plan("blend-controlled", mixed, parts).outputs
    assert claims(first) == {("Co", BLENDED): mass("4.375 t")}
    assert claims(second) == {("Co", BLENDED): mass("5.625 t")}


def test_identity_is_preserved_by_a_split_and_lost_in_a_blend(scene: Scenario) -> None:
    name = "IRMA-75/identity-preserved"
    one, other = hydroxide(scene, "10 t", "", name), hydroxide(scene, "10 t", "", name)
    parts = [wish("cobalt-hydroxide", {"Co": "3 t"}), wish("cobalt-hydroxide")]
    for lot in scene.plan("split", [one], parts).outputs:
        assert claims(lot) == {("Co", name): lot.amounts[Strand.parse("Co")]}
    (lot,) = scene.plan("blend", [one, other], [wish("cobalt-hydroxide")]).outputs
    assert claims(lot) == {("Co", SEGREGATED): mass("20 t")}


def test_a_shipment_of_two_lots_is_not_identity_preserved(scene: Scenario) -> None:
    name = "IRMA-75/identity-preserved"
    one, other = hydroxide(scene, "10 t", "", name), hydroxide(scene, "6 t", "0.1 t", name)
    process = ("1 t CO2e", "0 t CO2e")
    (lot,) = scene.plan("transport", [one], [wish("cobalt-hydroxide")], process).outputs
    assert claims(lot) == {("Co", name): mass("10 t")}
    (lot,) = scene.plan("transport", [one, other], [wish("cobalt-hydroxide")], process).outputs
    assert claims(lot)["Co", SEGREGATED] == mass("16 t")
    with pytest.raises(refusals.ClaimNotWhole):
        scene.plan("transport", [one, other], [wish("cobalt-hydroxide", claims=[name])], process)


def test_a_trader_who_calls_a_mixed_silo_segregated(scene: Scenario) -> None:
    mixed = [hydroxide(scene, "10 t", "", SEGREGATED), hydroxide(scene, "6 t")]
    with pytest.raises(refusals.ClaimNotWhole) as refused:
        scene.plan("blend", mixed, [wish("cobalt-hydroxide", claims=[SEGREGATED])])
    assert (refused.value.bearing, refused.value.whole) == (mass("10 t"), mass("16 t"))


def test_a_trader_who_claims_what_nothing_bears(scene: Scenario) -> None:
    with pytest.raises(refusals.ClaimNotAvailable) as refused:
        scene.plan("store", [hydroxide(scene)], [wish("cobalt-hydroxide", claims=["CIRAF"])])
    assert refused.value.standard == "CIRAF"
    with pytest.raises(refusals.ClaimNotAvailable):
        scene.plan(
            "store",
            [hydroxide(scene)],
            [wish("cobalt-hydroxide", claims=[claim("CIRAF", element="Co")])],
        )


def test_a_claim_stronger_than_the_recipe(scene: Scenario) -> None:
    with pytest.raises(ClaimTooStrong):
        scene.plan(
            "store",
            [hydroxide(scene, "10 t", "", "IRMA-75/identity-preserved")],
            [wish("cobalt-hydroxide", claims=["IRMA-75/identity-preserved"])],
        )


def test_amounts_of_claims_follow_from_the_model(scene: Scenario) -> None:
    lot = hydroxide(scene, "10 t", "", SEGREGATED)
    for model in (SEGREGATED, BLENDED, "IRMA-75/mass-balance"):
        with pytest.raises(refusals.ClaimAmountWrong) as refused:
            scene.plan("store", [lot], [wish("cobalt-hydroxide", None, [claim(model, "9 t")])])
        assert (refused.value.wanted, refused.value.allowed) == (mass("9 t"), mass("10 t"))
    with pytest.raises(refusals.ClaimAmountWrong):
        scene.plan("store", [lot], [wish("cobalt-hydroxide", None, [claim(BLENDED, "11 t")])])


def test_a_trader_who_sorts_clean_from_unclean(scene: Scenario) -> None:
    """A kept mass-balance claim stays spread over the material: only credits move it."""
    half = {("Co", BALANCED): "5 t"}
    lot = scene.lot("cobalt-hydroxide", {"Co": "10 t"}, half, emissions="1 t CO2e")
    sorted_out = [
        wish("cobalt-hydroxide", {"Co": "5 t"}, [claim(BALANCED, "5 t")]),
        wish("cobalt-hydroxide", {"Co": "5 t"}, ()),
    ]
    with pytest.raises(refusals.ClaimAmountWrong) as refused:
        scene.plan("split", [lot], sorted_out)
    assert refused.value.allowed == mass("2.5 t")
    parts = [wish("cobalt-hydroxide", {"Co": "4 t"}), wish("cobalt-hydroxide")]
    kept = [claims(part) for part in scene.plan("split", [lot], parts).outputs]
    assert kept == [{("Co", BALANCED): mass("2 t")}, {("Co", BALANCED): mass("3 t")}]


# ------------------------------------------------------------------ credits


def test_a_deposit_credits_what_the_metal_bore(scene: Scenario) -> None:
    step = scene.plan(
        "refine-cobalt-sulfate-mass-balance",
        [hydroxide(scene, "10 t", "0.5 t", SEGREGATED)],
        [wish("cobalt-sulfate", {"Co": "9.8 t"}), wish("refinery-residue")],
        ("90 t CO2e", "80 t CO2e"),
    )
    (credit,) = of(step, "credit")
    assert claims(credit) == {("Co.credit", "IRMA-75/mass-balance"): mass("9.8 t")}
    assert claims(of(step, "cobalt-sulfate")[0]) == {}
    assert credit.expires == scene.desk.constants.credit_expiry(scene.desk.now)
    assert credit.site == SITE


def test_a_deposit_of_material_that_bears_nothing(scene: Scenario) -> None:
    with pytest.raises(refusals.NothingToCredit) as refused:
        scene.plan(
            "refine-cobalt-sulfate-mass-balance",
            [hydroxide(scene)],
            [wish("cobalt-sulfate")],
            ("90 t CO2e", "80 t CO2e"),
        )
    assert refused.value.form == "credit"


def test_a_deposit_may_keep_a_part_on_the_material(scene: Scenario) -> None:
    kept = [claim(BALANCED, "4 t")]
    step = scene.plan(
        "refine-cobalt-sulfate-mass-balance",
        [hydroxide(scene, "10 t", "", SEGREGATED)],
        [wish("cobalt-sulfate", {"Co": "10 t"}, kept)],
        ("90 t CO2e", "80 t CO2e"),
    )
    assert claims(of(step, "cobalt-sulfate")[0]) == {("Co", BALANCED): mass("4 t")}
    assert claims(of(step, "credit")[0]) == {("Co.credit", BALANCED): mass("6 t")}


def test_a_refiner_who_credits_more_than_his_material_bore(scene: Scenario) -> None:
    with pytest.raises(refusals.ClaimsNotCovered) as refused:
        scene.plan(
            "refine-cobalt-sulfate-mass-balance",
            [hydroxide(scene, "10 t", "", SEGREGATED)],
            [wish("cobalt-sulfate"), wish("credit", {}, [claim(BALANCED, "10.1 t", "Co")])],
            ("90 t CO2e", "80 t CO2e"),
        )
    assert (refused.value.claimed, refused.value.available) == (mass("10.1 t"), mass("10 t"))


def test_take_up_uses_the_credit_and_gives_the_rest_back(scene: Scenario) -> None:
    def taken(amount: str) -> Step:
        return scene.plan(
            "refine-cobalt-sulfate-take-up",
            [hydroxide(scene), scene.credit({"IRMA-75/mass-balance": "8 t"})],
            [wish("cobalt-sulfate", {"Co": "9.8 t"}, [claim("IRMA-75", amount)])],
            ("90 t CO2e", "80 t CO2e"),
        )

    step = taken("7 t")
    assert claims(of(step, "cobalt-sulfate")[0]) == {("Co", "IRMA-75/mass-balance"): mass("7 t")}
    assert claims(of(step, "credit")[0]) == {("Co.credit", "IRMA-75/mass-balance"): mass("1 t")}
    assert not of(taken("8 t"), "credit")
    with pytest.raises(refusals.ClaimsNotCovered) as refused:
        taken("8.1 t")
    assert refused.value.available == mass("8 t")


def test_carrying_gives_the_scheme_s_share_once(scene: Scenario) -> None:
    step = scene.plan("carry-credit", [scene.credit({"IRMA-75/mass-balance": 801})])
    (carried,) = step.outputs
    assert carried.form == "credit-carried"
    assert claims(carried) == {("Co.credit", "IRMA-75/mass-balance"): 400}
    assert carried.expires is not None
    assert carried.expires > scene.desk.constants.credit_expiry(scene.desk.now)


def test_book_and_claim_is_issued_moved_and_retired(scene: Scenario) -> None:
    material = scene.lot(
        "cobalt-sulfate", {"Co": "10 t"}, {("Co", SEGREGATED): "10 t"}, emissions="1 t CO2e"
    )
    step = scene.plan("book-and-claim-issue", [material], [wish("cobalt-sulfate")])
    (plain,), (credit,) = of(step, "cobalt-sulfate"), of(step, "book-credit")
    booked = ("Co.credit", "IRMA-75/book-and-claim")
    assert (claims(plain), claims(credit)) == ({}, {booked: mass("10 t")})
    assert credit.site is None
    held = scene.credit({"IRMA-75/book-and-claim": "5 t"}, "book-credit", None)
    part = wish("book-credit", {}, [claim("IRMA-75/book-and-claim", "2 t")], scene.desk.home)
    moved = scene.plan("book-and-claim-transfer", [held], [part]).outputs
    assert [claims(lot) for lot in moved] == [{booked: mass("2 t")}, {booked: mass("3 t")}]
    bare = scene.lot("cobalt-sulfate", {"Co": "10 t"}, emissions="1 t CO2e")
    retire = wish("cobalt-sulfate", None, [claim("IRMA-75/book-and-claim", "2 t")])
    bearing, left = scene.plan("book-and-claim-retire", [bare, held], [retire]).outputs
    assert claims(bearing) == {("Co", "IRMA-75/book-and-claim"): mass("2 t")}
    assert claims(left) == {booked: mass("3 t")}


# ------------------------------------------------------------------ handling


def test_a_step_that_may_lose_nothing(scene: Scenario) -> None:
    with pytest.raises(refusals.NotAllAccounted) as refused:
        scene.plan("store", [hydroxide(scene)], [wish("cobalt-hydroxide", {"Co": "9 t"})])
    assert (refused.value.given, refused.value.taken) == (mass("10 t"), mass("9 t"))


def test_tolerance_that_nobody_can_take(scene: Scenario) -> None:
    metal = Strand.parse("Co.tolerance")
    lot = hydroxide(scene, "10 t", "0.5 t")
    explicit = {"Co": "10 t", "Co.tolerance": "0.4 t"}
    with pytest.raises(refusals.ToleranceHasNoPlace) as refused:
        scene.plan("store", [lot], [wish("cobalt-hydroxide", explicit)])
    assert (refused.value.strand, refused.value.amount) == (metal.name, mass("0.1 t"))


def test_a_settlement_moves_between_metal_and_reserve(scene: Scenario) -> None:
    lot = hydroxide(scene, "10 t", "0.5 t", SEGREGATED)

    def settled(cobalt: str) -> dict[str, int]:
        (found,) = scene.plan("settle", [lot], [wish("cobalt-hydroxide", {"Co": cobalt})]).outputs
        return amounts(found)

    assert settled("10.2 t") == {"Co": mass("10.2 t"), "Co.tolerance": mass("0.3 t")}
    assert settled("9.9 t") == {"Co": mass("9.9 t"), "Co.tolerance": mass("0.6 t")}
    with pytest.raises(refusals.MoreOutThanIn):
        settled("10.51 t")


def test_an_export_counts_metal_and_reserve_against_the_quota(scene: Scenario) -> None:
    lot = hydroxide(scene, "10 t", "0.5 t")
    step = scene.plan("export-cobalt", [lot, scene.quota(Co="11 t")], [wish("cobalt-hydroxide")])
    assert amounts(of(step, "quota")[0]) == {"Co.quota": mass("0.5 t")}
    with pytest.raises(refusals.RightTooSmall) as refused:
        scene.plan("export-cobalt", [lot, scene.quota(Co="10.4 t")], [wish("cobalt-hydroxide")])
    assert refused.value.needed == mass("10.5 t")


def test_opening_stock_uses_its_licence_whole(scene: Scenario) -> None:
    intake = scene.lot("intake", {"Co.licence": "10 t"}, site=SITE)
    (lot,) = scene.plan(
        "open-stock", [intake], [wish("cobalt-hydroxide")], ("1 t CO2e", "0 t CO2e")
    ).outputs
    assert amounts(lot) == {"Co": mass("10 t")}
    with pytest.raises(refusals.NotAllAccounted):
        scene.plan(
            "open-stock",
            [intake],
            [wish("cobalt-hydroxide", {"Co": "9 t"})],
            ("1 t CO2e", "0 t CO2e"),
        )


def test_a_write_off_takes_emissions_with_it_and_nothing_else_does(scene: Scenario) -> None:
    assert scene.plan("write-off", [hydroxide(scene)]).outputs == ()
    with pytest.raises(refusals.EmissionsHaveNoPlace):
        scene.plan("count", [scene.lot("cobalt-hydroxide", {}, emissions="1 t CO2e")])


def test_a_sale_needs_a_buyer_and_lots_of_one_form(scene: Scenario) -> None:
    lot, other = hydroxide(scene), scene.lot("cobalt-sulfate", {"Co": "1 t"})
    for wishes in ([], [wish("*")]):
        with pytest.raises(refusals.RecipientMissing):
            scene.plan("sale", [lot], wishes)
    with pytest.raises(refusals.LotsDiffer):
        scene.plan("sale", [lot, other], [wish("*", to=scene.desk.home)])


# ------------------------------------------------------------------ products


def cathode(scene: Scenario, cobalt: str) -> Step:
    def salt(form: str, metals: dict[str, str]) -> Supply:
        return scene.lot(form, metals, emissions="1 t CO2e")

    metals = {"Ni": "60 t", "Mn": "20 t", "Co": cobalt}
    return scene.plan(
        "make-precursor-622",
        [
            salt("cobalt-sulfate", {"Co": cobalt}),
            salt("manganese-sulfate", {"Mn": "20 t"}),
            salt("nickel-sulfate", {"Ni": "60 t"}),
        ],
        [wish("nmc622-precursor", metals)],
        ("100 t CO2e", "0 t CO2e"),
    )


def test_a_precursor_has_the_proportion_of_its_name(scene: Scenario) -> None:
    assert len(cathode(scene, "20 t").outputs) == 1
    with pytest.raises(refusals.RatioMissed) as refused:
        cathode(scene, "10 t")
    assert refused.value.element in ("Co", "Mn", "Ni")
    assert refused.value.low < refused.value.high
    assert "%" in refused.value.message("fr")


def test_a_clean_milligram_is_no_battery(scene: Scenario) -> None:
    form = next(item for item in scene.desk.tables.forms.all() if item.name == "ev-battery")
    assert form.least
    held = {str(item.strand): item.milligrams * 3 for item in form.least}
    pack = scene.lot("battery-pack", held, emissions="1 t CO2e")
    one = {str(item.strand): item.milligrams for item in form.least}
    first, last = scene.plan(
        "market-ev-battery",
        [pack],
        [wish("ev-battery", one, product="car-1"), wish("ev-battery", product="car-2")],
    ).outputs
    assert (first.product, last.product) == ("car-1", "car-2")
    short = {**one, form.least[0].strand: one[form.least[0].strand] - 1}
    with pytest.raises(refusals.LeastAmountMissed) as refused:
        scene.plan(
            "market-ev-battery",
            [pack],
            [wish("ev-battery", short, product="car-1"), wish("ev-battery", product="car-2")],
        )
    assert refused.value.amount == refused.value.least - 1


# ------------------------------------------------------------------ grants


def test_grants_of_rights_and_assurance(scene: Scenario) -> None:
    licence = scene.plan("grant-licence", [], [wish("licence", {"Co.licence": "10 t"})])
    assert amounts(licence.outputs[0]) == {"Co.licence": mass("10 t")}
    assert licence.outputs[0].site == SITE
    certified = claim(SEGREGATED, "10 t", "Co")
    (assurance,) = scene.plan("grant-assurance", [], [wish("assurance", None, [certified])]).outputs
    key = (Strand.parse("Co.assurance"), ClaimName.parse(SEGREGATED))
    assert assurance.claims == {key: mass("10 t")}
    for unclear in (claim("IRMA-75", "10 t", "Co"), claim(SEGREGATED), claim(SEGREGATED, "10 t")):
        with pytest.raises(refusals.GrantClaimUnclear):
            scene.plan("grant-assurance", [], [wish("assurance", None, [unclear])])


def test_a_right_does_not_come_from_nowhere(scene: Scenario) -> None:
    ore = wish("copper-cobalt-ore", {"Co": "1 t"})
    assurance = wish("assurance", None, [claim(SEGREGATED, "1 t", "Co")])
    process = ("9 t CO2e", "0 t CO2e")
    licence = scene.licence(Co="10 t")
    with pytest.raises(refusals.ClaimNotAvailable) as refused:
        scene.plan("mine-copper-cobalt", [licence], [ore, assurance], process)
    assert refused.value.strand == "Co.assurance"
    with pytest.raises(refusals.StrandNotExpected):
        scene.plan("mine-copper-cobalt", [licence], [ore, wish("quota", {"Co.quota": 1})], process)
    bare = wish("book-credit", {}, [claim("IRMA-75/book-and-claim", 0, "Co")], scene.desk.home)
    wishes = [wish("cobalt-sulfate"), bare]
    with pytest.raises(RightFromNowhere):
        scene.plan("refine-cobalt-sulfate-take-up", [hydroxide(scene)], wishes, process)


def test_remainders_of_one_standard_under_two_models_are_two_lots(scene: Scenario) -> None:
    inputs = [
        scene.licence(Co="100 t", Cu="100 t"),
        scene.assurance({SEGREGATED: "5 t"}),
        scene.assurance({"IRMA-75/identity-preserved": "5 t"}),
    ]
    step = scene.plan(
        "mine-copper-cobalt",
        inputs,
        [wish("copper-cobalt-ore", {"Co": "1 t"}, ["IRMA-75/segregated"])],
        ("9 t CO2e", "0 t CO2e"),
    )
    left = of(step, "assurance")
    models = [claim_.model for lot in left for _, claim_ in lot.claims]
    assert sorted(models) == [Model.SEGREGATED, Model.IDENTITY_PRESERVED]
    assert len(left) == 2


def test_every_reason_is_said_in_both_languages_with_units() -> None:
    found = refusals.MoreOutThanIn(Strand.parse("Co").name, mass("9.5 t"), mass("10 t"))
    assert found.message("en") == "10 t of Co would come out, but only 9.5 t go in"
    assert "9,5\u00a0t" in found.message("fr")
    assert found.advice("en")
    huge = refusals.MoreOutThanIn(Strand.parse("Co").name, mass(0), mass(2**60))
    assert str(2**60) in huge.message("en")
    assert masses({"Co": "1 t"}) == {Strand.parse("Co"): 10**9}
