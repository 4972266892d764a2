"""Quantities as people write them: read exactly, written exactly, or refused with a reason."""

import contextlib
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel import unit_errors as refusals
from lodeline.kernel.bounds import (
    AMOUNT_BITS,
    INTENSITY_BITS,
    MAX_AMOUNT,
    MAX_EMISSIONS,
    MAX_INTENSITY,
    PPM_ONE,
    RATE_BITS,
)
from lodeline.kernel.errors import Lang, all_errors
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.unit_errors import QuantityError
from lodeline.kernel.units import (
    Assay,
    GramsCO2e,
    GramsPerKg,
    Milligrams,
    Ppm,
    contained,
    format_emissions,
    format_intensity,
    format_mass,
    format_share,
    grams_co2e,
    grams_per_kg,
    milligrams,
    parse_assay,
    parse_emissions,
    parse_intensity,
    parse_mass,
    parse_percent,
    ppm,
)

langs: st.SearchStrategy[Lang] = st.sampled_from(("en", "fr"))
masses = st.integers(0, MAX_AMOUNT).map(Milligrams)
rates = st.integers(0, PPM_ONE).map(Ppm)

MASSES = [
    ("24.60 t", 24_600_000_000),
    ("24,60 t", 24_600_000_000),
    ("24,6 t", 24_600_000_000),
    ("24.600 t", 24_600_000_000),
    ("24,6000 t", 24_600_000_000),
    ("0,125 t", 125_000_000),
    ("24600 kg", 24_600_000_000),
    ("24 600 kg", 24_600_000_000),
    ("24\u202f600,500 kg", 24_600_500_000),
    ("24\u00a0600.5\u00a0kg", 24_600_500_000),
    ("1 g", 1_000),
    ("1 mg", 1),
    ("1mg", 1),
    ("  7 kg  ", 7_000_000),
    ("0 t", 0),
    ("007 kg", 7_000_000),
    ("0.000000001 t", 1),
    ("1.00000000000000000000000000000000000000000000000000000000000 kg", 1_000_000),
    ("4503599.627370495 t", MAX_AMOUNT),
]

Parser = Callable[[str], object]

REFUSED: list[tuple[Parser, str, type[QuantityError]]] = [
    (parse_mass, "24.60", refusals.UnitMissing),
    (parse_mass, "24 600", refusals.UnitMissing),
    (parse_mass, "24 lb", refusals.UnitUnknown),
    (parse_mass, "24 T", refusals.UnitUnknown),
    (parse_mass, "24 Mg", refusals.UnitUnknown),
    (parse_mass, "24 t of ore", refusals.UnitUnknown),
    (parse_mass, "24 µg", refusals.UnitUnknown),
    (parse_mass, "24 t CO2e", refusals.UnitUnknown),
    (parse_mass, "24,600 t", refusals.SeparatorAmbiguous),
    (parse_mass, "1,000 kg", refusals.SeparatorAmbiguous),
    (parse_mass, "1234,567 kg", refusals.SeparatorAmbiguous),
    (parse_mass, "1,234.5 t", refusals.SeparatorAmbiguous),
    (parse_mass, "1.234,5 t", refusals.SeparatorAmbiguous),
    (parse_mass, "1.234.567 g", refusals.SeparatorAmbiguous),
    (parse_mass, "1,234,567 g", refusals.SeparatorAmbiguous),
    (parse_mass, "-3 t", refusals.NegativeQuantity),
    (parse_mass, "- 3 t", refusals.NegativeQuantity),
    (parse_mass, "\u22123 t", refusals.NegativeQuantity),
    (parse_mass, "\u20133 t", refusals.NegativeQuantity),
    (parse_mass, "-0 t", refusals.NegativeQuantity),
    (parse_mass, "", refusals.NotANumber),
    (parse_mass, "   ", refusals.NotANumber),
    (parse_mass, "t", refusals.NotANumber),
    (parse_mass, "about 3 t", refusals.NotANumber),
    (parse_mass, "+3 t", refusals.NotANumber),
    (parse_mass, ".5 t", refusals.NotANumber),
    (parse_mass, "5. t", refusals.NotANumber),
    (parse_mass, "5_000 kg", refusals.NotANumber),
    (parse_mass, "24 60 t", refusals.NotANumber),
    (parse_mass, "24  600 t", refusals.NotANumber),
    (parse_mass, "24'600 t", refusals.NotANumber),
    (parse_mass, "3\n t", refusals.NotANumber),
    (parse_mass, "NaN t", refusals.NotFinite),
    (parse_mass, "-inf kg", refusals.NotFinite),
    (parse_mass, "Infinity t", refusals.NotFinite),
    (parse_mass, "1e3 t", refusals.ExponentRefused),
    (parse_mass, "2.46E+1 t", refusals.ExponentRefused),
    (parse_mass, "1e-3t", refusals.ExponentRefused),
    (parse_mass, "\u0663 t", refusals.DigitsNotAscii),
    (parse_mass, "\uff12\uff14 t", refusals.DigitsNotAscii),
    (parse_mass, "2\u00bd t", refusals.DigitsNotAscii),
    (parse_mass, "3\u00b2 t", refusals.DigitsNotAscii),
    (parse_mass, "0.5 mg", refusals.TooFine),
    (parse_mass, "1.0000000001 t", refusals.TooFine),
    (parse_mass, "4503599.627370496 t", refusals.QuantityOutOfRange),
    (parse_mass, "9" * 60 + " t", refusals.QuantityOutOfRange),
    (parse_mass, "9" * 70 + " t", refusals.QuantityTooLong),
    (parse_emissions, "5.2 t", refusals.UnitUnknown),
    (parse_emissions, "5.2", refusals.UnitMissing),
    (parse_emissions, "0.5 g CO2e", refusals.TooFine),
    (parse_emissions, "4503599628 t CO2e", refusals.QuantityOutOfRange),
    (parse_emissions, "5,200 kg CO2e", refusals.SeparatorAmbiguous),
    (parse_percent, "12.4", refusals.UnitMissing),
    (parse_percent, "12.4 percent", refusals.UnitUnknown),
    (parse_percent, "12 \u2030", refusals.UnitUnknown),
    (parse_percent, "100.0001 %", refusals.QuantityOutOfRange),
    (parse_percent, "0.00001 %", refusals.TooFine),
    (parse_percent, "0.5 ppm", refusals.TooFine),
    (parse_percent, "125,000 ppm", refusals.SeparatorAmbiguous),
    (parse_percent, "-1 %", refusals.NegativeQuantity),
    (parse_intensity, "9.8 kg CO2e", refusals.UnitUnknown),
    (parse_intensity, "9.8", refusals.UnitMissing),
    (parse_intensity, "9,800 kg CO2e/kg", refusals.SeparatorAmbiguous),
    (parse_intensity, "0.0001 kg CO2e/kg", refusals.TooFine),
    (parse_intensity, "16777.216 kg CO2e/kg", refusals.QuantityOutOfRange),
    (parse_assay, "33.1 %", refusals.ElementMissing),
    (parse_assay, "33.1 % cobalt", refusals.ElementMissing),
    (parse_assay, "33.1 % co", refusals.ElementMissing),
    (parse_assay, "Co 33.1 %", refusals.ElementMissing),
    (parse_assay, "", refusals.ElementMissing),
    (parse_assay, "33.1 Co", refusals.UnitMissing),
    (parse_assay, "133.1 % Co", refusals.QuantityOutOfRange),
    (parse_assay, "Co", refusals.NotANumber),
    (parse_assay, "1" * 80 + " % Co", refusals.QuantityTooLong),
]


def test_the_bounds_are_what_the_widths_say() -> None:
    assert MAX_AMOUNT == MAX_EMISSIONS == 2**AMOUNT_BITS - 1
    assert MAX_INTENSITY == 2**INTENSITY_BITS - 1
    assert 2 ** (RATE_BITS - 1) < PPM_ONE < 2**RATE_BITS


@pytest.mark.parametrize(("text", "mass"), MASSES)
def test_a_mass_is_read(text: str, mass: int) -> None:
    assert parse_mass(text) == mass


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_emissions, "5.2 t CO2e", 5_200_000),
        (parse_emissions, "5,2 tCO2e", 5_200_000),
        (parse_emissions, "1 kg CO\u2082e", 1_000),
        (parse_emissions, "1 g CO2e", 1),
        (parse_percent, "12.4 %", 124_000),
        (parse_percent, "12,4%", 124_000),
        (parse_percent, "33,125 %", 331_250),
        (parse_percent, "100 %", PPM_ONE),
        (parse_percent, "250 ppm", 250),
        (parse_intensity, "9.8 kg CO2e/kg", 9_800),
        (parse_intensity, "9.8 t CO2e/t", 9_800),
        (parse_intensity, "9800 g CO2e/kg", 9_800),
        (parse_intensity, "9800 kg CO2e/t", 9_800),
        (parse_assay, "33.1 % Co", Assay(ElementSymbol("Co"), Ppm(331_000))),
        (parse_assay, "33,1%Co", Assay(ElementSymbol("Co"), Ppm(331_000))),
        (parse_assay, "250 ppm U", Assay(ElementSymbol("U"), Ppm(250))),
    ],
)
def test_a_quantity_is_read(parse: Parser, text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text", "error"), REFUSED)
def test_a_quantity_is_refused_for_one_reason(
    parse: Parser, text: str, error: type[QuantityError]
) -> None:
    with pytest.raises(QuantityError) as caught:
        parse(text)
    assert type(caught.value) is error


def test_every_reason_of_the_family_is_tested() -> None:
    family = {error for error in all_errors().values() if issubclass(error, QuantityError)}
    assert {error for _, _, error in REFUSED} == family


def test_a_refusal_carries_what_disagreed() -> None:
    with pytest.raises(refusals.UnitUnknown) as unknown:
        parse_mass("3 lb")
    assert (unknown.value.unit, unknown.value.known) == ("lb", ("t", "kg", "g", "mg"))
    with pytest.raises(refusals.QuantityOutOfRange) as beyond:
        parse_percent("101 %")
    assert (beyond.value.value, beyond.value.maximum) == (1_010_000, PPM_ONE)
    with pytest.raises(refusals.TooFine) as fine:
        parse_mass("0.1 mg")
    assert (fine.value.text, fine.value.finest) == ("0.1 mg", "1 mg")


@pytest.mark.parametrize(
    ("check", "maximum"),
    [
        (milligrams, MAX_AMOUNT),
        (grams_co2e, MAX_EMISSIONS),
        (ppm, PPM_ONE),
        (grams_per_kg, MAX_INTENSITY),
    ],
)
def test_an_integer_is_checked_at_both_ends(check: Callable[[int], int], maximum: int) -> None:
    assert check(0) == 0
    assert check(maximum) == maximum
    for value in (-1, maximum + 1):
        with pytest.raises(refusals.QuantityOutOfRange) as caught:
            check(value)
        assert (caught.value.value, caught.value.maximum) == (value, maximum)


@pytest.mark.parametrize(
    ("mass", "en", "fr"),
    [
        (0, "0 mg", "0\u00a0mg"),
        (999, "999 mg", "999\u00a0mg"),
        (24_600_000_000, "24.6 t", "24,6\u00a0t"),
        (24_601_000_000, "24\u202f601 kg", "24\u202f601\u00a0kg"),
        (12_345_678, "12.345678 kg", "12,345678\u00a0kg"),
        (MAX_AMOUNT, "4\u202f503\u202f599.627370495 t", "4\u202f503\u202f599,627370495\u00a0t"),
    ],
)
def test_a_mass_is_written_for_two_kinds_of_readers(mass: int, en: str, fr: str) -> None:
    assert format_mass(Milligrams(mass), "en") == en
    assert format_mass(Milligrams(mass), "fr") == fr


def test_other_quantities_are_written() -> None:
    assert format_emissions(GramsCO2e(5_200_000), "fr") == "5,2\u00a0t CO2e"
    assert format_share(Ppm(331_000), "en") == "33.1 %"
    assert format_share(Ppm(331_250), "fr") == "33,125\u00a0%"
    assert format_share(Ppm(5_000), "en") == "0.5 %"
    assert format_share(Ppm(99), "en") == "99 ppm"
    assert format_intensity(GramsPerKg(9_800), "en") == "9.8 kg CO2e/kg"
    assert format_intensity(GramsPerKg(9_801), "en") == "9\u202f801 g CO2e/kg"


def test_what_is_out_of_range_is_not_written() -> None:
    with pytest.raises(refusals.QuantityOutOfRange):
        format_mass(Milligrams(-1), "en")
    with pytest.raises(refusals.QuantityOutOfRange):
        format_share(Ppm(PPM_ONE + 1), "fr")


@pytest.mark.property
@given(masses, langs)
def test_a_mass_is_read_as_it_is_written(mass: Milligrams, lang: Lang) -> None:
    assert parse_mass(format_mass(mass, lang)) == mass


@pytest.mark.property
@given(st.integers(0, MAX_EMISSIONS).map(GramsCO2e), langs)
def test_emissions_are_read_as_they_are_written(emissions: GramsCO2e, lang: Lang) -> None:
    assert parse_emissions(format_emissions(emissions, lang)) == emissions


@pytest.mark.property
@given(rates, langs)
def test_a_share_is_read_as_it_is_written(share: Ppm, lang: Lang) -> None:
    text = format_share(share, lang)
    assert parse_percent(text) == share
    assert parse_assay(f"{text} Co") == Assay(ElementSymbol("Co"), share)


@pytest.mark.property
@given(st.integers(0, MAX_INTENSITY).map(GramsPerKg), langs)
def test_an_intensity_is_read_as_it_is_written(intensity: GramsPerKg, lang: Lang) -> None:
    assert parse_intensity(format_intensity(intensity, lang)) == intensity


@pytest.mark.property
@given(st.integers(0, 4_000_000), st.text("0123456789", max_size=12))
def test_a_decimal_is_read_exactly_or_refused(whole: int, decimals: str) -> None:
    text = f"{whole}.{decimals} t" if decimals else f"{whole} t"
    exact = Fraction(f"{whole}.{decimals or '0'}") * 10**9
    if exact.denominator == 1:
        assert parse_mass(text) == exact
    else:
        with pytest.raises(refusals.TooFine):
            parse_mass(text)


@pytest.mark.fuzz
@given(st.text(max_size=70) | st.from_regex(r"[0-9., -]{0,12}(t|kg|%|ppm| CO2e|/)*( Co)?"))
def test_whatever_text_comes_a_quantity_or_a_refusal_comes_out(text: str) -> None:
    for parse in (parse_mass, parse_emissions, parse_percent, parse_intensity, parse_assay):
        with contextlib.suppress(QuantityError):
            parse(text)


def test_contained_metal_of_a_delivery() -> None:
    wet, moisture, assay = parse_mass("24.60 t"), parse_percent("12.4 %"), parse_percent("33.1 %")
    assert contained(wet, moisture, assay) == 7_132_917_600
    assert contained(wet, Ppm(0), Ppm(PPM_ONE)) == wet
    assert contained(wet, Ppm(PPM_ONE), assay) == 0
    assert contained(Milligrams(1), Ppm(1), Ppm(PPM_ONE)) == 0


@pytest.mark.property
@given(masses, rates, rates)
def test_contained_is_exact_and_rounded_down_once(
    wet: Milligrams, moisture: Ppm, assay: Ppm
) -> None:
    exact = Fraction(wet) * Fraction(PPM_ONE - moisture, PPM_ONE) * Fraction(assay, PPM_ONE)
    assert 0 <= exact - contained(wet, moisture, assay) < 1


def test_contained_refuses_a_rate_beyond_the_whole() -> None:
    for wet, moisture, assay in ((-1, 0, 0), (1, PPM_ONE + 1, 0), (1, 0, -1)):
        with pytest.raises(refusals.QuantityOutOfRange):
            contained(Milligrams(wet), Ppm(moisture), Ppm(assay))
