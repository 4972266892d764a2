"""The state of the ledger under one hash: a compact sparse Merkle map from 32 to 32 bytes.

Every key has its place in a binary tree of depth 256, given by its bits, first bit first. A subtree
that holds nothing is one constant, and a subtree that holds a single key is that key's leaf, at the
highest level where no other key shares its prefix; so a map of n random keys is about log2(n) deep.
The shape, and with it the root, depends only on what is in the map, never on the order in which it
came there. For the same reason the map can prove that a key is *not* in it.

Sources: R. Dahlberg, T. Pulls, R. Peeters, "Efficient Sparse Merkle Trees", NordSec 2016 (the tree
and its non-membership proofs); Lisk LIP 0039, and Z. Gao, Y. Hu, Q. Wu, "Jellyfish Merkle Tree",
2021 (a lone leaf stands for its subtree, and carries its key). The hashes are this project's own:

    empty = SHA-256("lodeline/statemap/1/none" 00)
    leaf  = SHA-256("lodeline/statemap/1/leaf" 00 | key | value)
    node  = SHA-256("lodeline/statemap/1/node" 00 | left | right)

Keys must be hashes. Whoever could choose two keys with a long common prefix would make the path to
both as long as that prefix (256 steps at worst): slow, but still correct.

What a proof does not show: which state the root belongs to. The caller takes the root from a
checkpoint that it trusts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, NamedTuple, TypeAlias

from msgspec import Meta, Struct

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import HASH_BYTES, Hash32, Hash32W
from lodeline.ledger.merkle import check_hashes

MAX_DEPTH = 8 * HASH_BYTES
"""Most steps from the root to a leaf: the bits of a key."""

_NONE = b"lodeline/statemap/1/none\x00"
_LEAF = b"lodeline/statemap/1/leaf\x00"
_NODE = b"lodeline/statemap/1/node\x00"

EMPTY_MAP = Hash32(sha256(_NONE).digest())
"""Root of the map that holds nothing, and hash of every empty place."""

_BIT = (0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01)
_HALVES = tuple(
    tuple(bytes([byte & (0xFF00 >> at) & 0xFF | bit]) for byte in range(256))
    for at, bit in enumerate(_BIT)
)
"""By bit and byte: the byte with this bit set and all after it cleared, where the right half of
the keys begins."""

_Leaf: TypeAlias = tuple[bytes, bytes]
"""Key and value. Its hash is made when needed: storing it would cost a third of the memory."""
_Branch: TypeAlias = "tuple[_Node | None, _Node | None, bytes]"
"""Both children and the node's hash. At least two keys lie below it."""
_Node: TypeAlias = "_Leaf | _Branch"
SiblingsW = Annotated[tuple[Hash32W, ...], Meta(max_length=MAX_DEPTH)]


class StateMapError(LodelineError):
    """A map, a key of it or a proof about it cannot be accepted."""


class KeyMissing(StateMapError):
    """A proof of presence was asked for a key that the map does not hold."""

    key: Hash32

    code = "state-key-missing"
    en = "the state has nothing under {key}"
    fr = "l'état n'a rien sous {key}"
    advice_en = "ask for a proof of absence, or look in another state"
    advice_fr = "demandez une preuve d'absence, ou cherchez dans un autre état"


class KeyTaken(StateMapError):
    """A proof of absence was asked for a key that the map does hold."""

    key: Hash32
    value: Hash32

    code = "state-key-taken"
    en = "the state holds {value} under {key}, so its absence cannot be proved"
    fr = "l'état contient {value} sous {key}, son absence ne peut donc être prouvée"
    advice_en = "ask for a proof of presence, or look in another state"
    advice_fr = "demandez une preuve de présence, ou cherchez dans un autre état"


class KeyRepeated(StateMapError):
    """A snapshot names the same key twice."""

    key: Hash32

    code = "state-key-repeated"
    en = "the snapshot names the key {key} twice"
    fr = "l'instantané nomme deux fois la clé {key}"
    advice_en = "the snapshot is damaged; rebuild the state from the log"
    advice_fr = "l'instantané est abîmé ; reconstruisez l'état à partir du journal"


class StatePathTooDeep(StateMapError):
    """A proof has more steps than a key has bits."""

    steps: int
    limit: int

    code = "state-path-too-deep"
    en = "the proof has {steps} steps, a key has {limit} bits"
    fr = "la preuve a {steps} pas, une clé a {limit} bits"
    advice_en = "refuse it and ask for a proof that was made from the state"
    advice_fr = "refusez-la et demandez une preuve faite à partir de l'état"


class WrongStateRoot(StateMapError):
    """A proof leads to another state root: what it says is not so in that state."""

    expected: Hash32
    computed: Hash32

    code = "wrong-state-root"
    en = "the proof leads to the state root {computed}, the checkpoint says {expected}"
    fr = "la preuve mène à la racine d'état {computed}, le point de contrôle dit {expected}"
    advice_en = "do not rely on it; ask for a proof against this very checkpoint"
    advice_fr = "ne vous y fiez pas ; demandez une preuve sur ce même point de contrôle"


class OccupantIsTheKey(StateMapError):
    """A proof of absence shows the very key that it says is absent."""

    key: Hash32

    code = "state-occupant-is-the-key"
    en = "the proof that {key} is absent shows that it is present"
    fr = "la preuve que {key} est absente montre qu'elle est présente"
    advice_en = "treat the key as present"
    advice_fr = "considérez la clé comme présente"


class OccupantElsewhere(StateMapError):
    """A proof of absence shows a leaf that is not where the absent key would be."""

    key: Hash32
    occupant: Hash32
    steps: int
    shared: int

    code = "state-occupant-elsewhere"
    en = "the leaf {occupant} shares {shared} bits with {key}, {steps} are needed"
    fr = "la feuille {occupant} partage {shared} bits avec {key}, il en faut {steps}"
    advice_en = "refuse it and ask for a proof that was made from the state"
    advice_fr = "refusez-la et demandez une preuve faite à partir de l'état"


class Occupant(Struct, frozen=True, forbid_unknown_fields=True):
    """The only leaf below the place where an absent key would be."""

    key: Hash32W
    value: Hash32W


class PresenceProof(Struct, frozen=True, forbid_unknown_fields=True, tag="presence-proof"):
    """The hashes beside the way to a leaf, deepest first. Key and value are the verifier's own."""

    siblings: SiblingsW


class AbsenceProof(Struct, frozen=True, forbid_unknown_fields=True, tag="absence-proof"):
    """The hashes beside the way to an empty place, or to the one leaf that stands there instead."""

    siblings: SiblingsW
    occupant: Occupant | None


class StateMap:
    """A map with a root, as an immutable value.

    `updated` returns another map and leaves this one as it was; the two share everything that did
    not change. So a block is tried by computing the next map, and taken back by dropping it. Equal
    contents have equal roots, whatever way led to them.

    Memory: about 250 bytes for each key, besides key and value themselves.
    """

    __slots__ = ("_top",)

    def __init__(self, items: Iterable[tuple[Hash32, Hash32]] = ()) -> None:
        """Build the map of these items, as `items` gives them, in any order.

        Raises:
            HashLengthDiffers: a key or value is not 32 bytes.
            KeyRepeated: a key is named twice.
        """
        leaves = sorted(items)
        for at, (key, value) in enumerate(leaves):
            check_hashes((key, value))
            if at and leaves[at - 1][0] == key:
                raise KeyRepeated(key)
        keys = [bytes(key) for key, _ in leaves]
        self._top: _Node | None = _grown(keys, [bytes(value) for _, value in leaves], 0)

    @property
    def root(self) -> Hash32:
        """The hash that stands for the whole content."""
        return Hash32(_hash_of(self._top))

    def get(self, key: Hash32) -> Hash32 | None:
        """Return the value under a key, or None.

        Raises:
            HashLengthDiffers: the key is not 32 bytes.
        """
        _, leaf = self._walk(key)
        return Hash32(leaf[1]) if leaf is not None and leaf[0] == key else None

    def __contains__(self, key: Hash32) -> bool:
        return self.get(key) is not None

    def items(self) -> Iterator[tuple[Hash32, Hash32]]:
        """Yield everything in the map, in the order of the keys: the snapshot to store."""
        waiting = [self._top]
        while waiting:
            node = waiting.pop()
            if node is None:
                continue
            if len(node) == 2:
                yield Hash32(node[0]), Hash32(node[1])
            else:
                waiting += (node[1], node[0])

    def updated(self, changes: Mapping[Hash32, Hash32 | None]) -> StateMap:
        """Return the map after these changes; None takes a key away, whether it was there or not.

        One call with many changes is much cheaper than many calls: shared nodes are hashed once.

        Raises:
            HashLengthDiffers: a key or value is not 32 bytes.
        """
        check_hashes(changes)
        check_hashes(value for value in changes.values() if value is not None)
        result, ordered = StateMap(), _Changes(sorted(changes), changes)
        result._top = _merged(self._top, 0, ordered, 0, len(ordered.keys))
        return result

    def prove_presence(self, key: Hash32) -> PresenceProof:
        """Return the proof that the map holds its value under a key.

        Raises:
            KeyMissing: it holds nothing there.
        """
        siblings, leaf = self._walk(key)
        if leaf is None or leaf[0] != key:
            raise KeyMissing(key)
        return PresenceProof(siblings)

    def prove_absence(self, key: Hash32) -> AbsenceProof:
        """Return the proof that the map holds nothing under a key.

        Raises:
            KeyTaken: it does.
        """
        siblings, leaf = self._walk(key)
        if leaf is None:
            return AbsenceProof(siblings, None)
        if leaf[0] == key:
            raise KeyTaken(key, Hash32(leaf[1]))
        return AbsenceProof(siblings, Occupant(Hash32(leaf[0]), Hash32(leaf[1])))

    def _walk(self, key: Hash32) -> tuple[tuple[Hash32, ...], _Leaf | None]:
        """Return the hashes beside the way to a key's place, deepest first, and what is there."""
        check_hashes((key,))
        siblings, node, depth = list[Hash32](), self._top, 0
        while node is not None and len(node) == 3:
            right = _goes_right(key, depth)
            siblings.append(Hash32(_hash_of(node[0] if right else node[1])))
            node = node[1] if right else node[0]
            depth += 1
        return tuple(reversed(siblings)), node


def verify_presence(root: Hash32, key: Hash32, value: Hash32, proof: PresenceProof) -> None:
    """Refuse unless the state with this root holds this value under this key.

    Raises:
        HashLengthDiffers: a hash is not 32 bytes.
        StatePathTooDeep: more steps than bits.
        WrongStateRoot: it does not hold it.
    """
    check_hashes((root, key, value))
    _compare(root, key, leaf_digest(key, value), proof.siblings)


def verify_absence(root: Hash32, key: Hash32, proof: AbsenceProof) -> None:
    """Refuse unless the state with this root holds nothing under this key.

    Raises:
        HashLengthDiffers: a hash is not 32 bytes.
        StatePathTooDeep: more steps than bits.
        OccupantIsTheKey, OccupantElsewhere: the leaf shown does not exclude the key.
        WrongStateRoot: that place is not empty or not held by that leaf.
    """
    check_hashes((root, key))
    bottom, occupant = EMPTY_MAP, proof.occupant
    if occupant is not None:
        check_hashes((occupant.key, occupant.value))
        if occupant.key == key:
            raise OccupantIsTheKey(key)
        shared = _shared_bits(key, occupant.key)
        if shared < len(proof.siblings):
            raise OccupantElsewhere(key, occupant.key, len(proof.siblings), shared)
        bottom = leaf_digest(occupant.key, occupant.value)
    _compare(root, key, bottom, proof.siblings)


def leaf_digest(key: Hash32, value: Hash32) -> Hash32:
    """Return the hash of a leaf; both are 32 bytes, which is not checked."""
    return Hash32(sha256(_LEAF + key + value).digest())


def branch_digest(left: Hash32, right: Hash32) -> Hash32:
    """Return the hash of an inner node; both are 32 bytes, which is not checked."""
    return Hash32(sha256(_NODE + left + right).digest())


def _compare(root: Hash32, key: Hash32, bottom: Hash32, siblings: Sequence[Hash32]) -> None:
    """Climb from the bottom of a key's way and compare with the root."""
    if len(siblings) > MAX_DEPTH:
        raise StatePathTooDeep(len(siblings), MAX_DEPTH)
    check_hashes(siblings)
    computed, depth = bottom, len(siblings)
    for beside in siblings:
        depth -= 1
        if _goes_right(key, depth):
            computed = branch_digest(beside, computed)
        else:
            computed = branch_digest(computed, beside)
    if computed != root:
        raise WrongStateRoot(root, computed)


class _Changes(NamedTuple):
    """Changes to merge: their keys in order, each with its new value or None."""

    keys: Sequence[Hash32]
    value: Mapping[Hash32, Hash32 | None]


def _merged(
    node: _Node | None, depth: int, changes: _Changes, first: int, end: int
) -> _Node | None:
    """Return a subtree after the changes ``first`` to ``end``, which all belong below it."""
    if first == end:
        return node
    if end - first == 1:
        key = changes.keys[first]
        value = changes.value[key]
        if value is not None:
            return _placed(node, depth, (key, value))
    if node is None or len(node) == 2:
        return _grown(*_with_leaf(node, changes, first, end), depth)
    cut = _cut(changes.keys, depth, first, end)
    left = _merged(node[0], depth + 1, changes, first, cut)
    right = _merged(node[1], depth + 1, changes, cut, end)
    if left is node[0] and right is node[1]:
        return node
    return _joined(left, right)


def _with_leaf(
    leaf: _Leaf | None, changes: _Changes, first: int, end: int
) -> tuple[list[bytes], list[bytes]]:
    """Return keys and values of what a place holds after the changes, in the order of the keys."""
    found: dict[bytes, bytes | None] = {key: changes.value[key] for key in changes.keys[first:end]}
    if leaf is not None:
        found.setdefault(leaf[0], leaf[1])
    held = sorted((key, value) for key, value in found.items() if value is not None)
    return [key for key, _ in held], [value for _, value in held]


def _placed(node: _Node | None, depth: int, leaf: _Leaf) -> _Node:
    """Return a subtree with one leaf put in or replaced; most changes of a large map are alone.

    A leaf that is there never makes its neighbours rise, so the way down is the way up.
    """
    key = leaf[0]
    way: list[tuple[_Node | None, int]] = []
    while node is not None and len(node) == 3:
        right = key[depth >> 3] & _BIT[depth & 7]
        way.append((node[0] if right else node[1], right))
        node = node[1] if right else node[0]
        depth += 1
    placed: _Node = leaf
    if node is not None and node[0] != key:
        pair = sorted((leaf, node))
        placed = _pair(pair[0], pair[1], depth)
    digest = _hash_of(placed)
    for beside, right in reversed(way):
        # Nearly always a branch, whose hash is there: no call for it.
        other = beside[2] if beside is not None and len(beside) == 3 else _hash_of(beside)
        if right:
            digest = sha256(_NODE + other + digest).digest()
            placed = (beside, placed, digest)
        else:
            digest = sha256(_NODE + digest + other).digest()
            placed = (placed, beside, digest)
    return placed


def _pair(left: _Leaf, right: _Leaf, depth: int) -> _Branch:
    """Return the subtree of two leaves, the lesser key first."""
    shared = _shared_bits(left[0], right[0])
    digest = sha256(_NODE + _hash_of(left) + _hash_of(right)).digest()
    pair: _Branch = (left, right, digest)
    for above in range(shared - 1, depth - 1, -1):
        if _goes_right(left[0], above):
            pair = (None, pair, sha256(_NODE + EMPTY_MAP + pair[2]).digest())
        else:
            pair = (pair, None, sha256(_NODE + pair[2] + EMPTY_MAP).digest())
    return pair


def _grown(keys: Sequence[bytes], values: Sequence[bytes], depth: int) -> _Node | None:
    """Return the subtree that holds exactly these leaves, in the order of their keys."""
    if len(keys) < 2:
        return (keys[0], values[0]) if keys else None
    if len(keys) == 2:
        return _pair((keys[0], values[0]), (keys[1], values[1]), depth)
    cut = _cut(keys, depth, 0, len(keys))
    return _joined(
        _grown(keys[:cut], values[:cut], depth + 1), _grown(keys[cut:], values[cut:], depth + 1)
    )


def _joined(left: _Node | None, right: _Node | None) -> _Node | None:
    """Return the node over two subtrees; a lone leaf rises instead, an empty pair vanishes."""
    if left is None and (right is None or len(right) == 2):
        return right
    if right is None and left is not None and len(left) == 2:
        return left
    return left, right, sha256(_NODE + _hash_of(left) + _hash_of(right)).digest()


def _hash_of(node: _Node | None) -> bytes:
    if node is None:
        return EMPTY_MAP
    return node[2] if len(node) == 3 else sha256(_LEAF + node[0] + node[1]).digest()


def _cut(keys: Sequence[bytes], depth: int, first: int, end: int) -> int:
    """Return where those of sorted keys begin that go right at a depth; they agree up to it."""
    at = depth >> 3
    some = keys[first]
    return bisect_left(keys, some[:at] + _HALVES[depth & 7][some[at]], first, end)


def _goes_right(key: bytes, depth: int) -> int:
    return key[depth >> 3] & _BIT[depth & 7]


def _shared_bits(one: bytes, other: bytes) -> int:
    """Return how many leading bits two keys share."""
    differing = int.from_bytes(one) ^ int.from_bytes(other)
    return MAX_DEPTH - differing.bit_length()
