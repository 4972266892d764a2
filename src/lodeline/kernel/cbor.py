"""Canonical CBOR: one value, one encoding, or a named refusal.

Deterministic encoding after RFC 8949 §4.2.1, narrowed: integers of 64 bits, byte and text strings,
arrays, maps with text keys, true, false and null. No floats, tags, bignums, undefined or indefinite
lengths. Because there is exactly one encoding for a value, bytes may be hashed and signed as they
came in, and nobody can write the same entry in two ways.

Decoding first walks over the bytes with a scanner that neither recurses nor allocates by what a
head claims; only bytes that it passes reach the decoder. Whatever bytes are given, nothing but a
`LodelineError` comes out.

A structure is read the short way where that leads to the end: bytes that are harmless are decoded,
and the structure is written again; if these are the same bytes, they are canonical, for nothing
else is ever written. Whatever does not fit goes the long way, and there is refused by name.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import TypeVar, get_args, overload

import cbor2
import msgspec

from lodeline.kernel.bounds import MAX_ENCODED_BYTES, MAX_ENCODED_DEPTH
from lodeline.kernel.cbor_errors import (
    CborNotCanonical,
    CborTooLarge,
    WrongShape,
)
from lodeline.kernel.cbor_order import in_order
from lodeline.kernel.cbor_scan import is_harmless, scan
from lodeline.kernel.errors import LodelineError

T = TypeVar("T", bound=msgspec.Struct)


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
    return cbor2.dumps(in_order(value, max_depth))


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
    _check_size(data, max_bytes)
    value = _scanned(data, max_depth)
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
    _check_size(data, max_bytes)
    short = _read_harmless(data, type_, max_depth)
    return _read_scanned(data, type_, max_depth) if short is None else short


def _read_harmless(
    data: bytes, type_: type[msgspec.Struct] | UnionType, max_depth: int
) -> msgspec.Struct | None:
    """Read a structure the short way, or nothing; who is not sure asks `_read_scanned`."""
    if not is_harmless(data):
        return None
    try:
        value: object = cbor2.loads(
            data, max_depth=max_depth, allow_duplicate_keys=False, strict_hashable_types=True
        )
        struct = _converted(value, type_)
        again = encode(_builtins(struct), max_depth=max_depth)
    except (cbor2.CBORDecodeError, msgspec.ValidationError, LodelineError):
        return None
    return struct if again == data and isinstance(struct, msgspec.Struct) else None


def _read_scanned(data: bytes, type_: type[msgspec.Struct] | UnionType, max_depth: int) -> object:
    """Read a structure rule by rule; says by name what is wrong with it."""
    value = _scanned(data, max_depth)
    try:
        struct = _converted(value, type_)
    except msgspec.ValidationError as error:
        raise WrongShape(expected=_type_name(type_), reason=str(error)) from error
    if encode(_builtins(struct), max_depth=max_depth) != data:
        raise CborNotCanonical(size=len(data))
    return struct


def _check_size(data: bytes, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise CborTooLarge(size=len(data), limit=max_bytes)


def _scanned(data: bytes, max_depth: int) -> object:
    """Read bytes that the scanner passes; the caller writes the value again and compares."""
    scan(data, max_depth)
    value: object = cbor2.loads(data)
    return value


def _converted(value: object, type_: type[msgspec.Struct] | UnionType) -> object:
    """Return the structure that a value is of; of a union, the member that it names itself."""
    found: type[msgspec.Struct] | UnionType = type_
    if isinstance(type_, UnionType) and isinstance(value, dict):
        field, members = _members(type_)
        name = value.get(field)
        found = members.get(name, type_) if isinstance(name, str) else type_
    struct: object = msgspec.convert(value, found, strict=True, builtin_types=(bytes,))
    return struct


@lru_cache(maxsize=256)
def _members(union: UnionType) -> tuple[str, Mapping[str, type[msgspec.Struct]]]:
    """Return where the members of a union have their tag, and the members by tag.

    Looking the member up here spares reading the whole union again for every value.
    """
    tagged: dict[str, type[msgspec.Struct]] = {}
    fields = set[str]()
    for member in get_args(union):
        config = getattr(member, "__struct_config__", None)
        if config is None or not isinstance(config.tag, str) or config.tag_field is None:
            return "", {}
        tagged[config.tag] = member
        fields.add(config.tag_field)
    return (fields.pop(), tagged) if len(fields) == 1 else ("", {})


def _builtins(struct: object) -> object:
    plain: object = msgspec.to_builtins(struct, builtin_types=(bytes,), order="deterministic")
    return plain


def _type_name(type_: type[msgspec.Struct] | UnionType) -> str:
    return str(type_) if isinstance(type_, UnionType) else type_.__name__
