"""Every kind of false transform, each a small change of a true one, with the rules that it breaks.

A rule that no lie breaks alone would be a rule whose absence nobody notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vectors.plans import (
    BALANCED,
    BLEND,
    BOOKED,
    IDENTITY,
    PLANS,
    REFINED,
    RETIRED,
    SEGREGATED,
    SITE,
    material,
)
from vectors.stage import PlainLot, Plan
from vectors.tables import RECIPES

__all__ = ["LIES", "Lie", "alter", "gives", "lie", "takes"]


@dataclass(frozen=True)
class Lie:
    """A false plan with the numbers of all rules that it breaks."""

    name: str
    plan: Plan
    rules: frozenset[int]


def alter(
    lot: PlainLot,
    amounts: Mapping[str, int] | None = None,
    claims: Mapping[tuple[str, str], int] | None = None,
    **fields: int | str,
) -> PlainLot:
    """Return a lot with some numbers changed."""
    merged = {**lot.amounts, **(amounts or {})}
    borne = {**lot.claims, **(claims or {})}
    changed = replace(lot, amounts=merged, claims=borne)
    for name, value in fields.items():
        changed = replace(changed, **{name: value})  # type: ignore[arg-type]  # chosen by name
    return changed


def gives(
    plan: Plan,
    index: int,
    amounts: Mapping[str, int] | None = None,
    claims: Mapping[tuple[str, str], int] | None = None,
    **fields: int | str,
) -> Plan:
    """Return the plan with numbers of one output changed."""
    return plan.with_output(index, alter(plan.outputs[index], amounts, claims, **fields))


def takes(
    plan: Plan,
    index: int,
    amounts: Mapping[str, int] | None = None,
    claims: Mapping[tuple[str, str], int] | None = None,
    **fields: int | str,
) -> Plan:
    """Return the plan with numbers of one input changed."""
    return plan.with_input(index, alter(plan.inputs[index], amounts, claims, **fields))


def lie(name: str, plan: Plan, *rules: int) -> Lie:
    """Return a lie that breaks exactly some rules."""
    return Lie(name, plan, frozenset(rules))


def _mass() -> list[Lie]:
    store, count, leach = PLANS["store"], PLANS["count"], PLANS["leach"]
    plain = replace(
        store, inputs=(_bare(300, 40, 10), _bare(200, 30, 5)), outputs=(_bare(500, 70, 15),)
    )
    halves = replace(plain, outputs=(_bare(200, 28, 6), _bare(300, 42, 9)))
    return [
        lie("one milligram is created", gives(plain, 0, {"Co": 501}), 3),
        lie("one milligram is lost where all must be kept", gives(plain, 0, {"Co": 499}), 3),
        lie("more comes out than went in, where some may be lost", gives(count, 0, {"Co": 501}), 2),
        lie("more is lost than the recipe allows", gives(count, 0, {"Co": 474}), 3),
        lie(
            "a negative lot makes another one larger",
            gives(
                gives(halves, 0, {"Co": -100}, emissions=0, primary=0),
                1,
                {"Co": 600},
                emissions=70,
                primary=15,
            ),
            5,
            8,
        ),
        lie("copper is created beside true cobalt", gives(leach, 1, {"Cu": 2951}), 2),
        lie(
            "cobalt vanishes from a campaign",
            gives(leach, 0, {"Co": 920}, {("Co", SEGREGATED): 920}),
            3,
            8,
        ),
        lie(
            "tolerance is created",
            gives(PLANS["split"], 0, {"Co.tolerance": 11}, {("Co.tolerance", IDENTITY): 11}),
            3,
            4,
        ),
        lie(
            "a settlement gives more than metal and tolerance held",
            gives(PLANS["settle"], 0, {"Co": 616}, {("Co", SEGREGATED): 616}),
            2,
            4,
        ),
        lie(
            "a settlement loses more than it may",
            gives(
                PLANS["settle"],
                0,
                {"Co": 570, "Co.tolerance": 28},
                {("Co", SEGREGATED): 570, ("Co.tolerance", SEGREGATED): 28},
            ),
            3,
        ),
        lie("a correction creates metal", gives(PLANS["correct"], 0, {"Co": 101}), 2),
        lie(
            "manganese falls below its own recovery",
            gives(PLANS["make-cathode"], 0, {"Mn": 179, "Ni": 592}),
            3,
        ),
        lie(
            "a lot is wider than its form",
            replace(plain, inputs=tuple([_bare(2000, 0, 0)] * 3), outputs=(_bare(6000, 0, 0),)),
            5,
        ),
    ]


def _bare(cobalt: int, emissions: int, primary: int) -> PlainLot:
    return material("hydroxide", {"Co": cobalt}, emissions, primary)


def _rights() -> list[Lie]:
    mine, export = PLANS["mine"], PLANS["export"]
    licence, grant = PLANS["grant-licence"], PLANS["grant-assurance"]
    more = {"Co.licence": 951, "Cu.licence": 1000}
    return [
        lie("a licence keeps a milligram that was mined", gives(mine, 2, more), 3),
        lie(
            "a licence is overdrawn below zero",
            gives(takes(mine, 0, {"Co.licence": 1049}), 2, {"Co.licence": -1}),
            5,
        ),
        lie(
            "a copper licence is mined as cobalt",
            gives(mine, 2, {"Co.licence": 951, "Cu.licence": 999}),
            3,
        ),
        lie("assurance is overdrawn", gives(mine, 3, {}, {("Co.assurance", IDENTITY): 451}), 4),
        lie(
            "assurance is overdrawn below zero",
            gives(
                takes(mine, 1, {}, {("Co.assurance", IDENTITY): 1049}),
                3,
                {},
                {("Co.assurance", IDENTITY): -1},
            ),
            5,
        ),
        lie(
            "one standard's assurance pays for another's",
            gives(
                mine,
                3,
                {},
                {("Co.assurance", IDENTITY): 440, ("Co.assurance", "mine-b/segregated"): 110},
            ),
            4,
        ),
        lie("an export quota keeps what left the country", gives(export, 1, {"Co.quota": 271}), 3),
        lie("tolerance leaves the country without quota", gives(export, 1, {"Co.quota": 300}), 3),
        lie(
            "an export quota is overdrawn below zero",
            gives(takes(export, 1, {"Co.quota": 629}), 1, {"Co.quota": -1}),
            5,
        ),
        lie("a licence of another site is used", takes(mine, 0, {}, site="site-2"), 9),
        lie("assurance of another site is used", takes(mine, 1, {}, site="site-2"), 9),
        lie("what is left of a licence goes to another site", gives(mine, 2, {}, site="site-2"), 9),
        lie("a quota of another site is used", takes(export, 1, {}, site="site-2"), 9),
        lie("a grant is for another site than it says", gives(licence, 0, {}, site="site-2"), 9),
        lie("a grant is negative", gives(licence, 0, {"Co.licence": -1}), 5),
        lie("a grant is wider than its form", gives(licence, 0, {"Co.licence": 4096}), 5),
        lie(
            "granted assurance is negative",
            gives(grant, 0, {}, {("Co.assurance", IDENTITY): -1}),
            5,
        ),
        lie(
            "tolerance passes its part of the metal",
            gives(
                gives(mine, 2, {"Co.licence": 949}),
                0,
                {"Co.tolerance": 31},
                {("Co.tolerance", IDENTITY): 31},
            ),
            4,
            5,
        ),
        lie(
            "stock comes in beyond the intake licence",
            gives(PLANS["open-stock"], 0, {"Co": 301}),
            3,
        ),
    ]


def _claims() -> list[Lie]:
    mine, refine, store = PLANS["mine"], PLANS["refine"], PLANS["store"]
    blend, up, down = PLANS["blend"], PLANS["refine-from-credit"], PLANS["refine-to-credit"]
    recycle, split = PLANS["recycle-product"], PLANS["split"]
    book, retire, carry = PLANS["book-issue"], PLANS["book-retire"], PLANS["carry"]
    half = takes(refine, 0, {}, {("Co", SEGREGATED): 599})
    return [
        lie("a weaker claim stands in for a segregated one", _weak_in_store(SEGREGATED), 4, 7),
        lie("a weaker claim stands in for a blended one", _weak_in_store(BLEND), 4, 8),
        lie("claims on copper stand in for cobalt's", _copper_for_cobalt(), 4, 7),
        lie("a drawn claim is less than its lot", gives(mine, 0, {}, {("Co", IDENTITY): 599}), 7),
        lie(
            "a drawn claim is more than its lot", gives(mine, 0, {}, {("Co", IDENTITY): 601}), 4, 7
        ),
        lie("a segregated claim comes from a mixed silo", half, 7),
        lie(
            "a segregated lot bears part of its claim",
            gives(store, 0, {}, {("Co", SEGREGATED): 499}),
            7,
        ),
        lie(
            "claims are inflated beyond their source",
            gives(takes(store, 0, {"Co": 300}, {("Co", SEGREGATED): 299}), 0, {}, {}),
            4,
            7,
        ),
        lie(
            "an assured refiner claims more than assured",
            gives(refine, 2, {}, {("Co.assurance", REFINED): 103}),
            4,
        ),
        lie(
            "more recycled content than retired products assured",
            takes(recycle, 2, {}, {("Co.assurance", RETIRED): 469}),
            4,
        ),
        lie(
            "a blend's claim is a milligram above its share",
            gives(gives(blend, 0, {}, {("Co", BLEND): 72}), 1, {}, {("Co", BLEND): 107}),
            8,
        ),
        lie(
            "a blend's claim is a milligram below what rounding allows",
            gives(blend, 0, {}, {("Co", BLEND): 70}),
            8,
        ),
        lie(
            "a blend's claims exceed those that went in",
            gives(blend, 1, {}, {("Co", BLEND): 110}),
            4,
            8,
        ),
        lie("a store sorts clean from unclean under mass balance", _sorted_stock(), 8),
        lie("a blend's claim is negative", gives(blend, 0, {}, {("Co", BLEND): -1}), 5, 8),
        lie(
            "an identity-preserved part is short of its claim",
            gives(split, 0, {}, {("Co", IDENTITY): 99}),
            7,
        ),
        lie(
            "more is claimed of a lot than it holds",
            gives(
                takes(up, 1, {}, {("Co.credit", BALANCED): 1000}), 0, {}, {("Co", BALANCED): 591}
            ),
            5,
        ),
        lie("more is taken up than was credited", gives(up, 0, {}, {("Co", BALANCED): 301}), 4),
        lie(
            "a credit keeps what was taken up", gives(up, 1, {}, {("Co.credit", BALANCED): 101}), 4
        ),
        lie(
            "more is credited than the material bore",
            gives(down, 2, {}, {("Co.credit", BOOKED): 101}),
            4,
        ),
        lie(
            "a stronger credit is paid with a weaker claim",
            gives(
                gives(takes(down, 0, {}, {("Co", BLEND): 500}), 0, {}, {("Co", BALANCED): 101}),
                2,
                {},
                {("Co.credit", BOOKED): 0},
            ),
            4,
        ),
        lie(
            "more credit is carried than the share",
            gives(carry, 0, {}, {("Co.credit", BALANCED): 251}),
            4,
        ),
        lie("a carried credit is negative", gives(carry, 0, {}, {("Co.credit", BALANCED): -1}), 5),
        lie(
            "a book credit is more than the material bore",
            gives(book, 1, {}, {("Co.credit", BOOKED): 301}),
            4,
        ),
        lie(
            "a retired book credit is kept besides",
            gives(retire, 1, {}, {("Co.credit", BOOKED): 101}),
            4,
        ),
        lie("a credit of another site is taken up", takes(up, 1, {}, site="site-2"), 9),
        lie("a credit goes to another site", gives(down, 1, {}, site="site-2"), 9),
    ]


def _weak_in_store(claim: str) -> Plan:
    """Return a store in which 200 mg bear the standard under a weaker model than is claimed."""
    weak = material("hydroxide", {"Co": 200}, 30, 0, {("Co", BALANCED): 200})
    strong = material("hydroxide", {"Co": 300}, 40, 0, {("Co", claim): 300})
    made = material("hydroxide", {"Co": 500}, 70, 0, {("Co", claim): 500})
    return Plan(RECIPES["store"], (strong, weak), (made,))


def _copper_for_cobalt() -> Plan:
    claims = {("Co", SEGREGATED): 300, ("Cu", SEGREGATED): 2000}
    ore = material("ore", {"Co": 600, "Cu": 2000}, 100, 0, claims)
    outputs = (
        material("hydroxide", {"Co": 600}, 75, 0, {("Co", SEGREGATED): 600}),
        material("copper", {"Cu": 2000}, 75, 0),
    )
    return Plan(RECIPES["leach"], (ore,), outputs, process=(50, 0), site=SITE)


def _sorted_stock() -> Plan:
    """Return a store of stock of which 300 of 500 mg bear a claim, sorted into 240 and 60."""
    inputs = (_claiming(300, 40, 300), _claiming(200, 30, 0))
    return replace(
        PLANS["store"], inputs=inputs, outputs=(_claiming(250, 35, 240), _claiming(250, 35, 60))
    )


def _claiming(cobalt: int, emissions: int, claimed: int) -> PlainLot:
    return material("hydroxide", {"Co": cobalt}, emissions, 0, {("Co", BALANCED): claimed})


def _emissions() -> list[Lie]:
    mine, blend, leach = PLANS["mine"], PLANS["blend"], PLANS["leach"]
    recycle, store = PLANS["recycle-product"], PLANS["store"]
    return [
        lie("one gram is dropped", gives(store, 0, {}, {}, emissions=69), 6),
        lie("one gram is made up", gives(store, 0, {}, {}, emissions=71), 6),
        lie("one gram more is called primary", gives(store, 0, {}, {}, primary=16), 6),
        lie(
            "more of a lot is primary than it has",
            gives(takes(store, 0, {}, {}, emissions=0), 0, {}, {}, emissions=14 + 16, primary=31),
            5,
            6,
        ),
        lie("primary emissions are negative", gives(store, 0, {}, {}, primary=-1), 5),
        lie(
            "emissions are parked on one of two lots",
            gives(gives(blend, 0, {}, {}, emissions=26), 1, {}, {}, emissions=45),
            8,
        ),
        lie(
            "primary emissions are parked on one of two lots",
            gives(gives(blend, 0, {}, {}, primary=4), 1, {}, {}, primary=11),
            8,
        ),
        lie(
            "emissions are parked on a residue",
            gives(gives(leach, 0, {}, {}, emissions=154), 2, {}, {}, emissions=2),
            8,
        ),
        lie(
            "emissions are parked on the copper",
            gives(gives(leach, 0, {}, {}, emissions=154), 1, {}, {}, emissions=138),
            8,
        ),
        lie(
            "emissions are negative on one lot",
            gives(gives(blend, 0, {}, {}, emissions=-1, primary=-1), 1, {}, {}, emissions=72),
            5,
            8,
        ),
        lie(
            "process emissions fall below the floor",
            replace(
                gives(
                    gives(mine, 0, {}, {}, emissions=11, primary=0),
                    1,
                    {},
                    {},
                    emissions=8,
                    primary=0,
                ),
                process=(19, 0),
            ),
            6,
        ),
        lie(
            "more of the process is primary than it emits",
            replace(PLANS["correct"], process=(2, 3)),
            6,
        ),
        lie(
            "the process has negative primary emissions",
            replace(gives(PLANS["correct"], 0, {}, {}, primary=2), process=(2, -1)),
            6,
        ),
        lie("process emissions are left out of the outputs", replace(mine, process=(191, 80)), 6),
        lie(
            "a retired product's emissions are counted twice",
            gives(recycle, 0, {}, {}, emissions=95),
            6,
        ),
        lie("a shipment forgets its transport", replace(PLANS["transport"], process=(11, 4)), 6),
    ]


LIES: tuple[Lie, ...] = (*_mass(), *_rights(), *_claims(), *_emissions())
