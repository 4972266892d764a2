"""The log cut into files that never change: tiles of height 8 after C2SP tlog-tiles.

A tile holds up to 256 neighbouring hashes of one level: level 0 has the leaf hashes, each hash on
level l + 1 is the root of a full tile on level l. A bundle holds the entries of one level-0 tile.
Paths are those of the format (c2sp.org/tlog-tiles):

    tile/<level>/<index>[.p/<width>]          tile/entries/<index>[.p/<width>]

with the index in groups of three digits (1234067 is `x001/x234/067`) and the width of a tile that
is not full yet. A full tile replaces its partial ones.

Everything here is a function of values; whoever stores or serves files does that elsewhere. A tile
proves nothing by itself: a reader computes the root from it (`TileNodes`, `tree_root`), or a proof,
and compares with a checkpoint that enough members signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NewType, TypeAlias

from msgspec import Struct

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, EntryHash, Hash32
from lodeline.ledger.merkle import (
    MAX_TREE_SIZE,
    LeafIndex,
    NodeBeyondLog,
    NodeSource,
    TreeShrank,
    TreeSize,
    check_size,
    leaf_hash,
    node_hash,
)

TilePath = NewType("TilePath", str)
"""Path of a tile or bundle below the log's prefix, with `/` between its parts."""

TILE_HEIGHT = 8
"""Levels of the tree in one tile."""
TILE_WIDTH = 1 << TILE_HEIGHT
"""Hashes in a full tile, entries in a full bundle."""
MAX_TILE_LEVEL = MAX_TREE_SIZE.bit_length() // TILE_HEIGHT
"""Highest level that the largest tree has a tile on."""
MAX_ENTRY_BYTES = 2**16 - 1
"""Longest entry: its length stands before it in two bytes."""

_LENGTH_BYTES = 2
_SHOWN = 80
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)"
    # Seven groups hold more than the largest index; without a bound, int() could be made to fail.
    r"/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class TileError(LodelineError):
    """A tile, a bundle or the path of one cannot be accepted."""


class TileNotInRange(TileError):
    """No log has a tile at such a place or of such a width."""

    level: int
    index: int
    width: int

    code = "tile-not-in-range"
    en = "no log has a tile of width {width} at index {index} of level {level}"
    fr = "aucun journal n'a de tuile de largeur {width} à l'indice {index} du niveau {level}"
    advice_en = "list the tiles that the size of the checkpoint gives"
    advice_fr = "énumérez les tuiles que donne la taille du point de contrôle"


class TilePathMalformed(TileError):
    """A path is not that of a tile or bundle in its one canonical writing."""

    path: str

    code = "tile-path-malformed"
    en = "{path!r} is no path of a tile"
    fr = "{path!r} n'est pas le chemin d'une tuile"
    advice_en = "write it like tile/0/x001/x234/067 or tile/entries/000.p/5"
    advice_fr = "écrivez-le comme tile/0/x001/x234/067 ou tile/entries/000.p/5"


class TileLengthDiffers(TileError):
    """A tile has another number of bytes than its width gives."""

    path: TilePath
    expected: int
    got: int

    code = "tile-length-differs"
    en = "{path} should have {expected} bytes and has {got}"
    fr = "{path} devrait faire {expected} octets et en fait {got}"
    advice_en = "fetch the tile again, without conversion or compression left in place"
    advice_fr = "récupérez la tuile à nouveau, sans conversion ni compression résiduelle"


class EntryTooLong(TileError):
    """An entry does not fit the two bytes of length that a bundle gives it."""

    position: int
    size: int
    limit: int

    code = "tile-entry-too-long"
    en = "entry {position} of the bundle has {size} bytes, at most {limit} fit"
    fr = "l'écriture {position} du lot fait {size} octets, il en tient au plus {limit}"
    advice_en = "split the transform into smaller ones"
    advice_fr = "divisez la transformation en plus petites"


class BundleCountDiffers(TileError):
    """Another number of entries was given than the bundle is wide."""

    path: TilePath
    expected: int
    got: int

    code = "tile-bundle-count-differs"
    en = "{path} should hold {expected} entries, {got} were given"
    fr = "{path} devrait contenir {expected} écritures, {got} sont données"
    advice_en = "give exactly the entries that the path names"
    advice_fr = "donnez exactement les écritures que nomme le chemin"


class BundleCut(TileError):
    """A bundle ends within an entry, or before the last one."""

    path: TilePath
    position: int
    size: int

    code = "tile-bundle-cut"
    en = "{path} ({size} bytes) ends before the end of its entry {position}"
    fr = "{path} ({size} octets) finit avant la fin de son écriture {position}"
    advice_en = "fetch the bundle again; the transfer was cut"
    advice_fr = "récupérez le lot à nouveau ; le transfert a été coupé"


class BundleOverlong(TileError):
    """A bundle has bytes after its last entry."""

    path: TilePath
    extra: int

    code = "tile-bundle-overlong"
    en = "{path} has {extra} bytes after its last entry"
    fr = "{path} a {extra} octets après sa dernière écriture"
    advice_en = "fetch the bundle that belongs to this width"
    advice_fr = "récupérez le lot qui correspond à cette largeur"


class EntryNotInTile(TileError):
    """An entry of a bundle does not hash to its place in the level-0 tile."""

    index: LeafIndex
    expected: EntryHash
    computed: EntryHash

    code = "entry-not-in-tile"
    en = "entry {index} of the log hashes to {computed}, the tile says {expected}"
    fr = "l'écriture {index} du journal a l'empreinte {computed}, la tuile dit {expected}"
    advice_en = "fetch both again; if it stays so, the copy was altered"
    advice_fr = "récupérez les deux à nouveau ; si cela persiste, la copie a été altérée"


class Tile(Struct, frozen=True, forbid_unknown_fields=True, tag="tile"):
    """One tile of hashes; a width of `TILE_WIDTH` is a full one.

    Raises:
        TileNotInRange: no log has such a tile.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(self.level, self.index, self.width)

    @property
    def path(self) -> TilePath:
        """Where the format puts it."""
        return TilePath(f"tile/{self.level}/{_index_path(self.index)}{_suffix(self.width)}")


class Bundle(Struct, frozen=True, forbid_unknown_fields=True, tag="bundle"):
    """One bundle of entries, beside the level-0 tile of the same index and width.

    Raises:
        TileNotInRange: no log has such a bundle.
    """

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(0, self.index, self.width)

    @property
    def path(self) -> TilePath:
        """Where the format puts it."""
        return TilePath(f"tile/entries/{_index_path(self.index)}{_suffix(self.width)}")

    @property
    def first(self) -> LeafIndex:
        """Index in the log of its first entry."""
        return LeafIndex(self.index * TILE_WIDTH)


TileReader: TypeAlias = Callable[[Tile], bytes]
"""Fetches the bytes of a tile from wherever they are kept."""


def parse_tile_path(path: str) -> Tile | Bundle:
    """Read the path of a tile or bundle; what parses is what `path` writes.

    Raises:
        TilePathMalformed: not the form, or not the shortest writing of it.
        TileNotInRange: no log has such a tile.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise TilePathMalformed(path[:_SHOWN])
    level, index, width = match.group("level", "index", "width")
    number = int(index.replace("x", "").replace("/", ""))
    wide = TILE_WIDTH if width is None else int(width)
    parsed = Bundle(number, wide) if level == "entries" else Tile(int(level), number, wide)
    if parsed.path != path:
        raise TilePathMalformed(path[:_SHOWN])
    return parsed


def tiles_between(old: TreeSize, new: TreeSize) -> Iterator[Tile]:
    """Yield the tiles to write when a log grows; from size 0, all tiles of a log.

    On each level the full tiles come first and the partial one last. Tiles that the old size
    already had are left out.

    Raises:
        TreeShrank: the new size is below the old one.
    """
    _check_growth(old, new)
    for level in range(MAX_TILE_LEVEL + 1):
        for index, width in _widths(old >> TILE_HEIGHT * level, new >> TILE_HEIGHT * level):
            yield Tile(level, index, width)


def bundles_between(old: TreeSize, new: TreeSize) -> Iterator[Bundle]:
    """Yield the bundles to write when a log grows; from size 0, all bundles of a log.

    Raises:
        TreeShrank: the new size is below the old one.
    """
    _check_growth(old, new)
    for index, width in _widths(old, new):
        yield Bundle(index, width)


def tile_bytes(tile: Tile, nodes: NodeSource) -> bytes:
    """Return the content of a tile: its hashes, one after the other.

    Raises:
        NodeBeyondLog: the log does not reach that far.
    """
    first, level = tile.index * TILE_WIDTH, tile.level * TILE_HEIGHT
    return b"".join(nodes.node(level, first + at) for at in range(tile.width))


def parse_tile(tile: Tile, data: bytes) -> tuple[Hash32, ...]:
    """Return the hashes of a tile.

    Raises:
        TileLengthDiffers: the content does not fit the width.
    """
    if len(data) != tile.width * HASH_BYTES:
        raise TileLengthDiffers(tile.path, tile.width * HASH_BYTES, len(data))
    starts = range(0, len(data), HASH_BYTES)
    return tuple(Hash32(data[start : start + HASH_BYTES]) for start in starts)


def bundle_bytes(bundle: Bundle, entries: Sequence[bytes]) -> bytes:
    """Return the content of a bundle: each entry after its length in two bytes, big-endian.

    Raises:
        BundleCountDiffers: not as many entries as the bundle is wide.
        EntryTooLong: an entry has more than `MAX_ENTRY_BYTES` bytes; the format cannot carry it.
    """
    if len(entries) != bundle.width:
        raise BundleCountDiffers(bundle.path, bundle.width, len(entries))
    for position, entry in enumerate(entries):
        check_entry_size(entry, position)
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def check_entry_size(entry: bytes, position: int = 0) -> None:
    """Refuse an entry that no bundle can carry; a log asks this before it accepts the entry.

    Raises:
        EntryTooLong: more than `MAX_ENTRY_BYTES` bytes.
    """
    if len(entry) > MAX_ENTRY_BYTES:
        raise EntryTooLong(position, len(entry), MAX_ENTRY_BYTES)


def parse_bundle(bundle: Bundle, data: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle; whether they are in the log is `check_bundle`'s question.

    Raises:
        BundleCut, BundleOverlong: the content does not hold exactly that many entries.
    """
    entries, at = list[bytes](), 0
    for position in range(bundle.width):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise BundleCut(bundle.path, position, len(data))
        entries.append(data[start:at])
    if at != len(data):
        raise BundleOverlong(bundle.path, len(data) - at)
    return tuple(entries)


def check_bundle(bundle: Bundle, entries: Sequence[bytes], hashes: Sequence[Hash32]) -> None:
    """Refuse unless each entry hashes to its place in the level-0 tile (`parse_tile`).

    Raises:
        BundleCountDiffers: not as many entries or hashes as the bundle is wide.
        EntryNotInTile: an entry is not the one that the log has.
    """
    for count in (len(entries), len(hashes)):
        if count != bundle.width:
            raise BundleCountDiffers(bundle.path, bundle.width, count)
    for position, (entry, leaf) in enumerate(zip(entries, hashes, strict=True)):
        expected, computed = EntryHash(leaf), leaf_hash(entry)
        if computed != expected:
            raise EntryNotInTile(LeafIndex(bundle.first + position), expected, computed)


class TileNodes:
    """The tree of a given size, read from its tiles, so that proofs can be made without the log.

    Every answer is computed from what the reader returns and is as good as that: compare
    `tree_root` over it with a checkpoint, or verify the proofs made from it.
    """

    def __init__(self, read: TileReader, size: TreeSize) -> None:
        check_size(size)
        self._read, self._size = read, size

    def node(self, level: int, index: int) -> Hash32:
        """Return the hash of a full subtree from the one tile that covers it.

        Raises:
            NodeBeyondLog: the subtree is not full at this size.
            TileLengthDiffers: the reader returned something else than that tile.
        """
        if level < 0 or not 0 <= index < self._size >> level:
            raise NodeBeyondLog(level, index, self._size)
        tile_level, inside = divmod(level, TILE_HEIGHT)
        place, offset = divmod(index << inside, TILE_WIDTH)
        held = self._size >> TILE_HEIGHT * tile_level
        tile = Tile(tile_level, place, min(TILE_WIDTH, held - place * TILE_WIDTH))
        row = list(parse_tile(tile, self._read(tile))[offset : offset + (1 << inside)])
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]


def _widths(old: int, new: int) -> Iterator[tuple[int, int]]:
    """Yield index and width of what a row of hashes needs anew when it grows."""
    if old == new:
        return
    full, rest = divmod(new, TILE_WIDTH)
    for index in range(old // TILE_WIDTH, full):
        yield index, TILE_WIDTH
    if rest:
        yield full, rest


def _index_path(index: int) -> str:
    """Write an index in groups of three digits, all but the last marked with an x."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _suffix(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"


def _check_place(level: int, index: int, width: int) -> None:
    first = index * TILE_WIDTH
    if not (
        0 <= level <= MAX_TILE_LEVEL
        and 1 <= width <= TILE_WIDTH
        and first >= 0
        and first + width <= MAX_TREE_SIZE >> TILE_HEIGHT * level
    ):
        raise TileNotInRange(level, index, width)


def _check_growth(old: TreeSize, new: TreeSize) -> None:
    check_size(old)
    check_size(new)
    if new < old:
        raise TreeShrank(old, new)
