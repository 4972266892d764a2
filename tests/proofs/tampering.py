"""Ways to change a structure in one place: every leaf, every list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

__all__ = ["changed", "leaves", "lists"]

S = TypeVar("S", bound=msgspec.Struct)
Path = tuple[str | int, ...]


def _walk(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    yield path, value
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _walk(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))


def leaves(struct: msgspec.Struct) -> list[tuple[Path, bytes]]:
    """Return every byte string of a structure with its place."""
    return [(path, value) for path, value in _walk(struct, ()) if isinstance(value, bytes)]


def lists(struct: msgspec.Struct) -> list[tuple[Path, tuple[object, ...]]]:
    """Return every list of a structure with its place."""
    return [(path, value) for path, value in _walk(struct, ()) if isinstance(value, tuple)]


def changed(struct: S, path: Path, value: object) -> S:
    """Return the structure with one place changed."""
    found = _changed(struct, path, value)
    assert isinstance(found, type(struct))
    return found


def _changed(held: object, path: Path, value: object) -> object:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(held, msgspec.Struct):
        inner = _changed(getattr(held, str(step)), rest, value)
        return msgspec.structs.replace(held, **{str(step): inner})
    assert isinstance(held, tuple)
    assert isinstance(step, int)
    return (*held[:step], _changed(held[step], rest, value), *held[step + 1 :])
