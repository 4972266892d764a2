"""How elements, water and carbon dioxide are named in the measurements of events.

A chemical substance in an EPCIS sensor report is a URI; identifiers.org has one for each InChIKey
(IUPAC). Whose of several lots a measurement is, the standard does not say: sensor elements name it
with an extension, ``lot`` of the namespace `NAMESPACE`.

The table has the elements that the consortium's tables follow. A company that measures another
substance, or names one of these otherwise, says so in its mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["CARBON_DIOXIDE", "NAMESPACE", "SUBSTANCES", "WATER", "substance_uri"]

NAMESPACE: Final = "urn:lodeline:epcis:"
"""Of the extensions that are read here."""
WATER: Final = "H2O"
CARBON_DIOXIDE: Final = "CO2"
_INCHI: Final = "https://identifiers.org/inchikey:"
SUBSTANCES: Final[Mapping[str, str]] = {
    f"{_INCHI}OKTJSMMVPCPJKN-UHFFFAOYSA-N": "C",
    f"{_INCHI}GUTLYIVDDKVIGB-UHFFFAOYSA-N": "Co",
    f"{_INCHI}RYGMFSIKBFXOCR-UHFFFAOYSA-N": "Cu",
    f"{_INCHI}WHXSMMKQMYFTQS-UHFFFAOYSA-N": "Li",
    f"{_INCHI}PWHULOQIROLJBO-UHFFFAOYSA-N": "Mn",
    f"{_INCHI}PXHVJJICTQNCMI-UHFFFAOYSA-N": "Ni",
    f"{_INCHI}ATJFFYVFTNAWJD-UHFFFAOYSA-N": "Sn",
    f"{_INCHI}GUVRBAGPIYLISA-UHFFFAOYSA-N": "Ta",
    f"{_INCHI}WFKWXMTUELFFGS-UHFFFAOYSA-N": "W",
    f"{_INCHI}XLYOFNOQVPJJNP-UHFFFAOYSA-N": WATER,
    f"{_INCHI}CURLTUGMZLYLDI-UHFFFAOYSA-N": CARBON_DIOXIDE,
}
"""Symbol of each substance by its URI."""
_URIS: Final = {symbol: uri for uri, symbol in SUBSTANCES.items()}


def substance_uri(symbol: str) -> str:
    """Return the URI of an element, of `WATER` or of `CARBON_DIOXIDE`; each is in `SUBSTANCES`."""
    return _URIS[symbol]
