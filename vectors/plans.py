"""One true transform for each recipe of the vectors, small enough to check by hand.

Together they use every relation, T1 to T10; ``vectors/README.md`` says which uses which.
"""

from __future__ import annotations

from collections.abc import Mapping

from vectors.stage import PlainLot, Plan
from vectors.tables import RECIPES

__all__ = ["CLAIM_LOTS", "EXPIRES", "PLANS", "SITE", "assurance", "credit", "material", "right"]

SITE = "site-1"
EXPIRES = 1_900_000_000
BLEND = "mine-a/controlled-blending"
IDENTITY = "mine-a/identity-preserved"
SEGREGATED = "mine-a/segregated"
BALANCED = "mine-a/mass-balance"
BOOKED = "mine-a/book-and-claim"
REFINED = "refiner/segregated"
RETIRED = "recycled-post/segregated"


def material(
    form: str,
    amounts: Mapping[str, int],
    emissions: int,
    primary: int,
    claims: Mapping[tuple[str, str], int] | None = None,
    product: str | None = None,
) -> PlainLot:
    """Return a lot of material: milligrams, then grams of CO2e."""
    return PlainLot(form, dict(amounts), claims or {}, emissions, primary, product=product)


def right(form: str, amounts: Mapping[str, int]) -> PlainLot:
    """Return a licence, intake licence or quota of the site."""
    return PlainLot(form, dict(amounts), expires=EXPIRES, site=SITE)


def assurance(claims: Mapping[str, int]) -> PlainLot:
    """Return an assurance over cobalt of the site."""
    on = {("Co.assurance", claim): mg for claim, mg in claims.items()}
    return PlainLot("assurance", {"Co.assurance": None}, on, expires=EXPIRES, site=SITE)


def credit(claims: Mapping[str, int], form: str = "credit", site: str | None = SITE) -> PlainLot:
    """Return a credit over cobalt; book-and-claim credit has no site."""
    on = {("Co.credit", claim): mg for claim, mg in claims.items()}
    return PlainLot(form, {"Co.credit": None}, on, expires=EXPIRES, site=site)


def _hydroxide(
    cobalt: int, emissions: int, primary: int, claim: str = "", tolerance: int = 0
) -> PlainLot:
    """Return hydroxide that bears a claim whole, where one is named."""
    amounts, claims = {"Co": cobalt}, {("Co", claim): cobalt}
    if tolerance:
        amounts["Co.tolerance"] = tolerance
        claims["Co.tolerance", claim] = tolerance
    return material("hydroxide", amounts, emissions, primary, claims if claim else {})


def _sulfate(cobalt: int, emissions: int, primary: int, claim: str = "", mg: int = 0) -> PlainLot:
    claims = {("Co", claim): mg or cobalt} if claim else {}
    return material("sulfate", {"Co": cobalt}, emissions, primary, claims)


def _battery(cobalt: int, emissions: int, product: str) -> PlainLot:
    return material("battery", {"Co": cobalt}, emissions, emissions // 2, product=product)


def _ore(cobalt: int, tolerance: int, copper: int, emissions: int, primary: int) -> PlainLot:
    amounts = {"Co": cobalt, "Co.tolerance": tolerance, "Cu": copper}
    claims = {
        ("Co", IDENTITY): cobalt,
        ("Co.tolerance", IDENTITY): tolerance,
        ("Co", "mine-b/segregated"): cobalt,
    }
    return material("ore", amounts, emissions, primary, claims)


def _plain_ore(cobalt: int, tolerance: int, copper: int, emissions: int, primary: int) -> PlainLot:
    amounts = {"Co": cobalt, "Co.tolerance": tolerance, "Cu": copper}
    claims = {("Co", SEGREGATED): cobalt, ("Co.tolerance", SEGREGATED): tolerance}
    return material("ore", amounts, emissions, primary, claims)


_GRANTS = {
    "grant-licence": Plan(
        RECIPES["grant-licence"],
        (),
        (right("licence", {"Co.licence": 2000, "Cu.licence": 4000}),),
        site=SITE,
    ),
    "grant-intake": Plan(
        RECIPES["grant-intake"], (), (right("intake", {"Co.licence": 500}),), site=SITE
    ),
    "grant-quota": Plan(
        RECIPES["grant-quota"], (), (right("quota", {"Co.quota": 900}),), site=SITE
    ),
    "grant-assurance": Plan(
        RECIPES["grant-assurance"], (), (assurance({IDENTITY: 1500}),), site=SITE
    ),
    "renew-licence": Plan(
        RECIPES["renew-licence"],
        (right("licence", {"Co.licence": 300}),),
        (right("licence", {"Co.licence": 1000, "Cu.licence": 100}),),
        site=SITE,
    ),
}

_SOURCES = {
    "mine": Plan(
        RECIPES["mine"],
        (
            right("licence", {"Co.licence": 2000, "Cu.licence": 4000}),
            assurance({IDENTITY: 1500, "mine-b/segregated": 1100}),
        ),
        (
            _ore(600, 30, 2000, 120, 50),
            _ore(400, 20, 1000, 70, 30),
            right("licence", {"Co.licence": 950, "Cu.licence": 1000}),
            assurance({IDENTITY: 450, "mine-b/segregated": 100}),
        ),
        process=(190, 80),
        site=SITE,
    ),
    "open-stock": Plan(
        RECIPES["open-stock"],
        (right("intake", {"Co.licence": 500}),),
        (_hydroxide(300, 60, 6), _hydroxide(200, 40, 4)),
        process=(100, 10),
        site=SITE,
    ),
}

_HANDLING = {
    "store": Plan(
        RECIPES["store"],
        (_hydroxide(300, 40, 10, SEGREGATED), _hydroxide(200, 30, 5, SEGREGATED)),
        (_hydroxide(500, 70, 15, SEGREGATED),),
    ),
    "blend": Plan(
        RECIPES["blend"],
        (
            material("sulfate", {"Co": 300}, 40, 10, {("Co", BLEND): 120}),
            material("sulfate", {"Co": 201}, 31, 5, {("Co", BLEND): 60}),
        ),
        (
            material("sulfate", {"Co": 200}, 28, 6, {("Co", BLEND): 71}),
            material("sulfate", {"Co": 301}, 43, 9, {("Co", BLEND): 108}),
        ),
    ),
    "split": Plan(
        RECIPES["split"],
        (_hydroxide(600, 66, 33, IDENTITY, 30),),
        (
            _hydroxide(100, 11, 5, IDENTITY, 10),
            _hydroxide(200, 22, 11, IDENTITY, 10),
            _hydroxide(300, 33, 17, IDENTITY, 10),
        ),
    ),
    "count": Plan(
        RECIPES["count"],
        (_hydroxide(300, 40, 10), _hydroxide(200, 30, 5)),
        (_hydroxide(480, 70, 15),),
    ),
    "settle": Plan(
        RECIPES["settle"],
        (_hydroxide(600, 66, 33, SEGREGATED, 30),),
        (_hydroxide(615, 66, 33, SEGREGATED, 15),),
    ),
    "transport": Plan(
        RECIPES["transport"],
        (_sulfate(300, 40, 10), _sulfate(200, 30, 5)),
        (_sulfate(250, 40, 10), _sulfate(250, 40, 9)),
        process=(10, 4),
    ),
    "export": Plan(
        RECIPES["export"],
        (_hydroxide(600, 66, 33, SEGREGATED, 30), right("quota", {"Co.quota": 900})),
        (_hydroxide(600, 66, 33, SEGREGATED, 30), right("quota", {"Co.quota": 270})),
        site=SITE,
    ),
    "sale": Plan(
        RECIPES["sale"],
        (_hydroxide(600, 66, 33, SEGREGATED, 30), _hydroxide(100, 9, 3)),
        (_hydroxide(600, 66, 33, SEGREGATED, 30), _hydroxide(100, 9, 3)),
    ),
    "write-off": Plan(RECIPES["write-off"], (_hydroxide(100, 9, 3), _hydroxide(50, 4, 1)), ()),
    "correct": Plan(
        RECIPES["correct"], (_hydroxide(100, 9, 3),), (_hydroxide(90, 11, 4),), process=(2, 1)
    ),
}

_MAKING = {
    "leach": Plan(
        RECIPES["leach"],
        (_plain_ore(600, 30, 2000, 120, 50), _plain_ore(400, 20, 1000, 70, 30)),
        (
            _hydroxide(960, 156, 64, SEGREGATED, 45),
            material("copper", {"Cu": 2900}, 136, 56),
            material("residue", {"Co": 20, "Cu": 50}, 0, 0, {("Co", SEGREGATED): 20}),
        ),
        process=(102, 40),
        site=SITE,
    ),
    "refine": Plan(
        RECIPES["refine"],
        (_hydroxide(600, 66, 33, SEGREGATED, 30), assurance({REFINED: 700})),
        (
            material(
                "sulfate", {"Co": 590}, 100, 50, {("Co", SEGREGATED): 590, ("Co", REFINED): 590}
            ),
            material("residue", {"Co": 8}, 0, 0, {("Co", SEGREGATED): 8, ("Co", REFINED): 8}),
            assurance({REFINED: 102}),
        ),
        process=(34, 17),
        site=SITE,
    ),
    "refine-to-credit": Plan(
        RECIPES["refine-to-credit"],
        (_hydroxide(600, 66, 33, BLEND),),
        (
            _sulfate(590, 80, 40, BALANCED, 100),
            credit({BALANCED: 400}),
            credit({BOOKED: 100}, site=None),
        ),
        process=(14, 7),
        site=SITE,
    ),
    "refine-from-credit": Plan(
        RECIPES["refine-from-credit"],
        (_hydroxide(600, 66, 33), credit({BALANCED: 400})),
        (_sulfate(590, 80, 40, BALANCED, 300), credit({BALANCED: 100})),
        process=(14, 7),
        site=SITE,
    ),
    "carry": Plan(
        RECIPES["carry"],
        (credit({BALANCED: 400}), credit({BALANCED: 101})),
        (credit({BALANCED: 250}, "credit-carried"),),
        site=SITE,
    ),
    "book-issue": Plan(
        RECIPES["book-issue"],
        (_sulfate(300, 40, 10, SEGREGATED),),
        (_sulfate(300, 40, 10), credit({BOOKED: 300}, "book-credit", None)),
    ),
    "book-retire": Plan(
        RECIPES["book-retire"],
        (_sulfate(500, 70, 15), credit({BOOKED: 300}, "book-credit", None)),
        (_sulfate(500, 70, 15, BOOKED, 200), credit({BOOKED: 100}, "book-credit", None)),
    ),
    "make-cathode": Plan(
        RECIPES["make-cathode"],
        (
            _sulfate(200, 40, 20, SEGREGATED),
            material("salts", {"Mn": 200, "Ni": 600}, 60, 30),
        ),
        (
            material(
                "cathode", {"Co": 190, "Mn": 188, "Ni": 590}, 105, 53, {("Co", SEGREGATED): 190}
            ),
            material("scrap", {"Co": 10}, 1, 0, {("Co", SEGREGATED): 10}),
        ),
        process=(6, 3),
        site=SITE,
    ),
    "market": Plan(
        RECIPES["market"],
        (_sulfate(500, 70, 30, SEGREGATED),),
        (
            material("battery", {"Co": 300}, 42, 18, {("Co", SEGREGATED): 300}, "pack-1"),
            material("battery", {"Co": 200}, 28, 12, {("Co", SEGREGATED): 200}, "pack-2"),
        ),
    ),
    "recycle-product": Plan(
        RECIPES["recycle-product"],
        (_battery(300, 42, "pack-1"), _battery(200, 28, "pack-2"), assurance({RETIRED: 480})),
        (
            material("black-mass", {"Co": 470}, 25, 10, {("Co", RETIRED): 470}),
            material("residue", {"Co": 5}, 0, 0),
        ),
        process=(25, 10),
        site=SITE,
    ),
}

PLANS: Mapping[str, Plan] = {**_GRANTS, **_SOURCES, **_HANDLING, **_MAKING}

CLAIM_LOTS: tuple[PlainLot, ...] = (
    material("sulfate", {"Co": 300}, 42, 21, {("Co", SEGREGATED): 300}, "pack-1"),
    material("sulfate", {"Co": 200}, 28, 7, {("Co", BLEND): 50}, "pack-1"),
)
"""Lots about which the questions of the vectors are answered, bound to one product."""
