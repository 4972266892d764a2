"""Two ways to grow the Merkle tree of the log: by its peaks alone, or with every full subtree.

* `Frontier` – the peaks only, at most 63 hashes; an immutable value for whoever only appends;
* `MerkleLog` – every full subtree, 64 bytes for each leaf; answers proofs in O(log n) hashes;
* `LeafSequence` – nothing but leaf hashes, for whoever holds a list and needs one proof.

All three give the roots of RFC 9162 §2.1; hashing and proofs are in `lodeline.ledger.merkle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import Struct

from lodeline.kernel.ids import HASH_BYTES, EntryHash, Hash32
from lodeline.ledger.merkle import (
    NODE_PREFIX,
    ConsistencyProof,
    InclusionProof,
    LeafIndex,
    MerkleError,
    NodeBeyondLog,
    PathW,
    TreeSize,
    TreeSizeW,
    check_hashes,
    check_index,
    check_size,
    fold_peaks,
    node_hash,
    peaks_of,
    prove_consistency,
    prove_inclusion,
    tree_root,
)

_PAIR_BYTES = 2 * HASH_BYTES


class SizeBeyondLog(MerkleError):
    """A tree size was asked for that this copy of the log has not reached."""

    size: TreeSize
    available: TreeSize

    code = "size-beyond-log"
    en = "a tree of {size} entries was asked for, this copy of the log has {available}"
    fr = "un arbre de {size} écritures est demandé, cette copie du journal en a {available}"
    advice_en = "follow the log up to that size first"
    advice_fr = "suivez d'abord le journal jusqu'à cette taille"


class FrontierShapeDiffers(MerkleError):
    """A stored frontier has another number of peaks than a tree of its size."""

    size: TreeSize
    expected: int
    got: int

    code = "frontier-shape-differs"
    en = "a tree of {size} entries has {expected} peaks, the frontier has {got}"
    fr = "un arbre de {size} écritures a {expected} sommets, la frontière en a {got}"
    advice_en = "rebuild the frontier from the log"
    advice_fr = "reconstruisez la frontière à partir du journal"


class LeafSequence:
    """A tree seen through nothing but its leaf hashes; every answer hashes all it covers."""

    def __init__(self, leaves: Sequence[EntryHash]) -> None:
        self._leaves = leaves

    def node(self, level: int, index: int) -> Hash32:
        """Return the hash of a full subtree, at the price of 2^level hashes.

        Raises:
            NodeBeyondLog: there are not that many leaves.
        """
        if level < 0 or index < 0 or (index + 1) << level > len(self._leaves):
            raise NodeBeyondLog(level, index, TreeSize(len(self._leaves)))
        row = [Hash32(leaf) for leaf in self._leaves[index << level : (index + 1) << level]]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]


class Frontier(Struct, frozen=True, forbid_unknown_fields=True, tag="frontier"):
    """The peaks of a tree, largest first: all that is needed to append and to know the root.

    An immutable value: `append` returns another one, so a block can be computed, compared and then
    either kept or dropped.

    Raises:
        TreeSizeOutOfRange: the size is no tree size.
        FrontierShapeDiffers: the peaks are not those of a tree of that size.
        HashLengthDiffers: a peak is not 32 bytes.
    """

    size: TreeSizeW = TreeSize(0)
    peaks: PathW = ()

    def __post_init__(self) -> None:
        check_size(self.size)
        if self.size.bit_count() != len(self.peaks):
            raise FrontierShapeDiffers(self.size, self.size.bit_count(), len(self.peaks))
        check_hashes(self.peaks)

    def append(self, leaf: EntryHash) -> Frontier:
        """Return the frontier with one more leaf; two hashes on average."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[EntryHash]) -> Frontier:
        """Return the frontier with these leaves added in their order.

        Raises:
            HashLengthDiffers: a leaf hash is not 32 bytes.
            TreeSizeOutOfRange: the tree would outgrow `MAX_TREE_SIZE`.
        """
        size, peaks = int(self.size), list(self.peaks)
        for leaf in leaves:
            node = Hash32(leaf)
            check_hashes((node,))
            for _ in range(_trailing_ones(size)):
                node = node_hash(peaks.pop(), node)
            peaks.append(node)
            size += 1
        return Frontier(TreeSize(size), tuple(peaks))

    def root(self) -> Hash32:
        """Return the root of the tree; `EMPTY_ROOT` while there is no leaf."""
        return fold_peaks(self.peaks)


class MerkleLog:
    """A tree that keeps every full subtree in memory, so proofs cost O(log n) hashes.

    Each level is one byte string of concatenated hashes: 64 bytes for each leaf in all, and each
    level is at the same time the content of its tiles. It only grows; to try a block before it is
    accepted, use `frontier()`.
    """

    def __init__(self, leaves: Iterable[EntryHash] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._size = 0
        self.extend(leaves)

    @property
    def size(self) -> TreeSize:
        """Number of leaves."""
        return TreeSize(self._size)

    def append(self, leaf: EntryHash) -> LeafIndex:
        """Add one leaf and return its index.

        Raises:
            HashLengthDiffers: the leaf hash is not 32 bytes; nothing was changed.
        """
        node, index = Hash32(leaf), self._size
        check_hashes((node,))
        completed = _trailing_ones(index)
        if completed == len(self._levels):
            self._levels.append(bytearray())
        self._levels[0] += node
        for level in range(completed):
            node = node_hash(
                Hash32(bytes(self._levels[level][-2 * HASH_BYTES : -HASH_BYTES])), node
            )
            self._levels[level + 1] += node
        self._size = index + 1
        return LeafIndex(index)

    def extend(self, leaves: Iterable[EntryHash]) -> None:
        """Add leaves in their order; for many much quicker than one by one.

        Raises:
            HashLengthDiffers: a leaf hash is not 32 bytes; nothing was changed.
        """
        added = tuple(leaves)
        check_hashes(Hash32(leaf) for leaf in added)
        self._levels[0] += b"".join(added)
        self._size += len(added)
        level = 1
        while len(self._levels[level - 1]) >= _PAIR_BYTES:
            self._complete(level)
            level += 1

    def _complete(self, level: int) -> None:
        """Bring a level up to the one below it, where two hashes stand for each of its own."""
        if level == len(self._levels):
            self._levels.append(bytearray())
        row, below = self._levels[level], self._levels[level - 1]
        fresh = bytes(below[2 * len(row) : len(below) - len(below) % _PAIR_BYTES])
        pairs = (fresh[at : at + _PAIR_BYTES] for at in range(0, len(fresh), _PAIR_BYTES))
        row += b"".join(sha256(NODE_PREFIX + pair).digest() for pair in pairs)

    def node(self, level: int, index: int) -> Hash32:
        """Return the hash of a full subtree, from memory.

        Raises:
            NodeBeyondLog: the subtree is not full, or there is no such place.
        """
        if not 0 <= level < len(self._levels) or not 0 <= index < self._size >> level:
            raise NodeBeyondLog(level, index, self.size)
        start = index * HASH_BYTES
        return Hash32(bytes(self._levels[level][start : start + HASH_BYTES]))

    def leaf(self, index: LeafIndex) -> EntryHash:
        """Return the leaf hash at an index.

        Raises:
            IndexBeyondTree: there is no such leaf.
        """
        check_index(index, self.size)
        return EntryHash(self.node(0, index))

    def frontier(self, size: TreeSize | None = None) -> Frontier:
        """Return the frontier of the first `size` leaves, all by default.

        Raises:
            SizeBeyondLog: the log has not reached that size.
        """
        wanted = self._reached(size)
        return Frontier(wanted, tuple(peaks_of(self, wanted)))

    def root(self, size: TreeSize | None = None) -> Hash32:
        """Return the root over the first `size` leaves, all by default.

        Raises:
            SizeBeyondLog: the log has not reached that size.
        """
        return tree_root(self, self._reached(size))

    def prove_inclusion(self, index: LeafIndex, size: TreeSize | None = None) -> InclusionProof:
        """Return the proof that a leaf is in the tree of the first `size` leaves.

        Raises:
            SizeBeyondLog: the log has not reached that size.
            IndexBeyondTree: the tree of that size has no such leaf.
        """
        return prove_inclusion(self, index, self._reached(size))

    def prove_consistency(self, old: TreeSize, new: TreeSize | None = None) -> ConsistencyProof:
        """Return the proof that the tree of `new` leaves begins with the tree of `old` leaves.

        Raises:
            SizeBeyondLog: the log has not reached the new size.
            TreeShrank: the new size is below the old one.
        """
        return prove_consistency(self, old, self._reached(new))

    def _reached(self, size: TreeSize | None) -> TreeSize:
        wanted = self.size if size is None else size
        check_size(wanted)
        if wanted > self._size:
            raise SizeBeyondLog(wanted, self.size)
        return wanted


def _trailing_ones(number: int) -> int:
    return (~number & number + 1).bit_length() - 1
