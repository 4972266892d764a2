"""The book of lineage in a file, opened without reading it into memory.

    magic | length of the head (8) | CRC-32 of the head (4) | head, JSON | arrays

Arrays begin at multiples of 64 bytes. The head says up to where the log is told of, which words
stand under which numbers, and of each array its type, length, place and CRC-32. All of them are
compared when the file is opened, then that the arrays agree with one another: a file that was cut,
mixed or damaged is refused by name, and whoever opens it makes it anew from the ledger. Writing
goes beside the file, which takes its name when it is whole and on the disk. Not checked: a file
that somebody made up with the right sums; whoever may write in the folder of a node could as well
replace its ledger.

What is added to a book that came from a file is in memory alone, until the book is written again.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import numpy as np
import numpy.typing as npt

from lodeline.engine.durable_file import DurableFileFailed, flush_folder
from lodeline.engine.refusals import LedgerHasWriter
from lodeline.engine.writer_lock import WriterLock
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    FormName,
    Hash32,
    MemberId,
    RecipeDigest,
    RecipeName,
    SiteId,
)
from lodeline.lineage.book import LineageBook, Place
from lodeline.lineage.columns import Ids, Sorted
from lodeline.lineage.csr import Kept
from lodeline.lineage.facts import Facts, KeptFacts, RecipeTitle, Words
from lodeline.lineage.index import KeptIndex, LineageIndex

__all__ = ["LineageFileDamaged", "LineageFileUnknown", "open_book", "write_book"]

_MAGIC: Final = b"lodeline lineage 1\n".ljust(32, b"\0")
_ALIGNED: Final = 64
_LENGTH: Final = 8
_CRC: Final = 4
_FIRST: Final = len(_MAGIC) + _LENGTH + _CRC
_NEW: Final = ".new"
_TYPES: Final = frozenset({"|u1", "<i4", "<i8", "<u8"})

Array = npt.NDArray[Any]  # arrays of several kinds; each is checked where it is taken


class LineageFileDamaged(LodelineError):
    """A file of lineage that is not what was written."""

    code: ClassVar[str] = "lineage-file-damaged"
    en: ClassVar[str] = "the file {path} is damaged ({part}); it is not used"
    fr: ClassVar[str] = "le fichier {path} est endommagé ({part}) ; il n'est pas utilisé"
    advice_en: ClassVar[str] = "nothing is lost: it is made anew from the ledger; check the disk"
    advice_fr: ClassVar[str] = "rien n'est perdu : il est refait du registre ; vérifiez le disque"

    path: str
    part: str


class LineageFileUnknown(LodelineError):
    """A file in the place of the file of lineage that is none, or another version's."""

    code: ClassVar[str] = "lineage-file-unknown"
    en: ClassVar[str] = "{path} is no file of lineage that this version reads; it is not used"
    fr: ClassVar[str] = "{path} n'est pas un fichier de filiation que cette version lit"
    advice_en: ClassVar[str] = "nothing is lost: it is made anew from the ledger"
    advice_fr: ClassVar[str] = "rien n'est perdu : il est refait à partir du registre"

    path: str


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    name: str
    type: str
    shape: tuple[int, ...]
    offset: int
    """From the end of the head, rounded up."""
    crc: int


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int
    root: str
    sections: tuple[_Section, ...]
    forms: tuple[str, ...]
    sites: tuple[str, ...]
    signers: tuple[tuple[str, ...], ...]
    recipes: tuple[str, ...]
    titles: dict[str, tuple[str, str, str]]


# ------------------------------------------------------------------ writing


def write_book(path: Path, book: LineageBook) -> bool:
    """Write a book over what the file had; return whether it was: not if another program is at it.

    Raises:
        ValueError: nothing is told of in the book.
        DurableFileFailed: it could not be written; what stood there before still does.
    """
    place = book.place
    if place is None:
        raise ValueError(path)
    arrays = _arrays(book)
    sections = tuple(_sections(arrays))
    head = msgspec.json.encode(_head(book, place, sections))
    try:
        lock = WriterLock(path)
    except LedgerHasWriter:
        return False
    try:
        _write(path, head, list(zip(sections, arrays.values(), strict=True)))
    except OSError as failed:
        raise DurableFileFailed(str(path), failed.strerror or type(failed).__name__) from failed
    finally:
        lock.release()
    return True


def _arrays(book: LineageBook) -> dict[str, Array]:
    kept = book.index.kept
    groups = {
        "lot": kept.lots,
        "step": kept.steps,
        "entry": book.entries.kept,
        "edge": kept.edges,
        "fact": book.facts.to_keep(),
    }
    return {
        f"{group}.{name}": np.ascontiguousarray(array)
        for group, part in groups.items()
        for name, array in vars(part).items()
    }


def _sections(arrays: Mapping[str, Array]) -> Iterator[_Section]:
    offset = 0
    for name, array in arrays.items():
        yield _Section(name, array.dtype.str, array.shape, offset, zlib.crc32(_bytes(array)))
        offset = _aligned(offset + array.nbytes)


def _head(book: LineageBook, place: Place, sections: tuple[_Section, ...]) -> _Head:
    facts = book.facts
    return _Head(
        place.size,
        place.root.hex(),
        sections,
        tuple(facts.forms.values),
        tuple(facts.sites.values),
        tuple(facts.signers.values),
        tuple(digest.hex() for digest in facts.recipes.values),
        {digest.hex(): (each.name, each.en, each.fr) for digest, each in facts.titles.items()},
    )


def _write(path: Path, head: bytes, parts: Sequence[tuple[_Section, Array]]) -> None:
    beside = path.with_name(path.name + _NEW)
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        length = len(head).to_bytes(_LENGTH, "little")
        file.write(_MAGIC + length + zlib.crc32(length + head).to_bytes(_CRC, "little") + head)
        start = _aligned(file.tell())
        for section, array in parts:
            file.write(bytes(start + section.offset - file.tell()))
            file.write(_bytes(array))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    flush_folder(path.parent)


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNED) * _ALIGNED


# ------------------------------------------------------------------ opening


def open_book(path: Path) -> LineageBook | None:
    """Return the book of a file; nothing where there is no file.

    Raises:
        LineageFileUnknown: it is no file of this version.
        LineageFileDamaged: it is not what was written.
        DurableFileFailed: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _FIRST:
                raise LineageFileUnknown(str(path))
            # Private: what is marked in the book stays in memory.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError:
        return None
    except OSError as failed:
        raise DurableFileFailed(str(path), failed.strerror or type(failed).__name__) from failed
    return _Opening(path, data).book()


@dataclass(frozen=True)
class _Opening:
    """A file that is being looked at."""

    path: Path
    data: mmap.mmap

    def book(self) -> LineageBook:
        head, start = self._head()
        arrays = {each.name: self._array(each, start) for each in head.sections}
        try:
            index, facts, entries = _index(arrays), _facts(arrays, head), _ids(arrays, "entry")
            place = Place(head.size, Hash32(bytes.fromhex(head.root)))
        except (KeyError, ValueError, TypeError) as refused:
            raise LineageFileDamaged(str(self.path), "head") from refused
        lots, steps = len(index.edges.makers), index.step_count
        if not (index.fits and entries.fits(steps) and facts.kept.fit(lots, steps)):
            raise LineageFileDamaged(str(self.path), "arrays")
        if not facts.fit:
            raise LineageFileDamaged(str(self.path), "words")
        return LineageBook(LineageIndex(index), facts, Ids(entries), place)

    def _head(self) -> tuple[_Head, int]:
        if self.data[: len(_MAGIC)] != _MAGIC:
            raise LineageFileUnknown(str(self.path))
        length = self.data[len(_MAGIC) : len(_MAGIC) + _LENGTH]
        crc = int.from_bytes(self.data[_FIRST - _CRC : _FIRST], "little")
        end = _FIRST + int.from_bytes(length, "little")
        head = self.data[_FIRST:end]
        if end > len(self.data) or zlib.crc32(length + head) != crc:
            raise LineageFileDamaged(str(self.path), "head")
        try:
            return msgspec.json.decode(head, type=_Head), _aligned(end)
        except msgspec.DecodeError as refused:
            raise LineageFileDamaged(str(self.path), "head") from refused

    def _array(self, section: _Section, start: int) -> Array:
        first = start + section.offset
        try:
            if section.type not in _TYPES or min((*section.shape, section.offset)) < 0:
                raise ValueError(section.type)
            kind = np.dtype(section.type)
            count = int(np.prod(section.shape, dtype=object))
            array = np.frombuffer(self.data, kind, count, first) if count else np.empty(0, kind)
            found = array.reshape(section.shape)
        except ValueError as refused:
            raise LineageFileDamaged(str(self.path), section.name) from refused
        if zlib.crc32(_bytes(found)) != section.crc:
            raise LineageFileDamaged(str(self.path), section.name)
        return found


_BYTES: Final = np.dtype(np.uint8)
_NUMBERS: Final = np.dtype(np.int32)
_TIMES: Final = np.dtype(np.int64)
_FACTS: Final[Mapping[str, np.dtype[Any]]] = {
    "kinds": _BYTES,
    "times": _TIMES,
    "entries": _TIMES,
    "undone": _BYTES,
    "marks": _BYTES,
}
"""Types of the columns of facts that are not of numbers."""


def _index(arrays: Mapping[str, Array]) -> KeptIndex:
    edges = {each.name: _row(arrays, f"edge.{each.name}", _NUMBERS) for each in fields(Kept)}
    return KeptIndex(_ids(arrays, "lot"), _ids(arrays, "step"), Kept(**edges))


def _ids(arrays: Mapping[str, Array], group: str) -> Sorted:
    rows = arrays[f"{group}.rows"]
    if rows.dtype != _BYTES or rows.ndim != 2 or rows.shape[1] != len(Hash32(bytes(32))):
        raise ValueError(rows.shape)
    keys = _row(arrays, f"{group}.keys", np.dtype(np.uint64))
    return Sorted(rows, keys, _row(arrays, f"{group}.places", _NUMBERS))


def _facts(arrays: Mapping[str, Array], head: _Head) -> Facts:
    columns = {
        each.name: _row(arrays, f"fact.{each.name}", _FACTS.get(each.name, _NUMBERS))
        for each in fields(KeptFacts)
    }
    return Facts(
        KeptFacts(**columns),
        Words(map(FormName, head.forms)),
        Words(map(SiteId, head.sites)),
        Words(tuple(map(MemberId, members)) for members in head.signers),
        Words(RecipeDigest(bytes.fromhex(digest)) for digest in head.recipes),
        {
            RecipeDigest(bytes.fromhex(digest)): RecipeTitle(RecipeName(name), en, fr)
            for digest, (name, en, fr) in head.titles.items()
        },
    )


def _row(arrays: Mapping[str, Array], name: str, kind: np.dtype[Any]) -> Array:
    array = arrays[name]
    if array.dtype != kind or array.ndim != 1:
        raise ValueError(name)
    return array
