"""Attacks by members of the consortium, found in review; each runs under the packaged recipes.

Lots are on paper: the statement is compiled and judged over plain numbers. The attacker may have
every signature and every co-signer; what must stop him is a relation or a shape.
"""

from __future__ import annotations

import pytest
from msgspec import structs
from tests.custody.shipped import forms, recipe, standards
from tests.proofs.paper import Paper
from vectors.plans import material
from vectors.stage import PlainLot, Plan, stage

from lodeline.custody.check_forms import WidthOutOfRange
from lodeline.custody.forms import StrandWidth
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, StrandName
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.proof import Proof
from lodeline.proofs.prover import StatementIsFalse, check_truth
from lodeline.proofs.relations import RuleNumber
from lodeline.proofs.shape_errors import (
    AmountMissing,
    ClaimFromNothing,
    FieldNotExpected,
    NotIdentityPreserved,
)

SITE = "site-1"
RETIRED, SCRAP = "recycled-post", "recycled-pre"
MINED, REFINED = "IRMA-75", "RMAP-refiner"
BALANCED, SEGREGATED, IDENTITY = "mass-balance", "segregated", "identity-preserved"


def judge(plan: Plan) -> None:
    """Compile under the packaged tables and hold the numbers against every relation."""
    scene = stage(plan, Paper(), forms().all(), standards().all())
    check_truth(scene.subject, scene.witness)


def step(
    name: str,
    inputs: tuple[PlainLot, ...],
    outputs: tuple[PlainLot, ...],
    process: tuple[int, int] | None = None,
    site: str | None = SITE,
) -> Plan:
    return Plan(recipe(name), inputs, outputs, process, site)


def bare(form: str, strand: str, claim: str, mg: int) -> PlainLot:
    """Return assurance or credit over cobalt, of the site."""
    return PlainLot(form, {strand: None}, {(strand, claim): mg}, expires=1, site=SITE)


def assured(standard: str, mg: int) -> PlainLot:
    return bare("assurance", "Co.assurance", f"{standard}/{SEGREGATED}", mg)


def credited(standard: str, mg: int) -> PlainLot:
    return bare("credit", "Co.credit", f"{standard}/{BALANCED}", mg)


def cobalt(form: str, mg: int, grams: int = 0, claim: str = "", part: int = 0) -> PlainLot:
    """Return cobalt of a form; ``part`` of it bears the claim, or all."""
    return material(form, {"Co": mg}, grams, 0, {("Co", claim): part or mg} if claim else {})


def refused(plan: Plan, rule: RuleNumber) -> None:
    with pytest.raises(StatementIsFalse) as caught:
        judge(plan)
    assert caught.value.rule.number is rule


# ------------------------------------------------------------------ assurance on other material


def test_recycler_sells_production_scrap_as_retired_batteries() -> None:
    """His assurance for retired batteries is real; only no battery was ever retired."""
    claim = f"{RETIRED}/{BALANCED}"
    plan = step(
        "recycle-scrap",
        (cobalt("cell-scrap", 1000, 100), assured(RETIRED, 1000)),
        (cobalt("black-mass", 1000, 500, claim),),
        (400, 0),
    )
    with pytest.raises(ClaimFromNothing) as caught:
        judge(plan)
    assert caught.value.fields() == {"claim": claim, "element": "Co"}


def test_recycler_stretches_a_claimed_lot_with_the_assurance_for_another() -> None:
    """One milligram of the scrap bears the claim, so that the standard is not foreign there."""
    claim = f"{RETIRED}/{BALANCED}"
    plan = step(
        "recycle-scrap",
        (cobalt("cell-scrap", 1000, 100, claim, 1), assured(RETIRED, 1000)),
        (cobalt("black-mass", 1000, 500, claim, 2),),
        (400, 0),
    )
    refused(plan, RuleNumber.T4_CLAIMS)


def test_miner_with_a_refinery_credits_ore_that_was_never_mined() -> None:
    plan = step(
        "refine-cobalt-sulfate-mass-balance",
        (cobalt("cobalt-hydroxide", 1000, 100), assured(MINED, 10**6)),
        (cobalt("cobalt-sulfate", 1000, 1100), credited(MINED, 10**6)),
        (1000, 0),
    )
    with pytest.raises(ClaimFromNothing) as caught:
        judge(plan)
    assert caught.value.fields() == {"claim": f"{MINED}/{BALANCED}", "element": "Co"}


def test_refiner_credits_his_own_assurance_unused() -> None:
    plan = step(
        "refine-cobalt-sulfate-mass-balance",
        (cobalt("cobalt-hydroxide", 1000, 100), assured(REFINED, 10**6)),
        (cobalt("cobalt-sulfate", 1000, 1100), credited(REFINED, 10**6)),
        (1000, 0),
    )
    with pytest.raises(ClaimFromNothing):
        judge(plan)


# ------------------------------------------------------------------ claims parked elsewhere


def test_recycler_moves_the_claim_of_his_scrap_into_an_assurance() -> None:
    """Later it would be drawn, segregated, on scrap that bears nothing."""
    claim = f"{SCRAP}/{SEGREGATED}"
    plan = step(
        "recycle-scrap",
        (cobalt("cathode-scrap", 1000, 0, claim), assured(SCRAP, 1)),
        (cobalt("black-mass", 1000, 400), assured(SCRAP, 1001)),
        (400, 0),
    )
    refused(plan, RuleNumber.T4_CLAIMS)


def test_taker_up_parks_the_claim_of_his_hydroxide_in_a_credit() -> None:
    """Only a deposit makes credit; here the remainder of one grows."""
    claim = f"{MINED}/{SEGREGATED}"
    plan = step(
        "refine-cobalt-sulfate-take-up",
        (cobalt("cobalt-hydroxide", 1000, 0, claim), credited(MINED, 10)),
        (cobalt("cobalt-sulfate", 1000, 1000), credited(MINED, 11)),
        (1000, 0),
    )
    refused(plan, RuleNumber.T4_CLAIMS)


def test_depositor_credits_the_claims_of_the_tolerance_that_refining_ends() -> None:
    claim = f"{MINED}/{SEGREGATED}"
    hydroxide = material(
        "cobalt-hydroxide",
        {"Co": 1000, "Co.tolerance": 50},
        0,
        0,
        {("Co", claim): 1000, ("Co.tolerance", claim): 50},
    )
    plan = step(
        "refine-cobalt-sulfate-mass-balance",
        (hydroxide,),
        (cobalt("cobalt-sulfate", 1000, 1000), credited(MINED, 1001)),
        (1000, 0),
    )
    refused(plan, RuleNumber.T4_CLAIMS)


def test_the_honest_neighbours_of_these_attacks_pass() -> None:
    claim = f"{MINED}/{BALANCED}"
    judge(
        step(
            "refine-cobalt-sulfate-take-up",
            (cobalt("cobalt-hydroxide", 1000, 0, claim, 400), credited(MINED, 500)),
            (cobalt("cobalt-sulfate", 1000, 1000, claim, 850), credited(MINED, 50)),
            (1000, 0),
        )
    )
    drawn = f"{SCRAP}/{SEGREGATED}"
    judge(
        step(
            "recycle-scrap",
            (cobalt("cathode-scrap", 1000, 0, drawn, 300), assured(SCRAP, 800)),
            (cobalt("black-mass", 1000, 400, drawn), assured(SCRAP, 100)),
            (400, 0),
        )
    )
    judge(
        step(
            "refine-cobalt-sulfate-mass-balance",
            (cobalt("cobalt-hydroxide", 1000, 0, f"{MINED}/{SEGREGATED}"),),
            (cobalt("cobalt-sulfate", 1000, 1000, claim, 200), credited(MINED, 800)),
            (1000, 0),
        )
    )


# ------------------------------------------------------------------ identity


def test_trader_fills_an_identity_preserved_lot_up_with_another_mines_tolerance() -> None:
    """A settlement would make it metal of the first mine."""
    claim = f"{MINED}/{IDENTITY}"
    first = cobalt("copper-cobalt-ore", 1000, 0, claim)
    second = material(
        "copper-cobalt-ore", {"Co.tolerance": 50}, 0, 0, {("Co.tolerance", claim): 50}
    )
    both = material(
        "copper-cobalt-ore",
        {"Co": 1000, "Co.tolerance": 50},
        0,
        0,
        {("Co", claim): 1000, ("Co.tolerance", claim): 50},
    )
    with pytest.raises(NotIdentityPreserved) as caught:
        judge(step("transport", (first, second), (both,), (0, 0), site=None))
    assert caught.value.fields() == {"claim": claim, "inputs": 2}


# ------------------------------------------------------------------ stopping the others


CRIPPLED = {
    "no emissions": (PlainLot("cobalt-hydroxide", {"Co": 10}), FieldNotExpected),
    "no primary part": (PlainLot("cobalt-hydroxide", {"Co": 10}, emissions=1), FieldNotExpected),
    "no amount": (
        PlainLot("cobalt-hydroxide", {"Co": None}, emissions=1, primary=0),
        AmountMissing,
    ),
}


@pytest.mark.parametrize(("lot", "error"), CRIPPLED.values(), ids=CRIPPLED)
def test_saboteur_spends_a_crippled_lot_of_his_own_refused_entry(
    lot: PlainLot, error: type[LodelineError]
) -> None:
    """A batch verifies the two side by side; anything but a named refusal would end them all."""
    parts = (cobalt("cobalt-hydroxide", 5, 1), cobalt("cobalt-hydroxide", 5))
    plan = step("split", (lot,), parts, site=None)
    scene = stage(plan, Paper(), forms().all(), standards().all())
    (verdict,) = verify_batch([scene.task(Proof((), None, (), (), None))])
    assert type(verdict.refusal) is error


@pytest.mark.parametrize("bits", [-1, 0, 1 << 40])
def test_saboteur_brings_his_own_form_in_an_uncounted_vote(bits: int) -> None:
    """A batch reads the tables as its votes would leave them, whether they pass or not."""
    hydroxide = next(form for form in forms().all() if form.name == "cobalt-hydroxide")
    widths = (StrandWidth(StrandName("Co"), bits),)
    forged = structs.replace(hydroxide, name=FormName("forged"), strands=widths)
    plan = step("split", (cobalt("forged", 10),), (cobalt("forged", 5), cobalt("forged", 5)))
    scene = stage(plan, Paper(), (forged,), standards().all())
    (verdict,) = verify_batch([scene.task(Proof((), None, (), (), None))])
    assert type(verdict.refusal) is WidthOutOfRange
    assert verdict.refusal.fields()["bits"] == bits
