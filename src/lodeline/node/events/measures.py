"""What an event measures: masses, moisture, assays and emissions, exact or refused.

An assay is a sensor report with a `chemicalSubstance` (an InChIKey at identifiers.org, or what the
mapping names) in per cent (P1) or ppm (59) of the dry material; water in the same units is the
moisture; a mass of carbon dioxide is the emission of the step. Where an event has several lots,
the metadata of a sensor element name theirs: an extension ``lot`` of the namespace `NAMESPACE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

from lodeline.exchange.epcis.document import Event, Quantity
from lodeline.exchange.epcis.value import ExactNumber, JsonObject, number_text
from lodeline.exchange.substances import CARBON_DIOXIDE, NAMESPACE, WATER
from lodeline.kernel.bounds import MAX_AMOUNT, PPM_ONE
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.units import Assay, GramsCO2e, Milligrams, Ppm
from lodeline.node.events.terms import TermValue, term_value
from lodeline.node.events.trade_refusals import (
    AssayAmbiguous,
    MeasureTooFine,
    UnitNotUnderstood,
)
from lodeline.node.events.units import UnitCode, base_quantity, comparable_units

__all__ = ["Found", "found_in", "mass_of"]

_MG_PER_KG: Final = 10**6
_GRAMS_PER_KG: Final = 10**3
_SHARES: Final = {"P1": PPM_ONE // 100, "59": 1}
_KILOGRAM: Final = UnitCode("KGM")


@dataclass(frozen=True)
class Found:
    """What the sensor reports of an event say of one lot, and of the step."""

    assays: tuple[Assay, ...] = ()
    moisture: Ppm | None = None
    emissions: GramsCO2e | None = None
    method: str = ""
    laboratory: str = ""


def mass_of(quantity: Quantity) -> Milligrams | None:
    """Return a quantity as a mass; nothing where it is a count of things, or left open.

    Raises:
        UnitNotUnderstood: it is in another unit than one of mass.
        MeasureTooFine: it is no whole number of milligrams, or too much.
    """
    if quantity.quantity is None or quantity.uom is None:
        return None
    kilograms = _kilograms(quantity.epc_class, quantity.quantity, quantity.uom)
    return Milligrams(_whole(quantity.epc_class, kilograms * _MG_PER_KG, "mg"))


def found_in(
    event: Event, lot: TermValue | None, lots: int, substances: Mapping[str, str]
) -> Found:
    """Return what the sensor elements of an event say of a lot.

    Args:
        event: the event.
        lot: of which lot; nothing for what is said of the step itself.
        lots: how many lots of the event could be meant where an element names none.
        substances: symbol of each substance by its URI.

    Raises:
        AssayAmbiguous: a substance is said twice of one lot, or of none of several.
        UnitNotUnderstood, MeasureTooFine: a value.
    """
    shares: dict[str, Ppm] = {}
    emissions: GramsCO2e | None = None
    method = laboratory = ""
    for metadata, report in _reports(event, lot):
        symbol = substances.get(str(report.get("chemicalSubstance")))
        if symbol is None or "value" not in report:
            continue
        if symbol == CARBON_DIOXIDE:
            if lot is None:
                emissions = GramsCO2e((emissions or 0) + _emitted(report))
            continue
        if lot is None:
            continue
        is_named = _named_lot(event, metadata) is not None
        if symbol in shares or (lots > 1 and not is_named):
            raise AssayAmbiguous(symbol, lots)
        shares[symbol] = _share(symbol, report)
        method = str(metadata.get("dataProcessingMethod", method))
        laboratory = str(metadata.get("deviceID", laboratory))
    moisture = shares.pop(WATER, None)
    assays = tuple(Assay(ElementSymbol(symbol), share) for symbol, share in shares.items())
    return Found(assays, moisture, emissions, method, laboratory)


def _reports(event: Event, lot: TermValue | None) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield every report that may be about a lot, with the metadata of its element."""
    for element in cast(Sequence[JsonObject], event.value.get("sensorElementList", ())):
        metadata = cast(JsonObject, element.get("sensorMetadata", {}))
        named = _named_lot(event, metadata)
        if lot is not None and named is not None and named != lot:
            continue
        for report in cast(Sequence[JsonObject], element.get("sensorReport", ())):
            yield metadata, report


def _named_lot(event: Event, metadata: JsonObject) -> TermValue | None:
    """The lot that an element's metadata name."""
    for prefix, namespace in event.namespaces.items():
        found = metadata.get(f"{prefix}:lot")
        if namespace == NAMESPACE and isinstance(found, str):
            return term_value(found)
    return None


def _share(symbol: str, report: JsonObject) -> Ppm:
    unit = str(report.get("uom", "–"))
    factor = _SHARES.get(unit)
    if factor is None:
        raise UnitNotUnderstood(symbol, unit, "P1, 59")
    value = Fraction(cast(ExactNumber, report["value"])) * factor
    if not 0 <= value <= PPM_ONE:
        raise MeasureTooFine(symbol, number_text(cast(ExactNumber, report["value"])), "ppm")
    return Ppm(_whole(symbol, value, "ppm"))


def _emitted(report: JsonObject) -> GramsCO2e:
    value = cast(ExactNumber, report["value"])
    kilograms = _kilograms(CARBON_DIOXIDE, value, str(report.get("uom", "–")))
    return GramsCO2e(_whole(CARBON_DIOXIDE, kilograms * _GRAMS_PER_KG, "g"))


def _kilograms(what: str, value: ExactNumber, unit: str) -> Fraction:
    if not comparable_units(UnitCode(unit), _KILOGRAM):
        raise UnitNotUnderstood(what, unit, "KGM, TNE, GRM")
    return base_quantity(value, UnitCode(unit))


def _whole(what: str, value: Fraction, unit: str) -> int:
    if value.denominator != 1 or not 0 <= value <= MAX_AMOUNT:
        raise MeasureTooFine(what, str(value), unit)
    return value.numerator
