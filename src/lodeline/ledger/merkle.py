"""The Merkle tree of the log: RFC 9162 §2.1 with SHA-256, its proofs and their verification.

A tree over n leaves splits at the largest power of two below n, so every subtree that is full never
changes again. Everything here is said in terms of those full subtrees: level 0 holds the leaf
hashes, node (k, i) covers the leaves i·2^k … (i+1)·2^k − 1.

A tree is whatever can say the hash of a full subtree (`NodeSource`): the structures that grow one
are in `lodeline.ledger.merklelog`, tiles are in `lodeline.ledger.tiles`.

Verification is `verify_inclusion` and `verify_consistency`; they need no tree, only the proof and
roots that the caller trusts for another reason (a signed checkpoint). A proof says nothing about
what an entry means or whether it should have been accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, NewType, Protocol

from msgspec import Meta, Struct

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, EntryHash, Hash32, Hash32W

LeafIndex = NewType("LeafIndex", int)
"""Position of an entry in the log, counted from 0."""
TreeSize = NewType("TreeSize", int)
"""Number of leaves of a tree, 0 … 2^63 − 1 (`MAX_TREE_SIZE`)."""

MAX_TREE_SIZE = 2**63 - 1
"""Largest tree spoken of: signed 64-bit integers hold every size."""
MAX_PATH = 64
"""Hashes in the longest proof: one for each level, and the seed of a consistency proof."""
EMPTY_ROOT = Hash32(sha256(b"").digest())
"""Root of the tree without leaves (RFC 9162 §2.1.1)."""

LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"

LeafIndexW = Annotated[LeafIndex, Meta(ge=0, lt=MAX_TREE_SIZE)]
TreeSizeW = Annotated[TreeSize, Meta(ge=0, le=MAX_TREE_SIZE)]
PathW = Annotated[tuple[Hash32W, ...], Meta(max_length=MAX_PATH)]


class MerkleError(LodelineError):
    """A tree, a position in it or a proof about it cannot be accepted."""


class IndexBeyondTree(MerkleError):
    """A leaf was named that the tree does not have."""

    index: LeafIndex
    size: TreeSize

    code = "index-beyond-tree"
    en = "the tree has {size} entries, so there is no entry number {index} (counted from 0)"
    fr = "l'arbre a {size} écritures, il n'y a donc pas d'écriture numéro {index} (à partir de 0)"
    advice_en = "ask for a proof against a later checkpoint, or correct the number"
    advice_fr = "demandez une preuve sur un point de contrôle plus récent, ou corrigez le numéro"


class NodeBeyondLog(MerkleError):
    """A subtree was asked for that is not full yet."""

    level: int
    index: int
    available: TreeSize

    code = "node-beyond-log"
    en = "node {index} on level {level} is not full in a log of {available} entries"
    fr = "le nœud {index} du niveau {level} n'est pas plein avec {available} écritures"
    advice_en = "follow the log further, or ask for a smaller tree"
    advice_fr = "suivez le journal plus loin, ou demandez un arbre plus petit"


class TreeSizeOutOfRange(MerkleError):
    """A tree size is negative or larger than any log may grow."""

    size: TreeSize
    limit: int

    code = "tree-size-out-of-range"
    en = "{size} is not a tree size; the range is 0 to {limit}"
    fr = "{size} n'est pas une taille d'arbre ; l'intervalle va de 0 à {limit}"
    advice_en = "the proof or checkpoint is damaged; fetch it again"
    advice_fr = "la preuve ou le point de contrôle est abîmé ; récupérez-le à nouveau"


class TreeShrank(MerkleError):
    """A consistency proof claims that a log became smaller."""

    old: TreeSize
    new: TreeSize

    code = "tree-shrank"
    en = "the log had {old} entries and is said to have {new} now; it can only grow"
    fr = "le journal avait {old} écritures et en aurait maintenant {new} ; il ne peut que croître"
    advice_en = "keep both checkpoints: together they show that the log was cut back"
    advice_fr = "gardez les deux points de contrôle : ensemble ils montrent une coupure du journal"


class HashLengthDiffers(MerkleError):
    """A value that should be a SHA-256 hash has another length."""

    expected: int
    got: int

    code = "hash-length-differs"
    en = "a hash of {expected} bytes was expected, {got} bytes were given"
    fr = "une empreinte de {expected} octets était attendue, {got} octets sont donnés"
    advice_en = "the data is damaged or was cut; fetch it again"
    advice_fr = "les données sont abîmées ou tronquées ; récupérez-les à nouveau"


class ProofTooShort(MerkleError):
    """A proof has fewer hashes than a tree of that size needs."""

    expected: int
    got: int

    code = "merkle-proof-too-short"
    en = "the proof needs {expected} hashes and has {got}"
    fr = "la preuve demande {expected} empreintes et en a {got}"
    advice_en = "ask whoever made the proof for a complete one"
    advice_fr = "demandez une preuve complète à son auteur"


class ProofTooLong(MerkleError):
    """A proof has more hashes than a tree of that size needs."""

    expected: int
    got: int

    code = "merkle-proof-too-long"
    en = "the proof needs {expected} hashes and has {got}"
    fr = "la preuve demande {expected} empreintes et en a {got}"
    advice_en = "refuse it: added hashes are a sign of forgery or of the wrong tree size"
    advice_fr = "refusez-la : des empreintes en trop signalent un faux ou une mauvaise taille"


class WrongRoot(MerkleError):
    """An inclusion proof leads to another root: the entry is not at that place in that tree."""

    expected: Hash32
    computed: Hash32

    code = "merkle-wrong-root"
    en = "the proof leads to the root {computed}, the checkpoint says {expected}"
    fr = "la preuve mène à la racine {computed}, le point de contrôle dit {expected}"
    advice_en = "do not rely on the entry; ask for a proof against this very checkpoint"
    advice_fr = "ne vous fiez pas à l'écriture ; demandez une preuve sur ce même point de contrôle"


class WrongOldRoot(MerkleError):
    """A consistency proof does not contain the tree that was seen before."""

    expected: Hash32
    computed: Hash32

    code = "merkle-wrong-old-root"
    en = "the proof starts from the root {computed}, the earlier checkpoint says {expected}"
    fr = "la preuve part de la racine {computed}, le point de contrôle antérieur dit {expected}"
    advice_en = "keep both checkpoints and ask again; if it stays so, history was rewritten"
    advice_fr = "gardez les deux points et redemandez ; si cela persiste, l'histoire a été réécrite"


class WrongNewRoot(MerkleError):
    """A consistency proof does not lead to the tree that is claimed now."""

    expected: Hash32
    computed: Hash32

    code = "merkle-wrong-new-root"
    en = "the proof leads to the root {computed}, the later checkpoint says {expected}"
    fr = "la preuve mène à la racine {computed}, le point de contrôle récent dit {expected}"
    advice_en = "keep both checkpoints and ask again; if it stays so, history was rewritten"
    advice_fr = "gardez les deux points et redemandez ; si cela persiste, l'histoire a été réécrite"


def leaf_hash(entry: bytes) -> EntryHash:
    """Return the leaf hash of the complete bytes of an entry (RFC 9162 §2.1.1)."""
    return EntryHash(sha256(LEAF_PREFIX + entry).digest())


def node_hash(left: Hash32, right: Hash32) -> Hash32:
    """Return the hash of an inner node; both children are 32 bytes, which is not checked."""
    return Hash32(sha256(NODE_PREFIX + left + right).digest())


class NodeSource(Protocol):
    """Whatever can say the hash of a full subtree."""

    def node(self, level: int, index: int) -> Hash32:
        """Return the hash over the leaves index·2^level … (index+1)·2^level − 1."""
        ...


class InclusionProof(Struct, frozen=True, forbid_unknown_fields=True, tag="inclusion-proof"):
    """The hashes beside the way from a leaf up to the root, nearest first (RFC 9162 §2.1.3)."""

    index: LeafIndexW
    size: TreeSizeW
    path: PathW


class ConsistencyProof(Struct, frozen=True, forbid_unknown_fields=True, tag="consistency-proof"):
    """The hashes that tie an earlier tree to a later one (RFC 9162 §2.1.4).

    Two cases the RFC leaves out are defined here: equal sizes and an old size of 0 both have an
    empty path.
    """

    old: TreeSizeW
    new: TreeSizeW
    path: PathW


def tree_root(nodes: NodeSource, size: TreeSize) -> Hash32:
    """Return the root over the first `size` leaves (RFC 9162 §2.1.1)."""
    check_size(size)
    return _range_hash(nodes, 0, size)


def peaks_of(nodes: NodeSource, size: TreeSize) -> Iterable[Hash32]:
    """Yield the hashes of the full subtrees that make up a tree, largest first."""
    check_size(size)
    return _peaks(nodes, 0, size)


def prove_inclusion(nodes: NodeSource, index: LeafIndex, size: TreeSize) -> InclusionProof:
    """Return the inclusion proof of one leaf (PATH of RFC 9162 §2.1.3.1).

    Raises:
        IndexBeyondTree: the tree of that size has no such leaf.
        NodeBeyondLog: the source does not reach that size.
    """
    check_size(size)
    check_index(index, size)
    low, high, path = 0, int(size), list[Hash32]()
    while high - low > 1:
        split = _split(low, high)
        if index < split:
            path.append(_range_hash(nodes, split, high))
            high = split
        else:
            path.append(_range_hash(nodes, low, split))
            low = split
    return InclusionProof(index, size, tuple(reversed(path)))


def prove_consistency(nodes: NodeSource, old: TreeSize, new: TreeSize) -> ConsistencyProof:
    """Return the consistency proof between two sizes (SUBPROOF of RFC 9162 §2.1.4.1).

    Raises:
        TreeShrank: the new size is below the old one.
        NodeBeyondLog: the source does not reach the new size.
    """
    _check_growth(old, new)
    low, high, path = 0, int(new), list[Hash32]()
    while old and old != high:
        split = _split(low, high)
        if old <= split:
            path.append(_range_hash(nodes, split, high))
            high = split
        else:
            path.append(_range_hash(nodes, low, split))
            low = split
    if old and low:
        path.append(_range_hash(nodes, low, high))
    return ConsistencyProof(old, new, tuple(reversed(path)))


def verify_inclusion(proof: InclusionProof, leaf: EntryHash, root: Hash32) -> None:
    """Refuse unless the leaf is at `proof.index` of the tree of `proof.size` leaves and this root.

    The caller compares `proof.size` with the checkpoint that the root comes from, and hashes the
    entry itself (`leaf_hash`). Source: RFC 9162 §2.1.3.2.

    Raises:
        TreeSizeOutOfRange, IndexBeyondTree: the place does not exist.
        ProofTooShort, ProofTooLong: not the number of hashes that this place needs.
        HashLengthDiffers: leaf, root or a hash of the path is not 32 bytes.
        WrongRoot: the path leads elsewhere.
    """
    check_size(proof.size)
    check_index(proof.index, proof.size)
    check_hashes((Hash32(leaf), root, *proof.path))
    sides = _sides(proof.index, proof.size)
    _check_length(len(sides), len(proof.path))
    computed = Hash32(leaf)
    for on_left, beside in zip(sides, proof.path, strict=True):
        computed = node_hash(beside, computed) if on_left else node_hash(computed, beside)
    if computed != root:
        raise WrongRoot(root, computed)


def verify_consistency(proof: ConsistencyProof, old_root: Hash32, new_root: Hash32) -> None:
    """Refuse unless the later tree begins with every leaf of the earlier one, in its order.

    The caller compares both sizes with the checkpoints that the roots come from. Source: RFC 9162
    §2.1.4.2; the seed is the subtree at the end of the old tree, which is the old tree itself when
    its size is a power of two.

    Raises:
        TreeSizeOutOfRange, TreeShrank: no tree grows that way.
        ProofTooShort, ProofTooLong: not the number of hashes that these sizes need.
        HashLengthDiffers: a root or a hash of the path is not 32 bytes.
        WrongOldRoot, WrongNewRoot: the path does not start from, or lead to, the root given.
    """
    old, new = proof.old, proof.new
    _check_growth(old, new)
    check_hashes((old_root, new_root, *proof.path))
    if old in {0, new}:
        _check_length(0, len(proof.path))
        computed = EMPTY_ROOT if old == 0 else new_root
        if computed != old_root:
            raise WrongOldRoot(old_root, computed)
        if new == 0 and new_root != EMPTY_ROOT:
            raise WrongNewRoot(new_root, EMPTY_ROOT)
        return
    start = _trailing_zeros(old)
    sides = _sides(LeafIndex(old - 1), new)[start:]
    whole = old == 1 << start
    _check_length(len(sides) + (not whole), len(proof.path))
    seed, path = (old_root, proof.path) if whole else (proof.path[0], proof.path[1:])
    _compare_roots(_fold_both(seed, path, sides), old_root, new_root)


def _fold_both(
    seed: Hash32, path: Sequence[Hash32], sides: Sequence[bool]
) -> tuple[Hash32, Hash32]:
    """Return the old and the new root: what lies to the left was there before, the rest is new."""
    old = new = seed
    for on_left, beside in zip(sides, path, strict=True):
        if on_left:
            old, new = node_hash(beside, old), node_hash(beside, new)
        else:
            new = node_hash(new, beside)
    return old, new


def _compare_roots(computed: tuple[Hash32, Hash32], old_root: Hash32, new_root: Hash32) -> None:
    if computed[0] != old_root:
        raise WrongOldRoot(old_root, computed[0])
    if computed[1] != new_root:
        raise WrongNewRoot(new_root, computed[1])


def _sides(index: LeafIndex, size: TreeSize) -> list[bool]:
    """Say for each step from a leaf to the root whether the hash beside it is on the left.

    Up to the level where the way of this leaf meets that of the last leaf, the bits of the index
    decide; above it this leaf is on the right edge, where only left neighbours exist.
    """
    inner = (index ^ (size - 1)).bit_length()
    edge = (index >> inner).bit_count()
    return [bool(index >> level & 1) for level in range(inner)] + [True] * edge


def _range_hash(nodes: NodeSource, low: int, high: int) -> Hash32:
    return fold_peaks(list(_peaks(nodes, low, high)))


def _peaks(nodes: NodeSource, low: int, high: int) -> Iterable[Hash32]:
    """Yield the full subtrees of a range that starts where a subtree of its size may start."""
    while low < high:
        level = (high - low).bit_length() - 1
        yield nodes.node(level, low >> level)
        low += 1 << level


def fold_peaks(peaks: Sequence[Hash32]) -> Hash32:
    """Return the root over full subtrees given largest first; `EMPTY_ROOT` when there is none."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def _split(low: int, high: int) -> int:
    """Return where RFC 9162 §2.1.1 splits a range: at the largest power of two below its length."""
    return low + (1 << ((high - low - 1).bit_length() - 1))


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def check_size(size: TreeSize) -> None:
    """Refuse a number that is no tree size.

    Raises:
        TreeSizeOutOfRange: below 0 or above `MAX_TREE_SIZE`.
    """
    if not 0 <= size <= MAX_TREE_SIZE:
        raise TreeSizeOutOfRange(size, MAX_TREE_SIZE)


def check_index(index: LeafIndex, size: TreeSize) -> None:
    """Refuse the index of a leaf that a tree does not have.

    Raises:
        IndexBeyondTree: below 0, or not below the size.
    """
    if not 0 <= index < size:
        raise IndexBeyondTree(index, size)


def _check_growth(old: TreeSize, new: TreeSize) -> None:
    check_size(old)
    check_size(new)
    if new < old:
        raise TreeShrank(old, new)


def check_hashes(hashes: Iterable[Hash32]) -> None:
    """Refuse values that are not 32 bytes: concatenated in a node, they could be read two ways.

    Raises:
        HashLengthDiffers: one of them has another length.
    """
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise HashLengthDiffers(HASH_BYTES, len(value))


def _check_length(expected: int, got: int) -> None:
    if got < expected:
        raise ProofTooShort(expected, got)
    if got > expected:
        raise ProofTooLong(expected, got)
