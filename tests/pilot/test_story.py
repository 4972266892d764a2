"""The story in plain numbers: what the seed fixes, and that the story keeps its own rules."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pilot.stories import empty_book, made, reference, scenario, story

from lodeline.custody.recipes import Family
from lodeline.custody.strands import Kind
from lodeline.holder.building import ProcessNumbers
from lodeline.holder.plan_check import statement_of
from lodeline.holder.plan_refusals import PlanRefused
from lodeline.holder.wishes import Desk, Wish
from lodeline.kernel.bounds import MAX_RANGE_BITS
from lodeline.kernel.ids import FormName, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, milligrams
from lodeline.pilot.book import Deed, LotGone, LotNotHeld, LotNotYetMade
from lodeline.pilot.results import happened
from lodeline.pilot.screen import Estimate
from lodeline.pilot.steps import Answer, Chapter, Offered, Outcome, Reversed, Work, gives, needs
from lodeline.pilot.telling import COBALT, ScaleOutside, metal, parse_scale, tied

MWINDA, NYOTA = MemberId("mwinda"), MemberId("nyota")


def test_the_whole_pilot_has_three_hundred_transforms_and_a_hundred_cars() -> None:
    done = happened(story("1"))
    assert done.transforms >= 300
    assert done.cars == 100
    assert (done.declined, done.withdrawn, done.reversed) == (2, 1, 1)
    assert done.settlements == 15
    assert 0 < done.exported <= done.quota
    for amount in (done.lost, done.recycled, done.deposited, done.taken_up, done.carried):
        assert amount > 0
    assert done.carried <= done.lapsed + 1


def test_one_seed_gives_one_story_whoever_the_keys_belong_to() -> None:
    one, other = story("0.05", 7, "keys"), story("0.05", 7, "other keys")
    assert [lot.contents for lot in made(one)] == [lot.contents for lot in made(other)]
    assert [(s.at, s.chapter, s.actor) for s in one.steps] == [
        (s.at, s.chapter, s.actor) for s in other.steps
    ]


def test_another_seed_gives_other_quantities_and_hours() -> None:
    one, other = story("0.05", 1), story("0.05", 2)
    assert [lot.contents for lot in made(one)] != [lot.contents for lot in made(other)]
    assert [step.at for step in one.steps] != [step.at for step in other.steps]


@pytest.mark.parametrize("scale", ["0.05", "1"])
def test_every_lot_is_made_once_before_it_is_used_once(scale: str) -> None:
    known: set[str] = set()
    gone: set[str] = set()
    for step in story(scale).steps:
        assert set(needs(step)) <= known | {lot.name for lot in gives(step)}
        if isinstance(step, Work):
            assert gone.isdisjoint(step.inputs)
            gone |= set(step.inputs)
        elif isinstance(step, Answer) and step.outcome is Outcome.ACCEPTED:
            assert gone.isdisjoint(step.offer.inputs)
            gone |= set(step.offer.inputs)
        elif isinstance(step, Reversed):
            gone |= {lot.name for lot in step.work.outputs}
        known |= {lot.name for lot in gives(step)}
    assert len(gone) > 100


def test_no_cobalt_is_created_on_the_way_to_the_cars() -> None:
    told = story("1")
    works = [step for step in told.steps if isinstance(step, Work)]
    licensed = sum(
        lot.contents.amount(tied(COBALT, Kind.LICENCE))
        for step in works
        if step.planned.recipe.family is Family.GRANT
        for lot in step.outputs
    )
    held = sum(
        lot.contents.amount(strand)
        for company in scenario().cast.companies
        for lot in told.book.unspent(company.member)
        for strand in (COBALT, tied(COBALT, Kind.TOLERANCE), tied(COBALT, Kind.LICENCE))
    )
    assert 0 < held <= licensed


def test_every_step_fits_one_proof() -> None:
    told = story("1")
    widest = max(step.range_bits for step in told.steps if isinstance(step, (Work, Offered)))
    assert 2_000 < widest <= MAX_RANGE_BITS


def test_the_cars_take_nickel_manganese_and_lithium_too() -> None:
    for car in story("1").cars:
        for symbol in ("Co", "Ni", "Mn", "Li"):
            assert car.contents.amount(metal(symbol)) > 0
        assert car.product is not None
        assert car.product.startswith("synthetic-")


def test_the_products_have_names_of_their_own() -> None:
    names = [car.product for car in story("1").cars]
    assert len(set(names)) == len(names) == 100


def test_some_cars_hold_recycled_cobalt_and_some_claims_by_mass_balance() -> None:
    claims = {claim.text for car in story("1").cars for _, claim in car.contents.claims}
    assert "recycled-pre/controlled-blending" in claims
    assert "IRMA-75/mass-balance" in claims
    assert "RMAP-refiner/segregated" in claims


@given(st.integers(min_value=0, max_value=2**63))
@settings(max_examples=5)
def test_whatever_the_seed_the_story_can_be_told(seed: int) -> None:
    told = story("0.05", seed)
    assert len(told.cars) == 5
    assert all(step.at < scenario().quarter.end for step in told.steps)


@pytest.mark.parametrize("text", ["", "all", "0", "-1", "0.001", "3.01", "nan", "1e9", "inf"])
def test_a_scale_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ScaleOutside) as refused:
        parse_scale(text)
    assert refused.value.text == text


def test_even_the_shortest_run_makes_cars() -> None:
    assert parse_scale("0.01").cars == 5
    assert not parse_scale("0.01").whole
    assert parse_scale("1").whole
    assert parse_scale("3").cars == 300


def test_the_estimate_ends_at_nothing() -> None:
    estimate = Estimate(story().steps, workers=2)
    assert estimate.seconds_left == 0
    for count, step in enumerate(estimate.proofs, start=1):
        estimate.proved(step, 1.0)
        assert estimate.count == count
        assert estimate.seconds_left >= 0
    assert estimate.seconds_left == 0


# ------------------------------------------------------------------ the book's own refusals


def _granted(at: int = 1_000_000) -> Deed:
    return Deed(
        at=BlockTime(scenario().quarter.start + at),
        chapter=Chapter.OUTSIDE,
        actor=MemberId("ledgerwell"),
        recipe="grant-intake",
        inputs=(),
        outputs=(
            Wish(FormName("intake"), amounts={tied(COBALT, Kind.LICENCE): milligrams(5_000_000)}),
        ),
        grantee=MWINDA,
    )


def _opened(lot_at: int) -> Deed:
    book_deed = _granted()
    return replace(
        book_deed,
        at=BlockTime(scenario().quarter.start + lot_at),
        actor=MWINDA,
        grantee=None,
        recipe="open-stock",
        outputs=(Wish(FormName("cobalt-sulfate"), amounts={COBALT: milligrams(5_000_000)}),),
    )


def test_a_lot_is_not_used_twice() -> None:
    book = empty_book()
    (intake,) = book.work(_granted())
    deed = replace(_opened(2_000_000), inputs=(intake,), process=_process())
    book.work(deed)
    with pytest.raises(LotGone) as refused:
        book.work(deed)
    assert refused.value.lot == intake.name


def _process() -> ProcessNumbers:
    return ProcessNumbers(GramsCO2e(10), GramsCO2e(0))


def test_a_lot_is_not_used_by_somebody_else() -> None:
    book = empty_book()
    (intake,) = book.work(_granted())
    with pytest.raises(LotNotHeld) as refused:
        book.work(replace(_opened(2_000_000), actor=NYOTA, inputs=(intake,)))
    assert (refused.value.holder, refused.value.actor) == (MWINDA, NYOTA)


def test_a_lot_is_not_used_before_it_is_made() -> None:
    book = empty_book()
    (intake,) = book.work(_granted())
    with pytest.raises(LotNotYetMade):
        book.work(replace(_opened(500_000), inputs=(intake,)))


def test_numbers_that_cannot_be_are_refused_before_anything_is_proved() -> None:
    book = empty_book()
    (intake,) = book.work(_granted())
    more = Wish(FormName("cobalt-sulfate"), amounts={COBALT: milligrams(5_000_001)})
    with pytest.raises(PlanRefused):
        book.work(
            replace(_opened(2_000_000), inputs=(intake,), outputs=(more,), process=_process())
        )


def test_what_nobody_made_together_cannot_be_undone_together() -> None:
    book = empty_book()
    (first,), (second,) = book.work(_granted()), book.work(_granted(1_500_000))
    with pytest.raises(LotGone):
        book.reverse(BlockTime(second.made_at + 1), (first, second))


def test_a_declined_lot_stays_with_its_seller() -> None:
    book = empty_book()
    (intake,) = book.work(_granted())
    (stock,) = book.work(replace(_opened(2_000_000), inputs=(intake,), process=_process()))
    at = BlockTime(stock.made_at + 10)
    offered = book.offer(at, Chapter.TRADE, (stock,), NYOTA)
    book.decline(BlockTime(at + 10), offered, "no")
    assert book.unspent(MWINDA) == (stock,)
    assert book.unspent(NYOTA) == ()
    (sold,) = book.sell(BlockTime(at + 20), Chapter.TRADE, (stock,), NYOTA)
    assert sold.contents == stock.contents
    assert book.unspent(NYOTA) == (sold,)


def test_a_step_is_as_wide_as_its_statement() -> None:
    told = story()
    step = next(s for s in told.steps if isinstance(s, Work) and s.recipe == "leach-cobalt")
    tables = reference()
    desk = Desk(tables.tables, tables.constants, step.at, tables.addresses[step.actor])
    assert statement_of(desk, step.planned).range_bits == step.range_bits
