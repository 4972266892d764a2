"""The edges: greatest numbers and rates, most lots, rounding limits, the widest shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import msgspec
import pytest
from tests.proofs.forging import ENTROPY, forge, refusal
from tests.proofs.paper import Paper, broken, broken_rules
from tests.proofs.widest import WIDEST, widest
from vectors.plans import BLEND, SITE, material, right
from vectors.stage import Committer, Plan, Scene, stage
from vectors.tables import FORMS, RECIPES, balance, form, recipe

from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import ClaimMode, Family, Recipe
from lodeline.kernel.bounds import (
    MAX_AMOUNT,
    MAX_INTENSITY,
    MAX_RANGE_BITS,
    PPM_ONE,
)
from lodeline.proofs.relations import Rule
from lodeline.proofs.verifier import ProofDoesNotHold

# ------------------------------------------------------------------ greatest numbers

WIDE_FORMS = (
    form("wide", FormClass.MATERIAL, {"Co": 52, "Co.tolerance": 52}, 52),
    form("wide-right", FormClass.LICENCE, {"Co.licence": 52}),
)
FORMS_AND_WIDE = (*FORMS, *WIDE_FORMS)
GREEDY: Recipe = recipe(
    "greedy-mine",
    Family.MINE,
    "wide-right 1-2",
    "wide 1-2, wide-right 0-1",
    (balance("X.licence", "X X.licence X.tolerance", least=PPM_ONE, tol=PPM_ONE),),
    floor={"Co": MAX_INTENSITY},
    elements="Co",
    has_process=True,
    needs_site=True,
)
LOSSY: Recipe = recipe(
    "lossy",
    Family.HANDLE,
    "wide 1-16",
    "wide 1-16",
    (balance("X", "X", least=PPM_ONE - 1), balance("X.tolerance", "X.tolerance")),
    claims=(("*", 0, ClaimMode.KEEP),),
    elements="Co",
)


def wide(plan: Plan) -> Scene:
    return stage(plan, Committer(ENTROPY), FORMS_AND_WIDE)


def most(cobalt: int = MAX_AMOUNT, emissions: int = MAX_AMOUNT) -> Plan:
    """Return a store of one lot of the greatest numbers."""
    full = material("wide", {"Co": cobalt}, emissions, emissions)
    return Plan(RECIPES["store"], (full,), (full,))


def proved(scene: Scene) -> bool:
    return refusal(scene.task(scene.prove(ENTROPY))) is None


def forged(scene: Scene) -> bool:
    return refusal(scene.task(forge(scene.subject, scene.witness))) is None


def test_the_greatest_lot_verifies_and_a_milligram_more_does_not() -> None:
    assert proved(wide(most()))
    assert not forged(wide(most(MAX_AMOUNT + 1)))
    assert not forged(wide(most(emissions=MAX_AMOUNT + 1)))


def test_two_greatest_lots_do_not_fit_into_one() -> None:
    """Their sum is no greater than sums may be, but no lot may hold it."""
    full = material("wide", {"Co": MAX_AMOUNT}, 0, 0)
    double = material("wide", {"Co": 2 * MAX_AMOUNT}, 0, 0)
    assert proved(wide(Plan(RECIPES["store"], (full, full), (full, full))))
    assert not forged(wide(Plan(RECIPES["store"], (full, full), (double,))))


def test_the_greatest_tolerance_rate_allows_as_much_as_the_metal() -> None:
    half = MAX_AMOUNT // 2
    freely = msgspec.structs.replace(GREEDY, floor=())
    for tolerance, true in ((half, True), (half + 1, False)):
        licence = right("wide-right", {"Co.licence": half + tolerance})
        made = material("wide", {"Co": half, "Co.tolerance": tolerance}, 5, 0)
        plan = Plan(freely, (licence,), (made,), process=(5, 0), site=SITE)
        assert forged(wide(plan)) is true


@pytest.mark.parametrize(("grams", "true"), [(16_777_215, True), (16_777_214, False)])
def test_the_greatest_floor_is_kept_to_the_gram(grams: int, true: bool) -> None:
    """One kilogram at the greatest intensity: 16,777,215 grams, and not one less."""
    licence = right("wide-right", {"Co.licence": 1_000_000})
    made = material("wide", {"Co": 1_000_000}, grams, 0)
    plan = Plan(GREEDY, (licence,), (made,), process=(grams, 0), site=SITE)
    assert forged(wide(plan)) is true


@pytest.mark.parametrize(("kept", "true"), [(999_999, True), (999_998, False)])
def test_the_greatest_recovery_below_all_is_kept_to_the_milligram(kept: int, true: bool) -> None:
    plan = Plan(LOSSY, (material("wide", {"Co": 1_000_000}, 5, 0),),
                (material("wide", {"Co": kept}, 5, 0),))  # fmt: skip
    assert forged(wide(plan)) is true


def test_the_greatest_process_and_inheritance_together_are_still_true() -> None:
    """Sums are wider than lots: what is honest at the edge must be provable."""
    full = material("wide", {"Co": 10}, MAX_AMOUNT, MAX_AMOUNT)
    half = material("wide", {"Co": 5}, MAX_AMOUNT, 0)
    moved = Plan(RECIPES["transport"], (full,), (half, half), process=(MAX_AMOUNT, MAX_AMOUNT))
    assert judged(moved) == []
    licence = right("wide-right", {"Co.licence": 1})
    made = material("wide", {"Co": 1}, MAX_AMOUNT, 0)
    mined = Plan(GREEDY, (licence,), (made,), process=(MAX_AMOUNT, 0), site=SITE)
    assert judged(mined) == []


def judged(plan: Plan) -> list[Rule]:
    return broken(plan, stage(plan, Paper(), FORMS_AND_WIDE))


def test_empty_lots_are_lots() -> None:
    """Zero of everything satisfies every rule, with several outputs too."""
    none = material("wide", {"Co": 0}, 0, 0)
    assert proved(wide(Plan(RECIPES["store"], (none,), (none, none, none))))


# ------------------------------------------------------------------ most lots


def test_sixteen_lots_in_and_sixteen_out_verify() -> None:
    tiny = (*FORMS, form("tiny", FormClass.MATERIAL, {"Co": 4}, 4))
    inputs = tuple(material("tiny", {"Co": 1 + i % 3}, 1, 0) for i in range(16))
    outputs = tuple(material("tiny", {"Co": 1 + i % 3}, 1, 0) for i in range(16))
    scene = stage(Plan(RECIPES["store"], inputs, outputs), Committer(ENTROPY), tiny)
    assert scene.subject.statement.spent == 16
    assert proved(scene)


@pytest.mark.slow
def test_the_widest_transform_that_is_allowed_can_be_proved() -> None:
    scene = widest(WIDEST, Committer(ENTROPY))
    assert scene.subject.statement.range_bits == MAX_RANGE_BITS
    assert proved(scene)


# ------------------------------------------------------------------ T8 at its rounding limit


@dataclass(frozen=True)
class Rounding:
    """Two outputs of a blend of which one number is off by what rounding allows, or one more."""

    plan: Plan
    difference: int
    total: int


def emission_roundings(wanted: str) -> Iterator[Rounding]:
    """Yield splits in which ``e·ΣM − M·Σe`` is exactly at, or one beyond, a limit."""
    for first, second, grams, share in product(range(1, 8), range(1, 8), range(1, 9), range(9)):
        if share > grams:
            continue
        total = first + second
        difference = share * total - first * grams
        limits = {"at": (total, -total), "beyond": (total + 1, -total - 1)}
        if difference in limits[wanted]:
            whole = material("sulfate", {"Co": total}, grams, 0)
            outputs = (
                material("sulfate", {"Co": first}, share, 0),
                material("sulfate", {"Co": second}, grams - share, 0),
            )
            yield Rounding(Plan(RECIPES["split"], (whole,), outputs), difference, total)


def claim_roundings(wanted: str) -> Iterator[Rounding]:
    """Yield blends in which ``m·ΣC − c·ΣM`` is exactly at, or one beyond, a limit."""
    for first, second, claimed, share in product(range(1, 8), range(1, 8), range(1, 9), range(8)):
        total = first + second
        if claimed > total or share > first:
            continue
        difference = first * claimed - share * total
        limits = {"at": (0, total), "beyond": (-1, total + 1)}
        if difference in limits[wanted]:
            whole = material("sulfate", {"Co": total}, 0, 0, {("Co", BLEND): claimed})
            outputs = (
                material("sulfate", {"Co": first}, 0, 0, {("Co", BLEND): share}),
                material("sulfate", {"Co": second}, 0, 0),
            )
            yield Rounding(Plan(RECIPES["blend"], (whole,), outputs), difference, total)


@pytest.mark.parametrize("roundings", [emission_roundings, claim_roundings])
def test_every_share_at_its_rounding_limit_is_true_and_one_beyond_is_not(roundings: object) -> None:
    assert callable(roundings)
    at, beyond = list(roundings("at")), list(roundings("beyond"))
    assert len(at) > 20
    assert len(beyond) > 20
    assert {case.difference > 0 for case in (*at, *beyond)} == {True, False}
    for case in at:
        assert broken(case.plan) == []
    for case in beyond:
        assert broken_rules(case.plan) == {8}


@pytest.mark.parametrize("roundings", [emission_roundings, claim_roundings])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_rounding_limit_is_proved_and_one_beyond_is_refused(
    roundings: object, side: int
) -> None:
    assert callable(roundings)
    at = next(c for c in roundings("at") if c.difference * side > 0 or not c.difference)
    beyond = next(c for c in roundings("beyond") if c.difference * side > 0)
    assert proved(stage(at.plan, Committer(ENTROPY)))
    scene = stage(beyond.plan, Committer(ENTROPY))
    found = refusal(scene.task(forge(scene.subject, scene.witness)))
    assert isinstance(found, ProofDoesNotHold)


def test_claims_of_one_and_a_half_shares_cannot_gather_in_one_lot() -> None:
    """Sixteen lots, each rounded up, together would claim more than went in: T4 forbids it."""
    whole = material("sulfate", {"Co": 160}, 0, 0, {("Co", BLEND): 8})
    ups = tuple(material("sulfate", {"Co": 10}, 0, 0, {("Co", BLEND): 1}) for _ in range(16))
    assert 4 in broken_rules(Plan(RECIPES["blend"], (whole,), ups))
    downs = tuple(material("sulfate", {"Co": 10}, 0, 0, {("Co", BLEND): 0}) for _ in range(16))
    assert broken(Plan(RECIPES["blend"], (whole,), downs)) == []
