"""False transforms that need a detour, a new recipe or a product; see :mod:`.lies`."""

from __future__ import annotations

from dataclasses import replace

from tests.adversary.lies import LIES, Lie, gives, lie, takes
from vectors.plans import (
    BALANCED,
    BLEND,
    PLANS,
    RETIRED,
    SEGREGATED,
    SITE,
    assurance,
    credit,
    material,
)
from vectors.stage import PlainLot, Plan
from vectors.tables import RECIPES, balance, recipe

from lodeline.custody.recipes import Family
from lodeline.kernel.bounds import PPM_ONE

__all__ = ["EVERY_LIE"]


def _laundering() -> list[Lie]:
    """Detours of several steps; each lie is the step at which the detour is stopped."""
    leach, split, deposit = PLANS["leach"], PLANS["split"], PLANS["refine-to-credit"]
    recycle = PLANS["recycle-product"]
    ore = material("ore", {"Co": 1000, "Cu": 3000}, 190, 80)
    reserve = material("hydroxide", {"Co": 0, "Co.tolerance": 630}, 66, 33)
    fed = material(
        "hydroxide",
        {"Co": 600, "Co.tolerance": 30},
        66,
        33,
        {("Co", BLEND): 600, ("Co.tolerance", BLEND): 30},
    )
    reborn = replace(_battery_of(300), claims={("Co", RETIRED): 300})
    return [
        lie(
            "everything becomes residue and one crumb of it bears all emissions",
            replace(
                leach,
                inputs=(ore,),
                outputs=(
                    material("residue", {"Co": 995, "Cu": 2995}, 0, 0),
                    material("residue", {"Co": 5, "Cu": 5}, 292, 120),
                ),
            ),
            8,
        ),
        lie(
            "metal is called tolerance while emissions are parked on a crumb",
            replace(
                split,
                inputs=(reserve,),
                outputs=(
                    material("hydroxide", {"Co": 0, "Co.tolerance": 629}, 0, 0),
                    material("hydroxide", {"Co": 0, "Co.tolerance": 1}, 66, 33),
                ),
            ),
            8,
        ),
        lie(
            "claims of tolerance outlive it as credit",
            replace(
                deposit,
                inputs=(fed,),
                outputs=(_plain_sulfate(600), credit({BALANCED: 601})),
            ),
            4,
        ),
        lie(
            "claims of recycled metal fill the recycler's assurance up again",
            replace(
                recycle,
                inputs=(reborn, assurance({RETIRED: 1})),
                outputs=(material("black-mass", {"Co": 300}, 25, 10), assurance({RETIRED: 2})),
            ),
            4,
        ),
    ]


def _battery_of(cobalt: int) -> PlainLot:
    return material("battery", {"Co": cobalt}, 0, 0, product="pack-1")


def _plain_sulfate(cobalt: int) -> PlainLot:
    return material("sulfate", {"Co": cobalt}, 80, 40)


def _products() -> list[Lie]:
    market, cathode, sale = PLANS["market"], PLANS["make-cathode"], PLANS["sale"]
    clean = {("Co", SEGREGATED): 1}
    return [
        lie(
            "a clean milligram is bound to a whole battery",
            gives(
                gives(market, 0, {"Co": 1}, clean, emissions=0, primary=0),
                1,
                {"Co": 499},
                {("Co", SEGREGATED): 499},
                emissions=70,
                primary=30,
            ),
            5,
        ),
        lie(
            "a battery is a milligram short of the least",
            gives(
                gives(market, 0, {"Co": 99}, {("Co", SEGREGATED): 99}, emissions=14, primary=6),
                1,
                {"Co": 401},
                {("Co", SEGREGATED): 401},
                emissions=56,
                primary=24,
            ),
            5,
        ),
        lie(
            "a cathode has too little cobalt for its name",
            gives(
                gives(
                    takes(takes(cathode, 0, {"Co": 174}, {("Co", SEGREGATED): 174}), 1, {}),
                    0,
                    {"Co": 164},
                    {("Co", SEGREGATED): 164},
                    emissions=105,
                    primary=53,
                ),
                1,
                {},
            ),
            10,
        ),
        lie(
            "a cathode has too much nickel for its name",
            gives(takes(cathode, 1, {"Ni": 720}), 0, {"Ni": 700}),
            6,
            10,
        ),
        *(
            lie(f"a cathode of {name}", _cathode(*metals), 10)
            for name, metals in {
                "too little cobalt alone": (179, 205, 616),
                "too much cobalt alone": (221, 190, 589),
                "too little manganese alone": (205, 179, 616),
                "too much manganese alone": (190, 221, 589),
                "too little nickel alone": (215, 206, 579),
                "too much nickel alone": (190, 189, 621),
            }.items()
        ),
        lie("a sale drops a milligram", gives(sale, 0, {"Co": 599}), 5),
        lie("a sale drops a gram of emissions", gives(sale, 1, {}, {}, emissions=8), 5),
        lie("a sale adds to a claim", gives(sale, 0, {}, {("Co", SEGREGATED): 601}), 5),
        lie(
            "a sale swaps its lots' numbers",
            gives(gives(sale, 0, {}, {}, primary=3), 1, {}, {}, primary=33),
            5,
        ),
    ]


def _cathode(cobalt: int, manganese: int, nickel: int) -> Plan:
    """Return a true step into a cathode of these milligrams, but for the form's ratios."""
    emissions = 10 + 1
    return Plan(
        RECIPES["make-cathode"],
        (
            material("sulfate", {"Co": cobalt}, 2, 0),
            material("salts", {"Mn": manganese, "Ni": nickel}, 2, 0),
        ),
        (material("cathode", {"Co": cobalt, "Mn": manganese, "Ni": nickel}, emissions, 0),),
        process=(emissions - 4, 0),
        site=SITE,
    )


def _vanishing() -> list[Lie]:
    """Emissions that would go or come where no number of the other side holds them."""
    empty = material("ore", {"Co": 0, "Cu": 0}, 5, 0)
    gone = replace(PLANS["leach"], inputs=(empty,), outputs=(), process=(0, 0))
    quiet = recipe(
        "take-apart",
        Family.RECYCLE,
        "battery 1-8",
        "black-mass 1-4",
        (balance("X", "X", least=PPM_ONE),),
        elements="Co",
    )
    kept = Plan(quiet, (_battery_of(300),), (material("black-mass", {"Co": 300}, 0, 0),))
    return [
        lie("an empty lot takes its emissions with it", gone, 6),
        lie("emissions come from nowhere", gives(kept, 0, {}, {}, emissions=1), 6),
        lie("primary emissions come from nowhere", gives(kept, 0, {}, {}, primary=1), 5, 6),
    ]


EVERY_LIE: tuple[Lie, ...] = (*LIES, *_laundering(), *_vanishing(), *_products())
