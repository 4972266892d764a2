"""The fuzzer's targets with fixed seeds: a short run that every test run takes part in."""

from __future__ import annotations

import random

import pytest
from fuzz.mutate import mutated
from fuzz.targets import TARGETS, Broken, Target, run

from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError

ROUNDS = {"transform": 400, "claim": 300, "point": 300, "scalar": 300}

every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@every_target
def test_every_seed_of_a_target_is_taken(target: Target) -> None:
    """Otherwise the mutations below would be of nonsense."""
    seeds = target.seeds()
    assert seeds
    assert sum(run(target, data) for data in seeds) >= len(seeds) / 2


@pytest.mark.fuzz
@every_target
def test_mutated_inputs_give_a_value_or_a_named_refusal(target: Target) -> None:
    draw, seeds = random.Random(f"short {target.name}"), target.seeds()
    taken = refused = 0
    for _ in range(ROUNDS.get(target.name, 1500)):
        data = mutated(draw.choice(seeds), draw, seeds)
        if run(target, data):
            taken += 1
        else:
            refused += 1
    assert refused > 100
    assert taken + refused == ROUNDS.get(target.name, 1500)


def test_mutations_get_past_the_encoding() -> None:
    """At least half of them still are canonical, or only the decoder would be tested."""
    draw = random.Random(5)
    seeds = next(target for target in TARGETS if target.name == "transform").seeds()
    canonical = 0
    for _ in range(200):
        try:
            cbor.decode(mutated(draw.choice(seeds), draw, seeds))
        except LodelineError:
            continue
        canonical += 1
    assert canonical > 100


def test_a_target_that_takes_too_much_is_noticed() -> None:
    """The harness itself: what a broken target raises is not swallowed."""

    def feed(data: bytes) -> None:
        raise Broken(data.hex())

    with pytest.raises(Broken):
        run(Target("broken", feed, list), b"\0")
