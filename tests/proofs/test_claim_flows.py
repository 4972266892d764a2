"""T4 against an oracle: it holds exactly where the inputs' claims can be handed to the outputs'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.proofs.paper import broken_rules
from vectors.plans import PLANS, assurance, credit, material
from vectors.stage import PlainLot, Plan
from vectors.tables import RECIPES, ports

from lodeline.custody.claims import Model
from lodeline.proofs.shape_errors import ClaimFromNothing

POOLS = ("material", "assurance", "credit")
FEEDS: Mapping[str, set[tuple[str, str]]] = {
    "refine": {("assurance", "material")},
    "refine-to-credit": {("material", "credit")},
    "refine-from-credit": {("credit", "material")},
    "deposit-assured": {("material", "credit")},
    "store": set(),
}
"""What each recipe lets pass from one pool into another; within a pool everything may stay."""
DEPOSITS = ("refine-to-credit", "deposit-assured")
TAKES = {
    "refine": ("material", "assurance"),
    "refine-to-credit": ("material",),
    "refine-from-credit": ("material", "credit"),
    "deposit-assured": ("material", "assurance"),
    "store": ("material",),
}
GIVES = {
    "refine": ("material", "assurance"),
    "refine-to-credit": ("material", "credit"),
    "refine-from-credit": ("material", "credit"),
    "deposit-assured": ("material", "assurance", "credit"),
    "store": ("material",),
}
STRONGEST = {
    "refine": Model.SEGREGATED,
    "refine-to-credit": Model.MASS_BALANCE,
    "refine-from-credit": Model.MASS_BALANCE,
    "deposit-assured": Model.MASS_BALANCE,
    "store": Model.SEGREGATED,
}


ASSURED = msgspec.structs.replace(
    RECIPES["refine-to-credit"],
    inputs=ports("hydroxide 1-12, assurance 0-2"),
    outputs=ports("sulfate 1-8, residue 0-2, assurance 0-2, credit 1-2"),
)
"""A deposit at a site that is assured besides, as refiners are."""


@dataclass(frozen=True)
class Borne:
    """An amount that bears the standard, in one pool, under one model."""

    pool: str
    model: Model
    amount: int


def can_feed(recipe: str, source: Borne, sink: Borne) -> bool:
    passes = source.pool == sink.pool or (source.pool, sink.pool) in FEEDS[recipe]
    return passes and source.model >= sink.model


def feasible(recipe: str, sources: list[Borne], sinks: list[Borne]) -> bool:
    """Return whether the sources can supply all sinks, by augmenting paths unit by unit."""
    given_to: dict[int, list[int]] = {index: [] for index in range(len(sources))}

    def augment(sink: int, seen: set[int]) -> bool:
        for index, source in enumerate(sources):
            if index in seen or not can_feed(recipe, source, sinks[sink]):
                continue
            seen.add(index)
            if len(given_to[index]) < source.amount:
                given_to[index].append(sink)
                return True
            for place, other in enumerate(given_to[index]):
                if augment(other, seen):
                    given_to[index][place] = sink
                    return True
        return False

    return all(augment(sink, set()) for sink, b in enumerate(sinks) for _ in range(b.amount))


def lot_of(b: Borne, standard: str, form: str) -> PlainLot:
    claim = f"{standard}/{b.model.text}"
    if b.pool == "assurance":
        return assurance({claim: b.amount})
    if b.pool == "credit":
        return credit({claim: b.amount})
    return material(form, {"Co": b.amount}, 0, 0, {("Co", claim): b.amount})


def planned(recipe: str, sources: list[Borne], sinks: list[Borne]) -> Plan:
    """Return the plan; only its claims are meant to be true or false."""
    standard = "refiner" if recipe == "refine" else "mine-a"
    made = "hydroxide" if recipe == "store" else "sulfate"
    plan = PLANS["refine-to-credit" if recipe == "deposit-assured" else recipe]
    return replace(
        plan,
        recipe=ASSURED if recipe == "deposit-assured" else plan.recipe,
        inputs=tuple(lot_of(b, standard, "hydroxide") for b in sources),
        outputs=tuple(lot_of(b, standard, made) for b in sinks),
    )


@st.composite
def flows(draw: st.DrawFn) -> tuple[str, list[Borne], list[Borne]]:
    recipe = draw(st.sampled_from(sorted(FEEDS)))
    most = STRONGEST[recipe]

    def some(pools: tuple[str, ...], least: int, strongest: Model) -> list[Borne]:
        models = st.sampled_from([Model(level) for level in range(2, strongest + 1)])
        borne = st.builds(Borne, st.sampled_from(pools), models, st.integers(least, 3))
        return draw(st.lists(borne, min_size=1, max_size=4))

    sources, sinks = some(TAKES[recipe], 0, Model.SEGREGATED), some(GIVES[recipe], 1, most)
    assume(all(b.model <= Model.MASS_BALANCE for b in sources if b.pool == "credit"))
    return recipe, sources, sinks


WEAK_PAYS_FOR_STRONG = (
    "refine",
    [Borne("material", Model.MASS_BALANCE, 3), Borne("assurance", Model.SEGREGATED, 3)],
    [Borne("material", Model.SEGREGATED, 3), Borne("assurance", Model.MASS_BALANCE, 3)],
)
"""The material's weak claim would pay for the assurance that is left of a strong one."""


WITHOUT_A_DEPOSIT = (
    "refine-from-credit",
    [Borne("material", Model.MASS_BALANCE, 3), Borne("credit", Model.MASS_BALANCE, 1)],
    [Borne("material", Model.MASS_BALANCE, 1), Borne("credit", Model.MASS_BALANCE, 3)],
)
"""Claims of the material would become credit in a step that deposits nothing."""

INTO_ASSURANCE = (
    "deposit-assured",
    [Borne("material", Model.MASS_BALANCE, 3), Borne("assurance", Model.MASS_BALANCE, 1)],
    [
        Borne("material", Model.MASS_BALANCE, 1),
        Borne("assurance", Model.MASS_BALANCE, 3),
        Borne("credit", Model.MASS_BALANCE, 0),
    ],
)
"""A deposit may feed credit, and still not the certifier's assurance."""


@settings(max_examples=250)
@example(WEAK_PAYS_FOR_STRONG)
@example(WITHOUT_A_DEPOSIT)
@example(INTO_ASSURANCE)
@given(flows())
def test_claims_pass_exactly_where_a_flow_from_inputs_to_outputs_exists(
    flow: tuple[str, list[Borne], list[Borne]],
) -> None:
    recipe, sources, sinks = flow
    plan = planned(recipe, sources, sinks)
    ports_filled = {
        "refine": "material",
        "refine-to-credit": "credit",
        "refine-from-credit": "credit",
        "deposit-assured": "credit",
        "store": "material",
    }
    assume("material" in {b.pool for b in sources} & {b.pool for b in sinks})
    wanted = ports_filled[recipe]
    assume(wanted in {b.pool for b in (sinks if recipe in DEPOSITS else sources)})
    counts = [sum(1 for b in sinks if b.pool == pool) for pool in ("assurance", "credit")]
    assume(max(counts) <= 2 and sum(1 for b in sources if b.pool == "assurance") <= 2)
    try:
        passes = 4 not in broken_rules(plan)
    except ClaimFromNothing:
        passes = False
    assert passes == feasible(recipe, sources, sinks)


def test_the_oracle_agrees_with_flows_counted_by_hand() -> None:
    weak, strong = Model.MASS_BALANCE, Model.SEGREGATED
    metal, rest = Borne("material", strong, 2), Borne("assurance", strong, 2)
    assert feasible("refine", [Borne("assurance", strong, 4)], [metal, rest])
    assert not feasible("refine", [Borne("assurance", strong, 3)], [metal, rest])
    assert not feasible("refine", [Borne("assurance", weak, 4)], [metal])
    assert not feasible("refine", [Borne("material", strong, 4)], [rest])
    assert feasible("refine", [Borne("material", strong, 2), rest], [metal, rest])
    assert not feasible(*WEAK_PAYS_FOR_STRONG)
