"""Mass-balance credit: a quarter's account, carried once, never longer."""

import pytest
from msgspec import structs
from tests.ledger.world import REFINERY, World

from lodeline.custody.lots import LotPublic
from lodeline.kernel.ids import LotId
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.ledger.refusals_transforms import (
    CreditCarriedTwice,
    ExpiryWrong,
    LotExpired,
    RightFromNowhere,
)

DEPOSIT = "refine-cobalt-sulfate-mass-balance"
CLAIM = "IRMA-75/mass-balance"
QUARTER_END = parse_time("2026-03-31T23:59:59Z")
NEXT_QUARTER_END = parse_time("2026-06-30T23:59:59Z")


@pytest.fixture
def world() -> World:
    return World("grant-intake", "open-stock", "grant-assurance", DEPOSIT, "carry-credit")


def _credit(world: World, expires: int, form: str = "credit") -> LotPublic:
    return world.paper(form, {"Co.credit": (CLAIM,)}, expires=expires)


def _hydroxide(world: World) -> LotId:
    intake = world.paper("intake", {"Co.licence": ()}, expires=world.right_expiry())
    (right,) = world.does("grant-intake", [], [intake], site=REFINERY)
    lot = world.paper("cobalt-hydroxide", {"Co": ()})
    (stock,) = world.does("open-stock", [right], [lot], site=REFINERY)
    return stock


def _deposited(world: World, expires: int = QUARTER_END) -> LotId:
    outputs = [world.paper("cobalt-sulfate", {"Co": ()}), _credit(world, expires)]
    _, credit = world.does(DEPOSIT, [_hydroxide(world)], outputs, site=REFINERY)
    return credit


def test_a_deposit_expires_with_its_block_s_quarter(world: World) -> None:
    hydroxide = _hydroxide(world)
    sulfate = world.paper("cobalt-sulfate", {"Co": ()})
    for wrong in (QUARTER_END + 1, NEXT_QUARTER_END, world.right_expiry()):
        outputs = [sulfate, _credit(world, wrong)]
        entry = world.make(DEPOSIT, [hydroxide], outputs, site=REFINERY)
        world.refused(entry, ExpiryWrong, index=1, expected=QUARTER_END, found=wrong)
    credit = _credit(world, QUARTER_END)
    entry = world.make(DEPOSIT, [hydroxide], [sulfate, credit], site=REFINERY)
    late = parse_time("2026-04-01T00:00:00Z")
    world.refused(entry, ExpiryWrong, late, index=1, expected=NEXT_QUARTER_END)
    world.apply(entry)


def test_an_assurance_beside_it_does_not_shorten_a_credit(world: World) -> None:
    assurance = world.assurance(standard="RMAP-refiner")
    (right,) = world.does("grant-assurance", [], [assurance], site=REFINERY)
    outputs = [
        world.paper("cobalt-sulfate", {"Co": ()}),
        world.assurance(standard="RMAP-refiner"),
        _credit(world, QUARTER_END),
    ]
    assert world.right_expiry() != QUARTER_END
    world.does(DEPOSIT, [_hydroxide(world), right], outputs, site=REFINERY)


def test_credit_is_carried_into_the_next_quarter_and_no_further(world: World) -> None:
    credit = _deposited(world)
    too_long = _credit(world, NEXT_QUARTER_END + 1, "credit-carried")
    entry = world.make("carry-credit", [credit], [too_long], site=REFINERY)
    world.refused(entry, ExpiryWrong, index=0, expected=NEXT_QUARTER_END)
    good = _credit(world, NEXT_QUARTER_END, "credit-carried")
    carry = world.make("carry-credit", [credit], [good], site=REFINERY)
    world.refused(carry, LotExpired, BlockTime(QUARTER_END + 1), lot=credit)
    world.apply(carry, QUARTER_END)
    (carried,) = (lot for lot, record in world.state.lots.items() if record.carried)
    again = _credit(world, parse_time("2026-09-30T23:59:59Z"), "credit-carried")
    twice = world.make("carry-credit", [carried], [again], site=REFINERY)
    world.refused(twice, CreditCarriedTwice, lot=carried)


def test_what_is_carried_stays_marked_as_carried(world: World) -> None:
    credit = _deposited(world)
    good = _credit(world, NEXT_QUARTER_END, "credit-carried")
    (carried,) = world.does("carry-credit", [credit], [good], site=REFINERY)
    record = world.state.lots.get(carried)
    assert record is not None
    assert record.carried
    fresh = world.state.lots.get(credit)
    assert fresh is not None
    assert not fresh.carried


def test_credit_is_not_carried_from_nothing(world: World) -> None:
    stock = _hydroxide(world)
    good = _credit(world, NEXT_QUARTER_END, "credit-carried")
    entry = world.make("carry-credit", [stock], [good], site=REFINERY)
    world.refused(entry, RightFromNowhere, index=0, form="credit-carried")


def test_a_consortium_with_monthly_accounts() -> None:
    world = World("grant-licence")
    assert world.state.constants is not None
    monthly = structs.replace(world.state.constants, credit_period="month")
    moment = parse_time("2026-01-15T00:00:00Z")
    assert monthly.credit_expiry(moment) == parse_time("2026-01-31T23:59:59Z")
    end = monthly.credit_expiry(moment)
    assert monthly.carried_expiry(end) == parse_time("2026-02-28T23:59:59Z")
