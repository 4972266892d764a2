"""Refusals travel: every class of the project comes out of the envelope as it went in."""

import importlib
import pkgutil
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import lodeline
from lodeline.engine.consortium.refusals import RefusedElsewhere
from lodeline.engine.consortium.relay import PackedRefusal, pack_refusal, unpack_refusal
from lodeline.kernel.errors import LodelineError, all_errors

for _module in pkgutil.walk_packages(lodeline.__path__, "lodeline."):
    if not _module.name.endswith("__main__") and ".migrations" not in _module.name:
        importlib.import_module(_module.name)

ERRORS = [kind for kind in all_errors().values() if kind.__module__.startswith("lodeline.")]


def made(kind: Any, number: int) -> object:
    """Return some value of a type of field; none is like another's default."""
    kind = getattr(kind, "__supertype__", kind)
    if hasattr(kind, "__supertype__"):
        return made(kind, number)
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return made(next(arg for arg in inside if arg is not NoneType), number)
    if origin is tuple:
        return (made(inside[0], number), made(inside[0], number + 1))
    if kind in (str, Path):
        return kind(f"t{number}")
    if kind is bytes:
        return bytes([number % 256]) * 32
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[number % len(list(kind))]
    if is_dataclass(kind):
        hints, names = get_type_hints(kind), [found.name for found in fields(kind)]
        build: Any = kind
        return build(**{name: made(hints[name], number) for name in names})
    return kind(number)


def refusal(kind: type[LodelineError], number: int = 1) -> LodelineError:
    hints = get_type_hints(kind)
    names = [found.name for found in fields(kind)]  # type: ignore[arg-type]  # by __init_subclass__
    return kind(**{name: made(hints[name], number + at) for at, name in enumerate(names)})


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.code)
def test_every_refusal_travels(kind: type[LodelineError]) -> None:
    sent = refusal(kind)
    data = msgspec.json.encode(pack_refusal(sent))
    got = unpack_refusal(msgspec.json.decode(data, type=PackedRefusal))
    assert type(got) is kind
    assert got.fields() == sent.fields()
    assert [type(value) for value in got.fields().values()] == [
        type(value) for value in sent.fields().values()
    ]


def test_there_are_refusals_to_try() -> None:
    assert len(ERRORS) > 300


def test_one_that_nobody_here_knows_keeps_its_words() -> None:
    got = unpack_refusal(PackedRefusal("of-the-future", {"x": 1}, "no", "non"))
    assert type(got) is RefusedElsewhere
    assert (got.reason, got.text_en, got.text_fr) == ("of-the-future", "no", "non")


@pytest.mark.parametrize("values", [{}, {"file": 1, "reason": "x"}, {"file": "x", "more": "y"}])
def test_one_of_another_version_keeps_its_words(values: dict[str, object]) -> None:
    packed = PackedRefusal("validator-settings-not-read", values, "no", "non")
    assert type(unpack_refusal(packed)) is RefusedElsewhere


def test_nothing_is_there_is_something_that_travels() -> None:
    """Fields that may be nothing come back as nothing."""
    optional = [
        (kind, name)
        for kind in ERRORS
        for name, hint in get_type_hints(kind).items()
        if NoneType in get_args(hint)
    ]
    assert optional
    for kind, name in optional:
        sent = kind(**{**refusal(kind).fields(), name: None})
        assert unpack_refusal(pack_refusal(sent)).fields() == sent.fields()
