"""The log's tree against the published vectors, a naive tree, and people who bend proofs."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel.cbor import decode_struct, encode, encode_struct
from lodeline.kernel.cbor_errors import WrongShape
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.ledger.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    ConsistencyProof,
    HashLengthDiffers,
    InclusionProof,
    IndexBeyondTree,
    LeafIndex,
    NodeBeyondLog,
    ProofTooLong,
    ProofTooShort,
    TreeShrank,
    TreeSize,
    TreeSizeOutOfRange,
    WrongNewRoot,
    WrongOldRoot,
    WrongRoot,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from lodeline.ledger.merklelog import (
    Frontier,
    FrontierShapeDiffers,
    LeafSequence,
    MerkleLog,
    SizeBeyondLog,
)

# The eight entries and the roots over the first n of them that the reference implementation of
# Certificate Transparency (RFC 6962) publishes in its tree tests.
CT_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
# (index, size, path), same source.
CT_INCLUSION = [
    (0, 1, ()),
    (
        0,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        5,
        8,
        (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
]
# (old, new, path), same source.
CT_CONSISTENCY = [
    (1, 1, ()),
    (
        1,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        6,
        8,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (
        2,
        5,
        (
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
]

sizes = st.integers(min_value=1, max_value=130)


def leaves(count: int) -> list[EntryHash]:
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 9162 §2.1.1 word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    both = naive_root(hashes[:split]) + naive_root(hashes[split:])
    return sha256(b"\x01" + both).digest()


def inclusion(index: int, size: int, path: Sequence[bytes]) -> InclusionProof:
    return InclusionProof(LeafIndex(index), TreeSize(size), tuple(map(Hash32, path)))


def consistency(old: int, new: int, path: Sequence[bytes]) -> ConsistencyProof:
    return ConsistencyProof(TreeSize(old), TreeSize(new), tuple(map(Hash32, path)))


def flipped(value: bytes) -> Hash32:
    return Hash32(bytes([value[0] ^ 1]) + value[1:])


# ------------------------------------------------------------------ published vectors


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_published_tree(size: int) -> None:
    hashes = [leaf_hash(entry) for entry in CT_ENTRIES[:size]]
    assert Frontier().extend(hashes).root() == CT_ROOTS[size]
    assert MerkleLog(hashes).root() == CT_ROOTS[size]
    assert tree_root(LeafSequence(hashes), TreeSize(size)) == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), CT_INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, path: tuple[str, ...]) -> None:
    log = MerkleLog(leaf_hash(entry) for entry in CT_ENTRIES)
    proof = log.prove_inclusion(LeafIndex(index), TreeSize(size))
    assert proof == inclusion(index, size, [bytes.fromhex(text) for text in path])
    verify_inclusion(proof, leaf_hash(CT_ENTRIES[index]), Hash32(CT_ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), CT_CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, path: tuple[str, ...]) -> None:
    log = MerkleLog(leaf_hash(entry) for entry in CT_ENTRIES)
    proof = log.prove_consistency(TreeSize(old), TreeSize(new))
    assert proof == consistency(old, new, [bytes.fromhex(text) for text in path])
    verify_consistency(proof, Hash32(CT_ROOTS[old]), Hash32(CT_ROOTS[new]))


# ------------------------------------------------------------------ against the naive tree


@given(sizes)
def test_every_structure_has_the_naive_root(size: int) -> None:
    hashes = leaves(size)
    log, grown = MerkleLog(hashes), Frontier()
    for leaf in hashes:
        grown = grown.append(leaf)
    assert grown.root() == log.root() == naive_root(hashes)
    assert grown == log.frontier() == Frontier().extend(hashes)
    assert log.size == size


@given(st.lists(st.integers(0, 40), max_size=8))
def test_leaves_added_together_make_the_tree_that_they_make_one_by_one(
    stretches: list[int],
) -> None:
    together, single = MerkleLog(), MerkleLog()
    for stretch in stretches:
        hashes = [leaf_hash(bytes([number, len(stretches)])) for number in range(stretch)]
        together.extend(hashes)
        for leaf in hashes:
            single.append(leaf)
        assert together._levels == single._levels
        assert together.size == single.size


def test_leaves_are_added_together_or_not_at_all() -> None:
    log = MerkleLog([leaf_hash(b"first")])
    with pytest.raises(HashLengthDiffers):
        log.extend([leaf_hash(b"second"), EntryHash(b"third")])
    assert log.size == 1
    assert log._levels == MerkleLog([leaf_hash(b"first")])._levels


@given(sizes, st.data())
def test_past_roots_and_leaves_stay_available(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    past = data.draw(st.integers(0, size))
    log = MerkleLog(hashes)
    assert log.root(TreeSize(past)) == naive_root(hashes[:past])
    assert log.frontier(TreeSize(past)).extend(hashes[past:]) == log.frontier()
    assert log.leaf(LeafIndex(size - 1)) == hashes[-1]


@given(sizes, st.data())
def test_inclusion_round_trip(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = MerkleLog(hashes).prove_inclusion(LeafIndex(index))
    assert proof == prove_inclusion(LeafSequence(hashes), LeafIndex(index), TreeSize(size))
    verify_inclusion(proof, hashes[index], Hash32(naive_root(hashes)))
    assert decode_struct(encode_struct(proof), InclusionProof) == proof


@given(sizes, st.data())
def test_consistency_round_trip(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    old = data.draw(st.integers(0, size))
    proof = MerkleLog(hashes).prove_consistency(TreeSize(old))
    assert proof == prove_consistency(LeafSequence(hashes), TreeSize(old), TreeSize(size))
    verify_consistency(proof, Hash32(naive_root(hashes[:old])), Hash32(naive_root(hashes)))
    assert decode_struct(encode_struct(proof), ConsistencyProof) == proof


@given(st.integers(0, 130))
def test_frontier_survives_storage(size: int) -> None:
    frontier = Frontier().extend(leaves(size))
    assert decode_struct(encode_struct(frontier), Frontier) == frontier


def test_a_large_tree_has_short_proofs() -> None:
    class Uniform:
        """All leaves alike, so that a tree of any size can be answered."""

        def node(self, level: int, index: int) -> Hash32:
            return self.rows[level]

        def __init__(self) -> None:
            self.rows = [Hash32(leaf_hash(b""))]
            for _ in range(63):
                self.rows.append(node_hash(self.rows[-1], self.rows[-1]))

    size, index = TreeSize(MAX_TREE_SIZE), LeafIndex(MAX_TREE_SIZE - 1)
    nodes = Uniform()
    proof = prove_inclusion(nodes, index, size)
    assert len(proof.path) == 62
    verify_inclusion(proof, leaf_hash(b""), tree_root(nodes, size))
    old = TreeSize(MAX_TREE_SIZE // 3)
    growth = prove_consistency(nodes, old, size)
    assert len(growth.path) <= 64
    verify_consistency(growth, tree_root(nodes, old), tree_root(nodes, size))
    assert decode_struct(encode_struct(growth), ConsistencyProof) == growth


# ------------------------------------------------------------------ forged inclusion


@given(sizes, st.data())
def test_an_entry_cannot_be_shown_at_another_place(size: int, data: st.DataObject) -> None:
    hashes = leaves(size + 1)
    index, other = data.draw(
        st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True), label="places"
    )
    proof = MerkleLog(hashes).prove_inclusion(LeafIndex(index))
    root = Hash32(naive_root(hashes))
    moved = msgspec.structs.replace(proof, index=LeafIndex(other))
    with pytest.raises((WrongRoot, ProofTooShort, ProofTooLong)):
        verify_inclusion(moved, hashes[index], root)
    with pytest.raises(WrongRoot) as refused:
        verify_inclusion(proof, hashes[other], root)
    assert refused.value.expected == root
    assert refused.value.computed != root


@pytest.mark.parametrize("size", [2, 3, 7, 8, 9, 21])
def test_every_hash_of_an_inclusion_path_counts(size: int) -> None:
    hashes = leaves(size)
    log, tried = MerkleLog(hashes), 0
    for index in range(size):
        proof = log.prove_inclusion(LeafIndex(index))
        for at in range(len(proof.path)):
            path = [*proof.path]
            path[at] = flipped(path[at])
            with pytest.raises(WrongRoot):
                verify_inclusion(inclusion(index, size, path), hashes[index], log.root())
            tried += 1
    assert tried >= size


def test_a_cut_or_padded_inclusion_path_is_refused() -> None:
    hashes = leaves(11)
    log = MerkleLog(hashes)
    proof = log.prove_inclusion(LeafIndex(3))
    with pytest.raises(ProofTooShort) as short:
        verify_inclusion(inclusion(3, 11, proof.path[:-1]), hashes[3], log.root())
    assert (short.value.expected, short.value.got) == (4, 3)
    with pytest.raises(ProofTooLong) as long:
        verify_inclusion(inclusion(3, 11, (*proof.path, EMPTY_ROOT)), hashes[3], log.root())
    assert (long.value.expected, long.value.got) == (4, 5)


def test_swapped_neighbours_are_refused() -> None:
    hashes = leaves(8)
    log = MerkleLog(hashes)
    path = log.prove_inclusion(LeafIndex(2)).path
    with pytest.raises(WrongRoot):
        verify_inclusion(inclusion(2, 8, path[::-1]), hashes[2], log.root())


def test_an_inner_node_is_no_entry() -> None:
    """The attack that the prefixes stop: the bytes of two hashes offered as one entry."""
    hashes = leaves(4)
    log = MerkleLog(hashes)
    path = log.prove_inclusion(LeafIndex(0)).path
    pretended = leaf_hash(hashes[0] + hashes[1])
    with pytest.raises(WrongRoot):
        verify_inclusion(inclusion(0, 2, path[1:]), pretended, log.root())


@pytest.mark.parametrize("index", [-1, 5, 6, 2**63])
def test_no_place_outside_the_tree(index: int) -> None:
    log = MerkleLog(leaves(5))
    with pytest.raises(IndexBeyondTree) as refused:
        verify_inclusion(inclusion(index, 5, ()), leaf_hash(b""), log.root())
    assert (refused.value.index, refused.value.size) == (index, 5)
    with pytest.raises(IndexBeyondTree):
        log.prove_inclusion(LeafIndex(index))
    with pytest.raises(IndexBeyondTree):
        log.leaf(LeafIndex(index))


@pytest.mark.parametrize("size", [-1, MAX_TREE_SIZE + 1])
def test_no_size_outside_the_range(size: int) -> None:
    log = MerkleLog(leaves(5))
    with pytest.raises(TreeSizeOutOfRange) as refused:
        verify_inclusion(inclusion(0, size, ()), leaf_hash(b""), EMPTY_ROOT)
    assert (refused.value.size, refused.value.limit) == (size, MAX_TREE_SIZE)
    with pytest.raises(TreeSizeOutOfRange):
        verify_consistency(consistency(0, size, ()), EMPTY_ROOT, EMPTY_ROOT)
    with pytest.raises(TreeSizeOutOfRange):
        log.root(TreeSize(size))
    with pytest.raises(TreeSizeOutOfRange):
        Frontier(TreeSize(size), ())


def test_nothing_is_in_the_empty_tree() -> None:
    with pytest.raises(IndexBeyondTree):
        verify_inclusion(inclusion(0, 0, ()), EntryHash(EMPTY_ROOT), EMPTY_ROOT)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_only_whole_hashes_are_accepted(length: int) -> None:
    odd = Hash32(bytes(length))
    hashes = leaves(2)
    root = MerkleLog(hashes).root()
    with pytest.raises(HashLengthDiffers) as refused:
        verify_inclusion(inclusion(0, 2, [odd]), hashes[0], root)
    assert (refused.value.expected, refused.value.got) == (32, length)
    with pytest.raises(HashLengthDiffers):
        verify_inclusion(inclusion(0, 2, [hashes[1]]), EntryHash(odd), root)
    with pytest.raises(HashLengthDiffers):
        verify_consistency(consistency(1, 2, [odd]), Hash32(hashes[0]), root)
    with pytest.raises(HashLengthDiffers):
        Frontier().append(EntryHash(odd))
    log = MerkleLog(hashes)
    with pytest.raises(HashLengthDiffers):
        log.append(EntryHash(odd))
    assert (log.size, log.root()) == (2, root)


# ------------------------------------------------------------------ rewritten history


@given(st.integers(2, 60), st.data())
def test_a_rewritten_entry_shows(size: int, data: st.DataObject) -> None:
    """An operator replaces one old entry and tries every honest way to prove the growth."""
    hashes = leaves(size)
    old = data.draw(st.integers(1, size), label="old size")
    seen = Hash32(naive_root(hashes[:old]))
    victim = data.draw(st.integers(0, old - 1), label="rewritten")
    rewritten = MerkleLog([*hashes[:victim], leaf_hash(b"forged"), *hashes[victim + 1 :]])
    # An old tree of 2^k leaves is itself the seed of the proof, so there the new root disagrees.
    with pytest.raises((WrongOldRoot, WrongNewRoot)) as refused:
        verify_consistency(rewritten.prove_consistency(TreeSize(old)), seen, rewritten.root())
    if isinstance(refused.value, WrongOldRoot):
        assert refused.value.expected == seen
    else:
        assert isinstance(refused.value, WrongNewRoot)
        assert old.bit_count() == 1
        assert refused.value.expected == rewritten.root()


@given(st.integers(2, 60), st.data())
def test_a_proof_for_another_future_is_refused(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    old = data.draw(st.integers(1, size - 1), label="old size")
    log = MerkleLog(hashes)
    with pytest.raises(WrongNewRoot) as refused:
        verify_consistency(
            log.prove_consistency(TreeSize(old)),
            log.root(TreeSize(old)),
            flipped(log.root()),
        )
    assert refused.value.computed == log.root()


@pytest.mark.parametrize("new", [2, 3, 8, 13])
def test_every_hash_of_a_consistency_path_counts(new: int) -> None:
    log, tried = MerkleLog(leaves(new)), 0
    for old in range(1, new):
        proof = log.prove_consistency(TreeSize(old))
        before = log.root(TreeSize(old))
        for at in range(len(proof.path)):
            path = [*proof.path]
            path[at] = flipped(path[at])
            with pytest.raises((WrongOldRoot, WrongNewRoot)):
                verify_consistency(consistency(old, new, path), before, log.root())
            tried += 1
        with pytest.raises(ProofTooShort):
            verify_consistency(consistency(old, new, proof.path[1:]), before, log.root())
        with pytest.raises(ProofTooLong):
            verify_consistency(consistency(old, new, (*proof.path, before)), before, log.root())
    assert tried >= new - 1


def test_a_log_cannot_shrink() -> None:
    log = MerkleLog(leaves(5))
    with pytest.raises(TreeShrank) as refused:
        verify_consistency(consistency(5, 4, ()), log.root(), log.root(TreeSize(4)))
    assert (refused.value.old, refused.value.new) == (5, 4)
    with pytest.raises(TreeShrank):
        log.prove_consistency(TreeSize(5), TreeSize(4))


def test_equal_sizes_need_equal_roots() -> None:
    root = MerkleLog(leaves(5)).root()
    verify_consistency(consistency(5, 5, ()), root, root)
    with pytest.raises(WrongOldRoot):
        verify_consistency(consistency(5, 5, ()), flipped(root), root)
    with pytest.raises(ProofTooLong):
        verify_consistency(consistency(5, 5, (root,)), root, root)


def test_the_empty_log_begins_every_log_and_only_with_its_own_root() -> None:
    root = MerkleLog(leaves(5)).root()
    verify_consistency(consistency(0, 5, ()), EMPTY_ROOT, root)
    verify_consistency(consistency(0, 0, ()), EMPTY_ROOT, EMPTY_ROOT)
    with pytest.raises(WrongOldRoot):
        verify_consistency(consistency(0, 5, ()), root, root)
    with pytest.raises(WrongNewRoot):
        verify_consistency(consistency(0, 0, ()), EMPTY_ROOT, root)
    with pytest.raises(ProofTooLong):
        verify_consistency(consistency(0, 5, (root,)), EMPTY_ROOT, root)


# ------------------------------------------------------------------ limits of a copy


def test_a_copy_answers_only_what_it_holds() -> None:
    log = MerkleLog(leaves(5))
    with pytest.raises(SizeBeyondLog) as refused:
        log.root(TreeSize(6))
    assert (refused.value.size, refused.value.available) == (6, 5)
    for level, index in [(0, 5), (1, 2), (3, 0), (0, -1), (-1, 0), (70, 0)]:
        for nodes in (log, LeafSequence(leaves(5))):
            with pytest.raises(NodeBeyondLog) as missing:
                nodes.node(level, index)
            assert (missing.value.level, missing.value.index) == (level, index)
            assert missing.value.available == 5


def test_a_stored_frontier_must_have_the_peaks_of_its_size() -> None:
    with pytest.raises(FrontierShapeDiffers) as refused:
        Frontier(TreeSize(5), (EMPTY_ROOT,))
    assert (refused.value.size, refused.value.expected, refused.value.got) == (5, 2, 1)
    with pytest.raises(HashLengthDiffers):
        Frontier(TreeSize(1), (Hash32(b"short"),))
    stored = encode({"type": "frontier", "size": 5, "peaks": [EMPTY_ROOT]})
    with pytest.raises(FrontierShapeDiffers):
        decode_struct(stored, Frontier)
    oversized = encode({"type": "frontier", "size": 2**64 - 1, "peaks": [EMPTY_ROOT] * 65})
    with pytest.raises(WrongShape):
        decode_struct(oversized, Frontier)
