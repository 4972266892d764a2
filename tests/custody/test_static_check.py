"""Adoption: every packaged recipe passes, and every reason for a refusal has its case."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from tests.custody import shipped
from tests.custody.shipped import adopt, balance, changed, port, recipe, with_balance

from lodeline.custody import (
    check_balances,
    check_claims,
    check_ports,
    check_weights,
)
from lodeline.custody.allocation import UnknownAllocation
from lodeline.custody.candidate import RecipeRefused
from lodeline.custody.forms import FormClass, FormTable, StrandWidth, UnknownForm
from lodeline.custody.recipes import (
    ClaimMode,
    ClaimRule,
    Family,
    Floor,
    Recipe,
    Recovery,
    Weight,
)
from lodeline.custody.standards import UnknownStandard
from lodeline.custody.static_check import check_recipe
from lodeline.custody.strands import UnknownStrand
from lodeline.custody.tables import load_allocation
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    RecipeName,
    Role,
    StandardName,
    StrandName,
)

RECIPES = shipped.recipes()


def test_there_are_recipes_enough_to_mean_something() -> None:
    assert len(RECIPES) >= 60
    assert {item.family for item in RECIPES} == set(Family)


@pytest.mark.parametrize("item", RECIPES, ids=lambda item: item.name)
def test_every_packaged_recipe_can_be_adopted(item: Recipe) -> None:
    adopt(item)


def test_the_packaged_recipes_can_be_adopted_one_after_another() -> None:
    for index, item in enumerate(RECIPES):
        tables = shipped.forms(), shipped.standards(), shipped.allocation()
        check_recipe(item, *tables, RECIPES[:index])


def test_a_new_version_replaces_the_old_one_in_the_search_for_circles() -> None:
    newer = changed("refine-cobalt-sulfate-mass-balance", version=2)
    adopt(newer)


def test_recipes_for_any_form_stay_sound_when_the_table_grows() -> None:
    """A form with a new element joins: the old recipes do not take it, and stay adopted."""
    zinc = msgspec.structs.replace(
        shipped.forms()[FormName("cobalt-metal")],
        name=FormName("zinc-concentrate"),
        strands=(StrandWidth(StrandName("Zn"), 40), StrandWidth(StrandName("Zn.tolerance"), 36)),
    )
    grown = FormTable((*shipped.forms().all(), zinc))
    for item in RECIPES:
        check_recipe(item, grown, shipped.standards(), shipped.allocation(), RECIPES)


def test_a_recipe_for_any_form_balances_tolerance_even_before_any_form_has_it() -> None:
    named = {
        name for item in RECIPES for one in (*item.inputs, *item.outputs) for name in one.forms
    }
    small = FormTable(
        tuple(
            form
            for form in shipped.forms().all()
            if form.name in named and not any(".tolerance" in item.strand for item in form.strands)
        )
    )
    without = changed("store", balances=recipe("store").balances[:1], claims=())
    with pytest.raises(check_balances.InputInNoBalance) as refused:
        check_recipe(without, small, shipped.standards(), shipped.allocation())
    assert (refused.value.form, refused.value.strand) == ("*", "C.tolerance")


def rule(standards: str, index: int, mode: ClaimMode) -> ClaimRule:
    return ClaimRule(tuple(StandardName(name) for name in standards.split()), index, mode)


def weight(form: str, strand: str, ppm: int) -> Weight:
    return Weight(FormName(form), StrandName(strand), ppm)


@dataclass(frozen=True)
class Case:
    """A recipe that must be refused, why, and the values that the refusal must carry."""

    what: str
    recipe: Recipe
    reason: type[RecipeRefused]
    fields: dict[str, object]


REFINE = "refine-cobalt-sulfate"
DEPOSIT = "refine-cobalt-sulfate-mass-balance"
TAKE_UP = "refine-cobalt-sulfate-take-up"
MINE = "mine-copper-cobalt"

CASES = [
    # ------------------------------------------------------------ ports, families, sites, signers
    Case(
        "a custody model that does not exist",
        changed(REFINE, custody="trust-me"),
        check_ports.CustodyUnknown,
        {"custody": "trust-me"},
    ),
    Case(
        "valid never",
        changed(REFINE, valid_from=10, valid_to=9),
        check_ports.ValidityEmpty,
        {"valid_from": 10, "valid_to": 9},
    ),
    Case(
        "seventeen inputs",
        changed("store", inputs=(port("*", 1, 17),)),
        check_ports.PortBoundsWrong,
        {"at_most": 17, "limit": 16},
    ),
    Case(
        "a port that lets nothing through",
        changed("store", inputs=(port("*", 0, 0),)),
        check_ports.PortBoundsWrong,
        {"at_most": 0},
    ),
    Case(
        "a least above the most",
        changed("store", inputs=(port("*", 3, 2),)),
        check_ports.PortBoundsWrong,
        {"at_least": 3, "at_most": 2},
    ),
    Case(
        "a negative least",
        changed("store", inputs=(port("*", -1, 2),)),
        check_ports.PortBoundsWrong,
        {"at_least": -1},
    ),
    Case(
        "any form beside a named one in a port",
        changed("store", inputs=(port("* cobalt-metal", 1, 2),)),
        check_ports.PortBoundsWrong,
        {"forms": ("*", "cobalt-metal")},
    ),
    Case(
        "a port without forms",
        changed("store", outputs=(port("", 1, 2),)),
        check_ports.PortBoundsWrong,
        {"forms": ()},
    ),
    Case(
        "least numbers that do not fit in together",
        changed(
            "make-precursor-622",
            inputs=(
                port("cobalt-sulfate", 8, 8),
                port("manganese-sulfate", 8, 8),
                port("nickel-sulfate", 1, 8),
            ),
        ),
        check_ports.PortBoundsWrong,
        {"at_least": 8},
    ),
    Case(
        "one form in two ports",
        changed(REFINE, inputs=(port("cobalt-hydroxide", 1, 2), port("cobalt-hydroxide"))),
        check_ports.FormInTwoPorts,
        {"form": "cobalt-hydroxide"},
    ),
    Case(
        "a licence in a refinery",
        changed(REFINE, inputs=(port("cobalt-hydroxide", 1, 2), port("licence"))),
        check_ports.FormNotInFamily,
        {"form": "licence", "form_class": FormClass.LICENCE, "side": "input"},
    ),
    Case(
        "a grant of material",
        changed("grant-licence", outputs=(port("cobalt-metal"),)),
        check_ports.FormNotInFamily,
        {"form": "cobalt-metal", "side": "output"},
    ),
    Case(
        "a grant of credit",
        changed("grant-assurance", outputs=(port("credit"),)),
        check_ports.FormNotInFamily,
        {"form": "credit", "form_class": FormClass.CREDIT},
    ),
    Case(
        "a mine of any form, residues too",
        changed(MINE, outputs=(port("*", 1, 2), port("licence"))),
        check_ports.FormNotInFamily,
        {"form": "*", "form_class": FormClass.RESIDUE, "side": "output"},
    ),
    Case(
        "a product that was never put on the market",
        changed("make-pack", outputs=(port("ev-battery", 1, 2),)),
        check_ports.FormNotInFamily,
        {"form": "ev-battery", "form_class": FormClass.PRODUCT, "side": "output"},
    ),
    Case(
        "material put on the market as no product",
        changed("market-ev-battery", outputs=(port("battery-pack", 1, 2),)),
        check_ports.FormNotInFamily,
        {"form": "battery-pack", "side": "output"},
    ),
    Case(
        "a product taken apart as a process",
        changed("recycle-end-of-life", family=Family.PROCESS),
        check_ports.FormNotInFamily,
        {"form": "ev-battery", "side": "input"},
    ),
    Case(
        "a product sold under a recipe",
        changed("sale", inputs=(port("ev-battery", 1, 4),), outputs=(port("ev-battery", 1, 4),)),
        check_ports.FormNotInFamily,
        {"form": "ev-battery"},
    ),
    Case(
        "a write-off that leaves something",
        changed("write-off", outputs=(port("*", 1, 2),)),
        check_ports.FormNotInFamily,
        {"side": "output", "family": Family.WRITE_OFF},
    ),
    Case(
        "a process from nothing",
        changed(REFINE, inputs=()),
        check_ports.InputsMissing,
        {"family": Family.PROCESS},
    ),
    Case(
        "a process into nothing",
        changed(REFINE, outputs=()),
        check_ports.OutputsMissing,
        {"family": Family.PROCESS},
    ),
    Case(
        "a quota renewed as a licence",
        changed("renew-quota", outputs=(port("licence", 1, 1),)),
        check_ports.FormChanges,
        {"taken": ("quota",), "given": ("licence",)},
    ),
    Case(
        "a store that refines",
        changed(
            "store", inputs=(port("cobalt-hydroxide"),), outputs=(port("cobalt-sulfate", 1, 1),)
        ),
        check_ports.FormChanges,
        {"taken": ("cobalt-hydroxide",), "given": ("cobalt-sulfate",)},
    ),
    Case(
        "a transport in which two forms could be exchanged",
        changed(
            "transport",
            inputs=(port("cobalt-metal cobalt-sulfate"),),
            outputs=(port("cobalt-metal cobalt-sulfate"),),
        ),
        check_ports.FormChanges,
        {"family": Family.TRANSPORT},
    ),
    Case(
        "credit deposited from a lot that stays as it is",
        changed(
            DEPOSIT,
            outputs=(*recipe(DEPOSIT).outputs, port("cobalt-hydroxide")),
            balances=(recipe(DEPOSIT).balances[0], balance("X.tolerance", "X.tolerance")),
        ),
        check_ports.FormDoesNotChange,
        {"form": "cobalt-hydroxide"},
    ),
    Case(
        "a deposit in any form",
        changed(DEPOSIT, inputs=(port("*", 1, 2),), outputs=(port("*", 1, 2), port("credit"))),
        check_ports.FormDoesNotChange,
        {},
    ),
    Case(
        "a sale that loses something",
        with_balance("sale", 0, balance("X", "X", recovery=999_999)),
        check_ports.EqualityRequired,
        {"balance": 0, "min_recovery_ppm": 999_999},
    ),
    Case(
        "an export that loses its tolerance",
        with_balance("export-cobalt", 1, balance("X.tolerance", "")),
        check_ports.EqualityRequired,
        {"balance": 1, "min_recovery_ppm": 0},
    ),
    Case(
        "a mine nowhere",
        changed(MINE, needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.MINE},
    ),
    Case(
        "stock nowhere",
        changed("open-stock", needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.INTAKE},
    ),
    Case(
        "an export from nowhere",
        changed("export-copper", needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.EXPORT},
    ),
    Case(
        "a deposit nowhere",
        changed(DEPOSIT, needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.DEPOSIT},
    ),
    Case(
        "a take-up nowhere",
        changed(TAKE_UP, needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.TAKE_UP},
    ),
    Case(
        "credit carried nowhere",
        changed("carry-credit", needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.CARRY},
    ),
    Case(
        "a refiner's assurance used anywhere",
        changed(REFINE, needs_site=False),
        check_ports.SiteRequired,
        {"family": Family.PROCESS},
    ),
    Case(
        "a write-off without an auditor",
        changed("write-off", co_signers=(Role("laboratory"),)),
        check_ports.CoSignerMissing,
        {"role": "auditor"},
    ),
    Case(
        "a correction without an auditor",
        changed("correct", co_signers=(Role("carrier"),)),
        check_ports.CoSignerMissing,
        {"role": "auditor"},
    ),
    Case(
        "a grant that nobody signs",
        changed("grant-quota", co_signers=()),
        check_ports.CoSignerMissing,
        {"role": None},
    ),
    Case(
        "process numbers that nobody signs",
        changed(REFINE, co_signers=()),
        check_ports.CoSignerMissing,
        {"role": None},
    ),
    Case(
        "one role twice",
        changed(REFINE, co_signers=(Role("laboratory"), Role("laboratory"))),
        check_ports.CoSignerTwice,
        {"role": "laboratory"},
    ),
    Case(
        "a sale that emits",
        changed("sale", has_process=True, co_signers=(Role("carrier"),)),
        check_ports.ProcessNotAllowed,
        {"family": Family.SALE},
    ),
    Case(
        "a floor for emissions that nobody reports",
        changed("store", floor=(Floor(StrandName("Co"), 1),)),
        check_ports.FloorWithoutProcess,
        {"strand": "Co"},
    ),
    Case(
        "a floor on a metal that does not come out",
        changed(REFINE, floor=(Floor(StrandName("Ni"), 1),)),
        check_ports.FloorWithoutProcess,
        {"strand": "Ni"},
    ),
    Case(
        "a floor on tolerance",
        changed(MINE, floor=(Floor(StrandName("Co.tolerance"), 1),)),
        check_ports.FloorWithoutProcess,
        {"strand": "Co.tolerance"},
    ),
    Case(
        "a recovery above everything",
        with_balance(REFINE, 0, balance("X", "X", recovery=1_000_001)),
        check_ports.RateOutOfRange,
        {"value": 1_000_001, "greatest": 1_000_000},
    ),
    Case(
        "a negative weight",
        changed(REFINE, allocation=(weight("cobalt-sulfate", "Co", -1),)),
        check_ports.RateOutOfRange,
        {"what": "weight_ppm", "value": -1},
    ),
    Case(
        "a recovery for a foreign element",
        changed(REFINE, recoveries=(Recovery(ElementSymbol("Ni"), 0),)),
        check_ports.RecoveryForElement,
        {"element": "Ni"},
    ),
    Case(
        "two recoveries for one element",
        changed(REFINE, recoveries=(Recovery(ElementSymbol("Co"), 0),) * 2),
        check_ports.RecoveryForElement,
        {"element": "Co"},
    ),
    # ------------------------------------------------------------ rules 1 to 6
    Case(
        "no element",
        changed(REFINE, elements=()),
        check_balances.ElementsWrong,
        {"elements": ()},
    ),
    Case(
        "an element twice",
        changed(REFINE, elements=(ElementSymbol("Co"), ElementSymbol("Co"))),
        check_balances.ElementsWrong,
        {"elements": ("Co", "Co")},
    ),
    Case(
        "the wildcard as an element",
        changed(REFINE, elements=(ElementSymbol("X"),)),
        check_balances.ElementsWrong,
        {"elements": ("X",)},
    ),
    Case(
        "rule 1: a licence used up in two balances",
        with_balance(MINE, 1, balance("Co.licence", "Co.licence", recovery=10**6)),
        check_balances.InputInTwoBalances,
        {"strand": "Co.licence", "first": 0, "second": 1},
    ),
    Case(
        "rule 1: an input twice, in a write-off",
        with_balance("write-off", 2, balance("Co", "")),
        check_balances.InputInTwoBalances,
        {"strand": "Co", "first": 0, "second": 2},
    ),
    Case(
        "rule 1: an input twice in one balance",
        with_balance("blend", 0, balance("X X", "X", recovery=1_000_000)),
        check_balances.InputInTwoBalances,
        {"strand": "C", "first": 0, "second": 0},
    ),
    Case(
        "rule 1: an output in two balances",
        with_balance(MINE, 1, balance("Co", "Co", recovery=1_000_000)),
        check_balances.OutputInTwoBalances,
        {"strand": "Co", "first": 0, "second": 1},
    ),
    Case(
        "rule 1: an input in no balance",
        changed(REFINE, balances=recipe(REFINE).balances[:1]),
        check_balances.InputInNoBalance,
        {"form": "cobalt-hydroxide", "strand": "Co.tolerance"},
    ),
    Case(
        "rule 1: an output in no balance",
        changed(
            "make-cathode-622",
            elements=tuple(map(ElementSymbol, ("Co", "Mn", "Ni"))),
            recoveries=(),
            inputs=(port("nmc622-precursor", 1, 4),),
        ),
        check_balances.OutputInNoBalance,
        {"form": "nmc622-cathode", "strand": "Li"},
    ),
    Case(
        "rule 1: a quota that comes out of no balance",
        changed(
            "export-cobalt",
            balances=(*recipe("export-cobalt").balances[:2],),
            inputs=recipe("export-cobalt").inputs[:1],
        ),
        check_balances.OutputInNoBalance,
        {"form": "quota"},
    ),
    Case(
        "rule 2: a balance over two elements",
        with_balance(MINE, 0, balance("Co.licence Cu.licence", "Co", tolerance=0)),
        check_balances.ElementsMixed,
        {"balance": 0, "elements": ("Co", "Cu")},
    ),
    Case(
        "assurance in a balance",
        with_balance("grant-assurance", 0, balance("", "X.assurance")),
        check_balances.StrandWithoutAmount,
        {"strand": "C.assurance"},
    ),
    Case(
        "rule 3: metal from a quota",
        with_balance("export-cobalt", 2, balance("Co.quota", "Co", recovery=1_000_000)),
        check_balances.MetalFromElsewhere,
        {"balance": 2, "strand": "Co", "left": ("Co.quota",)},
    ),
    Case(
        "rule 3: tolerance becomes metal outside settlement",
        with_balance("store", 1, balance("X.tolerance", "X", recovery=0)),
        check_balances.ToleranceNotAlone,
        {"balance": 1, "left": ("C.tolerance",), "right": ("C",)},
    ),
    Case(
        "rule 3: tolerance set off against metal in a store",
        changed(
            "store",
            balances=(balance("X X.tolerance", "X X.tolerance", recovery=1_000_000),),
            claims=(),
        ),
        check_balances.ToleranceNotAlone,
        {"left": ("C", "C.tolerance")},
    ),
    Case(
        "rule 4: a licence from metal",
        with_balance("store", 0, balance("X", "X.licence", recovery=1_000_000)),
        check_balances.RightFromElsewhere,
        {"strand": "C.licence", "left": ("C",)},
    ),
    Case(
        "rule 4: in a grant, a quota from a licence",
        changed("renew-quota", balances=(balance("X.licence", "X.quota"),)),
        check_balances.RightFromElsewhere,
        {"strand": "C.quota", "left": ("C.licence",)},
    ),
    Case(
        "rule 5: counted outside a quota",
        with_balance("store", 0, balance("X", "X", "X", recovery=1_000_000)),
        check_balances.CountsMisplaced,
        {"balance": 0, "counts": ("C",)},
    ),
    Case(
        "rule 5: exported as tolerance, which is not counted",
        with_balance("export-cobalt", 2, balance("Co.quota", "Co.quota", "Co", recovery=10**6)),
        check_balances.CountsMisplaced,
        {"balance": 2, "counts": ("Co",)},
    ),
    Case(
        "rule 5: a quota for copper counts cobalt",
        changed(
            "export-cobalt",
            balances=(
                *recipe("export-cobalt").balances[:2],
                balance("Co.quota", "Co.quota", "Cu Cu.tolerance", recovery=10**6),
            ),
        ),
        check_balances.ElementsMixed,
        {"balance": 2},
    ),
    Case(
        "rule 6: a balance of nothing",
        with_balance("store", 2, balance("", "")),
        check_balances.BalanceEmpty,
        {"balance": 2},
    ),
    Case(
        "rule 6: metal from nothing",
        with_balance("store", 0, balance("", "X")),
        check_balances.MadeFromNothing,
        {"balance": 0, "right": ("C",)},
    ),
    Case(
        "rule 6: metal from nothing in a grant",
        changed("grant-licence", balances=(balance("", "X"),)),
        check_balances.MadeFromNothing,
        {"right": ("C",)},
    ),
    Case(
        "rule 6: a quota from nothing at the border",
        with_balance("export-cobalt", 2, balance("", "Co.quota", recovery=10**6)),
        check_balances.MadeFromNothing,
        {"right": ("Co.quota",)},
    ),
    Case(
        "rule 6: metal vanishes whole in a process",
        with_balance(REFINE, 0, balance("X", "")),
        check_balances.LossNotAllowed,
        {"balance": 0, "left": ("Co",)},
    ),
    Case(
        "a recovery of nothing",
        with_balance("write-off", 0, balance("X", "", recovery=1)),
        check_balances.RecoveryOfNothing,
        {"balance": 0, "min_recovery_ppm": 1},
    ),
    Case(
        "a loss with no residue to find it in",
        changed(
            REFINE,
            outputs=(recipe(REFINE).outputs[0], recipe(REFINE).outputs[2]),
            allocation=(weight("cobalt-sulfate", "Co", 10**6),),
        ),
        check_balances.LossWithoutResidue,
        {"element": "Co", "min_recovery_ppm": 970_000},
    ),
    Case(
        "mining without a bound on tolerance",
        with_balance(MINE, 0, balance("X.licence", "X X.licence X.tolerance", recovery=10**6)),
        check_balances.ToleranceBoundWrong,
        {"tolerance_ppm": 0},
    ),
    Case(
        "a bound on tolerance where none is made",
        with_balance("store", 0, balance("X", "X", recovery=10**6, tolerance=5)),
        check_balances.ToleranceBoundWrong,
        {"balance": 0, "tolerance_ppm": 5},
    ),
    Case(
        "outside material with a measurement reserve",
        with_balance("open-stock", 0, balance("X.licence", "X X.tolerance", tolerance=10)),
        check_balances.IntakeNotMetal,
        {"right": ("C", "C.tolerance")},
    ),
    # ------------------------------------------------------------ rules 7 and 8
    Case(
        "a claim rule about no standard",
        changed(REFINE, claims=(ClaimRule((), 0, ClaimMode.KEEP),)),
        check_claims.ClaimRuleEmpty,
        {"rule": 0},
    ),
    Case(
        "a claim rule about every standard and one more",
        changed(REFINE, claims=(rule("* CIRAF", 0, ClaimMode.KEEP),)),
        check_claims.ClaimRuleEmpty,
        {"rule": 0},
    ),
    Case(
        "a claim on a balance that is not there",
        changed("store", claims=(rule("*", 2, ClaimMode.KEEP),)),
        check_claims.ClaimOnNothing,
        {"rule": 0, "balance": 2},
    ),
    Case(
        "a claim on a negative balance",
        changed("store", claims=(rule("*", -1, ClaimMode.KEEP),)),
        check_claims.ClaimOnNothing,
        {"balance": -1},
    ),
    Case(
        "a claim on what is lost",
        changed(REFINE, claims=(rule("*", 1, ClaimMode.KEEP),)),
        check_claims.ClaimOnNothing,
        {"balance": 1},
    ),
    Case(
        "a claim on a quota",
        changed("export-cobalt", claims=(rule("*", 2, ClaimMode.KEEP),)),
        check_claims.ClaimOnNothing,
        {"balance": 2},
    ),
    Case(
        "rule 7: one claim assigned twice",
        changed(
            REFINE,
            claims=(
                rule("RMAP-refiner", 0, ClaimMode.DRAW),
                rule("RMAP-refiner", 0, ClaimMode.KEEP),
            ),
        ),
        check_claims.ClaimAssignedTwice,
        {"standard": "RMAP-refiner", "balance": 0},
    ),
    Case(
        "claims on outside material",
        changed("open-stock", claims=(rule("*", 0, ClaimMode.KEEP),)),
        check_claims.ClaimsNotAllowed,
        {"family": Family.INTAKE},
    ),
    Case(
        "a store that draws",
        changed("store", claims=(rule("IRMA-75", 0, ClaimMode.DRAW),)),
        check_claims.ClaimModeNotInFamily,
        {"mode": ClaimMode.DRAW, "family": Family.HANDLE},
    ),
    Case(
        "a process that takes up from credit",
        changed(REFINE, claims=(rule("*", 0, ClaimMode.TAKE_UP),)),
        check_claims.ClaimModeNotInFamily,
        {"mode": ClaimMode.TAKE_UP, "family": Family.PROCESS},
    ),
    Case(
        "rule 8: a mine's standard drawn at the refinery",
        changed(REFINE, claims=(rule("IRMA-75", 0, ClaimMode.DRAW),)),
        check_claims.ClaimFromWrongForm,
        {"standard": "IRMA-75", "form": "cobalt-hydroxide", "balance": 0},
    ),
    Case(
        "rule 8: post-consumer content drawn from production scrap",
        changed("recycle-scrap", claims=(rule("recycled-post", 0, ClaimMode.DRAW),)),
        check_claims.ClaimFromWrongForm,
        {"standard": "recycled-post", "form": "cathode-scrap"},
    ),
    Case(
        "rule 8: pre-consumer content drawn from a retired product",
        changed("recycle-end-of-life", claims=(rule("recycled-pre", 0, ClaimMode.DRAW),)),
        check_claims.ClaimFromWrongForm,
        {"standard": "recycled-pre", "form": "ev-battery"},
    ),
    Case(
        "rule 8: one form among the inputs is not the standard's",
        changed(
            "recycle-scrap",
            inputs=(port("cell-scrap black-mass", 1, 2), port("assurance")),
        ),
        check_claims.ClaimFromWrongForm,
        {"standard": "recycled-pre", "form": "black-mass"},
    ),
    Case(
        "rule 8: every standard drawn",
        changed(REFINE, claims=(rule("*", 0, ClaimMode.DRAW),)),
        check_claims.DrawOfEveryStandard,
        {"balance": 0},
    ),
    Case(
        "a claim drawn from no assurance",
        changed(REFINE, inputs=recipe(REFINE).inputs[:1]),
        check_claims.ClaimSourceMissing,
        {"mode": ClaimMode.DRAW, "missing": FormClass.ASSURANCE},
    ),
    Case(
        "a claim taken up from no credit",
        changed(TAKE_UP, inputs=recipe(TAKE_UP).inputs[:2]),
        check_claims.ClaimSourceMissing,
        {"mode": ClaimMode.TAKE_UP, "missing": FormClass.CREDIT},
    ),
    Case(
        "a claim deposited nowhere",
        changed(DEPOSIT, outputs=recipe(DEPOSIT).outputs[:3]),
        check_claims.ClaimSourceMissing,
        {"mode": ClaimMode.DEPOSIT, "missing": FormClass.CREDIT},
    ),
    Case(
        "assurance that is only used up",
        changed(REFINE, claims=(rule("*", 0, ClaimMode.KEEP),)),
        check_claims.AssuranceUnused,
        {"form": "assurance"},
    ),
    Case(
        "credit that is only used up",
        changed(TAKE_UP, claims=recipe(TAKE_UP).claims[:1]),
        check_claims.CreditUnused,
        {"form": "credit"},
    ),
    Case(
        "rule 7: segregated claims beside mass-balance credit",
        changed(TAKE_UP, custody="segregated"),
        check_claims.ClaimStrengthened,
        {"custody": "segregated", "at_most": "mass-balance"},
    ),
    Case(
        "rule 7: book and claim retired as mass balance",
        changed("book-and-claim-retire", custody="mass-balance"),
        check_claims.ClaimStrengthened,
        {"custody": "mass-balance", "at_most": "book-and-claim"},
    ),
    Case(
        "mass-balance credit from hand to hand",
        changed(
            "book-and-claim-transfer",
            inputs=(port("credit", 1, 2),),
            outputs=(port("credit", 1, 2),),
            needs_site=True,
        ),
        check_claims.CreditWrongKind,
        {"form": "credit", "strongest": "mass-balance", "wanted": "book-and-claim"},
    ),
    Case(
        "book-and-claim credit taken up as mass balance",
        changed(
            TAKE_UP,
            inputs=(*recipe(TAKE_UP).inputs[:2], port("book-credit", 1, 2)),
            outputs=recipe(TAKE_UP).outputs[:3],
        ),
        check_claims.CreditWrongKind,
        {"form": "book-credit", "wanted": "mass-balance"},
    ),
    Case(
        "carried credit left over as fresh credit",
        changed(TAKE_UP, inputs=(*recipe(TAKE_UP).inputs[:2], port("credit-carried", 1, 2))),
        check_claims.CreditChangesForm,
        {"taken": ("credit-carried",), "given": ("credit",)},
    ),
    Case(
        "credit carried into itself",
        changed("carry-credit", outputs=(port("credit", 1, 2),)),
        check_claims.CreditChangesForm,
        {"taken": ("credit",), "given": ("credit",)},
    ),
    Case(
        "credit carried twice",
        changed(
            "carry-credit",
            name=RecipeName("carry-again"),
            inputs=(port("credit-carried", 1, 2),),
            outputs=(port("credit", 1, 2),),
        ),
        check_claims.FormsInCircle,
        {"forms": ("credit", "credit-carried"), "beside": ("carry-credit",)},
    ),
    Case(
        "mass balance back to hydroxide",
        changed(
            DEPOSIT,
            name=RecipeName("back-to-hydroxide"),
            inputs=(port("cobalt-sulfate", 1, 2), port("assurance")),
            outputs=(port("cobalt-hydroxide", 1, 2), port("refinery-residue"), port("credit")),
            balances=(recipe(DEPOSIT).balances[0], balance("X.tolerance", "X.tolerance")),
            claims=(rule("*", 0, ClaimMode.DEPOSIT),),
        ),
        check_claims.AssuranceUnused,
        {"form": "assurance"},
    ),
    Case(
        "mass balance back to hydroxide, without the assurance",
        changed(
            DEPOSIT,
            name=RecipeName("back-to-hydroxide"),
            inputs=(port("cobalt-sulfate", 1, 2),),
            outputs=(port("cobalt-hydroxide", 1, 2), port("refinery-residue"), port("credit")),
            balances=(recipe(DEPOSIT).balances[0], balance("X.tolerance", "X.tolerance")),
            claims=(rule("*", 0, ClaimMode.DEPOSIT),),
        ),
        check_claims.FormsInCircle,
        {"forms": ("cobalt-sulfate",)},
    ),
    # ------------------------------------------------------------ rule 9
    Case(
        "a table that does not hold yet",
        changed(REFINE, valid_from=0),
        check_weights.WeightTableOutdated,
        {"table": "contained-mass-2025", "valid_from": 0},
    ),
    Case(
        "rule 9: a weight that is not the table's",
        changed(
            REFINE,
            allocation=(
                weight("cobalt-sulfate", "Co", 999_999),
                weight("refinery-residue", "Co", 0),
            ),
        ),
        check_weights.WeightNotFromTable,
        {"form": "cobalt-sulfate", "stated": 999_999, "in_table": 1_000_000},
    ),
    Case(
        "rule 9: two weights for one output",
        changed(REFINE, allocation=(*recipe(REFINE).allocation, recipe(REFINE).allocation[0])),
        check_weights.WeightTwice,
        {"form": "cobalt-sulfate", "strand": "Co"},
    ),
    Case(
        "rule 9: an output without a weight",
        changed(REFINE, allocation=recipe(REFINE).allocation[:1]),
        check_weights.WeightMissing,
        {"form": "refinery-residue", "strand": "Co"},
    ),
    Case(
        "rule 9: a weight for something that never leaves",
        changed(
            REFINE, allocation=(*recipe(REFINE).allocation, weight("cobalt-metal", "Co", 10**6))
        ),
        check_weights.WeightOfNothing,
        {"form": "cobalt-metal"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_recipe_is_refused_for_its_reason(case: Case) -> None:
    with pytest.raises(RecipeRefused) as refused:
        adopt(case.recipe)
    assert type(refused.value) is case.reason
    found = refused.value.fields()
    assert {name: found[name] for name in case.fields} == case.fields
    assert found["recipe"] == case.recipe.name


def test_a_residue_that_would_carry_emissions_off_is_refused() -> None:
    """The packaged tables weigh residues at nothing, so the table itself must be bad here."""
    text = shipped.text("allocation").replace("refinery-residue: {X: 0}", "apt: {X: 1}")
    text = text.replace('"*": {X: 1_000_000}', '"*": {X: 1_000_000}\n      cobalt-sulfate: {X: 9}')
    bad = changed(REFINE, allocation=(weight("*", "X", 10**6), weight("cobalt-sulfate", "Co", 9)))
    with pytest.raises(check_weights.ResidueTooHeavy) as refused:
        check_recipe(bad, shipped.forms(), shipped.standards(), load_allocation(text), RECIPES)
    assert refused.value.residue == "refinery-residue"
    assert (refused.value.residue_ppm, refused.value.product_ppm) == (10**6, 9)


def test_a_residue_that_comes_back_without_its_emissions_is_refused() -> None:
    """All emissions on a milligram of hydroxide, all cobalt in a residue that is leached again."""
    text = shipped.text("allocation").replace("leach-residue: {Co: 300_000, Cu: 300_000}", "")
    text = text.replace(
        "graphite-residue: {X: 0}", "graphite-residue: {X: 0}\n      leach-residue: {X: 0}"
    )
    leach = recipe("leach-cobalt")
    weights = tuple(
        weight(item.form, item.strand, 0 if item.form == "leach-residue" else item.weight_ppm)
        for item in leach.allocation
    )
    bad = changed("leach-cobalt", allocation=weights)
    with pytest.raises(check_weights.ResidueComesBack) as refused:
        check_recipe(bad, shipped.forms(), shipped.standards(), load_allocation(text), RECIPES)
    assert refused.value.residue == "leach-residue"
    assert refused.value.used_by == "reprocess-leach-residue"


def test_every_reason_has_a_case() -> None:
    reasons: set[type[Any]] = set(RecipeRefused.__subclasses__())
    assert len(reasons) >= 55
    tested: set[type[Any]] = {case.reason for case in CASES} | {
        check_weights.ResidueTooHeavy,
        check_weights.ResidueComesBack,
    }
    assert reasons == tested


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (changed(REFINE, inputs=(port("unobtainium"),)), UnknownForm),
        (changed(REFINE, claims=(rule("VIBES", 0, ClaimMode.KEEP),)), UnknownStandard),
        (changed(REFINE, allocation_table="by-luck"), UnknownAllocation),
        (with_balance(REFINE, 0, balance("Co.magic", "Co")), UnknownStrand),
    ],
    ids=["form", "standard", "table", "strand"],
)
def test_a_name_that_no_table_has_is_refused(bad: Recipe, reason: type[Exception]) -> None:
    with pytest.raises(reason):
        adopt(bad)


def test_refusals_speak_both_languages_without_leftover_braces() -> None:
    for case in CASES:
        with pytest.raises(RecipeRefused) as refused:
            adopt(case.recipe)
        for said in (refused.value.explain("en"), refused.value.explain("fr")):
            assert "{" not in said
            assert case.recipe.name in said


def test_a_recipe_survives_its_own_encoding() -> None:
    for item in RECIPES:
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(item), type=Recipe)
        assert again == item
