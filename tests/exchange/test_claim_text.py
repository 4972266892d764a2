"""Claims as people type them."""

import pytest

from lodeline.custody.claims import UnknownClaim
from lodeline.exchange.claim_text import (
    AmountsReversed,
    ClaimNotUnderstood,
    read_claim,
    say_question,
)
from lodeline.kernel.ids import ElementSymbol, StandardName
from lodeline.kernel.unit_errors import QuantityError
from lodeline.proofs.questions import (
    AmountBetween,
    IntensityAtMost,
    PrimaryAtLeast,
    Question,
    ShareAtLeast,
)

CO = ElementSymbol("Co")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "share RMAP-refiner Co >= 90 %",
            ShareAtLeast(CO, StandardName("RMAP-refiner"), "controlled-blending", 900_000),
        ),
        (
            "share RMAP-refiner/mass-balance Co ≥ 90%",
            ShareAtLeast(CO, StandardName("RMAP-refiner"), "mass-balance", 900_000),
        ),
        (
            "recycled-pre Co at least 16 %",
            ShareAtLeast(CO, StandardName("recycled-pre"), "controlled-blending", 160_000),
        ),
        ("intensity Co <= 12 kg CO2e/kg", IntensityAtMost(CO, 12_000)),
        ("amount Co 100 kg .. 2 t", AmountBetween(CO, 100_000_000, 2_000_000_000)),
        ("  amount   Co 100 kg…2 t ", AmountBetween(CO, 100_000_000, 2_000_000_000)),
        ("primary >= 50 %", PrimaryAtLeast(500_000)),
    ],
)
def test_five_kinds_of_claims(text: str, question: Question) -> None:
    assert read_claim(text) == question
    english, french = say_question(question, "en"), say_question(question, "fr")
    assert english != french
    assert not english.endswith(".")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ClaimNotUnderstood),
        ("share Co >= 90 %", ClaimNotUnderstood),
        ("share RMAP-refiner Co <= 90 %", ClaimNotUnderstood),
        ("good ore", ClaimNotUnderstood),
        ("share RMAP-refiner/by-hand Co >= 90 %", UnknownClaim),
        ("share RMAP-refiner Co >= 90", QuantityError),
        ("share RMAP-refiner Co >= 190 %", QuantityError),
        ("intensity Co <= 12", QuantityError),
        ("amount Co 100 .. 200", QuantityError),
        ("amount Co 2 t .. 100 kg", AmountsReversed),
    ],
)
def test_what_cannot_be_claimed(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_claim(text)
