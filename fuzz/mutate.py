"""Mutations of encoded structures: of bytes, and of the value that the bytes stand for.

Flipped bytes are nearly always refused at the first rule of the encoding. So most mutations decode
the value, change one place in it and encode it again: they pass the encoding and reach what lies
behind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError

__all__ = ["mutated"]

Place = tuple[object, ...]
_WORDS = (
    "",
    "Co",
    "Co.licence",
    "Co.tolerance",
    "Ni",
    "*",
    "mine-a/segregated",
    "x" * 65,
    "é",
    "\0",
)
_NUMBERS = (0, 1, -1, 2**52 - 1, 2**52, 2**63, 2**64 - 1, -(2**64), 1_000_000, 1_000_001)


def mutated(data: bytes, draw: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return the data changed in one to three places; ``others`` are inputs to borrow from."""
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        by_value = draw.random() < 0.8
        data = _value_changed(data, draw, others) if by_value else _bytes_changed(data, draw)
    return data


def _bytes_changed(data: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(data) + 1)
    kind = draw.randrange(4)
    if kind == 0 and place < len(data):
        return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + draw.randbytes(draw.randrange(1, 9)) + data[place:]
    if kind == 2:
        return data[:place] + data[place + draw.randrange(1, 40) :]
    return data[:place]


def _value_changed(data: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    try:
        value = cbor.decode(data)
    except LodelineError:
        return _bytes_changed(data, draw)
    places = _places(value, ())
    place = draw.choice(places)
    donor = _borrowed(others, draw)
    changed = _put(value, place, lambda held: _other(held, draw, donor))
    try:
        return cbor.encode(changed)
    except LodelineError:
        return _bytes_changed(data, draw)


def _borrowed(others: Sequence[bytes], draw: random.Random) -> object:
    """Return some part of another input."""
    if not others:
        return None
    try:
        value = cbor.decode(draw.choice(others))
    except LodelineError:
        return None
    place = draw.choice(_places(value, ()))
    return _get(value, place)


def _places(value: object, path: Place) -> list[Place]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _places(item, (*path, index))
    return found


def _get(value: object, path: Place) -> object:
    for step in path:
        children: object = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(children, dict):
            value = children[step]
    return value


def _put(value: object, path: Place, change: Callable[[object], object]) -> object:
    if not path:
        return change(value)
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, step: _put(value[step], rest, change)}
    if isinstance(value, list) and isinstance(step, int):
        inner: object = value[step]
        return [*value[:step], _put(inner, rest, change), *value[step + 1 :]]
    return value


def _other(held: object, draw: random.Random, donor: object) -> object:
    """Return another value in place of one: near to it, of another kind, or borrowed."""
    if draw.random() < 0.2:
        return draw.choice([donor, None, [], {}, draw.choice(_WORDS), draw.choice(_NUMBERS)])
    if isinstance(held, bytes):
        return _other_bytes(held, draw)
    if isinstance(held, str):
        return draw.choice([*_WORDS, held + "x", held[:-1], held.swapcase()])
    if isinstance(held, bool):
        return not held
    if isinstance(held, int):
        return draw.choice([*_NUMBERS, held + 1, held - 1, held * 2])
    if isinstance(held, list):
        return _other_list(held, draw)
    if isinstance(held, dict) and held:
        key = draw.choice(sorted(held))
        return draw.choice([{k: v for k, v in held.items() if k != key}, {**held, "spare": 0}])
    return donor


def _other_bytes(held: bytes, draw: random.Random) -> bytes:
    size = len(held)
    kinds = [bytes(size), draw.randbytes(size), held[:-1], held + b"\0", b"\xff" * size]
    if len(held) == 48:  # points that decode to nothing usable
        kinds += [b"\xc0" + bytes(47), b"\x80" + bytes(47), bytes([held[0] ^ 0x20]) + held[1:]]
    return draw.choice(kinds)


def _other_list(held: list[object], draw: random.Random) -> list[object]:
    if not held:
        return [None]
    index = draw.randrange(len(held))
    return draw.choice(
        [
            held[:index] + held[index + 1 :],
            [*held, held[index]],
            held[::-1],
            held * 2,
            [held[index]] * 17,
            held[:index],
        ]
    )
