"""Collecting rarely is not collecting never."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from lodeline.engine.collecting import collect_rarely


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Node:
    """Something that can hold itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_is_left_out_and_the_rest_is_seen_rarely() -> None:
    before = gc.get_threshold()
    collect_rarely()
    assert gc.get_freeze_count() > 0
    assert gc.isenabled()
    assert all(now > then for now, then in zip(gc.get_threshold(), before, strict=True))


def test_a_cycle_that_arises_afterwards_is_still_found() -> None:
    collect_rarely()
    gone = weakref.ref(Node())
    young = gc.get_threshold()[0]
    kept = [list[object]() for _ in range(2 * young)]
    assert gone() is None
    assert len(kept) == 2 * young
