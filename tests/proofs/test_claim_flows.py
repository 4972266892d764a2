"""T4 against an oracle: it holds exactly where the inputs' claims can be handed to the outputs'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.proofs.paper import broken_rules
from vectors.plans import PLANS, assurance, credit, material
from vectors.stage import PlainLot, Plan

from lodeline.custody.claims import Model
from lodeline.proofs.shape_errors import ClaimFromNothing

POOLS = ("material", "assurance", "credit")
FEEDS: Mapping[str, set[tuple[str, str]]] = {
    "refine": {("assurance", "material")},
    "refine-to-credit": {("material", "credit")},
    "refine-from-credit": {("credit", "material")},
    "store": set(),
}
"""What each recipe lets pass from one pool into another; within a pool everything may stay."""
TAKES = {
    "refine": ("material", "assurance"),
    "refine-to-credit": ("material",),
    "refine-from-credit": ("material", "credit"),
    "store": ("material",),
}
GIVES = {
    "refine": ("material", "assurance"),
    "refine-to-credit": ("material", "credit"),
    "refine-from-credit": ("material", "credit"),
    "store": ("material",),
}
STRONGEST = {
    "refine": Model.SEGREGATED,
    "refine-to-credit": Model.MASS_BALANCE,
    "refine-from-credit": Model.MASS_BALANCE,
    "store": Model.SEGREGATED,
}


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
    plan = PLANS[recipe]
    return replace(
        plan,
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


@settings(max_examples=250)
@example(WEAK_PAYS_FOR_STRONG)
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
        "store": "material",
    }
    assume("material" in {b.pool for b in sources} & {b.pool for b in sinks})
    wanted = ports_filled[recipe]
    assume(wanted in {b.pool for b in (sinks if recipe == "refine-to-credit" else sources)})
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
