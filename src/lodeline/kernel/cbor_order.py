"""The order in which a value is written: every map with its keys as RFC 8949 §4.2.1 has them.

The walk that puts keys in order also refuses what has no canonical form, so that a value is looked
at once before it is written.
"""

from collections.abc import Sequence
from typing import Final, cast

from lodeline.kernel.cbor_errors import (
    CborIntegerOutOfRange,
    CborTextNotUnicode,
    CborTooDeep,
    CborTypeRefused,
)

_MIN_INT: Final = -(2**64)
_MAX_INT: Final = 2**64 - 1
_ONLY_TEXT: Final = {str}
_PLAIN: Final = frozenset({bytes, bool, type(None)})
"""Kinds of which every value has a canonical form."""
_REMEMBERED: Final = 1024
"""Orders of keys that are remembered; a program has few kinds of maps."""
_REMEMBERED_CHARS: Final = 512
"""Most characters of the keys of an order that is remembered: none is as long as an attacker's."""

_orders: dict[tuple[str, ...], tuple[str, ...]] = {}
"""The order of keys, by the order in which they came."""


def in_order(value: object, max_depth: int) -> object:
    """Return the value with the keys of every map in order, and its tuples as lists.

    Raises:
        CborTypeRefused: a float, a map key that is not text, or any other type.
        CborIntegerOutOfRange: an integer outside -2**64 to 2**64 - 1.
        CborTextNotUnicode: a text with lone surrogates.
        CborTooDeep: arrays and maps nested deeper than `max_depth`, or holding themselves.
    """
    return _in_order(value, max_depth, max_depth)


def _in_order(value: object, room: int, max_depth: int) -> object:
    """Put a value in order; `room` is how many more containers may be opened."""
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        if room <= 0:
            raise CborTooDeep(limit=max_depth)
        if isinstance(value, dict):
            return _map_in_order(value, room - 1, max_depth)
        return [
            item
            if (kind := type(item)) in _PLAIN
            or (kind is str and isinstance(item, str) and item.isascii())
            or (kind is int and isinstance(item, int) and _MIN_INT <= item <= _MAX_INT)
            else _in_order(item, room - 1, max_depth)
            for item in cast("Sequence[object]", value)
        ]
    if kind not in _PLAIN:
        _check_single(value)
    return value


def _map_in_order(value: dict[str, object], room: int, max_depth: int) -> dict[str, object]:
    """Put a map in order; `room` is how many more containers may be opened within."""
    keys = tuple(value)
    if value and set(map(type, keys)) != _ONLY_TEXT:
        wrong = next(type(key) for key in keys if type(key) is not str)
        raise CborTypeRefused(type_name=f"map key {wrong.__qualname__}")
    ordered: dict[str, object] = {}
    for key in _orders.get(keys) or _order_of(keys):
        item = value[key]
        kind = type(item)
        # Most of what an entry holds needs no further look: no call for it.
        if (
            kind in _PLAIN
            or (kind is str and isinstance(item, str) and item.isascii())
            or (kind is int and isinstance(item, int) and _MIN_INT <= item <= _MAX_INT)
        ):
            ordered[key] = item
        else:
            ordered[key] = _in_order(item, room, max_depth)
    return ordered


def _check_single(value: object) -> None:
    """Refuse what is no integer that fits and no text; containers and plain kinds come not here."""
    kind = type(value)
    if isinstance(value, str) and kind is str:
        _check_text(value)
    elif isinstance(value, int) and kind is int:
        if not _MIN_INT <= value <= _MAX_INT:
            raise CborIntegerOutOfRange(value=value)
    else:
        raise CborTypeRefused(type_name=kind.__qualname__)


def _order_of(keys: tuple[str, ...]) -> tuple[str, ...]:
    for key in keys:
        _check_text(key)
    # The encoding of a longer text begins with a greater head.
    ordered = tuple(sorted(keys, key=_rank))
    if sum(map(len, keys)) <= _REMEMBERED_CHARS:
        if len(_orders) >= _REMEMBERED:
            _orders.clear()
        _orders[keys] = ordered
    return ordered


def _rank(key: str) -> tuple[int, bytes]:
    written = key.encode()
    return len(written), written


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise CborTextNotUnicode(length=len(text))
