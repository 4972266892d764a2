"""The log as files: paths and contents of C2SP tlog-tiles, and copies that were altered."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.ledger.merkle import (
    MAX_TREE_SIZE,
    LeafIndex,
    NodeBeyondLog,
    TreeShrank,
    TreeSize,
    TreeSizeOutOfRange,
    WrongRoot,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from lodeline.ledger.merklelog import Frontier, MerkleLog
from lodeline.ledger.tiles import (
    MAX_ENTRY_BYTES,
    MAX_TILE_LEVEL,
    TILE_WIDTH,
    Bundle,
    BundleCountDiffers,
    BundleCut,
    BundleOverlong,
    EntryNotInTile,
    EntryTooLong,
    Tile,
    TileLengthDiffers,
    TileNodes,
    TileNotInRange,
    TilePath,
    TilePathMalformed,
    bundle_bytes,
    bundles_between,
    check_bundle,
    check_entry_size,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    tile_bytes,
    tiles_between,
)

SIZE = 70_000
"""The size of the format's own example; three levels of tiles."""
LOG = MerkleLog(leaf_hash(b"%d" % number) for number in range(SIZE))
FILES = {tile.path: tile_bytes(tile, LOG) for tile in tiles_between(TreeSize(0), TreeSize(SIZE))}

tiles = st.builds(Tile, st.integers(0, 3), st.integers(0, 2**30), st.integers(1, TILE_WIDTH))
bundles = st.builds(Bundle, st.integers(0, 2**50), st.integers(1, TILE_WIDTH))


def read(tile: Tile) -> bytes:
    return FILES[tile.path]


def all_tiles(size: int) -> list[Tile]:
    return list(tiles_between(TreeSize(0), TreeSize(size)))


# ------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(2, 1000, 1), "tile/2/x001/000.p/1"),
        (Bundle(0, 5), "tile/entries/000.p/5"),
        (Bundle(1234067), "tile/entries/x001/x234/067"),
    ],
)
def test_paths_are_those_of_the_format(tile: Tile | Bundle, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile


@given(st.one_of(tiles, bundles))
def test_paths_survive_parsing(tile: Tile | Bundle) -> None:
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/100/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1\n",
        "tile/0/٠٠٠",
        "/tile/0/000",
        "tile//000",
        "tile/0/../000",
        "tile/0/../../etc/passwd",
        "Tile/0/000",
        "tile/entries/",
        "tile/entries/000.p/-1",
        "tile/0/X001/000",
        "tile/0/" + "x999/" * 2000 + "999",
    ],
)
def test_a_path_has_one_writing(path: str) -> None:
    with pytest.raises(TilePathMalformed) as refused:
        parse_tile_path(path)
    assert refused.value.path == path[:80]


@given(st.text("tile/enrsx.p0123456789", max_size=30))
@pytest.mark.fuzz
def test_any_text_parses_to_itself_or_is_refused(noise: str) -> None:
    for path in (noise, f"tile/{noise}", f"tile/0/000{noise}"):
        try:
            assert parse_tile_path(path).path == path
        except LodelineError:
            continue


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [
        (-1, 0, 1),
        (MAX_TILE_LEVEL + 1, 0, 1),
        (0, -1, 256),
        (0, 0, 0),
        (0, 0, 257),
        (0, 2**55, 1),
        (0, 2**55 - 1, 256),
        (7, 0, 128),
    ],
)
def test_no_tile_outside_the_largest_log(level: int, index: int, width: int) -> None:
    with pytest.raises(TileNotInRange) as refused:
        Tile(level, index, width)
    value = refused.value
    assert (value.level, value.index, value.width) == (level, index, width)
    if level == 0:
        with pytest.raises(TileNotInRange):
            Bundle(index, width)


def test_a_path_far_outside_is_refused_too() -> None:
    for path in ("tile/8/000", "tile/63/000", "tile/0/" + "x999/" * 6 + "999"):
        with pytest.raises(TileNotInRange):
            parse_tile_path(path)


# ------------------------------------------------------------------ which tiles a log has


def test_the_example_of_the_format() -> None:
    """C2SP tlog-tiles: a tree of 70,000 entries, and one of 256."""
    listed = all_tiles(SIZE)
    full = Counter(tile.level for tile in listed if tile.width == TILE_WIDTH)
    partial = {tile.level: tile.width for tile in listed if tile.width < TILE_WIDTH}
    assert full == {0: 273, 1: 1}
    assert partial == {0: 112, 1: 17, 2: 1}
    assert all_tiles(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert all_tiles(0) == []


def test_the_largest_log_has_eight_levels() -> None:
    newest = list(tiles_between(TreeSize(MAX_TREE_SIZE - 1), TreeSize(MAX_TREE_SIZE)))
    assert newest == [Tile(0, 2**55 - 1, 255)]
    size = TreeSize(2**56)
    top = list(tiles_between(TreeSize(size - 1), size))
    assert top[-1] == Tile(7, 0, 1)
    assert len(top) == 8


@given(st.integers(0, 70_000), st.integers(0, 600))
def test_growing_step_by_step_writes_every_tile(old: int, more: int) -> None:
    new = old + more
    before, after = set(all_tiles(old)), set(all_tiles(new))
    grown = list(tiles_between(TreeSize(old), TreeSize(new)))
    assert len(grown) == len(set(grown))
    assert set(grown) == after - before
    bundles = list(bundles_between(TreeSize(old), TreeSize(new)))
    assert [(bundle.index, bundle.width) for bundle in bundles] == [
        (tile.index, tile.width) for tile in grown if tile.level == 0
    ]


def test_bundles_name_their_first_entry() -> None:
    last = list(bundles_between(TreeSize(0), TreeSize(SIZE)))[-1]
    assert (last.index, last.width, last.first) == (273, 112, 273 * 256)


def test_a_log_cannot_shrink() -> None:
    for listing in (tiles_between, bundles_between):
        with pytest.raises(TreeShrank) as refused:
            list(listing(TreeSize(5), TreeSize(4)))
        assert (refused.value.old, refused.value.new) == (5, 4)
        with pytest.raises(TreeSizeOutOfRange):
            list(listing(TreeSize(-1), TreeSize(4)))


# ------------------------------------------------------------------ what tiles hold


def test_tiles_hold_the_hashes_of_the_tree() -> None:
    assert len(FILES) == 273 + 1 + 3
    full = parse_tile(Tile(0, 272), FILES[TilePath("tile/0/272")])
    assert full == tuple(LOG.node(0, 272 * 256 + at) for at in range(256))
    assert len(FILES[TilePath("tile/0/272")]) == 8192
    above = parse_tile(Tile(1, 1, 17), FILES[TilePath("tile/1/001.p/17")])
    assert above[16] == Frontier().extend(map(EntryHash, full)).root()


@given(st.integers(0, SIZE - 1), st.integers(1, SIZE))
def test_a_stranger_makes_the_same_proofs_from_tiles(index: int, old: int) -> None:
    nodes, size = TileNodes(read, TreeSize(SIZE)), TreeSize(SIZE)
    inclusion = prove_inclusion(nodes, LeafIndex(index), size)
    assert inclusion == LOG.prove_inclusion(LeafIndex(index))
    verify_inclusion(inclusion, LOG.leaf(LeafIndex(index)), LOG.root())
    consistency = prove_consistency(nodes, TreeSize(old), size)
    assert consistency == LOG.prove_consistency(TreeSize(old))
    verify_consistency(consistency, LOG.root(TreeSize(old)), LOG.root())


def test_the_root_comes_out_of_the_tiles() -> None:
    assert tree_root(TileNodes(read, TreeSize(SIZE)), TreeSize(SIZE)) == LOG.root()


def test_an_altered_tile_leads_to_another_root() -> None:
    def altered(tile: Tile) -> bytes:
        data = read(tile)
        return bytes([data[0] ^ 1]) + data[1:] if tile == Tile(0, 273, 112) else data

    nodes = TileNodes(altered, TreeSize(SIZE))
    assert tree_root(nodes, TreeSize(SIZE)) != LOG.root()
    index = LeafIndex(SIZE - 1)
    with pytest.raises(WrongRoot):
        verify_inclusion(prove_inclusion(nodes, index, TreeSize(SIZE)), LOG.leaf(index), LOG.root())


def test_tiles_answer_only_for_their_size() -> None:
    nodes = TileNodes(read, TreeSize(SIZE))
    for level, index in [(0, SIZE), (0, -1), (-1, 0), (17, 0), (8, 273)]:
        with pytest.raises(NodeBeyondLog) as refused:
            nodes.node(level, index)
        assert (refused.value.level, refused.value.index) == (level, index)
    with pytest.raises(TreeSizeOutOfRange):
        TileNodes(read, TreeSize(-1))


@pytest.mark.parametrize("length", [0, 31, 32 * 4, 32 * 6, 32 * 5 + 1])
def test_a_tile_is_as_long_as_its_width(length: int) -> None:
    with pytest.raises(TileLengthDiffers) as refused:
        parse_tile(Tile(0, 7, 5), bytes(length))
    assert (refused.value.expected, refused.value.got) == (160, length)
    assert refused.value.path == "tile/0/007.p/5"
    with pytest.raises(TileLengthDiffers):
        TileNodes(lambda _: bytes(length), TreeSize(5)).node(0, 0)


def test_a_tile_beyond_the_log_cannot_be_made() -> None:
    with pytest.raises(NodeBeyondLog):
        tile_bytes(Tile(0, 273, 113), LOG)


# ------------------------------------------------------------------ bundles


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.integers(0, 2000))
def test_bundles_survive_their_bytes(entries: list[bytes], index: int) -> None:
    bundle = Bundle(index, len(entries))
    data = bundle_bytes(bundle, entries)
    assert parse_bundle(bundle, data) == tuple(entries)
    check_bundle(bundle, entries, [Hash32(leaf_hash(entry)) for entry in entries])


def test_a_bundle_is_lengths_and_entries() -> None:
    assert bundle_bytes(Bundle(0, 3), [b"ab", b"", b"c" * 258]) == (
        b"\x00\x02ab" + b"\x00\x00" + b"\x01\x02" + b"c" * 258
    )


def test_the_longest_entry_fits_and_one_byte_more_does_not() -> None:
    longest = bytes(MAX_ENTRY_BYTES)
    bundle = Bundle(0, 2)
    assert parse_bundle(bundle, bundle_bytes(bundle, [b"", longest])) == (b"", longest)
    check_entry_size(longest)
    with pytest.raises(EntryTooLong) as refused:
        bundle_bytes(bundle, [b"", longest + b"\x00"])
    value = refused.value
    assert (value.position, value.size, value.limit) == (1, 65536, 65535)
    with pytest.raises(EntryTooLong):
        check_entry_size(longest + b"\x00")


def test_a_bundle_cut_anywhere_is_refused() -> None:
    bundle = Bundle(4, 3)
    data = bundle_bytes(bundle, [b"one", b"two", b"three"])
    for end in range(len(data)):
        with pytest.raises(BundleCut) as refused:
            parse_bundle(bundle, data[:end])
        assert (refused.value.size, refused.value.path) == (end, "tile/entries/004.p/3")
        assert refused.value.position == (0 if end < 5 else 1 if end < 10 else 2)


def test_a_bundle_with_more_than_its_entries_is_refused() -> None:
    bundle = Bundle(4, 2)
    data = bundle_bytes(bundle, [b"one", b"two"])
    with pytest.raises(BundleOverlong) as refused:
        parse_bundle(bundle, data + b"\x00\x00")
    assert refused.value.extra == 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_bundle_holds_as_many_entries_as_it_is_wide(count: int) -> None:
    bundle, entries = Bundle(4, 2), [b"entry"] * count
    hashes = [Hash32(leaf_hash(entry)) for entry in entries]
    with pytest.raises(BundleCountDiffers) as refused:
        bundle_bytes(bundle, entries)
    assert (refused.value.expected, refused.value.got) == (2, count)
    with pytest.raises(BundleCountDiffers):
        check_bundle(bundle, entries, hashes)
    with pytest.raises(BundleCountDiffers):
        check_bundle(bundle, [b"entry"] * 2, hashes)


def test_an_altered_entry_is_found_by_its_place() -> None:
    """A mirror changes one entry of a bundle and leaves the tile alone."""
    entries = [b"%d" % number for number in range(273 * 256, SIZE)]
    bundle = Bundle(273, 112)
    hashes = parse_tile(Tile(0, 273, 112), FILES[TilePath("tile/0/273.p/112")])
    check_bundle(bundle, entries, hashes)
    entries[100] = b"forged"
    with pytest.raises(EntryNotInTile) as refused:
        check_bundle(bundle, entries, hashes)
    assert refused.value.index == 273 * 256 + 100
    assert refused.value.expected == EntryHash(hashes[100])
    assert refused.value.computed == leaf_hash(b"forged")
