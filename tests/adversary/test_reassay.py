"""Long walks: whatever a holder does, and however often, nothing grows that must not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proofs.forging import ENTROPY, refusal
from tests.proofs.paper import broken
from vectors.plans import BLEND, SEGREGATED, material
from vectors.stage import Committer, PlainLot, Plan, stage
from vectors.tables import RECIPES

from lodeline.kernel.errors import LodelineError

CLAIMED = ("Co", BLEND)


@dataclass(frozen=True)
class Stock:
    """What one holder has; all of it hydroxide, some of it with a claim."""

    lots: tuple[PlainLot, ...]

    @property
    def metal(self) -> int:
        """Return metal and tolerance together, in milligrams."""
        return sum(mg or 0 for lot in self.lots for mg in lot.amounts.values())

    @property
    def claimed(self) -> int:
        return sum(mg for lot in self.lots for mg in lot.claims.values())

    @property
    def emissions(self) -> int:
        return sum(lot.emissions or 0 for lot in self.lots)


def hydroxide(cobalt: int, tolerance: int, emissions: int, claimed: int) -> PlainLot:
    claims = {CLAIMED: claimed, ("Co.tolerance", BLEND): claimed * tolerance // max(cobalt, 1)}
    return material("hydroxide", {"Co": cobalt, "Co.tolerance": tolerance}, emissions, 0, claims)


START = Stock((hydroxide(2000, 100, 400, 800),))


def accepted(plan: Plan) -> bool:
    """Return whether the ledger would take the plan, by its statement."""
    try:
        return not broken(plan)
    except LodelineError:
        return False


def settlement(lot: PlainLot, metal: int, tolerance: int, claimed: tuple[int, int]) -> Plan:
    claims = {CLAIMED: claimed[0], ("Co.tolerance", BLEND): claimed[1]}
    amounts = {"Co": metal, "Co.tolerance": tolerance}
    weighed = material("hydroxide", amounts, lot.emissions or 0, lot.primary or 0, claims)
    return Plan(RECIPES["settle"], (lot,), (weighed,))


def greedy_settlements(lot: PlainLot, draw: random.Random) -> Iterator[Plan]:
    """Yield settlements that would gain: more metal, more tolerance, more of a claim."""
    metal, tolerance = lot.amounts["Co"] or 0, lot.amounts["Co.tolerance"] or 0
    on_metal, on_reserve = lot.claims[CLAIMED], lot.claims["Co.tolerance", BLEND]
    for _ in range(4):
        up, down = draw.randint(-3, 40), draw.randint(-3, 40)
        claim_up, claim_down = draw.randint(-2, 3), draw.randint(-2, 3)
        yield settlement(
            lot,
            max(0, metal + up),
            max(0, tolerance - down),
            (max(0, on_metal + claim_up), max(0, on_reserve - claim_down)),
        )


def test_a_lot_weighed_again_a_thousand_times_never_exceeds_what_was_mined() -> None:
    """Each time the holder first asks for a milligram too much, of metal or of reserve."""
    draw = random.Random(7)
    lot = settled_lot(2000, 100)
    mined = 2100
    for _ in range(1000):
        tolerance = draw.randint(0, 1000)
        metal = mined - tolerance
        assert not accepted(settled(lot, metal + 1, tolerance))
        assert not accepted(settled(lot, metal, tolerance + 1))
        assert accepted(settled(lot, metal, tolerance))
        lot = settled_lot(metal, tolerance)
    assert sum(mg or 0 for mg in lot.amounts.values()) == mined


def shares(count: int, draw: random.Random, whole: int) -> list[int]:
    places = sorted(draw.randint(0, whole) for _ in range(count - 1))
    return [high - low for low, high in zip([0, *places], [*places, whole], strict=True)]


def moved(stock: Stock, recipe: str, count: int, draw: random.Random) -> Plan:
    """Return a transform of the whole stock, honest but for a nudge here and there."""
    metal = sum(lot.amounts["Co"] or 0 for lot in stock.lots)
    reserve = sum(lot.amounts["Co.tolerance"] or 0 for lot in stock.lots)
    on_metal = sum(lot.claims[CLAIMED] for lot in stock.lots)
    on_reserve = sum(lot.claims["Co.tolerance", BLEND] for lot in stock.lots)
    lots = []
    rest = [metal, reserve, stock.emissions]
    for index in range(count):
        last = index == count - 1
        cobalt = rest[0] if last else metal // count
        tolerance = rest[1] if last else reserve // count
        grams = rest[2] if last else stock.emissions * (cobalt + tolerance) // stock.metal
        rest = [rest[0] - cobalt, rest[1] - tolerance, rest[2] - grams]
        nudge = [draw.choice([-1, 0, 0, 0, 0, 0, 1]) for _ in range(5)]
        claims = {
            CLAIMED: max(0, on_metal * cobalt // max(metal, 1) + nudge[0]),
            ("Co.tolerance", BLEND): max(0, on_reserve * tolerance // max(reserve, 1) + nudge[1]),
        }
        amounts = {"Co": max(0, cobalt + nudge[2]), "Co.tolerance": max(0, tolerance + nudge[3])}
        lots.append(material("hydroxide", amounts, max(0, grams + nudge[4]), 0, claims))
    return Plan(RECIPES[recipe], stock.lots, tuple(lots))


def test_lots_passed_round_in_a_circle_never_gain() -> None:
    """Split, blend, settle, count and store in any order, with a nudge at every step."""
    draw = random.Random(11)
    stock, steps, refused = START, 0, 0
    for _ in range(3000):
        if len(stock.lots) == 1 and draw.random() < 0.5:
            plan = next(greedy_settlements(stock.lots[0], draw))
        else:
            plan = moved(stock, draw.choice(["blend", "count"]), draw.randint(1, 3), draw)
        if not accepted(plan):
            refused += 1
            continue
        steps += 1
        after = Stock(plan.outputs)
        assert after.metal <= stock.metal
        assert after.claimed <= stock.claimed
        assert after.emissions == stock.emissions
        stock = after
        if stock.metal < 1500 or stock.claimed < 400:
            stock = START
    assert steps > 150
    assert refused > steps


@settings(max_examples=60)
@given(st.integers(0, 2000), st.integers(0, 100), st.integers(0, 400), st.data())
def test_a_split_never_gains_by_rounding(
    metal: int, tolerance: int, grams: int, data: st.DataObject
) -> None:
    """Whatever an accepted split does with the units that do not divide, the sums stay."""
    claimed = data.draw(st.integers(0, metal))
    lot = material(
        "hydroxide", {"Co": metal, "Co.tolerance": tolerance}, grams, 0, {("Co", BLEND): claimed}
    )
    count = data.draw(st.integers(2, 6))
    draw = random.Random(data.draw(st.integers(0, 1 << 30)))
    parts = zip(
        shares(count, draw, metal),
        shares(count, draw, tolerance),
        shares(count, draw, grams),
        shares(count, draw, claimed),
        strict=True,
    )
    outputs = tuple(
        material("hydroxide", {"Co": m, "Co.tolerance": t}, e, 0, {("Co", BLEND): c})
        for m, t, e, c in parts
    )
    plan = Plan(RECIPES["split"], (lot,), outputs)
    if not accepted(plan):
        return
    after = Stock(outputs)
    assert after.metal == metal + tolerance
    assert after.emissions == grams
    assert after.claimed <= claimed
    for part in outputs:
        held = (part.amounts["Co"] or 0) + (part.amounts["Co.tolerance"] or 0)
        whole = metal + tolerance
        assert abs((part.emissions or 0) * whole - held * grams) <= whole


DETOURS: dict[str, Callable[[PlainLot], list[Plan]]] = {
    "weighed twice": lambda lot: [settled(lot, 2060, 40), settled(settled_lot(2060, 40), 2090, 10)],
    "weighed down and up again": lambda lot: [
        settled(lot, 1950, 150),
        settled(settled_lot(1950, 150), 2100, 0),
    ],
}


def settled_lot(metal: int, tolerance: int) -> PlainLot:
    claims = {("Co", SEGREGATED): metal, ("Co.tolerance", SEGREGATED): tolerance}
    return material("hydroxide", {"Co": metal, "Co.tolerance": tolerance}, 400, 90, claims)


def settled(lot: PlainLot, metal: int, tolerance: int) -> Plan:
    return Plan(RECIPES["settle"], (lot,), (settled_lot(metal, tolerance),))


@pytest.mark.parametrize("name", DETOURS)
def test_a_lot_is_weighed_again_with_real_proofs(name: str) -> None:
    """Each step spends the very lot that the step before made; the last one asks for too much."""
    start = settled_lot(2000, 100)
    plans = DETOURS[name](start)
    first = stage(plans[0], Committer(ENTROPY))
    assert refusal(first.task(first.prove(ENTROPY))) is None
    second = stage(plans[1], Committer(ENTROPY), inputs=first.outputs)
    assert refusal(second.task(second.prove(ENTROPY))) is None
    last = plans[1].outputs[0]
    metal = (last.amounts["Co"] or 0) + 1
    tolerance = last.amounts["Co.tolerance"] or 0
    assert not accepted(settled(last, metal, tolerance))
    assert accepted(settled(last, metal - 1, tolerance))
