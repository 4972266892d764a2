"""Plans of the wrong shape: one for each rule that can be seen without a proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.adversary.lies import alter, gives
from vectors.plans import (
    BALANCED,
    BLEND,
    IDENTITY,
    PLANS,
    REFINED,
    SEGREGATED,
    SITE,
    assurance,
    credit,
    material,
    right,
)
from vectors.stage import PlainLot, Plan
from vectors.tables import recipe

from lodeline.custody.claims import UnknownClaim
from lodeline.custody.expansion import NoWeight
from lodeline.custody.forms import UnknownForm
from lodeline.custody.recipes import Family
from lodeline.custody.standards import UnknownStandard
from lodeline.custody.strands import UnknownStrand
from lodeline.kernel.errors import LodelineError
from lodeline.proofs import shape_errors as refusals

STORE, SALE, MINE = PLANS["store"], PLANS["sale"], PLANS["mine"]
BARE = material("hydroxide", {"Co": 100}, 10, 5)


def lots(plan: Plan, *, inputs: tuple[PlainLot, ...] | None = None,
         outputs: tuple[PlainLot, ...] | None = None) -> Plan:  # fmt: skip
    return replace(
        plan,
        inputs=plan.inputs if inputs is None else inputs,
        outputs=plan.outputs if outputs is None else outputs,
    )


def without(lot: PlainLot, *fields: str) -> PlainLot:
    changed: PlainLot = replace(lot, **dict.fromkeys(fields))  # type: ignore[arg-type]  # by name
    return changed


def bare_store(count: int) -> Plan:
    return lots(STORE, inputs=(BARE,) * count, outputs=(BARE,) * count)


@dataclass(frozen=True)
class Refused:
    """A plan that has the wrong shape, the refusal and some of its fields."""

    name: str
    plan: Plan
    error: type[LodelineError]
    fields: Mapping[str, object]


def ports() -> list[Refused]:
    refine = PLANS["refine"]
    battery = material("battery", {"Co": 100}, 10, 5, product="p")
    licence = right("licence", {"Co.licence": 5})
    copper = material("copper", {"Cu": 5}, 0, 0)
    return [
        Refused(
            "a form that the recipe does not take",
            lots(refine, inputs=(copper,)),
            refusals.FormNotExpected,
            {"recipe": "refine", "side": "input", "form": "copper"},
        ),
        Refused(
            "a form that the recipe does not give",
            lots(refine, outputs=(copper,)),
            refusals.FormNotExpected,
            {"recipe": "refine", "side": "output", "form": "copper"},
        ),
        Refused(
            "a product through a port for any form",
            lots(STORE, inputs=(battery,)),
            refusals.FormNotExpected,
            {"side": "input", "form": "battery"},
        ),
        Refused(
            "a product out of a port for any form",
            lots(STORE, outputs=(battery,)),
            refusals.FormNotExpected,
            {"side": "output", "form": "battery"},
        ),
        Refused(
            "a right through a port for any form",
            lots(STORE, inputs=(licence,)),
            refusals.FormNotExpected,
            {"side": "input", "form": "licence"},
        ),
        Refused(
            "a licence that is sold",
            lots(SALE, inputs=(licence,), outputs=(licence,)),
            refusals.FormNotExpected,
            {"recipe": "sale", "form": "licence"},
        ),
        Refused(
            "assurance that is sold",
            lots(SALE, inputs=(assurance({IDENTITY: 5}),), outputs=(assurance({IDENTITY: 5}),)),
            refusals.FormNotExpected,
            {"form": "assurance"},
        ),
        Refused(
            "a quota that is sold",
            lots(SALE, inputs=(right("quota", {"Co.quota": 5}),), outputs=()),
            refusals.FormNotExpected,
            {"form": "quota"},
        ),
        Refused(
            "no input where one is needed",
            lots(STORE, inputs=()),
            refusals.PortCountWrong,
            {"side": "input", "forms": ("*",), "found": 0, "at_least": 1, "at_most": 16},
        ),
        Refused(
            "no output where one is needed",
            lots(STORE, outputs=()),
            refusals.PortCountWrong,
            {"side": "output", "found": 0},
        ),
        Refused(
            "too many inputs",
            lots(PLANS["split"], inputs=(BARE, BARE), outputs=(BARE, BARE)),
            refusals.PortCountWrong,
            {"side": "input", "found": 2, "at_most": 1},
        ),
        Refused(
            "too many of a second form",
            lots(refine, inputs=(refine.inputs[0], *[refine.inputs[1]] * 3)),
            refusals.PortCountWrong,
            {"forms": ("assurance",), "found": 3, "at_most": 2},
        ),
        Refused(
            "two forms in one store",
            lots(STORE, inputs=(BARE, material("sulfate", {"Co": 1}, 0, 0)), outputs=(BARE,)),
            refusals.FormsDiffer,
            {"recipe": "store", "forms": ("hydroxide", "sulfate")},
        ),
        Refused(
            "a store that changes the form",
            lots(STORE, inputs=(BARE,), outputs=(material("sulfate", {"Co": 100}, 10, 5),)),
            refusals.FormsDiffer,
            {"forms": ("hydroxide", "sulfate")},
        ),
        Refused(
            "process numbers that nobody expects",
            replace(bare_store(1), process=(0, 0)),
            refusals.ProcessNumbersWrong,
            {"recipe": "store", "expected": False},
        ),
        Refused(
            "process numbers left out",
            replace(MINE, process=None),
            refusals.ProcessNumbersWrong,
            {"recipe": "mine", "expected": True},
        ),
        Refused(
            "a form in no table",
            lots(STORE, outputs=(material("gold", {"Co": 1}, 0, 0),)),
            UnknownForm,
            {"form": "gold"},
        ),
    ]


def strands() -> list[Refused]:
    out = STORE.outputs[0]
    licence = PLANS["grant-licence"]
    return [
        Refused(
            "a lot without strands",
            lots(STORE, outputs=(material("hydroxide", {}, 70, 15),)),
            refusals.TooManyStrands,
            {"found": 0, "bound": 6},
        ),
        Refused(
            "a strand that the form has not",
            gives(bare_store(1), 0, {"Ni": 1}),
            refusals.StrandNotInForm,
            {"form": "hydroxide", "strand": "Ni"},
        ),
        Refused(
            "a strand that names nothing",
            gives(bare_store(1), 0, {"Co.gold": 1}),
            UnknownStrand,
            {"name": "Co.gold"},
        ),
        Refused(
            "a metal without its amount",
            lots(bare_store(1), outputs=(replace(BARE, amounts={"Co": None}),)),
            refusals.AmountMissing,
            {"strand": "Co"},
        ),
        Refused(
            "assurance with an amount",
            lots(
                PLANS["grant-assurance"],
                outputs=(alter(assurance({IDENTITY: 5}), {"Co.assurance": 5}),),
            ),
            refusals.AmountMissing,
            {"strand": "Co.assurance"},
        ),
        Refused(
            "a right over an element that the recipe is not about",
            lots(PLANS["grant-quota"], outputs=(right("quota", {"Co.quota": 1, "Ni.quota": 1}),)),
            refusals.StrandNotInForm,
            {"strand": "Ni.quota"},
        ),
        Refused(
            "an input strand that no balance uses up",
            lots(
                PLANS["open-stock"],
                inputs=(right("intake", {"Co.licence": 5}),),
                outputs=(alter(BARE, {"Co.tolerance": 1}),),
            ),
            refusals.StrandNotBalanced,
            {"recipe": "open-stock", "side": "output", "strand": "Co.tolerance"},
        ),
        Refused(
            "copper that a refiner does not account for",
            lots(
                PLANS["refine"],
                outputs=(PLANS["refine"].outputs[0], material("residue", {"Co": 1, "Cu": 1}, 0, 0)),
            ),
            refusals.StrandNotBalanced,
            {"recipe": "refine", "side": "output", "strand": "Cu"},
        ),
        Refused(
            "a field that a lot of material lacks",
            lots(STORE, outputs=(without(out, "emissions"),)),
            refusals.FieldNotExpected,
            {"form": "hydroxide", "field": "emissions", "expected": True},
        ),
        Refused(
            "primary emissions left out",
            lots(STORE, outputs=(without(out, "primary"),)),
            refusals.FieldNotExpected,
            {"field": "primary", "expected": True},
        ),
        Refused(
            "material that expires",
            gives(STORE, 0, {}, {}, expires=5),
            refusals.FieldNotExpected,
            {"field": "expires", "expected": False},
        ),
        Refused(
            "material bound to a site",
            gives(STORE, 0, {}, {}, site=SITE),
            refusals.FieldNotExpected,
            {"field": "site", "expected": False},
        ),
        Refused(
            "material with a product's identifier",
            gives(STORE, 0, {}, {}, product="p"),
            refusals.FieldNotExpected,
            {"field": "product", "expected": False},
        ),
        Refused(
            "a battery without its identifier",
            lots(PLANS["market"], outputs=(without(PLANS["market"].outputs[0], "product"),)),
            refusals.FieldNotExpected,
            {"field": "product", "expected": True},
        ),
        Refused(
            "a licence that carries emissions",
            gives(licence, 0, {}, {}, emissions=0),
            refusals.FieldNotExpected,
            {"field": "emissions", "expected": False},
        ),
        Refused(
            "a licence with primary emissions",
            gives(licence, 0, {}, {}, primary=0),
            refusals.FieldNotExpected,
            {"field": "primary", "expected": False},
        ),
        Refused(
            "a licence for ever",
            lots(licence, outputs=(without(licence.outputs[0], "expires"),)),
            refusals.FieldNotExpected,
            {"field": "expires", "expected": True},
        ),
        Refused(
            "a licence for anywhere",
            lots(licence, outputs=(without(licence.outputs[0], "site"),)),
            refusals.FieldNotExpected,
            {"field": "site", "expected": True},
        ),
        Refused(
            "a mass-balance credit for anywhere",
            lots(PLANS["carry"], outputs=(credit({BALANCED: 5}, "credit-carried", None),)),
            refusals.FieldNotExpected,
            {"field": "site", "expected": True},
        ),
        Refused(
            "a book credit tied to a site",
            gives(PLANS["book-issue"], 1, {}, {}, site=SITE),
            refusals.FieldNotExpected,
            {"field": "site", "expected": False},
        ),
        Refused(
            "sold material that expires",
            gives(SALE, 0, {}, {}, expires=5),
            refusals.FieldNotExpected,
            {"field": "expires", "expected": False},
        ),
    ]


def claims() -> list[Refused]:
    blend, refine, mine = PLANS["blend"], PLANS["refine"], MINE
    deposit, up, book = PLANS["refine-to-credit"], PLANS["refine-from-credit"], PLANS["book-issue"]
    return [
        Refused(
            "one standard under two models",
            gives(blend, 0, {}, {("Co", BALANCED): 1}),
            refusals.ClaimTwice,
            {"strand": "Co", "standard": "mine-a"},
        ),
        Refused(
            "a refiner's claim on copper",
            lots(
                PLANS["leach"], outputs=(material("copper", {"Cu": 5}, 0, 0, {("Cu", REFINED): 5}),)
            ),
            refusals.StandardNotForElement,
            {"standard": "refiner", "element": "Cu"},
        ),
        Refused(
            "a standard in no table",
            gives(blend, 0, {}, {("Co", "halo/segregated"): 1}),
            UnknownStandard,
            {"standard": "halo"},
        ),
        Refused(
            "a model in no norm",
            gives(blend, 0, {}, {("Co", "mine-a/pure"): 1}),
            UnknownClaim,
            {"name": "pure"},
        ),
        Refused(
            "a claim on a licence",
            gives(PLANS["grant-licence"], 0, {}, {("Co.licence", IDENTITY): 1}),
            refusals.ClaimNotCovered,
            {"strand": "Co.licence", "claim": IDENTITY},
        ),
        Refused(
            "a claim on a quota",
            gives(PLANS["grant-quota"], 0, {}, {("Co.quota", IDENTITY): 1}),
            refusals.ClaimNotCovered,
            {"strand": "Co.quota"},
        ),
        Refused(
            "assurance of nothing",
            lots(PLANS["grant-assurance"], outputs=(assurance({}),)),
            refusals.ClaimNotCovered,
            {"strand": "Co.assurance", "claim": ""},
        ),
        Refused(
            "stock from outside with a claim",
            gives(PLANS["open-stock"], 0, {}, {("Co", SEGREGATED): 1}),
            refusals.ClaimNotCovered,
            {"recipe": "open-stock", "claim": SEGREGATED},
        ),
        Refused(
            "a standard that the mine cannot draw",
            gives(mine, 0, {}, {("Co", REFINED): 600}),
            refusals.ClaimNotCovered,
            {"recipe": "mine", "claim": REFINED},
        ),
        Refused(
            "a claim stronger than a blend keeps",
            lots(
                blend,
                outputs=(material("sulfate", {"Co": 501}, 71, 15, {("Co", SEGREGATED): 180}),),
            ),
            refusals.ClaimTooStrong,
            {"recipe": "blend", "claim": SEGREGATED, "strongest": "controlled-blending"},
        ),
        Refused(
            "identity kept through a refinery",
            lots(
                refine,
                outputs=(material("sulfate", {"Co": 590}, 100, 50, {("Co", IDENTITY): 590}),),
            ),
            refusals.ClaimTooStrong,
            {"claim": IDENTITY, "strongest": "segregated"},
        ),
        Refused(
            "a segregated claim on credit",
            lots(deposit, outputs=(deposit.outputs[0], credit({BLEND: 5}))),
            refusals.ClaimTooStrong,
            {"claim": BLEND, "strongest": "mass-balance"},
        ),
        Refused(
            "a segregated claim out of credit",
            lots(
                up, outputs=(material("sulfate", {"Co": 590}, 80, 40, {("Co", SEGREGATED): 300}),)
            ),
            refusals.ClaimTooStrong,
            {"claim": SEGREGATED, "strongest": "mass-balance"},
        ),
        Refused(
            "a book credit under a stronger model than its form",
            lots(
                replace(book, site=SITE),
                outputs=(book.outputs[0], credit({BALANCED: 300}, "book-credit")),
            ),
            refusals.ClaimTooStrong,
            {"claim": BALANCED, "strongest": "book-and-claim"},
        ),
        Refused(
            "a claim that no input bears",
            lots(
                bare_store(1),
                outputs=(material("hydroxide", {"Co": 100}, 10, 5, {("Co", SEGREGATED): 100}),),
            ),
            refusals.ClaimFromNothing,
            {"claim": SEGREGATED, "element": "Co"},
        ),
        Refused(
            "a claim made stronger than any input's",
            lots(STORE, inputs=(material("hydroxide", {"Co": 500}, 70, 15, {("Co", BLEND): 500}),)),
            refusals.ClaimFromNothing,
            {"claim": SEGREGATED},
        ),
        Refused(
            "another standard than the inputs'",
            lots(
                STORE,
                outputs=(
                    material("hydroxide", {"Co": 500}, 70, 15, {("Co", "mine-b/segregated"): 500}),
                ),
            ),
            refusals.ClaimFromNothing,
            {"claim": "mine-b/segregated"},
        ),
        Refused(
            "assurance out of nothing",
            lots(refine, inputs=refine.inputs[:1]),
            refusals.ClaimFromNothing,
            {"claim": REFINED},
        ),
        Refused(
            "identity kept through two inputs",
            lots(
                PLANS["transport"],
                inputs=(material("sulfate", {"Co": 5}, 5, 1, {("Co", IDENTITY): 5}),) * 2,
                outputs=(material("sulfate", {"Co": 10}, 20, 6, {("Co", IDENTITY): 10}),),
            ),
            refusals.NotIdentityPreserved,
            {"claim": IDENTITY, "inputs": 2},
        ),
        Refused(
            "a right of a site where no site is stated",
            replace(MINE, site=None),
            refusals.SiteNotStated,
            {"recipe": "mine"},
        ),
        Refused(
            "credit that goes to a site where none is stated",
            replace(PLANS["refine-to-credit"], site=None),
            refusals.SiteNotStated,
            {"recipe": "refine-to-credit"},
        ),
    ]


def equal_lots() -> list[Refused]:
    market, cathode = PLANS["market"], PLANS["make-cathode"]
    first, second = SALE.inputs
    bare_battery = material("battery", {"Co": 100}, 10, 5, product="p")
    return [
        Refused(
            "a sale of more lots than there are",
            lots(SALE, outputs=(first, second, second)),
            refusals.NotTheSameLot,
            {"index": 2},
        ),
        Refused(
            "a sale in which a lot disappears",
            lots(SALE, outputs=(first,)),
            refusals.NotTheSameLot,
            {"index": 1},
        ),
        Refused(
            "a sale that changes the claims",
            lots(SALE, outputs=(without_claims(first), second)),
            refusals.NotTheSameLot,
            {"index": 0},
        ),
        Refused(
            "a sale that adds a strand",
            lots(SALE, outputs=(first, alter(second, {"Co.tolerance": 1}))),
            refusals.NotTheSameLot,
            {"index": 1},
        ),
        Refused(
            "a cathode without manganese",
            lots(cathode, outputs=(material("cathode", {"Co": 190, "Ni": 590}, 105, 53),)),
            refusals.RatioStrandMissing,
            {"form": "cathode", "strand": "Mn"},
        ),
        Refused(
            "a battery without the metal that its form demands",
            lots(market, outputs=(replace(bare_battery, amounts={"Ni": 100}),)),
            refusals.StrandNotInForm,
            {"strand": "Ni"},
        ),
        Refused(
            "a residue that no weight is given for",
            replace(
                lots(STORE, inputs=(BARE, BARE), outputs=(BARE, BARE)),
                recipe=recipe("store", Family.HANDLE, "* 1-16", "* 1-16", weights={}),
            ),
            NoWeight,
            {"form": "hydroxide", "strand": "Co", "recipe": "store"},
        ),
    ]


def without_claims(lot: PlainLot) -> PlainLot:
    return replace(lot, claims={})


CASES: tuple[Refused, ...] = (*ports(), *strands(), *claims(), *equal_lots())
