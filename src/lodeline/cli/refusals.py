"""A refusal as somebody at a terminal reads it: a sentence, what to do, and no traceback.

Quantities and times inside a refusal are numbers in base units; here they are written as people
write them, by the type that the field was declared with.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Union, cast, get_args, get_origin

from lodeline.engine.refusals import EngineRefused
from lodeline.holder.keyfile import KeystoreMissing, KeystoreUnreadable, KeystoreUnwritable
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.time import BlockTime, format_time
from lodeline.kernel.units import (
    GramsCO2e,
    GramsPerKg,
    Milligrams,
    Ppm,
    format_emissions,
    format_intensity,
    format_mass,
    format_share,
)
from lodeline.node.workspace import (
    FileExists,
    FileUnreadable,
    FileUnwritable,
    MemberNotHere,
    MemberNotNamed,
    SettingsMalformed,
    WorkspaceExists,
    WorkspaceMissing,
)

__all__ = ["CHECK_FAILED", "OK", "REFUSED", "USAGE", "exit_code", "worded"]

OK = 0
CHECK_FAILED = 1
REFUSED = 2
USAGE = 3

_USAGE_ERRORS: tuple[type[LodelineError], ...] = (
    EngineRefused,
    FileExists,
    FileUnreadable,
    FileUnwritable,
    KeystoreMissing,
    KeystoreUnreadable,
    KeystoreUnwritable,
    MemberNotHere,
    MemberNotNamed,
    SettingsMalformed,
    WorkspaceExists,
    WorkspaceMissing,
)
_Writer = Callable[[int, Lang], str]
_WRITERS: Mapping[object, _Writer] = {
    BlockTime: lambda value, _: format_time(BlockTime(value)),
    Milligrams: lambda value, lang: format_mass(Milligrams(value), lang),
    GramsCO2e: lambda value, lang: format_emissions(GramsCO2e(value), lang),
    Ppm: lambda value, lang: format_share(Ppm(value), lang),
    GramsPerKg: lambda value, lang: format_intensity(GramsPerKg(value), lang),
}


def exit_code(error: LodelineError) -> int:
    """Return 3 for files and options that are not usable, 2 for whatever else is refused."""
    return USAGE if isinstance(error, _USAGE_ERRORS) else REFUSED


def worded(error: LodelineError, lang: Lang) -> LodelineError:
    """Return the same refusal with its quantities and times written out in a language.

    A number that is out of its range, which is what some refusals are about, stays a number.
    """
    hints = typing.get_type_hints(type(error))
    fields = {
        name: _written(value, hints.get(name), lang) for name, value in error.fields().items()
    }
    rebuild = cast(Callable[..., LodelineError], type(error))
    return rebuild(**fields)


def _written(value: object, hint: object, lang: Lang) -> object:
    writer = _writer(hint)
    if isinstance(value, bool) or writer is None:
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_written(item, hint, lang) for item in value)
    if not isinstance(value, int):
        return value
    try:
        return writer(value, lang)
    except LodelineError:
        return value


def _writer(hint: object) -> _Writer | None:
    """Return how a type is written, looking into optional values and tuples."""
    found = _WRITERS.get(hint)
    if found is not None:
        return found
    if get_origin(hint) in (Union, types.UnionType, tuple):
        for part in get_args(hint):
            found = _writer(part)
            if found is not None:
                return found
    return None
