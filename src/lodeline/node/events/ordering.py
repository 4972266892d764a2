"""Order by an extension: numbers, then moments, then texts, then events that have no such field.

Texts are ordered by their code points, whatever the language (EPCIS 2.0, section 8.2.7.1,
``orderBy``). Events of the same value stand in the order of capture.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

from lodeline.exchange.epcis.value import JsonValue
from lodeline.node.events.parameters import Order
from lodeline.node.events.predicates import comparable, read_event
from lodeline.node.events.store import Seq, StoredEvent

__all__ = ["SortKey", "read_sort_key", "sort_key", "written_sort_key"]

_NUMBER: Final = 0
_MOMENT: Final = 1
_TEXT: Final = 2
_MISSING: Final = 3
_NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True, order=True)
class SortKey:
    """Place of an event in an order by an extension."""

    rank: int
    """Which kind of value it is."""
    amount: Fraction
    """The number, or the moment in microseconds."""
    text: str
    seq: Seq


def sort_key(order: Order, stored: StoredEvent) -> SortKey:
    """Return the place of an event: that of the first of its values."""
    if order.source is None:
        message = f"{order.field} is a column"
        raise ValueError(message)
    event = read_event(stored.body, exact=True)
    value = next(order.source.values(event), None)
    found = comparable(value, event.namespaces)
    if found is None:
        return SortKey(_MISSING, _NOTHING, "", stored.seq)
    if found.number is not None:
        return SortKey(_NUMBER, Fraction(found.number), "", stored.seq)
    if found.moment is not None:
        return SortKey(_MOMENT, Fraction(found.moment), "", stored.seq)
    return SortKey(_TEXT, _NOTHING, str(value), stored.seq)


def written_sort_key(key: SortKey) -> JsonValue:
    """Return a key as a value of JSON."""
    return [key.rank, str(key.amount), key.text, key.seq]


def read_sort_key(value: JsonValue) -> SortKey:
    """Return the key that a value of JSON stands for, which this module wrote."""
    rank, amount, text, seq = cast(list[int | str], value)
    return SortKey(int(rank), Fraction(str(amount)), str(text), Seq(int(seq)))
