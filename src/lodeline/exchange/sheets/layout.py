"""The templates: which columns each step has, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lodeline.exchange.sheets.refusals import SheetKindUnknown
from lodeline.exchange.substances import CARBON_DIOXIDE, SUBSTANCES, WATER

__all__ = ["ELEMENTS", "KINDS", "Cell", "Column", "SheetKind", "kind_named"]

ELEMENTS: Final = tuple(
    symbol for symbol in SUBSTANCES.values() if symbol not in {WATER, CARBON_DIOXIDE}
)


class Cell(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    TIME = "time"
    URI = "uri"
    NUMBER = "number"
    PERCENT = "percent"
    """Of the whole: 12.4, or 12.4 % as a spreadsheet program shows it."""
    UNIT = "unit"
    DIRECTION = "direction"


@dataclass(frozen=True)
class Column:
    """One column: its key is the head, its titles explain it."""

    key: str
    cell: Cell
    en: str
    fr: str
    is_needed: bool = False
    is_of_event: bool = False
    """Whether all rows of one event say the same there."""


@dataclass(frozen=True)
class SheetKind:
    """A template: rows of the same event number make one event of this kind."""

    name: str
    event_type: str
    action: str | None
    step: str
    columns: tuple[Column, ...]
    examples: tuple[Mapping[str, str], ...]
    """Rows that show how it is filled in: one event."""

    def column(self, key: str) -> Column | None:
        """Return the column of a key."""
        return next((each for each in self.columns if each.key == key), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the heads of the columns in order."""
        return tuple(column.key for column in self.columns)


def _event(key: str, cell: Cell, en: str, fr: str, *, needed: bool = False) -> Column:
    return Column(key, cell, en, fr, needed, is_of_event=True)


_HEAD: Final = (
    _event("event", Cell.TEXT, "number of the event", "numéro de l'événement", needed=True),
    _event(
        "time", Cell.TIME, "when, with zone: 2026-03-01T08:30:00+02:00",
        "quand, avec fuseau : 2026-03-01T08:30:00+02:00", needed=True,
    ),
    _event("place", Cell.URI, "read point (URI)", "point de lecture (URI)"),
    _event("step", Cell.TEXT, "step, if another than usual", "étape, si autre que d'usage"),
    _event("document", Cell.URI, "waybill or ticket (URI)", "lettre de voiture ou bon (URI)"),
)  # fmt: skip
_GOODS: Final = (
    Column(
        "goods", Cell.URI, "lot or thing (EPC URI or link)", "lot ou objet (URI EPC ou lien)",
        is_needed=True,
    ),
    Column("quantity", Cell.NUMBER, "how much", "quantité"),
    Column("unit", Cell.UNIT, "kg, t, g; empty for pieces", "kg, t, g ; vide pour des pièces"),
)  # fmt: skip
_FOUND: Final = (
    Column("moisture", Cell.PERCENT, "moisture, %", "humidité, %"),
    *(
        Column(f"assay {symbol}", Cell.PERCENT, f"{symbol} in the dry material, %",
               f"{symbol} dans la matière sèche, %")
        for symbol in ELEMENTS
    ),
    Column("laboratory", Cell.URI, "who assayed (URI)", "qui a analysé (URI)"),
    Column("method", Cell.URI, "method (URI)", "méthode (URI)"),
)  # fmt: skip
_EMITTED: Final = (_event("emissions", Cell.NUMBER, "kg CO2e of the step", "kg CO2e de l'étape"),)
_MOVED: Final = (
    _event("from", Cell.URI, "who owned it (URI)", "qui le possédait (URI)"),
    _event("to", Cell.URI, "who owns it then (URI)", "qui le possède ensuite (URI)", needed=True),
)
_DIRECTION: Final = (
    Column("direction", Cell.DIRECTION, "in or out", "in (entrée) ou out (sortie)", is_needed=True),
)
_BECOMES: Final = Column(
    "direction",
    Cell.DIRECTION,
    "in; out for what it becomes",
    "in ; out pour ce qui en sort",
)
_CONTAINER: Final = (
    _event("container", Cell.URI, "bag, pallet, container (URI)", "sac, palette, conteneur (URI)",
           needed=True),
)  # fmt: skip

_TIME: Final = "2026-03-01T08:30:00+02:00"
_PLACE: Final = "urn:epc:id:sgln:4012345.00001.0"
_LOT: Final = "urn:epc:class:lgtin:4012345.011111.L1"
_EXAMPLE: Final = {
    "event": "1", "time": _TIME, "place": _PLACE, "goods": _LOT, "quantity": "24600", "unit": "kg",
}  # fmt: skip
_ASSAYED: Final = {"moisture": "12.4", "assay Co": "0.52", "assay Cu": "2.1"}
_PARTIES: Final = {
    "from": "urn:epc:id:pgln:4012345.00000", "to": "urn:epc:id:pgln:4099999.00000",
}  # fmt: skip

_CHANGED: Final = (
    {**_EXAMPLE, "direction": "in"},
    {
        "event": "1", "time": _TIME, "direction": "out", "quantity": "300", "unit": "kg",
        "goods": "urn:epc:class:lgtin:4012345.011112.L1", "moisture": "5", "assay Co": "35",
    },
)  # fmt: skip

_ENDED: Final = (
    {
        "event": "1", "time": _TIME, "place": _PLACE, "direction": "in",
        "goods": "urn:epc:id:sgtin:4012345.066662.1",
    },
    {
        "event": "1", "time": _TIME, "direction": "out", "quantity": "140", "unit": "kg",
        "goods": "urn:epc:class:lgtin:4012345.077771.L1", "assay Co": "7", "assay Ni": "21",
    },
)  # fmt: skip

KINDS: Final[Mapping[str, SheetKind]] = {
    kind.name: kind
    for kind in (
        SheetKind(
            "commissioning", "ObjectEvent", "ADD", "commissioning",
            (*_HEAD, *_GOODS, *_FOUND, *_EMITTED), ({**_EXAMPLE, **_ASSAYED},),
        ),
        SheetKind(
            "transformation", "TransformationEvent", None, "commissioning",
            (*_HEAD, *_DIRECTION, *_GOODS, *_FOUND, *_EMITTED), _CHANGED,
        ),
        SheetKind(
            "shipping", "ObjectEvent", "OBSERVE", "shipping",
            (*_HEAD, *_GOODS, *_MOVED), ({**_EXAMPLE, **_PARTIES},),
        ),
        SheetKind(
            "receiving", "ObjectEvent", "OBSERVE", "receiving",
            (*_HEAD, *_GOODS, *_MOVED, *_FOUND), ({**_EXAMPLE, **_PARTIES, **_ASSAYED},),
        ),
        SheetKind(
            "packing", "AggregationEvent", "ADD", "packing",
            (*_HEAD, *_CONTAINER, *_GOODS),
            ({**_EXAMPLE, "container": "urn:epc:id:sscc:4012345.0000000001"},),
        ),
        SheetKind(
            "decommissioning", "ObjectEvent", "DELETE", "decommissioning",
            (*_HEAD, _BECOMES, *_GOODS, *_FOUND, *_EMITTED), _ENDED,
        ),
    )
}  # fmt: skip
"""Every template by its name."""


def kind_named(name: str) -> SheetKind:
    """Return a template.

    Raises:
        SheetKindUnknown: there is none of that name.
    """
    if name not in KINDS:
        raise SheetKindUnknown(name, tuple(KINDS))
    return KINDS[name]
