"""Canonical CBOR: one value, one encoding, or a named refusal.

Deterministic encoding after RFC 8949 §4.2.1, narrowed: integers of 64 bits, byte and text strings,
arrays, maps with text keys, true, false and null. No floats, tags, bignums, undefined or indefinite
lengths. Because there is exactly one encoding for a value, bytes may be hashed and signed as they
came in, and nobody can write the same entry in two ways.

Decoding first walks over the bytes with a scanner that neither recurses nor allocates by what a
head claims; only bytes that it passes reach the decoder. Whatever bytes are given, nothing but a
`LodelineError` comes out.
"""

from types import UnionType
from typing import TypeVar, overload

import cbor2
import msgspec

from lodeline.kernel.bounds import MAX_ENCODED_BYTES, MAX_ENCODED_DEPTH
from lodeline.kernel.cbor_errors import (
    CborIntegerOutOfRange,
    CborNotCanonical,
    CborTextNotUnicode,
    CborTooDeep,
    CborTooLarge,
    CborTypeRefused,
    WrongShape,
)
from lodeline.kernel.cbor_scan import scan

T = TypeVar("T", bound=msgspec.Struct)

_MIN_INT = -(2**64)
_MAX_INT = 2**64 - 1


def encode(value: object, *, max_depth: int = MAX_ENCODED_DEPTH) -> bytes:
    """Write a value as canonical CBOR.

    Lists and tuples become arrays. Types must match exactly: an enum or another subclass of `int`
    or `str` is refused, so that nothing is written that reads back as something else.

    Raises:
        CborTypeRefused: a float, a map key that is not text, or any other type.
        CborIntegerOutOfRange: an integer outside -2**64 to 2**64 - 1.
        CborTextNotUnicode: a text with lone surrogates.
        CborTooDeep: arrays and maps nested deeper than `max_depth`, or holding themselves.
    """
    _check(value, max_depth, max_depth)
    return cbor2.dumps(value, canonical=True)


def decode(
    data: bytes,
    *,
    max_bytes: int = MAX_ENCODED_BYTES,
    max_depth: int = MAX_ENCODED_DEPTH,
) -> object:
    """Read one canonical CBOR value; arrays come back as lists.

    Does not judge what the value means: see `decode_struct`. A value of many empty maps takes about
    seventy times its bytes in memory, so `max_bytes` bounds both.

    Raises:
        CborTooLarge: more than `max_bytes` bytes.
        CborError: the other members of the family, one for each way of not being canonical.
    """
    value = _load(data, max_bytes, max_depth)
    # The scanner has checked every rule; this holds the decoder and the encoder to the same view.
    if encode(value, max_depth=max_depth) != data:
        raise CborNotCanonical(size=len(data))
    return value


def encode_struct(struct: msgspec.Struct, *, max_depth: int = MAX_ENCODED_DEPTH) -> bytes:
    """Write a wire structure as canonical CBOR; its tag becomes the field that names the type.

    Raises:
        CborError: as `encode`, for a field that has no canonical form.
    """
    return encode(_builtins(struct), max_depth=max_depth)


@overload
def decode_struct(
    data: bytes, type_: type[T], *, max_bytes: int = ..., max_depth: int = ...
) -> T: ...
@overload
def decode_struct(
    data: bytes, type_: UnionType, *, max_bytes: int = ..., max_depth: int = ...
) -> object: ...
def decode_struct(
    data: bytes,
    type_: type[T] | UnionType,
    *,
    max_bytes: int = MAX_ENCODED_BYTES,
    max_depth: int = MAX_ENCODED_DEPTH,
) -> object:
    """Read a wire structure, or one of a tagged union, from its canonical encoding.

    Nothing is converted: no text to number, no base64 to bytes. A field left out because it has a
    default is refused, or the same structure would have two encodings.

    Raises:
        CborError: the bytes are not canonical CBOR.
        WrongShape: the value is not of this type (field, type, length, pattern or range).
        CborNotCanonical: the structure would be written differently.
        LodelineError: whatever the structure's own `__post_init__` refuses.
    """
    value = _load(data, max_bytes, max_depth)
    try:
        struct: object = msgspec.convert(value, type_, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise WrongShape(expected=_type_name(type_), reason=str(error)) from error
    # What is written to the same canonical bytes again needs no check of its own.
    if cbor2.dumps(_builtins(struct), canonical=True) != data:
        encode(_builtins(struct), max_depth=max_depth)  # says it where a field has no such form
        raise CborNotCanonical(size=len(data))
    return struct


def _load(data: bytes, max_bytes: int, max_depth: int) -> object:
    """Read bytes that the scanner passes; the caller writes the value again and compares."""
    if len(data) > max_bytes:
        raise CborTooLarge(size=len(data), limit=max_bytes)
    scan(data, max_depth)
    value: object = cbor2.loads(data)
    return value


def _builtins(struct: object) -> object:
    plain: object = msgspec.to_builtins(struct, builtin_types=(bytes,), order="deterministic")
    return plain


def _type_name(type_: type[msgspec.Struct] | UnionType) -> str:
    return str(type_) if isinstance(type_, UnionType) else type_.__name__


def _check(value: object, room: int, max_depth: int) -> None:
    """Refuse what has no canonical form; `room` is how many more containers may be opened."""
    kind = type(value)
    if value is None or kind is bool or kind is bytes:
        return
    if isinstance(value, int) and kind is int:
        if not _MIN_INT <= value <= _MAX_INT:
            raise CborIntegerOutOfRange(value=value)
    elif isinstance(value, str) and kind is str:
        _check_text(value)
    elif isinstance(value, (list, tuple)) and kind in (list, tuple):
        _check_room(room, max_depth)
        for item in value:
            _check(item, room - 1, max_depth)
    elif isinstance(value, dict) and kind is dict:
        _check_room(room, max_depth)
        for key, item in value.items():
            _check_key(key)
            _check(item, room - 1, max_depth)
    else:
        raise CborTypeRefused(type_name=kind.__qualname__)


def _check_room(room: int, max_depth: int) -> None:
    if room <= 0:
        raise CborTooDeep(limit=max_depth)


def _check_key(key: object) -> None:
    if type(key) is not str:
        raise CborTypeRefused(type_name=f"map key {type(key).__qualname__}")
    _check_text(key)


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise CborTextNotUnicode(length=len(text))
