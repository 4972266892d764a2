"""Refusals across processes: sent as code and fields, built again as the very class they were.

    {"code": "quantity-not-…", "fields": {…}, "en": "…", "fr": "…"}

The fields are JSON values (bytes in base64), read back by the types that the class declares. The
two texts are for a reader that does not know the code: it is of an older version, or the refusal
comes from a part of the program that it does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, cast, get_type_hints

import msgspec

from lodeline.engine.consortium.refusals import RefusedElsewhere
from lodeline.kernel.errors import LodelineError, all_errors

__all__ = ["PackedRefusal", "pack_refusal", "unpack_refusal"]

_Text = Annotated[str, msgspec.Meta(max_length=8_192)]


class PackedRefusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refusal as it travels."""

    code: _Text
    fields: dict[str, object]
    """JSON values by the name of the field."""
    en: _Text
    fr: _Text


def pack_refusal(refusal: LodelineError) -> PackedRefusal:
    """Return what travels of a refusal."""
    packed: dict[str, object] = msgspec.to_builtins(refusal.fields(), enc_hook=str)
    return PackedRefusal(refusal.code, packed, refusal.message("en"), refusal.message("fr"))


def unpack_refusal(packed: PackedRefusal) -> LodelineError:
    """Return the refusal that was packed, or `RefusedElsewhere` where its class is not known.

    Not checked: that the fields make sense together; whoever sent them is believed no more than
    that he refused.
    """
    kind = all_errors().get(packed.code)
    if kind is not None:
        try:
            return _built(kind, packed.fields)
        except msgspec.ValidationError:
            pass  # the same code with other fields: of another version, as good as unknown
    return RefusedElsewhere(packed.code, packed.en, packed.fr)


def _built(kind: type[LodelineError], values: Mapping[str, object]) -> LodelineError:
    hints = get_type_hints(kind)
    # Every error class is a dataclass by `__init_subclass__`, which no type checker can see.
    names = [field.name for field in fields(cast(Any, kind))]
    if set(names) != set(values):
        message = "other fields"
        raise msgspec.ValidationError(message)
    return kind(**{name: _read(values[name], hints[name]) for name in names})


def _read(value: object, kind: Any) -> Any:
    return msgspec.convert(value, kind, dec_hook=_path)


def _path(kind: type, value: object) -> object:
    """Read the one type of field that has no form of its own in JSON."""
    if kind is not Path or not isinstance(value, str):
        message = "no such type of field"
        raise msgspec.ValidationError(message)
    return Path(value)
