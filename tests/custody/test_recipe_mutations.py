"""Whatever is changed in a packaged recipe: if it could create something, it is refused.

The judge of "could create" is the naive oracle, which shares no code with the check.
"""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.custody import shipped
from tests.custody.oracle import creates

from lodeline.custody.candidate import Candidate, RecipeRefused
from lodeline.custody.check_balances import check_balances
from lodeline.custody.recipes import Balance, Recipe
from lodeline.kernel.ids import StrandName

SIDES = ("left", "right", "counts")
STRANDS = tuple(
    StrandName(name)
    for name in (
        "X",
        "X.licence",
        "X.tolerance",
        "X.quota",
        "Co",
        "Co.licence",
        "Co.tolerance",
        "Co.quota",
        "Ni",
        "Ni.licence",
    )
)
BALANCED = tuple(item for item in shipped.recipes() if item.balances)


def is_refused(recipe: Recipe) -> bool:
    """Return whether rules 1 to 6 refuse it by themselves, whatever else would be wrong with it."""
    tables = shipped.forms(), shipped.standards(), shipped.allocation()
    try:
        check_balances(Candidate(recipe, *tables, ()))
    except RecipeRefused:
        return True
    return False


def with_side(recipe: Recipe, index: int, side: str, names: tuple[StrandName, ...]) -> Recipe:
    balances = list(recipe.balances)
    balances[index] = msgspec.structs.replace(balances[index], **{side: names})
    return msgspec.structs.replace(recipe, balances=tuple(balances))


def mutants(recipe: Recipe) -> Iterator[Recipe]:
    """Yield every recipe that differs in one strand of one side, or in one whole balance."""
    for index, item in enumerate(recipe.balances):
        without = recipe.balances[:index] + recipe.balances[index + 1 :]
        yield msgspec.structs.replace(recipe, balances=without, claims=())
        yield msgspec.structs.replace(recipe, balances=(*recipe.balances, item))
        for side in SIDES:
            names: tuple[StrandName, ...] = getattr(item, side)
            for place, old in enumerate(names):
                rest = names[:place] + names[place + 1 :]
                yield with_side(recipe, index, side, rest)
                for new in STRANDS:
                    if new != old:
                        yield with_side(recipe, index, side, (*rest, new))
            for new in STRANDS:
                yield with_side(recipe, index, side, (*names, new))


def test_the_oracle_finds_nothing_in_the_packaged_recipes() -> None:
    assert len(BALANCED) >= 55
    assert [item.name for item in BALANCED if creates(item, shipped.forms())] == []


@pytest.mark.parametrize(
    ("what", "bad"),
    [
        ("metal from nothing", Balance((), (StrandName("Co"),), (), 0, 0)),
        ("metal from quota", Balance((StrandName("Co.quota"),), (StrandName("Co"),), (), 0, 0)),
        ("quota from metal", Balance((StrandName("Co"),), (StrandName("Co.quota"),), (), 0, 0)),
    ],
)
def test_the_oracle_finds_what_is_plainly_wrong(what: str, bad: Balance) -> None:
    others = shipped.recipe("export-cobalt").balances
    wrong = shipped.changed("export-cobalt", balances=(*others[:2], bad))
    if what == "metal from nothing":
        wrong = shipped.changed("sale", balances=(bad, *others[1:2]))
    assert creates(wrong, shipped.forms()), what


@pytest.mark.slow
def test_no_single_change_that_creates_is_adopted() -> None:
    looked_at = found = 0
    for recipe in BALANCED:
        for mutant in mutants(recipe):
            looked_at += 1
            if creates(mutant, shipped.forms()):
                found += 1
                assert is_refused(mutant), msgspec.json.encode(mutant.balances).decode()
    assert looked_at > 4_500
    assert found > 900


names = st.lists(st.sampled_from(STRANDS), max_size=4).map(tuple)
balances = st.builds(
    Balance, names, names, names, st.sampled_from((0, 950_000, 1_000_000)), st.just(0)
)


@pytest.mark.property
@given(st.sampled_from(BALANCED), st.lists(balances, min_size=1, max_size=3))
def test_no_invented_balances_that_create_are_adopted(
    recipe: Recipe, invented: list[Balance]
) -> None:
    wrong = msgspec.structs.replace(recipe, balances=tuple(invented), claims=(), recoveries=())
    if creates(wrong, shipped.forms()):
        assert is_refused(wrong)


@pytest.mark.property
@given(st.sampled_from(BALANCED), st.data())
def test_no_two_changes_that_create_are_adopted(recipe: Recipe, data: st.DataObject) -> None:
    for _ in range(2):
        index = data.draw(st.integers(0, len(recipe.balances) - 1))
        side = data.draw(st.sampled_from(SIDES))
        kept: list[StrandName] = list(getattr(recipe.balances[index], side))
        dropped = data.draw(st.integers(0, 2 * len(kept)))
        if dropped < len(kept):
            kept.pop(dropped)
        else:
            kept.append(data.draw(st.sampled_from(STRANDS)))
        recipe = with_side(recipe, index, side, tuple(kept))
    if creates(recipe, shipped.forms()):
        assert is_refused(recipe)
