"""A walk over CBOR bytes that checks every rule of the canonical form before anything is built.

Iterative: nesting costs one small record for each open container, and at most `max_depth` of them
exist. A head that claims more items or bytes than are left is refused at once, so a length never
makes memory. RFC 8949: heads §3, deterministic encoding §4.2.1.

`is_harmless` is the short form of the same walk: it says only that bytes may be given to a decoder,
and leaves it to its caller to find out whether they are canonical.
"""

from dataclasses import dataclass

from lodeline.kernel.cbor_errors import (
    CborBignumRefused,
    CborDuplicateKey,
    CborFloatRefused,
    CborIndefiniteLength,
    CborInvalidText,
    CborKeyNotText,
    CborKeysUnsorted,
    CborNotShortest,
    CborReservedHead,
    CborSimpleRefused,
    CborTagRefused,
    CborTooDeep,
    CborTrailingBytes,
    CborTruncated,
)

_NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(1, 8)
_INDEFINITE = 31
_FIRST_FLOAT, _LAST_FLOAT = 25, 27
_FALSE, _TRUE, _NULL = 20, 21, 22
_BIGNUM_TAGS = (2, 3)
# Additional information 24 to 27: how many bytes of argument follow, and the least argument that
# needs so many.
_ARGUMENT = {24: (1, 24), 25: (2, 2**8), 26: (4, 2**16), 27: (8, 2**32)}


def _steps() -> tuple[list[int], list[int]]:
    """Bytes to the next head, and items that follow, for each first byte; 0 where it takes more."""
    bytes_on, items = [0] * 256, [0] * 256
    for info in range(24):
        bytes_on[info] = bytes_on[_NEGATIVE << 5 | info] = 1
        bytes_on[_BYTES << 5 | info] = bytes_on[_TEXT << 5 | info] = 1 + info
        bytes_on[_ARRAY << 5 | info] = bytes_on[_MAP << 5 | info] = 1
        items[_ARRAY << 5 | info], items[_MAP << 5 | info] = info, 2 * info
    for info, (width, _) in _ARGUMENT.items():
        bytes_on[info] = bytes_on[_NEGATIVE << 5 | info] = 1 + width
    for info in (_FALSE, _TRUE, _NULL):
        bytes_on[_SIMPLE << 5 | info] = 1
    return bytes_on, items


_BYTES_ON, _ITEMS = _steps()


def is_harmless(data: bytes) -> bool:
    """Return whether the bytes are one value made of integers, strings, arrays, maps and constants.

    So a decoder meets no tag and no float, every length is met by bytes that are there, and nothing
    follows. Not checked: everything else that makes an encoding canonical, depth included.
    """
    offset, left, size = 0, 1, len(data)
    bytes_on, items = _BYTES_ON, _ITEMS
    while left:
        if offset >= size:
            return False
        head = data[offset]
        step = bytes_on[head]
        if step:
            offset += step
            left += items[head] - 1
            continue
        major, width = head >> 5, _ARGUMENT.get(head & 31, (0,))[0]
        if not width or not _BYTES <= major <= _MAP:
            return False
        argument = int.from_bytes(data[offset + 1 : offset + 1 + width], "big")
        offset += 1 + width
        if major <= _TEXT:
            offset += argument
            left -= 1
        else:
            left += (2 if major == _MAP else 1) * argument - 1
    return offset == size


@dataclass(slots=True)
class _Open:
    """An array or map that has begun: items still to come, and the last key of a map."""

    left: int
    is_map: bool
    last_key: bytes | None = None

    @property
    def at_key(self) -> bool:
        return self.is_map and self.left % 2 == 0


def scan(data: bytes, max_depth: int) -> None:
    """Accept exactly one canonical value, or refuse with the reason and its offset.

    Raises:
        CborError: one member of the family for each rule.
    """
    open_: list[_Open] = []
    offset = 0
    while True:
        start = offset
        major, argument, offset = _head(data, start)
        if open_ and open_[-1].at_key and major != _TEXT:
            raise CborKeyNotText(offset=start)
        if major in (_BYTES, _TEXT):
            offset = _string(data, start, offset, argument, is_text=major == _TEXT)
            if open_ and open_[-1].at_key:
                _key(open_[-1], data[start:offset], start)
        if open_:
            open_[-1].left -= 1
        if major in (_ARRAY, _MAP):
            items = argument * (2 if major == _MAP else 1)
            _need(data, offset, items)
            if len(open_) >= max_depth:
                raise CborTooDeep(limit=max_depth)
            open_.append(_Open(left=items, is_map=major == _MAP))
        while open_ and open_[-1].left == 0:
            open_.pop()
        if not open_:
            break
    if offset != len(data):
        raise CborTrailingBytes(used=offset, size=len(data))


def _need(data: bytes, offset: int, count: int) -> None:
    """Every item takes at least a byte, so a claim beyond what is left cannot be met."""
    if count > len(data) - offset:
        raise CborTruncated(offset=offset, needed=count, available=len(data) - offset)


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Major type, argument, and the offset behind the head."""
    _need(data, offset, 1)
    major, info = data[offset] >> 5, data[offset] & 31
    if info == _INDEFINITE:
        raise CborIndefiniteLength(offset=offset)
    if major == _SIMPLE:
        return major, _simple(info, offset), offset + 1
    if info < min(_ARGUMENT):
        argument, end = info, offset + 1
    else:
        argument, end = _long_argument(data, offset, info)
    if major == _TAG:
        if argument in _BIGNUM_TAGS:
            raise CborBignumRefused(offset=offset)
        raise CborTagRefused(offset=offset, tag=argument)
    return major, argument, end


def _simple(info: int, offset: int) -> int:
    if _FIRST_FLOAT <= info <= _LAST_FLOAT:
        raise CborFloatRefused(offset=offset)
    if info not in (_FALSE, _TRUE, _NULL):
        raise CborSimpleRefused(offset=offset, info=info)
    return info


def _long_argument(data: bytes, offset: int, info: int) -> tuple[int, int]:
    if info not in _ARGUMENT:
        raise CborReservedHead(offset=offset, info=info)
    width, least = _ARGUMENT[info]
    _need(data, offset + 1, width)
    end = offset + 1 + width
    argument = int.from_bytes(data[offset + 1 : end], "big")
    if argument < least:
        raise CborNotShortest(offset=offset)
    return argument, end


def _string(data: bytes, start: int, offset: int, length: int, *, is_text: bool) -> int:
    _need(data, offset, length)
    end = offset + length
    if is_text:
        try:
            data[offset:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise CborInvalidText(offset=start) from error
    return end


def _key(map_: _Open, key: bytes, offset: int) -> None:
    """Keys ascend strictly by their encoded bytes (RFC 8949 §4.2.1)."""
    if map_.last_key is not None:
        if key == map_.last_key:
            raise CborDuplicateKey(offset=offset)
        if key < map_.last_key:
            raise CborKeysUnsorted(offset=offset)
    map_.last_key = key
