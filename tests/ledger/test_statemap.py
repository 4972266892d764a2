"""The state map against a dictionary, a naive tree, and people who bend proofs."""

from collections.abc import Mapping
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.kernel.cbor import decode_struct, encode_struct
from lodeline.kernel.ids import Hash32
from lodeline.ledger.merkle import HashLengthDiffers
from lodeline.ledger.statemap import (
    EMPTY_MAP,
    MAX_DEPTH,
    AbsenceProof,
    KeyMissing,
    KeyRepeated,
    KeyTaken,
    Occupant,
    OccupantElsewhere,
    OccupantIsTheKey,
    PresenceProof,
    StateMap,
    StatePathTooDeep,
    WrongStateRoot,
    branch_digest,
    leaf_digest,
    verify_absence,
    verify_presence,
)

Content = Mapping[Hash32, Hash32]


def digest(number: int) -> Hash32:
    return Hash32(sha256(b"%d" % number).digest())


def close_key(head: int, tail: int) -> Hash32:
    """A key that shares long prefixes with its like, as no hash would."""
    return Hash32(bytes([head]) + bytes(30) + bytes([tail]))


# Computed by `naive_root` below over digest(n) -> digest(n + 1), n = 0 … 999.
NAIVE_ROOT_OF_1000 = "d91877b76104d4f6eadb0c2769aba42f5b023bb3b8c1664561f1d275efe4fa17"

keys = st.one_of(
    st.integers(0, 200).map(digest),
    st.builds(close_key, st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255)),
)
values = st.integers(0, 50).map(digest)
contents = st.dictionaries(keys, values, max_size=30)
changes = st.dictionaries(keys, st.one_of(st.none(), values), max_size=30)


def naive_root(content: Content, prefix: str = "") -> bytes:
    """The definition in the module's head, one bit at a time."""
    if not content:
        return sha256(b"lodeline/statemap/1/none\x00").digest()
    if len(content) == 1:
        ((key, value),) = content.items()
        return sha256(b"lodeline/statemap/1/leaf\x00" + key + value).digest()
    halves: tuple[dict[Hash32, Hash32], dict[Hash32, Hash32]] = ({}, {})
    for key, value in content.items():
        bits = f"{int.from_bytes(key):0256b}"
        halves[int(bits[len(prefix)])][key] = value
    left, right = (naive_root(half, f"{prefix}{bit}") for bit, half in enumerate(halves))
    return sha256(b"lodeline/statemap/1/node\x00" + left + right).digest()


def after(content: Content, change: Mapping[Hash32, Hash32 | None]) -> dict[Hash32, Hash32]:
    merged = {**content, **change}
    return {key: value for key, value in merged.items() if value is not None}


def flipped(value: bytes) -> Hash32:
    return Hash32(bytes([value[0] ^ 1]) + value[1:])


# ------------------------------------------------------------------ a dictionary with a root


@given(contents)
def test_the_root_is_the_naive_root(content: Content) -> None:
    assert StateMap(content.items()).root == naive_root(content)


@given(contents, st.data())
def test_the_order_of_arrival_leaves_no_trace(content: Content, data: st.DataObject) -> None:
    state = StateMap()
    for key in data.draw(st.permutations(sorted(content))):
        state = state.updated({key: content[key]})
    assert state.root == StateMap(content.items()).root


@given(contents, st.lists(changes, max_size=4))
def test_it_behaves_like_a_dictionary(
    content: Content, batches: list[dict[Hash32, Hash32 | None]]
) -> None:
    state = StateMap(content.items())
    for batch in batches:
        content, state = after(content, batch), state.updated(batch)
        assert dict(state.items()) == content
        assert list(state.items()) == sorted(content.items())
        assert state.root == naive_root(content)
        assert all(state.get(key) == content.get(key) for key in batch)
        assert all((key in state) == (key in content) for key in batch)


@given(contents, changes)
def test_a_dropped_block_leaves_no_trace(
    content: Content, change: dict[Hash32, Hash32 | None]
) -> None:
    state = StateMap(content.items())
    before = state.root
    tried = state.updated(change)
    undo = {key: content.get(key) for key in change}
    assert state.root == before == naive_root(content)
    assert dict(state.items()) == content
    assert tried.updated(undo).root == before


@given(contents, changes)
def test_a_batch_equals_its_single_changes(
    content: Content, change: dict[Hash32, Hash32 | None]
) -> None:
    state = StateMap(content.items())
    single = state
    for key, value in change.items():
        single = single.updated({key: value})
    assert single.root == state.updated(change).root


@given(contents)
def test_a_snapshot_gives_the_same_root(content: Content) -> None:
    state = StateMap(content.items())
    assert StateMap(list(state.items())[::-1]).root == state.root


def test_known_roots() -> None:
    """Frozen: a change here changes every application hash."""
    assert StateMap().root == EMPTY_MAP == sha256(b"lodeline/statemap/1/none\x00").digest()
    one = StateMap([(digest(1), digest(2))])
    assert one.root == leaf_digest(digest(1), digest(2))
    many = StateMap((digest(number), digest(number + 1)) for number in range(1000))
    assert many.root.hex() == NAIVE_ROOT_OF_1000


def test_a_key_that_was_never_there_may_be_taken_away() -> None:
    state = StateMap([(digest(1), digest(2))])
    assert state.updated({digest(3): None}).root == state.root
    assert state.updated({}).root == state.root
    assert state.updated({digest(1): None}).root == EMPTY_MAP


def test_keys_may_differ_in_the_last_bit_only() -> None:
    content = {close_key(7, 0): digest(1), close_key(7, 1): digest(2)}
    state = StateMap(content.items())
    proof = state.prove_presence(close_key(7, 1))
    assert len(proof.siblings) == MAX_DEPTH
    verify_presence(state.root, close_key(7, 1), digest(2), proof)
    assert state.updated({close_key(7, 0): None}).root == leaf_digest(close_key(7, 1), digest(2))


def test_a_snapshot_that_repeats_a_key_is_refused() -> None:
    with pytest.raises(KeyRepeated) as refused:
        StateMap([(digest(1), digest(2)), (digest(3), digest(2)), (digest(1), digest(4))])
    assert refused.value.key == digest(1)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_only_32_bytes_are_keys_and_values(length: int) -> None:
    odd, state = Hash32(bytes(length)), StateMap([(digest(1), digest(2))])
    with pytest.raises(HashLengthDiffers) as refused:
        StateMap([(odd, digest(1))])
    assert (refused.value.expected, refused.value.got) == (32, length)
    with pytest.raises(HashLengthDiffers):
        StateMap([(digest(1), odd)])
    with pytest.raises(HashLengthDiffers):
        state.updated({odd: None})
    with pytest.raises(HashLengthDiffers):
        state.updated({digest(1): odd})
    with pytest.raises(HashLengthDiffers):
        state.get(odd)
    with pytest.raises(HashLengthDiffers):
        verify_presence(state.root, digest(1), odd, PresenceProof(()))
    with pytest.raises(HashLengthDiffers):
        verify_presence(state.root, digest(1), digest(2), PresenceProof((odd,)))
    with pytest.raises(HashLengthDiffers):
        verify_absence(odd, digest(1), AbsenceProof((), None))
    with pytest.raises(HashLengthDiffers):
        verify_absence(state.root, digest(3), AbsenceProof((), Occupant(digest(1), odd)))


# ------------------------------------------------------------------ honest proofs


@given(contents, keys)
def test_every_key_is_provably_there_or_provably_not(content: Content, key: Hash32) -> None:
    state = StateMap(content.items())
    if key in content:
        presence = state.prove_presence(key)
        verify_presence(state.root, key, content[key], presence)
        assert decode_struct(encode_struct(presence), PresenceProof) == presence
        with pytest.raises(KeyTaken) as taken:
            state.prove_absence(key)
        assert (taken.value.key, taken.value.value) == (key, content[key])
    else:
        absence = state.prove_absence(key)
        verify_absence(state.root, key, absence)
        assert decode_struct(encode_struct(absence), AbsenceProof) == absence
        with pytest.raises(KeyMissing) as missing:
            state.prove_presence(key)
        assert missing.value.key == key


# ------------------------------------------------------------------ forged proofs


def crowded() -> StateMap:
    return StateMap((digest(number), digest(number + 1)) for number in range(64))


def absent_pair(state: StateMap) -> tuple[Hash32, Hash32]:
    """Two absent keys: one whose place is empty, one whose place a leaf holds."""
    numbers = range(1000, 2000)
    proofs = {digest(number): state.prove_absence(digest(number)) for number in numbers}
    empty = next(key for key, proof in proofs.items() if proof.occupant is None)
    held = next(key for key, proof in proofs.items() if proof.occupant is not None)
    return empty, held


def test_a_spent_tag_cannot_be_shown_as_unspent() -> None:
    """The holder of a spent tag tries every non-membership proof there is in that state."""
    state = crowded()
    tag, tried = digest(5), 0
    own = state.prove_presence(tag)
    for steps in range(len(own.siblings) + 1):
        with pytest.raises(WrongStateRoot):
            verify_absence(state.root, tag, AbsenceProof(own.siblings[-steps:], None))
    for number in range(64):
        other = Occupant(digest(number), digest(number + 1))
        path = state.prove_presence(digest(number)).siblings
        with pytest.raises((OccupantElsewhere, OccupantIsTheKey)):
            verify_absence(state.root, tag, AbsenceProof(path, other))
        with pytest.raises((OccupantElsewhere, OccupantIsTheKey)):
            verify_absence(state.root, tag, AbsenceProof(own.siblings, other))
        tried += 1
    for key in absent_pair(state):
        with pytest.raises((OccupantElsewhere, WrongStateRoot)):
            verify_absence(state.root, tag, state.prove_absence(key))
    assert tried == 64


def test_an_occupant_that_is_the_key_proves_the_opposite() -> None:
    state = crowded()
    path = state.prove_presence(digest(5)).siblings
    with pytest.raises(OccupantIsTheKey) as refused:
        verify_absence(state.root, digest(5), AbsenceProof(path, Occupant(digest(5), digest(6))))
    assert refused.value.key == digest(5)


def test_an_occupant_must_stand_on_the_way_to_the_key() -> None:
    state = StateMap(
        [
            (close_key(0, 0), digest(1)),
            (close_key(128, 0), digest(2)),
            (close_key(64, 0), digest(3)),
        ]
    )
    path = state.prove_presence(close_key(0, 0)).siblings
    lie = AbsenceProof(path, Occupant(close_key(0, 0), digest(1)))
    with pytest.raises(OccupantElsewhere) as refused:
        verify_absence(state.root, close_key(64, 0), lie)
    assert (refused.value.steps, refused.value.shared) == (2, 1)
    assert (refused.value.key, refused.value.occupant) == (close_key(64, 0), close_key(0, 0))


def test_a_proof_is_for_one_key_and_one_value() -> None:
    state, tried = crowded(), 0
    for number in range(64):
        proof = state.prove_presence(digest(number))
        for key, value in [
            (digest(number), digest(number)),
            (digest(number + 1), digest(number + 1)),
            (digest(number + 1), digest(number + 2)),
            (digest(number + 1), digest(number)),
        ]:
            with pytest.raises(WrongStateRoot) as refused:
                verify_presence(state.root, key, value, proof)
            assert refused.value.expected == state.root
            tried += 1
    assert tried == 256


def test_every_hash_of_a_proof_counts() -> None:
    state, tried = crowded(), 0
    present = state.prove_presence(digest(9)).siblings
    for at, sibling in enumerate(present):
        bent = (*present[:at], flipped(sibling), *present[at + 1 :])
        with pytest.raises(WrongStateRoot):
            verify_presence(state.root, digest(9), digest(10), PresenceProof(bent))
        tried += 1
    for key in absent_pair(state):
        proof = state.prove_absence(key)
        for at, sibling in enumerate(proof.siblings):
            bent = (*proof.siblings[:at], flipped(sibling), *proof.siblings[at + 1 :])
            with pytest.raises(WrongStateRoot):
                verify_absence(state.root, key, AbsenceProof(bent, proof.occupant))
            tried += 1
    assert tried > 9


def test_swapped_cut_and_padded_proofs_are_refused() -> None:
    state = crowded()
    path = state.prove_presence(digest(9)).siblings
    assert len(path) > 2
    bent = [
        (path[1], path[0], *path[2:]),
        path[::-1],
        path[1:],
        path[:-1],
        (*path, EMPTY_MAP),
        (EMPTY_MAP, *path),
        (),
    ]
    for siblings in bent:
        with pytest.raises(WrongStateRoot):
            verify_presence(state.root, digest(9), digest(10), PresenceProof(siblings))


def test_an_absence_proof_bent_at_its_end_is_refused() -> None:
    state = crowded()
    empty, held = absent_pair(state)
    hollow, full = state.prove_absence(empty), state.prove_absence(held)
    assert full.occupant is not None
    stranger = Occupant(full.occupant.key, flipped(full.occupant.value))
    for key, proof in [
        (held, AbsenceProof(full.siblings, None)),
        (held, AbsenceProof(full.siblings, stranger)),
        (held, AbsenceProof(full.siblings[1:], full.occupant)),
        (empty, AbsenceProof(hollow.siblings[1:], None)),
        (empty, AbsenceProof((EMPTY_MAP, *hollow.siblings), None)),
        (empty, AbsenceProof(hollow.siblings, Occupant(flipped(empty), digest(1)))),
    ]:
        with pytest.raises((WrongStateRoot, OccupantElsewhere)):
            verify_absence(state.root, key, proof)


def test_an_inner_node_is_no_leaf() -> None:
    """The attack that the prefixes stop: two child hashes offered as key and value."""
    left, right = leaf_digest(digest(1), digest(2)), leaf_digest(digest(3), digest(4))
    root = branch_digest(left, right)
    with pytest.raises(WrongStateRoot):
        verify_presence(root, left, right, PresenceProof(()))
    with pytest.raises(WrongStateRoot):
        verify_absence(root, digest(9), AbsenceProof((), Occupant(left, right)))


def test_a_proof_for_an_older_state_is_refused() -> None:
    state = crowded()
    proof = state.prove_absence(digest(777))
    spent = state.updated({digest(777): digest(1)})
    with pytest.raises(WrongStateRoot):
        verify_absence(spent.root, digest(777), proof)


def test_nothing_is_deeper_than_a_key() -> None:
    deep = (EMPTY_MAP,) * (MAX_DEPTH + 1)
    with pytest.raises(StatePathTooDeep) as refused:
        verify_presence(EMPTY_MAP, digest(1), digest(2), PresenceProof(deep))
    assert (refused.value.steps, refused.value.limit) == (257, 256)
    with pytest.raises(StatePathTooDeep):
        verify_absence(EMPTY_MAP, digest(1), AbsenceProof(deep, None))
