"""How much is killed: a spread of places in every run of the tests, every place with `-m crash`."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")

Spread = Callable[[Sequence[T], int], list[T]]


@pytest.fixture
def spread(request: pytest.FixtureRequest) -> Spread[int]:
    """Return a function that picks places to try: all of them with `-m crash`, else a few."""
    everything = request.config.getoption("markexpr") == "crash"

    def pick(places: Sequence[int], few: int) -> list[int]:
        assert len(places) > few, "nothing to pick from"
        if everything:
            return list(places)
        step = (len(places) - 1) / (few - 1)
        return [places[round(at * step)] for at in range(few)]

    return pick
